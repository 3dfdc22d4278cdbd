use serde_json::Value;

use super::*;

fn bill() -> Bill {
    let text = "Format: copyright-format/1.0\n\nFiles: *\nLicense: public-domain\n Free.\n";
    let part = Part {
        component: "sysroot".to_owned(),
        name: "libstdc++6".to_owned(),
        version: "1:12.2.0-14+deb12u1".to_owned(),
        architecture: "amd64".to_owned(),
        sha256: "ab".repeat(32),
        path: "pool/main/g/gcc-12/libstdc++6_12.2.0-14+deb12u1_amd64.deb".to_owned(),
        url: None,
        source: "gcc-12".to_owned(),
        source_version: None,
        maintainer: Some("GCC <gcc@example.org>".to_owned()),
        licences: copyright::licences(text),
    };
    Bill {
        target: "x86_64-unknown-linux-gnu".to_owned(),
        release: "bookworm".to_owned(),
        epoch: 1_783_764_997,
        tree: "cd".repeat(32),
        parts: vec![part],
    }
}

#[test]
fn a_package_url_is_escaped_as_its_specification_says() {
    assert_eq!(
        bill().parts[0].purl("bookworm"),
        "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1?arch=amd64&distro=bookworm"
    );
}

#[test]
fn the_same_bill_gives_the_same_bytes_and_another_one_another_name() {
    let mut other = bill();
    other.parts[0].sha256 = "ef".repeat(32);
    for (format, key) in [(Format::Spdx, "documentNamespace"), (Format::Cyclonedx, "serialNumber")]
    {
        let text = bill().render(format);
        assert_eq!(text, bill().render(format));
        assert!(text.contains("2026-07-11T10:16:37Z"), "{text}");
        let name = |text: &str| serde_json::from_str::<Value>(text).unwrap()[key].clone();
        assert_ne!(name(&text), name(&other.render(format)));
    }
}

#[test]
fn what_is_not_known_is_no_assertion() {
    let mut bill = bill();
    bill.parts[0].licences = None;
    bill.parts[0].maintainer = None;
    let package = &spdx::document(&bill)["packages"][1];
    assert_eq!(package["licenseDeclared"], "NOASSERTION");
    assert_eq!(package["downloadLocation"], "NOASSERTION");
    assert!(package["sourceInfo"].as_str().unwrap().ends_with("version NOASSERTION"));
    let component = &cyclonedx::document(&bill)["components"][0];
    assert_eq!(component.get("licenses"), None);
    assert_eq!(component["supplier"].get("contact"), None);
}
