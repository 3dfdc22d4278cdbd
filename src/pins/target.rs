//! The table of targets: one row joins a Rust triple to every other name by which the
//! field calls the same machine. Adding a Debian architecture is one row here.

use std::fmt;

/// One machine that programs can be built for, or that the tool can run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The Rust and LLVM triple, and the name of the toolchain's folder.
    pub triple: &'static str,
    /// Debian's architecture name.
    pub debian: &'static str,
    /// Debian's multiarch tuple: the folder under `usr/lib`.
    pub multiarch: &'static str,
    /// `e_machine` of its ELF files (ELF gABI; `EM_X86_64` is 62).
    pub machine: u16,
    /// The program interpreter, absolute as ELF files name it.
    pub interpreter: &'static str,
    /// What qemu calls it: `qemu-<name>`, `qemu-system-<name>`.
    pub qemu: &'static str,
    /// `CMake`'s `CMAKE_SYSTEM_PROCESSOR` and Meson's `cpu_family`.
    pub processor: &'static str,
}

/// Every target, the default first.
pub const TARGETS: &[Target] = &[
    Target {
        triple: "x86_64-unknown-linux-gnu",
        debian: "amd64",
        multiarch: "x86_64-linux-gnu",
        machine: 62,
        interpreter: "/lib64/ld-linux-x86-64.so.2",
        qemu: "x86_64",
        processor: "x86_64",
    },
    Target {
        triple: "aarch64-unknown-linux-gnu",
        debian: "arm64",
        multiarch: "aarch64-linux-gnu",
        machine: 183,
        interpreter: "/lib/ld-linux-aarch64.so.1",
        qemu: "aarch64",
        processor: "aarch64",
    },
];

impl Target {
    /// The row of a triple.
    #[must_use]
    pub fn by_triple(triple: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.triple == triple)
    }

    /// The row of the Linux machine with this `std::env::consts::ARCH` name.
    #[must_use]
    pub fn by_processor(arch: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.processor == arch)
    }

    /// The row this program itself runs on; `None` where that is not Linux.
    #[must_use]
    pub fn host() -> Option<&'static Self> {
        if cfg!(target_os = "linux") { Self::by_processor(std::env::consts::ARCH) } else { None }
    }

    /// The triple as a part of variable names: `x86_64_unknown_linux_gnu`.
    #[must_use]
    pub fn underscored(&self) -> String {
        self.triple.replace('-', "_")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.triple)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_share_a_name() {
        for (i, a) in TARGETS.iter().enumerate() {
            for b in &TARGETS[i + 1..] {
                assert_ne!(a.triple, b.triple);
                assert_ne!(a.debian, b.debian);
                assert_ne!(a.multiarch, b.multiarch);
                assert_ne!(a.qemu, b.qemu);
                assert_ne!(a.machine, b.machine);
            }
        }
    }

    #[test]
    fn a_triple_becomes_a_part_of_a_variable() {
        assert_eq!(TARGETS[0].underscored(), "x86_64_unknown_linux_gnu");
    }
}
