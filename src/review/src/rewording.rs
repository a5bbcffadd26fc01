//! Other words for a post that is not live, and who wrote them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loa_model::{
    Actor, BodyBlock, DeliveryEvent, DeliveryState, Digest, MediaRole, Post, PostContent, PostId,
    PostState, Rewritten, Role, User, UserId, Variant, post::PostEvent,
};
use loa_store::{Changes, StoreExt, Versioned};

use crate::{Corrects, Result, Review, ReviewError, compose::described, desk::relinked};

impl Review {
    /// Changes a post. Before approval it is a draft again. After approval the signed post is void, its delivery is called
    /// off, and a new draft with a link of its own takes its place; the answer is that draft. Whoever changes a post is its
    /// author from then on, and nobody who wrote any version of it approves it.
    ///
    /// # Errors
    /// [`ReviewError::Role`], [`ReviewError::LinkChanged`], [`ReviewError::TooLate`] once it may be on the wire,
    /// [`ReviewError::State`], [`ReviewError::Conflict`].
    pub async fn edit(&self, by: &User, post: PostId, content: PostContent) -> Result<Post> {
        let post = self.post(by, post).await?;
        self.write(by, post, content).await
    }

    /// The same, for whoever looked at what has this digest: words that somebody else wrote meanwhile are not lost.
    ///
    /// # Errors
    /// [`ReviewError::Changed`] when the post is another by now, and those of [`Review::edit`].
    pub async fn reword(
        &self,
        by: &User,
        post: PostId,
        seen: Digest,
        content: PostContent,
    ) -> Result<Post> {
        let post = self.post(by, post).await?;
        let now = post.record.digest();
        if now != seen {
            return Err(ReviewError::Changed { seen, now });
        }
        self.write(by, post, content).await
    }

    async fn write(
        &self,
        by: &User,
        mut post: Versioned<Post>,
        content: PostContent,
    ) -> Result<Post> {
        if !by.is(Role::Author) && !by.is(Role::Editor) {
            return Err(ReviewError::Role { needs: Role::Editor });
        }
        if content.link != post.record.content.link {
            return Err(ReviewError::LinkChanged);
        }
        let approved = post.record.state == PostState::Approved;
        post.record.state = post.record.state.next(PostEvent::Edit)?;
        let drawn = self.drawn(&post.record, &content).await?;
        let marks = marks(&post.record, &content, &drawn, (by.id, self.clock.now()));
        let changes = Changes::by(Actor::User(by.id), "edit post");
        if !approved {
            post.record.content = content;
            post.record.rewritten = marks;
            post.record.hand_to(by.id);
            self.store.commit(changes.update(&post.record, post.version)).await?;
            return Ok(post.record);
        }
        let reason = "edited after approval";
        let mut changes = changes;
        for delivery in self.deliveries_of(post.record.id).await? {
            let state = delivery.record.state;
            if matches!(
                state,
                DeliveryState::Scheduled
                    | DeliveryState::Ready
                    | DeliveryState::Leased
                    | DeliveryState::Held
            ) && !delivery.record.may_be_live()
            {
                let event = DeliveryEvent::Cancel { reason: reason.to_owned() };
                let cancelled = delivery.record.apply(event, self.clock.now())?;
                changes = changes.update(&cancelled, delivery.version);
            } else if !state.is_terminal() {
                return Err(ReviewError::TooLate { state: state.name() });
            }
        }
        let article = self.article(&post.record).await?;
        let corrects = self.corrects(post.record.id).await?;
        // What takes the place of a correction is one, of the same live post and with its link.
        let link = match &corrects {
            Some(_) => content.link.clone(),
            None => self.mint(&article.record, &post.record.account).await?,
        };
        let mut draft = Post {
            id: self.ids.make(),
            rewritten: remembered(marks, &content.link.url, &link.url),
            content: relinked(content, &link),
            state: PostState::Draft,
            approval: None,
            reason: String::new(),
            created_at: self.clock.now(),
            ..post.record.clone()
        };
        draft.hand_to(by.id);
        reason.clone_into(&mut post.record.reason);
        if let Some(corrects) = corrects {
            changes = changes.insert(&Corrects { draft: draft.id, ..corrects });
        }
        self.store.commit(changes.update(&post.record, post.version).insert(&draft)).await?;
        Ok(draft)
    }

