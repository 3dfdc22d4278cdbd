//! The cache folder by itself and shared between processes: rows I06, K02 and L06 of FAULTS.md.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::cache::{cache, client, mirror, unfinished};
use crate::support::net::{Record, sha256};
use crate::support::server::Fault;
use reml_toolchain::host::fault::{Diagnostic as _, Kind};
use reml_toolchain::host::http::hex;
use reml_toolchain::host::progress::Silent;
use reml_toolchain::store::{Blob, CONNECTIONS, Store};

#[test]
fn sha256sum_checks_the_cache_folder_by_the_lock() {
    let (_server, blobs) = mirror(3);
    let (folder, store) = cache();
    store.obtain(&blobs[..2], CONNECTIONS, &client(), &Silent).unwrap();
    let line = |blob: &Blob| format!("{}  {}\n", hex(&blob.sha256), blob.path);
    let lock = folder.path().join("checksums.txt");
    std::fs::write(&lock, blobs.iter().map(line).collect::<String>()).unwrap();
    let check = |program: &str, args: &[&str]| {
        Command::new(program).args(args).arg(&lock).current_dir(store.root()).output()
    };
    let options = ["--check", "--ignore-missing", "--strict"];
    let output = check("sha256sum", &options)
        .or_else(|_| check("shasum", &["-a", "256", "--check", "--ignore-missing"]))
        .expect("sha256sum or shasum must be installed");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).matches(": OK").count(), 2);
}

#[test]
fn l06_damaged_files_are_moved_aside_and_named() {
    let (_server, blobs) = mirror(2);
    let (_folder, store) = cache();
    store.obtain(&blobs, 8, &client(), &Silent).unwrap();
    let place = store.place(&blobs[0].path).unwrap();
    let mut bytes = std::fs::read(&place).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&place, &bytes).unwrap();
    assert!(store.has(&blobs[0]).unwrap(), "the size alone proves nothing");
    let error = store.read(&blobs[0]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "cache-damaged"));
    let text = error.to_string();
    assert!(text.contains(&blobs[0].path) && text.ends_with(".deb.bad"), "{text}");
    assert!(!store.has(&blobs[0]).unwrap());
    std::fs::write(store.place(&blobs[1].path).unwrap(), b"short").unwrap();
    let record = Record::default();
    let obtained = store.obtain(&blobs, 8, &client(), &record).unwrap();
    assert_eq!(obtained.fetched, blobs[0].size + blobs[1].size);
    let lines = record.lines.lock().unwrap().join("\n");
    assert!(lines.contains("damaged in the cache") && lines.contains(&blobs[1].path), "{lines}");
    assert_eq!(
        std::fs::read(store.place(&blobs[1].path).unwrap().with_extension("deb.bad")).unwrap(),
        b"short"
    );
    store.read(&blobs[0]).unwrap();
}

#[test]
fn k02_paths_that_leave_the_cache_are_refused() {
    let (folder, store) = cache();
    for path in
        ["", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", "a/", ".", "tmp/x", "tmp", "a\nb"]
    {
        let error = store.place(path).unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Usage, "bad-cache-path"), "{path:?}");
    }
    let blob = Blob { path: "../x".into(), sha256: sha256(b"x"), size: 1, urls: Vec::new() };
    assert!(store.put(&blob, &mut &b"x"[..]).is_err());
    assert!(!folder.path().join("x").exists());
    assert!(store.place("debian-bookworm-x86_64.tar.zst").is_ok());
}

#[test]
fn put_takes_the_right_bytes_only() {
    let (_folder, store) = cache();
    let blob = Blob { path: "a/b".into(), sha256: sha256(b"good"), size: 4, urls: Vec::new() };
    for (bytes, code) in
        [(&b"evil"[..], "wrong-hash"), (b"goo", "wrong-size"), (b"goods", "wrong-size")]
    {
        let error = store.put(&blob, &mut &*bytes).unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Integrity, code));
        assert!(!store.has(&blob).unwrap());
    }
    assert_eq!(unfinished(&store), 0);
    store.put(&blob, &mut &b"good"[..]).unwrap();
    store.put(&blob, &mut &b"good"[..]).unwrap();
    assert_eq!(store.read(&blob).unwrap(), b"good");
}

