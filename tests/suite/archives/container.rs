//! Section E: the ar container, its members and the control file.

use super::support::{accept, probe, refuse};
use crate::support::archive::{Compression, DebBuilder, TarBuilder, ar, ar_header};

const FORMAT: (&str, &[u8]) = ("debian-binary", b"2.0\n");

fn control() -> Vec<u8> {
    probe().control_tar()
}

fn data() -> Vec<u8> {
    TarBuilder::new().file("a", b"a").build()
}

/// A .deb of these members, then its bytes changed.
fn altered(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut deb = ar(&[FORMAT, ("control.tar", &control()), ("data.tar", &data())]);
    change(&mut deb);
    deb
}

#[test]
fn e01_a_bad_magic_is_refused() {
    refuse(&altered(|deb| deb[1] = b'?'), "deb-container", &["!<arch>", "byte 0"]);
    refuse(b"", "deb-container", &["!<arch>"]);
    refuse(b"<html>log in first</html>", "deb-container", &["<html>"]);
}

#[test]
fn e01_a_truncated_header_is_refused_with_its_offset() {
    for left in 9..68 {
        refuse(&altered(|deb| deb.truncate(left)), "deb-container", &["byte 8"]);
    }
}

#[test]
fn e01_a_header_without_its_end_mark_is_refused() {
    refuse(&altered(|deb| deb[66] = b'x'), "deb-container", &["byte 8", "0x60 0x0a"]);
}

#[test]
fn e02_size_fields_that_are_no_plain_number_are_refused() {
    for size in
        ["", " 4", "-4", "+4", "4 4", "0x4", "4\t", "9999999999", "4294967297", "0", "0000000000"]
    {
        let mut deb = b"!<arch>\n".to_vec();
        deb.extend(ar_header("debian-binary", size));
        deb.extend(b"2.0\n");
        refuse(&deb, "deb-container", &["byte"]);
    }
}

#[test]
fn e02_a_member_beyond_the_file_is_refused() {
    let deb = altered(|deb| deb.truncate(deb.len() - 512));
    refuse(&deb, "deb-container", &["ends inside data.tar", "expected 10240 bytes", "got 9728"]);
}

#[test]
fn e03_members_in_another_order_are_refused() {
    let (control, data) = (control(), data());
    let (control, data) = (("control.tar", &control[..]), ("data.tar", &data[..]));
    for (members, expected) in [
        (vec![control, FORMAT, data], "debian-binary"),
        (vec![FORMAT, data, control], "control.tar"),
        (vec![FORMAT, FORMAT, control, data], "control.tar"),
        (vec![FORMAT, control], "data.tar"),
        (vec![FORMAT, data], "control.tar"),
        (vec![control, data], "debian-binary"),
        (vec![FORMAT, control, control, data], "data.tar"),
        (vec![FORMAT, control, data, data], "no second archive"),
        (vec![FORMAT, control, data, control], "no second archive"),
        (vec![FORMAT, control, ("surprise", b"xx"), data], "data.tar"),
    ] {
        refuse(&ar(&members), "deb-members", &[&format!("expected member {expected}")]);
    }
}

#[test]
fn e04_format_1_and_3_are_refused_and_2_1_accepted() {
    let with = |version: &[u8]| {
        ar(&[("debian-binary", version), ("control.tar", &control()), ("data.tar", &data())])
    };
    for version in [&b"1.0\n"[..], b"3.0\n", b"2.\n", b"2\n", b"2.0", b"2.x\n", b"\n", b"20.0\n"] {
        refuse(&with(version), "deb-format-version", &["expected format 2.x"]);
    }
    accept(&with(b"2.1\n"));
    accept(&with(b"2.0\nfurther lines may follow\n"));
}

#[test]
fn e05_extension_members_and_members_after_the_data_are_passed_over() {
    let (control, data) = (control(), data());
    let laid = accept(&ar(&[
        FORMAT,
        ("_before", b"x"),
        ("control.tar", &control),
        ("_between", b"odd"),
        ("data.tar", &data),
        ("_gpgorigin", b"whatever"),
        ("surprise", b"x"),
    ]));
    assert_eq!(laid.paths(), ["a"]);
}

