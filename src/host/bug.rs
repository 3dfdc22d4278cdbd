//! A bug of ours ends the program with its own exit status and words that help to mend
//! it, instead of an abort.

use std::io::Write as _;

use super::fault::Kind;

/// From now on a panic says what happened and where, and exits with 70.
pub fn exit_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        // Whoever closed stderr does not want to hear it.
        let _ = writeln!(
            std::io::stderr().lock(),
            "error: this is a bug in reml-toolchain {}: {panic}\n\n\
             hint: please report it with the command you ran and these lines",
            env!("CARGO_PKG_VERSION")
        );
        std::process::exit(i32::from(Kind::Bug.exit_code()));
    }));
}
