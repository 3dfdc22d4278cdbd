//! Builds whole packages, control file included.

use std::collections::BTreeSet;

use super::{Compression, Header, TarBuilder, ar, sha256_hex};

/// A whole .deb in the making.
#[derive(Debug, Clone)]
pub struct DebBuilder {
    name: String,
    version: String,
    architecture: String,
    fields: Vec<(String, String)>,
    data: TarBuilder,
    directories: BTreeSet<String>,
    content_size: u64,
    compression: Compression,
}

impl DebBuilder {
    pub fn new(name: &str, version: &str, architecture: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: architecture.to_owned(),
            fields: Vec::new(),
            data: TarBuilder::new().root(),
            directories: BTreeSet::new(),
            content_size: 0,
            compression: Compression::Xz,
        }
    }

    /// How control and data are compressed; xz by default.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// One more control field, e.g. `Depends`.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn dir(mut self, path: &str) -> Self {
        let path = path.trim_end_matches('/');
        self = self.parents(path);
        if self.directories.insert(path.to_owned()) {
            self.data = self.data.dir(path);
            self.content_size += 1024;
        }
        self
    }

    pub fn file(mut self, path: &str, bytes: &[u8]) -> Self {
        self = self.parents(path);
        self.content_size += (bytes.len() as u64).next_multiple_of(1024).max(1024);
        self.data = self.data.file(path, bytes);
        self
    }

    pub fn executable(mut self, path: &str, bytes: &[u8]) -> Self {
        self = self.parents(path);
        self.content_size += (bytes.len() as u64).next_multiple_of(1024).max(1024);
        self.data = self.data.executable(path, bytes);
        self
    }

    pub fn symlink(mut self, path: &str, target: &str) -> Self {
        self = self.parents(path);
        self.data = self.data.symlink(path, target);
        self
    }

    pub fn hardlink(mut self, path: &str, target: &str) -> Self {
        self = self.parents(path);
        self.data = self.data.hardlink(path, target);
        self
    }

    /// Any member, with its own header; no parents are made for it.
    pub fn entry(mut self, header: Header, bytes: &[u8]) -> Self {
        self.data = self.data.entry(header, bytes);
        self
    }

    /// `Installed-Size` in KiB, by the rule of Debian policy §5.6.20.
    pub fn installed_size(&self) -> u64 {
        self.content_size.div_ceil(1024).max(1)
    }

    /// The control file's text.
    pub fn control(&self) -> String {
        let mut text = format!(
            "Package: {}\nVersion: {}\nArchitecture: {}\nMaintainer: Test <test@example.org>\n\
             Installed-Size: {}\n",
            self.name,
            self.version,
            self.architecture,
            self.installed_size()
        );
        for (name, value) in &self.fields {
            text.extend([name.as_str(), ": ", value, "\n"]);
        }
        text.push_str("Description: made by a test\n Nothing to see here.\n");
        text
    }

    /// The stanza of this package in a `Packages` index; `bytes` is what
    /// [`DebBuilder::build`] returned, `filename` its place in the pool.
    pub fn index_stanza(&self, bytes: &[u8], filename: &str) -> String {
        format!(
            "{}Filename: {filename}\nSize: {}\nSHA256: {}\n",
            self.control(),
            bytes.len(),
            sha256_hex(bytes)
        )
    }

    /// The .deb's name in a pool: an epoch is not part of it.
    pub fn file_name(&self) -> String {
        let version = self.version.split_once(':').map_or(&self.version[..], |(_, rest)| rest);
        format!("{}_{version}_{}.deb", self.name, self.architecture)
    }

    /// The data archive, uncompressed.
    pub fn data_tar(&self) -> Vec<u8> {
        self.data.clone().build()
    }

    /// The control archive, uncompressed.
    pub fn control_tar(&self) -> Vec<u8> {
        let text = self.control();
        TarBuilder::new().root().file("control", text.as_bytes()).build()
    }

    /// The .deb, with this data member instead of the one built so far.
    pub fn build_with_data(&self, name: &str, data: &[u8]) -> Vec<u8> {
        let control_name = format!("control.tar{}", self.compression.suffix());
        let control = self.compression.apply(&self.control_tar());
        ar(&[("debian-binary", b"2.0\n"), (&control_name, &control), (name, data)])
    }

    /// The .deb whose data archive is these uncompressed bytes.
    pub fn build_with_tar(&self, tar: &[u8]) -> Vec<u8> {
        let name = format!("data.tar{}", self.compression.suffix());
        self.build_with_data(&name, &self.compression.apply(tar))
    }

    pub fn build(&self) -> Vec<u8> {
        self.build_with_tar(&self.data_tar())
    }

    fn parents(mut self, path: &str) -> Self {
        let mut end = 0;
        while let Some(slash) = path[end..].find('/') {
            end += slash;
            let parent = &path[..end];
            if self.directories.insert(parent.to_owned()) {
                self.data = self.data.dir(parent);
                self.content_size += 1024;
            }
            end += 1;
        }
        self
    }
}
