//! The only world: files, HTTP, processes, the environment, the clock, locks. Every
//! error names what it touched. No other room reaches around this one.
#![allow(clippy::disallowed_methods)]

pub mod apt;
pub mod bug;
pub mod clock;
pub mod env;
pub mod fault;
pub mod fs;
pub mod hash;
pub mod http;
pub mod input;
pub mod memory;
pub mod platform;
pub mod process;
pub mod progress;
pub mod signals;
pub mod threads;
pub mod tree;

pub use env::Env;
