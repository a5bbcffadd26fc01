//! The sample article, and any article at all.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use loa_model::{
    Article, ArticleState, Block, BlockKind, Brief, Clock, Digest, Entropy, FormatRule, Ids, Link,
    Passage, PostFormat, SourceRef, StoryKind,
    capability::{TextLimit, TextUnit},
    seams::BoxFuture,
};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;

mod kinds;
mod mend;

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        "2026-11-16T02:00:00Z".parse().unwrap()
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[derive(Debug, Default)]
struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn ids() -> Ids {
    Ids::new(Arc::new(Fixed), Arc::new(Counting::default()))
}

pub(crate) fn article(blocks: Vec<Block>) -> Article {
    let mut article = Article {
        id: ids().make(),
        agency: "demo".into(),
        revision: 1,
        digest: Digest([0; 32]),
        state: ArticleState::Ready,
        source: SourceRef {
            canonical_url: "https://minhhoa.example/a-1.htm".into(),
            publisher: "Cổng Thông tin điện tử Minh Họa".into(),
            via: "json".into(),
        },
        lang: "vi".into(),
        section: "Chính sách mới".into(),
        authors: vec!["Hà Minh".into()],
        published_at: Some("2026-11-16T01:30:00Z".parse().unwrap()),
        embargo_until: None,
        keywords: ["Chính phủ số", "hỗ trợ sinh kế", "miền núi", "Miền núi"]
            .map(str::to_owned)
            .into(),
        blocks,
        photos: Vec::new(),
        videos: Vec::new(),
        doubts: Vec::new(),
        fetched_at: Fixed.now(),
    };
    article.digest = article.content_digest();
    article
}

pub(crate) fn block(kind: BlockKind, text: &str) -> Block {
    Block { kind, text: text.to_owned() }
}

/// An article of a headline and paragraphs.
pub(crate) fn headed(title: &str, texts: &[&str]) -> Article {
    let mut blocks = vec![block(BlockKind::Title, title)];
    blocks.extend(texts.iter().map(|text| block(BlockKind::Paragraph, text)));
    article(blocks)
}

/// The sample article of `tests/articles`, read without the crate that reads articles.
fn sample() -> Article {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/articles/article.json");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut blocks = vec![
        block(BlockKind::Title, json["title"].as_str().unwrap()),
        block(BlockKind::Sapo, json["sapo"].as_str().unwrap()),
    ];
    blocks.extend(serde_json::from_value::<Vec<Block>>(json["blocks"].clone()).unwrap());
    article(blocks)
}

fn shown(brief: &Brief) -> serde_json::Value {
    let text = |p: &Passage| p.text.clone();
    serde_json::json!({
        "story": brief.story,
        "title": text(&brief.title),
        "sapo": brief.sapo.as_ref().map(text),
        "points": brief.points.iter().map(text).collect::<Vec<_>>(),
        "figures": brief.figures.iter().map(|f| format!("{} | {} | {}", f.value, f.unit, f.label.text)).collect::<Vec<_>>(),
        "quotes": brief.quotes.iter().map(|q| format!("{} | {} | {}", q.speaker, q.role, q.words.text)).collect::<Vec<_>>(),
        "dates": brief.dates.iter().map(|d| format!("{} {}", d.date, if d.effective { "effective" } else { "" })).collect::<Vec<_>>(),
        "legal_docs": brief.legal_docs.iter().map(|d| d.number.clone()).collect::<Vec<_>>(),
        "hashtags": brief.hashtags,
    })
}

#[test]
fn the_sample_in_brief() {
    let article = sample();
    let brief = extract(&article, &ids());
    assert_eq!(brief.unfaithful(&article), Vec::<&Passage>::new());
    assert_eq!(brief.story, StoryKind::Decree);
    assert!((3..=6).contains(&brief.points.len()));
    insta::assert_json_snapshot!("sample", shown(&brief));
    let doc = &brief.legal_docs[0];
    let said = [&doc.name, &doc.issuer, &doc.date].map(|p| p.as_ref().unwrap().text.as_str());
    assert_eq!(said, ["Nghị định", "Chính phủ", "15 tháng 11 năm 2026"]);
    assert!(brief.bulletin.is_none() && brief.correction.is_none() && brief.steps.is_empty());
    for figure in &brief.figures {
        let place = figure.span.of(&article).unwrap();
        assert!(place.starts_with(&figure.value) && place.ends_with(&figure.unit), "{place}");
    }
    for quote in &brief.quotes {
        assert_eq!(quote.speaker_span.of(&article).unwrap(), quote.speaker);
    }
    assert_eq!(extract(&article, &ids()), brief, "the same article gives the same brief");
}

