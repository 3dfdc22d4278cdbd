//! Input that no correct program gives: NULL, wrong tags, impossible lengths, wild
//! pointers. Each is defined in the header; here each happens.
#![cfg(target_os = "linux")]

mod support;

use std::fmt::Write;

use support::{Program, stderr, stdout};

const PRELUDE: &str = "#include \"reml_runtime.h\"\n#include <stdio.h>\n#include <stdlib.h>\n\
    #include <string.h>\nextern void ir_panic(const char*, int64_t) __asm__(\"panic\");\n";

/// One program for all cases: the first argument chooses.
fn cases(cases: &[&str]) -> Program {
    let mut source = format!(
        "{PRELUDE}int main(int argc, char** argv) {{ (void)argc; switch (atoi(argv[1])) {{\n"
    );
    for (index, case) in cases.iter().enumerate() {
        writeln!(source, "case {index}: {{ {case} }} break;").expect("strings take everything");
    }
    source += "} return 0; }";
    Program::new(&source, support::release(), &[])
}

fn run(program: &Program, index: usize) -> std::process::Output {
    program.command().arg(index.to_string()).output().expect("the program starts")
}

#[test]
fn null_is_nothing_where_the_header_says_so() {
    let cases =
        cases(&["mem_free(NULL); inc_ref(NULL); dec_ref(NULL); reml_set_type_tag(NULL, 5);
         reml_destroy_tuple(NULL); reml_destroy_record(NULL); reml_destroy_array(NULL);
         print_i64(reml_get_type_tag(NULL));
         print_i64(string_eq(NULL, NULL)); print_i64(string_compare(NULL, NULL));
         reml_string_t s = {NULL, 0}; print_i64(string_compare(NULL, &s));
         print_i64(string_compare(&s, NULL)); print_i64(string_eq(&s, NULL));
         print_i64(reml_str_data(s) == NULL);
         void* c = reml_closure_new(NULL, NULL); print_i64(reml_closure_env(c) == NULL); dec_ref(c);
         void* a = reml_array_from(2, (void*)0, (void*)0); dec_ref(a);
         void* e = reml_record_from(0); dec_ref(e);"]);
    let output = run(&cases, 0);
    assert_eq!(stdout(&output), "0\n1\n0\n-1\n1\n0\n1\n1\n", "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn values_of_the_wrong_type_panic_with_both_tags() {
    let expected = [
        ("reml_unbox_i64(reml_box_float(1));", "reml_unbox_i64: expected type tag 1, got 2"),
        ("reml_unbox_float(reml_box_i64(1));", "reml_unbox_float: expected type tag 2, got 1"),
        ("reml_unbox_bool(NULL);", "reml_unbox_bool: expected type tag 3, got NULL"),
        ("reml_unbox_char(reml_box_bool(1));", "reml_unbox_char: expected type tag 10, got 3"),
        ("reml_unbox_string(mem_alloc(16));", "reml_unbox_string: expected type tag 4, got 0"),
        ("reml_closure_env(reml_set_new());", "reml_closure_env: expected type tag 7, got 9"),
        ("reml_closure_code_ptr(NULL);", "reml_closure_code_ptr: expected type tag 7, got NULL"),
        ("reml_set_insert(NULL, NULL);", "reml_set_insert: expected type tag 9, got NULL"),
        (
            "reml_set_contains(reml_box_i64(1), NULL);",
            "reml_set_contains: expected type tag 9, got 1",
        ),
        ("reml_set_len(NULL);", "reml_set_len: expected type tag 9, got NULL"),
        (
            "reml_destroy_tuple(reml_array_from(0));",
            "reml_destroy_tuple: expected type tag 5, got 11",
        ),
        (
            "reml_destroy_record(reml_box_i64(0));",
            "reml_destroy_record: expected type tag 6, got 1",
        ),
        (
            "reml_destroy_array(reml_record_from(0));",
            "reml_destroy_array: expected type tag 11, got 6",
        ),
        ("reml_box_char(0xd800);", "reml_box_char: 55296 is not a Unicode scalar value"),
        ("reml_box_char(0x110000);", "reml_box_char: 1114112 is not a Unicode scalar value"),
        (
            "void* c = reml_box_char('a'); *(uint32_t*)c = 0xdfff; reml_unbox_char(c);",
            "reml_unbox_char: 57343 is not a Unicode scalar value",
        ),
        ("reml_array_from(-1);", "reml_array_from: a length of -1 is not possible"),
        (
            "reml_record_from(INT64_MIN);",
            "reml_record_from: a length of -9223372036854775808 is not possible",
        ),
    ];
    let program = cases(&expected.map(|(case, _)| case));
    for (index, (case, message)) in expected.iter().enumerate() {
        let output = run(&program, index);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{case}: {said}");
        assert!(said.starts_with(&format!("panic: {message}\n")), "{case}: {said}");
    }
}

#[test]
fn negative_lengths_in_payloads_count_as_none() {
    let program = cases(&[
        "reml_tuple_t* t = mem_alloc(16); reml_set_type_tag(t, REML_TAG_TUPLE);
         t->len = -5; t->items = malloc(8); t->items[0] = (void*)0x1000000; dec_ref(t);",
        "reml_array_t* a = mem_alloc(16); reml_set_type_tag(a, REML_TAG_ARRAY);
         a->len = 1000; a->items = NULL; dec_ref(a);",
        "reml_set_t* s = reml_set_new(); s->len = -1; s->items = malloc(8); print_i64(reml_set_len(s)); dec_ref(s);",
        "reml_string_t a = {\"x\", -1}, b = {\"\", 0}; print_i64(string_eq(&a, &b));",
        "reml_record_t* r = mem_alloc(16); r->field_count = INT64_MIN; r->values = malloc(8);
         reml_destroy_record(r); print_i64(r->field_count); dec_ref(r);",
    ]);
    for (index, expected) in ["", "", "0\n", "1\n", "0\n"].iter().enumerate() {
        let output = run(&program, index);
        assert_eq!(output.status.code(), Some(0), "{index}: {}", stderr(&output));
        assert_eq!(stdout(&output), *expected, "{index}");
    }
}

#[test]
fn immortal_and_read_only_objects_are_left_alone() {
    let program =
        cases(&["static const struct { reml_object_header_t header; int64_t value; } constant =
             {REML_STATIC_HEADER(REML_TAG_INT), 5};
         void* p = (void*)&constant.value;
         for (int i = 0; i < 10; i++) { inc_ref(p); dec_ref(p); dec_ref(p); mem_free(p); }
         print_i64(reml_unbox_i64(p));
         void* a = reml_array_from(1, p); dec_ref(a); print_i64(constant.header.refcount);"]);
    let output = run(&program, 0);
    assert_eq!(stdout(&output), "5\n2147483648\n", "{:?} {}", output.status, stderr(&output));
}

#[test]
fn an_unknown_tag_frees_the_block_alone() {
    let program = cases(&["void* child = mem_alloc(8);
         uint32_t tags[] = {0, 12, 31, 32, 40, 0x20000005, 0x40000005, 0x7fffffff, 0xffffffff};
         for (int i = 0; i < 9; i++) {
             reml_tuple_t* t = mem_alloc(16); t->len = 1; t->items = &child;
             reml_set_type_tag(t, tags[i]); dec_ref(t);
         }
         print_i64(REML_GET_HEADER(child)->refcount);"]);
    let output = run(&program, 0);
    assert_eq!(stdout(&output), "1\n", "{:?} {}", output.status, stderr(&output));
}

#[test]
fn no_pointer_crashes_the_panic() {
    let hostile = [
        ("panic(NULL);", ""),
        ("panic((const char*)8);", ""),
        ("panic((const char*)-1);", ""),
        ("panic((const char*)0x8000000000000000);", ""),
        ("panic((const char*)0xffffffffff600000);", ""),
        ("ir_panic(\"text\", -1);", ""),
        ("ir_panic(\"text\", INT64_MIN);", ""),
        ("ir_panic(\"text\", 0);", ""),
        ("ir_panic(\"text\", INT64_MAX);", "text"),
        ("ir_panic((const char*)3, 100);", ""),
        ("panic(\"\\x1b[31mred\\n\\x7f\");", "\\x1b[31mred\\n\\x7f"),
        ("panic(\"\\xff\\xc3\\xa9\");", "\\xff\u{e9}"),
        ("panic_at(\"m\", NULL, -7);", "m"),
        ("panic_at(NULL, (const char*)9, 7);", ""),
    ];
    let program = cases(&hostile.map(|(case, _)| case));
    for (index, (case, message)) in hostile.iter().enumerate() {
        let output = run(&program, index);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{case}: {said}");
        assert!(
            said.starts_with(&format!("panic: {message}\n  code: runtime.panic\n")),
            "{case}: {said}"
        );
    }
}
