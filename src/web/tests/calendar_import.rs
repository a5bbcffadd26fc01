//! Posts from a table: what names an article and an account is made once, at its time; what cannot be is told row by row.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use jiff::{Timestamp, civil::DateTime};
use loa_model::{Article, JobKind, JobState, Post, PostState, Record as _, Role, When};
use loa_store::{Changes, JobEnd, Store as _, StoreExt as _};
use rust_xlsxwriter::{Format, Formula, Workbook};
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser},
    records,
};

const NEW: &str = "https://minhhoa.example/bai-moi.htm";

/// A form with a file and fields, as browsers send them.
async fn hand_in(browser: &Browser<'_>, file: &[u8], fields: &[(&str, &str)]) -> Answer {
    let mut body = Vec::new();
    for (name, text) in fields {
        let part =
            format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        body.extend(part.into_bytes());
    }
    body.extend(
        b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"lich.xlsx\"\r\n\r\n",
    );
    body.extend(file);
    body.extend(b"\r\n--x--\r\n");
    let headers =
        [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=x")];
    let response = browser.raw("POST", "/lich/nhap", &headers, body).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 10_000_000).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// Another article of the agency, without posts.
async fn another(world: &World) -> Article {
    let mut article = Article { id: world.ids.make(), ..world.article.clone() };
    "https://minhhoa.example/bai-khac.htm".clone_into(&mut article.source.canonical_url);
    world.store.commit(Changes::by(records::by(), "add").insert(&article)).await.unwrap();
    article
}

async fn ask(browser: &Browser<'_>, rows: &[Value], dry: bool) -> Value {
    let answer =
        browser.json("/api/v1/calendar/import", &json!({ "rows": rows, "dry_run": dry })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.value()
}

fn outcomes(told: &Value) -> Vec<String> {
    let rows = told["rows"].as_array().unwrap().iter();
    rows.map(|row| row["outcome"].as_str().unwrap().to_owned()).collect()
}

/// Jobs that make posts, those that read first before the others.
async fn making(world: &World) -> Vec<JobKind> {
    let mut jobs = world.store.jobs(None, 9999).await.unwrap();
    // Ids of one moment have no order.
    jobs.sort_by_key(|view| std::cmp::Reverse(view.job.work.name()));
    let makes = |work: &JobKind| matches!(work, JobKind::Compose { .. } | JobKind::Prepare { .. });
    jobs.into_iter().map(|view| view.job.work).filter(makes).collect()
}

fn at(text: &str) -> When {
    let at: Timestamp = text.parse().unwrap();
    let zone = jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    When::At { at, wall: zone.to_datetime(at) }
}

#[tokio::test]
async fn a_row_makes_a_post_once_whether_its_article_is_here_or_not() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let before = making(&world).await.len();
    let (article, other) = (another(&world).await, "youtube:cong-tin");
    let rows = [
        json!({ "at": "2026-11-20 07:30", "article": format!("{NEW}?utm_source=x"), "account": "facebook:cong-tin", "text": " Lời riêng " }),
        json!({ "at": "08:00 20/11/2026", "article": article.id, "account": other }),
        // The same again, written otherwise.
        json!({ "at": "2026-11-20T00:30:00Z", "article": format!("{NEW}#top"), "account": "facebook:cong-tin" }),
        json!({ "at": "46346.3125", "article": NEW.replace("https://", "http://www."), "account": "facebook:cong-tin" }),
        // Another time for the same.
        json!({ "at": "2026-11-21 07:30", "article": NEW, "account": "facebook:cong-tin" }),
    ];
    let tried = ask(&browser, &rows, true).await;
    assert_eq!(outcomes(&tried), ["make", "make", "same", "same", "refused"], "{tried}");
    assert_eq!((&tried["made"], &tried["refused"]), (&json!(2), &json!(1)));
    assert!(tried["rows"][4]["detail_vi"].as_str().unwrap().contains("Dòng 1"), "{tried}");
    assert_eq!(tried["rows"][1]["what"], article.title());
    assert_eq!(making(&world).await.len(), before, "it was a trial");
    let made = ask(&browser, &rows, false).await;
    assert_eq!(outcomes(&made), ["made", "made", "same", "same", "refused"], "{made}");
    let expect = [
        JobKind::Prepare {
            source: NEW.to_owned(),
            agency: "demo".into(),
            accounts: vec!["facebook:cong-tin".parse().unwrap()],
            author: world.people.author.id,
            when: at("2026-11-20T00:30:00Z"),
            text: Some("Lời riêng".into()),
        },
        JobKind::Compose {
            article: article.id,
            revision: article.revision,
            accounts: vec![other.parse().unwrap()],
            author: world.people.author.id,
            when: at("2026-11-20T01:00:00Z"),
            text: None,
        },
    ];
    assert_eq!(making(&world).await[before..], expect);
    // The same file again, by whomever.
    let colleague = world.colleague(&world.people.author, &[Role::Editor]).await;
    let colleague = Browser::of(&world, &colleague).await;
    let again = ask(&colleague, &rows, false).await;
    assert_eq!(outcomes(&again), ["same", "same", "same", "same", "refused"], "{again}");
    assert_eq!(making(&world).await.len(), before + 2);
    // Corrected before the post is there: told, and nothing is made beside.
    let later =
        [json!({ "at": "2026-11-20 09:00", "article": NEW, "account": "facebook:cong-tin" })];
    let told = ask(&browser, &later, false).await;
    assert_eq!(outcomes(&told), ["refused"]);
    assert!(told["rows"][0]["detail_vi"].as_str().unwrap().contains("07:30 20/11/2026"), "{told}");
    let english = told["rows"][0]["detail_en"].as_str().unwrap();
    assert!(english.contains("07:30, 20 Nov 2026"), "{told}");
}

#[tokio::test]
async fn what_failed_or_was_thrown_away_can_be_imported_again() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let row = [json!({ "at": "2026-11-20 07:30", "article": NEW, "account": "facebook:cong-tin" })];
    assert_eq!(outcomes(&ask(&browser, &row, false).await), ["made"]);
    let lease = std::time::Duration::from_mins(5);
    let claimed = world.store.claim(&["prepare"], "w", 9, lease).await.unwrap().remove(0);
    assert_eq!(outcomes(&ask(&browser, &row, false).await), ["same"], "it is being read");
    let reason = "the portal answered 404".to_owned();
    world.store.finish(&claimed, JobEnd::Discard { reason }).await.unwrap();
    assert_eq!(outcomes(&ask(&browser, &row, false).await), ["made"]);
    // A post that is there is told with its id; thrown away, it may be made anew.
    let account = "viber:cong-tin";
    let row = |time: &str| [json!({ "at": time, "article": world.article.id, "account": account })];
    let mut post = world.posts.draft.clone();
    (post.id, post.account) = (world.ids.make(), account.parse().unwrap());
    post.scheduled_at = "2026-11-20T00:30:00Z".parse().unwrap();
    post.content.link.code = world.ids.token(8);
    // What the newsroom has there already is out of the way.
    for kept in world
        .store
        .list::<Post>("post_by_article", &world.article.id.to_string(), 99)
        .await
        .unwrap()
    {
        if kept.record.account == post.account {
            let void = Post { state: PostState::Void, ..kept.record };
            let changes = Changes::by(records::by(), "void").update(&void, kept.version);
            world.store.commit(changes).await.unwrap();
        }
    }
    world.store.commit(Changes::by(records::by(), "add").insert(&post)).await.unwrap();
    assert_eq!(outcomes(&ask(&browser, &row("2026-11-20 07:30"), false).await), ["same"]);
    let told = ask(&browser, &row("2026-11-20 08:30"), false).await;
    assert_eq!(outcomes(&told), ["refused"]);
    assert!(
        told["rows"][0]["detail_vi"].as_str().unwrap().contains(&post.id.to_string()),
        "{told}"
    );
    let kept = world.store.read::<Post>(&post.key()).await.unwrap().unwrap();
    let void = Post { state: PostState::Void, ..kept.record };
    world
        .store
        .commit(Changes::by(records::by(), "void").update(&void, kept.version))
        .await
        .unwrap();
    assert_eq!(outcomes(&ask(&browser, &row("2026-11-20 08:30"), false).await), ["made"]);
}

