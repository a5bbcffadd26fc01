//! The calendar as files: out without a formula, and back in without a surprise.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use jiff::Timestamp;
use loa_model::Post;
use loa_store::{Changes, Store as _, StoreExt as _};
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser},
    records,
};

const NOVEMBER: &str = "from=2026-10-31T17:00:00Z&to=2026-11-30T17:00:00Z";

async fn kept(world: &World, post: &Post) -> Post {
    world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap().record
}

#[tokio::test]
async fn a_file_holds_what_is_filtered_and_no_formula() {
    let world = World::new().await;
    let mut article = world.article.clone();
    article.id = world.ids.make();
    article.blocks[0].text = "=HYPERLINK(\"http://evil.example\";\"Bấm\")".into();
    let mut post = world.posts.draft.clone();
    (post.id, post.article) = (world.ids.make(), article.id);
    post.content.link.code = world.ids.token(8);
    let changes = Changes::by(records::by(), "add").insert(&article).insert(&post);
    world.store.commit(changes).await.unwrap();
    let browser = Browser::of(&world, &world.people.author).await;
    let path = |format: &str, more: &str| {
        format!("/api/v1/calendar/export?format={format}&{NOVEMBER}{more}")
    };
    let csv = browser.get(&path("csv", "&channel=zalo")).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.header("content-disposition").contains("lich-dang-2026-11-01_2026-11-30.csv"));
    let text = csv.text();
    assert!(text.starts_with("\u{feff}Giờ đăng,Kênh,"), "{text}");
    assert_eq!(text.matches("\r\n").count(), 3, "a head and two posts of Zalo: {text}");
    assert!(text.contains(",\"'=HYPERLINK(\"\"http://evil.example\"\";\"\"Bấm\"\")\","), "{text}");
    assert!(text.contains("2026-11-16 09:00,"), "in the time of the newsroom: {text}");
    let xlsx = browser.get(&path("xlsx", "")).await;
    assert!(xlsx.body.starts_with(b"PK"), "a workbook");
    assert!(xlsx.header("content-type").contains("spreadsheetml"));
    let answer = browser.get(&path("pdf", "")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let theirs = stranger.get(&path("csv", "")).await;
    assert_eq!(theirs.text().matches("\r\n").count(), 1, "another agency");
}

/// A form with these fields, as browsers send files.
async fn send(browser: &Browser<'_>, fields: &[(&str, &str)]) -> Answer {
    let field = |(name, text): &(&str, &str)| {
        format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let body: String = fields.iter().map(field).collect::<String>() + "--x--\r\n";
    let headers =
        [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=x")];
    let response = browser.raw("POST", "/lich/nhap", &headers, body).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1_000_000).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

#[tokio::test]
async fn a_file_that_comes_back_is_tried_before_it_moves_anything() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let (draft, live) = (&world.posts.draft, &world.posts.published);
    let path = format!("/api/v1/calendar/export?format=csv&{NOVEMBER}");
    let saved = browser.get(&path).await.text().to_owned();
    // As it was saved nothing would change.
    let page = send(&browser, &[("text", &saved)]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    assert_eq!(page.text().matches("giữ nguyên</span>").count(), 6, "{}", page.text());
    // The draft goes to another day, the live one cannot, one id is none, one is another agency's.
    let changed: String = saved
        .lines()
        .map(|line| {
            let moved = [draft, live].iter().any(|post| line.ends_with(&post.id.to_string()));
            let now =
                if moved { line.replace("2026-11-16", "2026-11-20") } else { line.to_owned() };
            now + "\r\n"
        })
        .collect::<String>()
        + "=1+1,,,,,,,,,,x\r\n07:30 20/11/2026,,,,,,,,,,00000000-0000-7000-8000-00000000abcd\r\n";
    let tried = send(&browser, &[("file", &changed)]).await;
    for said in [
        "1 bài sẽ đổi giờ · 3 dòng có lỗi",
        "Đã lên kênh, giờ đăng không đổi được.",
        "Không phải mã bài đăng",
        "Không tìm thấy",
    ] {
        assert!(tried.text().contains(said), "{said}: {}", tried.text());
    }
    assert_eq!(kept(&world, draft).await, *draft, "it was a trial");
    let sure = [("text", changed.as_str()), ("id", "10"), ("at", "0"), ("sure", "1")];
    let made = send(&browser, &sure).await;
    assert!(made.text().contains("1 bài đã đổi giờ · 3 dòng"), "{}", made.text());
    let at: Timestamp = "2026-11-20T02:00:00Z".parse().unwrap();
    assert_eq!(kept(&world, draft).await.scheduled_at, at);
    assert_eq!(kept(&world, live).await, *live);
    // Columns of other names are chosen; without a choice nothing is guessed.
    let other = format!("bài;khi nào\n{};21/11/2026 08:00\n", draft.id);
    assert!(send(&browser, &[("text", &other)]).await.text().contains("Hãy chọn cột"));
    let chosen = send(&browser, &[("text", &other), ("id", "0"), ("at", "1")]).await;
    assert!(chosen.text().contains("1 bài sẽ đổi giờ"), "{}", chosen.text());
    assert!(send(&browser, &[("text", "một dòng")]).await.text().contains("Bảng cần"));
}

#[tokio::test]
async fn a_machine_moves_many_each_for_itself() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let ask = async |body: Value| {
        let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
        let response =
            browser.raw("POST", "/api/v1/calendar/import", &headers, body.to_string()).await;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1_000_000).await.unwrap();
        (status, serde_json::from_slice::<Value>(&body).unwrap())
    };
    let (draft, live) = (&world.posts.draft, &world.posts.published);
    let row = |post: &Post, at: &str| json!({ "id": post.id, "at": at });
    let rows = [row(draft, "2026-11-18T02:00:00Z"), row(live, "2026-11-18 09:00"), row(draft, "x")];
    let (status, tried) = ask(json!({ "rows": rows, "dry_run": true })).await;
    assert_eq!(status, StatusCode::OK, "{tried}");
    let outcomes = |told: &Value| {
        let rows = told["rows"].as_array().unwrap().iter();
        rows.map(|row| row["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(&tried), ["move", "refused", "refused"]);
    assert_eq!(kept(&world, draft).await, *draft);
    let (_, made) = ask(json!({ "rows": rows, "dry_run": false })).await;
    assert_eq!(
        (outcomes(&made)[0].as_str(), &made["moved"], &made["refused"]),
        ("moved", &json!(1), &json!(2))
    );
    assert_ne!(kept(&world, draft).await, *draft);
    let many = vec![row(draft, "now"); 501];
    assert_eq!(
        ask(json!({ "rows": many, "dry_run": true })).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(ask(json!({ "rows": [] })).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}
