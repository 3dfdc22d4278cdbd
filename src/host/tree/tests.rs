use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

fn tree() -> (tempfile::TempDir, Tree) {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::create(folder.path().join("root")).unwrap();
    (folder, tree)
}

fn write(walker: &mut Walker<'_>, path: &str, bytes: &[u8]) -> Result<(), TreeError> {
    let mut file = walker.file(path, false)?;
    file.write(bytes)?;
    file.finish(5)
}

#[test]
fn a_tree_is_made_only_where_nothing_is() {
    let (_folder, tree) = tree();
    let error = Tree::create(tree.path()).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Failed, "disk"));
    assert!(error.to_string().contains("root: cannot make the directory"), "{error}");
    assert_eq!(error.source.kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn directories_deeper_than_are_held_open_work_in_any_order() {
    let (_folder, tree) = tree();
    let mut walker = tree.walk();
    let deep = (0..3 * Walker::OPEN).map(|level| level.to_string()).collect::<Vec<_>>();
    let deep = |depth: usize| deep[..depth].join("/");
    walker.directory(&deep(3 * Walker::OPEN)).unwrap();
    for (number, depth) in [24, 1, 23, 2, 9, 24, 8, 16].into_iter().enumerate() {
        let path = format!("{}/file{number}", deep(depth));
        write(&mut walker, &path, b"x").unwrap();
        assert!(tree.path().join(path).is_file());
        assert!(walker.open_count() <= Walker::OPEN);
    }
    walker.directory("0x").unwrap();
    write(&mut walker, "0x/a", b"x").unwrap();
    assert!(tree.path().join("0x/a").is_file());
}

#[test]
fn nothing_is_made_through_a_link_or_in_place_of_anything() {
    let (folder, tree) = tree();
    symlink(folder.path(), tree.path().join("out")).unwrap();
    symlink("nowhere", tree.path().join("dangling")).unwrap();
    let mut walker = tree.walk();
    assert!(write(&mut walker, "out/escaped", b"").is_err());
    assert!(walker.directory("out").is_err());
    assert!(walker.directory("out/escaped").is_err());
    assert!(walker.symlink("out/escaped", "x").is_err());
    assert!(walker.set_time("out/root", 0).is_err());
    assert!(write(&mut walker, "dangling", b"").is_err());
    assert!(walker.open("dangling").is_err());
    write(&mut walker, "file", b"old").unwrap();
    assert!(write(&mut walker, "file", b"new").is_err());
    assert!(walker.symlink("file", "x").is_err());
    assert!(walker.directory("file").is_err());
    assert!(walker.hard_link(&mut tree.walk(), "file", "dangling").is_err());
    assert_eq!(std::fs::read(tree.path().join("file")).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn hard_links_and_copies_keep_content_mode_and_time() {
    let (_folder, tree) = tree();
    let (mut walker, mut source) = (tree.walk(), tree.walk());
    walker.directory("a").unwrap();
    let mut file = walker.file("a/tool", true).unwrap();
    file.write(b"content").unwrap();
    file.finish(1_234_567).unwrap();
    assert!(walker.hard_link(&mut source, "a/tool", "a/link").unwrap());
    walker.copy(&mut source, "a/tool", "copy", true).unwrap();
    let of = |path: &str| tree.path().join(path).metadata().unwrap();
    assert_eq!(of("a/link").ino(), of("a/tool").ino());
    assert_ne!(of("copy").ino(), of("a/tool").ino());
    assert_eq!((of("copy").mtime(), of("copy").permissions().mode() & 0o777), (1_234_567, 0o555));
    assert_eq!(std::fs::read(tree.path().join("copy")).unwrap(), b"content");
}

#[test]
fn directory_times_are_set_last_of_all() {
    let (_folder, tree) = tree();
    let mut walker = tree.walk();
    walker.directory("a/b/c").unwrap();
    write(&mut walker, "a/b/file", b"").unwrap();
    walker.set_directory_times(77).unwrap();
    for path in ["a", "a/b", "a/b/c"] {
        assert_eq!(tree.path().join(path).metadata().unwrap().mtime(), 77, "{path}");
    }
    assert_eq!(tree.path().join("a/b/file").metadata().unwrap().mtime(), 5);
}

#[test]
fn a_full_disk_is_told_with_a_command_to_type() {
    let error = TreeError {
        action: "write",
        path: PathBuf::from("/opt/tree/usr/a"),
        source: io::Error::from(io::ErrorKind::StorageFull),
    };
    assert_eq!(error.code(), "disk-full");
    assert_eq!(error.hints(), ["free space: df -h /opt/tree/usr"]);
}
