//! The archives inside a .deb: ustar headers with GNU's long names, read strictly
//! and in one pass. It creates nothing, and it repairs nothing: what it does not
//! know for certain it refuses.
//!
//! Source: deb(5), which allows ustar and GNU's long names but no PAX; POSIX.1-1988
//! ustar; CVE-2025-62518 and CVE-2026-33056 for what lenient readers lead to.

mod header;
mod name;
mod problem;

use std::io::{self, BufRead, Read};

use header::{BLOCK, Block, Header};

pub use problem::{Problem, TarError};

/// The most bytes of content that are given at a time: what is hashed is still in the
/// processor's cache when it is written.
const PIECE: usize = 128 << 10;

/// How much one archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Members, long names not counted.
    pub members: u64,
    /// Bytes of content over all members.
    pub bytes: u64,
}

impl Default for Limits {
    /// 100,000 members, 4 GiB.
    fn default() -> Self {
        Self { members: 100_000, bytes: 4 << 30 }
    }
}

/// One member of an archive. Owner and group are not kept: nobody may need them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Byte offset of its header in the uncompressed archive.
    pub at: u64,
    /// Relative to the root, components joined by `/`; empty for the root itself.
    pub path: String,
    pub content: Content,
    /// Whether anyone may execute it; no other mode bit is kept.
    pub executable: bool,
    /// Seconds since 1970, before or after any sensible time.
    pub mtime: i64,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A regular file of so many bytes.
    File {
        size: u64,
    },
    Directory,
    /// A symbolic link; the target is as in the archive.
    Symlink {
        target: String,
    },
    /// Another name of an earlier member; the target is a path like [`Member::path`].
    HardLink {
        target: String,
    },
}

/// Reads members one after another.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    limits: Limits,
    at: u64,
    left: u64,
    padding: u64,
    members: u64,
    bytes: u64,
    done: bool,
}

impl<R: BufRead> Reader<R> {
    /// Starts at the first header.
    pub fn new(input: R, limits: Limits) -> Self {
        Self { input, limits, at: 0, left: 0, padding: 0, members: 0, bytes: 0, done: false }
    }

    /// Goes to the next member, past what was not read of this one. `None` after
    /// the end marks, when the input has ended too.
    ///
    /// # Errors
    /// [`TarError`] for anything that breaks the rules.
    pub fn advance(&mut self) -> Result<Option<Member>, TarError> {
        if self.done {
            return Ok(None);
        }
        self.copy(&mut |_| Ok::<(), TarError>(()))?;
        let (mut name, mut target) = (None, None);
        loop {
            let at = self.at;
            let fail = |problem| Err(TarError { at, problem });
            let Some(block) = self.block()? else {
                return fail(Problem::End { got: "the end of the data" });
            };
            if block == [0; BLOCK] {
                if name.is_some() || target.is_some() {
                    return fail(Problem::LongName { reason: "no member follows it" });
                }
                self.end()?;
                self.done = true;
                return Ok(None);
            }
            let header = Header::parse(&block).map_err(|problem| TarError { at, problem })?;
            let long = match header.kind {
                b'L' => &mut name,
                b'K' => &mut target,
                _ => return self.member(at, header, name, target).map(Some),
            };
            if long.is_some() {
                return fail(Problem::LongName { reason: "two of a kind follow each other" });
            }
            *long = Some(self.long_name(at, header.size)?);
        }
    }

    /// Hands the content not yet read to `sink`, in pieces as large as they come.
    ///
    /// # Errors
    /// [`TarError`] when the archive ends early, or what `sink` returns.
    pub fn copy<E: From<TarError>>(
        &mut self,
        sink: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while self.left > 0 {
            let at = self.at;
            let filled = self.input.fill_buf();
            let filled = filled.map_err(|error| TarError { at, problem: Problem::Read(error) })?;
            let most =
                usize::try_from(self.left).unwrap_or(usize::MAX).min(filled.len()).min(PIECE);
            if most == 0 {
                return Err(self.truncated("a member's content").into());
            }
            sink(&filled[..most])?;
            self.input.consume(most);
            self.left -= most as u64;
            self.at += most as u64;
        }
        Ok(self.skip_padding()?)
    }

