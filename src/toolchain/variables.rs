//! The environment a prepared toolchain asks for, and its rendering for every shell.
//! `LD_LIBRARY_PATH` is deliberately absent: Debian's libraries lie in multiarch folders,
//! and the variable would leak into the host's own programs.

use std::ffi::OsString;
use std::path::Path;

use super::layout::Tree;
use crate::host::Env;
use crate::pins::Target;

/// One change of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// The variable has this value.
    Set {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// The folder comes first in `PATH`, once.
    PathFirst {
        /// The folder.
        folder: String,
    },
}

/// A shell, or another reader of environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// sh, bash (3.2 and later), dash, zsh, ksh.
    Sh,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// One JSON object.
    Json,
    /// GitHub Actions: lines for the file `$GITHUB_ENV`.
    Github,
}

/// The variables of the toolchain at `tree` for `target`. `llvm` is the folder that holds
/// LLVM's `bin`; `foreign` tells that programs of the target need an emulator here, and
/// `pkg_config` that the host has one for the shim of that name.
#[must_use]
pub fn variables(
    tree: &Tree,
    target: &Target,
    llvm: &Path,
    foreign: bool,
    pkg_config: bool,
) -> Vec<Variable> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let tool = |name: &str| text(&tree.bin().join(format!("{}-{name}", target.triple)));
    let lower = target.underscored();
    let upper = lower.to_uppercase();
    let libdir = tree.sysroot().join("usr/lib").join(target.multiarch).join("pkgconfig");
    let descriptions =
        format!("{}:{}", text(&libdir), text(&tree.sysroot().join("usr/share/pkgconfig")));
    let sysroot = text(&tree.sysroot());
    let mut list = vec![Variable::PathFirst { folder: text(&tree.bin()) }];
    let mut set = |name: String, value: String| list.push(Variable::Set { name, value });
    set("REML_TOOLCHAIN_HOME".to_owned(), text(tree.root()));
    set("REML_LLVM_HOME".to_owned(), text(llvm));
    set("REML_RUNTIME_PATH".to_owned(), text(&tree.runtime()));
    for (name, tool_name) in [
        ("CC", "clang"),
        ("CXX", "clang++"),
        ("AR", "ar"),
        ("RANLIB", "ranlib"),
        ("NM", "nm"),
        ("STRIP", "strip"),
        ("OBJCOPY", "objcopy"),
        ("READELF", "readelf"),
    ] {
        set(format!("{name}_{lower}"), tool(tool_name));
    }
    set(format!("CARGO_TARGET_{upper}_LINKER"), tool("clang"));
    if foreign {
        // By name, not by path: cargo splits this one at blanks. `bin` is in PATH.
        set(format!("CARGO_TARGET_{upper}_RUNNER"), format!("{}-run", target.triple));
    }
    set(
        format!("CMAKE_TOOLCHAIN_FILE_{lower}"),
        text(&tree.share().join(format!("cmake/{}.cmake", target.triple))),
    );
    if pkg_config {
        set(format!("PKG_CONFIG_{lower}"), tool("pkg-config"));
    }
    set(format!("PKG_CONFIG_LIBDIR_{lower}"), descriptions);
    set(format!("PKG_CONFIG_SYSROOT_DIR_{lower}"), sysroot.clone());
    set(format!("PKG_CONFIG_ALLOW_CROSS_{lower}"), "1".to_owned());
    set(format!("BINDGEN_EXTRA_CLANG_ARGS_{lower}"), format!("--sysroot={}", shell_word(&sysroot)));
    list
}

/// Changes `environment` as the variables say.
pub fn apply(environment: &mut Env, variables: &[Variable]) {
    for variable in variables {
        match variable {
            Variable::Set { name, value } => {
                environment.vars.insert(name.into(), value.into());
            }
            Variable::PathFirst { folder } => {
                let mut path = OsString::from(folder);
                if let Some(old) = environment.var("PATH") {
                    path.push(":");
                    path.push(old);
                }
                environment.vars.insert("PATH".into(), path);
            }
        }
    }
}

