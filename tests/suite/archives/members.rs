//! Section F: member types, modes, duplicates and times.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use reml_toolchain::elf;
use reml_toolchain::host::fault::Diagnostic as _;
use reml_toolchain::host::hash::Digest;
use reml_toolchain::sysroot::manifest::EntryKind;
use reml_toolchain::sysroot::rules::Rules;

use super::support::{LATEST, accept, lay_out, probe, probe_of, probe_with, refuse, request};
use crate::support::archive::{Header, TarBuilder};
use crate::support::mirror::elf::Elf;

#[test]
fn f06_only_six_member_types_are_known() {
    for kind in u8::MIN..=u8::MAX {
        let header = Header::new("usr/a", kind).link("usr/b");
        match kind {
            b'0' | b'2' | b'5' => drop(accept(&probe_with(header, b""))),
            b'1' => refuse(&probe_with(header, b""), "deb-hard-link", &[]),
            b'L' | b'K' => refuse(&probe_with(header, b""), "tar-malformed", &["long name"]),
            b'x' | b'g' | b'X' => refuse(&probe_with(header, b""), "tar-pax", &["PAX"]),
            _ => refuse(&probe_with(header, b""), "tar-member-type", &["member type"]),
        }
    }
}

#[test]
fn f07_modes_become_0444_or_0555_and_the_owner_is_the_user() {
    for (mode, expected) in [
        (0o4755, 0o555),
        (0o2644, 0o444),
        (0o1777, 0o555),
        (0o000, 0o444),
        (0o777, 0o555),
        (0o600, 0o444),
        (0o710, 0o555),
    ] {
        let mut header = Header::new("a", b'0').mode(mode);
        header.uid = b"0001750".to_vec();
        header.gid = b"0000777".to_vec();
        let laid = accept(&probe_with(header, b""));
        let metadata = laid.path("a").metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, expected, "{mode:o}");
        assert_eq!(metadata.uid(), laid.tree.path().metadata().unwrap().uid());
        let executable = expected == 0o555;
        assert!(
            matches!(laid.entry("a").kind, EntryKind::File { executable: e, .. } if e == executable)
        );
    }
    for mode in [0o000, 0o777, 0o7777] {
        let laid = accept(&probe_with(Header::new("a", b'5').mode(mode), b""));
        let metadata = laid.path("a").metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o755, "{mode:o}");
    }
}

#[test]
fn f08_pax_headers_of_any_kind_are_refused() {
    for (kind, records) in [
        (b'x', &b"18 path=../outside\n"[..]),
        (b'x', b"20 linkpath=/outside\n"),
        (b'x', b"13 size=4096\n"),
        (b'g', b"16 path=outside\n"),
        (b'x', b"not a record"),
        (b'x', b""),
    ] {
        let tar =
            TarBuilder::new().entry(Header::new("pax", kind), records).file("a", b"a").build();
        refuse(&probe_of(&tar), "tar-pax", &["deb(5) does not allow PAX"]);
    }
}

#[test]
fn f09_long_names_and_targets_of_gnu_are_read() {
    let (name, target) = (format!("usr/{}", "n".repeat(200)), "t/".repeat(100) + "t");
    let laid = accept(&probe().file(&name, b"a").symlink(&format!("{name}-link"), &target).build());
    assert_eq!(laid.read(&name), "a");
    assert_eq!(laid.target(&format!("{name}-link")), target);
}

#[test]
fn f09_long_names_that_break_the_rules_are_refused() {
    let code = "tar-malformed";
    let named = |bytes: &[u8]| TarBuilder::new().long(b'L', bytes).file("a", b"").build();
    refuse(&probe_of(&named(&vec![b'a'; 1 << 20])), code, &["4096"]);
    for bytes in [&b""[..], b"\0", b"no end", b"a\0b\0", b"a\0\0"] {
        refuse(&probe_of(&named(bytes)), code, &["one NUL at its end"]);
    }
    let huge = Header::new("././@LongLink", b'L').size(0o77_777_777_777);
    refuse(&probe_of(&TarBuilder::new().raw(&huge, b"").build()), code, &["4096"]);
    let twice = TarBuilder::new().long(b'L', b"a\0").long(b'L', b"b\0").file("c", b"");
    refuse(&probe_of(&twice.build()), code, &["two of a kind"]);
    let last = TarBuilder::new().file("a", b"").long(b'L', b"a\0");
    refuse(&probe_of(&last.build()), code, &["no member follows"]);
    let target = TarBuilder::new().long(b'K', b"a\0").file("a", b"");
    refuse(&probe_of(&target.build()), code, &["before no link"]);
}

