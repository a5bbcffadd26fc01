//! A list that is longer than a card is spread over pages: whole, in order, word for word.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "some stories are told by the other tests")]
mod support;

use loa_infographic::{Format, Infographic, MOST_PAGES, Order, Rendered, Spread, may_spread};
use loa_model::{Article, Block, BlockKind, Brief, Cancel, Step, StoryKind};
use serde_json::Value;
use support::{ENGINE, Story, passage, told, valley};

/// A procedure of so many steps, each of its own words.
fn procedure(steps: usize) -> (Article, Brief) {
    let title = "Cách xin hỗ trợ xóa nhà tạm, nhà dột nát ở xã vùng cao";
    let (mut article, mut brief) = told(&Story { title, points: &[], figure: None });
    let names: Vec<(String, String)> = (1..=steps)
        .map(|number| {
            let text = format!("nộp giấy tờ số {number} tại trung tâm phục vụ hành chính công của xã trong giờ làm việc.");
            (format!("Việc thứ {number} cần làm"), text)
        })
        .collect();
    for (title, text) in &names {
        let text = format!("{title}: {text}");
        article.blocks.push(Block { kind: BlockKind::ListItem, text });
    }
    article.digest = article.content_digest();
    brief.article_digest = article.digest;
    brief.story = StoryKind::HowTo;
    let step = |(title, text): &(String, String)| Step {
        title: passage(&article, title),
        text: Some(passage(&article, text)),
    };
    brief.steps = names.iter().map(step).collect();
    (article, brief)
}

fn carousel(article: &Article, brief: &Brief, sizes: &[&str]) -> Rendered {
    let photos = [valley(1600, 1100)];
    let order = Order {
        article,
        brief,
        photos: &photos,
        brand: "demo",
        template: None,
        sizes,
        formats: &[Format::Jpeg { max_bytes: 900_000 }],
        spread: Spread::Carousel,
        link: None,
        date: "22/11/2026",
        cancel: &Cancel::new(),
    };
    Infographic.render(&ENGINE, &order, &mut |_| {}).unwrap()
}

/// Titles of steps that a picture drew, in order.
fn titles(picture: &Value) -> Vec<String> {
    let drawn = picture["drawn"].as_array().unwrap().iter();
    let title = |known: &Value| {
        let field = known["field"].as_str()?;
        matches!(field.split('.').collect::<Vec<_>>()[..], ["steps", _, "title"])
            .then(|| known["text"].as_str().unwrap().to_owned())
    };
    drawn.filter_map(title).collect()
}

#[test]
fn every_step_is_on_one_page_in_order_and_numbered_on() {
    let (article, brief) = procedure(9);
    assert!(may_spread(&brief));
    for size in ["portrait", "square", "story", "link", "youtube"] {
        let done = carousel(&article, &brief, &[size]);
        assert_eq!((done.violations.len(), done.template.as_str()), (0, "cac-buoc"), "{size}");
        let pictures = done.provenance["pictures"].as_array().unwrap();
        assert!((2..=MOST_PAGES).contains(&pictures.len()), "{size}: {}", pictures.len());
        let all: Vec<String> = pictures.iter().flat_map(titles).collect();
        let want: Vec<_> = brief.steps.iter().map(|step| step.title.text.clone()).collect();
        assert_eq!(all, want, "{size}");
        let mut first = 1;
        for (index, (file, picture)) in done.files.iter().zip(pictures).enumerate() {
            assert_eq!(file.name, format!("{size}-{}.jpg", index + 1));
            assert_eq!(
                (&picture["page"], &picture["left_out"]),
                (&(index + 1).into(), &Value::Array(vec![]))
            );
            let drawn = picture["drawn"].as_array().unwrap();
            for (field, number) in [("page", index + 1), ("pages", pictures.len())] {
                let number = number.to_string();
                let told =
                    |known: &Value| known["field"] == field && known["text"] == number.as_str();
                assert!(drawn.iter().any(told), "{size} {field} {number}");
            }
            let start = format!("{first}. Việc thứ {first} cần làm");
            assert!(file.alt.contains(&start), "{size}: {start}: {}", file.alt);
            first += titles(picture).len();
        }
    }
}

#[test]
fn what_one_page_holds_is_no_carousel_and_what_ten_do_not_hold_is_said() {
    let (article, mut brief) = procedure(3);
    let done = carousel(&article, &brief, &["portrait"]);
    assert_eq!((done.files.len(), done.violations.len()), (0, 0));
    brief.story = StoryKind::News;
    assert!(!may_spread(&brief));
    assert_eq!(carousel(&article, &brief, &["portrait"]).files, []);
    let (article, brief) = procedure(80);
    let done = carousel(&article, &brief, &["portrait"]);
    assert_eq!((done.files.len(), done.violations.len()), (0, 1));
    let found = &done.violations[0];
    assert_eq!(
        (found.problem.as_str(), found.is.as_str(), found.limit.as_str()),
        ("count", "80", "10")
    );
}

#[test]
fn the_mark_of_the_page_is_drawn() {
    let (article, brief) = procedure(9);
    let engine = &ENGINE;
    let pages = |number: usize, of: usize| {
        let steps: Vec<Value> = brief.steps[..3]
            .iter()
            .map(|step| serde_json::json!({"title": step.title.text, "text": ""}))
            .collect();
        let data = serde_json::json!({
            "title": brief.title.text, "steps": steps, "page": number, "pages": of, "first": 3,
            "source": article.source.publisher, "url": "https://minhhoa.example/1", "url_short": "minhhoa.example/1",
        });
        let canvas = loa_canvas::Canvas::new(1080, 1350);
        let sheet = loa_canvas::Sheet {
            template: "cac-buoc",
            brand: "demo",
            canvas,
            data: &data,
            photos: &[],
        };
        let texts = engine.compose(&sheet).unwrap().texts();
        texts.into_iter().map(|text| text.text.trim().to_owned()).collect::<Vec<_>>()
    };
    let second = pages(2, 3);
    for (number, what) in [("2", "the page"), ("3", "of how many"), ("4", "a step, numbered on")] {
        assert!(second.iter().any(|text| text == number), "{what}: {second:?}");
    }
    let alone = pages(0, 0);
    assert!(!alone.iter().any(|text| text == "2" || text == "3"), "{alone:?}");
}
