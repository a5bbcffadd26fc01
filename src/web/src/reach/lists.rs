//! Posts that were seen most and not at all, the hours in which posts are seen, and how the work goes.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Query, State},
    http::StatusCode,
    response::Html,
};
use jiff::SignedDuration;
use loa_reach::{FEW, HourMap, Operations, Ranking, Unknown};
use serde::Serialize;

use super::{Ask, Head, Names, PostLine, Shown, Wanted, article::age_words, channel_name};
use crate::{Shared, article::ZONE, auth::Visitor, error::WebError, pages, view};

pub(super) async fn ranked(
    app: &Shared,
    visitor: &Visitor,
    wanted: &Wanted,
) -> Result<Arc<Ranking>, WebError> {
    let (now, agency) = (app.clock.now(), &visitor.user.agency);
    let books = app.reach.open(app).await?;
    let own = [agency.clone()];
    let count = || loa_reach::ranking(books.of(agency), wanted.days.span(ZONE), now);
    app.reach.ranking.of(&books, &own, (wanted.days, &[]), Some(now), count).await
}

pub(super) async fn mapped(
    app: &Shared,
    visitor: &Visitor,
    wanted: &Wanted,
) -> Result<Arc<Vec<HourMap>>, WebError> {
    let (now, agency) = (app.clock.now(), &visitor.user.agency);
    let books = app.reach.open(app).await?;
    let own = [agency.clone()];
    let count = || loa_reach::hours(books.of(agency), wanted.days.span(ZONE), ZONE, now);
    app.reach.hours.of(&books, &own, (wanted.days, &[]), Some(now), count).await
}

pub(super) async fn worked(
    app: &Shared,
    visitor: &Visitor,
    wanted: &Wanted,
) -> Result<Arc<Operations>, WebError> {
    let (now, agency) = (app.clock.now(), &visitor.user.agency);
    let books = app.reach.open(app).await?;
    let own = [agency.clone()];
    let count = || loa_reach::operations(books.of(agency), wanted.days.span(ZONE), now);
    app.reach.operations.of(&books, &own, (wanted.days, &[]), Some(now), count).await
}

