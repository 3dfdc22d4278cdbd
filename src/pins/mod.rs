//! The two files that hold the truth: `versions.toml`, what people want, and
//! `checksums.txt`, what is accepted. Pure: text in, values out, text out.

pub mod document;
pub mod lock;
pub mod problem;
pub mod target;
pub mod versions;

pub use lock::{Lock, LockedArchive, LockedPackage, SuiteState};
pub use target::{TARGETS, Target};
pub use versions::Pins;
