//! A cache, a mirror with Debian-like names, and the blobs between them. It must never hand out a
//! blob whose bytes the mirror has not.

use reml_toolchain::host::http::Client;
use reml_toolchain::store::{Blob, Store};
use tempfile::TempDir;

use super::net::{config, noise, sha256};
use super::server::Server;

/// An impatient client.
pub fn client() -> Client {
    Client::new(config().0)
}

/// The lock path of a blob, with an epoch in it.
pub fn name(number: usize) -> String {
    format!("pool/main/p/p{number}/p{number}_1%3a{number}.0-1_amd64.deb")
}

/// `count` files of different sizes on a server, and the blobs that name them.
pub fn mirror(count: usize) -> (Server, Vec<Blob>) {
    let server = Server::start();
    let blobs = (0..count).map(|number| {
        let bytes = noise(number as u64 + 1, 20_000 + number * 10_000);
        let path = name(number);
        // Servers decode `%3a` in paths; the file's name has it, so the URL says `%253a`.
        server.put(&path.replace('%', "%25"), bytes.clone());
        let urls = vec![server.url(&path.replace('%', "%25"))];
        Blob { path, sha256: sha256(&bytes), size: bytes.len() as u64, urls }
    });
    let blobs = blobs.collect();
    (server, blobs)
}

/// An empty cache in a folder of its own.
pub fn cache() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cache")).unwrap();
    (folder, store)
}

/// How many unfinished files lie in the cache.
pub fn unfinished(store: &Store) -> usize {
    std::fs::read_dir(store.root().join("tmp")).unwrap().count()
}
