//! Lists: each is bounded, goes on behind a cursor, and is the same in pieces as whole.

mod support;

use axum::http::{Method, StatusCode};
use loa_model::{Post, Role};
use loa_store::{Changes, Store as _};
use serde_json::{Value, json};
use support::{
    World,
    browser::{Browser, program},
    records,
};

/// Reads that are no lists of records, and why each is bounded.
const NO_LISTS: &[(&str, &str)] = &[
    ("/api/v1/attention", "what waits, at most 200 of each kind"),
    ("/api/v1/switches", "the accounts and channels of one agency"),
    ("/api/v1/channels", "the channels that there are"),
    ("/api/v1/own/agencies", "the agencies of one person"),
    ("/api/v1/setup", "whether there is something to set up"),
    ("/api/v1/start", "the first steps"),
    ("/api/v1/articles/{id}/variants/{kind}", "one variant and what can be chosen for it"),
    ("/api/v1/jobs/{id}/progress", "one job"),
    ("/api/v1/calendar/export", "a file of at most 100 days"),
    ("/api/v1/reach", "a report: one row a cut"),
    ("/api/v1/reach/overview", "a report"),
    ("/api/v1/reach/posts", "a report: ten posts by each number"),
    ("/api/v1/reach/hours", "a report: the hours of a week"),
    ("/api/v1/reach/operations", "a report: one row a channel"),
    ("/api/v1/reach/articles/{id}/{file}", "a file"),
    ("/api/v1/reach/files/{file}", "a file"),
    ("/api/v1/posts/{id}/timeline", "the life of one post, the last hundred commits"),
    ("/api/v1/audit/nhat-ky.csv", "a file of at most 10000 lines"),
    ("/api/v1/preview/clip/{id}/{file}", "a picture"),
    ("/api/v1/openapi.json", "the description"),
];

fn is_list(told: &Value) -> bool {
    let names = told["parameters"].as_array().into_iter().flatten();
    names.filter(|one| one["in"] == "query" && one["name"] == "after").count() == 1
}

fn reads() -> impl Iterator<Item = loa_web::Way> {
    let all = loa_web::ways().into_iter();
    all.filter(|way| way.method == Method::GET && way.path.starts_with("/api/v1/"))
}

#[test]
fn what_is_read_is_one_record_a_bounded_report_or_a_list_in_pieces() {
    for way in reads() {
        let one = way.path.ends_with('}') && way.path.matches('{').count() == 1;
        let report = NO_LISTS.iter().any(|(path, _)| *path == way.path);
        assert!(
            one || report || is_list(&way.told),
            "{}: a list without pieces: answer a Piece and tell it by piece::told, or name it in NO_LISTS with what bounds it",
            way.path
        );
    }
}

async fn everybody(world: &World) -> Browser<'_> {
    let person = world.colleague(&world.people.author, &Role::ALL).await;
    Browser::of(world, &person).await
}

fn address(path: &str, more: &str) -> String {
    let days = "from=2026-11-01T00:00:00Z&to=2026-11-30T00:00:00Z&";
    let days = if path == "/api/v1/calendar" { days } else { "" };
    format!("{path}?{days}{more}")
}

