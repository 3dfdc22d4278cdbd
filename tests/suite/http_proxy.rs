//! Proxies and credentials: rows G07, G18, G19 and G23 of FAULTS.md. The fault server plays the
//! proxy: it serves absolute URLs by their path.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::support::net::config;
use crate::support::server::{Fault, Server, refused_url};
use reml_toolchain::host::fault::{Diagnostic as _, Kind};
use reml_toolchain::host::http::{Client, HttpError, Proxies, Response};

/// A client with these variables in its environment.
fn client(variables: &[(&str, &str)]) -> Client {
    let (mut config, _) = config();
    config.proxies = Proxies::from_variables(variables.iter().copied());
    Client::new(config)
}

fn fetch(variables: &[(&str, &str)], url: &str) -> Result<Response, HttpError> {
    client(variables).fetch_bytes(url, 1000)
}

#[test]
fn g18_plain_http_goes_through_the_proxy_with_its_password() {
    let proxy = Server::start();
    proxy.put("x", "through the proxy");
    let value = format!("http://us%40er:secret@{}", proxy.address());
    let url = "http://mirror.invalid/x";
    assert_eq!(fetch(&[("http_proxy", &value)], url).unwrap().bytes, b"through the proxy");
    let seen = proxy.seen();
    assert_eq!(seen[0].target, url);
    // base64 of "us@er:secret"
    assert_eq!(seen[0].header("proxy-authorization"), Some("Basic dXNAZXI6c2VjcmV0"));
    for name in ["HTTP_PROXY", "ALL_PROXY", "all_proxy"] {
        assert!(fetch(&[(name, &value)], url).is_ok(), "{name}");
    }
}

#[test]
fn g18_exempt_hosts_are_asked_directly() {
    let (proxy, mirror) = (Server::start(), Server::start());
    mirror.put("x", "direct");
    let variables = [("http_proxy", &*proxy.base()), ("NO_PROXY", "example.org,127.0.0.0/8")];
    assert_eq!(fetch(&variables, &mirror.url("x")).unwrap().bytes, b"direct");
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn g19_a_malformed_proxy_is_refused_by_name_and_nothing_goes_direct() {
    let mirror = Server::start();
    mirror.put("x", "direct");
    for value in ["http://", "http://[::1", "socks6://p:1", "http://p:123456", "a b"] {
        let error = fetch(&[("HTTP_PROXY", value)], &mirror.url("x")).unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Usage, "bad-proxy"), "{value}");
        assert!(error.to_string().starts_with("HTTP_PROXY: "), "{error}");
        assert!(error.hints()[0].contains("HTTP_PROXY="), "{error}");
    }
    assert_eq!(mirror.connections(), 0);
}

#[test]
fn g19_a_dead_proxy_of_any_scheme_is_named_and_nothing_goes_direct() {
    let mirror = Server::start();
    mirror.put("x", "direct");
    let dead = refused_url("");
    let dead = dead.trim_start_matches("http://").trim_end_matches('/');
    for scheme in ["http", "https", "socks4", "socks4a", "socks5", "socks5h"] {
        let value = format!("{scheme}://user:secret@{dead}");
        let error = fetch(&[("all_proxy", &value)], &mirror.url("x")).unwrap_err();
        assert_eq!(error.kind(), Kind::Network, "{scheme}: {error}");
        let text = error.to_string();
        assert!(text.contains("all_proxy") && text.contains(dead), "{scheme}: {text}");
        assert!(!text.contains("secret"), "{scheme}: {text}");
        let error = fetch(&[("all_proxy", &value)], "https://127.0.0.1:1/x").unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Network, "cannot-connect"), "{error}");
    }
    assert_eq!(mirror.connections(), 0);
}

