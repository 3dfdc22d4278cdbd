//! Clang's own headers and libraries. The sanitizers' libraries are the target's, and come
//! with `--with libclang-rt-MAJOR-dev` into the sysroot, in a folder as clang wants it but
//! for clang's headers, which are LLVM's: those are added, and clang is told that folder.

use std::path::{Path, PathBuf};

use super::Site;
use crate::host::fault::Fault;
use crate::host::fs::{self, EntryKind};

/// The deepest folder of headers that is followed.
const DEEPEST: usize = 8;

impl Site<'_> {
    /// Where clang finds them: absolute, or relative to the tree.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn resources(&mut self, llvm: &Path, major: u32) -> Result<PathBuf, Fault> {
        let own = llvm.join(format!("lib/clang/{major}"));
        let of_target = format!("sysroot/usr/lib/llvm-{major}/lib/clang/{major}");
        if fs::stat(&self.staged.root().join(&of_target).join("lib/linux"))?.is_none() {
            return Ok(own);
        }
        // An absolute path replaces the one it is joined to.
        let headers = self.staged.root().join(own).join("include");
        self.add_headers(&headers, &format!("{of_target}/include"), 0)?;
        Ok(of_target.into())
    }

    fn add_headers(&mut self, from: &Path, to: &str, depth: usize) -> Result<(), Fault> {
        for entry in fs::read_dir_sorted(from)? {
            let Some(name) = entry.name.to_str() else { continue };
            let to = format!("{to}/{name}");
            match entry.kind {
                EntryKind::Dir if depth < DEEPEST => {
                    self.add_headers(&entry.path, &to, depth + 1)?;
                }
                // The sanitizers' own headers are there already, and Homebrew's are links.
                EntryKind::File | EntryKind::Link if !self.list.contains_key(&to) => {
                    let content = fs::read(&entry.path)?;
                    self.write(&to, &content, false)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
