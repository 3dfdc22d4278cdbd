//! What the toolchain's clang says of itself and of its target: asked, never assumed.

use super::error::LinkError;
use super::module::Module;
use super::tools::Tools;
use crate::llvm::{LlvmVersion, clang_banner};

/// Its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clang {
    /// The data layout of the target.
    pub layout: String,
    /// The triple that it puts into modules.
    pub triple: String,
    /// Its version.
    pub version: LlvmVersion,
}

/// Asks it, by an empty module.
///
/// # Errors
/// It does not run, or its module is none.
pub fn ask(tools: &Tools<'_>) -> Result<Clang, LinkError> {
    let args = ["-S", "-emit-llvm", "-o", "-", "-x", "c", "/dev/null"];
    let said = tools.run("clang", args.map(Into::into))?;
    if !said.is_good() {
        return Err(LinkError::Tool { tool: "clang", said: said.errors() });
    }
    let text = String::from_utf8_lossy(&said.output.stdout);
    let odd = || LinkError::Tool { tool: "clang", said: "its empty module makes no sense".into() };
    let module = Module::read(&text, &|_| false);
    // `!0 = !{!"Debian clang version 19.1.7 (3~deb12u1)"}`
    let own = text
        .lines()
        .filter(|line| line.contains("clang version"))
        .find_map(|line| line.split_once("!{!\"")?.1.strip_suffix("\"}"));
    let banner = clang_banner(own.unwrap_or_default().as_bytes()).map_err(|_| odd())?;
    Ok(Clang {
        layout: module.layout.ok_or_else(odd)?,
        triple: module.triple.ok_or_else(odd)?,
        version: banner.version,
    })
}
