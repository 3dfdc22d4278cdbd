//! Commands killed at every system call, and failed in every one that changes the disk:
//! afterwards each thing is what it was or what it shall be, the next run finishes, and nothing
//! is left behind. `.ci/run faults` runs a sample of the points and prints one table;
//! `REML_FAULTS=dense`, `=each` and `=all` run more of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::support::archive::sha256_hex;
use crate::support::fixture::{Fixture, Outcome, PROGRAM};
use crate::support::strace::{Blow, Point, Struck, strike, trace};

const X86: &str = "x86_64-unknown-linux-gnu";
const ARCHIVE: &str = "debian-bookworm-x86_64.tar.zst";

/// The system calls by which a run changes the disk, and the errors of each. Calls of one
/// line do the same job under different names.
const CALLS: [(&str, &[&str]); 11] = [
    (
        "rename,renameat,renameat2",
        &["ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EXDEV", "ESTALE"],
    ),
    ("symlink,symlinkat", &["ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EPERM", "ESTALE"]),
    ("unlink,unlinkat,rmdir", &["EIO", "EROFS", "EACCES", "EPERM", "EBUSY", "ESTALE"]),
    ("mkdir,mkdirat", &["ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EMLINK", "ESTALE"]),
    ("link,linkat", &["EPERM", "EXDEV", "EMLINK", "EOPNOTSUPP", "ENOSPC", "EDQUOT", "EIO"]),
    ("fsync,fdatasync,syncfs", &["ENOSPC", "EDQUOT", "EIO", "EROFS", "EINVAL", "ESTALE"]),
    (
        "ftruncate,chmod,fchmod,fchmodat,utimensat",
        &["EPERM", "EIO", "EROFS", "EACCES", "ENOSPC", "ESTALE"],
    ),
    ("write,pwrite64,copy_file_range", &["ENOSPC", "EDQUOT", "EIO", "EFBIG", "EROFS", "ESTALE"]),
    ("openat", &["ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EMFILE", "ENFILE", "ESTALE"]),
    ("flock", &["ENOLCK", "EOPNOTSUPP", "EIO", "EBADF", "EINVAL", "ESTALE"]),
    // Not `close`: a call that is made to fail is not made, so that files would stay open and
    // keep their locks, which is no disk's doing.
    ("read,getdents64,statx,newfstatat", &["EIO", "ESTALE"]),
];

/// A run that finds all as it is to be.
const IDLE: &str = "prepare, idle";

/// Errors that stay: a disk does not mend itself.
const LASTING: [&str; 3] = ["ENOSPC", "EIO", "EROFS"];

/// Each thing that a run may change, by its digest.
type Parts = BTreeMap<&'static str, String>;

/// A project before a command that changes it.
struct Scene {
    name: &'static str,
    fixture: Fixture,
    args: Vec<String>,
    before: Parts,
    after: Parts,
}

/// What became of all runs of a scene.
#[derive(Debug, Default)]
struct Tally {
    points: u32,
    old: u32,
    new: u32,
    /// Runs that went on in spite of the error and did their work.
    went_on: u32,
    codes: BTreeSet<i32>,
    errnos: BTreeSet<&'static str>,
}

/// How many of the points are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Density {
    /// Few, each with another error.
    Sample,
    /// All errors, at points that grow thinner.
    Dense,
    /// All points, each with another error.
    Each,
    /// All errors at all points.
    All,
}

fn density() -> Density {
    match std::env::var("REML_FAULTS").as_deref() {
        Ok("all") => Density::All,
        Ok("each") => Density::Each,
        Ok("dense") => Density::Dense,
        _ => Density::Sample,
    }
}

/// Whether each name of a call is taken by itself, and every call is killed at.
fn is_exhaustive() -> bool {
    matches!(density(), Density::Each | Density::All)
}

/// Whether no point of these calls is left out. Those that read or open files change nothing
/// for the most part.
fn takes_every(calls: &str) -> bool {
    let reads = ["openat", "read", "getdents64", "statx", "newfstatat"];
    is_exhaustive() && !calls.split(',').any(|name| reads.contains(&name))
}

