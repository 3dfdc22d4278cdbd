//! Bare machines: roots that hold Debian's libc6, dash and coreutils and no more, entered
//! by a user who is not root. `.ci/proof` makes the roots; entering them needs root.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::places::Project;
use super::{PROGRAM, finish, ground};
use crate::support::fixture::Outcome;

/// Any user without rights of its own.
const USER: &str = "1000:1000";

/// A bare root with a project in it that has downloads and nothing else.
struct Bare {
    root: PathBuf,
    project: Project,
}

impl Bare {
    fn new(root: &str, program: &Path) -> Self {
        let root = ground(root);
        let home = root.join("home");
        std::fs::create_dir_all(&home).unwrap();
        let project = Project::new(&home, "project", &["pool"]);
        let bare = Self { root, project };
        let folder = bare.project.path("");
        std::fs::copy(program, folder.join("reml-toolchain")).unwrap();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/projects/languages");
        super::copy_tree(&data, &folder);
        // The user owns the folders; the downloads stay root's, readable links.
        let args = ["-type", "d", "-exec", "chown", USER, "{}", "+"];
        finish(Command::new("find").arg(&folder).args(args)).code(0);
        bare
    }

    /// The folder as the user sees it.
    fn seen(&self) -> PathBuf {
        Path::new("/").join(self.project.path("").strip_prefix(&self.root).unwrap())
    }

    /// Runs a script of dash inside, in the user's folder. `/proc` is mounted in a mount
    /// namespace that ends with the script.
    fn run(&self, proc: bool, script: &str) -> Outcome {
        let mount = if proc { "mount -t proc proc \"$1/proc\" &&" } else { "" };
        let enter = format!(
            "mkdir -p \"$1/proc\" && {mount} exec env -i PATH=/usr/bin:/bin \
             TMPDIR=\"$3\" /usr/sbin/chroot --userspec={USER} \"$1\" /bin/sh -c \"$2\" sh \"$3\""
        );
        let script = format!("set -eu; cd \"$1\"; {script}");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", &enter, "sh"]);
        finish(command.arg(&self.root).arg(script).arg(self.seen()).stdin(Stdio::null()))
    }
}

/// The tools of both targets, as `$x` and `$a`.
const NAMES: &str = "x=$PWD/project/toolchains/x86_64-unknown-linux-gnu/bin/x86_64-unknown-linux-gnu; \
     a=$PWD/project/toolchains/aarch64-unknown-linux-gnu/bin/aarch64-unknown-linux-gnu; ";

const PREPARE: &str = "test \"$(id -u)\" = 1000; \
     for name in clang clang-19 ld.lld cc gcc ld; do ! command -v $name || exit 50; done; \
     test ! -e /usr/include; \
     ./reml-toolchain --root project prepare --cache --target all; ";

/// C and C++ for this machine and for the other one, which the emulator runs.
const BUILD: &str = "\
     \"$x-clang\" -Werror hello.c -o c; ./c; \
     \"$x-clang++\" -Werror hello.cpp -static -o cpp; ./cpp; \
     \"$a-clang\" -Werror hello.c -o c64; \"$a-run\" ./c64; \
     \"$a-clang++\" -Werror hello.cpp -o cpp64; \"$a-run\" ./cpp64; ";

const SAYS: &str = "hello from C\ncaught: nothing to parse\nworker: 42, size: 4\n\
     hello from C\ncaught: nothing to parse\nworker: 42, size: 4\n";

/// Debian's own libraries for a C++ program that has none on this machine.
const BORROW: &str = "\"$x-clang++\" hello.cpp -o shared; \
     l=${x%/bin/*}/sysroot; LD_LIBRARY_PATH=$l/usr/lib/x86_64-linux-gnu ./shared; ";

#[test]
#[ignore = "needs root and a bare Debian: the step proof of .ci/run"]
fn a_bare_bookworm_without_llvm_and_headers_builds_c_and_cpp() {
    let bare = Bare::new("bare-bookworm", Path::new(PROGRAM));
    let script = format!("{NAMES} {PREPARE} {BUILD}");
    let outcome = bare.run(true, &script);
    outcome.code(0).stdout_is(SAYS).stderr_has("LLVM is Debian's, in the toolchain");
    let outcome = bare.run(true, &format!("{NAMES} {BORROW}"));
    outcome.code(0).stdout_is("caught: nothing to parse\nworker: 42, size: 4\n");
    without_proc_every_tool_says_what_it_needs(&bare);
}

/// Not supported: the loader and the shims find their folders through `/proc`.
fn without_proc_every_tool_says_what_it_needs(bare: &Bare) {
    let outcome = bare.run(false, &format!("{NAMES} \"$x-clang\" hello.c -o c"));
    outcome.code(126).stderr_has("/proc is not mounted").stderr_has("mount -t proc proc /proc");
    let prepare = "./reml-toolchain --root project prepare --cache --force";
    bare.run(false, prepare).code(6).stderr_has("/proc is not mounted");
    // The toolchain is as it was.
    bare.run(true, &format!("{NAMES} \"$x-clang\" hello.c -o c; ./c")).code(0);
}

#[test]
#[ignore = "needs root and a bare Debian: the step proof of .ci/run"]
fn an_older_glibc_gets_the_carried_loader() {
    // Rust's own need of glibc is not what is proven, so this one is linked statically.
    let bare = Bare::new("bare-bullseye", &ground("static/reml-toolchain"));
    let outcome = bare.run(true, &format!("{NAMES} {PREPARE}"));
    outcome.code(0).stderr_has("LLVM is Debian's with its C library, in the toolchain");
    // A program for glibc 2.36 does not start on 2.31; a static one does.
    let build = BUILD.replace("hello.c -o c;", "hello.c -static -o c;");
    bare.run(true, &format!("{NAMES} {build}")).code(0).stdout_is(SAYS);
    let again = "./reml-toolchain --root project prepare --cache --target all";
    bare.run(true, again).code(0).stderr_has("is up to date");
    // Moved, the carried loader is not where the programs name it: the tools say so.
    let moved = bare.run(
        true,
        &format!(
            "{NAMES} mv project moved; \
         \"${{x%%/project/*}}/moved/${{x#*/project/}}-clang\" hello.c -o c"
        ),
    );
    moved.code(126).stderr_has("the toolchain was moved").stderr_has("reml-toolchain prepare");
    let repaired = bare.run(
        true,
        &format!(
            "./reml-toolchain --root moved prepare --cache; \
         {NAMES} \"${{x%%/project/*}}/moved/${{x#*/project/}}-clang\" -static hello.c -o c; ./c"
        ),
    );
    repaired.code(0).stdout_is("hello from C\n");
}
