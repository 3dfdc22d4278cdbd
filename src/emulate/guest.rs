//! What the microVM's first process is told, and what it says of each program. Pure;
//! `init.c` is the other side of both.

use std::ffi::OsString;
use std::path::Path;

/// A program to run in the microVM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order<'o> {
    /// The folder it starts in.
    pub folder: &'o Path,
    /// The program's file, in the microVM.
    pub program: &'o Path,
    /// After how many seconds the microVM ends it by itself.
    pub seconds: u64,
    /// Its arguments, its own name first.
    pub args: &'o [OsString],
    /// Its environment.
    pub env: &'o [(OsString, OsString)],
}

/// More than this in arguments and variables together no program takes where its stack has
/// 8 MiB (`execve(2)`), in bytes.
pub const MOST_WORDS: usize = 2 << 20;

/// The most of all programs together that the first process reads, in bytes.
const MOST_BYTES: usize = (8 << 20) - 1;

/// The file `/reml/run`: programs to run one after the other; `None` when there is too much
/// of it, or a NUL byte in it.
#[must_use]
pub fn list(orders: &[Order<'_>]) -> Option<Vec<u8>> {
    let parts: Option<Vec<_>> = orders.iter().map(Order::bytes).collect();
    parts.map(|parts| parts.concat()).filter(|bytes| bytes.len() <= MOST_BYTES)
}

impl Order<'_> {
    fn bytes(&self) -> Option<Vec<u8>> {
        let mut words: Vec<Vec<u8>> = vec![
            self.folder.as_os_str().as_encoded_bytes().to_vec(),
            self.program.as_os_str().as_encoded_bytes().to_vec(),
            self.seconds.to_string().into_bytes(),
            self.args.len().to_string().into_bytes(),
        ];
        words.extend(self.args.iter().map(|arg| arg.as_encoded_bytes().to_vec()));
        words.push(self.env.len().to_string().into_bytes());
        for (name, value) in self.env {
            words.push([name.as_encoded_bytes(), b"=", value.as_encoded_bytes()].concat());
        }
        let size: usize = words.iter().map(|word| word.len() + 1 + size_of::<usize>()).sum();
        if size > MOST_WORDS || words.iter().any(|word| word.contains(&0)) {
            return None;
        }
        let mut bytes = Vec::with_capacity(size);
        for word in words {
            bytes.extend(word);
            bytes.push(0);
        }
        Some(bytes)
    }
}

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By itself.
    Exit(u8),
    /// By a signal.
    Signal(u8),
    /// By the limit.
    Timeout,
    /// It did not start: the error number.
    Cannot(u32),
}

/// What the line of the ends says of one program so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Whether the program was started.
    pub started: bool,
    /// How many pieces of stdin were asked for.
    pub asked: u64,
    /// How it ended, and how many bytes it wrote to stdout and to stderr.
    pub end: Option<(How, [u64; 2])>,
}

/// The longest that what is said at once can be, in bytes.
const LONGEST: usize = 256;

/// The most of stdin that is sent at once: with its length it must find room in the buffer
/// of the kernel's terminal, which has 4096 bytes and loses what does not.
pub const PIECE: usize = 4000;

/// A piece of stdin as the first process reads it; an empty one is the end.
#[must_use]
pub fn piece(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_le_bytes(), bytes].concat()
}

/// What the first process says, as it comes.
#[derive(Debug)]
pub struct Talk {
    reports: Vec<Report>,
    /// How many of these are whole.
    over: usize,
    half: Vec<u8>,
    /// What was got that is not of the protocol; nothing is heard after it.
    wrong: Option<String>,
}

impl Talk {
    /// About so many programs.
    #[must_use]
    pub fn new(programs: usize) -> Self {
        Self { reports: vec![Report::default(); programs], over: 0, half: Vec::new(), wrong: None }
    }

    /// What it said so far of the program `index`.
    #[must_use]
    pub fn report(&self, index: usize) -> Report {
        self.reports.get(index).copied().unwrap_or_default()
    }

