//! `versions.toml`: what people want. Read to an unvalidated document, then validated as
//! a whole: either every value is usable, or all problems are told at once.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::document::{Document, Placed, Section};
use super::problem::{MOST, Problems, at_offset, nearest};
use super::target::{TARGETS, Target};

/// The schema number this program reads.
pub const SCHEMA: u32 = 1;

/// The largest file that is read, in bytes.
pub const SIZE_LIMIT: u64 = 1 << 20;

/// The code and the hint of a file that is not valid.
pub const INVALID: (&str, &str) =
    ("pins-invalid", "the format is described in `docs/src/reference/versions.md`");

/// Everything `versions.toml` says, valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins {
    /// The Debian release used when none is asked for.
    pub release: String,
    /// The target prepared when none is asked for.
    pub target: &'static Target,
    /// Where files come from when the host names no mirror of its own.
    pub mirrors: Mirrors,
    /// The Debian releases known, by codename.
    pub releases: BTreeMap<String, Release>,
    /// The target's headers and libraries.
    pub sysroot: PackageSet,
    /// clang, lld and the binutils for Linux hosts.
    pub llvm: Llvm,
    /// The user-mode emulator for Linux hosts.
    pub qemu: HostTools,
    /// The microVM's kernel, by target.
    pub kernel: Kernel,
    /// Homebrew's formulae for the host tools.
    pub formulae: Vec<String>,
}

/// Base URLs, each tried in order, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrors {
    /// Mirrors of the main archive.
    pub main: Vec<String>,
    /// Mirrors of the security archive.
    pub security: Vec<String>,
    /// The snapshot service, which keeps every version by time.
    pub snapshot: String,
}

/// One Debian release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The glibc declared for it, e.g. `2.36`. `audit` compares it with the real one.
    pub glibc: String,
    /// The major version of its GCC: what `{gcc}` in package names stands for.
    pub gcc: u32,
    /// Its suites by codename, in force together.
    pub suites: Vec<String>,
    /// The suite that no longer changes, so that its files stay on the mirrors.
    pub durable: String,
    /// Fingerprints of the keys that must all have signed the durable suite, beside the
    /// rule that any key pinned for a suite may sign it: 40 digits, upper case.
    pub signed_by: Vec<String>,
    /// The last day of its support, `2028-06-30`, where that is known. `audit` warns a year
    /// before.
    pub support_ends: Option<String>,
}

/// Wanted packages and how they are laid out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackageSet {
    /// The packages wanted.
    pub packages: Vec<String>,
    /// Those taken from the release's durable suite; `*` is all.
    pub durable: Vec<String>,
    /// Names the solver does not follow.
    pub without: Vec<String>,
    /// Globs of paths that are not unpacked.
    pub prune: Vec<String>,
    /// Globs of paths that are unpacked although `prune` names them.
    pub keep: Vec<String>,
    /// Packages wanted with everything they depend on (the sysroot's own).
    pub extra: Vec<String>,
}

/// Packages that run on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostTools {
    /// What is wanted.
    pub set: PackageSet,
    /// The hosts it is locked for.
    pub hosts: Vec<&'static Target>,
}

/// Where clang and lld come from on Linux hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Llvm {
    /// The one major version in use.
    pub major: u32,
    /// Debian's packages of it.
    pub tools: HostTools,
}

/// The microVM's kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// How the packages are chosen and laid out; its own `packages` is empty.
    pub set: PackageSet,
    /// The kernel packages of each target.
    pub packages: BTreeMap<&'static str, Vec<String>>,
}

impl PackageSet {
    /// Whether `package` is to come from the durable suite.
    #[must_use]
    pub fn is_durable(&self, package: &str) -> bool {
        self.durable.iter().any(|name| name == "*" || name == package)
    }
}

impl Release {
    /// A package name of `versions.toml` with `{gcc}` filled in.
    #[must_use]
    pub fn package(&self, name: &str) -> String {
        name.replace("{gcc}", &self.gcc.to_string())
    }
}

impl Pins {
    /// Reads and validates `text`, which stands in the file called `file`.
    ///
    /// # Errors
    /// Every problem of the text, each with line and column.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let invalid = |list| Problems::new(file, INVALID.0, INVALID.1, list);
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let problem = |error: &toml::de::Error| {
                let offset = error.span().map_or(0, |span| span.start);
                at_offset(text, offset, error.message().to_owned())
            };
            return Err(invalid(errors.iter().take(MOST).map(problem).collect()));
        }
        let document = Document::new(text);
        let pins = read(&document, &Section::root(&document, &root));
        let problems = document.into_problems();
        match pins {
            Some(pins) if problems.is_empty() => Ok(pins),
            _ => Err(invalid(problems)),
        }
    }

    /// The release called `codename`.
    #[must_use]
    pub fn release(&self, codename: &str) -> Option<&Release> {
        self.releases.get(codename)
    }
}

