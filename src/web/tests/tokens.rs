//! Tokens of programs: what each opens, for how long, and how often it may ask.

mod support;

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use loa_model::{Actor, Clock as _, Digest, Role, User};
use loa_store::{Changes, Expect, Store as _, StoreExt as _};
use loa_web::{Access, ApiToken, Scope, Way};
use support::{
    World,
    browser::{Answer, Browser},
};

/// The token of this person with these scopes, put into the store; it lives for a day.
async fn token(world: &World, user: &User, scopes: &[Scope]) -> String {
    let text = format!("loa_of-{}-{scopes:?}", user.login);
    let now = world.clock.now();
    let token = ApiToken {
        digest: Digest::of(text.as_bytes()),
        name: "thử".to_owned(),
        user: user.id,
        agency: user.agency.clone(),
        scopes: scopes.to_vec(),
        created_at: now,
        expires_at: now + SignedDuration::from_hours(24),
        last_used: None,
        revoked_at: None,
    };
    let changes = Changes::by(Actor::User(user.id), "make API token").insert(&token);
    world.store.commit(changes).await.expect("a new token");
    text
}

/// Asks with a token and no cookie, as a page of another site would be seen to.
async fn ask(world: &World, token: &str, method: &str, at: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("sec-fetch-site", "cross-site")];
    Browser::nobody(world).send(method, at, &headers, &[]).await
}

/// The address with something in its places that is not there.
fn address(way: &Way) -> String {
    let part = |part: &str| match part {
        "{id}" => "00000000-0000-7000-8000-00000000abcd".to_owned(),
        place if place.starts_with('{') => "khong-co".to_owned(),
        word => word.to_owned(),
    };
    way.path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// What the issue says that a row needs.
fn needed(way: &Way) -> Scope {
    match (&way.method, way.access) {
        (&Method::GET, _) => Scope::Read,
        (_, Access::Only([Role::Approver])) => Scope::Approve,
        (_, Access::Only([Role::Admin])) => Scope::Admin,
        _ => Scope::Write,
    }
}

fn guarded() -> impl Iterator<Item = Way> {
    loa_web::ways().into_iter().filter(|way| way.access != Access::Anyone)
}

#[tokio::test]
async fn a_token_opens_the_operations_of_its_scope_and_no_page() {
    let world = World::new().await;
    let everything = world.colleague(&world.people.author, &Role::ALL).await;
    let mut opened = 0;
    for scope in Scope::ALL {
        let token = token(&world, &everything, &[scope]).await;
        for way in guarded() {
            let at = address(&way);
            let answer = ask(&world, &token, way.method.as_str(), &at).await;
            let said = format!("{} {at} with {scope:?}: {}", way.method, answer.status);
            if !at.starts_with("/api/v1/") {
                // Seen as from somebody who is not known, and for changes as from another site.
                let shut = [StatusCode::SEE_OTHER, StatusCode::FORBIDDEN].contains(&answer.status);
                assert!(shut, "{said}");
                continue;
            }
            let shut = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status);
            assert_eq!(!shut, needed(&way) == scope, "{said}");
            assert!(!answer.status.is_server_error(), "{said}");
            opened += usize::from(!shut);
        }
    }
    assert_eq!(opened, guarded().filter(|way| way.path.starts_with("/api/v1/")).count());
}

#[tokio::test]
async fn a_token_opens_no_more_than_the_roles_of_its_person() {
    let world = World::new().await;
    for role in Role::ALL {
        let person = world.colleague(&world.people.author, &[role]).await;
        let token = token(&world, &person, &Scope::ALL).await;
        for way in guarded().filter(|way| way.path.starts_with("/api/v1/")) {
            let at = address(&way);
            let answer = ask(&world, &token, way.method.as_str(), &at).await;
            let shut = answer.status == StatusCode::FORBIDDEN;
            let lets = way.access.lets(Some(&[role]));
            assert_eq!(!shut, lets, "{} {at} as {role:?}: {}", way.method, answer.status);
        }
    }
}

