//! A sample article with its brief and photos, shared by tests and examples of this crate.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each user takes a part of it")]

use std::path::{Path, PathBuf};

use loa_clip::{Look, Order, PhotoFile, Pictured};
use loa_model::{
    Article, ArticleState, Block, BlockKind, Brief, Bulletin, Digest, Figure, Hotline, Level,
    Passage, Photo, Quote, SourceRef, Span, Step, StoryKind, Table, article::article_key,
};

pub const TITLE: &str =
    "Hỗ trợ 2,5 triệu hộ dân vùng sâu, vùng xa tiếp cận Internet tốc độ cao trước năm 2027";
pub const SAPO: &str = "Chính phủ vừa ban hành Nghị quyết về phổ cập hạ tầng số, ưu tiên các thôn, bản đặc biệt khó khăn ở miền núi và hải đảo.";
pub const POINTS: [&str; 3] = [
    "Đến hết năm 2026, 100% thôn, bản có điện lưới được phủ sóng di động băng rộng 4G hoặc 5G.",
    "Mỗi hộ nghèo được hỗ trợ 500.000 đồng để mua điện thoại thông minh và miễn phí gói cước trong 12 tháng.",
    "Các địa phương phải công khai danh sách hộ được hỗ trợ tại nhà văn hóa thôn, bản trước ngày 15/12.",
];
pub const FIGURE: &str = "Tổng kinh phí thực hiện chương trình là gần 3.850 tỷ đồng từ Quỹ Dịch vụ viễn thông công ích Việt Nam.";
pub const QUOTE: &str = "“Không để ai bị bỏ lại phía sau trong chuyển đổi số, nhất là bà con ở những nơi xa nhất”, ông Nguyễn Văn Ẩn, Cục trưởng Cục Viễn thông, nhấn mạnh.";

pub struct Sample {
    pub article: Article,
    pub brief: Brief,
}

impl Sample {
    pub fn order<'a>(&'a self, photos: &'a [Pictured]) -> Order<'a> {
        Order {
            article: &self.article,
            brief: &self.brief,
            link: "https://loa.example.gov.vn/l/k7m2p9",
            link_short: "loa.example.gov.vn/l/k7m2p9",
            photos,
            videos: &[],
            look: Look { ground: [42, 5, 8], accent: [255, 211, 77], shared: false },
        }
    }
}

fn passage(article: &Article, block: usize, words: &str) -> Passage {
    let text = &article.blocks[block].text;
    let start = text.find(words).expect("the words are in their block");
    let at = |byte: usize| u32::try_from(byte).expect("blocks are short");
    let span =
        Span { revision: 1, block: at(block), start: at(start), end: at(start + words.len()) };
    Passage { text: words.into(), span, edits: vec![] }
}

pub fn sample(story: StoryKind) -> Sample {
    let block = |kind, text: &str| Block { kind, text: text.into() };
    let mut blocks = vec![block(BlockKind::Title, TITLE), block(BlockKind::Sapo, SAPO)];
    blocks.extend(POINTS.iter().chain([&FIGURE, &QUOTE]).map(|t| block(BlockKind::Paragraph, t)));
    let photo = |i: usize| Photo {
        url: String::new(),
        blob: None,
        mime: "image/jpeg".into(),
        caption: format!("Ảnh minh họa {i}"),
        credit: "Ảnh: Minh Họa".into(),
        alt: String::new(),
    };
    let mut article = Article {
        id: uuid(1),
        agency: "demo".into(),
        revision: 1,
        digest: Digest::of(b""),
        state: ArticleState::Ready,
        source: SourceRef {
            canonical_url: "https://portal.example.gov.vn/ha-tang-so".into(),
            publisher: "Cổng Thông tin điện tử Minh Họa".into(),
            via: "html".into(),
        },
        lang: "vi".into(),
        section: "Chuyển đổi số".into(),
        authors: vec![],
        published_at: Some("2026-11-22T18:30:00Z".parse().expect("a time")),
        embargo_until: None,
        keywords: vec![],
        blocks,
        photos: (1..=3).map(photo).collect(),
        videos: Vec::new(),
        doubts: Vec::new(),
        fetched_at: "2026-11-22T19:00:00Z".parse().expect("a time"),
    };
    article.digest = article.content_digest();
    assert!(article_key(article.id, 1).ends_with("/000001"));
    let value = passage(&article, 5, "gần 3.850 tỷ đồng");
    let speaker = passage(&article, 6, "Nguyễn Văn Ẩn");
    let brief = Brief {
        id: uuid(2),
        agency: "demo".into(),
        article: article.id,
        revision: 1,
        article_digest: article.digest,
        story,
        title: passage(&article, 0, TITLE),
        sapo: Some(passage(&article, 1, SAPO)),
        points: (0..3).map(|i| passage(&article, 2 + i, POINTS[i])).collect(),
        figures: vec![Figure {
            value: "gần 3.850".into(),
            unit: "tỷ đồng".into(),
            label: passage(&article, 5, "Tổng kinh phí thực hiện chương trình"),
            span: value.span,
            sentence: passage(&article, 5, FIGURE),
        }],
        quotes: vec![Quote {
            words: passage(
                &article,
                6,
                "Không để ai bị bỏ lại phía sau trong chuyển đổi số, nhất là bà con ở những nơi xa nhất",
            ),
            speaker: "Nguyễn Văn Ẩn".into(),
            role: "Cục trưởng Cục Viễn thông".into(),
            speaker_span: speaker.span,
        }],
        dates: vec![],
        legal_docs: vec![],
        hashtags: vec![],
        steps: vec![],
        events: vec![],
        table: None,
        bulletin: None,
        correction: None,
    };
    assert!(brief.unfaithful(&article).is_empty());
    Sample { article, brief }
}

