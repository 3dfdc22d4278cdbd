//! Closures: an environment and code. Never owns or frees code.

use super::expect_tag;
use crate::object::{Closure, set_tag, tag};
use crate::{heap, refs};

/// A closure; takes a reference on `env`, which may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_closure_new(env: *mut u8, code_ptr: *mut u8) -> *mut u8 {
    // SAFETY: the caller passes NULL or an object; the fresh closure is ours alone.
    unsafe {
        refs::inc_ref(env);
        let closure = heap::alloc(size_of::<Closure>());
        set_tag(closure, tag::CLOSURE);
        closure.cast::<Closure>().write(Closure { env, code_ptr });
        closure
    }
}

/// The environment, still owned by the closure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_closure_env(closure: *mut u8) -> *mut u8 {
    // SAFETY: the caller passes NULL or an object; the tag names the payload.
    unsafe {
        expect_tag(closure, tag::CLOSURE, "reml_closure_env");
        (*closure.cast::<Closure>()).env
    }
}

/// The code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_closure_code_ptr(closure: *mut u8) -> *mut u8 {
    // SAFETY: the caller passes NULL or an object; the tag names the payload.
    unsafe {
        expect_tag(closure, tag::CLOSURE, "reml_closure_code_ptr");
        (*closure.cast::<Closure>()).code_ptr
    }
}
