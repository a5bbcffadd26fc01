//! An article, its brief and a painted photo, shared by the tests and the bench of the card.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{path::Path, sync::LazyLock};

use image::DynamicImage;
use loa_canvas::{Assets, Engine, Focus, Pixels, encode, photo};
use loa_infographic::SourcePhoto;
use loa_model::{Article, Block, BlockKind, Brief, Figure, Passage, Span};
use serde_json::json;

/// One engine for all tests of a binary: fonts are parsed once.
pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(&assets()).unwrap());

/// Where Debian puts the fonts of other scripts.
const MACHINE: [&str; 2] = ["/usr/share/fonts/truetype/noto", "/usr/share/fonts/opentype/noto"];

/// The assets of the repository, with the fonts of other scripts that set-up installs.
pub(crate) fn assets() -> Assets {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    let assets = Assets::from_dir(&dir, &MACHINE.map(Path::new)).unwrap();
    assert_eq!(
        assets.machine_fonts.len(),
        10,
        "fonts of other scripts are missing: run make setup"
    );
    assert!(!assets.fonts.is_empty(), "no fonts in assets/vendor/fonts: run make setup");
    assets
}

/// Words of a story.
pub(crate) struct Story<'a> {
    pub(crate) title: &'a str,
    pub(crate) points: &'a [&'a str],
    /// Value, unit, label and the sentence they stand in.
    pub(crate) figure: Option<[&'a str; 4]>,
}

/// A story as newsrooms write it.
pub(crate) const TYPICAL: Story<'static> = Story {
    title: "Đẩy nhanh xóa nhà tạm, nhà dột nát ở các xã vùng cao, quyết tâm hoàn thành trước Tết Nguyên đán",
    points: &[
        "Ưu tiên hộ nghèo, hộ cận nghèo, gia đình người có công với cách mạng ở vùng sâu, vùng xa.",
        "Mức hỗ trợ không quá 60 triệu đồng/nhà xây mới, 30 triệu đồng/nhà sửa chữa.",
        "Bộ đội, công an, thanh niên tình nguyện góp ngày công dựng nhà, vận chuyển vật liệu lên bản.",
        "Địa phương báo cáo trước ngày 25 hằng tháng.",
    ],
    figure: Some([
        "gần 334.234",
        "căn nhà",
        "tạm, dột nát đã được xóa trên cả nước",
        "Đến nay, gần 334.234 căn nhà tạm, dột nát đã được xóa trên cả nước, vượt tiến độ 5 tháng.",
    ]),
};

/// As long as official prose gets.
pub(crate) const LONGEST: Story<'static> = Story {
    title: "Phó Thủ tướng yêu cầu các bộ, ngành, địa phương khẩn trương rà soát, tháo gỡ khó khăn, vướng mắc, đẩy nhanh tiến độ giải ngân vốn đầu tư công và ba chương trình mục tiêu quốc gia trong những tháng cuối năm",
    points: &[
        "Các bộ, cơ quan trung ương và địa phương phải xác định giải ngân vốn đầu tư công là nhiệm vụ chính trị trọng tâm, ưu tiên hàng đầu, gắn trách nhiệm người đứng đầu với kết quả thực hiện từng dự án.",
        "Kiên quyết điều chuyển vốn từ các dự án chậm giải ngân sang các dự án có khả năng giải ngân tốt, còn thiếu vốn, bảo đảm không để lãng phí nguồn lực và không để xảy ra tiêu cực.",
        "Tăng cường kiểm tra, giám sát tại hiện trường, kịp thời tháo gỡ khó khăn về giải phóng mặt bằng, nguồn vật liệu xây dựng thông thường, định mức, đơn giá trong phạm vi thẩm quyền.",
    ],
    figure: Some([
        "không quá 1.234.567,89",
        "tỷ đồng",
        "tổng mức vốn đầu tư công nguồn ngân sách nhà nước được giao",
        "Theo dự thảo, không quá 1.234.567,89 tỷ đồng là tổng mức vốn đầu tư công nguồn ngân sách nhà nước được giao.",
    ]),
};

/// The whole of block `block` that reads `words`.
pub(crate) fn passage(article: &Article, words: &str) -> Passage {
    let block =
        article.blocks.iter().position(|b| b.text.contains(words)).expect("words of the story");
    let start = article.blocks[block].text.find(words).unwrap();
    let number = |value: usize| u32::try_from(value).unwrap();
    let span = Span {
        revision: article.revision,
        block: number(block),
        start: number(start),
        end: number(start + words.len()),
    };
    Passage { text: words.to_owned(), span, edits: Vec::new() }
}

