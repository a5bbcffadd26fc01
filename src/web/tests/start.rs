//! The first steps: from an empty installation to the first live post, each read from what is there.

mod support;

use axum::http::StatusCode;
use loa_model::{Account, AccountStatus, Actor, Agency, OwnBrand, Post, PostState, Role};
use loa_store::{Changes, Expect, Store as _, StoreExt as _};
use serde_json::{Value, json};
use support::{Pictures, World, browser::Browser, records};

async fn steps(browser: &Browser<'_>) -> Value {
    browser.get("/api/v1/start").await.value()
}

/// Key of the next step, whether the caller may, and where.
fn next(told: &Value) -> (String, bool, String) {
    let steps = told["steps"].as_array().expect("steps");
    let next: Vec<_> = steps.iter().filter(|step| step["next"] == true).collect();
    assert_eq!(next.len(), 1, "{told}");
    let text = |name: &str| next[0][name].as_str().expect("a word").to_owned();
    (text("key"), next[0]["may"] == true, text("link"))
}

/// A page with the slashes of its addresses as they are read.
async fn page(browser: &Browser<'_>, path: &str) -> String {
    browser.get(path).await.text().replace("&#x2f;", "/")
}

fn by() -> Actor {
    Actor::Operator("test".into())
}

async fn put(world: &World, post: &Post) {
    let row = world.store.read::<Post>(&post.id.to_string()).await.expect("a store in memory");
    let changes = Changes::by(by(), "edit post");
    let changes = match row {
        Some(row) => changes.update(post, row.version),
        None => changes.insert(post),
    };
    world.store.commit(changes).await.expect("nobody else writes");
}

