//! Build systems: each builds a project for the target through the files and variables of
//! the toolchain alone.

use std::path::{Path, PathBuf};

use super::evidence::{check, check_machine};
use super::{Toolchain, Work, for_both_targets};

const SUM: &str = "sum: 42\n";

/// What `configure` scripts and Makefiles call.
const UNIX: [&str; 38] = [
    "sh", "bash", "env", "cat", "sed", "grep", "egrep", "fgrep", "expr", "awk", "mawk", "tr",
    "sort", "uniq", "head", "tail", "cut", "wc", "basename", "dirname", "mkdir", "rmdir", "rm",
    "cp", "mv", "ln", "ls", "chmod", "touch", "date", "uname", "sleep", "cmp", "diff", "install",
    "find", "make", "mktemp",
];

/// The programs of `tree`, installed by a build system, run and are clean.
fn check_installed(toolchain: &Toolchain, work: &Work, tree: &str, libdir: &str) {
    toolchain.run(work, &format!("{tree}/bin/proof")).code(0).stdout_is(SUM);
    let facts = check(toolchain, &work.path(tree).join("bin/proof"));
    assert!(facts.needed.iter().any(|name| name == "libsum.so.1"), "{facts:?}");
    let search = facts.rpath.or(facts.runpath).unwrap();
    assert_eq!(search, format!("$ORIGIN/../{libdir}"));
    let library = work.path(tree).join(libdir).join("libsum.so.1.2");
    let facts = check_machine(toolchain, &library);
    assert_eq!(facts.soname.as_deref(), Some("libsum.so.1"));
}

pub fn a_cmake_project_is_built_and_installed(toolchain: &Toolchain) {
    let work = Work::new("cmake").with_programs(&["cmake", "ninja"]);
    let triple = toolchain.target.triple;
    let file = toolchain.root().join(format!("share/cmake/{triple}.cmake"));
    let file = format!("-DCMAKE_TOOLCHAIN_FILE={}", file.display());
    let prefix = format!("-DCMAKE_INSTALL_PREFIX={}", work.path("tree").display());
    let args =
        ["-S", ".", "-B", "build", "-G", "Ninja", &file, &prefix, "-DCMAKE_INSTALL_LIBDIR=lib"];
    work.succeed("cmake", &args).stdout_has("Found Threads").stdout_lacks("/usr/bin/cc");
    work.succeed("cmake", &["--build", "build"]);
    work.succeed("cmake", &["--install", "build"]);
    check_installed(toolchain, &work, "tree", "lib");
    let cache = std::fs::read_to_string(work.path("build/CMakeCache.txt")).unwrap();
    for tool in ["CMAKE_LINKER", "CMAKE_AR", "CMAKE_STRIP"] {
        let line = cache.lines().find(|line| line.starts_with(&format!("{tool}:")));
        assert!(line.is_none_or(|line| line.contains(triple)), "{line:?}");
    }
}

pub fn a_meson_project_is_built_and_installed(toolchain: &Toolchain) {
    let work = Work::new("meson").with_programs(&["meson", "ninja", "python3"]);
    let file = toolchain.root().join(format!("share/meson/{}.ini", toolchain.target.triple));
    let prefix = format!("--prefix={}", work.path("tree").display());
    let file = file.to_str().unwrap();
    let args = ["setup", "build", "--cross-file", file, &prefix, "--libdir=lib"];
    work.succeed("meson", &args).stdout_has("Build type: cross build");
    work.succeed("meson", &["compile", "-C", "build"]).stdout_lacks("warning:");
    work.succeed("meson", &["install", "-C", "build"]);
    check_installed(toolchain, &work, "tree", "lib");
}

pub fn an_autotools_project_is_configured_and_built(toolchain: &Toolchain) {
    let tools =
        ["autoreconf", "autoconf", "automake", "aclocal", "autoheader", "autom4te", "m4", "perl"];
    let mut work = Work::new("autotools").with_programs(&[&UNIX[..], &tools[..]].concat());
    work.succeed("autoreconf", &["--install"]);
    // All that a user does: source env.sh, or put `bin` into PATH, and name the host.
    work.enter(toolchain);
    let triple = toolchain.target.triple;
    let host = format!("--host={triple}");
    let shell = work.program("sh");
    let args = ["./configure", "--build=i686-pc-linux-gnu", &host, "--prefix=/usr"];
    let configured = work.call(shell, args);
    configured.code(0).stdout_has("checking whether we are cross compiling... yes");
    configured.stdout_has(&format!("checking for {triple}-gcc... {triple}-gcc"));
    work.succeed("make", &["-j2", "V=1"]).stdout_has(&format!("{triple}-g++"));
    let tree = format!("DESTDIR={}", work.path("tree").display());
    work.succeed("make", &["install", &tree]);
    toolchain.run(&work, "tree/usr/bin/proof").code(0).stdout_is("proof 1.2: 1024\n");
    check(toolchain, &work.path("tree/usr/bin/proof"));
}

/// The Rust that runs this test, by its own programs: what stands in PATH may be a proxy.
fn rust() -> PathBuf {
    let cargo = std::env::var_os("CARGO").expect("cargo starts the tests");
    Path::new(&cargo).parent().unwrap().to_path_buf()
}

pub fn a_crate_with_c_and_cpp_sources_is_built(toolchain: &Toolchain) {
    let mut work = Work::new("crate").with_programs(&["env"]);
    for program in ["cargo", "rustc"] {
        let place = work.path(".programs").join(program);
        std::os::unix::fs::symlink(rust().join(program), place).unwrap();
    }
    // The crates that this program's own build fetched.
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).unwrap();
    work.set("CARGO_HOME", home);
    // The build script runs on this machine, and it is linked by our toolchain as well.
    let native = Toolchain::at(toolchain.project.clone(), std::env::consts::ARCH);
    work.enter(&native);
    work.enter(toolchain);
    let triple = toolchain.target.triple;
    work.succeed("cargo", &["build", "--locked", "--target", triple]);
    let says = "answer: 42, length: 14, caught: true\n";
    let program = format!("target/{triple}/debug/proof");
    toolchain.run(&work, &program).code(0).stdout_is(says);
    let facts = check(toolchain, &work.path(&program));
    assert!(facts.needed.iter().any(|name| name == "libstdc++.so.6"), "{facts:?}");
    // The runner of env.sh starts it by itself.
    let outcome = work.succeed("cargo", &["run", "--quiet", "--locked", "--target", triple]);
    outcome.stdout_is(says);
    work.set("RUSTFLAGS", "-Ctarget-feature=+crt-static");
    work.succeed("cargo", &["build", "--locked", "--target", triple, "--target-dir", "static"]);
    let program = format!("static/{triple}/debug/proof");
    toolchain.run(&work, &program).code(0).stdout_is(says);
    assert_eq!(check_machine(toolchain, &work.path(&program)).interpreter, None);
}

for_both_targets!(
    a_cmake_project_is_built_and_installed,
    a_meson_project_is_built_and_installed,
    an_autotools_project_is_configured_and_built,
    a_crate_with_c_and_cpp_sources_is_built,
);
