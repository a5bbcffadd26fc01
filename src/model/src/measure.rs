//! Numbers about live posts. Missing is not zero.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    account::AccountName,
    ids::{ArticleId, PostId, SampleId},
    record::{IndexEntry, Record, join, time_key},
};

/// What was counted. One word per thing; the platform's own name is kept beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Unique people, estimated by the platform. Never summed.
    Reach,
    /// Times shown.
    Impressions,
    /// Times played or opened, by the platform's own rule.
    Views,
    /// Likes and other reactions.
    Reactions,
    /// Comments.
    Comments,
    /// Shares.
    Shares,
    /// Clicks counted by the platform.
    Clicks,
    /// Clicks on our own short link.
    LinkClicks,
    /// Followers or subscribers of the account.
    Audience,
}

/// One number as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// What.
    pub metric: Metric,
    /// The platform's own name for it.
    pub source_name: String,
    /// Version of its definition, for example `2026-06`: numbers of two versions are not compared.
    pub definition: String,
    /// The number. A number the platform did not give is not here at all.
    pub value: u64,
}

/// What a channel answers about one post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// The platform's id of the post.
    pub remote_id: String,
    /// Whether the platform still shows it; absent when it cannot tell.
    pub alive: Option<bool>,
    /// Numbers given.
    pub values: Vec<Value>,
    /// The raw answer, redacted, for proof.
    pub raw: serde_json::Value,
}

/// A measurement of one post at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Id.
    pub id: SampleId,
    /// Agency (tenant).
    pub agency: String,
    /// Post.
    pub post: PostId,
    /// Article.
    pub article: ArticleId,
    /// Account.
    pub account: AccountName,
    /// Sample number in the plan.
    pub step: u32,
    /// Taken at.
    pub taken_at: Timestamp,
    /// Numbers.
    pub values: Vec<Value>,
    /// The raw answer.
    pub raw: serde_json::Value,
}

impl Sample {
    /// A number by metric.
    pub fn value(&self, metric: Metric) -> Option<u64> {
        self.values.iter().find(|value| value.metric == metric).map(|value| value.value)
    }
}

impl Record for Sample {
    const TABLE: &'static str = "sample";
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![
            IndexEntry {
                index: "sample_by_post",
                key: join(&[&self.post.to_string(), &time_key(self.taken_at)]),
            },
            IndexEntry {
                index: "sample_by_time",
                key: join(&[&self.agency, &time_key(self.taken_at), &self.key()]),
            },
        ]
    }
}
