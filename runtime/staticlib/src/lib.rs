//! The C archive: everything is in `reml-runtime`; this crate only adds the panic
//! handler that a `no_std` archive needs. Never add code here: the tests of
//! `reml-runtime` would not see it.

#![no_std]

#[cfg(target_os = "linux")]
pub use reml_runtime::*;

/// Reached only by a bug of the runtime itself; release archives contain no call
/// to it, which the symbol check holds.
#[cfg(target_os = "linux")]
#[panic_handler]
fn handle(_: &core::panic::PanicInfo<'_>) -> ! {
    reml_runtime::internal_bug()
}

/// Hosts other than Linux only type-check the workspace.
#[cfg(not(target_os = "linux"))]
#[panic_handler]
fn handle(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