/// The variables as `shell` reads them. `path` is the `PATH` in force, for readers that
/// cannot ask for it themselves.
#[must_use]
pub fn render(shell: Shell, variables: &[Variable], path: &str) -> String {
    match shell {
        Shell::Json => json(variables),
        Shell::Github => variables.iter().map(|variable| github(variable, path)).collect(),
        Shell::Sh => variables.iter().map(sh).collect(),
        Shell::Fish => variables.iter().map(fish).collect(),
        Shell::Powershell => variables.iter().map(powershell).collect(),
    }
}

/// A word in single quotes for sh: the one quoting without exceptions inside.
#[must_use]
pub fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn sh(variable: &Variable) -> String {
    match variable {
        Variable::Set { name, value } => format!("export {name}={}\n", shell_word(value)),
        Variable::PathFirst { folder } => {
            let word = shell_word(folder);
            format!(
                "case \":${{PATH-}}:\" in\n  *:{word}:*) ;;\n  *) export PATH={word}\"${{PATH:+:$PATH}}\" ;;\nesac\n"
            )
        }
    }
}

fn fish(variable: &Variable) -> String {
    let word = |text: &str| format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"));
    match variable {
        Variable::Set { name, value } => format!("set -gx {name} {}\n", word(value)),
        Variable::PathFirst { folder } => {
            let word = word(folder);
            format!("contains -- {word} $PATH; or set -gx PATH {word} $PATH\n")
        }
    }
}

fn powershell(variable: &Variable) -> String {
    let word = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match variable {
        Variable::Set { name, value } => format!("$env:{name} = {}\n", word(value)),
        Variable::PathFirst { folder } => {
            let word = word(folder);
            format!(
                "if (($env:PATH -split [IO.Path]::PathSeparator) -cnotcontains {word}) {{ $env:PATH = {word} + [IO.Path]::PathSeparator + $env:PATH }}\n"
            )
        }
    }
}

fn github(variable: &Variable, path: &str) -> String {
    match variable {
        Variable::Set { name, value } => format!("{name}={value}\n"),
        Variable::PathFirst { folder } if path.split(':').any(|known| known == folder) => {
            String::new()
        }
        Variable::PathFirst { folder } => format!("PATH={folder}:{path}\n"),
    }
}

fn json(variables: &[Variable]) -> String {
    let mut object = serde_json::Map::new();
    let mut path = Vec::new();
    for variable in variables {
        match variable {
            Variable::Set { name, value } => {
                object.insert(name.clone(), value.clone().into());
            }
            Variable::PathFirst { folder } => path.push(folder.clone()),
        }
    }
    let document = serde_json::json!({ "schema": 1, "path": path, "variables": object });
    format!("{document:#}\n")
}

/// What ends csh's reading, without ending csh: there alone `$?shell` is 1, and `:+` an
/// error. Other shells pass over both lines.
const NOT_FOR_CSH: &str = concat!(
    "test \"$?shell\" = 1 && sh -c 'echo \"error: env.sh is for sh, bash, dash, zsh and ksh\" >&2; ",
    "echo \"hint: start one of them, or run: reml-toolchain exec -- COMMAND\" >&2'\n",
    ": \"${PATH:+csh reads no further}\"\n"
);

/// `env.sh`, which says so when its toolchain was moved away.
#[must_use]
pub fn env_file(shell: Shell, tree: &Tree, variables: &[Variable]) -> String {
    let root = tree.root().to_string_lossy();
    let moved = "reml-toolchain: no toolchain here any more, run `reml-toolchain prepare` in its new place:";
    let body = render(shell, variables, "");
    match shell {
        Shell::Sh => {
            let word = shell_word(&root);
            format!(
                "# Written by reml-toolchain. Source it from sh, bash, dash, zsh or ksh; twice is as good as once.\n\
                 # Your CC, CXX, AR, CFLAGS and LDFLAGS stay as they are: what is set is for this target alone.\n\
                 {NOT_FOR_CSH}\
                 if [ -d {word} ]; then\n{body}else\n  printf '%s %s\\n' {} {word} >&2\n  false\nfi\n",
                shell_word(moved)
            )
        }
        Shell::Fish => format!("# Written by reml-toolchain. Source it from fish.\n{body}"),
        Shell::Powershell => {
            format!("# Written by reml-toolchain. Dot-source it from PowerShell.\n{body}")
        }
        Shell::Json | Shell::Github => body,
    }
}

#[cfg(test)]
mod tests;
