//! How the posts of an article grew.

use jiff::Timestamp;
use loa_model::{ArticleId, Delivery, Metric, Post, PostFormat, Sample, record::join};
use loa_store::{Store, StoreExt as _};
use serde::{Deserialize, Serialize};

use crate::Result;

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
    /// Form of the post: two posts of one account are told apart by it.
    pub format: PostFormat,
    /// The platform's name of the number.
    pub source_name: String,
    /// Readings in order.
    pub points: Vec<Point>,
}

/// One series per post of the article and platform name, by account.
///
/// # Errors
/// [`crate::Error::Store`].
pub async fn cumulative(
    store: &dyn Store,
    agency: &str,
    article: ArticleId,
    metric: Metric,
) -> Result<Vec<Series>> {
    let mut all = Vec::new();
    for kept in store.all::<Delivery>(1_000_000).await? {
        let delivery = kept.record;
        if delivery.agency != agency || delivery.article != article || delivery.receipt.is_none() {
            continue;
        }
        let prefix = join(&[&delivery.post.to_string(), ""]);
        let samples = store.list::<Sample>("sample_by_post", &prefix, 100_000).await?;
        let samples: Vec<_> = samples.into_iter().map(|kept| kept.record).collect();
        let Some(post) = store.read::<Post>(&delivery.post.to_string()).await? else { continue };
        let format = post.record.content.format;
        all.extend(of_post(delivery.account.as_str(), format, &samples, metric));
    }
    all.sort_by(|a, b| {
        (&a.label, a.format, &a.source_name).cmp(&(&b.label, b.format, &b.source_name))
    });
    Ok(all)
}

fn of_post(label: &str, format: PostFormat, samples: &[Sample], metric: Metric) -> Vec<Series> {
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
            Series { label: label.to_owned(), format, source_name: name.to_owned(), points }
        })
        .collect()
}
