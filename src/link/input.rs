//! What is given to the linker: what each file is by its own content, whatever its name
//! says, and whether it is for the target's machine. It only reads.

use std::path::{Path, PathBuf};

use object::read::archive::ArchiveFile;

use super::error::LinkError;
use crate::elf::{self, Class, Facts};
use crate::host::fs;
use crate::pins::{TARGETS, Target};

/// The largest input that is read, in bytes.
const LARGEST: u64 = 2 << 30;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// LLVM IR as text, as far as that can be told before it is read.
    Text,
    /// LLVM bitcode, plain or in its wrapper.
    Bitcode,
    /// An object file.
    Object,
    /// An archive.
    Archive,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// As it was given.
    pub name: PathBuf,
    /// Absolute.
    pub path: PathBuf,
    /// By its content.
    pub kind: Kind,
}

impl Input {
    /// Looks at the file `name`, seen from the folder `cwd`.
    ///
    /// # Errors
    /// It cannot be read, is nothing that is linked, or is for another machine.
    pub fn open(name: &Path, cwd: &Path, target: &'static Target) -> Result<Self, LinkError> {
        let path = cwd.join(name);
        let bytes = fs::read_at_most(&path, LARGEST)?;
        let unknown = |got: &str| LinkError::UnknownInput { path: name.into(), got: got.into() };
        let kind = match bytes.get(..8).unwrap_or(&bytes) {
            [] => return Err(unknown("an empty file")),
            [b'B', b'C', 0xc0, 0xde, ..] | [0xde, 0xc0, 0x17, 0x0b, ..] => Kind::Bitcode,
            [0x7f, b'E', b'L', b'F', ..] => {
                check_object(&name.display().to_string(), &bytes, target)?;
                Kind::Object
            }
            b"!<arch>\n" => {
                check_archive(name, &bytes, target)?;
                Kind::Archive
            }
            b"!<thin>\n" => return Err(unknown("a thin archive")),
            // LLVM reads UTF-8 and nothing else.
            _ if bytes.contains(&0) || std::str::from_utf8(&bytes).is_err() => {
                return Err(unknown(binary(&bytes)));
            }
            _ => Kind::Text,
        };
        Ok(Self { name: name.to_path_buf(), path, kind })
    }

    /// Whether LLVM's verifier has a say in it.
    #[must_use]
    pub fn is_ir(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Bitcode)
    }
}

/// Names for what people give by mistake.
fn binary(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => "a Mach-O file",
        [b'M', b'Z', ..] => "a Windows program",
        [0, b'a', b's', b'm', ..] => "a WebAssembly module",
        _ => "other binary data",
    }
}

fn check_object(name: &str, bytes: &[u8], target: &'static Target) -> Result<(), LinkError> {
    let damaged =
        |error: elf::ElfError| LinkError::BadInput { name: name.into(), what: error.to_string() };
    let facts = elf::read(bytes).map_err(damaged)?;
    let got = match facts.file_type {
        1 => return check_machine(name, &facts, target),
        3 if facts.soname.is_some() || facts.interpreter.is_none() => "a shared library",
        2 | 3 => "a program, linked already",
        _ => "another ELF file",
    };
    Err(LinkError::UnknownInput { path: name.into(), got: got.to_owned() })
}

fn check_machine(name: &str, facts: &Facts, target: &'static Target) -> Result<(), LinkError> {
    let is_known = facts.class == Class::Elf64 && facts.little_endian;
    if is_known && facts.machine == target.machine {
        return Ok(());
    }
    let known = TARGETS.iter().find(|known| is_known && known.machine == facts.machine);
    let got = match known {
        Some(known) => known.triple.to_owned(),
        None => format!("ELF machine {}", facts.machine),
    };
    Err(LinkError::OtherMachine { name: name.to_owned(), expected: target.triple, got })
}

fn check_archive(path: &Path, bytes: &[u8], target: &'static Target) -> Result<(), LinkError> {
    let name = path.display().to_string();
    let damaged = |error: object::read::Error| LinkError::BadInput {
        name: name.clone(),
        what: error.to_string(),
    };
    let archive = ArchiveFile::parse(bytes).map_err(damaged)?;
    for member in archive.members() {
        let member = member.map_err(damaged)?;
        let data = member.data(bytes).map_err(damaged)?;
        // Others, such as bitcode, are the linker's to judge.
        if data.starts_with(b"\x7fELF") {
            let member = String::from_utf8_lossy(member.name());
            check_object(&format!("{name}({member})"), data, target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::Diagnostic as _;

    fn open(bytes: &[u8]) -> Result<Kind, LinkError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("in"), bytes).unwrap();
        Input::open(Path::new("in"), folder.path(), &TARGETS[0]).map(|input| input.kind)
    }

    /// An empty object file for a machine.
    fn object(machine: u16) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(64, 0);
        bytes[16] = 1;
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[20] = 1;
        bytes[52] = 64;
        bytes
    }

    fn archive(member: &[u8]) -> Vec<u8> {
        let header =
            format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "a.o/", 0, 0, 0, 644, member.len());
        [b"!<arch>\n", header.as_bytes(), member].concat()
    }

    #[test]
    fn a_file_is_what_its_content_says() {
        assert_eq!(open(b"define i32 @main() {").unwrap(), Kind::Text);
        assert_eq!(open(b"BC\xc0\xde....").unwrap(), Kind::Bitcode);
        assert_eq!(open(&object(62)).unwrap(), Kind::Object);
        assert_eq!(open(&archive(&object(62))).unwrap(), Kind::Archive);
        for bytes in [&b""[..], b"\xcf\xfa\xed\xfe\x07\0\0\x01", b"a\0b", b"!<thin>\n"] {
            assert_eq!(open(bytes).unwrap_err().code(), "input-unknown");
        }
    }

    #[test]
    fn another_machine_is_named_with_the_member_that_is_for_it() {
        let error = open(&object(183)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "in: expected an object for x86_64-unknown-linux-gnu, \
             got one for aarch64-unknown-linux-gnu"
        );
        let error = open(&archive(&object(8))).unwrap_err();
        assert!(error.to_string().starts_with("in(a.o): "), "{error}");
        assert!(error.to_string().ends_with("ELF machine 8"), "{error}");
    }

    #[test]
    fn every_truncation_of_an_archive_gives_an_answer() {
        let whole = archive(&object(62));
        for end in 0..whole.len() {
            let _ = open(&whole[..end]);
        }
        assert_eq!(open(&whole[..70]).unwrap_err().code(), "input-damaged");
    }
}
