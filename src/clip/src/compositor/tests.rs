use loa_model::{Digest, Transition};

use super::*;
use crate::{
    timeline::{Canvas, Place, SceneKind, View},
    yuv::Plane,
};

const SIZE: (u32, u32) = (108, 192);

fn photo(tone: usize) -> Yuv {
    let mut photo = Yuv::new(160, 200);
    for (i, plane) in photo.planes.iter_mut().enumerate() {
        let Plane { width, height, stride, .. } = *plane;
        for y in 0..height {
            for x in 0..width {
                plane.data[y * stride + x] = (40 + (x * (2 + i) + y * 3 + tone * 50) % 170) as u8;
            }
        }
        plane.pad();
    }
    photo
}

fn timeline() -> Timeline {
    let key = |plate: &str| SpriteKey { plate: plate.into(), layer: 0 };
    let cue = |plate: &str, motion| Cue {
        sprite: key(plate),
        start: 0,
        frames: Some(20),
        leave: 5,
        motion,
    };
    let view = |x, zoom| View { x, y: 0.3, zoom };
    let scene = |start, fade_in, photo| Scene {
        kind: SceneKind::Point,
        beat: 0,
        start,
        frames: 30,
        enter: Transition::Fade,
        fade_in,
        fade_out: 10,
        shot: Some(Shot {
            source: Source::Photo(photo),
            place: Place { x: 0, y: 0, width: SIZE.0, height: 150 },
            melt: 40,
            from: view(0.2, 1.0),
            to: view(0.7, 1.2),
            path: vec![],
        }),
        cues: vec![cue("words", Motion::Rise { frames: 8, by: 12 })],
    };
    let mut end = scene(60, 0, 0);
    end.shot = None;
    Timeline {
        canvas: Canvas { width: SIZE.0, height: SIZE.1, fps: 30 },
        ground: [40, 10, 20],
        bar_colour: [255, 211, 77],
        bar_height: 4,
        scenes: vec![scene(0, 0, 0), scene(30, 10, 1), end],
        overlays: vec![cue("caption", Motion::Still)],
        plates: vec![],
        captions: vec![],
        texts: vec![],
        clean_photos: false,
        poster: 0,
        alt: String::new(),
    }
}

fn pictures() -> Pictures {
    let bitmap = |y, colour: [u8; 4]| {
        let rgba = (0..60 * 20).flat_map(|i| if i % 7 < 4 { colour } else { [0; 4] }).collect();
        Bitmap { x: 20, y, width: 60, height: 20, rgba }
    };
    let key = |plate: &str| SpriteKey { plate: plate.into(), layer: 0 };
    let bitmaps = [
        (key("words"), bitmap(110, [200, 200, 200, 200])),
        (key("caption"), bitmap(150, [0, 0, 0, 180])),
    ];
    Pictures::new([(0, photo(0)), (1, photo(1))].into(), &bitmaps.into())
}

fn hash(frame: &Yuv) -> String {
    let rows = frame.planes.iter().flat_map(|p| (0..p.height).flat_map(|y| &p.row(y)[..p.width]));
    Digest::of(&rows.copied().collect::<Vec<u8>>()).short()
}

#[test]
fn a_frame_depends_on_its_number_alone() {
    let (timeline, pictures) = (timeline(), pictures());
    let mut forward = Compositor::new(&timeline, &pictures).unwrap();
    let all: Vec<String> =
        (0..timeline.frames()).map(|n| hash(&forward.still(n).unwrap())).collect();
    let mut again = Compositor::new(&timeline, &pictures).unwrap();
    for number in (0..timeline.frames()).rev().step_by(7) {
        assert_eq!(hash(&again.still(number).unwrap()), all[number as usize], "frame {number}");
    }
    let mut distinct = all.clone();
    distinct.sort();
    distinct.dedup();
    // Photos move and the bar grows: only frames between two even pixels of the bar on the still end may be alike.
    assert!(distinct.len() >= 75, "{}", distinct.len());
    assert_eq!(hash(&again.still(1000).unwrap()), all[89]);
}

#[test]
fn frames_are_what_they_were() {
    let (timeline, pictures) = (timeline(), pictures());
    let mut compositor = Compositor::new(&timeline, &pictures).unwrap();
    // Words rise, words stand, words leave, cross-fade begins, is half way, second photo, hard cut to the ground.
    let found: Vec<(u32, String)> =
        [3, 12, 18, 30, 35, 50, 60].map(|n| (n, hash(&compositor.still(n).unwrap()))).into();
    let known = GOLDEN.map(|(n, hash)| (n, hash.to_owned()));
    assert_eq!(found, known);
}

const GOLDEN: [(u32, &str); 7] = [
    (3, "540a72b3b997"),
    (12, "c35ce7f6c211"),
    (18, "f2ef6f9ea65b"),
    (30, "ea203d555e63"),
    (35, "7a2da3fb5e99"),
    (50, "2467f796c620"),
    (60, "ea3a9d2e1640"),
];

