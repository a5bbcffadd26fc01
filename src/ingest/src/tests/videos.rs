//! Videos: where they are named, which of them count, and what comes of fetching them.

use axum::{Router, http::StatusCode, routing::get};

use super::*;
use crate::video::sniff;

/// Address, caption and credit of each video; code and detail of each doubt about one.
fn told(draft: &Draft) -> (Vec<String>, Vec<String>) {
    let place = |place: &MediaPlace| match place {
        MediaPlace::Url(url) => url.to_string(),
        MediaPlace::File(path) => path.file_name().unwrap().to_string_lossy().into_owned(),
    };
    let video = |v: &VideoRef| format!("{} | {} | {}", place(&v.place), v.caption, v.credit);
    let of_videos = draft.warnings.iter().filter(|w| w.code.starts_with("video_"));
    (
        draft.videos.iter().map(video).collect(),
        of_videos.map(|w| format!("{}: {}", w.code, w.detail)).collect(),
    )
}

fn check(draft: &Draft, videos: &[&str], doubts: &[&str]) {
    let (found, doubted) = told(draft);
    assert_eq!(found, videos);
    assert_eq!(doubted, doubts);
}

#[test]
fn videos_of_the_body() {
    let body = |html: &str, videos: &[&str], doubts: &[&str]| {
        let draft = framed(&format!("<p>Đoạn.</p>{html}"));
        check(&draft, videos, doubts);
        draft
    };
    // Words for those who cannot see the video are no words of the article.
    let plain = body(
        "<video src='/v/lễ.MP4?x=1#t=0.1'>Trình duyệt cũ <img src=/cu.jpg></video>",
        &["https://p.example/v/l%E1%BB%85.MP4?x=1 |  | "],
        &[],
    );
    assert_eq!((plain.blocks.len(), plain.photos.len()), (3, 0));
    let figure = body(
        "<figure><video><source src=//c.example/a.m3u8 type=application/x-mpegURL>
         <source src=//c.example/a?id=1 type='video/mp4; codecs=avc1'><img src=/cu.jpg></video>
         <figcaption>Lễ công bố Nghị định. Nguồn: Cổng Minh Họa</figcaption><img src=/bia.jpg></figure>",
        &["https://c.example/a?id=1 | Lễ công bố Nghị định. | Nguồn: Cổng Minh Họa"],
        &[],
    );
    assert_eq!(lines(&figure).last().unwrap(), "Caption: Lễ công bố Nghị định.");
    // Who took the video also answers for the picture of it.
    let said = |p: &PhotoRef| (p.caption.clone(), p.credit.clone());
    let words = ("Lễ công bố Nghị định.".to_owned(), "Nguồn: Cổng Minh Họa".to_owned());
    assert_eq!(figure.photos.iter().map(said).collect::<Vec<_>>(), [words]);
    assert_eq!(lines(&figure).iter().filter(|line| line.starts_with("Caption")).count(), 1);
    // A credit alone belongs to what stands before it.
    let credits = body(
        "<img src=/a.jpg><video src=/a.mp4></video><p>Nguồn: Cổng Minh Họa</p><img src=/b.jpg><p>Ảnh: TTX</p>",
        &["https://p.example/a.mp4 |  | Nguồn: Cổng Minh Họa"],
        &[],
    );
    assert_eq!(
        credits.photos.iter().map(|p| p.credit.as_str()).collect::<Vec<_>>(),
        ["", "Ảnh: TTX"]
    );
    body(
        "<table><tr><td><video data-src=/a.webm></video></td></tr></table>",
        &["https://p.example/a.webm |  | "],
        &[],
    );
    body(
        "<div><video src=/live/index.m3u8></video><video><source src=/live.mpd></video></div>",
        &[],
        &[
            "video_elsewhere: https://p.example/live/index.m3u8",
            "video_elsewhere: https://p.example/live.mpd",
        ],
    );
    body(
        "<video src=/xem?id=7></video><video src='blob:https://p.example/1'></video><video></video>",
        &[],
        &["video_left_out: /xem?id=7: neither its ending nor its type is that of a video file"],
    );
    body(
        "<video src='ftp://c.example/a.mp4'></video>",
        &[],
        &["video_left_out: ftp://c.example/a.mp4: no address, and no file beside the article"],
    );
    // The same file by two schemes is one video, and what one of them lacks the other may say.
    body(
        "<video src=http://c.example/a.mp4></video><figure><video src=https://c.example/a.mp4></video>
         <figcaption>Lễ ký</figcaption></figure>",
        &["https://c.example/a.mp4 | Lễ ký | "],
        &[],
    );
    let many = [1, 2, 3, 4, 5, 6].map(|n| format!("<video src=/{n}.mp4></video>")).concat();
    let six = framed(&format!("<p>Đoạn.</p>{many}"));
    assert_eq!(six.videos.len(), 5);
    check(
        &six,
        &told(&six).0.iter().map(String::as_str).collect::<Vec<_>>(),
        &["video_left_out: /6.mp4: an article has at most 5 videos"],
    );
}

