//! A Homebrew of realistic behaviour in a folder: a cellar, `opt` links, bottles to pour,
//! and a `brew` that fails, lies, asks and talks as the real one does. It logs how it was
//! called. Never goes to a network, and nothing of it runs outside its folder.
#![allow(dead_code, reason = "each test program uses its own part of this module")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::mirror::elf::Elf;

/// The ELF machine of the system that runs the tests, and another one.
pub fn machines() -> (u16, u16) {
    if cfg!(target_arch = "aarch64") { (183, 62) } else { (62, 183) }
}

/// What `brew install` does about one formula.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// Pours the bottle, and links `opt`.
    Pours,
    /// There is no bottle for this system: says so, and exits with 0.
    HasNoBottle,
    /// Pours, then fails to link into the prefix and exits with 1.
    FailsToLink,
    /// Pours into the cellar, and `opt` is not linked.
    LeavesUnlinked,
    /// Exits with 1 before anything is poured.
    Fails,
    /// Asks although it was told not to, and exits with 1 when nobody answers.
    Asks,
    /// Shows a progress bar and many lines, then pours.
    Talks,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Pours => "pours",
            Self::HasNoBottle => "no-bottle",
            Self::FailsToLink => "fails-to-link",
            Self::LeavesUnlinked => "unlinked",
            Self::Fails => "fails",
            Self::Asks => "asks",
            Self::Talks => "talks",
        }
    }
}

const SCRIPT: &str = r#"#!/bin/sh
PATH=/usr/bin:/bin
export PATH
prefix=$(cd "$(dirname "$0")/.." && pwd -P)
printf '%s\n' "$*" >>"$prefix/var/calls"
env >"$prefix/var/env"
if [ -z "$HOMEBREW_NO_AUTO_UPDATE" ]; then
  echo '==> Auto-updating Homebrew...'
  sleep 20
fi

pour() {
  version=$(cat "$prefix/var/bottles/$1/VERSION")
  mkdir -p "$prefix/Cellar/$1" "$prefix/opt"
  cp -R "$prefix/var/bottles/$1/$version" "$prefix/Cellar/$1/$version"
  [ "$2" = unlinked ] || ln -sfn "../Cellar/$1/$version" "$prefix/opt/$1"
}

case $1 in
  --prefix)
    # As the real one: a path and 0, whether the formula is there or not.
    echo "$prefix${2:+/opt/$2}" ;;
  info)
    cat "$prefix/var/info.json" ;;
  install)
    while [ $# -gt 1 ]; do shift; done
    if [ -z "$HOMEBREW_NO_ASK" ]; then
      printf 'Do you want to proceed with the installation? [Y/y/N/n] '
      read -r answer || exit 1
    fi
    if [ -d "$prefix/opt/$1/" ]; then
      echo "Warning: $1 is already installed and up-to-date."
      exit 0
    fi
    way=$(cat "$prefix/var/ways/$1" 2>/dev/null || echo unknown)
    echo "==> Fetching $1"
    case $way in
      pours) pour "$1" ;;
      no-bottle) echo "Warning: $1: no bottle available!" >&2 ;;
      fails-to-link)
        pour "$1"
        echo "Error: The \`brew link\` step did not complete successfully" >&2
        exit 1 ;;
      unlinked) pour "$1" unlinked ;;
      fails) echo "Error: $1: Failed to download resource" >&2; exit 1 ;;
      asks)
        printf 'Really? [y/n] '
        read -r answer || { echo 'Error: nobody answered' >&2; exit 1; }
        pour "$1" ;;
      talks)
        printf '#                10.0%%\r##               20.0%%\r'
        i=0
        while [ $i -lt 2000 ]; do echo "==> line $i"; i=$((i + 1)); done
        sleep 0.6
        pour "$1" ;;
      *) echo "Error: No available formula with the name \"$1\"." >&2; exit 1 ;;
    esac ;;
  *)
    echo "Error: Unknown command: $1" >&2
    exit 1 ;;
esac
"#;

/// A file of a bottle: its path in the keg, and its bytes or what its link says.
type Files = Vec<(String, Result<Vec<u8>, String>)>;

/// The folder.
pub struct Brew {
    prefix: PathBuf,
}

