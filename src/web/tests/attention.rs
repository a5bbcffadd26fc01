//! How many things wait for people of an agency, on every page: all of its own, whatever others have, and cheaply.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use jiff::SignedDuration;
use loa_delivery::Incident;
use loa_model::{
    Account, Clock as _, Delivery, DeliveryState as S, JobState, Post, PostFormat, PostState,
};
use loa_store::{Changes, Store as _, StoreExt as _};
use support::{World, browser::Browser, records};

/// What the bar of a page says of it.
fn counted(page: &str) -> usize {
    let (_, rest) = page.split_once("<a href=\"/can-xu-ly\" ").unwrap();
    let (link, _) = rest.split_once("</a>").unwrap();
    let (_, badge) = link.split_once("<span id=\"attention\" class=\"count\"").unwrap();
    let (how, rest) = badge.split_once('>').unwrap();
    let count = rest.split('<').next().unwrap().parse().unwrap();
    assert_eq!(how == " hidden", count == 0, "{badge}");
    count
}

/// So many unclear posts, open incidents and dead letters of another agency.
async fn crowd(world: &World, most: usize) {
    let account = Account {
        name: "facebook:khac".parse().unwrap(),
        agency: "khac".into(),
        title: "Cổng khác".into(),
        remote_id: "2".into(),
        settings: std::collections::BTreeMap::new(),
        status: loa_model::AccountStatus::Active,
    };
    let fill = || Changes::by(records::by(), "fill");
    world.store.commit(fill().insert(&account)).await.unwrap();
    for n in 0..most {
        *world.clock.0.lock().unwrap() += SignedDuration::from_secs(1);
        let draft = Post {
            agency: "khac".into(),
            scheduled_at: world.clock.now(),
            ..records::post(
                &world.ids,
                &world.article,
                account.name.as_str(),
                PostFormat::Text,
                PostState::Approved,
                &world.people.stranger,
                vec![],
            )
        };
        let post = records::approved(draft, &world.people.stranger);
        let d: Delivery = records::delivery(&world.ids, &post, S::Uncertain);
        let incident = Incident {
            id: format!("khac-{n}"),
            agency: "khac".into(),
            kind: loa_delivery::IncidentKind::Duplicate,
            account: Some(account.name.clone()),
            delivery: Some(d.id),
            job: None,
            remote_ids: vec![],
            detail: String::new(),
            at: world.clock.now(),
            closed: None,
        };
        let changes = fill().insert(&post).insert(&d).insert(&incident);
        world.store.commit(changes).await.unwrap();
        world.dead_letter("khac").await;
    }
}

#[tokio::test]
async fn what_waits_is_found_whatever_others_have() {
    let world = World::new().await;
    let post = world.in_state("facebook:cong-tin", S::Uncertain).await;
    world.incidents_about(&post).await;
    let job = world.dead_letter("demo").await;
    let author = Browser::of(&world, &world.people.author).await;
    let before = counted(author.get("/kenh").await.text());
    assert!(before > 10, "{before}");
    // All of it newer than ours.
    world.clock.set("2026-11-16T10:30:00Z");
    crowd(&world, 300).await;
    let page = author.get("/can-xu-ly").await;
    assert_eq!(counted(page.text()), before);
    for ours in [format!("post-{}", post.id), format!("/viec/{}/thu-lai", job.id)] {
        assert!(page.text().contains(&ours), "{ours}");
    }
    assert!(page.text().contains("/su-co/su-co-0/dong") && !page.text().contains("khac-0"));
    // The job is on the list of articles too.
    assert_eq!(author.get("/").await.text().matches("đã dừng hẳn").count(), 2);
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let theirs = counted(stranger.get("/kenh").await.text());
    assert!(theirs > 300, "{theirs}");
}

