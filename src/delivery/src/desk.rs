//! What people do to deliveries, accounts and the whole machine. Every act names who did it and goes to the audit log.

use std::sync::Arc;

use jiff::Timestamp;
use loa_model::{
    Actor, Delivery, DeliveryEvent as Event, DeliveryId, DeliveryState as State, Entropy, Ids,
    Membership, Post, PostId, PostState, Role, User, UserId,
    delivery::{EventKind, Refused},
    record::join,
    seams::SharedClock,
};
use loa_store::{Changes, Error as StoreError, Expect, Store, StoreExt as _, Versioned};

use crate::{Channels, Config, Correction, SetAside, moves::Mover};

/// Why an act of a person was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeskError {
    /// There is no such record, or it is another agency's.
    #[error("{0} does not exist")]
    Unknown(String),
    /// The person may not do it.
    #[error("this needs the role {needs:?}")]
    Role {
        /// Role it takes; for stopping and starting, an admin's will do as well.
        needs: Role,
    },
    /// It takes a reason, which is kept with who and when.
    #[error("give a reason")]
    NoReason,
    /// The delivery is in a state that does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Something else forbids it; says what to do.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// Somebody else changed it at the same moment: look again, then decide.
    #[error("somebody else changed it at the same moment: look again, then decide")]
    Conflict,
    /// The store refused.
    #[error(transparent)]
    Store(StoreError),
}

/// What forbids an act for now, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotNow {
    /// The request may still arrive: nobody can say yet that it is not there.
    #[error("the request may still be on its way: look again in a minute")]
    OnItsWay,
    /// The channel cannot change posts.
    #[error(
        "posts of this channel cannot be changed: retract it and post anew, or post a correction"
    )]
    NotEditable,
    /// A person saw it live, and nobody knows the platform's id of it.
    #[error("the platform's id of this post is not known: change it on the channel by hand")]
    NoId,
    /// The corrected post is not approved for the account.
    #[error("the corrected post is not approved for this account: have it approved first")]
    NotSigned,
    /// Only what is over can be tried again.
    #[error("it is not over: only what is over can be tried again")]
    NotOver,
    /// Another delivery of the post is open or live.
    #[error("another delivery of this post is under way or live")]
    OtherOpen,
    /// The post was live once.
    #[error("this post was live and is not any more: compose it anew and have it approved")]
    WasLive,
    /// The post changed, or its approval is gone.
    #[error("the post is not approved as it is now: have it approved first")]
    NotApproved,
    /// The approval covers other times.
    #[error(
        "the approval covers {from} to {to}: choose a time in between or have it approved anew"
    )]
    OutsideApproval {
        /// First instant it covers.
        from: Timestamp,
        /// Last instant it covers.
        to: Timestamp,
    },
    /// The account has not answered once.
    #[error("this account has never worked: test its connection first")]
    NeverWorked,
    /// Another post of the account is the one at that address.
    #[error("the post at this address is {0} already: give the address of this one")]
    Taken(PostId),
    /// There is nothing of that name to stop.
    #[error("{0:?} is no scope: write all, agency/<name> or channel/<name>")]
    BadScope(String),
}

impl DeskError {
    /// The key of its words on the pages: `desk_error.<key>`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown",
            Self::Role { .. } => "role",
            Self::NoReason => "no_reason",
            Self::Refused(_) => "refused",
            Self::NotNow(NotNow::OnItsWay) => "on_its_way",
            Self::NotNow(NotNow::NotEditable) => "not_editable",
            Self::NotNow(NotNow::NoId) => "no_id",
            Self::NotNow(NotNow::NotSigned) => "not_signed",
            Self::NotNow(NotNow::NotOver) => "not_over",
            Self::NotNow(NotNow::OtherOpen) => "other_open",
            Self::NotNow(NotNow::WasLive) => "was_live",
            Self::NotNow(NotNow::NotApproved) => "not_approved",
            Self::NotNow(NotNow::OutsideApproval { .. }) => "outside_approval",
            Self::NotNow(NotNow::NeverWorked) => "never_worked",
            Self::NotNow(NotNow::Taken(_)) => "taken",
            Self::NotNow(NotNow::BadScope(_)) => "bad_scope",
            Self::Conflict => "conflict",
            Self::Store(_) => "store",
        }
    }

    /// Every key.
    pub const KEYS: [&'static str; 17] = [
        "unknown",
        "role",
        "no_reason",
        "refused",
        "on_its_way",
        "not_editable",
        "no_id",
        "not_signed",
        "not_over",
        "other_open",
        "was_live",
        "not_approved",
        "outside_approval",
        "taken",
        "bad_scope",
        "conflict",
        "store",
    ];
}

