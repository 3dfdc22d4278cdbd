//! What a `prepare` costs, beside its peers: every row is measured in turns within one
//! run, and told as medians and a ratio. Not a test: times on a shared machine are noise.
//!
//! `cargo bench --bench peers [-- ROW…]`, on Debian 12 with the packages `mmdebstrap`,
//! `python3-venv`, `time` and `zstd`. It uses the mirror of the machine's own apt sources.
//! The rows that need no network work in `/dev/shm`, in memory: disks differ too much.
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
    ("archive", archive),
    ("second-tree", second_tree),
    ("verify", verify),
];

/// Those that are measured in memory.
const IN_MEMORY: &[&str] = &["no-op", "archive", "second-tree", "verify"];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    println!("| measured | ours | peer | ratio |\n|---|---|---|---|");
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    for (name, row) in ROWS {
        if wanted.is_empty() || wanted.iter().any(|want| want == name) {
            let is_offline = IN_MEMORY.contains(name);
            let place = if is_offline { memory.path() } else { folder.path() }.join(name);
            fs::create_dir(&place).unwrap();
            row(&place);
            fs::remove_dir_all(&place).unwrap();
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
    let llvm = project(&place.join("llvm"));
    time(&mut prepare(&llvm, &["--llvm", "debian"]));
    let bin =
        llvm.join(format!("toolchains/{TRIPLE}/lib/llvm/usr/lib/llvm-{}/bin", pins.llvm.major));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let (ours, theirs) = turns(
        5,
        |round| {
            let root = project(&place.join(format!("o{round}")));
            time(prepare(&root, &["--llvm", "system"]).env("PATH", &path))
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

/// A project with a packed archive of sysroot and LLVM; gives the archive.
fn packed(root: &Path) -> PathBuf {
    let file = root.join("packed.tar.zst");
    let mut pack = Command::new(TOOL);
    pack.arg("--root").arg(root).args(["--quiet", "pack", "--with-llvm", "--output"]).arg(&file);
    time(&mut pack);
    file
}

/// From the archive to a toolchain, beside plain unpacking of it, and of its .debs.
fn archive(place: &Path) {
    let source = project(&place.join("p"));
    let file = packed(&source);
    let lock = source.join("checksums.txt");
    let archive = file.to_str().unwrap();
    let ours = |round: &str| {
        let root = project(&place.join(format!("o{round}")));
        fs::copy(&lock, root.join("checksums.txt")).unwrap();
        let took = time(&mut prepare(&root, &["--archive", archive]));
        fs::remove_dir_all(root).unwrap();
        took
    };
    let theirs = |round: usize, fill: &dyn Fn(&Path) -> Duration| {
        let folder = place.join(format!("t{round}"));
        fs::create_dir(&folder).unwrap();
        let took = fill(&folder);
        fs::remove_dir_all(folder).unwrap();
        took
    };
    let tar = |folder: &Path| {
        time(Command::new("tar").args(["--zstd", "-xf", archive, "-C"]).arg(folder))
    };
    let (first, peer) = turns(7, |it| ours(&format!("a{it}")), |it| theirs(it, &tar));
    tell("`prepare --archive`, sysroot and LLVM", first, Some(("tar --zstd -xf", peer)));
    let debs = Command::new("find")
        .arg(source.join("toolchains/cache/pool"))
        .args(["-name", "*.deb"])
        .output();
    let debs = String::from_utf8(debs.unwrap().stdout).unwrap();
    let dpkg = |folder: &Path| {
        let each = |deb| time(Command::new("dpkg-deb").arg("-x").arg(deb).arg(folder));
        debs.lines().map(each).sum()
    };
    let (second, peer) = turns(7, |it| ours(&format!("d{it}")), |it| theirs(it, &dpkg));
    tell("the same", second, Some(("dpkg-deb -x, one by one", peer)));
}

/// Another tree out of the kept packages, beside a copy of the tree.
fn second_tree(place: &Path) {
    let root = project(&place.join("p"));
    time(&mut prepare(&root, &["--llvm", "debian"]));
    let toolchains = root.join("toolchains");
    let generation = fs::canonicalize(toolchains.join(TRIPLE)).unwrap();
    let original = place.join("original");
    time(Command::new("cp").arg("-a").arg(&generation).arg(&original));
    let (ours, theirs) = turns(
        11,
        |_| {
            fs::remove_dir_all(toolchains.join(".gen")).unwrap();
            fs::remove_file(toolchains.join(TRIPLE)).unwrap();
            time(&mut prepare(&root, &["--llvm", "debian", "--cache"]))
        },
        |round| {
            let copy = place.join(format!("copy{round}"));
            let took = time(Command::new("cp").arg("-a").arg(&original).arg(&copy));
            fs::remove_dir_all(copy).unwrap();
            took
        },
    );
    tell("a second tree out of kept packages", ours, Some(("cp -a of the tree", theirs)));
}

/// Every byte of a toolchain, beside sha256sum over its files.
fn verify(place: &Path) {
    let root = project(&place.join("p"));
    time(&mut prepare(&root, &["--llvm", "debian"]));
    let tree = root.join("toolchains").join(TRIPLE);
    let (ours, theirs) = turns(
        11,
        |_| time(Command::new(TOOL).arg("--root").arg(&root).args(["--quiet", "verify"])),
        |_| {
            let all = "find . -type f -print0 | xargs -0 sha256sum";
            time(Command::new("sh").args(["-c", all]).current_dir(&tree))
        },
    );
    tell("`verify`", ours, Some(("sha256sum of every file", theirs)));
}
