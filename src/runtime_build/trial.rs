//! The C programs of the runtime, compiled by a prepared toolchain against its sysroot and
//! an archive, and run. What runs them is the caller's affair. It installs nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reml_runtime_pack::argv::Flavor;
use reml_runtime_pack::expect::Promise;

use super::error::RuntimeError;
use super::sources::Sources;
use super::{Archive, Place};
use crate::host::fault::Fault;
use crate::host::fs::{self, Hold, Patience};
use crate::host::process::Call;
use crate::host::progress::Progress;
use crate::host::{Env, clock};
use crate::toolchain::layout::{Project, Tree};

/// How long a compiler may take for one program.
const COMPILE: Duration = Duration::from_mins(1);

/// How every program is compiled: whatever the header does must please strict compilers.
const OPTIONS: [&str; 8] =
    ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-pthread"];

/// What is tried.
pub struct Trial<'t> {
    /// The process's environment.
    pub env: &'t Env,
    /// The project's paths.
    pub project: &'t Project,
    /// Who is told.
    pub progress: &'t dyn Progress,
    /// What to do when another process holds a lock.
    pub patience: Patience,
    /// Where the archives are.
    pub place: &'t Place,
    /// The prepared toolchain whose compiler and sysroot are used.
    pub tree: &'t Tree,
    /// Runs programs of the target one after the other.
    pub run: &'t Run<'t>,
    /// Who is told of each program that does not do what it promises, as soon as it is known.
    pub failed: &'t dyn Fn(&str),
}

/// Runs programs, and tells how each of them went as soon as it has ended, in their order.
pub type Run<'r> = dyn Fn(&[PathBuf], &mut dyn FnMut(Result<Ran, Fault>)) -> Result<(), Fault> + 'r;

/// A program that was compiled.
struct Compiled {
    told: String,
    promise: Promise,
}

/// How a program went.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The status that a shell would tell.
    pub status: u8,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: Vec<u8>,
    /// What ran it, such as `native`.
    pub backend: &'static str,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Programs that did what they promise.
    pub passed: usize,
    /// The others, with what was wrong: `NAME (release): …`.
    pub failed: Vec<String>,
    /// What ran them.
    pub backend: &'static str,
    /// How long all took.
    pub took: Duration,
}

impl Trial<'_> {
    /// Tries these archives. A program that fails does not keep the others from being tried.
    ///
    /// # Errors
    /// The compiler or what runs programs does not start, or the disk refuses.
    pub fn run(&self, archives: &[Archive]) -> Result<Verdict, Fault> {
        let begun = clock::instant();
        let sources = Sources::find(self.project)?;
        let folder = self.project.build().join("check");
        fs::create_dir_all(&folder)?;
        let (lock, label) = (self.project.build().join("check.lock"), "build-runtime --check");
        let _alone = fs::lock(&lock, Hold::Exclusive, self.patience, label, self.progress)?;
        let mut verdict = Verdict::default();
        let (mut compiled, mut programs) = (Vec::new(), Vec::new());
        for archive in archives {
            for (name, text) in sources.programs() {
                let told = format!("{name} ({})", super::name(archive.flavor));
                let text = String::from_utf8_lossy(text);
                let promise = Promise::parse(&text).map_err(|why| {
                    let checkout = sources.checkout.clone().unwrap_or_default();
                    RuntimeError::Sources { path: checkout.join("tests/c").join(name), why }
                })?;
                if promise.only_debug && archive.flavor != Flavor::Debug {
                    continue;
                }
                match self.compile(&folder, name, &text, archive)? {
                    Err(said) => {
                        let broken = vec![format!("it is not compiled: {said}")];
                        self.judge(&mut verdict, &told, &broken);
                    }
                    Ok(program) => {
                        compiled.push(Compiled { told, promise });
                        programs.push(program);
                    }
                }
            }
        }
        let mut all = compiled.iter();
        let mut unfinished = None;
        (self.run)(&programs, &mut |ran| match (ran, all.next()) {
            (Ok(ran), Some(Compiled { told, promise })) => {
                verdict.backend = ran.backend;
                let broken = promise.broken(i32::from(ran.status), &ran.stdout, &ran.stderr);
                self.judge(&mut verdict, told, &broken);
            }
            (Err(fault), Some(Compiled { told, .. })) if fault.code() == "run-timeout" => {
                self.judge(&mut verdict, told, &[fault.to_string()]);
            }
            (Err(fault), _) => {
                unfinished.get_or_insert(fault);
            }
            (Ok(_), None) => {}
        })?;
        // The others have been tried, and their failures told.
        if let Some(fault) = unfinished {
            return Err(fault);
        }
        fs::remove_tree(&folder)?;
        verdict.took = begun.elapsed();
        Ok(verdict)
    }

    /// Counts a program, and tells what was wrong with it.
    fn judge(&self, verdict: &mut Verdict, told: &str, broken: &[String]) {
        if broken.is_empty() {
            verdict.passed += 1;
            return;
        }
        let failure = format!("{told}: {}", broken.join("; "));
        (self.failed)(&failure);
        verdict.failed.push(failure);
    }

    /// The program, or what the compiler said instead.
    fn compile(
        &self,
        folder: &Path,
        name: &str,
        text: &str,
        archive: &Archive,
    ) -> Result<Result<PathBuf, String>, Fault> {
        let source = folder.join(format!("{name}.c"));
        // All programs are there before the first one runs.
        let program = folder.join(super::name(archive.flavor)).join(name);
        if let Some(folder) = program.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&source, text.as_bytes())?;
        let compiler = self.tree.bin().join(format!("{}-clang", self.place.target));
        let mut call = Call::new(compiler, OPTIONS);
        let include = self.place.tree.root().join("include");
        call.args.extend(["-I".into(), include.into(), source.into(), archive.path.clone().into()]);
        call.args.extend(["-o".into(), program.clone().into()]);
        let passed = ["PATH", "TMPDIR"];
        let values =
            passed.iter().filter_map(|name| Some((name.into(), self.env.var(name)?.into())));
        call.env = values.collect();
        let output = call.output(COMPILE)?;
        if output.status.success() {
            return Ok(Ok(program));
        }
        Ok(Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()))
    }
}
