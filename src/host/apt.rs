//! The machine's own apt sources, as texts: who owns this machine chose a mirror there.
//! What cannot be read is as good as absent.

use std::path::Path;

/// Where apt has its sources unless the user names another folder.
pub const FOLDER: &str = "/etc/apt";

/// The texts of sources.list(5) and its folder below `root`, in apt's order.
#[must_use]
pub fn sources(root: &Path) -> Vec<String> {
    let mut files = vec![root.join("sources.list")];
    let mut more: Vec<_> = std::fs::read_dir(root.join("sources.list.d"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|kind| kind == "list" || kind == "sources"))
        .collect();
    more.sort();
    files.extend(more);
    files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect()
}
