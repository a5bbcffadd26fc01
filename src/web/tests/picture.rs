//! Choosing how the card of an article is drawn, by the form alone: it works without script.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use loa_model::{
    Brief, BriefList, Job, PhotoChoice, Role, Variant, VariantKind, VariantState, record::join,
};
use loa_store::StoreExt as _;
use support::{World, browser::Browser};

fn page_of(world: &World) -> String {
    format!("/bai-viet/{}?sua=infographic", world.article.id)
}

fn address(world: &World) -> String {
    format!("/bai-viet/{}/chinh", world.article.id)
}

/// Infographics of the article, the newest last, but for the one that was there before.
async fn chosen(world: &World) -> Vec<Variant> {
    let key = join(&[&world.article.id.to_string(), ""]);
    let rows = world.store.list::<Variant>("variant_by_article", &key, 100).await.unwrap();
    let cards = rows.into_iter().map(|row| row.record);
    cards.filter(|v| v.kind == VariantKind::Infographic && v.chosen.is_some()).collect()
}

async fn brief(world: &World) -> Brief {
    let key = world.article.id.to_string();
    world.store.list_last::<Brief>("brief_by_article", &key, 1).await.unwrap().remove(0).record
}

/// What a browser sends of the form as it comes, with changes.
fn form(brief: &Brief, changes: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("dang".to_owned(), "infographic".to_owned()),
        ("template".to_owned(), String::new()),
        ("title".to_owned(), brief.title.text.clone()),
        ("photo".to_owned(), "first".to_owned()),
        ("x".to_owned(), String::new()),
        ("y".to_owned(), String::new()),
    ];
    for list in BriefList::ALL {
        let name = list.name();
        for (of, words) in list.words(brief).into_iter().enumerate() {
            fields.push((name.to_owned(), of.to_string()));
            if list.is_written() {
                fields.push((format!("text-{name}-{of}"), words.text.clone()));
            }
            fields.push((format!("place-{name}-{of}"), (of + 1).to_string()));
        }
    }
    for (name, value) in changes {
        match name.strip_prefix('-') {
            Some(name) => fields.retain(|(n, v)| (n.as_str(), v.as_str()) != (name, value)),
            None => {
                fields
                    .iter_mut()
                    .filter(|(n, _)| n == name)
                    .for_each(|f| (*value).clone_into(&mut f.1));
            }
        }
    }
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(fields);
    encoded.finish()
}

