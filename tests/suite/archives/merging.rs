//! Several packages in one tree: who may share a path, and where links lead then.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use reml_toolchain::host::fault::Diagnostic;
use reml_toolchain::host::tree::Tree;
use reml_toolchain::sysroot::manifest::{Entry, EntryKind};
use reml_toolchain::sysroot::merge::{Dangling, MergeError, Merged, Options, Package, merge, plan};
use tempfile::TempDir;

use super::support::{Laid, accept, probe};
use crate::support::archive::DebBuilder;

const OPTIONS: Options =
    Options { case_sensitive: true, dangling: Dangling::Drop, threads: 2, time: 1_600_000_000 };

fn packages(laid: &[Laid]) -> Vec<Package<'_>> {
    let names = ["first", "second", "third"];
    laid.iter()
        .zip(names)
        .map(|(laid, name)| Package { name, folder: &laid.tree, entries: &laid.unpacked.entries })
        .collect()
}

fn merged<const N: usize>(
    debs: [DebBuilder; N],
    options: &Options,
) -> Result<(TempDir, Merged), MergeError> {
    let laid = debs.map(|deb| accept(&deb.build()));
    let temporary = tempfile::tempdir().unwrap();
    let root = Tree::open(temporary.path()).unwrap();
    merge(&packages(&laid), options, &root).map(|merged| (temporary, merged))
}

