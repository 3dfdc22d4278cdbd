//! Which backend serves which program.

use super::*;
use crate::pins::TARGETS;

const X86_64: &Target = &TARGETS[0];
const AARCH64: &Target = &TARGETS[1];

#[test]
fn the_machines_own_programs_run_natively_and_others_by_what_there_is() {
    let chosen = |host, target, user| choose(None, host, target, user).unwrap();
    assert_eq!(chosen(Some(X86_64), X86_64, true), Backend::Native);
    assert_eq!(chosen(Some(X86_64), AARCH64, true), Backend::QemuUser);
    assert_eq!(chosen(Some(X86_64), AARCH64, false), Backend::Microvm);
    // A Mac.
    assert_eq!(chosen(None, AARCH64, false), Backend::Microvm);
}

#[test]
fn a_backend_that_cannot_serve_is_refused_with_the_reason() {
    let refused =
        |backend, host, user| choose(Some(backend), host, AARCH64, user).unwrap_err().into_fault();
    assert_eq!(refused(Backend::Native, Some(X86_64), true).code(), "backend-unfit");
    assert_eq!(refused(Backend::Native, None, true).code(), "backend-unfit");
    assert_eq!(refused(Backend::QemuUser, None, false).code(), "backend-unfit");
    assert_eq!(refused(Backend::QemuUser, Some(X86_64), false).code(), "emulator-missing");
    let chosen = choose(Some(Backend::Microvm), Some(X86_64), X86_64, true).unwrap();
    assert_eq!(chosen, Backend::Microvm);
}
