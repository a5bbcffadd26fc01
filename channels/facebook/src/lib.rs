#![doc = include_str!("../README.md")]

mod call;
mod classify;
mod config;
mod find;
mod inbound;
mod measure;
mod publish;
mod usage;
mod wire;

use std::{collections::BTreeSet, sync::Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use loa_channel::{
    Audience, Channel, Cx, Error, Health, InboundEvent, Lookup, Outgoing, Progress, Result, To,
};
use loa_model::{Capability, Measured, PostContent, Receipt, Secret, Ticket, delivery::Effect};
use loa_net::{Client, Limits};

pub use call::{APP_SECRET, PAGE_TOKEN};
pub use config::{Config, MetricRule};

/// How a post looks on a Page: a template over `account`, `content` and `media_urls` (one address per file of the content).
pub const FRAME: &str = include_str!("../frame.html");

/// The adapter. One serves every Page.
#[derive(Debug)]
pub struct Facebook {
    capability: Capability,
    config: Config,
    client: Client,
    /// Metric names the platform refused since the start.
    quarantined: Mutex<BTreeSet<String>>,
}

impl Facebook {
    /// An adapter that speaks to the bases of `config` and to nothing else.
    ///
    /// # Errors
    /// [`loa_channel::ErrorKind::Internal`] when a base is not an http or https address.
    pub fn new(config: Config, limits: Limits) -> Result<Self> {
        let mut capability = Capability::from_toml(include_str!("../capability.toml"))
            .expect("the file beside this crate is valid, a test reads it");
        capability.draft_then_publish = config.two_phase;
        capability.addresses_at(&config.graph);
        let client = Client::trusted(config.graph.clone(), limits)
            .map_err(|error| Error::internal(error.to_string()).caused_by(error))?
            .allowing([&config.graph_video, &config.rupload, &config.oauth]);
        Ok(Self { capability, config, client, quarantined: Mutex::default() })
    }
}

#[async_trait]
impl Channel for Facebook {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    fn effect(&self, content: &PostContent, at: Option<&Ticket>) -> Effect {
        publish::effect(self.config.two_phase, content, at)
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

    async fn find(&self, cx: &Cx<'_>, to: To<'_>, what: Lookup<'_>) -> Result<Vec<Receipt>> {
        self.read_back(cx, to, what).await
    }

    async fn amend(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipt: &Receipt,
        post: Outgoing<'_>,
    ) -> Result<()> {
        self.change(cx, to, receipt, post.content).await
    }

    async fn retract(&self, cx: &Cx<'_>, to: To<'_>, receipt: &Receipt) -> Result<()> {
        self.remove(cx, to, receipt).await
    }

    async fn measure(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipts: &[Receipt],
    ) -> Result<Vec<Measured>> {
        let mut measured = Vec::with_capacity(receipts.len());
        for receipt in receipts {
            measured.push(self.measure_one(cx, to, receipt).await?);
        }
        Ok(measured)
    }

    async fn audience(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Audience> {
        self.followers(cx, to).await
    }

    async fn health(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Health> {
        self.page_health(cx, to).await
    }

    /// A Page token does not age; when it dies, a person must log in again.
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
