//! One plain view of both ELF classes and byte orders: the program headers, the dynamic
//! table and where each stands in the file. Sections are never used, because the loader
//! does not use them either, and `strip --strip-section-headers` removes them.

use std::io::{Read, Seek};
use std::marker::PhantomData;

use object::elf::{self, FileHeader32, FileHeader64};
use object::pod::Pod;
use object::read::elf::{Dyn as _, FileHeader, ProgramHeader as _};
use object::{Endian as _, Endianness, FileKind, ReadCache, ReadRef};

use super::ElfError;

/// More entries than any real table has: what a hostile file can cost stays small.
pub(super) const MOST_RECORDS: usize = 4096;
/// The largest file that is read in parts, in bytes.
const LARGEST: u64 = 1 << 30;
/// The longest string followed, in bytes: Linux's `PATH_MAX`.
const LONGEST_STRING: usize = 4096;

/// A program header, widened to 64 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) kind: elf::ProgramType,
    pub(super) offset: u64,
    pub(super) address: u64,
    pub(super) file_size: u64,
    pub(super) flags: elf::ProgramFlags,
    pub(super) align: u64,
    /// Where this header itself stands in the file.
    pub(super) header_at: usize,
}

/// An entry of the dynamic table before its `DT_NULL`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) tag: elf::DynamicTag,
    pub(super) value: u64,
    /// Where this entry stands in the file.
    pub(super) at: usize,
}

/// The file as the loader sees it: bytes in memory, or a file of which only what is asked
/// for is read.
#[derive(Debug)]
pub(super) struct View<'a, R: ReadRef<'a> = &'a [u8]> {
    bytes: R,
    pub(super) wide: bool,
    pub(super) endian: Endianness,
    pub(super) machine: elf::Machine,
    pub(super) file_type: elf::FileType,
    pub(super) entry_point: u64,
    pub(super) segments: Vec<Segment>,
    pub(super) dynamic: Vec<Entry>,
    lives: PhantomData<&'a ()>,
}

/// Reads of `file` only what is asked for, once; memory stays bounded by the file's size.
///
/// # Errors
/// [`ElfError::Broken`] when it is larger than any real one.
pub(super) fn cache<F: Read + Seek>(file: F) -> Result<ReadCache<F>, ElfError> {
    let cache = ReadCache::new(file);
    match ReadRef::len(&cache) {
        Ok(..=LARGEST) => Ok(cache),
        _ => Err(ElfError::Broken { what: "it has more than 1 GiB, or no length" }),
    }
}

