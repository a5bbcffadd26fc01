//! People, their sessions, and who may sign in.

mod support;

use axum::http::StatusCode;
use jiff::SignedDuration;
use loa_model::{Actor, Clock as _, Digest, Login, Role, User};
use loa_store::{Changes, Store as _, StoreExt as _};
use loa_web::{Access, Session};
use serde_json::json;
use support::{
    PASSWORD, World,
    browser::{Answer, Browser},
};

/// A browser that signed in by the form, with what it was given.
async fn signed_in(world: &World, cookie: &str, login: &str, password: &str) -> Answer {
    let browser = Browser { world, cookie: cookie.to_owned() };
    let headers = [
        ("sec-fetch-site", "same-origin"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ];
    let form = [("login", login), ("password", password)];
    browser.send("POST", "/dang-nhap", &headers, &form).await
}

/// The cookie of the session an answer begins.
fn cookie(answer: &Answer) -> String {
    let all = answer.headers.get_all("set-cookie").iter();
    let own = all.filter_map(|value| value.to_str().ok()?.split(';').next());
    own.map(str::to_owned).find(|pair| pair.starts_with("__Host-loa=")).expect("a session")
}

async fn user(world: &World, id: &User) -> User {
    let row = world.store.read::<User>(&id.id.to_string()).await.expect("a store in memory");
    row.expect("people stay").record
}

/// The password that a page shows once.
fn given(answer: &Answer) -> String {
    let (_, after) =
        answer.text().split_once("id=\"given\" readonly value=\"").expect("a password");
    after.split_once('"').expect("its end").0.to_owned()
}

#[tokio::test]
async fn an_administrator_adds_a_person_who_signs_in_with_what_was_shown_once() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let form = [
        ("login", "moi.nguoi"),
        ("name", " Phạm Văn Mới "),
        ("lang", "en"),
        ("editor", "1"),
        ("author", "1"),
    ];
    let answer = admin.post("/quan-tri/nguoi", &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let password = given(&answer);
    assert!(password.len() >= 16, "{password}");
    let again = admin.get("/quan-tri").await;
    assert!(again.text().contains("Phạm Văn Mới") && !again.text().contains(&password));
    let name = world.store.read::<Login>("moi.nguoi").await.unwrap().unwrap().record;
    let kept = world.store.read::<User>(&name.user.to_string()).await.unwrap().unwrap().record;
    assert_eq!((kept.name.as_str(), kept.lang.as_str()), ("Phạm Văn Mới", "en"));
    assert_eq!(
        (kept.agency.as_str(), kept.roles.clone()),
        ("demo", vec![Role::Author, Role::Editor])
    );
    for text in [again.text(), admin.get("/api/v1/users").await.text()] {
        assert!(!text.contains("argon2") && !text.contains(&kept.password_hash));
    }
    let past = world.store.past::<User>(&kept.id.to_string(), 1).await.unwrap();
    assert_eq!(past[0].entry.changes.actor, Actor::User(world.people.admin.id));
    assert_eq!(past[0].entry.changes.what, "add person");
    let wrong = signed_in(&world, "", "moi.nguoi", PASSWORD).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let right = signed_in(&world, "", "moi.nguoi", &password).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER);
    let listed = admin.get("/api/v1/users").await.value();
    let all = listed["items"].as_array().unwrap();
    let of = |login: &str| all.iter().find(|person| person["login"] == login).cloned().unwrap();
    assert!(of("moi.nguoi")["last_sign_in"].is_string());
    assert!(of("soan")["last_sign_in"].is_null());
    assert!(all.iter().all(|person| person["login"] != "khach"), "{all:?}");
}

#[tokio::test]
async fn a_sign_in_name_belongs_to_one_person_of_the_installation() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let new = |login: &str| json!({ "login": login, "name": "Ai Đó", "roles": ["analyst"] });
    // Known by the index only, and of another agency.
    let answer = admin.json("/api/v1/users", &new("khach")).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let body = new("cung-luc");
    let (one, two) =
        tokio::join!(admin.json("/api/v1/users", &body), admin.json("/api/v1/users", &body));
    let mut both = [one.status.as_u16(), two.status.as_u16()];
    both.sort_unstable();
    assert_eq!(both, [201, 409]);
    for bad in ["", "a", "Hoa", "có-dấu", "-x", "a b", &"x".repeat(41)] {
        let answer = admin.json("/api/v1/users", &new(bad)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    let form = [("login", "khach"), ("name", "Bùi A"), ("lang", "vi"), ("author", "1")];
    let page = admin.post("/quan-tri/nguoi", &form).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.text().contains("đã có người dùng") && page.text().contains("role=\"alert\""));
    assert!(page.text().contains("value=\"khach\"") && page.text().contains("value=\"Bùi A\""));
}

