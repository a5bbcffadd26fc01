//! Reading records that are durable, beside the writer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use loa_model::Digest;

use super::{
    damaged,
    file::LogFolder,
    frame::{Frames, MAGIC, Next},
    io_error,
    walk::Walk,
};
use crate::{
    changes::{Entry, Link, Seq},
    engine::chain,
    error::{Error, Result},
};

/// A mark is kept for every so many records: reading from any record on begins at most that far away.
pub(super) const MARK_EVERY: u64 = 64;

/// A segment and where some of its records begin.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// Its first record.
    pub(crate) first: Seq,
    /// Its length when it was sealed, or so far.
    pub(crate) bytes: u64,
    /// Known places. A segment that was not walked since the start has none until somebody reads in it.
    pub(super) marks: BTreeMap<Seq, u64>,
}

/// A bit of a record on its way through a scan.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// Number.
    pub(crate) seq: Seq,
    /// Hash that it names as that of the one before.
    pub(crate) previous: Digest,
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

/// Reads records that are durable, beside the writer.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(super) folder: Arc<dyn LogFolder>,
    pub(super) segments: Arc<Mutex<Vec<Segment>>>,
}

impl Reader {
    /// Visits the records in `after + 1 ..= to`, which must be durable.
    pub(crate) fn read(
        &self,
        after: Seq,
        to: Seq,
        visit: &mut dyn FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<()> {
        if after >= to {
            return Ok(());
        }
        for (first, begin) in self.places(after + 1, to) {
            let (mut seq, offset) = begin;
            let file = self.folder.read(&segment_name(first)).map_err(io_error)?;
            let mut frames = Frames::new(file.as_ref(), offset);
            let mut marks = BTreeMap::new();
            while seq <= to {
                match frames.next().map_err(io_error)? {
                    Next::Frame(frame) if frame.seq == seq => {
                        if seq % MARK_EVERY == 0 {
                            marks.insert(seq, frame.offset);
                        }
                        if seq > after {
                            let hash = chain(frame.seq, frame.previous, frame.payload);
                            let (previous, payload) = (frame.previous, frame.payload);
                            visit(&Record { seq, previous, hash, payload })?;
                        }
                        seq += 1;
                    }
                    Next::End => break,
                    Next::Frame(frame) => {
                        let why = "another record stands in its place";
                        return Err(damaged(first, frame.offset, seq, why));
                    }
                    Next::Flaw { offset, why } => return Err(damaged(first, offset, seq, why)),
                }
            }
            let mut segments = self.segments();
            if let Some(segment) = segments.iter_mut().find(|segment| segment.first == first) {
                segment.marks.append(&mut marks);
            }
        }
        Ok(())
    }

    /// The segments that hold `from..=to`, each with the nearest record before whose place is known.
    fn places(&self, from: Seq, to: Seq) -> Vec<(Seq, (Seq, u64))> {
        let segments = self.segments();
        let begin = segments.partition_point(|segment| segment.first <= from).saturating_sub(1);
        let wanted = segments.iter().skip(begin).take_while(|segment| segment.first <= to);
        wanted
            .map(|segment| {
                let mark = segment.marks.range(..=from).next_back();
                let start = (segment.first, MAGIC.len() as u64);
                (segment.first, mark.map_or(start, |(seq, offset)| (*seq, *offset)))
            })
            .collect()
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

    /// How up to `limit` records after `after` are chained, none beyond `to`.
    pub(crate) fn links(&self, after: Seq, to: Seq, limit: usize) -> Result<Vec<Link>> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let mut links = Vec::new();
        self.read(after, to.min(after.saturating_add(limit)), &mut |record| {
            let Record { seq, previous, hash, .. } = *record;
            links.push(Link { seq, previous, hash });
            Ok(())
        })?;
        Ok(links)
    }

    /// The hash of a durable record.
    pub(crate) fn hash_of(&self, seq: Seq) -> Result<Digest> {
        let mut hash = Digest([0; 32]);
        self.read(seq.saturating_sub(1), seq, &mut |record| {
            hash = record.hash;
            Ok(())
        })?;
        Ok(hash)
    }

    /// Checks every record up to `to` from the first on: length, checksum, number, chain. What is written meanwhile does
    /// not matter. Returns the hash of `to` and how many segments there are.
    pub(crate) fn check(
        &self,
        to: Seq,
        visit: &mut dyn FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<(Digest, usize)> {
        let segments = self.extent();
        let mut walk = Walk::behind(0, Digest([0; 32]));
        for (first, bytes) in &segments {
            let file = self.folder.read(&segment_name(*first)).map_err(io_error)?;
            let mut segment = Segment { first: *first, bytes: *bytes, marks: BTreeMap::new() };
            let begin = MAGIC.len() as u64;
            if let Some((offset, why)) =
                walk.along(file.as_ref(), &mut segment, begin, to, visit)?
            {
                return Err(damaged(*first, offset, walk.seq + 1, why));
            }
        }
        if walk.seq == to {
            return Ok((walk.hash, segments.len()));
        }
        let first = segments.last().map_or(1, |(first, _)| *first);
        Err(damaged(first, 0, walk.seq + 1, "durable records are missing at the end"))
    }

    /// Every segment by its first record, with its durable length.
    pub(crate) fn extent(&self) -> Vec<(Seq, u64)> {
        self.segments().iter().map(|segment| (segment.first, segment.bytes)).collect()
    }

    pub(super) fn segments(&self) -> MutexGuard<'_, Vec<Segment>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Name of the segment that begins with this record.
pub(crate) fn segment_name(first: Seq) -> String {
    format!("{first:020}.log")
}

/// First record of the segment of this name, if it is one.
pub(super) fn segment_first(name: &str) -> Option<Seq> {
    name.strip_suffix(".log")?.parse().ok()
}
