//! Finds an LLVM of the pinned major on a `PATH` and judges it by asking it. It never
//! believes a file's name, never runs a program from a relative folder, and says of
//! everything it passed over why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::banner::{LlvmVersion, Vendor, clang_banner, lld_banner};
use super::rejection::{Reason, Rejection};

/// The tools without which a toolchain cannot be made.
pub const REQUIRED: [&str; 9] = [
    "clang",
    "ld.lld",
    "llvm-ar",
    "llvm-nm",
    "llvm-objcopy",
    "llvm-objdump",
    "llvm-ranlib",
    "llvm-readelf",
    "llvm-strip",
];

/// How the host is looked at.
pub trait Probe {
    /// The absolute path behind every link, when `path` is a file that can be executed.
    fn resolve(&self, path: &Path) -> Option<PathBuf>;
    /// What `program --version` writes to stdout; `None` when it cannot be run, fails or
    /// does not end in time.
    fn version_text(&self, program: &Path) -> Option<Vec<u8>>;
}

/// A clang that may serve, and the folders where its companions may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The program to ask, as found.
    pub clang: PathBuf,
    /// Folders whose tools are of the same LLVM.
    pub own: Vec<PathBuf>,
    /// Folders where only names that carry the major (`llvm-ar-19`) count, and an
    /// `ld.lld` that proves its version.
    pub others: Vec<PathBuf>,
}

/// An LLVM that serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The folder above `bin`.
    pub root: PathBuf,
    /// Where clang lies.
    pub bin: PathBuf,
    /// What clang says.
    pub version: LlvmVersion,
    /// The absolute path of each tool by its plain name, such as `llvm-ar`.
    pub tools: BTreeMap<String, PathBuf>,
}

/// The clangs of `search_path` (the folders of `PATH`, in order) for `major`: in each
/// folder `clang-19`, then `clang`; last the folder Debian's packages use, below `root`
/// (`/`). Relative folders are left out: what they hold depends on where the user stands.
pub fn candidates(
    search_path: &[PathBuf],
    root: &Path,
    major: u32,
    probe: &dyn Probe,
) -> Vec<Candidate> {
    let folders: Vec<PathBuf> =
        search_path.iter().filter(|folder| folder.is_absolute()).cloned().collect();
    let mut found: Vec<Candidate> = Vec::new();
    let debian = root.join(format!("usr/lib/llvm-{major}/bin"));
    let versioned = format!("clang-{major}");
    for folder in folders.iter().chain([&debian]) {
        for name in [versioned.as_str(), "clang"] {
            let clang = folder.join(name);
            let Some(resolved) = probe.resolve(&clang) else {
                continue;
            };
            let Some(bin) = resolved.parent() else {
                continue;
            };
            if found.iter().any(|known| known.own[0] == bin) {
                continue;
            }
            found.push(Candidate {
                clang: resolved.clone(),
                own: vec![bin.to_path_buf()],
                others: folders.clone(),
            });
        }
    }
    found
}

/// The first candidate that serves, and what was passed over on the way.
///
/// # Errors
/// The rejections of all, when none serves.
pub fn find(
    candidates: &[Candidate],
    major: u32,
    required: &[&str],
    probe: &dyn Probe,
) -> Result<(Installation, Vec<Rejection>), Vec<Rejection>> {
    let mut passed_over = Vec::new();
    for candidate in candidates {
        match inspect(candidate, major, required, probe) {
            Ok(installation) => return Ok((installation, passed_over)),
            Err(rejection) => passed_over.push(rejection),
        }
    }
    Err(passed_over)
}

