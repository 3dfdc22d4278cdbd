//! The scripts of `toolchains/container` without an engine: programs in the place of docker,
//! podman and buildah that write down how they were called.

use std::fs;
use std::path::PathBuf;

use reml_toolchain::toolchain::metrics::{Entry, SCHEMA};

use crate::support::fixture::{Fixture, Outcome};
use crate::support::sources::root;

const LOG: &str = "engine.log";

/// An engine of this name that logs its arguments, one a line, and says what `body` says.
fn engine(fixture: &Fixture, name: &str, body: &str) {
    let log = fixture.path(LOG);
    let script = format!("printf '%s\\n' \"$*\" >> '{}'\n{body}", log.display());
    fixture.tool(name, &script);
}

/// Runs one of the scripts with bash and nothing on `PATH` but the engines and the usual.
fn script(fixture: &Fixture, name: &str, args: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let script = root().join("toolchains/container").join(name);
    let mut command = std::process::Command::new("bash");
    command.arg(&script).args(args).env_clear().current_dir(fixture.root());
    let path = format!("{}:/usr/bin:/bin", fixture.tools().display());
    command.env("PATH", path).env("REML_METRICS", fixture.path("metrics.jsonl"));
    let output = command.envs(variables.iter().copied()).output().unwrap();
    Outcome::new(format!("{command:?}"), &output)
}

fn metrics(fixture: &Fixture) -> Vec<Entry> {
    let text = fixture.read("metrics.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_first_engine_that_answers_is_taken_and_another_can_be_named() {
    let fixture = Fixture::new();
    engine(&fixture, "docker", "exit 1");
    engine(&fixture, "podman", "exit 1");
    engine(&fixture, "buildah", "exit 1");
    let none = script(&fixture, "smoke.sh", &["some:image"], &[]);
    none.code(6).stderr_has("no engine answers").stderr_has("hint: ");
    let unknown = [("REML_CONTAINER_ENGINE", "lxc")];
    script(&fixture, "smoke.sh", &[], &unknown).code(2).stderr_has("got lxc");
    engine(&fixture, "docker", "test \"$1\" != run");
    engine(&fixture, "podman", "test \"$1\" != run");
    fs::remove_file(fixture.path(LOG)).unwrap();
    script(&fixture, "smoke.sh", &["some:image"], &[]).code(1);
    let calls = fixture.read(LOG);
    assert!(calls.contains("run --rm --platform linux/amd64 --user "), "{calls}");
    assert!(calls.contains(":/work some:image timeout 300 sh /work/smoke"), "{calls}");
    assert!(!calls.contains("label=disable"), "podman was asked: {calls}");
    script(&fixture, "smoke.sh", &["some:image"], &[("REML_CONTAINER_ENGINE", "podman")]).code(1);
    assert!(fixture.read(LOG).contains("label=disable"));
}

#[test]
fn a_failure_in_the_image_is_the_scripts_status_and_stands_in_the_metrics() {
    let fixture = Fixture::new();
    engine(&fixture, "docker", "test \"$1\" != run || exit 7; test \"$1\" != version || echo 1.2");
    let named = [("REML_CONTAINER_ENGINE", "docker")];
    script(&fixture, "smoke.sh", &["some:image"], &named).code(7).stderr_has("some:image failed");
    let entry = metrics(&fixture).pop().unwrap();
    assert_eq!((entry.schema, entry.exit_status, entry.image_bytes), (SCHEMA, 7, None));
    assert_eq!(entry.command, "container-smoke");
    assert_eq!(entry.versions["docker"], "1.2");
    assert!(entry.milliseconds.contains_key("total"));
}

#[test]
fn a_base_without_a_digest_and_a_program_that_is_not_linuxs_are_refused() {
    let fixture = Fixture::new();
    engine(&fixture, "podman", "");
    let named = [("REML_CONTAINER_ENGINE", "podman")];
    let build = |args: &[&str]| script(&fixture, "build.sh", args, &named);
    build(&[]).code(2).stderr_has("expected one of --base and --rootfs");
    build(&["--base", "debian:bookworm"]).code(2).stderr_has("expected a digest");
    build(&["--base"]).code(2).stderr_has("expected a value");
    build(&["--bases", "x"]).code(2).stderr_has("unknown option --bases");
    fixture.write("mac", "\u{fe}\u{ed}");
    let mac = fixture.path("mac").display().to_string();
    let base = ["--base", "debian@sha256:00", "--runtime", ".", "--tool", &mac];
    build(&base).code(1).stderr_has("is no Linux program");
    assert!(!fixture.path(LOG).exists(), "the engine was asked");
}

#[test]
fn a_build_hands_over_the_base_measures_the_image_and_pushes_where_it_is_told() {
    let fixture = Fixture::new();
    engine(
        &fixture,
        "podman",
        "case $1 in run) printf '592379904\\t/\\n' ;; --version) echo podman version 4.3 ;; esac",
    );
    for name in [
        "include/reml_runtime.h",
        "lib/libreml_runtime.a",
        "lib/pkgconfig/reml_runtime.pc",
        "share/reml/reml_runtime.ll",
        "share/runtime-release.json",
    ] {
        fixture.write(format!("runtime/{name}"), "");
    }
    fixture.write("tool", "\x7fELF");
    let paths: Vec<PathBuf> = ["runtime", "tool"].map(|name| fixture.path(name)).into();
    let [runtime, tool] = [&paths[0], &paths[1]].map(|path| path.display().to_string());
    let base = "debian@sha256:00";
    let args = [
        "--base",
        base,
        "--runtime",
        &runtime,
        "--tool",
        &tool,
        "--tag",
        "a:b",
        "--offline",
        "--push",
        "127.0.0.1:5000/a:b",
    ];
    let variables = [("REML_CONTAINER_ENGINE", "podman"), ("REML_REGISTRY_PLAIN", "1")];
    script(&fixture, "build.sh", &args, &variables).code(1).stderr_has("build-runtime --cross");
    fixture.write("runtime/share/runtime-debug.json", "");
    script(&fixture, "build.sh", &args, &variables).code(0).stderr_has("a:b: 592 MB");
    let calls = fixture.read(LOG);
    assert!(calls.contains(&format!("--build-arg BASE={base} ")), "{calls}");
    assert!(calls.contains("--build-arg REML_TOOLCHAIN_OFFLINE=1 --tag a:b"), "{calls}");
    assert!(calls.contains("push --tls-verify=false a:b docker://127.0.0.1:5000/a:b"), "{calls}");
    let entry = metrics(&fixture).pop().unwrap();
    assert_eq!((entry.command.as_str(), entry.image_bytes), ("container-build", Some(592_379_904)));
    let time = |step: &str| entry.milliseconds[step];
    assert!(time("stage") + time("build") <= time("total"));
}
