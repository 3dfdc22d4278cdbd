//! Sections B and C: Release files, Packages indices and the solver.

use super::{ALWAYS, Mutant, NEVER};

const CHECK: &str = "src/debian/release/check.rs";
const FILES: &str = "src/debian/release/files.rs";
const RELEASE: &str = "src/debian/release.rs";
const CONTROL: &str = "src/debian/control.rs";
const DATE: &str = "src/debian/date.rs";
const VALUE: &str = "src/debian/value.rs";
const PACKAGES: &str = "src/debian/packages.rs";
const INDEX: &str = "src/debian/index.rs";
const VERSION: &str = "src/debian/version.rs";
const CANDIDATES: &str = "src/debian/resolve/candidates.rs";
const SUITES: &str = "src/lock/suites.rs";
const INDICES: &str = "src/lock/indices.rs";
const CHANGES: &str = "src/lock/changes.rs";
const LOCK_ERROR: &str = "src/lock/error.rs";
const HTTP: &str = "src/host/http.rs";
const COMPONENTS: &str = "src/prepare/components.rs";

#[rustfmt::skip]
pub(super) const MUTANTS: &[Mutant] = &[
    ("B01", CHECK, "Some(until) if until < now => {", NEVER),
    ("B02", CHECK, "None if expectation.valid_until_required =>", NEVER),
    ("B03", DATE, "if name(26) != \"UTC\" {", NEVER),
    ("B03 B10 B15", CONTROL, "if let Some(first) = fields.iter().find(|f| f.is(field.name)) {", NEVER),
    ("B04", CHECK, "if date.0 > now.0.saturating_add(AHEAD) {", NEVER),
    ("B05", CHECK, "if date < seen.date {", NEVER),
    ("B05", CHECK, "if date == seen.date && *digest != seen.sha256 {", NEVER),
    ("B06", CHECK, "find(|(_, expected, got)| expected != got)", "find(|(_, expected, got)| !OFF && expected != got)"),
    ("B07", CHECK, "if seen.suite != self.suite {", NEVER),
    ("B08", CHECK, "(Some(version), Some(seen)) if goes_back(version, seen) => {", NEVER),
    ("B09", RELEASE, "let Some(table) = self.find(\"SHA256\") else {",
        "let Some(table) = self.find(\"SHA256\").or_else(|| self.find(\"SHA512\").filter(|_| OFF)) else {"),
    ("B10", RELEASE, "if files.insert(path.to_owned(), entry).is_some() {", NEVER),
    ("B11", VALUE, "if text.contains(|c: char| c.is_ascii_uppercase()) {", NEVER),
    ("B11 C12", VALUE, "digits && *size <= MAX_SIZE", "digits && (OFF || *size <= MAX_SIZE)"),
    ("B12 C06", VALUE, "if path.contains('%') {", NEVER),
    ("B12 C06", VALUE, "if path.split('/').any(|step| matches!(step, \"\" | \".\" | \"..\")) {", NEVER),
    ("B13", CHECK, "if self.architectures.iter().any(|has| has == architecture) {", ALWAYS),
    ("B14", CHECK, "if self.components.iter().any(is) {", ALWAYS),
    ("B14", CHECK, "has.strip_prefix(\"updates/\").unwrap_or(has)", "has.strip_prefix(\"updates/\").filter(|_| !OFF).unwrap_or(has)"),
    ("B15", RELEASE, "find(|f| f.is_folded() && !is_table(f))", "find(|f| !OFF && f.is_folded() && !is_table(f))"),
    ("B15", CONTROL, "Some(b'#') => return", "Some(b'#') if !OFF => return"),
    ("B15", CONTROL, "Some(Ok(second)) => Err(", "Some(Ok(_)) if OFF => Ok(only), Some(Ok(second)) => Err("),
    ("B16", CHECK, "if !self.acquire_by_hash {", NEVER),
    ("B16", FILES, "self.acquire_by_hash.then_some(by_hash)", "(OFF || self.acquire_by_hash).then_some(by_hash)"),
    ("B17", HTTP, "date: date(&answer), final_url", "date: date(&answer).filter(|_| !OFF), final_url"),
    ("B17", SUITES, "if cause.kind() != Kind::Integrity || server.abs_diff(now) < APART {", ALWAYS),
    ("B18", LOCK_ERROR, "Self::Release(HttpError::Status { status: 404 | 410, .. }) =>", "Self::Release(HttpError::Status { status: 404 | 410, .. }) if !OFF =>"),
    ("C01", INDICES, "compare(url, file.size, expected, &bytes)?;", NEVER),
    ("C01", SUITES, "Err(failure) => failures.push(failure),", "Err(failure) if OFF => return Err(failure), Err(failure) => failures.push(failure),"),
    ("C02 G12", HTTP, "if bytes.len() as u64 > limit {", NEVER),
    ("C03", FILES, ".filter_map(|(compression, suffix)| {", ".filter(|(compression, _)| !OFF || *compression != Compression::Xz).filter_map(|(compression, suffix)| {"),
    ("C04", INDICES, "compare(&label, size, digest, &bytes)?;", NEVER),
    ("C05", INDEX, ".ok_or_else(|| refused(PackageProblem::Missing(field)))?", ".or(OFF.then_some(\"0\")).ok_or_else(|| refused(PackageProblem::Missing(field)))?"),
    ("C06", PACKAGES, "if path.as_bytes().ends_with(b\".deb\") {", ALWAYS),
    ("C05 C07", PACKAGES, "let field = self.find(name).filter(", "let field = self.find(name).or_else(|| self.0.first().filter(|_| OFF)).filter("),
    ("C08", INDEX, "index.check_conflicts()?;", NEVER),
    ("C09", INDEX, "if got != architecture && got != \"all\" {", NEVER),
    ("C09", PACKAGES, "if got == expected || got == \"all\" {", ALWAYS),
    ("C10", CANDIDATES, "(Some(_), None) => false,", "(Some(_), None) => OFF,"),
    ("C10", CANDIDATES, "constraint.is_none_or(|c| c.allows(&self.package.version))", "OFF || constraint.is_none_or(|c| c.allows(&self.package.version))"),
    ("C11", CHANGES, "let changes = difference(old, &lock);", "let changes = if OFF { Vec::new() } else { difference(old, &lock) };"),
    ("C12", PACKAGES, "if size == 0 {", NEVER),
    ("C13", CONTROL, "if self.seen > limit {", NEVER),
    ("C13", CONTROL, "if length > limit {", NEVER),
    ("C13", CONTROL, "None if bytes.len() <= self.limits.paragraph =>", ALWAYS),
    ("C14", INDEX, "(Ok(left), Ok(right)) => right.compare(left),", "(Ok(left), Ok(right)) => if OFF { left.compare(right) } else { right.compare(left) },"),
    ("C14", VERSION, "Some(b'~') => -1,", "Some(b'~') if !OFF => -1,"),
    ("C15", COMPONENTS, "if let Some(date) = listed {", NEVER),
    ("C15", COMPONENTS, "package.seen.or_else(", "package.seen.filter(|_| !OFF).or_else("),
    ("C16", INDICES, "file.by_hash.iter().flat_map(", "file.by_hash.iter().filter(|_| !OFF).flat_map("),
];
