//! What people do. They are truthful: they look at the platform and say what they see. Some of them are impatient.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loa_delivery::{Desk, DeskError, Incident, IncidentKind};
use loa_model::{
    Account, AccountStatus, Actor, Approval, ArticleId, BlobHash, Clock as _, Delivery,
    DeliveryEvent, DeliveryId, DeliveryState as State, Digest, Link, Media, MediaRole, Post,
    PostContent, PostFormat, PostId, PostState, Receipt, Role, User, UserId, capability::ReadBack,
};
use loa_store::{Changes, Store as _, StoreExt as _, Vault, Versioned};
use uuid::Uuid;

use crate::{
    dice::Dice,
    house::HouseStore,
    plan::{Deed, Plan},
    platform::Platform,
    witness::Wish,
};

/// The person who decides; she is an approver.
pub(crate) fn approver() -> UserId {
    UserId(Uuid::from_u128(1003))
}

/// Her record.
pub(crate) fn approver_record() -> User {
    User {
        id: approver(),
        agency: "demo".into(),
        login: "hanh".into(),
        name: "Nguyễn Thị Hạnh".into(),
        roles: vec![Role::Approver],
        also: Vec::new(),
        password_hash: String::new(),
        lang: "vi".into(),
        deactivated_at: None,
        must_renew: false,
    }
}

/// Bytes of the photo of a post.
pub(crate) fn photo(n: usize) -> Vec<u8> {
    format!("ảnh của bài {n}").into_bytes()
}

/// The photo with this digest.
pub(crate) fn photo_of(hash: BlobHash) -> Option<Vec<u8>> {
    (0..16).map(photo).find(|bytes| Digest::of(bytes) == hash)
}

fn post_id(n: usize) -> PostId {
    PostId(Uuid::from_u128(1 + n as u128))
}

/// Desk, vault and eyes of the people of one house.
pub(crate) struct Office {
    pub(crate) store: HouseStore,
    pub(crate) desk: Desk,
    pub(crate) platform: Arc<Platform>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) dice: Arc<Dice>,
    pub(crate) key: [u8; 32],
    /// When the world began.
    pub(crate) began: Timestamp,
}

impl Office {
    fn now(&self) -> Timestamp {
        self.store.timeline.now()
    }

    /// Does it. What is refused, or meets somebody else's change, is left.
    pub(crate) async fn act(&self, deed: Deed, calm: bool) {
        let name = format!("{deed:?}");
        let done = match deed {
            Deed::Approve(n) => self.approve(n).await,
            Deed::Cancel(n) => self.with(n, |d| self.cancel(d.id)).await,
            Deed::Hold(n) => {
                self.with(n, async |d| {
                    self.desk.hold(d.id, approver(), "chờ ảnh".into()).await.map(drop)
                })
                .await
            }
            Deed::Release(n) => {
                self.with(n, async |d| self.desk.release(d.id, approver()).await.map(drop)).await
            }
            Deed::Retract(n) => self.with(n, |d| self.retract(d.id)).await,
            Deed::Correct(n) => self.with(n, |d| self.correct(n, d)).await,
            Deed::Void(n) => self.void(n).await,
            Deed::Kill { scope, on } => {
                self.desk.kill_switch(&scope, on, approver(), "sự cố".into()).await
            }
            Deed::Pause(n) => {
                let account = &self.plan.accounts[n].0.name;
                self.desk.pause_account(account, approver(), "bảo trì".into()).await
            }
            Deed::Resume(n) => self.resume(n).await,
            Deed::Duty => self.duty(calm).await,
        };
        let witness = &self.store.witness;
        match done {
            Ok(()) => {
                let word = name.split(['(', ' ']).next().unwrap_or_default().to_lowercase();
                witness.count(&format!("people: {word}"));
                witness.say(|| format!("people: {name} done"));
            }
            Err(error) => witness.say(|| format!("people: {name}: {error}")),
        }
    }

