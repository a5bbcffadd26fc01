//! How the posts of an article grew.

use jiff::Timestamp;
use loa_model::{ArticleId, Delivery, Metric, Post, PostFormat, PostId, Sample, record::join};
use loa_store::{Store, StoreExt as _};
use serde::{Deserialize, Serialize};

use crate::{PostRef, Result, story::Head};

/// Most posts of one article, and deliveries of one post.
const MOST: usize = 1000;
/// Most samples of one post: the plan has nineteen, second looks come on top.
const SAMPLES: usize = 1000;

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// Cumulative number; absent when the platform did not give it then.
    pub value: Option<u64>,
    /// Whether the definition changed with this point.
    pub method_break: bool,
}

/// The readings of one post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// Account of the post; pages say it in words.
    pub label: String,
    /// Post.
    pub post: PostId,
    /// When it went live: its age is counted from here.
    pub live_since: Timestamp,
    /// Form of the post: two posts of one account are told apart by it.
    pub format: PostFormat,
    /// The platform's name of the number.
    pub source_name: String,
    /// Readings in order.
    pub points: Vec<Point>,
}

/// A post of an article over its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Post.
    pub post: PostRef,
    /// One series for each name under which its platform counts; none when it never gave the number.
    pub series: Vec<Series>,
    /// When it was measured last; absent when it never was.
    pub measured_at: Option<Timestamp>,
}

/// The posts of an article that are or were live, by account.
///
/// # Errors
/// [`crate::Error::Store`].
pub async fn lives(
    store: &dyn Store,
    agency: &str,
    article: ArticleId,
    metric: Metric,
) -> Result<Vec<Life>> {
    let mut all = Vec::new();
    for (post, live_since) in live_posts(store, agency, article).await? {
        let samples = samples_of(store, post.id).await?;
        let series = of_post(&post, live_since, &samples, metric);
        let measured_at = samples.iter().map(|sample| sample.taken_at).max();
        let id = post.id;
        let post = Head::of(post).named(id, live_since);
        all.push(Life { post, series, measured_at });
    }
    all.sort_by(|a, b| {
        (&a.post.account, a.post.format, a.post.live_since).cmp(&(
            &b.post.account,
            b.post.format,
            b.post.live_since,
        ))
    });
    Ok(all)
}

/// One series per live post of the article and platform name, by account.
///
/// # Errors
/// [`crate::Error::Store`].
pub async fn cumulative(
    store: &dyn Store,
    agency: &str,
    article: ArticleId,
    metric: Metric,
) -> Result<Vec<Series>> {
    let lives = lives(store, agency, article, metric).await?;
    Ok(lives.into_iter().flat_map(|life| life.series).collect())
}

/// The posts of an article that are or were live, with the time they went live.
async fn live_posts(
    store: &dyn Store,
    agency: &str,
    article: ArticleId,
) -> Result<Vec<(Post, Timestamp)>> {
    let mut live = Vec::new();
    let posts = join(&[&article.to_string(), ""]);
    for post in store.list::<Post>("post_by_article", &posts, MOST).await? {
        let post = post.record;
        if post.agency != agency {
            continue;
        }
        let prefix = join(&[&post.id.to_string(), ""]);
        let deliveries = store.list::<Delivery>("delivery_by_post", &prefix, MOST).await?;
        let since = deliveries.into_iter().filter_map(|kept| kept.record.receipt).map(|r| r.at);
        if let Some(since) = since.min() {
            live.push((post, since));
        }
    }
    Ok(live)
}

/// The samples of a post by time.
async fn samples_of(store: &dyn Store, post: PostId) -> Result<Vec<Sample>> {
    let prefix = join(&[&post.to_string(), ""]);
    let samples = store.list::<Sample>("sample_by_post", &prefix, SAMPLES).await?;
    Ok(samples.into_iter().map(|kept| kept.record).collect())
}

fn of_post(post: &Post, live_since: Timestamp, samples: &[Sample], metric: Metric) -> Vec<Series> {
    let mut names: Vec<&str> = samples
        .iter()
        .flat_map(|sample| &sample.values)
        .filter(|value| value.metric == metric)
        .map(|value| value.source_name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let mut definition: Option<&str> = None;
            let points = samples.iter().map(|sample| {
                let value =
                    sample.values.iter().find(|v| v.metric == metric && v.source_name == name);
                let method_break = match (value, definition) {
                    (Some(value), Some(known)) => value.definition != known,
                    _ => false,
                };
                definition = value.map(|value| value.definition.as_str()).or(definition);
                Point { at: sample.taken_at, value: value.map(|value| value.value), method_break }
            });
            let points = points.collect();
            Series {
                label: post.account.to_string(),
                post: post.id,
                live_since,
                format: post.content.format,
                source_name: name.to_owned(),
                points,
            }
        })
        .collect()
}
