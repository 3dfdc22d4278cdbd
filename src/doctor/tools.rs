//! The system, its compilers and emulators, and the toolchains
//! made so far. Programs are asked for their version and nothing else; `brew` for bottles,
//! where it has to install something and the network may be used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::World;
use super::facts::{
    Brew, Clang, Emulator, Llvm, Machine, PassedOver, System, Toolchain, TreeProblem,
};
use super::findings::major;
use crate::emulate::find;
use crate::host::fault::Fault;
use crate::host::http::Reach;
use crate::host::progress::Event;
use crate::host::{fs, platform};
use crate::llvm::brew::{self, Keg};
use crate::llvm::host::{Host, built, keg};
use crate::llvm::machine::{self, Cpu, Fit, Platform};
use crate::llvm::{self, Candidate, REQUIRED, Rejection};
use crate::pins::{Pins, Target};
use crate::prepare::{Found, all_prepared, brew_call};
use crate::toolchain::check;
use crate::toolchain::layout::Tree;
use crate::toolchain::stamp::{Freshness, Stamp};
use crate::toolchain::tools_table::Tools;

/// How long `brew info` may take.
const BREW_TIME: Duration = Duration::from_secs(30);

/// Where Apple puts Rosetta.
const ROSETTA: [&str; 2] =
    ["Library/Apple/usr/share/rosetta/rosetta", "Library/Apple/usr/libexec/oah/libRosettaRuntime"];

/// The system, and the machine that programs are to run on.
pub(super) fn system(world: &World<'_>) -> (System, Option<Platform>) {
    let ground = world.ground;
    let is_mac = ground.os == "macos";
    let is_translated =
        is_mac && ground.arch == "x86_64" && platform::is_translated_by(ground.root);
    let platform = ground.platform(is_translated);
    let version = if is_mac { platform::macos_version(ground.root) } else { None };
    let is_apple_silicon = is_mac && platform.is_some_and(|it| it.cpu == Cpu::Arm64);
    let has_rosetta = || ROSETTA.iter().any(|place| is_there(&ground.root.join(place)));
    let system = System {
        family: ground.os.to_owned(),
        name: match &version {
            Some(version) => Some(format!("macOS {version}")),
            None => platform::linux_name(ground.root),
        },
        version,
        cpu: platform.map_or(ground.arch.to_owned(), |platform| platform.cpu.to_string()),
        is_known: platform.is_some(),
        is_translated,
        has_rosetta: is_apple_silicon.then(|| is_translated || has_rosetta()),
        has_developer_tools: is_mac.then(|| platform::has_developer_tools(ground.root)),
        knows_own_file: world.env.exe.is_some(),
        quarantined: Vec::new(),
    };
    (system, platform)
}

fn is_there(path: &Path) -> bool {
    matches!(fs::stat(path), Ok(Some(_)))
}

/// What `prepare` would find of clang and lld, and what Homebrew has.
pub(super) fn llvm_and_brew(
    world: &World<'_>,
    pins: &Pins,
    platform: Option<Platform>,
    system: &System,
) -> (Llvm, Brew) {
    let probe = Host { env: world.env };
    let major = pins.llvm.major;
    let (prefixes, wrong_prefix) = match probe.brew_prefixes(platform) {
        Ok(prefixes) => (prefixes, None),
        Err(named) => (Vec::new(), Some(named.display().to_string())),
    };
    let mut folders = world.env.path_folders();
    if system.has_developer_tools == Some(false) {
        // The clang there is no compiler: it opens a window.
        folders.retain(|folder| folder != &world.ground.root.join("usr/bin"));
    }
    let mut candidates = llvm::candidates(&folders, world.ground.root, major, &probe);
    candidates.extend(prefixes.iter().flat_map(|prefix| probe.candidates_of(prefix, major)));
    let own = Target::host().filter(|_| system.family == "linux");
    let mut found = Llvm {
        major,
        can_bring_own: own.is_some_and(|host| pins.llvm.tools.hosts.contains(&host)),
        ..Llvm::default()
    };
    for candidate in &candidates {
        match inspect(candidate, major, probe, platform, system) {
            Ok(clang) => {
                found.found = Some(clang);
                break;
            }
            Err(reason) => found.passed_over.push(reason),
        }
    }
    (found, homebrew(world, pins, prefixes.first(), platform, system, wrong_prefix))
}

fn inspect(
    candidate: &Candidate,
    major: u32,
    probe: Host<'_>,
    platform: Option<Platform>,
    system: &System,
) -> Result<Clang, PassedOver> {
    let clang = candidate.clang.display().to_string();
    let built = built(&candidate.clang);
    let fit = platform.zip(built.as_ref()).map(|(platform, built)| platform.fit(built));
    let machine = match fit {
        Some(Fit::Foreign) => Some(Machine::Foreign),
        Some(Fit::Translated) if system.has_rosetta == Some(false) => Some(Machine::NeedsRosetta),
        _ => None,
    };
    if machine.is_some() {
        let built = built.as_ref().map(machine::Built::to_string).unwrap_or_default();
        return Err(PassedOver {
            code: "wrong-machine",
            reason: format!("{clang} ({built})"),
            machine,
        });
    }
    let rejected = |rejection: Rejection| {
        use crate::host::fault::Diagnostic as _;
        PassedOver { code: rejection.code(), reason: rejection.to_string(), machine: None }
    };
    let installation = llvm::inspect(candidate, major, &REQUIRED, &probe).map_err(rejected)?;
    Ok(Clang {
        path: clang,
        version: installation.version.to_string(),
        lld: installation.tools.get("ld.lld").map(|lld| lld.display().to_string()),
        translated_from: built.filter(|_| fit == Some(Fit::Translated)).map(|it| it.to_string()),
    })
}

