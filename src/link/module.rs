//! What a module says of itself, read from LLVM's own printed form of it: triple, data
//! layout, processor features, and how it declares and calls functions. Pure. It is no
//! parser of IR: LLVM's verifier has read the module before, and prints one thing a line.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{Shape, called, declared};
use crate::pins::{TARGETS, Target};

/// Where a function's type stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// In a `declare`.
    Declared,
    /// In a call of it.
    Called,
}

/// A function of another module, as this one sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Its symbol.
    pub name: String,
    /// Its type.
    pub shape: Shape,
    /// Where that stands.
    pub site: Site,
}

/// A module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Module {
    /// `target triple`.
    pub triple: Option<String>,
    /// `target datalayout`.
    pub layout: Option<String>,
    /// The processor features that its functions want, such as `+sse2`.
    pub features: BTreeSet<String>,
    /// Functions that it declares, and all its calls of them.
    pub uses: Vec<Use>,
    /// The functions that it defines.
    pub defined: BTreeSet<String>,
}

impl Module {
    /// Reads the printed form. Of all functions only those in `wanted` are kept.
    #[must_use]
    pub fn read(text: &str, wanted: &dyn Fn(&str) -> bool) -> Self {
        let mut module = Self::default();
        let mut types = BTreeMap::new();
        let mut lines = Vec::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("target triple = ") {
                module.triple = quoted(rest);
            } else if let Some(rest) = line.strip_prefix("target datalayout = ") {
                module.layout = quoted(rest);
            } else if let Some((name, body)) = line.split_once(" = type ") {
                types.insert(name.to_owned(), body.to_owned());
            } else if line.starts_with("attributes #") {
                module.features.extend(features(line));
            } else if let Some(rest) = line.strip_prefix("define ") {
                module.defined.extend(symbol(rest).map(str::to_owned));
            } else if line.contains('@') {
                lines.push(line);
            }
        }
        // Types are printed first, but nothing here hangs on it.
        for line in lines {
            let (site, found) = match line.strip_prefix("declare ") {
                Some(rest) => (Site::Declared, declared(rest, &types)),
                None => (Site::Called, called(line, &types)),
            };
            let Some((name, shape)) = found else { continue };
            if wanted(&name) {
                let found = Use { name, shape, site };
                if !module.uses.contains(&found) {
                    module.uses.push(found);
                }
            }
        }
        module
    }

    /// Whether its triple, where it has one, is that of `target`: vendors do not count.
    #[must_use]
    pub fn is_for(&self, target: &Target) -> bool {
        let Some(triple) = self.triple.as_deref().filter(|triple| !triple.is_empty()) else {
            return true;
        };
        let mut parts = triple.split('-');
        let processor = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        let is_same = super::module::target(processor).is_some_and(|known| known == target);
        is_same && matches!(rest[..], [_, "linux", "gnu"] | ["linux", "gnu"])
    }
}

/// The target whose processor LLVM calls so.
#[must_use]
pub fn target(processor: &str) -> Option<&'static Target> {
    let name = match processor {
        "arm64" => "aarch64",
        "amd64" => "x86_64",
        name => name,
    };
    TARGETS.iter().find(|target| target.processor == name)
}

fn quoted(text: &str) -> Option<String> {
    Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

/// The first symbol of a line.
fn symbol(text: &str) -> Option<&str> {
    let rest = text.split_once('@')?.1;
    match rest.strip_prefix('"') {
        Some(rest) => rest.split_once('"').map(|(name, _)| name),
        None => rest.split('(').next(),
    }
}

/// The features that are switched on in a group of attributes.
fn features(line: &str) -> Vec<String> {
    let Some((_, rest)) = line.split_once("\"target-features\"=\"") else { return Vec::new() };
    let list = rest.split('"').next().unwrap_or_default();
    list.split(',').filter(|feature| feature.starts_with('+')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"; ModuleID = 'a.ll'
source_filename = "a.ll"
target datalayout = "e-m:e-i64:64"
target triple = "x86_64-pc-linux-gnu"

%Str = type { ptr, i64 }

@.s = private unnamed_addr constant [9 x i8] c"@panic(i8"

define dso_local i32 @main() #0 {
  %1 = call ptr @mem_alloc(i64 8)
  tail call void @"odd name"(ptr %1)
  %2 = tail call ptr @reml_box_string(%Str { ptr null, i64 0 })
  ret i32 0
}

declare noalias ptr @mem_alloc(i64) local_unnamed_addr #1
declare ptr @reml_box_string(%Str)

attributes #0 = { uwtable "target-cpu"="x86-64" "target-features"="+cx8,-avx,+sse2" }
"#;

    fn read(text: &str) -> Module {
        Module::read(text, &|name| name != "odd name")
    }

    #[test]
    fn a_module_is_read_from_what_llvm_prints() {
        let module = read(TEXT);
        assert_eq!(module.triple.as_deref(), Some("x86_64-pc-linux-gnu"));
        assert_eq!(module.layout.as_deref(), Some("e-m:e-i64:64"));
        assert_eq!(module.features.into_iter().collect::<Vec<_>>(), ["+cx8", "+sse2"]);
        assert!(module.defined.contains("main"));
        let uses: Vec<String> = module
            .uses
            .iter()
            .map(|used| format!("{:?} {} {}", used.site, used.name, used.shape))
            .collect();
        assert_eq!(
            uses,
            [
                "Called mem_alloc ptr (i64)",
                "Called reml_box_string ptr ({ ptr, i64 })",
                "Declared mem_alloc ptr (i64)",
                "Declared reml_box_string ptr ({ ptr, i64 })",
            ]
        );
    }

    #[test]
    fn a_triple_is_of_the_target_whatever_the_vendor() {
        let with = |triple: &str| Module { triple: Some(triple.into()), ..Module::default() };
        let (x86, arm) = (&TARGETS[0], &TARGETS[1]);
        for triple in ["x86_64-unknown-linux-gnu", "x86_64-pc-linux-gnu", "x86_64-linux-gnu", ""] {
            assert!(with(triple).is_for(x86), "{triple}");
        }
        assert!(Module::default().is_for(arm));
        assert!(with("arm64-unknown-linux-gnu").is_for(arm));
        for triple in [
            "aarch64-unknown-linux-gnu",
            "x86_64-unknown-linux-musl",
            "x86_64-unknown-linux-gnux32",
            "x86_64-apple-darwin",
            "x86_64",
            "nonsense",
        ] {
            assert!(!with(triple).is_for(x86), "{triple}");
        }
    }
}
