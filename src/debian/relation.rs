//! Relations between packages: `Depends`, `Pre-Depends` and `Provides` (Debian policy
//! §7). Never guesses: what may not stand in a binary package (architecture lists,
//! build profiles) is refused.

use std::fmt;

use thiserror::Error;

use super::value::{ValueError, check_package_name, excerpt};
use super::version::{Version, VersionError};

#[cfg(test)]
mod tests;

/// Why a relation field is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RelationError {
    /// The name of a package is none.
    #[error(transparent)]
    Name(#[from] ValueError),
    /// A version inside it is none.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// Anything else.
    #[error("bad relation {text:?}: {problem}")]
    Syntax { text: String, problem: &'static str },
}

/// How a version must compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterOrEqual,
    /// `>>`
    Later,
}

impl Comparison {
    fn as_str(self) -> &'static str {
        match self {
            Self::Earlier => "<<",
            Self::EarlierOrEqual => "<=",
            Self::Equal => "=",
            Self::LaterOrEqual => ">=",
            Self::Later => ">>",
        }
    }
}

/// A condition on a version, such as `(>= 2.36)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// How the package's version must compare to `version`.
    pub comparison: Comparison,
    /// The version compared to.
    pub version: Version,
}

impl Constraint {
    /// Whether `version` meets it.
    #[must_use]
    pub fn allows(&self, version: &Version) -> bool {
        let order = version.cmp(&self.version);
        match self.comparison {
            Comparison::Earlier => order.is_lt(),
            Comparison::EarlierOrEqual => order.is_le(),
            Comparison::Equal => order.is_eq(),
            Comparison::LaterOrEqual => order.is_ge(),
            Comparison::Later => order.is_gt(),
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} {})", self.comparison.as_str(), self.version)
    }
}

/// The architecture that a relation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Qualifier {
    /// `:any`: a `Multi-Arch: allowed` package of whatever architecture.
    Any,
    /// `:native`: the architecture of the index.
    Native,
    /// `:amd64` and so on.
    Architecture(String),
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str(":any"),
            Self::Native => f.write_str(":native"),
            Self::Architecture(name) => write!(f, ":{name}"),
        }
    }
}

/// One relation: `libc6 (>= 2.36)`, `python3:any`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The package, real or virtual.
    pub name: String,
    /// The architecture asked for, if one is.
    pub qualifier: Option<Qualifier>,
    /// The condition on its version, if there is one.
    pub constraint: Option<Constraint>,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(qualifier) = &self.qualifier {
            write!(f, "{qualifier}")?;
        }
        if let Some(constraint) = &self.constraint {
            write!(f, " {constraint}")?;
        }
        Ok(())
    }
}

/// Alternatives of which one is enough: `debconf (>= 0.5) | debconf-2.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group(pub Vec<Relation>);

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, relation) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { " | " };
            write!(f, "{separator}{relation}")?;
        }
        Ok(())
    }
}

/// Something a package provides, with a version or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provided {
    /// The name provided.
    pub name: String,
    /// Its version. Without one it meets no constraint (Debian policy §7.5).
    pub version: Option<Version>,
}

/// Reads a `Depends` or `Pre-Depends` value.
///
/// # Errors
/// [`RelationError`] names the relation that is wrong. Empty items are wrong, an empty
/// value is not.
pub fn parse_groups(value: &str) -> Result<Vec<Group>, RelationError> {
    items(value)
        .map(|item| {
            let relations: Result<Vec<_>, _> = item.split('|').map(parse_relation).collect();
            relations.map(Group)
        })
        .collect()
}

/// Reads a `Provides` value.
///
/// # Errors
/// As [`parse_groups`]; also alternatives, qualifiers, and constraints other than `=`.
pub fn parse_provides(value: &str) -> Result<Vec<Provided>, RelationError> {
    items(value).map(parse_provided).collect()
}

/// The names in a `Provides` value, without judging the rest.
pub(crate) fn provided_names(value: &str) -> impl Iterator<Item = &str> {
    items(value).map(|item| {
        let end = item.find(|c: char| c.is_ascii_whitespace() || c == '(' || c == ':');
        &item[..end.unwrap_or(item.len())]
    })
}

fn items(value: &str) -> impl Iterator<Item = &str> {
    let value = value.trim_ascii();
    let some = !value.is_empty();
    value.split(',').filter(move |_| some).map(str::trim_ascii)
}

fn parse_provided(item: &str) -> Result<Provided, RelationError> {
    let relation = parse_relation(item)?;
    if relation.qualifier.is_some() {
        return Err(syntax(item, "an architecture may not be provided"));
    }
    let version = match relation.constraint {
        None => None,
        Some(constraint) if constraint.comparison == Comparison::Equal => Some(constraint.version),
        Some(_) => return Err(syntax(item, "only `=` may be provided")),
    };
    let name = relation.name;
    Ok(Provided { name, version })
}

fn parse_relation(text: &str) -> Result<Relation, RelationError> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(syntax(text, "it is empty"));
    }
    if text.contains('[') {
        let problem = "architecture lists are for source packages only";
        return Err(syntax(text, problem));
    }
    let (head, constraint) = match text.split_once('(') {
        None => (text, None),
        Some((head, rest)) => {
            let inner = rest
                .strip_suffix(')')
                .ok_or_else(|| syntax(text, "expected a closing parenthesis at the end"))?;
            (head.trim_ascii_end(), Some(parse_constraint(text, inner)?))
        }
    };
    if head.contains('<') {
        let problem = "build profiles are for source packages only";
        return Err(syntax(text, problem));
    }
    let (name, qualifier) = match head.split_once(':') {
        None => (head, None),
        Some((name, "any")) => (name, Some(Qualifier::Any)),
        Some((name, "native")) => (name, Some(Qualifier::Native)),
        Some((name, architecture)) => {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if architecture.is_empty() || !architecture.bytes().all(plain) {
                return Err(syntax(text, "bad architecture after the colon"));
            }
            (name, Some(Qualifier::Architecture(architecture.to_owned())))
        }
    };
    check_package_name(name)?;
    let name = name.to_owned();
    Ok(Relation { name, qualifier, constraint })
}

fn parse_constraint(text: &str, inner: &str) -> Result<Constraint, RelationError> {
    let inner = inner.trim_ascii();
    let end = inner.find(|c| !matches!(c, '<' | '=' | '>')).unwrap_or(inner.len());
    let (operator, version) = inner.split_at(end);
    let comparison = match operator {
        "<<" => Comparison::Earlier,
        "<=" => Comparison::EarlierOrEqual,
        "=" => Comparison::Equal,
        ">=" => Comparison::LaterOrEqual,
        ">>" => Comparison::Later,
        _ => return Err(syntax(text, "expected one of << <= = >= >>")),
    };
    let version = Version::parse(version.trim_ascii())?;
    Ok(Constraint { comparison, version })
}

fn syntax(text: &str, problem: &'static str) -> RelationError {
    let text = excerpt(text);
    RelationError::Syntax { text, problem }
}
