//! What a tree is made of, by the pins and the lock alone. Pure.

use std::collections::BTreeSet;

use super::layouts::Layout;
use crate::debian::mirrors::{MirrorList, snapshot};
use crate::host::fault::{Diagnostic, Kind};
use crate::lock::{set_name, with_part};
use crate::pins::{Lock, LockedPackage, Pins, Target};
use crate::toolchain::stamp::Inputs;

/// A part of the tree that is unpacked from locked packages.
#[derive(Debug, Clone)]
pub struct Component<'l> {
    /// Its name in messages and in the stamp.
    pub name: &'static str,
    /// Its folder in the tree.
    pub folder: &'static str,
    /// Its packages, by pool path.
    pub packages: Vec<(&'l str, &'l LockedPackage)>,
    /// How they are laid out.
    pub layout: Layout<'l>,
}

/// A set that the lock does not have.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// The lock was made before the set was wanted.
    #[error("checksums.txt locks nothing for {set}")]
    NotLocked {
        /// The set's name.
        set: String,
    },
    /// versions.toml was changed and the lock was not.
    #[error("checksums.txt is older than versions.toml: for {set} it {what}")]
    LockBehind {
        /// The set's name.
        set: String,
        /// What it lacks, or has too much.
        what: String,
    },
    /// A package of `--with` that nobody locked.
    #[error("checksums.txt does not lock {package} for {target}")]
    WithNotLocked {
        /// The package.
        package: String,
        /// The target's triple.
        target: &'static str,
    },
}

impl Diagnostic for ComponentError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        match self {
            Self::LockBehind { .. } => "lock-behind",
            Self::NotLocked { .. } | Self::WithNotLocked { .. } => "not-locked",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NotLocked { .. } | Self::LockBehind { .. } => {
                vec!["lock it from Debian's signatures: `reml-toolchain lock`".to_owned()]
            }
            Self::WithNotLocked { package, target } => {
                vec![format!("lock it: `reml-toolchain lock --target {target} --with {package}`")]
            }
        }
    }
}

/// What is asked of [`components`].
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// The target.
    pub target: &'static Target,
    /// The Debian release of the sysroot.
    pub release: &'w str,
    /// The host, where Debian's programs run on it.
    pub host: Option<&'static Target>,
    /// Whether the tree gets an LLVM of its own.
    pub own_llvm: bool,
    /// Whether LLVM needs Debian's C library to run on this host.
    pub own_libc: bool,
    /// Further packages.
    pub with: &'w [String],
}

/// The components of a tree: the sysroot, and LLVM and qemu where they are needed.
///
/// # Errors
/// The lock lacks one of them.
pub fn components<'l>(
    pins: &'l Pins,
    lock: &'l Lock,
    wanted: Wanted<'_>,
) -> Result<Vec<Component<'l>>, ComponentError> {
    let Wanted { target, release, host, .. } = wanted;
    let set = set_name(release, "sysroot", target);
    let mut sysroot = locked(lock, &set)?;
    if let Some(pinned) = pins.release(release) {
        let names = pins.sysroot.packages.iter().map(|name| pinned.package(name));
        check_names(&set, &sysroot, &names.collect())?;
    }
    for package in pins.sysroot.extra.iter().chain(wanted.with) {
        let set = set_name(release, &with_part(package), target);
        let found = locked(lock, &set).map_err(|_| ComponentError::WithNotLocked {
            package: package.clone(),
            target: target.triple,
        })?;
        sysroot.extend(found);
    }
    sysroot.sort_by_key(|(path, _)| *path);
    sysroot.dedup_by_key(|(path, _)| *path);
    let mut list = vec![Component {
        name: "sysroot",
        folder: "sysroot",
        packages: sysroot,
        layout: Layout::sysroot(pins),
    }];
    if let Some(host) = host {
        if wanted.own_llvm {
            let mut packages = locked(lock, &set_name(&pins.release, "llvm", host))?;
            if wanted.own_libc {
                let libc = locked(lock, &set_name(&pins.release, "sysroot", host))?;
                packages.extend(libc.into_iter().filter(|(_, package)| package.name == "libc6"));
            }
            list.push(Component {
                name: "llvm",
                folder: "lib/llvm",
                packages,
                layout: Layout::llvm(pins),
            });
        }
        if host.debian != target.debian {
            let packages = locked(lock, &set_name(&pins.release, "qemu", host))?;
            list.push(Component {
                name: "qemu",
                folder: "lib/qemu",
                packages,
                layout: Layout::qemu(pins),
            });
        }
    }
    Ok(list)
}

