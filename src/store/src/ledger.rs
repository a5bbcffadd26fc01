//! The ledger: every record ever committed, in segments that are only appended to. It alone makes a commit durable.

mod file;
mod frame;
mod reader;
#[cfg(feature = "simulation")]
pub(crate) mod simulated;
#[cfg(test)]
mod tests;
mod walk;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use loa_model::Digest;

pub(crate) use self::walk::Checkpoint;
use self::walk::{Start, Walk};
pub(crate) use file::{DiskFolder, LogFile, LogFolder, make_folder, sync_folder};
use frame::{Frames, HEADER, MAGIC, Next};
use reader::{MARK_EVERY, Segment, segment_first};
pub(crate) use reader::{Reader, Record, segment_name};

use crate::{
    changes::Seq,
    engine::Staged,
    error::{Error, Result},
};

/// The end of the ledger, where the one writer appends.
pub(crate) struct Ledger {
    reader: Reader,
    file: Box<dyn LogFile>,
    length: u64,
    segment_bytes: u64,
    durable: Walk,
    at: Timestamp,
    cut: u64,
    checked: u64,
    failed: Option<String>,
}

/// A ledger up to its last durable record.
#[derive(Debug, Clone)]
pub(crate) struct Extent {
    /// That record.
    pub(crate) seq: Seq,
    /// Its hash.
    pub(crate) head: Digest,
    /// Segments by their first record, with their lengths.
    pub(crate) segments: BTreeMap<Seq, u64>,
}

/// Why a group of records is not durable.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// Nothing of it is on disk; the next group may fare better.
    Refused(String),
    /// So it is, and the reason is that the disk is full.
    Full(String),
    /// Nobody knows what is on disk: nothing must be acknowledged any more.
    Fatal(String),
}

impl Ledger {
    /// Opens the ledger of a folder: checks every frame behind a checkpoint (or all, when there is none or the ledger has
    /// not got it), cuts a torn tail, and makes what is left durable.
    ///
    /// # Errors
    /// [`Error::Io`] when a record that was durable is damaged or missing; it says where.
    pub(crate) fn open(
        folder: Arc<dyn LogFolder>,
        segment_bytes: u64,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Self> {
        let names = folder.list().map_err(io_error)?;
        let mut firsts: Vec<Seq> = names.iter().filter_map(|name| segment_first(name)).collect();
        firsts.sort_unstable();
        if firsts.is_empty() {
            start(folder.create(&segment_name(1)).map_err(io_error)?.as_mut()).map_err(io_error)?;
            firsts.push(1);
        }
        let start = match checkpoint {
            Some(checkpoint) => start_at(checkpoint, &firsts, folder.as_ref())?,
            None => Start::first(),
        };
        let Start { mut walk, sealed: mut segments, mut offset } = start;
        let (begin, end) = (walk.seq, firsts.len() - 1);
        let (mut cut, mut open) = (0, None);
        for (place, &first) in firsts.iter().enumerate().skip(segments.len()) {
            let mut file = folder.open(&segment_name(first)).map_err(io_error)?;
            // The segment of the checkpoint is entered in its middle.
            if walk.last.is_none_or(|(entered, _)| entered != first) {
                if first != walk.seq + 1 {
                    let why = "records before this segment are missing";
                    return Err(damaged(first, 0, walk.seq + 1, why));
                }
                cut += begin_of(file.as_mut(), first, place == end)?;
            }
            let mut segment = Segment { first, bytes: 0, marks: BTreeMap::new() };
            let flaw =
                walk.along(file.as_ref(), &mut segment, offset, Seq::MAX, &mut |_| Ok(()))?;
            if let Some((flaw, why)) = flaw {
                let whole = file.len().map_err(io_error)?;
                let next = walk.seq + 1;
                if place < end
                    || frame::proves_damage(file.as_ref(), flaw, next).map_err(io_error)?
                {
                    return Err(damaged(first, flaw, next, why));
                }
                cut += whole - flaw;
                file.truncate(flaw).map_err(io_error)?;
                tracing::warn!(
                    segment = segment_name(first),
                    offset = flaw,
                    bytes = whole - flaw,
                    "Cut a torn record off the end of the ledger; it was never acknowledged ({why})"
                );
            }
            segment.bytes = file.len().map_err(io_error)?;
            segments.push(segment);
            open = Some(file);
            offset = MAGIC.len() as u64;
        }
        let mut file = open.expect("there is a segment");
        // What a killed process left in the page cache is about to be acted upon: it must be durable first.
        file.sync_data().map_err(io_error)?;
        let length = file.len().map_err(io_error)?;
        let reader = Reader { folder, segments: Arc::new(Mutex::new(segments)) };
        let at = time_of_last(&reader, &walk)?;
        let checked = walk.seq - begin;
        let failed = None;
        Ok(Self { reader, file, length, segment_bytes, durable: walk, at, cut, checked, failed })
    }

    /// Whether a folder holds a ledger at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn is_there(folder: &dyn LogFolder) -> Result<bool> {
        let names = folder.list().map_err(io_error)?;
        Ok(names.iter().any(|name| segment_first(name).is_some()))
    }

