//! What a laid-out page really says: every run of text with its size and place, read from the frames and not from the template's word.

use typst::foundations::{Bytes, Smart};
use typst::layout::{Abs, Frame, FrameItem, Point, Rect, Size, Transform};
use typst::text::TextItem;
use typst::visualize::{FixedStroke, Image, ImageKind, Paint};
use typst_layout::Page;

use crate::raster::{Placed, placed};

/// How much of the edge of a letter is soft, points.
pub(crate) const SOFT_EDGE: f64 = 1.0;

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

/// What a walk over a page finds.
#[derive(Default)]
struct Found<'a> {
    texts: Vec<DrawnText>,
    images: Vec<&'a Image>,
    /// Those of them that a tiling repeats.
    tiled: Vec<&'a Image>,
}

impl<'a> Found<'a> {
    fn on(number: usize, page: &'a Page) -> Self {
        let mut found = Self::default();
        let window = Rect::from_pos_size(Point::zero(), page.frame.size());
        if let Smart::Custom(Some(paint)) = &page.fill {
            tile(number, Some(paint), Transform::identity(), window, &mut found);
        }
        walk(number, &page.frame, Transform::identity(), window, &mut found);
        found
    }
}

/// Reads every run of text of a page.
pub(crate) fn texts(number: usize, page: &Page) -> Vec<DrawnText> {
    Found::on(number, page).texts
}

/// What a page may not show, if it does: a picture that is none of these files could hold any words, and a photo is laid once.
pub(crate) fn refused_picture<'f>(
    page: &Page,
    files: &(impl Iterator<Item = &'f Bytes> + Clone),
    photos: &[Placed],
) -> Option<&'static str> {
    let found = Found::on(0, page);
    let is_foreign = |image: &&Image| {
        let bytes = match image.kind() {
            ImageKind::Raster(raster) => raster.data(),
            ImageKind::Svg(svg) => svg.data(),
            ImageKind::Pdf(_) => return true,
        };
        !files.clone().any(|file| file == bytes)
    };
    if found.images.iter().any(is_foreign) {
        return Some("a picture that it was not handed: words in it are not seen");
    }
    let is_photo = |image: &&Image| placed(image, photos).is_some();
    found.tiled.iter().any(is_photo).then_some("a photo in a tiling: place it as an image")
}

/// What a tiling repeats is drawn too, be it the ground of a page, of a shape or of letters.
fn tile<'a>(
    page: usize,
    paint: Option<&'a Paint>,
    at: Transform,
    window: Rect,
    found: &mut Found<'a>,
) {
    if let Some(Paint::Tiling(tiling)) = paint {
        let before = found.images.len();
        walk(page, tiling.frame(), at, window, found);
        found.tiled.extend_from_slice(&found.images[before..]);
    }
}

fn line(stroke: Option<&FixedStroke>) -> Option<&Paint> {
    stroke.map(|stroke| &stroke.paint)
}

fn walk<'a>(page: usize, frame: &'a Frame, at: Transform, window: Rect, found: &mut Found<'a>) {
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
                tile(page, Some(&run.fill), here, window, found);
                tile(page, line(run.stroke.as_ref()), here, window, found);
                let area = moved(line_box(run), here);
                let colour = match &run.fill {
                    Paint::Solid(colour) => Some(colour.to_vec4_u8()),
                    _ => None,
                };
                // The ink and not the line: a hook that is shaved off makes another letter. Spaces have none.
                let ink = run.bbox();
                let whole =
                    !ink.min.x.to_pt().is_finite() || within(moved(ink, here), window, SOFT_EDGE);
                let scale = (here.sy.get().powi(2) + here.kx.get().powi(2)).sqrt();
                found.texts.push(DrawnText {
                    page,
                    text: run.text.to_string(),
                    size: run.size.to_pt() * scale,
                    area: [area.min.x, area.min.y, area.max.x, area.max.y].map(Abs::to_pt),
                    colour,
                    whole,
                    legible: run.glyphs.iter().all(|glyph| glyph.id != 0),
                });
            }
            FrameItem::Shape(shape, _) => {
                tile(page, shape.fill.as_ref(), here, window, found);
                tile(page, line(shape.stroke.as_ref()), here, window, found);
            }
            FrameItem::Image(image, ..) => found.images.push(image),
            FrameItem::Link(..) | FrameItem::Tag(_) => {}
        }
    }
}

/// The box of a run of text, from ascender to descender.
pub(crate) fn line_box(run: &TextItem) -> Rect {
    let metrics = run.font.metrics();
    let (up, down) = (metrics.ascender.at(run.size), metrics.descender.at(run.size));
    Rect::from_pos_size(Point::new(Abs::zero(), -up), Size::new(run.width(), up - down))
}

/// The box around a rectangle after a move.
pub(crate) fn moved(area: Rect, by: Transform) -> Rect {
    let (min, max) = (area.min, area.max);
    let corners = [min, Point::new(max.x, min.y), max, Point::new(min.x, max.y)];
    let corners = corners.map(|corner| corner.transform(by));
    corners.iter().fold(Rect::new(corners[0], corners[0]), |all, corner| {
        Rect::new(all.min.min(*corner), all.max.max(*corner))
    })
}

/// Whether it lies inside, but for `slack` points.
pub(crate) fn within(area: Rect, window: Rect, slack: f64) -> bool {
    let slack = Abs::pt(slack);
    area.min.x >= window.min.x - slack
        && area.max.x <= window.max.x + slack
        && area.min.y >= window.min.y - slack
        && area.max.y <= window.max.y + slack
}

/// What lies in both.
pub(crate) fn intersect(one: Rect, two: Rect) -> Rect {
    Rect::new(one.min.max(two.min), one.max.min(two.max))
}
