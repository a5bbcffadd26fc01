//! Any sample rate to 48 kHz: each sample out is a function of the samples in around its time, so that a span sounds the
//! same whichever span it was cut from.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "samples are f32 on purpose, counts of minutes fit"
)]

use std::f64::consts::PI;

use crate::sound::RATE;

/// Zero crossings of the curve on either side.
const REACH: f64 = 16.0;
/// Places between two samples that have their own curve.
const PLACES: usize = 1024;

/// Curves of a windowed sinc for one rate.
pub(crate) struct Resampler {
    rate: u32,
    /// Samples on either side.
    half: usize,
    /// `PLACES + 1` curves of `2 * half` values.
    curves: Vec<f32>,
}

impl Resampler {
    pub(crate) fn new(rate: u32) -> Self {
        // From a higher rate, what 48 kHz cannot carry is taken away.
        let keep = (f64::from(RATE) / f64::from(rate)).min(1.0) * 0.97;
        let half = ((REACH / keep).ceil() as usize).min(512);
        let mut curves = Vec::with_capacity((PLACES + 1) * half * 2);
        for place in 0..=PLACES {
            let at = place as f64 / PLACES as f64;
            let curve: Vec<f64> = (0..half * 2)
                .map(|i| {
                    let x = i as f64 - (half as f64 - 1.0) - at;
                    let window = (PI * x / (2.0 * half as f64)).cos().max(0.0).powi(2);
                    let sinc =
                        if x.abs() < 1e-9 { 1.0 } else { (PI * x * keep).sin() / (PI * x * keep) };
                    sinc * window
                })
                .collect();
            // Each curve passes a steady level unchanged.
            let sum: f64 = curve.iter().sum();
            curves.extend(curve.iter().map(|value| (value / sum) as f32));
        }
        Self { rate, half, curves }
    }

    pub(crate) fn rate(&self) -> u32 {
        self.rate
    }

    /// `count` samples at 48 kHz; the first is `first` samples of 48 kHz after `from[0]`, which may be before it.
    /// What is not there is silence.
    pub(crate) fn run(&self, from: &[f32], first: f64, out: &mut [f32]) {
        let step = f64::from(self.rate) / f64::from(RATE);
        for (i, out) in out.iter_mut().enumerate() {
            let at = (first + i as f64) * step;
            let below = at.floor();
            let place = ((at - below) * PLACES as f64).round() as usize;
            let curve = &self.curves[place * self.half * 2..][..self.half * 2];
            let start = below as i64 - (self.half as i64 - 1);
            let skip = usize::try_from(-start).unwrap_or(0);
            let start = usize::try_from(start).unwrap_or(0);
            *out = match (curve.get(skip..), from.get(start..)) {
                (Some(curve), Some(from)) => curve.iter().zip(from).map(|(c, s)| c * s).sum(),
                _ => 0.0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_stays_a_tone_at_its_place_from_any_rate() {
        for rate in [8000, 11_025, 22_050, 44_100, 48_000, 96_000] {
            let wave = |t: f64| (TAU_440 * t).sin() * 0.5;
            let from: Vec<f32> =
                (0..rate).map(|i| wave(f64::from(i) / f64::from(rate)) as f32).collect();
            let resampler = Resampler::new(rate);
            let mut out = vec![0.0; 24_000];
            resampler.run(&from, 12_000.3, &mut out);
            let worst = out
                .iter()
                .enumerate()
                .map(|(i, &got)| (f64::from(got) - wave((12_000.3 + i as f64) / 48_000.0)).abs());
            let worst = worst.fold(0.0, f64::max);
            assert!(worst < 0.002, "{rate}: {worst}");
        }
    }

    const TAU_440: f64 = 2.0 * PI * 440.0;

    #[test]
    fn before_and_after_there_is_silence() {
        let mut out = vec![1.0; 100];
        Resampler::new(44_100).run(&[0.5; 10], -60_000.0, &mut out);
        assert!(out.iter().all(|&s| s == 0.0));
        Resampler::new(44_100).run(&[0.5; 10], 60_000.0, &mut out);
        assert!(out.iter().all(|&s| s == 0.0));
    }
}
