//! Where clang and lld come from on this host, and what they say they are. The rules
//! are pure: files and processes are reached through [`Probe`] only, whose real form is
//! [`host::Host`], and nothing found is believed for its name.

mod banner;
pub mod brew;
pub mod host;
pub mod machine;
mod rejection;
pub mod rootless;
mod search;

pub use banner::{BannerError, ClangBanner, LlvmVersion, Vendor, clang_banner, lld_banner};
pub use rejection::{Reason, Rejection};

pub use search::{Candidate, Installation, Probe, REQUIRED, candidates, find, inspect};
