//! The platform: what it accepted, what the audience sees, and its tokens. It knows nothing of the program under test.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use loa_channel::{Error, ErrorKind, Result, RetryAdvice, Scope};
use loa_model::{AccountName, BlobHash, DeliveryId, Digest, PostContent, Receipt, Secret};

use crate::{dice::Dice, witness::Witness};

/// Names of the two tokens in a secret.
const ACCESS: &str = "access";
const REFRESH: &str = "refresh";
/// A token is renewed when it is older.
const TOKEN_AGES: SignedDuration = SignedDuration::from_hours(2);

/// How a post of this request becomes public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// At once.
    Public,
    /// By itself, so much later.
    Settling(SignedDuration),
    /// By another request, and not before its processing is over.
    Draft(SignedDuration),
}

/// What a poll says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Status {
    /// Still working on it.
    Processing,
    /// A draft that may be shown.
    Ready,
    /// The audience sees it.
    Public(Receipt),
}

/// A post as the platform keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) id: u64,
    /// The delivery it is of, for the judge.
    pub(crate) of: DeliveryId,
    pub(crate) account: AccountName,
    pub(crate) marker: String,
    pub(crate) content: PostContent,
    pub(crate) accepted_at: Timestamp,
    pub(crate) ready_at: Timestamp,
    /// Seen by the audience from here on.
    pub(crate) public_at: Option<Timestamp>,
    /// Listed so much later.
    pub(crate) lag: SignedDuration,
    pub(crate) deleted: bool,
    /// Its content was refused while it was processed.
    pub(crate) refused: bool,
}

impl Post {
    /// Whether the audience has seen it by now.
    pub(crate) fn was_seen(&self, now: Timestamp) -> bool {
        !self.refused && self.public_at.is_some_and(|at| at <= now)
    }

