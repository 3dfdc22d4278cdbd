//! The environment goes in, the exit code comes out. Under the name of a tool this
//! program is that tool.

use std::process::ExitCode;

use reml_toolchain::host::{Env, bug, signals};
use reml_toolchain::{cli, shim};

fn main() -> ExitCode {
    bug::exit_on_panic();
    signals::file_size_limit_is_an_error();
    let env = Env::capture();
    shim::run(&env).unwrap_or_else(|| cli::main(env))
}
