//! The C library's packages, with what makes them hard: an absolute link to the loader,
//! linker scripts with absolute paths, links between folders. Never any code in them.

use super::super::archive::ar;
use super::elf::{Elf, object};
use super::package::Package;
use super::sysroot::{Machine, library, same};

/// All that is built from glibc's source in this version.
pub fn glibc(machine: &Machine, version: &str) -> Vec<Package> {
    let number = machine.number;
    let tools = Package::new("libc-dev-bin", version, machine.debian)
        .source("glibc")
        .field("Multi-Arch", "foreign")
        .depends("libc6 (>> 2.36), libc6 (<< 2.37)")
        .program("usr/bin/gencat", Elf::program(number, "gencat (Debian GLIBC) 2.36\n").build());
    vec![runtime(machine, version), development(machine, version), tools]
}

fn runtime(machine: &Machine, version: &str) -> Package {
    let Machine { debian, multiarch, number, loader, oldest } = *machine;
    let lib = format!("lib/{multiarch}");
    let dev = format!("usr/lib/{multiarch}");
    let versions = [oldest, "GLIBC_2.34", "GLIBC_2.35", "GLIBC_2.36", "GLIBC_PRIVATE"];
    let libc = Elf::library(number, "libc.so.6").needs(loader).defines(&versions).build();
    let libc6 = same("libc6", version, machine, "glibc")
        .depends("libgcc-s1")
        .field("Section", "libs")
        .program(&format!("{lib}/{loader}"), Elf::library(number, loader).build())
        .program(&format!("{lib}/libc.so.6"), libc)
        .file(&format!("{lib}/libm.so.6"), library(machine, "libm.so.6"))
        .file(&format!("{lib}/libresolv.so.2"), library(machine, "libresolv.so.2"))
        .file(&format!("{dev}/gconv/UTF-16.so"), library(machine, "UTF-16.so"))
        .file(&format!("etc/ld.so.conf.d/{multiarch}.conf"), format!("/{lib}\n/{dev}\n"));
    if debian == "amd64" {
        libc6.link(&format!("lib64/{loader}"), &format!("/{lib}/{loader}"))
    } else {
        libc6.link(&format!("lib/{loader}"), &format!("{multiarch}/{loader}"))
    }
}

fn development(machine: &Machine, version: &str) -> Package {
    let Machine { debian, multiarch, number, loader, .. } = *machine;
    let lib = format!("lib/{multiarch}");
    let dev = format!("usr/lib/{multiarch}");
    let format = if debian == "amd64" { "elf64-x86-64" } else { "elf64-littleaarch64" };
    let full_loader = if debian == "amd64" { "/lib64/" } else { "/lib/" }.to_owned() + loader;
    let script = format!(
        "/* GNU ld script */\nOUTPUT_FORMAT({format})\nGROUP ( /{lib}/libc.so.6 \
         /{dev}/libc_nonshared.a  AS_NEEDED ( {full_loader} ) )\n"
    );
    let mut libc6_dev = same("libc6-dev", version, machine, "glibc")
        .field("Section", "libdevel")
        .provides(&format!("libc-dev (= {version})"))
        .depends(&format!(
            "libc6 (= {version}), libc-dev-bin (= {version}), linux-libc-dev, libcrypt-dev, \
             rpcsvc-proto"
        ))
        .file("usr/include/stdio.h", "#include <features.h>\nint puts(const char *);\n")
        .file("usr/include/features.h", "#define __GLIBC__ 2\n#define __GLIBC_MINOR__ 36\n")
        .file(&format!("usr/include/{multiarch}/sys/cdefs.h"), "#define __THROW\n")
        .file(&format!("{dev}/libc.so"), script)
        .link(&format!("{dev}/libresolv.so"), &format!("/{lib}/libresolv.so.2"));
    // Debian's arm64 has no vector maths, and so a link where amd64 has a script.
    libc6_dev = if debian == "amd64" {
        let script = format!("/* GNU ld script */\nGROUP ( /{lib}/libm.so.6 )\n");
        libc6_dev.file(&format!("{dev}/libm.so"), script)
    } else {
        libc6_dev.link(&format!("{dev}/libm.so"), &format!("/{lib}/libm.so.6"))
    };
    for name in ["crt1.o", "Scrt1.o", "crti.o", "crtn.o"] {
        libc6_dev = libc6_dev.file(&format!("{dev}/{name}"), object(number));
    }
    for name in ["libc.a", "libc_nonshared.a", "libm.a", "libpthread.a"] {
        libc6_dev = libc6_dev.file(&format!("{dev}/{name}"), ar(&[]));
    }
    libc6_dev
}
