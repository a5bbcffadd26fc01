//! Reports over several agencies, populations, and every chart and table as a file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use jiff::SignedDuration;
use loa_model::{Account, Clock as _, Membership, PostFormat, Role, User};
use loa_reach::Population;
use loa_store::{Changes, Store as _, StoreExt as _};
use serde_json::Value;
use support::{
    World,
    browser::{Answer, Browser},
    measured::Says,
    records,
};

const DAYS: &str = "from=2026-11-10&to=2026-11-16";

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.text()))
}

/// The text of a page without tags, spaces made one.
fn words(answer: &Answer) -> String {
    let mut out = String::new();
    for part in answer.text().split('<') {
        out.push_str(part.split_once('>').map_or(part, |(_, rest)| rest));
        out.push(' ');
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ").replace("&#x2f;", "/")
}

async fn person(world: &World, roles: &[Role], also: &[Membership]) -> User {
    let person = world.colleague(&world.people.author, roles).await;
    let kept = world.store.read::<User>(&person.id.to_string()).await.unwrap().unwrap();
    let person = User { also: also.to_vec(), ..kept.record };
    let changes = Changes::by(records::by(), "set user").update(&person, kept.version);
    world.store.commit(changes).await.unwrap();
    person
}

async fn send(browser: &Browser<'_>, method: &str, to: &str, body: &str) -> Answer {
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let response = browser.raw(method, to, &headers, body.to_owned()).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1_000_000).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

#[tokio::test]
async fn agencies_stand_side_by_side_for_those_who_analyse_them() {
    let world = World::new().await;
    let at = world.clock.now() - SignedDuration::from_hours(72);
    world.elsewhere(at, Says { views: Some(1000), reach: Some(61), measured: true }).await;
    let other = world.people.stranger.agency.clone();
    let there = |role| vec![Membership { agency: other.clone(), roles: vec![role] }];
    let analyst = person(&world, &[Role::Analyst], &there(Role::Admin)).await;
    let browser = Browser::of(&world, &analyst).await;
    let page = browser.get(&format!("/bao-cao?{DAYS}&by=agency")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("by=agency#h-cut"), "the cut is offered");
    let told = json(&browser.get(&format!("/api/v1/reach/overview?{DAYS}&by=agency")).await);
    let cut = &told["cuts"][0];
    let keys: Vec<_> =
        cut["rows"].as_array().unwrap().iter().map(|row| row["key"].clone()).collect();
    let mut expect = vec![Value::from(analyst.agency.clone()), Value::from(other.clone())];
    expect.sort_by_key(ToString::to_string);
    assert_eq!(keys, expect);
    let reach = |n: usize| cut["rows"][n]["reach"]["at_most"].as_u64().unwrap();
    assert_eq!(cut["total"]["reach"]["at_most"], reach(0) + reach(1));
    assert_eq!(
        cut["total"]["reach"]["at_least"],
        reach(0).max(reach(1)),
        "never below the largest"
    );
    // The page itself is of the agency the person acts for.
    assert!(words(&page).contains("Tiếp cận (lũy kế) 2.870 "), "{}", words(&page));
    let csv =
        browser.get(&format!("/api/v1/reach/files/lan-toa.csv?{DAYS}&by=agency,channel")).await;
    let text = csv.text();
    let lines = |cut: &str| -> Vec<&str> {
        text.lines().filter(|line| line.starts_with(&format!("{cut},"))).collect()
    };
    for agency in [&analyst.agency, &other] {
        let own = |line: &&str| line.trim_end().ends_with(&format!(",{agency}"));
        assert!(lines("Cơ quan").iter().any(own), "{agency}: {text}");
    }
    let whose = |line: &&str| line.split(',').nth(1).map(str::to_owned);
    let whose: std::collections::BTreeSet<_> = lines("Kênh").iter().filter_map(whose).collect();
    assert_eq!(whose.len(), 2, "{text}");
    // The files that a page offers hold what it shows: other agencies only where it shows them.
    assert!(!page.text().contains("by=channel,account"), "only the table of agencies");
    let own = browser.get(&format!("/bao-cao?{DAYS}&by=format")).await;
    let offered = own.text().replace("&amp;", "&");
    assert!(offered.contains("by=format\">CSV"), "{offered}");
    for file in ["lan-toa.csv", "lan-toa.xlsx", "lan-toa.parquet", "lan-toa.pdf"] {
        let link = offered.split(file).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert!(!link.contains("agency"), "{file}{link}");
    }
    // An author there reads their own agency only; nobody gives several to the outside.
    let author = person(&world, &[Role::Analyst, Role::Editor], &there(Role::Author)).await;
    let author = Browser::of(&world, &author).await;
    let told = json(&author.get(&format!("/api/v1/reach/overview?{DAYS}&by=agency")).await);
    assert_eq!(told["cuts"][0]["rows"].as_array().unwrap().len(), 1);
    assert!(!author.get(&format!("/bao-cao?{DAYS}")).await.text().contains("by=agency"));
    let body = r#"{"from":"2026-11-10","to":"2026-11-16","by":["agency"]}"#;
    let refused = send(&browser, "POST", "/api/v1/reach/shares", body).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_population_is_stated_with_its_source_and_bounds_reach() {
    let world = World::new().await;
    let at = world.clock.now() - SignedDuration::from_hours(72);
    let says = Says { views: Some(1000), reach: Some(61), measured: true };
    world.live_post("facebook:cong-tin", PostFormat::Photo, at, says, None).await;
    let analyst = person(&world, &[Role::Analyst], &[]).await;
    let browser = Browser::of(&world, &analyst).await;
    let reach = || async { words(&browser.get(&format!("/bao-cao?{DAYS}")).await) };
    assert!(reach().await.contains("Tiếp cận (lũy kế) 2.870 – 3.327"));
    assert!(reach().await.contains("Chưa ai ghi dân số"));
    let form = [
        ("account", ""),
        ("people", "3.000"),
        ("as_of", "2026-11-01"),
        ("source", "Tổng điều tra <b>"),
    ];
    let done = browser.post("/bao-cao/dan-so", &form).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/bao-cao/dan-so"));
    let text = reach().await;
    assert!(
        text.contains("Tiếp cận (lũy kế) 2.870 – 3.000") && text.contains("không quá dân số"),
        "{text}"
    );
    assert!(text.contains("tính đến ngày 01/11/2026"), "{text}");
    let page = browser.get("/bao-cao/dan-so").await;
    assert!(page.text().contains("Tổng điều tra &lt;b&gt;"), "{}", page.text());
    // What is wrong is said beside the form, with what was typed.
    for (field, value) in [
        ("people", "nhiều"),
        ("people", "0"),
        ("as_of", "2026-11-17"),
        ("as_of", "hôm qua"),
        ("source", "  "),
    ] {
        let form = form.map(|(name, old)| (name, if name == field { value } else { old }));
        let refused = browser.post("/bao-cao/dan-so", &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}");
        assert!(
            refused.text().contains("role=\"alert\"") && refused.text().contains("2026-11-1"),
            "{field}"
        );
    }
    let strange =
        form.map(|(name, old)| (name, if name == "account" { "facebook:khong-co" } else { old }));
    assert_eq!(browser.post("/bao-cao/dan-so", &strange).await.status, StatusCode::NOT_FOUND);
    // A machine does the same, for an account.
    let account = world.store.all::<Account>(10).await.unwrap()[0].record.name.to_string();
    let body =
        format!(r#"{{"account":"{account}","people":5,"as_of":"2026-11-02","source":"kênh"}}"#);
    let made = send(&browser, "POST", "/api/v1/reach/populations", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let all = json(&browser.get("/api/v1/reach/populations").await);
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    for body in [
        "{",
        "{}",
        r#"{"people":1,"as_of":"2026-11-02","source":"x","by":1}"#,
        r#"{"people":-1,"as_of":"2026-11-02","source":"x"}"#,
    ] {
        let refused = send(&browser, "POST", "/api/v1/reach/populations", body).await;
        assert!(refused.status.is_client_error(), "{body}: {}", refused.status);
        assert_eq!(refused.header("content-type"), "application/problem+json", "{body}");
    }
    // Another agency neither sees nor drops it; an author states none.
    let stranger = Browser::of(&world, &world.people.stranger).await;
    assert_eq!(
        json(&stranger.get("/api/v1/reach/populations").await)["items"],
        Value::Array(vec![])
    );
    let author = Browser::of(&world, &world.people.author).await;
    assert_eq!(author.post("/bao-cao/dan-so", &form).await.status, StatusCode::FORBIDDEN);
    assert!(
        !author
            .get("/bao-cao/dan-so")
            .await
            .text()
            .contains("<form method=\"post\" action=\"/bao-cao")
    );
    let one = "/api/v1/reach/populations?as_of=2026-11-01";
    assert_eq!(send(&browser, "DELETE", one, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(send(&browser, "DELETE", one, "").await.status, StatusCode::NOT_FOUND);
    let gone =
        browser.post("/bao-cao/dan-so/bo", &[("account", &account), ("as_of", "2026-11-02")]).await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    assert!(world.store.all::<Population>(9).await.unwrap().is_empty());
    assert!(reach().await.contains("Tiếp cận (lũy kế) 2.870 – 3.327"));
}

/// What each page of reports shows, and the files it is taken home as.
const SHOWN: [(&str, &str, &[&str]); 5] = [
    (
        "/bao-cao?range=90d",
        "/api/v1/reach/files/",
        &[
            "lan-toa.csv",
            "lan-toa.xlsx",
            "lan-toa.parquet",
            "lan-toa.pdf",
            "luot-xem.svg",
            "luot-xem.png",
        ],
    ),
    (
        "/bao-cao/bai-dang?range=90d",
        "/api/v1/reach/files/",
        &["bai-dang.csv", "bai-dang.xlsx", "bai-dang.parquet"],
    ),
    (
        "/bao-cao/khung-gio?range=90d",
        "/api/v1/reach/files/",
        &["khung-gio.csv", "khung-gio.xlsx", "khung-gio.parquet", "khung-gio.svg", "khung-gio.png"],
    ),
    (
        "/bao-cao/van-hanh?range=90d",
        "/api/v1/reach/files/",
        &["van-hanh.csv", "van-hanh.xlsx", "van-hanh.parquet"],
    ),
    (
        "/bao-cao/bai-viet/ARTICLE",
        "/api/v1/reach/articles/ARTICLE/",
        &["chart.svg", "chart.png", "luot-xem.csv", "luot-xem.xlsx", "luot-xem.parquet"],
    ),
];

/// How a file of an ending begins, and its media type.
fn begins(file: &str) -> (&'static [u8], &'static str) {
    match file.rsplit('.').next().unwrap() {
        "csv" => (b"\xef\xbb\xbf", "text/csv; charset=utf-8"),
        "xlsx" => {
            (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        }
        "parquet" => (b"PAR1", "application/vnd.apache.parquet"),
        "pdf" => (b"%PDF-", "application/pdf"),
        "svg" => (b"<svg xmlns=", "image/svg+xml"),
        "png" => ("\u{89}PNG".as_bytes(), "image/png"),
        other => panic!("no such ending: {other}"),
    }
}

#[tokio::test]
async fn every_chart_and_every_table_of_every_page_is_a_file_too() {
    let world = World::new().await;
    world.two_months().await;
    let author = Browser::of(&world, &world.people.author).await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let article = world.article.id.to_string();
    for (page, base, files) in SHOWN {
        let page = page.replace("ARTICLE", &article);
        let base = base.replace("ARTICLE", &article);
        let shown = author.get(&page).await.text().replace("&#x2f;", "/");
        for kind in ["csv", "xlsx", "parquet"] {
            assert!(files.iter().any(|file| file.ends_with(kind)), "{page}: a table as {kind}");
        }
        let charts = |kind: &str| files.iter().filter(|file| file.ends_with(kind)).count();
        assert_eq!(charts(".svg"), charts(".png"), "{page}: what is drawn is there as PNG");
        assert!(charts(".svg") > 0 || !shown.contains("<svg"), "{page}: its chart is a file");
        for file in files {
            assert!(shown.contains(&format!("{base}{file}")), "{page} links {file}");
            let answer = author.get(&format!("{base}{file}?range=90d&by=channel")).await;
            assert_eq!(answer.status, StatusCode::OK, "{file}");
            let (first, kind) = begins(file);
            assert!(answer.body.starts_with(first), "{file}");
            assert_eq!(answer.header("content-type"), kind, "{file}");
            assert!(answer.header("content-disposition").starts_with("attachment; "), "{file}");
        }
        if base.contains("articles") {
            let strange = stranger.get(&format!("{base}luot-xem.csv")).await;
            assert_eq!(strange.status, StatusCode::NOT_FOUND);
        }
    }
    assert_eq!(
        author.get(&format!("/api/v1/reach/articles/{article}/khac.csv")).await.status,
        StatusCode::NOT_FOUND
    );
    // Nothing to draw is no empty picture.
    let early = "from=2026-01-01&to=2026-01-02";
    for file in ["luot-xem.png", "khung-gio.png", "khung-gio.svg"] {
        let answer = author.get(&format!("/api/v1/reach/files/{file}?{early}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{file}");
    }
    let csv = author.get("/api/v1/reach/files/bai-dang.csv?range=90d").await;
    assert!(
        csv.text().contains("\r\nChưa rõ có ai xem,") && csv.text().contains("\r\nKhông ai xem,"),
        "{}",
        csv.text()
    );
}

#[tokio::test]
async fn long_tables_list_the_newest_rows_and_files_list_all() {
    let world = World::new().await;
    let at = world.clock.now() - SignedDuration::from_hours(60);
    let says = Says { views: Some(10), reach: None, measured: true };
    for _ in 0..205 {
        world.live_post("facebook:cong-tin", PostFormat::Text, at, says, None).await;
    }
    let author = Browser::of(&world, &world.people.author).await;
    let page = author.get(&format!("/bao-cao?{DAYS}&by=post")).await;
    let rows = page.text().matches("<tr><th scope=\"row\"").count()
        + page.text().matches("<tr>\n<th scope=\"row\"").count();
    assert!((200..230).contains(&rows), "{rows}");
    assert!(words(&page).contains("số dòng không liệt kê: 6"), "{}", words(&page));
    let csv = author.get(&format!("/api/v1/reach/files/lan-toa.csv?{DAYS}&by=post")).await;
    assert!(csv.text().matches("\r\n").count() > 206, "every row is in the file");
}

#[tokio::test]
async fn what_is_written_is_in_the_next_report() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let path = format!("/api/v1/reach/overview?{DAYS}");
    let before = json(&author.get(&path).await);
    assert_eq!(before, json(&author.get(&path).await));
    let at = world.clock.now() - SignedDuration::from_hours(60);
    let says = Says { views: Some(1000), reach: None, measured: true };
    // An account that nobody keeps a record of: its posts count like others.
    world.live_post("facebook:da-xoa", PostFormat::Text, at, says, None).await;
    let after = json(&author.get(&path).await);
    let posts = |told: &Value| told["period"]["total"]["posts"].as_u64().unwrap();
    assert_eq!(posts(&after), posts(&before) + 1);
}
