//! IR as compilers emit it, with its own declarations, compiled by clang and by llc,
//! linked with the archive, and run. Needs LLVM: step `ir` of `matrix.sh`.
#![cfg(target_os = "linux")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::{release, root, run, stderr, stdout};

/// Declarations as Reml's compilers write them.
const DECLARE: &str = "declare ptr @mem_alloc(i64)
declare void @inc_ref(ptr)
declare void @dec_ref(ptr)
declare void @print_i64(i64)
declare ptr @reml_array_from(i64, ...)
declare ptr @reml_box_i64(i64)
declare i64 @reml_unbox_i64(ptr)
declare ptr @reml_box_string({ ptr, i64 })
declare { ptr, i64 } @reml_unbox_string(ptr)
declare i32 @string_eq(ptr, ptr)
declare ptr @reml_str_data({ ptr, i64 })
declare void @reml_set_type_tag(ptr, i32)
";

const VALUES: &str = "@hello = private constant [5 x i8] c\"hello\"
@static = private constant { i32, i32, i64 } { i32 -2147483648, i32 1, i64 30 }

define i32 @main() {
  %p = call ptr @mem_alloc(i64 16)
  call void @inc_ref(ptr %p)
  call void @dec_ref(ptr %p)
  %count = getelementptr i8, ptr %p, i64 -8
  %seen = load i32, ptr %count
  %wide = zext i32 %seen to i64
  call void @print_i64(i64 %wide)
  call void @dec_ref(ptr %p)

  %constant = getelementptr i8, ptr @static, i64 8
  call void @inc_ref(ptr %constant)
  call void @dec_ref(ptr %constant)
  call void @dec_ref(ptr %constant)
  %thirty = call i64 @reml_unbox_i64(ptr %constant)
  call void @print_i64(i64 %thirty)

  %one = call ptr @reml_box_i64(i64 -7)
  %array = call ptr (i64, ...) @reml_array_from(i64 3, ptr %one, ptr %constant, ptr %one)
  call void @dec_ref(ptr %one)
  %n = call i64 @reml_unbox_i64(ptr %one)
  call void @print_i64(i64 %n)
  call void @dec_ref(ptr %array)

  %fat0 = insertvalue { ptr, i64 } poison, ptr @hello, 0
  %fat = insertvalue { ptr, i64 } %fat0, i64 5, 1
  %text = call ptr @reml_box_string({ ptr, i64 } %fat)
  %same = call i32 @string_eq(ptr %text, ptr %text)
  %same64 = sext i32 %same to i64
  call void @print_i64(i64 %same64)
  %back = call { ptr, i64 } @reml_unbox_string(ptr %text)
  %length = extractvalue { ptr, i64 } %back, 1
  call void @print_i64(i64 %length)
  call void @dec_ref(ptr %text)
  ret i32 0
}
";

const FAT_PANIC: &str = "declare void @panic(ptr, i64) noreturn
@message = private constant [12 x i8] c\"fat, no end!\"
@next = private constant [6 x i8] c\"SECRET\"
define i32 @main() uwtable {
  call void @panic(ptr @message, i64 12)
  unreachable
}
";

const THIN_PANIC: &str = "declare void @panic(ptr) noreturn
@message = private constant [5 x i8] c\"thin\\00\"
define i32 @main() uwtable {
  %unused = call i64 asm sideeffect \"\", \"={REGISTER},~{memory}\"()
  call void @panic(ptr @message)
  unreachable
}
";

struct Module {
    folder: tempfile::TempDir,
}

