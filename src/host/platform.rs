//! What this process runs on, where the build cannot know it. It asks, and changes nothing.

use std::time::Duration;

use super::process::Call;

/// How long the system may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Whether Rosetta translates this process: an Intel build on Apple silicon.
#[must_use]
pub fn is_translated() -> bool {
    if !cfg!(all(target_os = "macos", target_arch = "x86_64")) {
        return false;
    }
    let call = Call::new("/usr/sbin/sysctl", ["-in", "sysctl.proc_translated"]);
    call.output(ANSWER_TIME).is_ok_and(|output| output.stdout.trim_ascii() == b"1")
}
