//! Photos on a page: the very pixels that were prepared, under what lies over them, cut where the template cuts them.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{path::Path, sync::Arc};

use loa_canvas::{Assets, Canvas, Engine, Error, Layout, Pixels, PreparedPhoto, Sheet};
use serde_json::json;

const CANVAS: Canvas = Canvas::new(200, 300);
const PAPER: [u8; 4] = [250, 240, 230, 255];
const SETUP: &str = r##"
#let data = json("/data.json")
#set page(width: 200pt, height: 300pt, margin: 0pt, fill: rgb("#faf0e6"))
#let shot(i: 0, w: 120pt, h: 90pt) = { let p = data.photos.at(i); image(p.file, format: p.format, width: w, height: h, fit: "cover") }
"##;

fn compose(body: &str, photos: &[PreparedPhoto]) -> Result<Layout, Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    let mut assets = Assets::from_dir(&root, &[]).unwrap();
    let manifest = "version = \"1\"\nkind = \"page\"\nmin_type = 20\nname_vi = \"Thử\"\nname_en = \"Trial\"\n\n[[sizes]]\nid = \"one\"\npx = [200, 300]\n";
    let put = |assets: &mut Assets, name: &str, text: String| {
        assets.templates.insert(format!("thu/{name}"), text.into_bytes().into());
    };
    put(&mut assets, "template.toml", manifest.to_owned());
    put(&mut assets, "template.typ", format!("{SETUP}{body}"));
    let engine = Engine::new(&assets).unwrap();
    let data = json!({});
    engine.compose(&Sheet { template: "thu", brand: "demo", canvas: CANVAS, data: &data, photos })
}

fn drawn(body: &str) -> Pixels {
    compose(body, &[noise(120, 90, 1)]).unwrap().pixels(0, 1.0)
}

/// No pixel is like its neighbour, so none can be moved or smoothed without being seen.
fn noise(width: u32, height: u32, seed: u32) -> PreparedPhoto {
    let byte = |at: u32| (at.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0];
    let rgb = (0..width * height * 3).map(byte).collect();
    PreparedPhoto { width, height, rgb: Arc::new(rgb), alt: String::new(), credit: String::new() }
}

fn pixel(pixels: &Pixels, x: u32, y: u32) -> [u8; 4] {
    pixels.rgba.as_chunks().0[(y * pixels.width + x) as usize]
}

fn of_photo(photo: &PreparedPhoto, x: u32, y: u32) -> [u8; 4] {
    let [red, green, blue] = photo.rgb.as_chunks().0[(y * photo.width + x) as usize];
    [red, green, blue, 255]
}

#[test]
fn a_photo_is_drawn_pixel_for_pixel_and_only_where_it_is() {
    let photo = noise(120, 90, 1);
    let page =
        drawn("#place(dx: 30pt, dy: 50pt, box(clip: true, width: 120pt, height: 90pt, shot()))");
    for y in 0..300 {
        for x in 0..200 {
            let inside = (30..150).contains(&x) && (50..140).contains(&y);
            let want = if inside { of_photo(&photo, x - 30, y - 50) } else { PAPER };
            assert_eq!(pixel(&page, x, y), want, "at {x}, {y}");
        }
    }
}

#[test]
fn what_comes_before_lies_under_it_and_what_comes_after_over_it() {
    let photo = noise(120, 90, 1);
    let page = drawn(
        r##"#place(rect(width: 200pt, height: 100pt, fill: rgb("#102030")))
        #place(dx: 30pt, dy: 50pt, shot())
        #place(dx: 40pt, dy: 60pt, rect(width: 20pt, height: 20pt, fill: rgb("#00ff00")))
        #place(dx: 80pt, dy: 60pt, rect(width: 20pt, height: 20pt, fill: rgb("#00000080")))"##,
    );
    assert_eq!(pixel(&page, 10, 10), [16, 32, 48, 255], "the ground");
    assert_eq!(pixel(&page, 10, 200), PAPER, "the paper");
    assert_eq!(pixel(&page, 35, 55), of_photo(&photo, 5, 5), "the photo on both");
    assert_eq!(pixel(&page, 50, 70), [0, 255, 0, 255], "a patch on the photo");
    let [red, ..] = of_photo(&photo, 60, 20);
    let half = pixel(&page, 90, 70);
    assert!(half[0].abs_diff(red / 2) <= 1 && half[3] == 255, "{half:?} of {red}");
}

#[test]
fn a_clip_cuts_a_photo_at_its_edge() {
    let photo = noise(120, 90, 1);
    let page = drawn(
        "#place(dx: 30pt, dy: 50pt, box(clip: true, width: 120pt, height: 40pt, place(dy: -25pt, shot())))",
    );
    assert_eq!(pixel(&page, 60, 49), PAPER);
    assert_eq!(pixel(&page, 60, 50), of_photo(&photo, 30, 25));
    assert_eq!(pixel(&page, 60, 89), of_photo(&photo, 30, 64));
    assert_eq!(pixel(&page, 60, 90), PAPER);
    // Half outside of the page, as of a photo that bleeds.
    let page = drawn("#place(dx: 140pt, dy: 250pt, shot())");
    assert_eq!(pixel(&page, 199, 299), of_photo(&photo, 59, 49));
}

