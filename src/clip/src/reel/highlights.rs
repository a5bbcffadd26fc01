//! Which parts of a source are worth showing, from a few numbers a picture and a tenth of a second: no model, only
//! arithmetic, so that the same file always gives the same proposal.

#![cfg_attr(not(feature = "ffmpeg"), allow(dead_code, reason = "only what decodes has numbers"))]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "milliseconds of hours fit every number type here"
)]

use super::Cut;
use crate::yuv::Plane;

/// Length of a block: the grid on which everything is judged, ms.
pub(super) const BLOCK_MS: u64 = 100;
/// Length of a grain of sound, ms; five make a block.
pub(super) const GRAIN_MS: u64 = 20;
/// A scene is at least as long.
const SCENE_MS: u64 = 500;
/// A cut is at least as long when the source has it.
const SHORTEST_MS: u64 = 1500;
/// Silence is near within so many blocks.
const NEAR: usize = 10;
/// A change of scene is near the end of a cut within this, ms.
const NEAR_CHANGE_MS: u64 = 700;
/// About the length of one cut, ms.
const CUT_MS: u64 = 7000;
/// A picture that stays the same for so many blocks is frozen.
const FROZEN: usize = 12;

/// Numbers of one picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) ms: u64,
    /// Mean difference of luma to the picture before, 0–255.
    pub(super) difference: f32,
    /// Share of the histogram that changed, 0–1.
    pub(super) change: f32,
    /// Mean luma.
    pub(super) light: f32,
    /// Mean strength of edges.
    pub(super) sharp: f32,
}

/// Histogram and grid of the picture before, and what tells a new scene.
pub(super) struct Eye {
    before: Option<(Vec<u8>, [u32; 32])>,
    /// Mean difference of late pictures.
    usual: f32,
    scene_ms: u64,
}

impl Eye {
    pub(super) fn new() -> Self {
        Self { before: None, usual: 0.0, scene_ms: 0 }
    }

    /// Numbers of the next picture (`grid`: 64 × 36 of its luma, `fine`: its luma), and whether a scene begins with it.
    pub(super) fn see(&mut self, ms: u64, grid: &Plane, fine: &Plane) -> (Seen, bool) {
        let luma: Vec<u8> =
            (0..grid.height).flat_map(|y| &grid.row(y)[..grid.width]).copied().collect();
        let mut bins = [0u32; 32];
        for &value in &luma {
            bins[usize::from(value) / 8] += 1;
        }
        let count = luma.len().max(1) as f32;
        let (difference, change) = self.before.as_ref().map_or((0.0, 0.0), |(old, old_bins)| {
            let sum: u32 = luma.iter().zip(old).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
            let moved: u32 = bins.iter().zip(old_bins).map(|(a, b)| a.abs_diff(*b)).sum();
            (sum as f32 / count, moved as f32 / count / 2.0)
        });
        let light = luma.iter().map(|&value| u32::from(value)).sum::<u32>() as f32 / count;
        let sudden = difference > 8.0 && difference > 3.0 * self.usual + 4.0;
        let other = change > 0.25 || difference > 28.0;
        let first = self.before.is_none();
        let begins = first || sudden && other && ms >= self.scene_ms + SCENE_MS;
        if begins {
            self.scene_ms = ms;
        }
        if !(sudden && other) {
            self.usual += (difference - self.usual) * 0.15;
        }
        self.before = Some((luma, bins));
        (Seen { ms, difference, change, light, sharp: sharpness(fine) }, begins)
    }
}

/// Mean difference of each pixel to what its neighbours promise.
fn sharpness(plane: &Plane) -> f32 {
    let mut sum = 0u64;
    for y in (1..plane.height.saturating_sub(1)).step_by(2) {
        let (above, row, below) = (plane.row(y - 1), plane.row(y), plane.row(y + 1));
        for x in 1..plane.width.saturating_sub(1) {
            let around = i32::from(row[x - 1])
                + i32::from(row[x + 1])
                + i32::from(above[x])
                + i32::from(below[x]);
            sum += u64::from((4 * i32::from(row[x]) - around).unsigned_abs());
        }
    }
    sum as f32 / (plane.width * plane.height / 2).max(1) as f32
}

/// What was heard: loudness by block, and the voice band by grain.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Momentary loudness, LUFS; −70 where nothing was heard.
    pub(super) loud: Vec<f32>,
    /// Level of 250–3400 Hz in dB by grain, and its share of the whole.
    pub(super) voice: Vec<(f32, f32)>,
}

/// Speech and quiet by block.
struct Talk {
    speech: Vec<bool>,
    quiet: Vec<bool>,
}

