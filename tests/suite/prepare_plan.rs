//! What `prepare` says before and while it decides: `--dry-run`, the sysroot's closure,
//! and that no target or release lands in the folder of another.

use std::fs;

use serde_json::{Value, json};

use crate::support::fixture::{Fixture, Outcome, snapshot};
use crate::support::mirror::elf::Elf;
use crate::support::mirror::{MACHINES, Mirror, Package};

const NONE: [&str; 0] = [];
const X86: &str = "x86_64-unknown-linux-gnu";
const ARM: &str = "aarch64-unknown-linux-gnu";

/// The plan of the one target.
fn document(outcome: &Outcome) -> Value {
    let document: Value = serde_json::from_str(&outcome.code(0).stdout).unwrap();
    document["toolchains"][0].clone()
}

/// Where the packages of a plan come from, each place once.
fn origins(plan: &Value) -> Vec<String> {
    let parts = plan["parts"].as_array().unwrap();
    let packages = parts.iter().flat_map(|part| part["packages"].as_array().unwrap());
    let mut list: Vec<String> =
        packages.map(|package| package["from"].as_str().unwrap().to_owned()).collect();
    list.sort_unstable();
    list.dedup();
    list
}

#[test]
fn a_dry_run_tells_the_plan_and_writes_nothing_not_even_a_folder() {
    let locked = Fixture::locked();
    let fixture = Fixture::new();
    fixture.write("versions.toml", locked.read("versions.toml"));
    fixture.write("checksums.txt", locked.read("checksums.txt"));
    let before = fixture.snapshot("");
    let url = locked.mirror.url();
    let connections = locked.mirror.server().connections();
    let words = ["prepare", "--dry-run", "--llvm", "debian", "--mirror", &url];
    let text = fixture.run(words);
    text.code(0).stdout_is("").stderr_has("would be laid out in ");
    text.stderr_has(": nothing is prepared yet\n")
        .stderr_has("  sysroot: 11 packages: 11 to fetch");
    let plan = document(&fixture.run(words.iter().chain(&["--json", "--quiet"])));
    assert_eq!((&plan["target"], &plan["up_to_date"]), (&json!(X86), &json!(false)));
    assert_eq!((&plan["archive"], &plan["to_lock"]), (&Value::Null, &json!([])));
    assert_eq!(origins(&plan), ["network"]);
    // A package that is not locked yet is named; what it brings is known when it is.
    let with = document(&fixture.run(words.iter().chain(&["--json", "--with", "libssl-dev"])));
    assert_eq!(with["to_lock"], json!(["libssl-dev"]));
    for cut in ["--offline", "--cache"] {
        let cut = fixture.run(words.iter().chain(&[cut]));
        cut.code(0).stderr_has("11 MISSING: the network is forbidden");
    }
    fixture.run(words.iter().chain(&["--offline", "--with", "curl"])).code(2);
    fixture.snapshot("").assert_same_as(&before);
    assert_eq!(locked.mirror.server().connections(), connections, "somebody was asked");
    // What is prepared is left alone, to the inode.
    locked.prepare(NONE).code(0);
    let prepared = snapshot(&locked.path(""));
    locked.prepare(["--dry-run"]).code(0).stderr_has("is up to date: nothing would be done");
    let forced = locked.prepare(["--dry-run", "--force"]);
    forced.code(0).stderr_has(": --force was given").stderr_has("11 in the cache");
    locked
        .prepare(["--dry-run", "--with", "libssl-dev"])
        .code(0)
        .stderr_has(": --with changed (+libssl-dev)\n")
        .stderr_has("libssl-dev: would be locked first");
    snapshot(&locked.path("")).assert_same_as(&prepared);
}

#[test]
fn a_dry_run_knows_the_packed_archive_as_a_source() {
    let first = Fixture::locked();
    first.run_online("pack", NONE).code(0);
    let name = "toolchains/cache/debian-bookworm-x86_64.tar.zst";
    let second = Fixture::new();
    for file in ["versions.toml", "checksums.txt"] {
        second.write(file, first.read(file));
    }
    second.write(name, fs::read(first.path(name)).unwrap());
    let before = second.snapshot("");
    for args in [
        &["prepare", "--dry-run", "--llvm", "debian", "--json", "--archive"][..],
        &["prepare", "--dry-run", "--llvm", "debian", "--json", "--offline"],
    ] {
        let plan = document(&second.run(args));
        assert_eq!(plan["archive"], json!(second.path(name)));
        assert_eq!(origins(&plan), ["archive", "nowhere"], "LLVM is not in this archive");
    }
    let told = second.run(["prepare", "--dry-run", "--llvm", "debian", "--archive"]);
    told.code(0).stderr_has("sysroot: 11 packages: 11 in the archive").stderr_has("MISSING");
    // One that does not serve is no source, and a real run would say so too.
    let mut bytes = fs::read(second.path(name)).unwrap();
    bytes[100] ^= 1;
    second.write(name, bytes);
    let refused = second.run(["prepare", "--dry-run", "--llvm", "debian", "--archive"]);
    refused.code(4).stderr_has("wrong SHA-256");
    second.write(name, fs::read(first.path(name)).unwrap());
    second.snapshot("").assert_same_as(&before);
}