    /// The alternative texts that files of `content` which the post has not were drawn or published with.
    pub(crate) async fn drawn(
        &self,
        post: &Post,
        content: &PostContent,
    ) -> Result<BTreeMap<usize, String>> {
        let mut found = BTreeMap::new();
        let known = |blob| post.content.media.iter().any(|file| file.blob == blob);
        for (index, file) in content.media.iter().enumerate().filter(|(_, f)| !known(f.blob)) {
            let alt = if let Some(id) = file.variant {
                let variant = self.store.read::<Variant>(&id.to_string()).await?;
                let files = variant.map(|row| row.record.renditions).unwrap_or_default();
                files.into_iter().find(|r| r.blob == file.blob).map(|r| r.alt)
            } else {
                let article = self.article(post).await?.record;
                let mut photos = article.photos.iter();
                photos.find(|photo| photo.blob == Some(file.blob)).map(described)
            };
            if let Some(alt) = alt {
                found.insert(index, alt);
            }
        }
        Ok(found)
    }
}

/// A field of a post before it was changed.
struct Before<'a> {
    /// As it was composed.
    was: String,
    /// As it was just now.
    last: Option<String>,
    mark: Option<&'a Rewritten>,
}

impl<'a> Before<'a> {
    fn of(post: &'a Post, field: &str, last: &str) -> Self {
        let mark = post.rewriting(field);
        let was = mark.map_or_else(|| last.to_owned(), |mark| mark.was.clone());
        Self { was, last: Some(last.to_owned()), mark }
    }

    /// The mark of the field now: none where it is as it was composed.
    fn now(self, field: String, text: &str, (by, at): (UserId, Timestamp)) -> Option<Rewritten> {
        if self.was == text {
            return None;
        }
        match self.mark.filter(|_| self.last.as_deref() == Some(text)) {
            Some(mark) => Some(Rewritten { field, ..mark.clone() }),
            None => Some(Rewritten { field, was: self.was, by, at }),
        }
    }
}

/// What of `new` is in other words than it was composed with. `drawn` are the alternative texts that came with files which
/// the post did not have.
pub(crate) fn marks(
    post: &Post,
    new: &PostContent,
    drawn: &BTreeMap<usize, String>,
    who: (UserId, Timestamp),
) -> Vec<Rewritten> {
    let old = &post.content;
    let mut found = Vec::new();
    let mut plain = |field: &str, before: &str, now: &str| {
        found.extend(Before::of(post, field, before).now(field.to_owned(), now, who));
    };
    plain("title", &old.title, &new.title);
    plain("author", &old.author, &new.author);
    plain("text", &old.text, &new.text);
    plain("tags", &old.tags.join(" "), &new.tags.join(" "));
    for (at, from) in places(&old.body, &new.body).into_iter().enumerate() {
        let (Some(from), Some(block)) = (from, new.body.get(at)) else { continue };
        let before = Before::of(post, &format!("body.{from}"), words(&old.body[from]));
        found.extend(before.now(format!("body.{at}"), words(block), who));
    }
    for (at, file) in new.media.iter().enumerate() {
        let there = old.media.iter().position(|f| f.blob == file.blob && f.role == file.role);
        let beside =
            old.media.get(at).filter(|f| f.role == file.role && old.media.len() == new.media.len());
        let from = there.or(beside.map(|_| at));
        let before = match (drawn.get(&at), from) {
            (Some(alt), _) => Before { was: alt.clone(), last: None, mark: None },
            (None, Some(from)) => {
                Before::of(post, &format!("media.{from}.alt"), &old.media[from].alt)
            }
            (None, None) => continue,
        };
        found.extend(before.now(format!("media.{at}.alt"), &file.alt, who));
        if let (MediaRole::Captions, None, Some(from)) = (file.role, drawn.get(&at), from) {
            let last = old.media[from].blob.to_string();
            let before = Before::of(post, &format!("media.{from}.captions"), &last);
            found.extend(before.now(format!("media.{at}.captions"), &file.blob.to_string(), who));
        }
    }
    found
}

/// The marks of content that got another short link.
pub(crate) fn remembered(mut marks: Vec<Rewritten>, old: &str, new: &str) -> Vec<Rewritten> {
    for mark in &mut marks {
        mark.was = mark.was.replace(old, new);
    }
    marks
}

fn words(block: &BodyBlock) -> &str {
    match block {
        BodyBlock::Text { text } => text,
        BodyBlock::Picture { caption, .. } => caption,
    }
}

/// Where each block was before: pictures may have left, paragraphs stay in their order.
fn places(old: &[BodyBlock], new: &[BodyBlock]) -> Vec<Option<usize>> {
    let mut from = 0;
    let mut found = Vec::new();
    for (at, block) in new.iter().enumerate() {
        let picture = matches!(block, BodyBlock::Picture { .. });
        let differs = |was: &BodyBlock| {
            let was_picture = matches!(was, BodyBlock::Picture { .. });
            was_picture && (!picture || words(was) != words(block))
        };
        while old.len() - from.min(old.len()) > new.len() - at && old.get(from).is_some_and(differs)
        {
            from += 1;
        }
        found.push((from < old.len()).then_some(from));
        from += 1;
    }
    found
}
