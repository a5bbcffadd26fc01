//! Files that people and others hand in as a logo.

use image::{ImageFormat, Rgba, RgbaImage};

use super::*;

fn svg(inside: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 100 100\">{inside}</svg>"
    )
}

const SHAPE: &str = "<path d=\"M0 0H100V100Z\"/>";

fn text(logo: &Logo) -> &str {
    assert_eq!(logo.format, "svg");
    std::str::from_utf8(&logo.bytes).unwrap()
}

fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let picture = RgbaImage::from_pixel(width, height, Rgba([200, 30, 40, 255]));
    let picture = DynamicImage::from(picture);
    let picture = if format == ImageFormat::Jpeg { picture.into_rgb8().into() } else { picture };
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

#[test]
fn the_logo_of_the_demo_is_taken_as_it_is_drawn() {
    let file = include_bytes!("../../../../assets/brands/demo/logo.svg");
    let logo = read(file).unwrap();
    let written = text(&logo);
    assert!(
        written.contains("viewBox=\"0 0 120 120\"") && written.contains("#ffd34d"),
        "{written}"
    );
    assert_eq!(written.matches("<path").count(), 5);
    // Written anew it stays what it is.
    assert_eq!(read(&logo.bytes).unwrap().bytes, logo.bytes);
}

#[test]
fn what_editors_write_beside_the_drawing_is_left_out_and_a_style_is_taken_apart() {
    let file = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">\n\
        <svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:s=\"http://sodipodi.example\" width=\"40px\" height=\"20px\" fill=\"none\">\
        <!-- vẽ bằng tay --><title>Logo</title><metadata><x/></metadata><s:namedview id=\"v\"><s:guide/></s:namedview>\
        <defs><linearGradient id=\"a\"><stop offset=\"0\" style=\"stop-color:#ff0000;stop-opacity:1\"/></linearGradient>\
        <linearGradient id=\"b\" href=\"#a\" x1=\"0\" x2=\"1\"/></defs>\
        <g s:label=\"Lớp\" class=\"c\"><rect width=\"40\" height=\"20\" style=\"fill:url(#b);-inkscape-x:1\" data-name=\"x\"/></g></svg>";
    let logo = read(file.as_bytes()).unwrap();
    let written = text(&logo);
    // In the middle of a square.
    assert!(
        written.contains("viewBox=\"0 -10 40 40\"") && written.contains("fill=\"none\""),
        "{written}"
    );
    assert!(written.contains("fill=\"url(#b)\"") && written.contains("stop-color=\"#ff0000\""));
    assert!(written.contains("href=\"#a\""));
    for gone in [
        "title",
        "metadata",
        "namedview",
        "label",
        "class",
        "data-name",
        "DOCTYPE",
        "vẽ",
        "inkscape",
    ] {
        assert!(!written.contains(gone), "{gone}: {written}");
    }
}

