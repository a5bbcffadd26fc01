//! Reports for analysts: what is not known is never a number, who may do what, files, links for people outside.

mod support;

use axum::http::StatusCode;
use jiff::SignedDuration;
use loa_model::{Clock as _, PostFormat, Role};
use loa_reach::Share;
use loa_store::{Changes, Store as _, StoreExt as _};
use serde_json::Value;
use support::{
    World,
    browser::{Answer, Browser},
    measured::Says,
    records,
};

/// The days around everything that the newsroom has.
const DAYS: &str = "from=2026-11-10&to=2026-11-16";
const PAGES: [&str; 4] =
    ["/bao-cao", "/bao-cao/bai-dang", "/bao-cao/khung-gio", "/bao-cao/van-hanh"];

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.text()))
}

/// The text of a page without tags, spaces made one.
fn words(answer: &Answer) -> String {
    let mut out = String::new();
    for part in answer.text().split('<') {
        out.push_str(part.split_once('>').map_or(part, |(_, rest)| rest));
        out.push(' ');
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ").replace("&#x2f;", "/")
}

#[tokio::test]
async fn what_is_not_known_is_a_dash_with_its_reason_and_never_a_zero() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let page = author.get(&format!("/bao-cao?{DAYS}")).await;
    assert_eq!(page.status, StatusCode::OK);
    let text = words(&page);
    assert!(text.contains("Lượt xem tăng trong kỳ 3.905"), "{text}");
    assert!(text.contains("Kỳ trước — chưa có số liệu"), "no percentage of nothing: {text}");
    assert!(
        text.contains(
            "Bình luận — Nhấp (kênh) — Nhấp liên kết — chưa có số liệu, hoặc kênh không cung cấp"
        ),
        "{text}"
    );
    assert!(text.contains("tên gốc fb_reels_total_plays , cách tính 2026-06"), "{text}");
    assert!(text.contains("Số liệu lấy lúc 16:00 16/11/2026"), "{text}");
    let told = json(&author.get(&format!("/api/v1/reach/overview?{DAYS}")).await);
    assert_eq!(told["figures"][0]["cell"]["gain"], 3905);
    assert_eq!(told["figures"][0]["before"]["why"], "missing");
    assert_eq!(told["figures"][0]["before"]["gain"], Value::Null);
    assert_eq!(told["last_year"]["as_of"], Value::Null);
    // A day before anything was there: nothing at all, said so.
    for path in PAGES {
        let page = author.get(&format!("{path}?from=2026-01-01&to=2026-01-02")).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.text().contains("<svg") && !page.text().contains("3.905"), "{path}");
    }
}

#[tokio::test]
async fn reach_is_a_range_and_never_a_sum() {
    let world = World::new().await;
    let at = world.clock.now() - SignedDuration::from_hours(72);
    // 66 of 100 hundredths of 1000 views were seen after a day, 75 after two; 61 people of 100 views.
    let says = Says { views: Some(1000), reach: Some(61), measured: true };
    world.live_post("facebook:cong-tin", PostFormat::Photo, at, says, None).await;
    let author = Browser::of(&world, &world.people.author).await;
    let page = author.get(&format!("/bao-cao?{DAYS}&by=channel")).await;
    // 2870 of the one, 457 of the other.
    assert!(words(&page).contains("Tiếp cận (lũy kế) 2.870 – 3.327"), "{}", words(&page));
    let told = json(&author.get(&format!("/api/v1/reach/overview?{DAYS}")).await);
    let reach = &told["period"]["total"]["reach"];
    assert_eq!((&reach["at_least"], &reach["at_most"]), (&2870.into(), &3327.into()));
    let cells = told["period"]["total"]["cells"].as_array().unwrap();
    assert!(cells.iter().all(|cell| cell["metric"] != "reach"));
}

