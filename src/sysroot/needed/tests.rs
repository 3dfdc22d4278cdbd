//! The search, over files that stand in a table; and links of a sysroot on disk.

use std::collections::BTreeMap;

use super::*;
use crate::elf::Class;

fn facts(soname: &str, needed: &[&str]) -> Facts {
    Facts {
        class: Class::Elf64,
        little_endian: true,
        machine: 62,
        file_type: 3,
        entry: 0,
        interpreter: None,
        soname: (!soname.is_empty()).then(|| soname.to_owned()),
        needed: needed.iter().map(ToString::to_string).collect(),
        rpath: None,
        runpath: None,
        needs: Vec::new(),
    }
}

fn program(needed: &[&str]) -> Facts {
    Facts { interpreter: Some("/lib64/ld-linux-x86-64.so.2".to_owned()), ..facts("", needed) }
}

/// `name at-place` for each library, in order.
fn search(program: &Facts, files: &[(&str, Facts)]) -> Vec<String> {
    let files: BTreeMap<&str, &Facts> = files.iter().map(|(path, facts)| (*path, facts)).collect();
    let place = Place::Outside("/home/u/bin/program".into());
    let asked = Program {
        facts: program,
        place: &place,
        multiarch: "x86_64-linux-gnu",
        later: &["libgcc_s.so.1"],
    };
    let mut look = |place: &Place| {
        let key = match place {
            Place::Inside(path) => path.clone(),
            Place::Outside(path) => format!("host:{}", path.display()),
        };
        files.get(key.as_str()).map(|facts| (*facts).clone())
    };
    let found = closure(asked, &mut look).unwrap();
    let show = |library: &Library| match &library.place {
        Some(Place::Inside(path)) => format!("{} {path}", library.name),
        Some(Place::Outside(path)) => format!("{} host:{}", library.name, path.display()),
        None => format!("{} missing for {}", library.name, library.needed_by),
    };
    found.libraries.iter().map(show).collect()
}

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

#[test]
fn a_program_gets_its_loader_its_libraries_and_theirs_once_each() {
    let libc = facts("libc.so.6", &["ld-linux-x86-64.so.2"]);
    let files = [
        (LOADER, facts("ld-linux-x86-64.so.2", &[])),
        ("/lib/x86_64-linux-gnu/libc.so.6", libc),
        ("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", facts("libstdc++.so.6", &["libc.so.6"])),
        ("/lib/x86_64-linux-gnu/libgcc_s.so.1", facts("libgcc_s.so.1", &["libc.so.6"])),
    ];
    assert_eq!(
        search(&program(&["libstdc++.so.6", "libc.so.6"]), &files),
        [
            "/lib64/ld-linux-x86-64.so.2 /lib64/ld-linux-x86-64.so.2",
            "libstdc++.so.6 /usr/lib/x86_64-linux-gnu/libstdc++.so.6",
            "libc.so.6 /lib/x86_64-linux-gnu/libc.so.6",
            "libgcc_s.so.1 /lib/x86_64-linux-gnu/libgcc_s.so.1",
        ]
    );
}

#[test]
fn what_is_missing_is_told_with_who_needs_it_and_a_later_library_is_not() {
    let files = [("/lib/x86_64-linux-gnu/liba.so", facts("liba.so", &["libb.so"]))];
    assert_eq!(
        search(&program(&["liba.so"]), &files),
        [
            "/lib64/ld-linux-x86-64.so.2 missing for the program",
            "liba.so /lib/x86_64-linux-gnu/liba.so",
            "libb.so missing for liba.so",
        ]
    );
}

#[test]
fn runpath_serves_the_file_itself_and_rpath_its_libraries_too() {
    let files = [
        ("host:/home/u/lib/liba.so", facts("liba.so", &["libb.so"])),
        ("host:/home/u/lib/libb.so", facts("libb.so", &[])),
    ];
    let mut asked = program(&["liba.so"]);
    asked.runpath = Some("$ORIGIN/../lib".to_owned());
    assert_eq!(
        search(&asked, &files)[1..],
        ["liba.so host:/home/u/lib/liba.so", "libb.so missing for liba.so"]
    );
    asked.rpath = asked.runpath.take();
    assert_eq!(
        search(&asked, &files)[1..],
        ["liba.so host:/home/u/lib/liba.so", "libb.so host:/home/u/lib/libb.so"]
    );
    // A file with a RUNPATH of its own asks nobody's RPATH.
    let mut own = facts("liba.so", &["libb.so"]);
    own.runpath = Some("${ORIGIN}".to_owned());
    let files =
        [("host:/home/u/lib/liba.so", own), ("host:/home/u/other/libb.so", facts("libb.so", &[]))];
    asked.rpath = Some("$ORIGIN/../lib:$ORIGIN/../other".to_owned());
    assert_eq!(search(&asked, &files)[2], "libb.so missing for liba.so");
}

