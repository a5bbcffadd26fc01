//! The layouts of a film: for phones, for screens, for feeds, and two for slow links.

use loa_canvas::Engine;
use loa_model::{Topic, Transition};

use crate::timeline::{Canvas, Place, SceneKind};

/// Colours of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Where there is no photo.
    pub ground: [u8; 3],
    /// Progress bar.
    pub accent: [u8; 3],
    /// Whether the agency shares the look of a family: its own mark is on the opening and on the end card.
    pub shared: bool,
}

impl Look {
    /// The look of an agency's clips.
    ///
    /// The ground is the shade that the templates put under text, so that a photo melts into it without an edge.
    ///
    /// # Errors
    /// [`loa_canvas::Error::UnknownBrand`] when the agency's kit or the one of its family is not there.
    pub fn of(engine: &Engine, brand: &str) -> loa_canvas::Result<Self> {
        let family = engine.family(brand)?;
        let shade = |c: u8| u8::try_from(u32::from(c) * 45 / 100).unwrap_or(u8::MAX);
        Ok(Self {
            ground: family.theme.brand_dark.0.map(shade),
            accent: family.theme.accent.0,
            shared: family.id != brand,
        })
    }
}

/// The names on a map cannot be read on a narrower screen, pixels.
const NARROWEST_PICTURE: u32 = 320;

/// How a kind of film looks and how long it lasts.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) canvas: Canvas,
    pub(crate) safe: [u32; 4],
    pub(crate) bar_height: u32,
    /// Frames of a transition; 0 cuts.
    pub(crate) fade: u32,
    /// Photos stand still and are cleaned, words are there at once.
    pub(crate) still: bool,
    /// Burned-in captions and a lower third.
    pub(crate) extras: bool,
    /// Everything in the brief is told, as long as there is time.
    pub(crate) whole: bool,
    /// How far the words of a scene move up when something stands below them, pixels.
    pub(crate) raise: u32,
    /// What captions and the lower third keep out of.
    pub(crate) beside: [u32; 4],
    /// Where photos are.
    pub(crate) photo: Place,
    /// Where photos are that are shown whole; words may take of its foot what they need.
    pub(crate) whole_photo: Place,
    pub(crate) melt: u32,
    /// Longest passage that is told below a scene, characters.
    pub(crate) longest_below: usize,
    /// Most characters of a page of words; more are parted into pages. 0 is no limit.
    pub(crate) page: usize,
    pub(crate) least_s: f64,
    pub(crate) end_s: f64,
    pub(crate) shortest_s: u64,
    pub(crate) longest_s: u64,
    /// How many times slower than it reads a story may be told.
    pub(crate) slowest: f64,
}

/// 9:16 at 30 frames a second. The lower sixth and a strip on the right are under the buttons of the apps.
pub(crate) const SHORT: Layout = Layout {
    canvas: Canvas { width: 1080, height: 1920, fps: 30 },
    safe: [96, 40, 250, 0],
    bar_height: 12,
    fade: 15,
    still: false,
    extras: true,
    whole: false,
    raise: 190,
    beside: [96, 40, 250, 0],
    photo: Place { x: 0, y: 0, width: 1080, height: 1480 },
    whole_photo: Place { x: 40, y: 284, width: 1000, height: 1310 },
    melt: 520,
    longest_below: 180,
    page: 0,
    least_s: 3.5,
    end_s: 4.0,
    shortest_s: 15,
    longest_s: 60,
    slowest: 3.0,
};

/// 16:9 at 30 frames a second: words on the left, the photo on the right.
pub(crate) const LONG: Layout = Layout {
    canvas: Canvas { width: 1920, height: 1080, fps: 30 },
    safe: [0; 4],
    bar_height: 8,
    fade: 15,
    still: false,
    extras: true,
    whole: true,
    raise: 0,
    // Words stand on the left half: what is told below them is told under the photo.
    beside: [0, 60, 40, 960],
    photo: Place { x: 900, y: 0, width: 1020, height: 1080 },
    whole_photo: Place { x: 740, y: 56, width: 1132, height: 960 },
    melt: 0,
    longest_below: 180,
    page: 0,
    least_s: 4.0,
    end_s: 6.0,
    shortest_s: 60,
    longest_s: 180,
    slowest: 1.6,
};

/// 1:1 at 30 frames a second.
pub(crate) const SQUARE: Layout = Layout {
    canvas: Canvas { width: 1080, height: 1080, fps: 30 },
    safe: [0; 4],
    bar_height: 10,
    fade: 15,
    still: false,
    extras: false,
    whole: false,
    raise: 0,
    beside: [0; 4],
    photo: Place { x: 0, y: 0, width: 1080, height: 1080 },
    whole_photo: Place { x: 32, y: 176, width: 1016, height: 844 },
    melt: 0,
    longest_below: 0,
    page: 0,
    ..SHORT
};