/// Asks one candidate, and looks for its companions.
///
/// # Errors
/// A [`Rejection`] with the reason.
pub fn inspect(
    candidate: &Candidate,
    major: u32,
    required: &[&str],
    probe: &dyn Probe,
) -> Result<Installation, Rejection> {
    let reject = |reason| Rejection { clang: candidate.clang.clone(), needed: major, reason };
    let not_clang = |why: &str| reject(Reason::NotClang(why.to_owned()));
    let output = probe
        .version_text(&candidate.clang)
        .ok_or_else(|| not_clang("a program that does not run"))?;
    let banner = clang_banner(&output).map_err(|error| not_clang(&error.to_string()))?;
    if banner.vendor == Vendor::Apple {
        return Err(reject(Reason::Apple(banner.version)));
    }
    if banner.version.major != major {
        return Err(reject(Reason::Major(banner.version)));
    }
    let bin = candidate.clang.parent().ok_or_else(|| not_clang("a path without a folder"))?;

    let mut tools = BTreeMap::from([("clang".to_owned(), candidate.clang.clone())]);
    let mut missing = Vec::new();
    for &name in required {
        if name == "clang" {
            continue;
        }
        let found = if name == "ld.lld" {
            lld(candidate, major, probe)
                .map_err(|(path, version)| reject(Reason::LldMajor(path, version)))?
        } else {
            places(candidate, name, major).into_iter().find(|path| probe.resolve(path).is_some())
        };
        match found {
            Some(path) => {
                tools.insert(name.to_owned(), path);
            }
            None => missing.push(name.to_owned()),
        }
    }
    if !missing.is_empty() {
        return Err(reject(Reason::Missing(missing)));
    }
    Ok(Installation {
        root: bin.parent().unwrap_or(bin).to_path_buf(),
        bin: bin.to_path_buf(),
        version: banner.version,
        tools,
    })
}

/// The paths where `name` may lie. The name stays as it is called: `llvm-readelf` and
/// `ld.lld` are links that act by their own name.
fn places(candidate: &Candidate, name: &str, major: u32) -> Vec<PathBuf> {
    let versioned = format!("{name}-{major}");
    let mut places = Vec::new();
    for folder in &candidate.own {
        places.push(folder.join(name));
        places.push(folder.join(&versioned));
    }
    places.extend(candidate.others.iter().map(|folder| folder.join(&versioned)));
    places
}

