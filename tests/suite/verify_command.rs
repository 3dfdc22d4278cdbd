//! `verify`: every way in which a prepared tree can differ from its manifest.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::fixture::{Fixture, in_place};

const X86: &str = "x86_64-unknown-linux-gnu";

/// Changes the tree, and expects exactly these findings: path, code and part of the
/// message, as text and as JSON.
#[track_caller]
fn found(change: impl FnOnce(&Path), problems: &[(&str, &str, &str)]) {
    let fixture = Fixture::prepared();
    let tree = fixture.path(format!("toolchains/{X86}"));
    fixture.run(["verify"]).code(0);
    change(&tree);
    let outcome = fixture.run(["verify", "--json"]);
    outcome.code(4).stderr_has("hint: `reml-toolchain verify --repair` lays the tree out anew");
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let list = document["problems"].as_array().unwrap();
    assert_eq!(list.len(), problems.len(), "{outcome}");
    for ((path, code, what), problem) in problems.iter().zip(list) {
        assert_eq!((&problem["path"], &problem["code"]), (&(*path).into(), &(*code).into()));
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains(what), "{message}");
        outcome.stderr_has(&format!("{path}: {message}"));
    }
    // What it advises helps, without a network.
    let outcome = fixture.run(["verify", "--repair", "--offline", "--json"]);
    outcome.code(0).stderr_has(&format!("must be ({} repaired)", problems.len()));
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(document["problems"].as_array().unwrap().len(), problems.len(), "{outcome}");
    assert_eq!(document["left"], serde_json::json!([]));
    fixture.run(["verify"]).code(0).stderr_lacks("repaired");
}

const HEADER: &str = "sysroot/usr/include/stdio.h";

