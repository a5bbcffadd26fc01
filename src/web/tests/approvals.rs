//! *Duyệt*: what waits, what it says beside its source, what changed, and the answers of an approver, one by one and together.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use loa_model::{
    Clock as _, Delivery, Digest, Post, PostFormat, PostState, Priority, record::join,
};
use loa_store::{Changes, Store as _, StoreExt as _};
use serde_json::json;
use support::{World, browser::Browser, records};

const PAGE: &str = "facebook:cong-tin";

/// Adds a post of the demo article, the words of which are these.
async fn add(world: &World, state: PostState, text: &str, change: impl FnOnce(&mut Post)) -> Post {
    let media = vec![records::photo(&world.kept)];
    let author = &world.people.author;
    let format = PostFormat::Photo;
    let mut post = records::post(&world.ids, &world.article, PAGE, format, state, author, media);
    post.content.text = format!("{text}\n{}", post.content.link.url);
    change(&mut post);
    world.store.commit(Changes::by(records::by(), "fill").insert(&post)).await.unwrap();
    post
}

async fn stored(world: &World, post: &Post) -> Post {
    world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap().record
}

async fn deliveries(world: &World, post: &Post) -> usize {
    let prefix = join(&[&post.id.to_string(), ""]);
    world.store.list::<Delivery>("delivery_by_post", &prefix, 9).await.unwrap().len()
}

fn at(post: &Post) -> String {
    format!("/duyet?bai={}", post.id)
}

#[tokio::test]
async fn the_queue_says_how_long_each_waits_the_urgent_and_the_oldest_first() {
    let world = World::new().await;
    let author = &world.people.author;
    let later = add(&world, PostState::Draft, "Nộp sau", |_| {}).await;
    let first = add(&world, PostState::Draft, "Nộp trước", |_| {}).await;
    let urgent = |post: &mut Post| post.priority = Priority::Urgent;
    let last = add(&world, PostState::Draft, "Khẩn", urgent).await;
    let capability = &world.capabilities["facebook"];
    for (post, time) in [
        (&first, "2026-11-16T09:40:00Z"),
        (&later, "2026-11-16T11:00:00Z"),
        (&last, "2026-11-17T11:49:30Z"),
    ] {
        world.clock.set(time);
        world.review.submit(author, post.id, capability).await.unwrap();
    }
    // Written again while it waits: it still waits since it was handed in.
    world.clock.set("2026-11-16T12:00:00Z");
    world.set_priority(&first, Priority::Backfill).await;
    world.set_priority(&first, Priority::Normal).await;
    world.clock.set("2026-11-17T11:50:00Z");
    let approver = Browser::of(&world, &world.people.approver).await;
    let queue = approver.get("/api/v1/approvals").await.value();
    let told: Vec<_> = queue["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    let expected = [
        (&last, "chưa tới một phút"),
        (&world.posts.waiting, "1 ngày 2 giờ"),
        (&first, "1 ngày 2 giờ"),
        (&later, "1 ngày"),
    ];
    assert_eq!(told, expected.map(|(post, _)| post.id.to_string()));
    // Words for people only: a machine has `since`, which stays the same while nothing happens.
    assert!(queue["items"][0].get("waited").is_none());
    let shown = approver.get("/duyet").await;
    let (mut left, each) = (shown.text(), expected.map(|(_, wait)| wait));
    for wait in each {
        let ends = format!("{wait}</span>");
        left = left.split_once(&ends).unwrap_or_else(|| panic!("{wait}")).1;
    }
    assert_eq!(queue["items"][2]["since"], "2026-11-16T09:40:00Z");
    assert_eq!(queue["items"][2]["digest"], first.digest().to_string());
    let page = approver.get("/duyet").await;
    let place = |post: &Post| page.text().find(&format!("id=\"post-{}\"", post.id)).unwrap();
    assert!([&last, &world.posts.waiting, &first, &later].map(place).is_sorted());
    assert!(page.text().contains("chờ 1 ngày 2 giờ") && page.text().contains("Nguyễn Thị Mẫn"));
    world.clock.set("2026-11-16T11:50:00Z");
    assert!(approver.get("/duyet").await.text().contains("chờ 2 giờ 10 phút"));
}

