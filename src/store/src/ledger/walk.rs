//! Along the chain: every number follows, every hash is that of the record before.

use std::collections::BTreeMap;

use loa_model::Digest;
use serde::{Deserialize, Serialize};

use super::{
    damaged,
    file::{LogFile, LogFolder},
    frame::{Frames, MAGIC, Next},
    io_error,
    reader::{MARK_EVERY, Record, Segment, segment_name},
};
use crate::{changes::Seq, engine::chain, error::Result};

/// A record up to which the ledger was checked and is durable: checking may go on from it.
///
/// It is no snapshot of the rows: no segment before it can be spared, neither for a rebuild nor as the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Its number.
    pub(crate) seq: Seq,
    /// Its hash.
    pub(crate) hash: Digest,
    /// First record of the segment that holds it.
    pub(crate) segment: Seq,
    /// Where in that segment it begins.
    pub(crate) offset: u64,
    /// The segments before, by their first record, with their lengths.
    pub(crate) sealed: BTreeMap<Seq, u64>,
}

/// What stands at a byte where no whole record does.
pub(super) type Flaw = (u64, &'static str);

/// Where a walk stands.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Last record it passed.
    pub(super) seq: Seq,
    /// Its hash.
    pub(super) hash: Digest,
    /// Its segment and where it begins there; nothing before the first record.
    pub(super) last: Option<(Seq, u64)>,
}

/// Where a walk goes on.
pub(super) struct Start {
    pub(super) walk: Walk,
    /// The segments behind it.
    pub(super) sealed: Vec<Segment>,
    /// Offset of the next record in the next segment.
    pub(super) offset: u64,
}

impl Walk {
    /// A walk that begins behind record `seq`.
    pub(super) fn behind(seq: Seq, hash: Digest) -> Self {
        Self { seq, hash, last: None }
    }

    /// Walks a segment from a byte on: to record `to`, to its end, or to the first flaw.
    pub(super) fn along(
        &mut self,
        file: &dyn LogFile,
        segment: &mut Segment,
        offset: u64,
        to: Seq,
        visit: &mut dyn FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<Option<Flaw>> {
        let mut frames = Frames::new(file, offset);
        while self.seq < to {
            let frame = match frames.next().map_err(io_error)? {
                Next::End => return Ok(None),
                Next::Flaw { offset, why } => return Ok(Some((offset, why))),
                Next::Frame(frame) => frame,
            };
            let broken = |why| Err(damaged(segment.first, frame.offset, self.seq + 1, why));
            if frame.seq != self.seq + 1 || frame.group > frame.seq {
                return broken("the numbers have a gap");
            }
            if frame.previous != self.hash {
                return broken("the chain of hashes is broken: a record before it was changed");
            }
            self.seq = frame.seq;
            self.hash = chain(frame.seq, frame.previous, frame.payload);
            self.last = Some((segment.first, frame.offset));
            if frame.seq % MARK_EVERY == 0 {
                segment.marks.insert(frame.seq, frame.offset);
            }
            let (previous, payload) = (frame.previous, frame.payload);
            visit(&Record { seq: self.seq, previous, hash: self.hash, payload })?;
        }
        Ok(None)
    }
}

impl Start {
    /// At the very first record.
    pub(super) fn first() -> Self {
        let walk = Walk::behind(0, Digest([0; 32]));
        Self { walk, sealed: Vec::new(), offset: MAGIC.len() as u64 }
    }

    /// Behind the record of a checkpoint, when the ledger still has it and all that came before. `firsts` are the segments
    /// that are there.
    pub(super) fn at(
        checkpoint: &Checkpoint,
        firsts: &[Seq],
        folder: &dyn LogFolder,
    ) -> Result<Option<Self>> {
        let known = checkpoint.sealed.keys().chain([&checkpoint.segment]);
        if !known.eq(firsts.iter().take(checkpoint.sealed.len() + 1)) {
            return Ok(None);
        }
        let mut sealed = Vec::new();
        for (&first, &bytes) in &checkpoint.sealed {
            if folder.read(&segment_name(first)).and_then(|file| file.len()).map_err(io_error)?
                != bytes
            {
                return Ok(None);
            }
            sealed.push(Segment { first, bytes, marks: BTreeMap::new() });
        }
        let file = folder.read(&segment_name(checkpoint.segment)).map_err(io_error)?;
        let mut frames = Frames::new(file.as_ref(), checkpoint.offset);
        let Next::Frame(frame) = frames.next().map_err(io_error)? else { return Ok(None) };
        let hash = chain(frame.seq, frame.previous, frame.payload);
        if (frame.seq, hash) != (checkpoint.seq, checkpoint.hash) {
            return Ok(None);
        }
        let last = Some((checkpoint.segment, checkpoint.offset));
        let walk = Walk { seq: frame.seq, hash, last };
        Ok(Some(Self { walk, sealed, offset: frames.offset() }))
    }
}
