//! One pass over a source for its highlights and a strip of stills.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "milliseconds of hours fit every number type here"
)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use base64::Engine as _;
use ebur128::{EbuR128, Mode};
use loa_model::{Cancel, Progress};

use super::{
    Bounds, Error, Proposal, Result, Size, Still,
    convert::Converter,
    hear::{Decoder, Piece},
    highlights::{self, BLOCK_MS, Eye, GRAIN_MS, Heard, Seen},
    look::{self, Step, Tally},
    open::{self, Quick, millis},
    reframe::shrink,
};
use crate::{sampler::Rect, yuv::Yuv};

/// Key of the locale files.
const STEP: &str = "reel.propose";
/// Progress is told at most this often.
const TELL: Duration = Duration::from_millis(150);
/// Sides of a still.
const STILL: Size = Size { width: 192, height: 192 };
/// Stills of a strip.
const STILLS: usize = 60;
/// Stills that are kept before the strip is thinned.
const KEPT: usize = 960;

/// Proposes one to five cuts that are `wanted_ms` long together, and a strip of stills to choose others from.
///
/// No model: changes of scene, motion, loudness, speech, sharpness; black and frozen parts are left out, cuts begin at
/// changes of scene, and not in the middle of speech where a pause is near. The same file gives the same proposal.
/// Progress counts milliseconds of the source.
///
/// # Errors
/// As [`super::Reel::open`]; [`Error::Damaged`]; [`Error::Cancelled`].
pub fn propose(
    path: &Path,
    wanted_ms: u64,
    bounds: &Bounds,
    mut progress: impl FnMut(Progress),
    cancel: &Cancel,
) -> Result<Proposal> {
    let (mut pictures, first) = look::start(path, bounds, Quick::Yes)?;
    let origin = first.timestamp().unwrap_or(0);
    let (facts, turn) = look::facts(&pictures, &first, origin);
    open::check(facts.width, facts.height, facts.duration_ms, bounds)?;
    open::check(facts.coded.width, facts.coded.height, 0, bounds)?;
    let mut listener = Listener::default();
    let mut decoder = match open::sound(&pictures.input, &pictures.stream()) {
        Some(stream) => Some(Decoder::new(&stream)?),
        None => None,
    };
    let clock = pictures.clock;
    let since = |stamp: i64| millis(stamp.saturating_sub(origin), clock);
    let zero_s =
        origin as f64 * f64::from(clock.numerator()) / f64::from(clock.denominator().max(1));
    let length = i64::try_from(facts.duration_ms).unwrap_or(i64::MAX);
    let mut tally = Tally::new(0, length, facts.fps);
    let mut strip = Strip::default();
    let (mut converter, mut eye, mut seen) = (Converter::new(turn), Eye::new(), Vec::<Seen>::new());
    let size = facts.fit(STILL);
    let started = Instant::now();
    let mut told = None;
    let mut next = Some(first);
    loop {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if let Some(picture) = next.take() {
            let at = since(picture.timestamp().unwrap_or(origin));
            // Pictures after the promised end are looked at too.
            tally.see(at.min(length - 1));
            let ms = u64::try_from(at).unwrap_or(0);
            let small = converter.convert(&picture, size)?;
            let (width, height) = (small.width() as f64, small.height() as f64);
            let grid = shrink(&small.planes[0], Rect { x: 0.0, y: 0.0, width, height }, (64, 36));
            let (numbers, begins) = eye.see(ms, &grid, &small.planes[0]);
            strip.see(numbers, begins, small)?;
            seen.push(numbers);
        }
        let now = Instant::now();
        if told.is_none_or(|told| now.duration_since(told) >= TELL) {
            told = Some(now);
            let done = seen.last().map_or(0, |picture| picture.ms).min(facts.duration_ms);
            let spent = u64::try_from(now.duration_since(started).as_millis()).unwrap_or(u64::MAX);
            let eta = spent.saturating_mul(facts.duration_ms - done) / done.max(1);
            let eta_ms = (done > 0).then_some(eta);
            progress(Progress { step: STEP.into(), done, total: facts.duration_ms, eta_ms });
        }
        match pictures.step() {
            Step::Picture(picture) => next = Some(picture),
            Step::Other(packet) => {
                if let Some(decoder) = decoder.as_mut().filter(|d| d.track == packet.stream()) {
                    for piece in decoder.decode(Some(&packet)) {
                        listener.hear(&piece, zero_s)?;
                    }
                }
            }
            Step::Nothing => {}
            Step::End => break,
        }
    }
    let reached = pictures.reached_ms.saturating_sub(millis(origin, clock));
    let health = tally.health(reached, pictures.errors).check()?;
    let end = seen.last().map_or(0, |last| last.ms + (1000.0 / facts.fps) as u64).max(1);
    // The header may promise more than there is.
    let length_ms = facts.duration_ms.clamp(1, end.max(1) + BLOCK_MS).min(end);
    let scenes = strip.finish(length_ms)?;
    let begins: Vec<u64> = strip.begins;
    let cuts = highlights::cuts(&seen, &listener.heard, &begins, length_ms, wanted_ms);
    let total = facts.duration_ms;
    progress(Progress { step: STEP.into(), done: total, total, eta_ms: Some(0) });
    Ok(Proposal { cuts, scenes, health })
}

