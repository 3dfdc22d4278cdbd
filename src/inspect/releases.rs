//! Which distribution has which C and C++ library: the table behind "oldest release that
//! runs it". Pure. Sources stand in the book, in the chapter on inspecting programs.

use crate::elf::{GlibcVersion, Want, release};

/// A release of a distribution, and the newest symbol versions its libraries have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// Such as `Debian`.
    pub distribution: &'static str,
    /// Such as `12 (bookworm)`.
    pub name: &'static str,
    /// Its glibc.
    pub glibc: GlibcVersion,
    /// The last number of the newest `GLIBCXX_3.4.N`.
    pub glibcxx: u16,
    /// The last number of the newest `CXXABI_1.3.N`.
    pub cxxabi: u16,
}

const fn row(
    distribution: &'static str,
    name: &'static str,
    minor: u16,
    glibcxx: u16,
    cxxabi: u16,
) -> Release {
    Release { distribution, name, glibc: GlibcVersion { major: 2, minor }, glibcxx, cxxabi }
}

/// The distributions, in the order they are told.
pub const DISTRIBUTIONS: [&str; 3] = ["Debian", "Ubuntu", "RHEL"];

/// The releases of each, the oldest first.
pub const RELEASES: [Release; 17] = [
    row("Debian", "8 (jessie)", 19, 20, 8),
    row("Debian", "9 (stretch)", 24, 22, 10),
    row("Debian", "10 (buster)", 28, 25, 11),
    row("Debian", "11 (bullseye)", 31, 28, 12),
    row("Debian", "12 (bookworm)", 36, 30, 13),
    row("Debian", "13 (trixie)", 41, 33, 15),
    row("Ubuntu", "14.04", 19, 19, 7),
    row("Ubuntu", "16.04", 23, 21, 9),
    row("Ubuntu", "18.04", 27, 25, 11),
    row("Ubuntu", "20.04", 31, 28, 12),
    row("Ubuntu", "22.04", 35, 30, 13),
    row("Ubuntu", "24.04", 39, 33, 15),
    row("RHEL", "6", 12, 13, 3),
    row("RHEL", "7", 17, 19, 7),
    row("RHEL", "8", 28, 25, 11),
    row("RHEL", "9", 34, 29, 13),
    row("RHEL", "10", 39, 33, 15),
];

/// What a program asks of the C and the C++ library.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Floor {
    /// The newest glibc.
    pub glibc: Option<GlibcVersion>,
    /// The last number of the newest `GLIBCXX_3.4.N`.
    pub glibcxx: Option<u16>,
    /// The last number of the newest `CXXABI_1.3.N`.
    pub cxxabi: Option<u16>,
}

impl Floor {
    /// What these versions ask for together; weak ones do not count.
    #[must_use]
    pub fn of(wants: &[Want]) -> Self {
        let mut floor = Self::default();
        for want in wants.iter().filter(|want| !want.is_weak) {
            floor.glibc = floor.glibc.max(release(&want.version));
            floor.glibcxx = floor.glibcxx.max(last(&want.version, "GLIBCXX_3.4"));
            floor.cxxabi = floor.cxxabi.max(last(&want.version, "CXXABI_1.3"));
        }
        floor
    }

    /// The oldest release of a distribution that has all of it.
    #[must_use]
    pub fn oldest(&self, distribution: &str) -> Option<&'static Release> {
        RELEASES.iter().find(|release| {
            release.distribution == distribution
                && self.glibc.is_none_or(|wanted| release.glibc >= wanted)
                && self.glibcxx.is_none_or(|wanted| release.glibcxx >= wanted)
                && self.cxxabi.is_none_or(|wanted| release.cxxabi >= wanted)
        })
    }
}

/// `N` of `FAMILY.N`; 0 for the family's first version, which has no such number.
fn last(version: &str, family: &str) -> Option<u16> {
    match version.strip_prefix(family)? {
        "" => Some(0),
        rest => rest.strip_prefix('.')?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floor(versions: &[&str]) -> Floor {
        let want = |version: &&str| Want {
            library: "libc.so.6".into(),
            version: (*version).to_owned(),
            is_weak: version.contains("weak"),
            symbols: Vec::new(),
        };
        Floor::of(&versions.iter().map(want).collect::<Vec<_>>())
    }

    fn oldest(versions: &[&str]) -> Vec<Option<&'static str>> {
        let floor = floor(versions);
        DISTRIBUTIONS.iter().map(|name| floor.oldest(name).map(|release| release.name)).collect()
    }

    #[test]
    fn the_oldest_release_has_every_library_new_enough() {
        assert_eq!(
            oldest(&["GLIBC_2.2.5", "GLIBC_2.34"]),
            [Some("12 (bookworm)"), Some("22.04"), Some("9")]
        );
        assert_eq!(
            oldest(&["GLIBC_2.17", "GLIBCXX_3.4.32", "CXXABI_1.3"]),
            [Some("13 (trixie)"), Some("24.04"), Some("10")]
        );
        assert_eq!(oldest(&["CXXABI_1.3.13"])[2], Some("9"));
        assert_eq!(oldest(&["GLIBC_ABI_DT_RELR"])[1], Some("24.04"));
        assert_eq!(oldest(&["GLIBC_2.99"]), [None; 3]);
        assert_eq!(oldest(&["GLIBC_PRIVATE", "OPENSSL_3.0.0"])[0], Some("8 (jessie)"));
    }

    #[test]
    fn the_table_is_the_one_in_the_book() {
        let page = include_str!("../../docs/src/guide/inspecting.md");
        for release in &RELEASES {
            let Release { distribution, name, glibc, glibcxx, cxxabi } = release;
            let row = format!("| {distribution} {name} | {glibc} | 3.4.{glibcxx} | 1.3.{cxxabi} |");
            assert!(page.contains(&row), "{row}");
        }
    }

    #[test]
    fn the_table_rises_within_each_distribution() {
        for pair in RELEASES.windows(2).filter(|pair| pair[0].distribution == pair[1].distribution)
        {
            assert!(pair[0].glibc < pair[1].glibc, "{pair:?}");
            assert!(pair[0].glibcxx < pair[1].glibcxx && pair[0].cxxabi < pair[1].cxxabi);
        }
        assert!(RELEASES.iter().all(|release| DISTRIBUTIONS.contains(&release.distribution)));
    }
}
