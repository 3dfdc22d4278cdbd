//! Bodies that stall, break, lie or never end, and the mirrors behind them: rows G10 to G15, G21,
//! G24 and G25 of FAULTS.md.

use std::time::{Duration, Instant};

use crate::support::net::{Bench, FILE, Record, WINDOW, config, noise};
use crate::support::server::{Fault, Server, refused_url};
use reml_toolchain::host::fault::{Diagnostic as _, Kind};
use reml_toolchain::host::http::{Backoff, Client, Reach};

#[test]
fn g10_a_stall_is_retried_and_then_told_with_how_far_it_came() {
    let bench = Bench::with([Fault::StallAfter(10), Fault::StallBeforeHead]);
    assert_eq!(bench.fetch().unwrap(), bench.body);
    let bench = Bench::with((0..4).map(|_| Fault::StallAfter(10)));
    let start = Instant::now();
    let error = bench.fetch().unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Network, "stalled"));
    assert!(error.to_string().contains("stalled at 10 of 200,000 bytes"), "{error}");
    assert_eq!(bench.server.seen().len(), 4);
    assert!(start.elapsed() < WINDOW * 12, "{:?}", start.elapsed());
}

#[test]
fn g10_a_drip_below_the_floor_is_a_stall_although_bytes_keep_coming() {
    let bench = Bench::always(Fault::Drip(1, Duration::from_millis(20)));
    let error = bench.download().unwrap_err();
    assert_eq!(error.code(), "stalled");
    let got: u64 = bench.server.seen().iter().map(|seen| seen.sent).sum();
    assert!((4..1000).contains(&got), "{got}");
}

#[test]
fn g10_a_slow_line_above_the_floor_is_waited_for() {
    let mut bench = Bench::always(Fault::Drip(500, Duration::from_millis(50)));
    bench.body = noise(2, 10_000);
    bench.server.put(FILE, bench.body.clone());
    let start = Instant::now();
    bench.download().unwrap();
    assert!(start.elapsed() > WINDOW * 2, "no limit on the whole time");
    assert!(bench.pauses.lock().unwrap().is_empty());
}

#[test]
fn g11_a_broken_transfer_is_resumed_where_it_broke() {
    for fault in [
        Fault::Truncate(70_000),
        Fault::Reset(70_000),
        Fault::ChunkedTruncated(70_000),
        Fault::StallAfter(70_000),
    ] {
        let name = format!("{fault:?}");
        let bench = Bench::with([fault]);
        let done = bench.download().unwrap();
        let ranges = bench.ranges();
        assert_eq!(ranges.len(), 2, "{name}");
        let second = ranges[1].as_deref().expect("a range request");
        let from: usize = second["bytes=".len()..second.len() - 1].parse().unwrap();
        assert!(from <= 70_000 && (from > 0 || name.starts_with("Reset")), "{name}: {second}");
        assert!(done.fetched >= 200_000, "{name}");
        let tag = bench.server.seen()[1].header("if-range").map(String::from);
        assert!(tag.is_some_and(|tag| tag.starts_with('"')), "{name}");
    }
}

#[test]
fn g11_what_is_left_serves_the_next_run() {
    let mut bench = Bench::always(Fault::Truncate(30_000));
    assert_eq!(bench.download().unwrap_err().code(), "transfer-broken");
    let kept = std::fs::metadata(bench.part()).unwrap().len();
    assert_eq!(kept, 120_000, "four attempts of 30,000 bytes");
    bench.server.heal();
    bench.record = Record::default();
    assert_eq!(bench.download().unwrap().fetched, 80_000);
}

#[test]
fn g12_lies_about_the_length_do_not_matter_when_the_bytes_are_right() {
    let lengths = |values: &[&str]| Fault::Lengths(values.iter().map(|v| (*v).into()).collect());
    for fault in [
        Fault::Longer(b"and more".to_vec()),
        Fault::NoLength,
        Fault::Chunked,
        lengths(&["200001"]),
        lengths(&["200000", "200000"]),
        Fault::LengthAndChunked,
    ] {
        let name = format!("{fault:?}");
        let bench = Bench::always(fault);
        let done = bench.download();
        assert!(done.is_ok(), "{name}: {done:?}");
        assert_eq!(std::fs::metadata(bench.part()).unwrap().len(), 200_000, "{name}");
    }
}

