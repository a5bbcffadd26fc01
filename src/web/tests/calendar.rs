//! *Lịch đăng*: one question behind every view, who may move what, and where a month ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{collections::BTreeSet, sync::atomic::Ordering};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Clock as _, Delivery, DeliveryState as S, Plan, Post, PostId, PostState, Role, Timetable,
};
use loa_review::{Clash, Locked, Standing};
use loa_store::{Changes, Store as _, StoreExt as _};
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser},
    records,
};

const NOVEMBER: &str = "from=2026-10-31T17:00:00Z&to=2026-11-30T17:00:00Z";

fn read(answer: &Answer) -> Value {
    serde_json::from_str(answer.text()).unwrap()
}

async fn ask(browser: &Browser<'_>, query: &str) -> Value {
    let answer = browser.get(&format!("/api/v1/calendar?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    read(&answer)
}

fn ids(calendar: &Value) -> Vec<String> {
    let entries = calendar["items"].as_array().unwrap().iter();
    entries.map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

async fn shift(browser: &Browser<'_>, post: &Post, body: Value, seen: Option<u64>) -> Answer {
    let tag = seen.map(|seen| format!("\"{seen}\"")).unwrap_or_default();
    let mut headers = vec![("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    if seen.is_some() {
        headers.push(("if-match", &tag));
    }
    let path = format!("/api/v1/posts/{}/schedule", post.id);
    let response = browser.raw("POST", &path, &headers, body.to_string()).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1_000_000).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

async fn now_of(world: &World, post: &Post) -> (Post, u64) {
    let row = world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap();
    (row.record, row.version)
}

/// The same post again at another time.
async fn copy(world: &World, post: &Post, at: &str) -> Post {
    let id: PostId = world.ids.make();
    let mut post = Post { id, scheduled_at: at.parse().unwrap(), ..post.clone() };
    post.content.link.code = world.ids.token(8);
    let changes = Changes::by(records::by(), "copy").insert(&post);
    world.store.commit(changes).await.unwrap();
    post
}

/// Slots of an account at 07:30 and 19:00, every day.
async fn slots(world: &World, account: &str) {
    let plan = Plan {
        zone: "Asia/Ho_Chi_Minh".into(),
        slots: vec!["daily 07:30".parse().unwrap(), "daily 19:00".parse().unwrap()],
        ..Plan::default()
    };
    let record = Timetable { account: account.parse().unwrap(), plan };
    world.store.commit(Changes::by(records::by(), "slots").insert(&record)).await.unwrap();
}

/// How often a post stands on a page.
fn times(answer: &Answer, post: &Post) -> usize {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.text().matches(&format!("popovertarget=\"s-{}\">", post.id)).count()
}

#[tokio::test]
async fn every_view_shows_what_the_one_question_finds() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let found = ask(&browser, NOVEMBER).await;
    assert_eq!(found["total"], 6);
    let post = &world.posts.waiting;
    assert!(ids(&found).contains(&post.id.to_string()));
    for view in ["thang", "tuan", "ngay", "danh-sach"] {
        let page = browser.get(&format!("/lich?xem={view}&ngay=2026-11-16")).await;
        // An hour of a week shows four of the six, the day of a month three.
        let shown = [times(&page, post), times(&page, &world.posts.draft)];
        assert!(page.text().contains("6 bài đăng"), "{view}");
        assert!(shown.iter().all(|times| *times <= 1), "{view}: {shown:?}");
        let elsewhere = browser.get(&format!("/lich?xem={view}&ngay=2026-09-20")).await;
        assert_eq!(times(&elsewhere, post), 0, "{view}");
        assert!(elsewhere.text().contains("0 bài đăng"), "{view}");
    }
    let day = browser.get("/lich?xem=ngay&ngay=2026-11-16").await;
    let list = browser.get("/lich?xem=danh-sach&ngay=2026-11-16").await;
    for post in [&world.posts.waiting, &world.posts.published, &world.posts.broken] {
        assert_eq!((times(&day, post), times(&list, post)), (1, 1));
    }
    // Without a choice both a month and a list are there: the screen decides.
    let first = browser.get("/lich").await;
    assert!(first.text().contains("class=\"month wide\""));
    assert!(first.text().contains("class=\"agenda narrow\""));
    let month = browser.get("/lich?xem=thang").await;
    assert!(month.text().contains("class=\"month\"") && !month.text().contains("class=\"agenda"));
    assert!(month.text().contains("+3 bài nữa"), "four would be a day too full");
}

#[tokio::test]
async fn a_month_begins_and_ends_at_midnight_in_hanoi() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let draft = &world.posts.draft;
    let last = copy(&world, draft, "2026-10-31T16:59:59Z").await;
    let first = copy(&world, draft, "2026-10-31T17:00:00Z").await;
    let end = copy(&world, draft, "2026-11-30T16:59:59Z").await;
    let next = copy(&world, draft, "2026-11-30T17:00:00Z").await;
    let agenda = browser.get("/lich?xem=danh-sach&ngay=2026-11-30").await;
    let shown = [&last, &first, &end, &next].map(|post| times(&agenda, post));
    assert_eq!(shown, [0, 1, 1, 0]);
    // The weeks around are shown with a month, so the last of October is, in its own cell.
    let month = browser.get("/lich?xem=thang&ngay=2026-11-16").await;
    let cell = |day: &str| {
        let text = month.text();
        let start = text.find(&format!("<td data-day=\"{day}\"")).unwrap();
        let end = start + text.get(start..).unwrap().find("</td>").unwrap();
        text.get(start..end).unwrap().to_owned()
    };
    for (day, post) in [("2026-10-31", &last), ("2026-11-01", &first), ("2026-12-01", &next)] {
        assert!(cell(day).contains(&format!("popovertarget=\"s-{}\"", post.id)), "{day}");
        assert_eq!(times(&month, post), 1, "{day}");
    }
    assert!(cell("2026-10-31").contains("outside") && !cell("2026-11-01").contains("outside"));
    assert!(cell("2026-11-16").contains("aria-current=\"date\""));
    for wrong in ["ngay=2026-02-30", "xem=nam", "ngay=x&trang=-3", "kenh=%00&trang-thai=x"] {
        assert_eq!(browser.get(&format!("/lich?{wrong}")).await.status, StatusCode::OK, "{wrong}");
    }
    for edge in ["9999-12-31", "-009999-01-01"] {
        let answer = browser.get(&format!("/lich?ngay={edge}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{edge}");
    }
}

#[tokio::test]
async fn filters_are_kept_taken_off_and_the_same_for_machines() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let zalo = ask(&browser, &format!("{NOVEMBER}&channel=zalo")).await;
    assert_eq!(ids(&zalo), [world.posts.draft.id.to_string()]);
    let two = ask(&browser, &format!("{NOVEMBER}&state=waiting,unconfirmed")).await;
    let wanted = [&world.posts.waiting, &world.posts.uncertain].map(|post| post.id.to_string());
    assert_eq!(BTreeSet::from_iter(ids(&two)), BTreeSet::from(wanted));
    let page = browser.get("/lich?xem=danh-sach&ngay=2026-11-16&kenh=zalo&trang-thai=draft").await;
    assert_eq!(times(&page, &world.posts.draft), 1);
    assert_eq!(times(&page, &world.posts.waiting), 0);
    let chips = page.text().split("class=\"chips\"").nth(1).unwrap().split("</ul>").next().unwrap();
    let without = "href=\"&#x2f;lich?xem=danh-sach&amp;ngay=2026-11-16&amp;trang-thai=draft\"";
    assert!(chips.contains(without), "{chips}");
    assert!(chips.contains("href=\"&#x2f;lich?xem=danh-sach&amp;ngay=2026-11-16\""), "{chips}");
    for wrong in ["channel=khong-co", "state=khong-co", "limit=0", "limit=201"] {
        let answer = browser.get(&format!("/api/v1/calendar?{NOVEMBER}&{wrong}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    for (wrong, status) in [
        ("from=2026-11-01T00:00:00Z&to=2026-11-01T00:00:00Z", 422),
        ("from=2026-01-01T00:00:00Z&to=2026-11-01T00:00:00Z", 422),
        ("from=-009999-01-02T01:59:59Z&to=9999-12-30T22:00:00Z", 422),
        ("from=x&to=y", 400),
        ("from=2026-11-01T00:00:00Z", 400),
        ("from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&x=1", 400),
    ] {
        let answer = browser.get(&format!("/api/v1/calendar?{wrong}")).await;
        assert_eq!(answer.status.as_u16(), status, "{wrong}");
    }
    let first = ask(&browser, &format!("{NOVEMBER}&limit=4")).await;
    let after = first["next"].as_str().unwrap();
    let some = ask(&browser, &format!("{NOVEMBER}&limit=4&after={after}")).await;
    assert_eq!((ids(&some).len(), &some["next"], &some["total"]), (2, &Value::Null, &json!(6)));
    assert_eq!([ids(&first), ids(&some)].concat(), ids(&ask(&browser, NOVEMBER).await));
}

#[tokio::test]
async fn every_state_says_its_word_and_moves_or_says_why_not() {
    let world = World::new().await;
    let posts = world.every_state().await;
    let words = support::assets();
    let browser = Browser::of(&world, &world.people.author).await;
    let page = browser.get("/lich?xem=ngay&ngay=2026-11-16").await;
    let found = ask(&browser, NOVEMBER).await;
    for (state, post) in &posts {
        let entry = page.text().split(&format!("id=\"s-{}\"", post.id)).nth(1);
        let entry =
            entry.unwrap_or_else(|| panic!("{state:?}")).split("</section>").next().unwrap();
        let all = found["items"].as_array().unwrap();
        let told = all.iter().find(|entry| entry["id"] == post.id.to_string()).unwrap();
        assert_eq!(told["state"], state.name());
        assert!(entry.contains(&words.word("vi", &format!("state.{}", state.name()))), "{state:?}");
        let locked = told["locked"].as_str().unwrap();
        let movable = matches!(state, S::Scheduled | S::Ready);
        assert_eq!(
            (told["movable"].as_bool(), locked.is_empty()),
            (Some(movable), movable),
            "{state:?}"
        );
        assert_eq!(entry.contains("/doi-gio\""), movable, "{state:?}");
        if !movable {
            assert!(entry.contains(&words.word("vi", &format!("locked.{locked}"))), "{state:?}");
        }
    }
    let keys: Vec<String> = Locked::ALL
        .iter()
        .map(|locked| format!("locked.{}", locked.key()))
        .chain(Standing::ALL.iter().map(|standing| format!("standing.{}", standing.name())))
        .chain([Clash::Close, Clash::Twice].iter().map(|clash| format!("clash.{}", clash.key())))
        .chain(["past", "embargo", "outside", "no_slot"].map(|key| format!("bad_time.{key}")))
        .collect();
    for key in keys {
        for lang in ["vi", "en"] {
            let said = words.word(lang, &key);
            assert!(said != key && !said.contains(" / "), "{lang}: {key}");
        }
    }
}

#[tokio::test]
async fn what_became_of_an_article_is_seen_from_all_its_posts() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let campaign = async |query: &str| {
        let found = ask(&browser, &format!("{NOVEMBER}{query}")).await;
        found["items"][0]["campaign"].clone()
    };
    // One of six is live, one unclear.
    let all = campaign("").await;
    assert_eq!(
        (&all["status"], &all["live"], &all["of"]),
        (&json!("trouble"), &json!(1), &json!(6))
    );
    assert_eq!(campaign("&channel=zalo").await, all, "whatever is filtered");
    let uncertain = world.delivery_of(&world.posts.uncertain).await;
    let row = world.store.read::<Delivery>(&uncertain.id.to_string()).await.unwrap().unwrap();
    let live = Delivery { state: S::Published, ..uncertain };
    let changes = Changes::by(records::by(), "settle").update(&live, row.version);
    world.store.commit(changes).await.unwrap();
    assert_eq!(campaign("").await["status"], "partly");
    let page = browser.get("/lich?xem=ngay&ngay=2026-11-16").await;
    assert!(
        page.text().contains("Cả bài: đăng một phần <b>2&#x2f;6</b>")
            || page.text().contains("Cả bài: đăng một phần <b>2/6</b>")
    );
}

#[tokio::test]
async fn who_reads_only_moves_nothing_and_another_agency_is_not_there() {
    let world = World::new().await;
    let draft = &world.posts.draft;
    let (_, version) = now_of(&world, draft).await;
    let body = || json!({ "at": "2026-11-17T02:00:00Z" });
    let analyst = world.colleague(&world.people.author, &[Role::Analyst]).await;
    let reader = Browser::of(&world, &analyst).await;
    assert_eq!(ask(&reader, NOVEMBER).await["total"], 6);
    let page = reader.get("/lich?xem=ngay&ngay=2026-11-16").await;
    assert_eq!(times(&page, draft), 1);
    for sign in ["/doi-gio", "draggable", "/kenh/tam-dung"] {
        assert!(!page.text().contains(sign), "{sign}");
    }
    assert_eq!(shift(&reader, draft, body(), Some(version)).await.status, StatusCode::FORBIDDEN);
    let stranger = Browser::of(&world, &world.people.stranger).await;
    assert_eq!(ask(&stranger, NOVEMBER).await["total"], 0);
    assert_eq!(times(&stranger.get("/lich?xem=ngay&ngay=2026-11-16").await, draft), 0);
    assert_eq!(shift(&stranger, draft, body(), Some(version)).await.status, StatusCode::NOT_FOUND);
    let form = [("when", "now"), ("version", "1")];
    let path = format!("/bai-dang/{}/doi-gio", draft.id);
    assert_eq!(stranger.post(&path, &form).await.status, StatusCode::NOT_FOUND);
    let told = stranger.get(&format!("/lich?da-doi={}", draft.id)).await;
    assert!(!told.text().contains("Đã đổi giờ"), "nothing is told of it");
    assert_eq!(now_of(&world, draft).await, (draft.clone(), version));
    // Who may stop everything has the switch at hand.
    let approver = Browser::of(&world, &world.people.approver).await;
    assert!(approver.get("/lich").await.text().contains("action=\"/kenh/tam-dung\""));
}

#[tokio::test]
async fn a_machine_moves_a_post_when_it_says_what_it_saw() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let draft = &world.posts.draft;
    let (_, version) = now_of(&world, draft).await;
    let to = |at: &str| json!({ "at": at });
    let none = shift(&browser, draft, to("2026-11-17T02:00:00Z"), None).await;
    assert_eq!(none.status, StatusCode::PRECONDITION_REQUIRED);
    let moved = shift(&browser, draft, to("2026-11-17T09:00:00+07:00"), Some(version)).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.text());
    let (post, newer) = now_of(&world, draft).await;
    assert_eq!(post.scheduled_at, "2026-11-17T02:00:00Z".parse::<Timestamp>().unwrap());
    assert_eq!(moved.header("etag"), format!("\"{newer}\""));
    assert_eq!(read(&moved)["version"], newer);
    let stale = shift(&browser, draft, to("now"), Some(version)).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    for (body, status) in [
        (to("2026-11-16T09:29:59Z"), 422),
        (to("hôm nay"), 422),
        (json!({}), 422),
        (json!({ "at": "now", "x": 1 }), 422),
        (to("next_slot"), 422),
    ] {
        let refused = shift(&browser, draft, body.clone(), Some(newer)).await;
        assert_eq!(refused.status.as_u16(), status, "{body}: {}", refused.text());
        let problem = read(&refused);
        assert_ne!(problem["detail_vi"], problem["detail_en"], "{body}");
    }
    slots(&world, "zalo:cong-tin").await;
    let slot = shift(&browser, draft, json!({ "at": "next_slot", "version": newer }), None).await;
    assert_eq!(read(&slot)["scheduled_at"], "2026-11-16T12:00:00Z", "{}", slot.text());
    assert_eq!(read(&slot)["timing"]["how"], "slot");
    let (_, version) = now_of(&world, draft).await;
    let soon = shift(&browser, draft, to("now"), Some(version)).await;
    assert_eq!(read(&soon)["scheduled_at"], "2026-11-16T09:30:00Z");
}

#[tokio::test]
async fn an_approved_post_moves_within_what_was_signed_and_its_delivery_with_it() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let post = world.in_state("facebook:cong-tin", S::Scheduled).await;
    let (_, version) = now_of(&world, &post).await;
    let to = |at: &str| json!({ "at": at });
    let outside = shift(&browser, &post, to("2026-11-18T02:00:00Z"), Some(version)).await;
    assert_eq!(outside.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = read(&outside);
    let said = "Bài được duyệt trong khung 09:00 16/11/2026 – 09:00 17/11/2026; giờ khác cần phê duyệt lại.";
    assert_eq!(problem["detail_vi"], said);
    let said = problem["detail_en"].as_str().unwrap();
    assert!(said.contains("09:00, 16 Nov 2026 – 09:00, 17 Nov 2026"), "{problem}");
    let at: Timestamp = "2026-11-17T01:30:00Z".parse().unwrap();
    let moved = shift(&browser, &post, to("2026-11-17T01:30:00Z"), Some(version)).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.text());
    let d: Delivery = world.delivery_of(&post).await;
    assert_eq!(
        (d.due_at, d.state, now_of(&world, &post).await.0.scheduled_at),
        (at, S::Scheduled, at)
    );
    let live = &world.posts.published;
    let (_, version) = now_of(&world, live).await;
    let locked = shift(&browser, live, to("2026-11-17T01:00:00Z"), Some(version)).await;
    assert_eq!(locked.status, StatusCode::CONFLICT);
    assert_eq!(read(&locked)["detail_vi"], "Đã lên kênh, giờ đăng không đổi được.");
}

