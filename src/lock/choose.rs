//! Which packages each set wants, and the solver's answer as lock entries. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::indices::Indices;
use super::{Options, set_name, with_part};
use crate::debian::packages::Package;
use crate::debian::resolve::{self, Want};
use crate::host::fault::Fault;
use crate::pins::versions::{PackageSet, Release};
use crate::pins::{Lock, LockedPackage, Pins, Target};

/// One set's wish.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    wanted: Vec<Want>,
    options: resolve::Options,
    durable_only: bool,
    /// Exactly the wanted packages, without what they depend on.
    exact: bool,
}

/// Every set of `codename` for `target`, by name.
pub(super) fn wants(
    pins: &Pins,
    codename: &str,
    release: &Release,
    target: &Target,
    old: &Lock,
    options: &Options,
) -> BTreeMap<String, Wish> {
    let mut wishes = BTreeMap::new();
    let base: Vec<String> =
        pins.sysroot.packages.iter().map(|name| release.package(name)).collect();
    wishes.insert(set_name(codename, "sysroot", target), exact(&pins.sysroot, release, &base));
    for package in further(pins, codename, target, old, options) {
        let name = release.package(&package);
        let mut wish = closure(&pins.sysroot, release, &[name], "sysroot");
        wish.options.base = base.iter().cloned().collect();
        wishes.insert(set_name(codename, &with_part(&package), target), wish);
    }
    if codename == pins.release {
        let is_host = |hosts: &[&Target]| hosts.contains(&target);
        if is_host(&pins.llvm.tools.hosts) {
            let set = &pins.llvm.tools.set;
            wishes.insert(
                set_name(codename, "llvm", target),
                closure(set, release, &set.packages, "llvm"),
            );
        }
        if is_host(&pins.qemu.hosts) {
            let set = &pins.qemu.set;
            wishes.insert(
                set_name(codename, "qemu", target),
                closure(set, release, &set.packages, "qemu"),
            );
        }
        if let Some(packages) = pins.kernel.packages.get(target.triple) {
            let wish = closure(&pins.kernel.set, release, packages, "kernel");
            wishes.insert(set_name(codename, "kernel", target), wish);
        }
    }
    wishes
}

/// The packages wanted beyond the base: pinned, asked for now, and asked for before.
fn further(
    pins: &Pins,
    codename: &str,
    target: &Target,
    old: &Lock,
    options: &Options,
) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = pins.sysroot.extra.iter().cloned().collect();
    for (release, triple, package) in &options.with {
        if release == codename && *triple == target.triple {
            names.insert(package.clone());
        }
    }
    let prefix = format!("{codename}/{}", with_part(""));
    let suffix = format!("/{}", target.debian);
    for set in old.packages.values().flat_map(|package| &package.sets) {
        let name = set.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(&suffix));
        names.extend(name.map(str::to_owned));
    }
    names
}

fn exact(set: &PackageSet, release: &Release, names: &[String]) -> Wish {
    Wish { exact: true, ..closure(set, release, names, "sysroot") }
}

fn closure(set: &PackageSet, release: &Release, names: &[String], section: &str) -> Wish {
    let durable_only = set.durable.iter().any(|name| name == "*");
    let by = format!("`without` of [{section}] in versions.toml");
    let tied = set.durable.iter().filter(|name| *name != "*");
    Wish {
        wanted: names.iter().map(Want::new).collect(),
        options: resolve::Options {
            exclude: set.without.iter().map(|name| (release.package(name), by.clone())).collect(),
            base: BTreeSet::new(),
            suites: tied.map(|name| (release.package(name), release.durable.clone())).collect(),
        },
        durable_only,
        exact: false,
    }
}

impl Wish {
    /// The same wish as if nothing were tied to the durable suite; `None` where nothing is.
    pub(super) fn untied(&self) -> Option<Self> {
        if !self.durable_only && self.options.suites.is_empty() {
            return None;
        }
        let mut wish = Self { durable_only: false, ..self.clone() };
        wish.options.suites.clear();
        Some(wish)
    }
}

/// The entries of a set, without its name.
pub(super) fn resolve(
    indices: &Indices<'_>,
    wish: &Wish,
) -> Result<Vec<(String, LockedPackage)>, Fault> {
    let index = if wish.durable_only { &indices.durable } else { &indices.all };
    let mut options = wish.options.clone();
    let names: BTreeSet<&str> = wish.wanted.iter().map(|want| want.name.as_str()).collect();
    if wish.exact {
        // Everything else counts as there already, so that nothing is followed.
        options.base =
            index.names().filter(|name| !names.contains(name)).map(str::to_owned).collect();
    }
    let closure = resolve::resolve(index, &wish.wanted, &options)?;
    Ok(closure.packages.into_iter().map(|chosen| locked(chosen.package, chosen.suite)).collect())
}

fn locked(package: Package, suite: String) -> (String, LockedPackage) {
    /// What a package that tells no `Installed-Size` may unpack to, as a multiple of the
    /// .deb's size: more than any compression of real files reaches.
    const RATIO: u64 = 30;
    let guess = package.size.saturating_mul(RATIO) / 1024 + 1;
    let entry = LockedPackage {
        name: package.name,
        version: package.version.to_string(),
        architecture: package.architecture,
        sha256: package.sha256,
        size: package.size,
        installed_kib: package.installed_size_kib.unwrap_or(guess),
        suite,
        seen: None,
        sets: BTreeSet::new(),
    };
    (package.filename, entry)
}
