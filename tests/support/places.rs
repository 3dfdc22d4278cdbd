//! Places that are unlike a usual disk, each in a mount namespace of its own, which needs
//! root or user namespaces and fails without.

use std::path::Path;
use std::process::Command;

use super::fixture::{Fixture, Outcome, PROGRAM};

/// Runs a shell script where mounting touches nobody else. `$root` is the project, `$keep`
/// an empty folder, `"$@"` the program with its `--root`.
pub fn in_namespace(fixture: &Fixture, script: &str) -> Outcome {
    let keep = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg(format!("set -u; root=$1; keep=$2; shift 2\n{script}")).arg("sh");
    command.arg(fixture.root()).arg(keep.path());
    finish(fixture, command)
}

/// Runs a shell script as it is, `"$@"` being the program with its `--root`.
pub fn in_shell(fixture: &Fixture, script: &str) -> Outcome {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "sh"]);
    finish(fixture, command)
}

fn finish(fixture: &Fixture, mut command: Command) -> Outcome {
    command.arg(PROGRAM).arg("--root").arg(fixture.root());
    command.env_clear().envs(fixture.env()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("REML_TOOLCHAIN_MIRROR", fixture.mirror.url());
    command.env("REML_TOOLCHAIN_KEYRING", fixture.keyring()).current_dir("/");
    let output = command.output().expect("unshare is there");
    Outcome::new(format!("{command:?}"), &output)
}

/// The program with another root than the fixture's.
pub fn at(fixture: &Fixture, root: &Path, args: &[&str]) -> Outcome {
    let mut command = Command::new(PROGRAM);
    command.env_clear().envs(fixture.env()).env("REML_TOOLCHAIN_MIRROR", fixture.mirror.url());
    command.arg("--root").arg(root).args(args);
    let output = command.output().unwrap();
    Outcome::new(format!("{command:?}"), &output)
}
