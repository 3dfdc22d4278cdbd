//! The packages that run on the host or boot: LLVM, qemu, the cloud kernel. Their programs
//! start on Linux and say the right version; never anything more.

use super::elf::Elf;
use super::package::{Package, without_epoch};
use super::sysroot::{LINUX, Machine, SECURITY_LINUX};

pub const LLVM: &str = "1:19.1.7-3~deb12u1";
pub const QEMU: &str = "1:7.2+dfsg-7+deb12u18+b3";

/// What stands in bookworm, for one machine.
pub fn bookworm(machine: &Machine) -> Vec<Package> {
    let mut packages = llvm(machine);
    packages.extend(qemu(machine));
    packages.extend(kernel(machine, LINUX, "6.1.0-50"));
    packages
}

/// What stands in bookworm-security: a newer kernel under another name.
pub fn security(machine: &Machine) -> Vec<Package> {
    kernel(machine, SECURITY_LINUX, "6.1.0-56")
}

fn loader(machine: &Machine) -> String {
    let folder = if machine.debian == "amd64" { "/lib64" } else { "/lib" };
    format!("{folder}/{}", machine.loader)
}

/// A program as LLVM's are: found libraries through `DT_RUNPATH`, no libc of its own.
fn llvm_program(machine: &Machine, output: &str, libraries: &[&str]) -> Vec<u8> {
    let program = Elf::program(machine.number, output)
        .interpreter(&loader(machine))
        .runpath("$ORIGIN/../lib");
    libraries.iter().fold(program, |program, library| program.needs(library)).build()
}

const BIN: &str = "usr/lib/llvm-19/bin";
const LIB: &str = "usr/lib/llvm-19/lib";
const LIBRARIES: [&str; 2] = ["libLLVM.so.19.1", "libclang-cpp.so.19.1"];

fn llvm_package(machine: &Machine, name: &str) -> Package {
    let package = Package::new(name, LLVM, machine.debian);
    package.source("llvm-toolchain-19").field("Section", "devel")
}

fn llvm(machine: &Machine) -> Vec<Package> {
    let own = format!("libllvm19 (= {LLVM})");
    let own_machine = if machine.debian == "amd64" { "x86_64-pc" } else { "aarch64-unknown" };
    let clang = format!(
        "Debian clang version 19.1.7 (3~deb12u1)\nTarget: {own_machine}-linux-gnu\n\
         Thread model: posix\nInstalledDir: /usr/lib/llvm-19/bin\n"
    );
    let lld = "Debian LLD 19.1.7 (compatible with GNU linkers)\n";
    let mut packages = llvm_libraries(machine, &own);
    packages.push(llvm_tools(machine, &own));
    packages.push(
        llvm_package(machine, "clang-19")
            .provides("c++-compiler, c-compiler")
            .depends(&format!(
                "libc6 (>= 2.34), libclang-cpp19 (>= 1:19.1.7), libgcc-s1 (>= 3.0), {own}, \
                 libstdc++6 (>= 11), libstdc++-12-dev, libgcc-12-dev, \
                 libclang-common-19-dev (= {LLVM}), libc6-dev"
            ))
            .program(&format!("{BIN}/clang"), llvm_program(machine, &clang, &LIBRARIES))
            .link(&format!("{BIN}/clang++"), "clang")
            .link(&format!("{BIN}/clang-19"), "clang")
            .link("usr/bin/clang-19", "../lib/llvm-19/bin/clang")
            .link("usr/bin/clang++-19", "../lib/llvm-19/bin/clang++"),
    );
    packages.push(
        llvm_package(machine, "lld-19")
            .depends(&format!("libc6 (>= 2.34), {own}, zlib1g (>= 1:1.2.2)"))
            .program(&format!("{BIN}/lld"), llvm_program(machine, lld, &LIBRARIES[..1]))
            .link(&format!("{BIN}/ld.lld"), "lld")
            .link("usr/bin/ld.lld-19", "../lib/llvm-19/bin/ld.lld"),
    );
    packages
}

