//! Paints the three pictures of the sample article: `cargo run --example make_demo_photos [FOLDER]`.
//!
//! Every pixel is computed from its place and fixed seeds, so a second run writes the same bytes. The pictures are ours:
//! no photograph, no model and no licence but the project's own stands behind them.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    clippy::unreadable_literal,
    reason = "pixel arithmetic on small, known ranges; x, y, t and 0xRRGGBB are the words of the trade"
)]

use std::{fs::File, io::BufWriter, path::Path};

use anyhow::Context;
use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};

/// Width in pixels.
const W: usize = 1600;
/// Height in pixels; coordinates of a scene are x in 0..1.5 and y in 0..1, downwards.
const H: usize = 1067;

type Rgb = [f32; 3];

fn main() -> anyhow::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "assets/demo/photos".into());
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    paint(&folder.join("ruong-bac-thang.jpg"), terraces)?;
    paint(&folder.join("diem-ho-tro.jpg"), counter)?;
    paint(&folder.join("cau-qua-suoi.jpg"), bridge)
}

fn paint(path: &Path, scene: fn(f32, f32) -> Rgb) -> anyhow::Result<()> {
    let mut bytes = Vec::with_capacity(W * H * 3);
    for row in 0..H {
        for column in 0..W {
            let (x, y) = (column as f32 / H as f32, row as f32 / H as f32);
            let grain = (hash(column as i32, row as i32, 99) - 0.5) * 0.012;
            bytes.extend(scene(x, y).map(|c| ((c + grain).clamp(0.0, 1.0) * 255.0 + 0.5) as u8));
        }
    }
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    JpegEncoder::new_with_quality(BufWriter::new(file), 84)
        .write_image(&bytes, W as u32, H as u32, ExtendedColorType::Rgb8)
        .with_context(|| format!("cannot encode {}", path.display()))
}

// Noise and colour.

fn hash(x: i32, y: i32, seed: u32) -> f32 {
    let mut h = (x as u32)
        .wrapping_mul(0x9E37_79B1)
        .wrapping_add((y as u32).wrapping_mul(0x85EB_CA77))
        .wrapping_add(seed.wrapping_mul(0xC2B2_AE3D));
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    ((h ^ (h >> 15)) >> 8) as f32 / 16_777_216.0
}

fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let (ix, iy) = (x.floor(), y.floor());
    let smooth = |t: f32| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
    let (u, v) = (smooth(x - ix), smooth(y - iy));
    let at = |dx: i32, dy: i32| hash(ix as i32 + dx, iy as i32 + dy, seed);
    let top = at(0, 0) + (at(1, 0) - at(0, 0)) * u;
    let low = at(0, 1) + (at(1, 1) - at(0, 1)) * u;
    top + (low - top) * v
}

fn fbm(x: f32, y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut scale, mut total) = (0.0, 0.5, 1.0, 0.0);
    for octave in 0..octaves {
        sum += weight * noise(x * scale, y * scale, seed + octave);
        total += weight;
        weight *= 0.5;
        scale *= 2.03;
    }
    sum / total
}

