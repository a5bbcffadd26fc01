//! The two layouts of a clip: one for phones on a good link, one for slow links.

use loa_canvas::Theme;

use crate::timeline::{Canvas, SceneKind};

/// Colours of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Where there is no photo.
    pub ground: [u8; 3],
    /// Progress bar.
    pub accent: [u8; 3],
}

impl From<&Theme> for Look {
    /// The ground is the shade that the templates put under text, so that a photo melts into it without an edge.
    fn from(theme: &Theme) -> Self {
        let shade = |c: u8| u8::try_from(u32::from(c) * 45 / 100).unwrap_or(u8::MAX);
        Self { ground: theme.brand_dark.0.map(shade), accent: theme.accent.0 }
    }
}

/// How a kind of clip looks and how long it lasts.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) canvas: Canvas,
    pub(crate) safe: [u32; 4],
    pub(crate) bar_height: u32,
    /// Frames of a cross-fade; 0 cuts.
    pub(crate) fade: u32,
    /// Photos stand still and are cleaned, words are there at once.
    pub(crate) still: bool,
    /// Burned-in captions and a lower third.
    pub(crate) extras: bool,
    /// How far the words of a scene move up when something stands below them, pixels.
    pub(crate) raise: u32,
    pub(crate) photo_height: u32,
    pub(crate) melt: u32,
    /// Longest passage that is told below a scene, characters.
    pub(crate) longest_below: u32,
    /// Longest standfirst that is told below the title; a longer one is a scene of its own.
    pub(crate) short_sapo: u32,
    pub(crate) least_s: f64,
    pub(crate) end_s: f64,
    pub(crate) shortest_s: f64,
    pub(crate) longest_s: f64,
}

/// 9:16 at 30 frames a second. The lower sixth and a strip on the right are under the buttons of the apps.
pub(crate) const SHORT: Layout = Layout {
    canvas: Canvas { width: 1080, height: 1920, fps: 30 },
    safe: [96, 40, 250, 0],
    bar_height: 12,
    fade: 15,
    still: false,
    extras: true,
    raise: 190,
    photo_height: 1480,
    melt: 520,
    longest_below: 180,
    short_sapo: 110,
    least_s: 3.5,
    end_s: 4.0,
    shortest_s: 15.0,
    longest_s: 50.0,
};

/// 360p for slow links: 12 frames a second are plenty when nothing moves.
pub(crate) const LOW: Layout = Layout {
    canvas: Canvas { width: 360, height: 640, fps: 12 },
    safe: [0; 4],
    bar_height: 0,
    fade: 0,
    still: true,
    extras: false,
    raise: 0,
    photo_height: 272,
    melt: 0,
    longest_below: 0,
    short_sapo: 0,
    least_s: 4.0,
    end_s: 5.0,
    shortest_s: 15.0,
    longest_s: 58.0,
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

    /// Template of a scene and how many layers it has.
    pub(crate) fn template(&self, kind: SceneKind, photo: bool) -> (&'static str, usize) {
        match (self.still, kind) {
            (true, SceneKind::Title) if photo => ("clip-low-photo", 1),
            (true, SceneKind::End) => ("clip-low-end", 1),
            (true, _) => ("clip-low", 1),
            (false, SceneKind::Title) => ("clip-title", 3),
            (false, SceneKind::Point) => ("clip-point", 3),
            (false, SceneKind::Figure) => ("clip-figure", 4),
            (false, SceneKind::Quote) => ("clip-quote", 4),
            (false, SceneKind::End) => ("clip-end", 3),
        }
    }

    /// Whether a scene of this kind has a photo.
    pub(crate) fn shows_photo(&self, kind: SceneKind) -> bool {
        !self.still || kind == SceneKind::Title
    }
}
