//! The environment of a prepared toolchain: `env.sh` in real shells, `env`, `exec`, and
//! what each command says to a machine with `--json`.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use crate::support::fixture::{Fixture, Outcome};

const X86: &str = "x86_64-unknown-linux-gnu";
const ARM: &str = "aarch64-unknown-linux-gnu";

/// Runs a script in a shell with a bare environment; `$1` is the toolchain's folder.
fn shell(fixture: &Fixture, shell: &[&str], script: &str) -> Outcome {
    let mut command = Command::new(shell[0]);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", fixture.home());
    command.args(&shell[1..]).arg(script).arg("sh");
    command.arg(fixture.path(format!("toolchains/{X86}")));
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", shell[0]));
    Outcome::new(format!("{command:?}"), &output)
}

/// `NAME=value` lines.
fn variables(text: &str) -> BTreeMap<&str, &str> {
    // What a shell itself sets, and what a second sourcing may count up.
    let own = ["_", "SHLVL", "PWD", "OLDPWD"];
    text.lines().filter_map(|line| line.split_once('=')).filter(|(n, _)| !own.contains(n)).collect()
}

/// Sources the file once and twice under the strictest settings and compares with `env`.
fn check_shell(fixture: &Fixture, shell_command: &[&str], strict: &str, source: &str) {
    let plain = shell(fixture, shell_command, "env");
    let once = shell(fixture, shell_command, &format!("{strict}{source}; env"));
    let twice = shell(fixture, shell_command, &format!("{strict}{source}; {source}; env"));
    once.code(0).stderr_is("");
    twice.code(0).stderr_is("");
    let (before, after) = (variables(&plain.stdout), variables(&once.stdout));
    assert_eq!(after, variables(&twice.stdout), "twice is as good as once");
    let document = fixture.run(["env", "--shell", "json"]);
    let document: serde_json::Value = serde_json::from_str(&document.code(0).stdout).unwrap();
    let wanted = document["variables"].as_object().unwrap();
    assert!(wanted.len() > 12);
    for (name, value) in wanted {
        assert_eq!(after.get(name.as_str()).copied(), value.as_str(), "{name}");
    }
    let bin = document["path"][0].as_str().unwrap();
    assert_eq!(after["PATH"], format!("{bin}:{}", before["PATH"]));
    let mut added: Vec<&str> =
        after.keys().filter(|name| !before.contains_key(*name)).copied().collect();
    added.retain(|name| !wanted.contains_key(*name));
    assert!(added.is_empty(), "more than it says: {added:?}");
    assert!(!after.contains_key("LD_LIBRARY_PATH"));
    let call = format!("{strict}{source}; {X86}-clang --version");
    shell(fixture, shell_command, &call).code(0).stdout_has("clang version 19.1.7");
}

#[test]
fn j14_env_sh_works_in_sh_bash_and_dash_twice_and_under_strict_settings() {
    let fixture = Fixture::prepared();
    for name in ["sh", "bash", "dash"] {
        check_shell(&fixture, &[name, "-c"], "set -eu; ", ". \"$1/env.sh\"");
    }
    check_shell(&fixture, &["bash", "--posix", "-c"], "set -euo pipefail; ", ". \"$1/env.sh\"");
    // Without PATH at all, as cron and some containers start.
    let script = "unset PATH; set -eu; . \"$1/env.sh\"; echo \"$PATH\"";
    let bin = fixture.path(format!("toolchains/{X86}/bin"));
    shell(&fixture, &["bash", "-c"], script).code(0).stdout_is(&format!("{}\n", bin.display()));
}

#[test]
fn j14_env_sh_is_the_same_whatever_splits_words_or_is_read_first() {
    let fixture = Fixture::prepared();
    let planted = fixture.home().join("planted.sh");
    std::fs::write(&planted, "echo planted; exit 9\n").unwrap();
    let home = fixture.path(format!("toolchains/{X86}"));
    let linker = "\"$CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER\"";
    for name in ["sh", "bash", "dash"] {
        // Files that shells read at their start: set after ours began, so only a shell that
        // env.sh started would read them.
        let script = format!(
            "export BASH_ENV='{0}' ENV='{0}'; IFS=/lou; CDPATH=/; GLOBIGNORE='*'; set -f\n\
             . \"$1/env.sh\"\nIFS=' '; printf '%s\\n' \"$REML_TOOLCHAIN_HOME\" {linker}",
            planted.display()
        );
        let expected = format!("{0}\n{0}/bin/{X86}-clang\n", home.display());
        shell(&fixture, &[name, "-c"], &script).code(0).stdout_is(&expected).stderr_is("");
    }
}

