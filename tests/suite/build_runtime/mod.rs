//! `build-runtime`: what it makes, when it does nothing, and what it refuses. The real Rust
//! builds where bytes matter; elsewhere cargo is a script.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::fixture::{Fixture, Outcome};

mod rust;

use rust::{Fake, built, check_out, host, real, replaced};

const STAMP: &str = "toolchains/host/share/runtime-release.json";

#[test]
fn a_second_run_does_nothing_and_says_why_a_third_one_does() {
    let fake = Fake::new();
    fake.build(&["-v"]).code(0).stderr_has("stale: nothing is prepared yet").stderr_has("built: ");
    assert!(fake.installed() == built().packed);
    let before = fake.fixture.snapshot("toolchains/host");
    fake.build(&[]).code(0).stderr_has("up to date: ").stderr_lacks("building");
    assert_eq!(fake.calls().len(), 1);
    for (path, text) in [
        ("include/reml_runtime.h", "wrong SHA-256"),
        ("lib/libreml_runtime.a", "wrong SHA-256"),
        ("lib/pkgconfig/reml_runtime.pc", "is missing"),
    ] {
        let file = fake.fixture.path("toolchains/host").join(path);
        if text == "is missing" {
            fs::remove_file(file).unwrap();
        } else {
            fs::write(file, "other").unwrap();
        }
        let again = fake.build(&["-v"]);
        again.code(0).stderr_has(&format!("stale: the tree was changed: {path}: {text}"));
        fake.fixture.snapshot("toolchains/host").assert_same_as(&before);
    }
    fake.version("1.96.0");
    fake.build(&["-v"]).code(0).stderr_has("stale: rustc changed (rustc 1.95.0");
    fake.fixture.write(STAMP, "{ \"schema\": 1");
    fake.build(&["-v"]).code(0).stderr_has("stale: the stamp cannot be read");
    fake.build(&["--force", "-v"]).code(0).stderr_has("stale: --force was given");
    let lines = fake.fixture.read("toolchains/metrics.jsonl");
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["command"], "build-runtime");
    assert!(last["milliseconds"]["cargo"].is_u64() && last["milliseconds"]["pack"].is_u64());
    // A machine that has lost its Rust links with what is there.
    fs::remove_file(fake.fixture.tools().join("rustc")).unwrap();
    fake.build(&[]).code(0).stderr_has("up to date: ");
    fake.build(&["--force"]).code(6).stderr_has("rustc was not found");
}

#[test]
fn archives_of_one_tree_are_of_one_revision() {
    let fake = Fake::new();
    check_out(&fake.fixture);
    fake.fixture.run(["build-runtime"]).code(0);
    assert_eq!(fake.calls().len(), 2);
    fake.fixture.edit("runtime/include/reml_runtime.h", "---- Boxes -", "-- Boxes ---");
    fake.build(&[]).code(0).stderr_has("libreml_runtime_debug.a");
    assert_eq!(fake.calls().len(), 4);
    let revision = |path: &str| {
        let stamp: serde_json::Value = serde_json::from_str(&fake.fixture.read(path)).unwrap();
        stamp["revision"].as_str().unwrap().to_owned()
    };
    assert_eq!(revision(STAMP), revision("toolchains/host/share/runtime-debug.json"));
    fake.fixture.edit("runtime/src/abi.rs", "//! The ABI as one table.", "//! Another table.");
    fake.build(&[]).code(2).stderr_has("not the interface that this program was built with");
}

