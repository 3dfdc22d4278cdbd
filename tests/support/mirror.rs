//! A small, complete, signed Debian archive on loopback: three suites of bookworm for two
//! machines, and every way to spoil it before or after the signature. The packages are the
//! same bytes each time. Never serves anything beyond 127.0.0.1.
#![allow(dead_code, reason = "each test program uses its own part of this module")]
#![allow(unused_imports, reason = "as above")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::archive::Compression;
use super::server::Server;
use super::signer::{SigningKey, certificate};

mod date;
pub mod elf;
mod glibc;
mod package;
mod pins;
mod suite;
mod sysroot;
mod tools;

pub use date::{http_date, release_date, snapshot_stamp};
pub use package::{Member, Offer, Package};
pub use suite::{Archive, Suite};
pub use sysroot::{GCC, GLIBC, LINUX, MACHINES, Machine, SECURITY_LINUX};
pub use tools::{LLVM, QEMU};

/// When the keys say they were made: 2023-01-01, before anything they sign.
const KEYS_MADE: u64 = 1_672_531_200;
const DAY: u64 = 86_400;

/// The archive, its server and its key. It goes away with its value.
pub struct Mirror {
    root: TempDir,
    server: Server,
    suites: Vec<Suite>,
    key: Arc<SigningKey>,
    published: BTreeSet<String>,
}

impl Mirror {
    /// Debian 12 as of now, published.
    pub fn bookworm() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        Self::bookworm_at(now.as_secs())
    }

    /// Debian 12 as of `now` (Unix seconds), published: the point release 135 days old,
    /// updates one day, security two, and valid for five more.
    pub fn bookworm_at(now: u64) -> Self {
        let root = memory_folder();
        let server = Server::start_dir(root.path());
        server.date(&http_date(now));
        let key = throwaway_key(1);
        let changelogs = format!("{}_changelog", server.url("changelogs/@CHANGEPATH@"));
        let suites = [
            (Archive::Main, "bookworm", now - 135 * DAY),
            (Archive::Main, "bookworm-updates", now - DAY),
            (Archive::Security, "bookworm-security", now - 2 * DAY),
        ];
        let suites =
            suites.into_iter().zip(default_offers()).map(|((archive, name, date), own)| {
                let mut suite = Suite::new(archive, name, date, own.clone());
                suite.sign_with(&[Arc::clone(&key)]);
                suite.changelogs = (name == "bookworm").then(|| changelogs.clone());
                suite
            });
        let suites = suites.collect();
        let mut mirror = Self { root, server, suites, key, published: BTreeSet::new() };
        mirror.publish();
        mirror
    }

    /// The server, for faults and for what it has seen.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The folder that is served.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The base URL of the main archive, for `--mirror`.
    pub fn url(&self) -> String {
        self.server.url(Archive::Main.folder())
    }

    /// The base URL of the security archive.
    pub fn security_url(&self) -> String {
        self.server.url(Archive::Security.folder())
    }

    /// The base URL of the snapshots, see [`Mirror::take_snapshot`].
    pub fn snapshot_url(&self) -> String {
        self.server.url("snapshot")
    }

    /// A `versions.toml` for this archive.
    pub fn versions_toml(&self) -> String {
        pins::versions_toml(&self.url(), &self.security_url(), &self.snapshot_url())
    }

    /// The key that signs every suite unless a test says otherwise.
    pub fn key(&self) -> Arc<SigningKey> {
        Arc::clone(&self.key)
    }

    /// The certificate of that key, binary: a file for `--keyring`.
    pub fn keyring(&self) -> Vec<u8> {
        keyring(&[self.key()])
    }

    /// A suite, to be changed; [`Mirror::publish`] makes the change public.
    pub fn suite(&mut self, codename: &str) -> &mut Suite {
        let suite = self.suites.iter_mut().find(|suite| suite.codename == codename);
        suite.unwrap_or_else(|| panic!("no suite {codename}"))
    }

    /// Dates each suite so many seconds later, as a mirror update does.
    pub fn pass_time(&mut self, seconds: u64) {
        for suite in &mut self.suites {
            suite.date += seconds;
            suite.valid_until = suite.valid_until.map(|until| until + seconds);
        }
    }

    /// Builds, signs and serves all suites as they are now. What is no longer part of them
    /// is gone from the pool; indices by hash of earlier times stay, as Debian keeps them.
    pub fn publish(&mut self) {
        let mut files = BTreeSet::new();
        for (path, bytes) in self.suites.iter().flat_map(Suite::files) {
            write(&self.root.path().join(&path), &bytes);
            files.insert(path);
        }
        for path in self.published.difference(&files) {
            if !path.contains("/by-hash/") && !path.starts_with("snapshot/") {
                let _ = fs::remove_file(self.root.path().join(path));
            }
        }
        let kept = self.published.iter().filter(|path| path.contains("/by-hash/")).cloned();
        files.extend(kept);
        self.published = files;
    }

    /// Keeps all that is served now under `snapshot/ARCHIVE/STAMP/`, as snapshot.debian.org
    /// does, where the stamp is the `Date` of each suite of the archive.
    pub fn take_snapshot(&self) {
        for suite in &self.suites {
            let (archive, stamp) = (suite.archive.folder(), snapshot_stamp(suite.date));
            for (path, bytes) in suite.files() {
                if let Some(path) = path.strip_prefix(&format!("{archive}/")) {
                    self.write(&format!("snapshot/{archive}/{stamp}/{path}"), &bytes);
                }
            }
        }
    }

    /// Where a suite's `InRelease` is served, below the server's root.
    pub fn inrelease_path(&self, codename: &str) -> String {
        let suite = self.suites.iter().find(|suite| suite.codename == codename);
        let suite = suite.unwrap_or_else(|| panic!("no suite {codename}"));
        format!("{}/dists/{codename}/InRelease", suite.archive.folder())
    }

    /// Where a published index is served: its plain path, and the one by hash.
    pub fn index_paths(
        &self,
        codename: &str,
        architecture: &str,
        compression: Compression,
    ) -> Vec<String> {
        let folder = self.inrelease_path(codename);
        let folder = folder.trim_end_matches("InRelease");
        let path = format!("{folder}{}", suite::index_path(architecture, compression));
        let by_hash = suite::by_hash(&path, &self.read(&path));
        let served = |path: &String| self.file(path).is_file();
        [path, by_hash].into_iter().filter(served).collect()
    }

    /// Where a package's .deb is served.
    pub fn deb_path(&self, codename: &str, name: &str, architecture: &str) -> String {
        let suite = self.suites.iter().find(|suite| suite.codename == codename);
        let suite = suite.unwrap_or_else(|| panic!("no suite {codename}"));
        format!("{}/{}", suite.archive.folder(), suite.offer(name, architecture).path)
    }

    /// Every published path, by-hash ones included.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.published.iter().map(String::as_str)
    }

    /// The bytes served at `path`.
    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Serves these bytes at `path` until the next [`Mirror::publish`].
    pub fn write(&self, path: &str, bytes: &[u8]) {
        write(&self.file(path), bytes);
    }

    /// Serves nothing at `path` until the next [`Mirror::publish`].
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.file(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Turns one bit in the middle of what is served at `path`.
    pub fn flip(&self, path: &str) {
        let mut bytes = self.read(path);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        self.write(path, &bytes);
    }

    /// Turns one bit in each published form of an index, by-hash copies included.
    pub fn flip_index(&self, codename: &str, architecture: &str) {
        let suite = self.suites.iter().find(|suite| suite.codename == codename);
        let suite = suite.unwrap_or_else(|| panic!("no suite {codename}"));
        for compression in &suite.compressions {
            for path in self.index_paths(codename, architecture, *compression) {
                self.flip(&path);
            }
        }
    }

    fn file(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }
}