#[tokio::test]
async fn a_token_that_is_wrong_over_taken_back_or_of_somebody_gone_opens_nothing() {
    let world = World::new().await;
    let author = &world.people.author;
    let text = token(&world, author, &[Scope::Read]).await;
    let refused = async |text: &str| {
        let answer = ask(&world, text, "GET", "/api/v1/posts").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{text}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    };
    let opens = async || ask(&world, &text, "GET", "/api/v1/posts").await.status.is_success();
    assert!(opens().await);
    refused("").await;
    refused("loa_somebody-elses").await;
    // A session beside a wrong token does not help.
    let signed_in = Browser::of(&world, author).await;
    let headers = [("authorization", "Bearer wrong")];
    let answer = signed_in.send("GET", "/api/v1/posts", &headers, &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let put = async |user: User| {
        let changes = Changes::by(Actor::User(user.id), "change person").put(&user, Expect::Any);
        world.store.commit(changes).await.unwrap();
    };
    put(User { deactivated_at: Some(world.clock.now()), ..author.clone() }).await;
    refused(&text).await;
    put(User { agency: "khac".to_owned(), ..author.clone() }).await;
    refused(&text).await;
    put(author.clone()).await;
    assert!(opens().await);
    world.clock.set("2026-11-17T09:29:59Z");
    assert!(opens().await);
    world.clock.set("2026-11-17T09:30:00Z");
    refused(&text).await;
}

#[tokio::test]
async fn a_token_asks_six_hundred_times_a_minute() {
    let world = World::new().await;
    let busy = token(&world, &world.people.author, &[Scope::Read]).await;
    let other = token(&world, &world.people.approver, &[Scope::Read]).await;
    for n in 0..600 {
        let answer = ask(&world, &busy, "GET", "/api/v1/tokens").await;
        assert_eq!(answer.status, StatusCode::OK, "{n}");
    }
    let answer = ask(&world, &busy, "GET", "/api/v1/tokens").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(ask(&world, &other, "GET", "/api/v1/tokens").await.status, StatusCode::OK);
    world.clock.set("2026-11-16T09:30:01Z");
    for _ in 0..10 {
        let answer = ask(&world, &busy, "GET", "/api/v1/tokens").await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let answer = ask(&world, &busy, "GET", "/api/v1/tokens").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_person_makes_a_token_within_their_roles_and_takes_it_back() {
    let world = World::new().await;
    let own = Browser::of(&world, &world.people.author).await;
    let page = own.get("/toi").await;
    assert!(page.text().contains("name=\"write\"") && !page.text().contains("name=\"approve\""));
    let wanted = |scope: &'static str| [("name", "Toà soạn"), ("days", "30"), (scope, "1")];
    for scope in ["approve", "admin"] {
        let answer = own.post("/toi/ma", &wanted(scope)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{scope}");
    }
    for form in [
        vec![("name", "x"), ("days", "30")],
        vec![("name", "x"), ("days", "367"), ("read", "1")],
        vec![("name", "x"), ("days", ""), ("read", "1")],
        vec![("name", " "), ("days", "30"), ("read", "1")],
    ] {
        let answer = own.post("/toi/ma", &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
        assert!(answer.text().contains("role=\"alert\""));
    }
    let answer = own.post("/toi/ma", &wanted("read")).await;
    let (_, after) = answer.text().split_once("id=\"made\" readonly value=\"").expect("a token");
    let text = after.split_once('"').unwrap().0;
    assert!(text.starts_with("loa_") && text.len() == 44, "{text}");
    assert!(!own.get("/toi").await.text().contains(text));
    let key = Digest::of(text.as_bytes()).to_string();
    let kept = async || world.store.read::<ApiToken>(&key).await.unwrap().unwrap().record;
    assert_eq!(kept().await.last_used, None);
    let before = world.store.last_seq();
    for _ in 0..3 {
        let listed = ask(&world, text, "GET", "/api/v1/tokens").await;
        assert_eq!(listed.value()["items"][0]["id"], key.as_str());
        assert!(!listed.text().contains(text));
    }
    assert_eq!(world.store.last_seq(), before + 1);
    assert_eq!(kept().await.last_used.unwrap().to_string(), "2026-11-16");
    let revoke = format!("/toi/ma/{key}/thu-hoi");
    for other in [&world.people.approver, &world.people.stranger] {
        let other = Browser::of(&world, other).await;
        assert_eq!(other.post(&revoke, &[]).await.status, StatusCode::NOT_FOUND);
    }
    assert!(ask(&world, text, "GET", "/api/v1/tokens").await.status.is_success());
    assert_eq!(own.post(&revoke, &[]).await.status, StatusCode::SEE_OTHER);
    let answer = ask(&world, text, "GET", "/api/v1/tokens").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_administrator_takes_back_a_token_of_their_agency() {
    let world = World::new().await;
    let text = token(&world, &world.people.author, &[Scope::Read]).await;
    let admin = token(&world, &world.people.admin, &[Scope::Write]).await;
    let at = format!("/api/v1/tokens/{}", Digest::of(text.as_bytes()));
    let listed = format!("/api/v1/tokens?user={}", world.people.author.id);
    let seen = ask(&world, &admin, "GET", &listed).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN, "it has no scope read");
    let seen = Browser::of(&world, &world.people.admin).await.get(&listed).await.value();
    assert_eq!(seen["items"].as_array().unwrap().len(), 1);
    for other in [&world.people.approver, &world.people.stranger] {
        let answer = Browser::of(&world, other).await.get(&listed).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(ask(&world, &admin, "DELETE", &at).await.status, StatusCode::NO_CONTENT);
    let answer = ask(&world, &text, "GET", "/api/v1/posts").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_description_names_the_token() {
    let world = World::new().await;
    let told = Browser::nobody(&world).get("/api/v1/openapi.json").await.value();
    assert_eq!(told["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    assert!(told["security"].as_array().unwrap().contains(&serde_json::json!({ "token": [] })));
    assert!(told["paths"]["/api/v1/posts"]["get"]["responses"]["429"].is_object());
}