impl Module {
    fn new(text: &str) -> Self {
        let module = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        std::fs::write(module.at("m.ll"), text).expect("a writable temporary folder");
        module
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn link(&self, object: &Path) -> Output {
        run(Command::new("cc").arg(object).arg(release()).arg("-o").arg(self.at("program")));
        Command::new(self.at("program")).output().expect("the program starts")
    }

    fn by_clang(&self) -> Output {
        let object = self.at("clang.o");
        let flags = ["-O2", "-Wno-override-module", "-c", "-o"];
        run(Command::new("clang-19").args(flags).arg(&object).arg(self.at("m.ll")));
        self.link(&object)
    }

    fn by_llc(&self, module: &str, version: &str) -> Output {
        let object = self.at("llc.o");
        let flags = ["-filetype=obj", "-relocation-model=pic", "-o"];
        run(Command::new(format!("llc-{version}")).args(flags).arg(&object).arg(self.at(module)));
        self.link(&object)
    }

    /// Links the inline definitions in and optimises.
    fn inlined(&self, version: &str) -> String {
        let inline = root().join("ir/reml_runtime_inline.ll");
        run(Command::new(format!("llvm-link-{version}"))
            .args(["-S", "-o"])
            .arg(self.at("linked.ll"))
            .arg(self.at("m.ll"))
            .arg(inline));
        run(Command::new(format!("opt-{version}"))
            .args(["-S", "-O2", "-o"])
            .arg(self.at("inlined.ll"))
            .arg(self.at("linked.ll")));
        std::fs::read_to_string(self.at("inlined.ll")).expect("opt wrote it")
    }
}

/// LLVM versions at hand; CI names them.
fn versions() -> Vec<String> {
    let value = std::env::var("REML_TEST_LLVM").unwrap_or_else(|_| "19".to_owned());
    value.split_whitespace().map(ToOwned::to_owned).collect()
}

#[test]
#[ignore = "needs llvm-19 and clang-19: step `ir` of tests/matrix.sh"]
fn ir_with_its_own_declarations_runs() {
    let module = Module::new(&format!("{DECLARE}{VALUES}"));
    for output in [module.by_clang(), module.by_llc("m.ll", "19")] {
        let expected = "1\n30\n-7\n1\n5\n";
        assert_eq!((stdout(&output).as_str(), output.status.code()), (expected, Some(0)));
    }
}

#[test]
#[ignore = "needs llvm-19 and clang-19: step `ir` of tests/matrix.sh"]
fn a_fat_panic_is_read_to_its_length() {
    let module = Module::new(FAT_PANIC);
    for output in [module.by_clang(), module.by_llc("m.ll", "19")] {
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).starts_with("panic: fat, no end!\n"), "{}", stderr(&output));
    }
}

#[test]
#[ignore = "needs llvm-19 and clang-19: step `ir` of tests/matrix.sh"]
fn a_panic_declared_with_a_pointer_alone_is_safe() {
    let register = if cfg!(target_arch = "x86_64") { "rsi" } else { "x1" };
    let module = Module::new(&THIN_PANIC.replace("REGISTER", register));
    for output in [module.by_clang(), module.by_llc("m.ll", "19")] {
        assert_eq!(output.status.code(), Some(1));
        // The length is whatever the register held: the message is cut, never overread.
        let said = stderr(&output);
        let message = said.lines().next().unwrap_or_default();
        assert!("panic: thin".starts_with(message), "{said}");
    }
}

#[test]
#[ignore = "needs llvm-19 and clang-19: step `ir` of tests/matrix.sh"]
fn the_declarations_file_is_valid_ir() {
    for version in versions() {
        let file = root().join("ir/reml_runtime.ll");
        run(Command::new(format!("opt-{version}"))
            .args(["-passes=verify", "-disable-output"])
            .arg(file));
    }
}

#[test]
#[ignore = "needs llvm-19 and clang-19: step `ir` of tests/matrix.sh"]
fn inlined_counting_does_the_same_without_a_call() {
    for version in versions() {
        let module = Module::new(&format!("{DECLARE}{VALUES}"));
        let text = module.inlined(&version);
        assert!(!text.contains("call void @inc_ref"), "LLVM {version}:\n{text}");
        assert!(text.contains("call void @reml_dec_ref_slow"), "LLVM {version}:\n{text}");
        assert!(!text.contains("define available_externally"), "LLVM {version}:\n{text}");
        let output = module.by_llc("inlined.ll", &version);
        assert_eq!(
            (stdout(&output).as_str(), output.status.code()),
            ("1\n30\n-7\n1\n5\n", Some(0))
        );
    }
}

#[test]
#[ignore = "needs llvm-19 and clang-19: step `ir` of tests/matrix.sh"]
fn inlined_counting_catches_a_double_release() {
    let text = format!(
        "{DECLARE}define i32 @main() uwtable {{
          %p = call ptr @mem_alloc(i64 16)
          call void @inc_ref(ptr %p)
          call void @dec_ref(ptr %p)
          call void @dec_ref(ptr %p)
          call void @dec_ref(ptr %p)
          ret i32 0
        }}"
    );
    let module = Module::new(&text);
    module.inlined("19");
    let output = module.by_llc("inlined.ll", "19");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("panic: dec_ref: double release"), "{}", stderr(&output));
}
