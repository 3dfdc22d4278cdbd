//! Downloads of pinned files into a `.part` file: resumed, hashed while they stream, from the first
//! mirror that has the right bytes. It must never report success for bytes whose SHA-256 over the
//! whole file is not the expected one, nor write more bytes than expected.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use url::Url;

use super::range::ContentRange;
use super::redirect::Pinned;
use super::stall::Watchdog;
use super::text::{hex, looks_like_a_page, mask, shown};
use super::transport::Answer;
use super::{Client, HttpError, Reach, date, unasked_part};
use crate::host::fs::{self, FsError};
use crate::host::progress::{Event, Progress};

/// What a file must be, known before it is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expect {
    pub sha256: [u8; 32],
    /// In bytes.
    pub size: u64,
}

/// How a download went.
#[derive(Debug)]
pub struct Downloaded {
    /// Which of the mirrors had the file; `None` when the `.part` file was whole already.
    pub mirror: Option<usize>,
    /// Where redirects led, masked; empty when nothing was fetched.
    pub final_url: String,
    /// The server's clock.
    pub date: Option<SystemTime>,
    /// Bytes that came over the network.
    pub fetched: u64,
    /// Why the mirrors before did not do.
    pub failures: Vec<HttpError>,
}

/// The `.part` file and what is known of it.
struct Part<'a> {
    file: File,
    path: PathBuf,
    hasher: Sha256,
    have: u64,
    fetched: u64,
    expect: Expect,
    progress: &'a dyn Progress,
}

/// What was learned about one mirror's copy.
#[derive(Default)]
struct MirrorCopy {
    /// Its strong `ETag`.
    etag: Option<String>,
    /// Resuming went wrong here: ask for the whole file from now on.
    distrust_ranges: bool,
}

/// How one response ended.
enum Outcome {
    Done {
        final_url: String,
        date: Option<SystemTime>,
    },
    /// The part and this mirror do not fit together: begin again from nothing.
    FromNothing,
}

impl Client {
    /// Fetches a file of known size and SHA-256 into `part`, trying `urls` in order. Bytes already
    /// in `part` are kept and completed with a range request; what is left after a failure serves
    /// the next run. The caller flushes the file and gives it its name.
    ///
    /// # Errors
    /// When offline; when writing fails; when no mirror had the right bytes: then the error of the
    /// only mirror, or [`HttpError::AllMirrors`] with each mirror's.
    pub fn download(
        &self,
        urls: &[String],
        expect: &Expect,
        part: &Path,
        progress: &dyn Progress,
    ) -> Result<Downloaded, HttpError> {
        if self.reach() == Reach::Offline {
            let url = urls.first().map_or_else(|| hex(&expect.sha256), |url| mask(url));
            return Err(HttpError::Offline { url });
        }
        let mut part = Part::open(part, *expect, progress)?;
        if part.is_whole()? {
            let (final_url, fetched, failures) = (String::new(), 0, Vec::new());
            return Ok(Downloaded { mirror: None, final_url, date: None, fetched, failures });
        }
        let mut failures = Vec::new();
        for (index, url) in urls.iter().enumerate() {
            match self.try_mirror(url, &mut part) {
                Ok((final_url, date)) => {
                    let (mirror, fetched) = (Some(index), part.fetched);
                    return Ok(Downloaded { mirror, final_url, date, fetched, failures });
                }
                Err(error @ HttpError::Disk(_)) => return Err(error),
                Err(error) => failures.push(error),
            }
        }
        match failures.len() {
            0 => Err(HttpError::NoMirror { file: hex(&expect.sha256) }),
            1 => Err(failures.remove(0)),
            _ => Err(HttpError::AllMirrors { failures }),
        }
    }

    fn try_mirror(
        &self,
        url: &str,
        part: &mut Part<'_>,
    ) -> Result<(String, Option<SystemTime>), HttpError> {
        let url = self.admit(url)?;
        let mut copy = MirrorCopy::default();
        let progress = part.progress;
        let on_pause = |text| progress.event(Event::Detail { text });
        self.persist(&url, on_pause, || {
            loop {
                match self.attempt(&url, part, &mut copy)? {
                    Outcome::Done { final_url, date } => return Ok((final_url, date)),
                    // Comes at most once a mirror: without ranges it cannot come again.
                    Outcome::FromNothing => {
                        part.restart()?;
                        copy.distrust_ranges = true;
                    }
                }
            }
        })
    }