fn step(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    let t = t.clamp(0.0, 1.0);
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

fn shade(a: Rgb, by: f32) -> Rgb {
    a.map(|c| c * by)
}

fn rgb(hex: u32) -> Rgb {
    [(hex >> 16) & 255, (hex >> 8) & 255, hex & 255].map(|c| c as f32 / 255.0)
}

/// Coordinates pushed about a little, so that every edge looks brushed.
fn brushed(x: f32, y: f32, by: f32) -> (f32, f32) {
    (
        x + (fbm(x * 28.0, y * 28.0, 2, 71) - 0.5) * by,
        y + (fbm(x * 28.0, y * 28.0, 2, 77) - 0.5) * by,
    )
}

fn sky(x: f32, y: f32, high: Rgb, low: Rgb, sun: (f32, f32), glow: Rgb) -> Rgb {
    let mut colour = mix(high, low, step(0.0, 0.48, y));
    let veil = step(0.5, 0.78, fbm(x * 2.2 + y, y * 9.0, 4, 5)) * step(0.5, 0.15, y);
    colour = mix(colour, mix(low, [1.0; 3], 0.45), veil * 0.55);
    let far = ((x - sun.0).powi(2) + (y - sun.1).powi(2)).sqrt();
    colour = mix(colour, glow, (-far * 4.2).exp() * 0.9);
    mix(colour, [1.0, 0.97, 0.88], step(0.047, 0.04, far))
}

// Terraced hills at dawn with mist.

fn terraces(x: f32, y: f32) -> Rgb {
    let (x, y) = brushed(x, y, 0.006);
    let haze = rgb(0xF3D6BB);
    let sun = (1.03, 0.27);
    let mut colour = sky(x, y, rgb(0x6F9CC4), rgb(0xFBDDB8), sun, rgb(0xFFE9B8));
    for i in 0..5u32 {
        let far = i as f32 / 4.0;
        let ridge = 0.37 + 0.062 * i as f32
            - (0.13 - 0.012 * i as f32)
                * (fbm(x * (2.3 + far) + 7.3 * i as f32, 0.5, 5, 20 + i) - 0.35);
        let d = y - ridge;
        let face = mix(rgb(0xB9B7C2), rgb(0x3F6B62), far);
        let lit = fbm(x * 14.0, y * 14.0, 3, 40 + i) * 0.18 - 0.06;
        let face = mix(face, haze, 0.25 * (1.0 - far) + step(0.0, 0.13, d) * 0.75 - lit);
        colour = mix(colour, face, step(0.0, 0.003, d));
    }
    let river_of_mist = step(0.42, 0.75, fbm(x * 2.6, y * 9.0, 4, 61)) * step(0.42, 0.56, y);
    colour = mix(colour, rgb(0xFBEBD9), river_of_mist * 0.7);

    let swell = |seed: u32| (fbm(x * 1.7, 0.3, 3, seed) - 0.5) * 0.10;
    let middle = 0.60 + 0.16 * (x - 0.2).powi(2) + swell(31);
    colour = terraced(colour, x, y, middle, 15.0, 0.45, 3);
    let mist = step(0.5, 0.8, fbm(x * 2.0 + 4.0, y * 7.0, 4, 63))
        * step(0.57, 0.64, y)
        * step(0.80, 0.70, y);
    colour = mix(colour, rgb(0xFCEFE0), mist * 0.75);
    let right = 0.98 - 0.40 * step(0.45, 1.5, x) + swell(33);
    colour = terraced(colour, x, y, right, 17.0, 0.15, 11);
    colour = house(colour, x, y, 1.13, 0.705, 0.030);
    colour = house(colour, x, y, 1.215, 0.675, 0.022);
    let left = 0.72 + 0.42 * step(0.0, 0.95, x) + swell(35);
    colour = terraced(colour, x, y, left, 13.0, 0.0, 23);
    let light = (-((x - sun.0).powi(2) + (y - sun.1).powi(2)).sqrt() * 1.6).exp();
    let warm = mix(colour, rgb(0xFFE2B0), light * 0.28);
    shade(warm, 1.0 - 0.22 * step(0.55, 1.05, ((x - 0.75) / 0.9).hypot(y - 0.5)))
}

/// Rice terraces below a ridge: bands that grow wider towards the viewer, some flooded, some green, some ripe.
fn terraced(under: Rgb, x: f32, y: f32, ridge: f32, bands: f32, air: f32, seed: u32) -> Rgb {
    let d = y - ridge;
    if d < -0.02 {
        return under;
    }
    let bumps = (fbm(x * 60.0, 3.0, 2, seed + 5) - 0.3).max(0.0) * 0.035;
    let trees = step(-0.001, 0.002, d + bumps * step(0.45, 0.6, fbm(x * 5.0, 1.0, 2, seed + 6)));
    let colour = mix(under, mix(rgb(0x2F5A46), rgb(0xF3D6BB), air), trees);
    let warp =
        (fbm(x * 3.1, y * 3.1, 3, seed) - 0.5) * 0.16 + (x * 4.0 + seed as f32).sin() * 0.012;
    let s = bands * (1.0 + (d + warp).max(0.0) * 5.0).ln();
    let (band, f) = (s.floor(), s.fract());
    let cut = (x * 1.6 + f * 0.12 + hash(band as i32, 0, seed + 1) * 9.0).floor();
    // The highest bands lie below the woods and hold no water.
    let kind = hash(band as i32, cut as i32, seed + 2).max(if band < 3.0 { 0.5 } else { 0.0 });
    let water = mix(rgb(0xF8DDB9), rgb(0x9DBBCB), step(0.0, 0.5, d) * 0.75 + 0.1);
    let field = if kind < 0.36 {
        water
    } else if kind < 0.74 {
        mix(rgb(0x7FA548), rgb(0x4F8A4B), hash(band as i32, cut as i32, seed + 3))
    } else {
        mix(rgb(0xD9B24C), rgb(0xB8A146), hash(band as i32, cut as i32, seed + 3))
    };
    let tufts =
        (fbm(x * 120.0, y * 160.0, 2, seed + 4) - 0.5) * if kind < 0.36 { 0.05 } else { 0.26 };
    let mut face = shade(field, 1.0 + tufts);
    face = mix(face, rgb(0x2C4A2E), step(0.72, 0.92, f) * 0.85);
    face = mix(face, rgb(0xFFF0C8), step(0.10, 0.0, f) * 0.45);
    face = mix(face, rgb(0xF3D6BB), air);
    mix(colour, face, step(0.004, 0.012, d))
}

fn house(under: Rgb, x: f32, y: f32, cx: f32, base: f32, size: f32) -> Rgb {
    let (u, v) = ((x - cx) / size, (y - base) / size);
    let wall = block(u, v, 0.0, -0.3, 0.75, 0.32, 0.02);
    let roof = (u.abs() - 1.2 * (v + 1.4) / 0.85).max(v + 0.5);
    let mut colour = cover(under, wall, rgb(0x7A5A40), 0.06);
    for window in [-0.35, 0.3] {
        colour = cover(colour, block(u, v, window, -0.28, 0.13, 0.14, 0.02), rgb(0xFFD98A), 0.05);
    }
    cover(colour, roof, rgb(0x4A3B35), 0.06)
}

// A service point of a commune, as a flat illustration.

fn cover(under: Rgb, distance: f32, colour: Rgb, soft: f32) -> Rgb {
    mix(under, colour, step(soft, -soft, distance))
}

fn round(x: f32, y: f32, cx: f32, cy: f32, r: f32) -> f32 {
    (x - cx).hypot(y - cy) - r
}

fn block(x: f32, y: f32, cx: f32, cy: f32, half_w: f32, half_h: f32, corner: f32) -> f32 {
    let (dx, dy) = ((x - cx).abs() - half_w + corner, (y - cy).abs() - half_h + corner);
    dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - corner
}

fn limb(x: f32, y: f32, from: (f32, f32), to: (f32, f32), r: f32) -> f32 {
    let (px, py) = (x - from.0, y - from.1);
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let t = ((px * dx + py * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (px - dx * t).hypot(py - dy * t) - r
}

fn counter(x: f32, y: f32) -> Rgb {
    const EDGE: f32 = 0.0012;
    let put = |under: Rgb, distance: f32, hex: u32| cover(under, distance, rgb(hex), EDGE);
    let texture = (fbm(x * 40.0, y * 40.0, 3, 7) - 0.5) * 0.025;
    let mut c = mix(rgb(0xF7EBD6), rgb(0xEBD9BC), y);
    c = put(c, 0.745 - y, 0xCFAF86);
    c = put(c, (y - 0.745).abs() - 0.006, 0xB08D63);
    c = cover(c, (x * 0.7 + y * 0.5 - 0.72).abs() - 0.16, [1.0, 0.97, 0.87], 0.10);
    // The window and what is outside.
    c = put(c, block(x, y, 0.44, 0.30, 0.268, 0.208, 0.012), 0xA87C50);
    let outside = outside(x, y);
    c = mix(c, outside, step(EDGE, -EDGE, block(x, y, 0.44, 0.30, 0.25, 0.19, 0.004)));
    c = put(c, block(x, y, 0.44, 0.30, 0.006, 0.19, 0.0), 0xA87C50);
    c = put(c, block(x, y, 0.44, 0.515, 0.285, 0.013, 0.006), 0x8F6640);
    // Notice board, clock, shelf.
    c = put(c, block(x, y, 1.00, 0.235, 0.185, 0.120, 0.012), 0x1F6F8B);
    c = put(c, block(x, y, 1.00, 0.235, 0.172, 0.107, 0.008), 0xF9F5EA);
    for (i, hex) in [0x2E9E7B_u32, 0xE39A3B, 0x3A7BBF].into_iter().enumerate() {
        let cy = 0.170 + 0.062 * i as f32;
        c = put(c, round(x, y, 0.872, cy, 0.019), hex);
        c = put(c, limb(x, y, (0.863, cy), (0.870, cy + 0.008), 0.0032), 0xFFFFFF);
        c = put(c, limb(x, y, (0.870, cy + 0.008), (0.882, cy - 0.008), 0.0032), 0xFFFFFF);
        c = put(
            c,
            limb(x, y, (0.915, cy - 0.007), (1.13 - 0.03 * i as f32, cy - 0.007), 0.0045),
            0x9FB4BA,
        );
        c = put(c, limb(x, y, (0.915, cy + 0.010), (1.05, cy + 0.010), 0.0045), 0xCBD6D8);
    }
    c = put(c, round(x, y, 1.33, 0.18, 0.062), 0x1F6F8B);
    c = put(c, round(x, y, 1.33, 0.18, 0.051), 0xFFFDF6);
    c = put(c, limb(x, y, (1.33, 0.18), (1.33, 0.143), 0.0035), 0x33454C);
    c = put(c, limb(x, y, (1.33, 0.18), (1.356, 0.192), 0.0035), 0x33454C);
    c = plant(c, x, y, 1.405, 0.745, 1.0);
    // The clerk behind the counter.
    c = put(c, limb(x, y, (1.02, 0.575), (1.02, 0.80), 0.098), 0x3A7BBF);
    c = put(c, limb(x, y, (1.02, 0.425), (1.034, 0.452), 0.061), 0x2B2522);
    c = put(c, round(x, y, 1.078, 0.470, 0.024), 0x2B2522);
    c = put(c, limb(x, y, (1.02, 0.50), (1.02, 0.53), 0.028), 0xE3B48D);
    c = put(c, limb(x, y, (0.996, 0.53), (1.02, 0.56), 0.011), 0xF4F7F8);
    c = put(c, limb(x, y, (1.044, 0.53), (1.02, 0.56), 0.011), 0xF4F7F8);
    c = put(c, block(x, y, 1.015, 0.452, 0.048, 0.058, 0.046), 0xEDC29C);
    c = put(c, round(x, y, 1.03, 0.397, 0.045).max(y - 0.418), 0x2B2522);
    c = face(c, x, y, 0.999, 0.449);
    c = put(c, limb(x, y, (0.945, 0.585), (0.865, 0.665), 0.030), 0x3A7BBF);
    c = put(c, round(x, y, 0.852, 0.672, 0.024), 0xEDC29C);
    // The counter with its screen.
    c = put(c, block(x, y, 1.03, 0.845, 0.50, 0.155, 0.012), 0xD9A066);
    for i in 0..9 {
        let grain = 0.60 + 0.105 * i as f32;
        c = put(c, block(x, y, grain, 0.86, 0.0022, 0.13, 0.0), 0xC0884F);
    }
    c = put(c, block(x, y, 1.03, 0.706, 0.53, 0.020, 0.010), 0x9C6B3C);
    c = put(c, block(x, y, 0.90, 0.855, 0.10, 0.075, 0.014), 0x1F6F8B);
    c = put(c, round(x, y, 0.90, 0.855, 0.045), 0xF9F5EA);
    c = put(c, limb(x, y, (0.878, 0.857), (0.895, 0.874), 0.007), 0x2E9E7B);
    c = put(c, limb(x, y, (0.895, 0.874), (0.924, 0.838), 0.007), 0x2E9E7B);
    c = put(c, block(x, y, 1.20, 0.676, 0.016, 0.03, 0.0), 0x5B6B73);
    c = put(c, block(x, y, 1.20, 0.685, 0.055, 0.006, 0.004), 0x5B6B73);
    c = put(c, block(x, y, 1.20, 0.585, 0.115, 0.073, 0.010), 0x34454D);
    c = put(c, block(x, y, 1.20, 0.585, 0.105, 0.063, 0.004), 0xBFE3E6);
    c = put(c, limb(x, y, (1.125, 0.56), (1.20, 0.56), 0.006), 0x4C93A5);
    c = put(c, limb(x, y, (1.125, 0.585), (1.26, 0.585), 0.004), 0x8DC3CB);
    c = put(c, limb(x, y, (1.125, 0.607), (1.24, 0.607), 0.004), 0x8DC3CB);
    // The woman in front of it, in indigo with woven borders, with her child.
    c = visitor(c, x, y);
    shade(c.map(|v| v + texture), 1.0 - 0.14 * step(0.5, 1.05, ((x - 0.75) / 0.95).hypot(y - 0.5)))
}

fn outside(x: f32, y: f32) -> Rgb {
    let mut c = mix(rgb(0x9CCBE6), rgb(0xFCEBCB), step(0.1, 0.42, y));
    c = cover(c, round(x, y, 0.58, 0.20, 0.035), rgb(0xFFF4CF), 0.003);
    for (i, hex) in [0x9DBFC0_u32, 0x6FA38F, 0x4C8A62].into_iter().enumerate() {
        let ridge = 0.28 + 0.065 * i as f32
            - 0.12 * (fbm(x * (5.0 - i as f32), 2.0 * i as f32, 3, 50 + i as u32) - 0.4);
        c = cover(c, ridge - y, rgb(hex), 0.0015);
    }
    let lines = ((y - 0.43) * 70.0 + (x * 9.0).sin() * 1.3).fract();
    let field = mix(rgb(0xB7C95A), rgb(0x7DAE52), step(0.55, 0.85, lines));
    cover(c, 0.425 + 0.02 * (x * 7.0).sin() - y, field, 0.0015)
}

fn face(under: Rgb, x: f32, y: f32, cx: f32, cy: f32) -> Rgb {
    let mut c = under;
    for eye in [-0.017, 0.021] {
        c = cover(c, round(x, y, cx + eye, cy, 0.0052), rgb(0x33261F), 0.0012);
    }
    let smile = round(x, y, cx + 0.002, cy + 0.016, 0.016).abs() - 0.0022;
    c = cover(c, smile.max(cy + 0.022 - y), rgb(0xA8573F), 0.0012);
    c = cover(c, round(x, y, cx - 0.030, cy + 0.018, 0.009), mix(c, rgb(0xE88C6A), 0.45), 0.004);
    cover(c, round(x, y, cx + 0.034, cy + 0.018, 0.009), mix(c, rgb(0xE88C6A), 0.45), 0.004)
}

fn visitor(under: Rgb, x: f32, y: f32) -> Rgb {
    let put = |under: Rgb, distance: f32, hex: u32| cover(under, distance, rgb(hex), 0.0012);
    let mut c = under;
    let skirt = (x - 0.555).abs() - 0.085 - (y - 0.74) * 0.22;
    c = put(c, skirt.max(0.72 - y), 0x2A3563);
    for (i, hex) in [0xD1495B_u32, 0xEDAE49, 0x66A182].into_iter().enumerate() {
        let cy = 0.90 + 0.026 * i as f32 + (x - 0.555).powi(2) * 0.5;
        c = put(c, skirt.max((y - cy).abs() - 0.008), hex);
    }
    c = put(c, limb(x, y, (0.555, 0.59), (0.555, 0.745), 0.088), 0x2F3D73);
    c = put(c, block(x, y, 0.555, 0.755, 0.090, 0.018, 0.01), 0xD1495B);
    c = put(c, block(x, y, 0.560, 0.62, 0.011, 0.115, 0.0), 0xEDAE49);
    c = put(c, limb(x, y, (0.553, 0.425), (0.546, 0.450), 0.062), 0x241F1E);
    c = put(c, round(x, y, 0.500, 0.482, 0.026), 0x241F1E);
    c = put(c, limb(x, y, (0.56, 0.50), (0.56, 0.54), 0.027), 0xC99670);
    c = put(c, block(x, y, 0.566, 0.455, 0.047, 0.057, 0.045), 0xDDAA82);
    let scarf = round(x, y, 0.556, 0.425, 0.075).max(y - 0.418);
    c = put(c, scarf, 0xB23A48);
    c = put(c, scarf.max((y - 0.400).abs() - 0.006), 0xEDAE49);
    c = face(c, x, y, 0.580, 0.452);
    c = put(c, limb(x, y, (0.625, 0.60), (0.70, 0.668), 0.028), 0x2F3D73);
    c = put(c, limb(x, y, (0.685, 0.655), (0.697, 0.666), 0.0295), 0xEDAE49);
    c = put(c, round(x, y, 0.716, 0.672, 0.023), 0xDDAA82);
    c = put(c, block(x, y, 0.738, 0.648, 0.017, 0.032, 0.005), 0x26333A);
    c = put(c, block(x, y, 0.738, 0.648, 0.013, 0.027, 0.003), 0x9EE0D0);
    // The child.
    c = put(c, limb(x, y, (0.37, 0.80), (0.37, 1.02), 0.062), 0xE39A3B);
    c = put(c, limb(x, y, (0.42, 0.82), (0.475, 0.76), 0.019), 0xE39A3B);
    c = put(c, round(x, y, 0.480, 0.752, 0.017), 0xDDAA82);
    c = put(c, round(x, y, 0.370, 0.686, 0.057), 0x241F1E);
    c = put(c, block(x, y, 0.376, 0.708, 0.043, 0.046, 0.040), 0xE6B58D);
    c = face(c, x, y, 0.382, 0.705);
    plant(c, x, y, 0.115, 0.985, 1.5)
}

fn plant(under: Rgb, x: f32, y: f32, cx: f32, base: f32, size: f32) -> Rgb {
    let mut c = under;
    for i in 0..9 {
        let lean = (i as f32 - 4.0) * 0.30;
        let tip = (cx + lean.sin() * 0.11 * size, base - 0.07 * size - lean.cos() * 0.15 * size);
        let blade = limb(x, y, (cx, base - 0.05 * size), tip, 0.0135 * size);
        c = cover(c, blade, mix(rgb(0x2F7D55), rgb(0x6FB36B), hash(i, 1, 8)), 0.0015);
    }
    cover(
        c,
        block(x, y, cx, base - 0.03 * size, 0.052 * size, 0.042 * size, 0.012),
        rgb(0xB5653F),
        0.0012,
    )
}

// A bridge over a river in the morning.

fn bridge(x: f32, y: f32) -> Rgb {
    const SHORE: f32 = 0.635;
    let (x, y) = brushed(x, y, 0.004);
    let mut colour = if y < SHORE {
        valley(x, y)
    } else {
        let depth = y - SHORE;
        let ripple = (fbm(x * 9.0, y * 95.0, 3, 81) - 0.5) * (0.010 + depth * 0.14);
        let mirrored = valley(x + ripple * 0.5, (SHORE - depth * 1.25 + ripple).max(0.0));
        let water = mix(mirrored, rgb(0x2F6F80), 0.26 + depth * 0.55);
        let glint =
            step(0.70, 0.86, fbm(x * 16.0, y * 130.0, 2, 83)) * (-(x - 0.33).abs() * 2.4).exp();
        mix(water, rgb(0xFFEFC9), glint * 0.7)
    };
    // Banks with grass, left and right.
    for (side, seed) in [(x, 91_u32), (1.5 - x, 95)] {
        let edge = 0.80 + side * 0.42 + (fbm(side * 5.0, 0.0, 3, seed) - 0.5) * 0.09;
        let blades = fbm(side * 150.0, y * 6.0, 2, seed + 1) * 0.045;
        let d = y - edge + blades;
        let grass = mix(
            rgb(0x8DB255),
            rgb(0x2E5B3A),
            step(0.0, 0.22, d) + (fbm(side * 60.0, y * 40.0, 2, seed + 2) - 0.5) * 0.7,
        );
        colour = mix(colour, grass, step(0.0, 0.004, d));
    }
    shade(colour, 1.0 - 0.20 * step(0.55, 1.05, ((x - 0.75) / 0.9).hypot(y - 0.5)))
}

fn valley(x: f32, y: f32) -> Rgb {
    let sun = (0.33, 0.23);
    let haze = rgb(0xF2DFC9);
    let mut c = sky(x, y, rgb(0x5E9CCB), rgb(0xFBE6C6), sun, rgb(0xFFF0C4));
    for i in 0..4u32 {
        let near = i as f32 / 3.0;
        // A gap in the middle, where the river comes from.
        let gap = 0.10 * (-(x - 0.80).powi(2) * 9.0).exp() * near;
        let ridge = 0.37 + 0.062 * i as f32 + gap
            - 0.22 * (fbm(x * 2.4 + 3.1 * i as f32, 0.7, 5, 120 + i) - 0.42);
        let wood = (fbm(x * 34.0, y * 34.0, 3, 130 + i) - 0.5) * 0.5 * near;
        let face = mix(mix(rgb(0x9FB6C4), rgb(0x2F6B4C), near), rgb(0x86AE5C), wood);
        let d = y - ridge;
        let face =
            mix(face, haze, 0.34 * (1.0 - near) + step(0.02, 0.16, d) * 0.55 * (1.0 - near * 0.45));
        c = mix(c, face, step(0.0, 0.003, d));
    }
    let steel = rgb(0xC8553D);
    let deck = 0.545 - 0.030 * (1.0 - ((x - 0.75) / 0.75).powi(2));
    let (left, right) = (0.34, 1.16);
    let cable = if (left..=right).contains(&x) {
        0.315 + (deck - 0.335) * (1.0 - ((x - 0.75) / 0.41).powi(2)).max(0.0) * 0.93
    } else {
        let run = if x < left { (left - x) / 0.34 } else { (x - right) / 0.34 };
        0.315 + run * 0.225
    };
    let hanger = ((x * 1.0 / 0.0293).fract() - 0.5).abs() * 0.0293 - 0.0009;
    let hanger = hanger.max(cable - y).max(y - deck);
    c = cover(c, hanger, mix(steel, haze, 0.35), 0.0010);
    c = cover(c, (y - cable).abs() - 0.0032, shade(steel, 0.85), 0.0012);
    for tower in [left, right] {
        let legs = ((x - tower).abs() - 0.012).abs() - 0.0065;
        c = cover(c, legs.max(0.295 - y).max(y - 0.64), steel, 0.0012);
        for bar in [0.315, 0.42] {
            c = cover(c, block(x, y, tower, bar, 0.017, 0.006, 0.002), steel, 0.0012);
        }
        c = cover(c, block(x, y, tower, 0.625, 0.034, 0.022, 0.004), rgb(0xB9AD9C), 0.0015);
    }
    c = cover(c, (y - deck).abs() - 0.0085, shade(steel, 0.92), 0.0012);
    c = cover(c, (y - deck + 0.006).abs() - 0.0028, rgb(0xF3E3CF), 0.0012);
    // Two people with a bicycle on their way across.
    for (cx, hex) in [(0.71_f32, 0x2F3D73_u32), (0.735, 0xB23A48)] {
        c = cover(c, limb(x, y, (cx, deck - 0.024), (cx, deck - 0.036), 0.0062), rgb(hex), 0.0012);
        c = cover(
            c,
            limb(x, y, (cx, deck - 0.010), (cx, deck - 0.024), 0.0042),
            rgb(0x2B2A33),
            0.0012,
        );
        c = cover(c, round(x, y, cx, deck - 0.048, 0.0058), rgb(0x3A2A22), 0.0012);
    }
    c
}
