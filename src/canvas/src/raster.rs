//! From a laid-out page to pixels. Letters and shapes are drawn by the compiler's renderer; photos and plain rectangles are laid in
//! their place, and a clip that cuts nothing is left out, since these cost the renderer more than all the rest of a card.

use typst::{
    foundations::{Bytes, Smart},
    layout::{Abs, Frame, FrameItem, GroupItem, Point, Rect, Transform},
    visualize::{
        Curve, CurveItem, Geometry, Image, ImageKind, Paint, PixelEncoding, PixelFormat,
        RasterImage,
    },
};
use typst_layout::Page;
use typst_render::RenderOptions;

use crate::{
    Pixels, PreparedPhoto,
    inspect::{SOFT_EDGE, intersect, line_box, moved, within},
    under::{Grid, Under},
};

/// A photo, and the empty picture of its size that a template lays out in its place.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    photo: PreparedPhoto,
    stand_in: Bytes,
}

impl Placed {
    pub(crate) fn new(index: usize, photo: &PreparedPhoto) -> Self {
        // Sizes without a unit are read at 96 to the inch; laid out, a pixel is a point.
        let [width, height] = [photo.width, photo.height].map(|side| f64::from(side) / 0.75);
        let stand_in = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"photo-{index}\" width=\"{width}\" height=\"{height}\"/>"
        );
        Self { photo: photo.clone(), stand_in: Bytes::new(stand_in.into_bytes()) }
    }

    /// The picture that a template is handed.
    pub(crate) fn stand_in(&self) -> &Bytes {
        &self.stand_in
    }

    /// The photo as a picture of the compiler, for places where it cannot be laid as it is.
    fn picture(&self) -> Image {
        let PreparedPhoto { width, height, rgb, .. } = &self.photo;
        let format = PixelFormat { encoding: PixelEncoding::Rgb8, width: *width, height: *height };
        let raster = RasterImage::plain(Bytes::new(rgb.to_vec()), format);
        Image::plain(raster.expect("as many bytes as its size says"))
    }
}

/// Draws a page at `scale` pixels per point.
pub(crate) fn draw(page: &Page, scale: f64, photos: &[Placed]) -> Pixels {
    let render = |frame: Frame, fill: Smart<Option<Paint>>| {
        let options = RenderOptions { pixel_per_pt: scale.into(), render_bleed: false };
        let pixmap = typst_render::render(&Page { frame, fill, ..page.clone() }, &options);
        Pixels { width: pixmap.width(), height: pixmap.height(), rgba: pixmap.take() }
    };
    let whole = Rect::from_pos_size(Point::zero(), page.frame.size());
    let grid = Grid::new(whole.size(), scale);
    let (frame, _) = eased(&page.frame, Transform::identity(), whole);
    let (first, above) = cut(&frame, Transform::identity(), Some(whole), photos);
    let mut under = match page.fill_or_white().map(|paint| opaque(&paint)) {
        None => Under::plain(grid, [0; 4]),
        Some(Some(colour)) => Under::plain(grid, colour),
        Some(None) => Under::drawn(grid, render(Frame::soft(whole.size()), page.fill.clone())),
    };
    let first = (None, first);
    let above = above.into_iter().map(|(shot, over)| (Some(shot), over));
    for (shot, over) in std::iter::once(first).chain(above) {
        if let Some(shot) = shot {
            under.lay_photo(shot.photo, shot.area, shot.window);
        }
        let mut skimmed = Skimmed::default();
        let rest = skimmed.skim(&over, Transform::identity(), Some(whole));
        for (area, colour) in skimmed.plain {
            under.lay_plain(area, colour);
        }
        if !rest.is_empty() {
            let over = render(rest, Smart::Custom(None));
            under = Under::drawn(grid, under.covered(&over, &skimmed.drawn));
        }
    }
    under.picture()
}

// --- clips ------------------------------------------------------------------

