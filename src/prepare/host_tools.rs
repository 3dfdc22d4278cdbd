//! Which LLVM the toolchain uses: one of the pinned major that is on `PATH` already, else
//! Debian's, unpacked into the tree. What is there is asked, never assumed.

use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};

use super::World;
use super::brew::Homebrew;
use crate::elf::{self, GlibcVersion};
use crate::host::Env;
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::fs;
use crate::host::process;
use crate::host::progress::Event;
use crate::llvm::brew::Keg;
use crate::llvm::host::{self, Host};
use crate::llvm::machine::Platform;
use crate::llvm::rootless::{self, Loader};
use crate::llvm::{self, Candidate, Installation, REQUIRED};
use crate::pins::{Pins, Target};
use crate::toolchain::stamp::{Inputs, Stamp};

/// Where LLVM is to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LlvmChoice {
    /// What is prepared; else one on PATH; else Debian's.
    Auto,
    /// One on PATH.
    System,
    /// Debian's, in the toolchain.
    Debian,
    /// Homebrew's, which is installed where it is missing: `--brew`.
    #[value(skip)]
    Brew,
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
        /// Its `ld.lld`, by absolute path.
        lld: PathBuf,
        /// The programs; empty while the stamp vouches for them.
        installation: OnceCell<Installation>,
    },
    /// Homebrew's, of which a formula is not installed yet: in a forecast only.
    Awaited,
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
                "on a Mac, from Homebrew: `reml-toolchain prepare --brew`".to_owned(),
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

    /// What the stamp remembers: enough to tell whether it is the same one, and to say
    /// what has changed.
    pub(super) fn add_inputs(&self, inputs: &mut Inputs) {
        match self {
            Self::Own { libc: false } => inputs.add("llvm", "debian"),
            Self::Own { libc: true } => inputs.add("llvm", "debian with libc"),
            Self::System { clang, lld, .. } => {
                inputs.add("llvm", file_identity(clang));
                inputs.add("lld", file_identity(lld));
                for keg in [clang, lld].into_iter().filter_map(|path| Keg::of(path)) {
                    inputs.add(format!("homebrew {}", keg.formula), keg);
                }
            }
            Self::Awaited => inputs.add("llvm", "Homebrew's, not installed yet"),
        }
    }

    /// The host's programs, asked again when the stamp vouched for them so far: before a
    /// tree is made anew.
    ///
    /// # Errors
    /// They serve no more.
    pub(super) fn installation(
        &self,
        world: &World<'_>,
        pins: &Pins,
    ) -> Result<Option<&Installation>, HostToolError> {
        let Self::System { clang, lld, installation } = self else { return Ok(None) };
        if installation.get().is_none() {
            let folder = |path: &Path| path.parent().map(Path::to_path_buf);
            let mut others = world.env.path_folders();
            others.extend(folder(lld));
            let candidate = Candidate {
                clang: clang.clone(),
                own: folder(clang).into_iter().collect(),
                others,
            };
            let found = search(world, pins.llvm.major, &[candidate])?;
            return Ok(Some(installation.get_or_init(|| found)));
        }
        Ok(installation.get())
    }

    fn found(installation: Installation) -> Self {
        let tool = |name: &str| installation.tools.get(name).cloned().unwrap_or_default();
        let (clang, lld) = (tool("clang"), tool("ld.lld"));
        Self::System { clang, lld, installation: OnceCell::from(installation) }
    }

    /// The keg of its clang, when that is Homebrew's.
    fn keg(&self) -> Option<Keg> {
        if let Self::System { clang, .. } = self { Keg::of(clang) } else { None }
    }
}

/// A file by path, size and time.
fn file_identity(path: &Path) -> String {
    let stat = fs::stat(path).ok().flatten();
    let facts = stat.map(|meta| (meta.len(), fs::modified_seconds(&meta)));
    let (size, seconds) = facts.unwrap_or_default();
    format!("{} {size} {seconds}", path.display())
}

/// The path in a [`file_identity`], when the file is still the same one and, where it is
/// Homebrew's, its keg the one in use.
fn unchanged(identity: &str) -> Option<PathBuf> {
    let path = PathBuf::from(identity.rsplitn(3, ' ').nth(2)?);
    let is_in_use =
        Keg::of(&path).is_none_or(|keg| host::keg(&keg.prefix, &keg.formula) == Some(keg.folder()));
    (is_in_use && file_identity(&path) == identity).then_some(path)
}

