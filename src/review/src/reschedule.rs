//! A post gets another time: before approval freely, afterwards within the window that was signed, together with its
//! delivery.

use jiff::Timestamp;
use loa_model::{
    Actor, Delivery, DeliveryEvent, DeliveryState, Post, PostId, PostState, Role, User, When,
};
use loa_store::{Changes, Seq, Versioned};

use crate::{
    Result, Review, ReviewError,
    slots::{Place, lost_a_slot},
};

/// Who moves posts: whoever makes or judges what goes out. No signature depends on a time within its window.
pub const MOVERS: &[Role] = &[Role::Author, Role::Editor, Role::Approver];

/// Why a post keeps its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Locked {
    /// A worker has it, or something of it was sent.
    #[error("it is being sent")]
    Sending,
    /// It may be live.
    #[error("it is not known whether it is live")]
    Uncertain,
    /// It is live, or was.
    #[error("it is published")]
    Published,
    /// A person keeps it back.
    #[error("it is kept back: let it go first")]
    Held,
    /// Its delivery is over without being live.
    #[error("its delivery is over: try it again, or have it approved anew")]
    Over,
    /// Its window is over.
    #[error("its approved window is over: have it approved anew")]
    Expired,
    /// It was changed, or its article was.
    #[error("it is void: compose it anew")]
    Void,
    /// It was approved to correct a live post.
    #[error("it was approved to correct a live post and has no time of its own")]
    Correction,
}

impl Locked {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Sending,
        Self::Uncertain,
        Self::Published,
        Self::Held,
        Self::Over,
        Self::Expired,
        Self::Void,
        Self::Correction,
    ];

    /// Key of the locale files: `locked.<key>`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Uncertain => "uncertain",
            Self::Published => "published",
            Self::Held => "held",
            Self::Over => "over",
            Self::Expired => "expired",
            Self::Void => "void",
            Self::Correction => "correction",
        }
    }
}

/// Why a time is not one for the post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTime {
    /// It is over.
    #[error("that time is over")]
    Past,
    /// The article may not go out yet.
    #[error("the article is under embargo until {until}")]
    Embargo {
        /// First instant at which it may.
        until: Timestamp,
    },
    /// Another time than the one that was signed takes another signature.
    #[error("it is approved from {from} to {to}: another time must be approved anew")]
    Outside {
        /// First instant that was signed.
        from: Timestamp,
        /// Last instant that was signed.
        to: Timestamp,
    },
}

impl BadTime {
    /// Key of the locale files: `bad_time.<key>`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Past => "past",
            Self::Embargo { .. } => "embargo",
            Self::Outside { .. } => "outside",
        }
    }
}

/// What decides whether a delivery can be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) state: DeliveryState,
    /// Nothing of it was sent.
    pub(crate) untouched: bool,
    pub(crate) not_after: Timestamp,
}

impl Way {
    fn of(d: &Delivery) -> Self {
        Self { state: d.state, untouched: d.is_untouched(), not_after: d.not_after }
    }
}

/// From when to when.
pub(crate) type Bounds = (Timestamp, Timestamp);

/// The bounds in which a post moves: those that were signed, none before approval. Or why it keeps its time.
pub(crate) fn room(
    state: PostState,
    signed: Option<Bounds>,
    way: Option<Way>,
    now: Timestamp,
) -> Result<Option<Bounds>, Locked> {
    use DeliveryState as S;
    match state {
        PostState::Draft | PostState::InReview | PostState::Returned => return Ok(None),
        PostState::Void => return Err(Locked::Void),
        PostState::Approved => {}
    }
    let (Some((from, to)), Some(way)) = (signed, way) else { return Err(Locked::Correction) };
    match way.state {
        S::Scheduled | S::Ready if !way.untouched => Err(Locked::Sending),
        S::Scheduled | S::Ready if now > to.min(way.not_after) => Err(Locked::Expired),
        S::Scheduled | S::Ready => Ok(Some((from, to.min(way.not_after)))),
        S::Leased | S::Intent => Err(Locked::Sending),
        S::Uncertain => Err(Locked::Uncertain),
        S::Published | S::Correcting | S::Retracting | S::Retracted | S::Gone => {
            Err(Locked::Published)
        }
        S::Held => Err(Locked::Held),
        S::Rejected | S::Dead | S::Cancelled | S::Missed => Err(Locked::Over),
    }
}

