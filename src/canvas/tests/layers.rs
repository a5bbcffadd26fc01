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

const CANVASES: [Canvas; 5] = [
    Canvas::new(1080, 1920).with_safe([180, 40, 360, 0]),
    Canvas::new(1080, 1080),
    Canvas::new(1920, 1080),
    Canvas::new(360, 640),
    Canvas::new(640, 360),
];

/// What only some templates draw: a step, a table, a chart and a bulletin.
fn data_of(template: &str) -> Value {
    let mut data = data();
    let more = match template {
        "clip-steps" | "clip-low-steps" => json!({
            "value": "2", "of": "5", "text": "Chọn cấp đổi thẻ căn cước",
            "label": "Kiểm tra thông tin; nếu sai thì chọn sửa.",
        }),
        "clip-table" => json!({"table": {
            "columns": ["Vùng", "Trước đây", "Từ 01/7/2026"],
            "rows": [["Vùng I", "4.960.000", "5.310.000"], ["Vùng II", "4.410.000", "4.730.000"],
                     ["Vùng III", "3.860.000", "4.140.000"], ["Vùng IV", "3.450.000", "3.700.000"]],
        }}),
        "clip-chart" | "clip-low-chart" => json!({"chart": {
            "kind": "bars", "columns": ["Xã", "Tỷ lệ giải ngân"], "strong": 0,
            "rows": [{"label": "Mường Ẫng", "values": [{"text": "92,4%", "length": 1.0}]},
                     {"label": "Nậm Pồ Hạ", "values": [{"text": "46,2%", "length": 0.5}]}],
        }}),
        "clip-alert" => json!({
            "level": {"rank": 3, "text": "Rủi ro thiên tai cấp 3"},
            "text": "Bão số 9 đổ bộ đêm nay, gió giật cấp 14",
            "area": "Các xã ven biển từ Quảng Trị đến Đà Nẵng",
            "points": ["Rời nhà ven biển trước 17 giờ.", "Không ra khỏi nhà từ 20 giờ."],
            "until": "07 giờ 00 ngày 28/10/2026",
            "hotlines": [{"number": "112", "label": "Cứu nạn"}, {"number": "115", "label": ""}],
        }),
        _ => json!({}),
    };
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    data
}

