//! The packages of a tiny sysroot, shaped as Debian 12's are: names, versions, relations,
//! absolute links, linker scripts, and two headers that differ in case only. Never any
//! code in them: nothing here can be linked.

use super::super::archive::{Compression, ar};
use super::elf::{Elf, object};
use super::glibc::glibc;
use super::package::Package;

pub const GLIBC: &str = "2.36-9+deb12u14";
pub const GCC: &str = "12.2.0-14+deb12u1";
pub const LINUX: &str = "6.1.176-1";
pub const SECURITY_LINUX: &str = "6.1.192-2";
const CRYPT: &str = "1:4.4.33-2";
const ZLIB: &str = "1:1.2.13.dfsg-1";

/// A machine by all its names. On purpose not the table of the code under test.
#[derive(Debug)]
pub struct Machine {
    pub debian: &'static str,
    pub multiarch: &'static str,
    pub number: u16,
    pub loader: &'static str,
    /// The oldest symbol version of its glibc.
    pub oldest: &'static str,
}

pub const MACHINES: [Machine; 2] = [
    Machine {
        debian: "amd64",
        multiarch: "x86_64-linux-gnu",
        number: 62,
        loader: "ld-linux-x86-64.so.2",
        oldest: "GLIBC_2.2.5",
    },
    Machine {
        debian: "arm64",
        multiarch: "aarch64-linux-gnu",
        number: 183,
        loader: "ld-linux-aarch64.so.1",
        oldest: "GLIBC_2.17",
    },
];

/// What stands in bookworm, for one machine.
pub fn bookworm(machine: &Machine) -> Vec<Package> {
    let mut packages = glibc(machine, GLIBC);
    packages.push(linux_headers(machine, LINUX));
    packages.extend(gcc(machine));
    packages.extend(crypt(machine));
    packages.extend(extras(machine));
    packages.extend(openssl(machine, "3.0.20-1~deb12u2"));
    packages
}

/// What stands in bookworm-updates: older than bookworm's own, as it often is.
pub fn updates(machine: &Machine) -> Vec<Package> {
    openssl(machine, "3.0.17-1~deb12u2")
}

/// What stands in bookworm-security: newer kernel headers, newer OpenSSL, and a libc that
/// bookworm's last point release has overtaken.
pub fn security(machine: &Machine) -> Vec<Package> {
    let mut packages = glibc(machine, "2.36-9+deb12u7");
    packages.push(linux_headers(machine, SECURITY_LINUX));
    packages.extend(openssl(machine, "3.0.22-1~deb12u2"));
    packages
}

/// Packages for every architecture.
pub fn everywhere() -> Vec<Package> {
    vec![
        Package::new("demo-data", "1.0-1", "all")
            .source("demo")
            .field("Multi-Arch", "foreign")
            .file("usr/share/demo/words", "one\ntwo\n"),
        Package::new("linux-base", "4.9", "all")
            .field("Multi-Arch", "foreign")
            .program("usr/bin/linux-version", "#!/bin/sh\necho 6.1.0\n"),
    ]
}

/// A package of one machine that may stand beside the other machine's.
pub(super) fn same(name: &str, version: &str, machine: &Machine, source: &str) -> Package {
    Package::new(name, version, machine.debian).source(source).field("Multi-Arch", "same")
}

pub(super) fn library(machine: &Machine, soname: &str) -> Vec<u8> {
    Elf::library(machine.number, soname).wants("libc.so.6", &[machine.oldest]).build()
}

fn linux_headers(machine: &Machine, version: &str) -> Package {
    let multiarch = machine.multiarch;
    same("linux-libc-dev", version, machine, "linux")
        .field("Section", "devel")
        .file("usr/include/linux/version.h", format!("/* {version} */\n"))
        .file(&format!("usr/include/{multiarch}/asm/unistd.h"), "#include <asm/unistd_64.h>\n")
        .file("usr/include/linux/netfilter/xt_TCPMSS.h", "struct xt_tcpmss_info;\n")
        .file("usr/include/linux/netfilter/xt_tcpmss.h", "struct xt_tcpmss_match_info;\n")
}

