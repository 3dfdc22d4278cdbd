//! Embeds the sources of the runtime, so that an installed program can build it.
#![allow(clippy::disallowed_methods, reason = "a build script is a world of its own")]
#![allow(clippy::unwrap_used, reason = "a build that cannot read its sources must end")]
#![allow(clippy::unnecessary_debug_formatting, reason = "it is how Rust writes a string")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "src/runtime_build/parts.rs"]
mod parts;

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("runtime");
    let mut files = Vec::new();
    for part in parts::PARTS {
        println!("cargo::rerun-if-changed=runtime/{part}");
        collect(&root.join(part), &mut files);
    }
    files.sort();
    let mut text = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).unwrap();
        writeln!(text, "({name:?}, include_bytes!({file:?})),").unwrap();
    }
    text.push(']');
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap());
    fs::write(out.join("runtime_sources.rs"), text).unwrap();
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), files);
        }
    } else if path.file_name().and_then(|name| name.to_str()).is_some_and(parts::is_source) {
        files.push(path.to_path_buf());
    }
}
