#![doc = include_str!("../README.md")]

mod access;
mod api;
mod classify;
mod config;
mod measure;
mod publish;
mod quota;
mod read_back;
mod wire;

#[cfg(test)]
mod testing;

use async_trait::async_trait;
use jiff::Timestamp;
use loa_channel::{
    Audience, Channel, Cx, Error, ErrorKind, Health, InboundEvent, Lookup, Outgoing, Progress,
    Result, RetryAdvice, To,
};
use loa_model::{Capability, Measured, PostContent, Receipt, Secret, Ticket, delivery::Effect};
use loa_net::Limits;

use crate::{api::Api, publish::Step};

pub use crate::config::Config;

/// How a post looks there: a template over `account`, `content` and `media_urls` (one address per file of the content).
pub const FRAME: &str = include_str!("../frame.html");

/// Tags may take this many characters in all, commas counted, and two more for a tag with a space.
const MAX_TAG_CHARS: usize = 500;

/// The channel of YouTube channels.
#[derive(Debug)]
pub struct YouTube {
    capability: Capability,
    api: Api,
}

impl YouTube {
    /// The channel with these settings; `limits` are those of one call.
    ///
    /// # Errors
    /// [`loa_channel::ErrorKind::Internal`] when an address of the settings is not an http address, or the chunk size is not a
    /// multiple of 256 KiB.
    pub fn new(config: Config, limits: Limits) -> Result<Self> {
        let mut capability = Capability::from_toml(include_str!("../capability.toml"))
            .map_err(|error| Error::internal(error.to_string()))?;
        capability.addresses_at(&config.watch_base);
        Ok(Self { capability, api: Api::new(config, limits)? })
    }

    /// A draft that breaks a limit makes no request.
    fn within_limits(&self, content: &PostContent) -> Result<()> {
        let refuse = |message| Err(Error::new(ErrorKind::Content, RetryAdvice::Never, message));
        if let Some(first) = self.capability.check(content).into_iter().next() {
            return refuse(format!(
                "{}: {} ({}, limit {})",
                first.field, first.problem, first.is, first.limit
            ));
        }
        let tags = tag_chars(&content.tags);
        if tags > MAX_TAG_CHARS {
            return refuse(format!("tags: too_long ({tags}, limit {MAX_TAG_CHARS} chars)"));
        }
        Ok(())
    }
}

fn tag_chars(tags: &[String]) -> usize {
    let each = |tag: &String| tag.chars().count() + if tag.contains(' ') { 2 } else { 0 };
    tags.iter().map(each).sum::<usize>() + tags.len().saturating_sub(1)
}

#[async_trait]
impl Channel for YouTube {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    fn effect(&self, _content: &PostContent, at: Option<&Ticket>) -> Effect {
        // A ticket that cannot be read may stand anywhere: the careful answer.
        Step::of(at).map_or(Effect::Public, |step| step.effect())
    }

    async fn advance(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        post: Outgoing<'_>,
        at: Option<Ticket>,
    ) -> Result<Progress> {
        let step = Step::of(at.as_ref())?;
        self.within_limits(post.content)?;
        publish::advance(&self.api, cx, to, post, step).await
    }

    async fn find(&self, cx: &Cx<'_>, to: To<'_>, what: Lookup<'_>) -> Result<Vec<Receipt>> {
        read_back::find(&self.api, cx, to, what).await
    }

    async fn amend(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipt: &Receipt,
        post: Outgoing<'_>,
    ) -> Result<()> {
        self.within_limits(post.content)?;
        publish::amend(&self.api, cx, to, receipt, post.content).await
    }

    async fn retract(&self, cx: &Cx<'_>, to: To<'_>, receipt: &Receipt) -> Result<()> {
        publish::delete(&self.api, cx, to, &receipt.remote_id).await
    }

    async fn measure(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipts: &[Receipt],
    ) -> Result<Vec<Measured>> {
        measure::measure(&self.api, cx, to, receipts).await
    }

    async fn audience(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Audience> {
        measure::audience(&self.api, cx, to).await
    }

    async fn health(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Health> {
        measure::health(&self.api, cx, to).await
    }

    fn ages(&self, to: To<'_>, now: Timestamp) -> bool {
        access::is_due(&self.api, to, now)
    }

    async fn refresh(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Option<Secret>> {
        access::refresh(&self.api, cx, to).await
    }

    fn inbound(
        &self,
        _to: To<'_>,
        _headers: &[(String, String)],
        _body: &[u8],
    ) -> Result<Vec<InboundEvent>> {
        Err(Error::unsupported("a message to us"))
    }
}
