//! Rows of sections H and I that show in the system calls alone: what a disk without links or
//! locks answers, in which order things are made durable, and what a late error means. Under
//! strace, or on small disks made for them: the step `faults` of `.ci/run`.

use crate::support::fixture::{Fixture, Outcome};
use crate::support::places::{in_namespace, in_shell};
use crate::support::strace::{Blow, Point, strike, trace};

const X86: &str = "x86_64-unknown-linux-gnu";

fn prepare(fixture: &Fixture, further: &[&str]) -> Vec<String> {
    let url = fixture.mirror.url();
    let args = ["prepare", "--llvm", "debian", "--mirror", &url];
    args.iter().chain(further).map(|arg| (*arg).to_owned()).collect()
}

/// A run all of whose calls of these names fail so.
#[track_caller]
fn without(fixture: &Fixture, args: &[String], calls: &str, errno: &'static str) -> Outcome {
    let struck = strike(fixture, args, Point { calls, when: 1, blow: Blow::Always(errno) });
    assert!(struck.was_hit, "{calls} is never called: {}", struck.outcome);
    struck.outcome
}

/// As exFAT, SMB and some FUSE file systems are: the answers are theirs.
#[test]
#[ignore = "needs strace: the step faults of .ci/run"]
fn h12_a_disk_without_links_is_refused_at_once_and_one_without_hard_links_or_modes_serves() {
    let fixture = Fixture::locked();
    let requests = fixture.mirror.server().seen().len();
    for errno in ["EPERM", "EOPNOTSUPP", "ENOSYS"] {
        let outcome = without(&fixture, &prepare(&fixture, &[]), "symlink,symlinkat", errno);
        outcome.code(1).stderr_has("this file system cannot hold symbolic links");
        outcome.stderr_has("hint: choose a local disk");
    }
    assert_eq!(fixture.mirror.server().seen().len(), requests, "something was fetched");
    for errno in ["EPERM", "EOPNOTSUPP", "ENOSYS", "EXDEV", "EMLINK"] {
        let force = prepare(&fixture, &["--force"]);
        without(&fixture, &force, "link,linkat", errno).code(0).stderr_has("is ready");
        fixture.run(["verify"]).code(0);
    }
    // Modes as asked are part of the tree: a disk that refuses them is told.
    let force = prepare(&fixture, &["--force"]);
    without(&fixture, &force, "chmod,fchmod,fchmodat", "EPERM").code(1).stderr_has("set the mode");
    fixture.run(["verify"]).code(0);
}

/// Runs a script as root, `$root` being the project and `$disk` a folder for mounting.
fn as_root(fixture: &Fixture, script: &str) -> Outcome {
    let disk = fixture.home().join("disk");
    std::fs::create_dir_all(&disk).unwrap();
    let script = format!(
        "set -u; root='{}'; disk='{}'; tool=$1; shift 3\n{script}",
        fixture.root().display(),
        disk.display()
    );
    in_shell(fixture, &script)
}

