//! The table of shims: which name stands for which program, and in what manner it is
//! started. It must never hold a path: those stand in the toolchain's `share/tools`.

/// How a tool is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// clang with the target's configuration, as a C compiler.
    C,
    /// clang with the target's configuration, as a C++ compiler.
    Cxx,
    /// clang with the target's configuration, as a preprocessor.
    Preprocessor,
    /// clang with the target's configuration, in the place of GNU as.
    Assembler,
    /// lld with the target's sysroot.
    Linker,
    /// As it is, after the given leading argument (`gcov` is `llvm-cov gcov`).
    Under(&'static str),
    /// As it is.
    Plain,
    /// The host's pkg-config, confined to the sysroot.
    PkgConfig,
    /// qemu's user mode over the sysroot, started through a loader by name: Debian's
    /// program is left as it is, and finds its libraries beside it.
    Emulator,
}

/// A shim's name behind the target's prefix, and what it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// Such as `ar` for `x86_64-unknown-linux-gnu-ar`.
    pub alias: &'static str,
    /// The program's name in `share/tools`, such as `llvm-ar`.
    pub program: &'static str,
    /// How it is started.
    pub manner: Manner,
}

const fn tool(alias: &'static str, program: &'static str, manner: Manner) -> Tool {
    Tool { alias, program, manner }
}

/// Every shim. Names of GNU's tools are there too, because `configure` scripts and
/// Makefiles ask for `<triple>-gcc`, `<triple>-objdump` and so on.
pub const TOOLS: [Tool; 35] = [
    tool("clang", "clang", Manner::C),
    tool("clang++", "clang", Manner::Cxx),
    tool("clang-cpp", "clang", Manner::Preprocessor),
    tool("cc", "clang", Manner::C),
    tool("c++", "clang", Manner::Cxx),
    tool("gcc", "clang", Manner::C),
    tool("g++", "clang", Manner::Cxx),
    tool("cpp", "clang", Manner::Preprocessor),
    tool("as", "clang", Manner::Assembler),
    tool("ld", "ld.lld", Manner::Linker),
    tool("ld.lld", "ld.lld", Manner::Linker),
    tool("ar", "llvm-ar", Manner::Plain),
    tool("ranlib", "llvm-ranlib", Manner::Plain),
    tool("nm", "llvm-nm", Manner::Plain),
    tool("objcopy", "llvm-objcopy", Manner::Plain),
    tool("objdump", "llvm-objdump", Manner::Plain),
    tool("readelf", "llvm-readelf", Manner::Plain),
    tool("strip", "llvm-strip", Manner::Plain),
    tool("size", "llvm-size", Manner::Plain),
    tool("strings", "llvm-strings", Manner::Plain),
    tool("addr2line", "llvm-addr2line", Manner::Plain),
    tool("c++filt", "llvm-cxxfilt", Manner::Plain),
    tool("symbolizer", "llvm-symbolizer", Manner::Plain),
    tool("dwarfdump", "llvm-dwarfdump", Manner::Plain),
    tool("dwp", "llvm-dwp", Manner::Plain),
    tool("profdata", "llvm-profdata", Manner::Plain),
    tool("cov", "llvm-cov", Manner::Plain),
    tool("gcov", "llvm-cov", Manner::Under("gcov")),
    tool("llc", "llc", Manner::Plain),
    tool("opt", "opt", Manner::Plain),
    tool("llvm-as", "llvm-as", Manner::Plain),
    tool("llvm-dis", "llvm-dis", Manner::Plain),
    tool("llvm-link", "llvm-link", Manner::Plain),
    tool("pkg-config", "pkg-config", Manner::PkgConfig),
    tool("run", "qemu", Manner::Emulator),
];

/// The tool behind a shim's file name, for the target's `triple`. `.exe` plays no part:
/// the shims exist on Unix hosts only.
#[must_use]
pub fn lookup(file_name: &str, triple: &str) -> Option<&'static Tool> {
    let alias = file_name.strip_prefix(triple)?.strip_prefix('-')?;
    TOOLS.iter().find(|tool| tool.alias == alias)
}

/// The file names of all shims for `triple`, each with its tool.
pub fn shims(triple: &str) -> impl Iterator<Item = (String, &'static Tool)> {
    TOOLS.iter().map(move |tool| (format!("{triple}-{}", tool.alias), tool))
}

/// Every program that the shims start, each once, in the table's order.
#[must_use]
pub fn programs() -> Vec<&'static str> {
    let mut programs = Vec::new();
    for tool in &TOOLS {
        if !programs.contains(&tool.program) {
            programs.push(tool.program);
        }
    }
    programs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const TRIPLE: &str = "x86_64-unknown-linux-gnu";

    #[test]
    fn every_shim_leads_back_to_its_tool_and_no_name_stands_twice() {
        let names: BTreeSet<String> = shims(TRIPLE).map(|(name, _)| name).collect();
        assert_eq!(names.len(), TOOLS.len());
        for (name, tool) in shims(TRIPLE) {
            assert_eq!(lookup(&name, TRIPLE), Some(tool), "{name}");
        }
    }

    #[test]
    fn other_names_are_no_shims() {
        for name in [
            "",
            "-",
            "clang",
            TRIPLE,
            "x86_64-unknown-linux-gnu-",
            "x86_64-unknown-linux-gnuclang",
            "aarch64-unknown-linux-gnu-clang",
            "x86_64-unknown-linux-gnu-clang-19",
        ] {
            assert_eq!(lookup(name, TRIPLE), None, "{name:?}");
        }
    }

    #[test]
    fn programs_are_named_once() {
        let programs = programs();
        let distinct: BTreeSet<_> = programs.iter().collect();
        assert_eq!(distinct.len(), programs.len());
        assert!(programs.contains(&"clang") && programs.contains(&"llvm-cov"));
    }
}
