//! A package as a test describes it, and the .deb that comes of it: the same bytes each
//! time. Never checks what it is told, for hostile packages are described here too.

use std::io::Write as _;

use super::super::archive::{Compression, DebBuilder, Header};
use super::date::changelog_date;

/// One member of the data archive; paths without a slash at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    Dir(String),
    File(String, Vec<u8>),
    Program(String, Vec<u8>),
    Link(String, String),
    HardLink(String, String),
}

/// One binary package.
#[derive(Debug, Clone)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// `amd64`, `arm64` or `all`.
    pub architecture: String,
    /// The source package; its own name where a test sets none.
    pub source: String,
    /// Control fields beyond those every package has, in order.
    pub fields: Vec<(String, String)>,
    pub members: Vec<Member>,
    pub compression: Compression,
    /// Versions and what changed in them, the newest first.
    pub changelog: Vec<(String, String)>,
    /// Members with a header of their own, put behind the others.
    pub raw: Vec<(Header, Vec<u8>)>,
}

impl Package {
    pub fn new(name: &str, version: &str, architecture: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: architecture.to_owned(),
            source: name.to_owned(),
            fields: vec![("Priority".into(), "optional".into())],
            members: Vec::new(),
            compression: Compression::Xz,
            changelog: vec![(version.to_owned(), "Made for a test.".into())],
            raw: Vec::new(),
        }
    }

    /// The source package it is built from.
    pub fn source(mut self, source: &str) -> Self {
        source.clone_into(&mut self.source);
        self
    }

    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets a control field, anew or for the first time.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.set_field(name, Some(value));
        self
    }

    pub fn depends(self, value: &str) -> Self {
        self.field("Depends", value)
    }

    pub fn provides(self, value: &str) -> Self {
        self.field("Provides", value)
    }

    pub fn dir(mut self, path: &str) -> Self {
        self.members.push(Member::Dir(path.to_owned()));
        self
    }

    pub fn file(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.members.push(Member::File(path.to_owned(), bytes.as_ref().to_vec()));
        self
    }

    pub fn program(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.members.push(Member::Program(path.to_owned(), bytes.as_ref().to_vec()));
        self
    }

    pub fn link(mut self, path: &str, target: &str) -> Self {
        self.members.push(Member::Link(path.to_owned(), target.to_owned()));
        self
    }

    pub fn hardlink(mut self, path: &str, target: &str) -> Self {
        self.members.push(Member::HardLink(path.to_owned(), target.to_owned()));
        self
    }

    /// A member of any kind, e.g. a device.
    pub fn raw(mut self, header: Header, bytes: &[u8]) -> Self {
        self.raw.push((header, bytes.to_vec()));
        self
    }

    /// Sets a control field, or takes it away.
    pub fn set_field(&mut self, name: &str, value: Option<&str>) {
        let place = self.fields.iter().position(|(field, _)| field == name);
        match (place, value) {
            (Some(at), Some(value)) => value.clone_into(&mut self.fields[at].1),
            (Some(at), None) => drop(self.fields.remove(at)),
            (None, Some(value)) => self.fields.push((name.to_owned(), value.to_owned())),
            (None, None) => {}
        }
    }

    /// The value of a control field.
    pub fn value(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(field, _)| field == name);
        field.map(|(_, value)| value.as_str())
    }

    /// Leaves out every dependency that names `package`, alternatives and all.
    pub fn drop_dependency(&mut self, package: &str) {
        for field in ["Pre-Depends", "Depends"] {
            let Some(value) = self.value(field) else {
                continue;
            };
            let names = |group: &str| {
                group.split('|').any(|one| one.split_whitespace().next() == Some(package))
            };
            let left: Vec<&str> = value.split(", ").filter(|group| !names(group)).collect();
            let left = left.join(", ");
            self.set_field(field, Some(left.as_str()).filter(|left| !left.is_empty()));
        }
    }

    /// Its place below the archive's root; `pool` is `pool/main` or `pool/updates/main`.
    pub fn pool_path(&self, pool: &str) -> String {
        format!("{pool}/{}/{}/{}", prefix(&self.source), self.source, self.builder().file_name())
    }

    /// What `@CHANGEPATH@` stands for (apt's `Changelogs` field).
    pub fn change_path(&self) -> String {
        let version = without_epoch(&self.version);
        format!("main/{}/{}/{}_{version}", prefix(&self.source), self.source, self.source)
    }

    /// The changelog's text (Debian policy §4.4).
    pub fn changelog_text(&self) -> String {
        let entry = |(version, change): &(String, String)| {
            let (source, date) = (&self.source, changelog_date(1_752_000_000));
            format!(
                "{source} ({version}) bookworm; urgency=medium\n\n  * {change}\n\n \
                 -- Test <test@example.org>  {date}\n"
            )
        };
        self.changelog.iter().map(entry).collect::<Vec<_>>().join("\n")
    }

    /// The builder with everything in it: the way to a .deb that is wrong inside.
    pub fn builder(&self) -> DebBuilder {
        let mut builder = DebBuilder::new(&self.name, &self.version, &self.architecture)
            .compression(self.compression);
        if self.source != self.name {
            builder = builder.field("Source", &self.source);
        }
        for (name, value) in &self.fields {
            builder = builder.field(name, value);
        }
        for member in &self.members {
            builder = match member {
                Member::Dir(path) => builder.dir(path),
                Member::File(path, bytes) => builder.file(path, bytes),
                Member::Program(path, bytes) => builder.executable(path, bytes),
                Member::Link(path, target) => builder.symlink(path, target),
                Member::HardLink(path, target) => builder.hardlink(path, target),
            };
        }
        let licence = format!("{} is no work of anybody: a test made it.\n", self.name);
        let doc = format!("usr/share/doc/{}", self.name);
        builder = builder
            .file(&format!("{doc}/copyright"), licence.as_bytes())
            .file(&format!("{doc}/changelog.Debian.gz"), &gzip(self.changelog_text().as_bytes()));
        for (header, bytes) in &self.raw {
            builder = builder.entry(header.clone(), bytes);
        }
        builder
    }
}

/// A package in a pool: its .deb, built once, and what the index says of it.
#[derive(Debug, Clone)]
pub struct Offer {
    pub package: Package,
    pub deb: Vec<u8>,
    /// Its place below the archive's root.
    pub path: String,
    /// Its stanza in `Packages`, with a newline at the end.
    pub stanza: String,
}

impl Offer {
    /// `pool` is `pool/main` or `pool/updates/main`.
    pub fn new(package: Package, pool: &str) -> Self {
        let deb = package.builder().build();
        Self::with_deb(package, pool, deb)
    }

    /// Offers these bytes under the package's name, signed with all the rest.
    pub fn with_deb(package: Package, pool: &str, deb: Vec<u8>) -> Self {
        let path = package.pool_path(pool);
        let stanza = package.builder().index_stanza(&deb, &path);
        Self { package, deb, path, stanza }
    }
}

/// A version without its epoch, as file names have it.
pub fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

/// `l`, or `libx` for what begins with `lib`: the pool's folders.
fn prefix(source: &str) -> &str {
    &source[..if source.starts_with("lib") { 4 } else { 1 }]
}

/// A gzip stream without a time in it.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("a vector takes all bytes");
    encoder.finish().expect("a vector takes all bytes")
}