/// A story with more to tell: steps of a procedure, a table and an emergency bulletin beside the rest.
pub fn rich() -> Sample {
    let mut sample = sample(StoryKind::News);
    let more = [
        "Bước 1: Hộ gia đình nộp đơn tại nhà văn hóa thôn hoặc trên cổng dịch vụ công.",
        "Bước 2: Ủy ban nhân dân xã thẩm định và niêm yết danh sách trong 10 ngày làm việc.",
        "Bước 3: Doanh nghiệp viễn thông giao thiết bị, hướng dẫn sử dụng tận nhà.",
        "Rủi ro thiên tai do lũ quét, sạt lở đất cấp 2 tại các huyện vùng núi phía Bắc.",
        "Người dân chủ động sơ tán khỏi khu vực ven suối khi có mưa lớn kéo dài.",
        "Gọi 112 khi cần cứu nạn.",
        "Tiêu chí",
        "Năm 2025",
        "Năm 2026",
        "Thôn, bản có 4G hoặc 5G",
        "92%",
        "100%",
        "Hộ nghèo có điện thoại thông minh",
        "61%",
        "85%",
        "Trường học có Internet cáp quang",
        "88%",
        "97%",
    ];
    let first = sample.article.blocks.len();
    let block = |text: &&str| Block { kind: BlockKind::Paragraph, text: (*text).into() };
    sample.article.blocks.extend(more.iter().map(block));
    sample.article.digest = sample.article.content_digest();
    sample.brief.article_digest = sample.article.digest;
    let article = sample.article.clone();
    let at = |n: usize, words: &str| passage(&article, first + n, words);
    let rest = |n: usize| at(n, more[n].split_once(": ").map_or(more[n], |(_, rest)| rest));
    sample.brief.steps = (0..3).map(|n| Step { title: rest(n), text: None }).collect();
    sample.brief.bulletin = Some(Bulletin {
        level: Some(Level {
            rank: 2,
            words: at(3, "Rủi ro thiên tai do lũ quét, sạt lở đất cấp 2"),
        }),
        area: Some(at(3, "các huyện vùng núi phía Bắc")),
        until: None,
        actions: vec![at(4, more[4])],
        hotlines: vec![Hotline { number: at(5, "112"), label: None }],
    });
    let row = |n: usize| (n..n + 3).map(|n| at(n, more[n])).collect::<Vec<_>>();
    sample.brief.table = Some(Table { columns: row(6), rows: vec![row(9), row(12), row(15)] });
    assert!(sample.brief.unfaithful(&sample.article).is_empty());
    sample
}

