//! A clip before it is encoded: its scenes with their times, and any of its frames as a picture. Nothing of it is kept, and
//! what an editor left as it was is not drawn again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use loa_canvas::Engine;
use loa_model::{Cancel, Fit, Storyboard};

use crate::{
    Error, Result,
    compositor::{Compositor, Footage, Pictures},
    draw, photo, provenance,
    render::staged,
    sprite::Sprite,
    story::{self, Format, Order, Spoken},
    timeline::{Caption, Plate, SceneKind, Source, SpriteKey, Timeline},
    worker::jpeg,
    yuv::Yuv,
};

/// Longest side of a picture, pixels.
const SIDE: usize = 640;
/// Quality of its JPEG.
const QUALITY: u8 = 82;

/// A scene, or a page of one, in the clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Index of its beat in the storyboard.
    pub beat: usize,
    /// What it shows.
    pub kind: SceneKind,
    /// First moment, milliseconds.
    pub from_ms: u64,
    /// One past the last moment, milliseconds.
    pub to_ms: u64,
    /// A moment at which everything of it stands, milliseconds.
    pub still_ms: u64,
    /// What is told in it.
    pub words: String,
    /// Its photo, by its index in the article.
    pub photo: Option<u32>,
    /// Where the camera looks at the end: shares from the left and from the top.
    pub focus: Option<(f64, f64)>,
}

/// A picture of a video of the article at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillOf {
    /// Index of the video.
    pub video: u32,
    /// Milliseconds of the video.
    pub ms: u32,
    /// A JPEG in Base64, as [`Ask::Stills`](crate::reel::Ask::Stills) brings it.
    pub jpeg: String,
}

/// A clip that can be looked at.
#[derive(Debug)]
pub struct Rehearsal {
    timeline: Timeline,
    pictures: Pictures,
    /// By video and moment.
    stills: BTreeMap<(u32, u32), Yuv>,
    seen: Vec<Seen>,
}

impl Rehearsal {
    /// Draws what is seen of a story; `photo` hands in the decoded photo of an index. What `before`, an earlier rehearsal of
    /// the same article in the same format and brand, shows as well is taken from it.
    ///
    /// It blocks: Typst lays out each plate that is new.
    ///
    /// # Errors
    /// Those of [`film`](crate::film), and those of `photo`.
    pub fn draw(
        order: &Order<'_>,
        story: (Format, &Storyboard, bool),
        spoken: &[Spoken],
        canvas: (&Engine, &str),
        photo: impl Fn(u32) -> Result<loa_canvas::DecodedPhoto>,
        before: Option<&Self>,
        cancel: &Cancel,
    ) -> Result<Self> {
        let draw = |cast: story::Cast| {
            let mut timeline = cast.timeline;
            timeline.check()?;
            provenance::check(&timeline, order)?;
            let sprites = sprites(&timeline, canvas, before, cancel)?;
            draw::uncover(&mut timeline, |key, x| sprites.get(key)?.covers(x));
            Ok((timeline, sprites))
        };
        let ((timeline, sprites), places) = staged(order, story, spoken, draw)?;
        let (mut photos, mut whole) = (BTreeMap::new(), BTreeMap::new());
        for shot in timeline.scenes.iter().filter_map(|scene| scene.shot.as_ref()) {
            let index = match shot.source {
                Source::Photo(index) => index,
                Source::Whole { photo: index, .. } => {
                    let place = shot.covered();
                    let key = (index, (place.width, place.height));
                    let known = before.and_then(|before| before.pictures.whole.get(&key));
                    let made = match known {
                        Some(known) => Arc::clone(known),
                        None => Arc::new(photo::whole(&photo(index)?, key.1)?),
                    };
                    whole.insert(key, made);
                    continue;
                }
                Source::Video { .. } => continue,
            };
            if photos.contains_key(&index) {
                continue;
            }
            let known = before.and_then(|before| before.pictures.photos.get(&index));
            let made = match known {
                Some(known) => Arc::clone(known),
                None => {
                    Arc::new(photo::of(&photo(index)?, timeline.canvas, timeline.clean_photos)?)
                }
            };
            photos.insert(index, made);
        }
        let beat = |beat: u32| places.get(beat as usize).copied().unwrap_or_default();
        let topic = |place: usize| story.1.beats.get(place).map(|beat| &beat.of);
        let seen = timeline.scenes.iter().map(|scene| {
            let place = beat(scene.beat);
            let words = topic(place)
                .map_or_else(String::new, |topic| story::words(order.article, order.brief, topic));
            let still = scene.frames.saturating_sub(scene.fade_in.max(1) + scene.fade_out);
            let shot = scene.shot.as_ref();
            Seen {
                beat: place,
                kind: scene.kind,
                from_ms: timeline.ms(scene.start),
                to_ms: timeline.ms(scene.start + scene.frames),
                still_ms: timeline.ms(scene.start + still),
                words,
                photo: shot.and_then(|shot| match shot.source {
                    Source::Photo(index) | Source::Whole { photo: index, .. } => Some(index),
                    Source::Video { .. } => None,
                }),
                // What is shown whole is not looked at through a camera.
                focus: shot
                    .filter(|shot| !matches!(shot.source, Source::Whole { .. }))
                    .map(|shot| (shot.to.x, shot.to.y)),
            }
        });
        let seen = seen.collect();
        let (pictures, stills) = (Pictures { photos, whole, sprites }, BTreeMap::new());
        Ok(Self { timeline, pictures, stills, seen })
    }