#[test]
fn status_words_and_hedges_survive() {
    let article = article(vec![
        block(BlockKind::Title, "Đề xuất mức hỗ trợ mới"),
        block(
            BlockKind::Paragraph,
            "Bộ đang lấy ý kiến về dự thảo nghị định, theo đó mức hỗ trợ dự kiến không quá 20 triệu đồng mỗi hộ. Được biết, đây là dự thảo lần 2.",
        ),
    ]);
    let brief = extract(&article, &ids());
    assert!(brief.points[0].text.contains("dự thảo nghị định"));
    assert_eq!(
        (brief.figures[0].value.as_str(), brief.figures[0].unit.as_str()),
        ("dự kiến không quá 20", "triệu đồng mỗi hộ")
    );
    assert_eq!(brief.story, StoryKind::News);
}

#[test]
fn a_bulletin_is_an_alert() {
    let article = article(vec![
        block(BlockKind::Title, "Công điện ứng phó mưa lũ, sạt lở đất"),
        block(
            BlockKind::Paragraph,
            "Các địa phương sơ tán người dân khỏi khu vực nguy hiểm trước 18 giờ hôm nay.",
        ),
    ]);
    assert_eq!(extract(&article, &ids()).story, StoryKind::Alert);
}

fn rule(title: Option<usize>, text: usize, unit: TextUnit) -> FormatRule {
    FormatRule {
        title: title.map(|max| TextLimit { max, unit: TextUnit::Chars }),
        title_required: title.is_some(),
        text: TextLimit { max: text, unit },
        author: title.map(|_| TextLimit { max: 50, unit: TextUnit::Chars }),
        media: std::collections::BTreeMap::default(),
        alt_required: false,
        forbidden: "<>".into(),
        link_in_text: true,
    }
}

fn link() -> Link {
    Link {
        code: "k3x9mq2p".into(),
        url: "https://lo.example/l/k3x9mq2p".into(),
        target: "https://minhhoa.example/a-1.htm?utm_source=x".into(),
    }
}

#[test]
fn words_of_posts() {
    let article = sample();
    let brief = extract(&article, &ids());
    let composed = |title, text, unit, format| {
        compose(&article, &brief, &rule(title, text, unit), format, &link(), &[])
    };
    let message = composed(None, 63_206, TextUnit::Chars, PostFormat::Photo);
    insta::assert_snapshot!("message", message.text);
    let caption = composed(None, 768, TextUnit::Utf16, PostFormat::Photo);
    insta::assert_snapshot!("caption", caption.text);
    let description = composed(Some(100), 5000, TextUnit::Bytes, PostFormat::Video);
    insta::assert_snapshot!("description", description.text);
    let mut page_rule = rule(Some(150), 300, TextUnit::Chars);
    page_rule.link_in_text = false;
    let pictures = [
        Picture { media: 0, caption: String::new() },
        Picture { media: 1, caption: "Chú thích.".into() },
    ];
    let page = compose(&article, &brief, &page_rule, PostFormat::Article, &link(), &pictures);
    insta::assert_json_snapshot!("page", page);
    // Without an address nobody is sent anywhere.
    let nowhere = Link { code: String::new(), url: String::new(), target: String::new() };
    let rule = rule(None, 63_206, TextUnit::Chars);
    for (rule, format) in [(&rule, PostFormat::Photo), (&page_rule, PostFormat::Article)] {
        let words = compose(&article, &brief, rule, format, &nowhere, &pictures);
        assert!(!format!("{words:?}").contains("Xem chi tiết"), "{words:?}");
        assert!(format!("{words:?}").contains("Nguồn: Cổng"), "{words:?}");
    }
}

/// Every line is the article's own words, a fixed label with a field, or the link.
fn check_lines(article: &Article, brief: &Brief, composed: &Composed) -> Result<(), TestCaseError> {
    for line in &composed.lines {
        match &line.origin {
            Origin::Article { span, edits } => {
                let passage = brief.passages().find(|p| p.span == *span && p.edits == *edits);
                let passage = passage
                    .ok_or_else(|| TestCaseError::fail(format!("no passage for {line:?}")))?;
                prop_assert!(passage.is_faithful(article));
                prop_assert!(line.text.contains(&passage.text));
            }
            Origin::Field => prop_assert!(
                line.text.starts_with("Nguồn: ")
                    || line.text.starts_with('#')
                    || line.field == "author"
            ),
            Origin::Link => prop_assert!(line.text.ends_with(&link().url)),
        }
        prop_assert!(line.field != "text" || composed.text.contains(&line.text));
    }
    Ok(())
}

