//! Which files of `runtime/` an archive is made of: what a build reads, what is installed
//! beside it, and the programs that check it. Shared with the build script, which embeds
//! them; never a test of the runtime's own, nor anything that such tests need.

/// Files and folders, relative to `runtime/`.
pub const PARTS: [&str; 6] = ["Cargo.toml", "src", "staticlib", "include", "ir", "tests/c"];

/// Whether a file in one of the folders is a source, and no editor's or system's leaving.
#[must_use]
pub fn is_source(name: &str) -> bool {
    let kind = name.rsplit_once('.').map(|(_, kind)| kind);
    !name.starts_with('.') && matches!(kind, Some("rs" | "toml" | "h" | "ll" | "c"))
}
