#![doc = include_str!("../README.md")]

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod drive;
pub mod error;
#[cfg(feature = "conformance")]
pub mod fixture;
pub mod memory;
pub mod usage;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use loa_model::{
    Account, BlobHash, Capability, Clock, DeliveryId, Gate, Measured, Media, PostContent, Receipt,
    Secret, Ticket, delivery::Effect,
};
use url::Url;

pub use error::{Error, ErrorKind, Result, RetryAdvice, Scope};
pub use usage::{Deaf, Ear, Notes, Usage};

/// Blobs as an adapter needs them.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// The bytes of a blob.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when it is missing or does not match its hash.
    async fn read(&self, hash: BlobHash) -> Result<Bytes>;
}

/// Public addresses of media, for platforms that fetch by URL.
#[async_trait]
pub trait MediaUrls: Send + Sync {
    /// An address of this file for this delivery that a platform can fetch for at least a year. The same delivery and blob
    /// give the same address; its path ends in the right extension.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the token cannot be kept, [`ErrorKind::Media`] when the address does not answer.
    async fn url(&self, delivery: DeliveryId, media: &Media) -> Result<Url>;
}

/// What an adapter is handed for one call.
pub struct Cx<'a> {
    /// Time.
    pub clock: &'a dyn Clock,
    /// Blobs.
    pub blobs: &'a dyn Blobs,
    /// Public media addresses.
    pub media: &'a dyn MediaUrls,
    /// Asked by `net` before the first byte of an effectful request.
    pub gate: &'a dyn Gate,
    /// Told whatever an answer says about allowances, refusals included.
    pub ear: &'a dyn Ear,
}

/// Where to.
#[derive(Clone, Copy)]
pub struct To<'a> {
    /// The account.
    pub account: &'a Account,
    /// Its credentials.
    pub secret: &'a Secret,
}

/// What to publish, and for which delivery.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// The delivery: scope of media addresses.
    pub delivery: DeliveryId,
    /// Marker of read-back: the code of the short link.
    pub marker: &'a str,
    /// The content, digest checked.
    pub content: &'a PostContent,
    /// First intent of this attempt: an adapter that looks for its own orphan looks from here.
    pub since: Timestamp,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// The chain goes on: commit this, then come again after `wait`.
    Again {
        /// Where it stands.
        ticket: Ticket,
        /// Not before (processing on the platform); zero to go on at once.
        wait: Duration,
    },
    /// It is live.
    Live(Receipt),
}

/// What read-back looks for.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    /// Short-link code of the post.
    pub marker: &'a str,
    /// What was sent.
    pub content: &'a PostContent,
    /// Where the chain stood when the outcome became unclear.
    pub ticket: Option<&'a Ticket>,
    /// Look at posts from here on; allow two minutes for clocks.
    pub since: Timestamp,
}

/// Followers or subscribers of an account at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audience {
    /// How many; absent when the platform does not say.
    pub count: Option<u64>,
}

/// Whether an account can post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// What the platform calls it.
    pub title: String,
    /// Its id there.
    pub remote_id: String,
}

/// A message from a platform, verified.
#[derive(Debug, Clone, PartialEq)]
pub enum InboundEvent {
    /// Evidence that a post is live.
    Posted {
        /// Its id there.
        remote_id: String,
        /// Raw message.
        raw: serde_json::Value,
    },
    /// Anything else we are told but do not act on.
    Other(serde_json::Value),
}

/// One platform.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Formats, limits with units, flags: data.
    fn capability(&self) -> &Capability;

    /// Effect of the next step.
    fn effect(&self, content: &PostContent, at: Option<&Ticket>) -> Effect;

    /// Takes the next step: at most one effectful request.
    ///
    /// # Errors
    /// See [`RetryAdvice`]; after [`RetryAdvice::Verify`] the outcome is unknown.
    async fn advance(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        post: Outgoing<'_>,
        at: Option<Ticket>,
    ) -> Result<Progress>;

    /// Read-back: every live post with this marker.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the platform has no read-back.
    async fn find(&self, cx: &Cx<'_>, to: To<'_>, what: Lookup<'_>) -> Result<Vec<Receipt>>;

    /// Changes a live post. Success means that the audience sees the change; while the platform still works on it, the answer
    /// is [`RetryAdvice::Later`], and asking again with the same content sends nothing twice.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the capability says so.
    async fn amend(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipt: &Receipt,
        post: Outgoing<'_>,
    ) -> Result<()>;

    /// Takes a live post back. Gone already is success.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the capability says so.
    async fn retract(&self, cx: &Cx<'_>, to: To<'_>, receipt: &Receipt) -> Result<()>;

    /// Numbers of these posts, batched as the platform allows. A number not given is absent.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the platform tells nothing.
    async fn measure(&self, cx: &Cx<'_>, to: To<'_>, receipts: &[Receipt])
    -> Result<Vec<Measured>>;

    /// Followers now.
    ///
    /// # Errors
    /// As for every read.
    async fn audience(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Audience>;

    /// Whether the credentials work.
    ///
    /// # Errors
    /// [`RetryAdvice::Reauthorize`] when they do not.
    async fn health(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Health>;

    /// Whether [`Channel::refresh`] would ask the platform: the credentials age, or were refused. It asks nobody itself, so a
    /// look needs no mark in the vault.
    fn ages(&self, to: To<'_>, now: Timestamp) -> bool;

    /// New credentials, when they age; nothing when they do not. The vault keeps a mark before and the result after, so a
    /// single-use refresh token is never lost between the two.
    ///
    /// # Errors
    /// [`RetryAdvice::Reauthorize`] when a person must connect the account again.
    async fn refresh(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Option<Secret>>;

    /// A message from the platform: verified against the secret before it is parsed.
    ///
    /// # Errors
    /// [`ErrorKind::Forged`] when the signature does not match.
    fn inbound(
        &self,
        to: To<'_>,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Vec<InboundEvent>>;
}