    /// Number and hash of the last durable record.
    pub(crate) fn end(&self) -> (Seq, Digest) {
        (self.durable.seq, self.durable.hash)
    }

    /// Time of the last record at open.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// All of it that is durable.
    pub(crate) fn extent(&self) -> Extent {
        let Walk { seq, hash, .. } = self.durable;
        Extent { seq, head: hash, segments: self.reader.extent().into_iter().collect() }
    }

    /// First record of the segment that is written.
    pub(crate) fn segment(&self) -> Seq {
        self.reader.segments().last().map_or(1, |segment| segment.first)
    }

    /// Bytes cut off at open.
    pub(crate) fn cut(&self) -> u64 {
        self.cut
    }

    /// Records that were checked at open.
    pub(crate) fn checked(&self) -> u64 {
        self.checked
    }

    /// A reader beside this writer.
    pub(crate) fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// The last durable record as a place to go on from; nothing while there is none.
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        let (segment, offset) = self.durable.last?;
        let sealed = self.reader.extent().into_iter().filter(|(first, _)| *first < segment);
        let Walk { seq, hash, .. } = self.durable;
        Some(Checkpoint { seq, hash, segment, offset, sealed: sealed.collect() })
    }

    /// Makes a group of records durable with one sync.
    pub(crate) fn append(&mut self, group: &[Staged]) -> Result<(), Unwritten> {
        if let Some(why) = &self.failed {
            return Err(Unwritten::Fatal(why.clone()));
        }
        let Some(last) = group.last() else { return Ok(()) };
        if self.length >= self.segment_bytes && self.length > MAGIC.len() as u64 {
            self.rotate()?;
        }
        let first = self.durable.seq + 1;
        let mut bytes = Vec::with_capacity(group.iter().map(|s| s.payload.len() + HEADER).sum());
        let mut marks = BTreeMap::new();
        let mut offset = self.length;
        for staged in group {
            offset = self.length + bytes.len() as u64;
            if staged.entry.seq % MARK_EVERY == 0 {
                marks.insert(staged.entry.seq, offset);
            }
            frame::write(&mut bytes, staged, first);
        }
        if let Err(error) = self.file.append(&bytes) {
            let why = format!("cannot append to the ledger: {error}");
            return Err(match self.file.truncate(self.length) {
                Ok(()) if is_full(&error) => Unwritten::Full(why),
                Ok(()) => Unwritten::Refused(why),
                Err(_) => self.fail(&why),
            });
        }
        // After a failed sync the kernel may have dropped the pages and call the next sync a success: never retried.
        if let Err(error) = self.file.sync_data() {
            return Err(self.fail(&format!("cannot sync the ledger: {error}")));
        }
        self.length += bytes.len() as u64;
        let mut segments = self.reader.segments();
        let segment = segments.last_mut().expect("there is a segment");
        segment.bytes = self.length;
        segment.marks.append(&mut marks);
        self.durable =
            Walk { seq: last.entry.seq, hash: last.hash, last: Some((segment.first, offset)) };
        Ok(())
    }

    fn rotate(&mut self) -> Result<(), Unwritten> {
        let first = self.durable.seq + 1;
        let name = segment_name(first);
        let folder = &self.reader.folder;
        let made = folder.create(&name).and_then(|mut file| {
            file.append(MAGIC)?;
            Ok(file)
        });
        let mut file = match made {
            Ok(file) => file,
            Err(error) => {
                let why = format!("cannot start {name}: {error}");
                // The old segment may go on only when nothing of the new one is left.
                return Err(match folder.remove(&name) {
                    Ok(()) if is_full(&error) => Unwritten::Full(why),
                    Ok(()) => Unwritten::Refused(why),
                    Err(_) => self.fail(&why),
                });
            }
        };
        if let Err(error) = file.sync_data() {
            return Err(self.fail(&format!("cannot start {name}: {error}")));
        }
        self.file = file;
        self.length = MAGIC.len() as u64;
        let segment = Segment { first, bytes: self.length, marks: BTreeMap::new() };
        self.reader.segments().push(segment);
        Ok(())
    }

    fn fail(&mut self, why: &str) -> Unwritten {
        let why = format!("{why}; nothing is acknowledged until loa is started again");
        tracing::error!("The ledger failed: {why}");
        self.failed = Some(why.clone());
        Unwritten::Fatal(why)
    }
}

