//! Frame `n` of a timeline, a pure function of the timeline, its pictures and `n`: random access for posters, previews and
//! tests, and the same bytes every time.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "frame counts and pixels are far below 2^31, fractions are between 0 and 1"
)]

use std::{collections::BTreeMap, sync::Arc};

use loa_model::{Fit, Transition};

use crate::{
    Error, Result,
    reel::{Size, reframe},
    rows,
    sampler::{Area, Rect, Sampler},
    sprite::{Bitmap, Sprite},
    timeline::{Cue, Motion, Scene, Shot, Source, SpriteKey, Timeline, View},
    yuv::{FrameMut, Yuv, colour},
};

/// Everything a timeline shows, ready to be drawn.
#[derive(Debug, Default)]
pub struct Pictures {
    pub(crate) photos: BTreeMap<u32, Arc<Yuv>>,
    /// Those that are shown whole, with their pixels on the canvas.
    pub(crate) whole: BTreeMap<(u32, (u32, u32)), Arc<Yuv>>,
    pub(crate) sprites: BTreeMap<SpriteKey, Arc<Sprite>>,
}

impl Pictures {
    /// Converts the drawn layers; photos are in the encoder's colours already.
    pub fn new(photos: BTreeMap<u32, Yuv>, bitmaps: &BTreeMap<SpriteKey, Bitmap>) -> Self {
        let sprites =
            bitmaps.iter().map(|(key, bitmap)| (key.clone(), Arc::new(Sprite::new(bitmap))));
        let photos = photos.into_iter().map(|(index, photo)| (index, Arc::new(photo)));
        let (photos, sprites) = (photos.collect(), sprites.collect());
        Self { photos, whole: BTreeMap::new(), sprites }
    }

    /// The same with photos that are shown whole, each by its index and by its size on the canvas.
    #[must_use]
    pub fn with_whole(self, whole: BTreeMap<(u32, (u32, u32)), Yuv>) -> Self {
        let whole = whole.into_iter().map(|(key, photo)| (key, Arc::new(photo))).collect();
        Self { whole, ..self }
    }
}

/// Frames of the videos of an article: the picture shown at a moment, the same whenever it is asked for.
pub trait Footage: Send {
    /// The picture of video `video` at `ms`, in its own shape and as large as `fit` needs it.
    ///
    /// # Errors
    /// [`Error::Video`] when it is not there or cannot be decoded.
    fn frame(&mut self, video: u32, ms: u32, fit: Fit) -> Result<&Yuv>;
}

/// Draws frames of one timeline.
pub struct Compositor<'a> {
    timeline: &'a Timeline,
    pictures: &'a Pictures,
    footage: Option<Box<dyn Footage + 'a>>,
    ground: [u8; 3],
    bar: [u8; 3],
    sampler: Sampler,
    before: Yuv,
}

impl<'a> Compositor<'a> {
    /// A compositor with its working memory.
    ///
    /// # Errors
    /// [`Error::Timeline`] when the timeline does not add up.
    pub fn new(timeline: &'a Timeline, pictures: &'a Pictures) -> Result<Self> {
        timeline.check()?;
        let canvas = timeline.canvas;
        Ok(Self {
            timeline,
            pictures,
            footage: None,
            ground: colour(timeline.ground),
            bar: colour(timeline.bar_colour),
            sampler: Sampler::default(),
            before: Yuv::new(canvas.width as usize, canvas.height as usize),
        })
    }

    /// The same with the videos of the article.
    #[must_use]
    pub fn with_footage(self, footage: Box<dyn Footage + 'a>) -> Self {
        Self { footage: Some(footage), ..self }
    }

    /// Draws frame `number` (from 0) over whatever `frame` holds. Frames after the last one show the last one.
    ///
    /// # Errors
    /// [`Error::Timeline`] when a photo is not there, [`Error::Video`] when a video cannot be decoded.
    pub fn render(&mut self, number: u32, frame: &mut FrameMut<'_>) -> Result<()> {
        let timeline = self.timeline;
        let number = number.min(timeline.frames().saturating_sub(1));
        let (index, scene) = timeline.scene_at(number);
        let at = number - scene.start;
        self.scene(scene, at, frame)?;
        if at < scene.fade_in && index > 0 && scene.enter != Transition::Cut {
            let previous = &timeline.scenes[index - 1];
            let mut before = std::mem::replace(&mut self.before, Yuv::new(0, 0));
            let drawn = self.scene(previous, number - previous.start, &mut before.view());
            take_over(scene, at, frame, &before);
            self.before = before;
            drawn?;
        }
        for cue in &timeline.overlays {
            self.cue(cue, number, frame);
        }
        self.bar(number, frame);
        Ok(())
    }

    /// Frame `number` as a picture of its own.
    ///
    /// # Errors
    /// As [`Compositor::render`].
    pub fn still(&mut self, number: u32) -> Result<Yuv> {
        let canvas = self.timeline.canvas;
        let mut out = Yuv::new(canvas.width as usize, canvas.height as usize);
        self.render(number, &mut out.view())?;
        Ok(out)
    }

