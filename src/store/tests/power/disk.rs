//! A disk as it may stand after the power went: what was synced, and of the rest what the loss lets stand.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::dice::Dice;

/// What a process asked of the disk.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Create {
        file: u64,
        path: PathBuf,
    },
    Write {
        file: u64,
        at: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        file: u64,
        len: u64,
    },
    Sync {
        file: u64,
    },
    MakeFolder {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    SyncFolder {
        path: PathBuf,
    },
    /// Not asked of the disk: what was said to the outside.
    Said(String),
}

/// What stays of the writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    None,
    /// Those up to a moment.
    Prefix,
    /// Half of them.
    Random,
    /// Those up to a moment, and a part of the next one.
    Torn,
    All,
}

/// What stays of the names of files that no sync of their folder followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    None,
    Prefix,
    All,
}

/// How the power goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loss {
    pub(crate) writes: Writes,
    pub(crate) names: Names,
    /// Whether the disk does what a sync of a file asks for.
    pub(crate) obeys: bool,
}

/// Reads the log of the shim.
pub(crate) fn read(log: &[u8]) -> Vec<Op> {
    let mut ops = Vec::new();
    // The system gives numbers of removed files to new ones.
    let (mut now, mut files) = (BTreeMap::new(), 0);
    let mut rest = log;
    let mut take = |n: usize| {
        let (taken, left) = rest.split_at(n);
        rest = left;
        taken
    };
    let mut left = log.len();
    while left > 0 {
        let what = take(1)[0];
        let inode = u64::from_le_bytes(take(8).try_into().unwrap());
        let at = u64::from_le_bytes(take(8).try_into().unwrap());
        let lengths = [(); 2].map(|()| u32::from_le_bytes(take(4).try_into().unwrap()));
        let [one, two] = lengths.map(|length| take(length as usize));
        left -= 25 + one.len() + two.len();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let path = |bytes: &[u8]| PathBuf::from(text(bytes));
        if what == b'C' {
            files += 1;
            now.insert(inode, files);
        }
        let file = || *now.get(&inode).expect("a file is made before it is written");
        ops.push(match what {
            b'C' => Op::Create { file: file(), path: path(one) },
            b'W' => Op::Write { file: file(), at, bytes: one.to_vec() },
            b'T' => Op::Truncate { file: file(), len: at },
            b'S' => Op::Sync { file: file() },
            b'D' => Op::MakeFolder { path: path(one) },
            b'M' => Op::Rename { from: path(one), to: path(two) },
            b'U' => Op::Remove { path: path(one) },
            b'Y' => Op::SyncFolder { path: path(one) },
            b'A' => Op::Said(text(one)),
            other => panic!("the log is broken: {other}"),
        });
    }
    ops
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder,
    File(u64),
}

/// A disk: what is durable, and what is not yet, in the order in which it was asked for.
#[derive(Debug, Default)]
struct Disk {
    files: BTreeMap<u64, Vec<u8>>,
    names: BTreeMap<PathBuf, Node>,
    writes: Vec<Op>,
    moves: Vec<Op>,
}

/// Writes a folder as the disk may stand after these calls.
pub(crate) fn image(ops: &[Op], loss: Loss, dice: &mut Dice, root: &Path, to: &Path) {
    let mut disk = Disk::default();
    for op in ops {
        disk.take(op, loss.obeys);
    }
    disk.lose(loss, dice);
    for (path, node) in &disk.names {
        let place = to.join(path.strip_prefix(root).unwrap());
        // A name in a folder that has none itself is not to be found.
        if place.parent().is_some_and(Path::is_dir) {
            match node {
                Node::Folder => fs::create_dir(&place).unwrap(),
                Node::File(file) => {
                    let empty = Vec::new();
                    fs::write(&place, disk.files.get(file).unwrap_or(&empty)).unwrap();
                }
            }
        }
    }
}

impl Disk {
    fn take(&mut self, op: &Op, obeys: bool) {
        match op {
            Op::Said(_) => {}
            Op::Write { .. } | Op::Truncate { .. } => self.writes.push(op.clone()),
            Op::Sync { .. } if !obeys => {}
            Op::Sync { file } => {
                let is_of_it = |op: &Op| written_to(op) == Some(*file);
                let waiting = std::mem::take(&mut self.writes);
                let (now, later): (Vec<_>, _) = waiting.into_iter().partition(is_of_it);
                self.writes = later;
                for op in &now {
                    self.write(op);
                }
            }
            Op::SyncFolder { path } => {
                let is_in_it = |op: &Op| folders_of(op).contains(&path.as_path());
                let waiting = std::mem::take(&mut self.moves);
                let (now, later): (Vec<_>, _) = waiting.into_iter().partition(is_in_it);
                self.moves = later;
                for op in &now {
                    self.name(op);
                }
            }
            Op::Create { .. } | Op::MakeFolder { .. } | Op::Rename { .. } | Op::Remove { .. } => {
                self.moves.push(op.clone());
            }
        }
    }

