//! The moves of one post between its author and its approver.

use jiff::Timestamp;
use loa_model::{
    Actor, Approval, Article, ArticleState, BodyBlock, Capability, Delivery, DeliveryEvent,
    DeliveryState, Digest, Link, Post, PostContent, PostId, PostState, Role, User, Variant,
    VariantState, article::article_key, post::PostEvent,
};
use loa_store::{Changes, Seq, StoreExt, Versioned};

use crate::{Result, Review, ReviewError};

/// When an approved post may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Not before.
    pub not_before: Timestamp,
    /// Not after: later it asks a person again.
    pub not_after: Timestamp,
}

impl Review {
    /// Hands a draft to the approvers.
    ///
    /// # Errors
    /// [`ReviewError::Role`], [`ReviewError::State`], [`ReviewError::Violations`], [`ReviewError::StaleVariant`],
    /// [`ReviewError::ArticleChanged`], [`ReviewError::Conflict`].
    pub async fn submit(&self, by: &User, post: PostId, capability: &Capability) -> Result<Post> {
        let mut post = self.post(by, post).await?;
        if !by.is(Role::Author) && !by.is(Role::Editor) {
            return Err(ReviewError::Role { needs: Role::Editor });
        }
        post.record.state = post.record.state.next(PostEvent::Submit)?;
        let article = self.check(&post.record, capability).await?;
        post.record.reason.clear();
        let changes =
            Changes::by(Actor::User(by.id), "submit post").update(&post.record, post.version);
        // The same article row at its version: a revision that lands meanwhile is a conflict, not a stale submission.
        self.store.commit(changes.update(&article.record, article.version)).await?;
        Ok(post.record)
    }

    /// Signs what the approver saw and makes the delivery, in one commit.
    ///
    /// # Errors
    /// [`ReviewError::Role`], [`ReviewError::OwnPost`], [`ReviewError::Changed`], [`ReviewError::Window`] and those of
    /// [`Review::submit`].
    pub async fn approve(
        &self,
        by: &User,
        post: PostId,
        seen: Digest,
        window: Window,
        capability: &Capability,
    ) -> Result<(Post, Delivery)> {
        let mut post = self.post(by, post).await?;
        may_sign(by, &post.record)?;
        self.makes_a_post(post.record.id).await?;
        post.record.state = post.record.state.next(PostEvent::Approve)?;
        let article = self.sign(by, &mut post.record, seen, window, capability).await?;
        let delivery = self.delivery(&post.record, window);
        let changes = Changes::by(Actor::User(by.id), "approve post")
            .update(&post.record, post.version)
            .insert(&delivery)
            .update(&article.record, article.version);
        self.store.commit(changes).await?;
        Ok((post.record, delivery))
    }

    /// Signs an approved post anew, for another window: its delivery is over and it did not get live. The new delivery
    /// names the old one.
    ///
    /// # Errors
    /// Those of [`Review::approve`]; [`ReviewError::TooLate`] while a delivery is under way, or when it was live.
    pub async fn approve_again(
        &self,
        by: &User,
        post: PostId,
        seen: Digest,
        window: Window,
        capability: &Capability,
    ) -> Result<(Post, Delivery)> {
        let mut post = self.post(by, post).await?;
        may_sign(by, &post.record)?;
        if post.record.state != PostState::Approved {
            return Err(ReviewError::NotApproved);
        }
        self.makes_a_post(post.record.id).await?;
        let article = self.sign(by, &mut post.record, seen, window, capability).await?;
        let old = self.deliveries_of(post.record.id).await?;
        if let Some(other) = old.iter().find(|d| !d.record.state.is_unsent()) {
            return Err(ReviewError::TooLate { state: other.record.state.name() });
        }
        let mut delivery = self.delivery(&post.record, window);
        let mut changes = Changes::by(Actor::User(by.id), "approve post again")
            .update(&post.record, post.version)
            .update(&article.record, article.version);
        // Rewriting the last one as it is makes two people who act at once collide.
        if let Some(last) = old.iter().max_by_key(|d| (d.record.created_at, d.record.id)) {
            delivery.retry_of = Some(last.record.id);
            changes = changes.update(&last.record, last.version);
        }
        self.store.commit(changes.insert(&delivery)).await?;
        Ok((post.record, delivery))
    }