#[test]
fn turned_and_round_photos_are_drawn_too() {
    let photo = noise(120, 90, 1);
    let round = drawn("#place(dx: 30pt, dy: 50pt, box(clip: true, radius: 45pt, shot()))");
    assert_eq!(pixel(&round, 31, 51), PAPER, "a corner that is cut");
    assert_eq!(pixel(&round, 90, 95), of_photo(&photo, 60, 45), "the middle");
    let turned = drawn("#place(dx: 30pt, dy: 50pt, rotate(90deg, reflow: true, shot()))");
    for (x, y) in [(0, 0), (119, 0), (60, 45), (7, 88)] {
        assert_eq!(pixel(&turned, 119 - y, 50 + x), of_photo(&photo, x, y), "at {x}, {y}");
    }
}

#[test]
fn two_photos_and_words_between_them_keep_their_order() {
    let photos = [noise(120, 90, 1), noise(80, 60, 999)];
    let body = r##"#place(dx: 10pt, dy: 10pt, shot())
        #place(dx: 20pt, dy: 20pt, rect(width: 60pt, height: 60pt, fill: rgb("#ff0000")))
        #place(dx: 50pt, dy: 50pt, shot(i: 1, w: 80pt, h: 60pt))"##;
    let page = compose(body, &photos).unwrap().pixels(0, 1.0);
    assert_eq!(pixel(&page, 15, 15), of_photo(&photos[0], 5, 5));
    assert_eq!(pixel(&page, 30, 30), [255, 0, 0, 255], "over the first");
    assert_eq!(pixel(&page, 60, 60), of_photo(&photos[1], 10, 10), "the second over both");
}

#[test]
fn a_preview_shows_the_photo_at_half_its_size() {
    // Even in itself, so that scaling leaves it as it is.
    let mut photo = noise(120, 90, 1);
    photo.rgb = Arc::new([9, 90, 200].repeat(120 * 90));
    let body = "#place(dx: 30pt, dy: 50pt, shot())";
    let page = compose(body, &[photo]).unwrap().pixels(0, 0.5);
    assert_eq!((page.width, page.height), (100, 150));
    for (x, y, inside) in [(14, 30, false), (15, 30, true), (74, 69, true), (75, 69, false)] {
        assert_eq!(pixel(&page, x, y), if inside { [9, 90, 200, 255] } else { PAPER }, "{x}, {y}");
    }
}

#[test]
fn a_photo_between_pixels_or_in_another_size_is_there_whole() {
    let mut photo = noise(120, 90, 1);
    photo.rgb = Arc::new([9, 90, 200].repeat(120 * 90));
    for (width, height) in [(120.0, 90.0), (61.3, 45.975), (160.0, 120.0), (4000.0, 3000.0)] {
        for (x, y, scale) in
            [(10.25, 20.75, 1.0), (10.5, 20.5, 0.5), (0.4, 0.4, 0.33), (-70.3, -60.7, 1.7)]
        {
            let body = format!("#place(dx: {x}pt, dy: {y}pt, shot(w: {width}pt, h: {height}pt))");
            let page = compose(&body, &[photo.clone()]).unwrap().pixels(0, scale);
            let shown = page.rgba.as_chunks().0.iter().filter(|pixel| **pixel == [9, 90, 200, 255]);
            let seen = |from: f64, size: f64, most: f64| {
                ((from + size).min(most) - from.max(0.0)).max(0.0)
            };
            let (across, down) = (seen(x, width, 200.0), seen(y, height, 300.0));
            let want = across * down * scale * scale;
            let edge = (across + down) * scale + 4.0;
            let shown = f64::from(u32::try_from(shown.count()).unwrap());
            assert!((shown - want).abs() <= edge, "{body} at {scale}: {shown} of {want}");
        }
    }
}

#[test]
fn a_photo_in_a_tiling_is_refused_and_not_left_out() {
    let body =
        "#place(rect(width: 200pt, height: 300pt, fill: tiling(size: (120pt, 90pt), shot())))";
    let refused = compose(body, &[noise(120, 90, 1)]).unwrap_err();
    assert!(refused.to_string().contains("a photo in a tiling"), "{refused}");
}

#[test]
fn a_clip_that_cuts_nothing_changes_nothing_and_one_that_cuts_does() {
    let word = r#"text(size: 60pt, top-edge: "ascender", bottom-edge: "descender", "ỄỔ")"#;
    let open = drawn(&format!("#place(dx: 20pt, dy: 40pt, {word})"));
    // Marks rise over the line.
    let roomy = format!(
        "#place(dx: 10pt, dy: 20pt, box(clip: true, width: 180pt, height: 140pt, place(dx: 10pt, dy: 20pt, {word})))"
    );
    assert!(open == drawn(&roomy), "a clip with room is no clip");
    let tight =
        format!("#place(dx: 20pt, dy: 20pt, box(clip: true, width: 150pt, height: 30pt, {word}))");
    let tight = drawn(&tight);
    assert!((51..300).all(|y| (0..200).all(|x| pixel(&tight, x, y) == PAPER)), "cut off");
    assert!((0..50).any(|y| (0..200).any(|x| pixel(&tight, x, y) != PAPER)), "and not all of it");
}