/// Speech rises and falls by syllables; music and noise are steadier or lie elsewhere.
fn talk(heard: &Heard, blocks: usize) -> Talk {
    let grains = (BLOCK_MS / GRAIN_MS) as usize;
    let voice = |i: usize| heard.voice.get(i).copied().unwrap_or((-90.0, 0.0));
    let mut levels: Vec<f32> = heard.voice.iter().map(|grain| grain.0).collect();
    levels.sort_by(f32::total_cmp);
    let floor = levels.get(levels.len() / 10).copied().unwrap_or(-90.0);
    let active = |i: usize| voice(i).0 > (floor + 8.0).max(-55.0) && voice(i).1 > 0.25;
    let within = |from: usize, to: usize| {
        let count = to.saturating_sub(from).max(1) as f32;
        (from..to).filter(|&i| active(i)).count() as f32 / count
    };
    let mut out = Talk { speech: vec![false; blocks], quiet: vec![true; blocks] };
    for block in 0..blocks {
        let (first, next) = (block * grains, (block + 1) * grains);
        // The gap between two syllables is no pause: a fifth of a second is.
        out.quiet[block] = within(first.saturating_sub(3), next + 3) == 0.0;
        let around = first.saturating_sub(25)..first + 25;
        let count = around.len().max(1) as f32;
        let mean = around.clone().map(|i| voice(i).0.max(-70.0)).sum::<f32>() / count;
        let spread = around.map(|i| (voice(i).0.max(-70.0) - mean).powi(2)).sum::<f32>() / count;
        let share = within(first.saturating_sub(10), next + 10);
        out.speech[block] = !out.quiet[block] && share > 0.3 && spread.sqrt() > 3.5;
    }
    out
}

/// Everything by block.
struct Blocks {
    motion: Vec<f32>,
    loud: Vec<f32>,
    sharp: Vec<f32>,
    bad: Vec<bool>,
    talk: Talk,
}

fn blocks(seen: &[Seen], heard: &Heard, length_ms: u64) -> Blocks {
    let count = (length_ms.div_ceil(BLOCK_MS) as usize).max(1);
    let mut sums = vec![(0.0f32, 0.0f32, 0.0f32, 0u32); count];
    for picture in seen {
        let at = ((picture.ms / BLOCK_MS) as usize).min(count - 1);
        // A change of scene is no motion.
        let motion = if picture.change > 0.25 { 0.0 } else { picture.difference };
        let sum = &mut sums[at];
        *sum = (sum.0 + motion, sum.1 + picture.light, sum.2 + picture.sharp, sum.3 + 1);
    }
    // A block without a picture is as the one before.
    for i in 1..count {
        if sums[i].3 == 0 {
            sums[i] = (0.0, sums[i - 1].1, sums[i - 1].2, sums[i - 1].3);
        }
    }
    let mean = |part: fn(&(f32, f32, f32, u32)) -> f32| -> Vec<f32> {
        sums.iter().map(|sum| part(sum) / sum.3.max(1) as f32).collect()
    };
    let (moves, light, edges) = (mean(|s| s.0), mean(|s| s.1), mean(|s| s.2));
    let mut bad: Vec<bool> = light.iter().zip(&edges).map(|(&l, &e)| l < 24.0 && e < 3.0).collect();
    let mut still = 0;
    for i in 0..count {
        still = if moves[i] < 0.05 { still + 1 } else { 0 };
        if still >= FROZEN {
            bad[i + 1 - still..=i].fill(true);
        }
    }
    let ranked = |values: &[f32], share: f64| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f32::total_cmp);
        sorted.get((sorted.len() as f64 * share) as usize).or(sorted.last()).copied().unwrap_or(0.0)
    };
    let loudness: Vec<f32> =
        (0..count).map(|i| heard.loud.get(i).copied().unwrap_or(-70.0).max(-70.0)).collect();
    let (low, high) = (ranked(&loudness, 0.1), ranked(&loudness, 0.95));
    let top = ranked(&edges, 0.9).max(1.0);
    Blocks {
        motion: moves.iter().map(|m| 1.0 - (-m / 5.0).exp()).collect(),
        loud: loudness
            .iter()
            .map(|l| ((l - low) / (high - low).max(6.0)).clamp(0.0, 1.0))
            .collect(),
        sharp: edges.iter().map(|e| (e / top).min(1.0)).collect(),
        bad,
        talk: talk(heard, count),
    }
}

