//! From an article and its variants to drafts, as each account's publishing profile says.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use loa_model::{
    Account, AccountName, Actor, Article, ArticleId, ArticleState, BodyBlock, Capability,
    FormatRule, JobId, JobKind, JobState, Link, Media, MediaRole, Post, PostContent, PostFormat,
    PostState, Priority, Rendition, Timing, UserId, Variant, VariantId, VariantKind, VariantState,
    Violation, When, article::article_key, record::join,
};
use loa_store::{Changes, StoreExt};
use serde::{Deserialize, Serialize};

use crate::{Result, Review, ReviewError, slots::lost_a_slot};

/// Where a file of a post comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from", deny_unknown_fields)]
pub enum Pick {
    /// A rendition of a variant: the first of these names that there is.
    Variant {
        /// Role in the post.
        role: MediaRole,
        /// Editorial form.
        kind: VariantKind,
        /// Names in order of preference, for example `portrait`.
        renditions: Vec<String>,
        /// Without it there is no post.
        required: bool,
    },
    /// Every page of a variant, in order. A post of pages is made only where there are two or more: a variant of one page, or
    /// none, is not missing.
    Pages {
        /// Role in the post.
        role: MediaRole,
        /// Editorial form.
        kind: VariantKind,
    },
    /// A photo of the article.
    Photo {
        /// Role in the post.
        role: MediaRole,
        /// Which, from 0.
        index: usize,
        /// Without it there is no post.
        required: bool,
    },
}

/// One post of a publishing profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Format.
    pub format: PostFormat,
    /// Not made where the account got a post of this format from an earlier slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<PostFormat>,
    /// Made only of articles that have this variant: a long clip, for example, is made where there is enough to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_with: Option<VariantKind>,
    /// Files in order.
    pub media: Vec<Pick>,
    /// Minutes after the first post of the article.
    #[serde(default)]
    pub after_minutes: u16,
}

impl Slot {
    /// Whether it shows one of these kinds.
    fn needs(&self, kinds: &BTreeSet<VariantKind>) -> bool {
        let of = |pick: &Pick| match pick {
            Pick::Variant { kind, .. } | Pick::Pages { kind, .. } => Some(*kind),
            Pick::Photo { .. } => None,
        };
        self.media.iter().filter_map(of).chain(self.only_with).any(|kind| kinds.contains(&kind))
    }
}

/// An account to compose for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Account.
    pub account: &'a Account,
    /// What its channel can do.
    pub capability: &'a Capability,
    /// Its publishing profile.
    pub profile: &'a [Slot],
}

/// What to compose.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// Agency (tenant).
    pub agency: &'a str,
    /// Article.
    pub article: ArticleId,
    /// Revision: must be the newest and ready.
    pub revision: u32,
    /// Accounts.
    pub targets: Vec<Target<'a>>,
    /// Author of the posts.
    pub author: UserId,
    /// When to post.
    pub when: When,
    /// IANA zone of the agency: the one of wall times.
    pub zone: &'a str,
    /// Urgency.
    pub priority: Priority,
    /// The job that asks, when it may ask again for what was not drawn yet. What came of it once is not made again, also when it
    /// was refused meanwhile.
    pub asked: Option<JobId>,
}

/// What the words of one post are written for.
#[derive(Debug)]
pub struct Writing<'a> {
    /// The article.
    pub article: &'a Article,
    /// Account.
    pub account: &'a Account,
    /// Format.
    pub format: PostFormat,
    /// Limits of the format.
    pub rule: &'a FormatRule,
    /// Short link of this post.
    pub link: &'a Link,
    /// Files of the post in order.
    pub media: &'a [Media],
}

/// The words of one post.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Title, empty where the format has none.
    pub title: String,
    /// Message, caption or description.
    pub text: String,
    /// Author, empty where the format has none.
    pub author: String,
    /// Blocks of an article post.
    pub body: Vec<BodyBlock>,
    /// Tags without `#`.
    pub tags: Vec<String>,
}

/// Result of composing.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The posts, those that were there already included.
    pub posts: Vec<Post>,
    /// Ids among them that this call made.
    pub made: Vec<loa_model::PostId>,
    /// What the channel would refuse, by post: an editor changes it before submitting.
    pub violations: Vec<(loa_model::PostId, Vec<Violation>)>,
    /// Posts of a profile that could not be made, and what was missing.
    pub missing: Vec<Missing>,
    /// Posts of a profile that can be made when more is drawn.
    pub waiting: Vec<Waiting>,
}

/// A post of a profile that what it shows is still drawn for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Account.
    pub account: AccountName,
    /// Format.
    pub format: PostFormat,
}

