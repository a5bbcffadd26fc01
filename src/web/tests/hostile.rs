//! What comes from outside: words that would like to be markup, files that would like to be pages, addresses that would like to
//! be elsewhere. None of it is anything but words on any page.

mod support;

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use loa_model::{
    Account, Agency, Article, BlockKind, Clock as _, Digest, Handed, Job, JobKind, Post, PostState,
    Role, User,
};
use loa_store::{Changes, Expect, Store as _, StoreExt as _};
use loa_web::{Access, ApiToken, Scope, Session};
use scraper::Html;
use support::{
    PASSWORD, World,
    browser::{Answer, Browser},
    records,
};

/// Opens an element, leaves an attribute, names a script, turns the line around, ends a string.
const HOSTILE: &str = "\"'><loa-evil onerror=loaEvil(1)><script>loaEvil(2)</script><img src=x onerror=loaEvil(3)> \
                       </title></textarea></style> {{ 7*7 }} javascript:loaEvil(4) \u{202e}gnp.exe \0\u{7}";
/// An address of the same kind.
const SCRIPT: &str = "javascript:loaEvil(5)//\"onmouseover=\"loaEvil(6)";

/// A newsroom in which everybody writes so.
async fn hostile() -> World {
    let world = World::new().await;
    let store = &world.store;
    let mut changes = Changes::by(records::by(), "fill");
    for row in store.all::<Article>(100).await.expect("articles") {
        let mut article = row.record;
        for block in &mut article.blocks {
            block.text = format!("{HOSTILE} {}", block.text);
        }
        article.source.publisher = HOSTILE.into();
        article.source.canonical_url = SCRIPT.into();
        article.section = HOSTILE.into();
        article.authors = vec![HOSTILE.to_owned()];
        article.keywords = vec![HOSTILE.to_owned()];
        for photo in &mut article.photos {
            photo.caption = HOSTILE.into();
            photo.credit = HOSTILE.into();
        }
        assert!(article.blocks.iter().any(|block| block.kind == BlockKind::Paragraph));
        changes = changes.update(&article, row.version);
    }
    for row in store.all::<Post>(100).await.expect("posts") {
        let mut post = row.record;
        let content = &mut post.content;
        for text in [&mut content.title, &mut content.author, &mut content.text] {
            *text = format!("{HOSTILE} {text}");
        }
        content.link.target = SCRIPT.into();
        content.tags = vec![HOSTILE.to_owned()];
        for file in &mut content.media {
            file.alt = HOSTILE.into();
        }
        if post.state == PostState::Returned {
            post.reason = HOSTILE.into();
        }
        changes = changes.update(&post, row.version);
    }
    for row in store.all::<loa_model::Delivery>(100).await.expect("deliveries") {
        let mut d = row.record;
        d.reason = HOSTILE.into();
        for seen in &mut d.evidence {
            seen.what = HOSTILE.into();
        }
        if let Some(receipt) = &mut d.receipt {
            receipt.url = SCRIPT.into();
            receipt.remote_id = HOSTILE.into();
        }
        changes = changes.update(&d, row.version);
    }
    for row in store.all::<Account>(100).await.expect("accounts") {
        let account = Account { title: HOSTILE.to_owned(), ..row.record };
        changes = changes.update(&account, row.version);
    }
    for row in store.all::<User>(100).await.expect("people") {
        let user = User { name: HOSTILE.to_owned(), ..row.record };
        changes = changes.update(&user, row.version);
    }
    let agency = Agency {
        name: "demo".into(),
        title: HOSTILE.to_owned(),
        brand: "demo".into(),
        zone: "Asia/Ho_Chi_Minh".into(),
        urgent_alone: true,
    };
    changes = changes.put(&agency, Expect::Any);
    let (now, user) = (world.clock.now(), world.people.author.id);
    let expires_at = now + SignedDuration::from_hours(9);
    changes = changes.insert(&ApiToken {
        digest: Digest::of(b"x"),
        name: HOSTILE.to_owned(),
        user,
        agency: "demo".to_owned(),
        scopes: vec![Scope::Read],
        created_at: now,
        expires_at,
        last_used: None,
        revoked_at: None,
    });
    changes = changes.insert(&Session {
        browser: Some(HOSTILE.to_owned()),
        address: Some(HOSTILE.to_owned()),
        ..Session::new(Digest::of(b"y"), user, expires_at)
    });
    let blob = world.kept.card;
    let handed = Handed { blob, name: HOSTILE.to_owned(), page: None }.to_string();
    for source in [HOSTILE.to_owned(), SCRIPT.to_owned(), handed] {
        let work = JobKind::Ingest { source, agency: "demo".to_owned() };
        changes = changes.enqueue(Job::new(world.ids.make(), "demo", work, now));
    }
    store.commit(changes).await.expect("the newsroom takes any words");
    for mut incident in world.incidents_about(&world.posts.published).await {
        incident.detail = HOSTILE.into();
        let changes = Changes::by(records::by(), "report incident").put(&incident, Expect::Any);
        store.commit(changes).await.expect("an incident");
    }
    world
}