/// Article and brief of a story.
pub(crate) fn told(story: &Story<'_>) -> (Article, Brief) {
    let mut article: Article = serde_json::from_value(json!({
        "id": "01890000-0000-7000-8000-000000000001", "agency": "demo", "revision": 1,
        "digest": "0".repeat(64), "state": "ready",
        "source": {
            "canonical_url": "https://minhhoa.example/xoa-nha-tam-vung-cao-102261122.htm",
            "publisher": "Cổng Thông tin điện tử Minh Họa", "via": "html"
        },
        "lang": "vi", "section": "Xã hội", "authors": [], "published_at": null, "embargo_until": null,
        "keywords": [], "blocks": [], "photos": [], "fetched_at": "2026-11-22T03:00:00Z"
    }))
    .unwrap();
    let block = |kind, text: &str| Block { kind, text: text.to_owned() };
    article.blocks.push(block(BlockKind::Title, story.title));
    article.blocks.extend(story.points.iter().map(|text| block(BlockKind::Paragraph, text)));
    article.blocks.extend(story.figure.map(|figure| block(BlockKind::Paragraph, figure[3])));
    article.digest = article.content_digest();
    let figures: Vec<Figure> = story
        .figure
        .iter()
        .map(|[value, unit, label, sentence]| Figure {
            value: (*value).to_owned(),
            unit: (*unit).to_owned(),
            label: passage(&article, label),
            span: passage(&article, &format!("{value} {unit}")).span,
            sentence: passage(&article, sentence),
        })
        .collect();
    let points: Vec<Passage> = story.points.iter().map(|text| passage(&article, text)).collect();
    let brief = serde_json::from_value(json!({
        "id": "01890000-0000-7000-8000-000000000002", "agency": "demo", "article": article.id,
        "revision": 1, "article_digest": article.digest, "story": "news",
        "title": passage(&article, story.title), "sapo": null, "points": points, "figures": figures,
        "quotes": [], "dates": [], "legal_docs": [], "hashtags": []
    }))
    .unwrap();
    (article, brief)
}

/// The address in the code of a picture, as a camera reads it.
pub(crate) fn read_code(picture: &DynamicImage) -> Option<String> {
    let picture = picture.to_luma8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut scan = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        picture.get_pixel(u32::try_from(x).unwrap(), u32::try_from(y).unwrap()).0[0]
    });
    scan.detect_grids().into_iter().find_map(|grid| grid.decode().ok()).map(|(_, text)| text)
}

/// A painted valley: hills, a sky and a field, the same every time.
pub(crate) fn valley(width: u32, height: u32) -> SourcePhoto {
    decoded(&valley_jpeg(width, height))
}

/// A photo of an article as drawing takes it.
pub(crate) fn decoded(jpeg: &[u8]) -> SourcePhoto {
    SourcePhoto {
        photo: photo::decode(jpeg).unwrap().working().unwrap(),
        focus: Focus::default(),
        alt: "Bản vùng cao".to_owned(),
        credit: "Ảnh: Minh Họa".to_owned(),
    }
}

/// The valley as it comes from a camera.
pub(crate) fn valley_jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut picture = Pixels::filled(width, height, [255; 4]);
    let row_bytes = width as usize * 4;
    for (y, row) in picture.rgba.chunks_exact_mut(row_bytes).enumerate() {
        let y = u32::try_from(y).unwrap();
        let down = f64::from(y) / f64::from(height);
        for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
            let across =
                f64::from(u32::try_from(x).unwrap()) / f64::from(width) * std::f64::consts::TAU;
            let ridge =
                |base: f64, high: f64, k: f64| base + high * (across * k + base * 9.0).sin();
            let colour = if down > ridge(0.72, 0.02, 1.3) {
                [122, 150 - u8::try_from(y % 40).unwrap(), 70]
            } else if down > ridge(0.58, 0.05, 0.9) {
                [78, 112, 92]
            } else if down > ridge(0.46, 0.06, 1.6) {
                [130, 155, 165]
            } else {
                [
                    150 + u8::try_from(y * 90 / height).unwrap(),
                    190 + u8::try_from(y * 30 / height).unwrap(),
                    224,
                ]
            };
            pixel[..3].copy_from_slice(&colour);
        }
    }
    encode::jpeg(&picture, 92).unwrap()
}
