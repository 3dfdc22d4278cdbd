//! The program under strace, which ends it or fails a system call at a chosen moment. strace
//! counts each name of a call, and each thread, for itself.

use std::fmt;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::fixture::{Fixture, Outcome, PROGRAM};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// The process is killed before it.
    Kill,
    /// It fails with this errno, once.
    Once(&'static str),
    /// It fails with this errno from then on.
    Always(&'static str),
}

/// Of the calls named (separated by commas) the `when`th of any name in any thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point<'c> {
    pub calls: &'c str,
    pub when: u32,
    pub blow: Blow,
}

impl fmt::Display for Point<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, when, blow } = self;
        write!(f, "{blow:?} at number {when} of {calls}")
    }
}

impl Point<'_> {
    fn inject(self) -> String {
        let Self { calls, when, .. } = self;
        match self.blow {
            Blow::Kill => format!("inject={calls}:signal=SIGKILL:when={when}"),
            Blow::Once(errno) => format!("inject={calls}:error={errno}:when={when}"),
            Blow::Always(errno) => format!("inject={calls}:error={errno}:when={when}+"),
        }
    }
}

/// What became of a run.
pub struct Struck {
    /// Whether the run came so far.
    pub was_hit: bool,
    /// Status `None` when it was killed.
    pub outcome: Outcome,
}

/// strace's own file: the program's `PATH` stays the fixture's, which decides what it finds.
fn strace() -> Command {
    let folders = std::env::var_os("PATH").expect("a PATH");
    let mut files = std::env::split_paths(&folders).map(|folder| folder.join("strace"));
    let mut command = Command::new(files.find(|file| file.is_file()).expect("strace on PATH"));
    command.args(["-f", "-qq"]);
    command
}

fn run(fixture: &Fixture, mut strace: Command, args: &[String]) -> (Outcome, bool) {
    strace.arg("--").arg(PROGRAM).arg("--root").arg(fixture.root()).args(args);
    strace.env_clear().envs(fixture.env()).stdin(Stdio::null()).current_dir("/");
    let output = strace.output().expect("strace starts");
    // strace ends as the program ended.
    (Outcome::new(format!("{strace:?}"), &output), output.status.signal() == Some(9))
}

/// Runs the program and strikes it there.
pub fn strike(fixture: &Fixture, args: &[String], point: Point<'_>) -> Struck {
    let log = fixture.home().join("strace.log");
    let mut command = strace();
    command.arg("-o").arg(&log).arg("-e").arg(format!("trace={}", point.calls));
    command.arg("-e").arg(point.inject());
    // Then only the calls that are named stop the program. Signals are not sent that way
    // (strace 6.1).
    if point.blow != Blow::Kill {
        command.arg("--seccomp-bpf");
    }
    let (outcome, was_killed) = run(fixture, command, args);
    let was_hit = match point.blow {
        Blow::Kill => was_killed,
        _ => fs::read_to_string(&log).expect("strace wrote its log").contains("(INJECTED)"),
    };
    Struck { was_hit, outcome }
}

/// What the program calls of these, a line a call, in the order of their end.
pub fn trace(fixture: &Fixture, args: &[String], calls: &str) -> (Outcome, Vec<String>) {
    let log: PathBuf = fixture.home().join("strace.log");
    let mut command = strace();
    command.args(["-y", "-s", "256", "-o"]).arg(&log).arg("-e").arg(format!("trace={calls}"));
    let (outcome, _) = run(fixture, command, args);
    let text = fs::read(&log).expect("strace wrote its log");
    let text = String::from_utf8_lossy(&text);
    (outcome, text.lines().map(str::to_owned).collect())
}
