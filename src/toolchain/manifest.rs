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
pub fn parse(text: &str) -> Result<Vec<Line>, usize> {
    let mut rows = text.lines();
    if rows.next() != Some(HEADER) {
        return Err(1);
    }
    rows.enumerate().map(|(index, row)| line(row).ok_or(index + 2)).collect()
}

fn line(row: &str) -> Option<Line> {
    let mut fields = row.split('\t');
    let mut next = || fields.next();
    let (kind, size, seconds, proof) = (next()?, next()?, next()?, next()?);
    let (package, path) = (next()?.to_owned(), next()?.to_owned());
    let steps_well = path.split('/').all(|step| !matches!(step, "" | "." | ".."));
    if next().is_some() || !steps_well {
        return None;
    }
    let node = match kind {
        "l" => Node::Link { target: proof.to_owned() },
        "f" | "x" => Node::File {
            executable: kind == "x",
            size: size.parse().ok()?,
            seconds: seconds.parse().ok()?,
            sha256: proof.parse().ok()?,
        },
        _ => return None,
    };
    Some(Line { path, node, package })
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
        assert_eq!(parse(&render(&sample())), Ok(sample()));
    }

    #[test]
    fn a_damaged_manifest_names_its_line() {
        let text = render(&sample());
        assert_eq!(parse(&text.replace("x\t1\t7", "x\tone\t7")), Err(2));
        assert_eq!(parse(&text.replace("sysroot/lib", "../lib")), Err(3));
        assert_eq!(parse(""), Err(1));
    }
}
