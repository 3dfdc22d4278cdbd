//! Valgrind and the sanitizers against the archive that ships: silent on good programs,
//! and each planted bug reported by the tool itself, with its own words. Needs the tools:
//! run by `matrix.sh`, step by step.
#![cfg(target_os = "linux")]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use support::{include, plain_compiler, release, run, stderr};

/// A program that uses everything and does nothing wrong.
const GOOD: &str = "#include \"reml_runtime.h\"
    #include <pthread.h>
    #include <stdlib.h>
    #include <string.h>
    static void* work(void* shared) {
        for (int i = 0; i < 2000; i++) {
            inc_ref(shared);
            size_t size = (size_t)i % 900;
            char* p = mem_alloc(size);
            memset(p, i, size);
            void* a = reml_array_from(3, p, shared, (void*)0);
            void* c = reml_closure_new(a, NULL);
            void* s0 = reml_set_new();
            void* s1 = reml_set_insert(s0, c);
            dec_ref(p); dec_ref(a); dec_ref(c); dec_ref(s0); dec_ref(s1); dec_ref(shared);
        }
        return NULL;
    }
    int main(void) {
        void* shared = reml_box_i64(5);
        pthread_t t[2];
        for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, shared);
        for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
        work(shared);
        void* list = NULL;
        for (int i = 0; i < 50000; i++) {
            reml_adt_t* n = mem_alloc(16);
            reml_set_type_tag(n, REML_TAG_ADT);
            n->payload = list;
            list = n;
        }
        dec_ref(list);
        dec_ref(shared);
        return 0;
    }";

/// Programs with one bug each; what `AddressSanitizer` and Valgrind call it.
const PLANTED: [(&str, &str, &str); 7] = [
    (
        "void* p = mem_alloc(24); memset(p, 1, 24); __asm__ volatile(\"\" : : \"r\"(p)); p = NULL;",
        "detected memory leaks",
        "definitely lost",
    ),
    (
        "char* p = mem_alloc(16); dec_ref(p); return p[3];",
        "heap-use-after-free",
        "Invalid read of size 1",
    ),
    (
        "int64_t* p = mem_alloc(16); p[2] = 7; dec_ref(p);",
        "heap-buffer-overflow",
        "Invalid write of size 8",
    ),
    (
        "int64_t* p = mem_alloc(600); p[75] = 7; dec_ref(p);",
        "heap-buffer-overflow",
        "Invalid write of size 8",
    ),
    (
        "void* p = mem_alloc(16); mem_free(p); mem_free(p);",
        "attempting double-free",
        "Invalid free()",
    ),
    (
        "void* p = mem_alloc(16); dec_ref(p); dec_ref(p);",
        "heap-use-after-free",
        "Invalid read of size 4",
    ),
    (
        "void* p = mem_alloc(16); dec_ref(p); inc_ref(p);",
        "heap-use-after-free",
        "Invalid read of size 4",
    ),
];

struct Built(tempfile::TempDir);

impl Built {
    fn new(compiler: &str, flags: &[&str], source: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("program.c");
        std::fs::write(&file, source).expect("a writable temporary folder");
        run(Command::new(compiler)
            .args([
                "-std=c11",
                "-Wall",
                "-Wextra",
                "-g",
                "-O1",
                "-gdwarf-4",
                "-fno-omit-frame-pointer",
            ])
            .args(flags)
            .arg("-I")
            .arg(include())
            .arg(&file)
            .arg(release())
            .args(["-pthread", "-o"])
            .arg(folder.path().join("program")));
        Self(folder)
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("program")
    }
}

fn planted(body: &str) -> String {
    // In a function of its own, so that no pointer is left in main's registers.
    format!(
        "#include \"reml_runtime.h\"\n#include <string.h>\n\
         __attribute__((noinline)) static int bug(void) {{ {body} return 0; }}\n\
         __attribute__((noinline)) static void wipe(void) {{\n\
         volatile char stack[8192]; for (int i = 0; i < 8192; i++) stack[i] = 0; }}\n\
         int main(void) {{ int r = bug(); wipe(); return r; }}"
    )
}

