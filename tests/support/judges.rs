//! Other programs as judges of signed messages: what gpgv and sqv say beside us. Never a
//! verdict of our own: what counts as good is each program's.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::corpus::{Case, NOW};
use reml_toolchain::debian::openpgp::{Keyring, verify};

/// Messages which gpgv 2.2 cannot read although they are sound, and why.
pub const BEYOND_GPGV: [(&str, &str); 8] = [
    ("expired beside a good one", "it stops at a signature that has expired"),
    ("a line of 200 kB", "it refuses lines of more than 20000 characters"),
    ("version 0, then good", "it stops at a version which it does not know"),
    ("version 5, then good", "it stops at a version which it does not know"),
    ("version 6, then good", "it stops at a version which it does not know"),
    ("version 99, then good", "it stops at a version which it does not know"),
    ("unknown critical and good", "it calls the signature bad which we and sqv ignore"),
    ("issuer not covered", "it finds keys by their key id only"),
];

/// What a program says of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Good, and this is the text (without its last line end).
    Good(Vec<u8>),
    Refused,
}

impl Verdict {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Good(_) => "good",
            Self::Refused => "refused",
        }
    }
}

fn trim(text: &[u8]) -> Vec<u8> {
    text.strip_suffix(b"\n").unwrap_or(text).to_vec()
}

pub fn ours(case: &Case) -> Verdict {
    let verified = Keyring::read(&case.keyring, "keys.gpg")
        .ok()
        .and_then(|keyring| verify(&case.message, &keyring.for_suite("bookworm"), NOW).ok());
    verified.map_or(Verdict::Refused, |verified| Verdict::Good(trim(verified.text.as_bytes())))
}

/// gpgv by its status lines, as apt reads them: something good, nothing bad. Its exit status
/// refuses files that a stranger signed too.
pub fn gpgv(folder: &Path) -> Verdict {
    let output = folder.join("text");
    let _ = fs::remove_file(&output);
    let run = Command::new("gpgv")
        .args(["--status-fd", "1", "--keyring"])
        .arg(folder.join("keys.gpg"))
        .arg("--output")
        .arg(&output)
        .arg(folder.join("message"))
        .output()
        .expect("gpgv is installed");
    let status = String::from_utf8_lossy(&run.stdout).into_owned();
    let has = |word| status.lines().any(|line| line.starts_with(&format!("[GNUPG:] {word} ")));
    match fs::read(output) {
        Ok(text) if has("GOODSIG") && has("VALIDSIG") && !has("BADSIG") => {
            Verdict::Good(trim(&text))
        }
        _ => Verdict::Refused,
    }
}

/// sqv 1.1 knows detached signatures only: it is given the block and the text that gpgv saw.
pub fn sqv(folder: &Path, case: &Case, text: Option<&[u8]>) -> Verdict {
    let message = String::from_utf8_lossy(&case.message);
    let block = message.find("-----BEGIN PGP SIGNATURE").map(|start| &message[start..]);
    let (Some(block), Some(text)) = (block, text) else {
        return Verdict::Refused;
    };
    fs::write(folder.join("block"), block).unwrap();
    fs::write(folder.join("text"), text).unwrap();
    let run = Command::new("sqv")
        .arg("--keyring")
        .arg(folder.join("keys.gpg"))
        .args([folder.join("block"), folder.join("text")])
        .output()
        .expect("sqv is installed");
    if run.status.success() { Verdict::Good(text.to_vec()) } else { Verdict::Refused }
}

/// Debian's own files with the keyring which Debian ships; `folder` is `tests/data/inrelease`.
pub fn real_files(folder: &Path) -> Vec<Case> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let case = |file: &std::path::PathBuf| Case {
        row: "real",
        name: file.file_name().unwrap().to_string_lossy().into_owned(),
        message: fs::read(file).unwrap(),
        keyring: include_bytes!("../data/debian-archive-keyring.gpg").to_vec(),
        expected: Ok(()),
    };
    files.iter().map(case).collect()
}