#[test]
fn f10_sparse_and_multi_volume_archives_are_refused() {
    for kind in *b"SM" {
        refuse(&probe_with(Header::new("a", kind), b""), "tar-member-type", &["member type"]);
    }
    let mut header = Header::new("a", b'0');
    header.prefix = [&[0; 41][..], b"00000000001\0"].concat();
    refuse(&probe_with(header, b""), "tar-malformed", &["GNU extension"]);
}

#[test]
fn f11_a_path_stands_in_the_archive_once() {
    let code = "deb-duplicate-member";
    refuse(&probe().file("a", b"a").file("a", b"a").build(), code, &["a file and again as a file"]);
    let tar = TarBuilder::new().file("a", b"").dir("a").build();
    refuse(&probe_of(&tar), code, &["a file and again as a directory"]);
    let tar = TarBuilder::new().dir("a").file("a", b"").build();
    refuse(&probe_of(&tar), code, &["a directory and again as a file"]);
    refuse(
        &probe().file("a", b"").symlink("a", "b").build(),
        code,
        &["a file and again as a link"],
    );
    refuse(&probe().symlink("a", "b").symlink("a", "b").build(), code, &["a link and again"]);
    refuse(&probe().file("a", b"").file("b", b"").hardlink("b", "a").build(), code, &["a file"]);
}

#[test]
fn f11_the_same_directory_twice_is_accepted() {
    let tar = TarBuilder::new().root().root().dir("usr").dir("usr").file("usr/a", b"a").build();
    assert_eq!(accept(&probe_of(&tar)).paths(), ["usr", "usr/a"]);
}

#[test]
fn f11_a_pruned_path_counts_too() {
    let deb = probe().file("usr/share/doc/a", b"").symlink("usr/share/doc/a", "b").build();
    let rules = Rules::new(["usr/share/doc/**"], []).unwrap();
    let error = lay_out(&deb[..], &request(&deb, &rules)).err().unwrap();
    assert!(error.to_string().contains("usr/share/doc/a"), "{error}");
}

#[test]
fn f22_times_are_clamped() {
    let mut before = Header::new("before", b'0');
    before.mtime = [&[0xff; 11][..], &[0xf0]].concat();
    let tar = TarBuilder::new()
        .entry(before, b"")
        .entry(Header::new("zero", b'0').mtime(0), b"")
        .entry(Header::new("usual", b'0').mtime(1_700_000_001), b"")
        .entry(Header::new("late", b'0').mtime(4_294_967_296), b"")
        .build();
    let laid = accept(&probe_of(&tar));
    let times: Vec<i64> = ["before", "zero", "usual", "late"]
        .map(|name| laid.path(name).metadata().unwrap().mtime())
        .into();
    assert_eq!(times, [0, 0, 1_700_000_001, LATEST]);
}

#[test]
fn f22_a_time_beyond_64_bits_is_refused() {
    let mut header = Header::new("a", b'0');
    header.mtime = [&[0x80, 0, 0, 1][..], &[0; 8]].concat();
    refuse(&probe_with(header, b""), "tar-malformed", &["mtime", "64 bits"]);
}

/// Time this thread has worked: a busy machine does not change it.
fn cpu_seconds() -> i64 {
    rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).tv_sec
}

/// 64 levels of directories and this many empty files.
fn many(files: usize) -> Vec<u8> {
    let deep: Vec<String> = (0..64).map(|level| format!("{level}")).collect();
    let tar =
        (1..=deep.len()).fold(TarBuilder::new(), |tar, depth| tar.dir(&deep[..depth].join("/")));
    let files = (0..files).fold(tar, |tar, number| tar.file(&format!("0/1/2/f{number}"), b""));
    probe_of(&files.build())
}