impl fmt::Display for Llvm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own { libc: false } => f.write_str("Debian's, in the toolchain"),
            Self::Own { libc: true } => {
                f.write_str("Debian's with its C library, in the toolchain")
            }
            Self::System { clang, .. } => match self.keg() {
                Some(keg) => {
                    write!(f, "Homebrew's {} {} ({})", keg.formula, keg.version, clang.display())
                }
                None => write!(f, "{}", clang.display()),
            },
            Self::Awaited => f.write_str("Homebrew's, not installed yet"),
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

/// The LLVM of a prepared tree, when it is still there and still wanted; with `--brew`,
/// from that Homebrew. No program is started for it.
pub(super) fn kept(stamp: &Stamp, choice: LlvmChoice, brew: Option<&Homebrew>) -> Option<Llvm> {
    let identity = stamp.inputs.value("llvm")?;
    let llvm = match identity {
        "debian" => Llvm::Own { libc: false },
        "debian with libc" => Llvm::Own { libc: true },
        system => Llvm::System {
            // One that was changed is asked again.
            clang: unchanged(system)?,
            lld: unchanged(stamp.inputs.value("lld")?)?,
            installation: OnceCell::new(),
        },
    };
    let wanted = match choice {
        LlvmChoice::Auto => true,
        LlvmChoice::System => !llvm.is_own(),
        LlvmChoice::Debian => llvm.is_own(),
        LlvmChoice::Brew => {
            let prefix = brew.map(Homebrew::prefix);
            llvm.keg().is_some_and(|keg| Some(&*keg.prefix) == prefix)
        }
    };
    wanted.then_some(llvm)
}

/// The host's pkg-config: the one that the tree uses already while it is there, so that a
/// shorter `PATH` makes no tree stale; else what `PATH` has under either of its names.
pub(super) fn pkg_config(env: &Env, stamp: Option<&Stamp>) -> Option<PathBuf> {
    let known = stamp.and_then(|stamp| stamp.inputs.value("pkg-config")).map(PathBuf::from);
    if let Some(known) = known.filter(|path| path.is_absolute() && process::is_executable(path)) {
        return Some(known);
    }
    let mut folders = env.path_folders();
    // Homebrew's last: `--brew` leaves it unlinked.
    for prefix in (Host { env }).brew_prefixes(Platform::of_process(false)).unwrap_or_default() {
        folders.push(prefix.join("opt/pkgconf/bin"));
    }
    ["pkgconf", "pkg-config"].iter().find_map(|name| process::find(name, &folders))
}

/// Whether the LLVM of a prepared tree is Homebrew's.
fn is_brewed(stamp: &Stamp) -> bool {
    let path = stamp.inputs.value("llvm").and_then(|identity| identity.rsplitn(3, ' ').nth(2));
    path.is_some_and(|path| Keg::of(Path::new(path)).is_some())
}

/// Looks for an LLVM: on `PATH`, then Homebrew's, or the other way round for a tree that
/// used Homebrew's so far, so that it follows an upgrade.
///
/// # Errors
/// There is none that serves.
pub(super) fn choose(
    world: &World<'_>,
    pins: &Pins,
    choice: LlvmChoice,
    stamp: Option<&Stamp>,
    brew: Option<&Homebrew>,
) -> Result<Llvm, Fault> {
    if let Some(brew) = brew {
        return match brew.llvm(world, pins)? {
            Some(installation) => Ok(found(world, installation)),
            None => Ok(Llvm::Awaited),
        };
    }
    let own = own(pins);
    if choice == LlvmChoice::Debian {
        return own;
    }
    let probe = Host { env: world.env };
    let major = pins.llvm.major;
    let mut candidates = llvm::candidates(&world.env.path_folders(), Path::new("/"), major, &probe);
    let at = if stamp.is_some_and(is_brewed) { 0 } else { candidates.len() };
    candidates.splice(at..at, probe.brew_candidates(major));
    match search(world, major, &candidates) {
        Ok(installation) => Ok(found(world, installation)),
        Err(_) if choice == LlvmChoice::Auto && own.is_ok() => own,
        Err(error) => Err(error.into()),
    }
}

fn found(world: &World<'_>, installation: Installation) -> Llvm {
    let version = installation.version;
    let llvm = Llvm::found(installation);
    world.progress.event(Event::Detail { text: format!("LLVM {version} found: {llvm}") });
    llvm
}

fn search(
    world: &World<'_>,
    major: u32,
    candidates: &[Candidate],
) -> Result<Installation, HostToolError> {
    match llvm::find(candidates, major, &REQUIRED, &Host { env: world.env }) {
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
        found = elf::glibc_defined(fs::open_regular(&libc)?).unwrap_or_default();
        if found.is_some() {
            break;
        }
    }
    Ok(rootless::loader(found, needed) == Loader::Carried)
}