#[test]
fn j13_our_own_variables_malformed_are_refused_and_change_nothing() {
    let mut fixture = Fixture::prepared();
    // Whoever held a lock last stands in its file.
    let tree = |fixture: &Fixture| fixture.snapshot("").without(|path| path.ends_with(".lock"));
    let before = tree(&fixture);
    let file = fixture.path("versions.toml");
    let missing = fixture.path("no such file");
    let run = |fixture: &Fixture, args: &[&str]| {
        let mut command = Command::new(crate::support::fixture::PROGRAM);
        command.env_clear().envs(fixture.env()).args(args).current_dir(fixture.home());
        Outcome::new(format!("{command:?}"), &command.output().unwrap())
    };
    fixture.set_env("REML_TOOLCHAIN_ROOT", &file);
    run(&fixture, &["verify"]).code(2).stderr_has("not a folder");
    // Relative: seen from the current folder, as every path on a command line.
    fixture.set_env("REML_TOOLCHAIN_ROOT", "../wörk räum");
    run(&fixture, &["verify"]).code(0);
    fixture.set_env("REML_TOOLCHAIN_ROOT", "a:b");
    run(&fixture, &["prepare"]).code(2).stderr_has("cannot stand in PATH");
    fixture.unset_env("REML_TOOLCHAIN_ROOT");
    fixture.set_env("REML_TOOLCHAIN_MIRROR", "not a mirror");
    fixture.run(["lock"]).code(2).stderr_has("--mirror: expected a URL");
    fixture.unset_env("REML_TOOLCHAIN_MIRROR");
    fixture.set_env("REML_TOOLCHAIN_KEYRING", &missing);
    fixture.run(["lock"]).code(1).stderr_has("no such file");
    fixture.unset_env("REML_TOOLCHAIN_KEYRING");
    // What `env.sh` sets is for others: we never follow it, wherever it leads.
    for value in ["relative", "/nonexistent", "", "\u{1}"] {
        fixture.set_env("REML_TOOLCHAIN_HOME", value);
        fixture.run(["verify"]).code(0).stderr_lacks("warning");
    }
    tree(&fixture).assert_same_as(&before);
}

#[test]
fn j10_j11_j12_languages_clocks_and_terminals_change_no_byte_of_the_tree() {
    let mut fixture = Fixture::prepared();
    let path = format!("toolchains/{X86}/");
    let before = fixture.snapshot(&path);
    for (name, value) in [
        ("LANG", "tr_TR.UTF-8"),
        ("LC_ALL", "ja_JP.EUC-JP"),
        ("POSIXLY_CORRECT", "1"),
        ("TZ", "Pacific/Kiritimati"),
        ("SOURCE_DATE_EPOCH", "86400"),
        ("TERM", "xterm-256color"),
        ("COLUMNS", "7"),
        ("CI", "true"),
        ("CLICOLOR_FORCE", "1"),
    ] {
        fixture.set_env(name, value);
    }
    fixture.prepare(["--force"]).code(0).stderr_lacks("\u{1b}");
    assert!(before.0.len() > 100, "{before}");
    fixture.snapshot(&path).assert_same_as(&before);
}

