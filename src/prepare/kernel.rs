//! The microVM's kernel: fetched by the lock like every other package, and taken out of it
//! once. It must never run anything of the package.

use std::path::PathBuf;

use super::{World, components, unpack};
use crate::debian::deb::{Deb, data_limit};
use crate::debian::tar::{Content, Limits, TarError};
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::lock::set_name;
use crate::pins::{Lock, LockedPackage, Pins, Target};
use crate::store::{Blob, Store, kept};

/// Where the kernel lies in its package; its version follows.
const IN_PACKAGE: &str = "boot/vmlinuz-";
/// The largest kernel that is taken, in bytes.
const LARGEST: u64 = 256 << 20;

/// A kernel to boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Its file.
    pub file: PathBuf,
    /// The package it came from: `name_version_architecture`.
    pub package: String,
}

/// There is no kernel to be had.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The lock has none.
    #[error("checksums.txt locks no kernel for {target}: expected packages of the set {set}")]
    NotLocked {
        /// The target's triple.
        target: &'static str,
        /// The set's name.
        set: String,
    },
    /// The locked package is not one.
    #[error("{package} holds no {IN_PACKAGE}… of at most {LARGEST} bytes")]
    NotInPackage {
        /// The package.
        package: String,
    },
}

impl Diagnostic for KernelError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotLocked { .. } => "kernel-not-locked",
            Self::NotInPackage { .. } => "kernel-not-in-package",
        }
    }

    fn hints(&self) -> Vec<String> {
        vec!["name the kernel's package under `[kernel.packages]` of versions.toml, then `reml-toolchain lock`".to_owned()]
    }
}

/// The kernel for `target`: from the cache where it is there whole, else out of the locked
/// package, which is fetched when the cache lacks it.
///
/// # Errors
/// The lock has none, it cannot be fetched, or the package is damaged.
pub fn kernel(
    world: &World<'_>,
    pins: &Pins,
    lock: &Lock,
    target: &'static Target,
) -> Result<Kernel, Fault> {
    let set = set_name(&pins.release, "kernel", target);
    // The others of the set are empty packages that name the current kernel.
    let largest = lock.set(&set).max_by_key(|(_, package)| package.size);
    let Some((path, package)) = largest else {
        return Err(KernelError::NotLocked { target: target.triple, set }.into());
    };
    let label = unpack::label(package);
    let folder = world.project.cache().join("kernel");
    let file = folder.join(format!("{}-{}", package.name, package.sha256.short()));
    let kernel = Kernel { file, package: label };
    if kept::is_whole(&kernel.file) {
        return Ok(kernel);
    }
    let store = Store::open(&world.project.cache())?;
    let blob = Blob {
        path: path.to_owned(),
        sha256: package.sha256.0,
        size: package.size,
        urls: components::sources(world.mirrors, pins, lock, path, package),
    };
    store.obtain(std::slice::from_ref(&blob), 1, world.client, world.progress)?;
    let image = extract(&store.read(&blob)?, package, &kernel.package)?;
    kept::write(&kernel.file, &image)?;
    Ok(kernel)
}

fn extract(bytes: &[u8], package: &LockedPackage, label: &str) -> Result<Vec<u8>, Fault> {
    let mut deb = Deb::open(bytes)?;
    let member = deb.data_name().to_owned();
    let broken = |error| crate::debian::deb::DebError::in_tar(&member, error);
    let mut data = deb.data(data_limit(Some(package.installed_kib)), Limits::default())?;
    while let Some(entry) = data.advance().map_err(broken)? {
        let Content::File { size } = entry.content else { continue };
        if !entry.path.starts_with(IN_PACKAGE) || size > LARGEST {
            continue;
        }
        let mut image = Vec::new();
        data.copy(&mut |piece| {
            image.extend_from_slice(piece);
            Ok::<(), TarError>(())
        })
        .map_err(broken)?;
        return Ok(image);
    }
    Err(KernelError::NotInPackage { package: label.to_owned() }.into())
}
