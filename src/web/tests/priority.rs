//! How urgent work is: who says it, and where it is seen.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use loa_model::{
    DeliveryState as S, Job, JobKind, JobState, Post, PostFormat, PostState, Priority, Role,
};
use loa_store::{Changes, Store as _, StoreExt as _};
use support::{World, browser::Browser, records};

const PILL: &str = "<span class=\"state urgent\">Khẩn</span>";

/// Jobs that nobody took yet.
async fn queued(world: &World) -> Vec<Job> {
    let jobs = world.store.jobs(Some(JobState::Available), 10).await.unwrap();
    jobs.into_iter().map(|view| view.job).collect()
}

/// What a form says of it; what the form is for is left out by the caller.
fn form<'a>(what: &[(&'a str, &'a str)], priority: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    what.iter().copied().chain(priority.map(|name| ("priority", name))).collect()
}

#[tokio::test]
async fn whoever_reads_in_or_composes_says_how_urgent_it_is() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let compose = format!("/bai-viet/{}/soan", world.article.id);
    let forms = [
        ("/bai-viet", vec![("source", "https://minhhoa.example/bao-so-9.htm")]),
        (compose.as_str(), vec![("accounts", "zalo:cong-tin")]),
    ];
    for (path, what) in &forms {
        for (said, meant) in [
            (None, Priority::Normal),
            (Some("normal"), Priority::Normal),
            (Some("urgent"), Priority::Urgent),
            (Some("backfill"), Priority::Backfill),
        ] {
            let before = queued(&world).await;
            let answer = author.post(path, &form(what, said)).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path} {said:?}");
            let now = queued(&world).await;
            let job = now.iter().find(|job| !before.contains(job)).unwrap();
            assert_eq!(job.priority, meant, "{path} {said:?}");
            assert_eq!(matches!(job.work, JobKind::Ingest { .. }), *path == "/bai-viet");
            // What is as urgent and under way already would be the answer to the next press.
            let by = loa_model::Actor::User(world.people.author.id);
            world.store.cancel_job(job.id, by).await.unwrap();
        }
        let before = queued(&world).await.len();
        for said in ["", "Khẩn", "urgent "] {
            let answer = author.post(path, &form(what, Some(said))).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {said:?}");
            assert!(answer.text().contains("Hãy chọn độ khẩn"), "{}", answer.text());
        }
        assert_eq!(queued(&world).await.len(), before, "{path}");
    }
}