#[tokio::test]
async fn a_row_that_cannot_be_says_why_and_what_to_do() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let before = making(&world).await.len();
    let row = |at: &str, article: &str, account: &str| json!({ "at": at, "article": article, "account": account });
    let long = "ấ".repeat(5001);
    let rows = [
        (row("2026-11-01 07:30", NEW, "facebook:cong-tin"), "đã qua"),
        (row("mai", NEW, "facebook:cong-tin"), "Không đọc được giờ"),
        (row("2026-11-20 07:30", NEW, ""), "Thiếu tài khoản"),
        (row("2026-11-20 07:30", NEW, "facebook:khong-co"), "Không có tài khoản"),
        (row("2026-11-20 07:30", "bài viết nào đó", "facebook:cong-tin"), "Không có bài viết này"),
        (row("2026-11-20 07:30", "https://", "facebook:cong-tin"), "Địa chỉ bài viết không đúng"),
        (
            row("2026-11-20 07:30", "00000000-0000-7000-8000-00000000abcd", "facebook:cong-tin"),
            "Không có bài viết này",
        ),
        (
            json!({ "at": "2026-11-20 07:30", "article": NEW, "account": "facebook:cong-tin", "text": long }),
            "5000 ký tự",
        ),
        (json!({ "at": "2026-11-20 07:30", "account": "facebook:cong-tin" }), "Thiếu bài viết"),
    ];
    let asked: Vec<Value> = rows.iter().map(|(row, _)| row.clone()).collect();
    let told = ask(&browser, &asked, false).await;
    for (row, (asked, why)) in told["rows"].as_array().unwrap().iter().zip(&rows) {
        assert_eq!(row["outcome"], "refused", "{asked}");
        let (vi, en) = (row["detail_vi"].as_str().unwrap(), row["detail_en"].as_str().unwrap());
        assert!(vi.contains(why) && vi != en && !en.is_empty(), "{asked}: {vi} / {en}");
    }
    assert_eq!(making(&world).await.len(), before);
    // Another agency has neither the article nor the account; who only signs makes nothing.
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let theirs = [
        row("2026-11-20 07:30", &world.article.id.to_string(), "facebook:cong-tin"),
        row("2026-11-20 07:30", NEW, "facebook:cong-tin"),
    ];
    assert_eq!(outcomes(&ask(&stranger, &theirs, false).await), ["refused", "refused"]);
    let signer = world.colleague(&world.people.approver, &[Role::Approver]).await;
    let signer = Browser::of(&world, &signer).await;
    let told = ask(&signer, &[row("2026-11-20 07:30", NEW, "facebook:cong-tin")], false).await;
    assert!(told["rows"][0]["detail_vi"].as_str().unwrap().contains("Chỉ người viết"), "{told}");
    assert_eq!(making(&world).await.len(), before);
}

