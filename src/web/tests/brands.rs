//! Brand kits of agencies: made, looked at, changed, chosen and removed, by pages and by machines, and what drafts say then.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use loa_model::{
    Actor, Agency, Clock as _, OwnBrand, Post, PostState, Priority, Role, Variant, VariantState,
    record::{Record as _, join},
};
use loa_store::{Changes, JobView, Store as _, StoreExt as _};
use loa_web::{KitOf, LogoWish};
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser},
    records,
};

const ALL: &str = "/api/v1/brands";
const PAGE: &str = "/quan-tri/nhan-dien";
const SVG: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\"><path d=\"M0 0H9V9Z\"/></svg>";

async fn send(browser: &Browser<'_>, method: &str, to: &str, body: &Value) -> Answer {
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let response = browser.raw(method, to, &headers, text).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 10_000_000).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

fn colours(muted: &str) -> Value {
    json!({
        "brand": "#0b3b75", "brand-dark": "#072648", "accent": "#ffd34d", "paper": "#f7f9fc",
        "ink": "#141b24", "muted": muted,
    })
}

fn kit(name: &str) -> Value {
    json!({ "name": name, "title_vi": "Sở Thử", "tagline": "so.example", "colours": colours("#4d5a69") })
}

async fn admins(world: &World) -> (Browser<'_>, Browser<'_>) {
    let admin = world.colleague(&world.people.author, &[Role::Admin]).await;
    let stranger = world.colleague(&world.people.stranger, &[Role::Admin]).await;
    (Browser::of(world, &admin).await, Browser::of(world, &stranger).await)
}

async fn own(world: &World, name: &str) -> Option<OwnBrand> {
    let row = world.store.read::<OwnBrand>(&join(&["demo", name])).await.unwrap();
    row.map(|row| row.record)
}

