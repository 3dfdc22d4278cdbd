//! Section F: headers and ends of the tar stream itself.

use super::support::{accept, probe, probe_of, probe_with, refuse};
use crate::support::archive::{BLOCK, Header, TarBuilder, octal, seal};

const CODE: &str = "tar-malformed";

#[test]
fn f17_a_wrong_checksum_is_refused() {
    let mut block = Header::new("a", b'0').to_block();
    block[0] = b'b';
    let tar = TarBuilder::new().block(&block).build();
    refuse(&probe_of(&tar), CODE, &["checksum", "byte 0", "expected", "got"]);
}

#[test]
fn f17_numbers_that_are_not_octal_are_refused() {
    let base_256 = |head: u8, room: usize| [&[head][..], &vec![0xff; room - 1]].concat();
    for bad in [b"0000009".to_vec(), b"-000001".to_vec(), b"".to_vec(), b" 000644".to_vec()] {
        let mut headers = [(); 4].map(|()| Header::new("a", b'0'));
        headers[0].mode.clone_from(&bad);
        headers[1].uid.clone_from(&bad);
        headers[2].gid.clone_from(&bad);
        headers[3].mtime.clone_from(&bad);
        for header in headers {
            refuse(&probe_with(header, b""), CODE, &["expected octal digits"]);
        }
    }
    for size in [base_256(0xff, 12), base_256(0x80, 12), b"0000000000x".to_vec()] {
        let mut header = Header::new("a", b'0');
        header.size = size;
        refuse(&probe_of(&TarBuilder::new().raw(&header, b"").build()), CODE, &["size"]);
    }
    let mut block = Header::new("a", b'0').to_block();
    block[148..156].copy_from_slice(b"????????");
    refuse(&probe_of(&TarBuilder::new().block(&block).build()), CODE, &["checksum"]);
}

#[test]
fn f17_a_v7_header_is_refused() {
    let mut header = Header::new("a", b'0');
    header.magic = [0; 8];
    refuse(&probe_with(header, b""), CODE, &["magic"]);
}

#[test]
fn f17_text_after_a_nul_is_refused() {
    let mut block = Header::new("a", b'0').to_block();
    block[50] = b'x';
    seal(&mut block);
    refuse(&probe_of(&TarBuilder::new().block(&block).build()), CODE, &["first NUL"]);
}

#[test]
fn f18_every_truncation_is_refused() {
    let tar = TarBuilder::new().root().file("a", &[7; 700]).build_unended();
    let ended = TarBuilder::new().root().file("a", &[7; 700]).zeros(2).build_unended();
    for left in (1..ended.len()).step_by(61).chain([tar.len(), tar.len() + BLOCK]) {
        refuse(&probe_of(&ended[..left]), "tar-end", &["byte"]);
    }
    accept(&probe_of(&ended));
}

#[test]
fn f18_data_after_the_end_is_refused() {
    let head = TarBuilder::new().file("a", b"");
    let hidden = head.clone().zeros(1).file("hidden", b"x").build();
    refuse(&probe_of(&hidden), "tar-end", &["further data"]);
    for zeros in [2, 5] {
        let after = head.clone().zeros(zeros).file("after", b"x").build();
        refuse(&probe_of(&after), "tar-end", &["further data"]);
    }
    let garbage = [&head.zeros(2).build_unended()[..], b"x"].concat();
    refuse(&probe_of(&garbage), "tar-end", &["a block"]);
}

#[test]
fn f19_a_size_without_content_is_refused() {
    for (kind, what) in [(b'5', "directory"), (b'2', "symbolic link"), (b'1', "hard link")] {
        let header = Header::new("usr/a", kind).link("usr/b").size(512);
        let tar = TarBuilder::new().raw(&header, &[0; 512]).build();
        refuse(&probe_of(&tar), CODE, &["usr/a", what, "got 512"]);
    }
}

#[test]
fn f20_an_archive_of_nothing_is_refused() {
    refuse(&probe().build_with_data("data.tar", b""), "deb-container", &["size"]);
    refuse(&probe_of(&TarBuilder::new().build()), "deb-empty", &["data.tar", "no members"]);
    let rooted = TarBuilder::new().root().build();
    assert_eq!(accept(&probe_of(&rooted)).paths(), Vec::<&str>::new());
}

#[test]
fn both_dialects_of_ustar_and_fields_without_an_end_are_read() {
    let mut header = Header::new("a", b'0');
    header.magic = Header::USTAR;
    header.mode = b"00000755".to_vec();
    header.size = b"000000000001".to_vec();
    header.mtime = octal(5);
    let tar = TarBuilder::new().raw(&header, b"x").build();
    assert_eq!(accept(&probe_of(&tar)).read("a"), "x");
}
