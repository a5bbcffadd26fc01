#![doc = include_str!("../README.md")]

mod call;
mod classify;
mod config;
mod inbound;
mod measure;
mod publish;
mod wire;

use async_trait::async_trait;
use jiff::Timestamp;
use loa_channel::{
    Audience, Channel, Cx, Error, Health, InboundEvent, Lookup, Outgoing, Progress, Result, To,
};
use loa_model::{Capability, Measured, PostContent, Receipt, Secret, Ticket, delivery::Effect};
use loa_net::{Client, Limits};

pub use call::AUTH_TOKEN;
pub use config::Config;
pub use publish::{CHANNEL_URL, FROM, WEBHOOK_URL};

/// How a post looks in a Channel: a template over `account`, `content` and `media_urls` (one address per file of the content).
pub const FRAME: &str = include_str!("../frame.html");

/// The adapter. One serves every Channel.
#[derive(Debug)]
pub struct Viber {
    capability: Capability,
    config: Config,
    client: Client,
}

impl Viber {
    /// An adapter that speaks to the base of `config` and to nothing else.
    ///
    /// # Errors
    /// [`loa_channel::ErrorKind::Internal`] when the base is not an http or https address.
    pub fn new(config: Config, limits: Limits) -> Result<Self> {
        let capability = Capability::from_toml(include_str!("../capability.toml"))
            .expect("the file beside this crate is valid, a test reads it");
        let client = Client::trusted(config.base.clone(), limits)
            .map_err(|error| Error::internal(error.to_string()).caused_by(error))?;
        Ok(Self { capability, config, client })
    }
}

#[async_trait]
impl Channel for Viber {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    fn effect(&self, _content: &PostContent, at: Option<&Ticket>) -> Effect {
        publish::effect(at)
    }

    async fn advance(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        post: Outgoing<'_>,
        at: Option<Ticket>,
    ) -> Result<Progress> {
        self.step(cx, to, post, at.as_ref()).await
    }

    async fn find(&self, _cx: &Cx<'_>, _to: To<'_>, _what: Lookup<'_>) -> Result<Vec<Receipt>> {
        Err(Error::unsupported("read-back"))
    }

    async fn amend(
        &self,
        _cx: &Cx<'_>,
        _to: To<'_>,
        _receipt: &Receipt,
        _post: Outgoing<'_>,
    ) -> Result<()> {
        Err(Error::unsupported("changing a post"))
    }

    async fn retract(&self, _cx: &Cx<'_>, _to: To<'_>, _receipt: &Receipt) -> Result<()> {
        Err(Error::unsupported("taking a post back"))
    }

    async fn measure(
        &self,
        _cx: &Cx<'_>,
        _to: To<'_>,
        _receipts: &[Receipt],
    ) -> Result<Vec<Measured>> {
        Err(Error::unsupported("telling numbers of a post"))
    }

    async fn audience(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Audience> {
        self.subscribers(cx, to).await
    }

    async fn health(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Health> {
        self.account_health(cx, to).await
    }

    /// A token does not age; it changes only when it is issued again in the app.
    fn ages(&self, _to: To<'_>, _now: Timestamp) -> bool {
        false
    }

    async fn refresh(&self, _cx: &Cx<'_>, _to: To<'_>) -> Result<Option<Secret>> {
        Ok(None)
    }

    fn inbound(
        &self,
        to: To<'_>,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Vec<InboundEvent>> {
        inbound::events(to, headers, body)
    }
}

#[cfg(test)]
mod frame_tests;
#[cfg(test)]
mod tests;
