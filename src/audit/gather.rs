//! Asks the disk and the tools for the facts. Each tool is run by its path, with an
//! environment of its own and a time limit; nothing is changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::facts::{Disk, Host, Locked, Toolchain};
use super::rust::rust;
use crate::elf::glibc_defined;
use crate::emulate::find;
use crate::host::fault::Fault;
use crate::host::platform::is_translated;
use crate::host::process::{self, Call};
use crate::host::{Env, fs};
use crate::llvm;
use crate::llvm::brew::Keg;
use crate::llvm::machine::Platform;
use crate::pins::{Lock, Pins, Target};
use crate::prepare::components::{Wanted, components};
use crate::prepare::{Found, Prepared, all_prepared, of_stamp};
use crate::toolchain::check;
use crate::toolchain::hostile::PRELOADS;
use crate::toolchain::layout::Project;
use crate::toolchain::stamp::{Inputs, Stamp};

/// A tool that does not answer by then says nothing.
const ANSWER: Duration = Duration::from_secs(20);

/// Every toolchain that is there, whole or not.
pub(super) fn toolchains(
    env: &Env,
    project: &Project,
    pins: &Pins,
    lock: &Lock,
) -> Result<Vec<Toolchain>, Fault> {
    let describe = |found: Found| {
        let (triple, release) = (found.target.triple.to_owned(), found.release);
        let toolchain = Toolchain { target: triple, release, ..Toolchain::default() };
        match found.prepared {
            Err(fault) => Toolchain { unreadable: Some(fault.to_string()), ..toolchain },
            Ok(prepared) => describe(env, pins, lock, found.target, &prepared, toolchain),
        }
    };
    Ok(all_prepared(project, pins)?.into_iter().map(describe).collect())
}

fn describe(
    env: &Env,
    pins: &Pins,
    lock: &Lock,
    target: &'static Target,
    prepared: &Prepared,
    toolchain: Toolchain,
) -> Toolchain {
    let Prepared { generation: tree, stamp, .. } = prepared;
    let sysroot = tree.sysroot();
    let bin = tree.root().join(&stamp.llvm).join("bin");
    let tool = |name: &str| {
        let names = [name.to_owned(), format!("{name}-{}", pins.llvm.major)];
        version_of(env, &names.map(|name| bin.join(name)))
    };
    let installed = |name: &str| {
        let input = stamp.inputs.value(&format!("sysroot {name}:{}", target.debian));
        input.and_then(|text| text.split(' ').next()).map(str::to_owned)
    };
    let (files, damage) = match check::whole(tree, stamp) {
        Ok(report) => {
            (report.files, report.problems.iter().take(10).map(ToString::to_string).collect())
        }
        Err(fault) => (0, vec![fault.to_string()]),
    };
    Toolchain {
        glibc: glibc(&sysroot, target),
        gcc: gcc(&sysroot, target),
        libstdcxx: installed("libstdc++6"),
        linux: installed("linux-libc-dev"),
        clang: tool("clang"),
        lld: tool("ld.lld"),
        ar: tool("llvm-ar"),
        readelf: tool("llvm-readelf"),
        qemu: find::own(tree).map(|qemu| version_from(env, qemu.call())),
        files,
        damage,
        with: of_stamp(stamp),
        drift: drift(pins, lock, target, stamp),
        ..toolchain
    }
}

/// Packages of a tree that are not those that the lock would give it now.
fn drift(
    pins: &Pins,
    lock: &Lock,
    target: &'static Target,
    stamp: &Stamp,
) -> Vec<(String, String, String)> {
    let llvm = stamp.inputs.value("llvm").unwrap_or_default();
    let wanted = Wanted {
        target,
        release: &stamp.release,
        host: Target::host(),
        own_llvm: llvm.starts_with("debian"),
        own_libc: llvm == "debian with libc",
        with: &of_stamp(stamp),
    };
    // What the lock lacks for the pins is told of the lock itself.
    let Ok(components) = components(pins, lock, wanted) else { return Vec::new() };
    let mut locked = Inputs::default();
    for component in &components {
        component.add_inputs(&mut locked);
    }
    let mut pairs: BTreeMap<_, [Option<_>; 2]> = BTreeMap::new();
    for (at, inputs) in [&stamp.inputs, &locked].into_iter().enumerate() {
        for (part, package, version, proof) in inputs.packages() {
            pairs.entry((part, package)).or_default()[at] = Some((version, proof));
        }
    }
    let differing = pairs.into_iter().filter(|(_, [here, locked])| here != locked);
    let version = |side: Option<(&str, _)>| side.map_or("none", |(version, _)| version).to_owned();
    let row = |((part, package), [here, locked]): ((&str, &str), [Option<_>; 2])| {
        let name = package.split(':').next().unwrap_or(package);
        let name = if part == "sysroot" { name.to_owned() } else { format!("{part}: {name}") };
        (name, version(here), version(locked))
    };
    differing.map(row).collect()
}

