//! `run`: one program for the target, wherever this is.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use super::network::Network;
use super::{Context, UsageError, context};
use crate::emulate::{
    Backend, Environment, Job, Outcome, PIECE, Program, Request, RunError, compare,
};
use crate::host::fault::{Fault, Kind};
use crate::host::{fs, input};
use crate::prepare::{kernel, prepared};
use crate::toolchain::metrics::Entry;
use crate::ui::output;

const AFTER: &str = "\
Examples:
  reml-toolchain run ./hello one 'two three'
  reml-toolchain run --backend microvm --expect hello.txt ./hello

The program gets our stdin, the environment that --dump-env shows, and nothing else of
ours. Its exit status is ours; 128 and the signal's number when a signal ended it; 124 when
the limit did; 125 when we failed; 126 when it cannot be run; 127 when there is none.";

/// The most of stdout that is compared, beyond what is expected, in bytes.
const MORE: usize = 1 << 20;

/// Run a program for the target: natively, under qemu, or in a microVM
///
/// Natively where this machine is the target's, with the sysroot's own C library; on other
/// Linux machines under qemu's user mode; elsewhere, as on a Mac, by Debian's kernel in
/// qemu's system emulator, which is fetched by the lock when it is first needed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// The target [default: the one that the program's own file tells]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The Debian release of the sysroot [default: that of versions.toml]
    #[arg(long, value_name = "CODENAME")]
    release: Option<String>,
    /// What runs it [default: the first of these that serves]
    #[arg(long, value_name = "BACKEND")]
    backend: Option<Backend>,
    /// Give it a variable; without `=` the one of that name here (repeatable)
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Put a file or folder into the microVM, under its own path or DEST (repeatable)
    #[arg(long, value_name = "SRC[:DEST]")]
    with_file: Vec<String>,
    /// End it after so many seconds [default: 300 in a microVM, else never]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    timeout: Option<u64>,
    /// Compare its stdout with FILE: exit with 3 and tell the difference
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Print the environment it would get, and do not run it
    #[arg(long)]
    dump_env: bool,
    /// Keep the microVM's image, and use it again while its files are the same
    #[arg(long)]
    snapshot: bool,
    /// The microVM's memory [default: 256, and twice the size of its files]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(64..=65_536))]
    memory: Option<u64>,
    #[command(flatten)]
    network: Network,
    /// The program and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "PROGRAM"
    )]
    command: Vec<OsString>,
}

impl Args {
    /// Runs it. Whatever keeps it from running is told here, for its exit status is not
    /// that of other failures.
    pub fn run(self, context: &Context<'_>) -> ExitCode {
        match self.start(context) {
            Ok(status) => ExitCode::from(status),
            Err(error) => {
                let exit = error.exit_status();
                super::report(&error.into_fault().into(), exit, context.output, false)
            }
        }
    }

    fn start(&self, context: &Context<'_>) -> Result<u8, RunError> {
        let pins = context.pins().map_err(below)?;
        let wanted = match self.target.as_deref() {
            None => None,
            triple => Some(context::target(&pins, triple)?),
        };
        let release = context::release(&pins, self.release.as_deref())?;
        let variables = self.variables(context)?;
        if self.dump_env {
            return dump(context, &variables);
        }
        let Some(cwd) = context.env.cwd.clone() else {
            return Err(usage("the current folder does not exist any more".to_owned()));
        };
        let Some((name, args)) = self.command.split_first() else {
            return Err(usage("no program is named".to_owned()));
        };
        let expected = match &self.expect {
            Some(file) => Some(fs::read(&cwd.join(file))?),
            None => None,
        };
        let program = Program::open(Path::new(name), &cwd, wanted)?;
        let kernel = || {
            let client = self.network.client(context, false);
            let mirrors = self.network.mirrors(context, &pins)?;
            let world = context.world(&client, &mirrors);
            let lock = context.lock().map_err(fault)?;
            Ok(kernel(&world, &pins, &lock, program.target)?.file)
        };
        let prepared = prepared(&context.project, &pins, program.target, &release);
        // A static program brings its own.
        let glibc = match &prepared {
            Ok(prepared) if program.facts.interpreter.is_some() => prepared.stamp.glibc(),
            _ => None,
        };
        let glibc = glibc.map(str::to_owned);
        let toolchain = prepared.map(|prepared| prepared.tree);
        // Until the program has ended, no `prepare` removes the tree.
        let _in_use = toolchain.as_ref().ok().and_then(|tree| fs::share(&tree.stamp()));
        let request = Request {
            env: &context.env,
            project: &context.project,
            progress: context.reporter,
            cwd: &cwd,
            tree: toolchain,
            kernel: &kernel,
            backend: self.backend,
            with_files: &self.with_file,
            keep: self.snapshot,
            memory: self.memory,
        };
        let limit = self.timeout.map(Duration::from_secs);
        let job = Job { program: &program, args, variables, limit };
        let input = || input::stdin(PIECE).map_err(fs::FsError::io("read", Path::new("stdin")));
        let (mut ours, mut errors) = (std::io::stdout(), std::io::stderr());
        let Some(expected) = expected else {
            let outcome = request.run(&job, &input, None, &mut ours, &mut errors)?;
            Self::record(context, &program, &outcome, glibc);
            return Ok(outcome.status);
        };
        let most = expected.len().saturating_add(MORE);
        let mut tee = Tee { kept: Vec::new(), most };
        let outcome = request.run(&job, &input, Some(&mut tee), &mut ours, &mut errors)?;
        Self::record(context, &program, &outcome, glibc);
        Ok(self.judge(&expected, &tee.kept, &outcome))
    }