#[tokio::test]
async fn a_row_tells_all_its_faults_and_a_channel_is_its_only_account() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let row = |at: &str, article: &str, account: &str| json!({ "at": at, "article": article, "account": account });
    let bad = [row("31/02/2026 25h", "bài nào đó", "MySpace"), row("9h30 20/11/2026", "", "Zalo")];
    let told = ask(&browser, &bad, true).await;
    assert_eq!(outcomes(&told), ["refused", "refused"], "{told}");
    let why = told["rows"][0]["detail_vi"].as_str().unwrap();
    for fault in ["Không có bài viết này", "“MySpace”; hãy ghi một trong: ", "Không đọc được giờ"]
    {
        assert!(why.contains(fault), "{why}");
    }
    let why = told["rows"][0]["detail_en"].as_str().unwrap();
    assert!(why.contains("no account “MySpace”") && why.contains("The time cannot"), "{why}");
    assert_eq!(told["rows"][0]["after"], "31/02/2026 25h");
    assert!(told["rows"][1]["detail_vi"].as_str().unwrap().contains("Thiếu bài viết"), "{told}");
    let good = [row("9h30 20/11/2026", NEW, "Zalo"), row("9h30 20/11/2026", NEW, "zalo:cong-tin")];
    let told = ask(&browser, &good, true).await;
    assert_eq!(outcomes(&told), ["make", "same"], "{told}");
    assert!(told["rows"][0]["after"].as_str().unwrap().starts_with("09:30"), "{told}");
}

fn workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let time = Format::new().set_num_format("dd/mm/yyyy hh:mm");
    for (column, head) in (0u16..).zip(["Thời gian", "Địa chỉ", "Tài khoản", "Nội dung"])
    {
        sheet.write_string(0, column, head).unwrap();
    }
    let wall: DateTime = "2026-11-20T07:30:00".parse().unwrap();
    sheet.write_datetime_with_format(1, 0, wall, &time).unwrap();
    sheet.write_string(1, 1, NEW).unwrap();
    sheet.write_string(1, 2, "facebook:cong-tin").unwrap();
    sheet.write_string(1, 3, "Lời \"riêng\",\ncó dấu").unwrap();
    sheet.write_string(2, 0, "07:30 21/11/2026").unwrap();
    sheet
        .write_formula(2, 1, Formula::new("=HYPERLINK(\"http://evil.example\")").set_result(""))
        .unwrap();
    sheet.write_string(2, 2, "<script>alert(1)</script>").unwrap();
    book.save_to_buffer().unwrap()
}