/// One to five cuts of `wanted_ms` together; `scenes` are the times at which scenes begin.
pub(super) fn cuts(
    seen: &[Seen],
    heard: &Heard,
    scenes: &[u64],
    length_ms: u64,
    wanted_ms: u64,
) -> Vec<Cut> {
    let wanted = wanted_ms.clamp(1, length_ms.max(1));
    let count = ((wanted + CUT_MS / 2) / CUT_MS).clamp(1, 5);
    let each = (wanted / count).max(1);
    let blocks = blocks(seen, heard, length_ms);
    let candidate = |at: u64| cut(&blocks, scenes, at, each, length_ms);
    let mut found: Vec<Cut> = scenes.iter().filter_map(|&at| candidate(at)).collect();
    let mut chosen = choose(found.clone(), wanted);
    let have: u64 = chosen.iter().map(|cut| cut.out_ms - cut.in_ms).sum();
    if have * 10 < wanted * 7 {
        // Too few scenes, an interview in one shot for example: places within long ones, where it is quiet.
        let long = |at: u64| {
            let from = scenes.iter().rev().find(|&&s| s <= at).copied().unwrap_or(0);
            let to = scenes.iter().find(|&&s| s > at).copied().unwrap_or(length_ms);
            to - from >= 2 * each
        };
        let inside = (0..length_ms / BLOCK_MS).map(|block| block * BLOCK_MS);
        let quiet = |&at: &u64| {
            let block = (at / BLOCK_MS) as usize;
            blocks.talk.quiet.get(block) == Some(&true)
                && (at % 1000 == 0 || blocks.talk.quiet.get(block + 1) == Some(&false))
        };
        found.extend(inside.filter(quiet).filter(|&at| long(at)).filter_map(candidate));
        chosen = choose(found, wanted);
    }
    if chosen.is_empty() {
        // All of it is black or frozen: the editor gets the beginning and sees why.
        let why = vec!["nothing_moves".into()];
        chosen.push(Cut { in_ms: 0, out_ms: wanted, score: 0.0, why });
    }
    chosen
}

/// The best that do not overlap until there is enough, in order of time. A cut that begins with a scene comes before one
/// that is a little better and does not.
fn choose(mut found: Vec<Cut>, wanted: u64) -> Vec<Cut> {
    let worth =
        |cut: &Cut| cut.score + if cut.why.iter().any(|why| why == "scene") { 0.1 } else { 0.0 };
    found.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(a.in_ms.cmp(&b.in_ms)));
    let mut chosen: Vec<Cut> = Vec::new();
    let mut have = 0;
    for cut in found {
        let apart = chosen.iter().all(|c| cut.out_ms <= c.in_ms || c.out_ms <= cut.in_ms);
        if apart && chosen.len() < 5 && have * 10 < wanted * 9 {
            have += cut.out_ms - cut.in_ms;
            chosen.push(cut);
        }
    }
    chosen.sort_by_key(|cut| cut.in_ms);
    chosen
}

