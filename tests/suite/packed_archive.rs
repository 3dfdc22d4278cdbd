//! `pack` and `prepare --archive`, rows L01 to L05 of `docs/faults.md`: the same bytes
//! everywhere, the same tree as from .debs, no network, and no byte that is not the locked
//! one.

use std::fs;
use std::path::PathBuf;

use crate::support::fixture::{Fixture, Tree};

const NONE: [&str; 0] = [];
const NAME: &str = "debian-bookworm-x86_64.tar.zst";
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

fn with_llvm() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "debian-bookworm-x86_64-llvm-aarch64.tar.zst",
        _ => "debian-bookworm-x86_64-llvm-x86_64.tar.zst",
    }
}

/// A project with a lock and both archives.
fn packed() -> Fixture {
    let fixture = Fixture::locked();
    fixture.run_online("pack", NONE).code(0);
    fixture.run_online("pack", ["--with-llvm"]).code(0);
    fixture
}

/// Another project that has nothing but the first one's lock and archive.
fn other(first: &Fixture, archive: &str) -> Fixture {
    let second = Fixture::new();
    for file in ["versions.toml", "checksums.txt"] {
        second.write(file, first.read(file));
    }
    let bytes = fs::read(first.path(format!("toolchains/cache/{archive}"))).unwrap();
    second.write(format!("toolchains/cache/{archive}"), bytes);
    second
}

fn manifest(fixture: &Fixture) -> String {
    fixture.read(format!("toolchains/{TRIPLE}/share/manifest.tsv"))
}

fn archive(fixture: &Fixture) -> PathBuf {
    fixture.path(format!("toolchains/cache/{}", with_llvm()))
}

/// Nothing is prepared and nothing half-made is left.
#[track_caller]
fn assert_nothing_was_made(fixture: &Fixture) {
    assert!(!fixture.path(format!("toolchains/{TRIPLE}")).exists());
    let unpacked = fixture.path("toolchains/cache/unpacked");
    if let Ok(list) = fs::read_dir(unpacked) {
        let names: Vec<_> = list.map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| name == ".lock"), "{names:?}");
    }
}

#[test]
fn two_projects_pack_the_same_bytes_and_the_lock_names_them() {
    let first = packed();
    let second = Fixture::new();
    second.write("versions.toml", first.read("versions.toml"));
    second.write("checksums.txt", first.read("checksums.txt"));
    second.run(["pack", "--mirror", &first.mirror.url()]).code(0).stderr_has("wrote ");
    let of =
        |fixture: &Fixture| fs::read(fixture.path(format!("toolchains/cache/{NAME}"))).unwrap();
    assert_eq!(of(&first), of(&second));
    assert_eq!(first.read("checksums.txt"), second.read("checksums.txt"));
    let digest = reml_toolchain::host::hash::Digest::of(&of(&first));
    assert!(first.read("checksums.txt").contains(&format!("\n{digest}  {NAME}\n")));
    // Again: nothing changes.
    let before = first.read("checksums.txt");
    first.run_online("pack", NONE).code(0);
    assert_eq!(first.read("checksums.txt"), before);
}

#[test]
fn a_tree_from_the_archive_is_the_tree_from_debs_and_the_network_is_never_asked() {
    let first = packed();
    first.prepare(NONE).code(0);
    let second = other(&first, with_llvm());
    let connections = first.mirror.server().connections();
    second.run(["prepare", "--archive", "--mirror", &first.mirror.url()]).code(0);
    assert_eq!(first.mirror.server().connections(), connections, "the network was asked");
    assert_eq!(
        manifest(&second).lines().filter(|line| line.contains("\tsysroot/")).count(),
        manifest(&first).lines().filter(|line| line.contains("\tsysroot/")).count()
    );
    let sysroot =
        |fixture: &Fixture| -> Tree { fixture.snapshot(format!("toolchains/{TRIPLE}/sysroot")) };
    assert_eq!(sysroot(&first), sysroot(&second));
    let llvm = |fixture: &Fixture| fixture.snapshot(format!("toolchains/{TRIPLE}/lib"));
    assert_eq!(llvm(&first), llvm(&second));
    second.run(["verify"]).code(0);
    // Whatever the source was: the tree is up to date.
    for args in [&["prepare", "--archive"][..], &["prepare", "--offline"], &["prepare", "--cache"]]
    {
        second.run(args).code(0).stderr_has("up to date");
    }
}

#[test]
fn without_a_mode_the_archive_serves_when_debs_are_missing() {
    let first = packed();
    let second = other(&first, with_llvm());
    second.run(["prepare", "--offline", "--llvm", "debian"]).code(0).stderr_has("come out of");
    let third = other(&first, with_llvm());
    third
        .run(["prepare", "--cache", "--llvm", "debian"])
        .code(5)
        .stderr_has("are not in the cache");
}

