//! Section D: compressed data that lies about its size, its format or its end.

use reml_toolchain::debian::deb::data_limit;
use reml_toolchain::sysroot::rules::Rules;

use super::support::{accept, lay, lay_out, probe, refuse, request};
use crate::support::archive::{Compression, TarBuilder, ar};

const ALL: [Compression; 4] =
    [Compression::None, Compression::Gzip, Compression::Xz, Compression::Zstd];

fn data_name(compression: Compression) -> String {
    format!("data.tar{}", compression.suffix())
}

/// A zstd frame with this descriptor and these header bytes, one raw block in it.
fn zstd_frame(descriptor: u8, header: &[u8], content: &[u8]) -> Vec<u8> {
    let block = u32::try_from(content.len() << 3 | 1).unwrap().to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd, descriptor], header, &block[..3], content].concat()
}

#[track_caller]
fn refuse_bomb(compression: Compression) {
    let tar = TarBuilder::new().file("zeros", &vec![0; 64 << 20]).build();
    let deb = probe().build_with_data(&data_name(compression), &compression.apply(&tar));
    assert!(deb.len() < 1 << 20, "{} bytes are no bomb", deb.len());
    refuse(&deb, "deb-too-large", &[&data_name(compression), "6291456 bytes"]);
}

#[test]
fn d01_an_xz_bomb_is_stopped_at_the_bound() {
    assert_eq!(data_limit(Some(4096)), 6 << 20);
    refuse_bomb(Compression::Xz);
}

#[test]
fn d01_the_bound_is_exact_to_the_byte() {
    let tar = TarBuilder::new().file("zeros", &vec![0; 1 << 20]).build();
    let deb = probe().build_with_tar(&tar);
    let rules = Rules::default();
    let mut request = request(&deb, &rules);
    // 1 MiB of content takes more than the 1 MiB that an Installed-Size of 0 leaves.
    request.installed_size = Some(0);
    assert!(lay_out(&deb[..], &request).is_err());
    request.installed_size = Some((tar.len() as u64 - (1 << 20)).div_ceil(1280));
    assert!(lay_out(&deb[..], &request).is_ok());
}

#[test]
fn d02_gzip_and_zstd_bombs_are_stopped_at_the_bound() {
    refuse_bomb(Compression::Gzip);
    refuse_bomb(Compression::Zstd);
}

#[test]
fn d02_a_zstd_window_of_2_gib_is_refused() {
    let tar = TarBuilder::new().file("a", b"a").build();
    let frame = |log: u8| zstd_frame(0, &[(log - 10) << 3], &tar);
    accept(&probe().build_with_data("data.tar.zst", &frame(27)));
    for log in [28, 31] {
        let deb = probe().build_with_data("data.tar.zst", &frame(log));
        refuse(&deb, "deb-compression-broken", &["data.tar.zst", "zstd"]);
    }
}

/// Rewrites the dictionary size in the first block header of an xz stream.
fn with_dictionary(mut xz: Vec<u8>, size: u8) -> Vec<u8> {
    let end = 12 + (usize::from(xz[12]) + 1) * 4;
    let filter = xz[14..end].windows(2).position(|pair| pair == [0x21, 0x01]).unwrap();
    xz[14 + filter + 2] = size;
    let mut crc = flate2::Crc::new();
    crc.update(&xz[12..end - 4]);
    xz[end - 4..end].copy_from_slice(&crc.sum().to_le_bytes());
    xz
}

#[test]
fn d03_xz_asking_for_a_4_gib_dictionary_is_refused() {
    let xz = Compression::Xz.apply(&TarBuilder::new().file("a", b"a").build());
    // 64 MiB is within the limit: so the patched header itself is sound.
    accept(&probe().build_with_data("data.tar.xz", &with_dictionary(xz.clone(), 28)));
    let deb = probe().build_with_data("data.tar.xz", &with_dictionary(xz, 40));
    refuse(&deb, "deb-compression-broken", &["data.tar.xz", "xz"]);
}

#[test]
fn d04_truncated_data_is_refused_with_member_and_offset() {
    let tar = TarBuilder::new().file("a", &(0..=255).cycle().take(9000).collect::<Vec<u8>>());
    let tar = tar.build();
    for compression in [Compression::Gzip, Compression::Xz, Compression::Zstd] {
        let data = compression.apply(&tar);
        for left in (8..data.len()).step_by(7) {
            let deb = probe().build_with_data(&data_name(compression), &data[..left]);
            refuse(&deb, "deb-compression-broken", &[&data_name(compression), "near its byte"]);
        }
    }
}

#[test]
fn d04_no_flipped_bit_of_xz_data_passes() {
    let content: Vec<u8> = (0_u32..900).flat_map(|n| (n * n).to_le_bytes()).collect();
    let data = Compression::Xz.apply(&TarBuilder::new().file("a", &content).build());
    let positions: Vec<usize> =
        (0..data.len() * 8).step_by((data.len() * 8 / 1000).max(1)).collect();
    assert!(positions.len() >= 1000);
    for position in positions {
        let mut flipped = data.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        let deb = probe().build_with_data("data.tar.xz", &flipped);
        if let Ok(laid) = lay(&deb) {
            panic!("bit {position} passed: {:?}", laid.unpacked);
        }
    }
}

