//! The microVM: qemu's system emulator with a Debian kernel, which runs programs one after
//! the other and powers off. What they write is passed on as it comes, and of each nothing
//! that another one wrote. It always ends: by the programs, by a limit, or because the
//! emulator did.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::error::RunError;
use super::guest::How;
use super::lines::{End, Feed, Line};
use super::machine::{self, Parts};
use crate::host::input::Pieces;
use crate::host::process::{Running, Stream};
use crate::host::{clock, fs};
use crate::pins::Target;
use crate::store::scratch::Folder;

/// How long the first process has, beyond the limit that it keeps itself.
const GRACE: Duration = Duration::from_secs(5);
/// How long the emulator may take to start a program.
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
    /// How many programs its list has.
    pub programs: usize,
}

/// A microVM that was started. It ends with this value.
pub struct Booted {
    running: Running,
    feed: Option<Feed>,
    lines: [Line; 2],
    end: End,
    programs: usize,
    /// How many of them have ended.
    over: usize,
    folder: Folder,
}

/// How a program ended in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub how: How,
    /// What it took to start: for the first program, from the emulator's start.
    pub start: Duration,
}

impl Microvm<'_> {
    /// Starts it, in `folder`. What `input` has goes to the program, as far as it takes it.
    ///
    /// # Errors
    /// The emulator does not start.
    pub fn boot(&self, folder: Folder, input: Option<Pieces>) -> Result<Booted, RunError> {
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
        let lines =
            [Line::open(place.join(machine::STDOUT))?, Line::open(place.join(machine::STDERR))?];
        let end = End::open(place.join(machine::END), self.programs)?;
        let log = place.join("qemu.log");
        fs::write(&log, b"")?;
        let (says, logs) = (fs::open_private(&end.path)?, fs::open_private(&log)?);
        let mut running = call.start([Stream::Pipe, Stream::File(says), Stream::File(logs)])?;
        let feed = input.map(|pieces| Feed::new(pieces, &mut running));
        Ok(Booted { running, feed, lines, end, programs: self.programs, over: 0, folder })
    }
}

impl Booted {
    /// Follows the next program, `program` for messages, to its end, and passes on what it
    /// writes.
    ///
    /// # Errors
    /// The microVM did not tell how the program ended; it is of no more use then.
    pub fn next(
        &mut self,
        program: &Path,
        limit: Duration,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Ended, RunError> {
        self.follow(program, limit, [out, err]).map_err(|error| match error {
            RunError::MicrovmFailed { what, detail } if self.programs > 1 => {
                let what = format!("{what}, while it ran {}", program.display());
                RunError::MicrovmFailed { what, detail }
            }
            error => error,
        })
    }

    fn follow(
        &mut self,
        program: &Path,
        limit: Duration,
        mut to: [&mut dyn Write; 2],
    ) -> Result<Ended, RunError> {
        let place = self.folder.path();
        let begun = clock::instant();
        let mut start = None;
        let mut known = None;
        for line in &mut self.lines {
            line.begin();
        }
        loop {
            // Asked first: what was written before the end is then seen below.
            let is_over = self.running.ended()?.is_some();
            let mut has_moved = false;
            for line in &mut self.lines {
                has_moved |= line.read()?;
            }
            // Heard after that: what another program wrote is there only when the end of this
            // one is known.
            self.end.hear()?;
            if let Some(why) = self.end.talk.wrong(self.over) {
                return Err(failed(place, &format!("told no status: {why}")));
            }
            let report = self.end.talk.report(self.over);
            let told = report.end.map(|(_, told)| told);
            for (index, (line, to)) in self.lines.iter_mut().zip(&mut to).enumerate() {
                if !line.pass(*to, told.map(|told| told[index]))? {
                    let start = start.unwrap_or_default();
                    return Ok(Ended { how: How::Exit(BROKEN_PIPE), start });
                }
            }
            if let Some(feed) = &mut self.feed {
                has_moved |= feed.pass(report.asked)?;
            }
            if report.started {
                start.get_or_insert_with(|| begun.elapsed());
            }
            if let Some((how, told)) = report.end {
                let since = *known.get_or_insert_with(clock::instant);
                let has_all = self.lines.iter().zip(told).all(|(line, told)| line.passed() >= told);
                if has_all || is_over || since.elapsed() > ARRIVAL {
                    self.over += 1;
                    self.is_whole(told)?;
                    return Ok(Ended { how, start: start.unwrap_or_default() });
                }
            } else if is_over {
                let how = self.running.ended()?.map(|status| status.to_string());
                let how = how.unwrap_or_default();
                return Err(failed(place, &format!("ended before the program did ({how})")));
            }
            match start {
                Some(start) if begun.elapsed() > start + limit + GRACE => {
                    return Err(timeout(program, limit));
                }
                None if begun.elapsed() > BOOT => {
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

    /// Whether what was passed on is what the program wrote.
    fn is_whole(&self, told: [u64; 2]) -> Result<(), RunError> {
        let is_last = self.over == self.programs;
        for (line, (told, name)) in
            self.lines.iter().zip(told.into_iter().zip(["stdout", "stderr"]))
        {
            // What follows belongs to the next program, if there is one.
            let got = line.passed() + if is_last { line.beyond() } else { 0 };
            if got != told {
                let what = format!("lost a part of {name}: expected {told} bytes, got {got}");
                return Err(RunError::MicrovmFailed { what, detail: String::new() });
            }
        }
        Ok(())
    }
}

/// The status that a shell would tell.
///
/// # Errors
/// The limit was reached, or the program did not start.
pub fn status(how: How, program: &Path, limit: Duration) -> Result<u8, RunError> {
    match how {
        How::Exit(status) => Ok(status),
        How::Signal(signal) => Ok(128 + signal),
        How::Timeout => Err(timeout(program, limit)),
        // ENOENT is also told of a missing interpreter, which the closure has found.
        How::Cannot(2) => Err(RunError::Missing(program.to_path_buf())),
        How::Cannot(7) => Err(RunError::TooLong),
        How::Cannot(number) => {
            let what = format!("the kernel refuses it with error {number}");
            Err(RunError::NotAProgram { path: program.to_path_buf(), what })
        }
    }
}

fn timeout(program: &Path, limit: Duration) -> RunError {
    RunError::Timeout { path: program.to_path_buf(), seconds: limit.as_secs() }
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
