//! A project folder with a generated mirror behind it, and the built program run in it as a
//! user would. Never lets the test machine's own environment, mirrors or tools leak in.
#![allow(dead_code, reason = "each test program uses its own part of this module")]
#![allow(unused_imports, reason = "as above")]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::mirror::Mirror;

mod tree;

pub use tree::{Node, Tree, snapshot};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_reml-toolchain");

/// A project folder, `wörk räum` by name, with a `versions.toml` for its mirror.
pub struct Fixture {
    folder: TempDir,
    pub mirror: Mirror,
    env: BTreeMap<OsString, OsString>,
}

impl Fixture {
    /// With the default archive, as of now.
    pub fn new() -> Self {
        Self::with(Mirror::bookworm())
    }

    /// With a lock of the whole archive.
    pub fn locked() -> Self {
        let fixture = Self::new();
        fixture.lock([""; 0]).code(0);
        fixture
    }

    /// With a lock, and the default target's toolchain.
    pub fn prepared() -> Self {
        let fixture = Self::locked();
        fixture.prepare([""; 0]).code(0);
        fixture
    }

    /// With this archive.
    pub fn with(mirror: Mirror) -> Self {
        let folder = match memory() {
            Some(memory) => TempDir::new_in(memory),
            None => TempDir::new(),
        };
        let folder = folder.expect("a temporary folder");
        let mut fixture = Self { folder, mirror, env: BTreeMap::new() };
        for path in [fixture.root(), fixture.home(), fixture.tools(), fixture.apt_sources()] {
            fs::create_dir(&path).expect("the folder is new");
        }
        fixture.write("versions.toml", fixture.mirror.versions_toml());
        fixture.write_keyring(&fixture.mirror.keyring());
        let home = fixture.home();
        let tools = fixture.tools();
        fixture.set_env("HOME", home);
        fixture.set_env("PATH", tools);
        let apt_sources = fixture.apt_sources();
        fixture.set_env("REML_TOOLCHAIN_APT_SOURCES", apt_sources);
        fixture.set_env("LANG", "C.UTF-8");
        fixture.set_env("TERM", "dumb");
        // Coverage of the program comes out through this variable.
        if let Some(profile) = std::env::var_os("LLVM_PROFILE_FILE") {
            fixture.set_env("LLVM_PROFILE_FILE", profile);
        }
        fixture
    }

    /// The project's folder, for `--root`.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("wörk räum")
    }

    /// A path in the project's folder.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root().join(below)
    }

    /// The folder that is `HOME`; empty at first.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder that is `PATH`; empty at first, so that no tool of the machine is found.
    pub fn tools(&self) -> PathBuf {
        self.folder.path().join("tools")
    }

    /// The folder that stands for `/etc/apt`; empty at first, so that the machine's own
    /// mirrors are never asked.
    pub fn apt_sources(&self) -> PathBuf {
        self.folder.path().join("apt")
    }

    /// The file of trusted keys.
    pub fn keyring(&self) -> PathBuf {
        self.folder.path().join("schlüssel ring.gpg")
    }

    /// Trusts these certificates instead, see [`super::mirror::keyring`].
    pub fn write_keyring(&self, bytes: &[u8]) {
        fs::write(self.keyring(), bytes).expect("the folder is there");
    }

    /// Writes a file of the project, with the folders it needs.
    pub fn write(&self, below: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("below the root")).expect("a writable folder");
        fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// The text of a file of the project.
    pub fn read(&self, below: impl AsRef<Path>) -> String {
        let path = self.path(below);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Replaces text in a file of the project, which must be there exactly once.
    pub fn edit(&self, below: impl AsRef<Path>, from: &str, to: &str) {
        let text = self.read(&below);
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {}", below.as_ref().display());
        self.write(below, text.replace(from, to));
    }

    /// Puts a program called `name` onto `PATH`: a shell script with this body.
    #[cfg(unix)]
    pub fn tool(&self, name: &str, body: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.tools().join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("the folder is there");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file");
    }

    /// Sets a variable for the runs to come.
    pub fn set_env(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.env.insert(name.into(), value.into());
    }

    /// Leaves a variable out of the runs to come.
    pub fn unset_env(&mut self, name: impl AsRef<OsStr>) {
        self.env.remove(name.as_ref());
    }

    /// The whole environment of the runs to come.
    pub fn env(&self) -> &BTreeMap<OsString, OsString> {
        &self.env
    }

    /// The program with `--root` and these arguments, not started yet; stdin is closed.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(PROGRAM);
        command.env_clear().envs(&self.env).current_dir(self.folder.path());
        command.arg("--root").arg(self.root()).args(args).stdin(Stdio::null());
        command
    }

    /// Runs the program with `--root` and these arguments.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Outcome {
        let mut command = self.command(args);
        let shown = format!("{command:?}");
        let output = command.output().unwrap_or_else(|error| panic!("{shown}: {error}"));
        Outcome::new(shown, &output)
    }

    /// Runs a command that goes to the network: with `--mirror` for this archive alone.
    pub fn run_online<A: AsRef<OsStr>>(
        &self,
        command: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Outcome {
        let mut all: Vec<OsString> = vec![command.into(), "--mirror".into()];
        all.push(self.mirror.url().into());
        all.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self.run(all)
    }

    /// `lock` against this archive and its keyring.
    pub fn lock<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Outcome {
        let mut all: Vec<OsString> = vec!["--keyring".into(), self.keyring().into()];
        all.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self.run_online("lock", all)
    }

    /// `prepare` from this archive and its keyring, with its LLVM unless `args` choose one: the machine's
    /// own may lie where Debian puts it, whatever `PATH` says.
    pub fn prepare<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Outcome {
        let mut all: Vec<OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        if !all.iter().any(|arg| arg == "--llvm") {
            all.extend(["--llvm".into(), "debian".into()]);
        }
        all.extend(["--keyring".into(), self.keyring().into()]);
        self.run_online("prepare", all)
    }

    /// What lies in a folder of the project.
    pub fn snapshot(&self, below: impl AsRef<Path>) -> Tree {
        snapshot(&self.path(below))
    }
}

