//! From facts to findings: pure rules, one a code, so that a Mac's facts are judged on any
//! machine. Each code has its section on the page `reference/doctor.md`; a test compares.

use std::collections::BTreeSet;
use std::path::Path;

use super::facts::{Emulator, Facts, Folder, Llvm, Machine, Mirror, Network, TreeProblem};
use crate::audit::facts::Rust;
use crate::audit::findings::{Finding, Findings, ROOM, Severities};
use crate::toolchain::variables::shell_word;

pub use super::codes::{CODES, MISSING_TOOLS};

/// The document with a section for each code.
const PAGE: &str = "docs/src/reference/doctor.md";

/// The oldest macOS that works, by its major version.
const MACOS: u32 = 11;
/// Fewer files than this are too few for one more toolchain.
const FILES: u64 = 20_000;
/// A clock that is further off than this refuses good signatures or takes expired ones, in
/// seconds.
const CLOCK: i64 = 86_400;

/// What follows from the facts, worst first. `target` is the pins' own.
#[must_use]
pub fn judge(facts: &Facts, target: &str) -> Vec<Finding> {
    let severities = Severities::new();
    let mut findings = Findings::new(CODES, PAGE, &severities);
    system(&mut findings, facts);
    place(&mut findings, facts);
    brew(&mut findings, facts);
    llvm(&mut findings, facts);
    let prepared = facts.toolchains.iter().map(|toolchain| toolchain.target.as_str());
    let wanted: BTreeSet<&str> = [target].into_iter().chain(prepared).collect();
    let lacks = |rust| wanted.iter().filter_map(move |target| Rust::lacks(rust, target));
    findings.add("rust-missing", facts.rust.is_none().then(|| "there is no rustc on PATH".into()));
    let old = facts.rust.iter().filter(|rust| rust.is_too_old);
    findings.add(
        "rust-too-old",
        old.map(|rust| format!("Rust {}: `build-runtime` needs a newer one", rust.version)),
    );
    findings.add_cured("rust-target-missing", facts.rust.iter().flat_map(lacks));
    emulators(&mut findings, facts);
    variables(&mut findings, facts);
    network(&mut findings, &facts.network);
    toolchains(&mut findings, facts, target);
    findings.worst_first()
}

/// A finding with a cure of its own.
fn cured(message: String, cure: impl Into<String>) -> (String, Option<String>) {
    (message, Some(cure.into()))
}

/// The number before the first dot.
pub(super) fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

fn system(findings: &mut Findings<'_>, facts: &Facts) {
    let system = &facts.system;
    findings.add(
        "system-unknown",
        (!system.is_known).then(|| {
            format!("{} on {} is not a system that this program knows", system.family, system.cpu)
        }),
    );
    let old =
        system.version.as_deref().filter(|version| major(version).is_some_and(|it| it < MACOS));
    findings
        .add("macos-old", old.map(|version| format!("macOS {version}: expected {MACOS} or later")));
    findings.add("own-file-unknown", (!system.knows_own_file).then(|| {
        "this program cannot find its own file, of which the tools are copies: /proc is not mounted".into()
    }));
    findings.add("translated", system.is_translated.then(|| {
        "this program is built for Intel: on Apple silicon Rosetta translates it, which is slower".into()
    }));
    let needs_rosetta = |it: &&super::facts::PassedOver| it.machine == Some(Machine::NeedsRosetta);
    findings.add(
        "rosetta-missing",
        facts.llvm.passed_over.iter().filter(needs_rosetta).map(|it| {
            format!("Rosetta is not installed, and what is there is built for Intel: {}", it.reason)
        }),
    );
    findings.add(
        "developer-tools-missing",
        (system.has_developer_tools == Some(false)).then(|| {
            "Apple's command line tools are not installed: Homebrew and Rust need them".into()
        }),
    );
    findings.add_cured(
        "quarantined",
        system.quarantined.iter().map(|file| {
            let text = format!("{file} was downloaded: macOS may refuse to start it");
            cured(text, format!("xattr -d com.apple.quarantine {}", shell_word(file)))
        }),
    );
}

fn place(findings: &mut Findings<'_>, facts: &Facts) {
    let place = &facts.place;
    findings.add_cured("folder-refuses", refusals(&place.folders));
    findings.add_cured(
        "folder-open",
        place.folders.iter().filter(|it| it.is_open_to_all).map(|it| {
            let text = format!("{}: every user of this machine can change it", it.path);
            cured(text, format!("chmod o-w {}", shell_word(&it.path)))
        }),
    );
    findings.add(
        "volume-without-programs",
        place.is_without_programs.then(|| {
            format!("{}: its volume is mounted noexec, so that no tool there can start", place.root)
        }),
    );
    findings.add(
        "volume-folds-case",
        (place.is_case_sensitive == Some(false))
            .then(|| format!("{}: names that differ only in case are one file there", place.root)),
    );
    findings.add(
        "space-low",
        place.free.filter(|free| *free < ROOM).map(|free| {
            let (free, room) = (free >> 20, ROOM >> 20);
            format!(
                "{}: {free} MiB are free: expected {room} MiB, for a toolchain and its packages",
                place.root
            )
        }),
    );
    findings.add(
        "files-low",
        place
            .free_files
            .filter(|free| *free < FILES)
            .map(|free| format!("{}: room for {free} more files: expected {FILES}", place.root)),
    );
}

