//! Measurements of one run, as a line of `toolchains/metrics.jsonl`. A line holds what was
//! measured and nothing else: a number that is not known is left out, never filled in.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::journal::Journal;
use super::layout::Project;
use crate::debian::date::{Civil, Timestamp};
use crate::host::clock;
use crate::host::progress::{Event, Progress};

/// The schema number of the lines written here.
pub const SCHEMA: u32 = 1;

/// What one run of a command was measured to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The format's number.
    pub schema: u32,
    /// When the command ended: RFC 3339, UTC.
    pub time: String,
    /// The command: `build-runtime`, `link`, `run`, `prepare`, …
    pub command: String,
    /// The target's triple.
    pub target: String,
    /// What took part, by name: `reml-toolchain`, `llvm`, `glibc` (the
    /// sysroot's package), `runtime`, `qemu`, …
    pub versions: BTreeMap<String, String>,
    /// Wall time in milliseconds, by step; `total` is there always.
    pub milliseconds: BTreeMap<String, u64>,
    /// The size of the program that came out or was run, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elf_bytes: Option<u64>,
    /// The size of a container's image, in bytes; written by `toolchains/container`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_bytes: Option<u64>,
    /// What ran the program: `native`, `qemu-user`, `microvm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emulator: Option<String>,
    /// The exit status of the command, or of the program it ran.
    pub exit_status: i32,
}

impl Entry {
    /// An entry of now, with the version of this program.
    #[must_use]
    pub fn new(command: &str, target: &str, total: Duration, exit_status: i32) -> Self {
        let mut entry = Self {
            schema: SCHEMA,
            time: rfc3339(clock::unix_now()),
            command: command.to_owned(),
            target: target.to_owned(),
            versions: BTreeMap::new(),
            milliseconds: BTreeMap::new(),
            elf_bytes: None,
            image_bytes: None,
            emulator: None,
            exit_status,
        };
        entry.version("reml-toolchain", env!("CARGO_PKG_VERSION"));
        entry.took("total", total);
        entry
    }

    /// Adds what took part.
    pub fn version(&mut self, name: &str, version: impl Into<String>) {
        self.versions.insert(name.to_owned(), version.into());
    }

    /// Adds the wall time of a step.
    pub fn took(&mut self, step: &str, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.milliseconds.insert(step.to_owned(), milliseconds);
    }

    /// Adds the line to the project's journal. The work that was measured is done, so a
    /// journal that takes no line is told and fails nothing.
    pub fn record(&self, project: &Project, progress: &dyn Progress) {
        // A type of plain fields always has a JSON form.
        let value = serde_json::to_value(self).unwrap_or(Value::Null);
        if let Err(error) = Journal::new(project.metrics()).append(&value) {
            let text = format!("this run stands in no metrics: {error}");
            progress.event(Event::Warning { text });
        }
    }
}

/// Seconds since 1970 as `2026-11-25T07:00:00Z`.
#[must_use]
pub fn rfc3339(seconds: u64) -> String {
    let Civil { year, month, day, hour, minute, second } =
        Timestamp(i64::try_from(seconds).unwrap_or(i64::MAX)).civil();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The seconds since 1970 of a time in the form of [`rfc3339`]; `None` for any other text.
#[must_use]
pub fn seconds(text: &str) -> Option<i64> {
    let (day, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let end = Timestamp::end_of_day(day)?.0;
    let mut parts = clock.split(':').map(|part| part.parse::<u32>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let is_time = hour < 24 && minute < 60 && second < 61 && parts.next().is_none();
    is_time.then(|| end - 86_399 + i64::from(hour * 3600 + minute * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_by_rfc_3339() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_795_590_123), "2026-11-25T07:02:03Z");
        assert_eq!(seconds("2026-11-25T07:02:03Z"), Some(1_795_590_123));
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        for wrong in
            ["", "2026-11-25", "2026-11-25T07:02Z", "2026-11-25T24:00:00Z", "2026-02-30T00:00:00Z"]
        {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let mut entry = Entry::new("link", "x86_64-unknown-linux-gnu", Duration::from_millis(7), 0);
        entry.took("lld", Duration::from_millis(3));
        let value = serde_json::to_value(&entry).unwrap();
        assert_eq!(value["schema"], 1);
        assert_eq!(value["milliseconds"], serde_json::json!({ "lld": 3, "total": 7 }));
        assert!(value.get("elf_bytes").is_none() && value.get("emulator").is_none());
        assert_eq!(serde_json::from_value::<Entry>(value).unwrap(), entry);
    }
}