fn gcc(machine: &Machine) -> Vec<Package> {
    let Machine { multiarch, number, .. } = *machine;
    let dev = format!("usr/lib/gcc/{multiarch}/12");
    let base = format!("gcc-12-base (= {GCC})");
    let package = |name: &str| same(name, GCC, machine, "gcc-12");
    let shared = format!("usr/lib/{multiarch}");
    let mut libgcc_dev = package("libgcc-12-dev")
        .depends(&format!("{base}, libgcc-s1 (>= {GCC}), libatomic1 (>= {GCC})"))
        .file(&format!("{dev}/libgcc.a"), ar(&[]))
        .file(&format!("{dev}/libgcc_eh.a"), ar(&[]))
        .file(&format!("{dev}/libgcc_s.so"), "GROUP ( libgcc_s.so.1 -lgcc )\n")
        .file(&format!("{dev}/include/stddef.h"), "typedef unsigned long size_t;\n")
        .link(&format!("{dev}/libatomic.so"), &format!("../../../{multiarch}/libatomic.so.1"))
        .link(&format!("{dev}/libasan.so"), &format!("../../../{multiarch}/libasan.so.8.0.0"));
    for name in ["crtbegin.o", "crtbeginS.o", "crtbeginT.o", "crtend.o", "crtendS.o"] {
        libgcc_dev = libgcc_dev.file(&format!("{dev}/{name}"), object(number));
    }
    let libstdcxx = Elf::library(number, "libstdc++.so.6")
        .needs("libgcc_s.so.1")
        .wants("libc.so.6", &["GLIBC_2.34", "GLIBC_2.36"])
        .build();
    vec![
        package("gcc-12-base").field("Section", "libs").dir(&dev),
        package("libgcc-s1")
            .provides(&format!("libgcc1 (= 1:{GCC})"))
            .depends(&format!("{base}, libc6 (>= 2.35)"))
            .file(&format!("lib/{multiarch}/libgcc_s.so.1"), library(machine, "libgcc_s.so.1")),
        libgcc_dev,
        package("libatomic1")
            .depends(&format!("{base}, libc6 (>= 2.14)"))
            .link(&format!("{shared}/libatomic.so.1"), "libatomic.so.1.2.0")
            .file(&format!("{shared}/libatomic.so.1.2.0"), library(machine, "libatomic.so.1")),
        package("libstdc++6")
            .depends(&format!("{base}, libc6 (>= 2.36), libgcc-s1 (>= 4.2)"))
            .link(&format!("{shared}/libstdc++.so.6"), "libstdc++.so.6.0.30")
            .file(&format!("{shared}/libstdc++.so.6.0.30"), libstdcxx),
        package("libstdc++-12-dev")
            .provides("libstdc++-dev")
            .depends(&format!(
                "{base}, libgcc-12-dev (= {GCC}), libstdc++6 (>= {GCC}), libc6-dev (>= 2.23-1~)"
            ))
            .file("usr/include/c++/12/vector", "#pragma once\n")
            .file(&format!("usr/include/{multiarch}/c++/12/bits/c++config.h"), "#pragma once\n")
            .file(&format!("{dev}/libstdc++.a"), ar(&[]))
            .link(&format!("{dev}/libstdc++.so"), &format!("../../../{multiarch}/libstdc++.so.6")),
    ]
}

fn crypt(machine: &Machine) -> Vec<Package> {
    let multiarch = machine.multiarch;
    let (lib, dev) = (format!("lib/{multiarch}"), format!("usr/lib/{multiarch}"));
    vec![
        same("libcrypt1", CRYPT, machine, "libxcrypt")
            .depends("libc6 (>= 2.36)")
            .link(&format!("{lib}/libcrypt.so.1"), "libcrypt.so.1.1.0")
            .file(&format!("{lib}/libcrypt.so.1.1.0"), library(machine, "libcrypt.so.1")),
        same("libcrypt-dev", CRYPT, machine, "libxcrypt")
            .provides("libcrypt1-dev")
            .depends(&format!("libcrypt1 (= {CRYPT})"))
            .file("usr/include/crypt.h", "char *crypt(const char *, const char *);\n")
            .file(&format!("{dev}/libcrypt.a"), ar(&[]))
            .link(&format!("{dev}/libcrypt.so"), &format!("/{lib}/libcrypt.so.1")),
    ]
}

/// What `--with` is for: alternatives, a virtual package, an epoch, an `all` package; one
/// .deb with gzip in it.
fn extras(machine: &Machine) -> Vec<Package> {
    let Machine { debian, multiarch, number, .. } = *machine;
    let lib = format!("usr/lib/{multiarch}");
    vec![
        Package::new("rpcsvc-proto", "1.4.3-1", debian)
            .field("Multi-Arch", "foreign")
            .depends("libc6 (>= 2.34)")
            .program("usr/bin/rpcgen", Elf::program(number, "rpcgen 1.4.3\n").build()),
        same("zlib1g", ZLIB, machine, "zlib")
            .provides("libz1")
            .depends("libc6 (>= 2.14)")
            .link(&format!("lib/{multiarch}/libz.so.1"), "libz.so.1.2.13")
            .file(
                &format!("lib/{multiarch}/libz.so.1.2.13"),
                Elf::library(number, "libz.so.1").build(),
            ),
        same("zlib1g-dev", ZLIB, machine, "zlib")
            .provides("libz-dev")
            .depends(&format!("zlib1g (= {ZLIB}), libc6-dev | libc-dev"))
            .file("usr/include/zlib.h", "#define ZLIB_VERSION \"1.2.13\"\n")
            .file(&format!("{lib}/libz.a"), ar(&[]))
            .link(&format!("{lib}/libz.so"), &format!("/lib/{multiarch}/libz.so.1.2.13")),
        same("libdemo1", "1.0-1+b2", machine, "demo")
            .depends("libc6 (>= 2.34), libnever1 | zlib1g (>= 1:1.1.4), demo-data (>= 1.0~rc1)")
            .compression(Compression::Gzip)
            .file(&format!("{lib}/libdemo.so.1"), library(machine, "libdemo.so.1")),
        same("libdemo-dev", "1.0-1+b2", machine, "demo")
            .depends("libdemo1 (= 1.0-1+b2), libz-dev, libc-dev")
            .file("usr/include/demo.h", "void demo(void);\n")
            .link(&format!("{lib}/libdemo.so"), "libdemo.so.1"),
    ]
}

/// In all three suites with three versions; the .debs hold zstd.
fn openssl(machine: &Machine, version: &str) -> Vec<Package> {
    let lib = format!("usr/lib/{}", machine.multiarch);
    let package =
        |name: &str| same(name, version, machine, "openssl").compression(Compression::Zstd);
    vec![
        package("libssl3")
            .depends("libc6 (>= 2.34)")
            .file(&format!("{lib}/libssl.so.3"), library(machine, "libssl.so.3")),
        package("libssl-dev")
            .depends(&format!("libssl3 (= {version})"))
            .file("usr/include/openssl/ssl.h", format!("/* {version} */\n"))
            .link(&format!("{lib}/libssl.so"), "libssl.so.3"),
    ]
}