#[tokio::test]
async fn the_form_moves_too_and_asks_once_more_before_it_goes_out_within_minutes() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let post = world.in_state("facebook:cong-tin", S::Scheduled).await;
    let path = format!("/bai-dang/{}/doi-gio", post.id);
    let press = async |when: &str, at: &str, more: &[(&str, &str)]| {
        let version = now_of(&world, &post).await.1.to_string();
        let back = "/lich?xem=tuan&ngay=2026-11-16";
        let mut form = vec![("when", when), ("at", at), ("version", &version), ("back", back)];
        form.extend(more);
        browser.post(&path, &form).await
    };
    let moved = press("at", "2026-11-16T20:15", &[]).await;
    let to = format!("/lich?xem=tuan&ngay=2026-11-16&da-doi={}", post.id);
    assert_eq!((moved.status, moved.header("location")), (StatusCode::SEE_OTHER, to.as_str()));
    let page = browser.get(&to).await;
    assert!(page.text().contains(">20:15 16&#x2f;11&#x2f;2026</a>"), "it says so");
    // The form beside it sets the old time back; what is gone by is not offered.
    let was = "2026-11-16T20:15:00";
    assert_eq!(press("at", "2026-11-16T20:45", &[]).await.status, StatusCode::SEE_OTHER);
    let page = browser.get(&to).await;
    assert!(page.text().contains(&format!("name=\"at\" value=\"{was}\"")), "{}", page.text());
    assert!(page.text().contains("Hoàn tác"), "{}", page.text());
    assert_eq!(press("at", was, &[]).await.status, StatusCode::SEE_OTHER);
    let analyst = world.colleague(&world.people.author, &[Role::Analyst]).await;
    let reader = Browser::of(&world, &analyst).await;
    assert!(
        !reader.get(&to).await.text().contains("Hoàn tác"),
        "who moves nothing is offered none"
    );
    let before = world.delivery_of(&post).await;
    assert_eq!(before.due_at, "2026-11-16T13:15:00Z".parse::<Timestamp>().unwrap());
    // 16:30 now: 16:34 and "now" are asked about, 16:36 is not.
    for (when, at) in [("now", ""), ("at", "2026-11-16T16:34")] {
        let asked = press(when, at, &[]).await;
        assert_eq!(asked.status, StatusCode::OK);
        assert!(asked.text().contains("name=\"sure\" value=\"1\""), "{when}");
        assert_eq!(world.delivery_of(&post).await, before, "nothing has changed yet");
    }
    assert_eq!(press("at", "2026-11-16T16:36", &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(press("now", "", &[("sure", "1")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.delivery_of(&post).await.due_at, world.clock.now());
    for (when, at) in
        [("at", ""), ("at", "x"), ("never", "2026-11-16T20:15"), ("at", "2026-11-16T16:00")]
    {
        let refused = press(when, at, &[]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{when} {at}");
    }
    let stale = [("when", "at"), ("at", "2026-11-16T20:15"), ("version", "1")];
    assert_eq!(browser.post(&path, &stale).await.status, StatusCode::CONFLICT);
    // A draft goes nowhere by itself: it is not asked about.
    let version = now_of(&world, &world.posts.draft).await.1.to_string();
    let form = [("when", "now"), ("version", version.as_str()), ("back", "//evil.example")];
    let path = format!("/bai-dang/{}/doi-gio", world.posts.draft.id);
    let moved = browser.post(&path, &form).await;
    let to = format!("/lich?da-doi={}", world.posts.draft.id);
    assert_eq!((moved.status, moved.header("location")), (StatusCode::SEE_OTHER, to.as_str()));
}

#[tokio::test]
async fn what_is_planned_beyond_an_allowance_is_warned_of() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    // A Page takes 30 Reels in 24 hours; one went out at 09:00 of the 16th.
    let mut reel = world.posts.published.clone();
    (reel.state, reel.approval) = (PostState::Draft, None);
    let mut last = reel.clone();
    for n in 0..30 {
        let id: PostId = format!("00000000-0000-7000-8000-0000000000{n:02x}").parse().unwrap();
        let at = world.clock.now() + SignedDuration::from_mins(11 * n);
        last = Post { id, scheduled_at: at, ..reel.clone() };
        last.content.link.code = format!("r{n}");
        let changes = Changes::by(records::by(), "add").insert(&last);
        world.store.commit(changes).await.unwrap();
    }
    let beyond = async || {
        let found = ask(&browser, &format!("{NOVEMBER}&channel=facebook")).await;
        let entries = found["items"].as_array().unwrap().clone();
        let warned =
            |entry: &&Value| entry["clashes"].as_array().unwrap().contains(&json!("quota"));
        entries
            .iter()
            .filter(warned)
            .map(|entry| entry["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(beyond().await, [last.id.to_string()], "the thirty-first of the day");
    let (_, version) = now_of(&world, &last).await;
    let tomorrow = json!({ "at": "2026-11-17T02:01:00Z" });
    assert_eq!(shift(&browser, &last, tomorrow, Some(version)).await.status, StatusCode::OK);
    assert!(beyond().await.is_empty(), "a day later the first is forgotten");
}

#[tokio::test]
async fn free_slots_are_shown_to_who_can_use_them_until_somebody_does() {
    let world = World::new().await;
    slots(&world, "zalo:cong-tin").await;
    slots(&world, "viber:cong-tin").await;
    let browser = Browser::of(&world, &world.people.author).await;
    let ghosts = async |browser: &Browser<'_>, query: &str| {
        let page = browser.get(&format!("/lich?{query}")).await;
        let text = page.text().to_owned();
        text.split("class=\"ghost\"")
            .skip(1)
            .map(|rest| rest.split("</li>").next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let today = ghosts(&browser, "xem=ngay&ngay=2026-11-16").await;
    assert_eq!(today.len(), 1, "07:30 is over");
    assert!(
        today[0].contains("data-time=\"19:00\"") && today[0].contains("2 tài khoản"),
        "{}",
        today[0]
    );
    assert_eq!(ghosts(&browser, "xem=ngay&ngay=2026-11-17").await.len(), 2);
    assert_eq!(ghosts(&browser, "xem=ngay&ngay=2026-11-15").await.len(), 0);
    assert_eq!(ghosts(&browser, "xem=ngay&ngay=2026-11-17&kenh=facebook").await.len(), 0);
    copy(&world, &world.posts.draft, "2026-11-16T12:00:00Z").await;
    let left = ghosts(&browser, "xem=ngay&ngay=2026-11-16").await;
    assert!(left[0].contains("Viber") && !left[0].contains("2 tài khoản"), "{}", left[0]);
    let analyst = world.colleague(&world.people.author, &[Role::Analyst]).await;
    assert_eq!(
        ghosts(&Browser::of(&world, &analyst).await, "xem=ngay&ngay=2026-11-17").await.len(),
        0
    );
}

#[tokio::test]
async fn a_full_month_reads_each_post_once_and_no_headline_that_is_not_shown() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let start: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
    let mut changes = Changes::by(records::by(), "fill");
    for n in 0..600 {
        let at = start + SignedDuration::from_mins(70 * n);
        // The randomness of the newsroom is too small for so many.
        let id = |kind: u8| format!("00000000-0000-7000-8000-{kind:02x}{n:010x}");
        let id_of_post: PostId = id(1).parse().unwrap();
        let mut post = Post {
            id: id_of_post,
            scheduled_at: at,
            state: PostState::Approved,
            ..world.posts.draft.clone()
        };
        post.content.link.code = format!("m{n}");
        let post = records::approved(post, &world.people.approver);
        let d = records::delivery(&world.ids, &post, S::Scheduled);
        let d = Delivery { id: id(2).parse().unwrap(), ..d };
        changes = changes.insert(&d).insert(&post);
    }
    world.store.commit(changes).await.unwrap();
    browser.get("/lich?xem=thang&ngay=2026-11-16").await;
    let before = world.rows.load(Ordering::Relaxed);
    let page = browser.get("/lich?xem=thang&ngay=2026-11-16").await;
    assert!(page.text().contains("606 bài đăng"));
    let rows = world.rows.load(Ordering::Relaxed) - before;
    // Each post and each delivery once, and what stands around them.
    assert!(rows < 606 + 602 + 100, "{rows} rows");
    assert!(page.body.len() < 400_000, "{} bytes", page.body.len());
}