#[tokio::test]
async fn only_authors_and_editors_say_it() {
    let world = World::new().await;
    let analyst =
        world.colleague(&world.people.author, &[Role::Approver, Role::Analyst, Role::Admin]).await;
    let analyst = Browser::of(&world, &analyst).await;
    let compose = format!("/bai-viet/{}/soan", world.article.id);
    for (path, what) in [
        ("/bai-viet", ("source", "https://minhhoa.example/bao.htm")),
        (compose.as_str(), ("accounts", "zalo:cong-tin")),
    ] {
        let answer = analyst.post(path, &form(&[what], Some("urgent"))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(queued(&world).await, []);
}

#[tokio::test]
async fn the_forms_offer_all_three_in_both_languages() {
    let world = World::new().await;
    // An article without posts: the other one of the newsroom.
    let all = world.store.all::<loa_model::Article>(10).await.unwrap();
    let bare = all.iter().map(|row| &row.record).find(|a| a.id != world.article.id).unwrap();
    let login = &world.people.author.login;
    let mut browser = Browser::of(&world, &world.people.author).await;
    for (lang, label, options) in [
        ("vi", "Độ khẩn", ["Khẩn", "Bình thường", "Khi rảnh"]),
        ("en", "Priority", ["Urgent", "Normal", "When idle"]),
    ] {
        browser.cookie = format!("loa=token-of-{login}; lang={lang}");
        for path in ["/".to_owned(), format!("/bai-viet/{}", bare.id)] {
            let page = browser.get(&path).await;
            assert!(page.text().contains(&format!(">{label}</label>")), "{path} {lang}");
            for (priority, word) in Priority::ALL.into_iter().zip(options) {
                let chosen = if priority == Priority::Normal { " selected" } else { "" };
                let name = priority.name();
                let option = format!("<option value=\"{name}\"{chosen}>{word}</option>");
                assert!(page.text().contains(&option), "{path} {lang} {option}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_urgent_says_so_wherever_people_look() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let post = &world.posts.waiting;
    let own = format!("/bai-dang/{}", post.id);
    let article = format!("/bai-viet/{}", post.article);
    let pages = ["/", "/duyet", "/bai-dang", &own, &article];
    let pills =
        async |path: &str, pill: &str| approver.get(path).await.text().matches(pill).count();
    for path in pages {
        assert_eq!(pills(path, "<span class=\"state urgent").await, 0, "{path}");
        assert_eq!(pills(path, "<span class=\"state normal").await, 0, "{path}");
    }
    world.set_priority(post, Priority::Urgent).await;
    for path in pages {
        assert_eq!(pills(path, PILL).await, 1, "{path}");
    }
    world.set_priority(post, Priority::Backfill).await;
    for path in ["/duyet", "/bai-dang", &own, &article] {
        let pill = "<span class=\"state backfill\">Khi rảnh</span>";
        assert_eq!(pills(path, pill).await, 1, "{path}");
    }
    // What is live is not urgent any more on the list of articles; on its own page it stays what it was.
    world.set_priority(post, Priority::Normal).await;
    world.set_priority(&world.posts.published, Priority::Urgent).await;
    assert_eq!(pills("/", PILL).await, 0);
    assert_eq!(pills(&format!("/bai-dang/{}", world.posts.published.id), PILL).await, 1);
    // A job, also one that was given up, and a post that waits for a person.
    world.queue("https://minhhoa.example/bao-so-9.htm", Priority::Urgent).await;
    assert_eq!(pills("/", PILL).await, 1);
    let unclear = world.in_state("facebook:cong-tin", S::Uncertain).await;
    world.set_priority(&unclear, Priority::Urgent).await;
    assert_eq!(pills("/can-xu-ly", PILL).await, 1);
    let api = approver.get("/api/v1/posts").await;
    let api: serde_json::Value = serde_json::from_slice(&api.body).unwrap();
    let urgent = api["items"].as_array().unwrap().iter().filter(|p| p["priority"] == "urgent");
    assert_eq!(urgent.count(), 2);
}

#[tokio::test]
async fn an_urgent_post_stands_first_before_its_approver_however_many_wait() {
    let world = World::new().await;
    let waiting = |priority| Post {
        priority,
        ..records::post(
            &world.ids,
            &world.article,
            "facebook:cong-tin",
            PostFormat::Text,
            PostState::InReview,
            &world.people.author,
            vec![],
        )
    };
    // In the order of their ids, so of their times.
    world.clock.set("2026-11-16T09:31:00Z");
    let late = waiting(Priority::Backfill);
    let mut changes = Changes::by(records::by(), "fill").insert(&late);
    world.clock.set("2026-11-16T09:32:00Z");
    for _ in 0..250 {
        changes = changes.insert(&waiting(Priority::Normal));
    }
    let urgent = ["2026-11-16T09:33:00Z", "2026-11-16T09:34:00Z"].map(|at| {
        world.clock.set(at);
        waiting(Priority::Urgent)
    });
    changes = urgent.iter().fold(changes, Changes::insert);
    world.store.commit(changes).await.unwrap();
    let approver = Browser::of(&world, &world.people.approver).await;
    let page = approver.get("/duyet").await;
    let place = |post: &Post| page.text().find(&format!("id=\"post-{}\"", post.id)).unwrap();
    let order = [&urgent[0], &urgent[1], &world.posts.waiting, &late].map(place);
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(page.text().find("id=\"post-"), Some(order[0]), "nothing stands before it");
}
