//! What the linker's complaints mean: a symbol that nothing defines is a function of the
//! runtime, or in a library that was not named, or misspelt. The sysroot's libraries tell.

use std::path::{Path, PathBuf};

use super::error::LinkError;
use crate::elf;
use crate::host::fs;
use crate::pins::Target;
use crate::runtime_build::Signature;

/// The largest library that is looked into, in bytes.
const LARGEST: u64 = 256 << 20;
/// So many symbols are told.
const MOST: usize = 20;

/// A symbol that nothing defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The symbol, as the linker writes it.
    pub symbol: String,
    /// What refers to it first.
    pub by: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

/// Where libraries are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The sysroot.
    pub sysroot: &'a Path,
    /// The target.
    pub target: &'static Target,
    /// The runtime's functions.
    pub runtime: &'a [Signature],
    /// Whether the runtime was linked.
    pub has_runtime: bool,
}

/// The error behind what the linker wrote.
#[must_use]
pub fn explain(said: &str, around: &Around<'_>) -> LinkError {
    let symbols = symbols(said);
    if !symbols.is_empty() {
        return LinkError::Undefined(explain_all(symbols, around));
    }
    let library = said.lines().find_map(|line| line.split_once("unable to find library -l"));
    if let Some((_, name)) = library {
        let name = name.trim().to_owned();
        return LinkError::NoLibrary { name, target: around.target.triple };
    }
    // clang's own last line says only which of its parts failed.
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("clang: error:")).collect();
    let own = lines.join("\n").trim().to_owned();
    if said.contains("ld.lld: error:") {
        LinkError::Linker { said: own }
    } else {
        LinkError::NotCompiled { said: own }
    }
}

/// The undefined symbols that the linker names, each with what refers to it first.
fn symbols(said: &str) -> Vec<(String, Option<String>)> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    let mut lines = said.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((_, symbol)) = line.split_once("error: undefined symbol: ") else { continue };
        let by = lines.peek().and_then(|line| line.strip_prefix(">>> referenced by "));
        let by = by.map(|by| by.split(" (").next().unwrap_or(by).trim().to_owned());
        if !found.iter().any(|(known, _)| known == symbol) {
            found.push((symbol.trim().to_owned(), by));
        }
    }
    found.truncate(MOST);
    found
}

fn explain_all(symbols: Vec<(String, Option<String>)>, around: &Around<'_>) -> Vec<Missing> {
    let open: Vec<String> = symbols.iter().map(|(symbol, _)| symbol.clone()).collect();
    let libraries = libraries(&open, around);
    symbols
        .into_iter()
        .map(|(symbol, by)| {
            let hint = own(&symbol, around)
                .or_else(|| {
                    let (_, library) = libraries.iter().find(|(name, _)| *name == symbol)?;
                    Some(format!("`{symbol}` is in {library}"))
                })
                .or_else(|| near(&symbol, around));
            // Start files are no file of the user's.
            let by = by.filter(|by| !by.contains("crt1"));
            Missing { symbol, by, hint }
        })
        .collect()
}

fn own(symbol: &str, around: &Around<'_>) -> Option<String> {
    if symbol == "main" {
        return Some("no input defines `main`".to_owned());
    }
    let is_runtime = around.runtime.iter().any(|row| row.name == symbol);
    (is_runtime && !around.has_runtime)
        .then(|| format!("`{symbol}` is a function of the runtime: add `--link-runtime`"))
}

fn near(symbol: &str, around: &Around<'_>) -> Option<String> {
    let distance = |row: &&Signature| strsim::damerau_levenshtein(row.name, symbol);
    let best = around.runtime.iter().min_by_key(distance)?;
    let is_near = distance(&best) <= 1 + symbol.len() / 6;
    (is_near && best.name != symbol)
        .then(|| format!("`{symbol}` is unknown: did you mean the runtime's `{}`?", best.name))
}

/// The libraries of the sysroot that define these symbols, each with how to name it.
fn libraries(symbols: &[String], around: &Around<'_>) -> Vec<(String, String)> {
    let folders =
        ["usr/lib", "lib"].map(|lib| around.sysroot.join(lib).join(around.target.multiarch));
    let mut open: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    for folder in &folders {
        // What cannot be listed or read defines nothing.
        for entry in fs::read_dir_sorted(folder).unwrap_or_default() {
            let name = entry.name.to_string_lossy().into_owned();
            let Some((stem, _)) = name.strip_prefix("lib").and_then(|rest| rest.split_once(".so"))
            else {
                continue;
            };
            if open.is_empty() {
                return found;
            }
            let Ok(path) = fs::resolve(&entry.path) else { continue };
            let Ok(bytes) = fs::read_at_most(&path, LARGEST) else { continue };
            let defined = elf::defined(&bytes, &open).unwrap_or_default();
            // The name that `-l` takes, be it a link or a linker script.
            let plain = format!("lib{stem}.so");
            let has_plain =
                |folder: &PathBuf| matches!(fs::stat(&folder.join(&plain)), Ok(Some(_)));
            let how = if folders.iter().any(has_plain) {
                format!("lib{stem}: add `-l {stem}`")
            } else {
                format!("{name}, whose -dev package is not in the sysroot")
            };
            open.retain(|symbol| !defined.iter().any(|name| name == symbol));
            found.extend(defined.into_iter().map(|symbol| (symbol, how.clone())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::Diagnostic as _;
    use crate::pins::TARGETS;
    use crate::runtime_build::signatures;

    fn error(said: &str, has_runtime: bool) -> LinkError {
        let runtime = signatures();
        let around = Around {
            sysroot: Path::new("/nonexistent"),
            target: &TARGETS[0],
            runtime: &runtime,
            has_runtime,
        };
        explain(said, &around)
    }

    #[test]
    fn undefined_symbols_are_told_with_who_wants_them() {
        let said = "ld.lld: error: undefined symbol: print_i64\n>>> referenced by a.ll\n\
                    >>>               /tmp/h-80b4a0.o:(main)\n\n\
                    ld.lld: error: undefined symbol: prnt_i64\n\
                    ld.lld: error: undefined symbol: main\n>>> referenced by /x/Scrt1.o:(.text)\n\
                    clang: error: linker command failed with exit code 1\n";
        let found = error(said, false);
        assert_eq!(found.code(), "undefined-symbols");
        assert_eq!(found.to_string(), "undefined: print_i64 (needed by a.ll), prnt_i64, main");
        assert_eq!(
            found.hints(),
            [
                "`print_i64` is a function of the runtime: add `--link-runtime`",
                "`prnt_i64` is unknown: did you mean the runtime's `print_i64`?",
                "no input defines `main`",
            ]
        );
    }

    #[test]
    fn a_library_that_is_nowhere_and_other_words_of_the_linker() {
        let found = error("ld.lld: error: unable to find library -lfoo\nclang: error: x", false);
        assert_eq!(found.code(), "no-such-library");
        assert!(found.hints()[0].contains("libfoo-dev"));
        let found = error("<inline asm>:1:2: error: invalid instruction\n", false);
        assert_eq!(found.code(), "ir-not-compiled");
        let found = error("ld.lld: error: duplicate symbol: f\nclang: error: x\n", true);
        assert_eq!(found.to_string(), "the linker failed: ld.lld: error: duplicate symbol: f");
    }
}
