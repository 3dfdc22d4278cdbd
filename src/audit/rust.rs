//! The host's Rust, asked and never changed: the runtime, and crates, are cross-built with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::facts::Rust;
use crate::host::process::{self, Call};
use crate::host::{Env, fs};

/// A compiler that does not answer by then is none.
const ANSWER: Duration = Duration::from_secs(20);

/// The compiler that a shell would find; `None` when there is none or it does not answer,
/// as rustup's without a toolchain.
#[must_use]
pub fn rust(env: &Env) -> Option<Rust> {
    let folders = env.path_folders();
    let rustc = process::find("rustc", &folders)?;
    let version = super::gather::version_in(&answer(env, &rustc, &["--version"])?)?;
    let sysroot = answer(env, &rustc, &["--print", "sysroot"])?;
    let libraries = PathBuf::from(sysroot.trim_end()).join("lib/rustlib");
    Some(Rust {
        version,
        targets: targets(&libraries),
        has_rustup: process::find("rustup", &folders).is_some(),
    })
}

/// The folders that hold a standard library.
fn targets(libraries: &Path) -> Vec<String> {
    let has_std = |entry: &fs::Entry| {
        let files = fs::read_dir_sorted(&entry.path.join("lib")).unwrap_or_default();
        files.iter().any(|file| file.name.to_string_lossy().starts_with("libstd-"))
    };
    let entries = fs::read_dir_sorted(libraries).unwrap_or_default();
    let names = entries.iter().filter(|entry| has_std(entry));
    names.map(|entry| entry.name.to_string_lossy().into_owned()).collect()
}

fn answer(env: &Env, program: &Path, arguments: &[&str]) -> Option<String> {
    let mut call = Call::new(program, arguments.iter().copied());
    for name in ["PATH", "HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_HOME"] {
        call.env.extend(env.var(name).map(|value| (name.into(), value.into())));
    }
    let output = call.output(ANSWER).ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}
