//! What the addresses promise that the outside may fetch: short links, light pages, media, and the policy on every answer.

mod support;

use axum::http::StatusCode;
use loa_model::{Actor, Article, ClickCount, Digest, Record as _};
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
    let absent = Digest::of(b"nowhere");
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
        // Frames bring their own <style>.
        assert!(policy.contains("style-src 'self' 'unsafe-inline'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        if !path.starts_with("/static/") {
            for broken in ["<script>", "onclick=", "onload=", "src=\"http", "hx-on"] {
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
        assert!(small.body.len() * 3 < plain.body.len(), "{path}: {} bytes", small.body.len());
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
