//! What analysts ask: periods side by side, days, hours, rankings, the work itself. Every number was computed by hand.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use jiff::SignedDuration;
use loa_model::{
    Article, ArticleId, ArticleState, BlobHash, Block, BlockKind, Digest, Media, MediaRole, Metric,
    Post, PostFormat, PostId, Priority, SourceRef, Variant, VariantId, VariantKind, VariantState,
};
use loa_reach::{
    By, Days, HourMap, Incomparable, Query, Unknown, hours, operations, overview, ranking, report,
    trend,
};
use loa_store::{Changes, StoreExt as _};
use support::{World, by, ready, start, value};

const ZONE: &str = "Asia/Ho_Chi_Minh";
const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

fn views(n: u64) -> Vec<loa_model::Value> {
    vec![value(Metric::Views, "1", n)]
}

/// A post that goes live so many minutes after the start.
fn live(world: &World, n: u128, minutes: i64) -> PostId {
    world.clock.set(start() + SignedDuration::from_mins(minutes));
    world.live(n, "memory:tinh", PostFormat::Photo, n)
}

/// The week that ends with the day of the start, a Sunday.
fn week() -> Days {
    Days { first: "2026-11-16".parse().unwrap(), last: "2026-11-22".parse().unwrap() }
}

/// One post eight days before the start, one at it.
fn two_weeks() -> World {
    let world = World::new();
    let a = live(&world, 1, -8 * DAY);
    let b = live(&world, 2, 0);
    world.sample(1, a, -8 * DAY + HOUR, views(100));
    world.sample(2, a, -7 * DAY, views(300));
    world.sample(3, a, -DAY, views(360));
    world.sample(4, b, HOUR, views(200));
    world
}

#[test]
fn a_period_is_compared_with_the_one_before_and_with_the_year_before() {
    let world = two_weeks();
    let told = overview(world.open().of("demo"), week(), ZONE, None).unwrap();
    assert_eq!((told.period.published, told.period.total.posts), (1, 2));
    assert_eq!((told.before.published, told.before.total.posts), (1, 1));
    assert_eq!(
        told.before.days,
        Days { first: "2026-11-09".parse().unwrap(), last: "2026-11-15".parse().unwrap() }
    );
    let [figure] = &told.figures[..] else { panic!("{told:?}") };
    // 60 more of the older post, 200 of the new one; 300 in the week before: 40 of 300 less.
    assert_eq!((figure.cell.gain, figure.cell.gain_posts), (Some(260), 2));
    let before = figure.before;
    assert_eq!(
        (before.gain, before.posts, before.change_permille, before.why),
        (Some(300), 1, Some(-133), None)
    );
    let year = figure.last_year;
    assert_eq!(
        (year.gain, year.change_permille, year.why),
        (None, None, Some(Incomparable::Missing))
    );
    assert_eq!(told.last_year.as_of, None, "nothing is known of that year, which is not zero");
    assert_eq!(told.period.as_of, Some(start() + SignedDuration::from_mins(HOUR)));
}

#[test]
fn no_change_is_told_across_methods_or_from_nothing() {
    let world = two_weeks();
    let c = live(&world, 3, HOUR);
    world.sample(5, c, 2 * HOUR, vec![value(Metric::Views, "2", 90)]);
    let told = overview(world.open().of("demo"), week(), ZONE, None).unwrap();
    let why: Vec<_> = told
        .figures
        .iter()
        .map(|f| (f.cell.definition.as_str(), f.cell.gain, f.before.why))
        .collect();
    let broken = Some(Incomparable::MethodBreak);
    assert_eq!(why, [("1", Some(260), broken), ("2", Some(90), broken)]);
    assert!(told.figures.iter().all(|f| f.before.change_permille.is_none()));

    let world = World::new();
    let a = live(&world, 1, -8 * DAY);
    world.sample(1, a, -8 * DAY + HOUR, views(0));
    world.sample(2, a, -DAY, views(7));
    let told = overview(world.open().of("demo"), week(), ZONE, None).unwrap();
    let figure = &told.figures[0];
    assert_eq!((figure.cell.gain, figure.before.gain), (Some(7), Some(0)));
    assert_eq!(figure.before.why, Some(Incomparable::FromNothing));
}

