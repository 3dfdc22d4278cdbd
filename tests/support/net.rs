//! An impatient client, a file to fetch and a record of what was told. It must never sleep for
//! real between attempts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reml_toolchain::host::http::{Client, Config, Downloaded, Expect, HttpError, Stall};
use reml_toolchain::host::progress::{Event, Progress};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::server::{Fault, Server};

/// The silence after which the client gives up, long enough for a busy machine.
pub const WINDOW: Duration = Duration::from_millis(400);

/// So many bytes that compress badly and differ by `seed`.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..size).map(step).collect()
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The pauses a client made.
pub type Pauses = Arc<Mutex<Vec<Duration>>>;

/// A configuration that gives up soon and notes its pauses instead of making them.
pub fn config() -> (Config, Pauses) {
    let pauses = Pauses::default();
    let noted = Arc::clone(&pauses);
    let mut config = Config::new("reml-toolchain/test");
    config.stall = Stall { floor: 1024, window: WINDOW };
    config.connect_timeout = Duration::from_secs(2);
    config.sleep = Arc::new(move |pause| noted.lock().unwrap().push(pause));
    (config, pauses)
}

/// Every event as text.
#[derive(Default)]
pub struct Record {
    pub lines: Mutex<Vec<String>>,
    pub advanced: Mutex<i64>,
}

impl Progress for Record {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Advance { bytes } => *self.advanced.lock().unwrap() += bytes,
            other => self.lines.lock().unwrap().push(format!("{other:?}")),
        }
    }
}

/// One file on one server, and a `.part` file for it.
pub struct Bench {
    pub server: Server,
    pub client: Client,
    pub pauses: Pauses,
    pub record: Record,
    pub body: Vec<u8>,
    folder: TempDir,
}

/// The path of the file on the server.
pub const FILE: &str = "pool/f.deb";

impl Bench {
    pub fn new() -> Self {
        let (server, (config, pauses)) = (Server::start(), config());
        let body = noise(1, 200_000);
        server.put(FILE, body.clone());
        let folder = tempfile::tempdir().unwrap();
        let record = Record::default();
        Self { server, client: Client::new(config), pauses, record, body, folder }
    }

    /// A bench whose file misbehaves so, once for each entry.
    pub fn with(faults: impl IntoIterator<Item = Fault>) -> Self {
        let bench = Self::new();
        bench.server.script(FILE, faults);
        bench
    }

    /// A bench whose file always misbehaves so.
    pub fn always(fault: Fault) -> Self {
        let bench = Self::new();
        bench.server.fault(FILE, fault);
        bench
    }

    pub fn part(&self) -> PathBuf {
        self.folder.path().join("f.part")
    }

    pub fn expect(&self) -> Expect {
        Expect { sha256: sha256(&self.body), size: self.body.len() as u64 }
    }

    /// Downloads the file from the server.
    pub fn download(&self) -> Result<Downloaded, HttpError> {
        self.download_from(&[self.server.url(FILE)])
    }

    pub fn download_from(&self, urls: &[String]) -> Result<Downloaded, HttpError> {
        let done = self.client.download(urls, &self.expect(), &self.part(), &self.record);
        if done.is_ok() {
            assert_eq!(std::fs::read(self.part()).unwrap(), self.body, "success means right bytes");
            let size = i64::try_from(self.body.len()).unwrap();
            assert_eq!(*self.record.advanced.lock().unwrap(), size, "progress adds up");
        }
        done
    }

    /// Fetches the file into memory.
    pub fn fetch(&self) -> Result<Vec<u8>, HttpError> {
        let fetched = self.client.fetch_bytes(&self.server.url(FILE), 1 << 20);
        fetched.map(|response| response.bytes)
    }

    /// The `Range` headers of all requests for the file.
    pub fn ranges(&self) -> Vec<Option<String>> {
        let seen = self.server.seen_for(FILE);
        seen.iter().map(|seen| seen.range().map(String::from)).collect()
    }
}