#[test]
fn verify_vouches_for_the_runtime_and_prepare_takes_it_along() {
    let fixture = Fixture::locked();
    fixture.prepare(["--target", &host()]).code(0);
    let fake = Fake::beside(fixture);
    let fixture = &fake.fixture;
    let tree = format!("toolchains/{}", host());
    let target = host();
    let run = |args: &[&str]| fixture.run(args.iter().chain(&["--target", &target]));
    let prepare = || fixture.prepare(["--target", &target, "--force"]);
    run(&["build-runtime", "--cross", "--release"]).code(0);
    run(&["verify"]).code(0);
    prepare().code(0).stderr_lacks("warning");
    run(&["verify"]).code(0);
    run(&["build-runtime", "--cross", "--release"]).code(0).stderr_has("up to date");
    let archive = format!("{tree}/lib/libreml_runtime.a");
    assert!(fs::read(fixture.path(&archive)).unwrap() == built().packed);
    fixture.write(&archive, replaced(&built().packed, "double", "dOuble"));
    run(&["verify"]).code(4).stderr_has("lib/libreml_runtime.a: wrong SHA-256");
    prepare().code(0).stderr_has("is not as its stamp says");
    run(&["verify"]).code(0);
    assert!(!fixture.path(&archive).exists());
    fixture.write(format!("{tree}/lib/libreml_runtime_debug.a"), "planted");
    run(&["verify"]).code(4).stderr_has("lib/libreml_runtime_debug.a: nobody installed it");
}

#[test]
fn nothing_prepared_is_told_before_anything_is_built() {
    let fake = Fake::new();
    fake.fixture.run(["build-runtime", "--cross"]).code(1).stderr_has("reml-toolchain prepare");
    fake.fixture.run(["build-runtime", "--check", "--release"]).code(1);
    fake.fixture.run(["build-runtime", "--target", "riscv64"]).code(2).stderr_has("known are");
    assert!(fake.calls().len() <= 1);
}

#[test]
fn m01_what_is_missing_is_named_with_the_command_that_helps() {
    let fake = Fake::new();
    let target = host();
    fake.version("1.70.0");
    fake.build(&[]).code(6).stderr_has("got 1.70.0").stderr_has("hint: update it: `rustup update");
    fake.version("1.95.0");
    let library = fake.sysroot.join(format!("lib/rustlib/{target}"));
    fs::rename(library.join("lib"), library.join("gone")).unwrap();
    let command = format!("hint: rustup target add {target}");
    fake.build(&[]).code(6).stderr_has("no standard library").stderr_has(&command);
    fs::rename(library.join("gone"), library.join("lib")).unwrap();
    let packer = library.join("bin/rust-objcopy");
    fs::rename(&packer, packer.with_extension("gone")).unwrap();
    fake.build(&[]).code(6).stderr_has("llvm-objcopy");
    fs::rename(packer.with_extension("gone"), &packer).unwrap();
    fs::remove_file(fake.sysroot.join("bin/cargo")).unwrap();
    fake.build(&[]).code(6).stderr_has("cargo was not found").stderr_has("hint: install Rust");
    fake.fixture.tool("rustc", "echo no such toolchain >&2; exit 1");
    fake.build(&[]).code(6).stderr_has("no such toolchain");
    fs::remove_file(fake.fixture.tools().join("rustc")).unwrap();
    fake.build(&["--json"]).code(6).stdout_has("\"rust-missing\"");
    assert!(!fake.fixture.path("toolchains/host").exists());
    assert!(fake.calls().is_empty());
}

#[test]
fn m01_a_runtime_that_asks_for_crates_is_never_built_from_the_network() {
    let fixture = Fixture::new();
    real(&fixture);
    check_out(&fixture);
    fixture.edit(
        "runtime/Cargo.toml",
        "[features]",
        "[dependencies]\nlibc = \"0.2\"\n\n[features]",
    );
    let failed = fixture.run(["build-runtime", "--release"]);
    failed.code(1).stderr_has("cargo did not build the runtime");
    failed.stderr_has("hint: the runtime takes no crates");
    assert!(!fixture.path(STAMP).exists());
}

