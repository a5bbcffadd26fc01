//! *Biên tập* on one page: what is looked at, what is edited, whose words they are, and the same for programs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use loa_model::{Brief, Job, Role, VariantKind, VariantState};
use loa_store::StoreExt as _;
use serde_json::{Value, json};
use support::{World, browser::Browser};

fn page(world: &World, query: &str) -> String {
    format!("/bai-viet/{}{query}", world.article.id)
}

fn api(world: &World, rest: &str) -> String {
    format!("/api/v1/articles/{}{rest}", world.article.id)
}

async fn brief(world: &World) -> Brief {
    let key = world.article.id.to_string();
    world.store.list_last::<Brief>("brief_by_article", &key, 1).await.unwrap().remove(0).record
}

async fn is_queued(world: &World, kind: VariantKind) -> bool {
    let work = world.variant(kind).await.work();
    let jobs = world.store.all::<Job>(500).await.unwrap();
    jobs.iter().any(|row| row.record.work == work)
}

#[tokio::test]
async fn a_variant_is_looked_at_where_all_of_them_are_and_its_editor_is_in_the_same_place() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let card = author.get(&page(&world, "")).await;
    let poster = author.get(&page(&world, "?ban=poster")).await;
    for (seen, here) in [(&card, "infographic"), (&poster, "poster")] {
        for kind in ["infographic", "short_clip", "long_clip", "low_band", "poster"] {
            assert!(seen.text().contains(&format!("?ban={kind}#")), "{kind}");
        }
        assert!(seen.text().contains(&format!("id=\"v-{here}\"")));
        assert!(seen.text().contains("id=\"h-brief\"") && seen.text().contains("id=\"b0\""));
        // What is not there yet can be made.
        assert!(seen.text().contains("?sua=square_clip#") && seen.text().contains("?sua=audio#"));
    }
    assert!(card.text().contains("?sua=infographic#") && !poster.text().contains("?sua=poster"));
    let editing = author.get(&page(&world, "?sua=short_clip")).await;
    assert_eq!(editing.status, StatusCode::OK, "{}", editing.text());
    let action = format!("action=\"/bai-viet/{}/chinh\"", world.article.id);
    assert!(editing.text().contains(&action) && !card.text().contains(&action));
    assert!(editing.text().contains("id=\"b0\""), "the source stays beside it");
    for unknown in ["?ban=podcast", "?sua=poster", "?sua="] {
        assert_eq!(author.get(&page(&world, unknown)).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_clip_plays_with_its_captions_and_every_scene_leads_to_its_sentence() {
    let world = World::new().await;
    let analyst = world.colleague(&world.people.author, &[Role::Analyst]).await;
    let analyst = Browser::of(&world, &analyst).await;
    let seen = analyst.get(&page(&world, "?ban=short_clip")).await;
    let text = seen.text();
    let track = format!("/tep/{}", world.kept.captions);
    assert!(text.contains(&format!("<track kind=\"captions\" src=\"{track}\"")), "{text}");
    let captions = analyst.get(&track).await;
    assert_eq!(captions.header("content-type"), "text/vtt; charset=utf-8");
    let scenes: Vec<&str> = text.split("data-from=\"").skip(1).collect();
    assert_eq!(scenes.len(), 5);
    assert!(scenes[1].starts_with("6500\" data-to=\"13000\""), "{}", scenes[1]);
    // A line of a scene is in the source.
    let point = &brief(&world).await.points[0];
    let at = format!("data-at=\"{}:", point.span.block);
    assert!(scenes[1].contains(&at), "{}", scenes[1]);
    // Nobody but who writes is offered an editor.
    assert!(!text.contains("sua="));
}

#[tokio::test]
async fn what_is_being_drawn_is_told_where_it_will_stand() {
    let world = World::new().await;
    let job = world.draws(VariantKind::LowBand).await;
    let author = Browser::of(&world, &world.people.author).await;
    let progress = format!("data-progress=\"/viec/{job}/tien-do\"");
    for query in ["", "?ban=low_band", "?sua=low_band", "?sua=infographic"] {
        let seen = author.get(&page(&world, query)).await;
        let at = seen.text().find(&progress).unwrap_or_else(|| panic!("{query} does not tell"));
        let tabs = seen.text().find("class=\"shelf").unwrap();
        assert!(at > tabs, "{query} tells it away from the variants");
    }
    // Called off, it leads back to where it was.
    let off = author.post(&format!("/viec/{job}/huy"), &[]).await;
    assert_eq!(
        (off.status, off.header("location")),
        (StatusCode::SEE_OTHER, &*page(&world, "?ban=low_band"))
    );
}

#[tokio::test]
async fn words_that_somebody_wrote_are_those_of_every_variant_until_others_are_written() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let own = brief(&world).await;
    let clip = json!({ "kind": "short_clip", "choices": {
        "title": "Tựa viết cho clip",
        "points": [{ "of": 1 }, { "of": 0, "text": "Ý thứ nhất viết lại." }],
        "clip": { "beats": [{ "of": "title" }, { "of": { "point": 1 } }, { "of": "end" }] },
    }});
    let made = author.json(&api(&world, "/variants"), &clip).await;
    assert_eq!(made.status, StatusCode::ACCEPTED, "{}", made.text());
    // The card is edited in the same words, with who wrote them and what the article says.
    let card = author.get(&page(&world, "?sua=infographic")).await;
    for words in ["Tựa viết cho clip", "Ý thứ nhất viết lại.", "Nguyễn Thị Mẫn, 16:30"]
    {
        assert!(card.text().contains(words), "{words}");
    }
    let editor = author.get(&api(&world, "/variants/infographic")).await.value();
    assert_eq!(editor["title"]["edited"], true);
    assert_eq!(editor["title"]["words"], own.title.text.trim());
    let line = |n: usize| (editor["points"][n]["of"].clone(), editor["points"][n]["on"].clone());
    assert_eq!((line(0), line(1)), ((json!(1), json!(true)), (json!(0), json!(true))));
    assert_eq!(line(2), (json!(2), json!(false)), "what was left out can be taken again");
    let told = author.get(&page(&world, "")).await;
    assert!(told.text().contains("Ý thứ nhất viết lại."), "the brief is the one of now");
    // What was made of the article's own words says so, and is made again by a press, as it was chosen.
    let marks = |page: &str| page.matches("class=\"state reworded\"").count();
    let first = marks(told.text());
    assert!(first > 0, "{}", told.text());
    assert!(told.text().contains(&page(&world, "/dung-lai")), "each has its button");
    let pressed = author.post(&page(&world, "/dung-lai"), &[("dang", "infographic")]).await;
    assert_eq!(pressed.status, StatusCode::SEE_OTHER);
    let again = world.variant(VariantKind::Infographic).await;
    let choices = again.chosen.unwrap().choices;
    assert_eq!(
        (again.state, choices.title.as_deref()),
        (VariantState::Queued, Some("Tựa viết cho clip"))
    );
    let told = author.get(&page(&world, "")).await;
    assert_eq!(marks(told.text()), first - 2, "neither its tab nor its head says so");
    // One press makes all of them again, in the words of whoever wrote them.
    let editor = world.colleague(&world.people.author, &[Role::Editor]).await;
    let editor = Browser::of(&world, &editor).await;
    assert_eq!(editor.post(&page(&world, "/ve-lai"), &[]).await.status, StatusCode::SEE_OTHER);
    let told = author.get(&page(&world, "")).await;
    assert_eq!(marks(told.text()), 0, "{}", told.text());
    let long = world.variant(VariantKind::LongClip).await.chosen.unwrap();
    assert_eq!(
        (long.by, long.choices.title.as_deref()),
        (world.people.author.id, Some("Tựa viết cho clip"))
    );
    // The card moves the points back: the scene of the clip follows its point.
    let points = json!([{ "of": 0, "text": "Ý thứ nhất, lần hai." }, { "of": 1 }]);
    let card = json!({ "kind": "infographic", "choices": { "points": points } });
    world.clock.set("2026-11-16T09:31:00Z");
    assert_eq!(author.json(&api(&world, "/variants"), &card).await.status, StatusCode::ACCEPTED);
    let clip = author.get(&api(&world, "/variants/short_clip")).await.value();
    let rows = clip["rows"].as_array().unwrap();
    let on: Vec<&Value> = rows.iter().filter(|row| row["on"] == true).collect();
    assert_eq!(on[1]["topic"], r#"{"point":0}"#);
    assert_eq!(on[1]["line"]["text"], "Ý thứ nhất, lần hai.");
    assert_eq!(clip["rows"][0]["line"]["edited"], false, "the headline is the article's again");
    // The words of the article are one choice away: nothing is left of what was written.
    let back = json!({ "kind": "infographic", "choices": { "title": own.title.text } });
    world.clock.set("2026-11-16T09:32:00Z");
    assert_eq!(author.json(&api(&world, "/variants"), &back).await.status, StatusCode::ACCEPTED);
    let card = world.variant(VariantKind::Infographic).await;
    assert_eq!(card.chosen.unwrap().choices, loa_model::Choices::default());
    let editor = author.get(&api(&world, "/variants/short_clip")).await.value();
    assert_eq!(editor["writer"], Value::Null);
}

#[tokio::test]
async fn lines_of_a_clip_are_written_in_its_form() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let form = [
        ("dang", "square_clip"),
        ("order", ""),
        ("topic-0", r#""title""#),
        ("on-0", "1"),
        ("text-0", "Tựa trong phim"),
        ("topic-1", r#"{"point":1}"#),
        ("text-1", "Lời của ý hai,\r\nviết lại."),
    ];
    let own = brief(&world).await;
    let points = own.points.len();
    let order = loa_model::BriefList::ALL.map(|list| {
        let all = list.own(&own).into_iter().map(|part| part.of.to_string());
        all.collect::<Vec<_>>().join(" ")
    });
    let order = order.join("/");
    let form = form.map(|(name, value)| (name, if name == "order" { &*order } else { value }));
    let to = page(&world, "/chinh");
    let sent = author.post(&to, &form).await;
    let back = page(&world, "?sua=square_clip");
    assert_eq!((sent.status, sent.header("location")), (StatusCode::SEE_OTHER, &*back));
    let clip = world.variant(VariantKind::SquareClip).await;
    let choices = clip.chosen.unwrap().choices;
    assert_eq!(choices.title.as_deref(), Some("Tựa trong phim"));
    let written = choices.points.unwrap();
    assert_eq!(written[1].text.as_deref(), Some("Lời của ý hai, viết lại."));
    assert!(written.len() == points && written[0].text.is_none());
    let seen = author.get(&back).await;
    assert!(seen.text().contains("Tựa trong phim"));
    // What the engine is shown is in these words, too.
    let asked = json!({
        "article": world.article.id, "title": "Tựa đang viết", "points": [{ "of": 2 }],
        "clip": { "beats": [{ "of": "title" }, { "of": { "point": 0 } }] },
    });
    let answer = author.json("/api/v1/preview/clip", &asked).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let (_, wanted) = world.clips.0.lock().unwrap().pop().unwrap();
    assert_eq!((wanted.brief.title.text.as_str(), wanted.brief.points.len()), ("Tựa đang viết", 1));
}

#[tokio::test]
async fn a_card_and_a_clip_are_made_in_the_brand_kit_that_was_chosen() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    for (kind, later) in
        [("infographic", "2026-11-16T09:31:00Z"), ("short_clip", "2026-11-16T09:32:00Z")]
    {
        let order = json!({ "kind": kind, "brand": "tinh" });
        let made = author.json(&api(&world, "/variants"), &order).await;
        assert_eq!(made.status, StatusCode::ACCEPTED, "{}", made.text());
        let seen = author.get(&page(&world, &format!("?sua={kind}"))).await;
        assert!(seen.text().contains("<option value=\"tinh\" selected>"), "{kind}");
        let plain = json!({ "kind": kind });
        world.clock.set(later);
        let made = author.json(&api(&world, "/variants"), &plain).await;
        assert_eq!(made.status, StatusCode::ACCEPTED, "the agency's own kit is another picture");
    }
    assert_eq!(world.variant(VariantKind::ShortClip).await.brand, "demo");
}

#[tokio::test]
async fn a_program_has_a_variant_made_once_and_is_told_what_does_not_fit() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let to = api(&world, "/variants");
    let order = json!({ "kind": "infographic", "choices": { "template": "so-lieu" } });
    let first = author.json(&to, &order).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text());
    let variant = world.variant(VariantKind::Infographic).await;
    assert_eq!(first.value()["id"], variant.id.to_string());
    assert!(first.value()["job"].is_string() && is_queued(&world, VariantKind::Infographic).await);
    assert_eq!(variant.state, VariantState::Queued);
    let again = author.json(&to, &order).await;
    assert_eq!((again.status, &again.value()["job"]), (StatusCode::OK, &Value::Null));
    assert_eq!(again.value()["id"], variant.id.to_string());
    // Called off, it can be asked for again.
    let job = first.value()["job"].as_str().unwrap().to_owned();
    author.post(&format!("/viec/{job}/huy"), &[]).await;
    world.clock.set("2026-11-16T09:33:00Z");
    let third = author.json(&to, &order).await;
    assert_eq!(third.status, StatusCode::ACCEPTED, "{}", third.text());
    assert!(third.value()["id"] != first.value()["id"]);
    for (order, told) in [
        (json!({ "kind": "poster" }), "do máy dựng"),
        (json!({ "kind": "podcast" }), "podcast"),
        (json!({ "kind": "infographic", "colour": "red" }), "colour"),
        (json!({ "kind": "infographic", "brand": "la" }), "bộ nhận diện la"),
        (json!({ "kind": "infographic", "choices": { "clip": {} } }), "không có cảnh phim"),
        (
            json!({ "kind": "infographic", "choices": { "photo": { "at": 7 } } }),
            "không có ảnh số 8",
        ),
        (json!({ "kind": "short_clip", "choices": { "template": "so-lieu" } }), "Clip nhận lời"),
        (json!({ "kind": "short_clip", "choices": { "points": [{ "of": 99 }] } }), "có 5 ý"),
    ] {
        let refused = author.json(&to, &order).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{order}");
        assert_eq!(refused.header("content-type"), "application/problem+json");
        let detail = refused.value()["detail_vi"].as_str().unwrap().to_owned();
        assert!(detail.contains(told), "{told}: {detail}");
    }
    let analyst = world.colleague(&world.people.author, &[Role::Analyst]).await;
    for (who, status) in
        [(&analyst, StatusCode::FORBIDDEN), (&world.people.stranger, StatusCode::NOT_FOUND)]
    {
        let who = Browser::of(&world, who).await;
        assert_eq!(who.json(&to, &order).await.status, status);
        assert_eq!(who.get(&api(&world, "/variants/audio")).await.status, status);
    }
}

#[tokio::test]
async fn a_program_reads_what_the_page_shows() {
    let world = World::new().await;
    let analyst = world.colleague(&world.people.author, &[Role::Analyst]).await;
    let told = Browser::of(&world, &analyst).await.get(&api(&world, "")).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text());
    let told = told.value();
    assert_eq!(told["title"], world.article.title());
    assert_eq!(told["blocks"].as_array().unwrap().len(), world.article.blocks.len());
    assert_eq!(told["brief"]["groups"][0]["name"], "head");
    let kinds: Vec<&str> =
        told["variants"].as_array().unwrap().iter().filter_map(|v| v["kind"].as_str()).collect();
    assert_eq!(kinds, ["infographic", "short_clip", "long_clip", "low_band", "poster"]);
    assert_eq!(told["variants"][1]["renditions"][2]["mime"], "text/vtt");
    assert!(told["posts"].as_array().unwrap().iter().any(|post| post["state"] == "uncertain"));
    let stranger = Browser::of(&world, &world.people.stranger).await;
    assert_eq!(stranger.get(&api(&world, "")).await.status, StatusCode::NOT_FOUND);
}
