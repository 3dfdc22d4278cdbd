//! Section E: the hash decides over the very bytes that were extracted.

use std::io::{self, Read, Write};

use reml_toolchain::host::fault::Diagnostic;
use reml_toolchain::sysroot::rules::Rules;

use super::support::{lay, lay_out, probe, request};

/// Overwrites the file it reads as soon as its first bytes were read.
struct Swapped {
    file: std::fs::File,
    path: std::path::PathBuf,
    evil: Option<Vec<u8>>,
}

impl Read for Swapped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let few = buffer.len().min(100);
        let count = self.file.read(&mut buffer[..few])?;
        if let Some(evil) = self.evil.take() {
            let mut file = std::fs::OpenOptions::new().write(true).open(&self.path)?;
            file.write_all(&evil)?;
        }
        Ok(count)
    }
}

#[test]
fn e09_a_file_overwritten_between_check_and_use_is_refused() {
    let good = probe().file("a", b"good").build();
    let evil = probe().file("a", b"evil").build();
    assert_eq!(good.len(), evil.len());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("probe.deb");
    std::fs::write(&path, &good).unwrap();
    let rules = Rules::default();
    let request = request(&good, &rules);
    let file = std::fs::File::open(&path).unwrap();
    let error = match lay_out(Swapped { file, path, evil: Some(evil) }, &request) {
        Ok(laid) => panic!("accepted {:?}", laid.read("a")),
        Err(error) => error,
    };
    assert_eq!(error.code(), "deb-hash-mismatch");
}

#[test]
fn e09_a_file_replaced_under_its_name_is_read_as_it_was() {
    let good = probe().file("a", b"good").build();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("probe.deb");
    std::fs::write(&path, &good).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let evil = folder.path().join("evil.deb");
    std::fs::write(&evil, probe().file("a", b"evil").build()).unwrap();
    std::fs::rename(evil, &path).unwrap();
    let laid = lay_out(file, &request(&good, &Rules::default())).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(laid.read("a"), "good");
}

#[test]
fn e09_another_hash_or_size_is_refused_and_names_both_values() {
    let deb = probe().file("a", b"a").build();
    let rules = Rules::default();
    let expected = request(&deb, &rules);
    let other = probe().file("a", b"b").build();
    let longer = [&deb[..], b"\n"].concat();
    let shorter = &deb[..deb.len() - 1];
    for (bytes, code) in [
        (&other[..], "deb-hash-mismatch"),
        (&longer, "deb-size-mismatch"),
        (shorter, "deb-size-mismatch"),
        (b"<html>", "deb-size-mismatch"),
    ] {
        let error = lay_out(bytes, &expected).err().unwrap();
        let text = error.to_string();
        assert_eq!(error.code(), code, "{text}");
        assert!(text.contains("expected") && text.contains("got"), "{text}");
    }
}

#[test]
fn e09_an_endless_file_is_left_one_byte_after_its_size() {
    struct Endless(u64);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(b'!');
            self.0 += buffer.len() as u64;
            assert!(self.0 < 1 << 20, "far too much was read");
            Ok(buffer.len())
        }
    }
    let deb = probe().file("a", b"a").build();
    let error = lay_out(Endless(0), &request(&deb, &Rules::default())).err().unwrap();
    assert_eq!(error.code(), "deb-size-mismatch");
}

#[test]
fn a_disk_that_fails_is_no_integrity_failure() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(5))
        }
    }
    let deb = probe().file("a", b"a").build();
    for good in [0, 30, 200, deb.len() - 300] {
        let input = deb[..good].chain(Broken);
        let error = lay_out(input, &request(&deb, &Rules::default())).err().unwrap();
        assert_eq!(error.code(), "deb-read", "after {good} bytes: {error}");
    }
    assert!(lay(&deb).is_ok());
}
