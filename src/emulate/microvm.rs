//! The microVM: qemu's system emulator with a Debian kernel, which runs one program and
//! powers off. What the program writes is passed on as it comes. It always ends: by the
//! program, by the limit, or because the emulator did.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::RunError;
use super::guest::{self, How, Report};
use super::machine::{self, Parts};
use crate::host::process::Stream;
use crate::host::{clock, fs};
use crate::pins::Target;
use crate::store::scratch::Folder;

/// How long the first process has, beyond the limit that it keeps itself.
const GRACE: Duration = Duration::from_secs(5);
/// How long the emulator may take to start the program.
const BOOT: Duration = Duration::from_mins(1);
/// How long what was written may take to arrive when the end is known.
const ARRIVAL: Duration = Duration::from_secs(30);
/// How often the lines are looked at.
const PAUSE: Duration = Duration::from_millis(4);
/// Lines shown of a microVM that failed.
const LAST_LINES: usize = 12;
/// What a shell tells of a program that wrote into a closed pipe.
const BROKEN_PIPE: u8 = 128 + 13;

/// What is booted.
#[derive(Debug, Clone, Copy)]
pub struct Microvm<'m> {
    /// The machine.
    pub target: &'static Target,
    /// `qemu-system-…`.
    pub qemu: &'m Path,
    /// The kernel.
    pub kernel: &'m Path,
    /// The first file system.
    pub image: &'m Path,
    /// In MiB.
    pub memory: u64,
    /// How long the program may run.
    pub limit: Duration,
    /// The program, for messages.
    pub program: &'m Path,
}

/// How a program ended in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The status that a shell would tell.
    pub status: u8,
    /// From the emulator's start to the program's.
    pub boot: Duration,
}