#[test]
fn players_of_other_places_are_told_and_not_fetched() {
    let body = |html: &str, videos: &[&str], doubts: &[&str]| {
        let draft = framed(&format!("<p>Đoạn.</p>{html}"));
        check(&draft, videos, doubts);
        assert_eq!(draft.blocks.len(), 3, "{html}");
    };
    for player in [
        "https://www.youtube.com/embed/abc",
        "https://player.example/?id=1",
        "https://social.example/plugins/video.php?href=x",
    ] {
        let doubt = format!("video_elsewhere: {player}");
        body(&format!("<iframe src='{player}'></iframe>"), &[], &[&doubt]);
        // Twice the same player is one doubt.
        let twice =
            format!("<figure><img src=/a.jpg><iframe data-src='{player}'></iframe></figure>");
        body(&format!("{twice}<iframe src='{player}'></iframe>"), &[], &[&doubt]);
    }
    for other in
        ["https://maps.example/maps/embed?pb=1", "https://ads.example/banner", "about:blank"]
    {
        body(&format!("<iframe src='{other}'></iframe>"), &[], &[]);
    }
    body("<iframe src=/le.mp4></iframe>", &["https://p.example/le.mp4 |  | "], &[]);
    body(
        "<div type=VideoStream data-src=//vn.example/xem/1></div>",
        &[],
        &["video_elsewhere: https://vn.example/xem/1"],
    );
    body(
        "<div type=VideoStream data-src=//vn.example/1.mp4></div>",
        &["https://vn.example/1.mp4 |  | "],
        &[],
    );
}

#[test]
fn videos_of_the_head_stand_in_the_body_too() {
    let page = |head: &str, body: &str| {
        let page = FRAME.replace("<head>", &format!("<head>{head}"));
        html(&page.replace("BODY", &format!("<p>Đoạn.</p>{body}"))).unwrap()
    };
    let meta = |pairs: &[(&str, &str)]| -> String {
        let one = |(name, content): &(&str, &str)| {
            format!("<meta property='{name}' content='{content}'>")
        };
        pairs.iter().map(one).collect()
    };
    let file = [
        ("og:video", "http://c.example/a.mp4"),
        ("og:video:secure_url", "https://c.example/a.mp4"),
        ("og:video:type", "video/mp4"),
        ("og:video", "https://player.example/embed/1"),
        ("og:video:type", "text/html"),
    ];
    let player = "video_elsewhere: https://player.example/embed/1";
    check(&page(&meta(&file), ""), &["https://c.example/a.mp4 |  | "], &[player]);
    let body =
        "<figure><video src=//c.example/a.mp4></video><figcaption>Lễ ký</figcaption></figure>
        <iframe src=https://player.example/embed/1></iframe>";
    check(&page(&meta(&file), body), &["https://c.example/a.mp4 | Lễ ký | "], &[player]);
    // The type speaks for an address without an ending, and only for those before it.
    let typed = [
        ("og:video:url", "https://c.example/xem/1"),
        ("og:video:type", "video/webm"),
        ("og:video", "https://player.example/embed/1"),
        ("og:video:type", "text/html"),
    ];
    check(&page(&meta(&typed), ""), &["https://c.example/xem/1 |  | "], &[player]);

    let linked = |json: &str| format!("<script type='application/ld+json'>{json}</script>");
    let alone = r#"{"@graph": [{"@type": "VideoObject", "name": "Lễ ký", "creditText": "Nguồn: Cổng Minh Họa",
        "contentUrl": "https://c.example/a.mp4", "embedUrl": "https://player.example/embed/1"}]}"#;
    let said = "https://c.example/a.mp4 | Lễ ký | Nguồn: Cổng Minh Họa";
    check(&page(&linked(alone), "<video src=//c.example/a.mp4></video>"), &[said], &[]);
    let inside = r#"{"@type": "NewsArticle", "headline": "Tiêu đề", "video": [
        {"@type": "VideoObject", "name": "Tiêu đề", "contentUrl": "/b.mov"},
        {"@type": "VideoObject", "contentUrl": "/c", "encodingFormat": "video/mp4", "caption": "Cầu  mới"},
        {"@type": "VideoObject", "contentUrl": "https://c.example/d.m3u8"},
        {"@type": "VideoObject", "embedUrl": "https://player.example/embed/1"}]}"#;
    check(
        &page(&linked(inside), ""),
        &["https://p.example/b.mov |  | ", "https://p.example/c | Cầu mới | "],
        &["video_elsewhere: https://c.example/d.m3u8", player],
    );
}

