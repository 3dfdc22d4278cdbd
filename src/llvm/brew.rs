//! Homebrew by its rules: where it lies, what a formula's name says, which folder of the
//! cellar is the one in use, and how `brew` is called. Pure but for the closures it is
//! given. It never takes a name in `PATH` or an exit status for proof.

use std::cmp::Ordering;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::machine::{Cpu, Platform, System};
use super::search::{Candidate, Probe};

mod info;

pub use info::{Notice, notices, without_bottle};

/// The variable that names the prefix.
pub const PREFIX: &str = "HOMEBREW_PREFIX";

/// What `brew` is told beside the user's own variables: no questions, no update of itself,
/// and no change of anything but the formula that was asked for.
pub const VARIABLES: [(&str, &str); 8] = [
    ("HOMEBREW_NO_ASK", "1"),
    ("HOMEBREW_NO_AUTO_UPDATE", "1"),
    ("HOMEBREW_NO_INSTALL_CLEANUP", "1"),
    ("HOMEBREW_NO_INSTALLED_DEPENDENTS_CHECK", "1"),
    ("HOMEBREW_NO_INSTALL_UPGRADE", "1"),
    ("HOMEBREW_NO_ENV_HINTS", "1"),
    ("HOMEBREW_NO_COLOR", "1"),
    ("HOMEBREW_NO_EMOJI", "1"),
];

/// The arguments that install one formula.
#[must_use]
pub fn install_arguments(formula: &str) -> [&str; 4] {
    ["install", "--formula", "--skip-link", formula]
}

/// The command a person would type for the same.
#[must_use]
pub fn install_command(formulae: &[&str]) -> String {
    format!("brew install --formula {}", formulae.join(" "))
}

/// The formulae that bring clang and lld of a major: `llvm@18` carried its own `ld.lld`,
/// from 19 on lld is a formula of its own.
#[must_use]
pub fn llvm_formulae(major: u32) -> Vec<String> {
    let llvm = format!("llvm@{major}");
    if major < 19 { vec![llvm] } else { vec![llvm, format!("lld@{major}")] }
}

/// Where Homebrew lies: what `HOMEBREW_PREFIX` names and nothing else; without it, the
/// standard places of this machine, then the folders above those of `PATH`. `has_brew`
/// tells whether a prefix has a `bin/brew`.
///
/// # Errors
/// The folder that `HOMEBREW_PREFIX` names, when it has no Homebrew.
pub fn prefixes(
    named: Option<&Path>,
    search_path: &[PathBuf],
    platform: Option<Platform>,
    has_brew: impl Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, PathBuf> {
    if let Some(named) = named {
        let good = named.is_absolute() && has_brew(named);
        return if good { Ok(vec![named.to_owned()]) } else { Err(named.to_owned()) };
    }
    let standard: &[&str] = match platform {
        Some(Platform { system: System::MacOs, cpu: Cpu::Arm64 }) => {
            &["/opt/homebrew", "/usr/local"]
        }
        Some(Platform { system: System::MacOs, .. }) => &["/usr/local"],
        _ => &["/home/linuxbrew/.linuxbrew"],
    };
    let mut found: Vec<PathBuf> = Vec::new();
    let of_path = search_path.iter().filter(|folder| folder.ends_with("bin"));
    let of_path = of_path.filter_map(|folder| folder.parent());
    for prefix in standard.iter().map(Path::new).chain(of_path) {
        if !found.iter().any(|known| known == prefix) && has_brew(prefix) {
            found.push(prefix.to_owned());
        }
    }
    Ok(found)
}

/// A formula of `versions.toml` that cannot go with its `[llvm] major`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The formula.
    pub formula: String,
    /// The pinned major.
    pub major: u32,
}

/// Whether the pinned formulae can bring the pinned major at all.
///
/// # Errors
/// The formula that names another major, or `llvm@MAJOR` when none brings LLVM.
pub fn agree(formulae: &[String], major: u32) -> Result<(), Disagreement> {
    let disagree = |formula: &str| Disagreement { formula: formula.to_owned(), major };
    let mut has_llvm = false;
    for formula in formulae {
        let (name, version) = formula.split_once('@').unwrap_or((formula, ""));
        if name != "llvm" && name != "lld" {
            continue;
        }
        // `llvm` without a number is what it is today: the program itself tells.
        if !version.is_empty() && version.parse() != Ok(major) {
            return Err(disagree(formula));
        }
        has_llvm |= name == "llvm";
    }
    if has_llvm { Ok(()) } else { Err(disagree(&format!("llvm@{major}"))) }
}

