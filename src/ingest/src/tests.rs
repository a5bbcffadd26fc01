//! The sample in its forms, hostile pages, and the web.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use loa_model::{ArticleId, ArticleState, BlockKind, Digest};
use loa_net::{Client, Limits, Policy};
use proptest::prelude::*;
use unicode_normalization::{UnicodeNormalization, is_nfc};
use url::Url;

use super::*;

mod videos;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn ingest() -> Ingest {
    Ingest::new(Client::guarded(Limits::default(), Policy::default()).unwrap())
}

async fn sample(path: &str) -> Draft {
    ingest().read(&Source::File(root().join(path)), None).await.unwrap()
}

fn html(text: &str) -> Result<Draft> {
    parse(Kind::Html, text, &Place::default(), "html")
}

const FRAME: &str = r#"<html lang=vi><head><link rel=canonical href="https://p.example/a-1.htm"></head><body>
    <h1 data-role=title>Tiêu đề</h1><h2 data-role=sapo>Sapo ở đây.</h2><div data-role=content>BODY</div></body></html>"#;

fn framed(body: &str) -> Draft {
    html(&FRAME.replace("BODY", body)).unwrap()
}

fn lines(draft: &Draft) -> Vec<String> {
    draft.blocks.iter().map(|b| format!("{:?}: {}", b.kind, b.text)).collect()
}

#[tokio::test]
async fn the_sample_reads_the_same_from_html_json_and_markdown() {
    let page = sample("assets/demo/article.html").await;
    insta::assert_json_snapshot!("sample_blocks", lines(&page));
    assert_eq!(page.warnings, []);
    for path in ["tests/articles/article.json", "tests/articles/article.md"] {
        let other = sample(path).await;
        assert_eq!(lines(&other), lines(&page), "{path}");
        assert_eq!(other.warnings, [], "{path}");
        let photos = |d: &Draft| -> Vec<_> {
            d.photos.iter().map(|p| (p.caption.clone(), p.credit.clone(), p.alt.clone())).collect()
        };
        assert_eq!(photos(&other), photos(&page), "{path}");
        let facts = |d: &Draft| {
            let s = (d.source.canonical_url.clone(), d.source.publisher.clone());
            (
                s,
                d.lang.clone(),
                d.section.clone(),
                d.authors.clone(),
                d.published_at,
                d.keywords.clone(),
            )
        };
        assert_eq!(facts(&other), facts(&page), "{path}");
    }
}

#[tokio::test]
async fn photos_are_fetched_and_complete_the_article() {
    let mut draft = sample("assets/demo/article.html").await;
    let photos = ingest().fetch_photos(&mut draft).await.unwrap();
    assert_eq!(
        photos.iter().map(|p| (p.index, p.mime)).collect::<Vec<_>>(),
        [(0, "image/jpeg"), (1, "image/jpeg"), (2, "image/jpeg")]
    );
    let stored: Vec<_> =
        photos.iter().map(|p| (p.index, Digest::of(&p.bytes), p.mime.to_owned())).collect();
    let id: ArticleId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let waiting = draft.clone().article(id, "demo", 1, None, now);
    assert_eq!(
        (waiting.state, waiting.photos.len(), waiting.photos[0].blob),
        (ArticleState::Fetched, 3, None)
    );
    let ready = draft.clone().article(id, "demo", 1, Some(&stored), now);
    assert_eq!((ready.state, ready.digest), (ArticleState::Ready, ready.content_digest()));
    assert_eq!(ready.photos[2].blob, Some(stored[2].1));
    assert_eq!(ready.photos[0].credit, "Ảnh minh họa: Cổng Thông tin điện tử Minh Họa");
    // A photo that could not be had is left out of the finished article.
    assert_eq!(draft.article(id, "demo", 1, Some(&stored[..1]), now).photos.len(), 1);
}

#[test]
fn a_file_may_not_name_photos_outside_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret.jpg"), b"x").unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let place = Place { page: None, folder: Some(inner.clone()) };
    let absolute = folder.path().join("secret.jpg");
    let climbs = [
        "../secret.jpg",
        "a/../../secret.jpg",
        absolute.to_str().unwrap(),
        "file:///etc/hostname",
        "data:image/png;base64,AA",
    ];
    #[cfg(unix)]
    std::os::unix::fs::symlink(&absolute, inner.join("link.jpg")).unwrap();
    for source in climbs.into_iter().chain(["link.jpg"]) {
        assert_eq!(place.media(source), None, "{source}");
    }
    std::fs::write(inner.join("ảnh.jpg"), b"x").unwrap();
    assert!(matches!(place.media("./ảnh.jpg"), Some(MediaPlace::File(_))));
}

