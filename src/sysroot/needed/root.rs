//! A sysroot on disk, as a program in it would see it: links lead to where they would in
//! the target's own root, never out of it.

use std::path::{Path, PathBuf};

use super::Place;
use crate::elf::{self, Facts};
use crate::host::fs;

/// As many links as Linux follows (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// The root folder.
#[derive(Debug, Clone)]
pub struct Root {
    folder: PathBuf,
}

impl Root {
    /// The sysroot in `folder`.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file on this machine that `place` stands for, links followed. `None` when there
    /// is none, or what is there is no regular file.
    #[must_use]
    pub fn file(&self, place: &Place) -> Option<PathBuf> {
        let file = match place {
            Place::Outside(path) => fs::resolve(path).ok()?,
            Place::Inside(path) => self.inside(path)?,
        };
        // What cannot be looked at is as good as absent.
        fs::stat(&file).ok().flatten().filter(std::fs::Metadata::is_file).map(|_| file)
    }

    /// What the ELF file at `place` says; `None` when there is none that can be read.
    #[must_use]
    pub fn facts(&self, place: &Place) -> Option<Facts> {
        elf::read_in(fs::open_regular(&self.file(place)?).ok()?).ok()
    }

    fn inside(&self, path: &str) -> Option<PathBuf> {
        let mut todo: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut at: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    at.pop();
                    continue;
                }
                _ => at.push(part),
            }
            let here = self.folder.join(at.join("/"));
            if !fs::stat(&here).ok()??.is_symlink() {
                continue;
            }
            links += 1;
            if links > MOST_LINKS {
                return None;
            }
            let target = fs::read_link(&here).ok()?.into_os_string().into_string().ok()?;
            at.pop();
            if target.starts_with('/') {
                at.clear();
            }
            todo.extend(target.split('/').rev().map(str::to_owned));
        }
        Some(self.folder.join(at.join("/")))
    }
}