/// A version of a formula in a cellar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keg {
    /// Homebrew's folder.
    pub prefix: PathBuf,
    /// Such as `llvm@19`.
    pub formula: String,
    /// Such as `19.1.7_1`.
    pub version: String,
}

impl Keg {
    /// The keg that a path with links resolved lies in.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let mut prefix = PathBuf::new();
        let mut parts = path.components();
        for part in parts.by_ref() {
            if part.as_os_str() == "Cellar" {
                let mut name = || match parts.next() {
                    Some(Component::Normal(name)) => name.to_str().map(str::to_owned),
                    _ => None,
                };
                let (formula, version) = (name()?, name()?);
                return Some(Self { prefix, formula, version });
            }
            prefix.push(part);
        }
        None
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.prefix.join("Cellar").join(&self.formula).join(&self.version)
    }
}

impl fmt::Display for Keg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.version, self.prefix.display())
    }
}

/// The order of two versions of one formula: numbers by value, `_1` after none.
#[must_use]
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| -> Vec<u64> {
        let numbers = text.split(|c: char| !c.is_ascii_digit());
        numbers.filter(|part| !part.is_empty()).map(|part| part.parse().unwrap_or(0)).collect()
    };
    parts(a).cmp(&parts(b)).then_with(|| a.cmp(b))
}

/// The clangs of some kegs, by their `bin` folders, each with the lld of its own keg or of
/// a keg of lld. Formulae that are kept out of `PATH` (keg-only) are found like others.
pub fn candidates(
    llvm_bins: &[PathBuf],
    lld_bins: &[PathBuf],
    probe: &dyn Probe,
) -> Vec<Candidate> {
    let folder = |program: PathBuf| Some(probe.resolve(&program)?.parent()?.to_path_buf());
    let others: Vec<PathBuf> =
        lld_bins.iter().filter_map(|bin| folder(bin.join("ld.lld"))).collect();
    let mut found: Vec<Candidate> = Vec::new();
    for bin in llvm_bins {
        let Some(clang) = probe.resolve(&bin.join("clang")) else { continue };
        let Some(own) = clang.parent().map(Path::to_path_buf) else { continue };
        if found.iter().all(|known| known.clang != clang) {
            found.push(Candidate { clang, own: vec![own], others: others.clone() });
        }
    }
    found
}

