//! Running a program for the target: natively, under qemu's user mode, or in a microVM where
//! neither serves. Commands and images are decided purely, then run. What the program is
//! given is the same on every backend: its arguments, an environment stated in full, our
//! streams.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::fault::Fault;
use crate::host::fs::FsError;
use crate::host::input::Stdin;
use crate::host::process::{self, Call, Output, ProcessError};
use crate::host::progress::{Event, Progress};
use crate::host::{Env, clock};
use crate::pins::Target;
use crate::sysroot::needed::Root;
use crate::toolchain::layout::{Project, Tree};

mod boot;
pub mod compare;
mod cpio;
mod error;
pub mod find;
mod guest;
mod hosted;
mod image;
mod init;
mod input;
mod lines;
mod machine;
mod microvm;
mod program;

pub use error::{OWN_FAILURE, RunError};
pub use guest::PIECE;
pub use hosted::Environment;
pub use program::Program;

use hosted::UserMode;

/// How a program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    /// By this machine, with the sysroot's C library.
    Native,
    /// By qemu's user mode.
    QemuUser,
    /// By Debian's kernel in qemu's system emulator.
    Microvm,
}

impl Backend {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::QemuUser => "qemu-user",
            Self::Microvm => "microvm",
        }
    }
}

/// The memory of a microVM beside its image, in MiB.
pub const MEMORY: u64 = 256;
/// How long a program may run in a microVM, or to collect its output, when nobody says.
pub const DEFAULT_LIMIT: Duration = Duration::from_mins(5);

/// A program to run, and what it is given.
#[derive(Debug, Clone)]
pub struct Job<'j> {
    /// The program.
    pub program: &'j Program,
    /// The arguments after its name.
    pub args: &'j [OsString],
    /// Its whole environment.
    pub variables: Environment,
    /// How long it may run.
    pub limit: Option<Duration>,
}

/// Where programs are run, and how.
pub struct Request<'r> {
    /// The process's environment.
    pub env: &'r Env,
    /// The project's paths.
    pub project: &'r Project,
    /// Who is told.
    pub progress: &'r dyn Progress,
    /// The folder they start in.
    pub cwd: &'r Path,
    /// The prepared toolchain, or why there is none.
    pub tree: Result<Tree, Fault>,
    /// The kernel of the microVM, fetched when it is asked for.
    pub kernel: &'r dyn Fn() -> Result<PathBuf, Fault>,
    /// The backend asked for.
    pub backend: Option<Backend>,
    /// Files for the microVM, as `SRC[:DEST]`.
    pub with_files: &'r [String],
    /// Whether the microVM's image is kept.
    pub keep: bool,
    /// The microVM's memory, in MiB.
    pub memory: Option<u64>,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The status that a shell would tell: the program's own, or 128 and its signal.
    pub status: u8,
    /// What ran it.
    pub backend: Backend,
    /// From the start to the program's own.
    pub start: Duration,
    /// From the start to the end.
    pub took: Duration,
    /// The version of the microVM's QEMU.
    pub qemu: Option<String>,
}

/// The backend for a program: the one asked for, else the first that serves.
///
/// # Errors
/// The one asked for does not serve.
pub fn choose(
    wanted: Option<Backend>,
    host: Option<&Target>,
    target: &Target,
    has_user_mode: bool,
) -> Result<Backend, RunError> {
    let is_own = host.is_some_and(|host| host.debian == target.debian);
    let unfit = |backend: Backend, why: String| RunError::Unfit { backend: backend.name(), why };
    match wanted {
        Some(Backend::Native) if !is_own => {
            let host = host.map_or("no known Linux machine", |host| host.triple);
            Err(unfit(Backend::Native, format!("the program is for {target}, this is {host}")))
        }
        Some(Backend::QemuUser) if host.is_none() => {
            Err(unfit(Backend::QemuUser, "qemu's user mode exists on Linux only".to_owned()))
        }
        Some(Backend::QemuUser) if !has_user_mode => Err(RunError::EmulatorMissing {
            program: format!("qemu-{}", target.qemu),
            package: "qemu-user",
        }),
        Some(backend) => Ok(backend),
        None if is_own => Ok(Backend::Native),
        None if has_user_mode => Ok(Backend::QemuUser),
        None => Ok(Backend::Microvm),
    }
}

/// How a program went whose output was collected.
#[derive(Debug, Clone)]
pub struct Collected {
    /// The status that a shell would tell.
    pub status: u8,
    /// What ran it.
    pub backend: Backend,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: Vec<u8>,
}

