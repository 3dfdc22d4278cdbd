//! How packages become a sysroot: rules for paths and links, unpacking, merging; and
//! which of its libraries a program loads.

pub mod archive;
pub mod case;
pub mod links;
pub mod listing;
pub mod manifest;
pub mod merge;
pub mod needed;
pub mod rules;
pub mod unpack;
