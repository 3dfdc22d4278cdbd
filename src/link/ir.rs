//! LLVM's verifier on one input, and what it says in terms of the user's own file. What is
//! linked afterwards is the very text that was verified.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::LinkError;
use super::input::{Input, Kind};
use super::module::{Module, Site};
use super::tools::{Said, Tools};
use crate::host::fs;

/// A module that LLVM found valid.
#[derive(Debug)]
pub struct Verified {
    /// What it says of itself.
    pub module: Module,
    /// Its printed form, in the folder of this run.
    pub printed: PathBuf,
    /// What LLVM had to say although it is valid.
    pub remarks: String,
    /// How long it took.
    pub took: Duration,
    /// The user's own text; empty for bitcode.
    source: String,
    name: PathBuf,
}

/// The verifier's run on `input`: into `printed`, when it is valid.
///
/// # Errors
/// The tool does not start or crashes.
pub fn run(tools: &Tools<'_>, input: &Input, printed: &Path) -> Result<Said, LinkError> {
    let args = ["-passes=verify", "-S", "-o"].map(Into::into).into_iter();
    tools.run("opt", args.chain([printed.into(), input.path.clone().into()]))
}

/// What came of [`run`]. Of the functions that the module uses those in `wanted` are read.
///
/// # Errors
/// It is not valid.
pub fn judge(
    said: &Said,
    input: &Input,
    printed: &Path,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Verified, LinkError> {
    let source = match input.kind {
        Kind::Text => fs::read_text(&input.path)?,
        _ => String::new(),
    };
    if !said.is_good() {
        return Err(complaint(&said.errors(), input, &source));
    }
    let text = fs::read_text(printed)?;
    let text = match portable(&text, input) {
        Some(changed) => {
            fs::write(printed, changed.as_bytes())?;
            changed
        }
        None => text,
    };
    Ok(Verified {
        module: Module::read(&text, wanted),
        printed: printed.to_path_buf(),
        remarks: said.errors(),
        took: said.took,
        source,
        name: input.name.clone(),
    })
}

impl Verified {
    /// The file, and the line that declares or calls `name` where the text tells.
    #[must_use]
    pub fn place(&self, name: &str, site: Site) -> String {
        let symbol = format!("@{name}(");
        let is_it = |line: &str| {
            let is_declared = line.trim_start().starts_with("declare");
            line.contains(&symbol) && is_declared == (site == Site::Declared)
        };
        let line = self.source.lines().position(is_it).map(|line| format!(":{}", line + 1));
        format!("{}{}", self.name.display(), line.unwrap_or_default())
    }
}

/// LLVM calls a module that names no source after the path it was read from. That would go
/// into the program; the file's own name does as well and is the same in every folder.
fn portable(text: &str, input: &Input) -> Option<String> {
    let path = escaped(input.path.to_str()?);
    let line = format!("\nsource_filename = \"{path}\"\n");
    let name = escaped(input.path.file_name()?.to_str()?);
    let new = format!("\nsource_filename = \"{name}\"\n");
    text.contains(&line).then(|| text.replacen(&line, &new, 1))
}

/// As LLVM prints strings.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        match byte {
            b' '..=b'~' if !b"\"\\".contains(&byte) => all.push(byte.into()),
            // Writing to a string cannot fail.
            _ => drop(write!(all, "\\{byte:02X}")),
        }
        all
    })
}

/// The error behind what `opt` wrote about `input`.
fn complaint(said: &str, input: &Input, source: &str) -> LinkError {
    let name = input.name.display().to_string();
    let path = input.path.display().to_string();
    let mut before: Vec<&str> = Vec::new();
    let mut lines = said.lines();
    while let Some(line) = lines.next() {
        let Some((_, rest)) = line.split_once(&path) else {
            before.push(line);
            continue;
        };
        let rest = rest.trim_start_matches(':');
        let Some((place, what)) = rest.split_once("error: ") else { continue };
        let place = place.trim_end_matches([':', ' ']);
        if !place.trim().is_empty() {
            let shown: Vec<&str> = std::iter::once(what).chain(lines.take(2)).collect();
            let at = format!("{name}:{place}");
            return LinkError::InvalidIr { at, what: shown.join("\n  ") };
        }
        // The verifier knows instructions, not lines: those that it shows are looked for.
        let at = before.iter().find_map(|shown| line_of(shown, source));
        let at = at.map_or(name.clone(), |line| format!("{name}:{line}"));
        let what = if before.is_empty() { what.to_owned() } else { before.join("\n  ") };
        return LinkError::InvalidIr { at, what };
    }
    LinkError::InvalidIr { at: name, what: said.trim().to_owned() }
}

/// The one line of `source` that is this instruction.
fn line_of(shown: &str, source: &str) -> Option<usize> {
    let shown = shown.strip_prefix("  ")?.trim();
    let is_it = |line: &str| {
        let code = line.split(" ;").next().unwrap_or(line).trim();
        code == shown || shown.strip_prefix(code).is_some_and(|rest| rest.starts_with(", !dbg"))
    };
    let mut found = source.lines().enumerate().filter(|(_, line)| is_it(line));
    let (line, _) = found.next().filter(|(_, line)| !line.trim().is_empty())?;
    found.next().is_none().then_some(line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> Input {
        Input { name: "b.ll".into(), path: "/w d/b.ll".into(), kind: Kind::Text }
    }

    fn told(said: &str, source: &str) -> String {
        complaint(said, &input(), source).to_string()
    }

    #[test]
    fn a_line_that_llvm_tells_is_told_in_the_users_words() {
        let said = "/t c/bin/opt: /w d/b.ll:2:6: error: value doesn't match\n ret i64 0\n     ^";
        assert_eq!(
            told(said, ""),
            "b.ll:2:6: not valid LLVM IR: value doesn't match\n   ret i64 0\n       ^"
        );
        assert_eq!(
            told("opt: /w d/b.ll: error: Invalid encoding", ""),
            "b.ll: not valid LLVM IR: Invalid encoding"
        );
        assert_eq!(told("strange words", ""), "b.ll: not valid LLVM IR: strange words");
    }

    #[test]
    fn the_line_of_an_instruction_that_the_verifier_shows_is_found() {
        let said = "Instruction does not dominate all uses!\n  %b = add i32 1, 1\n  \
                    %a = add i32 %b, 1\nopt: /w d/b.ll: error: input module is broken!";
        let source = "define i32 @main() {\n  %a = add i32 %b, 1\n %b = add i32 1, 1 ; late\n}\n";
        let text = told(said, source);
        assert!(text.starts_with("b.ll:3: not valid LLVM IR: Instruction does not"), "{text}");
        // Twice the same line: which one is not known.
        let text = told(said, &format!("{source}{source}"));
        assert!(text.starts_with("b.ll: not valid"), "{text}");
    }

    #[test]
    fn the_folder_of_a_module_does_not_go_into_the_program() {
        let text = "; ModuleID = 'x'\nsource_filename = \"/w d/b.ll\"\n\n";
        let changed = portable(text, &input()).unwrap();
        assert_eq!(changed, "; ModuleID = 'x'\nsource_filename = \"b.ll\"\n\n");
        assert_eq!(portable("; M\nsource_filename = \"m.c\"\n", &input()), None);
        assert_eq!(escaped("ä\""), "\\C3\\A4\\22");
    }
}