#[test]
#[ignore = "needs zsh, ksh, fish and tcsh: the step shells of .ci/run"]
fn j14_env_files_work_in_zsh_ksh_and_fish_and_csh_is_refused_with_a_hint() {
    let fixture = Fixture::prepared();
    check_shell(&fixture, &["zsh", "-f", "-c"], "set -eu; ", ". \"$1/env.sh\"");
    check_shell(&fixture, &["ksh", "-c"], "set -eu; ", ". \"$1/env.sh\"");
    let file = fixture.path(format!("toolchains/{X86}/env.sh"));
    let script = format!("source '{}'; echo alive $?REML_TOOLCHAIN_HOME", file.display());
    let csh = shell(&fixture, &["tcsh", "-f", "-c"], &script);
    csh.code(0)
        .stdout_is("alive 0\n")
        .stderr_has("error: env.sh is for sh, bash, dash, zsh and ksh");
    csh.stderr_has("hint: start one of them, or run: reml-toolchain exec -- COMMAND");
    // The arguments after a fish script begin with what sh would call $0.
    check_shell(&fixture, &["fish", "--no-config", "-c"], "", "source $argv[2]/env.fish");
}

#[test]
fn env_prints_what_a_shell_can_evaluate_and_what_github_reads() {
    let fixture = Fixture::prepared();
    let text = fixture.run(["env"]).code(0).stderr_is("").stdout.clone();
    let script = format!("set -eu\n{text}\n{X86}-clang --version");
    shell(&fixture, &["sh", "-c"], &script).code(0).stdout_has("clang version 19.1.7");
    let github = fixture.run(["env", "--shell", "github"]).code(0).stdout.clone();
    assert!(github.lines().all(|line| line.contains('=')), "{github}");
    let home = fixture.path(format!("toolchains/{X86}"));
    assert!(github.contains(&format!("REML_TOOLCHAIN_HOME={}\n", home.display())), "{github}");
    fixture.run(["env", "--shell", "csh"]).code(2).stderr_has("possible values");
}

fn exec(fixture: &Fixture, args: &[&str]) -> Outcome {
    fixture.run(["exec", "--"].iter().chain(args))
}

#[test]
fn exec_passes_arguments_environment_and_every_status() {
    let fixture = Fixture::prepared();
    exec(&fixture, &["/bin/sh", "-c", "exit 0"]).code(0).stderr_is("");
    for status in [1, 2, 70, 125, 126, 127, 255] {
        exec(&fixture, &["/bin/sh", "-c", &format!("exit {status}")]).code(status).stderr_is("");
    }
    let echo = ["/bin/sh", "-c", "printf '<%s>' \"$0\" \"$@\"", "a b", "", "--json", "--", "ü\n"];
    exec(&fixture, &echo).code(0).stdout_is("<a b><><--json><--><ü\n>");
    let home = fixture.path(format!("toolchains/{X86}"));
    let script = "echo $REML_TOOLCHAIN_HOME; command -v x86_64-unknown-linux-gnu-cc";
    let expected = format!("{0}\n{0}/bin/{X86}-cc\n", home.display());
    exec(&fixture, &["/bin/sh", "-c", script]).code(0).stdout_is(&expected);
    exec(&fixture, &[&format!("{X86}-clang"), "--version"]).code(0).stdout_has("clang version 19");
}

#[test]
fn exec_ends_by_the_signal_that_ended_the_command() {
    let fixture = Fixture::prepared();
    for (name, number) in [("KILL", 9), ("TERM", 15), ("PIPE", 13), ("USR1", 10)] {
        let script = format!("kill -{name} $$; sleep 5");
        let status = fixture.command(["exec", "--", "/bin/sh", "-c", &script]).status().unwrap();
        assert_eq!(status.signal(), Some(number), "{name}");
        // What a shell makes of it is 128 and the number.
        let program = crate::support::fixture::PROGRAM;
        let mut outer = Command::new("/bin/sh");
        outer.args(["-c", "\"$@\"; exit $?", "sh", program, "--root"]).arg(fixture.root());
        outer.args(["exec", "--", "/bin/sh", "-c", &script]);
        let output = outer.env_clear().envs(fixture.env()).output().unwrap();
        Outcome::new(name.into(), &output).code(128 + number);
    }
}