/// How `brew` is started: an Intel build of this program, which Rosetta translates, must
/// leave the translation to use the Homebrew of Apple silicon.
#[must_use]
pub fn program(prefix: &Path, platform: Option<Platform>, own_cpu: &str) -> Vec<PathBuf> {
    let brew = prefix.join("bin/brew");
    let arm_mac = Platform { system: System::MacOs, cpu: Cpu::Arm64 };
    let is_translated = platform == Some(arm_mac) && own_cpu == "x86_64";
    if is_translated && prefix == Path::new("/opt/homebrew") {
        vec!["/usr/bin/arch".into(), "-arm64".into(), brew]
    } else {
        vec![brew]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARM_MAC: Platform = Platform { system: System::MacOs, cpu: Cpu::Arm64 };
    const INTEL_MAC: Platform = Platform { system: System::MacOs, cpu: Cpu::X86_64 };
    const LINUX: Platform = Platform { system: System::Linux, cpu: Cpu::X86_64 };

    fn search(
        named: Option<&str>,
        path: &[&str],
        platform: Platform,
        there: &[&str],
    ) -> Result<Vec<PathBuf>, PathBuf> {
        let path: Vec<PathBuf> = path.iter().map(PathBuf::from).collect();
        let has_brew = |prefix: &Path| there.iter().any(|known| Path::new(known) == prefix);
        prefixes(named.map(Path::new), &path, Some(platform), has_brew)
    }

    #[test]
    fn l08_each_machine_has_its_own_prefix_and_the_variable_wins() {
        let both = ["/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew", "/custom"];
        let found = |platform| search(None, &[], platform, &both).unwrap();
        assert_eq!(found(ARM_MAC), ["/opt/homebrew", "/usr/local"].map(PathBuf::from));
        assert_eq!(found(INTEL_MAC), [PathBuf::from("/usr/local")]);
        assert_eq!(found(LINUX), [PathBuf::from("/home/linuxbrew/.linuxbrew")]);
        let named = search(Some("/custom"), &["/usr/local/bin"], ARM_MAC, &both);
        assert_eq!(named.unwrap(), [PathBuf::from("/custom")]);
        let path = ["/usr/bin", "/custom/bin", "/usr/local/bin"];
        assert_eq!(
            search(None, &path, ARM_MAC, &both[1..]).unwrap(),
            ["/usr/local", "/custom"].map(PathBuf::from)
        );
        assert_eq!(search(None, &[], ARM_MAC, &[]).unwrap(), Vec::<PathBuf>::new());
        for wrong in ["/absent", "custom", ""] {
            assert_eq!(search(Some(wrong), &path, LINUX, &both), Err(PathBuf::from(wrong)));
        }
    }

    #[test]
    fn l08_formulae_of_another_major_than_the_pin_are_named() {
        let agree = |list: &[&str], major| {
            let list: Vec<String> = list.iter().map(|name| (*name).to_owned()).collect();
            super::agree(&list, major).map_err(|disagreement| disagreement.formula)
        };
        assert_eq!(agree(&["llvm@19", "lld@19", "qemu"], 19), Ok(()));
        assert_eq!(agree(&["llvm@18", "qemu"], 18), Ok(()));
        assert_eq!(agree(&["llvm", "lld"], 22), Ok(()));
        assert_eq!(agree(&["llvm@19", "lld@21"], 19), Err("lld@21".to_owned()));
        assert_eq!(agree(&["llvm@18", "lld@19"], 19), Err("llvm@18".to_owned()));
        assert_eq!(agree(&["llvm@x"], 19), Err("llvm@x".to_owned()));
        assert_eq!(agree(&["qemu", "llvm-extras"], 19), Err("llvm@19".to_owned()));
        assert_eq!(llvm_formulae(18), ["llvm@18"]);
        assert_eq!(llvm_formulae(21), ["llvm@21", "lld@21"]);
    }

    #[test]
    fn a_keg_is_known_by_its_folder_in_the_cellar() {
        let keg = Keg::of(Path::new("/opt/homebrew/Cellar/llvm@19/19.1.7_1/bin/clang-19")).unwrap();
        assert_eq!(keg.to_string(), "19.1.7_1 in /opt/homebrew");
        assert_eq!(keg.formula, "llvm@19");
        assert_eq!(keg.folder(), Path::new("/opt/homebrew/Cellar/llvm@19/19.1.7_1"));
        for path in ["/usr/bin/clang", "/opt/homebrew/Cellar", "/opt/homebrew/Cellar/llvm@19", ""] {
            assert_eq!(Keg::of(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn l08_of_two_versions_the_higher_number_is_the_newer() {
        let mut list = ["19.1.10", "19.1.7_2", "19.1.7", "19.1.7_10", "9.0.0", "odd"];
        list.sort_by(|a, b| compare_versions(a, b));
        assert_eq!(list, ["odd", "9.0.0", "19.1.7", "19.1.7_2", "19.1.7_10", "19.1.10"]);
    }

    #[test]
    fn l08_under_rosetta_the_homebrew_of_apple_silicon_is_called_natively() {
        let call = |prefix: &str, platform, cpu: &str| {
            program(Path::new(prefix), Some(platform), cpu)
                .iter()
                .map(|word| word.display().to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let arch = "/usr/bin/arch -arm64 /opt/homebrew/bin/brew";
        assert_eq!(call("/opt/homebrew", ARM_MAC, "x86_64"), arch);
        assert_eq!(call("/opt/homebrew", ARM_MAC, "aarch64"), "/opt/homebrew/bin/brew");
        assert_eq!(call("/usr/local", ARM_MAC, "x86_64"), "/usr/local/bin/brew");
        assert_eq!(call("/x", LINUX, "x86_64"), "/x/bin/brew");
    }

    #[test]
    fn one_formula_is_installed_at_a_time_and_nothing_is_linked() {
        assert_eq!(
            install_arguments("llvm@19"),
            ["install", "--formula", "--skip-link", "llvm@19"]
        );
        assert_eq!(
            install_command(&["llvm@19", "lld@19"]),
            "brew install --formula llvm@19 lld@19"
        );
        assert!(VARIABLES.contains(&("HOMEBREW_NO_AUTO_UPDATE", "1")));
    }
}