/// The sysroot's base is an explicit list: the lock has it all, and nothing else.
fn check_names(
    set: &str,
    locked: &[(&str, &LockedPackage)],
    wanted: &BTreeSet<String>,
) -> Result<(), ComponentError> {
    let names: BTreeSet<&str> = locked.iter().map(|(_, package)| package.name.as_str()).collect();
    let lacks = wanted.iter().find(|name| !names.contains(name.as_str()));
    let superfluous = names.iter().find(|name| !wanted.contains(**name));
    let what = match (lacks, superfluous) {
        (Some(name), _) => format!("lacks {name}"),
        (None, Some(name)) => format!("has {name}, which nobody wants"),
        (None, None) => return Ok(()),
    };
    Err(ComponentError::LockBehind { set: set.to_owned(), what })
}

fn locked<'l>(
    lock: &'l Lock,
    set: &str,
) -> Result<Vec<(&'l str, &'l LockedPackage)>, ComponentError> {
    let packages: Vec<_> = lock
        .packages
        .iter()
        .filter(|(_, package)| package.sets.contains(set))
        .map(|(path, package)| (path.as_str(), package))
        .collect();
    if packages.is_empty() {
        return Err(ComponentError::NotLocked { set: set.to_owned() });
    }
    Ok(packages)
}

impl Component<'_> {
    /// What decides the content of this component.
    pub fn add_inputs(&self, inputs: &mut Inputs) {
        for (_, package) in &self.packages {
            let name = format!("{} {}:{}", self.name, package.name, package.architecture);
            inputs.add(name, format!("{} {}", package.version, &package.sha256.short()));
        }
        inputs.add(format!("{} prune", self.name), self.layout.set.prune.join(" "));
        inputs.add(format!("{} keep", self.name), self.layout.set.keep.join(" "));
    }

    /// What is fetched for this component, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.packages.iter().map(|(_, package)| package.size).sum()
    }
}