/// Changes a file that nobody may write to, and leaves its mode as it was: what root, a bad
/// disk, or a user who insists does.
pub fn in_place(file: &Path, change: impl FnOnce(&Path)) {
    let mode = fs::metadata(file).unwrap().permissions();
    fs::set_permissions(file, fs::Permissions::from_mode(mode.mode() | 0o200)).unwrap();
    change(file);
    fs::set_permissions(file, mode).unwrap();
}

/// A folder in memory, where each flush to the disk costs nothing; `None` where it is too
/// small or programs in it cannot be started, as in many containers.
fn memory() -> Option<&'static Path> {
    /// More than the trees of the tests that run side by side, in bytes.
    const ROOM: u64 = 3 << 30;
    static FOUND: OnceLock<Option<&'static Path>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let folder = Path::new("/dev/shm");
        let room = rustix::fs::statvfs(folder).ok()?;
        let probe = tempfile::Builder::new().tempfile_in(folder).ok()?.into_temp_path();
        fs::copy("/bin/true", &probe).ok()?;
        let runs = Command::new(&probe).status().is_ok_and(|status| status.success());
        (runs && room.f_bavail * room.f_frsize > ROOM).then_some(folder)
    })
}

/// How a run ended and what it said. Each check returns the outcome, for the next check.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The command line, for messages.
    pub command: String,
    /// The exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Output that is not UTF-8 is a failure of its own.
    pub fn new(command: String, output: &Output) -> Self {
        let text = |name: &str, bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec());
            text.unwrap_or_else(|error| panic!("{command}: {name}: {error}"))
        };
        let (stdout, stderr) = (text("stdout", &output.stdout), text("stderr", &output.stderr));
        Self { status: output.status.code(), stdout, stderr, command }
    }

    /// The exit status must be this one; a panic of the program never passes.
    #[track_caller]
    pub fn code(&self, expected: i32) -> &Self {
        let got = self.status;
        assert!(got == Some(expected), "expected status {expected}, got {got:?}\n{self}");
        assert!(!self.stderr.contains("panicked at"), "the program panicked\n{self}");
        self
    }

    #[track_caller]
    pub fn stderr_has(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "stderr lacks {text:?}\n{self}");
        self
    }

    #[track_caller]
    pub fn stderr_lacks(&self, text: &str) -> &Self {
        assert!(!self.stderr.contains(text), "stderr has {text:?}\n{self}");
        self
    }

    #[track_caller]
    pub fn stdout_has(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "stdout lacks {text:?}\n{self}");
        self
    }

    #[track_caller]
    pub fn stdout_lacks(&self, text: &str) -> &Self {
        assert!(!self.stdout.contains(text), "stdout has {text:?}\n{self}");
        self
    }

    #[track_caller]
    pub fn stdout_is(&self, text: &str) -> &Self {
        assert_eq!(self.stdout, text, "stdout differs\n{self}");
        self
    }

    #[track_caller]
    pub fn stderr_is(&self, text: &str) -> &Self {
        assert_eq!(self.stderr, text, "stderr differs\n{self}");
        self
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, status, stdout, stderr } = self;
        write!(f, "{command}\nstatus: {status:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
