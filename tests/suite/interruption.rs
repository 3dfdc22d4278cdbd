//! Killed at any moment, `prepare` and `lock` leave the old files whole or the new ones,
//! and the next run finishes and tidies up.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::fixture::{Fixture, Outcome, Tree};
use crate::support::server::Fault;

const NONE: [&str; 0] = [];
const X86: &str = "x86_64-unknown-linux-gnu";
const LIBC: &str = "debian/pool/main/g/glibc/libc6_2.36-9+deb12u14_amd64.deb";

/// A project that is moved from one lock to the other and back, and the tree of each.
struct Scene {
    fixture: Fixture,
    locks: [String; 2],
    trees: [(Tree, String); 2],
    /// The lock whose tree is there before the next run.
    at: usize,
}

impl Scene {
    fn new() -> Self {
        let mut fixture = Fixture::new();
        fixture.lock(NONE).code(0);
        fixture.prepare(NONE).code(0);
        let (old_lock, old) = (fixture.read("checksums.txt"), tree(&fixture));
        let packages = ["libcrypt1", "libcrypt-dev"];
        let superseded = packages.map(|name| {
            let path = fixture.mirror.deb_path("bookworm", name, "amd64");
            let bytes = fixture.mirror.read(&path);
            (path, bytes)
        });
        fixture.mirror.pass_time(3600);
        fixture.mirror.suite("bookworm").bump("libcrypt1", "1:4.4.33-3", "Fix a thing.");
        fixture.mirror.publish();
        for (path, bytes) in superseded {
            fixture.mirror.write(&path, &bytes);
        }
        fixture.lock(["--update", "--write"]).code(0);
        fixture.prepare(NONE).code(0);
        let (new_lock, new) = (fixture.read("checksums.txt"), tree(&fixture));
        assert!(old != new);
        Self { fixture, locks: [old_lock, new_lock], trees: [old, new], at: 1 }
    }

    /// Asks for the other tree, for which some files are fetched and all packages unpacked.
    fn turn(&self) {
        self.fixture.write("checksums.txt", &self.locks[1 - self.at]);
        for folder in ["unpacked", "tmp", "pool/main/libx"] {
            let _ = fs::remove_dir_all(self.fixture.path("toolchains/cache").join(folder));
        }
    }

    /// After a kill: one of the two trees is there, whole.
    fn assert_whole(&self, when: &str) {
        assert!(self.trees.contains(&tree(&self.fixture)), "{when}: neither of the two trees");
        self.fixture.run(["verify"]).code(0);
    }

    /// The next run finishes, and nothing of the killed one is left.
    fn assert_finishes(&mut self, when: &str) {
        self.fixture.prepare(NONE).code(0);
        self.at = 1 - self.at;
        assert!(tree(&self.fixture) == self.trees[self.at], "{when}: not the tree asked for");
        let rubbish = rubbish(&self.fixture.path("toolchains"));
        assert!(rubbish.is_empty(), "{when}: {rubbish:?}");
    }
}

/// The prepared sysroot, and the stamp, which names the digest of all the rest.
fn tree(fixture: &Fixture) -> (Tree, String) {
    let sysroot = fixture.snapshot(format!("toolchains/{X86}/sysroot"));
    (sysroot, fixture.read(format!("toolchains/{X86}/share/stamp.json")))
}

/// Names of unfinished work below `folder`.
fn rubbish(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if [".new-", ".part", ".tmp-", "probe"].iter().any(|sign| name.contains(sign)) {
            found.push(entry.path());
        }
        if entry.file_type().unwrap().is_dir() {
            found.extend(rubbish(&entry.path()));
        }
    }
    found
}

#[test]
fn i01_killed_after_any_delay_the_old_tree_or_the_new_one_is_whole_and_the_next_run_finishes() {
    let mut scene = Scene::new();
    scene.turn();
    let start = Instant::now();
    scene.assert_finishes("undisturbed");
    let whole = start.elapsed();
    let rounds = 6;
    let mut killed = 0;
    for round in 0..rounds {
        scene.turn();
        let delay = whole.mul_f64(f64::from(round) / f64::from(rounds));
        let url = scene.fixture.mirror.url();
        let mut command =
            scene.fixture.command(["prepare", "--llvm", "debian", "--mirror", url.as_str()]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(delay);
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().code().is_none());
        let when = format!("after {delay:?} of {whole:?}");
        scene.assert_whole(&when);
        scene.assert_finishes(&when);
    }
    assert!(killed >= rounds / 3, "only {killed} of {rounds} were killed at work");
}

