//! The layers of a clip: every template on every canvas, with long Vietnamese text, readable and whole.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::{Path, PathBuf};

use loa_canvas::{Assets, Canvas, Engine, Sheet};
use serde_json::{Value, json};

fn engine() -> Engine {
    let assets: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    let assets = Assets::from_dir(&assets, &[]).unwrap();
    assert!(!assets.fonts.is_empty(), "no fonts in assets/vendor/fonts: run make setup");
    Engine::new(&assets).unwrap()
}

fn data() -> Value {
    json!({
        "lang": "vi", "kicker": "Xã hội",
        "text": "Hỗ trợ 60 triệu đồng mỗi nhà xây mới, 30 triệu đồng mỗi nhà sửa chữa cho hộ nghèo, hộ cận nghèo",
        "value": "gần 334.234", "unit": "căn nhà", "label": "nhà tạm, nhà dột nát đã được xóa trên cả nước, vượt tiến độ năm tháng",
        "speaker": "Nguyễn Thị Ngọc Ẩn", "role": "Phó Chủ tịch Ủy ban nhân dân xã Mường Lễ",
        "source": "Cổng Thông tin điện tử Minh Họa", "url": "https://minhhoa.example/l/k7Xq2", "url_short": "minhhoa.example/l/k7Xq2",
        "page": 2, "pages": 5,
    })
}

const CANVASES: [Canvas; 4] = [
    Canvas::new(1080, 1920).with_safe([180, 0, 360, 0]),
    Canvas::new(1080, 1080),
    Canvas::new(1920, 1080),
    Canvas::new(360, 640),
];

#[test]
fn every_layer_is_there_readable_and_whole() {
    let engine = engine();
    let data = data();
    let names = [
        ("clip-title", 3),
        ("clip-point", 3),
        ("clip-figure", 4),
        ("clip-quote", 4),
        ("clip-lower-third", 1),
        ("clip-caption", 1),
        ("clip-end", 3),
        ("clip-low", 1),
        ("clip-low-end", 1),
    ];
    for (template, layers) in names {
        for canvas in CANVASES {
            let sheet = Sheet { template, brand: "demo", canvas, data: &data, photos: &[] };
            let layout = engine.compose(&sheet).unwrap();
            assert_eq!(layout.len(), layers, "{template}");
            assert_eq!(layout.problems(), [], "{template} on {canvas:?}");
            for index in 0..layers {
                let pixels = layout.pixels(index, 1.0);
                assert_eq!((pixels.width, pixels.height), (canvas.width, canvas.height));
                assert!(pixels.bounds().is_some(), "{template} layer {index} is clear");
            }
        }
    }
}

#[test]
fn low_band_type_is_a_twentieth_of_the_width() {
    let engine = engine();
    let mut data = data();
    for value in ["", "gần 334.234"] {
        data["value"] = json!(value);
        for template in ["clip-low", "clip-low-end"] {
            let canvas = Canvas::new(360, 640);
            let sheet = Sheet { template, brand: "demo", canvas, data: &data, photos: &[] };
            let texts = engine.compose(&sheet).unwrap().texts();
            let least = texts.iter().map(|text| text.size).fold(f64::INFINITY, f64::min);
            assert!(least >= 360.0 * 0.05, "{template}: {least} px");
        }
    }
}

#[test]
fn a_hook_that_is_shaved_off_is_cut_text() {
    let manifest = "version='1'\nname_vi='x'\nname_en='x'\nkind='page'\n";
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    for (room, whole) in [("marks(60pt)", true), ("0pt", false)] {
        let mut assets = Assets::from_dir(&dir, &[]).unwrap();
        let source = format!(
            "#import \"/lib/kit.typ\": *\n#show: setup\n#set text(size: 60pt)\n#v(90pt)#box(clip: true, outset: {room})[Ẩm Ẫ]"
        );
        assets.templates.insert("hook/template.typ".into(), source.into_bytes().into());
        assets.templates.insert("hook/template.toml".into(), manifest.as_bytes().into());
        let data = json!({});
        let sheet = Sheet {
            template: "hook",
            brand: "demo",
            canvas: Canvas::new(600, 400),
            data: &data,
            photos: &[],
        };
        let layout = Engine::new(&assets).unwrap().compose(&sheet).unwrap();
        assert_eq!(layout.problems().is_empty(), whole, "outset {room}");
    }
}

#[test]
fn sizes_of_paper_are_millimetres_and_all_others_pixels() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    for (kind, unit, right) in
        [("paper", "mm", true), ("page", "px", true), ("paper", "px", false), ("page", "mm", false)]
    {
        let mut assets = Assets::from_dir(&dir, &[]).unwrap();
        let manifest = format!(
            "version='1'\nname_vi='x'\nname_en='x'\nkind='{kind}'\n[[sizes]]\nid='a5'\n{unit}=[148,210]\n"
        );
        assets.templates.insert("leaf/template.typ".into(), b"".as_slice().into());
        assets.templates.insert("leaf/template.toml".into(), manifest.into_bytes().into());
        assert_eq!(Engine::new(&assets).is_ok(), right, "{kind} in {unit}");
    }
}

#[test]
fn empty_data_draws_empty_layers_and_no_error() {
    let engine = engine();
    for template in engine.templates().keys().filter(|id| id.starts_with("clip-")) {
        let data = json!({});
        let sheet = Sheet {
            template,
            brand: "demo",
            canvas: Canvas::new(1080, 1920),
            data: &data,
            photos: &[],
        };
        engine.layers(&sheet).unwrap();
    }
}
