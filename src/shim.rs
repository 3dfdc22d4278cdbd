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
use crate::host::process::Call;
use crate::toolchain::shim::invocation;
use crate::toolchain::tools_table::Tools;
use crate::ui::{failure, output};

/// What shells use for a command that cannot be started.
const NOT_STARTED: u8 = 126;

/// Becomes the tool that this program's file is named after; `None` when it has its own
/// name.
#[must_use]
pub fn run(env: &Env) -> Option<ExitCode> {
    let exe = env.exe.as_deref()?;
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
    output::say(&failure::text(&anyhow::Error::from(error).context(name.to_owned()), false));
    Some(ExitCode::from(NOT_STARTED))
}

fn become_tool(env: &Env, root: &Path, name: &str, table: &Path) -> Result<Infallible, Fault> {
    let tools = Tools::parse(&fs::read_text(table)?)?;
    let args: Vec<OsString> = env.args.iter().skip(1).cloned().collect();
    let exec = invocation(root, name, &tools, &args, env.vars.clone())?;
    let mut call = Call::new(exec.program, exec.args);
    call.env = exec.env;
    Err(call.exec().into())
}
