//! The packed archive: its symbols, its size, its reproducibility, and the links it must
//! survive. Never inspects Rust code: what ships is what is tested.
#![cfg(target_os = "linux")]

mod support;

use std::path::Path;
use std::process::Command;

use reml_runtime_pack::argv::Flavor;
use support::{AARCH64, X86_64, archive_in, root, run, work};

#[test]
fn the_host_archives_are_what_they_must_be() {
    assert!(support::release().exists());
    assert!(support::debug().exists());
}

#[test]
fn two_folders_give_the_same_bytes() {
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let source = elsewhere.path().join("a folder/runtime");
    copy(root(), &source);
    // Only what building needs: a workspace of its own with the same profile.
    let lock = lock_file(root());
    let workspace = std::fs::read_to_string(lock.with_file_name("Cargo.toml"));
    let workspace = workspace.expect("a readable manifest");
    let (_, profile) = workspace.split_once("[profile.release]").expect("there is a profile");
    std::fs::write(
        elsewhere.path().join("a folder/Cargo.toml"),
        format!(
            "[workspace]\nresolver = \"3\"\nmembers = [\"runtime\", \"runtime/staticlib\"]\n\
             [profile.release]{profile}"
        ),
    )
    .expect("a writable temporary folder");
    std::fs::copy(lock, elsewhere.path().join("a folder/Cargo.lock")).expect("the lock is copied");
    // The copy is a smaller workspace, without what only tests need: cargo takes the rest
    // out of the lock.
    let manifest = source.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).expect("a readable manifest");
    let (head, rest) = text.split_once("[dev-dependencies]").expect("tests need crates");
    let (_, tail) = rest.split_once("[[bench]]").expect("there is a benchmark");
    std::fs::write(&manifest, format!("{head}[[bench]]{tail}")).expect("writable");
    let pruned = Command::new("cargo")
        .args(["metadata", "--offline", "--format-version", "1"])
        .current_dir(elsewhere.path().join("a folder"))
        .output()
        .expect("cargo starts");
    assert!(pruned.status.success(), "{}", String::from_utf8_lossy(&pruned.stderr));
    let target = support::native();
    let there = archive_in(&source, &elsewhere.path().join("out"), &target, Flavor::Release);
    let here = std::fs::read(support::release()).expect("the archive was built");
    let there = std::fs::read(there).expect("the archive was built");
    assert!(here == there, "the archive depends on the folder it was built in");
}

#[test]
fn no_path_of_this_machine_is_in_the_release_archive() {
    let bytes = std::fs::read(support::release()).expect("the archive was built");
    let here = root().to_str().expect("a path in UTF-8").as_bytes();
    assert!(!bytes.windows(here.len()).any(|window| window == here));
}

#[test]
#[ignore = "needs both rustup targets: step `cross` of tests/matrix.sh"]
fn both_targets_are_what_they_must_be() {
    for target in [X86_64, AARCH64] {
        for flavor in [Flavor::Release, Flavor::Debug] {
            println!("{}", archive_in(root(), &work(), target, flavor).display());
        }
    }
}

fn lock_file(folder: &Path) -> std::path::PathBuf {
    let mut folders = folder.ancestors().map(|folder| folder.join("Cargo.lock"));
    folders.find(|lock| lock.exists()).expect("the workspace has a lock file")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a writable temporary folder");
    run(Command::new("cp").args(["-R"]).arg(from.join(".")).arg(to));
}
