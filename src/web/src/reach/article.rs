//! One article over its life: each post by its age, and how long it took to half of its views.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::Html,
};
use jiff::{SignedDuration, Timestamp};
use loa_model::{Article, ArticleId, Metric, article::article_key};
use loa_reach::{AgeWords, ChartText, Drawn, HalfLife, PostRef, Series};
use loa_store::StoreExt;
use serde::Serialize;

use super::{Names, PostLine, failed};
use crate::{
    Shared,
    article::ZONE,
    auth::Visitor,
    channels::agency_title,
    error::WebError,
    pages::{self, channel_title},
    view,
};

/// Lines that one chart can tell apart: as many as it has colours.
const LINES: usize = 6;
/// Posts that stand in the first table; the others are folded away.
const FIRST: usize = 10;

/// A post of the article and its views.
#[derive(Debug, Serialize)]
pub(crate) struct Life {
    post: PostRef,
    /// One for each name under which its channel counts views; none when it never gave any.
    counts: Vec<Count>,
    /// When it was measured last.
    measured_at: Option<Timestamp>,
}

/// Views under one name.
#[derive(Debug, Serialize)]
struct Count {
    half_life: HalfLife,
    #[serde(flatten)]
    series: Series,
}

/// The article with its posts.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    article: ArticleId,
    title: String,
    published_at: Option<Timestamp>,
    posts: Vec<Life>,
    as_of: Option<Timestamp>,
}

/// The newest revision of an article of the visitor's agency, however old it is.
pub(super) async fn find(app: &Shared, visitor: &Visitor, id: &str) -> Result<Article, WebError> {
    /// More revisions than an article comes to.
    const REVISIONS: u32 = 1000;
    let id: ArticleId = id.parse().map_err(|_| WebError::missing())?;
    let mut newest = None;
    for revision in 1..=REVISIONS {
        let Some(kept) = app.store.read::<Article>(&article_key(id, revision)).await? else {
            break;
        };
        newest = Some(kept.record);
    }
    newest.filter(|article| article.agency == visitor.user.agency).ok_or_else(WebError::missing)
}

/// What is known of the posts of an article.
async fn told(app: &Shared, visitor: &Visitor, id: &str) -> Result<Told, WebError> {
    of(app, &find(app, visitor, id).await?).await
}

async fn of(app: &Shared, article: &Article) -> Result<Told, WebError> {
    let now = app.clock.now();
    let lives = loa_reach::lives(&*app.store, &article.agency, article.id, Metric::Views).await;
    let lives = lives.map_err(failed)?.into_iter().map(|life| Life {
        post: life.post,
        counts: life
            .series
            .into_iter()
            .map(|series| Count { half_life: loa_reach::half_life(&series, now), series })
            .collect(),
        measured_at: life.measured_at,
    });
    let posts: Vec<Life> = lives.collect();
    Ok(Told {
        article: article.id,
        title: article.title().to_owned(),
        published_at: article.published_at,
        as_of: posts.iter().filter_map(|life| life.measured_at).max(),
        posts,
    })
}

/// The article as JSON.
pub(crate) async fn operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Told>, WebError> {
    Ok(Json(told(&app, &visitor, &id).await?))
}

/// Its chart; empty when no post of it gave views, and the time of its newest number.
pub(super) async fn chart(
    app: &Shared,
    visitor: &Visitor,
    article: &Article,
) -> Result<(String, Option<Timestamp>), WebError> {
    let told = of(app, article).await?;
    if told.posts.iter().all(|life| life.counts.is_empty()) {
        return Ok((String::new(), None));
    }
    Ok((drawn(app, visitor, &told).await?.svg, told.as_of))
}

pub(super) fn age_words(app: &Shared, lang: &str) -> AgeWords {
    let word = |key: &str| app.assets.word(lang, key);
    AgeWords {
        minutes: word("report.minutes"),
        hours: word("report.hours"),
        days: word("report.days"),
    }
}

