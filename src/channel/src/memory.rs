//! A platform in memory and its adapter: the reference of the conformance suite and the platform of delivery's tests.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{Timestamp, ToSpan};
use loa_model::{
    BlobHash, Capability, Digest, Measured, Metric, PostContent, Receipt, Secret, Ticket, Value,
    capability::ReadBack, delivery::Effect,
};
use serde_json::json;

use crate::{
    Audience, Channel, Cx, Error, ErrorKind, Health, InboundEvent, Lookup, Outgoing, Progress,
    Result, RetryAdvice, Scope, To, Usage,
};

/// Name of the value in the secret that the platform checks.
pub const TOKEN: &str = "token";

/// Code of a refusal by [`Fault::Refuse`].
pub const REFUSED: &str = "memory/17";

/// How the platform behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How a post is made.
    pub chain: Chain,
    /// How an unclear outcome is resolved: `ByMarker`, or `None`.
    pub read_back: ReadBack,
}

impl Default for Options {
    /// One public step, found again by marker.
    fn default() -> Self {
        Self { chain: Chain::Public, read_back: ReadBack::ByMarker }
    }
}

/// How a post is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// One public request.
    Public,
    /// A hidden draft, then made public by its id.
    HiddenThenPublic,
    /// A hidden draft, processing that is polled twice, then made public by its id.
    Processed,
    /// One public request, accepted at once and shown later without another one: polled until then.
    Settling {
        /// Seconds from the request to the post.
        after_s: u32,
        /// Seconds between two polls.
        poll_s: u32,
    },
}

/// What happens to an effectful request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is done, the answer is lost.
    DropAfterCommit,
    /// It is not done, the answer is lost all the same: the adapter cannot tell.
    DropBeforeCommit,
    /// Too many requests.
    Throttle {
        /// The platform's own wait.
        wait: Duration,
        /// Whom it holds up.
        scope: Scope,
    },
    /// Refused for its content.
    Refuse,
    /// The token is refused.
    ExpireToken,
    /// No connection: provably nothing sent.
    Unreachable,
}

/// A post as the platform keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its id.
    pub remote_id: String,
    /// Short-link code in it.
    pub marker: String,
    /// What the audience sees.
    pub content: PostContent,
    /// Digests of the bytes received, in order of the media.
    pub received: Vec<BlobHash>,
    /// Whether the audience sees it.
    pub public: bool,
    /// Whether it was taken back.
    pub deleted: bool,
    /// Made at.
    pub at: Timestamp,
}

#[derive(Debug, Default)]
struct State {
    posts: BTreeMap<u64, Stored>,
    /// Faults of the next effectful requests; an empty place lets one through.
    faults: VecDeque<Option<Fault>>,
    /// When accepted posts are shown.
    shows_at: BTreeMap<u64, Timestamp>,
    /// Faults of the next polls of a chain.
    poll_faults: VecDeque<Fault>,
    /// Read-backs that do not see the newest posts yet.
    lag: u32,
    token: String,
    requests: u64,
    effects: u64,
    /// Posts made public, by marker: two of one marker is a double post.
    creates: BTreeMap<String, u32>,
    metrics: BTreeMap<String, Vec<(Metric, u64)>>,
    /// What every answer says about the allowance.
    usage: Option<Usage>,
}

/// The platform. Cheap to clone; every clone is the same platform, also across a "restart" of the adapter.
#[derive(Debug, Clone, Default)]
pub struct MemoryPlatform(Arc<Mutex<State>>);

impl MemoryPlatform {
    /// A platform without posts that takes this token.
    pub fn new(token: &str) -> Self {
        let platform = Self::default();
        token.clone_into(&mut platform.state().token);
        platform
    }

    /// The next effectful request without a fault of its own meets this one.
    pub fn arm(&self, fault: Fault) {
        self.state().faults.push_back(Some(fault));
    }