/// strace counts each name of a call by itself: all points of all names, when all are wanted.
fn names(calls: &'static str) -> Vec<&'static str> {
    if is_exhaustive() { calls.split(',').collect() } else { vec![calls] }
}

impl Scene {
    /// Of the project as it is now.
    fn new(name: &'static str, fixture: Fixture, args: &[&str]) -> Self {
        let url = fixture.mirror.url();
        let keyring = fixture.keyring().display().to_string();
        let mut all: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        if args[0] != "gc" {
            all.extend(["--mirror".to_owned(), url]);
        }
        if args[0] == "lock" {
            all.extend(["--keyring".to_owned(), keyring]);
        }
        let before = parts(&fixture);
        copy(&fixture.root(), &saved(&fixture));
        let mut scene = Self { name, fixture, args: all, after: Parts::new(), before };
        scene.run().code(0);
        scene.after = parts(&scene.fixture);
        // What gc removes is no part of what others use.
        let is_idle = matches!(name, "gc" | IDLE);
        assert_eq!(scene.before == scene.after, is_idle, "{name}: changes what it should not");
        scene
    }

    fn run(&self) -> Outcome {
        self.fixture.run(&self.args)
    }

    /// Everything is as it was at first.
    fn reset(&self) {
        fs::remove_dir_all(self.fixture.root()).unwrap();
        copy(&saved(&self.fixture), &self.fixture.root());
    }

    /// Strikes at one point; whether the run came so far.
    fn strike(&self, point: Point<'_>, tally: &mut Tally) -> bool {
        self.reset();
        let Struck { was_hit, outcome } = strike(&self.fixture, &self.args, point);
        // The loader's calls before `main`, and an event counter that lies on no disk.
        let foreign = ["error while loading shared libraries", "failed to wake I/O driver"];
        let is_early = foreign.iter().any(|text| outcome.stderr.contains(text));
        if !was_hit || is_early {
            assert!(is_early || outcome.status == Some(0), "{}, not reached: {outcome}", self.name);
            return was_hit;
        }
        let when = format!("{}, {point}", self.name);
        let now = parts(&self.fixture);
        for (what, digest) in &now {
            let is_known = *digest == self.before[what] || *digest == self.after[what];
            assert!(is_known, "{when}: the {what} is neither old nor new\n{outcome}");
        }
        tally.points += 1;
        match point.blow {
            Blow::Kill => assert_eq!(outcome.status, None, "{when}"),
            Blow::Once(errno) | Blow::Always(errno) => {
                tally.errnos.insert(errno);
                let code = outcome.status.unwrap_or_else(|| panic!("{when}: it died\n{outcome}"));
                tally.codes.insert(code);
                // A file that cannot be read is no good file to `verify`.
                let is_finding = code == 4 && self.name.starts_with("verify");
                let is_known = is_finding || matches!(code, 0 | 1 | 2 | 6);
                assert!(is_known, "{when}: status {code}\n{outcome}");
                assert!(!outcome.stderr.contains("bug in reml-toolchain"), "{when}\n{outcome}");
                assert!(code != 0 || now == self.after, "{when}: 0 without the work\n{outcome}");
                // stderr itself may be what cannot be written.
                let is_mute = point.calls.starts_with("write");
                let said = is_mute || is_finding || code == 0 || outcome.stderr.contains("error: ");
                assert!(said, "{when}: failed without a word\n{outcome}");
                tally.went_on += u32::from(code == 0);
            }
        }
        tally.old += u32::from(now == self.before);
        // Where nothing is to change, the two are one.
        tally.new += u32::from(now == self.after && now != self.before);
        let next = self.run();
        assert_eq!(next.status, Some(0), "{when}: the next run fails: {next}\nafter {outcome}");
        assert_eq!(parts(&self.fixture), self.after, "{when}: the next run does not finish");
        if self.name == "gc" {
            self.fixture.run(["gc", "--dry-run"]).code(0).stderr_has("nothing to remove");
        }
        let mut left = left_behind(&self.fixture.root());
        // What came of a file that is locked now is kept for the next `prepare`.
        let lock = self.fixture.read("checksums.txt");
        left.retain(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            self.name != "lock --update"
                || name.strip_suffix(".part").is_none_or(|digest| !lock.contains(digest))
        });
        assert!(left.is_empty(), "{when}: left behind: {left:?}\n{outcome}");
        true
    }

    /// Every point of these calls. Of those that read or open files, of which most change
    /// nothing, of errors that stay, and of kills when not all are wanted: a sample that grows
    /// thinner.
    fn strike_all(&self, calls: &str, blow: Blow, tally: &mut Tally) {
        let mut when = 1;
        while self.strike(Point { calls, when, blow }, tally) {
            when += match blow {
                Blow::Kill if is_exhaustive() => 1,
                Blow::Once(_) if takes_every(calls) => 1,
                Blow::Kill if density() == Density::Sample => 1 + self.pace() * when,
                _ => 1 + when / 4,
            };
        }
    }

    /// How fast a sample grows thinner. `verify` looks at every file, one by one.
    fn pace(&self) -> u32 {
        if self.name.starts_with("verify") { 4 } else { 2 }
    }

    /// Each point with another error; a lasting one at last.
    fn sample(&self, calls: &str, errnos: &[&'static str], tally: &mut Tally) {
        let mut when = 1;
        for errno in errnos.iter().cycle() {
            if !self.strike(Point { calls, when, blow: Blow::Once(errno) }, tally) {
                break;
            }
            when = if takes_every(calls) { when } else { self.pace() * when } + 1;
        }
        if !calls.starts_with("write") {
            self.strike(Point { calls, when: 2, blow: Blow::Always(errnos[0]) }, tally);
        }
    }

    /// The calls to be killed at: those that change the disk, or each that the command makes.
    fn calls(&self) -> BTreeSet<String> {
        if !is_exhaustive() {
            return CALLS.iter().map(|(calls, _)| (*calls).to_owned()).collect();
        }
        self.reset();
        let (_, lines) = trace(&self.fixture, &self.args, "all");
        let name =
            |line: &String| Some(line.split_once(' ')?.1.trim().split_once('(')?.0.to_owned());
        let is_name =
            |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        lines.iter().filter_map(name).filter(is_name).collect()
    }

    fn kill(&self) {
        let start = Instant::now();
        let mut tally = Tally::default();
        for name in self.calls() {
            self.strike_all(&name, Blow::Kill, &mut tally);
        }
        tally.tell(self.name, "killed", start);
    }

    fn fail(&self) {
        let start = Instant::now();
        let mut tally = Tally::default();
        for (calls, errnos) in CALLS {
            if matches!(density(), Density::Sample | Density::Each) {
                for name in names(calls) {
                    self.sample(name, errnos, &mut tally);
                }
                continue;
            }
            for name in names(calls) {
                for errno in errnos {
                    self.strike_all(name, Blow::Once(errno), &mut tally);
                    // Writes that fail for good stop the event counters of the network too;
                    // full disks have tests of their own.
                    if LASTING.contains(errno) && !calls.starts_with("write") {
                        self.strike_all(name, Blow::Always(errno), &mut tally);
                    }
                }
            }
        }
        tally.tell(self.name, "failed", start);
    }
}

impl Tally {
    /// A line of the table.
    fn tell(&self, scene: &str, what: &str, start: Instant) {
        let Self { points, old, new, went_on, codes, errnos } = self;
        let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
        let seconds = start.elapsed().as_secs();
        println!(
            "| {scene} | {what} | {points} | {} | {old} | {new} | {} | 0 | {went_on} | {} | {seconds} s |",
            errnos.len(),
            points - old - new,
            codes.join(" "),
        );
        assert!(*points > 10, "only {points} points were reached");
    }
}

fn saved(fixture: &Fixture) -> PathBuf {
    fixture.home().with_file_name("saved")
}

/// With times, modes and hard links.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("/bin/cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

/// The prepared tree, the lock and the archive.
fn parts(fixture: &Fixture) -> Parts {
    let file = |path: &str| match fs::read(fixture.path(path)) {
        Ok(bytes) => sha256_hex(&bytes),
        Err(_) => "none".to_owned(),
    };
    let tree = fixture.snapshot(format!("toolchains/{X86}"));
    let tree =
        if tree.0.is_empty() { "none".to_owned() } else { sha256_hex(tree.to_string().as_bytes()) };
    [
        ("tree", tree),
        ("lock", file("checksums.txt")),
        ("archive", file(&format!("toolchains/cache/{ARCHIVE}"))),
    ]
    .into()
}

/// Names of unfinished work, and more trees than two: the one and that before it.
fn left_behind(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    let mut generations = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let is_dir = entry.file_type().unwrap().is_dir();
            if [".new-", ".part", ".tmp-", "probe"].iter().any(|sign| name.contains(sign)) {
                found.push(entry.path());
            } else if is_dir && folder.ends_with(".gen") {
                generations.push(entry.path());
            } else if is_dir {
                folders.push(entry.path());
            }
        }
    }
    if generations.len() > 2 {
        found.extend(generations);
    }
    found
}