impl<'a, R: ReadRef<'a>> View<'a, R> {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`ElfError::NotElf`] and [`ElfError::Broken`].
    pub(super) fn parse(bytes: R) -> Result<Self, ElfError> {
        match FileKind::parse(bytes) {
            Ok(FileKind::Elf64) => Self::of::<FileHeader64<Endianness>>(bytes),
            Ok(FileKind::Elf32) => Self::of::<FileHeader32<Endianness>>(bytes),
            _ => Err(ElfError::NotElf {
                got: (bytes.read_bytes_at(0, bytes.len().unwrap_or(0).min(5)).unwrap_or_default())
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<Vec<_>>()
                    .join(" "),
            }),
        }
    }

    fn of<H: FileHeader<Endian = Endianness>>(bytes: R) -> Result<Self, ElfError> {
        let broken = |what| move |_| ElfError::Broken { what };
        let header = H::parse(bytes).map_err(broken("its file header"))?;
        let endian = header.endian().map_err(broken("its byte order is neither little nor big"))?;
        let headers = header
            .program_headers(endian, bytes)
            .map_err(broken("its program headers lie outside the file"))?;
        let table_at = offset(header.e_phoff(endian).into())?;
        let mut view = Self {
            bytes,
            wide: header.is_type_64(),
            endian,
            machine: header.e_machine(endian),
            file_type: header.e_type(endian),
            entry_point: header.e_entry(endian).into(),
            segments: Vec::with_capacity(headers.len()),
            dynamic: Vec::new(),
            lives: PhantomData,
        };
        let mut has_dynamic = false;
        for (index, segment) in headers.iter().enumerate() {
            view.segments.push(Segment {
                kind: segment.p_type(endian),
                offset: segment.p_offset(endian).into(),
                address: segment.p_vaddr(endian).into(),
                file_size: segment.p_filesz(endian).into(),
                flags: segment.p_flags(endian),
                align: segment.p_align(endian).into(),
                header_at: table_at + index * size_of::<H::ProgramHeader>(),
            });
            if has_dynamic {
                continue;
            }
            let Some(entries) = segment
                .dynamic(endian, bytes)
                .map_err(broken("its dynamic table lies outside the file"))?
            else {
                continue;
            };
            has_dynamic = true;
            let table_at = offset(segment.p_offset(endian).into())?;
            for (index, entry) in entries.iter().enumerate() {
                let tag = entry.tag(endian);
                if tag == elf::DT_NULL {
                    break;
                }
                if index >= MOST_RECORDS {
                    return Err(ElfError::Broken {
                        what: "its dynamic table has more than 4096 entries",
                    });
                }
                view.dynamic.push(Entry {
                    tag,
                    value: entry.val(endian),
                    at: table_at + index * size_of::<H::Dyn>(),
                });
            }
        }
        Ok(view)
    }

    /// The first value of `tag` in the dynamic table.
    pub(super) fn value(&self, tag: elf::DynamicTag) -> Option<u64> {
        let entry = self.dynamic.iter().find(|entry| entry.tag == tag)?;
        Some(entry.value)
    }

    /// What the file holds from `address` (as loaded) to the end of its segment.
    pub(super) fn at_address(&self, address: u64) -> Option<&'a [u8]> {
        let segment = self.segments.iter().find(|segment| {
            segment.kind == elf::PT_LOAD
                && address >= segment.address
                && address - segment.address < segment.file_size
        })?;
        let skipped = usize::try_from(address.checked_sub(segment.address)?).ok()?;
        self.contents(segment)?.get(skipped..)
    }

    /// The bytes of `segment` in the file.
    pub(super) fn contents(&self, segment: &Segment) -> Option<&'a [u8]> {
        self.bytes.read_bytes_at(segment.offset, segment.file_size).ok()
    }

    /// The string at `index` of the dynamic string table. Bytes that are not UTF-8 are
    /// replaced, for the string is only ever shown or compared.
    ///
    /// # Errors
    /// [`ElfError::Broken`] when it lies outside the file or has no end.
    pub(super) fn string(&self, index: u64) -> Result<String, ElfError> {
        let broken = ElfError::Broken { what: "a dynamic string lies outside the file" };
        let table = self.value(elf::DT_STRTAB).ok_or(broken.clone())?;
        let address = table.checked_add(index).ok_or(broken.clone())?;
        let bytes = self.at_address(address).ok_or(broken.clone())?;
        text(bytes).ok_or(broken)
    }
}

/// A NUL-terminated string at the start of `bytes`, at most 4096 bytes long.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().take(LONGEST_STRING).position(|&byte| byte == 0)?;
    Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

/// The record of type `T` at `offset` in `bytes`.
pub(super) fn record<T: Pod>(bytes: &[u8], offset: u64) -> Option<&T> {
    let rest = bytes.get(usize::try_from(offset).ok()?..)?;
    Some(object::pod::from_bytes(rest).ok()?.0)
}

/// A 64-bit word of the file in its own byte order, cut to the class's width.
pub(super) fn word(value: u64, wide: bool, endian: Endianness) -> Vec<u8> {
    if wide {
        endian.write_u64(value).to_vec()
    } else {
        // A 32-bit file is smaller than 4 GiB: callers check it before they write.
        let narrow = u32::try_from(value).unwrap_or(u32::MAX);
        endian.write_u32(narrow).to_vec()
    }
}

fn offset(value: u64) -> Result<usize, ElfError> {
    usize::try_from(value)
        .map_err(|_| ElfError::Broken { what: "an offset is larger than this machine's memory" })
}
