//! Families of cards: each leads with its own part of the brief, whole, word for word, or another family is drawn.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "some stories are told by the other tests")]
mod support;

use std::time::{Duration, Instant};

use loa_canvas::Pixels;
use loa_infographic::{Error, Format, Infographic, Order, Rendered, Spread, sheet, specimens};
use loa_model::{
    Article, Block, BlockKind, Brief, Bulletin, Cancel, Correction, DateMention, Event, Hotline,
    LegalDoc, Level, Quote, Step, StoryKind, Table,
};
use serde_json::{Value, json};
use support::{ENGINE, Story, passage, told, valley};

const ALERT: &str = "Cảnh báo lũ quét, sạt lở đất tại 12 xã vùng cao tỉnh Minh Họa. Rủi ro thiên tai cấp 2. \
    Bản tin có giá trị đến 7 giờ ngày 23/11/2026. Không đi qua ngầm, tràn khi nước chảy xiết. \
    Sơ tán ngay khỏi sườn đồi có vết nứt. Đường dây nóng phòng, chống thiên tai: 0210 000 112.";

/// An article of one paragraph, and its brief with nothing but a headline.
fn story(kind: StoryKind, title: &str, text: &str) -> (Article, Brief) {
    let (mut article, mut brief) = told(&Story { title, points: &[], figure: None });
    article.blocks.push(Block { kind: BlockKind::Paragraph, text: text.to_owned() });
    article.digest = article.content_digest();
    brief.article_digest = article.digest;
    brief.story = kind;
    (article, brief)
}

fn alert() -> (Article, Brief) {
    let (article, mut brief) = story(StoryKind::Alert, "Khẩn trương ứng phó lũ quét", ALERT);
    let say = |words: &str| passage(&article, words);
    brief.bulletin = Some(Bulletin {
        level: Some(Level { rank: 2, words: say("Rủi ro thiên tai cấp 2") }),
        area: Some(say("12 xã vùng cao tỉnh Minh Họa")),
        until: Some(say("7 giờ ngày 23/11/2026")),
        actions: vec![
            say("Không đi qua ngầm, tràn khi nước chảy xiết."),
            say("Sơ tán ngay khỏi sườn đồi có vết nứt."),
        ],
        hotlines: vec![Hotline {
            number: say("0210 000 112"),
            label: Some(say("Đường dây nóng phòng, chống thiên tai")),
        }],
    });
    (article, brief)
}

fn how_to() -> (Article, Brief) {
    let text = "Nộp hồ sơ: tại trung tâm hành chính công của xã. Nhận phiếu hẹn. Nhận kết quả: trong 5 ngày làm việc.";
    let (article, mut brief) = story(StoryKind::HowTo, "Cách xin hỗ trợ làm nhà", text);
    let say = |words: &str| passage(&article, words);
    let step = |title, text: Option<&str>| Step { title: say(title), text: text.map(say) };
    brief.steps = vec![
        step("Nộp hồ sơ", Some("tại trung tâm hành chính công của xã.")),
        step("Nhận phiếu hẹn", None),
        step("Nhận kết quả", Some("trong 5 ngày làm việc.")),
    ];
    (article, brief)
}

fn timeline() -> (Article, Brief) {
    let text = "01/3/2026: khởi công đường lên bản. 15/6/2026: xong ba cầu qua suối. 20/11/2026: thông xe toàn tuyến.";
    let (article, mut brief) = story(StoryKind::Timeline, "Các mốc làm đường lên bản", text);
    let say = |words: &str| passage(&article, words);
    let event = |day: &str, date, text| Event {
        day: day.parse().unwrap(),
        date: say(date),
        text: say(text),
    };
    brief.events = vec![
        event("2026-03-01", "01/3/2026", "khởi công đường lên bản."),
        event("2026-06-15", "15/6/2026", "xong ba cầu qua suối."),
        event("2026-11-20", "20/11/2026", "thông xe toàn tuyến."),
    ];
    (article, brief)
}

/// A story with a table, cells parted by tabs, its heads first.
fn tabled(title: &str, lines: &[&str]) -> (Article, Brief) {
    let (mut article, mut brief) = story(StoryKind::Comparison, title, "Mức hỗ trợ mỗi nhà.");
    let mut rows = Vec::new();
    for line in lines {
        article.blocks.push(Block { kind: BlockKind::TableRow, text: (*line).to_owned() });
        rows.push(line.split('\t').map(|cell| passage(&article, cell)).collect());
    }
    article.digest = article.content_digest();
    brief.article_digest = article.digest;
    let columns = rows.remove(0);
    brief.table = Some(Table { columns, rows });
    (article, brief)
}

