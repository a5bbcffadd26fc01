//! WAV files of providers, judged before they are believed, and ours, sealed with their digest.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "samples are 16 bit on purpose, sample counts of minutes fit every number type here"
)]

use std::io::Cursor;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use loa_model::Digest;

/// Longest speech of one line, seconds.
const LONGEST_S: u32 = 900;
/// Lengths that streams write when they do not know theirs.
const UNKNOWN: [u32; 2] = [0, u32::MAX];
/// espeak writes this or a little less.
const UNKNOWN_FROM: u32 = 0x7fff_0000;
/// Our chunk behind the samples: the digest of all before it.
const SEAL: &[u8; 4] = b"seal";
/// Below this a window of 10 ms is silence, of full scale.
const SILENCE: f64 = 0.003;

/// Speech: one channel, 16 bit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wave {
    /// Samples a second, 16,000 or more.
    pub rate: u32,
    pub samples: Vec<i16>,
}

impl Wave {
    /// Reads a WAV whose header is true. `Err` says what is wrong.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let bytes = truthful(bytes)?;
        let mut reader = WavReader::new(Cursor::new(bytes))
            .map_err(|error| format!("it is no WAV that can be read ({error})"))?;
        let spec = reader.spec();
        if !(16_000..=192_000).contains(&spec.sample_rate) {
            return Err(format!(
                "it has {} samples a second, 16000 are the least; choose another format",
                spec.sample_rate
            ));
        }
        if !(1..=8).contains(&spec.channels) {
            return Err(format!("it has {} channels", spec.channels));
        }
        if reader.duration() / spec.sample_rate > LONGEST_S {
            return Err(format!("it is longer than {LONGEST_S} s"));
        }
        let broken = |error: hound::Error| format!("its samples cannot be read ({error})");
        let plain: Vec<f64> = match spec.sample_format {
            SampleFormat::Float => reader
                .samples::<f32>()
                .map(|sample| sample.map(f64::from).map_err(broken))
                .collect::<Result<_, _>>()?,
            SampleFormat::Int => {
                let full = f64::from(1u32 << (spec.bits_per_sample.clamp(8, 32) - 1));
                reader
                    .samples::<i32>()
                    .map(|sample| sample.map(|s| f64::from(s) / full).map_err(broken))
                    .collect::<Result<_, _>>()?
            }
        };
        let channels = usize::from(spec.channels);
        let samples = plain
            .chunks(channels)
            .map(|frame| {
                let mean = frame.iter().sum::<f64>() / channels as f64;
                // 16 bit samples of one channel come through unchanged.
                (mean * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
            })
            .collect();
        Ok(Self { rate: spec.sample_rate, samples })
    }

    /// Length in milliseconds.
    pub(super) fn ms(&self) -> u64 {
        self.samples.len() as u64 * 1_000 / u64::from(self.rate)
    }

    /// Silence at the beginning and the end, ms; nothing when there is only silence.
    pub(super) fn silence(&self) -> Option<(u64, u64)> {
        let loud: Vec<bool> = self.loudness().into_iter().map(|rms| rms > SILENCE).collect();
        let first = loud.iter().position(|loud| *loud)?;
        let last = loud.iter().rev().position(|loud| *loud)?;
        Some((first as u64 * 10, last as u64 * 10))
    }

    /// Loudness of each 10 ms, of full scale.
    pub(super) fn loudness(&self) -> Vec<f64> {
        let window = (self.rate / 100) as usize;
        let rms = |part: &[i16]| {
            let sum: f64 = part.iter().map(|&s| f64::from(s).powi(2)).sum();
            (sum / part.len() as f64).sqrt() / 32_768.0
        };
        self.samples.chunks(window).map(rms).collect()
    }

    /// Whether it can be these words. `Err` says why not.
    pub(super) fn plausible(&self, words: &str) -> Result<(), String> {
        let (lead, tail) = self
            .silence()
            .ok_or("it is silent; check the voice, the language and the credit of the account")?;
        let seconds = self.ms().saturating_sub(lead + tail) as f64 / 1_000.0;
        let chars = words.chars().count() as f64;
        // A second more: short words have long ends.
        let (least, most) = (0.02 * chars, 0.5 * chars + 1.0);
        if (least..=most).contains(&seconds) {
            return Ok(());
        }
        Err(format!(
            "it speaks {seconds:.1} s for {chars} characters, {least:.1} to {most:.1} s are plausible; \
             check that the voice speaks the language, and its speed"
        ))
    }

    /// As a file: a WAV with its digest behind the samples.
    pub(super) fn seal(&self) -> Vec<u8> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: self.rate,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut cursor = Cursor::new(Vec::with_capacity(self.samples.len() * 2 + 128));
        let mut writer = WavWriter::new(&mut cursor, spec).expect("memory takes a WAV header");
        for &sample in &self.samples {
            writer.write_sample(sample).expect("memory takes samples");
        }
        writer.finalize().expect("memory takes a WAV length");
        let mut bytes = cursor.into_inner();
        let length = (bytes.len() + 8 + 32 - 8) as u32;
        bytes.splice(4..8, length.to_le_bytes());
        let digest = Digest::of(&bytes);
        bytes.extend(SEAL);
        bytes.extend(32u32.to_le_bytes());
        bytes.extend(digest.0);
        bytes
    }

    /// Reads a file of ours; nothing when a byte of it is not as it was written.
    pub(super) fn unseal(bytes: &[u8]) -> Option<Self> {
        let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(40)?)?;
        let (mark, digest) = seal.split_at_checked(8)?;
        let whole = mark.starts_with(SEAL) && Digest::of(body).0.as_slice() == digest;
        if !whole {
            return None;
        }
        Self::parse(bytes).ok()
    }
}

/// The WAV with the length of its samples as it is; a header that promises more than there is, is refused.
fn truthful(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let start: String = bytes
        .iter()
        .take(60)
        .map(|&b| if (32..127).contains(&b) { b as char } else { '·' })
        .collect();
    let no_wav = || {
        format!(
            "it is no WAV: {} bytes that begin with {start:?}; ask the provider for WAV",
            bytes.len()
        )
    };
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(no_wav());
    }
    let mut at = 12usize;
    loop {
        let (Some(id), Some(length)) = (bytes.get(at..at + 4), bytes.get(at + 4..at + 8)) else {
            return Err("it is a WAV without samples".into());
        };
        let length = u32::from_le_bytes(length.try_into().map_err(|_| no_wav())?);
        let rest = bytes.len() - at - 8;
        if id != b"data" {
            at = at.saturating_add(8 + length as usize + (length as usize & 1));
            continue;
        }
        let mut out = bytes.to_vec();
        if UNKNOWN.contains(&length) || length >= UNKNOWN_FROM {
            if rest == 0 {
                return Err("it is a WAV without samples".into());
            }
            // Whole samples of every format up to 8 channels of 32 bit would be too strict: frames are read by hound.
            let align = bytes
                .get(32..34)
                .map_or(1, |a| usize::from(u16::from_le_bytes([a[0], a[1]])))
                .max(1);
            let whole = rest - rest % align;
            out.truncate(at + 8 + whole);
            out.splice(at + 4..at + 8, (whole as u32).to_le_bytes());
            let riff = (out.len() - 8) as u32;
            out.splice(4..8, riff.to_le_bytes());
        } else if length as usize > rest {
            return Err(format!(
                "its header promises {length} bytes of samples and {rest} came; the answer was cut off, try again"
            ));
        }
        return Ok(out);
    }
}
