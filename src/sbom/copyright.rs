//! A package's `copyright` file, where it is machine-readable, as one SPDX expression.
//! Never repairs: a file that does not keep the format says nothing.
//!
//! Source: DEP-5 (copyright-format 1.0) §4 to §7.

use std::collections::{BTreeMap, BTreeSet};

use super::license::identifier;
use crate::debian::control::{Limits, Paragraphs};
use crate::host::hash::Digest;

/// Of a file: the largest of Debian 12 in use here has 300 kB.
const LIMITS: Limits = Limits { paragraph: 1 << 20, line: 1 << 16, fields: 50 };

/// What a copyright file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Licences {
    /// All licences of the source package, joined with AND.
    pub expression: String,
    /// Those that SPDX does not list: identifier to name and text.
    pub extracted: BTreeMap<String, (String, String)>,
}

/// The licences of the copyright file `text`; `None` when it is not machine-readable.
#[must_use]
pub fn licences(text: &str) -> Option<Licences> {
    let mut wanted: Vec<(String, String)> = Vec::new();
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (index, paragraph) in Paragraphs::new("copyright", text, LIMITS).ok()?.enumerate() {
        let fields = paragraph.ok()?.distinct_fields().ok()?;
        let field = |name: &str| fields.iter().find(|field| field.is(name));
        if index == 0 {
            let format = field("Format")?.value();
            if !format.contains("copyright-format/1.0") {
                return None;
            }
        }
        let Some(license) = field("License") else { continue };
        let mut lines = license.lines().map(|(_, line)| line);
        let synopsis = lines.next().unwrap_or_default();
        let body: Vec<&str> = lines.map(|line| if line == "." { "" } else { line }).collect();
        let body = body.join("\n");
        if !body.is_empty() {
            texts.entry(synopsis.to_ascii_lowercase()).or_insert_with(|| body.clone());
        }
        if field("Files").is_some() {
            wanted.push((synopsis.to_owned(), body));
        }
    }
    let mut found = Licences::default();
    let mut parts = BTreeSet::new();
    for (synopsis, body) in wanted.iter().filter(|(synopsis, _)| !synopsis.is_empty()) {
        let mut reader = Reader { found: &mut found, texts: &texts, synopsis, body };
        parts.insert(reader.synopsis());
    }
    if parts.is_empty() {
        return None;
    }
    let alone = parts.len() == 1;
    let parts: Vec<String> = parts.into_iter().map(|part| part.show(alone)).collect();
    found.expression = parts.join(" AND ");
    Some(found)
}

/// An expression, and whether it needs brackets inside an AND.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    text: String,
    is_or: bool,
}

impl Part {
    fn show(self, alone: bool) -> String {
        if self.is_or && !alone { format!("({})", self.text) } else { self.text }
    }
}

struct Reader<'a> {
    found: &'a mut Licences,
    texts: &'a BTreeMap<String, String>,
    synopsis: &'a str,
    body: &'a str,
}

