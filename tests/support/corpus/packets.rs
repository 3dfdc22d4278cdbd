//! Packets and subpackets: the rows A29 to A32, A34 and A35.

use super::{Corpus, NOW, RELEASE, SIGNED, good, message, stranger, trusted, trusted_rsa};
use crate::support::signer::{Draft, TEXT, canonical, issuer, packet, seconds, subpacket};

/// Adds all of it.
pub fn add(corpus: &mut Corpus) {
    packets(corpus);
    kinds_and_versions(corpus);
    areas(corpus);
}

fn packets(corpus: &mut Corpus) {
    let good = good(trusted());
    let literal = packet(11, b"t\0\0\0\0\0Origin: Evil\n");
    let alien = "expected signature packets only, got a packet with tag 11";
    corpus.refuse("A29", "literal before", message(&[literal.clone(), good.clone()]), alien);
    corpus.refuse("A29", "literal after", message(&[good.clone(), literal]), alien);
    corpus.refuse("A29", "marker", message(&[packet(10, b"PGP"), good.clone()]), "tag 10");
    corpus.refuse("A29", "padding", message(&[packet(21, &[0; 9]), good.clone()]), "tag 21");
    let (body, cut) = (&good[3..], &good[..good.len() - 1]);
    corpus.refuse("A29", "cut off", message(&[cut.to_vec()]), "packet cut off");
    corpus.refuse(
        "A29",
        "second cut off",
        message(&[good.clone(), cut.to_vec()]),
        "packet cut off",
    );
    corpus.refuse(
        "A29",
        "one byte more",
        message(&[good.clone(), vec![0]]),
        "not an OpenPGP packet",
    );
    let long = packet(2, &[body, &[0]].concat());
    corpus.refuse(
        "A29",
        "a byte after the numbers",
        message(&[long]),
        "malformed signature packet",
    );
    let short = packet(2, &body[..body.len() - 1]);
    corpus.refuse("A29", "a byte too few", message(&[short]), "malformed signature packet");
    let empty = message(&[packet(2, &[]), good.clone()]);
    corpus.refuse("A29", "empty packet", empty, "malformed signature packet");
    let indeterminate = [&[0x8b][..], body].concat();
    let unknown = "packet of partial or indeterminate length";
    corpus.refuse("A29", "indeterminate length", message(&[indeterminate]), unknown);
    let partial =
        [&[0xc2, 0xe6][..], &body[..64], &[u8::try_from(body.len() - 64).unwrap()], &body[64..]];
    corpus.refuse("A29", "partial lengths", message(&[partial.concat()]), unknown);
    let length = u8::try_from(body.len()).unwrap();
    corpus.accept("A29", "new format", message(&[[&[0xc2, length][..], body].concat()]));
    // A number of 256 bits that says it has 257, and one with a leading zero byte.
    let mut bits = good.clone();
    let place = good.len() - 66;
    bits[place - 1] = bits[place - 1].wrapping_add(1);
    corpus.refuse(
        "A29",
        "wrong length of a number",
        message(&[bits]),
        "malformed signature packet",
    );
}

fn kinds_and_versions(corpus: &mut Corpus) {
    let (ours, rsa, text) = (trusted(), trusted_rsa(), canonical(RELEASE));
    for kind in [0x00, 0x02, 0x10, 0x13, 0x18, 0x1f, 0x20, 0x40, 0x50, 0xff] {
        let packet = ours.sign(&Draft::new(kind, ours, SIGNED), &text);
        let name = format!("type {kind:#04x}");
        corpus.refuse(
            "A30",
            &name,
            message(&[packet]),
            "wrong type of signature: expected 0x01 (text)",
        );
    }
    for version in [0, 2, 3, 5, 6, 99] {
        let mut body = good(ours)[3..].to_vec();
        body[0] = version;
        let other = packet(2, &body);
        let name = format!("version {version}");
        corpus.accept("A31", &format!("{name}, then good"), message(&[other.clone(), good(rsa)]));
        corpus.accept("A31", &format!("good, then {name}"), message(&[good(rsa), other.clone()]));
        corpus.refuse(
            "A31",
            &format!("{name} alone"),
            message(&[other]),
            "expected version 4, got version",
        );
    }
    let critical =
        |kind: u8| ours.sign(&Draft::new(TEXT, ours, SIGNED).and(kind | 0x80, b"x"), &text);
    let unknown = "unknown critical subpacket 99";
    corpus.refuse("A32", "unknown critical alone", message(&[critical(99)]), unknown);
    corpus.refuse(
        "A32",
        "critical notation",
        message(&[critical(20)]),
        "unknown critical subpacket 20",
    );
    corpus.accept("A32", "unknown critical and good", message(&[critical(99), good(rsa)]));
    let known = ours.sign(&Draft::new(TEXT, ours, SIGNED).and(99, b"x"), &text);
    corpus.accept("A32", "unknown, not critical", message(&[known]));
}

