//! The manifest: every file and link of a prepared tree with its size, digest and
//! package, one line each, sorted by path. Folders follow from the paths.

use std::fmt::Write as _;

use crate::host::hash::Digest;

/// Where it lies in a tree.
pub const PATH: &str = "share/manifest.tsv";

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
        match &line.node {
            Node::File { executable, size, seconds, sha256 } => {
                let kind = if *executable { 'x' } else { 'f' };
                // Writing to a string cannot fail.
                let _ = write!(text, "{kind}\t{size}\t{seconds}\t{sha256}");
            }
            Node::Link { target } => text.extend(["l\t0\t0\t", target]),
        }
        text.extend(["\t", &line.package, "\t", &line.path, "\n"]);
    }
    text
}

/// Reads a manifest.
///
/// # Errors
/// The number of the first line that is not one.
pub fn parse(bytes: &[u8]) -> Result<Vec<Line>, usize> {
    each(bytes, Row::line)
}

/// As [`parse`], not copied: what the lines say of digests is not looked at.
///
/// # Errors
/// As [`parse`].
pub fn rows(bytes: &[u8]) -> Result<Vec<Row<'_>>, usize> {
    each(bytes, Some)
}

fn each<'a, T>(bytes: &'a [u8], take: impl Fn(Row<'a>) -> Option<T>) -> Result<Vec<T>, usize> {
    let mut list = Vec::with_capacity(bytes.len() / 128);
    let body = bytes.strip_prefix(HEADER.as_bytes()).and_then(|rest| rest.strip_prefix(b"\n"));
    for (index, line) in body.ok_or(1_usize)?.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let row = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        list.push(row.and_then(Row::read).and_then(&take).ok_or(index + 2)?);
    }
    Ok(list)
}

/// A line as it stands in the file, not copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// Relative to the tree.
    pub path: &'a str,
    /// What it is.
    pub look: Appearance<'a>,
    /// The digest's text, not looked at yet; of links what they say.
    proof: &'a str,
    /// The .deb it came from; empty for what the tool wrote.
    pub package: &'a str,
}

/// What can be told of a path without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appearance<'a> {
    /// A regular file.
    File {
        /// Whether it may be executed.
        executable: bool,
        /// In bytes.
        size: u64,
        /// In seconds since 1970; `None` for any.
        seconds: Option<i64>,
    },
    /// A symbolic link.
    Link {
        /// Always relative.
        target: &'a str,
    },
}

impl<'a> Row<'a> {
    fn read(row: &'a str) -> Option<Self> {
        let mut fields = row.split('\t');
        let mut field = || fields.next();
        let (kind, size, seconds, proof) = (field()?, field()?, field()?, field()?);
        let (package, path) = (field()?, field()?);
        let steps_well = path.split('/').all(|step| !matches!(step, "" | "." | ".."));
        if field().is_some() || !steps_well {
            return None;
        }
        let look = match kind {
            "l" => Appearance::Link { target: proof },
            "f" | "x" => Appearance::File {
                executable: kind == "x",
                size: size.parse().ok()?,
                seconds: Some(seconds.parse().ok()?),
            },
            _ => return None,
        };
        Some(Self { path, look, proof, package })
    }

    /// The digest's text; `None` for links.
    #[must_use]
    pub fn sha256(&self) -> Option<&'a str> {
        matches!(self.look, Appearance::File { .. }).then_some(self.proof)
    }

    fn line(self) -> Option<Line> {
        let node = match self.look {
            Appearance::Link { target } => Node::Link { target: target.to_owned() },
            Appearance::File { executable, size, seconds } => {
                Node::File { executable, size, seconds: seconds?, sha256: self.proof.parse().ok()? }
            }
        };
        Some(Line { path: self.path.to_owned(), node, package: self.package.to_owned() })
    }
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
