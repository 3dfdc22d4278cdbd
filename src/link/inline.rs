//! The runtime's fast paths inside the modules that count references: linked in before
//! anything is optimised, so that a pair of `inc_ref` and `dec_ref` costs no call. They come
//! from the tree that the archive comes from, under the same stamp, so that the two are
//! always of one revision. A module's own functions of these names are left alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::LinkError;
use super::ir::Verified;
use super::module::Module;
use super::tools::Tools;
use crate::host::fs;

/// The functions that `reml_runtime_inline.ll` defines.
const FUNCTIONS: [&str; 2] = ["inc_ref", "dec_ref"];

/// What llvm-link calls every module that it makes.
const ITS_NAME: &str = "\nsource_filename = \"llvm-link\"\n";

/// Whether the fast paths are of any use to it.
fn wants(module: &Module) -> bool {
    let is_one = |name: &str| FUNCTIONS.contains(&name) && !module.defined.contains(name);
    module.uses.iter().any(|used| is_one(&used.name))
}

/// Puts the fast paths in the file `fast` into each module that counts references; its
/// printed form is another file then. How long that took, and what was done.
///
/// # Errors
/// The tool is absent or fails, or the disk refuses.
pub fn into(
    tools: &Tools<'_>,
    fast: &Path,
    modules: &mut [Verified],
) -> Result<(Duration, Vec<String>), LinkError> {
    let (mut took, mut commands) = (Duration::ZERO, Vec::new());
    for verified in modules.iter_mut().filter(|verified| wants(&verified.module)) {
        let made = verified.printed.with_extension("inline.ll");
        let plain = std::mem::replace(&mut verified.printed, made);
        let files = [&verified.printed, &plain].map(|path: &PathBuf| path.clone().into());
        let args = ["-S".into(), "-o".into()].into_iter().chain(files);
        let said = tools.run("llvm-link", args.chain([fast.into()]))?;
        if !said.is_good() {
            return Err(LinkError::Tool { tool: "llvm-link", said: said.errors() });
        }
        let text = fs::read_text(&verified.printed)?;
        let renamed = renamed(&text, &fs::read_text(&plain)?);
        fs::write(&verified.printed, renamed.as_bytes())?;
        took += said.took;
        commands.push(said.command);
    }
    Ok((took, commands))
}

/// The module `text` under the source's name of the module `before`, which is what the
/// program's symbols tell of it.
fn renamed(text: &str, before: &str) -> String {
    let own = before.lines().find(|line| line.starts_with("source_filename = "));
    match own {
        Some(own) => text.replacen(ITS_NAME, &format!("\n{own}\n"), 1),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../runtime/ir/reml_runtime_inline.ll");

    fn read(text: &str) -> Module {
        Module::read(text, &|_| true)
    }

    #[test]
    fn the_functions_are_those_of_the_runtimes_file() {
        assert_eq!(read(FILE).defined, FUNCTIONS.map(str::to_owned).into());
        // It takes on triple and layout of whatever it goes into.
        assert_eq!((read(FILE).triple, read(FILE).layout), (None, None));
    }

    #[test]
    fn modules_that_count_nothing_or_by_themselves_are_left_alone() {
        let declares = "declare void @inc_ref(ptr)\n";
        assert!(wants(&read(declares)));
        assert!(wants(&read(&format!("{declares}define void @dec_ref(ptr %0) {{\n}}\n"))));
        assert!(!wants(&read("declare void @print_i64(i64)\n")));
        // As one that its compiler linked the file into already.
        assert!(!wants(&read(FILE)));
    }

    #[test]
    fn a_module_keeps_the_name_of_its_source() {
        let before = "; ModuleID = '/t/a.ll'\nsource_filename = \"a.reml\"\n";
        let after = format!("; ModuleID = 'llvm-link'{ITS_NAME}\n@x = global i32 1\n");
        assert_eq!(
            renamed(&after, before),
            "; ModuleID = 'llvm-link'\nsource_filename = \"a.reml\"\n\n@x = global i32 1\n"
        );
        assert_eq!(renamed(&after, "@x = global i32 1\n"), after);
    }
}
