//! The outline: what a quick look at a tree compares, folder by folder. A quarter of the
//! manifest, from the same list; `prepare` reads it at every start. The digest of it stands
//! in the stamp.

use std::fmt::Write as _;

use super::manifest::{Appearance, Line, Node};
use crate::host::fs;

/// Where it lies in a tree.
pub const PATH: &str = "share/outline.tsv";

/// The first line of the file.
const HEADER: &str = "#reml-toolchain outline 1: a folder, then what is in it: \
                      kind, size, seconds or -, name; of a link kind, target, name\n";

/// Files after which the folder is named again, so that its files can be shared out.
const RUN: usize = 64;

/// The text of the file. Of the file `untimed` any time will do.
#[must_use]
pub fn render(lines: &[Line], untimed: &str) -> String {
    let mut list: Vec<(&str, &str, &Line)> = lines
        .iter()
        .map(|line| {
            let (folder, name) = fs::folder_and_name(&line.path);
            (folder, name, line)
        })
        .collect();
    // It is in long runs already.
    list.sort_by_key(|(folder, name, _)| (*folder, *name));
    let mut text = String::with_capacity(list.len() * 40);
    text.push_str(HEADER);
    let (mut open, mut run) = ("", 0);
    for (folder, name, line) in list {
        // Writing to a string cannot fail.
        if folder != open || run == RUN {
            let _ = writeln!(text, "/{folder}");
            (open, run) = (folder, 0);
        }
        run += 1;
        let _ = match &line.node {
            Node::Link { target } => writeln!(text, "l\t{target}\t{name}"),
            Node::File { executable, size, seconds, .. } => {
                let kind = if *executable { 'x' } else { 'f' };
                if line.path == untimed {
                    writeln!(text, "{kind}\t{size}\t-\t{name}")
                } else {
                    writeln!(text, "{kind}\t{size}\t{seconds}\t{name}")
                }
            }
        };
    }
    text
}

/// Folders of an outline, to be read by themselves.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// The whole outline, for the numbers of lines.
    all: &'a [u8],
    start: usize,
    end: usize,
}

/// An outline in pieces of `size` bytes and the rest of a folder.
///
/// # Errors
/// The number of the first line that cannot be one, whatever it says.
pub fn pieces(all: &[u8], size: usize) -> Result<Vec<Piece<'_>>, usize> {
    if !all.starts_with(HEADER.as_bytes()) || !all.ends_with(b"\n") {
        return Err(1);
    }
    let mut pieces = Vec::with_capacity(all.len() / size + 1);
    let mut start = HEADER.len();
    while start < all.len() {
        let most = all.len().min(start.saturating_add(size)) - 1;
        let folder = all[most..].windows(2).position(|pair| pair == b"\n/");
        let end = folder.map_or(all.len(), |rest| most + rest + 1);
        pieces.push(Piece { all, start, end });
        start = end;
    }
    Ok(pieces)
}

impl<'a> Piece<'a> {
    /// The first thing that `look` makes of a folder, a name in it, and what is expected there.
    ///
    /// # Errors
    /// The number, in the outline, of the first line that is not one.
    pub fn find<T>(
        &self,
        mut look: impl FnMut(&'a str, &'a str, Appearance<'a>) -> Option<T>,
    ) -> Result<Option<T>, usize> {
        let bytes = &self.all[self.start..self.end];
        let text = std::str::from_utf8(bytes).map_err(|error| self.line(error.valid_up_to()))?;
        let mut folder = None;
        let mut rest = text;
        while let Some((line, after)) = rest.split_once('\n') {
            let bad = || self.line(text.len() - rest.len());
            if let Some(name) = line.strip_prefix('/') {
                let steps_well = name == "." || name.split('/').all(is_name);
                folder = Some(steps_well.then_some(name).ok_or_else(bad)?);
            } else {
                let (name, expected) = entry(line).ok_or_else(bad)?;
                let found = look(folder.ok_or_else(bad)?, name, expected);
                if found.is_some() {
                    return Ok(found);
                }
            }
            rest = after;
        }
        Ok(None)
    }

    /// The number of the line that holds this byte of the piece.
    fn line(&self, at: usize) -> usize {
        memchr::memchr_iter(b'\n', &self.all[..self.start + at]).count() + 1
    }
}

/// The name and what is expected under it.
fn entry(line: &str) -> Option<(&str, Appearance<'_>)> {
    let (kind, rest) = line.split_at_checked(2)?;
    let (name, expected) = match kind {
        "l\t" => {
            let (target, name) = rest.split_once('\t')?;
            (name, Appearance::Link { target })
        }
        "f\t" | "x\t" => {
            let (size, rest) = number(rest)?;
            let (seconds, name) = match rest.strip_prefix('-') {
                None => number(rest).map(|(seconds, rest)| (Some(seconds), rest))?,
                Some(rest) if rest.starts_with('\t') => (None, &rest[1..]),
                Some(rest) => number(rest).map(|(before, rest)| (Some(-before), rest))?,
            };
            let (executable, size) = (kind == "x\t", size.unsigned_abs());
            (name, Appearance::File { executable, size, seconds })
        }
        _ => return None,
    };
    is_name(name).then_some((name, expected))
}

/// Whether it names a thing in a folder: no path, not the folder itself, not what holds it.
fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.bytes().any(|byte| matches!(byte, b'/' | b'\t'))
}

