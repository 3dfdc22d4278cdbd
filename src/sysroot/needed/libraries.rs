//! Whether the libraries of a sysroot find each other. It judges nothing: who asks decides
//! what a gap means.

use std::collections::HashMap;

use super::{Place, Program, Root, TooMany, Walk, closure};
use crate::elf::Facts;
use crate::host::threads;

/// A library that asks for one which is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// Its path in the sysroot, with `/` before it.
    pub library: String,
    /// The name that it asks for.
    pub name: String,
    /// Whether the linker and the loader look into its folder by themselves: what lies
    /// elsewhere is a plugin of something that may not be there either.
    pub in_reach: bool,
}

/// What the shared libraries among `paths` ask for and no file of the sysroot is. A path
/// begins with `/`; what is no ELF file is passed over.
///
/// # Errors
/// [`TooMany`].
pub fn unmet<'p>(
    root: &Root,
    paths: impl IntoIterator<Item = &'p str>,
    multiarch: &str,
) -> Result<Vec<Unmet>, TooMany> {
    let libraries: Vec<Place> = paths
        .into_iter()
        .filter(|path| is_library(path))
        .map(|path| Place::Inside(path.to_owned()))
        .collect();
    let facts = threads::map(threads::usual(), &libraries, |place| root.facts(place));
    let mut known: HashMap<Place, Option<Facts>> = libraries.iter().cloned().zip(facts).collect();
    let mut look = |place: &Place| -> Option<Facts> {
        // What lies outside of the sysroot does not come with it.
        if matches!(place, Place::Outside(_)) {
            return None;
        }
        known.entry(place.clone()).or_insert_with(|| root.facts(place)).clone()
    };
    let mut list = Vec::new();
    for place in &libraries {
        let Place::Inside(path) = place else { continue };
        let Some(facts) = look(place) else { continue };
        let program = Program { facts: &facts, place, multiarch, later: &[] };
        if Walk::new(program, &mut look).finds_its_own() {
            continue;
        }
        let found = closure(program, &mut look)?;
        // What its libraries lack is told of them.
        let own = found.missing().filter(|library| facts.needed.contains(&library.name));
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = folder.strip_prefix("/usr").unwrap_or(folder);
        let in_reach = folder == "/lib" || folder.strip_prefix("/lib/") == Some(multiarch);
        list.extend(own.map(|library| Unmet {
            library: path.clone(),
            name: library.name.clone(),
            in_reach,
        }));
    }
    Ok(list)
}

/// `libz.so.1.2.13`, `liba.so`: by its name, as only such a file is linked with.
fn is_library(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    name.split('.').skip(1).any(|part| part == "so")
}
