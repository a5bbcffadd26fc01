//! Work in the queue. A [`Delivery`](crate::Delivery) is not a job: posting is owned by the account's lease.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    IllegalMove,
    digest::BlobHash,
    ids::{ArticleId, FeedId, JobId, PostId, VariantId},
    record::Record,
    schedule::When,
};

/// What this many workers died with, one after the other, is poison: it is not given to another one until a person decides.
pub const MOST_LOST: u32 = 3;

/// Urgency; the order of the variants is the order of service.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// An emergency bulletin; also a picture or clip that a person has made anew and waits for.
    Urgent,
    /// The day's work.
    #[default]
    Normal,
    /// Whenever there is room.
    Backfill,
}

impl Priority {
    /// Every urgency, in the order of service.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Normal, Self::Backfill];

    /// The name in records, in forms and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
            Self::Backfill => "backfill",
        }
    }

    /// The urgency of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.name() == name)
    }

    /// Backfill that waited this long is served like the day's work.
    pub const AGES: SignedDuration = SignedDuration::from_hours(1);

    /// What it counts as after waiting: newer work does not keep old backfill back for ever, and nothing becomes urgent by
    /// waiting.
    ///
    /// ```
    /// use jiff::SignedDuration;
    /// use loa_model::Priority;
    ///
    /// let minutes = SignedDuration::from_mins;
    /// assert_eq!(Priority::Backfill.after(minutes(59)), Priority::Backfill);
    /// assert_eq!(Priority::Backfill.after(minutes(60)), Priority::Normal);
    /// assert_eq!(Priority::Normal.after(minutes(6000)), Priority::Normal);
    /// ```
    #[must_use]
    pub fn after(self, waited: SignedDuration) -> Self {
        if self == Self::Backfill && waited >= Self::AGES { Self::Normal } else { self }
    }
}

/// A file that somebody handed in, as the source of an article: its bytes are in the blob store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// Its bytes.
    pub blob: BlobHash,
    /// Its name, one line.
    pub name: String,
    /// Where the article was published, for a file that does not say it.
    pub page: Option<String>,
}

impl Handed {
    const SCHEME: &str = "loa-file:";

    /// As the source of a job; `None` for an address or a path.
    ///
    /// ```
    /// use loa_model::{BlobHash, Handed};
    ///
    /// let page = Some("https://tinh.example/bai-1".to_owned());
    /// let handed = Handed { blob: BlobHash::of(b"x"), name: "bài 1.html".to_owned(), page };
    /// assert_eq!(Handed::parse(&handed.to_string()), Some(handed));
    /// assert_eq!(Handed::parse("https://tinh.example/bai-1"), None);
    /// ```
    pub fn parse(source: &str) -> Option<Self> {
        let mut parts = source.strip_prefix(Self::SCHEME)?.splitn(3, '\n');
        let blob = parts.next()?.parse().ok()?;
        let name = parts.next()?.to_owned();
        Some(Self { blob, name, page: parts.next().map(str::to_owned) })
    }
}

impl std::fmt::Display for Handed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}\n{}", Self::SCHEME, self.blob, self.name.replace('\n', " "))?;
        self.page.iter().try_for_each(|page| write!(f, "\n{page}"))
    }
}

/// Everything that can start work, in one list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum JobKind {
    /// Read a source into an article, then brief it.
    Ingest {
        /// URL or path.
        source: String,
        /// Agency.
        agency: String,
    },
    /// Extract what matters from a revision and queue its default variants.
    Brief {
        /// Article.
        article: ArticleId,
        /// Revision.
        revision: u32,
    },
    /// Draw the pictures of one variant: seconds.
    Draw {
        /// Variant.
        variant: VariantId,
    },
    /// Make one variant that is a film or sound: minutes. Ledgers of earlier releases name pictures so too.
    Render {
        /// Variant.
        variant: VariantId,
    },
    /// Compose the default posts of an article for these accounts.
    Compose {
        /// Article.
        article: ArticleId,
        /// Revision.
        revision: u32,
        /// Accounts by name.
        accounts: Vec<crate::AccountName>,
        /// Author of the posts.
        author: crate::UserId,
        /// When to post.
        #[serde(default)]
        when: When,
        /// Words that a person wrote for these posts, in place of those that are taken from the brief.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// Read a source into an article, then compose its posts: for whoever wants posts of an article that is not here yet.
    Prepare {
        /// URL or path.
        source: String,
        /// Agency.
        agency: String,
        /// Accounts by name.
        accounts: Vec<crate::AccountName>,
        /// Author of the posts.
        author: crate::UserId,
        /// When to post.
        #[serde(default)]
        when: When,
        /// Words that a person wrote for these posts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// Look at a feed for new entries, and plan the next look.
    Watch {
        /// Feed.
        feed: FeedId,
        /// Number of the look: only the one that the feed waits for is made.
        look: u32,
    },
    /// Ask a channel how a live post does.
    Measure {
        /// Post.
        post: PostId,
        /// Sample number in the plan: 0 is 15 minutes after posting.
        step: u32,
    },
}

impl JobKind {
    /// The lane it runs in.
    pub fn lane(&self) -> Lane {
        match self {
            Self::Ingest { .. }
            | Self::Brief { .. }
            | Self::Compose { .. }
            | Self::Prepare { .. } => Lane::Desk,
            Self::Draw { .. } => Lane::Draw,
            Self::Render { .. } => Lane::Render,
            Self::Measure { .. } | Self::Watch { .. } => Lane::Measure,
        }
    }

    /// Tries of such a job: drawing is the same each time, so fewer tell as much.
    pub fn tries(&self) -> u32 {
        if self.variant().is_some() { 3 } else { 5 }
    }

    /// The variant that it makes.
    pub fn variant(&self) -> Option<VariantId> {
        match self {
            Self::Draw { variant } | Self::Render { variant } => Some(*variant),
            _ => None,
        }
    }

    /// Name of the kind, the same as its serde tag.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ingest { .. } => "ingest",
            Self::Brief { .. } => "brief",
            Self::Draw { .. } => "draw",
            Self::Render { .. } => "render",
            Self::Compose { .. } => "compose",
            Self::Prepare { .. } => "prepare",
            Self::Measure { .. } => "measure",
            Self::Watch { .. } => "watch",
        }
    }
}

