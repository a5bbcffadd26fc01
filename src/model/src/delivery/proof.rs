//! What is known of a post on its platform, and from whom.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::UserId;

/// Proof that a post is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The platform's id, text because it exceeds 2^53. Empty when a person confirmed a post without knowing it.
    pub remote_id: String,
    /// Where the audience sees it; empty when the platform has no such address.
    pub url: String,
    /// The platform's answer, redacted.
    pub raw: serde_json::Value,
    /// Live since, as far as known.
    pub at: Timestamp,
}

/// Something seen about an uncertain outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// When.
    pub at: Timestamp,
    /// What, an English sentence without secrets.
    pub what: String,
}

/// A person's word that a post is live, kept while the platform is still searched for a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// What the person knows of it.
    pub receipt: Receipt,
    /// Who.
    pub by: UserId,
}
