//! The first set-up: only with the code, only while nobody is there, all of it or nothing.

mod support;

use axum::http::StatusCode;
use loa_model::{Actor, Agency, Login, OwnBrand, Role, User};
use loa_store::{Changes, Expect, Store as _, StoreExt as _};
use serde_json::{Value, json};
use support::{
    PASSWORD, SETUP_CODE, World,
    browser::{Answer, Browser},
};

const FORM: [(&str, &str); 9] = [
    ("code", SETUP_CODE),
    ("shown", "1"),
    ("title", "Cổng tin Minh Họa"),
    ("name", " Hoàng Thị Quản "),
    ("login", "quan"),
    ("password", "một câu dài dễ nhớ"),
    ("again", "một câu dài dễ nhớ"),
    ("writes", "1"),
    ("zone", "Asia/Ho_Chi_Minh"),
];

fn with<'a>(changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = |pair: &(&str, &str)| changed.iter().all(|(name, _)| *name != pair.0);
    FORM.into_iter().filter(kept).chain(changed.iter().copied()).collect()
}

fn body() -> Value {
    json!({
        "code": SETUP_CODE,
        "agency": { "title": "Cổng tin Minh Họa" },
        "person": { "name": "Quản", "login": "quan", "password": PASSWORD, "lang": "en" },
    })
}

fn cookie(answer: &Answer) -> String {
    let all = answer.headers.get_all("set-cookie").iter();
    let mut own = all.filter_map(|value| value.to_str().ok()?.split(';').next());
    own.find(|pair| pair.starts_with("__Host-loa=")).expect("a session").to_owned()
}

async fn people(world: &World) -> Vec<User> {
    let all = world.store.all::<User>(10).await.expect("a store in memory");
    all.into_iter().map(|row| row.record).collect()
}

#[tokio::test]
async fn while_nobody_is_there_every_way_leads_to_the_set_up() {
    let world = World::unfounded().await;
    let nobody = Browser::nobody(&world);
    for path in ["/", "/dang-nhap", "/duyet", "/kenh", "/quan-tri", "/bao-cao", "/toi"] {
        let answer = nobody.get(path).await;
        let to = (answer.status, answer.header("location"));
        assert_eq!(to, (StatusCode::SEE_OTHER, "/cai-dat"), "{path}");
    }
    let signs_in = nobody.post("/dang-nhap", &[("login", "admin"), ("password", "admin")]).await;
    assert_eq!(signs_in.header("location"), "/cai-dat");
    let answer = nobody.get("/api/v1/posts").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.value()["detail_en"], "Loa is not set up yet: open /cai-dat");
    assert_eq!(nobody.get("/api/v1/setup").await.value()["needed"], true);
    for path in ["/khoe", "/static/setup.css", "/api/v1/openapi.json"] {
        assert_eq!(nobody.get(path).await.status, StatusCode::OK, "{path}");
    }
    let page = nobody.get("/cai-dat").await;
    assert!(page.text().contains("name=\"code\"") && !page.text().contains("name=\"login\""));
    assert!(!page.text().contains(SETUP_CODE));
}

#[tokio::test]
async fn the_code_opens_the_form_and_the_form_makes_agency_and_administrator_in_one_commit() {
    let world = World::unfounded().await;
    let nobody = Browser::nobody(&world);
    // As the terminal shows it, in groups.
    let grouped = "abcd-2345-efgh-6789-jkmn-pqrs-tvwx";
    let form = nobody.post("/cai-dat/ma", &[("code", grouped)]).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.text());
    assert!(form.text().contains("name=\"login\""), "{}", form.text());
    let before = world.store.last_seq();
    let made = nobody.post("/cai-dat", &FORM).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(world.store.last_seq(), before + 1, "one commit makes all of it");
    let agency = world.store.read::<Agency>("cong-tin-minh-hoa").await.unwrap().unwrap().record;
    // In a kit of its own name: nothing that it posts is signed by the fictional portal.
    let shown = (agency.title.as_str(), agency.brand.as_str());
    assert_eq!(shown, ("Cổng tin Minh Họa", "own/co-quan"));
    let key = OwnBrand::key_of(&agency.name, &agency.brand).unwrap();
    let kit = world.store.read::<OwnBrand>(&key).await.unwrap().unwrap().record;
    assert_eq!(kit.face.title_vi, "Cổng tin Minh Họa");
    assert!(kit.face.logo.is_none());
    assert!(!form.text().contains("<option>demo"), "{}", form.text());
    assert_eq!(agency.zone, "Asia/Ho_Chi_Minh");
    let user = people(&world).await.remove(0);
    assert_eq!((user.name.as_str(), user.agency.as_str()), ("Hoàng Thị Quản", "cong-tin-minh-hoa"));
    assert_eq!(user.roles, [Role::Author, Role::Editor, Role::Admin]);
    assert!(world.store.read::<Login>("quan").await.unwrap().is_some());
    let inside = Browser { world: &world, cookie: cookie(&made) };
    assert_eq!(inside.get("/quan-tri").await.status, StatusCode::OK);
    let again =
        nobody.post("/dang-nhap", &[("login", "quan"), ("password", "một câu dài dễ nhớ")]).await;
    assert_eq!((again.status, again.header("location")), (StatusCode::SEE_OTHER, "/"));
    let past = world.store.past::<User>(&user.id.to_string(), 1).await.unwrap();
    assert_eq!(past[0].entry.changes.actor, Actor::User(user.id));
    assert_eq!(past[0].entry.changes.what, "set up");
    let told = format!("{:?}", past[0].entry.changes);
    assert!(!told.contains(SETUP_CODE) && !told.contains("dễ nhớ"), "{told}");
}

