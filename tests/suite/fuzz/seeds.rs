//! The seeds that builders make: signed messages, packets, archives. Those of text stand
//! in `tests/data/corpus` alone.

use crate::support::archive::{Compression, DebBuilder, Header, TarBuilder};
use crate::support::certs;
use crate::support::corpus::{self, good, stranger, trusted, trusted_rsa};
use crate::support::signer::certificate;

/// The largest seed: small ones are run more often.
const MOST: usize = 4096;

/// Target, file name, content.
pub(super) fn all() -> Vec<(String, String, Vec<u8>)> {
    let mut seeds: Vec<(String, String, Vec<u8>)> = Vec::new();
    let mut add = |target: &str, name: &str, bytes: Vec<u8>| {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        // The number keeps names apart which are equal without their odd characters.
        let name = format!("{:03}-{}", seeds.len(), name.chars().map(plain).collect::<String>());
        seeds.push((target.to_owned(), name, bytes));
    };
    let keyring = corpus::keyring();
    for case in corpus::all().iter().filter(|case| case.keyring == keyring) {
        // What is accepted with another text would look like a forgery to the target.
        let other = case.expected.is_ok()
            && !case
                .message
                .windows(corpus::RELEASE.len())
                .any(|w| w == corpus::RELEASE.as_bytes());
        if case.message.len() <= MOST && !other {
            add("clearsign", &format!("{} {}", case.row, case.name), case.message.clone());
        }
    }
    let (ours, rsa, other) = (good(trusted()), good(trusted_rsa()), good(stranger()));
    add("packets", "all three", [&ours[..], &rsa, &other].concat());
    add("packets", "ed25519", ours);
    add("packets", "rsa", rsa);
    add("packets", "keyring", keyring);
    add("packets", "certificate", certificate(trusted(), "Trusted"));
    add("packets", "expiring", certs::expiring(trusted(), 1000));
    add("packets", "revoked", certs::revoked(trusted()));
    add("packets", "revoked by another", certs::revoked_by_another(trusted(), stranger()));
    add("packets", "certified", certs::certified_by(trusted(), stranger()));
    let tree = TarBuilder::new()
        .root()
        .dir("usr")
        .file("usr/a", b"content")
        .symlink("usr/l", "../usr/a")
        .hardlink("usr/h", "usr/a");
    let end = |tar: TarBuilder| tar.zeros(2).build_unended();
    add("tar", "tree", end(tree.clone()));
    add("tar", "long names", end(tree.file(&"n".repeat(150), b"x").symlink("s", &"t".repeat(120))));
    let mut ustar = Header::new("b", b'0');
    (ustar.magic, ustar.prefix) = (Header::USTAR, b"usr/share".to_vec());
    add("tar", "ustar", end(TarBuilder::new().entry(ustar, b"y")));
    add("tar", "pax", end(TarBuilder::new().entry(Header::new("p", b'x'), b"9 path=x\n")));
    add("tar", "device", end(TarBuilder::new().entry(Header::new("dev", b'3'), b"")));
    let deb = DebBuilder::new("probe", "1.0-1", "amd64").dir("usr").file("usr/a", b"content");
    for compression in [Compression::Gzip, Compression::Xz, Compression::Zstd] {
        let name = format!("deb {}", compression.suffix());
        add("ar", &name, deb.clone().compression(compression).build());
    }
    let small = crate::support::archive::ar(&[("debian-binary", b"2.0\n"), ("odd", b"abc")]);
    add("ar", "small", small);
    seeds
}