/// A post of a profile that could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Account.
    pub account: AccountName,
    /// Format.
    pub format: PostFormat,
    /// What was missing: `format`, or the media as in the profile.
    pub what: String,
}

impl Review {
    /// Makes the drafts of an article, but for those whose variants are still drawn. Asked again it makes none twice: a post of the
    /// same revision, account and format that is not void is kept.
    ///
    /// # Errors
    /// [`ReviewError::NotFound`], [`ReviewError::ArticleNotReady`], [`ReviewError::ArticleChanged`], [`ReviewError::Account`],
    /// [`ReviewError::Conflict`] when somebody composes the same article at the same time.
    pub async fn compose(
        &self,
        actor: Actor,
        order: &Order<'_>,
        write: &(dyn Fn(&Writing<'_>) -> Words + Sync),
    ) -> Result<Outcome> {
        let key = article_key(order.article, order.revision);
        let found =
            self.store.read::<Article>(&key).await?.filter(|a| a.record.agency == order.agency);
        let article =
            found.ok_or_else(|| ReviewError::NotFound { what: "article", id: key.clone() })?;
        match article.record.state {
            ArticleState::Ready => {}
            ArticleState::Fetched => return Err(ReviewError::ArticleNotReady),
            ArticleState::Superseded | ArticleState::Withdrawn => {
                return Err(ReviewError::ArticleChanged);
            }
        }
        let (variants, drawing) = self.variants_of(order.article, order.revision).await?;
        let known = self.posts_of(order.article).await?;

        let mut outcome = Outcome {
            posts: Vec::new(),
            made: Vec::new(),
            violations: Vec::new(),
            missing: Vec::new(),
            waiting: Vec::new(),
        };
        let mut drafts: Vec<(Post, SignedDuration)> = Vec::new();
        for target in &order.targets {
            let account = target.account;
            if account.agency != order.agency {
                return Err(ReviewError::Account {
                    account: account.name.to_string(),
                    why: "it belongs to another agency",
                });
            }
            for slot in target.profile {
                let same = |post: &&Post| {
                    post.revision == order.revision
                        && post.account == account.name
                        && post.content.format == slot.format
                        && post.state != PostState::Void
                };
                if let Some(post) = known.iter().map(|p| &p.record).find(same) {
                    outcome.posts.push(post.clone());
                    continue;
                }
                let refused = |post: &Post| {
                    post.revision == order.revision
                        && post.account == account.name
                        && post.content.format == slot.format
                        && order.asked.is_some_and(|job| post.id.0 > job.0)
                };
                if known.iter().any(|p| refused(&p.record)) {
                    continue;
                }
                let of_this = |post: &Post| {
                    post.account == account.name && Some(post.content.format) == slot.unless
                };
                let before = outcome.posts.iter().chain(drafts.iter().map(|(post, _)| post));
                if before.into_iter().any(of_this) {
                    continue;
                }
                let waits_for = |waiting: &Waiting| {
                    waiting.account == account.name && Some(waiting.format) == slot.unless
                };
                // What decides whether there is this post is drawn yet, or what it shows.
                if outcome.waiting.iter().any(waits_for) || slot.needs(&drawing) {
                    let (account, format) = (account.name.clone(), slot.format);
                    outcome.waiting.push(Waiting { account, format });
                    continue;
                }
                let there = |kind| variants.iter().any(|variant| variant.kind == kind);
                if !slot.only_with.is_none_or(there) {
                    continue;
                }
                let missing = |what: String| Missing {
                    account: account.name.clone(),
                    format: slot.format,
                    what,
                };
                let Some(rule) = target.capability.formats.get(&slot.format) else {
                    outcome.missing.push(missing("format".to_owned()));
                    continue;
                };
                let media = match files(&article.record, &variants, &slot.media) {
                    Ok(Some(media)) => media,
                    Ok(None) => continue,
                    Err(what) => {
                        outcome.missing.push(missing(what));
                        continue;
                    }
                };
                let link = self.mint(&article.record, &account.name).await?;
                let writing = Writing {
                    article: &article.record,
                    account,
                    format: slot.format,
                    rule,
                    link: &link,
                    media: &media,
                };
                let words = write(&writing);
                let post = self.draft(order, account, slot, &article.record, words, media, link);
                let violations = target.capability.check(&post.content);
                if !violations.is_empty() {
                    outcome.violations.push((post.id, violations));
                }
                outcome.made.push(post.id);
                drafts.push((post, SignedDuration::from_mins(slot.after_minutes.into())));
            }
        }
        while !drafts.is_empty() {
            let changes = Changes::by(actor.clone(), "compose posts");
            // Writing the article again with its version makes composing the same article twice at once a conflict.
            let changes = changes.update(&article.record, article.version);
            let changes = self.timed(&mut drafts, order, &article.record, changes).await?;
            match self.store.commit(changes).await {
                Ok(_) => break,
                // Somebody else's post has the slot now: the next one will do.
                Err(error) if lost_a_slot(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        outcome.posts.extend(drafts.into_iter().map(|(post, _)| post));
        Ok(outcome)
    }

    /// The variants of a revision, and the kinds of which one will still be drawn.
    async fn variants_of(
        &self,
        article: ArticleId,
        revision: u32,
    ) -> loa_store::Result<(Vec<Variant>, BTreeSet<VariantKind>)> {
        let prefix = join(&[&article.to_string(), &format!("{revision:06}"), ""]);
        let list = || self.store.list::<Variant>("variant_by_article", &prefix, 1000);
        let before: BTreeSet<VariantId> = list().await?.into_iter().map(|v| v.record.id).collect();
        let mut drawn: BTreeSet<VariantId> = BTreeSet::new();
        for state in JobState::ALL.into_iter().filter(|state| !state.ended()) {
            let jobs = self.store.jobs(Some(state), usize::MAX).await?.into_iter();
            drawn.extend(jobs.filter_map(|view| view.job.work.variant()));
        }
        // Read after the jobs: what ended in between is seen as it ended, and what was asked for in between counts as under way.
        let variants: Vec<Variant> = list().await?.into_iter().map(|v| v.record).collect();
        let is_drawing = |v: &&Variant| {
            matches!(v.state, VariantState::Queued | VariantState::Rendering)
                && (drawn.contains(&v.id) || !before.contains(&v.id))
        };
        let drawing = variants.iter().filter(is_drawing).map(|v| v.kind).collect();
        Ok((variants, drawing))
    }

    /// The kinds of a revision of which a variant will still be drawn: one whose job was called off or died is none of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn drawing(
        &self,
        article: ArticleId,
        revision: u32,
    ) -> loa_store::Result<BTreeSet<VariantKind>> {
        Ok(self.variants_of(article, revision).await?.1)
    }

    /// The commit that ends the wait of whoever composes this article: a variant is drawn, or will not be.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn waking(&self, mut changes: Changes, of: ArticleId) -> loa_store::Result<Changes> {
        for view in self.store.jobs(Some(JobState::Scheduled), usize::MAX).await? {
            if matches!(view.job.work, JobKind::Compose { article, .. } if article == of) {
                changes = changes.wake(view.job.id);
            }
        }
        Ok(changes)
    }

    /// Ends the wait for a variant whose job ended without it.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn wake(&self, variant: VariantId) -> loa_store::Result<()> {
        let Some(row) = self.store.read::<Variant>(&variant.to_string()).await? else {
            return Ok(());
        };
        let changes = Changes::by(Actor::Worker("review".to_owned()), "wake composing");
        let changes = self.waking(changes, row.record.article).await?;
        if !changes.wake.is_empty() {
            self.store.commit(changes).await?;
        }
        Ok(())
    }

    /// Gives each draft its time, as late after the first as its profile says, and writes it with the slot it takes.
    async fn timed(
        &self,
        drafts: &mut [(Post, SignedDuration)],
        order: &Order<'_>,
        article: &Article,
        mut changes: Changes,
    ) -> Result<Changes> {
        let mut taken: Vec<(AccountName, jiff::Timestamp)> = Vec::new();
        for (post, later) in drafts {
            let own = taken.iter().filter(|(account, _)| *account == post.account);
            let own: Vec<_> = own.map(|(_, at)| *at).collect();
            let mut from = article.embargo_until;
            let by_account = order.when == When::Usual;
            if by_account {
                let now = self.clock.now();
                from = Some(from.map_or(now, |embargo| embargo.max(now)) + *later);
            }
            let mut place = self.place(post, order.when, order.zone, from, &own).await?;
            if !later.is_zero() && place.slot.is_none() && !by_account {
                place.at = place.at.checked_add(*later).unwrap_or(place.at);
                if let (Timing::Exact { wall }, Ok(zone)) =
                    (&mut place.timing, loa_model::schedule::zone(&place.zone))
                {
                    *wall = zone.to_datetime(place.at);
                }
            }
            place.put(post);
            changes = place.take(changes.insert(post));
            taken.push((post.account.clone(), place.at));
        }
        Ok(changes)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call site; a struct would only repeat the post"
    )]
    fn draft(
        &self,
        order: &Order<'_>,
        account: &Account,
        slot: &Slot,
        article: &Article,
        words: Words,
        media: Vec<Media>,
        link: Link,
    ) -> Post {
        let now = self.clock.now();
        Post {
            id: self.ids.make(),
            agency: order.agency.to_owned(),
            article: order.article,
            revision: order.revision,
            account: account.name.clone(),
            content: PostContent {
                format: slot.format,
                lang: article.lang.clone(),
                title: words.title,
                author: words.author,
                text: words.text,
                body: words.body,
                media,
                link,
                tags: words.tags,
            },
            state: PostState::Draft,
            scheduled_at: now,
            zone: order.zone.to_owned(),
            timing: Timing::Soon,
            priority: order.priority,
            author: order.author,
            editors: Vec::new(),
            rewritten: Vec::new(),
            approval: None,
            reason: String::new(),
            created_at: now,
        }
    }

    /// A short link no other post has.
    pub(crate) async fn mint(&self, article: &Article, account: &AccountName) -> Result<Link> {
        loop {
            // 50 bits: guessing other posts' codes is hopeless, and two equal ones never meet.
            let code = self.ids.token(10);
            if !self.store.list::<Post>("post_by_code", &code, 1).await?.is_empty() {
                continue;
            }
            let url = format!("{}/l/{code}", self.link_base.trim_end_matches('/'));
            let target = tagged(article.web_address(), account, &code);
            return Ok(Link { code, url, target });
        }
    }
}

/// The address of an article with the marks of a post's campaign. Without an address there is nothing to be marked: the link
/// then leads to the light page.
pub fn tagged(address: &str, account: &AccountName, code: &str) -> String {
    let mut target = address.to_owned();
    if target.is_empty() {
        return target;
    }
    for (name, value) in [
        ("utm_source", account.channel()),
        ("utm_medium", "social"),
        ("utm_campaign", account.as_str()),
        ("utm_content", code),
    ] {
        target.push(if target.contains('?') { '&' } else { '?' });
        // Names of accounts and codes are plain, but for the colon.
        target.push_str(name);
        target.push('=');
        target.push_str(&value.replace(':', "%3A"));
    }
    target
}

/// The files of a slot, nothing for a post of pages that there is no need of, or what is missing.
fn files(
    article: &Article,
    variants: &[Variant],
    picks: &[Pick],
) -> Result<Option<Vec<Media>>, String> {
    // The newest of several comes last: ids sort by time.
    let newest = |kind: VariantKind| {
        let mut current =
            variants.iter().filter(|v| v.kind == kind && v.state == VariantState::Rendered);
        current.next_back()
    };
    let mut media = Vec::new();
    for pick in picks {
        let (found, required) = match pick {
            Pick::Variant { role, kind, renditions, required } => {
                let file = newest(*kind)
                    .and_then(|v| Some((v, renditions.iter().find_map(|name| v.rendition(name))?)));
                (file.map(|(variant, rendition)| rendered(*role, variant, rendition)), *required)
            }
            Pick::Pages { role, kind } => {
                let Some(variant) = newest(*kind).filter(|variant| variant.renditions.len() > 1)
                else {
                    return Ok(None);
                };
                media.extend(variant.renditions.iter().map(|file| rendered(*role, variant, file)));
                continue;
            }
            Pick::Photo { role, index, required } => {
                (article.photos.get(*index).and_then(|photo| photographed(*role, photo)), *required)
            }
        };
        match found {
            Some(file) => media.push(file),
            None if required => return Err(serde_json::to_string(pick).unwrap_or_default()),
            None => {}
        }
    }
    Ok(Some(media))
}

pub(crate) fn rendered(role: MediaRole, variant: &Variant, rendition: &Rendition) -> Media {
    Media {
        role,
        blob: rendition.blob,
        bytes: rendition.bytes,
        mime: rendition.mime.clone(),
        width: rendition.width,
        height: rendition.height,
        duration_ms: rendition.duration_ms,
        alt: rendition.alt.clone(),
        variant: Some(variant.id),
    }
}

/// A photo as it was published. Its size in bytes and pixels is not part of the article's record and stays 0: limits on it
/// are checked by the channel only, so profiles take pictures from variants where they can.
fn photographed(role: MediaRole, photo: &loa_model::Photo) -> Option<Media> {
    let alt = described(photo);
    Some(Media {
        role,
        blob: photo.blob?,
        bytes: 0,
        mime: photo.mime.clone(),
        width: 0,
        height: 0,
        duration_ms: 0,
        alt,
        variant: None,
    })
}

/// What a photo shows, in the words that it was published with.
pub(crate) fn described(photo: &loa_model::Photo) -> String {
    if photo.alt.is_empty() { photo.caption.clone() } else { photo.alt.clone() }
}
