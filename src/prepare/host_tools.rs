//! Which LLVM the toolchain uses: one of the pinned major that is on `PATH` already, else
//! Debian's, unpacked into the tree. What is there is asked, never assumed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::World;
use crate::elf::{self, GlibcVersion};
use crate::host::Env;
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::fs;
use crate::host::process::{self, Call};
use crate::host::progress::Event;
use crate::llvm::rootless::{self, Loader};
use crate::llvm::{self, Installation, Probe, REQUIRED};
use crate::pins::{Pins, Target};
use crate::toolchain::stamp::Stamp;

/// How long a program may take to tell its version.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// Where LLVM is to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LlvmChoice {
    /// What is prepared; else one on PATH; else Debian's.
    Auto,
    /// One on PATH.
    System,
    /// Debian's, in the toolchain.
    Debian,
}

/// Where LLVM comes from.
#[derive(Debug, Clone)]
pub(super) enum Llvm {
    /// Debian's packages, in the tree.
    Own {
        /// Whether Debian's C library comes along, for a host that has none or an old one.
        libc: bool,
    },
    /// The host's.
    System {
        /// The clang that was asked, by absolute path.
        clang: PathBuf,
        /// The programs; absent when the stamp vouches for them.
        installation: Option<Installation>,
    },
}

/// There is no LLVM to use.
#[derive(Debug, thiserror::Error)]
pub enum HostToolError {
    /// Nothing on `PATH` serves.
    #[error("no LLVM {major} on PATH serves{reasons}")]
    NoSystemLlvm {
        /// The pinned major.
        major: u32,
        /// What was found and why it does not serve.
        reasons: String,
    },
    /// The system does not tell where this program lies.
    #[error(
        "cannot find this program's own file, of which the tools are copies: /proc is not mounted"
    )]
    NoOwnFile,
    /// Debian's packages run on Linux only.
    #[error("Debian's LLVM runs on Linux x86_64 and aarch64 only, and {reason}")]
    NoOwnLlvm {
        /// What this host is or lacks.
        reason: String,
    },
}

impl Diagnostic for HostToolError {
    fn kind(&self) -> Kind {
        Kind::HostTool
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoSystemLlvm { .. } | Self::NoOwnLlvm { .. } => "llvm-missing",
            Self::NoOwnFile => "own-file-unknown",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoSystemLlvm { major, .. } => vec![
                format!(
                    "on Debian 12: `sudo apt-get install clang-{major} lld-{major} llvm-{major}`"
                ),
                format!(
                    "on a Mac: `brew install llvm@{major} lld@{major}`, and put both `bin` folders into PATH"
                ),
                "on Linux, without root: `reml-toolchain prepare --llvm debian`".to_owned(),
            ],
            Self::NoOwnFile => vec!["mount -t proc proc /proc".to_owned()],
            Self::NoOwnLlvm { .. } => {
                vec!["use one on PATH: `reml-toolchain prepare --llvm system`".to_owned()]
            }
        }
    }
}

impl Llvm {
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Own { .. })
    }

    pub(super) fn needs_libc(&self) -> bool {
        matches!(self, Self::Own { libc: true })
    }

    /// What the stamp remembers: enough to tell whether it is the same one.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Own { libc: false } => "debian".to_owned(),
            Self::Own { libc: true } => "debian with libc".to_owned(),
            Self::System { clang, .. } => {
                let stat = fs::stat(clang).ok().flatten();
                let facts = stat.map(|meta| (meta.len(), fs::modified_seconds(&meta)));
                let (size, seconds) = facts.unwrap_or_default();
                format!("{} {size} {seconds}", clang.display())
            }
        }
    }
}

impl fmt::Display for Llvm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own { libc: false } => f.write_str("Debian's, in the toolchain"),
            Self::Own { libc: true } => {
                f.write_str("Debian's with its C library, in the toolchain")
            }
            Self::System { clang, .. } => write!(f, "{}", clang.display()),
        }
    }
}

/// This program's own file: the tools of a tree are copies of it.
///
/// # Errors
/// [`HostToolError::NoOwnFile`].
pub(super) fn own_file<'w>(world: &World<'w>) -> Result<&'w Path, HostToolError> {
    world.env.exe.as_deref().ok_or(HostToolError::NoOwnFile)
}

/// The LLVM of a prepared tree, when it is still there and still wanted. No program is
/// started for it.
pub(super) fn kept(stamp: &Stamp, choice: LlvmChoice) -> Option<Llvm> {
    let identity = stamp.inputs.value("llvm")?;
    let llvm = match identity {
        "debian" => Llvm::Own { libc: false },
        "debian with libc" => Llvm::Own { libc: true },
        system => {
            let clang = system.rsplitn(3, ' ').nth(2)?;
            Llvm::System { clang: clang.into(), installation: None }
        }
    };
    let wanted = match choice {
        LlvmChoice::Auto => true,
        LlvmChoice::System => !llvm.is_own(),
        LlvmChoice::Debian => llvm.is_own(),
    };
    // One that was changed is asked again.
    (wanted && llvm.identity() == identity).then_some(llvm)
}

