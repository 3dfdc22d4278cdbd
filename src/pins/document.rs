//! Walking a TOML document by hand: every wrong type, missing or unknown key is
//! collected with its place instead of stopping at the first, as a deserialiser would.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{MOST, Problem, at_offset, nearest};

/// The document's text and the problems found in it so far.
#[derive(Debug)]
pub struct Document<'s> {
    source: &'s str,
    problems: RefCell<Vec<Problem>>,
}

impl<'s> Document<'s> {
    /// A document without problems yet.
    #[must_use]
    pub fn new(source: &'s str) -> Self {
        Self { source, problems: RefCell::new(Vec::new()) }
    }

    /// Notes a problem at a byte range of the source; the first [`MOST`] are kept.
    pub fn problem(&self, span: &Range<usize>, text: String) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MOST {
            problems.push(at_offset(self.source, span.start, text));
        }
    }

    /// All problems noted.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// A value with its place in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// The bytes of the source it stands in.
    pub span: Range<usize>,
}

/// One table of the document. Keys that nobody asked for are problems in the end.
#[derive(Debug)]
pub struct Section<'d, 's> {
    document: &'d Document<'s>,
    name: String,
    span: Range<usize>,
    table: Option<&'d DeTable<'s>>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'d, 's> Section<'d, 's> {
    /// The whole document as a section without a name.
    #[must_use]
    pub fn root(document: &'d Document<'s>, table: &'d Spanned<DeTable<'s>>) -> Self {
        Self::of(document, String::new(), table.span(), Some(table.get_ref()))
    }

    fn of(
        document: &'d Document<'s>,
        name: String,
        span: Range<usize>,
        table: Option<&'d DeTable<'s>>,
    ) -> Self {
        Self { document, name, span, table, asked: RefCell::default() }
    }

    /// Where the section stands.
    #[must_use]
    pub fn span(&self) -> &Range<usize> {
        &self.span
    }

    fn label(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn value(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'s>>> {
        self.asked.borrow_mut().insert(key);
        self.table?.get(key)
    }

    fn missing(&self, key: &str) {
        // A table that is absent altogether was already reported as such.
        if self.table.is_some() {
            self.document.problem(&self.span, format!("missing key `{}`", self.label(key)));
        }
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let got = value.get_ref().type_str();
        self.document.problem(
            &value.span(),
            format!("`{}` has the wrong type: expected {expected}, got {got}", self.label(key)),
        );
    }

    /// A table below this one that must be there.
    #[must_use]
    pub fn section(&self, key: &'static str) -> Section<'d, 's> {
        match self.value(key) {
            None => {
                self.missing(key);
                Section::of(self.document, self.label(key), self.span.clone(), None)
            }
            Some(value) => self.as_section(key, value),
        }
    }

    fn as_section(&self, key: &str, value: &'d Spanned<DeValue<'s>>) -> Section<'d, 's> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(key, value, "a table");
        }
        Section::of(self.document, self.label(key), value.span(), table)
    }

    /// Every table below this one, whatever their names are.
    #[must_use]
    pub fn sections(&self) -> Vec<(Placed<String>, Section<'d, 's>)> {
        self.entries()
            .map(|(key, value)| {
                let name = Placed { value: key.get_ref().to_string(), span: key.span() };
                (name, self.as_section(key.get_ref(), value))
            })
            .collect()
    }

    fn entries(
        &self,
    ) -> impl Iterator<Item = (&'d Spanned<std::borrow::Cow<'s, str>>, &'d Spanned<DeValue<'s>>)>
    {
        self.table.into_iter().flat_map(DeTable::iter)
    }

    /// Every key with a list of strings, whatever the keys' names are.
    #[must_use]
    pub fn lists(&self) -> Vec<(Placed<String>, Vec<Placed<String>>)> {
        self.entries()
            .map(|(key, value)| {
                let name = Placed { value: key.get_ref().to_string(), span: key.span() };
                (name, self.list_of(key.get_ref(), value))
            })
            .collect()
    }

    /// A string that must be there; empty after a problem was noted.
    #[must_use]
    pub fn string(&self, key: &'static str) -> Placed<String> {
        let Some(value) = self.value(key) else {
            self.missing(key);
            return Placed { value: String::new(), span: self.span.clone() };
        };
        let text = value.get_ref().as_str().unwrap_or_else(|| {
            self.wrong_type(key, value, "a string");
            ""
        });
        if value.get_ref().as_str() == Some("") {
            self.document.problem(&value.span(), format!("`{}` is empty", self.label(key)));
        }
        Placed { value: text.to_owned(), span: value.span() }
    }

    /// An integer that must be there; 0 after a problem was noted.
    #[must_use]
    pub fn integer(&self, key: &'static str) -> Placed<u32> {
        let Some(value) = self.value(key) else {
            self.missing(key);
            return Placed { value: 0, span: self.span.clone() };
        };
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|integer| u32::from_str_radix(integer.as_str(), integer.radix()).ok());
        if number.is_none() {
            self.wrong_type(key, value, "an integer from 0 to 4294967295");
        }
        Placed { value: number.unwrap_or_default(), span: value.span() }
    }

    /// A list of strings that must be there.
    #[must_use]
    pub fn strings(&self, key: &'static str) -> Vec<Placed<String>> {
        match self.value(key) {
            None => {
                self.missing(key);
                Vec::new()
            }
            Some(value) => self.list_of(key, value),
        }
    }

    /// A string that may be absent.
    #[must_use]
    pub fn optional_string(&self, key: &'static str) -> Option<Placed<String>> {
        self.value(key).is_some().then(|| self.string(key))
    }

    /// A list of strings; an absent key is an empty list.
    #[must_use]
    pub fn optional_strings(&self, key: &'static str) -> Vec<Placed<String>> {
        self.value(key).map(|value| self.list_of(key, value)).unwrap_or_default()
    }

    fn list_of(&self, key: &str, value: &Spanned<DeValue<'s>>) -> Vec<Placed<String>> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of strings");
            return Vec::new();
        };
        let mut list: Vec<Placed<String>> = Vec::new();
        let mut seen = BTreeSet::new();
        for item in items {
            let Some(text) = item.get_ref().as_str() else {
                self.wrong_type(key, item, "a string");
                continue;
            };
            if text.is_empty() {
                let text = format!("an empty string in `{}`", self.label(key));
                self.document.problem(&item.span(), text);
                continue;
            }
            if !seen.insert(text) {
                let label = self.label(key);
                self.document.problem(&item.span(), format!("`{text}` stands twice in `{label}`"));
                continue;
            }
            list.push(Placed { value: text.to_owned(), span: item.span() });
        }
        list
    }

    /// Notes each key that nobody asked for, with the one that was probably meant.
    pub fn finish(self) {
        self.report_unknown();
    }

    /// What [`Section::finish`] does, for a section that is only lent.
    pub fn report_unknown(&self) {
        let asked = self.asked.borrow();
        for (key, _) in self.entries() {
            let name: &str = key.get_ref();
            if asked.contains(name) {
                continue;
            }
            let meant = nearest(name, asked.iter().copied())
                .map(|near| format!(": did you mean `{near}`?"))
                .unwrap_or_default();
            self.document
                .problem(&key.span(), format!("unknown key `{}`{meant}", self.label(name)));
        }
    }
}
