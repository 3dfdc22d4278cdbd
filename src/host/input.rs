//! Our own stdin, for those who cannot hand it on as it is: a file is read as one, anything
//! else piece by piece, each when it is asked for and never waited for. Nothing is read
//! ahead, so that what nobody asked for is left to whoever reads next.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, Builder};
use std::time::Duration;

/// How often a program in the background looks whether it is in the foreground again.
const PAUSE: Duration = Duration::from_millis(200);

/// What stdin is.
#[derive(Debug)]
pub enum Stdin {
    /// A file, which has an end.
    File(File),
    /// Anything else, which may have none.
    Stream(Pieces),
}

/// Our stdin, of which pieces have at most `most` bytes.
///
/// # Errors
/// It cannot be looked at, or the system grants no thread.
pub fn stdin(most: usize) -> io::Result<Stdin> {
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    if file.metadata()?.is_file() { Ok(Stdin::File(file)) } else { Pieces::of(file, most) }
}

/// A stream that is read on demand.
#[derive(Debug)]
pub struct Pieces {
    demands: SyncSender<()>,
    answers: Receiver<io::Result<Vec<u8>>>,
    is_asked: bool,
}

impl Pieces {
    fn of(file: File, most: usize) -> io::Result<Stdin> {
        let (demands, asked) = sync_channel(1);
        let (give, answers) = sync_channel(1);
        // It is never waited for: a read that nothing ends must not keep us.
        Builder::new().spawn(move || {
            while asked.recv().is_ok() {
                let piece = read(&file, most);
                if give.send(piece).is_err() {
                    return;
                }
            }
        })?;
        Ok(Stdin::Stream(Self { demands, answers, is_asked: false }))
    }

    /// The next piece, when it is there; an empty one is the end.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub fn poll(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.within(Duration::ZERO)
    }

    /// What is there at once: until nothing comes for the time of `patience`, or there are
    /// `most` bytes and a piece; and whether that is all.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub fn head(&mut self, most: usize, patience: Duration) -> io::Result<(Vec<u8>, bool)> {
        let mut head = Vec::new();
        while head.len() < most {
            match self.within(patience)? {
                None => return Ok((head, false)),
                Some(piece) if piece.is_empty() => return Ok((head, true)),
                Some(piece) => head.extend(piece),
            }
        }
        Ok((head, false))
    }

    fn within(&mut self, patience: Duration) -> io::Result<Option<Vec<u8>>> {
        if !self.is_asked {
            self.is_asked = self.demands.send(()).is_ok();
        }
        match self.answers.recv_timeout(patience) {
            Ok(piece) => {
                self.is_asked = false;
                piece.map(Some)
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Ok(Some(Vec::new())),
        }
    }
}

fn read(mut file: &File, most: usize) -> io::Result<Vec<u8>> {
    // Reading a terminal from the background would stop the whole program, whether or not
    // the one in the machine ever reads.
    while is_in_background(file) {
        thread::sleep(PAUSE);
    }
    let mut piece = vec![0; most];
    loop {
        match file.read(&mut piece) {
            Ok(count) => {
                piece.truncate(count);
                return Ok(piece);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether it is our terminal, and another job has it.
fn is_in_background(file: &File) -> bool {
    rustix::termios::tcgetpgrp(file).is_ok_and(|group| group != rustix::process::getpgrp())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn next(pieces: &mut Pieces) -> Vec<u8> {
        for _ in 0..2000 {
            if let Some(piece) = pieces.poll().unwrap() {
                return piece;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("nothing came");
    }

    fn stream(from: io::PipeReader) -> Pieces {
        match Pieces::of(File::from(std::os::fd::OwnedFd::from(from)), 4) {
            Ok(Stdin::Stream(pieces)) => pieces,
            other => panic!("a pipe is a stream: {other:?}"),
        }
    }

    #[test]
    fn what_is_there_at_once_is_taken_and_whether_it_is_all_is_told() {
        let patience = Duration::from_secs(30);
        let (from, mut to) = io::pipe().unwrap();
        let mut pieces = stream(from);
        to.write_all(b"one two three").unwrap();
        assert_eq!(pieces.head(6, patience).unwrap(), (b"one two ".to_vec(), false));
        let got = pieces.head(100, Duration::from_millis(200)).unwrap();
        assert_eq!(got, (b"three".to_vec(), false));
        to.write_all(b"!").unwrap();
        drop(to);
        assert_eq!(pieces.head(100, patience).unwrap(), (b"!".to_vec(), true));
    }

    #[test]
    fn a_stream_without_an_end_is_read_as_far_as_it_is_asked_and_waited_for_by_nobody() {
        let (from, mut to) = io::pipe().unwrap();
        let other = from.try_clone().unwrap();
        let mut pieces = stream(from);
        assert_eq!(pieces.poll().unwrap(), None);
        to.write_all(b"onetwo").unwrap();
        assert_eq!(next(&mut pieces), b"onet");
        // The rest is still in the pipe.
        let mut rest = [0; 2];
        (&other).read_exact(&mut rest).unwrap();
        assert_eq!(&rest, b"wo");
        assert_eq!(pieces.poll().unwrap(), None);
        drop(to);
        assert_eq!(next(&mut pieces), b"");
    }
}
