//! Trust in https: rows G01, G02 and G04 of FAULTS.md. What depends on the environment runs in a
//! process of its own.

use std::path::Path;
use std::process::Command;

use crate::support::net::{Bench, FILE, config};
use crate::support::server::{Fault, Server};
use crate::support::tls::Authority;
use reml_toolchain::host::fault::{Diagnostic as _, Kind};
use reml_toolchain::host::http::Client;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecure";

/// A client that trusts `authority` through a certificate file in `folder`.
fn trusting(authority: &Authority, folder: &Path) -> Client {
    let file = folder.join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let (mut config, _) = config();
    config.extra_roots = vec![file];
    Client::new(config)
}

/// Fetches `url` in a process with this environment: `ok: BODY` or `KIND CODE: MESSAGE`.
fn fetch_with(environment: &[(&str, &Path)], url: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--ignored",
        "--exact",
        "http_tls::fetch_in_a_process_of_its_own",
        "--nocapture",
    ]);
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR").env("TEST_URL", url);
    for (name, value) in environment {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("result="));
    line.unwrap_or_else(|| panic!("no result in {text}")).1.to_string()
}

/// What the process of `fetch_with` does.
#[test]
#[ignore = "started by other tests with an environment of their choice"]
fn fetch_in_a_process_of_its_own() {
    let client = Client::new(config().0);
    match client.fetch_bytes(&std::env::var("TEST_URL").unwrap(), 1000) {
        Ok(response) => println!("result=ok: {}", String::from_utf8_lossy(&response.bytes)),
        Err(error) => println!("result={:?} {}: {error}", error.kind(), error.code()),
    }
}

#[test]
fn g01_a_company_authority_in_ssl_cert_file_or_dir_is_trusted() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("company"));
    let server = authority.serve("localhost", 2099, OK);
    let client = trusting(&authority, folder.path());
    assert_eq!(client.fetch_bytes(&server.url("x"), 10).unwrap().bytes, b"secure");
    let (mut config, _) = config();
    config.extra_roots = vec![folder.path().to_path_buf()];
    assert!(Client::new(config).fetch_bytes(&server.url("x"), 10).is_ok(), "a folder does too");
}

#[test]
#[cfg(target_os = "linux")]
fn g01_linux_reads_ssl_cert_file_and_ssl_cert_dir_from_the_environment() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("company"));
    let server = authority.serve("localhost", 2099, OK);
    let file = folder.path().join("5ed36f99.0");
    std::fs::write(&file, authority.pem()).unwrap();
    assert_eq!(fetch_with(&[("SSL_CERT_FILE", &file)], &server.url("x")), "ok: secure");
    assert_eq!(fetch_with(&[("SSL_CERT_DIR", folder.path())], &server.url("x")), "ok: secure");
}

#[test]
fn g01_unknown_expired_and_foreign_certificates_are_refused_by_host_and_cause() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("company"));
    let client = trusting(&authority, folder.path());
    for (server, cause) in [
        (Authority::new("unknown").serve("localhost", 2099, OK), "UnknownIssuer"),
        (authority.serve("localhost", 2021, OK), "expired"),
        (authority.serve("elsewhere.example", 2099, OK), "not valid for name"),
    ] {
        let error = client.fetch_bytes(&server.url("x"), 10).unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Network, "tls-failed"), "{error}");
        let text = error.to_string();
        assert!(text.contains("no trusted connection to localhost"), "{text}");
        assert!(text.contains(cause), "{cause}: {text}");
        assert!(error.hints()[0].contains("SSL_CERT_FILE"));
    }
}

#[test]
fn g01_plain_http_on_an_https_address_is_a_tls_failure() {
    let server = Server::start();
    let url = server.url("x").replace("http://", "https://");
    let error = Client::new(config().0).fetch_bytes(&url, 10).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Network, "tls-failed"), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn g02_without_any_ca_store_http_works_and_https_says_what_is_missing() {
    let nowhere = Path::new("/nonexistent");
    let environment = [("SSL_CERT_FILE", nowhere), ("SSL_CERT_DIR", nowhere)];
    let (plain, authority) = (Server::start(), Authority::new("company"));
    plain.put("x", "plain");
    assert_eq!(fetch_with(&environment, &plain.url("x")), "ok: plain");
    let secure = authority.serve("localhost", 2099, OK);
    let text = fetch_with(&environment, &secure.url("x"));
    assert!(text.starts_with("Network tls-setup-failed: https://localhost"), "{text}");
}

#[test]
fn g03_http_to_https_is_followed() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("company"));
    let (plain, secure) = (Server::start(), authority.serve("localhost", 2099, OK));
    plain.fault("x", Fault::redirect(301, secure.url("x")));
    let response = trusting(&authority, folder.path()).fetch_bytes(&plain.url("x"), 10).unwrap();
    assert_eq!(response.final_url, secure.url("x"));
}

#[test]
fn g04_https_to_http_is_refused_unless_the_bytes_are_pinned() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("company"));
    let mut bench = Bench::new();
    bench.client = trusting(&authority, folder.path());
    let plain = bench.server.url(FILE);
    let moved = format!("HTTP/1.1 302 Found\r\nLocation: {plain}\r\nContent-Length: 0\r\n\r\n");
    let secure = authority.serve("localhost", 2099, &moved);
    let error = bench.client.fetch_bytes(&secure.url("x"), 1 << 20).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Network, "bad-redirect"));
    assert!(error.to_string().contains("from https to http"), "{error}");
    assert!(bench.server.seen().is_empty());
    assert_eq!(bench.download_from(&[secure.url("x")]).unwrap().final_url, plain);
}
