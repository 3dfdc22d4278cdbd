//! `verify-ir`: one module through LLVM's verifier, llc, ld.lld and objcopy, each started by
//! itself, so that a failure is known by its step. What was started, how long it took and
//! what it said goes into one log. It installs nothing and keeps nothing else.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::LinkError;
use super::input::Input;
use super::ir::{self, Verified};
use super::tools::{Said, Tools};
use super::undefined::{self, Around};
use super::{Runtime, clang, layout, signature};
use crate::elf;
use crate::host::fault::{Diagnostic as _, Fault};
use crate::host::process::{Call, shell_status};
use crate::host::{clock, fs};
use crate::pins::Target;
use crate::runtime_build::signatures;
use crate::store::scratch::Folder;
use crate::toolchain::layout::{Project, Tree};
use crate::toolchain::metrics::rfc3339;

/// The steps, in their order.
pub const STEPS: [&str; 4] = ["verify", "llc", "ld.lld", "objcopy"];

/// The most of a step's output that goes into the log, in bytes.
const MOST_OUTPUT: usize = 64 << 10;

/// What is wrong, or odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable code.
    pub code: &'static str,
    /// Whether the module fails by it.
    pub is_error: bool,
    /// For people.
    pub message: String,
}

/// One step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// What was started; empty when it was not reached.
    pub command: String,
    /// Wall time.
    pub took: Duration,
    /// The exit status; `None` when it was not reached.
    pub status: Option<u8>,
    /// What it wrote.
    pub output: String,
    /// What came of it.
    pub findings: Vec<Finding>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The module, as it was named.
    pub file: PathBuf,
    /// The target's triple.
    pub target: &'static str,
    /// Each step, those not reached as well.
    pub steps: Vec<Step>,
    /// Where the log lies.
    pub log: PathBuf,
}

impl Report {
    /// Whether a step found an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.steps.iter().flat_map(|step| &step.findings).any(|finding| finding.is_error)
    }
}

/// What to verify.
pub struct Request<'r> {
    /// The project's paths.
    pub project: &'r Project,
    /// The prepared toolchain.
    pub tree: &'r Tree,
    /// Its target.
    pub target: &'static Target,
    /// Where names are seen from.
    pub cwd: &'r Path,
    /// The module.
    pub file: &'r Path,
    /// The runtime, for modules that use it.
    pub runtime: Runtime<'r>,
}

impl Request<'_> {
    /// Runs the steps, up to the first that finds an error, and writes the log.
    ///
    /// # Errors
    /// The file is no IR at all, or a tool does not start.
    pub fn run(&self) -> Result<Report, Fault> {
        let input = Input::open(self.file, self.cwd, self.target)?;
        if !input.is_ir() {
            let got = "an object file or archive".to_owned();
            return Err(LinkError::UnknownInput { path: input.name, got }.into());
        }
        let folder = Folder::new(&self.project.cache().join("link"))?;
        let tools = Tools { tree: self.tree, target: self.target, temporary: folder.path() };
        let mut steps = Vec::new();
        self.steps(&tools, &input, &mut steps)?;
        for name in STEPS.into_iter().skip(steps.len()) {
            steps.push(Step { name, ..Step::default() });
        }
        let log = self.project.root().join("artifacts/cross/verify.log");
        let file = self.file.to_path_buf();
        let report = Report { file, target: self.target.triple, steps, log };
        fs::create_dir_all(report.log.parent().unwrap_or(self.cwd))?;
        fs::write_atomic(&report.log, report.text().as_bytes())?;
        Ok(report)
    }

    fn steps(&self, tools: &Tools<'_>, input: &Input, steps: &mut Vec<Step>) -> Result<(), Fault> {
        let table = signatures();
        let place = |name: &str| tools.temporary.join(name);
        let printed = place("module.ll");
        let said = ir::run(tools, input, &printed)?;
        let wanted = |name: &str| table.iter().any(|row| row.name == name);
        let verified = ir::judge(&said, input, &printed, &wanted);
        let mut step = Step::of(STEPS[0], &said);
        let verified = match verified {
            Ok(verified) => verified,
            Err(error) => {
                step.fail(&error);
                steps.push(step);
                return Ok(());
            }
        };
        self.check(tools, &verified, &mut step)?;
        let is_bad = step.findings.iter().any(|finding| finding.is_error);
        steps.push(step);
        if is_bad {
            return Ok(());
        }

        let object = place("module.o");
        let mtriple = format!("-mtriple={}", self.target.triple);
        let args = ["-filetype=obj", "-relocation-model=pic", &mtriple, "-o"].map(OsString::from);
        let said = tools.run("llc", args.into_iter().chain([(&object).into(), printed.into()]))?;
        let mut step = Step::of(STEPS[1], &said);
        if !said.is_good() {
            step.find("ir-not-compiled", &said.errors());
        }
        steps.push(step);
        if !said.is_good() {
            return Ok(());
        }

        let program = place("module.elf");
        let call = self.linking(tools, &verified, &object, &program)?;
        let said = tools.start(call, "ld.lld")?;
        let mut step = Step::of(STEPS[2], &said);
        if !said.is_good() {
            let around = Around {
                sysroot: &self.tree.sysroot(),
                target: self.target,
                runtime: &table,
                has_runtime: uses_runtime(&verified),
            };
            step.fail(&undefined::explain(&said.errors(), &around));
        }
        steps.push(step);
        if !said.is_good() {
            return Ok(());
        }

        let stripped = place("module.stripped");
        let args = ["--strip-all".into(), program.into(), (&stripped).into()];
        let said = tools.run("objcopy", args)?;
        let mut step = Step::of(STEPS[3], &said);
        let made = if said.is_good() { self.judge(&stripped) } else { Err(said.errors()) };
        if let Err(what) = made {
            step.find("ir-not-copied", &what);
        }
        steps.push(step);
        Ok(())
    }

    /// What LLVM's verifier does not look at.
    fn check(
        &self,
        tools: &Tools<'_>,
        verified: &Verified,
        step: &mut Step,
    ) -> Result<(), LinkError> {
        let module = &verified.module;
        if !module.is_for(self.target) {
            let got = module.triple.clone().unwrap_or_default();
            let path = self.file.to_path_buf();
            step.fail(&LinkError::OtherTriple { path, expected: self.target.triple, got });
            return Ok(());
        }
        let place = |name: &str, site| verified.place(name, site);
        for mismatch in signature::mismatches(module, &signatures(), &place) {
            step.find("ir-signature", &mismatch.to_string());
        }
        let clang = clang::ask(tools)?;
        if let Some(drift) = layout::drift(module.layout.as_deref(), &clang.layout) {
            let message = drift.to_string();
            step.findings.push(Finding { code: "ir-layout-drift", is_error: false, message });
        }
        Ok(())
    }

    /// The linker's own command, as clang would start it. A module without `main` is linked
    /// as a library.
    fn linking(
        &self,
        tools: &Tools<'_>,
        verified: &Verified,
        object: &Path,
        program: &Path,
    ) -> Result<Call, Fault> {
        let mut args: Vec<OsString> = vec!["-###".into(), object.into()];
        if uses_runtime(verified) {
            args.push((self.runtime)()?.path.into());
        }
        if !verified.module.defined.contains("main") {
            args.push("-shared".into());
        }
        args.extend(["-o".into(), program.into()]);
        let said = tools.run("clang", args)?;
        let text = said.errors();
        let line = text.lines().rev().find(|line| line.trim_start().starts_with('"'));
        let mut words = line.map(words).unwrap_or_default().into_iter();
        let linker = words.next().filter(|_| said.is_good());
        let linker = linker.ok_or(LinkError::Tool { tool: "clang", said: text })?;
        Ok(Call::new(linker, words))
    }

    /// What objcopy left must still be a file for the target.
    fn judge(&self, stripped: &Path) -> Result<(), String> {
        let bytes = fs::read(stripped).map_err(|error| error.to_string())?;
        let facts = elf::read(&bytes).map_err(|error| error.to_string())?;
        if facts.machine == self.target.machine {
            return Ok(());
        }
        Err(format!("expected ELF machine {}, got {}", self.target.machine, facts.machine))
    }
}

