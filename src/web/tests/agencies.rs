//! The agencies of an installation, people who are let into another one, and every token that acts for one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use jiff::SignedDuration;
use loa_model::{
    Actor, Agency, Clock as _, Digest, Installation, Membership, OwnBrand, Post, PostState,
    Priority, Role, User,
};
use loa_store::{Changes, Store as _, StoreExt as _};
use loa_web::{ApiToken, Scope};
use serde_json::{Value, json};
use support::{PASSWORD, World, browser::Browser, records};

async fn found(world: &World, name: &str) -> Agency {
    let agency = Agency {
        name: name.into(),
        title: format!("Cơ quan {name}"),
        brand: "demo".into(),
        zone: "Asia/Ho_Chi_Minh".into(),
        urgent_alone: false,
    };
    world.store.commit(Changes::by(records::by(), "set agency").insert(&agency)).await.unwrap();
    agency
}

async fn kept(world: &World, name: &str) -> Option<Agency> {
    world.store.read::<Agency>(name).await.unwrap().map(|row| row.record)
}

async fn user(world: &World, user: &User) -> User {
    world.store.read::<User>(&user.id.to_string()).await.unwrap().unwrap().record
}

async fn patch(browser: &Browser<'_>, path: &str, body: &Value) -> StatusCode {
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    browser.raw("PATCH", path, &headers, body.to_string()).await.status()
}

/// What the last commit of the log was called.
async fn last(world: &World) -> String {
    let seq = world.store.last_seq();
    world.store.tail(seq - 1, 1).await.unwrap().pop().unwrap().changes.what
}

#[tokio::test]
async fn the_agency_that_was_first_adds_others_and_says_so_for_good() {
    let world = World::new().await;
    found(&world, "demo").await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let form = [
        ("name", "so-y-te"),
        ("title", " Sở <Y tế> Minh Họa "),
        ("zone", "Asia/Bangkok"),
        ("brand", ""),
    ];
    let answer = admin.post("/quan-tri/co-quan", &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    // Reloading what follows adds nothing again.
    assert_eq!(answer.header("location"), "/quan-tri/co-quan?them=so-y-te");
    let shown = admin.get(answer.header("location")).await;
    assert!(shown.text().contains("name=\"agency\" value=\"so-y-te\""), "{}", shown.text());
    assert!(shown.text().contains("Sở &lt;Y tế&gt; Minh Họa"));
    let agency = kept(&world, "so-y-te").await.unwrap();
    let shown = (agency.title.as_str(), agency.zone.as_str(), agency.urgent_alone);
    assert_eq!(shown, ("Sở <Y tế> Minh Họa", "Asia/Bangkok", false));
    let key = OwnBrand::key_of("so-y-te", &agency.brand).expect("a kit of its own");
    let kit = world.store.read::<OwnBrand>(&key).await.unwrap().unwrap().record;
    assert_eq!(kit.face.title_vi, "Sở <Y tế> Minh Họa");
    assert_eq!(last(&world).await, "add agency");
    // Whoever adds it lets others in; the first one keeps the installation though there are two now.
    let also = vec![Membership { agency: "so-y-te".into(), roles: vec![Role::Admin] }];
    assert_eq!(user(&world, &world.people.admin).await.also, also);
    let keeper = world.store.read::<Installation>(Installation::KEY).await.unwrap().unwrap();
    assert_eq!(keeper.record.kept_by, "demo");
    let again = admin.post("/quan-tri/co-quan", &form).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.text().contains("đã có cơ quan dùng"));
    for (field, value) in [
        ("name", "Sở"),
        ("name", "a"),
        ("name", "-a"),
        ("name", "a/b"),
        ("title", "  "),
        ("title", &"x".repeat(121)),
        ("zone", "Asia/Nowhere"),
        ("zone", "../../etc/passwd"),
        ("brand", "khong-co"),
        ("brand", "demo"),
    ] {
        let mut body = json!({ "name": "khac-nua", "title": "A" });
        body[field] = value.into();
        let answer = admin.json("/api/v1/agencies", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}");
    }
    assert!(kept(&world, "khac-nua").await.is_none());
    // The form that failed comes back as it was typed; no other one opens.
    let wrong = [("name", "so-moi"), ("title", "Sở mới"), ("zone", "Asia/Nowhere"), ("brand", "")];
    let answer = admin.post("/quan-tri/co-quan", &wrong).await;
    let text = answer.text().replace("&#x2f;", "/");
    for typed in ["value=\"so-moi\"", "value=\"Sở mới\"", "value=\"Asia/Nowhere\""] {
        assert!(text.contains(typed), "{typed}: {text}");
    }
    assert!(!text.contains("<details open"));
    let wrong = [("title", "Sở khác"), ("zone", "Asia/Nowhere"), ("brand", "own/co-quan")];
    let answer = admin.post("/quan-tri/co-quan/so-y-te", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.text().matches("<details open").count(), 1);
    assert!(
        answer.text().contains("value=\"Sở khác\"")
            && answer.text().contains("value=\"Cơ quan demo\"")
    );
    let made = admin.json("/api/v1/agencies", &json!({ "name": "khac-nua", "title": "A" })).await;
    assert_eq!((made.status, made.value()), (StatusCode::CREATED, json!({ "name": "khac-nua" })));
}