#[tokio::test]
async fn the_post_stands_beside_its_source_with_its_bytes_and_its_limits() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let post = &world.posts.waiting;
    let page = approver.get(&at(post)).await;
    let file = &post.content.media[0];
    for word in [
        &format!("SHA-256 <code>{}</code>", file.blob),
        &format!("Bạn ký đúng nội dung có mã <code>{}</code>", post.digest()),
        "frame-facebook",
        "271 KB / ",
        "Lần đầu: chưa có bài nào",
        &format!("<mark class=\"words\">{}</mark>", world.article.title()),
    ] {
        assert!(page.text().contains(word), "{word}: {}", page.text());
    }
    let api = approver.get(&format!("/api/v1/posts/{}", post.id)).await.value();
    let limit = api["limits"].as_array().unwrap().iter().find(|l| l["name"] == "text").unwrap();
    let rule = world.capabilities["facebook"].formats[&PostFormat::Photo].text;
    assert_eq!(limit["is"], rule.unit.count(&post.content.text));
    assert_eq!(limit["max"], rule.max);
    assert_eq!(api["files"][0]["sha256"], file.blob.to_string());
    assert_eq!(api["digest"], post.digest().to_string());
    assert_eq!((&api["before"], &api["may_sign"]), (&json!(null), &json!(true)));
    assert_eq!(api["source"]["strange"], json!([]), "it says nothing that its source does not");
    let own = add(&world, PostState::InReview, "Câu này không có trong bài gốc.", |_| {}).await;
    let api = approver.get(&format!("/api/v1/posts/{}", own.id)).await.value();
    assert_eq!(api["source"]["strange"], json!(["Câu này không có trong bài gốc."]));
    assert!(approver.get(&at(&own)).await.text().contains("Không thấy nguyên văn trong bài gốc"));
}

#[tokio::test]
async fn what_differs_from_the_last_approved_post_is_told_by_word_and_by_file() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let sign = |post: &mut Post| *post = records::approved(post.clone(), &world.people.approver);
    let old = add(&world, PostState::Approved, "Mức hỗ trợ 30 triệu đồng", sign).await;
    // Another format, another account, and one that nobody signed: none of them is what was approved before.
    add(&world, PostState::Approved, "Dạng khác", |post| {
        post.content.format = PostFormat::Text;
        sign(post);
    })
    .await;
    add(&world, PostState::Approved, "Trang khác", |post| {
        post.account = "facebook:trang-khac".parse().unwrap();
        sign(post);
    })
    .await;
    add(&world, PostState::Returned, "Chưa ai ký", |_| {}).await;
    let new = add(&world, PostState::InReview, "Mức hỗ trợ 20 triệu đồng", |post| {
        post.content.media[0].blob = world.kept.poster;
    })
    .await;
    let page = approver.get(&at(&new)).await;
    let told = "Mức hỗ trợ <del>30</del><ins>20</ins> triệu đồng";
    assert!(page.text().contains(told), "{}", page.text());
    let file = format!("<del><a href=\"/tep/{}\">", old.content.media[0].blob);
    assert!(page.text().contains(&file) && page.text().contains("tệp khác"));
    let api = approver.get(&format!("/api/v1/posts/{}", new.id)).await.value();
    assert_eq!(api["before"]["post"], old.id.to_string());
    assert_eq!(api["before"]["files"][0]["what"], "other");
    assert_eq!(api["before"]["none"], false);
    // Each has a short link of its own, which is no difference.
    let same = add(&world, PostState::InReview, "Mức hỗ trợ 30 triệu đồng", |_| {}).await;
    let api = approver.get(&format!("/api/v1/posts/{}", same.id)).await.value();
    assert_eq!(api["before"]["none"], true, "{}", api["before"]);
    assert!(approver.get(&at(&same)).await.text().contains("Không khác gì bài đã duyệt trước."));
}

