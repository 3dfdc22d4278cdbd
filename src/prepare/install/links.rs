//! No link of a finished tree leads out of it or to nothing.

use std::collections::BTreeMap;

use super::{Node, Site};
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::sysroot::links::{self, Outcome, follow};
use crate::toolchain::check::{self, Problem};

/// A link of the laid-out tree leads where none may.
#[derive(Debug, thiserror::Error)]
#[error("{}: the link {}", .0.path, .0.what)]
pub struct StrayLink(Problem);

impl Diagnostic for StrayLink {
    fn kind(&self) -> Kind {
        Kind::Integrity
    }

    fn code(&self) -> &'static str {
        "link-astray"
    }
}

impl Site<'_> {
    /// # Errors
    /// [`StrayLink`].
    pub(super) fn check_links(&self) -> Result<(), Fault> {
        match check::stray_link(&self.staged, &unproven(&self.list)) {
            Some(problem) => Err(StrayLink(problem).into()),
            None => Ok(()),
        }
    }
}

/// The links that do not lead to something else on the list: for the disk to judge, which
/// has folders that the list leaves out because they are empty.
fn unproven<T>(list: &BTreeMap<String, (Node, T)>) -> Vec<&str> {
    let node = |path: &str| match list.get(path) {
        Some((Node::File { .. }, _)) => Some(links::Node::File),
        Some((Node::Link { target }, _)) => Some(links::Node::Symlink(target)),
        None => {
            let inside = format!("{path}/");
            let (next, _) = list.range(inside.clone()..).next()?;
            next.starts_with(&inside).then_some(links::Node::Directory)
        }
    };
    let mut unproven = Vec::new();
    for (path, (kind, _)) in list {
        if let Node::Link { target } = kind
            && !matches!(follow(path, target, node), Outcome::Found(_))
        {
            unproven.push(path.as_str());
        }
    }
    unproven
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::hash::Digest;
    use crate::toolchain::layout::Tree;

    #[test]
    fn only_links_to_what_is_listed_need_no_look_at_the_disk() {
        let file =
            || Node::File { executable: false, size: 0, seconds: 0, sha256: Digest::of(b"") };
        let link = |target: &str| Node::Link { target: target.to_owned() };
        let list: BTreeMap<String, (Node, ())> = [
            ("bin/a", link("../lib/a")),
            ("bin/chain", link("a")),
            ("bin/gone", link("../lib/b")),
            ("bin/loop", link("loop")),
            ("bin/out", link("../../lib/a")),
            ("lib.so", file()),
            ("lib/a", file()),
            ("to-folder", link("lib")),
            ("to-prefix", link("li")),
        ]
        .map(|(path, node)| (path.to_owned(), (node, ())))
        .into();
        assert_eq!(unproven(&list), ["bin/gone", "bin/loop", "bin/out", "to-prefix"]);
    }

    #[test]
    fn a_link_out_of_the_tree_or_to_nothing_is_refused_and_one_to_an_empty_folder_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let staged = Tree::new(folder.path().join("tree"));
        std::fs::create_dir_all(staged.root().join("empty")).unwrap();
        std::fs::write(folder.path().join("outside"), "x").unwrap();
        let code = |target: &str| {
            let link = staged.root().join("link");
            std::os::unix::fs::symlink(target, &link).unwrap();
            let node = Node::Link { target: target.to_owned() };
            let list = [("link".to_owned(), (node, String::new()))].into();
            let site = Site { staged: staged.clone(), home: &staged, epoch: 0, list };
            let outcome = site.check_links().map_err(|error| error.to_string());
            std::fs::remove_file(link).unwrap();
            outcome
        };
        assert_eq!(code("empty"), Ok(()));
        let out = "link: the link leads out of the toolchain".to_owned();
        assert_eq!(code("../outside"), Err(out));
        let nothing = "link: the link leads to nothing".to_owned();
        assert_eq!(code("absent"), Err(nothing));
    }
}
