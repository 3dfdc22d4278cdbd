//! A program that may run for minutes, heard line by line while it runs. It never waits
//! for what the program left behind, and asks it to end before it makes it.

use std::io::Read;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::{Call, ProcessError, signals};
use crate::host::clock;

/// The longest line that is told, in bytes.
const LINE_LIMIT: usize = 4096;
/// How long a program that was asked to end may take.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long after its end the pipes are still listened to: children may hold them open.
const ECHO: Duration = Duration::from_millis(500);
/// How often the listener is woken when nothing is said.
const TICK: Duration = Duration::from_millis(250);

impl Call {
    /// Runs to the end without stdin. Each line of stdout and stderr is told as it comes,
    /// and `None` several times a second while nothing does.
    ///
    /// # Errors
    /// It does not start, or does not end within `limit`.
    pub fn stream(
        &self,
        limit: Duration,
        mut hear: impl FnMut(Option<&str>),
    ) -> Result<ExitStatus, ProcessError> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut child, _watch) = signals::spawn(&mut command)
            .map_err(|source| ProcessError::Start { program: self.program.clone(), source })?;
        let (sender, lines) = sync_channel(64);
        let lost = |source| ProcessError::Lost { program: self.program.clone(), source };
        let heard = listen(child.stdout.take(), sender.clone())
            .and_then(|()| listen(child.stderr.take(), sender));
        if let Err(error) = heard {
            end(&mut child);
            return Err(lost(error));
        }
        let start = clock::instant();
        loop {
            match lines.recv_timeout(TICK) {
                Ok(line) => hear(Some(&line)),
                Err(RecvTimeoutError::Timeout) => hear(None),
                Err(RecvTimeoutError::Disconnected) => clock::sleep(TICK / 10),
            }
            if let Some(status) = child.try_wait().map_err(lost)? {
                drain(&lines, &mut hear);
                return Ok(status);
            }
            if start.elapsed() > limit {
                end(&mut child);
                let seconds = limit.as_secs();
                return Err(ProcessError::Timeout { program: self.program.clone(), seconds });
            }
        }
    }
}

/// Sends each line of `pipe` from a thread of its own, which ends with the pipe or when
/// nobody listens any more.
fn listen(
    pipe: Option<impl Read + Send + 'static>,
    lines: SyncSender<String>,
) -> std::io::Result<()> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let work = move || {
        let mut line = Vec::new();
        let mut buffer = [0; 8192];
        let send = |line: &mut Vec<u8>| {
            let text = String::from_utf8_lossy(line).trim_end().to_owned();
            line.clear();
            text.is_empty() || lines.send(text).is_ok()
        };
        while let Ok(count) = pipe.read(&mut buffer) {
            if count == 0 {
                break;
            }
            for &byte in &buffer[..count] {
                // Progress bars return to the line's begin instead of ending it.
                if matches!(byte, b'\n' | b'\r') {
                    if !send(&mut line) {
                        return;
                    }
                } else if line.len() < LINE_LIMIT {
                    line.push(byte);
                }
            }
        }
        send(&mut line);
    };
    std::thread::Builder::new().spawn(work).map(drop)
}

/// What was said before the end.
fn drain(lines: &Receiver<String>, hear: &mut impl FnMut(Option<&str>)) {
    let start = clock::instant();
    while let Some(rest) = ECHO.checked_sub(start.elapsed()) {
        match lines.recv_timeout(rest) {
            Ok(line) => hear(Some(&line)),
            Err(_) => return,
        }
    }
}

fn end(child: &mut Child) {
    let id = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        // What cannot be asked is made to end below.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
    let start = clock::instant();
    while start.elapsed() < FAREWELL {
        if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
            return;
        }
        clock::sleep(TICK / 10);
    }
    // The error to tell is the timeout, not a failure to end the child.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(script: &str, limit: Duration) -> (Vec<String>, Result<ExitStatus, ProcessError>) {
        let mut lines = Vec::new();
        let call = Call::new("/bin/sh", ["-c", script]);
        let status = call.stream(limit, |line| lines.extend(line.map(str::to_owned)));
        (lines, status)
    }

    #[test]
    fn lines_of_both_pipes_come_and_the_status_too() {
        let (mut lines, status) =
            heard("echo one; echo two >&2; printf '10%%\\r20%%\\rlast'; exit 3", TICK * 40);
        lines.sort();
        assert_eq!(lines, ["10%", "20%", "last", "one", "two"]);
        assert_eq!(status.unwrap().code(), Some(3));
    }

    #[test]
    fn i12_one_that_goes_on_is_ended_with_what_it_said_so_far() {
        let (lines, status) = heard("echo begun; exec sleep 30", TICK * 2);
        assert_eq!(lines, ["begun"]);
        assert!(matches!(status, Err(ProcessError::Timeout { .. })));
    }

    #[test]
    fn a_child_that_stays_behind_is_not_waited_for() {
        let start = clock::instant();
        let (lines, status) = heard("sleep 30 & echo $!", TICK * 80);
        assert!(status.unwrap().success());
        assert!(start.elapsed() < TICK * 40);
        let stop = Call::new("/bin/sh", ["-c", &format!("kill {}", lines[0])]);
        assert!(stop.output(TICK * 40).unwrap().status.success());
    }

    #[test]
    fn stdin_is_closed_so_that_a_question_gets_no_answer() {
        let (lines, _) = heard("read answer && echo got || echo nobody", TICK * 40);
        assert_eq!(lines, ["nobody"]);
    }
}
