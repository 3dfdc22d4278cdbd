//! One fact changed at a time, and the finding that follows. Pure.

use super::*;
use crate::audit::facts::{ArchiveKey, Disk, Held, Host, Locked, Rust, Suite};

const NOW: i64 = 1_795_600_000; // 2026-11-25

fn pins() -> Pins {
    Pins::parse("versions.toml", include_str!("../../../versions.toml")).unwrap()
}

fn policy() -> Policy {
    Policy { severities: BTreeMap::new(), max_age: 35, now: NOW }
}

fn good() -> Facts {
    let suite = |name: &str, durable, days: i64| Suite {
        name: name.to_owned(),
        durable,
        date: NOW - days * DAY,
        valid_until: Some(NOW + DAY),
        signers: Vec::new(),
    };
    let key = |suite: &str| ArchiveKey {
        suite: suite.to_owned(),
        fingerprint: "AB12".to_owned(),
        name: "Archive Key".to_owned(),
        expires: Some(NOW + 1000 * DAY),
    };
    let version = |text: &str| Some(text.to_owned());
    let toolchain = Toolchain {
        target: "x86_64-unknown-linux-gnu".to_owned(),
        release: "bookworm".to_owned(),
        glibc: version("2.36"),
        gcc: version("12"),
        clang: version("19.1.7"),
        lld: version("19.1.7"),
        ar: version("19.1.7"),
        readelf: version("19.1.7"),
        ..Toolchain::default()
    };
    Facts {
        release: "bookworm".to_owned(),
        checked: Checked::Online,
        unchecked_because: None,
        refused: None,
        suites: vec![suite("bookworm", true, 2000), suite("bookworm-security", false, 2)],
        keys: vec![key("bookworm"), key("bookworm-updates")],
        lock: Locked { packages: 45, date: Some(NOW - DAY), behind: None },
        toolchains: vec![toolchain],
        updates: Vec::new(),
        held: Vec::new(),
        host: Host::default(),
        disk: Disk { pool: 0, free: Some(1 << 40) },
        log_damaged: Vec::new(),
        log_broken: Vec::new(),
    }
}

fn found(edit: impl FnOnce(&mut Facts)) -> Vec<(&'static str, Severity, String)> {
    let mut facts = good();
    edit(&mut facts);
    let findings = judge(&facts, &pins(), &policy());
    findings.into_iter().map(|f| (f.code, f.severity, f.message)).collect()
}

/// The one finding.
fn only(edit: impl FnOnce(&mut Facts)) -> (&'static str, Severity, String) {
    let mut list = found(edit);
    assert_eq!(list.len(), 1, "{list:?}");
    list.remove(0)
}

#[test]
fn good_facts_and_an_old_durable_suite_give_no_finding() {
    assert_eq!(found(|_| {}), []);
    assert_eq!(found(|facts| facts.lock.date = None), [], "only durable suites are locked");
}

#[test]
fn differences_name_both_values() {
    let (code, severity, text) = only(|f| f.toolchains[0].glibc = Some("2.37".to_owned()));
    assert_eq!((code, severity), ("glibc-differs", Error));
    assert_eq!(text, "x86_64-unknown-linux-gnu: glibc: expected 2.36 (versions.toml), got 2.37");
    let lld = only(|f| f.toolchains[0].lld = Some("21.1.0".to_owned()));
    assert_eq!((lld.0, lld.1), ("lld-differs", Error));
    assert_eq!(only(|f| f.toolchains[0].ar = Some("18.1.8".to_owned())).0, "binutils-differs");
    assert_eq!(only(|f| f.toolchains[0].clang = None).0, "tool-silent");
    assert_eq!(only(|f| f.toolchains[0].qemu = Some(None)).0, "tool-silent");
    let brew = |f: &mut Facts| {
        f.host.formulae =
            vec![("llvm@19".to_owned(), Some("20.1.8".to_owned())), ("qemu".to_owned(), None)];
    };
    assert_eq!(only(brew).2, "Homebrew's llvm@19: expected 19, got 20.1.8");
}

