//! Deterministic `ar` archives in the GNU format: no time, no owner, one symbol index.
//! Never reads one.
//!
//! Source: ar(5) and the System V symbol table that GNU ld and lld read.

/// A member: name (at most 15 bytes), contents, global symbols.
pub type Member<'a> = (&'a str, &'a [u8], &'a [&'a str]);

const MAGIC: &[u8] = b"!<arch>\n";
const HEADER: usize = 60;

/// Packs members. The same members give the same bytes.
#[must_use]
pub fn write(members: &[Member<'_>]) -> Vec<u8> {
    let names: usize =
        members.iter().flat_map(|(_, _, symbols)| *symbols).map(|s| s.len() + 1).sum();
    let count: usize = members.iter().map(|(_, _, symbols)| symbols.len()).sum();
    let index_size = even(4 + count * 4 + names);

    let mut offsets = Vec::new();
    let mut at = MAGIC.len() + HEADER + index_size;
    for (_, data, _) in members {
        offsets.push(at);
        at += HEADER + even(data.len());
    }

    let mut out = Vec::with_capacity(at);
    out.extend(MAGIC);
    header(&mut out, "/", index_size);
    out.extend(word(count));
    for ((_, _, symbols), &offset) in members.iter().zip(&offsets) {
        for _ in *symbols {
            out.extend(word(offset));
        }
    }
    for symbol in members.iter().flat_map(|(_, _, symbols)| *symbols) {
        out.extend(symbol.as_bytes());
        out.push(0);
    }
    out.resize(MAGIC.len() + HEADER + index_size, 0);
    for (name, data, _) in members {
        header(&mut out, &format!("{name}/"), data.len());
        out.extend(*data);
        if data.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

/// Time, owner and group 0, mode 0644, as `ar D` writes them.
fn header(out: &mut Vec<u8>, name: &str, size: usize) {
    out.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644).bytes());
}

fn even(size: usize) -> usize {
    size.next_multiple_of(2)
}

/// The index holds 32-bit offsets; the runtime's archive is a few kilobytes.
fn word(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("the archive is smaller than 4 GiB").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::read::archive::ArchiveFile;

    #[test]
    fn an_archive_is_read_back_by_another_reader() {
        let bytes = write(&[("a.o", b"odd", &["one", "two"]), ("b.o", b"even", &["three"])]);
        let archive = ArchiveFile::parse(&*bytes).expect("a valid archive");
        let members: Vec<_> = archive
            .members()
            .map(|member| {
                let member = member.expect("a valid member");
                (member.name().to_vec(), member.data(&*bytes).expect("inside the archive"))
            })
            .collect();
        assert_eq!(members, [(b"a.o".to_vec(), &b"odd"[..]), (b"b.o".to_vec(), &b"even"[..])]);
        let symbols = archive.symbols().expect("a valid index").expect("an index");
        let names: Vec<_> = symbols.map(|s| s.expect("a valid symbol").name().to_vec()).collect();
        assert_eq!(names, [&b"one"[..], b"two", b"three"]);
    }

    #[test]
    fn the_bytes_depend_on_nothing_but_the_members() {
        let make = || write(&[("a.o", b"data", &["x"])]);
        assert_eq!(make(), make());
    }
}
