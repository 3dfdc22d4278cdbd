//! What `brew info --json=v2` says of formulae: those that Homebrew gives up (deprecated
//! ones still install, disabled ones do not), and those that it has no bottle of for a
//! machine and would build for hours. It never takes silence for a promise.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::llvm::machine::{Cpu, Platform, System};

/// A formula that Homebrew gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The formula.
    pub formula: String,
    /// The state, since or until when, and why, for people.
    pub text: String,
}

#[derive(Deserialize)]
struct Document {
    formulae: Vec<Formula>,
}

#[derive(Deserialize)]
struct Formula {
    name: String,
    #[serde(default)]
    deprecated: bool,
    deprecation_date: Option<String>,
    deprecation_reason: Option<String>,
    #[serde(default)]
    disabled: bool,
    disable_date: Option<String>,
    disable_reason: Option<String>,
    #[serde(default)]
    bottle: BTreeMap<String, Bottle>,
}

#[derive(Deserialize)]
struct Bottle {
    #[serde(default)]
    files: BTreeMap<String, serde_json::Value>,
}

/// The names in bottles' tags, by the major version of macOS, the newest first.
const MACOS: [(u32, &str); 6] = [
    (26, "tahoe"),
    (15, "sequoia"),
    (14, "sonoma"),
    (13, "ventura"),
    (12, "monterey"),
    (11, "big_sur"),
];

/// The formulae of `brew info --json=v2 --formula …` without a bottle for this machine.
/// One for an older macOS serves as well; `macos` is this one's major version.
#[must_use]
pub fn without_bottle(json: &[u8], platform: Platform, macos: u32) -> Vec<String> {
    let Ok(document) = serde_json::from_slice::<Document>(json) else { return Vec::new() };
    let serves = |tag: &str| match (platform.system, platform.cpu) {
        _ if tag == "all" => true,
        (System::Linux, Cpu::X86_64) => tag == "x86_64_linux",
        (System::Linux, Cpu::Arm64) => tag == "arm64_linux",
        (System::MacOs, cpu) => {
            let name = match cpu {
                Cpu::Arm64 => tag.strip_prefix("arm64_"),
                Cpu::X86_64 => Some(tag),
            };
            let version = MACOS.iter().find(|(_, known)| name == Some(known));
            version.is_some_and(|(major, _)| *major <= macos)
        }
    };
    let has_bottle = |formula: &Formula| {
        formula
            .bottle
            .get("stable")
            .is_some_and(|bottle| bottle.files.keys().any(|tag| serves(tag)))
    };
    let without = document.formulae.into_iter().filter(|formula| !has_bottle(formula));
    without.map(|formula| formula.name).collect()
}

/// The notices in the output of `brew info --json=v2 --formula …`; none when the output
/// is not that.
#[must_use]
pub fn notices(json: &[u8]) -> Vec<Notice> {
    let Ok(document) = serde_json::from_slice::<Document>(json) else { return Vec::new() };
    let since = |date: &Option<String>| date.as_ref().map(|date| format!(" since {date}"));
    let why = |reason: &Option<String>| reason.as_ref().map(|reason| format!(": {reason}"));
    let mut list = Vec::new();
    for formula in document.formulae {
        let mut text = match (formula.disabled, formula.deprecated) {
            (true, _) => {
                format!("disabled{}", since(&formula.disable_date).unwrap_or_default())
            }
            (false, true) => {
                format!("deprecated{}", since(&formula.deprecation_date).unwrap_or_default())
            }
            (false, false) => continue,
        };
        if let (false, Some(date)) = (formula.disabled, &formula.disable_date) {
            // Writing to a string cannot fail.
            let _ = write!(text, " and will be disabled on {date}");
        }
        let reason = if formula.disabled { &formula.disable_reason } else { &None };
        let reason = reason.as_ref().or(formula.deprecation_reason.as_ref()).cloned();
        text.push_str(&why(&reason).unwrap_or_default());
        list.push(Notice { formula: formula.name, text });
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l08_deprecated_and_disabled_formulae_are_told_with_dates_and_reasons() {
        let json = br#"{"formulae": [
            {"name": "llvm@19", "deprecated": true, "deprecation_date": "2026-09-01",
             "deprecation_reason": "versioned_formula", "disabled": false,
             "disable_date": "2027-09-01", "disable_reason": null},
            {"name": "llvm@16", "deprecated": true, "deprecation_date": "2025-01-01",
             "deprecation_reason": "unmaintained", "disabled": true,
             "disable_date": "2026-01-01", "disable_reason": null},
            {"name": "qemu", "deprecated": false, "deprecation_date": null,
             "deprecation_reason": null, "disabled": false, "disable_date": null,
             "disable_reason": null},
            {"name": "old", "deprecated": true}
        ], "casks": []}"#;
        let texts: Vec<_> =
            notices(json).iter().map(|n| format!("{} {}", n.formula, n.text)).collect();
        assert_eq!(
            texts,
            [
                "llvm@19 deprecated since 2026-09-01 and will be disabled on 2027-09-01: \
                 versioned_formula",
                "llvm@16 disabled since 2026-01-01: unmaintained",
                "old deprecated",
            ]
        );
    }

    #[test]
    fn l08_a_bottle_of_this_or_an_older_macos_serves_and_of_another_machine_never() {
        let json = br#"{"formulae": [
            {"name": "llvm@19", "bottle": {"stable": {"rebuild": 1, "files": {
                "arm64_sequoia": {"cellar": "/opt/homebrew/Cellar"}, "arm64_sonoma": {},
                "sonoma": {}, "x86_64_linux": {}}}}},
            {"name": "ca-certificates", "bottle": {"stable": {"files": {"all": {}}}}},
            {"name": "head-only", "bottle": {}},
            {"name": "odd"}
        ], "casks": []}"#;
        let missing = |system, cpu, macos| {
            let list = without_bottle(json, Platform { system, cpu }, macos);
            assert_eq!(list[list.len() - 2..], ["head-only", "odd"]);
            list.len() == 3
        };
        for macos in [26, 15, 14] {
            assert!(!missing(System::MacOs, Cpu::Arm64, macos));
            assert!(!missing(System::MacOs, Cpu::X86_64, macos));
        }
        assert!(missing(System::MacOs, Cpu::Arm64, 13));
        assert!(missing(System::MacOs, Cpu::X86_64, 11));
        assert!(!missing(System::Linux, Cpu::X86_64, 0));
        assert!(missing(System::Linux, Cpu::Arm64, 0));
        let mac = Platform { system: System::MacOs, cpu: Cpu::Arm64 };
        assert_eq!(without_bottle(b"Error: no such formula", mac, 15), Vec::<String>::new());
    }

    #[test]
    fn output_of_another_form_says_nothing() {
        for text in ["", "Error: no such formula", "[]", "{}", r#"{"formulae": [{"x": 1}]}"#] {
            assert_eq!(notices(text.as_bytes()), [], "{text}");
        }
    }
}