/// Stills of scenes: of each the sharpest picture that is not at its very beginning.
#[derive(Default)]
struct Strip {
    begins: Vec<u64>,
    /// The best picture of the running scene.
    best: Option<(Seen, Yuv)>,
    done: Vec<Still>,
}

impl Strip {
    fn see(&mut self, numbers: Seen, begins: bool, picture: Yuv) -> Result<()> {
        if begins {
            self.close(numbers.ms)?;
            self.begins.push(numbers.ms);
        }
        let from = self.begins.last().copied().unwrap_or(0);
        let settled = numbers.ms >= from + 200;
        let better = self.best.as_ref().is_none_or(|(best, _)| {
            // Often a little sharper is not worth another copy.
            settled && (best.ms < from + 200 || numbers.sharp > best.sharp * 1.1)
        });
        if better {
            self.best = Some((numbers, picture));
        }
        Ok(())
    }

    fn close(&mut self, to_ms: u64) -> Result<()> {
        let (Some(&from_ms), Some((numbers, picture))) = (self.begins.last(), self.best.take())
        else {
            return Ok(());
        };
        let jpeg = base64::engine::general_purpose::STANDARD.encode(jpeg(&picture)?);
        self.done.push(Still { from_ms, to_ms, at_ms: numbers.ms, jpeg });
        if self.done.len() >= KEPT {
            self.thin(KEPT / 2);
        }
        Ok(())
    }

    /// Keeps so many, evenly; each then stands for what follows it too.
    fn thin(&mut self, keep: usize) {
        let count = self.done.len();
        if count <= keep {
            return;
        }
        let mut kept: Vec<Still> = Vec::with_capacity(keep);
        let mut all = std::mem::take(&mut self.done).into_iter().enumerate();
        for slot in 0..keep {
            let first = slot * count / keep;
            kept.extend(all.find(|(i, _)| *i == first).map(|(_, still)| still));
        }
        let ends: Vec<u64> = kept.iter().skip(1).map(|still| still.from_ms).collect();
        for (still, end) in kept.iter_mut().zip(ends) {
            still.to_ms = end;
        }
        self.done = kept;
    }

    fn finish(&mut self, end_ms: u64) -> Result<Vec<Still>> {
        self.close(end_ms)?;
        self.thin(STILLS);
        let mut stills = std::mem::take(&mut self.done);
        if let Some(last) = stills.last_mut() {
            last.to_ms = end_ms;
        }
        Ok(stills)
    }
}

fn jpeg(picture: &Yuv) -> Result<Vec<u8>> {
    let refused = |reason: String| Error::Library { what: "still", reason };
    let side = |side: usize| u16::try_from(side).map_err(|error| refused(error.to_string()));
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, 75)
        .encode(
            &picture.to_rgb(),
            side(picture.width())?,
            side(picture.height())?,
            jpeg_encoder::ColorType::Rgb,
        )
        .map_err(|error| refused(error.to_string()))?;
    Ok(bytes)
}

