//! Filling a staged tree: packages merged into their folders, LLVM cured so that it runs
//! from anywhere, the tools' names, the files for shells and build systems, the manifest
//! and the stamp.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::host_tools::Llvm;
use super::program::{self, Copied};
use super::publish::Staging;
use super::shelf::Unpacked;
use super::unpack::Packages;
use super::{Plan, World, cure};
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::hash::Digest;
use crate::host::process;
use crate::host::progress::Event;
use crate::host::threads;
use crate::host::tree::Tree as Folder;
use crate::pins::Target;
use crate::sysroot::case;
use crate::sysroot::manifest::EntryKind;
use crate::sysroot::merge::{Dangling, Merged, Options, Package, merge};
use crate::toolchain::config::{self, Clang, Machine};
use crate::toolchain::layout::Tree;
use crate::toolchain::manifest::{self, Line, Node};
use crate::toolchain::outline;
use crate::toolchain::stamp::{SCHEMA, Stamp};
use crate::toolchain::tool_names::{programs, shims};
use crate::toolchain::tools_table::Tools;
use crate::toolchain::variables::{Shell, env_file, variables};

mod libraries;
mod licences;
mod links;
mod resources;

/// A staged tree, file by file.
struct Site<'s> {
    /// Where it is made.
    staged: Tree,
    /// Where it will be found.
    home: &'s Tree,
    epoch: i64,
    /// Every file and link so far: what it is, and of which package.
    list: BTreeMap<String, (Node, String)>,
}

/// Fills the staging folder; returns how many files and links the tree has.
///
/// # Errors
/// Packages contradict each other, a link leads out or nowhere, or the disk refuses.
pub(super) fn install(
    world: &World<'_>,
    staging: &Staging,
    home: &Tree,
    plan: &Plan<'_>,
    packages: &Packages,
) -> Result<usize, Fault> {
    let staged = Tree::new(staging.folder().to_path_buf());
    let mut site = Site { staged, home, epoch: plan.epoch, list: BTreeMap::new() };
    let inputs = plan.inputs.fingerprint();
    // The copy of this program is the largest file that is written.
    let epoch = plan.epoch;
    let copying = || program::obtain(world, &packages.shelf, &inputs, epoch);
    let (program, overlay) =
        threads::beside(copying, || site.fill(world, plan, &packages.components));
    let (program, overlay) = (program?, overlay?);
    let host = Target::host();
    let llvm = match (plan.llvm, host) {
        (Llvm::Own { libc }, Some(host)) => {
            let nodes = site.list.iter().map(|(path, (node, _))| (path.as_str(), node));
            let made = cure::cure(&site.staged, home, nodes, host, plan.pins.llvm.major, *libc)?;
            for (path, node) in made {
                // A program that was changed is still its package's.
                let package = site.list.remove(&path).map_or_else(String::new, |(_, name)| name);
                site.list.insert(path, (node, package));
            }
            format!("lib/llvm/usr/lib/llvm-{}", plan.pins.llvm.major).into()
        }
        (llvm, _) => {
            llvm.installation(world, plan.pins)?.map(|it| it.root.clone()).unwrap_or_default()
        }
    };
    let tools = site.tools(world, plan, &llvm);
    site.shims(plan.request.target, &tools, &program)?;
    site.integration(world, plan, &llvm, &tools, overlay.as_deref())?;
    site.environment(plan.request.target, &llvm, &tools)?;
    site.licences(world, plan)?;
    let files = site.list.len();
    site.seal(plan, &llvm)?;
    Ok(files)
}

/// Gives a finished file its mode and time.
fn seal_file(place: &Path, executable: bool, seconds: i64) -> Result<(), Fault> {
    fs::set_mode(place, if executable { fs::DIR_MODE } else { fs::FILE_MODE })?;
    Ok(fs::set_modified(place, seconds)?)
}

