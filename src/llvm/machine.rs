//! For which machine a program was built, by the first bytes of its file: the folder it
//! lies in and its name prove nothing, on a Mac with two Homebrews least of all. It
//! judges; it never reads a file itself.
//!
//! Source: the ELF gABI (`e_machine`), Apple's `mach-o/loader.h` and `mach-o/fat.h`.

use std::fmt;

/// How many bytes of a file [`built_for`] wants to see.
pub const HEAD: u64 = 4096;

/// A processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cpu {
    /// Intel's and AMD's.
    X86_64,
    /// Arm's, and Apple's own.
    Arm64,
}

/// An operating system, by the form of its programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// ELF files.
    Linux,
    /// Mach-O files.
    MacOs,
}

/// What a program was built for: one processor, or several in a universal file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its system.
    pub system: System,
    /// The processors known here; others are left out.
    pub cpus: Vec<Cpu>,
}

/// The machine that programs are to run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    /// Its system.
    pub system: System,
    /// Its processor, whatever this program itself was built for.
    pub cpu: Cpu,
}

/// Whether a program can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// By the processor itself.
    Native,
    /// An Intel program on Apple silicon, by Rosetta.
    Translated,
    /// Not at all.
    Foreign,
}

impl Platform {
    /// The machine below this process, which Rosetta translates or not; `None` on a
    /// system or processor that is not in the tables.
    #[must_use]
    pub fn of_process(is_translated: bool) -> Option<Self> {
        Self::of_build(std::env::consts::OS, std::env::consts::ARCH, is_translated)
    }

    /// The same for a process built for `os` and `arch`, by their names in
    /// [`std::env::consts`].
    #[must_use]
    pub fn of_build(os: &str, arch: &str, is_translated: bool) -> Option<Self> {
        let system = match os {
            "linux" => System::Linux,
            "macos" => System::MacOs,
            _ => return None,
        };
        let cpu = match arch {
            "x86_64" if is_translated => Cpu::Arm64,
            "x86_64" => Cpu::X86_64,
            "aarch64" => Cpu::Arm64,
            _ => return None,
        };
        Some(Self { system, cpu })
    }

    /// Whether a program that was built so can run here.
    #[must_use]
    pub fn fit(self, built: &Built) -> Fit {
        let rosetta = self.system == System::MacOs && self.cpu == Cpu::Arm64;
        if built.system != self.system {
            Fit::Foreign
        } else if built.cpus.contains(&self.cpu) {
            Fit::Native
        } else if rosetta && built.cpus.contains(&Cpu::X86_64) {
            Fit::Translated
        } else {
            Fit::Foreign
        }
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        })
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linux => "Linux",
            Self::MacOs => "macOS",
        })
    }
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpus: Vec<String> = self.cpus.iter().map(ToString::to_string).collect();
        let cpus = if cpus.is_empty() { "another processor".to_owned() } else { cpus.join("+") };
        write!(f, "{} {cpus}", self.system)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.system, self.cpu)
    }
}