#[track_caller]
fn conflict(first: DebBuilder, second: DebBuilder, path: &str) {
    let laid = [first, second].map(|deb| accept(&deb.build()));
    let error = plan(&packages(&laid), true, Dangling::Drop).err().unwrap();
    let text = error.to_string();
    assert_eq!(error.code(), "package-conflict", "{text}");
    for part in [path, "first", "second"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn f12_the_same_file_in_two_packages_is_accepted() {
    let deb = || probe().file("usr/a", b"same").symlink("usr/l", "a");
    let (root, merged) = merged([deb(), deb()], &OPTIONS).unwrap();
    assert_eq!(std::fs::read(root.path().join("usr/l")).unwrap(), b"same");
    assert_eq!(merged.placed.len(), 3);
}

#[test]
fn f12_a_path_two_packages_disagree_about_is_refused_before_anything_is_made() {
    conflict(probe().file("usr/a", b"one"), probe().file("usr/a", b"two"), "usr/a");
    conflict(probe().file("usr/a", b"one"), probe().executable("usr/a", b"one"), "usr/a");
    conflict(probe().file("usr/a", b""), probe().file("usr/a/b", b""), "usr/a");
    conflict(probe().symlink("usr/a", "b"), probe().file("usr/a/b", b""), "usr/a");
    conflict(probe().symlink("usr/a", "b"), probe().symlink("usr/a", "c"), "usr/a");
    conflict(probe().file("lib/a", b"one"), probe().file("usr/lib/a", b"two"), "usr/lib/a");
    let temporary = tempfile::tempdir().unwrap();
    let laid = ["one", "two"].map(|text| accept(&probe().file("a", text.as_bytes()).build()));
    let root = Tree::open(temporary.path()).unwrap();
    assert!(merge(&packages(&laid), &OPTIONS, &root).is_err());
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn f21_top_level_links_are_made_for_what_the_tree_has() {
    let bookworm = probe().file("lib/x", b"x").file("lib64/ld.so", b"ld");
    let trixie = probe().file("usr/lib/y", b"y").executable("usr/bin/y", b"y");
    let (root, merged) = merged([bookworm, trixie], &OPTIONS).unwrap();
    for (name, below) in [("lib", "y"), ("lib64", "ld.so"), ("bin", "y")] {
        let link = std::fs::read_link(root.path().join(name)).unwrap();
        assert_eq!(link.to_str(), Some(&*format!("usr/{name}")));
        assert!(root.path().join(name).join(below).is_file());
    }
    assert!(root.path().join("sbin").symlink_metadata().is_err());
    let link = merged.placed.iter().find(|placed| placed.entry.path == "lib").unwrap();
    assert_eq!(link.entry.kind, EntryKind::Symlink { target: "usr/lib".to_owned() });
}

#[test]
fn f04_dangling_links_are_dropped_and_listed_or_refused() {
    let dev = || probe().symlink("usr/lib/a.so", "a.so.1").symlink("usr/lib/b.so", "a.so");
    let library = probe().file("usr/lib/a.so.1", b"a");
    let (root, both) = merged([dev(), library], &OPTIONS).unwrap();
    assert_eq!(both.dropped, []);
    assert_eq!(std::fs::read(root.path().join("usr/lib/b.so")).unwrap(), b"a");

    let (root, alone) = merged([dev()], &OPTIONS).unwrap();
    let dropped: Vec<_> = alone.dropped.iter().map(|link| (&*link.path, &*link.package)).collect();
    assert_eq!(dropped, [("usr/lib/a.so", "first"), ("usr/lib/b.so", "first")]);
    assert_eq!(std::fs::read_dir(root.path().join("usr/lib")).unwrap().count(), 0);

    let error = merged([dev()], &Options { dangling: Dangling::Refuse, ..OPTIONS }).err().unwrap();
    assert_eq!(error.code(), "link-dangling");
    assert!(error.to_string().contains("usr/lib/a.so of first to a.so.1"), "{error}");
}

#[test]
fn f04_links_that_leave_or_loop_only_together_are_refused() {
    let a = probe().symlink("usr/a", "b");
    let b = probe().symlink("usr/b", "a");
    assert_eq!(merged([a, b], &OPTIONS).err().unwrap().code(), "link-loop");
    let up = probe().symlink("usr/share/up", "../..");
    let out = probe().symlink("usr/out", "share/up/../../etc");
    assert_eq!(merged([up, out], &OPTIONS).err().unwrap().code(), "link-leaves-root");
}

#[test]
fn f13_names_of_two_packages_that_collide_go_aside() {
    let options = Options { case_sensitive: false, ..OPTIONS };
    let first = probe().file("usr/A.h", b"upper").symlink("usr/up.h", "A.h");
    let second = probe().file("usr/a.h", b"lower").symlink("usr/low.h", "a.h");
    let (root, merged) = merged([first, second], &options).unwrap();
    let read = |path: &str| std::fs::read_to_string(root.path().join(path)).unwrap();
    assert_eq!((read("usr/up.h"), read("usr/low.h")), ("upper".into(), "lower".into()));
    assert_eq!(merged.moved().collect::<Vec<_>>(), [("usr/a.h", ".case/1/usr/a.h")]);
    assert_eq!(read(".case/1/usr/a.h"), "lower");
}

#[test]
fn merged_files_are_links_with_fixed_modes_and_times() {
    let deb = probe().executable("usr/bin/a", b"a").symlink("usr/bin/b", "a");
    let (root, _) = merged([deb], &OPTIONS).unwrap();
    let of = |path: &str| root.path().join(path).symlink_metadata().unwrap();
    assert_eq!(of("usr/bin/a").nlink(), 1, "the package's own folder is gone by now");
    assert_eq!(of("usr/bin/a").permissions().mode() & 0o7777, 0o555);
    assert_eq!(of("usr/bin/a").mtime(), 1_700_000_000);
    for path in ["usr", "usr/bin", "usr/bin/b", "bin"] {
        assert_eq!(of(path).mtime(), OPTIONS.time, "{path}");
    }
}

#[test]
fn the_number_of_threads_and_the_order_of_packages_change_nothing() {
    let debs = || {
        let one = (0..50).fold(probe(), |deb, n| deb.file(&format!("usr/a{n}/x"), &[n]));
        let two = (0..50).fold(probe(), |deb, n| deb.file(&format!("usr/a{n}/y"), &[n]));
        [one, two]
    };
    let [one, two] = debs();
    let first = merged([one, two], &Options { threads: 1, ..OPTIONS }).unwrap().1;
    let [one, two] = debs();
    let second = merged([two, one], &Options { threads: 7, ..OPTIONS }).unwrap().1;
    let entries = |merged: &Merged| -> Vec<Entry> {
        merged.placed.iter().map(|placed| placed.entry.clone()).collect()
    };
    assert!(entries(&first) == entries(&second));
    assert_eq!(first.placed.len(), 1 + 50 * 3);
}
