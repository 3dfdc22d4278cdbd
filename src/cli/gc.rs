//! `gc`: the space of what nobody needs.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::json;

use super::{Context, lock};
use crate::host::fault::Fault;
use crate::host::progress::{Event, Progress as _};
use crate::prepare::gc;
use crate::ui::bytes;

/// Remove what no toolchain and no lock needs
///
/// Old generations that nothing uses, packages and archives that checksums.txt does not name
/// and no toolchain is made of, kept images of the microVM, and what interrupted runs left.
/// Waits for every `prepare` that runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only say what would be removed; write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    /// Clears away.
    ///
    /// # Errors
    /// The disk refuses, or a lock is held and `--no-wait` was given.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let pins = context.pins()?;
        // What is needed is what the lock says until the end.
        let _alone = if self.dry_run { None } else { Some(lock::alone(context, "gc")?) };
        let lock = context.lock()?;
        let (project, patience) = (&context.project, context.patience);
        let garbage = gc(project, &pins, &lock, self.dry_run, patience, context.reporter)?;
        let note = |text: String| context.reporter.event(Event::Note { text });
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for item in &garbage.items {
            let text = format!("{}: {}", item.kind, item.path.display());
            context.reporter.event(if self.dry_run {
                Event::Note { text }
            } else {
                Event::Detail { text }
            });
            *kinds.entry(item.kind).or_default() += 1;
        }
        for path in &garbage.in_use {
            note(format!("kept, for a program still uses it: {}", path.display()));
        }
        let kinds: Vec<String> =
            kinds.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
        let size = bytes::size(garbage.bytes);
        note(match (kinds.is_empty(), self.dry_run) {
            (true, _) => "nothing to remove".to_owned(),
            (false, true) => format!("would free {size}: {}", kinds.join(", ")),
            (false, false) => format!("freed {size}: {}", kinds.join(", ")),
        });
        let items: Vec<_> = garbage
            .items
            .iter()
            .map(|item| json!({ "kind": item.kind, "path": item.path }))
            .collect();
        context
            .output
            .document(&json!({
                "schema": 1,
                "dry_run": self.dry_run,
                "bytes": garbage.bytes,
                "items": items,
                "in_use": garbage.in_use,
            }))
            .map_err(Fault::from)?;
        Ok(ExitCode::SUCCESS)
    }
}