fn valgrind(program: &Path) -> Output {
    Command::new("valgrind")
        .args([
            "--error-exitcode=99",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite,possible",
        ])
        .args(["--num-callers=20"])
        .arg(program)
        .output()
        .expect("valgrind is installed")
}

#[test]
#[ignore = "needs valgrind: step `valgrind` of tests/matrix.sh"]
fn valgrind_is_silent_on_a_good_program() {
    let output = valgrind(&Built::new(&plain_compiler("gcc"), &[], GOOD).path());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("All heap blocks were freed"), "{}", stderr(&output));
}

#[test]
#[ignore = "needs valgrind: step `valgrind` of tests/matrix.sh"]
fn valgrind_reports_every_planted_bug() {
    let compiler = plain_compiler("gcc");
    for (body, _, expected) in PLANTED {
        let output = valgrind(&Built::new(&compiler, &["-Wno-all"], &planted(body)).path());
        let said = stderr(&output);
        assert!(said.contains(expected), "{body}\n{said}");
        assert!(output.status.code() == Some(99), "{body}: {:?}", output.status);
    }
}

#[test]
#[ignore = "needs clang-19 and libclang-rt-19-dev: step `sanitizers` of tests/matrix.sh"]
fn address_sanitizer_is_silent_on_a_good_program() {
    for compiler in ["gcc", "clang-19"] {
        let program = Built::new(compiler, &["-fsanitize=address"], GOOD);
        let output = Command::new(program.path()).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{compiler}: {}", stderr(&output));
        assert_eq!(stderr(&output), "", "{compiler}");
    }
}

#[test]
#[ignore = "needs clang-19 and libclang-rt-19-dev: step `sanitizers` of tests/matrix.sh"]
fn address_sanitizer_reports_every_planted_bug() {
    for compiler in ["gcc", "clang-19"] {
        for (body, expected, _) in PLANTED {
            let program = Built::new(compiler, &["-fsanitize=address", "-w"], &planted(body));
            let output = Command::new(program.path()).output().expect("it starts");
            let said = stderr(&output);
            assert!(said.contains(expected), "{compiler}: {body}\n{said}");
            assert!(!output.status.success(), "{compiler}: {body}");
        }
    }
}

#[test]
#[ignore = "needs clang-19 and libclang-rt-19-dev: step `sanitizers` of tests/matrix.sh"]
fn undefined_behaviour_sanitizer_is_silent_on_a_good_program_and_sees_misalignment() {
    for compiler in ["gcc", "clang-19"] {
        let flags = ["-fsanitize=undefined", "-fno-sanitize-recover=all"];
        let program = Built::new(compiler, &flags, GOOD);
        let output = Command::new(program.path()).output().expect("it starts");
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()), "{compiler}");
        let body = "char* p = mem_alloc(16); return (int)*(int64_t*)(void*)(p + 1);";
        let program = Built::new(compiler, &flags, &planted(body));
        let output = Command::new(program.path()).output().expect("it starts");
        assert!(stderr(&output).contains("misaligned address"), "{compiler}: {}", stderr(&output));
    }
}

#[test]
#[ignore = "needs addr2line: step `leaks` of tests/matrix.sh"]
fn the_debug_archive_names_the_function_that_leaked() {
    let source = "#include \"reml_runtime.h\"\n
        __attribute__((noinline)) void* culprit(void) { void* p = mem_alloc(24); __asm__ volatile(\"\"); return p; }
        int main(void) { return culprit() == (void*)0; }";
    let program = support::Program::new(source, support::debug(), &[]);
    let output = program.command().env("REML_DEBUG_EXIT", "fail").output().expect("it starts");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(23), "{said}");
    assert_eq!(said.matches("leak: objects=1 bytes=24").count(), 1, "{said}");
    let site = said.lines().find_map(|line| line.trim().strip_prefix("at ")).expect("a site");
    let (module, offset) = site.rsplit_once('+').expect("module and offset");
    let named = run(Command::new("addr2line").args(["-f", "-e", module, offset]));
    assert!(support::stdout(&named).starts_with("culprit\n"), "{said}");
}
