//! The variables around the program: those that put foreign code into programs, those that
//! lead compilers astray, and those of builds that are other than the toolchains'. It only
//! looks.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::World;
use super::facts::Variables;
use crate::host::fault::Fault;
use crate::host::{Env, fs};
use crate::pins::Pins;
use crate::prepare::{Prepared, all_prepared};
use crate::toolchain::hostile::{LAUNCHER, PRELOADS, is_removed};
use crate::toolchain::layout::Tree;
use crate::toolchain::variables::Variable;

/// What builds of C read, alone or with a target's name behind it.
const OF_BUILDS: [&str; 7] = ["CC", "CXX", "AR", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS"];

/// The variables that matter.
///
/// # Errors
/// The folder of toolchains cannot be looked at.
pub(super) fn variables(world: &World<'_>, pins: &Pins) -> Result<Variables, Fault> {
    let mut ours = Vec::new();
    let mut targets = BTreeSet::from([pins.target.underscored()]);
    for found in all_prepared(world.project, pins)? {
        targets.insert(found.target.underscored());
        ours.extend(found.prepared.iter().flat_map(Prepared::variables));
    }
    Ok(of(world.env, &ours, &targets))
}

/// Those in `env`, where the toolchains of `targets` would set `ours`.
fn of(env: &Env, ours: &[Variable], targets: &BTreeSet<String>) -> Variables {
    let is_preload = |name: &str| PRELOADS.contains(&name);
    let is_set = |(name, value): (&OsString, &OsString)| {
        let name = name.to_string_lossy().into_owned();
        let matters = is_preload(&name) || (is_removed(OsStr::new(&name)) && name != LAUNCHER);
        (matters && !value.is_empty()).then_some(name)
    };
    let (preloads, ignored) =
        env.vars.iter().filter_map(is_set).partition(|name: &String| is_preload(name));
    let home = env.var("REML_TOOLCHAIN_HOME").map(PathBuf::from);
    let is_toolchain =
        |home: &PathBuf| matches!(fs::stat(&Tree::new(home.clone()).stamp()), Ok(Some(_)));
    Variables {
        preloads,
        ignored,
        wrong_home: home.filter(|it| !is_toolchain(it)).map(|it| it.display().to_string()),
        replaced: replaced(env, ours),
        kept: kept(env, ours, targets),
    }
}

/// What `env.sh` would set, and has another value now. The three that name one toolchain are
/// those of whichever was sourced last.
fn replaced(env: &Env, ours: &[Variable]) -> Vec<String> {
    let of = |wanted: &str| {
        let values = ours.iter().filter_map(move |variable| match variable {
            Variable::Set { name, value } if name == wanted => Some(OsStr::new(value)),
            _ => None,
        });
        values.collect::<Vec<_>>()
    };
    let is_other = |(name, now): (&OsString, &OsString)| {
        let name = name.to_str().filter(|name| !name.starts_with("REML_"))?;
        let values = of(name);
        let differs = !now.is_empty() && !values.is_empty() && !values.contains(&now.as_os_str());
        differs.then(|| name.to_owned())
    };
    env.vars.iter().filter_map(is_other).collect()
}

/// What builds read and `env.sh` leaves as it is.
fn kept(env: &Env, ours: &[Variable], targets: &BTreeSet<String>) -> Vec<String> {
    let is_ours = |wanted: &str| {
        let mut all = ours.iter();
        all.any(|variable| matches!(variable, Variable::Set { name, .. } if name == wanted))
    };
    let is_read = |(name, value): (&OsString, &OsString)| {
        let name = name.to_str().filter(|_| !value.is_empty())?;
        let of_target = targets.iter().find_map(|target| name.strip_suffix(target.as_str()));
        let tool = of_target.and_then(|tool| tool.strip_suffix('_')).unwrap_or(name);
        (OF_BUILDS.contains(&tool) && !is_ours(name)).then(|| name.to_owned())
    };
    env.vars.iter().filter_map(is_read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(vars: &[(&str, &str)]) -> Variables {
        let set =
            |name: &str, value: &str| Variable::Set { name: name.into(), value: value.into() };
        let cc = "CC_x86_64_unknown_linux_gnu";
        // Two toolchains for one target, of which either may be sourced.
        let ours = [set(cc, "/t/a/clang"), set(cc, "/t/b/clang"), set("REML_LLVM_HOME", "/t/a")];
        let vars = vars.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let env = Env { vars, ..Env::default() };
        of(&env, &ours, &["x86_64_unknown_linux_gnu".to_owned()].into())
    }

    #[test]
    fn j06_what_the_toolchain_replaces_and_what_it_leaves_are_told_apart() {
        let cc = "CC_x86_64_unknown_linux_gnu";
        let got = told(&[
            (cc, "gcc"),
            ("CFLAGS", "-O3"),
            ("CFLAGS_x86_64_unknown_linux_gnu", "-O2"),
            ("CFLAGS_riscv64gc_unknown_linux_gnu", "-O2"),
            ("LDFLAGS", ""),
            ("REML_LLVM_HOME", "/elsewhere"),
            ("MYCC", "x"),
        ]);
        assert_eq!(got.replaced, [cc]);
        assert_eq!(got.kept, ["CFLAGS", "CFLAGS_x86_64_unknown_linux_gnu"]);
        for own in ["/t/a/clang", "/t/b/clang"] {
            let got = told(&[(cc, own)]);
            assert_eq!((got.replaced, got.kept), (vec![], vec![]));
        }
    }
}
