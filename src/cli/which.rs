//! Which prepared toolchain a command is about.

use super::{Context, context};
use crate::prepare::{Prepared, prepared};

/// The options that name a prepared toolchain.
#[derive(Debug, Clone, clap::Args)]
pub struct Which {
    /// The target whose toolchain is meant
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The Debian release whose toolchain is meant
    #[arg(long, value_name = "CODENAME")]
    release: Option<String>,
}

impl Which {
    /// The toolchain.
    ///
    /// # Errors
    /// There is no such target or release, or nothing is prepared for it.
    pub fn prepared(&self, context: &Context<'_>) -> anyhow::Result<Prepared> {
        let pins = context.pins()?;
        let target = context::target(&pins, self.target.as_deref())?;
        let release = context::release(&pins, self.release.as_deref())?;
        Ok(prepared(&context.project, &pins, target, &release)?)
    }
}