    /// As [`Self::arm`], after `count` effectful requests that go through.
    pub fn arm_after(&self, count: usize, fault: Fault) {
        let mut state = self.state();
        state.faults.extend(std::iter::repeat_n(None, count));
        state.faults.push_back(Some(fault));
    }

    /// The next poll of a chain without a fault of its own meets this one.
    pub fn arm_poll(&self, fault: Fault) {
        self.state().poll_faults.push_back(fault);
    }

    /// Shows what was accepted and is due at `now`.
    pub fn settle(&self, now: Timestamp) {
        self.state().settle(now);
    }

    /// The next `count` read-backs find nothing.
    pub fn lag(&self, count: u32) {
        self.state().lag = count;
    }

    /// Sets the numbers of a post; what is not set is not given.
    pub fn set_metrics(&self, remote_id: &str, metrics: &[(Metric, u64)]) {
        self.state().metrics.insert(remote_id.to_owned(), metrics.to_vec());
    }

    /// Every answer from now on says this about the allowance.
    pub fn say_usage(&self, usage: Option<Usage>) {
        self.state().usage = usage;
    }

    /// Requests seen, reads included.
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    /// Effectful requests seen, refused ones included.
    pub fn effects(&self) -> u64 {
        self.state().effects
    }

    /// How often a post with this marker was made public. More than one is a double post.
    pub fn creates(&self, marker: &str) -> u32 {
        self.state().creates.get(marker).copied().unwrap_or(0)
    }

    /// How often posts were made public, by marker.
    pub fn all_creates(&self) -> BTreeMap<String, u32> {
        self.state().creates.clone()
    }

    /// Posts with this marker that the audience sees now.
    pub fn live(&self, marker: &str) -> Vec<Stored> {
        self.posts().into_iter().filter(|p| p.marker == marker && p.public && !p.deleted).collect()
    }