#[test]
fn d04_a_flipped_bit_of_gzip_data_never_changes_a_file() {
    let content: Vec<u8> = (0_u32..300).flat_map(|n| (n * n).to_le_bytes()).collect();
    let data = Compression::Gzip.apply(&TarBuilder::new().file("a", &content).build());
    for position in 0..data.len() * 8 {
        let mut flipped = data.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        // Time and system in a gzip header mean nothing: those flips may pass.
        if let Ok(laid) = lay(&probe().build_with_data("data.tar.gz", &flipped)) {
            assert_eq!(std::fs::read(laid.path("a")).unwrap(), content, "bit {position}");
        }
    }
}

#[test]
fn d04_a_wrong_check_or_index_of_xz_is_refused() {
    let data = Compression::Xz.apply(&TarBuilder::new().file("a", b"a").build());
    for from_end in 1..=40 {
        let mut wrong = data.clone();
        let at = wrong.len() - from_end;
        wrong[at] = wrong[at].wrapping_add(1);
        refuse(&probe().build_with_data("data.tar.xz", &wrong), "deb-compression-broken", &["xz"]);
    }
}

#[test]
fn d05_a_second_xz_stream_and_stream_padding_are_read() {
    let tar = TarBuilder::new().file("a", b"first").file("b", b"second").build();
    let (head, tail) = tar.split_at(1024);
    let streams =
        [Compression::Xz.apply(head), vec![0; 8], Compression::Xz.apply(tail), vec![0; 4]];
    let laid = accept(&probe().build_with_data("data.tar.xz", &streams.concat()));
    assert_eq!((laid.read("a"), laid.read("b")), ("first".to_owned(), "second".to_owned()));
}

#[test]
fn d05_data_after_the_stream_is_refused() {
    let tar = TarBuilder::new().file("a", b"a").build();
    for compression in [Compression::Gzip, Compression::Xz, Compression::Zstd] {
        let data = compression.apply(&tar);
        for garbage in [&b"x"[..], &b"\0"[..], &b"garbage"[..]] {
            let deb = probe().build_with_data(&data_name(compression), &[&data, garbage].concat());
            assert!(lay(&deb).is_err(), "{compression:?} with {garbage:?}");
        }
    }
    for compression in [Compression::Gzip, Compression::Zstd] {
        let twice = compression.apply(&tar).repeat(2);
        let deb = probe().build_with_data(&data_name(compression), &twice);
        refuse(&deb, "deb-trailing-data", &["expected the end"]);
    }
}

#[test]
fn d06_an_empty_stream_is_refused() {
    for compression in ALL.into_iter().skip(1) {
        let deb = probe().build_with_data(&data_name(compression), &compression.apply(b""));
        refuse(&deb, "tar-end", &["the end of the data"]);
    }
}

#[test]
fn d06_skippable_zstd_frames_are_refused_before_and_after() {
    let data = Compression::Zstd.apply(&TarBuilder::new().file("a", b"a").build());
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"skip"].concat();
    let before = probe().build_with_data("data.tar.zst", &[&skippable[..], &data].concat());
    refuse(&before, "deb-compression-disagrees", &["expected zstd", "got uncompressed"]);
    let after = probe().build_with_data("data.tar.zst", &[&data[..], &skippable].concat());
    refuse(&after, "deb-trailing-data", &["zstd"]);
}

#[test]
fn d06_a_zstd_dictionary_is_refused() {
    let tar = TarBuilder::new().file("a", b"a").build();
    let deb = probe().build_with_data("data.tar.zst", &zstd_frame(1, &[17 << 3, 7], &tar));
    refuse(&deb, "deb-compression-broken", &["zstd"]);
}

#[test]
fn d07_none_gzip_xz_and_zstd_are_read() {
    for compression in ALL {
        let laid = accept(&probe().compression(compression).file("usr/a", b"a").build());
        assert_eq!(laid.read("usr/a"), "a", "{compression:?}");
    }
}

#[test]
fn d07_other_compressions_are_refused_by_name() {
    for suffix in [".bz2", ".lzma", ".br", ".xz.xz", ".", ".zstd"] {
        let name = format!("data.tar{suffix}");
        if name.len() <= 16 {
            let deb = probe().build_with_data(&name, b"whatever");
            refuse(&deb, "deb-compression-unsupported", &[&name, "is not supported"]);
        }
    }
}

#[test]
fn d08_a_name_and_a_content_that_disagree_are_refused() {
    let tar = TarBuilder::new().file("a", b"a").build();
    for named in ALL {
        for real in ALL {
            if named != real {
                let deb = probe().build_with_data(&data_name(named), &real.apply(&tar));
                refuse(&deb, "deb-compression-disagrees", &[&data_name(named), "expected", "got"]);
            }
        }
    }
    let control = Compression::Gzip.apply(&probe().control_tar());
    let members: [(&str, &[u8]); 3] =
        [("debian-binary", b"2.0\n"), ("control.tar.xz", &control), ("data.tar", &tar)];
    refuse(&ar(&members), "deb-compression-disagrees", &["control.tar.xz", "got gzip"]);
}
