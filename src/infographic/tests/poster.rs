//! What a commune is promised about the poster on its board: a real sheet, true, whole, readable aloud, the same every time.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "codes are read by the other tests")]
mod support;

use hayro::{
    RenderCache, RenderSettings,
    hayro_interpret::{
        BlendMode, ClipPath, Context, Device, GlyphDrawMode, Image, InterpreterCache,
        InterpreterSettings, Paint, PathDrawMode, SoftMask, font::Glyph, hayro_cmap::BfString,
        interpret_page,
    },
    hayro_syntax::Pdf,
    vello_cpu::kurbo::{Affine, BezPath, Rect},
};
use loa_canvas::Engine;
use loa_infographic::{Error, File, Format, Infographic, Order, Rendered, SourcePhoto, Spread};
use loa_model::{Article, Brief, Cancel};
use support::{ENGINE, LONGEST, Story, TYPICAL, told, valley};

const LINK: &str = "https://minhhoa.example/l/k7Xq2";

/// A story told with the date of its article.
fn dated(story: &Story<'_>) -> (Article, Brief) {
    let (mut article, brief) = told(story);
    article.published_at = Some("2026-11-16T01:30:00Z".parse().unwrap());
    (article, brief)
}

fn draw(
    engine: &Engine,
    told: &(Article, Brief),
    photos: &[SourcePhoto],
) -> Result<Rendered, Error> {
    draw_with(engine, told, photos, "poster")
}

fn draw_with(
    engine: &Engine,
    (article, brief): &(Article, Brief),
    photos: &[SourcePhoto],
    template: &str,
) -> Result<Rendered, Error> {
    let order = Order {
        article,
        brief,
        photos,
        brand: "demo",
        template: Some(template),
        sizes: &[],
        formats: &[Format::Pdf],
        spread: Spread::Card,
        link: Some(LINK),
        date: "22/11/2026",
        cancel: &Cancel::new(),
    };
    Infographic.render(engine, &order, &mut |_| {})
}

/// Reads the letters of a page in the order they are drawn, from the PDF's own table of letters.
#[derive(Default)]
struct Reader(String);