/// What a page became because of those words; nothing when they stayed words.
fn became(page: &str) -> Vec<String> {
    let html = Html::parse_document(page);
    let mut found = Vec::new();
    for node in html.tree.nodes() {
        let Some(element) = node.value().as_element() else { continue };
        let name = element.name();
        if name.starts_with("loa-evil") {
            found.push(format!("<{name}>"));
        }
        if name == "script" {
            let text: String = node
                .children()
                .filter_map(|child| child.value().as_text().map(|t| t.to_string()))
                .collect();
            // Data that a script of ours reads is no script; what it holds must not end it.
            if text.contains("loaEvil") && element.attr("type") != Some("application/json") {
                found.push(format!("script: {text}"));
            }
        }
        if name == "img" && element.attr("src") == Some("x") {
            found.push("<img src=x>".to_owned());
        }
        for (attribute, value) in element.attrs() {
            let script = [
                "href",
                "src",
                "action",
                "formaction",
                "srcset",
                "poster",
                "data",
                "hx-get",
                "hx-post",
            ]
            .contains(&attribute)
                && value
                    .trim_start_matches(|c: char| c.is_control() || c == ' ')
                    .to_lowercase()
                    .starts_with("javascript:");
            if attribute.starts_with("on") || attribute.contains("evil") || script {
                found.push(format!("<{name} {attribute}={value:?}>"));
            }
        }
    }
    found
}

#[test]
fn markup_is_seen_where_there_is_some() {
    for (page, n) in [
        ("<p>&lt;loa-evil&gt;</p><a href=\"/x?javascript:\">x</a>", 0),
        ("<p title=\"<loa-evil onerror=x>\">", 0),
        ("<loa-evil>", 1),
        ("<a href=\" javascript:x\">", 1),
        ("<a onmouseover=\"x\">", 1),
        ("<script>loaEvil(2)</script>", 1),
        ("<img src=x onerror=loaEvil(3)>", 2),
    ] {
        assert_eq!(became(page).len(), n, "{page}: {:?}", became(page));
    }
}

#[tokio::test]
async fn words_stay_words_on_every_page() {
    let world = hostile().await;
    let person = world.colleague(&world.people.author, &Role::ALL).await;
    let person = User { name: HOSTILE.to_owned(), ..person };
    let changes = Changes::by(records::by(), "rename").put(&person, Expect::Any);
    world.store.commit(changes).await.unwrap();
    let everybody = Browser::of(&world, &person).await;
    let author = Browser::of(&world, &world.people.author).await;
    let article = world.article.id.to_string();
    let code = &world.posts.published.content.link.code;
    let mut shown = 0;
    let posts = world.store.all::<Post>(100).await.expect("posts");
    let posts: Vec<String> = posts.into_iter().map(|row| row.record.id.to_string()).collect();
    for way in loa_web::ways() {
        let page = way.method == Method::GET && !way.path.starts_with("/api/");
        if !page
            || ["/static/", "/m/", "/tep/", "/ngon-ngu/", "/khoe"]
                .iter()
                .any(|p| way.path.starts_with(p))
        {
            continue;
        }
        let ids: Vec<String> = match way.path {
            path if path.starts_with("/bai-dang/") => posts.clone(),
            path if path.starts_with("/bai-viet/") || path.starts_with("/bao-cao/bai-viet/") => {
                vec![article.clone()]
            }
            path if path.starts_with("/l/") => vec![code.clone()],
            _ => vec!["khong-co".to_owned()],
        };
        for id in ids {
            let at = ["{id}", "{code}", "{token}"]
                .iter()
                .fold(way.path.to_owned(), |at, p| at.replace(p, &id));
            if at.ends_with("/tien-do") {
                continue;
            }
            for who in [&everybody, &author] {
                let answer = who.get(&at).await;
                assert!(!answer.status.is_server_error(), "{at}: {}", answer.text());
                if !answer.header("content-type").starts_with("text/html") {
                    continue;
                }
                assert_eq!(became(answer.text()), [""; 0], "{at}");
                // It is there, as words.
                shown += usize::from(answer.text().contains("&lt;loa-evil"));
            }
        }
    }
    assert!(shown >= 25, "only {shown} pages show the words: fill the newsroom");
}

