//! From IR, bitcode, objects and archives to a program for the target: verified first, then
//! linked by the toolchain's clang, checked, and put in place by one rename. Nothing that is
//! not valid, or for another machine, reaches the linker; a failure leaves the old output.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::elf;
use crate::host::fault::Fault;
use crate::host::fs::{self, Draft, FsError};
use crate::host::hash::Digest;
use crate::host::progress::{Event, Progress};
use crate::pins::Target;
use crate::runtime_build::{Archive, Flavor, Signature, signatures};
use crate::store::scratch::Folder;
use crate::toolchain::layout::{Project, Tree};

mod clang;
mod error;
mod inline;
mod input;
mod ir;
mod layout;
pub mod metadata;
mod module;
mod signature;
mod tools;
mod types;
mod undefined;
pub mod verify;

pub use clang::Clang;
pub use error::LinkError;
pub use module::Module;

use input::Input;
use ir::Verified;
use tools::Tools;
use undefined::Around;

/// The largest program that is read, in bytes.
const LARGEST: u64 = 2 << 30;

/// How it is optimised, as clang's `-O`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// Not at all
    #[value(name = "0")]
    None,
    /// A little
    #[value(name = "1")]
    Less,
    /// For speed
    #[value(name = "2")]
    Speed,
    /// For speed, at the cost of size
    #[value(name = "3")]
    More,
    /// For size
    #[value(name = "s")]
    Size,
    /// For size alone
    #[value(name = "z")]
    Smallest,
}

impl Level {
    fn option(self) -> &'static str {
        match self {
            Self::None => "-O0",
            Self::Less => "-O1",
            Self::Speed => "-O2",
            Self::More => "-O3",
            Self::Size => "-Os",
            Self::Smallest => "-Oz",
        }
    }

    /// Whether functions are put into their callers for speed: no debugger's level, and none
    /// where size counts.
    fn inlines(self) -> bool {
        matches!(self, Self::Less | Self::Speed | Self::More)
    }
}

/// When references are counted without a call of the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Inline {
    /// At -O1, -O2 and -O3, with the release runtime
    Auto,
    /// Every `inc_ref` and `dec_ref` is a call
    Never,
}

/// How to link.
#[derive(Debug, Clone)]
pub struct Options {
    /// How IR is optimised.
    pub level: Level,
    /// Without any shared library.
    pub is_static: bool,
    /// All IR as one module.
    pub lto: bool,
    /// Whether debug information stays.
    pub debug: bool,
    /// When the runtime's fast paths go into the modules.
    pub inline: Inline,
    /// Of `-l`.
    pub libraries: Vec<String>,
    /// Of `-L`.
    pub folders: Vec<PathBuf>,
}

/// The runtime's archive, made when it is asked for.
pub type Runtime<'r> = &'r dyn Fn() -> Result<Archive, Fault>;

/// What to link, and where.
pub struct Request<'r> {
    /// The project's paths.
    pub project: &'r Project,
    /// The prepared toolchain.
    pub tree: &'r Tree,
    /// Its target.
    pub target: &'static Target,
    /// Who is told.
    pub progress: &'r dyn Progress,
    /// Where names are seen from.
    pub cwd: &'r Path,
    /// The inputs, as they were given.
    pub inputs: &'r [PathBuf],
    /// The program, as it was given.
    pub output: &'r Path,
    /// How.
    pub options: &'r Options,
    /// The runtime, where it is linked.
    pub runtime: Option<Runtime<'r>>,
}

/// A program that was linked.
#[derive(Debug)]
pub struct Linked {
    /// Where it lies.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its content.
    pub digest: Digest,
    /// The modules that went in.
    pub modules: Vec<Module>,
    /// What clang says of the target.
    pub clang: Clang,
    /// The runtime that went in.
    pub runtime: Option<Archive>,
    /// Wall time by step.
    pub steps: Vec<(&'static str, Duration)>,
}

impl Request<'_> {
    /// Links.
    ///
    /// # Errors
    /// An input is none, or not valid; nothing is written then. The linker failed; what had
    /// the output's name is still there then.
    pub fn run(&self) -> Result<Linked, Fault> {
        let path = self.output()?;
        let inputs = self.open(&path)?;
        let folder = Folder::new(&self.project.cache().join("link"))?;
        let tools = Tools { tree: self.tree, target: self.target, temporary: folder.path() };
        let table = signatures();
        let clang = clang::ask(&tools)?;
        let mut steps = Vec::new();
        let mut verified = self.verify(&tools, &inputs, &table, &clang)?;
        steps.push(("verify", verified.iter().map(|verified| verified.took).sum()));
        let runtime = self.runtime.map(|runtime| runtime()).transpose()?;
        if let Some(fast) = runtime.as_ref().and_then(|archive| self.fast_paths(archive)) {
            let (took, commands) = inline::into(&tools, fast, &mut verified)?;
            steps.push(("inline", took));
            for text in commands {
                self.progress.event(Event::Detail { text });
            }
        }
        let made = folder.path().join("program");
        let took = self.link(&tools, &inputs, &verified, runtime.as_ref(), &table, &made)?;
        steps.push(("link", took));
        let bytes = self.check(&made)?;
        let digest = Digest::of(&bytes);
        let mut draft = Draft::with_mode(&path, fs::DIR_MODE)?;
        draft.write_all(&bytes).map_err(FsError::io("write", &path))?;
        draft.commit()?;
        let modules = verified.into_iter().map(|verified| verified.module).collect();
        let bytes = bytes.len() as u64;
        Ok(Linked { path, bytes, digest, modules, clang, runtime, steps })
    }

