//! Two edits of an executable's headers, through which it finds its libraries and its
//! loader in the toolchain's folder. They never move code or data: the first changes
//! one word, the second adds one string after the end of the file.

use object::elf;

use super::ElfError;
use super::view::{Segment, View, word};

/// Turns `DT_RUNPATH` into `DT_RPATH`, in place; the string stays.
///
/// Debian's LLVM programs name their libraries' folder in `DT_RUNPATH`, which the
/// loader uses for the program's own `DT_NEEDED` only; `DT_RPATH` also serves the
/// libraries those need in turn (ld.so(8), "Rpath token expansion" and search order).
///
/// Returns whether anything changed: `false` for files without a `DT_RUNPATH`, among
/// them those already edited.
///
/// # Errors
/// [`ElfError::NotElf`] and [`ElfError::Broken`]; the bytes are unchanged then.
pub fn runpath_to_rpath(bytes: &mut [u8]) -> Result<bool, ElfError> {
    let view = View::parse(&*bytes)?;
    let tag = word(elf::DT_RPATH.0.unsigned_abs(), view.wide, view.endian);
    let places: Vec<usize> = view
        .dynamic
        .iter()
        .filter(|entry| entry.tag == elf::DT_RUNPATH)
        .map(|entry| entry.at)
        .collect();
    for &at in &places {
        overwrite(bytes, at, &tag)?;
    }
    Ok(!places.is_empty())
}

/// Names another loader in `PT_INTERP`: `path` and a NUL are added after the end of the
/// file and the header points there. For hosts whose glibc is older than the program's,
/// or that have none.
///
/// The kernel reads the name by file offset, the loader by address. So the address
/// keeps naming the old string, which stays mapped, and no segment has to grow
/// (Linux, `fs/binfmt_elf.c`; glibc, `elf/rtld.c`).
///
/// # Errors
/// [`ElfError::NoInterpreter`] for libraries and static programs,
/// [`ElfError::BadInterpreter`], [`ElfError::NotElf`] and [`ElfError::Broken`]; the
/// bytes are unchanged then.
pub fn set_interpreter(bytes: &mut Vec<u8>, path: &str) -> Result<(), ElfError> {
    if !path.starts_with('/') || path.contains('\0') {
        return Err(ElfError::BadInterpreter { path: path.to_owned() });
    }
    let view = View::parse(bytes.as_slice())?;
    let segment = *view
        .segments
        .iter()
        .find(|segment| segment.kind == elf::PT_INTERP)
        .ok_or(ElfError::NoInterpreter)?;
    let (wide, endian) = (view.wide, view.endian);
    let end = bytes.len() as u64;
    if !wide && u32::try_from(end).is_err() {
        return Err(ElfError::Broken { what: "a 32-bit file is larger than 4 GiB" });
    }
    let fields = Fields::of(&segment, wide);
    let length = path.len() as u64 + 1;
    overwrite(bytes, fields.offset, &word(end, wide, endian))?;
    overwrite(bytes, fields.file_size, &word(length, wide, endian))?;
    overwrite(bytes, fields.memory_size, &word(length, wide, endian))?;
    bytes.extend_from_slice(path.as_bytes());
    bytes.push(0);
    Ok(())
}

/// Where three fields of a program header stand in the file (System V ABI, chapter 5).
struct Fields {
    offset: usize,
    file_size: usize,
    memory_size: usize,
}

impl Fields {
    fn of(segment: &Segment, wide: bool) -> Self {
        let (offset, file_size, memory_size) = if wide { (8, 32, 40) } else { (4, 16, 20) };
        Self {
            offset: segment.header_at + offset,
            file_size: segment.header_at + file_size,
            memory_size: segment.header_at + memory_size,
        }
    }
}

fn overwrite(bytes: &mut [u8], at: usize, new: &[u8]) -> Result<(), ElfError> {
    bytes
        .get_mut(at..)
        .and_then(|rest| rest.get_mut(..new.len()))
        .ok_or(ElfError::Broken { what: "a header lies outside the file" })?
        .copy_from_slice(new);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{read, sample};
    use super::*;

    #[test]
    fn a_runpath_becomes_an_rpath_and_nothing_else_changes() {
        for wide in [true, false] {
            let before = sample::program(wide);
            let mut after = before.clone();
            assert!(runpath_to_rpath(&mut after).unwrap());
            let (old, new) = (read(&before).unwrap(), read(&after).unwrap());
            assert_eq!(new.rpath, old.runpath);
            assert_eq!(new.runpath, None);
            assert_eq!(
                super::super::Facts { rpath: None, runpath: old.runpath.clone(), ..new },
                old
            );
            let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
            assert_eq!(changed, 1, "one byte of the tag");
        }
    }

    #[test]
    fn a_second_edit_changes_nothing() {
        let mut bytes = sample::program(true);
        assert!(runpath_to_rpath(&mut bytes).unwrap());
        let once = bytes.clone();
        assert!(!runpath_to_rpath(&mut bytes).unwrap());
        assert_eq!(bytes, once);
    }

    #[test]
    fn another_interpreter_is_named_and_the_old_text_stays_where_it_is_mapped() {
        for wide in [true, false] {
            let before = sample::program(wide);
            let mut after = before.clone();
            let path = "/home/ユーザー/a toolchain/lib/ld-linux-x86-64.so.2";
            set_interpreter(&mut after, path).unwrap();
            assert_eq!(read(&after).unwrap().interpreter.as_deref(), Some(path));
            assert_eq!(after.len(), before.len() + path.len() + 1);
            let address = |bytes: &[u8]| {
                let view = View::parse(bytes).unwrap();
                let segment = view.segments.iter().find(|s| s.kind == elf::PT_INTERP);
                segment.unwrap().address
            };
            assert_eq!(address(&after), address(&before));
        }
    }

    #[test]
    fn a_library_has_no_interpreter_to_repoint() {
        let mut bytes = sample::library(&["liba.so", "A_1"]);
        let before = bytes.clone();
        assert_eq!(set_interpreter(&mut bytes, "/ld.so"), Err(ElfError::NoInterpreter));
        assert!(set_interpreter(&mut bytes, "relative/ld.so").is_err());
        assert!(set_interpreter(&mut bytes, "/nul\0inside").is_err());
        assert_eq!(bytes, before);
    }
}
