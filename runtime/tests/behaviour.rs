//! What the functions do when all is well, through C, as programs see it. Never repeats
//! what `faults.rs` and `bad_input.rs` hold.
#![cfg(target_os = "linux")]

mod support;

use support::{Program, stderr, stdout};

const PRELUDE: &str = "#include \"reml_runtime.h\"\n#include <signal.h>\n#include <stdio.h>\n\
    #include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n";

fn program(body: &str) -> Program {
    Program::new(&format!("{PRELUDE}{body}"), support::release(), &[])
}

#[test]
fn objects_are_fresh_zeroed_and_aligned_at_every_size() {
    let program = program(
        "int main(void) {
            for (int round = 0; round < 3; round++)
                for (size_t size = 0; size <= 1200; size++) {
                    unsigned char* p = mem_alloc(size);
                    size_t rounded = (size + 7) & ~(size_t)7;
                    if ((uintptr_t)p % 8) return 2;
                    if (REML_GET_HEADER(p)->refcount != 1 || reml_get_type_tag(p) != 0) return 3;
                    for (size_t i = 0; i < rounded; i++) if (p[i]) return 4;
                    memset(p, 0xff, rounded);
                    mem_free(p);
                }
            void* kept[5000];
            for (int i = 0; i < 5000; i++) { kept[i] = mem_alloc((size_t)i % 700); memset(kept[i], i, (size_t)i % 700); }
            for (int i = 0; i < 5000; i++) {
                unsigned char* p = kept[i];
                for (int k = 0; k < i % 700; k++) if (p[k] != (unsigned char)i) return 5;
                dec_ref(p);
            }
            return 0;
        }",
    );
    for mode in ["", "slab", "malloc"] {
        let output = program.command().env("REML_RT_ALLOC", mode).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{mode}: {}", stderr(&output));
    }
}

#[test]
fn a_number_is_printed_in_one_write() {
    // The program's own `write` is the one that the runtime calls.
    let program = program(
        "#include <sys/syscall.h>
        static int calls;
        ssize_t write(int fd, const void* bytes, size_t len) {
            calls++;
            return syscall(SYS_write, fd, bytes, len);
        }
        int main(void) {
            int64_t values[] = {0, 7, -1, INT64_MAX, INT64_MIN, 1000000};
            for (int i = 0; i < 6; i++) print_i64(values[i]);
            return calls == 6 ? 0 : 2;
        }",
    );
    let output = program.output();
    let expected = "0\n7\n-1\n9223372036854775807\n-9223372036854775808\n1000000\n";
    assert_eq!((stdout(&output).as_str(), output.status.code()), (expected, Some(0)));
}

#[test]
fn variadic_builders_take_any_number_of_arguments() {
    let program = program(
        "int main(void) {
            void* v[10];
            for (int i = 0; i < 10; i++) v[i] = reml_box_i64(i);
            for (int n = 0; n <= 10; n++) {
                reml_array_t* a = reml_array_from(n, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]);
                if (a->len != n || reml_get_type_tag(a) != REML_TAG_ARRAY) return 2;
                for (int i = 0; i < n; i++) if (a->items[i] != v[i]) return 3;
                if (n > 9 && REML_GET_HEADER(v[9])->refcount != 2) return 4;
                dec_ref(a);
            }
            reml_record_t* r = reml_record_from(8, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]);
            if (r->field_count != 8 || reml_get_type_tag(r) != REML_TAG_RECORD || r->values[7] != v[7]) return 5;
            dec_ref(r);
            for (int i = 0; i < 10; i++) {
                if (REML_GET_HEADER(v[i])->refcount != 1) return 6;
                dec_ref(v[i]);
            }
            return 0;
        }",
    );
    assert_eq!(program.output().status.code(), Some(0));
}

