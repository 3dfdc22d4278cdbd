//! The prepared toolchain's own programs: started by their place in the tree, with an
//! environment stated in full, so that nothing of the user's reaches them, and timed.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::error::LinkError;
use crate::host::process::{Call, Output, shell_status};
use crate::host::{clock, fs};
use crate::pins::Target;
use crate::toolchain::layout::Tree;

/// How long one of them may take; whole programs are optimised at once with `--lto`.
const LIMIT: Duration = Duration::from_hours(1);

/// The programs of one tree.
#[derive(Debug, Clone, Copy)]
pub struct Tools<'t> {
    /// The tree.
    pub tree: &'t Tree,
    /// Whom they build for.
    pub target: &'static Target,
    /// Where they put what they make on the way.
    pub temporary: &'t Path,
}

/// What a program said, and how long it took.
#[derive(Debug)]
pub struct Said {
    /// The program and its arguments, as a shell would take them.
    pub command: String,
    /// How it ended.
    pub output: Output,
    /// Wall time.
    pub took: Duration,
}

impl Tools<'_> {
    /// Runs the tool `alias` (`clang`, `opt`) to its end.
    ///
    /// # Errors
    /// It does not start, does not end, or a signal ends it: a crash of its own.
    pub fn run(
        &self,
        alias: &str,
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<Said, LinkError> {
        let program = self.tree.bin().join(format!("{}-{alias}", self.target.triple));
        if fs::stat(&program)?.is_none() {
            let tree = self.tree.root().to_path_buf();
            return Err(LinkError::NoTool { tool: alias.to_owned(), tree });
        }
        self.start(Call::new(program, args), alias)
    }

    /// Runs a command that one of the tools named.
    ///
    /// # Errors
    /// As [`Tools::run`].
    pub fn start(&self, mut call: Call, name: &str) -> Result<Said, LinkError> {
        call.env = vec![("LC_ALL".into(), "C".into()), ("TMPDIR".into(), self.temporary.into())];
        let command = command_line(&call);
        let begun = clock::instant();
        let output = call.output(LIMIT)?;
        let took = begun.elapsed();
        if output.status.code().is_none_or(|code| code > 125) {
            return Err(LinkError::ToolCrashed {
                tool: name.to_owned(),
                status: shell_status(output.status),
                said: last_lines(&output.stderr),
            });
        }
        Ok(Said { command, output, took })
    }
}

impl Said {
    /// Whether it succeeded.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.output.status.success()
    }

    /// What it wrote to stderr.
    #[must_use]
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).trim_end().to_owned()
    }
}

/// The end of what a program wrote.
fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// A command as one could type it.
#[must_use]
pub fn command_line(call: &Call) -> String {
    let words = std::iter::once(call.program.as_os_str().to_owned()).chain(call.args.clone());
    let quoted = words.map(|word| quote(&word.to_string_lossy()));
    quoted.collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_typed_again() {
        let call = Call::new("/a b/clang", ["-O2", "", "it's", "x=1"]);
        assert_eq!(command_line(&call), r"'/a b/clang' -O2 '' 'it'\''s' x=1");
    }
}