/// The digits up to a tab, and what follows it.
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
    use crate::host::hash::Digest;

    fn file(path: &str, executable: bool, size: u64, seconds: i64) -> Line {
        let node = Node::File { executable, size, seconds, sha256: Digest::of(b"x") };
        Line { path: path.to_owned(), node, package: "p_1_all".to_owned() }
    }

    fn sample() -> String {
        let target = "usr/lib".to_owned();
        let link = Line {
            path: "sysroot/lib".to_owned(),
            node: Node::Link { target },
            package: String::new(),
        };
        let lines = [
            file("bin/a b", true, 1, -7),
            file("env.sh", false, 3, 7),
            file("share/x", false, 12, 7),
            link,
            file("sysroot/usr/f", false, 0, 9),
        ];
        render(&lines, "share/x")
    }

    fn read_all(text: &str, size: usize) -> Result<Vec<String>, usize> {
        let mut list = Vec::new();
        for piece in pieces(text.as_bytes(), size)? {
            piece.find(|folder, name, expected| {
                list.push(format!("{folder} {name} {expected:?}"));
                None::<()>
            })?;
        }
        Ok(list)
    }

    #[test]
    fn an_outline_is_read_back_as_it_was_written_whatever_its_pieces() {
        let whole = read_all(&sample(), usize::MAX).unwrap();
        let file = |executable, size, seconds| {
            format!("{:?}", Appearance::File { executable, size, seconds })
        };
        assert_eq!(
            whole,
            [
                format!(". env.sh {}", file(false, 3, Some(7))),
                format!("bin a b {}", file(true, 1, Some(-7))),
                format!("share x {}", file(false, 12, None)),
                format!("sysroot lib {:?}", Appearance::Link { target: "usr/lib" }),
                format!("sysroot/usr f {}", file(false, 0, Some(9))),
            ]
        );
        for size in [1, 10, 30] {
            assert_eq!(read_all(&sample(), size).unwrap(), whole);
        }
        assert_eq!(pieces(sample().as_bytes(), 1).unwrap().len(), 5);
    }

    #[test]
    fn a_large_folder_is_shared_out() {
        let lines: Vec<Line> =
            (0..200).map(|number| file(&format!("d/{number:03}"), false, 1, 1)).collect();
        let text = render(&lines, "");
        assert_eq!(pieces(text.as_bytes(), 1).unwrap().len(), 4);
        assert_eq!(read_all(&text, 1).unwrap().len(), 200);
    }

    #[test]
    fn a_damaged_outline_names_its_line() {
        let text = sample();
        let wrong = |from: &str, to: &str| {
            assert!(text.contains(from));
            read_all(&text.replacen(from, to, 1), 40)
        };
        assert_eq!(wrong("#reml", "reml"), Err(1));
        assert_eq!(read_all(&text[..text.len() - 1], 40), Err(1));
        assert_eq!(read_all("", 40), Err(1));
        assert_eq!(wrong("f\t3\t7\t", "f\t\t7\t"), Err(3));
        assert_eq!(wrong("f\t3\t7\t", "f\t-3\t7\t"), Err(3));
        assert_eq!(wrong("f\t3\t7\t", "f\t3\t\t"), Err(3));
        assert_eq!(wrong("f\t3\t7\t", "f\t3\t9223372036854775808\t"), Err(3));
        assert_eq!(wrong("f\t3\t7\t", "d\t3\t7\t"), Err(3));
        assert_eq!(wrong("env.sh", ".."), Err(3));
        assert_eq!(wrong("env.sh", "a/b"), Err(3));
        assert_eq!(wrong("env.sh", "a\tb"), Err(3));
        assert_eq!(wrong("/bin", "/bin/../.."), Err(4));
        assert_eq!(wrong("/.\n", ""), Err(2));
        assert_eq!(
            read_all(&text.replacen("/bin", "/b\u{e4}n", 1), 40).map(|list| list.len()),
            Ok(5)
        );
    }

    #[test]
    fn no_cut_and_no_byte_makes_it_panic() {
        let text = sample().into_bytes();
        let read = |bytes: &[u8]| {
            for piece in pieces(bytes, 10).unwrap_or_default() {
                let _ = piece.find(|_, _, _| None::<()>);
            }
        };
        for at in HEADER.len()..text.len() {
            read(&[&text[..at], b"\n"].concat());
            for byte in [0, b'\n', b'\t', b'/', b'-', b'9', 0xc3, 0xff] {
                let mut changed = text.clone();
                changed[at] = byte;
                read(&changed);
            }
        }
    }
}
