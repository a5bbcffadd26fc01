use loa_model::Transition;

use super::*;
use crate::timeline::{Canvas, Motion, Place, SceneKind, Shot, Source, View};

fn timeline() -> Timeline {
    let view = View { x: 0.5, y: 0.5, zoom: 1.0 };
    let scene = |n: u32| Scene {
        kind: SceneKind::Point,
        beat: n,
        start: n * 90,
        frames: 90,
        enter: Transition::Fade,
        fade_in: if n == 0 { 0 } else { 15 },
        fade_out: if n == 3 { 0 } else { 15 },
        shot: Some(Shot {
            source: Source::Photo(n),
            place: Place { x: 0, y: 0, width: 108, height: 150 },
            melt: 0,
            from: view,
            to: View { zoom: 1.1, ..view },
            path: vec![],
        }),
        cues: vec![cue(&format!("scene-{n}"), 0, None)],
    };
    Timeline {
        canvas: Canvas { width: 108, height: 192, fps: 30 },
        ground: [1, 2, 3],
        bar_colour: [9, 9, 9],
        bar_height: 4,
        scenes: (0..4).map(scene).collect(),
        overlays: vec![cue("caption", 100, Some(40))],
        plates: vec![],
        captions: vec![],
        texts: vec![],
        clean_photos: false,
        poster: 0,
        alt: String::new(),
    }
}

fn cue(plate: &str, start: u32, frames: Option<u32>) -> Cue {
    let sprite = SpriteKey { plate: plate.into(), layer: 0 };
    Cue { sprite, start, frames, leave: 0, motion: Motion::Still }
}

fn digests() -> Digests {
    let key = |plate: &str| SpriteKey { plate: plate.into(), layer: 0 };
    let mut sprites: BTreeMap<SpriteKey, String> =
        (0..4).map(|n| (key(&format!("scene-{n}")), format!("s{n}"))).collect();
    sprites.insert(key("caption"), "c".into());
    Digests {
        photos: (0..4).map(|n| (n, format!("p{n}"))).collect(),
        videos: BTreeMap::new(),
        sprites,
    }
}

fn keys(timeline: &Timeline, digests: &Digests) -> Vec<Digest> {
    // Keyframes as far apart as scenes are long: each is one stretch.
    let rung = Rung { keyframe_ms: 3000, ..Rung::master("a") };
    let ranges = plan(timeline, std::slice::from_ref(&rung));
    ranges.iter().map(|range| key(timeline, range, &rung, 21, digests)).collect()
}

/// Which stretches differ.
fn differ(one: &[Digest], two: &[Digest]) -> Vec<usize> {
    (0..one.len()).filter(|&i| one[i] != two[i]).collect()
}

#[test]
fn a_plan_covers_every_frame_once_and_starts_with_each_scene() {
    let mut timeline = timeline();
    timeline.scenes[3].frames = 400;
    let ranges = plan(&timeline, &[Rung::master("a")]);
    assert_eq!(ranges[0].start, 0);
    assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert_eq!(ranges.last().unwrap().end, timeline.frames());
    assert!(timeline.scenes.iter().all(|s| ranges.iter().any(|r| r.start == s.start)));
    assert!(ranges.iter().all(|r| r.len() <= 60), "{ranges:?}");
    // Where keyframes are far apart, scenes stay whole.
    let apart = plan(&timeline, &[Rung::low_band("l", 148, 24)]);
    assert_eq!(
        apart.iter().map(ExactSizeIterator::len).collect::<Vec<_>>(),
        [90, 90, 90, 200, 200]
    );
}

#[test]
fn a_caption_has_stretches_of_its_own() {
    let mut timeline = timeline();
    timeline.scenes[3].frames = 330;
    // Frames 360–450 of the scene that lasts from 270 to 600, and one that ends just before it does.
    timeline.overlays = vec![cue("caption", 360, Some(90)), cue("caption", 450, Some(140))];
    let of_last = |timeline: &Timeline, rung: Rung| -> Vec<Range<u32>> {
        plan(timeline, &[rung]).into_iter().filter(|range| range.start >= 270).collect()
    };
    let master = of_last(&timeline, Rung::master("a"));
    assert_eq!(master, [270..315, 315..360, 360..405, 405..450, 450..500, 500..550, 550..600]);
    // Each keyframe is dear to a slow link: its captions do not part it.
    assert_eq!(of_last(&timeline, Rung::low_band("l", 148, 24)), [270..435, 435..600]);
    let digests = digests();
    let ranges = plan(&timeline, &[Rung::master("a")]);
    let keys = |timeline: &Timeline, digests: &Digests| -> Vec<Digest> {
        let name = |range| key(timeline, range, &Rung::master("a"), 21, digests);
        ranges.iter().map(name).collect()
    };
    let mut fixed = digests.clone();
    let mut other = timeline.clone();
    other.overlays[0].sprite.plate = "corrected".into();
    fixed.sprites.insert(other.overlays[0].sprite.clone(), "another".into());
    let differ = differ(&keys(&timeline, &digests), &keys(&other, &fixed));
    let differ: Vec<_> = differ.into_iter().map(|at| ranges[at].clone()).collect();
    assert_eq!(differ, [360..405, 405..450]);
}