    /// The power goes.
    fn lose(&mut self, loss: Loss, dice: &mut Dice) {
        let moves = std::mem::take(&mut self.moves);
        let kept = match loss.names {
            Names::None => 0,
            Names::Prefix => dice.below(moves.len() + 1),
            Names::All => moves.len(),
        };
        for op in moves.iter().take(kept) {
            self.name(op);
        }
        let writes = std::mem::take(&mut self.writes);
        let (kept, torn) = match loss.writes {
            Writes::None => (0, None),
            Writes::Prefix => (dice.below(writes.len() + 1), None),
            Writes::Torn => {
                let kept = dice.below(writes.len() + 1);
                (kept, writes.get(kept))
            }
            Writes::Random | Writes::All => (writes.len(), None),
        };
        for op in writes.iter().take(kept) {
            if loss.writes != Writes::Random || dice.below(2) == 0 {
                self.write(op);
            }
        }
        if let Some(Op::Write { file, at, bytes }) = torn {
            let whole = dice.below(bytes.len().max(1));
            let mut part = bytes.clone();
            if dice.below(2) == 0 {
                part.truncate(whole);
            } else {
                // The file has grown already, its last sectors have not come.
                part.iter_mut().skip(whole).for_each(|byte| *byte = 0);
            }
            self.write(&Op::Write { file: *file, at: *at, bytes: part });
        }
    }

    fn write(&mut self, op: &Op) {
        match op {
            Op::Write { file, at, bytes } => {
                let content = self.files.entry(*file).or_default();
                let at = usize::try_from(*at).unwrap();
                if content.len() < at + bytes.len() {
                    content.resize(at + bytes.len(), 0);
                }
                content[at..at + bytes.len()].copy_from_slice(bytes);
            }
            Op::Truncate { file, len } => {
                let content = self.files.entry(*file).or_default();
                content.resize(usize::try_from(*len).unwrap(), 0);
            }
            other => unreachable!("{other:?} writes nothing"),
        }
    }

    fn name(&mut self, op: &Op) {
        match op {
            Op::Create { file, path } => drop(self.names.insert(path.clone(), Node::File(*file))),
            Op::MakeFolder { path } => drop(self.names.insert(path.clone(), Node::Folder)),
            Op::Remove { path } => drop(self.names.remove(path)),
            Op::Rename { from, to } => {
                // Whatever lies below goes with it, also what is not durable yet.
                let moved = |path: &Path| {
                    let below = path.strip_prefix(from).ok()?;
                    Some(if below == Path::new("") { to.clone() } else { to.join(below) })
                };
                let names = std::mem::take(&mut self.names);
                if names.contains_key(from) {
                    let replaced = |path: &Path| path == to;
                    let kept = names.into_iter().filter(|(path, _)| !replaced(path));
                    self.names =
                        kept.map(|(path, node)| (moved(&path).unwrap_or(path), node)).collect();
                } else {
                    // Its own making was lost.
                    self.names = names;
                }
                for op in &mut self.moves {
                    if let Op::Create { path, .. } | Op::MakeFolder { path } | Op::Remove { path } =
                        op
                        && path.as_path() != from
                        && let Some(new) = moved(path)
                    {
                        *path = new;
                    }
                }
            }
            other => unreachable!("{other:?} names nothing"),
        }
    }
}

fn written_to(op: &Op) -> Option<u64> {
    match op {
        Op::Write { file, .. } | Op::Truncate { file, .. } => Some(*file),
        _ => None,
    }
}

/// The folders whose entries it changes.
fn folders_of(op: &Op) -> Vec<&Path> {
    match op {
        Op::Create { path, .. } | Op::MakeFolder { path } | Op::Remove { path } => {
            path.parent().into_iter().collect()
        }
        Op::Rename { from, to } => from.parent().into_iter().chain(to.parent()).collect(),
        _ => Vec::new(),
    }
}
