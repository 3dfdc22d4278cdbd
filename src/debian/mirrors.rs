//! Which mirrors are asked, in which order: the one the user named and no other; else the
//! one in the machine's own apt sources, which its owner chose; else the official list.
//! Pure: it reads texts that others fetched. What the host names is never written down.

use std::fmt::Write as _;

use super::date::{Civil, Timestamp};
use crate::pins::versions::Mirrors;

/// Which of Debian's archives a suite lives in. They are mirrored separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Archive {
    /// Releases and their updates.
    Main,
    /// Security updates.
    Security,
}

impl Archive {
    /// The archive of a suite, by its codename.
    #[must_use]
    pub fn of_suite(codename: &str) -> Self {
        if codename.ends_with("-security") { Self::Security } else { Self::Main }
    }

    /// The archive of a file in a pool: security keeps its own below `pool/updates/`.
    #[must_use]
    pub fn of_pool_path(path: &str) -> Self {
        if path.starts_with("pool/updates/") { Self::Security } else { Self::Main }
    }

    /// Its name on mirrors and in the snapshot service.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "debian",
            Self::Security => "debian-security",
        }
    }

    /// What `Label` says in its Release files.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Main => "Debian",
            Self::Security => "Debian-Security",
        }
    }
}

/// Base URLs by archive, each list in the order of asking.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MirrorList {
    main: Vec<String>,
    security: Vec<String>,
}

impl MirrorList {
    /// The mirror at `url` and no other. Its security archive lies beside it, as on
    /// every mirror that has both: `…/debian` and `…/debian-security`.
    #[must_use]
    pub fn only(url: &str) -> Self {
        let url = url.trim_end_matches('/');
        Self { main: vec![url.to_owned()], security: vec![format!("{url}-security")] }
    }

    /// One mirror of one archive, and none of the other.
    #[must_use]
    pub fn of_archive(archive: Archive, url: String) -> Self {
        let mut list = Self::default();
        list.add(archive, url);
        list
    }

    /// The host's own mirrors, then the pinned ones.
    #[must_use]
    pub fn of_host(apt_sources: &[String], suites: &[String], pinned: &Mirrors) -> Self {
        let mut list = Self::default();
        for source in apt_sources.iter().flat_map(|text| apt_uris(text)) {
            let (uri, suite) = source;
            if suites.contains(&suite) {
                list.add(Archive::of_suite(&suite), uri);
            }
        }
        for (archive, urls) in
            [(Archive::Main, &pinned.main), (Archive::Security, &pinned.security)]
        {
            for url in urls {
                list.add(archive, url.clone());
            }
        }
        list
    }

    fn add(&mut self, archive: Archive, url: String) {
        let list = match archive {
            Archive::Main => &mut self.main,
            Archive::Security => &mut self.security,
        };
        if !list.contains(&url) {
            list.push(url);
        }
    }

    /// The base URLs of an archive.
    #[must_use]
    pub fn of(&self, archive: Archive) -> &[String] {
        match archive {
            Archive::Main => &self.main,
            Archive::Security => &self.security,
        }
    }

    /// Where a file of a pool may be had.
    #[must_use]
    pub fn pool(&self, path: &str) -> Vec<String> {
        self.of(Archive::of_pool_path(path))
            .iter()
            .map(|base| format!("{base}/{}", escape(path)))
            .collect()
    }

    /// Where a file of a suite may be had; `path` is relative to the suite's folder.
    #[must_use]
    pub fn dists(&self, suite: &str, path: &str) -> Vec<String> {
        let bases = self.of(Archive::of_suite(suite));
        bases.iter().map(|base| format!("{base}/dists/{suite}/{}", escape(path))).collect()
    }
}

/// Where the snapshot service has a pool file, by the time (Unix seconds) at which a suite
/// that listed it was published. The service answers with the state in force then.
#[must_use]
pub fn snapshot(base: &str, path: &str, seconds: i64) -> String {
    format!("{}/{}", snapshot_archive(base, Archive::of_pool_path(path), seconds), escape(path))
}

/// A whole archive of the snapshot service, as it was at a time (Unix seconds).
#[must_use]
pub fn snapshot_archive(base: &str, archive: Archive, seconds: i64) -> String {
    format!("{base}/{}/{}", archive.name(), compact_utc(seconds))
}

