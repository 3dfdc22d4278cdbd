//! Each old fault, put back into a copy of the sources: the regression test that guards
//! against it must fail. Never a test of the tests' wording: the mutant must compile, and
//! the failure must be the test's. Slow: step `mutants` of `matrix.sh`.
#![cfg(target_os = "linux")]

mod support;

use std::path::Path;
use std::process::Command;

use support::{root, run};

/// A way to break the runtime, and the test that notices: one of `faults.rs`, or with its
/// path a unit test.
struct Mutant {
    test: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

const fn mutant(
    test: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
) -> Mutant {
    Mutant { test, file, from, to }
}

const MUTANTS: &[Mutant] = &[
    mutant(
        "a_size_whose_rounding_overflows_panics_with_the_size",
        "heap/mod.rs",
        ".checked_next_multiple_of(8)",
        ".wrapping_add(7).checked_next_multiple_of(1).map(|size| size & !7)",
    ),
    mutant(
        "a_count_that_overflows_saturates_instead_of_freeing",
        "count.rs",
        "count.swap(SATURATED, Ordering::Relaxed);\n            Taken::Yes",
        "count.swap(1, Ordering::Relaxed);\n            Taken::Yes",
    ),
    mutant(
        "eight_threads_lose_no_count",
        "threads.rs",
        "read_volatile() != 0",
        "read_volatile() != 2",
    ),
    mutant(
        "deep_structures_are_released_with_a_stack_of_64_kib",
        "release.rs",
        "node = child;\n                        continue;\n                    }\n                }\n                Shape::Many",
        "take_apart(child);\n                    }\n                }\n                Shape::Many",
    ),
    mutant(
        "a_double_free_is_noticed",
        "refs.rs",
        "else if count == 0 {",
        "else if count == 0 && false {",
    ),
    mutant(
        "a_double_release_is_noticed_also_for_large_objects_and_later",
        "count.rs",
        "if seen == 0 { Given::Dead }",
        "if false { Given::Dead }",
    ),
    mutant(
        "a_reference_to_a_dead_object_is_noticed",
        "count.rs",
        "0 => Taken::Dead",
        "0 => Taken::Yes",
    ),
    mutant(
        "count::tests::stepping_first_comes_to_the_same_as_looking_first",
        "count.rs",
        "count.fetch_sub(1, Ordering::Relaxed);\n    if found == 0 { Taken::Dead }",
        "count.fetch_sub(1, Ordering::Relaxed);\n    if false { Taken::Dead }",
    ),
    mutant(
        "count::tests::stepping_first_comes_to_the_same_as_looking_first",
        "count.rs",
        "count.fetch_add(1, Ordering::Relaxed);\n    if found == 0 { Given::Dead }",
        "count.fetch_add(1, Ordering::Relaxed);\n    if false { Given::Dead }",
    ),
    mutant(
        "a_long_message_is_cut_and_shows_nothing_else",
        "panic/mod.rs",
        "const MESSAGE_MAX: usize = 4096;",
        "const MESSAGE_MAX: usize = 8192;",
    ),
    mutant(
        "a_fat_string_is_read_to_its_length_and_no_further",
        "panic/mod.rs",
        "stage.message.read(message, length);",
        "stage.message.read(message, MESSAGE_MAX + length);",
    ),
    mutant(
        "an_immediate_in_an_algebraic_value_is_not_followed",
        "object.rs",
        "bits.is_multiple_of(8) && bits.wrapping_sub(0x1_0000) < (1 << 48) - 0x1_0000",
        "bits != 0",
    ),
    mutant(
        "an_immediate_in_an_algebraic_value_is_not_followed",
        "release.rs",
        "match object::tag_of(node) {",
        "match object::tag_of(node) & !tag::IMMEDIATE {",
    ),
    mutant(
        "panics_of_many_threads_make_one_message_with_backtrace_and_log",
        "panic/mod.rs",
        "SPEAKER.compare_exchange(0, me,",
        "SPEAKER.compare_exchange(SPEAKER.load(Ordering::Acquire), me,",
    ),
    mutant(
        "panics_of_many_threads_make_one_message_with_backtrace_and_log",
        "panic/mod.rs",
        "log(self.output.bytes());",
        "log(&[]);",
    ),
    mutant(
        "panics_of_many_threads_make_one_message_with_backtrace_and_log",
        "panic/mod.rs",
        "frames.get(..found)",
        "frames.get(..found.min(0))",
    ),
    mutant(
        "children_lost_to_tag_0_are_reported_by_the_debug_archive",
        "debug/mod.rs",
        "state.untagged += 1;",
        "state.untagged += 0;",
    ),
];

#[test]
#[ignore = "minutes: step `mutants` of tests/matrix.sh"]
fn every_old_fault_put_back_is_noticed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("runtime");
    std::fs::create_dir(&copy).expect("a writable temporary folder");
    run(Command::new("cp").arg("-R").arg(root().join(".")).arg(&copy));
    std::fs::write(
        folder.path().join("Cargo.toml"),
        "[workspace]\nresolver = \"3\"\nmembers = [\"runtime\", \"runtime/staticlib\", \
         \"runtime/pack\"]\n[profile.dev]\npanic = \"abort\"\n[profile.release]\nlto = \"fat\"\n\
         codegen-units = 1\npanic = \"abort\"\n",
    )
    .expect("a writable temporary folder");
    let mut locks = root().ancestors().map(|folder| folder.join("Cargo.lock"));
    let lock = locks.find(|lock| lock.exists()).expect("the workspace has a lock file");
    std::fs::copy(lock, folder.path().join("Cargo.lock")).expect("the lock is copied");

    for mutant in MUTANTS {
        assert!(passes(&copy, mutant.test), "{}: fails without a mutant", mutant.test);
        let file = copy.join("src").join(mutant.file);
        let good = std::fs::read_to_string(&file).expect("a readable source");
        assert!(good.contains(mutant.from), "{}: no {:?}", mutant.file, mutant.from);
        std::fs::write(&file, good.replace(mutant.from, mutant.to)).expect("writable");
        // Threads may miss each other once, not thrice.
        let noticed = (0..3).any(|_| !passes(&copy, mutant.test));
        assert!(noticed, "{} passes with {:?}", mutant.test, mutant.to);
        std::fs::write(&file, good).expect("writable");
    }
}

/// Runs one test in the copy; panics when the copy does not compile.
fn passes(copy: &Path, test: &str) -> bool {
    let unit: &[_] = &["--lib"];
    let target = if test.contains("::") { unit } else { &["--test", "faults"] };
    let output = Command::new("cargo")
        .args(["test", "--offline"])
        .args(target)
        .args(["--", "--exact", test])
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.with_file_name("target"))
        .output()
        .expect("cargo runs");
    let said = support::stdout(&output);
    let ran = |result| said.contains(&format!("test {test} ... {result}"));
    // A mutant whose archive does not build fails the test, too; that does not count.
    let built = !said.contains("error[E") && !said.contains("error: could not compile");
    assert!(built && (ran("ok") || ran("FAILED")), "{said}\n{}", support::stderr(&output));
    ran("ok")
}