#[test]
fn g19_a_proxy_that_refuses_to_connect_is_named_with_its_variable() {
    let proxy = Server::start();
    for (code, word) in [(403, "unsuccessful"), (407, "authorization")] {
        proxy.fault("mirror.invalid:443", Fault::status(code));
        let variables = [("https_proxy", &*proxy.base())];
        let error = fetch(&variables, "https://mirror.invalid/x").unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Usage, "proxy-refused"), "{error}");
        let text = error.to_string();
        assert!(text.contains("https_proxy") && text.contains(word), "{text}");
    }
    assert!(proxy.seen().iter().all(|seen| seen.method == "CONNECT"));
}

#[test]
fn g07_a_proxy_that_wants_a_password_is_named_with_its_variable() {
    let proxy = Server::start();
    proxy.fault("x", Fault::status(407));
    let error = fetch(&[("http_proxy", &proxy.base())], "http://mirror.invalid/x").unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Usage, "proxy-refused"));
    assert!(error.to_string().contains("http_proxy"), "{error}");
    assert_eq!(proxy.seen().len(), 1);
}

#[test]
fn g19_a_socks_proxy_is_spoken_to_in_socks() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let value = format!("socks5h://{}", listener.local_addr().unwrap());
    let proxy = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).unwrap();
        assert_eq!(greeting, [5, 1, 0], "version 5, one method, no password");
        stream.write_all(&[5, 0]).unwrap();
        let mut request = [0; 5 + 14 + 2];
        stream.read_exact(&mut request).unwrap();
        assert_eq!(request[..5], [5, 1, 0, 3, 14], "connect to a name of 14 letters");
        stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]).unwrap();
        let mut head = [0; 1024];
        assert!(stream.read(&mut head).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsocks").unwrap();
        String::from_utf8_lossy(&request[5..19]).into_owned()
    });
    let response = fetch(&[("ALL_PROXY", &value)], "http://mirror.invalid/x").unwrap();
    assert_eq!(response.bytes, b"socks");
    assert_eq!(proxy.join().unwrap(), "mirror.invalid");
}

#[test]
fn g23_credentials_of_a_mirror_are_sent_but_never_shown() {
    let server = Server::start();
    server.put("a b/ä.deb", "bytes");
    let base = format!("http://user:secret@{}", server.address());
    let client = client(&[]);
    let response = client.fetch_bytes(&format!("{base}/a b/ä.deb?token=hidden"), 10).unwrap();
    // base64 of "user:secret"
    assert_eq!(server.seen()[0].header("authorization"), Some("Basic dXNlcjpzZWNyZXQ="));
    let mut texts = vec![response.final_url];
    server.fault("404", Fault::status(404));
    server.fault("loop", Fault::redirect(302, format!("{base}/loop?token=hidden")));
    server.fault("file", Fault::redirect(302, "file://user:secret@host/?token=hidden"));
    server.fault("garbage", Fault::Raw(b"garbage\r\n\r\n".to_vec()));
    for path in ["404", "loop", "file", "garbage"] {
        let url = format!("{base}/{path}?token=hidden");
        let error = client.fetch_bytes(&url, 10).unwrap_err();
        texts.push(format!("{error} {error:?} {}", error.hints().join(" ")));
    }
    for bad in [
        "ftp://user:secret@host/",
        "http://user:secret@/x",
        "user:secret@host",
        "http://user:sec\nret@h",
    ] {
        let error = client.fetch_bytes(bad, 10).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{error}");
        texts.push(format!("{error} {error:?}"));
    }
    for text in texts {
        assert!(!text.contains("secret") && !text.contains("hidden"), "{text}");
    }
}

#[test]
fn g23_credentials_do_not_follow_a_redirect_to_another_host() {
    let (server, other) = (Server::start(), Server::start());
    other.put("x", "bytes");
    server.fault("x", Fault::redirect(302, other.url("x")));
    let url = format!("http://user:secret@{}/x", server.address());
    assert!(client(&[]).fetch_bytes(&url, 10).is_ok());
    assert_eq!(other.seen()[0].header("authorization"), None);
}