#[tokio::test]
async fn what_people_wrote_stays_text() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let evil = "<script>alert(1)</script>\"'><img src=x>";
    let sign = |post: &mut Post| {
        post.content.media[0].alt = "ảnh cũ".into();
        *post = records::approved(post.clone(), &world.people.approver);
    };
    add(&world, PostState::Approved, "Lời cũ", sign).await;
    let post = add(&world, PostState::InReview, evil, |post| {
        post.content.title = evil.into();
        post.content.author = evil.into();
        post.content.tags = vec![evil.into()];
        post.content.media[0].alt = evil.into();
        post.content.media[0].mime = evil.into();
    })
    .await;
    let clean = |text: &str, what: &str| {
        assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "{what}: {text}");
        assert!(text.contains("&lt;script&gt;alert"), "{what} shows it: {text}");
    };
    clean(approver.get(&at(&post)).await.text(), "the queue");
    let path = format!("/bai-dang/{}", post.id);
    let answer = approver.post(&format!("{path}/tra-lai"), &[("reason", evil)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    clean(approver.get(&path).await.text(), "its own page");
}

#[tokio::test]
async fn changes_are_asked_for_and_posts_refused_only_with_a_reason() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let author = Browser::of(&world, &world.people.author).await;
    let post = &world.posts.waiting;
    let path = format!("/bai-dang/{}", post.id);
    for act in ["tra-lai", "tu-choi"] {
        let blank = [("reason", " \n"), ("from", "queue")];
        let answer = approver.post(&format!("{path}/{act}"), &blank).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{act}");
        // The queue again, the post still before the eyes.
        let said = answer.text().contains("role=\"alert\"");
        assert!(said && answer.text().contains(&format!("action=\"{path}/duyet\"")), "{act}");
        let answer = author.post(&format!("{path}/{act}"), &[("reason", "x")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{act}");
    }
    assert_eq!(stored(&world, post).await, *post);
    let answer = approver.post(&format!("{path}/tu-choi"), &[("reason", "Trùng bài")]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/duyet"));
    let now = stored(&world, post).await;
    assert_eq!((now.state, now.reason.as_str()), (PostState::Void, "Trùng bài"));
    let digest = post.digest().to_string();
    let late = approver.post(&format!("{path}/duyet"), &[("digest", &digest)]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(deliveries(&world, post).await, 0);
}

#[tokio::test]
async fn ticked_posts_are_signed_each_by_the_digest_that_was_shown() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let mine = |post: &mut Post| post.author = world.people.approver.id;
    let own = add(&world, PostState::InReview, "Của người duyệt", mine).await;
    let fine = add(&world, PostState::InReview, "Bài tốt", |_| {}).await;
    let other = add(&world, PostState::InReview, "Bài vừa đổi", |_| {}).await;
    let page = approver.get("/duyet").await;
    let ticket = |post: &Post| format!("{}:{}", post.id, post.digest());
    for (post, offered) in [(&own, false), (&fine, true), (&other, true)] {
        let tick = format!("name=\"post\" value=\"{}\"", ticket(post));
        assert_eq!(page.text().contains(&tick), offered, "{}", post.content.text);
    }
    let mut changed = other.clone();
    changed.content.text = format!("Lời khác {}", changed.content.link.url);
    let row = world.store.read::<Post>(&other.id.to_string()).await.unwrap().unwrap();
    let edit = Changes::by(records::by(), "edit").update(&changed, row.version);
    world.store.commit(edit).await.unwrap();
    let form = [&own, &fine, &other].map(|post| ("post", ticket(post)));
    let form: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // No tick, no role, no post: nothing is signed.
    let none = approver.post("/duyet/nhieu", &[]).await;
    assert!(none.text().contains("Chưa chọn bài nào."), "{}", none.text());
    let author = Browser::of(&world, &world.people.author).await;
    assert_eq!(author.post("/duyet/nhieu", &form).await.status, StatusCode::FORBIDDEN);
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let foreign = stranger.post("/duyet/nhieu", &form).await;
    assert_eq!(foreign.text().matches("không duyệt được").count(), 3, "{}", foreign.text());
    assert!(!foreign.text().contains(world.article.title()), "another agency is told nothing");
    assert_eq!(deliveries(&world, &fine).await, 0);
    let answer = approver.post("/duyet/nhieu", &form).await;
    assert_eq!(answer.status, StatusCode::OK);
    let states =
        [(&own, PostState::InReview), (&fine, PostState::Approved), (&other, PostState::InReview)];
    for (post, state) in states {
        assert_eq!(stored(&world, post).await.state, state, "{}", post.content.text);
        assert_eq!(deliveries(&world, post).await, usize::from(state == PostState::Approved));
    }
    assert_eq!(stored(&world, &fine).await.approval.unwrap().digest, fine.digest());
    for said in [
        "đã duyệt</span>",
        "vừa thay đổi</span>",
        "không duyệt được</span>",
        "cần người khác phê duyệt",
    ] {
        assert!(answer.text().contains(said), "{said}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_operations_say_the_same_in_json() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let author = Browser::of(&world, &world.people.author).await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let post = &world.posts.waiting;
    let path = |act: &str| format!("/api/v1/posts/{}/{act}", post.id);
    let own = json!({ "digest": post.digest() });
    let wrong = json!({ "digest": Digest::of(b"khac") });
    let refused = [
        (&author, "approve", &own, 403),
        (&stranger, "approve", &own, 404),
        (&approver, "approve", &wrong, 409),
        (&approver, "approve", &json!({ "digest": "x" }), 422),
        (&approver, "approve", &json!({ "digest": post.digest(), "force": true }), 422),
        (&approver, "return", &json!({ "reason": "  " }), 422),
        (&approver, "reject", &json!({ "reason": "" }), 422),
        (&stranger, "reject", &json!({ "reason": "x" }), 404),
        (&author, "return", &json!({ "reason": "x" }), 403),
    ];
    for (who, act, body, code) in refused {
        let answer = who.json(&path(act), body).await;
        assert_eq!(answer.status.as_u16(), code, "{act} {body}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json", "{act} {body}");
    }
    assert_eq!(stored(&world, post).await, *post);
    for path in [format!("/api/v1/posts/{}", post.id), path("timeline"), at(post)] {
        assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let mine = |post: &mut Post| post.author = world.people.approver.id;
    let hers = add(&world, PostState::InReview, "Của người duyệt", mine).await;
    let answer = approver
        .json(&format!("/api/v1/posts/{}/approve", hers.id), &json!({ "digest": hers.digest() }))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    let all = json!({ "posts": [
        { "post": hers.id, "digest": hers.digest() }, { "post": post.id, "digest": Digest::of(b"khac") },
        { "post": "khong-co", "digest": post.digest() }, { "post": post.id, "digest": post.digest() },
    ] });
    let answer = approver.json("/api/v1/posts/approve", &all).await;
    let told = answer.value();
    let results: Vec<_> = told["posts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["result"].as_str().unwrap())
        .collect();
    assert_eq!(results, ["refused", "changed", "refused", "signed"], "{told}");
    assert_eq!((deliveries(&world, post).await, deliveries(&world, &hers).await), (1, 0));
    let many = json!({ "posts": vec![json!({ "post": post.id, "digest": post.digest() }); 101] });
    let answer = approver.json("/api/v1/posts/approve", &many).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn every_key_has_something_to_reach_and_nothing_needs_a_script() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let second = add(&world, PostState::InReview, "Bài thứ hai", |_| {}).await;
    let third = add(&world, PostState::InReview, "Bài thứ ba", |_| {}).await;
    let page = approver.get(&at(&second)).await;
    let keys = ["next", "before", "approve", "return", "help"];
    for key in keys {
        assert_eq!(page.text().matches(&format!("data-key=\"{key}\"")).count(), 1, "{key}");
        assert!(support::root().join("assets/web/approvals.js").is_file());
    }
    let link =
        |post: &Post, key: &str| format!("href=\"/duyet?bai={}\" data-key=\"{key}\"", post.id);
    assert!(page.text().contains(&link(&third, "next")));
    assert!(page.text().contains(&link(&world.posts.waiting, "before")));
    assert!(!page.text().contains("onclick") && !page.text().contains("<script>"));
    // Whoever may not sign is offered nothing to press.
    let author = Browser::of(&world, &world.people.author).await;
    let page = author.get(&at(&second)).await;
    assert!(!page.text().contains("data-key=\"approve\"") && !page.text().contains("tu-choi"));
    assert!(page.text().contains("Bài do bạn soạn"));
    let script = std::fs::read_to_string(support::root().join("assets/web/approvals.js")).unwrap();
    for key in keys {
        assert!(script.contains(&format!("\"{key}\"")), "{key} is reached by a key");
    }
    assert!(world.clock.now() > jiff::Timestamp::UNIX_EPOCH);
}

#[tokio::test]
async fn an_answer_says_what_was_decided_and_goes_on_to_the_next_post_below() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let second = add(&world, PostState::InReview, "Bài thứ hai", |_| {}).await;
    let third = add(&world, PostState::InReview, "Bài thứ ba", |_| {}).await;
    let answer = async |post: &Post, act: &str, more: (&str, &str)| {
        let path = format!("/bai-dang/{}/{act}", post.id);
        let answer = approver.post(&path, &[("from", "queue"), more]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        answer.header("location").to_owned()
    };
    let digest = second.digest().to_string();
    let next = answer(&second, "duyet", ("digest", &digest)).await;
    assert_eq!(next, format!("/duyet?vua={}&bai={}", second.id, third.id), "the one below");
    let page = approver.get(&next).await;
    let said = [
        "role=\"status\"><strong>Đã phê duyệt</strong>",
        &format!("/bai-dang/{}\"", second.id),
        "card answers fresh",
        &format!("action=\"/bai-dang/{}/duyet\"", third.id),
    ];
    for said in said {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    // The last of the queue leads to the one above, and refusing takes a step of its own.
    let refuse = format!("<button class=\"danger\" formaction=\"/bai-dang/{}/tu-choi\">", third.id);
    let at = page.text().find(&refuse).unwrap();
    assert!(page.text().get(..at).unwrap().rfind("<details class=\"refuse\">").is_some());
    let next = answer(&third, "tu-choi", ("reason", "Trùng")).await;
    assert_eq!(next, format!("/duyet?vua={}&bai={}", third.id, world.posts.waiting.id));
    assert!(approver.get(&next).await.text().contains("<strong>Đã từ chối</strong>"));
    let next = answer(&world.posts.waiting, "tra-lai", ("reason", "Thiếu nguồn")).await;
    assert_eq!(next, format!("/duyet?vua={}", world.posts.waiting.id), "nothing is left");
    let page = approver.get(&next).await;
    assert!(page.text().contains("<strong>Đã trả lại</strong>"), "{}", page.text());
    // The writer is told on every page, and finds both with the remark.
    let author = Browser::of(&world, &world.people.author).await;
    let list = author.get("/bai-dang").await;
    for said in ["h-back", "Thiếu nguồn", "Trùng", "bị từ chối"] {
        assert!(list.text().contains(said), "{said}: {}", list.text());
    }
    assert!(!approver.get("/bai-dang").await.text().contains("h-back"), "the approver wrote none");
    let stranger = Browser::of(&world, &world.people.stranger).await;
    assert_eq!(stranger.get(&next).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_post_that_comes_back_shows_what_was_asked_for_and_what_changed_since() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let post = add(&world, PostState::InReview, "Mức hỗ trợ 30 triệu đồng", |_| {}).await;
    let back = world.review.return_with_reason(&world.people.approver, post.id, "Sai mức");
    let mut post = back.await.unwrap();
    post.content.text = post.content.text.replace("30", "20");
    post.state = PostState::InReview;
    let row = world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap();
    let changes = Changes::by(records::by(), "edit").update(&post, row.version);
    world.store.commit(changes).await.unwrap();
    let page = approver.get(&at(&post)).await;
    for said in ["Bạn đã trả lại", "<q>Sai mức</q>", "<del>30</del><ins>20</ins>"] {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    let api = approver.get(&format!("/api/v1/posts/{}", post.id)).await.value();
    assert_eq!(api["sent_back"]["reason"], "Sai mức");
    let other = at(&world.posts.waiting);
    assert!(!approver.get(&other).await.text().contains("Bạn đã trả lại"));
}

#[tokio::test]
async fn posts_are_found_by_what_people_know_of_them_and_each_filter_is_taken_back() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let one = add(&world, PostState::InReview, "Lời văn hiếm gặp", |_| {}).await;
    let list =
        async |query: &str| author.get(&format!("/bai-dang?{query}")).await.text().to_owned();
    let link = format!("<a href=\"/bai-dang/{}\">", one.id);
    let draft = format!("<a href=\"/bai-dang/{}\">", world.posts.draft.id);
    for (query, found) in [
        ("q=hiem+gap", true),
        ("q=gap+hiem", true),
        ("q=iem", false),
        ("q=khong+co+dau", false),
        ("state=in_review", true),
        ("state=draft", false),
        ("account=facebook", true),
        ("account=facebook:cong-tin&q=van+hiem", true),
        ("account=viber", false),
        ("author=me", true),
        ("to=2020-01-01", false),
        ("from=2020-01-01&to=2099-01-01", true),
        ("from=2099-01-01", false),
    ] {
        assert_eq!(list(query).await.contains(&link), found, "{query}");
    }
    assert!(list("state=draft").await.contains(&draft));
    let page = list("state=in_review&q=hiem").await;
    assert!(page.contains("href=\"&#x2f;bai-dang?q=hiem\""), "each is taken back alone: {page}");
    assert!(page.contains("href=\"&#x2f;bai-dang?state=in_review\""), "{page}");
    assert!(list("q=khongcogi").await.contains("Không có bài nào như vậy"));
    let approver = Browser::of(&world, &world.people.approver).await;
    let none = approver.get("/bai-dang?author=me").await;
    assert!(!none.text().contains(&link), "the approver wrote none");
}
