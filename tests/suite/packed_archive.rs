//! `pack` and `prepare --archive`, rows L01 to L05 of `docs/faults.md`: the same bytes
//! everywhere, the same tree as from .debs, no network, and no byte that is not the locked
//! one.

use std::fs;
use std::path::PathBuf;

use crate::support::archive::{Compression, Header, TarBuilder};
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
fn i02_what_a_killed_pack_left_of_the_lock_is_swept_by_the_next() {
    let fixture = packed();
    let draft = ".checksums.txt.tmp-4711-1";
    fixture.write(draft, "half a l");
    fixture.write(".notes.txt.tmp-4711-1", "the user's own");
    fixture.run(["pack", "--mirror", &fixture.mirror.url()]).code(0);
    assert!(!fixture.path(draft).exists());
    assert_eq!(fixture.read(".notes.txt.tmp-4711-1"), "the user's own");
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
    second
        .run(["prepare", "--archive"])
        .code(2)
        .stderr_has("has no line for")
        .stderr_has("pack --with-llvm`");
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

/// The second archive's plain tar, as anybody could make it.
fn plain(fixture: &Fixture) -> Vec<u8> {
    zstd::stream::decode_all(&fs::read(archive(fixture)).unwrap()[..]).unwrap()
}

/// With another list at its head.
fn with_list(plain: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
    let size = std::str::from_utf8(&plain[124..135]).unwrap();
    let size = usize::from_str_radix(size, 8).unwrap();
    let text = change(std::str::from_utf8(&plain[512..512 + size]).unwrap());
    let list = TarBuilder::new()
        .raw(&Header::new("archive.tsv", b'0').size(text.len() as u64), text.as_bytes());
    [&list.build_unended(), &plain[512 + size.next_multiple_of(512)..]].concat()
}

/// With these members at the begin of its first package, and the list telling their size.
fn with_members(plain: &[u8], members: &[u8]) -> Vec<u8> {
    let changed = with_list(plain, |text| {
        let line = text.lines().nth(1).unwrap();
        let (rest, bytes) = line.rsplit_once('\t').unwrap();
        let bytes: usize = bytes.parse().unwrap();
        text.replacen(line, &format!("{rest}\t{}", bytes + members.len()), 1)
    });
    let size = usize::from_str_radix(std::str::from_utf8(&changed[124..135]).unwrap(), 8).unwrap();
    let at = 512 + size.next_multiple_of(512);
    [&changed[..at], members, &changed[at..]].concat()
}

#[test]
fn l05_a_frame_that_is_longer_or_shorter_than_the_list_tells_is_refused() {
    let first = packed();
    let second = other(&first, with_llvm());
    let good = fs::read(archive(&second)).unwrap();
    let list = zstd::zstd_safe::find_frame_compressed_size(&good).unwrap();
    let head = zstd::stream::decode_all(&good[..list]).unwrap();
    let file = second.path("other.tar.zst");
    let shown = file.display().to_string();
    let write = |head: &[u8], rest: &[&[u8]]| {
        let head = zstd::stream::encode_all(head, 1).unwrap();
        fs::write(&file, [&[&head[..]], rest].concat().concat()).unwrap();
        second.run(["prepare", "--archive", &shown, "--dangerously-trust-archive"])
    };
    for change in [512, -512] {
        let head = with_list(&head, |text| {
            let line = text.lines().nth(1).unwrap();
            let (rest, bytes) = line.rsplit_once('\t').unwrap();
            let bytes: i64 = bytes.parse().unwrap();
            text.replacen(line, &format!("{rest}\t{}", bytes + change), 1)
        });
        write(&head, &[&good[list..]]).code(4).stderr_has("expected a frame of ");
        assert_nothing_was_made(&second);
    }
    let size = zstd::zstd_safe::find_frame_compressed_size(&good[list..]).unwrap();
    let (frame, rest) = good[list..].split_at(size);
    let mut untold = zstd::bulk::Compressor::new(1).unwrap();
    untold.include_contentsize(false).unwrap();
    let untold = untold.compress(&zstd::stream::decode_all(frame).unwrap()).unwrap();
    write(&head, &[&untold, rest]).code(4).stderr_has("got one that tells no size");
    let mut broken = frame.to_vec();
    broken[size / 2] ^= 0x10;
    write(&head, &[&broken, rest]).code(4);
    assert_nothing_was_made(&second);
    write(&head, &[frame, rest]).code(0);
}

#[test]
fn l02_an_archive_that_is_swapped_while_it_is_read_is_the_good_one_or_refused() {
    let first = packed();
    let second = other(&first, with_llvm());
    let path = archive(&second);
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    let (good_file, bad_file) = (second.path("good"), second.path("bad"));
    let (keep_on, stopped) = std::sync::mpsc::channel::<()>();
    let codes: std::collections::BTreeSet<i32> = std::thread::scope(|scope| {
        // By another file under its name, and by other bytes in the same file.
        scope.spawn(|| {
            let stopped = stopped;
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                for (file, bytes) in [(&bad_file, &bad), (&good_file, &good)] {
                    fs::write(file, bytes).unwrap();
                    fs::rename(file, &path).unwrap();
                    std::thread::sleep(std::time::Duration::from_micros(300));
                    fs::write(&path, bytes).unwrap();
                }
            }
        });
        let run = |_| {
            let outcome = second.run(["prepare", "--archive", "--force"]);
            match outcome.status {
                Some(0) => drop(second.run(["verify"]).code(0).stderr_has("as they must be")),
                _ => drop(outcome.code(4).stderr_has("wrong SHA-256")),
            }
            outcome.status.unwrap()
        };
        // Dropped at the end, and when a run is neither: both end the thread.
        let _keep_on = keep_on;
        (0..25).map(run).collect()
    });
    assert!(!codes.is_empty());
    fs::write(&path, &good).unwrap();
    second.run(["prepare", "--archive"]).code(0);
    second.run(["verify"]).code(0);
}

