//! Programs that the host's own kernel runs: natively, or under qemu's user mode. Which
//! command that is is decided purely; then it is run with our own streams.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::RunError;
use super::program::Program;
use crate::host::clock;
use crate::host::process::{self, Call, Stream};

/// Variables for a program, stated in full.
pub type Environment = Vec<(OsString, OsString)>;

/// qemu's user mode on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserMode {
    /// Debian's, in the toolchain: started through a loader, with its own libraries.
    Own {
        /// The loader.
        loader: PathBuf,
        /// Where its libraries lie, joined by `:`.
        libraries: OsString,
        /// The program.
        qemu: PathBuf,
    },
    /// The system's.
    System(PathBuf),
}

/// The command that runs `program` natively: through the sysroot's loader when it is
/// dynamic, so that the pinned C library is what is tested, and not the host's.
#[must_use]
pub fn native(program: &Program, sysroot: &Path, args: &[OsString], env: Environment) -> Call {
    let Some(interpreter) = &program.facts.interpreter else {
        let mut call = Call::new(&program.path, args.iter().cloned());
        call.arg0 = Some(program.name.clone().into());
        call.env = env;
        return call;
    };
    let below = interpreter.trim_start_matches('/');
    let mut folders = OsString::new();
    for folder in ["lib", "usr/lib"] {
        if !folders.is_empty() {
            folders.push(":");
        }
        folders.push(sysroot.join(folder).join(program.target.multiarch));
    }
    // The cache names the host's libraries.
    let mut all: Vec<OsString> = vec!["--inhibit-cache".into(), "--library-path".into(), folders];
    all.push(program.name.clone().into());
    all.extend(args.iter().cloned());
    let mut call = Call::new(sysroot.join(below), all);
    call.env = env;
    call
}

/// The command that runs `program` under qemu's user mode over the sysroot.
#[must_use]
pub fn emulated(
    mode: &UserMode,
    program: &Program,
    sysroot: Option<&Path>,
    args: &[OsString],
    env: Environment,
) -> Call {
    let mut call = mode.call();
    let all = &mut call.args;
    if let Some(sysroot) = sysroot {
        all.extend(["-L".into(), sysroot.into()]);
    }
    // By option, so that nothing of it reaches the emulator itself, and nothing of the
    // emulator's the program.
    for (name, value) in env {
        let mut pair = name;
        pair.push("=");
        pair.push(value);
        all.extend(["-E".into(), pair]);
    }
    all.extend(["-0".into(), program.name.clone().into(), program.path.clone().into()]);
    all.extend(args.iter().cloned());
    call
}

impl UserMode {
    /// The command that starts it, without its arguments.
    #[must_use]
    pub fn call(&self) -> Call {
        match self {
            Self::System(qemu) => Call::new(qemu, [""; 0]),
            Self::Own { loader, libraries, qemu } => {
                let mut call = Call::new(loader, ["--library-path"]);
                call.args.extend([libraries.clone(), qemu.clone().into()]);
                call
            }
        }
    }
}

/// Runs `call` with our own streams, or with `out` as its stdout, for as long as `limit`
/// says. Returns the status that a shell would tell.
///
/// # Errors
/// It does not start, or does not end in time.
pub fn run(
    call: &Call,
    program: &Path,
    limit: Option<Duration>,
    out: Option<&mut (dyn Write + Send)>,
) -> Result<u8, RunError> {
    let stdout = if out.is_some() { Stream::Pipe } else { Stream::Ours };
    let mut running = call.start([Stream::Ours, stdout, Stream::Ours])?;
    let pipe = running.stdout();
    let start = clock::instant();
    std::thread::scope(|scope| {
        let reader = match (pipe, out) {
            // A reader that goes away ends the program by its closed pipe.
            (Some(pipe), Some(out)) => Some(scope.spawn(move || process::pass(pipe, out))),
            _ => None,
        };
        let mut pause = Duration::from_micros(200);
        let status = loop {
            if let Some(status) = running.ended()? {
                break status;
            }
            if let Some(limit) = limit.filter(|limit| start.elapsed() > *limit) {
                running.end();
                let (path, seconds) = (program.to_path_buf(), limit.as_secs());
                return Err(RunError::Timeout { path, seconds });
            }
            clock::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        };
        // What the reader could not write is our reader's own affair.
        let _ = reader.map(std::thread::ScopedJoinHandle::join);
        Ok(process::shell_status(status))
    })
}