#[test]
fn what_runs_loads_repeats_or_writes_is_refused_by_name() {
    for (inside, what) in [
        ("<script>alert(1)</script>", "<script>"),
        ("<style>@import url(https://evil.example/x.css);</style>", "<style>"),
        ("<image href=\"https://evil.example/x.png\"/>", "<image>"),
        ("<image xlink:href=\"data:image/png;base64,AAAA\"/>", "<image>"),
        ("<use href=\"#a\"/>", "<use>"),
        (
            "<foreignObject><body xmlns=\"http://www.w3.org/1999/xhtml\"/></foreignObject>",
            "<foreignObject>",
        ),
        ("<text>Miễn thuế</text>", "<text>"),
        ("<a href=\"https://evil.example\"><path d=\"M0 0\"/></a>", "<a>"),
        ("<animate attributeName=\"href\" to=\"javascript:alert(1)\"/>", "<animate>"),
        ("<set attributeName=\"onload\" to=\"alert(1)\"/>", "<set>"),
        ("<filter id=\"f\"><feTurbulence/></filter>", "<filter>"),
        ("<pattern id=\"p\"/>", "<pattern>"),
        ("<mask id=\"m\"/>", "<mask>"),
        ("<symbol/>", "<symbol>"),
        ("<svg viewBox=\"0 0 1 1\"/>", "<svg>"),
        ("<path d=\"M0 0\" onload=\"alert(1)\"/>", "onload"),
        ("<path d=\"M0 0\" ONCLICK=\"alert(1)\"/>", "ONCLICK"),
        ("<path d=\"M0 0\" filter=\"url(#f)\"/>", "filter"),
        ("<path d=\"M0 0\" style=\"mask:url(#m)\"/>", "mask"),
        ("<path d=\"M0 0\" stroke-dasharray=\"0.0001\"/>", "stroke-dasharray"),
        ("<path d=\"M0 0\" fill=\"url(https://evil.example/x.svg#a)\"/>", "evil.example"),
        ("<path d=\"M0 0\" style=\"fill:URL('//evil.example/x')\"/>", "evil.example"),
        ("<path d=\"M0 0\" style=\"fill:u\\72l(//evil.example)\"/>", "evil.example"),
        ("<path d=\"M0 0\" fill=\"url(#a) url(http://x)\"/>", "http://x"),
        ("<path d=\"url(http://x)\"/>", "http://x"),
        ("<path d=\"M0 0\" xlink:href=\"#a\"/>", "href"),
        ("<linearGradient id=\"g\" href=\"file:///etc/passwd\"/>", "/etc/passwd"),
        (
            "<linearGradient id=\"a\" href=\"#b\"/><linearGradient id=\"b\" href=\"#a\"/>",
            "href=\"#a\"",
        ),
        ("<clipPath id=\"c\"><path d=\"M0 0\" clip-path=\"url(#c)\"/></clipPath>", "clip-path"),
        ("<clipPath id=\"c\" clip-path=\"url(#c)\"><path d=\"M0 0\"/></clipPath>", "clip-path"),
    ] {
        let why = read(svg(&format!("{SHAPE}{inside}")).as_bytes()).unwrap_err();
        assert!(matches!(why, BadLogo::Refused { .. }), "{inside}: {why:?}");
        let said = why.to_string();
        assert!(said.contains(what), "{inside}: {said}");
        assert!(said.contains(" / ") && said.contains("không được nhận"), "{said}");
    }
}

#[test]
fn a_drawing_is_bounded_in_length_depth_and_number() {
    let bomb = format!(
        "<!DOCTYPE svg [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>{}",
        svg("<path d=\"&b;\"/>")
    );
    assert_eq!(read(bomb.as_bytes()), Err(BadLogo::Refused { what: "ENTITY".to_owned() }));
    let outside = format!("<!DOCTYPE svg SYSTEM \"file:///etc/passwd\">{}", svg(SHAPE));
    assert!(!text(&read(outside.as_bytes()).unwrap()).contains("passwd"));
    let deep = svg(&format!("{}{SHAPE}{}", "<g>".repeat(25), "</g>".repeat(25)));
    assert!(matches!(read(deep.as_bytes()), Err(BadLogo::Complex { .. })));
    let well = svg(&format!("{}{SHAPE}{}", "<g>".repeat(20), "</g>".repeat(20)));
    assert!(read(well.as_bytes()).is_ok());
    // Deep enough to end a program that walks it by calling itself.
    let deepest = svg(&format!("{}{}", "<g>".repeat(19_000), "</g>".repeat(19_000)));
    assert!(matches!(read(deepest.as_bytes()), Err(BadLogo::Complex { .. })));
    let many = svg(&"<path d=\"M0 0\"/>".repeat(2_001));
    assert!(matches!(read(many.as_bytes()), Err(BadLogo::Complex { .. })));
    let crowd = svg(&"<g/>".repeat(21_000));
    assert!(matches!(read(crowd.as_bytes()), Err(BadLogo::Complex { .. })));
    let long = svg(&format!("{SHAPE}<!-- {} -->", "x".repeat(MOST_SVG)));
    assert!(matches!(read(long.as_bytes()), Err(BadLogo::Long { most: MOST_SVG, .. })));
    assert_eq!(read(svg("<g/><defs/>").as_bytes()), Err(BadLogo::Empty));
}

