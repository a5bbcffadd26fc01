//! People who work in several agencies: in each they have the roles of that agency, and act for one at a time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use jiff::SignedDuration;
use loa_delivery::{Incident, IncidentKind};
use loa_model::{
    Account, AccountStatus, Actor, Agency, Clock as _, DeliveryState, Digest, Job, JobKind,
    Membership, Post, PostFormat, PostState, Role, User,
};
use loa_store::{Changes, Store as _, StoreExt as _};
use loa_web::{ApiToken, Scope, Session};
use serde_json::json;
use support::{World, browser::Browser, records};

/// A person of `demo` with these roles there, and those in `khac`.
async fn both(world: &World, login: &str, here: &[Role], there: &[Role]) -> User {
    let also = vec![Membership { agency: "khac".into(), roles: there.to_vec() }];
    let user = User {
        id: world.ids.make(),
        login: login.into(),
        roles: here.to_vec(),
        also,
        ..world.people.author.clone()
    };
    world.store.commit(Changes::by(records::by(), "add person").insert(&user)).await.unwrap();
    user
}

/// A post of `khac` that waits for its approver.
async fn foreign(world: &World, author: &User) -> Post {
    let media = vec![records::photo(&world.kept)];
    let (format, state) = (PostFormat::Photo, PostState::InReview);
    let page = "facebook:co-quan-khac";
    let mut post = records::post(&world.ids, &world.article, page, format, state, author, media);
    post.agency = "khac".into();
    let account = Account {
        name: page.parse().unwrap(),
        agency: "khac".into(),
        title: "Trang của cơ quan khác".into(),
        remote_id: "2".into(),
        settings: std::collections::BTreeMap::new(),
        status: AccountStatus::Active,
    };
    let changes = Changes::by(records::by(), "fill").insert(&post);
    let known = world.store.read::<Account>(page).await.unwrap().is_some();
    let changes = if known { changes } else { changes.insert(&account) };
    world.store.commit(changes).await.unwrap();
    post
}

async fn act_for(browser: &Browser<'_>, agency: &str) {
    let answer = browser.post("/toi/co-quan", &[("agency", agency)]).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/"),
        "{agency}"
    );
}

async fn approve(browser: &Browser<'_>, post: &Post) -> StatusCode {
    let body = json!({ "digest": post.digest() });
    browser.json(&format!("/api/v1/posts/{}/approve", post.id), &body).await.status
}