    /// A scene at frame `at` of its own; past its end its picture moves on while the next one takes over.
    fn scene(&mut self, scene: &Scene, at: u32, frame: &mut FrameMut<'_>) -> Result<()> {
        let covered = scene.shot.as_ref().map(Shot::covered);
        for (i, (plane, value)) in frame.iter_mut().zip(self.ground).enumerate() {
            let shift = u32::from(i > 0);
            // What the picture covers is not filled first.
            let inside = covered.map(|p| {
                let (left, top) = ((p.x >> shift) as usize, (p.y >> shift) as usize);
                let (right, bottom) =
                    (((p.x + p.width) >> shift) as usize, ((p.y + p.height) >> shift) as usize);
                (left..right, top..bottom)
            });
            let width = plane.width;
            for y in 0..plane.height {
                match &inside {
                    Some((across, down)) if down.contains(&y) => {
                        plane.span(y, 0, across.start).fill(value);
                        plane.span(y, across.end, width).fill(value);
                    }
                    _ => plane.span(y, 0, width).fill(value),
                }
            }
        }
        if let Some(shot) = &scene.shot {
            self.shot(shot, scene, at, frame)?;
        }
        for cue in &scene.cues {
            self.cue(cue, at, frame);
        }
        Ok(())
    }

    fn shot(
        &mut self,
        shot: &Shot,
        scene: &Scene,
        at: u32,
        frame: &mut FrameMut<'_>,
    ) -> Result<()> {
        let place = shot.covered();
        let area = Area {
            x: place.x as usize,
            y: place.y as usize,
            width: place.width as usize,
            height: place.height as usize,
        };
        // The move goes on while the next scene takes over, so it must not be over before that.
        let time = f64::from(at) / f64::from(scene.frames + scene.fade_out).max(1.0);
        match shot.source {
            Source::Photo(photo) => {
                let missing = || Error::Timeline(format!("photo {photo} is not there"));
                let photo = self.pictures.photos.get(&photo).ok_or_else(missing)?;
                let from = view((shot.from, shot.to), photo, area, time.min(1.0));
                draw(&mut self.sampler, photo, from, frame, area);
            }
            Source::Whole { photo, .. } => {
                let missing = || Error::Timeline(format!("photo {photo} is not there whole"));
                let key = (photo, (place.width, place.height));
                let photo = self.pictures.whole.get(&key).ok_or_else(missing)?;
                let all = Rect {
                    x: 0.0,
                    y: 0.0,
                    width: photo.width() as f64,
                    height: photo.height() as f64,
                };
                draw(&mut self.sampler, photo, all, frame, area);
            }
            Source::Video { video, from_ms, fit } => {
                let missing = || Error::Video(format!("video {} was not handed in", video + 1));
                let footage = self.footage.as_mut().ok_or_else(missing)?;
                let ms = from_ms + at * 1000 / self.timeline.canvas.fps;
                let picture = footage.frame(video, ms, fit)?;
                let from = match shot.path.get(at as usize).or(shot.path.last()) {
                    Some([x, y]) => {
                        let look = View { x: *x, y: *y, zoom: 1.0 };
                        view((look, look), picture, area, 0.0)
                    }
                    None => view((shot.from, shot.to), picture, area, time.min(1.0)),
                };
                match fit {
                    Fit::Crop => draw(&mut self.sampler, picture, from, frame, area),
                    Fit::Pad => {
                        behind(picture, frame, area);
                        let (whole, inner) = whole(picture, area);
                        draw(&mut self.sampler, picture, whole, frame, inner);
                    }
                }
            }
        }
        self.melt(shot, area, frame);
        Ok(())
    }

    /// The foot of a picture goes over into the ground without an edge.
    fn melt(&self, shot: &Shot, area: Area, frame: &mut FrameMut<'_>) {
        for (i, (plane, value)) in frame.iter_mut().zip(self.ground).enumerate() {
            let shift = usize::from(i > 0);
            let rows = shot.melt as usize >> shift;
            let (left, end) = (area.x >> shift, (area.y + area.height) >> shift);
            let width = area.width >> shift;
            let ground = vec![value; width];
            for row in 0..rows {
                let time = (row as f64 + 0.5) / rows as f64;
                let weight = (time * time * (3.0 - 2.0 * time) * 256.0) as u16;
                rows::mix(plane.span(end - rows + row, left, left + width), &ground, weight);
            }
        }
    }

    fn cue(&self, cue: &Cue, at: u32, frame: &mut FrameMut<'_>) {
        let Some(age) = at.checked_sub(cue.start) else { return };
        let left = cue.frames.map_or(u32::MAX, |frames| frames.saturating_sub(age));
        if left == 0 {
            return;
        }
        // A layer that is clear has no sprite.
        let Some(sprite) = self.pictures.sprites.get(&cue.sprite) else { return };
        // Fast at first, slow towards the end.
        let eased = |frames: u32| {
            let time = (f64::from(age + 1) / f64::from(frames + 1)).min(1.0);
            1.0 - (1.0 - time).powi(3)
        };
        let (down, opacity, across) = match cue.motion {
            Motion::Still => (0, 256, sprite.width()),
            Motion::Rise { frames, by } => {
                let eased = eased(frames);
                let down = (f64::from(by) * (1.0 - eased)) as i32 & !1;
                (down, (eased * 256.0) as u16, sprite.width())
            }
            Motion::Grow { frames } => {
                (0, 256, (sprite.width() as f64 * eased(frames)).round() as usize)
            }
        };
        let leaving = if left <= cue.leave { left * 256 / (cue.leave + 1) } else { 256 };
        sprite.draw_part(frame, down, opacity.min(leaving as u16), across);
    }

