//! What this process runs on, where the build cannot know it. It asks, and changes nothing.
//! `root` is the folder that the system's own paths begin at: `/`.

use std::path::Path;
use std::time::Duration;

use super::fs;
use super::process::Call;

/// How long the system may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// The largest os-release(5) that is read, in bytes.
const RELEASE_LIMIT: u64 = 64 << 10;

/// Whether Rosetta translates this process: an Intel build on Apple silicon.
#[must_use]
pub fn is_translated() -> bool {
    cfg!(all(target_os = "macos", target_arch = "x86_64")) && is_translated_by(Path::new("/"))
}

/// As [`is_translated`], of an Intel build on a Mac.
#[must_use]
pub fn is_translated_by(root: &Path) -> bool {
    answer(root, "usr/sbin/sysctl", &["-in", "sysctl.proc_translated"]).as_deref() == Some("1")
}

/// The name and the version of a Linux distribution, by os-release(5), as people say it.
#[must_use]
pub fn linux_name(root: &Path) -> Option<String> {
    let places = ["etc/os-release", "usr/lib/os-release"];
    let read = |place: &&str| fs::read_at_most(&root.join(place), RELEASE_LIMIT).ok();
    let text = String::from_utf8(places.iter().find_map(read)?).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

/// The version of macOS, such as `15.1`.
#[must_use]
pub fn macos_version(root: &Path) -> Option<String> {
    answer(root, "usr/bin/sw_vers", &["-productVersion"])
}

/// Whether Apple's command line tools are installed. Without them the `clang` in `/usr/bin`
/// opens a window that offers them.
#[must_use]
pub fn has_developer_tools(root: &Path) -> bool {
    answer(root, "usr/bin/xcode-select", &["-p"]).is_some()
}

/// What a program of the system says, when it ends well.
fn answer(root: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    let output = Call::new(root.join(program), arguments.iter().copied()).output(ANSWER_TIME);
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_named_by_its_own_file() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(linux_name(root.path()), None);
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let text = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        std::fs::write(root.path().join("etc/os-release"), text).unwrap();
        assert_eq!(linux_name(root.path()).unwrap(), "Debian GNU/Linux 12 (bookworm)");
    }
}
