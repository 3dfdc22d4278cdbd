//! The microVM: qemu's system emulator with a Debian kernel, which runs one program and
//! powers off. What the program writes is passed on as it comes. It always ends: by the
//! program, by the limit, or because the emulator did.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::RunError;
use super::guest::{self, How, Talk};
use super::machine::{self, Parts};
use crate::host::input::Pieces;
use crate::host::process::{Running, Stream};
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
    /// Boots, runs the program, and passes on what it writes; and what `input` has, as far
    /// as the program takes it.
    ///
    /// # Errors
    /// The limit was reached, or the microVM did not tell how the program ended.
    pub fn run(
        &self,
        folder: &Folder,
        input: Option<Pieces>,
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
        let mut end = End::open(place.join(machine::END))?;
        let log = place.join("qemu.log");
        fs::write(&log, b"")?;
        let (says, logs) = (fs::open_private(&end.path)?, fs::open_private(&log)?);
        let mut running = call.start([Stream::Pipe, Stream::File(says), Stream::File(logs)])?;
        let mut feed = input.map(|pieces| Feed::new(pieces, &mut running));
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
            end.hear(place)?;
            let report = end.talk.report;
            if let Some(feed) = &mut feed {
                has_moved |= feed.pass(report.asked)?;
            }
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

/// What the first process says, read behind the emulator, which writes it.
struct End {
    file: File,
    path: PathBuf,
    talk: Talk,
}

impl End {
    fn open(path: PathBuf) -> Result<Self, RunError> {
        fs::write(&path, b"")?;
        Ok(Self { file: fs::open(&path)?, path, talk: Talk::default() })
    }

    fn hear(&mut self, place: &Path) -> Result<(), RunError> {
        let mut buffer = [0; 1 << 10];
        loop {
            let count = self.file.read(&mut buffer).map_err(fs::FsError::io("read", &self.path))?;
            if count == 0 {
                return Ok(());
            }
            let heard = self.talk.hear(&buffer[..count]);
            heard.map_err(|why| failed(place, &format!("told no status: {why}")))?;
        }
    }
}

/// The way of stdin into the microVM: a piece for each that it asks for, so that nothing is
/// sent that nobody has room for.
struct Feed {
    pieces: Pieces,
    to: Option<Box<dyn Write>>,
    sent: u64,
}

impl Feed {
    fn new(pieces: Pieces, running: &mut Running) -> Self {
        let to = running.stdin().map(|to| Box::new(to) as Box<dyn Write>);
        Self { pieces, to, sent: 0 }
    }

    /// Sends what is there, if something is asked for; tells whether it did.
    fn pass(&mut self, asked: u64) -> Result<bool, RunError> {
        let Some(to) = self.to.as_mut().filter(|_| asked > self.sent) else { return Ok(false) };
        let read = self.pieces.poll().map_err(fs::FsError::io("read", Path::new("stdin")))?;
        let Some(piece) = read else { return Ok(false) };
        self.sent += 1;
        match to.write_all(&guest::piece(&piece)).and_then(|()| to.flush()) {
            Ok(()) => Ok(true),
            // The emulator's end is told elsewhere.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(fs::FsError::io("pass on", Path::new("stdin"))(error).into()),
        }
    }
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
