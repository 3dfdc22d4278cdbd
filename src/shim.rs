//! This program under the name of a tool: it finds its toolchain from its own place,
//! looks up what the name stands for, and becomes that program. The name of its file
//! counts, not what it was called by, so that links of any name lead to the same tool.

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::host::Env;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::process::{self, Call};
use crate::pins::TARGETS;
use crate::toolchain::layout::Tree;
use crate::toolchain::shim::invocation;
use crate::toolchain::tool_names::lookup;
use crate::toolchain::tools_table::{ShimError, Tools};
use crate::ui::{failure, output};

/// What shells use for a command that cannot be started.
const NOT_STARTED: u8 = 126;

/// Becomes the tool that this program's file is named after; `None` when it has its own
/// name.
#[must_use]
pub fn run(env: &Env) -> Option<ExitCode> {
    let Some(exe) = env.exe.as_deref() else { return refuse_without_place(env) };
    let name = exe.file_name()?.to_str()?;
    let root = exe.parent()?.parent()?;
    if name.starts_with("reml-toolchain") {
        return None;
    }
    let table = root.join("share/tools");
    if !matches!(fs::stat(&table), Ok(Some(_))) {
        return None;
    }
    let Err(error) = become_tool(env, root, name, &table);
    Some(refuse(name, error))
}

fn refuse(name: &str, error: Fault) -> ExitCode {
    output::say(&failure::text(&anyhow::Error::from(error).context(name.to_owned()), false));
    ExitCode::from(NOT_STARTED)
}

/// Without its own place a shim knows no toolchain. What it was called by is no proof of
/// one, but enough to tell a tool's call from one of this program itself.
fn refuse_without_place(env: &Env) -> Option<ExitCode> {
    let name = Path::new(env.args.first()?).file_name()?.to_str()?;
    let is_tool = TARGETS.iter().any(|target| lookup(name, target.triple).is_some());
    is_tool.then(|| refuse(name, ShimError::NoPlace.into()))
}

fn become_tool(env: &Env, root: &Path, name: &str, table: &Path) -> Result<Infallible, Fault> {
    let tools = Tools::parse(&fs::read_text(table)?)?;
    let args: Vec<OsString> = env.args.iter().skip(1).cloned().collect();
    let exec = invocation(root, name, &tools, &args, env.vars.clone())?;
    let mut call = Call::new(exec.program, exec.args);
    call.env = exec.env;
    // While the tool runs, no `prepare` removes its tree. A program under the emulator sees
    // the files that it was given, and no other.
    let _in_use = if name.ends_with("-run") {
        None
    } else {
        fs::share_with_children(&Tree::new(root.to_path_buf()).stamp())
    };
    let error = call.exec();
    if error.is_not_found() {
        let program = call.program;
        // The file is there, so what the kernel did not find is the loader that it names.
        if process::is_executable(&program) {
            let toolchain = root.display().to_string();
            return Err(ShimError::Moved { program, toolchain }.into());
        }
        // A launcher is the user's own, and the error names it.
        if tools.programs.iter().any(|(name, _)| tools.path(name, root).as_ref() == Some(&program))
        {
            return Err(ShimError::Gone { program }.into());
        }
    }
    Err(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(name: &str) -> Option<ExitCode> {
        run(&Env { args: vec![name.into()], ..Env::default() })
    }

    #[test]
    fn n03_without_proc_a_tool_is_refused_and_our_own_name_goes_on() {
        assert!(called("/t/bin/x86_64-unknown-linux-gnu-clang++").is_some());
        assert!(called("aarch64-unknown-linux-gnu-run").is_some());
        assert!(called("/usr/bin/reml-toolchain").is_none());
        assert!(called("clang").is_none());
    }
}
