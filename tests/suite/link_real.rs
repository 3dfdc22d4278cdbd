//! `link`, `verify-ir` and `inspect` with real toolchains, from IR to running programs, on
//! every backend this machine has, and with no clang on `PATH`. The examples in
//! `toolchains/examples` are what is linked, and what the book shows.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::fixture::{Outcome, PROGRAM};

/// A prepared project, a processor, and the folder that everything happens in.
struct Place {
    project: PathBuf,
    processor: &'static str,
    work: TempDir,
}

impl Place {
    /// # Panics
    /// `.ci/run ir` has not prepared the project: a test that cannot run fails.
    fn new(processor: &'static str) -> Self {
        let project = std::env::var_os("REML_IR_ROOT").expect("run by `.ci/run ir`");
        for folder in std::env::split_paths(&std::env::var_os("PATH").unwrap()) {
            for name in ["clang", "clang-19", "ld.lld", "opt", "llc"] {
                let tool = folder.join(name);
                assert!(!tool.exists(), "the host's tools are to be hidden: {}", tool.display());
            }
        }
        // A name with blanks and letters of other scripts must come through as well.
        let work = tempfile::Builder::new().prefix("ärbeit platz ").tempdir().unwrap();
        Self { project: project.into(), processor, work }
    }

    fn triple(&self) -> String {
        format!("{}-unknown-linux-gnu", self.processor)
    }

    fn tree(&self) -> PathBuf {
        self.project.join("toolchains").join(self.triple())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--root").arg(&self.project).args(args);
        command.current_dir(self.work.path()).stdin(Stdio::null());
        command
    }

    fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Outcome {
        let mut command = self.command(args);
        let shown = format!("{command:?}");
        Outcome::new(shown, &command.output().unwrap())
    }

    /// `link` for this target, into `program`.
    fn link(&self, args: &[&str]) -> Outcome {
        let triple = self.triple();
        let mut all = vec!["link", "--target", &triple, "-o", "program"];
        all.extend(args);
        self.run(all)
    }

    /// Runs `program` on a backend; its stdout must be that of the example.
    fn runs(&self, backend: &str, expected: &Path, args: &[&str]) -> Outcome {
        let mut all = vec!["run", "--offline", "--backend", backend, "--expect"];
        all.push(expected.to_str().unwrap());
        all.push("./program");
        all.extend(args);
        self.run(all)
    }

    /// The backend that needs no virtual machine.
    fn hosted(&self) -> &'static str {
        if self.processor == std::env::consts::ARCH { "native" } else { "qemu-user" }
    }

    fn tool(&self, alias: &str, args: &[&str]) -> String {
        let tool = self.tree().join(format!("bin/{}-{alias}", self.triple()));
        let output = Command::new(tool).args(args).current_dir(self.work.path()).output().unwrap();
        assert!(output.status.success(), "{alias} {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

const BOTH: [&str; 2] = ["x86_64", "aarch64"];

/// Valid IR that the code generator cannot make code of.
const MAIN_WITH_ASSEMBLY: &str = "define i32 @main() {\n  \
     call void asm \"no_such_instruction\", \"\"()\n  ret i32 0\n}\n";

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("toolchains/examples");
    folder.join(name).to_str().unwrap().to_owned()
}

fn document(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome}"))
}

#[test]
#[ignore = "needs real toolchains: the step ir of .ci/run"]
fn the_examples_are_linked_and_run_on_every_backend() {
    for processor in BOTH {
        let place = Place::new(processor);
        for name in ["hello", "list"] {
            let expected = PathBuf::from(example(&format!("{name}.expect")));
            place.link(&[&example(&format!("{name}.ll")), "--link-runtime"]).code(0);
            place.runs(place.hosted(), &expected, &[]).code(0);
            place.runs("microvm", &expected, &[]).code(0);
            let outcome = place.run(["--json", "inspect", "program"]);
            let inspected = document(outcome.code(0));
            assert_eq!(inspected["target"], *place.triple());
            let libraries = inspected["libraries"].as_array().unwrap();
            assert!(libraries.iter().all(|library| library["place"].is_string()), "{outcome}");
            assert_eq!(inspected["needed"], serde_json::json!(["libc.so.6"]), "{outcome}");
            place.run(["inspect", "--max-glibc", "2.36", "program"]).code(0);
            let file = example(&format!("{name}.ll"));
            place.run(["verify-ir", "--target", &place.triple(), &file]).code(0);
        }
        // The same in C.
        let include = place.tree().join("include");
        let include = format!("-I{}", include.display());
        place.tool("clang", &["-O1", "-c", &include, &example("hello.c"), "-o", "hello.o"]);
        place.link(&["hello.o", "--link-runtime"]).code(0);
        place.runs(place.hosted(), Path::new(&example("hello.expect")), &[]).code(0);
        // A panic is the program's own failure.
        place.link(&[&example("panic.ll"), "--link-runtime"]).code(0);
        let expected = PathBuf::from(example("panic.expect"));
        for backend in [place.hosted(), "microvm"] {
            place.runs(backend, &expected, &[]).code(1).stderr_has("division by zero");
        }
        place.run(["run", "--offline", "./program", "x"]).code(0).stdout_is("7\n42\n");
    }
}