#[test]
fn exec_tells_its_own_failures_from_those_of_the_command() {
    let fixture = Fixture::prepared();
    let code = |args: &[&str], exit: i32, code: &str| {
        let outcome = fixture.run(["exec", "--json", "--"].iter().chain(args));
        outcome.code(exit).stderr_has("error: ");
        let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(document["error"]["code"], code, "{outcome}");
        assert_eq!(document["error"]["exit"], exit, "{outcome}");
    };
    code(&["no-such-command"], 127, "command-not-found");
    code(&["./no/such/command"], 127, "program-not-started");
    fixture.write("plain", "echo no\n");
    let plain = fixture.path("plain");
    code(&[plain.to_str().unwrap()], 126, "program-not-started");
    code(&[fixture.root().to_str().unwrap()], 126, "program-not-started");
    std::fs::write(fixture.tools().join("not-mine"), "echo no\n").unwrap();
    code(&["not-mine"], 126, "command-not-executable");
    fixture.tool("gone", "");
    std::fs::write(fixture.tools().join("gone"), "#!/no/such/interpreter\n").unwrap();
    code(&["gone"], 126, "program-not-started");
    // Nothing is prepared: our own failure, which is none of the command's statuses.
    let bare = Fixture::new();
    bare.run(["exec", "--", "/bin/true"]).code(125).stderr_has("no toolchain is prepared");
    bare.run(["exec", "--target", "nowhere", "--", "/bin/true"]).code(125);
    bare.run(["exec"]).code(2);
}

#[test]
fn each_command_writes_one_json_document_with_a_stable_code_for_its_failure() {
    let fixture = Fixture::new();
    let failure = |args: &[&str], exit: i32, code: &str| {
        let outcome = fixture.run(args);
        outcome.code(exit);
        let document: serde_json::Value = serde_json::from_str(&outcome.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{outcome}"));
        assert_eq!(document["schema"], 1, "{outcome}");
        assert_eq!(document["error"]["code"], code, "{outcome}");
        assert_eq!(document["error"]["exit"], exit, "{outcome}");
        assert!(document["error"]["message"].as_str().is_some_and(|text| !text.is_empty()));
        assert!(document["error"]["hints"].is_array() && document["error"]["causes"].is_array());
    };
    failure(&["--json", "prepare"], 2, "not-locked");
    failure(&["--json", "verify"], 1, "not-prepared");
    failure(&["--json", "env"], 1, "not-prepared");
    failure(&["--json", "lock", "--offline"], 5, "offline");
    failure(&["prepare", "--target", "m68k", "--json"], 2, "unknown-name");
    failure(&["prepare", "--json", "--jobs", "0"], 2, "usage");
    failure(&["--json", "no-such-command"], 2, "usage");
    fixture.write("versions.toml", "schema = 2\n");
    failure(&["--json", "prepare"], 2, "pins-invalid");
    // Mistakes without --json leave stdout to data.
    fixture.run(["no-such-command"]).code(2).stdout_is("");
    fixture.run(["--help"]).code(0).stderr_is("").stdout_has("prepare");
}

#[test]
fn each_command_writes_one_json_document_for_its_success() {
    let fixture = Fixture::new();
    let document = |outcome: Outcome| -> serde_json::Value {
        let document = serde_json::from_str(&outcome.code(0).stdout);
        let document: serde_json::Value = document.unwrap_or_else(|e| panic!("{e}\n{outcome}"));
        assert_eq!(document["schema"], 1);
        assert!(document.get("error").is_none());
        document
    };
    assert_eq!(document(fixture.lock(["--json"]))["packages"], 45);
    let prepared = document(fixture.prepare(["--json", "--target", "all"]));
    let list = prepared["toolchains"].as_array().unwrap();
    assert_eq!((&list[0]["target"], &list[1]["target"]), (&X86.into(), &ARM.into()));
    assert_eq!(list[0]["up_to_date"], false);
    assert_eq!(list[0]["reason"], "nothing is prepared yet");
    assert!(list[0]["milliseconds"].as_u64().is_some());
    let root = fixture.path(format!("toolchains/{X86}"));
    assert_eq!(list[0]["root"], root.to_str().unwrap());
    assert_eq!(document(fixture.run(["verify", "--json"]))["target"], X86);
    let variables = document(fixture.run(["env", "--json", "--target", ARM]));
    assert_eq!(
        variables["variables"]["CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER"],
        format!("{ARM}-run")
    );
}