#[test]
fn a_cross_fade_mixes_both_scenes_and_the_bar_shows_the_time() {
    let (timeline, pictures) = (timeline(), pictures());
    let mut compositor = Compositor::new(&timeline, &pictures).unwrap();
    let at = |frame: &Yuv, x: usize, y: usize| i32::from(frame.planes[0].row(y)[x]);
    let [before, half, after] = [29, 35, 45].map(|n| compositor.still(n).unwrap());
    let between = (0..100).filter(|&x| {
        let (a, b, c) = (at(&before, x, 20), at(&half, x, 20), at(&after, x, 20));
        (a.min(c) - 12..=a.max(c) + 12).contains(&b)
    });
    assert!(between.count() > 60);
    let bar = colour(timeline.bar_colour)[0];
    let last = compositor.still(89).unwrap();
    assert_eq!(last.planes[0].row(191)[..108], [bar; 108]);
    assert_ne!(before.planes[0].row(191)[100], bar);
    // Below the photo there is ground, and the photo has melted into it.
    let ground = i32::from(colour(timeline.ground)[0]);
    assert_eq!(at(&before, 2, 185), ground);
    assert!((at(&before, 2, 149) - ground).abs() <= 2);
}

#[test]
fn a_timeline_that_does_not_add_up_is_refused() {
    let pictures = pictures();
    let mut gap = timeline();
    gap.scenes[1].start = 31;
    let mut place = timeline();
    place.scenes[0].shot.as_mut().unwrap().place.width = 110;
    let mut odd = timeline();
    odd.canvas.width = 107;
    for broken in [gap, place, odd] {
        assert!(matches!(Compositor::new(&broken, &pictures), Err(Error::Timeline(_))));
    }
}

#[test]
fn a_photo_that_is_not_there_is_an_error_of_the_frame_that_shows_it() {
    let pictures = pictures();
    let mut timeline = timeline();
    timeline.scenes[1].shot.as_mut().unwrap().source = Source::Photo(9);
    let mut compositor = Compositor::new(&timeline, &pictures).unwrap();
    assert!(compositor.still(5).is_ok());
    assert!(matches!(compositor.still(40), Err(Error::Timeline(_))));
}

#[test]
fn a_slide_pushes_and_a_wipe_uncovers() {
    let pictures = pictures();
    let mut timeline = timeline();
    // Only pictures: no words, no bar, no melting.
    timeline.overlays.clear();
    timeline.bar_height = 0;
    for scene in &mut timeline.scenes {
        scene.cues.clear();
        let shot = scene.shot.as_mut();
        if let Some(shot) = shot {
            shot.to = shot.from;
            shot.melt = 0;
            shot.place.height = SIZE.1;
        }
    }
    let row = |timeline: &Timeline, n: u32| {
        let mut compositor = Compositor::new(timeline, &pictures).unwrap();
        compositor.still(n).unwrap().planes[0].row(60)[..108].to_vec()
    };
    let (old, new) = (row(&timeline, 29), row(&timeline, 55));
    timeline.scenes[1].enter = Transition::Wipe;
    let half = row(&timeline, 34);
    let edge = (0..108).find(|&x| half[x] != new[x]).unwrap();
    assert!((30..70).contains(&edge), "{edge}");
    assert_eq!(half[edge..], old[edge..]);
    timeline.scenes[1].enter = Transition::Slide;
    let half = row(&timeline, 34);
    assert_eq!(half[108 - edge..], new[..edge]);
    assert_eq!(half[..108 - edge], old[edge..]);
    timeline.scenes[1].enter = Transition::Cut;
    assert_eq!(row(&timeline, 30), new);
}

/// A video of one moving bar.
struct Bars(Yuv);

impl Footage for Bars {
    fn frame(&mut self, video: u32, ms: u32, _: loa_model::Fit) -> Result<&Yuv> {
        if video != 0 {
            return Err(Error::Video("gone".into()));
        }
        for (i, plane) in self.0.planes.iter_mut().enumerate() {
            let at = (ms as usize / 20 % 60) >> usize::from(i > 0);
            for y in 0..plane.height {
                for x in 0..plane.width {
                    let on = x.abs_diff(at) < 4;
                    let (light, dark) = if i == 0 { (200, 60) } else { (150, 110) };
                    plane.data[y * plane.stride + x] = if on { light } else { dark };
                }
            }
            plane.pad();
        }
        Ok(&self.0)
    }
}