#[test]
fn i02_a_killed_lock_leaves_the_old_file_or_the_new_one() {
    let scene = Scene::new();
    let [old, new] = &scene.locks;
    for round in 0..8 {
        scene.fixture.write("checksums.txt", old);
        let _ = fs::remove_dir_all(scene.fixture.path("toolchains/cache/dists"));
        let (url, keyring) = (scene.fixture.mirror.url(), scene.fixture.keyring());
        let args = [
            "lock",
            "--update",
            "--write",
            "--mirror",
            &url,
            "--keyring",
            keyring.to_str().unwrap(),
        ];
        let mut command = scene.fixture.command(args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(round * 15));
        child.kill().unwrap();
        child.wait().unwrap();
        let now = scene.fixture.read("checksums.txt");
        assert!(now == *old || now == *new, "neither the old lock nor the new one");
        scene.fixture.lock(["--update", "--write"]).code(0);
        assert_eq!(scene.fixture.read("checksums.txt"), *new);
        let rubbish = rubbish(&scene.fixture.root());
        assert!(rubbish.is_empty(), "{rubbish:?}");
    }
}

/// The command as from a terminal: whoever runs these tests may ignore a hangup (`nohup`) or
/// an interrupt (a shell's `&`), and programs inherit that. The process stays the same one.
fn listening(command: &Command) -> Command {
    let mut whole = if cfg!(target_os = "linux") {
        let mut env = Command::new("/usr/bin/env");
        env.arg("--default-signal=HUP,INT,TERM").arg(command.get_program());
        env
    } else {
        Command::new(command.get_program())
    };
    whole.args(command.get_args()).env_clear().stdin(Stdio::null());
    whole.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        whole.current_dir(folder);
    }
    whole
}