#[tokio::test]
async fn nobody_is_added_without_a_role_by_accident() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let before = world.store.all::<User>(50).await.unwrap().len();
    let form = [("login", "vo.vai"), ("name", "Bùi A"), ("lang", "vi")];
    let page = admin.post("/quan-tri/nguoi", &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.text().contains("ít nhất một vai trò") && page.text().contains("value=\"vo.vai\"")
    );
    let body = json!({ "login": "vo.vai", "name": "Bùi A", "roles": [] });
    let asked = admin.json("/api/v1/users", &body).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    let guest = admin.post("/quan-tri/moi", &[("login", "khach")]).await;
    assert_eq!(guest.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.store.all::<User>(50).await.unwrap().len(), before);
}

#[tokio::test]
async fn who_is_deactivated_is_out_at_once_and_cannot_come_back_by_themselves() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let answer = signed_in(&world, "", "soan", PASSWORD).await;
    let author = Browser { world: &world, cookie: cookie(&answer) };
    assert_eq!(author.get("/").await.status, StatusCode::OK);
    let at = format!("/quan-tri/nguoi/{}", world.people.author.id);
    let answer = admin.post(&format!("{at}/ngung"), &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(!user(&world, &world.people.author).await.is_active());
    assert_eq!(author.get("/").await.header("location"), "/dang-nhap?het=1");
    let shut = signed_in(&world, "", "soan", PASSWORD).await;
    assert_eq!(shut.status, StatusCode::UNAUTHORIZED);
    assert_eq!(admin.post(&format!("{at}/mo-lai"), &[]).await.status, StatusCode::SEE_OTHER);
    // The sessions of before stay ended.
    assert_eq!(author.get("/").await.header("location"), "/dang-nhap?het=1");
    assert_eq!(signed_in(&world, "", "soan", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_agency_keeps_an_administrator() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let at = format!("/api/v1/users/{}", world.people.admin.id);
    let patch = async |browser: &Browser<'_>, at: &str, body: serde_json::Value| {
        let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
        browser.raw("PATCH", at, &headers, body.to_string()).await.status()
    };
    for body in [json!({ "active": false }), json!({ "roles": ["editor"] })] {
        let status = patch(&admin, &at, body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let page = admin.post(&format!("/quan-tri/nguoi/{}/ngung", world.people.admin.id), &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("ít nhất một quản trị viên"));
    // A deactivated administrator and one of another agency are none.
    let second = world.colleague(&world.people.admin, &[Role::Admin]).await;
    let other = format!("/api/v1/users/{}", second.id);
    assert_eq!(patch(&admin, &other, json!({ "active": false })).await, StatusCode::NO_CONTENT);
    let status = patch(&admin, &at, json!({ "active": false })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(patch(&admin, &other, json!({ "active": true })).await, StatusCode::NO_CONTENT);
    assert_eq!(patch(&admin, &at, json!({ "roles": [] })).await, StatusCode::NO_CONTENT);
    assert_eq!(admin.get("/quan-tri").await.status, StatusCode::FORBIDDEN);
    // Taking the role writes the one who keeps it, so two who take it from each other at once conflict.
    let kept = world.store.past::<User>(&second.id.to_string(), 1).await.unwrap();
    assert_eq!(kept[0].entry.changes.what, "change person");
    assert_eq!(kept[0].entry.changes.rows.len(), 2);
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let body = json!({ "name": "Không Phải Của Mình" });
    assert_eq!(patch(&stranger, &other, body).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_began() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let old = signed_in(&world, "", "soan", PASSWORD).await;
    let author = Browser { world: &world, cookie: cookie(&old) };
    let at = format!("/quan-tri/nguoi/{}/mat-khau", world.people.author.id);
    let answer = admin.post(&at, &[]).await;
    let password = given(&answer);
    assert_eq!(author.get("/").await.header("location"), "/dang-nhap?het=1");
    assert_eq!(signed_in(&world, "", "soan", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    let new = signed_in(&world, "", "soan", &password).await;
    let (this, other) = (cookie(&new), cookie(&signed_in(&world, "", "soan", &password).await));
    let own = Browser { world: &world, cookie: this };
    let ask =
        async |old: &str, new: &str| own.post("/toi/mat-khau", &[("old", old), ("new", new)]).await;
    for (old, new) in [
        ("sai mật khẩu cũ", "mười hai ký tự"),
        (password.as_str(), "quá ngắn"),
        (password.as_str(), "soan"),
    ] {
        let answer = ask(old, new).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{new}");
        assert!(answer.text().contains("role=\"alert\""));
    }
    let mine = "một mật khẩu của riêng tôi";
    let answer = ask(&password, mine).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"));
    let answer = ask(mine, "một mật khẩu khác của tôi").await;
    assert_eq!(answer.header("location"), "/toi?xong=mat-khau");
    let told = own.get(answer.header("location")).await;
    assert!(told.text().contains("Đã đổi mật khẩu"), "{}", told.text());
    let other = Browser { world: &world, cookie: other };
    assert_eq!(other.get("/toi").await.status, StatusCode::SEE_OTHER);
    let past = world.store.past::<User>(&world.people.author.id.to_string(), 1).await.unwrap();
    assert_eq!(past[0].entry.changes.what, "change own password");
}

#[tokio::test]
async fn a_password_that_was_given_opens_only_the_way_to_another_one() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let new = [("login", "moi.nguoi"), ("name", "Phạm Mới"), ("lang", "vi"), ("author", "1")];
    let first = given(&admin.post("/quan-tri/nguoi", &new).await);
    let renew = format!("/quan-tri/nguoi/{}/mat-khau", world.people.author.id);
    let again = given(&admin.post(&renew, &[]).await);
    let same = [("sec-fetch-site", "same-origin")];
    for (login, password) in [("moi.nguoi", first), ("soan", again)] {
        let cookie = cookie(&signed_in(&world, "", login, &password).await);
        let own = Browser { world: &world, cookie };
        for way in loa_web::ways().iter().filter(|way| way.access != Access::Anyone) {
            let (method, at) = (way.method.as_str(), way.path.replace(['{', '}', '*'], ""));
            if ["/toi/mat-khau", "/api/v1/own/password", "/dang-xuat"].contains(&way.path) {
                continue;
            }
            let answer = own.send(method, &at, &same, &[]).await;
            if at.starts_with("/api/") {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {at} as {login}");
                assert_eq!(answer.header("content-type"), "application/problem+json", "{at}");
                assert!(answer.text().contains("given by somebody else"), "{}", answer.text());
            } else {
                let to = (answer.status, answer.header("location"));
                assert_eq!(
                    to,
                    (StatusCode::SEE_OTHER, "/toi/mat-khau"),
                    "{method} {at} as {login}"
                );
            }
        }
        let part = own.send("GET", "/", &[("hx-request", "true")], &[]).await;
        assert_eq!(part.header("hx-redirect"), "/toi/mat-khau");
        assert!(own.get("/toi/mat-khau").await.text().contains("do quản trị viên cấp"));
        let waits =
            async || admin.get("/quan-tri").await.text().matches("chưa đổi mật khẩu").count();
        let before = waits().await;
        let ask = async |new: &str| {
            own.post("/toi/mat-khau", &[("old", password.as_str()), ("new", new)]).await
        };
        // The same one again is still known to somebody else.
        for new in [password.as_str(), "quá ngắn"] {
            let answer = ask(new).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{new}");
            assert!(answer.text().contains("role=\"alert\"") && !answer.text().contains("<nav"));
            assert_eq!(own.get("/").await.header("location"), "/toi/mat-khau");
        }
        assert_eq!(ask("một mật khẩu của riêng tôi").await.header("location"), "/");
        assert_eq!(own.get("/").await.status, StatusCode::OK);
        assert_eq!(own.get("/toi/mat-khau").await.header("location"), "/toi");
        assert_eq!(waits().await, before - 1);
    }
}

#[tokio::test]
async fn a_password_is_not_the_sign_in_name_however_long_that_is() {
    let world = World::new().await;
    let like = &world.people.author;
    let named = User { id: world.ids.make(), login: "nguyen.thi.man".to_owned(), ..like.clone() };
    let changes = Changes::by(Actor::User(named.id), "add person").insert(&named);
    world.store.commit(changes).await.unwrap();
    let own = Browser::of(&world, &named).await;
    let form = [("old", PASSWORD), ("new", "Nguyen.Thi.Man")];
    let answer = own.post("/toi/mat-khau", &form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(user(&world, &named).await.password_hash, named.password_hash);
}

#[tokio::test]
async fn guessing_the_old_password_in_a_session_left_open_ends_after_ten() {
    let world = World::new().await;
    let own = Browser::of(&world, &world.people.author).await;
    let ask = async |old: &str| {
        own.post("/toi/mat-khau", &[("old", old), ("new", "một mật khẩu dài")]).await.status
    };
    for _ in 0..10 {
        assert_eq!(ask("đoán mò").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(ask(PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_sign_in_takes_no_token_from_outside_and_ends_the_one_before() {
    let world = World::new().await;
    let planted = signed_in(&world, "loa=planted-by-somebody-else", "soan", PASSWORD).await;
    let first = cookie(&planted);
    assert_ne!(first, "loa=planted-by-somebody-else");
    let second = cookie(&signed_in(&world, &first, "soan", PASSWORD).await);
    assert_ne!(first, second);
    let with = |cookie: &str| Browser { world: &world, cookie: cookie.to_owned() };
    assert_eq!(with(&first).get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(with(&second).get("/").await.status, StatusCode::OK);
    let planted = with("loa=planted-by-somebody-else").get("/").await;
    assert_eq!(planted.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn people_see_where_they_are_signed_in_and_end_it() {
    let world = World::new().await;
    let mut cookies = Vec::new();
    for _ in 0..3 {
        cookies.push(cookie(&signed_in(&world, "", "soan", PASSWORD).await));
    }
    let with = |n: usize| Browser { world: &world, cookie: cookies[n].clone() };
    let own = with(0);
    let page = own.get("/toi").await;
    assert!(page.text().contains("Firefox, Linux") && page.text().contains("127.0.0.1"));
    let text = page.text().replace("&#x2f;", "/");
    assert!(text.contains("16:30 16/11/2026") && !text.contains("16:00 16/11/2026"));
    let sessions = own.get("/api/v1/sessions").await.value();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 3);
    let id = Digest::of(cookies[1].strip_prefix("__Host-loa=").unwrap().as_bytes());
    let stranger = Browser::of(&world, &world.people.approver).await;
    let at = format!("/toi/phien/{id}/thu-hoi");
    assert_eq!(stranger.post(&at, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(with(1).get("/").await.status, StatusCode::OK);
    assert_eq!(own.post(&at, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(with(1).get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(with(2).get("/").await.status, StatusCode::OK);
    assert_eq!(own.post("/toi/phien/khac/thu-hoi", &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(with(2).get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(own.get("/").await.status, StatusCode::OK);
    assert_eq!(stranger.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_use_of_a_session_is_kept_once_an_hour() {
    let world = World::new().await;
    let cookie = cookie(&signed_in(&world, "", "soan", PASSWORD).await);
    let key = Digest::of(cookie.strip_prefix("__Host-loa=").unwrap().as_bytes()).to_string();
    let browser = Browser { world: &world, cookie };
    let before = world.store.last_seq();
    browser.get("/toi").await;
    assert_eq!(world.store.last_seq(), before);
    world.clock.set("2026-11-16T11:20:00Z");
    for _ in 0..3 {
        browser.get("/toi").await;
    }
    assert_eq!(world.store.last_seq(), before + 1);
    let kept = world.store.read::<Session>(&key).await.unwrap().unwrap().record;
    assert_eq!(kept.seen_at.unwrap().to_string(), "2026-11-16T11:00:00Z");
    assert!(kept.expires_at < world.clock.now() + SignedDuration::from_hours(12));
}

#[tokio::test]
async fn the_language_a_person_chooses_is_kept_for_the_next_sign_in() {
    let world = World::new().await;
    let own = Browser::of(&world, &world.people.author).await;
    let answer = own.post("/toi/ngon-ngu", &[("lang", "en")]).await;
    assert!(answer.header("set-cookie").starts_with("lang=en"));
    assert_eq!(user(&world, &world.people.author).await.lang, "en");
    let bad = own.post("/toi/ngon-ngu", &[("lang", "xx")]).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_program_changes_password_language_and_sessions_as_the_page_does() {
    let world = World::new().await;
    let cookies = [
        cookie(&signed_in(&world, "", "soan", PASSWORD).await),
        cookie(&signed_in(&world, "", "soan", PASSWORD).await),
    ];
    let [own, other] = cookies.map(|cookie| Browser { world: &world, cookie });
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let put = async |lang: &str| {
        let body = json!({ "lang": lang }).to_string();
        own.raw("PUT", "/api/v1/own/language", &headers, body).await.status()
    };
    assert_eq!(put("en").await, StatusCode::NO_CONTENT);
    assert_eq!(user(&world, &world.people.author).await.lang, "en");
    assert_eq!(put("xx").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.get("/toi").await.status, StatusCode::OK);
    let ended = own.raw("DELETE", "/api/v1/sessions", &headers, String::new()).await;
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    assert_eq!(other.get("/toi").await.status, StatusCode::SEE_OTHER);
    let new = "một mật khẩu của riêng tôi";
    let wrong = own.json("/api/v1/own/password", &json!({ "old": "sai", "new": new })).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = own.json("/api/v1/own/password", &json!({ "old": PASSWORD, "new": new })).await;
    assert_eq!(right.status, StatusCode::NO_CONTENT);
    assert_eq!(signed_in(&world, "", "soan", new).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn only_administrators_are_shown_the_way_to_people() {
    let world = World::new().await;
    for (who, sees) in [(&world.people.admin, true), (&world.people.author, false)] {
        let page = Browser::of(&world, who).await.get("/").await;
        assert_eq!(page.text().contains("href=\"/quan-tri\""), sees);
        assert!(page.text().contains("href=\"/toi\""));
    }
}
