//! `doctor` on a Mac made of stand-ins: programs that answer as `sw_vers`, `sysctl`,
//! `xcode-select` and Apple's clang do, below a folder that stands for `/`, and a Homebrew of
//! realistic behaviour. The library is called as the command calls it.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use reml_toolchain::debian::mirrors::MirrorList;
use reml_toolchain::doctor::{Ground, Report, World, examine, render};
use reml_toolchain::host::Env;
use reml_toolchain::host::http::{Client, Config, Proxies, Reach};
use reml_toolchain::host::progress::Silent;
use reml_toolchain::pins::{Lock, Pins};
use reml_toolchain::toolchain::layout::Project;
use tempfile::TempDir;

use crate::support::brew::Brew;
use crate::support::sources::root;

/// A Mac: its `/`, and what it is.
struct Mac {
    folder: TempDir,
    arch: &'static str,
    env: Env,
    reach: Reach,
}

impl Mac {
    /// A new one of this version, with Apple's command line tools.
    fn new(version: &str, arch: &'static str) -> Self {
        let folder = TempDir::new().unwrap();
        let mac = Self { folder, arch, env: Env::default(), reach: Reach::Offline };
        mac.program("usr/bin/sw_vers", &format!("[ \"$1\" = -productVersion ] && echo {version}"));
        mac.program("usr/bin/xcode-select", "echo /Library/Developer/CommandLineTools");
        mac.program("usr/sbin/sysctl", "echo 0");
        mac.program(
            "usr/bin/clang",
            "echo 'Apple clang version 16.0.0 (clang-1600.0.26.6)'; echo 'Target: arm64-apple-darwin24'",
        );
        fs::create_dir(mac.path("project")).unwrap();
        let vars = [("PATH", mac.path("usr/bin")), ("HOME", mac.path("home"))];
        let vars = vars.map(|(name, value)| (name.into(), value.into()));
        let exe = Some(mac.path("usr/bin/clang"));
        Self { env: Env { vars: vars.into(), exe, ..Env::default() }, ..mac }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn program(&self, below: &str, body: &str) {
        self.file(below, format!("#!/bin/sh\n{body}\n").as_bytes());
    }

    fn file(&self, below: &str, bytes: &[u8]) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A Homebrew without formulae, which `HOMEBREW_PREFIX` names.
    fn brew(&mut self) -> Brew {
        let brew = Brew::at(&self.path("homebrew"));
        self.env.vars.insert("HOMEBREW_PREFIX".into(), brew.prefix().into());
        brew
    }

    fn report(&self) -> Report {
        let mut config = Config::new("test");
        config.reach = self.reach;
        let client = Client::new(config);
        let text = fs::read_to_string(root().join("versions.toml")).unwrap();
        let pins = Pins::parse("versions.toml", &text).unwrap();
        let text = fs::read_to_string(root().join("checksums.txt")).unwrap();
        let lock = Lock::parse("checksums.txt", &text).unwrap();
        let world = World {
            ground: Ground { os: "macos", arch: self.arch, root: self.folder.path() },
            env: &self.env,
            project: &Project::new(self.path("project")),
            client: &client,
            proxies: &Proxies::default(),
            // Nobody listens there.
            mirrors: &MirrorList::only("http://127.0.0.1:1/debian"),
            progress: &Silent,
        };
        examine(&world, &pins, &lock).unwrap()
    }

    /// The findings that are more than notes: codes and cures.
    fn findings(&self) -> (Vec<(&'static str, String)>, u8) {
        let Report { findings, exit, .. } = self.report();
        let list = findings.into_iter().filter(|it| it.severity.word() != "note");
        (list.map(|it| (it.code, it.hint)).collect(), exit)
    }

    fn codes(&self) -> Vec<&'static str> {
        self.findings().0.iter().map(|(code, _)| *code).collect()
    }
}

/// The scripts of a keg: what each says. Scripts have no machine, so they start here.
fn scripts(says: &[(&str, &str)]) -> Vec<(String, Result<Vec<u8>, String>)> {
    let script = |text: &str| Ok(format!("#!/bin/sh\necho '{text}'\n").into_bytes());
    says.iter().map(|(path, text)| ((*path).to_owned(), script(text))).collect()
}

fn have_all(brew: &Brew) {
    let mut tools = vec![("bin/clang", "Homebrew clang version 19.1.7")];
    let names = ["ar", "nm", "objcopy", "objdump", "ranlib", "readelf", "strip"];
    let paths = names.map(|name| format!("bin/llvm-{name}"));
    tools.extend(paths.iter().map(|path| (path.as_str(), "Homebrew LLVM version 19.1.7")));
    brew.have("llvm@19", "19.1.7", scripts(&tools));
    let lld = [("bin/ld.lld", "Homebrew LLD 19.1.7 (compatible with GNU linkers)")];
    brew.have("lld@19", "19.1.7", scripts(&lld));
    let qemu = [("bin/qemu-system-x86_64", "QEMU emulator version 10.1.0")];
    brew.have("qemu", "10.1.0", scripts(&qemu));
    brew.have("pkgconf", "2.5.1", scripts(&[("bin/pkgconf", "2.5.1")]));
}

/// A Mach-O file for Intel, by its header.
const INTEL: [u8; 8] = [0xcf, 0xfa, 0xed, 0xfe, 0x07, 0, 0, 0x01];
/// And one for Apple silicon.
const SILICON: [u8; 8] = [0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 0x01];

#[test]
fn a_mac_with_all_formulae_lacks_nothing() {
    let mut mac = Mac::new("15.1", "aarch64");
    let brew = mac.brew();
    have_all(&brew);
    let report = mac.report();
    assert_eq!((mac.findings().0, report.exit), (Vec::new(), 0));
    let facts = &report.facts;
    assert_eq!(facts.system.name.as_deref(), Some("macOS 15.1"));
    assert_eq!((facts.system.cpu.as_str(), facts.system.has_rosetta), ("arm64", Some(false)));
    let clang = facts.llvm.found.as_ref().unwrap();
    assert_eq!(Path::new(&clang.path), brew.keg("llvm@19", "19.1.7").join("bin/clang"));
    assert_eq!(facts.emulators[0].system.as_deref(), Some("10.1.0"));
    let text = render::text(&report);
    for line in ["system     macOS 15.1, arm64\n", "llvm@19 19.1.7", "in a microVM (QEMU 10.1.0)"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // Apple's clang is told and left aside, and brew was not started.
    assert!(text.contains("left aside: ") && text.contains("got Apple clang 16.0.0"), "{text}");
    assert_eq!(brew.calls(), [""; 0]);
}

#[test]
fn l08_l09_a_mac_without_homebrew_and_with_apples_clang_only_is_told_both() {
    let mac = Mac::new("14.6", "aarch64");
    let (findings, exit) = mac.findings();
    assert_eq!(exit, 6);
    let expected = [
        ("brew-missing", "install Homebrew as https://brew.sh says"),
        ("llvm-missing", "reml-toolchain prepare --brew"),
        ("qemu-missing", "brew install --formula qemu"),
    ];
    assert_eq!(findings, expected.map(|(code, cure)| (code, cure.to_owned())));
    let report = mac.report();
    let llvm = report.findings.iter().find(|it| it.code == "llvm-missing").unwrap();
    assert!(llvm.message.contains("expected LLVM 19, got Apple clang 16.0.0"), "{llvm:?}");
}

#[test]
fn an_old_macos_and_missing_command_line_tools_are_told_and_apples_stub_is_not_started() {
    let mac = Mac::new("10.15.7", "x86_64");
    mac.program(
        "usr/bin/xcode-select",
        "echo 'xcode-select: error: unable to get active developer directory' >&2; exit 2",
    );
    mac.program("usr/bin/clang", ": >\"$(dirname \"$0\")/window\"; exit 1");
    let codes = mac.codes();
    assert_eq!(codes[0], "macos-old", "{codes:?}");
    assert!(codes.contains(&"developer-tools-missing"), "{codes:?}");
    assert!(!mac.path("usr/bin/window").exists());
    let facts = mac.report().facts;
    assert_eq!((facts.system.cpu.as_str(), facts.system.has_rosetta), ("x86_64", None));
}

#[test]
fn l08_an_intel_build_under_rosetta_and_an_intel_homebrew_without_it_are_told() {
    let mut mac = Mac::new("15.1", "x86_64");
    mac.program("usr/sbin/sysctl", "[ \"$*\" = '-in sysctl.proc_translated' ] && echo 1");
    let brew = mac.brew();
    have_all(&brew);
    assert_eq!(mac.codes(), ["translated"]);
    assert_eq!(mac.report().facts.system.cpu, "arm64");

    let mut mac = Mac::new("15.1", "aarch64");
    let brew = mac.brew();
    have_all(&brew);
    let clang = brew.keg("llvm@19", "19.1.7").join("bin/clang");
    fs::write(&clang, INTEL).unwrap();
    let (findings, exit) = mac.findings();
    let rosetta = "softwareupdate --install-rosetta --agree-to-license".to_owned();
    assert_eq!((&findings[0], exit), (&("rosetta-missing", rosetta), 6));
    mac.file("Library/Apple/usr/share/rosetta/rosetta", b"");
    assert!(!mac.codes().contains(&"rosetta-missing"));

    let mut mac = Mac::new("13.0", "x86_64");
    let brew = mac.brew();
    have_all(&brew);
    fs::write(brew.keg("llvm@19", "19.1.7").join("bin/clang"), SILICON).unwrap();
    assert_eq!(mac.codes(), ["llvm-missing", "llvm-foreign"]);
}

#[test]
fn l08_missing_formulae_are_told_and_online_those_without_a_bottle() {
    let mut mac = Mac::new("13.6", "aarch64");
    let brew = mac.brew();
    brew.info(
        r#"{"formulae": [
            {"name": "llvm@19", "bottle": {"stable": {"files": {"arm64_sonoma": {}}}}},
            {"name": "lld@19", "bottle": {"stable": {"files": {"arm64_monterey": {}}}}},
            {"name": "qemu", "bottle": {"stable": {"files": {"arm64_ventura": {}}}}},
            {"name": "pkgconf", "bottle": {"stable": {"files": {"all": {}}}}}], "casks": []}"#,
    );
    let (findings, exit) = mac.findings();
    assert_eq!(exit, 6);
    assert!(findings.contains(&("brew-formula-missing", "reml-toolchain prepare --brew".into())));
    assert_eq!(brew.calls(), [""; 0], "offline");
    mac.reach = Reach::Online;
    let report = mac.report();
    let bottle: Vec<_> =
        report.findings.iter().filter(|it| it.code == "brew-bottle-missing").collect();
    assert_eq!(bottle.len(), 1, "{bottle:?}");
    assert!(bottle[0].message.contains("no bottle of llvm@19"), "{bottle:?}");
    assert_eq!(brew.calls(), ["info --json=v2 --formula llvm@19 lld@19 qemu pkgconf"]);
    assert!(brew.env().iter().any(|line| line == "HOMEBREW_NO_AUTO_UPDATE=1"));
}

#[test]
fn l09_an_llvm_without_lld_and_one_of_another_major_are_told_with_the_reason() {
    let mut mac = Mac::new("15.1", "aarch64");
    let brew = mac.brew();
    have_all(&brew);
    fs::remove_dir_all(brew.keg("lld@19", "19.1.7")).unwrap();
    fs::remove_file(brew.prefix().join("opt/lld@19")).unwrap();
    let message = |mac: &Mac| {
        let report = mac.report();
        assert_eq!(report.exit, 6);
        let it = report.findings.into_iter().find(|it| it.code == "llvm-missing").unwrap();
        it.message
    };
    assert!(message(&mac).contains("without ld.lld"), "{}", message(&mac));
    brew.have("lld@19", "21.1.0", scripts(&[("bin/ld.lld", "Homebrew LLD 21.1.0")]));
    assert!(message(&mac).contains("expected lld 19 to go with"), "{}", message(&mac));
}
