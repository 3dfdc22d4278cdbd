//! `RunArtifactMetadata`: what a program is and what went into it, for the tools that run
//! Reml programs. Pure. What is not known is null, never made up.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Linked;
use crate::pins::Target;

/// The machine a program is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunTarget {
    /// `linux`.
    pub os: &'static str,
    /// `unix`.
    pub family: &'static str,
    /// The processor: `x86_64`.
    pub arch: &'static str,
    /// The calling convention: `sysv` on x86-64, `aapcs64` on `AArch64`.
    pub abi: &'static str,
    /// `unknown`.
    pub vendor: &'static str,
    /// The C library: `gnu`.
    pub env: &'static str,
    /// The toolchain's triple.
    pub triple: &'static str,
    /// Processor features that the modules ask for, such as `+sse2`.
    pub features: Vec<String>,
    /// What the compiler says the target can do (`--capability`).
    pub capabilities: Vec<String>,
    /// The version of Reml's library that the compiler says it used (`--stdlib-version`).
    pub stdlib_version: Option<String>,
    /// The runtime that was linked.
    pub runtime_revision: Option<String>,
}

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunArtifactMetadata {
    /// The machine.
    pub target: RunTarget,
    /// The triple that the modules name, else clang's own.
    pub llvm_triple: String,
    /// The data layout that the modules name, else clang's own.
    pub data_layout: String,
    /// The runtime that was linked: its version and the beginning of its sources' digest.
    pub runtime_revision: Option<String>,
    /// As in the target.
    pub stdlib_version: Option<String>,
    /// The runtime's functions that the modules use, as `runtime.NAME`.
    pub emitted_capabilities: Vec<String>,
    /// When it was linked (RFC 3339, UTC); with `SOURCE_DATE_EPOCH` that time.
    pub timestamp: String,
    /// `sha256:` and the digest of the program.
    pub hash: String,
}

/// What only the caller knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Of `--capability`.
    pub capabilities: Vec<String>,
    /// Of `--stdlib-version`.
    pub stdlib_version: Option<String>,
    /// RFC 3339.
    pub timestamp: String,
}

/// The document of a program.
#[must_use]
pub fn of(linked: &Linked, target: &'static Target, told: Told) -> RunArtifactMetadata {
    let features: BTreeSet<&String> = linked.modules.iter().flat_map(|m| &m.features).collect();
    let uses: BTreeSet<&String> =
        linked.modules.iter().flat_map(|m| &m.uses).map(|used| &used.name).collect();
    let first = |text: fn(&super::Module) -> Option<&String>| {
        linked.modules.iter().find_map(text).filter(|text| !text.is_empty()).cloned()
    };
    let runtime_revision = linked.runtime.as_ref().map(|archive| archive.revision.clone());
    RunArtifactMetadata {
        target: RunTarget {
            os: "linux",
            family: "unix",
            arch: target.processor,
            abi: if target.processor == "aarch64" { "aapcs64" } else { "sysv" },
            vendor: "unknown",
            env: "gnu",
            triple: target.triple,
            features: features.into_iter().cloned().collect(),
            capabilities: told.capabilities,
            stdlib_version: told.stdlib_version.clone(),
            runtime_revision: runtime_revision.clone(),
        },
        llvm_triple: first(|m| m.triple.as_ref()).unwrap_or(linked.clang.triple.clone()),
        data_layout: first(|m| m.layout.as_ref()).unwrap_or(linked.clang.layout.clone()),
        runtime_revision,
        stdlib_version: told.stdlib_version,
        emitted_capabilities: uses.into_iter().map(|name| format!("runtime.{name}")).collect(),
        timestamp: told.timestamp,
        hash: format!("sha256:{}", linked.digest),
    }
}
