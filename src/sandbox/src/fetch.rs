//! How a stand-in fetches media by address, as the platforms that take no uploads do. Every fetch is counted.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use loa_model::seams::SharedClock;
use loa_net::{Body, Client, ErrorKind, Limits, Method, Policy, Request};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{book::Book, error::Error, media};

/// Table of fetches in every [`Book`].
const FETCHES: &str = "_fetch";

/// Fetches media. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fetcher {
    book: Arc<Book>,
    clock: SharedClock,
    loopback: bool,
}

/// What a fetch brought.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Status.
    pub status: u16,
    /// Media type by the first bytes.
    pub mime: &'static str,
    /// Media type the server claims.
    pub claimed: Option<String>,
    /// Body.
    pub bytes: Bytes,
}

/// Why a fetch brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No address.
    #[error("not an http address")]
    Address,
    /// Larger than asked for.
    #[error("larger than allowed")]
    TooLarge,
    /// Nothing usable came.
    #[error("{0}")]
    Failed(String),
}

/// One fetch, as counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// When.
    pub at: Timestamp,
    /// Address.
    pub url: String,
    /// Status, when there was an answer.
    pub status: Option<u16>,
    /// Bytes of the body.
    pub bytes: u64,
    /// SHA-256 of the body.
    pub sha256: Option<String>,
}

impl Fetcher {
    /// A fetcher that counts in `book`. With `loopback` it may reach this machine; without, only public addresses.
    pub fn new(book: Arc<Book>, clock: SharedClock, loopback: bool) -> Self {
        Self { book, clock, loopback }
    }

    /// Fetches `url`, at most `largest` bytes.
    ///
    /// # Errors
    /// See [`FetchError`]; an answer of any status is none.
    pub async fn get(&self, url: &str, largest: u64) -> Result<Fetched, FetchError> {
        let parsed = Url::parse(url).map_err(|_| FetchError::Address)?;
        let limits =
            Limits { total: Duration::from_secs(15), max_body: largest, ..Limits::default() };
        // A platform reaches whatever is public. In a test everything is on loopback.
        let policy = Policy { allow_loopback: self.loopback, ..Policy::default() };
        let client = Client::guarded(limits, policy);
        let answer = match client {
            Ok(client) => client.send(Request::get(parsed), None).await,
            Err(error) => Err(error),
        };
        let counted = answer.as_ref().ok();
        let fetch = Fetch {
            at: self.clock.now(),
            url: url.to_owned(),
            status: counted.map(|answer| answer.status),
            bytes: counted.map_or(0, |answer| answer.body.len() as u64),
            sha256: counted.map(|answer| media::hash(&answer.body)),
        };
        let kept = self.book.change(|page| {
            let number = page.next(FETCHES);
            page.put(FETCHES, &format!("{number:012}"), &fetch);
            Ok::<_, Error>(())
        });
        kept.map_err(|error| FetchError::Failed(error.to_string()))?;
        match answer {
            Ok(answer) => Ok(Fetched {
                status: answer.status,
                mime: media::sniff(&answer.body),
                claimed: answer.header("content-type").map(str::to_owned),
                bytes: answer.body,
            }),
            Err(error) => Err(match error.kind {
                ErrorKind::TooLarge => FetchError::TooLarge,
                _ => FetchError::Failed(error.to_string()),
            }),
        }
    }
}

impl Fetcher {
    /// Posts a message to a customer's address, as a platform does when it checks a webhook, and tells the status answered.
    ///
    /// # Errors
    /// [`FetchError::Address`] for anything but https, or http on this machine where that is allowed;
    /// [`FetchError::Failed`] when nobody answers in 5 s.
    pub async fn knock(&self, url: &str, body: String) -> Result<u16, FetchError> {
        let parsed = Url::parse(url).map_err(|_| FetchError::Address)?;
        let here =
            self.loopback && matches!(parsed.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if parsed.scheme() != "https" && !here {
            return Err(FetchError::Address);
        }
        let limits = Limits { total: Duration::from_secs(5), ..Limits::default() };
        let client = Client::trusted(parsed.clone(), limits)
            .map_err(|e| FetchError::Failed(e.to_string()))?;
        let request = Request::new(Method::POST, parsed)
            .header("content-type", "application/json")
            .body(Body::Bytes(body.into()));
        let answer =
            client.send(request, None).await.map_err(|e| FetchError::Failed(e.to_string()))?;
        Ok(answer.status)
    }
}

/// Every fetch counted in a book, oldest first.
pub(crate) fn fetches(book: &Book) -> Vec<Fetch> {
    book.read(|page| page.list(FETCHES)).into_iter().map(|(_, fetch)| fetch).collect()
}
