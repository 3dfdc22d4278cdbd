//! The project folder, the runs in it and the snapshots of it.

use super::NOW;
use crate::support::fixture::{Fixture, Tree, snapshot};
use crate::support::mirror::Mirror;

#[test]
fn a_fixture_runs_the_program_in_a_folder_with_a_blank_and_in_a_bare_environment() {
    let fixture = Fixture::new();
    assert!(fixture.root().to_str().unwrap().ends_with("wörk räum"));
    assert_eq!(fixture.read("versions.toml"), fixture.mirror.versions_toml());
    assert_eq!(std::fs::read(fixture.keyring()).unwrap(), fixture.mirror.keyring());
    fixture.run(["--version"]).code(0).stdout_has("reml-toolchain").stderr_is("");
    let names: Vec<&str> = fixture.env().keys().filter_map(|name| name.to_str()).collect();
    let known = ["HOME", "LANG", "LLVM_PROFILE_FILE", "PATH", "REML_TOOLCHAIN_APT_SOURCES", "TERM"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    let command = fixture.command(["lock"]);
    let args: Vec<_> = command.get_args().map(|arg| arg.to_str().unwrap()).collect();
    assert_eq!(args, ["--root", fixture.root().to_str().unwrap(), "lock"]);
}

#[test]
#[should_panic(expected = "expected status 4, got Some(0)")]
fn an_unexpected_status_fails_the_test() {
    Fixture::with(Mirror::bookworm_at(NOW)).run(["--version"]).code(4);
}

#[test]
fn a_snapshot_tells_what_changed() {
    let fixture = Fixture::with(Mirror::bookworm_at(NOW));
    let before = fixture.snapshot("");
    before.assert_same_as(&snapshot(&fixture.root()));
    fixture.edit("versions.toml", "glibc = \"2.36\"", "glibc = \"2.37\"");
    fixture.write("a/b", "new");
    let after = fixture.snapshot("");
    let changes = after.changes_since(&before);
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert!(changes[0].starts_with("~ versions.toml (file 0"), "{changes:?}");
    assert!(changes[2].starts_with("+ a/b (file "), "{changes:?}");
    assert!(after.below("a").has("b"));
    assert_eq!(snapshot(&fixture.path("nowhere")), Tree::default());
}