/// Templates, the layers they promise, and those of them that are clear for this data.
const TEMPLATES: [(&str, usize, &[usize]); 18] = [
    ("clip-title", 3, &[]),
    ("clip-point", 3, &[]),
    ("clip-figure", 17, &[4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
    ("clip-quote", 4, &[]),
    ("clip-steps", 5, &[]),
    ("clip-table", 9, &[7, 8]),
    ("clip-chart", 19, &[5, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 18]),
    ("clip-picture", 3, &[]),
    ("clip-alert", 8, &[5, 6]),
    ("clip-lower-third", 1, &[]),
    ("clip-caption", 1, &[]),
    ("clip-end", 3, &[]),
    ("clip-low", 1, &[]),
    ("clip-low-photo", 1, &[]),
    ("clip-low-steps", 1, &[]),
    ("clip-low-chart", 1, &[]),
    ("clip-low-picture", 1, &[]),
    ("clip-low-end", 1, &[]),
];

#[test]
fn every_layer_is_there_readable_and_whole() {
    let engine = engine();
    let made: Vec<_> = engine.templates().keys().filter(|id| id.starts_with("clip-")).collect();
    assert_eq!(made.len(), TEMPLATES.len(), "{made:?}");
    for (template, layers, clear) in TEMPLATES {
        let data = data_of(template);
        for canvas in CANVASES {
            let sheet = Sheet { template, brand: "demo", canvas, data: &data, photos: &[] };
            let layout = engine.compose(&sheet).unwrap();
            assert_eq!(layout.len(), layers, "{template}");
            assert_eq!(layout.problems(), [], "{template} on {canvas:?}");
            for index in 0..layers {
                let pixels = layout.pixels(index, 1.0);
                assert_eq!((pixels.width, pixels.height), (canvas.width, canvas.height));
                let seen = pixels.bounds().is_some();
                assert_eq!(seen, !clear.contains(&index), "{template} layer {index} on {canvas:?}");
            }
        }
    }
}

/// A chart of this kind with one row for each label; the greatest is the last.
fn charted(kind: &str, labels: &[&str], value: &str) -> Value {
    let mut data = data();
    let count = f64::from(u32::try_from(labels.len()).unwrap());
    let rows = labels.iter().zip(1..).map(|(label, n)| {
        let length =
            f64::from(n) / if kind == "share" { count * (count + 1.0) / 2.0 } else { count };
        json!({"label": label, "values": [{"text": value, "length": length}]})
    });
    let rows: Vec<Value> = rows.collect();
    let strong = labels.len() - 1;
    let columns = ["Năm", "Thu ngân sách (nghìn tỷ đồng)"];
    data["chart"] = json!({"kind": kind, "columns": columns, "rows": rows, "strong": strong});
    data
}

#[test]
fn a_chart_is_a_line_or_a_whole_where_it_can_be_read_and_bars_where_not() {
    let engine = engine();
    let years = ["2021", "2022", "2023", "2024", "2025", "2026"];
    let parts = ["Nông, lâm nghiệp", "Công nghiệp", "Dịch vụ"];
    let long = ["Nông nghiệp, lâm nghiệp, thủy sản và dịch vụ nông thôn"; 8];
    let quarters =
        ["Quý IV/2024 (sơ bộ)", "Quý I/2025 (ước thực hiện)", "Quý II/2025", "Quý III/2025"];
    for canvas in &CANVASES[..3] {
        let drawn = |kind: &str, labels: &[&str], value: &str| {
            let data = charted(kind, labels, value);
            let sheet = Sheet {
                template: "clip-chart",
                brand: "demo",
                canvas: *canvas,
                data: &data,
                photos: &[],
            };
            let layout = engine.compose(&sheet).unwrap();
            assert_eq!(layout.problems(), [], "{kind} {labels:?} on {canvas:?}");
            let bounds = |layer: usize| {
                layout.pixels(layer, 1.0).bounds().map(|(x, y, w, h)| [x, y, x + w, y + h])
            };
            (0..labels.len()).map(|row| (bounds(3 + row), bounds(11 + row))).collect::<Vec<_>>()
        };
        // A line goes on where it was: each piece begins where the one before ends, and the first point has none.
        let line = drawn("line", &years, "1.752");
        assert_eq!(line[0].0, None);
        for pair in line[1..].windows(2) {
            let ([_, _, end, _], [start, ..]) = (pair[0].0.unwrap(), pair[1].0.unwrap());
            assert!(start.abs_diff(end) < 24, "{line:?}");
        }
        // The parts of a whole stand one on the other, as high as they are long.
        let share = drawn("share", &parts, "33,3");
        let heights: Vec<u32> =
            share.iter().map(|(part, _)| part.unwrap()).map(|p| p[3] - p[1]).collect();
        assert!(heights.is_sorted() && heights[2] > heights[0] * 2, "{heights:?}");
        assert!(share.windows(2).all(|pair| pair[0].0.unwrap()[1] < pair[1].0.unwrap()[1]));
        // Labels too long for a column under a line: bars from one axis, each longer than the one before.
        let bars = drawn("line", &quarters, "1.234.567 tỷ đồng");
        let edges: Vec<_> =
            bars.iter().map(|(bar, _)| bar.unwrap()).map(|b| (b[0], b[2])).collect();
        assert!(edges.windows(2).all(|e| e[0].0 == e[1].0 && e[0].1 < e[1].1), "{edges:?}");
        // What no size holds is cut on purpose.
        let data = charted("share", &long, "1.234.567.890,123 tỷ đồng");
        let sheet = Sheet {
            template: "clip-chart",
            brand: "demo",
            canvas: *canvas,
            data: &data,
            photos: &[],
        };
        let problems = engine.compose(&sheet).unwrap().problems().len();
        assert!(problems > 0, "{canvas:?}");
    }
}

#[test]
fn words_keep_out_of_what_a_platform_covers() {
    let engine = engine();
    let canvases = [
        Canvas::new(1080, 1920).with_safe([200, 120, 400, 60]),
        Canvas::new(1920, 1080).with_safe([60, 80, 90, 100]),
        Canvas::new(1080, 1080).with_safe([70, 40, 80, 50]),
    ];
    for (template, ..) in TEMPLATES {
        let data = data_of(template);
        for canvas in canvases {
            let sheet = Sheet { template, brand: "demo", canvas, data: &data, photos: &[] };
            let [top, right, bottom, left] = canvas.safe.map(f64::from);
            let (width, height) = (f64::from(canvas.width), f64::from(canvas.height));
            for text in engine.compose(&sheet).unwrap().texts() {
                let [x0, y0, x1, y1] = text.area;
                // A line box that is set by its capitals reaches over them.
                let air = text.size * 0.35;
                let inside = x0 >= left - 1.0
                    && x1 <= width - right + 1.0
                    && y0 >= top - air
                    && y1 <= height - bottom + air;
                assert!(inside, "{template} on {canvas:?}: {text:?}");
            }
        }
    }
}

#[test]
fn low_band_type_is_a_twentieth_of_the_shorter_side() {
    let engine = engine();
    let mut shapes = vec![];
    for (width, height, share) in [(360, 640, 0.05), (240, 426, 0.06)] {
        shapes.extend([(width, height, share), (height, width, share)]);
    }
    for template in [
        "clip-low",
        "clip-low-photo",
        "clip-low-steps",
        "clip-low-chart",
        "clip-low-picture",
        "clip-low-end",
        "clip-caption",
    ] {
        let mut data = data_of(template);
        let values = if template == "clip-low" { vec!["", "gần 334.234"] } else { vec![""] };
        for value in values {
            if template == "clip-low" {
                data["value"] = json!(value);
            }
            data["label"] = json!("nhà tạm, nhà dột nát đã được xóa");
            for (width, height, share) in &shapes {
                let canvas = Canvas::new(*width, *height);
                let sheet = Sheet { template, brand: "demo", canvas, data: &data, photos: &[] };
                let layout = engine.compose(&sheet).unwrap();
                assert_eq!(layout.problems(), [], "{template} on {canvas:?}");
                let sizes = layout.texts().into_iter().map(|text| text.size);
                let least = sizes.fold(f64::INFINITY, f64::min);
                let promised = f64::from(*width.min(height)) * share;
                assert!(least >= promised - 0.01, "{template} on {canvas:?}: {least} px");
            }
        }
    }
}

/// Words of Vietnamese as they stand in a decree, at most `letters` with their spaces.
fn words(letters: usize) -> String {
    let sentence = "Bộ Giáo dục và Đào tạo đề nghị Ủy ban nhân dân các tỉnh, thành phố rà soát, lập \
                    danh sách học sinh bán trú thuộc hộ nghèo ở các xã đặc biệt khó khăn, bảo đảm tiền ăn \
                    936.000 đồng mỗi tháng được chi trả trước ngày 05, không để học sinh bỏ học giữa chừng.";
    let mut text = String::new();
    for word in sentence.split_whitespace().cycle() {
        if text.chars().count() + 1 + word.chars().count() > letters {
            return text;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

#[test]
fn as_much_fits_on_a_page_for_slow_links_as_the_readme_says() {
    let engine = engine();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/templates/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let shapes = [(360, 640), (640, 360), (240, 426), (426, 240)];
    let mut rows = 0;
    for line in readme.lines() {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let ["", template, field, numbers @ .., ""] = cells.as_slice() else { continue };
        let numbers: Vec<usize> = numbers.iter().filter_map(|cell| cell.parse().ok()).collect();
        if numbers.len() != shapes.len() {
            continue;
        }
        rows += 1;
        for ((width, height), letters) in shapes.into_iter().zip(numbers) {
            let fits = |letters: usize| {
                let mut data = json!({"lang": "vi", "kicker": "Xã hội", "page": 2, "pages": 6});
                match (*template, *field) {
                    ("clip-low", "label") => {
                        (data["value"], data["unit"]) = (json!("334.234"), json!("căn nhà"));
                    }
                    ("clip-low-steps", _) => {
                        (data["value"], data["of"]) = (json!("2"), json!("5"));
                        data["text"] = json!("Chọn cấp đổi thẻ căn cước");
                    }
                    _ => {}
                }
                let text = words(letters);
                data[*field] = if *field == "points" { json!([text]) } else { json!(text) };
                let canvas = Canvas::new(width, height);
                let sheet = Sheet { template, brand: "demo", canvas, data: &data, photos: &[] };
                let layout = engine.compose(&sheet).unwrap();
                let texts = layout.texts();
                let tops: Vec<_> = texts.iter().map(|text| text.area[1]).collect();
                let one_line = tops.iter().all(|top| (top - tops[0]).abs() < 1.0);
                layout.problems().is_empty() && (*field != "points" || one_line)
            };
            assert!(fits(letters), "{template} {field}: {letters} on {width}x{height}");
            let more = letters * 3 / 2;
            assert!(!fits(more), "{template} {field}: {more} fit on {width}x{height}, say so");
        }
    }
    assert_eq!(rows, 6, "rows of the table");
}

#[test]
fn a_figure_that_counts_up_does_not_jump() {
    let engine = engine();
    let mut data = data();
    data["value"] = json!("334.234");
    data["counts"] = json!(["0", "41.779", "111.111", "289.504"]);
    for canvas in CANVASES {
        let template = "clip-figure";
        let sheet = Sheet { template, brand: "demo", canvas, data: &data, photos: &[] };
        let layout = engine.compose(&sheet).unwrap();
        assert_eq!(layout.problems(), [], "{canvas:?}");
        let texts = layout.texts();
        // Layer by layer: what it says, its cells from the right, and the size of its type.
        let said = |layer: usize| -> (String, Vec<f64>, f64) {
            let runs: Vec<_> = texts.iter().filter(|text| text.page == layer).collect();
            let middles = runs.iter().rev().map(|run| f64::midpoint(run.area[0], run.area[2]));
            let words = runs.iter().map(|run| run.text.as_str()).collect();
            (words, middles.collect(), runs.first().map_or(0.0, |run| run.size))
        };
        let (value, cells, size) = said(16);
        assert_eq!(value, "334.234", "the last layer is the figure itself");
        for (layer, count) in ["0", "41.779", "111.111", "289.504"].into_iter().enumerate() {
            let (words, own, same) = said(layer + 4);
            assert_eq!((words.as_str(), same), (count, size), "{canvas:?}");
            for (mine, its) in own.iter().zip(&cells) {
                assert!((mine - its).abs() < 1.0, "{count} on {canvas:?}: {own:?} {cells:?}");
            }
        }
        assert_eq!(said(8).0, "", "no more layers than counts");
        assert!(!said(2).0.contains("334"), "the figure is not there before it is counted");
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
        for canvas in CANVASES {
            let sheet = Sheet { template, brand: "demo", canvas, data: &data, photos: &[] };
            engine.layers(&sheet).unwrap();
        }
    }
}

#[test]
fn a_chart_becomes_pixels_on_white_in_our_own_letters() {
    let svg = |family: &str, words: &str| {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 200 100\" font-family=\"{family}\" font-size=\"20\"><text x=\"10\" y=\"40\" fill=\"currentColor\">{words}</text><rect x=\"150\" y=\"60\" width=\"40\" height=\"30\" fill=\"#0072b2\"/></svg>"
        )
    };
    let engine = engine();
    let drawn = engine.picture(&svg("sans-serif", "Lượt xem ẫ ễ ộ"), 400).unwrap();
    assert_eq!((drawn.width, drawn.height), (400, 200));
    let pixel = |x: usize, y: usize| &drawn.rgba[(y * 400 + x) * 4..][..4];
    assert_eq!(pixel(5, 195), [255; 4], "white where nothing is");
    assert_eq!(pixel(340, 150), [0, 0x72, 0xb2, 255]);
    let ink = |drawn: &loa_canvas::Pixels| {
        drawn.rgba.chunks(4).filter(|p| p[0] < 64 && p[2] < 64).count()
    };
    assert!(ink(&drawn) > 300, "words are there: {}", ink(&drawn));
    assert_eq!(ink(&engine.picture(&svg("sans-serif", ""), 400).unwrap()), 0);
    assert_eq!(drawn, engine.picture(&svg("sans-serif", "Lượt xem ẫ ễ ộ"), 400).unwrap());
    for bad in ["", "<svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg"] {
        assert!(engine.picture(bad, 400).is_err(), "{bad}");
    }
    let tall = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1000\"/>";
    assert!(engine.picture(tall, 400).is_err(), "larger than can be");
    // A picture of the machine is not shown.
    let reads = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 10\"><image href=\"/etc/passwd\" width=\"10\" height=\"10\"/></svg>";
    assert!(engine.picture(reads, 40).unwrap().rgba.iter().all(|byte| *byte == 255));
}
