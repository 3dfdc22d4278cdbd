//! Bounded random input: the parsers answer with an error, never with a panic, and
//! what they accept obeys the rules.

use std::path::{Component, Path};

use proptest::collection::vec;
use proptest::prelude::*;
use reml_toolchain::debian::deb::Deb;
use reml_toolchain::debian::identity::Identity;
use reml_toolchain::debian::tar::{Limits, Reader};
use reml_toolchain::sysroot::case::{Places, fold};
use reml_toolchain::sysroot::rules::{Pattern, join, merged, parent, relative, relocate};

use super::support::{lay, probe, probe_of};
use crate::support::archive::{BLOCK, Compression, TarBuilder, seal};

/// A small archive with a bit of everything.
fn sample() -> TarBuilder {
    TarBuilder::new()
        .root()
        .dir("usr")
        .file("usr/a", b"content")
        .symlink("usr/l", "../usr/a")
        .hardlink("usr/h", "usr/a")
        .file(&"n".repeat(150), b"long")
}

fn read_all(tar: &[u8]) {
    let mut reader = Reader::new(tar, Limits::default());
    while let Ok(Some(member)) = reader.advance() {
        let path = Path::new(&member.path);
        assert!(
            path.components().all(|part| matches!(part, Component::Normal(_))),
            "{}",
            path.display()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tar_blocks_of_anything(bytes in vec(any::<u8>(), 0..4 * BLOCK)) {
        read_all(&bytes);
    }

    #[test]
    fn tar_headers_with_changed_bytes_and_a_right_checksum(
        changes in vec((0..8 * BLOCK, any::<u8>()), 1..6),
    ) {
        let mut tar = sample().build();
        for (at, byte) in changes {
            tar[at] = byte;
            let start = at / BLOCK * BLOCK;
            let mut block: [u8; BLOCK] = tar[start..start + BLOCK].try_into().unwrap();
            if block != [0; BLOCK] {
                seal(&mut block);
            }
            tar[start..start + BLOCK].copy_from_slice(&block);
        }
        read_all(&tar);
        if let Ok(laid) = lay(&probe_of(&tar)) {
            prop_assert!(laid.outside().is_empty());
        }
    }

    #[test]
    fn packages_with_changed_bytes(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        compression in prop::sample::select(vec![Compression::None, Compression::Zstd, Compression::Gzip]),
    ) {
        let mut deb = probe().compression(compression).build_with_tar(&sample().build());
        for (at, byte) in changes {
            let at = at.index(deb.len());
            deb[at] = byte;
        }
        let _ = lay(&deb).map(|laid| laid.unpacked);
    }

    #[test]
    fn packages_of_anything(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(Deb::open(&[b"!<arch>\n", &bytes[..]].concat()[..]).is_err());
    }

    #[test]
    fn control_files_of_anything(text in "(Package|Version|: |\n| |[a-z0-9]|\t|\u{e9}){0,40}") {
        let _ = Identity::parse(text.as_bytes());
    }

    #[test]
    fn a_relocated_link_leads_to_the_same_file(
        path in "(lib|lib64|usr|etc)(/[ab]){1,4}",
        target in "/?((lib|bin|usr|[ab]|\\.\\.|\\.)/){0,6}[ab]",
    ) {
        if let Ok(relocated) = relocate(&path, &target) {
            prop_assert!(!relocated.starts_with('/'));
            let wanted = join(parent(&path), &target).unwrap();
            let place = merged(&path).into_owned();
            prop_assert_eq!(join(parent(&place), &relocated), Some(merged(&wanted).into_owned()));
        } else {
            prop_assert_eq!(join(parent(&path), &target), None);
        }
    }

    #[test]
    fn a_relative_way_leads_where_it_should(from in "([ab]/){0,3}[ab]", to in "([ab]/){0,3}[ab]") {
        prop_assert_eq!(join(&from, &relative(&from, &to)), Some(to));
    }

    #[test]
    fn patterns_of_anything(pattern in "[ab*?/]{1,12}", path in "([ab]/){0,5}[ab]{1,5}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            let _ = pattern.matches(&path);
        }
    }

    #[test]
    fn no_two_paths_share_a_folded_place(paths in vec("[aAbB\u{e9}\u{c9}]{1,3}", 1..12)) {
        let mut places = Places::default();
        let mut taken = std::collections::HashMap::new();
        for path in paths {
            let place = places.assign(&path).unwrap_or_else(|| path.clone());
            let owner = taken.entry(fold(&place)).or_insert_with(|| path.clone());
            prop_assert_eq!(&*owner, &path);
        }
    }

    #[test]
    fn folding_twice_changes_nothing(text in "\\PC{0,12}") {
        let folded = fold(&text);
        prop_assert_eq!(fold(&folded), folded);
    }
}
