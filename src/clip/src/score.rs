//! What is heard in a film, as data, and its mix: the voice in front, the music out of its way, the sound of cuts where
//! they are seen.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "sample counts of minutes fit every number type here, samples are f32 on purpose"
)]

use std::path::PathBuf;

use loa_model::{Digest, Music};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Error, Result,
    encode::SoundRate,
    music,
    reel::resample::Resampler,
    sound::{RATE, Sound},
};

/// Raised when the same score sounds otherwise than before.
const GENERATION: u32 = 3;
/// How loud the music is under a voice, and beside the sound of a cut.
const UNDER: f32 = 0.16;
/// How loud the music is on its own in a film with a voice, so that it does not jump out in the pauses.
const BETWEEN: f32 = 0.5;
/// Seconds in which the music makes room, and comes back.
const DUCK_S: (f64, f64) = (0.25, 0.6);

/// Words that are spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// A WAV file of one channel.
    pub path: PathBuf,
    /// Digest of its bytes.
    pub digest: String,
    /// When they begin in the film, milliseconds.
    pub at_ms: u32,
    /// What is taken of the file, milliseconds.
    pub from_ms: u32,
    /// One past what is taken, milliseconds.
    pub to_ms: u32,
}

/// Sound of a part of a video of the article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// Index of the video.
    pub video: u32,
    /// When it begins in the film, milliseconds.
    pub at_ms: u32,
    /// What is taken of the video, milliseconds.
    pub from_ms: u32,
    /// One past what is taken, milliseconds.
    pub to_ms: u32,
}

/// All that is heard in a film.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Under it all.
    pub music: Music,
    /// The voice.
    pub said: Vec<Said>,
    /// Sound of cuts.
    pub heard: Vec<Heard>,
}

/// Reads the sounds a score names.
pub(crate) trait Listen {
    /// Words from a WAV file: one channel at [`RATE`].
    fn said(&mut self, said: &Said) -> Result<Sound>;
    /// Sound of a cut: two channels at [`RATE`].
    fn heard(&mut self, heard: &Heard) -> Result<Sound>;
}

impl Score {
    /// Name of its encoded form in the cache.
    pub(crate) fn key(&self, duration_ms: u64, rate: SoundRate, videos: &[String]) -> Digest {
        let said: Vec<_> =
            self.said.iter().map(|s| json!([s.digest, s.at_ms, s.from_ms, s.to_ms])).collect();
        let what = json!({
            "generation": GENERATION,
            "ms": duration_ms,
            "music": self.music,
            "said": said,
            "heard": self.heard,
            "videos": videos,
            "rate": rate,
        });
        Digest::of(what.to_string().as_bytes())
    }

    /// The mix in two channels, before it is mastered.
    pub(crate) fn mix(&self, samples: usize, from: &mut dyn Listen) -> Result<Sound> {
        if self.said.is_empty() && self.heard.is_empty() {
            return Ok(music::bed(self.music, samples));
        }
        let mut front = Sound { channels: vec![vec![0.0; samples]; 2] };
        let mut spans = Vec::new();
        for said in &self.said {
            let words = from.said(said)?.at_loudness(-16.0)?;
            spans.push(lay(&mut front, &words, said.at_ms));
        }
        for heard in &self.heard {
            let cut = from.heard(heard)?.at_loudness(-16.0)?.with_soft_ends();
            spans.push(lay(&mut front, &cut, heard.at_ms));
        }
        if self.music == Music::Silent {
            return Ok(front);
        }
        let mut out = music::bed(self.music, samples).at_loudness(-16.0)?;
        let room = envelope(&spans, samples);
        for (channel, front) in out.channels.iter_mut().zip(&front.channels) {
            for ((sample, front), room) in channel.iter_mut().zip(front).zip(&room) {
                *sample = *sample * room + front;
            }
        }
        Ok(out)
    }
}

/// Adds a sound at a moment; says where it lies. What is longer than the film is cut off there.
fn lay(onto: &mut Sound, sound: &Sound, at_ms: u32) -> (usize, usize) {
    let start = at_ms as usize * (RATE as usize / 1000);
    for (i, channel) in onto.channels.iter_mut().enumerate() {
        let from = &sound.channels[i.min(sound.channels.len() - 1)];
        let room = channel.len().saturating_sub(start);
        for (to, from) in channel.iter_mut().skip(start).zip(from.iter().take(room)) {
            *to += from;
        }
    }
    (start, (start + sound.len()).min(onto.len()))
}

/// How loud the music is at each sample.
fn envelope(spans: &[(usize, usize)], samples: usize) -> Vec<f32> {
    if spans.is_empty() {
        return vec![1.0; samples];
    }
    let (down, up) = ((DUCK_S.0 * f64::from(RATE)) as usize, (DUCK_S.1 * f64::from(RATE)) as usize);
    let mut room = vec![BETWEEN; samples];
    for &(start, end) in spans {
        let first = start.saturating_sub(down);
        for (i, level) in room.iter_mut().enumerate().take((end + up).min(samples)).skip(first) {
            let under = if i < start {
                (i - first) as f32 / (start - first).max(1) as f32
            } else if i < end {
                1.0
            } else {
                1.0 - (i - end) as f32 / up as f32
            };
            let eased = under * under * (3.0 - 2.0 * under);
            *level = level.min(BETWEEN + (UNDER - BETWEEN) * eased);
        }
    }
    room
}