fn numbers(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).map(str::to_owned).collect()
}

/// Text that looks like the news and breaks at every corner.
fn anything() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "Theo đó, ",
            "Hộ nghèo được hỗ trợ không quá 30 triệu đồng. ",
            "(Minh Họa) - ",
            "gần 2.450 tỷ đồng",
            "từ 5 ngày xuống còn 2 ngày làm việc",
            "“",
            "”",
            "\"",
            "ông Giàng A Tếnh, Chủ tịch UBND xã, cho biết: ",
            "TP. ",
            "42/2022/NĐ-CP",
            " có hiệu lực từ ngày 01/01/2027",
            "ngày 31/02/2027",
            "10-20%",
            "từ 1 đến ",
            ". ",
            "./.",
            "; ",
            ", ",
            "… ",
            "ẫ ễ ộ ữ ặ đ",
            "Ộ",
            "İ",
            "1.000.000,5",
            "năm ",
            "57-NQ/TW",
            "9/",
            "-",
            "Bộ trưởng Lê Ẫn nói: ",
            "Bước 1: Mở máy. ",
            "Bước 2. Nộp: ",
            "Bước 3 – ",
            "Các bước sau:",
            "Ngày 15/3/2026, Thủ tướng họp. ",
            "20/9/2025: hợp long; ",
            "Quốc hội thông qua ngày 1 tháng 2 năm 2024. ",
            "Nghị định số 42/2022/NĐ-CP ngày 24/6/2022 của Chính phủ ",
            "Bộ Y tế ban hành Thông tư 5/2026/TT-BYT",
            "\t",
            "cảnh báo mưa lũ tại Lào Cai ",
            "Rủi ro thiên tai cấp 3",
            "rủi ro thiên tai do lũ: cấp 2. ",
            "có giá trị đến 19 giờ ngày 17/11/2026",
            "Người dân cần sơ tán. ",
            "Tuyệt đối không đi qua ngầm",
            "Đường dây nóng: ",
            "gọi 112",
            "0912.345.678",
            "đính chính ",
            "đã viết: “ẫ một”",
            " xin đọc là “ẫ hai”",
            "do lỗi kỹ thuật dàn trang,",
        ])
        .prop_map(str::to_owned),
        "[a-zA-ZạộđĐ0-9 .,;:/\"“”()%-]{0,12}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().nfc().collect())
}

fn any_body() -> impl Strategy<Value = BlockKind> {
    use BlockKind::{Caption, Heading, ListItem, Paragraph, Quote, TableRow};
    let kinds = [Paragraph, Paragraph, ListItem, ListItem, TableRow, Heading, Quote, Caption];
    prop::sample::select(kinds.to_vec())
}

/// Blocks that are nearly a procedure, a table, a line of time or a correction.
fn nearly() -> impl Strategy<Value = Vec<Block>> {
    let tame =
        || "[a-zA-ZẫạĐ0-9][a-zA-Zạộđİ0-9 .,;:/()-]{0,16}".prop_map(|t| t.nfc().collect::<String>());
    let words = || prop_oneof![3 => tame(), 1 => anything()];
    let rows = |kind, texts: Vec<String>| texts.iter().map(|t| block(kind, t.trim())).collect();
    let steps = (
        prop::sample::select(vec![BlockKind::Paragraph, BlockKind::ListItem]),
        prop::collection::vec(words(), 2..5),
    )
        .prop_map(move |(kind, texts)| {
            rows(kind, texts.iter().zip(1..).map(|(t, n)| format!("Bước {n}: {t}")).collect())
        });
    let table = (2..5_usize, prop::collection::vec(tame(), 20)).prop_map(move |(wide, cells)| {
        rows(BlockKind::TableRow, cells.chunks(wide).take(4).map(|c| c.join("\t")).collect())
    });
    let events = prop::collection::vec((1..29, 1..13, words()), 3..6).prop_map(move |days| {
        rows(
            BlockKind::Paragraph,
            days.iter().map(|(d, m, t)| format!("Ngày {d}/{m}/2026, Quốc hội {t}")).collect(),
        )
    });
    let correction = (words(), tame(), tame()).prop_map(move |(a, b, c)| {
        rows(
            BlockKind::Paragraph,
            vec![format!("Xin đính chính: do lỗi {a}, đã viết “{b}”. Xin đọc là “{c}”.")],
        )
    });
    prop_oneof![steps, table, events, correction]
}

