//! Rows A01 to A39 of `docs/faults.md`: what the verifier of `InRelease` accepts and what it
//! refuses, with the words in which it says so.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::support::corpus::{
    self, Case, NOW, RELEASE, good, keyring, sound, stranger, trusted, trusted_rsa,
};
use crate::support::signer::{Draft, TEXT, cleartext, sign_cleartext};
use proptest::prelude::*;
use reml_toolchain::debian::openpgp::{Keyring, SignatureError, SuiteKeys, Verified, verify};
use reml_toolchain::host::fault::{Fault, Kind};

/// What becomes of one case: the text, or the whole chain of words.
fn judge(case: &Case) -> Result<Verified, Fault> {
    let keyring = Keyring::read(&case.keyring, "keys.gpg")?;
    Ok(verify(&case.message, &keyring.for_suite("bookworm"), NOW)?)
}

/// Verifies with the trusted keys of the corpus.
fn verify_now(message: &[u8]) -> Result<Verified, SignatureError> {
    static KEYS: LazyLock<SuiteKeys> = LazyLock::new(|| {
        let keyring = Keyring::read(&keyring(), "keys.gpg").unwrap();
        keyring.for_suite("bookworm")
    });
    verify(message, &KEYS, NOW)
}

/// Checks all cases of a row.
fn check(row: &str) {
    let mut count = 0;
    for case in corpus::all().iter().filter(|case| case.row == row) {
        count += 1;
        let name = format!("{row}, {}", case.name);
        match (judge(case), case.expected) {
            (Ok(verified), Ok(())) => {
                let begins = format!("\n\n{}-----BEGIN PGP SIGNATURE", verified.text);
                let message = String::from_utf8(case.message.clone()).unwrap();
                assert!(message.contains(&begins), "{name}: other text than in the file");
            }
            (Err(fault), Err(part)) => {
                let message = fault.to_string();
                assert!(message.contains(part), "{name}: {message}");
                assert_eq!(fault.kind(), Kind::Integrity, "{name}");
                assert!(!fault.hints().is_empty(), "{name}");
            }
            (Ok(_), Err(part)) => panic!("{name}: accepted, expected an error with {part:?}"),
            (Err(fault), Ok(())) => panic!("{name}: refused: {fault}"),
        }
    }
    assert!(count > 0, "{row} has no case");
}

