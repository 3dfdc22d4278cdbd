//! The table of what gpgv, sqv and rPGP say of every message beside us (row A43 of
//! `docs/faults.md`). Ends with 1 when we accept what rPGP refuses, or another text.
#![allow(dead_code, reason = "the support code serves other tests, too")]

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use pgp::composed::{CleartextSignedMessage, Deserializable, SignedPublicKey};
use support::corpus::{self, Case};
use support::judges::{BEYOND_GPGV, Verdict, gpgv, ours, real_files, sqv};

#[path = "../../../support"]
mod support {
    pub mod certs;
    pub mod corpus;
    pub mod judges;
    pub mod signer;
}

/// Sound messages which rPGP 0.21 does not accept, and why.
const BEYOND_RPGP: [(&str, &str); 6] = [
    ("version 2, then good", BODY),
    ("good, then version 2", BODY),
    ("version 3, then good", BODY),
    ("good, then version 3", BODY),
    ("version 6, then good", BODY),
    ("good, then version 6", BODY),
];

/// The packets say another version over a body of version 4.
const BODY: &str = "it reads a body as of that version, which it is not, and gives up the file";

/// rPGP as its documentation shows it: one key, primary or not, for which one signature is
/// good. It applies no policy: expiry, revocation and weak digests are its caller's work.
fn rpgp(case: &Case) -> Verdict {
    let Ok(text) = std::str::from_utf8(&case.message) else { return Verdict::Refused };
    let Ok((message, _)) = CleartextSignedMessage::from_string(text) else {
        return Verdict::Refused;
    };
    let Ok(keys) = SignedPublicKey::from_bytes_many(&case.keyring[..]) else {
        return Verdict::Refused;
    };
    let good = keys.filter_map(Result::ok).any(|key| {
        message.verify(&key).is_ok()
            || key.public_subkeys.iter().any(|subkey| message.verify(subkey).is_ok())
    });
    if !good {
        return Verdict::Refused;
    }
    let signed = message.signed_text().replace("\r\n", "\n");
    Verdict::Good(signed.strip_suffix('\n').unwrap_or(&signed).as_bytes().to_vec())
}

fn main() -> ExitCode {
    let folder = std::env::temp_dir().join(format!("rpgp-verdicts-{}", std::process::id()));
    fs::create_dir(&folder).expect("the folder is new");
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/inrelease");
    let (mut failures, mut count, mut accepted) = (Vec::new(), 0, 0);
    println!(
        "{:<5} {:<42} {:<8} {:<8} {:<8} {:<8}",
        "row", "message", "ours", "gpgv", "sqv", "rPGP"
    );
    for case in real_files(&real).iter().chain(corpus::all()) {
        fs::write(folder.join("message"), &case.message).expect("our own folder");
        fs::write(folder.join("keys.gpg"), &case.keyring).expect("our own folder");
        let (ours, gpgv, rpgp) = (ours(case), gpgv(&folder), rpgp(case));
        let text = match (&ours, &gpgv) {
            (Verdict::Good(text), _) | (_, Verdict::Good(text)) => Some(&text[..]),
            _ => None,
        };
        let sqv = sqv(&folder, case, text);
        count += 1;
        let name: String = case.name.chars().take(42).collect();
        let words = [ours.word(), gpgv.word(), sqv.word(), rpgp.word()];
        let [a, b, c, d] = words;
        println!("{:<5} {name:<42} {a:<8} {b:<8} {c:<8} {d:<8}", case.row);
        if ours == Verdict::Refused {
            continue;
        }
        accepted += 1;
        let why = |table: &[(&'static str, &'static str)]| {
            table.iter().find(|(known, _)| *known == case.name).map(|(_, why)| *why)
        };
        for (judge, verdict, why) in [
            ("gpgv", &gpgv, why(&BEYOND_GPGV)),
            ("sqv", &sqv, None),
            ("rPGP", &rpgp, why(&BEYOND_RPGP)),
        ] {
            match why {
                Some(why) if *verdict == Verdict::Refused => println!("      {judge}: {why}"),
                _ if *verdict == ours => {}
                _ => failures.push(format!("{judge}: {} {name}", case.row)),
            }
        }
    }
    let _ = fs::remove_dir_all(&folder);
    println!("{count} messages, {accepted} accepted by us");
    failures.iter().for_each(|failure| eprintln!("accepted by us alone: {failure}"));
    if failures.is_empty() && accepted >= 30 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
