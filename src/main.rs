//! The environment goes in, the exit code comes out. Under the name of a tool this
//! program is that tool.

use std::process::ExitCode;

use reml_toolchain::host::Env;
use reml_toolchain::{cli, shim};

fn main() -> ExitCode {
    let env = Env::capture();
    shim::run(&env).unwrap_or_else(|| cli::main(env))
}