fn areas(corpus: &mut Corpus) {
    let (ours, text) = (trusted(), canonical(RELEASE));
    let sound = Draft::new(TEXT, ours, SIGNED);
    let sign = |draft: Draft| message(&[ours.sign(&draft, &text)]);
    let time = subpacket(2, &seconds(SIGNED));
    let names = subpacket(33, &issuer(ours));
    let uncovered = Draft { hashed: names.clone(), unhashed: time.clone(), ..sound.clone() };
    corpus.refuse(
        "A34",
        "time not covered",
        sign(uncovered),
        "subpacket 2 stands outside of what it signs",
    );
    let none = Draft { hashed: names.clone(), unhashed: vec![], ..sound.clone() };
    corpus.refuse("A34", "no time", sign(none), "no creation time under the signature");
    let hint = Draft { hashed: time.clone(), unhashed: names.clone(), ..sound.clone() };
    corpus.accept("A34", "issuer not covered", sign(hint));
    let id = Draft { hashed: time.clone(), ..sound.clone() };
    corpus.accept("A34", "key id not covered", sign(id));
    let nobody = Draft { hashed: time.clone(), unhashed: vec![], ..sound.clone() };
    corpus.refuse("A34", "no issuer", sign(nobody), "unknown keys only");
    let two = Draft { unhashed: subpacket(16, &stranger().key_id()), ..sound.clone() };
    corpus.refuse("A34", "two issuers", sign(two), "names several issuers");
    let twice = Draft {
        hashed: [&sound.hashed[..], &subpacket(2, &seconds(NOW))].concat(),
        ..sound.clone()
    };
    corpus.refuse("A34", "two times", sign(twice), "its subpacket 2 stands there twice");
    for (name, area) in [
        ("length beyond the area", vec![9, 2, 0]),
        ("empty subpacket", vec![0]),
        ("short time", subpacket(2, &[0; 3])),
        ("short key id", subpacket(16, &[0; 7])),
        ("short fingerprint", subpacket(33, &[4; 20])),
        ("huge length", vec![255, 255, 255, 255, 255, 2]),
    ] {
        let hashed = [&sound.hashed[..], &area].concat();
        let draft = Draft { hashed, ..sound.clone() };
        corpus.refuse("A29", name, sign(draft), "malformed signature packet");
    }
    let strangers: Vec<_> = vec![good(stranger()); 1000];
    let many = [&strangers[..], &[good(trusted_rsa())]].concat();
    corpus.accept("A35", "1000 strangers and a good one", message(&many));
    for count in [4_000, 10_000] {
        let hashed = [&sound.hashed[..], &subpacket(99, b"").repeat(count)].concat();
        let flood = sign(Draft { hashed, ..sound.clone() });
        let unhashed = subpacket(16, &ours.key_id()).repeat(count / 5);
        let issuers = sign(Draft { unhashed, ..sound.clone() });
        if count == 4_000 {
            corpus.accept("A35", "4000 subpackets", flood);
            corpus.accept("A35", "800 times the issuer", issuers);
        } else {
            corpus.refuse("A35", "10000 subpackets", flood, "malformed signature packet");
            corpus.refuse("A35", "2000 times the issuer", issuers, "malformed signature packet");
        }
    }
    let copies = message(&vec![good(trusted_rsa()); 1000]);
    corpus.refuse("A35", "1000 good ones", copies, "more than 16 signatures of pinned keys");
    let mut body = good(trusted_rsa())[3..].to_vec();
    let number = body.len() - 514;
    body.truncate(number);
    body.extend(vec![0xff; 100_002]);
    corpus.refuse(
        "A35",
        "a number of 100 kB",
        message(&[packet(2, &body)]),
        "malformed signature packet",
    );
}
