//! `env.sh` in the shells people have: sourced twice it changes nothing, and what it sets
//! builds a program.

use super::{Toolchain, Work, for_both_targets};

const SHELLS: [&str; 3] = ["bash", "dash", "zsh"];

pub fn env_sh_serves_every_shell(toolchain: &Toolchain) {
    for shell in SHELLS {
        let work = Work::new("languages").with_programs(&[shell, "env", "sort"]);
        let file = toolchain.root().join("env.sh");
        // -u: a variable that is not set, such as PATH in a bare environment, is no trap.
        let script = "set -eu; . \"$1\"; env | sort > once; . \"$1\"; env | sort > twice\n\
             \"${2}-clang\" hello.c -o program; eval \"echo \\$CC_$3\"";
        let sh = work.program(shell);
        let target = toolchain.target;
        let args =
            ["-c", script, shell, file.to_str().unwrap(), target.triple, &target.underscored()];
        let outcome = work.call(sh, args);
        outcome.code(0).stderr_is("");
        assert_eq!(outcome.stdout.trim(), toolchain.tool("clang").to_str().unwrap(), "{shell}");
        let read = |name: &str| std::fs::read_to_string(work.path(name)).unwrap();
        assert_eq!(read("once"), read("twice"), "{shell}");
        assert!(!read("once").contains("LD_LIBRARY_PATH"), "{shell}");
        toolchain.run(&work, "program").code(0).stdout_is("hello from C\n");
    }
}

fn env_printed_by_the_command_is_what_env_sh_sets(toolchain: &Toolchain) {
    let printed = super::reml(&toolchain.project, ["env", "--target", toolchain.target.triple]);
    let file = std::fs::read_to_string(toolchain.root().join("env.sh")).unwrap();
    assert!(file.contains(&printed.code(0).stdout), "{printed}");
}

fn env_sh_adds_no_empty_entry_to_path(toolchain: &Toolchain) {
    let work = Work::new("languages");
    let file = toolchain.root().join("env.sh");
    let script = "unset PATH; . \"$1\"; printf '%s' \"$PATH\"";
    for shell in SHELLS {
        let sh = std::path::Path::new("/bin").join(shell);
        let outcome = work.call(sh, ["-c", script, shell, file.to_str().unwrap()]);
        outcome.code(0).stdout_is(toolchain.root().join("bin").to_str().unwrap());
    }
}

for_both_targets!(
    env_sh_serves_every_shell,
    env_printed_by_the_command_is_what_env_sh_sets,
    env_sh_adds_no_empty_entry_to_path,
);
