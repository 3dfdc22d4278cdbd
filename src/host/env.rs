//! The environment as a value: captured once in `main`, then passed down. Nothing else
//! asks the process for its variables, its folder or its own path.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// What surrounds this process.
#[derive(Debug, Clone, Default)]
pub struct Env {
    /// The arguments, the program's name first.
    pub args: Vec<OsString>,
    /// The variables.
    pub vars: BTreeMap<OsString, OsString>,
    /// The current folder; `None` when it was deleted.
    pub cwd: Option<PathBuf>,
    /// This program's own file, with links resolved.
    pub exe: Option<PathBuf>,
    /// Whether stdin is a terminal.
    pub stdin_is_terminal: bool,
    /// Whether stderr is a terminal.
    pub stderr_is_terminal: bool,
    /// Whether stdout is a terminal.
    pub stdout_is_terminal: bool,
}

impl Env {
    /// The environment of this process.
    #[must_use]
    pub fn capture() -> Self {
        let exe = std::env::current_exe().ok();
        Self {
            args: std::env::args_os().collect(),
            vars: std::env::vars_os().collect(),
            cwd: std::env::current_dir().ok(),
            // macOS gives the path as it was called, links included; Linux resolves them.
            exe: match exe {
                Some(path) if cfg!(target_os = "macos") => path.canonicalize().ok().or(Some(path)),
                other => other,
            },
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
        }
    }

    /// A variable's value; an empty one counts as absent.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.vars.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// A variable's value as text; `None` when it is absent, empty or not UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.var(name).and_then(OsStr::to_str)
    }

    /// The folders of `PATH`, relative and empty entries left out: they would search
    /// whatever folder the user happens to be in.
    #[must_use]
    pub fn path_folders(&self) -> Vec<PathBuf> {
        let folders = self.var("PATH").map(std::env::split_paths).into_iter().flatten();
        folders.filter(|folder| folder.is_absolute()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str, value: &str) -> Env {
        Env { vars: [(name.into(), value.into())].into(), ..Env::default() }
    }

    #[test]
    fn an_empty_variable_counts_as_absent() {
        assert_eq!(env("A", "").var("A"), None);
        assert_eq!(env("A", "x").text("A"), Some("x"));
    }

    #[test]
    fn j04_relative_and_empty_path_entries_are_not_searched() {
        let folders = env("PATH", "/usr/bin::.:bin:/bin").path_folders();
        assert_eq!(folders, [PathBuf::from("/usr/bin"), PathBuf::from("/bin")]);
    }
}
