//! Filling the cache from mirrors: rows G21, H01 and L07 of FAULTS.md.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::cache::{cache, client, mirror, name, unfinished};
use crate::support::net::{Record, config, noise, sha256};
use crate::support::server::{Fault, Server, refused_url};
use reml_toolchain::host::fault::{Diagnostic as _, Kind};
use reml_toolchain::host::http::{Client, Reach};
use reml_toolchain::host::progress::{Event, Progress, Silent};
use reml_toolchain::store::{CONNECTIONS, Source, StoreError};

/// Counts the files that came.
struct Gauge<'a>(&'a AtomicUsize);

impl Progress for Gauge<'_> {
    fn event(&self, event: Event<'_>) {
        if let Event::ItemDone { .. } = event {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn a_cold_cache_fetches_all_largest_first_and_a_warm_one_nothing() {
    let (server, blobs) = mirror(5);
    let (_folder, store) = cache();
    let record = Record::default();
    let obtained = store.obtain(&blobs, 1, &client(), &record).unwrap();
    assert_eq!(obtained.fetched, blobs.iter().map(|blob| blob.size).sum::<u64>());
    let order: Vec<_> = server.seen().into_iter().map(|seen| seen.target).collect();
    let expected = blobs.iter().rev().map(|blob| format!("/{}", blob.path.replace('%', "%25")));
    assert_eq!(order, expected.collect::<Vec<_>>());
    for blob in &blobs {
        assert_eq!(sha256(&store.read(blob).unwrap()), blob.sha256);
    }
    let again = store.obtain(&blobs, CONNECTIONS, &client(), &Silent).unwrap();
    assert_eq!((again.sources, again.fetched), (vec![Source::Cache; 5], 0));
    assert_eq!(server.seen().len(), 5);
    let left = unfinished(&store);
    assert_eq!(left, 0, "no unfinished file is left");
}

#[test]
fn one_failure_does_not_stop_the_others_and_all_failures_are_told() {
    let (server, mut blobs) = mirror(6);
    server.fault(&name(1).replace('%', "%25"), Fault::status(404));
    server.fault(&name(4).replace('%', "%25"), Fault::Corrupt);
    blobs[2].urls.insert(0, refused_url("x"));
    let (_folder, store) = cache();
    let done = AtomicUsize::new(0);
    let error = store.obtain(&blobs, 3, &client(), &Gauge(&done)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "fetch-failed"));
    let text = error.to_string();
    assert!(text.starts_with("2 of 6 files could not be fetched: "), "{text}");
    assert!(text.contains(&name(1)) && text.contains(&name(4)), "{text}");
    assert!(text.find(&name(1)) < text.find(&name(4)), "in the order of the blobs");
    assert_eq!(done.load(Ordering::SeqCst), 4);
    assert!(error.hints().iter().any(|hint| hint.contains("lock --update")));
    server.heal();
    let again = store.obtain(&blobs, 3, &client(), &Silent).unwrap();
    assert_eq!(again.sources.iter().filter(|source| **source == Source::Cache).count(), 4);
}

#[test]
fn g21_a_mirror_with_wrong_bytes_is_reported_although_the_next_one_served() {
    let (server, mut blobs) = mirror(1);
    let bad = Server::start();
    bad.put("bad", noise(99, usize::try_from(blobs[0].size).unwrap()));
    blobs[0].urls.insert(0, bad.url("bad"));
    let (_folder, store) = cache();
    let record = Record::default();
    let obtained = store.obtain(&blobs, 8, &client(), &record).unwrap();
    assert_eq!(obtained.sources, [Source::Network { url: blobs[0].urls[1].clone() }]);
    let lines = record.lines.lock().unwrap().join("\n");
    assert!(lines.contains("Warning") && lines.contains(&bad.url("bad")), "{lines}");
    assert_eq!(server.seen()[0].range(), None);
}

#[test]
fn h01_files_that_will_not_fit_are_refused_before_the_first_request() {
    let (server, mut blobs) = mirror(2);
    blobs[1].size = 1 << 60;
    let (_folder, store) = cache();
    let error = store.obtain(&blobs, 8, &client(), &Silent).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Failed, "disk-full"));
    assert_eq!(server.connections(), 0);
}

#[test]
fn l07_offline_names_what_is_missing_with_sizes_and_opens_no_connection() {
    let (server, blobs) = mirror(4);
    let (_folder, store) = cache();
    store.obtain(&blobs[..1], 8, &client(), &Silent).unwrap();
    let before = server.connections();
    let (mut config, _) = config();
    config.reach = Reach::Offline;
    let client = Client::new(config);
    let error = store.obtain(&blobs, 8, &client, &Silent).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Network, "not-in-cache"));
    let text = error.to_string();
    assert!(text.starts_with("3 of 4 files are not in the cache:\n  "), "{text}");
    assert!(text.contains(&format!("{} (30000 bytes)", name(1))), "{text}");
    assert!(store.obtain(&blobs[..1], 8, &client, &Silent).is_ok());
    assert_eq!(server.connections(), before);
}

#[test]
fn a_blob_without_a_mirror_is_named_by_its_path() {
    let (_server, mut blobs) = mirror(1);
    blobs[0].urls.clear();
    let (_folder, store) = cache();
    let error = store.obtain(&blobs, 8, &client(), &Silent).unwrap_err();
    assert!(matches!(error, StoreError::Fetch { .. }));
    assert!(error.to_string().contains(&blobs[0].path), "{error}");
}
