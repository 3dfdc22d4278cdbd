//! The runtime's archives: built by cargo from the checkout or from the copy in this
//! program, repacked, checked, and installed into a prepared tree. The same sources and the
//! same Rust give the same bytes, whatever surrounds the build. It never changes the sources
//! and never installs what was not checked.

use std::path::PathBuf;
use std::time::Duration;

use crate::host::fault::Fault;
use crate::host::fs::{self, Hold, Patience};
use crate::host::progress::{Event, Progress};
use crate::host::{Env, clock};
use crate::pins::Target;
use crate::toolchain::layout::{Project, Tree};
use crate::toolchain::metrics::Entry;
use crate::toolchain::runtime::RuntimeStamp;
use crate::toolchain::stamp::{Freshness, Inputs, Reason};

/// The interface, as one table: the runtime's own file.
#[path = "../../runtime/src/abi.rs"]
pub mod abi;
mod conflicts;
mod error;
mod install;
mod make;
mod parts;
mod rust;
mod signature;
mod sources;
mod trial;

pub use error::RuntimeError;
pub use install::version;
pub use make::name;
pub use reml_runtime_pack::argv::Flavor;
pub use rust::Compiler;
pub use signature::{Signature, signatures};
pub use trial::{Ran, Trial, Verdict};

use make::{Made, Site};
use rust::Rust;
use sources::Sources;

/// Where archives are installed, and for which machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The tree.
    pub tree: Tree,
    /// The machine.
    pub target: &'static Target,
    lock: PathBuf,
}

impl Place {
    /// In the prepared toolchain `tree`.
    #[must_use]
    pub fn toolchain(project: &Project, tree: Tree, target: &'static Target) -> Self {
        let name = tree.root().file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { lock: project.prepare_lock(&name), tree, target }
    }

    /// For this machine itself.
    ///
    /// # Errors
    /// It is no Linux machine of the table.
    pub fn host(project: &Project) -> Result<Self, RuntimeError> {
        let target = Target::host().ok_or(RuntimeError::NoHost)?;
        Ok(Self { lock: project.build().join("host.lock"), tree: project.host(), target })
    }

    /// Where an archive lies.
    #[must_use]
    pub fn archive(&self, flavor: Flavor) -> PathBuf {
        self.tree.runtime().with_file_name(flavor.file_name())
    }
}

/// What a build works with.
pub struct Request<'r> {
    /// The process's environment.
    pub env: &'r Env,
    /// The project's paths.
    pub project: &'r Project,
    /// Who is told.
    pub progress: &'r dyn Progress,
    /// Where to install.
    pub place: &'r Place,
    /// What to do when another process holds a lock.
    pub patience: Patience,
}

/// An archive that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its file.
    pub path: PathBuf,
    /// The fast paths for IR that were installed with it.
    pub inline: PathBuf,
    /// Which it is.
    pub flavor: Flavor,
    /// The runtime's version and the beginning of its sources' digest: `1.0.0+0123456789ab`.
    pub revision: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Why it was built just now; `None` when it was up to date.
    pub reason: Option<Reason>,
}

/// The archive, built when it is not what its sources, Rust and this program say.
///
/// # Errors
/// Anything that keeps it from that; what was installed before is as it was.
pub fn ensure(request: &Request<'_>, flavor: Flavor) -> Result<Archive, Fault> {
    let archives = build(request, &[flavor], false)?;
    let asked = archives.into_iter().find(|archive| archive.flavor == flavor);
    asked.ok_or_else(|| RuntimeError::Pack { said: "it was not built".to_owned() }.into())
}

/// The archives that were asked for, and those already there that would no longer go with
/// them: the archives in one tree are always of one revision.
///
/// # Errors
/// As [`ensure`].
pub fn build(
    request: &Request<'_>,
    flavors: &[Flavor],
    force: bool,
) -> Result<Vec<Archive>, Fault> {
    let begun = clock::instant();
    let mut wanted = flavors.to_vec();
    for other in [Flavor::Release, Flavor::Debug] {
        let path = install::stamp_path(request.place.tree.root(), other);
        if !wanted.contains(&other) && fs::stat(&path)?.is_some() {
            wanted.push(other);
        }
    }
    let result = request.all(&wanted, force);
    if let Err(fault) = &result {
        let status = i32::from(fault.kind().exit_code());
        request.entry(begun.elapsed(), status).record(request.project, request.progress);
    }
    result
}

/// What is decided before anything is done.
struct Plan {
    sources: Sources,
    revision: String,
    /// Needed only when there is something to build.
    rust: Result<Rust, Fault>,
}

