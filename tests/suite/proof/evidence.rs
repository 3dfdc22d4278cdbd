//! What a built file must be: for its target, and without a trace of the machine it was
//! built on. It looks at the bytes with the elf room and with the toolchain's readelf.

use std::path::Path;

use reml_toolchain::elf::{self, Facts};

use super::{Toolchain, Work, for_both_targets};
use crate::support::fixture::Outcome;

/// How a file names its loader in each kind of link.
const FILE_EXECUTABLE: u16 = 2;
const FILE_SHARED: u16 = 3;

/// A dynamic program of the target. Returns what it says of itself.
#[track_caller]
pub fn check(toolchain: &Toolchain, file: &Path) -> Facts {
    let facts = check_machine(toolchain, file);
    assert_eq!(facts.interpreter.as_deref(), Some(toolchain.target.interpreter));
    facts
}

/// Any linked file of the target: the machine, and no path of the host.
#[track_caller]
pub fn check_machine(toolchain: &Toolchain, file: &Path) -> Facts {
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let facts = elf::read(&bytes).unwrap();
    assert_eq!(facts.machine, toolchain.target.machine, "{}", file.display());
    check_paths(toolchain, file, &bytes);
    facts
}

/// No path of this machine stands in the bytes.
#[track_caller]
fn check_paths(toolchain: &Toolchain, file: &Path, bytes: &[u8]) {
    let root = toolchain.project.to_str().unwrap();
    // Debug information names the target's headers as they are called on the target.
    let debug = memchr::memmem::find(bytes, b".debug_line").is_some();
    let gcc = if debug { root } else { "/usr/lib/gcc" };
    for trace in [root, gcc, "/toolchains/", env!("CARGO_MANIFEST_DIR")] {
        let found = memchr::memmem::find(bytes, trace.as_bytes());
        assert_eq!(found, None, "{} holds {trace}", file.display());
    }
}

/// Each file the linker took lies in the toolchain, or in the folder of the work.
#[track_caller]
pub fn check_linked(toolchain: &Toolchain, work: &Work, trace: &Outcome) -> usize {
    trace.code(0);
    let tree = toolchain.root().canonicalize().unwrap();
    let mut inside = 0;
    for line in trace.stdout.lines() {
        // A member of an archive is named behind it, in brackets.
        let path =
            line.split_once(".a(").map_or(line.to_owned(), |(archive, _)| format!("{archive}.a"));
        let path = work.path(path);
        if path.starts_with(work.path("")) {
            continue;
        }
        let real = path.canonicalize().unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(real.starts_with(&tree), "{line} lies outside of {}", tree.display());
        inside += 1;
    }
    inside
}

fn readelf_tells_the_same_as_the_elf_room(toolchain: &Toolchain) {
    let work = Work::new("languages");
    toolchain.compile(&work, "clang", "hello.c -o program");
    let facts = check(toolchain, &work.path("program"));
    assert_eq!(facts.file_type, FILE_SHARED);
    assert_eq!(facts.needed, ["libc.so.6"]);
    assert_eq!((facts.rpath, facts.runpath), (None, None));
    let outcome = toolchain.call(&work, "readelf", ["-h", "-l", "-d", "program"]);
    let machine = match toolchain.target.processor {
        "aarch64" => "AArch64",
        _ => "Advanced Micro Devices X86-64",
    };
    outcome
        .code(0)
        .stdout_has(machine)
        .stdout_has(&format!("[Requesting program interpreter: {}]", toolchain.target.interpreter))
        .stdout_has("Shared library: [libc.so.6]")
        .stdout_lacks("RUNPATH")
        .stdout_lacks("RPATH");
}

fn the_linker_takes_no_file_from_outside(toolchain: &Toolchain) {
    for (compiler, source) in [("clang", "threads.c"), ("clang++", "hello.cpp")] {
        for flags in ["-pthread -ldl -lcrypt", "-static", "-static-pie", "-no-pie"] {
            let work = Work::new("languages");
            let args = format!("{source} {flags} -lm -Wl,-t -o program");
            let trace = toolchain.call(&work, compiler, args.split(' '));
            let inside = check_linked(toolchain, &work, &trace);
            assert!(inside >= 6, "crt files and libraries are expected\n{trace}");
            let facts = check_machine(toolchain, &work.path("program"));
            let executable = matches!(flags, "-static" | "-no-pie");
            let kind = if executable { FILE_EXECUTABLE } else { FILE_SHARED };
            assert_eq!(facts.file_type, kind, "{flags}");
            assert_eq!(facts.interpreter.is_none(), flags.starts_with("-static"), "{flags}");
            if flags.starts_with("-pthread") {
                // A dangling link of a -dev package would silently give the static library.
                assert!(facts.needed.iter().any(|name| name == "libcrypt.so.1"), "{facts:?}");
                let cpp = facts.needed.iter().any(|name| name == "libstdc++.so.6");
                assert_eq!(cpp, compiler == "clang++", "{facts:?}");
            }
        }
    }
}

