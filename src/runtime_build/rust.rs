//! The Rust that builds the runtime: found, asked who it is, and refused when it cannot do
//! the work. It is started with an environment of our own, in a folder where no
//! configuration of the user's lies. Nothing of it is ever installed or changed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reml_runtime_pack::argv;

use super::error::RuntimeError;
use crate::host::fault::Fault;
use crate::host::process::{self, Call};
use crate::host::{Env, fs};
use crate::pins::Target;
use crate::toolchain::layout::Tree;
use crate::toolchain::tools_table::Tools;

/// The oldest Rust that compiles the runtime; its own manifests say the same.
pub const NEEDED: &str = env!("CARGO_PKG_RUST_VERSION");

/// How long a compiler may take to say who it is. A cold disk under an emulator needs some.
const ANSWER: Duration = Duration::from_mins(1);

/// What the user's choice of a compiler hangs on; nothing else reaches it.
const PASSED: [&str; 6] =
    ["HOME", "PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_HOME", "TMPDIR"];

/// A Rust compiler, whatever it can do.
#[derive(Debug, Clone)]
pub struct Compiler {
    /// Where it lies.
    pub sysroot: PathBuf,
    /// The compiler itself, and not what chooses one.
    pub rustc: PathBuf,
    /// The triple it runs on.
    pub host: String,
    /// Its release, such as `1.95.0`.
    pub release: String,
    /// All that it says of itself.
    said: String,
}

impl Compiler {
    /// Finds it.
    ///
    /// # Errors
    /// There is none, or it does not answer as one.
    pub fn find(env: &Env) -> Result<Self, Fault> {
        let chooser = process::find("rustc", &folders(env))
            .ok_or(RuntimeError::RustMissing { program: "rustc" })?;
        let sysroot = PathBuf::from(ask(env, &chooser, &["--print", "sysroot"])?);
        let own = sysroot.join("bin/rustc");
        let rustc = if process::is_executable(&own) { own } else { chooser };
        let said = ask(env, &rustc, &["-vV"])?;
        let field = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(name));
            line.map(str::to_owned)
                .ok_or_else(|| unusable(&rustc, format!("no `{name}` in {said}")))
        };
        let (host, release) = (field("host: ")?, field("release: ")?);
        Ok(Self { sysroot, rustc, host, release, said })
    }

    /// Whether it is older than the runtime's sources.
    #[must_use]
    pub fn is_too_old(&self) -> bool {
        number(&self.release) < number(NEEDED)
    }

    /// The triples whose standard library is there.
    #[must_use]
    pub fn targets(&self) -> Vec<String> {
        let entries = fs::read_dir_sorted(&self.sysroot.join("lib/rustlib")).unwrap_or_default();
        let names = entries.into_iter().filter_map(|entry| entry.name.into_string().ok());
        names.filter(|triple| self.has_library(triple).unwrap_or(false)).collect()
    }

    fn has_library(&self, triple: &str) -> Result<bool, Fault> {
        Ok(fs::stat(&self.sysroot.join("lib/rustlib").join(triple).join("lib"))?.is_some())
    }

    /// Whether rustup is there, which can bring more of them.
    #[must_use]
    pub fn has_rustup(env: &Env) -> bool {
        process::find("rustup", &folders(env)).is_some()
    }
}

/// A Rust that can do the work.
#[derive(Debug, Clone)]
pub struct Rust {
    /// Where it lies.
    pub sysroot: PathBuf,
    /// The compiler itself, and not what chooses one.
    pub rustc: PathBuf,
    /// The cargo that goes with it.
    pub cargo: PathBuf,
    /// The triple it runs on.
    pub host: String,
    /// Its release, such as `1.95.0`.
    pub release: String,
    /// All that it says of itself, on one line.
    pub version: String,
    /// `ld.lld` and its leading arguments are rust-lld's.
    pub lld: PathBuf,
    /// `llvm-objcopy`, by any name.
    pub objcopy: PathBuf,
}

