//! From a laid-out page to pixels. Letters and shapes are drawn by the compiler's renderer; photos are laid in their place as
//! they are, and a clip that cuts nothing is left out, since both cost the renderer more than all the rest of a card.

use typst::{
    foundations::{Bytes, Smart},
    layout::{Abs, Frame, FrameItem, GroupItem, Point, Rect, Transform},
    visualize::{
        Curve, CurveItem, FixedStroke, Geometry, Image, ImageKind, Paint, PixelEncoding,
        PixelFormat, RasterImage,
    },
};
use typst_layout::Page;
use typst_render::RenderOptions;

use crate::{
    Pixels, PreparedPhoto,
    inspect::{SOFT_EDGE, intersect, moved, within},
    pixels,
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
    fn picture(&self) -> Option<Image> {
        let PreparedPhoto { width, height, rgb, .. } = &self.photo;
        let format = PixelFormat { encoding: PixelEncoding::Rgb8, width: *width, height: *height };
        let raster = RasterImage::plain(Bytes::new(rgb.to_vec()), format).ok()?;
        Some(Image::plain(raster))
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
    let (frame, _) = eased(&page.frame, Transform::identity(), whole);
    let (first, above) = cut(&frame, Transform::identity(), Some(whole), photos);
    if above.is_empty() {
        return render(first, page.fill.clone());
    }
    let mut under = Under::plain(page, &first, scale).unwrap_or_else(|| {
        let drawn = render(first, page.fill.clone());
        Under { ground: Ground::Drawn(drawn), patches: Vec::new() }
    });
    let size = [frame.width(), frame.height()].map(|length| side(length, scale));
    for (shot, over) in above {
        under.patches.extend(shot.patch(scale, size));
        if !over.is_empty() {
            let canvas = under.covered(&render(over, Smart::Custom(None)));
            under = Under { ground: Ground::Drawn(canvas), patches: Vec::new() };
        }
    }
    match under {
        Under { ground: Ground::Drawn(canvas), patches } if patches.is_empty() => canvas,
        under => under.covered(&Pixels::filled(size[0], size[1], [0; 4])),
    }
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
            FrameItem::Text(run) => {
                let ink = run.bbox();
                let seen = ink.min.x.to_pt().is_finite();
                // The soft edge of a letter is no reason for a clip.
                let ink = grown(ink, run.stroke.as_ref(), -SOFT_EDGE);
                (item.clone(), seen.then(|| moved(ink, here)))
            }
            FrameItem::Shape(shape, _) => {
                let area = grown(shape.bbox(false), shape.stroke.as_ref(), 0.0);
                (item.clone(), Some(moved(area, here)))
            }
            FrameItem::Image(_, size, _) => {
                let area = Rect::from_pos_size(Point::zero(), *size);
                (item.clone(), Some(moved(area, here)))
            }
            FrameItem::Link(..) | FrameItem::Tag(_) => (item.clone(), None),
        };
        out.push(*position, item);
        extent = match (extent, area) {
            (Some(all), Some(one)) => Some(Rect::new(all.min.min(one.min), all.max.max(one.max))),
            (all, one) => all.or(one),
        };
    }
    (out, extent)
}