#[test]
fn a_drawing_says_its_size_and_is_no_band() {
    let sized = |head: &str| {
        read(format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {head}>{SHAPE}</svg>").as_bytes())
    };
    assert!(sized("width=\"30\" height=\"90\"").is_ok());
    for none in [
        "",
        "width=\"30\"",
        "width=\"100%\" height=\"100%\"",
        "viewBox=\"0 0 10\"",
        "viewBox=\"0 0 nan 10\"",
        "viewBox=\"0 0 inf inf\"",
        "viewBox=\"0 0 0 10\"",
        "viewBox=\"0 0 -5 10\"",
        "viewBox=\"0 0 1e9 1e9\"",
    ] {
        assert_eq!(sized(none), Err(BadLogo::NoSize), "{none}");
    }
    assert_eq!(sized("viewBox=\"0 0 500 100\""), Err(BadLogo::Stretched));
    assert!(sized("viewBox=\"0,0,400,100\"").is_ok());
}

#[test]
fn a_file_is_told_by_its_content_and_not_by_its_name() {
    for (bytes, why) in [
        (&b""[..], BadLogo::Kind),
        (b"MZ\x90\x00", BadLogo::Kind),
        (b"GIF89a\x01\x00\x01\x00", BadLogo::Kind),
        (b"%PDF-1.7", BadLogo::Kind),
        (b"\x1f\x8b\x08\x00", BadLogo::Kind),
        (b"<html><script>alert(1)</script></html>", BadLogo::Kind),
        (b"<svg><path/></svg>", BadLogo::Kind),
        ("<svg xmlns=\"http://www.w3.org/1999/xhtml\"/>".as_bytes(), BadLogo::Kind),
    ] {
        assert_eq!(read(bytes), Err(why), "{bytes:?}");
    }
    for torn in
        [&b"<svg xmlns=\"http://www.w3.org/2000/svg\""[..], b"<a></b>", b"\x89PNG\r\n\x1a\nxxxx"]
    {
        assert!(matches!(read(torn), Err(BadLogo::Damaged(_))), "{torn:?}");
    }
    assert_eq!(read(&encoded(80, 80, ImageFormat::WebP)), Err(BadLogo::Kind));
    let huge = vec![b' '; MOST_BYTES + 1];
    assert!(matches!(read(&huge), Err(BadLogo::Long { most: MOST_BYTES, .. })));
}

#[test]
fn a_picture_is_encoded_again_in_a_square() {
    let mut png = encoded(200, 100, ImageFormat::Png);
    // What stands behind the picture is another file for whoever looks for one.
    png.extend(b"<script>alert(1)</script>");
    let logo = read(&png).unwrap();
    assert_eq!(logo.format, "png");
    assert!(!logo.bytes.windows(8).any(|part| part == b"<script>"));
    let back = image::load_from_memory(&logo.bytes).unwrap().into_rgba8();
    assert_eq!(back.dimensions(), (200, 200));
    assert_eq!((back.get_pixel(0, 0)[3], back.get_pixel(100, 100).0), (0, [200, 30, 40, 255]));
    let jpeg = read(&encoded(1600, 1500, ImageFormat::Jpeg)).unwrap();
    let back = image::load_from_memory(&jpeg.bytes).unwrap();
    assert_eq!((jpeg.format, back.width(), back.height()), ("png", KEPT, KEPT));
    for (width, height) in [(63, 64), (64, 4097)] {
        let found = read(&encoded(width, height, ImageFormat::Png));
        assert_eq!(found, Err(BadLogo::Size { width, height }));
    }
    assert_eq!(read(&encoded(500, 100, ImageFormat::Png)), Err(BadLogo::Stretched));
}

#[test]
fn a_picture_that_says_it_is_huge_is_not_decoded() {
    // The head of a PNG of 60 000 by 60 000 pixels, with a right sum, and nothing behind it.
    let mut png = encoded(64, 64, ImageFormat::Png);
    png[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    png[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    let sum = crc(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    let found = read(&png);
    assert_eq!(found, Err(BadLogo::Size { width: 60_000, height: 60_000 }));
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