    fn skip_padding(&mut self) -> Result<(), TarError> {
        let size = std::mem::take(&mut self.padding);
        let skipped = io::copy(&mut (&mut self.input).take(size), &mut io::sink());
        let skipped = skipped.map_err(|error| self.unreadable(error))?;
        self.at += skipped;
        if skipped == size { Ok(()) } else { Err(self.truncated("a member's padding")) }
    }

    fn member(
        &mut self,
        at: u64,
        header: Header,
        name: Option<Vec<u8>>,
        target: Option<Vec<u8>>,
    ) -> Result<Member, TarError> {
        let fail = |problem| Err(TarError { at, problem });
        if target.is_some() && !matches!(header.kind, b'1' | b'2') {
            return fail(Problem::LongName { reason: "a link target stands before no link" });
        }
        let path = name.unwrap_or(header.name);
        let target = target.unwrap_or(header.link);
        let path = name::member_path(&path, header.kind == b'5')
            .map_err(|reason| TarError { at, problem: Problem::Path { path, reason } })?;
        let wrong = |target, reason| TarError { at, problem: Problem::Target { target, reason } };
        let (content, what) = match header.kind {
            b'0' => (Content::File { size: header.size }, "a file"),
            b'5' => (Content::Directory, "a directory"),
            b'2' => match name::link_target(&target) {
                Ok(target) => (Content::Symlink { target }, "a symbolic link"),
                Err(reason) => return Err(wrong(target, reason)),
            },
            _ => match name::member_path(&target, false) {
                Ok(target) => (Content::HardLink { target }, "a hard link"),
                Err(reason) => return Err(wrong(target, reason)),
            },
        };
        let size = header.size;
        if size > 0 && header.kind != b'0' {
            return fail(Problem::SizeWithoutContent { path, what, size });
        }
        self.members += 1;
        self.bytes = self.bytes.saturating_add(size);
        for (count, limit, what) in [
            (self.members, self.limits.members, "members"),
            (self.bytes, self.limits.bytes, "bytes of content"),
        ] {
            if count > limit {
                return fail(Problem::Limit { limit, what });
            }
        }
        self.begin(size);
        let executable = header.mode & 0o111 != 0;
        Ok(Member { at, path, content, executable, mtime: header.mtime })
    }

    fn long_name(&mut self, at: u64, size: u64) -> Result<Vec<u8>, TarError> {
        let wrong = |reason| TarError { at, problem: Problem::LongName { reason } };
        if size > name::MAX_PATH as u64 + 1 {
            return Err(wrong("it is longer than 4096 bytes"));
        }
        let mut bytes = Vec::new();
        self.begin(size);
        self.copy(&mut |piece| {
            bytes.extend_from_slice(piece);
            Ok::<(), TarError>(())
        })?;
        if bytes.pop() != Some(0) || bytes.is_empty() || bytes.contains(&0) {
            return Err(wrong("expected text and one NUL at its end"));
        }
        Ok(bytes)
    }

    fn begin(&mut self, size: u64) {
        self.left = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }

    /// The next block; `None` when the input ends before its first byte.
    fn block(&mut self) -> Result<Option<Block>, TarError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.input.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(self.truncated("a block")),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(error)),
            }
        }
        self.at += BLOCK as u64;
        Ok(Some(block))
    }

    /// After the first block of zeros: a second one, then only more of them.
    fn end(&mut self) -> Result<(), TarError> {
        let mut zeros = 1;
        loop {
            let at = self.at;
            let got = match self.block()? {
                Some(block) if block == [0; BLOCK] => {
                    zeros += 1;
                    continue;
                }
                None if zeros >= 2 => return Ok(()),
                None => "one block",
                Some(_) => "further data",
            };
            return Err(TarError { at, problem: Problem::End { got } });
        }
    }

    fn unreadable(&self, error: io::Error) -> TarError {
        TarError { at: self.at, problem: Problem::Read(error) }
    }

    fn truncated(&self, what: &'static str) -> TarError {
        TarError { at: self.at, problem: Problem::Truncated { what } }
    }
}
