//! A report as text for people and as JSON for machines. Pure.

use std::cmp::Reverse;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{DISTRIBUTIONS, Report};
use crate::elf::{Class, Facts, Relro, Want};
use crate::sysroot::needed::Library;

/// So many symbols are told of each version; JSON has all.
const MOST_SYMBOLS: usize = 8;

/// Libraries that every distribution's own C and C++ libraries bring.
const COMMON: [&str; 13] = [
    "libc.so.6",
    "libm.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libanl.so.1",
    "libmvec.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libstdc++.so.6",
    "libgcc_s.so.1",
];

impl Report {
    /// As lines for people.
    #[must_use]
    pub fn text(&self) -> String {
        let facts = &self.facts;
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<12} {}", shown(value));
        };
        line("file", &self.file.display().to_string());
        let bits = if facts.class == Class::Elf64 { "64-bit" } else { "32-bit" };
        let order = if facts.little_endian { "little-endian" } else { "big-endian" };
        line("type", &format!("{}, ELF {bits} {order}, {} bytes", self.kind(), self.size));
        line("machine", &self.machine());
        if facts.entry != 0 {
            line("entry", &format!("{:#x}", facts.entry));
        }
        let optional = [
            ("interpreter", &facts.interpreter),
            ("soname", &facts.soname),
            ("rpath", &facts.rpath),
            ("runpath", &facts.runpath),
            ("build id", &self.details.build_id),
            ("kernel", &self.details.kernel.as_ref().map(|version| format!("{version} or newer"))),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                line(name, value);
            }
        }
        if self.is_loaded() {
            line("hardening", &self.hardening());
        }
        self.library_lines(&mut text);
        self.version_lines(&mut text);
        self.release_lines(&mut text);
        text
    }

    fn library_lines(&self, text: &mut String) {
        if self.facts.needed.is_empty() {
            return;
        }
        text.push_str("\nlibraries\n");
        let Some(closure) = &self.libraries else {
            for name in &self.facts.needed {
                let _ = writeln!(text, "  {}", shown(name));
            }
            return;
        };
        let width = widest(closure.libraries.iter().map(|library| &*library.name));
        for library in &closure.libraries {
            let Library { name, needed_by, place } = library;
            let place = place.as_ref().map_or("missing from the sysroot".to_owned(), |place| {
                if place.path().to_str() == Some(name) {
                    "found".to_owned()
                } else {
                    place.to_string()
                }
            });
            let by = match &**needed_by {
                "the program" => String::new(),
                by => format!(" (needed by {by})"),
            };
            let line = format!("  {name:<width$}  {place}{by}");
            let _ = writeln!(text, "{}", shown(&line));
        }
    }

    fn version_lines(&self, text: &mut String) {
        if self.details.wants.is_empty() {
            return;
        }
        text.push_str("\nsymbol versions\n");
        let libraries = widest(self.details.wants.iter().map(|want| &*want.library));
        let versions = widest(self.details.wants.iter().map(|want| &*want.version));
        for want in self.wants() {
            let first: Vec<_> = want.symbols.iter().take(MOST_SYMBOLS).cloned().collect();
            let mut symbols = first.join(", ");
            if let Some(more) = want.symbols.len().checked_sub(MOST_SYMBOLS + 1) {
                let _ = write!(symbols, " and {} more", more + 1);
            }
            let weak = if want.is_weak { " (weak)" } else { "" };
            let Want { library, version, .. } = want;
            let line = format!("  {library:<libraries$}  {version:<versions$}{weak}  {symbols}");
            let _ = writeln!(text, "{}", shown(line.trim_end()));
        }
    }

    fn release_lines(&self, text: &mut String) {
        if !self.is_loaded() {
            return;
        }
        text.push_str("\nruns on\n");
        if self.is_static() {
            let kernel = self.details.kernel.as_deref();
            let kernel = kernel.map_or(String::new(), |version| format!(" from {version} on"));
            let _ = writeln!(text, "  any Linux{kernel}: it is static");
            return;
        }
        if !self.is_glibc() {
            text.push_str("  systems with musl as their C library\n");
            return;
        }
        let floor = self.floor();
        match floor.glibc {
            Some(version) => {
                let _ = writeln!(text, "  glibc {version} or newer");
            }
            None => text.push_str("  any glibc\n"),
        }
        for distribution in DISTRIBUTIONS {
            let oldest = match floor.oldest(distribution) {
                Some(release) => format!("{} or newer", release.name),
                None => "no release known to this program".to_owned(),
            };
            let _ = writeln!(text, "  {distribution} {oldest}");
        }
        let others: Vec<&str> = self.others().collect();
        if !others.is_empty() {
            let others = shown(&others.join(", "));
            let _ = writeln!(text, "  where these are installed: {others}");
        }
    }

    /// As one document.
    #[must_use]
    pub fn json(&self) -> Value {
        let (facts, details) = (&self.facts, &self.details);
        let floor = self.floor();
        let place = |library: &Library| library.place.as_ref().map(ToString::to_string);
        let libraries = self.libraries.as_ref().map(|closure| {
            let each = closure.libraries.iter().map(|library| {
                json!({ "name": library.name, "needed_by": library.needed_by, "place": place(library) })
            });
            each.collect::<Vec<_>>()
        });
        let versions: Vec<Value> = self
            .wants()
            .iter()
            .map(|want| {
                json!({
                    "library": want.library,
                    "version": want.version,
                    "weak": want.is_weak,
                    "symbols": want.symbols,
                })
            })
            .collect();
        let oldest: serde_json::Map<String, Value> = DISTRIBUTIONS
            .iter()
            .map(|name| {
                let release = floor.oldest(name).filter(|_| self.is_glibc() && !self.is_static());
                ((*name).to_owned(), json!(release.map(|release| release.name)))
            })
            .collect();
        json!({
            "schema": 1,
            "file": self.file.display().to_string(),
            "size": self.size,
            "class": if facts.class == Class::Elf64 { 64 } else { 32 },
            "little_endian": facts.little_endian,
            "type": self.kind(),
            "machine": facts.machine,
            "target": self.target.map(|target| target.triple),
            "entry": facts.entry,
            "static": self.is_static(),
            "interpreter": facts.interpreter,
            "soname": facts.soname,
            "rpath": facts.rpath,
            "runpath": facts.runpath,
            "needed": facts.needed,
            "libraries": libraries,
            "versions": versions,
            "glibc": floor.glibc.map(|version| version.to_string()),
            "glibcxx": floor.glibcxx.map(|number| format!("3.4.{number}")),
            "oldest": oldest,
            "hardening": {
                "pie": details.is_pie,
                "relro": relro(details.relro),
                "nx": details.has_plain_stack,
                "canary": details.has_canary,
            },
            "build_id": details.build_id,
            "kernel": details.kernel,
        })
    }

    /// Whether it is a program or a library, which a loader or the kernel reads.
    fn is_loaded(&self) -> bool {
        matches!(self.facts.file_type, 2 | 3)
    }

    fn kind(&self) -> &'static str {
        match self.facts.file_type {
            1 => "object file",
            2 => "executable",
            3 if self.details.is_pie => "position-independent executable",
            3 => "shared library",
            4 => "core dump",
            _ => "unknown",
        }
    }

    fn machine(&self) -> String {
        match self.target {
            Some(target) => target.triple.to_owned(),
            None => match name(&self.facts) {
                Some(name) => format!("{name} (ELF machine {})", self.facts.machine),
                None => format!("ELF machine {}", self.facts.machine),
            },
        }
    }

    fn hardening(&self) -> String {
        let yes = |is: bool| if is { "yes" } else { "no" };
        let details = &self.details;
        let mut all = Vec::new();
        if self.facts.soname.is_none() {
            all.push(format!("PIE {}", yes(details.is_pie)));
        }
        all.push(format!("RELRO {}", relro(details.relro)));
        all.push(format!("NX {}", yes(details.has_plain_stack)));
        all.extend(details.has_canary.map(|has| format!("stack canary {}", yes(has))));
        all.join(", ")
    }

    /// By library, the newest first.
    fn wants(&self) -> Vec<&Want> {
        let mut wants: Vec<&Want> = self.details.wants.iter().collect();
        let first = |want: &Want| {
            let same = |other: &Want| other.library == want.library;
            self.details.wants.iter().position(same)
        };
        wants.sort_by_key(|want| (first(want), Reverse(numbers(&want.version))));
        wants
    }

    fn others(&self) -> impl Iterator<Item = &str> {
        self.facts.needed.iter().map(String::as_str).filter(|name| !COMMON.contains(name))
    }
}

/// The length of the longest name, as far as columns go.
fn widest<'n>(names: impl Iterator<Item = &'n str>) -> usize {
    names.map(|name| name.chars().count()).max().unwrap_or_default().min(40)
}

/// Foreign text in one line.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn relro(relro: Relro) -> &'static str {
    match relro {
        Relro::None => "none",
        Relro::Partial => "partial",
        Relro::Full => "full",
    }
}

/// The numbers of a version's name, which compare as numbers.
fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().unwrap_or(u64::MAX)).collect()
}

/// Machines that people meet and that are no target here (gABI, `e_machine`).
fn name(facts: &Facts) -> Option<&'static str> {
    Some(match facts.machine {
        3 => "32-bit x86",
        8 => "MIPS",
        21 => "64-bit PowerPC",
        22 => "IBM Z",
        40 => "32-bit Arm",
        62 => "x86-64",
        183 => "AArch64",
        243 => "RISC-V",
        258 => "LoongArch",
        _ => return None,
    })
}
