//! Tests of the file wrappers, each in a folder of its own.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;

use super::*;
use crate::host::fault::Diagnostic as _;
use crate::host::hash::Digest;
use crate::host::progress::{Event, Progress, Silent};

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn event(&self, event: Event<'_>) {
        if let Event::Note { text } | Event::Warning { text } = event {
            self.0.lock().unwrap().push(text);
        }
    }
}

#[test]
fn an_error_names_the_operation_and_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = read(&missing).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: cannot read it", missing.display()));
    assert_eq!(error.code(), "file-not-found");
    let error = rename(&missing, &folder.path().join("b")).unwrap_err().to_string();
    assert!(error.contains("missing: cannot rename it to"), "{error}");
}

#[test]
fn an_atomic_write_replaces_the_content_and_leaves_no_other_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lock.txt");
    write_atomic(&file, b"old").unwrap();
    write_atomic(&file, b"new").unwrap();
    assert_eq!(read(&file).unwrap(), b"new");
    assert_eq!(read_dir_sorted(folder.path()).unwrap().len(), 1);
    assert_eq!(stat(&file).unwrap().unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn an_abandoned_draft_leaves_the_old_content_and_nothing_else() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    write_atomic(&file, b"old").unwrap();
    let mut draft = Draft::with_mode(&file, 0o755).unwrap();
    draft.write_all(b"half").unwrap();
    drop(draft);
    assert_eq!(read(&file).unwrap(), b"old");
    assert_eq!(read_dir_sorted(folder.path()).unwrap().len(), 1);
}

#[test]
fn names_come_in_byte_order_with_their_kinds() {
    let folder = tempfile::tempdir().unwrap();
    create_dir_all(&folder.path().join("b/c")).unwrap();
    write_atomic(&folder.path().join("Z"), b"").unwrap();
    symlink(Path::new("nowhere"), &folder.path().join("a")).unwrap();
    let entries = read_dir_sorted(folder.path()).unwrap();
    let seen: Vec<_> = entries.iter().map(|e| (e.name.to_str().unwrap(), e.kind)).collect();
    assert_eq!(seen, [("Z", EntryKind::File), ("a", EntryKind::Link), ("b", EntryKind::Dir)]);
}

#[test]
fn removing_a_link_spares_what_it_points_at_and_missing_things_are_fine() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    create_dir_all(&real.join("inner")).unwrap();
    symlink(&real, &link).unwrap();
    remove_tree(&link).unwrap();
    assert!(real.join("inner").is_dir());
    remove_tree(&real).unwrap();
    remove_tree(&real).unwrap();
    remove_file(&real).unwrap();
    assert!(stat(&real).unwrap().is_none());
}

#[test]
fn a_bounded_read_refuses_longer_files_and_endless_ones() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    write_atomic(&file, b"12345").unwrap();
    assert_eq!(read_at_most(&file, 5).unwrap(), b"12345");
    assert_eq!(read_at_most(&file, 4).unwrap_err().code(), "file-too-long");
    let zero = read_at_most(Path::new("/dev/zero"), 10).unwrap_err();
    assert_eq!(zero.code(), "not-a-regular-file");
}

#[test]
fn a_file_is_read_with_the_digest_of_just_these_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    for size in [0, 1, 1 << 20, (1 << 20) + 1, 5 << 20] {
        let content: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        fs::write(&file, &content).unwrap();
        let (bytes, digest) = read_with_digest(&file, 5 << 20).unwrap();
        assert_eq!(digest, Digest::of(&content), "{size}");
        assert!(bytes == content, "{size}");
    }
    assert_eq!(read_with_digest(&file, 5).unwrap_err().code(), "file-too-long");
    let link = folder.path().join("b");
    symlink(Path::new("a"), &link).unwrap();
    read_with_digest(&link, 5 << 20).unwrap_err();
    let zero = read_with_digest(Path::new("/dev/zero"), 10).unwrap_err();
    assert_eq!(zero.code(), "not-a-regular-file");
}

#[test]
fn a_file_cut_off_while_it_is_read_gives_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    for left in [0, 5, 1 << 20, (1 << 20) + 5] {
        let content = vec![7; left];
        fs::write(&file, &content).unwrap();
        let (bytes, digest) = read::with_digest(File::open(&file).unwrap(), 4 << 20).unwrap();
        assert_eq!(digest, Digest::of(&content), "{left}");
        assert!(bytes == content, "{left}");
    }
}

