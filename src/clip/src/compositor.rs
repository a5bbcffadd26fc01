//! Frame `n` of a timeline, a pure function of the timeline, its pictures and `n`: random access for posters, previews and
//! tests, and the same bytes every time.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "frame counts and pixels are far below 2^31, fractions are between 0 and 1"
)]

use std::collections::BTreeMap;

use crate::{
    Error, Result, rows,
    sampler::{Area, Rect, Sampler},
    sprite::{Bitmap, Sprite},
    timeline::{Cue, Motion, Scene, Shot, SpriteKey, Timeline},
    yuv::{FrameMut, Yuv, colour},
};

/// Everything a timeline shows, ready to be drawn.
#[derive(Debug)]
pub struct Pictures {
    photos: BTreeMap<u32, Yuv>,
    sprites: BTreeMap<SpriteKey, Sprite>,
}

impl Pictures {
    /// Converts the drawn layers; photos are in the encoder's colours already.
    pub fn new(photos: BTreeMap<u32, Yuv>, bitmaps: &BTreeMap<SpriteKey, Bitmap>) -> Self {
        let sprites = bitmaps.iter().map(|(key, bitmap)| (key.clone(), Sprite::new(bitmap)));
        Self { photos, sprites: sprites.collect() }
    }
}

/// Draws frames of one timeline.
#[derive(Debug)]
pub struct Compositor<'a> {
    timeline: &'a Timeline,
    pictures: &'a Pictures,
    ground: [u8; 3],
    bar: [u8; 3],
    sampler: Sampler,
    before: Yuv,
}

impl<'a> Compositor<'a> {
    /// A compositor with its working memory.
    ///
    /// # Errors
    /// [`Error::Timeline`] when the timeline does not add up or asks for a photo that is not there.
    pub fn new(timeline: &'a Timeline, pictures: &'a Pictures) -> Result<Self> {
        timeline.check()?;
        let shots = timeline.scenes.iter().filter_map(|scene| scene.shot.as_ref());
        for shot in shots {
            if !pictures.photos.contains_key(&shot.photo) {
                return Err(Error::Timeline(format!("photo {} is not there", shot.photo)));
            }
        }
        let canvas = timeline.canvas;
        Ok(Self {
            timeline,
            pictures,
            ground: colour(timeline.ground),
            bar: colour(timeline.bar_colour),
            sampler: Sampler::default(),
            before: Yuv::new(canvas.width as usize, canvas.height as usize),
        })
    }

    /// Draws frame `number` (from 0) over whatever `frame` holds. Frames after the last one show the last one.
    pub fn render(&mut self, number: u32, frame: &mut FrameMut<'_>) {
        let timeline = self.timeline;
        let number = number.min(timeline.frames().saturating_sub(1));
        let (index, scene) = timeline.scene_at(number);
        let at = number - scene.start;
        self.scene(scene, at, frame);
        if at < scene.fade_in && index > 0 {
            let previous = &timeline.scenes[index - 1];
            let mut before = std::mem::replace(&mut self.before, Yuv::new(0, 0));
            self.scene(previous, number - previous.start, &mut before.view());
            // The new scene is seen a little in its first frame and not yet whole in its last fading one.
            let weight = 256 - (at + 1) * 256 / (scene.fade_in + 1);
            for (plane, other) in frame.iter_mut().zip(&before.planes) {
                let width = plane.width;
                for y in 0..plane.height {
                    rows::mix(plane.span(y, 0, width), &other.row(y)[..width], weight as u16);
                }
            }
            self.before = before;
        }
        for cue in &timeline.overlays {
            self.cue(cue, number, frame);
        }
        self.bar(number, frame);
    }

    /// Frame `number` as a picture of its own.
    pub fn still(&mut self, number: u32) -> Yuv {
        let canvas = self.timeline.canvas;
        let mut out = Yuv::new(canvas.width as usize, canvas.height as usize);
        self.render(number, &mut out.view());
        out
    }

    /// A scene at frame `at` of its own; past its end its picture moves on while the next one fades in.
    fn scene(&mut self, scene: &Scene, at: u32, frame: &mut FrameMut<'_>) {
        let shown = scene.shot.as_ref().map_or(0, |shot| shot.height as usize);
        for (plane, (value, first)) in
            frame.iter_mut().zip(self.ground.into_iter().zip([shown, shown / 2, shown / 2]))
        {
            let width = plane.width;
            for y in first..plane.height {
                plane.span(y, 0, width).fill(value);
            }
        }
        if let Some(shot) = &scene.shot {
            self.shot(shot, scene, at, frame);
        }
        for cue in &scene.cues {
            self.cue(cue, at, frame);
        }
    }

    fn shot(&mut self, shot: &Shot, scene: &Scene, at: u32, frame: &mut FrameMut<'_>) {
        let photo = &self.pictures.photos[&shot.photo];
        let (width, height) = (photo.width() as f64, photo.height() as f64);
        let area = Area {
            x: 0,
            y: 0,
            width: frame[0].width,
            height: (shot.height as usize).min(frame[0].height),
        };
        // The move goes on through the next cross-fade, so it must not be over before that.
        let time = f64::from(at) / f64::from(scene.frames + scene.fade_out).max(1.0);
        let between = |from: f64, to: f64| from + (to - from) * time.min(1.0);
        let zoom = between(shot.from.zoom, shot.to.zoom);
        let aspect = area.width as f64 / area.height as f64;
        let crop_height = height.min(width / aspect) / zoom;
        let crop_width = crop_height * aspect;
        let from = Rect {
            x: (width - crop_width) * between(shot.from.x, shot.to.x),
            y: (height - crop_height) * between(shot.from.y, shot.to.y),
            width: crop_width,
            height: crop_height,
        };
        let [luma, blue, red] = &photo.planes;
        self.sampler.draw(luma, from, &mut frame[0], area);
        self.sampler.draw(blue, from.halved(), &mut frame[1], area.halved());
        self.sampler.draw(red, from.halved(), &mut frame[2], area.halved());
        self.melt(shot, area, frame);
    }

    /// The foot of a photo goes over into the ground without an edge.
    fn melt(&self, shot: &Shot, area: Area, frame: &mut FrameMut<'_>) {
        for (i, (plane, value)) in frame.iter_mut().zip(self.ground).enumerate() {
            let shift = usize::from(i > 0);
            let (rows, end) = (shot.melt as usize >> shift, area.height >> shift);
            let width = plane.width;
            let ground = vec![value; width];
            for row in 0..rows {
                let time = (row as f64 + 0.5) / rows as f64;
                let weight = (time * time * (3.0 - 2.0 * time) * 256.0) as u16;
                rows::mix(plane.span(end - rows + row, 0, width), &ground, weight);
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
        let (down, opacity) = match cue.motion {
            Motion::Still => (0, 256),
            Motion::Rise { frames, by } => {
                let time = (f64::from(age + 1) / f64::from(frames + 1)).min(1.0);
                let eased = 1.0 - (1.0 - time).powi(3);
                ((f64::from(by) * (1.0 - eased)) as i32 & !1, (eased * 256.0) as u16)
            }
        };
        let leaving = if left <= cue.leave { left * 256 / (cue.leave + 1) } else { 256 };
        sprite.draw(frame, down, opacity.min(leaving as u16));
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

#[cfg(test)]
mod tests;
