//! The list of articles: asked in any spelling, filtered, always as of now; and the ways in.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::http::StatusCode;
use loa_model::{Actor, Article, DeliveryState, Handed, JobKind, JobState, PostState, Record as _};
use loa_store::{Changes, Store as _, StoreExt as _};
use serde_json::Value;
use support::{World, browser::Browser};

/// Headlines that a question finds.
async fn found(browser: &Browser<'_>, query: &str) -> Vec<String> {
    let answer = browser.get(&format!("/api/v1/articles?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    let titles = told["items"].as_array().unwrap().iter();
    titles.map(|article| article["title"].as_str().unwrap().to_owned()).collect()
}

async fn add(world: &World, title: &str, section: &str, published: &str) -> Article {
    let mut article = Article {
        id: world.ids.make(),
        section: section.to_owned(),
        published_at: Some(published.parse().unwrap()),
        ..world.article.clone()
    };
    title.clone_into(&mut article.blocks[0].text);
    article.blocks.retain(|block| block.kind != loa_model::BlockKind::Sapo);
    article.source.canonical_url = format!("https://minhhoa.example/{}", article.id);
    let changes = Changes::by(Actor::Worker("test".into()), "add").insert(&article);
    world.store.commit(changes).await.unwrap();
    article
}

#[tokio::test]
async fn an_article_is_found_in_any_spelling_and_as_of_now() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let title = world.article.title().to_owned();
    for question in ["q=ho+tro+sinh+ke", "q=H%E1%BB%96%20TR%E1%BB%A2", "q=sinh+k", "q=ke+sinh"] {
        assert!(found(&browser, question).await.contains(&title), "{question}");
    }
    assert_eq!(found(&browser, "q=khong+co+bai+nay").await, [""; 0]);
    // What comes after the first question is found as well, and a new edition by its new words only.
    let mut article = add(&world, "Lũ rút ở Đông Hà", "Thiên tai", "2026-11-10T02:00:00Z").await;
    assert_eq!(found(&browser, "q=lu+rut+dong+ha").await, ["Lũ rút ở Đông Hà"]);
    let row = world.store.read::<Article>(&article.key()).await.unwrap().unwrap();
    article.revision += 1;
    article.blocks[0].text = "Lũ lên lại ở Đông Hà".into();
    let old = Article { state: loa_model::ArticleState::Superseded, ..row.record };
    let changes = Changes::by(Actor::Worker("test".into()), "revise");
    world.store.commit(changes.update(&old, row.version).insert(&article)).await.unwrap();
    assert_eq!(found(&browser, "q=rut").await, [""; 0]);
    assert_eq!(found(&browser, "q=len+lai").await, ["Lũ lên lại ở Đông Hà"]);
    // Another agency finds nothing of it.
    let stranger = Browser::of(&world, &world.people.stranger).await;
    assert_eq!(found(&stranger, "q=dong+ha").await, [""; 0]);
}

#[tokio::test]
async fn an_article_that_came_twice_says_so_and_leads_to_the_other() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let first = add(&world, "Lũ rút ở Đông Hà", "Thiên tai", "2026-11-10T02:00:00Z").await;
    let told = async |article: &Article| {
        let page = browser.get(&format!("/bai-viet/{}", article.id)).await.text().to_owned();
        page.contains("Có vẻ bài này đã có")
    };
    assert!(!told(&first).await);
    // The same words from a file, whose headline somebody wrote in capitals.
    let again = add(&world, "LŨ RÚT Ở ĐÔNG HÀ", "", "2026-11-12T02:00:00Z").await;
    assert!(told(&first).await && told(&again).await);
    let list = browser.get("/?q=lu+rut").await.text().to_owned();
    assert_eq!(list.matches("Có vẻ bài này đã có").count(), 2, "{list}");
    // Another one that only has the headline is another one, and so is that of somebody else.
    let mut other = add(&world, "Bản tin", "", "2026-11-13T02:00:00Z").await;
    assert!(!told(&other).await);
    other = Article { id: world.ids.make(), agency: "tinh".to_owned(), ..first.clone() };
    let changes = Changes::by(Actor::Worker("test".into()), "add").insert(&other);
    world.store.commit(changes).await.unwrap();
    let list = browser.get("/?q=lu+rut").await.text().to_owned();
    assert_eq!(list.matches("Có vẻ bài này đã có").count(), 2, "{list}");
}

#[tokio::test]
async fn an_address_that_was_mistyped_is_corrected_where_it_was_typed() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    world.dead_letter("demo").await;
    let link = "/?dia-chi=https%3A%2F%2Fminhhoa.example%2Fkhong-con.htm#source";
    for page in ["/", "/can-xu-ly"] {
        let page = browser.get(page).await;
        assert!(
            page.text().contains(&format!("href=\"{}\"", link.replace('/', "&#x2f;"))),
            "{}",
            page.text()
        );
    }
    let page = browser.get(link.trim_end_matches("#source")).await.text().to_owned();
    let field = page.split("id=\"source\"").nth(1).unwrap().split('>').next().unwrap();
    assert!(field.contains("khong-con.htm"), "{field}");
}

