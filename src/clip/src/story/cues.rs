//! When the layers of a scene come in, and when they leave.

use serde_json::Value;

use super::build::Builder;
use crate::timeline::{Cue, Motion, SpriteKey};

/// Layer of a figure that is counted to.
const COUNTED: usize = 16;
/// First layer with a row of a table or the shapes of a chart.
const ROWS: usize = 3;
/// First layer with a value of a chart.
const VALUES: usize = 11;

/// A plate as its layers are laid over a scene.
pub(crate) struct Layered<'a> {
    pub(crate) id: &'a str,
    pub(crate) template: &'static str,
    pub(crate) layers: usize,
    pub(crate) data: &'a Value,
}

impl Layered<'_> {
    fn counts(&self) -> usize {
        self.data["counts"].as_array().map_or(0, Vec::len)
    }

    /// Rows of its table or chart.
    fn rows(&self) -> usize {
        let of = |name: &str| self.data[name]["rows"].as_array().map_or(0, Vec::len);
        of("table").max(of("chart"))
    }
}

/// Frames of the scene.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    /// Over which it takes over.
    pub(crate) fade: u32,
    /// Until the next one starts.
    pub(crate) frames: u32,
    /// Over which the next one takes over.
    pub(crate) fade_out: u32,
    /// Whether none follows.
    pub(crate) last: bool,
}

impl Builder<'_> {
    pub(super) fn cues(&self, plate: &Layered<'_>, span: Span) -> Vec<Cue> {
        let mut cues: Vec<Cue> =
            (0..plate.layers).map(|layer| self.cue(plate, layer, span)).collect();
        let counts = plate.counts();
        if plate.template == "clip-figure" && counts > 0 {
            // With a count the figure is not among the fixed layers: the count's layers come one after the other, at last
            // the figure itself.
            let each = 2;
            let begin = cues[2].start + self.layout.frames(0.2);
            let step = |layer, start, frames| {
                let sprite = SpriteKey { plate: plate.id.into(), layer };
                Cue { sprite, start, frames, leave: 0, motion: Motion::Still }
            };
            let starts = (begin..).step_by(each as usize);
            cues.extend(
                (0..counts).zip(starts).map(|(i, start)| step(plate.layers + i, start, Some(each))),
            );
            let start = begin + each * u32::try_from(counts).unwrap_or(0);
            let shown = cues[2].frames.map(|shown| (cues[2].start + shown).saturating_sub(start));
            cues.push(Cue { leave: cues[2].leave, ..step(COUNTED, start, shown) });
        }
        cues
    }

    fn cue(&self, plate: &Layered<'_>, layer: usize, span: Span) -> Cue {
        let layout = self.layout;
        let sprite = SpriteKey { plate: plate.id.into(), layer };
        // Ground and head are alike from scene to scene and stand; words come one after the other. In a transition the old
        // ones are gone when the new ones come, a third of it later: two texts never lie over each other, and hardly a
        // moment is without words.
        let stands = layer == 0 || layout.still || (layer == 1 && plate.template != "clip-end");
        if stands {
            return Cue { sprite, start: 0, frames: None, leave: 0, motion: Motion::Still };
        }
        let base = span.fade.div_ceil(3);
        let (after, motion) = if plate.template == "clip-chart" && layer >= ROWS {
            self.grown(layer, plate.rows(), span.frames.saturating_sub(base))
        } else {
            let rise =
                Motion::Rise { frames: layout.frames(0.5), by: (layout.canvas.height / 40) & !1 };
            let rows = matches!(plate.template, "clip-table" | "clip-alert");
            let apart = layout.frames(if rows { 0.45 } else { 0.16 });
            let steps = u32::try_from(layer).unwrap_or(0).saturating_sub(2);
            (steps * apart, rise)
        };
        let start = base + after;
        let (shown, leave) = if span.last {
            (None, 0)
        } else {
            (Some((span.frames + span.fade_out / 3).saturating_sub(start)), layout.frames(0.25))
        };
        Cue { sprite, start, frames: shown, leave, motion }
    }

    /// When a layer of a chart comes in: its bars grow one after the other, and the value of each stands once its bar does.
    /// However short a person made the scene, all stands in its first half.
    fn grown(&self, layer: usize, rows: usize, frames: u32) -> (u32, Motion) {
        let layout = self.layout;
        let number = |n: usize| u32::try_from(n).unwrap_or(0);
        let [first, apart, grow, value] = [0.45, 0.28, 0.6, 0.25].map(|s| layout.frames(s));
        let whole = first + apart * number(rows.saturating_sub(1)) + grow + value;
        let room = (frames / 2).min(whole);
        let squeezed = |frames: u32| frames * room / whole.max(1);
        if layer < VALUES {
            let start = squeezed(first + apart * number(layer - ROWS));
            return (start, Motion::Grow { frames: squeezed(grow) });
        }
        let start = squeezed(first + apart * number(layer - VALUES) + grow);
        (start, Motion::Rise { frames: squeezed(value), by: 0 })
    }
}