#[tokio::test]
async fn an_article_is_shown_by_age_with_its_half_life_or_why_there_is_none() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let path = format!("/bao-cao/bai-viet/{}", world.article.id);
    let page = author.get(&path).await;
    assert!(
        page.text().contains("<svg") && words(&page).contains("— chưa đủ 28 ngày"),
        "{}",
        words(&page)
    );
    let now = world.clock.now();
    let says = Says { views: Some(1000), reach: None, measured: true };
    let at = now - SignedDuration::from_hours(24 * 30);
    world.live_post("facebook:cong-tin", PostFormat::Photo, at, says, None).await;
    let nothing = Says { views: None, ..says };
    world.live_post("zalo:cong-tin", PostFormat::Video, at, nothing, None).await;
    let page = author.get(&path).await;
    // Half of 1000 between 410 at 6 hours and 660 at 24: 6 h + 18 h · 90/250.
    assert!(
        words(&page).contains("12 giờ 28 phút giữa hai lần đọc 6 giờ – 1 ngày"),
        "{}",
        words(&page)
    );
    assert!(words(&page).contains("— kênh không cung cấp"), "{}", words(&page));
    let told = json(&author.get(&format!("/api/v1/reach/articles/{}", world.article.id)).await);
    let half: Vec<_> = told["posts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|post| post["counts"][0]["half_life"]["known"].as_str())
        .collect();
    assert_eq!(half, ["at", "too_young"]);
    let svg = author.get(&format!("/api/v1/reach/articles/{}/chart.svg", world.article.id)).await;
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert!(svg.text().starts_with("<svg xmlns="));
}

#[tokio::test]
async fn silent_posts_are_two_lists() {
    let world = World::new().await;
    let at = world.clock.now() - SignedDuration::from_hours(60);
    let says = Says { views: Some(0), reach: None, measured: true };
    let account = "facebook:cong-tin";
    let unseen = world.live_post(account, PostFormat::Photo, at, says, None).await;
    let nothing = Says { views: None, ..says };
    let ungiven = world.live_post(account, PostFormat::Photo, at, nothing, None).await;
    let unmeasured = world
        .live_post(account, PostFormat::Photo, at, Says { measured: false, ..says }, None)
        .await;
    let author = Browser::of(&world, &world.people.author).await;
    let told = json(&author.get(&format!("/api/v1/reach/posts?{DAYS}")).await);
    let ids = |list: &Value| {
        let id = |post: &Value| post["post"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&told["unseen"]), [unseen.id.to_string()]);
    let unknown: Vec<_> = told["unknown"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0]["post"].as_str().unwrap(), pair[1].as_str().unwrap()))
        .collect();
    let (a, b) = (ungiven.id.to_string(), unmeasured.id.to_string());
    let mut expect = vec![(a.as_str(), "not_given"), (b.as_str(), "not_measured")];
    expect.sort_unstable();
    let mut unknown = unknown;
    unknown.sort_unstable();
    assert_eq!(unknown, expect);
    assert_eq!(told["young"], 1, "the post of the newsroom went out this morning");
    let page = words(&author.get(&format!("/bao-cao/bai-dang?{DAYS}")).await);
    assert!(
        page.contains("Bài không ai xem 1") && page.contains("Bài chưa rõ có ai xem 2"),
        "{page}"
    );
}

#[tokio::test]
async fn hours_and_operations_say_of_how_many_posts_they_know() {
    let world = World::new().await;
    let at = world.clock.now() - SignedDuration::from_hours(60);
    for views in [100, 200, 300, 400, 500] {
        let says = Says { views: Some(views), reach: None, measured: true };
        let clip = Some(loa_model::VariantKind::LowBand);
        world.live_post("youtube:cong-tin", PostFormat::Video, at, says, clip).await;
    }
    let author = Browser::of(&world, &world.people.author).await;
    let told = json(&author.get(&format!("/api/v1/reach/hours?{DAYS}")).await);
    // 66 of 100 after a day: the middle one of 66, 132, 198, 264, 330. Saturday, 4:30 in Hanoi.
    let hour = &told[0]["hours"][0];
    assert_eq!(
        (&hour["weekday"], &hour["hour"], &hour["posts"], &hour["median"]),
        (&5.into(), &4.into(), &5.into(), &198.into())
    );
    assert!(words(&author.get(&format!("/bao-cao/khung-gio?{DAYS}")).await).contains("198"));
    let told = json(&author.get(&format!("/api/v1/reach/operations?{DAYS}")).await);
    assert_eq!(
        (&told["bands"][0]["low"], &told["bands"][0]["median"]),
        (&true.into(), &198.into())
    );
    assert_eq!((&told["clips"], &told["clips_unknown"]), (&6.into(), &1.into()));
    let page = words(&author.get(&format!("/bao-cao/van-hanh?{DAYS}")).await);
    assert!(page.contains("Băng thông thấp") && page.contains("Bài có clip trong kỳ: 6"), "{page}");
}

