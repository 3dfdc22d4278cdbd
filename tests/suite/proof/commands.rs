//! `exec` and `env` over a real toolchain.

use super::{Toolchain, Work, for_both_targets, reml};

fn exec_runs_a_command_in_the_environment(toolchain: &Toolchain) {
    let work = Work::new("languages");
    let triple = toolchain.target.triple;
    let compiler = format!("{triple}-clang");
    let (source, program) = (work.path("hello.c"), work.path("program"));
    let args = ["exec", "--target", triple, "--", &compiler];
    let paths = [source.as_os_str(), "-o".as_ref(), program.as_os_str()];
    let args: Vec<_> = args.iter().map(std::ffi::OsStr::new).chain(paths).collect();
    reml(&toolchain.project, &args).code(0).stderr_is("");
    toolchain.run(&work, "program").code(0).stdout_is("hello from C\n");
    for (command, status) in [(vec!["/bin/sh", "-c", "exit 9"], 9), (vec!["no-such-command"], 127)]
    {
        let args = ["exec", "--target", triple, "--"].into_iter().chain(command);
        reml(&toolchain.project, args).code(status);
    }
}

pub fn env_names_files_that_are_there(toolchain: &Toolchain) {
    let args = ["env", "--shell", "json", "--target", toolchain.target.triple];
    let document: serde_json::Value =
        serde_json::from_str(&reml(&toolchain.project, args).code(0).stdout).unwrap();
    let mut tools = 0;
    for (name, value) in document["variables"].as_object().unwrap() {
        let value = std::path::Path::new(value.as_str().unwrap());
        let is_tool = value.is_absolute()
            && !name.starts_with("PKG_CONFIG_LIBDIR")
            && name != "REML_RUNTIME_PATH";
        assert!(!is_tool || value.exists(), "{name}: {} is missing", value.display());
        tools += usize::from(is_tool);
    }
    assert!(tools > 10, "{document}");
}

fn a_second_prepare_finds_nothing_to_do(toolchain: &Toolchain) {
    let args = ["prepare", "--cache", "--llvm", "debian", "--target", toolchain.target.triple];
    reml(&toolchain.project, args).code(0).stderr_has("is up to date");
    let args = ["verify", "--target", toolchain.target.triple];
    reml(&toolchain.project, args).code(0);
}

for_both_targets!(
    exec_runs_a_command_in_the_environment,
    env_names_files_that_are_there,
    a_second_prepare_finds_nothing_to_do,
);
