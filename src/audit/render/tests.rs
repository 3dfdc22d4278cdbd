//! Reports with hostile words in them, and with more findings than fit. Pure.

use super::*;
use crate::audit::facts::{Disk, Host, Locked};

fn report(findings: Vec<Finding>) -> Report {
    let facts = Facts {
        release: "bookworm".to_owned(),
        checked: Checked::NotChecked,
        unchecked_because: None,
        refused: None,
        suites: Vec::new(),
        keys: Vec::new(),
        lock: Locked { packages: 1, date: None, behind: None },
        toolchains: Vec::new(),
        updates: Vec::new(),
        held: Vec::new(),
        host: Host::default(),
        disk: Disk::default(),
        log_damaged: Vec::new(),
        log_broken: Vec::new(),
    };
    let (date, tool) = ("2026-11-25".to_owned(), "0.1.0");
    Report { schema: 1, time: 0, date, tool, status: Status::Red, exit: 3, findings, facts }
}

fn finding(severity: Severity, message: &str) -> Finding {
    Finding {
        code: "glibc-differs",
        severity,
        message: message.to_owned(),
        hint: "do".to_owned(),
        page: String::new(),
    }
}

#[test]
fn annotations_are_escaped_and_at_most_ten_of_a_kind() {
    let list = (0..12).map(|_| finding(Severity::Error, "100%\r\n::set-env name=x::y"));
    let text = github(&report(list.chain([finding(Severity::Note, "n")]).collect()));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "::error title=glibc-differs::100%25%0D%0A::set-env name=x::y%0Ahint: do");
    assert_eq!(lines[9], "::error title=more::3 more are in the step's summary");
    assert_eq!(lines[10], "::notice title=glibc-differs::n%0Ahint: do");
    assert_eq!(lines.len(), 12);
}

#[test]
fn a_table_keeps_its_shape_and_a_summary_its_size() {
    let hostile = report(vec![finding(Severity::Error, "a | b\n<script>")]);
    assert!(markdown(&hostile).contains("| `glibc-differs` | a \\| b &lt;script&gt; | do |"));
    let long = report(vec![finding(Severity::Error, &"é".repeat(1 << 20))]);
    let text = summary(&long);
    assert!(text.len() <= 1 << 20 && text.ends_with("audit.log)\n"), "{}", text.len());
}

#[test]
fn what_was_not_checked_is_never_called_fine() {
    let report = report(Vec::new());
    for text in [text(&report), markdown(&report)] {
        assert!(text.contains("NOT CHECKED"), "{text}");
    }
    assert!(badge(&report).contains("aria-label=\"Runtime Cross Build Status: RED\""));
}