/// Where a locked package may be had: the mirrors, then the snapshot service at the time
/// of the last state of its suite that listed it (plus half a day, in which the service takes it over).
#[must_use]
pub fn sources(
    mirrors: &MirrorList,
    pins: &Pins,
    lock: &Lock,
    path: &str,
    package: &LockedPackage,
) -> Vec<String> {
    const TAKE_OVER_SECONDS: i64 = 43_200;
    let mut urls = mirrors.pool(path);
    let listed = package.seen.or_else(|| lock.suites.get(&package.suite).map(|suite| suite.date));
    if let Some(date) = listed {
        let moment = date.saturating_add(TAKE_OVER_SECONDS);
        urls.push(snapshot(&pins.mirrors.snapshot, path, moment));
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::hash::Digest;
    use crate::pins::{SuiteState, TARGETS};

    const PINS: &str = include_str!("../../versions.toml");

    fn package(name: &str, set: &str) -> (String, LockedPackage) {
        let package = LockedPackage {
            name: name.to_owned(),
            version: "1".to_owned(),
            architecture: "amd64".to_owned(),
            sha256: Digest::of(name.as_bytes()),
            size: 1,
            installed_kib: 1,
            suite: "bookworm".to_owned(),
            seen: None,
            sets: [set.to_owned()].into(),
        };
        (format!("pool/{name}.deb"), package)
    }

    fn lock() -> Lock {
        let packages = [
            package("libc6", "bookworm/sysroot/amd64"),
            ("pool/arm.deb".to_owned(), package("libc6", "bookworm/sysroot/arm64").1),
            package("clang-19", "bookworm/llvm/amd64"),
            package("qemu-user", "bookworm/qemu/amd64"),
            package("zlib1g-dev", "bookworm/with:zlib1g-dev/amd64"),
        ];
        Lock { packages: packages.into(), ..Lock::default() }
    }

    /// The real pins, with a sysroot of one package.
    fn pins() -> Pins {
        let mut pins = Pins::parse("versions.toml", PINS).unwrap();
        pins.sysroot.packages = vec!["libc6".to_owned()];
        pins
    }

    fn names(wanted: Wanted<'_>) -> Vec<(&'static str, Vec<String>)> {
        let pins = pins();
        let lock = lock();
        let list = components(&pins, &lock, wanted).unwrap();
        let name = |(_, package): &(&str, &LockedPackage)| package.name.clone();
        list.iter().map(|c| (c.name, c.packages.iter().map(name).collect())).collect()
    }

    const NATIVE: Wanted<'static> = Wanted {
        target: &TARGETS[0],
        release: "bookworm",
        host: Some(&TARGETS[0]),
        own_llvm: true,
        own_libc: false,
        with: &[],
    };

    #[test]
    fn a_native_target_gets_llvm_and_no_emulator() {
        assert_eq!(
            names(NATIVE),
            [("sysroot", vec!["libc6".to_owned()]), ("llvm", vec!["clang-19".to_owned()])]
        );
    }

    #[test]
    fn a_foreign_target_gets_the_emulator() {
        let list = names(Wanted { target: &TARGETS[1], own_llvm: false, ..NATIVE });
        assert_eq!(
            list,
            [("sysroot", vec!["libc6".to_owned()]), ("qemu", vec!["qemu-user".to_owned()])]
        );
    }

    #[test]
    fn further_packages_join_the_sysroot_and_an_old_host_gets_a_c_library() {
        let with = ["zlib1g-dev".to_owned()];
        let list = names(Wanted { with: &with, own_libc: true, ..NATIVE });
        assert_eq!(list[0].1, ["libc6", "zlib1g-dev"]);
        assert_eq!(list[1].1, ["clang-19", "libc6"]);
    }

    #[test]
    fn a_lock_made_from_other_pins_is_refused() {
        let lock = lock();
        let mut pins = pins();
        pins.sysroot.packages.push("libm6-dev".to_owned());
        let error = components(&pins, &lock, NATIVE).unwrap_err();
        assert!(
            error.to_string().ends_with("bookworm/sysroot/amd64 it lacks libm6-dev"),
            "{error}"
        );
        pins.sysroot.packages = vec!["other".to_owned()];
        assert_eq!(components(&pins, &lock, NATIVE).unwrap_err().code(), "lock-behind");
    }

    #[test]
    fn what_the_lock_lacks_is_named_with_the_command() {
        let pins = pins();
        let error = components(&pins, &Lock::default(), NATIVE).unwrap_err();
        assert_eq!(error.to_string(), "checksums.txt locks nothing for bookworm/sysroot/amd64");
        let with = ["curl".to_owned()];
        let lock = lock();
        let error = components(&pins, &lock, Wanted { with: &with, ..NATIVE }).unwrap_err();
        assert!(error.hints()[0].contains("lock --target x86_64-unknown-linux-gnu --with curl"));
    }

    #[test]
    fn the_snapshot_service_comes_last() {
        let pins = pins();
        let mut lock = lock();
        let state = SuiteState {
            date: 1_783_764_997,
            version: String::new(),
            role: String::new(),
            release: Digest::of(b""),
            allowed: BTreeSet::new(),
        };
        lock.suites.insert("bookworm".to_owned(), state);
        let (path, package) = lock.packages.first_key_value().unwrap();
        let urls = sources(&MirrorList::only("http://m/debian"), &pins, &lock, path, package);
        assert_eq!(urls.len(), 2);
        assert!(
            urls[1].starts_with("http://snapshot.debian.org/archive/debian/20260711T221637Z/pool/")
        );
    }
}