#[tokio::test]
async fn filters_are_joined_and_taken_back_one_by_one() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    add(&world, "Bão số 9", "Thiên tai", "2026-11-10T02:00:00Z").await;
    // In Hanoi it is the eleventh already.
    add(&world, "Bão số 10", "Thiên tai", "2026-11-10T17:30:00Z").await;
    add(&world, "Giá điện", "Kinh tế & đời sống", "2026-11-10T02:00:00Z").await;
    assert_eq!(found(&browser, "section=Thi%C3%AAn+tai").await, ["Bão số 10", "Bão số 9"]);
    let day = "section=Thi%C3%AAn+tai&from=2026-11-10&to=2026-11-10";
    assert_eq!(found(&browser, day).await, ["Bão số 9"]);
    assert_eq!(found(&browser, "status=none&q=bao&limit=1").await, ["Bão số 10"]);
    let first = browser.get("/api/v1/articles?status=none&q=bao&limit=1").await.value();
    let after = first["next"].as_str().unwrap();
    let next = format!("status=none&q=bao&limit=1&after={after}");
    assert_eq!(found(&browser, &next).await, ["Bão số 9"]);
    let page =
        browser.get("/?section=Kinh+t%E1%BA%BF+%26+%C4%91%E1%BB%9Di+s%E1%BB%91ng&q=gia").await;
    assert!(page.text().contains("Giá điện") && !page.text().contains("Bão số"));
    // Each chip leads to the question without it.
    let text = page.text().replace("&#x2f;", "/").replace("&amp;", "&");
    assert!(text.contains("href=\"/?q=gia\""), "{text}");
    let other = "href=\"/?section=Kinh+t%E1%BA%BF+%26+%C4%91%E1%BB%9Di+s%E1%BB%91ng\"";
    assert!(text.contains(other), "{text}");
    // Empty fields of the form ask for nothing, and what is no day is told.
    assert_eq!(found(&browser, "q=&status=&section=&source=&from=&to=").await.len(), 5);
    for bad in ["status=maybe", "from=yesterday", "limit=-1"] {
        let answer = browser.get(&format!("/api/v1/articles?{bad}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn an_article_stands_as_its_posts_do() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let status = async || {
        let answer = browser.get("/api/v1/articles?q=sinh+ke").await;
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        told["items"][0]["status"].as_str().unwrap().to_owned()
    };
    // Of the posts of the newsroom one is in doubt.
    assert_eq!(status().await, "uncertain");
    for post in [&world.posts.uncertain, &world.posts.waiting] {
        let row = world.store.read::<loa_model::Post>(&post.id.to_string()).await.unwrap().unwrap();
        let void = loa_model::Post { state: PostState::Void, ..row.record };
        let changes = Changes::by(Actor::Worker("test".into()), "void");
        world.store.commit(changes.update(&void, row.version)).await.unwrap();
    }
    // One is live, others are written.
    assert_eq!(status().await, "partly");
    world.in_state("viber:cong-tin", DeliveryState::Missed).await;
    assert_eq!(status().await, "trouble");
}

/// A form with a file as a browser sends it.
async fn hand_in(
    browser: &Browser<'_>,
    name: &str,
    bytes: &str,
    page: &str,
) -> (StatusCode, String) {
    let body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{bytes}\r\n\
         --x\r\ncontent-disposition: form-data; name=\"page\"\r\n\r\n{page}\r\n--x--\r\n"
    );
    let headers =
        [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=x")];
    let answer = browser.raw("POST", "/bai-viet/tep", &headers, body).await;
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 1_000_000).await.unwrap();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_file_is_kept_before_its_reading_is_queued() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let page = "https://minhhoa.example/bai-9.htm";
    let (status, text) = hand_in(&browser, "C:\\bai\\Bài 9.HTML", "<html>chữ</html>", page).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    let jobs = world.store.jobs(Some(JobState::Available), 100).await.unwrap();
    let sources = jobs.iter().filter_map(|view| match &view.job.work {
        JobKind::Ingest { source, .. } => Handed::parse(source),
        _ => None,
    });
    let handed: Vec<Handed> = sources.collect();
    assert_eq!(handed.len(), 1);
    assert_eq!((handed[0].name.as_str(), handed[0].page.as_deref()), ("Bài 9.HTML", Some(page)));
    let kept = world.blobs.get(handed[0].blob).await.unwrap();
    assert_eq!(kept, "<html>chữ</html>");
    // People see its name, not how it is kept.
    let list = browser.get("/").await;
    assert!(list.text().contains("Bài 9.HTML") && !list.text().contains("loa-file:"));

    for (name, bytes, page, why) in [
        ("bai.exe", "MZ", "", ".html, .json, .md"),
        ("bai", "x", "", ".html, .json, .md"),
        ("bai.html", "", "", "Hãy chọn một tệp"),
        ("bai.html", "x", "javascript:alert(1)", "http://"),
        ("bai.html", &"x".repeat(5 * 1024 * 1024 + 1), "", "5 MiB"),
        ("bai.html", &"x".repeat(6 * 1024 * 1024), "", "5 MiB"),
    ] {
        let (status, text) = hand_in(&browser, name, bytes, page).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(text.contains(&why.replace('/', "&#x2f;")) || text.contains(why), "{name}: {text}");
    }
    assert_eq!(world.store.jobs(Some(JobState::Available), 100).await.unwrap().len(), jobs.len());
}

