//! What people do to deliveries, accounts and the whole machine. Every act names who did it and goes to the audit log.

use std::sync::Arc;

use jiff::Timestamp;
use loa_model::{
    Account, AccountName, AccountStatus, Actor, Delivery, DeliveryEvent as Event, DeliveryId,
    DeliveryState as State, Entropy, Ids, Post, PostId, PostState, Receipt, Role, User, UserId,
    delivery::Refused, seams::SharedClock,
};
use loa_store::{Changes, Error as StoreError, Expect, Store, StoreExt as _, Versioned};

use crate::{Channels, Config, Correction, Incident, KillSwitch, config::secs, moves::Mover};

/// Why an act of a person was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeskError {
    /// There is no such record.
    #[error("{0} does not exist")]
    Unknown(String),
    /// The person may not do it.
    #[error("this needs the role {needs:?}")]
    Role {
        /// Role it takes; for stopping and starting, an admin's will do as well.
        needs: Role,
    },
    /// The delivery is in a state that does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Something else forbids it; says what to do.
    #[error("{0}")]
    NotNow(String),
    /// Somebody else changed it at the same moment: look again, then decide.
    #[error("somebody else changed it at the same moment: look again, then decide")]
    Conflict,
    /// The store refused.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for DeskError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::Conflict,
            error => Self::Store(error),
        }
    }
}

type Result<T> = std::result::Result<T, DeskError>;

/// Who may stop and start accounts and the machine.
const SWITCHERS: &[Role] = &[Role::Approver, Role::Admin];

/// Where people decide. What changes what the audience sees takes an approver of the delivery's agency.
#[derive(Clone)]
pub struct Desk {
    store: Arc<dyn Store>,
    channels: Arc<dyn Channels>,
    clock: SharedClock,
    ids: Ids,
    config: Config,
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

    /// A person saw it live. `remote_id` of the receipt may be empty when unknown.
    ///
    /// # Errors
    /// [`DeskError::Role`]; [`DeskError::Refused`] when its outcome is not in doubt.
    pub async fn confirm_live(
        &self,
        id: DeliveryId,
        by: UserId,
        receipt: Receipt,
    ) -> Result<Delivery> {
        let before = self.approving(id, by).await?;
        self.act_on(&before, by, Event::ConfirmLive { receipt, by }).await
    }

    /// A person looked and it is not there: it will be sent again.
    ///
    /// # Errors
    /// [`DeskError::Role`]; [`DeskError::Refused`] when its outcome is not in doubt; [`DeskError::NotNow`] while the request may still be on its
    /// way: the quarantine binds people too.
    pub async fn confirm_absent(
        &self,
        id: DeliveryId,
        by: UserId,
        reason: String,
    ) -> Result<Delivery> {
        let before = self.approving(id, by).await?;
        let deadline = before.record.intent.as_ref().map(|intent| intent.send_deadline);
        // The intent of a worker that was lost earlier is gone; the quarantine was counted from it.
        let quarantine = secs(self.config.quarantine_s);
        let last_sent =
            deadline.max(before.record.quarantine_until.map(|until| until - quarantine));
        let longest = secs(self.config.create_timeout_s.min(30));
        if before.record.state == State::Uncertain
            && last_sent.is_some_and(|at| self.clock.now() < at + longest)
        {
            return Err(DeskError::NotNow(
                "the request may still be on its way: look again in a minute".into(),
            ));
        }
        self.act_on(&before, by, Event::ConfirmAbsent { by, reason }).await
    }

    /// Calls it off. While it is being sent or in doubt the wish is kept and becomes a retraction once it is live.
    ///
    /// # Errors
    /// [`DeskError::Refused`] when it is live (retract it) or over.
    pub async fn cancel(&self, id: DeliveryId, by: UserId, reason: String) -> Result<Delivery> {
        let before = self.delivery(id).await?;
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
        self.act(id, by, Event::Hold { reason }).await
    }

    /// Lets a held one go.
    ///
    /// # Errors
    /// [`DeskError::Refused`] when it is not held.
    pub async fn release(&self, id: DeliveryId, by: UserId) -> Result<Delivery> {
        self.act(id, by, Event::Release).await
    }