    /// Where the program goes.
    fn output(&self) -> Result<PathBuf, LinkError> {
        let path = self.cwd.join(self.output);
        let name = path.file_name().ok_or_else(|| LinkError::OutputTaken(path.clone()))?;
        // The folder must be there: one that is misspelt is not made.
        let folder = fs::resolve(path.parent().unwrap_or(self.cwd))?;
        let path = folder.join(name);
        match fs::stat(&path)? {
            Some(meta) if !meta.is_file() && !meta.is_symlink() => {
                Err(LinkError::OutputTaken(path))
            }
            _ => Ok(path),
        }
    }

    fn open(&self, output: &Path) -> Result<Vec<Input>, LinkError> {
        let mut inputs = Vec::new();
        for name in self.inputs {
            let input = Input::open(name, self.cwd, self.target)?;
            if fs::resolve(&input.path)? == output {
                return Err(LinkError::OutputIsInput(name.clone()));
            }
            inputs.push(input);
        }
        Ok(inputs)
    }

    /// Every module, before anything is made of any.
    fn verify(
        &self,
        tools: &Tools<'_>,
        inputs: &[Input],
        table: &[Signature],
        clang: &Clang,
    ) -> Result<Vec<Verified>, LinkError> {
        let wanted = |name: &str| table.iter().any(|row| row.name == name);
        let mut all = Vec::new();
        for (number, input) in inputs.iter().filter(|input| input.is_ir()).enumerate() {
            let printed = tools.temporary.join(format!("{number}.ll"));
            let said = ir::run(tools, input, &printed)?;
            let verified = ir::judge(&said, input, &printed, &wanted)?;
            if !verified.module.is_for(self.target) {
                let got = verified.module.triple.unwrap_or_default();
                let path = input.name.clone();
                return Err(LinkError::OtherTriple { path, expected: self.target.triple, got });
            }
            let name = input.name.display();
            if !verified.remarks.is_empty() {
                self.warn(format!("{name}: {}", verified.remarks));
            }
            if let Some(drift) = layout::drift(verified.module.layout.as_deref(), &clang.layout) {
                self.warn(format!("{name}: {drift}"));
            }
            all.push(verified);
        }
        if self.runtime.is_some() {
            let mut found = Vec::new();
            for verified in &all {
                let place = |name: &str, site| verified.place(name, site);
                found.extend(signature::mismatches(&verified.module, table, &place));
            }
            if !found.is_empty() {
                return Err(LinkError::Signatures(found));
            }
        }
        Ok(all)
    }

    /// What goes into the modules besides an archive. The debug archive has to see every
    /// reference that is taken and given.
    fn fast_paths<'a>(&self, archive: &'a Archive) -> Option<&'a Path> {
        let options = self.options;
        let is_wanted = options.inline == Inline::Auto && options.level.inlines();
        (is_wanted && archive.flavor == Flavor::Release).then_some(&archive.inline)
    }

    fn warn(&self, text: String) {
        self.progress.event(Event::Warning { text });
    }

    fn link(
        &self,
        tools: &Tools<'_>,
        inputs: &[Input],
        verified: &[Verified],
        runtime: Option<&Archive>,
        table: &[Signature],
        made: &Path,
    ) -> Result<Duration, LinkError> {
        let options = self.options;
        let mut args: Vec<OsString> = vec![options.level.option().into()];
        // The triple is checked above; clang would only note that it fills it in.
        args.push("-Wno-override-module".into());
        for (is_wanted, option) in [
            (options.is_static, "-static"),
            (options.lto, "-flto"),
            (options.debug, "-g"),
            (!options.debug, "-Wl,--strip-debug"),
        ] {
            args.extend(is_wanted.then(|| option.into()));
        }
        args.extend(["-o".into(), made.into()]);
        let mut printed = verified.iter().map(|verified| &verified.printed);
        for input in inputs {
            let file = if input.is_ir() { printed.next() } else { Some(&input.path) };
            args.extend(file.map(Into::into));
        }
        args.extend(options.folders.iter().map(|folder| glued("-L", &self.cwd.join(folder))));
        args.extend(runtime.map(|archive| archive.path.clone().into()));
        args.extend(options.libraries.iter().map(|name| glued("-l", Path::new(name))));
        let said = tools.run("clang", args)?;
        self.progress.event(Event::Detail { text: said.command.clone() });
        if said.is_good() {
            let remarks = said.errors();
            if !remarks.is_empty() {
                self.warn(remarks);
            }
            return Ok(said.took);
        }
        let around = Around {
            sysroot: &self.tree.sysroot(),
            target: self.target,
            runtime: table,
            has_runtime: runtime.is_some(),
        };
        Err(undefined::explain(&said.errors(), &around))
    }

    /// The program that was made, which must be one for the target.
    fn check(&self, made: &Path) -> Result<Vec<u8>, LinkError> {
        let wrong = |got: String| LinkError::Made { expected: self.target.triple, got };
        let bytes = fs::read_at_most(made, LARGEST)?;
        let facts = elf::read(&bytes).map_err(|error| wrong(error.to_string()))?;
        if facts.machine != self.target.machine || !matches!(facts.file_type, 2 | 3) {
            return Err(wrong(format!("ELF type {}, machine {}", facts.file_type, facts.machine)));
        }
        Ok(bytes)
    }
}

/// An option and its value as one argument.
fn glued(option: &str, value: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(value);
    argument
}