    /// Puts the signature on the post, when it is what they saw and may go out in this window.
    pub(crate) async fn sign(
        &self,
        by: &User,
        post: &mut Post,
        seen: Digest,
        window: Window,
        capability: &Capability,
    ) -> Result<Versioned<Article>> {
        let digest = post.digest();
        if digest != seen {
            return Err(ReviewError::Changed { seen, now: digest });
        }
        let article = self.check(post, capability).await?;
        let at = self.clock.now();
        check_window(window, post, &article.record, at)?;
        let Window { not_before, not_after } = window;
        post.approval = Some(Approval { digest, by: by.id, at, not_before, not_after });
        Ok(article)
    }

    /// Sends a post back to its author.
    ///
    /// # Errors
    /// [`ReviewError::Role`], [`ReviewError::NoReason`], [`ReviewError::State`], [`ReviewError::Conflict`].
    pub async fn return_with_reason(&self, by: &User, post: PostId, reason: &str) -> Result<Post> {
        let mut post = self.post(by, post).await?;
        if !by.is(Role::Approver) {
            return Err(ReviewError::Role { needs: Role::Approver });
        }
        post.record.state = post.record.state.next(PostEvent::Return)?;
        post.record.reason = given(reason)?;
        let changes = Changes::by(Actor::User(by.id), "return post");
        self.store.commit(changes.update(&post.record, post.version)).await?;
        Ok(post.record)
    }

    /// Refuses a post for good: it is void, with the reason, and its slot is free again. A new draft of the article can be made.
    ///
    /// # Errors
    /// [`ReviewError::Role`], [`ReviewError::NoReason`], [`ReviewError::State`], [`ReviewError::Conflict`].
    pub async fn reject(&self, by: &User, post: PostId, reason: &str) -> Result<Post> {
        let mut post = self.post(by, post).await?;
        if !by.is(Role::Approver) {
            return Err(ReviewError::Role { needs: Role::Approver });
        }
        post.record.state = post.record.state.next(PostEvent::Reject)?;
        post.record.reason = given(reason)?;
        let changes = Changes::by(Actor::User(by.id), "reject post");
        self.store.commit(changes.update(&post.record, post.version)).await?;
        Ok(post.record)
    }

    /// Asks that a post be taken back: called off when nothing was sent, retracted when it is live, retracted as soon as its
    /// outcome is known otherwise. The answer is its delivery.
    ///
    /// # Errors
    /// [`ReviewError::Role`], [`ReviewError::NoReason`], [`ReviewError::NotFound`] without a delivery,
    /// [`ReviewError::TooLate`] when there is nothing to take back, [`ReviewError::Conflict`].
    pub async fn request_retraction(
        &self,
        by: &User,
        post: PostId,
        reason: &str,
    ) -> Result<Delivery> {
        let post = self.post(by, post).await?;
        if !by.is(Role::Approver) {
            return Err(ReviewError::Role { needs: Role::Approver });
        }
        let reason = given(reason)?;
        let Some((next, version)) = self.retraction(post.record.id, reason).await? else {
            let mut deliveries = self.deliveries_of(post.record.id).await?;
            deliveries.sort_by_key(|d| d.record.id);
            let last = deliveries.last().map(|d| d.record.state.name());
            let id = post.record.id.to_string();
            return Err(last.map_or(ReviewError::NotFound { what: "delivery", id }, |state| {
                ReviewError::TooLate { state }
            }));
        };
        let changes = Changes::by(Actor::User(by.id), "request retraction");
        self.store.commit(changes.update(&next, version)).await?;
        Ok(next)
    }

    /// The delivery of a post that is not over, asked to be taken back, with the version it replaces; nothing when every one is
    /// over.
    pub(crate) async fn retraction(
        &self,
        post: PostId,
        reason: String,
    ) -> Result<Option<(Delivery, Seq)>> {
        let deliveries = self.deliveries_of(post).await?;
        let open = deliveries.into_iter().filter(|d| !d.record.state.is_terminal());
        let Some(delivery) = open.max_by_key(|d| d.record.id) else { return Ok(None) };
        let event = match delivery.record.state {
            DeliveryState::Published => DeliveryEvent::Retract { reason },
            _ => DeliveryEvent::Cancel { reason },
        };
        let next = delivery.record.apply(event, self.clock.now())?;
        Ok(Some((next, delivery.version)))
    }

