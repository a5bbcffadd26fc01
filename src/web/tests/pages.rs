//! What the pages promise to the people of a newsroom.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use jiff::SignedDuration;
use loa_model::{Actor, Clock as _, Delivery, DeliveryState, JobState, Post, PostState, Progress};
use loa_store::{Changes, JobEnd, Store as _, StoreExt as _};
use support::{
    PASSWORD, World,
    browser::{Answer, Browser},
    records::key,
};

async fn stored(world: &World, post: &Post) -> Post {
    world.store.read::<Post>(&key(post)).await.unwrap().unwrap().record
}

async fn deliveries(world: &World, post: &Post) -> Vec<Delivery> {
    let rows = world.store.list::<Delivery>("delivery_by_post", &key(post), 10).await.unwrap();
    rows.into_iter().map(|row| row.record).collect()
}

#[tokio::test]
async fn who_is_not_signed_in_sees_the_sign_in_page_only() {
    let world = World::new().await;
    let nobody = Browser::nobody(&world);
    let article = format!("/bai-viet/{}", world.article.id);
    let blob = format!("/tep/{}", world.kept.card);
    for path in ["/", &article, "/duyet", "/bai-dang", "/bao-cao", &blob] {
        let answer = nobody.get(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        let door = match path {
            "/" => "/dang-nhap".to_owned(),
            path => format!("/dang-nhap?toi={}", path.replace('/', "%2F")),
        };
        assert_eq!(answer.header("location"), door, "{path}");
        assert!(answer.body.is_empty(), "{path}");
    }
    for path in ["/api/v1/articles", "/api/v1/posts", "/api/v1/reach"] {
        assert_eq!(nobody.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let approve = format!("/bai-dang/{}/duyet", world.posts.waiting.id);
    let answer = nobody.post(&approve, &[("digest", "x")]).await;
    assert_eq!(answer.header("location"), "/dang-nhap");
    // A card must not be replaced by the sign-in page: the whole page leaves.
    let headers = [("hx-request", "true"), ("sec-fetch-site", "same-origin")];
    let answer = nobody.send("POST", &approve, &headers, &[("digest", "x")]).await;
    assert_eq!(
        (answer.status, answer.header("hx-redirect")),
        (StatusCode::UNAUTHORIZED, "/dang-nhap")
    );
}

#[tokio::test]
async fn signing_in_and_out() {
    let world = World::new().await;
    let nobody = Browser::nobody(&world);
    let form = |login, password| [("login", login), ("password", password)];
    let wrong = nobody.post("/dang-nhap", &form("soan", "mat khau")).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text().contains("Sai tên đăng nhập hoặc mật khẩu."), "{}", wrong.text());
    assert_eq!(wrong.header("set-cookie"), "");
    let unknown = nobody.post("/dang-nhap", &form("khong-co-ai", PASSWORD)).await;
    // Nothing but what was typed tells a login that is known from one that is not.
    let same = unknown.text().replace("khong-co-ai", "soan");
    assert_eq!((unknown.status, same.as_str()), (wrong.status, wrong.text()));

    let right = nobody.post("/dang-nhap", &form("soan", PASSWORD)).await;
    assert_eq!((right.status, right.header("location")), (StatusCode::SEE_OTHER, "/"));
    let cookie = right.header("set-cookie").to_owned();
    for word in ["__Host-loa=", "HttpOnly", "SameSite=Strict", "; Secure", "Path=/;"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let token = cookie.split(';').next().unwrap().to_owned();
    let author = Browser { world: &world, cookie: token.clone() };
    let page = author.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("Nguyễn Thị Mẫn"));
    // The ledger never holds the token itself.
    let ledger = serde_json::to_string(&world.store.tail(0, 1000).await.unwrap()).unwrap();
    assert!(!ledger.contains(token.split_once('=').unwrap().1));

    author.post("/dang-xuat", &[]).await;
    assert_eq!(author.get("/").await.header("location"), "/dang-nhap?het=1");
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    world.clock.set("2026-11-16T21:29:00Z");
    assert_eq!(author.get("/bai-dang").await.status, StatusCode::OK);
    world.clock.set("2026-11-16T21:30:00Z");
    let door = author.get("/bai-dang?trang=2").await.header("location").to_owned();
    assert_eq!(door, "/dang-nhap?toi=%2Fbai-dang%3Ftrang%3D2&het=1");
    let form = author.get(&door).await;
    assert!(form.text().contains("Phiên làm việc đã hết"), "{}", form.text());
    assert!(
        form.text().contains("name=\"toi\" value=\"&#x2f;bai-dang?trang=2\""),
        "{}",
        form.text()
    );
    // What a form held is lost; they come back to the page that it stood on.
    let page = [("referer", "http://loa.test/bai-dang"), ("sec-fetch-site", "same-origin")];
    let sent = author.send("POST", "/dang-xuat", &page, &[]).await;
    assert_eq!(sent.header("location"), "/dang-nhap?toi=%2Fbai-dang&het=1");
}

#[tokio::test]
async fn signing_in_leads_to_where_one_was_going_and_to_no_other_site() {
    let world = World::new().await;
    let nobody = Browser::nobody(&world);
    for (to, led) in [
        ("/bai-dang?trang=2", "/bai-dang?trang=2"),
        ("", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("https://evil.example/", "/"),
    ] {
        let form = [("login", "soan"), ("password", PASSWORD), ("toi", to)];
        let answer = nobody.post("/dang-nhap", &form).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::SEE_OTHER, led),
            "{to}"
        );
    }
    let wrong = [("login", "soan"), ("password", "sai"), ("toi", "/duyet")];
    let again = nobody.post("/dang-nhap", &wrong).await;
    assert!(
        again.text().contains("value=\"&#x2f;duyet\"") && again.text().contains("value=\"soan\"")
    );
}

#[tokio::test]
async fn guessing_passwords_is_stopped() {
    let world = World::new().await;
    let nobody = Browser::nobody(&world);
    for _ in 0..10 {
        let answer = nobody.post("/dang-nhap", &[("login", "soan"), ("password", "sai")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let right = [("login", "soan"), ("password", PASSWORD)];
    let answer = nobody.post("/dang-nhap", &right).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.text().contains("sau mười phút"));
    let other = nobody.post("/dang-nhap", &[("login", "duyet"), ("password", PASSWORD)]).await;
    assert_eq!(other.status, StatusCode::SEE_OTHER, "others are not locked out");
    world.clock.set("2026-11-16T09:40:01Z");
    assert_eq!(nobody.post("/dang-nhap", &right).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nobody_approves_what_they_wrote() {
    let world = World::new().await;
    let mut post = world.posts.waiting.clone();
    post.author = world.people.approver.id;
    let row = world.store.read::<Post>(&key(&post)).await.unwrap().unwrap();
    let edit = Changes::by(Actor::User(post.author), "edit").update(&post, row.version);
    world.store.commit(edit).await.unwrap();
    let approver = Browser::of(&world, &world.people.approver).await;
    let action = format!("/bai-dang/{}/duyet", post.id);
    for page in ["/duyet".to_owned(), format!("/bai-viet/{}", post.article)] {
        let page = approver.get(&page).await;
        assert!(!page.text().contains(&format!("action=\"{action}\"")));
        assert!(page.text().contains("Bài do bạn soạn: cần người khác phê duyệt."));
    }
    let digest = post.digest().to_string();
    let answer = approver.post(&action, &[("digest", &digest)]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text().contains("cần người khác phê duyệt"), "{}", answer.text());
    assert_eq!(stored(&world, &post).await.state, PostState::InReview);
    assert!(deliveries(&world, &post).await.is_empty());
    // Nor does one without the role.
    let author = Browser::of(&world, &world.people.author).await;
    let answer = author.post(&action, &[("digest", &digest)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(deliveries(&world, &post).await.is_empty());
}

#[tokio::test]
async fn an_approver_signs_what_was_shown() {
    let world = World::new().await;
    let post = &world.posts.waiting;
    let approver = Browser::of(&world, &world.people.approver).await;
    let page = approver.get("/duyet").await;
    let digest = post.digest().to_string();
    let action = format!("/bai-dang/{}/duyet", post.id);
    assert!(page.text().contains(&format!("action=\"{action}\"")));
    assert!(page.text().contains(&format!("name=\"digest\" value=\"{digest}\"")));
    let answer = approver.post(&action, &[("digest", &digest)]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/duyet"));
    let now = stored(&world, post).await;
    assert_eq!(now.state, PostState::Approved);
    let approval = now.approval.unwrap();
    assert_eq!((approval.digest, approval.by), (post.digest(), world.people.approver.id));
    let made = deliveries(&world, post).await;
    assert_eq!(made.len(), 1);
    assert_eq!((made[0].state, made[0].digest), (DeliveryState::Scheduled, post.digest()));
    let page = approver.get("/duyet").await;
    assert!(page.text().contains("Không có bài chờ duyệt"));
}

#[tokio::test]
async fn what_changed_since_it_was_shown_is_not_signed() {
    let world = World::new().await;
    let post = &world.posts.waiting;
    let approver = Browser::of(&world, &world.people.approver).await;
    let action = format!("/bai-dang/{}/duyet", post.id);
    let other = world.posts.draft.digest().to_string();
    let answer = approver.post(&action, &[("digest", &other)]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(
        approver.post(&action, &[("digest", "no digest")]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(stored(&world, post).await.state, PostState::InReview);
    assert!(deliveries(&world, post).await.is_empty());
}

#[tokio::test]
async fn a_card_is_replaced_in_place() {
    let world = World::new().await;
    let post = &world.posts.waiting;
    let approver = Browser::of(&world, &world.people.approver).await;
    let headers = [("hx-request", "true"), ("sec-fetch-site", "same-origin")];
    let press = async |what: &str, form: &[(&str, &str)]| {
        let path = format!("/bai-dang/{}/{what}", post.id);
        approver.send("POST", &path, &headers, form).await
    };
    let refused = press("tra-lai", &[("reason", "  ")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let card = |answer: &Answer| {
        assert!(
            answer
                .text()
                .starts_with(&format!("<article class=\"card post\" id=\"post-{}\"", post.id))
        );
        assert!(!answer.text().contains("<html"));
    };
    card(&refused);
    assert!(refused.text().contains("role=\"alert\""));
    assert!(refused.text().contains(&format!("action=\"/bai-dang/{}/duyet\"", post.id)));
    let returned = press("tra-lai", &[("reason", "Sửa số liệu ở đoạn hai")]).await;
    assert_eq!(returned.status, StatusCode::OK);
    card(&returned);
    assert!(
        returned.text().contains("bị trả lại")
            && returned.text().contains("Sửa số liệu ở đoạn hai")
    );
    assert!(returned.text().contains("id=\"waiting\" class=\"count\" hx-swap-oob=\"true\" hidden"));
    assert_eq!(stored(&world, post).await.reason, "Sửa số liệu ở đoạn hai");
    // The author hands it in again; the button is there only for who may press it.
    assert!(
        !returned.text().contains("gui-duyet") || world.people.approver.is(loa_model::Role::Author)
    );
    let author = Browser::of(&world, &world.people.author).await;
    let path = format!("/bai-dang/{}/gui-duyet", post.id);
    let sent = author.send("POST", &path, &headers, &[]).await;
    assert_eq!(sent.status, StatusCode::OK);
    assert!(sent.text().contains("chờ duyệt") && !sent.text().contains("gui-duyet"));
}

#[tokio::test]
async fn a_post_the_channel_would_refuse_cannot_be_submitted() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let page = author.get(&format!("/bai-viet/{}", world.article.id)).await;
    let action = format!("/bai-dang/{}/gui-duyet", world.posts.broken.id);
    assert!(!page.text().contains(&action));
    assert!(page.text().contains("Kênh sẽ không nhận bài này"));
    assert!(page.text().contains("Lời văn dài") && page.text().contains("768 ký tự"));
    assert_eq!(author.post(&action, &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(stored(&world, &world.posts.broken).await.state, PostState::Draft);
    let fine = format!("/bai-dang/{}/gui-duyet", world.posts.draft.id);
    assert!(
        page.text().contains(&fine),
        "{:?}",
        world.capabilities["zalo"].check(&world.posts.draft.content)
    );
}

#[tokio::test]
async fn every_state_and_frame_is_shown() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let list = author.get("/bai-dang").await;
    for word in ["bản nháp", "chờ duyệt", "đã đăng", "chưa rõ kết quả", "bị trả lại", "1022_4471"]
    {
        assert!(list.text().contains(word), "{word}");
    }
    let page = author.get(&format!("/bai-viet/{}", world.article.id)).await;
    // Each channel's own frame, with the words of the post inside.
    for frame in ["frame-facebook", "loa-frame-zalo", "frame-viber", "loa-frame-youtube"] {
        let at = page.text().find(frame).unwrap_or_else(|| panic!("no {frame}"));
        let frame_text: String = page.text().get(at..).unwrap().chars().take(6000).collect();
        assert!(frame_text.contains(world.article.title()), "{frame}");
    }
    assert!(page.text().contains("không thấy bài"), "evidence of the uncertain one");
    assert!(
        page.text().contains("https:&#x2f;&#x2f;www.facebook.com&#x2f;1022&#x2f;posts&#x2f;4471")
    );
    assert!(page.text().contains("Trần Đình Hộ"), "who approved");
    assert!(page.text().contains("<mark class=\"point\">"));
    assert!(page.text().contains("Nguồn gốc từng câu") && page.text().contains("href=\"#b"));
    let page = author.get(&format!("/bai-viet/{}?ban=poster", world.article.id)).await;
    let print =
        format!("<a class=\"pending\" href=\"/tep/{}\">Mở bản in (PDF)</a>", world.kept.card);
    assert!(page.text().contains(&print), "the poster of a notice board");
    assert!(page.text().contains(">a4.pdf</a>") && !page.text().contains("595×842"));
    assert!(
        page.text().contains("Tờ A3: không đủ chỗ cho trọn câu chữ này"),
        "what could not be drawn"
    );
    let reach = author.get("/bao-cao?from=2026-11-10&to=2026-11-16").await;
    assert!(reach.text().contains("<svg") && reach.text().contains("3.905"));
    assert!(reach.text().contains("<summary>Số liệu của biểu đồ</summary>"));
    assert!(
        reach.text().contains("chưa có số liệu, hoặc kênh không cung cấp"),
        "absent is not nought"
    );
    assert!(!reach.text().contains(">0</td>"));
}

#[tokio::test]
async fn people_of_another_agency_see_nothing() {
    let world = World::new().await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let post = &world.posts.waiting;
    let digest = post.digest().to_string();
    let gets = [format!("/bai-viet/{}", world.article.id), format!("/viec/{}/tien-do", world.job)];
    for path in gets {
        // The head alone: a stream of progress that was let through would never end.
        let answer = stranger.raw("GET", &path, &[], String::new()).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let posts = [
        format!("/bai-viet/{}/soan", world.article.id),
        format!("/bai-dang/{}/gui-duyet", world.posts.draft.id),
        format!("/bai-dang/{}/duyet", post.id),
        format!("/bai-dang/{}/tra-lai", post.id),
        format!("/viec/{}/huy", world.job),
    ];
    let form = [("digest", digest.as_str()), ("reason", "không"), ("accounts", "zalo:cong-tin")];
    for path in posts {
        assert_eq!(stranger.post(&path, &form).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(stored(&world, post).await.state, PostState::InReview);
    for path in ["/", "/duyet", "/bai-dang", "/bao-cao", "/api/v1/articles", "/api/v1/posts"] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        for secret in [world.article.title(), &key(post), &world.job.to_string(), "404"] {
            assert!(!answer.text().contains(secret), "{path} shows {secret}");
        }
    }
}

#[tokio::test]
async fn other_sites_cannot_press_our_buttons() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let post = &world.posts.waiting;
    let digest = post.digest().to_string();
    let path = format!("/bai-dang/{}/duyet", post.id);
    let foreign = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://xau.example"),
    ];
    for header in foreign {
        let answer = approver.send("POST", &path, &[header], &[("digest", &digest)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header:?}");
        let sign_in = [("login", "soan"), ("password", PASSWORD)];
        let answer = approver.send("POST", "/dang-nhap", &[header], &sign_in).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header:?}");
    }
    assert_eq!(stored(&world, post).await.state, PostState::InReview);
    let own = [("origin", "https://loa.example")];
    let answer = approver.send("POST", &path, &own, &[("digest", &digest)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

/// Server-sent events as they come.
async fn next_event(body: &mut axum::body::BodyDataStream) -> Option<String> {
    use futures::StreamExt as _;
    let bytes = body.next().await?.unwrap();
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn progress_is_told_and_ends() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let response =
        author.raw("GET", &format!("/viec/{}/tien-do", world.job), &[], String::new()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    let first = next_event(&mut body).await.unwrap();
    assert!(first.contains("event: progress") && first.contains("\"done\":2"), "{first}");
    assert!(first.contains("Đọc bài"), "in words: {first}");
    world.progress.send_modify(|map| {
        let step = "render.clip".to_owned();
        map.insert(world.job, Progress { step, done: 3, total: 4, eta_ms: None });
    });
    let second = next_event(&mut body).await.unwrap();
    assert!(second.contains("\"done\":3") && second.contains("kết xuất khung hình"), "{second}");
    // A worker that has not told anything yet, or not again, is no end; only the end of the job is.
    world.progress.send_modify(std::collections::BTreeMap::clear);
    let other = author.post("/bai-viet", &[("source", "https://minhhoa.example/khac.htm")]).await;
    assert_eq!(other.status, StatusCode::SEE_OTHER);
    world.store.cancel_job(world.job, Actor::User(world.people.author.id)).await.unwrap();
    finish(&world).await;
    let last = next_event(&mut body).await.unwrap();
    assert!(last.contains("event: done"), "{last}");
    assert_eq!(next_event(&mut body).await, None);
}

/// The worker obeys a cancellation: its lease has run out and nobody takes the job up again.
async fn finish(world: &World) {
    let running = world.store.jobs(Some(JobState::Executing), 10).await.unwrap();
    assert!(running.iter().any(|view| view.job.id == world.job && view.cancel_requested));
    let (attempt, fence) = (1, world.fence);
    let job = running.into_iter().find(|view| view.job.id == world.job).unwrap().job;
    let until = world.clock.now() + SignedDuration::from_mins(5);
    let claimed = loa_store::Claimed { job, attempt, fence, until };
    world.store.finish(&claimed, JobEnd::Cancel).await.unwrap();
}

#[tokio::test]
async fn a_job_is_called_off() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let page = author.get("/").await;
    let action = format!("/viec/{}/huy", world.job);
    assert!(page.text().contains(&action) && page.text().contains("value=\"50\""));
    assert!(page.text().contains("đã dừng hẳn"));
    assert!(page.text().contains("the portal answered 404"));
    let answer = author.post(&action, &[]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"));
    finish(&world).await;
    let cancelled = world.store.jobs(Some(JobState::Cancelled), 10).await.unwrap();
    assert_eq!(cancelled.len(), 1);
    assert!(!author.get("/").await.text().contains(&action));
}

#[tokio::test]
async fn markup_in_an_article_stays_text() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let list = author.get("/").await;
    assert!(list.text().contains("&lt;script&gt;alert"), "{}", list.text());
    let api = author.get("/api/v1/articles").await;
    let api: serde_json::Value = serde_json::from_slice(&api.body).unwrap();
    let articles = api["items"].as_array().unwrap();
    let other =
        articles.iter().find(|a| a["title"].as_str().unwrap().contains("<script>")).unwrap();
    let page = author.get(&format!("/bai-viet/{}", other["id"].as_str().unwrap())).await;
    let own = format!("/bai-viet/{}", world.article.id);
    for text in [
        list.text(),
        page.text(),
        author.get(&own).await.text(),
        author.get("/bai-dang").await.text(),
    ] {
        assert!(!text.contains("<script>"), "a headline became markup");
        assert!(!text.contains("href=\"javascript:"));
        assert!(!text.contains("<b>trước</b>"), "a reason became markup");
    }
    assert!(page.text().contains("&lt;script&gt;"));
}

#[test]
fn both_languages_say_everything() {
    assert_eq!(support::assets().missing_words(), Vec::<String>::new());
    // Every word that a page asks for by name is there, and one for each state.
    let mut words = toml::Table::new();
    for folder in ["locales", "web"] {
        let path = support::root().join(format!("assets/{folder}/vi.toml"));
        words.extend(std::fs::read_to_string(path).unwrap().parse::<toml::Table>().unwrap());
    }
    let known = |key: &str| {
        words.contains_key(key)
            || key.split_once('.').is_some_and(|(table, rest)| {
                words
                    .get(table)
                    .and_then(toml::Value::as_table)
                    .is_some_and(|t| t.contains_key(rest))
            })
    };
    let pages = support::root().join("assets/web/pages");
    let mut asked = 0;
    for entry in std::fs::read_dir(pages).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for part in text.split("t(\"").skip(1) {
            let (key, after) = part.split_once('"').unwrap();
            if after.starts_with(')') {
                asked += 1;
                assert!(known(key), "{} asks for {key}", path.display());
            }
        }
    }
    assert!(asked > 60, "{asked}");
    for state in loa_model::DeliveryState::ALL {
        for table in ["state", "state_help"] {
            assert!(known(&format!("{table}.{}", state.name())), "{table} {state:?}");
        }
    }
    for state in ["draft", "in_review", "approved", "returned", "void", "uncertain_person"] {
        assert!(known(&format!("state_help.{state}")), "{state}");
    }
    for key in loa_delivery::DeskError::KEYS {
        assert!(known(&format!("desk_error.{key}")), "{key}");
    }
    for priority in loa_model::Priority::ALL {
        assert!(known(&format!("priority.{}", priority.name())), "{priority:?}");
    }
    for kind in loa_delivery::IncidentKind::ALL {
        assert!(known(&format!("incident_name.{}", kind.key())), "{kind:?}");
    }
}

#[tokio::test]
async fn the_english_page_is_english() {
    let world = World::new().await;
    let mut author = Browser::of(&world, &world.people.author).await;
    let switch = author.get("/ngon-ngu/en").await;
    assert!(switch.header("set-cookie").starts_with("lang=en;"));
    author.cookie.push_str("; lang=en");
    let page = author.get("/bai-dang").await;
    assert!(page.text().contains("<html lang=\"en\">") && page.text().contains(">Posts<"));
    // Back to where they were, and never to another site.
    for (from, to) in [
        ("https://loa.example/lich?xem=ngay", "/lich?xem=ngay"),
        ("https://evil.example//evil.example/", "/"),
        ("/lich", "/"),
    ] {
        let switch = author.send("GET", "/ngon-ngu/vi", &[("referer", from)], &[]).await;
        assert_eq!(switch.header("location"), to, "{from}");
    }
    assert!(!page.text().contains("Đăng xuất"));
}
