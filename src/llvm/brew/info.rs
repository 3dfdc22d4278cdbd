//! What `brew info --json=v2` says of formulae that Homebrew gives up: deprecated ones
//! still install, disabled ones do not. It never takes silence for a promise.

use std::fmt::Write as _;

use serde::Deserialize;

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
    fn output_of_another_form_says_nothing() {
        for text in ["", "Error: no such formula", "[]", "{}", r#"{"formulae": [{"x": 1}]}"#] {
            assert_eq!(notices(text.as_bytes()), [], "{text}");
        }
    }
}
