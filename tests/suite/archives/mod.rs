//! Packages as attackers, bad mirrors and broken disks would have them: each row
//! of the fault catalogue's sections D, E and F is a test named after it.

mod container;
mod decompression;
mod hashing;
mod links;
mod members;
mod merging;
mod names;
mod never_panics;
mod stream;
pub mod support;

/// Names the file into which each archive that is tried is noted, a line each.
pub(crate) const TALLY: &str = "REML_TOOLCHAIN_TALLY";