fn homebrew(
    world: &World<'_>,
    pins: &Pins,
    prefix: Option<&PathBuf>,
    platform: Option<Platform>,
    system: &System,
    wrong_prefix: Option<String>,
) -> Brew {
    let version = |formula: &String| {
        let keg = keg(&fs::resolve(prefix?).ok()?, formula)?;
        Some(Keg::of(&keg.join("bin"))?.version)
    };
    let mut found = Brew {
        prefix: prefix.map(|prefix| prefix.display().to_string()),
        wrong_prefix,
        formulae: pins.formulae.iter().map(|name| (name.clone(), version(name))).collect(),
        disagreeing: brew::agree(&pins.formulae, pins.llvm.major).err().map(|it| it.formula),
        without_bottle: Vec::new(),
    };
    let missing: Vec<&str> = found
        .formulae
        .iter()
        .filter(|(_, version)| version.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    let is_wanted = system.family == "macos" && !missing.is_empty();
    let is_online = world.client.reach() == Reach::Online;
    if let (Some(prefix), Some(platform), true) = (prefix, platform, is_wanted && is_online) {
        let text = format!("  asking   brew about {} …", missing.join(", "));
        world.progress.event(Event::Note { text });
        let mut arguments = vec!["info", "--json=v2", "--formula"];
        arguments.extend(missing);
        let macos = system.version.as_deref().and_then(major).unwrap_or_default();
        let answer = brew_call(world.env, prefix, Some(platform), &arguments).output(BREW_TIME);
        // What brew does not tell is left to the installation.
        let json = answer.map(|output| output.stdout).unwrap_or_default();
        found.without_bottle = brew::without_bottle(&json, platform, macos);
    }
    found
}

/// What runs the programs of the default target and of those prepared.
pub(super) fn emulators(world: &World<'_>, pins: &Pins, toolchains: &[Toolchain]) -> Vec<Emulator> {
    let host = Target::host().filter(|_| world.ground.os == "linux");
    let prepared = toolchains.iter().filter_map(|it| Target::by_triple(&it.target));
    let mut targets: Vec<&'static Target> = [pins.target].into_iter().chain(prepared).collect();
    targets.dedup_by_key(|target| target.triple);
    let emulator = |target: &'static Target| {
        let tree = toolchains.iter().find(|it| it.target == target.triple);
        let tree = tree.map(|it| Tree::new(PathBuf::from(&it.root)));
        let user_mode = find::user_mode(world.env, tree.as_ref(), target).is_some();
        let system = find::system(world.env, target);
        Emulator {
            target: target.triple.to_owned(),
            is_native: host.is_some_and(|host| host.debian == target.debian),
            has_user_mode: host.is_some() && (user_mode || tree.is_none()),
            problem: system
                .as_ref()
                .err()
                .map(|error| (error.to_string(), find::system_package(target).to_owned())),
            system: system.ok().map(|(_, version)| version),
        }
    };
    targets.into_iter().map(emulator).collect()
}

/// The toolchains made so far, looked at quickly.
pub(super) fn toolchains(world: &World<'_>, pins: &Pins) -> Result<Vec<Toolchain>, Fault> {
    let toolchain = |found: Found| Toolchain {
        target: found.target.triple.to_owned(),
        release: found.release,
        root: found.tree.root().display().to_string(),
        problem: match found.prepared {
            Err(fault) => Some((TreeProblem::Unreadable, fault.to_string())),
            Ok(prepared) => problem(world.project.root(), &prepared.tree, &prepared.stamp),
        },
    };
    Ok(all_prepared(world.project, pins)?.into_iter().map(toolchain).collect())
}

fn problem(root: &Path, tree: &Tree, stamp: &Stamp) -> Option<(TreeProblem, String)> {
    match check::Look::begin(tree).finish(stamp) {
        Ok(Freshness::Fresh) => {}
        Ok(Freshness::Stale(reason)) => return Some((TreeProblem::Damaged, reason.to_string())),
        Err(fault) => return Some((TreeProblem::Damaged, fault.to_string())),
    }
    let place = stamp.inputs.value("place").filter(|place| Path::new(place) != root);
    if let Some(place) = place {
        let text = format!("it was made in {place}, and lies in {} now", root.display());
        return Some((TreeProblem::Moved, text));
    }
    let text = fs::read_text(&tree.share().join("tools")).ok()?;
    let tools = Tools::parse(&text).ok()?;
    let paths = tools.programs.iter().map(|(_, path)| tree.root().join(path));
    let gone = paths.into_iter().find(|path| !is_there(path))?;
    Some((TreeProblem::ToolGone, format!("{} is gone", gone.display())))
}