#[test]
fn boxes_sets_closures_and_strings_keep_their_promises() {
    let program = program(
        "static void code(void) {}
        #define CHECK(x) do { if (!(x)) { printf(\"%d\\n\", __LINE__); return 2; } } while (0)
        int main(void) {
            void* b = reml_box_i64(INT64_MIN); CHECK(reml_unbox_i64(b) == INT64_MIN); dec_ref(b);
            b = reml_box_bool(200); CHECK(reml_unbox_bool(b) == 1); dec_ref(b);
            b = reml_box_float(-0.5); CHECK(reml_unbox_float(b) == -0.5); dec_ref(b);
            b = reml_box_char(0x10ffff); CHECK(reml_unbox_char(b) == 0x10ffff); dec_ref(b);
            reml_string_t s = {\"abc\", 3}, t = {\"abd\", 3}, u = {\"ab\", 2}, e = {\"\", 0};
            b = reml_box_string(s); CHECK(reml_unbox_string(b).data == s.data && reml_unbox_string(b).length == 3);
            CHECK(string_eq((reml_string_t*)b, &s)); dec_ref(b);
            CHECK(string_compare(&s, &t) == -1 && string_compare(&t, &s) == 1 && string_compare(&s, &s) == 0);
            CHECK(string_compare(&u, &s) == -1 && string_compare(&e, &u) == -1 && !string_eq(&s, &u));
            reml_string_t high = {\"\\xff\", 1}; CHECK(string_compare(&high, &s) == 1);
            CHECK(reml_str_data(s) == s.data);

            void* env = mem_alloc(8);
            void* c = reml_closure_new(env, (void*)(uintptr_t)code);
            CHECK(REML_GET_HEADER(env)->refcount == 2 && reml_closure_env(c) == env);
            CHECK(reml_closure_code_ptr(c) == (void*)(uintptr_t)code);
            dec_ref(c); CHECK(REML_GET_HEADER(env)->refcount == 1);

            void* s0 = reml_set_new();
            void* s1 = reml_set_insert(s0, env);
            void* s2 = reml_set_insert(s1, env);
            CHECK(reml_set_len(s0) == 0 && reml_set_len(s1) == 1 && reml_set_len(s2) == 1);
            CHECK(!reml_set_contains(s0, env) && reml_set_contains(s1, env) && reml_set_contains(s2, env));
            CHECK(REML_GET_HEADER(env)->refcount == 3 && REML_GET_HEADER(s0)->refcount == 1);
            dec_ref(s0); dec_ref(s1); dec_ref(s2); CHECK(REML_GET_HEADER(env)->refcount == 1);

            void* owned = mem_alloc(3); memcpy(owned, \"own\", 3); inc_ref(owned);
            void* text = reml_box_string((reml_string_t){owned, 3});
            reml_set_type_tag(text, REML_TAG_STRING | REML_TAG_OWNED);
            CHECK(reml_unbox_string(text).length == 3);
            dec_ref(text); CHECK(REML_GET_HEADER(owned)->refcount == 1); dec_ref(owned);

            reml_tuple_t* tuple = mem_alloc(16); tuple->len = 1; tuple->items = malloc(8); tuple->items[0] = env;
            inc_ref(env); reml_destroy_tuple(tuple);
            CHECK(tuple->len == 0 && tuple->items == NULL && REML_GET_HEADER(env)->refcount == 1);
            reml_set_type_tag(tuple, REML_TAG_TUPLE); dec_ref(tuple); dec_ref(env);
            for (int i = -2; i < 20; i++) reml_ffi_bridge_record_status(i);
            return 0;
        }",
    );
    let output = program.output();
    assert_eq!(output.status.code(), Some(0), "line {}", stdout(&output));
}

#[test]
fn children_go_before_the_side_array_and_it_before_the_block() {
    let program = program(
        "static void* items; static void* last; static int freed_items;
        extern void __libc_free(void*);
        void free(void* p) {
            if (p && p == items) freed_items = REML_GET_HEADER(last)->refcount == 0 ? 1 : 2;
            __libc_free(p);
        }
        int main(void) {
            void* a = mem_alloc(8); last = mem_alloc(8);
            reml_array_t* array = reml_array_from(2, a, last);
            dec_ref(a); dec_ref(last);
            items = array->items;
            dec_ref(array);
            return freed_items == 1 ? 0 : 2;
        }",
    );
    assert_eq!(program.output().status.code(), Some(0));
}

#[test]
fn little_address_space_is_enough() {
    let program = program(
        "#include <sys/resource.h>
        int main(int argc, char** argv) {
            (void)argc;
            struct rlimit limit = {strtoul(argv[1], NULL, 10) << 20, strtoul(argv[1], NULL, 10) << 20};
            if (setrlimit(RLIMIT_AS, &limit)) return 2;
            void* list = NULL;
            for (int i = 0; i < 100000; i++) {
                reml_adt_t* n = mem_alloc(16);
                reml_set_type_tag(n, REML_TAG_ADT);
                n->payload = list;
                list = n;
            }
            dec_ref(list);
            return 0;
        }",
    );
    for mebibytes in ["40", "100", "300", "1000"] {
        let output = program.command().arg(mebibytes).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{mebibytes}: {}", stderr(&output));
    }
}

#[test]
fn a_fork_beside_working_threads_leaves_a_working_child() {
    let program = program(
        "#include <pthread.h>\n#include <sys/wait.h>\n
        static void* work(void* arg) {
            for (;;) { void* p[500]; for (int i = 0; i < 500; i++) p[i] = mem_alloc(16);
                       for (int i = 0; i < 500; i++) dec_ref(p[i]); }
            return arg;
        }
        int main(void) {
            pthread_t t[2];
            for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, NULL);
            for (int round = 0; round < 50; round++) {
                pid_t child = fork();
                if (child == 0) {
                    alarm(60);
                    for (int i = 0; i < 3000; i++) { void* p = mem_alloc(16); if (i % 2) dec_ref(p); }
                    _exit(7);
                }
                int status;
                waitpid(child, &status, 0);
                if (!WIFEXITED(status) || WEXITSTATUS(status) != 7) return 2;
            }
            _exit(0);
        }",
    );
    assert_eq!(program.output().status.code(), Some(0));
}

#[test]
fn a_fork_while_another_thread_makes_the_first_object_leaves_a_working_child() {
    let program = program(
        "#include <pthread.h>\n#include <sys/wait.h>\n
        static void* work(void* arg) { dec_ref(mem_alloc(16)); return arg; }
        static int ended_with(pid_t child, int code) {
            int status;
            waitpid(child, &status, 0);
            return WIFEXITED(status) && WEXITSTATUS(status) == code;
        }
        static int one(int wait) {
            pthread_t t;
            pthread_create(&t, NULL, work, NULL);
            for (volatile int i = 0; i < wait; i++) {}
            pid_t child = fork();
            if (child == 0) { alarm(60); dec_ref(mem_alloc(16)); _exit(7); }
            int ended = ended_with(child, 7);
            pthread_join(t, NULL);
            return ended;
        }
        int main(void) {
            for (int round = 0; round < 400; round++) {
                pid_t first = fork();
                if (first == 0) _exit(one(round * 256) ? 7 : 8);
                if (!ended_with(first, 7)) return 2;
            }
            return 0;
        }",
    );
    assert_eq!(program.output().status.code(), Some(0));
}

#[test]
fn exit_handlers_run_and_a_panic_inside_one_ends_at_once() {
    let once = program(
        "static void bye(void) { write(1, \"bye\\n\", 4); }
        int main(void) { atexit(bye); panic(\"x\"); }",
    );
    let output = once.output();
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("bye\n", Some(1)));
    let nested = program(
        "static void again(void) { panic(\"second\"); }
        static void first(void) { write(1, \"reached\\n\", 8); }
        int main(void) { atexit(first); atexit(again); panic(\"first\"); }",
    );
    let output = nested.output();
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("", Some(1)));
    assert!(!stderr(&output).contains("second"));
}

#[test]
fn a_panic_can_leave_a_core_dump() {
    use std::os::unix::process::ExitStatusExt;
    let program = program("int main(void) { panic(\"x\"); }");
    let output = program.command().env("REML_PANIC", "abort").output().expect("it starts");
    assert_eq!(output.status.signal(), Some(6));
}

#[test]
fn a_panic_speaks_json_and_appends_to_a_log() {
    let program = program("int main(void) { panic_at(\"say \\\"hi\\\"\\n\", \"a.reml\", 12); }");
    let log = program.path().with_file_name("panic.log");
    let run = |format| {
        let mut command = program.command();
        command.env("REML_PANIC_FORMAT", format).env("REML_PANIC_LOG", &log);
        stderr(&command.output().expect("it starts"))
    };
    let json = run("json");
    let parts = [
        "{\"schema_version\":1,\"message\":\"say \\\"hi\\\"\\n\",\"severity\":\"error\",",
        "\"domain\":\"Runtime\",\"code\":\"runtime.panic\",",
        "\"location\":{\"file\":\"a.reml\",\"line\":12},\"notes\":[\"process ",
        "\"timestamp\":\"20",
        "\"backtrace\":[\"/",
    ];
    for part in parts {
        assert!(json.contains(part), "{part} in {json}");
    }
    assert_eq!(json.lines().count(), 1);
    let text = run("text");
    assert!(
        text.starts_with(
            "panic: say \"hi\"\\n\n  code: runtime.panic\n  at: a.reml:12\n  time: 20"
        ),
        "{text}"
    );
    let both = run("both");
    assert!(both.starts_with("panic: ") && both.ends_with("]}\n"), "{both}");
    let logged = std::fs::read_to_string(&log).expect("the log was written");
    assert_eq!(logged, format!("{json}{text}{both}"));
}

#[test]
fn the_backtrace_names_the_place_that_panicked() {
    let program = program(
        "__attribute__((noinline)) void culprit(int n) { if (n) panic(\"x\"); __asm__ volatile(\"\"); }
        int main(int argc, char** argv) { (void)argv; culprit(argc); }",
    );
    let said = stderr(&program.output());
    let frame = said.lines().find_map(|line| line.strip_prefix("    0: ")).expect("a frame");
    let (module, offset) = frame.rsplit_once('+').expect("module and offset");
    let symbols = std::fs::read(program.path()).expect("the program is there");
    assert_eq!(std::path::Path::new(module), program.path().canonicalize().expect("it exists"));
    let offset = u64::from_str_radix(offset.trim_start_matches("0x"), 16).expect("hexadecimal");
    assert_eq!(support::function_at(&symbols, offset), Some("culprit".to_owned()), "{said}");
}

#[test]
fn a_static_program_finds_its_frames_through_frame_pointers() {
    let source = format!(
        "{PRELUDE}__attribute__((noinline)) void culprit(int n) {{ if (n) panic(\"x\"); __asm__ volatile(\"\"); }}
        int main(int argc, char** argv) {{ (void)argv; culprit(argc); return 0; }}"
    );
    let program =
        Program::new(&source, support::release(), &["-static", "-fno-omit-frame-pointer"]);
    let said = stderr(&program.output());
    let symbols = std::fs::read(program.path()).expect("the program is there");
    let names: Vec<_> = said
        .lines()
        .filter_map(|line| line.trim_start().split_once(": ")?.1.rsplit_once("+0x"))
        .filter_map(|(_, offset)| {
            support::function_at(&symbols, u64::from_str_radix(offset, 16).ok()?)
        })
        .collect();
    assert!(names.starts_with(&["culprit".to_owned(), "main".to_owned()]), "{names:?} {said}");
}