    /// A line of metrics, where there is a project that keeps them.
    fn record(context: &Context<'_>, program: &Program, outcome: &Outcome, glibc: Option<String>) {
        if !matches!(fs::stat(&context.project.toolchains()), Ok(Some(_))) {
            return;
        }
        let status = i32::from(outcome.status);
        let mut entry = Entry::new("run", program.target.triple, outcome.took, status);
        entry.took("start", outcome.start);
        entry.emulator = Some(outcome.backend.name().to_owned());
        if let Some(qemu) = &outcome.qemu {
            entry.version("qemu", qemu);
        }
        if let Some(glibc) = glibc {
            entry.version("glibc", glibc);
        }
        entry.elf_bytes = fs::metadata(&program.path).ok().map(|meta| meta.len());
        entry.record(&context.project, context.reporter);
    }

    /// The program's own failure comes first; then the difference.
    fn judge(&self, expected: &[u8], got: &[u8], outcome: &Outcome) -> u8 {
        let Some(difference) = compare::difference(expected, got) else { return outcome.status };
        let name = self.expect.as_deref().unwrap_or(Path::new("")).display();
        output::say(&output::sanitise(&format!("stdout is not as {name} says: {difference}")));
        if outcome.status == 0 { Kind::Findings.exit_code() } else { outcome.status }
    }

    /// The same on every machine, but for what the user names.
    fn variables(&self, context: &Context<'_>) -> Result<Environment, RunError> {
        let mut variables: Environment =
            [("HOME", "/tmp"), ("LANG", "C.UTF-8"), ("PATH", "/usr/local/bin:/usr/bin:/bin")]
                .map(|(name, value)| (name.into(), value.into()))
                .into();
        for argument in &self.env {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, OsString::from(value)),
                None => match context.env.vars.get(std::ffi::OsStr::new(argument)) {
                    Some(value) => (argument.as_str(), value.clone()),
                    None => return Err(usage(format!("--env {argument}: no such variable here"))),
                },
            };
            if name.is_empty() {
                return Err(usage(format!("--env {argument}: expected NAME=VALUE")));
            }
            variables.retain(|(known, _)| known != name);
            variables.push((name.into(), value));
        }
        Ok(variables)
    }
}

fn dump(context: &Context<'_>, variables: &Environment) -> Result<u8, RunError> {
    let text = |text: &OsString| text.to_string_lossy().into_owned();
    if context.output.json {
        let list: serde_json::Map<String, serde_json::Value> =
            variables.iter().map(|(name, value)| (text(name), text(value).into())).collect();
        context.output.document(&json!({ "schema": 1, "environment": list }))?;
    } else {
        let mut lines = String::new();
        for (name, value) in variables {
            let _ = writeln!(lines, "{}={}", text(name), text(value));
        }
        context.output.data(&lines)?;
    }
    Ok(0)
}

fn usage(text: String) -> RunError {
    RunError::Below(UsageError(text).into())
}

fn below(error: anyhow::Error) -> RunError {
    RunError::Below(fault(error))
}

/// A command's error as a fault: the one that it was made of.
pub(super) fn fault(error: anyhow::Error) -> Fault {
    match error.downcast::<Fault>() {
        Ok(fault) => fault,
        Err(error) => UsageError(format!("{error:#}")).into(),
    }
}

/// Passes stdout on, and keeps what is compared.
struct Tee {
    kept: Vec<u8>,
    most: usize,
}

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = self.most.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(&bytes[..room]);
        std::io::stdout().write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().flush()
    }
}
