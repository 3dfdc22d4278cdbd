//! What a shim does when it is called: which program, with which arguments and which
//! environment. A pure decision; the caller replaces itself by the result. Arguments
//! pass through unchanged and in order, and no shell stands between.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::config::{config_path, pkg_config_variables};
use super::hostile::{LAUNCHER, is_removed};
use super::tool_names::{Manner, lookup};
use super::tools_table::{ShimError, Tools};

/// What to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// An absolute path; with a launcher, what the user named.
    pub program: PathBuf,
    /// The arguments after the program's own name.
    pub args: Vec<OsString>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
}

/// Decides what the shim `name` in the toolchain at `root` becomes.
///
/// `name` and `root` come from the path of the running file, never from `argv[0]`, which
/// any caller may set.
///
/// # Errors
/// [`ShimError::UnknownName`] and [`ShimError::NotInstalled`].
pub fn invocation(
    root: &Path,
    name: &str,
    tools: &Tools,
    args: &[OsString],
    env: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Exec, ShimError> {
    let tool = lookup(name, &tools.triple).ok_or_else(|| ShimError::UnknownName {
        name: name.to_owned(),
        triple: tools.triple.clone(),
    })?;
    let mut program = tools.path(tool.program, root).ok_or_else(|| ShimError::NotInstalled {
        program: tool.program.to_owned(),
        toolchain: root.display().to_string(),
    })?;
    let mut launcher = None;
    let mut environment = Vec::new();
    for (variable, value) in env {
        if variable == LAUNCHER && !value.is_empty() {
            launcher = Some(PathBuf::from(value));
        } else if !is_removed(&variable) {
            environment.push((variable, value));
        }
    }

    let mut leading = Vec::new();
    let mut compiler = |mode: Option<&str>| {
        leading.push(OsString::from("--no-default-config"));
        leading.push(prefixed("--config=", &config_path(root, &tools.triple)));
        leading.extend(mode.map(OsString::from));
    };
    let mut rest = args.to_vec();
    match tool.manner {
        Manner::C => compiler(None),
        Manner::Cxx => compiler(Some("--driver-mode=g++")),
        Manner::Preprocessor => compiler(Some("--driver-mode=cpp")),
        Manner::Assembler => {
            compiler(None);
            leading.extend(["-c", "-x", "assembler"].map(OsString::from));
            rest = assembler_arguments(args);
        }
        Manner::Linker => leading.push(prefixed("--sysroot=", &root.join("sysroot"))),
        Manner::Under(first) => leading.push(first.into()),
        Manner::Plain => {}
        Manner::Emulator => {
            let missing = |program: &str| ShimError::NotInstalled {
                program: program.to_owned(),
                toolchain: root.display().to_string(),
            };
            let loader = tools.path("loader", root).ok_or_else(|| missing("loader"))?;
            let libraries =
                tools.path("qemu-libraries", root).ok_or_else(|| missing("qemu-libraries"))?;
            let mut search = libraries.into_os_string();
            if let Some(carried) = loader.parent().filter(|_| loader.starts_with(root)) {
                search.push(":");
                search.push(carried);
            }
            leading.extend([
                "--library-path".into(),
                search,
                program.into_os_string(),
                "-L".into(),
            ]);
            leading.push(root.join("sysroot").into_os_string());
            program = loader;
        }
        Manner::PkgConfig => {
            let variables = pkg_config_variables(&root.join("sysroot"), &tools.multiarch);
            environment.extend(variables.map(|(variable, value)| (variable.into(), value)));
        }
    }
    let is_compiler = matches!(tool.manner, Manner::C | Manner::Cxx);
    if let Some(launcher) = launcher.filter(|_| is_compiler) {
        leading.insert(0, program.into_os_string());
        program = launcher;
    }
    leading.extend(rest);
    Ok(Exec { program, args: leading, env: environment })
}

fn prefixed(option: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(path);
    argument
}

/// GNU as's arguments in clang's words: long options go to its integrated assembler,
/// and without `-o` the result is `a.out`, as as(1) says.
fn assembler_arguments(args: &[OsString]) -> Vec<OsString> {
    let mut own = Vec::with_capacity(args.len() + 2);
    let mut has_output = false;
    let mut is_value = false;
    for argument in args {
        let bytes = argument.as_encoded_bytes();
        if is_value {
            own.push(argument.clone());
            is_value = false;
            continue;
        }
        is_value = matches!(bytes, b"-o" | b"-I" | b"-D");
        has_output |= bytes.starts_with(b"-o") || matches!(bytes, b"--version" | b"--help");
        match bytes {
            b"--64" => own.push("-m64".into()),
            b"--32" => own.push("-m32".into()),
            b"--" | b"--version" | b"--help" => own.push(argument.clone()),
            _ if bytes.starts_with(b"--") => {
                let mut passed = OsString::from("-Wa,");
                passed.push(argument);
                own.push(passed);
            }
            _ => own.push(argument.clone()),
        }
    }
    if !has_output {
        own.extend(["-o", "a.out"].map(OsString::from));
    }
    own
}

#[cfg(test)]
mod tests {
    use super::super::hostile::REMOVED;
    use super::super::tool_names::shims;
    use super::*;
    use crate::host::fault::{Diagnostic as _, Kind};

    const TABLE: &str = "target\tx86_64-unknown-linux-gnu\nmultiarch\tx86_64-linux-gnu\n\
                         clang\tlib/llvm/usr/lib/llvm-19/bin/clang\nld.lld\t/opt/my lld/ld.lld\n\
                         llvm-ar\tlib/llvm/usr/lib/llvm-19/bin/llvm-ar\n\
                         llvm-cov\t/opt/llvm-cov\npkg-config\t/usr/bin/pkg-config\n";
    const CONFIG: &str = "--config=/t c/share/clang/x86_64-unknown-linux-gnu.cfg";

    fn call(alias: &str, args: &[&str], env: &[(&str, &str)]) -> Result<Exec, ShimError> {
        let tools = Tools::parse(TABLE).unwrap();
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let env = env.iter().map(|(name, value)| (name.into(), value.into()));
        let name = format!("x86_64-unknown-linux-gnu-{alias}");
        invocation(Path::new("/t c"), &name, &tools, &args, env)
    }

    fn args(alias: &str, args: &[&str]) -> Vec<OsString> {
        call(alias, args, &[]).unwrap().args
    }

    #[test]
    fn n02_arguments_pass_unchanged_behind_the_configuration() {
        let hostile = ["-c", "a b.c", "", "@file", "x\ny", "\"q\"", "--config=/etc/x"];
        let exec = call("clang", &hostile, &[]).unwrap();
        assert_eq!(exec.program, Path::new("/t c/lib/llvm/usr/lib/llvm-19/bin/clang"));
        assert_eq!(exec.args[..2], ["--no-default-config", CONFIG]);
        assert_eq!(exec.args[2..], hostile);
        assert_eq!(args("cc", &hostile), exec.args);
        assert_eq!(args("g++", &["a.cc"])[2..], ["--driver-mode=g++", "a.cc"]);
        assert_eq!(args("cpp", &["a.c"])[2..], ["--driver-mode=cpp", "a.c"]);
    }

    #[cfg(unix)]
    #[test]
    fn n02_arguments_that_are_not_utf_8_pass_unchanged() {
        use std::os::unix::ffi::OsStringExt as _;
        let argument = OsString::from_vec(vec![b'a', 0xff, b'.', b'c']);
        let tools = Tools::parse(TABLE).unwrap();
        let name = "x86_64-unknown-linux-gnu-cc";
        let exec =
            invocation(Path::new("/"), name, &tools, std::slice::from_ref(&argument), []).unwrap();
        assert_eq!(exec.args.last(), Some(&argument));
    }

    #[test]
    fn plain_tools_get_nothing_in_front_and_absolute_places_stay() {
        let exec = call("ar", &["rcs", "a.a"], &[]).unwrap();
        assert_eq!(exec.program, Path::new("/t c/lib/llvm/usr/lib/llvm-19/bin/llvm-ar"));
        assert_eq!(exec.args, ["rcs", "a.a"]);
        let exec = call("ld", &["-r", "a.o"], &[]).unwrap();
        assert_eq!(exec.program, Path::new("/opt/my lld/ld.lld"));
        assert_eq!(exec.args, ["--sysroot=/t c/sysroot", "-r", "a.o"]);
        assert_eq!(args("gcov", &["a"]), ["gcov", "a"]);
    }

    #[test]
    fn a_program_of_another_machine_runs_under_qemu_through_the_hosts_loader() {
        let table = "target\tx\nmultiarch\tx\nqemu\tlib/qemu/usr/bin/qemu-aarch64\n\
                     qemu-libraries\tlib/qemu/usr/lib/x86_64-linux-gnu\nloader\t/lib64/ld.so\n";
        let run = |table: &str| {
            let tools = Tools::parse(table).unwrap();
            invocation(Path::new("/t"), "x-run", &tools, &["p".into(), "-v".into()], []).unwrap()
        };
        let exec = run(table);
        assert_eq!(exec.program, Path::new("/lib64/ld.so"));
        let qemu = "/t/lib/qemu/usr/bin/qemu-aarch64";
        let libraries = "/t/lib/qemu/usr/lib/x86_64-linux-gnu";
        assert_eq!(exec.args, ["--library-path", libraries, qemu, "-L", "/t/sysroot", "p", "-v"]);
        let carried = run(&table.replace("/lib64/ld.so", "lib/llvm/ld.so"));
        assert_eq!(carried.args[1].to_str(), Some(&*format!("{libraries}:/t/lib/llvm")));
    }

    #[test]
    fn the_assembler_understands_gnu_as() {
        let leading = ["-c", "-x", "assembler"];
        let given = args("as", &["--64", "--noexecstack", "-o", "--odd", "a.s"]);
        assert_eq!(given[2..5], leading);
        assert_eq!(given[5..], ["-m64", "-Wa,--noexecstack", "-o", "--odd", "a.s"]);
        assert_eq!(args("as", &["a.s"])[5..], ["a.s", "-o", "a.out"]);
        assert_eq!(args("as", &["--version"])[5..], ["--version"]);
    }

    #[test]
    fn j01_j02_j03_j05_variables_that_leak_the_host_are_removed() {
        let mut env: Vec<(&str, &str)> = REMOVED.iter().map(|name| (*name, "/planted")).collect();
        env.pop_if(|(name, _)| *name == LAUNCHER);
        env.extend([
            ("DYLD_LIBRARY_PATH", "/x"),
            ("DYLD_INSERT_LIBRARIES", "/x"),
            ("PATH", "/bin"),
            ("CPATHS", "kept"),
            ("SOURCE_DATE_EPOCH", "1"),
            ("TMPDIR", "/tmp"),
        ]);
        for alias in ["clang", "c++", "ld", "ar", "as"] {
            let kept: Vec<_> = call(alias, &[], &env).unwrap().env;
            let names: Vec<_> = kept.iter().map(|(name, _)| name).collect();
            assert_eq!(names, ["PATH", "CPATHS", "SOURCE_DATE_EPOCH", "TMPDIR"], "{alias}");
        }
    }

    #[test]
    fn j08_pkg_config_is_pinned_into_the_sysroot() {
        let env = [("PKG_CONFIG_PATH", "/planted"), ("PKG_CONFIG_LIBDIR", "/planted")];
        let exec = call("pkg-config", &["--libs", "x"], &env).unwrap();
        assert_eq!(exec.program, Path::new("/usr/bin/pkg-config"));
        assert_eq!(exec.args, ["--libs", "x"]);
        let names: Vec<_> = exec.env.iter().map(|(name, _)| name).collect();
        let pinned = pkg_config_variables(Path::new("/t c/sysroot"), "x86_64-linux-gnu");
        assert_eq!(names, pinned.each_ref().map(|(name, _)| *name));
        assert!(pinned.iter().all(|(_, value)| !value.is_empty()));
        assert_eq!(exec.env[1].1, "/t c/sysroot");
    }

    #[test]
    fn a_launcher_runs_compilers_only_and_does_not_reach_its_children() {
        let env = [(LAUNCHER, "distcc")];
        let exec = call("clang++", &["-c", "a.cc"], &env).unwrap();
        assert_eq!(exec.program, Path::new("distcc"));
        assert_eq!(exec.args[0], "/t c/lib/llvm/usr/lib/llvm-19/bin/clang");
        assert_eq!(exec.args[2], CONFIG);
        assert!(exec.env.is_empty());
        let exec = call("ar", &["t", "a.a"], &env).unwrap();
        assert_eq!(exec.program, Path::new("/t c/lib/llvm/usr/lib/llvm-19/bin/llvm-ar"));
        let unset = call("clang", &[], &[(LAUNCHER, "")]).unwrap();
        assert!(unset.program.ends_with("clang"));
    }

    #[test]
    fn n03_missing_programs_and_unknown_names_are_named() {
        let error = call("nm", &[], &[]).unwrap_err();
        assert_eq!(error.code(), "shim-not-installed");
        assert_eq!(error.kind(), Kind::HostTool);
        assert!(error.to_string().starts_with("llvm-nm is not part"), "{error}");
        let error = call("rm", &[], &[]).unwrap_err();
        assert_eq!(error.code(), "shim-unknown-name");
    }

    #[test]
    fn every_shim_of_the_table_has_a_decision() {
        let mut tools = Tools::parse(TABLE).unwrap();
        let beside = ["loader", "qemu-libraries"];
        for program in super::super::tool_names::programs().into_iter().chain(beside) {
            tools.programs.push((program.to_owned(), format!("bin/{program}").into()));
        }
        for (name, _) in shims("x86_64-unknown-linux-gnu") {
            assert!(invocation(Path::new("/t"), &name, &tools, &[], []).is_ok(), "{name}");
        }
    }
}