fn uses_runtime(verified: &Verified) -> bool {
    let module = &verified.module;
    module.uses.iter().any(|used| !module.defined.contains(&used.name))
}

/// The arguments of a line that `clang -###` prints: each in quotes, some characters behind
/// a backslash.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match (c, &mut word) {
            ('"', None) => word = Some(String::new()),
            ('"', Some(_)) => words.extend(word.take()),
            ('\\', Some(word)) => word.extend(characters.next()),
            (c, Some(word)) => word.push(c),
            (_, None) => {}
        }
    }
    words
}

impl Step {
    fn of(name: &'static str, said: &Said) -> Self {
        let mut output = said.errors();
        if output.len() > MOST_OUTPUT {
            let end = (0..=MOST_OUTPUT).rev().find(|at| output.is_char_boundary(*at));
            output.truncate(end.unwrap_or_default());
        }
        Self {
            name,
            command: said.command.clone(),
            took: said.took,
            status: Some(shell_status(said.output.status)),
            output,
            findings: Vec::new(),
        }
    }

    fn find(&mut self, code: &'static str, message: &str) {
        self.findings.push(Finding { code, is_error: true, message: message.to_owned() });
    }

    fn fail(&mut self, error: &LinkError) {
        let hints = error.hints().into_iter().map(|hint| format!("\nhint: {hint}"));
        let message = std::iter::once(error.to_string()).chain(hints).collect::<String>();
        self.find(error.code(), &message);
    }
}

impl Report {
    /// The log.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let (time, file) = (rfc3339(clock::unix_now()), self.file.display());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{time} verify-ir {file} for {}", self.target);
        for step in &self.steps {
            let Some(status) = step.status else {
                let _ = writeln!(text, "\n== {}: not reached", step.name);
                continue;
            };
            let milliseconds = step.took.as_millis();
            let _ = writeln!(text, "\n== {}: status {status}, {milliseconds} ms", step.name);
            let _ = writeln!(text, "$ {}", step.command);
            if !step.output.is_empty() {
                let _ = writeln!(text, "{}", step.output);
            }
            for Finding { code, is_error, message } in &step.findings {
                let severity = if *is_error { "error" } else { "warning" };
                let _ = writeln!(text, "{severity} {code}: {message}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_clang_prints_is_read_word_by_word() {
        let line = r#" "/a b/ld.lld" "-o" "x\"y\\z\$" """#;
        assert_eq!(words(line), ["/a b/ld.lld", "-o", "x\"y\\z$", ""]);
        assert_eq!(words("no quotes"), [""; 0]);
    }
}