impl Request<'_> {
    /// Runs one program. With `out` its stdout goes there, else to our own; `input` is our
    /// stdin, for backends that cannot pass it on as it is.
    ///
    /// # Errors
    /// It was not run, or not to its end.
    pub fn run(
        self,
        job: &Job<'_>,
        input: &dyn Fn() -> Result<Stdin, FsError>,
        out: Option<&mut (dyn Write + Send)>,
        ours: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Outcome, RunError> {
        let (backend, user_mode) = self.backend(job.program.target)?;
        let begun = clock::instant();
        if backend == Backend::Microvm {
            let stdout: &mut dyn Write = match out {
                Some(out) => out,
                None => ours,
            };
            let (progress, target) = (self.progress, job.program.target);
            let jobs = std::slice::from_ref(job);
            let (mut booted, qemu) = self.boot(target, jobs, Some(input()?))?;
            say(progress, job.program, &in_microvm(&qemu, target));
            let (ended, status) = job.follow(&mut booted, stdout, err)?;
            let (status, start, took) = (status?, ended.start, begun.elapsed());
            return Ok(Outcome { status, backend, start, took, qemu: Some(qemu) });
        }
        if !self.with_files.is_empty() {
            let why = "`--with-file` is for the microVM: the program sees this machine's files";
            return Err(RunError::Unfit { backend: backend.name(), why: why.to_owned() });
        }
        let this = self.with_sysroot(std::slice::from_ref(job))?;
        let (mut call, how) = this.hosted_call(job, backend, user_mode)?;
        say(this.progress, job.program, &how);
        call.cwd = Some(this.cwd.to_path_buf());
        let start = begun.elapsed();
        let status = hosted::run(&call, &job.program.path, job.limit, out)?;
        Ok(Outcome { status, backend, start, took: begun.elapsed(), qemu: None })
    }

    /// Runs programs of one target one after the other, without stdin; a microVM is booted
    /// once for all of them. `each` is told how one went as soon as it has ended. Of one that
    /// a microVM did not run to its end, because of its limit or because the kernel refused
    /// it, it is told why, and the next one runs.
    ///
    /// # Errors
    /// One was not run at all, or not to its end.
    pub fn collect(
        self,
        jobs: &[Job<'_>],
        each: &mut dyn FnMut(Result<Collected, RunError>),
    ) -> Result<(), RunError> {
        let Some(target) = jobs.first().map(|job| job.program.target) else { return Ok(()) };
        let (backend, user_mode) = self.backend(target)?;
        if backend == Backend::Microvm {
            let progress = self.progress;
            let (mut booted, qemu) = self.boot(target, jobs, None)?;
            for job in jobs {
                say(progress, job.program, &in_microvm(&qemu, target));
                let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
                let (_, status) = job.follow(&mut booted, &mut stdout, &mut stderr)?;
                each(status.map(|status| Collected { status, backend, stdout, stderr }));
            }
            return Ok(());
        }
        let this = self.with_sysroot(jobs)?;
        for job in jobs {
            let (mut call, _) = this.hosted_call(job, backend, user_mode.clone())?;
            call.cwd = Some(this.cwd.to_path_buf());
            let ran = match call.output(job.limit()) {
                Ok(Output { status, stdout, stderr }) => {
                    let status = process::shell_status(status);
                    Ok(Collected { status, backend, stdout, stderr })
                }
                // The program's limit, whatever had to be started for it.
                Err(ProcessError::Timeout { seconds, .. }) => {
                    Err(RunError::Timeout { path: job.program.path.clone(), seconds })
                }
                Err(error) => return Err(error.into()),
            };
            each(ran);
        }
        Ok(())
    }

    fn backend(&self, target: &Target) -> Result<(Backend, Option<UserMode>), RunError> {
        let user_mode = find::user_mode(self.env, self.tree.as_ref().ok(), target);
        let backend = choose(self.backend, Target::host(), target, user_mode.is_some())?;
        Ok((backend, user_mode))
    }

    /// Only static programs run without a prepared toolchain.
    fn with_sysroot(self, jobs: &[Job<'_>]) -> Result<Self, RunError> {
        match self.tree {
            Err(fault) if !jobs.iter().all(|job| job.program.is_static()) => {
                Err(RunError::Below(fault))
            }
            tree => Ok(Self { tree, ..self }),
        }
    }

    /// The command for this machine's own kernel, and how it runs the program, for people.
    fn hosted_call(
        &self,
        job: &Job<'_>,
        backend: Backend,
        user_mode: Option<UserMode>,
    ) -> Result<(Call, String), RunError> {
        let (program, target) = (job.program, job.program.target);
        let sysroot = self.tree.as_ref().ok().map(Tree::sysroot);
        let (call, how) = match (backend, user_mode, &sysroot) {
            (Backend::QemuUser, Some(mode), sysroot) => {
                let sysroot = sysroot.as_deref();
                let how = match (&mode, glibc(program, sysroot)) {
                    (_, Some(glibc)) => {
                        format!("under qemu-{}, with the sysroot's glibc {glibc}", target.qemu)
                    }
                    (_, None) => format!("under qemu-{}", target.qemu),
                };
                (hosted::emulated(&mode, program, sysroot, job.args, job.variables.clone()), how)
            }
            (_, _, sysroot) => {
                let place = sysroot.clone().unwrap_or_default();
                let how = match glibc(program, sysroot.as_deref()) {
                    Some(glibc) => format!("natively, with the sysroot's glibc {glibc}"),
                    None => "natively, as a static program".to_owned(),
                };
                (hosted::native(program, &place, job.args, job.variables.clone()), how)
            }
        };
        if let Some(sysroot) = sysroot.filter(|_| !program.is_static()) {
            program.libraries(&Root::new(sysroot))?;
        }
        Ok((call, how))
    }
}

fn say(progress: &dyn Progress, program: &Program, how: &str) {
    let text = format!("running {} {how}", program.name.display());
    progress.event(Event::Note { text });
}

fn in_microvm(qemu: &str, target: &Target) -> String {
    format!("in a microVM (QEMU {qemu}, {target})")
}

/// The glibc that a program will use.
fn glibc(program: &Program, sysroot: Option<&Path>) -> Option<String> {
    let sysroot = sysroot.filter(|_| !program.is_static())?;
    program::glibc(&Root::new(sysroot.to_path_buf()), program.target)
}

#[cfg(test)]
mod tests;
