//! Composing: an answer at once, what it waits for, and nothing that is waited for in vain.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use axum::http::StatusCode;
use jiff::SignedDuration;
use loa_model::{
    Actor, Article, Clock as _, Job, JobId, JobKind, JobState, Post, PostState, Role, Variant,
    VariantId, VariantKind, VariantState, record::Record as _,
};
use loa_store::{Changes, Claimed, JobEnd, Store as _, StoreExt as _};
use support::{World, browser::Browser};

fn by_worker(what: &str) -> Changes {
    Changes::by(Actor::Worker("w".to_owned()), what)
}

/// The article without posts, with a clip that waits to be drawn, and the job that draws it.
async fn bare(world: &World) -> (Article, Variant, JobId) {
    let all = world.store.all::<Article>(10).await.unwrap().into_iter().map(|row| row.record);
    let article = all.filter(|article| article.agency == "demo").find(|a| a.id != world.article.id);
    let article = article.unwrap();
    let like = world.variant(VariantKind::Infographic).await;
    let clip = Variant {
        id: world.ids.make::<VariantId>(),
        article: article.id,
        revision: article.revision,
        kind: VariantKind::LongClip,
        state: VariantState::Queued,
        renditions: Vec::new(),
        ..like
    };
    let work = JobKind::Render { variant: clip.id };
    let job = Job::new(world.ids.make(), "demo", work, world.clock.now());
    let id = job.id;
    let card = Variant {
        id: world.ids.make::<VariantId>(),
        kind: VariantKind::Infographic,
        state: VariantState::Rendered,
        ..clip.clone()
    };
    let brief = loa_brief::extract(&article, &world.ids);
    let changes =
        by_worker("brief article").insert(&brief).insert(&clip).insert(&card).enqueue(job);
    world.store.commit(changes).await.unwrap();
    (article, clip, id)
}

async fn open(world: &World, kind: &str) -> Vec<Job> {
    let all = world.store.jobs(None, 1000).await.unwrap().into_iter();
    let all = all.filter(|view| !view.state.ended() && view.job.work.name() == kind);
    all.map(|view| view.job).collect()
}

async fn claim(world: &World, kind: &str) -> Claimed {
    world.store.claim(&[kind], "w", 1, Duration::from_mins(5)).await.unwrap().remove(0)
}

#[tokio::test]
async fn whoever_presses_sees_at_once_what_is_composed_and_what_it_waits_for() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let (article, _, drawing) = bare(&world).await;
    let page = format!("/bai-viet/{}", article.id);
    let press = format!("{page}/soan");
    let forms = async || author.get(&page).await.text().matches(&format!("{press}\"")).count();
    assert_eq!(forms().await, 1);
    let to = [("accounts", "facebook:cong-tin"), ("accounts", "zalo:cong-tin")];
    let answer = author.post(&press, &to).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), format!("{page}#h-posts"));
    assert_eq!(forms().await, 0, "there is nothing to press while it is composed");
    let shown = author.get(&page).await;
    assert!(shown.text().contains("cho 2 tài khoản"), "{}", shown.text());
    assert!(shown.text().contains("đang chờ đến lượt"));
    // What it could make is made; for the rest it waits.
    let job = claim(&world, "compose").await;
    let run_at = world.clock.now() + SignedDuration::from_mins(1);
    world.store.finish(&job, JobEnd::Snooze { run_at }).await.unwrap();
    for path in [page.as_str(), "/"] {
        let shown = author.get(path).await;
        assert!(shown.text().contains("chờ dựng xong: Clip dài"), "{path}: {}", shown.text());
    }
    let link = format!("{}#h-posts\"", article.id);
    assert!(author.get("/").await.text().contains(&link), "it says which article");
    // What it waits for is called off: it goes on at once.
    let huy = format!("/viec/{drawing}/huy");
    assert_eq!(author.post(&huy, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(claim(&world, "compose").await.job.id, job.job.id);
}

#[tokio::test]
async fn an_open_page_hears_of_posts_however_short_they_were_composed_and_takes_them_in() {
    use futures::StreamExt as _;
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let (article, _, _) = bare(&world).await;
    let page = format!("/bai-viet/{}", article.id);
    author.post(&format!("{page}/soan"), &[("accounts", "facebook:cong-tin")]).await;
    let job = open(&world, "compose").await.remove(0);
    let events = format!("/viec/{}/tien-do", job.id);
    let events = author.raw("GET", &events, &[], String::new()).await;
    let mut events = events.into_body().into_data_stream();
    // It ran without a word of its progress, made a post and is put off.
    let post = Post {
        id: world.ids.make(),
        article: article.id,
        revision: article.revision,
        state: PostState::Approved,
        ..world.posts.draft.clone()
    };
    world.store.commit(by_worker("compose posts").insert(&post)).await.unwrap();
    let claimed = claim(&world, "compose").await;
    let run_at = world.clock.now() + SignedDuration::from_mins(1);
    world.store.finish(&claimed, JobEnd::Snooze { run_at }).await.unwrap();
    let told = events.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&told).contains("event: rest"), "{told:?}");
    let claimed = {
        world.store.commit(by_worker("wake").wake(job.id)).await.unwrap();
        claim(&world, "compose").await
    };
    world.store.finish(&claimed, JobEnd::Complete).await.unwrap();
    let told = events.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&told).contains("event: done"), "{told:?}");
    // Cards come to those that are there, whose words somebody may be writing; the rest of the section follows.
    let shown = author.get(&page).await;
    let text = shown.text();
    let grows = text.find("id=\"posts\" data-grows").unwrap();
    assert!(text.find(&format!("id=\"post-{}\"", post.id)).unwrap() > grows);
    for part in ["id=\"composing\" data-live", "id=\"handing\" data-live"] {
        assert!(text.find(part).unwrap() < grows, "{part}: {text}");
    }
    // None of its posts is open any more: others can be composed all the same.
    assert!(text.contains("hoặc cho tài khoản khác") && text.contains(&format!("{page}/soan\"")));
}

