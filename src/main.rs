//! The environment goes in, the exit code comes out. Under the name of a tool this
//! program is that tool.

use std::process::ExitCode;

use reml_toolchain::host::{Env, bug};
use reml_toolchain::{cli, shim};

fn main() -> ExitCode {
    bug::exit_on_panic();
    let env = Env::capture();
    shim::run(&env).unwrap_or_else(|| cli::main(env))
}
