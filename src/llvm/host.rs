//! The real host behind the room's pure rules: which files are there, what programs say
//! of themselves, which kegs Homebrew has. It starts nothing but `PROGRAM --version`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::brew::{self, compare_versions};
use super::machine::{self, Built, Platform};
use super::search::{Candidate, Probe};
use crate::host::env::Env;
use crate::host::fs::{self, EntryKind};
use crate::host::process::{self, Call};

/// How long a program may take to tell its version.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// The host as the search sees it.
#[derive(Debug, Clone, Copy)]
pub struct Host<'e> {
    /// The process's environment.
    pub env: &'e Env,
}

impl Probe for Host<'_> {
    fn resolve(&self, path: &Path) -> Option<PathBuf> {
        let resolved = fs::resolve(path).ok()?;
        process::is_executable(&resolved).then_some(resolved)
    }

    fn version_text(&self, program: &Path) -> Option<Vec<u8>> {
        let mut call = Call::new(program, ["--version"]);
        // PATH and HOME for wrappers; a fixed language; nothing else.
        for name in ["PATH", "HOME"] {
            call.env.extend(self.env.var(name).map(|value| (name.into(), value.into())));
        }
        call.env.push(("LC_ALL".into(), "C".into()));
        let output = call.output(ANSWER_TIME).ok()?;
        output.status.success().then_some(output.stdout)
    }
}

impl Host<'_> {
    /// Homebrew's folders on this machine, the one to use first.
    ///
    /// # Errors
    /// The folder that `HOMEBREW_PREFIX` names, when it has no Homebrew.
    pub fn brew_prefixes(&self, platform: Option<Platform>) -> Result<Vec<PathBuf>, PathBuf> {
        let named = self.env.var(brew::PREFIX).map(Path::new);
        let has_brew = |prefix: &Path| process::is_executable(&prefix.join("bin/brew"));
        brew::prefixes(named, &self.env.path_folders(), platform, has_brew)
    }

    /// The candidates of every Homebrew here, for a search that installs nothing.
    #[must_use]
    pub fn brew_candidates(&self, major: u32) -> Vec<Candidate> {
        let prefixes = self.brew_prefixes(Platform::of_process(false)).unwrap_or_default();
        prefixes.iter().flat_map(|prefix| self.candidates_of(prefix, major)).collect()
    }

    /// The candidates in one Homebrew.
    #[must_use]
    pub fn candidates_of(&self, prefix: &Path, major: u32) -> Vec<Candidate> {
        let bins = |name: &str| -> Vec<PathBuf> {
            let names = [format!("{name}@{major}"), name.to_owned()];
            names.iter().filter_map(|name| keg(prefix, name)).map(|keg| keg.join("bin")).collect()
        };
        brew::candidates(&bins("llvm"), &bins("lld"), self)
    }
}

/// The folder of a formula's version in use, links resolved: where `opt` leads; without
/// such a link, the highest version in the cellar. One that is empty does not count.
#[must_use]
pub fn keg(prefix: &Path, formula: &str) -> Option<PathBuf> {
    let has_content =
        |folder: &PathBuf| fs::read_dir_sorted(folder).is_ok_and(|entries| !entries.is_empty());
    let opt = fs::resolve(&prefix.join("opt").join(formula)).ok();
    opt.filter(has_content).or_else(|| {
        let versions = fs::read_dir_sorted(&prefix.join("Cellar").join(formula)).ok()?;
        let kegs = versions.into_iter().filter(|entry| entry.kind == EntryKind::Dir);
        let mut kegs: Vec<_> = kegs.filter(|entry| has_content(&entry.path)).collect();
        kegs.sort_by(|a, b| compare_versions(&a.name.to_string_lossy(), &b.name.to_string_lossy()));
        fs::resolve(&kegs.pop()?.path).ok()
    })
}

/// What a program's file was built for; `None` for scripts and what cannot be read.
#[must_use]
pub fn built(program: &Path) -> Option<Built> {
    machine::built_for(&fs::read_head(program, machine::HEAD).ok()?)
}
