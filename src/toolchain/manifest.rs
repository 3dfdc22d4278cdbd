//! The manifest: every file and link of a prepared tree with its size, digest and
//! package, one line each, sorted by path. Folders follow from the paths.

use std::fmt::Write as _;

use crate::host::hash::Digest;

/// The first line of the file.
const HEADER: &str =
    "#reml-toolchain manifest 1: kind, size, seconds, digest or link target, package, path";

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Relative to the tree, `/` between names.
    pub path: String,
    /// What it is.
    pub node: Node,
    /// The .deb it came from (`name_version_arch`); empty for what the tool wrote.
    pub package: String,
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A regular file.
    File {
        /// Whether it may be executed (by its mode).
        executable: bool,
        /// In bytes.
        size: u64,
        /// Its modification time, in seconds since 1970.
        seconds: i64,
        /// Of its content.
        sha256: Digest,
    },
    /// A symbolic link and what it says.
    Link {
        /// Always relative.
        target: String,
    },
}

/// The text of the file. `lines` must be sorted by path.
#[must_use]
pub fn render(lines: &[Line]) -> String {
    let mut text = String::with_capacity(lines.len() * 160);
    text.push_str(HEADER);
    text.push('\n');
    for line in lines {
        let (package, path) = (&line.package, &line.path);
        // Writing to a string cannot fail.
        let _ = match &line.node {
            Node::File { executable, size, seconds, sha256 } => {
                let kind = if *executable { 'x' } else { 'f' };
                writeln!(text, "{kind}\t{size}\t{seconds}\t{sha256}\t{package}\t{path}")
            }
            Node::Link { target } => writeln!(text, "l\t0\t0\t{target}\t{package}\t{path}"),
        };
    }
    text
}

/// Reads a manifest.
///
/// # Errors
/// The number of the first line that is not one.
pub fn parse(bytes: &[u8]) -> Result<Vec<Line>, usize> {
    whole(bytes)?.map_or(Ok(Vec::new()), |piece| piece.lines())
}

/// As [`parse`], not copied: what the lines say of digests is not looked at.
///
/// # Errors
/// As [`parse`].
pub fn rows(bytes: &[u8]) -> Result<Vec<Row<'_>>, usize> {
    whole(bytes)?.map_or(Ok(Vec::new()), |piece| piece.rows())
}

/// All lines; `None` when there is none.
fn whole(bytes: &[u8]) -> Result<Option<Piece<'_>>, usize> {
    Ok(pieces(bytes, bytes.len().max(1))?.pop())
}

/// Neighbouring lines of a manifest, to be read by themselves: it happens at every start of
/// `prepare`, by all threads.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// The whole manifest, for the numbers of lines.
    all: &'a [u8],
    start: usize,
    end: usize,
}

/// A manifest in pieces of `size` bytes and the rest of a line.
///
/// # Errors
/// The number of the first line that cannot be one, whatever it says: the header, or a
/// last line without its end.
pub fn pieces(all: &[u8], size: usize) -> Result<Vec<Piece<'_>>, usize> {
    let header = HEADER.len() + 1;
    if !all.starts_with(HEADER.as_bytes()) || all.get(header - 1) != Some(&b'\n') {
        return Err(1);
    }
    if !all.ends_with(b"\n") {
        return Err(line_number(all, all.len()));
    }
    let mut pieces = Vec::with_capacity(all.len() / size + 1);
    let mut start = header;
    while start < all.len() {
        let most = all.len().min(start.saturating_add(size)) - 1;
        let end = memchr::memchr(b'\n', &all[most..]).map_or(all.len(), |rest| most + rest + 1);
        pieces.push(Piece { all, start, end });
        start = end;
    }
    Ok(pieces)
}

/// The number of the line at `position`.
fn line_number(all: &[u8], position: usize) -> usize {
    memchr::memchr_iter(b'\n', &all[..position]).count() + 1
}

impl<'a> Piece<'a> {
    /// Its lines.
    ///
    /// # Errors
    /// The number, in the manifest, of the first line that is not one.
    pub fn lines(&self) -> Result<Vec<Line>, usize> {
        self.each(Row::line)
    }

    /// Its lines, not copied: what they say of digests is not looked at.
    ///
    /// # Errors
    /// As [`Piece::lines`].
    pub fn rows(&self) -> Result<Vec<Row<'a>>, usize> {
        self.each(Some)
    }

    fn each<T>(&self, take: impl Fn(Row<'a>) -> Option<T>) -> Result<Vec<T>, usize> {
        let mut list = Vec::with_capacity((self.end - self.start) / 128);
        let mut start = self.start;
        while let Some(end) = memchr::memchr(b'\n', &self.all[start..self.end]) {
            let row = std::str::from_utf8(&self.all[start..start + end]).ok().and_then(Row::read);
            list.push(row.and_then(&take).ok_or_else(|| line_number(self.all, start))?);
            start += end + 1;
        }
        Ok(list)
    }
}