#[test]
fn p05_a_key_that_expires_within_180_days_is_told_once_with_its_day_and_suites() {
    let (code, severity, text) =
        only(|f| f.keys.iter_mut().for_each(|key| key.expires = Some(NOW + 179 * DAY)));
    assert_eq!((code, severity), ("key-expires", Warning));
    assert_eq!(
        text,
        "the key AB12 (Archive Key) for bookworm, bookworm-updates expires on 2027-05-23"
    );
    assert_eq!(
        found(|f| f.keys.iter_mut().for_each(|key| key.expires = Some(NOW + 181 * DAY))),
        []
    );
}

#[test]
fn ages_are_judged_by_the_day_and_only_of_suites_that_change() {
    assert_eq!(only(|f| f.suites[1].date = NOW - 36 * DAY).0, "release-stale");
    assert_eq!(found(|f| f.suites[1].date = NOW - 35 * DAY), []);
    assert_eq!(only(|f| f.suites[1].valid_until = Some(NOW - 1)).0, "release-expired");
    assert_eq!(only(|f| f.suites[1].valid_until = None).0, "release-without-expiry");
    assert_eq!(only(|f| f.lock.date = Some(NOW - 36 * DAY)).0, "lock-old");
}

#[test]
fn support_is_judged_a_year_before_its_end_and_after_it() {
    let code = |date: &str| {
        let mut pins = pins();
        pins.releases.get_mut("bookworm").unwrap().support_ends = Some(date.to_owned());
        judge(&good(), &pins, &policy()).first().map(|finding| (finding.code, finding.severity))
    };
    assert_eq!(code("2028-06-30"), None);
    assert_eq!(code("2027-11-24"), Some(("support-ends", Warning)));
    assert_eq!(code("2026-11-24"), Some(("support-ended", Error)));
}

#[test]
fn what_is_held_back_on_purpose_is_one_note_a_part() {
    let held = |part: &str, name: &str| Held {
        release: "bookworm".to_owned(),
        part: part.to_owned(),
        name: name.to_owned(),
        architectures: vec!["amd64".to_owned()],
        durable: "1".to_owned(),
        newer: "2".to_owned(),
        suite: "bookworm-security".to_owned(),
    };
    let list = found(|f| {
        f.held = vec![held("llvm", "libssl3"), held("llvm", "libssl-x"), held("kernel", "linux")];
    });
    assert_eq!(list.len(), 2, "{list:?}");
    assert_eq!((list[0].0, list[0].1), ("durable-superseded", Note));
    assert!(list[0].2.contains("[kernel]") && list[1].2.contains("libssl3, libssl-x 1 → 2 ("));
}

#[test]
fn rust_is_told_to_lack_a_target_only_where_it_is_there() {
    let rust = |targets: &[&str]| Rust {
        version: "1.95.0".to_owned(),
        targets: targets.iter().map(|target| (*target).to_owned()).collect(),
        has_rustup: true,
        ..Rust::default()
    };
    let x86 = "x86_64-unknown-linux-gnu";
    assert_eq!(found(|f| f.host.rust = Some(rust(&[x86]))), []);
    let (code, severity, text) = only(|f| f.host.rust = Some(rust(&["aarch64-apple-darwin"])));
    assert_eq!((code, severity), ("rust-target-missing", Warning));
    assert!(text.ends_with(x86), "{text}");
}

#[test]
fn the_users_word_decides_how_much_a_finding_matters() {
    let mut facts = good();
    facts.lock.date = Some(0);
    let mut policy = policy();
    policy.severities.insert("lock-old".to_owned(), Some(Error));
    assert_eq!(judge(&facts, &pins(), &policy)[0].severity, Error);
    policy.severities.insert("lock-old".to_owned(), None);
    assert_eq!(judge(&facts, &pins(), &policy), []);
}