/// `20260711T101637Z`, as the snapshot service names its states.
fn compact_utc(seconds: i64) -> String {
    let Civil { year, month, day, hour, minute, second } = Timestamp(seconds).civil();
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// A path in a URL: the names of Debian's files need `+`, `~`, `:` and `%` kept apart.
fn escape(path: &str) -> String {
    let mut url = String::with_capacity(path.len());
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"/-._~+:".contains(&byte);
        if plain {
            url.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

/// The (URI, suite) pairs of an apt source file, in either of its formats
/// (sources.list(5)). Lines that are not understood are passed over: the file is the
/// host's, and every byte fetched is verified anyway.
fn apt_uris(text: &str) -> Vec<(String, String)> {
    let deb822 =
        text.lines().any(|line| line.trim_start().to_ascii_lowercase().starts_with("uris:"));
    let pairs = if deb822 { deb822_uris(text) } else { one_line_uris(text) };
    let usable = |uri: &String| uri.starts_with("http://") || uri.starts_with("https://");
    pairs.into_iter().filter(|(uri, _)| usable(uri)).collect()
}

fn one_line_uris(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let Some(rest) = line.trim().strip_prefix("deb ") else { continue };
        let rest = match rest.trim_start().strip_prefix('[') {
            Some(options) => options.split_once(']').map_or("", |(_, rest)| rest),
            None => rest,
        };
        let mut words = rest.split_whitespace();
        if let (Some(uri), Some(suite)) = (words.next(), words.next()) {
            pairs.push((uri.trim_end_matches('/').to_owned(), suite.to_owned()));
        }
    }
    pairs
}

fn deb822_uris(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for stanza in text.split("\n\n") {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in stanza.lines().filter(|line| !line.starts_with('#')) {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push_str(line);
                }
            } else if let Some((name, value)) = line.split_once(':') {
                fields.push((name.to_ascii_lowercase(), value.to_owned()));
            }
        }
        let words = |name: &str| -> Vec<&str> {
            let found = fields.iter().find(|(field, _)| field == name);
            found.map(|(_, value)| value.split_whitespace().collect()).unwrap_or_default()
        };
        if words("enabled").first() == Some(&"no") || !words("types").contains(&"deb") {
            continue;
        }
        for uri in words("uris") {
            for suite in words("suites") {
                pairs.push((uri.trim_end_matches('/').to_owned(), suite.to_owned()));
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suites() -> Vec<String> {
        ["bookworm", "bookworm-security"].map(str::to_owned).to_vec()
    }

    fn pinned() -> Mirrors {
        Mirrors {
            main: vec!["http://ftp.debian.org/debian".to_owned()],
            security: vec!["http://security.debian.org/debian-security".to_owned()],
            snapshot: "http://snapshot.debian.org/archive".to_owned(),
        }
    }

    fn hosts(text: &str) -> MirrorList {
        MirrorList::of_host(&[text.to_owned()], &suites(), &pinned())
    }

    #[test]
    fn the_hosts_own_mirror_comes_before_the_official_one() {
        let list = hosts(
            "# mine\ndeb [arch=amd64 signed-by=/k] http://near/debian/ bookworm main\ndeb-src http://src/debian bookworm main\n",
        );
        assert_eq!(list.of(Archive::Main), ["http://near/debian", "http://ftp.debian.org/debian"]);
    }

    #[test]
    fn the_newer_format_is_read_with_several_uris_and_suites() {
        let list = hosts(
            "Types: deb\nURIs: http://a/debian\n https://b/debian\nSuites: bookworm bookworm-updates\n\nEnabled: no\nTypes: deb\nURIs: http://off/debian\nSuites: bookworm\n\nTypes: deb\nURIs: http://s/debian-security\nSuites: bookworm-security\n",
        );
        assert_eq!(list.of(Archive::Main)[..2], ["http://a/debian", "https://b/debian"]);
        assert_eq!(list.of(Archive::Main).len(), 3);
        assert_eq!(list.of(Archive::Security)[0], "http://s/debian-security");
    }

    #[test]
    fn other_distributions_other_releases_and_other_schemes_are_passed_over() {
        let list = hosts(
            "deb http://archive/ubuntu jammy main\ndeb cdrom:[x]/ bookworm main\ndeb file:/srv bookworm main\ndeb\ndeb [\n",
        );
        assert_eq!(list.of(Archive::Main), ["http://ftp.debian.org/debian"]);
    }

    #[test]
    fn a_named_mirror_is_the_only_one_and_has_security_beside_it() {
        let list = MirrorList::only("http://m/debian/");
        assert_eq!(
            list.dists("bookworm", "InRelease"),
            ["http://m/debian/dists/bookworm/InRelease"]
        );
        assert_eq!(
            list.pool("pool/updates/main/z/z_1~2+b1_all.deb"),
            ["http://m/debian-security/pool/updates/main/z/z_1~2+b1_all.deb"]
        );
    }

    #[test]
    fn the_snapshot_service_is_asked_by_time_and_archive() {
        assert_eq!(
            snapshot(
                "http://s/archive",
                "pool/main/g/glibc/libc6_2.36-9+deb12u14_amd64.deb",
                1_783_764_997
            ),
            "http://s/archive/debian/20260711T101637Z/pool/main/g/glibc/libc6_2.36-9+deb12u14_amd64.deb"
        );
        assert_eq!(compact_utc(951_782_400), "20000229T000000Z");
        assert_eq!(compact_utc(0), "19700101T000000Z");
    }

    #[test]
    fn percent_signs_and_blanks_of_file_names_are_escaped() {
        assert_eq!(escape("pool/a_1%3a2 x.deb"), "pool/a_1%253a2%20x.deb");
    }
}
