//! What the addresses promise that the outside may fetch: short links, light pages, media, and the policy on every answer.

mod support;

use axum::http::StatusCode;
use loa_model::{Actor, Article, ClickCount, Digest, Post, Record as _};
use loa_store::{Changes, Store as _, StoreExt as _};
use support::{World, browser::Browser};

#[tokio::test]
async fn short_links_count_people_and_lead_on() {
    let world = World::new().await;
    let nobody = Browser::nobody(&world);
    let link = &world.posts.published.content.link;
    let path = format!("/l/{}", link.code);
    let phone = [("user-agent", "Mozilla/5.0 (Linux; Android 14) Chrome/130 Mobile")];
    for _ in 0..2 {
        let answer = nobody.send("GET", &path, &phone, &[]).await;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(answer.header("location"), link.target);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    nobody.send("GET", &path, &[("user-agent", "externalhit/1.1")], &[]).await;
    let counts = world.store.list::<ClickCount>("click_by_code", &link.code, 10).await.unwrap();
    assert_eq!(counts.len(), 1);
    assert_eq!((counts[0].record.people, counts[0].record.robots), (2, 1));
    for path in ["/l/khongcoma", "/l/khongcoma/nhe"] {
        assert_eq!(nobody.send("GET", path, &phone, &[]).await.status, StatusCode::NOT_FOUND);
    }
    // A code is whole: the beginning of one leads nowhere.
    let start: String = link.code.chars().take(4).collect();
    assert_eq!(nobody.get(&format!("/l/{start}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_short_link_of_an_article_without_an_address_leads_to_its_light_page() {
    let world = World::new().await;
    let row = world.store.read::<Article>(&world.article.key()).await.unwrap().unwrap();
    let mut article = row.record;
    article.source.canonical_url = "urn:sha256:82a812f1".to_owned();
    let changes = Changes::by(Actor::Worker("test".into()), "test").update(&article, row.version);
    world.store.commit(changes).await.unwrap();
    let row = world.store.read::<Post>(&world.posts.published.key()).await.unwrap().unwrap();
    let mut post = row.record;
    // Posts of earlier releases have a name there that nobody can open.
    for target in ["", "urn:sha256:82a812f1"] {
        post.content.link.target = target.to_owned();
        let row = world.store.read::<Post>(&post.key()).await.unwrap().unwrap();
        let changes = Changes::by(Actor::Worker("test".into()), "test").update(&post, row.version);
        world.store.commit(changes).await.unwrap();
        let nobody = Browser::nobody(&world);
        let path = format!("/l/{}", post.content.link.code);
        let answer = nobody.get(&path).await;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(answer.header("location"), format!("{path}/nhe"));
        let light = nobody.get(answer.header("location")).await;
        assert_eq!(light.status, StatusCode::OK);
        assert!(light.text().contains(world.article.title()) && !light.text().contains("urn:"));
    }
}

#[tokio::test]
async fn an_address_that_is_given_later_is_where_short_links_lead_that_are_out() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let row = world.store.read::<Article>(&world.article.key()).await.unwrap().unwrap();
    let mut article = row.record;
    article.source.canonical_url = "urn:sha256:82a812f1".to_owned();
    article.digest = article.content_digest();
    let post_row = world.store.read::<Post>(&world.posts.published.key()).await.unwrap().unwrap();
    let mut post = post_row.record;
    post.content.link.target = String::new();
    let other = Article {
        id: world.ids.make(),
        source: loa_model::SourceRef {
            canonical_url: "https://minhhoa.example/khac.htm".to_owned(),
            ..article.source.clone()
        },
        ..article.clone()
    };
    let changes = Changes::by(Actor::Worker("test".into()), "test").insert(&other);
    let changes = changes.update(&article, row.version).update(&post, post_row.version);
    world.store.commit(changes).await.unwrap();
    let at = format!("/bai-viet/{}", article.id);
    assert!(author.get(&at).await.text().contains("id=\"address-url\""));
    let to = format!("{at}/dia-chi");
    for refused in ["javascript:alert(1)", "bai.htm", "https://minhhoa.example/khac.htm#a"] {
        let answer = author.post(&to, &[("url", refused)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
        // The page itself says why, and keeps what was typed.
        let typed = format!("value=\"{}\"", refused.replace('/', "&#x2f;"));
        assert!(answer.text().contains(&typed), "{refused}");
        assert!(answer.text().contains("id=\"address-problem\" role=\"alert\""), "{refused}");
    }
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let address = "https://minhhoa.example/bai.htm";
    let order = serde_json::json!({ "url": format!("{address}?utm_source=x#cuoi") });
    let api = format!("/api/v1/articles/{}/address", article.id);
    assert_eq!(stranger.json(&api, &order).await.status, StatusCode::NOT_FOUND);
    let given = author.json(&api, &order).await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.text());
    let told = given.value();
    assert_eq!((told["url"].as_str(), told["revision"].as_u64()), (Some(address), Some(2)));
    assert!(told["voided"].as_u64() > Some(0) && told["stale"].as_u64() > Some(0), "{told}");
    // Posts that are out lead to it, as new ones do.
    let nobody = Browser::nobody(&world);
    let answer = nobody.get(&format!("/l/{}", post.content.link.code)).await;
    let lead = answer.header("location");
    assert!(lead.starts_with(&format!("{address}?utm_source=")), "{lead}");
    assert!(lead.ends_with(&post.content.link.code), "{lead}");
    // It is given once, and what is made anew was queued with it.
    assert_eq!(author.json(&api, &order).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!author.get(&at).await.text().contains("id=\"address-url\""));
    let jobs = world.store.all::<loa_model::Job>(500).await.unwrap();
    let brief = loa_model::JobKind::Brief { article: article.id, revision: 2 };
    assert_eq!(jobs.iter().filter(|row| row.record.work == brief).count(), 1);
}

#[tokio::test]
async fn the_light_page_is_light_and_whole() {
    let world = World::new().await;
    let nobody = Browser::nobody(&world);
    let path = format!("/l/{}/nhe", world.posts.published.content.link.code);
    let page = nobody.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.len() <= 30_000, "{}", page.body.len());
    for block in &world.article.blocks {
        if block.kind == loa_model::BlockKind::Paragraph {
            let start: String =
                block.text.chars().take_while(|c| c.is_alphanumeric() || *c == ' ').collect();
            assert!(page.text().contains(&start), "{start}");
        }
    }
    let sapo = world.article.sapo().replace('/', "&#x2f;");
    assert!(page.text().contains(world.article.title()) && page.text().contains(&sapo));
    assert!(!page.text().contains("<script") && !page.text().contains("rel=\"stylesheet\""));
    assert!(page.text().contains("src=\"&#x2f;m&#x2f;abcdefghjkmnpqrstvwxyzAB23.mp4\""));
    // A very long article, made of characters that grow when escaped, stays light.
    let row = world.store.read::<Article>(&world.article.key()).await.unwrap().unwrap();
    let mut long = row.record;
    let paragraph =
        long.blocks.iter().find(|b| b.kind == loa_model::BlockKind::Paragraph).unwrap().clone();
    for _ in 0..90 {
        let text = format!("\"{}\"", "ẫễộữặ & \"'".repeat(20));
        long.blocks.push(loa_model::Block { text, ..paragraph.clone() });
    }
    let by = Actor::User(world.people.author.id);
    world.store.commit(Changes::by(by, "grow").update(&long, row.version)).await.unwrap();
    let page = nobody.get(&path).await;
    assert!(page.body.len() <= 30_000 && page.body.len() > 20_000, "{}", page.body.len());
}

#[tokio::test]
async fn platforms_fetch_media_in_parts() {
    let world = World::new().await;
    let nobody = Browser::nobody(&world);
    let path = "/m/abcdefghjkmnpqrstvwxyzAB23.mp4";
    let whole = nobody.get(path).await;
    assert_eq!((whole.status, whole.body.len()), (StatusCode::OK, 1000));
    assert_eq!(whole.header("content-type"), "video/mp4");
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let part = nobody.send("GET", path, &[("range", "bytes=4-7")], &[]).await;
    assert_eq!((part.status, part.body.as_slice()), (StatusCode::PARTIAL_CONTENT, &b"ftyp"[..]));
    assert_eq!(part.header("content-range"), "bytes 4-7/1000");
    let beyond = nobody.send("GET", path, &[("range", "bytes=1000-")], &[]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    for wrong in
        ["/m/abcdefghjkmnpqrstvwxyzAB23.png", "/m/abcdefghjkmnpqrstvwxyzAB23", "/m/zzz.mp4"]
    {
        assert_eq!(nobody.get(wrong).await.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    world.clock.set("2028-01-01T00:00:00Z");
    assert_eq!(
        nobody.get(path).await.status,
        StatusCode::NOT_FOUND,
        "an address does not live for ever"
    );
}

#[tokio::test]
async fn staff_see_pictures_by_their_kind() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let picture = author.get(&format!("/tep/{}", world.kept.card)).await;
    assert_eq!((picture.status, picture.header("content-type")), (StatusCode::OK, "image/png"));
    assert_eq!(picture.header("x-content-type-options"), "nosniff");
    let page =
        world.blobs.put(bytes::Bytes::from_static(b"<script>alert(1)</script>")).await.unwrap();
    let page = author.get(&format!("/tep/{page}")).await;
    assert_eq!(page.header("content-type"), "text/plain; charset=utf-8", "a blob is never a page");
    // For lists there is a small one, of the same proportions; what cannot be made small is sent as it is.
    let mut card = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(1080, 1350).write_to(&mut card, image::ImageFormat::Png).unwrap();
    let card = world.blobs.put(card.into_inner().into()).await.unwrap();
    let small = author.get(&format!("/tep/{card}/nho")).await;
    assert_eq!((small.status, small.header("content-type")), (StatusCode::OK, "image/jpeg"));
    let seen = image::load_from_memory(&small.body).unwrap();
    assert_eq!((seen.width(), seen.height()), (320, 400));
    assert_eq!(author.get(&format!("/tep/{card}/nho")).await.body, small.body);
    let odd = author.get(&format!("/tep/{}/nho", world.kept.card)).await;
    assert_eq!((odd.status, odd.body), (StatusCode::OK, picture.body));
    let page = world.blobs.put(bytes::Bytes::from_static(b"<svg/>")).await.unwrap();
    assert_eq!(author.get(&format!("/tep/{page}/nho")).await.status, StatusCode::NOT_FOUND);
    let absent = Digest::of(b"nowhere");
    assert_eq!(author.get(&format!("/tep/{absent}/nho")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(author.get(&format!("/tep/{absent}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_answer_carries_the_policy_and_no_page_breaks_it() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let article = format!("/bai-viet/{}", world.article.id);
    let light = format!("/l/{}/nhe", world.posts.published.content.link.code);
    for path in [
        "/",
        &article,
        "/duyet",
        "/bai-dang",
        "/bao-cao",
        &light,
        "/dang-nhap",
        "/khong-co",
        "/static/app.js",
    ] {
        let answer = author.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'self'") && !policy.contains("script-src"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        if !path.starts_with("/static/") {
            for broken in ["<script>", " style=", "onclick=", "onload=", "src=\"http", "hx-on"] {
                assert!(!answer.text().contains(broken), "{path}: {broken}");
            }
        }
    }
}

#[tokio::test]
async fn text_is_sent_small_and_a_file_that_a_browser_has_is_not_sent_again() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let reads = [("accept-encoding", "gzip")];
    for path in ["/", "/static/app.css"] {
        let plain = author.get(path).await;
        assert_eq!(plain.header("content-encoding"), "", "{path}: nobody asked for it");
        let small = author.send("GET", path, &reads, &[]).await;
        assert_eq!(small.header("content-encoding"), "gzip", "{path}");
        assert!(small.body.len() * 2 < plain.body.len(), "{path}: {} bytes", small.body.len());
        assert!(small.header("vary").to_lowercase().contains("accept-encoding"), "{path}");
    }
    // Pictures are small already, and events have to leave at once.
    let picture = author.send("GET", &format!("/tep/{}", world.kept.card), &reads, &[]).await;
    assert_eq!(picture.header("content-encoding"), "");
    let path = format!("/viec/{}/tien-do", world.job);
    let events = author.raw("GET", &path, &reads, String::new()).await;
    assert_eq!(events.headers().get("content-encoding"), None);

    let style = author.get("/static/app.css").await;
    let tag = style.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}: compressed and plain are one file");
    let known = format!("\"other\", {tag}");
    let again = author.send("GET", "/static/app.css", &[("if-none-match", &known)], &[]).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(again.header("etag"), tag);
    let other = author.send("GET", "/static/app.js", &[("if-none-match", &tag)], &[]).await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_tells_the_browser_what_to_refuse() {
    for (address, https) in [("https://loa.example", true), ("http://127.0.0.1:8080", false)] {
        let world = World::at(address, support::Pictures::smallest(), true).await;
        let nobody = Browser::nobody(&world);
        for path in [
            "/dang-nhap",
            "/khong-co",
            "/static/app.css",
            "/api/v1/openapi.json",
            "/api/v1/khong-co",
            "/m/abcdefghjkmnpqrstvwxyzAB23.mp4",
        ] {
            let answer = nobody.get(path).await;
            let policy = answer.header("content-security-policy");
            for part in [
                "default-src 'self'",
                "object-src 'none'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
                "form-action 'self'",
            ] {
                assert!(policy.split("; ").any(|one| one.trim() == part), "{path}: {policy}");
            }
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
            assert!(answer.header("permissions-policy").contains("camera=()"), "{path}");
            assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
            let shared = if path.starts_with("/m/") { "cross-origin" } else { "same-origin" };
            assert_eq!(answer.header("cross-origin-resource-policy"), shared, "{path}");
            let strict = answer.header("strict-transport-security");
            assert_eq!(!strict.is_empty(), https, "{path}: {strict}");
        }
        // Nobody plants a cookie of this name from a neighbour under the same domain, and plain http has none of it.
        let form = [("login", "soan"), ("password", support::PASSWORD)];
        let answer = nobody.post("/dang-nhap", &form).await;
        let cookie = answer.header("set-cookie");
        let name = cookie.split('=').next().unwrap();
        assert_eq!(name, if https { "__Host-loa" } else { "loa" });
        assert_eq!(cookie.contains("; Secure"), https, "{cookie}");
        assert!(!cookie.to_lowercase().contains("domain"), "{cookie}");
        for word in ["; Path=/;", "; HttpOnly", "; SameSite=Strict"] {
            assert!(cookie.contains(word), "{cookie}");
        }
    }
}

/// A cookie of the plain name opens nothing where the bound one is asked for.
#[tokio::test]
async fn a_cookie_of_the_plain_name_opens_nothing_over_https() {
    let world = World::new().await;
    let signed_in = Browser::of(&world, &world.people.author).await;
    assert_eq!(signed_in.get("/").await.status, StatusCode::OK);
    let plain = format!("a=b; {}", signed_in.cookie);
    let plain = [("cookie", plain.as_str())];
    let answer = Browser::nobody(&world).send("GET", "/", &plain, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

/// The light page brings the one style that stands in a page, and the policy names exactly it.
#[tokio::test]
async fn the_one_style_in_a_page_is_named_by_its_hash() {
    use sha2::Digest as _;
    let world = World::new().await;
    let nobody = Browser::nobody(&world);
    let light = format!("/l/{}/nhe", world.posts.published.content.link.code);
    let page = nobody.get(&light).await;
    let style = page.text().split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        sha2::Sha256::digest(style.as_bytes()),
    );
    let policy = page.header("content-security-policy");
    assert!(policy.contains(&format!("style-src 'self' 'sha256-{hash}';")), "{policy}");
    // What frames bring is in the file that every page has.
    let author = Browser::of(&world, &world.people.author).await;
    let card = author.get(&format!("/bai-dang/{}", world.posts.waiting.id)).await;
    assert!(card.text().contains("loa-frame-") && !card.text().contains("<style"));
    let css = nobody.get("/static/app.css").await;
    for channel in support::CHANNELS {
        assert!(css.text().contains(&format!(".loa-frame-{channel} ")), "{channel}");
    }
}
