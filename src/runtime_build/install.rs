//! An archive into its tree, file by file by rename, the stamp last: killed at any moment,
//! each file is the old one or the new one, and what does not fit the stamp is found and
//! made anew by the next run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reml_runtime_pack::argv::Flavor;

use super::Place;
use super::abi;
use super::error::RuntimeError;
use super::sources::Sources;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::hash::Digest;
use crate::toolchain::runtime::{RuntimeStamp, SCHEMA, STAMPS};
use crate::toolchain::stamp::Inputs;

/// Where the fast paths for IR lie in a tree.
pub const INLINE: &str = "share/reml/reml_runtime_inline.ll";

/// Where the stamp of an archive lies.
#[must_use]
pub fn stamp_path(tree: &Path, flavor: Flavor) -> PathBuf {
    let [release, debug] = STAMPS;
    tree.join(if flavor == Flavor::Debug { debug } else { release })
}

/// The runtime's version, such as `1.0.0`.
#[must_use]
pub fn version() -> String {
    format!("{}.{}.{}", abi::VERSION_MAJOR, abi::VERSION_MINOR, abi::VERSION_PATCH)
}

/// What goes beside an archive, whichever it is.
fn shared(sources: &Sources) -> Result<Vec<(&'static str, Vec<u8>)>, Fault> {
    let mut files = vec![("lib/pkgconfig/reml_runtime.pc", pkg_config().into_bytes())];
    for (name, place) in [
        ("include/reml_runtime.h", "include/reml_runtime.h"),
        ("ir/reml_runtime.ll", "share/reml/reml_runtime.ll"),
        ("ir/reml_runtime_inline.ll", INLINE),
    ] {
        let Some(bytes) = sources.file(name) else {
            let folder = sources.checkout.clone().unwrap_or_default();
            let why = "is missing".to_owned();
            return Err(RuntimeError::Sources { path: folder.join(name), why }.into());
        };
        files.push((place, bytes.to_vec()));
    }
    Ok(files)
}

/// True wherever the tree lies: pkg-config tells where the file itself is.
fn pkg_config() -> String {
    format!(
        "prefix=${{pcfiledir}}/../..\n\nName: reml_runtime\n\
         Description: The reference-counting runtime that Reml programs link\nVersion: {}\n\
         Cflags: -I${{prefix}}/include\nLibs: -L${{prefix}}/lib -lreml_runtime\n",
        version()
    )
}

/// Installs an archive with everything that goes beside it.
///
/// # Errors
/// The disk refuses.
pub fn install(
    place: &Place,
    flavor: Flavor,
    sources: &Sources,
    archive: Vec<u8>,
    inputs: Inputs,
    revision: &str,
) -> Result<(), Fault> {
    let root = place.tree.root();
    let mut files = shared(sources)?;
    let name = match flavor {
        Flavor::Release => "lib/libreml_runtime.a",
        Flavor::Debug => "lib/libreml_runtime_debug.a",
    };
    files.push((name, archive));
    let mut digests = BTreeMap::new();
    for (path, bytes) in &files {
        let file = root.join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
            let own = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            fs::sweep_drafts(folder, |name| name == own)?;
        }
        let digest = Digest::of(bytes);
        // What is already so keeps its time, and tools that look at it do no work.
        if fs::read_no_link(&file, bytes.len() as u64).ok().as_deref() != Some(bytes) {
            fs::write_atomic(&file, bytes)?;
        }
        digests.insert((*path).to_owned(), digest.to_string());
    }
    let stamp =
        RuntimeStamp { schema: SCHEMA, revision: revision.to_owned(), inputs, files: digests };
    let path = stamp_path(root, flavor);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write_atomic(&path, stamp.render().as_bytes())?)
}
