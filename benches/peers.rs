//! What a `prepare` costs, beside its peers: every row is measured in turns within one
//! run, and told as medians and a ratio. Not a test: times on a shared machine are noise.
//!
//! `cargo bench --bench peers [-- ROW…]`, on Debian 12 with the packages `mmdebstrap`,
//! `python3-venv` and `time`. It uses the mirror of the machine's own apt sources.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring program looks at the world itself and fails loudly"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reml_toolchain::pins::{Lock, Pins};

const TOOL: &str = env!("CARGO_BIN_EXE_reml-toolchain");
const TRIPLE: &str = "x86_64-unknown-linux-gnu";
const HELLO: &str = "#include <stdio.h>\nint main(void) { puts(\"hello\"); }\n";

/// A row's name and the function that measures it.
type Row = (&'static str, fn(&Path));

const ROWS: &[Row] = &[
    ("no-op", no_op),
    ("warm-cache", warm_cache),
    ("sysroot", sysroot),
    ("first-hello", first_hello),
    ("shim", shim),
    ("memory", memory),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    println!("| measured | ours | peer | ratio |\n|---|---|---|---|");
    for (name, row) in ROWS {
        if wanted.is_empty() || wanted.iter().any(|want| want == name) {
            let place = folder.path().join(name);
            fs::create_dir(&place).unwrap();
            row(&place);
        }
    }
}

/// An empty project with this repository's pins and lock.
fn project(place: &Path) -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(place).unwrap();
    for file in ["versions.toml", "checksums.txt"] {
        fs::copy(repository.join(file), place.join(file)).unwrap();
    }
    place.to_path_buf()
}

fn prepare(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(TOOL);
    command.arg("--root").arg(root).args(["--quiet", "prepare"]).args(args);
    command
}

/// Runs to the end, which must be good, and tells how long it took.
fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
    let took = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn shown(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.1} ms", time.as_secs_f64() * 1e3)
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

/// One line of the table: `peer` is the name and median of what it is compared with.
fn tell(what: &str, ours: Duration, peer: Option<(&str, Duration)>) {
    let (name, ratio) = match peer {
        None => (String::from("–"), String::from("–")),
        Some((name, theirs)) => (
            format!("{name}: {}", shown(theirs)),
            format!("{:.2}", ours.as_secs_f64() / theirs.as_secs_f64()),
        ),
    };
    println!("| {what} | {} | {name} | {ratio} |", shown(ours));
}

/// Measures two things in turns, so that a busy moment hits both.
fn turns(
    rounds: usize,
    mut ours: impl FnMut(usize) -> Duration,
    mut theirs: impl FnMut(usize) -> Duration,
) -> (Duration, Duration) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        first.push(ours(round));
        second.push(theirs(round));
    }
    (median(first), median(second))
}

fn no_op(place: &Path) {
    let root = project(&place.join("p"));
    time(&mut prepare(&root, &["--llvm", "debian"]));
    let (ours, start) =
        turns(41, |_| time(&mut prepare(&root, &[])), |_| time(&mut Command::new("/bin/true")));
    tell("`prepare` when all is up to date", ours, Some(("/bin/true", start)));
}

/// A project whose cache is full of .debs and holds nothing unpacked.
fn filled(place: &Path, cache: &Path) -> PathBuf {
    let root = project(place);
    let target = root.join("toolchains/cache");
    fs::create_dir_all(&target).unwrap();
    time(Command::new("cp").arg("-al").arg(cache.join("pool")).arg(&target));
    root
}

fn warm_cache(place: &Path) {
    let first = project(&place.join("first"));
    time(&mut prepare(&first, &["--llvm", "debian"]));
    let cache = first.join("toolchains/cache");
    let whole = (0..5).map(|round| {
        let root = filled(&place.join(format!("w{round}")), &cache);
        time(&mut prepare(&root, &["--llvm", "debian", "--cache"]))
    });
    tell("`prepare` with LLVM from cached .debs", median(whole.collect()), None);
    let again = (0..5).map(|_| time(&mut prepare(&first, &["--llvm", "debian", "--force"])));
    tell("`prepare --force` from unpacked packages", median(again.collect()), None);
}

