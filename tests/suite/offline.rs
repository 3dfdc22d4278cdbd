//! Row G24 of `docs/faults.md`: with `--offline` or `--cache` the program opens no socket
//! that leaves the machine, as the kernel saw it.

use std::process::Command;

use crate::support::fixture::{Fixture, Outcome};

const NONE: [&str; 0] = [];

/// Runs the program under strace; gives its outcome and the calls of the network family.
fn traced(fixture: &Fixture, args: &[&str]) -> (Outcome, Vec<String>) {
    let log = fixture.home().join("trace");
    let program = fixture.command(args);
    let mut strace = Command::new("/usr/bin/strace");
    strace.args(["-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o"]).arg(&log);
    strace.arg("--").arg(program.get_program()).args(program.get_args());
    strace.env_clear().envs(fixture.env()).stdin(std::process::Stdio::null());
    strace.current_dir(program.get_current_dir().expect("the fixture names a folder"));
    let shown = format!("{strace:?}");
    let output = strace.output().expect("strace is installed");
    let calls = std::fs::read_to_string(log).expect("strace wrote its log");
    (Outcome::new(shown, &output), calls.lines().map(str::to_owned).collect())
}

/// Sockets between processes of this machine are no network.
fn outward(calls: &[String]) -> Vec<&String> {
    let opens = |call: &&String| {
        ["socket(", "connect(", "sendto(", "sendmsg("].iter().any(|name| call.contains(name))
    };
    calls.iter().filter(opens).filter(|call| !call.contains("AF_UNIX")).collect()
}

#[test]
#[ignore = "needs strace: the step strace of .ci/run"]
fn g24_offline_and_cache_open_no_socket_though_the_network_would_answer() {
    let fixture = Fixture::new();
    fixture.lock(NONE).code(0);
    let url = fixture.mirror.url();
    let connections = fixture.mirror.server().connections();
    let keyring = fixture.keyring().display().to_string();
    // Nothing is cached yet: both must refuse, without having asked anybody.
    for flag in ["--offline", "--cache"] {
        let args = ["prepare", "--mirror", &url, "--llvm", "debian", flag];
        let (outcome, calls) = traced(&fixture, &args);
        assert_ne!(outcome.status, Some(0), "{outcome}");
        outcome.stderr_has("error: ");
        assert_eq!(outward(&calls), Vec::<&String>::new(), "{flag}");
    }
    let lock = ["lock", "--mirror", &url, "--keyring", &keyring, "--offline"];
    let (outcome, calls) = traced(&fixture, &lock);
    outcome.code(5);
    assert_eq!(outward(&calls), Vec::<&String>::new(), "lock");
    assert_eq!(fixture.mirror.server().connections(), connections);
    // The same commands with the network: the trace sees sockets, so it can see them.
    let online = ["prepare", "--mirror", &url, "--llvm", "debian"];
    let (outcome, calls) = traced(&fixture, &online);
    outcome.code(0);
    assert!(!outward(&calls).is_empty(), "strace saw no socket of a run that fetched files");
    // All is cached: both succeed, and still open none.
    let connections = fixture.mirror.server().connections();
    for flag in ["--offline", "--cache"] {
        let args = ["prepare", "--mirror", &url, "--llvm", "debian", "--force", flag];
        let (outcome, calls) = traced(&fixture, &args);
        outcome.code(0);
        assert_eq!(outward(&calls), Vec::<&String>::new(), "{flag}");
    }
    assert_eq!(fixture.mirror.server().connections(), connections);
}