impl From<StoreError> for DeskError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::Conflict,
            error => Self::Store(error),
        }
    }
}

pub(crate) type Result<T> = std::result::Result<T, DeskError>;

/// Who keeps back, lets go and calls off what was not sent, and has work tried again.
pub const NEWSROOM: &[Role] = &[Role::Editor, Role::Author, Role::Approver];
/// Who decides what the audience sees.
pub(crate) const APPROVERS: &[Role] = &[Role::Approver];

/// What a person can do to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// They saw it live.
    ConfirmLive,
    /// They looked and it is not there.
    ConfirmAbsent,
    /// Keep it back.
    Hold,
    /// Let it go.
    Release,
    /// Call it off.
    Cancel,
    /// Try it again.
    Retry,
    /// Take it back.
    Retract,
    /// Send other content in its place.
    Correct,
    /// Leave one that is over as it is.
    SetAside,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 9] = [
        Self::ConfirmLive,
        Self::ConfirmAbsent,
        Self::Hold,
        Self::Release,
        Self::Cancel,
        Self::Retry,
        Self::Retract,
        Self::Correct,
        Self::SetAside,
    ];

    /// Whether the state of the delivery offers it.
    pub fn fits(self, d: &Delivery) -> bool {
        let takes = |event| d.state.next(event).is_ok();
        match self {
            Self::ConfirmLive | Self::ConfirmAbsent => d.state == State::Uncertain,
            Self::Hold => takes(EventKind::Hold) && !d.may_be_live(),
            Self::Release => takes(EventKind::Release),
            Self::Cancel => takes(EventKind::Cancel) && !d.cancel_requested,
            Self::Retry => d.state.is_unsent(),
            Self::SetAside => {
                d.state == State::Gone || d.state.is_unsent() && d.state != State::Cancelled
            }
            Self::Retract => takes(EventKind::Retract),
            Self::Correct => takes(EventKind::Correct) && d.has_remote_id(),
        }
    }

    /// Roles of which one is needed. Calling off what may be live ends in taking it back: that takes an approver.
    pub fn roles(self, d: &Delivery) -> &'static [Role] {
        match self {
            Self::Hold | Self::Release | Self::SetAside => NEWSROOM,
            Self::Cancel if !is_wish(d) => NEWSROOM,
            _ => APPROVERS,
        }
    }

    /// Whether this person can do it now.
    pub fn is_open_to(self, person: &User, d: &Delivery) -> bool {
        person.agency == d.agency && self.fits(d) && person.is_any(self.roles(d))
    }
}

/// Whether calling it off is only a wish: it is being sent, or may be live.
pub fn is_wish(d: &Delivery) -> bool {
    d.may_be_live() || matches!(d.state, State::Intent | State::Uncertain)
}

/// Where people decide. What changes what the audience sees takes an approver of the delivery's agency.
#[derive(Clone)]
pub struct Desk {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) channels: Arc<dyn Channels>,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
    pub(crate) config: Config,
}

impl Desk {
    /// A desk over this store.
    pub fn new(
        store: Arc<dyn Store>,
        channels: Arc<dyn Channels>,
        clock: SharedClock,
        entropy: Arc<dyn Entropy>,
        config: Config,
    ) -> Self {
        let ids = Ids::new(clock.clone(), entropy);
        Self { store, channels, clock, ids, config }
    }

    /// The same over another view of its store: whoever asks puts their own terms on what is written.
    #[must_use]
    pub fn over(&self, store: Arc<dyn Store>) -> Self {
        Self { store, ..self.clone() }
    }

    /// Calls it off. While it is being sent or in doubt the wish is kept and becomes a retraction once it is live.
    ///
    /// # Errors
    /// [`DeskError::Refused`] when it is live (retract it) or over.
    pub async fn cancel(&self, id: DeliveryId, by: UserId, reason: String) -> Result<Delivery> {
        let before = self.allowed(Act::Cancel, id, by).await?;
        let reason = given(&reason)?;
        let now = self.clock.now();
        let mover = self.mover(&before.record, by);
        let doubt = mover.doubt(&before.record, now);
        let (next, mut changes) = mover.changes(&before, Event::Cancel { reason }, now)?;
        if let Some(incident) = &doubt {
            changes = changes.insert(incident);
        }
        self.store.commit(changes).await?;
        Ok(next)
    }

