//! The tree of one package as its members arrive: what was seen, what was made,
//! and which links are still to make. It makes no link before `finish`.

use std::collections::HashMap;
use std::io::BufRead;

use sha2::{Digest as _, Sha256};

use super::{Problem, Request};
use crate::debian::tar::{Content, Member, Reader, TarError};
use crate::elf;
use crate::host::hash::Digest;
use crate::host::tree::{Tree, Walker};
use crate::sysroot::case::Places;
use crate::sysroot::links::{Node, Outcome, follow};
use crate::sysroot::manifest::{Entry, EntryKind};
use crate::sysroot::rules::{MERGED, RuleError, merged, parent, relocate};

/// What stands at a path of the merged layout.
enum Seen {
    /// `made` is false for a pruned directory in which nothing is kept so far.
    Directory { made: bool },
    /// The index of its entry, `None` when it was pruned.
    File(Option<usize>),
    /// The target of a kept link, `None` when it was pruned.
    Symlink(Option<String>),
}

impl Seen {
    const fn noun(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "a directory",
            Self::File(_) => "a file",
            Self::Symlink(_) => "a link",
        }
    }
}

/// A link to be made at the end, by the indices of entries.
enum Link {
    Hard { index: usize, original: usize },
    Symbolic { index: usize },
}

