//! What the outside may fetch from us: media by unguessable address, and how often a short link was followed.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    digest::BlobHash,
    ids::DeliveryId,
    record::{IndexEntry, Record, join},
};

/// A file a platform may fetch: served at `/m/<token>.<ext>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicMedia {
    /// 128 random bits as 26 characters, see [`Ids::token`](crate::Ids::token).
    pub token: String,
    /// Extension without the dot, the one the media type calls for.
    pub ext: String,
    /// Bytes.
    pub blob: BlobHash,
    /// Media type.
    pub mime: String,
    /// Delivery it was made for: the same delivery and blob share one address.
    pub delivery: DeliveryId,
    /// Made at.
    pub created_at: Timestamp,
    /// Served until, at least a year on.
    pub expires_at: Timestamp,
}

impl Record for PublicMedia {
    const TABLE: &'static str = "public_media";
    fn key(&self) -> String {
        self.token.clone()
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry {
            index: "public_media_by_delivery",
            key: join(&[&self.delivery.to_string(), &self.blob.to_string()]),
        }]
    }
}

/// How often a short link was followed on one day. No personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClickCount {
    /// Short-link code.
    pub code: String,
    /// Day in the agency's zone.
    pub day: Date,
    /// Clicks by people, as far as can be told.
    pub people: u64,
    /// Fetches by crawlers and previews.
    pub robots: u64,
}

impl Record for ClickCount {
    const TABLE: &'static str = "click_count";
    fn key(&self) -> String {
        join(&[&self.code, &self.day.to_string()])
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry { index: "click_by_code", key: self.key() }]
    }
}
