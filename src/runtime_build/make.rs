//! From sources to the bytes of an archive: cargo and the tools that repack, each with an
//! environment stated in full. It writes in the build folder only, and installs nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reml_runtime_pack::argv::{self, Flavor};
use reml_runtime_pack::check::{self, Expectation, Problem};
use reml_runtime_pack::{ar, member};

use super::abi;
use super::error::RuntimeError;
use super::rust::Rust;
use crate::host::fault::Fault;
use crate::host::hash::Digest;
use crate::host::process::{Call, Output};
use crate::host::progress::{Event, Progress};
use crate::host::{Env, clock, fs};
use crate::pins::Target;
use crate::toolchain::variables::shell_word;

/// Raised whenever the same sources and the same Rust give another archive than before.
const LAYOUT: u32 = 1;
/// How long cargo may take: an emulated machine with one core needs minutes.
const CARGO: Duration = Duration::from_mins(30);
/// How long a tool that repacks may take.
const TOOL: Duration = Duration::from_mins(2);

/// Where a build happens.
#[derive(Debug)]
pub struct Site {
    folder: PathBuf,
}

/// A packed archive, and what its making took.
#[derive(Debug)]
pub struct Made {
    /// The archive.
    pub bytes: Vec<u8>,
    /// What cargo took.
    pub cargo: Duration,
    /// What repacking took.
    pub pack: Duration,
}

/// What a build is called by people and in files.
#[must_use]
pub fn name(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::Release => "release",
        Flavor::Debug => "debug",
    }
}

/// What decides an archive beside its sources and Rust. Paths stand for themselves.
#[must_use]
pub fn recipe(target: &Target, flavor: Flavor) -> String {
    let path = Path::new("/");
    let mut words = argv::build(path, target.triple, path, flavor);
    words.push(argv::flags(target.triple, path, path));
    words.push(argv::MERGE_SCRIPT.into());
    words.extend(argv::merge(&[path], path, path));
    words.extend(argv::localize(path, path, path, flavor));
    let text = format!("{LAYOUT} {words:?}");
    format!("{} {}", name(flavor), Digest::of(text.as_bytes()).short())
}

/// The symbols that an archive defines.
#[must_use]
pub fn defines(flavor: Flavor) -> Vec<&'static str> {
    let all = abi::FUNCTIONS.iter();
    all.filter(|f| flavor == Flavor::Debug || !f.debug_only).map(|f| f.symbol).collect()
}

/// Every reason not to install an archive.
#[must_use]
pub fn problems(archive: &[u8], target: &Target, flavor: Flavor) -> Vec<String> {
    let Some(architecture) = check::architecture(target.triple) else {
        return vec![format!("the runtime is not for {target}")];
    };
    let imports: Vec<&str> =
        abi::IMPORTS.iter().chain(abi::WEAK_IMPORTS).map(|(symbol, _)| *symbol).collect();
    let expected = Expectation {
        architecture,
        defines: &defines(flavor),
        imports: &imports,
        size_max: (flavor == Flavor::Release).then_some(check::SIZE_MAX),
    };
    check::examine(archive, &expected).iter().map(Problem::to_string).collect()
}

impl Site {
    /// In the folder `folder`, which is ours alone.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where the sources are unpacked.
    #[must_use]
    pub fn sources(&self) -> PathBuf {
        self.folder.join("runtime-src")
    }

    /// Builds, repacks and checks the archive of the unpacked sources.
    ///
    /// # Errors
    /// A tool fails, or the archive is not what it must be.
    pub fn make(
        &self,
        env: &Env,
        rust: &Rust,
        (target, flavor): (&Target, Flavor),
        manifest: &Path,
        progress: &dyn Progress,
    ) -> Result<Made, Fault> {
        let begun = clock::instant();
        let raw = self.cargo(env, rust, (target, flavor), manifest, progress)?;
        let cargo = begun.elapsed();
        let bytes = self.pack(env, rust, (target, flavor), &raw)?;
        let problems = problems(&bytes, target, flavor);
        if !problems.is_empty() {
            return Err(RuntimeError::Unfit { problems }.into());
        }
        Ok(Made { bytes, cargo, pack: begun.elapsed().saturating_sub(cargo) })
    }

