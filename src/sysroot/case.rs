//! Names that some disks cannot tell apart: the second of them goes aside into
//! `.case/`, and an overlay file shows clang both. Pure: it makes no file.
//!
//! Source: UAX #15 (normalisation forms), clang's `-ivfsoverlay`
//! (`llvm/Support/VirtualFileSystem.h`, `RedirectingFileSystem`).

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;

use super::rules::{join, parent, relative};

/// The directory for names that collide, in the root of a tree.
pub const ASIDE: &str = ".case";

/// What a case-insensitive, normalising disk makes of a path: equal for names it
/// takes for the same.
#[must_use]
pub fn fold(path: &str) -> String {
    if path.is_ascii() {
        return path.to_ascii_lowercase();
    }
    // Upper case unites what lower case alone leaves apart (s and the long s, both
    // sigmas), and either may undo a composition: so each step is made on its own.
    let lower: String = path.nfd().flat_map(char::to_lowercase).collect();
    lower.nfc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

/// Where each path of a tree lies on a disk that folds names.
#[derive(Debug, Default)]
pub struct Places {
    taken: HashMap<String, String>,
    moved: HashMap<String, String>,
}

impl Places {
    /// Finds a place for `path`, whose directory has got one before: `None` for
    /// its own name, else the place it takes instead. The same path asked again
    /// gets the same answer.
    pub fn assign(&mut self, path: &str) -> Option<String> {
        let directory = parent(path);
        let beside = match self.moved.get(directory) {
            Some(moved) => format!("{moved}{}", &path[directory.len()..]),
            None => path.to_owned(),
        };
        let aside = (1_u32..).map(|number| format!("{ASIDE}/{number}/{path}"));
        let place = std::iter::once(beside)
            .chain(aside)
            .find(|place| self.taken.get(&fold(place)).is_none_or(|owner| owner == path))?;
        self.taken.insert(fold(&place), path.to_owned());
        if place == path {
            return None;
        }
        self.moved.insert(path.to_owned(), place.clone());
        Some(place)
    }

    /// The target that the link at `path` needs on disk, now that it or what it
    /// points to may lie elsewhere.
    #[must_use]
    pub fn retarget(&self, path: &str, target: &str) -> String {
        let wanted = join(parent(path), target);
        let place = self.moved.get(path);
        let moved = wanted.as_ref().and_then(|wanted| self.moved.get(wanted));
        match (wanted.as_ref(), place, moved) {
            (Some(wanted), place, moved) if place.is_some() || moved.is_some() => {
                let from = place.map_or(path, String::as_str);
                relative(parent(from), moved.unwrap_or(wanted))
            }
            _ => target.to_owned(),
        }
    }
}

/// The overlay file that shows clang each moved file under its own name. `root`
/// is the absolute path of the tree, in whose root the overlay file must lie;
/// `moved` holds path and place. When the tree moves it must be written anew.
#[must_use]
pub fn overlay<'a>(root: &str, moved: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut directories: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (path, place) in moved {
        let directory = parent(path);
        let name = path[directory.len()..].trim_start_matches('/');
        directories.entry(directory).or_default().insert(name, place);
    }
    let mut text = String::from(
        "{\n  'version': 0,\n  'case-sensitive': 'true',\n  'overlay-relative': 'true',\n  \
         'use-external-names': 'false',\n  'roots': [\n",
    );
    for (index, (directory, files)) in directories.iter().enumerate() {
        let comma = if index + 1 < directories.len() { "," } else { "" };
        let name = quote(&format!("{}/{directory}", root.trim_end_matches('/')));
        let contents: Vec<String> = files
            .iter()
            .map(|(name, place)| {
                let (name, place) = (quote(name), quote(place));
                format!("      {{ 'type': 'file', 'name': {name}, 'external-contents': {place} }}")
            })
            .collect();
        let contents = contents.join(",\n");
        // A string takes all text, so the result says nothing.
        let _ = writeln!(
            text,
            "    {{ 'type': 'directory', 'name': {name}, 'contents': [\n{contents}\n    ] }}{comma}"
        );
    }
    text.push_str("  ]\n}\n");
    text
}

/// A single-quoted YAML scalar (YAML 1.2 §7.3.2).
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests;
