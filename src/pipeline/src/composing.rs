//! Drafts of an article: each as soon as what it shows is drawn.

use std::sync::Arc;

use jiff::SignedDuration;
use loa_channel::Channel;
use loa_model::{
    Account, AccountName, Actor, Agency, ArticleId, JobId, Priority, UserId, Variant, When,
    record::join,
};
use loa_review::{Order, Outcome, Target, Writing};
use loa_store::{Claimed, StoreExt};

use crate::{
    Error, Result,
    flow::{Done, Flow},
    words::words,
};

/// Longest wait of composing for what is drawn. What was drawn, called off or given up wakes it; a drawing that died with its last
/// worker wakes nobody.
const WAIT: SignedDuration = SignedDuration::from_mins(1);

/// What somebody wants composed.
pub(crate) struct Asked<'a> {
    pub(crate) of: (ArticleId, u32),
    pub(crate) accounts: &'a [AccountName],
    pub(crate) author: UserId,
    pub(crate) when: When,
    pub(crate) priority: Priority,
    /// Words that a person wrote, where they did.
    pub(crate) text: Option<&'a str>,
}

impl Flow {
    pub(crate) async fn compose(&self, job: &Claimed, asked: &Asked<'_>) -> Result<Done> {
        let made = self.composed(asked, Some(job.job.id)).await?;
        Ok(match made {
            Some(outcome) if outcome.waiting.is_empty() => Done::Nothing,
            _ => Done::Later(self.deps().clock.now() + WAIT),
        })
    }

    /// Variants → one draft for each slot of each account's profile. Nothing while one of them waits for what is being drawn.
    ///
    /// # Errors
    /// [`Error::Missing`] for an account or channel that is not there, [`Error::Review`].
    pub async fn compose_now(
        &self,
        of: (ArticleId, u32),
        accounts: &[AccountName],
        author: UserId,
        when: When,
        priority: Priority,
    ) -> Result<Option<Outcome>> {
        let asked = Asked { of, accounts, author, when, priority, text: None };
        let made = self.composed(&asked, None).await?;
        Ok(made.filter(|outcome| outcome.waiting.is_empty()))
    }

    /// What can be made now; nothing before the article is briefed.
    async fn composed(&self, asked: &Asked<'_>, job: Option<JobId>) -> Result<Option<Outcome>> {
        let deps = self.deps();
        let (id, revision) = asked.of;
        let key = join(&[&id.to_string(), &format!("{revision:06}"), ""]);
        if deps.store.list::<Variant>("variant_by_article", &key, 1).await?.is_empty() {
            return Ok(None);
        }
        let article = self.article(id, revision).await?;
        let brief = self.brief_of(&article).await?;
        let mut found: Vec<(Account, Arc<dyn Channel>)> = Vec::new();
        for name in asked.accounts {
            let row = deps.store.read::<Account>(name.as_str()).await?;
            let account =
                row.ok_or_else(|| Error::Missing { what: "account", id: name.to_string() })?.record;
            let channel = deps.channels.get(name.channel());
            let channel = channel
                .ok_or_else(|| Error::Missing { what: "channel", id: name.channel().to_owned() })?;
            found.push((account, channel));
        }
        let none = Vec::new();
        let targets = found
            .iter()
            .map(|(account, channel)| Target {
                account,
                capability: channel.capability(),
                profile: deps.profiles.get(account.name.channel()).unwrap_or(&none),
            })
            .collect();
        let agency = deps.store.read::<Agency>(&article.agency).await?;
        let zone = agency.map_or_else(|| "UTC".to_owned(), |agency| agency.record.zone);
        let order = Order {
            agency: &article.agency,
            article: id,
            revision,
            targets,
            author: asked.author,
            when: asked.when,
            zone: &zone,
            priority: asked.priority,
            asked: job,
        };
        let write = |writing: &Writing<'_>| words(writing, &brief, asked.text);
        let outcome = deps.review.compose(Actor::User(asked.author), &order, &write).await?;
        if outcome.waiting.is_empty() {
            for missing in &outcome.missing {
                tracing::warn!(account = %missing.account, format = ?missing.format, what = missing.what, "A default post could not be made");
            }
        }
        for (post, violations) in &outcome.violations {
            tracing::warn!(%post, ?violations, "A draft breaks a limit of its channel; an editor must change it");
        }
        Ok(Some(outcome))
    }
}
