//! The posts of an agency in a stretch of time: one look at two indexes, whatever the page that shows them.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use loa_model::{
    AccountName, Actor, ArticleId, Delivery, DeliveryId, DeliveryState, Post, PostFormat, PostId,
    PostState, Priority, Record,
    record::{join, time_key},
};
use loa_store::{Changes, Error as StoreError, Row, Seq, Versioned};
use serde::Deserialize;

use crate::{
    Locked, Result, Review,
    reschedule::{Bounds, Way, room},
};

/// Rows of each index that one look takes in.
const MOST: usize = 5_000;
/// Rows that are written anew in one commit.
const BATCH: usize = 200;
/// Two posts of an account closer than this crowd each other out.
pub(crate) const CLOSE: SignedDuration = SignedDuration::from_mins(10);

/// How a post stands, as a calendar colours it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Being written, or sent back.
    Draft,
    /// Waits for an approver.
    Waiting,
    /// Approved, on its way.
    Scheduled,
    /// Kept back by a person.
    Held,
    /// Live.
    Published,
    /// Refused, given up, or gone from its channel.
    Failed,
    /// It is not known whether it is live.
    Unconfirmed,
    /// Its window passed.
    Missed,
    /// Called off, taken back, or void.
    Over,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 9] = [
        Self::Draft,
        Self::Waiting,
        Self::Scheduled,
        Self::Held,
        Self::Published,
        Self::Failed,
        Self::Unconfirmed,
        Self::Missed,
        Self::Over,
    ];

    /// Its name in addresses and styles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Waiting => "waiting",
            Self::Scheduled => "scheduled",
            Self::Held => "held",
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Unconfirmed => "unconfirmed",
            Self::Missed => "missed",
            Self::Over => "over",
        }
    }

    /// Of a post, and the delivery that counts.
    pub fn of(post: PostState, delivery: Option<DeliveryState>) -> Self {
        use DeliveryState as S;
        match (post, delivery) {
            (PostState::Draft | PostState::Returned, _) => Self::Draft,
            (PostState::InReview, _) => Self::Waiting,
            (PostState::Void, _) => Self::Over,
            (PostState::Approved, None | Some(S::Scheduled | S::Ready | S::Leased | S::Intent)) => {
                Self::Scheduled
            }
            (PostState::Approved, Some(state)) => match state {
                S::Held => Self::Held,
                S::Published | S::Correcting | S::Retracting => Self::Published,
                S::Rejected | S::Dead | S::Gone => Self::Failed,
                S::Uncertain => Self::Unconfirmed,
                S::Missed => Self::Missed,
                _ => Self::Over,
            },
        }
    }
}

/// Why two posts of one account get into each other's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    /// Another goes out within ten minutes.
    Close,
    /// The same article goes out in the same form twice on one day.
    Twice,
}

impl Clash {
    /// Key of the locale files: `clash.<key>`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Twice => "twice",
        }
    }
}

/// A post in a calendar.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Id.
    pub id: PostId,
    /// Version of the post, for [`Review::reschedule`].
    pub version: Seq,
    /// Its article.
    pub article: ArticleId,
    /// Revision of it.
    pub revision: u32,
    /// Account.
    pub account: AccountName,
    /// Format.
    pub format: PostFormat,
    /// Urgency.
    pub priority: Priority,
    /// State of the post.
    pub post: PostState,
    /// State of the delivery that counts, once there is one.
    pub delivery: Option<DeliveryState>,
    /// When it is to go out; when it went out, once it is live.
    pub at: Timestamp,
    /// Whether that time is an instant somebody chose, and not only "as soon as it may go".
    pub fixed: bool,
    /// The bounds that were signed; nothing before approval. Or why it keeps its time.
    pub room: std::result::Result<Option<Bounds>, Locked>,
    /// Why it is where it is, for people; may be empty.
    pub reason: String,
    /// What it gets into the way of.
    pub clashes: Vec<Clash>,
}

impl Entry {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        Standing::of(self.post, self.delivery)
    }
}

/// The posts of a stretch of time, in its order.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    /// The posts.
    pub entries: Vec<Entry>,
    /// Whether there are more than one look takes in.
    pub cut: bool,
}

