//! Every address × every role: who may ask is what the table says, and nothing is open that it does not name.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::{Method, StatusCode};
use loa_model::{Actor, Role, User};
use loa_store::{Changes, Store as _};
use loa_web::{Access, Way};
use serde_json::Value;
use support::{World, browser::Browser};

const ROLES: [Role; 5] = [Role::Author, Role::Editor, Role::Approver, Role::Analyst, Role::Admin];

/// The address with something in its places that is not there.
fn address(way: &Way) -> String {
    [
        ("{id}", "00000000-0000-7000-8000-00000000abcd"),
        ("{name}", "khong-co"),
        ("{file}", "1500.jpg"),
        ("{*file}", "app.css"),
        ("{kind}", "infographic"),
        ("{hash}", &"0".repeat(64)),
        ("{lang}", "vi"),
        ("{code}", "khongco"),
        ("{account}", "khong:co"),
        ("{token}", "khongco"),
    ]
    .iter()
    .fold(way.path.to_owned(), |path, (place, word)| path.replace(place, word))
}

/// The table; what ends a session comes last.
fn ways() -> Vec<Way> {
    let mut ways = loa_web::ways();
    ways.sort_by_key(|way| way.path == "/dang-xuat");
    ways
}

async fn person(world: &World, login: &str, roles: &[Role]) -> User {
    let user = User {
        id: world.ids.make(),
        login: login.to_owned(),
        name: login.to_owned(),
        roles: roles.to_vec(),
        ..world.people.author.clone()
    };
    let changes = Changes::by(Actor::User(user.id), "add person").insert(&user);
    world.store.commit(changes).await.expect("the store takes a person");
    user
}

#[tokio::test]
async fn every_address_lets_in_the_roles_of_its_row_and_nobody_else() {
    let world = World::new().await;
    let mut people: Vec<(String, Vec<Role>)> =
        ROLES.iter().map(|role| (format!("{role:?}").to_lowercase(), vec![*role])).collect();
    people.push(("without".to_owned(), vec![]));
    for (login, roles) in people {
        let user = person(&world, &format!("only-{login}"), &roles).await;
        let browser = Browser::of(&world, &user).await;
        for way in ways() {
            let at = address(&way);
            let own = [("sec-fetch-site", "same-origin")];
            let answer = browser.raw(way.method.as_str(), &at, &own, String::new()).await;
            let status = answer.status();
            let shut = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
            if way.access == Access::Anyone {
                continue;
            }
            let lets = way.access.lets(Some(&roles));
            assert_eq!(!shut, lets, "{} {at} as {login}: {status}", way.method);
            assert!(!status.is_server_error(), "{} {at} as {login}: {status}", way.method);
        }
    }
}

#[tokio::test]
async fn who_is_not_known_gets_no_further_than_the_door() {
    let world = World::new().await;
    let nobody = Browser::nobody(&world);
    for way in ways().into_iter().filter(|way| way.access != Access::Anyone) {
        let at = address(&way);
        let own = [("sec-fetch-site", "same-origin")];
        let answer = nobody.send(way.method.as_str(), &at, &own, &[]).await;
        if at.starts_with("/api/") {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{at}");
            assert_eq!(answer.header("content-type"), "application/problem+json", "{at}");
            let problem: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(problem["detail_en"], "Sign in first");
            assert_eq!(problem["detail"], problem["detail_vi"]);
        } else {
            let to = answer.header("location").split('?').next();
            let to = (answer.status, to);
            assert_eq!(to, (StatusCode::SEE_OTHER, Some("/dang-nhap")), "{} {at}", way.method);
        }
    }
}

#[tokio::test]
async fn no_other_site_changes_anything_in_the_name_of_a_person() {
    let world = World::new().await;
    let everything = person(&world, "everything", &ROLES).await;
    let browser = Browser::of(&world, &everything).await;
    let changing = |way: &Way| way.access != Access::Anyone && way.method != Method::GET;
    for way in ways().into_iter().filter(changing) {
        let at = address(&way);
        for headers in [
            [("sec-fetch-site", "cross-site"), ("x", "x")],
            [("sec-fetch-site", "same-site"), ("x", "x")],
            [("origin", "https://evil.example"), ("x", "x")],
            [("origin", "null"), ("x", "x")],
        ] {
            let answer = browser.send(way.method.as_str(), &at, &headers, &[]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {at} {headers:?}", way.method);
        }
    }
}

#[tokio::test]
async fn the_description_names_every_operation_and_what_it_may_answer() {
    let world = World::new().await;
    let answer = Browser::nobody(&world).get("/api/v1/openapi.json").await;
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    for way in ways() {
        let operation = &told["paths"][way.path][way.method.as_str().to_lowercase()];
        assert_eq!(operation.is_object(), way.path.starts_with("/api/"), "{}", way.path);
        if operation.is_object() {
            assert!(operation["summary"].as_str().is_some_and(|words| !words.is_empty()));
            let may = |code: &str| operation["responses"][code].is_object();
            assert_eq!(may("401"), way.access != Access::Anyone, "{}", way.path);
            assert_eq!(may("403"), matches!(way.access, Access::Only(_)), "{}", way.path);
        }
    }
}

#[tokio::test]
async fn a_question_that_cannot_be_read_is_told_as_a_problem_in_two_languages() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let english = [("cookie", &*format!("{}; lang=en", browser.cookie))];
    let other = Browser { world: &world, cookie: String::new() };
    for (path, status) in [("/api/v1/reach?from=x", 400), ("/api/v1/nothing", 404)] {
        let answer = other.send("GET", path, &english, &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["detail"], problem["detail_en"]);
        assert_ne!(problem["detail_vi"], problem["detail_en"], "{path}");
    }
}
