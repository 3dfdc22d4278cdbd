//! One suite: what it offers, what its `Release` says, and every way to make it say
//! something else before it is signed. Never touches a disk.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::super::archive::{Compression, sha256_hex};
use super::super::signer::{Draft, SigningKey, TEXT, canonical, cleartext};
use super::date::release_date;
use super::package::{Offer, Package};

/// Which of the two archives a suite is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    Main,
    Security,
}

impl Archive {
    /// The folder below the server's root.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Main => "debian",
            Self::Security => "debian-security",
        }
    }

    /// Where its .debs lie.
    pub const fn pool(self) -> &'static str {
        match self {
            Self::Main => "pool/main",
            Self::Security => "pool/updates/main",
        }
    }

    const fn component(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Security => "updates/main",
        }
    }
}

type Rewrite = Box<dyn Fn(String) -> String + Send>;

/// A suite in the making. Plain fields may be set at will; [`super::Mirror::publish`] makes
/// them public.
pub struct Suite {
    pub archive: Archive,
    pub codename: String,
    pub origin: String,
    pub label: String,
    /// `Suite`, which changes with the years.
    pub role: String,
    /// `Version`; no such field when it is absent.
    pub version: Option<String>,
    pub description: String,
    /// `Date`, and when it is signed; Unix seconds.
    pub date: u64,
    /// `Valid-Until`, which security always has.
    pub valid_until: Option<u64>,
    /// `Acquire-By-Hash: yes`, and the files by hash.
    pub by_hash: bool,
    pub architectures: Vec<String>,
    /// The forms of `Packages` that are listed and served.
    pub compressions: Vec<Compression>,
    /// Who signs; nobody leaves the plain text.
    pub signers: Vec<Arc<SigningKey>>,
    /// When it is signed, where that is not `date`.
    pub signed: Option<u64>,
    pub(super) changelogs: Option<String>,
    pub(super) offers: Vec<Arc<Offer>>,
    packages_rewrites: Vec<Rewrite>,
    release_rewrites: Vec<Rewrite>,
    inrelease_rewrites: Vec<Rewrite>,
}

impl Suite {
    /// A suite of Debian 12 with the names it has today.
    pub fn new(archive: Archive, codename: &str, date: u64, offers: Vec<Arc<Offer>>) -> Self {
        let (role, version, description) = match codename.rsplit_once('-') {
            None => ("oldstable", "12.15", "Debian 12.15 Released 11 July 2026"),
            Some((_, "updates")) => ("oldstable-updates", "12-updates", "Debian 12 - Updates"),
            Some(_) => ("oldstable-security", "12", "Debian 12 - Security Updates"),
        };
        let main = archive == Archive::Main;
        let architectures: &[&str] =
            if main { &["all", "amd64", "arm64"] } else { &["amd64", "arm64"] };
        Self {
            archive,
            codename: codename.to_owned(),
            origin: "Debian".into(),
            label: if main { "Debian" } else { "Debian-Security" }.into(),
            role: role.into(),
            version: Some(version.into()),
            description: description.into(),
            date,
            valid_until: (!main).then_some(date + 7 * 86_400),
            by_hash: true,
            architectures: architectures.iter().map(|name| (*name).to_owned()).collect(),
            compressions: vec![Compression::None, Compression::Gzip, Compression::Xz],
            signers: Vec::new(),
            signed: None,
            changelogs: None,
            offers,
            packages_rewrites: Vec::new(),
            release_rewrites: Vec::new(),
            inrelease_rewrites: Vec::new(),
        }
    }

    /// The package of this name for this architecture (an `all` package serves each).
    pub fn offer(&self, name: &str, architecture: &str) -> &Offer {
        let wanted = |offer: &&Arc<Offer>| {
            let has = &offer.package.architecture;
            offer.package.name == name && (has == architecture || has == "all")
        };
        let offer = self.offers.iter().find(wanted);
        offer.unwrap_or_else(|| panic!("{} has no {name} for {architecture}", self.codename))
    }