/// A move before it is committed.
struct Move {
    post: Post,
    version: Seq,
    /// The delivery after it, and the version it had.
    delivery: Option<(Delivery, Seq)>,
    place: Place,
}

impl Review {
    /// Gives a post another time: at an instant, as soon as it may go, or the next free slot of its account. Content and
    /// digest stay as they are. An approved post moves together with its delivery, within the window that was signed; a
    /// worker that takes it meanwhile makes this a conflict. `seen` is the version the person looked at, when that is known.
    ///
    /// # Errors
    /// [`ReviewError::Role`], [`ReviewError::Locked`] when it keeps its time, [`ReviewError::Time`] when the time is not one
    /// for it, [`ReviewError::Account`] without a free slot, [`ReviewError::Conflict`].
    pub async fn reschedule(
        &self,
        by: &User,
        post: PostId,
        when: When,
        agency_zone: &str,
        seen: Option<Seq>,
    ) -> Result<Post> {
        let mut tries = 0;
        loop {
            let Move { post, version, delivery, place } =
                self.planned_move(by, post, when, agency_zone, seen).await?;
            let mut changes =
                Changes::by(Actor::User(by.id), "reschedule post").update(&post, version);
            if let Some((d, version)) = &delivery {
                changes = changes.update(d, *version);
            }
            match self.store.commit(place.take(changes)).await {
                Ok(_) => return Ok(post),
                // There is another slot; the bound keeps a broken store from being asked for ever.
                Err(error) if lost_a_slot(&error) && tries < 100 => tries += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// When a post would go out after [`Review::reschedule`]; nothing is written.
    ///
    /// # Errors
    /// Those of [`Review::reschedule`].
    pub async fn would_reschedule(
        &self,
        by: &User,
        post: PostId,
        when: When,
        agency_zone: &str,
    ) -> Result<Timestamp> {
        let planned = self.planned_move(by, post, when, agency_zone, None).await?;
        Ok(planned.place.at)
    }

    async fn planned_move(
        &self,
        by: &User,
        id: PostId,
        when: When,
        agency_zone: &str,
        seen: Option<Seq>,
    ) -> Result<Move> {
        let Versioned { record: mut post, version } = self.post(by, id).await?;
        if !by.is_any(MOVERS) {
            return Err(ReviewError::Role { needs: Role::Editor });
        }
        if seen.is_some_and(|seen| seen != version) {
            return Err(ReviewError::Conflict);
        }
        let now = self.clock.now();
        let delivery = self.delivery_that_counts(id).await?;
        let signed = post.approval.as_ref().map(|a| (a.not_before, a.not_after));
        let way = delivery.as_ref().map(|d| Way::of(&d.record));
        let room = room(post.state, signed, way, now).map_err(ReviewError::Locked)?;
        let embargo = self.article(&post).await?.record.embargo_until;
        let earliest = now.max(embargo.unwrap_or(now)).max(room.map_or(now, |(from, _)| from));
        let place = match when {
            When::At { at, .. } => {
                check(at, now, embargo, room)?;
                self.place_at(&post, at, when, agency_zone).await?
            }
            _ => self.place(&post, when, agency_zone, Some(earliest), &[]).await?,
        };
        check(place.at, now, embargo, room)?;
        place.put(&mut post);
        let delivery = match delivery {
            Some(d) if room.is_some() => {
                let event = DeliveryEvent::Reschedule { at: place.at };
                Some((d.record.apply(event, now)?, d.version))
            }
            _ => None,
        };
        Ok(Move { post, version, delivery, place })
    }

    /// The delivery that people mean: the open or live one, else the newest.
    pub(crate) async fn delivery_that_counts(
        &self,
        post: PostId,
    ) -> Result<Option<Versioned<Delivery>>> {
        let all = self.deliveries_of(post).await?;
        Ok(all.into_iter().max_by_key(|kept| {
            (!kept.record.state.is_terminal(), kept.record.created_at, kept.record.id)
        }))
    }
}

fn check(
    at: Timestamp,
    now: Timestamp,
    embargo: Option<Timestamp>,
    room: Option<Bounds>,
) -> Result<()> {
    if at < now {
        return Err(ReviewError::Time(BadTime::Past));
    }
    if let Some(until) = embargo.filter(|until| at < *until) {
        return Err(ReviewError::Time(BadTime::Embargo { until }));
    }
    match room {
        Some((from, to)) if at < from || at > to => {
            Err(ReviewError::Time(BadTime::Outside { from, to }))
        }
        _ => Ok(()),
    }
}