    /// Whether the audience sees it now.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.was_seen(now) && !self.deleted
    }

    fn receipt(&self) -> Receipt {
        Receipt {
            remote_id: self.id.to_string(),
            url: format!("https://nen-tang.example/{}", self.id),
            raw: serde_json::json!({ "id": self.id.to_string() }),
            at: self.public_at.unwrap_or(self.accepted_at),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Tokens {
    number: u64,
    /// The present access token was declared void.
    void: bool,
    since: Timestamp,
}

#[derive(Default)]
struct State {
    posts: Vec<Post>,
    tokens: BTreeMap<AccountName, Tokens>,
    /// Requests that make a post and have not arrived, by marker.
    under_way: BTreeMap<String, u32>,
    /// Second posts that a person chose, by marker.
    chosen: BTreeMap<String, u32>,
}

/// The platform.
pub(crate) struct Platform {
    state: Mutex<State>,
    witness: Arc<Witness>,
    dice: Dice,
    /// Longest time until a public post is listed, in seconds.
    lag_s: u64,
    /// Percent of posts refused while they are processed.
    refuse: u64,
}

impl Platform {
    pub(crate) fn new(seed: u64, witness: &Arc<Witness>, lag_s: u64, refuse: u64) -> Arc<Self> {
        let (state, dice) = (Mutex::default(), Dice::new(seed, "platform"));
        Arc::new(Self { state, witness: witness.clone(), dice, lag_s, refuse })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects an account: fresh credentials, all older ones are void.
    pub(crate) fn connect(&self, account: &AccountName, now: Timestamp) -> Secret {
        let mut state = self.state();
        let number = state.tokens.get(account).map_or(0, |tokens| tokens.number) + 1;
        state.tokens.insert(account.clone(), Tokens { number, void: false, since: now });
        secret(number)
    }

    /// The access token is void from now on.
    pub(crate) fn expire(&self, account: &AccountName) {
        if let Some(tokens) = self.state().tokens.get_mut(account) {
            tokens.void = true;
        }
    }

    /// New tokens for a refresh token that works once; nothing when the present ones are young.
    pub(crate) fn refresh(
        &self,
        account: &AccountName,
        old: &Secret,
        now: Timestamp,
    ) -> Result<Option<Secret>> {
        let mut state = self.state();
        let Some(tokens) = state.tokens.get_mut(account) else { return Err(expired()) };
        if old.get(REFRESH) != Some(format!("r{}", tokens.number).as_str()) {
            let message = "the refresh token was used before";
            return Err(Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message));
        }
        if !tokens.void && now.duration_since(tokens.since) < TOKEN_AGES {
            return Ok(None);
        }
        *tokens = Tokens { number: tokens.number + 1, void: false, since: now };
        Ok(Some(secret(tokens.number)))
    }

    fn state_for(&self, account: &AccountName, with: &Secret) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        let good = state.tokens.get(account).is_some_and(|tokens| {
            !tokens.void && with.get(ACCESS) == Some(format!("a{}", tokens.number).as_str())
        });
        if good { Ok(state) } else { Err(expired()) }
    }

    /// A request that makes a post has left.
    pub(crate) fn departs(&self, marker: &str) {
        *self.state().under_way.entry(marker.to_owned()).or_default() += 1;
    }

    /// It has arrived, or got lost.
    pub(crate) fn is_over(&self, marker: &str) {
        if let Some(count) = self.state().under_way.get_mut(marker) {
            *count -= 1;
        }
    }

    /// Whether a post with this marker may still appear by itself.
    pub(crate) fn may_appear(&self, marker: &str, now: Timestamp) -> bool {
        let state = self.state();
        let coming = |post: &&Post| {
            post.marker == marker && !post.refused && post.public_at.is_some_and(|at| at > now)
        };
        state.under_way.get(marker).is_some_and(|count| *count > 0)
            || state.posts.iter().any(|post| coming(&post))
    }

    /// A person said that it is not there although it may still appear: one more post was chosen.
    pub(crate) fn chose_another(&self, marker: &str) {
        *self.state().chosen.entry(marker.to_owned()).or_default() += 1;
    }

    /// How many posts with this marker there may be.
    pub(crate) fn allowed(&self, marker: &str) -> usize {
        1 + self.state().chosen.get(marker).map_or(0, |count| *count as usize)
    }

    /// Takes a post.
    pub(crate) fn create(
        &self,
        account: &AccountName,
        with: &Secret,
        (of, marker, content, files): (DeliveryId, &str, PostContent, &[Vec<u8>]),
        manner: Manner,
        now: Timestamp,
    ) -> Result<u64> {
        let mut state = self.state_for(account, with)?;
        let received: Vec<BlobHash> = files.iter().map(|bytes| Digest::of(bytes)).collect();
        let named: Vec<BlobHash> = content.media.iter().map(|media| media.blob).collect();
        self.witness.check(received == named, "I3 bytes received are those approved", || {
            format!("{marker} on {account}")
        });
        let id = 9_007_199_254_740_993 + state.posts.len() as u64;
        let lag = i64::try_from(self.dice.below(self.lag_s + 1)).expect("seconds");
        let refused = manner != Manner::Public && self.dice.chance(self.refuse);
        let (ready_at, public_at) = match manner {
            Manner::Public => (now, Some(now)),
            Manner::Settling(after) => (now + after, (!refused).then_some(now + after)),
            Manner::Draft(after) => (now + after, None),
        };
        state.posts.push(Post {
            id,
            of,
            account: account.clone(),
            marker: marker.to_owned(),
            content,
            accepted_at: now,
            ready_at,
            public_at,
            lag: SignedDuration::from_secs(lag),
            deleted: false,
            refused,
        });
        drop(state);
        self.count_seen(marker);
        Ok(id)
    }

    /// Shows a draft. A second time changes nothing.
    pub(crate) fn show(
        &self,
        account: &AccountName,
        with: &Secret,
        id: u64,
        now: Timestamp,
    ) -> Result<Receipt> {
        let mut state = self.state_for(account, with)?;
        let post = known(&mut state, id)?;
        if post.refused || now < post.ready_at {
            let message = "the draft cannot be shown";
            return Err(Error::new(ErrorKind::Content, RetryAdvice::Never, message).code("17"));
        }
        post.public_at.get_or_insert(now);
        let (receipt, marker) = (post.receipt(), post.marker.clone());
        drop(state);
        self.count_seen(&marker);
        Ok(receipt)
    }

    /// Where a post stands.
    pub(crate) fn status(
        &self,
        account: &AccountName,
        with: &Secret,
        id: u64,
        now: Timestamp,
    ) -> Result<Status> {
        let mut state = self.state_for(account, with)?;
        let post = known(&mut state, id)?;
        if now < post.ready_at {
            return Ok(Status::Processing);
        }
        if post.refused {
            let message = "the content is refused";
            return Err(Error::new(ErrorKind::Content, RetryAdvice::Never, message).code("17"));
        }
        Ok(if post.is_live(now) { Status::Public(post.receipt()) } else { Status::Ready })
    }

    /// Live posts with this marker, as they were listed at `as_of`.
    pub(crate) fn find(
        &self,
        account: &AccountName,
        with: &Secret,
        (marker, since): (&str, Timestamp),
        as_of: Timestamp,
    ) -> Result<Vec<Receipt>> {
        let state = self.state_for(account, with)?;
        let since = since - 2.minutes();
        let listed = |post: &&Post| {
            post.account == *account
                && post.marker == marker
                && post.accepted_at >= since
                && post.is_live(as_of)
                && post.public_at.is_some_and(|at| at + post.lag <= as_of)
        };
        Ok(state.posts.iter().filter(listed).map(Post::receipt).collect())
    }

    /// Changes a post.
    pub(crate) fn amend(
        &self,
        account: &AccountName,
        with: &Secret,
        id: u64,
        content: PostContent,
    ) -> Result<()> {
        let mut state = self.state_for(account, with)?;
        let post = known(&mut state, id)?;
        if post.deleted {
            return Err(Error::new(ErrorKind::Content, RetryAdvice::Never, "the post is gone"));
        }
        post.content = content;
        Ok(())
    }

    /// Takes a post back; gone already is as good.
    pub(crate) fn delete(&self, account: &AccountName, with: &Secret, id: u64) -> Result<()> {
        let mut state = self.state_for(account, with)?;
        known(&mut state, id)?.deleted = true;
        Ok(())
    }

    /// A person removes every live post with this marker by hand, but for `keep`.
    pub(crate) fn remove_by_hand(&self, marker: &str, keep: Option<&str>, now: Timestamp) {
        for post in &mut self.state().posts {
            if post.marker == marker
                && post.is_live(now)
                && keep != Some(post.id.to_string().as_str())
            {
                post.deleted = true;
            }
        }
    }

    /// Posts with this marker that the audience sees.
    pub(crate) fn live(&self, account: &AccountName, marker: &str, now: Timestamp) -> Vec<Post> {
        let ours = |post: &&Post| post.account == *account && post.marker == marker;
        self.state().posts.iter().filter(ours).filter(|post| post.is_live(now)).cloned().collect()
    }

    /// Every post.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.state().posts.clone()
    }

    fn count_seen(&self, marker: &str) {
        let made =
            |post: &&Post| post.marker == marker && !post.refused && post.public_at.is_some();
        let count = self.state().posts.iter().filter(made).count();
        let allowed = self.allowed(marker);
        if count > 1 && count <= allowed {
            self.witness.count("posts twice by a person's choice");
        }
        self.witness.check(count <= allowed, "I1 at most one post of each", || {
            format!("{count} posts of {marker}")
        });
    }
}

fn known(state: &mut State, id: u64) -> Result<&mut Post> {
    state.posts.iter_mut().find(|post| post.id == id).ok_or_else(|| {
        let again = RetryAdvice::Later { wait: std::time::Duration::ZERO, scope: Scope::Post };
        Error::new(ErrorKind::Protocol, again, "there is no such post")
    })
}

fn secret(number: u64) -> Secret {
    Secret::new([
        (ACCESS.to_owned(), format!("a{number}")),
        (REFRESH.to_owned(), format!("r{number}")),
    ])
}

fn expired() -> Error {
    Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, "the token is no longer valid")
}