fn read(document: &Document<'_>, root: &Section<'_, '_>) -> Option<Pins> {
    let schema = root.integer("schema");
    if schema.value != SCHEMA {
        let advice = if schema.value > SCHEMA { "; a newer reml-toolchain reads it" } else { "" };
        let got = schema.value;
        document.problem(
            &schema.span,
            format!("schema is not supported: expected {SCHEMA}, got {got}{advice}"),
        );
        // The rest may mean anything, so it is not judged.
        return None;
    }
    let toolchain = root.section("toolchain");
    let release = toolchain.string("release");
    let target = target(document, &toolchain.string("target"));
    toolchain.finish();
    let mirrors = mirrors(document, root.section("mirrors"));
    let releases = releases(document, &root.section("release"));
    if !release.value.is_empty() && !releases.contains_key(&release.value) {
        let name = &release.value;
        document.problem(&release.span, format!("release `{name}` has no `[release.{name}]`"));
    }
    let sysroot_section = root.section("sysroot");
    let sysroot = package_set(document, &sysroot_section);
    sysroot_section.finish();
    let llvm_section = root.section("llvm");
    let major = llvm_section.integer("major");
    let llvm = Llvm { major: major.value, tools: host_tools(document, llvm_section) };
    let qemu = host_tools(document, root.section("qemu"));
    let kernel = kernel(document, root.section("kernel"));
    let homebrew = root.section("homebrew");
    let formulae = formula_names(document, homebrew.strings("formulae"));
    homebrew.finish();
    root.report_unknown();
    let (release, target) = (release.value, target?);
    Some(Pins { release, target, mirrors, releases, sysroot, llvm, qemu, kernel, formulae })
}

fn target(document: &Document<'_>, triple: &Placed<String>) -> Option<&'static Target> {
    let found = Target::by_triple(&triple.value);
    if found.is_none() && !triple.value.is_empty() {
        let known: Vec<&str> = TARGETS.iter().map(|target| target.triple).collect();
        let meant = nearest(&triple.value, known.iter().copied()).map_or_else(
            || format!("known are {}", known.join(", ")),
            |n| format!("did you mean `{n}`?"),
        );
        document.problem(&triple.span, format!("unknown target `{}`: {meant}", triple.value));
    }
    found
}

fn mirrors(document: &Document<'_>, section: Section<'_, '_>) -> Mirrors {
    let urls = |list: Vec<Placed<String>>| -> Vec<String> {
        list.iter().map(|url| mirror(document, url)).collect()
    };
    let main = urls(section.strings("main"));
    let security = urls(section.strings("security"));
    let snapshot = mirror(document, &section.string("snapshot"));
    section.finish();
    Mirrors { main, security, snapshot }
}

fn mirror(document: &Document<'_>, url: &Placed<String>) -> String {
    let text = url.value.trim_end_matches('/').to_owned();
    let known_scheme = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    let plain = text.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}?#".contains(c));
    if !url.value.is_empty() && (!known_scheme || !plain) {
        let got = text.escape_debug();
        document
            .problem(&url.span, format!("not a mirror: expected a plain http(s) URL, got `{got}`"));
    }
    text
}

fn releases(document: &Document<'_>, section: &Section<'_, '_>) -> BTreeMap<String, Release> {
    let mut releases = BTreeMap::new();
    for (name, table) in section.sections() {
        let glibc = table.string("glibc");
        let is_version = glibc.value.split('.').count() == 2
            && glibc.value.split('.').all(|part| {
                part.bytes().all(|byte| byte.is_ascii_digit()) && part.parse::<u16>().is_ok()
            });
        if !is_version && !glibc.value.is_empty() {
            let got = glibc.value.escape_debug();
            document.problem(
                &glibc.span,
                format!("not a glibc version: expected e.g. `2.36`, got `{got}`"),
            );
        }
        let gcc = table.integer("gcc").value;
        let suites = table.strings("suites");
        for suite in &suites {
            suite_name(document, suite);
        }
        let durable = table.string("durable");
        if !durable.value.is_empty() && suites.iter().all(|suite| suite.value != durable.value) {
            let got = durable.value.escape_debug();
            document.problem(&durable.span, format!("durable suite `{got}` is not among `suites`"));
        }
        let signed_by = fingerprints(document, table.optional_strings("signed_by"));
        let support_ends = table.optional_string("support_ends");
        for date in support_ends.iter().filter(|date| !is_date(&date.value)) {
            let got = date.value.escape_debug();
            document.problem(
                &date.span,
                format!("not a date: expected e.g. `2028-06-30`, got `{got}`"),
            );
        }
        table.finish();
        suite_name(document, &name);
        let suites = suites.into_iter().map(|suite| suite.value).collect();
        let (glibc, durable) = (glibc.value, durable.value);
        let support_ends = support_ends.map(|date| date.value);
        let release = Release { glibc, gcc, suites, durable, signed_by, support_ends };
        releases.insert(name.value, release);
    }
    releases
}