#[tokio::test]
async fn what_is_asked_for_stays_words_too() {
    let world = World::new().await;
    let person = world.colleague(&world.people.author, &Role::ALL).await;
    let everybody = Browser::of(&world, &person).await;
    let asked: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    for way in loa_web::ways() {
        if way.method != Method::GET
            || way.path.starts_with("/api/")
            || way.access == Access::Anyone
        {
            continue;
        }
        let at = way.path.replace("{id}", &asked).replace("{hash}", &asked);
        let names = [
            "q", "section", "source", "status", "from", "to", "xem", "ngay", "bai", "sau", "about",
            "who", "act", "range", "by", "dang", "trang", "open", "before",
        ];
        for name in names {
            let answer = everybody.get(&format!("{at}?{name}={asked}")).await;
            assert!(!answer.status.is_server_error(), "{at} {name}");
            if answer.status.is_redirection() {
                assert_eq!((answer.header("location"), answer.text()), ("/toi", ""), "{at} {name}");
            } else if answer.header("content-type").starts_with("text/html") {
                assert_eq!(became(answer.text()), [""; 0], "{at} {name}");
            } else {
                // What cannot be read is said as text, and text it stays.
                let told = (answer.header("content-type"), answer.header("x-content-type-options"));
                assert_eq!(told, ("text/plain; charset=utf-8", "nosniff"), "{at} {name}");
            }
        }
    }
    let nobody = Browser::nobody(&world);
    let form = [("login", HOSTILE), ("password", PASSWORD)];
    assert_eq!(became(nobody.post("/dang-nhap", &form).await.text()), [""; 0]);
    let problem = nobody.get(&format!("/api/v1/{asked}")).await;
    assert_eq!(problem.header("content-type"), "application/problem+json");
}

