//! Asks the machine's own apt for the same closures. Never part of the plain test run:
//! it needs a Debian host with its mirror.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use reml_toolchain::debian::date::Timestamp;
use reml_toolchain::debian::index::{Index, Source};
use reml_toolchain::debian::release::{Allowances, Expectation, Release};
use reml_toolchain::debian::resolve::{Options, Want, resolve};
use reml_toolchain::host::hash::Digest;

/// Package sets that apt and we must agree on.
const SETS: &[&[&str]] = &[
    &["libc6-dev"],
    &["libstdc++-12-dev"],
    &["libgcc-12-dev"],
    &["zlib1g-dev"],
    &["libssl-dev"],
    &["libsqlite3-dev"],
    &["clang-19"],
    &["lld-19"],
    &["llvm-19"],
    &["clang-19", "lld-19", "llvm-19"],
    &["qemu-user"],
    &["qemu-system-x86"],
    &["libgtk-3-dev"],
    &["libboost-all-dev"],
    &["default-jre-headless"],
    &["python3-dev"],
    &["build-essential"],
    &["libcurl4-openssl-dev"],
    &["libpq-dev"],
    &["libxml2-dev"],
    &["libicu-dev", "libunwind-dev"],
    &["qtbase5-dev"],
    &["libsdl2-dev"],
    &["libopencv-dev"],
    &["perl"],
    &["git"],
    &["cmake", "ninja-build"],
    &["postgresql"],
    &["nginx"],
    &["systemd"],
    &["openssh-server"],
    &["gcc", "g++", "gfortran"],
    &["debhelper"],
    &["texlive-latex-base"],
    &["ffmpeg"],
    &["vim"],
    &["emacs-nox"],
    &["linux-image-cloud-amd64"],
    &["linux-image-cloud-arm64"],
    &["libc6", "libgcc-s1", "libcrypt1"],
    &["gnome-terminal"],
    &["default-mysql-server"],
    &["rustc", "cargo"],
    &["golang"],
    &["mmdebstrap"],
    &["libreoffice-writer"],
];

/// Packages on which the answers differ, with the reason.
const EXPLAINED: &[(&str, &str)] = &[(
    "libreoffice-core-nogui",
    "libreoffice-base-core names it as the first alternative, so we take it; apt drops it again \
     because libreoffice-core, which comes in later, conflicts with it, and we judge no conflicts",
)];

/// Kernels exist for one architecture only: there, both must refuse.
const FOREIGN: &[(&str, &str)] =
    &[("linux-image-cloud-arm64", "amd64"), ("linux-image-cloud-amd64", "arm64")];

/// Beside the sets, every so many packages of the archive are asked for.
const STEP: usize = 4000;

/// The state folder of an apt of our own: an empty system of one architecture.
struct Apt<'a> {
    state: &'a Path,
    architecture: &'static str,
}

impl Apt<'_> {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let state = self.state.display();
        for option in [
            format!("Dir::State={state}"),
            format!("Dir::State::lists={state}/lists"),
            "Dir::State::status=/dev/null".to_owned(),
            format!("Dir::Cache={state}/cache"),
            "Dir::Etc::preferences=/dev/null".to_owned(),
            "Dir::Etc::preferencesparts=/dev/null".to_owned(),
            format!("APT::Architecture={}", self.architecture),
            format!("APT::Architectures::={}", self.architecture),
        ] {
            command.arg("-o").arg(option);
        }
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        let output = self.command(program).args(arguments).output().expect("apt is there");
        let text = |bytes| String::from_utf8(bytes).expect("apt writes UTF-8");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// The suites' codenames and `Packages` texts.
    fn indices(&self) -> Vec<(String, String)> {
        let format = "$(CODENAME)\t$(FILENAME)";
        let arguments = ["indextargets", "--format", format, "Created-By: Packages"];
        let targets = self.run("apt-get", &arguments).expect("apt lists its indices");
        let read = |line: &str| {
            let (suite, file) = line.split_once('\t').expect("two columns");
            let text = self.run("/usr/lib/apt/apt-helper", &["cat-file", file]);
            (suite.to_owned(), text.expect("apt-helper reads the index"))
        };
        targets.lines().map(read).collect()
    }

    /// Name and version of each package apt would install.
    fn install(&self, names: &[&str]) -> Result<BTreeMap<String, String>, String> {
        let arguments = ["install", "-s", "--no-install-recommends"];
        let output = self.run("apt-get", &[&arguments[..], names].concat())?;
        let lines = output.lines().filter_map(|line| line.strip_prefix("Inst "));
        let parse = |line: &str| {
            let (name, rest) = line.split_once(" (").expect("a version after the name");
            let (version, _) = rest.split_once(' ').expect("an origin after the version");
            let name = name.split(':').next().unwrap_or(name);
            (name.to_owned(), version.to_owned())
        };
        Ok(lines.map(parse).collect())
    }
}