/// As far as a line along it can reach, its corners included, and `more` points.
fn grown(area: Rect, stroke: Option<&FixedStroke>, more: f64) -> Rect {
    let reach = stroke
        .map_or(Abs::zero(), |stroke| stroke.thickness * stroke.miter_limit.get().max(1.5) / 2.0);
    let by = Point::splat(reach + Abs::pt(more));
    // Ink of text is handed over upside down.
    let (min, max) = (area.min.min(area.max), area.min.max(area.max));
    Rect::new(min - by, max + by)
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
                let window = match &group.clip {
                    Some(clip) => {
                        window.and_then(|window| Some(intersect(window, window_of(clip, inside)?)))
                    }
                    None => window,
                };
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
                Some(placed) => match window.filter(|_| is_upright(here)) {
                    Some(window) => {
                        let area = moved(Rect::from_pos_size(Point::zero(), *size), here);
                        let shot = Shot { photo: &placed.photo, area, window };
                        above.push((shot, part()));
                    }
                    None => {
                        let picture = placed.picture().unwrap_or_else(|| image.clone());
                        top.push(*position, FrameItem::Image(picture, *size, *span));
                    }
                },
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

// --- what lies beneath ------------------------------------------------------

/// What lies under letters and shapes. It is made row by row: paper and photos need no picture of their own.
struct Under {
    ground: Ground,
    patches: Vec<Patch>,
}

enum Ground {
    Plain([u8; 4]),
    Drawn(Pixels),
}

/// Pixels that are looked at together: mostly all of them are clear, or none.
const RUN: usize = 16;

/// An opaque rectangle: left, top, right and bottom in pixels of the canvas.
struct Patch {
    area: [u32; 4],
    ink: Ink,
}

enum Ink {
    Plain([u8; 4]),
    /// RGB rows as wide as the area.
    Photo(Vec<u8>),
}

impl Under {
    /// Of a page with nothing but plain upright rectangles on it; nothing when there is more.
    fn plain(page: &Page, frame: &Frame, scale: f64) -> Option<Self> {
        let ground = match page.fill_or_white() {
            None => [0; 4],
            Some(paint) => opaque(&paint)?,
        };
        let mut areas = Vec::new();
        plain_areas(frame, Transform::identity(), &mut areas)?;
        let size = [frame.width(), frame.height()].map(|length| side(length, scale));
        let patch =
            |(area, colour)| Patch { area: on_canvas(area, scale, size), ink: Ink::Plain(colour) };
        let patches = areas.into_iter().map(patch).collect();
        Some(Self { ground: Ground::Plain(ground), patches })
    }

    /// With a picture of the same size laid over it.
    fn covered(&self, over: &Pixels) -> Pixels {
        let width = over.width as usize;
        let mut line = vec![[0; 4]; width];
        // Not made of zeros first: to an allocator these are pages that nobody has touched, and each costs a fault.
        let mut rgba = Vec::with_capacity(over.rgba.len());
        for (y, above) in over.rgba.as_chunks().0.chunks_exact(width).enumerate() {
            self.row(y, &mut line);
            for (above, below) in above.chunks(RUN).zip(line.chunks_mut(RUN)) {
                let alphas = above.iter().map(|pixel| u32::from_le_bytes(*pixel) >> 24);
                let (least, most) = alphas
                    .fold((u32::MAX, 0), |(least, most), alpha| (least & alpha, most | alpha));
                if least == u32::from(u8::MAX) {
                    below.copy_from_slice(above);
                } else if most != 0 {
                    for (above, below) in above.iter().zip(below) {
                        *below = pixels::over(*below, *above);
                    }
                }
            }
            rgba.extend_from_slice(line.as_flattened());
        }
        Pixels { rgba, ..*over }
    }

    fn row(&self, y: usize, line: &mut [[u8; 4]]) {
        match &self.ground {
            Ground::Plain(colour) => line.fill(*colour),
            Ground::Drawn(picture) => {
                let rows = picture.rgba.as_chunks().0;
                line.copy_from_slice(&rows[y * line.len()..(y + 1) * line.len()]);
            }
        }
        for Patch { area, ink } in &self.patches {
            let [left, top, right, bottom] = area.map(|side| side as usize);
            if !(top..bottom).contains(&y) {
                continue;
            }
            let line = &mut line[left..right];
            match ink {
                Ink::Plain(colour) => line.fill(*colour),
                Ink::Photo(rgb) => {
                    let from = &rgb.as_chunks().0[(y - top) * line.len()..];
                    for (to, &[red, green, blue]) in line.iter_mut().zip(from) {
                        *to = [red, green, blue, u8::MAX];
                    }
                }
            }
        }
    }
}

fn plain_areas(frame: &Frame, at: Transform, fills: &mut Vec<(Rect, [u8; 4])>) -> Option<()> {
    for (position, item) in frame.items() {
        let here = at.pre_concat(Transform::translate(position.x, position.y));
        match item {
            FrameItem::Group(group) if group.clip.is_none() => {
                plain_areas(&group.frame, here.pre_concat(group.transform), fills)?;
            }
            FrameItem::Shape(shape, _) if shape.stroke.is_none() && is_upright(here) => {
                let Geometry::Rect(_) = shape.geometry else { return None };
                if let Some(paint) = &shape.fill {
                    fills.push((moved(shape.bbox(false), here), opaque(paint)?));
                }
            }
            FrameItem::Link(..) | FrameItem::Tag(_) => {}
            _ => return None,
        }
    }
    Some(())
}

fn opaque(paint: &Paint) -> Option<[u8; 4]> {
    let Paint::Solid(colour) = paint else { return None };
    Some(colour.to_vec4_u8()).filter(|colour| colour[3] == u8::MAX)
}

/// Pixels of a side of the page, as the compiler's renderer counts them.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a canvas is bounded")]
fn side(length: Abs, scale: f64) -> u32 {
    (length.to_pt() * scale).round().max(1.0) as u32
}

/// The nearest whole pixels of left, top, right and bottom, those on a canvas of this size.
fn on_canvas(area: Rect, scale: f64, [width, height]: [u32; 2]) -> [u32; 4] {
    let place = |length: Abs, most: u32| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between nothing and the side of the canvas"
        )]
        let place = (length.to_pt() * scale).round().clamp(0.0, f64::from(most)) as u32;
        place
    };
    let [left, right] = [area.min.x, area.max.x].map(|x| place(x, width));
    let [top, bottom] = [area.min.y, area.max.y].map(|y| place(y, height));
    [left, top, right.max(left), bottom.max(top)]
}

impl Shot<'_> {
    /// The photo in its place, scaled where it was not prepared for these pixels; nothing when none of it is seen.
    fn patch(&self, scale: f64, canvas: [u32; 2]) -> Option<Patch> {
        let area = on_canvas(intersect(self.area, self.window), scale, canvas);
        let [left, top, right, bottom] = area;
        if left == right || top == bottom {
            return None;
        }
        // Where the photo begins and how large it is, in pixels of the canvas. One that was prepared for just these is moved to
        // whole pixels instead of being smoothed.
        let own = [self.photo.width, self.photo.height].map(f64::from);
        let size = self.area.size();
        let size = [size.x, size.y].map(|length| length.to_pt() * scale);
        let ready = size.iter().zip(own).all(|(size, own)| (size - own).abs() < 0.5);
        let size = if ready { own } else { size };
        let from = [self.area.min.x, self.area.min.y].map(|at| {
            let at = at.to_pt() * scale;
            if ready { at.round() } else { at }
        });
        let ratio = [own[0] / size[0], own[1] / size[1]];
        // Whole pixels may reach a little beyond it.
        let begin = |at: u32, side: usize| ((f64::from(at) - from[side]) * ratio[side]).max(0.0);
        let [x, y] = [begin(left, 0), begin(top, 1)];
        let wide = (f64::from(right - left) * ratio[0]).min(own[0] - x);
        let high = (f64::from(bottom - top) * ratio[1]).min(own[1] - y);
        let rgb = self.photo.part([x, y, wide, high], right - left, bottom - top);
        let rgb = rgb.expect("a part that lies within the photo");
        Some(Patch { area, ink: Ink::Photo(rgb) })
    }
}
