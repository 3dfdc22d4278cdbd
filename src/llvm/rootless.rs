//! What makes Debian's LLVM packages run from any folder, as a plan. The packages are
//! unpacked with `lib` merged into `usr/lib` and one edit in the headers of each program
//! (`elf::runpath_to_rpath`); then some links are added. No library is edited.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::elf::GlibcVersion;

/// A link to make: where, and the relative target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Relative to the unpacked root.
    pub at: PathBuf,
    /// Relative to the folder of the link.
    pub target: PathBuf,
}

/// The edits that an unpacked LLVM needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cure {
    /// Every library under LLVM's own `lib`, the only folder its programs name.
    pub links: Vec<Link>,
    /// LLVM's programs, in which a carried loader must be named.
    pub programs: Vec<PathBuf>,
}

/// The folder of LLVM's programs, relative to the unpacked root.
#[must_use]
pub fn programs_folder(major: u32) -> String {
    format!("usr/lib/llvm-{major}/bin")
}

/// Plans the edits for an unpacked root, from the paths of its files and links (relative
/// to it, each with whether it is a link), LLVM's major and Debian's library folder, such
/// as `x86_64-linux-gnu`.
///
/// Debian's programs say `$ORIGIN/../lib`, which is `usr/lib/llvm-19/lib`, while their
/// libraries lie in `usr/lib/x86_64-linux-gnu`, where the system's loader looks by itself.
#[must_use]
pub fn cure<'a>(
    entries: impl IntoIterator<Item = (&'a Path, bool)>,
    major: u32,
    multiarch: &str,
) -> Cure {
    let llvm = PathBuf::from(format!("usr/lib/llvm-{major}"));
    let (bin, lib) = (PathBuf::from(programs_folder(major)), llvm.join("lib"));
    let libraries = Path::new("usr/lib").join(multiarch);
    let mut own = BTreeSet::new();
    let mut shared = BTreeSet::new();
    let mut plan = Cure::default();
    for (path, is_link) in entries {
        let (Some(folder), Some(Component::Normal(name))) =
            (path.parent(), path.components().next_back())
        else {
            continue;
        };
        if folder == bin && !is_link {
            plan.programs.push(path.to_path_buf());
        } else if folder == lib {
            own.insert(name);
        } else if folder == libraries && is_shared_library(&name.to_string_lossy()) {
            shared.insert(name);
        }
    }
    for name in shared.difference(&own) {
        plan.links.push(Link {
            at: lib.join(name),
            target: Path::new("../..").join(multiarch).join(name),
        });
    }
    plan.programs.sort();
    plan
}

/// `libz.so`, `libz.so.1`, `ld-linux-x86-64.so.2`, but not `libz.a` or `libz.so.txt`.
fn is_shared_library(name: &str) -> bool {
    name.split_once(".so").is_some_and(|(_, version)| {
        version.is_empty()
            || (version.starts_with('.')
                && version.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit()))
    })
}

/// Whose C library and loader LLVM's programs start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loader {
    /// The host's own.
    Host,
    /// Debian's, unpacked with LLVM: each program's `PT_INTERP` names it by its absolute
    /// path (`elf::set_interpreter`), so the edit is made anew when the toolchain moves.
    Carried,
}

/// Chooses the loader: the host's when its glibc is at least `needed`, the newest version
/// that LLVM asks for. A host without glibc (`None`: musl, or none found) needs Debian's.
///
/// Debian's `libc6` must be unpacked with LLVM only in the second case: the host's loader
/// with another release's C library does not start.
#[must_use]
pub fn loader(host: Option<GlibcVersion>, needed: GlibcVersion) -> Loader {
    match host {
        Some(version) if version >= needed => Loader::Host,
        _ => Loader::Carried,
    }
}

/// Where a host keeps its `libc.so.6`, in the order to look: Debian's folder, Fedora's and
/// SUSE's, Arch's and Gentoo's. What lies there is read with `elf::glibc_defined`, never run.
#[must_use]
pub fn host_libc_places(multiarch: &str) -> Vec<PathBuf> {
    ["lib64", "lib", "usr/lib64", "usr/lib"]
        .iter()
        .flat_map(|folder| {
            let folder = Path::new("/").join(folder);
            [folder.join(multiarch), folder]
        })
        .map(|folder| folder.join("libc.so.6"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_is_linked_beside_llvm_unless_debian_did_it() {
        let entries = [
            ("usr/lib/llvm-19/bin/clang", false),
            ("usr/lib/llvm-19/bin/clang++", true),
            ("usr/lib/llvm-19/bin/lld", false),
            ("usr/lib/llvm-19/lib/libLLVM.so.19.1", true),
            ("usr/lib/llvm-19/lib/clang/19/include/float.h", false),
            ("usr/lib/x86_64-linux-gnu/libLLVM.so.19.1", false),
            ("usr/lib/x86_64-linux-gnu/libz.so.1", true),
            ("usr/lib/x86_64-linux-gnu/libz.so.1.2.13", false),
            ("usr/lib/x86_64-linux-gnu/libz3.so.4", false),
            ("usr/lib/x86_64-linux-gnu/libx.a", false),
            ("usr/lib/x86_64-linux-gnu/libx.so.1-gdb.py", false),
            ("usr/lib/x86_64-linux-gnu/engines-3/afalg.so", false),
            ("usr/lib/aarch64-linux-gnu/libz.so.1", false),
            ("usr/share/doc/clang-19/copyright", false),
        ];
        let entries = entries.iter().map(|(path, is_link)| (Path::new(*path), *is_link));
        let plan = cure(entries, 19, "x86_64-linux-gnu");
        let names = ["libz.so.1", "libz.so.1.2.13", "libz3.so.4"];
        assert_eq!(
            plan.links,
            names.map(|name| Link {
                at: Path::new("usr/lib/llvm-19/lib").join(name),
                target: Path::new("../../x86_64-linux-gnu").join(name),
            })
        );
        let programs = ["usr/lib/llvm-19/bin/clang", "usr/lib/llvm-19/bin/lld"];
        assert_eq!(plan.programs, programs.map(PathBuf::from));
    }

    #[test]
    fn an_older_glibc_or_none_needs_debians_own() {
        let release = |minor| GlibcVersion { major: 2, minor };
        assert_eq!(loader(Some(release(36)), release(36)), Loader::Host);
        assert_eq!(loader(Some(release(41)), release(36)), Loader::Host);
        assert_eq!(loader(Some(release(35)), release(36)), Loader::Carried);
        assert_eq!(loader(Some(release(4)), release(36)), Loader::Carried);
        assert_eq!(loader(None, release(36)), Loader::Carried);
    }

    #[test]
    fn the_hosts_libc_is_looked_for_where_distributions_keep_it() {
        let places = host_libc_places("x86_64-linux-gnu");
        for place in ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/usr/lib/libc.so.6"] {
            assert!(places.contains(&PathBuf::from(place)), "{place}");
        }
    }
}
