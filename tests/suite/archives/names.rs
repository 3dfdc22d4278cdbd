//! Section F: paths that climb, collide, cannot be written or are too long.

use reml_toolchain::sysroot::case::overlay;
use reml_toolchain::sysroot::rules::Rules;

use super::support::{Laid, accept, lay_out, probe, probe_of, probe_with, refuse, request};
use crate::support::archive::{Header, TarBuilder};

/// Unpacks as if the disk folded names.
fn accept_folding(deb: &[u8]) -> Laid {
    let rules = Rules::default();
    let mut request = request(deb, &rules);
    request.case_sensitive = false;
    lay_out(deb, &request).unwrap_or_else(|error| panic!("refused: {error}"))
}

#[test]
fn f01_absolute_paths_and_dot_dot_are_refused() {
    for (name, reason) in [
        ("/etc/passwd", "absolute"),
        ("../outside", "\"..\""),
        ("./../outside", "\"..\""),
        ("usr/../../outside", "\"..\""),
        ("./usr/lib/..", "\"..\""),
        ("..", "\"..\""),
    ] {
        for kind in *b"0125" {
            let header = Header::new(name, kind).link("usr");
            refuse(&probe_with(header, b""), "tar-unsafe-path", &[name, reason]);
        }
    }
}

#[test]
fn f01_a_prefix_field_that_climbs_is_refused() {
    let mut header = Header::new("outside", b'0');
    header.magic = Header::USTAR;
    header.prefix = b"../x".to_vec();
    refuse(&probe_with(header.clone(), b""), "tar-unsafe-path", &["../x/outside"]);
    header.prefix = b"/etc".to_vec();
    refuse(&probe_with(header.clone(), b""), "tar-unsafe-path", &["/etc/outside"]);
    header.prefix = b"usr/share".to_vec();
    assert_eq!(accept(&probe_with(header, b"")).paths(), ["usr", "usr/share", "usr/share/outside"]);
}

#[test]
fn f13_names_equal_but_for_case_go_aside_on_a_disk_that_folds_them() {
    let deb = probe()
        .file("usr/include/linux/xt_MARK.h", b"target")
        .file("usr/include/linux/xt_mark.h", b"match")
        .file("usr/include/linux/xt_Mark.h", b"third")
        .build();
    let laid = accept(&deb);
    assert_eq!(laid.read("usr/include/linux/xt_mark.h"), "match");
    assert!(laid.unpacked.entries.iter().all(|entry| entry.place.is_none()));

    let laid = accept_folding(&deb);
    assert_eq!(laid.read("usr/include/linux/xt_MARK.h"), "target");
    assert_eq!(laid.read(".case/1/usr/include/linux/xt_mark.h"), "match");
    assert_eq!(laid.read(".case/2/usr/include/linux/xt_Mark.h"), "third");
    let entry = laid.entry("usr/include/linux/xt_mark.h");
    assert_eq!(entry.place.as_deref(), Some(".case/1/usr/include/linux/xt_mark.h"));
}

#[test]
fn f13_directories_that_collide_take_their_files_along() {
    let deb = probe().file("usr/Foo/a", b"upper").file("usr/foo/a", b"lower").build();
    let laid = accept_folding(&deb);
    assert_eq!(laid.read("usr/Foo/a"), "upper");
    assert_eq!(laid.read(".case/1/usr/foo/a"), "lower");
}

#[test]
fn f13_links_lead_to_where_their_target_lies() {
    let deb = probe()
        .file("usr/A", b"upper")
        .file("usr/a", b"lower")
        .symlink("usr/to-upper", "A")
        .symlink("usr/to-lower", "a")
        .symlink("usr/TO-LOWER", "a")
        .build();
    let laid = accept_folding(&deb);
    assert_eq!(laid.read("usr/to-upper"), "upper");
    assert_eq!(laid.read("usr/to-lower"), "lower");
    assert_eq!(laid.read(".case/1/usr/TO-LOWER"), "lower");
}

#[test]
fn f13_the_overlay_shows_each_moved_file_under_its_own_name() {
    let moved = [
        ("usr/include/b/x.h", ".case/1/usr/include/b/x.h"),
        ("usr/include/a/it's.h", ".case/1/usr/include/a/it's.h"),
    ];
    let text = overlay("/opt/sysroot/", moved);
    assert_eq!(
        text,
        "{\n  'version': 0,\n  'case-sensitive': 'true',\n  'overlay-relative': 'true',\n  \
         'use-external-names': 'false',\n  'roots': [\n    \
         { 'type': 'directory', 'name': '/opt/sysroot/usr/include/a', 'contents': [\n      \
         { 'type': 'file', 'name': 'it''s.h', \
         'external-contents': '.case/1/usr/include/a/it''s.h' }\n    ] },\n    \
         { 'type': 'directory', 'name': '/opt/sysroot/usr/include/b', 'contents': [\n      \
         { 'type': 'file', 'name': 'x.h', \
         'external-contents': '.case/1/usr/include/b/x.h' }\n    ] }\n  ]\n}\n"
    );
}