/// A lock, no toolchain and an empty cache.
fn fresh() -> Scene {
    let fixture = Fixture::locked();
    fs::remove_dir_all(fixture.path("toolchains")).unwrap();
    Scene::new("prepare, fresh", fixture, &["prepare", "--llvm", "debian"])
}

/// A toolchain with packages and an LLVM that only its stamp knows of.
fn idle() -> Scene {
    let fixture = Fixture::prepared();
    fixture.lock(["--with", "zlib1g-dev"]).code(0);
    fixture.prepare(["--with", "zlib1g-dev"]).code(0);
    Scene::new(IDLE, fixture, &["prepare"])
}

/// A toolchain, and a lock that has moved on since.
fn outdated() -> Fixture {
    let mut fixture = Fixture::prepared();
    fixture.mirror.pass_time(3600);
    fixture.mirror.suite("bookworm").bump("libcrypt1", "1:4.4.33-3", "Fix a thing.");
    fixture.mirror.publish();
    fixture
}

fn upgrade() -> Scene {
    let fixture = outdated();
    fixture.lock(["--update", "--write"]).code(0);
    Scene::new("prepare, upgrade", fixture, &["prepare"])
}

/// A toolchain of which a header was removed and a library overwritten.
fn repair() -> Scene {
    Scene::new("prepare, repair", damaged(), &["prepare"])
}

