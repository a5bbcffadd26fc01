#![doc = include_str!("../README.md")]

mod access;
mod api;
mod classify;
mod config;
mod measure;
mod publish;
mod read_back;
mod usage;
mod video;
mod wire;

#[cfg(test)]
mod scripted;
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

use crate::{api::Api, publish::Step, wire::Kind};

pub use crate::config::Config;

/// How a post looks there: a template over `account`, `content` and `media_urls` (one address per file of the content).
pub const FRAME: &str = include_str!("../frame.html");

/// The channel of Zalo Official Accounts.
#[derive(Debug)]
pub struct Zalo {
    capability: Capability,
    api: Api,
}

impl Zalo {
    /// The channel with these settings; `limits` are those of one call.
    ///
    /// # Errors
    /// [`loa_channel::ErrorKind::Internal`] when an address of the settings is not an http address.
    pub fn new(config: Config, limits: Limits) -> Result<Self> {
        let mut capability = Capability::from_toml(include_str!("../capability.toml"))
            .map_err(|error| Error::internal(error.to_string()))?;
        capability.addresses_at(&config.article_page);
        Ok(Self { capability, api: Api::new(config, limits)? })
    }

    /// A draft that breaks a limit makes no request.
    fn within_limits(&self, content: &PostContent) -> Result<()> {
        self.capability.check(content).into_iter().next().map_or(Ok(()), |first| {
            let message =
                format!("{}: {} ({}, limit {})", first.field, first.problem, first.is, first.limit);
            Err(Error::new(ErrorKind::Content, RetryAdvice::Never, message))
        })
    }
}

#[async_trait]
impl Channel for Zalo {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    fn effect(&self, content: &PostContent, at: Option<&Ticket>) -> Effect {
        // A ticket that cannot be read may stand anywhere: the careful answer.
        Step::of(at, Kind::of(content.format)).map_or(Effect::Public, |step| step.effect())
    }

    async fn advance(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        post: Outgoing<'_>,
        at: Option<Ticket>,
    ) -> Result<Progress> {
        let step = Step::of(at.as_ref(), Kind::of(post.content.format))?;
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
        publish::amend(&self.api, cx, to, receipt, post).await
    }

    async fn retract(&self, cx: &Cx<'_>, to: To<'_>, receipt: &Receipt) -> Result<()> {
        publish::retract(&self.api, cx, to, receipt).await
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
        to: To<'_>,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Vec<InboundEvent>> {
        access::inbound(to, headers, body)
    }
}