/// What is below a folder that refuses goes with it.
fn refusals(folders: &[Folder]) -> Vec<(String, Option<String>)> {
    let refusing = || folders.iter().filter(|folder| folder.refuses.is_some());
    let is_above = |above: &Folder, folder: &Folder| {
        above != folder && Path::new(&folder.path).starts_with(&above.path)
    };
    let outermost = refusing().filter(|it| !refusing().any(|above| is_above(above, it)));
    outermost.filter_map(refusal).collect()
}

fn refusal(folder: &Folder) -> Option<(String, Option<String>)> {
    let Folder { path, refuses, owner, user, .. } = folder;
    let text = format!("{path}: nothing can be written there: {}", refuses.as_ref()?);
    if owner == user {
        return Some((text, None));
    }
    let cure = format!("sudo chown -R \"$(id -un)\" {}", shell_word(path));
    Some(cured(format!("{text}; it belongs to user {owner}, and this is user {user}"), cure))
}

fn brew(findings: &mut Findings<'_>, facts: &Facts) {
    let (brew, major) = (&facts.brew, facts.llvm.major);
    findings.add(
        "brew-prefix",
        brew.wrong_prefix
            .iter()
            .map(|named| format!("HOMEBREW_PREFIX names {named}, which has no bin/brew")),
    );
    if facts.system.family != "macos" {
        return;
    }
    let has_llvm = facts.llvm.found.is_some();
    findings.add(
        "brew-missing",
        (brew.prefix.is_none() && !has_llvm)
            .then(|| "there is no Homebrew, neither in its usual folders nor on PATH".into()),
    );
    findings.add(
        "brew-pins",
        brew.disagreeing
            .iter()
            .map(|formula| format!("versions.toml: {formula} cannot go with LLVM {major}")),
    );
    let is_llvm = |name: &str| name.starts_with("llvm") || name.starts_with("lld");
    let missing: Vec<&str> = brew
        .formulae
        .iter()
        .filter(|(name, version)| version.is_none() && !(has_llvm && is_llvm(name)))
        .filter(|_| brew.prefix.is_some())
        .map(|(name, _)| name.as_str())
        .collect();
    findings.add(
        "brew-formula-missing",
        (!missing.is_empty()).then(|| format!("Homebrew has not installed {}", missing.join(", "))),
    );
    findings.add_cured(
        "brew-bottle-missing",
        brew.without_bottle.iter().map(|formula| {
            let text = format!("Homebrew has no bottle of {formula} for this machine");
            cured(text, format!("brew install --build-from-source {formula}   # takes hours"))
        }),
    );
}

fn llvm(findings: &mut Findings<'_>, facts: &Facts) {
    let Llvm { major, found, passed_over, can_bring_own } = &facts.llvm;
    let foreign = passed_over.iter().filter(|it| it.machine == Some(Machine::Foreign));
    findings.add(
        "llvm-foreign",
        foreign.map(|it| format!("{}: it is built for another kind of machine", it.reason)),
    );
    let others: Vec<&str> =
        passed_over.iter().filter(|it| it.machine.is_none()).map(|it| it.reason.as_str()).collect();
    let cure = match found {
        Some(clang) => format!("nothing to do: {} is used", clang.path),
        None => "nothing to do: `reml-toolchain prepare` brings Debian's LLVM".to_owned(),
    };
    if found.is_some() || *can_bring_own {
        findings.add_cured(
            "llvm-passed-over",
            others.iter().map(|reason| cured(format!("left aside: {reason}"), cure.clone())),
        );
    } else {
        let reasons =
            if others.is_empty() { String::new() } else { format!(": {}", others.join("; ")) };
        let text = format!("no LLVM {major} serves{reasons}");
        let cure = if facts.system.family == "macos" {
            "reml-toolchain prepare --brew".to_owned()
        } else {
            format!("sudo apt-get install clang-{major} lld-{major} llvm-{major}")
        };
        findings.add_cured("llvm-missing", [cured(text, cure)]);
    }
    findings.add(
        "llvm-translated",
        found.iter().filter_map(|clang| {
            let built = clang.translated_from.as_ref()?;
            Some(format!(
                "{} is built for {built}: Rosetta translates it, which is slower",
                clang.path
            ))
        }),
    );
}

