//! A Rust for tests: this machine's own under a bare `PATH`, or one whose cargo is a script
//! that takes an archive of this machine's own instead of compiling.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::fixture::{Fixture, Outcome};
use crate::support::sources;

/// This machine's target.
pub fn host() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// The compiler that builds these tests.
fn real_rustc() -> PathBuf {
    Path::new(&std::env::var_os("CARGO").expect("cargo runs the tests")).with_file_name("rustc")
}

fn real_sysroot() -> &'static str {
    static SYSROOT: OnceLock<String> = OnceLock::new();
    SYSROOT.get_or_init(|| {
        let output = Command::new(real_rustc()).args(["--print", "sysroot"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

/// Puts this machine's Rust onto the fixture's `PATH`.
pub fn real(fixture: &Fixture) {
    fixture.tool("rustc", &format!("exec '{}' \"$@\"", real_rustc().display()));
}

/// What one real build gave.
pub struct Built {
    /// Rustc's archive.
    pub raw: Vec<u8>,
    /// The same of the debug archive.
    debug: Vec<u8>,
    /// The one that is installed.
    pub packed: Vec<u8>,
}

/// A real build, once for all tests.
pub fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let fixture = Fixture::new();
        real(&fixture);
        fixture.run(["build-runtime"]).code(0).stderr_has("built: ");
        let raw = |flavor: &str| {
            format!("toolchains/build/runtime/{flavor}/{}/release/libreml_runtime.a", host())
        };
        let read = |path: String| fs::read(fixture.path(path)).unwrap();
        Built {
            raw: read(raw("release")),
            debug: read(raw("debug")),
            packed: read("toolchains/host/lib/libreml_runtime.a".to_owned()),
        }
    })
}

/// The same bytes with every `from` a `to` of the same length.
pub fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, from.as_bytes()).collect();
    assert!(!places.is_empty(), "no {from}");
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

/// The Rust with a script for its cargo.
pub struct Fake {
    pub fixture: Fixture,
    /// Where it pretends to lie.
    pub sysroot: PathBuf,
}

impl Fake {
    /// Beside a new project.
    pub fn new() -> Self {
        Self::beside(Fixture::new())
    }

    /// Its cargo gives rustc's archive of [`built`].
    pub fn beside(fixture: Fixture) -> Self {
        let sysroot = fixture.home().join("my rust");
        let fake = Self { fixture, sysroot };
        fs::create_dir_all(fake.sysroot.join(format!("lib/rustlib/{}/lib", host()))).unwrap();
        fake.version("1.95.0");
        let place = fake.sysroot.display().to_string();
        let rustc = format!(
            "case \"$*\" in\n'--print sysroot') echo '{place}' ;;\n-vV) /bin/cat '{place}/version' ;;\n*) exit 9 ;;\nesac"
        );
        fake.fixture.tool("rustc", &rustc);
        fake.script("bin/rustc", &rustc);
        let tools = format!("{}/lib/rustlib/{}/bin", real_sysroot(), host());
        for name in ["rust-lld", "rust-objcopy"] {
            let body =
                format!("LD_LIBRARY_PATH='{}/lib' exec '{tools}/{name}' \"$@\"", real_sysroot());
            fake.script(&format!("lib/rustlib/{}/bin/{name}", host()), &body);
        }
        fake.gives(&built().raw);
        fs::write(fake.sysroot.join("debug.a"), &built().debug).unwrap();
        fake.cargo("");
        fake
    }

    /// The release it claims to be.
    pub fn version(&self, release: &str) {
        let text = format!("rustc {release}\nhost: {}\nrelease: {release}\n", host());
        fs::write(self.sysroot.join("version"), text).unwrap();
    }

    /// A script of its own.
    pub fn script(&self, below: &str, body: &str) {
        let path = self.sysroot.join(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // A new file: the old one may be running.
        let staged = path.with_extension("new");
        fs::write(&staged, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n")).unwrap();
        fs::set_permissions(&staged, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(staged, path).unwrap();
    }

    /// The archive that cargo gives from now on.
    pub fn gives(&self, raw: &[u8]) {
        fs::write(self.sysroot.join("raw.a"), raw).unwrap();
    }

    /// What cargo does before it gives the archive. Each call is logged with its variables.
    pub fn cargo(&self, first: &str) {
        let place = self.sysroot.display();
        self.script(
            "bin/cargo",
            &format!(
                "echo \"$@\" >>'{place}/calls'\nenv >'{place}/variables'\n{first}\n\
                 kind=raw\nwhile [ $# -gt 0 ]; do\n  case $1 in\n  --target) target=$2 ;;\n  \
                 --target-dir) folder=$2 ;;\n  --features) kind=debug ;;\n  esac\n  shift\ndone\n\
                 mkdir -p \"$folder/$target/release\"\n\
                 cp '{place}'/$kind.a \"$folder/$target/release/libreml_runtime.a\""
            ),
        );
    }

    /// The command lines that cargo was called with.
    pub fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.sysroot.join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// `build-runtime --release` for this machine.
    pub fn build(&self, args: &[&str]) -> Outcome {
        self.fixture.run(["build-runtime", "--release"].iter().chain(args))
    }

    /// The installed archive.
    pub fn installed(&self) -> Vec<u8> {
        fs::read(self.fixture.path("toolchains/host/lib/libreml_runtime.a")).unwrap()
    }
}

/// Copies the repository's runtime into the project, which then is a checkout.
pub fn check_out(fixture: &Fixture) {
    for part in ["Cargo.toml", "src", "staticlib", "include", "ir", "tests/c"] {
        let from = sources::root().join("runtime").join(part);
        let to = fixture.path("runtime").join(part);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        let status = Command::new("cp").arg("-R").arg(from).arg(to).status().unwrap();
        assert!(status.success());
    }
}
