//! What every fuzz target checks, as plain functions: libFuzzer calls them from
//! `tests/fuzz`, `cargo test` calls them with the mutator of `tests/suite/fuzz.rs`. A body
//! panics when an invariant breaks, and never looks at anything but its bytes.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::LazyLock;

use reml_toolchain::debian::ar::Archive;
use reml_toolchain::debian::control::{Limits, Paragraphs};
use reml_toolchain::debian::deb::Deb;
use reml_toolchain::debian::identity::Identity;
use reml_toolchain::debian::index::{Index, Source};
use reml_toolchain::debian::openpgp::{Fingerprint, Keyring, SuiteKeys, verify};
use reml_toolchain::debian::release::{Allowances, Expectation, Release};
use reml_toolchain::debian::tar::{self, Content, Reader};
use reml_toolchain::debian::value::{MAX_SIZE, check_path};
use reml_toolchain::debian::version::Version;
use reml_toolchain::debian::{date::Timestamp, relation};
use reml_toolchain::host::hash::Digest;
use reml_toolchain::pins::problem::{Problem, Problems};
use reml_toolchain::pins::{Lock, Pins};

/// 2026-11-23 12:00:00 UTC: the time at which messages are judged.
const NOW: u64 = 1_795_435_200;
/// The trusted certificates of the corpus.
pub const KEYRING: &[u8] = include_bytes!("../data/corpus/keyring.gpg");
/// The one text which their owner has signed.
pub const SIGNED: &str = include_str!("../data/corpus/signed.txt");

static TRUSTED: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::read(KEYRING, "keyring.gpg").expect("our own keyring"));

fn keys() -> &'static SuiteKeys {
    static KEYS: LazyLock<SuiteKeys> = LazyLock::new(|| TRUSTED.for_suite("bookworm"));
    &KEYS
}

/// A message is accepted with the text that was signed, or not at all.
pub fn clearsign(data: &[u8]) {
    if let Ok(verified) = verify(data, keys(), NOW) {
        assert_eq!(verified.text, SIGNED, "a text that nobody signed");
        assert!(!verified.signatures.is_empty());
    }
}

/// The bytes are packets: as signatures of a message, and as a keyring. Neither may give
/// trust that the owner of a key has not given.
pub fn packets(data: &[u8]) {
    let block = base64(data);
    let message = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{SIGNED}\
         -----BEGIN PGP SIGNATURE-----\n\n{block}-----END PGP SIGNATURE-----\n"
    );
    clearsign(message.as_bytes());
    let Ok(keyring) = Keyring::read(data, "keys.gpg") else { return };
    let fingerprint = |key: &reml_toolchain::debian::openpgp::Key| key.fingerprint;
    let known: Vec<Fingerprint> = TRUSTED.keys().iter().map(fingerprint).collect();
    for key in keyring.keys() {
        assert!(known.contains(&fingerprint(key)), "a key that never bound itself");
    }
}

