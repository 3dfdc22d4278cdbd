//! The table of Debian's archive keys: derived again from Debian's own keyring and compared
//! with what is compiled in, so that nobody has to believe the table.

use std::fmt::Write as _;
use std::fs;

use reml_toolchain::debian::openpgp::{Fingerprint, Key, KeyMaterial, Keyring};

/// `/usr/share/keyrings/debian-archive-keyring.gpg` of the package named below.
const KEYRING: &[u8] = include_bytes!("../data/debian-archive-keyring.gpg");
const PACKAGE: &str = "debian-archive-keyring 2023.3+deb12u2 (2025-04-09)";
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/debian/openpgp/keys_debian.rs");

/// Which kind of key may sign what: read off the user id which Debian gave it. The
/// automatic keys sign their own release and its neighbours (as measured on the mirrors:
/// bookworm-security carries the keys 11 and 12, trixie those of 12 and 13), a stable
/// release key signs its own release only.
fn scope(name: &str) -> (&'static str, &'static str) {
    let roles = [
        ("Debian Archive Automatic Signing Key (", "Archive"),
        ("Debian Security Archive Automatic Signing Key (", "Security"),
        ("Debian Stable Release Key (", "Release"),
    ];
    let find = |(prefix, role)| name.strip_prefix(prefix).map(|rest| (rest, role));
    let (rest, role) = roles.into_iter().find_map(find).expect(name);
    let releases = match (role, &rest[..3]) {
        ("Release", "11/") => "\"bullseye\"",
        ("Release", "12/") => "\"bookworm\"",
        ("Release", "13/") => "\"trixie\"",
        (_, "11/") => "\"bullseye\", \"bookworm\"",
        (_, "12/") => "\"bullseye\", \"bookworm\", \"trixie\"",
        (_, "13/") => "\"bookworm\", \"trixie\"",
        _ => panic!("{name}: a release that has no row here"),
    };
    (role, releases)
}

