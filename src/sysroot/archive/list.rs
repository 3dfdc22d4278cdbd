//! The list at the head of a packed archive: for whom it was made, and each package with
//! all its files. Pure text; it never looks into the archive itself.

use std::fmt::Write as _;

use super::{ArchiveError, FORMAT, broken};
use crate::sysroot::listing;
use crate::sysroot::manifest::Entry;

/// For whom an archive was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The target's triple.
    pub target: String,
    /// The Debian release.
    pub release: String,
}

/// One package in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Name, hash of the .deb, and the rules it was unpacked by.
    pub key: String,
    /// Its folder in the archive and in the tree.
    pub folder: String,
    /// `name_version_architecture`.
    pub package: String,
    /// Bytes of its tar, without end marks.
    pub bytes: u64,
    /// What lies in it, sorted by path.
    pub entries: Vec<Entry>,
}

const MAGIC: &str = "reml-toolchain archive";

pub(super) fn render(head: &Head, parts: &[&Part]) -> String {
    let mut text = format!("{MAGIC}\t{FORMAT}\t{}\t{}\n", head.target, head.release);
    for Part { key, folder, package, bytes, entries } in parts {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "package\t{package}\t{key}\t{folder}\t{bytes}");
        text.push_str(&listing::render(entries));
    }
    text
}

pub(super) fn parse(text: &str) -> Result<(Head, Vec<Part>), ArchiveError> {
    let wrong = || broken("its list of files is damaged");
    let (first, mut rest) = text.split_once('\n').ok_or_else(wrong)?;
    let fields: Vec<&str> = first.split('\t').collect();
    match fields[..] {
        [MAGIC, format, ..] if format != FORMAT.to_string() => {
            return Err(ArchiveError::Format { got: format.escape_debug().to_string() });
        }
        [MAGIC, _, _, _] => {}
        _ => return Err(wrong()),
    }
    let head = Head { target: fields[2].to_owned(), release: fields[3].to_owned() };
    let mut parts: Vec<Part> = Vec::new();
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').ok_or_else(wrong)?;
        let fields: Vec<&str> = line.split('\t').collect();
        let ["package", package, key, folder, bytes] = fields[..] else { return Err(wrong()) };
        // Lines of entries have tabs, so that this one ends the package.
        let end = if after.starts_with("end\n") {
            4
        } else {
            after.find("\nend\n").ok_or_else(wrong)? + 5
        };
        let entries = listing::parse(&after[..end]).ok_or_else(wrong)?;
        if parts.iter().any(|part| part.key == key) {
            return Err(wrong());
        }
        let text = str::to_owned;
        parts.push(Part {
            key: text(key),
            folder: text(folder),
            package: text(package),
            bytes: bytes.parse().map_err(|_| wrong())?,
            entries,
        });
        rest = &after[end..];
    }
    Ok((head, parts))
}
