//! `share/licenses`: one name a package, which leads to its copyright file where it lies in
//! the tree, and this program's own licences, because the tools in `bin` are copies of it.

use std::path::Path;

use super::Site;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::progress::Event;
use crate::prepare::{Plan, World};
use crate::sysroot::rules::relative;
use crate::toolchain::manifest::Node;

/// By file name.
const OWN: [(&str, &[u8]); 2] = [
    ("LICENSE-APACHE", include_bytes!("../../../LICENSE-APACHE")),
    ("LICENSE-MIT", include_bytes!("../../../LICENSE-MIT")),
];

impl Site<'_> {
    /// Makes the folder. A package without a copyright file of its own has that of another
    /// one from the same source (Debian policy §12.5).
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn licences(&mut self, world: &World<'_>, plan: &Plan<'_>) -> Result<(), Fault> {
        for (name, content) in OWN {
            self.write(&format!("share/licenses/reml-toolchain/{name}"), content, false)?;
        }
        // Where it lies, its component, and the pool's folder, which is the source's.
        let mut found = Vec::new();
        let mut without = Vec::new();
        for component in &plan.components {
            for (pool, package) in &component.packages {
                let source = pool.rsplit_once('/').map_or("", |(source, _)| source);
                let file = format!("{}/usr/share/doc/{}/copyright", component.folder, package.name);
                if self.list.contains_key(&file) {
                    self.licence(component.name, &package.name, &file)?;
                    found.push((component.name, source, file));
                } else {
                    without.push((component.name, source, &package.name));
                }
            }
        }
        for (component, source, name) in without {
            // The same component's, else any.
            let of_source = || found.iter().filter(|(_, other, _)| *other == source);
            let same = of_source().find(|(other, ..)| *other == component);
            if let Some((.., file)) = same.or_else(|| of_source().next()) {
                self.licence(component, name, file)?;
            } else {
                let text = format!("{component}: no copyright file for {name}");
                world.progress.event(Event::Detail { text });
            }
        }
        Ok(())
    }

    fn licence(&mut self, component: &str, package: &str, file: &str) -> Result<(), Fault> {
        let folder = format!("share/licenses/{component}");
        let path = format!("{folder}/{package}");
        fs::create_dir_all(&self.staged.root().join(&folder))?;
        let target = relative(&folder, file);
        fs::symlink(Path::new(&target), &self.staged.root().join(&path))?;
        self.list.insert(path, (Node::Link { target }, String::new()));
        Ok(())
    }
}