#[test]
fn h01_a_full_disk_is_told_beforehand_with_both_figures() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("not/yet/there");
    require_space(&place, 1).unwrap();
    let error = require_space(&place, u64::MAX).unwrap_err();
    assert_eq!(error.code(), "disk-full");
    assert!(error.to_string().contains(&u64::MAX.to_string()), "{error}");
}

#[test]
fn i05_a_second_holder_is_refused_or_waits_and_is_told_who_holds_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let held = lock(&path, Hold::Exclusive, Patience::Refuse, "prepare", &Silent).unwrap();
    let error = lock(&path, Hold::Shared, Patience::Refuse, "audit", &Silent).unwrap_err();
    let holder = format!("process {} (prepare, since ", std::process::id());
    assert_eq!(error.code(), "lock-held");
    assert!(error.to_string().contains(&holder), "{error}");
    let notes = Notes::default();
    std::thread::scope(|scope| {
        scope.spawn(|| lock(&path, Hold::Exclusive, Patience::Wait, "b", &notes).unwrap());
        while notes.0.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        drop(held);
    });
    let notes = notes.0.lock().unwrap();
    let waiting = format!("waiting for the lock held by {holder}");
    assert!(notes.len() == 1 && notes[0].starts_with(&waiting), "{notes:?}");
    assert!(notes[0].ends_with(" UTC)"), "{notes:?}");
}

#[test]
fn i08_a_leftover_lock_file_is_harmless_and_readers_share() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    write_atomic(&path, b"\x1b[2Jnot a note").unwrap();
    let one = lock(&path, Hold::Shared, Patience::Refuse, "build", &Silent).unwrap();
    let two = lock(&path, Hold::Shared, Patience::Refuse, "build", &Silent).unwrap();
    let error = lock(&path, Hold::Exclusive, Patience::Refuse, "gc", &Silent).unwrap_err();
    assert!(error.to_string().ends_with("held by another process"), "{error}");
    assert_eq!(one.path(), two.path());
}

#[test]
fn i13_a_lock_that_is_a_link_a_folder_or_a_fifo_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |path: &Path| {
        lock(path, Hold::Exclusive, Patience::Wait, "x", &Silent).unwrap_err();
    };
    let link = folder.path().join("link");
    symlink(&folder.path().join("target"), &link).unwrap();
    refuse(&link);
    assert!(stat(&folder.path().join("target")).unwrap().is_none());
    refuse(folder.path());
    let fifo = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    refuse(&fifo);
}

#[test]
fn nothing_lies_below_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    write(&file, b"").unwrap();
    assert!(stat(&file.join("below")).unwrap().is_none());
}

#[test]
fn drafts_of_killed_processes_are_swept_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    for name in [".a.tmp-1-0", ".b.tmp-12-3", ".a.tmp-x-0", ".a.tmp-1", "a.tmp-1-0", ".a"] {
        write(&folder.path().join(name), b"").unwrap();
    }
    sweep_drafts(folder.path(), |name| name == "a").unwrap();
    let left = read_dir_sorted(folder.path()).unwrap();
    let left: Vec<_> = left.iter().map(|entry| entry.name.to_str().unwrap()).collect();
    assert_eq!(left, [".a", ".a.tmp-1", ".a.tmp-x-0", ".b.tmp-12-3", "a.tmp-1-0"]);
    sweep_drafts(&folder.path().join("none"), |_| true).unwrap();
}

#[test]
fn i04_new_content_whose_folder_could_not_be_flushed_is_a_warning_and_no_failure() {
    let notes = Notes::default();
    let error = |source| FsError::Unsettled { path: PathBuf::from("checksums.txt"), source };
    settled(Err(error(io::Error::from_raw_os_error(5))), &notes).unwrap();
    let told = notes.0.lock().unwrap().join("");
    assert!(told.starts_with("checksums.txt: written, but"), "{told}");
    assert!(told.contains("os error 5"), "{told}");
    let other = FsError::NotRegular { path: PathBuf::from("a") };
    assert_eq!(settled(Err(other), &notes).unwrap_err().code(), "not-a-regular-file");
}