fn comparison() -> (Article, Brief) {
    let lines = [
        "Nội dung\tTrước đây\tTừ 2027",
        "Lệ phí\t135.000 đồng\tMiễn phí",
        "Thời hạn\t10 năm\t15 năm",
    ];
    tabled("So sánh quy định cũ và mới", &lines)
}

fn chart() -> (Article, Brief) {
    let lines = [
        "Loại\tTrước đây\tTừ 2027",
        "Xây mới\t50 triệu đồng\t60 triệu đồng",
        "Sửa chữa\t25 triệu đồng\t30 triệu đồng",
    ];
    tabled("So sánh mức hỗ trợ cũ và mới", &lines)
}

fn correction() -> (Article, Brief) {
    let text = "Do sơ suất, bài đã viết “hỗ trợ 60 triệu đồng”, nay xin đọc là “hỗ trợ không quá 60 triệu đồng”.";
    let (article, mut brief) = story(StoryKind::Correction, "Đính chính bài về hỗ trợ nhà ở", text);
    brief.correction = Some(Correction {
        before: passage(&article, "hỗ trợ 60 triệu đồng"),
        after: passage(&article, "hỗ trợ không quá 60 triệu đồng"),
        reason: Some(passage(&article, "Do sơ suất")),
    });
    (article, brief)
}

fn quote() -> (Article, Brief) {
    let text = "Bà Lò Thị Minh Ngọc, Chủ tịch xã, nói: “Không để người dân phải vượt núi.”";
    let (article, mut brief) = story(StoryKind::Quote, "Đưa thủ tục về tận bản", text);
    brief.quotes = vec![Quote {
        words: passage(&article, "Không để người dân phải vượt núi."),
        speaker: "Lò Thị Minh Ngọc".to_owned(),
        role: "Chủ tịch xã".to_owned(),
        speaker_span: passage(&article, "Lò Thị Minh Ngọc").span,
    }];
    (article, brief)
}

fn decree() -> (Article, Brief) {
    let text = "Chính phủ ban hành Nghị định 999/2026/NĐ-CP ngày 20/11/2026, có hiệu lực từ ngày 01/01/2027.";
    let (article, mut brief) = story(StoryKind::Decree, "Quy định mới về hỗ trợ nhà ở", text);
    let say = |words: &str| passage(&article, words);
    brief.legal_docs = vec![LegalDoc {
        number: "999/2026/NĐ-CP".to_owned(),
        span: say("999/2026/NĐ-CP").span,
        name: Some(say("Nghị định")),
        issuer: Some(say("Chính phủ")),
        date: Some(say("20/11/2026")),
    }];
    brief.dates = vec![DateMention {
        date: "2027-01-01".parse().unwrap(),
        effective: true,
        sentence: say(text),
        words: Some(say("01/01/2027")),
    }];
    (article, brief)
}

fn render(article: &Article, brief: &Brief, template: Option<&str>) -> Result<Rendered, Error> {
    render_sizes(article, brief, template, &[])
}

fn render_sizes(
    article: &Article,
    brief: &Brief,
    template: Option<&str>,
    sizes: &[&str],
) -> Result<Rendered, Error> {
    let order = Order {
        article,
        brief,
        photos: &[],
        brand: "demo",
        template,
        sizes,
        formats: &[Format::Png],
        spread: Spread::Card,
        link: Some("https://minhhoa.example/l/k7Xq2"),
        date: "22/11/2026",
        cancel: &Cancel::new(),
    };
    Infographic.render(&ENGINE, &order, &mut |_| {})
}