/// What the file that begins with `head` was built for; `None` when it is no program of
/// the two systems, such as a script.
#[must_use]
pub fn built_for(head: &[u8]) -> Option<Built> {
    let at = |offset: usize| Some(*head.get(offset..offset + 4)?.first_chunk::<4>()?);
    let mach = |kind: u32| match kind {
        0x0100_0007 => Some(Cpu::X86_64),
        0x0100_000c => Some(Cpu::Arm64),
        _ => None,
    };
    match at(0)? {
        [0x7f, b'E', b'L', b'F'] => {
            let machine = u16::from_le_bytes(*head.get(18..20)?.first_chunk::<2>()?);
            // EI_CLASS and EI_DATA: 64 bits, little endian.
            let cpu = match (head.get(4..6)?, machine) {
                ([2, 1], 62) => Some(Cpu::X86_64),
                ([2, 1], 183) => Some(Cpu::Arm64),
                _ => None,
            };
            Some(Built { system: System::Linux, cpus: cpu.into_iter().collect() })
        }
        // MH_MAGIC_64, as both of Apple's processors write it.
        [0xcf, 0xfa, 0xed, 0xfe] => {
            let cpu = mach(u32::from_le_bytes(at(4)?));
            Some(Built { system: System::MacOs, cpus: cpu.into_iter().collect() })
        }
        // FAT_MAGIC and FAT_MAGIC_64, always big-endian. Java's classes begin with the
        // first as well; their next four bytes are a version of 45 or more.
        magic @ [0xca, 0xfe, 0xba, 0xbe | 0xbf] => {
            let count = u32::from_be_bytes(at(4)?);
            let stride = if magic[3] == 0xbe { 20 } else { 32 };
            let count = usize::try_from(count).ok().filter(|count| *count <= 16)?;
            let kinds = (0..count).map_while(|index| at(8 + index * stride));
            let cpus = kinds.filter_map(|kind| mach(u32::from_be_bytes(kind))).collect();
            Some(Built { system: System::MacOs, cpus })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARM_MAC: Platform = Platform { system: System::MacOs, cpu: Cpu::Arm64 };
    const INTEL_MAC: Platform = Platform { system: System::MacOs, cpu: Cpu::X86_64 };
    const LINUX: Platform = Platform { system: System::Linux, cpu: Cpu::X86_64 };

    fn mach(cpu: u32) -> Vec<u8> {
        [[0xcf, 0xfa, 0xed, 0xfe], cpu.to_le_bytes()].concat()
    }

    fn fat(cpus: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0xca, 0xfe, 0xba, 0xbe];
        bytes.extend(u32::try_from(cpus.len()).unwrap().to_be_bytes());
        for cpu in cpus {
            bytes.extend(cpu.to_be_bytes());
            bytes.extend([0; 16]);
        }
        bytes
    }

    fn elf(machine: u16) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes
    }

    #[test]
    fn l08_intel_and_apple_silicon_are_told_apart_by_the_file_itself() {
        let rows: [(Vec<u8>, &str, Fit, Fit, Fit); 7] = [
            (mach(0x0100_000c), "macOS arm64", Fit::Native, Fit::Foreign, Fit::Foreign),
            (mach(0x0100_0007), "macOS x86_64", Fit::Translated, Fit::Native, Fit::Foreign),
            (mach(7), "macOS another processor", Fit::Foreign, Fit::Foreign, Fit::Foreign),
            (
                fat(&[0x0100_0007, 0x0100_000c]),
                "macOS x86_64+arm64",
                Fit::Native,
                Fit::Native,
                Fit::Foreign,
            ),
            (elf(62), "Linux x86_64", Fit::Foreign, Fit::Foreign, Fit::Native),
            (elf(183), "Linux arm64", Fit::Foreign, Fit::Foreign, Fit::Foreign),
            (elf(243), "Linux another processor", Fit::Foreign, Fit::Foreign, Fit::Foreign),
        ];
        for (bytes, name, on_arm_mac, on_intel_mac, on_linux) in rows {
            let built = built_for(&bytes).unwrap();
            assert_eq!(built.to_string(), name);
            assert_eq!(ARM_MAC.fit(&built), on_arm_mac, "{name}");
            assert_eq!(INTEL_MAC.fit(&built), on_intel_mac, "{name}");
            assert_eq!(LINUX.fit(&built), on_linux, "{name}");
        }
    }

    #[test]
    fn a_universal_file_of_the_wide_form_is_read_as_well() {
        let mut bytes = vec![0xca, 0xfe, 0xba, 0xbf, 0, 0, 0, 1];
        bytes.extend(0x0100_000c_u32.to_be_bytes());
        assert_eq!(built_for(&bytes).unwrap().cpus, [Cpu::Arm64]);
    }

    #[test]
    fn scripts_cut_files_and_java_classes_are_no_programs() {
        let java = [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 0];
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fEL", b"\x7fELF\x02\x01", &java] {
            assert_eq!(built_for(bytes), None, "{bytes:?}");
        }
        // A table that ends too early gives what is there, and never a panic.
        let whole = fat(&[0x0100_0007, 0x0100_000c]);
        for length in 0..whole.len() {
            let _ = built_for(&whole[..length]);
        }
    }

    #[test]
    fn an_intel_build_of_this_program_under_rosetta_knows_the_real_processor() {
        if std::env::consts::ARCH == "x86_64" {
            assert_eq!(Platform::of_process(true).unwrap().cpu, Cpu::Arm64);
            assert_eq!(Platform::of_process(false).unwrap().cpu, Cpu::X86_64);
        }
    }
}
