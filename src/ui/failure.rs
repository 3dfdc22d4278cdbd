//! The one renderer of failures: `error:`, `caused by:`, a blank line, `hint:`; or a JSON
//! object with a stable code.

use std::fmt::Write as _;

use serde_json::json;

use super::output::sanitise;
use crate::host::fault::{Fault, Kind};

/// The exit status of a failure.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> u8 {
    fault(error).map_or(Kind::Failed, Fault::kind).exit_code()
}

fn fault(error: &anyhow::Error) -> Option<&Fault> {
    error.chain().find_map(|cause| cause.downcast_ref::<Fault>())
}

/// The failure as text for stderr.
#[must_use]
pub fn text(error: &anyhow::Error, colour: bool) -> String {
    let paint = |code: &str, word: &str| {
        if colour { format!("\u{1b}[1;{code}m{word}\u{1b}[0m") } else { word.to_owned() }
    };
    let mut causes = error.chain().map(|cause| sanitise(&cause.to_string()));
    let mut text = format!("{}: {}", paint("31", "error"), causes.next().unwrap_or_default());
    let mut last = String::new();
    for cause in causes {
        // A wrapper that shows its cause in its own message says it once.
        if cause != last && !text.ends_with(&cause) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n  caused by: {cause}");
        }
        last = cause;
    }
    let hints = fault(error).map(Fault::hints).unwrap_or_default();
    for (index, hint) in hints.iter().enumerate() {
        let blank = if index == 0 { "\n" } else { "" };
        let _ = write!(text, "{blank}\n{}: {}", paint("36", "hint"), sanitise(hint));
    }
    text
}

/// The failure as the JSON object that `--json` promises; `exit` is the exit status.
#[must_use]
pub fn json(error: &anyhow::Error, exit: u8) -> serde_json::Value {
    let fault = fault(error);
    let mut causes = error.chain().map(ToString::to_string);
    json!({
        "schema": 1,
        "error": {
            "code": fault.map_or("failed", Fault::code),
            "exit": exit,
            "message": causes.next(),
            "causes": causes.collect::<Vec<_>>(),
            "hints": fault.map(Fault::hints).unwrap_or_default(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::Diagnostic;

    #[derive(Debug, thiserror::Error)]
    #[error("pool/a.deb: wrong SHA-256: expected 00, got 11\u{1b}[2J")]
    struct Wrong;

    impl Diagnostic for Wrong {
        fn kind(&self) -> Kind {
            Kind::Integrity
        }

        fn code(&self) -> &'static str {
            "wrong-hash"
        }

        fn hints(&self) -> Vec<String> {
            vec!["try another mirror: `--mirror URL`".to_owned()]
        }
    }

    fn failure() -> anyhow::Error {
        anyhow::Error::from(Fault::from(Wrong)).context("cannot prepare x86_64-unknown-linux-gnu")
    }

    #[test]
    fn a_failure_is_shown_with_its_cause_and_its_hint() {
        let expected = "error: cannot prepare x86_64-unknown-linux-gnu\n  \
                        caused by: pool/a.deb: wrong SHA-256: expected 00, got 11\u{fffd}[2J\n\n\
                        hint: try another mirror: `--mirror URL`";
        assert_eq!(text(&failure(), false), expected);
    }

    #[test]
    fn the_kind_decides_the_exit_status_through_all_contexts() {
        assert_eq!(exit_code(&failure()), 4);
        assert_eq!(exit_code(&anyhow::anyhow!("plain")), 1);
    }

    #[test]
    fn json_carries_the_stable_code() {
        let object = json(&failure(), 4);
        assert_eq!(object["error"]["code"], "wrong-hash");
        assert_eq!(object["error"]["exit"], 4);
    }
}