/// An `ld.lld` of the right major; `None` when there is no lld at all.
///
/// # Errors
/// The first lld found, when all are of other majors.
fn lld(
    candidate: &Candidate,
    major: u32,
    probe: &dyn Probe,
) -> Result<Option<PathBuf>, (PathBuf, LlvmVersion)> {
    let mut wrong = None;
    let plain = candidate.others.iter().map(|folder| folder.join("ld.lld"));
    for path in places(candidate, "ld.lld", major).into_iter().chain(plain) {
        if probe.resolve(&path).is_none() {
            continue;
        }
        let Some(Ok(version)) = probe.version_text(&path).map(|text| lld_banner(&text)) else {
            continue;
        };
        if version.major == major {
            return Ok(Some(path));
        }
        wrong.get_or_insert((path, version));
    }
    wrong.map_or(Ok(None), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::{Diagnostic, Kind};

    /// Files by path: what each resolves to, and what it answers.
    #[derive(Default)]
    struct Fake(BTreeMap<PathBuf, (PathBuf, String)>);

    impl Fake {
        fn file(mut self, path: &str, answer: &str) -> Self {
            self.0.insert(path.into(), (path.into(), answer.into()));
            self
        }

        fn link(mut self, path: &str, target: &str) -> Self {
            let answer = self.0[Path::new(target)].1.clone();
            self.0.insert(path.into(), (target.into(), answer));
            self
        }

        fn llvm(self, bin: &str, clang: &str, lld: &str) -> Self {
            let mut host = self.file(&format!("{bin}/clang"), clang);
            for tool in REQUIRED.iter().skip(2) {
                host = host.file(&format!("{bin}/{tool}"), "LLVM");
            }
            if lld.is_empty() { host } else { host.file(&format!("{bin}/ld.lld"), lld) }
        }
    }

    impl Probe for Fake {
        fn resolve(&self, path: &Path) -> Option<PathBuf> {
            Some(self.0.get(path)?.0.clone())
        }

        fn version_text(&self, program: &Path) -> Option<Vec<u8>> {
            Some(self.0.get(program)?.1.clone().into_bytes())
        }
    }

    const CLANG: &str = "Debian clang version 19.1.7 (3~deb12u1)";
    const LLD: &str = "Debian LLD 19.1.7 (compatible with GNU linkers)";

    fn search(
        path: &[&str],
        host: &Fake,
    ) -> Result<(Installation, Vec<Rejection>), Vec<Rejection>> {
        let folders: Vec<PathBuf> = path.iter().map(PathBuf::from).collect();
        find(&candidates(&folders, Path::new("/"), 19, host), 19, &REQUIRED, host)
    }

    #[test]
    fn a_versioned_link_leads_to_the_folder_of_the_real_tools() {
        let host = Fake::default()
            .llvm("/usr/lib/llvm-19/bin", CLANG, LLD)
            .link("/usr/bin/clang-19", "/usr/lib/llvm-19/bin/clang");
        let (found, passed_over) = search(&["/usr/bin"], &host).unwrap();
        assert_eq!(found.root, Path::new("/usr/lib/llvm-19"));
        assert_eq!(found.tools["llvm-ar"], Path::new("/usr/lib/llvm-19/bin/llvm-ar"));
        assert_eq!(found.tools.len(), REQUIRED.len());
        assert!(passed_over.is_empty());
        // The same folder without a link in PATH is found at Debian's place.
        assert_eq!(search(&[], &host).unwrap().0, found);
    }

    #[test]
    fn l09_another_major_apples_and_wrappers_are_passed_over_with_their_reason() {
        let host = Fake::default()
            .file("/opt/wrap/clang", "usage: wrap")
            .llvm("/xcode/bin", "Apple clang version 16.0.0 (clang-1600.0.26.6)", "")
            .llvm("/opt/18/bin", "clang version 18.1.8", "LLD 18.1.8")
            .llvm("/opt/19/bin", CLANG, LLD);
        let path = ["/opt/wrap", "/xcode/bin", "/opt/18/bin", "/opt/19/bin"];
        let (found, passed_over) = search(&path, &host).unwrap();
        assert_eq!(found.bin, Path::new("/opt/19/bin"));
        let codes: Vec<_> = passed_over.iter().map(Diagnostic::code).collect();
        assert_eq!(codes, ["llvm-not-clang", "llvm-apple-clang", "llvm-wrong-major"]);
        assert_eq!(passed_over[2].to_string(), "/opt/18/bin/clang: expected LLVM 19, got 18.1.8");
        assert_eq!(passed_over[2].kind(), Kind::HostTool);
    }

    #[test]
    fn l09_an_lld_of_another_major_is_refused_and_a_right_one_elsewhere_is_taken() {
        let host = Fake::default().llvm("/opt/19/bin", CLANG, "LLD 21.1.0");
        let rejections = search(&["/opt/19/bin"], &host).unwrap_err();
        assert_eq!(
            rejections[0].to_string(),
            "/opt/19/bin/ld.lld: expected lld 19 to go with /opt/19/bin/clang, got 21.1.0"
        );
        let host = host.file("/usr/bin/ld.lld", LLD);
        let (found, _) = search(&["/opt/19/bin", "/usr/bin"], &host).unwrap();
        assert_eq!(found.tools["ld.lld"], Path::new("/usr/bin/ld.lld"));
    }

    #[test]
    fn tools_of_another_llvm_in_path_do_not_fill_a_gap() {
        let mut host = Fake::default()
            .llvm("/opt/19/bin", CLANG, LLD)
            .file("/usr/bin/llvm-ar", "LLVM version 14");
        host.0.remove(Path::new("/opt/19/bin/llvm-ar"));
        let rejections = search(&["/opt/19/bin", "/usr/bin"], &host).unwrap_err();
        assert_eq!(rejections[0].reason, Reason::Missing(vec!["llvm-ar".into()]));
        let host = host.file("/usr/bin/llvm-ar-19", "LLVM version 19");
        assert!(search(&["/opt/19/bin", "/usr/bin"], &host).is_ok());
    }

    #[test]
    fn j04_relative_folders_of_path_are_never_searched() {
        let host = Fake::default().llvm("planted", CLANG, LLD).llvm(".", CLANG, LLD);
        assert_eq!(search(&[".", "planted", ""], &host), Err(Vec::new()));
    }
}
