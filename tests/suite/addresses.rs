//! Row G20 of `docs/faults.md`: a host with several addresses of which the first is dead, in
//! a mount namespace whose `/etc/hosts` names it. Dead is a listener whose queue is full: the
//! kernel drops what comes, and nobody ever answers.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::fixture::{Fixture, Outcome};

/// An address that swallows every connection, as long as this lives.
struct Dead {
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

fn dead(address: SocketAddr) -> Dead {
    let listener = TcpListener::bind(address).expect("a free port on loopback");
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        queue.push(stream);
        assert!(queue.len() < 10_000, "the queue never fills");
    }
    Dead { _listener: listener, _queue: queue }
}

/// Hands every connection to `address` on to `server`, for as long as the program runs.
fn forward(address: SocketAddr, server: SocketAddr) {
    let listener = TcpListener::bind(address).expect("a free port on loopback");
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let Ok(far) = TcpStream::connect(server) else { continue };
            let (mut near_in, mut far_in) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            let (mut near_out, mut far_out) = (near, far);
            std::thread::spawn(move || std::io::copy(&mut near_in, &mut far_out));
            std::thread::spawn(move || std::io::copy(&mut far_in, &mut near_out));
        }
    });
}

/// `lock` from the host `several.test`, which has both addresses, at this port.
fn lock(fixture: &Fixture, addresses: [&str; 2], port: u16) -> (Outcome, Duration) {
    let hosts = fixture.home().join("hosts");
    let lines = addresses.map(|address| format!("{address} several.test\n"));
    fs::write(&hosts, lines.concat()).unwrap();
    let server = fixture.mirror.server().address().to_string();
    let url = fixture.mirror.url().replace(&server, &format!("several.test:{port}"));
    assert!(url.contains("several.test"), "{url}");
    let keyring = fixture.keyring().display().to_string();
    let program = fixture.command(["lock", "--mirror", &url, "--keyring", &keyring]);
    let mut unshare = Command::new("/usr/bin/unshare");
    unshare.args(["--mount", "--propagation", "private", "/bin/sh", "-c"]);
    unshare.arg("mount --bind \"$0\" /etc/hosts && exec \"$@\"").arg(&hosts);
    unshare.arg(program.get_program()).args(program.get_args());
    unshare.env_clear().envs(fixture.env()).env("PATH", "/usr/bin:/bin");
    unshare.current_dir(program.get_current_dir().expect("the fixture names a folder"));
    let started = Instant::now();
    let output = unshare.output().expect("unshare is installed");
    (Outcome::new(format!("{unshare:?}"), &output), started.elapsed())
}

#[test]
#[ignore = "needs root for a mount namespace: the step addresses of .ci/run"]
fn g20_of_two_addresses_a_dead_one_costs_less_than_five_seconds() {
    let fixture = Fixture::new();
    let server = fixture.mirror.server().address();
    // The resolver puts ::1 before 127.0.0.1, and that before 127.0.0.2.
    let port = server.port();
    let ipv6 = dead(format!("[::1]:{port}").parse().unwrap());
    check(&fixture, ["::1", "127.0.0.1"], port);
    drop(ipv6);
    let free = TcpListener::bind("127.0.0.2:0").unwrap().local_addr().unwrap();
    forward(free, server);
    let _ipv4 = dead(format!("127.0.0.1:{}", free.port()).parse().unwrap());
    check(&fixture, ["127.0.0.1", "127.0.0.2"], free.port());
}

fn check(fixture: &Fixture, addresses: [&str; 2], port: u16) {
    let (outcome, took) = lock(fixture, addresses, port);
    outcome.code(0);
    println!("{} dead, {} alive: {} ms", addresses[0], addresses[1], took.as_millis());
    assert!(took < Duration::from_secs(5), "{addresses:?}: {took:?}");
    // The dead one was asked: with both alive this takes no such time.
    assert!(took > Duration::from_millis(250), "{addresses:?}: {took:?}");
}