/// Top and silent posts as JSON.
pub(crate) async fn ranking(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<Json<Arc<Ranking>>, WebError> {
    let wanted = ask.wanted(app.clock.now())?;
    Ok(Json(ranked(&app, &visitor, &wanted).await?))
}

/// The maps of hours as JSON.
pub(crate) async fn hours(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<Json<Arc<Vec<HourMap>>>, WebError> {
    let wanted = ask.wanted(app.clock.now())?;
    Ok(Json(mapped(&app, &visitor, &wanted).await?))
}

/// Operations as JSON.
pub(crate) async fn operations(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<Json<Arc<Operations>>, WebError> {
    let wanted = ask.wanted(app.clock.now())?;
    Ok(Json(worked(&app, &visitor, &wanted).await?))
}

#[derive(Serialize)]
struct RankedLine {
    #[serde(flatten)]
    post: PostLine,
    views: String,
    read_at: String,
}

#[derive(Serialize)]
struct TopView {
    channel: String,
    source: String,
    definition: String,
    of: String,
    posts: Vec<RankedLine>,
}

#[derive(Serialize)]
struct UnknownLine {
    #[serde(flatten)]
    post: PostLine,
    /// Key of the word that says why.
    why: &'static str,
}

#[derive(Serialize)]
struct PostsPage {
    head: Head,
    top: Vec<TopView>,
    unseen: Vec<PostLine>,
    unseen_count: String,
    unknown: Vec<UnknownLine>,
    unknown_count: String,
    young: String,
}

/// Top and silent posts as a page.
pub(crate) async fn posts_page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<(StatusCode, Html<String>), WebError> {
    let Shown { wanted, status, wrong } = ask.shown(app.clock.now(), &visitor.lang)?;
    let told = ranked(&app, &visitor, &wanted).await?;
    let mut names = Names::default();
    let number = |n: u32| view::number(n.into(), &visitor.lang);
    let mut top = Vec::new();
    let of = told.top.iter().map(|list| (&*list.channel, &*list.source_name, &*list.definition));
    let channels = super::number_names(&app, &visitor.lang, of);
    for (list, channel) in told.top.iter().zip(channels) {
        let mut posts = Vec::new();
        for ranked in &list.posts {
            posts.push(RankedLine {
                post: PostLine::of(&app, &visitor, &mut names, &ranked.post).await?,
                views: view::number(ranked.views, &visitor.lang),
                read_at: view::time(ranked.at, ZONE),
            });
        }
        top.push(TopView {
            channel,
            source: list.source_name.clone(),
            definition: list.definition.clone(),
            of: number(list.of),
            posts,
        });
    }
    let (mut unseen, mut unknown) = (Vec::new(), Vec::new());
    for post in &told.unseen {
        unseen.push(PostLine::of(&app, &visitor, &mut names, post).await?);
    }
    for (post, why) in &told.unknown {
        let post = PostLine::of(&app, &visitor, &mut names, post).await?;
        let why = match why {
            Unknown::NotMeasured => "not_measured",
            Unknown::NotGiven => "not_given",
        };
        unknown.push(UnknownLine { post, why });
    }
    let page = PostsPage {
        head: Head::of(&app, &visitor, "posts", (&wanted, wrong), told.as_of).await?,
        top,
        unseen,
        unseen_count: number(told.unseen_count),
        unknown,
        unknown_count: number(told.unknown_count),
        young: number(told.young),
    };
    Ok((status, pages::draw(&app, &visitor, "reach", "pages/reach_posts.html", page).await?))
}

#[derive(Serialize)]
struct Square {
    hour: u8,
    posts: u32,
    median: Option<String>,
    /// 1 to 5: a fifth of the largest median each; 0 where there is none.
    shade: u64,
}

#[derive(Serialize)]
struct MapView {
    channel: String,
    source: String,
    definition: String,
    posts: String,
    unknown: String,
    as_of: String,
    /// By weekday, Monday first: every hour.
    days: Vec<Vec<Square>>,
    /// Whether any hour has enough posts.
    any: bool,
    /// The first hour that has any post: what a narrow screen begins with.
    first: u8,
}

#[derive(Serialize)]
struct HoursPage {
    head: Head,
    maps: Vec<MapView>,
    few: u32,
}

fn map_view(lang: &str, map: &HourMap, channel: String) -> MapView {
    let most = map.hours.iter().filter_map(|hour| hour.median).max().unwrap_or(0);
    let square = |weekday: u8, hour: u8| {
        let found = map.hours.iter().find(|own| (own.weekday, own.hour) == (weekday, hour));
        let median = found.and_then(|own| own.median);
        Square {
            hour,
            posts: found.map_or(0, |own| own.posts),
            median: median.map(|views| view::number(views, lang)),
            shade: median.map_or(0, |views| views.saturating_mul(5).div_ceil(most.max(1)).max(1)),
        }
    };
    MapView {
        days: (0..7).map(|day| (0..24).map(|hour| square(day, hour)).collect()).collect(),
        first: map.hours.iter().filter(|own| own.posts > 0).map(|own| own.hour).min().unwrap_or(0),
        any: most > 0 || map.hours.iter().any(|hour| hour.median.is_some()),
        channel,
        posts: view::number(map.posts.into(), lang),
        unknown: view::number(map.unknown.into(), lang),
        as_of: map.as_of.map(|at| view::time(at, ZONE)).unwrap_or_default(),
        source: map.source_name.clone(),
        definition: map.definition.clone(),
    }
}

/// The maps of hours as a page.
pub(crate) async fn hours_page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<(StatusCode, Html<String>), WebError> {
    let Shown { wanted, status, wrong } = ask.shown(app.clock.now(), &visitor.lang)?;
    let maps = mapped(&app, &visitor, &wanted).await?;
    let as_of = maps.iter().filter_map(|map| map.as_of).max();
    let of = maps.iter().map(|map| (&*map.channel, &*map.source_name, &*map.definition));
    let channels = super::number_names(&app, &visitor.lang, of);
    let page = HoursPage {
        head: Head::of(&app, &visitor, "hours", (&wanted, wrong), as_of).await?,
        maps: maps
            .iter()
            .zip(channels)
            .map(|(map, channel)| map_view(&visitor.lang, map, channel))
            .collect(),
        few: FEW,
    };
    Ok((status, pages::draw(&app, &visitor, "reach", "pages/reach_hours.html", page).await?))
}

#[derive(Serialize)]
struct SpeedView {
    channel: String,
    articles: String,
    unknown: String,
    median: Option<String>,
    p95: Option<String>,
}

#[derive(Serialize)]
struct BandView {
    low: bool,
    channel: String,
    source: String,
    definition: String,
    posts: String,
    median: Option<String>,
}

#[derive(Serialize)]
struct WorkPage {
    head: Head,
    speed: Vec<SpeedView>,
    bands: Vec<BandView>,
    clips: String,
    clips_unknown: String,
    few: u32,
}

/// Operations as a page.
pub(crate) async fn work_page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<(StatusCode, Html<String>), WebError> {
    let Shown { wanted, status, wrong } = ask.shown(app.clock.now(), &visitor.lang)?;
    let told = worked(&app, &visitor, &wanted).await?;
    let lang = visitor.lang.as_str();
    let number = |n: u32| view::number(n.into(), lang);
    let words = age_words(&app, lang);
    let span = |seconds: Option<u64>| {
        let seconds = i64::try_from(seconds?).unwrap_or(i64::MAX);
        Some(loa_reach::age_words(SignedDuration::from_secs(seconds), &words))
    };
    let speed = told.speed.iter().map(|speed| SpeedView {
        channel: channel_name(&app, &speed.channel),
        articles: number(speed.articles),
        unknown: number(speed.unknown),
        median: span(speed.median_s),
        p95: span(speed.p95_s),
    });
    let bands = told.bands.iter().map(|band| BandView {
        low: band.low,
        channel: super::number_name(&app, lang, &band.channel, &band.source_name),
        source: band.source_name.clone(),
        definition: band.definition.clone(),
        posts: number(band.posts),
        median: band.median.map(|views| view::number(views, lang)),
    });
    let page = WorkPage {
        head: Head::of(&app, &visitor, "work", (&wanted, wrong), told.as_of).await?,
        speed: speed.collect(),
        bands: bands.collect(),
        clips: number(told.clips),
        clips_unknown: number(told.clips_unknown),
        few: FEW,
    };
    Ok((status, pages::draw(&app, &visitor, "reach", "pages/reach_work.html", page).await?))
}
