//! One request, one answer: the only file that knows which HTTP and TLS crates do the work. It must
//! never follow a redirect, retry, ask for a compressed body, or load certificates for plain http.

use std::error::Error;
use std::io::{self, Read as _};
use std::sync::{Arc, OnceLock};

use reqwest::Certificate;
use reqwest::blocking::{Client, Response};
use rustls::crypto::{CryptoProvider, ring};
use url::Url;

use super::Config;
use super::error::HttpError;
use super::proxy::Choice;
use super::stall::Stall;
use super::text::{printable, shown};
use crate::host::fs::{self, EntryKind};

/// The largest file of certificates that is read, in bytes; the platforms' own have 0.2 MB.
const LARGEST_BUNDLE: u64 = 16 << 20;

/// How requests leave this machine.
#[derive(Debug)]
pub(super) struct Transport {
    config: Config,
    plain: OnceLock<Result<Client, String>>,
    secure: OnceLock<Result<Client, String>>,
}

/// A response whose head is in; the body follows on demand.
#[derive(Debug)]
pub(super) struct Answer(Response);

/// Why a body ended before its end.
#[derive(Debug)]
pub(super) enum Cut {
    /// Nothing came for the whole window.
    Silent,
    /// The connection or its framing broke.
    Broken(String),
}

impl Transport {
    pub(super) const fn new(config: Config) -> Self {
        Self { config, plain: OnceLock::new(), secure: OnceLock::new() }
    }

    /// Sends one GET with these further headers.
    ///
    /// # Errors
    /// Whatever keeps a response head from coming in.
    pub(super) fn get(&self, url: &Url, headers: &[(&str, String)]) -> Result<Answer, HttpError> {
        let choice = self.config.proxies.choose(url)?;
        let secure = [url.scheme(), choice.as_ref().map_or("", |choice| choice.url.scheme())];
        let client = if secure.contains(&"https") { self.secure() } else { self.plain() };
        let client = client.as_ref().map_err(|cause| {
            let (url, cause) = (shown(url), cause.clone());
            HttpError::TlsSetup { url, cause }
        })?;
        let mut request = client.get(url.clone());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request.send().map(Answer).map_err(|error| self.explain(url, choice.as_ref(), &error))
    }

    /// The client for plain http. It trusts no certificate at all, so that it needs no CA store,
    /// and an https request that came here by mistake would fail.
    fn plain(&self) -> &Result<Client, String> {
        self.plain.get_or_init(|| {
            let config =
                rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                    .with_safe_default_protocol_versions()
                    .map_err(|error| error.to_string())?
                    .with_root_certificates(rustls::RootCertStore::empty())
                    .with_no_client_auth();
            self.build(|builder| builder.tls_backend_preconfigured(config))
        })
    }

    /// The client for https, with the platform's own trust (on Linux also `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR`, so that a company's CA works); built when first needed.
    fn secure(&self) -> &Result<Client, String> {
        self.secure.get_or_init(|| {
            if CryptoProvider::get_default().is_none() {
                // Losing a race against another thread leaves the same provider in place.
                let _ = ring::default_provider().install_default();
            }
            let roots = self.extra_roots().map_err(|error| error.to_string())?;
            self.build(|builder| builder.tls_backend_rustls().tls_certs_merge(roots))
        })
    }

    /// The certificates that the configuration trusts beside the platform's.
    fn extra_roots(&self) -> Result<Vec<Certificate>, HttpError> {
        let mut roots = Vec::new();
        for path in &self.config.extra_roots {
            let files = match fs::stat(path)? {
                Some(found) if found.is_dir() => {
                    let entries = fs::read_dir_sorted(path)?.into_iter();
                    entries.filter(|e| e.kind != EntryKind::Dir).map(|entry| entry.path).collect()
                }
                _ => vec![path.clone()],
            };
            for file in files {
                // A folder of certificates may hold other files too; they contribute nothing.
                let pem = fs::read_at_most(&file, LARGEST_BUNDLE)?;
                roots.extend(Certificate::from_pem_bundle(&pem).unwrap_or_default());
            }
        }
        Ok(roots)
    }

    fn build(
        &self,
        tls: impl FnOnce(reqwest::blocking::ClientBuilder) -> reqwest::blocking::ClientBuilder,
    ) -> Result<Client, String> {
        let proxies = self.config.proxies.clone();
        // A malformed variable was refused before the request, so an error here is never "direct".
        let proxy = move |url: &Url| {
            proxies.choose(url).ok().flatten().map(|choice| String::from(choice.url))
        };
        let builder = Client::builder()
            .user_agent(&self.config.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            // For the head and for each read of the body, not for the whole.
            .timeout(self.config.stall.window)
            .connect_timeout(self.config.connect_timeout)
            .proxy(reqwest::Proxy::custom(proxy));
        tls(builder).build().map_err(|error| deepest(&error))
    }

    /// Turns the crates' error into ours.
    fn explain(&self, url: &Url, choice: Option<&Choice>, error: &reqwest::Error) -> HttpError {
        let cause = deepest(error);
        let url_shown = shown(url);
        let host = printable(url.host_str().unwrap_or_default());
        if error.is_connect() {
            if find::<rustls::Error>(error).is_some() {
                return HttpError::Tls { url: url_shown, host, cause };
            }
            let Some(choice) = choice else {
                return HttpError::Connect { url: url_shown, host, cause };
            };
            let (proxy, variable) = (choice.shown(), choice.variable.clone());
            // What an HTTP proxy answers is no I/O error; everything below it is. A SOCKS error does
            // not tell the two apart.
            let socks = choice.url.scheme().starts_with("socks");
            return if socks || find::<io::Error>(error).is_some() {
                let host = format!("{host} through the proxy {proxy} (from {variable})");
                HttpError::Connect { url: url_shown, host, cause }
            } else {
                HttpError::ProxyRefused { url: url_shown, proxy, variable, cause }
            };
        }
        if error.is_timeout() {
            let Stall { floor, window } = self.config.stall;
            return HttpError::Stalled { url: url_shown, got: 0, whole: None, floor, window };
        }
        let protocol = find::<hyper::Error>(error);
        if protocol.is_some_and(hyper::Error::is_incomplete_message)
            || find::<io::Error>(error).is_some()
        {
            return HttpError::Broken { url: url_shown, got: 0, whole: None, cause };
        }
        HttpError::Malformed { url: url_shown, cause }
    }

    /// The proxy a URL goes through and the variable that says so, both fit for messages.
    pub(super) fn via(&self, url: &Url) -> Option<(String, String)> {
        let choice = self.config.proxies.choose(url).ok().flatten()?;
        Some((choice.shown(), choice.variable))
    }
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// A header's raw bytes.
    pub(super) fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.headers().get(name).map(reqwest::header::HeaderValue::as_bytes)
    }

    /// A header's text, when it is visible ASCII.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }

    /// The next bytes of the body; 0 is its orderly end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Cut> {
        self.0.read(buffer).map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
            if inner.is_some_and(reqwest::Error::is_timeout) {
                Cut::Silent
            } else {
                Cut::Broken(inner.map_or_else(|| deepest(&error), |inner| deepest(inner)))
            }
        })
    }
}

/// The innermost reason, fit for a message: the outer ones only say "error sending request".
fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    printable(&last.to_string())
}

/// The first error of type `E` in the chain, also inside an [`io::Error`].
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        // An I/O error's source is its content's source: the content itself must be looked at too.
        let content = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match content {
            Some(content) => Some(content),
            None => error.source(),
        };
    }
    None
}