fn every_header_comes_from_the_toolchain(toolchain: &Toolchain) {
    let tree = toolchain.root().canonicalize().unwrap();
    for (compiler, source) in [("clang", "hello.c"), ("clang++", "hello.cpp")] {
        let work = Work::new("languages");
        let outcome = toolchain.call(&work, compiler, ["-v", "-H", "-c", source]);
        outcome.code(0).stderr_lacks(" /usr/include").stderr_lacks("-isystem /usr");
        let mut headers = 0;
        let list = outcome.stderr.split_once("search starts here:").unwrap().1;
        for line in list.lines() {
            let path = line.trim_start_matches(['.', ' ']);
            if line.starts_with(['.', ' ']) && path.starts_with('/') {
                let real = Path::new(path).canonicalize().unwrap();
                assert!(real.starts_with(&tree), "{path}\n{outcome}");
                headers += 1;
            }
        }
        assert!(headers > 10, "{outcome}");
    }
}

fn debug_information_names_no_folder_of_the_toolchain(toolchain: &Toolchain) {
    let work = Work::new("languages");
    for (compiler, source) in [("clang", "threads.c"), ("clang++", "hello.cpp")] {
        let args = ["-g", "-O2", source, "-lm", "-o", "program"];
        toolchain.call(&work, compiler, args).code(0);
        let bytes = std::fs::read(work.path("program")).unwrap();
        for trace in [toolchain.project.to_str().unwrap(), "/toolchains/", "/.gen/"] {
            let found = memchr::memmem::find(&bytes, trace.as_bytes());
            assert_eq!(found, None, "{source} holds {trace}");
        }
        let outcome = toolchain.call(&work, "dwarfdump", ["--debug-line", "program"]);
        outcome.code(0).stdout_has("\"/usr/include");
    }
}

/// What a stranger may have in the environment, each a trap for a cross compiler.
fn plant(work: &mut Work) {
    let traps = work.path("traps");
    for name in ["ld.lld", "ld", "lld", "clang", "x86_64-unknown-linux-gnu-ld", "as"] {
        work.write(&format!("traps/{name}"), "#!/bin/sh\nexit 99\n");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(traps.join(name), executable).unwrap();
    }
    work.write("traps/stdio.h", "#error \"a planted header\"\n");
    work.write("traps/libc.so", "a planted library\n");
    for processor in ["x86_64", "aarch64"] {
        work.write(&format!("traps/{processor}-unknown-linux-gnu.cfg"), "-DPLANTED -nostdinc\n");
        let own = format!(".config/clang/{processor}-unknown-linux-gnu-clang.cfg");
        work.write(&own, "-DPLANTED -nostdinc\n");
    }
    for name in [
        "PATH",
        "CPATH",
        "C_INCLUDE_PATH",
        "CPLUS_INCLUDE_PATH",
        "LIBRARY_PATH",
        "COMPILER_PATH",
        "GCC_EXEC_PREFIX",
        "SDKROOT",
        "LD_RUN_PATH",
        "LD_LIBRARY_PATH",
        "CLANG_CONFIG_FILE_USER_DIR",
    ] {
        work.set(name, &traps);
    }
    work.set("CCC_OVERRIDE_OPTIONS", "# +-DPLANTED +-nostdinc O0");
    work.set("MACOSX_DEPLOYMENT_TARGET", "13.0");
    work.set("LDEMULATION", "elf_i386");
}

fn hostile_variables_change_no_byte(toolchain: &Toolchain) {
    let compile = |work: &Work, source: &str, compiler: &str| {
        toolchain.compile(work, compiler, &format!("-O2 -c {source} -o object.o"));
        toolchain.compile(work, compiler, &format!("-O2 {source} -o program"));
        let read = |name: &str| std::fs::read(work.path(name)).unwrap();
        (read("object.o"), read("program"))
    };
    for (compiler, source) in [("clang", "hello.c"), ("clang++", "hello.cpp")] {
        let clean = compile(&Work::new("languages"), source, compiler);
        let mut work = Work::new("languages");
        plant(&mut work);
        assert!(compile(&work, source, compiler) == clean, "{source} differs");
    }
}

for_both_targets!(
    readelf_tells_the_same_as_the_elf_room,
    the_linker_takes_no_file_from_outside,
    every_header_comes_from_the_toolchain,
    debug_information_names_no_folder_of_the_toolchain,
    hostile_variables_change_no_byte,
);