#[test]
fn decomposed_input_is_composed() {
    let decomposed: String =
        "Nghị định về hỗ trợ sinh kế của người dân ở Mường Sương; ẫ ễ ộ ữ ặ đ".nfd().collect();
    assert!(!is_nfc(&decomposed));
    let page = framed(&format!("<p>{decomposed}</p>"));
    assert!(page.blocks.iter().all(|b| is_nfc(&b.text)));
    assert!(page.blocks[2].text.ends_with("ẫ ễ ộ ữ ặ đ"));
}

#[test]
fn what_systems_put_into_the_body_is_left_out() {
    let page = framed(
        r#"<p>Đoạn một <a class=link-inline-content href=x>có liên kết</a>.</p><script>var a = "<p>mã</p>"</script><style>p{}</style>
        <div type=RelatedOneNews><p>Tin khác</p></div><p>Đoạn hai<br>xuống dòng</p><blockquote><p>Lời trích</p></blockquote>
        <table><tr><th>Tỉnh</th><th>Số xã</th></tr><tr><td>Lào Cai</td><td>12</td></tr></table>
        <figure><img src="https://c.example/a.jpg" alt="Tiêu đề - Ảnh 1."><figcaption>Nhập chú thích ảnh</figcaption></figure><p>Ảnh: Instagram</p>
        <figure><img data-src="/b.jpg" src="data:image/gif;base64,R0"><figcaption>Chú thích - Ảnh: VGP/Nhật Bắc</figcaption></figure>
        <img src=/pixel.gif width=1 height=1><form><button>Gửi</button></form><p style="text-align: right"><b>Hà Minh</b></p>"#,
    );
    insta::assert_json_snapshot!("systems", lines(&page));
    assert_eq!(page.authors, ["Hà Minh"]);
    let photos: Vec<_> =
        page.photos.iter().map(|p| (&p.place, p.credit.as_str(), p.alt.as_str())).collect();
    let url = |text: &str| MediaPlace::Url(Url::parse(text).unwrap());
    assert_eq!(
        photos,
        [
            (&url("https://c.example/a.jpg"), "Ảnh: Instagram", ""),
            (&url("https://p.example/b.jpg"), "Ảnh: VGP/Nhật Bắc", "Chú thích")
        ]
    );
}

#[test]
fn an_unknown_portal_is_read_by_density() {
    let paragraph =
        "Ủy ban nhân dân tỉnh vừa ban hành kế hoạch hỗ trợ các hộ dân ở vùng cao. ".repeat(4);
    let page = html(&format!(
        "<title>Kế hoạch mới | Cổng tỉnh</title><meta property=og:title content='Kế hoạch mới'><meta name=description content='Tóm tắt.'>
        <div class=menu><ul><li><a href=/>Trang chủ</a></li></ul></div><div class=x><div class=y><h2>Kế hoạch mới</h2><p>{paragraph}</p><p>{paragraph}</p></div></div>
        <div class=z><p><a href=/1>{paragraph}</a></p><p><a href=/2>{paragraph}</a></p><p><a href=/3>{paragraph}</a></p></div>"
    ))
    .unwrap();
    let kinds: Vec<_> = page.blocks.iter().map(|b| b.kind).collect();
    assert_eq!(
        kinds,
        [BlockKind::Title, BlockKind::Sapo, BlockKind::Paragraph, BlockKind::Paragraph]
    );
    assert_eq!(
        page.warnings.iter().map(|w| w.code).collect::<Vec<_>>(),
        ["no_date", "no_canonical_url"]
    );
}

#[test]
fn unreadable_pages_are_refused_with_their_code() {
    let check = |text: &str, code: &str| {
        let error = html(text).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(Error::CODES.contains(&code) && error.to_string().len() > 20);
    };
    check("", "no_title");
    check("<script>document.cookie='a'</script>", "no_title");
    // A known frame that is empty: other news on the page must not become the article.
    let long = "Tin khác của cổng. ".repeat(40);
    check(
        &format!("{}<div><p>{long}</p><p>{long}</p></div>", FRAME.replace("BODY", "")),
        "empty_body",
    );
    check("<h1>Tiêu đề</h1><p>Ngắn.</p>", "empty_body");
    check(&format!("<h1>Sâu</h1>{}x", "<div>".repeat(100_000)), "too_deep");
}

#[test]
fn an_infographic_page_has_pictures_and_no_words() {
    let page = framed("<figure><img src='https://c.example/a.png'></figure>");
    assert_eq!((page.blocks.len(), page.photos.len()), (2, 1));
}

