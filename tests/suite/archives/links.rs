//! Section F: symbolic and hard links that lead out, around or nowhere.

use super::support::{accept, lay, probe, probe_of, probe_with, refuse};
use crate::support::archive::{Header, TarBuilder};

#[test]
fn f02_nothing_is_written_through_a_link() {
    let through = "deb-path-through-link";
    for target in ["usr", "/usr", "../outside-of-usr", "."] {
        let tar = TarBuilder::new().dir("usr").symlink("usr/link", target).file("usr/link/a", b"");
        refuse(&probe_of(&tar.build()), through, &["usr/link/a", "a link at usr/link"]);
    }
    let chain =
        TarBuilder::new().dir("usr").symlink("a", "usr").symlink("b", "a").file("b/escaped", b"");
    refuse(&probe_of(&chain.build()), through, &["b/escaped"]);
    let deep = TarBuilder::new().symlink("a", "usr").dir("a/b").file("a/b/c", b"");
    refuse(&probe_of(&deep.build()), through, &["a/b"]);
}

#[test]
fn f02_a_directory_and_a_link_never_take_each_others_place() {
    let replaced = TarBuilder::new().dir("a").file("a/x", b"").symlink("a", "usr").build();
    refuse(&probe_of(&replaced), "deb-duplicate-member", &["a directory", "a link"]);
    let implied = TarBuilder::new().file("a/x", b"").symlink("a", "usr").build();
    refuse(&probe_of(&implied), "deb-duplicate-member", &["a directory", "a link"]);
    // CVE-2026-33056: the mode of the directory went to what the link names.
    let chmod = TarBuilder::new().symlink("a", "usr").dir("a").build();
    refuse(&probe_of(&chmod), "deb-duplicate-member", &["a link", "a directory"]);
    let under_file = TarBuilder::new().file("a", b"").file("a/x", b"").build();
    refuse(&probe_of(&under_file), "deb-path-through-link", &["a file at a"]);
}

