//! Carries out the steps with real processes and files, for the tests, the benchmark and
//! the command of this crate. The only file here that touches the world; tools that have
//! their own way of running things use the other modules alone.
#![allow(clippy::disallowed_methods, reason = "this file is the runtime's own door to the world")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::argv::{self, Flavor};
use crate::check::{self, Expectation};
use crate::{ar, member};

/// What the archive must define and may import.
#[derive(Debug, Clone, Copy)]
pub struct Symbols<'a> {
    /// See [`Expectation::defines`].
    pub defines: &'a [&'a str],
    /// See [`Expectation::imports`].
    pub imports: &'a [&'a str],
}

/// Builds, repacks and checks an archive in `work`; its path.
///
/// # Errors
/// When a tool fails or the archive is not what it must be; the text says which.
pub fn archive(
    manifest: &Path,
    work: &Path,
    target: &str,
    flavor: Flavor,
    symbols: Symbols<'_>,
) -> Result<PathBuf, String> {
    let folder = work.join(target);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    // Test programs that run side by side share the work folder.
    let lock = fs::File::create(work.join("lock"))
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|error| format!("{}: {error}", work.display()))?;
    let raw = build(manifest, work, target, flavor)?;
    let object = member::own(&raw).map_err(|error| error.to_string())?;

    let at = |name: &str| folder.join(format!("{name}.{}", flavor.file_name()));
    let (own, merged, local, keep) = (at("own.o"), at("merged.o"), at("local.o"), at("keep"));
    write(&own, object)?;
    let script = at("merge.ld");
    write(&keep, symbols.defines.join("\n").as_bytes())?;
    write(&script, argv::MERGE_SCRIPT.as_bytes())?;
    let (sysroot, host) = (rustc(&["--print", "sysroot"])?, host()?);
    let sysroot = Path::new(&sysroot);
    let (variable, libraries) = argv::library_path(sysroot, &host);
    let tool = |name| {
        let mut command = Command::new(argv::tool(sysroot, &host, name));
        command.env(variable, &libraries);
        command
    };
    run(tool("rust-lld").args(argv::merge(&[&own], &script, &merged)))?;
    run(tool("rust-objcopy").args(argv::localize(&merged, &keep, &local, flavor)))?;

    let bytes = read(&local)?;
    let defined = check::defined(&bytes)?;
    let defined: Vec<&str> = defined.iter().map(String::as_str).collect();
    let packed = ar::write(&[("reml_runtime.o", &bytes, &defined)]);
    let problems = check::examine(
        &packed,
        &Expectation {
            architecture: check::architecture(target)
                .ok_or_else(|| format!("expected an x86_64 or aarch64 target, got {target}"))?,
            defines: symbols.defines,
            imports: symbols.imports,
            size_max: (flavor == Flavor::Release).then_some(check::SIZE_MAX),
        },
    );
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(lines.join("\n"));
    }
    let result = folder.join(flavor.file_name());
    write(&result, &packed)?;
    drop(lock);
    Ok(result)
}

/// The compiler's host triple.
///
/// # Errors
/// When there is no `rustc` that tells.
pub fn host() -> Result<String, String> {
    let version = rustc(&["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(ToOwned::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

fn build(manifest: &Path, work: &Path, target: &str, flavor: Flavor) -> Result<Vec<u8>, String> {
    // The flavours differ in features only; apart, neither rebuilds the other.
    let target_dir = work.join(if flavor == Flavor::Debug { "cargo-debug" } else { "cargo" });
    let source = manifest.parent().ok_or("the manifest has no folder")?;
    let source = source.canonicalize().map_err(|error| format!("{}: {error}", source.display()))?;
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let flags = argv::flags(target, &source, &home.ok_or("neither CARGO_HOME nor HOME is set")?);
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo)
        .args(argv::build(manifest, target, &target_dir, flavor))
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .env_remove("RUSTFLAGS"))?;
    read(&target_dir.join(target).join("release/libreml_runtime.a"))
}

fn rustc(args: &[&str]) -> Result<String, String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = run(Command::new(rustc).args(args))?;
    Ok(output.trim_end().to_owned())
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{command:?}: {}\n{said}", output.status))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Replaces the file in one step, so that a test running beside reads the old or the new.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!(".{}", std::process::id()));
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    fs::write(&staged, bytes).map_err(failed)?;
    fs::rename(&staged, path).map_err(failed)
}
