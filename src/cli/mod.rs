//! The command line: one file a command with its arguments and its `run`. Commands ask
//! the rooms below and show the answer; they do no work of their own.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::TypedValueParser as _;
use clap::{Args, FromArgMatches as _, Parser, Subcommand};

use crate::host::Env;
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::fs::Patience;
use crate::ui::{Output, Reporter, Verbosity, failure, output};

mod audit;
mod build_runtime;
mod chain;
mod context;
mod doctor;
mod env;
mod exec;
mod gc;
mod inspect;
mod link;
mod lock;
mod network;
mod pack;
mod prepare;
mod report;
mod run;
mod sbom;
mod verify;
mod verify_ir;
mod which;

pub use context::Context;

const AFTER: &str = "\
Exit status: 0 done or nothing to do, 1 failed, 2 usage, 3 findings, 4 integrity (a byte
differed), 5 network, 6 a host tool is missing, 70 our bug, 130 interrupted. `exec` and
`run` pass the program's own status on; 125 is our own failure, 126 and 127 as in shells.";

/// A verified, pinned, rootless, offline-capable Linux cross toolchain.
#[derive(Debug, Parser)]
#[command(name = "reml-toolchain", version, after_help = AFTER, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Global {
    /// The project's folder: holds versions.toml, checksums.txt and toolchains/
    /// [default: the nearest folder upwards with a versions.toml, else the current one]
    #[arg(
        long,
        global = true,
        env = "REML_TOOLCHAIN_ROOT",
        value_parser = clap::builder::OsStringValueParser::new().map(PathBuf::from),
        value_name = "DIR",
        hide_env_values = true
    )]
    root: Option<PathBuf>,
    /// Write one JSON document to stdout, for failures as well
    #[arg(long, global = true)]
    json: bool,
    /// Fail at once when another process holds a lock, instead of waiting for it
    #[arg(long, global = true)]
    no_wait: bool,
    /// Go on where the file system has no locks (some network disks): only if no other
    /// process works in this project
    #[arg(long, global = true)]
    no_lock: bool,
    /// Say nothing but failures
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say why, too
    #[arg(long, short, global = true)]
    verbose: bool,
    /// When to colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: When,
    /// When to draw progress bars
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    progress: When,
}

/// Whether to do a thing that suits terminals only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum When {
    /// On a terminal that wants it.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Prepare(prepare::Args),
    Pack(pack::Args),
    Lock(lock::Args),
    Audit(audit::Args),
    Doctor(doctor::Args),
    BuildRuntime(build_runtime::Args),
    Report(report::Args),
    Env(env::Args),
    Exec(exec::Args),
    Link(link::Args),
    VerifyIr(verify_ir::Args),
    Run(run::Args),
    Inspect(inspect::Args),
    Verify(verify::Args),
    Gc(gc::Args),
    Sbom(sbom::Args),
}

/// Defines the arguments of a command.
type Define = fn(clap::Command) -> clap::Command;

/// The commands by name, each of which can be defined alone.
const COMMANDS: &[(&str, Define)] = &[
    ("prepare", prepare::Args::augment_args),
    ("pack", pack::Args::augment_args),
    ("lock", lock::Args::augment_args),
    ("audit", audit::Args::augment_args),
    ("doctor", doctor::Args::augment_args),
    ("build-runtime", build_runtime::Args::augment_args),
    ("report", report::Args::augment_args),
    ("env", env::Args::augment_args),
    ("exec", exec::Args::augment_args),
    ("link", link::Args::augment_args),
    ("verify-ir", verify_ir::Args::augment_args),
    ("run", run::Args::augment_args),
    ("inspect", inspect::Args::augment_args),
    ("verify", verify::Args::augment_args),
    ("gc", gc::Args::augment_args),
    ("sbom", sbom::Args::augment_args),
];

