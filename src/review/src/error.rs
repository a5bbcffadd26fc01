//! Why a move of a post was refused.

use loa_model::{Digest, Role, Violation};

use crate::{BadTime, Locked};

/// Result of this crate.
pub type Result<T, E = ReviewError> = std::result::Result<T, E>;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// No such record in this agency.
    #[error("no {what} {id} in this agency")]
    NotFound {
        /// Kind of record.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The person lacks the role.
    #[error("this needs the role {needs:?}")]
    Role {
        /// Role it takes.
        needs: Role,
    },
    /// Whoever wrote a version of it may not approve it: two people see every post.
    #[error("who wrote or changed the post cannot approve it; ask another approver")]
    OwnPost,
    /// Only urgent posts of one's own are signed alone, and only where the agency allows it.
    #[error(
        "nobody signs this alone: it is not an urgent post of yours, or the agency does not allow it"
    )]
    NotAlone,
    /// The post is not in a state for this.
    #[error(transparent)]
    State(#[from] loa_model::IllegalMove),
    /// Only an approved post is approved again.
    #[error("the post is not approved; submit it and have it approved first")]
    NotApproved,
    /// The post is not what the approver saw.
    #[error("the post changed since it was shown; look at it again")]
    Changed {
        /// Digest the approver saw.
        seen: Digest,
        /// Digest it has now.
        now: Digest,
    },
    /// The channel would refuse the post.
    #[error("the channel would refuse the post ({} problems); change it first", .0.len())]
    Violations(Vec<Violation>),
    /// A file of the post comes from a variant that is no longer current.
    #[error("variant {variant} is stale; compose the post again")]
    StaleVariant {
        /// Which.
        variant: String,
    },
    /// The article is not complete.
    #[error("the article is not ready; wait until its photos are here")]
    ArticleNotReady,
    /// The article has another revision, or was withdrawn.
    #[error("the article changed; compose the post from its newest revision")]
    ArticleChanged,
    /// The posting window makes no sense.
    #[error("the posting window is wrong: {0}")]
    Window(&'static str),
    /// A return or a retraction without a reason.
    #[error("give a reason")]
    NoReason,
    /// The post is live or on its way.
    #[error("the post is {state} already; ask for a correction or a retraction")]
    TooLate {
        /// State of its delivery.
        state: &'static str,
    },
    /// Only what the audience sees is corrected.
    #[error("the post is not live; change it instead of correcting it")]
    NotLive,
    /// A correction goes to a live post and never makes one.
    #[error("the post corrects a live one; approve it as a correction")]
    IsCorrection,
    /// It keeps its time.
    #[error("the post keeps its time: {0}")]
    Locked(Locked),
    /// The time is not one for it.
    #[error("the post cannot be moved there: {0}")]
    Time(BadTime),
    /// The short link of a post is fixed.
    #[error("the short link of a post cannot be changed")]
    LinkChanged,
    /// The account belongs to somebody else, or its channel does not take the format.
    #[error("account {account}: {why}")]
    Account {
        /// Which.
        account: String,
        /// Why.
        why: &'static str,
    },
    /// Somebody else was faster.
    #[error("somebody else changed it at the same time; look at it again")]
    Conflict,
    /// The delivery refused the move.
    #[error(transparent)]
    Delivery(#[from] loa_model::delivery::Refused),
    /// The store failed.
    #[error(transparent)]
    Store(loa_store::Error),
}

impl ReviewError {
    /// Key of the locale files: `review_error.<key>`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Role { .. } => "role",
            Self::OwnPost => "own_post",
            Self::NotAlone => "not_alone",
            Self::State(_) => "state",
            Self::NotApproved => "not_approved",
            Self::Changed { .. } => "changed",
            Self::Violations(_) => "violations",
            Self::StaleVariant { .. } => "stale_variant",
            Self::ArticleNotReady => "article_not_ready",
            Self::ArticleChanged => "article_changed",
            Self::Window(_) => "window",
            Self::NoReason => "no_reason",
            Self::TooLate { .. } => "too_late",
            Self::NotLive => "not_live",
            Self::IsCorrection => "is_correction",
            Self::Locked(_) => "locked",
            Self::Time(_) => "time",
            Self::LinkChanged => "link_changed",
            Self::Account { .. } => "account",
            Self::Conflict => "conflict",
            Self::Delivery(_) => "delivery",
            Self::Store(_) => "store",
        }
    }

    /// Every key.
    pub const KEYS: [&'static str; 23] = [
        "not_found",
        "role",
        "own_post",
        "not_alone",
        "state",
        "not_approved",
        "changed",
        "violations",
        "stale_variant",
        "article_not_ready",
        "article_changed",
        "window",
        "no_reason",
        "too_late",
        "not_live",
        "is_correction",
        "locked",
        "time",
        "link_changed",
        "account",
        "conflict",
        "delivery",
        "store",
    ];
}

impl From<loa_store::Error> for ReviewError {
    fn from(error: loa_store::Error) -> Self {
        match error {
            loa_store::Error::Conflict { .. } => Self::Conflict,
            other => Self::Store(other),
        }
    }
}