#[test]
fn a_whole_tree_is_counted() {
    let fixture = Fixture::prepared();
    let outcome = fixture.run(["verify", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&outcome.code(0).stdout).unwrap();
    assert_eq!(document["schema"], 1);
    assert_eq!(document["target"], X86);
    assert!(document["files"].as_u64().unwrap() > 100);
    assert_eq!(document["problems"].as_array().unwrap().len(), 0);
    outcome.stderr_has(" files are as they must be");
}

#[test]
fn a_flipped_byte_is_found_although_size_and_time_are_kept() {
    let flip = |tree: &Path| {
        let file = tree.join(HEADER);
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        let mut bytes = fs::read(&file).unwrap();
        bytes[3] ^= 1;
        // In place, as a bad disk or an editor that keeps the time would.
        in_place(&file, |file| fs::write(file, bytes).unwrap());
        fs::File::open(&file).unwrap().set_modified(time).unwrap();
    };
    found(flip, &[(HEADER, "file-content", "wrong SHA-256: expected ")]);
}

#[test]
fn a_file_written_to_cut_or_removed_is_found() {
    let touch = |tree: &Path| {
        let file = fs::File::open(tree.join(HEADER)).unwrap();
        file.set_modified(std::time::SystemTime::now()).unwrap();
    };
    found(touch, &[(HEADER, "file-time", "was written to")]);
    let cut = |tree: &Path| in_place(&tree.join(HEADER), |file| fs::write(file, "").unwrap());
    found(cut, &[(HEADER, "file-size", "expected 46, got 0")]);
    let remove = |tree: &Path| fs::remove_file(tree.join(HEADER)).unwrap();
    found(remove, &[(HEADER, "file-missing", "is missing")]);
}

#[test]
fn a_file_that_nobody_installed_is_found() {
    let add = |tree: &Path| {
        fs::write(tree.join("sysroot/usr/include/evil.h"), "").unwrap();
        fs::create_dir(tree.join("bin/more")).unwrap();
        std::os::unix::fs::symlink("/", tree.join("bin/more/link")).unwrap();
    };
    found(
        add,
        &[
            ("bin/more/link", "file-unknown", "nobody installed it"),
            ("sysroot/usr/include/evil.h", "file-unknown", "nobody installed it"),
        ],
    );
}

#[test]
fn a_link_that_leads_elsewhere_and_a_file_in_its_place_are_found() {
    let link = "sysroot/usr/lib/x86_64-linux-gnu/libcrypt.so";
    let retarget = |tree: &Path| {
        fs::remove_file(tree.join(link)).unwrap();
        std::os::unix::fs::symlink("/usr/lib/libcrypt.so", tree.join(link)).unwrap();
    };
    found(retarget, &[(link, "link-target", "expected a link to libcrypt.so.1, got /usr/lib/")]);
    let replace = |tree: &Path| {
        fs::remove_file(tree.join(link)).unwrap();
        fs::write(tree.join(link), "").unwrap();
    };
    found(replace, &[(link, "link-target", "got no link")]);
    let file_to_link = |tree: &Path| {
        fs::rename(tree.join(HEADER), tree.join("sysroot/usr/include/moved.h")).unwrap();
        std::os::unix::fs::symlink("moved.h", tree.join(HEADER)).unwrap();
    };
    found(
        file_to_link,
        &[
            ("sysroot/usr/include/moved.h", "file-unknown", "nobody installed it"),
            (HEADER, "file-kind", "is no regular file"),
        ],
    );
}

#[test]
fn a_changed_mode_is_found() {
    let ar = "lib/llvm/usr/lib/llvm-19/bin/llvm-ar";
    let change = |tree: &Path| {
        fs::set_permissions(tree.join(ar), fs::Permissions::from_mode(0o644)).unwrap();
    };
    found(change, &[(ar, "file-mode", "its mode was changed")]);
}

#[test]
fn a_changed_manifest_is_no_way_around() {
    let manifest = "share/manifest.tsv";
    let forge = |tree: &Path| {
        in_place(&tree.join(HEADER), |file| fs::write(file, "evil").unwrap());
        let text = fs::read_to_string(tree.join(manifest)).unwrap();
        let lines = text.lines().filter(|line| !line.ends_with(HEADER));
        let text = lines.fold(String::new(), |text, line| text + line + "\n");
        fs::write(tree.join(manifest), text).unwrap();
    };
    found(forge, &[(manifest, "manifest-content", "wrong SHA-256: expected ")]);
    let remove = |tree: &Path| fs::remove_file(tree.join(manifest)).unwrap();
    found(remove, &[(manifest, "manifest-missing", "is missing")]);
    let outline = "share/outline.tsv";
    let forge = |tree: &Path| {
        let text = fs::read_to_string(tree.join(outline)).unwrap();
        fs::write(tree.join(outline), text + "/x\n").unwrap();
    };
    found(forge, &[(outline, "outline-content", "wrong SHA-256: expected ")]);
    let remove = |tree: &Path| fs::remove_file(tree.join(outline)).unwrap();
    found(remove, &[(outline, "outline-missing", "is missing or empty")]);
}

#[test]
fn without_a_toolchain_it_says_how_to_get_one() {
    let fixture = Fixture::new();
    for args in [&["verify"][..], &["env"], &["verify", "--target", "aarch64-unknown-linux-gnu"]] {
        let outcome = fixture.run(args.iter().chain(&["--json"]));
        outcome.code(1).stderr_has("no toolchain is prepared for ");
        outcome.stderr_has("hint: prepare it: `reml-toolchain prepare --target ");
        let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(document["error"]["code"], "not-prepared");
    }
    let fixture = Fixture::prepared();
    fixture.write(format!("toolchains/{X86}/share/stamp.json"), "{");
    fixture.run(["verify"]).code(1).stderr_has("stamp.json: not a stamp: ");
}

#[test]
fn h17_what_finder_leaves_in_folders_is_no_damage() {
    let fixture = Fixture::prepared();
    for folder in ["", "sysroot/usr/include", "bin"] {
        let folder = fixture.path(format!("toolchains/x86_64-unknown-linux-gnu/{folder}"));
        std::fs::write(folder.join(".DS_Store"), "Bud1").unwrap();
    }
    fixture.run(["verify"]).code(0);
    fixture.prepare([""; 0]).code(0).stderr_has("is up to date");
}

#[test]
fn a_repaired_tree_has_what_it_had() {
    let fixture = Fixture::locked();
    fixture.prepare(["--with", "zlib1g-dev"]).code(0);
    let header = fixture.path(format!("toolchains/{X86}/sysroot/usr/include/zlib.h"));
    assert!(header.exists());
    let before = fixture.snapshot(format!("toolchains/{X86}/"));
    fs::remove_file(&header).unwrap();
    fixture.run(["verify", "--repair", "--offline"]).code(0);
    fixture.snapshot(format!("toolchains/{X86}/")).assert_same_as(&before);
    fixture.prepare([""; 0]).code(0).stderr_has("up to date");
}

#[test]
fn damage_in_the_cache_is_found_moved_aside_and_fetched_again() {
    let fixture = Fixture::prepared();
    let cache = "the cache: ";
    fixture.run(["verify", "--cache"]).code(0).stderr_has(cache).stderr_has("must be");
    let pool = fixture.path("toolchains/cache");
    let lock = fixture.read("checksums.txt");
    let paths: Vec<&str> =
        lock.lines().filter_map(|line| Some(line.split_once("  pool/")?.1)).collect();
    let there: Vec<_> = paths
        .iter()
        .map(|path| format!("pool/{path}"))
        .filter(|path| pool.join(path).exists())
        .take(2)
        .collect();
    let (flipped, cut) = (&there[0], &there[1]);
    let mut bytes = fs::read(pool.join(flipped)).unwrap();
    bytes[9] ^= 1;
    fs::write(pool.join(flipped), &bytes).unwrap();
    fs::write(pool.join(cut), "").unwrap();
    let outcome = fixture.run(["verify", "--cache"]);
    outcome
        .code(4)
        .stderr_has(&format!("{flipped}: wrong SHA-256: expected "))
        .stderr_has(&format!("{cut}: wrong size in bytes: expected "))
        .stderr_has("hint: `reml-toolchain verify --cache --repair`");
    assert_eq!(fs::read(pool.join(flipped)).unwrap(), bytes, "a check changes nothing");
    let outcome = fixture.run_online("verify", ["--cache", "--repair"]);
    outcome.code(0).stderr_has("(2 repaired)");
    assert_eq!(fs::read(pool.join(format!("{flipped}.bad"))).unwrap(), bytes);
    fixture.run(["verify", "--cache"]).code(0);
    // Without a network it is moved aside, and the next `prepare` fetches it.
    fs::write(pool.join(cut), "").unwrap();
    let outcome = fixture.run(["verify", "--cache", "--repair", "--offline"]);
    outcome.code(0).stderr_has(&format!("{cut}: moved aside; `reml-toolchain prepare`"));
    assert!(!pool.join(cut).exists());
}