fn llvm_tools(machine: &Machine, own: &str) -> Package {
    let says = "Debian LLVM version 19.1.7\n  Optimized build.\n";
    let mut llvm = llvm_package(machine, "llvm-19")
        .depends(&format!("libc6 (>= 2.36), {own}, zlib1g (>= 1:1.2.0)"));
    for (name, alias) in [
        ("llvm-ar", Some("llvm-ranlib")),
        ("llvm-objcopy", Some("llvm-strip")),
        ("llvm-readobj", Some("llvm-readelf")),
        ("llvm-nm", None),
        ("llvm-objdump", None),
        ("llc", None),
        ("opt", None),
    ] {
        let program = llvm_program(machine, says, &LIBRARIES[..1]);
        llvm = llvm.program(&format!("{BIN}/{name}"), program);
        if let Some(alias) = alias {
            llvm = llvm.link(&format!("{BIN}/{alias}"), name);
        }
        for name in [Some(name), alias].into_iter().flatten() {
            let target = format!("../lib/llvm-19/bin/{name}");
            llvm = llvm.link(&format!("usr/bin/{name}-19"), &target);
        }
    }
    llvm
}

fn llvm_libraries(machine: &Machine, own: &str) -> Vec<Package> {
    let Machine { multiarch, number, .. } = *machine;
    let [llvm, clang_cpp] = LIBRARIES;
    let shared = format!("usr/lib/{multiarch}");
    let from_llvm = |name: &str| format!("../../{multiarch}/{name}");
    vec![
        llvm_package(machine, "libllvm19")
            .field("Multi-Arch", "same")
            .depends("libc6 (>= 2.36), libstdc++6 (>= 12), zlib1g (>= 1:1.2.0)")
            .file(
                &format!("{shared}/{llvm}"),
                Elf::library(number, llvm).needs("libz.so.1").build(),
            )
            .link(&format!("{shared}/libLLVM-19.so"), llvm)
            .link(&format!("{LIB}/{llvm}"), &from_llvm(llvm)),
        llvm_package(machine, "libclang-cpp19")
            .depends(&format!("libc6 (>= 2.34), {own}"))
            .file(
                &format!("{shared}/{clang_cpp}"),
                Elf::library(number, clang_cpp).needs(llvm).build(),
            )
            .link(&format!("{LIB}/{clang_cpp}"), &from_llvm(clang_cpp)),
        llvm_package(machine, "libclang-common-19-dev")
            .field("Multi-Arch", "same")
            .file(&format!("{LIB}/clang/19/include/stdarg.h"), "#pragma once\n")
            .file(&format!("{LIB}/clang/19/include/stddef.h"), "#pragma once\n"),
    ]
}

fn qemu(machine: &Machine) -> Vec<Package> {
    let Machine { debian, multiarch, number, .. } = *machine;
    let glib = "libglib-2.0.so.0";
    let mut qemu = Package::new("qemu-user", QEMU, debian)
        .source("qemu")
        .field("Multi-Arch", "foreign")
        .depends("libc6 (>= 2.34), libglib2.0-0 (>= 2.61.2), zlib1g (>= 1:1.1.4)");
    for name in ["qemu-x86_64", "qemu-aarch64"] {
        let version = format!("{name} version 7.2.22 (Debian {QEMU})\n");
        let program = Elf::program(number, &version).interpreter(&loader(machine)).needs(glib);
        qemu = qemu.program(&format!("usr/bin/{name}"), program.build());
    }
    let file = format!("usr/lib/{multiarch}/{glib}");
    let glib = Package::new("libglib2.0-0", "2.74.6-2+deb12u8", debian)
        .source("glib2.0")
        .field("Multi-Arch", "same")
        .depends("libc6 (>= 2.36), zlib1g (>= 1:1.2.2)")
        .link(&file, "libglib-2.0.so.0.7400.6")
        .file(&format!("{file}.7400.6"), Elf::library(number, glib).build());
    vec![qemu, glib]
}

/// The meta package and the kernel it stands for. The image is no kernel.
fn kernel(machine: &Machine, version: &str, abi: &str) -> Vec<Package> {
    let debian = machine.debian;
    let source = format!("linux-signed-{debian}");
    let name = format!("linux-image-{abi}-cloud-{debian}");
    let image = format!("boot/vmlinuz-{abi}-cloud-{debian}");
    let package =
        |name: &str| Package::new(name, version, debian).source(&source).field("Section", "kernel");
    vec![
        package(&format!("linux-image-cloud-{debian}")).depends(&format!("{name} (= {version})")),
        package(&name)
            .depends("linux-base (>= 4.3~)")
            .file(&image, format!("no kernel, but {}\n", without_epoch(version)))
            .file(&format!("lib/modules/{abi}-cloud-{debian}/modules.order"), ""),
    ]
}