/// Fills the lists that the newsroom leaves short.
async fn fill(world: &World, everybody: &Browser<'_>) {
    for days in [3, 4, 5] {
        let order = json!({ "from": "2026-11-01", "to": "2026-11-10", "days": days });
        let at = ("POST", "/api/v1/reach/shares");
        let made = program(&world.router, &everybody.cookie, at, &[], Some(&order)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let form = [("name", "máy"), ("days", "9"), ("read", "1")];
        assert_eq!(everybody.post("/toi/ma", &form).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_list_in_pieces_is_the_list() {
    let world = World::new().await;
    world.fill_queue().await;
    let everybody = everybody(&world).await;
    fill(&world, &everybody).await;
    let mut long = 0;
    for way in reads().filter(|way| is_list(&way.told)) {
        let whole = everybody.get(&address(way.path, "limit=200")).await;
        assert_eq!(whole.status, StatusCode::OK, "{}: {}", way.path, whole.text());
        let whole = whole.value();
        let (all, mut pieces) = (whole["items"].as_array().expect("a list").clone(), Vec::new());
        long += usize::from(all.len() > 2);
        let mut after = String::new();
        loop {
            let at = address(way.path, &format!("limit=2&after={after}"));
            let answer = everybody.get(&at).await;
            let piece = answer.value();
            let items = piece["items"].as_array().expect("a piece");
            assert!(items.len() <= 2, "{at}");
            pieces.extend(items.iter().cloned());
            let Some(next) = piece["next"].as_str() else {
                assert_eq!(answer.header("link"), "", "{at}");
                break;
            };
            let link = answer.header("link");
            assert!(link.ends_with(">; rel=\"next\""), "{at}: {link}");
            let linked = link.trim_start_matches('<').split('>').next().unwrap();
            after = next.to_owned();
            let (by_link, by_cursor) = (
                everybody.get(linked).await.value(),
                everybody.get(&address(way.path, &format!("limit=2&after={after}"))).await.value(),
            );
            assert_eq!(by_link["items"], by_cursor["items"], "{at}: {link}");
            assert!(pieces.len() <= all.len(), "{at}: it never ends");
        }
        assert_eq!(pieces, all, "{}", way.path);
        for (wrong, why) in
            [("limit=0", "few"), ("limit=201", "many"), ("limit=x", "none"), ("after=!", "none")]
        {
            let answer = everybody.get(&address(way.path, wrong)).await;
            assert!([400, 422].contains(&answer.status.as_u16()), "{} {wrong}: {why}", way.path);
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }
    assert!(long >= 7, "only {long} lists are longer than a piece: fill them");
}

#[tokio::test]
async fn what_is_added_meanwhile_neither_repeats_a_post_nor_hides_one() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let add = async |at: &str| {
        let id = world.ids.make();
        let mut post = Post { id, scheduled_at: at.parse().unwrap(), ..world.posts.draft.clone() };
        post.content.link.code = world.ids.token(8);
        let changes = Changes::by(records::by(), "copy").insert(&post);
        world.store.commit(changes).await.unwrap();
        id.to_string()
    };
    let ids = |piece: &Value| -> Vec<String> {
        let items = piece["items"].as_array().unwrap().iter();
        items.map(|post| post["id"].as_str().unwrap().to_owned()).collect()
    };
    for day in 10..20 {
        add(&format!("2026-12-{day}T01:00:00Z")).await;
    }
    let before = ids(&author.get("/api/v1/posts?limit=200").await.value());
    let first = author.get("/api/v1/posts?limit=4").await.value();
    let (early, late) = (add("2026-12-30T01:00:00Z").await, add("2026-12-11T02:00:00Z").await);
    let after = first["next"].as_str().unwrap();
    let rest = author.get(&format!("/api/v1/posts?limit=200&after={after}")).await.value();
    let mut seen = [ids(&first), ids(&rest)].concat();
    assert!(!seen.contains(&early) && seen.contains(&late));
    seen.retain(|id| *id != late);
    assert_eq!(seen, before);
}

#[tokio::test]
async fn a_list_of_posts_reads_no_more_than_it_shows() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    for n in 0..300_u32 {
        let id = format!("00000000-0000-7000-8000-{n:012x}").parse().unwrap();
        let at = format!("2026-12-{:02}T{:02}:00:00Z", n % 28 + 1, n % 24);
        let post = Post { id, scheduled_at: at.parse().unwrap(), ..world.posts.draft.clone() };
        world.store.commit(Changes::by(records::by(), "copy").insert(&post)).await.unwrap();
    }
    let read = async |path: &str| {
        world.rows.store(0, std::sync::atomic::Ordering::Relaxed);
        let answer = author.get(path).await;
        assert_eq!(answer.status, StatusCode::OK);
        (world.rows.load(std::sync::atomic::Ordering::Relaxed), answer)
    };
    let (few, _) = read("/api/v1/posts?limit=10").await;
    let (many, answer) = read("/api/v1/posts?limit=100").await;
    assert_eq!(answer.value()["items"].as_array().unwrap().len(), 100);
    // The post itself; these have no deliveries.
    assert!(many - few <= 90, "{few} rows for ten, {many} for a hundred");
    let (rows, page) = read("/bai-dang").await;
    let shown = page.text().matches("class=\"wide\"").count();
    assert_eq!(shown, 50, "a piece");
    assert!(rows <= 50 * 3 + 450, "{rows} rows");
    let older = page.text().split("href=\"&#x2f;bai-dang?sau=").nth(1).unwrap();
    let older = older.split('"').next().unwrap();
    let (_, next) = read(&format!("/bai-dang?sau={older}")).await;
    assert_eq!(next.text().matches("class=\"wide\"").count(), 50);
    assert!(next.text().contains("href=\"/bai-dang\"") && next.text() != page.text());
}
