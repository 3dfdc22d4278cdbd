//! What a packed archive must be: one member of the right machine, exactly the ABI's
//! symbols, no import beyond the list, small. Never repairs anything.

use std::collections::BTreeSet;
use std::fmt;

use object::read::archive::ArchiveFile;
use object::{Architecture, Object, ObjectSymbol};

/// The size no release archive may exceed, in bytes.
pub const SIZE_MAX: usize = 64 * 1024;

/// What the archive is held against.
#[derive(Debug, Clone)]
pub struct Expectation<'a> {
    /// The machine.
    pub architecture: Architecture,
    /// Every symbol it must define, and no other.
    pub defines: &'a [&'a str],
    /// Every symbol it may leave undefined.
    pub imports: &'a [&'a str],
    /// Bytes it may have; `None` for debug archives.
    pub size_max: Option<usize>,
}

/// A reason not to install an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The bytes are no archive of ELF objects.
    Unreadable(String),
    /// Not one member.
    Members(usize),
    /// Another machine.
    Machine(String),
    /// An ABI symbol is not defined.
    Missing(String),
    /// A symbol outside the ABI is global.
    Foreign(String),
    /// An import outside the list.
    Import(String),
    /// Too large, in bytes.
    Size(usize),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(reason) => write!(f, "not an archive of ELF objects: {reason}"),
            Self::Members(count) => write!(f, "expected 1 member, got {count}"),
            Self::Machine(found) => write!(f, "object of the wrong machine: {found}"),
            Self::Missing(symbol) => write!(f, "`{symbol}` of the ABI is not defined"),
            Self::Foreign(symbol) => write!(f, "`{symbol}` is global but not in the ABI"),
            Self::Import(symbol) => write!(f, "`{symbol}` is imported but not in the list"),
            Self::Size(size) => write!(f, "expected at most {SIZE_MAX} bytes, got {size}"),
        }
    }
}

/// The machine of a target; `None` for one that the runtime is not for.
#[must_use]
pub fn architecture(target: &str) -> Option<Architecture> {
    match target.split('-').next() {
        Some("x86_64") => Some(Architecture::X86_64),
        Some("aarch64") => Some(Architecture::Aarch64),
        _ => None,
    }
}

/// Every problem of an archive; none for a good one.
#[must_use]
pub fn examine(archive: &[u8], expected: &Expectation<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Err(error) = examine_members(archive, expected, &mut problems) {
        problems.push(Problem::Unreadable(error.to_string()));
    }
    if expected.size_max.is_some_and(|most| archive.len() > most) {
        problems.push(Problem::Size(archive.len()));
    }
    problems
}

fn examine_members(
    archive: &[u8],
    expected: &Expectation<'_>,
    problems: &mut Vec<Problem>,
) -> object::Result<()> {
    let mut missing: BTreeSet<&str> = expected.defines.iter().copied().collect();
    let mut members = 0;
    for member in ArchiveFile::parse(archive)?.members() {
        members += 1;
        let file = object::File::parse(member?.data(archive)?)?;
        if file.architecture() != expected.architecture {
            problems.push(Problem::Machine(format!("{:?}", file.architecture())));
        }
        for symbol in file.symbols() {
            let name = symbol.name()?;
            if name.is_empty() || symbol.is_local() {
                continue;
            }
            if symbol.is_undefined() {
                if !expected.imports.contains(&name) {
                    problems.push(Problem::Import(name.to_owned()));
                }
            } else if !missing.remove(name) {
                problems.push(Problem::Foreign(name.to_owned()));
            }
        }
    }
    if members != 1 {
        problems.push(Problem::Members(members));
    }
    problems.extend(missing.into_iter().map(|symbol| Problem::Missing(symbol.to_owned())));
    Ok(())
}

/// The symbols a member defines, for the archive's index; in the object's order.
///
/// # Errors
/// When the bytes are no ELF object.
pub fn defined(member: &[u8]) -> Result<Vec<String>, String> {
    let file = object::File::parse(member).map_err(|error| error.to_string())?;
    let globals = file.symbols().filter(|s| s.is_global() && s.is_definition());
    Ok(globals.filter_map(|s| s.name().ok().map(ToOwned::to_owned)).collect())
}

/// The function of an ELF file that an address is in, for reading backtraces.
#[must_use]
pub fn function_at(elf: &[u8], address: u64) -> Option<String> {
    let file = object::File::parse(elf).ok()?;
    let holds =
        |s: &object::Symbol<'_, '_>| (s.address()..s.address() + s.size()).contains(&address);
    let symbol = file.symbols().filter(|s| s.kind() == object::SymbolKind::Text).find(holds)?;
    symbol.name().ok().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_archive_are_a_problem() {
        let expected = Expectation {
            architecture: Architecture::X86_64,
            defines: &[],
            imports: &[],
            size_max: Some(2),
        };
        let problems = examine(b"text", &expected);
        assert!(matches!(problems[..], [Problem::Unreadable(_), Problem::Size(4)]));
    }

    #[test]
    fn an_empty_archive_misses_every_symbol() {
        let expected = Expectation {
            architecture: Architecture::X86_64,
            defines: &["mem_alloc"],
            imports: &[],
            size_max: None,
        };
        let problems = examine(&crate::ar::write(&[]), &expected);
        assert_eq!(problems, [Problem::Members(0), Problem::Missing("mem_alloc".into())]);
    }
}