/// The same frame without clips that cut nothing, and the area that it may draw on. Each clip is a mask as large as the page.
fn eased(frame: &Frame, at: Transform, page: Rect) -> (Frame, Option<Rect>) {
    let mut out = Frame::new(frame.size(), frame.kind());
    let mut extent: Option<Rect> = None;
    for (position, item) in frame.items() {
        let here = at.pre_concat(Transform::translate(position.x, position.y));
        let (item, area) = match item {
            FrameItem::Group(group) => {
                let inside = here.pre_concat(group.transform);
                let (frame, mut area) = eased(&group.frame, inside, page);
                let clip = group.clip.clone().filter(|clip| {
                    let window = window_of(clip, inside);
                    let drawn = area.map(|area| intersect(area, page));
                    let idle = match (window, drawn) {
                        (Some(window), Some(drawn)) => within(drawn, window, 0.0),
                        (_, drawn) => drawn.is_none(),
                    };
                    if let Some(window) = window.filter(|_| !idle) {
                        area = area.map(|area| intersect(area, window));
                    }
                    !idle
                });
                (FrameItem::Group(GroupItem { frame, clip, ..group.clone() }), area)
            }
            _ => (item.clone(), area_of(item, here, -SOFT_EDGE)),
        };
        out.push(*position, item);
        extent = match (extent, area) {
            (Some(all), Some(one)) => Some(Rect::new(all.min.min(one.min), all.max.max(one.max))),
            (all, one) => all.or(one),
        };
    }
    (out, extent)
}

/// Where an item draws, `more` points added around letters; nothing when it draws nothing.
fn area_of(item: &FrameItem, at: Transform, more: f64) -> Option<Rect> {
    let (area, stroke, more) = match item {
        FrameItem::Text(run) => {
            let ink = run.bbox();
            if !ink.min.x.to_pt().is_finite() && run.text.trim().is_empty() {
                return None;
            }
            // Letters that are pictures have no outline.
            let ink = if ink.min.x.to_pt().is_finite() { ink } else { line_box(run) };
            (ink, run.stroke.as_ref(), more)
        }
        FrameItem::Shape(shape, _) => (shape.bbox(false), shape.stroke.as_ref(), 0.0),
        FrameItem::Image(_, size, _) => (Rect::from_pos_size(Point::zero(), *size), None, 0.0),
        FrameItem::Group(_) | FrameItem::Link(..) | FrameItem::Tag(_) => return None,
    };
    let reach = stroke
        .map_or(Abs::zero(), |stroke| stroke.thickness * stroke.miter_limit.get().max(1.5) / 2.0);
    let by = Point::splat(reach + Abs::pt(more));
    // Ink of text is handed over upside down.
    let (min, max) = (area.min.min(area.max), area.min.max(area.max));
    Some(moved(Rect::new(min - by, max + by), at))
}

/// The window that a clip is, when it is an upright rectangle.
fn window_of(clip: &Curve, at: Transform) -> Option<Rect> {
    let area = clip.bbox(None);
    let corner = |point: &Point| {
        [area.min.x, area.max.x].contains(&point.x) && [area.min.y, area.max.y].contains(&point.y)
    };
    let straight = clip.0.iter().all(|item| match item {
        CurveItem::Move(point) | CurveItem::Line(point) => corner(point),
        CurveItem::Cubic(..) => false,
        CurveItem::Close => true,
    });
    (straight && is_upright(at)).then(|| moved(area, at))
}

fn is_upright(at: Transform) -> bool {
    at.kx.is_zero() && at.ky.is_zero() && at.sx.get() > 0.0 && at.sy.get() > 0.0
}

/// What is seen of a group in a window; nothing when that is no upright rectangle.
fn window_in(group: &GroupItem, inside: Transform, window: Option<Rect>) -> Option<Rect> {
    match &group.clip {
        Some(clip) => Some(intersect(window?, window_of(clip, inside)?)),
        None => window,
    }
}

// --- photos -----------------------------------------------------------------

/// A photo on a page, in points.
struct Shot<'a> {
    photo: &'a PreparedPhoto,
    area: Rect,
    /// What is seen of it.
    window: Rect,
}

