//! Other words for a live post: a draft that two people sign as any other, and that makes no post of its own.

use jiff::Timestamp;
use loa_model::{
    Actor, ArticleState, Capability, DeliveryState, Digest, Post, PostContent, PostId, PostState,
    Role, User, UserId,
    post::PostEvent,
    record::{IndexEntry, Record, join},
};
use loa_store::{Changes, StoreExt};
use serde::{Deserialize, Serialize};

use crate::{
    Result, Review, ReviewError, Window,
    desk::{given, may_sign},
    rewording::marks,
};

/// What a draft corrects. While this stands beside a post, no signature makes a delivery of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrects {
    /// The draft.
    pub draft: PostId,
    /// The live post whose content it replaces.
    pub live: PostId,
    /// Agency (tenant).
    pub agency: String,
    /// What was wrong.
    pub reason: String,
    /// Who wrote it first.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

impl Record for Corrects {
    const TABLE: &'static str = "corrects";
    fn key(&self) -> String {
        self.draft.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        let key = join(&[&self.live.to_string(), &self.key()]);
        vec![IndexEntry { index: "corrects_by_live", key }]
    }
}

impl Review {
    /// Writes other content for a live post: the answer is a draft that goes through review and then to the live post. It keeps
    /// the link of the live post, so that its clicks stay counted together, and everybody who wrote the live post counts among its writers.
    ///
    /// # Errors
    /// [`ReviewError::Role`], [`ReviewError::NoReason`], [`ReviewError::LinkChanged`], [`ReviewError::NotLive`],
    /// [`ReviewError::Conflict`].
    pub async fn correct(
        &self,
        by: &User,
        live: PostId,
        content: PostContent,
        reason: &str,
    ) -> Result<Post> {
        let live = self.post(by, live).await?;
        if !by.is(Role::Author) && !by.is(Role::Editor) {
            return Err(ReviewError::Role { needs: Role::Editor });
        }
        let reason = given(reason)?;
        if content.link != live.record.content.link {
            return Err(ReviewError::LinkChanged);
        }
        let deliveries = self.deliveries_of(live.record.id).await?;
        if !deliveries.iter().any(|d| d.record.state == DeliveryState::Published) {
            return Err(ReviewError::NotLive);
        }
        // What is corrected follows the article as it is now.
        let revisions = self.revisions(live.record.article).await?;
        let ready = revisions.into_iter().rev().find(|a| a.record.state == ArticleState::Ready);
        let article = ready.ok_or(ReviewError::ArticleChanged)?;
        let at = self.clock.now();
        let drawn = self.drawn(&live.record, &content).await?;
        let rewritten = marks(&live.record, &content, &drawn, (by.id, at));
        let mut draft = Post {
            id: self.ids.make(),
            revision: article.record.revision,
            rewritten,
            content,
            state: PostState::Draft,
            approval: None,
            reason: String::new(),
            scheduled_at: at,
            timing: loa_model::Timing::Soon,
            created_at: at,
            ..live.record.clone()
        };
        draft.hand_to(by.id);
        let (agency, id) = (draft.agency.clone(), live.record.id);
        let corrects = Corrects { draft: draft.id, live: id, agency, reason, by: by.id, at };
        // The live post as it is: two people who correct it at once collide.
        let changes = Changes::by(Actor::User(by.id), "correct post")
            .insert(&draft)
            .insert(&corrects)
            .update(&live.record, live.version);
        self.store.commit(changes).await?;
        Ok(draft)
    }

    /// What a post corrects; nothing when it is a post of its own.
    ///
    /// # Errors
    /// [`ReviewError::Store`].
    pub async fn corrects(&self, post: PostId) -> Result<Option<Corrects>> {
        Ok(self.store.read::<Corrects>(&post.to_string()).await?.map(|row| row.record))
    }

    /// Corrections that were written for a post, the oldest first.
    ///
    /// # Errors
    /// [`ReviewError::Store`].
    pub async fn corrections_of(&self, live: PostId, most: usize) -> Result<Vec<Corrects>> {
        let prefix = join(&[&live.to_string(), ""]);
        let rows = self.store.list::<Corrects>("corrects_by_live", &prefix, most).await?;
        Ok(rows.into_iter().map(|row| row.record).collect())
    }

    /// Signs a correction: the post is approved, and no delivery is made of it. Who signed orders it at the desk of the delivery.
    ///
    /// # Errors
    /// Those of [`Review::approve`]; [`ReviewError::NotFound`] when the post corrects nothing.
    pub async fn approve_correction(
        &self,
        by: &User,
        post: PostId,
        seen: Digest,
        window: Window,
        capability: &Capability,
    ) -> Result<(Post, Corrects)> {
        let mut post = self.post(by, post).await?;
        may_sign(by, &post.record)?;
        let id = post.record.id;
        let missing = || ReviewError::NotFound { what: "correction", id: id.to_string() };
        let corrects = self.corrects(id).await?.ok_or_else(missing)?;
        post.record.state = post.record.state.next(PostEvent::Approve)?;
        let article = self.sign(by, &mut post.record, seen, window, capability).await?;
        let changes = Changes::by(Actor::User(by.id), "approve correction")
            .update(&post.record, post.version)
            .update(&article.record, article.version);
        self.store.commit(changes).await?;
        Ok((post.record, corrects))
    }

    /// A correction never becomes a post of its own.
    pub(crate) async fn makes_a_post(&self, post: PostId) -> Result<()> {
        match self.corrects(post).await? {
            None => Ok(()),
            Some(_) => Err(ReviewError::IsCorrection),
        }
    }
}