impl Brew {
    /// A Homebrew without formulae at `prefix`.
    pub fn at(prefix: &Path) -> Self {
        for folder in ["bin", "Cellar", "opt", "var/ways", "var/bottles"] {
            fs::create_dir_all(prefix.join(folder)).unwrap();
        }
        let brew = Self { prefix: prefix.canonicalize().unwrap() };
        program(&brew.prefix.join("bin/brew"), SCRIPT.as_bytes());
        brew.info(r#"{"formulae": [], "casks": []}"#);
        brew
    }

    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// What `brew info --json=v2` says.
    pub fn info(&self, json: &str) {
        fs::write(self.prefix.join("var/info.json"), json).unwrap();
    }

    /// How `brew install` treats a formula.
    pub fn way(&self, formula: &str, way: Way) {
        fs::write(self.prefix.join("var/ways").join(formula), way.word()).unwrap();
    }

    /// Offers a version of a formula, which pours well.
    pub fn offer(&self, formula: &str, version: &str, files: Files) -> &Self {
        let bottle = self.prefix.join("var/bottles").join(formula);
        let _ = fs::remove_dir_all(&bottle);
        fs::create_dir_all(&bottle).unwrap();
        fs::write(bottle.join("VERSION"), version).unwrap();
        fill(&bottle.join(version), files);
        self.way(formula, Way::Pours);
        self
    }

    /// Has a version of a formula installed, beside those that are; it is the one in use.
    pub fn have(&self, formula: &str, version: &str, files: Files) -> &Self {
        fill(&self.keg(formula, version), files);
        let opt = self.prefix.join("opt").join(formula);
        let _ = fs::remove_file(&opt);
        symlink(format!("../Cellar/{formula}/{version}"), opt).unwrap();
        self
    }

    /// LLVM of `version` under the name `formula`, with lld as a formula of its own from
    /// 19 on; and the other pinned formulae.
    pub fn offer_all(&self, major: u32, version: &str) -> &Self {
        let number = machines().0;
        self.offer(&format!("llvm@{major}"), version, llvm(number, version));
        if major > 18 {
            self.offer(&format!("lld@{major}"), version, lld(number, version));
        }
        self.offer("qemu", "10.1.0", tool("qemu-system-x86_64", "QEMU emulator version 10.1.0"));
        self.offer("pkgconf", "2.5.1", tool("pkgconf", "2.5.1"))
    }

    /// The same, installed.
    pub fn have_all(&self, major: u32, version: &str) -> &Self {
        self.offer_all(major, version);
        let folder = self.prefix.join("var/bottles");
        for entry in fs::read_dir(folder).unwrap() {
            let bottle = entry.unwrap().path();
            let name = bottle.file_name().unwrap().to_str().unwrap().to_owned();
            let version = fs::read_to_string(bottle.join("VERSION")).unwrap();
            self.have(&name, &version, Vec::new());
            fs::remove_dir(self.keg(&name, &version)).unwrap();
            fs::rename(bottle.join(&version), self.keg(&name, &version)).unwrap();
        }
        self
    }

    /// A keg's folder.
    pub fn keg(&self, formula: &str, version: &str) -> PathBuf {
        self.prefix.join("Cellar").join(formula).join(version)
    }

    /// The arguments of every call so far.
    pub fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.prefix.join("var/calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The environment of the last call.
    pub fn env(&self) -> Vec<String> {
        let text = fs::read_to_string(self.prefix.join("var/env")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// The keg of LLVM: clang, the binutils, and up to 18 lld.
pub fn llvm(number: u16, version: &str) -> Files {
    let major: u32 = version.split('.').next().unwrap().parse().unwrap();
    let says = |text: &str| Ok(Elf::program(number, text).build());
    let clang = format!("Homebrew clang version {version}\nTarget: x\nThread model: posix\n");
    let mut files = vec![
        (format!("bin/clang-{major}"), says(&clang)),
        ("bin/clang".to_owned(), Err(format!("clang-{major}"))),
        ("bin/clang++".to_owned(), Err("clang".to_owned())),
        (format!("lib/clang/{major}/include/stddef.h"), Ok(b"#pragma once\n".to_vec())),
    ];
    let own = format!("Homebrew LLVM version {version}\n  Optimized build.\n");
    for name in ["llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-objdump", "llvm-readobj", "llc"] {
        files.push((format!("bin/{name}"), says(&own)));
    }
    for (link, name) in
        [("ranlib", "llvm-ar"), ("strip", "llvm-objcopy"), ("readelf", "llvm-readobj")]
    {
        files.push((format!("bin/llvm-{link}"), Err(name.to_owned())));
    }
    if major < 19 {
        files.extend(lld(number, version));
    }
    files
}

/// The keg of lld.
pub fn lld(number: u16, version: &str) -> Files {
    let says = format!("Homebrew LLD {version} (compatible with GNU linkers)\n");
    vec![
        ("bin/lld".to_owned(), Ok(Elf::program(number, &says).build())),
        ("bin/ld.lld".to_owned(), Err("lld".to_owned())),
    ]
}

/// The keg of one program.
pub fn tool(name: &str, says: &str) -> Files {
    vec![(format!("bin/{name}"), Ok(Elf::program(machines().0, &format!("{says}\n")).build()))]
}

fn fill(folder: &Path, files: Files) {
    fs::create_dir_all(folder).unwrap();
    for (path, content) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match content {
            Ok(bytes) => program(&path, &bytes),
            Err(target) => symlink(target, path).unwrap(),
        }
    }
}

fn program(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
