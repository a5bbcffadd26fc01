//! A card while it is edited: half size, with the photo's focus, and with the template as it is being written.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use loa_canvas::{Assets, Engine, Pixels, encode};
use loa_model::{Article, Block, BlockKind, Brief, FocusPoint, Passage, Photo, Span};
use loa_pipeline::{Draft, Recipe, Studio};
use serde_json::json;

const TITLE: &str = "Đường lên bản đã thông xe";

/// Templates that somebody is working on: their source, and how often it was changed.
type Desk = Arc<Mutex<(Assets, u64)>>;

fn studio(desk: &Desk) -> Studio {
    let (making, stamping) = (Arc::clone(desk), Arc::clone(desk));
    let make = move || Engine::new(&making.lock().unwrap().0).map_err(|error| error.to_string());
    let stamp = move || stamping.lock().unwrap().1;
    let runner =
        loa_pipeline::Cinema::new(loa_clip::Runner { exe: "loa".into(), args: Vec::new() });
    Studio::following(Box::new(make), runner, Box::new(stamp))
}

fn desk() -> Desk {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    Arc::new(Mutex::new((Assets::from_dir(&assets, &[]).unwrap(), 0)))
}

fn edit(desk: &Desk, from: &str, to: &str) {
    let mut desk = desk.lock().unwrap();
    let source = desk.0.templates.get_mut("tin-nhanh/template.typ").unwrap();
    let text = std::str::from_utf8(source).unwrap();
    assert!(text.contains(from));
    *source = Bytes::from(text.replacen(from, to, 1));
    desk.1 += 1;
}

fn draft() -> Draft {
    let mut article: Article = serde_json::from_value(json!({
        "id": "01890000-0000-7000-8000-000000000001", "agency": "demo", "revision": 1, "digest": "0".repeat(64),
        "state": "ready", "source": {"canonical_url": "https://mh.example/1", "publisher": "Minh Họa", "via": "html"},
        "lang": "vi", "section": "Giao thông", "authors": [], "published_at": "2026-11-22T03:00:00Z",
        "embargo_until": null, "keywords": [], "blocks": [], "photos": [], "fetched_at": "2026-11-22T03:00:00Z"
    }))
    .unwrap();
    article.blocks.push(Block { kind: BlockKind::Title, text: TITLE.to_owned() });
    article.photos.push(Photo {
        url: String::new(),
        blob: None,
        mime: "image/png".to_owned(),
        caption: String::new(),
        credit: "Ảnh: Minh Họa".to_owned(),
        alt: "Đường lên bản".to_owned(),
    });
    article.digest = article.content_digest();
    let end = u32::try_from(TITLE.len()).unwrap();
    let span = Span { revision: 1, block: 0, start: 0, end };
    let title = Passage { text: TITLE.to_owned(), span, edits: Vec::new() };
    let brief: Brief = serde_json::from_value(json!({
        "id": "01890000-0000-7000-8000-000000000002", "agency": "demo", "article": article.id, "revision": 1,
        "article_digest": article.digest, "story": "news", "title": title, "sapo": null, "points": [],
        "figures": [], "quotes": [], "dates": [], "legal_docs": [], "hashtags": []
    }))
    .unwrap();
    // Black on the left, white on the right.
    let mut photo = Pixels::filled(2000, 500, [0, 0, 0, 255]);
    for row in photo.rgba.chunks_exact_mut(2000 * 4) {
        row[1000 * 4..].fill(255);
    }
    let recipe = Recipe {
        brand: "demo".to_owned(),
        sizes: vec!["portrait".to_owned()],
        ..Recipe::default()
    };
    let photo = Some((0, Bytes::from(encode::png(&photo).unwrap())));
    Draft { article, brief, recipe, photo }
}

/// Brightness of the photo near the top of a card.
fn bright(jpeg: &[u8]) -> u8 {
    let photo = loa_canvas::photo::decode(jpeg).unwrap();
    assert_eq!((photo.width(), photo.height()), (540, 675));
    photo.rgb()[(60 * 540 + 400) * 3]
}

#[tokio::test]
async fn the_picture_is_half_as_large_and_follows_the_focus() {
    let studio = studio(&desk());
    let drawn = |x: f64| {
        let mut draft = draft();
        draft.recipe.focus = FocusPoint::at(x, 0.5);
        studio.preview(draft)
    };
    let (left, right) = (drawn(0.0).await.unwrap(), drawn(1.0).await.unwrap());
    assert!(bright(&left.jpeg) < 60 && bright(&right.jpeg) > 195);
    assert!(left.alt.contains(TITLE) && left.violations.is_empty());
    assert_eq!(left.focus, Some(loa_canvas::Focus { x: 0.0, y: 0.5 }));
    let mut bare = draft();
    bare.recipe.template = Some("van-ban".to_owned());
    assert_eq!(studio.preview(bare).await.unwrap().focus, None, "it shows no photo");
    assert_eq!(
        (left.width, left.height, &left.picture["template"]),
        (540, 675, &json!("tin-nhanh"))
    );
}

#[tokio::test]
async fn a_template_that_is_being_written_is_drawn_as_it_is_now() {
    let desk = desk();
    let studio = studio(&desk);
    let before = studio.preview(draft()).await.unwrap();
    let again = studio.preview(draft()).await.unwrap();
    assert!(again.jpeg == before.jpeg, "the same draft gives the same bytes");
    edit(&desk, "#show: setup", "#show: setup\n#let broken = (");
    let why = studio.preview(draft()).await.unwrap_err().to_string();
    assert!(why.contains("unclosed delimiter") && why.contains("tin-nhanh/template.typ:"), "{why}");
    edit(&desk, "#let broken = (", "#set text(tracking: 2pt)");
    let after = studio.preview(draft()).await.unwrap();
    assert!(after.jpeg != before.jpeg, "the template was not read again");
}

#[tokio::test]
async fn a_headline_that_no_size_holds_is_a_violation_and_no_picture() {
    let studio = studio(&desk());
    let mut draft = draft();
    let endless = TITLE.repeat(40);
    draft.article.blocks[0].text.clone_from(&endless);
    draft.article.digest = draft.article.content_digest();
    draft.brief.article_digest = draft.article.digest;
    draft.brief.title.span.end = u32::try_from(endless.len()).unwrap();
    draft.brief.title.text = endless;
    let found = studio.preview(draft).await.unwrap();
    assert!(found.jpeg.is_empty() && found.picture.is_null());
    assert_eq!(found.violations[0].field, "infographic.portrait");
}

#[tokio::test]
async fn what_cannot_be_drawn_is_said() {
    let studio = studio(&desk());
    let mut lying = draft();
    lying.brief.title.text.push_str(" hôm nay");
    let mut huge = draft();
    huge.recipe.sizes = vec!["wall".to_owned()];
    let mut torn = draft();
    torn.photo = Some((0, Bytes::from_static(b"no picture")));
    let mut other = draft();
    other.photo = Some((3, Bytes::from_static(b"")));
    for (draft, words) in
        [(lying, "not in the article"), (huge, "wall"), (torn, "photo 1"), (other, "photo 4")]
    {
        let why = studio.preview(draft).await.unwrap_err().to_string();
        assert!(why.contains(words), "{why}");
    }
}
