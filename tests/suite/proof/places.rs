//! Places: odd letters in the path, any working folder, a toolchain that was moved, and
//! every way to name a tool.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Toolchain, Work, builds, evidence, finish, for_both_targets, ground, reml};

const HELLO: &str = "hello from C\n";
const HELLO_CPP: &str = "caught: nothing to parse\nworker: 42, size: 4\n";

/// A blank, letters beyond ASCII, and what shells and build systems might stumble over.
const ODD: &str = "räum (ß) 木 o'neill";

/// A project of its own beside `plain`, with links to what that one has in its cache.
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// The project's folder, called `name`, and the cached parts called `parts`.
    pub fn new(within: &Path, name: &str, parts: &[&str]) -> Self {
        let folder = tempfile::tempdir_in(within).unwrap();
        let project = Self { folder };
        let root = project.path(name);
        let cache = root.join("toolchains/cache");
        std::fs::create_dir_all(&cache).unwrap();
        let plain = ground("plain");
        for name in ["versions.toml", "checksums.txt"] {
            std::fs::copy(plain.join(name), root.join(name)).unwrap();
        }
        for part in parts {
            let from = plain.join("toolchains/cache").join(part);
            finish(Command::new("cp").arg("-al").arg(from).arg(&cache)).code(0);
        }
        project
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// `prepare` out of the cache alone.
fn prepare(root: &Path, target: &str) -> crate::support::fixture::Outcome {
    let args = ["-v", "prepare", "--cache", "--llvm", "debian", "--target", target];
    let outcome = reml(root, args);
    outcome.code(0);
    outcome
}

#[test]
#[ignore = "needs a prepared toolchain: the step proof of .ci/run"]
fn odd_letters_in_the_path_disturb_neither_compilers_nor_build_systems() {
    let project = Project::new(&ground(""), ODD, &["pool", "unpacked"]);
    let root = project.path(ODD);
    prepare(&root, "all");
    for processor in ["x86_64", "aarch64"] {
        let toolchain = Toolchain::at(root.clone(), processor);
        let work = Work::new("languages");
        toolchain.prove(&work, "clang", "hello.c", HELLO);
        toolchain.prove(&work, "clang++", "hello.cpp", HELLO_CPP);
        toolchain.compile(&work, "clang++", "-static hello.cpp -o program");
        toolchain.run(&work, "program").code(0).stdout_is(HELLO_CPP);
        let args = ["hello.c", "-Wl,-t", "-o", "program"];
        let trace = toolchain.call(&work, "clang", args);
        assert!(evidence::check_linked(&toolchain, &work, &trace) >= 6, "{trace}");
        super::shells::env_sh_serves_every_shell(&toolchain);
    }
    let toolchain = Toolchain::at(root, "x86_64");
    builds::a_cmake_project_is_built_and_installed(&toolchain);
    builds::a_meson_project_is_built_and_installed(&toolchain);
    builds::an_autotools_project_is_configured_and_built(&toolchain);
    let toolchain = Toolchain::at(toolchain.project, "aarch64");
    builds::a_crate_with_c_and_cpp_sources_is_built(&toolchain);
}

#[test]
#[ignore = "needs a prepared toolchain: the step proof of .ci/run"]
fn a_moved_toolchain_works_and_prepare_repairs_the_rest() {
    let project = Project::new(&ground(""), "before", &["pool", "unpacked"]);
    let (before, after) = (project.path("before"), project.path("after all"));
    prepare(&before, "all");
    std::fs::rename(&before, &after).unwrap();
    for processor in ["x86_64", "aarch64"] {
        let toolchain = Toolchain::at(after.clone(), processor);
        let work = Work::new("languages");
        toolchain.prove(&work, "clang", "hello.c", HELLO);
        toolchain.prove(&work, "clang++", "hello.cpp", HELLO_CPP);
        // The file that names its own place by absolute paths says what to run.
        let file = toolchain.root().join("env.sh");
        let outcome = work.call("/bin/sh", ["-c".as_ref(), ". \"$0\"".as_ref(), file.as_os_str()]);
        outcome.code(1).stderr_has("run `reml-toolchain prepare`");
    }
    let outcome = prepare(&after, "all");
    let why = format!("place changed ({} → {})", before.display(), after.display());
    outcome.stderr_has(&why);
    prepare(&after, "all").stderr_has("is up to date").stderr_lacks("stale");
    for processor in ["x86_64", "aarch64"] {
        let toolchain = Toolchain::at(after.clone(), processor);
        super::shells::env_sh_serves_every_shell(&toolchain);
        super::commands::env_names_files_that_are_there(&toolchain);
    }
}

fn any_working_folder_serves(toolchain: &Toolchain) {
    let work = Work::new("languages");
    let (clang, source) = (toolchain.tool("clang"), work.path("hello.c"));
    let run = |folder: &str, program: &Path| {
        // A shell stands between, for no process can be started in a folder that is gone.
        let script = format!("{folder} && exec \"$1\" \"$2\" -o \"$3\"");
        let args: [&OsStr; 6] = [
            "-c".as_ref(),
            script.as_ref(),
            "sh".as_ref(),
            clang.as_ref(),
            source.as_ref(),
            program.as_ref(),
        ];
        let outcome = work.call("/bin/sh", args);
        outcome.code(0);
    };
    for (name, folder) in [
        ("slash", "cd /"),
        ("deleted", "/bin/mkdir gone && cd gone && /bin/rmdir ../gone"),
        ("unreadable", "/bin/mkdir -m 0300 closed && cd closed"),
    ] {
        run(folder, &work.path(name));
        toolchain.run(&work, name).code(0).stdout_is(HELLO);
    }
}

fn every_way_to_name_a_tool_leads_to_it(toolchain: &Toolchain) {
    let mut work = Work::new("languages");
    let clang = toolchain.tool("clang");
    std::fs::create_dir(work.path("links")).unwrap();
    std::os::unix::fs::symlink(&clang, work.path("links/mycc")).unwrap();
    std::os::unix::fs::symlink("links/mycc", work.path("again")).unwrap();
    let bin = clang.parent().unwrap();
    std::os::unix::fs::symlink(bin, work.path("folder")).unwrap();
    let name = clang.file_name().unwrap().to_str().unwrap();
    let prove = |work: &Work, program: &OsStr, arg0: Option<&str>| {
        let mut command = work.command("/usr/bin/env");
        if let Some(arg0) = arg0 {
            command = work.command(program);
            std::os::unix::process::CommandExt::arg0(&mut command, arg0);
        } else {
            command.arg(program);
        }
        finish(command.args(["hello.c", "-o", "program"])).code(0).stderr_is("");
        toolchain.run(work, "program").code(0).stdout_is(HELLO);
        std::fs::remove_file(work.path("program")).unwrap();
    };
    for program in ["links/mycc", "./again"] {
        prove(&work, work.path(program).as_os_str(), None);
        prove(&work, program.as_ref(), None);
    }
    prove(&work, work.path("folder").join(name).as_os_str(), None);
    prove(&work, clang.as_os_str(), Some("ld"));
    prove(&work, clang.as_os_str(), Some(""));
    work.set("PATH", bin);
    prove(&work, name.as_ref(), None);
    work.set("PATH", work.path("links"));
    prove(&work, "mycc".as_ref(), None);
}

for_both_targets!(any_working_folder_serves, every_way_to_name_a_tool_leads_to_it);