/// Whole fingerprints only: a short key id is easily made a second time.
fn fingerprints(document: &Document<'_>, keys: Vec<Placed<String>>) -> Vec<String> {
    let valid = |c: char| c.is_ascii_digit() || ('A'..='F').contains(&c);
    for key in keys.iter().filter(|key| key.value.len() != 40 || !key.value.chars().all(valid)) {
        let got = key.value.escape_debug();
        let text = format!("not a key's fingerprint: expected 40 digits from 0 to F, got `{got}`");
        document.problem(&key.span, text);
    }
    keys.into_iter().map(|key| key.value).collect()
}

/// `2028-06-30`: a shape, and a month and day that can be.
fn is_date(text: &str) -> bool {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse().ok());
    let within = |range, most| number(range).is_some_and(|value: u8| (1..=most).contains(&value));
    shape && within(5..7, 12) && within(8..10, 31)
}

fn suite_name(document: &Document<'_>, name: &Placed<String>) {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.value.is_empty() || !name.value.chars().all(valid) {
        let got = name.value.escape_debug();
        document.problem(&name.span, format!("not a suite's codename: `{got}`"));
    }
}

fn host_tools(document: &Document<'_>, section: Section<'_, '_>) -> HostTools {
    let set = package_set(document, &section);
    let hosts = section.strings("hosts");
    let hosts = hosts.iter().filter_map(|triple| target(document, triple)).collect();
    section.finish();
    HostTools { set, hosts }
}

fn kernel(document: &Document<'_>, section: Section<'_, '_>) -> Kernel {
    let list = section.section("packages");
    let mut packages = BTreeMap::new();
    for (triple, names) in list.lists() {
        if let Some(target) = target(document, &triple) {
            packages.insert(target.triple, package_names(document, names));
        }
    }
    let set = layout(document, &section, Vec::new());
    section.finish();
    Kernel { set, packages }
}

fn package_set(document: &Document<'_>, section: &Section<'_, '_>) -> PackageSet {
    let packages = package_names(document, section.strings("packages"));
    layout(document, section, packages)
}

fn layout(document: &Document<'_>, section: &Section<'_, '_>, packages: Vec<String>) -> PackageSet {
    let globs = |key| section.optional_strings(key).into_iter().map(|glob| glob.value).collect();
    let mut durable = section.optional_strings("durable");
    let all = durable.iter().position(|name| name.value == "*").map(|at| durable.remove(at));
    let mut durable = package_names(document, durable);
    durable.extend(all.map(|star| star.value));
    PackageSet {
        packages,
        durable,
        without: package_names(document, section.optional_strings("without")),
        prune: globs("prune"),
        keep: globs("keep"),
        extra: package_names(document, section.optional_strings("extra")),
    }
}

/// Names by Debian policy §5.6.7; `{gcc}` stands for the release's GCC version.
fn package_names(document: &Document<'_>, names: Vec<Placed<String>>) -> Vec<String> {
    for name in &names {
        if !is_package_name(&name.value.replace("{gcc}", "0")) {
            let got = name.value.escape_debug();
            document.problem(
                &name.span,
                format!(
                    "not a package name: expected lowercase letters, digits and `+-.`, got `{got}`"
                ),
            );
        }
    }
    names.into_iter().map(|name| name.value).collect()
}

/// Names as Homebrew's own formulae have them; never an option for its command line.
fn formula_names(document: &Document<'_>, names: Vec<Placed<String>>) -> Vec<String> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "@+-._".contains(c);
    for name in &names {
        let starts = name.value.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !starts || !name.value.chars().all(valid) {
            let got = name.value.escape_debug();
            document.problem(&name.span, format!("not a formula's name: `{got}`"));
        }
    }
    names.into_iter().map(|name| name.value).collect()
}

/// Whether `name` is a binary package's name (Debian policy §5.6.7).
#[must_use]
pub fn is_package_name(name: &str) -> bool {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(valid)
}

#[cfg(test)]
mod tests;
