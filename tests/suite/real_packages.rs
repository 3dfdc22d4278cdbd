//! Unpacks real packages of the machine's own Debian mirror and compares each file,
//! mode, time and link with what dpkg-deb extracts.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use reml_toolchain::debian::identity::Identity;
use reml_toolchain::sysroot::manifest::EntryKind;
use reml_toolchain::sysroot::rules::{MERGED, Rules, join, merged, parent};

use super::archives::support::{Laid, lay_out, request};

/// Packages of every kind: the sysroot's own, large development packages, programs
/// with set-user-id files, hard links, absolute links, many files.
const PACKAGES: &str = include_str!("real_packages.txt");

fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// All paths below a folder, with what they are.
fn walk(root: &Path) -> BTreeMap<String, std::fs::Metadata> {
    let mut found = BTreeMap::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            let metadata = root.join(&path).symlink_metadata().unwrap();
            if metadata.is_dir() {
                pending.push(path.clone());
            }
            found.insert(path.into_os_string().into_string().unwrap(), metadata);
        }
    }
    found
}

/// Compares a package with dpkg-deb's extraction of it.
fn compare(laid: &Laid, theirs: &Path) {
    let ours = walk(laid.tree.path());
    let mut expected = BTreeSet::new();
    for (path, their) in walk(theirs) {
        let place = merged(&path).into_owned();
        if MERGED.contains(&path.as_str()) && their.is_symlink() {
            continue;
        }
        let mut implied = place.as_str();
        while !implied.is_empty() {
            expected.insert(implied.to_owned());
            implied = parent(implied);
        }
        let our = ours.get(&place).unwrap_or_else(|| panic!("{path} is missing"));
        assert_eq!(our.is_dir(), their.is_dir(), "{path}");
        assert_eq!(our.is_symlink(), their.is_symlink(), "{path}");
        if our.is_symlink() {
            let target = |root: &Path, path: &str| {
                std::fs::read_link(root.join(path)).unwrap().into_os_string().into_string().unwrap()
            };
            let (our, their) = (target(laid.tree.path(), &place), target(theirs, &path));
            let wanted = join(parent(&path), &their).unwrap();
            assert!(!our.starts_with('/'), "{path} → {our}");
            assert_eq!(join(parent(&place), &our).unwrap(), merged(&wanted), "{path} → {our}");
            continue;
        }
        // Nobody may write to files: they are shared with the cache.
        let mode = match their.permissions().mode() & 0o111 {
            _ if their.is_dir() => 0o755,
            0 => 0o444,
            _ => 0o555,
        };
        assert_eq!(our.permissions().mode() & 0o7777, mode, "{path}");
        if our.is_file() {
            assert_eq!(our.mtime(), their.mtime(), "{path}");
            let read = |path: PathBuf| std::fs::read(path).unwrap();
            assert!(read(laid.path(&place)) == read(theirs.join(&path)), "{path} differs");
        }
    }
    assert_eq!(ours.keys().cloned().collect::<BTreeSet<_>>(), expected);
    let listed: BTreeSet<_> =
        laid.unpacked.entries.iter().map(|entry| entry.path.clone()).collect();
    assert_eq!(listed, expected);
}

#[test]
#[ignore = "needs a Debian mirror and dpkg-deb: the step packages of .ci/run"]
fn a_hundred_real_packages_unpack_as_dpkg_deb_does() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<&str> = PACKAGES.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(names.len() >= 100);
    run("apt-get", &[&["--quiet", "download"], &names[..]].concat(), folder.path());
    let rules = Rules::default();
    let mut count = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap();
        let field =
            |field| run("dpkg-deb", &["--field", name, field], folder.path()).trim().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        let mut request = request(&bytes, &rules);
        request.identity = Identity {
            package: field("Package"),
            version: field("Version"),
            architecture: field("Architecture"),
        };
        request.installed_size = Some(field("Installed-Size").parse().unwrap());
        request.latest = i64::MAX;
        let laid = lay_out(&bytes[..], &request).unwrap_or_else(|error| panic!("{error}"));
        let theirs = tempfile::tempdir().unwrap();
        run("dpkg-deb", &["--extract", name, theirs.path().to_str().unwrap()], folder.path());
        compare(&laid, theirs.path());
        count += 1;

        if request.identity.package == "linux-libc-dev" {
            request.case_sensitive = false;
            let laid = lay_out(&bytes[..], &request).unwrap_or_else(|error| panic!("{error}"));
            let aside = laid.unpacked.entries.iter().filter(|entry| entry.place.is_some());
            let aside: Vec<_> = aside.map(|entry| (&entry.path, &entry.kind)).collect();
            assert!(aside.iter().all(|(_, kind)| matches!(kind, EntryKind::File { .. })));
            assert_eq!(aside.len(), 8, "f13: {aside:?}");
        }
    }
    assert_eq!(count, names.len());
}
