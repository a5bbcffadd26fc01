//! What a laid-out page really says: every run of text with its size and place, read from the frames and not from the template's word.

use typst::layout::{Abs, Frame, FrameItem, Point, Rect, Size, Transform};
use typst::visualize::Paint;

/// A run of text as it stands on a page. Coordinates are pixels of the canvas.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnText {
    /// Page or layer, from 0.
    pub page: usize,
    /// Its characters.
    pub text: String,
    /// Height of its type.
    pub size: f64,
    /// Left, top, right, bottom of its line box.
    pub area: [f64; 4],
    /// Colour, RGBA, when it is a plain one.
    pub colour: Option<[u8; 4]>,
    /// Whether all of it lies on the canvas and inside whatever clips it.
    pub whole: bool,
    /// Whether the fonts have every letter of it.
    pub legible: bool,
}

/// Reads every run of text of a page.
pub(crate) fn texts(page: usize, frame: &Frame) -> Vec<DrawnText> {
    let mut found = Vec::new();
    let window = Rect::from_pos_size(Point::zero(), frame.size());
    walk(page, frame, Transform::identity(), window, &mut found);
    found
}

fn walk(page: usize, frame: &Frame, at: Transform, window: Rect, found: &mut Vec<DrawnText>) {
    for (position, item) in frame.items() {
        let here = at.pre_concat(Transform::translate(position.x, position.y));
        match item {
            FrameItem::Group(group) => {
                let inside = here.pre_concat(group.transform);
                let window = match &group.clip {
                    Some(clip) => intersect(window, moved(clip.bbox(None), inside)),
                    None => window,
                };
                walk(page, &group.frame, inside, window, found);
            }
            // Marks without a width repeat the text of their letter, which has a run of its own.
            FrameItem::Text(run) if run.width() < Abs::pt(0.1) => {}
            FrameItem::Text(run) => {
                let metrics = run.font.metrics();
                let (up, down) = (metrics.ascender.at(run.size), metrics.descender.at(run.size));
                let line = Rect::from_pos_size(
                    Point::new(Abs::zero(), -up),
                    Size::new(run.width(), up - down),
                );
                let area = moved(line, here);
                let colour = match &run.fill {
                    Paint::Solid(colour) => Some(colour.to_vec4_u8()),
                    _ => None,
                };
                // The ink and not the line: a hook that is shaved off makes another letter. Spaces have none.
                let ink = run.bbox();
                let whole = !ink.min.x.to_pt().is_finite() || within(moved(ink, here), window);
                let scale = (here.sy.get().powi(2) + here.kx.get().powi(2)).sqrt();
                found.push(DrawnText {
                    page,
                    text: run.text.to_string(),
                    size: run.size.to_pt() * scale,
                    area: [area.min.x, area.min.y, area.max.x, area.max.y].map(Abs::to_pt),
                    colour,
                    whole,
                    legible: run.glyphs.iter().all(|glyph| glyph.id != 0),
                });
            }
            FrameItem::Shape(..)
            | FrameItem::Image(..)
            | FrameItem::Link(..)
            | FrameItem::Tag(_) => {}
        }
    }
}

/// The box around a rectangle after a move.
fn moved(area: Rect, by: Transform) -> Rect {
    let (min, max) = (area.min, area.max);
    let corners = [min, Point::new(max.x, min.y), max, Point::new(min.x, max.y)];
    let corners = corners.map(|corner| corner.transform(by));
    corners.iter().fold(Rect::new(corners[0], corners[0]), |all, corner| {
        Rect::new(all.min.min(*corner), all.max.max(*corner))
    })
}

/// Whether it lies inside, but for the soft edge of a letter.
fn within(area: Rect, window: Rect) -> bool {
    let slack = Abs::pt(1.0);
    area.min.x >= window.min.x - slack
        && area.max.x <= window.max.x + slack
        && area.min.y >= window.min.y - slack
        && area.max.y <= window.max.y + slack
}

fn intersect(one: Rect, two: Rect) -> Rect {
    Rect::new(one.min.max(two.min), one.max.min(two.max))
}