    /// The newest delivery of a post.
    async fn newest(&self, n: usize) -> Option<Delivery> {
        let prefix = loa_model::record::join(&[&post_id(n).to_string(), ""]);
        let all = self.store.list::<Delivery>("delivery_by_post", &prefix, 100).await.ok()?;
        all.into_iter().map(|kept| kept.record).max_by_key(|d| d.created_at)
    }

    async fn with<F: Future<Output = Result<(), DeskError>>>(
        &self,
        n: usize,
        act: impl FnOnce(Delivery) -> F,
    ) -> Result<(), DeskError> {
        match self.newest(n).await {
            Some(delivery) => act(delivery).await,
            None => Err(DeskError::Unknown(format!("a delivery of post {n}"))),
        }
    }

    async fn approve(&self, n: usize) -> Result<(), DeskError> {
        if self.newest(n).await.is_some() {
            return Ok(());
        }
        let plan = &self.plan.posts[n];
        let now = self.now();
        let due = (self.began + plan.approved + plan.due).max(now);
        let window = (due, due + plan.window);
        let post = self.post(n, post_id(n), &format!("k{n}"), "", window);
        let delivery = Delivery {
            priority: plan.priority,
            due_at: due,
            max_attempts: plan.max_attempts,
            ..Delivery::planned(DeliveryId(post.id.0), &post, window, now)
        };
        let changes = Changes::by(Actor::User(approver()), "approve post");
        self.store.commit(changes.insert(&post).insert(&delivery)).await?;
        Ok(())
    }

    fn post(
        &self,
        n: usize,
        id: PostId,
        code: &str,
        correction: &str,
        (not_before, not_after): (Timestamp, Timestamp),
    ) -> Post {
        let plan = &self.plan.posts[n];
        let account = self.plan.accounts[plan.account].0.name.clone();
        let bytes = photo(n);
        let media = plan.photo.then(|| Media {
            role: MediaRole::Photo,
            blob: Digest::of(&bytes),
            bytes: bytes.len() as u64,
            mime: "image/jpeg".into(),
            width: 1080,
            height: 1350,
            duration_ms: 0,
            alt: "Lễ trao hỗ trợ".into(),
            variant: None,
        });
        let content = PostContent {
            format: if plan.photo { PostFormat::Photo } else { PostFormat::Text },
            lang: "vi".into(),
            title: String::new(),
            author: String::new(),
            text: format!("Gần 2,5 triệu đồng hỗ trợ mỗi hộ vùng lũ, số {n}{correction}"),
            body: vec![],
            media: media.into_iter().collect(),
            link: Link {
                code: code.to_owned(),
                url: format!("https://loa.example/l/{code}"),
                target: "https://example.vn/bai".into(),
            },
            tags: vec![],
        };
        let digest = content.digest(&account);
        let (by, at) = (approver(), self.now());
        Post {
            id,
            agency: "demo".into(),
            article: ArticleId(Uuid::from_u128(1 + n as u128)),
            revision: 1,
            account,
            content,
            state: PostState::Approved,
            scheduled_at: not_before,
            zone: "Asia/Ho_Chi_Minh".into(),
            timing: loa_model::Timing::Soon,
            priority: plan.priority,
            author: UserId(Uuid::from_u128(1001)),
            editors: vec![],
            rewritten: vec![],
            approval: Some(Approval { digest, by, at, not_before, not_after }),
            reason: String::new(),
            created_at: at,
        }
    }

    async fn cancel(&self, id: DeliveryId) -> Result<(), DeskError> {
        self.desk.cancel(id, approver(), "ảnh sai".into()).await?;
        self.store.witness.seen().wishes.insert((id, Wish::Cancelled));
        Ok(())
    }

    async fn retract(&self, id: DeliveryId) -> Result<(), DeskError> {
        self.desk.retract(id, approver(), "sai số liệu".into()).await?;
        self.store.witness.seen().wishes.insert((id, Wish::Retracted));
        Ok(())
    }

