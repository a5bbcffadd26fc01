//! Encoded packets of a stretch of picture or of all the sound, in memory and in a file of the cache.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
};

use loa_model::Digest;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, error::file};

const MAGIC: &[u8] = b"loa-track/1\n";
/// Length of the digest at the end, in hexadecimal digits.
const SEAL: usize = 64;

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Packet {
    /// When it is shown, in steps of its track.
    pub(crate) pts: i64,
    /// When it is decoded.
    pub(crate) dts: i64,
    /// Steps.
    pub(crate) duration: i64,
    /// Whether decoding can begin here.
    pub(crate) key: bool,
    /// Bytes.
    pub(crate) length: usize,
}

/// Packets in the order of decoding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Track {
    /// What the container keeps apart (SPS and PPS, the setup of AAC).
    pub(crate) headers: Vec<u8>,
    pub(crate) packets: Vec<Packet>,
    /// Their bytes, one after the other.
    pub(crate) data: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    headers: Vec<u8>,
    packets: Vec<Packet>,
}

impl Track {
    pub(crate) fn push(&mut self, packet: Packet, bytes: &[u8]) {
        self.packets.push(Packet { length: bytes.len(), ..packet });
        self.data.extend_from_slice(bytes);
    }

    /// Packets with their bytes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Packet, &[u8])> {
        let mut rest = self.data.as_slice();
        self.packets.iter().map(move |packet| {
            let (bytes, after) = rest.split_at(packet.length.min(rest.len()));
            rest = after;
            (*packet, bytes)
        })
    }

    /// Writes it under its name, whole or not at all. It is not forced to the disk: a file that a power cut tore is
    /// noticed by its digest and made again.
    pub(crate) fn keep(&self, path: &Path) -> Result<()> {
        let head = Head { headers: self.headers.clone(), packets: self.packets.clone() };
        let head = serde_json::to_vec(&head).expect("packets are plain data");
        let mut bytes = Vec::with_capacity(MAGIC.len() + 8 + head.len() + self.data.len() + SEAL);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(head.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&self.data);
        let seal = Digest::of(&bytes).to_string();
        bytes.extend_from_slice(seal.as_bytes());
        // Two workers, or two clips at once, may make the same stretch: each writes a file of its own.
        let part = path.with_extension(format!("{}.part", std::process::id()));
        let written = File::create(&part).and_then(|mut out| out.write_all(&bytes));
        let named = written.and_then(|()| fs::rename(&part, path));
        if named.is_err() {
            // The first error is the one to tell.
            fs::remove_file(&part).ok();
        }
        named.map_err(file(path))
    }

    /// Reads a kept one; nothing when it is not there or is damaged.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
        if Digest::of(body).to_string().as_bytes() != seal {
            return None;
        }
        let rest = body.strip_prefix(MAGIC)?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (head, data) =
            rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let Head { headers, packets } = serde_json::from_slice(head).ok()?;
        let whole = packets.iter().map(|packet| packet.length).sum::<usize>() == data.len();
        whole.then(|| Self { headers, packets, data: data.to_vec() })
    }

    /// The same, with a reason when it is gone.
    pub(crate) fn must_read(path: &Path) -> Result<Self> {
        Self::read(path).ok_or_else(|| Error::Encode {
            what: "cache",
            reason: format!("{} was removed while it was needed: render again", path.display()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_track_comes_back_and_a_damaged_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.track");
        let mut track = Track { headers: vec![1, 2, 3], ..Track::default() };
        for n in 0..5u8 {
            let at = i64::from(n);
            let packet = Packet { pts: at, dts: at - 2, duration: 1, key: n == 0, length: 0 };
            track.push(packet, &vec![n; 10 + usize::from(n)]);
        }
        assert_eq!(Track::read(&path), None);
        track.keep(&path).unwrap();
        assert_eq!(Track::read(&path).as_ref(), Some(&track));
        assert_eq!(track.iter().map(|(p, bytes)| (p.length, bytes.len())).last(), Some((14, 14)));
        let whole = fs::read(&path).unwrap();
        for at in [0, 15, 40, whole.len() - 70, whole.len() - 1] {
            let mut bad = whole.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert_eq!(Track::read(&path), None, "byte {at}");
        }
        for length in [0, 10, 64, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(Track::read(&path), None, "cut at {length}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no part is left");
    }
}
