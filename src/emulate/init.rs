//! The microVM's first process: built by the toolchain's own clang when it is first needed,
//! and kept. It has no C library in it, and so no licence but ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::RunError;
use crate::host::fs;
use crate::host::hash::Digest;
use crate::host::process::Call;
use crate::pins::Target;
use crate::store::kept;
use crate::toolchain::layout::Tree;

const SOURCE: &str = include_str!("init.c");
const OPTIONS: [&str; 11] = [
    "-Os",
    "-static",
    "-nostdlib",
    "-ffreestanding",
    "-fno-builtin",
    "-fno-stack-protector",
    "-fno-pic",
    "-fno-asynchronous-unwind-tables",
    "-Wl,--build-id=none",
    "-Wl,-s",
    "-Wno-unused-command-line-argument",
];
/// How long the compiler may take.
const LIMIT: Duration = Duration::from_mins(1);

/// The file, in the folder `images`.
///
/// # Errors
/// The toolchain's clang does not build it.
pub fn file(tree: &Tree, target: &Target, images: &Path) -> Result<PathBuf, RunError> {
    let print = Digest::of(format!("{SOURCE} {OPTIONS:?} {target}").as_bytes());
    let file = images.join(format!("init-{}-{}", target.processor, print.short()));
    if kept::is_whole(&file) {
        return Ok(file);
    }
    fs::create_dir_all(images)?;
    let own = std::process::id();
    let source = images.join(format!(".init-{own}.c"));
    let made = images.join(format!(".init-{own}"));
    fs::write(&source, SOURCE.as_bytes())?;
    let compiler = tree.bin().join(format!("{}-clang", target.triple));
    let mut args: Vec<std::ffi::OsString> = OPTIONS.map(Into::into).into();
    args.extend([source.clone().into(), "-o".into(), made.clone().into()]);
    let output = Call::new(compiler, args).output(LIMIT);
    fs::remove_file(&source)?;
    let output = output?;
    if !output.status.success() || fs::stat(&made)?.is_none() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(RunError::Init { said });
    }
    let bytes = fs::read(&made)?;
    fs::remove_file(&made)?;
    kept::write(&file, &bytes)?;
    Ok(file)
}
