//! What the network can do to us, as values. A message must never carry credentials, a query or
//! foreign control characters: all texts in here went through `text::mask` or `text::printable`.

use std::time::Duration;

use super::text::{grouped, of_whole};
use crate::host::fault::{Diagnostic, Kind};
use crate::host::fs::FsError;

/// A failed request or download. URLs are masked.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("{url}: the network is switched off (offline)")]
    Offline { url: String },
    #[error("{url}: not a usable URL: {reason}")]
    BadUrl { url: String, reason: String },
    #[error("{variable}: malformed proxy {value:?}: {reason}")]
    BadProxy { variable: String, value: String, reason: String },
    #[error("{url}: the proxy {proxy} (from {variable}) refuses: {cause}")]
    ProxyRefused { url: String, proxy: String, variable: String, cause: String },
    #[error("{url}: cannot connect to {host}: {cause}")]
    Connect { url: String, host: String, cause: String },
    #[error("{url}: no trusted connection to {host}: {cause}")]
    Tls { url: String, host: String, cause: String },
    #[error("{url}: cannot set up TLS: {cause}")]
    TlsSetup { url: String, cause: String },
    #[error("{url}: redirect refused: {reason}")]
    Redirect { url: String, reason: String },
    #[error("{url}: expected status 200 or 206, got {status}")]
    Status {
        url: String,
        status: u16,
        /// How long the server asks us to wait.
        retry_after: Option<Duration>,
    },
    #[error(
        "{url}: stalled at {}: expected at least {floor} bytes/s over {window:?}",
        of_whole(*got, *whole)
    )]
    Stalled { url: String, got: u64, whole: Option<u64>, floor: u64, window: Duration },
    #[error("{url}: broke off at {}: {cause}", of_whole(*got, *whole))]
    Broken { url: String, got: u64, whole: Option<u64>, cause: String },
    #[error("{url}: not a proper HTTP response: {cause}")]
    Malformed { url: String, cause: String },
    #[error("{url}: looks like a login page, not the file")]
    Portal { url: String },
    #[error("{url}: larger than allowed: expected at most {} bytes, got more", grouped(*limit))]
    TooLarge { url: String, limit: u64 },
    #[error("{url}: wrong size: expected {} bytes, got {}", grouped(*expected), grouped(*got))]
    WrongSize { url: String, expected: u64, got: u64 },
    #[error("{url}: wrong SHA-256: expected {expected}, got {got}")]
    WrongHash { url: String, expected: String, got: String },
    #[error("no mirror delivered the file: {}", list(failures))]
    AllMirrors { failures: Vec<HttpError> },
    #[error("no mirror is named for {file}")]
    NoMirror { file: String },
    #[error(transparent)]
    Disk(#[from] FsError),
}

/// Each failure in one line, in the order of the mirrors.
fn list(failures: &[HttpError]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The gravest of several classes: what the exit status must tell when many things failed.
#[must_use]
pub fn gravest(kinds: impl IntoIterator<Item = Kind>) -> Kind {
    let rank = |kind: &Kind| match kind {
        Kind::Integrity => 4,
        Kind::Failed => 3,
        Kind::Usage => 2,
        Kind::Network => 1,
        _ => 0,
    };
    kinds.into_iter().max_by_key(rank).unwrap_or(Kind::Network)
}

impl Diagnostic for HttpError {
    fn kind(&self) -> Kind {
        match self {
            Self::BadUrl { .. }
            | Self::BadProxy { .. }
            | Self::ProxyRefused { .. }
            | Self::NoMirror { .. } => Kind::Usage,
            Self::TooLarge { .. } | Self::WrongSize { .. } | Self::WrongHash { .. } => {
                Kind::Integrity
            }
            Self::AllMirrors { failures } => gravest(failures.iter().map(Self::kind)),
            Self::Disk(error) => error.kind(),
            _ => Kind::Network,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Offline { .. } => "offline",
            Self::BadUrl { .. } => "bad-url",
            Self::BadProxy { .. } => "bad-proxy",
            Self::ProxyRefused { .. } => "proxy-refused",
            Self::Connect { .. } => "cannot-connect",
            Self::Tls { .. } => "tls-failed",
            Self::TlsSetup { .. } => "tls-setup-failed",
            Self::Redirect { .. } => "bad-redirect",
            Self::Status { status: 404 | 410, .. } => "not-on-mirror",
            Self::Status { .. } => "bad-status",
            Self::Stalled { .. } => "stalled",
            Self::Broken { .. } => "transfer-broken",
            Self::Malformed { .. } => "bad-response",
            Self::Portal { .. } => "captive-portal",
            Self::TooLarge { .. } => "too-large",
            Self::WrongSize { .. } => "wrong-size",
            Self::WrongHash { .. } => "wrong-hash",
            Self::AllMirrors { .. } => "no-mirror-delivered",
            Self::NoMirror { .. } => "no-mirror-named",
            Self::Disk(error) => error.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Offline { .. } => "run the command once without --offline to fill the cache",
            Self::BadUrl { .. } => {
                "mirrors are http:// or https:// URLs: check --mirror and versions.toml"
            }
            Self::BadProxy { variable, .. } => {
                return vec![format!(
                    "set it as {variable}=http://proxy.example:3128, or unset it"
                )];
            }
            Self::ProxyRefused { variable, .. } => {
                return vec![format!(
                    "check {variable} (user and password too), or exempt the host in NO_PROXY"
                )];
            }
            Self::Connect { .. } => "check the network, or name another mirror with --mirror",
            Self::Tls { .. } => {
                "behind a company proxy, name its CA in SSL_CERT_FILE; a wrong clock has the same effect"
            }
            Self::TlsSetup { .. } => {
                "install ca-certificates or set SSL_CERT_FILE; an http:// mirror works without"
            }
            Self::Redirect { .. } => "name the final address with --mirror",
            Self::Status { status: 401 | 403 | 407, .. } => {
                "the mirror or a proxy forbids it: try another --mirror, check HTTP_PROXY and NO_PROXY"
            }
            Self::Status { status: 404 | 410, .. } => {
                "the mirror no longer has the file: name another --mirror, or run \
                 `reml-toolchain lock --update --write`"
            }
            Self::Status { .. } | Self::Stalled { .. } | Self::Broken { .. } => {
                "run the same command again: what is there already is kept"
            }
            Self::Malformed { .. } => {
                "something between here and the mirror is not HTTP: try another --mirror"
            }
            Self::Portal { .. } => {
                "open a web page in a browser, log in, then run the same command"
            }
            Self::TooLarge { .. } | Self::WrongSize { .. } | Self::WrongHash { .. } => {
                "the bytes were refused; another --mirror may have the right ones"
            }
            Self::NoMirror { .. } => "name one with --mirror",
            Self::AllMirrors { failures } => {
                let mut hints: Vec<String> = Vec::new();
                for hint in failures.iter().flat_map(Self::hints) {
                    if !hints.contains(&hint) {
                        hints.push(hint);
                    }
                }
                return hints;
            }
            Self::Disk(error) => return error.hints(),
        };
        vec![hint.into()]
    }
}
