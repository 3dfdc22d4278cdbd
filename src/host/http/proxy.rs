//! Which proxy a URL goes through, by the variables curl(1) reads. Pure: the environment comes in
//! as a value. A malformed variable must never mean "direct".

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::error::HttpError;
use super::text::{mask, shown};

/// The proxy variables of an environment.
///
/// As in curl(1), names in lower case go first and empty values count as unset. Other than curl,
/// `HTTP_PROXY` is taken too unless `REQUEST_METHOD` is set, which marks a CGI program where a
/// client chooses that variable (CVE-2016-5385).
#[derive(Clone, Default)]
pub struct Proxies {
    variables: Vec<(String, String)>,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.summary()).finish()
    }
}

/// The proxy chosen for a URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Choice {
    pub(super) url: Url,
    pub(super) variable: String,
}

impl Choice {
    /// The proxy without its credentials.
    pub(super) fn shown(&self) -> String {
        shown(&self.url)
    }
}

const NAMES: [&str; 9] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "REQUEST_METHOD",
];

impl Proxies {
    /// Keeps what matters of an environment.
    pub fn from_variables<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .filter(|(name, value): &(String, String)| {
                NAMES.contains(&name.as_str()) && !value.is_empty()
            })
            .collect();
        Self { variables }
    }

    /// The variables in force as `NAME=value`, credentials masked: what `-v` shows.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        let shown = |(name, value): &(String, String)| format!("{name}={}", mask(value));
        self.variables.iter().filter(|(name, _)| name != "REQUEST_METHOD").map(shown).collect()
    }

    /// The proxy for `url`, or none.
    ///
    /// # Errors
    /// [`HttpError::BadProxy`] when the variable that applies is malformed.
    pub fn choose(&self, url: &Url) -> Result<Option<Choice>, HttpError> {
        let names: &[&str] = match (url.scheme(), self.value("REQUEST_METHOD")) {
            ("https", _) => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            (_, None) => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
            (_, Some(_)) => &["http_proxy", "all_proxy", "ALL_PROXY"],
        };
        let Some((variable, value)) = names.iter().find_map(|n| Some((*n, self.value(n)?))) else {
            return Ok(None);
        };
        let exempt = self.value("no_proxy").or_else(|| self.value("NO_PROXY"));
        if exempt.is_some_and(|list| is_exempt(list, url)) {
            return Ok(None);
        }
        let url = parse(value).map_err(|reason| HttpError::BadProxy {
            variable: variable.into(),
            value: mask(value),
            reason,
        })?;
        Ok(Some(Choice { url, variable: variable.into() }))
    }

    /// The variable that would apply to `url` and cannot be used, with what is wrong with it.
    #[must_use]
    pub fn problem(&self, url: &str) -> Option<(String, String)> {
        match self.choose(&Url::parse(url).ok()?) {
            Err(HttpError::BadProxy { variable, value, reason }) => {
                let text = HttpError::BadProxy { variable: variable.clone(), value, reason };
                Some((variable, text.to_string()))
            }
            _ => None,
        }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a proxy's address; without a scheme it is http, without a port 1080 (443 for https), both
/// as curl has it.
fn parse(value: &str) -> Result<Url, String> {
    let full = if value.contains("://") { value.into() } else { format!("http://{value}") };
    let mut url = Url::parse(&full).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h" => {}
        other => {
            return Err(format!("expected http, https, socks4 or socks5, got {other}"));
        }
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it names no host".into());
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("expected a host and a port, got more".into());
    }
    // `Url` drops a scheme's usual port, so the text decides whether one was given.
    let given = full.rsplit('@').next().unwrap_or_default();
    let given = given.split_once("://").map_or(given, |(_, rest)| rest);
    let given = given.rsplit(']').next().unwrap_or_default().contains(':');
    if !given && url.scheme() != "https" {
        url.set_port(Some(1080)).map_err(|()| "it takes no port".to_string())?;
    }
    Ok(url)
}

/// Whether the list (commas or blanks between) names the URL's host: `*`, a domain with or without
/// its leading dot, an address, a network (`10.0.0.0/8`), each but `*` also with `:port`.
fn is_exempt(list: &str, url: &Url) -> bool {
    let Some(host) = url.host() else { return false };
    list.split([',', ' ', '\t', '\n']).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        let (name, port) = split_port(entry);
        port.is_none_or(|port| url.port_or_known_default() == Some(port)) && matches(name, &host)
    })
}

/// Splits `host:port`; a bare IPv6 address has no port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
            port.parse().map_or((entry, None), |port| (name, Some(port)))
        }
        _ => (entry, None),
    }
}