/// A run that is at a download for a second or more, so that it can be disturbed there.
fn downloading(fixture: &Fixture) -> Child {
    let slow = Fault::Drip(60, Duration::from_millis(20));
    fixture.mirror.server().fault(LIBC, slow);
    let url = fixture.mirror.url();
    let command = fixture.command(["prepare", "--llvm", "debian", "--mirror", &url]);
    let mut command = listening(&command);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while part_size(fixture) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// Bytes of what there is of the file that comes slowly.
fn part_size(fixture: &Fixture) -> u64 {
    let lock = fixture.read("checksums.txt");
    let name = LIBC.rsplit('/').next().unwrap();
    let line = lock.lines().find(|line| !line.starts_with('#') && line.ends_with(name)).unwrap();
    let part = format!("toolchains/cache/tmp/{}.part", &line[..64]);
    fs::metadata(fixture.path(part)).map_or(0, |about| about.len())
}

fn send(child: &Child, signal: Signal) {
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(id, signal).unwrap();
}

/// A shell tells 128 and the signal's number of a program that a signal ended: 130, 143.
#[test]
fn i03_signals_end_a_run_at_once_and_what_was_fetched_is_kept() {
    for (signal, times) in [(Signal::INT, 1), (Signal::INT, 2), (Signal::TERM, 1), (Signal::HUP, 1)]
    {
        let fixture = Fixture::locked();
        let mut child = downloading(&fixture);
        (0..times).for_each(|_| send(&child, signal));
        let start = Instant::now();
        let status = child.wait().unwrap();
        assert!(start.elapsed() < Duration::from_secs(2));
        assert_eq!(status.signal(), Some(signal.as_raw()));
        let kept = part_size(&fixture);
        assert!(kept > 0, "nothing was kept");
        fixture.mirror.server().heal();
        fixture.prepare(NONE).code(0);
        let last = fixture.mirror.server().seen_for(LIBC).pop().unwrap();
        assert_eq!(last.range(), Some(&*format!("bytes={kept}-")));
        assert_eq!(rubbish(&fixture.path("toolchains")), Vec::<PathBuf>::new());
    }
}

#[test]
fn i03_a_reader_that_goes_away_and_a_hangup_that_is_ignored_end_nothing() {
    let fixture = Fixture::locked();
    let mut child = downloading(&fixture);
    drop(child.stderr.take());
    send(&child, Signal::PIPE);
    assert!(child.wait().unwrap().success());
    fixture.run(["verify"]).code(0);
    // As under nohup. The child that asks a clang is one more reason to look at signals.
    fs::remove_dir_all(fixture.path("toolchains")).unwrap();
    let url = fixture.mirror.url();
    fixture.tool("clang", "sleep 1; echo no clang");
    fixture.mirror.server().fault(LIBC, Fault::Drip(60, Duration::from_millis(40)));
    let inner = fixture.command(["prepare", "--mirror", &url]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(inner.get_program());
    command.args(inner.get_args()).env_clear().envs(fixture.env()).stdin(Stdio::null());
    command.env("PATH", format!("{}:/usr/bin:/bin", fixture.tools().display()));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    for _ in 0..3 {
        send(&child, Signal::HUP);
        std::thread::sleep(Duration::from_millis(300));
    }
    assert!(child.wait().unwrap().success());
}

#[test]
fn i03_i15_a_run_that_was_stopped_or_slept_in_a_download_goes_on() {
    let fixture = Fixture::locked();
    for ends in [None, Some(Fault::Healthy)] {
        fs::remove_dir_all(fixture.path("toolchains")).unwrap();
        let mut child = downloading(&fixture);
        send(&child, Signal::STOP);
        let state = || fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        while !state().contains(") T ") {
            std::thread::sleep(Duration::from_millis(5));
        }
        let before = part_size(&fixture);
        // While it sleeps the connection is lost, as on a laptop whose lid is closed.
        if ends.is_some() {
            fixture.mirror.server().die_after(0);
        }
        std::thread::sleep(Duration::from_millis(700));
        assert_eq!(part_size(&fixture), before, "a stopped run works");
        fixture.mirror.server().heal();
        send(&child, Signal::CONT);
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
        fixture.run(["verify"]).code(0);
    }
}

#[test]
fn i03_programs_that_were_started_end_with_the_run() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let fixture = Fixture::locked();
        let note = fixture.home().join("pid");
        let body = format!("echo $$ > '{}.new'; mv '{0}.new' '{0}'; exec sleep 50", note.display());
        fixture.tool("clang", &body);
        let url = fixture.mirror.url();
        let mut command = fixture.command(["prepare", "--mirror", &url]);
        command.env("PATH", format!("{}:/usr/bin:/bin", fixture.tools().display()));
        let mut command = listening(&command);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !note.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let id = fs::read_to_string(&note).unwrap();
        send(&child, signal);
        assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()));
        let start = Instant::now();
        let is_there = || {
            let about = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
            !about.is_empty() && !about.contains(") Z ")
        };
        while is_there() {
            assert!(start.elapsed() < Duration::from_secs(5), "process {id} goes on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn i05_twelve_runs_at_once_do_the_work_once_and_tell_for_whom_they_wait() {
    let fixture = Fixture::locked();
    fs::remove_dir_all(fixture.path("toolchains")).unwrap();
    let url = fixture.mirror.url();
    let start = || {
        let mut command = fixture.command(["prepare", "--llvm", "debian", "--mirror", &url]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs: Vec<Child> = (0..12).map(|_| start()).collect();
    let ends: Vec<Outcome> = runs
        .into_iter()
        .map(|run| Outcome::new("prepare".to_owned(), &run.wait_with_output().unwrap()))
        .collect();
    let count = |text: &str| ends.iter().filter(|end| end.stderr.contains(text)).count();
    for end in &ends {
        end.code(0);
    }
    assert_eq!((count("is ready"), count("is up to date")), (1, 11));
    assert!(count("waiting for the lock held by process ") > 0);
    let pool = fixture.mirror.server().seen();
    let pool = pool.iter().filter(|seen| seen.target.contains("/pool/")).count();
    assert_eq!(pool, 18, "each file is fetched once");
    fixture.run(["verify"]).code(0);
    assert_eq!(rubbish(&fixture.path("toolchains")), Vec::<PathBuf>::new());
}

#[test]
fn i10_readers_see_one_generation_while_it_is_swapped() {
    let fixture = Fixture::prepared();
    let url = fixture.mirror.url();
    let args = ["prepare", "--llvm", "debian", "--force", "--mirror", &url];
    let mut runs: Vec<Command> = (0..6).map(|_| fixture.command(args)).collect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            for run in &mut runs {
                assert!(run.stderr(Stdio::null()).status().unwrap().success());
            }
        });
        let mut rounds = 0;
        while !writer.is_finished() || rounds < 5 {
            fixture.run(["verify"]).code(0);
            let report = fixture.run(["audit", "--offline", "--json"]);
            let document: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
            let toolchain = &document["facts"]["toolchains"][0];
            assert_eq!(toolchain["unreadable"], serde_json::Value::Null, "{report}");
            assert_eq!(toolchain["damage"], serde_json::json!([]), "{report}");
            rounds += 1;
        }
        writer.join().unwrap();
    });
}

#[test]
fn i14_odd_numbers_for_threads_change_nothing() {
    let mut fixture = Fixture::locked();
    for number in ["0", "1000000", "-1", "many"] {
        for name in ["RAYON_NUM_THREADS", "TOKIO_WORKER_THREADS", "OMP_NUM_THREADS"] {
            fixture.set_env(name, number);
        }
        fixture.prepare(["--force"]).code(0);
        fixture.run(["verify"]).code(0);
        fixture.prepare(["--jobs", number]).code(2);
    }
}
