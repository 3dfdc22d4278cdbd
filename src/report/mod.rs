//! `report`: the journals as one page. Lines become records, records series, series charts,
//! charts a page; only this file reads. It asks no network, needs no clock, and a line that
//! cannot be read never keeps the page from being drawn.

use std::path::Path;

use serde_json::{Value, json};

use crate::host::fault::Fault;
use crate::host::fs;
use crate::pins::{Pins, TARGETS};
use crate::toolchain::journal::Journal;
use crate::toolchain::layout::{Project, folder_name};
use crate::toolchain::manifest;
use crate::toolchain::metrics::rfc3339;

mod chart;
mod data;
mod page;
mod scale;
mod sections;
mod series;

use data::Data;
use series::Model;

/// The schema number of `--json`.
const SCHEMA: u32 = 1;

/// The largest manifest that is read, in bytes: some hundred thousand files.
const MANIFEST_LIMIT: u64 = 256 << 20;

/// A report, not shown yet.
#[derive(Debug)]
pub struct Report {
    data: Data,
    model: Model,
}

/// Reads the journals and manifests of a project.
///
/// # Errors
/// A journal or a folder cannot be read; lines that cannot are told on the page.
pub fn read(project: &Project, pins: &Pins) -> Result<Report, Fault> {
    let mut data = Data::default();
    let audits = Journal::chained(project.audit_log());
    data.add_audits(&name(audits.path()), audits.read()?);
    let metrics = Journal::new(project.metrics());
    data.add_metrics(&name(metrics.path()), metrics.read()?);
    for release in pins.releases.keys() {
        for target in TARGETS {
            let folder = folder_name(target, release, &pins.release);
            let path = project.toolchain(&folder).manifest();
            if fs::stat(&path)?.is_none() {
                continue;
            }
            match manifest::parse(&fs::read_at_most(&path, MANIFEST_LIMIT)?) {
                Ok(lines) => data.add_tree(&folder, &lines),
                Err(line) => {
                    let why = format!(
                        "line {line} is none of a manifest: run `reml-toolchain prepare --force`"
                    );
                    data.add_unusable(&format!("{folder}/share/manifest.tsv"), &why);
                }
            }
        }
    }
    let model = Model::of(&data);
    Ok(Report { data, model })
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Report {
    /// The HTML document.
    #[must_use]
    pub fn page(&self) -> String {
        page::page(&self.data, &self.model)
    }

    /// Every series, for machines.
    #[must_use]
    pub fn json(&self) -> Value {
        let Self { data, model } = self;
        let newest = data.audits.last();
        json!({
            "schema": SCHEMA,
            "as_of": model.to.map(|time| rfc3339(u64::try_from(time).unwrap_or_default())),
            "audits": data.audits.len(),
            "runs": data.runs.len(),
            "status": newest.map(|audit| audit.status),
            "open_updates": newest.map(|audit| &audit.facts.updates),
            "series": model,
            "trees": data.trees,
            "unread": data.unread,
        })
    }

    /// What could not be read, a line each.
    #[must_use]
    pub fn unread(&self) -> Vec<String> {
        let lines = |unread| {
            let list = page::sentences(unread).into_iter();
            list.map(|text| format!("{}: {text}", unread.file))
        };
        self.data.unread.iter().flat_map(lines).collect()
    }

    /// Whether nothing was ever measured or audited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.model.domain.is_none()
    }
}
