//! Sound of a clip: a quiet bed made by our own generator, brought to −14 LUFS with a true-peak limiter.
//!
//! The bed is a slow pad over four chords with a few bells on top, in a small room. No recording, no licence, the same
//! samples every time.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::many_single_char_names,
    reason = "sample counts of minutes fit every number type here, samples are f32 on purpose"
)]

use std::f64::consts::TAU;

use ebur128::{EbuR128, Mode};

use crate::{Error, Result};

/// Samples a second, everywhere.
pub const RATE: u32 = 48_000;
/// Loudness of every clip, LUFS.
pub const LOUDNESS: f64 = -14.0;

/// Samples of one or two channels, one `Vec` a channel, all as long.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Channels.
    pub channels: Vec<Vec<f32>>,
}

/// What a meter says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loudness {
    /// Integrated, LUFS.
    pub lufs: f64,
    /// True peak, dBTP.
    pub peak_db: f64,
}

impl Sound {
    /// Samples a channel.
    pub fn len(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Integrated loudness and true peak by EBU R128.
    ///
    /// # Errors
    /// [`Error::Encode`] when the meter refuses the format.
    pub fn measure(&self) -> Result<Loudness> {
        let refused = |e: ebur128::Error| Error::Encode { what: "loudness", reason: e.to_string() };
        let channels = self.channels.len() as u32;
        let mut meter = EbuR128::new(channels, RATE, Mode::I | Mode::TRUE_PEAK).map_err(refused)?;
        let planes: Vec<&[f32]> = self.channels.iter().map(Vec::as_slice).collect();
        meter.add_frames_planar_f32(&planes).map_err(refused)?;
        let mut peak = 0.0f64;
        for channel in 0..channels {
            peak = peak.max(meter.true_peak(channel).map_err(refused)?);
        }
        let lufs = meter.loudness_global().map_err(refused)?;
        Ok(Loudness { lufs, peak_db: 20.0 * peak.max(1e-9).log10() })
    }

    /// One channel.
    #[must_use]
    pub fn mono(&self) -> Self {
        let share = 1.0 / self.channels.len().max(1) as f32;
        let mix = (0..self.len()).map(|i| self.channels.iter().map(|c| c[i]).sum::<f32>() * share);
        Self { channels: vec![mix.collect()] }
    }

    /// Brings it to [`LOUDNESS`] with peaks below `ceiling_db`.
    ///
    /// # Errors
    /// As [`Sound::measure`].
    pub fn master(&mut self, ceiling_db: f64) -> Result<Loudness> {
        let ceiling = 10f64.powf(ceiling_db / 20.0) as f32;
        for _ in 0..4 {
            let lufs = self.measure()?.lufs;
            if !lufs.is_finite() {
                // Silence has no loudness to correct.
                break;
            }
            let missing = LOUDNESS - lufs;
            if missing.abs() < 0.05 {
                break;
            }
            let gain = 10f64.powf(missing / 20.0) as f32;
            self.channels.iter_mut().flatten().for_each(|sample| *sample *= gain);
            limit(&mut self.channels, ceiling);
        }
        self.measure()
    }
}

/// Turns down what would pass the ceiling, 5 ms ahead and back within 80 ms, both channels alike.
fn limit(channels: &mut [Vec<f32>], ceiling: f32) {
    const AHEAD: usize = 240;
    let len = channels.first().map_or(0, Vec::len);
    // Peaks between samples: the curve through four neighbours, at three places between the middle two.
    let between = |c: &[f32], i: usize| -> f32 {
        let at = |k: usize| c.get(k).copied().unwrap_or(0.0);
        let (a, b, c0, d) = (at(i.wrapping_sub(1)), at(i), at(i + 1), at(i + 2));
        let mid = (9.0 * (b + c0) - a - d) / 16.0;
        let quarter = |near: f32, far: f32| near * 0.8 + far * 0.25 - 0.025 * (a + d);
        b.abs().max(mid.abs()).max(quarter(b, c0).abs()).max(quarter(c0, b).abs())
    };
    let needed: Vec<f32> = (0..len)
        .map(|i| {
            let peak = channels.iter().map(|c| between(c, i)).fold(0.0, f32::max);
            if peak > ceiling { ceiling / peak } else { 1.0 }
        })
        .collect();
    if needed.iter().all(|&gain| gain >= 1.0) {
        return;
    }
    let back = 1.0 - (-1.0 / (0.08 * RATE as f32)).exp();
    let mut gain = 1.0f32;
    let gains: Vec<f32> = (0..len)
        .map(|i| {
            let least = needed[i..(i + AHEAD).min(len)].iter().copied().fold(1.0, f32::min);
            // Down in a ramp that is there in time, up slowly.
            gain = if least < gain {
                gain - (gain - least) * 0.04
            } else {
                gain + (least - gain) * back
            };
            gain.min(needed[i])
        })
        .collect();
    for channel in channels {
        for (sample, gain) in channel.iter_mut().zip(&gains) {
            *sample *= gain;
        }
    }
}

/// A quiet bed of this many samples, two channels, faded in and out.
pub fn bed(samples: usize) -> Sound {
    // D major: D, B minor, G, A suspended; each note as its number on a piano (69 is 440 Hz).
    const CHORDS: [[i32; 4]; 4] =
        [[50, 57, 62, 66], [47, 54, 62, 66], [43, 50, 59, 66], [45, 52, 59, 64]];
    const BELLS: [i32; 8] = [78, 81, 74, 83, 76, 81, 78, 86];
    const CHORD_S: f64 = 4.8;
    let mut left = vec![0.0f32; samples];
    let mut right = vec![0.0f32; samples];
    let rate = f64::from(RATE);
    let length = samples as f64 / rate;
    let chords = (length / CHORD_S).ceil() as usize;
    for chord in 0..chords {
        let start = chord as f64 * CHORD_S;
        for (voice, &note) in CHORDS[chord % 4].iter().enumerate() {
            // Each voice a little apart in tune and in place: that is what makes a pad wide.
            for (side, cents) in [(0.72, -4.0), (0.28, 5.0)] {
                let place = if voice.is_multiple_of(2) { side } else { 1.0 - side };
                let tone = Tone {
                    hz: hertz(note) * 2f64.powf(cents / 1200.0),
                    start,
                    length: CHORD_S + 2.4,
                    attack: 1.4,
                    release: 2.6,
                    level: 0.055,
                    place,
                };
                for (part, share) in [(1.0, 1.0), (2.0, 0.28), (3.0, 0.10), (4.0, 0.04)] {
                    tone.add(part, share, &mut left, &mut right);
                }
            }
        }
        for beat in 0..2 {
            let note = BELLS[(chord * 2 + beat) % 8];
            let start = start + 1.2 * (1 + 2 * beat) as f64;
            let place = if beat == 0 { 0.35 } else { 0.65 };
            let tone = Tone {
                hz: hertz(note),
                start,
                length: 2.6,
                attack: 0.004,
                release: 2.5,
                level: 0.05,
                place,
            };
            for (part, share) in [(1.0, 1.0), (2.76, 0.22), (5.4, 0.06)] {
                tone.add(part, share, &mut left, &mut right);
            }
        }
    }
    room(&mut left, [1117, 1361, 1693, 1933]);
    room(&mut right, [1153, 1399, 1637, 1987]);
    let mut sound = Sound { channels: vec![left, right] };
    let (fade_in, fade_out) = (0.4 * rate, 1.6 * rate);
    for channel in &mut sound.channels {
        for (i, sample) in channel.iter_mut().enumerate() {
            let to_end = (samples - i) as f64;
            *sample *= (i as f64 / fade_in).min(to_end / fade_out).min(1.0) as f32;
        }
    }
    sound
}

fn hertz(note: i32) -> f64 {
    440.0 * 2f64.powf(f64::from(note - 69) / 12.0)
}

/// A note with a soft start and a long end.
struct Tone {
    hz: f64,
    start: f64,
    length: f64,
    attack: f64,
    release: f64,
    level: f64,
    /// 0 left, 1 right.
    place: f64,
}

impl Tone {
    fn add(&self, part: f64, share: f64, left: &mut [f32], right: &mut [f32]) {
        let rate = f64::from(RATE);
        let first = (self.start * rate) as usize;
        let last = (((self.start + self.length) * rate) as usize).min(left.len());
        let step = TAU * self.hz * part / rate;
        // A turning pointer instead of a sine a sample; renewed now and then, so that rounding does not pile up.
        let (turn_sin, turn_cos) = step.sin_cos();
        let (mut sin, mut cos) = (0.0, 1.0);
        let (to_left, to_right) = ((1.0 - self.place).sqrt(), self.place.sqrt());
        let level = self.level * share;
        for i in first.min(last)..last {
            let at = i - first;
            if at.is_multiple_of(4096) {
                (sin, cos) = (step * at as f64).sin_cos();
            }
            let time = at as f64 / rate;
            let rise = (time / self.attack).min(1.0);
            let fall = ((self.length - time) / self.release).clamp(0.0, 1.0);
            let value = sin * level * rise * rise * (3.0 - 2.0 * rise) * fall * fall;
            left[i] += (value * to_left) as f32;
            right[i] += (value * to_right) as f32;
            (sin, cos) = (sin * turn_cos + cos * turn_sin, cos * turn_cos - sin * turn_sin);
        }
    }
}

/// A small room: four echoes that feed back, dulled each time round.
fn room(channel: &mut [f32], delays: [usize; 4]) {
    let dry = channel.to_vec();
    for delay in delays {
        let mut held = vec![0.0f32; delay];
        let mut dull = 0.0f32;
        for (i, &sample) in dry.iter().enumerate() {
            let slot = &mut held[i % delay];
            dull += (*slot - dull) * 0.45;
            channel[i] += *slot * 0.16;
            *slot = sample + dull * 0.78;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bed_is_the_same_every_time_and_never_silent() {
        let one = bed(RATE as usize * 6);
        assert_eq!(one, bed(RATE as usize * 6));
        let quiet = |window: &[f32]| window.iter().all(|s| s.abs() < 1e-3);
        let body = &one.channels[0][RATE as usize..RATE as usize * 5];
        assert!(!body.chunks(RATE as usize / 4).any(quiet));
        assert!(one.channels[0].last().unwrap().abs() < 1e-3);
    }

    #[test]
    fn mastering_meets_loudness_and_ceiling() {
        for seconds in [3, 15] {
            let bed = bed(RATE as usize * seconds);
            for mut sound in [bed.clone(), bed.mono()] {
                let measured = sound.master(-2.0).unwrap();
                assert!((measured.lufs - LOUDNESS).abs() <= 0.3, "{measured:?}");
                assert!(measured.peak_db <= -1.7, "{measured:?}");
            }
        }
    }

    #[test]
    fn the_limiter_holds_a_hard_signal() {
        let wave = |i: usize| ((i as f32 * 0.7).sin() + (i as f32 * 0.031).sin()) * 1.5;
        let mut channels = vec![(0..RATE as usize).map(wave).collect::<Vec<_>>()];
        limit(&mut channels, 0.8);
        let measured = Sound { channels }.measure().unwrap();
        assert!(measured.peak_db <= -1.4, "{measured:?}");
    }
}