impl Device<'_> for Reader {
    fn draw_glyph(
        &mut self,
        glyph: &Glyph<'_>,
        _: Affine,
        _: Affine,
        _: &Paint<'_>,
        _: &GlyphDrawMode,
    ) {
        match glyph.as_unicode().expect("every glyph says which letter it is") {
            BfString::Char(letter) => self.0.push(letter),
            BfString::String(letters) => self.0.push_str(&letters),
        }
    }
    fn set_soft_mask(&mut self, _: Option<SoftMask<'_>>) {}
    fn set_blend_mode(&mut self, _: BlendMode) {}
    fn draw_path(&mut self, _: &BezPath, _: Affine, _: &Paint<'_>, _: &PathDrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'_, '_>, _: Affine) {}
    fn pop_clip_path(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

fn letters(pdf: &Pdf) -> String {
    let cache = InterpreterCache::new();
    let window = Rect::new(0.0, 0.0, 1.0, 1.0);
    let settings = InterpreterSettings::default();
    let mut context = Context::new(Affine::IDENTITY, window, &cache, pdf.xref(), settings);
    let mut reader = Reader::default();
    interpret_page(&pdf.pages()[0], &mut context, &mut reader);
    without_spaces(&reader.0)
}

fn without_spaces(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// What a telephone reads from the printed sheet.
fn code(pdf: &Pdf) -> Option<String> {
    let look = RenderSettings { x_scale: 1.5, y_scale: 1.5, ..RenderSettings::default() };
    let page = &pdf.pages()[0];
    let seen = hayro::render(page, &RenderCache::new(), &InterpreterSettings::default(), &look);
    let (width, height) = (usize::from(seen.width()), usize::from(seen.height()));
    let mut scan = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        seen.data_as_u8_slice()[(y * width + x) * 4 + 1]
    });
    scan.detect_grids().into_iter().find_map(|grid| grid.decode().ok()).map(|(_, text)| text)
}

fn says(file: &File, words: &str) -> bool {
    file.bytes.windows(words.len()).any(|part| part == words.as_bytes())
}

#[test]
fn it_is_a_real_sheet_with_every_letter_and_a_code_that_can_be_scanned() {
    let told = dated(&TYPICAL);
    for photos in [&[valley(1600, 1100)][..], &[]] {
        let done = draw(&ENGINE, &told, photos).unwrap();
        assert_eq!(done.violations, []);
        let names: Vec<_> =
            done.files.iter().map(|f| (f.name.as_str(), f.mime, f.width, f.height)).collect();
        let pdf = "application/pdf";
        assert_eq!(names, [("a4.pdf", pdf, 595, 842), ("a3.pdf", pdf, 842, 1191)]);
        for (file, [width, height]) in done.files.iter().zip([[210.0, 297.0], [297.0, 420.0]]) {
            let pdf = Pdf::new(file.bytes.clone()).unwrap();
            assert_eq!(pdf.pages().len(), 1);
            let found = pdf.pages()[0].media_box();
            let off = |side: f64, mm: f64| (side - mm * 72.0 / 25.4).abs();
            assert!(off(found.width(), width) < 0.01, "{}: {found:?}", file.name);
            assert!(off(found.height(), height) < 0.01, "{}: {found:?}", file.name);
            let drawn = letters(&pdf);
            let (_, brief) = &told;
            let figure = &brief.figures[0];
            let mut words = vec![&brief.title.text, &figure.value, &figure.unit];
            words.extend(brief.points.iter().map(|point| &point.text));
            for word in words {
                assert!(drawn.contains(&without_spaces(word)), "{word:?} is not in {drawn}");
            }
            assert_eq!(code(&pdf).as_deref(), Some(LINK), "{}", file.name);
        }
    }
}

#[test]
fn it_is_made_for_screen_readers_and_with_a_date_for_archives() {
    let photos = [SourcePhoto { alt: String::new(), ..valley(1200, 800) }];
    for (story, archive) in [(dated(&TYPICAL), true), (told(&TYPICAL), false)] {
        for file in draw(&ENGINE, &story, &photos).unwrap().files {
            assert!(says(&file, "<pdfuaid:part>1</pdfuaid:part>"), "{}", file.name);
            assert_eq!(says(&file, "<pdfaid:part>2</pdfaid:part>"), archive, "{}", file.name);
            assert_eq!(says(&file, "<pdfaid:conformance>A</pdfaid:conformance>"), archive);
            assert!(says(&file, TYPICAL.title), "{}: its title", file.name);
            assert!(says(&file, "/Marked true") && says(&file, "/StructTreeRoot"));
            assert_eq!(says(&file, "2026-11-16T01:30:00+00:00"), archive);
        }
    }
}

#[test]
fn the_same_order_gives_the_same_bytes() {
    let told = dated(&TYPICAL);
    let photos = [valley(1200, 800)];
    let one = draw(&ENGINE, &told, &photos).unwrap();
    let fresh = Engine::new(&support::assets()).unwrap();
    assert_eq!(draw(&fresh, &told, &photos).unwrap(), one);
    let bare = draw(&ENGINE, &told, &[]).unwrap();
    assert_ne!(bare.files[0].bytes, one.files[0].bytes);
}

#[test]
fn what_does_not_fit_is_left_out_whole_and_named() {
    let points = LONGEST.points.repeat(2);
    let done = draw(&ENGINE, &dated(&Story { points: &points, ..LONGEST }), &[]).unwrap();
    assert_eq!(done.violations, []);
    let sheet = &done.provenance["pictures"][0];
    let left: Vec<_> = sheet["left_out"].as_array().unwrap().iter().collect();
    let first = sheet["drawn"].as_array().unwrap().iter().any(|k| k["field"] == "points.1");
    assert!(first && left.iter().any(|field| *field == "points.5"), "{left:?}");
    let drawn = letters(&Pdf::new(done.files[0].bytes.clone()).unwrap());
    for (index, point) in points.iter().enumerate() {
        // The same points come twice: the second time they are either whole or left out.
        let gone = left.iter().any(|field| **field == format!("points.{index}"));
        let times = drawn.matches(&without_spaces(point)).count();
        assert!(gone || times > index / LONGEST.points.len(), "points.{index}: {times}");
    }
}

#[test]
fn what_cannot_be_shown_becomes_a_violation_and_not_a_sheet() {
    let endless = "Đường dây nóng ".repeat(48);
    for (title, why) in [
        (endless.trim(), ("too_long", "700")),
        ("Hà Nội ⟶ Điện Biên", ("forbidden_character", "no font has every letter")),
    ] {
        let done = draw(&ENGINE, &dated(&Story { title, ..TYPICAL }), &[]).unwrap();
        assert!(done.files.is_empty(), "{title}");
        let told: Vec<_> =
            done.violations.iter().map(|v| (&*v.field, (&*v.problem, &*v.limit))).collect();
        assert_eq!(told, [("infographic.a4", why), ("infographic.a3", why)]);
        assert_eq!(done.provenance["violations"].as_array().unwrap().len(), 2);
    }
    // A point that no font can show is left out, the rest of the sheet stays.
    let points = ["Hộ nghèo được ưu tiên.", "Hà Nội ⟶ Điện Biên"];
    let done = draw(&ENGINE, &dated(&Story { points: &points, ..TYPICAL }), &[]).unwrap();
    assert_eq!((done.violations.len(), done.files.len()), (0, 2));
    assert_eq!(done.provenance["pictures"][0]["left_out"][0], "points.1");
}

#[test]
fn a_template_that_adds_words_is_refused() {
    let manifest = "version='1'\nname_vi='x'\nname_en='x'\nkind='paper'\nmin_type=1.0\n[[sizes]]\nid='a4'\nmm=[210,297]\n";
    let source = "#import \"/lib/kit.typ\": *\n#show: setup\n#heading(data.title) Cam kết 100%\n";
    let mut assets = support::assets();
    assets.templates.insert("adds/template.typ".into(), source.as_bytes().into());
    assets.templates.insert("adds/template.toml".into(), manifest.as_bytes().into());
    let engine = Engine::new(&assets).unwrap();
    let refused = draw_with(&engine, &dated(&TYPICAL), &[], "adds").unwrap_err();
    assert!(matches!(&refused, Error::Untraced { text, .. } if text.contains("Cam")), "{refused}");
}