    async fn correct(&self, n: usize, d: Delivery) -> Result<(), DeskError> {
        let id = PostId(Uuid::from_u128(1_000_000 + n as u128));
        let window = (d.due_at, d.not_after);
        let post = self.post(n, id, &format!("k{n}c"), ", đã đính chính", window);
        if self.store.read::<Post>(&id.to_string()).await?.is_none() {
            let changes = Changes::by(Actor::User(approver()), "approve correction");
            self.store.commit(changes.insert(&post)).await?;
        }
        self.desk.correct(d.id, approver(), id, "sai số".into()).await.map(drop)
    }

    /// The article changed: as review does it, in one commit.
    async fn void(&self, n: usize) -> Result<(), DeskError> {
        let Some(mut post) = self.store.read::<Post>(&post_id(n).to_string()).await? else {
            return Err(DeskError::Unknown(format!("post {n}")));
        };
        let mut changes = Changes::by(Actor::User(approver()), "revise article");
        let prefix = loa_model::record::join(&[&post.record.id.to_string(), ""]);
        for d in self.store.list::<Delivery>("delivery_by_post", &prefix, 100).await? {
            match d.record.state {
                State::Scheduled | State::Ready | State::Leased if !d.record.may_be_live() => {
                    let event = DeliveryEvent::Hold { reason: "the article changed".to_owned() };
                    changes = changes.update(&d.record.apply(event, self.now())?, d.version);
                }
                State::Published | State::Correcting | State::Retracting => return Ok(()),
                _ => {}
            }
        }
        post.record.state = PostState::Void;
        self.store.commit(changes.update(&post.record, post.version)).await?;
        Ok(())
    }

    async fn resume(&self, n: usize) -> Result<(), DeskError> {
        let name = &self.plan.accounts[n].0.name;
        let kept = self.store.read::<Account>(name.as_str()).await?;
        if kept.is_some_and(|kept| matches!(kept.record.status, AccountStatus::Paused { .. })) {
            self.desk.resume_account(name, approver()).await?;
        }
        Ok(())
    }

