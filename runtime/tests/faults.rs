//! The faults of the C runtime that this one replaces, each as a program that showed it,
//! linked against the archive that ships. Never tests the same fault twice: bad input in
//! general is in `bad_input.rs`.
#![cfg(target_os = "linux")]

mod support;

use support::{Program, stderr, stdout};

/// Compiles a body of `main` against the release archive.
fn program(body: &str) -> Program {
    Program::new(&source(body), support::release(), &[])
}

fn source(body: &str) -> String {
    format!(
        "#include \"reml_runtime.h\"\n#include <pthread.h>\n#include <stdio.h>\n\
         #include <stdlib.h>\n#include <string.h>\n#include <sys/mman.h>\n#include <unistd.h>\n\
         extern void ir_panic(const char*, int64_t) __asm__(\"panic\");\n{body}"
    )
}

/// Runs a program that must panic: status 1, and its message.
fn panics(program: &Program, message: &str) {
    let output = program.output();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with(&format!("panic: {message}\n")), "{said}");
}

fn succeeds(program: &Program) -> String {
    let output = program.output();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn a_size_whose_rounding_overflows_panics_with_the_size() {
    let program = program("int main(void) { mem_alloc(SIZE_MAX - 3); }");
    panics(&program, "mem_alloc: a size of 18446744073709551612 bytes overflows");
}

#[test]
fn a_size_that_the_system_refuses_panics_with_the_size() {
    let program = program("int main(void) { mem_alloc((size_t)1 << 62); }");
    panics(&program, "mem_alloc: out of memory asking for 4611686018427387904 bytes");
}

#[test]
fn a_count_that_overflows_saturates_instead_of_freeing() {
    let program = program(
        "int main(void) {
            int64_t* p = mem_alloc(16);
            *p = 77;
            REML_GET_HEADER(p)->refcount = 0x7ffffffe;
            for (int i = 0; i < 4; i++) inc_ref(p);
            print_i64(REML_GET_HEADER(p)->refcount);
            for (int i = 0; i < 1000; i++) dec_ref(p);
            print_i64(REML_GET_HEADER(p)->refcount);
            print_i64(*p);
        }",
    );
    assert_eq!(succeeds(&program), "3221225472\n3221225472\n77\n");
}

#[test]
fn eight_threads_lose_no_count() {
    let program = program(
        "static void* shared;
        static void* work(void* arg) {
            for (int i = 0; i < 500000; i++) { inc_ref(shared); inc_ref(shared); dec_ref(shared); }
            return arg;
        }
        int main(void) {
            pthread_t t[8];
            shared = mem_alloc(16);
            for (int i = 0; i < 8; i++) pthread_create(&t[i], NULL, work, NULL);
            for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
            print_i64(REML_GET_HEADER(shared)->refcount);
        }",
    );
    assert_eq!(succeeds(&program), "4000001\n");
}

#[test]
fn deep_structures_are_released_with_a_stack_of_64_kib() {
    let program = program(
        "static void* work(void* list) {
            for (int i = 0; i < 1200000; i++) {
                void* node;
                switch (i % 6) {
                case 0: node = mem_alloc(16); reml_set_type_tag(node, REML_TAG_ADT);
                        ((reml_adt_t*)node)->payload = list; break;
                case 1: node = reml_closure_new(list, NULL); dec_ref(list); break;
                case 2: node = reml_array_from(1, list); dec_ref(list); break;
                case 3: node = reml_record_from(3, (void*)0, list, (void*)0); dec_ref(list); break;
                case 4: { void* set = reml_set_new(); node = reml_set_insert(set, list);
                          dec_ref(set); dec_ref(list); break; }
                default: { reml_tuple_t* t = mem_alloc(16); reml_set_type_tag(t, REML_TAG_TUPLE);
                           t->len = 2; t->items = calloc(2, 8); t->items[1] = list; node = t; }
                }
                list = node;
            }
            dec_ref(list);
            return NULL;
        }
        int main(void) {
            // ARM's smallest stack is 128 KiB; a byte a node would be ten times that.
            long least = sysconf(_SC_THREAD_STACK_MIN);
            pthread_attr_t attributes;
            pthread_attr_init(&attributes);
            pthread_attr_setstacksize(&attributes, least > 65536 ? (size_t)least : 65536);
            pthread_t thread;
            if (pthread_create(&thread, &attributes, work, NULL)) return 2;
            pthread_join(thread, NULL);
            puts(\"done\");
        }",
    );
    assert_eq!(succeeds(&program), "done\n");
}