/// The keys which sign: of a certificate with a signing subkey only that subkey.
fn signing_keys(keyring: &Keyring) -> Vec<&Key> {
    let has_subkey = |primary: Fingerprint| {
        keyring.keys().iter().any(|key| key.primary == primary && key.fingerprint != primary)
    };
    let is_unused = |key: &Key| key.fingerprint == key.primary && has_subkey(key.primary);
    keyring.keys().iter().filter(|key| !is_unused(key)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

/// The hex digits of a long number as a string literal over several lines.
fn literal(bytes: &[u8]) -> String {
    let digits = hex(bytes);
    let lines: Vec<_> = digits.as_bytes().chunks(96).map(String::from_utf8_lossy).collect();
    lines.join("\\\n")
}

/// A moment as source code: digits in groups.
fn moment(seconds: u64) -> String {
    let digits = seconds.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join("_")
}

/// The day of a moment (UTC), counted through the years and months since 1970.
fn day(seconds: u64) -> String {
    let (mut days, mut year, mut month) = (seconds / 86_400, 1970, 0);
    loop {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if is_leap { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        if days < lengths[month] {
            return format!("{year}-{:02}-{:02}", month + 1, days + 1);
        }
        days -= lengths[month];
        month += 1;
        if month == 12 {
            (year, month) = (year + 1, 0);
        }
    }
}

/// The source code of the table.
fn render(keyring: &Keyring) -> String {
    let mut text = format!(
        "//! The keys that sign Debian's archives, each pinned to its suites. Generated out of\n\
         //! {PACKAGE}; never edited by hand:\n\
         //! `tests/debian_keys.rs` writes it and compares it.\n\n\
         use std::borrow::Cow::Borrowed;\n\n\
         use super::key::KeyMaterial::{{Ed25519, Rsa}};\n\
         use super::key::{{Fingerprint, Key, Role, Scope, hex}};\n\n\
         /// Where the keys come from, for messages.\n\
         pub(super) const SOURCE: &str = {PACKAGE:?};\n\n\
         #[rustfmt::skip]\n\
         pub(super) static KEYS: &[Key] = &[\n"
    );
    for key in signing_keys(keyring) {
        let (role, releases) = scope(&key.name);
        let material = match &key.material {
            KeyMaterial::Rsa { n, e } => format!(
                "Rsa {{\n            n: Borrowed(const {{ &hex::<{}>(\"\\\n{}\") }}),\n            \
                 e: Borrowed(const {{ &hex::<{}>(\"{}\") }}),\n        }}",
                n.len(),
                literal(n),
                e.len(),
                hex(e)
            ),
            KeyMaterial::Ed25519(point) => format!("Ed25519(hex(\"{}\"))", hex(point)),
        };
        let (fingerprint, primary) = (key.fingerprint, key.primary);
        let Key { created, name, .. } = key;
        let expires = key.expires.expect("Debian's keys all expire");
        writeln!(
            text,
            "    Key {{\n        name: Borrowed({name:?}),\n        \
             fingerprint: Fingerprint(hex(\"{fingerprint}\")),\n        \
             primary: Fingerprint(hex(\"{primary}\")),\n        \
             scope: Scope::Debian {{ role: Role::{role}, releases: &[{releases}] }},\n        \
             created: {}, // {}\n        expires: Some({}), // {}\n        \
             material: {material},\n    }},",
            moment(*created),
            day(*created),
            moment(expires),
            day(expires),
        )
        .unwrap();
    }
    text + "];\n"
}

/// With `SNAPSHOTS=overwrite` the table is written instead, as snapbox does with its own.
#[test]
fn the_table_is_what_debians_keyring_says() {
    let keyring = Keyring::read(KEYRING, "debian-archive-keyring.gpg").unwrap();
    let table = render(&keyring);
    if std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
        fs::write(TABLE, &table).unwrap();
    }
    assert_eq!(fs::read_to_string(TABLE).unwrap(), table);
}

#[test]
#[ignore = "needs the package debian-archive-keyring: the step judges of .ci/run"]
fn the_keyring_in_the_tests_is_the_one_which_debian_installs() {
    let installed = fs::read("/usr/share/keyrings/debian-archive-keyring.gpg").unwrap();
    assert!(installed == KEYRING, "Debian's keyring has changed: take it over, write the table");
}

#[test]
fn the_nine_keys_of_three_releases_are_pinned() {
    let keyring = Keyring::debian();
    let rows: Vec<_> = keyring
        .keys()
        .iter()
        .map(|key| format!("{} {} {:?}", key.fingerprint, key.primary, key.material))
        .collect();
    for row in [
        "A7236886F3CCCAAD148A27F80E98404D386FA1D9 1F89983E0081FDE018F3CC9673A4F27B8DD47936 RSA 4096",
        "4CB50190207B4758A3F73A796ED0E7B82643E131 B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8 RSA 4096",
        "B8E5F13176D2A7A75220028078DBA3BC47EF2265 04B54C3CDCA79751B16BC6B5225629DF75B188BD RSA 4096",
        "ED541312A33F1128F10B1C6C54404762BBB6E853 AC530D520F2F3269F5E98313A48449044AAD5C5D RSA 4096",
        "B0CAB9266E8C3929798B3EEEBDE6D2B9216EC7A8 05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0 RSA 4096",
        "89C87ACEA5DD6B8E6A7068808E9F831205B4BA95 5E04A1E3223A19A20706E20F9904613D4CCE68C6 RSA 4096",
        "A4285295FC7B1A81600062A9605C66F00D6C9793 A4285295FC7B1A81600062A9605C66F00D6C9793 RSA 4096",
        "4D64FEC119C2029067D6E791F8D2585B8783D481 4D64FEC119C2029067D6E791F8D2585B8783D481 Ed25519",
        "41587F7DB8C774BCCF131416762F67A0B2C39DE4 41587F7DB8C774BCCF131416762F67A0B2C39DE4 Ed25519",
    ] {
        assert!(rows.iter().any(|have| have == row), "{row}");
    }
    assert_eq!(rows.len(), 9);
}

#[test]
fn every_suite_has_its_keys_and_only_those() {
    let signers = |suite: &str| {
        let keys = Keyring::debian().for_suite(suite);
        let mut names: Vec<_> =
            keys.trusted().iter().map(|key| key.fingerprint.to_string()[..4].to_owned()).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(signers("bullseye"), "4CB5 A428 A723");
    assert_eq!(signers("bookworm"), "4CB5 4D64 A723 B8E5");
    assert_eq!(signers("bookworm-updates"), "4CB5 A723 B8E5");
    assert_eq!(signers("trixie"), "4158 4CB5 B8E5");
    assert_eq!(signers("bullseye-security"), "B0CA ED54");
    assert_eq!(signers("bookworm-security"), "89C8 B0CA ED54");
    assert_eq!(signers("trixie-security"), "89C8 B0CA");
    assert_eq!(signers("sid"), "");
    let release_key = |suite| {
        let keys = Keyring::debian().for_suite(suite);
        keys.release_key().map(|key| key.fingerprint.to_string()[..4].to_owned())
    };
    assert_eq!(release_key("bookworm").as_deref(), Some("4D64"));
    assert_eq!(release_key("bookworm-security"), None);
}
