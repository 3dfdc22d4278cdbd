//! The facts of good and bad hosts, Macs above all, and what follows from them. Pure.

use super::*;
use crate::doctor::facts::{
    Brew, Clang, Folder, PassedOver, Place, System, Toolchain, TreeProblem, Variables,
};

const X86: &str = "x86_64-unknown-linux-gnu";

/// A Debian machine that lacks nothing.
fn linux() -> Facts {
    Facts {
        system: System {
            family: "linux".into(),
            name: Some("Debian GNU/Linux 12 (bookworm)".into()),
            cpu: "x86_64".into(),
            is_known: true,
            knows_own_file: true,
            ..System::default()
        },
        place: Place {
            root: "/p".into(),
            folders: vec![Folder {
                path: "/p".into(),
                owner: 1000,
                user: 1000,
                ..Folder::default()
            }],
            free: Some(1 << 40),
            free_files: Some(1 << 20),
            is_case_sensitive: Some(true),
            ..Place::default()
        },
        llvm: Llvm { major: 19, can_bring_own: true, ..Llvm::default() },
        rust: Some(Rust {
            version: "1.95.0".into(),
            targets: vec![X86.into()],
            has_rustup: true,
            ..Rust::default()
        }),
        emulators: vec![Emulator { target: X86.into(), is_native: true, ..Emulator::default() }],
        network: Network { mirrors: vec![answering("debian")], ..Network::default() },
        toolchains: vec![Toolchain { target: X86.into(), ..Toolchain::default() }],
        ..Facts::default()
    }
}

/// An Apple silicon Mac with all that `prepare --brew` brings.
fn mac() -> Facts {
    let keg = "/opt/homebrew/Cellar";
    let formula = |name: &str, version: &str| (name.to_owned(), Some(version.to_owned()));
    Facts {
        system: System {
            family: "macos".into(),
            name: Some("macOS 15.1".into()),
            version: Some("15.1".into()),
            cpu: "arm64".into(),
            has_rosetta: Some(false),
            has_developer_tools: Some(true),
            ..linux().system
        },
        llvm: Llvm {
            major: 19,
            found: Some(Clang {
                path: format!("{keg}/llvm@19/19.1.7/bin/clang-19"),
                version: "19.1.7".into(),
                lld: Some(format!("{keg}/lld@19/19.1.7/bin/ld.lld")),
                translated_from: None,
            }),
            ..Llvm::default()
        },
        brew: Brew {
            prefix: Some("/opt/homebrew".into()),
            formulae: vec![formula("llvm@19", "19.1.7"), formula("qemu", "10.1.0")],
            ..Brew::default()
        },
        emulators: vec![Emulator {
            target: X86.into(),
            system: Some("10.1.0".into()),
            ..Emulator::default()
        }],
        ..linux()
    }
}

fn answering(archive: &'static str) -> Mirror {
    let url = format!("http://m/{archive}");
    Mirror { archive, url, milliseconds: Some(20), clock_ahead: Some(0), ..Mirror::default() }
}

fn broken(facts: &mut Facts, problem: TreeProblem) {
    facts.toolchains[0].problem = Some((problem, "why".into()));
}

fn found(mut facts: Facts, edit: impl FnOnce(&mut Facts)) -> Vec<(&'static str, String, String)> {
    edit(&mut facts);
    judge(&facts, X86).into_iter().map(|it| (it.code, it.message, it.hint)).collect()
}

/// The one finding: its code and its cure.
fn only(facts: Facts, edit: impl FnOnce(&mut Facts)) -> (&'static str, String) {
    let mut list = found(facts, edit);
    assert_eq!(list.len(), 1, "{list:?}");
    let (code, _, hint) = list.remove(0);
    (code, hint)
}

/// The codes, and the exit status.
fn codes(facts: Facts, edit: impl FnOnce(&mut Facts)) -> (Vec<&'static str>, u8) {
    let mut facts = facts;
    edit(&mut facts);
    let findings = judge(&facts, X86);
    (findings.iter().map(|it| it.code).collect(), crate::doctor::exit(&findings))
}

fn passed_over(reason: &str, machine: Option<Machine>) -> PassedOver {
    PassedOver { code: "x", reason: reason.into(), machine }
}

#[test]
fn hosts_that_lack_nothing_give_no_finding() {
    assert_eq!(found(linux(), |_| {}), []);
    assert_eq!(found(mac(), |_| {}), []);
}

