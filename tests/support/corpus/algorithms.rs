//! Times and algorithms: the rows A08, A11 to A15 and A33.

use super::{
    Corpus, MADE, NOW, RELEASE, SIGNED, good, message, sound, stranger, trusted, trusted_rsa,
};
use crate::support::certs;
use crate::support::signer::{
    Draft, SHA384, SHA512, SigningKey, TEXT, canonical, certificate, cleartext, packet, seconds,
};

/// Adds all of it.
pub fn add(corpus: &mut Corpus) {
    let (ours, rsa, other) = (trusted(), trusted_rsa(), stranger());
    let text = canonical(RELEASE);
    let at = |time| message(&[ours.sign(&Draft::new(TEXT, ours, time), &text)]);
    // The key was valid when it signed; the other signature of the same file still counts.
    let old = certs::expiring(ours, 365 * 86_400);
    let early = ours.sign(&Draft::new(TEXT, ours, MADE + 9), &text);
    let expired = Err("the key expired on 2024-12-31");
    corpus.add(
        "A08",
        "signed before it expired",
        message(std::slice::from_ref(&early)),
        old.clone(),
        expired,
    );
    let both = [old, certificate(rsa, "RSA")].concat();
    corpus.add("A08", "beside a good one", message(&[early, good(rsa)]), both, Ok(()));
    corpus.refuse("A11", "before the key", at(MADE - 1), "signed before the key existed");
    let future = "signed in the future: on 2026-11-24 12:00:01 UTC, but the clock of this machine says 2026-11-23 12:00:00 UTC";
    corpus.refuse("A12", "a day and a second ahead", at(NOW + 86_401), future);
    let expiring = |lifetime| {
        let draft = Draft::new(TEXT, ours, SIGNED).and(3, &seconds(lifetime));
        message(&[ours.sign(&draft, &text)])
    };
    corpus.refuse(
        "A13",
        "signature expired",
        expiring(86_400),
        "the signature expired on 2026-11-22",
    );
    corpus.accept("A13", "signature never expires", expiring(0));
    corpus.accept("A13", "signature expires in ten years", expiring(3_650 * 86_400));
    for (number, name) in [(1, "MD5"), (2, "SHA-1"), (3, "RIPEMD-160"), (11, "SHA-224")] {
        let packet = ours.sign(&Draft::new(TEXT, ours, SIGNED).digest(number), &text);
        corpus.refuse(
            "A14",
            name,
            message(&[packet]),
            "weak digest: expected SHA-256, SHA-384 or SHA-512",
        );
        let header = name.replace('-', "").replace("160", "");
        let weak = sound().replace("Hash: SHA256", &format!("Hash: {header}"));
        corpus.refuse("A14", &format!("{name} in the header"), weak, "weak or unknown digest");
    }
    for (digest, name) in [(SHA384, "SHA384"), (SHA512, "SHA512")] {
        for key in [ours, rsa] {
            let packet = key.sign(&Draft::new(TEXT, key, SIGNED).digest(digest), &text);
            let name_of_case = format!("{name} with algorithm {}", key.algorithm());
            corpus.accept("A14", &name_of_case, cleartext(RELEASE, name, &packet));
            let wrong = cleartext(RELEASE, "SHA256", &packet);
            corpus.refuse(
                "A23",
                &format!("{name} unannounced"),
                wrong,
                "not announced by the Hash header",
            );
        }
    }
    let draft = |time| Draft::new(TEXT, ours, time);
    for (row, name, draft) in [
        ("A11", "before the key", draft(MADE - 1)),
        ("A12", "future", draft(NOW + 86_401)),
        ("A13", "expired", draft(SIGNED).and(3, &seconds(60))),
        ("A14", "SHA-1", draft(SIGNED).digest(2)),
        ("A14", "MD5", draft(SIGNED).digest(1)),
        ("A30", "type 0x00", Draft::new(0x00, ours, SIGNED)),
        ("A30", "type 0x10", Draft::new(0x10, ours, SIGNED)),
        ("A30", "type 0x18", Draft::new(0x18, ours, SIGNED)),
    ] {
        let packet = ours.sign(&draft, &text);
        let name = format!("{name} beside a good one");
        corpus.accept(row, &name, message(&[packet, good(rsa)]));
    }
    let short = SigningKey::rsa(include_bytes!("../../data/keys/rsa2048.pk8"), MADE);
    let keyring = certificate(&short, "Short");
    let unfit = Err("expected 3072 to 8192 bits, got 2048");
    corpus.add("A15", "RSA of 2048 bits", message(&[good(&short)]), keyring, unfit);
    let least = SigningKey::rsa(include_bytes!("../../data/keys/rsa3072.pk8"), MADE);
    let keyring = certificate(&least, "Least");
    corpus.add("A15", "RSA of 3072 bits", message(&[good(&least)]), keyring, Ok(()));
    for (number, name) in [(17, "DSA"), (19, "ECDSA"), (27, "native Ed25519"), (1, "RSA")] {
        let mut body = ours.signature_body(&Draft::new(TEXT, ours, SIGNED), &text);
        body[2] = number;
        if number == 1 {
            body.truncate(body.len() - 34);
        }
        let why = if number == 1 { "" } else { "its algorithm is not that of the key" };
        corpus.refuse(
            "A15",
            &format!("{name} claims an Ed25519 key"),
            message(&[packet(2, &body)]),
            why,
        );
    }
    let forged =
        Draft { hashed: Draft::new(TEXT, ours, SIGNED).hashed, ..Draft::new(TEXT, other, SIGNED) };
    let two = message(&[other.sign(&forged, &text)]);
    corpus.refuse("A33", "forged fingerprint, own key id", two, "it names several issuers");
    let forged = Draft::new(TEXT, ours, SIGNED);
    corpus.refuse(
        "A33",
        "forged issuer",
        message(&[other.sign(&forged, &text)]),
        "does not match the text",
    );
}
