//! The facts of an ELF file that decide where it can run. It only reads.

use std::io::{Read, Seek};

use object::{Endianness, ReadRef, elf};

use super::ElfError;
use super::version::needs;
use super::view::{View, cache, text};

/// The width of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// `ELFCLASS32`
    Elf32,
    /// `ELFCLASS64`
    Elf64,
}

/// The symbol versions a file wants of one library (`.gnu.version_r`, Linux Standard
/// Base, "Symbol Versioning").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// The library's soname, such as `libc.so.6`.
    pub library: String,
    /// Such as `GLIBC_2.34`, in the file's order.
    pub versions: Vec<String>,
}

/// What `readelf -h -l -d -V` would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The width of addresses.
    pub class: Class,
    /// Whether numbers are stored lowest byte first.
    pub little_endian: bool,
    /// `e_machine`: 62 is x86-64, 183 is `AArch64` (System V ABI, chapter 4).
    pub machine: u16,
    /// `e_type`: 1 object, 2 executable, 3 shared object or position-independent executable.
    pub file_type: u16,
    /// The address of the first instruction; 0 when there is none.
    pub entry: u64,
    /// `PT_INTERP`: the loader, absent in libraries and static programs.
    pub interpreter: Option<String>,
    /// `DT_SONAME`.
    pub soname: Option<String>,
    /// `DT_NEEDED`, in the order the loader uses.
    pub needed: Vec<String>,
    /// `DT_RPATH`: serves libraries of libraries too; ignored where a `DT_RUNPATH` is.
    pub rpath: Option<String>,
    /// `DT_RUNPATH`: serves only the file's own `DT_NEEDED` (ld.so(8)).
    pub runpath: Option<String>,
    /// `DT_VERNEED`: versions wanted, a library each.
    pub needs: Vec<Needs>,
}

/// Reads the facts of `bytes`, a whole ELF file.
///
/// # Errors
/// [`ElfError::NotElf`] when it is something else, [`ElfError::Broken`] when a table it
/// names lies outside the file.
pub fn read(bytes: &[u8]) -> Result<Facts, ElfError> {
    facts(&View::parse(bytes)?)
}

/// As [`read`], of a file: of which only the headers and the tables are read.
///
/// # Errors
/// As [`read`], and [`ElfError::Broken`] for a file of more than 1 GiB.
pub fn read_in(file: impl Read + Seek) -> Result<Facts, ElfError> {
    facts(&View::parse(&cache(file)?)?)
}

fn facts<'a, R: ReadRef<'a>>(view: &View<'a, R>) -> Result<Facts, ElfError> {
    let string = |tag| view.value(tag).map(|index| view.string(index)).transpose();
    let mut needed = Vec::new();
    for entry in &view.dynamic {
        if entry.tag == elf::DT_NEEDED {
            needed.push(view.string(entry.value)?);
        }
    }
    Ok(Facts {
        class: if view.wide { Class::Elf64 } else { Class::Elf32 },
        little_endian: view.endian == Endianness::Little,
        machine: view.machine.0,
        file_type: view.file_type.0,
        entry: view.entry_point,
        interpreter: interpreter(view)?,
        soname: string(elf::DT_SONAME)?,
        needed,
        rpath: string(elf::DT_RPATH)?,
        runpath: string(elf::DT_RUNPATH)?,
        needs: needs(view)?,
    })
}

fn interpreter<'a, R: ReadRef<'a>>(view: &View<'a, R>) -> Result<Option<String>, ElfError> {
    let Some(segment) = view.segments.iter().find(|s| s.kind == elf::PT_INTERP) else {
        return Ok(None);
    };
    view.contents(segment)
        .and_then(text)
        .map(Some)
        .ok_or(ElfError::Broken { what: "its interpreter's name lies outside the file" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sample;
    use super::*;

    #[test]
    fn the_facts_of_a_small_program_are_those_it_was_built_with() {
        let facts = read(&sample::program(true)).unwrap();
        assert_eq!(read_in(std::io::Cursor::new(sample::program(true))).unwrap(), facts);
        assert_eq!(facts.class, Class::Elf64);
        assert!(facts.little_endian);
        assert_eq!(facts.machine, 62);
        assert_eq!(facts.file_type, 3);
        assert_eq!(facts.interpreter.as_deref(), Some("/lib64/ld-linux-x86-64.so.2"));
        assert_eq!(facts.needed, ["libLLVM.so.19.1", "libc.so.6"]);
        assert_eq!(facts.runpath.as_deref(), Some("$ORIGIN/../lib"));
        assert_eq!(facts.rpath, None);
        assert_eq!(facts.soname.as_deref(), Some("libself.so"));
        assert_eq!(
            facts.needs,
            [Needs {
                library: "libc.so.6".into(),
                versions: vec!["GLIBC_2.2.5".into(), "GLIBC_2.36".into()],
            }]
        );
    }

    #[test]
    fn other_files_are_refused_with_their_first_bytes() {
        let error = read(b"#!/bin/sh\n").unwrap_err();
        assert!(error.to_string().ends_with("got 23 21 2f 62 69"), "{error}");
        assert!(matches!(read(b""), Err(ElfError::NotElf { .. })));
    }

    #[test]
    fn every_truncation_gives_an_answer() {
        let whole = sample::program(true);
        let good = (0..whole.len()).filter(|&end| read(&whole[..end]).is_ok()).count();
        assert!(good < whole.len() / 2, "{good} truncated files were taken");
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(
            changes in prop::collection::vec((0usize..1024, any::<u8>()), 1..12)
        ) {
            let mut bytes = sample::program(true);
            for (at, value) in changes {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            assert_eq!(read_in(std::io::Cursor::new(&bytes)), read(&bytes));
            let _ = super::super::runpath_to_rpath(&mut bytes.clone());
            let _ = super::super::glibc_defined(std::io::Cursor::new(&bytes));
            let _ = super::super::set_interpreter(&mut bytes, "/lib/ld.so");
        }

        #[test]
        fn random_bytes_after_a_good_start_never_panic(
            tail in prop::collection::vec(any::<u8>(), 0..400), class in 1u8..3, order in 1u8..3
        ) {
            let mut bytes = vec![0x7f, b'E', b'L', b'F', class, order, 1, 0];
            bytes.extend(tail);
            let _ = read(&bytes);
        }
    }
}