#[test]
fn l03_an_archive_with_any_hostile_member_is_refused_though_its_list_agrees() {
    let first = packed();
    let second = other(&first, with_llvm());
    let plain = plain(&second);
    let file = second.path("hostile.tar");
    let shown = file.display().to_string();
    let run = || second.run(["prepare", "--archive", &shown, "--dangerously-trust-archive"]);
    // Nothing but the hostile member keeps it from being taken.
    fs::write(&file, with_members(&plain, b"")).unwrap();
    run().code(0);
    fs::remove_dir_all(second.path("toolchains/.gen")).unwrap();
    fs::remove_file(second.path(format!("toolchains/{TRIPLE}"))).unwrap();
    fs::remove_dir_all(second.path("toolchains/cache/unpacked")).unwrap();
    let members = [
        ("a path that climbs", Header::new("sysroot/../../../../outside", b'0'), &b"x"[..]),
        ("an absolute path", Header::new("/tmp/reml-outside", b'0'), b"x"),
        ("another folder", Header::new("bin/evil", b'0'), b"x"),
        ("no folder", Header::new("evil", b'0'), b"x"),
        (
            "a link that leaves",
            Header::new("sysroot/usr/evil", b'2').link("../../../../../etc"),
            b"",
        ),
        ("an absolute link", Header::new("sysroot/usr/evil", b'2').link("/../../etc/passwd"), b""),
        ("a hard link to outside", Header::new("sysroot/usr/evil", b'1').link("/etc/passwd"), b""),
        ("a device", Header::new("sysroot/usr/evil", b'3'), b""),
        ("a block device", Header::new("sysroot/usr/evil", b'4'), b""),
        ("a FIFO", Header::new("sysroot/usr/evil", b'6'), b""),
        ("PAX", Header::new("sysroot/usr/evil", b'x'), b"18 path=../outside\n"),
        ("global PAX", Header::new("sysroot/usr/evil", b'g'), b"18 path=../outside\n"),
        ("a sparse file", Header::new("sysroot/usr/evil", b'S'), b""),
        ("a control character", Header::new("sysroot/usr/ev\x1bil", b'0'), b"x"),
        ("no text", Header::new(&b"sysroot/usr/\xff"[..], b'0'), b"x"),
        ("a file that its list lacks", Header::new("sysroot/usr/evil", b'0'), b"x"),
        ("a folder that its list lacks", Header::new("sysroot/usr/evil/", b'5'), b""),
    ];
    for (what, header, bytes) in members {
        let member = TarBuilder::new().entry(header, bytes).build_unended();
        for compression in [Compression::None, Compression::Zstd] {
            fs::write(&file, compression.apply(&with_members(&plain, &member))).unwrap();
            let outcome = run();
            assert_eq!(outcome.status, Some(4), "{what}: {outcome}");
            outcome.code(4).stderr_has("error: ");
            assert_nothing_was_made(&second);
        }
    }
    let long = TarBuilder::new().long(b'L', &vec![b'a'; 70_000]).build_unended();
    fs::write(&file, with_members(&plain, &long)).unwrap();
    run().code(4);
    assert_nothing_was_made(&second);
    for outside in ["outside", "reml-outside"] {
        assert!(!second.root().with_file_name(outside).exists());
        assert!(!std::path::Path::new("/tmp").join(outside).exists());
    }
}

#[test]
fn l04_an_archive_of_a_newer_format_is_refused_with_both_numbers() {
    let first = packed();
    let second = other(&first, with_llvm());
    let newer = with_list(&plain(&second), |text| {
        assert!(text.starts_with("reml-toolchain archive\t1\t"));
        text.replacen("archive\t1\t", "archive\t2\t", 1)
    });
    for compression in [Compression::None, Compression::Zstd] {
        let path = second.path("newer").display().to_string();
        fs::write(&path, compression.apply(&newer)).unwrap();
        let trust = ["prepare", "--archive", &path, "--dangerously-trust-archive"];
        second.run(trust).code(2).stderr_has("has format 2, this program reads 1");
    }
    assert_nothing_was_made(&second);
}

#[test]
fn archives_of_all_four_kinds_give_the_same_tree() {
    let first = packed();
    first.prepare(NONE).code(0);
    let wanted = first.snapshot(format!("toolchains/{TRIPLE}/sysroot"));
    let plain = plain(&first);
    for compression in [Compression::None, Compression::Gzip, Compression::Xz, Compression::Zstd] {
        let second = other(&first, with_llvm());
        fs::remove_file(archive(&second)).unwrap();
        // Told by the content: the name may be anything.
        let path = second.path("archive").display().to_string();
        fs::write(&path, compression.apply(&plain)).unwrap();
        second.run(["prepare", "--archive", &path]).code(4).stderr_has("in no archive line");
        second.run(["prepare", "--archive", &path, "--dangerously-trust-archive"]).code(0);
        second.snapshot(format!("toolchains/{TRIPLE}/sysroot")).assert_same_as(&wanted);
        second.run(["verify"]).code(0);
    }
}
