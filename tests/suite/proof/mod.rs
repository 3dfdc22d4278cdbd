//! The proof: what `prepare` made from the real mirror builds real programs for both
//! targets. No tool of the machine's own LLVM, GCC or binutils ever stands in PATH here.
#![cfg(target_os = "linux")]

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use reml_toolchain::pins::{TARGETS, Target};
use tempfile::TempDir;

use crate::support::fixture::{Outcome, PROGRAM};

mod bare;
mod builds;
mod commands;
mod evidence;
mod languages;
mod libraries;
mod places;
mod shells;

/// Names a test for each target: `subject::x86_64` and `subject::aarch64`.
macro_rules! for_both_targets {
    ($($subject:ident),+ $(,)?) => {$(
        mod $subject {
            #[test]
            #[ignore = "needs a prepared toolchain: the step proof of .ci/run"]
            fn x86_64() {
                super::$subject(&crate::proof::Toolchain::of("x86_64"));
            }

            #[test]
            #[ignore = "needs a prepared toolchain: the step proof of .ci/run"]
            fn aarch64() {
                super::$subject(&crate::proof::Toolchain::of("aarch64"));
            }
        }
    )+};
}
use for_both_targets;

/// The folder that `.ci/proof` fills.
///
/// # Panics
/// It is not named, or a part of it is missing: a test that cannot prove anything fails.
fn ground(part: &str) -> PathBuf {
    let root = std::env::var_os("REML_PROOF_ROOT")
        .expect("REML_PROOF_ROOT names no prepared folder; run all of this by `.ci/proof`");
    let path = Path::new(&root).join(part);
    assert!(path.exists(), "{} is missing: make it by `.ci/proof`", path.display());
    path.canonicalize().unwrap()
}

/// The toolchain of one target.
struct Toolchain {
    target: &'static Target,
    /// The project's folder.
    project: PathBuf,
}

impl Toolchain {
    /// The one of the `plain` project.
    fn of(processor: &str) -> Self {
        Self::at(ground("plain"), processor)
    }

    fn at(project: PathBuf, processor: &str) -> Self {
        let target = Target::by_processor(processor).unwrap();
        let toolchain = Self { target, project };
        assert!(toolchain.tool("clang").is_file(), "{} is not prepared", target.triple);
        toolchain
    }

    /// Its folder, by its public name.
    fn root(&self) -> PathBuf {
        self.project.join("toolchains").join(self.target.triple)
    }

    /// The file of a tool, such as `clang++`.
    fn tool(&self, alias: &str) -> PathBuf {
        self.root().join("bin").join(format!("{}-{alias}", self.target.triple))
    }

    fn is_native(&self) -> bool {
        Target::host() == Some(self.target)
    }

    /// A tool called in the folder `work`.
    fn call<A: AsRef<OsStr>>(
        &self,
        work: &Work,
        alias: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Outcome {
        work.call(self.tool(alias), args)
    }

    /// A compiler call that must succeed without a word.
    #[track_caller]
    fn compile(&self, work: &Work, alias: &str, args: &str) {
        let outcome = self.call(work, alias, args.split_whitespace());
        outcome.code(0);
        assert_eq!(outcome.stderr, "", "{outcome}");
    }

    /// Runs a program of the target: natively, else under the emulator of the toolchain.
    fn run(&self, work: &Work, program: &str) -> Outcome {
        let path = work.path(program);
        if self.is_native() {
            work.call(path, [] as [&str; 0])
        } else {
            self.call(work, "run", [path])
        }
    }

    /// Sources into a program that says what it must, and that is what it must be.
    #[track_caller]
    fn prove(&self, work: &Work, alias: &str, args: &str, says: &str) {
        self.compile(work, alias, &format!("{args} -o program"));
        self.run(work, "program").code(0).stdout_is(says);
        evidence::check(self, &work.path("program"));
    }
}

/// A temporary folder, and calls in it with nothing in the environment but a `PATH`
/// without any compiler.
struct Work {
    folder: TempDir,
    env: Vec<(OsString, OsString)>,
}

impl Work {
    /// With a copy of the files in `tests/data/projects/<project>`; PATH leads nowhere.
    fn new(project: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/projects").join(project);
        copy_tree(&data, folder.path());
        let mut work = Self { folder, env: Vec::new() };
        for (name, value) in [("PATH", "/nonexistent"), ("LC_ALL", "C.UTF-8")] {
            work.set(name, value);
        }
        let place = work.path("");
        work.set("HOME", &place);
        work.set("TMPDIR", &place);
        work
    }

    fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let name = name.into();
        self.env.retain(|(other, _)| *other != name);
        self.env.push((name, value.into()));
    }

    /// Puts the machine's own programs of these names into PATH, and no others.
    fn with_programs(mut self, names: &[&str]) -> Self {
        let bin = self.path(".programs");
        std::fs::create_dir(&bin).unwrap();
        for name in names {
            let places = ["/usr/bin", "/bin", "/usr/local/bin"];
            let found = places.iter().map(|folder| Path::new(folder).join(name));
            let file = found.into_iter().find(|file| file.exists());
            let file = file.unwrap_or_else(|| panic!("{name} is not installed: see .ci/proof"));
            std::os::unix::fs::symlink(file, bin.join(name)).unwrap();
        }
        self.set("PATH", bin);
        self
    }

    fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(below)
    }

    fn write(&self, below: &str, text: &str) {
        std::fs::create_dir_all(self.path(below).parent().unwrap()).unwrap();
        std::fs::write(self.path(below), text).unwrap();
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn call<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = A>,
    ) -> Outcome {
        let mut command = self.command(program);
        finish(command.args(args))
    }

    /// A program from this folder's PATH that must succeed.
    #[track_caller]
    fn succeed(&self, name: &str, args: &[&str]) -> Outcome {
        let outcome = self.call(self.program(name), args);
        outcome.code(0);
        outcome
    }

    /// What a name in this folder's PATH stands for.
    fn program(&self, name: &str) -> PathBuf {
        let path = self.env.iter().find(|(variable, _)| variable == "PATH").unwrap();
        std::env::split_paths(&path.1)
            .map(|folder| folder.join(name))
            .find(|file| file.exists())
            .unwrap_or_else(|| panic!("{name} is not in PATH"))
    }

    /// Takes over what the toolchain's `env` prints.
    fn enter(&mut self, toolchain: &Toolchain) {
        let args = ["env", "--shell", "json", "--target", toolchain.target.triple];
        let outcome = reml(&toolchain.project, args);
        outcome.code(0);
        let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        for (name, value) in document["variables"].as_object().unwrap() {
            self.set(name, value.as_str().unwrap());
        }
        let old = self.env.iter().find(|(name, _)| name == "PATH").unwrap().1.clone();
        let folder = PathBuf::from(document["path"][0].as_str().unwrap());
        let folders = std::iter::once(folder).chain(std::env::split_paths(&old));
        self.set("PATH", std::env::join_paths(folders).unwrap());
    }
}

/// Our program in a project's folder, without network and without LLVM in PATH.
fn reml<A: AsRef<OsStr>>(project: &Path, args: impl IntoIterator<Item = A>) -> Outcome {
    let mut command = Command::new(PROGRAM);
    command.env_clear().env("PATH", "/nonexistent").env("REML_TOOLCHAIN_OFFLINE", "1");
    finish(command.arg("--root").arg(project).args(args).stdin(Stdio::null()))
}

/// Runs a command to its end.
fn finish(command: &mut Command) -> Outcome {
    let shown = format!("{command:?}");
    let output = command.output().unwrap_or_else(|error| panic!("{shown}: {error}"));
    Outcome::new(shown, &output)
}

fn copy_tree(from: &Path, to: &Path) {
    let entries = std::fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display()));
    for entry in entries {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&place).unwrap();
            copy_tree(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

#[test]
#[ignore = "needs a prepared toolchain: the step proof of .ci/run"]
fn every_target_of_the_table_is_proven() {
    let proven = ["x86_64", "aarch64"];
    assert_eq!(TARGETS.iter().map(|target| target.processor).collect::<Vec<_>>(), proven);
}