/// What is read of a post: its words and files stay unread.
#[derive(Deserialize)]
struct PostRow {
    id: PostId,
    agency: String,
    article: ArticleId,
    revision: u32,
    account: AccountName,
    content: Shape,
    state: PostState,
    scheduled_at: Timestamp,
    #[serde(default)]
    timing: loa_model::Timing,
    priority: Priority,
    approval: Option<Signed>,
    reason: String,
}

#[derive(Deserialize)]
struct Shape {
    format: PostFormat,
}

#[derive(Deserialize)]
struct Signed {
    not_before: Timestamp,
    not_after: Timestamp,
}

/// What is read of a delivery.
#[derive(Deserialize)]
struct DeliveryRow {
    id: DeliveryId,
    post: PostId,
    state: DeliveryState,
    due_at: Timestamp,
    not_before: Timestamp,
    not_after: Timestamp,
    sending_since: Option<Timestamp>,
    #[serde(default)]
    public_since: Option<Timestamp>,
    receipt: Option<Proof>,
    reason: String,
}

#[derive(Deserialize)]
struct Proof {
    at: Timestamp,
}

impl From<Delivery> for DeliveryRow {
    fn from(d: Delivery) -> Self {
        Self {
            id: d.id,
            post: d.post,
            state: d.state,
            due_at: d.due_at,
            not_before: d.not_before,
            not_after: d.not_after,
            sending_since: d.sending_since,
            public_since: d.public_since,
            receipt: d.receipt.map(|receipt| Proof { at: receipt.at }),
            reason: d.reason,
        }
    }
}

impl DeliveryRow {
    /// As `Delivery::stands_at`.
    fn stands_at(&self) -> Timestamp {
        match (&self.receipt, self.state) {
            (Some(proof), _) => proof.at,
            (None, DeliveryState::Scheduled) => self.due_at.max(self.not_before),
            (None, _) => self.due_at,
        }
    }

    fn way(&self) -> Way {
        let untouched = self.sending_since.is_none() && self.public_since.is_none();
        Way { state: self.state, untouched, not_after: self.not_after }
    }
}

/// What is read of a stretch of time, before anything is made of it: posts with their version and the delivery that counts.
pub(crate) struct Seen {
    rows: Vec<(PostRow, Seq, Option<DeliveryRow>)>,
    cut: bool,
}

fn read<T: for<'a> Deserialize<'a>>(table: &str, row: &Row) -> Result<T> {
    serde_json::from_slice(&row.value).map_err(|error| {
        let (table, key, why) = (table.to_owned(), row.key.clone(), error.to_string());
        StoreError::Corrupt { table, key, why }.into()
    })
}

impl Calendar {
    /// The first later time at which a post gets into nothing's way, by these entries: the same day in steps of ten minutes,
    /// then the days after it from the same time on. Within what was signed, and before `until`, where the entries end.
    /// Nothing when it is in nothing's way now, keeps its time, or there is no such time.
    pub fn later(&self, post: PostId, zone: &TimeZone, until: Timestamp) -> Option<Timestamp> {
        /// Steps of a day that are tried: six hours.
        const STEPS: i32 = 36;
        let own = self.entries.iter().find(|entry| entry.id == post)?;
        let bounds = own.room.ok()?;
        if own.clashes.is_empty() {
            return None;
        }
        let of_account = self.entries.iter().filter(|entry| entry.account == own.account);
        let near: Vec<Entry> =
            of_account.map(|entry| Entry { clashes: Vec::new(), ..entry.clone() }).collect();
        let clear = |at: Timestamp| {
            let mut moved = near.clone();
            for entry in moved.iter_mut().filter(|entry| entry.id == post) {
                entry.at = at;
            }
            moved.sort_by_key(|entry| (entry.at, entry.id));
            clash(&mut moved, zone);
            moved.iter().any(|entry| entry.id == post && entry.clashes.is_empty())
        };
        let days = (0..3).filter_map(|day| {
            let same_time = own.at.to_zoned(zone.clone()).checked_add(jiff::Span::new().days(day));
            same_time.ok().map(|time| time.timestamp())
        });
        let times = days.flat_map(|start| (0..=STEPS).map(move |n| start + CLOSE * n));
        let signed = |at: &Timestamp| bounds.is_none_or(|(from, to)| (from..=to).contains(at));
        let mut times = times.filter(|at| *at > own.at && *at < until).filter(signed);
        times.find(|at| clear(*at))
    }
}

