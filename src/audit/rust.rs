//! The host's Rust, asked and never changed: the runtime, and crates, are cross-built with it.

use super::facts::Rust;
use crate::host::Env;
use crate::runtime_build::Compiler;

/// The compiler that `build-runtime` would use; `None` when there is none or it does not
/// answer, as rustup's without a toolchain.
#[must_use]
pub fn rust(env: &Env) -> Option<Rust> {
    let compiler = Compiler::find(env).ok()?;
    Some(Rust {
        is_too_old: compiler.is_too_old(),
        targets: compiler.targets(),
        has_rustup: Compiler::has_rustup(env),
        version: compiler.release,
    })
}