#[tokio::test]
async fn the_sample_with_videos_reads_the_same_from_html_json_and_markdown() {
    for kind in ["html", "json", "md"] {
        let draft = sample(&format!("tests/articles/video.{kind}")).await;
        check(
            &draft,
            &[
                "https://video.minhhoa.example/2026/le-cong-bo.mp4 | Lễ công bố Nghị định. | Nguồn: Cổng Minh Họa",
                "https://minhhoa.example/video/cau-moi.webm | Cây cầu mới, nhìn từ trên cao. | ",
            ],
            &["video_elsewhere: https://video.minhhoa.example/truc-tiep/index.m3u8"],
        );
        let captions: Vec<_> =
            lines(&draft).into_iter().filter(|line| line.starts_with("Caption")).collect();
        assert_eq!(
            captions,
            ["Caption: Lễ công bố Nghị định.", "Caption: Cây cầu mới, nhìn từ trên cao."],
            "{kind}"
        );
    }
}

#[test]
fn videos_in_json() {
    let read = |text: &str| parse(Kind::Json, text, &Place::default(), "json");
    let own = |video: &str| {
        read(&format!(
            r#"{{"schema": "loa/article-1", "title": "Tên", "sapo": "Tóm tắt", "url": "https://p.example/a",
            "blocks": [{{"kind": "paragraph", "text": "Một."}}], "videos": [{video}]}}"#
        ))
    };
    let typed =
        own(r#"{"url": "/xem?id=1", "type": "video/mp4", "caption": "Cầu", "credit": "Nguồn: A"}"#);
    check(&typed.unwrap(), &["https://p.example/xem?id=1 | Cầu | Nguồn: A"], &[]);
    check(
        &own(r#"{"url": "/xem?id=1"}"#).unwrap(),
        &[],
        &["video_left_out: /xem?id=1: neither its ending nor its type is that of a video file"],
    );
    assert_eq!(own(r#"{"url": "/a.mp4", "titel": "x"}"#).unwrap_err().code(), "json");
    let item = |media: &str| {
        read(&format!(
            r#"{{"uri": "https://w.example/1", "headline": "Tin điện", "body_html": "<p>Một.</p><video src=/b.mp4></video>",
            "associations": {{"m": {media}}}}}"#
        ))
        .unwrap()
    };
    let media = r#"{"type": "video", "headline": "Lễ ký", "creditline": "TTX", "renditions": {
        "a": {"href": "/s", "mimetype": "video/mp4", "width": 640}, "l": {"href": "/l", "contenttype": "video/mp4", "width": 1920},
        "live": {"href": "/x.m3u8", "width": 4000}}}"#;
    check(
        &item(media),
        &["https://w.example/b.mp4 |  | ", "https://w.example/l | Lễ ký | TTX"],
        &[],
    );
    let stream = r#"{"type": "video", "renditions": [{"href": "https://w.example/x.m3u8"}]}"#;
    check(
        &item(stream),
        &["https://w.example/b.mp4 |  | "],
        &["video_elsewhere: https://w.example/x.m3u8"],
    );
}

