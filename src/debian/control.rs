//! The reader of deb822 text (Debian policy §5.1, deb822(5)): paragraphs of fields,
//! borrowed from the text, with line numbers. Never repairs: a duplicate field, a
//! comment or a stray line is refused, and so is whatever passes the limits.

use memchr::{memchr, memchr_iter, memchr2, memmem};
use thiserror::Error;

use super::value::excerpt;
use crate::host::fault::{Diagnostic, Kind};

#[cfg(test)]
mod tests;

/// How much text is accepted, so that hostile input costs neither time nor memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in one paragraph.
    pub paragraph: usize,
    /// Bytes in one line.
    pub line: usize,
    /// Fields in one paragraph.
    pub fields: usize,
}

impl Limits {
    /// For `Packages` and a package's `control`: the longest line of Debian 12 has
    /// 76 kB.
    pub const PACKAGES: Self = Self { paragraph: 1 << 20, line: 1 << 19, fields: 200 };
    /// For `Release`: 10 MB in all, as apt allows, in short lines.
    pub const RELEASE: Self = Self { paragraph: 10_000_000, line: 1 << 16, fields: 100 };
}

/// A place in a text that cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {problem}")]
pub struct ControlError {
    /// What the text is called: a path, or a suite and a file name.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: ControlProblem,
}

/// What can be wrong with deb822 text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ControlProblem {
    /// Bytes that are not UTF-8.
    #[error("expected UTF-8, got other bytes")]
    NotUtf8,
    /// A byte which no line may hold.
    #[error("the byte 0x{0:02x} is not allowed")]
    Byte(u8),
    /// Something passes its limit.
    #[error("the {what} is too large: expected at most {limit}, got more")]
    TooLarge { what: &'static str, limit: usize },
    /// A line without a colon.
    #[error("expected `Field: value`, got a line without a colon")]
    NoColon,
    /// A field name with forbidden characters, or none.
    #[error("bad field name {0:?}")]
    Name(String),
    /// The same field twice in a paragraph.
    #[error("duplicate field {name}, first seen in line {first}")]
    Duplicate { name: String, first: usize },
    /// A line that starts with `#`.
    #[error("comments are not allowed here")]
    Comment,
    /// A line of blanks only.
    #[error("a line of blanks only is not allowed")]
    Blanks,
    /// A continuation line without a field to continue.
    #[error("a continuation line without a field before it")]
    Orphan,
    /// No paragraph where one is needed.
    #[error("expected one paragraph, got none")]
    Empty,
    /// A further paragraph where only one is allowed.
    #[error("expected one paragraph, got a second one")]
    Second,
}

impl Diagnostic for ControlError {
    fn kind(&self) -> Kind {
        Kind::Integrity
    }

    fn code(&self) -> &'static str {
        match self.problem {
            ControlProblem::TooLarge { .. } => "control-too-large",
            _ => "control-syntax",
        }
    }
}

/// Reads bytes as UTF-8.
///
/// # Errors
/// [`ControlProblem::NotUtf8`] with the line of the first wrong byte.
pub fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, ControlError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        fault(file, 1 + newlines(before), ControlProblem::NotUtf8)
    })
}

/// Reads a text that must be one paragraph.
///
/// # Errors
/// As [`Paragraphs`], and when there is no paragraph, or a second one.
pub fn single<'a>(
    file: &'a str,
    text: &'a str,
    limits: Limits,
) -> Result<Paragraph<'a>, ControlError> {
    let mut paragraphs = Paragraphs::new(file, text, limits)?;
    let only = paragraphs.next().ok_or_else(|| fault(file, 1, ControlProblem::Empty))??;
    match paragraphs.next() {
        None => Ok(only),
        Some(Ok(second)) => Err(fault(file, second.line, ControlProblem::Second)),
        Some(Err(error)) => Err(error),
    }
}

/// The paragraphs of a text, in order. Ends after the first error.
#[derive(Debug, Clone)]
pub struct Paragraphs<'a> {
    file: &'a str,
    rest: &'a str,
    line: usize,
    limits: Limits,
}

impl<'a> Paragraphs<'a> {
    /// Begins to read `text`; `file` is its name in messages.
    ///
    /// # Errors
    /// A NUL or a carriage return anywhere is refused at once.
    pub fn new(file: &'a str, text: &'a str, limits: Limits) -> Result<Self, ControlError> {
        if let Some(at) = memchr2(0, b'\r', text.as_bytes()) {
            let line = 1 + newlines(&text.as_bytes()[..at]);
            let byte = text.as_bytes()[at];
            return Err(fault(file, line, ControlProblem::Byte(byte)));
        }
        let line = 1;
        Ok(Self { file, rest: text, line, limits })
    }
}