    /// What it said that it must not, when that was while the program `index` ran or before.
    /// What follows all ends is a fault of the last program.
    #[must_use]
    pub fn wrong(&self, index: usize) -> Option<&str> {
        self.wrong.as_deref().filter(|_| index >= self.over || index + 1 == self.reports.len())
    }

    /// Takes what came. Half a line is none yet.
    pub fn hear(&mut self, bytes: &[u8]) {
        if self.wrong.is_none() {
            self.half.extend_from_slice(bytes);
            self.wrong = self.lines().err();
        }
    }

    fn lines(&mut self) -> Result<(), String> {
        while let Some(at) = self.half.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.half.drain(..=at).collect();
            let report = self.reports.get_mut(self.over).ok_or_else(|| refusal(&line))?;
            report.line(&line[..at]).ok_or_else(|| refusal(&line))?;
            self.over += usize::from(report.end.is_some());
        }
        let is_too_much = self.over == self.reports.len() && !self.half.is_empty();
        if is_too_much || self.half.len() > LONGEST { Err(refusal(&self.half)) } else { Ok(()) }
    }
}

fn refusal(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(80)];
    format!("expected the end of the program, got `{}`", start.escape_ascii())
}

impl Report {
    /// One line; `None` when it is none of the protocol.
    fn line(&mut self, line: &[u8]) -> Option<()> {
        let words: Vec<&str> = std::str::from_utf8(line).ok()?.split(' ').collect();
        match words[..] {
            ["start"] if !self.started => self.started = true,
            ["more"] if self.started => self.asked += 1,
            ["cannot", number] if !self.started => {
                self.end = Some((How::Cannot(number.parse().ok()?), [0, 0]));
            }
            [how, number, "out", out, "err", err] if self.started => {
                let number: u8 = number.parse().ok()?;
                let how = match how {
                    "exit" => How::Exit(number),
                    "signal" if (1..=64).contains(&number) => How::Signal(number),
                    "timeout" => How::Timeout,
                    _ => return None,
                };
                self.end = Some((how, [out.parse().ok()?, err.parse().ok()?]));
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of so many programs, all at once and byte by byte, which must not differ.
    fn reports(programs: usize, bytes: &[u8]) -> Result<Vec<Report>, String> {
        let (mut whole, mut slow) = (Talk::new(programs), Talk::new(programs));
        whole.hear(bytes);
        for byte in bytes {
            slow.hear(&[*byte]);
        }
        assert_eq!(whole.reports, slow.reports);
        let wrong = |talk: &Talk| (0..programs).map(|index| talk.wrong(index).is_some()).collect();
        let (all, each): (Vec<bool>, Vec<bool>) = (wrong(&whole), wrong(&slow));
        assert_eq!(all, each);
        match whole.wrong(programs - 1) {
            Some(why) => Err(why.to_owned()),
            None => Ok(whole.reports),
        }
    }

    fn report(bytes: &[u8]) -> Result<Report, String> {
        reports(1, bytes).map(|reports| reports[0])
    }

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let order = Order {
            folder: Path::new("/w o"),
            program: Path::new("/w o/p"),
            seconds: 9,
            args: &["./p".into(), "".into(), "a\nb".into()],
            env: &[("A".into(), "1=2".into())],
        };
        let other = Order { program: Path::new("/q"), args: &[], env: &[], ..order.clone() };
        assert_eq!(
            list(&[order.clone(), other]).unwrap(),
            b"/w o\x00/w o/p\x009\x003\x00./p\x00\x00a\nb\x001\x00A=1=2\x00/w o\x00/q\x009\x000\x000\x00"
        );
        let long = [OsString::from("x".repeat(MOST_WORDS))];
        assert_eq!(list(&[Order { args: &long, ..order.clone() }]), None);
        // Each is short enough, all together are not.
        let long = [OsString::from("x".repeat(MOST_WORDS - 100))];
        let order = Order { args: &long, env: &[], ..order };
        assert!(list(&vec![order.clone(); 4]).is_some_and(|bytes| bytes.len() <= MOST_BYTES));
        assert_eq!(list(&vec![order; 5]), None);
    }

    #[test]
    fn the_end_is_read_when_it_is_whole() {
        assert_eq!(report(b""), Ok(Report::default()));
        assert_eq!(report(b"sta"), Ok(Report::default()));
        assert_eq!(
            report(b"start\nexit 7 out 1"),
            Ok(Report { started: true, ..Report::default() })
        );
        assert_eq!(report(b"start\nmore\nmore\nmo").unwrap().asked, 2);
        assert_eq!((piece(b"ab"), piece(b"")), (b"\x02\0ab".to_vec(), b"\0\0".to_vec()));
        let end = |text: &[u8]| report(text).unwrap().end.unwrap();
        assert_eq!(end(b"start\nexit 7 out 12 err 3\n"), (How::Exit(7), [12, 3]));
        assert_eq!(end(b"start\nsignal 11 out 0 err 0\n"), (How::Signal(11), [0, 0]));
        assert_eq!(end(b"start\ntimeout 0 out 0 err 0\n"), (How::Timeout, [0, 0]));
        assert_eq!(end(b"cannot 2\n"), (How::Cannot(2), [0, 0]));
    }

    #[test]
    fn each_program_of_a_list_has_its_own_report() {
        let text = b"start\nexit 7 out 1 err 2\ncannot 2\nstart\nsignal 11 out 0 err 9\nstart\n";
        let ends: Vec<_> = reports(5, text).unwrap().iter().map(|report| report.end).collect();
        let (first, third) = ((How::Exit(7), [1, 2]), (How::Signal(11), [0, 9]));
        assert_eq!(ends, [Some(first), Some((How::Cannot(2), [0, 0])), Some(third), None, None]);
        let started = reports(5, text).unwrap().iter().filter(|report| report.started).count();
        assert_eq!(started, 3);
        // The fourth does not end before it starts, and there is no fifth.
        for wrong in ["start\nexit 0 out 0 err 0\nexit 0 out 0 err 0\n", "start\ncannot 2\n"] {
            assert!(reports(5, wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(reports(3, text).is_err());
        assert_eq!(Talk::new(1).report(1), Report::default());
    }

    #[test]
    fn what_is_wrong_is_the_fault_of_the_program_that_ran() {
        let mut talk = Talk::new(3);
        talk.hear(b"start\nexit 0 out 0 err 0\nstart\nboo\nexit 0 out 0 err 0\n");
        assert_eq!(talk.report(0).end, Some((How::Exit(0), [0, 0])));
        assert_eq!(talk.report(1), Report { started: true, ..Report::default() });
        assert_eq!(talk.wrong(0), None);
        for index in [1, 2] {
            assert!(talk.wrong(index).is_some_and(|why| why.contains("`boo\\n`")), "{index}");
        }
        let mut talk = Talk::new(2);
        talk.hear(b"cannot 1\ncannot 1\nboo\n");
        assert_eq!((talk.wrong(0), talk.wrong(1).is_some()), (None, true));
    }

    #[test]
    fn garbage_on_the_line_is_never_a_status() {
        for text in [
            &b"exit 0 out 0 err 0\n"[..],
            b"start\nexit 256 out 0 err 0\n",
            b"start\nexit 0\n",
            b"start\nexit 0 out -1 err 0\n",
            b"start\nsignal 0 out 0 err 0\n",
            b"start\nexit 0 out 0 err 0\nexit 0 out 0 err 0\n",
            b"start\nexit 0 out 0 err 0\nx",
            b"start\nstart\n",
            b"more\n",
            b"start\nexit 0 out 0 err 0\nmore\n",
            b"start\ncannot 2\n",
            b"\xff\n",
            b"\n",
            &[b'x'; LONGEST + 1],
        ] {
            assert!(report(text).is_err(), "{}", text.escape_ascii());
        }
    }
}
