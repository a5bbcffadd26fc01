//! The ledger: every record ever committed, in segments that are only appended to. It alone makes a commit durable.

mod file;
mod frame;
#[cfg(feature = "simulation")]
pub(crate) mod simulated;
#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use loa_model::Digest;

pub(crate) use file::{DiskFolder, LogFile, LogFolder, sync_folder};
use frame::{Frames, HEADER, MAGIC, Next};

use crate::{
    changes::{Entry, Seq},
    engine::{Staged, chain},
    error::{Error, Result},
};

/// A mark is kept for every so many records: reading from any record on begins at most that far away.
const MARK_EVERY: u64 = 64;

/// A segment and where some of its records begin.
#[derive(Debug, Clone)]
struct Segment {
    name: String,
    first: Seq,
    marks: Vec<(Seq, u64)>,
}

/// Reads records that are durable, beside the writer.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    folder: Arc<dyn LogFolder>,
    segments: Arc<Mutex<Vec<Segment>>>,
}

/// A bit of a record on its way through a scan.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// Number.
    pub(crate) seq: Seq,
    /// Hash of it.
    pub(crate) hash: Digest,
    /// JSON of the entry.
    pub(crate) payload: &'a [u8],
}

impl Record<'_> {
    /// The entry.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the JSON is none, or names another record.
    pub(crate) fn entry(&self) -> Result<Entry> {
        let corrupt = |why: String| Error::Corrupt {
            table: "ledger".to_owned(),
            key: self.seq.to_string(),
            why,
        };
        let entry: Entry =
            serde_json::from_slice(self.payload).map_err(|error| corrupt(error.to_string()))?;
        if entry.seq == self.seq {
            Ok(entry)
        } else {
            Err(corrupt(format!("it says it is record {}", entry.seq)))
        }
    }
}

/// The end of the ledger, where the one writer appends.
pub(crate) struct Ledger {
    reader: Reader,
    file: Box<dyn LogFile>,
    length: u64,
    segment_bytes: u64,
    durable: Seq,
    hash: Digest,
    last: Option<Entry>,
    cut: u64,
    failed: Option<String>,
}

/// Why a group of records is not durable.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// Nothing of it is on disk; the next group may fare better.
    Refused(String),
    /// Nobody knows what is on disk: nothing must be acknowledged any more.
    Fatal(String),
}

