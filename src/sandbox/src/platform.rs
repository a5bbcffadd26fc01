//! What a stand-in must offer. The shared part names no platform: each brings its own.

use std::sync::Arc;

use axum::{Router, http::HeaderMap, response::Response};
use loa_model::seams::SharedClock;
use serde_json::Value;

use crate::{
    book::Book, error::Result, fetch::Fetcher, growth::Growth, media::MediaStore, post::StoredPost,
    server::SAMPLES,
};

/// A kind of platform that can be started.
pub trait Platform: Send + Sync {
    /// Its name: key of the addresses, folder of its state, part of control paths.
    fn name(&self) -> &'static str;

    /// Starts it on this ground. Called inside a Tokio runtime: work left over from before a restart may be spawned here.
    ///
    /// # Errors
    /// When its state cannot be read or the sample accounts cannot be kept.
    fn open(&self, ground: Ground) -> Result<Arc<dyn StandIn>>;
}

/// What a stand-in stands on.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Its own address, `http://127.0.0.1:<port>`, without a slash at the end.
    pub base: String,
    /// Seed of everything that looks random.
    pub seed: u64,
    /// Accounts wanted, the samples of its own included.
    pub accounts: u32,
    /// Time.
    pub clock: SharedClock,
    /// Records.
    pub book: Arc<Book>,
    /// Files. Served at `/_media/<sha256>` of the base.
    pub media: MediaStore,
    /// Fetches media by address and counts.
    pub fetcher: Fetcher,
    /// How the audience answers.
    pub growth: Growth,
}

impl Ground {
    /// Numbers of the accounts wanted beyond the samples, from 3 on.
    pub fn more_accounts(&self) -> std::ops::RangeInclusive<u32> {
        SAMPLES + 1..=self.accounts
    }
}

/// A refusal that the fault menu asks for, said in the platform's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Too many requests.
    Throttle {
        /// Wait asked for, milliseconds.
        wait_ms: u64,
    },
    /// The token has expired.
    ExpiredToken,
}

/// What to do with tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenAction {
    /// It has run out; a refresh may help.
    Expire,
    /// It was taken back; only a person helps.
    Revoke,
}

/// A message to the customer's server, signed as the platform signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

/// A platform that runs.
pub trait StandIn: Send + Sync {
    /// Routes of its one port: API, sign-in, and the pages the audience sees.
    ///
    /// Handlers read with [`Incoming`](crate::Incoming) and mark answers to requests that stored something with
    /// [`Committed::mark`](crate::Committed::mark).
    fn router(&self) -> Router;

    /// Its entry in the first line: address of each part, and ids and tokens of the sample accounts.
    fn addresses(&self) -> Value;

    /// Every post, as stored.
    fn posts(&self) -> Vec<StoredPost>;

    /// A refusal in its own words.
    fn refuse(&self, refusal: Refusal) -> Response;

    /// Puts on an answer, in its own words, that `percent` of the allowance are used. A platform that never says so has none.
    fn say_usage(&self, _headers: &mut HeaderMap, _percent: u8) {}

    /// Expires or revokes the tokens of an account (its id), or one token. Returns how many it was.
    ///
    /// # Errors
    /// When the change cannot be kept.
    fn tokens(&self, whose: &str, action: TokenAction) -> Result<usize>;

    /// The webhook for an order of a test, signed; nothing when the platform sends none of that kind.
    fn webhook(&self, order: &Value) -> Option<Webhook>;
}