/// Far above what a card takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn hostile() -> Vec<(&'static str, String)> {
    vec![
        ("long words", "Đẩy nhanh tiến độ giải ngân vốn đầu tư công. ".repeat(45)),
        ("unbroken", "ẫ".repeat(2000)),
        ("digits", "9".repeat(400)),
        ("zalgo", format!("Hỗ trợ {}", format!("a{}", "\u{0300}\u{0323}\u{0489}".repeat(20)).repeat(12))),
        ("bidi", "\u{202e}gnồđ uệirt 06\u{202c} \u{2066}ẩn\u{2069}".to_owned()),
        ("controls", "Dòng\u{0}một\u{7}\nhai\tba\u{feff}".to_owned()),
        ("typst", "#panic(\"x\") #read(\"/etc/passwd\") #import \"@preview/x:1.0.0\" $x^2$ @a <b> \\ *c* = d".to_owned()),
        ("markup", "</text><script>alert(1)</script><![CDATA[&amp;]]>{{ 7*7 }}".to_owned()),
        ("scripts", "សួស្តី ສະບາຍດີ مرحبا 안녕하세요 你好 🇻🇳👩‍🌾".to_owned()),
        ("nothing", String::new()),
    ]
}

/// Puts these words in the place of every passage, as a person may do.
fn spoil(value: &mut Value, words: &str) {
    match value {
        Value::Object(fields) if fields.contains_key("span") && fields.contains_key("edits") => {
            fields.insert("text".to_owned(), words.into());
            let by = "01890000-0000-7000-8000-0000000000aa";
            let edit = json!({ "op": "rewritten", "by": by, "at": "2026-11-22T04:00:00Z" });
            fields.insert("edits".to_owned(), json!([edit]));
        }
        Value::Object(fields) => fields.values_mut().for_each(|value| spoil(value, words)),
        Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, words)),
        _ => {}
    }
}

#[test]
fn hostile_words_end_in_a_picture_or_a_violation_and_are_never_obeyed() {
    type Told = fn() -> (Article, Brief);
    let stories: [Told; 8] =
        [alert, how_to, timeline, comparison, chart, correction, quote, decree];
    for story in stories {
        let (article, mut honest) = story();
        // Its words hold the number that its bars show.
        if let Some(bulletin) = &mut honest.bulletin {
            bulletin.level = None;
        }
        for (what, words) in hostile() {
            let mut spoiled = serde_json::to_value(&honest).unwrap();
            spoil(&mut spoiled, &words);
            let brief: Brief = serde_json::from_value(spoiled).unwrap();
            let begun = Instant::now();
            let done = render_sizes(&article, &brief, None, &["portrait", "link"]).unwrap();
            assert!(begun.elapsed() < PATIENCE, "{:?} {what}: {:?}", brief.story, begun.elapsed());
            assert_eq!(done.files.len() + done.violations.len(), 2, "{:?} {what}", brief.story);
            if ["long words", "unbroken"].contains(&what) {
                assert_eq!(done.files.len(), 0, "{:?} {what}", brief.story);
            }
            for picture in done.provenance["pictures"].as_array().unwrap() {
                if what == "typst" {
                    assert!(picture["alt"].as_str().unwrap().contains("#panic"), "{picture:#}");
                }
            }
        }
    }
}

#[test]
fn each_kind_of_story_leads_with_what_it_is_about() {
    type Told = fn() -> (Article, Brief);
    let stories: [(Told, &str, &[&str]); 8] = [
        (
            alert,
            "canh-bao",
            &[
                "Rủi ro thiên tai cấp 2.",
                "Khu vực: 12 xã",
                "Sơ tán ngay",
                "thiên tai: 0210 000 112.",
            ],
        ),
        (how_to, "cac-buoc", &["1. Nộp hồ sơ: tại trung tâm", "2. Nhận phiếu hẹn."]),
        (timeline, "dong-thoi-gian", &["01/3/2026: khởi công", "20/11/2026: thông xe"]),
        (comparison, "so-sanh", &["Lệ phí: Trước đây 135.000 đồng, Từ 2027 Miễn phí."]),
        (
            chart,
            "bieu-do",
            &["Biểu đồ thanh.", "Sửa chữa: Trước đây 25 triệu đồng, Từ 2027 30 triệu đồng."],
        ),
        (correction, "dinh-chinh", &["Đã đưa: hỗ trợ 60", "Xin đọc là: hỗ trợ không quá 60"]),
        (
            quote,
            "trich-dan",
            &["“Không để người dân phải vượt núi.” – Lò Thị Minh Ngọc, Chủ tịch xã."],
        ),
        (decree, "van-ban", &["Nghị định 999/2026/NĐ-CP Chính phủ 20/11/2026.", "từ: 01/01/2027."]),
    ];
    for (story, family, alts) in stories {
        let (article, brief) = story();
        let done = render(&article, &brief, None).unwrap();
        assert_eq!((done.template.as_str(), done.violations.len()), (family, 0), "{done:?}");
        let sizes: Vec<_> = done.files.iter().map(|file| file.size.as_str()).collect();
        assert_eq!(sizes, ["portrait", "square", "story", "link", "youtube"]);
        for picture in done.provenance["pictures"].as_array().unwrap() {
            let wide = ["link", "youtube"].contains(&picture["size"].as_str().unwrap());
            // Much to say on a wide card is said by the news card.
            if wide && picture["template"] == "tin-nhanh" {
                assert_eq!(family, "canh-bao", "{picture:#}");
                continue;
            }
            assert_eq!(picture["template"], family, "{picture:#}");
            assert_eq!(picture["left_out"].as_array().unwrap().len(), 0, "{picture:#}");
            for words in alts {
                let alt = picture["alt"].as_str().unwrap();
                assert!(alt.contains(words), "{family}: {words:?} is not in {alt:?}");
            }
        }
    }
}

