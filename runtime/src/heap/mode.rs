//! Which allocator this process uses, decided once, when memory is first asked for.
//! Never on the fast path: in `malloc` mode the free lists simply stay empty.

use core::sync::atomic::{AtomicU8, Ordering};

use super::slab;
use crate::sys;

/// Where objects come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Free lists over our own pages.
    Slab,
    /// libc's `malloc` for every object: Valgrind or a sanitizer is watching, it was
    /// asked for, or the system grants no address space.
    Malloc,
}

static MODE: AtomicU8 = AtomicU8::new(0);

/// The mode, deciding it if need be. Threads deciding at once decide the same.
pub fn mode() -> Mode {
    match MODE.load(Ordering::Acquire) {
        1 => Mode::Slab,
        2 => Mode::Malloc,
        _ => decide(),
    }
}

#[cold]
fn decide() -> Mode {
    crate::threads::init();
    let watched = || sys::has_sanitizer() || sys::under_valgrind();
    let asked = |value: &[u8]| sys::environment_is(b"REML_RT_ALLOC", value);
    let slab = asked(b"slab") || (!asked(b"malloc") && !watched());
    let mode = if slab && slab::reserve() { Mode::Slab } else { Mode::Malloc };
    MODE.store(if mode == Mode::Slab { 1 } else { 2 }, Ordering::Release);
    mode
}
