//! What lies under letters and shapes: paper, plain rectangles and photos. It is made row by row and needs no picture of its own.

use typst::layout::{Abs, Rect, Size};

use crate::{Pixels, PreparedPhoto, inspect::intersect, pixels::lay_over};

/// Rows beside an area that soft edges may reach.
const SOFT_ROWS: u32 = 2;

/// The pixels of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    width: u32,
    height: u32,
    /// Pixels per point.
    scale: f64,
}

impl Grid {
    /// As many as the compiler's renderer makes of a page.
    pub(crate) fn new(size: Size, scale: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a canvas is bounded"
        )]
        let pixels = |length: Abs| (length.to_pt() * scale).round().max(1.0) as u32;
        Self { width: pixels(size.x), height: pixels(size.y), scale }
    }

    /// The nearest whole pixels of left, top, right and bottom, those on the page.
    fn area(self, area: Rect) -> [u32; 4] {
        let place = |length: Abs, most: u32| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between nothing and the side of the canvas"
            )]
            let place = (length.to_pt() * self.scale).round().clamp(0.0, f64::from(most)) as u32;
            place
        };
        let [left, right] = [area.min.x, area.max.x].map(|x| place(x, self.width));
        let [top, bottom] = [area.min.y, area.max.y].map(|y| place(y, self.height));
        [left, top, right.max(left), bottom.max(top)]
    }
}

/// What lies beneath, from the ground up.
pub(crate) struct Under {
    grid: Grid,
    ground: Ground,
    patches: Vec<Patch>,
}

enum Ground {
    Plain([u8; 4]),
    Drawn(Pixels),
}

/// An opaque rectangle: left, top, right and bottom in pixels.
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
    /// Paper, or nothing at all.
    pub(crate) fn plain(grid: Grid, colour: [u8; 4]) -> Self {
        Self { grid, ground: Ground::Plain(colour), patches: Vec::new() }
    }

    /// A picture of the page so far.
    pub(crate) fn drawn(grid: Grid, picture: Pixels) -> Self {
        Self { grid, ground: Ground::Drawn(picture), patches: Vec::new() }
    }

    /// Lays a rectangle of one colour, given in points, on top.
    pub(crate) fn lay_plain(&mut self, area: Rect, colour: [u8; 4]) {
        let area = self.grid.area(area);
        self.patches.push(Patch { area, ink: Ink::Plain(colour) });
    }

    /// Lays a photo on top that fills `area` and is seen in `window`, both in points; it is scaled where it was not prepared
    /// for these pixels.
    pub(crate) fn lay_photo(&mut self, photo: &PreparedPhoto, area: Rect, window: Rect) {
        let seen = self.grid.area(intersect(area, window));
        let [left, top, right, bottom] = seen;
        if left == right || top == bottom {
            return;
        }
        // Where the photo begins and how large it is, in pixels of the canvas. One that was prepared for just these is moved to
        // whole pixels instead of being smoothed.
        let own = [photo.width, photo.height].map(f64::from);
        let size = area.size();
        let size = [size.x, size.y].map(|length| length.to_pt() * self.grid.scale);
        let ready = size.iter().zip(own).all(|(size, own)| (size - own).abs() < 0.5);
        let size = if ready { own } else { size };
        let from = [area.min.x, area.min.y].map(|at| {
            let at = at.to_pt() * self.grid.scale;
            if ready { at.round() } else { at }
        });
        let ratio = [own[0] / size[0], own[1] / size[1]];
        // Whole pixels may reach a little beyond it.
        let begin = |at: u32, side: usize| ((f64::from(at) - from[side]) * ratio[side]).max(0.0);
        let [x, y] = [begin(left, 0), begin(top, 1)];
        let wide = (f64::from(right - left) * ratio[0]).min(own[0] - x);
        let high = (f64::from(bottom - top) * ratio[1]).min(own[1] - y);
        let rgb = photo.part([x, y, wide, high], right - left, bottom - top);
        let rgb = rgb.expect("a part that lies within the photo");
        self.patches.push(Patch { area: seen, ink: Ink::Photo(rgb) });
    }

    /// What it is by itself.
    pub(crate) fn picture(self) -> Pixels {
        let Grid { width, height, .. } = self.grid;
        match self {
            Self { ground: Ground::Drawn(picture), patches, .. } if patches.is_empty() => picture,
            under => under.covered(&Pixels { width, height, rgba: Vec::new() }, &[]),
        }
    }

    /// What it is with a picture of the page laid over it that is clear but for `drawn`, areas in points.
    pub(crate) fn covered(&self, above: &Pixels, drawn: &[Rect]) -> Pixels {
        let Grid { width, height, .. } = self.grid;
        let mut touched = vec![false; height as usize];
        for area in drawn {
            let [_, top, _, bottom] = self.grid.area(*area);
            let rows = top.saturating_sub(SOFT_ROWS)..(bottom + SOFT_ROWS).min(height);
            touched[rows.start as usize..rows.end as usize].fill(true);
        }
        let mut line = vec![[0; 4]; width as usize];
        // Not made of zeros first: to an allocator these are pages that nobody has touched, and each costs a fault.
        let mut rgba = Vec::with_capacity(width as usize * height as usize * 4);
        let rows = above.rgba.as_chunks().0;
        for (y, touched) in touched.into_iter().enumerate() {
            self.row(y, &mut line);
            if touched {
                let row = y * line.len()..(y + 1) * line.len();
                lay_over(&mut line, &rows[row]);
            }
            rgba.extend_from_slice(line.as_flattened());
        }
        Pixels { width, height, rgba }
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
