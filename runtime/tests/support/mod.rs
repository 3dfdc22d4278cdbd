//! What the tests share: the archives, C compilers, and running what they make. Never
//! skips: a tool that is missing fails the test that needs it.
//!
//! The same tests run for other targets, compilers and watchers (see `matrix.sh`):
//! `REML_TEST_TARGET` is the archive's triple (default: the host's), `REML_TEST_FLAVOR`
//! `release` or `debug`, `REML_TEST_CC` the compiler with its flags (default: `cc`), and
//! `REML_TEST_RUNNER` what starts programs (default: nothing). `REML_TEST_ARCHIVES` is a
//! folder whose `lib` and `include` hold what is built already: there is no Rust in the
//! container.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use reml_runtime::abi;
use reml_runtime_pack::argv::Flavor;
use reml_runtime_pack::drive::{self, Symbols};

pub const X86_64: &str = "x86_64-unknown-linux-gnu";
pub const AARCH64: &str = "aarch64-unknown-linux-gnu";

/// The folder of the runtime's sources.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where archives are built; shared by all test programs.
pub fn work() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("archives")
}

/// The symbols an archive defines.
pub fn defines(flavor: Flavor) -> Vec<&'static str> {
    let all = abi::FUNCTIONS.iter();
    all.filter(|f| flavor == Flavor::Debug || !f.debug_only).map(|f| f.symbol).collect()
}

/// The symbols an archive may import.
pub fn imports() -> Vec<&'static str> {
    abi::IMPORTS.iter().chain(abi::WEAK_IMPORTS).map(|(symbol, _)| *symbol).collect()
}

/// Builds an archive in a folder; panics with the reason when it is not what it must be.
pub fn archive_in(source: &Path, work: &Path, target: &str, flavor: Flavor) -> PathBuf {
    let symbols = Symbols { defines: &defines(flavor), imports: &imports() };
    let manifest = source.join("staticlib/Cargo.toml");
    drive::archive(&manifest, work, target, flavor, symbols)
        .unwrap_or_else(|problem| panic!("{target} {flavor:?}:\n{problem}"))
}

/// The release archive under test.
pub fn release() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    let flavor = match words("REML_TEST_FLAVOR", "release")[0].as_str() {
        "release" => Flavor::Release,
        "debug" => Flavor::Debug,
        other => panic!("REML_TEST_FLAVOR: expected release or debug, got {other}"),
    };
    ARCHIVE.get_or_init(|| under_test(flavor))
}

/// The debug archive under test.
pub fn debug() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| under_test(Flavor::Debug))
}

fn under_test(flavor: Flavor) -> PathBuf {
    match given() {
        Some(folder) => folder.join("lib").join(flavor.file_name()),
        None => archive_in(root(), &work(), &target(), flavor),
    }
}

/// Where archives and header lie that are built already.
fn given() -> Option<PathBuf> {
    std::env::var_os("REML_TEST_ARCHIVES").map(PathBuf::from)
}

/// The folder of the header.
pub fn include() -> PathBuf {
    given().unwrap_or_else(|| root().to_path_buf()).join("include")
}

/// The compiler without its flags, for tests that bring their own.
pub fn plain_compiler(default: &str) -> String {
    words("REML_TEST_CC", default)[0].clone()
}

/// The triple under test.
pub fn target() -> String {
    words("REML_TEST_TARGET", &native())[0].clone()
}

/// The words of an environment variable.
fn words(variable: &str, default: &str) -> Vec<String> {
    let value = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    value.split_whitespace().map(ToOwned::to_owned).collect()
}

/// The host's triple.
pub fn native() -> String {
    drive::host().expect("rustc tells its host")
}

/// Runs a command and expects success; what it wrote.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    output
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A C program: where it is built, and how.
pub struct Program {
    folder: tempfile::TempDir,
}

impl Program {
    /// Compiles C text against an archive.
    pub fn new(source: &str, archive: &Path, flags: &[&str]) -> Self {
        let program = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let file = program.folder.path().join("program.c");
        std::fs::write(&file, source).expect("a writable temporary folder");
        run(compiler(flags).arg(&file).arg(archive).args(["-pthread", "-o"]).arg(program.path()));
        program
    }

    /// The executable.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("program")
    }

    /// A command that runs it in its folder, with an environment free of our variables.
    pub fn command(&self) -> Command {
        let mut command = start(&self.path());
        command.current_dir(self.folder.path());
        for variable in ["REML_PANIC", "REML_PANIC_FORMAT", "REML_PANIC_LOG", "REML_RT_ALLOC"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs it.
    pub fn output(&self) -> Output {
        self.command().output().expect("the program starts")
    }
}

/// A command that starts a program the way `REML_TEST_RUNNER` says.
pub fn start(program: &Path) -> Command {
    let mut words = words("REML_TEST_RUNNER", "");
    words.push(program.display().to_string());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// The compiler with the strict flags every C text here is held to.
pub fn compiler(flags: &[&str]) -> Command {
    let words = words("REML_TEST_CC", "cc");
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g", "-O1"]);
    command.arg("-I").arg(include()).args(flags);
    command
}

/// The function of an ELF file that an address is in.
pub fn function_at(elf: &[u8], address: u64) -> Option<String> {
    reml_runtime_pack::check::function_at(elf, address)
}
