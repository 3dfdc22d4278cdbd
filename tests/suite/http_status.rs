//! Statuses, redirects and heads of responses: rows G03 to G09, G16, G17 and G22 of FAULTS.md.

use std::time::Duration;

use crate::support::net::{Bench, FILE};
use crate::support::server::{DATE, Fault, Server, refused_url};
use reml_toolchain::host::fault::{Diagnostic as _, Kind};
use reml_toolchain::host::http::HttpError;

/// The error of a fetch that must fail, as network trouble.
fn network_error(bench: &Bench) -> HttpError {
    let error = bench.fetch().unwrap_err();
    assert_eq!(error.kind(), Kind::Network, "{error}");
    assert!(error.to_string().starts_with("http://127.0.0.1:"), "{error}");
    assert!(!error.hints().is_empty(), "{error}");
    error
}

#[test]
fn a_healthy_file_comes_whole_with_the_servers_clock_and_no_accept_encoding() {
    let bench = Bench::new();
    let url = bench.server.url(FILE);
    let response = bench.client.fetch_bytes(&url, 200_000).unwrap();
    assert_eq!(response.bytes, bench.body);
    assert_eq!(response.date, httpdate::parse_http_date(DATE).ok());
    assert_eq!(response.final_url, url);
    let seen = bench.server.seen();
    assert_eq!(seen[0].header("accept-encoding"), None);
    assert_eq!(seen[0].header("user-agent"), Some("reml-toolchain/test"));
}

#[test]
fn b17_the_servers_date_is_handed_on_even_when_it_is_from_another_century() {
    let bench = Bench::new();
    bench.server.date("Fri, 01 Jan 2038 00:00:00 GMT");
    let response = bench.client.fetch_bytes(&bench.server.url(FILE), 1 << 20).unwrap();
    assert_eq!(response.date, httpdate::parse_http_date("Fri, 01 Jan 2038 00:00:00 GMT").ok());
}

#[test]
fn g01_a_refused_connection_names_host_and_cause_and_is_tried_twice_at_most() {
    let bench = Bench::new();
    let url = refused_url("x");
    let error = bench.client.fetch_bytes(&url, 10).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Network, "cannot-connect"));
    let text = error.to_string();
    assert!(text.contains("127.0.0.1") && text.contains("refused"), "{text}");
    assert_eq!(bench.pauses.lock().unwrap().len(), 1);
    bench.client.fetch_bytes(&url, 10).unwrap_err();
    assert_eq!(bench.pauses.lock().unwrap().len(), 1, "a dead host is not waited for twice");
}

#[test]
fn g01_an_unknown_host_is_named() {
    let bench = Bench::new();
    let error = bench.client.fetch_bytes("http://no-such-host.invalid/x", 10).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Network, "cannot-connect"));
    assert!(error.to_string().contains("cannot connect to no-such-host.invalid"), "{error}");
}

#[test]
fn g03_redirects_are_followed_and_the_final_address_is_told() {
    let (bench, other) = (Bench::new(), Server::start());
    other.put("elsewhere", bench.body.clone());
    bench.server.fault(FILE, Fault::redirect(301, "/second"));
    bench.server.fault("second", Fault::redirect(307, other.url("elsewhere")));
    let done = bench.download().unwrap();
    assert_eq!(done.final_url, other.url("elsewhere"));
    assert_eq!(bench.fetch().unwrap(), bench.body);
}

#[test]
fn g03_five_hops_are_followed_and_a_sixth_is_not() {
    let bench = Bench::new();
    for hop in 1..=6 {
        let next = if hop == 6 { format!("/{FILE}") } else { format!("/{}", hop + 1) };
        bench.server.fault(&hop.to_string(), Fault::redirect(302, next));
    }
    assert!(bench.client.fetch_bytes(&bench.server.url("2"), 1 << 20).is_ok());
    let error = bench.client.fetch_bytes(&bench.server.url("1"), 1 << 20).unwrap_err();
    assert_eq!(error.code(), "bad-redirect");
    assert!(error.to_string().contains("at most 5 hops"), "{error}");
}

#[test]
fn g05_evil_locations_and_loops_are_refused() {
    let long = format!("/{}", "a".repeat(64 << 10));
    let locations: [&[u8]; 10] = [
        b"file:///etc/passwd",
        b"ftp://127.0.0.1/x",
        b"data:text/plain,x",
        b"gopher://127.0.0.1/",
        b"/a%0d%0aSet-Cookie:%20x",
        b"/a\tb",
        b"/\xff\xfe",
        b"http://",
        b"/pool/f.deb",
        long.as_bytes(),
    ];
    for location in locations {
        let bench = Bench::always(Fault::redirect(302, location));
        let error = network_error(&bench);
        let text = String::from_utf8_lossy(&location[..location.len().min(30)]);
        assert!(matches!(error.code(), "bad-redirect" | "bad-response"), "{text}: {error}");
        assert!(bench.pauses.lock().unwrap().is_empty(), "{text}: no retry");
    }
}

#[test]
fn g06_a_redirect_without_location_and_statuses_without_a_file_are_refused() {
    let bench = Bench::always(Fault::Redirect(301, None));
    assert_eq!(network_error(&bench).code(), "bad-redirect");
    for code in [204, 205, 300, 304, 306, 402, 418, 505, 599] {
        let bench = Bench::always(Fault::status(code));
        let error = network_error(&bench);
        assert_eq!(error.code(), "bad-status");
        assert!(error.to_string().contains(&format!("got {code}")), "{error}");
        assert_eq!(bench.server.seen().len(), 1);
    }
}

