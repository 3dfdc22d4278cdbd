//! What the tests share. Nothing here may reach beyond loopback and its own temporary
//! folders.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::too_many_lines,
    dead_code,
    reason = "tests look at the world themselves, fail by panics, and hold tables of cases"
)]

pub mod archive;
pub mod brew;
pub mod cache;
pub mod certs;
pub mod corpus;
pub mod fixture;
pub mod fuzz_bodies;
pub mod judges;
pub mod mirror;
pub mod net;
pub mod places;
pub mod server;
pub mod signer;
pub mod sources;
pub mod strace;
pub mod tls;