#[test]
fn m02_a_compile_error_is_told_in_cargos_words_and_changes_nothing() {
    let fixture = Fixture::new();
    real(&fixture);
    check_out(&fixture);
    fixture.run(["build-runtime", "--release"]).code(0);
    let before = fixture.snapshot("toolchains/host");
    let text = fixture.read("runtime/src/print.rs");
    fixture.write("runtime/src/print.rs", text + "\nfn broken() -> i32 { no_such_thing }\n");
    let failed = fixture.run(["build-runtime", "--release"]);
    failed.code(1).stderr_has("no_such_thing").stderr_has("exit status: 101");
    fixture.snapshot("toolchains/host").assert_same_as(&before);
    let lines = fixture.read("toolchains/metrics.jsonl");
    assert!(lines.lines().last().unwrap().contains("\"exit_status\":1"), "{lines}");
}

#[test]
fn m03_an_archive_of_another_machine_or_shape_is_not_installed() {
    let fake = Fake::new();
    fake.build(&[]).code(0);
    let before = fake.fixture.snapshot("toolchains/host");
    let good = &built().raw;
    // `e_machine` of the runtime's own object, which is the one that is taken.
    let member = memchr::memmem::find(good, b"reml_runtime").unwrap();
    let elf = member + memchr::memmem::find(&good[member..], b"\x7fELF").unwrap();
    let mut machine = good.clone();
    machine[elf + 18] = if good[elf + 18] == 62 { 183 } else { 62 };
    // What repacks must not be what finds it: here it only copies.
    for name in ["rust-lld", "rust-objcopy"] {
        let body = "for last; do :; done\nwhile [ $# -gt 0 ]; do case $1 in -o) to=$2 ;; *.own.o) \
                    from=$1 ;; *.merged.o) from=$1 ;; esac; shift; done\ncp \"$from\" \"${to-$last}\"";
        fake.script(&format!("lib/rustlib/{}/bin/{name}", host()), body);
    }
    fake.gives(&machine);
    fake.build(&["--force"]).code(1).stderr_has("object of the wrong machine");
    fake.gives(good);
    fake.build(&["--force"]).code(1).stderr_has("is global but not in the ABI");
    fake.gives(&replaced(good, "mem_alloc", "mem_allot"));
    fake.build(&["--force"]).code(1).stderr_has("`mem_alloc` of the ABI is not defined");
    fake.gives(&replaced(good, "madvise", "madvice"));
    fake.build(&["--force"]).code(1).stderr_has("`madvice` is imported but not in the list");
    fake.gives(&good[..good.len() / 2]);
    fake.build(&["--force"]).code(1);
    fake.gives(b"no archive");
    fake.build(&["--force", "--json"]).code(1).stdout_has("\"runtime-not-packed\"");
    fake.fixture.snapshot("toolchains/host").assert_same_as(&before);
}

#[test]
fn m04_sources_that_change_during_the_build_are_built_again_once() {
    let fake = Fake::new();
    check_out(&fake.fixture);
    let header = fake.fixture.path("runtime/include/reml_runtime.h");
    let edit = format!("echo '/* later */' >>'{}'", header.display());
    let mark = fake.sysroot.join("mark");
    fake.cargo(&format!("[ -e '{0}' ] || {{ {edit}; : >'{0}'; }}", mark.display()));
    fake.build(&[]).code(0).stderr_has("were changed during the build: building again");
    assert_eq!(fake.calls().len(), 2);
    assert!(fake.fixture.read("toolchains/host/include/reml_runtime.h").contains("later"));
    fake.build(&[]).code(0).stderr_has("up to date");
    // They never come to rest: it ends, says so, and the next run builds again.
    fake.cargo(&edit);
    fake.build(&["--force"]).code(0).stderr_has("were changed once more");
    assert_eq!(fake.calls().len(), 4);
    fake.cargo("");
    fake.build(&["-v"]).code(0).stderr_has("stale: sources changed");
}