    /// The same with pictures of the videos it shows: each moment shows the last of them before it.
    ///
    /// # Errors
    /// [`Error::Video`] for one that is no JPEG in Base64.
    pub fn with_stills(mut self, stills: &[StillOf]) -> Result<Self> {
        for still in stills {
            let bad = |why: String| Error::Video(format!("a picture of it: {why}"));
            let bytes = STANDARD.decode(&still.jpeg).map_err(|error| bad(error.to_string()))?;
            let photo =
                loa_canvas::photo::decode(&bytes).map_err(|error| bad(error.to_string()))?;
            let (width, height) = (photo.width() as usize, photo.height() as usize);
            let picture = Yuv::from_rgb(photo.rgb(), width, height);
            self.stills.insert((still.video, still.ms), picture);
        }
        Ok(self)
    }

    /// Its scenes in order.
    pub fn scenes(&self) -> &[Seen] {
        &self.seen
    }

    /// Captions with their first moment and the one past their last, milliseconds.
    pub fn captions(&self) -> impl Iterator<Item = (u64, u64, &Caption)> {
        let ms = |frame| self.timeline.ms(frame);
        self.timeline.captions.iter().map(move |one| (ms(one.start), ms(one.end), one))
    }

    /// Milliseconds in all.
    pub fn duration_ms(&self) -> u64 {
        self.timeline.duration_ms()
    }

    /// Pixels of the clip, and frames a second.
    pub fn canvas(&self) -> crate::timeline::Canvas {
        self.timeline.canvas
    }

    /// The frame at a moment as JPEG, at most 640 pixels wide or high. Past the end: the last one.
    ///
    /// # Errors
    /// [`Error::Video`] in a part of a video of which there is no picture; [`Error::Encode`].
    pub fn jpeg(&self, ms: u64) -> Result<Vec<u8>> {
        let fps = u64::from(self.timeline.canvas.fps);
        // The nearest: moments of frames are rounded down.
        let frame = u32::try_from((ms.saturating_mul(fps) + 500) / 1000).unwrap_or(u32::MAX);
        let compositor = Compositor::new(&self.timeline, &self.pictures)?;
        let still = compositor.with_footage(Box::new(Shown(&self.stills))).still(frame)?;
        jpeg(&small(still), QUALITY)
    }
}

/// Pictures of videos as a compositor asks for them.
struct Shown<'a>(&'a BTreeMap<(u32, u32), Yuv>);

impl Footage for Shown<'_> {
    fn frame(&mut self, video: u32, ms: u32, _fit: Fit) -> Result<&Yuv> {
        let before = self.0.range((video, 0)..=(video, ms)).next_back();
        let found = before.or_else(|| self.0.range((video, ms)..=(video, u32::MAX)).next());
        let missing = || Error::Video(format!("there is no picture of number {}", video + 1));
        found.map(|(_, picture)| picture).ok_or_else(missing)
    }
}

fn small(still: Yuv) -> Yuv {
    let divisor = still.width().max(still.height()).div_ceil(SIDE);
    if divisor > 1 { still.shrunk(divisor) } else { still }
}

/// Layers of a timeline: those that an earlier one shows are taken from there.
fn sprites(
    timeline: &Timeline,
    canvas: (&Engine, &str),
    before: Option<&Rehearsal>,
    cancel: &Cancel,
) -> Result<BTreeMap<SpriteKey, Arc<Sprite>>> {
    let mut sprites = BTreeMap::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    if let Some(before) = before.filter(|before| before.timeline.canvas == timeline.canvas) {
        let (now, then) = (draw::shown(timeline), draw::shown(&before.timeline));
        let layers = |of: &BTreeSet<&SpriteKey>, id: &str| -> Vec<usize> {
            of.iter().filter(|key| key.plate == id).map(|key| key.layer).collect()
        };
        for plate in &timeline.plates {
            let Some(same) = before.timeline.plates.iter().find(|old| alike(old, plate)) else {
                continue;
            };
            let (wanted, there) = (layers(&now, &plate.id), layers(&then, &same.id));
            if !wanted.iter().all(|layer| there.contains(layer)) {
                continue;
            }
            known.insert(&plate.id);
            for layer in wanted {
                // A layer that is not there is clear.
                let old = SpriteKey { plate: same.id.clone(), layer };
                if let Some(sprite) = before.pictures.sprites.get(&old) {
                    sprites
                        .insert(SpriteKey { plate: plate.id.clone(), layer }, Arc::clone(sprite));
                }
            }
        }
    }
    let new = |plate: &Plate| !known.contains(plate.id.as_str());
    let drawn = draw::draw_some(timeline, new, canvas, cancel)?;
    sprites.extend(drawn.iter().map(|(key, bitmap)| (key.clone(), Arc::new(Sprite::new(bitmap)))));
    Ok(sprites)
}

/// Whether two plates are the same picture.
fn alike(one: &Plate, other: &Plate) -> bool {
    let of = |plate: &Plate| (plate.safe, plate.own);
    one.template == other.template && of(one) == of(other) && one.data == other.data
}