    /// Every post, hidden and deleted ones too, oldest first.
    pub fn posts(&self) -> Vec<Stored> {
        self.state().posts.values().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A read, with its token checked.
    fn read(&self, cx: &Cx<'_>, secret: &Secret) -> Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.requests += 1;
        state.tell(cx);
        check_token(&state, secret)?;
        Ok(state)
    }

    /// An effect, with its token checked and its fault met. The second value says that the answer is to be lost.
    fn effect(&self, cx: &Cx<'_>, secret: &Secret) -> Result<(MutexGuard<'_, State>, bool)> {
        cx.gate.open().map_err(|closed| {
            let again = RetryAdvice::Later { wait: Duration::ZERO, scope: Scope::Post };
            Error::new(ErrorKind::Gate, again, closed.to_string())
        })?;
        let mut state = self.state();
        let fault = state.faults.pop_front().flatten();
        if fault == Some(Fault::Unreachable) {
            return Err(met(Fault::Unreachable));
        }
        state.requests += 1;
        state.effects += 1;
        state.tell(cx);
        check_token(&state, secret)?;
        match fault {
            None => Ok((state, false)),
            Some(Fault::DropAfterCommit) => Ok((state, true)),
            Some(fault) => Err(met(fault)),
        }
    }

    /// One poll of a chain, with its fault met.
    fn poll(&self, cx: &Cx<'_>, secret: &Secret) -> Result<MutexGuard<'_, State>> {
        let mut state = self.read(cx, secret)?;
        match state.poll_faults.pop_front() {
            None => Ok(state),
            Some(fault) => Err(met(fault)),
        }
    }
}

impl State {
    fn tell(&self, cx: &Cx<'_>) {
        if let Some(usage) = self.usage {
            cx.ear.hear(usage);
        }
    }

    /// Keeps a post; hidden until [`Self::show`].
    fn store(&mut self, post: Outgoing<'_>, received: Vec<BlobHash>, at: Timestamp) -> String {
        let number = self.posts.keys().next_back().map_or(9_007_199_254_740_993, |last| last + 1);
        let stored = Stored {
            remote_id: number.to_string(),
            marker: post.marker.to_owned(),
            content: post.content.clone(),
            received,
            public: false,
            deleted: false,
            at,
        };
        self.posts.insert(number, stored);
        number.to_string()
    }

    fn by_id(&mut self, remote_id: &str) -> Option<&mut Stored> {
        self.posts.get_mut(&remote_id.parse().ok()?)
    }

    /// Takes a public request that shows its post later.
    fn accept(&mut self, remote_id: &str, shows_at: Timestamp) {
        if let Some(marker) = self.by_id(remote_id).map(|post| post.marker.clone()) {
            *self.creates.entry(marker).or_default() += 1;
        }
        self.shows_at.extend(remote_id.parse::<u64>().map(|number| (number, shows_at)));
    }

    /// Shows what was accepted and is due.
    fn settle(&mut self, now: Timestamp) {
        for (number, post) in &mut self.posts {
            post.public |= self.shows_at.get(number).is_some_and(|at| now >= *at);
        }
    }

    /// Makes a post public; a second time changes nothing.
    fn show(&mut self, remote_id: &str) -> Result<Receipt> {
        let Some(post) = self.by_id(remote_id) else {
            let gone = "the draft is gone, start again";
            let again = RetryAdvice::Later { wait: Duration::ZERO, scope: Scope::Post };
            return Err(Error::new(ErrorKind::Protocol, again, gone));
        };
        let fresh = !post.public;
        post.public = true;
        let (receipt, marker) = (receipt(post), post.marker.clone());
        if fresh {
            *self.creates.entry(marker).or_default() += 1;
        }
        Ok(receipt)
    }
}

/// The adapter of the memory platform.
#[derive(Debug, Clone)]
pub struct MemoryChannel {
    capability: Capability,
    options: Options,
    platform: MemoryPlatform,
}

impl MemoryChannel {
    /// An adapter over this platform. A second one over the same platform is the adapter after a restart.
    pub fn over(platform: MemoryPlatform, options: Options) -> Self {
        let mut capability = Capability::from_toml(include_str!("memory.toml"))
            .expect("the file beside this one is valid, a test reads it");
        capability.read_back = options.read_back;
        capability.draft_then_publish = options.chain != Chain::Public;
        Self { capability, options, platform }
    }

    /// The platform.
    pub fn platform(&self) -> &MemoryPlatform {
        &self.platform
    }

    async fn received(&self, cx: &Cx<'_>, content: &PostContent) -> Result<Vec<BlobHash>> {
        let mut received = Vec::new();
        for media in &content.media {
            received.push(Digest::of(&cx.blobs.read(media.blob).await?));
        }
        Ok(received)
    }

    fn created(
        &self,
        at: Timestamp,
        post: Outgoing<'_>,
        received: Vec<BlobHash>,
        state: &mut State,
    ) -> Result<Progress> {
        let remote_id = state.store(post, received, at);
        let step = match self.options.chain {
            Chain::Public => return Ok(Progress::Live(state.show(&remote_id)?)),
            Chain::HiddenThenPublic => "show",
            Chain::Processed => "poll",
            Chain::Settling { after_s, poll_s } => {
                state.accept(&remote_id, at + i64::from(after_s).seconds());
                let wait = Duration::from_secs(u64::from(poll_s));
                return Ok(again("settle", json!({ "id": remote_id }), wait));
            }
        };
        let data = json!({ "id": remote_id, "polls": 0 });
        Ok(again(step, data, Duration::ZERO))
    }
}

#[async_trait]
impl Channel for MemoryChannel {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    fn effect(&self, _content: &PostContent, at: Option<&Ticket>) -> Effect {
        match (at.map(|ticket| ticket.step.as_str()), self.options.chain) {
            (None, Chain::Public | Chain::Settling { .. }) => Effect::Public,
            (None, _) => Effect::Hidden,
            (Some("poll" | "settle"), _) => Effect::Read,
            (Some(_), _) => Effect::Idempotent,
        }
    }

    async fn advance(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        post: Outgoing<'_>,
        at: Option<Ticket>,
    ) -> Result<Progress> {
        let violations = self.capability.check(post.content);
        if let Some(first) = violations.first() {
            let message =
                format!("{} {}: {} of {}", first.field, first.problem, first.is, first.limit);
            return Err(Error::new(ErrorKind::Content, RetryAdvice::Never, message));
        }
        let Some(Ticket { step, data }) = at else {
            let received = self.received(cx, post.content).await?;
            let (mut state, lost_answer) = self.platform.effect(cx, to.secret)?;
            let made = self.created(cx.clock.now(), post, received, &mut state)?;
            return if lost_answer { Err(lost()) } else { Ok(made) };
        };
        let id = data["id"].as_str().unwrap_or_default();
        if step == "poll" {
            drop(self.platform.poll(cx, to.secret)?);
            let polls = data["polls"].as_u64().unwrap_or_default() + 1;
            let (next, wait) = if polls < 2 { ("poll", 5) } else { ("show", 0) };
            return Ok(again(next, json!({ "id": id, "polls": polls }), Duration::from_secs(wait)));
        }
        if let (Chain::Settling { poll_s, .. }, "settle") = (self.options.chain, step.as_str()) {
            let mut state = self.platform.poll(cx, to.secret)?;
            state.settle(cx.clock.now());
            if let Some(post) = state.by_id(id).filter(|post| post.public) {
                return Ok(Progress::Live(receipt(post)));
            }
            return Ok(again(
                "settle",
                json!({ "id": id }),
                Duration::from_secs(u64::from(poll_s)),
            ));
        }
        let (mut state, lost_answer) = self.platform.effect(cx, to.secret)?;
        let receipt = state.show(id)?;
        if lost_answer { Err(lost()) } else { Ok(Progress::Live(receipt)) }
    }

    async fn find(&self, cx: &Cx<'_>, to: To<'_>, what: Lookup<'_>) -> Result<Vec<Receipt>> {
        if self.options.read_back == ReadBack::None {
            return Err(Error::unsupported("read-back"));
        }
        let mut state = self.platform.read(cx, to.secret)?;
        if state.lag > 0 {
            state.lag -= 1;
            return Ok(Vec::new());
        }
        state.settle(cx.clock.now());
        let since = what.since.saturating_sub(2.minutes()).unwrap_or(what.since);
        let found = state.posts.values();
        let found =
            found.filter(|p| p.marker == what.marker && p.public && !p.deleted && p.at >= since);
        Ok(found.map(receipt).collect())
    }

    async fn amend(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipt: &Receipt,
        post: Outgoing<'_>,
    ) -> Result<()> {
        let (mut state, lost_answer) = self.platform.effect(cx, to.secret)?;
        let found = state.by_id(&receipt.remote_id).filter(|stored| !stored.deleted);
        let Some(stored) = found else {
            return Err(Error::new(ErrorKind::Content, RetryAdvice::Never, "the post is gone"));
        };
        stored.content = post.content.clone();
        if lost_answer { Err(lost()) } else { Ok(()) }
    }

    async fn retract(&self, cx: &Cx<'_>, to: To<'_>, receipt: &Receipt) -> Result<()> {
        let (mut state, lost_answer) = self.platform.effect(cx, to.secret)?;
        if let Some(stored) = state.by_id(&receipt.remote_id) {
            stored.deleted = true;
        }
        if lost_answer { Err(lost()) } else { Ok(()) }
    }

    async fn measure(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipts: &[Receipt],
    ) -> Result<Vec<Measured>> {
        let mut state = self.platform.read(cx, to.secret)?;
        let mut measured = Vec::new();
        for Receipt { remote_id, .. } in receipts {
            let alive = state.by_id(remote_id).is_some_and(|post| post.public && !post.deleted);
            let values =
                state.metrics.get(remote_id).into_iter().flatten().map(|(metric, value)| Value {
                    metric: *metric,
                    source_name: format!("{metric:?}").to_lowercase(),
                    definition: "memory-1".to_owned(),
                    value: *value,
                });
            let values: Vec<_> = values.collect();
            let raw = json!(values);
            measured.push(Measured {
                remote_id: remote_id.clone(),
                alive: Some(alive),
                values,
                raw,
            });
        }
        Ok(measured)
    }

    async fn audience(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Audience> {
        drop(self.platform.read(cx, to.secret)?);
        Ok(Audience { count: Some(1000) })
    }

    async fn health(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Health> {
        drop(self.platform.read(cx, to.secret)?);
        Ok(Health { title: to.account.title.clone(), remote_id: to.account.remote_id.clone() })
    }

    fn ages(&self, _to: To<'_>, _now: Timestamp) -> bool {
        false
    }

    async fn refresh(&self, _cx: &Cx<'_>, _to: To<'_>) -> Result<Option<Secret>> {
        Ok(None)
    }

    fn inbound(
        &self,
        to: To<'_>,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Vec<InboundEvent>> {
        let given = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-signature"));
        let right = signature(to.secret.get(TOKEN).unwrap_or_default(), body);
        if given.is_none_or(|(_, value)| value != &right) {
            let message = "the signature does not match";
            return Err(Error::new(ErrorKind::Forged, RetryAdvice::Never, message));
        }
        let raw: serde_json::Value = serde_json::from_slice(body).map_err(|error| {
            Error::new(ErrorKind::Protocol, RetryAdvice::Never, error.to_string())
        })?;
        Ok(vec![match raw["posted"].as_str() {
            Some(id) => InboundEvent::Posted { remote_id: id.to_owned(), raw: raw.clone() },
            None => InboundEvent::Other(raw),
        }])
    }
}

/// The signature that the platform puts on a message.
pub fn signature(token: &str, body: &[u8]) -> String {
    loa_model::digest::DigestBuilder::new("memory/message")
        .field("token", token)
        .field("body", body)
        .finish()
        .to_string()
}

fn again(step: &str, data: serde_json::Value, wait: Duration) -> Progress {
    Progress::Again { ticket: Ticket { step: step.to_owned(), data }, wait }
}

fn receipt(post: &Stored) -> Receipt {
    Receipt {
        remote_id: post.remote_id.clone(),
        url: format!("memory:/posts/{}", post.remote_id),
        raw: json!({ "id": post.remote_id }),
        at: post.at,
    }
}

fn check_token(state: &State, secret: &Secret) -> Result<()> {
    if secret.get(TOKEN) == Some(state.token.as_str()) { Ok(()) } else { Err(expired()) }
}

/// The error of a request that was not done, or whose answer is lost.
fn met(fault: Fault) -> Error {
    match fault {
        Fault::DropAfterCommit | Fault::DropBeforeCommit => lost(),
        Fault::Throttle { wait, scope } => {
            let again = RetryAdvice::Later { wait, scope };
            Error::new(ErrorKind::Throttled, again, "too many requests").code("memory/429")
        }
        Fault::Refuse => {
            let refused =
                Error::new(ErrorKind::Content, RetryAdvice::Never, "the content is refused");
            refused.code(REFUSED)
        }
        Fault::ExpireToken => expired(),
        Fault::Unreachable => {
            let again = RetryAdvice::Later { wait: Duration::from_secs(30), scope: Scope::Account };
            Error::new(ErrorKind::Unavailable, again, "cannot connect")
        }
    }
}

fn expired() -> Error {
    let message = "the token is no longer valid, connect the account again";
    Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message).code("memory/401")
}

fn lost() -> Error {
    let message = "the connection was cut after the request was sent";
    Error::new(ErrorKind::Unavailable, RetryAdvice::Verify, message)
}
