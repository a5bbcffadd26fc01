//! Posts that were seen most and not at all, the hours in which posts are seen, and how the work goes.

use axum::{
    Extension, Json,
    extract::{Query, State},
    response::Html,
};
use jiff::SignedDuration;
use loa_reach::{FEW, HourMap, Operations, Ranking, Unknown};
use serde::Serialize;

use super::{Ask, Head, Names, PostLine, article::age_words, channel_name, failed};
use crate::{Shared, article::ZONE, auth::Visitor, error::WebError, pages, view};

async fn ranked(app: &Shared, visitor: &Visitor, ask: &Ask) -> Result<Ranking, WebError> {
    let now = app.clock.now();
    let span = ask.wanted(now)?.days.span(ZONE);
    loa_reach::ranking(&*app.store, &visitor.user.agency, span, now).await.map_err(failed)
}

async fn mapped(app: &Shared, visitor: &Visitor, ask: &Ask) -> Result<Vec<HourMap>, WebError> {
    let now = app.clock.now();
    let span = ask.wanted(now)?.days.span(ZONE);
    loa_reach::hours(&*app.store, &visitor.user.agency, span, ZONE, now).await.map_err(failed)
}

async fn worked(app: &Shared, visitor: &Visitor, ask: &Ask) -> Result<Operations, WebError> {
    let now = app.clock.now();
    let span = ask.wanted(now)?.days.span(ZONE);
    loa_reach::operations(&*app.store, &visitor.user.agency, span, now).await.map_err(failed)
}

/// Top and silent posts as JSON.
pub(crate) async fn ranking(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<Json<Ranking>, WebError> {
    Ok(Json(ranked(&app, &visitor, &ask).await?))
}

/// The maps of hours as JSON.
pub(crate) async fn hours(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<Json<Vec<HourMap>>, WebError> {
    Ok(Json(mapped(&app, &visitor, &ask).await?))
}

/// Operations as JSON.
pub(crate) async fn operations(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<Json<Operations>, WebError> {
    Ok(Json(worked(&app, &visitor, &ask).await?))
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
) -> Result<Html<String>, WebError> {
    let wanted = ask.wanted(app.clock.now())?;
    let told = ranked(&app, &visitor, &ask).await?;
    let mut names = Names::default();
    let number = |n: u32| view::number(n.into(), &visitor.lang);
    let mut top = Vec::new();
    for list in told.top {
        let mut posts = Vec::new();
        for ranked in &list.posts {
            posts.push(RankedLine {
                post: PostLine::of(&app, &visitor, &mut names, &ranked.post).await?,
                views: view::number(ranked.views, &visitor.lang),
                read_at: view::time(ranked.at, ZONE),
            });
        }
        top.push(TopView {
            channel: channel_name(&app, &list.channel),
            source: list.source_name,
            definition: list.definition,
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
        head: Head::of(&visitor, "posts", &wanted, told.as_of),
        top,
        unseen,
        unseen_count: number(told.unseen_count),
        unknown,
        unknown_count: number(told.unknown_count),
        young: number(told.young),
    };
    pages::draw(&app, &visitor, "reach", "pages/reach_posts.html", page).await
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
    /// By weekday, Monday first: every hour.
    days: Vec<Vec<Square>>,
    /// Whether any hour has enough posts.
    any: bool,
}

#[derive(Serialize)]
struct HoursPage {
    head: Head,
    maps: Vec<MapView>,
    few: u32,
}

fn map_view(app: &Shared, lang: &str, map: HourMap) -> MapView {
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
        any: most > 0 || map.hours.iter().any(|hour| hour.median.is_some()),
        channel: channel_name(app, &map.channel),
        posts: view::number(map.posts.into(), lang),
        unknown: view::number(map.unknown.into(), lang),
        source: map.source_name,
        definition: map.definition,
    }
}

/// The maps of hours as a page.
pub(crate) async fn hours_page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<Html<String>, WebError> {
    let wanted = ask.wanted(app.clock.now())?;
    let maps = mapped(&app, &visitor, &ask).await?;
    let page = HoursPage {
        head: Head::of(&visitor, "hours", &wanted, maps.iter().filter_map(|map| map.as_of).max()),
        maps: maps.into_iter().map(|map| map_view(&app, &visitor.lang, map)).collect(),
        few: FEW,
    };
    pages::draw(&app, &visitor, "reach", "pages/reach_hours.html", page).await
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
) -> Result<Html<String>, WebError> {
    let wanted = ask.wanted(app.clock.now())?;
    let told = worked(&app, &visitor, &ask).await?;
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
        channel: channel_name(&app, &band.channel),
        source: band.source_name.clone(),
        definition: band.definition.clone(),
        posts: number(band.posts),
        median: band.median.map(|views| view::number(views, lang)),
    });
    let page = WorkPage {
        head: Head::of(&visitor, "work", &wanted, told.as_of),
        speed: speed.collect(),
        bands: bands.collect(),
        clips: number(told.clips),
        clips_unknown: number(told.clips_unknown),
        few: FEW,
    };
    pages::draw(&app, &visitor, "reach", "pages/reach_work.html", page).await
}
