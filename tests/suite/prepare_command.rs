//! `prepare` by the built program: the tree it lays out, and when it leaves one alone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use reml_toolchain::toolchain::stamp::Stamp;

use crate::support::fixture::{Fixture, Node, Tree, in_place};
use crate::support::mirror::Mirror;

const NONE: [&str; 0] = [];
const X86: &str = "x86_64-unknown-linux-gnu";
const ARM: &str = "aarch64-unknown-linux-gnu";

/// The tree of a target, through its link.
pub fn tree(fixture: &Fixture, target: &str) -> Tree {
    fixture.snapshot(format!("toolchains/{target}"))
}

/// Inode, change time and size of everything below `toolchains`.
fn facts(fixture: &Fixture) -> BTreeMap<OsString, (u64, i64, i64, u64)> {
    fn walk(folder: &Path, all: &mut BTreeMap<OsString, (u64, i64, i64, u64)>) {
        use std::os::unix::fs::MetadataExt as _;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = std::fs::symlink_metadata(&path).unwrap();
            let facts = (about.ino(), about.ctime(), about.ctime_nsec(), about.len());
            all.insert(path.clone().into(), facts);
            if about.is_dir() {
                walk(&path, all);
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(&fixture.path("toolchains"), &mut all);
    all
}

#[test]
fn a_fresh_folder_becomes_a_toolchain_of_the_documented_shape() {
    let fixture = Fixture::locked();
    let outcome = fixture.prepare(NONE);
    outcome.code(0).stdout_is("").stderr_has("x86_64-unknown-linux-gnu is ready: ");
    outcome.stderr_has("LLVM is Debian's, in the toolchain").stderr_has("/env.sh'");
    let tree = tree(&fixture, X86);
    for tool in [
        "clang", "clang++", "cc", "c++", "ld", "ar", "ranlib", "strip", "objcopy", "objdump",
        "readelf", "nm",
    ] {
        let path = format!("bin/{X86}-{tool}");
        assert!(matches!(tree.node(&path), Some(Node::File { mode: 0o555, .. })), "{path}");
    }
    for path in [
        "env.sh",
        "env.fish",
        "env.ps1",
        "share/manifest.tsv",
        "share/outline.tsv",
        "share/stamp.json",
        "share/clang/x86_64-unknown-linux-gnu.cfg",
        "share/cmake/x86_64-unknown-linux-gnu.cmake",
        "share/meson/x86_64-unknown-linux-gnu.ini",
        "sysroot/usr/share/doc/libc6/copyright",
        "lib/llvm/usr/lib/llvm-19/bin/clang",
    ] {
        assert!(matches!(tree.node(path), Some(Node::File { .. })), "{path}\n{tree}");
    }
    assert!(fixture.path(format!("toolchains/{X86}")).is_symlink());
}

#[test]
fn the_licences_of_all_packages_and_of_the_program_are_found_in_one_folder() {
    let fixture = Fixture::prepared();
    let folder = format!("toolchains/{X86}/share/licenses");
    let stamp = fixture.read(format!("toolchains/{X86}/share/stamp.json"));
    let stamp: Stamp = serde_json::from_str(&stamp).unwrap();
    let packages: Vec<_> = stamp.inputs.packages().collect();
    for (component, package, ..) in &packages {
        let name = package.split(':').next().unwrap();
        assert!(!fixture.read(format!("{folder}/{component}/{name}")).is_empty(), "{name}");
    }
    assert!(packages.len() >= 20, "{packages:?}");
    let mit = fixture.read(format!("{folder}/reml-toolchain/LICENSE-MIT"));
    assert_eq!(mit, include_str!("../../LICENSE-MIT"));
    fixture.run(["verify"]).code(0);
}

#[test]
fn the_sysroot_is_merged_pruned_and_closed_and_keeps_both_names_of_a_case_pair() {
    let fixture = Fixture::prepared();
    let sysroot = tree(&fixture, X86).below("sysroot");
    assert_eq!(sysroot.target("lib"), "usr/lib");
    assert_eq!(sysroot.target("lib64"), "usr/lib64");
    for path in
        ["usr/include/linux/netfilter/xt_TCPMSS.h", "usr/include/linux/netfilter/xt_tcpmss.h"]
    {
        assert!(sysroot.has(path), "{path}");
    }
    assert!(!sysroot.has("usr/bin"), "usr/bin/** is pruned, and the folder with it");
    assert!(!sysroot.has("usr/share/doc/libc6/changelog.Debian.gz"), "pruned");
    assert!(sysroot.has("usr/share/doc/libc6/copyright"), "kept");
    // Its package is not in the list: the link would lead to nothing.
    assert!(!sysroot.has("usr/lib/gcc/x86_64-linux-gnu/12/libasan.so"));
    let root = fixture.path(format!("toolchains/{X86}/sysroot")).canonicalize().unwrap();
    let mut links = 0;
    for (path, node) in &sysroot.0 {
        if let Node::Link { target } = node {
            links += 1;
            assert!(!target.starts_with('/'), "{path} → {target}");
            let end = root.join(path).canonicalize();
            assert!(end.is_ok_and(|end| end.starts_with(&root)), "{path} → {target}");
        }
    }
    assert!(links > 8, "{sysroot}");
    assert_eq!(sysroot.target("usr/lib/x86_64-linux-gnu/libcrypt.so"), "libcrypt.so.1");
}

#[test]
fn the_manifest_names_every_file_and_link_of_the_tree_and_no_other() {
    let fixture = Fixture::prepared();
    let tree = tree(&fixture, X86);
    let mut listed: Vec<String> = fixture
        .read(format!("toolchains/{X86}/share/manifest.tsv"))
        .lines()
        .skip(1)
        .map(|line| line.rsplit('\t').next().unwrap().to_owned())
        .collect();
    listed
        .extend(["share/manifest.tsv", "share/outline.tsv", "share/stamp.json"].map(str::to_owned));
    listed.sort_unstable();
    let files = tree.0.iter().filter(|(_, node)| !matches!(node, Node::Dir { .. }));
    let there: Vec<String> = files.map(|(path, _)| path.clone()).collect();
    assert_eq!(listed, there);
    fixture.run(["verify"]).code(0).stderr_has("files are as they must be");
}

#[test]
fn a_second_run_says_up_to_date_asks_nobody_and_touches_nothing() {
    let fixture = Fixture::prepared();
    let (before, requests) = (facts(&fixture), fixture.mirror.server().connections());
    let outcome = fixture.prepare(NONE);
    outcome.code(0).stdout_is("").stderr_has("x86_64-unknown-linux-gnu is up to date (");
    assert_eq!(facts(&fixture), before);
    let json = fixture.prepare(["--json", "--quiet"]);
    json.code(0).stderr_is("");
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["toolchains"][0]["up_to_date"], true);
    assert_eq!(document["toolchains"][0]["target"], X86);
    assert_eq!(facts(&fixture), before);
    assert_eq!(fixture.mirror.server().connections(), requests);
    // Not even a request for the LLVM on PATH: what is prepared is kept.
    fixture.tool("clang-19", "touch \"$HOME/asked\"; exit 1");
    fixture.run_online("prepare", NONE).code(0).stderr_has("is up to date");
    assert!(!fixture.home().join("asked").exists());
}

#[test]
fn force_lays_it_out_anew_with_the_same_bytes() {
    let fixture = Fixture::prepared();
    let (before, link) = (tree(&fixture, X86), fixture.path(format!("toolchains/{X86}")));
    let generation = std::fs::read_link(&link).unwrap();
    fixture.prepare(["--force", "-v"]).code(0).stderr_has("stale: --force was given\n");
    assert_ne!(std::fs::read_link(&link).unwrap(), generation);
    tree(&fixture, X86).assert_same_as(&before);
    fixture.prepare(NONE).code(0).stderr_has("is up to date");
    for _ in 0..2 {
        fixture.prepare(["--force"]).code(0);
    }
    // The one before is kept for programs that still use it; older ones go.
    let generations = std::fs::read_dir(fixture.path("toolchains/.gen")).unwrap();
    let folders = generations.filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(folders.count(), 2);
}

/// Changes a prepared project, and expects the reason and a working tree again.
#[track_caller]
fn stale(change: impl FnOnce(&mut Fixture), args: &[&str], reason: &str) -> Fixture {
    let mut fixture = Fixture::prepared();
    change(&mut fixture);
    let verbose: Vec<&str> = args.iter().copied().chain(["-v"]).collect();
    let outcome = fixture.prepare(verbose);
    outcome.code(0).stderr_has(&format!("stale: {reason}"));
    fixture.run(["verify"]).code(0);
    fixture.prepare(args).code(0).stderr_has("is up to date");
    fixture
}

#[test]
fn a_changed_lock_is_a_reason() {
    let update = |fixture: &mut Fixture| {
        fixture.mirror.pass_time(3600);
        fixture.mirror.suite("bookworm").bump("libcrypt1", "1:4.4.33-3", "Fix a thing.");
        fixture.mirror.publish();
        fixture.lock(["--update", "--write"]).code(0);
    };
    stale(update, &[], "checksums.txt changed (libcrypt-dev 1:4.4.33-2 → 1:4.4.33-3, libcrypt1 ");
}

#[test]
fn a_changed_list_of_what_is_left_out_is_a_reason() {
    let change = |fixture: &mut Fixture| {
        fixture.edit(
            "versions.toml",
            "  \"etc/**\",\n",
            "  \"etc/**\",\n  \"usr/include/zlib.h\",\n",
        );
    };
    stale(change, &[], "versions.toml changed (sysroot prune +usr/include/zlib.h)\n");
}

#[test]
fn further_packages_are_a_reason_and_stay_until_they_are_taken_out() {
    let fixture = stale(|_| (), &["--with", "zlib1g-dev"], "--with changed (+zlib1g-dev)\n");
    let has = |path: &str| tree(&fixture, X86).has(&format!("sysroot/usr/{path}"));
    let (zlib, ssl) = ("include/zlib.h", "lib/x86_64-linux-gnu/libssl.so");
    assert!(has(zlib));
    // A later run need not name it: neither one that finds all as it is …
    let again = fixture.prepare(["-v"]);
    again.code(0).stderr_has("is up to date").stderr_has("with zlib1g-dev, as asked for before");
    // … nor one that lays the tree out, nor one that adds another.
    fixture.prepare(["--force"]).code(0).stderr_has("(`prepare --without zlib1g-dev` takes it out");
    let json = fixture.prepare(["--json", "--with", "libssl-dev"]);
    let document: serde_json::Value = serde_json::from_str(&json.code(0).stdout).unwrap();
    assert_eq!(document["toolchains"][0]["with"], serde_json::json!(["libssl-dev", "zlib1g-dev"]));
    assert!(has(zlib) && has(ssl));
    let stamp = fixture.read(format!("toolchains/{X86}/share/stamp.json"));
    assert!(stamp.contains("\"with\": \"libssl-dev zlib1g-dev\""), "{stamp}");
    // The other target was never asked to have it.
    fixture.prepare(["--target", ARM]).code(0).stderr_lacks("zlib1g-dev");
    fixture.prepare(["--without", "zlib1g-dev"]).code(0).stderr_has("is ready");
    assert!(!has(zlib) && has(ssl));
    fixture.prepare(["--without", "zlib1g-dev"]).code(0).stderr_has("is up to date");
}

#[test]
fn further_packages_without_a_pkg_config_are_told_and_with_one_it_finds_them() {
    let fixture = Fixture::locked();
    let lacking = "no x86_64-unknown-linux-gnu-pkg-config for the further packages";
    fixture.prepare(NONE).code(0).stderr_lacks("pkg-config");
    fixture.prepare(["--with", "zlib1g-dev"]).code(0).stderr_has(lacking);
    let shim = format!("bin/{X86}-pkg-config");
    assert!(!tree(&fixture, X86).has(&shim));
    fixture.tool("pkgconf", "exit 0");
    fixture.prepare(["-v"]).code(0).stderr_has("stale: pkg-config changed").stderr_lacks(lacking);
    assert!(tree(&fixture, X86).has(&shim));
}

#[test]
fn further_packages_of_the_pins_cannot_be_taken_out_by_an_option() {
    let fixture = Fixture::locked();
    fixture.prepare(["--with", "zlib1g-dev", "--without", "zlib1g-dev"]).code(2);
    fixture.edit("versions.toml", "extra = []", "extra = [\"zlib1g-dev\"]");
    let refused = fixture.prepare(["--without", "zlib1g-dev"]);
    refused.code(2).stderr_has("--without zlib1g-dev: it stands in [sysroot] extra");
    assert!(!fixture.path(format!("toolchains/{X86}")).exists());
}

#[test]
fn a_file_that_was_changed_removed_or_cut_is_a_reason_and_is_mended() {
    let path = |fixture: &Fixture, name: &str| fixture.path(format!("toolchains/{X86}/{name}"));
    let header = "sysroot/usr/include/stdio.h";
    let change = |fixture: &mut Fixture| {
        in_place(&path(fixture, header), |file| std::fs::write(file, "x").unwrap());
    };
    stale(change, &[], "the tree was changed: sysroot/usr/include/stdio.h: wrong size");
    let remove = |fixture: &mut Fixture| std::fs::remove_file(path(fixture, header)).unwrap();
    stale(remove, &[], "the tree was changed: sysroot/usr/include/stdio.h: is missing");
    let cut = |fixture: &mut Fixture| {
        let stamp = path(fixture, "share/stamp.json");
        let text = std::fs::read_to_string(&stamp).unwrap();
        std::fs::write(&stamp, &text[..text.len() / 2]).unwrap();
    };
    stale(cut, &[], "the stamp cannot be read: ");
    let manifest = |fixture: &mut Fixture| {
        std::fs::remove_file(path(fixture, "share/manifest.tsv")).unwrap();
    };
    stale(manifest, &[], "the tree was changed: share/manifest.tsv: is missing");
    let outline = |fixture: &mut Fixture| {
        std::fs::remove_file(path(fixture, "share/outline.tsv")).unwrap();
    };
    stale(outline, &[], "the tree was changed: share/outline.tsv: is missing or empty");
    let forged = |fixture: &mut Fixture| {
        let outline = path(fixture, "share/outline.tsv");
        let text = std::fs::read_to_string(&outline).unwrap();
        std::fs::write(&outline, text.replace("\tenv.sh\n", "\tenv_sh\n")).unwrap();
    };
    stale(forged, &[], "the tree was changed: share/outline.tsv: wrong SHA-256: expected ");
}

/// The cache shares its unpacked files with the tree: what was written into the tree must
/// not come back out of the cache, vouched for by a new manifest.
#[test]
fn k05_a_header_that_was_changed_in_place_is_mended_with_debians_bytes() {
    let fixture = Fixture::prepared();
    let header = fixture.path(format!("toolchains/{X86}/sysroot/usr/include/stdio.h"));
    let good = std::fs::read(&header).unwrap();
    let time = std::fs::metadata(&header).unwrap().modified().unwrap();
    let mut evil = good.clone();
    evil[0] ^= 1;
    for (bytes, keep_time) in [(b"evil\n".to_vec(), false), (evil, true)] {
        // In place: the same inode as in the cache.
        in_place(&header, |header| std::fs::write(header, &bytes).unwrap());
        if keep_time {
            std::fs::File::open(&header).unwrap().set_modified(time).unwrap();
        }
        fixture.run(["verify"]).code(4).stderr_has("sysroot/usr/include/stdio.h: wrong ");
        fixture.prepare(["--force"]).code(0);
        assert!(std::fs::read(&header).unwrap() == good, "{}", header.display());
        fixture.run(["verify"]).code(0).stderr_has(" files are as they must be");
        fixture.run(["verify", "--quiet"]).code(0).stdout_is("").stderr_is("");
    }
}

#[test]
fn each_target_gets_its_own_folder_and_all_prepares_both() {
    let fixture = Fixture::locked();
    fixture.prepare(["--target", ARM]).code(0).stderr_has("aarch64-unknown-linux-gnu is ready");
    assert!(!fixture.path(format!("toolchains/{X86}")).exists());
    let arm = tree(&fixture, ARM);
    assert!(arm.has("sysroot/usr/lib/aarch64-linux-gnu/libc.so.6"), "{arm}");
    assert!(arm.has("lib/qemu/usr/bin/qemu-aarch64"));
    assert!(arm.has(&format!("bin/{ARM}-run")));
    assert!(!arm.0.keys().any(|path| path.starts_with("sysroot") && path.contains("x86_64")));
    let all = fixture.prepare(["--target", "all", "--json"]);
    all.code(0).stderr_has("x86_64-unknown-linux-gnu is ready");
    all.stderr_has("aarch64-unknown-linux-gnu is up to date");
    let document: serde_json::Value = serde_json::from_str(&all.stdout).unwrap();
    assert_eq!(document["toolchains"].as_array().unwrap().len(), 2);
    tree(&fixture, ARM).assert_same_as(&arm);
    let x86 = tree(&fixture, X86);
    assert!(!x86.0.keys().any(|path| path.starts_with("sysroot") && path.contains("aarch64")));
    let wrong = fixture.prepare(["--target", "riscv64-unknown-linux-gnu"]);
    wrong.code(2).stderr_has("known are x86_64-unknown-linux-gnu, aarch64-unknown-linux-gnu");
    fixture.prepare(["--release", "sarge"]).code(2).stderr_has("unknown release `sarge`");
}

/// An LLVM of this major in a folder of `PATH`; each tool writes down how it was called.
fn fake_llvm(fixture: &Fixture, version: &str) {
    let note = "echo \"$0 $@\" >> \"$HOME/calls\"";
    fixture.tool("clang", &format!("{note}\necho 'clang version {version}'"));
    fixture.tool("ld.lld", &format!("echo 'LLD {version} (compatible with GNU linkers)'"));
    for tool in ["ar", "nm", "objcopy", "objdump", "ranlib", "readelf", "strip"] {
        fixture.tool(&format!("llvm-{tool}"), note);
    }
}

#[test]
fn the_pinned_llvm_on_path_is_used_when_it_serves_and_refused_when_not() {
    let fixture = Fixture::locked();
    // A major that no machine has in the folder where Debian puts it.
    fixture.edit("versions.toml", "major = 19", "major = 97");
    fake_llvm(&fixture, "96.1.0");
    let refused = fixture.prepare(["--llvm", "system"]);
    refused.code(6).stderr_has("no LLVM 97 on PATH serves: ").stderr_has("96.1.0");
    refused.stderr_has("hint: on Debian 12: `sudo apt-get install clang-97 lld-97 llvm-97`");
    fake_llvm(&fixture, "97.1.0");
    std::fs::remove_file(fixture.tools().join("llvm-strip")).unwrap();
    fixture.prepare(["--llvm", "system"]).code(6).stderr_has("llvm-strip");
    fake_llvm(&fixture, "97.1.0");
    let clang = fixture.tools().join("clang");
    let ready = fixture.prepare(["--llvm", "auto"]);
    ready.code(0).stderr_has(&format!("LLVM is {}", clang.display()));
    let tree = tree(&fixture, X86);
    assert!(!tree.has("lib/llvm"), "the toolchain owns none");
    let outcome = fixture.run(["exec", "--", &format!("{X86}-clang"), "-c", "a b.c"]);
    outcome.code(0);
    let calls = std::fs::read_to_string(fixture.home().join("calls")).unwrap();
    let last = calls.lines().last().unwrap();
    assert!(
        last.starts_with(&format!("{} --no-default-config --config=", clang.display())),
        "{last}"
    );
    assert!(last.ends_with(".cfg -c a b.c"), "{last}");
    // Another one under the same name is asked again.
    fixture.prepare(["--llvm", "auto"]).code(0).stderr_has("is up to date");
    fake_llvm(&fixture, "97.1.12");
    fixture
        .prepare(["--llvm", "auto", "-v"])
        .code(0)
        .stderr_has("stale: lld changed (")
        .stderr_has(", llvm changed (");
    fixture.edit("versions.toml", "major = 97", "major = 19");
    let changed = fixture.prepare(["-v"]);
    changed.code(0).stderr_has("stale: ").stderr_has("llvm changed (").stderr_has("→ debian");
}

#[test]
fn two_mirrors_and_two_orders_give_identical_trees() {
    let (one, other) = (Fixture::new(), Fixture::with(Mirror::bookworm()));
    one.lock(["--with", "libdemo-dev"]).code(0);
    one.prepare(["--with", "libdemo-dev", "--with", "zlib1g-dev", "--jobs", "1"]).code(0);
    other.write("checksums.txt", one.read("checksums.txt"));
    other.prepare(["--with", "zlib1g-dev", "--with", "libdemo-dev", "--jobs", "32"]).code(0);
    let (one, other) = (tree(&one, X86), tree(&other, X86));
    for part in ["sysroot", "lib"] {
        assert!(one.below(part).0.len() > 10);
        other.below(part).assert_same_as(&one.below(part));
    }
}
