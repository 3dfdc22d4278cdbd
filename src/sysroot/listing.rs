//! The entries of an unpacked package as a text, one line each, kept beside its folder.
//! Names hold no control characters (the tar rules see to that), so tabs part the fields.

use std::fmt::Write as _;

use super::manifest::{Entry, EntryKind};

/// The text of a list.
#[must_use]
pub fn render(entries: &[Entry]) -> String {
    let mut text = String::with_capacity(entries.len() * 128);
    for Entry { path, place, kind, seconds } in entries {
        let place = place.as_deref().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = match kind {
            EntryKind::Directory => writeln!(text, "d\t\t\t\t{path}\t{place}"),
            EntryKind::Symlink { target } => writeln!(text, "l\t\t\t{target}\t{path}\t{place}"),
            EntryKind::File { size, sha256, executable } => {
                let letter = if *executable { 'x' } else { 'f' };
                writeln!(text, "{letter}\t{size}\t{seconds}\t{sha256}\t{path}\t{place}")
            }
        };
    }
    // A list that was cut shows by the absence of this line.
    text.push_str("end\n");
    text
}

/// Reads a list; `None` when it is damaged.
#[must_use]
pub fn parse(text: &str) -> Option<Vec<Entry>> {
    text.strip_suffix("end\n")?.lines().map(entry).collect()
}

fn entry(line: &str) -> Option<Entry> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [letter, size, seconds, proof, path, place] = fields[..] else { return None };
    let kind = match letter {
        "d" => EntryKind::Directory,
        "l" => EntryKind::Symlink { target: proof.to_owned() },
        "f" | "x" => EntryKind::File {
            size: size.parse().ok()?,
            sha256: proof.parse().ok()?,
            executable: letter == "x",
        },
        _ => return None,
    };
    let seconds = if matches!(kind, EntryKind::File { .. }) { seconds.parse().ok()? } else { 0 };
    let place = (!place.is_empty()).then(|| place.to_owned());
    Some(Entry { path: path.to_owned(), place, kind, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::hash::Digest;

    fn sample() -> Vec<Entry> {
        let entry = |path: &str, place: Option<&str>, kind: EntryKind| Entry {
            path: path.to_owned(),
            place: place.map(str::to_owned),
            seconds: if matches!(kind, EntryKind::File { .. }) { 7 } else { 0 },
            kind,
        };
        let file = EntryKind::File { size: 1, sha256: Digest::of(b"x"), executable: true };
        vec![
            entry("usr", None, EntryKind::Directory),
            entry("usr/A b", Some(".case/usr/A b"), file),
            entry("usr/l", None, EntryKind::Symlink { target: "A b".to_owned() }),
        ]
    }

    #[test]
    fn a_list_is_read_back_as_it_was_written() {
        assert_eq!(parse(&render(&sample())), Some(sample()));
    }

    #[test]
    fn a_cut_or_damaged_list_is_refused() {
        let text = render(&sample());
        assert_eq!(parse(&text[..text.len() - 1]), None);
        assert_eq!(parse(&text.replace("x\t1\t", "x\t-1\t")), None);
        assert_eq!(parse(""), None);
    }
}