async fn send(browser: &Browser<'_>, to: &str, body: String) -> StatusCode {
    let headers =
        [("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];
    browser.raw("POST", to, &headers, body).await.status()
}

#[tokio::test]
async fn what_the_form_says_is_what_is_queued_once() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let brief = brief(&world).await;
    let body = form(
        &brief,
        &[
            ("template", "so-lieu"),
            ("title", "Tựa ngắn hơn"),
            ("-points", "2"),
            ("place-points-0", "2"),
            ("place-points-1", "1"),
            ("text-points-1", "Ý do người viết lại."),
            ("photo", "without"),
        ],
    );
    for _ in 0..2 {
        assert_eq!(send(&editor, &address(&world), body.clone()).await, StatusCode::SEE_OTHER);
    }
    let cards = chosen(&world).await;
    assert_eq!(cards.len(), 1, "the same choices again queue nothing");
    let card = &cards[0];
    assert_eq!((card.state, card.template.as_str()), (VariantState::Queued, "so-lieu"));
    let told = card.chosen.as_ref().unwrap();
    assert_eq!((told.by, told.choices.photo), (world.people.author.id, PhotoChoice::Without));
    assert_eq!(told.choices.title.as_deref(), Some("Tựa ngắn hơn"));
    let points: Vec<_> =
        told.choices.points.iter().flatten().map(|p| (p.of, p.text.as_deref())).collect();
    let rest = (3..brief.points.len()).map(|of| (of, None));
    let want: Vec<_> =
        [(1, Some("Ý do người viết lại.")), (0, None)].into_iter().chain(rest).collect();
    assert_eq!(points, want);
    let jobs = world.store.all::<Job>(500).await.unwrap();
    let of_it = |job: &Job| (job.work.name(), job.work.variant()) == ("draw", Some(card.id));
    assert_eq!(jobs.iter().filter(|row| of_it(&row.record)).count(), 1);
    // The form shows what was chosen.
    let page = editor.get(&page_of(&world)).await;
    assert_eq!(page.status, StatusCode::OK);
    for words in ["Tựa ngắn hơn", "Ý do người viết lại.", "value=\"so-lieu\" selected"]
    {
        assert!(page.text().contains(words), "{words}");
    }
    // Other choices are another card.
    assert_eq!(send(&editor, &address(&world), form(&brief, &[])).await, StatusCode::SEE_OTHER);
    let cards = chosen(&world).await;
    assert_eq!(cards.len(), 2);
    let untouched = loa_model::Choices::default();
    assert!(cards.iter().any(|card| card.chosen.as_ref().unwrap().choices == untouched));
}

#[tokio::test]
async fn a_figure_is_left_out_or_named_otherwise_and_keeps_its_number() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let brief = brief(&world).await;
    assert!(brief.figures.len() > 1, "{:?}", brief.figures);
    let form_page = editor.get(&page_of(&world)).await;
    for figure in &brief.figures {
        assert!(form_page.text().contains(&format!("<b>{}", figure.value)), "{}", figure.value);
    }
    let changes = [("-figures", "0"), ("text-figures-1", "mức hỗ trợ mỗi hộ")];
    let body = form(&brief, &changes);
    assert_eq!(send(&editor, &address(&world), body).await, StatusCode::SEE_OTHER);
    let card = chosen(&world).await.remove(0);
    let choices = &card.chosen.as_ref().unwrap().choices;
    let figures: Vec<_> =
        choices.figures.iter().flatten().map(|p| (p.of, p.text.as_deref())).collect();
    let rest = (2..brief.figures.len()).map(|of| (of, None));
    let want: Vec<_> = [(1, Some("mức hỗ trợ mỗi hộ"))].into_iter().chain(rest).collect();
    assert_eq!(figures, want);
    assert_eq!((&choices.points, &choices.quotes, &choices.dates), (&None, &None, &None));
    // The clip's scene is the figure that is left, in these words; its number has no field.
    let to = format!("/api/v1/articles/{}/variants", world.article.id);
    let clip = editor.get(&format!("{to}/short_clip")).await.value();
    assert_eq!(clip["figures"][0], serde_json::json!({"of": 1, "text": "mức hỗ trợ mỗi hộ"}));
    let page = editor.get(&page_of(&world)).await;
    assert!(
        page.text().contains("mức hỗ trợ mỗi hộ")
            && page.text().contains(brief.figures[0].label.text.trim())
    );
    // A scene of a clip follows its figure.
    let beats = serde_json::json!([{"of": "title"}, {"of": {"figure": 0}}, {"of": "end"}]);
    world.clock.set("2026-11-16T09:31:00Z");
    let words = serde_json::json!({"figures": choices.figures, "clip": {"beats": beats}});
    let order = serde_json::json!({"kind": "short_clip", "choices": words});
    assert_eq!(editor.json(&to, &order).await.status, StatusCode::ACCEPTED);
    world.clock.set("2026-11-16T09:32:00Z");
    let all = serde_json::json!({"kind": "infographic", "choices": {}});
    assert_eq!(editor.json(&to, &all).await.status, StatusCode::ACCEPTED);
    let clip = editor.get(&format!("{to}/short_clip")).await.value();
    assert_eq!(clip["rows"][1]["topic"], r#"{"figure":1}"#, "{clip}");
    assert!(clip["rows"][1]["line"]["head"].as_str().unwrap().starts_with(&brief.figures[1].value));
    // Quotations and dates stay word for word, also for programs.
    let other = serde_json::json!({"kind": "infographic", "choices": {"dates": [{"of": 0, "text": "hôm qua"}]}});
    assert_eq!(editor.json(&to, &other).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_nothing_is_queued() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let brief = brief(&world).await;
    for change in [
        ("template", "khong-co"),
        ("title", "  "),
        ("text-points-0", ""),
        ("text-figures-0", " "),
        ("figures", "x"),
        ("photo", "9"),
        ("photo", "ảnh"),
        ("x", "120"),
    ] {
        let mut changes = vec![change];
        if change.0 == "x" {
            changes.push(("y", "20"));
        }
        let status = send(&editor, &address(&world), form(&brief, &changes)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{change:?}");
    }
    assert_eq!(chosen(&world).await, []);
}

#[tokio::test]
async fn only_who_writes_for_the_agency_may_choose() {
    let world = World::new().await;
    let brief = brief(&world).await;
    let analyst = world.colleague(&world.people.author, &[Role::Analyst]).await;
    for (user, seen, status) in [
        (&analyst, StatusCode::OK, StatusCode::FORBIDDEN),
        (&world.people.stranger, StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
    ] {
        let browser = Browser::of(&world, user).await;
        let page = browser.get(&page_of(&world)).await;
        assert_eq!(page.status, seen);
        // Who may not choose sees the article without the form.
        assert!(!page.text().contains("/chinh\"") && !page.text().contains("sua="));
        assert_eq!(send(&browser, &address(&world), form(&brief, &[])).await, status);
    }
    let editor = Browser::of(&world, &world.people.author).await;
    let headers =
        [("sec-fetch-site", "cross-site"), ("content-type", "application/x-www-form-urlencoded")];
    let foreign = editor.raw("POST", &address(&world), &headers, form(&brief, &[])).await;
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert_eq!(chosen(&world).await, []);
}
