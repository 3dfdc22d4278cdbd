//! Where emulators lie, and whether they answer.

use std::path::PathBuf;
use std::time::Duration;

use super::error::RunError;
use super::hosted::UserMode;
use super::machine;
use crate::host::platform::is_translated;
use crate::host::process::{self, Call};
use crate::host::{Env, fs};
use crate::llvm;
use crate::llvm::machine::Platform;
use crate::pins::Target;
use crate::toolchain::layout::Tree;
use crate::toolchain::tools_table::Tools;

/// How long an emulator may take to tell its version.
const ANSWER: Duration = Duration::from_secs(20);

/// The system emulator of `target`, and its version.
///
/// # Errors
/// There is none, or it does not answer as one.
pub fn system(env: &Env, target: &Target) -> Result<(PathBuf, String), RunError> {
    let name = format!("qemu-system-{}", target.qemu);
    let mut folders = env.path_folders();
    // Homebrew's, which `prepare --brew` leaves unlinked.
    let platform = Platform::of_process(is_translated());
    for prefix in (llvm::host::Host { env }).brew_prefixes(platform).unwrap_or_default() {
        folders.extend([prefix.join("bin"), prefix.join("opt/qemu/bin")]);
    }
    let package = machine::package(target);
    let Some(program) = process::find(&name, &folders) else {
        return Err(RunError::EmulatorMissing { program: name, package });
    };
    let mut call = Call::new(&program, ["--version"]);
    call.env = vec![("LC_ALL".into(), "C".into())];
    let output = match call.output(ANSWER) {
        Ok(output) => output,
        Err(error) => {
            let why = error.to_string();
            return Err(RunError::EmulatorUnusable { program, why });
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    if let Some(version) = version(&text).filter(|_| output.status.success()) {
        return Ok((program, version));
    }
    let line = text.lines().next().unwrap_or_default();
    let why = format!("expected a line `QEMU emulator version …`, got `{line}`");
    Err(RunError::EmulatorUnusable { program, why })
}

/// Debian's package of the system emulator for `target`.
#[must_use]
pub fn system_package(target: &Target) -> &'static str {
    machine::package(target)
}

fn version(text: &str) -> Option<String> {
    let rest = text.strip_prefix("QEMU emulator version ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// qemu's user mode for `target`: the toolchain's own, else the system's. There is none on
/// hosts other than Linux.
#[must_use]
pub fn user_mode(env: &Env, tree: Option<&Tree>, target: &Target) -> Option<UserMode> {
    Target::host()?;
    if let Some(own) = tree.and_then(own) {
        return Some(own);
    }
    let folders = env.path_folders();
    ["", "-static"]
        .iter()
        .find_map(|end| process::find(&format!("qemu-{}{end}", target.qemu), &folders))
        .map(UserMode::System)
}

/// The toolchain's own.
#[must_use]
pub fn own(tree: &Tree) -> Option<UserMode> {
    // A tree without a usable table has none, and its other tools say why.
    let tools = Tools::parse(&fs::read_text(&tree.share().join("tools")).ok()?).ok()?;
    let place = |name: &str| tools.path(name, tree.root());
    let (qemu, loader) = (place("qemu")?, place("loader")?);
    let mut libraries = place("qemu-libraries")?.into_os_string();
    if let Some(carried) = loader.parent().filter(|_| loader.starts_with(tree.root())) {
        libraries.push(":");
        libraries.push(carried);
    }
    process::is_executable(&qemu).then_some(UserMode::Own { loader, libraries, qemu })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_qemu_says_and_from_nothing_else() {
        let text = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright\n";
        assert_eq!(version(text).as_deref(), Some("7.2.22"));
        for text in ["", "qemu 7", "QEMU emulator version "] {
            assert_eq!(version(text), None, "{text:?}");
        }
    }
}
