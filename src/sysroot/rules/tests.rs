use super::*;

#[test]
fn only_whole_top_level_names_are_merged() {
    for (path, expected) in [
        ("lib/x86_64-linux-gnu/libc.so.6", "usr/lib/x86_64-linux-gnu/libc.so.6"),
        ("lib64", "usr/lib64"),
        ("sbin/init", "usr/sbin/init"),
        ("usr/lib/x", "usr/lib/x"),
        ("library/x", "library/x"),
        ("etc/lib/x", "etc/lib/x"),
        ("", ""),
    ] {
        assert_eq!(merged(path), expected);
    }
}

#[test]
fn links_are_made_for_what_is_there() {
    let links: Vec<_> = merged_links(|path| path == "usr/lib" || path == "usr/sbin").collect();
    assert_eq!(links, [("lib", "usr/lib".to_owned()), ("sbin", "usr/sbin".to_owned())]);
}

#[test]
fn targets_are_relocated() {
    for (path, target, expected) in [
        ("usr/lib/a/libz.so", "/lib/a/libz.so.1", "libz.so.1"),
        ("usr/lib/a/libz.so", "libz.so.1", "libz.so.1"),
        ("lib64/ld.so", "/lib/a/ld.so", "../lib/a/ld.so"),
        ("lib/a/x", "../../usr/share/x", "../../share/x"),
        ("lib/a/x", "../b/x", "../b/x"),
        ("etc/x", "/dev/null", "../dev/null"),
        ("x", "/", "."),
        ("a/b/c", "..", ".."),
        ("usr/bin/sh", "dash", "dash"),
        ("bin/sh", "/bin/dash", "dash"),
        ("usr/x", "/bin", "bin"),
    ] {
        assert_eq!(relocate(path, target).as_deref(), Ok(expected), "{path} → {target}");
    }
}

#[test]
fn f04_targets_above_the_root_are_refused() {
    for (path, target) in [("x", ".."), ("usr/x", "../../x"), ("x", "/.."), ("x", "/a/../../b")] {
        let error = relocate(path, target).unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Integrity, "link-leaves-root"));
    }
}

#[test]
fn patterns_match_whole_paths() {
    for (pattern, matching, other) in [
        ("usr/share/doc/**", "usr/share/doc/a/b", "usr/share/docs"),
        ("usr/share/doc/**", "usr/share/doc", "usr/share"),
        ("usr/share/doc/*/copyright", "usr/share/doc/a/copyright", "usr/share/doc/a/b/copyright"),
        ("**/*.la", "usr/lib/a.la", "usr/lib/a.lax"),
        ("**/*.la", "a.la", "a.la/b"),
        ("usr/**/gconv/**", "usr/lib/x/gconv/a", "usr/lib/x/gconvert"),
        ("usr/lib/lib?san.so", "usr/lib/libasan.so", "usr/lib/libsan.so"),
        ("a*b*c", "aXbXbXc", "aXbXcX"),
        ("a/**/b/**/c", "a/x/b/y/b/c", "a/x/c"),
        ("\u{e9}?", "\u{e9}\u{e8}", "\u{e9}"),
    ] {
        let compiled = Pattern::parse(pattern).unwrap();
        assert!(compiled.matches(matching), "{pattern} {matching}");
        assert!(!compiled.matches(other), "{pattern} {other}");
    }
}

#[test]
fn patterns_that_make_no_sense_are_a_usage_error() {
    for pattern in ["", "/usr", "usr//a", "usr/", "usr/../etc", "./usr", "usr/a**", "**", "**/**"] {
        let error = Pattern::parse(pattern).unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Usage, "prune-pattern"), "{pattern}");
        assert!(error.to_string().contains(&format!("\"{pattern}\"")));
    }
}

#[test]
fn what_is_kept_wins_over_what_is_pruned() {
    let rules = Rules::new(["usr/share/**"], ["usr/share/doc/*/copyright"]).unwrap();
    assert!(rules.prunes("usr/share/man/man1/a.1"));
    assert!(!rules.prunes("usr/share/doc/a/copyright"));
    assert!(!rules.prunes("usr/lib/a"));
    assert!(!Rules::default().prunes("usr/share/man"));
}
