use serde_json::json;

use super::*;
use crate::host::hash::Digest;

fn reading(lines: Vec<Value>) -> Reading {
    Reading { lines: (1..).zip(lines).collect(), ..Reading::default() }
}

fn measured(time: &str) -> Value {
    json!({
        "schema": 1, "time": time, "command": "link", "target": "x86_64-unknown-linux-gnu",
        "versions": {}, "milliseconds": { "total": 7 }, "exit_status": 0,
    })
}

#[test]
fn lines_that_cannot_be_used_are_counted_and_named() {
    let mut newer = measured("2026-11-25T07:02:03Z");
    newer["schema"] = json!(2);
    let mut data = Data::default();
    let mut list = reading(vec![
        measured("2026-11-25T07:02:03Z"),
        newer,
        measured("1970-01-01T00:00:00Z"),
        measured("yesterday"),
        json!({ "schema": 1 }),
        measured("2026-11-24T07:02:03Z"),
    ]);
    (list.damaged, list.broken, list.skipped) = (vec![9, 11], vec![4], 5);
    data.add_metrics("metrics.jsonl", list);
    assert_eq!(
        data.runs.iter().map(|run| run.time).collect::<Vec<_>>(),
        [1_795_503_723, 1_795_590_123]
    );
    let unread = &data.unread[0];
    assert_eq!(
        (unread.foreign.as_slice(), unread.damaged.as_slice()),
        ([2, 3, 4, 5].as_slice(), [9, 11].as_slice())
    );
    assert_eq!((unread.broken.as_slice(), unread.skipped), ([4].as_slice(), 5));
    let mut data = Data::default();
    data.add_metrics("metrics.jsonl", reading(vec![measured("2026-11-25T07:02:03Z")]));
    assert!(data.unread.is_empty());
}

#[test]
fn an_audit_of_few_words_is_one_and_of_other_words_is_none() {
    let mut data = Data::default();
    let audit = json!({ "schema": 1, "time": 1_795_590_123, "tool": "0.1.0", "status": "AMBER", "facts": { "checked": "online" } });
    let mut purple = audit.clone();
    purple["status"] = json!("PURPLE");
    data.add_audits("audit.log", reading(vec![audit, purple]));
    assert_eq!((data.audits.len(), data.audits[0].status), (1, Status::Amber));
    assert_eq!(data.unread[0].foreign, [2]);
}

#[test]
fn text_that_would_hide_or_turn_what_follows_becomes_visible() {
    assert_eq!(plain("a\u{202e}b\u{0}c\u{200b}d\ne"), "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e");
    let mut data = Data::default();
    let mut line = measured("2026-11-25T07:02:03Z");
    line["milliseconds"]["\u{202e}step"] = json!(3);
    data.add_metrics("metrics.jsonl", reading(vec![line]));
    assert!(data.runs[0].entry.milliseconds.contains_key("\u{fffd}step"));
}

#[test]
fn sizes_are_summed_by_package_and_by_part_and_links_weigh_nothing() {
    let file = |path: &str, package: &str, size| Line {
        path: path.to_owned(),
        node: Node::File { executable: false, size, seconds: 0, sha256: Digest::of(b"") },
        package: package.to_owned(),
    };
    let link = Line {
        path: "sysroot/lib".to_owned(),
        node: Node::Link { target: "usr/lib".to_owned() },
        package: "libc6_2.36-9_amd64".to_owned(),
    };
    let mut data = Data::default();
    data.add_tree(
        "x86_64-unknown-linux-gnu",
        &[
            file("lib/llvm/bin/clang", "clang-19_1:19.1.7_amd64", 100),
            file("bin/clang", "", 3),
            file("bin/ld", "", 3),
            link,
            file("sysroot/usr/lib/a", "libc6_2.36-9_amd64", 20),
            file("sysroot/usr/lib/b", "zlib1g_1:1.2.13_amd64", 30),
            file("sysroot/usr/lib/c", "libc6_2.36-9_amd64", 20),
        ],
    );
    let tree = &data.trees[0];
    assert_eq!(tree.parts, [("sysroot", 70), ("LLVM", 100), ("files of ours", 3)]);
    let row = |package: &Package| {
        (package.name.clone(), package.version.clone(), package.files, package.bytes)
    };
    let rows: Vec<_> = tree.packages.iter().map(row).collect();
    let expected = [("libc6", "2.36-9", 2, 40), ("zlib1g", "1:1.2.13", 1, 30)];
    assert_eq!(
        rows,
        expected.map(|(name, version, files, bytes)| (
            name.to_owned(),
            version.to_owned(),
            files,
            bytes
        ))
    );
}

#[test]
fn the_facts_of_an_audit_are_read_as_they_are_written() {
    use crate::audit::facts;
    let rust = facts::Rust { version: "1.95.0".to_owned(), ..facts::Rust::default() };
    let host = facts::Host { rust: Some(rust), ..facts::Host::default() };
    let read: Host = serde_json::from_value(serde_json::to_value(host).unwrap()).unwrap();
    assert_eq!(read.rust.unwrap().version, "1.95.0");
    let some = |text: &str| Some(text.to_owned());
    let written = facts::Toolchain {
        target: "t".to_owned(),
        release: "r".to_owned(),
        clang: some("1"),
        lld: some("2"),
        glibc: some("3"),
        gcc: some("4"),
        libstdcxx: some("5"),
        linux: some("6"),
        qemu: Some(some("7")),
        damage: vec!["d".to_owned()],
        drift: vec![("a".to_owned(), "1".to_owned(), "2".to_owned())],
        ..facts::Toolchain::default()
    };
    let read: Toolchain = serde_json::from_value(serde_json::to_value(&written).unwrap()).unwrap();
    let expected = Toolchain {
        target: written.target,
        release: written.release,
        clang: written.clang,
        lld: written.lld,
        glibc: written.glibc,
        gcc: written.gcc,
        libstdcxx: written.libstdcxx,
        linux: written.linux,
        qemu: written.qemu.flatten(),
        damage: written.damage,
        drift: written.drift,
    };
    assert_eq!(read, expected);
}
