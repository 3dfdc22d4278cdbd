//! From programs to a microVM that runs them: what lies in its image, and the order of work
//! for its first process.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::guest::{self, Order};
use super::image::{self, Plan};
use super::input::Input;
use super::microvm::{self, Booted, Ended, Microvm};
use super::{DEFAULT_LIMIT, Job, MEMORY, Request, RunError, cpio, find, init};
use crate::host::fs;
use crate::host::input::Stdin;
use crate::host::progress::Event;
use crate::pins::Target;
use crate::store::kept;
use crate::store::scratch::Folder;
use crate::sysroot::needed::Root;

impl Job<'_> {
    /// How long it may run.
    pub(super) fn limit(&self) -> Duration {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// Follows it to its end, as the next one in `booted`. Returns how it ended, and its
    /// status or why it has none.
    ///
    /// # Errors
    /// The microVM did not tell.
    pub(super) fn follow(
        &self,
        booted: &mut Booted,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<(Ended, Result<u8, RunError>), RunError> {
        let ended = booted.next(&self.program.path, self.limit(), out, err)?;
        Ok((ended, microvm::status(ended.how, &self.program.path, self.limit())))
    }
}

impl Request<'_> {
    /// Boots a microVM that runs these, all for `target`, one after the other. Returns the
    /// version of QEMU, too.
    ///
    /// # Errors
    /// Something that it needs is missing.
    pub(super) fn boot(
        self,
        target: &'static Target,
        jobs: &[Job<'_>],
        input: Option<Stdin>,
    ) -> Result<(Booted, String), RunError> {
        let tree = match self.tree {
            Ok(ref tree) => tree,
            Err(fault) => return Err(RunError::Below(fault)),
        };
        let root = Root::new(tree.sysroot());
        let mut plan = Plan::default();
        plan.folder(image::inside(self.cwd));
        for job in jobs {
            plan.libraries(&job.program.libraries(&root)?, &root);
        }
        // What costs nothing is refused before anything is fetched.
        let (qemu, version) = find::system(self.env, target)?;
        let images = self.project.cache().join("images");
        for argument in self.with_files {
            plan.with_file(argument, self.cwd)?;
        }
        for job in jobs {
            plan.file(image::inside(&job.program.path), &job.program.path);
        }
        plan.file(image::INIT, init::file(tree, target, &images)?);
        let kernel = (self.kernel)()?;
        let folder = Folder::new(&self.project.cache().join("run"))?;
        let (mut image, size) = self.image(&plan, &images)?;
        let mut own = cpio::Archive::default();
        own.file(Path::new("/reml/run"), fs::FILE_MODE, self.list(jobs)?)?;
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
        let memory = self.memory.unwrap_or(MEMORY + 2 * (size + more).div_ceil(1 << 20));
        let microvm = Microvm {
            target,
            qemu: &qemu,
            kernel: &kernel,
            image: &file,
            memory,
            programs: jobs.len(),
        };
        Ok((microvm.boot(folder, pieces)?, version))
    }

    /// What the first process is told.
    fn list(&self, jobs: &[Job<'_>]) -> Result<Vec<u8>, RunError> {
        let folder = image::inside(self.cwd);
        let given: Vec<_> = jobs
            .iter()
            .map(|job| {
                let mut args = vec![job.program.name.clone().into_os_string()];
                args.extend(job.args.iter().cloned());
                (image::inside(&job.program.path), args)
            })
            .collect();
        let orders: Vec<Order<'_>> = jobs
            .iter()
            .zip(&given)
            .map(|(job, (program, args))| Order {
                folder: &folder,
                program,
                seconds: job.limit().as_secs().max(1),
                args,
                env: &job.variables,
            })
            .collect();
        guest::list(&orders).ok_or(RunError::TooLong)
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