    /// Takes a live post back.
    ///
    /// # Errors
    /// [`DeskError::Role`], [`DeskError::Refused`] when it is not live.
    pub async fn retract(&self, id: DeliveryId, by: UserId, reason: String) -> Result<Delivery> {
        let before = self.approving(id, by).await?;
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
        let before = self.approving(id, by).await?;
        let account = &before.record.account;
        let editable = self.channels.get(account.channel()).is_some_and(|c| c.capability().edit);
        if !editable {
            return Err(DeskError::NotNow(format!(
                "posts on {account} cannot be changed: retract it and post anew, or post a correction"
            )));
        }
        let corrected = self.post(post).await?.record;
        if corrected.account != *account || !is_signed(&corrected) {
            return Err(DeskError::NotNow(format!(
                "post {post} is not approved for {account}: have it approved first"
            )));
        }
        let now = self.clock.now();
        let order = Correction { delivery: id, post, reason, by, at: now, done_at: None };
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
        let before = self.approving(id, by).await?;
        let old = &before.record;
        let over =
            matches!(old.state, State::Dead | State::Rejected | State::Cancelled | State::Missed);
        if !over {
            return Err(DeskError::NotNow(format!(
                "the delivery is {}: only one that is over can be tried again",
                old.state.name()
            )));
        }
        let kept = self.post(old.post).await?;
        let prefix = loa_model::record::join(&[&old.post.to_string(), ""]);
        let others = self.store.list::<Delivery>("delivery_by_post", &prefix, 1000).await?;
        if others.iter().any(|other| !other.record.state.is_terminal()) {
            return Err(DeskError::NotNow(
                "another delivery of this post is under way or live".into(),
            ));
        }
        if others.iter().any(|o| matches!(o.record.state, State::Retracted | State::Gone)) {
            return Err(DeskError::NotNow(
                "this post was live and is not any more: compose it anew and have it approved"
                    .into(),
            ));
        }
        let post = &kept.record;
        let approval =
            post.approval.as_ref().filter(|_| is_signed(post) && post.digest() == old.digest);
        let Some(approval) = approval else {
            return Err(DeskError::NotNow(
                "the post is not approved as it is now: have it approved first".into(),
            ));
        };
        if due_at < approval.not_before || due_at > approval.not_after {
            return Err(DeskError::NotNow(format!(
                "the approval covers {} to {}: choose a time in between or have it approved anew",
                approval.not_before, approval.not_after
            )));
        }
        let now = self.clock.now();
        let new = Delivery {
            id: self.ids.make(),
            state: State::Scheduled,
            due_at,
            not_after: approval.not_after,
            not_before: due_at,
            attempt: 0,
            max_attempts: old.max_attempts.clamp(1, 5),
            fence: 0,
            lease: None,
            intent: None,
            ticket: None,
            receipt: None,
            sending_since: None,
            public_since: None,
            paid: false,
            quarantine_until: None,
            absent: Vec::new(),
            evidence: Vec::new(),
            cancel_requested: false,
            reason: String::new(),
            retry_of: Some(old.id),
            created_at: now,
            updated_at: now,
            ..old.clone()
        };
        // Rewriting the post as it is makes two people who retry at once collide instead of posting twice, also when each
        // takes another of its deliveries.
        let changes =
            Changes::by(Actor::User(by), "retry delivery").update(post, kept.version).insert(&new);
        self.store.commit(changes).await?;
        Ok(new)
    }

    /// Stops an account until somebody resumes it.
    ///
    /// # Errors
    /// [`DeskError::Role`], [`DeskError::Unknown`].
    pub async fn pause_account(
        &self,
        name: &AccountName,
        by: UserId,
        reason: String,
    ) -> Result<()> {
        let since = self.clock.now();
        self.set_status(name, by, "pause account", AccountStatus::Paused { reason, since }).await
    }

    /// Lets an account post again, after a pause or after it was connected again.
    ///
    /// # Errors
    /// [`DeskError::Role`], [`DeskError::Unknown`].
    pub async fn resume_account(&self, name: &AccountName, by: UserId) -> Result<()> {
        self.set_status(name, by, "resume account", AccountStatus::Active).await
    }

