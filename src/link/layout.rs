//! A module's data layout against clang's own: where they differ, passes and code generator
//! place fields at different offsets, and nobody says a word. Pure.

use std::collections::BTreeSet;

/// How a layout differs from the one that the target has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// clang's own.
    pub expected: String,
    /// The module's.
    pub got: String,
}

/// Compares layouts by their parts, whose order means nothing.
#[must_use]
pub fn drift(module: Option<&str>, clang: &str) -> Option<Drift> {
    let got = module.filter(|layout| !layout.is_empty())?;
    (parts(got) != parts(clang)).then(|| Drift { expected: clang.into(), got: got.into() })
}

fn parts(layout: &str) -> BTreeSet<&str> {
    layout.split('-').filter(|part| !part.is_empty()).collect()
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (own, other) = (parts(&self.expected), parts(&self.got));
        let list = |a: &BTreeSet<&str>, b: &BTreeSet<&str>| {
            a.difference(b).copied().collect::<Vec<_>>().join(", ")
        };
        write!(f, "data layout: expected {}, got {}", self.expected, self.got)?;
        let (missing, surplus) = (list(&own, &other), list(&other, &own));
        for (what, list) in [("lacks", missing), ("has besides", surplus)] {
            if !list.is_empty() {
                write!(f, "; it {what} {list}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLANG: &str = "e-m:e-p270:32:32-i64:64-i128:128-S128";

    #[test]
    fn parts_count_and_their_order_does_not() {
        assert_eq!(drift(None, CLANG), None);
        assert_eq!(drift(Some(""), CLANG), None);
        assert_eq!(drift(Some("e-m:e-i128:128-i64:64-p270:32:32-S128"), CLANG), None);
        let drift = drift(Some("e-m:e-p270:32:32-i128:128-S128-a:0:64"), CLANG).unwrap();
        assert!(drift.to_string().ends_with("; it lacks i64:64; it has besides a:0:64"));
    }
}