/// One test a row.
macro_rules! rows {
    ($($row:literal $name:ident,)*) => {
        const ROWS: &[&str] = &[$($row),*];
        $(#[test] fn $name() { check($row); })*
    };
}

rows! {
    "A01" a01_a_plain_release_is_not_signed,
    "A02" a02_unknown_keys_are_listed_with_the_trusted_ones,
    "A03" a03_good_with_an_unknown_one_is_accepted,
    "A04" a04_unknown_first_then_good_is_accepted,
    "A05" a05_a_bad_signature_beside_a_good_one_is_fatal,
    "A07" a07_an_expired_key_is_refused_with_its_date,
    "A08" a08_a_signature_does_not_outlive_its_key,
    "A09" a09_revoked_keys_are_refused,
    "A10" a10_subkeys_must_be_bound_flagged_and_alive,
    "A11" a11_a_signature_older_than_its_key_is_refused,
    "A12" a12_a_signature_from_the_future_shows_both_clocks,
    "A13" a13_an_expired_signature_is_refused,
    "A14" a14_weak_digests_are_refused_by_name,
    "A15" a15_weak_and_foreign_algorithms_are_refused,
    "A17" a17_data_before_the_message_is_refused,
    "A18" a18_data_after_the_message_is_refused,
    "A19" a19_two_messages_are_refused,
    "A20" a20_blanks_in_blank_lines_are_refused,
    "A21" a21_markers_have_one_spelling,
    "A22" a22_armor_headers_but_hash_are_refused,
    "A23" a23_the_hash_header_must_name_the_digest,
    "A24" a24_lines_that_begin_with_a_dash_are_refused,
    "A25" a25_odd_characters_are_refused_with_their_line,
    "A26" a26_cut_off_files_are_refused,
    "A27" a27_empty_or_other_armor_is_refused,
    "A28" a28_several_blocks_are_refused,
    "A29" a29_malformed_packets_are_refused,
    "A30" a30_other_types_of_signature_are_refused,
    "A31" a31_other_versions_are_ignored,
    "A32" a32_unknown_critical_subpackets_void_their_signature,
    "A33" a33_a_forged_issuer_is_refused,
    "A34" a34_what_is_not_covered_is_only_a_hint,
    "A35" a35_floods_get_the_right_verdict,
    "A36" a36_other_files_are_named_for_what_they_are,
    "A37" a37_a_line_of_200_kb_is_accepted,
    "A38" a38_nested_messages_are_refused,
    "A39" a39_base64_has_one_spelling,
}

#[test]
fn every_row_of_the_corpus_has_its_test() {
    for case in corpus::all() {
        assert!(ROWS.contains(&case.row), "{}", case.row);
    }
    assert!(corpus::all().len() >= 73);
}

#[test]
fn the_verified_text_is_the_signed_text_and_the_signers_are_named() {
    let both = corpus::message(&[good(trusted()), good(trusted_rsa()), good(stranger())]);
    let verified = verify_now(both.as_bytes()).unwrap();
    assert_eq!(verified.text, RELEASE);
    let signers: Vec<_> = verified.signatures.iter().map(|good| good.fingerprint.0).collect();
    assert_eq!(signers, [trusted().fingerprint(), trusted_rsa().fingerprint()]);
    assert_eq!(verified.signatures[1].name, "Trusted RSA <rsa@example.org>");
    assert_eq!(verified.signatures[1].created, corpus::SIGNED);
}

#[test]
fn a02_the_message_lists_what_was_seen_and_what_is_trusted() {
    let error = verify_now(corpus::message(&[good(stranger())]).as_bytes()).unwrap_err();
    let expected = format!(
        "signed by unknown keys only: expected {}, {}, got {}",
        trusted().fingerprint_hex(),
        trusted_rsa().fingerprint_hex(),
        stranger().fingerprint_hex()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a12_a_clock_one_day_behind_is_tolerated() {
    let message = sign_cleartext(RELEASE, trusted(), NOW + 86_400);
    verify_now(message.as_bytes()).unwrap();
}

/// A generator of numbers that is the same at each run (xorshift, Marsaglia 2003).
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 1).unwrap()
}

#[test]
fn a16_1000_random_bit_flips_of_debians_own_file_are_refused() {
    let file = include_bytes!("../data/inrelease/bookworm-security");
    let keys = Keyring::debian().for_suite("bookworm-security");
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..1000 {
        let bit = random(&mut state) % (file.len() * 8);
        let mut flipped = file.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&flipped, &keys, NOW).is_err(), "bit {bit} flipped, and accepted");
    }
}

#[test]
fn a16_every_bit_flip_of_a_message_without_checksum_is_refused() {
    let mut lines: Vec<_> = sound().lines().map(|line| format!("{line}\n")).collect();
    let checksum = lines.remove(lines.len() - 2);
    assert!(checksum.starts_with('='));
    let message = lines.concat().into_bytes();
    assert!(verify_now(&message).is_ok());
    for bit in 0..message.len() * 8 {
        let mut flipped = message.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(verify_now(&flipped).is_err(), "bit {bit} flipped, and accepted");
    }
}

#[test]
fn a26_a_message_cut_anywhere_is_refused() {
    let message = sound();
    for end in 0..message.len() {
        assert!(verify_now(&message.as_bytes()[..end]).is_err(), "cut at {end}");
    }
}

/// How long one verdict may take. Without optimisation only the order of growth is judged.
const PATIENCE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2000 } else { 100 });

#[test]
fn a35_floods_are_judged_in_time() {
    for case in corpus::all().iter().filter(|case| case.row == "A35") {
        let start = Instant::now();
        let accepted = verify_now(&case.message).is_ok();
        let elapsed = start.elapsed();
        println!("A35, {}: accepted {accepted} after {elapsed:?}", case.name);
        assert!(elapsed < PATIENCE, "{}: {elapsed:?}", case.name);
    }
}