#[test]
fn a_cut_of_a_video_is_seen_whole_over_its_own_colours_or_fills_the_frame() {
    let pictures = pictures();
    let mut timeline = timeline();
    let shot = timeline.scenes[0].shot.as_mut().unwrap();
    shot.source = Source::Video { video: 0, from_ms: 400, fit: loa_model::Fit::Pad };
    shot.place.height = SIZE.1;
    shot.melt = 0;
    let bars = || Box::new(Bars(Yuv::new(160, 90)));
    let mut compositor = Compositor::new(&timeline, &pictures).unwrap().with_footage(bars());
    let one = compositor.still(5).unwrap();
    // Whole: 108 × 60 in the middle; above it the blurred ground, darker than the picture's own.
    assert!(one.planes[0].row(96)[..108].iter().any(|&v| v > 150));
    assert!(one.planes[0].row(20)[..108].iter().all(|&v| v < 110));
    assert_ne!(hash(&one), hash(&compositor.still(20).unwrap()));
    assert_eq!(hash(&one), hash(&compositor.still(5).unwrap()));
    drop(compositor);
    let shot = timeline.scenes[0].shot.as_mut().unwrap();
    shot.source = Source::Video { video: 0, from_ms: 400, fit: loa_model::Fit::Crop };
    let mut compositor = Compositor::new(&timeline, &pictures).unwrap().with_footage(bars());
    assert!(compositor.still(5).unwrap().planes[0].row(20)[..108].iter().all(|&v| v >= 59));
    let mut without = Compositor::new(&timeline, &pictures).unwrap();
    assert!(matches!(without.still(5), Err(Error::Video(_))));
}

#[test]
fn a_bar_grows_from_its_left_edge_and_never_shrinks() {
    let key = SpriteKey { plate: "bar".into(), layer: 3 };
    let bitmap = Bitmap { x: 20, y: 40, width: 60, height: 20, rgba: [255; 4].repeat(60 * 20) };
    let pictures = Pictures::new(BTreeMap::new(), &[(key.clone(), bitmap)].into());
    let motion = Motion::Grow { frames: 10 };
    let mut timeline = timeline();
    timeline.overlays.clear();
    timeline.scenes.drain(..2);
    timeline.scenes[0].start = 0;
    timeline.scenes[0].cues = vec![Cue { sprite: key, start: 4, frames: None, leave: 0, motion }];
    let mut compositor = Compositor::new(&timeline, &pictures).unwrap();
    let mut before = 0;
    for number in 0..30 {
        let frame = compositor.still(number).unwrap();
        let row = &frame.planes[0].row(50)[..SIZE.0 as usize];
        let seen = row.iter().filter(|luma| **luma > 200).count();
        assert!(row[20..20 + seen].iter().all(|luma| *luma > 200), "frame {number}: from the left");
        let chroma = &frame.planes[1].row(25)[..SIZE.0 as usize / 2];
        let ground = chroma[0];
        assert_eq!(chroma.iter().filter(|value| **value != ground).count(), seen / 2, "{number}");
        match number {
            0..4 => assert_eq!(seen, 0, "frame {number}"),
            4..14 => assert!(seen >= before && (4..=60).contains(&seen), "frame {number}: {seen}"),
            _ => assert_eq!(seen, 60, "frame {number}"),
        }
        before = seen;
    }
}

#[test]
fn a_whole_photo_is_seen_to_its_edges_with_the_ground_around_it() {
    let mut timeline = timeline();
    timeline.overlays.clear();
    for scene in &mut timeline.scenes {
        scene.cues.clear();
    }
    let shot = timeline.scenes[0].shot.as_mut().unwrap();
    shot.source = Source::Whole { photo: 0, width: 400, height: 200 };
    shot.place = Place { x: 4, y: 10, width: 100, height: 120 };
    (shot.melt, shot.to) = (0, shot.from);
    let seen = shot.covered();
    assert_eq!(seen, Place { x: 4, y: 44, width: 100, height: 50 });
    // A frame of white around black: a crop of one pixel would lose it.
    let mut rgb = vec![0; 100 * 50 * 3];
    for (i, pixel) in rgb.chunks_exact_mut(3).enumerate() {
        let (x, y) = (i % 100, i / 100);
        if x < 2 || y < 2 || x >= 98 || y >= 48 {
            pixel.fill(255);
        }
    }
    let photo = Yuv::from_rgb(&rgb, 100, 50);
    let pictures = pictures().with_whole([((0, (100, 50)), photo)].into());
    let mut compositor = Compositor::new(&timeline, &pictures).unwrap();
    let [first, last] = [0, 20].map(|frame| compositor.still(frame).unwrap());
    let at = |x: usize, y: usize| first.planes[0].row(y)[x];
    let ground = colour(timeline.ground)[0];
    for (x, y) in [(4, 44), (103, 44), (4, 93), (103, 93), (50, 44), (4, 70), (103, 70), (50, 93)] {
        assert!(at(x, y) > 225, "the edge at {x}, {y}: {}", at(x, y));
    }
    for (x, y) in [(3, 44), (104, 70), (50, 43), (50, 94), (50, 12), (50, 128)] {
        assert_eq!(at(x, y), ground, "the ground at {x}, {y}");
    }
    assert!(at(50, 70) < 30);
    let row = |frame: &Yuv| frame.planes[0].row(70).to_vec();
    assert_eq!(row(&first), row(&last), "it stands");
    // A photo that is there as a ground only is not taken for it.
    let error = Compositor::new(&timeline, &self::pictures()).unwrap().still(0).unwrap_err();
    assert!(error.to_string().contains("not there whole"), "{error}");
}