#[test]
fn hostile_pages_end_soon() {
    let many = "<p>Câu này có chữ ẫ ễ ộ.</p>".repeat(10_000);
    assert_eq!(framed(&many).blocks.len(), 10_002);
    let nested = format!("{}Đoạn văn rất sâu.{}", "<div>".repeat(700), "</div>".repeat(700));
    assert_eq!(framed(&nested).blocks[2].text, "Đoạn văn rất sâu.");
    let broken = framed(
        "<p>Một<p>Hai<b>Ba</p><p>&amp;lt; &#x2B; &nbsp; \u{202e}đảo</p><img src='javascript:alert(1)'>",
    );
    assert!(broken.photos.is_empty());
    assert_eq!(broken.blocks.last().unwrap().text, "&lt; + đảo");
}

#[test]
fn json_of_a_wire_service() {
    let item = r#"{"uri": "https://w.example/1?utm_source=x", "language": "vi", "headline": "Tin điện", "description_text": "Tóm tắt",
        "byline": "Hà Minh", "versioncreated": "2026-11-16T01:30:00Z", "body_html": "<p>Một.</p><h2>Hai</h2><ul><li>Ba;</li></ul>",
        "infosource": "TTX Minh Họa", "associations": {"main": {"type": "picture", "description_text": "Cầu. Ảnh: A",
        "renditions": {"s": {"href": "https://w.example/s.jpg", "width": 100}, "l": {"href": "https://w.example/l.jpg", "width": 1600}}}}}"#;
    let draft = parse(Kind::Json, item, &Place::default(), "json").unwrap();
    assert_eq!(
        lines(&draft),
        ["Title: Tin điện", "Sapo: Tóm tắt", "Paragraph: Một.", "Heading: Hai", "ListItem: Ba;"]
    );
    assert_eq!(draft.source.canonical_url, "https://w.example/1");
    assert_eq!(
        (draft.photos[0].caption.as_str(), draft.photos[0].credit.as_str()),
        ("Cầu.", "Ảnh: A")
    );
    assert_eq!(
        draft.photos[0].place,
        MediaPlace::Url(Url::parse("https://w.example/l.jpg").unwrap())
    );
    let code = |text: &str| parse(Kind::Json, text, &Place::default(), "json").unwrap_err().code();
    assert_eq!(code("{"), "json");
    assert_eq!(code("{\"a\": 1}"), "json");
    assert_eq!(code(r#"{"schema": "loa/article-1", "title": "a", "titel": "b"}"#), "json");
    assert_eq!(code(r#"{"schema": "loa/article-1", "title": "a"}"#), "empty_body");
    assert_eq!(
        code(r#"{"schema": "loa/article-1", "title": "a", "published_at": "hôm qua"}"#),
        "json"
    );
    assert_eq!(
        code(
            r#"{"schema": "loa/article-1", "title": "a", "blocks": [{"kind": "title", "text": "x"}]}"#
        ),
        "json"
    );
}

#[test]
fn markdown_and_text() {
    let read = |kind, text| parse(kind, text, &Place::default(), "markdown");
    let draft = read(Kind::Markdown, "# Tên\n\nMột **đậm** và [liên kết](https://a.example).\n\n> Trích\n\n1. Hai\n2. Ba\n\n| A | B |\n|---|---|\n| 1 | 2 |\n").unwrap();
    insta::assert_json_snapshot!("markdown", lines(&draft));
    let text = read(Kind::Text, "Tên bài\r\n\r\nĐoạn một\r\nnối tiếp.\r\n\r\nĐoạn hai.").unwrap();
    assert_eq!(
        lines(&text),
        ["Title: Tên bài", "Paragraph: Đoạn một nối tiếp.", "Paragraph: Đoạn hai."]
    );
    // Without an address the headline is the identity: two files are not revisions of each other.
    assert!(text.source.canonical_url.starts_with("urn:sha256:"));
    assert_ne!(text.source.canonical_url, draft.source.canonical_url);
    assert!(text.warnings.iter().any(|w| w.code == "no_canonical_url"));
    let code = |text| read(Kind::Markdown, text).unwrap_err().code();
    assert_eq!(code("---\ntitle: a\n"), "front_matter");
    assert_eq!(code("---\nnope: a\n---\nx"), "front_matter");
    assert_eq!(code("---\npublished_at: mai\n---\nx"), "front_matter");
    assert_eq!(code("Không có tiêu đề"), "no_title");
    assert_eq!(code("# Chỉ có tiêu đề"), "empty_body");
}

#[test]
fn feeds() {
    let rss = r#"<?xml version="1.0"?><rss version="2.0"><channel><title>C</title>
        <item><title>Tin &amp; bài</title><link>https://p.example/a-1.htm?utm_medium=rss</link><description><![CDATA[<a href=x><img src=y></a></br>Tóm tắt.]]></description><pubDate>Thu, 06 Feb 2025 20:45:46 +0700</pubDate></item>
        <item><title>Giờ Mỹ</title><link>https://p.example/a-2.htm</link><pubDate>10/5/2026 3:42:00 PM</pubDate></item></channel></rss>"#;
    let found = entries(rss.as_bytes(), None).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].url.as_str(), found[0].title.as_str(), found[0].summary.as_str()),
        ("https://p.example/a-1.htm", "Tin & bài", "Tóm tắt.")
    );
    assert_eq!(found[0].published_at.unwrap().to_string(), "2025-02-06T13:45:46Z");
    // Day and month cannot be told apart: no guess.
    assert_eq!(found[1].published_at, None);
    assert_eq!(entries(b"<html></html>", None).unwrap_err().code(), "feed");
}

#[tokio::test]
async fn the_web_goes_through_the_guard() {
    let error = ingest().read(&Source::parse("http://127.0.0.1:9/a.htm"), None).await.unwrap_err();
    assert_eq!((error.code(), error.may_work_later()), ("fetch", false));
    let error = ingest().read(&Source::parse("no-such.html"), None).await.unwrap_err();
    assert_eq!(error.code(), "file");
    let error = ingest().read(&Source::parse("a.docx"), None).await.unwrap_err();
    assert_eq!(error.code(), "unknown_kind");
}

#[test]
fn every_error_and_warning_has_its_words() {
    for lang in ["vi", "en"] {
        let text =
            std::fs::read_to_string(root().join(format!("assets/locales/{lang}.toml"))).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let keys = |name: &str| -> Vec<String> {
            let mut keys: Vec<_> = table[name].as_table().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let sorted = |codes: &[&str]| {
            let mut codes: Vec<_> = codes.iter().map(|code| (*code).to_owned()).collect();
            codes.sort();
            codes
        };
        assert_eq!(keys("ingest_error"), sorted(&Error::CODES));
        assert_eq!(keys("ingest_warning"), sorted(&WARNING_CODES));
    }
}

/// A portal on loopback: what one path answers.
async fn portal(status: u16, mime: &'static str, body: Vec<u8>) -> (Ingest, Source) {
    use axum::{Router, http::StatusCode, response::Redirect, routing::get};
    let answer = (StatusCode::from_u16(status).unwrap(), [("content-type", mime)], body);
    let app = Router::new()
        .route("/bai-1.htm", get(|| async { answer }))
        .route("/cu.htm", get(|| async { Redirect::temporary("/bai-1.htm") }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let policy = Policy { allow_loopback: true, ports: vec![port] };
    let client = Client::guarded(Limits::default(), policy).unwrap();
    (Ingest::new(client), Source::parse(&format!("http://127.0.0.1:{port}/cu.htm")))
}

#[tokio::test]
async fn a_page_is_read_from_the_web() {
    let page = FRAME.replace("BODY", "<p>Đoạn.</p><img src=/bai-1.htm>");
    let (ingest, source) =
        portal(200, "text/html; charset=iso-8859-1", page.clone().into_bytes()).await;
    let mut draft = ingest.read(&source, None).await.unwrap();
    assert_eq!(draft.blocks[2].text, "Đoạn.");
    assert_eq!(draft.source.via, "url");
    // The address answers with a page, not a picture; the canonical host is not ours.
    draft.photos[0].place = match &source {
        Source::Url(url) => MediaPlace::Url(url.clone()),
        Source::File(_) => unreachable!(),
        Source::Bytes { .. } => unreachable!("it is a file"),
    };
    assert_eq!(ingest.fetch_photos(&mut draft).await.unwrap(), []);
    assert_eq!(draft.warnings.last().unwrap().code, "photo_left_out");

    let check = async |status, mime, body: &str, code: &str, again: bool| {
        let (ingest, source) = portal(status, mime, body.as_bytes().to_vec()).await;
        let error = ingest.read(&source, None).await.unwrap_err();
        assert_eq!((error.code(), error.may_work_later()), (code, again), "{status} {mime}");
    };
    check(404, "text/html", &page, "status", false).await;
    check(503, "text/html", &page, "status", true).await;
    check(200, "text/html", page.strip_suffix("</html>").unwrap(), "truncated", true).await;
    check(200, "application/pdf", "%PDF", "unknown_kind", false).await;
    check(200, "application/rss+xml", "<rss/>", "is_feed", false).await;
    check(200, "text/html", &" ".repeat(MAX_PAGE + 1), "too_large", false).await;
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(text in "[<>/a-z&;#\"=ạữđ \u{300}\u{323}\u{202e}]{0,300}") {
        if let Ok(draft) = html(&FRAME.replace("BODY", &text)) {
            for block in &draft.blocks {
                prop_assert!(is_nfc(&block.text));
                let again = block.text.split('\t').map(clean).collect::<Vec<_>>().join("\t");
                prop_assert_eq!(&again, &block.text);
            }
        }
    }
}
