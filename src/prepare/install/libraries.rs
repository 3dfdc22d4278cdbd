//! The sysroot's libraries must find each other: a gap would be met by the user, in a
//! linker's words, long after.

use super::{Node, Site};
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::progress::Event;
use crate::prepare::World;
use crate::sysroot::needed::{Root, TooMany, Unmet, unmet};

/// A library of the sysroot cannot be used, because another one is missing.
#[derive(Debug, thiserror::Error)]
pub enum UnmetLibrary {
    /// These.
    #[error("{}", told(list))]
    Missing {
        /// Each with the package that it is of.
        list: Vec<(Unmet, String)>,
    },
    /// A library that no honest build makes.
    #[error(transparent)]
    TooMany(TooMany),
}

fn told(list: &[(Unmet, String)]) -> String {
    let line = |(unmet, package): &(Unmet, String)| {
        format!(
            "{} of {package} needs {}, which no package of the sysroot has",
            unmet.library, unmet.name
        )
    };
    list.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Diagnostic for UnmetLibrary {
    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn code(&self) -> &'static str {
        "library-unmet"
    }

    fn hints(&self) -> Vec<String> {
        let Self::Missing { list } = self else { return Vec::new() };
        let mut hints = Vec::new();
        if let Some((unmet, _)) = list.first() {
            hints.push(format!(
                "add the package that has {}: `reml-toolchain prepare --with PKG`; \
                 https://packages.debian.org tells which",
                unmet.name
            ));
            hints.push(format!(
                "or leave the library out: add \"{}\" to prune of [sysroot] in versions.toml",
                unmet.library.trim_start_matches('/')
            ));
        }
        hints
    }
}

impl Site<'_> {
    /// Refuses a sysroot whose libraries lack one; plugins that do are told under `-v`.
    ///
    /// # Errors
    /// [`UnmetLibrary`].
    pub(super) fn check_libraries(&self, world: &World<'_>, multiarch: &str) -> Result<(), Fault> {
        let root = Root::new(self.staged.sysroot());
        let files = self.list.iter().filter(|(_, (node, _))| matches!(node, Node::File { .. }));
        let paths = files.filter_map(|(path, _)| path.strip_prefix("sysroot"));
        let unmet = unmet(&root, paths, multiarch).map_err(UnmetLibrary::TooMany)?;
        let mut list = Vec::new();
        for unmet in unmet {
            let owner = self.list.get(&format!("sysroot{}", unmet.library));
            let package = owner.map(|(_, package)| package.clone()).unwrap_or_default();
            if unmet.in_reach {
                list.push((unmet, package));
            } else {
                let Unmet { library, name, .. } = unmet;
                let text = format!("{library} of {package} needs {name}, which is not here");
                world.progress.event(Event::Detail { text });
            }
        }
        if list.is_empty() { Ok(()) } else { Err(UnmetLibrary::Missing { list }.into()) }
    }
}