#[tokio::test]
async fn pressing_twice_starts_nothing_twice_but_what_is_more_urgent_or_for_others() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let (article, _, _) = bare(&world).await;
    let press = format!("/bai-viet/{}/soan", article.id);
    let (one, other) = (("accounts", "facebook:cong-tin"), ("accounts", "zalo:cong-tin"));
    for (form, jobs) in [
        (vec![one, other], 1),
        (vec![one, other], 1),
        (vec![other], 1),
        (vec![other, ("priority", "backfill")], 1),
        (vec![other, ("priority", "urgent")], 2),
        (vec![other, ("priority", "urgent")], 2),
        (vec![other], 2),
        (vec![one, ("priority", "urgent")], 3),
    ] {
        assert_eq!(author.post(&press, &form).await.status, StatusCode::SEE_OTHER);
        assert_eq!(open(&world, "compose").await.len(), jobs, "{form:?}");
    }
}

#[tokio::test]
async fn what_was_called_off_says_so_and_is_made_again_when_somebody_wants_it() {
    for called_off in [JobState::Cancelled, JobState::Discarded] {
        let world = World::new().await;
        let author = Browser::of(&world, &world.people.author).await;
        let (article, clip, job) = bare(&world).await;
        let page = format!("/bai-viet/{}?ban=long_clip", article.id);
        let again = format!("/bai-viet/{}/dung-lai", article.id);
        let (form, drawn) = ([("dang", "long_clip")], JobKind::Render { variant: clip.id });
        let drawing =
            async || open(&world, "render").await.iter().filter(|job| job.work == drawn).count();
        // While it waits to be drawn nothing is asked for, and a press changes nothing.
        assert!(!author.get(&page).await.text().contains("Dựng lại"));
        assert_eq!(author.post(&again, &form).await.status, StatusCode::SEE_OTHER);
        assert_eq!(drawing().await, 1);

        let before = world.store.read::<Variant>(&clip.key()).await.unwrap().unwrap();
        let mut started = before.record;
        started.state = VariantState::Rendering;
        let begin = by_worker("start rendering").update(&started, before.version);
        world.store.commit(begin).await.unwrap();
        let claimed = claim(&world, "render").await;
        assert_eq!(claimed.job.id, job);
        let end = match called_off {
            JobState::Cancelled => JobEnd::Cancel,
            _ => JobEnd::Discard { reason: "the child died (signal 9)".to_owned() },
        };
        world.store.finish(&claimed, end).await.unwrap();
        assert_eq!(drawing().await, 0);
        let shown = author.get(&page).await;
        assert!(shown.text().contains("Dựng lại"), "{called_off:?}: {}", shown.text());
        assert!(shown.text().contains("đã dừng"), "{called_off:?}");
        for _ in 0..2 {
            assert_eq!(author.post(&again, &form).await.status, StatusCode::SEE_OTHER);
            assert_eq!(drawing().await, 1, "{called_off:?}");
        }
        let dead = world.store.jobs(Some(JobState::Discarded), 100).await.unwrap();
        assert!(dead.iter().all(|view| view.job.id != job), "nobody has to deal with it besides");
        assert!(!author.get(&page).await.text().contains("Dựng lại"));
    }
}

