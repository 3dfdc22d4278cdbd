//! Unpacks built packages into temporary folders and judges the outcome.

use std::io::Read;
use std::path::{Path, PathBuf};

use reml_toolchain::debian::identity::Identity;
use reml_toolchain::debian::tar::Limits;
use reml_toolchain::host::fault::{Diagnostic, Kind};
use reml_toolchain::host::hash::Digest;
use reml_toolchain::host::tree::Tree;
use reml_toolchain::sysroot::manifest::{Entry, EntryKind};
use reml_toolchain::sysroot::rules::Rules;
use reml_toolchain::sysroot::unpack::{Request, UnpackError, Unpacked, unpack};
use tempfile::TempDir;

use crate::support::archive::{Compression, DebBuilder, Header, TarBuilder};

/// The latest time a file of these tests may have.
pub const LATEST: i64 = 1_800_000_000;

/// A package named `probe`, its data not compressed.
pub fn probe() -> DebBuilder {
    DebBuilder::new("probe", "1.0-1", "amd64").compression(Compression::None)
}

/// A `probe` with this data archive.
pub fn probe_of(tar: &[u8]) -> Vec<u8> {
    probe().build_with_tar(tar)
}

/// A `probe` whose data archive has just this member and a good end.
pub fn probe_with(header: Header, bytes: &[u8]) -> Vec<u8> {
    probe_of(&TarBuilder::new().root().entry(header, bytes).build())
}

/// What is expected of a `probe` with these bytes: the hash is right.
pub fn request<'a>(deb: &[u8], rules: &'a Rules) -> Request<'a> {
    Request {
        identity: Identity {
            package: "probe".to_owned(),
            version: "1.0-1".to_owned(),
            architecture: "amd64".to_owned(),
        },
        size: deb.len() as u64,
        sha256: Digest::of(deb),
        installed_size: Some(4096),
        limits: Limits::default(),
        rules,
        latest: LATEST,
        case_sensitive: true,
    }
}

/// A folder in which a package lies, and what should.
pub struct Laid {
    temporary: TempDir,
    pub tree: Tree,
    pub unpacked: Unpacked,
}

impl Laid {
    pub fn path(&self, path: &str) -> PathBuf {
        self.tree.path().join(path)
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    pub fn entry(&self, path: &str) -> &Entry {
        self.unpacked.entries.iter().find(|entry| entry.path == path).unwrap()
    }

    pub fn target(&self, path: &str) -> &str {
        match &self.entry(path).kind {
            EntryKind::Symlink { target } => target,
            other => panic!("{path} is {other:?}"),
        }
    }

    pub fn paths(&self) -> Vec<&str> {
        self.unpacked.entries.iter().map(|entry| entry.path.as_str()).collect()
    }

    /// All that lies beside the folder: must stay empty.
    pub fn outside(&self) -> Vec<PathBuf> {
        others(self.temporary.path())
    }
}

fn others(temporary: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(temporary).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| !path.ends_with("folder")).collect()
}

/// Unpacks with a request; nothing may ever appear beside the folder.
pub fn lay_out(deb: impl Read, request: &Request<'_>) -> Result<Laid, UnpackError> {
    let temporary = tempfile::tempdir().unwrap();
    let tree = Tree::create(temporary.path().join("folder")).unwrap();
    let unpacked = unpack(deb, request, &tree);
    assert_eq!(others(temporary.path()), Vec::<PathBuf>::new());
    unpacked.map(|unpacked| Laid { temporary, tree, unpacked })
}

/// Unpacks a `probe` without pruning.
pub fn lay(deb: &[u8]) -> Result<Laid, UnpackError> {
    lay_out(deb, &request(deb, &Rules::default()))
}

/// Unpacks a `probe` that must be accepted.
#[track_caller]
pub fn accept(deb: &[u8]) -> Laid {
    tally("accepted");
    match lay(deb) {
        Ok(laid) => laid,
        Err(error) => panic!("refused: {error}"),
    }
}

/// The `probe` must be refused as an integrity failure with this code, and the
/// message must hold all of these.
#[track_caller]
pub fn refuse(deb: &[u8], code: &str, message: &[&str]) {
    tally("refused");
    match lay(deb) {
        Ok(laid) => panic!("accepted: {:?}", laid.unpacked),
        Err(error) => {
            let text = error.to_string();
            assert_eq!((error.kind(), error.code()), (Kind::Integrity, code), "{text}");
            for part in message {
                assert!(text.contains(part), "{text:?} does not say {part:?}");
            }
        }
    }
}

/// Notes an archive for the summary of `security_summary.rs`, when that counts.
fn tally(what: &str) {
    let Some(file) = std::env::var_os(super::TALLY) else { return };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(file);
    std::io::Write::write_all(&mut file.unwrap(), format!("{what}\n").as_bytes()).unwrap();
}