fn matches(name: &str, host: &Host<&str>) -> bool {
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let address = match host {
        Host::Domain(domain) => {
            let bare = name.trim_start_matches('.').trim_end_matches('.').to_ascii_lowercase();
            let domain = domain.trim_end_matches('.').to_ascii_lowercase();
            let below =
                domain.strip_suffix(&bare).map(|rest| rest.is_empty() || rest.ends_with('.'));
            return !bare.is_empty() && below.unwrap_or(false);
        }
        Host::Ipv4(address) => IpAddr::V4(*address),
        Host::Ipv6(address) => IpAddr::V6(*address),
    };
    let (network, bits) = match name.split_once('/') {
        Some((network, bits)) => (network, bits.parse::<u32>().ok()),
        None => (name, Some(128)),
    };
    match (network.parse(), address, bits) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address), Some(bits)) => {
            let differ = network.to_bits() ^ address.to_bits();
            differ.checked_shr(32_u32.saturating_sub(bits)).unwrap_or(0) == 0
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(address), Some(bits)) => {
            let differ = network.to_bits() ^ address.to_bits();
            differ.checked_shr(128_u32.saturating_sub(bits)).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let proxies = Proxies::from_variables(variables.iter().copied());
        let choice = proxies.choose(&Url::parse(url).unwrap()).unwrap();
        choice.map(|choice| format!("{} {}", choice.variable, choice.url))
    }

    #[test]
    fn g18_each_scheme_has_its_variable_and_lower_case_goes_first() {
        let all = [
            ("HTTP_PROXY", "upper:1"),
            ("http_proxy", "lower:2"),
            ("HTTPS_PROXY", "https://secure"),
            ("ALL_PROXY", "socks5h://all:3"),
        ];
        assert_eq!(choose(&all, "http://a/").unwrap(), "http_proxy http://lower:2/");
        assert_eq!(choose(&all, "https://a/").unwrap(), "HTTPS_PROXY https://secure/");
        assert_eq!(choose(&all[3..], "https://a/").unwrap(), "ALL_PROXY socks5h://all:3");
        assert_eq!(choose(&[], "https://a/"), None);
        assert_eq!(choose(&[("http_proxy", "")], "http://a/"), None);
        assert_eq!(choose(&[("http_proxy", "p")], "https://a/"), None);
    }

    #[test]
    fn g18_http_proxy_in_capitals_is_ignored_in_a_cgi_program() {
        let variables = [("HTTP_PROXY", "p:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(choose(&variables, "http://a/"), None);
        assert!(choose(&variables[..1], "http://a/").is_some());
    }

    #[test]
    fn g18_a_port_left_out_is_1080_as_in_curl() {
        for (value, expected) in [
            ("p", "http://p:1080/"),
            ("http://p", "http://p:1080/"),
            ("http://u:w@p:80", "http://u:w@p/"),
            ("[::1]", "http://[::1]:1080/"),
            ("[::1]:8", "http://[::1]:8/"),
            ("https://p", "https://p/"),
            ("socks5://p", "socks5://p:1080"),
        ] {
            assert_eq!(parse(value).unwrap().as_str(), expected, "{value}");
        }
    }

    #[test]
    fn g18_no_proxy_takes_suffixes_dots_stars_addresses_and_ports() {
        let exempt = |list: &str, url: &str| is_exempt(list, &Url::parse(url).unwrap());
        for (list, url) in [
            ("*", "http://a/"),
            ("debian.org", "http://ftp.debian.org/"),
            ("x, .debian.org", "http://ftp.debian.org/"),
            (".debian.org", "http://debian.org/"),
            ("DEBIAN.org", "http://debian.org./"),
            ("127.0.0.1", "http://127.0.0.1:8080/"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("10.0.0.0/8", "http://10.9.8.7/"),
            ("::1", "http://[::1]/"),
            ("[::1]:80", "http://[::1]/"),
            ("fd00::/8", "http://[fd12::1]/"),
            ("a:443", "https://a/"),
            ("a b\tc", "http://b/"),
            ("0.0.0.0/0", "http://1.2.3.4/"),
        ] {
            assert!(exempt(list, url), "{list} should exempt {url}");
        }
        for (list, url) in [
            ("", "http://a/"),
            (".", "http://a/"),
            ("bian.org", "http://debian.org/"),
            ("ftp.debian.org", "http://debian.org/"),
            ("127.0.0.1:81", "http://127.0.0.1:8080/"),
            ("10.0.0.0/8", "http://11.0.0.1/"),
            ("10.0.0.0/x", "http://10.0.0.1/"),
            ("a:443", "http://a/"),
            ("a.*", "http://a.b/"),
        ] {
            assert!(!exempt(list, url), "{list} should not exempt {url}");
        }
    }

    #[test]
    fn g19_a_malformed_proxy_is_an_error_that_names_its_variable() {
        for value in ["http://", "http://u:secret@p:99999", "ftp://p", "http://p/path", "a b", ":1"]
        {
            let proxies = Proxies::from_variables([("https_proxy", value)]);
            let error = proxies.choose(&Url::parse("https://a/").unwrap()).err().unwrap();
            let text = error.to_string();
            assert!(text.starts_with("https_proxy: malformed"), "{value}: {text}");
            assert!(!text.contains("secret"), "{text}");
            // The variable of another scheme does no harm.
            assert!(proxies.choose(&Url::parse("http://a/").unwrap()).unwrap().is_none());
        }
    }

    #[test]
    fn g18_what_is_shown_has_no_password() {
        let proxies =
            Proxies::from_variables([("http_proxy", "http://u:secret@p:1"), ("HOME", "/")]);
        assert_eq!(proxies.summary(), ["http_proxy=http://***@p:1"]);
        assert!(!format!("{proxies:?}").contains("secret"));
    }
}
