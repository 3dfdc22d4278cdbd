//! The bodies of the fuzz targets, run for a bounded time with a mutator of our own, so
//! that `cargo test` needs no nightly compiler. The seeds in `tests/data/corpus` are shared
//! with libFuzzer; every crash that was found is a seed from then on.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use crate::support::{corpus, fuzz_bodies};

mod seeds;

/// A target: its name, its body, how often it runs here, and words of its language.
struct Target {
    name: &'static str,
    body: fn(&[u8]),
    runs: usize,
    words: &'static [&'static str],
}

const TARGETS: [Target; 11] = [
    Target {
        name: "clearsign",
        body: fuzz_bodies::clearsign,
        runs: 2_000,
        words: &["-----BEGIN PGP SIGNATURE-----\n", "Hash: SHA256\n", "\n", "- ", "=", "\r\n"],
    },
    Target {
        name: "packets",
        body: fuzz_bodies::packets,
        runs: 1_000,
        words: &["\u{4}\u{1}", "\u{5}\u{2}", "\u{7f}", "\0\0", "\u{2}\u{9}", "\0\u{1}\u{1}"],
    },
    Target {
        name: "release",
        body: fuzz_bodies::release,
        runs: 4_000,
        words: &["SHA256:\n ", "Date: ", "\n\n", " 0 ", "../", "Valid-Until: ", "\n ", "UTC"],
    },
    Target {
        name: "packages",
        body: fuzz_bodies::packages,
        runs: 4_000,
        words: &["\nPackage: ", "\nSize: ", "\n\n", ", ", " | ", "(>= 1)", "../", "all", "\n "],
    },
    Target {
        name: "control",
        body: fuzz_bodies::control,
        runs: 8_000,
        words: &["Package: ", "\n\n", "\n ", ":", "#", "\n .\n", "\t", "é"],
    },
    Target {
        name: "versions",
        body: fuzz_bodies::versions,
        runs: 20_000,
        words: &["~", "+", "-", ":", "0", "00", "\n", "a", ".", "1:", "9999999999999999999999"],
    },
    Target {
        name: "relation",
        body: fuzz_bodies::relation,
        runs: 20_000,
        words: &[" | ", ", ", " (>= 1)", "(=", ")", ":any", ":native", "<<", "[", "<"],
    },
    Target {
        name: "ar",
        body: fuzz_bodies::ar,
        runs: 2_000,
        words: &["`\n", "!<arch>\n", "debian-binary   ", "data.tar", "4294967296", " ", "/"],
    },
    Target {
        name: "tar",
        body: fuzz_bodies::tar,
        runs: 4_000,
        words: &["ustar\u{0}00", "ustar  \u{0}", "../", "/", "0000000", "77777777777", "\u{7f}"],
    },
    Target {
        name: "pins",
        body: fuzz_bodies::pins,
        runs: 2_000,
        words: &["\n[", "]\n", " = ", "\"\"", "\\u001b", "2", "http://", "\u{feff}", "[]", "{}"],
    },
    Target {
        name: "checksums",
        body: fuzz_bodies::checksums,
        runs: 4_000,
        words: &["#! ", "  ", " *", "=", "\n", "schema=1", "../", "\\", "\r\n", "sets=a,b"],
    },
];

/// The folder with the seeds of a target.
fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus").join(target)
}

fn seeds_of(target: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(folder(target)).unwrap_or_else(|error| panic!("{target}: {error}"));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Numbers that are the same at each run (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit.max(1)
    }

    /// One change: a byte, a piece gone, a piece twice, a word, a piece of another seed.
    fn change(&mut self, bytes: &mut Vec<u8>, words: &[&str], other: &[u8]) {
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(24)).min(bytes.len());
        match self.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            4 => {
                let from = self.below(other.len() + 1);
                let piece = &other[from..(from + self.below(200)).min(other.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
            _ => {
                let word = words[self.below(words.len())];
                bytes.splice(at..at, word.bytes());
            }
        }
    }
}

/// How many executions one run of the tests makes.
pub(crate) fn bounded_runs() -> usize {
    TARGETS.iter().map(|target| target.runs).sum()
}

#[test]
fn every_seed_passes_its_target() {
    for target in &TARGETS {
        let seeds = seeds_of(target.name);
        assert!(!seeds.is_empty(), "{}", target.name);
        for seed in &seeds {
            (target.body)(seed);
        }
    }
}

/// Runs one target; when it panics, the input is printed before the test fails.
fn run(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds_of(name);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for number in 0..target.runs {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        let other = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            random.change(&mut bytes, target.words, &other);
        }
        assert!(
            catch_unwind(|| (target.body)(&bytes)).is_ok(),
            "{name}, run {number}, input \"{}\"",
            bytes.escape_ascii()
        );
    }
}

/// One test a target, so that they run side by side.
macro_rules! targets {
    ($($test:ident $name:literal,)*) => {
        const RUN: &[&str] = &[$($name),*];
        $(#[test] fn $test() { run($name); })*
    };
}

targets! {
    clear_signed_messages_hold_against_changes "clearsign",
    packets_hold_against_changes "packets",
    release_files_hold_against_changes "release",
    package_indices_hold_against_changes "packages",
    control_fields_hold_against_changes "control",
    versions_keep_one_order "versions",
    relations_hold_against_changes "relation",
    ar_archives_hold_against_changes "ar",
    tar_archives_hold_against_changes "tar",
    k01_versions_toml_holds_against_changes "pins",
    k02_checksums_txt_holds_against_changes "checksums",
}

/// Every target runs here, has a file for libFuzzer, and that names the same body.
#[test]
fn the_targets_of_cargo_fuzz_are_these() {
    let names: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names, RUN.iter().copied().collect());
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for name in &names {
        let program = fs::read_to_string(fuzz.join(format!("targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("fuzz_bodies::{name}(data)")), "{name}");
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
    }
    assert_eq!(fs::read_dir(fuzz.join("targets")).unwrap().count(), names.len());
}

/// The seeds which our own builders make are committed as they come out today. With
/// `REML_TOOLCHAIN_WRITE_SEEDS=1` they are written instead.
#[test]
fn the_committed_seeds_are_what_the_builders_make() {
    let write = std::env::var_os("REML_TOOLCHAIN_WRITE_SEEDS").is_some();
    let keyring = (String::new(), "keyring.gpg".to_owned(), corpus::keyring());
    let signed = (String::new(), "signed.txt".to_owned(), corpus::RELEASE.as_bytes().to_vec());
    for (target, name, bytes) in seeds::all().into_iter().chain([keyring, signed]) {
        let file = folder(&target).join(name);
        if write {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &bytes).unwrap();
        }
        assert!(fs::read(&file).is_ok_and(|found| found == bytes), "{}", file.display());
    }
}