#[test]
fn every_code_but_one_follows_from_one_changed_fact_of_a_good_host() {
    type Row = (&'static str, fn() -> Facts, fn(&mut Facts));
    let rows: &[Row] = &[
        ("system-unknown", linux, |f| f.system.is_known = false),
        ("macos-old", mac, |f| f.system.version = Some("10.15.7".into())),
        ("own-file-unknown", linux, |f| f.system.knows_own_file = false),
        ("translated", mac, |f| f.system.is_translated = true),
        ("rosetta-missing", mac, |f| {
            f.llvm.passed_over =
                vec![passed_over("clang (macOS x86_64)", Some(Machine::NeedsRosetta))];
        }),
        ("developer-tools-missing", mac, |f| f.system.has_developer_tools = Some(false)),
        ("quarantined", mac, |f| f.system.quarantined = vec!["/d/reml-toolchain".into()]),
        ("folder-refuses", linux, |f| f.place.folders[0].refuses = Some("read-only".into())),
        ("folder-open", linux, |f| f.place.folders[0].is_open_to_all = true),
        ("volume-without-programs", linux, |f| f.place.is_without_programs = true),
        ("volume-folds-case", mac, |f| f.place.is_case_sensitive = Some(false)),
        ("space-low", linux, |f| f.place.free = Some((1 << 30) - 1)),
        ("files-low", linux, |f| f.place.free_files = Some(19_999)),
        ("brew-prefix", linux, |f| f.brew.wrong_prefix = Some("/x".into())),
        ("brew-pins", mac, |f| f.brew.disagreeing = Some("lld@18".into())),
        ("brew-formula-missing", mac, |f| f.brew.formulae[1].1 = None),
        ("brew-bottle-missing", mac, |f| f.brew.without_bottle = vec!["qemu".into()]),
        ("llvm-missing", linux, |f| f.llvm.can_bring_own = false),
        ("llvm-passed-over", linux, |f| f.llvm.passed_over = vec![passed_over("clang: 14", None)]),
        ("llvm-foreign", mac, |f| {
            f.llvm.passed_over = vec![passed_over("clang (Linux x86_64)", Some(Machine::Foreign))];
        }),
        ("llvm-translated", mac, |f| {
            f.llvm.found.as_mut().unwrap().translated_from = Some("macOS x86_64".into());
        }),
        ("rust-missing", linux, |f| f.rust = None),
        ("rust-too-old", linux, |f| f.rust.as_mut().unwrap().is_too_old = true),
        ("rust-target-missing", mac, |f| f.rust.as_mut().unwrap().targets.clear()),
        ("qemu-missing", mac, |f| f.emulators[0].system = None),
        ("variables-ignored", linux, |f| f.variables.ignored = vec!["CPATH".into()]),
        ("variables-replaced", linux, |f| f.variables.replaced = vec!["CC_x".into()]),
        ("variables-kept", linux, |f| f.variables.kept = vec!["CFLAGS".into()]),
        ("preloaded", linux, |f| {
            f.variables = Variables { preloads: vec!["LD_PRELOAD".into()], ..Variables::default() };
        }),
        ("home-wrong", linux, |f| f.variables.wrong_home = Some("/x".into())),
        ("proxy-malformed", linux, |f| {
            f.network.proxy_problem = Some(("https_proxy".into(), "malformed".into()));
        }),
        ("certificates-missing", linux, |f| {
            (f.network.needs_tls, f.network.tls_problem) = (true, Some("none".into()));
        }),
        ("network-not-asked", linux, |f| f.network.is_offline = true),
        ("mirror-silent", linux, |f| {
            f.network.mirrors.push(Mirror { problem: Some("dead".into()), ..answering("debian") });
        }),
        ("archive-unreachable", linux, |f| f.network.mirrors[0].problem = Some("dead".into())),
        ("clock-wrong", linux, |f| f.network.mirrors[0].clock_ahead = Some(-90_000)),
        ("lock-behind", linux, |f| f.lock_behind = Some("it lacks libc6".into())),
        ("not-prepared", linux, |f| f.toolchains.clear()),
        ("tree-unreadable", linux, |f| broken(f, TreeProblem::Unreadable)),
        ("tree-damaged", linux, |f| broken(f, TreeProblem::Damaged)),
        ("tree-moved", linux, |f| broken(f, TreeProblem::Moved)),
        ("tree-tool-gone", linux, |f| broken(f, TreeProblem::ToolGone)),
    ];
    for (code, good, edit) in rows {
        let (got, cure) = only(good(), edit);
        assert_eq!(got, *code);
        assert!(!cure.is_empty(), "{code}");
    }
    let tried: Vec<_> = rows.iter().map(|(code, ..)| *code).collect();
    let untried: Vec<_> =
        CODES.iter().map(|(code, ..)| *code).filter(|code| !tried.contains(code)).collect();
    assert_eq!(untried, ["brew-missing"], "it comes with others, see below");
}

#[test]
fn a_mac_with_nothing_is_told_what_to_install_in_order_and_the_status_is_6() {
    let (list, exit) = codes(mac(), |f| {
        f.system.has_developer_tools = Some(false);
        f.brew = Brew::default();
        f.llvm.found = None;
        f.llvm.passed_over =
            vec![passed_over("/usr/bin/clang: expected LLVM 19, got Apple clang 16.0.0", None)];
        f.emulators[0].system = None;
        f.toolchains.clear();
    });
    let expected =
        ["brew-missing", "llvm-missing", "developer-tools-missing", "qemu-missing", "not-prepared"];
    assert_eq!((list.as_slice(), exit), (expected.as_slice(), 6));
    let list = found(mac(), |f| {
        f.llvm.found = None;
        f.llvm.passed_over = vec![passed_over("/usr/bin/clang: got Apple clang 16.0.0", None)];
    });
    assert_eq!(list[0].1, "no LLVM 19 serves: /usr/bin/clang: got Apple clang 16.0.0");
    assert_eq!(list[0].2, "reml-toolchain prepare --brew");
}

#[test]
fn the_exit_status_is_0_for_notes_3_for_more_and_6_when_a_tool_is_missing() {
    assert_eq!(codes(linux(), |f| f.toolchains.clear()), (vec!["not-prepared"], 0));
    let open = |f: &mut Facts| f.place.folders[0].is_open_to_all = true;
    assert_eq!(codes(linux(), open), (vec!["folder-open"], 3));
    let (_, exit) = codes(linux(), |f| {
        open(f);
        f.llvm.can_bring_own = false;
    });
    assert_eq!(exit, 6);
    assert!(MISSING_TOOLS.iter().all(|code| CODES.iter().any(|(known, ..)| known == code)));
}

#[test]
fn a_cure_fits_the_host_and_quotes_what_it_names() {
    let cure = |facts, edit: fn(&mut Facts)| only(facts, edit).1;
    let foreign = |f: &mut Facts| {
        let folder = &mut f.place.folders[0];
        (folder.refuses, folder.owner) = (Some("permission denied".into()), 0);
        folder.path = "/my $(rm) work".into();
    };
    assert_eq!(cure(linux(), foreign), r#"sudo chown -R "$(id -un)" '/my $(rm) work'"#);
    let llvm = |f: &mut Facts| (f.llvm.can_bring_own, f.llvm.found) = (false, None);
    assert_eq!(cure(linux(), llvm), "sudo apt-get install clang-19 lld-19 llvm-19");
    assert_eq!(cure(mac(), llvm), "reml-toolchain prepare --brew");
    assert_eq!(cure(mac(), |f| f.toolchains.clear()), "reml-toolchain prepare --brew");
    let rust = |f: &mut Facts| f.rust.as_mut().unwrap().targets.clear();
    assert_eq!(cure(mac(), rust), format!("rustup target add {X86}"));
    let qemu = |f: &mut Facts| {
        let emulator = &mut f.emulators[0];
        (emulator.is_native, emulator.system) = (false, None);
        emulator.problem = Some(("none".into(), "qemu-system-x86".into()));
    };
    assert_eq!(cure(linux(), qemu), "sudo apt-get install qemu-system-x86");
    assert_eq!(cure(mac(), qemu), "brew install --formula qemu");
}

#[test]
fn what_lies_below_a_folder_that_refuses_is_not_told_again() {
    let list = found(linux(), |f| {
        let refusing = |path: &str| Folder {
            path: path.into(),
            refuses: Some("permission denied".into()),
            ..f.place.folders[0].clone()
        };
        f.place.folders =
            ["/p/toolchains", "/p/toolchains/cache", "/p/toolchains-other"].map(refusing).into();
    });
    assert_eq!(list.len(), 2, "{list:?}");
}

#[test]
fn bottles_and_formulae_of_llvm_do_not_matter_where_another_llvm_serves() {
    assert_eq!(found(mac(), |f| f.brew.formulae[0].1 = None), []);
    let none = |f: &mut Facts| f.brew = Brew::default();
    assert_eq!(found(mac(), none), [], "an LLVM of another origin");
    assert_eq!(found(linux(), |f| f.brew.formulae = vec![("qemu".into(), None)]), []);
}
