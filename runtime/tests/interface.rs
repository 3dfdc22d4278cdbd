//! One table, four texts: the header's prototypes, the IR declarations, the reference
//! page and the version agree with `abi.rs`. The archive's symbols are held against the
//! same table wherever an archive is built. Never repeats a name that the table has.
#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use reml_runtime::abi;
use reml_runtime::panic::Code;
use support::{root, run};

fn text(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documentation, beside the runtime in the repository.
fn page(name: &str) -> String {
    text(&format!("../docs/src/runtime/{name}"))
}

/// A text without comments, every run of white space one space.
fn squeezed(text: &str) -> String {
    let mut rest = text;
    let mut code = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        code += before;
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    code += rest;
    code.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_header_declares_the_table_and_nothing_else() {
    let header = squeezed(&text("include/reml_runtime.h"));
    let mut expected = BTreeSet::new();
    for function in abi::FUNCTIONS.iter().filter(|f| !f.c.is_empty()) {
        expected.insert(function.c.to_owned());
    }
    let body = header.rsplit_once("_Static_assert").map_or(&*header, |(_, body)| body);
    let start = body.find("void* mem_alloc").expect("mem_alloc comes first");
    let declared: BTreeSet<String> = body[start..]
        .split(';')
        .map(|text| text.trim().trim_start_matches("REML_NORETURN ").to_owned())
        .map(|text| text.split(" __asm__").next().unwrap_or_default().to_owned())
        .filter(|text| text.contains('(') && !text.contains('#'))
        .collect();
    assert_eq!(declared, expected);
    assert!(header.contains("panic(const char* message) __asm__(\"reml_panic_cstr\")"));
}

#[test]
fn the_header_has_the_version_of_the_crate() {
    let header = text("include/reml_runtime.h");
    for (name, value) in [
        ("", abi::VERSION),
        ("_MAJOR", abi::VERSION_MAJOR),
        ("_MINOR", abi::VERSION_MINOR),
        ("_PATCH", abi::VERSION_PATCH),
    ] {
        let line = format!("#define REML_RUNTIME_VERSION{name} {value}\n");
        assert!(header.contains(&line), "{line}");
    }
    let parts = format!("{}.{}.{}", abi::VERSION_MAJOR, abi::VERSION_MINOR, abi::VERSION_PATCH);
    assert_eq!(parts, reml_runtime::VERSION_TEXT);
}

#[test]
fn the_ir_declares_the_table_and_nothing_else() {
    let expected: BTreeSet<String> = abi::FUNCTIONS
        .iter()
        .filter(|function| !function.ir.is_empty())
        .map(|function| format!("declare {}", function.ir))
        .collect();
    let declared: BTreeSet<String> = text("ir/reml_runtime.ll")
        .lines()
        .filter(|line| line.starts_with("declare"))
        .map(|line| line.trim_end_matches(" noreturn").to_owned())
        .collect();
    assert_eq!(declared, expected);
}

#[test]
fn the_reference_page_has_every_function_import_code_and_variable() {
    let page = page("reference.md");
    let rows: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    let mut expected: BTreeSet<&str> = abi::FUNCTIONS.iter().map(|f| f.symbol).collect();
    expected.extend(abi::IMPORTS.iter().chain(abi::WEAK_IMPORTS).map(|(name, _)| *name));
    expected.extend(Code::ALL.map(Code::name));
    expected.extend(variables());
    assert_eq!(rows, expected);
    for function in abi::FUNCTIONS.iter().filter(|f| !f.c.is_empty()) {
        assert!(page.contains(function.c), "{}", function.c);
    }
}

/// Every environment variable that the sources read.
fn variables() -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for path in sources(&root().join("src")) {
        let text: &'static str =
            Box::leak(std::fs::read_to_string(path).expect("a readable source").into_boxed_str());
        for piece in text.split("b\"REML_").skip(1) {
            let name = piece.split('"').next().unwrap_or_default();
            found.insert(&*Box::leak(format!("REML_{name}").into_boxed_str()));
        }
    }
    found
}

fn sources(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn the_header_is_strict_c11() {
    let header = root().join("include/reml_runtime.h");
    run(Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-xc"])
        .arg(header));
}

#[test]
#[ignore = "needs c++ and clang-19: step `header` of tests/matrix.sh"]
fn the_header_is_strict_c11_and_cpp17_for_both_compilers() {
    let header = root().join("include/reml_runtime.h");
    let strict = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"];
    for (compiler, standard, language) in [
        ("gcc", "-std=c11", "-xc"),
        ("clang-19", "-std=c11", "-xc"),
        ("g++", "-std=c++17", "-xc++"),
        ("clang++-19", "-std=c++17", "-xc++"),
    ] {
        // A header given as the main file draws a warning of its own in clang.
        let include = format!("-include{}", header.display());
        run(Command::new(compiler).args(strict).args([standard, &include, language, "/dev/null"]));
    }
}
