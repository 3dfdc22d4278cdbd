//! Other programs: started by absolute path, with an environment that is stated in full,
//! a bounded time and a bounded output. Never a shell in between.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::Builder;
use std::time::Duration;

use super::clock;
use super::fault::{Diagnostic, Kind};
use super::signals::{self, Watch};

mod running;

pub use running::{Running, Stream, pass};
mod stream;

/// How much of a child's stdout and stderr is kept, in bytes each.
const OUTPUT_LIMIT: usize = 16 << 20;

/// A program to start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The program's file.
    pub program: PathBuf,
    /// Its name for itself (`argv[0]`), where that is not the file's path.
    pub arg0: Option<OsString>,
    /// The arguments after its name.
    pub args: Vec<OsString>,
    /// The whole environment: nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    /// The folder it starts in; ours when absent.
    pub cwd: Option<PathBuf>,
}

/// What a finished program said.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to stdout.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr.
    pub stderr: Vec<u8>,
}

/// Why a program could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It did not start.
    #[error("cannot start {}", program.display())]
    Start {
        /// The program's file.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It ran for too long and was ended.
    #[error("{} did not end within {seconds} s", program.display())]
    Timeout {
        /// The program's file.
        program: PathBuf,
        /// The limit in seconds.
        seconds: u64,
    },
    /// Its output could not be read, or it could not be waited for.
    #[error("lost {}", program.display())]
    Lost {
        /// The program's file.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl Diagnostic for ProcessError {
    fn kind(&self) -> Kind {
        match self {
            Self::Start { .. } => Kind::HostTool,
            Self::Timeout { .. } | Self::Lost { .. } => Kind::Failed,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Start { .. } => "program-not-started",
            Self::Timeout { .. } => "program-timeout",
            Self::Lost { .. } => "program-lost",
        }
    }
}

impl ProcessError {
    /// Whether the program, or the loader or interpreter that it names, is missing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Start { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl Call {
    /// A call of `program` with `args` and an empty environment.
    pub fn new<A: Into<OsString>>(
        program: impl Into<PathBuf>,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { program: program.into(), args, ..Self::default() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        if let Some(arg0) = &self.arg0 {
            std::os::unix::process::CommandExt::arg0(&mut command, arg0);
        }
        command
    }

    /// Runs to the end without stdin and returns what it said.
    ///
    /// # Errors
    /// It does not start, or does not end within `limit`.
    pub fn output(&self, limit: Duration) -> Result<Output, ProcessError> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut child, _watch) = signals::spawn(&mut command)
            .map_err(|source| ProcessError::Start { program: self.program.clone(), source })?;
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        std::thread::scope(|scope| {
            let lost = |source| ProcessError::Lost { program: self.program.clone(), source };
            let listen = |pipe| Builder::new().spawn_scoped(scope, pipe).map_err(lost);
            let listeners =
                listen(Box::new(move || read_bounded(stdout)) as Listener).and_then(|stdout| {
                    Ok((stdout, listen(Box::new(move || read_bounded(stderr)) as Listener)?))
                });
            let (stdout, stderr) = match listeners {
                Ok(listeners) => listeners,
                Err(error) => {
                    // The error to tell is the missing thread, not a failure to end the child.
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(error);
                }
            };
            let status = self.wait(&mut child, limit);
            let stdout = stdout.join().unwrap_or_default();
            let stderr = stderr.join().unwrap_or_default();
            Ok(Output { status: status?, stdout, stderr })
        })
    }

    fn wait(&self, child: &mut Child, limit: Duration) -> Result<ExitStatus, ProcessError> {
        let lost = |source| ProcessError::Lost { program: self.program.clone(), source };
        let start = clock::instant();
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(status) = child.try_wait().map_err(lost)? {
                return Ok(status);
            }
            if start.elapsed() > limit {
                // The error to tell is the timeout, not a failure to end the child.
                let _ = child.kill();
                let _ = child.wait();
                let seconds = limit.as_secs();
                return Err(ProcessError::Timeout { program: self.program.clone(), seconds });
            }
            clock::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Runs to the end with our own stdin, stdout and stderr.
    ///
    /// # Errors
    /// It does not start.
    pub fn status(&self) -> Result<ExitStatus, ProcessError> {
        let failed = |source| ProcessError::Start { program: self.program.clone(), source };
        let (mut child, _watch) = signals::spawn(&mut self.command()).map_err(failed)?;
        child.wait().map_err(failed)
    }

    /// Becomes the program: returns only when that fails.
    #[must_use]
    pub fn exec(&self) -> ProcessError {
        let source = std::os::unix::process::CommandExt::exec(&mut self.command());
        ProcessError::Start { program: self.program.clone(), source }
    }
}

/// Reads one pipe of a child.
type Listener = Box<dyn FnOnce() -> Vec<u8> + Send>;

/// Everything up to the limit; what comes after is read and dropped, so that the child
/// is not stopped by a full pipe.
fn read_bounded(pipe: Option<impl Read>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return kept };
    let mut buffer = [0; 8192];
    while let Ok(count) = pipe.read(&mut buffer) {
        if count == 0 {
            break;
        }
        let room = OUTPUT_LIMIT.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&buffer[..room]);
    }
    kept
}

/// The exit status a shell would report: the code, or 128 + the signal.
#[must_use]
pub fn shell_status(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
}

/// The file of `name` in the first of `folders` that has an executable one.
#[must_use]
pub fn find(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(name)).find(|file| is_executable(file))
}

/// Whether `file`, links followed, is a regular file that somebody may execute.
#[must_use]
pub fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn output_and_status_come_back() {
        let call = Call::new("/bin/sh", ["-c", "echo out; echo err >&2; exit 7"]);
        let output = call.output(10 * SECOND).unwrap();
        assert_eq!(output.stdout, b"out\n");
        assert_eq!(output.stderr, b"err\n");
        assert_eq!(shell_status(output.status), 7);
    }

    #[test]
    fn a_death_by_signal_is_128_and_the_signal() {
        let output = Call::new("/bin/sh", ["-c", "kill -TERM $$"]).output(10 * SECOND).unwrap();
        assert_eq!(shell_status(output.status), 143);
    }

    #[test]
    fn i12_a_program_that_hangs_is_ended() {
        let error = Call::new("/bin/sleep", ["30"]).output(SECOND / 10).unwrap_err();
        assert!(matches!(error, ProcessError::Timeout { .. }));
    }

    #[test]
    fn the_environment_is_only_what_was_stated() {
        let mut call = Call::new("/usr/bin/env", Vec::<OsString>::new());
        call.env = vec![("ONLY".into(), "this".into())];
        assert_eq!(call.output(10 * SECOND).unwrap().stdout, b"ONLY=this\n");
    }

    #[test]
    fn a_missing_program_is_a_missing_host_tool() {
        let error = Call::new("/nonexistent", ["x"]).output(SECOND).unwrap_err();
        assert_eq!(error.kind(), Kind::HostTool);
    }
}