#[test]
fn days_without_a_reading_are_unknown_and_days_without_a_gain_are_zero() {
    let world = two_weeks();
    let a = PostId(uuid::Uuid::from_u128(1));
    world.sample(9, a, -DAY + HOUR, views(350));
    world.sample(10, a, -2 * DAY, views(300));
    let lines = trend(world.open().of("demo"), week(), ZONE, Metric::Views).unwrap();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let days: Vec<_> = line.days.iter().map(|(_, gain)| *gain).collect();
    // 16–19 nothing read; 20: 300 as before; 21: 60 more and 10 taken back; 22: the new post.
    assert_eq!(days, [None, None, None, None, Some(0), Some(50), Some(200)]);
}

#[test]
fn an_hour_of_a_weekday_needs_five_posts() {
    let world = World::new();
    let mut n = 0;
    let mut post = |minutes: i64, at_24h: Option<u64>| {
        n += 1;
        let post = live(&world, n, minutes);
        if let Some(count) = at_24h {
            world.sample(n, post, minutes + DAY, views(count));
        }
    };
    for count in [50, 10, 30, 20, 40] {
        post(0, Some(count));
    }
    for count in [1, 2, 3, 4] {
        post(HOUR, Some(count));
    }
    post(2 * HOUR, None);
    let span = week().span(ZONE);
    let now = start() + SignedDuration::from_mins(3 * DAY);
    let maps = hours(world.open().of("demo"), span, ZONE, now).unwrap();
    let [HourMap { hours, posts: 9, unknown: 1, .. }] = &maps[..] else { panic!("{maps:?}") };
    // Sunday is the seventh day; the start is at 9:00 there.
    let told: Vec<_> = hours.iter().map(|h| (h.weekday, h.hour, h.posts, h.median)).collect();
    assert_eq!(told, [(6, 9, 5, Some(30)), (6, 10, 4, None)]);
    assert_eq!(maps[0].as_of, Some(start() + SignedDuration::from_mins(DAY + HOUR)));
}

#[test]
fn the_most_seen_are_ten_and_the_silent_are_two_lists() {
    let world = World::new();
    for n in 1..=12u64 {
        let post = live(&world, n.into(), 0);
        world.sample(n.into(), post, DAY + 1, views(n * 10));
    }
    let unseen = live(&world, 20, 0);
    world.sample(20, unseen, HOUR, views(0));
    world.sample(21, unseen, DAY + 2, views(0));
    let unmeasured = live(&world, 21, 0);
    world.sample(22, unmeasured, HOUR, views(3));
    let ungiven = live(&world, 22, 0);
    world.sample(23, ungiven, DAY + 2, vec![value(Metric::Reactions, "1", 0)]);
    live(&world, 23, 10 * HOUR);
    let now = start() + SignedDuration::from_mins(30 * HOUR);
    let told = ranking(world.open().of("demo"), week().span(ZONE), now).unwrap();
    let [top] = &told.top[..] else { panic!("{told:?}") };
    let order: Vec<_> = top.posts.iter().map(|ranked| ranked.views).collect();
    assert_eq!((order, top.of), ((3..=12).rev().map(|n| n * 10).collect(), 14));
    let silent: Vec<_> = told.unseen.iter().map(|post| post.post).collect();
    assert_eq!((silent, told.unseen_count), (vec![unseen], 1));
    let unknown: Vec<_> = told.unknown.iter().map(|(post, why)| (post.post, *why)).collect();
    assert_eq!(unknown, [(unmeasured, Unknown::NotMeasured), (ungiven, Unknown::NotGiven)]);
    assert_eq!((told.unknown_count, told.young), (2, 1));
}

/// The article of the posts that were made for it, published so many minutes after the start.
fn article(world: &World, n: u128, published: Option<i64>, section: &str) {
    let title =
        Block { kind: BlockKind::Title, text: format!("Cầu qua suối Nậm Ngặt, bài {n}") };
    let article = Article {
        id: ArticleId(uuid::Uuid::from_u128(n)),
        agency: "demo".into(),
        revision: 1,
        digest: Digest::of(b"x"),
        state: ArticleState::Ready,
        source: SourceRef {
            canonical_url: format!("https://minhhoa.example/{n}"),
            publisher: String::new(),
            via: "url".into(),
        },
        lang: "vi".into(),
        section: section.into(),
        authors: vec![],
        published_at: published.map(|minutes| start() + SignedDuration::from_mins(minutes)),
        embargo_until: None,
        keywords: vec![],
        blocks: vec![title],
        photos: vec![],
        videos: vec![],
        doubts: vec![],
        fetched_at: start(),
    };
    world.commit(Changes::by(by(), "ingest").insert(&article));
}

