//! The tools' names: whoever calls them, from wherever, gets the tool of their toolchain,
//! and nothing of it is changed on the way.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::support::fixture::Fixture;

const X86: &str = "x86_64-unknown-linux-gnu";

fn bin(fixture: &Fixture) -> PathBuf {
    fixture.path(format!("toolchains/{X86}/bin"))
}

#[track_caller]
fn is_clang(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("clang version 19.1.7"), "{output:?}");
}

#[test]
fn n01_a_tool_called_in_any_way_finds_its_toolchain() {
    let fixture = Fixture::prepared();
    let name = format!("{X86}-clang");
    let tool = bin(&fixture).join(&name);
    // By absolute path, with nothing in the environment.
    is_clang(&Command::new(&tool).env_clear().output().unwrap());
    // By PATH.
    let script = format!("exec {X86}-clang --version");
    let by_path = Command::new("/bin/sh").args(["-c", &script]).env("PATH", bin(&fixture)).output();
    is_clang(&by_path.unwrap());
    // By a relative path.
    let here = Command::new(format!("./{name}")).current_dir(bin(&fixture)).output();
    is_clang(&here.unwrap());
    // Through links, of its own name, of another, and of a link.
    for (at, to) in [("a", &tool), ("my-cc", &tool), ("twice", &fixture.path("my-cc"))] {
        let link = fixture.path(at);
        std::os::unix::fs::symlink(to, &link).unwrap();
        is_clang(&Command::new(&link).env_clear().output().unwrap());
    }
    // Another argv[0]: no name, a stranger's, another tool's.
    for arg0 in ["", "gcc", "-sh", &format!("{X86}-ar"), "/nowhere/reml-toolchain"] {
        is_clang(&Command::new(&tool).arg0(arg0).env_clear().output().unwrap());
    }
    // From a folder that was deleted.
    let script = r#"mkdir gone && cd gone && rmdir ../gone && exec "$1" --version"#;
    let mut gone = Command::new("/bin/sh");
    gone.args(["-c", script, "sh"]).arg(&tool).current_dir(fixture.root());
    is_clang(&gone.output().unwrap());
}

/// Puts a script in the place of the program behind `TRIPLE-ar`.
fn behind_ar(fixture: &Fixture, script: &str) -> PathBuf {
    let table = fixture.read(format!("toolchains/{X86}/share/tools"));
    let line = table.lines().find_map(|line| line.strip_prefix("llvm-ar\t")).unwrap();
    let program = fixture.path(format!("toolchains/{X86}")).join(line);
    fs::remove_file(&program).unwrap();
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    bin(fixture).join(format!("{X86}-ar"))
}

#[test]
fn n04_statuses_signals_and_streams_are_the_tools_own() {
    let fixture = Fixture::prepared();
    let script = r#"case $1 in
exit) exit "$2" ;;
kill) kill -"$2" $$; sleep 5 ;;
cat) echo "pid $$" >&2; exec cat ;;
tty) test -t 0 || echo none ;;
esac"#;
    let tool = behind_ar(&fixture, script);
    for status in [0, 1, 2, 70, 125, 126, 127, 255] {
        let output = Command::new(&tool).args(["exit", &status.to_string()]).output().unwrap();
        assert_eq!(output.status.code(), Some(status));
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    }
    for (name, number) in [("KILL", 9), ("TERM", 15), ("SEGV", 11), ("PIPE", 13)] {
        let status = Command::new(&tool).args(["kill", name]).status().unwrap();
        assert_eq!((status.code(), status.signal()), (None, Some(number)), "{name}");
    }
    // A megabyte of any bytes through stdin and stdout; stderr apart; the same process, so
    // that whoever waits for it or signals it has the tool itself.
    let mut cat = Command::new(&tool);
    cat.arg("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = cat.spawn().unwrap();
    let pid = child.id();
    let bytes: Vec<u8> = (0..1_u32 << 20).map(|n| (n * 7 + n / 251).to_le_bytes()[0]).collect();
    let mut stdin = child.stdin.take().unwrap();
    let sent = bytes.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&sent));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.stdout == bytes, "{} bytes came back", output.stdout.len());
    assert_eq!(String::from_utf8_lossy(&output.stderr), format!("pid {pid}\n"));
    let output = Command::new(&tool).arg("tty").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.stdout, b"none\n");
}
