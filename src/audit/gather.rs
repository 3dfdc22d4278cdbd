//! Asks the disk and the tools for the facts. Each tool is run by its path, with an
//! environment of its own and a time limit; nothing is changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::facts::{Disk, Host, Locked, Toolchain};
use crate::elf::glibc_defined;
use crate::host::fault::Fault;
use crate::host::process::{self, Call};
use crate::host::{Env, fs};
use crate::pins::{Lock, Pins, TARGETS, Target};
use crate::prepare::components::{Wanted, components};
use crate::prepare::{Prepared, prepared};
use crate::toolchain::check;
use crate::toolchain::layout::{Project, folder_name};

/// A tool that does not answer by then says nothing.
const ANSWER: Duration = Duration::from_secs(20);

/// The largest libc.so.6 that is read, in bytes.
const LIBC_LIMIT: u64 = 64 << 20;

/// Every toolchain that is there, whole or not.
pub(super) fn toolchains(
    env: &Env,
    project: &Project,
    pins: &Pins,
    lock: &Lock,
) -> Result<Vec<Toolchain>, Fault> {
    let mut list = Vec::new();
    for release in pins.releases.keys() {
        for target in TARGETS {
            let tree = project.toolchain(&folder_name(target, release, &pins.release));
            if fs::stat(tree.root())?.is_none() {
                continue;
            }
            let (triple, release) = (target.triple.to_owned(), release.clone());
            let toolchain = Toolchain { target: triple, release, ..Toolchain::default() };
            list.push(match prepared(project, pins, target, &toolchain.release) {
                Err(fault) => Toolchain { unreadable: Some(fault.to_string()), ..toolchain },
                Ok(prepared) => describe(env, pins, lock, target, &prepared, toolchain),
            });
        }
    }
    Ok(list)
}

fn describe(
    env: &Env,
    pins: &Pins,
    lock: &Lock,
    target: &Target,
    prepared: &Prepared,
    toolchain: Toolchain,
) -> Toolchain {
    let Prepared { tree, stamp, .. } = prepared;
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
    let qemu = tree.qemu().join(format!("usr/bin/qemu-{}", target.qemu));
    Toolchain {
        glibc: glibc(&sysroot, target),
        gcc: gcc(&sysroot, target),
        libstdcxx: installed("libstdc++6"),
        linux: installed("linux-libc-dev"),
        clang: tool("clang"),
        lld: tool("ld.lld"),
        ar: tool("llvm-ar"),
        readelf: tool("llvm-readelf"),
        qemu: version_of(env, &[qemu]),
        files,
        damage,
        drift: drift(lock, target, prepared),
        ..toolchain
    }
}

/// Packages of the sysroot that are not those of the lock.
fn drift(lock: &Lock, target: &Target, prepared: &Prepared) -> Vec<(String, String, String)> {
    let set = crate::lock::set_name(&prepared.stamp.release, "sysroot", target);
    let mut list = Vec::new();
    for (_, package) in lock.set(&set) {
        let key = format!("sysroot {}:{}", package.name, package.architecture);
        let here = prepared.stamp.inputs.value(&key).unwrap_or("none");
        if here != format!("{} {}", package.version, package.sha256.short()) {
            let version = here.split(' ').next().unwrap_or(here);
            list.push((package.name.clone(), version.to_owned(), package.version.clone()));
        }
    }
    list
}

/// The release of the sysroot's own C library, without running it.
fn glibc(sysroot: &Path, target: &Target) -> Option<String> {
    let folders = ["lib", "usr/lib"].map(|folder| sysroot.join(folder).join(target.multiarch));
    let bytes = folders
        .iter()
        .find_map(|folder| fs::read_at_most(&folder.join("libc.so.6"), LIBC_LIMIT).ok())?;
    glibc_defined(&bytes).ok()?.map(|version| version.to_string())
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
    let mut call = Call::new(program, ["--version"]);
    for name in ["PATH", "HOME", "RUSTUP_HOME", "CARGO_HOME"] {
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

/// The host's compiler of Rust, and Homebrew where there is one.
pub(super) fn host(env: &Env, pins: &Pins) -> Host {
    let rustc = process::find("rustc", &env.path_folders());
    let named = env.var("HOMEBREW_PREFIX").map(PathBuf::from);
    let usual = ["/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew"].map(PathBuf::from);
    let mut prefixes = named.into_iter().chain(usual);
    let brew = prefixes.find(|prefix| process::is_executable(&prefix.join("bin/brew")));
    let version = |prefix: &PathBuf, formula: &String| {
        let keg = fs::read_link(&prefix.join("opt").join(formula)).ok()?;
        Some(keg.file_name()?.to_string_lossy().into_owned())
    };
    let formulae = brew.iter().flat_map(|prefix| {
        pins.formulae.iter().map(move |formula| (formula.clone(), version(prefix, formula)))
    });
    Host {
        rustc: rustc.and_then(|rustc| version_of(env, &[rustc])),
        formulae: formulae.collect(),
        brew: brew.as_ref().map(|prefix| prefix.display().to_string()),
    }
}

/// What the lock holds, and whether it still answers the pins.
pub(super) fn locked(pins: &Pins, lock: &Lock) -> Locked {
    let durable = |name: &String| pins.releases.values().any(|release| release.durable == *name);
    let changing = lock.suites.iter().filter(|(name, _)| !durable(name));
    let wanted = Wanted {
        target: pins.target,
        release: &pins.release,
        host: Target::host(),
        own_llvm: true,
        own_libc: false,
        with: &[],
    };
    Locked {
        packages: lock.packages.len(),
        date: changing.map(|(_, suite)| suite.date).max(),
        behind: components(pins, lock, wanted).err().map(|error| error.to_string()),
    }
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