/// What apt and we disagree on for one set.
fn differences(index: &Index<'_>, apt: &Apt<'_>, names: &[&str]) -> Vec<String> {
    let place = format!("{}: {names:?}", apt.architecture);
    let wanted: Vec<Want> = names.iter().map(|name| Want::new(*name)).collect();
    let ours = resolve(index, &wanted, &Options::default());
    let foreign = FOREIGN.iter().any(|(name, on)| names == [*name] && *on == apt.architecture);
    let (ours, theirs) = match (ours, apt.install(names)) {
        (Ok(ours), Ok(theirs)) if !foreign => (ours, theirs),
        (Err(_), Err(_)) if foreign => return Vec::new(),
        (ours, theirs) => {
            let ours = ours.map(|closure| closure.packages.len()).map_err(|e| e.to_string());
            let theirs = theirs.map(|packages| packages.len());
            return vec![format!("{place}: expected {theirs:?}, got {ours:?}")];
        }
    };
    let chosen = ours.packages.into_iter().map(|chosen| chosen.package);
    let ours: BTreeMap<String, String> =
        chosen.map(|package| (package.name, package.version.to_string())).collect();
    let all: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    all.into_iter()
        .filter(|name| ours.get(*name) != theirs.get(*name))
        .filter(|name| !EXPLAINED.iter().any(|(known, _)| known == name))
        .map(|name| (name, theirs.get(name), ours.get(name)))
        .map(|(name, theirs, ours)| format!("{place}: {name}: expected {theirs:?}, got {ours:?}"))
        .collect()
}

/// Reads the real releases and checks that they vouch for the real indices.
fn read_releases(apt: &Apt<'_>, indices: &[(String, String)]) {
    let mut count = 0;
    for file in std::fs::read_dir(apt.state.join("lists")).expect("the lists") {
        let path = file.expect("an entry").path();
        if !path.to_string_lossy().ends_with("InRelease") {
            continue;
        }
        let signed = std::fs::read_to_string(&path).expect("a text");
        let (_, text) = signed.split_once("\n\n").expect("the armor headers end");
        let (text, _) = text.split_once("-----BEGIN PGP SIGNATURE").expect("a signature");
        let release = Release::parse("InRelease", text).expect("Debian's release is well formed");
        let security = release.codename.ends_with("-security");
        let expectation = Expectation {
            codename: &release.codename,
            origin: "Debian",
            label: if security { "Debian-Security" } else { "Debian" },
            valid_until_required: security,
            architectures: &[apt.architecture],
            components: &["main"],
            last_seen: None,
            allow: Allowances::default(),
        };
        let now = Timestamp(release.date.0 + 60);
        let notes = release.check(&Digest([0; 32]), &expectation, now);
        assert_eq!(notes, Ok(vec![]), "{}", release.codename);
        let index = release.packages("main", apt.architecture).expect("the index");
        let plain = index.plain.expect("Debian names the plain index").size;
        let (_, text) = indices
            .iter()
            .find(|(suite, _)| *suite == release.codename)
            .expect("apt fetched the index of each suite");
        assert_eq!(plain, text.len() as u64, "{}", release.codename);
        count += 1;
    }
    assert!(count >= 2, "{count} releases");
}

fn compare(architecture: &'static str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path();
    std::fs::create_dir_all(state.join("lists/partial")).expect("a folder for the lists");
    std::fs::create_dir_all(state.join("cache/archives/partial")).expect("a folder for the cache");
    let apt = Apt { state, architecture };
    apt.run("apt-get", &["update"]).expect("apt reaches its mirror");
    let texts = apt.indices();
    read_releases(&apt, &texts);
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    let sources: Vec<Source<'_>> =
        texts.iter().map(|(suite, text)| Source { suite, file: suite, text }).collect();
    let start = Instant::now();
    let index = Index::build(architecture, &sources).expect("Debian's index is well formed");
    eprintln!("{architecture}: {bytes} bytes, {} stanzas in {:?}", index.len(), start.elapsed());
    for name in index.names() {
        for entry in index.versions(name) {
            index.package(entry).expect("each of Debian's stanzas is well formed");
        }
    }
    eprintln!("{architecture}: every stanza read in full after {:?}", start.elapsed());
    let start = Instant::now();
    let clang = resolve(&index, &[Want::new("clang-19")], &Options::default());
    let count = clang.expect("clang-19 resolves").packages.len();
    eprintln!("{architecture}: clang-19: {count} packages in {:?}", start.elapsed());
    let sample: Vec<[&str; 1]> = index.names().step_by(STEP).map(|name| [name]).collect();
    let count = SETS.len() + sample.len();
    assert!(count >= 30, "only {count} sets of packages");
    eprintln!("{architecture}: {count} sets of packages against apt");
    let sets = SETS.iter().copied().chain(sample.iter().map(|set| &set[..]));
    let found: Vec<String> = sets.flat_map(|names| differences(&index, &apt, names)).collect();
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}

#[test]
#[ignore = "needs apt and its mirror: the step apt of .ci/run"]
fn the_closures_for_amd64_are_those_of_apt() {
    compare("amd64");
}

#[test]
#[ignore = "needs apt and its mirror: the step apt of .ci/run"]
fn the_closures_for_arm64_are_those_of_apt() {
    compare("arm64");
}
