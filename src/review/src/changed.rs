//! A new revision of an article and what it does to everything made from the old one.

use loa_model::{
    Actor, Article, ArticleId, ArticleState, DeliveryEvent, DeliveryState, Post, PostState,
    Variant, VariantState, article::ArticleEvent, post::PostEvent, record::join,
    variant::VariantEvent,
};
use loa_store::{Changes, StoreExt, Versioned};

use crate::{Result, Review, ReviewError};

/// What a new revision did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effects {
    /// Posts that are void now.
    pub voided: usize,
    /// Deliveries that are held now.
    pub held: usize,
    /// Variants that are stale now.
    pub stale: usize,
    /// Posts of the old text that are live, or may be: each needs a correction or a retraction by a person.
    pub live: usize,
}

impl Review {
    /// Writes a new revision, supersedes the old ones, voids their posts that are not live, holds their deliveries and marks
    /// their variants stale, all in one commit.
    ///
    /// # Errors
    /// [`ReviewError::State`] when `new` is not the next revision of its article, [`ReviewError::Conflict`] when anything of
    /// it moved meanwhile: call again.
    pub async fn article_changed(&self, actor: Actor, new: &Article) -> Result<Effects> {
        self.revise(Changes::by(actor, "revise article"), new).await
    }

    /// The same in a commit that says why, with what else belongs to it.
    ///
    /// # Errors
    /// As [`Review::article_changed`].
    pub async fn revise(&self, changes: Changes, new: &Article) -> Result<Effects> {
        let revisions: Vec<Versioned<Article>> = self.revisions(new.id).await?;
        let last = revisions.last().map_or(0, |a| a.record.revision);
        let foreign = revisions.iter().any(|a| a.record.agency != new.agency);
        if foreign || new.revision != last + 1 {
            let state = format!("revision {last}");
            return Err(loa_model::IllegalMove {
                what: "article",
                state,
                event: format!("revision {}", new.revision),
            }
            .into());
        }
        let mut effects = Effects::default();
        let mut changes = changes.insert(new);
        for mut old in revisions {
            if matches!(old.record.state, ArticleState::Fetched | ArticleState::Ready) {
                old.record.state = old.record.state.next(ArticleEvent::Revised)?;
                changes = changes.update(&old.record, old.version);
            }
        }
        let prefix = join(&[&new.id.to_string(), ""]);
        for mut variant in self.store.list::<Variant>("variant_by_article", &prefix, 10_000).await?
        {
            if variant.record.state != VariantState::Stale {
                variant.record.state = variant.record.state.next(VariantEvent::InputChanged)?;
                "the article changed".clone_into(&mut variant.record.reason);
                changes = changes.update(&variant.record, variant.version);
                effects.stale += 1;
            }
        }
        for post in self.posts_of(new.id).await? {
            changes = self.void(post, changes, &mut effects).await?;
        }
        self.store.commit(changes).await?;
        Ok(effects)
    }

    async fn void(
        &self,
        mut post: Versioned<Post>,
        mut changes: Changes,
        effects: &mut Effects,
    ) -> Result<Changes> {
        if post.record.state == PostState::Void {
            return Ok(changes);
        }
        let mut live = false;
        for delivery in self.deliveries_of(post.record.id).await? {
            match delivery.record.state {
                DeliveryState::Scheduled | DeliveryState::Ready | DeliveryState::Leased
                    if !delivery.record.may_be_live() =>
                {
                    let event = DeliveryEvent::Hold { reason: "the article changed".to_owned() };
                    let held = delivery.record.apply(event, self.clock.now())?;
                    changes = changes.update(&held, delivery.version);
                    effects.held += 1;
                }
                DeliveryState::Published
                | DeliveryState::Correcting
                | DeliveryState::Retracting => live = true,
                // It may be live. The post is void all the same: should it prove absent, it is not sent again.
                DeliveryState::Ready
                | DeliveryState::Leased
                | DeliveryState::Intent
                | DeliveryState::Uncertain => effects.live += 1,
                _ => {}
            }
        }
        if live {
            effects.live += 1;
            return Ok(changes);
        }
        post.record.state = post.record.state.next(PostEvent::InputChanged)?;
        "the article changed".clone_into(&mut post.record.reason);
        effects.voided += 1;
        Ok(changes.update(&post.record, post.version))
    }

    /// Revisions of an article, the oldest first.
    pub(crate) async fn revisions(&self, id: ArticleId) -> Result<Vec<Versioned<Article>>> {
        let mut found = Vec::new();
        for revision in 1.. {
            match self.store.read::<Article>(&loa_model::article::article_key(id, revision)).await?
            {
                Some(article) => found.push(article),
                None => break,
            }
        }
        Ok(found)
    }

    pub(crate) async fn posts_of(&self, article: ArticleId) -> Result<Vec<Versioned<Post>>> {
        let prefix = join(&[&article.to_string(), ""]);
        self.store.list("post_by_article", &prefix, 10_000).await.map_err(ReviewError::from)
    }
}