#[test]
fn a_standfirst_with_a_video_is_an_article() {
    let draft = framed("<video src=/a.mp4></video>");
    assert_eq!((draft.blocks.len(), draft.videos.len()), (2, 1));
    let stream = FRAME.replace("BODY", "<video src=/a.m3u8></video>");
    assert_eq!(html(&stream).unwrap_err().code(), "empty_body");
}

/// The start of a file of each kind, filled up to `length`.
fn film(start: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = start.to_vec();
    bytes.resize(length, 0);
    bytes
}

const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isomavc1";

#[test]
fn a_video_is_told_by_its_bytes() {
    let check = |start: &[u8], mime: Option<&str>| assert_eq!(sniff(start), mime, "{start:?}");
    check(MP4, Some("video/mp4"));
    check(b"\0\0\0\x14ftypqt  ", Some("video/quicktime"));
    for no_video in [b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypavif", b"\0\0\0\x18ftypM4A "] {
        check(no_video, None);
    }
    check(b"\0\0\0\x18ftyp", None);
    check(b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42", Some("video/webm"));
    check(b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska\x42", Some("video/x-matroska"));
    check(b"\x1a\x45\xdf\xa3\xa3\x42\x82\x8amatroska\0\0", Some("video/x-matroska"));
    check(b"\x1a\x45\xdf\xa3\xa3\x42\x82\x84docx", None);
    check(b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88webm", None);
    check(b"RIFF\0\0\0\0AVI LIST", Some("video/x-msvideo"));
    check(b"RIFF\0\0\0\0WEBPVP8 ", None);
    let packet = film(b"G", 188);
    check(&packet.repeat(3), Some("video/mp2t"));
    check(&packet.repeat(2), None);
    check(&[packet.repeat(2), film(b"x", 188)].concat(), None);
    check(b"<!doctype html>", None);
    check(b"", None);
}

/// A portal on loopback with these files.
async fn files(all: Vec<(&'static str, u16, Vec<u8>)>) -> (Ingest, u16) {
    let mut app = Router::new();
    for (path, status, body) in all {
        let answer = (StatusCode::from_u16(status).unwrap(), body);
        app = app.route(path, get(|| async { answer }));
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let policy = Policy { allow_loopback: true, ports: vec![port] };
    // Pages may be small where videos are not.
    let limits = Limits { max_body: 100, ..Limits::default() };
    let config = Config { video_max_bytes: 5000, ..Config::default() };
    (Ingest::new(Client::guarded(limits, policy).unwrap()).with(config), port)
}

#[tokio::test]
async fn videos_are_fetched_and_what_cannot_be_had_costs_nothing() {
    let (ingest, port) = files(vec![
        ("/a.mp4", 200, film(MP4, 5000)),
        ("/large.mp4", 200, film(MP4, 5001)),
        ("/page.mp4", 200, b"<html>Xin dang nhap</html>".to_vec()),
        ("/gone.mp4", 404, film(MP4, 90)),
        ("/busy.mp4", 503, Vec::new()),
    ])
    .await;
    let names = ["gone", "a", "large", "page", "busy"];
    let body = names
        .map(|name| format!("<video src='http://127.0.0.1:{port}/{name}.mp4'></video>"))
        .concat();
    let mut draft = framed(&format!("<p>Đoạn.</p>{body}"));
    let folder = tempfile::tempdir().unwrap();
    let videos = ingest.fetch_videos(&mut draft, folder.path()).await;
    let path = folder.path().join("video-1");
    let only = FetchedVideo { index: 1, path: path.clone(), bytes: 5000, mime: "video/mp4" };
    assert_eq!(videos, FetchedVideos { fetched: vec![only], maybe_later: vec![4] });
    assert_eq!(std::fs::read(&path).unwrap(), film(MP4, 5000));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "useless files stayed");
    let doubts = told(&draft).1;
    let said = ["answered 404", "larger than 5000 bytes", "not a video", "answered 503"];
    assert_eq!(doubts.len(), said.len(), "{doubts:?}");
    for (doubt, said) in doubts.iter().zip(said) {
        assert!(doubt.starts_with("video_left_out: ") && doubt.contains(said), "{doubt}");
    }
}

#[tokio::test]
async fn a_video_beside_a_local_article_stays_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("lễ.mp4", &film(MP4, 300));
    write("lớn.mp4", &film(MP4, 5001));
    write("giả.mp4", b"no video");
    let text = "# Tên\n\nĐoạn.\n\n![Lễ ký](lễ.mp4 \"Nguồn: Cổng Minh Họa\") ![](lớn.mp4) ![](giả.mp4) ![](../ngoài.mp4)\n";
    write("bài.md", text.as_bytes());
    let (ingest, _) = files(Vec::new()).await;
    let source = Source::File(folder.path().join("bài.md"));
    let mut draft = ingest.read(&source, None).await.unwrap();
    check(
        &draft,
        &["lễ.mp4 | Lễ ký | Nguồn: Cổng Minh Họa", "lớn.mp4 |  | ", "giả.mp4 |  | "],
        &["video_left_out: ../ngoài.mp4: no address, and no file beside the article"],
    );
    let work = tempfile::tempdir().unwrap();
    let videos = ingest.fetch_videos(&mut draft, work.path()).await;
    let real = folder.path().canonicalize().unwrap();
    let only =
        FetchedVideo { index: 0, path: real.join("lễ.mp4"), bytes: 300, mime: "video/mp4" };
    assert_eq!(videos, FetchedVideos { fetched: vec![only], maybe_later: vec![] });
    assert_eq!(told(&draft).1.len(), 3);
    // Files of the source are nobody's work to remove.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
    assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn addresses_of_this_machine_are_refused() {
    let mut draft = framed("<p>Đoạn.</p><video src=http://127.0.0.1:9/a.mp4></video>");
    let folder = tempfile::tempdir().unwrap();
    let videos = ingest().fetch_videos(&mut draft, folder.path()).await;
    assert_eq!(videos, FetchedVideos::default());
    assert!(told(&draft).1[0].starts_with("video_left_out: cannot fetch"), "{:?}", draft.warnings);
}

#[test]
fn an_article_has_the_videos_that_are_stored_each_once() {
    let id: ArticleId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let draft = || {
        framed(
            "<p>Đoạn.</p><video src=/a.mp4></video><video src=/b.mp4></video><video src=/c.mp4></video>",
        )
    };
    let article = |stored: &[(usize, &[u8])], photos| {
        let mut draft = draft();
        let stored: Vec<_> = stored
            .iter()
            .map(|(index, bytes)| (*index, Digest::of(bytes), "video/mp4".to_owned()))
            .collect();
        draft.keep_videos(&stored);
        draft.article(id, "demo", 1, photos, Timestamp::UNIX_EPOCH)
    };
    let kept = |article: &loa_model::Article| -> Vec<_> {
        article.videos.iter().map(|v| (v.url.clone(), v.blob, v.mime.clone())).collect()
    };
    let entry = |name: &str, bytes: Option<&[u8]>| {
        let mime = bytes.map_or("", |_| "video/mp4").to_owned();
        (format!("https://p.example/{name}.mp4"), bytes.map(Digest::of), mime)
    };
    let two = article(&[(2, b"c"), (0, b"a")], Some(&[]));
    assert_eq!(kept(&two), [entry("a", Some(b"a")), entry("c", Some(b"c"))]);
    let twice = article(&[(0, b"a"), (1, b"a")], Some(&[]));
    assert_eq!(kept(&twice), [entry("a", Some(b"a"))]);
    // A caller that fetches none has the article that it had before there were videos.
    let none = article(&[], Some(&[]));
    assert_eq!(none.videos, []);
    assert_ne!(none.digest, two.digest);
    let waiting = article(&[], None);
    assert_eq!(kept(&waiting), [entry("a", None), entry("b", None), entry("c", None)]);
}

#[test]
fn the_settings_name_every_limit_with_its_default() {
    let text = std::fs::read_to_string(root().join("config/default.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let defaults = toml::Value::try_from(Config::default()).unwrap();
    assert_eq!(table.get("ingest"), Some(&defaults));
}
