//! A clip in stretches that are encoded apart: what decides each of them is its name in the cache, so that only what
//! differs is encoded again, and what was finished before a crash is not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use loa_model::Digest;
use serde_json::{Map, Value, json};

use crate::{
    Result,
    encode::Rung,
    error::file,
    timeline::{Canvas, Cue, Scene, Source, SpriteKey, Timeline},
};

/// Raised when the same timeline gives other pixels or other packets than before: then nothing kept is used again.
const GENERATION: u32 = 2;
/// A scene is parted when it lasts longer, seconds, unless a rung keeps its keyframes further apart.
const LONGEST_S: u32 = 2;
/// No stretch is made shorter than this for the sake of a caption, seconds: each costs a keyframe and an encoder.
const SHORTEST_S: u32 = 1;

/// Digests of what a timeline shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Digests {
    pub(crate) photos: BTreeMap<u32, String>,
    pub(crate) videos: BTreeMap<u32, String>,
    /// With the place on the canvas.
    pub(crate) sprites: BTreeMap<SpriteKey, String>,
}

/// Frames of the first stretch of a scene that lasts so long.
pub(crate) fn first(canvas: Canvas, frames: u32, rung: &Rung) -> u32 {
    frames / frames.div_ceil(longest(canvas, std::slice::from_ref(rung))).max(1)
}

fn longest(canvas: Canvas, rungs: &[Rung]) -> u32 {
    let apart = rungs.iter().map(|rung| rung.keyframe(canvas.fps)).max().unwrap_or(1);
    apart.max(canvas.fps * LONGEST_S)
}

/// Stretches of a clip, in order: from scene to scene and from caption to caption, so that a corrected caption is encoded
/// again and little beside it; long ones in even parts.
pub(crate) fn plan(timeline: &Timeline, rungs: &[Rung]) -> Vec<Range<u32>> {
    let fps = timeline.canvas.fps;
    let longest = longest(timeline.canvas, rungs);
    // Where keyframes are far apart each further one costs a slow link too much.
    let parts_captions = longest == fps * LONGEST_S;
    let mut starts = Vec::new();
    for scene in &timeline.scenes {
        let (mut before, end) = (scene.start, scene.start + scene.frames);
        starts.push(before);
        if !parts_captions {
            continue;
        }
        for change in changes(timeline, scene) {
            if change >= before + fps * SHORTEST_S && change + fps * SHORTEST_S <= end {
                starts.push(change);
                before = change;
            }
        }
    }
    let ends = starts.iter().skip(1).copied().chain([timeline.frames()]);
    let parts = |(start, end): (u32, u32)| {
        let (frames, count) = (end - start, (end - start).div_ceil(longest));
        (0..count).map(move |i| start + frames * i / count..start + frames * (i + 1) / count)
    };
    starts.iter().copied().zip(ends).flat_map(parts).collect()
}

/// Frames at which a layer of a scene, or one over it, comes or goes.
fn changes(timeline: &Timeline, scene: &Scene) -> BTreeSet<u32> {
    let own = scene.cues.iter().map(|cue| (scene.start, cue));
    let over = timeline.overlays.iter().map(|cue| (0, cue));
    let ends = own.chain(over).flat_map(|(from, cue)| {
        let start = from.saturating_add(cue.start);
        [Some(start), cue.frames.map(|frames| start.saturating_add(frames))]
    });
    ends.flatten().collect()
}