#[test]
fn an_absolute_folder_means_the_sysroots_first_and_relative_ones_are_passed_over() {
    let files = [
        ("/opt/x/liba.so", facts("", &[])),
        ("host:/opt/x/liba.so", facts("", &[])),
        ("host:/opt/x/libb.so", facts("", &[])),
    ];
    let mut asked = program(&["liba.so", "libb.so", "./libc.so", "/opt/x/../x/liba.so"]);
    asked.runpath = Some("lib:/opt/x:".to_owned());
    assert_eq!(
        search(&asked, &files)[1..],
        [
            "liba.so /opt/x/liba.so",
            "libb.so host:/opt/x/libb.so",
            "./libc.so missing for the program",
            "/opt/x/../x/liba.so /opt/x/liba.so",
        ]
    );
}

#[test]
fn a_library_of_another_machine_is_passed_over() {
    let mut arm = facts("", &[]);
    arm.machine = 183;
    let files =
        [("/lib/x86_64-linux-gnu/liba.so", arm), ("/usr/lib/liba.so", facts("liba.so", &[]))];
    assert_eq!(search(&program(&["liba.so"]), &files)[1], "liba.so /usr/lib/liba.so");
}

#[test]
fn circles_end_and_a_flood_of_names_is_refused() {
    let files = [
        ("/lib/liba.so", facts("liba.so", &["libb.so"])),
        ("/lib/libb.so", facts("libb.so", &["liba.so"])),
    ];
    assert_eq!(search(&program(&["liba.so"]), &files).len(), 3);

    let mut asked = program(&[]);
    asked.needed = (0..MOST_NAMES).map(|n| format!("lib{n}.so")).collect();
    let place = Place::Inside("/p".to_owned());
    let asked = Program { facts: &asked, place: &place, multiarch: "m", later: &[] };
    let error = closure(asked, &mut |_| Some(facts("", &[]))).unwrap_err();
    assert_eq!(error.to_string(), "the program asks for too many libraries: more than 2048 in all");
    // Each library asks for a fresh one: no end but ours.
    let mut count = 0;
    let error = closure(asked, &mut |_| {
        count += 1;
        Some(facts("", &[&format!("next{count}.so")]))
    });
    assert!(error.is_err());
}

#[test]
fn links_of_a_sysroot_lead_where_they_would_in_the_targets_own_root() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("sysroot");
    std::fs::create_dir_all(root.join("lib/m")).unwrap();
    std::fs::create_dir_all(root.join("lib64")).unwrap();
    std::fs::write(root.join("lib/m/ld.so"), "x").unwrap();
    std::fs::write(folder.path().join("secret"), "x").unwrap();
    let link = |target: &str, at: &str| std::os::unix::fs::symlink(target, root.join(at)).unwrap();
    link("/lib/m/ld.so", "lib64/absolute");
    link("../lib/m/ld.so", "lib64/relative");
    link("../../../secret", "lib64/climbing");
    link("loop", "lib64/loop");
    link("lib", "merged");
    let root = Root::new(root);
    let found = |path: &str| root.file(&Place::Inside(path.to_owned()));
    let real = root.folder().join("lib/m/ld.so");
    assert_eq!(found("/lib64/absolute"), Some(real.clone()));
    assert_eq!(found("/lib64/relative"), Some(real.clone()));
    assert_eq!(found("/merged/m/ld.so"), Some(real));
    for path in ["/lib64/climbing", "/lib64/loop", "/lib/m", "/lib/m/ld.so/x", "/../secret"] {
        assert_eq!(found(path), None, "{path}");
    }
    assert_eq!(root.facts(&Place::Inside("/lib/m/ld.so".to_owned())), None);
}