#[test]
fn f23_a_hundred_thousand_files_and_64_levels_are_quick() {
    let deb = many(99_936);
    // Pruned, so that the time is ours and not the disk's.
    let rules = Rules::new(["*/**"], ["0/1/2/f7"]).unwrap();
    let mut request = request(&deb, &rules);
    request.installed_size = Some(100_000);
    request.case_sensitive = false;
    let start = cpu_seconds();
    let laid = lay_out(&deb[..], &request).unwrap_or_else(|error| panic!("{error}"));
    let taken = cpu_seconds() - start;
    assert_eq!(laid.paths(), ["0", "0/1", "0/1/2", "0/1/2/f7"]);
    assert!(taken < 5, "{taken} s");
}

#[test]
fn f23_thousands_of_files_and_64_levels_are_all_there() {
    let laid = accept(&many(2_000));
    assert_eq!(laid.unpacked.entries.len(), 2_064);
    assert!(laid.unpacked.entries.iter().all(|entry| laid.path(&entry.path).exists()));
}

#[test]
fn pruned_paths_leave_nothing_and_kept_ones_bring_their_directories() {
    let deb = probe()
        .file("usr/share/doc/probe/copyright", b"free")
        .file("usr/share/doc/probe/changelog.gz", b"long")
        .file("usr/share/man/man1/probe.1", b"man")
        .hardlink("usr/share/man/man1/alias.1", "usr/share/man/man1/probe.1")
        .symlink("usr/share/man/man1/link.1", "probe.1")
        .file("usr/include/probe.h", b"")
        .build();
    let rules = Rules::new(["usr/share/**"], ["usr/share/doc/*/copyright"]).unwrap();
    let laid = lay_out(&deb[..], &request(&deb, &rules)).unwrap_or_else(|error| panic!("{error}"));
    let expected = [
        "usr",
        "usr/share",
        "usr/share/doc",
        "usr/share/doc/probe",
        "usr/share/doc/probe/copyright",
        "usr/include",
        "usr/include/probe.h",
    ];
    assert_eq!(laid.paths(), expected);
    assert!(!laid.path("usr/share/man").exists());
    assert_eq!(laid.outside(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn programs_of_one_folder_get_an_rpath_and_the_list_tells_the_changed_bytes() {
    let program = Elf::program(62, "x")
        .interpreter("/lib64/ld-linux-x86-64.so.2")
        .needs("libc.so.6")
        .runpath("$ORIGIN/../lib")
        .build();
    let deb = probe()
        .executable("usr/lib/llvm/bin/opt", &program)
        .executable("usr/lib/llvm/bin/script", b"#!/bin/sh\n")
        .executable("usr/lib/llvm/bin/deeper/opt", &program)
        .executable("usr/bin/opt", &program)
        .build();
    let rules = Rules::default().with_rpath(Some("usr/lib/llvm/bin".to_owned()));
    let laid = lay_out(&deb[..], &request(&deb, &rules)).unwrap_or_else(|error| panic!("{error}"));
    let bytes = |path| std::fs::read(laid.path(path)).unwrap();
    let changed = bytes("usr/lib/llvm/bin/opt");
    let facts = elf::read(&changed).unwrap();
    assert_eq!((facts.rpath.as_deref(), facts.runpath), (Some("$ORIGIN/../lib"), None));
    let size = program.len() as u64;
    let kind = EntryKind::File { size, sha256: Digest::of(&changed), executable: true };
    assert_eq!(laid.entry("usr/lib/llvm/bin/opt").kind, kind);
    assert_eq!(bytes("usr/lib/llvm/bin/script"), b"#!/bin/sh\n");
    for path in ["usr/lib/llvm/bin/deeper/opt", "usr/bin/opt"] {
        assert_eq!(bytes(path), program, "{path}");
    }
    // A program whose headers lie is refused by its path.
    let deb = probe().executable("usr/lib/llvm/bin/opt", &program[..100]).build();
    let error = lay_out(&deb[..], &request(&deb, &rules)).err().unwrap();
    assert_eq!(error.code(), "elf-broken");
    assert!(error.to_string().contains("usr/lib/llvm/bin/opt"), "{error}");
}