/// Jobs of one lane wait for each other and for no other: a clip that takes minutes, or a platform that tells its numbers
/// slowly, never keeps an article waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Short work that somebody waits for.
    Desk,
    /// Pictures, which take seconds: none waits for a clip.
    Draw,
    /// Filming and encoding: takes minutes, and uses every core it gets.
    Render,
    /// Questions to platforms and portals that nobody waits for.
    Measure,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 4] = [Self::Desk, Self::Draw, Self::Render, Self::Measure];

    /// Names of the kinds of job that run in it.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Desk => &["ingest", "brief", "compose", "prepare"],
            Self::Draw => &["draw"],
            Self::Render => &["render"],
            Self::Measure => &["measure", "watch"],
        }
    }
}

/// State of a job, Oban's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its time.
    Scheduled,
    /// May be taken.
    Available,
    /// A worker has it under a lease.
    Executing,
    /// Failed, waits for another try.
    Retryable,
    /// Done.
    Completed,
    /// Given up after the last try.
    Discarded,
    /// Called off by a person.
    Cancelled,
}

/// What can happen to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobEvent {
    /// Its time has come.
    Due,
    /// A worker took it.
    Claim,
    /// Done.
    Complete,
    /// Failed; another try is left.
    Fail,
    /// Failed for the last time.
    Exhaust,
    /// Not now; costs no attempt.
    Snooze,
    /// The lease ran out.
    LeaseLost,
    /// A person called it off.
    Cancel,
    /// A person wants it tried again.
    Retry,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Scheduled,
        Self::Available,
        Self::Executing,
        Self::Retryable,
        Self::Completed,
        Self::Discarded,
        Self::Cancelled,
    ];

    /// Whether a job in this state runs no more unless a person asks for it.
    pub const fn ended(self) -> bool {
        matches!(self, Self::Completed | Self::Discarded | Self::Cancelled)
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalMove`] when the table does not list the move.
    pub fn next(self, event: JobEvent) -> Result<Self, IllegalMove> {
        use {JobEvent as E, JobState as S};
        match (self, event) {
            (S::Scheduled | S::Retryable, E::Due)
            | (S::Executing, E::LeaseLost)
            | (S::Discarded | S::Cancelled, E::Retry) => Ok(S::Available),
            (S::Available, E::Claim) => Ok(S::Executing),
            (S::Executing, E::Complete) => Ok(S::Completed),
            (S::Executing, E::Fail) => Ok(S::Retryable),
            (S::Executing, E::Exhaust) => Ok(S::Discarded),
            (S::Executing, E::Snooze) => Ok(S::Scheduled),
            (
                S::Scheduled | S::Available | S::Executing | S::Retryable | S::Discarded,
                E::Cancel,
            ) => Ok(S::Cancelled),
            _ => Err(IllegalMove {
                what: "job",
                state: format!("{self:?}"),
                event: format!("{event:?}"),
            }),
        }
    }
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Id.
    pub id: JobId,
    /// Agency (tenant).
    pub agency: String,
    /// The work.
    pub work: JobKind,
    /// Urgency; the jobs that it queues on the way to a post inherit it.
    pub priority: Priority,
    /// Not before.
    pub run_at: Timestamp,
    /// Tries allowed.
    pub max_attempts: u32,
}

impl Job {
    /// A job of the day's work.
    pub fn new(id: JobId, agency: &str, work: JobKind, run_at: Timestamp) -> Self {
        Self {
            id,
            agency: agency.to_owned(),
            max_attempts: work.tries(),
            work,
            priority: Priority::Normal,
            run_at,
        }
    }
}

impl Record for Job {
    const TABLE: &'static str = "job";
    fn key(&self) -> String {
        self.id.to_string()
    }
}

/// Wait before try `attempt` (1 is the first retry): doubles from 5 s to 30 min, full jitter by `random` in 0..=1.
pub fn backoff(attempt: u32, random: f64) -> Duration {
    let cap =
        5.0_f64 * 2.0_f64.powi(i32::try_from(attempt.saturating_sub(1).min(20)).unwrap_or(20));
    let cap = cap.min(1800.0);
    Duration::from_secs_f64((cap * random.clamp(0.0, 1.0)).max(1.0))
}
