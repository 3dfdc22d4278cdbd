//! A report for people: what there is, then what is wrong with the command that cures it.
//! Pure.

use std::fmt::Write as _;

use super::Report;
use super::facts::{Brew, Emulator, Facts, Llvm, Mirror};
use crate::audit::findings::Finding;
use crate::audit::render::counted;

/// The report.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for (name, value) in rows(&report.facts) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<10} {value}");
    }
    text.push('\n');
    for Finding { code, severity, message, hint, .. } in &report.findings {
        let _ = writeln!(text, "{}[{code}]: {message}\n  hint: {hint}", severity.word());
    }
    let verdict = if report.exit == 0 { "nothing stands in the way" } else { "something is wrong" };
    let _ = writeln!(text, "{verdict}: {}", counted(&report.findings));
    text
}

fn rows(facts: &Facts) -> Vec<(&'static str, String)> {
    let system = &facts.system;
    let name = system.name.clone().unwrap_or_else(|| system.family.clone());
    let mut rows = vec![
        ("system", format!("{name}, {}", system.cpu)),
        ("project", place(facts)),
        ("LLVM", llvm(&facts.llvm)),
    ];
    if system.family == "macos" || facts.brew.prefix.is_some() {
        rows.push(("Homebrew", brew(&facts.brew)));
    }
    rows.push((
        "Rust",
        facts.rust.as_ref().map_or("none".to_owned(), |rust| {
            format!("{}, for {}", rust.version, rust.targets.join(", "))
        }),
    ));
    rows.extend(facts.emulators.iter().map(|it| ("runs", emulator(it))));
    rows.extend(facts.network.proxies.iter().map(|proxy| ("proxy", proxy.clone())));
    rows.extend(facts.network.mirrors.iter().map(|it| ("mirror", mirror(it))));
    rows.extend(facts.toolchains.iter().map(|toolchain| {
        let state = if toolchain.problem.is_none() { "ready" } else { "see below" };
        ("toolchain", format!("{}: {state}", toolchain.target))
    }));
    rows
}

fn place(facts: &Facts) -> String {
    let place = &facts.place;
    let free = place.free.map(|free| format!(", {:.1} GB free", tenths(free)));
    format!("{}{}", place.root, free.unwrap_or_default())
}

/// Bytes in GB.
#[allow(clippy::cast_precision_loss, reason = "one digit is shown")]
fn tenths(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

fn llvm(llvm: &Llvm) -> String {
    match &llvm.found {
        Some(clang) => format!("{}: {}", clang.version, clang.path),
        None if llvm.can_bring_own => {
            format!("no {} here: `reml-toolchain prepare` brings Debian's", llvm.major)
        }
        None => format!("no {} here", llvm.major),
    }
}

fn brew(brew: &Brew) -> String {
    let Some(prefix) = &brew.prefix else { return "none".to_owned() };
    let formula = |(name, version): &(String, Option<String>)| {
        format!("{name} {}", version.as_deref().unwrap_or("none"))
    };
    let list: Vec<String> = brew.formulae.iter().map(formula).collect();
    format!("{prefix}: {}", list.join(", "))
}

fn emulator(emulator: &Emulator) -> String {
    let Emulator { target, is_native, has_user_mode, system, .. } = emulator;
    let mut ways = Vec::new();
    if *is_native {
        ways.push("natively".to_owned());
    } else if *has_user_mode {
        ways.push("under qemu's user mode".to_owned());
    }
    ways.extend(system.as_ref().map(|version| format!("in a microVM (QEMU {version})")));
    let ways = if ways.is_empty() { "not at all".to_owned() } else { ways.join(", ") };
    format!("{target}: {ways}")
}

fn mirror(mirror: &Mirror) -> String {
    let state = match (mirror.milliseconds, &mirror.problem) {
        (Some(milliseconds), _) => format!("answered in {milliseconds} ms"),
        (None, Some(_)) => "no answer".to_owned(),
        (None, None) => "not asked".to_owned(),
    };
    format!("{}: {state}", mirror.url)
}