/// The sysroot alone: an LLVM of the host stands in, so that none is fetched.
fn sysroot(place: &Path) {
    let pins = Pins::parse("versions.toml", include_str!("../versions.toml")).unwrap();
    let lock = Lock::parse("checksums.txt", include_str!("../checksums.txt")).unwrap();
    let set = "bookworm/sysroot/amd64";
    let names: Vec<&str> = lock.set(set).map(|(_, package)| package.name.as_str()).collect();
    assert_eq!(names.len(), pins.sysroot.packages.len());
    let include = format!("--include={}", names.join(","));
    let (ours, theirs) = turns(
        5,
        |round| {
            let root = project(&place.join(format!("o{round}")));
            time(&mut prepare(&root, &["--llvm", "system"]))
        },
        |round| {
            let folder = place.join(format!("m{round}"));
            let mut command = Command::new("mmdebstrap");
            command.args(["--quiet", "--variant=extract", &include, "bookworm"]).arg(folder);
            time(&mut command)
        },
    );
    tell("the sysroot over the network, from nothing", ours, Some(("mmdebstrap extract", theirs)));
}

fn first_hello(place: &Path) {
    let source = place.join("hello.c");
    fs::write(&source, HELLO).unwrap();
    let (ours, theirs) = turns(
        3,
        |round| {
            let root = project(&place.join(format!("o{round}")));
            let prepared = time(&mut prepare(&root, &["--llvm", "debian"]));
            let clang = root.join(format!("toolchains/{TRIPLE}/bin/{TRIPLE}-clang"));
            prepared + time(Command::new(clang).arg(&source).arg("-o").arg(place.join("hello")))
        },
        |round| {
            let venv = place.join(format!("z{round}"));
            time(Command::new("python3").args(["-m", "venv"]).arg(&venv));
            let mut pip = Command::new(venv.join("bin/pip"));
            pip.args(["install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"]);
            let installed = time(pip.arg("ziglang"));
            let mut zig = Command::new(venv.join("bin/python"));
            zig.args(["-m", "ziglang", "cc", "-target", "x86_64-linux-gnu"]);
            zig.env("ZIG_GLOBAL_CACHE_DIR", venv.join("cache"));
            installed + time(zig.arg(&source).arg("-o").arg(place.join("zig-hello")))
        },
    );
    tell(
        "nothing to the first C hello, LLVM included",
        ours,
        Some(("pip ziglang + zig cc", theirs)),
    );
}

fn shim(place: &Path) {
    let root = project(&place.join("p"));
    time(&mut prepare(&root, &["--llvm", "debian"]));
    let tree = root.join("toolchains").join(TRIPLE);
    let source = place.join("hello.c");
    fs::write(&source, HELLO).unwrap();
    let object = place.join("hello.o");
    let shim = tree.join(format!("bin/{TRIPLE}-clang"));
    let clang = tree.join("lib/llvm/usr/lib/llvm-19/bin/clang");
    let config = format!("--config={}", tree.join(format!("share/clang/{TRIPLE}.cfg")).display());
    let compile =
        |command: &mut Command| time(command.arg("-c").arg(&source).arg("-o").arg(&object));
    let (ours, bare) = turns(
        101,
        |_| compile(&mut Command::new(&shim)),
        |_| compile(Command::new(&clang).args(["--no-default-config", &config])),
    );
    tell("one compile through the shim", ours, Some(("bare clang, same flags", bare)));
    println!("| the shim's share of it | {} | – | – |", shown(ours.saturating_sub(bare)));
}

/// Peak resident memory, as time(1) tells it.
fn memory(place: &Path) {
    let root = project(&place.join("p"));
    for what in ["from nothing, LLVM included", "when all is up to date"] {
        let mut command = Command::new("/usr/bin/time");
        command.args(["-f", "%M", TOOL, "--root"]).arg(&root);
        command.args(["--quiet", "prepare", "--llvm", "debian"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let kib: u64 = String::from_utf8(output.stderr).unwrap().trim().parse().unwrap();
        println!("| peak memory of `prepare` {what} | {} MiB | – | – |", kib / 1024);
    }
}
