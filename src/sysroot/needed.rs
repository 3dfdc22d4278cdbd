//! Which libraries a program loads, and where each lies: the search of ld.so(8), done in a
//! sysroot instead of on the machine. Pure: a closure looks files up. It starts nothing,
//! and a hostile file can cost it only so many look-ups.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::elf::Facts;

mod libraries;
mod root;

pub use libraries::{Unmet, unmet};
pub use root::Root;

/// The most libraries a program may load.
const MOST_LIBRARIES: usize = 2048;
/// The most names that are looked for, found or not.
const MOST_NAMES: usize = 8192;
/// The most folders of one `DT_RPATH` or `DT_RUNPATH`.
const MOST_FOLDERS: usize = 64;

/// Where a file lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// In the sysroot, as the target names it: absolute, `/lib/x86_64-linux-gnu/libc.so.6`.
    Inside(String),
    /// On this machine, beside the program: absolute.
    Outside(PathBuf),
}

impl Place {
    /// The path as the program would name it.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Inside(path) => Path::new(path),
            Self::Outside(path) => path,
        }
    }

    /// The folder it lies in.
    fn folder(&self) -> Self {
        match self {
            Self::Inside(path) => {
                Self::Inside(path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned())
            }
            Self::Outside(path) => Self::Outside(path.parent().unwrap_or(path).to_path_buf()),
        }
    }

    /// A path below it, `..` and `.` taken out by text as far as that can be.
    fn join(&self, below: &str) -> Self {
        match self {
            Self::Inside(path) => Self::Inside(plain(&format!("{path}/{below}"))),
            Self::Outside(path) => {
                Self::Outside(PathBuf::from(plain(&format!("{}/{below}", path.display()))))
            }
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path().display())
    }
}

/// One name that the program, or a library of it, asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// As asked for: `libc.so.6`; for the loader its path.
    pub name: String,
    /// Who asked first: `the program`, or the name of a library.
    pub needed_by: String,
    /// Where it was found; `None` when it is missing.
    pub place: Option<Place>,
}

/// All that a program loads, in the order of the loader, which itself comes first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// The libraries.
    pub libraries: Vec<Library>,
}

impl Closure {
    /// The names that were not found.
    pub fn missing(&self) -> impl Iterator<Item = &Library> {
        self.libraries.iter().filter(|library| library.place.is_none())
    }

    /// The files that were found.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.libraries.iter().filter_map(|library| library.place.as_ref())
    }
}

/// A file asks for more than any real program does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{by} asks for too many libraries: more than {most} in all")]
pub struct TooMany {
    by: String,
    most: usize,
}

/// A file that loads others.
struct Loaded {
    name: String,
    facts: Facts,
    folder: Place,
    /// Who loaded it; `None` for the program.
    parent: Option<usize>,
}

/// What is asked of [`closure`].
#[derive(Debug, Clone, Copy)]
pub struct Program<'p> {
    /// What the program's file says.
    pub facts: &'p Facts,
    /// Where the program lies: what `$ORIGIN` stands for.
    pub place: &'p Place,
    /// The target's multiarch folder, such as `x86_64-linux-gnu`.
    pub multiarch: &'p str,
    /// Names that the C library loads later, when it needs them: followed where they are,
    /// and not missing where they are not.
    pub later: &'p [&'p str],
}

/// Follows what `program` asks for. `look` gives the facts of the file at a place, links
/// followed, or `None` when there is none that can be read.
///
/// # Errors
/// [`TooMany`].
pub fn closure(
    program: Program<'_>,
    look: &mut dyn FnMut(&Place) -> Option<Facts>,
) -> Result<Closure, TooMany> {
    let mut walk = Walk::new(program, look);
    walk.interpreter();
    let mut next = 0;
    while next < walk.loaded.len() {
        for name in walk.loaded[next].facts.needed.clone() {
            walk.follow(next, &name, true)?;
        }
        next += 1;
        if next == walk.loaded.len() && walk.program.facts.interpreter.is_some() {
            for name in std::mem::take(&mut walk.program.later) {
                walk.follow(0, name, false)?;
            }
        }
    }
    Ok(walk.found)
}

struct Walk<'w> {
    program: Program<'w>,
    look: &'w mut dyn FnMut(&Place) -> Option<Facts>,
    loaded: Vec<Loaded>,
    /// Names and sonames that need not be looked for again.
    known: HashSet<String>,
    found: Closure,
}

impl<'w> Walk<'w> {
    fn new(program: Program<'w>, look: &'w mut dyn FnMut(&Place) -> Option<Facts>) -> Self {
        let start = Loaded {
            name: "the program".to_owned(),
            facts: program.facts.clone(),
            folder: program.place.folder(),
            parent: None,
        };
        let known = HashSet::new();
        Self { program, look, loaded: vec![start], known, found: Closure::default() }
    }