#[test]
fn only_what_differs_has_another_name() {
    let (timeline, digests) = (timeline(), digests());
    let known = keys(&timeline, &digests);
    assert_eq!(known, keys(&timeline, &digests));
    let mut distinct = known.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), known.len());
    let changed = |change: &dyn Fn(&mut Timeline, &mut Digests)| {
        let (mut timeline, mut digests) = (timeline.clone(), digests.clone());
        change(&mut timeline, &mut digests);
        differ(&known, &keys(&timeline, &digests))
    };
    let sprite = |digests: &mut Digests, plate: &str| {
        let key = SpriteKey { plate: plate.into(), layer: 0 };
        digests.sprites.insert(key, "another".into());
    };
    // A caption fix: the stretch under it.
    assert_eq!(changed(&|_, d| sprite(d, "caption")), [1]);
    // Words of a scene are seen in the next one's transition too.
    assert_eq!(changed(&|_, d| sprite(d, "scene-1")), [1, 2]);
    assert_eq!(changed(&|_, d| drop(d.photos.insert(3, "another".into()))), [3]);
    assert_eq!(changed(&|t, _| t.scenes[2].shot.as_mut().unwrap().to.zoom = 1.2), [2, 3]);
    assert_eq!(changed(&|t, _| t.scenes[2].enter = Transition::Wipe), [2]);
    assert_eq!(changed(&|t, _| t.ground = [9, 9, 9]), [0, 1, 2, 3]);
    assert_eq!(changed(&|t, _| t.overlays[0].start = 70), [0, 1]);
    // What is told, and what files are called, is not seen.
    assert!(changed(&|t, _| t.alt = "khác".into()).is_empty());
    assert!(changed(&|t, _| t.scenes[1].kind = SceneKind::Quote).is_empty());
    // Without a bar, scenes that move in time stay what they are.
    let mut without = timeline.clone();
    without.bar_height = 0;
    without.overlays.clear();
    let mut shorter = without.clone();
    shorter.scenes[0].frames -= 30;
    shorter.scenes.iter_mut().skip(1).for_each(|s| s.start -= 30);
    // The first scene's own move is faster, and seen until the end of the transition.
    assert_eq!(differ(&keys(&without, &digests), &keys(&shorter, &digests)), [0, 1]);
}

#[test]
fn a_rung_has_stretches_of_its_own() {
    let (timeline, digests) = (timeline(), digests());
    let range = 0..90;
    let name = |rung: &Rung, quality| key(&timeline, &range, rung, quality, &digests);
    let master = Rung::master("a");
    assert_eq!(
        name(&master, 21),
        name(&Rung { name: "b".into(), edit_list: false, ..master.clone() }, 21)
    );
    assert_ne!(name(&master, 21), name(&master, 22));
    assert_ne!(name(&master, 21), name(&Rung { divisor: 2, ..master.clone() }, 21));
    assert_ne!(name(&master, 21), name(&Rung { keyframe_ms: 500, ..master.clone() }, 21));
    assert_ne!(name(&master, 21), name(&Rung { preset: "slow".into(), ..master.clone() }, 21));
}

#[test]
fn what_was_made_longest_ago_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    for (name, age) in [("old", 300), ("older", 600), ("new", 1)] {
        let path = folder.path().join(name);
        fs::write(&path, [0u8; 100]).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 - age);
        fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
    }
    assert_eq!(prune(folder.path(), 250).unwrap(), 100);
    assert!(!folder.path().join("older").exists() && folder.path().join("old").exists());
    assert_eq!(prune(folder.path(), 250).unwrap(), 0);
    assert_eq!(prune(folder.path(), 0).unwrap(), 200);
}
