//! Debian's own tools against the generated archive, over loopback. Never touches the
//! machine's own apt.

use super::SUITES;
use crate::support::mirror::Mirror;

/// CI runs it as a step of its own.
#[test]
#[ignore = "needs apt-get, gpgv and dpkg-deb: the step judges of .ci/run"]
fn apt_gpgv_and_dpkg_deb_accept_the_archive() {
    let mirror = Mirror::bookworm();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let keyring = place.join("keyring.gpg");
    std::fs::write(&keyring, mirror.keyring()).unwrap();
    for suite in SUITES {
        let file = mirror.root().join(mirror.inrelease_path(suite));
        call("gpgv", ["--keyring".as_ref(), keyring.as_os_str(), file.as_os_str()]);
    }
    for deb in mirror.paths().filter(|path| path.ends_with(".deb")) {
        let deb = mirror.root().join(deb);
        let out = tempfile::tempdir().unwrap();
        call("dpkg-deb", ["-I".as_ref(), deb.as_os_str()]);
        call("dpkg-deb", ["-x".as_ref(), deb.as_os_str(), out.path().as_os_str()]);
    }
    for architecture in ["amd64", "arm64"] {
        let root = place.join(architecture);
        for below in ["lists/partial", "cache/archives/partial", "etc", "dpkg"] {
            std::fs::create_dir_all(root.join(below)).unwrap();
        }
        std::fs::write(root.join("dpkg/status"), "").unwrap();
        let source = |url: &str, suite: &str| {
            format!(
                "deb [arch={architecture} signed-by={}] {url} {suite} main\n",
                keyring.display()
            )
        };
        let sources = source(&mirror.url(), "bookworm")
            + &source(&mirror.url(), "bookworm-updates")
            + &source(&mirror.security_url(), "bookworm-security");
        std::fs::write(root.join("etc/sources.list"), sources).unwrap();
        let mut options = Vec::new();
        for (name, value) in [
            ("Dir::Etc", root.join("etc")),
            ("Dir::Etc::parts", root.join("none")),
            ("Dir::Etc::sourceparts", root.join("none")),
            ("Dir::State", root.clone()),
            ("Dir::State::lists", root.join("lists")),
            ("Dir::State::status", root.join("dpkg/status")),
            ("Dir::Cache", root.join("cache")),
            ("APT::Architecture", architecture.into()),
            ("APT::Architectures", architecture.into()),
            ("Acquire::http::Proxy", "DIRECT".into()),
            ("APT::Sandbox::User", "root".into()),
            ("Debug::NoLocking", "true".into()),
        ] {
            options.extend(["-o".to_owned(), format!("{name}={}", value.display())]);
        }
        let apt = |args: &[&str]| {
            let args = options.iter().map(String::as_str).chain(args.iter().copied());
            call("apt-get", args)
        };
        let update = apt(&["update", "--error-on=any"]);
        assert!(!update.contains("W:") && !update.contains("E:"), "{update}");
        let kernel = format!("linux-image-cloud-{architecture}");
        let wanted = [
            "install",
            "-y",
            "--download-only",
            "--no-install-recommends",
            "libstdc++-12-dev",
            "libdemo-dev",
            "libssl-dev",
            "clang-19",
            "lld-19",
            "llvm-19",
            "qemu-user",
            &kernel,
        ];
        apt(&wanted);
        let fetched: Vec<String> = std::fs::read_dir(root.join("cache/archives"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let has = |start: &str| fetched.iter().any(|name| name.starts_with(start));
        for name in ["linux-libc-dev_6.1.192-2_", "libc6_2.36-9+deb12u14_", "libssl3_3.0.22-"] {
            assert!(has(name), "{name} is not among {fetched:?}");
        }
        assert!(has("demo-data_1.0-1_all") && has("libllvm19_1%3a19.1.7"), "{fetched:?}");
    }
}

/// Runs a program of the system; what it said, when it succeeded.
fn call<A: AsRef<std::ffi::OsStr>>(program: &str, args: impl IntoIterator<Item = A>) -> String {
    let output = std::process::Command::new(program).args(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{program}: {}\n{text}", output.status);
    text
}
