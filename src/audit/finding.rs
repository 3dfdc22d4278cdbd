//! A finding as a value, and the collector that rules add to: it knows each code's severity
//! and cure by a table, and the user's word on both. It judges nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something is wrong.
    Error,
    /// Wants a look.
    Warning,
    /// Worth knowing.
    Note,
}

/// Something that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its stable code.
    pub code: &'static str,
    /// How much it matters, by default or by the user's word.
    pub severity: Severity,
    /// What was found, with both values of a difference.
    pub message: String,
    /// What to do: a sentence or a command.
    pub hint: String,
    /// Its section in the documents.
    pub page: String,
}

/// A code, its severity, and what to do.
pub type Rule = (&'static str, Severity, &'static str);

/// Severities by code as the user wants them; `None` leaves the finding out.
pub type Severities = BTreeMap<String, Option<Severity>>;

/// Findings as they come.
#[derive(Debug)]
pub struct Findings<'p> {
    rules: &'static [Rule],
    page: &'static str,
    severities: &'p Severities,
    list: Vec<Finding>,
}

impl<'p> Findings<'p> {
    /// None yet. `page` is the document with a section for each code of `rules`.
    #[must_use]
    pub fn new(rules: &'static [Rule], page: &'static str, severities: &'p Severities) -> Self {
        Self { rules, page, severities, list: Vec::new() }
    }

    /// One finding for each message.
    pub fn add(&mut self, code: &'static str, messages: impl IntoIterator<Item = String>) {
        self.add_cured(code, messages.into_iter().map(|message| (message, None)));
    }

    /// The same, each with a cure of its own instead of the table's.
    pub fn add_cured(
        &mut self,
        code: &'static str,
        messages: impl IntoIterator<Item = (String, Option<String>)>,
    ) {
        let Some((_, default, usual)) = self.rules.iter().find(|(known, ..)| *known == code) else {
            return;
        };
        let chosen = self.severities.get(code).copied().unwrap_or(Some(*default));
        let Some(severity) = chosen else { return };
        self.list.extend(messages.into_iter().map(|(message, hint)| Finding {
            code,
            severity,
            message,
            hint: hint.unwrap_or_else(|| (*usual).to_owned()),
            page: format!("{}#{code}", self.page),
        }));
    }

    /// All of them, worst first.
    #[must_use]
    pub fn worst_first(mut self) -> Vec<Finding> {
        self.list.sort_by_key(|finding| finding.severity);
        self.list
    }
}
