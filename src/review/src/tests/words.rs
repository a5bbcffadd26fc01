//! The locale files have the words for everything this crate and the model can say, in both languages.

use std::collections::BTreeSet;

use loa_model::{ArticleState, StoryKind, VariantState};
use serde::Serialize;
use unicode_normalization::is_nfc;

use super::*;

fn words(lang: &str) -> toml::Table {
    let path = format!("{}/../../assets/locales/{lang}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

fn keys(table: &toml::Table) -> BTreeSet<String> {
    let section = |(name, value): (&String, &toml::Value)| -> Vec<String> {
        value.as_table().unwrap().keys().map(|key| format!("{name}.{key}")).collect()
    };
    table.iter().flat_map(section).collect()
}

fn name(value: impl Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn both_languages_have_every_word() {
    let (vi, en) = (words("vi"), words("en"));
    assert_eq!(keys(&vi), keys(&en));
    for table in [&vi, &en] {
        for (_, section) in table {
            for (key, text) in section.as_table().unwrap() {
                let text = text.as_str().unwrap();
                assert!(!text.trim().is_empty() && is_nfc(text) && !text.contains('!'), "{key}");
            }
        }
    }
}

#[test]
fn every_error_and_state_has_its_words() {
    let vi = words("vi");
    let section =
        |name: &str| -> BTreeSet<String> { vi[name].as_table().unwrap().keys().cloned().collect() };
    let set = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>();
    assert_eq!(section("review_error"), set(ReviewError::KEYS.map(str::to_owned).into()));
    let whys = loa_model::Why::ALL.iter().map(|why| why.key().to_owned());
    assert_eq!(section("why"), set(whys.collect()));
    let posts = PostState::ALL.iter().map(name);
    assert_eq!(section("state"), set(posts.chain(DeliveryState::ALL.iter().map(name)).collect()));
    assert_eq!(section("article_state"), set(ArticleState::ALL.iter().map(name).collect()));
    assert_eq!(section("variant_state"), set(VariantState::ALL.iter().map(name).collect()));
    let formats = [
        PostFormat::Text,
        PostFormat::Photo,
        PostFormat::Album,
        PostFormat::Video,
        PostFormat::ShortVideo,
        PostFormat::Article,
    ];
    assert_eq!(section("format"), set(formats.iter().map(name).collect()));
    assert_eq!(section("story"), set(StoryKind::ALL.iter().map(name).collect()));
}

#[test]
fn every_violation_has_its_words() {
    let mut desk = Desk::new();
    let rule = desk.capability.formats.get_mut(&PostFormat::Photo).unwrap();
    rule.forbidden = "ỗ".into();
    rule.alt_required = true;
    let photos = rule.media.get_mut(&MediaRole::Photo).unwrap();
    (photos.min_width, photos.min_duration_ms, photos.upright) = (4000, 5, true);
    let mut content = desk.post().content;
    let card = &mut content.media[0];
    (card.mime, card.bytes, card.height) = ("image/gif".into(), 2_000_000, 9);
    card.alt.clear();
    content.text = "Hỗ trợ ".repeat(50);
    content.media.extend(content.media.clone());
    let said: BTreeSet<String> =
        desk.capability.check(&content).into_iter().map(|v| v.problem).collect();
    let known: BTreeSet<String> =
        words("vi")["violation"].as_table().unwrap().keys().cloned().collect();
    assert_eq!(said, known);
}
