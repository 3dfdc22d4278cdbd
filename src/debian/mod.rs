//! Debian's archive: signed releases, package indices, versions, dependency closures,
//! the .deb format. Never reads a file, a socket or the clock: text, readers and `now`
//! come in as arguments.

pub mod ar;
pub mod changelog;
pub mod control;
pub mod date;
pub mod deb;
pub mod decode;
pub mod identity;
pub mod index;
pub mod mirrors;
pub mod openpgp;
pub mod packages;
pub mod relation;
pub mod release;
pub mod resolve;
pub mod tar;
pub mod value;
pub mod version;