    /// Keeps it back until somebody releases it.
    ///
    /// # Errors
    /// [`DeskError::Refused`] when it is being sent or was sent.
    pub async fn hold(&self, id: DeliveryId, by: UserId, reason: String) -> Result<Delivery> {
        let before = self.allowed(Act::Hold, id, by).await?;
        let reason = given(&reason)?;
        self.act_on(&before, by, Event::Hold { reason }).await
    }

    /// Lets a held one go.
    ///
    /// # Errors
    /// [`DeskError::Refused`] when it is not held.
    pub async fn release(&self, id: DeliveryId, by: UserId) -> Result<Delivery> {
        let before = self.allowed(Act::Release, id, by).await?;
        self.act_on(&before, by, Event::Release).await
    }

    /// Takes a live post back.
    ///
    /// # Errors
    /// [`DeskError::Role`], [`DeskError::Refused`] when it is not live.
    pub async fn retract(&self, id: DeliveryId, by: UserId, reason: String) -> Result<Delivery> {
        let before = self.allowed(Act::Retract, id, by).await?;
        let reason = given(&reason)?;
        self.act_on(&before, by, Event::Retract { reason }).await
    }

    /// Sends the content of another approved post of the same account to a live post.
    ///
    /// # Errors
    /// [`DeskError::Role`], [`DeskError::NotNow`] when the channel cannot change posts or the new post is not approved for the account,
    /// [`DeskError::Refused`] when the delivery is not live.
    pub async fn correct(
        &self,
        id: DeliveryId,
        by: UserId,
        post: PostId,
        reason: String,
    ) -> Result<Delivery> {
        let before = self.allowed(Act::Correct, id, by).await?;
        let account = &before.record.account;
        let editable = self.channels.get(account.channel()).is_some_and(|c| c.capability().edit);
        if !editable {
            return Err(NotNow::NotEditable.into());
        }
        if before.record.receipt.is_some() && !before.record.has_remote_id() {
            return Err(NotNow::NoId.into());
        }
        let corrected = self.post(post).await?.record;
        if corrected.account != *account || !is_signed(&corrected) {
            return Err(NotNow::NotSigned.into());
        }
        let now = self.clock.now();
        let last = self.store.read::<Correction>(&id.to_string()).await?;
        let earlier = last.map(|last| last.record.applied()).unwrap_or_default();
        let order = Correction { delivery: id, post, reason, by, at: now, done_at: None, earlier };
        let (next, changes) =
            self.mover(&before.record, by).changes(&before, Event::Correct, now)?;
        self.store.commit(changes.put(&order, Expect::Any)).await?;
        Ok(next)
    }

    /// A new delivery of the same approved post, for one that is over without being live.
    ///
    /// # Errors
    /// [`DeskError::Role`], [`DeskError::NotNow`] when it is not over, another delivery of the post is open or live, the approval does not cover
    /// `due_at`, or the content changed.
    pub async fn retry(&self, id: DeliveryId, by: UserId, due_at: Timestamp) -> Result<Delivery> {
        let before = self.allowed(Act::Retry, id, by).await?;
        let old = &before.record;
        if !old.state.is_unsent() {
            return Err(NotNow::NotOver.into());
        }
        let kept = self.post(old.post).await?;
        let prefix = join(&[&old.post.to_string(), ""]);
        let others = self.store.list::<Delivery>("delivery_by_post", &prefix, 1000).await?;
        if others.iter().any(|other| !other.record.state.is_terminal()) {
            return Err(NotNow::OtherOpen.into());
        }
        if others.iter().any(|o| matches!(o.record.state, State::Retracted | State::Gone)) {
            return Err(NotNow::WasLive.into());
        }
        let post = &kept.record;
        let approval =
            post.approval.as_ref().filter(|_| is_signed(post) && post.digest() == old.digest);
        let approval = approval.ok_or(NotNow::NotApproved)?;
        let (from, to) = (approval.not_before, approval.not_after);
        if due_at < from || due_at > to {
            return Err(NotNow::OutsideApproval { from, to }.into());
        }
        let now = self.clock.now();
        let new = Delivery {
            priority: old.priority,
            due_at,
            not_before: due_at,
            max_attempts: old.max_attempts.clamp(1, Delivery::ATTEMPTS),
            retry_of: Some(old.id),
            ..Delivery::planned(self.ids.make(), post, (from, to), now)
        };
        // Rewriting the post as it is makes two people who retry at once collide instead of posting twice, also when each
        // takes another of its deliveries.
        let changes =
            Changes::by(Actor::User(by), "retry delivery").update(post, kept.version).insert(&new);
        self.store.commit(changes).await?;
        Ok(new)
    }