#[test]
fn l01_a_missing_empty_cut_or_changed_archive_is_refused_and_nothing_is_made() {
    let first = packed();
    let second = other(&first, with_llvm());
    let path = archive(&second);
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    second.run(["prepare", "--archive"]).code(2).stderr_has("there is no such archive");
    for step in 0..50 {
        fs::write(&path, &good[..good.len() * step / 50]).unwrap();
        second.run(["prepare", "--archive"]).code(4).stderr_has("wrong SHA-256");
    }
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    fs::write(&path, &bad).unwrap();
    second.run(["prepare", "--archive"]).code(4).stderr_has("wrong SHA-256");
    assert_nothing_was_made(&second);
    // A file that nobody locked, and a line that is gone.
    let shown = path.display().to_string();
    fs::write(second.path("strange"), &bad).unwrap();
    let strange = second.path("strange").display().to_string();
    second.run(["prepare", "--archive", &strange]).code(4).stderr_has("stands in no archive line");
    fs::write(&path, &good).unwrap();
    let lock = second.read("checksums.txt");
    let kept: Vec<&str> = lock
        .lines()
        .filter(|line| !line.starts_with("#! archive=") && !line.ends_with(".tar.zst"))
        .collect();
    second.write("checksums.txt", kept.join("\n") + "\n");
    second.run(["prepare", "--archive"]).code(2).stderr_has("has no line for");
    second.run(["prepare", "--archive", &shown]).code(4);
    assert_nothing_was_made(&second);
    second.write("checksums.txt", lock);
    second.run(["prepare", "--archive"]).code(0);
}

#[test]
fn l01_no_flipped_bit_makes_the_reader_panic() {
    use reml_toolchain::sysroot::archive::Archive;
    let first = packed();
    let good = fs::read(first.path(format!("toolchains/cache/{NAME}"))).unwrap();
    for number in 0..1000 {
        let mut bad = good.clone();
        let at = good.len() * number / 1000;
        bad[at] ^= 1 << (number % 8);
        // The hash refuses it before it is read; who vouches for it gets no panic either.
        let _ = Archive::open(bad);
    }
}

#[test]
fn l02_links_fifos_devices_and_folders_are_no_archives() {
    let first = packed();
    let second = other(&first, with_llvm());
    let link = second.path("link");
    std::os::unix::fs::symlink(archive(&second), &link).unwrap();
    let fifo = second.path("fifo");
    let made = std::process::Command::new("/usr/bin/mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let folder = second.path("folder");
    fs::create_dir(&folder).unwrap();
    for path in [link, fifo, folder, PathBuf::from("/dev/zero")] {
        let path = path.display().to_string();
        for trust in [&[][..], &["--dangerously-trust-archive"]] {
            let args = [&["prepare", "--archive", &path][..], trust].concat();
            second.run(args).code(2).stderr_has("cannot be used as an archive");
        }
    }
    assert_nothing_was_made(&second);
}

#[test]
fn l04_an_archive_of_another_target_is_refused_with_both_names() {
    let first = packed();
    let path = archive(&first).display().to_string();
    first
        .run(["prepare", "--target", "aarch64-unknown-linux-gnu", "--archive", &path])
        .code(2)
        .stderr_has("x86_64-unknown-linux-gnu of bookworm")
        .stderr_has("aarch64-unknown-linux-gnu of bookworm");
}

#[test]
fn l04_a_stale_archive_is_refused_and_lock_drops_its_line() {
    let first = packed();
    let lock = first.read("checksums.txt");
    let index = lock.find(" packages=").unwrap() + " packages=".len();
    let other = if lock[index..].starts_with('0') { "1" } else { "0" };
    let changed = format!("{}{other}{}", &lock[..index], &lock[index + 1..]);
    first.write("checksums.txt", changed);
    let name = if lock[..index].matches("#! archive=").count() == 1 { with_llvm() } else { NAME };
    let path = first.path(format!("toolchains/cache/{name}")).display().to_string();
    first.run(["prepare", "--archive", &path]).code(2).stderr_has("made of other packages");
    first.lock(NONE).code(0).stderr_has("its line is gone");
    assert!(!first.read("checksums.txt").contains(&format!("  {name}\n")));
}

#[test]
fn other_compressions_are_taken_when_the_user_vouches_and_such_a_tree_stays_apart() {
    let first = packed();
    let second = other(&first, with_llvm());
    let plain = zstd::stream::decode_all(&fs::read(archive(&second)).unwrap()[..]).unwrap();
    let path = second.path("archive.tar").display().to_string();
    fs::write(&path, &plain).unwrap();
    second.run(["prepare", "--archive", &path]).code(4);
    let trust = ["prepare", "--archive", &path, "--dangerously-trust-archive"];
    second.run(trust).code(0).stderr_has("nobody but you vouches");
    second.run(trust).code(0).stderr_has("up to date");
    second.run(["prepare", "--archive"]).code(0).stderr_lacks("up to date");
    // One byte of a file changed: the list inside says so.
    let mut bad = plain.clone();
    let at = bad.windows(4).position(|bytes| bytes == b"\x7fELF").unwrap() + 5;
    bad[at] ^= 0x40;
    fs::write(&path, &bad).unwrap();
    second.run(trust).code(4).stderr_has("is not what its list says");
}

#[test]
fn l05_trailing_data_skippable_frames_and_lost_frames_are_refused() {
    use reml_toolchain::sysroot::archive::Archive;
    let first = packed();
    let good = fs::read(first.path(format!("toolchains/cache/{NAME}"))).unwrap();
    Archive::open(good.clone()).unwrap();
    let skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd";
    let frame = zstd::bulk::compress(b"more", 1).unwrap();
    for tail in [&b"x"[..], &[0; 512], skippable, &frame, &good] {
        assert!(Archive::open([&good, tail].concat()).is_err(), "{} bytes behind", tail.len());
    }
    assert!(Archive::open([&skippable[..], &good].concat()).is_err());
    for cut in [1, 20, good.len() / 2] {
        assert!(Archive::open(good[..good.len() - cut].to_vec()).is_err(), "{cut} bytes lost");
    }
}
