use std::collections::HashMap;

use super::*;

/// A tree of names: `/` marks a directory, `>` what a link leads to.
fn outcome(tree: &[&'static str], path: &'static str) -> Outcome {
    let nodes: HashMap<&str, Node<'static>> = tree
        .iter()
        .map(|text| match (text.split_once('>'), text.strip_suffix('/')) {
            (Some((path, target)), _) => (path, Node::Symlink(target)),
            (None, Some(path)) => (path, Node::Directory),
            (None, None) => (*text, Node::File),
        })
        .collect();
    let Some(Node::Symlink(target)) = nodes.get(path) else { panic!("{path} is no link") };
    follow(path, target, |path| nodes.get(path).copied())
}

fn found(path: &str) -> Outcome {
    Outcome::Found(path.to_owned())
}

#[test]
fn links_lead_through_links_and_directories() {
    let tree = ["usr/", "usr/lib/", "usr/lib/a.so.1", "lib>usr/lib", "b>lib/../lib/./a.so>x"];
    assert_eq!(outcome(&tree[..4], "lib"), found("usr/lib"));
    let tree = ["usr/", "usr/lib/", "usr/lib/a.so.1", "lib>usr/lib", "usr/b>../lib/a.so"];
    assert_eq!(outcome(&tree, "usr/b"), Outcome::Dangling);
    let tree = ["usr/", "usr/lib/", "usr/lib/a.so.1", "lib>usr/lib/", "usr/b>../lib//./a.so.1"];
    assert_eq!(outcome(&tree, "usr/b"), found("usr/lib/a.so.1"));
    assert_eq!(outcome(&["a/", "a/up>.."], "a/up"), found(""));
}

#[test]
fn a_way_up_counts_from_where_a_link_leads() {
    let tree = ["a/", "a/b/", "a/b/c/", "short>a/b/c", "x>short/../y", "a/b/y"];
    assert_eq!(outcome(&tree, "x"), found("a/b/y"));
    assert_eq!(outcome(&["a/", "root>.", "a/x>../root/.."], "a/x"), Outcome::Leaves);
}

#[test]
fn links_that_lead_nowhere_dangle() {
    assert_eq!(outcome(&["x>y"], "x"), Outcome::Dangling);
    assert_eq!(outcome(&["x>y", "y>z"], "x"), Outcome::Dangling);
    assert_eq!(outcome(&["x>file/a", "file"], "x"), Outcome::Dangling);
    assert_eq!(outcome(&["x>file/..", "file"], "x"), Outcome::Dangling);
    assert_eq!(outcome(&["x>missing/../file", "file"], "x"), Outcome::Dangling);
}

#[test]
fn links_that_leave_are_told_from_links_that_dangle() {
    assert_eq!(outcome(&["x>.."], "x"), Outcome::Leaves);
    assert_eq!(outcome(&["x>/etc"], "x"), Outcome::Leaves);
    assert_eq!(outcome(&["x>missing/../../etc"], "x"), Outcome::Leaves);
    assert_eq!(outcome(&["x>y", "y>/etc"], "x"), Outcome::Leaves);
}

#[test]
fn circles_are_found() {
    assert_eq!(outcome(&["x>x"], "x"), Outcome::Loop);
    assert_eq!(outcome(&["x>y", "y>z", "z>y"], "x"), Outcome::Loop);
    assert_eq!(outcome(&["x>x/a"], "x"), Outcome::Loop);
}