    fn cargo(
        &self,
        env: &Env,
        rust: &Rust,
        (target, flavor): (&Target, Flavor),
        manifest: &Path,
        progress: &dyn Progress,
    ) -> Result<Vec<u8>, Fault> {
        // The flavours differ in features only; apart, neither rebuilds the other.
        let output = self.folder.join("runtime").join(name(flavor));
        let home = self.folder.join("cargo-home");
        fs::create_dir_all(&output)?;
        fs::create_dir_all(&home)?;
        let sources = fs::resolve(&self.sources())?;
        let mut call =
            Call::new(&rust.cargo, argv::build(manifest, target.triple, &output, flavor));
        let flags = argv::flags(target.triple, &sources, &home);
        let path = rust.rustc.parent().unwrap_or(Path::new("/"));
        call.env = own_environment(env, path);
        call.env.extend([
            ("HOME".into(), home.clone().into()),
            ("CARGO_HOME".into(), home.into()),
            ("RUSTC".into(), rust.rustc.clone().into()),
            ("CARGO_ENCODED_RUSTFLAGS".into(), flags),
            ("CARGO_INCREMENTAL".into(), "0".into()),
            ("CARGO_TERM_COLOR".into(), "never".into()),
        ]);
        // Cargo looks for configuration from where it stands upwards.
        call.cwd = Some(PathBuf::from("/"));
        tell_call(&call, progress);
        let said = call.output(CARGO)?;
        let text = words(&said);
        if !said.status.success() {
            return Err(RuntimeError::Cargo { status: said.status, said: text }.into());
        }
        for line in text.lines() {
            progress.event(Event::Detail { text: line.to_owned() });
        }
        Ok(fs::read(&output.join(target.triple).join("release/libreml_runtime.a"))?)
    }

    fn pack(
        &self,
        env: &Env,
        rust: &Rust,
        (target, flavor): (&Target, Flavor),
        raw: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let pack = |said: String| RuntimeError::Pack { said };
        let object = member::own(raw).map_err(|error| pack(error.to_string()))?;
        let folder = self.folder.join("runtime").join(name(flavor)).join("pack");
        fs::create_dir_all(&folder)?;
        let at = |end: &str| folder.join(format!("{}{end}", target.triple));
        let (own, merged, local) = (at(".own.o"), at(".merged.o"), at(".local.o"));
        let (keep, script) = (at(".keep"), at(".ld"));
        fs::write(&own, object)?;
        fs::write(&keep, defines(flavor).join("\n").as_bytes())?;
        fs::write(&script, argv::MERGE_SCRIPT.as_bytes())?;
        let (variable, libraries) = argv::library_path(&rust.sysroot, &rust.host);
        let run = |tool: &Path, args: Vec<OsString>| -> Result<(), Fault> {
            let mut call = Call::new(tool, args);
            call.env = own_environment(env, Path::new("/usr/bin"));
            call.env.push((variable.into(), libraries.clone().into()));
            let said = call.output(TOOL)?;
            if said.status.success() {
                return Ok(());
            }
            Err(pack(format!("{}: {}\n{}", tool.display(), said.status, words(&said))).into())
        };
        let mut merge = argv::merge(&[&own], &script, &merged);
        if rust.lld.file_name().is_none_or(|name| name != "rust-lld") {
            // `ld.lld` knows by its name what `-flavor gnu` tells rust-lld.
            merge.drain(..2);
        }
        run(&rust.lld, merge)?;
        run(&rust.objcopy, argv::localize(&merged, &keep, &local, flavor))?;
        let bytes = fs::read(&local)?;
        let defined = check::defined(&bytes).map_err(pack)?;
        let defined: Vec<&str> = defined.iter().map(String::as_str).collect();
        Ok(ar::write(&[("reml_runtime.o", &bytes, &defined)]))
    }
}

/// What every tool of a build gets: nothing of the user's that could change a byte.
fn own_environment(env: &Env, path: &Path) -> Vec<(OsString, OsString)> {
    let mut list = vec![
        ("PATH".into(), path.into()),
        ("LC_ALL".into(), "C".into()),
        ("TZ".into(), "UTC".into()),
        ("SOURCE_DATE_EPOCH".into(), "0".into()),
        ("ZERO_AR_DATE".into(), "1".into()),
    ];
    list.extend(env.var("TMPDIR").map(|folder| ("TMPDIR".into(), folder.into())));
    list
}

/// The command as it could be typed, and every variable in force.
fn tell_call(call: &Call, progress: &dyn Progress) {
    let variables = call.env.iter().map(|(name, value)| {
        let value = value.to_string_lossy().replace('\u{1f}', " ");
        format!("{}={}", name.to_string_lossy(), shell_word(&value))
    });
    let words = call.args.iter().map(|word| shell_word(&word.to_string_lossy()));
    let program = shell_word(&call.program.to_string_lossy());
    let all: Vec<String> = variables.chain([program]).chain(words).collect();
    let text = format!("running (cd / && env -i {})", all.join(" "));
    progress.event(Event::Detail { text });
}

fn words(output: &Output) -> String {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    text.concat().trim_end().to_owned()
}
