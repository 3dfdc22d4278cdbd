//! A bounded loopback HTTP/1.1 server which serves a tree of files and, on demand, misbehaves in
//! every way a mirror, a proxy or an attacker does (FAULTS.md, section G). It must never listen on
//! anything but 127.0.0.1, outlive its value, or need anything beyond `std`.
#![allow(dead_code, reason = "each test program uses its own part of the support code")]

use std::collections::{BTreeMap, VecDeque};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use connection::Connection;
pub use fault::{Fault, Seen};

// Paths by attribute, so that the module works wherever it is mounted.
#[path = "server/connection.rs"]
mod connection;
#[path = "server/fault.rs"]
mod fault;
#[path = "server/reply.rs"]
mod reply;

/// Connections served side by side; one more is dropped at once.
const MAX_CONNECTIONS: usize = 64;
/// The `Date` header unless [`Server::date`] says otherwise.
pub const DATE: &str = "Mon, 23 Nov 2026 12:00:00 GMT";

#[derive(Default)]
struct Tree {
    files: BTreeMap<String, Arc<Vec<u8>>>,
    root: Option<PathBuf>,
    scripts: BTreeMap<String, VecDeque<Fault>>,
    faults: BTreeMap<String, Fault>,
    date: Option<String>,
    seen: Vec<Seen>,
}

struct Shared {
    tree: Mutex<Tree>,
    stop: AtomicBool,
    connections: AtomicUsize,
    accepted: AtomicUsize,
    /// Body bytes that may still be sent before the network dies; negative: no limit.
    budget: AtomicI64,
}

impl Shared {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server; dropping it ends it.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// An empty tree in memory.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback must be there");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            tree: Mutex::default(),
            stop: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            accepted: AtomicUsize::new(0),
            budget: AtomicI64::new(-1),
        });
        let theirs = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept(&listener, &theirs));
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// The files below `root`; files put into memory go first.
    pub fn start_dir(root: &Path) -> Self {
        let server = Self::start();
        server.shared.tree().root = Some(root.to_path_buf());
        server
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of `path` (with or without its leading slash).
    pub fn url(&self, path: &str) -> String {
        format!("{}/{}", self.base(), path.trim_start_matches('/'))
    }

    /// Serve `bytes` under `path`.
    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.shared.tree().files.insert(key(path), Arc::new(bytes.into()));
    }

    /// Misbehave at each request for `path` (for CONNECT: `host:port`).
    pub fn fault(&self, path: &str, fault: Fault) {
        self.shared.tree().faults.insert(key(path), fault);
    }

    /// Misbehave once for each entry, in order; afterwards as [`Server::fault`] says, or not.
    pub fn script(&self, path: &str, faults: impl IntoIterator<Item = Fault>) {
        self.shared.tree().scripts.entry(key(path)).or_default().extend(faults);
    }

    /// Serve everything properly from now on.
    pub fn heal(&self) {
        let mut tree = self.shared.tree();
        tree.faults.clear();
        tree.scripts.clear();
        self.shared.budget.store(-1, Ordering::SeqCst);
    }

    /// Let the whole network die after so many further body bytes, until [`Server::heal`].
    pub fn die_after(&self, bytes: u64) {
        self.shared.budget.store(i64::try_from(bytes).expect("a test's size"), Ordering::SeqCst);
    }

    /// Send this `Date` header from now on.
    pub fn date(&self, date: &str) {
        self.shared.tree().date = Some(date.into());
    }

    /// The requests so far, in order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.tree().seen.clone()
    }

    /// The requests for one path.
    pub fn seen_for(&self, path: &str) -> Vec<Seen> {
        let wanted = key(path);
        self.seen().into_iter().filter(|seen| key(&seen.target) == wanted).collect()
    }

    /// Connections taken so far.
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // A last connection wakes the acceptor out of `accept`.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// An address on which nobody listens.
pub fn refused_url(path: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback must be there");
    let address = listener.local_addr().expect("a bound socket has an address");
    format!("http://{address}/{}", path.trim_start_matches('/'))
}

/// Paths without their slash, absolute URLs without their origin, percent signs decoded, no query.
fn key(target: &str) -> String {
    let path = match target.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => target,
    };
    let path = path.split('?').next().unwrap_or_default().trim_start_matches('/');
    let mut bytes = path.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let mut hex = bytes.clone().take(2).filter_map(|digit| char::from(digit).to_digit(16));
        match (byte, hex.next(), hex.next()) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).expect("two hex digits are a byte"));
                bytes.nth(1);
            }
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let dead = shared.budget.load(Ordering::SeqCst) == 0;
        if dead || shared.connections.load(Ordering::SeqCst) >= MAX_CONNECTIONS {
            continue;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        shared.accepted.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let _ = Connection::new(stream, &shared).serve();
            shared.connections.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// The file under `path`: memory first, then the folder; nothing above the folder.
fn lookup(tree: &Tree, path: &str) -> Option<Arc<Vec<u8>>> {
    if let Some(bytes) = tree.files.get(path) {
        return Some(Arc::clone(bytes));
    }
    let below = Path::new(path);
    let plain = below.components().all(|part| matches!(part, Component::Normal(_)));
    let file = tree.root.as_ref().filter(|_| plain)?.join(below);
    std::fs::read(file).ok().map(Arc::new)
}