impl Ledger {
    /// Opens the ledger of a folder: checks every frame, cuts a torn tail, and makes what is left durable.
    ///
    /// # Errors
    /// [`Error::Io`] when a record that was durable is damaged or missing; it says where.
    pub(crate) fn open(
        folder: Arc<dyn LogFolder>,
        segment_bytes: u64,
        visit: &mut dyn FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<Self> {
        let mut names: Vec<String> =
            folder.list().map_err(io_error)?.into_iter().filter(|name| is_segment(name)).collect();
        names.sort();
        if names.is_empty() {
            let name = segment_name(1);
            start(folder.create(&name).map_err(io_error)?.as_mut()).map_err(io_error)?;
            names.push(name);
        }
        let (mut seq, mut hash, mut cut) = (0, Digest([0; 32]), 0);
        let (mut segments, mut last, mut open) = (Vec::new(), None, None);
        let end = names.len() - 1;
        for (place, name) in names.into_iter().enumerate() {
            let mut file = folder.open(&name).map_err(io_error)?;
            if segment_first(&name) != Some(seq + 1) {
                return Err(damaged(&name, 0, seq + 1, "records before this segment are missing"));
            }
            let mut magic = [0; MAGIC.len()];
            let whole = file.len().map_err(io_error)?;
            file.read_at(0, &mut magic).map_err(io_error)?;
            if &magic != MAGIC && whole <= MAGIC.len() as u64 && place == end {
                // Power was lost while the segment was made: no record of it was acknowledged.
                cut += whole;
                file.truncate(0).map_err(io_error)?;
                start(file.as_mut()).map_err(io_error)?;
            } else if &magic != MAGIC {
                return Err(damaged(&name, 0, seq + 1, "this is no segment of a ledger"));
            }
            let mut segment = Segment { name: name.clone(), first: seq + 1, marks: Vec::new() };
            let checked = check(file.as_ref(), &mut segment, &mut seq, &mut hash, visit)?;
            last = checked.last.or(last);
            if let Some((offset, why)) = checked.flaw {
                let whole = file.len().map_err(io_error)?;
                if place < end
                    || frame::proves_damage(file.as_ref(), offset, seq + 1).map_err(io_error)?
                {
                    return Err(damaged(&name, offset, seq + 1, why));
                }
                cut += whole - offset;
                file.truncate(offset).map_err(io_error)?;
                tracing::warn!(
                    segment = name,
                    offset,
                    bytes = whole - offset,
                    "Cut a torn record off the end of the ledger; it was never acknowledged ({why})"
                );
            }
            segments.push(segment);
            open = Some(file);
        }
        let mut file = open.expect("there is a segment");
        // What a killed process left in the page cache is about to be acted upon: it must be durable first.
        file.sync_data().map_err(io_error)?;
        let length = file.len().map_err(io_error)?;
        let last = match last {
            Some(payload) => Some(Record { seq, hash, payload: &payload }.entry()?),
            None => None,
        };
        let reader = Reader { folder, segments: Arc::new(Mutex::new(segments)) };
        Ok(Self {
            reader,
            file,
            length,
            segment_bytes,
            durable: seq,
            hash,
            last,
            cut,
            failed: None,
        })
    }

    /// Number and hash of the last durable record.
    pub(crate) fn end(&self) -> (Seq, Digest) {
        (self.durable, self.hash)
    }

    /// The last record at open.
    pub(crate) fn last(&self) -> Option<&Entry> {
        self.last.as_ref()
    }

    /// Bytes cut off at open.
    pub(crate) fn cut(&self) -> u64 {
        self.cut
    }

    /// A reader beside this writer.
    pub(crate) fn reader(&self) -> Reader {
        self.reader.clone()
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
        let first = self.durable + 1;
        let mut bytes = Vec::with_capacity(group.iter().map(|s| s.payload.len() + HEADER).sum());
        let mut marks = Vec::new();
        for staged in group {
            if staged.entry.seq % MARK_EVERY == 0 {
                marks.push((staged.entry.seq, self.length + bytes.len() as u64));
            }
            frame::write(&mut bytes, staged, first);
        }
        if let Err(error) = self.file.append(&bytes) {
            return Err(match self.file.truncate(self.length) {
                Ok(()) => Unwritten::Refused(format!("cannot append to the ledger: {error}")),
                Err(_) => self.fail(&format!("cannot append to the ledger: {error}")),
            });
        }
        // After a failed sync the kernel may have dropped the pages and call the next sync a success: never retried.
        if let Err(error) = self.file.sync_data() {
            return Err(self.fail(&format!("cannot sync the ledger: {error}")));
        }
        self.length += bytes.len() as u64;
        self.durable = last.entry.seq;
        self.hash = last.hash;
        let mut segments = self.reader.segments();
        segments.last_mut().expect("there is a segment").marks.extend(marks);
        Ok(())
    }

    /// Visits every record after `after`.
    pub(crate) fn replay(
        &self,
        after: Seq,
        visit: &mut dyn FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<()> {
        self.reader.read(after, self.durable, visit)
    }

    fn rotate(&mut self) -> Result<(), Unwritten> {
        let first = self.durable + 1;
        let name = segment_name(first);
        let folder = &self.reader.folder;
        // A file of this name is what an earlier try left of it when the disk was full.
        let (made, left) = match folder.open(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (folder.create(&name), false),
            found => (found, true),
        };
        let cannot = |error: io::Error| format!("cannot start {name}: {error}");
        let mut file = made.map_err(|error| self.fail(&cannot(error)))?;
        let emptied = if left { file.truncate(0) } else { Ok(()) };
        emptied
            .and_then(|()| file.append(MAGIC))
            .map_err(|error| Unwritten::Refused(cannot(error)))?;
        file.sync_data().map_err(|error| self.fail(&cannot(error)))?;
        self.file = file;
        self.length = MAGIC.len() as u64;
        self.reader.segments().push(Segment { name, first, marks: Vec::new() });
        Ok(())
    }

    fn fail(&mut self, why: &str) -> Unwritten {
        let why = format!("{why}; nothing is acknowledged until loa is started again");
        tracing::error!("The ledger failed: {why}");
        self.failed = Some(why.clone());
        Unwritten::Fatal(why)
    }
}

impl Reader {
    /// Visits the records in `after + 1 ..= to`, which must be durable.
    pub(crate) fn read(
        &self,
        after: Seq,
        to: Seq,
        visit: &mut dyn FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<()> {
        let segments = self.segments().clone();
        let place = segments.partition_point(|segment| segment.first <= after + 1);
        for segment in segments.get(place.saturating_sub(1)..).unwrap_or_default() {
            if segment.first > to || after >= to {
                break;
            }
            let begin = (segment.first, MAGIC.len() as u64);
            let marks = segment.marks.partition_point(|(seq, _)| *seq <= after + 1);
            let (mut seq, offset) =
                marks.checked_sub(1).and_then(|at| segment.marks.get(at)).copied().unwrap_or(begin);
            let file = self.folder.open(&segment.name).map_err(io_error)?;
            let mut frames = Frames::new(file.as_ref(), offset);
            while seq <= to {
                match frames.next().map_err(io_error)? {
                    Next::Frame(frame) if frame.seq == seq => {
                        if seq > after {
                            let hash = chain(frame.seq, frame.previous, frame.payload);
                            visit(&Record { seq, hash, payload: frame.payload })?;
                        }
                        seq += 1;
                    }
                    Next::End => break,
                    Next::Frame(frame) => {
                        let why = "another record stands in its place";
                        return Err(damaged(&segment.name, frame.offset, seq, why));
                    }
                    Next::Flaw { offset, why } => {
                        return Err(damaged(&segment.name, offset, seq, why));
                    }
                }
            }
        }
        Ok(())
    }

    /// Up to `limit` entries after `after`, none beyond `to`.
    pub(crate) fn entries(&self, after: Seq, to: Seq, limit: usize) -> Result<Vec<Entry>> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let mut entries = Vec::new();
        self.read(after, to.min(after.saturating_add(limit)), &mut |record| {
            entries.push(record.entry()?);
            Ok(())
        })?;
        Ok(entries)
    }

    /// Checks every record up to `to` from the first on: length, checksum, number, chain. Returns the last hash and how
    /// many segments there are.
    pub(crate) fn check(
        &self,
        to: Seq,
        visit: &mut dyn FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<(Digest, usize)> {
        let segments = self.segments().clone();
        let (mut seq, mut hash) = (0, Digest([0; 32]));
        for segment in &segments {
            let file = self.folder.open(&segment.name).map_err(io_error)?;
            let mut copy = Segment { marks: Vec::new(), ..segment.clone() };
            let checked = check(file.as_ref(), &mut copy, &mut seq, &mut hash, visit)?;
            if let Some((offset, why)) = checked.flaw {
                return Err(damaged(&segment.name, offset, seq + 1, why));
            }
        }
        if seq == to {
            return Ok((hash, segments.len()));
        }
        let name = segments.last().map_or("ledger", |segment| &segment.name);
        Err(damaged(name, 0, seq + 1, "durable records are missing at the end"))
    }

    fn segments(&self) -> std::sync::MutexGuard<'_, Vec<Segment>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Checked {
    last: Option<Vec<u8>>,
    flaw: Option<(u64, &'static str)>,
}

/// Walks a segment: every number follows, every hash is that of the record before.
fn check(
    file: &dyn LogFile,
    segment: &mut Segment,
    seq: &mut Seq,
    hash: &mut Digest,
    visit: &mut dyn FnMut(&Record<'_>) -> Result<()>,
) -> Result<Checked> {
    let mut frames = Frames::new(file, MAGIC.len() as u64);
    let mut last: Option<Vec<u8>> = None;
    let flaw = loop {
        match frames.next().map_err(io_error)? {
            Next::End => break None,
            Next::Flaw { offset, why } => break Some((offset, why)),
            Next::Frame(frame) => {
                let broken = |why| Err(damaged(&segment.name, frame.offset, *seq + 1, why));
                if frame.seq != *seq + 1 || frame.group > frame.seq {
                    return broken("the numbers have a gap");
                }
                if frame.previous != *hash {
                    return broken("the chain of hashes is broken: a record before it was changed");
                }
                *seq = frame.seq;
                *hash = chain(frame.seq, frame.previous, frame.payload);
                if frame.seq % MARK_EVERY == 0 {
                    segment.marks.push((frame.seq, frame.offset));
                }
                visit(&Record { seq: *seq, hash: *hash, payload: frame.payload })?;
                let kept = last.get_or_insert_default();
                kept.clear();
                kept.extend_from_slice(frame.payload);
            }
        }
    };
    Ok(Checked { last, flaw })
}

fn start(file: &mut dyn LogFile) -> io::Result<()> {
    file.append(MAGIC)?;
    file.sync_data()
}

fn segment_name(first: Seq) -> String {
    format!("{first:020}.log")
}

fn segment_first(name: &str) -> Option<Seq> {
    name.strip_suffix(".log")?.parse().ok()
}

fn is_segment(name: &str) -> bool {
    segment_first(name).is_some()
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn io_error(error: io::Error) -> Error {
    Error::Io(format!("ledger: {error}"))
}

fn damaged(segment: &str, offset: u64, seq: Seq, why: &str) -> Error {
    Error::Io(format!(
        "the ledger is damaged at record {seq} (ledger/{segment}, byte {offset}): {why}; \
         nothing was changed: copy the data folder away, then restore the newest backup that `loa verify` accepts"
    ))
}