/// Loudness and voice band of the sound as it comes.
#[derive(Default)]
struct Listener {
    heard: Heard,
    meter: Option<(u32, EbuR128)>,
    /// Seconds after time zero of the next sample, and samples since the last block.
    at: f64,
    filled: usize,
    grain: Grain,
}

/// The grain in the making: sums of squares of the band and of all, and the filters.
#[derive(Default)]
struct Grain {
    count: usize,
    band: f64,
    all: f64,
    low: f32,
    lower: f32,
}

impl Listener {
    fn hear(&mut self, piece: &Piece, zero_s: f64) -> Result<()> {
        let refused =
            |error: ebur128::Error| Error::Library { what: "loudness", reason: error.to_string() };
        let at = piece.at - zero_s;
        let fresh = self.meter.as_ref().is_none_or(|(rate, _)| *rate != piece.rate);
        if fresh || (at - self.at).abs() > 0.2 {
            let meter = EbuR128::new(2, piece.rate, Mode::M).map_err(refused)?;
            self.meter = Some((piece.rate, meter));
            (self.at, self.filled, self.grain) = (at, 0, Grain::default());
        }
        let Some((rate, meter)) = &mut self.meter else { return Ok(()) };
        let rate = f64::from(*rate);
        let block = (rate * BLOCK_MS as f64 / 1000.0) as usize;
        let mut rest = [&piece.channels[0][..], &piece.channels[1][..]];
        while !rest[0].is_empty() {
            let count = (block - self.filled.min(block - 1)).min(rest[0].len());
            let now = rest.map(|side| &side[..count]);
            meter.add_frames_planar_f32(&now).map_err(refused)?;
            self.grain.add(now, rate, self.at, &mut self.heard.voice);
            rest = rest.map(|side| &side[count..]);
            self.filled += count;
            self.at += count as f64 / rate;
            if self.filled >= block {
                self.filled = 0;
                let loud = meter.loudness_momentary().map_err(refused)?;
                // The block that just ended.
                let index = ((self.at * 1000.0 / BLOCK_MS as f64).round() - 1.0) as i64;
                put(&mut self.heard.loud, index, loud.max(-70.0) as f32, -70.0);
            }
        }
        Ok(())
    }
}

impl Grain {
    fn add(&mut self, sides: [&[f32]; 2], rate: f64, at: f64, out: &mut Vec<(f32, f32)>) {
        let size = (rate * GRAIN_MS as f64 / 1000.0) as usize;
        let share = |hertz: f64| (1.0 - (-std::f64::consts::TAU * hertz / rate).exp()) as f32;
        let (upper, lower) = (share(3400.0), share(250.0));
        for (i, (left, right)) in sides[0].iter().zip(sides[1]).enumerate() {
            let sample = (left + right) * 0.5;
            self.low += (sample - self.low) * upper;
            self.lower += (self.low - self.lower) * lower;
            self.band += f64::from(self.low - self.lower).powi(2);
            self.all += f64::from(sample).powi(2);
            self.count += 1;
            if self.count >= size.max(1) {
                let db = 10.0 * (self.band / self.count as f64).max(1e-9).log10();
                let share = if self.all > 0.0 { self.band / self.all } else { 0.0 };
                let end = at + (i + 1) as f64 / rate;
                let index = ((end * 1000.0 / GRAIN_MS as f64).round() - 1.0) as i64;
                put(out, index, (db as f32, share as f32), (-90.0, 0.0));
                (self.count, self.band, self.all) = (0, 0.0, 0.0);
            }
        }
    }
}

/// Sets a value at its place; what was skipped is empty. A stamp from nowhere is not followed.
fn put<T: Copy>(values: &mut Vec<T>, index: i64, value: T, empty: T) {
    const MOST: usize = 6 * 3600 * 50;
    let Ok(index) = usize::try_from(index) else { return };
    if index >= MOST {
        return;
    }
    if values.len() <= index {
        values.resize(index + 1, empty);
    }
    values[index] = value;
}
