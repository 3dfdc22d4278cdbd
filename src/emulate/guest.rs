//! What the microVM's first process is told, and what it says at the end. Pure; `init.c`
//! is the other side of both.

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

impl Order<'_> {
    /// The file `/reml/run`; `None` when there is too much of it, or a NUL byte in it.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
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

/// What the line of the end says so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Whether the program was started.
    pub started: bool,
    /// How many pieces of stdin were asked for.
    pub asked: u64,
    /// How it ended, and how many bytes it wrote to stdout and stderr.
    pub end: Option<(How, u64, u64)>,
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
#[derive(Debug, Default)]
pub struct Talk {
    /// What it said so far.
    pub report: Report,
    half: Vec<u8>,
}

impl Talk {
    /// Takes what came. Half a line is none yet; anything that the first process never says
    /// is an error, told as what was got.
    ///
    /// # Errors
    /// The text is not one of the protocol.
    pub fn hear(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.half.extend_from_slice(bytes);
        while let Some(at) = self.half.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.half.drain(..=at).collect();
            self.report.line(&line[..at]).ok_or_else(|| refusal(&line))?;
        }
        let is_over = self.report.end.is_some() && !self.half.is_empty();
        if is_over || self.half.len() > LONGEST { Err(refusal(&self.half)) } else { Ok(()) }
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
        if self.end.is_some() {
            return None;
        }
        match words[..] {
            ["start"] if !self.started => self.started = true,
            ["more"] if self.started => self.asked += 1,
            ["cannot", number] if !self.started => {
                self.end = Some((How::Cannot(number.parse().ok()?), 0, 0));
            }
            [how, number, "out", out, "err", err] if self.started => {
                let number: u8 = number.parse().ok()?;
                let how = match how {
                    "exit" => How::Exit(number),
                    "signal" if (1..=64).contains(&number) => How::Signal(number),
                    "timeout" => How::Timeout,
                    _ => return None,
                };
                self.end = Some((how, out.parse().ok()?, err.parse().ok()?));
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All at once and byte by byte, which must not differ.
    fn report(bytes: &[u8]) -> Result<Report, String> {
        let (mut whole, mut slow) = (Talk::default(), Talk::default());
        let result = whole.hear(bytes).map(|()| whole.report);
        let each = bytes.iter().try_for_each(|byte| slow.hear(&[*byte])).map(|()| slow.report);
        assert_eq!(result.is_ok(), each.is_ok());
        assert!(result.is_err() || result == each);
        result
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
        assert_eq!(
            order.bytes().unwrap(),
            b"/w o\x00/w o/p\x009\x003\x00./p\x00\x00a\nb\x001\x00A=1=2\x00"
        );
        let long = [OsString::from("x".repeat(MOST_WORDS))];
        assert_eq!(Order { args: &long, ..order }.bytes(), None);
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
        assert_eq!(end(b"start\nexit 7 out 12 err 3\n"), (How::Exit(7), 12, 3));
        assert_eq!(end(b"start\nsignal 11 out 0 err 0\n"), (How::Signal(11), 0, 0));
        assert_eq!(end(b"start\ntimeout 0 out 0 err 0\n"), (How::Timeout, 0, 0));
        assert_eq!(end(b"cannot 2\n"), (How::Cannot(2), 0, 0));
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