    /// One request, and as much of its body as comes.
    fn attempt(
        &self,
        url: &Url,
        part: &mut Part<'_>,
        copy: &mut MirrorCopy,
    ) -> Result<Outcome, HttpError> {
        let size = part.expect.size;
        let mut headers = Vec::new();
        let mut resumed = part.have > 0 && !copy.distrust_ranges;
        if resumed {
            headers.push(("range", format!("bytes={}-", part.have)));
            headers.extend(copy.etag.clone().map(|etag| ("if-range", etag)));
        }
        let (mut answer, last) = match self.request(url, &headers, Pinned::Yes) {
            Err(HttpError::Status { status: 416, .. }) if resumed => {
                return Ok(Outcome::FromNothing);
            }
            other => other?,
        };
        copy.etag = answer.header("etag").filter(|tag| tag.starts_with('"')).map(String::from);
        if answer.status() == 206 {
            let range = answer.header("content-range").and_then(ContentRange::parse);
            if !resumed {
                return Err(unasked_part(&last));
            }
            if !range.is_some_and(|range| range.continues(part.have, size)) {
                return Ok(Outcome::FromNothing);
            }
        } else {
            resumed = false;
        }
        let mut buffer = vec![0; 64 << 10];
        let mut watchdog = Watchdog::new(self.config.stall);
        let mut begun = resumed;
        let mut page = false;
        while !begun || part.have < size {
            let got = if begun { part.have } else { 0 };
            let room =
                usize::try_from(size - got).map_or(buffer.len(), |left| left.min(buffer.len()));
            let piece = &mut buffer[..room];
            let count = self.read(&mut answer, piece, &mut watchdog, &last, got, Some(size))?;
            if !begun {
                // A login page must not cost the bytes that an honest mirror gave before.
                page = answer.header("content-type").is_some_and(|kind| kind.contains("html"));
                if looks_like_a_page(answer.header("content-type"), &piece[..count]) {
                    return Err(HttpError::Portal { url: shown(&last) });
                }
                part.restart()?;
                begun = true;
            }
            if count == 0 {
                break;
            }
            part.append(&piece[..count])?;
        }
        let got = part.have;
        if got == size && part.is_right() {
            return Ok(Outcome::Done { final_url: shown(&last), date: date(&answer) });
        }
        if got < size && !has_framing(&answer) {
            let cause = "the connection ended, and the response does not say how long it is".into();
            return Err(HttpError::Broken { url: shown(&last), got, whole: Some(size), cause });
        }
        if resumed {
            return Ok(Outcome::FromNothing);
        }
        let sum = part.sum();
        part.restart()?;
        let url = shown(&last);
        if page {
            return Err(HttpError::Portal { url });
        }
        if got < size {
            return Err(HttpError::WrongSize { url, expected: size, got });
        }
        Err(HttpError::WrongHash { url, expected: hex(&part.expect.sha256), got: hex(&sum) })
    }
}

/// Whether the response said where its body ends, so that a short one is the server's whole file.
fn has_framing(answer: &Answer) -> bool {
    ["content-length", "transfer-encoding"].iter().any(|n| answer.header_bytes(n).is_some())
}

impl<'a> Part<'a> {
    /// Opens or makes the file, and hashes what is in it.
    fn open(path: &Path, expect: Expect, progress: &'a dyn Progress) -> Result<Self, FsError> {
        let file = fs::open_private(path)?;
        let (hasher, path) = (Sha256::new(), path.to_path_buf());
        let mut part = Self { file, path, hasher, have: 0, fetched: 0, expect, progress };
        let failed = || FsError::io("read", &part.path);
        if part.file.metadata().map_err(failed())?.len() > expect.size {
            part.restart()?;
            return Ok(part);
        }
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = part.file.read(&mut buffer).map_err(failed())?;
            if count == 0 {
                break;
            }
            part.hasher.update(&buffer[..count]);
            part.have += count as u64;
        }
        part.advance(part.have, 1);
        Ok(part)
    }

    /// Whether all bytes are there and right; all there but wrong begins from nothing.
    fn is_whole(&mut self) -> Result<bool, FsError> {
        if self.have != self.expect.size {
            return Ok(false);
        }
        if self.is_right() {
            return Ok(true);
        }
        self.restart()?;
        Ok(false)
    }

    fn sum(&self) -> [u8; 32] {
        self.hasher.clone().finalize().into()
    }

    fn is_right(&self) -> bool {
        self.sum() == self.expect.sha256
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), FsError> {
        self.file.write_all(bytes).map_err(FsError::io("write", &self.path))?;
        self.hasher.update(bytes);
        let count = bytes.len() as u64;
        self.have += count;
        self.fetched += count;
        self.advance(count, 1);
        Ok(())
    }

    /// Begins again from nothing.
    fn restart(&mut self) -> Result<(), FsError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(FsError::io("empty", &self.path))?;
        self.advance(self.have, -1);
        self.have = 0;
        self.hasher.reset();
        Ok(())
    }

    /// Tells of bytes done (`sign` 1) or taken back (`sign` -1).
    fn advance(&self, bytes: u64, sign: i64) {
        if bytes > 0 {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX) * sign;
            self.progress.event(Event::Advance { bytes });
        }
    }
}
