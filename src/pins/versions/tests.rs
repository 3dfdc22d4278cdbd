use super::*;

const REAL: &str = include_str!("../../../versions.toml");

fn refused(text: &str) -> String {
    Pins::parse("versions.toml", text).unwrap_err().to_string()
}

#[test]
fn the_file_of_this_repository_is_valid() {
    let pins = Pins::parse("versions.toml", REAL).unwrap();
    assert_eq!(pins.release, "bookworm");
    assert_eq!(pins.target.triple, "x86_64-unknown-linux-gnu");
    assert_eq!(pins.llvm.major, 19);
    assert!(pins.sysroot.is_durable("linux-libc-dev"));
    assert!(!pins.sysroot.is_durable("libc6"));
    assert!(pins.llvm.tools.set.is_durable("clang-19"));
    assert_eq!(pins.releases["bookworm"].package("libgcc-{gcc}-dev"), "libgcc-12-dev");
}

#[test]
fn k01_all_problems_are_told_at_once_with_line_and_column() {
    let text = REAL
        .replace("major = 19", "major = \"19\"")
        .replace("[homebrew]\nformulae", "[homebrew]\nformulea")
        .replace("target = \"x86_64-unknown-linux-gnu\"", "target = \"x86_64-unknown-linux-gnuu\"");
    let message = refused(&text);
    assert!(message.contains("`llvm.major` has the wrong type: expected an integer"), "{message}");
    assert!(
        message.contains("unknown key `homebrew.formulea`: did you mean `formulae`?"),
        "{message}"
    );
    assert!(message.contains("did you mean `x86_64-unknown-linux-gnu`?"), "{message}");
    assert!(
        message.lines().any(|line| line.starts_with("versions.toml:7:10: unknown target")),
        "{message}"
    );
}

#[test]
fn k01_syntax_errors_duplicate_keys_and_wrong_shapes_are_refused_with_their_line() {
    assert!(refused("schema = 1\nfoo = [1,\n").starts_with("versions.toml:"));
    assert!(refused("schema = 1\nschema = 1\n").starts_with("versions.toml:2:1: duplicate key"));
    assert!(
        refused("schema = 1\nllvm = 3\n").contains("`llvm` has the wrong type: expected a table")
    );
    assert!(refused("").contains("missing key `schema`"));
}

#[test]
fn k01_a_byte_order_mark_and_carriage_returns_are_harmless() {
    let text = format!("\u{feff}{}", REAL.replace('\n', "\r\n"));
    assert!(Pins::parse("versions.toml", &text).is_ok());
}

#[test]
fn k01_package_names_mirrors_and_versions_are_checked() {
    let text = REAL
        .replace("\"libatomic1\"", "\"Lib Atomic\"")
        .replace("glibc = \"2.36\"", "glibc = \"two\"")
        .replace("http://ftp.debian.org/debian", "file:///etc");
    let message = refused(&text);
    assert!(message.contains("not a package name"), "{message}");
    assert!(message.contains("not a glibc version"), "{message}");
    assert!(message.contains("not a mirror"), "{message}");
}

#[test]
fn a42_demanded_keys_are_named_by_whole_fingerprints() {
    let pins = Pins::parse("versions.toml", REAL).unwrap();
    assert_eq!(pins.releases["bookworm"].signed_by, ["4D64FEC119C2029067D6E791F8D2585B8783D481"]);
    for wrong in ["8783D481", "4d64fec119c2029067d6e791f8d2585b8783d481"] {
        let text = REAL.replace("4D64FEC119C2029067D6E791F8D2585B8783D481", wrong);
        assert!(refused(&text).contains("not a key's fingerprint"), "{wrong}");
    }
}

#[test]
fn k03_a_newer_schema_is_refused_without_judging_the_rest() {
    let message = refused("schema = 2\nnew = true\n");
    assert!(message.contains("expected 1, got 2; a newer reml-toolchain reads it"), "{message}");
    assert!(!message.contains("new`"), "{message}");
}

#[test]
fn k01_empty_strings_are_told_with_their_place() {
    for (from, to) in [
        ("release = \"bookworm\"", "release = \"\""),
        ("target = \"x86_64-unknown-linux-gnu\"", "target = \"\""),
        ("glibc = \"2.36\"", "glibc = \"\""),
        ("glibc = \"2.36\"", "glibc = \"+2.36\""),
        ("major = 19", "major = 19\nprune = [\"\"]"),
    ] {
        let text = REAL.replacen(from, to, 1);
        assert_ne!(text, REAL, "{from}");
        let problems = Pins::parse("versions.toml", &text).unwrap_err();
        assert!(!problems.list().is_empty(), "{to}");
    }
}

#[test]
fn k01_a_megabyte_of_mistakes_is_judged_without_a_count_of_them_all() {
    let with = |list: String| {
        REAL.replacen("[homebrew]\nformulae = [", &format!("[homebrew]\nformulae = [{list}"), 1)
    };
    for text in [
        with("0,".repeat(400_000)),
        with("\"x\",".repeat(200_000)),
        format!("schema = 1\n{}", "a\n".repeat(450_000)),
        format!("{REAL}\n[{}]\n", "k".repeat(900_000)),
    ] {
        let problems = Pins::parse("versions.toml", &text).unwrap_err();
        assert!((1..=1000).contains(&problems.list().len()), "{}", problems.list().len());
    }
    // Many different names are no mistake, and not compared with each other.
    let names: Vec<String> = (0..80_000).map(|number| format!("\"{number}\"")).collect();
    let names = names.join(",") + ",";
    assert!(Pins::parse("versions.toml", &with(names)).unwrap().formulae.len() >= 80_000);
}
