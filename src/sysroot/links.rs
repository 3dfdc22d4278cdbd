//! Where symbolic links of a tree lead, followed as the kernel would, but on the
//! list of what the tree has: nothing on a disk is asked, nothing is changed.
//!
//! Source: `path_resolution(7)`, symlink(7).

/// Most links on one way (`MAXSYMLINKS` of Linux).
const MOST_LINKS: usize = 40;

/// What a path of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node<'a> {
    Directory,
    File,
    Symlink(&'a str),
}

/// Where a link leads in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// To something that is there.
    Found(String),
    /// To something that is not there, within the root.
    Dangling,
    /// Above the root, or by an absolute path.
    Leaves,
    /// In a circle.
    Loop,
}

/// Follows the link at `path`, whose target is `target`.
pub fn follow<'a>(
    path: &'a str,
    target: &'a str,
    node: impl Fn(&str) -> Option<Node<'a>>,
) -> Outcome {
    let mut way: Vec<&str> = path.split('/').collect();
    way.pop();
    if target.starts_with('/') {
        return Outcome::Leaves;
    }
    let mut pending: Vec<&str> = target.split('/').rev().collect();
    let (mut links, mut missing) = (0, false);
    while let Some(part) = pending.pop() {
        match part {
            ".." if way.is_empty() => return Outcome::Leaves,
            ".." => drop(way.pop()),
            "" | "." => {}
            part => way.push(part),
        }
        if missing || matches!(part, "" | "." | "..") {
            continue;
        }
        match node(&way.join("/")) {
            Some(Node::Directory) => {}
            Some(Node::File) => missing = pending.iter().any(|part| !part.is_empty()),
            None => missing = true,
            Some(Node::Symlink(target)) => {
                links += 1;
                if links > MOST_LINKS {
                    return Outcome::Loop;
                }
                if target.starts_with('/') {
                    return Outcome::Leaves;
                }
                way.pop();
                pending.extend(target.split('/').rev());
            }
        }
    }
    if missing { Outcome::Dangling } else { Outcome::Found(way.join("/")) }
}

#[cfg(test)]
mod tests;
