//! Turns rustc's archive of the runtime (4 MB, hundreds of members, everything global)
//! into the one that ships: one member, exactly the ABI's symbols. But for `drive`, never
//! runs a process and never touches a disk: it makes argument lists, and bytes of bytes.
//!
//! The order of work, which the caller carries out:
//!
//! 1. run [`argv::build`] with the environment variable [`argv::flags`] makes;
//! 2. [`member::own`] picks the runtime's object out of rustc's archive;
//! 3. run [`argv::merge`] and [`argv::localize`] on it;
//! 4. [`ar::write`] packs the result;
//! 5. [`check::examine`] must return no problem.

pub mod ar;
pub mod argv;
pub mod check;
pub mod drive;
pub mod expect;
pub mod member;
