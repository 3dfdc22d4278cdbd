//! Builds tar, ar and .deb files byte by byte, honest ones and broken ones, so
//! that tests need no outside tool. Nothing here checks its input: a builder
//! that refused hostile archives could not make them.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

#[path = "archive/deb.rs"]
mod deb;

use std::io::Write;

use sha2::{Digest, Sha256};

pub use deb::DebBuilder;

/// Bytes of one tar block.
pub const BLOCK: usize = 512;

/// How a member of a .deb is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Xz,
    Zstd,
}

impl Compression {
    /// The suffix after `control.tar` or `data.tar`.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Xz => ".xz",
            Self::Zstd => ".zst",
        }
    }

    /// The bytes, compressed.
    pub fn apply(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::None => bytes.to_vec(),
            Self::Gzip => {
                let level = flate2::Compression::default();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).expect("a vector takes all bytes");
                encoder.finish().expect("a vector takes all bytes")
            }
            Self::Xz => {
                let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
                encoder.write_all(bytes).expect("a vector takes all bytes");
                encoder.finish().expect("a vector takes all bytes")
            }
            Self::Zstd => zstd::bulk::compress(bytes, 1).expect("level 1 compresses anything"),
        }
    }
}

/// The lower-case SHA-256 of the bytes.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        write!(text, "{byte:02x}").expect("a string takes all text");
        text
    })
}

/// One tar header, every field open to abuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub name: Vec<u8>,
    pub mode: Vec<u8>,
    pub uid: Vec<u8>,
    pub gid: Vec<u8>,
    pub size: Vec<u8>,
    pub mtime: Vec<u8>,
    pub kind: u8,
    pub link: Vec<u8>,
    /// Magic and version together, 8 bytes.
    pub magic: [u8; 8],
    pub prefix: Vec<u8>,
}

impl Header {
    /// GNU's magic and version.
    pub const GNU: [u8; 8] = *b"ustar  \0";
    /// The magic and version of POSIX ustar.
    pub const USTAR: [u8; 8] = *b"ustar\x0000";

    pub fn new(name: impl Into<Vec<u8>>, kind: u8) -> Self {
        let mode: &[u8] = if kind == b'5' { b"0000755" } else { b"0000644" };
        Self {
            name: name.into(),
            mode: mode.to_vec(),
            uid: b"0000000".to_vec(),
            gid: b"0000000".to_vec(),
            size: octal(0),
            mtime: octal(1_700_000_000),
            kind,
            link: Vec::new(),
            magic: Self::GNU,
            prefix: Vec::new(),
        }
    }

    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = format!("{mode:07o}").into_bytes();
        self
    }

    pub fn size(mut self, size: u64) -> Self {
        self.size = octal(size);
        self
    }

    pub fn mtime(mut self, seconds: u64) -> Self {
        self.mtime = octal(seconds);
        self
    }

    pub fn link(mut self, target: impl Into<Vec<u8>>) -> Self {
        self.link = target.into();
        self
    }

    /// The 512 bytes, with the right checksum.
    pub fn to_block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let fields: [(usize, usize, &[u8]); 9] = [
            (0, 100, &self.name),
            (100, 8, &self.mode),
            (108, 8, &self.uid),
            (116, 8, &self.gid),
            (124, 12, &self.size),
            (136, 12, &self.mtime),
            (157, 100, &self.link),
            (257, 8, &self.magic),
            (345, 155, &self.prefix),
        ];
        for (start, room, value) in fields {
            assert!(value.len() <= room, "{value:?} does not fit {room} bytes");
            block[start..start + value.len()].copy_from_slice(value);
        }
        block[156] = self.kind;
        seal(&mut block);
        block
    }
}

/// Writes the checksum of a header block into it.
pub fn seal(block: &mut [u8; BLOCK]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// Eleven octal digits, as size and mtime have them.
pub fn octal(value: u64) -> Vec<u8> {
    format!("{value:011o}").into_bytes()
}

/// A tar archive in the making. Long names and targets get GNU `L`/`K` members.
#[derive(Debug, Clone, Default)]
pub struct TarBuilder {
    bytes: Vec<u8>,
}

impl TarBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn dir(self, path: &str) -> Self {
        let name = format!("./{}/", path.trim_end_matches('/'));
        self.entry(Header::new(name, b'5'), &[])
    }

    /// The archive's own root, `./`.
    pub fn root(self) -> Self {
        self.entry(Header::new("./", b'5'), &[])
    }

    pub fn file(self, path: &str, bytes: &[u8]) -> Self {
        self.entry(Header::new(format!("./{path}"), b'0'), bytes)
    }

    pub fn executable(self, path: &str, bytes: &[u8]) -> Self {
        self.entry(Header::new(format!("./{path}"), b'0').mode(0o755), bytes)
    }

    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(Header::new(format!("./{path}"), b'2').link(target), &[])
    }

    pub fn hardlink(self, path: &str, target: &str) -> Self {
        let header = Header::new(format!("./{path}"), b'1').link(format!("./{target}"));
        self.entry(header, &[])
    }

    /// One member: its size is set from the bytes, long names are split off.
    pub fn entry(mut self, mut header: Header, bytes: &[u8]) -> Self {
        if header.link.len() > 100 {
            let target = std::mem::take(&mut header.link);
            self = self.long(b'K', &[&target[..], b"\0"].concat());
            header.link = target[..100].to_vec();
        }
        if header.name.len() > 100 {
            let name = std::mem::take(&mut header.name);
            self = self.long(b'L', &[&name[..], b"\0"].concat());
            header.name = name[..100].to_vec();
        }
        self.raw(&header.size(bytes.len() as u64), bytes)
    }

    /// A GNU long name (`L`) or long target (`K`) with just these bytes.
    pub fn long(self, kind: u8, bytes: &[u8]) -> Self {
        let header = Header::new("././@LongLink", kind).size(bytes.len() as u64);
        self.raw(&header, bytes)
    }

    /// A header as it is, then the bytes, padded to a whole block.
    pub fn raw(self, header: &Header, bytes: &[u8]) -> Self {
        self.block(&header.to_block()).data(bytes)
    }

    /// Bytes as they are, without a header, padded to a whole block.
    pub fn data(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        let padded = self.bytes.len().next_multiple_of(BLOCK);
        self.bytes.resize(padded, 0);
        self
    }

    /// One block as it is.
    pub fn block(mut self, block: &[u8; BLOCK]) -> Self {
        self.bytes.extend_from_slice(block);
        self
    }

    /// So many blocks of zeros.
    pub fn zeros(mut self, blocks: usize) -> Self {
        self.bytes.resize(self.bytes.len() + blocks * BLOCK, 0);
        self
    }

    /// Without the two zero blocks that end an archive.
    pub fn build_unended(self) -> Vec<u8> {
        self.bytes
    }

    /// With the end, filled to GNU's record of twenty blocks.
    pub fn build(self) -> Vec<u8> {
        let mut bytes = self.zeros(2).bytes;
        let padded = bytes.len().next_multiple_of(20 * BLOCK);
        bytes.resize(padded, 0);
        bytes
    }
}

/// One ar member header of 60 bytes; `size` is the text of the size field.
pub fn ar_header(name: &str, size: &str) -> Vec<u8> {
    format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", "1700000000", "0", "0", "100644")
        .into_bytes()
}

/// An ar archive of these members, each padded to an even length.
pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        bytes.extend(ar_header(name, &content.len().to_string()));
        bytes.extend_from_slice(content);
        if content.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}