    /// Whether a file lies where the loader looks first for each name that the program itself
    /// asks for. When not, another library may still bring it.
    fn finds_its_own(&mut self) -> bool {
        let names = &self.program.facts.needed;
        names.iter().all(|name| self.find(0, name).is_some())
    }

    fn find(&mut self, by: usize, name: &str) -> Option<(Place, Facts)> {
        self.candidates(by, name).into_iter().find_map(|place| {
            let facts = (self.look)(&place).filter(|facts| self.fits(facts))?;
            Some((place, facts))
        })
    }

    fn interpreter(&mut self) {
        let Some(path) = self.program.facts.interpreter.clone() else { return };
        let place = Place::Inside(path.clone());
        let facts = (self.look)(&place).filter(|facts| self.fits(facts));
        if let Some(soname) = facts.as_ref().and_then(|facts| facts.soname.clone()) {
            self.known.insert(soname);
        }
        let needed_by = "the program".to_owned();
        let place = facts.map(|_| place);
        self.found.libraries.push(Library { name: path, needed_by, place });
    }

    /// Whether a file is for the program's machine: the loader passes others over.
    fn fits(&self, facts: &Facts) -> bool {
        let program = self.program.facts;
        facts.machine == program.machine
            && facts.class == program.class
            && facts.little_endian == program.little_endian
    }

    fn follow(&mut self, by: usize, name: &str, required: bool) -> Result<(), TooMany> {
        if self.known.contains(name) {
            return Ok(());
        }
        let needed_by = self.loaded[by].name.clone();
        let too_many = |most| TooMany { by: needed_by.clone(), most };
        if self.known.len() >= MOST_NAMES {
            return Err(too_many(MOST_NAMES));
        }
        if self.loaded.len() > MOST_LIBRARIES {
            return Err(too_many(MOST_LIBRARIES));
        }
        self.known.insert(name.to_owned());
        let found = self.find(by, name);
        let place = found.as_ref().map(|(place, _)| place.clone());
        if place.is_some() || required {
            self.found.libraries.push(Library { name: name.to_owned(), needed_by, place });
        }
        if let Some((place, facts)) = found {
            if let Some(soname) = &facts.soname {
                self.known.insert(soname.clone());
            }
            let folder = place.folder();
            self.loaded.push(Loaded { name: name.to_owned(), facts, folder, parent: Some(by) });
        }
        Ok(())
    }

    /// Where `name` may lie, by ld.so(8): `DT_RPATH` of the file and of those that loaded
    /// it, where the file has no `DT_RUNPATH`; `DT_RUNPATH`; the loader's own folders.
    fn candidates(&self, by: usize, name: &str) -> Vec<Place> {
        if name.contains('/') {
            // A path is taken as it is; relative ones depend on where the user stands.
            let outside = || Place::Outside(name.into());
            return if name.starts_with('/') {
                vec![Place::Inside(plain(name)), outside()]
            } else {
                Vec::new()
            };
        }
        let mut folders = Vec::new();
        let own = &self.loaded[by];
        if own.facts.runpath.is_none() {
            let mut at = Some(by);
            while let Some(index) = at {
                let loaded = &self.loaded[index];
                if loaded.facts.runpath.is_none() {
                    self.expand(loaded, loaded.facts.rpath.as_deref(), &mut folders);
                }
                at = loaded.parent;
            }
        }
        self.expand(own, own.facts.runpath.as_deref(), &mut folders);
        let multiarch = self.program.multiarch;
        for folder in
            [&format!("/lib/{multiarch}"), &format!("/usr/lib/{multiarch}"), "/lib", "/usr/lib"]
        {
            folders.push(Place::Inside(folder.to_owned()));
        }
        folders.into_iter().map(|folder| folder.join(name)).collect()
    }

    fn expand(&self, file: &Loaded, list: Option<&str>, folders: &mut Vec<Place>) {
        let Some(list) = list else { return };
        for folder in list.split(':').take(MOST_FOLDERS) {
            let mut rest = folder;
            let mut is_origin = false;
            for token in ["$ORIGIN", "${ORIGIN}"] {
                if let Some(after) = folder.strip_prefix(token) {
                    (rest, is_origin) = (after, true);
                }
            }
            let rest = rest.replace("${LIB}", &self.lib()).replace("$LIB", &self.lib());
            if is_origin {
                folders.push(file.folder.join(&rest));
            } else if rest.starts_with('/') {
                folders.push(Place::Inside(plain(&rest)));
                // Build systems name the folders they build in.
                folders.push(Place::Outside(plain(&rest).into()));
            }
            // Others depend on where the user stands.
        }
    }

    /// What Debian's loader puts for `$LIB`.
    fn lib(&self) -> String {
        format!("lib/{}", self.program.multiarch)
    }
}

/// An absolute path without `.`, `..` and doubled slashes.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests;
