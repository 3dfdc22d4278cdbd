//! The way over Homebrew with a real LLVM in its kegs: the one that `prepare --llvm debian`
//! unpacked. A C and a C++ program are built through it and run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::brew::Brew;
use crate::support::fixture::{Outcome, PROGRAM};

const X86: &str = "x86_64-unknown-linux-gnu";

/// The folder that the step fills: `plain` is a project with a prepared toolchain.
fn ground() -> PathBuf {
    let root = std::env::var_os("REML_BREW_ROOT")
        .expect("REML_BREW_ROOT names no prepared folder; run this by `.ci/run brew`");
    PathBuf::from(root).canonicalize().unwrap()
}

fn run(root: &Path, brew: &Brew, args: &[&str]) -> Outcome {
    let mut command = Command::new(PROGRAM);
    command.env_clear().env("HOMEBREW_PREFIX", brew.prefix()).env("HOME", brew.prefix());
    command.env("PATH", brew.prefix().join("no tools here")).arg("--root").arg(root).args(args);
    Outcome::new(format!("{command:?}"), &command.output().unwrap())
}

/// Gives every file of Debian's tree a name in a keg: the programs that `takes` chooses,
/// and all libraries where their `$ORIGIN/../lib` finds them.
fn fill(llvm: &Path, keg: &Path, takes: impl Fn(&str) -> bool) {
    fs::create_dir_all(keg.join("bin")).unwrap();
    for (from, to, all) in [("bin", "bin", false), ("lib", "lib", true)] {
        fs::create_dir_all(keg.join(to)).unwrap();
        for entry in fs::read_dir(llvm.join(from)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() || !(all || takes(&name)) {
                continue;
            }
            let place = keg.join(to).join(&name);
            let said = fs::read_link(&path).ok().filter(|said| said.components().count() == 1);
            match said {
                Some(said) => std::os::unix::fs::symlink(said, &place).unwrap(),
                None => {
                    fs::copy(path.canonicalize().unwrap(), &place).unwrap();
                }
            }
        }
    }
    let headers = llvm.join("lib/clang");
    let copied = Command::new("/bin/cp").arg("-rL").arg(headers).arg(keg.join("lib")).status();
    assert!(copied.unwrap().success());
}

#[test]
#[ignore = "run by .ci/run brew"]
fn l08_a_real_program_is_built_and_run_through_homebrews_kegs() {
    let ground = ground();
    let llvm = ground.join(format!("plain/toolchains/{X86}/lib/llvm/usr/lib/llvm-19"));
    let brew = Brew::at(&ground.join("home brew"));
    brew.offer_all(19, "19.1.7");
    for (formula, is_lld) in [("llvm@19", false), ("lld@19", true)] {
        let bottle = brew.prefix().join("var/bottles").join(formula).join("19.1.7");
        fs::remove_dir_all(&bottle).unwrap();
        let of_lld = |name: &str| matches!(name, "lld" | "ld.lld");
        fill(&llvm, &bottle, |name| of_lld(name) == is_lld);
    }
    let project = ground.join("through brew");
    fs::create_dir_all(project.join("toolchains/cache")).unwrap();
    for file in ["versions.toml", "checksums.txt"] {
        fs::copy(ground.join("plain").join(file), project.join(file)).unwrap();
    }
    let pool = ground.join("plain/toolchains/cache/pool");
    let mut copy = Command::new("/bin/cp");
    copy.arg("-al").arg(pool).arg(project.join("toolchains/cache"));
    assert!(copy.status().unwrap().success());

    let ready = run(&project, &brew, &["prepare", "--brew"]);
    ready.code(0).stderr_has("LLVM is Homebrew's llvm@19 19.1.7");
    assert!(!project.join(format!("toolchains/{X86}/lib/llvm")).exists());
    fs::write(
        project.join("a b.c"),
        "#include <stdio.h>\n#include <crypt.h>\nint main(void) {\n\
         puts(crypt(\"secret\", \"$6$salt\")); return 7; }\n",
    )
    .unwrap();
    fs::write(
        project.join("a.cc"),
        "#include <iostream>\n#include <vector>\nint main() { std::vector<int> v{1, 2, 3};\n\
         try { v.at(9); } catch (const std::exception &e) { std::cout << e.what() << '\\n'; } }\n",
    )
    .unwrap();
    let shim = |tool: &str, args: &[&str]| {
        let program = project.join(format!("toolchains/{X86}/bin/{X86}-{tool}"));
        let output = Command::new(program).args(args).current_dir(&project).env_clear().output();
        let outcome = Outcome::new(format!("{tool} {args:?}"), &output.unwrap());
        outcome.code(0);
        outcome
    };
    shim("clang", &["-Werror", "-O2", "-g", "a b.c", "-lcrypt", "-o", "c program"]);
    shim("clang++", &["-Werror", "-O2", "a.cc", "-o", "cpp program"]);
    shim("readelf", &["-d", "c program"]).stdout_has("libcrypt.so.1");
    shim("strip", &["c program"]);
    let output = Command::new(project.join("c program")).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(output.stdout.starts_with(b"$6$salt$"), "{output:?}");
    let output = Command::new(project.join("cpp program")).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("vector"), "{output:?}");
    // The step counts on this: a second run does nothing.
    run(&project, &brew, &["prepare", "--brew"]).code(0).stderr_has("is up to date");
    run(&project, &brew, &["verify"]).code(0);
}
