//! Libraries: shared ones found at link time and at run time, static ones through the
//! toolchain's ar, and one of Debian's through pkg-config.

use std::fs;

use super::evidence::{check, check_machine};
use super::{Toolchain, Work, for_both_targets, ground, reml};

const SAYS: &str = "double: 42\n";

fn a_shared_library_is_found_beside_its_program(toolchain: &Toolchain) {
    let work = Work::new("languages");
    fs::create_dir_all(work.path("lib/deep")).unwrap();
    toolchain.compile(
        &work,
        "clang",
        "-shared -fPIC library.c -Wl,-soname,liblibrary.so.1 -o lib/deep/liblibrary.so.1",
    );
    toolchain.compile(
        &work,
        "clang",
        "-shared -fPIC middle.c lib/deep/liblibrary.so.1 -Wl,-soname,libmiddle.so.1 \
         -Wl,-rpath,$ORIGIN/deep -o lib/libmiddle.so.1",
    );
    // The program names only the library it uses; the linker finds the other one's place
    // by -rpath-link, the loader by the library's own RUNPATH.
    toolchain.compile(
        &work,
        "clang",
        "uses_library.c lib/libmiddle.so.1 -Wl,-rpath,$ORIGIN/lib -Wl,-rpath-link,lib/deep \
         -Wl,--no-allow-shlib-undefined -o program",
    );
    toolchain.run(&work, "program").code(0).stdout_is(SAYS);
    let facts = check(toolchain, &work.path("program"));
    assert_eq!(facts.needed, ["libmiddle.so.1", "libc.so.6"]);
    assert_eq!(facts.runpath.as_deref(), Some("$ORIGIN/lib"));
    let facts = check_machine(toolchain, &work.path("lib/libmiddle.so.1"));
    assert_eq!(facts.soname.as_deref(), Some("libmiddle.so.1"));
    assert_eq!(facts.interpreter, None);
    // Moved together, they still find each other.
    std::fs::create_dir(work.path("moved")).unwrap();
    for name in ["lib", "program"] {
        std::fs::rename(work.path(name), work.path("moved").join(name)).unwrap();
    }
    toolchain.run(&work, "moved/program").code(0).stdout_is(SAYS);
}

fn a_static_library_is_made_and_used(toolchain: &Toolchain) {
    let work = Work::new("languages");
    toolchain.compile(&work, "clang", "-c library.c -o library.o");
    toolchain.compile(&work, "clang", "-c middle.c -o middle.o");
    toolchain.compile(&work, "ar", "rcs libmiddle.a middle.o library.o");
    toolchain.compile(&work, "ranlib", "libmiddle.a");
    toolchain.prove(&work, "clang", "uses_library.c -L. -lmiddle", SAYS);
    toolchain.call(&work, "nm", ["libmiddle.a"]).code(0).stdout_has("T library_add");
    toolchain.call(&work, "size", ["program"]).code(0).stdout_has("text");
    toolchain.compile(&work, "strip", "program");
    toolchain.run(&work, "program").code(0).stdout_is(SAYS);
    toolchain.compile(&work, "objcopy", "-O binary -j .text program text.bin");
    assert!(work.path("text.bin").metadata().unwrap().len() > 100);
    toolchain.call(&work, "objdump", ["-d", "program"]).code(0).stdout_has("<.text>:");
}