/// Reads the words of a score from WAV files.
pub(crate) fn words(said: &Said) -> Result<Sound> {
    let name = said.path.display();
    let bad = |why: String| Error::Encode { what: "voice", reason: format!("{name}: {why}") };
    let mut wav = hound::WavReader::open(&said.path).map_err(|error| bad(error.to_string()))?;
    let spec = wav.spec();
    if spec.channels != 1 || !(8_000..=192_000).contains(&spec.sample_rate) {
        return Err(bad(format!("{} channels at {} Hz", spec.channels, spec.sample_rate)));
    }
    let scale = 1.0 / f32::from(i16::MAX);
    let samples: Result<Vec<f32>, _> = match (spec.sample_format, spec.bits_per_sample) {
        (hound::SampleFormat::Int, 16) => {
            wav.samples::<i16>().map(|s| s.map(|s| f32::from(s) * scale)).collect()
        }
        (hound::SampleFormat::Float, 32) => wav.samples::<f32>().collect(),
        (format, bits) => return Err(bad(format!("{format:?} of {bits} bits"))),
    };
    let samples = samples.map_err(|error| bad(error.to_string()))?;
    let at = |ms: u32| (u64::from(ms) * u64::from(spec.sample_rate) / 1000) as usize;
    let end = at(said.to_ms).min(samples.len());
    let taken = samples.get(at(said.from_ms).min(end)..end).unwrap_or_default();
    Ok(Sound { channels: vec![resample(taken, spec.sample_rate)] }.with_soft_ends())
}

/// To [`RATE`].
fn resample(from: &[f32], rate: u32) -> Vec<f32> {
    if rate == RATE {
        return from.to_vec();
    }
    let length = from.len() as u64 * u64::from(RATE) / u64::from(rate);
    let mut out = vec![0.0; length as usize];
    Resampler::new(rate).run(from, 0.0, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tone;

    impl Listen for Tone {
        fn said(&mut self, said: &Said) -> Result<Sound> {
            let samples = (said.to_ms - said.from_ms) as usize * 48;
            let wave = |i: usize| (i as f32 * 0.05).sin() * 0.2;
            Ok(Sound { channels: vec![(0..samples).map(wave).collect()] })
        }
        fn heard(&mut self, _: &Heard) -> Result<Sound> {
            Err(Error::Unavailable)
        }
    }

    fn said(at_ms: u32, ms: u32) -> Said {
        Said { path: "a.wav".into(), digest: "a".into(), at_ms, from_ms: 0, to_ms: ms }
    }

    fn level(sound: &Sound, from_s: f64, to_s: f64) -> f32 {
        let at = |s: f64| (s * 48_000.0) as usize;
        let part = &sound.channels[0][at(from_s)..at(to_s)];
        (part.iter().map(|s| s * s).sum::<f32>() / part.len() as f32).sqrt()
    }

    #[test]
    fn the_music_makes_room_for_the_voice_and_comes_back() {
        let score = Score { said: vec![said(4000, 3000)], ..Score::default() };
        let samples = 12 * RATE as usize;
        let both = score.mix(samples, &mut Tone).unwrap();
        let silent = Score { music: Music::Silent, ..score.clone() };
        let voice = silent.mix(samples, &mut Tone).unwrap();
        let music = Sound {
            channels: both
                .channels
                .iter()
                .zip(&voice.channels)
                .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect())
                .collect(),
        };
        let (before, under) = (level(&music, 2.0, 3.5), level(&music, 4.5, 6.5));
        assert!(under < before * 0.5, "{before} {under}");
        assert!(level(&music, 8.0, 9.5) > under * 2.0);
        assert!(level(&voice, 0.0, 3.9) < 1e-6 && level(&voice, 4.5, 6.5) > 0.05);
        // The voice stands well above the music under it.
        assert!(level(&voice, 4.5, 6.5) > under * 4.0);
    }

    #[test]
    fn resampling_keeps_pitch_level_and_length() {
        for rate in [16_000, 22_050, 44_100, 96_000] {
            let hz = 440.0;
            let wave = |i: u32| {
                ((f64::from(i) * hz * std::f64::consts::TAU / f64::from(rate)).sin() * 0.5) as f32
            };
            let from: Vec<f32> = (0..rate).map(wave).collect();
            let to = resample(&from, rate);
            assert!(to.len().abs_diff(RATE as usize) <= 2, "{}", to.len());
            let worst = (2000..46_000).map(|i| {
                let exact = (f64::from(i) * hz * std::f64::consts::TAU / f64::from(RATE)).sin();
                (f64::from(to[i as usize]) - exact * 0.5).abs()
            });
            let worst = worst.fold(0.0, f64::max);
            assert!(worst < 0.004, "{rate}: {worst}");
        }
    }

    #[test]
    fn another_moment_is_another_sound() {
        let key = |score: &Score| score.key(9000, SoundRate::stereo(128), &[]);
        let score = Score { said: vec![said(1000, 500)], ..Score::default() };
        let later = Score { said: vec![said(1001, 500)], ..Score::default() };
        let moved = Score {
            said: vec![Said { path: "b.wav".into(), ..said(1000, 500) }],
            ..Score::default()
        };
        assert_ne!(key(&score), key(&later));
        assert_eq!(key(&score), key(&moved));
        assert_ne!(key(&score), score.key(9000, SoundRate::mono(128), &[]));
    }
}