#[test]
#[ignore = "needs root, /dev/fuse and exfat-fuse: the step faults of .ci/run"]
fn h12_a_real_disk_of_exfat_is_refused_before_anything_is_fetched() {
    let fixture = Fixture::locked();
    let requests = fixture.mirror.server().seen().len();
    let script =
        "truncate -s 100M \"$disk.image\" && mkfs.exfat \"$disk.image\" >/dev/null || exit 90
        device=$(losetup --find --show \"$disk.image\") || exit 91
        mount.exfat-fuse \"$device\" \"$disk\" >/dev/null || { losetup -d \"$device\"; exit 92; }
        cp \"$root/versions.toml\" \"$root/checksums.txt\" \"$disk/\"
        \"$tool\" --root \"$disk\" prepare --llvm debian; status=$?
        find \"$disk\" -type f; umount \"$disk\"; losetup -d \"$device\"; exit $status";
    let outcome = as_root(&fixture, script);
    outcome.code(1).stderr_has("this file system cannot hold symbolic links");
    outcome.stderr_has("hint: choose a local disk").stdout_lacks(".deb").stdout_lacks(".new-");
    assert_eq!(fixture.mirror.server().seen().len(), requests, "something was fetched");
}

/// NTFS as Windows sees it: `a` and `A` are one name. Its driver lists all names in small
/// letters, which `verify` rightly calls strangers; disks that keep the letters do not.
#[test]
#[ignore = "needs root, /dev/fuse and ntfs-3g: the step faults of .ci/run"]
fn h13_a_real_disk_that_folds_case_is_found_out_by_trying_and_serves() {
    let fixture = Fixture::locked();
    let script =
        "truncate -s 300M \"$disk.image\" && mkntfs -q -F -f \"$disk.image\" 2>/dev/null || exit 90
        lowntfs-3g -o ignore_case,permissions \"$disk.image\" \"$disk\" 2>/dev/null || exit 91
        cp \"$root/versions.toml\" \"$root/checksums.txt\" \"$disk/\"
        [ -f \"$disk/VERSIONS.toml\" ] || exit 92
        \"$tool\" --root \"$disk\" prepare --llvm debian &&
            \"$tool\" --root \"$disk\" prepare --llvm debian
        status=$?
        cat \"$disk\"/toolchains/x86*/sysroot/case-overlay.yaml; umount \"$disk\"; exit $status";
    let outcome = as_root(&fixture, script);
    outcome.code(0).stderr_has("is ready").stderr_has("is up to date");
    // The kernel's headers have names that differ in case only: the second one is in the overlay.
    outcome.stdout_has("xt_tcpmss.h").stdout_has(".case/");
}

#[test]
#[ignore = "needs strace: the step faults of .ci/run"]
fn h18_what_nfs_answers_is_told_as_such() {
    let fixture = Fixture::prepared();
    let before = fixture.snapshot(format!("toolchains/{X86}"));
    for calls in ["rename,renameat,renameat2", "syncfs", "symlink,symlinkat", "mkdir,mkdirat"] {
        let outcome = without(&fixture, &prepare(&fixture, &["--force"]), calls, "ESTALE");
        outcome.code(1).stderr_has("Stale file handle").stderr_has("NFS server lost the file");
        fixture.snapshot(format!("toolchains/{X86}")).assert_same_as(&before);
    }
    // Root squash: the server takes root for nobody.
    let outcome = without(&fixture, &prepare(&fixture, &["--force"]), "mkdir,mkdirat", "EACCES");
    outcome.code(1).stderr_has("hint: check who owns the path");
}

/// Before a name is given its content is on disk, and afterwards the name is.
#[test]
#[ignore = "needs strace: the step faults of .ci/run"]
fn h16_everything_is_on_disk_before_its_name_is_given_and_the_name_afterwards() {
    let fixture = Fixture::locked();
    std::fs::remove_dir_all(fixture.path("toolchains")).unwrap();
    let calls = "rename,renameat,renameat2,fsync,fdatasync,syncfs,write,openat,linkat,symlink";
    let (outcome, lines) = trace(&fixture, &prepare(&fixture, &[]), calls);
    outcome.code(0);
    let after = |from: usize, what: &str, text: &str| {
        let found = lines.iter().enumerate().skip(from).find(|(_, line)| {
            line.contains(&format!(" {what}")) && line.contains(text) && !line.contains(" = -1")
        });
        found.map_or_else(|| panic!("no {what} of {text} after line {from}"), |(at, _)| at)
    };
    // Each download: its own fsync, the rename, the folder's fsync.
    let downloads: Vec<(usize, &String)> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.contains(" rename") && line.contains(".part\""))
        .collect();
    assert_eq!(downloads.len(), 18);
    for (at, line) in downloads {
        let part = line.split('"').nth(1).unwrap();
        let part = part.rsplit('/').next().unwrap();
        let synced = after(0, "fsync", part);
        assert!(synced < at, "{line} before it is on disk");
        let written =
            lines.iter().rposition(|line| line.contains(" write(") && line.contains(part));
        assert!(written.unwrap() < synced, "{part} is written after its fsync");
        after(at, "fsync", "/pool/");
    }
    // The tree: all of it, its name among the generations, that folder, the link, its folder.
    let tree = after(0, "rename", &format!(".gen/{X86}.new-"));
    let synced = after(0, "syncfs", ".new-");
    assert!(synced < tree, "the tree gets its name before it is on disk");
    let staged = format!(".gen/{X86}.new-");
    let last = lines.iter().rposition(|line| line.contains(" write(") && line.contains(&staged));
    assert!(last.unwrap() < synced, "the tree is written to after it was made durable");
    let named = after(tree, "fsync", ".gen>");
    let link = after(named, "rename", &format!("/.{X86}.new-"));
    after(link, "fsync", "/toolchains>");
    // The lock: written, flushed, renamed, its folder flushed.
    let (url, keyring) = (fixture.mirror.url(), fixture.keyring().display().to_string());
    std::fs::remove_file(fixture.path("checksums.txt")).unwrap();
    let lock = ["lock", "--mirror", &url, "--keyring", &keyring].map(str::to_owned);
    let (outcome, lines) = trace(&fixture, &lock, calls);
    outcome.code(0);
    let position = |what: &str, text: &str| {
        lines.iter().rposition(|line| line.contains(what) && line.contains(text)).unwrap()
    };
    let written = position(" write(", ".checksums.txt.tmp-");
    let synced = position(" fsync(", ".checksums.txt.tmp-");
    let renamed = position(" rename", ".checksums.txt.tmp-");
    assert!(written < synced && synced < renamed, "{written} {synced} {renamed}");
    assert!(lines[renamed..].iter().any(|line| line.contains(" fsync(")), "its folder's name");
}

#[test]
#[ignore = "needs strace: the step faults of .ci/run"]
fn i04_an_error_after_the_swap_is_a_warning_and_the_new_state_holds() {
    // The number of the first flush of a place so called.
    let flush_of = |fixture: &Fixture, args: &[String], place: &str| {
        let (outcome, lines) = trace(fixture, args, "fsync");
        outcome.code(0);
        let flushes: Vec<&String> = lines.iter().filter(|line| line.contains("fsync(")).collect();
        let at = flushes.iter().position(|line| line.contains(place));
        u32::try_from(at.unwrap_or_else(|| panic!("no flush of {place}: {flushes:?}"))).unwrap() + 1
    };
    let fixture = Fixture::prepared();
    let force = prepare(&fixture, &["--force"]);
    // The folder in which the name was swapped.
    let last = flush_of(&fixture, &force, "/toolchains>");
    for errno in ["EIO", "ENOSPC", "EROFS"] {
        let before = std::fs::read_link(fixture.path(format!("toolchains/{X86}"))).unwrap();
        let point = Point { calls: "fsync", when: last, blow: Blow::Once(errno) };
        let struck = strike(&fixture, &force, point);
        assert!(struck.was_hit);
        struck.outcome.code(0).stderr_has("warning: the toolchain is ready, but: ");
        let now = std::fs::read_link(fixture.path(format!("toolchains/{X86}"))).unwrap();
        assert_ne!(now, before, "the name was not swapped");
        fixture.run(["verify"]).code(0);
    }
    // Old trees that do not go away are no failure either.
    let struck = without(&fixture, &force, "unlink,unlinkat,rmdir", "EBUSY");
    struck.stderr_lacks("bug in");
    fixture.prepare(["--force"]).code(0);
}

#[test]
#[ignore = "needs strace: the step faults of .ci/run"]
fn i07_without_locks_it_is_refused_unless_the_user_says_no_lock() {
    let fixture = Fixture::locked();
    let fresh = fixture.snapshot("");
    for errno in ["ENOLCK", "EOPNOTSUPP", "ENOSYS"] {
        let outcome = without(&fixture, &prepare(&fixture, &[]), "flock", errno);
        outcome.code(1).stderr_has("this file system cannot lock files").stderr_has("--no-lock");
        assert!(!fixture.path(format!("toolchains/{X86}")).exists());
    }
    let changes = fixture.snapshot("").changes_since(&fresh);
    assert!(
        changes.iter().all(|line| line.contains(".lock") || line.contains(".gen")),
        "{changes:?}"
    );
    let args = prepare(&fixture, &["--no-lock"]);
    without(&fixture, &args, "flock", "ENOLCK").code(0).stderr_has("is ready");
    fixture.run(["verify"]).code(0);
    // Another error is no missing lock.
    let args = prepare(&fixture, &["--no-lock", "--force"]);
    without(&fixture, &args, "flock", "EIO").code(1);
}

/// From no room at all to more than enough, in bytes and in names.
#[test]
#[ignore = "prepares on a hundred small disks: the step faults of .ci/run"]
fn h01_h02_on_disks_of_any_size_the_old_tree_or_the_new_one_is_whole() {
    let mut fixture = Fixture::prepared();
    fixture.mirror.pass_time(3600);
    fixture.mirror.suite("bookworm").bump("libcrypt1", "1:4.4.33-3", "Fix a thing.");
    fixture.mirror.publish();
    fixture.lock(["--update", "--write"]).code(0);
    let count = if std::env::var_os("REML_FAULTS").is_some() { 50 } else { 8 };
    let mut results = std::collections::BTreeMap::new();
    for kind in ["size", "nr_inodes"] {
        let script = "cp -a \"$root/.\" \"$keep\"; cd /tmp; log=$keep.log
            used=$(du -sk \"$keep\" | cut -f1); names=$(find \"$keep\" | wc -l)
            name=$root/toolchains/x86_64-unknown-linux-gnu
            for step in $(seq 0 $count); do
                case $kind in
                    size) room=size=$((used + used * 2 * step / count))k ;;
                    *) room=nr_inodes=$((names + 20 + names * 2 * step / count)) ;;
                esac
                mount -t tmpfs -o $room small \"$root\" || exit 90
                if ! cp -a \"$keep/.\" \"$root\" 2>/dev/null; then
                    echo $kind: no room for the old tree; umount \"$root\"; continue
                fi
                before=$(readlink \"$name\")
                \"$@\" prepare --llvm debian >\"$log\" 2>&1; status=$?
                after=$(readlink \"$name\")
                case $status in
                    0) [ \"$before\" != \"$after\" ] || exit 91 ;;
                    1) [ \"$before\" = \"$after\" ] || exit 92
                       grep -q 'No space left\\|not enough free space' \"$log\" ||
                            { cat \"$log\"; exit 93; } ;;
                    *) cat \"$log\"; exit 94 ;;
                esac
                \"$@\" verify >\"$log\" 2>&1 || { cat \"$log\"; exit 95; }
                left=$(find \"$root\" -name '*.new-*' -o -name '*.part' -o -name '*.tmp-*')
                [ -z \"$left\" ] || { echo \"$left\"; exit 96; }
                echo $kind: status $status
                umount \"$root\"
            done";
        let outcome = in_namespace(&fixture, &format!("kind={kind}; count={count}\n{script}"));
        outcome.code(0);
        for line in outcome.stdout.lines() {
            *results.entry(line.to_owned()).or_insert(0) += 1;
        }
    }
    println!("small disks: {results:?}");
    for wanted in ["size: status 0", "size: status 1", "nr_inodes: status 0", "nr_inodes: status 1"]
    {
        assert!(results.contains_key(wanted), "{wanted}: {results:?}");
    }
}
