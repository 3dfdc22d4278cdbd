//! `sbom`: both formats tell what the lock and the tree hold, and nothing else.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::fixture::Fixture;

const TREE: &str = "toolchains/x86_64-unknown-linux-gnu";

fn bill(fixture: &Fixture, format: &str) -> Value {
    let outcome = fixture.run(["sbom", "--format", format]);
    outcome.code(0).stderr_is("");
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// SHA-256 and name of each package of the lock, by the pool's file name.
fn locked(fixture: &Fixture) -> BTreeMap<String, String> {
    let text = fixture.read("checksums.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once("  "))
        .map(|(hash, path)| (path.rsplit('/').next().unwrap().to_owned(), hash.to_owned()))
        .collect()
}

#[test]
fn every_package_of_the_tree_stands_in_both_documents_with_its_hash() {
    let fixture = Fixture::prepared();
    let lock = locked(&fixture);
    let spdx = bill(&fixture, "spdx");
    let (toolchain, packages) = spdx["packages"].as_array().unwrap().split_first().unwrap();
    assert_eq!(toolchain["name"], "reml-toolchain-x86_64-unknown-linux-gnu");
    for package in packages {
        let file = package["packageFileName"].as_str().unwrap();
        assert_eq!(package["checksums"][0]["checksumValue"], lock[file].as_str(), "{file}");
        let url = package["downloadLocation"].as_str().unwrap();
        assert!(url.ends_with(file), "{url}");
    }
    let name = |package: &Value| package["name"].as_str().unwrap().to_owned();
    let names: Vec<String> = packages.iter().map(name).collect();
    for wanted in ["libc6", "libstdc++6", "clang-19", "libgcc-12-dev"] {
        assert!(names.iter().any(|name| name == wanted), "{wanted} is missing: {names:?}");
    }
    // Each is contained in the toolchain, which the document describes.
    assert_eq!(spdx["relationships"].as_array().unwrap().len(), names.len() + 1);
    let cyclonedx = bill(&fixture, "cyclonedx");
    let components = cyclonedx["components"].as_array().unwrap();
    assert_eq!(components.iter().map(name).collect::<Vec<_>>(), names);
    for (component, package) in components.iter().zip(packages) {
        assert_eq!(component["purl"], package["externalRefs"][0]["referenceLocator"]);
        assert_eq!(component["hashes"][0]["content"], package["checksums"][0]["checksumValue"]);
    }
    assert_eq!(cyclonedx["dependencies"][0]["dependsOn"].as_array().unwrap().len(), names.len());
}

#[test]
fn sources_and_maintainers_come_out_of_cached_packages_and_are_not_invented() {
    let fixture = Fixture::prepared();
    let of = |bill: &Value, name: &str| {
        let packages = bill["packages"].as_array().unwrap().clone();
        packages.into_iter().find(|package| package["name"] == name).unwrap()
    };
    let whole = of(&bill(&fixture, "spdx"), "libc6-dev");
    let source =
        format!("built from the source package glibc {}", whole["versionInfo"].as_str().unwrap());
    assert_eq!(whole["sourceInfo"], source.as_str());
    assert!(!whole["comment"].as_str().unwrap().contains("NOASSERTION"));
    fs::remove_dir_all(fixture.path("toolchains/cache/pool")).unwrap();
    let bare = of(&bill(&fixture, "spdx"), "libc6-dev");
    assert_eq!(bare["sourceInfo"], "built from the source package glibc, version NOASSERTION");
    assert!(bare["comment"].as_str().unwrap().ends_with("maintainer in Debian: NOASSERTION"));
    assert_eq!(bare["checksums"], whole["checksums"]);
}

#[test]
fn a_document_is_the_same_each_time_and_the_file_is_what_stdout_would_be() {
    let fixture = Fixture::prepared();
    for format in ["spdx", "cyclonedx"] {
        let first = fixture.run(["sbom", "--format", format]);
        let file = fixture.path(format!("{format}.json"));
        let args = ["sbom", "--format", format, "--output", file.to_str().unwrap()];
        fixture.run(args).code(0).stdout_is("");
        assert_eq!(fs::read_to_string(&file).unwrap(), first.stdout);
    }
}

#[test]
fn a_changed_licence_a_changed_package_and_a_lock_that_moved_on_are_refused() {
    let fixture = Fixture::prepared();
    let copyright = format!("{TREE}/sysroot/usr/share/doc/libc6/copyright");
    let before = fixture.read(&copyright);
    fs::remove_file(fixture.path(&copyright)).unwrap();
    fixture.write(&copyright, format!("{before} "));
    fixture.run(["sbom"]).code(4).stderr_has("usr/share/doc/libc6/copyright: wrong SHA-256");
    fixture.write(&copyright, before);
    fixture.run(["sbom"]).code(0);

    let text = fixture.read("checksums.txt");
    let path =
        text.lines().find_map(|line| line.split_once("  ").filter(|(_, p)| p.contains("/libc6_")));
    let deb = fixture.path(format!("toolchains/cache/{}", path.unwrap().1));
    let mut bytes = fs::read(&deb).unwrap();
    bytes[200] ^= 1;
    fs::remove_file(&deb).unwrap();
    fs::write(&deb, bytes).unwrap();
    fixture.run(["sbom"]).code(4).stderr_has("libc6_");

    let moved = text.replace("#! name=libc6 version=2.36", "#! name=libc6 version=2.37");
    assert_ne!(moved, text);
    fixture.write("checksums.txt", moved);
    fixture.run(["sbom"]).code(1).stderr_has("prepared with it, and the lock has it no more");
}

#[test]
fn without_a_toolchain_there_is_no_bill() {
    Fixture::new().run(["sbom", "--json"]).code(1).stdout_has("\"not-prepared\"");
}
