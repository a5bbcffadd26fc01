//! Templates of agencies over the interface: who may add them, what is refused, and that agencies do not see each other's.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use loa_model::{Role, Variant, VariantKind, record::join};
use loa_store::StoreExt as _;
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser},
};

const ALL: &str = "/api/v1/templates";

async fn send(browser: &Browser<'_>, method: &str, to: &str, body: String) -> Answer {
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let response = browser.raw(method, to, &headers, body).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1_000_000).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

fn ask(name: &str, source: &str) -> String {
    let files = json!({ "template.typ": source, "template.toml": "version = \"1\"" });
    json!({ "name": name, "files": files }).to_string()
}

fn ids(answer: &Answer) -> Vec<(String, bool)> {
    let said: Value = serde_json::from_str(answer.text()).unwrap();
    let all = said["items"].as_array().unwrap().iter();
    all.map(|one| (one["id"].as_str().unwrap().to_owned(), one["own"] == true)).collect()
}

#[tokio::test]
async fn who_administers_adds_templates_and_other_agencies_do_not_see_them() {
    let world = World::new().await;
    let admin = world.colleague(&world.people.author, &[Role::Admin]).await;
    let stranger = world.colleague(&world.people.stranger, &[Role::Admin]).await;
    let (admin, stranger) =
        (Browser::of(&world, &admin).await, Browser::of(&world, &stranger).await);
    let made = send(&admin, "POST", ALL, ask("ban-tin", "#show: setup")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let told: Value = serde_json::from_str(made.text()).unwrap();
    assert_eq!(told["id"], "own/ban-tin");
    let kept = world.cards.1.lock().unwrap()[0].clone();
    assert_eq!((kept.agency, json!(kept.digest)), ("demo".to_owned(), told["digest"].clone()));
    let editor = Browser::of(&world, &world.people.author).await;
    let seen = ids(&send(&editor, "GET", ALL, String::new()).await);
    assert!(seen.contains(&("own/ban-tin".to_owned(), true)), "{seen:?}");
    assert!(seen.contains(&("tin-nhanh".to_owned(), false)), "{seen:?}");
    let theirs = ids(&send(&stranger, "GET", ALL, String::new()).await);
    assert!(theirs.iter().all(|(_, own)| !own), "{theirs:?}");

    let one = format!("{ALL}/ban-tin");
    let foreign = send(&stranger, "DELETE", &one, String::new()).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    assert_eq!(send(&admin, "DELETE", &one, String::new()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(send(&admin, "DELETE", &one, String::new()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_who_administers_may_and_only_from_our_own_pages() {
    let world = World::new().await;
    for role in [Role::Author, Role::Editor, Role::Approver, Role::Analyst] {
        let user = world.colleague(&world.people.author, &[role]).await;
        let browser = Browser::of(&world, &user).await;
        let refused = send(&browser, "POST", ALL, ask("ban-tin", "")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{role:?}");
        let refused = send(&browser, "DELETE", &format!("{ALL}/ban-tin"), String::new()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{role:?}");
    }
    let admin = world.colleague(&world.people.author, &[Role::Admin]).await;
    let admin = Browser::of(&world, &admin).await;
    let foreign = [("sec-fetch-site", "cross-site"), ("content-type", "application/json")];
    let refused = admin.raw("POST", ALL, &foreign, ask("ban-tin", "")).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(world.cards.1.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_wrong_is_said_with_its_place() {
    let world = World::new().await;
    let admin = world.colleague(&world.people.author, &[Role::Admin]).await;
    let admin = Browser::of(&world, &admin).await;
    let long = "x".repeat((128 << 10) + 1);
    for (body, words) in [
        (ask("ban-tin", "hỏng"), "own/x/template.typ:7"),
        (ask("../lib", ""), "a–z"),
        (ask("ban-tin", &long), "131073"),
        (json!({ "name": "a", "files": { "template.typ": "" } }).to_string(), "template.toml"),
        (json!({ "name": "a", "files": { "kit.typ": "" } }).to_string(), "kit.typ"),
        (json!({ "name": "a", "files": {}, "agency": "khac" }).to_string(), "agency"),
        ("{".to_owned(), "EOF"),
    ] {
        let answer = send(&admin, "POST", ALL, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let said: Value = serde_json::from_str(answer.text()).unwrap();
        assert!(said["detail"].as_str().unwrap().contains(words), "{words}: {said}");
        let lists = said["errors"].as_array().map_or(0, Vec::len);
        assert_eq!(lists, usize::from(words.contains(":7")), "{said}");
    }
    assert!(world.cards.1.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_editor_chooses_it_and_a_changed_one_is_another_card() {
    let world = World::new().await;
    let admin = world.colleague(&world.people.author, &[Role::Admin]).await;
    let admin = Browser::of(&world, &admin).await;
    let editor = Browser::of(&world, &world.people.author).await;
    let page = format!("/bai-viet/{}?sua=infographic", world.article.id);
    let press = format!("/bai-viet/{}/chinh", world.article.id);
    send(&admin, "POST", ALL, ask("ban-tin", "#show: setup")).await;
    assert!(editor.get(&page).await.text().contains("value=\"own&#x2f;ban-tin\""));
    let cards = async || {
        let key = join(&[&world.article.id.to_string(), ""]);
        let rows = world.store.list::<Variant>("variant_by_article", &key, 100).await.unwrap();
        let cards = rows.into_iter().map(|row| row.record);
        let own = |v: &Variant| v.template == "own/ban-tin" && v.kind == VariantKind::Infographic;
        cards.filter(own).count()
    };
    let form =
        [("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];
    let body = "dang=infographic&template=own%2Fban-tin&title=T%E1%BB%B1a&photo=first&x=&y=";
    for (source, count) in [("#show: setup", 1), ("#show: setup", 1), ("// khác", 2)] {
        send(&admin, "POST", ALL, ask("ban-tin", source)).await;
        {
            // The newest of one name stands for it.
            let mut own = world.cards.1.lock().unwrap();
            let newest = own.pop().unwrap();
            *own = vec![newest];
        }
        let answer = editor.raw("POST", &press, &form, body.to_owned()).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(cards().await, count, "{source}");
    }
    send(&admin, "DELETE", &format!("{ALL}/ban-tin"), String::new()).await;
    let gone = editor.raw("POST", &press, &form, body.to_owned()).await;
    assert_eq!(gone.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_interface_is_described() {
    let world = World::new().await;
    let said: Value =
        serde_json::from_str(Browser::nobody(&world).get("/api/v1/openapi.json").await.text())
            .unwrap();
    assert!(said["paths"][ALL]["post"].is_object() && said["paths"][ALL]["get"].is_object());
    assert!(said["paths"]["/api/v1/templates/{name}"]["delete"].is_object());
}