#[tokio::test]
async fn several_articles_are_composed_at_once_or_none() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let other = add(&world, "Giá điện", "Kinh tế", "2026-11-10T02:00:00Z").await;
    let (first, second) = (world.article.id.to_string(), other.id.to_string());
    let queued = async || {
        let jobs = world.store.jobs(Some(JobState::Available), 100).await.unwrap();
        let compose = |view: &&loa_store::JobView| matches!(view.job.work, JobKind::Compose { .. });
        jobs.iter().filter(compose).count()
    };
    let before = queued().await;
    let to = ("accounts", "facebook:cong-tin");
    for form in [
        vec![("articles", &*first)],
        vec![to],
        vec![to, ("articles", &first), ("articles", "00000000-0000-7000-8000-00000000abcd")],
    ] {
        let answer = browser.post("/bai-viet/soan", &form).await;
        assert!(answer.status.is_client_error(), "{form:?}");
        if form.len() < 3 {
            let forgot =
                if form[0].0 == "articles" { "một tài khoản" } else { "một bài viết" };
            assert!(answer.text().contains(forgot), "{form:?}: {}", answer.text());
            // It is the page itself, and what was ticked is ticked.
            let box_of = format!("name=\"{}\" value=\"{}\" checked", form[0].0, form[0].1);
            assert!(answer.text().contains(&box_of), "{box_of}");
        }
    }
    assert_eq!(queued().await, before);
    let form = [to, ("articles", &first), ("articles", &second), ("priority", "urgent")];
    let answer = browser.post("/bai-viet/soan", &form).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(queued().await, before + 2);
}

#[tokio::test]
async fn what_was_not_sure_is_shown() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let mut article = add(&world, "Giá điện", "Kinh tế", "2026-11-10T02:00:00Z").await;
    let row = world.store.read::<Article>(&article.key()).await.unwrap().unwrap();
    let doubt =
        |code: &str, detail: &str| loa_model::Doubt { code: code.into(), detail: detail.into() };
    let unresolved =
        "https://a.example/x.jpg: cannot resolve a.example: no such host (nothing was sent)";
    article.doubts = vec![
        doubt("no_date", ""),
        doubt("photo_left_out", "<b>x</b>.jpg"),
        doubt("photo_left_out", unresolved),
    ];
    let changes = Changes::by(Actor::Worker("test".into()), "doubt").update(&article, row.version);
    world.store.commit(changes).await.unwrap();
    let page = browser.get(&format!("/bai-viet/{}", article.id)).await;
    assert!(page.text().contains("Không tìm thấy ngày xuất bản."), "{}", page.text());
    assert!(page.text().contains("&lt;b&gt;x&lt;&#x2f;b&gt;.jpg"), "{}", page.text());
    assert!(page.text().contains("Không tìm thấy máy chủ của địa chỉ này"), "{}", page.text());
    assert!(page.text().contains("no such host"), "folded, not lost");
    let list = browser.get("/?q=gia+dien").await;
    assert!(list.text().contains("Điểm cần xem lại: 3"), "{}", list.text());
}

#[tokio::test]
async fn each_piece_of_the_brief_says_where_it_is_from() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let page = browser.get(&format!("/bai-viet/{}", world.article.id)).await;
    let brief = loa_brief::extract(&world.article, &world.ids);
    // Counted as a script counts: a place holds exactly the words of its piece.
    let words = |at: &str| {
        let numbers: Vec<usize> = at.split(':').map(|n| n.parse().unwrap()).collect();
        let text: Vec<u16> = world.article.blocks[numbers[0]].text.encode_utf16().collect();
        String::from_utf16(&text[numbers[1]..numbers[2]]).unwrap()
    };
    let places: Vec<String> = page
        .text()
        .split("data-at=\"")
        .skip(1)
        .map(|rest| words(rest.split('"').next().unwrap()))
        .collect();
    assert!(places.len() > 10, "{places:?}");
    for point in &brief.points {
        let source = point.span.of(&world.article).unwrap();
        assert!(places.iter().any(|place| place == source), "{source}");
    }
    for figure in &brief.figures {
        let source = figure.span.of(&world.article).unwrap();
        assert!(places.iter().any(|place| place == source), "{source}");
    }
}