    async fn duty(&self, calm: bool) -> Result<(), DeskError> {
        for n in 0..self.plan.accounts.len() {
            self.reconnect(n).await?;
            if calm {
                self.resume(n).await?;
            }
        }
        if calm {
            for scope in ["all", "agency/demo", "channel/kenh0"] {
                let switch = self.store.read::<loa_delivery::KillSwitch>(scope).await?;
                if switch.is_some_and(|switch| switch.record.on) {
                    self.desk.kill_switch(scope, false, approver(), "xong".into()).await?;
                }
            }
            for (n, post) in self.plan.posts.iter().enumerate() {
                if self.now() >= self.began + post.approved {
                    self.approve(n).await?;
                }
            }
        }
        for d in self.store.all::<Delivery>(1000).await? {
            match self.decide(&d.record, calm).await {
                // Somebody else was faster, or it is not the time: she looks again later.
                Ok(())
                | Err(DeskError::Refused(_) | DeskError::Conflict | DeskError::NotNow(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.deal_with_incidents(calm).await
    }

    /// Connects an account anew when the platform refused its credentials.
    async fn reconnect(&self, n: usize) -> Result<(), DeskError> {
        let name = &self.plan.accounts[n].0.name;
        let kept = self.store.read::<Account>(name.as_str()).await?;
        if !kept.is_some_and(|kept| matches!(kept.record.status, AccountStatus::NeedsReauth { .. }))
        {
            return Ok(());
        }
        let fresh = self.platform.connect(name, self.now());
        let (store, dice) = (Arc::new(self.store.clone()), self.dice.clone());
        let vault = Vault::open("".as_ref(), store, dice, Some(self.key)).await?;
        vault.put(name, fresh, Actor::User(approver())).await?;
        self.store.witness.count("accounts connected anew");
        self.desk.resume_account(name, approver()).await
    }

    async fn decide(&self, d: &Delivery, calm: bool) -> Result<(), DeskError> {
        match d.state {
            State::Uncertain => self.look(d, calm).await,
            State::Held if calm || self.dice.chance(10) => {
                let post = self.store.read::<Post>(&d.post.to_string()).await?;
                let good = post.is_some_and(|post| post.record.state == PostState::Approved);
                if good && self.dice.chance(70) {
                    self.desk.release(d.id, approver()).await.map(drop)
                } else {
                    self.cancel(d.id).await
                }
            }
            // What a retry brought does not please either.
            State::Published if d.retry_of.is_some() && self.dice.chance(10) => {
                self.retract(d.id).await
            }
            State::Missed | State::Dead | State::Rejected | State::Cancelled
                if self.dice.chance(15) =>
            {
                let due = self.now() + SignedDuration::from_secs(60);
                self.desk.retry(d.id, approver(), due).await?;
                self.store.witness.count("people: retry");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Looks at the channel and says what is there.
    async fn look(&self, d: &Delivery, calm: bool) -> Result<(), DeskError> {
        let alone = self.plan.spec(&d.account).read_back == ReadBack::None;
        let now = self.now();
        // In some worlds people are in a hurry, at the worst of times.
        let hasty = !calm && self.plan.hasty && self.platform.may_appear(&d.marker, now);
        if !alone && !hasty && !self.dice.chance(20) {
            return Ok(());
        }
        let rested =
            d.quarantine_until.is_none_or(|until| now > until + SignedDuration::from_mins(1));
        let impatient = hasty || !calm && self.dice.chance(30);
        if !rested && !impatient {
            return Ok(());
        }
        let (witness, marker) = (&self.store.witness, &d.marker);
        if let Some(live) = self.platform.live(&d.account, marker, now).first() {
            let remote_id = if self.dice.chance(50) { live.id.to_string() } else { String::new() };
            let raw = serde_json::Value::Null;
            let receipt = Receipt { remote_id, url: String::new(), raw, at: now };
            self.desk.confirm_live(d.id, approver(), receipt).await?;
            witness.count("people: confirm live");
        } else {
            // It may appear a moment later: then the second one was her choice.
            let chosen = self.platform.may_appear(marker, now);
            if chosen {
                self.platform.chose_another(marker);
            }
            self.desk.confirm_absent(d.id, approver(), "không thấy".into()).await?;
            witness.count("people: confirm absent");
            if rested && chosen {
                witness.broke("the quarantine outlasts what is under way", marker);
            }
        }
        Ok(())
    }

    async fn deal_with_incidents(&self, calm: bool) -> Result<(), DeskError> {
        for Versioned { record, .. } in self.desk.open_incidents("demo", 1000).await? {
            if !calm && !self.dice.chance(20) {
                continue;
            }
            if let Some(id) = record.delivery {
                let kept = self.store.read::<Delivery>(&id.to_string()).await?;
                let kept = kept.ok_or_else(|| DeskError::Unknown(format!("delivery {id}")))?.record;
                if !self.by_hand(&record, &kept) {
                    continue;
                }
            }
            self.desk.close_incident(&record.id, approver()).await?;
            self.store.witness.count("people: incident closed");
        }
        Ok(())
    }

    /// Does by hand what an incident asks for. Returns whether it is done.
    fn by_hand(&self, incident: &Incident, d: &Delivery) -> bool {
        let keep = d.receipt.as_ref().map(|receipt| receipt.remote_id.as_str());
        match incident.kind {
            IncidentKind::Duplicate => {
                self.platform.remove_by_hand(&d.marker, keep, self.now());
            }
            IncidentKind::CannotRetract | IncidentKind::RetractFailed => {
                self.platform.remove_by_hand(&d.marker, None, self.now());
            }
            // What may be live is taken back once that is known.
            IncidentKind::MayBeLive => return d.state.is_terminal() || d.state == State::Published,
            _ => {}
        }
        true
    }
}