#[tokio::test]
async fn the_count_is_of_now_and_asks_for_little() {
    let world = World::new().await;
    let post = world.in_state("facebook:cong-tin", S::Dead).await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let read = async || {
        let before = world.rows.load(Ordering::Relaxed);
        let count = counted(approver.get("/kenh").await.text());
        (count, world.rows.load(Ordering::Relaxed) - before)
    };
    let (first, looked) = read().await;
    // Nothing was committed since: nobody looks again at what waits.
    let (again, little) = read().await;
    assert!(again == first && little < looked, "{first} {looked}, {again} {little}");

    let d = world.delivery_of(&post).await.id.to_string();
    let form = [("act", "set_aside"), ("delivery", d.as_str()), ("reason", "đã có bài mới")];
    let answer = approver.post(&format!("/bai-dang/{}/quyet-dinh", post.id), &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(read().await.0, first - 1, "what was dealt with is counted no more");

    // What others have costs nothing, but for the dead letters, which are told apart one by one.
    crowd(&world, 100).await;
    let (count, with_others) = read().await;
    assert_eq!(count, first - 1);
    assert!(with_others <= looked + 100, "{looked}, {with_others}");
}

#[tokio::test]
async fn a_job_that_was_given_up_and_what_was_told_of_it_are_one_thing() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let before = counted(author.get("/kenh").await.text());
    let variant = world.variant(loa_model::VariantKind::ShortClip).await;
    let work = loa_model::JobKind::Render { variant: variant.id };
    let job = loa_model::Job::new(world.ids.make(), "demo", work, world.clock.now());
    let (id, fill) = (job.id, || Changes::by(records::by(), "fill"));
    world.store.commit(fill().enqueue(job)).await.unwrap();
    let lease = std::time::Duration::from_mins(5);
    let claimed = world.store.claim(&["render"], "w", 1, lease).await.unwrap().remove(0);
    let reason = "poison: 3 workers went silent over it, vm@/data#1 last".to_owned();
    world
        .store
        .finish(&claimed, loa_store::JobEnd::Discard { reason: reason.clone() })
        .await
        .unwrap();
    let incident = Incident {
        id: format!("poison-{id}-1"),
        agency: "demo".into(),
        kind: loa_delivery::IncidentKind::Poison,
        account: None,
        delivery: None,
        job: Some(id),
        remote_ids: vec![],
        detail: reason,
        at: world.clock.now(),
        closed: None,
    };
    world.store.commit(fill().insert(&incident)).await.unwrap();
    assert_eq!(counted(author.get("/kenh").await.text()), before + 1);
    let page = author.get("/can-xu-ly").await;
    assert!(!page.text().contains(&format!("/su-co/{}/dong", incident.id)), "{}", page.text());
    let title = world.article.title().replace('/', "&#x2f;");
    for words in ["Clip ngắn", &title, "Mọi lần xử lý đều làm máy dừng giữa chừng"]
    {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    assert!(!page.text().contains("<q>3 workers"), "machine words are folded");
    let answer = author.post(&format!("/viec/{id}/bo"), &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(counted(author.get("/kenh").await.text()), before, "both are dealt with");
    assert!(
        world.store.read::<Incident>(&incident.id).await.unwrap().unwrap().record.closed.is_some()
    );
}

#[tokio::test]
async fn dead_letters_are_shown_with_their_reason_and_tried_again() {
    let world = World::new().await;
    let job = world.dead_letter("demo").await;
    let theirs = world.dead_letter("khac").await;
    let author = Browser::of(&world, &world.people.author).await;
    let page = author.get("/can-xu-ly").await;
    for word in ["<q>the portal answered 404</q>", "Đọc bài"] {
        assert!(page.text().contains(word), "{word}");
    }
    let path = format!("/viec/{}/thu-lai", job.id);
    assert!(page.text().contains(&path) && !page.text().contains(&theirs.id.to_string()));
    let foreign = author.post(&format!("/viec/{}/thu-lai", theirs.id), &[]).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    let answer = author.post(&path, &[]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/can-xu-ly"));
    let waiting = world.store.jobs(Some(JobState::Available), 9).await.unwrap();
    assert!(waiting.iter().any(|view| view.job.id == job.id && view.attempt == 0));
    let twice = author.post(&path, &[]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT, "it is under way");
    let unwanted = world.dead_letter("demo").await;
    let path = format!("/viec/{}/bo", unwanted.id);
    let stranger = Browser::of(&world, &world.people.stranger).await;
    assert_eq!(stranger.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    assert!(author.get("/can-xu-ly").await.text().contains(&path));
    assert_eq!(author.post(&path, &[]).await.status, StatusCode::SEE_OTHER);
    assert!(!author.get("/can-xu-ly").await.text().contains(&path));
}