    /// Leaves a delivery that ended without being live as it is: nobody is asked about it again.
    ///
    /// # Errors
    /// [`DeskError::Role`], [`DeskError::NoReason`], [`DeskError::NotNow`] when it is not over.
    pub async fn set_aside(&self, id: DeliveryId, by: UserId, reason: String) -> Result<()> {
        let kept = self.allowed(Act::SetAside, id, by).await?;
        let reason = given(&reason)?;
        if !Act::SetAside.fits(&kept.record) {
            return Err(NotNow::NotOver.into());
        }
        let agency = kept.record.agency;
        let left = SetAside { delivery: id, agency, reason, by, at: self.clock.now() };
        let changes = Changes::by(Actor::User(by), "set delivery aside");
        self.store.commit(changes.put(&left, Expect::Any)).await?;
        Ok(())
    }

    /// The delivery of a post that people mean: the open or live one, else the newest.
    ///
    /// # Errors
    /// [`DeskError::Store`].
    pub async fn delivery_of(&self, post: PostId) -> Result<Option<Versioned<Delivery>>> {
        let prefix = join(&[&post.to_string(), ""]);
        let all = self.store.list::<Delivery>("delivery_by_post", &prefix, 1000).await?;
        Ok(all.into_iter().max_by_key(|kept| {
            (!kept.record.state.is_terminal(), kept.record.created_at, kept.record.id)
        }))
    }

    pub(crate) async fn act_on(
        &self,
        before: &Versioned<Delivery>,
        by: UserId,
        event: Event,
    ) -> Result<Delivery> {
        let (next, changes) =
            self.mover(&before.record, by).changes(before, event, self.clock.now())?;
        self.store.commit(changes).await?;
        Ok(next)
    }

    /// A delivery of the person's own agency, when they may do this to it.
    pub(crate) async fn allowed(
        &self,
        act: Act,
        id: DeliveryId,
        by: UserId,
    ) -> Result<Versioned<Delivery>> {
        let unknown = || DeskError::Unknown(format!("delivery {id}"));
        let found = self.store.read::<Delivery>(&id.to_string()).await?.ok_or_else(unknown)?;
        let d = &found.record;
        self.person(by, &d.agency, act.roles(d)).await?.ok_or_else(unknown)?;
        Ok(found)
    }

    /// The person as they are in an agency, when they have one of these roles there; nobody when they do not work there.
    pub(crate) async fn person(
        &self,
        by: UserId,
        agency: &str,
        roles: &[Role],
    ) -> Result<Option<User>> {
        let refused = || missing(roles);
        let kept = self.known(by).await?.ok_or_else(refused)?;
        match kept.in_agency(agency) {
            Some(person) if !person.is_any(roles) => Err(refused()),
            person => Ok(person),
        }
    }

    /// The person with all their agencies, when they have one of these roles in any of them.
    pub(crate) async fn person_anywhere(&self, by: UserId, roles: &[Role]) -> Result<User> {
        let kept = self.known(by).await?;
        let has = |there: &Membership| there.roles.iter().any(|role| roles.contains(role));
        kept.filter(|person| person.memberships().iter().any(has)).ok_or_else(|| missing(roles))
    }

    async fn known(&self, id: UserId) -> Result<Option<User>> {
        Ok(self.store.read::<User>(&id.to_string()).await?.map(|kept| kept.record))
    }

    async fn post(&self, id: PostId) -> Result<Versioned<Post>> {
        let kept = self.store.read::<Post>(&id.to_string()).await?;
        kept.ok_or_else(|| DeskError::Unknown(format!("post {id}")))
    }

    pub(crate) fn mover(&self, delivery: &Delivery, by: UserId) -> Mover<'_> {
        let channel = self.channels.get(delivery.account.channel());
        Mover {
            store: &*self.store,
            ids: &self.ids,
            actor: Actor::User(by),
            config: &self.config,
            deletable: channel.is_some_and(|channel| channel.capability().delete),
        }
    }
}

/// Somebody who is unknown has none of the roles either.
fn missing(roles: &[Role]) -> DeskError {
    DeskError::Role { needs: roles.first().copied().unwrap_or(Role::Admin) }
}

/// The reason a person gave.
pub(crate) fn given(reason: &str) -> Result<String> {
    let reason = reason.trim();
    if reason.is_empty() { Err(DeskError::NoReason) } else { Ok(reason.to_owned()) }
}

/// Whether an approver signed exactly what the post is now.
fn is_signed(post: &Post) -> bool {
    post.state == PostState::Approved
        && post.approval.as_ref().is_some_and(|approval| approval.digest == post.digest())
}