/// Base64 in lines of 64, as armor has it.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len() / 3 * 4 + bytes.len() / 48 + 5);
    for (index, group) in bytes.chunks(3).enumerate() {
        let byte = |at| u32::from(group.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * at) & 63) as usize];
            text.push(if at > group.len() { '=' } else { letter.into() });
        }
        if index % 16 == 15 {
            text.push('\n');
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A Release that is read has plain paths and sane sizes, and `check` never panics.
pub fn release(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(release) = Release::parse("InRelease", text) else { return };
    for (path, entry) in &release.files {
        assert_eq!(check_path(path), Ok(()));
        assert!(entry.size <= MAX_SIZE);
        assert!(text.contains(path.as_str()) && text.contains(&entry.sha256.to_string()));
    }
    let expectation = Expectation {
        codename: "bookworm",
        origin: "Debian",
        label: "Debian",
        valid_until_required: true,
        architectures: &["amd64"],
        components: &["main"],
        last_seen: None,
        allow: Allowances::default(),
    };
    let now = Timestamp(NOW.try_into().expect("a year far below the limit"));
    let judged = release.check(&Digest::of(data), &expectation, now);
    if judged.is_ok() {
        assert_eq!((&*release.codename, &*release.origin), ("bookworm", "Debian"));
        assert!(release.valid_until.is_some_and(|until| until >= now));
        assert!(release.date.0 <= now.0 + 86_400);
    }
}

/// A package that is chosen from an index can be asked for and be put into the lock.
pub fn packages(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let sources = [Source { suite: "bookworm", file: "Packages", text }];
    let Ok(index) = Index::build("amd64", &sources) else { return };
    for name in index.names() {
        let versions = index.versions(name);
        for entry in versions {
            let Ok(package) = index.package(entry) else { continue };
            assert_eq!((package.name.as_str(), entry.name()), (name, name));
            assert_eq!(package.version.as_str(), entry.version());
            assert_eq!(check_path(&package.filename), Ok(()));
            assert!((1..=MAX_SIZE).contains(&package.size));
            assert!(package.architecture == "amd64" || package.architecture == "all");
        }
    }
}

/// Fields come out once, in order, with the line they stand in.
pub fn control(data: &[u8]) {
    let _ = Identity::parse(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines: Vec<&str> = text.split('\n').collect();
    for limits in [Limits::PACKAGES, Limits { paragraph: 200, line: 40, fields: 4 }] {
        let Ok(paragraphs) = Paragraphs::new("control", text, limits) else { return };
        let mut last = 0;
        for paragraph in paragraphs.map_while(Result::ok) {
            let Ok(fields) = paragraph.distinct_fields() else { continue };
            assert!(fields.len() <= limits.fields);
            for field in fields {
                assert!(field.line > last, "lines only go up");
                last = field.line;
                let line = lines[field.line - 1];
                assert!(line.starts_with(field.name) && line.len() <= limits.line);
                assert_eq!(field.lines().count() > 1, field.is_folded());
            }
        }
    }
}

/// The order of versions is one, and it is dpkg's.
pub fn versions(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parsed: Vec<Version> =
        text.split('\n').take(3).filter_map(|line| Version::parse(line).ok()).collect();
    for version in &parsed {
        assert_eq!(version.cmp(version), Ordering::Equal);
        assert!(text.split('\n').any(|line| line == version.to_string()));
        let revision = version.revision().map(|text| format!("-{text}")).unwrap_or_default();
        let parts = format!("{}:{}{revision}", version.epoch(), version.upstream());
        assert_eq!(Version::parse(&parts).as_ref(), Ok(version));
    }
    if let [one, other, ..] = &parsed[..] {
        assert_eq!(one.cmp(other), other.cmp(one).reverse(), "{one} and {other}");
        assert_eq!(one.cmp(other), dpkg_order(one, other), "{one} and {other} by dpkg's rules");
    }
    if let [a, b, c] = &parsed[..]
        && a <= b
        && b <= c
    {
        assert!(a <= c, "{a} ≤ {b} ≤ {c}");
    }
}

/// The order as deb-version(7) puts it into words, written down a second time: character
/// by character instead of run by run.
fn dpkg_order(left: &Version, right: &Version) -> Ordering {
    fn part(left: &str, right: &str) -> Ordering {
        let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
        let rank = |bytes: &[u8]| match bytes.first() {
            None | Some(b'0'..=b'9') => 0,
            Some(b'~') => -1,
            Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
            Some(byte) => i32::from(*byte) + 256,
        };
        let digit = |bytes: &[u8]| bytes.first().is_some_and(u8::is_ascii_digit);
        while !left.is_empty() || !right.is_empty() {
            while (!left.is_empty() && !digit(left)) || (!right.is_empty() && !digit(right)) {
                match rank(left).cmp(&rank(right)) {
                    Ordering::Equal => (left, right) = (&left[1..], &right[1..]),
                    order => return order,
                }
            }
            while left.first() == Some(&b'0') {
                left = &left[1..];
            }
            while right.first() == Some(&b'0') {
                right = &right[1..];
            }
            let mut first = Ordering::Equal;
            while digit(left) && digit(right) {
                first = first.then(left[0].cmp(&right[0]));
                (left, right) = (&left[1..], &right[1..]);
            }
            match (digit(left), digit(right)) {
                (true, _) => return Ordering::Greater,
                (_, true) => return Ordering::Less,
                _ if first.is_ne() => return first,
                _ => {}
            }
        }
        Ordering::Equal
    }
    left.epoch()
        .cmp(&right.epoch())
        .then_with(|| part(left.upstream(), right.upstream()))
        .then_with(|| part(left.revision().unwrap_or(""), right.revision().unwrap_or("")))
}

/// What is read of a relation is what it says when it is written.
pub fn relation(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(groups) = relation::parse_groups(text) {
        let spelled: Vec<String> = groups.iter().map(ToString::to_string).collect();
        assert_eq!(relation::parse_groups(&spelled.join(", ")).as_ref(), Ok(&groups));
        assert!(groups.iter().all(|group| !group.0.is_empty()));
    }
    if let Ok(provided) = relation::parse_provides(text) {
        for one in provided {
            assert!(text.contains(&one.name));
        }
    }
}

/// The most that the bodies let out of an archive, in bytes.
const LIMIT: u64 = 1 << 20;

/// A container gives at most the bytes it has, and its tar archives keep their rules.
pub fn ar(data: &[u8]) {
    if let Ok(mut archive) = Archive::open(data) {
        let mut total = 0;
        while let Ok(Some(member)) = archive.advance() {
            let mut content = Vec::new();
            if archive.read_to_end(&mut content).is_err() {
                break;
            }
            assert_eq!(content.len() as u64, member.size);
            assert!(!member.name.is_empty() && !member.name.contains('/'));
            total += content.len() + 60;
            assert!(total <= data.len(), "more bytes than the archive has");
        }
    }
    let Ok(mut deb) = Deb::open(data) else { return };
    assert!(!deb.identity().package.is_empty());
    let limits = tar::Limits { members: 100, bytes: LIMIT };
    let read = deb.data(LIMIT, limits).map(|mut reader| {
        let mut total = 0;
        while let Ok(Some(member)) = reader.advance() {
            check_member(&member);
            let count = &mut |piece: &[u8]| {
                total += piece.len() as u64;
                Ok::<(), tar::TarError>(())
            };
            if reader.copy(count).is_err() {
                break;
            }
            assert!(total <= LIMIT, "more than the limit came out");
        }
    });
    if read.is_ok() {
        let _ = deb.finish();
    }
}

fn check_member(member: &tar::Member) {
    let tame = |path: &str| {
        path.split('/').all(|step| !matches!(step, "" | "." | "..")) && path.len() <= 4096
    };
    let plain = |text: &str| !text.chars().any(char::is_control);
    let root = member.path.is_empty() && member.content == Content::Directory;
    assert!(root || tame(&member.path), "{:?}", member.path);
    assert!(plain(&member.path));
    match &member.content {
        Content::HardLink { target } => assert!(tame(target) && plain(target)),
        Content::Symlink { target } => assert!(!target.is_empty() && plain(target)),
        Content::File { .. } | Content::Directory => {}
    }
}

/// What is accepted to its end is read alike by another reader: no parser differential.
/// Checksums are set right first, so that a changed header is looked at.
pub fn tar(data: &[u8]) {
    let archive = seal(data);
    let mut ours = Vec::new();
    let mut reader = Reader::new(&archive[..], tar::Limits { members: 100, bytes: 1 << 20 });
    loop {
        match reader.advance() {
            Ok(Some(member)) => {
                check_member(&member);
                let mut content = Vec::new();
                let mut take = |piece: &[u8]| {
                    content.extend_from_slice(piece);
                    Ok::<(), tar::TarError>(())
                };
                if reader.copy(&mut take).is_err() {
                    return;
                }
                assert!(content.len() <= archive.len());
                ours.push((member, content));
            }
            Ok(None) => break,
            Err(_) => return,
        }
    }
    let mut other = ::tar::Archive::new(&archive[..]);
    let entries = other.entries().expect("an archive in memory");
    let mut theirs = entries.map(|entry| entry.expect("we have accepted it"));
    for (member, content) in &ours {
        let mut entry = theirs.next().expect("we have seen a further member");
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = path.strip_prefix("./").unwrap_or(&path);
        let directory = member.content == Content::Directory;
        let path = path.strip_suffix('/').filter(|_| directory).unwrap_or(path);
        assert_eq!(if directory && path == "." { "" } else { path }, member.path);
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("we have read it");
        assert!(bytes == *content, "{}: other content", member.path);
        if let Content::Symlink { target } | Content::HardLink { target } = &member.content {
            let link = entry.link_name_bytes().expect("a link has a target");
            let link = String::from_utf8_lossy(&link);
            let hard = matches!(member.content, Content::HardLink { .. });
            assert_eq!(link.strip_prefix("./").filter(|_| hard).unwrap_or(&link), target);
        }
    }
    assert!(theirs.next().is_none(), "the other reader finds a further member");
}

/// The archive with a right checksum in each block that looks like a header.
fn seal(data: &[u8]) -> Vec<u8> {
    let mut archive = data.to_vec();
    for block in archive.chunks_exact_mut(512).filter(|block| &block[257..262] == b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    archive
}

fn check_problems(problems: &Problems, text: &str) {
    let list: &[Problem] = problems.list();
    assert!(!list.is_empty(), "refused without a reason");
    let lines = text.split('\n').count();
    for problem in list {
        assert!((1..=lines).contains(&problem.line) && problem.column >= 1, "{problem:?}");
        assert!(!problem.excerpt.chars().any(char::is_control));
    }
}

/// Pins are usable, or every reason why not has its place.
pub fn pins(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Pins::parse("versions.toml", text) {
        Err(problems) => check_problems(&problems, text),
        Ok(pins) => {
            assert!(pins.release(&pins.release).is_some());
            for (name, release) in &pins.releases {
                assert!(!name.is_empty() && !name.contains(['/', '.']));
                assert!(release.suites.contains(&release.durable));
                assert!(release.glibc.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
            }
            let mirrors = &pins.mirrors;
            for url in mirrors.main.iter().chain(&mirrors.security).chain([&mirrors.snapshot]) {
                assert!(url.starts_with("http://") || url.starts_with("https://"), "{url}");
            }
        }
    }
}

/// A lock is what `sha256sum --check` would read, and it survives being written.
pub fn checksums(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lock = match Lock::parse("checksums.txt", text) {
        Err(problems) => return check_problems(&problems, text),
        Ok(lock) => lock,
    };
    let rendered = lock.render();
    let again = Lock::parse("checksums.txt", &rendered).expect("what we wrote ourselves");
    assert_eq!(again, lock);
    assert_eq!(again.render(), rendered);
    let mut plain = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (hash, path) = line.split_at(64);
        let before = plain.insert(path[2..].to_owned(), hash.to_ascii_lowercase());
        assert!(before.is_none_or(|before| before == hash.to_ascii_lowercase()), "two hashes");
    }
    let packages = lock.packages.iter().map(|(path, package)| (path, package.sha256));
    let archives = lock.archives.iter().map(|(path, archive)| (path, archive.sha256));
    let ours: BTreeMap<String, String> =
        packages.chain(archives).map(|(path, hash)| (path.clone(), hash.to_string())).collect();
    assert_eq!(ours, plain);
}