impl Rust {
    /// Finds it. `tree` may have the tools that repack, where Rust has none.
    ///
    /// # Errors
    /// There is none, or it is too old or not whole.
    pub fn find(env: &Env, target: &'static Target, tree: &Tree) -> Result<Self, Fault> {
        let compiler = Compiler::find(env)?;
        let has_library = compiler.has_library(target.triple)?;
        let is_too_old = compiler.is_too_old();
        let Compiler { sysroot, rustc, host, release, said } = compiler;
        if is_too_old {
            let program = rustc;
            return Err(RuntimeError::RustTooOld { program, needed: NEEDED, got: release }.into());
        }
        let own = sysroot.join("bin/cargo");
        let cargo = if process::is_executable(&own) { Some(own) } else { None };
        let cargo = cargo
            .or_else(|| process::find("cargo", &folders(env)))
            .ok_or(RuntimeError::RustMissing { program: "cargo" })?;
        if !has_library {
            let toolchain = env.text("RUSTUP_TOOLCHAIN").map(str::to_owned);
            let target = target.triple;
            return Err(RuntimeError::TargetMissing { sysroot, target, toolchain }.into());
        }
        let lld = packer(&sysroot, &host, tree, "rust-lld", "ld.lld")?;
        let objcopy = packer(&sysroot, &host, tree, "rust-objcopy", "llvm-objcopy")?;
        let version = said.lines().map(str::trim).collect::<Vec<_>>().join("; ");
        Ok(Self { sysroot, rustc, cargo, host, release, version, lld, objcopy })
    }
}

/// Rust's own tool, else the toolchain's.
fn packer(
    sysroot: &Path,
    host: &str,
    tree: &Tree,
    name: &str,
    ours: &'static str,
) -> Result<PathBuf, RuntimeError> {
    let own = argv::tool(sysroot, host, name);
    if process::is_executable(&own) {
        return Ok(own);
    }
    // A tree without a table has no tools.
    let table = fs::read_text(&tree.share().join("tools")).ok();
    let tools = table.and_then(|text| Tools::parse(&text).ok());
    tools
        .and_then(|tools| tools.path(ours, tree.root()))
        .filter(|path| process::is_executable(path))
        .ok_or(RuntimeError::PackerMissing { rust: own, tool: ours })
}

/// Where Rust may lie: rustup's folder is not in the `PATH` of a Mac's applications.
fn folders(env: &Env) -> Vec<PathBuf> {
    let mut folders = env.path_folders();
    let home = env.var("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(env.var("HOME")?).join(".cargo")));
    folders.extend(home.filter(|home| home.is_absolute()).map(|home| home.join("bin")));
    folders
}

fn ask(env: &Env, program: &Path, args: &[&str]) -> Result<String, Fault> {
    let mut call = Call::new(program, args.iter().copied());
    let passed =
        PASSED.iter().filter_map(|name| Some((OsString::from(name), env.var(name)?.into())));
    call.env = passed.collect();
    // A rustup that would install something first is not asked to.
    call.env.push(("RUSTUP_AUTO_INSTALL".into(), "0".into()));
    call.env.push(("LC_ALL".into(), "C".into()));
    // A `rust-toolchain.toml` where the user stands is for the user's own project.
    call.cwd = Some(PathBuf::from("/"));
    let output = call.output(ANSWER)?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !text.is_empty() {
        return Ok(text);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let said = if said.is_empty() { format!("{args:?}: {}", output.status) } else { said };
    Err(unusable(program, said).into())
}

fn unusable(program: &Path, said: String) -> RuntimeError {
    RuntimeError::RustUnusable { program: program.to_path_buf(), said }
}

/// `1.95.0-nightly` as its first two numbers.
fn number(release: &str) -> (u32, u32) {
    let mut parts = release.split(['.', '-']).map_while(|part| part.parse().ok());
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        assert!(number("1.9.0") < number("1.10.0-nightly"));
        assert!(number("1.95") <= number("1.95.1"));
        assert!(number("gibberish") < number(NEEDED));
    }

    #[test]
    fn the_runtimes_manifests_need_what_we_ask_for() {
        for text in [
            include_str!("../../runtime/Cargo.toml"),
            include_str!("../../runtime/staticlib/Cargo.toml"),
        ] {
            assert!(text.contains(&format!("rust-version = \"{NEEDED}\"\n")));
        }
    }
}