#[test]
fn e05_long_names_of_gnu_and_bsd_are_refused() {
    let (control, data) = (control(), data());
    for name in ["//", "/", "/0", "#1/20"] {
        let members =
            [FORMAT, (name, &b"long/\n"[..]), ("control.tar", &control), ("data.tar", &data)];
        refuse(&ar(&members), "deb-container", &["name"]);
    }
}

#[test]
fn e06_an_odd_member_needs_a_line_feed_as_padding() {
    let (control, data) = (control(), data());
    let members = [FORMAT, ("_odd", &b"abc"[..]), ("control.tar", &control), ("data.tar", &data)];
    let mut deb = ar(&members);
    accept(&deb);
    let padding = 8 + 60 + 4 + 60 + 3;
    assert_eq!(deb[padding], b'\n');
    deb[padding] = 0;
    refuse(&deb, "deb-container", &["padding", "byte 135"]);
}

#[test]
fn e07_a_control_file_of_another_package_is_refused() {
    for (other, field) in [
        (DebBuilder::new("other", "1.0-1", "amd64"), "Package: expected probe"),
        (DebBuilder::new("probe", "1.0-2", "amd64"), "Version: expected 1.0-1"),
        (DebBuilder::new("probe", "1.0-1", "arm64"), "Architecture: expected amd64"),
    ] {
        refuse(&other.file("a", b"a").build(), "deb-control-differs", &[field, "got"]);
    }
}

#[test]
fn e07_a_malformed_control_file_is_refused() {
    let good = "Package: probe\nVersion: 1.0-1\nArchitecture: amd64\n";
    let with = |text: &[u8]| {
        let tar = TarBuilder::new().file("control", text).build();
        ar(&[FORMAT, ("control.tar", &tar), ("data.tar", &data())])
    };
    accept(&with(good.as_bytes()));
    for (text, message) in [
        ("", "Package is missing"),
        ("Package: probe\nVersion: 1.0-1\n", "Architecture is missing"),
        ("Package:\nVersion: 1\nArchitecture: all\n", "Package is missing"),
        (" Package: probe\n", "line 1"),
        ("Package probe\n", "line 1"),
        (&format!("{good}package: probe\n"), "line 4"),
        (&format!("{good}\nPackage: evil\n"), "line 5"),
    ] {
        refuse(&with(text.as_bytes()), "deb-control", &[message]);
    }
    refuse(&with(b"Package: pr\xffobe\n"), "deb-control", &["UTF-8"]);
}

#[test]
fn e07_a_control_archive_needs_one_control_file() {
    let text = probe().control();
    let tars = [
        ("none", TarBuilder::new().root().file("md5sums", b"")),
        ("a link", TarBuilder::new().symlink("control", "md5sums")),
        (
            "two",
            TarBuilder::new().file("control", text.as_bytes()).file("control", b"Package: x\n"),
        ),
        ("1 MiB", TarBuilder::new().file("control", &vec![b'x'; (1 << 20) + 1])),
    ];
    for (message, tar) in tars {
        let deb = ar(&[FORMAT, ("control.tar", &tar.build()), ("data.tar", &data())]);
        refuse(&deb, "deb-control", &[message]);
    }
}

#[test]
fn e08_a_control_bomb_and_a_64_mb_long_name_are_stopped() {
    let bomb = TarBuilder::new().file("md5sums", &vec![b'0'; 64 << 20]).build();
    let deb = |tar: &[u8]| {
        ar(&[FORMAT, ("control.tar.xz", &Compression::Xz.apply(tar)), ("data.tar", &data())])
    };
    refuse(&deb(&bomb), "deb-too-large", &["control.tar.xz", "16777216"]);
    let name = TarBuilder::new().long(b'L', &vec![b'a'; 64 << 20]).build();
    refuse(&deb(&name), "tar-malformed", &["control.tar.xz", "4096"]);
}

#[test]
fn e08_maintainer_scripts_are_neither_run_nor_written() {
    let tar = TarBuilder::new()
        .file("control", probe().control().as_bytes())
        .executable("postinst", b"#!/bin/sh\ntouch \"$0.ran\"\n")
        .build();
    let laid = accept(&ar(&[FORMAT, ("control.tar", &tar), ("data.tar", &data())]));
    assert_eq!(std::fs::read_dir(laid.tree.path()).unwrap().count(), 1);
}