/// 360p for slow links: 12 frames a second are plenty when nothing moves.
pub(crate) const LOW: Layout = Layout {
    canvas: Canvas { width: 360, height: 640, fps: 12 },
    safe: [0; 4],
    bar_height: 0,
    fade: 0,
    still: true,
    extras: false,
    whole: false,
    raise: 0,
    beside: [0; 4],
    photo: Place { x: 0, y: 0, width: 360, height: 272 },
    whole_photo: Place { x: 0, y: 0, width: 360, height: 640 },
    melt: 0,
    longest_below: 0,
    page: 150,
    least_s: 4.0,
    end_s: 5.0,
    shortest_s: 15,
    longest_s: 60,
    slowest: 3.0,
};

/// 240p for the slowest links.
pub(crate) const LOWEST: Layout = Layout {
    canvas: Canvas { width: 240, height: 426, fps: 10 },
    photo: Place { x: 0, y: 0, width: 240, height: 182 },
    whole_photo: Place { x: 0, y: 0, width: 240, height: 426 },
    page: 110,
    ..LOW
};

impl Layout {
    /// Seconds in frames, rounded up.
    pub(crate) fn frames(&self, seconds: f64) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "scenes last seconds, not years"
        )]
        let frames = (seconds * f64::from(self.canvas.fps)).ceil() as u32;
        frames
    }

    /// Whether a scene of this topic can be told in this layout. Slow links get words, figures and bars, and a map or diagram
    /// where it has pixels enough to be read.
    pub(crate) fn shows(&self, topic: &Topic) -> bool {
        match topic {
            Topic::Table | Topic::Alert | Topic::Cut(_) => !self.still,
            Topic::Picture(_) => self.canvas.width >= NARROWEST_PICTURE,
            _ => true,
        }
    }

    /// Most characters of a page of this topic; 0 is no limit. Under a picture there is less room.
    pub(crate) fn page_of(&self, topic: &Topic) -> usize {
        if matches!(topic, Topic::Picture(_)) { self.page * 2 / 3 } else { self.page }
    }

    /// Most rows of the brief's table on a screen, told as a table or as a chart. Fewer cannot be read at a glance, and no row
    /// is ever left out.
    pub(crate) fn rows(&self, topic: &Topic) -> usize {
        match topic {
            Topic::Chart if self.still => 5,
            Topic::Chart => 8,
            _ => 6,
        }
    }

    /// Template of a scene and how many layers it has.
    pub(crate) fn template(&self, kind: SceneKind, photo: bool) -> (&'static str, usize) {
        match (self.still, kind) {
            (true, SceneKind::Title) if photo => ("clip-low-photo", 1),
            (true, SceneKind::End) => ("clip-low-end", 1),
            (true, SceneKind::Step) => ("clip-low-steps", 1),
            (true, SceneKind::Chart) => ("clip-low-chart", 1),
            (true, SceneKind::Picture) => ("clip-low-picture", 1),
            (true, _) => ("clip-low", 1),
            (false, SceneKind::Title) => ("clip-title", 3),
            (false, SceneKind::Point) => ("clip-point", 3),
            (false, SceneKind::Figure) => ("clip-figure", 4),
            (false, SceneKind::Quote) => ("clip-quote", 4),
            (false, SceneKind::Step) => ("clip-steps", 5),
            (false, SceneKind::Table) => ("clip-table", 9),
            (false, SceneKind::Chart) => ("clip-chart", 19),
            (false, SceneKind::Picture) => ("clip-picture", 3),
            (false, SceneKind::Alert) => ("clip-alert", 8),
            (false, SceneKind::Cut) => ("clip-cut", 1),
            (false, SceneKind::End) => ("clip-end", 3),
        }
    }

    /// Whether a scene of this kind has a photo.
    pub(crate) fn shows_photo(&self, kind: SceneKind) -> bool {
        match kind {
            SceneKind::End | SceneKind::Alert | SceneKind::Cut => false,
            SceneKind::Title => true,
            _ => !self.still,
        }
    }

    /// How a scene takes over: as a person asked, and at once where nothing moves.
    pub(crate) fn transition(&self, asked: Option<Transition>) -> (Transition, u32) {
        match asked.unwrap_or_default() {
            Transition::Cut => (Transition::Cut, 0),
            _ if self.fade == 0 => (Transition::Cut, 0),
            other => (other, self.fade),
        }
    }
}
