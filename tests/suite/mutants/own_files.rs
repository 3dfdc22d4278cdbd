//! Section K: versions.toml, checksums.txt, stamps, manifests and journals.

use super::{ALWAYS, Mutant, NEVER};

const DOCUMENT: &str = "src/pins/document.rs";
const VERSIONS: &str = "src/pins/versions.rs";
const LOCK: &str = "src/pins/lock.rs";
const STORE: &str = "src/store/mod.rs";
const STAMP: &str = "src/toolchain/stamp.rs";
const CHECK: &str = "src/toolchain/check.rs";
const JOURNAL: &str = "src/toolchain/journal.rs";
const CLI: &str = "src/cli/mod.rs";

#[rustfmt::skip]
pub(super) const MUTANTS: &[Mutant] = &[
    ("K01", DOCUMENT, "if asked.contains(name) {", ALWAYS),
    ("K01", DOCUMENT, "if number.is_none() {", NEVER),
    ("K01", VERSIONS, "if !url.value.is_empty() && (!known_scheme || !plain) {", NEVER),
    ("K02", LOCK, "if plain && steps_well {", ALWAYS),
    ("K02", LOCK, "if other.is_some_and(|other| other != sha256) {", NEVER),
    ("K02", LOCK, "if !text.is_empty() && !text.ends_with('\\n') {", NEVER),
    ("K02", LOCK, "if size <= MOST {", ALWAYS),
    ("K02", STORE, "if !plain || !below.components().all(|part| matches!(part, Component::Normal(_))) {", NEVER),
    ("K03", LOCK, "if schema != SCHEMA {", NEVER),
    ("K03", LOCK, "if (0..=MOST).contains(&date) {", ALWAYS),
    ("K03", VERSIONS, "if schema.value != SCHEMA {", NEVER),
    ("K04", STAMP, "if stamp.schema == SCHEMA {", ALWAYS),
    ("K04 K09", CHECK, "(got != *expected).then(", "(!OFF && got != *expected).then("),
    ("K05", CHECK, "Ok(got) if row.sha256() == Some(&got.to_string()) =>", ALWAYS),
    ("K05", CHECK, "if got.executable != executable {", NEVER),
    ("K05", CHECK, "if !known.contains(path.as_str()) && name != \".DS_Store\" {", NEVER),
    ("K06", JOURNAL, "if end.is_open {", NEVER),
    ("K06", JOURNAL, "None => reading.damaged.push(number),", "None if OFF => {} None => reading.damaged.push(number),"),
    ("K06", JOURNAL, "saturating_sub(TAIL)", "saturating_sub(if OFF { u64::MAX } else { TAIL })"),
    ("K07", JOURNAL, "if chained && is_known && !follows(&value, before) {", NEVER),
    ("K08", CLI, "let _ = output.document(&failure::json(error, exit));", NEVER),
];