impl Site<'_> {
    /// Writes a file of our own; gives its digest.
    fn write(&mut self, path: &str, content: &[u8], executable: bool) -> Result<Digest, Fault> {
        let place = self.staged.root().join(path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&place, content)?;
        seal_file(&place, executable, self.epoch)?;
        let (size, seconds, sha256) = (content.len() as u64, self.epoch, Digest::of(content));
        let node = Node::File { executable, size, seconds, sha256 };
        self.list.insert(path.to_owned(), (node, String::new()));
        Ok(sha256)
    }

    /// Merges the components' packages; gives the overlay of the sysroot, if it needs one.
    fn fill(
        &mut self,
        world: &World<'_>,
        plan: &Plan<'_>,
        packages: &[Vec<Arc<Unpacked>>],
    ) -> Result<Option<PathBuf>, Fault> {
        let mut overlay = None;
        for (component, packages) in plan.components.iter().zip(packages) {
            let merged = self.merge(world, component.name, component.folder, packages)?;
            if component.name == "sysroot" {
                overlay = self.overlay(component.folder, &merged)?;
                self.check_libraries(world, plan.request.target.multiarch)?;
            }
        }
        Ok(overlay)
    }

    fn merge(
        &mut self,
        world: &World<'_>,
        name: &'static str,
        folder: &str,
        packages: &[Arc<Unpacked>],
    ) -> Result<Merged, Fault> {
        let root = self.staged.root().join(folder);
        fs::create_dir_all(&root)?;
        let parts: Vec<Package<'_>> = packages
            .iter()
            .map(|p| Package { name: &p.name, folder: &p.folder, entries: &p.entries })
            .collect();
        let options = Options {
            case_sensitive: fs::is_case_sensitive(&root)?,
            dangling: Dangling::Drop,
            threads: 2,
            time: self.epoch,
        };
        let merged = merge(&parts, &options, &Folder::open(&root)?)?;
        for link in &merged.dropped {
            let text = format!(
                "{name}: left out {} ({}): it leads to {}, which no package here has",
                link.path, link.package, link.target
            );
            world.progress.event(Event::Detail { text });
        }
        for placed in &merged.placed {
            let node = match &placed.entry.kind {
                EntryKind::Directory => continue,
                EntryKind::Symlink { target } => Node::Link { target: target.clone() },
                EntryKind::File { size, sha256, executable } => Node::File {
                    executable: *executable,
                    size: *size,
                    seconds: placed.entry.seconds,
                    sha256: *sha256,
                },
            };
            let package = placed.package.map_or("", |index| parts[index].name);
            let path = [folder, "/", placed.entry.on_disk()].concat();
            self.list.insert(path, (node, package.to_owned()));
        }
        Ok(merged)
    }

    /// The overlay that shows names which this volume cannot tell apart.
    fn overlay(&mut self, folder: &str, merged: &Merged) -> Result<Option<PathBuf>, Fault> {
        // Its contents are named relative to its own folder.
        const PATH: &str = "sysroot/case-overlay.yaml";
        let moved: Vec<(&str, &str)> = merged.moved().collect();
        if moved.is_empty() {
            return Ok(None);
        }
        let root = self.home.root().join(folder);
        let text = case::overlay(&root.to_string_lossy(), moved);
        self.write(PATH, text.as_bytes(), false)?;
        Ok(Some(PathBuf::from(PATH)))
    }

    /// Where each program lies: relative to the tree for our own, absolute for the host's.
    fn tools(&self, world: &World<'_>, plan: &Plan<'_>, llvm: &Path) -> Tools {
        let target = plan.request.target;
        let mut list: Vec<(String, PathBuf)> = Vec::new();
        for program in programs() {
            let path = match plan.llvm {
                _ if program == "pkg-config" => plan.pkg_config.clone(),
                _ if llvm.is_absolute() => system_tool(world, plan, llvm, program),
                _ => {
                    let path = llvm.join("bin").join(program);
                    path.to_str().is_some_and(|name| self.list.contains_key(name)).then_some(path)
                }
            };
            list.extend(path.map(|path| (program.to_owned(), path)));
        }
        if let Some(host) = Target::host().filter(|host| host.debian != target.debian) {
            let libraries = Path::new("lib/qemu/usr/lib").join(host.multiarch);
            list.push(("qemu".to_owned(), format!("lib/qemu/usr/bin/qemu-{}", target.qemu).into()));
            list.push(("qemu-libraries".to_owned(), libraries));
            let carried = cure::loader(host);
            let loader = if plan.llvm.needs_libc() { carried } else { host.interpreter.into() };
            list.push(("loader".to_owned(), loader));
        }
        let (triple, multiarch) = (target.triple.to_owned(), target.multiarch.to_owned());
        Tools { triple, multiarch, programs: list }
    }

    /// The tools' names: one copy of this program under all of them.
    fn shims(&mut self, target: &Target, tools: &Tools, program: &Copied) -> Result<(), Fault> {
        let text = tools.text().unwrap_or_default();
        self.write("share/tools", text.as_bytes(), false)?;
        fs::create_dir_all(&self.staged.root().join("bin"))?;
        for (name, tool) in shims(target.triple) {
            let is_there = tools.programs.iter().any(|(program, _)| program == tool.program);
            if !is_there {
                continue;
            }
            let path = format!("bin/{name}");
            let place = self.staged.root().join(&path);
            // A disk without hard links holds a copy for each name.
            if fs::hard_link(&program.file, &place).is_err() {
                fs::copy(&program.file, &place)?;
                fs::set_modified(&place, self.epoch)?;
            }
            self.list.insert(path, (program.node.clone(), String::new()));
        }
        Ok(())
    }

    /// The files through which clang, `CMake`, Meson and pkg-config use the tree.
    fn integration(
        &mut self,
        world: &World<'_>,
        plan: &Plan<'_>,
        llvm: &Path,
        tools: &Tools,
        overlay: Option<&Path>,
    ) -> Result<(), Fault> {
        let target = plan.request.target;
        let major = plan.pins.llvm.major;
        let lld = tools.programs.iter().find(|(program, _)| program == "ld.lld");
        let gcc_major =
            plan.pins.releases.get(&plan.request.release).map_or(0, |release| release.gcc);
        let resources = self.resources(llvm, major)?;
        let text = config::clang(&Clang {
            root: self.home.root(),
            triple: target.triple,
            major,
            gcc: &format!("usr/lib/gcc/{}/{gcc_major}", target.multiarch),
            lld: lld.map_or(Path::new("ld.lld"), |(_, path)| path),
            resource_dir: &resources,
            overlay,
        })?;
        self.write(&format!("share/clang/{}.cfg", target.triple), text.as_bytes(), false)?;
        let machine = Machine {
            triple: target.triple,
            multiarch: target.multiarch,
            processor: target.processor,
            pkg_config: tools.programs.iter().any(|(program, _)| program == "pkg-config"),
        };
        self.write(
            &format!("share/cmake/{}.cmake", target.triple),
            config::cmake(&machine).as_bytes(),
            false,
        )?;
        match config::meson(&machine, self.home.root()) {
            Ok(text) => {
                let path = format!("share/meson/{}.ini", target.triple);
                self.write(&path, text.as_bytes(), false)?;
            }
            // Everything else works in such a folder.
            Err(error) => {
                let text = format!("no file for Meson: {error}");
                world.progress.event(Event::Warning { text });
            }
        }
        Ok(())
    }

    fn environment(&mut self, target: &Target, llvm: &Path, tools: &Tools) -> Result<(), Fault> {
        let foreign = Target::host().is_none_or(|host| host.debian != target.debian);
        let pkg_config = tools.programs.iter().any(|(program, _)| program == "pkg-config");
        let llvm = self.home.root().join(llvm);
        let list = variables(self.home, target, &llvm, foreign, pkg_config);
        for (name, shell) in
            [("env.sh", Shell::Sh), ("env.fish", Shell::Fish), ("env.ps1", Shell::Powershell)]
        {
            self.write(name, env_file(shell, self.home, &list).as_bytes(), false)?;
        }
        Ok(())
    }

    /// The manifest and the outline, then the stamp that names them.
    fn seal(&mut self, plan: &Plan<'_>, llvm: &Path) -> Result<(), Fault> {
        self.check_links()?;
        let mut lines = self.lines();
        let text = manifest::render(&lines);
        let manifest = self.write(manifest::PATH, text.as_bytes(), false)?;
        // When it was written is nothing to a quick look: only other files name their times.
        lines.extend(self.lines());
        let text = outline::render(&lines, manifest::PATH);
        let outline = self.write(outline::PATH, text.as_bytes(), false)?;
        let stamp = Stamp {
            schema: SCHEMA,
            target: plan.request.target.triple.to_owned(),
            release: plan.request.release.clone(),
            llvm: llvm.to_string_lossy().into_owned(),
            manifest: manifest.to_string(),
            outline: outline.to_string(),
            inputs: plan.inputs.clone(),
        };
        self.write("share/stamp.json", stamp.render().as_bytes(), false)?;
        Ok(())
    }

    /// What was laid out since this was asked for last.
    fn lines(&mut self) -> Vec<Line> {
        let list = std::mem::take(&mut self.list);
        list.into_iter().map(|(path, (node, package))| Line { path, node, package }).collect()
    }
}

/// Where the host's LLVM keeps a program: beside its clang, or anywhere on `PATH` under a
/// name that carries the major.
fn system_tool(world: &World<'_>, plan: &Plan<'_>, llvm: &Path, program: &str) -> Option<PathBuf> {
    if let Llvm::System { installation, .. } = plan.llvm
        && let Some(path) = installation.get().and_then(|found| found.tools.get(program))
    {
        return Some(path.clone());
    }
    let mut folders = vec![llvm.join("bin")];
    process::find(program, &folders).or_else(|| {
        folders.extend(world.env.path_folders());
        process::find(&format!("{program}-{}", plan.pins.llvm.major), &folders)
    })
}
