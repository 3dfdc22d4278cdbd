//! Row K02 of `docs/faults.md`: our reader of `checksums.txt` beside `sha256sum --check`,
//! over a table of locks and folders. We may be stricter, with a reason; never laxer.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use Verdict::{Bad, Good};
use reml_toolchain::host::hash::Digest;
use reml_toolchain::pins::Lock;

use crate::support::archive::sha256_hex;

/// What the folder holds: `a` is empty, `b` has text, `sub/c` lies deeper.
const FILES: [(&str, &[u8]); 3] = [("a", b""), ("b", b"text\n"), ("sub/c", b"deep")];

/// Which verdict both must give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// All files that are there are as the lock says.
    Good,
    /// A file differs, is missing, or the lock is malformed.
    Bad,
}

/// `sha256sum`'s word, by its exit status. `--strict` counts malformed lines, too.
fn theirs(folder: &Path, lock: &Path) -> (Verdict, Output) {
    let run = Command::new("sha256sum")
        .args(["--check", "--strict"])
        .arg(lock)
        .current_dir(folder)
        .env("LC_ALL", "C")
        .output()
        .expect("sha256sum is part of every Linux system");
    (if run.status.success() { Verdict::Good } else { Verdict::Bad }, run)
}

/// Ours: the lock is read, and every file it names has the digest it names.
fn ours(folder: &Path, text: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(text) else { return Verdict::Bad };
    let Ok(lock) = Lock::parse("checksums.txt", text) else { return Verdict::Bad };
    let packages = lock.packages.iter().map(|(path, package)| (path, package.sha256));
    let archives = lock.archives.iter().map(|(path, archive)| (path, archive.sha256));
    let same = |(path, expected): (&String, Digest)| {
        fs::read(folder.join(path)).is_ok_and(|bytes| Digest::of(&bytes) == expected)
    };
    if packages.chain(archives).all(same) { Verdict::Good } else { Verdict::Bad }
}

struct Case {
    name: &'static str,
    text: Vec<u8>,
    expected: Verdict,
    /// Why we refuse what `sha256sum` accepts.
    stricter: Option<&'static str>,
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let hash = |name: &str| {
        sha256_hex(FILES.iter().find(|(file, _)| *file == name).expect("a file of ours").1)
    };
    let (a, b, c) = (hash("a"), hash("b"), hash("sub/c"));
    let facts = "#! name=c version=1 architecture=all size=4 installed=1 suite=s sets=x";
    let mut cases = Vec::new();
    let mut add = |name, lines: &str, expected, stricter| {
        let text = format!("#! schema=1\n{lines}").into_bytes();
        cases.push(Case { name, text, expected, stricter });
    };
    add("two blanks", &format!("{a}  a\n{b}  b\n"), Good, None);
    add("a blank and an asterisk", &format!("{a} *a\n"), Good, None);
    add("upper case", &format!("{}  b\n", b.to_uppercase()), Good, None);
    add("a pool path with its facts", &format!("{facts}\n{c}  sub/c\n"), Good, None);
    add("a comment between", &format!("{a}  a\n# so\n{b}  b\n"), Good, None);
    add("the same line twice", &format!("{a}  a\n{a}  a\n"), Good, None);
    add("another hash", &format!("{b}  a\n"), Bad, None);
    add("one wrong among good ones", &format!("{a}  a\n{a}  b\n"), Bad, None);
    add("two hashes for one file", &format!("{a}  a\n{b}  a\n"), Bad, None);
    add("a file that is not there", &format!("{a}  a\n{b}  nowhere\n"), Bad, None);
    add("a folder", &format!("{a}  sub\n"), Bad, None);
    add("63 digits", &format!("{}  a\n", &a[1..]), Bad, None);
    add("65 digits", &format!("0{a}  a\n"), Bad, None);
    add("not hexadecimal", &format!("g{}  a\n", &a[1..]), Bad, None);
    add("SHA-1", "da39a3ee5e6b4b0d3255bfef95601890afd80709  a\n", Bad, None);
    add("one blank", &format!("{a}  a\n{b} b\n"), Bad, None);
    add("no blank", &format!("{a}  a\n{b}b\n"), Bad, None);
    add("no path", &format!("{a}  a\n{b}  \n"), Bad, None);
    add("an empty line", &format!("{a}  a\n\n{b}  b\n"), Good, None);
    add("text", "hello\n", Bad, None);
    add("three blanks: the name begins with one", &format!("{a}   a\n"), Bad, None);
    add("NUL", &format!("{a}  a\0b\n"), Good, Some("it reads the name up to the NUL only"));
    let why = Some("our paths are below the cache folder");
    add("a path that goes up and down", &format!("{a}  sub/../a\n"), Good, why);
    add("a path with a point", &format!("{a}  ./a\n"), Good, why);
    let why = Some("a lock that was cut may have lost lines");
    add("no line end at the end", &format!("{a}  a"), Good, why);
    let why = Some("a path in the pool needs its facts");
    add("a pool path without its facts", &format!("{c}  sub/c\n"), Good, why);
    add("a leading blank", &format!(" {a}  a\n"), Good, Some("sha256sum never writes it"));
    add("an escaped line", &format!("\\{a}  a\n"), Good, Some("no name of ours needs escapes"));
    let why = Some("one way of writing is enough");
    add("the BSD form", &format!("SHA256 (a) = {a}\n"), Good, why);
    cases
}

#[test]
fn k02_our_verdict_is_that_of_sha256sum_or_stricter_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    fs::create_dir_all(files.join("sub")).unwrap();
    for (name, bytes) in FILES {
        fs::write(files.join(name), bytes).unwrap();
    }
    let lock = folder.path().join("checksums.txt");
    for Case { name, text, expected, stricter } in cases() {
        fs::write(&lock, &text).unwrap();
        let (theirs, run) = theirs(&files, &lock);
        let ours = ours(&files, &text);
        println!("{name:<40} sha256sum {theirs:?}, ours {ours:?} {}", stricter.unwrap_or_default());
        assert_eq!(theirs, expected, "{name}: {run:?}");
        match stricter {
            None => assert_eq!(ours, expected, "{name}"),
            Some(_) => assert_eq!((theirs, ours), (Verdict::Good, Verdict::Bad), "{name}"),
        }
    }
}

/// A file's bit decides for both alike, wherever it is turned.
#[test]
fn k02_a_bit_turned_in_any_file_is_found_by_both() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("checksums.txt");
    let bytes = b"what is accepted".to_vec();
    let text = format!("#! schema=1\n{}  f\n", sha256_hex(&bytes));
    fs::write(&lock, &text).unwrap();
    for bit in (0..bytes.len() * 8).step_by(11) {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(folder.path().join("f"), &flipped).unwrap();
        let verdicts = (theirs(folder.path(), &lock).0, ours(folder.path(), text.as_bytes()));
        assert_eq!(verdicts, (Verdict::Bad, Verdict::Bad), "bit {bit}");
    }
    fs::write(folder.path().join("f"), &bytes).unwrap();
    let verdicts = (theirs(folder.path(), &lock).0, ours(folder.path(), text.as_bytes()));
    assert_eq!(verdicts, (Verdict::Good, Verdict::Good));
}
