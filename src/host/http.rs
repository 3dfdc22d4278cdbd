//! HTTP: small files into memory, pinned files onto disk, from mirrors that may fail or lie. It must
//! never open a socket when offline, read more than was agreed beforehand, show credentials, or let
//! anything from a header become a path, a hash or a control sequence.
//!
//! Bytes that come from here are only as good as the check behind them: [`Client::download`] checks
//! a SHA-256 itself, whoever calls [`Client::fetch_bytes`] checks a signature.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use url::Url;

pub use download::{Downloaded, Expect};
pub use error::{HttpError, gravest};
pub use proxy::Proxies;
pub use retry::Backoff;
pub use stall::Stall;
pub use text::{hex, mask};

use redirect::Pinned;
use retry::Again;
use stall::Watchdog;
use text::shown;
use transport::{Answer, Cut, Transport};

mod download;
mod error;
mod proxy;
mod range;
mod redirect;
mod retry;
mod stall;
mod text;
mod transport;

/// Whether the network may be used at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Online,
    /// Every request is refused before a socket is opened.
    Offline,
}

/// How a [`Client`] behaves. Everything that tests want faster or different is a value.
#[derive(Clone)]
pub struct Config {
    /// The `User-Agent` header: name and version of the tool.
    pub user_agent: String,
    pub reach: Reach,
    pub proxies: Proxies,
    pub stall: Stall,
    pub backoff: Backoff,
    /// For all addresses of a host together, TLS included.
    pub connect_timeout: Duration,
    /// Certificate files, or folders of them, trusted beside the platform's own: what
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` say. Linux reads these variables anyway, macOS does not.
    pub extra_roots: Vec<PathBuf>,
    /// How to wait between attempts.
    pub sleep: Arc<dyn Fn(Duration) + Send + Sync>,
}

impl Config {
    /// The usual behaviour, without proxies.
    #[must_use]
    pub fn new(user_agent: impl Into<String>) -> Self {
        Self {
            user_agent: user_agent.into(),
            reach: Reach::Online,
            proxies: Proxies::default(),
            stall: Stall::default(),
            backoff: Backoff::default(),
            // Shared by the addresses of a host: of two, a dead one costs four seconds.
            connect_timeout: Duration::from_secs(8),
            extra_roots: Vec::new(),
            sleep: Arc::new(std::thread::sleep),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("user_agent", &self.user_agent)
            .field("reach", &self.reach)
            .field("proxies", &self.proxies)
            .field("stall", &self.stall)
            .field("backoff", &self.backoff)
            .field("connect_timeout", &self.connect_timeout)
            .field("extra_roots", &self.extra_roots)
            .finish_non_exhaustive()
    }
}

/// A small file, whole in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub bytes: Vec<u8>,
    /// The server's clock, to be compared with ours when a signature seems to come from the future.
    pub date: Option<SystemTime>,
    /// Where redirects led, masked.
    pub final_url: String,
}

/// Asks mirrors for files. Made without any system call; shared between threads.
#[derive(Debug)]
pub struct Client {
    config: Config,
    transport: Transport,
    /// Origins that did not even answer: they are not waited for twice.
    unreachable: Mutex<HashSet<String>>,
}

impl Client {
    #[must_use]
    pub fn new(config: Config) -> Self {
        let transport = Transport::new(config.clone());
        Self { config, transport, unreachable: Mutex::default() }
    }

    /// Whether the network may be used.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.config.reach
    }

    /// Fetches a file of at most `limit` bytes, with retries. An https address is never left for an
    /// http one.
    ///
    /// # Errors
    /// When offline, when the URL or a proxy variable is malformed, when no attempt brought the
    /// whole file, and when it is larger than `limit`.
    pub fn fetch_bytes(&self, url: &str, limit: u64) -> Result<Response, HttpError> {
        let url = self.admit(url)?;
        self.persist(&url, |_| {}, || self.fetch_once(&url, limit))
    }

    fn fetch_once(&self, url: &Url, limit: u64) -> Result<Response, HttpError> {
        let (mut answer, last) = self.request(url, &[], Pinned::No)?;
        if answer.status() != 200 {
            return Err(unasked_part(&last));
        }
        let whole = answer.header("content-length").and_then(|length| length.parse().ok());
        if whole.is_some_and(|whole: u64| whole > limit) {
            return Err(HttpError::TooLarge { url: shown(&last), limit });
        }
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 << 10];
        let mut watchdog = Watchdog::new(self.config.stall);
        loop {
            let got = bytes.len() as u64;
            let count = self.read(&mut answer, &mut buffer, &mut watchdog, &last, got, whole)?;
            if count == 0 {
                break;
            }
            bytes.extend_from_slice(&buffer[..count]);
            if bytes.len() as u64 > limit {
                return Err(HttpError::TooLarge { url: shown(&last), limit });
            }
        }
        if text::looks_like_a_page(answer.header("content-type"), &bytes) {
            return Err(HttpError::Portal { url: shown(&last) });
        }
        Ok(Response { bytes, date: date(&answer), final_url: shown(&last) })
    }

    /// Checks a URL before anything is sent.
    fn admit(&self, url: &str) -> Result<Url, HttpError> {
        if self.config.reach == Reach::Offline {
            return Err(HttpError::Offline { url: mask(url) });
        }
        let bad = |reason: String| HttpError::BadUrl { url: mask(url), reason };
        // The URL standard drops tabs and newlines silently; whoever wrote them meant no URL.
        if url.contains(char::is_control) {
            return Err(bad("it holds control characters".into()));
        }
        let parsed = Url::parse(url).map_err(|error| bad(error.to_string()))?;
        if matches!(parsed.scheme(), "http" | "https") {
            Ok(parsed)
        } else {
            Err(bad(format!("expected http or https, got {}", parsed.scheme())))
        }
    }

    /// Runs `attempt` until it succeeds or further attempts make no sense. `on_pause` hears why.
    fn persist<T>(
        &self,
        url: &Url,
        on_pause: impl Fn(String),
        mut attempt: impl FnMut() -> Result<T, HttpError>,
    ) -> Result<T, HttpError> {
        let origin = url.origin().ascii_serialization();
        let Backoff { retries, .. } = self.config.backoff;
        let mut tried = 0;
        loop {
            let error = match attempt() {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let unreachable = || self.unreachable.lock().unwrap_or_else(PoisonError::into_inner);
            let (most, asked) = match retry::again(&error) {
                Again::Never => (0, None),
                Again::Once if unreachable().contains(&origin) => (0, None),
                Again::Once => (retries.min(1), None),
                Again::After(wait) => (retries, wait),
            };
            if tried >= most {
                if matches!(error, HttpError::Connect { .. }) {
                    unreachable().insert(origin);
                }
                return Err(error);
            }
            let random = RandomState::new().hash_one(tried);
            let pause = self.config.backoff.pause(tried, random).max(asked.unwrap_or_default());
            on_pause(format!("{error}; next attempt in {:.1} s", pause.as_secs_f64()));
            (self.config.sleep)(pause);
            tried += 1;
        }
    }

    /// Sends a GET and follows redirects; the answer has status 200 or 206.
    fn request(
        &self,
        url: &Url,
        headers: &[(&str, String)],
        pinned: Pinned,
    ) -> Result<(Answer, Url), HttpError> {
        let mut at = url.clone();
        for hops in 0.. {
            let answer = self.transport.get(&at, headers)?;
            let status = answer.status();
            if matches!(status, 200 | 206) {
                return Ok((answer, at));
            }
            if redirect::is_redirect(status) {
                at = redirect::follow(&at, answer.header_bytes("location"), hops, pinned)?;
            } else {
                return Err(self.refused(&at, &answer));
            }
        }
        Err(HttpError::Redirect { url: shown(&at), reason: "there is no end to them".into() })
    }

    /// What a status other than success or redirect means.
    fn refused(&self, url: &Url, answer: &Answer) -> HttpError {
        let (status, url_shown) = (answer.status(), shown(url));
        match (status, self.transport.via(url)) {
            (511, _) => HttpError::Portal { url: url_shown },
            (407, Some((proxy, variable))) => {
                let cause = "status 407, it wants a user and a password".into();
                HttpError::ProxyRefused { url: url_shown, proxy, variable, cause }
            }
            _ => {
                let asked = answer.header("retry-after");
                let retry_after = asked.and_then(|value| retry::retry_after(value, date(answer)));
                HttpError::Status { url: url_shown, status, retry_after }
            }
        }
    }

    /// Reads the next bytes of a body under the watchdog; `got` and `whole` are for the message.
    fn read(
        &self,
        answer: &mut Answer,
        buffer: &mut [u8],
        watchdog: &mut Watchdog,
        url: &Url,
        got: u64,
        whole: Option<u64>,
    ) -> Result<usize, HttpError> {
        let Stall { floor, window } = self.config.stall;
        let stalled = || HttpError::Stalled { url: shown(url), got, whole, floor, window };
        let start = Instant::now();
        match answer.read(buffer) {
            Ok(count) if count == 0 || watchdog.note(start.elapsed(), count as u64) => Ok(count),
            Ok(_) | Err(Cut::Silent) => Err(stalled()),
            Err(Cut::Broken(cause)) => {
                Err(HttpError::Broken { url: shown(url), got, whole, cause })
            }
        }
    }
}

/// The response's `Date` header.
fn date(answer: &Answer) -> Option<SystemTime> {
    httpdate::parse_http_date(answer.header("date")?).ok()
}

/// 206 although no range was asked.
fn unasked_part(url: &Url) -> HttpError {
    let cause = "it holds a part although the whole file was asked (status 206)".into();
    HttpError::Malformed { url: shown(url), cause }
}