#[tokio::test]
async fn once_somebody_is_there_the_addresses_are_gone_also_with_the_code() {
    let world = World::unfounded().await;
    let nobody = Browser::nobody(&world);
    assert_eq!(nobody.json("/api/v1/setup", &body()).await.status, StatusCode::CREATED);
    for world in [&world, &World::new().await] {
        let nobody = Browser::nobody(world);
        let before = people(world).await;
        for path in ["/cai-dat", "/cai-dat/ma", "/api/v1/setup"] {
            assert_eq!(nobody.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(nobody.post("/cai-dat", &FORM).await.status, StatusCode::NOT_FOUND);
        let code = nobody.post("/cai-dat/ma", &[("code", SETUP_CODE)]).await;
        assert_eq!(code.status, StatusCode::NOT_FOUND);
        for sent in [body(), json!({}), json!(7)] {
            let answer = nobody.json("/api/v1/setup", &sent).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{sent}");
        }
        assert_eq!(people(world).await, before);
    }
}

#[tokio::test]
async fn of_two_who_set_up_at_once_one_does() {
    let world = World::unfounded().await;
    let (one, two) = (Browser::nobody(&world), Browser::nobody(&world));
    let mut second = body();
    second["agency"]["title"] = "Cơ quan khác".into();
    second["person"]["login"] = "khac".into();
    let first = body();
    let (a, b) =
        tokio::join!(one.json("/api/v1/setup", &first), two.json("/api/v1/setup", &second));
    let mut codes = [a.status.as_u16(), b.status.as_u16()];
    codes.sort_unstable();
    assert_eq!(codes, [201, 409], "{} {}", a.text(), b.text());
    assert_eq!(people(&world).await.len(), 1);
    assert_eq!(world.store.all::<Agency>(10).await.unwrap().len(), 1);
    assert_eq!(world.store.all::<Login>(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn codes_are_not_guessed_by_trying() {
    let world = World::unfounded().await;
    let nobody = Browser::nobody(&world);
    for n in 0..10 {
        let (path, answer) = if n % 2 == 0 {
            ("/cai-dat/ma", nobody.post("/cai-dat/ma", &[("code", "sai-sai")]).await)
        } else {
            let mut wrong = body();
            wrong["code"] = format!("sai{n}").into();
            ("/api/v1/setup", nobody.json("/api/v1/setup", &wrong).await)
        };
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{n} {path}");
        assert!(!answer.text().contains("name=\"login\""));
    }
    // The right one does not open either, until it was waited for.
    for answer in [
        nobody.post("/cai-dat/ma", &[("code", SETUP_CODE)]).await,
        nobody.post("/cai-dat", &FORM).await,
        nobody.json("/api/v1/setup", &body()).await,
    ] {
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.text());
    }
    assert!(people(&world).await.is_empty());
    world.clock.set("2026-11-16T09:41:00Z");
    assert_eq!(nobody.post("/cai-dat", &FORM).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn no_other_site_sets_up() {
    let world = World::unfounded().await;
    let nobody = Browser::nobody(&world);
    for headers in [
        [("sec-fetch-site", "cross-site"), ("content-type", "application/x-www-form-urlencoded")],
        [("origin", "https://evil.example"), ("content-type", "application/x-www-form-urlencoded")],
    ] {
        for path in ["/cai-dat", "/cai-dat/ma"] {
            let answer = nobody.send("POST", path, &headers, &FORM).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
        let headers = [headers[0], ("content-type", "application/json")];
        let answer = nobody.raw("POST", "/api/v1/setup", &headers, body().to_string()).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    assert!(people(&world).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_is_said_beside_the_form_which_keeps_what_was_written_but_no_password() {
    let world = World::unfounded().await;
    let nobody = Browser::nobody(&world);
    for (changed, said) in [
        (vec![("password", "ngắn"), ("again", "ngắn")], "12"),
        (vec![("again", "một câu khác hẳn")], "không giống nhau"),
        (
            vec![
                ("password", "quan.tri.vien.1"),
                ("again", "quan.tri.vien.1"),
                ("login", "quan.tri.vien.1"),
            ],
            "trùng tên",
        ),
        (vec![("login", "Quản")], "Tên đăng nhập"),
        (vec![("name", "")], "Họ tên"),
        (vec![("title", "")], "Tên cơ quan"),
        (vec![("title", "한국")], "Tên ngắn"),
        (vec![("short", "../x")], "Tên ngắn"),
        (vec![("zone", "Asia/Ha_Noi")], "Múi giờ"),
        (vec![("brand", "khong-co")], "Bộ nhận diện"),
        (vec![("brand", "demo")], "Bộ nhận diện"),
    ] {
        let answer = nobody.post("/cai-dat", &with(&changed)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{changed:?}");
        let (_, alert) = answer.text().split_once("role=\"alert\">").expect("an alert");
        let alert = alert.split('<').next().expect("its words");
        assert!(alert.contains(said), "{changed:?}: {alert}");
        assert!(answer.text().contains(SETUP_CODE), "the form goes on without the code anew");
    }
    let kept = nobody
        .post("/cai-dat", &with(&[("again", "khác"), ("title", "A<b>"), ("approves", "1")]))
        .await;
    assert!(kept.text().contains("value=\"A&lt;b&gt;\""), "{}", kept.text());
    assert!(kept.text().contains("name=\"approves\" value=\"1\" checked"));
    assert!(!kept.text().contains("một câu dài dễ nhớ"), "no password comes back");
    assert!(people(&world).await.is_empty());
    assert!(world.store.all::<Agency>(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_reads_the_other_language_asks_for_it_without_losing_what_they_wrote() {
    let world = World::unfounded().await;
    let nobody = Browser::nobody(&world);
    let door = nobody.post("/cai-dat/ma", &[("code", ""), ("speak", "en")]).await;
    assert_eq!(door.status, StatusCode::OK);
    assert!(door.text().contains("Set-up code") && !door.text().contains("role=\"alert\""));
    assert!(door.header("set-cookie").starts_with("lang=en;"), "{}", door.header("set-cookie"));
    let form = nobody.post("/cai-dat/ma", &with(&[("speak", "en")])).await;
    assert!(form.text().contains("First administrator"), "{}", form.text());
    assert!(form.text().contains("value=\"Cổng tin Minh Họa\""));
    let english = [("cookie", "lang=en"), ("sec-fetch-site", "same-origin")];
    let made = nobody.send("POST", "/cai-dat", &english, &FORM).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER);
    assert_eq!(people(&world).await[0].lang, "en");
}

#[tokio::test]
async fn an_agency_of_the_settings_is_chosen_and_stays_as_it_is() {
    let world = World::unfounded().await;
    let agency = Agency {
        name: "minh-hoa".into(),
        title: "Cổng Minh Họa".into(),
        brand: "rieng".into(),
        zone: "Asia/Bangkok".into(),
        urgent_alone: false,
    };
    let by = Actor::Operator("settings".into());
    let changes = Changes::by(by, "set agency").put(&agency, Expect::Absent);
    world.store.commit(changes).await.unwrap();
    let nobody = Browser::nobody(&world);
    let form = nobody.post("/cai-dat/ma", &[("code", SETUP_CODE)]).await;
    assert!(
        form.text().contains("<option value=\"minh-hoa\"") && !form.text().contains("id=\"title\"")
    );
    let made = nobody.post("/cai-dat", &with(&[("agency", "minh-hoa"), ("title", "")])).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
    let all = world.store.all::<Agency>(10).await.unwrap();
    assert_eq!((all.len(), &all[0].record), (1, &agency));
    assert_eq!(people(&world).await[0].agency, "minh-hoa");
}
