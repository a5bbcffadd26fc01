//! One article over its life: each post by its age, and how long it took to half of its views.

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

/// Lines that one chart can tell apart.
const LINES: usize = 12;

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

/// Its chart; empty when no post of it gave views.
pub(super) async fn chart(
    app: &Shared,
    visitor: &Visitor,
    article: &Article,
) -> Result<String, WebError> {
    let told = of(app, article).await?;
    if told.posts.iter().all(|life| life.counts.is_empty()) {
        return Ok(String::new());
    }
    Ok(drawn(app, visitor, &told).await?.svg)
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
    let (mut series, mut labels) = (Vec::new(), Vec::new());
    for life in &told.posts {
        let channel = channel_title(app, &life.post.account);
        let format = super::format_word(app, &visitor.lang, life.post.format);
        let account = names.account(app, &life.post.account).await?;
        let at = view::time(life.post.live_since, ZONE);
        for count in &life.counts {
            let source = count.series.source_name.clone();
            let line = format!("{channel} · {format}");
            labels.push([line, account.clone(), at.clone(), source]);
            series.push(count.series.clone());
        }
    }
    for (series, label) in series.iter_mut().zip(told_apart(&labels)) {
        series.label = label;
    }
    // The most seen ones, in the order of the table.
    let seen = |one: &Series| one.points.iter().filter_map(|point| point.value).max();
    let mut most: Vec<_> = series.iter().map(seen).collect();
    most.sort_unstable_by(|a, b| b.cmp(a));
    if let Some(least) = most.get(LINES - 1) {
        series.retain(|one| seen(one) >= *least);
        series.truncate(LINES);
    }
    let text = ChartText {
        title: format!("{}: {}", word("metric.views"), told.title),
        description: word("report.age_chart"),
        zone: ZONE.to_owned(),
        missing: "—".to_owned(),
        thousands: view::thousands(&visitor.lang),
    };
    Ok(loa_reach::age_chart(&series, &text, &age_words(app, &visitor.lang)))
}

/// Each label as short as it can be while no other is the same: its first part, and of the others those that part it from some.
fn told_apart<const N: usize>(labels: &[[String; N]]) -> Vec<String> {
    let mut told: Vec<String> = labels.iter().map(|parts| parts[0].clone()).collect();
    for part in 1..N {
        let alike = |n: usize, told: &[String]| {
            (0..told.len()).any(|m| told[m] == told[n] && labels[m][part] != labels[n][part])
        };
        let doubled: Vec<usize> = (0..told.len()).filter(|n| alike(*n, &told)).collect();
        for n in doubled {
            told[n] = format!("{} · {}", told[n], labels[n][part]);
        }
    }
    told
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
    posts: Vec<LifeView>,
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
    for life in &told.posts {
        posts.push(LifeView {
            post: PostLine::of(&app, &visitor, &mut names, &life.post).await?,
            channel: channel_title(&app, &life.post.account),
            measured_at: time(life.measured_at),
            counts: life
                .counts
                .iter()
                .map(|count| count_view(&app, &visitor.lang, count))
                .collect(),
        });
    }
    let page = Page {
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

fn count_view(app: &Shared, lang: &str, count: &Count) -> CountView {
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
        source: count.series.source_name.clone(),
        latest: last.and_then(|point| point.value).map(|value| view::number(value, lang)),
        read_at: last.map(|point| view::time(point.at, ZONE)).unwrap_or_default(),
        half,
        between,
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_no_more_than_parts_them() {
        let label = |parts: [&str; 3]| parts.map(str::to_owned);
        for (labels, told) in [
            (vec![label(["a", "x", "1"]), label(["b", "x", "1"])], vec!["a", "b"]),
            (vec![label(["a", "x", "1"]), label(["a", "y", "1"])], vec!["a · x", "a · y"]),
            (
                vec![label(["a", "x", "1"]), label(["a", "x", "2"]), label(["a", "y", "2"])],
                vec!["a · x · 1", "a · x · 2", "a · y"],
            ),
            (vec![label(["a", "x", "1"]), label(["a", "x", "1"])], vec!["a", "a"]),
        ] {
            assert_eq!(told_apart(&labels), told);
        }
    }
}