#[test]
#[ignore = "needs real toolchains: the step ir of .ci/run"]
fn the_debug_runtime_sees_that_the_list_leaks_nothing_and_a_planted_leak() {
    let place = Place::new("x86_64");
    let list = fs::read_to_string(example("list.ll")).unwrap();
    place.write("leak.ll", list.replace("  call void @dec_ref(ptr %a)\n", ""));
    let runs = |file: &str| {
        place.link(&[file, "--link-runtime=debug"]).code(0);
        let outcome = place.run(["run", "--offline", "./program"]);
        outcome.code(0).stdout_is("1\n2\n3\n6\n");
        // Every object had its tag to the end.
        outcome.stderr_lacks("died with tag 0");
        outcome.stderr.to_lowercase().contains("leak")
    };
    assert!(!runs(&example("list.ll")));
    assert!(runs("leak.ll"));
}

/// Takes and gives back a reference, a million times; then releases once too often where an
/// argument is given.
const COUNTING: &str = "declare ptr @mem_alloc(i64)
declare void @inc_ref(ptr)
declare void @dec_ref(ptr)
declare void @print_i64(i64)

define void @hot(ptr %object) noinline uwtable {
start:
  br label %loop
loop:
  %i = phi i64 [ 0, %start ], [ %next, %loop ]
  call void @inc_ref(ptr %object)
  call void @inc_ref(ptr null)
  call void asm sideeffect \"\", \"~{memory}\"()
  call void @dec_ref(ptr %object)
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, 1000000
  br i1 %again, label %loop, label %end
end:
  ret void
}

define i32 @main(i32 %argc, ptr %argv) uwtable {
  %object = call ptr @mem_alloc(i64 16)
  call void @hot(ptr %object)
  %header = getelementptr i8, ptr %object, i64 -8
  %count = load i32, ptr %header
  %wide = zext i32 %count to i64
  call void @print_i64(i64 %wide)
  call void @dec_ref(ptr %object)
  %more = icmp ugt i32 %argc, 1
  br i1 %more, label %twice, label %end
twice:
  call void @dec_ref(ptr %object)
  br label %end
end:
  ret i32 0
}
";

