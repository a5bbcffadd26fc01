//! A clip as plain data: scenes, what is laid over them, captions, and where every word comes from.

use loa_model::{Edit, Fit, Passage, Span, Transition};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result};

/// Size and speed of the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canvas {
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// Frames a second.
    pub fps: u32,
}

/// Which layer of which plate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SpriteKey {
    /// Plate.
    pub plate: String,
    /// Layer of its template, from 0.
    pub layer: usize,
}

/// How a layer comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "motion")]
pub enum Motion {
    /// It is there.
    Still,
    /// It fades in while it rises by some pixels.
    Rise {
        /// Frames until it stands.
        frames: u32,
        /// Pixels.
        by: u32,
    },
    /// It is uncovered from its left edge on, as a bar grows. For shapes: of a number half of which is seen another is read.
    Grow {
        /// Frames until all of it is seen.
        frames: u32,
    },
}

/// A layer in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cue {
    /// What.
    pub sprite: SpriteKey,
    /// First frame, counted from the start of its scene (of the clip for overlays).
    pub start: u32,
    /// How many frames; to the end when absent.
    pub frames: Option<u32>,
    /// Frames over which it fades at its end.
    pub leave: u32,
    /// How it comes in.
    pub motion: Motion,
}

/// Where the camera looks: the middle of the view as a share of the photo, and a zoom of 1 or more. A view that would look
/// past an edge is moved back to it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// 0 left edge, 1 right edge.
    pub x: f64,
    /// 0 top edge, 1 bottom edge.
    pub y: f64,
    /// 1 shows as much as fits.
    pub zoom: f64,
}

/// What is seen through the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A photo of the article, by its index.
    Photo(u32),
    /// A photo of the article, whole and still: as large as its place holds it, in the middle of it.
    Whole {
        /// Its index.
        photo: u32,
        /// Its pixels, upright.
        width: u32,
        /// Its pixels, upright.
        height: u32,
    },
    /// A part of a video of the article.
    Video {
        /// Its index.
        video: u32,
        /// Moment of the first frame of the scene, milliseconds.
        from_ms: u32,
        /// How it fills the place.
        fit: Fit,
    },
}

/// A place on the canvas, even pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

impl Place {
    fn fits(self, width: u32, height: u32, melt: u32) -> bool {
        let even = [self.x, self.y, self.width, self.height].iter().all(|n| n.is_multiple_of(2));
        let inside = |from: u32, length: u32, most: u32| {
            length > 0 && from.checked_add(length).is_some_and(|end| end <= most)
        };
        even && inside(self.x, self.width, width)
            && inside(self.y, self.height, height)
            && melt <= self.height
    }
}

/// A picture with a slow move over it; the ground colour is around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shot {
    /// What.
    pub source: Source,
    /// Where.
    pub place: Place,
    /// Rows at its foot over which it melts into the ground colour, pixels, even.
    pub melt: u32,
    /// Start of the move.
    pub from: View,
    /// End of the move.
    pub to: View,
    /// The middle of the view in each frame of the scene, where a camera follows what moves: shares from the left and from
    /// the top. The last one holds. Without it the move goes straight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<[f64; 2]>,
}

/// Beyond this enlargement a photo that is shown whole is a blur.
const MOST_ENLARGED: u32 = 2;

impl Shot {
    /// What it covers of the canvas: its place, or the part of it in which a whole photo keeps its shape.
    pub fn covered(&self) -> Place {
        let Source::Whole { width, height, .. } = self.source else { return self.place };
        let place = self.place;
        let [wide, tall, across, down] = [width, height, place.width, place.height].map(u64::from);
        let (wide, tall) = (wide.max(1), tall.max(1));
        // The side that fills its room first decides, and how far pixels may be enlarged.
        let (across, down) = if across * tall <= down * wide {
            (across, across * tall / wide)
        } else {
            (down * wide / tall, down)
        };
        let most = u64::from(MOST_ENLARGED);
        let (across, down) = if across > wide * most || down > tall * most {
            (wide * most, tall * most)
        } else {
            (across, down)
        };
        let even = |side: u64, room: u32| {
            let side = u32::try_from(side).unwrap_or(room) & !1;
            side.clamp(2, room.max(2))
        };
        let (across, down) = (even(across, place.width), even(down, place.height));
        let middle =
            |from: u32, room: u32, side: u32| from + ((room.saturating_sub(side) / 2) & !1);
        Place {
            x: middle(place.x, place.width, across),
            y: middle(place.y, place.height, down),
            width: across,
            height: down,
        }
    }
}

/// What a scene shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SceneKind {
    /// Headline.
    Title,
    /// One point.
    Point,
    /// One big figure.
    Figure,
    /// Words of a person.
    Quote,
    /// A step of a procedure or an event.
    Step,
    /// A table.
    Table,
    /// A chart.
    Chart,
    /// A photo, whole, with its caption.
    Picture,
    /// An emergency bulletin.
    Alert,
    /// A part of a video.
    Cut,
    /// Address and QR code.
    End,
}

/// A part of the clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// What it shows.
    pub kind: SceneKind,
    /// Index of the beat of the storyboard it tells.
    pub beat: u32,
    /// First frame of the clip it is seen in.
    pub start: u32,
    /// Frames until the next scene starts.
    pub frames: u32,
    /// How it takes over from the one before.
    pub enter: Transition,
    /// Frames over which it takes over; 0 is a hard cut.
    pub fade_in: u32,
    /// Frames over which the next one takes over.
    pub fade_out: u32,
    /// Its picture.
    pub shot: Option<Shot>,
    /// Its layers, lowest first.
    pub cues: Vec<Cue>,
}