/// Parts a frame at its photos: what lies below the first, then each with what lies over it. `window` is what is seen of the
/// frame; without one there is a clip that is no upright rectangle, and the compiler draws the photo too.
fn cut<'a>(
    frame: &Frame,
    at: Transform,
    window: Option<Rect>,
    photos: &'a [Placed],
) -> (Frame, Vec<(Shot<'a>, Frame)>) {
    let part = || Frame::new(frame.size(), frame.kind());
    let mut below = part();
    let mut above: Vec<(Shot<'_>, Frame)> = Vec::new();
    for (position, item) in frame.items() {
        let here = at.pre_concat(Transform::translate(position.x, position.y));
        let top = above.last_mut().map_or(&mut below, |(_, over)| over);
        match item {
            FrameItem::Group(group) if shows_any(&group.frame, photos) => {
                let inside = here.pre_concat(group.transform);
                let window = window_in(group, inside, window);
                let wrapped = |frame| FrameItem::Group(GroupItem { frame, ..group.clone() });
                let (first, rest) = cut(&group.frame, inside, window, photos);
                // An empty one would still be clipped.
                if !first.is_empty() {
                    top.push(*position, wrapped(first));
                }
                for (shot, over) in rest {
                    let mut next = part();
                    if !over.is_empty() {
                        next.push(*position, wrapped(over));
                    }
                    above.push((shot, next));
                }
            }
            FrameItem::Image(image, size, span) => match placed(image, photos) {
                None => top.push(*position, item.clone()),
                Some(placed) => {
                    if let Some(window) = window.filter(|_| is_upright(here)) {
                        let area = moved(Rect::from_pos_size(Point::zero(), *size), here);
                        above.push((Shot { photo: &placed.photo, area, window }, part()));
                    } else {
                        top.push(*position, FrameItem::Image(placed.picture(), *size, *span));
                    }
                }
            },
            _ => top.push(*position, item.clone()),
        }
    }
    (below, above)
}

/// The photo that a picture stands for.
pub(crate) fn placed<'a>(image: &Image, photos: &'a [Placed]) -> Option<&'a Placed> {
    let ImageKind::Svg(picture) = image.kind() else { return None };
    photos.iter().find(|placed| placed.stand_in == *picture.data())
}

fn shows_any(frame: &Frame, photos: &[Placed]) -> bool {
    frame.items().any(|(_, item)| match item {
        FrameItem::Group(group) => shows_any(&group.frame, photos),
        FrameItem::Image(image, ..) => placed(image, photos).is_some(),
        _ => false,
    })
}

// --- plain rectangles -------------------------------------------------------

/// What was taken from a frame, and where the rest of it draws.
#[derive(Default)]
struct Skimmed {
    /// Opaque upright rectangles that lie over none of the rest, in their order.
    plain: Vec<(Rect, [u8; 4])>,
    /// Areas of the rest.
    drawn: Vec<Rect>,
}

impl Skimmed {
    /// Takes the plain rectangles out of a frame and hands back the rest. `window` is as for [`cut`].
    fn skim(&mut self, frame: &Frame, at: Transform, window: Option<Rect>) -> Frame {
        let mut rest = Frame::new(frame.size(), frame.kind());
        for (position, item) in frame.items() {
            let here = at.pre_concat(Transform::translate(position.x, position.y));
            if let FrameItem::Group(group) = item {
                let inside = here.pre_concat(group.transform);
                let frame = self.skim(&group.frame, inside, window_in(group, inside, window));
                if !frame.is_empty() {
                    rest.push(*position, FrameItem::Group(GroupItem { frame, ..group.clone() }));
                }
            } else if let Some(area) = area_of(item, here, SOFT_EDGE) {
                let bare = |one: &Rect| !meet(*one, area);
                match window.and_then(|window| plain(item, here, window)) {
                    Some(plain) if self.drawn.iter().all(bare) => self.plain.push(plain),
                    _ => {
                        self.drawn.push(area);
                        rest.push(*position, item.clone());
                    }
                }
            }
        }
        rest
    }
}

/// A rectangle of one opaque colour.
fn plain(item: &FrameItem, at: Transform, window: Rect) -> Option<(Rect, [u8; 4])> {
    let FrameItem::Shape(shape, _) = item else { return None };
    let Geometry::Rect(_) = shape.geometry else { return None };
    if shape.stroke.is_some() || !is_upright(at) {
        return None;
    }
    let colour = opaque(shape.fill.as_ref()?)?;
    Some((intersect(moved(shape.bbox(false), at), window), colour))
}

fn opaque(paint: &Paint) -> Option<[u8; 4]> {
    let Paint::Solid(colour) = paint else { return None };
    Some(colour.to_vec4_u8()).filter(|colour| colour[3] == u8::MAX)
}

/// Whether two areas have a pixel in common.
fn meet(one: Rect, two: Rect) -> bool {
    let edge = Abs::pt(1.0);
    one.min.x < two.max.x + edge
        && two.min.x < one.max.x + edge
        && one.min.y < two.max.y + edge
        && two.min.y < one.max.y + edge
}
