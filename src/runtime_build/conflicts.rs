//! Variables of the user's that a build of the runtime does not follow: named, so that
//! nobody wonders why they had no effect. It only looks.

use std::ffi::OsStr;
use std::path::Path;

use crate::host::Env;
use crate::host::progress::{Event, Progress};
use crate::pins::Target;

/// Compilers and flags that builds of C take from the environment.
const TOOLS: [&str; 9] =
    ["CC", "CXX", "AR", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "RUSTC", "RUSTFLAGS"];

/// What cargo takes from it, beside the above.
const CARGO: [&str; 2] = ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"];

/// Cargo's own that choose a place or a display, and no byte.
const HARMLESS: [&str; 5] =
    ["CARGO", "CARGO_HOME", "CARGO_INCREMENTAL", "CARGO_TERM_COLOR", "CARGO_TERM_QUIET"];

/// The names that are set and not followed, sorted. What `env.sh` set, to something below
/// the folder of toolchains, says the same as we do.
#[must_use]
pub fn ignored(env: &Env, target: &Target, toolchains: &Path) -> Vec<String> {
    let end = format!("_{}", target.underscored());
    let is_ignored = |name: &str| {
        let tool = name.strip_suffix(&end).unwrap_or(name);
        TOOLS.contains(&tool)
            || CARGO.contains(&name)
            || (name.starts_with("CARGO_") && !HARMLESS.contains(&name))
    };
    let is_tool_made =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_BIN_");
    let is_foreign = |value: &OsStr| !value.is_empty() && !Path::new(value).starts_with(toolchains);
    let names = env.vars.iter().filter(|(_, value)| is_foreign(value)).map(|(name, _)| name);
    names
        .filter_map(|name| OsStr::to_str(name))
        .filter(|name| is_ignored(name) && !is_tool_made(name))
        .map(str::to_owned)
        .collect()
}

/// Tells them.
pub fn tell(env: &Env, target: &Target, toolchains: &Path, progress: &dyn Progress) {
    let names = ignored(env, target, toolchains);
    if !names.is_empty() {
        let text = format!(
            "set here, but not followed, so that the archive is the same everywhere: {}",
            names.join(", ")
        );
        progress.event(Event::Note { text });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;

    use super::*;
    use crate::pins::TARGETS;

    #[test]
    fn j06_j07_what_is_not_followed_is_named() {
        let names = [
            "CC",
            "CFLAGS_x86_64_unknown_linux_gnu",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            "RUSTC_WRAPPER",
            "CARGO_TARGET_DIR",
            "CARGO_HOME",
            "CARGO_PKG_NAME",
            "HOME",
        ];
        let mut vars: BTreeMap<OsString, OsString> =
            names.iter().map(|name| (name.into(), "x".into())).collect();
        // As `env.sh` sets it.
        vars.insert("AR_x86_64_unknown_linux_gnu".into(), "/p/toolchains/t/bin/ar".into());
        vars.insert("AR".into(), "/p/toolchains-of-another/ar".into());
        vars.insert("CXX".into(), "".into());
        let env = Env { vars, ..Env::default() };
        let expected = [
            "AR",
            "CARGO_TARGET_DIR",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            "CC",
            "CFLAGS_x86_64_unknown_linux_gnu",
            "RUSTC_WRAPPER",
        ];
        assert_eq!(ignored(&env, &TARGETS[0], Path::new("/p/toolchains")), expected);
    }
}