/// Something the canvas draws: a template with its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plate {
    /// Name within the clip.
    pub id: String,
    /// Template.
    pub template: String,
    /// Its data.
    pub data: Value,
    /// Pixels at the top, right, bottom and left its text keeps out of.
    pub safe: [u32; 4],
    /// Whether it is drawn in the agency's own kit, not in the one of its family.
    pub own: bool,
}

/// Where words come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Origin {
    /// A whole passage of the brief.
    Passage {
        /// Its place in the article.
        span: Span,
        /// What was done to it.
        edits: Vec<Edit>,
    },
    /// Some words of a passage of the brief, in their order.
    Part {
        /// The passage.
        passage: Passage,
    },
    /// Words at a place of the article.
    Words {
        /// The place.
        span: Span,
    },
    /// What the article says under a photo, or some words of it in their order.
    Caption {
        /// Index of the photo.
        photo: u32,
        /// Whether it is some words of it.
        part: bool,
    },
    /// Whose a photo is, as the article says.
    Credit {
        /// Index of the photo.
        photo: u32,
    },
    /// A field of the article or of the order, for example `source.publisher` or `link`.
    Fact {
        /// Its name.
        field: String,
    },
    /// The place of a step among the steps of a procedure.
    Counted {
        /// How many there are.
        of: usize,
    },
    /// Seen for a moment on the way to a figure that counts up.
    Counting {
        /// The figure, which stands after it.
        to: String,
    },
}

/// A string that is drawn, and its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// Plate it stands on.
    pub plate: String,
    /// Field of the plate's data.
    pub field: String,
    /// The words.
    pub text: String,
    /// Where they come from.
    pub origin: Origin,
    /// Whether a person rewrote them.
    pub edited: bool,
}

/// A caption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caption {
    /// First frame.
    pub start: u32,
    /// One past its last frame.
    pub end: u32,
    /// One or two lines of at most 42 characters.
    pub lines: Vec<String>,
}

/// A whole clip as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Frames.
    pub canvas: Canvas,
    /// Colour where there is no photo.
    pub ground: [u8; 3],
    /// Colour of the progress bar.
    pub bar_colour: [u8; 3],
    /// Height of the progress bar at the bottom, pixels, even; 0 is none.
    pub bar_height: u32,
    /// Scenes in order, without gaps.
    pub scenes: Vec<Scene>,
    /// Layers above all scenes, in frames of the clip.
    pub overlays: Vec<Cue>,
    /// What the canvas draws.
    pub plates: Vec<Plate>,
    /// Captions for people who switch them on: every word of the clip in order.
    pub captions: Vec<Caption>,
    /// Every string drawn, with its origin.
    pub texts: Vec<Drawn>,
    /// Whether photos are cleaned of grain.
    pub clean_photos: bool,
    /// Frame shown as the poster.
    pub poster: u32,
    /// Alternative text.
    pub alt: String,
}

impl Timeline {
    /// Frames in all.
    pub fn frames(&self) -> u32 {
        self.scenes.last().map_or(0, |scene| scene.start + scene.frames)
    }

    /// Milliseconds in all.
    pub fn duration_ms(&self) -> u64 {
        self.ms(self.frames())
    }

    /// The moment of a frame, milliseconds.
    pub fn ms(&self, frame: u32) -> u64 {
        u64::from(frame) * 1000 / u64::from(self.canvas.fps.max(1))
    }

    /// The scene seen at a frame, and its index. Past the end: the last one.
    ///
    /// # Panics
    /// When there is no scene, which [`Timeline::check`] refuses.
    pub fn scene_at(&self, frame: u32) -> (usize, &Scene) {
        let after = self.scenes.partition_point(|scene| scene.start <= frame);
        let index = after.saturating_sub(1);
        (index, &self.scenes[index])
    }

    /// Whether it adds up: even sides, scenes without gaps, fades no longer than scenes.
    ///
    /// # Errors
    /// [`Error::Timeline`] with what does not.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::Timeline(what));
        let Canvas { width, height, fps } = self.canvas;
        let sane = |side: u32| side.is_multiple_of(2) && (16..=4096).contains(&side);
        if !sane(width) || !sane(height) || !(1..=60).contains(&fps) {
            return wrong(format!("a canvas of {width}x{height} at {fps} frames a second"));
        }
        if !self.bar_height.is_multiple_of(2) || self.bar_height > height {
            return wrong(format!("a progress bar of {} pixels", self.bar_height));
        }
        let mut next = 0;
        for (i, scene) in self.scenes.iter().enumerate() {
            let fits = scene.start == next
                && scene.frames > 0
                && scene.fade_in <= scene.frames
                && (i > 0 || scene.fade_in == 0);
            if !fits {
                return wrong(format!(
                    "scene {i} starts at {} and lasts {}",
                    scene.start, scene.frames
                ));
            }
            if let Some(shot) = &scene.shot
                && !shot.place.fits(width, height, shot.melt)
            {
                return wrong(format!("a picture at {:?} in scene {i}", shot.place));
            }
            next += scene.frames;
        }
        match next {
            0 => wrong("a clip without a scene".into()),
            _ => Ok(()),
        }
    }
}