async fn drawn(app: &Shared, visitor: &Visitor, told: &Told) -> Result<Drawn, WebError> {
    let word = |key: &str| app.assets.word(&visitor.lang, key);
    let mut names = Names::default();
    let (mut series, mut labels, mut channels) = (Vec::new(), Vec::new(), Vec::new());
    for life in &told.posts {
        let channel = channel_title(app, &life.post.account);
        let format = super::format_word(app, &visitor.lang, life.post.format);
        let account = names.account(app, &life.post.account).await?;
        let at = view::told_time(life.post.live_since, ZONE, &visitor.lang);
        for count in &life.counts {
            let source = count.series.source_name.as_str();
            let of = life.post.account.channel();
            let source =
                super::number_title(app, &visitor.lang, of, source).unwrap_or(source).to_owned();
            let line = format!("{channel} · {format}");
            labels.push([line, account.clone(), at.clone(), source]);
            series.push(count.series.clone());
            channels.push(channel.clone());
        }
    }
    for (series, label) in series.iter_mut().zip(loa_reach::told_apart(&labels)) {
        series.label = label;
    }
    // The most seen ones of each channel in turn, in the order they were told.
    let mut order: Vec<usize> = (0..series.len()).collect();
    order.sort_by_key(|n| std::cmp::Reverse(seen(&series[*n])));
    let mut of_channel: BTreeMap<&str, usize> = BTreeMap::new();
    let mut turns: Vec<(usize, usize)> = order
        .into_iter()
        .map(|n| {
            let turn = of_channel.entry(channels[n].as_str()).or_default();
            *turn += 1;
            (*turn, n)
        })
        .collect();
    turns.sort_unstable();
    turns.truncate(LINES);
    let drawn: BTreeSet<usize> = turns.into_iter().map(|(_, n)| n).collect();
    let mut at = 0..;
    series.retain(|_| at.next().is_some_and(|n| drawn.contains(&n)));
    let text = ChartText {
        title: format!("{}: {}", word("metric.views"), told.title),
        description: word("report.age_chart"),
        zone: ZONE.to_owned(),
        missing: "—".to_owned(),
        day: view::day_pattern(&visitor.lang).to_owned(),
        thousands: view::thousands(&visitor.lang),
    };
    Ok(loa_reach::age_chart(&series, &text, &age_words(app, &visitor.lang)))
}

/// The most views that were read of a series.
fn seen(one: &Series) -> Option<u64> {
    one.points.iter().filter_map(|point| point.value).max()
}

/// What the posts of one channel have together, within one name of its views.
#[derive(Serialize)]
struct ChannelView {
    name: String,
    posts: String,
    measured: String,
    /// The sum of the latest views; nothing where the channel changed its method, for then they are not one number.
    sum: Option<String>,
    most: String,
}

fn by_channel(app: &Shared, lang: &str, told: &Told) -> Vec<ChannelView> {
    let mut groups: BTreeMap<(String, &str), Vec<Option<&Series>>> = BTreeMap::new();
    for life in &told.posts {
        let channel = life.post.account.channel();
        if life.counts.is_empty() {
            let missing = app.assets.word(lang, "report.why_missing");
            let name = format!("{} · {missing}", super::channel_name(app, channel));
            groups.entry((name, "")).or_default().push(None);
        }
        for count in &life.counts {
            let source = count.series.source_name.as_str();
            let name = super::number_name(app, lang, channel, source);
            groups.entry((name, source)).or_default().push(Some(&count.series));
        }
    }
    let view = |((name, _), series): ((String, &str), Vec<Option<&Series>>)| {
        let last = |one: &Series| one.points.iter().rev().find_map(|point| point.value);
        let latest: Vec<u64> = series.iter().flatten().copied().filter_map(last).collect();
        let changed =
            series.iter().flatten().any(|one| one.points.iter().any(|point| point.method_break));
        let sum = latest.iter().fold(0_u64, |sum, one| sum.saturating_add(*one));
        let count = |n: usize| view::number(u64::try_from(n).unwrap_or(u64::MAX), lang);
        ChannelView {
            name,
            posts: count(series.len()),
            measured: count(latest.len()),
            sum: (!latest.is_empty() && !changed).then(|| view::number(sum, lang)),
            most: latest.iter().max().map_or_else(String::new, |most| view::number(*most, lang)),
        }
    };
    groups.into_iter().map(view).collect()
}

#[derive(Serialize)]
struct LifeView {
    #[serde(flatten)]
    post: PostLine,
    channel: String,
    measured_at: String,
    counts: Vec<CountView>,
}