pub(super) struct Assembly<'a> {
    request: &'a Request<'a>,
    folder: &'a Tree,
    walker: Walker<'a>,
    seen: HashMap<String, Seen>,
    entries: Vec<Entry>,
    links: Vec<Link>,
    /// On a disk that folds names only.
    places: Option<Places>,
    /// The directory of the last member, known to be one.
    last: String,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(request: &'a Request<'a>, folder: &'a Tree) -> Self {
        Self {
            request,
            folder,
            walker: folder.walk(),
            seen: HashMap::new(),
            entries: Vec::new(),
            links: Vec::new(),
            places: (!request.case_sensitive).then(Places::default),
            last: String::new(),
        }
    }

    /// Takes one member; `data` stands at its content.
    pub(super) fn add<R: BufRead>(
        &mut self,
        member: Member,
        data: &mut Reader<R>,
        broken: &impl Fn(TarError) -> Problem,
    ) -> Result<(), Problem> {
        let path = merged(&member.path).into_owned();
        if path.is_empty() {
            return match member.content {
                Content::Directory => Ok(()),
                _ => Err(Problem::Root),
            };
        }
        self.look_above(&path)?;
        let kept = !self.request.rules.prunes(&path);
        match member.content {
            Content::Directory => self.add_directory(&path, kept),
            Content::File { .. } => {
                self.check_new(&path, "a file")?;
                let index = if kept {
                    Some(self.write(&path, member.executable, member.mtime, data, broken)?)
                } else {
                    None
                };
                self.seen.insert(path, Seen::File(index));
                Ok(())
            }
            Content::Symlink { target } => {
                let target = relocate(&member.path, &target)?;
                if MERGED.contains(&member.path.as_str()) && target == member.path {
                    // `lib64 → usr/lib64`, which every tree gets by rule, has become
                    // a link to itself.
                    return self.add_directory(&path, kept);
                }
                self.add_symlink(path, target, kept)
            }
            Content::HardLink { target } => self.add_hard_link(path, &merged(&target), kept),
        }
    }

    /// Makes the links, now that nothing else will be written. Gives the entries
    /// and the links that dangle.
    #[expect(clippy::type_complexity, reason = "both halves go straight into Unpacked")]
    pub(super) fn finish(mut self) -> Result<(Vec<Entry>, Vec<(String, String)>), Problem> {
        let dangling = self.check_links()?;
        for link in std::mem::take(&mut self.links) {
            match link {
                Link::Hard { index, original } => self.make_hard_link(index, original)?,
                Link::Symbolic { index } => self.make_symlink(index)?,
            }
        }
        Ok((self.entries, dangling))
    }

    fn add_directory(&mut self, path: &str, kept: bool) -> Result<(), Problem> {
        match self.seen.get(path) {
            None => {
                self.seen.insert(path.to_owned(), Seen::Directory { made: false });
            }
            Some(Seen::Directory { .. }) => {}
            Some(_) => self.check_new(path, "a directory")?,
        }
        if kept { self.make_directory(path) } else { Ok(()) }
    }

    fn add_symlink(&mut self, path: String, target: String, kept: bool) -> Result<(), Problem> {
        self.check_new(&path, "a link")?;
        if !kept {
            self.seen.insert(path, Seen::Symlink(None));
            return Ok(());
        }
        let index = self.entry(&path, EntryKind::Symlink { target: target.clone() })?;
        self.links.push(Link::Symbolic { index });
        self.seen.insert(path, Seen::Symlink(Some(target)));
        Ok(())
    }

    fn add_hard_link(&mut self, path: String, target: &str, kept: bool) -> Result<(), Problem> {
        self.check_new(&path, "a file")?;
        let wrong = |path| Err(Problem::HardLink { path, target: target.to_owned() });
        let original = match self.seen.get(target) {
            Some(Seen::File(original)) => *original,
            _ => return wrong(path),
        };
        if !kept {
            self.seen.insert(path, Seen::File(None));
            return Ok(());
        }
        let Some(original) = original else {
            return wrong(path);
        };
        let index = self.entry(&path, self.entries[original].kind.clone())?;
        self.entries[index].seconds = self.entries[original].seconds;
        self.links.push(Link::Hard { index, original });
        self.seen.insert(path, Seen::File(Some(index)));
        Ok(())
    }

    fn check_new(&self, path: &str, second: &'static str) -> Result<(), Problem> {
        match self.seen.get(path) {
            None => Ok(()),
            Some(seen) => {
                let first = seen.noun();
                Err(Problem::Duplicate { path: path.to_owned(), first, second })
            }
        }
    }

    /// All that is above a path must be a directory, named before or implied now.
    fn look_above(&mut self, path: &str) -> Result<(), Problem> {
        let directory = parent(path);
        if directory == self.last {
            return Ok(());
        }
        let ends = directory.match_indices('/').map(|(end, _)| end).chain([directory.len()]);
        for end in ends.filter(|end| *end > 0) {
            let above = &path[..end];
            match self.seen.get(above) {
                Some(Seen::Directory { .. }) => {}
                None => {
                    self.seen.insert(above.to_owned(), Seen::Directory { made: false });
                }
                Some(seen) => {
                    let (path, above) = (path.to_owned(), above.to_owned());
                    return Err(Problem::NotInDirectory { path, above, what: seen.noun() });
                }
            }
        }
        directory.clone_into(&mut self.last);
        Ok(())
    }

    /// Makes a directory that was seen, and those above it.
    fn make_directory(&mut self, path: &str) -> Result<(), Problem> {
        if path.is_empty() {
            return Ok(());
        }
        match self.seen.get_mut(path) {
            Some(Seen::Directory { made }) if !*made => *made = true,
            _ => return Ok(()),
        }
        let index = self.entry(path, EntryKind::Directory)?;
        Ok(self.walker.directory(self.entries[index].on_disk())?)
    }

    /// One more entry, in a directory that is made when it is not there yet.
    fn entry(&mut self, path: &str, kind: EntryKind) -> Result<usize, Problem> {
        self.make_directory(parent(path))?;
        let place = self.places.as_mut().and_then(|places| places.assign(path));
        if let Some(place) = &place {
            self.walker.directory(parent(place))?;
        }
        self.entries.push(Entry { path: path.to_owned(), place, kind, seconds: 0 });
        Ok(self.entries.len() - 1)
    }

    fn write<R: BufRead>(
        &mut self,
        path: &str,
        executable: bool,
        mtime: i64,
        data: &mut Reader<R>,
        broken: &impl Fn(TarError) -> Problem,
    ) -> Result<usize, Problem> {
        let empty = Digest([0; 32]);
        let index = self.entry(path, EntryKind::File { size: 0, sha256: empty, executable })?;
        let mut file = self.walker.file(self.entries[index].on_disk(), executable)?;
        // A program that is changed is held in memory as a whole.
        let mut program = self.request.rules.gives_rpath(path).then(Vec::new);
        let (mut hasher, mut size) = (Sha256::new(), 0);
        let mut take = |piece: &[u8]| {
            hasher.update(piece);
            size += piece.len() as u64;
            file.write(piece)
        };
        data.copy(&mut |piece| match &mut program {
            Some(program) => {
                program.extend_from_slice(piece);
                Ok(())
            }
            None => take(piece).map_err(Stopped::Disk),
        })
        .map_err(|stopped| match stopped {
            Stopped::Archive(error) => broken(error),
            Stopped::Disk(error) => error.into(),
        })?;
        if let Some(mut program) = program {
            if program.starts_with(b"\x7fELF") {
                elf::runpath_to_rpath(&mut program)
                    .map_err(|problem| Problem::Program { path: path.to_owned(), problem })?;
            }
            take(&program)?;
        }
        let seconds = self.clamp(mtime);
        file.finish(seconds)?;
        let sha256 = Digest(hasher.finalize().into());
        self.entries[index].seconds = seconds;
        self.entries[index].kind = EntryKind::File { size, sha256, executable };
        Ok(index)
    }

    fn clamp(&self, mtime: i64) -> i64 {
        mtime.min(self.request.latest).max(0)
    }

    /// Refuses links that leave the tree or lead in a circle; lists those that dangle.
    fn check_links(&self) -> Result<Vec<(String, String)>, Problem> {
        let node = |path: &str| match self.seen.get(path) {
            Some(Seen::Directory { made: true }) => Some(Node::Directory),
            Some(Seen::File(Some(_))) => Some(Node::File),
            Some(Seen::Symlink(Some(target))) => Some(Node::Symlink(target)),
            _ => None,
        };
        let mut dangling = Vec::new();
        for entry in &self.entries {
            let EntryKind::Symlink { target } = &entry.kind else {
                continue;
            };
            let outcome = follow(&entry.path, target, node);
            let (path, target) = (entry.path.clone(), target.clone());
            match outcome {
                Outcome::Found(_) => {}
                Outcome::Dangling => dangling.push((path, target)),
                Outcome::Loop => return Err(Problem::Loop { path, target }),
                Outcome::Leaves => return Err(RuleError::Leaves { path, target }.into()),
            }
        }
        Ok(dangling)
    }

    fn make_hard_link(&mut self, index: usize, original: usize) -> Result<(), Problem> {
        let (from, path) = (self.entries[original].on_disk(), self.entries[index].on_disk());
        let mut source = self.folder.walk();
        if !self.walker.hard_link(&mut source, from, path)? {
            let executable =
                matches!(self.entries[index].kind, EntryKind::File { executable: true, .. });
            self.walker.copy(&mut source, from, path, executable)?;
        }
        Ok(())
    }

    fn make_symlink(&mut self, index: usize) -> Result<(), Problem> {
        let entry = &self.entries[index];
        let EntryKind::Symlink { target } = &entry.kind else {
            return Ok(());
        };
        match &self.places {
            Some(places) => {
                let target = places.retarget(&entry.path, target);
                Ok(self.walker.symlink(entry.on_disk(), &target)?)
            }
            None => Ok(self.walker.symlink(entry.on_disk(), target)?),
        }
    }
}

/// What ended the copying of a file.
enum Stopped {
    Archive(TarError),
    Disk(crate::host::tree::TreeError),
}

impl From<TarError> for Stopped {
    fn from(error: TarError) -> Self {
        Self::Archive(error)
    }
}
