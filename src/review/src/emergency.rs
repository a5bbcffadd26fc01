//! What cannot wait for a second person: its writer signs alone where the agency allows it, and another approver looks at it
//! afterwards.

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Actor, Agency, Capability, Delivery, Digest, Post, PostId, Priority, Role, User, UserId,
    post::PostEvent,
    record::{IndexEntry, Record, join, time_key},
};
use loa_store::{Changes, StoreExt, Versioned};
use serde::{Deserialize, Serialize};

use crate::{
    Result, Review, ReviewError, Window,
    desk::{given, may_sign},
};

/// How long a post that one person signed may go without the second one.
pub const SECOND_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// A post that its own writer signed: a second approver confirms it or takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondLook {
    /// The post.
    pub post: PostId,
    /// Agency (tenant).
    pub agency: String,
    /// Digest that was signed.
    pub digest: Digest,
    /// Why it could not wait.
    pub reason: String,
    /// Who signed it alone.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Until when somebody else looks at it.
    pub due_at: Timestamp,
    /// What the second person said.
    pub settled: Option<Settled>,
}

/// What the second person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Why it was taken back; nothing when it stays.
    pub taken_back: Option<String>,
}

impl Record for SecondLook {
    const TABLE: &'static str = "second_look";
    /// The post: it is signed alone once, since signing it again takes two people.
    fn key(&self) -> String {
        self.post.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        let open = if self.settled.is_none() { "open" } else { "settled" };
        vec![IndexEntry {
            index: "second_look_by_agency",
            key: join(&[&self.agency, open, &time_key(self.due_at), &self.key()]),
        }]
    }
}

impl Review {
    /// Whether people of this agency may sign urgent posts of their own.
    ///
    /// # Errors
    /// [`ReviewError::Store`].
    pub async fn lets_sign_alone(&self, agency: &str) -> Result<bool> {
        let agency = self.store.read::<Agency>(agency).await?;
        Ok(agency.is_some_and(|agency| agency.record.urgent_alone))
    }

    /// Signs an urgent post that the approver wrote, where the agency allows it: it goes out as any other, and a second look is
    /// owed within [`SECOND_WITHIN`]. All of it is one commit.
    ///
    /// # Errors
    /// [`ReviewError::NotAlone`] when the post is not urgent, the agency does not allow it, or the approver did not write it
    /// and can simply approve; [`ReviewError::NoReason`]; those of [`Review::approve`].
    pub async fn approve_alone(
        &self,
        by: &User,
        post: PostId,
        seen: Digest,
        window: Window,
        capability: &Capability,
        reason: &str,
    ) -> Result<(Post, Delivery)> {
        let mut post = self.post(by, post).await?;
        if !by.is(Role::Approver) {
            return Err(ReviewError::Role { needs: Role::Approver });
        }
        let agency = self.store.read::<Agency>(&by.agency).await?;
        let agency = agency.filter(|agency| agency.record.urgent_alone);
        let own = post.record.was_written_by(by.id);
        let (true, true, Some(agency)) = (own, post.record.priority == Priority::Urgent, agency)
        else {
            return Err(ReviewError::NotAlone);
        };
        let reason = given(reason)?;
        self.makes_a_post(post.record.id).await?;
        post.record.state = post.record.state.next(PostEvent::Approve)?;
        let article = self.sign(by, &mut post.record, seen, window, capability).await?;
        let delivery = self.delivery(&post.record, window);
        let at = self.clock.now();
        let owed = SecondLook {
            post: post.record.id,
            agency: post.record.agency.clone(),
            digest: seen,
            reason,
            by: by.id,
            at,
            due_at: at + SECOND_WITHIN,
            settled: None,
        };
        // The same agency row at its version: a permission that is withdrawn meanwhile is a conflict.
        let changes = Changes::by(Actor::User(by.id), "approve own post in an emergency")
            .update(&post.record, post.version)
            .insert(&delivery)
            .insert(&owed)
            .update(&article.record, article.version)
            .update(&agency.record, agency.version);
        self.store.commit(changes).await?;
        Ok((post.record, delivery))
    }

    /// Second looks that are owed in an agency, the one that is due first first.
    ///
    /// # Errors
    /// [`ReviewError::Store`].
    pub async fn second_looks(&self, agency: &str, most: usize) -> Result<Vec<SecondLook>> {
        let prefix = join(&[agency, "open", ""]);
        let rows = self.store.list::<SecondLook>("second_look_by_agency", &prefix, most).await?;
        Ok(rows.into_iter().map(|row| row.record).collect())
    }

    /// A second approver looked at a post that was signed alone, and it stays.
    ///
    /// # Errors
    /// [`ReviewError::Role`], [`ReviewError::OwnPost`] for whoever wrote or signed it, [`ReviewError::NotFound`] when no look is owed,
    /// [`ReviewError::Conflict`].
    pub async fn confirm_alone(&self, by: &User, post: PostId) -> Result<SecondLook> {
        let owed = self.owed(by, post).await?;
        let (next, changes) = self.settled(by, owed, None, "confirm post that was approved alone");
        self.store.commit(changes).await?;
        Ok(next)
    }

    /// A second approver takes back a post that was signed alone, as [`Review::request_retraction`] does, and settles the look in
    /// the same commit. What never went out is only called off.
    ///
    /// # Errors
    /// Those of [`Review::confirm_alone`], and [`ReviewError::NoReason`].
    pub async fn take_back_alone(
        &self,
        by: &User,
        post: PostId,
        reason: &str,
    ) -> Result<SecondLook> {
        let owed = self.owed(by, post).await?;
        let reason = given(reason)?;
        let what = "take back post that was approved alone";
        let (next, mut changes) = self.settled(by, owed, Some(reason.clone()), what);
        if let Some((delivery, version)) = self.retraction(post, reason).await? {
            changes = changes.update(&delivery, version);
        }
        self.store.commit(changes).await?;
        Ok(next)
    }

    /// The look that is owed for a post, when this person may take it.
    async fn owed(&self, by: &User, id: PostId) -> Result<Versioned<SecondLook>> {
        let post = self.post(by, id).await?;
        let owed = self.store.read::<SecondLook>(&id.to_string()).await?;
        let owed = owed.filter(|owed| owed.record.settled.is_none());
        let missing = || ReviewError::NotFound { what: "second look", id: id.to_string() };
        let owed = owed.ok_or_else(missing)?;
        may_sign(by, &post.record)?;
        if owed.record.by == by.id { Err(ReviewError::OwnPost) } else { Ok(owed) }
    }

    fn settled(
        &self,
        by: &User,
        owed: Versioned<SecondLook>,
        taken_back: Option<String>,
        what: &str,
    ) -> (SecondLook, Changes) {
        let settled = Some(Settled { by: by.id, at: self.clock.now(), taken_back });
        let next = SecondLook { settled, ..owed.record };
        let changes = Changes::by(Actor::User(by.id), what).update(&next, owed.version);
        (next, changes)
    }
}
