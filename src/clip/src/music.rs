//! Music made by our own generator: no recording, no licence, the same samples every time.
//!
//! *Calm* is a slow pad over four chords with a few bells on top; *bright* adds a plucked pulse to a lighter pad. Both stand
//! in a small room.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::many_single_char_names,
    reason = "sample counts of minutes fit every number type here, samples are f32 on purpose"
)]

use std::f64::consts::TAU;

use loa_model::Music;

use crate::sound::{RATE, Sound};

// D major: D, B minor, G, A suspended; each note as its number on a piano (69 is 440 Hz).
const CHORDS: [[i32; 4]; 4] =
    [[50, 57, 62, 66], [47, 54, 62, 66], [43, 50, 59, 66], [45, 52, 59, 64]];
const BELLS: [i32; 8] = [78, 81, 74, 83, 76, 81, 78, 86];
/// Order in which the notes of a chord are plucked.
const PLUCKS: [usize; 8] = [0, 2, 1, 3, 2, 1, 3, 2];

/// A bed of this many samples, two channels, faded in and out. [`Music::Silent`] gives silence.
pub fn bed(music: Music, samples: usize) -> Sound {
    let mut left = vec![0.0f32; samples];
    let mut right = vec![0.0f32; samples];
    let rate = f64::from(RATE);
    let length = samples as f64 / rate;
    // Seconds of a chord.
    let (each_s, pad) = match music {
        Music::Calm => (4.8, 0.055),
        Music::Bright => (4.0, 0.03),
        Music::Silent => return Sound { channels: vec![left, right] },
    };
    let count = (length / each_s).ceil() as usize;
    for chord in 0..count {
        let start = chord as f64 * each_s;
        for (voice, &note) in CHORDS[chord % 4].iter().enumerate() {
            // Each voice a little apart in tune and in place: that is what makes a pad wide.
            for (side, cents) in [(0.72, -4.0), (0.28, 5.0)] {
                let place = if voice.is_multiple_of(2) { side } else { 1.0 - side };
                let tone = Tone {
                    hz: hertz(note) * 2f64.powf(cents / 1200.0),
                    start,
                    length: each_s + 2.4,
                    attack: 1.4,
                    release: 2.6,
                    level: pad,
                    place,
                };
                let partials = [(1.0, 1.0), (2.0, 0.28), (3.0, 0.10), (4.0, 0.04)];
                tone.add(partials, &mut left, &mut right);
            }
        }
        let struck: Vec<(i32, f64, f64, f64)> = if music == Music::Bright {
            // Half beats at 120 a minute, every other one softer.
            (0..16)
                .map(|beat| {
                    let note = CHORDS[chord % 4][PLUCKS[beat % 8]] + 12;
                    let level = if beat % 2 == 0 { 0.06 } else { 0.035 };
                    let place = 0.3 + 0.4 * ((beat % 4) as f64 / 3.0);
                    (note, start + 0.25 * beat as f64, level, place)
                })
                .collect()
        } else {
            (0..2)
                .map(|beat| {
                    let note = BELLS[(chord * 2 + beat) % 8];
                    let place = if beat == 0 { 0.35 } else { 0.65 };
                    (note, start + 1.2 * (1 + 2 * beat) as f64, 0.05, place)
                })
                .collect()
        };
        let (ring, parts) = if music == Music::Bright {
            (0.9, [(1.0, 1.0), (2.0, 0.4), (3.0, 0.15)])
        } else {
            (2.6, [(1.0, 1.0), (2.76, 0.22), (5.4, 0.06)])
        };
        for (note, start, level, place) in struck {
            let tone = Tone {
                hz: hertz(note),
                start,
                length: ring,
                attack: 0.004,
                release: ring - 0.1,
                level,
                place,
            };
            tone.add(parts, &mut left, &mut right);
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
    /// Adds its partials, each a multiple of its frequency and a share of its level. All of them in one pass: they have one
    /// envelope, and their pointers turn side by side.
    fn add<const N: usize>(&self, partials: [(f64, f64); N], left: &mut [f32], right: &mut [f32]) {
        let rate = f64::from(RATE);
        let first = (self.start * rate) as usize;
        let last = (((self.start + self.length) * rate) as usize).min(left.len());
        let steps = partials.map(|(part, _)| TAU * self.hz * part / rate);
        // A turning pointer instead of a sine a sample; renewed now and then, so that rounding does not pile up.
        let turns = steps.map(f64::sin_cos);
        let levels = partials.map(|(_, share)| self.level * share);
        let (to_left, to_right) = ((1.0 - self.place).sqrt(), self.place.sqrt());
        let (up, down) = (1.0 / (self.attack * rate), 1.0 / (self.release * rate));
        let length = self.length * rate;
        let mut pointers = [(0.0, 1.0); N];
        let places = first.min(last)..last;
        for (at, (left, right)) in
            left[places.clone()].iter_mut().zip(&mut right[places]).enumerate()
        {
            if at.is_multiple_of(4096) {
                pointers = steps.map(|step| (step * at as f64).sin_cos());
            }
            let mut wave = 0.0;
            for ((pointer, turn), level) in pointers.iter_mut().zip(&turns).zip(&levels) {
                let (sin, cos) = *pointer;
                wave += sin * level;
                *pointer = (sin * turn.1 + cos * turn.0, cos * turn.1 - sin * turn.0);
            }
            let rise = (at as f64 * up).min(1.0);
            let fall = ((length - at as f64) * down).clamp(0.0, 1.0);
            let value = wave * rise * rise * (3.0 - 2.0 * rise) * fall * fall;
            *left += (value * to_left) as f32;
            *right += (value * to_right) as f32;
        }
    }
}

/// A small room: four echoes that feed back, dulled each time round.
fn room(channel: &mut [f32], delays: [usize; 4]) {
    let dry = channel.to_vec();
    for delay in delays {
        let mut held = vec![0.0f32; delay];
        let mut dull = 0.0f32;
        // One turn of the echo after the other.
        for (dry, wet) in dry.chunks(delay).zip(channel.chunks_mut(delay)) {
            for ((slot, sample), wet) in held.iter_mut().zip(dry).zip(wet) {
                dull += (*slot - dull) * 0.45;
                *wet += *slot * 0.16;
                *slot = sample + dull * 0.78;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bed_is_the_same_every_time_and_never_silent() {
        for music in [Music::Calm, Music::Bright] {
            let one = bed(music, RATE as usize * 6);
            assert_eq!(one, bed(music, RATE as usize * 6));
            let quiet = |window: &[f32]| window.iter().all(|s| s.abs() < 1e-3);
            let body = &one.channels[0][RATE as usize..RATE as usize * 5];
            assert!(!body.chunks(RATE as usize / 4).any(quiet));
            assert!(one.channels[0].last().unwrap().abs() < 1e-3);
        }
        assert!(bed(Music::Silent, 100).channels.iter().flatten().all(|s| *s == 0.0));
        assert_ne!(bed(Music::Calm, 48_000), bed(Music::Bright, 48_000));
    }
}