#[test]
fn g12_contradicting_or_senseless_lengths_never_pass() {
    for values in [["200000", "7"], ["-1", "-1"], ["x", "x"]] {
        let bench = Bench::always(Fault::Lengths(values.map(String::from).to_vec()));
        let error = bench.download().unwrap_err();
        assert!(matches!(error.kind(), Kind::Network | Kind::Integrity), "{values:?}: {error}");
    }
    let bench = Bench::always(Fault::NoLength);
    bench.server.put(FILE, noise(9, 200_000));
    assert_eq!(bench.download().unwrap_err().code(), "wrong-hash");
    let bench = Bench::always(Fault::Lengths(vec!["1000".into()]));
    let error = bench.download().unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "wrong-size"));
    assert!(error.to_string().ends_with("expected 200,000 bytes, got 1,000"), "{error}");
}

#[test]
fn g12_endless_data_stops_at_the_limit() {
    let bench = Bench::new();
    let url = bench.server.url(FILE);
    let error = bench.client.fetch_bytes(&url, 199_999).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "too-large"));
    assert_eq!(bench.server.seen().len(), 1);
    let bench = Bench::always(Fault::Chunked);
    let error = bench.client.fetch_bytes(&bench.server.url(FILE), 1000).unwrap_err();
    assert!(error.to_string().contains("at most 1,000 bytes"), "{error}");
    // A length that is too large is refused before anything of the body has come.
    let bench = Bench::always(Fault::StallAfter(10));
    let error = bench.client.fetch_bytes(&bench.server.url(FILE), 1000).unwrap_err();
    assert_eq!(error.code(), "too-large", "{error}");
}

#[test]
fn g13_servers_that_bungle_ranges_are_asked_for_the_whole_file() {
    for fault in [
        Fault::IgnoreRange,
        Fault::NoRanges,
        Fault::Overlap(10),
        Fault::ContentRange("bytes 0-199999/200000".into()),
        Fault::ContentRange("bytes 60000-199999/200001".into()),
        Fault::ContentRange("nonsense".into()),
    ] {
        let name = format!("{fault:?}");
        let bench = Bench::with([fault.clone()]);
        std::fs::write(bench.part(), &bench.body[..60_000]).unwrap();
        bench.download().unwrap();
        let ranges = bench.ranges();
        assert_eq!(ranges[0].as_deref(), Some("bytes=60000-"), "{name}");
        let more = usize::from(!matches!(fault, Fault::IgnoreRange));
        assert_eq!(ranges.len(), 1 + more, "{name}");
        assert!(ranges.iter().skip(1).all(Option::is_none), "{name}");
        assert!(bench.pauses.lock().unwrap().is_empty(), "{name}: no pause");
    }
}

#[test]
fn g13_a_file_that_changed_under_way_is_not_glued_together() {
    let bench = Bench::with([Fault::Truncate(50_000)]);
    let old = noise(9, 200_000);
    bench.server.put(FILE, old);
    let (urls, expect, part) = ([bench.server.url(FILE)], bench.expect(), bench.part());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while bench.server.seen().is_empty() {
                std::thread::yield_now();
            }
            bench.server.put(FILE, bench.body.clone());
        });
        bench.client.download(&urls, &expect, &part, &bench.record).unwrap();
    });
    assert_eq!(std::fs::read(part).unwrap(), bench.body);
}

#[test]
fn g13_a_part_that_is_too_long_or_whole_and_wrong_begins_again() {
    for length in [300_000, 200_000] {
        let bench = Bench::new();
        std::fs::write(bench.part(), noise(3, length)).unwrap();
        bench.download().unwrap();
        assert_eq!(bench.ranges(), [None]);
        assert_eq!(std::fs::read(bench.part()).unwrap(), bench.body);
    }
}

#[test]
fn g13_a_whole_part_needs_no_network() {
    let bench = Bench::new();
    std::fs::write(bench.part(), &bench.body).unwrap();
    let done = bench.download().unwrap();
    assert_eq!((done.mirror, done.fetched), (None, 0));
    assert!(bench.server.seen().is_empty());
}

#[test]
fn g14_a_resumed_file_with_a_wrong_hash_is_fetched_once_more_from_nothing() {
    let bench = Bench::new();
    std::fs::write(bench.part(), noise(5, 60_000)).unwrap();
    bench.download().unwrap();
    assert_eq!(bench.ranges(), [Some("bytes=60000-".into()), None]);
    let bench = Bench::always(Fault::Corrupt);
    std::fs::write(bench.part(), &bench.body[..60_000]).unwrap();
    let error = bench.download().unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "wrong-hash"));
    assert_eq!(bench.ranges(), [Some("bytes=60000-".into()), None]);
    assert_eq!(std::fs::metadata(bench.part()).unwrap().len(), 0, "wrong bytes are not kept");
}

