//! Files that are read whole, into memory or another file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};

use bytes::Bytes;

use super::{FsError, flags, open_regular, regular};
use crate::host::hash::Digest;
use crate::host::{memory, threads};

/// The whole content of a file.
///
/// # Errors
/// When it cannot be opened or read.
pub fn read(path: &Path) -> Result<Vec<u8>, FsError> {
    fs::read(path).map_err(FsError::io("read", path))
}

/// The whole content of a text file.
///
/// # Errors
/// As [`read`], and when the content is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, FsError> {
    fs::read_to_string(path).map_err(FsError::io("read", path))
}

/// The content of a regular file of at most `limit` bytes: for files whose size others decide.
///
/// # Errors
/// As [`read`], and when the file is longer or not a regular file (a FIFO, `/dev/zero`).
pub fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    read_bounded(open_regular(path)?, path, limit)
}

fn read_bounded(file: File, path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    let length = file.metadata().map_err(FsError::io("look at", path))?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(limit)).unwrap_or_default() + 1);
    let mut bounded = file.take(limit.saturating_add(1));
    bounded.read_to_end(&mut bytes).map_err(FsError::io("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(FsError::TooLong { path: path.to_path_buf(), limit });
    }
    Ok(bytes)
}

/// As [`read_at_most`], and the name itself must not be a link.
///
/// # Errors
/// As [`read_at_most`], and when it is a link.
pub fn read_no_link(path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    read_bounded(open_no_link(path)?, path, limit)
}

/// As [`read_no_link`], with the digest of what was read: it is made while the rest is read. Of a
/// file that somebody cuts off meanwhile, it is what was still there.
///
/// # Errors
/// As [`read_no_link`].
pub fn read_with_digest(path: &Path, limit: u64) -> Result<(Bytes, Digest), FsError> {
    let file = open_no_link(path)?;
    let length = file.metadata().map_err(FsError::io("look at", path))?.len();
    let too_long = || FsError::TooLong { path: path.to_path_buf(), limit };
    let length = usize::try_from(length).ok().filter(|_| length <= limit).ok_or_else(too_long)?;
    with_digest(file, length).map_err(FsError::io("read", path))
}

/// The first `length` bytes of a file, fewer if it ends before, and their digest.
pub(super) fn with_digest(mut file: File, length: usize) -> io::Result<(Bytes, Digest)> {
    const PIECE: usize = 1 << 20;
    let mut bytes = memory::zeroed(length)?;
    let (digest, read) = {
        let (done, pieces) = mpsc::channel::<&[u8]>();
        let pieces = Mutex::new(pieces);
        let hash =
            || Digest::of_pieces(pieces.lock().unwrap_or_else(PoisonError::into_inner).iter());
        let read = || {
            // It goes with the last piece, which ends the other side.
            let done = done;
            let mut read = 0;
            for piece in bytes.chunks_mut(PIECE) {
                let (wanted, got) = (piece.len(), fill(&mut file, piece)?);
                read += got;
                done.send(&piece[..got]).map_err(|_| io::ErrorKind::BrokenPipe)?;
                if got < wanted {
                    break;
                }
            }
            Ok::<_, io::Error>(read)
        };
        threads::beside(hash, read)
    };
    Ok((Bytes::from_owner(bytes).slice(..read?), digest))
}

/// Reads until `piece` is full or the file ends; tells how much was read, in bytes.
fn fill(file: &mut File, piece: &mut [u8]) -> io::Result<usize> {
    let mut rest = piece;
    let wanted = rest.len();
    while !rest.is_empty() {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => rest = &mut rest[read..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(wanted - rest.len())
}

fn open_no_link(path: &Path) -> Result<File, FsError> {
    use rustix::fs::OFlags;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags(OFlags::NONBLOCK | OFlags::NOFOLLOW));
    regular(options.open(path).map_err(FsError::io("open", path))?, path)
}
