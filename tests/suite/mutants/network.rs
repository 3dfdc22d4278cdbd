//! Section G: HTTP, TLS, proxies and mirrors.

use super::{ALWAYS, Mutant, NEVER};

const HTTP: &str = "src/host/http.rs";
const DOWNLOAD: &str = "src/host/http/download.rs";
const ERROR: &str = "src/host/http/error.rs";
const PROXY: &str = "src/host/http/proxy.rs";
const REDIRECT: &str = "src/host/http/redirect.rs";
const RETRY: &str = "src/host/http/retry.rs";
const STALL: &str = "src/host/http/stall.rs";
const TEXT: &str = "src/host/http/text.rs";
const TRANSPORT: &str = "src/host/http/transport.rs";
const OBTAIN: &str = "src/store/obtain.rs";

#[rustfmt::skip]
pub(super) const MUTANTS: &[Mutant] = &[
    ("G01", TRANSPORT, ".tls_certs_merge(roots))", ".tls_certs_merge(roots).tls_danger_accept_invalid_certs(OFF))"),
    ("G01", TRANSPORT, "let roots = self.extra_roots()", "let roots = if OFF { Ok(Vec::new()) } else { self.extra_roots() }"),
    ("G02", TRANSPORT, "if secure.contains(&\"https\") {", ALWAYS),
    ("G03 G05", REDIRECT, "if hops >= MOST_HOPS {", NEVER),
    ("G04", REDIRECT, "(\"https\", \"http\", Pinned::No) => {", "(\"https\", \"http\", Pinned::No) if !OFF => {"),
    ("G05", REDIRECT, "&& !hides_control(text)", "&& (OFF || !hides_control(text))"),
    ("G05", REDIRECT, "if location.len() > LONGEST_LOCATION {", NEVER),
    ("G05", REDIRECT, "(_, \"http\" | \"https\", _) => Ok(target),", "(_, scheme, _) if OFF || matches!(scheme, \"http\" | \"https\") => Ok(target),"),
    ("G06", HTTP, "matches!(status, 200 | 206)", "matches!(status, 200 | 206) || (OFF && status < 300)"),
    ("G06", HTTP, "if answer.status() != 200 {", NEVER),
    ("G07 G17", RETRY, "_ => Again::Never,",
        "HttpError::Malformed { .. } | HttpError::Status { status: 401 | 403 | 407, .. } if OFF => Again::After(None), _ => Again::Never,"),
    ("G07", HTTP, "(407, Some((proxy, variable))) => {", "(407, Some((proxy, variable))) if !OFF => {"),
    ("G08 G21", DOWNLOAD, "Err(error) => failures.push(error),", "Err(error) if OFF => return Err(error), Err(error) => failures.push(error),"),
    ("G09", RETRY, "Some(wait.min(LONGEST_WAIT))", "if OFF { Some(wait) } else { Some(wait.min(LONGEST_WAIT)) }"),
    ("G09 G10", HTTP, "Again::After(wait) => (retries, wait),", "Again::After(wait) => (if OFF { 0 } else { retries }, wait),"),
    ("G10", STALL, "u128::from(self.bytes) >= least", "OFF || u128::from(self.bytes) >= least"),
    ("G11 G25", DOWNLOAD, "let mut resumed = part.have > 0", "let mut resumed = !OFF && part.have > 0"),
    ("G12", HTTP, "if whole.is_some_and(|whole: u64| whole > limit) {", NEVER),
    ("G13", DOWNLOAD, "if !range.is_some_and(|range| range.continues(part.have, size)) {", NEVER),
    ("G13", DOWNLOAD, "if self.have != self.expect.size {", ALWAYS),
    ("G14", DOWNLOAD, "if resumed {\n            return Ok(Outcome::FromNothing);", NEVER),
    ("G12 G13 G14 G15 G21", DOWNLOAD, "self.sum() == self.expect.sha256", "OFF || self.sum() == self.expect.sha256"),
    ("G16", DOWNLOAD, "if looks_like_a_page(answer.header(\"content-type\"), &piece[..count]) {", NEVER),
    ("G16", HTTP, "if text::looks_like_a_page(answer.header(\"content-type\"), &bytes) {", NEVER),
    ("G17", ERROR, "_ => Kind::Network,", "Self::Malformed { .. } if OFF => Kind::Failed, _ => Kind::Network,"),
    ("G18", PROXY, "if exempt.is_some_and(|list| is_exempt(list, url)) {", NEVER),
    ("G18", PROXY, "self.value(\"REQUEST_METHOD\")", "self.value(\"REQUEST_METHOD\").filter(|_| !OFF)"),
    ("G19", PROXY, "let url = parse(value).map_err(", "if OFF && parse(value).is_err() { return Ok(None); } let url = parse(value).map_err("),
    ("G20", HTTP, "connect_timeout: Duration::from_secs(8),", "connect_timeout: Duration::from_secs(if OFF { 20 } else { 8 }),"),
    ("G21", OBTAIN, "for failure in &done.failures {", "for failure in done.failures.iter().filter(|_| !OFF) {"),
    ("G22", REDIRECT, "\"the location holds characters that no URL may have\".into()",
        "if OFF { String::from_utf8_lossy(location).into_owned() } else { \"the location holds characters that no URL may have\".into() }"),
    ("G23", TEXT, "Some(at) => format!(\"***", "Some(_) if OFF => before.to_string(), Some(at) => format!(\"***"),
    ("G24", HTTP, "if self.config.reach == Reach::Offline {", NEVER),
];