    /// A post of the person's agency.
    pub(crate) async fn post(&self, by: &User, id: PostId) -> Result<Versioned<Post>> {
        let found = self.store.read::<Post>(&id.to_string()).await?;
        found
            .filter(|post| post.record.agency == by.agency)
            .ok_or_else(|| ReviewError::NotFound { what: "post", id: id.to_string() })
    }

    pub(crate) async fn article(&self, post: &Post) -> Result<Versioned<Article>> {
        let key = article_key(post.article, post.revision);
        self.store
            .read::<Article>(&key)
            .await?
            .ok_or(ReviewError::NotFound { what: "article", id: key })
    }

    pub(crate) async fn deliveries_of(&self, post: PostId) -> Result<Vec<Versioned<Delivery>>> {
        let prefix = loa_model::record::join(&[&post.to_string(), ""]);
        Ok(self.store.list("delivery_by_post", &prefix, 1000).await?)
    }

    /// Whether a post may go on: its article is current, its variants are, and the channel would take it.
    async fn check(&self, post: &Post, capability: &Capability) -> Result<Versioned<Article>> {
        let article = self.article(post).await?;
        if article.record.state != ArticleState::Ready {
            return Err(ReviewError::ArticleChanged);
        }
        let live = match self.corrects(post.id).await? {
            Some(corrects) => self.store.read::<Post>(&corrects.live.to_string()).await?,
            None => None,
        };
        for (index, media) in post.content.media.iter().enumerate() {
            // What a correction leaves as the audience sees it already may be drawn from an earlier revision.
            if live.as_ref().is_some_and(|live| live.record.content.media.contains(media)) {
                continue;
            }
            let Some(id) = media.variant else { continue };
            let variant = self.store.read::<Variant>(&id.to_string()).await?;
            // Captions that a person rewrote belong to the clip whose captions they were.
            let file = post.drawn_as(index);
            let current = variant.is_some_and(|v| {
                v.record.state == VariantState::Rendered
                    && v.record.renditions.iter().any(|r| Some(r.blob) == file)
            });
            if !current {
                return Err(ReviewError::StaleVariant { variant: id.to_string() });
            }
        }
        if capability.channel != post.account.channel() {
            return Err(ReviewError::Account {
                account: post.account.to_string(),
                why: "the capability is another channel's",
            });
        }
        let violations = capability.check(&post.content);
        if violations.is_empty() { Ok(article) } else { Err(ReviewError::Violations(violations)) }
    }

    pub(crate) fn delivery(&self, post: &Post, window: Window) -> Delivery {
        let Window { not_before, not_after } = window;
        Delivery::planned(self.ids.make(), post, (not_before, not_after), self.clock.now())
    }
}

/// An approver, and nobody who wrote a version of it.
pub(crate) fn may_sign(by: &User, post: &Post) -> Result<()> {
    if !by.is(Role::Approver) {
        return Err(ReviewError::Role { needs: Role::Approver });
    }
    if post.was_written_by(by.id) { Err(ReviewError::OwnPost) } else { Ok(()) }
}

pub(crate) fn given(reason: &str) -> Result<String> {
    let reason = reason.trim();
    if reason.is_empty() { Err(ReviewError::NoReason) } else { Ok(reason.to_owned()) }
}

fn check_window(window: Window, post: &Post, article: &Article, now: Timestamp) -> Result<()> {
    let wrong = |why| Err(ReviewError::Window(why));
    if window.not_after <= window.not_before {
        return wrong("it ends before it begins");
    }
    if window.not_after <= now {
        return wrong("it is over");
    }
    if post.scheduled_at > window.not_after {
        return wrong("the post is scheduled after its end");
    }
    if article.embargo_until.is_some_and(|embargo| window.not_before < embargo) {
        return wrong("it begins before the embargo ends");
    }
    Ok(())
}

/// The content with another short link, wherever the old one stands.
pub fn relinked(mut content: PostContent, link: &Link) -> PostContent {
    let old = std::mem::replace(&mut content.link, link.clone());
    content.text = content.text.replace(&old.url, &link.url);
    for block in &mut content.body {
        if let BodyBlock::Text { text } = block {
            *text = text.replace(&old.url, &link.url);
        }
    }
    content
}