#[derive(Serialize)]
struct CountView {
    /// What it counts; empty where its metric says it all.
    title: String,
    source: String,
    latest: Option<String>,
    read_at: String,
    /// The half-life in words; empty when it is not known.
    half: String,
    /// Between which ages it lies.
    between: String,
    /// Key of the word that says why it is not known.
    why: &'static str,
}

#[derive(Serialize)]
struct Page {
    id: String,
    agency: String,
    made_at: String,
    title: String,
    published_at: String,
    as_of: String,
    /// What each channel has together.
    channels: Vec<ChannelView>,
    /// The most seen ones.
    posts: Vec<LifeView>,
    /// The others, folded away.
    rest: Vec<LifeView>,
    /// How many there are in all.
    of: String,
    chart: String,
    table: Vec<Vec<String>>,
    /// Whether there are more posts than the chart has lines.
    crowded: bool,
}

/// The article as a page.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Html<String>, WebError> {
    let told = told(&app, &visitor, &id).await?;
    let any = told.posts.iter().any(|life| !life.counts.is_empty());
    let chart = if any {
        drawn(&app, &visitor, &told).await?
    } else {
        Drawn { svg: String::new(), table: Vec::new() }
    };
    let (mut posts, mut names) = (Vec::new(), Names::default());
    let time = |at: Option<Timestamp>| at.map(|at| view::time(at, ZONE)).unwrap_or_default();
    let mut lives: Vec<&Life> = told.posts.iter().collect();
    let most = |life: &Life| life.counts.iter().filter_map(|count| seen(&count.series)).max();
    lives.sort_by_key(|life| std::cmp::Reverse(most(life)));
    for life in lives {
        posts.push(LifeView {
            post: PostLine::of(&app, &visitor, &mut names, &life.post).await?,
            channel: channel_title(&app, &life.post.account),
            measured_at: time(life.measured_at),
            counts: life
                .counts
                .iter()
                .map(|count| count_view(&app, &visitor.lang, life.post.account.channel(), count))
                .collect(),
        });
    }
    let rest = posts.split_off(posts.len().min(FIRST));
    let page = Page {
        channels: by_channel(&app, &visitor.lang, &told),
        of: view::number(u64::try_from(told.posts.len()).unwrap_or(u64::MAX), &visitor.lang),
        rest,
        id: told.article.to_string(),
        agency: agency_title(&app, &visitor.user.agency).await?,
        made_at: view::time(app.clock.now(), ZONE),
        published_at: time(told.published_at),
        as_of: time(told.as_of),
        title: told.title,
        posts,
        chart: chart.svg,
        table: chart.table,
        crowded: told.posts.iter().map(|life| life.counts.len()).sum::<usize>() > LINES,
    };
    pages::draw(&app, &visitor, "reach", "pages/reach_article.html", page).await
}

fn count_view(app: &Shared, lang: &str, channel: &str, count: &Count) -> CountView {
    let words = age_words(app, lang);
    let age = |seconds: i64| loa_reach::age_words(SignedDuration::from_secs(seconds), &words);
    let last = count.series.points.iter().rev().find(|point| point.value.is_some());
    let (half, between, why) = match count.half_life {
        HalfLife::At { age_s, after_s, by_s } => {
            (age(age_s), format!("{} – {}", age(after_s), age(by_s)), "")
        }
        HalfLife::TooYoung => (String::new(), String::new(), "too_young"),
        HalfLife::NotMeasured => (String::new(), String::new(), "not_measured"),
        HalfLife::NotGiven => (String::new(), String::new(), "not_given"),
        HalfLife::MethodBreak => (String::new(), String::new(), "method_break"),
        HalfLife::NoViews => (String::new(), String::new(), "no_views"),
    };
    CountView {
        title: super::number_title(app, lang, channel, &count.series.source_name)
            .unwrap_or_default()
            .to_owned(),
        source: count.series.source_name.clone(),
        latest: last.and_then(|point| point.value).map(|value| view::number(value, lang)),
        read_at: last.map(|point| view::time(point.at, ZONE)).unwrap_or_default(),
        half,
        between,
        why,
    }
}