#[test]
fn a37_ten_megabytes_are_accepted_and_not_one_byte_more() {
    let key = trusted();
    let sign = |length: usize| {
        let text = format!("Origin: Debian\n{}\n", "0123456\n".repeat(length / 8));
        sign_cleartext(&(text + &"x".repeat(length % 8) + "\n"), key, corpus::SIGNED)
    };
    // The numbers of a signature may be a byte shorter or longer: try around the guess.
    let guess = 10_000_000 - sign(0).len();
    let mut message = (guess - 6..guess + 6).map(sign).find(|m| m.len() == 10_000_000).unwrap();
    assert_eq!(verify_now(message.as_bytes()).unwrap().signatures.len(), 1);
    message.push('\n');
    let error = verify_now(message.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "larger than 10 MB: expected at most 10000000 bytes, got 10000001");
}

/// One change of a message, at places that are taken modulo its length.
#[derive(Debug, Clone)]
enum Change {
    Flip(usize, u8),
    Delete(usize, usize),
    Insert(usize, Vec<u8>),
    Copy(usize, usize, usize),
    SwapLines(usize, usize),
}

impl Change {
    fn apply(&self, message: &mut Vec<u8>) {
        let length = message.len().max(1);
        match self {
            Self::Flip(place, bits) if !message.is_empty() => message[place % length] ^= bits,
            Self::Delete(start, count) => {
                let start = start % length;
                message.drain(start.min(message.len())..(start + count % 80).min(message.len()));
            }
            Self::Insert(place, bytes) => {
                let place = (place % length).min(message.len());
                message.splice(place..place, bytes.iter().copied());
            }
            Self::Copy(from, count, to) => {
                let from = (from % length).min(message.len());
                let piece = message[from..(from + count % 400).min(message.len())].to_vec();
                let to = (to % length).min(message.len());
                message.splice(to..to, piece);
            }
            Self::SwapLines(one, other) => {
                let mut lines: Vec<_> = message.split_inclusive(|byte| *byte == b'\n').collect();
                let count = lines.len().max(1);
                if !lines.is_empty() {
                    lines.swap(one % count, other % count);
                }
                *message = lines.concat();
            }
            Self::Flip(..) => {}
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let place = 0..100_000usize;
    let change = prop_oneof![
        (place.clone(), 1..=255u8).prop_map(|(place, bits)| Change::Flip(place, bits)),
        (place.clone(), place.clone()).prop_map(|(start, count)| Change::Delete(start, count)),
        (place.clone(), proptest::collection::vec(any::<u8>(), 1..8))
            .prop_map(|(place, bytes)| Change::Insert(place, bytes)),
        (
            place.clone(),
            proptest::sample::select(vec!["\n", " ", "- ", "=", "\r", "Hash: SHA256\n"])
        )
            .prop_map(|(place, text)| Change::Insert(place, text.as_bytes().to_vec())),
        (place.clone(), place.clone(), place.clone())
            .prop_map(|(from, count, to)| Change::Copy(from, count, to)),
        (place.clone(), place).prop_map(|(one, other)| Change::SwapLines(one, other)),
    ];
    proptest::collection::vec(change, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Any change may lose a signature, but never the text.
    #[test]
    fn a16_whatever_is_accepted_has_the_text_that_was_signed(changes in changes()) {
        let draft = Draft::new(TEXT, stranger(), NOW);
        let other = stranger().sign(&draft, b"anything");
        let with_checksum = cleartext(RELEASE, "SHA256", &[good(trusted()), other].concat());
        let without: Vec<_> = with_checksum.lines().filter(|line| !line.starts_with('=')).collect();
        let mut message = (without.join("\n") + "\n").into_bytes();
        for change in &changes {
            change.apply(&mut message);
        }
        if let Ok(verified) = verify_now(&message) {
            prop_assert_eq!(verified.text, RELEASE);
            prop_assert_eq!(verified.signatures.len(), 1);
        }
    }
}
