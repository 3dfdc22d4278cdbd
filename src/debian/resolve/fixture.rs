//! Small invented archives. Never part of the program: for the tests beside it only.

use super::super::index::{Index, Source};
use super::{Closure, Options, ResolveError, Want, resolve};

const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Writes an index from lines `name version; Field: value; …`.
pub(super) fn packages(lines: &str) -> String {
    let write = |line: &str| {
        let (head, fields) = line.split_once(';').unwrap_or((line, ""));
        let (name, version) = head.trim().split_once(' ').expect("a name and a version");
        let fields = fields.split(';').map(str::trim).filter(|f| !f.is_empty());
        let fields: String = fields.flat_map(|field| [field, "\n"]).collect();
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\n{fields}\
             Filename: pool/{name}_{version}.deb\nSize: 10\nSHA256: {HASH}\n\n"
        )
    };
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(write).collect()
}

pub(super) fn resolve_in(
    suites: &[(&str, &str)],
    wanted: &[&str],
    options: &Options,
) -> Result<Closure, ResolveError> {
    let texts: Vec<String> = suites.iter().map(|(_, lines)| packages(lines)).collect();
    let sources: Vec<Source<'_>> = suites
        .iter()
        .zip(&texts)
        .map(|((suite, _), text)| Source { suite, file: suite, text })
        .collect();
    let index = Index::build("amd64", &sources).expect("a good index");
    let want = |text: &&str| match text.split_once('/') {
        None => Want::new(*text),
        Some((name, suite)) => Want { suite: Some(suite.to_owned()), ..Want::new(name) },
    };
    let wanted: Vec<Want> = wanted.iter().map(want).collect();
    resolve(&index, &wanted, options)
}

pub(super) fn closure(lines: &str, wanted: &[&str]) -> Closure {
    resolve_in(&[("main", lines)], wanted, &Options::default()).unwrap_or_else(|e| panic!("{e}"))
}

pub(super) fn names(closure: &Closure) -> Vec<&str> {
    closure.packages.iter().map(|chosen| chosen.package.name.as_str()).collect()
}

pub(super) fn failure(lines: &str, wanted: &[&str]) -> ResolveError {
    resolve_in(&[("main", lines)], wanted, &Options::default()).expect_err("there is a closure")
}
