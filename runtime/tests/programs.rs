//! The C programs that `reml-toolchain build-runtime --check` runs, here with the host's
//! own compiler, against both archives.
#![cfg(target_os = "linux")]

mod support;

use reml_runtime_pack::expect::Promise;
use support::Program;

#[test]
fn every_program_keeps_its_promise_with_both_archives() {
    let folder = support::root().join("tests/c");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        let promise =
            Promise::parse(&text).unwrap_or_else(|line| panic!("{}: {line}", path.display()));
        for (archive, is_debug) in [(support::release(), false), (support::debug(), true)] {
            if promise.only_debug && !is_debug {
                continue;
            }
            let output = Program::new(&text, archive, &[]).output();
            let status = output.status.code().unwrap_or(-1);
            let broken = promise.broken(status, &output.stdout, &output.stderr);
            assert!(broken.is_empty(), "{}, debug {is_debug}: {broken:#?}", path.display());
            count += 1;
        }
    }
    assert!(count > 25, "{count}");
}
