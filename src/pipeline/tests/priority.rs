//! How urgent work is goes all the way: from what a person asked for to the delivery.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use jiff::SignedDuration;
use loa_channel::Channel as _;
use loa_model::{Article, Clock as _, JobKind, Post, Priority, When};
use loa_review::Window;
use loa_store::StoreExt as _;
use support::{ACCOUNT, AGENCY, Noon, World};

#[tokio::test]
async fn what_a_job_queues_is_as_urgent_as_the_job() {
    for priority in Priority::ALL {
        let world = World::new().await;
        let source = world.source();
        let work = JobKind::Ingest { source: source.clone(), agency: AGENCY.to_owned() };
        world.queue(work, priority).await;
        world.work_on(&["ingest", "brief"]).await;
        let jobs = world.store.jobs(None, 10).await.unwrap();
        let mut kinds: Vec<_> = jobs.iter().map(|view| view.job.work.name()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["brief", "draw", "ingest", "render"]);
        for view in &jobs {
            assert_eq!(view.job.priority, priority, "{}", view.job.work.name());
        }

        world.drawn().await;
        let article = world.store.all::<Article>(1).await.unwrap().remove(0).record;
        let work = JobKind::Compose {
            article: article.id,
            revision: article.revision,
            accounts: vec![ACCOUNT.parse().unwrap()],
            author: world.author.id,
            when: When::Soon,
            text: None,
        };
        world.queue(work, priority).await;
        world.work_on(&["compose"]).await;
        let posts = world.store.all::<Post>(10).await.unwrap();
        assert_eq!(posts.len(), 1);
        let post = &posts[0].record;
        assert_eq!(post.priority, priority);

        let (now, capability) = (Noon.now(), world.channel.capability());
        world.review.submit(&world.author, post.id, capability).await.unwrap();
        let window = Window { not_before: now, not_after: now + SignedDuration::from_hours(1) };
        let (by, digest) = (&world.approver, post.digest());
        let signed = world.review.approve(by, post.id, digest, window, capability).await;
        assert_eq!(signed.unwrap().1.priority, priority, "its delivery");
    }
}

#[tokio::test]
async fn a_brief_that_was_left_undone_is_queued_as_urgent_as_who_asks_again() {
    let world = World::new().await;
    let source = world.source();
    let (_, written) = world.flow.take_in(&source, AGENCY, Priority::Backfill, None).await.unwrap();
    assert!(written);
    let (_, written) = world.flow.take_in(&source, AGENCY, Priority::Urgent, None).await.unwrap();
    assert!(written);
    let jobs = world.store.jobs(None, 10).await.unwrap();
    let mut queued: Vec<_> = jobs.iter().map(|view| view.job.priority).collect();
    queued.sort_unstable();
    assert_eq!(queued, [Priority::Urgent, Priority::Backfill]);
}
