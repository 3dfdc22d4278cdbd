//! How the packages of a component are laid out: what is left out, what is kept of it, and
//! what is changed. Pure.

use crate::host::hash::Digest;
use crate::llvm::rootless;
use crate::pins::versions::PackageSet;
use crate::pins::{LockedPackage, Pins};
use crate::sysroot::rules::{RuleError, Rules};

/// Raised whenever the same package and rules give another folder than before. It also
/// changes the bytes of packed archives.
const UNPACKING: u32 = 2;

/// The layout of one component.
#[derive(Debug, Clone)]
pub struct Layout<'p> {
    /// What is left out, and what is kept of that.
    pub set: &'p PackageSet,
    /// The folder whose programs get a `DT_RPATH`.
    rpath: Option<String>,
}

impl<'p> Layout<'p> {
    /// The sysroot's.
    #[must_use]
    pub const fn sysroot(pins: &'p Pins) -> Self {
        Self { set: &pins.sysroot, rpath: None }
    }

    /// Debian's LLVM's: its programs find the libraries beside them, those of libraries too.
    #[must_use]
    pub fn llvm(pins: &'p Pins) -> Self {
        let rpath = Some(rootless::programs_folder(pins.llvm.major));
        Self { set: &pins.llvm.tools.set, rpath }
    }

    /// The emulator's.
    #[must_use]
    pub const fn qemu(pins: &'p Pins) -> Self {
        Self { set: &pins.qemu.set, rpath: None }
    }

    /// All that there are.
    #[must_use]
    pub fn all(pins: &'p Pins) -> [Self; 3] {
        [Self::sysroot(pins), Self::llvm(pins), Self::qemu(pins)]
    }

    /// The rules to unpack by.
    ///
    /// # Errors
    /// A pattern that makes no sense.
    pub fn rules(&self) -> Result<Rules, RuleError> {
        let patterns = |list: &'p [String]| list.iter().map(String::as_str);
        let rules = Rules::new(patterns(&self.set.prune), patterns(&self.set.keep))?;
        Ok(rules.with_rpath(self.rpath.clone()))
    }

    /// What decides the content of an unpacked folder, as its name, package by package.
    pub fn keys(&self, case_sensitive: bool) -> impl Fn(&LockedPackage) -> String + use<> {
        let PackageSet { prune, keep, .. } = self.set;
        let rpath = self.rpath.as_ref().map(|folder| format!(" {folder}")).unwrap_or_default();
        let rules = format!("{UNPACKING} {case_sensitive} {prune:?} {keep:?}{rpath}");
        let rules = Digest::of(rules.as_bytes()).short();
        move |package| format!("{}-{}-{}", package.name, package.sha256.short(), &rules[..8])
    }

    /// What a packed archive calls a package unpacked by these rules: the same on every disk.
    #[must_use]
    pub fn archive_key(&self, package: &LockedPackage) -> String {
        self.keys(true)(package)
    }
}