#[tokio::test]
async fn another_agency_reads_nothing_of_it() {
    let world = World::new().await;
    world.two_months().await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let id = world.article.id;
    for path in [
        format!("/bao-cao/bai-viet/{id}"),
        format!("/api/v1/reach/articles/{id}"),
        format!("/api/v1/reach/articles/{id}/chart.svg"),
        "/api/v1/reach/files/luot-xem.svg".to_owned(),
    ] {
        assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let api = [
        "overview?by=post,article",
        "posts?",
        "hours?",
        "operations?",
        "files/lan-toa.csv?by=post",
    ];
    let paths = PAGES.map(|path| format!("{path}?")).into_iter();
    for path in paths.chain(api.map(|path| format!("/api/v1/reach/{path}"))) {
        let answer = stranger.get(&format!("{path}&range=90d")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        for secret in [world.article.title(), "facebook", "Facebook", "fb_reels_total_plays"] {
            assert!(!answer.text().contains(secret), "{path} shows {secret}");
        }
    }
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused_in_words() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    for query in [
        "range=year",
        "from=2026-11-02&to=2026-11-01",
        "from=2020-01-01&to=2026-11-01",
        "from=h%C3%B4m%20qua",
        "from=-9999-01-01",
        "to=9999-12-31",
        "by=province",
        "by=",
        "by=channel,,",
    ] {
        for path in ["/bao-cao", "/api/v1/reach/overview", "/api/v1/reach/files/lan-toa.csv"] {
            let status = author.get(&format!("{path}?{query}")).await.status;
            let expect =
                if query == "by=" { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
            assert_eq!(status, expect, "{path}?{query}");
        }
    }
    assert_eq!(author.get("/api/v1/reach/files/khac.doc").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn files_are_what_they_say_and_run_nothing() {
    let world = World::new().await;
    let at = world.clock.now() - SignedDuration::from_hours(60);
    let says = Says { views: Some(100), reach: None, measured: true };
    let post = world.live_post("facebook:cong-tin", PostFormat::Text, at, says, None).await;
    let kept = world.store.read::<loa_model::Post>(&post.id.to_string()).await.unwrap().unwrap();
    let mut post = kept.record;
    // As a person would find it in a spreadsheet: the label of a cut that begins as a formula does.
    post.content.lang = "=HYPERLINK(\"http://x\")".into();
    let changes = Changes::by(records::by(), "edit").update(&post, kept.version);
    world.store.commit(changes).await.unwrap();
    let author = Browser::of(&world, &world.people.author).await;
    let file = async |name: &str, by: &str| {
        author.get(&format!("/api/v1/reach/files/{name}?{DAYS}&by={by}")).await
    };
    let csv = file("lan-toa.csv", "language").await;
    let first = "\u{feff}Chia theo,Cơ quan,Ngôn ngữ,Bài lên hoặc được đo,Có số liệu,Chỉ số,";
    assert!(csv.text().starts_with(first), "{}", csv.text());
    assert!(csv.text().contains(",\"'=HYPERLINK(\"\"http://x\"\")\","), "{}", csv.text());
    assert!(!csv.text().contains("\n=") && !csv.text().contains(",="));
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let name = "attachment; filename=\"lan-toa-2026-11-10-2026-11-16.csv\"";
    assert_eq!(csv.header("content-disposition"), name);
    for (name, starts) in [
        ("lan-toa.xlsx", &b"PK\x03\x04"[..]),
        ("lan-toa.parquet", b"PAR1"),
        ("lan-toa.pdf", b"%PDF-1.7 demo 2"),
        ("luot-xem.svg", b"<svg xmlns="),
    ] {
        let answer = file(name, "channel,format").await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        assert!(answer.body.starts_with(starts), "{name}");
    }
    let crowded = file("lan-toa.pdf", "channel,account,format,article,post,section,language").await;
    assert_eq!(crowded.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(json(&crowded)["detail_en"], "the report does not fit its pages");
}

#[tokio::test]
async fn a_period_that_is_none_is_answered_beside_the_form() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    for tab in ["", "/bai-dang", "/khung-gio", "/van-hanh"] {
        let page = browser.get(&format!("/bao-cao{tab}?from=2026-11-10&to=2026-11-01")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{tab}");
        assert!(words(&page).contains("Ngày cuối đứng trước ngày đầu"), "{}", words(&page));
        assert!(page.text().contains("name=\"from\""), "the form is there to mend it");
    }
    let told = browser.get("/api/v1/reach/overview?from=2026-11-10&to=2026-11-01").await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
}

async fn analyst(world: &World) -> Browser<'_> {
    let person = world.colleague(&world.people.author, &[Role::Analyst]).await;
    Browser::of(world, &person).await
}

/// The address of the link that a page shows.
fn address(page: &Answer) -> String {
    let text = page.text().replace("&#x2f;", "/");
    let (_, rest) = text.split_once("https://loa.example").expect("the page shows an address");
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_link_shows_one_report_to_whoever_has_it_until_it_runs_out() {
    let world = World::new().await;
    let browser = analyst(&world).await;
    let form = [("from", "2026-11-10"), ("to", "2026-11-16"), ("by", "channel"), ("days", "7")];
    let page = browser.post("/bao-cao/chia-se", &form).await;
    assert_eq!(page.status, StatusCode::OK);
    let link = address(&page);
    let token = link.rsplit('/').next().unwrap();
    assert_eq!(token.len(), 26);
    // The address is told once, and nothing that is kept has it.
    assert!(!browser.get("/bao-cao/chia-se").await.text().contains(token));
    let kept = world.store.all::<Share>(9).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert!(!serde_json::to_string(&kept[0].record).unwrap().contains(token));
    let nobody = Browser::nobody(&world);
    let shown = nobody.get(&link).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.header("x-robots-tag").contains("noindex"));
    assert!(shown.text().contains("name=\"robots\" content=\"noindex"));
    assert!(words(&shown).contains("3.905"), "{}", words(&shown));
    for inside in ["/bai-dang", "/bai-viet", "/duyet", "/api/", "Nguyễn Thị Mẫn", "<form"] {
        assert!(!shown.text().contains(inside), "the outside sees {inside}");
    }
    let wrong = nobody.get("/chia-se/khongco").await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    world.clock.set("2026-11-23T09:29:59Z");
    assert_eq!(nobody.get(&link).await.status, StatusCode::OK);
    world.clock.set("2026-11-23T09:30:00Z");
    let over = nobody.get(&link).await;
    assert_eq!(over.status, StatusCode::GONE);
    assert!(over.text().contains("hết hạn"));
    let english = nobody.send("GET", &link, &[("cookie", "lang=en")], &[]).await;
    assert!(english.text().contains("run out"), "{}", english.text());
    assert!(!over.text().contains("3.905"));
}

#[tokio::test]
async fn a_link_is_taken_back_and_only_by_those_who_give_links() {
    let world = World::new().await;
    let browser = analyst(&world).await;
    let page = browser.post("/bao-cao/chia-se", &[("range", "30d")]).await;
    let link = address(&page);
    let id = world.store.all::<Share>(9).await.unwrap()[0].record.token.to_string();
    let path = format!("/bao-cao/chia-se/{id}/thu-hoi");
    let author = Browser::of(&world, &world.people.author).await;
    assert_eq!(author.post(&path, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(author.get("/bao-cao/chia-se").await.status, StatusCode::FORBIDDEN);
    assert!(!author.get(&format!("/bao-cao?{DAYS}")).await.text().contains("/bao-cao/chia-se"));
    let stranger = Browser::of(&world, &world.people.stranger).await;
    assert_eq!(stranger.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    assert!(!stranger.get("/bao-cao/chia-se").await.text().contains(&id));
    let nobody = Browser::nobody(&world);
    assert_eq!(nobody.get(&link).await.status, StatusCode::OK);
    let answer = browser.post(&path, &[]).await;
    assert_eq!(answer.header("location"), "/bao-cao/chia-se");
    assert_eq!(nobody.get(&link).await.status, StatusCode::GONE);
    assert!(words(&browser.get("/bao-cao/chia-se").await).contains("đã thu hồi"));
    for days in ["0", "367", "x"] {
        let refused = browser.post("/bao-cao/chia-se", &[("days", days)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{days}");
    }
}

#[tokio::test]
async fn machines_make_links_and_take_them_back_too() {
    let world = World::new().await;
    let browser = analyst(&world).await;
    let all = "/api/v1/reach/shares";
    let send = async |method: &str, to: &str, body: &str| {
        let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
        let response = browser.raw(method, to, &headers, body.to_owned()).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1_000_000).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    };
    for body in [
        "{",
        "{}",
        r#"{"from":"2026-11-10","to":"2026-11-16","agency":"khac"}"#,
        r#"{"from":"2026-11-17","to":"2026-11-16"}"#,
        r#"{"from":"2026-11-10","to":"2026-11-16","days":0}"#,
        r#"{"from":"2026-11-10","to":"2026-11-16","by":["province"]}"#,
    ] {
        let refused = send("POST", all, body).await;
        assert!(refused.status.is_client_error(), "{body}: {}", refused.status);
        assert_eq!(refused.header("content-type"), "application/problem+json", "{body}");
    }
    assert!(world.store.all::<Share>(9).await.unwrap().is_empty());
    let body = r#"{"from":"2026-11-10","to":"2026-11-16","by":["channel","format"]}"#;
    let made = send("POST", all, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let address = json(&made)["address"].as_str().unwrap().replace("https://loa.example", "");
    let nobody = Browser::nobody(&world);
    let shown = words(&nobody.get(&address).await);
    assert!(shown.contains("Định dạng") && shown.contains("Video ngắn"), "{shown}");
    let id = json(&browser.get(all).await)["items"][0]["token"].as_str().unwrap().to_owned();
    assert_eq!(send("DELETE", &format!("{all}/{id}"), "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(nobody.get(&address).await.status, StatusCode::GONE);
    assert_eq!(send("DELETE", &format!("{all}/khongco"), "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_page_of_two_months_is_whole_in_both_languages() {
    let world = World::new().await;
    world.two_months().await;
    let mut approver = Browser::of(&world, &world.people.approver).await;
    let session = approver.cookie.clone();
    for lang in ["vi", "en"] {
        approver.cookie = format!("{session}; lang={lang}");
        for path in PAGES {
            let page = approver.get(&format!("{path}?range=90d")).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(lang == "vi" || !words(&page).contains("/2026"), "{path}: {}", words(&page));
            for key in ["report.", "reach.", "metric.", "format."] {
                let bare = words(&page).split(' ').any(|word| word.starts_with(key));
                assert!(!bare, "{path} in {lang} shows a key: {key}");
            }
        }
        let article = approver.get(&format!("/bao-cao/bai-viet/{}", world.article.id)).await;
        assert_eq!(article.text().matches("<path d=").count(), 6, "lines that can be told apart");
        assert!(
            article.text().contains("class=\"small muted\">")
                && article.text().matches("<tr>").count() > 100
        );
        for by in ["channel", "account", "format", "article", "post", "section", "language"] {
            let page = approver.get(&format!("/bao-cao?range=90d&by={by}")).await;
            assert_eq!(page.status, StatusCode::OK, "{by}");
            assert!(
                page.text().contains("<svg") && page.text().contains("class=\"total\""),
                "{by}"
            );
            let thousands = if lang == "en" { ",000</text>" } else { ".000</text>" };
            assert!(page.text().contains(thousands), "the scale of the chart in {lang}");
            assert!(lang == "vi" || !words(&page).contains("/2026"), "{by}: {}", words(&page));
        }
    }
}
