//! The armor: the rows A26, A27 and A39.

use super::{Corpus, RELEASE, SIGNED, good, sound, trusted};
use crate::support::signer::{Draft, TEXT, armor, base64, canonical, cleartext, crc24};

/// Adds all of it.
pub fn add(corpus: &mut Corpus) {
    armored(corpus);
    spelling(corpus);
}

fn armored(corpus: &mut Corpus) {
    let sound = sound();
    let start = sound.find("-----BEGIN PGP SIGNATURE").unwrap();
    let text = &sound[..start];
    corpus.refuse("A26", "cut in the text", &sound[..start - 20], "cut off");
    corpus.refuse("A26", "cut after the text", text, "cut off");
    corpus.refuse("A26", "cut in the armor", &sound[..start + 90], "cut off");
    corpus.refuse("A26", "cut before the line end", sound.trim_end(), "cut off");
    let no_end = sound.replace("-----END PGP SIGNATURE-----\n", "");
    corpus.refuse("A26", "no END", no_end, "the armor has no line -----END PGP SIGNATURE-----");
    let packet = good(trusted());
    let checksum = format!("={}\n", base64(&crc24(&packet).to_be_bytes()[1..]));
    assert!(sound.contains(&checksum));
    let with = |other: &str| sound.replace(&checksum, other);
    corpus.accept("A26", "no checksum", with(""));
    corpus.refuse("A26", "wrong checksum", with("=AAAA\n"), "armor checksum differs");
    corpus.refuse("A26", "short checksum", with("=AAA\n"), "malformed base64");
    corpus.refuse("A26", "no digits in the checksum", with("=\n"), "armor checksum differs");
    let twice = with(&checksum.repeat(2));
    corpus.refuse("A26", "two checksums", twice, "does not end as it began");
    let empty = "-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n";
    corpus.refuse("A27", "empty armor", format!("{text}{empty}"), "the armor is empty");
    let other = format!("{text}{}", armor("MESSAGE", &packet));
    corpus.refuse("A27", "armor of a message", other, "begins with a dash");
}

fn spelling(corpus: &mut Corpus) {
    let key = trusted();
    // A notation of some length, so that the last group of base64 holds one byte.
    let sign = |length: usize| {
        let draft = Draft::new(TEXT, key, SIGNED).and(100, &vec![0; length]);
        key.sign(&draft, &canonical(RELEASE))
    };
    let packet = (0..3).map(sign).find(|packet| packet.len() % 3 == 1).unwrap();
    let data = base64(&packet);
    let digits = data.trim_end_matches('=');
    assert_eq!(data.len() - digits.len(), 2);
    let last = digits.chars().last().unwrap();
    let next = char::from(u8::try_from(last).unwrap() + 1);
    let block = |data: &str| {
        let lines: Vec<_> = data.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let data = lines.join("\n");
        format!("-----BEGIN PGP SIGNATURE-----\n\n{data}\n-----END PGP SIGNATURE-----\n")
    };
    let head = cleartext(RELEASE, "SHA256", &packet);
    let head = &head[..head.find("-----BEGIN PGP SIGNATURE").unwrap()];
    corpus.accept("A39", "the one spelling", format!("{head}{}", block(&data)));
    let malformed = "malformed base64 in the armor";
    for (name, data) in [
        ("unused bits are set", format!("{}{next}==", &digits[..digits.len() - 1])),
        ("missing padding", digits.to_owned()),
        ("half the padding", format!("{digits}=")),
        ("too much padding", format!("{digits}===")),
        ("padding inside", format!("{}={}", &data[..10], &data[11..])),
        ("a padded group inside", format!("AA=={data}")),
        ("digits after padding", format!("{data}AAAA")),
        ("a blank inside", format!("{} {}", &data[..10], &data[11..])),
        ("a foreign character", format!("{}_{}", &data[..10], &data[11..])),
    ] {
        corpus.refuse("A39", name, format!("{head}{}", block(&data)), malformed);
    }
    let wrapped =
        block(&data).replacen(&data[..64], &format!("{}\n\n{}", &data[..32], &data[32..64]), 1);
    corpus.refuse("A39", "an empty line inside", format!("{head}{wrapped}"), malformed);
    let unwrapped = block(&data).replacen(&format!("{}\n", &data[..64]), &data[..64], 1);
    corpus.refuse("A39", "a long line", format!("{head}{unwrapped}"), "armor line too long");
}