#[test]
fn no_target_or_release_lands_in_the_folder_of_another() {
    let fixture = Fixture::new();
    let twin = "[release.twin]\nglibc = \"2.36\"\ngcc = 12\n\
                suites = [\"bookworm\", \"bookworm-updates\", \"bookworm-security\"]\n\
                durable = \"bookworm\"\n\n[sysroot]\n";
    fixture.edit("versions.toml", "[sysroot]\n", twin);
    fixture.lock(NONE).code(0);
    for args in [&["--target", "all"][..], &["--target", "all", "--release", "twin"]] {
        fixture.prepare(args).code(0);
    }
    let names = [X86.to_owned(), ARM.to_owned(), format!("{X86}-twin"), format!("{ARM}-twin")];
    let stamp = |name: &str| -> Value {
        serde_json::from_str(&fixture.read(format!("toolchains/{name}/share/stamp.json"))).unwrap()
    };
    for name in &names {
        let stamp = stamp(name);
        let release = if name.ends_with("-twin") { "twin" } else { "bookworm" };
        assert_eq!(stamp["release"], release, "{name}");
        assert!(name.starts_with(stamp["target"].as_str().unwrap()), "{name}");
    }
    let folders = fs::read_dir(fixture.path("toolchains")).unwrap();
    let links = folders.filter(|entry| entry.as_ref().unwrap().path().is_symlink());
    assert_eq!(links.count(), names.len());
    // The pins' own release changes: what has its plain name is another one's, and is not
    // taken for it.
    fixture.edit("versions.toml", "release = \"bookworm\"", "release = \"twin\"");
    fixture.lock(NONE).code(0);
    for command in [&["verify"][..], &["env"], &["exec", "--", "true"]] {
        let refused = fixture.run(command);
        refused.stderr_has("expected a toolchain for x86_64-unknown-linux-gnu of twin, got one");
        assert_ne!(refused.status, Some(0), "{refused}");
    }
    let changed = fixture.prepare(["-v"]);
    changed.code(0).stderr_has("stale: release changed (bookworm → twin)\n");
    assert_eq!(stamp(X86)["release"], "twin");
    fixture.run(["verify"]).code(0);
}

/// An archive with one more library for each machine, which asks for `needs`.
fn with_library(place: &str, needs: &str) -> Fixture {
    let mut mirror = Mirror::bookworm();
    for machine in &MACHINES {
        let path = place.replace("{lib}", &format!("usr/lib/{}", machine.multiarch));
        let library = Elf::library(machine.number, "libneedy.so.1").needs(needs).build();
        let package = Package::new("libneedy1", "1.0-1", machine.debian).file(&path, library);
        mirror.suite("bookworm").add(package);
    }
    mirror.publish();
    let fixture = Fixture::with(mirror);
    fixture.lock(NONE).code(0);
    fixture
}

#[test]
fn a_library_whose_own_need_no_package_has_is_refused_and_nothing_is_made() {
    let fixture = with_library("{lib}/libneedy.so.1", "libnowhere.so.7");
    fixture.prepare(NONE).code(0);
    let before = fixture.snapshot(format!("toolchains/{X86}"));
    let refused = fixture.prepare(["--with", "libneedy1"]);
    refused.code(1).stderr_has(
        "/usr/lib/x86_64-linux-gnu/libneedy.so.1 of libneedy1_1.0-1_amd64 needs libnowhere.so.7",
    );
    refused.stderr_has("hint: add the package that has libnowhere.so.7");
    fixture.snapshot(format!("toolchains/{X86}")).assert_same_as(&before);
    // The hint's second way.
    fixture.edit(
        "versions.toml",
        "  \"etc/**\",\n",
        "  \"etc/**\",\n  \"usr/lib/x86_64-linux-gnu/libneedy.so.1\",\n",
    );
    fixture.prepare(["--with", "libneedy1"]).code(0);
}

#[test]
fn a_library_that_finds_its_need_passes_and_a_plugin_that_does_not_is_told() {
    let fixture = with_library("{lib}/libneedy.so.1", "libm.so.6");
    fixture.prepare(["--with", "libneedy1"]).code(0);
    let fixture = with_library("{lib}/plugins/libneedy.so", "libnowhere.so.7");
    let told = fixture.prepare(["--with", "libneedy1", "-v"]);
    told.code(0).stderr_has("libneedy.so of libneedy1_1.0-1_amd64 needs libnowhere.so.7");
}