/// The release of the sysroot's own C library, without running it.
fn glibc(sysroot: &Path, target: &Target) -> Option<String> {
    let folders = ["lib", "usr/lib"].map(|folder| sysroot.join(folder).join(target.multiarch));
    let file =
        folders.iter().find_map(|folder| fs::open_regular(&folder.join("libc.so.6")).ok())?;
    glibc_defined(file).ok()?.map(|version| version.to_string())
}

/// The highest version among the GCC folders, which clang chooses.
fn gcc(sysroot: &Path, target: &Target) -> Option<String> {
    let folder = sysroot.join("usr/lib/gcc").join(target.multiarch);
    let entries = fs::read_dir_sorted(&folder).ok()?;
    let versions = entries.iter().filter_map(|entry| entry.name.to_str()?.parse::<u32>().ok());
    versions.max().map(|version| version.to_string())
}

/// The version that the first of these programs tells.
fn version_of(env: &Env, programs: &[PathBuf]) -> Option<String> {
    let program = programs.iter().find(|program| process::is_executable(program))?;
    version_from(env, Call::new(program, [""; 0]))
}

fn version_from(env: &Env, mut call: Call) -> Option<String> {
    call.args.push("--version".into());
    for name in ["PATH", "HOME"] {
        call.env.extend(env.var(name).map(|value| (name.into(), value.into())));
    }
    call.env.push(("LC_ALL".into(), "C".into()));
    let output = call.output(ANSWER).ok().filter(|output| output.status.success())?;
    version_in(&String::from_utf8_lossy(&output.stdout))
}

/// The first word that is a version: `19.1.7` of `Debian clang version 19.1.7 (3~deb12u1)`.
pub(super) fn version_in(text: &str) -> Option<String> {
    let digits = |word: &str| -> String {
        word.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect()
    };
    let words = text.split_whitespace().map(digits);
    let is_version = |word: &String| word.contains('.') && word.starts_with(|c: char| c != '.');
    words.into_iter().find(is_version).map(|word| word.trim_end_matches('.').to_owned())
}

/// What is the host's own: Rust, and Homebrew where there is one.
pub(super) fn host(env: &Env, pins: &Pins) -> Host {
    let prefixes = llvm::host::Host { env }.brew_prefixes(Platform::of_process(is_translated()));
    let brew = prefixes.unwrap_or_default().into_iter().next();
    let version = |prefix: &PathBuf, formula: &String| {
        Some(Keg::of(&llvm::host::keg(&fs::resolve(prefix).ok()?, formula)?.join("bin"))?.version)
    };
    let formulae = brew.iter().flat_map(|prefix| {
        pins.formulae.iter().map(move |formula| (formula.clone(), version(prefix, formula)))
    });
    let preloads = PRELOADS.into_iter().filter(|name| env.var(name).is_some());
    let rust = rust(env);
    Host {
        rustc: rust.as_ref().map(|rust| rust.version.clone()),
        rust,
        preloads: preloads.map(str::to_owned).collect(),
        formulae: formulae.collect(),
        brew: brew.as_ref().map(|prefix| prefix.display().to_string()),
    }
}

/// What the lock holds, and whether it still answers the pins, for the default target and
/// for those that are prepared.
pub(super) fn locked(pins: &Pins, lock: &Lock, toolchains: &[Toolchain]) -> Locked {
    let durable = |name: &String| pins.releases.values().any(|release| release.durable == *name);
    let changing = lock.suites.iter().filter(|(name, _)| !durable(name));
    let prepared = || {
        toolchains.iter().find_map(|it| {
            lock_behind(pins, lock, Target::by_triple(&it.target)?, &it.release, &it.with)
        })
    };
    Locked {
        packages: lock.packages.len(),
        date: changing.map(|(_, suite)| suite.date).max(),
        behind: lock_behind(pins, lock, pins.target, &pins.release, &[]).or_else(prepared),
    }
}

/// What the lock lacks for the pins of a target and release, or has too much.
#[must_use]
pub fn lock_behind(
    pins: &Pins,
    lock: &Lock,
    target: &'static Target,
    release: &str,
    with: &[String],
) -> Option<String> {
    let host = Target::host();
    let wanted = Wanted { target, release, host, own_llvm: true, own_libc: false, with };
    components(pins, lock, wanted).err().map(|error| error.to_string())
}

/// What the cache takes, and what is free.
pub(super) fn disk(project: &Project) -> Result<Disk, Fault> {
    fn size(folder: &Path) -> Result<u64, fs::FsError> {
        let mut sum = 0;
        for entry in fs::read_dir_sorted(folder)? {
            sum += match entry.kind {
                fs::EntryKind::Dir => size(&entry.path)?,
                _ => fs::stat(&entry.path)?.map_or(0, |meta| meta.len()),
            };
        }
        Ok(sum)
    }
    let pool = project.cache().join("pool");
    let pool = if fs::stat(&pool)?.is_some() { size(&pool)? } else { 0 };
    Ok(Disk { pool, free: fs::free_space(&project.toolchains())? })
}