#[tokio::test]
async fn an_empty_installation_leads_to_its_first_post() {
    let world = World::with(Pictures::smallest(), false).await;
    // The sample people are an author, an approver and an administrator: the second step is done from the start.
    let admin = Browser::of(&world, &world.people.admin).await;
    let author = Browser::of(&world, &world.people.author).await;
    let approver = Browser::of(&world, &world.people.approver).await;
    assert_eq!(next(&steps(&admin).await), ("account".into(), true, "/kenh/them".into()));
    assert_eq!(next(&steps(&author).await), ("account".into(), false, "/kenh/them".into()));
    let told = page(&admin, "/").await;
    assert!(told.contains("id=\"h-start\"") && told.contains("href=\"/kenh/them\""), "{told}");
    let told = page(&author, "/").await;
    assert!(told.contains("hãy nhờ quản trị viên") && !told.contains("href=\"/kenh/them\""));

    let account = Account {
        name: "facebook:cong-tin".parse().unwrap(),
        agency: "demo".into(),
        title: "Cổng Minh Họa".into(),
        remote_id: "1".into(),
        settings: std::collections::BTreeMap::new(),
        status: AccountStatus::Active,
    };
    let why = AccountStatus::NeedsReauth {
        reason: "sai mã".into(),
        since: "2026-11-16T00:00:00Z".parse().unwrap(),
        first: true,
    };
    let broken = Account { status: why, ..account.clone() };
    world.store.commit(Changes::by(by(), "add account").insert(&broken)).await.unwrap();
    let mend = ("account".into(), true, "/kenh/facebook:cong-tin".into());
    assert_eq!(next(&steps(&admin).await), mend, "what does not work yet is no step done");
    let row = world.store.read::<Account>("facebook:cong-tin").await.unwrap().unwrap();
    let works = Changes::by(by(), "resume account").update(&account, row.version);
    world.store.commit(works).await.unwrap();
    assert_eq!(next(&steps(&author).await), ("article".into(), true, "/#source".into()));
    assert!(author.get("/").await.text().contains("id=\"source\""), "the link leads to a field");

    world.store.commit(Changes::by(by(), "ingest article").insert(&world.article)).await.unwrap();
    let at = format!("/bai-viet/{}", world.article.id);
    assert_eq!(next(&steps(&author).await), ("compose".into(), true, at));
    assert!(!next(&steps(&admin).await).1, "an administrator writes nothing by being one");

    let mut post = world.posts.waiting.clone();
    post.state = PostState::Draft;
    put(&world, &post).await;
    let own = format!("/bai-dang/{}", post.id);
    assert_eq!(next(&steps(&author).await), ("submit".into(), true, own.clone()));

    post.state = PostState::InReview;
    put(&world, &post).await;
    assert_eq!(next(&steps(&author).await), ("approve".into(), false, "/duyet".into()));
    assert_eq!(next(&steps(&approver).await), ("approve".into(), true, "/duyet".into()));
    let mut mine = post.clone();
    mine.author = world.people.approver.id;
    put(&world, &mine).await;
    let told = steps(&approver).await;
    assert!(!next(&told).1, "nobody approves their own");
    assert!(approver.get("/").await.text().contains("do bạn soạn"));
    put(&world, &post).await;

    let signed =
        records::approved(Post { state: PostState::Approved, ..post }, &world.people.approver);
    put(&world, &signed).await;
    assert_eq!(next(&steps(&author).await), ("live".into(), true, own));
    assert!(author.get("/").await.text().contains("id=\"h-start\""));

    let live = records::delivery(&world.ids, &signed, loa_model::DeliveryState::Published);
    world.store.commit(Changes::by(by(), "delivery published").insert(&live)).await.unwrap();
    let told = steps(&author).await;
    assert_eq!(
        (&told["live"], &told["done"], &told["total"]),
        (&json!(true), &json!(8), &json!(8))
    );
    for browser in [&author, &approver, &admin] {
        let page = browser.get("/").await;
        assert!(!page.text().contains("id=\"h-start\""));
        // They do not vanish without a word.
        let link = format!("{}\"", live.post);
        assert!(page.text().contains("id=\"first-live\"") && page.text().contains(&link));
    }
    author.post("/bat-dau/an", &[("hidden", "true")]).await;
    for (browser, shown) in [(&author, false), (&approver, true)] {
        let page = browser.get("/").await;
        assert_eq!(page.text().contains("id=\"first-live\""), shown);
    }
    assert_eq!(author.get("/bat-dau").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_agency_is_led_to_the_name_and_logo_of_its_pictures_until_somebody_has_seen_them() {
    let world = World::with(Pictures::smallest(), false).await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let step = async || {
        let told = steps(&admin).await;
        told["steps"]
            .as_array()
            .unwrap()
            .iter()
            .find(|step| step["key"] == "brand")
            .unwrap()
            .clone()
    };
    let draws_in = async |brand: String| {
        let agency = Agency {
            name: "demo".into(),
            title: "Cổng Mới".into(),
            brand,
            zone: "Asia/Ho_Chi_Minh".into(),
            urgent_alone: false,
        };
        world
            .store
            .commit(Changes::by(by(), "change agency").put(&agency, Expect::Any))
            .await
            .unwrap();
    };
    let at = "2026-11-16T00:00:00Z".parse().unwrap();
    let plain = OwnBrand::plain("demo", "Cổng Mới", by(), at).unwrap();
    draws_in(plain.id()).await;
    world.store.commit(Changes::by(by(), "add brand kit").insert(&plain)).await.unwrap();
    let told = step().await;
    assert_eq!((&told["done"], &told["foreign"]), (&json!(false), &json!(false)));
    assert_eq!(told["link"], "/quan-tri/nhan-dien/bo?ten=co-quan");
    assert!(page(&admin, "/").await.contains("chưa có biểu trưng"));
    let changed = OwnBrand { version: 2, ..plain.clone() };
    world
        .store
        .commit(Changes::by(by(), "change brand kit").put(&changed, Expect::Any))
        .await
        .unwrap();
    assert_eq!(step().await["done"], true);
    // The sample's own agency draws in the sample; any other one is told that it must not.
    draws_in("demo".into()).await;
    assert_eq!(step().await["done"], true);
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let khac = Agency {
        name: "khac".into(),
        title: "Cổng khác".into(),
        brand: "demo".into(),
        zone: "Asia/Ho_Chi_Minh".into(),
        urgent_alone: false,
    };
    world.store.commit(Changes::by(by(), "set agency").insert(&khac)).await.unwrap();
    assert!(page(&stranger, "/").await.contains("tên một cổng hư cấu"));
}

#[tokio::test]
async fn a_second_person_is_somebody_else_who_may_sign_in() {
    let world = World::with(Pictures::smallest(), false).await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let second = async || {
        let told = steps(&stranger).await;
        told["steps"][1]["done"] == true
    };
    assert!(!second().await, "one person with every role is one person");
    let colleague = world.colleague(&world.people.stranger, &[Role::Analyst]).await;
    assert!(!second().await, "who only reads reports approves nothing");
    let mut approves = world.colleague(&colleague, &[Role::Approver]).await;
    assert!(second().await);
    let row = world.store.read::<loa_model::User>(&approves.id.to_string()).await;
    let version = row.unwrap().unwrap().version;
    approves.deactivated_at = Some("2026-11-16T00:00:00Z".parse().unwrap());
    let changes = Changes::by(by(), "deactivate person").update(&approves, version);
    world.store.commit(changes).await.unwrap();
    assert!(!second().await);
}

#[tokio::test]
async fn whoever_hides_the_steps_hides_them_from_themselves() {
    let world = World::with(Pictures::smallest(), false).await;
    let author = Browser::of(&world, &world.people.author).await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let done = author.post("/bat-dau/an", &[("hidden", "true")]).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/"));
    assert!(!author.get("/").await.text().contains("id=\"h-start\""));
    assert!(author.get("/bat-dau").await.text().contains("id=\"h-start\""));
    assert!(admin.get("/").await.text().contains("id=\"h-start\""));
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let shown =
        author.raw("PUT", "/api/v1/start/hidden", &headers, "{\"hidden\":false}".to_owned()).await;
    assert_eq!(shown.status(), StatusCode::NO_CONTENT);
    assert!(author.get("/").await.text().contains("id=\"h-start\""));
}

#[tokio::test]
async fn another_agency_s_posts_are_no_steps_of_ours() {
    let world = World::new().await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let told = steps(&stranger).await;
    let mut own = told["steps"].as_array().unwrap().iter().filter(|step| step["key"] != "brand");
    assert!(own.all(|step| step["done"] == false), "{told}");
    assert_eq!(told["live"], false);
    let author = Browser::of(&world, &world.people.author).await;
    assert_eq!(steps(&author).await["live"], true);
    assert!(!author.get("/").await.text().contains("id=\"h-start\""));
}

#[tokio::test]
async fn every_page_that_is_empty_says_the_next_step() {
    let world = World::with(Pictures::smallest(), false).await;
    let author = Browser::of(&world, &world.people.author).await;
    for path in ["/duyet", "/bai-dang", "/can-xu-ly", "/lich?xem=danh-sach", "/bao-cao"] {
        let page = author.get(path).await;
        let (_, empty) = page.text().split_once("card empty").expect(path);
        let (empty, _) = empty.split_once("</section>").expect(path);
        assert!(empty.contains("<a class=\"button\" href=\"/"), "{path}: {empty}");
    }
    let admin = Browser::of(&world, &world.people.admin).await;
    let page = admin.get("/").await;
    let (_, empty) = page.text().split_once("card empty").expect("no articles");
    assert!(empty.contains("người soạn"), "whoever cannot paste is not told to");
}