#[test]
#[ignore = "needs real toolchains: the step ir of .ci/run"]
fn counting_references_costs_no_call_of_the_runtime() {
    for processor in BOTH {
        let place = Place::new(processor);
        place.write("count.ll", COUNTING);
        place.write("expect", "1\n");
        let expected = place.path("expect");
        // Whether `hot` looks at the count itself, and whether it calls the runtime for it.
        let hot = |args: &[&str]| {
            let mut all = vec!["count.ll"];
            all.extend(args);
            place.link(&all).code(0).stderr_lacks("warning");
            place.runs(place.hosted(), &expected, &[]).code(0);
            let twice =
                place.run(["run", "--offline", "--backend", place.hosted(), "./program", "x"]);
            twice.code(1).stderr_has("double release");
            let text = place.tool("objdump", &["-d", "--disassemble-symbols=hot", "program"]);
            // Two names of one place are told by the later one.
            let calls = text.contains("<inc_ref>") || text.contains("<dec_ref>");
            (text.contains("-0x8(") || text.contains("#-0x8]"), calls)
        };
        for args in [&[][..], &["-O1"], &["-O3", "-g"], &["--lto"], &["-static"]] {
            assert_eq!(hot(&[args, &["--link-runtime"]].concat()), (true, false), "{args:?}");
        }
        for args in [&["--inline-runtime=never"][..], &["-O0"], &["-Os"], &["-Oz"]] {
            assert_eq!(hot(&[args, &["--link-runtime"]].concat()), (false, true), "{args:?}");
        }
        assert_eq!(hot(&["--link-runtime=debug"]), (false, true));
        // A compiler that did it by itself is let alone; the folder plays no part.
        let file = place.tree().join("share/reml/reml_runtime_inline.ll");
        place.tool("llvm-link", &["count.ll", file.to_str().unwrap(), "-o", "own.bc"]);
        place.link(&["own.bc", "--link-runtime"]).code(0);
        place.runs(place.hosted(), &expected, &[]).code(0);
        place.link(&["count.ll", "--link-runtime"]).code(0);
        let first = fs::read(place.path("program")).unwrap();
        fs::create_dir(place.path("other")).unwrap();
        fs::rename(place.path("count.ll"), place.path("other/count.ll")).unwrap();
        let outcome = place.link(&["other/count.ll", "--link-runtime"]);
        outcome.code(0);
        assert!(first == fs::read(place.path("program")).unwrap());
        assert!(place.tool("readelf", &["-sW", "program"]).contains(" count.ll"));
        let metrics = fs::read_to_string(place.project.join("toolchains/metrics.jsonl")).unwrap();
        let line: Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
        assert!(line["milliseconds"]["inline"].is_u64(), "{line}");
    }
}