fn ids(answer: &Answer) -> Vec<String> {
    let all = answer.value()["items"].as_array().unwrap().clone();
    all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_kit_is_made_chosen_and_removed_and_other_agencies_never_see_it() {
    let world = World::new().await;
    world.agency_in("demo").await;
    let (admin, stranger) = admins(&world).await;
    let mut new = kit("xanh");
    new["logo"] = json!(STANDARD.encode(SVG));
    let made = send(&admin, "POST", ALL, &new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!((&made.value()["id"], &made.value()["version"]), (&json!("own/xanh"), &json!(1)));
    assert_eq!(send(&admin, "POST", ALL, &new).await.status, StatusCode::CONFLICT);

    // Whoever edits may choose among them.
    let editor = Browser::of(&world, &world.people.author).await;
    assert_eq!(ids(&editor.get(ALL).await), ["own/xanh", "demo", "tinh"]);
    let told = editor.get(&format!("{ALL}/xanh")).await.value();
    assert_eq!(
        (&told["used"], &told["logo"], &told["own"]),
        (&json!(false), &json!(true), &json!(true))
    );
    assert_eq!(told["colours"]["brand-dark"], "#072648");
    assert!(told["least_contrast"].as_f64().unwrap() >= 4.5);
    let logo = editor.get("/nhan-dien/logo?bo=own/xanh").await;
    assert_eq!((logo.status, logo.header("content-type")), (StatusCode::OK, "image/svg+xml"));
    assert!(logo.header("content-security-policy").contains("default-src 'self'"));
    let card = editor.get("/nhan-dien/the-mau?bo=own/xanh&mau=1&v=1").await;
    assert_eq!((card.status, card.header("content-type")), (StatusCode::OK, "image/jpeg"));
    assert!(card.header("cache-control").starts_with("private, max-age"));

    // The kit of the fictional portal is offered to its own agency only.
    assert_eq!(ids(&stranger.get(ALL).await), ["tinh"]);
    let one = format!("{ALL}/xanh");
    let change = json!({ "title_vi": "Của tôi", "colours": colours("#4d5a69") });
    for (method, to, body) in [
        ("GET", one.as_str(), &Value::Null),
        ("PUT", &one, &change),
        ("DELETE", &one, &Value::Null),
        ("GET", "/nhan-dien/logo?bo=own/xanh", &Value::Null),
        ("GET", "/nhan-dien/the-mau?bo=own/xanh", &Value::Null),
        ("GET", "/quan-tri/nhan-dien/bo?ten=xanh", &Value::Null),
    ] {
        let answer = send(&stranger, method, to, body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {to}");
    }
    let theirs = stranger.post(&format!("{PAGE}/bo/xanh/xoa"), &[]).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    let taken = send(&stranger, "PUT", "/api/v1/brand", &json!({ "id": "own/xanh" })).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);

    let chosen = send(&admin, "PUT", "/api/v1/brand", &json!({ "id": "own/xanh" })).await;
    assert_eq!(chosen.status, StatusCode::NO_CONTENT, "{}", chosen.text());
    let agency = world.store.read::<Agency>("demo").await.unwrap().unwrap().record;
    assert_eq!(agency.brand, "own/xanh");
    let used = send(&admin, "DELETE", &one, &Value::Null).await;
    assert_eq!(used.status, StatusCode::CONFLICT);
    assert!(used.value()["detail_en"].as_str().unwrap().contains("uses this kit"));
    let page = admin.post(&format!("{PAGE}/bo/xanh/xoa"), &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.text().contains("role=\"alert\"") && page.text().contains("đang dùng bộ này"));
    assert_eq!(
        admin.post(&format!("{PAGE}/dung"), &[("id", "demo")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(send(&admin, "DELETE", &one, &Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(send(&admin, "DELETE", &one, &Value::Null).await.status, StatusCode::NOT_FOUND);
    let gone = admin.post(&format!("{PAGE}/dung"), &[("id", "own/xanh")]).await;
    assert_eq!(gone.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_cannot_be_read_or_taken_is_said_in_both_languages_and_nothing_is_kept() {
    let world = World::new().await;
    world.agency_in("demo").await;
    let (admin, _) = admins(&world).await;
    let with = |field: &str, value: Value| {
        let mut new = kit("xanh");
        new[field] = value;
        new
    };
    for (body, words) in [
        (with("colours", colours("#9aa5b1")), "muted × paper 2.3:1"),
        (with("name", json!("Xanh lá")), "a–z"),
        (with("title_vi", json!(" ")), "1 to 80"),
        (with("tagline", json!("x".repeat(61))), "at most 60"),
        (with("logo", json!("không phải base64")), "base64"),
        (with("logo", json!(STANDARD.encode("hỏng"))), "damaged"),
        (with("colours", json!({ "brand": "red" })), "red"),
        (with("agency", json!("khac")), "agency"),
    ] {
        let answer = send(&admin, "POST", ALL, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.value()["detail_en"].as_str().unwrap().contains(words), "{}", answer.text());
    }
    let huge = send(&admin, "POST", ALL, &with("logo", json!("A".repeat(3 << 20)))).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", huge.text());
    assert!(own(&world, "xanh").await.is_none());
}

#[tokio::test]
async fn a_change_is_a_new_version_that_nobody_overwrites_unseen() {
    let world = World::new().await;
    world.agency_in("demo").await;
    let (admin, _) = admins(&world).await;
    let one = format!("{ALL}/xanh");
    let mut new = kit("xanh");
    new["logo"] = json!(STANDARD.encode(SVG));
    send(&admin, "POST", ALL, &new).await;
    let change = |title: &str, more: Value| {
        let mut body = json!({ "title_vi": title, "colours": colours("#4d5a69") });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let first = send(&admin, "PUT", &one, &change("Sở Một", json!({ "version": 1 }))).await;
    assert_eq!((first.status, &first.value()["version"]), (StatusCode::OK, &json!(2)));
    let late = send(&admin, "PUT", &one, &change("Sở Hai", json!({ "version": 1 }))).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let kept = own(&world, "xanh").await.unwrap();
    assert_eq!((kept.face.title_vi.as_str(), kept.version), ("Sở Một", 2));
    // A logo that nobody spoke of stays; `null` takes it away.
    assert!(kept.face.logo.is_some());
    let bare = send(&admin, "PUT", &one, &change("Sở Một", json!({ "logo": null }))).await;
    assert_eq!(bare.status, StatusCode::OK);
    assert!(own(&world, "xanh").await.unwrap().face.logo.is_none());
    let none = send(&admin, "PUT", &format!("{ALL}/khac"), &change("Sở", json!({}))).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_machine_looks_at_what_it_does_not_keep() {
    let world = World::new().await;
    let (admin, _) = admins(&world).await;
    let mut ask = kit("xanh");
    ask.as_object_mut().unwrap().remove("name");
    ask["colours"] = colours("#9aa5b1");
    ask["look"] = json!(1);
    let seen = admin.json("/api/v1/preview/brand", &ask).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.text());
    let seen = seen.value();
    assert!(seen["picture"].as_str().unwrap().starts_with("data:image/jpeg;base64,"));
    let first = &seen["pairs"][0];
    assert_eq!(
        (&first["ink"], &first["ground"], &first["readable"]),
        (&json!("muted"), &json!("paper"), &json!(false))
    );
    assert!(first["better"].as_str().unwrap().starts_with('#'));
    assert!(seen["problem"].is_null());
    ask["title_vi"] = json!("");
    let wordless = admin.json("/api/v1/preview/brand", &ask).await.value();
    assert!(wordless["problem"].as_str().unwrap().contains("1 to 80"));
    ask["logo"] = json!(STANDARD.encode("hỏng"));
    let broken = admin.json("/api/v1/preview/brand", &ask).await;
    assert_eq!(broken.status, StatusCode::UNPROCESSABLE_ENTITY);
    ask["look"] = json!(99);
    ask["logo"] = Value::Null;
    assert_eq!(admin.json("/api/v1/preview/brand", &ask).await.status, StatusCode::OK);
    let kept = world.store.all::<OwnBrand>(9).await.unwrap();
    assert!(kept.is_empty(), "{kept:?}");
}

/// A form as a browser without script sends it.
async fn form(browser: &Browser<'_>, fields: &[(&str, &str)], logo: &str) -> Answer {
    let part = |(name, value): &(&str, &str)| {
        format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = "--x\r\ncontent-disposition: form-data; name=\"logo\"; filename=\"../a.png\"\r\ncontent-type: image/png\r\n\r\n";
    let parts: Vec<String> = fields.iter().map(part).collect();
    let body = [&parts.concat(), file, logo, "\r\n--x--\r\n"].concat();
    let headers =
        [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=x")];
    let response = browser.raw("POST", &format!("{PAGE}/bo"), &headers, body).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 10_000_000).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

const FIELDS: [(&str, &str); 10] = [
    ("name", "xanh"),
    ("title_vi", "Sở <b>Thử</b>"),
    ("title_en", ""),
    ("tagline", "so.example"),
    ("brand", "#0b3b75"),
    ("brand-dark", "#072648"),
    ("accent", "#ffd34d"),
    ("paper", "#f7f9fc"),
    ("ink", "#141b24"),
    ("muted", "#4d5a69"),
];

fn fields<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let old = FIELDS.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    old.chain(more).copied().collect()
}

#[tokio::test]
async fn a_person_without_script_looks_before_they_keep() {
    let world = World::new().await;
    world.agency_in("demo").await;
    let (admin, _) = admins(&world).await;
    // A new one begins in the colours of now.
    let empty = admin.get(&format!("{PAGE}/bo")).await;
    assert_eq!(empty.status, StatusCode::OK);
    assert!(empty.text().contains("value=\"#a8121b\""));
    world.kits.drawn.lock().unwrap().clear();

    let pale = fields(&[("muted", "#9aa5b1"), ("do", "look")]);
    let looked = form(&admin, &pale, SVG).await;
    assert_eq!(looked.status, StatusCode::OK, "{}", looked.text());
    let seen = looked.text();
    assert!(seen.contains("data:image&#x2f;jpeg;base64,") && seen.contains("khó đọc"), "{seen}");
    assert!(seen.contains("2,3:1") && seen.contains("Sở &lt;b&gt;Thử"), "{seen}");
    // The browser forgets the file: the page carries it.
    let carried = STANDARD.encode(SVG);
    assert!(seen.contains(&carried.replace('/', "&#x2f;")), "{seen}");
    let asked = world.kits.drawn.lock().unwrap()[0].clone();
    assert!(matches!(asked, KitOf::Draft(draft) if draft.logo == LogoWish::New(SVG.into())));
    assert!(own(&world, "xanh").await.is_none());

    let refused = form(&admin, &fields(&[("muted", "#9aa5b1"), ("do", "keep")]), "").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("role=\"alert\"") && refused.text().contains("#9aa5b1"));
    // In the names that the form gives the colours.
    let (_, alert) = refused.text().split_once("id=\"problem\">").expect("an alert");
    let alert = alert.split('<').next().expect("its words");
    assert!(
        alert.contains("Chữ phụ") && alert.contains("4,5:1") && !alert.contains("muted"),
        "{alert}"
    );
    // A logo that is too large is told beside what was typed, also after it.
    let heavy = "x".repeat(3 << 20);
    let heavy = form(&admin, &fields(&[("do", "keep")]), &heavy).await;
    assert_eq!(heavy.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(heavy.text().contains("Logo quá nặng") && heavy.text().contains("value=\"#4d5a69\""));
    assert!(heavy.text().contains("Sở &lt;b&gt;Thử"), "{}", heavy.text());
    let half = form(&admin, &fields(&[("muted", "xám"), ("do", "keep")]), "").await;
    assert_eq!(half.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(half.text().contains("#rrggbb") && half.text().contains("value=\"xám\""));

    let kept = form(&admin, &fields(&[("carried", &carried), ("do", "keep")]), "").await;
    assert_eq!(
        (kept.status, kept.header("location")),
        (StatusCode::SEE_OTHER, "/quan-tri/nhan-dien?giu=xanh")
    );
    let made = own(&world, "xanh").await.unwrap();
    assert!(made.face.logo.is_some());
    let list = admin.get(kept.header("location")).await;
    assert!(list.text().contains("own/xanh") && list.text().contains("Sở &lt;b&gt;Thử"));
    assert!(!list.text().contains("<b>Thử"));

    // Changing: the name is not asked for, and what somebody else did meanwhile is not lost.
    let edit = admin.get(&format!("{PAGE}/bo?ten=xanh")).await;
    assert!(
        edit.text().contains("name=\"version\" value=\"1\"")
            && !edit.text().contains("name=\"name\"")
    );
    let change =
        fields(&[("was", "xanh"), ("version", "1"), ("title_vi", "Sở Mới"), ("do", "keep")]);
    assert_eq!(form(&admin, &change, "").await.status, StatusCode::SEE_OTHER);
    assert!(
        own(&world, "xanh").await.unwrap().face.logo.is_some(),
        "it had a logo and nobody took it away"
    );
    let late = form(&admin, &change, "").await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.text().contains("value=\"Sở Mới\"") && late.text().contains("Có người vừa đổi bộ này")
    );
    let bare = fields(&[("was", "xanh"), ("version", "2"), ("without_logo", "on"), ("do", "keep")]);
    assert_eq!(form(&admin, &bare, "").await.status, StatusCode::SEE_OTHER);
    assert!(own(&world, "xanh").await.unwrap().face.logo.is_none());
    let nobody = form(&admin, &fields(&[("was", "khong-co"), ("do", "look")]), "").await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn drafts_say_that_the_kit_changed_and_are_drawn_anew_once() {
    let world = World::new().await;
    world.own_kits().await;
    let (admin, _) = admins(&world).await;
    let author = Browser::of(&world, &world.people.author).await;
    let draft = format!("/bai-dang/{}", world.posts.draft.id);
    let says = "Nhận diện của cơ quan đã đổi";
    assert!(author.get(&draft).await.text().contains(says));
    let list = admin.get(PAGE).await;
    assert!(list.text().contains("Bài nháp còn vẽ theo nhận diện cũ"), "{}", list.text());
    assert!(list.text().contains(&format!("/bai-viet/{}/ve-lai", world.article.id)));

    // What waits for approval or has it stays as people saw it.
    let before = world.card().await;
    let row = world.store.read::<Post>(&world.posts.draft.id.to_string()).await.unwrap().unwrap();
    for (state, told) in [(PostState::InReview, false), (PostState::Returned, true)] {
        let row = world.store.read::<Post>(&row.record.id.to_string()).await.unwrap().unwrap();
        let post = Post { state, ..row.record };
        let changes = Changes::by(records::by(), "test").update(&post, row.version);
        world.store.commit(changes).await.unwrap();
        assert_eq!(author.get(&draft).await.text().contains(says), told, "{state:?}");
    }

    let to = format!("/api/v1/articles/{}/redraw", world.article.id);
    let queued = author.json(&to, &json!({})).await;
    let drawn = world.store.all::<Variant>(100).await.unwrap().into_iter().map(|row| row.record);
    let drawn: Vec<Variant> = drawn.filter(|one| one.state == VariantState::Queued).collect();
    // Card, both clips and the poster were drawn; what is being drawn follows by itself.
    assert_eq!(
        (queued.status, &queued.value()["queued"]),
        (StatusCode::OK, &json!(4)),
        "{}",
        queued.text()
    );
    assert_eq!(drawn.len(), 4);
    for variant in &drawn {
        let chosen = variant.chosen.as_ref().unwrap();
        assert_eq!(
            (variant.brand.as_str(), chosen.by),
            ("own/nong-nghiep", world.people.author.id)
        );
        assert_eq!(chosen.choices.template.as_deref(), Some("tin-nhanh"));
        let jobs = world.store.jobs(None, 100).await.unwrap();
        // Somebody waits for it: it goes before what nobody asked for.
        let of_it = |view: &&JobView| view.job.work == variant.work();
        let queued: Vec<_> = jobs.iter().filter(of_it).map(|view| view.job.priority).collect();
        assert_eq!(queued, [Priority::Urgent]);
    }
    assert_eq!(before.state, VariantState::Rendered);
    let again = author.json(&to, &json!({})).await;
    assert_eq!(again.value()["queued"], 0);
    let pressed = author.post(&format!("/bai-viet/{}/ve-lai", world.article.id), &[]).await;
    assert_eq!(pressed.status, StatusCode::SEE_OTHER);
    let stranger = Browser::of(&world, &world.people.stranger).await;
    assert_eq!(stranger.json(&to, &json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_plain_kit_says_the_agency_s_name_of_now_until_somebody_makes_it_their_own() {
    let world = World::new().await;
    world.agency_in("own/co-quan").await;
    let (admin, _) = admins(&world).await;
    let (author, by) = (Browser::of(&world, &world.people.author).await, records::by);
    let operator = Actor::Operator("test".to_owned());
    let plain = OwnBrand::plain("demo", "Sở Cũ", operator, world.clock.now()).unwrap();
    world.store.commit(Changes::by(by(), "fill").insert(&plain)).await.unwrap();
    let mut card = world.store.read::<Variant>(&world.card().await.key()).await.unwrap().unwrap();
    (card.record.brand, card.record.kit) = (plain.id(), Some(plain.digest));
    let key = world.posts.draft.id.to_string();
    let mut shows = world.store.read::<Post>(&key).await.unwrap().unwrap();
    shows.record.content.media[0].variant = Some(card.record.id);
    let changes = Changes::by(by(), "draw").update(&card.record, card.version);
    let changes = changes.update(&shows.record, shows.version);
    world.store.commit(changes).await.unwrap();
    let draft = format!("/bai-dang/{}", world.posts.draft.id);
    let says = "Nhận diện của cơ quan đã đổi";
    assert!(!author.get(&draft).await.text().contains(says));
    let titled = async |title: &str| {
        let done = send(&admin, "PATCH", "/api/v1/agencies/demo", &json!({ "title": title })).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text());
        own(&world, "co-quan").await.unwrap()
    };
    assert_eq!(titled("Sở Mới").await.face.title_vi, "Sở Mới");
    assert!(author.get(&draft).await.text().contains(says));
    // Somebody kept it: it says what they wrote.
    let row = world.store.read::<OwnBrand>(&plain.key()).await.unwrap().unwrap();
    let theirs = OwnBrand { version: 2, ..row.record };
    let changes = Changes::by(by(), "change brand kit").update(&theirs, row.version);
    world.store.commit(changes).await.unwrap();
    assert_eq!(titled("Sở Mới nữa").await, theirs);
}

#[tokio::test]
async fn another_kit_of_the_agency_makes_old_what_nobody_chose() {
    let world = World::new().await;
    world.agency_in("demo").await;
    let (admin, _) = admins(&world).await;
    let author = Browser::of(&world, &world.people.author).await;
    send(&admin, "POST", ALL, &kit("xanh")).await;
    let to = format!("/api/v1/articles/{}/redraw", world.article.id);
    assert_eq!(author.json(&to, &json!({})).await.value()["queued"], 0);
    send(&admin, "PUT", "/api/v1/brand", &json!({ "id": "own/xanh" })).await;
    assert_eq!(author.json(&to, &json!({})).await.value()["queued"], 4);
}

#[tokio::test]
async fn the_same_choices_in_a_changed_kit_are_another_card() {
    let world = World::new().await;
    world.agency_in("own/xanh").await;
    let (admin, _) = admins(&world).await;
    let author = Browser::of(&world, &world.people.author).await;
    send(&admin, "POST", ALL, &kit("xanh")).await;
    let page = format!("/bai-viet/{}/chinh", world.article.id);
    let choices = [
        ("dang", "infographic"),
        ("template", "tin-nhanh"),
        ("title", "Tựa"),
        ("photo", "first"),
        ("x", ""),
        ("y", ""),
    ];
    let cards = async || {
        let key = join(&[&world.article.id.to_string(), ""]);
        let rows = world.store.list::<Variant>("variant_by_article", &key, 100).await.unwrap();
        rows.iter().filter(|row| row.record.state == VariantState::Queued).count()
    };
    for (title, count) in [("Sở Một", 1), ("Sở Một", 1), ("Sở Hai", 2)] {
        let change = json!({ "title_vi": title, "colours": colours("#4d5a69") });
        assert_eq!(
            send(&admin, "PUT", &format!("{ALL}/xanh"), &change).await.status,
            StatusCode::OK
        );
        assert_eq!(author.post(&page, &choices).await.status, StatusCode::SEE_OTHER);
        assert_eq!(cards().await, count, "{title}");
    }
}
