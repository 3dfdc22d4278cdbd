//! Several programs in one microVM, without any real emulator: what each of them gets and
//! wrote, and whose fault it is when the microVM dies.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reml_toolchain::emulate::{Backend, Collected, Job, Program, Request, RunError};
use reml_toolchain::host::Env;
use reml_toolchain::host::fault::Fault;
use reml_toolchain::host::progress::{Event, Progress};
use reml_toolchain::toolchain::layout::Project;

use super::emulate::{microvm, program, qemu};
use crate::support::fixture::Fixture;
use crate::support::mirror::elf::Elf;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What one program of a list is, and is given.
pub struct Given {
    pub file: PathBuf,
    pub args: Vec<OsString>,
    pub variables: Vec<(OsString, OsString)>,
    pub seconds: u64,
}

impl Given {
    pub fn new(file: &Path, args: &[&str]) -> Self {
        let args = args.iter().map(OsString::from).collect();
        Self { file: file.to_path_buf(), args, variables: Vec::new(), seconds: 60 }
    }
}

/// Where a list is run.
pub struct Site {
    pub project: PathBuf,
    pub target: String,
    pub path: OsString,
    pub cwd: PathBuf,
    pub kernel: PathBuf,
}

/// The notes, in their order.
#[derive(Default)]
struct Notes(std::sync::Mutex<Vec<String>>);

impl Progress for Notes {
    fn event(&self, event: Event<'_>) {
        if let Event::Note { text } = event {
            self.0.lock().unwrap().push(text);
        }
    }
}

/// How each went, as text: `STATUS STDOUT|STDERR`, or why it has none; and last why all of
/// them ended, if by an error.
pub fn listed(site: &Site, list: &[Given]) -> Vec<String> {
    let mut env = Env::default();
    env.vars.insert("PATH".into(), site.path.clone());
    let project = Project::new(site.project.clone());
    let notes = Notes::default();
    let open = |given: &Given| Program::open(&given.file, &site.cwd, None).unwrap();
    let programs: Vec<Program> = list.iter().map(open).collect();
    let job = |(program, given): (_, &Given)| Job {
        program,
        args: &[],
        variables: given.variables.clone(),
        limit: Some(Duration::from_secs(given.seconds)),
    };
    let mut jobs: Vec<Job<'_>> = programs.iter().zip(list).map(job).collect();
    for (job, given) in jobs.iter_mut().zip(list) {
        job.args = &given.args;
    }
    let request = Request {
        env: &env,
        project: &project,
        progress: &notes,
        cwd: &site.cwd,
        tree: Ok(project.toolchain(&site.target)),
        kernel: &|| Ok::<_, Fault>(site.kernel.clone()),
        backend: Some(Backend::Microvm),
        with_files: &[],
        keep: false,
        memory: None,
    };
    let told = RefCell::new(Vec::new());
    let mut each = |result: Result<Collected, RunError>| {
        // It is told before the next one is run.
        assert_eq!(notes.0.lock().unwrap().len(), told.borrow().len() + 1);
        told.borrow_mut().push(match result {
            Ok(Collected { status, stdout, stderr, .. }) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                format!("{status} {}|{}", text(&stdout), text(&stderr))
            }
            Err(error) => error.to_string(),
        });
    };
    let result = request.collect(&jobs, &mut each);
    let mut told = told.into_inner();
    told.extend(result.err().map(|error| error.to_string()));
    told
}

/// Five programs and what they are run by.
fn five(fixture: &Fixture, body: &str) -> Vec<String> {
    qemu(fixture, &format!("PATH=/usr/bin:/bin\n{body}"));
    let names = ["one", "two", "three", "four", "five"];
    let hello = Elf::program(62, "x").build();
    let files = names.map(|name| program(fixture, name, &hello));
    let site = Site {
        project: fixture.root(),
        target: TARGET.to_owned(),
        path: fixture.tools().into(),
        cwd: fixture.root(),
        kernel: files[0].clone(),
    };
    let given = files.map(|file| Given { seconds: 1, ..Given::new(&file, &[]) });
    let place = format!("{}/", fixture.root().display());
    listed(&site, &given).iter().map(|text| text.replace(&place, "")).collect()
}