#[test]
fn a_double_free_is_noticed() {
    for (size, call) in [(16, "mem_free"), (0, "mem_free"), (128, "mem_free"), (400, "mem_free")] {
        let body =
            format!("int main(void) {{ void* p = mem_alloc({size}); {call}(p); {call}(p); }}");
        let output = program(&body).output();
        assert_eq!(output.status.code(), Some(1), "{size}");
        assert!(stderr(&output).starts_with("panic: mem_free: double free of object 0x"), "{size}");
    }
}

#[test]
fn a_double_release_is_noticed_also_for_large_objects_and_later() {
    for (size, between) in [(16, ""), (16, "mem_alloc(300);"), (128, ""), (5000, "")] {
        let body = format!(
            "int main(void) {{ void* p = mem_alloc({size}); dec_ref(p); {between} dec_ref(p); }}"
        );
        let output = program(&body).output();
        assert_eq!(output.status.code(), Some(1), "{size}");
        assert!(
            stderr(&output).starts_with("panic: dec_ref: double release of object 0x"),
            "{size}"
        );
    }
}

#[test]
fn a_reference_to_a_dead_object_is_noticed() {
    let output =
        program("int main(void) { void* p = mem_alloc(16); dec_ref(p); inc_ref(p); }").output();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("panic: inc_ref: use after release of object 0x"));
}

/// Two threads contend for an object, each until both are done, so that they change its
/// count without a look; a third releases it; then one of the two comes back to it.
#[test]
fn threads_that_contended_for_an_object_notice_that_it_is_dead() {
    for (call, said) in [("inc_ref", "use after release"), ("dec_ref", "double release")] {
        let body = format!(
            "static void* shared;
            static pthread_barrier_t gate;
            static _Atomic int busy = 2;
            static void* work(void* misuser) {{
                pthread_barrier_wait(&gate);
                for (int i = 0; i < 1000000 || busy > 0; i++) {{
                    if (i == 1000000) busy--;
                    inc_ref(shared);
                    dec_ref(shared);
                }}
                pthread_barrier_wait(&gate);
                pthread_barrier_wait(&gate);
                if (misuser) {call}(shared);
                return NULL;
            }}
            int main(void) {{
                pthread_t t[2];
                shared = mem_alloc(16);
                pthread_barrier_init(&gate, NULL, 3);
                for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, work, i ? shared : NULL);
                pthread_barrier_wait(&gate);
                pthread_barrier_wait(&gate);
                dec_ref(shared);
                pthread_barrier_wait(&gate);
                for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
            }}"
        );
        let output = program(&body).output();
        assert_eq!(output.status.code(), Some(1), "{call}");
        let expected = format!("panic: {call}: {said} of object 0x");
        assert!(stderr(&output).starts_with(&expected), "{call}: {}", stderr(&output));
    }
}

#[test]
fn a_child_released_twice_is_noticed() {
    let output = program(
        "int main(void) {
            void* child = mem_alloc(16);
            reml_tuple_t* t = mem_alloc(16);
            reml_set_type_tag(t, REML_TAG_TUPLE);
            t->len = 2;
            t->items = calloc(2, 8);
            t->items[0] = t->items[1] = child;
            dec_ref(t);
        }",
    )
    .output();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("panic: dec_ref: double release of object 0x"));
}

#[test]
fn an_object_that_holds_itself_ends_in_a_panic_not_in_a_loop() {
    let output = program(
        "int main(void) {
            reml_adt_t* a = mem_alloc(16);
            reml_set_type_tag(a, REML_TAG_ADT);
            a->payload = a;
            dec_ref(a);
        }",
    )
    .output();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("panic: dec_ref: double release of object 0x"));
}