    /// Everything it offers, in no particular order.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.offers.iter().map(Arc::as_ref)
    }

    /// Offers one more package.
    pub fn add(&mut self, package: Package) -> &mut Self {
        self.offers.push(Arc::new(Offer::new(package, self.archive.pool())));
        self
    }

    /// Offers a package no more, on no architecture.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.change(|package| (package.name == name).then_some(Vec::new()))
    }

    /// Changes a package on every architecture; its .deb is built anew.
    pub fn edit(&mut self, name: &str, edit: impl Fn(&mut Package)) -> &mut Self {
        self.change(|package| {
            (package.name == name).then(|| {
                let mut package = package.clone();
                edit(&mut package);
                vec![package]
            })
        })
    }

    /// Uploads a new version of the package's source: all its binary packages, and what
    /// they say of each other, as Debian does. `change` goes into the changelog.
    pub fn bump(&mut self, name: &str, version: &str, change: &str) -> &mut Self {
        let old = self.offers.iter().find(|offer| offer.package.name == name);
        let old = old.unwrap_or_else(|| panic!("{} has no {name}", self.codename));
        let (source, before) = (old.package.source.clone(), old.package.version.clone());
        self.change(|package| {
            (package.source == source && package.version == before).then(|| {
                let mut package = package.clone();
                version.clone_into(&mut package.version);
                package.changelog.insert(0, (version.to_owned(), change.to_owned()));
                for (_, value) in &mut package.fields {
                    *value = value.replace(&format!("= {before})"), &format!("= {version})"));
                }
                vec![package]
            })
        })
    }

    /// Takes a dependency away from a package.
    pub fn drop_dependency(&mut self, name: &str, dependency: &str) -> &mut Self {
        self.edit(name, |package| package.drop_dependency(dependency))
    }

    /// Offers other bytes as the .deb of a package: signed, but not what they claim to be.
    pub fn replace_deb(&mut self, name: &str, deb: impl Fn(&Package) -> Vec<u8>) -> &mut Self {
        let pool = self.archive.pool();
        for offer in self.offers.iter_mut().filter(|offer| offer.package.name == name) {
            let package = offer.package.clone();
            let bytes = deb(&package);
            *offer = Arc::new(Offer::with_deb(package, pool, bytes));
        }
        self
    }

    fn change(&mut self, with: impl Fn(&Package) -> Option<Vec<Package>>) -> &mut Self {
        let pool = self.archive.pool();
        let mut changed = 0;
        let mut offers = Vec::new();
        for offer in self.offers.drain(..) {
            match with(&offer.package) {
                None => offers.push(offer),
                Some(packages) => {
                    changed += 1;
                    offers.extend(packages.into_iter().map(|p| Arc::new(Offer::new(p, pool))));
                }
            }
        }
        assert!(changed > 0, "{} has no such package", self.codename);
        self.offers = offers;
        self
    }

    /// Signs with these keys from now on; none at all leaves it unsigned.
    pub fn sign_with(&mut self, keys: &[Arc<SigningKey>]) -> &mut Self {
        self.signers = keys.to_vec();
        self
    }

    /// Changes the text of each `Packages` before it is hashed.
    pub fn rewrite_packages(&mut self, with: impl Fn(String) -> String + Send + 'static) {
        self.packages_rewrites.push(Box::new(with));
    }

    /// Says something else in a field of a package's stanzas (e.g. `SHA256`, `Size`,
    /// `Filename`), with a good signature over it.
    pub fn set_index_field(&mut self, name: &str, field: &str, value: &str) {
        let stanza = format!("Package: {name}\n");
        let (field, line) = (format!("{field}: "), format!("{field}: {value}"));
        self.rewrite_packages(move |text| {
            let rewrite = |paragraph: &str| {
                if !paragraph.starts_with(&stanza) {
                    return paragraph.to_owned();
                }
                let change = |old: &str| {
                    if old.starts_with(&field) { line.clone() } else { old.to_owned() }
                };
                paragraph.split('\n').map(change).collect::<Vec<_>>().join("\n")
            };
            text.split("\n\n").map(rewrite).collect::<Vec<_>>().join("\n\n")
        });
    }

    /// Changes the text of `Release` before it is signed.
    pub fn rewrite_release(&mut self, with: impl Fn(String) -> String + Send + 'static) {
        self.release_rewrites.push(Box::new(with));
    }

    /// Changes `InRelease` after it was signed.
    pub fn rewrite_inrelease(&mut self, with: impl Fn(String) -> String + Send + 'static) {
        self.inrelease_rewrites.push(Box::new(with));
    }

    /// Undoes every rewrite.
    pub fn heal(&mut self) -> &mut Self {
        self.packages_rewrites.clear();
        self.release_rewrites.clear();
        self.inrelease_rewrites.clear();
        self
    }

    /// The text of `Packages` for one architecture.
    pub fn packages_text(&self, architecture: &str) -> String {
        let mut stanzas: Vec<&str> = Vec::new();
        let mut offers: Vec<&Offer> = self.offers.iter().map(Arc::as_ref).collect();
        offers.sort_by(|a, b| a.package.name.cmp(&b.package.name));
        for offer in offers {
            if [architecture, "all"].contains(&offer.package.architecture.as_str()) {
                stanzas.push(&offer.stanza);
            }
        }
        let text = stanzas.join("\n");
        self.packages_rewrites.iter().fold(text, |text, rewrite| rewrite(text))
    }

    /// The indices, by path below the suite's folder.
    pub fn indices(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for architecture in &self.architectures {
            let text = self.packages_text(architecture);
            for compression in &self.compressions {
                let path = index_path(architecture, *compression);
                files.insert(path, compression.apply(text.as_bytes()));
            }
        }
        files
    }

    /// The text that is signed, over these indices.
    pub fn release_text(&self, indices: &BTreeMap<String, Vec<u8>>) -> String {
        let mut text = format!("Origin: {}\nLabel: {}\n", self.origin, self.label);
        let mut field = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                writeln!(text, "{name}: {value}").expect("a string takes all text");
            }
        };
        let main = self.archive == Archive::Main;
        field("Suite", Some(&self.role));
        field("Version", self.version.as_deref());
        field("Codename", Some(&self.codename));
        field("Changelogs", self.changelogs.as_deref());
        field("Date", Some(&release_date(self.date)));
        field("Valid-Until", self.valid_until.map(release_date).as_deref());
        field("Acquire-By-Hash", self.by_hash.then_some("yes"));
        field("No-Support-for-Architecture-all", main.then_some("Packages"));
        field("Architectures", Some(&self.architectures.join(" ")));
        field("Components", Some(self.archive.component()));
        field("Description", Some(&self.description));
        text.push_str("SHA256:\n");
        for (path, bytes) in indices {
            let (hash, size) = (sha256_hex(bytes), bytes.len());
            writeln!(text, " {hash} {size:>8} {path}").expect("a string takes all text");
        }
        self.release_rewrites.iter().fold(text, |text, rewrite| rewrite(text))
    }

    /// `InRelease` over these indices.
    pub fn inrelease(&self, indices: &BTreeMap<String, Vec<u8>>) -> String {
        let text = self.release_text(indices);
        let time = self.signed.unwrap_or(self.date);
        let data = canonical(&text);
        let sign = |key: &Arc<SigningKey>| key.sign(&Draft::new(TEXT, key, time), &data);
        let signatures: Vec<u8> = self.signers.iter().flat_map(sign).collect();
        let whole =
            if signatures.is_empty() { text } else { cleartext(&text, "SHA256", &signatures) };
        self.inrelease_rewrites.iter().fold(whole, |text, rewrite| rewrite(text))
    }

    /// Every file of the suite, by path below the server's root.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let archive = self.archive.folder();
        let folder = format!("{archive}/dists/{}", self.codename);
        let indices = self.indices();
        let mut files = BTreeMap::new();
        files.insert(format!("{folder}/InRelease"), self.inrelease(&indices).into_bytes());
        for (path, bytes) in indices {
            if self.by_hash {
                files.insert(format!("{folder}/{}", by_hash(&path, &bytes)), bytes.clone());
            }
            files.insert(format!("{folder}/{path}"), bytes);
        }
        for offer in &self.offers {
            files.insert(format!("{archive}/{}", offer.path), offer.deb.clone());
            let changelog = format!("changelogs/{}_changelog", offer.package.change_path());
            files.insert(changelog, offer.package.changelog_text().into_bytes());
        }
        files
    }
}

/// The place of an index below the suite's folder.
pub fn index_path(architecture: &str, compression: Compression) -> String {
    format!("main/binary-{architecture}/Packages{}", compression.suffix())
}

/// The place by hash of what lies at `path`.
pub fn by_hash(path: &str, bytes: &[u8]) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/by-hash/SHA256/{}", sha256_hex(bytes))
}
