//! The framing and the text: the rows A17 to A25, A28 and A36 to A38.

use super::{Corpus, RELEASE, SIGNED, good, sound, stranger, trusted, trusted_rsa};
use crate::support::signer::{armor, packet, sign_cleartext};

/// Adds all of it.
pub fn add(corpus: &mut Corpus) {
    outside(corpus);
    framing(corpus);
    text(corpus);
    other_files(corpus);
}

fn outside(corpus: &mut Corpus) {
    let sound = sound();
    let before = "data before the signed message";
    for (name, data) in [
        ("a line", "Origin: Evil\n"),
        ("a blank line", "\n"),
        ("a blank", " "),
        ("a BOM", "\u{feff}"),
    ] {
        corpus.refuse("A17", &format!("{name} before"), format!("{data}{sound}"), before);
    }
    let after = "data after the signed message";
    corpus.refuse("A18", "unsigned Release appended", format!("{sound}\n{RELEASE}"), after);
    corpus.refuse("A18", "one line appended", format!("{sound}Origin: Evil\n"), after);
    corpus.refuse("A18", "an empty line appended", format!("{sound}\n"), after);
    let evil = sign_cleartext("Origin: Evil\n", stranger(), SIGNED);
    corpus.refuse("A19", "evil first", format!("{evil}{sound}"), "a second armored block");
    corpus.refuse("A19", "good first", format!("{sound}{evil}"), "a second armored block");
    let end = "-----END PGP SIGNATURE-----\n";
    let second = armor("SIGNATURE", &good(trusted_rsa()));
    corpus.refuse("A28", "two blocks", format!("{sound}{second}"), "a second armored block");
    let inside = sound.replace(end, &second);
    corpus.refuse("A28", "a block in a block", inside, "the armor does not end as it began");
}

fn framing(corpus: &mut Corpus) {
    let sound = sound();
    let change = |from: &str, to: &str| {
        assert!(sound.contains(from));
        sound.replacen(from, to, 1)
    };
    corpus.refuse(
        "A20",
        "a blank in the header's blank line",
        change("\n\n", "\n \n"),
        "trailing blank",
    );
    let begin = "-----BEGIN PGP SIGNATURE-----\n\n";
    let spaced = change(begin, "-----BEGIN PGP SIGNATURE-----\n \n");
    corpus.refuse("A20", "a blank in the armor's blank line", spaced, "trailing blank");
    let tail = change("MESSAGE-----\n", "MESSAGE-----x\n");
    corpus.refuse("A21", "garbage after BEGIN", tail, "alone, got");
    corpus.refuse(
        "A21",
        "a blank after BEGIN",
        change("MESSAGE-----\n", "MESSAGE----- \n"),
        "trailing blank",
    );
    let blank = change("-----BEGIN PGP SIGNATURE-----", "-----BEGIN PGP SIGNATURE----- ");
    corpus.refuse("A21", "a blank after BEGIN SIGNATURE", blank, "trailing blank");
    let lower = change("-----BEGIN PGP SIGNED MESSAGE", "-----begin pgp signed message");
    corpus.refuse("A21", "lower case", lower, "not a clear-signed message");
    let end = change("END PGP SIGNATURE", "end pgp signature");
    corpus.refuse("A21", "lower case END", end, "the armor does not end as it began");
    for header in [
        "Origin: Evil",
        "Comment: x",
        "Version: 1",
        "hash: SHA256",
        "Hash:SHA256",
        "NotDashEscaped: x",
    ] {
        let name = format!("{header} for Hash");
        corpus.refuse("A22", &name, change("Hash: SHA256", header), "armor header not allowed");
        let name = format!("{header} after Hash");
        let more = change("Hash: SHA256", &format!("Hash: SHA256\n{header}"));
        corpus.refuse("A22", &name, more, "armor header not allowed");
        let name = format!("{header} in the armor");
        let armored = change(begin, &format!("-----BEGIN PGP SIGNATURE-----\n{header}\n\n"));
        corpus.refuse("A22", &name, armored, "armor header not allowed");
    }
    let folded = change("Hash: SHA256", "Hash: SHA256\n SHA512");
    corpus.refuse("A22", "continuation line", folded, "armor header not allowed");
    corpus.refuse("A23", "no Hash header", change("Hash: SHA256\n", ""), "no Hash header");
    let other = change("Hash: SHA256", "Hash: SHA512");
    corpus.refuse("A23", "another digest", other, "not announced by the Hash header");
    corpus.accept("A23", "two digests", change("Hash: SHA256", "Hash: SHA512,SHA256"));
    corpus.refuse("A23", "empty list", change("SHA256", "SHA256,"), "weak or unknown digest");
    let nested = sign_cleartext(&sound, trusted(), SIGNED);
    corpus.refuse("A38", "nested", nested, "begins with a dash");
}