impl When {
    fn decide(self, auto: bool) -> bool {
        match self {
            Self::Auto => auto,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Runs the command that `env`'s arguments ask for.
#[must_use]
pub fn main(env: Env) -> ExitCode {
    let arguments = match parse(&env.args) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error, &env),
    };
    let mut global = arguments.global.clone();
    // An empty variable is an absent one; an option without a value is not.
    global.root.take_if(|root| {
        root.as_os_str().is_empty() && env.vars.contains_key(OsStr::new("REML_TOOLCHAIN_ROOT"))
    });
    let interactive = env.stderr_is_terminal && env.text("TERM") != Some("dumb");
    let colour = global.color.decide(interactive && env.var("NO_COLOR").is_none());
    let bars = global.progress.decide(interactive && env.var("CI").is_none());
    let verbosity = match (global.quiet, global.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    let output = Output { json: global.json };
    let reporter = Reporter::new(verbosity, bars);
    let is_exec = matches!(arguments.command, Command::Exec(_) | Command::Run(_));
    let patience = if global.no_wait { Patience::Refuse } else { Patience::Wait };
    if global.no_lock {
        crate::host::fs::go_on_without_locks();
    }
    let outcome = Context::open(env, global.root.as_deref(), output, &reporter, patience)
        .and_then(|context| run(arguments.command, &context));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            // The other statuses are the command's own.
            let exit = if is_exec { exec::OWN_FAILURE } else { failure::exit_code(&error) };
            report(&error, exit, output, colour)
        }
    }
}

/// Reads the arguments. To define all commands takes a tenth of the time of a `prepare` that
/// has nothing to do: the one that is named is tried alone. Help and mistakes need them all.
fn parse(arguments: &[OsString]) -> Result<Arguments, clap::Error> {
    let named = |argument: &OsString| COMMANDS.iter().find(|(name, _)| argument == name);
    if let Some((name, define)) = arguments.iter().skip(1).find_map(named) {
        let command = Global::augment_args(clap::Command::new("reml-toolchain"))
            .subcommand(define(clap::Command::new(*name)));
        let matches = command.try_get_matches_from(arguments);
        if let Ok(arguments) = matches.and_then(|it| Arguments::from_arg_matches(&it)) {
            return Ok(arguments);
        }
    }
    Arguments::try_parse_from(arguments)
}

/// Tells a failure to people and, with `--json`, to machines.
fn report(error: &anyhow::Error, exit: u8, output: Output, colour: bool) -> ExitCode {
    output::say(&failure::text(error, colour));
    // The failure is the one to report, whatever becomes of stdout.
    let _ = output.document(&failure::json(error, exit));
    ExitCode::from(exit)
}

fn run(command: Command, context: &Context<'_>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Prepare(args) => args.run(context),
        Command::Pack(args) => args.run(context),
        Command::Lock(args) => args.run(context),
        Command::Audit(args) => args.run(context),
        Command::Doctor(args) => args.run(context),
        Command::BuildRuntime(args) => args.run(context),
        Command::Report(args) => args.run(context),
        Command::Env(args) => args.run(context),
        Command::Exec(args) => args.run(context),
        Command::Link(args) => args.run(context),
        Command::VerifyIr(args) => args.run(context),
        Command::Run(args) => Ok(args.run(context)),
        Command::Inspect(args) => args.run(context),
        Command::Verify(args) => args.run(context),
        Command::Gc(args) => args.run(context),
        Command::Sbom(args) => args.run(context),
    }
}

/// The command line makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

impl Diagnostic for UsageError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        "usage"
    }
}

/// clap's own answer: help and versions go to stdout, mistakes to stderr.
fn usage(error: &clap::Error, env: &Env) -> ExitCode {
    let text = error.render().to_string();
    if error.use_stderr() {
        output::say(text.trim_end());
        let own = env.args.iter().take_while(|arg| *arg != "--");
        let json = own.into_iter().any(|arg| arg == "--json");
        let line = text.lines().next().unwrap_or_default();
        let message = line.strip_prefix("error: ").unwrap_or(line).to_owned();
        let fault = Fault::from(UsageError(message));
        let exit = fault.kind().exit_code();
        // The mistake is the one to report, whatever becomes of stdout.
        let _ = Output { json }.document(&failure::json(&fault.into(), exit));
        ExitCode::from(exit)
    } else {
        match (Output { json: false }).data(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_command_can_be_defined_alone() {
        let whole = Arguments::command();
        let all: Vec<&str> = whole.get_subcommands().map(clap::Command::get_name).collect();
        let alone: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
        assert_eq!(alone, all);
    }

    #[test]
    fn a_command_s_name_as_another_s_value_is_no_command() {
        let read = |line: &str| {
            parse(&line.split(' ').map(OsString::from).collect::<Vec<_>>()).map_err(|it| it.kind())
        };
        let read =
            |line| read(line).map(|it| (it.global.root, matches!(it.command, Command::Gc(_))));
        assert_eq!(read("it gc --root pack").unwrap(), (Some("pack".into()), true));
        assert_eq!(read("it --root pack gc").unwrap(), (Some("pack".into()), true));
        assert!(read("it pack gc").is_err());
    }
}
