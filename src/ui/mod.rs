//! How things are shown: progress on stderr, failures with their hints, data on stdout.
//! Nothing is decided here, and no room below knows this one.

pub mod bytes;
pub mod failure;
pub mod output;
pub mod progress;

pub use output::Output;
pub use progress::{Reporter, Verbosity};
