//! One record on disk: `length · CRC32 · seq · group · previous hash · payload`, little-endian.
//!
//! The CRC covers everything behind itself and the length. `group` is the number of the first record that was written in
//! the same go: every record before it was durable when this one was appended. That is how a torn tail (nothing behind the
//! flaw was ever acknowledged) is told from damage (something was).

use std::io;

use loa_model::Digest;

use super::file::LogFile;
use crate::{
    changes::Seq,
    engine::{RECORD_LIMIT, Staged},
};

/// First bytes of a segment: what it is, and the version of the format.
pub(crate) const MAGIC: &[u8; 8] = b"LOALDG01";
/// Bytes before the payload.
pub(crate) const HEADER: usize = 4 + 4 + 8 + 8 + 32;
const CHUNK: usize = 256 * 1024;

/// A record as it stands in a segment.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    /// Where it begins.
    pub(crate) offset: u64,
    /// Number.
    pub(crate) seq: Seq,
    /// First record of its group.
    pub(crate) group: Seq,
    /// Hash of the record before.
    pub(crate) previous: Digest,
    /// JSON of the entry.
    pub(crate) payload: &'a [u8],
}

/// What comes next in a segment.
#[derive(Debug)]
pub(crate) enum Next<'a> {
    /// A whole frame.
    Frame(Frame<'a>),
    /// The segment ends here.
    End,
    /// No whole frame stands here.
    Flaw {
        /// Where.
        offset: u64,
        /// Why.
        why: &'static str,
    },
}

/// Appends the frame of a staged record.
pub(crate) fn write(out: &mut Vec<u8>, staged: &Staged, group: Seq) {
    let length = u32::try_from(staged.payload.len()).expect("records are limited to megabytes");
    let mut head = [0u8; HEADER];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[8..16].copy_from_slice(&staged.entry.seq.to_le_bytes());
    head[16..24].copy_from_slice(&group.to_le_bytes());
    head[24..].copy_from_slice(&staged.entry.previous.0);
    let crc = checksum(&head, &staged.payload);
    head[4..8].copy_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(&staged.payload);
}

/// Reads frames one after the other.
pub(crate) struct Frames<'a> {
    file: &'a dyn LogFile,
    /// Offset in the file of `buffer[0]`.
    base: u64,
    /// The unread bytes of the buffer are `at..end`.
    at: usize,
    end: usize,
    buffer: Vec<u8>,
}

impl<'a> Frames<'a> {
    /// Frames from an offset on, where a frame begins.
    pub(crate) fn new(file: &'a dyn LogFile, offset: u64) -> Self {
        Self { file, base: offset, at: 0, end: 0, buffer: vec![0; CHUNK] }
    }

    /// Where the next frame begins.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The next frame.
    pub(crate) fn next(&mut self) -> io::Result<Next<'_>> {
        let offset = self.offset();
        let have = self.fill(HEADER)?;
        if have == 0 {
            return Ok(Next::End);
        }
        if have < HEADER {
            return Ok(Next::Flaw { offset, why: "the header is cut short" });
        }
        let length = number(&self.buffer[self.at..], 4);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length >= RECORD_LIMIT {
            return Ok(Next::Flaw { offset, why: "its length cannot be" });
        }
        let whole = HEADER + length;
        if self.fill(whole)? < whole {
            return Ok(Next::Flaw { offset, why: "the record is cut short" });
        }
        let start = self.at;
        let bytes = &self.buffer[start..start + whole];
        match frame_at(bytes, offset) {
            Some(frame) => {
                self.at = start + whole;
                Ok(Next::Frame(frame))
            }
            None => Ok(Next::Flaw { offset, why: "the checksum does not match" }),
        }
    }

    /// Makes `want` bytes readable from `at`, if the file has them. Returns how many there are, at most `want`.
    fn fill(&mut self, want: usize) -> io::Result<usize> {
        if self.end - self.at < want {
            self.buffer.copy_within(self.at..self.end, 0);
            self.base += self.at as u64;
            self.end -= self.at;
            self.at = 0;
            if self.buffer.len() < want {
                let mut larger = vec![0; want.next_power_of_two()];
                larger[..self.end].copy_from_slice(&self.buffer[..self.end]);
                self.buffer = larger;
            }
            while self.end < want {
                let from = self.base + self.end as u64;
                match self.file.read_at(from, &mut self.buffer[self.end..])? {
                    0 => break,
                    read => self.end += read,
                }
            }
        }
        Ok((self.end - self.at).min(want))
    }
}

/// Whether some whole frame behind a flaw at `offset` proves that record `seq` had been durable.
pub(crate) fn proves_damage(file: &dyn LogFile, offset: u64, seq: Seq) -> io::Result<bool> {
    let length = file.len()?.saturating_sub(offset);
    let mut rest = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let mut read = 0;
    while read < rest.len() {
        match file.read_at(offset + read as u64, &mut rest[read..])? {
            0 => break,
            n => read += n,
        }
    }
    rest.truncate(read);
    Ok((1..rest.len()).any(|at| {
        // A cheap look at the numbers first: the checksum of every offset would take hours.
        let Some(head) = rest.get(at..at + HEADER) else { return false };
        let (found, group) = (number(&head[8..], 8), number(&head[16..], 8));
        group > seq && group <= found && found - seq < length && frame_at(&rest[at..], 0).is_some()
    }))
}

fn frame_at(bytes: &[u8], offset: u64) -> Option<Frame<'_>> {
    let head = bytes.get(..HEADER)?;
    let length = usize::try_from(number(head, 4)).ok()?;
    let payload = bytes.get(HEADER..HEADER.checked_add(length)?)?;
    if number(&head[4..], 4) != u64::from(checksum(head, payload)) {
        return None;
    }
    let mut previous = [0; 32];
    previous.copy_from_slice(&head[24..]);
    Some(Frame {
        offset,
        seq: number(&head[8..], 8),
        group: number(&head[16..], 8),
        previous: Digest(previous),
        payload,
    })
}

fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head[..4]);
    crc.update(&head[8..]);
    crc.update(payload);
    crc.finalize()
}

fn number(bytes: &[u8], width: usize) -> u64 {
    let mut whole = [0; 8];
    whole[..width].copy_from_slice(&bytes[..width]);
    u64::from_le_bytes(whole)
}
