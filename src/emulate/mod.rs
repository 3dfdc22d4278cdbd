//! Running a program for the target: natively, under qemu's user mode, or in a microVM where
//! neither serves. Commands and images are decided purely, then run. What the program is
//! given is the same on every backend: its arguments, an environment stated in full, our
//! streams.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::fault::Fault;
use crate::host::fs::{self, FsError};
use crate::host::input::Stdin;
use crate::host::process::{self, Call};
use crate::host::progress::{Event, Progress};
use crate::host::{Env, clock};
use crate::pins::Target;
use crate::store::kept;
use crate::store::scratch::Folder;
use crate::sysroot::needed::Root;
use crate::toolchain::layout::{Project, Tree};

pub mod compare;
mod cpio;
mod error;
pub mod find;
mod guest;
mod hosted;
mod image;
mod init;
mod input;
mod machine;
mod microvm;
mod program;

pub use error::{OWN_FAILURE, RunError};
pub use guest::PIECE;
pub use hosted::Environment;
pub use program::Program;

use guest::Order;
use hosted::UserMode;
use image::Plan;
use input::Input;
use microvm::Microvm;

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
/// How long a program may run in a microVM when nobody says.
pub const MICROVM_LIMIT: Duration = Duration::from_mins(5);
/// What is run, and how.
pub struct Request<'r> {
    /// The process's environment.
    pub env: &'r Env,
    /// The project's paths.
    pub project: &'r Project,
    /// Who is told.
    pub progress: &'r dyn Progress,
    /// The program.
    pub program: &'r Program,
    /// The folder it starts in.
    pub cwd: &'r Path,
    /// The prepared toolchain, or why there is none.
    pub tree: Result<Tree, Fault>,
    /// The kernel of the microVM, fetched when it is asked for.
    pub kernel: &'r dyn Fn() -> Result<PathBuf, Fault>,
    /// The arguments after its name.
    pub args: &'r [OsString],
    /// Its whole environment.
    pub variables: Environment,
    /// The backend asked for.
    pub backend: Option<Backend>,
    /// How long it may run.
    pub limit: Option<Duration>,
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
    /// Runs it. With `out` its stdout goes there, else to our own; `input` is our stdin, for
    /// backends that cannot pass it on as it is.
    ///
    /// # Errors
    /// It was not run, or not to its end.
    pub fn run(
        self,
        input: &dyn Fn() -> Result<Stdin, FsError>,
        out: Option<&mut (dyn Write + Send)>,
        ours: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Outcome, RunError> {
        let target = self.program.target;
        let user_mode = find::user_mode(self.env, self.tree.as_ref().ok(), target);
        let backend = choose(self.backend, Target::host(), target, user_mode.is_some())?;
        let begun = clock::instant();
        if backend == Backend::Microvm {
            let stdout: &mut dyn Write = match out {
                Some(out) => out,
                None => ours,
            };
            let (ended, version) = self.in_microvm(Some(input()?), stdout, err)?;
            let took = begun.elapsed();
            let (status, start) = (ended.status, ended.boot);
            return Ok(Outcome { status, backend, start, took, qemu: Some(version) });
        }
        if !self.with_files.is_empty() {
            let why = "`--with-file` is for the microVM: the program sees this machine's files";
            return Err(RunError::Unfit { backend: backend.name(), why: why.to_owned() });
        }
        let this = self.with_sysroot()?;
        let (mut call, how) = this.hosted_call(backend, user_mode)?;
        this.say(&how);
        call.cwd = Some(this.cwd.to_path_buf());
        let start = begun.elapsed();
        let status = hosted::run(&call, &this.program.path, this.limit, out)?;
        Ok(Outcome { status, backend, start, took: begun.elapsed(), qemu: None })
    }

    /// Runs it without stdin, for at most `limit`, and returns what it wrote.
    ///
    /// # Errors
    /// It was not run, or not to its end.
    pub fn collect(self, limit: Duration) -> Result<Collected, RunError> {
        let user_mode = find::user_mode(self.env, self.tree.as_ref().ok(), self.program.target);
        let host = Target::host();
        let backend = choose(self.backend, host, self.program.target, user_mode.is_some())?;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        if backend == Backend::Microvm {
            let status = self.in_microvm(None, &mut stdout, &mut stderr)?.0.status;
            return Ok(Collected { status, backend, stdout, stderr });
        }
        let this = self.with_sysroot()?;
        let (mut call, _) = this.hosted_call(backend, user_mode)?;
        call.cwd = Some(this.cwd.to_path_buf());
        let output = call.output(limit)?;
        let status = process::shell_status(output.status);
        Ok(Collected { status, backend, stdout: output.stdout, stderr: output.stderr })
    }

    /// Only a static program runs without a prepared toolchain.
    fn with_sysroot(self) -> Result<Self, RunError> {
        match self.tree {
            Err(fault) if !self.program.is_static() => Err(RunError::Below(fault)),
            tree => Ok(Self { tree, ..self }),
        }
    }

    /// The command for this machine's own kernel, and how it runs the program, for people.
    fn hosted_call(
        &self,
        backend: Backend,
        user_mode: Option<UserMode>,
    ) -> Result<(Call, String), RunError> {
        let target = self.program.target;
        let sysroot = self.tree.as_ref().ok().map(Tree::sysroot);
        let (call, how) = match (backend, user_mode, &sysroot) {
            (Backend::QemuUser, Some(mode), sysroot) => {
                let sysroot = sysroot.as_deref();
                let how = match (&mode, self.glibc(sysroot)) {
                    (_, Some(glibc)) => {
                        format!("under qemu-{}, with the sysroot's glibc {glibc}", target.qemu)
                    }
                    (_, None) => format!("under qemu-{}", target.qemu),
                };
                (
                    hosted::emulated(
                        &mode,
                        self.program,
                        sysroot,
                        self.args,
                        self.variables.clone(),
                    ),
                    how,
                )
            }
            (_, _, sysroot) => {
                let place = sysroot.clone().unwrap_or_default();
                let how = match self.glibc(sysroot.as_deref()) {
                    Some(glibc) => format!("natively, with the sysroot's glibc {glibc}"),
                    None => "natively, as a static program".to_owned(),
                };
                (hosted::native(self.program, &place, self.args, self.variables.clone()), how)
            }
        };
        if let Some(sysroot) = sysroot.filter(|_| !self.program.is_static()) {
            self.program.libraries(&Root::new(sysroot))?;
        }
        Ok((call, how))
    }

    fn say(&self, how: &str) {
        let text = format!("running {} {how}", self.program.name.display());
        self.progress.event(Event::Note { text });
    }

    /// The glibc that the program will use.
    fn glibc(&self, sysroot: Option<&Path>) -> Option<String> {
        let sysroot = sysroot.filter(|_| !self.program.is_static())?;
        program::glibc(&Root::new(sysroot.to_path_buf()), self.program.target)
    }

    fn in_microvm(
        self,
        input: Option<Stdin>,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<(microvm::Ended, String), RunError> {
        let target = self.program.target;
        let tree = match self.tree {
            Ok(ref tree) => tree,
            Err(fault) => return Err(RunError::Below(fault)),
        };
        let root = Root::new(tree.sysroot());
        let closure = self.program.libraries(&root)?;
        // What costs nothing is refused before anything is fetched.
        let (qemu, version) = find::system(self.env, target)?;
        let images = self.project.cache().join("images");
        let mut plan = Plan::default();
        plan.folder(image::inside(self.cwd));
        plan.libraries(&closure, &root);
        for argument in self.with_files {
            plan.with_file(argument, self.cwd)?;
        }
        plan.file(image::inside(&self.program.path), &self.program.path);
        plan.file(image::INIT, init::file(tree, target, &images)?);
        let kernel = (self.kernel)()?;
        let limit = self.limit.unwrap_or(MICROVM_LIMIT);
        let folder = Folder::new(&self.project.cache().join("run"))?;
        let (mut image, size) = self.image(&plan, &images)?;
        let mut args = vec![self.program.name.clone().into_os_string()];
        args.extend(self.args.iter().cloned());
        let order = Order {
            folder: &image::inside(self.cwd),
            program: &image::inside(&self.program.path),
            seconds: limit.as_secs().max(1),
            args: &args,
            env: &self.variables,
        };
        let mut own = cpio::Archive::default();
        let order = order.bytes().ok_or(RunError::TooLong)?;
        own.file(Path::new("/reml/run"), fs::FILE_MODE, order)?;
        let stdin = Input::new(input)?;
        let (pieces, more) = (stdin.rest, stdin.head.len() as u64);
        own.file(Path::new("/reml/stdin"), fs::FILE_MODE, stdin.head)?;
        if pieces.is_some() {
            own.file(Path::new("/reml/more"), fs::FILE_MODE, Vec::new())?;
        }
        image.extend(own.bytes());
        let file = folder.path().join("image.cpio");
        fs::write(&file, &image)?;
        drop(image);
        self.say(&format!("in a microVM (QEMU {version}, {target})"));
        let memory = self.memory.unwrap_or(MEMORY + 2 * (size + more).div_ceil(1 << 20));
        let microvm = Microvm {
            target,
            qemu: &qemu,
            kernel: &kernel,
            image: &file,
            memory,
            limit,
            program: &self.program.path,
        };
        Ok((microvm.run(&folder, pieces, out, err)?, version))
    }

    /// The bytes of the image: kept ones when they are of the same files.
    fn image(&self, plan: &Plan, images: &Path) -> Result<(Vec<u8>, u64), RunError> {
        let (print, size) = plan.fingerprint()?;
        let file = images.join(format!("{}.cpio", print.short()));
        let detail = |what: &str| {
            let text = format!("{what} the microVM's image: {}", file.display());
            self.progress.event(Event::Detail { text });
        };
        if self.keep && kept::is_whole(&file) {
            detail("reusing");
            return Ok((fs::read(&file)?, size));
        }
        let bytes = plan.archive()?.bytes();
        if self.keep {
            kept::write(&file, &bytes)?;
            detail("keeping");
        }
        Ok((bytes, size))
    }
}

#[cfg(test)]
mod tests;