const ENDS: &str = r#"printf 'start\nexit 0 out 3 err 0\nstart\nsignal 11 out 0 err 4\n' >> "$s"
printf 'start\ntimeout 0 out 2 err 0\ncannot 8\nstart\nexit 7 out 5 err 1\n' >> "$s"
"#;

const EXPECTED: [&str; 5] = [
    "0 one|",
    "139 |two!",
    "three did not end within 1 s",
    "four: cannot be run: the kernel refuses it with error 8",
    "7 \nfive|5",
];

#[test]
fn what_programs_of_one_microvm_write_is_cut_at_the_byte_that_each_ends_with() {
    let (fixture, _) = microvm();
    // All ends are told before the first byte comes.
    let late =
        format!("{ENDS}sleep 0.1; printf 'onexx\\nfive' >> \"$o\"; printf 'two!5' >> \"$e\"");
    assert_eq!(five(&fixture, &format!("{late}; sleep 30")), EXPECTED);
    // The emulator is gone when that is seen.
    assert_eq!(five(&fixture, &late), EXPECTED);
    let slow = "printf o >> \"$o\"; sleep 0.05; printf nex >> \"$o\"; sleep 0.05\n\
         printf two >> \"$e\"; printf 'x\\nfi' >> \"$o\"; sleep 0.05; printf '!5' >> \"$e\"; printf ve >> \"$o\"";
    assert_eq!(five(&fixture, &format!("{ENDS}{slow}; sleep 30")), EXPECTED);
    // Each ends before the next one starts.
    let one_by_one = r#"printf 'start\n' >> "$s"; printf 'one' >> "$o"
printf 'exit 0 out 3 err 0\nstart\n' >> "$s"; printf 'two!' >> "$e"; sleep 0.05
printf 'signal 11 out 0 err 4\nstart\n' >> "$s"; printf 'xx' >> "$o"
printf 'timeout 0 out 2 err 0\ncannot 8\nst' >> "$s"; sleep 0.05; printf 'art\n' >> "$s"
printf '\nfive' >> "$o"; printf '5' >> "$e"; printf 'exit 7 out 5 err 1\n' >> "$s"; sleep 30"#;
    assert_eq!(five(&fixture, one_by_one), EXPECTED);
}

#[test]
fn a_microvm_that_dies_in_the_middle_names_the_program_that_ran() {
    let (fixture, _) = microvm();
    let first = "printf 'start\\nexit 0 out 0 err 0\\nstart\\n' >> \"$s\"\n";
    let dies = |body: &str, words: &[&str]| {
        let told = five(&fixture, &format!("{first}{body}"));
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], "0 |");
        for word in words {
            assert!(told[1].contains(word), "{word}: {told:?}");
        }
    };
    dies(
        "echo 'Kernel panic - not syncing' >> \"$k\"; exit 3",
        &["ended before the program did (exit status: 3), while it ran two\n", "Kernel panic"],
    );
    dies("sleep 0.1; printf 'boo\\n' >> \"$s\"; sleep 30", &["`boo\\n`, while it ran two"]);
    dies("printf 'boo\\n' >> \"$s\"; sleep 30", &["told no status", "`boo\\n`, while it ran two"]);
    dies(
        "printf 'exit 0 out 9 err 0\\n' >> \"$s\"; printf 'half' >> \"$o\"",
        &["lost a part of stdout: expected 9 bytes, got 4, while it ran two"],
    );
}

#[test]
fn what_nobody_wrote_is_told_at_the_last_program() {
    let (fixture, _) = microvm();
    let told = five(
        &fixture,
        &format!("{ENDS}printf 'onexx\\nfive+' >> \"$o\"; printf 'two!5' >> \"$e\""),
    );
    assert_eq!(told[..4], EXPECTED[..4]);
    assert_eq!(
        told[4..],
        ["the microVM lost a part of stdout: expected 5 bytes, got 6, while it ran five"]
    );
}

#[test]
fn a_list_without_programs_starts_nothing() {
    let (fixture, hello) = microvm();
    qemu(&fixture, "exit 1");
    let (path, cwd) = (fixture.tools().into(), fixture.root());
    let site =
        Site { project: fixture.root(), target: TARGET.to_owned(), path, cwd, kernel: hello };
    assert!(listed(&site, &[]).is_empty());
    assert!(!fixture.path("qemu.argv").exists());
}