/// A line as it stands in the file, not copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// Relative to the tree, `/` between names.
    pub path: &'a str,
    /// What it is.
    pub kind: RowKind<'a>,
    /// The .deb it came from; empty for what the tool wrote.
    pub package: &'a str,
}

/// What a path is, as [`Node`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind<'a> {
    /// A regular file.
    File {
        /// Whether it may be executed.
        executable: bool,
        /// In bytes.
        size: u64,
        /// In seconds since 1970.
        seconds: i64,
        /// The digest's text, not looked at yet.
        sha256: &'a str,
    },
    /// A symbolic link and what it says.
    Link {
        /// Always relative.
        target: &'a str,
    },
}

impl<'a> Row<'a> {
    fn read(row: &'a str) -> Option<Self> {
        let (kind, rest) = row.split_at_checked(2)?;
        let (size, rest) = number(rest)?;
        let (seconds, rest) = match rest.strip_prefix('-') {
            Some(rest) => number(rest).map(|(before, rest)| (-before, rest))?,
            None => number(rest)?,
        };
        let mut tabs = memchr::memchr_iter(b'\t', rest.as_bytes());
        let (first, second) = (tabs.next()?, tabs.next()?);
        let (proof, package) = (&rest[..first], &rest[first + 1..second]);
        let path = &rest[second + 1..];
        // By bytes: by characters this was a fifth of the time that a quick look computes.
        let mut steps = path.as_bytes().split(|byte| *byte == b'/');
        let steps_well = steps.all(|step| !matches!(step, b"" | b"." | b".."));
        if !steps_well || tabs.next().is_some() {
            return None;
        }
        let kind = match kind {
            "l\t" => RowKind::Link { target: proof },
            "f\t" | "x\t" => RowKind::File {
                executable: kind == "x\t",
                size: size.unsigned_abs(),
                seconds,
                sha256: proof,
            },
            _ => return None,
        };
        Some(Self { path, kind, package })
    }

    fn line(self) -> Option<Line> {
        let node = match self.kind {
            RowKind::Link { target } => Node::Link { target: target.to_owned() },
            RowKind::File { executable, size, seconds, sha256 } => {
                Node::File { executable, size, seconds, sha256: sha256.parse().ok()? }
            }
        };
        Some(Line { path: self.path.to_owned(), node, package: self.package.to_owned() })
    }
}

/// The digits up to a tab, and what follows it. By hand: this is most of what a quick look
/// at a tree computes.
fn number(text: &str) -> Option<(i64, &str)> {
    let mut value = 0_i64;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?,
            b'\t' if index > 0 => return Some((value, &text[index + 1..])),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Line> {
        let sha256 = Digest::of(b"x");
        vec![
            Line {
                path: "bin/a b".to_owned(),
                node: Node::File { executable: true, size: 1, seconds: 7, sha256 },
                package: String::new(),
            },
            Line {
                path: "sysroot/lib".to_owned(),
                node: Node::Link { target: "usr/lib".to_owned() },
                package: "libc6_2.36_amd64".to_owned(),
            },
        ]
    }

    #[test]
    fn a_manifest_is_read_back_as_it_was_written() {
        assert_eq!(parse(render(&sample()).as_bytes()), Ok(sample()));
    }

    #[test]
    fn a_time_before_1970_is_read() {
        let text = render(&sample()).replace("\t7\t", "\t-7\t");
        let lines = parse(text.as_bytes()).unwrap();
        assert!(matches!(lines[0].node, Node::File { size: 1, seconds: -7, .. }));
    }

    #[test]
    fn a_damaged_manifest_names_its_line() {
        let text = render(&sample());
        let wrong = |text: &str| parse(text.as_bytes());
        assert_eq!(wrong(&text.replace("x\t1\t7", "x\tone\t7")), Err(2));
        assert_eq!(wrong(&text.replace("x\t1\t7", "x\t\t7")), Err(2));
        assert_eq!(wrong(&text.replace("x\t1\t7", "x\t-1\t7")), Err(2));
        assert_eq!(wrong(&text.replace("x\t1\t7", "x\t1\t")), Err(2));
        assert_eq!(wrong(&text.replace("x\t1\t7", "x\t1\t9223372036854775808")), Err(2));
        assert_eq!(wrong(&text.replace("x\t1\t7", "y\t1\t7")), Err(2));
        assert_eq!(wrong(&text.replace("sysroot/lib", "../lib")), Err(3));
        assert_eq!(wrong(&text.replace("bin/a b", "bin/a\tb")), Err(2));
        assert_eq!(wrong(&text[..text.len() - 1]), Err(3));
        assert_eq!(wrong(""), Err(1));
        assert_eq!(parse(&[text.as_bytes(), b"\xff\n"].concat()), Err(4));
    }
}