#[tokio::test]
async fn a_workbook_is_tried_and_then_does_what_it_says() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let before = making(&world).await.len();
    let tried = hand_in(&browser, &workbook(), &[]).await;
    let text = tried.text();
    assert_eq!(tried.status, StatusCode::OK, "{text}");
    assert!(text.contains("1 bài sẽ được soạn · 1 dòng có lỗi"), "{text}");
    // What was not understood stands there as it was written, with the number of its line.
    assert!(text.contains("&lt;script&gt;alert(1)"), "{text}");
    assert!(text.contains("class=\"num\">3</td>"), "{text}");
    assert!(!text.contains("<script>alert"), "{text}");
    assert_eq!(making(&world).await.len(), before);
    // The form that confirms it carries the table and the columns.
    let table = text
        .split("aria-hidden=\"true\" tabindex=\"-1\">")
        .nth(1)
        .unwrap()
        .split("</textarea>")
        .next()
        .unwrap();
    let table = table
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#x2f;", "/")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
        .replace("&#x27;", "'")
        .replace("&#39;", "'");
    let columns = [
        ("at", "0"),
        ("id", ""),
        ("article", "1"),
        ("account", "2"),
        ("words", "3"),
        ("sure", "1"),
    ];
    for (name, value) in &columns[..5] {
        assert!(text.contains(&format!("name=\"{name}\" value=\"{value}\"")), "{name}: {text}");
    }
    let mut fields = vec![("text", table.as_str())];
    fields.extend(columns);
    let made = hand_in(&browser, b"", &fields).await;
    assert!(made.text().contains("1 bài đang được soạn"), "{}", made.text());
    let jobs = making(&world).await;
    assert_eq!(jobs.len(), before + 1);
    let Some(JobKind::Prepare { text, when, .. }) = jobs.first() else { panic!("{jobs:?}") };
    assert_eq!(
        (text.as_deref(), *when),
        (Some("Lời \"riêng\",\ncó dấu"), at("2026-11-20T00:30:00Z"))
    );
    // What is no workbook, and one that is too large, are told so.
    for (file, why) in [(&b"PK\x03\x04xx"[..], "tệp hỏng"), (b"\xff\xfe\x00x", "")] {
        let answer = hand_in(&browser, file, &[]).await;
        assert!(
            answer.text().contains(why) && !answer.status.is_server_error(),
            "{}",
            answer.text()
        );
    }
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for row in 0..502 {
        sheet.write_string(row, 0, "x").unwrap();
    }
    let answer = hand_in(&browser, &book.save_to_buffer().unwrap(), &[]).await;
    assert!(answer.text().contains("tối đa 500 dòng"), "{}", answer.text());
}

#[tokio::test]
async fn what_is_exported_comes_back_unchanged_and_a_copied_line_without_its_id_makes_a_post() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let period = "from=2026-10-31T17:00:00Z&to=2026-11-30T17:00:00Z";
    let saved = browser.get(&format!("/api/v1/calendar/export?format=xlsx&{period}")).await;
    let page = hand_in(&browser, &saved.body, &[]).await;
    assert_eq!(page.text().matches("giữ nguyên</span>").count(), 6, "{}", page.text());
    let english = browser.get(&format!("/api/v1/calendar/export?format=csv&{period}")).await;
    let page = hand_in(&browser, &english.body, &[]).await;
    assert_eq!(page.text().matches("giữ nguyên</span>").count(), 6, "{}", page.text());
    let csv = english.text();
    let id = world.posts.draft.id.to_string();
    let line = csv.lines().find(|line| line.ends_with(&id)).unwrap();
    let copy = line.replace(&id, "").replace("2026-11-16", "2026-11-25");
    let account = world.posts.draft.account.to_string();
    let other = another(&world).await.id.to_string();
    let copy = copy.replace(&account, "youtube:cong-tin");
    let copy = copy.replace(&world.article.id.to_string(), &other);
    let page = hand_in(&browser, format!("{csv}{copy}\r\n").as_bytes(), &[]).await;
    assert!(page.text().contains("1 bài sẽ được soạn"), "{}", page.text());
    assert!(page.text().contains(&format!("/bai-viet/{other}")), "{}", page.text());
}

#[tokio::test]
async fn two_imports_of_one_row_at_once_queue_it_once() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let row = [json!({ "at": "2026-11-20 07:30", "article": NEW, "account": "facebook:cong-tin" })];
    let (first, second) = tokio::join!(ask(&browser, &row, false), ask(&browser, &row, false));
    let mut both = [outcomes(&first), outcomes(&second)].concat();
    both.sort();
    assert!(both.contains(&"made".to_owned()), "{both:?}");
    let jobs = world.store.jobs(Some(JobState::Available), 999).await.unwrap();
    let prepares = jobs.iter().filter(|view| matches!(view.job.work, JobKind::Prepare { .. }));
    assert_eq!(prepares.count(), 1);
}
