//! Where a member of a package goes: into the merged `/usr` layout, or nowhere
//! when it is pruned; and how the targets of links follow. Pure: text in, text out.
//!
//! Source: Debian policy §10.1 (merged `/usr`), §10.5 (symbolic links), usrmerge.

use std::borrow::Cow;

use crate::host::fault::{Diagnostic, Kind};

/// Top-level directories that are links into `usr` on a merged system.
pub const MERGED: [&str; 7] = ["bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"];

/// Why a rule refused something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("{path}: expected a link that stays in the tree, got target {target}")]
    Leaves { path: String, target: String },
    #[error("pattern \"{pattern}\": {reason}")]
    Pattern { pattern: String, reason: &'static str },
}

impl Diagnostic for RuleError {
    fn kind(&self) -> Kind {
        match self {
            Self::Leaves { .. } => Kind::Integrity,
            Self::Pattern { .. } => Kind::Usage,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Leaves { .. } => "link-leaves-root",
            Self::Pattern { .. } => "prune-pattern",
        }
    }
}

/// The path in the merged layout: `lib/x` becomes `usr/lib/x`.
#[must_use]
pub fn merged(path: &str) -> Cow<'_, str> {
    let top = path.split('/').next().unwrap_or_default();
    if MERGED.contains(&top) { Cow::Owned(format!("usr/{path}")) } else { Cow::Borrowed(path) }
}

/// The top-level links of a tree, name and target, given which directories it has.
pub fn merged_links(has: impl Fn(&str) -> bool) -> impl Iterator<Item = (&'static str, String)> {
    MERGED.into_iter().map(|name| (name, format!("usr/{name}"))).filter(move |(_, to)| has(to))
}

/// The target of the link that the archive has at `path`, rewritten so that it
/// leads to the same file in the merged layout, and relative.
///
/// # Errors
/// [`RuleError::Leaves`] when the target climbs above the root.
pub fn relocate(path: &str, target: &str) -> Result<String, RuleError> {
    let leaves = || RuleError::Leaves { path: path.to_owned(), target: target.to_owned() };
    let wanted = join(parent(path), target).ok_or_else(leaves)?;
    let wanted = merged(&wanted);
    let place = merged(path);
    if !target.starts_with('/') && join(parent(&place), target).as_deref() == Some(&*wanted) {
        return Ok(target.to_owned());
    }
    Ok(relative(parent(&place), &wanted))
}

/// What `target` means from within `directory`, by the text alone; `None` when it
/// climbs above the root. An absolute target counts from the root.
#[must_use]
pub fn join(directory: &str, target: &str) -> Option<String> {
    let base = if target.starts_with('/') { "" } else { directory };
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The way from a directory to a path, both from the root.
#[must_use]
pub fn relative(directory: &str, path: &str) -> String {
    let from: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let shared = from.iter().zip(&to).take_while(|(left, right)| left == right).count();
    let up = std::iter::repeat_n("..", from.len() - shared);
    let way: Vec<&str> = up.chain(to[shared..].iter().copied()).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}

/// The directory part of a path, empty for the root.
#[must_use]
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Which paths a tree goes without, and which programs are changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    prune: Vec<Pattern>,
    keep: Vec<Pattern>,
    rpath: Option<String>,
}

impl Rules {
    /// Prunes what matches one of `prune` and none of `keep`. Patterns speak of
    /// the merged layout.
    ///
    /// # Errors
    /// [`RuleError::Pattern`] for the first pattern that makes no sense.
    pub fn new<'a>(
        prune: impl IntoIterator<Item = &'a str>,
        keep: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, RuleError> {
        let parse = |text: &str| Pattern::parse(text);
        Ok(Self {
            prune: prune.into_iter().map(parse).collect::<Result<_, _>>()?,
            keep: keep.into_iter().map(parse).collect::<Result<_, _>>()?,
            rpath: None,
        })
    }

    /// Each program in `folder` gets a `DT_RPATH` for its `DT_RUNPATH`
    /// (`elf::runpath_to_rpath`), so that it finds its libraries' libraries.
    #[must_use]
    pub fn with_rpath(self, folder: Option<String>) -> Self {
        Self { rpath: folder, ..self }
    }

    /// Whether the file at this path of the merged layout gets a `DT_RPATH`.
    #[must_use]
    pub fn gives_rpath(&self, path: &str) -> bool {
        self.rpath.as_deref().is_some_and(|folder| folder == parent(path))
    }

    /// Whether the tree goes without this path of the merged layout.
    #[must_use]
    pub fn prunes(&self, path: &str) -> bool {
        let matches = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(path));
        matches(&self.prune) && !matches(&self.keep)
    }
}

/// A path with `*` and `?` inside a component, and `**` for any components. A
/// last `**` also matches the directory before it: `usr/share/doc/**` leaves no
/// empty `usr/share/doc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`
    Any,
    Literal(String),
    /// With `*` or `?`.
    Wild(Vec<char>),
}

impl Part {
    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(text) => text == name,
            Self::Wild(part) => {
                let name: Vec<char> = name.chars().collect();
                wild(part, &name, |one| *one == '*', |one, other| *one == '?' || one == other)
            }
        }
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`RuleError::Pattern`] for an absolute one, an empty component, or `**`
    /// beside other text.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let part = |part: &str| match part {
            "" => Err("expected a relative path without empty components"),
            "." | ".." => Err("expected no \".\" or \"..\""),
            "**" => Ok(Part::Any),
            part if part.contains("**") => Err("expected \"**\" alone between slashes"),
            part if part.contains(['*', '?']) => Ok(Part::Wild(part.chars().collect())),
            part => Ok(Part::Literal(part.to_owned())),
        };
        let wrong = |reason| RuleError::Pattern { pattern: text.to_owned(), reason };
        let parts: Vec<Part> =
            text.split('/').map(part).collect::<Result<_, _>>().map_err(wrong)?;
        if parts.iter().all(|part| *part == Part::Any) {
            return Err(wrong("it matches everything"));
        }
        Ok(Self { parts })
    }

    /// Whether the whole path matches.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        wild(&self.parts, &names, |part| *part == Part::Any, |part, name| part.matches(name))
    }
}

/// Matches a pattern in which `many` stands for any number of items. Backs up to
/// the last such place only, so it takes at most the product of both lengths.
fn wild<P, T>(
    pattern: &[P],
    items: &[T],
    many: impl Fn(&P) -> bool,
    one: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut item, mut retry) = (0, 0, None);
    while item < items.len() {
        if pattern.get(at).is_some_and(&many) {
            retry = Some((at, item));
            at += 1;
        } else if pattern.get(at).is_some_and(|part| one(part, &items[item])) {
            at += 1;
            item += 1;
        } else if let Some((star, eaten)) = retry {
            retry = Some((star, eaten + 1));
            (at, item) = (star + 1, eaten + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(many)
}

#[cfg(test)]
mod tests;