/// What decides the packets of a stretch in one rung.
pub(crate) fn key(
    timeline: &Timeline,
    range: &Range<u32>,
    rung: &Rung,
    quality: u32,
    digests: &Digests,
) -> Digest {
    let start = range.start;
    let ahead = |frame: u32| i64::from(frame) - i64::from(start);
    let scenes: Vec<Value> = timeline
        .scenes
        .iter()
        .filter(|s| s.start < range.end && s.start + s.frames + s.fade_out > start)
        .map(|scene| {
            let mut value = object(scene);
            // What it tells does not change how it looks.
            value.remove("kind");
            value.remove("beat");
            if start >= scene.start + scene.fade_in {
                value.remove("enter");
                value.remove("fade_in");
            }
            value.insert("start".into(), json!(ahead(scene.start)));
            let seen = scene.cues.iter().filter(|cue| is_seen(cue, scene.start, range));
            value.insert("cues".into(), cues(seen, digests));
            if let Some(shot) = &scene.shot {
                let photo = |digest: Option<&String>| json!(digest);
                let source = match shot.source {
                    Source::Photo(n) => photo(digests.photos.get(&n)),
                    Source::Whole { photo: n, width, height } => {
                        json!([photo(digests.photos.get(&n)), "whole", width, height])
                    }
                    Source::Video { video, from_ms, fit } => {
                        json!([photo(digests.videos.get(&video)), from_ms, fit])
                    }
                };
                let mut shot = object(shot);
                shot.insert("source".into(), source);
                value.insert("shot".into(), Value::Object(shot));
            }
            Value::Object(value)
        })
        .collect();
    let overlays: Vec<Value> = timeline
        .overlays
        .iter()
        .filter(|cue| is_seen(cue, 0, range))
        .filter_map(|cue| {
            let mut value = one(cue, digests)?;
            value.insert("start".into(), json!(ahead(cue.start)));
            Some(Value::Object(value))
        })
        .collect();
    let bar = (timeline.bar_height > 0)
        .then(|| json!([timeline.bar_height, timeline.bar_colour, start, timeline.frames()]));
    let what = json!({
        "generation": GENERATION,
        "canvas": timeline.canvas,
        "frames": range.len(),
        "ground": timeline.ground,
        "clean": timeline.clean_photos,
        "bar": bar,
        "scenes": scenes,
        "overlays": overlays,
        // The picture alone: sound and container are put to it later.
        "rung": [rung.divisor, quality, rung.keyframe(timeline.canvas.fps)],
        "rate": rung.rate,
        "preset": rung.preset,
        "peak": rung.sound.kbps,
    });
    Digest::of(what.to_string().as_bytes())
}

fn object<T: serde::Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

/// Whether a layer, whose frames count from `from`, is seen in a range.
fn is_seen(cue: &Cue, from: u32, range: &Range<u32>) -> bool {
    let start = from.saturating_add(cue.start);
    let end = cue.frames.map_or(u32::MAX, |frames| start.saturating_add(frames));
    start < range.end && end > range.start
}

/// Layers by what they show; one that is clear shows nothing.
fn cues<'a>(cues: impl Iterator<Item = &'a Cue>, digests: &Digests) -> Value {
    cues.filter_map(|cue| one(cue, digests)).map(Value::Object).collect()
}

fn one(cue: &Cue, digests: &Digests) -> Option<Map<String, Value>> {
    let digest = digests.sprites.get(&cue.sprite)?;
    let mut value = object(cue);
    value.insert("sprite".into(), json!(digest));
    Some(value)
}

/// File of a stretch or of a sound in the cache.
pub(crate) fn path(cache: &Path, key: &Digest) -> PathBuf {
    cache.join(format!("{key}.track"))
}

/// Removes what was made longest ago until no more than `most` bytes are left; says how many bytes went. Call it when no clip
/// is made.
///
/// # Errors
/// [`Error::File`](crate::Error::File) when the folder cannot be read or a file cannot be removed.
pub fn prune(cache: &Path, most: u64) -> Result<u64> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(cache).map_err(file(cache))? {
        let entry = entry.map_err(file(cache))?;
        let about = entry.metadata().map_err(file(&entry.path()))?;
        if about.is_file() {
            let made = about.modified().map_err(file(&entry.path()))?;
            kept.push((made, about.len(), entry.path()));
        }
    }
    let mut bytes: u64 = kept.iter().map(|(_, length, _)| length).sum();
    kept.sort();
    let mut removed = 0;
    for (_, length, path) in kept {
        if bytes <= most {
            break;
        }
        fs::remove_file(&path).map_err(file(&path))?;
        bytes -= length;
        removed += length;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests;
