//! Rows that have no mutant, and why.

/// The row, and why no guard of ours can be taken out.
pub(super) const REASONS: &[(&str, &str)] = &[];
