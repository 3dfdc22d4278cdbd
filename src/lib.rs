//! `reml-toolchain`: a verified, pinned, rootless, offline-capable Linux cross toolchain
//! from Debian's signed archive. ARCHITECTURE.md tells what each room is for and which
//! way the arrows point.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod audit;
pub mod cli;
pub mod debian;
pub mod doctor;
pub mod elf;
pub mod emulate;
pub mod host;
pub mod inspect;
pub mod link;
pub mod llvm;
pub mod lock;
pub mod pins;
pub mod prepare;
pub mod report;
pub mod runtime_build;
pub mod sbom;
pub mod shim;
pub mod store;
pub mod sysroot;
pub mod toolchain;
pub mod ui;