#[test]
fn g06_a_part_that_nobody_asked_for_is_refused() {
    let bench = Bench::always(Fault::Unasked206);
    assert_eq!(network_error(&bench).code(), "bad-response");
    assert_eq!(bench.download().unwrap_err().code(), "bad-response");
}

#[test]
fn g06_a_flood_of_informational_responses_ends() {
    let bench = Bench::always(Fault::informational(50_000));
    network_error(&bench);
}

#[test]
fn g07_forbidden_is_not_retried_and_the_hint_speaks_of_proxy_and_mirror() {
    for code in [401, 403, 407] {
        let bench = Bench::always(Fault::status(code));
        let error = network_error(&bench);
        assert_eq!(bench.server.seen().len(), 1);
        let hints = error.hints().join(" ");
        assert!(hints.contains("--mirror") && hints.contains("NO_PROXY"), "{hints}");
    }
}

#[test]
fn g08_a_missing_file_is_looked_for_on_the_next_mirror() {
    for code in [404, 410] {
        let (bench, second) = (Bench::always(Fault::status(code)), Server::start());
        second.put(FILE, bench.body.clone());
        let urls = [bench.server.url(FILE), second.url(FILE)];
        let done = bench.download_from(&urls).unwrap();
        assert_eq!(done.mirror, Some(1));
        assert_eq!(done.failures[0].code(), "not-on-mirror");
        assert!(bench.pauses.lock().unwrap().is_empty());
        let error = network_error(&bench);
        assert!(error.to_string().contains(FILE), "{error}");
    }
}

#[test]
fn g09_passing_troubles_are_retried_three_times_with_growing_pauses() {
    for code in [408, 425, 429, 500, 502, 503, 504] {
        let bench = Bench::with([Fault::status(code), Fault::status(code), Fault::status(code)]);
        assert_eq!(bench.fetch().unwrap(), bench.body);
        let pauses = bench.pauses.lock().unwrap().clone();
        for (pause, least) in pauses.iter().zip([1, 2, 4]) {
            let least = Duration::from_secs(least);
            assert!((least..=least * 5 / 4).contains(pause), "{pauses:?}");
        }
        assert_eq!(pauses.len(), 3);
    }
    let bench = Bench::always(Fault::status(503));
    assert!(network_error(&bench).to_string().ends_with("expected status 200 or 206, got 503"));
    assert_eq!(bench.server.seen().len(), 4);
}

#[test]
fn g09_retry_after_is_honoured_up_to_a_minute() {
    for (value, seconds) in [
        ("20", 20),
        ("Mon, 23 Nov 2026 12:00:40 GMT", 40),
        ("1000000000", 60),
        ("-1", 1),
        ("0", 1),
        ("later", 1),
    ] {
        let bench = Bench::with([Fault::status_with(429, "Retry-After", value)]);
        assert_eq!(bench.fetch().unwrap(), bench.body);
        let pauses = bench.pauses.lock().unwrap().clone();
        assert_eq!(pauses.len(), 1);
        let least = Duration::from_secs(seconds);
        assert!((least..=least.max(Duration::from_millis(1250))).contains(&pauses[0]), "{value}");
    }
}

#[test]
fn g16_a_captive_portal_is_recognised_and_costs_nothing_that_was_there() {
    let bench = Bench::always(Fault::Portal);
    let error = network_error(&bench);
    assert_eq!(error.code(), "captive-portal");
    assert!(error.to_string().ends_with("looks like a login page, not the file"));
    std::fs::write(bench.part(), &bench.body[..5000]).unwrap();
    assert_eq!(bench.download().unwrap_err().code(), "captive-portal");
    assert_eq!(std::fs::read(bench.part()).unwrap(), &bench.body[..5000]);
    let bench = Bench::always(Fault::status(511));
    assert_eq!(network_error(&bench).code(), "captive-portal");
}

#[test]
fn g17_garbage_instead_of_http_is_refused_without_retry() {
    let raw = |text: &str| Fault::Raw(text.as_bytes().to_vec());
    for (name, fault) in [
        ("10 MB header", Fault::big_header(10 << 20)),
        ("5,000 headers", Fault::many_headers(5000)),
        ("HTTP/0.9", raw("<html>just a body</html>")),
        ("HTTP/2 only", Fault::Raw(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80".to_vec())),
        ("garbage status line", raw("HTTP/1.1 banana\r\n\r\n")),
        ("SSH", raw("SSH-2.0-OpenSSH_9.2\r\n")),
    ] {
        let bench = Bench::always(fault);
        let error = network_error(&bench);
        assert!(matches!(error.code(), "bad-response" | "transfer-broken"), "{name}: {error}");
        // What merely breaks off may be the network's fault.
        let most = if error.code() == "bad-response" { 1 } else { 4 };
        assert!(bench.server.seen().len() <= most, "{name}");
    }
}

#[test]
fn g22_injected_headers_reach_neither_messages_nor_results() {
    let evil = "x\u{1b}[31m\r\nSet-Cookie: a=b\r\nContent-Location: ../../etc/passwd";
    let head = format!("HTTP/1.1 404 \u{1b}[2Jgone\r\nX-Evil: {evil}\r\nContent-Length: 0\r\n\r\n");
    let bench = Bench::always(Fault::Raw(head.into_bytes()));
    let text = network_error(&bench).to_string();
    assert!(!text.contains(char::is_control) && !text.contains("passwd"), "{text}");
    // The second begins a control sequence, too: CSI in one character.
    for location in ["/a?x=\u{1b}]0;title", "/a?x=\u{9b}2J"] {
        let bench = Bench::always(Fault::redirect(302, location));
        let text = network_error(&bench).to_string();
        assert!(!text.contains(char::is_control), "{text}");
    }
}