fn damaged() -> Fixture {
    let fixture = Fixture::prepared();
    let tree = fixture.path(format!("toolchains/{X86}"));
    fs::remove_file(tree.join("sysroot/usr/include/crypt.h")).unwrap();
    fs::remove_file(tree.join("env.sh")).unwrap();
    fs::write(tree.join("env.sh"), "exit 1\n").unwrap();
    fixture
}

fn verify() -> Scene {
    let fixture = damaged();
    fixture.write("toolchains/cache/pool/foreign", "not ours");
    Scene::new("verify --repair", fixture, &["verify", "--repair"])
}

/// What an upgrade leaves: a tree, packages and .debs that nobody needs any more.
fn gc() -> Scene {
    let fixture = outdated();
    fixture.lock(["--update", "--write"]).code(0);
    fixture.prepare([""; 0]).code(0);
    fixture.write("toolchains/cache/tmp/00.part", "half");
    Scene::new("gc", fixture, &["gc"])
}

fn lock() -> Scene {
    Scene::new("lock --update", outdated(), &["lock", "--update", "--write"])
}

fn pack() -> Scene {
    let fixture = Fixture::locked();
    Scene::new("pack", fixture, &["pack"])
}

#[test]
#[ignore = "kills runs under strace: the step faults of .ci/run"]
fn i01_a_fresh_prepare_killed_at_any_call_leaves_nothing_or_a_whole_tree() {
    fresh().kill();
}