#[test]
#[ignore = "needs real toolchains: the step ir of .ci/run"]
fn ir_that_is_not_valid_is_told_with_its_line_and_the_old_program_stays() {
    let place = Place::new("x86_64");
    place.write("program", "old");
    let refused = |text: &[u8], args: &[&str], exit: i32, code: &str, parts: &[&str]| {
        place.write("in.ll", text);
        let mut all = vec!["in.ll"];
        all.extend(args);
        let outcome = place.link(&all);
        outcome.code(exit);
        for part in parts {
            outcome.stderr_has(part);
        }
        let outcome =
            place.run(["--json", "link", "-o", "program"].iter().chain(&all).collect::<Vec<_>>());
        assert_eq!(document(&outcome)["error"]["code"], code, "{outcome}");
        assert_eq!(fs::read(place.path("program")).unwrap(), b"old");
    };
    let main = "define i32 @main() {\n  ret i32 0\n}\n";
    refused(b"Once upon a time\n", &[], 1, "ir-invalid", &["in.ll:1:1: not valid LLVM IR: "]);
    refused(b"define i32 @main() {\n ret i64 0\n}\n", &[], 1, "ir-invalid", &["in.ll:2:6: "]);
    refused(
        b"define i32 @main() {\n  %a = add i32 %b, 1\n  %b = add i32 1, 1\n  ret i32 %a\n}\n",
        &[],
        1,
        "ir-invalid",
        &["in.ll:3: ", "does not dominate"],
    );
    refused(b"BC\xc0\xde\x01\x02\x03\x04", &[], 1, "ir-invalid", &["in.ll: "]);
    refused(
        format!("target triple = \"aarch64-unknown-linux-gnu\"\n{main}").as_bytes(),
        &[],
        2,
        "ir-other-target",
        &["expected IR for x86_64-unknown-linux-gnu", "--target aarch64-unknown-linux-gnu"],
    );
    refused(
        format!("target triple = \"arm64-apple-macosx15\"\n{main}").as_bytes(),
        &[],
        2,
        "ir-other-target",
        &["got IR for arm64-apple-macosx15"],
    );
    let calls = |name: &str, of: &str| {
        let text = format!(
            "declare {of} @{name}({of})\ndefine i32 @main() {{\n  \
             %x = call {of} @{name}({of} zeroinitializer)\n  ret i32 0\n}}\n"
        );
        text.into_bytes()
    };
    let hello = fs::read(example("hello.ll")).unwrap();
    refused(
        &hello,
        &[],
        1,
        "undefined-symbols",
        &["undefined: print_i64 (needed by in.ll)", "runtime: add `--link-runtime`"],
    );
    refused(&calls("cos", "double"), &["-O0"], 1, "undefined-symbols", &["add `-l m`"]);
    let prnt = String::from_utf8(hello).unwrap().replace("print_i64", "prnt_i64");
    let meant = ["did you mean the runtime's `print_i64`"];
    refused(prnt.as_bytes(), &["--link-runtime"], 1, "undefined-symbols", &meant);
    refused(b"@x = global i32 1\n", &[], 1, "undefined-symbols", &["no input defines `main`"]);
    let assembly = MAIN_WITH_ASSEMBLY.as_bytes();
    refused(assembly, &[], 1, "ir-not-compiled", &["no_such_instruction"]);
    refused(main.as_bytes(), &["-l", "nope"], 1, "no-such-library", &["libnope-dev"]);
    refused(
        b"declare i32 @print_i64(i64)\ndeclare ptr @mem_alloc(i32)\n\
          define i32 @main() {\n  %x = call ptr @mem_alloc(i32 8)\n  ret i32 0\n}\n",
        &["--link-runtime"],
        3,
        "ir-signature",
        &[
            "in.ll:1: @print_i64 is declared as `i32 (i64)`: expected `void @print_i64(i64)`",
            "in.ll:2: @mem_alloc is declared as `ptr (i32)`",
            "in.ll:4: @mem_alloc is called as `ptr (i32)`",
        ],
    );
    // Nothing is left of all that.
    let left = fs::read_dir(place.project.join("toolchains/cache/link")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
#[ignore = "needs real toolchains: the step ir of .ci/run"]
fn a_data_layout_that_drifts_is_told_with_what_differs() {
    let place = Place::new("x86_64");
    let plan = "e-m:e-p:64:64-f64:64:64-v128:128:128-a:0:64";
    let main = "define i32 @main() {\n  ret i32 0\n}\n";
    place.write("plan.ll", format!("target datalayout = \"{plan}\"\n{main}"));
    let outcome = place.link(&["plan.ll", "--emit-metadata", "meta.json"]);
    outcome.code(0).stderr_has("warning: plan.ll: data layout: expected e-m:e-p270:32:32");
    outcome.stderr_has("it lacks ").stderr_has("i64:64");
    let metadata: Value =
        serde_json::from_slice(&fs::read(place.path("meta.json")).unwrap()).unwrap();
    assert_eq!(metadata["data_layout"], plan);
    let outcome = place.run(["--json", "verify-ir", "--cross", "plan.ll"]);
    let finding = &document(outcome.code(0))["steps"][0]["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["severity"]),
        (&"ir-layout-drift".into(), &"warning".into())
    );
    // clang's own is no drift.
    place.write("a.c", "int main(void) { return 0; }");
    place.tool("clang", &["-S", "-emit-llvm", "a.c", "-o", "a.ll"]);
    place.link(&["a.ll"]).code(0).stderr_lacks("warning");
}

#[test]
#[ignore = "needs real toolchains: the step ir of .ci/run"]
fn every_option_does_what_it_says() {
    let place = Place::new("x86_64");
    let source = "#include <stdio.h>\nint helper(int); int main(void) \
                  { printf(\"%d\\n\", helper(6)); return 0; }\n";
    place.write("main.c", source);
    place.write("helper.c", "int helper(int n) { return n * 7; }\n");
    place.tool("clang", &["-g", "-O1", "-c", "-emit-llvm", "main.c", "-o", "main.bc"]);
    place.tool("clang", &["-g", "-O1", "-S", "-emit-llvm", "helper.c", "-o", "helper.ll"]);
    place.tool("clang", &["-g", "-c", "helper.c", "-o", "helper.o"]);
    fs::create_dir(place.path("own libs")).unwrap();
    place.tool("ar", &["rcs", "own libs/libhelper.a", "helper.o"]);
    place.write("expect", "42\n");
    let expected = place.path("expect");
    let good = |args: &[&str]| {
        place.link(args).code(0).stderr_lacks("warning");
        place.runs("native", &expected, &[]).code(0);
        document(place.run(["--json", "inspect", "program"]).code(0))
    };
    for level in ["0", "1", "2", "3", "s", "z"] {
        good(&["main.bc", "helper.ll", &format!("-O{level}")]);
    }
    good(&["main.bc", "helper.o"]);
    good(&["main.bc", "own libs/libhelper.a"]);
    good(&["main.bc", "-L", "own libs", "-l", "helper"]);
    good(&["main.bc", "-Lown libs", "-lhelper"]);
    let sections = || place.tool("readelf", &["-SW", "program"]);
    assert!(!sections().contains(".debug_info"));
    good(&["main.bc", "helper.ll", "-g"]);
    assert!(sections().contains(".debug_info"));
    // With LTO the helper is gone into its caller.
    good(&["main.bc", "helper.ll", "--lto"]);
    let names = place.tool("nm", &["program"]);
    assert!(names.contains(" main") && !names.contains(" helper"), "{names}");
    for option in ["-static", "--static"] {
        let inspected = good(&["main.bc", "helper.ll", option]);
        assert_eq!((&inspected["static"], &inspected["interpreter"]), (&true.into(), &Value::Null));
    }
}

#[test]
#[ignore = "needs real toolchains: the step ir of .ci/run"]
fn j01_j02_j03_j04_j06_j10_the_same_inputs_give_the_same_program_whatever_surrounds_them() {
    let place = Place::new("x86_64");
    place.link(&[&example("list.ll"), "--link-runtime"]).code(0);
    let first = fs::read(place.path("program")).unwrap();
    let other = Place::new("x86_64");
    fs::copy(example("list.ll"), other.path("list.ll")).unwrap();
    let triple = other.triple();
    let mut command = other.command(["link", "--target", &triple, "list.ll", "--link-runtime"]);
    command.args(["-o", "program"]);
    let planted = other.path("planted");
    fs::create_dir(&planted).unwrap();
    for name in [
        "CPATH",
        "C_INCLUDE_PATH",
        "LIBRARY_PATH",
        "LD_RUN_PATH",
        "COMPILER_PATH",
        "GCC_EXEC_PREFIX",
        "SDKROOT",
        "TMPDIR",
    ] {
        command.env(name, &planted);
    }
    for name in ["clang", "ld.lld", "opt", "x86_64-unknown-linux-gnu-ld.lld", "cc"] {
        fs::write(planted.join(name), "#!/bin/sh\nexit 99\n").unwrap();
        fs::set_permissions(planted.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = std::env::var_os("PATH").unwrap();
    let folders = std::iter::once(planted.clone()).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).unwrap());
    command.env("CCC_OVERRIDE_OPTIONS", "+-O0").env("CC", "false").env("CFLAGS", "-O0 -g");
    command.env("LANG", "tr_TR.UTF-8").env("LC_ALL", "tr_TR.UTF-8").env("TZ", "Asia/Tokyo");
    Outcome::new("link".to_owned(), &command.output().unwrap()).code(0);
    assert!(first == fs::read(other.path("program")).unwrap());
}

#[test]
#[ignore = "needs real toolchains: the step ir of .ci/run"]
fn metadata_and_metrics_tell_what_was_linked() {
    let place = Place::new("aarch64");
    let mut command = place.command(["--json", "link", "--target", "aarch64-unknown-linux-gnu"]);
    command.args([&example("list.ll"), "-o", "program", "--link-runtime"]);
    command.args(["--emit-metadata", "meta.json", "--capability", "process"]);
    command.args(["--stdlib-version", "0.3.1"]).env("SOURCE_DATE_EPOCH", "1795590123");
    let outcome = Outcome::new("link".to_owned(), &command.output().unwrap());
    let told = &document(outcome.code(0))["metadata"];
    let text = fs::read_to_string(place.path("meta.json")).unwrap();
    let metadata: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told, &metadata);
    let sum = Command::new("sha256sum").arg(place.path("program")).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let sum = sum.trim_start_matches('\\').split(' ').next().unwrap().to_owned();
    assert_eq!(metadata["hash"], format!("sha256:{sum}"));
    for (name, value) in [
        ("os", "linux"),
        ("family", "unix"),
        ("arch", "aarch64"),
        ("abi", "aapcs64"),
        ("vendor", "unknown"),
        ("env", "gnu"),
        ("triple", "aarch64-unknown-linux-gnu"),
        ("stdlib_version", "0.3.1"),
    ] {
        assert_eq!(metadata["target"][name], value, "{name}");
    }
    assert_eq!(metadata["target"]["capabilities"], serde_json::json!(["process"]));
    assert_eq!(metadata["llvm_triple"], "aarch64-unknown-linux-gnu");
    assert!(metadata["data_layout"].as_str().unwrap().starts_with("e-m:e-"));
    assert!(metadata["runtime_revision"].as_str().unwrap().starts_with("1.0.0+"));
    assert_eq!(metadata["timestamp"], "2026-11-25T07:02:03Z");
    let emitted = metadata["emitted_capabilities"].as_array().unwrap();
    assert!(
        emitted.contains(&"runtime.mem_alloc".into())
            && emitted.contains(&"runtime.dec_ref".into())
    );
    let metrics = fs::read_to_string(place.project.join("toolchains/metrics.jsonl")).unwrap();
    let mut lines = metrics.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let is_it = |line: &Value| line["command"] == "link" && line["exit_status"] == 0;
    let line = lines.rfind(is_it).unwrap();
    for step in ["verify", "link", "total"] {
        assert!(line["milliseconds"][step].is_u64(), "{line}");
    }
    assert!(line["elf_bytes"].as_u64().unwrap() > 1000 && line["versions"]["llvm"].is_string());
}

#[test]
#[ignore = "needs real toolchains: the step ir of .ci/run"]
fn verify_ir_tells_findings_by_step_and_logs_each() {
    let place = Place::new("x86_64");
    let log = place.project.join("artifacts/cross/verify.log");
    let verify = |name: &str| {
        let outcome = place.run(["--json", "verify-ir", "--cross", name]);
        let codes: Vec<Vec<String>> = document(&outcome)["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| {
                let findings = step["findings"].as_array().unwrap().iter();
                findings.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
            })
            .collect();
        (outcome.status.unwrap(), codes, fs::read_to_string(&log).unwrap())
    };
    let none: Vec<String> = Vec::new();
    let (status, codes, text) = verify(&example("hello.ll"));
    assert_eq!((status, codes), (0, vec![none.clone(); 4]));
    for step in ["== verify: status 0, ", "== llc: ", "== ld.lld: ", "== objcopy: status 0, "] {
        assert!(text.contains(step), "{step} in {text}");
    }
    assert!(text.contains("$ ") && text.contains("-dynamic-linker"), "{text}");
    // The commands of the log can be typed; a library of functions needs no `main`.
    place.write("lib.ll", "define i32 @f() {\n  ret i32 1\n}\n");
    assert_eq!(verify("lib.ll").0, 0);

    place.write("bad.ll", "define i32 @main() {\n  ret i64 0\n}\n");
    let (status, codes, text) = verify("bad.ll");
    assert_eq!((status, &*codes[0]), (3, &["ir-invalid".to_owned()][..]));
    assert!(text.contains("== llc: not reached"), "{text}");
    place.write("sig.ll", "declare void @inc_ref(i64)\n");
    assert_eq!(verify("sig.ll").1[0], ["ir-signature"]);
    place.write("llc.ll", MAIN_WITH_ASSEMBLY);
    let (status, codes, _) = verify("llc.ll");
    assert_eq!(
        (status, codes),
        (3, vec![none.clone(), vec!["ir-not-compiled".into()], none.clone(), none.clone()])
    );
    place.write(
        "undef.ll",
        "declare void @nowhere()\ndefine i32 @main() {\n  call void @nowhere()\n  ret i32 0\n}\n",
    );
    let (status, codes, _) = verify("undef.ll");
    assert_eq!(
        (status, codes),
        (3, vec![none.clone(), none.clone(), vec!["undefined-symbols".into()], none])
    );
    // What is no IR at all is no finding.
    place.run(["verify-ir", "--cross", "/bin/true"]).code(2);
}

/// The numbers that another Rust changes.
fn without_numbers(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_whitespace().next() {
        Some(name @ ("file" | "entry")) => name.to_owned(),
        Some("type") => line.rsplit_once(", ").unwrap().0.to_owned(),
        Some("build") => "build id".to_owned(),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
#[ignore = "needs real toolchains: the step ir of .ci/run"]
fn the_book_shows_what_inspect_says() {
    let place = Place::new("x86_64");
    place.link(&[&example("hello.ll"), "--link-runtime"]).code(0);
    let outcome = place.run(["inspect", "program"]);
    outcome.code(0);
    println!("{}", outcome.stdout);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/guide/linking.md");
    let page = fs::read_to_string(page).unwrap();
    let shown = page.split("<!-- inspect -->\n```text\n").nth(1).unwrap();
    let shown = shown.split("```\n").next().unwrap();
    assert_eq!(without_numbers(shown), without_numbers(&outcome.stdout));
}