#[tokio::test]
async fn what_could_not_be_drawn_is_drawn_again_from_the_beginning() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let (article, clip, _) = bare(&world).await;
    let claimed = claim(&world, "render").await;
    let row = world.store.read::<Variant>(&clip.key()).await.unwrap().unwrap();
    let mut failed = row.record;
    failed.state = VariantState::Failed;
    failed.reason = "killed after 600 s on the clock: try a smaller one".to_owned();
    let changes = by_worker("fail variant").update(&failed, row.version).finish(&claimed);
    world.store.commit(changes).await.unwrap();
    let page = format!("/bai-viet/{}?ban=long_clip", article.id);
    let shown = author.get(&page).await;
    for words in ["Dựng lại", "Dựng quá lâu nên bị dừng", "killed after 600 s"] {
        assert!(shown.text().contains(words), "{words}: {}", shown.text());
    }
    let again = format!("/bai-viet/{}/dung-lai", article.id);
    author.post(&again, &[("dang", "long_clip")]).await;
    let now = world.store.read::<Variant>(&clip.key()).await.unwrap().unwrap().record;
    assert_eq!((now.state, now.reason.as_str()), (VariantState::Queued, ""));
    assert_eq!(open(&world, "render").await.len(), 1);
    // Somebody else's article is not there for them.
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let answer = stranger.post(&again, &[("dang", "long_clip")]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn all_drafts_of_an_article_are_handed_on_by_one_press() {
    let world = World::new().await;
    let draft = &world.posts.draft;
    let again = |n: usize| {
        let mut post = Post { id: world.ids.make(), ..draft.clone() };
        post.content.link.code = world.ids.token(8);
        if n == 2 {
            post.content.text = "a".repeat(64_000);
        }
        post
    };
    let (other, long) = (again(1), again(2));
    let changes = by_worker("compose drafts").insert(&other).insert(&long);
    world.store.commit(changes).await.unwrap();
    let author = Browser::of(&world, &world.people.author).await;
    let page = format!("/bai-viet/{}", draft.article);
    let drafts = async || {
        let id = draft.article.to_string();
        let rows = world.store.list::<Post>("post_by_article", &id, 100).await.unwrap();
        rows.iter().filter(|row| row.record.state == PostState::Draft).count()
    };
    assert_eq!(drafts().await, 4, "two of them break a limit");
    let shown = author.get(&page).await;
    // Those that break none, and the one that was sent back.
    assert!(shown.text().contains("Gửi duyệt cả 3 bài"), "{}", shown.text());
    let done = author.post(&format!("{page}/gui-duyet"), &[]).await;
    let told = format!("{page}?da-gui=3&con-lai=2#h-posts");
    assert_eq!(done.header("location"), told);
    for post in [draft, &other] {
        let row = world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap();
        assert_eq!(row.record.state, PostState::InReview);
    }
    assert_eq!(drafts().await, 2, "they stay, and say why");
    let shown = author.get(&done.header("location").replace("#h-posts", "")).await;
    assert!(
        shown.text().contains("bài đã gửi cho người duyệt · 2 bài còn lại"),
        "{}",
        shown.text()
    );
    assert!(!shown.text().contains(">Gửi duyệt cả"), "one alone has its own button");
    let signer = world.colleague(&world.people.approver, &[Role::Approver]).await;
    let signer = Browser::of(&world, &signer).await;
    let refused = signer.post(&format!("{page}/gui-duyet"), &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_article_with_many_posts_shows_the_newest_whole_and_a_line_for_each_other() {
    const WHOLE: usize = 12;
    let world = World::new().await;
    world.every_state().await;
    let id = world.article.id.to_string();
    let rows = world.store.list::<Post>("post_by_article", &id, 100).await.unwrap();
    assert!(rows.len() > WHOLE, "{}", rows.len());
    let author = Browser::of(&world, &world.people.author).await;
    let page = author.get(&format!("/bai-viet/{id}")).await;
    let whole = |post: &Post| {
        page.text().contains(&format!("<article class=\"card post\" id=\"post-{}\"", post.id))
    };
    let line = |post: &Post| page.text().contains(&format!("<li id=\"post-{}\"", post.id));
    let older = rows.len() - WHOLE;
    for (at, row) in rows.iter().enumerate() {
        assert_eq!((whole(&row.record), line(&row.record)), (at >= older, at < older), "{at}");
    }
}