impl Review {
    /// The posts of an agency whose time lies in `from..to`: what is live by when it went live, the rest by when it is to go
    /// out. `zone` says what a day is.
    ///
    /// # Errors
    /// [`crate::ReviewError::Store`].
    pub async fn calendar(
        &self,
        agency: &str,
        from: Timestamp,
        to: Timestamp,
        zone: &TimeZone,
    ) -> Result<Calendar> {
        let stretch = (agency.to_owned(), from, to);
        let seen = if let Some(seen) = self.looks.known(&*self.store, &stretch).await? {
            seen
        } else {
            // What is committed while this reads may be in it or not: the ledger is followed from before.
            let seq = self.store.last_seq();
            let seen = Arc::new(self.seen(agency, from, to).await?);
            self.looks.keep(&stretch, seq, &seen);
            seen
        };
        let now = self.clock.now();
        let each = |row: &(PostRow, Seq, Option<DeliveryRow>)| entry(row, now);
        let mut entries: Vec<Entry> = seen.rows.iter().map(each).collect();
        entries.sort_by_key(|entry| (entry.at, entry.id));
        clash(&mut entries, zone);
        Ok(Calendar { entries, cut: seen.cut })
    }

    /// When an account has posts that are live or will be, in `from..to`.
    pub(crate) async fn times_of(
        &self,
        agency: &str,
        account: &AccountName,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Timestamp>> {
        let (seen, now) = (self.seen(agency, from, to).await?, self.clock.now());
        let entries = seen.rows.iter().map(|row| entry(row, now));
        let own = entries.filter(|entry| entry.account == *account && counts(entry));
        Ok(own.map(|entry| entry.at).collect())
    }

    async fn seen(&self, agency: &str, from: Timestamp, to: Timestamp) -> Result<Seen> {
        let edge = |at| join(&[agency, &time_key(at), ""]);
        let (from_key, to_key) = (edge(from), edge(to));
        let look =
            async |index: &str| self.store.range(index, &from_key, &to_key, MOST + 1, false).await;
        let (posts, deliveries) = (look("post_by_time").await?, look("delivery_by_time").await?);
        let cut = posts.len().max(deliveries.len()) > MOST;
        let mut found: BTreeMap<PostId, DeliveryRow> = BTreeMap::new();
        for row in deliveries.iter().take(MOST) {
            let mut d: DeliveryRow = read(Delivery::TABLE, row)?;
            // One that is over may have a successor, which counts then.
            if d.state.is_terminal() && !found.contains_key(&d.post) {
                let last = self.delivery_that_counts(d.post).await?;
                match last.filter(|last| last.record.id != d.id) {
                    Some(last) if (from..to).contains(&last.record.stands_at()) => {
                        d = last.record.into();
                    }
                    Some(_) => continue,
                    None => {}
                }
            }
            found.insert(d.post, d);
        }
        let mut rows = Vec::new();
        for row in posts.iter().take(MOST) {
            let post: PostRow = read(Post::TABLE, row)?;
            let mut delivery = found.remove(&post.id);
            if delivery.is_none() && post.state == PostState::Approved {
                let last = self.delivery_that_counts(post.id).await?;
                delivery = last.map(|row| row.record.into());
                // It went out on another day, or will.
                if delivery.as_ref().is_some_and(|d| !(from..to).contains(&d.stands_at())) {
                    continue;
                }
            }
            rows.push((post, row.version, delivery));
        }
        for (id, delivery) in found {
            let Some(row) = self.store.get(Post::TABLE, &id.to_string()).await? else { continue };
            let post: PostRow = read(Post::TABLE, &row)?;
            // A void post stands where it was planned.
            if post.agency == agency && post.state == PostState::Approved {
                rows.push((post, row.version, Some(delivery)));
            }
        }
        Ok(Seen { rows, cut })
    }

    /// Makes posts and deliveries that an earlier release wrote found by their time. Asked at every start, it does nothing
    /// when all of them are; the answer is how many were not.
    ///
    /// # Errors
    /// [`crate::ReviewError::Store`].
    pub async fn index_times(&self) -> Result<usize> {
        let posts = self.index_anew::<Post>("post_by_article", "post_by_time").await?;
        Ok(posts + self.index_anew::<Delivery>("delivery_by_post", "delivery_by_time").await?)
    }

    /// Looks at the oldest row and the newest, not at all of them: a start must not take longer the more there is. The oldest
    /// is written last, so that a start that is killed over it begins anew.
    async fn index_anew<R: Record>(&self, complete: &str, new: &str) -> Result<usize> {
        let first = self.store.scan(R::TABLE, "", 1).await?;
        let last = self.store.range(complete, "", "\u{10ffff}", 1, true).await?;
        let mut whole = true;
        for row in first.iter().chain(&last) {
            whole &= self.is_found::<R>(row, new).await?;
        }
        let Some(oldest) = first.first().filter(|_| !whole) else { return Ok(0) };
        let (mut from, mut written) = (format!("{}\u{0}", oldest.key), 1);
        loop {
            let rows = self.store.scan(R::TABLE, &from, BATCH).await?;
            let Some(last) = rows.last() else { break };
            from = format!("{}\u{0}", last.key);
            written += rows.len();
            self.write_anew::<R>(&rows).await?;
        }
        self.write_anew::<R>(&first).await?;
        Ok(written)
    }

    async fn is_found<R: Record>(&self, row: &Row, index: &str) -> Result<bool> {
        let entries = row.read::<R>()?.record.index();
        let Some(entry) = entries.into_iter().find(|entry| entry.index == index) else {
            return Ok(true);
        };
        let end = format!("{}\u{0}", entry.key);
        Ok(self.store.count(index, &entry.key, &end).await? > 0)
    }

    async fn write_anew<R: Record>(&self, rows: &[Row]) -> Result<()> {
        let mut changes = Changes::by(Actor::Operator("loa".to_owned()), "index by time");
        for row in rows {
            let Versioned { record, version } = row.read::<R>()?;
            changes = changes.update(&record, version);
        }
        self.store.commit(changes).await?;
        Ok(())
    }
}

fn entry((post, version, delivery): &(PostRow, Seq, Option<DeliveryRow>), now: Timestamp) -> Entry {
    let signed = post.approval.as_ref().map(|signed| (signed.not_before, signed.not_after));
    let delivery = delivery.as_ref().filter(|_| post.state == PostState::Approved);
    let room = room(post.state, signed, delivery.map(DeliveryRow::way), now);
    Entry {
        id: post.id,
        version: *version,
        article: post.article,
        revision: post.revision,
        account: post.account.clone(),
        format: post.content.format,
        priority: post.priority,
        post: post.state,
        delivery: delivery.map(|d| d.state),
        at: delivery.map_or(post.scheduled_at, DeliveryRow::stands_at),
        fixed: !post.timing.is_soon(),
        room,
        reason: delivery.map_or_else(|| post.reason.clone(), |d| d.reason.clone()),
        clashes: Vec::new(),
    }
}

/// Whether it is live or will be.
fn counts(entry: &Entry) -> bool {
    !matches!(entry.standing(), Standing::Over | Standing::Failed | Standing::Missed)
}

/// Marks what gets into each other's way: among posts that are live or will be. The forms that an article has on an account
/// by its profile are no repetition of each other.
fn clash(entries: &mut [Entry], zone: &TimeZone) {
    let mut last: BTreeMap<AccountName, usize> = BTreeMap::new();
    let mut same: BTreeMap<_, usize> = BTreeMap::new();
    let mut marks = Vec::new();
    for (n, entry) in entries.iter().enumerate().filter(|(_, entry)| counts(entry)) {
        let open = |n: usize| entries.get(n).is_some_and(|e| e.standing() != Standing::Published);
        let mut mark = |before: usize, clash| {
            // What is live cannot be helped any more.
            marks.extend([before, n].into_iter().filter(|n| open(*n)).map(|n| (n, clash)));
        };
        if let Some(before) = last.insert(entry.account.clone(), n)
            && entries.get(before).is_some_and(|b| entry.at.duration_since(b.at) < CLOSE)
        {
            mark(before, Clash::Close);
        }
        let day = zone.to_datetime(entry.at).date();
        let format = serde_json::to_string(&entry.format).unwrap_or_default();
        if let Some(before) =
            same.insert((entry.account.clone(), entry.article.to_string(), format, day), n)
        {
            mark(before, Clash::Twice);
        }
    }
    for (n, clash) in marks {
        if let Some(entry) = entries.get_mut(n).filter(|entry| !entry.clashes.contains(&clash)) {
            entry.clashes.push(clash);
        }
    }
}