#[test]
fn unfinished_files_that_nobody_needs_are_swept() {
    let (server, blobs) = mirror(2);
    let (_folder, store) = cache();
    for blob in &blobs {
        server.fault(&blob.path.replace('%', "%25"), Fault::Truncate(1000));
    }
    store.obtain(&blobs, 8, &client(), &Silent).unwrap_err();
    let swept = store.sweep(&blobs[..1]).unwrap();
    assert_eq!((swept.files, swept.bytes), (1, 4000), "the other one serves the next run");
    assert_eq!(store.sweep(&[]).unwrap().files, 1);
    assert_eq!(store.sweep(&[]).unwrap().files, 0);
}

#[test]
fn i06_three_processes_with_one_cache_fetch_each_file_once() {
    let (server, blobs) = mirror(8);
    let (_folder, store) = cache();
    for blob in &blobs {
        // Slow enough that the processes meet.
        server
            .fault(&blob.path.replace('%', "%25"), Fault::Drip(10_000, Duration::from_millis(10)));
    }
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "store_cache::one_of_several_processes"])
            .env("TEST_STORE", store.root())
            .env("TEST_MIRROR", server.base())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children = [start(), start(), start()];
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
    assert_eq!(server.seen().len(), 8, "each file was asked for once");
    for blob in &blobs {
        store.read(blob).unwrap();
    }
    assert_eq!(unfinished(&store), 0);
}

/// What each process of the test above does.
#[test]
#[ignore = "started by i06_three_processes_with_one_cache_fetch_each_file_once"]
fn one_of_several_processes() {
    let store = Store::open(Path::new(&std::env::var_os("TEST_STORE").unwrap())).unwrap();
    let base = std::env::var("TEST_MIRROR").unwrap();
    let (_unused, mut blobs) = mirror(8);
    for blob in &mut blobs {
        blob.urls = vec![format!("{base}/{}", blob.path.replace('%', "%25"))];
    }
    store.obtain(&blobs, 4, &client(), &Silent).unwrap();
}

/// Gives its bytes one at a time, with a pause before the first.
struct Slow<'a>(&'a [u8]);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        std::thread::sleep(Duration::from_millis(20));
        let count = buffer.len().min(1);
        std::io::Read::read(&mut self.0, &mut buffer[..count])
    }
}

#[test]
fn i06_two_puts_of_one_file_take_turns_and_both_succeed() {
    let (_folder, store) = cache();
    let blob = Blob { path: "a/b".into(), sha256: sha256(b"good"), size: 4, urls: Vec::new() };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| store.put(&blob, &mut Slow(b"good")).unwrap());
        }
    });
    assert_eq!(store.read(&blob).unwrap(), b"good");
    assert_eq!(unfinished(&store), 0);
}

#[test]
fn h06_files_and_folders_have_the_same_modes_under_any_umask() {
    use std::os::unix::fs::PermissionsExt as _;
    for umask in ["000", "077", "777"] {
        let (server, blobs) = mirror(8);
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("new/cache");
        let output = Command::new("sh")
            .args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", umask])
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "store_cache::one_of_several_processes"])
            .env("TEST_STORE", &root)
            .env("TEST_MIRROR", server.base())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{umask}: {text}");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
        let file = root.join(&blobs[0].path);
        assert_eq!(mode(&file), 0o644, "{umask}");
        for folder in file.ancestors().skip(1).take_while(|above| above.starts_with(&root)) {
            assert_eq!(mode(folder), 0o755, "{umask}: {}", folder.display());
        }
    }
}
