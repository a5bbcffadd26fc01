//! A channel that only says what it can do: pages never call one.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use loa_channel::{
    Audience, Channel, Cx, Error, Health, InboundEvent, Lookup, Outgoing, Progress, Result, To,
};
use loa_delivery::Channels;
use loa_model::{Capability, Measured, PostContent, Receipt, Secret, Ticket, delivery::Effect};

/// One channel.
pub struct Shown(pub Capability);

fn never<T>() -> Result<T> {
    Err(Error::unsupported("a call from a page"))
}

#[async_trait]
impl Channel for Shown {
    fn capability(&self) -> &Capability {
        &self.0
    }
    fn effect(&self, _content: &PostContent, _at: Option<&Ticket>) -> Effect {
        Effect::Public
    }
    async fn advance(
        &self,
        _cx: &Cx<'_>,
        _to: To<'_>,
        _post: Outgoing<'_>,
        _at: Option<Ticket>,
    ) -> Result<Progress> {
        never()
    }
    async fn find(&self, _cx: &Cx<'_>, _to: To<'_>, _what: Lookup<'_>) -> Result<Vec<Receipt>> {
        never()
    }
    async fn amend(
        &self,
        _cx: &Cx<'_>,
        _to: To<'_>,
        _receipt: &Receipt,
        _post: Outgoing<'_>,
    ) -> Result<()> {
        never()
    }
    async fn retract(&self, _cx: &Cx<'_>, _to: To<'_>, _receipt: &Receipt) -> Result<()> {
        never()
    }
    async fn measure(
        &self,
        _cx: &Cx<'_>,
        _to: To<'_>,
        _receipts: &[Receipt],
    ) -> Result<Vec<Measured>> {
        never()
    }
    async fn audience(&self, _cx: &Cx<'_>, _to: To<'_>) -> Result<Audience> {
        never()
    }
    async fn health(&self, _cx: &Cx<'_>, _to: To<'_>) -> Result<Health> {
        never()
    }
    fn ages(&self, _to: To<'_>, _now: Timestamp) -> bool {
        false
    }
    async fn refresh(&self, _cx: &Cx<'_>, _to: To<'_>) -> Result<Option<Secret>> {
        never()
    }
    fn inbound(
        &self,
        _to: To<'_>,
        _headers: &[(String, String)],
        _body: &[u8],
    ) -> Result<Vec<InboundEvent>> {
        never()
    }
}

/// All of them.
pub struct All(pub BTreeMap<String, Arc<Shown>>);

impl Channels for All {
    fn get(&self, channel: &str) -> Option<Arc<dyn Channel>> {
        self.0.get(channel).map(|found| found.clone() as Arc<dyn Channel>)
    }
}