#[tokio::test]
async fn an_administrator_of_another_agency_sees_and_changes_that_one_only() {
    let world = World::new().await;
    for name in ["demo", "khac"] {
        found(&world, name).await;
    }
    let installation = Installation { kept_by: "demo".into() };
    let changes = Changes::by(records::by(), "say who keeps the installation");
    world.store.commit(changes.insert(&installation)).await.unwrap();
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let told = stranger.get("/api/v1/agencies").await.value();
    assert_eq!(told["items"].as_array().unwrap().len(), 1);
    assert_eq!((&told["items"][0]["name"], &told["may_add"]), (&json!("khac"), &json!(false)));
    let page = stranger.get("/quan-tri/co-quan").await;
    assert!(!page.text().contains("Cơ quan demo") && !page.text().contains("name=\"name\""));
    let new = json!({ "name": "moi", "title": "Mới" });
    let refused = stranger.json("/api/v1/agencies", &new).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let titled = json!({ "title": "Đổi tên" });
    let theirs = patch(&stranger, "/api/v1/agencies/demo", &titled).await;
    assert_eq!(theirs, StatusCode::NOT_FOUND);
    let form = [("title", "Đổi tên"), ("zone", "Asia/Ho_Chi_Minh"), ("brand", "demo")];
    let page = stranger.post("/quan-tri/co-quan/demo", &form).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let alone = stranger.post("/quan-tri/co-quan/demo/ky-mot-minh", &[("urgent_alone", "true")]);
    assert_eq!(alone.await.status, StatusCode::NOT_FOUND);
    assert_eq!(kept(&world, "demo").await.unwrap().title, "Cơ quan demo");
    assert_eq!(patch(&stranger, "/api/v1/agencies/khac", &titled).await, StatusCode::NO_CONTENT);
    assert_eq!(kept(&world, "khac").await.unwrap().title, "Đổi tên");
    assert_eq!(last(&world).await, "change agency");
    // The one that keeps the installation sees and changes every one.
    let admin = Browser::of(&world, &world.people.admin).await;
    let told = admin.get("/api/v1/agencies").await.value();
    assert_eq!(told["items"].as_array().unwrap().len(), 2);
    let theirs = admin.post("/quan-tri/co-quan/khac", &form).await;
    assert_eq!(theirs.status, StatusCode::SEE_OTHER);
    let nowhere = patch(&admin, "/api/v1/agencies/khong-co", &titled).await;
    assert_eq!(nowhere, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_may_sign_alone_is_a_switch_with_a_name_of_its_own_in_the_log() {
    let world = World::new().await;
    found(&world, "demo").await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let mut post: Post = world.posts.waiting.clone();
    let row = world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap();
    post.author = world.people.approver.id;
    post.priority = Priority::Urgent;
    let changes = Changes::by(records::by(), "fill").update(&post, row.version);
    world.store.commit(changes).await.unwrap();
    let approver = Browser::of(&world, &world.people.approver).await;
    let path = format!("/bai-dang/{}/duyet-khan", post.id);
    let form = [("digest", &*post.digest().to_string()), ("reason", "Bão đổ bộ")];
    let state = async || {
        let row = world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap();
        row.record.state
    };
    approver.post(&path, &form).await;
    assert_eq!(state().await, PostState::InReview, "two people sign");
    let turn = async |on: &str| {
        let form = [("urgent_alone", on)];
        let answer = admin.post("/quan-tri/co-quan/demo/ky-mot-minh", &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let page = admin.get("/quan-tri/co-quan").await;
        assert_eq!(page.text().contains("được ký một mình bài do mình soạn"), on == "true");
        let log = admin.get("/nhat-ky").await;
        (last(&world).await, log.text().to_owned())
    };
    // As the page's own button says it.
    let page = admin.get("/quan-tri/co-quan").await;
    let (_, button) = page.text().split_once("name=\"urgent_alone\" value=\"").expect("a button");
    assert_eq!(button.split('"').next(), Some("true"));
    let (what, log) = turn("true").await;
    assert_eq!(what, "let approvers sign urgent posts alone");
    assert!(log.contains("Cho người duyệt ký một mình bài khẩn của mình"));
    approver.post(&path, &form).await;
    assert_eq!(state().await, PostState::Approved);
    assert_eq!(turn("false").await.0, "have two people sign every post");
    assert!(!kept(&world, "demo").await.unwrap().urgent_alone);
    // What no button sends is answered by a page in the reader's language, not by the framework's English.
    for (lang, words) in [("vi", "Loa không đọc được"), ("en", "Loa could not read")] {
        let headers = [
            ("cookie", &*format!("{}; lang={lang}", admin.cookie)),
            ("sec-fetch-site", "same-origin"),
            ("referer", "http://loa.test/quan-tri/co-quan"),
        ];
        let form = [("urgent_alone", "True")];
        let path = "/quan-tri/co-quan/demo/ky-mot-minh";
        let answer = Browser::nobody(&world).send("POST", path, &headers, &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            answer.text().contains(words) && !answer.text().contains("deserialize"),
            "{}",
            answer.text()
        );
        assert!(answer.text().contains("href=\"/quan-tri/co-quan\""), "{}", answer.text());
    }
    // Asked for again nothing changes.
    let before = world.store.last_seq();
    let same = patch(&admin, "/api/v1/agencies/demo", &json!({ "urgent_alone": false })).await;
    assert_eq!((same, world.store.last_seq()), (StatusCode::NO_CONTENT, before));
}

fn token(world: &World, user: &User, agency: &str, name: &str) -> ApiToken {
    ApiToken {
        digest: Digest::of(format!("{name} {agency}").as_bytes()),
        name: name.into(),
        user: user.id,
        agency: agency.into(),
        scopes: vec![Scope::Read],
        created_at: world.clock.now(),
        expires_at: world.clock.now() + SignedDuration::from_hours(24),
        last_used: None,
        revoked_at: None,
    }
}

async fn keep(world: &World, tokens: &[&ApiToken]) {
    let changes = Changes::by(Actor::User(tokens[0].user), "make API token");
    let changes = tokens.iter().fold(changes, |changes, token| changes.insert(*token));
    world.store.commit(changes).await.unwrap();
}

async fn is_open(world: &World, token: &ApiToken) -> bool {
    let row = world.store.read::<ApiToken>(&token.digest.to_string()).await.unwrap().unwrap();
    row.record.revoked_at.is_none()
}

#[tokio::test]
async fn a_person_is_let_into_another_agency_and_taken_out_again() {
    let world = World::new().await;
    for name in ["demo", "khac"] {
        found(&world, name).await;
    }
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let invite = async |login: &str| {
        let form = [("login", login), ("approver", "1"), ("analyst", "1")];
        stranger.post("/quan-tri/moi", &form).await
    };
    let answer = invite("soan").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let author = user(&world, &world.people.author).await;
    let also =
        vec![Membership { agency: "khac".into(), roles: vec![Role::Approver, Role::Analyst] }];
    assert_eq!(author, User { also, ..world.people.author.clone() });
    for (login, said) in [
        ("soan", "đã làm việc ở đây"),
        ("khach", "đã làm việc ở đây"),
        ("khong-co-ai", "Không có người đang hoạt động"),
        ("Soan", "Tên đăng nhập có"),
    ] {
        let answer = invite(login).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{login}");
        assert!(answer.text().contains(said), "{login}");
    }
    // Both sides see it, each what is theirs.
    let theirs = stranger.get("/quan-tri").await;
    assert!(
        theirs.text().contains("Nguyễn Thị Mẫn") && theirs.text().contains("Thuộc: Cơ quan demo")
    );
    let admin = Browser::of(&world, &world.people.admin).await;
    let ours = admin.get("/quan-tri").await;
    assert!(ours.text().contains("Cũng làm việc ở: Cơ quan khac"));
    let (there, here) = (token(&world, &author, "khac", "a"), token(&world, &author, "demo", "a"));
    keep(&world, &[&there, &here]).await;
    let path = |user: &User| format!("/quan-tri/nguoi/{}/dua-ra", user.id);
    // Whoever belongs to an agency is not taken out of it, by nobody.
    let own = admin.post(&path(&author), &[]).await;
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(stranger.post(&path(&author), &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(user(&world, &author).await, world.people.author);
    assert!(!is_open(&world, &there).await && is_open(&world, &here).await);
    assert_eq!(stranger.post(&path(&author), &[]).await.status, StatusCode::NOT_FOUND);
    // The same for machines.
    let body = json!({ "login": "soan", "roles": ["author"] });
    let invited = stranger.json("/api/v1/users/invite", &body).await;
    assert_eq!((invited.status, &invited.value()["login"]), (StatusCode::OK, &json!("soan")));
    let out = format!("/api/v1/users/{}/membership", author.id);
    let own = [("sec-fetch-site", "same-origin")];
    let out = stranger.send("DELETE", &out, &own, &[]).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(user(&world, &author).await, world.people.author);
}

#[tokio::test]
async fn the_only_administrator_of_an_agency_is_not_taken_out_as_a_guest() {
    let world = World::new().await;
    found(&world, "demo").await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let made = admin.json("/api/v1/agencies", &json!({ "name": "moi", "title": "Mới" })).await;
    assert_eq!(made.status, StatusCode::CREATED);
    admin.post("/toi/co-quan", &[("agency", "moi")]).await;
    let path = format!("/quan-tri/nguoi/{}/dua-ra", world.people.admin.id);
    let refused = admin.post(&path, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("ít nhất một quản trị viên"));
    admin.post("/quan-tri/moi", &[("login", "duyet"), ("admin", "1")]).await;
    assert_eq!(admin.post(&path, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(user(&world, &world.people.admin).await.also, []);
}

#[tokio::test]
async fn administrators_see_every_token_of_their_agency_and_take_any_back() {
    let world = World::new().await;
    let (author, stranger) = (&world.people.author, &world.people.stranger);
    let mine = token(&world, author, "demo", "Máy <b>nhà</b>");
    let over = ApiToken {
        expires_at: world.clock.now(),
        ..token(&world, &world.people.approver, "demo", "Đã hết")
    };
    let theirs = token(&world, stranger, "khac", "Của cơ quan khác");
    // Of a person of ours, for an agency that is not.
    let elsewhere = token(&world, author, "khac", "Việc nơi khác");
    keep(&world, &[&mine, &over, &theirs, &elsewhere]).await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let page = admin.get("/quan-tri/ma").await;
    assert!(page.text().contains("Máy &lt;b&gt;nhà&lt;&#x2f;b&gt;"), "{}", page.text());
    assert!(page.text().contains("Nguyễn Thị Mẫn") && page.text().contains("Đã hết"));
    assert!(!page.text().contains("Của cơ quan khác") && !page.text().contains("Việc nơi khác"));
    let told = admin.get("/api/v1/tokens?everybody=true").await.value();
    let all = told["items"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!((&all[0]["login"], &all[0]["state"]), (&json!("soan"), &json!("open")));
    assert_eq!((&all[1]["owner"], &all[1]["state"]), (&json!("Trần Đình Hộ"), &json!("expired")));
    let path = |token: &ApiToken| format!("/quan-tri/ma/{}/thu-hoi", token.digest);
    assert_eq!(admin.post(&path(&theirs), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(admin.post(&path(&mine), &[]).await.status, StatusCode::SEE_OTHER);
    assert!(!is_open(&world, &mine).await && is_open(&world, &theirs).await);
    let page = admin.get("/quan-tri/ma").await;
    assert!(page.text().contains("đã thu hồi"));
    let nobody = Browser::of(&world, author).await;
    let refused = nobody.get("/api/v1/tokens?everybody=true").await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_new_password_takes_the_tokens_back_where_nobody_says_otherwise() {
    let world = World::new().await;
    let author = &world.people.author;
    let admin = Browser::of(&world, &world.people.admin).await;
    let give = format!("/quan-tri/nguoi/{}/mat-khau", author.id);
    assert!(
        admin.get("/quan-tri").await.text().contains("name=\"revoke_tokens\" value=\"1\" checked")
    );
    let (kept, gone) = (token(&world, author, "demo", "một"), token(&world, author, "demo", "hai"));
    keep(&world, &[&kept]).await;
    assert_eq!(admin.post(&give, &[]).await.status, StatusCode::OK);
    assert!(is_open(&world, &kept).await, "not ticked");
    keep(&world, &[&gone]).await;
    let ticked = admin.post(&give, &[("revoke_tokens", "1")]).await;
    assert_eq!(ticked.status, StatusCode::OK);
    assert!(!is_open(&world, &kept).await && !is_open(&world, &gone).await);
    // By a machine: with a body, and without one.
    let operation = format!("/api/v1/users/{}/password", author.id);
    let third = token(&world, author, "demo", "ba");
    keep(&world, &[&third]).await;
    let wish = json!({ "revoke_tokens": false });
    assert_eq!(admin.json(&operation, &wish).await.status, StatusCode::OK);
    assert!(is_open(&world, &third).await);
    let bare = admin.post(&operation, &[]).await;
    assert_eq!(bare.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "a form is no JSON");
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let empty = admin.raw("POST", &operation, &headers, "{}".to_owned()).await;
    assert_eq!(empty.status(), StatusCode::OK);
    assert!(!is_open(&world, &third).await);
}

#[tokio::test]
async fn ones_own_new_password_takes_ones_tokens_back_too() {
    let world = World::new().await;
    let author = &world.people.author;
    let browser = Browser::of(&world, author).await;
    assert!(
        browser.get("/toi").await.text().contains("name=\"revoke_tokens\" value=\"1\" checked")
    );
    let one = token(&world, author, "demo", "một");
    keep(&world, &[&one]).await;
    let new = "Một mật khẩu mới 43";
    let form = [("old", PASSWORD), ("new", new)];
    assert_eq!(browser.post("/toi/mat-khau", &form).await.status, StatusCode::SEE_OTHER);
    assert!(is_open(&world, &one).await, "not ticked");
    let body = json!({ "old": new, "new": PASSWORD });
    let asked = browser.json("/api/v1/own/password", &body).await;
    assert_eq!(asked.status, StatusCode::NO_CONTENT);
    assert!(!is_open(&world, &one).await);
}