/// The host's pkg-config: the one that the tree uses already while it is there, so that a
/// shorter `PATH` makes no tree stale; else what `PATH` has under either of its names.
pub(super) fn pkg_config(env: &Env, stamp: Option<&Stamp>) -> Option<PathBuf> {
    let known = stamp.and_then(|stamp| stamp.inputs.value("pkg-config")).map(PathBuf::from);
    if let Some(known) = known.filter(|path| path.is_absolute() && process::is_executable(path)) {
        return Some(known);
    }
    let folders = env.path_folders();
    ["pkgconf", "pkg-config"].iter().find_map(|name| process::find(name, &folders))
}

/// Looks for an LLVM.
///
/// # Errors
/// There is none that serves.
pub(super) fn choose(world: &World<'_>, pins: &Pins, choice: LlvmChoice) -> Result<Llvm, Fault> {
    let own = own(pins);
    if choice == LlvmChoice::Debian {
        return own;
    }
    match installation(world, pins) {
        Ok(installation) => {
            let clang = installation.tools["clang"].clone();
            let text = format!("LLVM {} on PATH: {}", installation.version, clang.display());
            world.progress.event(Event::Detail { text });
            Ok(Llvm::System { clang, installation: Some(installation) })
        }
        Err(_) if choice == LlvmChoice::Auto && own.is_ok() => own,
        Err(error) => Err(error.into()),
    }
}

/// The pinned major on `PATH`.
pub(super) fn installation(world: &World<'_>, pins: &Pins) -> Result<Installation, HostToolError> {
    let host = Host { world };
    let major = pins.llvm.major;
    let candidates = llvm::candidates(&world.env.path_folders(), major, &host);
    match llvm::find(&candidates, major, &REQUIRED, &host) {
        Ok((installation, _)) => Ok(installation),
        Err(rejections) => {
            let texts: Vec<String> = rejections.iter().map(ToString::to_string).collect();
            for text in &texts {
                world.progress.event(Event::Detail { text: format!("passed over: {text}") });
            }
            let reasons =
                if texts.is_empty() { String::new() } else { format!(": {}", texts.join("; ")) };
            Err(HostToolError::NoSystemLlvm { major, reasons })
        }
    }
}

fn own(pins: &Pins) -> Result<Llvm, Fault> {
    let Some(host) = Target::host() else {
        let reason = format!("this is {} {}", std::env::consts::OS, std::env::consts::ARCH);
        return Err(HostToolError::NoOwnLlvm { reason }.into());
    };
    if !pins.llvm.tools.hosts.contains(&host) {
        let reason = format!("versions.toml does not list {host} among its hosts");
        return Err(HostToolError::NoOwnLlvm { reason }.into());
    }
    Ok(Llvm::Own { libc: needs_libc(pins, host)? })
}

/// Whether this host's C library is older than the release's, or not glibc at all.
fn needs_libc(pins: &Pins, host: &Target) -> Result<bool, Fault> {
    let declared = pins.releases.get(&pins.release).map(|release| release.glibc.parse());
    let Some(Ok(needed)) = declared else { return Ok(false) };
    let mut found: Option<GlibcVersion> = None;
    for place in rootless::host_libc_places(host.multiarch) {
        // What cannot be followed to a file is as good as absent.
        let Ok(libc) = fs::resolve(&place) else { continue };
        found = elf::glibc_defined(&fs::read(&libc)?).unwrap_or_default();
        if found.is_some() {
            break;
        }
    }
    Ok(rootless::loader(found, needed) == Loader::Carried)
}

/// The host as the search sees it.
struct Host<'w> {
    world: &'w World<'w>,
}

impl Probe for Host<'_> {
    fn resolve(&self, path: &Path) -> Option<PathBuf> {
        let resolved = fs::resolve(path).ok()?;
        crate::host::process::is_executable(&resolved).then_some(resolved)
    }

    fn version_text(&self, program: &Path) -> Option<Vec<u8>> {
        let mut call = Call::new(program, ["--version"]);
        // PATH and HOME for wrappers; a fixed language; nothing else.
        for name in ["PATH", "HOME"] {
            call.env.extend(self.world.env.var(name).map(|value| (name.into(), value.into())));
        }
        call.env.push(("LC_ALL".into(), "C".into()));
        let output = call.output(ANSWER_TIME).ok()?;
        output.status.success().then_some(output.stdout)
    }
}
