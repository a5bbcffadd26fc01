//! Samples, how loud they are, and the mastering of a clip: −14 LUFS with a true-peak limiter.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::many_single_char_names,
    reason = "sample counts of minutes fit every number type here, samples are f32 on purpose"
)]

use std::collections::VecDeque;

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

    /// Integrated loudness by EBU R128, LUFS; less than any number when it is silent or shorter than 0.4 s.
    ///
    /// # Errors
    /// As [`Sound::measure`].
    pub fn lufs(&self) -> Result<f64> {
        let refused = |e: ebur128::Error| Error::Encode { what: "loudness", reason: e.to_string() };
        let channels = self.channels.len() as u32;
        let mut meter = EbuR128::new(channels, RATE, Mode::I).map_err(refused)?;
        let planes: Vec<&[f32]> = self.channels.iter().map(Vec::as_slice).collect();
        meter.add_frames_planar_f32(&planes).map_err(refused)?;
        meter.loudness_global().map_err(refused)
    }

    /// The same as loud as asked for; what has no loudness stays as it is.
    ///
    /// # Errors
    /// As [`Sound::measure`].
    pub(crate) fn at_loudness(mut self, lufs: f64) -> Result<Self> {
        let found = self.lufs()?;
        if found.is_finite() {
            self.gain(10f64.powf((lufs - found) / 20.0) as f32);
        }
        Ok(self)
    }

    /// The same with ends that do not click.
    pub(crate) fn with_soft_ends(mut self) -> Self {
        const SOFT: usize = 480;
        for channel in &mut self.channels {
            let reach = SOFT.min(channel.len() / 2);
            for i in 0..reach {
                let level = i as f32 / reach as f32;
                let last = channel.len() - 1 - i;
                channel[i] *= level;
                channel[last] *= level;
            }
        }
        self
    }

    fn gain(&mut self, gain: f32) {
        self.channels.iter_mut().flatten().for_each(|sample| *sample *= gain);
    }

    /// Turns its peaks down below `ceiling_db`; it is less loud then.
    pub(crate) fn hold(&mut self, ceiling_db: f64) {
        limit(&mut self.channels, 10f64.powf(ceiling_db / 20.0) as f32);
    }

    /// Brings it to [`LOUDNESS`] with peaks below `ceiling_db`.
    ///
    /// # Errors
    /// As [`Sound::measure`].
    pub fn master(&mut self, ceiling_db: f64) -> Result<()> {
        // What is turned down takes loudness with it, most of it where a voice has peaks far above the rest.
        const ROUNDS: usize = 16;
        let ceiling = 10f64.powf(ceiling_db / 20.0) as f32;
        let mut last: Option<(f64, f64)> = None;
        for _ in 0..ROUNDS {
            let lufs = self.lufs()?;
            let missing = LOUDNESS - lufs;
            // Silence has no loudness to correct.
            if !lufs.is_finite() || missing.abs() < 0.05 {
                break;
            }
            // As much more is asked for as was lost in the round before.
            let arrived =
                last.map_or(1.0, |(asked, before)| ((lufs - before) / asked).clamp(0.25, 1.0));
            let asked = missing / arrived;
            last = Some((asked, lufs));
            self.gain(10f64.powf(asked / 20.0) as f32);
            if !limit(&mut self.channels, ceiling) && arrived >= 1.0 {
                // Nothing was turned down: it is as loud as the gain says.
                break;
            }
        }
        Ok(())
    }
}

/// Turns down what would pass the ceiling, 5 ms ahead and back within 80 ms, both channels alike. Says whether there was anything to turn down.
fn limit(channels: &mut [Vec<f32>], ceiling: f32) -> bool {
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
    let needed = |channels: &[Vec<f32>], i: usize| {
        let peak = channels.iter().map(|c| between(c, i)).fold(0.0, f32::max);
        if peak > ceiling { ceiling / peak } else { 1.0 }
    };
    let Some(first) = (0..len).find(|&i| needed(channels, i) < 1.0) else { return false };
    let start = first.saturating_sub(AHEAD);
    let back = 1.0 - (-1.0 / (0.08 * RATE as f32)).exp();
    let mut gain = 1.0f32;
    // What each sample of the window needs, and those of them that need less than all before: nothing is kept of minutes.
    let mut window: VecDeque<f32> = VecDeque::with_capacity(AHEAD);
    let mut falling: VecDeque<(usize, f32)> = VecDeque::new();
    let mut seen = start;
    for i in start..len {
        while seen < (i + AHEAD).min(len) {
            // Ahead of all that is turned down already.
            let need = needed(channels, seen);
            while falling.pop_back_if(|(_, before)| *before >= need).is_some() {}
            falling.push_back((seen, need));
            window.push_back(need);
            seen += 1;
        }
        while falling.pop_front_if(|(place, _)| *place < i).is_some() {}
        let least = falling.front().map_or(1.0, |(_, need)| *need);
        // Down in a ramp that is there in time, up slowly.
        gain =
            if least < gain { gain - (gain - least) * 0.04 } else { gain + (least - gain) * back };
        let held = gain.min(window.pop_front().unwrap_or(1.0));
        for channel in &mut *channels {
            channel[i] *= held;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use loa_model::Music;

    use super::*;
    use crate::music;

    #[test]
    fn mastering_meets_loudness_and_ceiling() {
        for seconds in [3, 15] {
            let bed = music::bed(Music::Calm, RATE as usize * seconds);
            for mut sound in [bed.clone(), bed.mono()] {
                sound.master(-2.0).unwrap();
                let measured = sound.measure().unwrap();
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
