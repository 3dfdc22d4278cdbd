//! The ways programs link the archive. Never links anything but the archive and libc.
#![cfg(target_os = "linux")]

mod support;

use std::path::Path;
use std::process::Command;

use support::{Program, compiler, release, run, stderr, stdout};

const SOURCE: &str = "#include \"reml_runtime.h\"\n#include <pthread.h>\n
    static void* work(void* list) {
        for (int i = 0; i < 1000; i++) { void* p = mem_alloc(16); inc_ref(list); dec_ref(p); dec_ref(list); }
        return list;
    }
    int main(void) {
        void* one = reml_box_i64(41);
        void* list = reml_array_from(2, one, one);
        pthread_t thread;
        pthread_create(&thread, NULL, work, list);
        work(list);
        pthread_join(thread, NULL);
        dec_ref(list);
        print_i64(reml_unbox_i64(one) + REML_GET_HEADER(one)->refcount);
        dec_ref(one);
        dec_ref(one);
    }";

fn check(program: &Program, how: &str) {
    let output = program.output();
    assert_eq!(stdout(&output), "42\n", "{how}");
    assert_eq!(output.status.code(), Some(1), "{how}");
    assert!(stderr(&output).starts_with("panic: dec_ref: double release"), "{how}");
}

#[test]
fn position_independent_fixed_static_and_static_pie_programs_link() {
    for how in [
        "-fPIE -pie",
        "-fno-pie -no-pie",
        "-static",
        "-fPIE -static-pie",
        "-flto",
        "-Wl,--gc-sections",
    ] {
        let flags: Vec<&str> = how.split(' ').collect();
        check(&Program::new(SOURCE, release(), &flags), how);
    }
}

#[test]
fn a_shared_library_holds_the_runtime_also_when_opened_late() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| std::fs::write(at(name), text).expect("writable");
    write(
        "lib.c",
        &SOURCE.replace("int main(void)", "int entry(void); int entry(void)").replacen(
            "dec_ref(one);\n    }",
            "return 0; }",
            1,
        ),
    );
    write(
        "main.c",
        "#include <dlfcn.h>\n#include <stdio.h>
        int main(int argc, char** argv) {
            void* library = dlopen(argv[argc - 1], RTLD_NOW);
            if (!library) { puts(dlerror()); return 2; }
            int (*entry)(void) = (int (*)(void))dlsym(library, \"entry\");
            entry();
            return entry();
        }",
    );
    let library = at("libentry.so");
    run(compiler(&["-fPIC", "-shared", "-Wl,-z,defs"])
        .arg(at("lib.c"))
        .arg(release())
        .args(["-pthread", "-o"])
        .arg(&library));
    run(compiler(&[]).arg(at("main.c")).args(["-ldl", "-o"]).arg(at("main")));
    let output = run(support::start(&at("main")).arg(&library));
    assert_eq!(stdout(&output), "42\n42\n");
}

#[test]
fn a_program_needs_no_library_beside_libc() {
    let program = Program::new(SOURCE, release(), &["-nodefaultlibs", "-lc"]);
    let output = run(Command::new("readelf").args(["-d", "-W"]).arg(program.path()));
    let needed: Vec<String> = stdout(&output)
        .lines()
        .filter(|line| line.contains("NEEDED"))
        .map(ToOwned::to_owned)
        .collect();
    assert_eq!(needed.len(), 1, "{needed:?}");
    assert!(needed[0].contains("libc.so.6"));
}

#[test]
#[ignore = "needs ld.lld-19: step `lld` of tests/matrix.sh"]
fn a_bare_linker_call_needs_libc_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("p.c"), SOURCE).expect("writable");
    run(compiler(&["-c"]).arg(at("p.c")).arg("-o").arg(at("p.o")));
    let libraries = Path::new("/usr/lib/x86_64-linux-gnu");
    run(Command::new("ld.lld-19")
        .args(["-dynamic-linker", "/lib64/ld-linux-x86-64.so.2", "-pie", "-o"])
        .arg(at("p"))
        .args([libraries.join("Scrt1.o"), libraries.join("crti.o"), at("p.o"), release().into()])
        .arg("-L")
        .arg(libraries)
        .arg("-lc")
        .arg(libraries.join("crtn.o")));
    let output = Command::new(at("p")).output().expect("it starts");
    assert_eq!(stdout(&output), "42\n");
}