    /// Throws or lifts a kill switch; `scope` is `all`, `agency/<name>` or `channel/<name>`.
    ///
    /// # Errors
    /// [`DeskError::Role`], also for another agency; [`DeskError::NotNow`] when the scope is none of these.
    pub async fn kill_switch(
        &self,
        scope: &str,
        on: bool,
        by: UserId,
        reason: String,
    ) -> Result<()> {
        let named = |kind: &str| scope.strip_prefix(kind).is_some_and(|name| !name.is_empty());
        if scope != "all" && !named("agency/") && !named("channel/") {
            return Err(DeskError::NotNow(format!(
                "{scope:?} is no scope: write all, agency/<name> or channel/<name>"
            )));
        }
        let person = self.person(by, SWITCHERS).await?;
        if scope.strip_prefix("agency/").is_some_and(|agency| agency != person.agency) {
            return Err(DeskError::Role { needs: Role::Approver });
        }
        let switch = KillSwitch { scope: scope.to_owned(), on, reason, by, at: self.clock.now() };
        let what = if on { "throw kill switch" } else { "lift kill switch" };
        self.store.commit(Changes::by(Actor::User(by), what).put(&switch, Expect::Any)).await?;
        Ok(())
    }

    /// Open incidents of an agency, the oldest first.
    ///
    /// # Errors
    /// [`DeskError::Store`].
    pub async fn open_incidents(
        &self,
        agency: &str,
        limit: usize,
    ) -> Result<Vec<Versioned<Incident>>> {
        let prefix = loa_model::record::join(&[agency, "open", ""]);
        Ok(self.store.list("incident_by_agency", &prefix, limit).await?)
    }

    /// Closes an incident that was dealt with.
    ///
    /// # Errors
    /// [`DeskError::Unknown`].
    pub async fn close_incident(&self, id: &str, by: UserId) -> Result<()> {
        let kept = self.store.read::<Incident>(id).await?;
        let Some(mut kept) = kept else { return Err(DeskError::Unknown(format!("incident {id}"))) };
        kept.record.closed = Some((by, self.clock.now()));
        let changes =
            Changes::by(Actor::User(by), "close incident").update(&kept.record, kept.version);
        self.store.commit(changes).await?;
        Ok(())
    }

    async fn act(&self, id: DeliveryId, by: UserId, event: Event) -> Result<Delivery> {
        let before = self.delivery(id).await?;
        self.act_on(&before, by, event).await
    }

    async fn act_on(
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

    async fn set_status(
        &self,
        name: &AccountName,
        by: UserId,
        what: &str,
        status: AccountStatus,
    ) -> Result<()> {
        let kept = self.store.read::<Account>(name.as_str()).await?;
        let person = self.person(by, SWITCHERS).await?;
        let kept = kept.filter(|kept| kept.record.agency == person.agency);
        let Some(mut kept) = kept else {
            return Err(DeskError::Unknown(format!("account {name}")));
        };
        kept.record.status = status;
        let changes = Changes::by(Actor::User(by), what).update(&kept.record, kept.version);
        self.store.commit(changes).await?;
        Ok(())
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Versioned<Delivery>> {
        let kept = self.store.read::<Delivery>(&id.to_string()).await?;
        kept.ok_or_else(|| DeskError::Unknown(format!("delivery {id}")))
    }

    /// A delivery, for an approver of its agency.
    async fn approving(&self, id: DeliveryId, by: UserId) -> Result<Versioned<Delivery>> {
        let person = self.person(by, &[Role::Approver]).await?;
        let found = self.delivery(id).await?;
        if found.record.agency == person.agency {
            Ok(found)
        } else {
            Err(DeskError::Unknown(format!("delivery {id}")))
        }
    }

    /// The person, when they have one of these roles; somebody unknown has none.
    async fn person(&self, by: UserId, roles: &[Role]) -> Result<User> {
        let kept = self.store.read::<User>(&by.to_string()).await?.map(|kept| kept.record);
        kept.filter(|person| roles.iter().any(|role| person.is(*role)))
            .ok_or_else(|| DeskError::Role { needs: roles.first().copied().unwrap_or(Role::Admin) })
    }

    async fn post(&self, id: PostId) -> Result<Versioned<Post>> {
        let kept = self.store.read::<Post>(&id.to_string()).await?;
        kept.ok_or_else(|| DeskError::Unknown(format!("post {id}")))
    }

    fn mover(&self, delivery: &Delivery, by: UserId) -> Mover<'_> {
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

/// Whether an approver signed exactly what the post is now.
fn is_signed(post: &Post) -> bool {
    post.state == PostState::Approved
        && post.approval.as_ref().is_some_and(|approval| approval.digest == post.digest())
}