#[test]
#[ignore = "kills runs under strace: the step faults of .ci/run"]
fn i02_an_upgrade_killed_at_any_call_leaves_the_old_tree_or_the_new_one() {
    upgrade().kill();
}

#[test]
#[ignore = "kills runs under strace: the step faults of .ci/run"]
fn i02_a_repair_killed_at_any_call_leaves_the_damaged_tree_or_the_repaired_one() {
    repair().kill();
}

#[test]
#[ignore = "kills runs under strace: the step faults of .ci/run"]
fn i02_lock_and_pack_killed_at_any_call_leave_the_old_file_or_the_new_one() {
    lock().kill();
    pack().kill();
}

#[test]
#[ignore = "kills runs under strace: the step faults of .ci/run"]
fn i02_a_verify_killed_at_any_call_leaves_the_damaged_tree_or_the_repaired_one() {
    verify().kill();
}

#[test]
#[ignore = "kills runs under strace: the step faults of .ci/run"]
fn i02_a_gc_killed_at_any_call_leaves_the_tree_whole() {
    gc().kill();
}

#[test]
#[ignore = "fails calls under strace: the step faults of .ci/run"]
fn h01_h02_h03_h04_h11_h18_gc_and_verify_survive_any_error_of_any_call() {
    verify().fail();
    gc().fail();
}

#[test]
#[ignore = "fails calls under strace: the step faults of .ci/run"]
fn h01_h02_h03_h04_h11_h18_a_fresh_prepare_survives_any_error_of_any_call() {
    fresh().fail();
}

#[test]
#[ignore = "fails calls under strace: the step faults of .ci/run"]
fn h01_h02_h03_h04_h11_h18_an_upgrade_survives_any_error_of_any_call() {
    upgrade().fail();
}

#[test]
#[ignore = "fails calls under strace: the step faults of .ci/run"]
fn h01_h02_h03_h04_h11_h18_a_repair_survives_any_error_of_any_call() {
    repair().fail();
}

#[test]
#[ignore = "fails calls under strace: the step faults of .ci/run"]
fn h03_h04_what_cannot_be_read_is_never_chosen_anew() {
    let scene = idle();
    let start = Instant::now();
    let mut tally = Tally::default();
    let errnos = ["EIO", "EACCES", "ESTALE", "EMFILE", "ENOMEM", "EROFS"];
    let rounds = if density() == Density::All { errnos.len() } else { 1 };
    for calls in ["openat", "read", "statx"] {
        for round in 0..rounds {
            let at = |when| Blow::Once(errnos[(round + when as usize) % errnos.len()]);
            let mut when = 1;
            while scene.strike(Point { calls, when, blow: at(when) }, &mut tally) {
                when += 1;
            }
        }
    }
    tally.tell(scene.name, "failed", start);
}

#[test]
#[ignore = "fails calls under strace: the step faults of .ci/run"]
fn h01_h02_h03_h04_h11_h18_lock_and_pack_survive_any_error_of_any_call() {
    lock().fail();
    pack().fail();
}

/// One command that prints what was tried: `.ci/run faults`.
#[test]
#[ignore = "needs strace: the step faults of .ci/run"]
fn what_was_tried_against_disks_and_kills() {
    assert!(Path::new(PROGRAM).is_file());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--nocapture", "--test-threads", "2", "--skip", "_a_real_disk_"]);
    command.args(["fault_points::h", "fault_points::i", "disk_calls::", "disk_rows::"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("Points: {:?} (REML_FAULTS=dense, =each and =all take more)", density());
    println!(
        "| command | what happened | points | errnos | old | new | some of both | neither | went on | statuses | took |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut rows: Vec<&str> =
        said.lines().filter_map(|line| line.find("| ").map(|at| &line[at..])).collect();
    rows.sort_unstable();
    for row in &rows {
        println!("{row}");
    }
    let error = String::from_utf8_lossy(&output.stderr);
    for line in said.lines().filter(|line| line.starts_with("small disks: ")) {
        println!("\n{line}");
    }
    assert!(output.status.success(), "{said}{error}");
    assert!(rows.len() >= 14, "{said}");
}
