//! Argument lists of the tools that build and repack the runtime. All of them ship with
//! stable rustc, on macOS too. Never runs them.

use std::ffi::OsString;
use std::path::Path;

/// Where the repacking tools lie inside `rustc --print sysroot`, for a host triple.
#[must_use]
pub fn tool(sysroot: &Path, host: &str, name: &str) -> std::path::PathBuf {
    sysroot.join("lib/rustlib").join(host).join("bin").join(name)
}

/// Which archive to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// `libreml_runtime.a`.
    Release,
    /// `libreml_runtime_debug.a`.
    Debug,
}

impl Flavor {
    /// The file that is installed.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Release => "libreml_runtime.a",
            Self::Debug => "libreml_runtime_debug.a",
        }
    }
}

/// Arguments of `cargo` that build rustc's archive for `target` in `target_dir`; it is
/// then at `target_dir/TARGET/release/libreml_runtime.a`.
#[must_use]
pub fn build(manifest: &Path, target: &str, target_dir: &Path, flavor: Flavor) -> Vec<OsString> {
    let mut args: Vec<OsString> =
        ["build", "--release", "--locked", "--offline"].map(Into::into).into();
    args.extend(["--package", "reml-runtime-staticlib", "--target", target].map(Into::into));
    args.extend(["--manifest-path".into(), manifest.into()]);
    args.extend(["--target-dir".into(), target_dir.into()]);
    if flavor == Flavor::Debug {
        args.extend(["--features", "debug"].map(Into::into));
    }
    args
}

/// The value of `CARGO_ENCODED_RUSTFLAGS` for [`build`].
///
/// Paths of the machine stay out of the archive; DWARF 4 is what Valgrind 3.19 reads;
/// on ARM the atomics are inline, because their outlined form would be an import.
#[must_use]
pub fn flags(target: &str, source: &Path, cargo_home: &Path) -> OsString {
    let mut flags: Vec<OsString> = Vec::new();
    for (from, to) in [(source, "/reml-runtime"), (cargo_home, "/cargo")] {
        let mut remap = OsString::from("--remap-path-prefix=");
        remap.push(from);
        remap.push("=");
        remap.push(to);
        flags.push(remap);
    }
    flags.push("-Cdwarf-version=4".into());
    flags.push("-Cforce-unwind-tables=yes".into());
    if target.starts_with("aarch64") {
        flags.push("-Ctarget-feature=-outline-atomics".into());
    }
    flags.join(std::ffi::OsStr::new("\u{1f}"))
}

/// The environment variable that lets `rust-objcopy` find its LLVM, and its value. Cargo
/// sets it for what cargo runs; whoever runs the tool directly must, too.
#[must_use]
pub fn library_path(sysroot: &Path, host: &str) -> (&'static str, std::path::PathBuf) {
    let apple = host.contains("apple");
    let name = if apple { "DYLD_FALLBACK_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
    (name, sysroot.join("lib"))
}

/// The linker script of [`merge`]: one section of each kind instead of one a function,
/// whose 200 headers would be half of the archive. Sections whose entries linkers may
/// merge stay apart: in one section with others, they would lose that or be damaged. The
/// two symbols let backtraces leave the runtime's own frames out.
pub const MERGE_SCRIPT: &str = "\
SECTIONS {
  .text : { reml_rt_text_start = .; *(.text .text.*) reml_rt_text_end = .; }
  .rodata.cst4 : { *(.rodata.cst4) }
  .rodata.cst8 : { *(.rodata.cst8) }
  .rodata.cst16 : { *(.rodata.cst16) }
  .rodata.cst32 : { *(.rodata.cst32) }
  .rodata.str1.1 : { *(.rodata.str*) }
  .rodata : { *(.rodata .rodata.*) }
  .data.rel.ro : { *(.data.rel.ro .data.rel.ro.*) }
  .data : { *(.data .data.*) }
  .tbss : { *(.tbss .tbss.*) }
  .bss : { *(.bss .bss.*) }
}
";

/// Arguments of `rust-lld` that merge objects into one; `script` is a file that holds
/// [`MERGE_SCRIPT`].
#[must_use]
pub fn merge(objects: &[&Path], script: &Path, output: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = ["-flavor", "gnu", "-r", "-T"].map(Into::into).into();
    args.extend([script.into(), "-o".into(), output.into()]);
    args.extend(objects.iter().map(Into::into));
    args
}

/// Arguments of `rust-objcopy` that make every symbol local but those listed, one a
/// line, in the file `keep`; debug information goes from the release archive.
#[must_use]
pub fn localize(input: &Path, keep: &Path, output: &Path, flavor: Flavor) -> Vec<OsString> {
    let mut keep_argument = OsString::from("--keep-global-symbols=");
    keep_argument.push(keep);
    let mut args = vec![keep_argument, "--remove-section=.comment".into()];
    if flavor == Flavor::Release {
        args.extend(["--strip-debug", "--strip-unneeded"].map(Into::into));
    }
    args.extend([input.into(), output.into()]);
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_keep_the_machine_out_of_the_archive() {
        let flags = flags("x86_64-unknown-linux-gnu", Path::new("/a b"), Path::new("/c"));
        let flags = flags.to_str().expect("made of UTF-8 above");
        assert!(flags.contains("--remap-path-prefix=/a b=/reml-runtime\u{1f}"));
        assert!(!flags.contains("outline-atomics"));
    }

    #[test]
    fn arm_atomics_are_inline() {
        let flags = flags("aarch64-unknown-linux-gnu", Path::new("/a"), Path::new("/c"));
        assert!(flags.to_string_lossy().ends_with("-outline-atomics"));
    }

    #[test]
    fn only_the_debug_archive_keeps_debug_information() {
        let args = |flavor| localize(Path::new("i"), Path::new("k"), Path::new("o"), flavor);
        assert!(args(Flavor::Release).contains(&"--strip-debug".into()));
        assert!(!args(Flavor::Debug).contains(&"--strip-debug".into()));
    }
}