/// Hands in a file as a browser does.
async fn hand_in(who: &Browser<'_>, name: &str, bytes: &[u8]) -> Answer {
    let mut body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: text/html\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let body = String::from_utf8(body).expect("these files are text");
    let headers =
        [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=x")];
    let response = who.raw("POST", "/bai-viet/tep", &headers, body).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 10_000_000).await.expect("an answer").to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

#[tokio::test]
async fn a_file_is_taken_by_its_ending_and_kept_without_its_path() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let page = b"<!doctype html><title>x</title><p>x";
    for wrong in [
        "x.svg",
        "x.html.svg",
        "x.exe",
        "x.php",
        "x.html.exe",
        "x.xhtml.zip",
        "x",
        "",
        ".",
        "..",
        "x.html\u{202e}gpj",
        "x.htm/",
        "../../etc/passwd",
    ] {
        let answer = hand_in(&author, wrong, page).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    assert_eq!(hand_in(&author, "x.html", b"").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let large = vec![b'x'; 5 * 1024 * 1024 + 1];
    assert_eq!(hand_in(&author, "x.txt", &large).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let larger = vec![b'x'; 7 * 1024 * 1024];
    assert_eq!(hand_in(&author, "x.txt", &larger).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (name, kept) in [
        ("../../../etc/bai.html", "bai.html"),
        ("C:\\\\nha\\\\bai.HTML", "bai.HTML"),
        ("/tmp/..%2f..%2fbai.md", "..%2f..%2fbai.md"),
        ("x.svg.html", "x.svg.html"),
    ] {
        let answer = hand_in(&author, name, page).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}: {}", answer.text());
        let jobs = world.store.jobs(None, 100).await.unwrap();
        let files = jobs.iter().filter_map(|view| match &view.job.work {
            JobKind::Ingest { source, .. } => Handed::parse(source),
            _ => None,
        });
        let handed = files.into_iter().find(|file| file.name == kept);
        let handed = handed.unwrap_or_else(|| panic!("{name} is not kept as {kept}"));
        // What was handed in is a blob, and a blob is never a page.
        let blob = author.get(&format!("/tep/{}", handed.blob)).await;
        assert_eq!(blob.header("content-type"), "text/plain; charset=utf-8");
    }
}

#[tokio::test]
async fn bytes_are_served_by_what_they_are_and_never_as_a_page() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    for (bytes, kind) in [
        (
            &b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>"[..],
            "text/plain; charset=utf-8",
        ),
        (b"<?xml version=\"1.0\"?><svg onload=\"x\"/>", "text/plain; charset=utf-8"),
        (b"GIF89a/*<script>*/=1;</script>", "text/plain; charset=utf-8"),
        (b"\xef\xbb\xbf<!doctype html><script>1</script>", "text/plain; charset=utf-8"),
        (b"#!/bin/sh\n<html>", "text/plain; charset=utf-8"),
        (b"\x89PNG\r\n\x1a\n<script>1</script>", "image/png"),
        (b"\xff\xd8\xff\xe0<html><script>1</script>", "image/jpeg"),
        (b"RIFF<script>1</script>WEBP", "image/webp"),
        (b"....ftyp<script>1</script>", "video/mp4"),
    ] {
        let blob = world.blobs.put(bytes::Bytes::from_static(bytes)).await.unwrap();
        let answer = author.get(&format!("/tep/{blob}")).await;
        let told = (answer.header("content-type"), answer.header("x-content-type-options"));
        assert_eq!(told, (kind, "nosniff"), "{}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn no_path_leads_out_of_its_folder() {
    let world = World::new().await;
    let person = world.colleague(&world.people.author, &Role::ALL).await;
    let everybody = Browser::of(&world, &person).await;
    let steps = [
        "..",
        "../vi.toml",
        "../../Cargo.toml",
        "..%2fvi.toml",
        "%2e%2e/vi.toml",
        "%2e%2e%2fvi.toml",
        "..%5cvi.toml",
        "....//vi.toml",
        "%252e%252e%252fvi.toml",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "x%00.css",
        "app.css%00.png",
        "app.css/..",
        "fonts/../../vi.toml",
    ];
    let starts = [
        "/static/",
        "/m/",
        "/tep/",
        "/l/",
        "/chia-se/",
        "/api/v1/reach/files/",
        "/api/v1/preview/clip/x/",
        "/api/v1/templates/",
        "/hook/",
    ];
    for start in starts {
        for step in steps {
            let at = format!("{start}{step}");
            let answer = everybody.get(&at).await;
            let status = answer.status;
            assert!(status.is_client_error(), "{at}: {status} {}", answer.text());
            assert!(
                !answer.text().contains("[audit_act]") && !answer.text().contains("root:"),
                "{at}"
            );
        }
    }
}

#[tokio::test]
async fn only_addresses_of_the_web_are_read() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let before = world.store.jobs(None, 1000).await.unwrap().len();
    for wrong in [
        "file:///etc/passwd",
        "ftp://minhhoa.example/x",
        "javascript:alert(1)",
        "data:text/html,x",
        "gopher://127.0.0.1:6379/_x",
        "//127.0.0.1/",
        "127.0.0.1",
        "",
        "blob:x",
        "http:",
        SCRIPT,
    ] {
        let answer = author.post("/bai-viet", &[("source", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    // Where an address leads is asked when it is read: loa-net refuses every spelling of a private one.
    assert_eq!(world.store.jobs(None, 1000).await.unwrap().len(), before);
}
