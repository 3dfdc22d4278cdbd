//! Prints the table of goals: the runtime against glibc, mimalloc and Rust, as ratios of
//! interleaved medians, then instruction counts by callgrind. One command:
//!
//! `cargo bench -p reml-runtime --bench table [-- --enforce]`
//!
//! Needs cc, clang-19, llvm-19, valgrind and Debian's libmimalloc2.0 (`libmimalloc-dev`).
//! With `--enforce` a missed goal is a failure. Never measures through Rust: the archive
//! that ships is linked into a C program.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use reml_runtime::abi;
use reml_runtime_pack::argv::Flavor;
use reml_runtime_pack::drive::{self, Symbols};

/// What a row of the driver must reach: its name and the highest ratio.
const GOALS: &[(&str, f64)] = &[
    ("alloc+free 16 B / glibc", 0.50),
    ("alloc+free 32 B / glibc", 0.50),
    ("alloc+free 64 B / glibc", 0.50),
    ("alloc+free 16 B / mimalloc", 0.70),
    ("alloc+free 32 B / mimalloc", 0.70),
    ("alloc+free 64 B / mimalloc", 0.70),
    ("inc+dec by call / Arc", 0.25),
    ("inc+dec inlined / Arc", 0.10),
    ("new+release / Arc", 0.30),
    ("new+release, threaded process / Arc", 0.30),
    ("release of a 10-million-node list", 0.50),
    ("contended inc+dec / Arc", 1.10),
    ("2-thread alloc+free / glibc", 0.60),
    ("RSS of 10 million 16-byte objects / malloc", 0.80),
];

struct Row {
    name: String,
    ours: f64,
    peer: f64,
}

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("the table is printed by `cargo bench` only");
        return ExitCode::SUCCESS;
    }
    let work = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let archive = archive(&work);
    let driver = build(&work, &archive);

    println!("{}\n", machine());
    let mut rows = rows(&run(Command::new(&driver).arg("race")));
    // The release runs with a stack that recursion would overflow at once.
    let limited = "ulimit -s 64 && exec \"$0\" release";
    rows.extend(self::rows(&run(Command::new("sh").args(["-c", limited]).arg(&driver))));
    let bytes = |side| number(&run(Command::new(&driver).args(["memory", side])));
    rows.push(Row {
        name: "RSS of 10 million 16-byte objects / malloc".to_owned(),
        ours: bytes("ours"),
        peer: bytes("peer"),
    });
    let missed = table(&rows);
    let extra = number(&run(Command::new(&driver).arg("release-memory")));
    let size = std::fs::metadata(&archive).map_or(0, |meta| meta.len());
    println!("\nreleasing 10 million nodes takes {extra} bytes of memory");
    println!("archive: 1 member, 0 foreign globals (checked), {size} bytes of 65536");
    instructions(&driver);
    let enforce = std::env::args().any(|argument| argument == "--enforce");
    ExitCode::from(u8::from(enforce && missed > 0))
}

fn archive(work: &Path) -> PathBuf {
    let shipped = abi::FUNCTIONS.iter().filter(|function| !function.debug_only);
    let defines: Vec<_> = shipped.map(|function| function.symbol).collect();
    let imports = abi::IMPORTS.iter().chain(abi::WEAK_IMPORTS);
    let imports: Vec<_> = imports.map(|(symbol, _)| *symbol).collect();
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("staticlib/Cargo.toml");
    let symbols = Symbols { defines: &defines, imports: &imports };
    let target = drive::host().expect("rustc tells its host");
    drive::archive(&manifest, work, &target, Flavor::Release, symbols)
        .unwrap_or_else(|problem| panic!("{problem}"))
}

/// Compiles the driver, the Rust peers and the inlined loop, and links them.
fn build(work: &Path, archive: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let at = |name: &str| work.join(name);
    run(Command::new("rustc")
        .args(["--edition", "2024", "-O", "-Cpanic=abort", "--crate-type", "staticlib", "-o"])
        .arg(at("libpeers.a"))
        .arg(root.join("benches/peers.rs")));
    run(Command::new("llvm-link-19")
        .arg("-o")
        .arg(at("inlined.bc"))
        .arg(root.join("benches/inlined.ll"))
        .arg(root.join("ir/reml_runtime_inline.ll")));
    run(Command::new("clang-19")
        .args(["-O2", "-Wno-override-module", "-c", "-o"])
        .arg(at("inlined.o"))
        .arg(at("inlined.bc")));
    run(Command::new("cc")
        .args(["-O2", "-g", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(root.join("include"))
        .arg(root.join("benches/driver.c"))
        .args([archive, &at("inlined.o"), &at("libpeers.a")])
        .args(["-pthread", "-ldl", "-o"])
        .arg(at("driver")));
    at("driver")
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What the figures hold for: processor, kernel, day.
fn machine() -> String {
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name| {
        let line = processor.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(": ")).map_or("?", |(_, value)| value).trim()
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let rest =
        run(Command::new("sh").args(["-c", "uname -r | cut -d. -f1,2; uname -m; date -u +%F"]));
    format!(
        "{}, model {} stepping {}, {threads} processors, Linux {}",
        field("model name"),
        field("model\t"),
        field("stepping"),
        rest.trim().replace('\n', ", ")
    )
}

fn number(text: &str) -> f64 {
    text.trim().parse().unwrap_or_else(|_| panic!("expected a number, got {text:?}"))
}

fn rows(text: &str) -> Vec<Row> {
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, ours, peer] = fields[..] else { panic!("expected three fields: {line}") };
            Row { name: name.to_owned(), ours: number(ours), peer: number(peer) }
        })
        .collect()
}

/// Prints the rows; how many goals were missed.
fn table(rows: &[Row]) -> usize {
    println!("{:<44} {:>9} {:>9} {:>7} {:>6}", "", "ours", "peer", "ratio", "goal");
    let mut missed = 0;
    for row in rows {
        let ratio = row.ours / row.peer;
        let goal = GOALS.iter().find(|(name, _)| *name == row.name);
        let verdict = match goal {
            Some((_, most)) if ratio <= *most => format!("{most:>6.2} met"),
            Some((_, most)) => {
                missed += 1;
                format!("{most:>6.2} MISSED")
            }
            None => String::new(),
        };
        println!("{:<44} {:>9.2} {:>9.2} {ratio:>7.3} {verdict}", row.name, row.ours, row.peer);
    }
    for (name, _) in GOALS {
        assert!(rows.iter().any(|row| row.name == *name), "no row for the goal {name}");
    }
    missed
}

/// Instructions an operation, by callgrind: the same on every run, whatever else the
/// machine does.
fn instructions(driver: &Path) {
    println!("\ninstructions an operation (callgrind):");
    let names = run(Command::new(driver).args(["count", "names", "1"]));
    for name in names.lines().chain(["making a node", "making and releasing a node"]) {
        let (few, many) = (1_000, 11_000);
        let each = (count(driver, name, many) - count(driver, name, few)) / 10_000.0;
        println!("  {name:<34} {each:>7.1}");
    }
}

fn count(driver: &Path, name: &str, rounds: u64) -> f64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(driver)
        .args(["count", name, &rounds.to_string()])
        // Under Valgrind the runtime would leave allocation to malloc.
        .env("REML_RT_ALLOC", "slab")
        .output()
        .unwrap_or_else(|error| panic!("valgrind: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    number(collected.unwrap_or_else(|| panic!("callgrind counted nothing:\n{said}")).1)
}