#[test]
fn f14_names_equal_after_normalisation_go_aside_too() {
    let deb = probe().file("usr/caf\u{e9}", b"NFC").file("usr/cafe\u{301}", b"NFD").build();
    let laid = accept_folding(&deb);
    assert_eq!(laid.read("usr/caf\u{e9}"), "NFC");
    assert_eq!(laid.read(".case/1/usr/cafe\u{301}"), "NFD");
    assert!(accept(&deb).unpacked.entries.iter().all(|entry| entry.place.is_none()));
}

#[test]
fn f15_names_no_disk_or_terminal_should_see_are_refused() {
    let bad: [(&[u8], &str); 16] = [
        (b"usr/\xff", "UTF-8"),
        (b"usr/a\nb", "control"),
        (b"usr/\x1b[31m", "control"),
        (b"usr/\x7f", "control"),
        ("usr/\u{85}".as_bytes(), "control"),
        (b"usr//a", "empty"),
        (b"usr/./a", "\".\""),
        (b"././a", "\".\""),
        (b".", "\".\""),
        (b"./", "empty"),
        (b"usr/a/", "empty"),
        (b"", "empty"),
        (b"usr/NUL", "Windows"),
        (b"usr/aux.h", "Windows"),
        (b"con/a", "Windows"),
        (b"usr/Lpt1.txt", "Windows"),
    ];
    for (name, reason) in bad {
        refuse(&probe_with(Header::new(name, b'0'), b""), "tar-unsafe-path", &[reason]);
    }
    refuse(&probe_with(Header::new("usr//", b'5'), b""), "tar-unsafe-path", &["empty"]);
}

#[test]
fn f15_a_backslash_and_a_leading_hyphen_are_accepted() {
    let laid = accept(&probe().file("usr/dev\\x2drandom", b"a").file("-rf", b"b").build());
    assert_eq!((laid.read("usr/dev\\x2drandom"), laid.read("-rf")), ("a".into(), "b".into()));
    let laid = accept(&probe().file("usr/auxiliary.h", b"").file("usr/console", b"").build());
    assert_eq!(laid.paths(), ["usr", "usr/auxiliary.h", "usr/console"]);
}

#[test]
fn f16_components_paths_and_depths_have_limits() {
    let deep = |depth: usize| vec!["d"; depth].join("/");
    let long = |count: usize| vec!["x".repeat(255); count].join("/");
    accept(&probe_with(Header::new("x".repeat(255), b'0'), b""));
    refuse(&probe_with(Header::new("x".repeat(256), b'0'), b""), "tar-unsafe-path", &["255"]);
    accept(&probe_with(Header::new(deep(64), b'0'), b""));
    refuse(&probe_with(Header::new(deep(65), b'0'), b""), "tar-unsafe-path", &["64"]);
    refuse(&probe_with(Header::new(long(17), b'0'), b""), "tar-malformed", &["4096"]);
}

#[test]
fn f16_more_than_100_000_members_are_refused() {
    let one = Header::new("./usr/", b'5').to_block();
    let tar = |count| TarBuilder::new().data(&one.repeat(count)).build();
    let request_size = 100_000 * 512 / 1024;
    for (count, fits) in [(100_000, true), (100_001, false)] {
        let deb = probe_of(&tar(count));
        let rules = Rules::default();
        let mut request = request(&deb, &rules);
        request.installed_size = Some(request_size);
        match lay_out(&deb[..], &request) {
            Ok(_) => assert!(fits),
            Err(error) => assert!(!fits && error.to_string().contains("100000 members"), "{error}"),
        }
    }
}

#[test]
fn f16_more_than_4_gib_are_refused_by_the_header_alone() {
    let tar = TarBuilder::new().raw(&Header::new("a", b'0').size((4 << 30) + 1), b"").build();
    refuse(&probe_of(&tar), "tar-limit", &["4294967296 bytes"]);
    let tar = TarBuilder::new().raw(&Header::new("a", b'0').size(4 << 30), b"").build();
    refuse(&probe_of(&tar), "tar-end", &["ends inside"]);
}

#[test]
fn f21_top_level_directories_move_into_usr() {
    let deb = probe()
        .file("lib/x86_64-linux-gnu/libc.so.6", b"libc")
        .file("lib64/ld.so", b"loader")
        .executable("bin/sh", b"sh")
        .file("sbin/init", b"init")
        .file("usr/lib/y", b"y")
        .file("library/z", b"z")
        .build();
    let laid = accept(&deb);
    for path in ["usr/lib/x86_64-linux-gnu/libc.so.6", "usr/lib64/ld.so", "usr/bin/sh"] {
        assert!(laid.path(path).is_file(), "{path}");
    }
    assert!(laid.path("usr/sbin/init").is_file() && laid.path("library/z").is_file());
    assert!(!laid.path("lib").exists());
}

#[test]
fn f21_the_merged_links_of_newer_packages_are_left_to_the_rule() {
    let deb = probe()
        .dir("usr/lib64")
        .symlink("lib64", "usr/lib64")
        .symlink("lib", "/usr/lib")
        .file("usr/lib/a", b"a")
        .build();
    assert_eq!(accept(&deb).paths(), ["usr", "usr/lib64", "usr/lib", "usr/lib/a"]);
}

#[test]
fn f21_a_file_in_lib_and_in_usr_lib_is_a_conflict() {
    let deb = probe().file("lib/x", b"1").file("usr/lib/x", b"1").build();
    refuse(&deb, "deb-duplicate-member", &["usr/lib/x", "a file"]);
}