impl Microvm<'_> {
    /// Boots, runs the program, and passes on what it writes.
    ///
    /// # Errors
    /// The limit was reached, or the microVM did not tell how the program ended.
    pub fn run(
        &self,
        folder: &Folder,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Ended, RunError> {
        let place = folder.path();
        let parts = Parts {
            qemu: self.qemu,
            kernel: self.kernel,
            image: self.image,
            folder: place,
            memory: self.memory,
        };
        let why = || format!("no machine is known for {}", self.target);
        let call = machine::command(self.target, parts)
            .ok_or_else(|| RunError::Unfit { backend: "microvm", why: why() })?;
        let mut lines = [
            Line::open(place.join(machine::STDOUT), out)?,
            Line::open(place.join(machine::STDERR), err)?,
        ];
        let log = place.join("qemu.log");
        fs::write(&log, b"")?;
        let [first, second] = [fs::open_private(&log)?, fs::open_private(&log)?];
        let mut running = call.start([Stream::Null, Stream::File(first), Stream::File(second)])?;
        let start = clock::instant();
        let mut boot = None;
        let mut known = None;
        loop {
            // Asked first: what was written before the end is then seen below.
            let is_over = running.ended()?.is_some();
            let mut has_moved = false;
            for line in &mut lines {
                has_moved |= line.pass()?;
            }
            if lines.iter().any(|line| line.is_closed) {
                return Ok(Ended { status: BROKEN_PIPE, boot: boot.unwrap_or_default() });
            }
            let report = Self::report(place)?;
            if report.started {
                boot.get_or_insert_with(|| start.elapsed());
            }
            if let Some((how, out, err)) = report.end {
                let since = *known.get_or_insert_with(clock::instant);
                let has_all = lines[0].count >= out && lines[1].count >= err;
                if has_all || is_over || since.elapsed() > ARRIVAL {
                    running.end();
                    return self.end(how, [out, err], &lines, boot.unwrap_or_default());
                }
            } else if is_over {
                let how = running.ended()?.map(|status| status.to_string()).unwrap_or_default();
                return Err(failed(place, &format!("ended before the program did ({how})")));
            }
            match boot {
                Some(boot) if start.elapsed() > boot + self.limit + GRACE => {
                    return Err(self.timeout());
                }
                None if start.elapsed() > BOOT => {
                    let seconds = BOOT.as_secs();
                    let what = format!("did not start the program within {seconds} s");
                    return Err(failed(place, &what));
                }
                _ => {}
            }
            if !has_moved {
                clock::sleep(PAUSE);
            }
        }
    }

    fn report(place: &Path) -> Result<Report, RunError> {
        let path = place.join(machine::END);
        let bytes = match fs::read_at_most(&path, guest::LONGEST as u64) {
            // The emulator makes it when it starts.
            Err(_) if fs::stat(&path)?.is_none() => return Ok(Report::default()),
            Err(fs::FsError::TooLong { .. }) => vec![b'?'; guest::LONGEST + 1],
            other => other?,
        };
        guest::report(&bytes).map_err(|why| failed(place, &format!("told no status: {why}")))
    }

    fn end(
        &self,
        how: How,
        told: [u64; 2],
        lines: &[Line<'_>; 2],
        boot: Duration,
    ) -> Result<Ended, RunError> {
        let status = match how {
            How::Exit(status) => status,
            How::Signal(signal) => 128 + signal,
            How::Timeout => return Err(self.timeout()),
            // ENOENT is also told of a missing interpreter, which the closure has found.
            How::Cannot(2) => return Err(RunError::Missing(self.program.to_path_buf())),
            How::Cannot(7) => return Err(RunError::TooLong),
            How::Cannot(number) => {
                let what = format!("the kernel refuses it with error {number}");
                return Err(RunError::NotAProgram { path: self.program.to_path_buf(), what });
            }
        };
        for (line, (told, name)) in lines.iter().zip(told.into_iter().zip(["stdout", "stderr"])) {
            if line.count != told {
                let got = line.count;
                let what = format!("lost a part of {name}: expected {told} bytes, got {got}");
                return Err(RunError::MicrovmFailed { what, detail: String::new() });
            }
        }
        Ok(Ended { status, boot })
    }

    fn timeout(&self) -> RunError {
        RunError::Timeout { path: self.program.to_path_buf(), seconds: self.limit.as_secs() }
    }
}

/// The microVM's failure, with what it said last.
fn failed(place: &Path, what: &str) -> RunError {
    let mut detail = String::new();
    for (name, file) in [("emulator", "qemu.log"), ("kernel", machine::KERNEL)] {
        // What cannot be read cannot be told.
        let bytes = fs::read_at_most(&place.join(file), 1 << 20).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        if !last.is_empty() {
            let last = last.join("\n  ");
            let _ = write!(detail, "\nthe {name}'s last lines:\n  {last}");
        }
    }
    RunError::MicrovmFailed { what: what.to_owned(), detail }
}

/// A serial line, read behind the emulator, which writes it.
struct Line<'l> {
    file: File,
    path: PathBuf,
    to: &'l mut dyn Write,
    count: u64,
    is_closed: bool,
}

impl<'l> Line<'l> {
    fn open(path: PathBuf, to: &'l mut dyn Write) -> Result<Self, RunError> {
        fs::write(&path, b"")?;
        Ok(Self { file: fs::open(&path)?, path, to, count: 0, is_closed: false })
    }

    /// Passes on what is new; tells whether there was something.
    fn pass(&mut self) -> Result<bool, RunError> {
        let mut buffer = [0; 8 << 10];
        let mut has_moved = false;
        loop {
            let count = self.file.read(&mut buffer).map_err(fs::FsError::io("read", &self.path))?;
            if count == 0 {
                return Ok(has_moved);
            }
            has_moved = true;
            self.count += count as u64;
            match self.to.write_all(&buffer[..count]).and_then(|()| self.to.flush()) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                    self.is_closed = true;
                    return Ok(true);
                }
                Err(error) => return Err(fs::FsError::io("pass on", &self.path)(error).into()),
            }
        }
    }
}