fn emulators(findings: &mut Findings<'_>, facts: &Facts) {
    let is_stuck = |it: &&Emulator| !it.is_native && !it.has_user_mode && it.system.is_none();
    let told = |emulator: &Emulator| {
        let (why, package) = emulator.problem.clone().unwrap_or_default();
        let text = format!("nothing runs programs for {}: {why}", emulator.target);
        let cure = match facts.system.family.as_str() {
            "macos" => "brew install --formula qemu".to_owned(),
            _ => format!("sudo apt-get install {package}"),
        };
        cured(text, cure)
    };
    findings.add_cured("qemu-missing", facts.emulators.iter().filter(is_stuck).map(told));
}

fn variables(findings: &mut Findings<'_>, facts: &Facts) {
    let variables = &facts.variables;
    findings.add(
        "variables-ignored",
        (!variables.ignored.is_empty()).then(|| {
            format!(
                "these variables would lead a compiler astray: {}",
                variables.ignored.join(", ")
            )
        }),
    );
    let list = |names: &[String]| (!names.is_empty()).then(|| names.join(", "));
    findings.add(
        "variables-replaced",
        list(&variables.replaced).map(|names| {
            format!("{names}: set, but not to what the toolchain has; env.sh, `env` and `exec` replace it")
        }),
    );
    findings.add(
        "variables-kept",
        list(&variables.kept).map(|names| {
            format!("{names}: the toolchain leaves it as it is, and builds of C for a target may read it")
        }),
    );
    findings.add_cured(
        "preloaded",
        variables.preloads.iter().map(|name| {
            cured(
                format!("{name} puts foreign code into every program, this one included"),
                format!("unset {name}"),
            )
        }),
    );
    findings.add(
        "home-wrong",
        variables
            .wrong_home
            .iter()
            .map(|named| format!("REML_TOOLCHAIN_HOME names {named}, where no toolchain lies")),
    );
}

fn network(findings: &mut Findings<'_>, network: &Network) {
    findings.add_cured(
        "proxy-malformed",
        network.proxy_problem.iter().map(|(name, why)| cured(why.clone(), format!("unset {name}"))),
    );
    let problem = network.tls_problem.as_ref().filter(|_| network.needs_tls);
    findings.add(
        "certificates-missing",
        problem.map(|why| format!("no https address can be trusted: {why}")),
    );
    findings.add(
        "network-not-asked",
        network.is_offline.then(|| "whether the mirrors can be reached was not looked at".into()),
    );
    let asked: BTreeSet<&str> = network.mirrors.iter().map(|mirror| mirror.archive).collect();
    // A proxy that cannot be used is told once, and not again for each mirror.
    let is_told = network.is_offline || network.proxy_problem.is_some();
    for archive in asked.into_iter().filter(|_| !is_told) {
        let of = || network.mirrors.iter().filter(|mirror| mirror.archive == archive);
        let problems: Vec<&str> = of().filter_map(|mirror| mirror.problem.as_deref()).collect();
        if problems.len() == of().count() {
            let text = format!("no mirror of {archive} answers: {}", problems.join("; "));
            findings.add("archive-unreachable", [text]);
        } else {
            findings.add("mirror-silent", problems.into_iter().map(str::to_owned));
        }
    }
    let off = |mirror: &Mirror| mirror.clock_ahead.filter(|seconds| seconds.abs() > CLOCK);
    let worst = network.mirrors.iter().filter_map(off).max_by_key(|seconds| seconds.abs());
    findings.add("clock-wrong", worst.map(|seconds| {
        let (days, side) = (seconds.abs() / CLOCK, if seconds > 0 { "ahead of" } else { "behind" });
        format!("this machine's clock is {days} days {side} the mirror's: signatures are judged by it")
    }));
}

fn toolchains(findings: &mut Findings<'_>, facts: &Facts, target: &str) {
    findings.add("lock-behind", facts.lock_behind.clone());
    let is_there = facts.toolchains.iter().any(|toolchain| toolchain.target == target);
    let brew = if facts.system.family == "macos" { " --brew" } else { "" };
    findings.add_cured(
        "not-prepared",
        (!is_there).then(|| {
            let text = format!("no toolchain is prepared for {target}");
            cured(text, format!("reml-toolchain prepare{brew}"))
        }),
    );
    for toolchain in &facts.toolchains {
        let Some((problem, why)) = &toolchain.problem else { continue };
        let (code, force) = match problem {
            TreeProblem::Unreadable => ("tree-unreadable", " --force"),
            TreeProblem::Damaged => ("tree-damaged", " --force"),
            TreeProblem::Moved => ("tree-moved", ""),
            TreeProblem::ToolGone => ("tree-tool-gone", ""),
        };
        let cure = format!("reml-toolchain prepare --target {}{force}", toolchain.target);
        findings.add_cured(code, [cured(format!("{}: {why}", toolchain.target), cure)]);
    }
}

#[cfg(test)]
mod tests;
