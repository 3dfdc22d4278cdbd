//! The dynamic symbol table: names and the versions they carry. Its length stands nowhere,
//! so it is learnt from the hash tables, as the loader would; the tables are found once, so
//! that a hostile file costs no more than its own size.

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, GnuHashTable, HashTable, Sym as _};

use super::ElfError;
use super::view::{View, record, text};

/// A symbol that the file wants of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Undefined {
    pub(super) name: String,
    /// Its version's index; 0 and 1 stand for none.
    pub(super) version: u16,
}

/// More bytes of names than real programs have: names may overlap, so that the file's size
/// does not bound them.
const MOST_NAMES: usize = 64 << 20;

const BROKEN: ElfError = ElfError::Broken { what: "its symbol table lies outside the file" };

/// The undefined symbols; none when there is no dynamic symbol table.
pub(super) fn undefined(view: &View<'_>) -> Result<Vec<Undefined>, ElfError> {
    let mut names = Vec::new();
    let mut left = MOST_NAMES;
    each(view, &mut |symbol| {
        if symbol.is_undefined {
            let name = symbol.name()?;
            left = left
                .checked_sub(name.len())
                .ok_or(ElfError::Broken { what: "its symbols' names are longer than 64 MiB" })?;
            names.push(Undefined { name, version: symbol.version()? });
        }
        Ok(())
    })?;
    Ok(names)
}

/// Those of `names` that the library in `bytes` defines.
///
/// # Errors
/// As [`super::read`].
pub fn defined(bytes: &[u8], names: &[&str]) -> Result<Vec<String>, ElfError> {
    let mut found = Vec::new();
    each(&View::parse(bytes)?, &mut |symbol| {
        if !symbol.is_undefined {
            let name = symbol.name()?;
            if names.contains(&&*name) && !found.contains(&name) {
                found.push(name);
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// One entry of the table; what it names is looked up only when it is asked for.
struct Symbol<'a> {
    strings: &'a [u8],
    versions: Option<&'a [u8]>,
    endian: Endianness,
    index: u64,
    name: u32,
    is_undefined: bool,
}

impl Symbol<'_> {
    fn name(&self) -> Result<String, ElfError> {
        let at = usize::try_from(self.name).ok();
        at.and_then(|at| self.strings.get(at..)).and_then(text).ok_or(BROKEN)
    }

    /// The index of its version; 0 without any.
    fn version(&self) -> Result<u16, ElfError> {
        let Some(table) = self.versions else { return Ok(0) };
        let version: &elf::Versym<Endianness> = record(table, self.index * 2).ok_or(BROKEN)?;
        Ok(version.0.get(self.endian).index().0)
    }
}

type Visit<'v> = dyn FnMut(Symbol<'_>) -> Result<(), ElfError> + 'v;

fn each(view: &View<'_>, visit: &mut Visit<'_>) -> Result<(), ElfError> {
    if view.wide {
        walk::<FileHeader64<Endianness>>(view, visit)
    } else {
        walk::<FileHeader32<Endianness>>(view, visit)
    }
}

fn walk<H: FileHeader<Endian = Endianness>>(
    view: &View<'_>,
    visit: &mut Visit<'_>,
) -> Result<(), ElfError> {
    let (Some(symbols_at), Some(strings_at)) =
        (view.value(elf::DT_SYMTAB), view.value(elf::DT_STRTAB))
    else {
        return Ok(());
    };
    let symbols = view.at_address(symbols_at).ok_or(BROKEN)?;
    let strings = view.at_address(strings_at).ok_or(BROKEN)?;
    let versions = match view.value(elf::DT_VERSYM) {
        Some(address) => Some(view.at_address(address).ok_or(BROKEN)?),
        None => None,
    };
    let size = size_of::<H::Sym>() as u64;
    // Linkers that hash no symbol put the strings right behind the symbols.
    let between = strings_at.saturating_sub(symbols_at) / size;
    for index in 1..length::<H>(view, between)? {
        let symbol: &H::Sym = record(symbols, index * size).ok_or(BROKEN)?;
        let name = symbol.st_name(view.endian);
        if name != 0 {
            let is_undefined = symbol.is_undefined(view.endian);
            visit(Symbol { strings, versions, endian: view.endian, index, name, is_undefined })?;
        }
    }
    Ok(())
}

/// How many symbols there are, by the hash tables; `otherwise` where these are empty.
fn length<H: FileHeader<Endian = Endianness>>(
    view: &View<'_>,
    otherwise: u64,
) -> Result<u64, ElfError> {
    let broken = |_| ElfError::Broken { what: "its symbols' hash table lies outside the file" };
    if let Some(table) = view.value(elf::DT_HASH) {
        let table = view.at_address(table).ok_or(BROKEN)?;
        let table = HashTable::<H>::parse(view.endian, table).map_err(broken)?;
        return Ok(table.symbol_table_length().into());
    }
    let Some(table) = view.value(elf::DT_GNU_HASH) else { return Ok(0) };
    let table = view.at_address(table).ok_or(BROKEN)?;
    let table = GnuHashTable::<H>::parse(view.endian, table).map_err(broken)?;
    // Undefined symbols stand before those that are hashed. GNU ld writes 1 where none is.
    let first = Some(table.symbol_base()).filter(|base| *base > 1);
    Ok(table.symbol_table_length(view.endian).or(first).map_or(otherwise, u64::from))
}