/// Five communes with one number each, as bars.
pub const BARS: [&[&str]; 6] = [
    &["Xã", "Tỷ lệ hộ dùng dịch vụ công số"],
    &["Mường Ẫng", "92,4%"],
    &["Nậm Pồ Hạ", "88,1%"],
    &["Tân Phú", "79,6%"],
    &["Hồng Thái", "46,2%"],
    &["Bản Lầu", "23,1%"],
];
/// Years in even steps, as a line.
pub const LINE: [&[&str]; 6] = [
    &["Năm", "Thuê bao băng rộng (nghìn)"],
    &["2022", "940"],
    &["2023", "1.210"],
    &["2024", "1.180"],
    &["2025", "1.675"],
    &["2026", "2.350"],
];
/// Parts of a hundred, as a share.
pub const SHARE: [&[&str]; 4] = [
    &["Nguồn vốn", "Cơ cấu (%)"],
    &["Ngân sách trung ương", "70"],
    &["Ngân sách địa phương", "18,5"],
    &["Nguồn huy động hợp pháp khác", "11,5"],
];
/// Two units, which are no chart.
pub const MIXED: [&[&str]; 3] = [
    &["Chế độ", "Từ 01/01/2027"],
    &["Tiền ăn của học sinh", "936.000 đồng"],
    &["Gạo mỗi tháng", "15 kg"],
];

/// Labels and values that a table can hold, but a square chart cannot.
pub const LONG: [&[&str]; 7] = [
    &["Dự án", "Năm 2025 (triệu đồng)", "Năm 2026 (triệu đồng)"],
    &["Xây dựng đường ven biển đoạn qua các xã Hải Thịnh và Giao An", "1.234,5", "1.310,5"],
    &["Nâng cấp hồ chứa nước và hệ thống kênh mương thủy lợi", "980,25", "1.020,5"],
    &["Cải tạo trường phổ thông dân tộc bán trú các xã vùng cao", "415,75", "520,5"],
    &["Mở rộng bệnh viện đa khoa khu vực và trung tâm y tế", "390,5", "405,5"],
    &["Kiên cố hóa đê biển, kè chống sạt lở bờ sông xung yếu", "290,25", "310,5"],
    &["Hạ tầng khu tái định cư cho các hộ dân vùng sạt lở", "180,5", "220,5"],
];

/// A story that compares: the sample with this table, whose first line is its head.
pub fn tabled(lines: &[&[&str]]) -> Sample {
    let mut sample = sample(StoryKind::Comparison);
    let first = sample.article.blocks.len();
    let block = |line: &&[&str]| Block { kind: BlockKind::TableRow, text: line.join("\t") };
    sample.article.blocks.extend(lines.iter().map(block));
    sample.article.digest = sample.article.content_digest();
    sample.brief.article_digest = sample.article.digest;
    let article = sample.article.clone();
    let row = |(n, line): (usize, &&[&str])| {
        line.iter().map(|cell| passage(&article, first + n, cell)).collect::<Vec<_>>()
    };
    let mut rows: Vec<_> = lines.iter().enumerate().map(row).collect();
    sample.brief.table = Some(Table { columns: rows.remove(0), rows });
    assert!(sample.brief.unfaithful(&sample.article).is_empty());
    sample
}

fn uuid<T: std::str::FromStr>(n: u32) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("01900000-0000-7000-8000-{n:012}").parse().expect("an id")
}

/// A landscape of hills under a sky, with grain: something a photo encoder has to work for.
pub fn landscape(seed: u32, width: u32, height: u32) -> image::RgbImage {
    let (w, h) = (f64::from(width), f64::from(height));
    let tone = f64::from(seed);
    let hash = |x: u32, y: u32| {
        let mut n = x.wrapping_mul(0x9e37_79b1)
            ^ y.wrapping_mul(0x85eb_ca6b)
            ^ seed.wrapping_mul(0xc2b2_ae35);
        n ^= n >> 15;
        n = n.wrapping_mul(0x2c1b_3c6d);
        f64::from((n ^ (n >> 13)) & 0xff) / 255.0 - 0.5
    };
    image::RgbImage::from_fn(width, height, |px, py| {
        let (x, y) = (f64::from(px) / w, f64::from(py) / h);
        let mut colour = [70.0 + 190.0 * y, 130.0 + 130.0 * y, 215.0 + 40.0 * y];
        for layer in 0..5 {
            let depth = f64::from(layer);
            let ridge = 0.34
                + 0.13 * depth
                + 0.07 * (x * (5.0 + depth * 2.3) + tone * 1.7 + depth).sin()
                + 0.025 * (x * (17.0 + depth * 5.0) + tone).sin()
                + 0.006 * (x * 90.0 + depth * 3.0).sin();
            if y > ridge {
                let near = (depth + 1.0) / 5.0;
                let terrace = 8.0 * ((y - ridge) * 160.0 / (0.6 + near)).sin();
                colour = [
                    70.0 + 60.0 * (1.0 - near) + terrace + 18.0 * (tone * 2.0 + depth).sin(),
                    120.0 + 40.0 * (1.0 - near) + terrace - 30.0 * near,
                    60.0 + 90.0 * (1.0 - near) - 30.0 * near,
                ];
            }
        }
        let grain = hash(px, py) * 10.0 + hash(px / 3, py / 3) * 6.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        image::Rgb(colour.map(|c| (c + grain).clamp(0.0, 255.0) as u8))
    })
}

