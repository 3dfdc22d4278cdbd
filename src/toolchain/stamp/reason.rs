//! Why a tree is not what is wanted, in the words of the two files and the options that
//! people know. What follows from a change that is told is not told again. Pure.

use std::fmt;

/// Inputs that differ: name, before, now.
pub type Changes = Vec<(String, Option<String>, Option<String>)>;

/// The most changes of a kind that are told one by one.
const MOST: usize = 3;

/// Why a tree is not what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is none yet.
    Absent,
    /// `--force` was given.
    Forced,
    /// The stamp cannot be read.
    Unreadable(String),
    /// Inputs differ.
    Changed(Changes),
    /// A file is not what the manifest says.
    Damaged(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("nothing is prepared yet"),
            Self::Forced => f.write_str("--force was given"),
            Self::Unreadable(why) => write!(f, "the stamp cannot be read: {why}"),
            Self::Damaged(what) => write!(f, "the tree was changed: {what}"),
            Self::Changed(changes) => f.write_str(&told(changes)),
        }
    }
}

fn told(changes: &Changes) -> String {
    let (packages, others): (Vec<_>, Vec<_>) =
        changes.iter().partition(|(name, ..)| super::is_package(name));
    let mut texts = Vec::new();
    // Another release has other packages.
    if !others.iter().any(|(name, ..)| name == "release" || name == "target") {
        // Packages that come and go have a cause, if one is told.
        let mut versions: Vec<String> = packages
            .iter()
            .filter(|(_, before, now)| others.is_empty() || (before.is_some() && now.is_some()))
            .map(|(name, before, now)| version(name, before.as_deref(), now.as_deref()))
            .collect();
        versions.dedup();
        if !versions.is_empty() {
            texts.push(format!("checksums.txt changed ({})", some(&versions)));
        }
    }
    texts.extend(others.iter().map(|(name, before, now)| {
        let (before, now) = (before.as_deref(), now.as_deref());
        match name.rsplit(' ').next() {
            Some("prune" | "keep") => {
                format!("versions.toml changed ({name} {})", words(before, now))
            }
            _ if name == super::WITH => format!("--with changed ({})", words(before, now)),
            _ => format!("{name} changed ({})", arrow(before, now)),
        }
    }));
    some(&texts)
}

/// The first of a list, and how many more there are.
fn some(list: &[String]) -> String {
    let text = list.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match list.len().saturating_sub(MOST) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

fn arrow(before: Option<&str>, now: Option<&str>) -> String {
    format!("{} → {}", before.unwrap_or("none"), now.unwrap_or("none"))
}

/// A package by name and versions; by the bytes where the version is the same.
fn version(name: &str, before: Option<&str>, now: Option<&str>) -> String {
    let name = name.split_once(' ').map_or(name, |(_, package)| package);
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    let number = |value: Option<&'_ str>| {
        value.map(|value| value.split(' ').next().unwrap_or_default().to_owned())
    };
    match (number(before), number(now)) {
        (Some(one), Some(other)) if one == other => format!("{name} {one} with other bytes"),
        (one, other) => format!("{name} {}", arrow(one.as_deref(), other.as_deref())),
    }
}

/// What a list of words gained and lost.
fn words(before: Option<&str>, now: Option<&str>) -> String {
    let split = |value: Option<&'_ str>| -> Vec<String> {
        value.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let (before, now) = (split(before), split(now));
    let gained = now.iter().filter(|word| !before.contains(word)).map(|word| format!("+{word}"));
    let gone = before.iter().filter(|word| !now.contains(word)).map(|word| format!("-{word}"));
    let all: Vec<String> = gained.chain(gone).collect();
    if all.is_empty() { "in another order".to_owned() } else { some(&all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(changes: &[(&str, &str, &str)]) -> String {
        let value = |text: &str| (text != "none").then(|| text.to_owned());
        let list = changes.iter().map(|(name, a, b)| ((*name).to_owned(), value(a), value(b)));
        Reason::Changed(list.collect()).to_string()
    }

    #[test]
    fn packages_are_told_by_name_and_version_under_the_locks_name() {
        assert_eq!(
            text(&[
                ("llvm libc6:amd64", "2.36-9+deb12u13 aa", "2.36-9+deb12u14 bb"),
                ("sysroot libc6:amd64", "2.36-9+deb12u13 aa", "2.36-9+deb12u14 bb"),
                ("sysroot zlib1g:amd64", "1 aa", "1 bb"),
            ]),
            "checksums.txt changed (libc6 2.36-9+deb12u13 → 2.36-9+deb12u14, \
             zlib1g 1 with other bytes)"
        );
        let many: Vec<String> = (0..5).map(|number| format!("sysroot lib{number}:all")).collect();
        let many: Vec<_> = many.iter().map(|name| (name.as_str(), "1 a", "2 b")).collect();
        assert!(text(&many).ends_with("lib2 1 → 2 and 2 more)"));
        let new = [("sysroot zlib1g:amd64", "none", "1 aa")];
        assert_eq!(text(&new), "checksums.txt changed (zlib1g none → 1)");
    }

    #[test]
    fn what_follows_from_an_option_is_not_told_as_a_change_of_the_lock() {
        assert_eq!(
            text(&[("sysroot zlib1g:amd64", "none", "1 a"), ("with", "none", "zlib1g-dev a")]),
            "--with changed (+zlib1g-dev, +a)"
        );
        assert_eq!(
            text(&[("release", "bookworm", "trixie"), ("sysroot libc6:amd64", "2.36 a", "2.41 b")]),
            "release changed (bookworm → trixie)"
        );
    }

    #[test]
    fn lists_of_the_pins_are_told_by_what_they_gained_and_lost() {
        assert_eq!(
            text(&[("sysroot prune", "a/** b/**", "a/** c/**")]),
            "versions.toml changed (sysroot prune +c/**, -b/**)"
        );
        assert!(text(&[("qemu keep", "a b", "b a")]).ends_with("(qemu keep in another order)"));
        assert_eq!(text(&[("place", "/a", "/b")]), "place changed (/a → /b)");
    }
}
