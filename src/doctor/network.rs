//! The network as a run would use it: proxies, trusted certificates, and, unless it is
//! forbidden, each mirror asked once for a small signed file, all at the same time.

use std::path::{Path, PathBuf};

use super::World;
use super::facts::{Mirror, Network};
use crate::debian::mirrors::Archive;
use crate::host::http::{Reach, mask};
use crate::host::progress::Event;
use crate::host::{clock, fs};
use crate::pins::Pins;

/// The largest InRelease that is read, in bytes: as apt's limit.
const LIMIT: u64 = 10_000_000;

/// Where Linux systems keep the certificates that they trust.
const CERTIFICATES: [&str; 6] = [
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/ssl/cert.pem",
    "etc/pki/tls/cert.pem",
    "etc/ca-certificates/extracted/tls-ca-bundle.pem",
];

/// Looks at it.
pub(super) fn network(world: &World<'_>, pins: &Pins) -> Network {
    let is_offline = world.client.reach() == Reach::Offline;
    let suites = pins.releases.values().flat_map(|release| &release.suites);
    let mut wanted: Vec<(Archive, String)> = Vec::new();
    for suite in suites {
        let archive = Archive::of_suite(suite);
        // One suite of each archive is enough.
        if wanted.iter().any(|(known, _)| *known == archive) {
            continue;
        }
        wanted
            .extend(world.mirrors.dists(suite, "InRelease").into_iter().map(|url| (archive, url)));
    }
    let proxies = world.proxies.summary();
    let addresses =
        || wanted.iter().map(|(_, url)| url.as_str()).chain(proxies.iter().map(String::as_str));
    let problem = wanted.iter().find_map(|(_, url)| world.proxies.problem(url));
    Network {
        is_offline,
        proxy_problem: problem,
        needs_tls: addresses().any(|address| address.contains("https://")),
        tls_problem: tls_problem(world),
        mirrors: if is_offline { listed(&wanted) } else { ask(world, &wanted) },
        proxies,
    }
}

fn mirror(archive: Archive, url: &str) -> Mirror {
    let base = url.split("/dists/").next().unwrap_or(url);
    Mirror { archive: archive.name(), url: mask(base), ..Mirror::default() }
}

fn listed(wanted: &[(Archive, String)]) -> Vec<Mirror> {
    wanted.iter().map(|(archive, url)| mirror(*archive, url)).collect()
}

fn ask(world: &World<'_>, wanted: &[(Archive, String)]) -> Vec<Mirror> {
    let text = format!("  asking   {} mirrors …", wanted.len());
    world.progress.event(Event::Note { text });
    std::thread::scope(|scope| {
        let one = |(archive, url): &(Archive, String)| {
            let mirror = mirror(*archive, url);
            let url = url.clone();
            scope.spawn(move || {
                let start = clock::instant();
                match world.client.fetch_bytes(&url, LIMIT) {
                    Ok(response) => Mirror {
                        milliseconds: u64::try_from(start.elapsed().as_millis()).ok(),
                        clock_ahead: response.date.and_then(clock::ahead_of),
                        ..mirror
                    },
                    Err(error) => Mirror { problem: Some(error.to_string()), ..mirror },
                }
            })
        };
        let threads: Vec<_> = wanted.iter().map(one).collect();
        let answer = |thread: std::thread::ScopedJoinHandle<'_, Mirror>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(answer).collect()
    })
}

/// What keeps https addresses from being trusted.
fn tls_problem(world: &World<'_>) -> Option<String> {
    let is_there = |path: &Path| fs::resolve(path).is_ok();
    let named: Vec<(&str, PathBuf)> = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .filter_map(|name| Some((name, PathBuf::from(world.env.var(name)?))))
        .collect();
    if let Some((name, path)) = named.iter().find(|(_, path)| !is_there(path)) {
        return Some(format!("{name} names {}, where nothing lies", path.display()));
    }
    let has_own = CERTIFICATES.iter().any(|place| is_there(&world.ground.root.join(place)));
    let is_linux = world.ground.os == "linux";
    (is_linux && named.is_empty() && !has_own)
        .then(|| "this machine has no certificates of authorities".to_owned())
}