fn change(world: &World, post: PostId, change: impl FnOnce(&mut Post)) {
    let kept = ready(world.store.read::<Post>(&post.to_string())).unwrap().unwrap();
    let mut post = kept.record;
    change(&mut post);
    world.commit(Changes::by(by(), "change").update(&post, kept.version));
}

#[test]
fn the_way_to_each_channel_is_the_first_post_of_each_article() {
    let world = World::new();
    for n in 1..=4 {
        article(&world, n, (n != 4).then_some(-(i64::try_from(n).unwrap()) * 10), "");
        live(&world, n, 0);
    }
    // A second post of an article, on another channel later and on the same one: only the first counts.
    for (n, account, minutes) in [(11, "khac:so", 20), (12, "memory:cong-tin", 30)] {
        world.clock.set(start() + SignedDuration::from_mins(minutes));
        world.live(n, account, PostFormat::Photo, 1);
    }
    article(&world, 5, Some(-90 * DAY), "");
    let archive = live(&world, 5, 0);
    change(&world, archive, |post| post.priority = Priority::Backfill);
    article(&world, 6, Some(HOUR), "");
    live(&world, 6, 0);
    let told = operations(world.open().of("demo"), week().span(ZONE), start()).unwrap();
    let speed: Vec<_> = told
        .speed
        .iter()
        .map(|s| (s.channel.as_str(), s.articles, s.unknown, s.median_s, s.p95_s))
        .collect();
    // 10, 20 and 30 minutes; one article without a time, one published after its post.
    assert_eq!(
        speed,
        [("khac", 1, 0, Some(1800), Some(1800)), ("memory", 3, 2, Some(1200), Some(1800))]
    );
}

#[test]
fn clips_for_slow_links_stand_beside_the_others() {
    let world = World::new();
    let mut n = 0;
    let mut clip = |kind: Option<VariantKind>, count: u64| {
        n += 1;
        let post = live(&world, n, 0);
        let id = VariantId(uuid::Uuid::from_u128(n));
        let media = Media {
            role: MediaRole::Video,
            blob: BlobHash::of(b"clip"),
            bytes: 4,
            mime: "video/mp4".into(),
            width: 360,
            height: 640,
            duration_ms: 1000,
            alt: String::new(),
            variant: kind.map(|_| id),
        };
        change(&world, post, |post| post.content.media.push(media));
        if let Some(kind) = kind {
            let variant = Variant {
                id,
                agency: "demo".into(),
                article: ArticleId(uuid::Uuid::from_u128(n)),
                revision: 1,
                kind,
                template: "t".into(),
                brand: "demo".into(),
                chosen: None,
                recipe: Digest::of(b"r"),
                state: VariantState::Rendered,
                renditions: vec![],
                provenance: serde_json::Value::Null,
                reason: String::new(),
            };
            world.commit(Changes::by(by(), "render").insert(&variant));
        }
        world.sample(n, post, DAY, views(count));
    };
    for count in [5, 1, 3, 2, 4, 6] {
        clip(Some(VariantKind::LowBand), count);
    }
    for count in [100, 200] {
        clip(Some(VariantKind::ShortClip), count);
    }
    clip(None, 9);
    let now = start() + SignedDuration::from_mins(2 * DAY);
    let told = operations(world.open().of("demo"), week().span(ZONE), now).unwrap();
    let bands: Vec<_> = told.bands.iter().map(|b| (b.low, b.posts, b.median)).collect();
    // The middle of 3 and 4, rounded down; two posts say nothing.
    assert_eq!(bands, [(true, 6, Some(3)), (false, 2, None)]);
    assert_eq!((told.clips, told.clips_unknown), (9, 1));
}

#[test]
fn topics_and_languages_are_cuts_like_others() {
    let world = World::new();
    article(&world, 1, None, "Kinh tế");
    article(&world, 2, None, "");
    for n in 1..=3 {
        let post = live(&world, n, 0);
        world.sample(n, post, HOUR, views(10));
        if n == 3 {
            change(&world, post, |post| post.content.lang = "en".into());
        }
    }
    let (from, to) = week().span(ZONE);
    let rows = |by| {
        let query = Query { agency: "demo".into(), from, to, by, population: None };
        let report = report(world.open().of("demo"), &query).unwrap();
        report.rows.iter().map(|row| (row.key.clone(), row.posts)).collect::<Vec<_>>()
    };
    // The article of the third post is not there: neither is its topic.
    assert_eq!(rows(By::Section), [(String::new(), 2), ("Kinh tế".to_owned(), 1)]);
    assert_eq!(rows(By::Language), [("en".to_owned(), 1), ("vi".to_owned(), 2)]);
}
