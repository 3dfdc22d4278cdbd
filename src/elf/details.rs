//! What decides where a file runs and how well it is guarded: which symbols want which
//! version, its hardening, its notes. It only reads.

use std::collections::HashMap;

use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, NoteIterator};
use object::{Endian as _, Endianness};

use super::ElfError;
use super::symbols::undefined;
use super::version::{Wanted, wanted};
use super::view::{MOST_RECORDS, View};

/// A symbol version wanted of a library, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The library's soname.
    pub library: String,
    /// Such as `GLIBC_2.34`.
    pub version: String,
    /// The loader does not refuse a library without it.
    pub is_weak: bool,
    /// The symbols that carry it, in the table's order. Empty for versions that stand for a
    /// property of the loader.
    pub symbols: Vec<String>,
}

/// Which tables become read-only once the program is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relro {
    /// None.
    None,
    /// All but the functions' addresses, which are filled in later.
    Partial,
    /// All: every address is filled in before the program starts.
    Full,
}

/// Beyond [`super::Facts`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Versions wanted, in the file's order.
    pub wants: Vec<Want>,
    /// Whether it is an executable that can be loaded anywhere.
    pub is_pie: bool,
    /// `PT_GNU_RELRO` and `BIND_NOW`.
    pub relro: Relro,
    /// Whether `PT_GNU_STACK` asks for a stack that cannot be executed.
    pub has_plain_stack: bool,
    /// Whether it calls `__stack_chk_fail`; `None` when its symbols do not tell.
    pub has_canary: Option<bool>,
    /// `NT_GNU_BUILD_ID`, in hexadecimal.
    pub build_id: Option<String>,
    /// The oldest Linux that it asks for (`NT_GNU_ABI_TAG`), such as `3.2.0`.
    pub kernel: Option<String>,
}

/// Reads the details of `bytes`, a whole ELF file.
///
/// # Errors
/// As [`super::read`].
pub fn details(bytes: &[u8]) -> Result<Details, ElfError> {
    let view = View::parse(bytes)?;
    let mut wants = Vec::new();
    let mut places = HashMap::new();
    for Wanted { library, version, index, is_weak, .. } in wanted(&view)? {
        places.insert(index, wants.len());
        wants.push(Want { library, version, is_weak, symbols: Vec::new() });
    }
    let mut has_canary = None;
    let symbols = undefined(&view)?;
    if !symbols.is_empty() {
        has_canary = Some(symbols.iter().any(|symbol| symbol.name == "__stack_chk_fail"));
    }
    for symbol in symbols {
        if let Some(want) = places.get(&symbol.version).and_then(|at| wants.get_mut(*at)) {
            want.symbols.push(symbol.name);
        }
    }
    let (build_id, kernel) = if view.wide {
        notes::<FileHeader64<Endianness>>(&view)
    } else {
        notes::<FileHeader32<Endianness>>(&view)
    };
    let has = |kind| view.segments.iter().find(|segment| segment.kind == kind);
    let flags = |tag| view.value(tag).unwrap_or_default();
    let more = flags(elf::DT_FLAGS_1);
    let is_now = view.value(elf::DT_BIND_NOW).is_some()
        || flags(elf::DT_FLAGS) & elf::DF_BIND_NOW.0 != 0
        || more & elf::DF_1_NOW.0 != 0;
    let is_named = view.value(elf::DT_SONAME).is_some();
    let is_started = has(elf::PT_INTERP).is_some() && !is_named;
    Ok(Details {
        wants,
        is_pie: view.file_type == elf::ET_DYN && (is_started || more & elf::DF_1_PIE.0 != 0),
        relro: match has(elf::PT_GNU_RELRO) {
            None => Relro::None,
            // Without functions of others there is nothing to fill in later.
            Some(_) if is_now || view.value(elf::DT_JMPREL).is_none() => Relro::Full,
            Some(_) => Relro::Partial,
        },
        has_plain_stack: has(elf::PT_GNU_STACK)
            .is_some_and(|segment| !segment.flags.contains(elf::PF_X)),
        has_canary,
        build_id,
        kernel,
    })
}

/// Build id and oldest kernel. Notes decide nothing about loading, so those that make no
/// sense are passed over.
fn notes<H: FileHeader<Endian = Endianness>>(view: &View<'_>) -> (Option<String>, Option<String>)
where
    H::Word: TryFrom<u64>,
{
    let (mut build_id, mut kernel) = (None, None);
    let mut left = MOST_RECORDS;
    for segment in view.segments.iter().filter(|segment| segment.kind == elf::PT_NOTE) {
        let Some(bytes) = view.contents(segment) else { continue };
        let Ok(align) = H::Word::try_from(segment.align) else { continue };
        let Ok(mut notes) = NoteIterator::<H>::new(view.endian, align, bytes) else { continue };
        while let Ok(Some(note)) = notes.next() {
            if left == 0 {
                return (build_id, kernel);
            }
            left -= 1;
            if note.name() != elf::ELF_NOTE_GNU {
                continue;
            }
            let kind = note.n_type(view.endian);
            if kind == elf::NT_GNU_BUILD_ID {
                let digits = note.desc().iter().take(64).map(|byte| format!("{byte:02x}"));
                build_id = build_id.or(Some(digits.collect()));
            } else if kind == elf::NT_GNU_ABI_TAG {
                kernel = kernel.or_else(|| linux(note.desc(), view.endian));
            }
        }
    }
    (build_id, kernel)
}

/// Four words: the system (0 is Linux) and three numbers of its version (LSB, "ABI note").
fn linux(desc: &[u8], endian: Endianness) -> Option<String> {
    let (words, _) = desc.as_chunks::<4>();
    let mut words = words.iter().map(|bytes| endian.read_u32(*bytes));
    match (words.next()?, words.next()?, words.next()?, words.next()?) {
        (0, major, minor, patch) => Some(format!("{major}.{minor}.{patch}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_small_program_wants_its_two_versions_and_has_no_guard() {
        for wide in [true, false] {
            let details = details(&sample::program(wide)).unwrap();
            let versions: Vec<_> = details.wants.iter().map(|want| &*want.version).collect();
            assert_eq!(versions, ["GLIBC_2.2.5", "GLIBC_2.36"]);
            assert_eq!((details.relro, details.has_plain_stack), (Relro::None, false));
            assert_eq!((details.has_canary, details.build_id, details.kernel), (None, None, None));
        }
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_gives_an_answer() {
        for wide in [true, false] {
            let whole = sample::program(wide);
            for end in 0..whole.len() {
                let _ = details(&whole[..end]);
            }
            let mut bytes = whole.clone();
            for at in 0..whole.len() * 8 {
                bytes[at / 8] ^= 1 << (at % 8);
                let _ = details(&bytes);
                bytes[at / 8] ^= 1 << (at % 8);
            }
            assert_eq!(bytes, whole);
        }
    }

    #[test]
    fn the_oldest_kernel_is_read_in_the_files_byte_order() {
        let words = |order: fn(u32) -> [u8; 4]| [0, 3, 2, 0].map(order).concat();
        let little = words(u32::to_le_bytes);
        assert_eq!(linux(&little, Endianness::Little).as_deref(), Some("3.2.0"));
        assert_eq!(linux(&words(u32::to_be_bytes), Endianness::Big).as_deref(), Some("3.2.0"));
        assert_eq!(linux(&little[..15], Endianness::Little), None);
    }
}