#[tokio::test]
async fn who_approves_in_one_agency_and_writes_in_another_approves_in_the_first_only() {
    let world = World::new().await;
    let user = both(&world, "hai-noi", &[Role::Approver], &[Role::Author]).await;
    let (ours, theirs) = (&world.posts.waiting, foreign(&world, &world.people.stranger).await);
    let browser = Browser::of(&world, &user).await;
    // For their own agency what is of the other one is not there.
    assert_eq!(approve(&browser, &theirs).await, StatusCode::NOT_FOUND);
    act_for(&browser, "khac").await;
    assert_eq!(approve(&browser, &theirs).await, StatusCode::FORBIDDEN, "an author there");
    assert_eq!(approve(&browser, ours).await, StatusCode::FORBIDDEN);
    let path = |post: &Post| format!("/api/v1/posts/{}", post.id);
    assert_eq!(browser.get(&path(&theirs)).await.status, StatusCode::OK);
    assert_eq!(browser.get(&path(ours)).await.status, StatusCode::NOT_FOUND);
    act_for(&browser, "demo").await;
    assert_eq!(browser.get(&path(&theirs)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(approve(&browser, ours).await, StatusCode::OK);
}

#[tokio::test]
async fn nobody_approves_what_they_wrote_whichever_agency_they_write_and_sign_in() {
    let world = World::new().await;
    let user = both(&world, "hai-noi", &[Role::Author], &[Role::Approver]).await;
    let own = foreign(&world, &user).await;
    let other = foreign(&world, &world.people.stranger).await;
    let browser = Browser::of(&world, &user).await;
    act_for(&browser, "khac").await;
    assert_eq!(approve(&browser, &own).await, StatusCode::FORBIDDEN);
    assert_eq!(approve(&browser, &other).await, StatusCode::OK);
    let kept = world.store.read::<Post>(&own.id.to_string()).await.unwrap().unwrap().record;
    assert_eq!(kept.state, PostState::InReview);
}

/// With every role in both agencies: what is of the one they do not act for is not there, by session and by token.
#[tokio::test]
async fn acting_for_one_agency_opens_nothing_of_another_one_of_ones_own() {
    let world = World::new().await;
    let user = both(&world, "moi-vai", &Role::ALL, &Role::ALL).await;
    let post = foreign(&world, &world.people.stranger).await;
    let delivery = records::delivery(&world.ids, &post, DeliveryState::Uncertain);
    let now = world.clock.now();
    let incident = Incident {
        id: "bao-mot".into(),
        agency: "khac".into(),
        kind: IncidentKind::NeedsReauth,
        account: Some(post.account.clone()),
        delivery: None,
        job: None,
        remote_ids: vec![],
        detail: String::new(),
        at: now,
        closed: None,
    };
    let work = JobKind::Ingest { source: "https://a.example/".into(), agency: "khac".into() };
    let job = Job::new(world.ids.make(), "khac", work, now);
    let job_id = job.id;
    let changes = Changes::by(records::by(), "fill").insert(&delivery).insert(&incident);
    world.store.commit(changes.enqueue(job)).await.unwrap();
    let browser = Browser::of(&world, &user).await;
    let (id, held) = (post.id.to_string(), delivery.id.to_string());
    let digest = post.digest().to_string();
    let decide = [("act", "confirm_absent"), ("delivery", &*held), ("reason", "x")];
    let asked: [(String, &[(&str, &str)]); 11] = [
        (format!("/bai-dang/{id}/quyet-dinh"), &decide),
        (format!("/bai-dang/{id}/duyet"), &[("digest", &*digest)]),
        (format!("/bai-dang/{id}/tra-lai"), &[("reason", "x")]),
        (format!("/bai-dang/{id}/duyet-khan"), &[("digest", &*digest), ("reason", "x")]),
        (format!("/su-co/{}/dong", incident.id), &[]),
        (format!("/viec/{job_id}/thu-lai"), &[]),
        (format!("/viec/{job_id}/huy"), &[]),
        (format!("/viec/{job_id}/bo"), &[]),
        ("/kenh/tam-dung".into(), &[("scope", "facebook:co-quan-khac"), ("reason", "x")]),
        ("/kenh/tam-dung".into(), &[("scope", "agency/khac"), ("reason", "x")]),
        ("/kenh/chay-lai".into(), &[("scope", "agency/khac")]),
    ];
    let before = world.store.last_seq();
    for (path, form) in &asked {
        let answer = browser.post(path, form).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path} {form:?}: {}", answer.text());
    }
    for path in [format!("/bai-dang/{id}"), format!("/api/v1/posts/{id}/timeline")] {
        assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for page in ["/duyet", "/bai-dang", "/can-xu-ly", "/kenh", "/lich"] {
        let text = browser.get(page).await;
        assert!(!text.text().contains(&id) && !text.text().contains("co-quan-khac"), "{page}");
    }
    // Reading notes nothing either.
    assert_eq!(world.store.last_seq(), before);
    act_for(&browser, "khac").await;
    assert!(browser.get("/duyet").await.text().contains(&id));
    let closed = browser.post(&asked[4].0, &[]).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "there it is theirs to close");
}

#[tokio::test]
async fn a_token_acts_for_the_agency_it_was_made_for() {
    let world = World::new().await;
    let user = both(&world, "hai-noi", &[Role::Approver], &[Role::Approver]).await;
    let post = foreign(&world, &world.people.stranger).await;
    let browser = Browser::of(&world, &user).await;
    act_for(&browser, "khac").await;
    let form = [("name", "máy"), ("days", "9"), ("read", "1"), ("write", "1"), ("approve", "1")];
    let made = browser.post("/toi/ma", &form).await;
    let (_, after) = made.text().split_once("value=\"loa_").unwrap();
    let bearer = format!("Bearer loa_{}", after.split_once('"').unwrap().0);
    // Where the browser goes afterwards is nothing to the token.
    act_for(&browser, "demo").await;
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let ask = async |method: &str, path: String, body: String| {
        Browser::nobody(&world).raw(method, &path, &headers, body).await.status()
    };
    let path = |post: &Post| format!("/api/v1/posts/{}", post.id);
    assert_eq!(ask("GET", path(&post), String::new()).await, StatusCode::OK);
    let ours = &world.posts.waiting;
    assert_eq!(ask("GET", path(ours), String::new()).await, StatusCode::NOT_FOUND);
    let body = json!({ "digest": ours.digest() }).to_string();
    let signed = ask("POST", format!("{}/approve", path(ours)), body).await;
    assert_eq!(signed, StatusCode::NOT_FOUND);
    let chosen = json!({ "agency": "khac" }).to_string();
    let chosen = ask("PUT", "/api/v1/own/agency".into(), chosen).await;
    assert_eq!(chosen, StatusCode::UNPROCESSABLE_ENTITY);
    let elsewhere = json!({ "agency": "demo" }).to_string();
    let elsewhere = ask("PUT", "/api/v1/own/agency".into(), elsewhere).await;
    assert_eq!(elsewhere, StatusCode::NOT_FOUND);
    // Whoever is taken out of the agency takes their tokens of it with them.
    let row = world.store.read::<User>(&user.id.to_string()).await.unwrap().unwrap();
    let out = User { also: vec![], ..row.record };
    let changes = Changes::by(records::by(), "change person").update(&out, row.version);
    world.store.commit(changes).await.unwrap();
    assert_eq!(ask("GET", path(&post), String::new()).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_header_names_the_agency_and_offers_the_others() {
    let world = World::new().await;
    for (name, title) in [("demo", "Báo Minh Họa"), ("khac", "Sở <Y tế> Minh Họa")] {
        let (title, brand) = (title.to_owned(), "demo".to_owned());
        let zone = "Asia/Ho_Chi_Minh".to_owned();
        let agency = Agency { name: name.into(), title, brand, zone, urgent_alone: false };
        world.store.commit(Changes::by(records::by(), "set agency").insert(&agency)).await.unwrap();
    }
    let author = Browser::of(&world, &world.people.author).await.get("/bai-dang").await;
    assert!(author.text().contains("Báo Minh Họa") && !author.text().contains("/toi/co-quan"));
    let user = both(&world, "hai-noi", &[Role::Approver], &[]).await;
    let browser = Browser::of(&world, &user).await;
    let page = browser.get("/bai-dang").await;
    assert!(page.text().contains("action=\"/toi/co-quan\""));
    assert!(page.text().contains("Sở &lt;Y tế&gt; Minh Họa</button>"), "{}", page.text());
    act_for(&browser, "khac").await;
    let page = browser.get("/bai-dang").await;
    assert!(page.text().contains("Báo Minh Họa</button>"));
    let told = browser.get("/api/v1/own/agencies").await.value();
    let place = |n: usize, name: &str| told["agencies"][n][name].clone();
    assert_eq!((place(0, "agency"), place(0, "acting")), (json!("demo"), json!(false)));
    assert_eq!((place(1, "agency"), place(1, "acting")), (json!("khac"), json!(true)));
    assert_eq!(place(1, "roles"), json!([]));
    // Without a role there they look only.
    assert_eq!(browser.post("/bai-viet", &[]).await.status, StatusCode::FORBIDDEN);
    let nowhere = browser.post("/toi/co-quan", &[("agency", "la")]).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_was_taken_out_of_the_agency_they_act_for_is_back_in_their_own() {
    let world = World::new().await;
    let user = both(&world, "hai-noi", &[Role::Author], &[Role::Admin]).await;
    let browser = Browser::of(&world, &user).await;
    act_for(&browser, "khac").await;
    assert_eq!(browser.get("/quan-tri").await.status, StatusCode::OK);
    let row = world.store.read::<User>(&user.id.to_string()).await.unwrap().unwrap();
    let out = User { also: vec![], ..row.record };
    let changes = Changes::by(records::by(), "change person").update(&out, row.version);
    world.store.commit(changes).await.unwrap();
    assert_eq!(browser.get("/quan-tri").await.status, StatusCode::FORBIDDEN);
    let told = browser.get("/api/v1/own/agencies").await.value();
    assert_eq!(told["agencies"][0]["acting"], true);
    assert_eq!(told["agencies"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_agency_changes_of_a_guest_their_roles_there_and_nothing_else() {
    let world = World::new().await;
    let user = both(&world, "hai-noi", &[Role::Approver], &[Role::Author]).await;
    let admin = Browser::of(&world, &world.people.stranger).await;
    let listed = admin.get("/api/v1/users").await.value();
    let of = |login: &str| {
        let all = listed["items"].as_array().unwrap().clone();
        all.into_iter().find(|person| person["login"] == login).unwrap()
    };
    assert_eq!(
        (&of("hai-noi")["roles"], &of("hai-noi")["belongs"]),
        (&json!(["author"]), &json!(false))
    );
    assert_eq!(of("khach")["belongs"], true);
    let patch = async |body: serde_json::Value| {
        let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
        let path = format!("/api/v1/users/{}", user.id);
        admin.raw("PATCH", &path, &headers, body.to_string()).await.status()
    };
    assert_eq!(patch(json!({ "roles": ["analyst"] })).await, StatusCode::NO_CONTENT);
    for body in [json!({ "name": "Ai Khác" }), json!({ "active": false })] {
        assert_eq!(patch(body.clone()).await, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    let password = admin.post(&format!("/quan-tri/nguoi/{}/mat-khau", user.id), &[]).await;
    assert_eq!(password.status, StatusCode::UNPROCESSABLE_ENTITY);
    let kept = world.store.read::<User>(&user.id.to_string()).await.unwrap().unwrap().record;
    let also = vec![Membership { agency: "khac".into(), roles: vec![Role::Analyst] }];
    assert_eq!(kept, User { also, ..user.clone() });
    // Their tokens of the other agency are none of this one's.
    let token = |agency: &str| ApiToken {
        digest: Digest::of(agency.as_bytes()),
        name: agency.into(),
        user: user.id,
        agency: agency.into(),
        scopes: vec![Scope::Read],
        created_at: world.clock.now(),
        expires_at: world.clock.now() + SignedDuration::from_hours(24),
        last_used: None,
        revoked_at: None,
    };
    let (ours, theirs) = (token("khac"), token("demo"));
    let changes = Changes::by(Actor::User(user.id), "make API token").insert(&ours).insert(&theirs);
    world.store.commit(changes).await.unwrap();
    let told = admin.get(&format!("/api/v1/tokens?user={}", user.id)).await.value();
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told["items"][0]["agency"], "khac");
}

#[tokio::test]
async fn no_agency_loses_its_last_administrator_by_what_another_one_does() {
    let world = World::new().await;
    // The stranger administers `khac`; without them the guest is the only one.
    let guest = both(&world, "khach-quan-tri", &[Role::Author], &[Role::Admin]).await;
    let khac = Browser::of(&world, &guest).await;
    act_for(&khac, "khac").await;
    let path = format!("/quan-tri/nguoi/{}/ngung", world.people.stranger.id);
    assert_eq!(khac.post(&path, &[]).await.status, StatusCode::SEE_OTHER);
    let admin = Browser::of(&world, &world.people.admin).await;
    let path = format!("/quan-tri/nguoi/{}/ngung", guest.id);
    let refused = admin.post(&path, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("ít nhất một quản trị viên"));
    let kept = world.store.read::<User>(&guest.id.to_string()).await.unwrap().unwrap().record;
    assert!(kept.is_active());
}

#[tokio::test]
async fn a_session_written_before_anybody_could_choose_acts_for_the_own_agency() {
    let old = r#"{"token":"0000000000000000000000000000000000000000000000000000000000000000","user":"00000000-0000-7000-8000-00000000abcd","expires_at":"2026-11-16T09:30:00Z"}"#;
    let session: Session = serde_json::from_str(old).unwrap();
    assert_eq!(session.agency, None);
    assert_eq!(serde_json::to_string(&session).unwrap(), old);
}
