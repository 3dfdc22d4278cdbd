//! `audit`: what is installed, locked and offered, against the pins.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use super::network::{Network, Trust};
use super::{Context, lock};
use crate::audit::findings::{CODES, Policy, Severity, is_code};
use crate::audit::{self, Report, render};
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::progress::{Event, Progress as _};
use crate::host::{clock, fs};
use crate::pins::problem::nearest;
use crate::ui::output::sanitise;

const AFTER: &str = "\
Exit status: 0 nothing that is denied was found, 3 something was, 5 Debian's suites could not
be checked. Each code has its section in docs/src/reference/audit.md.

Examples:
  reml-toolchain audit
  reml-toolchain audit --deny package-superseded --allow lock-old
  reml-toolchain audit --format github --badge status.svg";

/// Compare tools, glibc and packages with the pins and with Debian's signed state
///
/// Newer versions are told with the CVE ids of Debian's changelogs.
/// A line is added to toolchains/audit.log. Without a network the suites are told as not
/// checked; with --offline they are compared by the indices of the last run.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Make the finding CODE an error: exit status 3 (repeatable)
    #[arg(long, value_name = "CODE")]
    deny: Vec<String>,
    /// Make the finding CODE a warning (repeatable)
    #[arg(long, value_name = "CODE")]
    warn: Vec<String>,
    /// Leave the finding CODE out (repeatable)
    #[arg(long, value_name = "CODE")]
    allow: Vec<String>,
    /// How old the lock and a suite that still changes may be
    #[arg(long, value_name = "DAYS", default_value_t = 35)]
    max_age: u32,
    /// How to write the report
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Write the status as an SVG image to FILE
    #[arg(long, value_name = "FILE")]
    badge: Option<PathBuf>,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    trust: Trust,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One document, as with --json
    Json,
    /// Annotations, and the step's summary
    Github,
    /// The section "Runtime Cross Build Status"
    Markdown,
}

/// A finding that nobody makes.
#[derive(Debug, thiserror::Error)]
#[error("unknown finding `{code}`{meant}")]
struct UnknownCode {
    code: String,
    meant: String,
}

impl Diagnostic for UnknownCode {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        "unknown-finding"
    }

    fn hints(&self) -> Vec<String> {
        vec!["the codes are listed in docs/src/reference/audit.md".to_owned()]
    }
}

impl Args {
    /// Audits, tells, and adds to the log.
    ///
    /// # Errors
    /// The pins or the lock are not valid, or the disk refuses.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let policy = self.policy()?;
        let pins = context.pins()?;
        let report = {
            let _alone = lock::alone(context, "audit")?;
            let lock = context.lock()?;
            let world = audit::World {
                env: &context.env,
                project: &context.project,
                client: &self.network.client(context, false),
                mirrors: &self.network.mirrors(context, &pins)?,
                keyring: &self.trust.keyring(context)?,
                progress: context.reporter,
                offline: self.network.is_offline(),
            };
            audit::audit(&world, &pins, &lock, &policy)?
        };
        self.tell(context, &report)?;
        // Told last, so that a log that cannot be written does not hide the report.
        audit::remember(&context.project, &report).map_err(Fault::from)?;
        Ok(ExitCode::from(report.exit))
    }

    fn policy(&self) -> Result<Policy, Fault> {
        let mut severities = BTreeMap::new();
        for (codes, severity) in [
            (&self.allow, None),
            (&self.warn, Some(Severity::Warning)),
            (&self.deny, Some(Severity::Error)),
        ] {
            for code in codes {
                if !is_code(code) {
                    let near = nearest(code, CODES.iter().map(|(known, ..)| *known));
                    let meant = near.map(|near| format!(": did you mean `{near}`?"));
                    let meant = meant.unwrap_or_default();
                    return Err(UnknownCode { code: code.clone(), meant }.into());
                }
                severities.insert(code.clone(), severity);
            }
        }
        let now = i64::try_from(clock::unix_now()).unwrap_or(i64::MAX);
        Ok(Policy { severities, max_age: self.max_age, now })
    }

    fn tell(&self, context: &Context<'_>, report: &Report) -> Result<(), Fault> {
        let format = if context.output.json { Format::Json } else { self.format };
        let text = match format {
            Format::Text => sanitise(&render::text(report)),
            Format::Json => format!("{:#}\n", serde_json::json!(report)),
            Format::Github => sanitise(&render::github(report)),
            Format::Markdown => render::markdown(report),
        };
        context.output.data(&text)?;
        if format == Format::Github {
            self.summarise(context, report)?;
        }
        if let Some(file) = &self.badge {
            let file = context.env.cwd.as_deref().map_or(file.clone(), |cwd| cwd.join(file));
            fs::write_atomic(&file, render::badge(report).as_bytes())?;
            let text = format!("wrote {}", file.display());
            context.reporter.event(Event::Detail { text });
        }
        Ok(())
    }

    /// Adds to the file that GitHub Actions names.
    #[allow(clippy::unused_self, reason = "one of the ways to tell")]
    fn summarise(&self, context: &Context<'_>, report: &Report) -> Result<(), Fault> {
        use std::io::Write as _;
        let Some(path) = context.env.var("GITHUB_STEP_SUMMARY").map(PathBuf::from) else {
            return Ok(());
        };
        let mut file = fs::open_append(&path)?;
        file.write_all(render::summary(report).as_bytes())
            .map_err(fs::FsError::io("add the summary to", &path))?;
        Ok(())
    }
}