impl Request<'_> {
    fn all(&self, flavors: &[Flavor], force: bool) -> Result<Vec<Archive>, Fault> {
        let mut plan = self.plan()?;
        if !force && let Some(archives) = self.fresh(&plan, flavors)? {
            return Ok(archives);
        }
        fs::create_dir_all(&self.project.build())?;
        let path = self.project.build().join("lock");
        let label = "build-runtime";
        let _alone = fs::lock(&path, Hold::Exclusive, self.patience, label, self.progress)?;
        // Whoever held the lock may have done the work.
        plan = self.plan()?;
        flavors.iter().map(|flavor| self.one(&mut plan, *flavor, force)).collect()
    }

    fn plan(&self) -> Result<Plan, Fault> {
        let sources = Sources::find(self.project)?;
        let digest = sources.digest().short();
        let revision = format!("{}+{}", version(), digest.get(..12).unwrap_or(&digest));
        let rust = Rust::find(self.env, self.place.target, &self.place.tree);
        Ok(Plan { sources, revision, rust })
    }

    fn fresh(&self, plan: &Plan, flavors: &[Flavor]) -> Result<Option<Vec<Archive>>, Fault> {
        let mut archives = Vec::new();
        for flavor in flavors {
            match self.judge(plan, *flavor) {
                Freshness::Fresh => archives.push(self.archive(plan, *flavor, None)?),
                Freshness::Stale(_) => return Ok(None),
            }
        }
        Ok(Some(archives))
    }

    fn inputs(&self, plan: &Plan, flavor: Flavor) -> Inputs {
        let mut inputs = Inputs::default();
        inputs.add("tool", env!("CARGO_PKG_VERSION"));
        inputs.add("sources", plan.sources.digest());
        inputs.add("target", self.place.target);
        inputs.add("recipe", make::recipe(self.place.target, flavor));
        if let Ok(rust) = &plan.rust {
            inputs.add("rustc", &rust.version);
            let own = |tool: &PathBuf| tool.starts_with(&rust.sysroot);
            let packer = if own(&rust.lld) && own(&rust.objcopy) { "rust" } else { "llvm" };
            inputs.add("packer", packer);
        }
        inputs
    }

    /// Whether an archive is what is wanted. Where there is no Rust, one that was built from
    /// the same sources will do: a machine without a compiler may still link.
    fn judge(&self, plan: &Plan, flavor: Flavor) -> Freshness {
        let root = self.place.tree.root();
        let stamp = match RuntimeStamp::read(&install::stamp_path(root, flavor)) {
            Ok(Some(stamp)) => stamp,
            Ok(None) => return Freshness::Stale(Reason::Absent),
            Err(why) => return Freshness::Stale(Reason::Unreadable(why)),
        };
        let mut wanted = self.inputs(plan, flavor);
        if plan.rust.is_err() {
            for name in ["rustc", "packer"] {
                if let Some(value) = stamp.inputs.value(name) {
                    wanted.add(name, value);
                }
            }
        }
        if let Freshness::Stale(reason) = stamp.inputs.freshness(&wanted) {
            return Freshness::Stale(reason);
        }
        match stamp.problems(root).first() {
            None => Freshness::Fresh,
            Some(problem) => Freshness::Stale(Reason::Damaged(problem.to_string())),
        }
    }

    fn archive(
        &self,
        plan: &Plan,
        flavor: Flavor,
        reason: Option<Reason>,
    ) -> Result<Archive, Fault> {
        let path = self.place.archive(flavor);
        let bytes = fs::metadata(&path)?.len();
        let inline = self.place.tree.root().join(install::INLINE);
        Ok(Archive { path, inline, flavor, revision: plan.revision.clone(), bytes, reason })
    }

    fn one(&self, plan: &mut Plan, flavor: Flavor, force: bool) -> Result<Archive, Fault> {
        let reason = match self.judge(plan, flavor) {
            _ if force => Reason::Forced,
            Freshness::Fresh => return self.archive(plan, flavor, None),
            Freshness::Stale(reason) => reason,
        };
        self.progress.event(Event::Detail { text: format!("stale: {reason}") });
        let begun = clock::instant();
        let made = self.make(plan, flavor)?;
        let inputs = self.inputs(plan, flavor);
        {
            // `prepare` swaps trees under the same lock.
            let lock = &self.place.lock;
            if let Some(folder) = lock.parent() {
                fs::create_dir_all(folder)?;
            }
            let label = "build-runtime";
            let _alone = fs::lock(lock, Hold::Exclusive, self.patience, label, self.progress)?;
            let revision = &plan.revision;
            install::install(self.place, flavor, &plan.sources, made.bytes, inputs, revision)?;
        }
        let mut entry = self.entry(begun.elapsed(), 0);
        entry.took("cargo", made.cargo);
        entry.took("pack", made.pack);
        entry.version("runtime", &plan.revision);
        if let Ok(rust) = &plan.rust {
            entry.version("rust", &rust.release);
        }
        entry.record(self.project, self.progress);
        self.archive(plan, flavor, Some(reason))
    }

    /// Builds; once more when the sources were changed meanwhile.
    fn make(&self, plan: &mut Plan, flavor: Flavor) -> Result<Made, Fault> {
        let made = self.round(plan, flavor)?;
        if Sources::find(self.project)? == plan.sources {
            return Ok(made);
        }
        let text = "the sources of the runtime were changed during the build: building again";
        self.progress.event(Event::Note { text: text.to_owned() });
        *plan = self.plan()?;
        let made = self.round(plan, flavor)?;
        if Sources::find(self.project)? != plan.sources {
            let text = "the sources of the runtime were changed once more: what is installed is \
                        of the state before, and the next run builds again";
            self.progress.event(Event::Warning { text: text.to_owned() });
        }
        Ok(made)
    }

    fn round(&self, plan: &Plan, flavor: Flavor) -> Result<Made, Fault> {
        let asked;
        let rust = if let Ok(rust) = &plan.rust {
            rust
        } else {
            // Asked again, so that its own error is told.
            asked = Rust::find(self.env, self.place.target, &self.place.tree)?;
            &asked
        };
        let text = format!(
            "building the {} runtime for {} from {}, with Rust {} …",
            name(flavor),
            self.place.target,
            plan.sources.origin(),
            rust.release
        );
        self.progress.event(Event::Note { text });
        let toolchains = self.project.toolchains();
        conflicts::tell(self.env, self.place.target, &toolchains, self.progress);
        let site = Site::new(self.project.build());
        let manifest = plan.sources.unpack(&site.sources())?;
        site.make(self.env, rust, (self.place.target, flavor), &manifest, self.progress)
    }

    fn entry(&self, total: Duration, status: i32) -> Entry {
        Entry::new("build-runtime", self.place.target.triple, total, status)
    }
}