#[test]
fn m05_the_users_build_folder_is_never_touched() {
    let mut fake = Fake::new();
    let theirs = fake.fixture.path("target");
    fs::create_dir_all(&theirs).unwrap();
    fake.fixture.set_env("CARGO_TARGET_DIR", &theirs);
    // Cargo's own lock of such a folder, held by another build.
    let lock = fs::File::create(theirs.join(".cargo-lock")).unwrap();
    lock.lock().unwrap();
    fake.build(&[]).code(0).stderr_has("not followed").stderr_has("CARGO_TARGET_DIR");
    let ours = fake.fixture.path("toolchains/build/runtime");
    assert!(fake.calls()[0].contains(&format!("--target-dir {}", ours.display())));
    let variables = fs::read_to_string(fake.sysroot.join("variables")).unwrap();
    assert!(!variables.contains("CARGO_TARGET_DIR"), "{variables}");
    assert_eq!(fs::read_dir(&theirs).unwrap().count(), 1);
}

fn start(fake: &Fake) -> Child {
    let mut command = fake.fixture.command(["build-runtime", "--release"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn m06_killed_at_any_moment_the_old_archive_or_the_new_one_is_whole() {
    let fake = Fake::new();
    check_out(&fake.fixture);
    let header = "runtime/include/reml_runtime.h";
    let headers = [fake.fixture.read(header), fake.fixture.read(header) + "/* later */\n"];
    let raws = [built().raw.clone(), replaced(&built().raw, "double release", "dOuble release")];
    let archives = [built().packed.clone(), {
        fake.gives(&raws[1]);
        fake.fixture.write(header, &headers[1]);
        fake.build(&[]).code(0);
        fake.installed()
    }];
    assert!(archives[0] != archives[1]);
    let (mut killed, mut at) = (0, 1);
    for delay in (0..240).step_by(12) {
        let next = 1 - at;
        fake.gives(&raws[next]);
        fake.fixture.write(header, &headers[next]);
        let mut child = start(&fake);
        std::thread::sleep(Duration::from_millis(delay));
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(archives.contains(&fake.installed()), "after {delay} ms");
        let installed = fake.fixture.read("toolchains/host/include/reml_runtime.h");
        assert!(headers.contains(&installed), "after {delay} ms");
        fake.build(&[]).code(0);
        assert!(fake.installed() == archives[next], "after {delay} ms");
        let tree = fake.fixture.snapshot("toolchains/host");
        assert_eq!(tree.0.keys().filter(|path| path.contains(".tmp-")).count(), 0, "{tree}");
        at = next;
    }
    assert!(killed > 3, "{killed}");
}

#[test]
fn m07_builds_at_once_give_one_result() {
    let fake = Fake::new();
    fake.cargo("sleep 0.3");
    let children: Vec<Child> = (0..4).map(|_| start(&fake)).collect();
    let outputs = children.into_iter().map(|child| child.wait_with_output().unwrap());
    let outcomes: Vec<Outcome> =
        outputs.map(|output| Outcome::new("build-runtime".to_owned(), &output)).collect();
    assert!(outcomes.iter().all(|outcome| outcome.code(0).status == Some(0)));
    let count = |text: &str| outcomes.iter().filter(|it| it.stderr.contains(text)).count();
    assert_eq!((count("built: "), count("up to date: ")), (1, 3));
    assert_eq!(fake.calls().len(), 1);
    assert!(fake.installed() == built().packed);
}

/// The archive of the real Rust in a folder of its own, under these variables.
fn archive_under(variables: &[(&str, &str)], plant: impl Fn(&Fixture)) -> (Vec<u8>, Outcome) {
    let mut fixture = Fixture::new();
    real(&fixture);
    for (name, value) in variables {
        fixture.set_env(*name, *value);
    }
    plant(&fixture);
    let outcome = fixture.run(["build-runtime", "--release", "-v"]);
    outcome.code(0);
    let tree = fixture.snapshot("toolchains/host");
    assert!(tree.has("lib/libreml_runtime.a"), "{tree}");
    (fs::read(fixture.path("toolchains/host/lib/libreml_runtime.a")).unwrap(), outcome)
}

#[test]
fn j01_j02_j03_j05_j06_j08_variables_of_c_compilers_change_no_byte_of_the_archive() {
    let (archive, outcome) = archive_under(
        &[
            ("CPATH", "/planted"),
            ("LIBRARY_PATH", "/planted"),
            ("LD_RUN_PATH", "/planted"),
            ("COMPILER_PATH", "/planted"),
            ("CCC_OVERRIDE_OPTIONS", "#+-O0"),
            ("SDKROOT", "/planted"),
            ("MACOSX_DEPLOYMENT_TARGET", "10.0"),
            ("PKG_CONFIG_PATH", "/planted"),
            ("CC", "false"),
            ("CFLAGS", "-O0 -g3"),
            ("LDFLAGS", "-Wl,--planted"),
            ("AR_x86_64_unknown_linux_gnu", "false"),
            ("AR_aarch64_unknown_linux_gnu", "false"),
        ],
        |_| {},
    );
    assert!(archive == built().packed, "another archive");
    let own = format!("AR_{}, CC, CFLAGS, LDFLAGS", host().replace('-', "_"));
    outcome.stderr_has("not followed").stderr_has(&own);
}

#[test]
fn j04_j07_variables_and_files_of_cargo_and_planted_programs_change_no_byte_of_the_archive() {
    let (archive, outcome) = archive_under(
        &[
            ("RUSTFLAGS", "-Copt-level=0 --cfg planted"),
            ("CARGO_ENCODED_RUSTFLAGS", "-Copt-level=0"),
            ("CARGO_BUILD_RUSTFLAGS", "-Copt-level=0"),
            ("CARGO_BUILD_TARGET", "wasm32-unknown-unknown"),
            ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "false"),
            ("CARGO_PROFILE_RELEASE_LTO", "off"),
            ("CARGO_NET_OFFLINE", "false"),
            ("RUSTC_WRAPPER", "false"),
            ("RUSTC_WORKSPACE_WRAPPER", "false"),
            ("RUSTC", "false"),
            ("CARGO_TARGET_DIR", "/planted"),
        ],
        |fixture| {
            let hostile = "[build]\nrustc-wrapper = \"false\"\ntarget-dir = \"/planted\"\n\
                           rustflags = [\"-Copt-level=0\"]\n[profile.release]\nlto = false\n";
            fixture.write(".cargo/config.toml", hostile);
            fixture.write("toolchains/.cargo/config.toml", hostile);
            fixture.write("toolchains/build/runtime-src/.cargo/config.toml", hostile);
            fixture.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.0.0\"\n");
            let home = fixture.home().join(".cargo");
            fs::create_dir_all(&home).unwrap();
            fs::write(home.join("config.toml"), hostile).unwrap();
            for name in ["cargo", "rust-lld", "rust-objcopy", "ld.lld", "cc", "ar"] {
                fixture.tool(name, "echo planted >&2; exit 1");
            }
        },
    );
    assert!(archive == built().packed, "another archive");
    let named = "CARGO_BUILD_RUSTFLAGS, CARGO_BUILD_TARGET, CARGO_ENCODED_RUSTFLAGS";
    outcome.stderr_has(named).stderr_has("RUSTC_WRAPPER, RUSTFLAGS").stderr_lacks("planted\n");
    // What is in force stands in the log.
    outcome.stderr_has("CARGO_ENCODED_RUSTFLAGS='--remap-path-prefix=");
}

#[test]
fn j10_j11_j12_languages_clocks_and_terminals_change_no_byte_of_the_archive() {
    let (archive, outcome) = archive_under(
        &[
            ("LANG", "tr_TR.UTF-8"),
            ("LC_ALL", "ja_JP.EUC-JP"),
            ("LANGUAGE", "tr:ja"),
            ("POSIXLY_CORRECT", "1"),
            ("TZ", "Pacific/Kiritimati"),
            ("SOURCE_DATE_EPOCH", "86400"),
            ("CLICOLOR_FORCE", "1"),
            ("NO_COLOR", ""),
            ("TERM", "xterm-256color"),
            ("COLUMNS", "7"),
            ("CI", "true"),
        ],
        |_| {},
    );
    assert!(archive == built().packed, "another archive");
    outcome.stderr_lacks("\u{1b}").stderr_lacks("not followed");
}