/// Photos that can be shown, by their index, in the shape of a landscape.
pub fn pictured(indexes: &[u32]) -> Vec<Pictured> {
    indexes.iter().map(|index| Pictured::middle(*index, (1500, 1000))).collect()
}

/// What the article says under a map of its own.
pub const MAP: &str = "Bản đồ các thôn, bản đặc biệt khó khăn được phủ sóng trong giai đoạn một, tính đến hết ngày 15/12.";

/// A sample with a map as the last of its photos.
pub fn mapped(mut sample: Sample) -> Sample {
    let last = sample.article.photos.last_mut().expect("the sample has photos");
    (last.caption, last.credit) = (MAP.into(), "Đồ họa: Tòa soạn Minh Họa".into());
    sample.article.digest = sample.article.content_digest();
    sample.brief.article_digest = sample.article.digest;
    sample
}

/// A map as an artist would draw one: land and water, communes with borders, roads, a frame, and a legend in the corner.
/// Whole numbers only: no machine rounds it in another way.
pub fn map(width: u32, height: u32) -> image::RgbImage {
    let (wide, tall) = (i64::from(width), i64::from(height));
    // A wave of straight pieces.
    let bend = |at: i64, period: i64, high: i64| {
        let at = at.rem_euclid(period) * 4 * high / period;
        if at < 2 * high { at - high } else { 3 * high - at }
    };
    image::RgbImage::from_fn(width, height, |px, py| {
        let (x, y) = (i64::from(px), i64::from(py));
        let (u, v) = (x * 1000 / wide, y * 1000 / tall);
        let edge = 6.max(wide / 150);
        if x < edge || y < edge || x >= wide - edge || y >= tall - edge {
            return image::Rgb([38, 54, 84]);
        }
        let coast = 780 + bend(v, 330, 60) + bend(v, 90, 14);
        if (40..300).contains(&u) && (760..950).contains(&v) {
            // The legend.
            let row = (v - 780) / 55;
            let is_key = (60..110).contains(&u) && (v - 780).rem_euclid(55) < 34;
            let is_line =
                (130..270 - row * 20).contains(&u) && (8..26).contains(&(v - 780).rem_euclid(55));
            let keys = [[214, 120, 84], [240, 190, 110], [247, 226, 168]];
            let key = keys.get(usize::try_from(row).unwrap_or(9));
            return match key {
                Some(key) if v >= 780 && is_key => image::Rgb(*key),
                Some(_) if v >= 780 && is_line => image::Rgb([70, 76, 88]),
                _ => image::Rgb([255, 255, 255]),
            };
        }
        if u > coast {
            let wave = (u + v / 3 + bend(v, 40, 8)) % 60 < 4;
            return image::Rgb(if wave { [168, 205, 228] } else { [190, 222, 240] });
        }
        let column = (u + bend(v, 260, 26)) / 195;
        let row = (v + bend(u, 300, 34)) / 240;
        let near =
            (u + bend(v, 260, 26)) % 195 < 5 || (v + bend(u, 300, 34)) % 240 < 5 || coast - u < 6;
        if near {
            return image::Rgb([120, 92, 70]);
        }
        let road = 420 + bend(u, 500, 120);
        if (v - road).abs() < 7 {
            return image::Rgb([196, 40, 44]);
        }
        let (du, dv) = ((u + bend(v, 260, 26)) % 195 - 98, (v + bend(u, 300, 34)) % 240 - 130);
        if du * du + dv * dv < 110 {
            return image::Rgb([40, 44, 56]);
        }
        let tones = [[247, 226, 168], [240, 190, 110], [214, 120, 84], [228, 236, 190]];
        image::Rgb(tones[usize::try_from((column * 3 + row * 5).rem_euclid(4)).unwrap_or(0)])
    })
}

/// Three photos as JPEG files.
pub fn photos(folder: &Path, width: u32, height: u32) -> Vec<PhotoFile> {
    (0..3)
        .map(|index| {
            let path: PathBuf = folder.join(format!("photo-{index}.jpg"));
            landscape(index + 1, width, height).save(&path).expect("a JPEG is written");
            PhotoFile { index, path }
        })
        .collect()
}

/// The repository's assets.
pub fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets")
}