#[test]
fn a_long_message_is_cut_and_shows_nothing_else() {
    let program = program(
        "int main(void) {
            char* text = malloc(100001);
            memset(text, 'a', 100000);
            text[100000] = 0;
            panic(text);
        }",
    );
    panics(&program, &"a".repeat(4096));
}

#[test]
fn a_fat_string_is_read_to_its_length_and_no_further() {
    let secret = program("int main(void) { ir_panic(\"helloSECRET\", 5); }");
    panics(&secret, "hello");
    // The string ends where mapped memory ends.
    let edge = program(
        "int main(void) {
            char* page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            munmap(page + 4096, 4096);
            memcpy(page + 4096 - 5, \"fat!!\", 5);
            ir_panic(page + 4096 - 5, 5);
        }",
    );
    panics(&edge, "fat!!");
}

#[test]
fn an_immediate_in_an_algebraic_value_is_not_followed() {
    let program = program(
        "static void with(void* payload, uint32_t flags) {
            reml_adt_t* some = mem_alloc(16);
            reml_set_type_tag(some, REML_TAG_ADT | flags);
            some->payload = payload;
            dec_ref(some);
        }
        int main(void) {
            with((void*)42, 0);
            with((void*)0x10001, 0);
            with((void*)0xfff8, 0);
            with((void*)0x4045000000000000, 0);
            with((void*)-8, 0);
            with((void*)0x123456789ab8, REML_TAG_IMMEDIATE);
            void* child = mem_alloc(16);
            with(child, REML_TAG_IMMEDIATE);
            print_i64(REML_GET_HEADER(child)->refcount);
            reml_adt_t* some = mem_alloc(16);
            reml_set_type_tag(some, REML_TAG_ADT | REML_TAG_IMMEDIATE);
            some->payload = child;
            void* holder = reml_array_from(1, some);
            dec_ref(some);
            dec_ref(holder);
            print_i64(REML_GET_HEADER(child)->refcount);
            inc_ref(child);
            with(child, 0);
            print_i64(REML_GET_HEADER(child)->refcount);
        }",
    );
    assert_eq!(succeeds(&program), "1\n1\n1\n");
}

#[test]
fn panics_of_many_threads_make_one_message_with_backtrace_and_log() {
    let program = program(
        "static pthread_barrier_t barrier;
        static void* work(void* arg) {
            pthread_barrier_wait(&barrier);
            panic(arg);
            return NULL;
        }
        int main(void) {
            pthread_t t[8];
            static char text[8][1000];
            pthread_barrier_init(&barrier, NULL, 8);
            for (int i = 0; i < 8; i++) {
                memset(text[i], 'a' + i, 999);
                pthread_create(&t[i], NULL, work, text[i]);
            }
            for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
        }",
    );
    for _ in 0..20 {
        let log = program.path().with_file_name("log");
        let _ = std::fs::remove_file(&log);
        let output = program.command().env("REML_PANIC_LOG", &log).output().expect("it starts");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(said.matches("panic: ").count(), 1, "{said}");
        let message = said.lines().next().unwrap_or_default().trim_start_matches("panic: ");
        let letter = &message[..1];
        assert_eq!(message, letter.repeat(999), "{said}");
        assert!(said.contains("backtrace:\n    0: "), "{said}");
        assert_eq!(std::fs::read_to_string(&log).expect("the log was written"), said);
    }
}

#[test]
fn children_lost_to_tag_0_are_reported_by_the_debug_archive() {
    let text = source(
        "int main(void) {
            void* child = mem_alloc(24);
            void** parent = mem_alloc(16);
            parent[0] = child;
            dec_ref(parent);
        }",
    );
    let output = Program::new(&text, support::debug(), &[]).output();
    let said = stderr(&output);
    assert!(said.contains("leak: objects=1 bytes=24 first_allocation=1"), "{said}");
    assert!(said.contains("note: 1 objects died with tag 0"), "{said}");
}