#[test]
fn f02_links_are_made_after_all_files() {
    // The second member is broken: the first, a link, must not be there yet.
    let tar = TarBuilder::new().symlink("a", "b").entry(Header::new("c", b'3'), b"").build();
    let deb = probe_of(&tar);
    let folder = tempfile::tempdir().unwrap();
    let tree = reml_toolchain::host::tree::Tree::open(folder.path()).unwrap();
    let rules = reml_toolchain::sysroot::rules::Rules::default();
    let request = super::support::request(&deb, &rules);
    assert!(reml_toolchain::sysroot::unpack::unpack(&deb[..], &request, &tree).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn f03_absolute_targets_become_relative() {
    let deb = probe()
        .file("lib/x86_64-linux-gnu/libz.so.1", b"z")
        .symlink("usr/lib/x86_64-linux-gnu/libz.so", "/lib/x86_64-linux-gnu/libz.so.1")
        .file("lib/x86_64-linux-gnu/ld.so", b"loader")
        .symlink("lib64/ld.so", "/lib/x86_64-linux-gnu/ld.so")
        .symlink("etc/all", "/")
        .build();
    let laid = accept(&deb);
    assert_eq!(laid.target("usr/lib/x86_64-linux-gnu/libz.so"), "libz.so.1");
    assert_eq!(laid.target("usr/lib64/ld.so"), "../lib/x86_64-linux-gnu/ld.so");
    assert_eq!(laid.target("etc/all"), "..");
    assert_eq!(laid.read("usr/lib/x86_64-linux-gnu/libz.so"), "z");
    assert_eq!(laid.read("usr/lib64/ld.so"), "loader");
}

#[test]
fn f03_a_relative_target_that_stays_right_stays_as_it_is() {
    let deb = probe()
        .file("usr/lib/a.so.1", b"a")
        .symlink("usr/lib/a.so", "./a.so.1")
        .symlink("lib/b.so", "../usr/lib/a.so.1")
        .build();
    let laid = accept(&deb);
    assert_eq!(laid.target("usr/lib/a.so"), "./a.so.1");
    assert_eq!((laid.target("usr/lib/b.so"), laid.read("usr/lib/b.so").as_str()), ("a.so.1", "a"));
}

#[test]
fn f04_targets_that_leave_the_root_are_refused() {
    for target in ["../x", "../../etc/passwd", "usr/../../x", "/../x", "/usr/../../x"] {
        let deb = probe().symlink("a", target).build();
        refuse(&deb, "link-leaves-root", &["a", target]);
    }
    // By the text alone this stays: but `here` is the root.
    let deb =
        probe().symlink("usr/share/here", "../..").symlink("x", "usr/share/here/../y").build();
    refuse(&deb, "link-leaves-root", &["x"]);
}

#[test]
fn f04_targets_nobody_can_follow_are_refused() {
    let unsafe_path = "tar-unsafe-path";
    refuse(&probe_with(Header::new("a", b'2'), b""), unsafe_path, &["empty"]);
    refuse(&probe_with(Header::new("a", b'2').link("b\nc"), b""), unsafe_path, &["control"]);
    refuse(&probe_with(Header::new("a", b'2').link(b"\xff"), b""), unsafe_path, &["UTF-8"]);
    let long = Header::new("a", b'2').link("x/".repeat(2500));
    refuse(&probe_with(long, b""), "tar-malformed", &["4096"]);
}

#[test]
fn f04_loops_are_refused() {
    refuse(&probe().symlink("usr/a", "a").build(), "link-loop", &["usr/a"]);
    refuse(
        &probe().symlink("a", "b").symlink("b", "c").symlink("c", "a").build(),
        "link-loop",
        &[],
    );
    refuse(&probe().symlink("a", "a/b").build(), "link-loop", &["a"]);
}

#[test]
fn f04_a_dangling_link_is_noted() {
    let laid = accept(&probe().symlink("usr/lib/liba.so", "liba.so.1").build());
    let dangling = ("usr/lib/liba.so".to_owned(), "liba.so.1".to_owned());
    assert_eq!(laid.unpacked.dangling, [dangling]);
    assert_eq!(
        std::fs::read_link(laid.path("usr/lib/liba.so")).unwrap().to_str(),
        Some("liba.so.1")
    );
}

#[test]
fn f05_hard_links_name_an_earlier_file() {
    let laid = accept(&probe().executable("usr/a", b"a").hardlink("usr/b", "usr/a").build());
    assert_eq!(laid.read("usr/b"), "a");
    assert_eq!(laid.entry("usr/a").kind, laid.entry("usr/b").kind);
    let laid = accept(&probe().file("lib/a", b"a").hardlink("usr/b", "lib/a").build());
    assert_eq!(laid.read("usr/b"), "a");
}

#[test]
fn f05_other_hard_links_are_refused() {
    let code = "deb-hard-link";
    refuse(&probe().hardlink("a", "a").build(), code, &["a"]);
    refuse(&probe().hardlink("a", "b").file("b", b"").build(), code, &["earlier file, got b"]);
    refuse(&probe().file("b", b"").symlink("s", "b").hardlink("a", "s").build(), code, &["got s"]);
    let through = probe().dir("usr").file("usr/b", b"").symlink("s", "usr").hardlink("a", "s/b");
    refuse(&through.build(), code, &["got s/b"]);
    refuse(&probe().dir("usr").hardlink("a", "usr").build(), code, &["got usr"]);
    for target in ["/etc/passwd", "../outside", "usr/../../outside"] {
        let header = Header::new("a", b'1').link(target);
        refuse(&probe_with(header, b""), "tar-unsafe-path", &[target]);
    }
    assert!(lay(&probe_with(Header::new("a", b'1').link("/proc/self/exe"), b"")).is_err());
}
