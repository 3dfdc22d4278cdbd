//! Row A43 of `docs/faults.md`: whatever we accept, `gpgv` and `sqv` accept, with the same
//! text. `cargo test --test suite differential -- --ignored --nocapture` prints all verdicts.

use std::fs;
use std::path::Path;

use crate::support::corpus;
use crate::support::judges::{BEYOND_GPGV, Verdict, gpgv, ours, real_files, sqv};

#[test]
#[ignore = "needs gpgv and sqv: the step judges of .ci/run"]
fn a43_whatever_we_accept_gpgv_and_sqv_accept_with_the_same_text() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let real = real_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inrelease"));
    let (mut failures, mut accepted, mut count) = (Vec::new(), 0, 0);
    println!("{:<5} {:<42} {:<8} {:<8} {:<8}", "row", "message", "ours", "gpgv", "sqv");
    for case in real.iter().chain(corpus::all()) {
        fs::write(folder.join("message"), &case.message).unwrap();
        fs::write(folder.join("keys.gpg"), &case.keyring).unwrap();
        let ours = ours(case);
        let gpgv = gpgv(folder);
        let text = match (&ours, &gpgv) {
            (Verdict::Good(text), _) | (_, Verdict::Good(text)) => Some(&text[..]),
            _ => None,
        };
        let sqv = sqv(folder, case, text);
        count += 1;
        let name: String = case.name.chars().take(42).collect();
        let words = [ours.word(), gpgv.word(), sqv.word()];
        println!("{:<5} {name:<42} {:<8} {:<8} {:<8}", case.row, words[0], words[1], words[2]);
        if let Verdict::Good(_) = ours {
            accepted += 1;
            let beyond = BEYOND_GPGV.iter().find(|(name, _)| *name == case.name);
            match beyond {
                Some((_, why)) if gpgv == Verdict::Refused => println!("      gpgv: {why}"),
                _ if ours != gpgv => failures.push(format!("gpgv, {} {name}", case.row)),
                _ => {}
            }
            if ours != sqv {
                failures.push(format!("sqv, {} {name}", case.row));
            }
        }
    }
    println!("{count} messages, {accepted} accepted by us");
    assert!(failures.is_empty(), "accepted by us alone: {failures:#?}");
    assert!(accepted >= 30, "the corpus has lost its sound messages");
}