/// The place behind a checkpoint; the very first record when the ledger has not got it.
fn start_at(checkpoint: &Checkpoint, firsts: &[Seq], folder: &dyn LogFolder) -> Result<Start> {
    Ok(Start::at(checkpoint, firsts, folder)?.unwrap_or_else(|| {
        tracing::warn!(
            "The ledger has not got record {} of its checkpoint: checking all of it",
            checkpoint.seq
        );
        Start::first()
    }))
}

/// Checks how a segment begins. Returns the bytes that were cut: the last segment may have been torn at its very start.
fn begin_of(file: &mut dyn LogFile, first: Seq, is_last: bool) -> Result<u64> {
    let mut magic = [0; MAGIC.len()];
    let whole = file.len().map_err(io_error)?;
    file.read_at(0, &mut magic).map_err(io_error)?;
    if &magic == MAGIC {
        return Ok(0);
    }
    if !is_last || whole > MAGIC.len() as u64 {
        return Err(damaged(first, 0, first, "this is no segment of a ledger"));
    }
    // Power was lost while the segment was made: no record of it was acknowledged.
    file.truncate(0).and_then(|()| start(file)).map_err(io_error)?;
    Ok(whole)
}

/// Checks segments that nobody writes, from their beginning or from behind a record with the lengths they had then, to a
/// record whose hash is known.
///
/// # Errors
/// [`Error::Io`] when anything is damaged or missing.
pub(crate) fn walk(
    folder: &dyn LogFolder,
    segments: &BTreeMap<Seq, u64>,
    start: Option<(Seq, Digest, &BTreeMap<Seq, u64>)>,
    (to, head): (Seq, Digest),
) -> Result<()> {
    let nothing = BTreeMap::new();
    let (seq, hash, behind) = start.unwrap_or((0, Digest([0; 32]), &nothing));
    let mut walk = Walk::behind(seq, hash);
    for (&first, &bytes) in segments {
        let known = behind.get(&first).copied().unwrap_or(0);
        let mut file = folder.read(&segment_name(first)).map_err(io_error)?;
        if known < bytes {
            if known == 0 {
                if first != walk.seq + 1 {
                    let why = "records before this segment are missing";
                    return Err(damaged(first, 0, walk.seq + 1, why));
                }
                begin_of(file.as_mut(), first, false)?;
            }
            let mut segment = Segment { first, bytes, marks: BTreeMap::new() };
            let from = known.max(MAGIC.len() as u64);
            if let Some((offset, why)) =
                walk.along(file.as_ref(), &mut segment, from, to, &mut |_| Ok(()))?
            {
                return Err(damaged(first, offset, walk.seq + 1, why));
            }
        }
    }
    if (walk.seq, walk.hash) == (to, head) {
        return Ok(());
    }
    let first = segments.keys().next_back().copied().unwrap_or(1);
    Err(damaged(first, 0, walk.seq, &format!("it should end at record {to} with the hash {head}")))
}

fn time_of_last(reader: &Reader, walk: &Walk) -> Result<Timestamp> {
    let Some((segment, offset)) = walk.last else { return Ok(Timestamp::MIN) };
    let file = reader.folder.read(&segment_name(segment)).map_err(io_error)?;
    match Frames::new(file.as_ref(), offset).next().map_err(io_error)? {
        Next::Frame(frame) => {
            let (previous, payload) = (frame.previous, frame.payload);
            let record = Record { seq: walk.seq, previous, hash: walk.hash, payload };
            Ok(record.entry()?.at)
        }
        Next::End | Next::Flaw { .. } => {
            Err(damaged(segment, offset, walk.seq, "it went away while it was read"))
        }
    }
}

fn start(file: &mut dyn LogFile) -> io::Result<()> {
    file.append(MAGIC)?;
    file.sync_data()
}

/// Whether nothing more fits on the disk, or into what this user may take of it.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn io_error(error: io::Error) -> Error {
    Error::Io(format!("ledger: {error}"))
}

fn damaged(segment: Seq, offset: u64, seq: Seq, why: &str) -> Error {
    Error::Io(format!(
        "the ledger is damaged at record {seq} (ledger/{}, byte {offset}): {why}; \
         restore the newest backup that `loa verify --backup` accepts into an empty folder",
        segment_name(segment)
    ))
}
