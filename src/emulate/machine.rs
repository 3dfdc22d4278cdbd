//! The machines that the microVM can be, and qemu's command line for each. Pure.

use std::ffi::OsString;
use std::path::Path;

use crate::host::process::Call;
use crate::pins::Target;

/// A machine as qemu makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Machine {
    /// Its name for qemu, as in [`Target::qemu`].
    qemu: &'static str,
    options: &'static [&'static str],
    /// Where the kernel writes.
    console: &'static str,
    /// Whether the three lines lie on a PCI card, instead of on the board.
    card: bool,
    /// Debian's package of the emulator.
    package: &'static str,
}

const MACHINES: [Machine; 2] = [
    // `-M microvm` hangs, or does not power off, with Debian's kernel.
    Machine {
        qemu: "x86_64",
        options: &["-M", "q35", "-cpu", "max"],
        console: "ttyS0",
        card: false,
        package: "qemu-system-x86",
    },
    Machine {
        qemu: "aarch64",
        options: &["-M", "virt", "-cpu", "cortex-a57"],
        console: "ttyAMA0",
        card: true,
        package: "qemu-system-arm",
    },
];

/// The names of the files that the serial lines are, in the run's folder.
pub const KERNEL: &str = "kernel.log";
/// The program's stdout.
pub const STDOUT: &str = "stdout";
/// The program's stderr.
pub const STDERR: &str = "stderr";
/// What the first process says: the emulator's stdout.
pub const END: &str = "end";

/// What a microVM is made of.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'p> {
    /// `qemu-system-…`.
    pub qemu: &'p Path,
    /// The kernel.
    pub kernel: &'p Path,
    /// The first file system.
    pub image: &'p Path,
    /// Where the serial lines are written.
    pub folder: &'p Path,
    /// In MiB.
    pub memory: u64,
}

fn machine(target: &Target) -> Option<&'static Machine> {
    MACHINES.iter().find(|machine| machine.qemu == target.qemu)
}

/// Debian's package of the system emulator for `target`.
#[must_use]
pub fn package(target: &Target) -> &'static str {
    machine(target).map_or("qemu-system-misc", |machine| machine.package)
}

/// qemu's command line; `None` for a target that no machine is known for.
#[must_use]
pub fn command(target: &Target, parts: Parts<'_>) -> Option<Call> {
    let machine = machine(target)?;
    let mut args: Vec<OsString> =
        ["-nodefaults", "-no-user-config", "-accel", "tcg"].map(OsString::from).into();
    args.extend(machine.options.iter().map(OsString::from));
    args.extend(["-m".into(), parts.memory.to_string().into()]);
    args.extend(
        ["-nic", "none", "-display", "none", "-monitor", "none", "-no-reboot"].map(OsString::from),
    );
    args.extend(["-kernel".into(), parts.kernel.into(), "-initrd".into(), parts.image.into()]);
    let words = format!("console={} quiet panic=-1 rdinit=/reml/init", machine.console);
    args.extend(["-append".into(), words.into()]);
    for (id, name) in [("k", KERNEL), ("o", STDOUT), ("e", STDERR)] {
        let mut option = OsString::from(format!("file,id={id},path="));
        option.push(escaped(&parts.folder.join(name)));
        args.extend(["-chardev".into(), option]);
    }
    // The only line that is written and read: the emulator's own stdin and stdout.
    args.extend(["-chardev", "stdio,id=s,signal=off"].map(OsString::from));
    if machine.card {
        args.extend(
            ["-chardev", "null,id=n", "-serial", "chardev:k", "-device"].map(OsString::from),
        );
        args.push("pci-serial-4x,chardev1=n,chardev2=o,chardev3=e,chardev4=s".into());
    } else {
        for id in ["k", "o", "e", "s"] {
            args.extend(["-serial".into(), format!("chardev:{id}").into()]);
        }
    }
    Some(Call::new(parts.qemu, args))
}

/// A path as a value of qemu's options: a comma would end it.
fn escaped(path: &Path) -> OsString {
    match path.to_str() {
        Some(text) => text.replace(',', ",,").into(),
        None => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pins::TARGETS;

    fn line(target: &Target) -> String {
        let parts = Parts {
            qemu: Path::new("/q"),
            kernel: Path::new("/k,1"),
            image: Path::new("/i"),
            folder: Path::new("/r,1"),
            memory: 256,
        };
        let call = command(target, parts).unwrap();
        call.args.iter().map(|arg| arg.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn x86_64_has_four_lines_on_the_board() {
        assert_eq!(
            line(&TARGETS[0]),
            "-nodefaults -no-user-config -accel tcg -M q35 -cpu max -m 256 -nic none -display none \
             -monitor none -no-reboot -kernel /k,1 -initrd /i \
             -append console=ttyS0 quiet panic=-1 rdinit=/reml/init \
             -chardev file,id=k,path=/r,,1/kernel.log -chardev file,id=o,path=/r,,1/stdout \
             -chardev file,id=e,path=/r,,1/stderr -chardev stdio,id=s,signal=off \
             -serial chardev:k -serial chardev:o -serial chardev:e -serial chardev:s"
        );
    }

    #[test]
    fn aarch64_has_its_lines_on_a_card_and_the_kernel_another() {
        let line = line(&TARGETS[1]);
        assert!(line.contains("-M virt -cpu cortex-a57"), "{line}");
        assert!(line.contains("console=ttyAMA0"), "{line}");
        assert!(line.ends_with("-chardev null,id=n -serial chardev:k -device pci-serial-4x,chardev1=n,chardev2=o,chardev3=e,chardev4=s"), "{line}");
    }

    #[test]
    fn every_target_has_a_machine() {
        for target in TARGETS {
            assert!(machine(target).is_some(), "{target}");
            assert!(package(target).starts_with("qemu-system-"));
        }
    }
}
