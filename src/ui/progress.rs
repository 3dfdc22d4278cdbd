//! Progress as people see it: a bar on a terminal, plain lines elsewhere. The only user
//! of indicatif. It listens to events and decides nothing.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::bytes;
use super::output::{sanitise, say};
use crate::host::clock;
use crate::host::progress::{Event, Progress};

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Failures only.
    Quiet,
    /// What a user wants to see.
    Normal,
    /// Reasons and details as well.
    Verbose,
}

/// How often a running stage says where it is when there is no terminal.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// Tells the user on stderr.
#[derive(Debug)]
pub struct Reporter {
    verbosity: Verbosity,
    bars: bool,
    stage: Mutex<Option<Stage>>,
}

#[derive(Debug)]
struct Stage {
    name: &'static str,
    bar: Option<ProgressBar>,
    total: u64,
    done: u64,
    told: std::time::Instant,
}

impl Reporter {
    /// A reporter; `bars` draws on the terminal.
    #[must_use]
    pub fn new(verbosity: Verbosity, bars: bool) -> Self {
        Self { verbosity, bars: bars && verbosity > Verbosity::Quiet, stage: Mutex::default() }
    }

    fn line(&self, at_least: Verbosity, text: &str) {
        if self.verbosity < at_least {
            return;
        }
        let text = sanitise(text);
        let stage = self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match stage.as_ref().and_then(|stage| stage.bar.as_ref()) {
            Some(bar) => bar.suspend(|| say(&text)),
            None => say(&text),
        }
    }

    fn begin(&self, name: &'static str, count: u64, total: u64) {
        let bar = self.bars.then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let template =
                "{prefix:>9} [{bar:30}] {decimal_bytes} of {decimal_total_bytes} {wide_msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix(name);
            bar
        });
        if bar.is_none() && self.verbosity > Verbosity::Quiet {
            let plural = if count == 1 { "file" } else { "files" };
            say(&format!("{name:>9} {count} {plural}, {} …", bytes::size(total)));
        }
        let told = clock::instant();
        *self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            Some(Stage { name, bar, total, done: 0, told });
    }

    fn advance(&self, bytes: i64) {
        let mut stage = self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(stage) = stage.as_mut() else { return };
        stage.done = stage.done.saturating_add_signed(bytes);
        if let Some(bar) = &stage.bar {
            bar.set_position(stage.done);
        } else if self.verbosity > Verbosity::Quiet && stage.told.elapsed() > PLAIN_INTERVAL {
            stage.told = clock::instant();
            let (done, total) = (bytes::size(stage.done), bytes::size(stage.total));
            say(&format!("{:>9} {done} of {total}", stage.name));
        }
    }

    fn end(&self, name: &'static str, summary: &str) {
        let stage = self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(bar) = stage.and_then(|stage| stage.bar) {
            bar.finish_and_clear();
        }
        self.line(Verbosity::Normal, &format!("{name:>9} {summary}"));
    }
}

impl Progress for Reporter {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Stage { name, count, bytes } => self.begin(name, count, bytes),
            Event::Advance { bytes } => self.advance(bytes),
            Event::ItemDone { name } => {
                let stage = self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if let Some(bar) = stage.as_ref().and_then(|stage| stage.bar.as_ref()) {
                    bar.set_message(sanitise(name));
                }
            }
            Event::StageDone { name, summary } => self.end(name, &summary),
            Event::Warning { text } => self.line(Verbosity::Normal, &format!("warning: {text}")),
            Event::Note { text } => self.line(Verbosity::Normal, &text),
            Event::Detail { text } => self.line(Verbosity::Verbose, &text),
        }
    }
}
