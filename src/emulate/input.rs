//! stdin of a program in the microVM: what there is before the start goes into the image,
//! which costs next to nothing; only the rest, where there is one, goes through a serial
//! line, piece by piece. It never waits for an end.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use super::error::RunError;
use crate::host::fs::FsError;
use crate::host::input::{Pieces, Stdin};

/// The largest file that is taken, in bytes; what streams has no limit.
const MOST: u64 = 256 << 20;
/// The most of a stream that goes into the image, in bytes.
const HEAD: usize = 16 << 20;
/// How long a stream may be silent before the start is no longer kept back.
const PATIENCE: Duration = Duration::from_millis(50);

/// What the program will read.
#[derive(Debug, Default)]
pub struct Input {
    /// What is known before the start.
    pub head: Vec<u8>,
    /// What follows, unless that was all.
    pub rest: Option<Pieces>,
}

impl Input {
    /// Looks at stdin.
    ///
    /// # Errors
    /// It cannot be read, or is a file that is too long.
    pub fn new(stdin: Option<Stdin>) -> Result<Self, RunError> {
        let cannot = || FsError::io("read", Path::new("stdin"));
        match stdin {
            None => Ok(Self::default()),
            Some(Stdin::File(file)) => {
                let mut head = Vec::new();
                file.take(MOST + 1).read_to_end(&mut head).map_err(cannot())?;
                if head.len() as u64 <= MOST {
                    return Ok(Self { head, rest: None });
                }
                let why = format!("stdin is a file of more than {MOST} bytes");
                Err(RunError::Unfit { backend: "microvm", why })
            }
            Some(Stdin::Stream(mut pieces)) => {
                let (head, is_all) = pieces.head(HEAD, PATIENCE).map_err(cannot())?;
                Ok(Self { head, rest: (!is_all).then_some(pieces) })
            }
        }
    }
}