fn a_library_of_debian_is_found_by_pkg_config(toolchain: &Toolchain) {
    let zlib = Toolchain::at(ground("zlib"), toolchain.target.processor);
    let mut work = Work::new("languages");
    // The machine's own packages must not be found, whatever its variables say.
    work.set("PKG_CONFIG_PATH", format!("/usr/lib/{}/pkgconfig", zlib.target.multiarch));
    let flags = zlib.call(&work, "pkg-config", ["--cflags", "--libs", "zlib"]);
    flags.code(0).stdout_lacks("-I").stdout_lacks("/usr");
    assert_eq!(flags.stdout.trim(), "-lz");
    zlib.prove(&work, "clang", &format!("compressed.c {}", flags.stdout.trim()), "the same\n");
    zlib.prove(&work, "clang", "compressed.c -Wl,-Bstatic -lz -Wl,-Bdynamic", "the same\n");
    let folder = zlib.call(&work, "pkg-config", ["--variable=libdir", "zlib"]);
    let folder = std::path::PathBuf::from(folder.code(0).stdout.trim());
    assert!(
        folder.starts_with(zlib.root().canonicalize().unwrap().join("sysroot")),
        "{}",
        folder.display()
    );
    // The project without it does not have it.
    let outcome = toolchain.call(&work, "pkg-config", ["--exists", "zlib"]);
    outcome.code(1);
}

fn a_program_uses_openssl_and_zlib_of_debian(toolchain: &Toolchain) {
    let with = Toolchain::at(ground("zlib"), toolchain.target.processor);
    let work = Work::new("languages");
    let flags = with.call(&work, "pkg-config", ["--cflags", "--libs", "openssl", "zlib"]);
    flags.code(0).stdout_lacks("/usr");
    for name in ["-lssl", "-lcrypto", "-lz"] {
        assert!(flags.stdout.split_whitespace().any(|flag| flag == name), "{flags}");
    }
    let version = with.call(&work, "pkg-config", ["--modversion", "openssl"]);
    version.code(0).stdout_has("3.0.");
    let flags = flags.stdout.trim();
    with.compile(&work, "clang", &format!("-Wall -Wextra sealed.c {flags} -o program"));
    let facts = check_machine(&with, &work.path("program"));
    assert_eq!(facts.needed, ["libssl.so.3", "libcrypto.so.3", "libz.so.1", "libc.so.6"]);
    // With the sysroot's own libraries, whatever this machine has.
    let program = work.path("program");
    let run = reml(&with.project, ["run".as_ref(), program.as_os_str()]);
    run.code(0).stdout_is(
        "sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n\
         opened: the same\nchanged: refused\ntls: ready\nOpenSSL 3, zlib 1.2.13\n",
    );
    // Statically the same, but for the C library.
    let args = "sealed.c -Wl,-Bstatic -lssl -lcrypto -lz -Wl,-Bdynamic -o static";
    with.compile(&work, "clang", args);
    with.run(&work, "static").code(0).stdout_is(&run.stdout);
    // A later run keeps what was asked for.
    reml(&with.project, ["prepare", "--target", with.target.triple])
        .code(0)
        .stderr_has("is up to date");
}

/// Its description lies below `usr/share`, as that of every library without machine code.
fn a_library_of_headers_alone_is_found_by_pkg_config(toolchain: &Toolchain) {
    let with = Toolchain::at(ground("zlib"), toolchain.target.processor);
    let work = Work::new("languages");
    let version = with.call(&work, "pkg-config", ["--modversion", "nlohmann_json"]);
    version.code(0).stdout_is("3.11.2\n");
    let flags = with.call(&work, "pkg-config", ["--cflags", "--libs", "nlohmann_json"]);
    let source = "#include <nlohmann/json.hpp>\n#include <iostream>\n\
                  int main() { std::cout << nlohmann::json{{\"a\", 1}} << std::endl; }\n";
    fs::write(work.path("json.cpp"), source).unwrap();
    let args = format!("json.cpp {} -o json", flags.code(0).stdout.trim());
    with.compile(&work, "clang++", &args);
    with.run(&work, "json").code(0).stdout_is("{\"a\":1}\n");
}

for_both_targets!(
    a_shared_library_is_found_beside_its_program,
    a_static_library_is_made_and_used,
    a_library_of_debian_is_found_by_pkg_config,
    a_program_uses_openssl_and_zlib_of_debian,
    a_library_of_headers_alone_is_found_by_pkg_config,
);