/// What templates rely on.
fn check_shape(brief: &Brief) -> Result<(), TestCaseError> {
    prop_assert!(brief.steps.is_empty() || (2..=12).contains(&brief.steps.len()));
    prop_assert!(brief.steps.iter().all(|s| !s.title.text.is_empty()));
    prop_assert!(brief.events.is_empty() || brief.events.len() >= 3);
    prop_assert!(brief.events.windows(2).all(|pair| pair[0].day < pair[1].day));
    if let Some(table) = &brief.table {
        prop_assert!(
            (2..=3).contains(&table.columns.len()) && (2..=12).contains(&table.rows.len())
        );
        prop_assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
        prop_assert!(table.rows.iter().flatten().all(|cell| !cell.text.is_empty()));
    }
    prop_assert!(brief.bulletin.is_none() || brief.story == StoryKind::Alert);
    prop_assert_eq!(brief.correction.is_some(), brief.story == StoryKind::Correction);
    if let Some(bulletin) = &brief.bulletin {
        let stated =
            |level: &loa_model::brief::Level| level.words.text.ends_with(&level.rank.to_string());
        prop_assert!(bulletin.level.iter().all(|l| (1..=5).contains(&l.rank) && stated(l)));
        prop_assert!(bulletin.actions.len() <= 5 && bulletin.hotlines.len() <= 2);
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_passage_of_any_article_is_faithful(title in anything(), sapo in anything(), body in prop::collection::vec((any_body(), anything()), 0..8), room in 40_usize..2000) {
        let mut blocks = vec![block(BlockKind::Title, title.trim()), block(BlockKind::Sapo, sapo.trim())];
        blocks.extend(body.iter().map(|(kind, text)| block(*kind, text.trim())));
        let article = article(blocks);
        let source: String = article.blocks.iter().map(|b| b.text.as_str()).collect::<Vec<_>>().join("\n");
        let brief = extract(&article, &ids());
        prop_assert_eq!(brief.unfaithful(&article), Vec::<&Passage>::new());
        check_shape(&brief)?;
        let known = numbers(&source);
        for passage in brief.passages() {
            prop_assert!(numbers(&passage.text).iter().all(|n| known.contains(n)));
        }
        for figure in &brief.figures {
            let place = figure.span.of(&article).unwrap_or_default();
            prop_assert!(place.starts_with(&figure.value) && place.ends_with(&figure.unit));
            prop_assert!(figure.sentence.span.block == figure.span.block && figure.sentence.span.start <= figure.span.start && figure.span.end <= figure.sentence.span.end);
        }
        for quote in &brief.quotes {
            prop_assert_eq!(quote.speaker_span.of(&article), Some(quote.speaker.as_str()));
        }
        for (title, unit, format) in [(None, TextUnit::Utf16, PostFormat::Photo), (Some(100), TextUnit::Bytes, PostFormat::Video), (Some(150), TextUnit::Chars, PostFormat::Article)] {
            let composed = compose(&article, &brief, &rule(title, room, unit), format, &link(), &[]);
            check_lines(&article, &brief, &composed)?;
            prop_assert!(composed.text.contains(&link().url));
            let fixed = composed.lines.iter().filter(|l| l.field == "text" && matches!(l.origin, Origin::Article { .. })).count();
            // Over the limit only when nothing is left that may go.
            prop_assert!(unit.count(&composed.text) <= room || fixed <= 1);
        }
    }

    #[test]
    fn what_is_nearly_found_is_faithful(title in anything(), body in prop::collection::vec(nearly(), 1..4)) {
        let mut blocks = vec![block(BlockKind::Title, title.trim())];
        blocks.extend(body.into_iter().flatten());
        let article = article(blocks);
        let brief = extract(&article, &ids());
        prop_assert_eq!(brief.unfaithful(&article), Vec::<&Passage>::new());
        check_shape(&brief)?;
    }

    #[test]
    fn sentences_lose_nothing(text in anything()) {
        let mut at = 0;
        for range in sentences(&text) {
            prop_assert!(range.start >= at && text.get(range.clone()).is_some());
            prop_assert!(!text.get(at..range.start).unwrap().contains(char::is_alphanumeric));
            at = range.end;
        }
        prop_assert!(!text.get(at..).unwrap().contains(char::is_alphanumeric));
    }
}
