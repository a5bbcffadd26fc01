//! A picture waits for no clip, and whoever composes waits for none that will not come.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use jiff::SignedDuration;
use loa_model::{
    Actor, Clock as _, Job, JobId, JobKind, JobState, Post, Priority, Variant, VariantKind,
    VariantState, When,
};
use loa_pipeline::{Cinema, Config, Flow, Studio, Worker};
use loa_store::StoreExt as _;
use support::{ACCOUNT, AGENCY, Noon, World, by};
use tokio::sync::watch;

/// A flow whose clips are never done: the child that makes them sleeps.
fn endless(world: &World) -> Flow {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    let assets = loa_canvas::Assets::from_dir(&assets, &[]).unwrap();
    let engine = move || loa_canvas::Engine::new(&assets).map_err(|error| error.to_string());
    let runner = loa_clip::Runner { exe: "/bin/sleep".into(), args: vec!["600".into()] };
    let studio = Studio::new(Box::new(engine), Cinema::new(runner));
    Flow::new(loa_pipeline::Deps { studio, ..world.flow.deps().clone() })
}

async fn until<T>(world: &World, found: impl AsyncFn() -> Option<T>) -> T {
    let mut commits = world.store.watch();
    let looking = async {
        loop {
            commits.borrow_and_update();
            if let Some(found) = found().await {
                return found;
            }
            commits.changed().await.unwrap();
        }
    };
    // What waits for the clip waits for ever.
    tokio::time::timeout(Duration::from_mins(2), looking).await.unwrap()
}

async fn of(world: &World, kind: VariantKind, state: VariantState) -> Option<Variant> {
    let all = world.store.all::<Variant>(10).await.unwrap().into_iter().map(|row| row.record);
    all.filter(|variant| variant.kind == kind && variant.state == state).max_by_key(|one| one.id)
}

async fn job_of(world: &World, variant: &Variant) -> (JobId, JobState) {
    let all = world.store.jobs(None, 20).await.unwrap();
    let view = all.into_iter().find(|view| view.job.work.variant() == Some(variant.id)).unwrap();
    (view.job.id, view.state)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_drawn_while_a_clip_is_made_and_a_clip_called_off_keeps_nobody_waiting() {
    use VariantKind::{Infographic, ShortClip};
    let world = World::new().await;
    let work = JobKind::Ingest { source: world.source(), agency: AGENCY.to_owned() };
    world.queue(work, Priority::Normal).await;
    world.work_on(&["ingest", "brief"]).await;
    let (stop, stopped) = watch::channel(false);
    let board = Arc::new(watch::channel(BTreeMap::new()).0);
    let flow = Arc::new(endless(&world));
    let worker = Worker::new(flow, board, Config::default(), "w#1".to_owned());
    let running = tokio::spawn(worker.run(stopped));

    let clip = until(&world, async || of(&world, ShortClip, VariantState::Rendering).await).await;
    let first = until(&world, async || of(&world, Infographic, VariantState::Rendered).await).await;
    let again = Variant {
        id: world.ids.make(),
        state: VariantState::Queued,
        renditions: Vec::new(),
        ..first.clone()
    };
    let job = Job::new(world.ids.make(), AGENCY, again.work(), Noon.now());
    world.store.commit(by("draw anew").insert(&again).enqueue(job)).await.unwrap();
    let drawn = async || {
        let last = of(&world, Infographic, VariantState::Rendered).await?;
        (last.id == again.id).then_some(last)
    };
    assert!(!until(&world, drawn).await.renditions.is_empty());
    let (making, state) = job_of(&world, &clip).await;
    assert_eq!(state, JobState::Executing, "the clip is still being made");

    // Whoever waits for it hears at once that it was called off; by this clock their time never comes.
    let work = JobKind::Compose {
        article: clip.article,
        revision: clip.revision,
        accounts: vec![ACCOUNT.parse().unwrap()],
        author: world.author.id,
        when: When::Soon,
        text: None,
    };
    let later = Noon.now() + SignedDuration::from_mins(1);
    let job = Job::new(world.ids.make(), AGENCY, work, later);
    world.store.commit(by("wait").enqueue(job)).await.unwrap();
    world.store.cancel_job(making, Actor::User(world.author.id)).await.unwrap();
    until(&world, async || world.store.all::<Post>(1).await.unwrap().pop()).await;
    assert_eq!(job_of(&world, &clip).await.1, JobState::Cancelled);
    stop.send(true).unwrap();
    running.await.unwrap();
}
