//! `pack`: the archive from which a toolchain is prepared without a network.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::lock::alone;
use super::network::Network;
use super::{Context, context};
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::progress::{Event, Progress as _};
use crate::pins::Target;
use crate::prepare::{PackRequest, pack};
use crate::store::CONNECTIONS;
use crate::ui::bytes;

const AFTER: &str = "\
Examples:
  reml-toolchain pack
  reml-toolchain pack --target aarch64-unknown-linux-gnu --with-llvm
On a machine without a network, with the file in toolchains/cache/ and this checksums.txt:
  reml-toolchain prepare --archive";

/// Write the packed archive of a sysroot and its line in checksums.txt
///
/// The archive is made from the locked .debs alone, and its bytes are the same on every
/// machine. Plain `tar --zstd -xf` reads it as well.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// The target [default: that of versions.toml]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The Debian release [default: that of versions.toml]
    #[arg(long, value_name = "CODENAME")]
    release: Option<String>,
    /// Pack Debian's LLVM for this machine, too (and the emulator of a foreign target)
    #[arg(long)]
    with_llvm: bool,
    /// Write FILE instead of the one in toolchains/cache/
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    network: Network,
}

/// There is no LLVM of Debian for this machine.
#[derive(Debug, thiserror::Error)]
#[error("--with-llvm: Debian's LLVM runs on Linux x86_64 and aarch64 only")]
struct NoLlvm;

impl crate::host::fault::Diagnostic for NoLlvm {
    fn kind(&self) -> crate::host::fault::Kind {
        crate::host::fault::Kind::Usage
    }

    fn code(&self) -> &'static str {
        "llvm-missing"
    }

    fn hints(&self) -> Vec<String> {
        vec!["pack the sysroot alone: `reml-toolchain pack`".to_owned()]
    }
}

impl Args {
    /// Packs, then writes the archive's line into the lock.
    ///
    /// # Errors
    /// The .debs cannot be had or are damaged, or the disk refuses.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let pins = context.pins()?;
        let target = context::target(&pins, self.target.as_deref())?;
        let release = context::release(&pins, self.release.as_deref())?;
        let llvm = match (self.with_llvm, Target::host()) {
            (false, _) => None,
            (true, Some(host)) => Some(host),
            (true, None) => return Err(Fault::from(NoLlvm).into()),
        };
        fs::create_dir_all(&context.project.cache()).map_err(Fault::from)?;
        // Held to the end: what is packed is what the lock says when the line is written.
        let _alone = alone(context, "pack")?;
        let mut lock = context.lock()?;
        let client = self.network.client(context, false);
        let mirrors = self.network.mirrors(context, &pins)?;
        let world = context.world(&client, &mirrors);
        let request = PackRequest { target, release, llvm, output: self.output, jobs: CONNECTIONS };
        let packed = pack(&world, &pins, &lock, &request)?;
        let mut dropped = lock.drop_stale_archives();
        dropped.retain(|name| *name != packed.name);
        for name in dropped {
            let text = format!("{name}: its packages changed, so its line is gone");
            context.reporter.event(Event::Note { text });
        }
        let before = lock.archives.insert(packed.name.clone(), packed.locked.clone());
        if before.as_ref() != Some(&packed.locked) {
            let written = fs::write_atomic(&context.project.lock(), lock.render().as_bytes());
            fs::settled(written, context.reporter).map_err(Fault::from)?;
        }
        let size = bytes::size(packed.locked.size);
        let text =
            format!("wrote {}: {size}, sha256 {}", packed.path.display(), packed.locked.sha256);
        context.reporter.event(Event::Note { text });
        context
            .output
            .document(&json!({
                "schema": 1,
                "archive": packed.path,
                "name": packed.name,
                "target": packed.locked.target,
                "release": packed.locked.release,
                "size": packed.locked.size,
                "sha256": packed.locked.sha256.to_string(),
            }))
            .map_err(Fault::from)?;
        Ok(ExitCode::SUCCESS)
    }
}