/// A key that no one should trust, the same for the same seed; [`Mirror`] signs with 1.
pub fn throwaway_key(seed: u8) -> Arc<SigningKey> {
    Arc::new(SigningKey::ed25519(seed, KEYS_MADE))
}

/// The certificates of these keys in one binary file.
pub fn keyring(keys: &[Arc<SigningKey>]) -> Vec<u8> {
    let certify = |key: &Arc<SigningKey>| certificate(key, "Throwaway <test@example.org>");
    keys.iter().flat_map(certify).collect()
}

/// What each suite offers at first, built once in a test program.
fn default_offers() -> &'static [Vec<Arc<Offer>>; 3] {
    static OFFERS: OnceLock<[Vec<Arc<Offer>>; 3]> = OnceLock::new();
    OFFERS.get_or_init(|| {
        let offers = |archive: Archive, packages: Vec<Package>| {
            let offer = |package| Arc::new(Offer::new(package, archive.pool()));
            packages.into_iter().map(offer).collect()
        };
        let mut bookworm = sysroot::everywhere();
        let (mut updates, mut security) = (Vec::new(), Vec::new());
        for machine in &MACHINES {
            bookworm.extend(sysroot::bookworm(machine));
            bookworm.extend(tools::bookworm(machine));
            updates.extend(sysroot::updates(machine));
            security.extend(sysroot::security(machine));
            security.extend(tools::security(machine));
        }
        [
            offers(Archive::Main, bookworm),
            offers(Archive::Main, updates),
            offers(Archive::Security, security),
        ]
    })
}

/// A temporary folder that costs no disk, where the system has such a place for this user.
fn memory_folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a temporary folder")
}

fn write(file: &Path, bytes: &[u8]) {
    let folder = file.parent().expect("a file below the root");
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    fs::write(file, bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