    fn bar(&self, number: u32, frame: &mut FrameMut<'_>) {
        let height = self.timeline.bar_height as usize;
        let done =
            u64::from(number + 1) * frame[0].width as u64 / u64::from(self.timeline.frames());
        for (i, (plane, value)) in frame.iter_mut().zip(self.bar).enumerate() {
            let shift = usize::from(i > 0);
            for y in plane.height - (height >> shift)..plane.height {
                plane.span(y, 0, (done as usize & !1) >> shift).fill(value);
            }
        }
    }
}

/// The window of a picture that a shot shows: both ends of the move stay on the picture, so what lies between does too.
fn view((from, to): (View, View), picture: &Yuv, area: Area, time: f64) -> Rect {
    let (width, height) = (picture.width() as f64, picture.height() as f64);
    let aspect = area.width as f64 / area.height as f64;
    let window = |view: View| {
        let tall = height.min(width / aspect) / view.zoom.max(1.0);
        let wide = tall * aspect;
        let start = |middle: f64, length: f64, all: f64| {
            (middle * all - length / 2.0).clamp(0.0, (all - length).max(0.0))
        };
        Rect {
            x: start(view.x, wide, width),
            y: start(view.y, tall, height),
            width: wide,
            height: tall,
        }
    };
    let (from, to) = (window(from), window(to));
    let between = |from: f64, to: f64| from + (to - from) * time;
    Rect {
        x: between(from.x, to.x),
        y: between(from.y, to.y),
        width: between(from.width, to.width),
        height: between(from.height, to.height),
    }
}

/// All of a picture, and the part of an area in which it keeps its shape.
fn whole(picture: &Yuv, area: Area) -> (Rect, Area) {
    let (width, height) = (picture.width() as f64, picture.height() as f64);
    let scale = (area.width as f64 / width).min(area.height as f64 / height);
    let side = |length: f64, most: usize| ((length * scale) as usize & !1).clamp(2, most);
    let (across, down) = (side(width, area.width), side(height, area.height));
    let inner = Area {
        x: area.x + (((area.width - across) / 2) & !1),
        y: area.y + (((area.height - down) / 2) & !1),
        width: across,
        height: down,
    };
    (Rect { x: 0.0, y: 0.0, width, height }, inner)
}

/// The picture itself, out of focus and darker, as the ground of an area.
fn behind(picture: &Yuv, frame: &mut FrameMut<'_>, area: Area) {
    let size = Size { width: area.width as u32, height: area.height as u32 };
    let ground = reframe::ground(picture, size);
    for (i, (plane, ground)) in frame.iter_mut().zip(&ground.planes).enumerate() {
        let area = if i == 0 { area } else { area.halved() };
        for y in 0..area.height {
            let row = &ground.row(y)[..area.width];
            plane.span(area.y + y, area.x, area.x + area.width).copy_from_slice(row);
        }
    }
}

fn draw(sampler: &mut Sampler, from: &Yuv, rect: Rect, frame: &mut FrameMut<'_>, area: Area) {
    let [luma, blue, red] = &from.planes;
    sampler.draw(luma, rect, &mut frame[0], area);
    sampler.draw(blue, rect.halved(), &mut frame[1], area.halved());
    sampler.draw(red, rect.halved(), &mut frame[2], area.halved());
}

/// How a scene takes over from the one before at frame `at` of its own: seen a little in the first frame of the
/// transition, not yet whole in its last.
fn take_over(scene: &Scene, at: u32, frame: &mut FrameMut<'_>, before: &Yuv) {
    let time = f64::from(at + 1) / f64::from(scene.fade_in + 1);
    let eased = time * time * (3.0 - 2.0 * time);
    for (i, (plane, other)) in frame.iter_mut().zip(&before.planes).enumerate() {
        let (width, shift) = (plane.width, usize::from(i > 0));
        // Even in the first plane, so that colours move with the light.
        let seen = (((width << shift) as f64 * eased) as usize & !1) >> shift;
        for y in 0..plane.height {
            let (row, other) = (plane.span(y, 0, width), &other.row(y)[..width]);
            match scene.enter {
                Transition::Cut => {}
                Transition::Fade => {
                    let weight = 256 - (at + 1) * 256 / (scene.fade_in + 1);
                    rows::mix(row, other, weight as u16);
                }
                Transition::Slide => {
                    row.copy_within(..seen, width - seen);
                    row[..width - seen].copy_from_slice(&other[seen..]);
                }
                Transition::Wipe => row[seen..].copy_from_slice(&other[seen..]),
            }
        }
    }
}

#[cfg(test)]
mod tests;