impl<'a> Iterator for Paragraphs<'a> {
    type Item = Result<Paragraph<'a>, ControlError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(rest) = self.rest.strip_prefix('\n') {
            self.rest = rest;
            self.line += 1;
        }
        if self.rest.is_empty() {
            return None;
        }
        let bytes = self.rest.as_bytes();
        let window = &bytes[..bytes.len().min(self.limits.paragraph + 2)];
        let end = match memmem::find(window, b"\n\n") {
            Some(at) => at + 1,
            None if bytes.len() <= self.limits.paragraph => bytes.len(),
            None => {
                self.rest = "";
                let (what, limit) = ("paragraph", self.limits.paragraph);
                let problem = ControlProblem::TooLarge { what, limit };
                return Some(Err(fault(self.file, self.line, problem)));
            }
        };
        let (text, rest) = self.rest.split_at(end);
        let paragraph = Paragraph { file: self.file, text, line: self.line, limits: self.limits };
        self.line += newlines(text.as_bytes());
        self.rest = rest;
        Some(Ok(paragraph))
    }
}

/// One paragraph: its text and where it begins.
#[derive(Debug, Clone, Copy)]
pub struct Paragraph<'a> {
    file: &'a str,
    text: &'a str,
    line: usize,
    limits: Limits,
}

impl<'a> Paragraph<'a> {
    /// The name of the text it stands in.
    #[must_use]
    pub fn file(&self) -> &'a str {
        self.file
    }

    /// The number of its first line.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Its fields in order, duplicates included.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields { paragraph: *self, rest: self.text, line: self.line, seen: 0 }
    }

    /// All its fields, each name once (field names ignore case).
    ///
    /// # Errors
    /// The first line that is no field, or a duplicate.
    pub fn distinct_fields(&self) -> Result<Vec<Field<'a>>, ControlError> {
        let mut fields: Vec<Field<'a>> = Vec::new();
        for field in self.fields() {
            let field = field?;
            if let Some(first) = fields.iter().find(|f| f.is(field.name)) {
                let (name, first) = (excerpt(field.name), first.line);
                let problem = ControlProblem::Duplicate { name, first };
                return Err(fault(self.file, field.line, problem));
            }
            fields.push(field);
        }
        Ok(fields)
    }
}

/// The fields of one paragraph. Ends after the first error.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    paragraph: Paragraph<'a>,
    rest: &'a str,
    line: usize,
    seen: usize,
}

impl<'a> Fields<'a> {
    /// The length of the line at the front of `text`, without its newline.
    fn line_length(&self, text: &str) -> Result<usize, ControlProblem> {
        let limit = self.paragraph.limits.line;
        let length = memchr(b'\n', text.as_bytes()).unwrap_or(text.len());
        if length > limit {
            return Err(ControlProblem::TooLarge { what: "line", limit });
        }
        Ok(length)
    }

    fn read(&mut self) -> Result<Field<'a>, ControlProblem> {
        let limit = self.paragraph.limits.fields;
        self.seen += 1;
        if self.seen > limit {
            let what = "number of fields";
            return Err(ControlProblem::TooLarge { what, limit });
        }
        let text = self.rest;
        let mut end = self.line_length(text)?;
        let first = &text[..end];
        match first.as_bytes().first() {
            Some(b' ' | b'\t') if is_blank(first) => return Err(ControlProblem::Blanks),
            Some(b' ' | b'\t') => return Err(ControlProblem::Orphan),
            Some(b'#') => return Err(ControlProblem::Comment),
            _ => {}
        }
        let colon = memchr(b':', first.as_bytes()).ok_or(ControlProblem::NoColon)?;
        let name = &first[..colon];
        if name.is_empty() || name.starts_with('-') || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ControlProblem::Name(excerpt(name)));
        }
        let line = self.line;
        self.line += 1;
        while let Some(next) = text.get(end + 1..).filter(|t| t.starts_with([' ', '\t'])) {
            let length = self.line_length(next)?;
            if is_blank(&next[..length]) {
                return Err(ControlProblem::Blanks);
            }
            end += 1 + length;
            self.line += 1;
        }
        self.rest = text.get(end + 1..).unwrap_or("");
        let raw = &text[colon + 1..end];
        Ok(Field { name, line, raw })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, ControlError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        Some(self.read().map_err(|problem| {
            self.rest = "";
            fault(self.paragraph.file, self.line, problem)
        }))
    }
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name as written.
    pub name: &'a str,
    /// The number of its first line.
    pub line: usize,
    raw: &'a str,
}

impl<'a> Field<'a> {
    /// Whether this is the field `name`, ignoring case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value without the blanks around it; continuation lines are kept as they are.
    #[must_use]
    pub fn value(&self) -> &'a str {
        self.raw.trim_ascii()
    }

    /// Whether the value goes on in continuation lines.
    #[must_use]
    pub fn is_folded(&self) -> bool {
        memchr(b'\n', self.raw.as_bytes()).is_some()
    }

    /// The lines of the value, trimmed, each with its number. The first is what
    /// follows the colon, often nothing.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
        (self.line..).zip(self.raw.split('\n').map(str::trim_ascii))
    }
}

fn is_blank(line: &str) -> bool {
    line.bytes().all(|b| b == b' ' || b == b'\t')
}

fn newlines(bytes: &[u8]) -> usize {
    memchr_iter(b'\n', bytes).count()
}

fn fault(file: &str, line: usize, problem: ControlProblem) -> ControlError {
    let file = file.to_owned();
    ControlError { file, line, problem }
}