fn text(corpus: &mut Corpus) {
    let sign = |text: &str| sign_cleartext(text, trusted(), SIGNED);
    let dash = "begins with a dash";
    let escaped = sound().replace("\nOrigin", "\n- Origin");
    corpus.refuse("A24", "dash-escaped line", escaped, dash);
    corpus.refuse("A24", "unescaped dash", sign("-Origin: Debian\n"), dash);
    corpus.refuse("A24", "a dash inside", sign("Origin: Debian\n-\nLabel: x\n"), "line 5");
    corpus.accept("A24", "a dash after a blank", sign("Origin:\n - Debian\n"));
    corpus.refuse("A25", "CRLF", sound().replace('\n', "\r\n"), "line 1: character U+000D");
    for (name, char) in [
        ("lone CR", '\r'),
        ("NUL", '\0'),
        ("VT", '\x0b'),
        ("FF", '\x0c'),
        ("ESC", '\x1b'),
        ("DEL", '\x7f'),
        ("NEL", '\u{85}'),
        ("U+2028", '\u{2028}'),
        ("U+2029", '\u{2029}'),
    ] {
        let text = format!("Origin: Deb{char}ian\n");
        corpus.refuse("A25", name, sign(&text), "line 4: character U+");
    }
    for (name, text) in [
        ("trailing blank", "Origin: x \n"),
        ("trailing tab", "Origin: x\t\n"),
        ("only a blank", " \n"),
    ] {
        corpus.refuse("A25", name, sign(text), "line 4: trailing blank");
    }
    corpus.refuse(
        "A25",
        "trailing no-break space",
        sign("Origin: x\u{a0}\n"),
        "line 4: trailing blank",
    );
    let mut latin1 = sound().into_bytes();
    latin1[60] = 0xe9;
    corpus.refuse("A25", "not UTF-8", latin1, "line 4: not UTF-8");
    corpus.accept("A25", "UTF-8 and a tab inside", sign("Origin:\tD\u{e9}bian\n\n\nLabel: x\n"));
    let no_text = sound().replace(RELEASE, "");
    corpus.refuse("A25", "no text", no_text, "line 4: the signed text is empty");
    corpus.accept("A37", "a line of 200 kB", sign(&format!("Origin: {}\n", "x".repeat(200_000))));
}

fn other_files(corpus: &mut Corpus) {
    let portal = "the answer is a web page (captive portal or proxy?)";
    corpus.refuse(
        "A36",
        "captive portal",
        "<!DOCTYPE html>\n<html><body>Log in</body></html>\n",
        portal,
    );
    corpus.refuse("A36", "page after blanks", "\r\n\r\n  <HTML><HEAD>", portal);
    corpus.refuse(
        "A36",
        "directory listing",
        "<html>\n<head><title>Index of /debian</title></head>\n",
        portal,
    );
    let inline = armor("MESSAGE", &packet(11, b"t\0\0\0\0\0Origin: Debian\n"));
    corpus.refuse("A36", "inline-signed", inline, "not a clear-signed message");
    corpus.refuse(
        "A36",
        "detached signature",
        armor("SIGNATURE", &good(trusted())),
        "not a clear-signed message",
    );
    corpus.refuse("A36", "detached binary", good(trusted()), "got binary data");
    corpus.refuse("A36", "empty file", "", "the file is empty");
    corpus.refuse("A36", "1 MB of zeros", vec![0; 1_000_000], "got binary data");
    corpus.refuse("A36", "an error in words", "404 Not Found\n", "not signed");
}