impl Reader<'_> {
    /// `A or B, and C` is `(A or B) and C`; else `and` binds closer than `or`.
    fn synopsis(&mut self) -> Part {
        let tokens: Vec<&str> = self.synopsis.split_ascii_whitespace().collect();
        match self.commas(&tokens) {
            Some(part) => part,
            // A sentence instead of names is one licence of its own.
            None => Part { text: self.name(self.synopsis), is_or: false },
        }
    }

    fn commas(&mut self, tokens: &[&str]) -> Option<Part> {
        let comma = tokens.iter().rposition(|token| token.ends_with(','));
        let Some(at) = comma else { return self.alternatives(tokens) };
        let mut before: Vec<&str> = tokens[..=at].to_vec();
        before[at] = before[at].trim_end_matches(',');
        let (operator, after) = tokens[at + 1..].split_first()?;
        let (left, right) = (self.commas(&before)?, self.alternatives(after)?);
        join(vec![left, right], operator)
    }

    fn alternatives(&mut self, tokens: &[&str]) -> Option<Part> {
        let parts = tokens.split(|token| token.eq_ignore_ascii_case("or"));
        let parts = parts.map(|part| self.all_of(part)).collect::<Option<Vec<_>>>()?;
        join(parts, "or")
    }

    fn all_of(&mut self, tokens: &[&str]) -> Option<Part> {
        let parts = tokens.split(|token| token.eq_ignore_ascii_case("and"));
        let parts = parts.map(|part| self.one(part)).collect::<Option<Vec<_>>>()?;
        join(parts, "and")
    }

    /// `NAME` or `NAME with SOME exception`.
    fn one(&mut self, tokens: &[&str]) -> Option<Part> {
        let well = match tokens {
            [_] => true,
            [_, with, .., last] => {
                with.eq_ignore_ascii_case("with")
                    && last.to_ascii_lowercase().starts_with("exception")
            }
            _ => false,
        };
        well.then(|| Part { text: self.name(&tokens.join(" ")), is_or: false })
    }

    /// The identifier of a name; one of our own where SPDX has none.
    fn name(&mut self, name: &str) -> String {
        let own = if self.body.is_empty() { None } else { Some(self.body) };
        let text = self.texts.get(&name.to_ascii_lowercase()).map(String::as_str).or(own);
        if let Some(known) = identifier(name, text.unwrap_or_default()) {
            return known;
        }
        let text = text.map_or_else(
            || format!("The copyright file names the licence \"{name}\" and has no text of it."),
            str::to_owned,
        );
        let safe: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
            .take(40)
            .collect();
        // Packages use one name for several texts.
        let digest = Digest::of(text.as_bytes()).short();
        let id = format!("LicenseRef-{}-{}", safe.trim_matches('-'), &digest[..8]);
        self.found.extracted.insert(id.clone(), (name.to_owned(), text));
        id
    }
}

fn join(parts: Vec<Part>, operator: &str) -> Option<Part> {
    let is_or = operator.eq_ignore_ascii_case("or");
    if !is_or && !operator.eq_ignore_ascii_case("and") {
        return None;
    }
    let [part] = &parts[..] else {
        let word = if is_or { " OR " } else { " AND " };
        let parts: Vec<String> = parts.into_iter().map(|part| part.show(is_or)).collect();
        return Some(Part { text: parts.join(word), is_or });
    };
    Some(part.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";

    fn expression(synopsis: &str) -> String {
        let text = format!("{HEAD}\nFiles: *\nCopyright: somebody\nLicense: {synopsis}\n");
        licences(&text).unwrap().expression
    }

    #[test]
    fn alternatives_and_joins_bind_as_debian_says() {
        assert_eq!(expression("GPL-2+ or Expat"), "GPL-2.0-or-later OR MIT");
        assert_eq!(expression("ISC or Expat and Zlib"), "ISC OR MIT AND Zlib");
        assert_eq!(expression("ISC or Expat, and Zlib"), "(ISC OR MIT) AND Zlib");
        assert_eq!(
            expression("GPL-2+ with Libtool exception"),
            "GPL-2.0-or-later WITH Libtool-exception"
        );
    }

    #[test]
    fn the_licences_of_all_files_are_joined_once_each() {
        let text = format!(
            "{HEAD}\nFiles: *\nLicense: ISC or Expat\n\nFiles: a\nLicense: Zlib\n\nFiles: b\nLicense: Zlib\n"
        );
        let expression = licences(&text).unwrap().expression;
        assert_eq!(expression, "(ISC OR MIT) AND Zlib");
        spdx::Expression::parse(&expression).unwrap();
    }

    #[test]
    fn a_licence_that_spdx_does_not_list_comes_with_its_text() {
        let text = format!(
            "{HEAD}\nFiles: *\nLicense: public-domain\n\nLicense: public-domain\n Do what you like.\n .\n Really.\n"
        );
        let found = licences(&text).unwrap();
        let (id, (name, text)) = found.extracted.first_key_value().unwrap();
        assert_eq!((&found.expression, name.as_str()), (id, "public-domain"));
        assert_eq!(text, "Do what you like.\n\nReally.");
        assert!(id.starts_with("LicenseRef-public-domain-"), "{id}");
    }

    #[test]
    fn a_sentence_is_one_licence_and_prose_is_none() {
        let found = expression("The main library is licensed under GNU Lesser");
        assert!(found.starts_with("LicenseRef-The-main-library"), "{found}");
        assert_eq!(licences("This is the Debian package of\n the GNU C Library.\n"), None);
        assert_eq!(licences(""), None);
        assert_eq!(licences(HEAD), None);
    }
}
