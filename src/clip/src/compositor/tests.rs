use loa_model::Digest;

use super::*;
use crate::{
    timeline::{Canvas, SceneKind, View},
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
        start,
        frames: 30,
        fade_in,
        fade_out: 10,
        shot: Some(Shot { photo, height: 150, melt: 40, from: view(0.2, 1.0), to: view(0.7, 1.2) }),
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
    let all: Vec<String> = (0..timeline.frames()).map(|n| hash(&forward.still(n))).collect();
    let mut again = Compositor::new(&timeline, &pictures).unwrap();
    for number in (0..timeline.frames()).rev().step_by(7) {
        assert_eq!(hash(&again.still(number)), all[number as usize], "frame {number}");
    }
    let mut distinct = all.clone();
    distinct.sort();
    distinct.dedup();
    // Photos move and the bar grows: only frames between two even pixels of the bar on the still end may be alike.
    assert!(distinct.len() >= 75, "{}", distinct.len());
    assert_eq!(hash(&again.still(1000)), all[89]);
}

#[test]
fn frames_are_what_they_were() {
    let (timeline, pictures) = (timeline(), pictures());
    let mut compositor = Compositor::new(&timeline, &pictures).unwrap();
    // Words rise, words stand, words leave, cross-fade begins, is half way, second photo, hard cut to the ground.
    let found: Vec<(u32, String)> =
        [3, 12, 18, 30, 35, 50, 60].map(|n| (n, hash(&compositor.still(n)))).into();
    let known = GOLDEN.map(|(n, hash)| (n, hash.to_owned()));
    assert_eq!(found, known);
}

const GOLDEN: [(u32, &str); 7] = [
    (3, "f7178ea3f432"),
    (12, "c6658b2acc1e"),
    (18, "062025caea9d"),
    (30, "78d83c960db3"),
    (35, "2cc89aa27d85"),
    (50, "ac7ec6f181f2"),
    (60, "ea3a9d2e1640"),
];

#[test]
fn a_cross_fade_mixes_both_scenes_and_the_bar_shows_the_time() {
    let (timeline, pictures) = (timeline(), pictures());
    let mut compositor = Compositor::new(&timeline, &pictures).unwrap();
    let at = |frame: &Yuv, x: usize, y: usize| i32::from(frame.planes[0].row(y)[x]);
    let (before, half, after) = (compositor.still(29), compositor.still(35), compositor.still(45));
    let between = (0..100).filter(|&x| {
        let (a, b, c) = (at(&before, x, 20), at(&half, x, 20), at(&after, x, 20));
        (a.min(c) - 12..=a.max(c) + 12).contains(&b)
    });
    assert!(between.count() > 60);
    let bar = colour(timeline.bar_colour)[0];
    let last = compositor.still(89);
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
    let mut photo = timeline();
    photo.scenes[0].shot.as_mut().unwrap().photo = 9;
    let mut odd = timeline();
    odd.canvas.width = 107;
    for broken in [gap, photo, odd] {
        assert!(matches!(Compositor::new(&broken, &pictures), Err(Error::Timeline(_))));
    }
}
