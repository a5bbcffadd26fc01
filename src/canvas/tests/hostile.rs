//! Photos and templates that mean harm, or are just broken.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{io::Cursor, path::Path};

use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};
use loa_canvas::{Assets, Canvas, Engine, Error, Focus, Pixels, Sheet, encode, photo};
use serde_json::json;

fn assets() -> Assets {
    let assets =
        Assets::from_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets"), &[]).unwrap();
    assert!(!assets.fonts.is_empty(), "no fonts in assets/vendor/fonts: run make setup");
    assets
}

/// Left half red, right half blue.
fn halves() -> Pixels {
    let mut picture = Pixels::filled(64, 32, [220, 20, 20, 255]);
    for row in picture.rgba.chunks_exact_mut(64 * 4) {
        row[32 * 4..]
            .chunks_exact_mut(4)
            .for_each(|pixel| pixel.copy_from_slice(&[20, 20, 220, 255]));
    }
    picture
}

fn refused(bytes: &[u8]) -> String {
    match photo::decode(bytes) {
        Err(Error::Photo(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_photo_is_refused() {
    for bytes in [&b""[..], b"hello", b"GIF89a\x01\x00\x01\x00", b"<svg/>", b"\xff\xd8\xff"] {
        assert!(!refused(bytes).is_empty());
    }
}

#[test]
fn a_bomb_is_refused_before_it_is_decoded() {
    // 9000 x 9000 in one bit: small as a file, 81 megapixels when decoded.
    let mut bomb = Vec::new();
    let mut encoder = png::Encoder::new(&mut bomb, 9000, 9000);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_compression(png::Compression::Fast);
    encoder
        .write_header()
        .unwrap()
        .write_image_data(&vec![0; 9000_usize.div_ceil(8) * 9000])
        .unwrap();
    assert!(bomb.len() < 100_000);
    assert!(refused(&bomb).contains("50 million"), "{}", refused(&bomb));
    let mut wide = encode::jpeg(&halves(), 90).unwrap();
    let at = wide.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    wide[at + 5..at + 9].copy_from_slice(&[0xff; 4]);
    refused(&wide);
}

#[test]
fn a_cut_jpeg_warns_the_editor() {
    let whole = encode::jpeg(&halves(), 90).unwrap();
    assert_eq!(photo::decode(&whole).unwrap().warning(), None);
    let cut = &whole[..whole.len() - 40];
    match photo::decode(cut) {
        Ok(photo) => assert!(photo.warning().unwrap().contains("cut short")),
        Err(error) => assert!(matches!(error, Error::Photo(_))),
    }
}

#[test]
fn a_photo_taken_upright_stands_upright() {
    let picture = halves();
    let rgb: Vec<u8> = picture.rgba.chunks_exact(4).flat_map(|p| p[..3].to_vec()).collect();
    // EXIF, little endian, one entry: orientation 6, turn it 90 degrees clockwise.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    encoder.set_exif_metadata(exif).unwrap();
    encoder.write_image(&rgb, 64, 32, ExtendedColorType::Rgb8).unwrap();
    let upright = photo::decode(bytes.get_ref()).unwrap();
    assert_eq!((upright.width(), upright.height()), (32, 64));
    let (first, last) = (&upright.rgb()[..3], &upright.rgb()[upright.rgb().len() - 3..]);
    assert!(first[0] > 180 && last[2] > 180, "{first:?} {last:?}");
    let small = |width| photo::facts(&photo::small(bytes.get_ref(), width).unwrap()).unwrap();
    assert_eq!(small(16), ("image/jpeg", 16, 32), "upright and of its proportions");
    assert_eq!(small(9000), ("image/jpeg", 32, 64), "nothing is enlarged");
    assert!(photo::small(b"GIF89a", 320).is_err());
}

#[test]
fn a_working_copy_covers_every_slot_and_keeps_what_stands_out() {
    for (size, want) in [
        ((4000, 2667), (1860, 1240)),
        ((2667, 4000), (1760, 2640)),
        ((1600, 1067), (1600, 1067)),
        ((9000, 1000), (9000, 1000)),
    ] {
        let picture = Pixels::filled(size.0, size.1, [90, 120, 60, 255]);
        let photo = photo::decode(&encode::jpeg(&picture, 60).unwrap()).unwrap();
        let focus = photo.focus();
        let small = photo.working().unwrap();
        assert_eq!((small.width(), small.height()), want);
        assert_eq!((small.focus(), small.rgb().len()), (focus, (want.0 * want.1 * 3) as usize));
    }
}

#[test]
fn the_crop_keeps_the_focus() {
    let photo = photo::decode(&encode::png(&halves()).unwrap()).unwrap();
    for (x, channel) in [(0.1, 0), (0.9, 2)] {
        let slot = photo.cover(20, 20, Focus { x, y: 0.5 }).unwrap();
        assert_eq!(slot.rgb.len(), 1200);
        assert!(slot.rgb.chunks_exact(3).all(|pixel| pixel[channel] > 150), "{x}");
    }
    assert!(photo.cover(0, 20, Focus::default()).is_err());
    // What lies on the photo need not lie on what matters: a strip of red across it comes to rest where it is asked for.
    let mut picture = Pixels::filled(100, 100, [40, 40, 40, 255]);
    picture.rgba[400 * 45..400 * 55].chunks_exact_mut(4).for_each(|p| p[0] = 250);
    let photo = photo::decode(&encode::png(&picture).unwrap()).unwrap();
    for (rest, row) in [(0.5, 10), (0.75, 15), (0.2, 4)] {
        let slot = photo.cover_at((100, 20), Focus { x: 0.5, y: 0.5 }, (0.5, rest)).unwrap();
        let red = |row: usize| slot.rgb[row * 300] > 150;
        assert!(red(row) && red(row - 4) && !red((row + 10) % 20), "{rest}");
    }
}

/// Compiles a page with this body.
fn compile(body: &str) -> Result<(), Error> {
    let mut assets = assets();
    let manifest = "version='1'\nname_vi='x'\nname_en='x'\nkind='page'\n";
    assets.templates.insert("bad/template.typ".into(), body.to_owned().into());
    assets.templates.insert("bad/template.toml".into(), manifest.as_bytes().into());
    let data = json!({});
    let sheet = Sheet {
        template: "bad",
        brand: "demo",
        canvas: Canvas::new(200, 100),
        data: &data,
        photos: &[],
    };
    Engine::new(&assets)?.compose(&sheet).map(|_| ())
}

#[test]
fn a_template_reaches_nothing_outside_and_keeps_its_promises() {
    let page = "#set page(width: 200pt, height: 100pt, margin: 0pt)\n";
    compile(page).unwrap();
    for (body, why) in [
        ("#json(\"/etc/passwd\")", "access denied"),
        ("#json(\"../../../etc/passwd\")", ""),
        ("#import \"@preview/cetz:0.3.0\"", "access denied"),
        ("#image(\"/secret.png\")", "access denied"),
        ("#let f(x) = f(x)\n#f(1)", "maximum"),
        ("#while true {}", "always true"),
        ("#pagebreak()", "2 pages"),
        ("#nothing-like-this", "unknown variable"),
    ] {
        let error = compile(&format!("{page}{body}")).unwrap_err().to_string();
        assert!(error.starts_with("template bad: ") && error.contains(why), "{body}: {error}");
    }
    let error = compile("#set page(width: 1000000000pt, height: 100pt)").unwrap_err().to_string();
    assert!(error.contains("on a canvas of 200x100"), "{error}");
    for word in ["#gradient.linear(red, blue)", "#eval(\"1\")", "#plugin(\"x\")", "#read(\"x\")"] {
        assert!(matches!(compile(word), Err(Error::Asset { .. })), "{word}");
    }
}

#[test]
fn unknown_names_and_wild_sizes_are_refused() {
    let engine = Engine::new(&assets()).unwrap();
    let data = json!({"url": "x".repeat(5000)});
    let sheet = Sheet {
        template: "clip-end",
        brand: "demo",
        canvas: Canvas::new(1080, 1920),
        data: &data,
        photos: &[],
    };
    assert!(matches!(engine.compose(&sheet), Err(Error::Qr(_))));
    let big = Sheet { canvas: Canvas::new(1080, 90_000), ..sheet };
    assert!(matches!(engine.compose(&big), Err(Error::Canvas { .. })));
    assert!(matches!(
        engine.compose(&Sheet { template: "none", ..sheet }),
        Err(Error::UnknownTemplate(_))
    ));
    assert!(matches!(
        engine.compose(&Sheet { brand: "none", ..sheet }),
        Err(Error::UnknownBrand(_))
    ));
    let bare = Assets { fonts: Vec::new(), ..assets() };
    assert!(matches!(Engine::new(&bare), Err(Error::NoFonts)));
    // A kit may bring its own type.
    let mut kit = bare;
    kit.brands.insert("demo/type.ttf".to_owned(), assets().fonts[0].clone());
    assert!(Engine::new(&kit).is_ok());
}
