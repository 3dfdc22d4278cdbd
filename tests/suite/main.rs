//! Every integration test in one program, which links the library once. A test that needs
//! the real mirror or another tool is ignored with the name of the `.ci/run` step that
//! runs it.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::case_sensitive_file_extension_comparisons,
    clippy::items_after_statements,
    clippy::needless_for_each,
    reason = "tests look at the world themselves, fail by panics, and tell by printing"
)]

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod apt_agrees;
mod architecture;
mod archives;
mod audit_command;
mod audit_real;
mod brew_command;
mod build_runtime;
mod catalogue;
mod chain_command;
mod debian_keys;
mod differential;
mod disk_calls;
mod disk_rows;
mod doctor_command;
mod doctor_mac;
mod emulate;
mod emulate_list;
mod emulate_real;
mod environment;
mod fault_points;
mod fuzz;
mod gc_command;
mod http_body;
mod http_proxy;
mod http_status;
mod http_tls;
mod inrelease;
mod inspect_command;
mod interruption;
mod link_command;
mod link_real;
mod lock_command;
mod lock_refusals;
mod mirror_selftest;
mod mutants;
mod network_rows;
mod offline;
mod own_files;
mod packed_archive;
mod papers;
mod prepare_command;
mod prepare_faults;
mod prepare_places;
mod prepare_plan;
mod proof;
mod real_packages;
mod reference;
mod report_command;
mod sbom_command;
mod security_summary;
mod sha256sum;
mod shims;
mod signatures;
mod store_cache;
mod store_obtain;
mod verify_command;
mod workflows;
