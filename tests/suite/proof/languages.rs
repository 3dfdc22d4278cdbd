//! C, C++ and assembler sources become programs that run and say what they must.

use super::evidence::check_machine;
use super::{Toolchain, Work, for_both_targets};

const HELLO: &str = "hello from C\n";
const HELLO_CPP: &str = "caught: nothing to parse\nworker: 42, size: 4\n";
const THREADS: &str = "square: 2.25, printf is there\n";

/// Flags that a user's build might add to be strict.
const STRICT: &str = "-Wall -Wextra -Werror";

fn c_and_cpp_programs_run(toolchain: &Toolchain) {
    let work = Work::new("languages");
    toolchain.prove(&work, "clang", "hello.c", HELLO);
    toolchain.prove(&work, "clang++", "hello.cpp", HELLO_CPP);
    toolchain.prove(&work, "clang++", "-O2 -flto=thin hello.cpp", HELLO_CPP);
}

fn the_names_of_gnu_tools_serve_as_well(toolchain: &Toolchain) {
    let work = Work::new("languages");
    for name in ["cc", "gcc"] {
        toolchain.prove(&work, name, "hello.c", HELLO);
    }
    for name in ["c++", "g++"] {
        toolchain.prove(&work, name, "hello.cpp", HELLO_CPP);
    }
    let outcome = toolchain.call(&work, "cpp", ["hello.c"]);
    outcome.code(0).stdout_has("printf(");
}

fn threads_loading_and_mathematics_work(toolchain: &Toolchain) {
    let work = Work::new("languages");
    toolchain.prove(&work, "clang", "threads.c -pthread -ldl -lm", THREADS);
}

fn static_and_position_dependent_programs_run(toolchain: &Toolchain) {
    let work = Work::new("languages");
    for flags in ["-static", "-static-pie"] {
        toolchain.compile(&work, "clang", &format!("hello.c {flags} -o c"));
        toolchain.compile(&work, "clang++", &format!("hello.cpp {flags} -o cpp"));
        for (program, says) in [("c", HELLO), ("cpp", HELLO_CPP)] {
            toolchain.run(&work, program).code(0).stdout_is(says);
            let facts = check_machine(toolchain, &work.path(program));
            assert_eq!((facts.interpreter, facts.needed), (None, vec![]), "{flags}");
        }
    }
    toolchain.prove(&work, "clang", "-no-pie hello.c", HELLO);
    toolchain.prove(&work, "clang++", "-no-pie hello.cpp", HELLO_CPP);
}

fn strict_compiling_and_linking_give_no_warning(toolchain: &Toolchain) {
    let work = Work::new("languages");
    for (compiler, source) in
        [("clang", "hello.c"), ("clang", "threads.c"), ("clang++", "hello.cpp")]
    {
        toolchain.compile(&work, compiler, &format!("{STRICT} -c {source} -o object.o"));
        toolchain.compile(&work, compiler, &format!("{STRICT} -E {source} -o text.i"));
        toolchain.compile(&work, compiler, &format!("{STRICT} -S {source} -o text.s"));
        toolchain.compile(&work, compiler, &format!("{STRICT} object.o -lm -o program"));
    }
    toolchain.run(&work, "program").code(0).stdout_is(HELLO_CPP);
}

fn assembler_sources_become_a_program(toolchain: &Toolchain) {
    let work = Work::new("languages");
    toolchain.compile(&work, "clang", "-Werror -c call.S -o call.o");
    toolchain.compile(&work, "as", "start.s -o start.o");
    let says = "answer: 42, ENOENT: 2\n";
    toolchain.prove(&work, "clang", "assembled.c call.o start.o", says);
    toolchain.prove(&work, "clang", "assembled.c call.S start.s", says);
}

fn a_program_that_fails_says_so(toolchain: &Toolchain) {
    let work = Work::new("languages");
    work.write("exit.c", "int main(void) { return 7; }\n");
    toolchain.compile(&work, "clang", "exit.c -o program");
    toolchain.run(&work, "program").code(7);
    work.write("wrong.c", "int main(void) { return nothing; }\n");
    toolchain.call(&work, "clang", ["wrong.c"]).code(1).stderr_has("undeclared identifier");
    work.write("missing.c", "int there(void); int main(void) { return there(); }\n");
    toolchain.call(&work, "clang", ["missing.c"]).code(1).stderr_has("undefined symbol: there");
}

for_both_targets!(
    c_and_cpp_programs_run,
    the_names_of_gnu_tools_serve_as_well,
    threads_loading_and_mathematics_work,
    static_and_position_dependent_programs_run,
    strict_compiling_and_linking_give_no_warning,
    assembler_sources_become_a_program,
    a_program_that_fails_says_so,
);