/// The cut that begins at a time, moved to silence where that is near, ended before anything black or frozen.
fn cut(blocks: &Blocks, scenes: &[u64], at: u64, each: u64, length_ms: u64) -> Option<Cut> {
    let block = |ms: u64| (ms / BLOCK_MS) as usize;
    let (speech, quiet) = (&blocks.talk.speech, &blocks.talk.quiet);
    let said = |i: usize| speech.get(i) == Some(&true);
    let silent = |i: &usize| quiet.get(*i) == Some(&true);
    let mut from = at;
    let first = block(from);
    let within = first > 0 && said(first) && said(first - 1);
    if let Some(pause) = (first..first + NEAR).find(silent).filter(|_| within) {
        from = pause as u64 * BLOCK_MS;
    }
    let bad = |i: &usize| blocks.bad.get(*i) == Some(&true);
    if bad(&block(from)) {
        return None;
    }
    let end = (block(from)..blocks.bad.len()).find(bad).map_or(length_ms, |i| i as u64 * BLOCK_MS);
    let end = end.min(length_ms);
    let mut to = (from + each).min(end);
    let change = scenes.iter().filter(|&&s| s > from + SHORTEST_MS.min(each / 2) && s <= end);
    if let Some(change) =
        change.min_by_key(|s| s.abs_diff(to)).filter(|s| s.abs_diff(to) <= NEAR_CHANGE_MS)
    {
        to = *change;
    }
    let last = block(to);
    if last > 0 && said(last - 1) && said(last) {
        let later = (last..last + NEAR).find(silent).filter(|&i| i as u64 * BLOCK_MS <= end);
        let sooner = (last.saturating_sub(NEAR)..last).rev().find(silent).map(|i| i + 1);
        if let Some(pause) = later.or(sooner).map(|i| i as u64 * BLOCK_MS).filter(|&ms| ms > from) {
            to = pause;
        }
    }
    if to < from + SHORTEST_MS.min(each / 2).max(1) {
        return None;
    }
    let span = block(from)..block(to - 1) + 1;
    let mean = |values: &[f32]| {
        let part = values.get(span.clone()).unwrap_or_default();
        f64::from(part.iter().sum::<f32>()) / part.len().max(1) as f64
    };
    let talk = speech.get(span.clone()).unwrap_or_default();
    let talk = talk.iter().filter(|&&s| s).count() as f64 / talk.len().max(1) as f64;
    let parts = [
        ("motion", mean(&blocks.motion), 0.30),
        ("loud", mean(&blocks.loud), 0.25),
        ("speech", talk, 0.25),
        ("sharp", mean(&blocks.sharp), 0.20),
    ];
    let mut why: Vec<String> =
        parts.iter().filter(|part| part.1 >= 0.5).map(|part| part.0.to_owned()).collect();
    if scenes.contains(&at) {
        why.push("scene".into());
    }
    let score: f64 = parts.iter().map(|part| part.1 * part.2).sum();
    // Six digits are the same on every processor.
    Some(Cut { in_ms: from, out_ms: to, score: (score * 1e6).round() / 1e6, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures of 25 a second that move by `difference` in each span of seconds.
    fn film(spans: &[(u64, f32)]) -> (Vec<Seen>, u64) {
        let length: u64 = spans.iter().map(|span| span.0).sum();
        let mut seen = Vec::new();
        let mut start = 0;
        for &(seconds, difference) in spans {
            seen.extend((0..seconds * 25).map(|i| Seen {
                ms: start + i * 40,
                difference,
                change: 0.0,
                light: if difference < 0.0 { 16.0 } else { 120.0 },
                sharp: if difference < 0.0 { 0.0 } else { 10.0 },
            }));
            start += seconds * 1000;
        }
        (seen, length * 1000)
    }

    /// Syllables five times a second while it is true.
    fn speech(says: &[bool]) -> Heard {
        let grains = says.iter().enumerate().flat_map(|(block, &on)| {
            (0..5).map(move |i| {
                let syllable = (block * 5 + i) % 10 < 7;
                if on { (if syllable { -20.0 } else { -34.0 }, 0.8) } else { (-80.0, 0.1) }
            })
        });
        Heard {
            loud: says.iter().map(|&on| if on { -20.0 } else { -70.0 }).collect(),
            voice: grains.collect(),
        }
    }

    #[test]
    fn lively_scenes_win_and_black_and_frozen_ones_are_left_out() {
        let (seen, length) = film(&[(6, 1.0), (6, 0.0), (6, 9.0), (6, -1.0), (6, 4.0)]);
        let scenes = [0, 6000, 12_000, 18_000, 24_000];
        let cuts = cuts(&seen, &Heard::default(), &scenes, length, 12_000);
        let times: Vec<_> = cuts.iter().map(|cut| (cut.in_ms, cut.out_ms)).collect();
        assert_eq!(times, [(12_000, 18_000), (24_000, 30_000)]);
        assert!(cuts[0].score > cuts[1].score);
    }

    #[test]
    fn a_cut_waits_for_a_pause() {
        let (seen, length) = film(&[(20, 3.0)]);
        // Speech over the change at 8 s, with a pause at 8.6 s, and on over what would be the end, with one at 14.2 s.
        let mut says = vec![true; 200];
        says[86..88].fill(false);
        says[142..145].fill(false);
        let cut =
            cut(&blocks(&seen, &speech(&says), length), &[0, 8000], 8000, 5300, length).unwrap();
        assert_eq!((cut.in_ms, cut.out_ms), (8600, 14_200));
        // Where no pause is near, the change of scene counts.
        let heard = speech(&[true; 200]);
        let cut =
            super::cut(&blocks(&seen, &heard, length), &[0, 8000], 8000, 5300, length).unwrap();
        assert_eq!(cut.in_ms, 8000);
        assert!(cut.why.contains(&"speech".to_owned()), "{cut:?}");
    }

    #[test]
    fn one_shot_is_cut_where_it_is_quiet_and_a_black_one_still_answers() {
        let (seen, length) = film(&[(60, 2.0)]);
        let says: Vec<bool> = (0..600).map(|block| block % 50 > 6).collect();
        let found = cuts(&seen, &speech(&says), &[0], length, 20_000);
        assert!(found.len() >= 2, "{found:?}");
        assert!(found.iter().all(|cut| cut.in_ms % 5000 <= 700), "{found:?}");
        let (black, length) = film(&[(10, -1.0)]);
        let found = cuts(&black, &Heard::default(), &[0], length, 5000);
        assert_eq!((found.len(), found[0].score), (1, 0.0));
    }
}
