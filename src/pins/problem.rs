//! What is wrong in one of our two files, with its place: collected first, shown all
//! at once, so that a user mends a file in one go.

use std::fmt;

use crate::host::fault::{Diagnostic, Kind};

/// One thing wrong, at a line and column (both from 1; columns count characters).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line it stands in, from 1.
    pub line: usize,
    /// The character in that line, from 1.
    pub column: usize,
    /// What is wrong: a lowercase fragment with what was expected and what stands there.
    pub text: String,
    /// The line itself, cut where it is long.
    pub excerpt: String,
}

/// Everything wrong in one file.
#[derive(Debug)]
pub struct Problems {
    file: String,
    code: &'static str,
    list: Vec<Problem>,
    hint: &'static str,
}

/// The longest part of a line that is shown.
const EXCERPT_CHARS: usize = 160;

/// How many problems are collected before the reading ends: each costs a look at the whole
/// text for its place.
pub const MOST: usize = 1000;

/// How many problems are shown: a file of another kind has one in every line.
const SHOWN: usize = 20;

impl Problems {
    /// The problems of `file`, in the order of their places.
    #[must_use]
    pub fn new(file: &str, code: &'static str, hint: &'static str, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| (problem.line, problem.column));
        Self { file: file.to_owned(), code, list, hint }
    }

    /// Each problem, by place.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.list
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().take(SHOWN).enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let Problem { line, column, text, excerpt } = problem;
            write!(f, "{}:{line}:{column}: {text}", self.file)?;
            if !excerpt.is_empty() {
                write!(f, "\n  {line:>4} | {excerpt}")?;
            }
        }
        if let Some(more) = self.list.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            write!(f, "\n{}: and {more} more problems", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        self.code
    }

    fn hints(&self) -> Vec<String> {
        vec![self.hint.to_owned()]
    }
}

/// The text of `file`, which must be UTF-8; code and hint are those of its problems.
///
/// # Errors
/// The place of the first byte that is not.
pub fn utf8(
    file: &str,
    (code, hint): (&'static str, &'static str),
    bytes: Vec<u8>,
) -> Result<String, Problems> {
    String::from_utf8(bytes).map_err(|error| {
        let (valid, bytes) = (error.utf8_error().valid_up_to(), error.into_bytes());
        let byte = bytes.get(valid).copied().unwrap_or_default();
        let text = format!("not UTF-8: byte {byte:#04x}");
        Problems::new(
            file,
            code,
            hint,
            vec![at_offset(&String::from_utf8_lossy(&bytes), valid, text)],
        )
    })
}

/// The problem `text` at the byte `offset` of `source`.
#[must_use]
pub fn at_offset(source: &str, offset: usize, text: String) -> Problem {
    let offset = offset.min(source.len());
    let before = source.get(..offset).unwrap_or(source);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line_text = source[start..].lines().next().unwrap_or_default();
    Problem {
        line: memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1,
        column: before[start..].chars().count() + 1,
        text,
        excerpt: excerpt(line_text),
    }
}

/// A line as it may be shown on a terminal: no control characters, not endless.
#[must_use]
pub fn excerpt(line: &str) -> String {
    line.chars().take(EXCERPT_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The known name nearest to a mistyped one, when it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// No known name is half as long, and distances cost the product of both lengths.
    const LONGEST: usize = 100;
    known
        .into_iter()
        .filter(|_| typed.len() <= LONGEST)
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(far, name)| *far <= 1 + name.chars().count() / 4)
        .min_by_key(|(far, _)| *far)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_becomes_a_line_and_a_column_in_characters() {
        let problem = at_offset("a = 1\nä = oops\n", 11, "bad".to_owned());
        assert_eq!((problem.line, problem.column), (2, 5));
        assert_eq!(problem.excerpt, "ä = oops");
    }

    #[test]
    fn thousands_of_problems_are_counted_not_shown() {
        let problem = |line| Problem { line, column: 1, text: "bad".into(), excerpt: "x".into() };
        let problems = Problems::new("f", "c", "h", (1..=5000).map(problem).collect());
        assert!(problems.to_string().ends_with("\nf: and 4980 more problems"));
        assert_eq!(problems.to_string().lines().count(), 41);
        let few = Problems::new("f", "c", "h", vec![problem(1)]);
        assert_eq!(few.to_string(), "f:1:1: bad\n     1 | x");
    }

    #[test]
    fn an_offset_past_the_end_is_the_end() {
        assert_eq!(at_offset("x\n", 99, String::new()).line, 2);
    }

    #[test]
    fn control_characters_of_a_line_never_reach_the_terminal() {
        assert_eq!(excerpt("a\u{1b}[2J"), "a\u{fffd}[2J");
    }

    #[test]
    fn a_typo_finds_the_name_that_was_meant() {
        assert_eq!(nearest("pakages", ["packages", "prune"]), Some("packages"));
        assert_eq!(nearest("colour", ["packages", "prune"]), None);
    }
}
