//! The archive's programs start on this machine, from where their packages put them.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use super::NOW;
use crate::support::mirror::elf::Elf;
use crate::support::mirror::{MACHINES, Machine, Member, Mirror, Package};

fn machine() -> &'static Machine {
    let debian = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    MACHINES.iter().find(|machine| machine.debian == debian).unwrap()
}

/// Lays out a package's members as they are.
fn install(package: &Package, root: &Path) {
    for member in &package.members {
        let (Member::File(path, _) | Member::Program(path, _) | Member::Link(path, _)) = member
        else {
            continue;
        };
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match member {
            Member::Link(_, target) => symlink(target, &path).unwrap(),
            Member::File(_, bytes) | Member::Program(_, bytes) => {
                std::fs::write(&path, bytes).unwrap();
                std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
            }
            _ => {}
        }
    }
}

/// What a program printed; it must end well and complain of nothing.
fn output(program: &Path, libraries: &Path) -> String {
    let output = Command::new(program).env("LD_LIBRARY_PATH", libraries).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", program.display());
    assert!(output.status.success(), "{}: {}", program.display(), output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_static_program_prints_its_text_and_ends_with_its_status() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    let program = Elf::program(machine().number, "said\n").runpath("$ORIGIN").status(7);
    std::fs::write(&path, program.build()).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(&path).arg("--version").output().unwrap();
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(7), &b"said\n"[..]));
}

#[test]
fn a_library_that_defines_versions_serves_a_program_that_wants_them() {
    let folder = tempfile::tempdir().unwrap();
    let library = Elf::library(machine().number, "libown.so.1").defines(&["OWN_1", "OWN_2"]);
    std::fs::write(folder.path().join("libown.so.1"), library.build()).unwrap();
    let loader = if machine().debian == "amd64" { "/lib64" } else { "/lib" };
    let build = |version: &str| {
        let path = folder.path().join(version);
        let program = Elf::program(machine().number, "found\n")
            .interpreter(&format!("{loader}/{}", machine().loader))
            .wants("libown.so.1", &[version]);
        std::fs::write(&path, program.build()).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    };
    assert_eq!(output(&build("OWN_2"), folder.path()), "found\n");
    let refused =
        Command::new(build("OWN_3")).env("LD_LIBRARY_PATH", folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("OWN_3"), "{said}");
}

#[test]
fn the_llvm_and_qemu_packages_run_with_their_own_libraries_and_say_their_versions() {
    let mut mirror = Mirror::bookworm_at(NOW);
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let packages = [
        "clang-19",
        "lld-19",
        "llvm-19",
        "libllvm19",
        "libclang-cpp19",
        "qemu-user",
        "libglib2.0-0",
        "zlib1g",
    ];
    for name in packages {
        let suite = mirror.suite("bookworm");
        install(&suite.offer(name, machine().debian).package, root);
    }
    // zlib alone lies where no RUNPATH of theirs leads, and it is no part of `usr`.
    let libraries = root.join("usr/lib").join(machine().multiarch);
    let zlib = root.join("lib").join(machine().multiarch).join("libz.so.1.2.13");
    std::fs::copy(zlib, libraries.join("libz.so.1")).unwrap();
    let bin = root.join("usr/bin");
    assert!(output(&bin.join("clang-19"), &libraries).contains("clang version 19.1.7"));
    assert!(output(&bin.join("ld.lld-19"), &libraries).contains("LLD 19.1.7"));
    assert!(output(&bin.join("llvm-readelf-19"), &libraries).contains("LLVM version 19.1.7"));
    assert!(output(&bin.join("qemu-aarch64"), &libraries).contains("qemu-aarch64 version 7.2"));
}