#[test]
fn words_that_are_not_the_articles_are_refused_wherever_they_stand() {
    let (article, honest) = alert();
    let spoil: [fn(&mut Bulletin); 5] = [
        |bulletin| bulletin.level.as_mut().unwrap().rank = 4,
        |bulletin| bulletin.until.as_mut().unwrap().text = "7 giờ ngày 24/11/2026".to_owned(),
        |bulletin| bulletin.actions[0].text = "Không đi qua ngầm.".to_owned(),
        |bulletin| bulletin.hotlines[0].number.text = "0210 000 113".to_owned(),
        |bulletin| bulletin.area.as_mut().unwrap().text.push_str(" và 3 huyện"),
    ];
    for (which, spoil) in spoil.iter().enumerate() {
        let mut brief = honest.clone();
        spoil(brief.bulletin.as_mut().unwrap());
        let refused = render(&article, &brief, None);
        assert!(matches!(refused, Err(Error::Unfaithful(_))), "{which}: {refused:?}");
    }
    let (article, mut brief) = quote();
    brief.quotes[0].speaker = "Lò Thị Ngọc Minh".to_owned();
    assert!(matches!(render(&article, &brief, None), Err(Error::Unfaithful(_))));
}

#[test]
fn a_lead_that_a_size_cannot_hold_is_drawn_by_another_family_and_never_in_part() {
    let (article, mut brief) = how_to();
    let all = brief.steps.clone();
    brief.steps.extend(all.clone());
    brief.steps.extend(all);
    // Nine steps: more than any size lists.
    let done = render(&article, &brief, None).unwrap();
    assert_eq!((done.violations.len(), done.files.len()), (0, 5));
    for picture in done.provenance["pictures"].as_array().unwrap() {
        assert_eq!(picture["template"], "tin-nhanh");
    }
    // Who names a template gets that one or hears why not.
    let named = render(&article, &brief, Some("cac-buoc")).unwrap();
    assert_eq!((named.violations.len(), named.files.len()), (5, 0));
    assert_eq!(
        (named.violations[0].problem.as_str(), named.violations[0].limit.as_str()),
        ("count", "6")
    );
}

#[test]
fn a_story_without_its_lead_is_news() {
    let (article, mut brief) = quote();
    brief.quotes.clear();
    assert_eq!(render(&article, &brief, None).unwrap().template, "tin-nhanh");
}

#[test]
fn every_family_holds_its_typical_story_and_less_of_any_other() {
    let photo = valley(1600, 1100);
    let families = ENGINE.templates().values().filter(|family| !family.samples.is_empty());
    let mut seen = 0;
    for family in families {
        let only = (Some("typical"), None);
        let drawn = specimens(&ENGINE, &family.id, "demo", Some(&photo), only).unwrap();
        for one in &drawn {
            assert!(one.problems.is_empty(), "{} {}: {:?}", family.id, one.size, one.problems);
        }
        let page = sheet(&drawn);
        let widths: u32 = drawn.iter().map(|one| one.pixels.width / 2 + 24).sum();
        assert_eq!((page.width, drawn.len()), (widths + 24, 5));
        assert_ne!(page, Pixels::filled(page.width, page.height, [226, 228, 232, 255]));
        seen += 1;
    }
    assert_eq!(seen, 10);
}
