//! A report as people, documents, GitHub and badges show it. Pure. Foreign text never ends
//! a command of GitHub's, a table's cell or an SVG element before its time.

use std::fmt::Write as _;

use super::facts::{Checked, Facts, Toolchain};
use super::findings::{Finding, Severity};
use super::{Report, Status};

/// GitHub shows so many annotations of a kind for one step.
const ANNOTATIONS: usize = 10;

/// GitHub's limit on a step's summary, in bytes.
const SUMMARY: usize = 1 << 20;

impl Status {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Green => "GREEN",
            Self::Amber => "AMBER",
            Self::Red => "RED",
        }
    }
}

impl Severity {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

fn known(value: Option<&String>) -> &str {
    value.map_or("unknown", String::as_str)
}

/// One line on what was compared with whom.
fn compared(facts: &Facts) -> String {
    match facts.checked {
        Checked::Online => {
            let names: Vec<&str> = facts.suites.iter().map(|suite| suite.name.as_str()).collect();
            format!("signatures verified: {}", names.join(", "))
        }
        Checked::Cached => {
            "signatures verified of indices kept earlier; nobody was asked".to_owned()
        }
        Checked::NotChecked => "NOT CHECKED: Debian's suites".to_owned(),
    }
}

fn rows(tree: &Toolchain) -> [(&'static str, &str); 9] {
    [
        ("glibc", known(tree.glibc.as_ref())),
        ("gcc", known(tree.gcc.as_ref())),
        ("libstdc++6", known(tree.libstdcxx.as_ref())),
        ("linux-libc-dev", known(tree.linux.as_ref())),
        ("clang", known(tree.clang.as_ref())),
        ("ld.lld", known(tree.lld.as_ref())),
        ("llvm-ar", known(tree.ar.as_ref())),
        ("llvm-readelf", known(tree.readelf.as_ref())),
        ("qemu", tree.qemu.as_ref().map_or("not needed", |it| known(it.as_ref()))),
    ]
}

/// For a terminal: facts, findings with their hints, and the verdict.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", compared(&report.facts));
    let _ = writeln!(text, "lock: {} packages", report.facts.lock.packages);
    for tree in &report.facts.toolchains {
        let list: Vec<String> =
            rows(tree).iter().map(|(name, version)| format!("{name} {version}")).collect();
        let _ = writeln!(text, "{}: {}", tree.target, list.join(", "));
    }
    for finding in &report.findings {
        let Finding { code, severity, message, hint, .. } = finding;
        let _ = writeln!(text, "{}[{code}]: {message}\n  hint: {hint}", severity.word());
    }
    let _ = writeln!(text, "{}: {}", report.status.word(), counted(&report.findings));
    text
}

/// How many there are: `0 errors, 1 warning, 2 notes`.
#[must_use]
pub fn counted(findings: &[Finding]) -> String {
    let count = |severity: Severity| {
        let number = findings.iter().filter(|finding| finding.severity == severity).count();
        format!("{number} {}{}", severity.word(), if number == 1 { "" } else { "s" })
    };
    [Severity::Error, Severity::Warning, Severity::Note].map(count).join(", ")
}

/// A ready section for a document: "Runtime Cross Build Status".
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = format!(
        "## Runtime Cross Build Status\n\n**{}** on {}, by reml-toolchain {}; {}.\n",
        report.status.word(),
        report.date,
        report.tool,
        compared(&report.facts)
    );
    for tree in &report.facts.toolchains {
        let _ = write!(text, "\n| {} | version |\n|---|---|\n", cell(&tree.target));
        for (name, version) in rows(tree) {
            let _ = writeln!(text, "| {name} | {} |", cell(version));
        }
    }
    if report.findings.is_empty() {
        text.push_str("\nNo findings.\n");
    } else {
        text.push_str("\n| severity | finding | what | what to do |\n|---|---|---|---|\n");
    }
    for finding in &report.findings {
        let Finding { code, severity, message, hint, .. } = finding;
        let (severity, message, hint) = (severity.word(), cell(message), cell(hint));
        let _ = writeln!(text, "| {severity} | `{code}` | {message} | {hint} |");
    }
    text
}

/// Text as a table's cell may hold it.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for c in text.chars() {
        match c {
            '|' => cell.push_str("\\|"),
            '<' => cell.push_str("&lt;"),
            '>' => cell.push_str("&gt;"),
            '&' => cell.push_str("&amp;"),
            c if c.is_control() => cell.push(' '),
            c => cell.push(c),
        }
    }
    cell
}

/// [`markdown`], within what GitHub takes as a step's summary.
#[must_use]
pub fn summary(report: &Report) -> String {
    const CUT: &str = "\n(cut: the rest is in toolchains/audit.log)\n";
    let mut text = markdown(report);
    if text.len() > SUMMARY {
        let mut end = SUMMARY - CUT.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(CUT);
    }
    text
}

/// GitHub's annotations, worst first, as many as it shows; of more, the last tells how many.
#[must_use]
pub fn github(report: &Report) -> String {
    let mut text = String::new();
    for (severity, command) in
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "notice")]
    {
        let list: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.severity == severity).collect();
        let shown = if list.len() > ANNOTATIONS { ANNOTATIONS - 1 } else { list.len() };
        for finding in &list[..shown] {
            let message = escape(&format!("{}\nhint: {}", finding.message, finding.hint), false);
            let _ = writeln!(text, "::{command} title={}::{message}", escape(finding.code, true));
        }
        if list.len() > shown {
            let more = list.len() - shown;
            let _ = writeln!(text, "::{command} title=more::{more} more are in the step's summary");
        }
    }
    let _ = writeln!(text, "{}", report.status.word());
    text
}

/// As GitHub's toolkit escapes a message, or a property.
fn escape(text: &str, property: bool) -> String {
    let mut safe = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    if property {
        safe = safe.replace(':', "%3A").replace(',', "%2C");
    }
    safe
}

/// A badge of 190 by 20 pixels.
#[must_use]
pub fn badge(report: &Report) -> String {
    let colour = match report.status {
        Status::Green => "#2e7d32",
        Status::Amber => "#b26a00",
        Status::Red => "#c62828",
    };
    let word = report.status.word();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"190\" height=\"20\" role=\"img\" \
         aria-label=\"Runtime Cross Build Status: {word}\">\
         <title>Runtime Cross Build Status: {word}, {date}</title>\
         <rect width=\"134\" height=\"20\" rx=\"3\" fill=\"#444\"/>\
         <rect x=\"130\" width=\"60\" height=\"20\" rx=\"3\" fill=\"{colour}\"/>\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"6\" y=\"14\">Runtime Cross Build</text>\
         <text x=\"160\" y=\"14\" text-anchor=\"middle\">{word}</text></g></svg>\n",
        date = report.date
    )
}

#[cfg(test)]
mod tests;