#[test]
fn g15_a_false_content_encoding_changes_nothing_and_unpacked_bytes_are_refused() {
    let bench = Bench::always(Fault::Encoding("gzip"));
    bench.download().unwrap();
    assert_eq!(bench.fetch().unwrap(), bench.body);
    let bench = Bench::new();
    bench.server.put(FILE, noise(7, 900_000));
    let error = bench.download().unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "wrong-hash"));
    assert!(bench.server.seen().len() == 1, "never retried on the same bytes");
}

#[test]
fn g21_the_second_mirror_serves_when_the_first_lies_and_both_are_named_when_none_does() {
    let (bench, second) = (Bench::always(Fault::Corrupt), Server::start());
    second.put(FILE, bench.body.clone());
    let urls = [bench.server.url(FILE), second.url(FILE)];
    let done = bench.download_from(&urls).unwrap();
    assert_eq!((done.mirror, done.failures[0].code()), (Some(1), "wrong-hash"));
    assert!(done.failures[0].to_string().starts_with(&urls[0]));
    assert_eq!(second.seen()[0].range(), None, "nothing of the first is kept");
    second.fault(FILE, Fault::status(404));
    std::fs::remove_file(bench.part()).unwrap();
    let error = bench.download_from(&urls).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "no-mirror-delivered"));
    let text = error.to_string();
    assert!(urls.iter().all(|url| text.contains(url)), "{text}");
}

#[test]
fn g21_bytes_of_two_mirrors_make_one_file_only_when_its_hash_is_right() {
    // The first mirror breaks off in a corrupt copy, the second is honest.
    let (bench, second) = (Bench::always(Fault::Truncate(80_000)), Server::start());
    bench.server.put(FILE, noise(8, 400_000));
    second.put(FILE, bench.body.clone());
    let urls = [bench.server.url(FILE), second.url(FILE)];
    bench.client.download(&urls, &bench.expect(), &bench.part(), &bench.record).unwrap();
    assert_eq!(std::fs::read(bench.part()).unwrap(), bench.body);
    assert_eq!(second.seen().last().unwrap().range(), None);
    let error = bench.client.download(&[], &bench.expect(), &bench.part(), &bench.record);
    assert!(error.is_ok(), "the finished part needs no mirror");
}

#[test]
fn g21_a_dead_mirror_is_left_for_the_next() {
    let bench = Bench::new();
    let urls = [refused_url(FILE), bench.server.url(FILE)];
    let done = bench.download_from(&urls).unwrap();
    assert_eq!((done.mirror, done.failures[0].code()), (Some(1), "cannot-connect"));
}

#[test]
fn g24_offline_opens_no_connection() {
    let server = Server::start();
    let (mut config, _) = config();
    config.reach = Reach::Offline;
    let mut bench = Bench::new();
    bench.client = Client::new(config);
    let error = bench.client.fetch_bytes(&server.url(FILE), 10).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Network, "offline"));
    let error = bench.download_from(&[server.url(FILE)]).unwrap_err();
    assert_eq!(error.code(), "offline");
    assert_eq!(server.connections(), 0);
}

#[test]
fn g25_after_the_network_died_anywhere_a_rerun_completes_and_fetches_no_byte_twice() {
    for step in 0..20_u64 {
        let mut bench = Bench::new();
        let (mut config, _) = config();
        config.backoff = Backoff { retries: 1, ..Backoff::default() };
        bench.client = Client::new(config);
        bench.server.die_after(step * 10_000);
        let error = bench.download().unwrap_err();
        assert_eq!(error.kind(), Kind::Network, "{error}");
        bench.server.heal();
        bench.record = Record::default();
        bench.download().unwrap();
        let sent: u64 = bench.server.seen().iter().map(|seen| seen.sent).sum();
        assert!(sent <= 200_000 + (64 << 10), "step {step}: {sent}");
    }
}

#[test]
fn the_disk_is_told_apart_from_the_network() {
    let bench = Bench::new();
    std::fs::create_dir(bench.part()).unwrap();
    let error = bench.download().unwrap_err();
    assert_eq!(error.kind(), Kind::Failed);
    assert!(error.to_string().contains("f.part"), "{error}");
    assert!(bench.server.seen().is_empty());
}
