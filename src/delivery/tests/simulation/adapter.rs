//! The adapter of the simulated platform, with every kind of chain.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use loa_channel::{
    Audience, Channel, Cx, Error, Health, InboundEvent, Lookup, Outgoing, Progress, Result, To,
    memory::{MemoryChannel, MemoryPlatform, Options},
};
use loa_delivery::Channels;
use loa_model::{
    AccountName, Capability, Clock as _, Measured, PostContent, Receipt, Secret, Ticket,
    capability::{PaceRule, ReadBack},
    delivery::Effect,
};
use loa_store::simulation::SimulatedStore;
use serde_json::json;

use crate::{
    kernel::Process,
    oracle::{Act, Sent},
    platform::{Manner, Status},
    wire::{Call, Request, Wire},
    witness::Told,
};

/// How a post is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chain {
    /// One public request.
    Public,
    /// A hidden draft, then made public by its id.
    Hidden,
    /// A hidden draft that is processed for so many seconds, then made public.
    Processed(u32),
    /// One public request, shown by itself so many seconds later.
    Settling(u32),
    /// A hidden draft, made public by its id, then asked whether it is.
    Confirmed,
}

/// One kind of account.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) chain: Chain,
    pub(crate) read_back: ReadBack,
    pub(crate) edit: bool,
    pub(crate) delete: bool,
    pub(crate) pace: PaceRule,
    /// Seconds between two polls.
    pub(crate) poll_s: u64,
}

/// The adapters of one process, by channel.
pub(crate) struct Adapters(pub(crate) Vec<(String, Arc<Adapter>)>);

impl Channels for Adapters {
    fn get(&self, channel: &str) -> Option<Arc<dyn Channel>> {
        let found = self.0.iter().find(|(name, _)| name == channel);
        found.map(|(_, adapter)| adapter.clone() as Arc<dyn Channel>)
    }
}

/// The adapter of one kind of account in one process.
pub(crate) struct Adapter {
    spec: Spec,
    capability: Capability,
    wire: Arc<Wire>,
    process: Arc<Process>,
    store: Arc<SimulatedStore>,
}

impl Adapter {
    pub(crate) fn new(
        spec: &Spec,
        wire: &Arc<Wire>,
        process: &Arc<Process>,
        store: &Arc<SimulatedStore>,
    ) -> Arc<Self> {
        // Its limits are those of the memory channel; its behaviour is not.
        let limits = MemoryChannel::over(MemoryPlatform::default(), Options::default());
        let mut capability = limits_of(&limits);
        capability.read_back = spec.read_back;
        capability.edit = spec.edit;
        capability.delete = spec.delete;
        capability.pace = spec.pace.clone();
        Arc::new(Self {
            spec: spec.clone(),
            capability,
            wire: wire.clone(),
            process: process.clone(),
            store: store.clone(),
        })
    }

    fn call<'a>(&'a self, account: &'a AccountName, request: Request) -> Call<'a> {
        Call { process: &self.process, account, request, marker: None, gate: None }
    }

    /// A receipt on its way back to the worker: from here on only the worker's death may lose it.
    fn live(&self, receipt: Receipt) -> Progress {
        let at = self.wire.timeline.now();
        let told =
            Told { process: self.process.name.clone(), remote_id: receipt.remote_id.clone(), at };
        self.wire.witness.seen().told.push(told);
        Progress::Live(receipt)
    }

    async fn start(&self, cx: &Cx<'_>, to: To<'_>, post: Outgoing<'_>) -> Result<Progress> {
        let mut files = Vec::new();
        for media in &post.content.media {
            files.push(cx.blobs.read(media.blob).await?.to_vec());
        }
        let account = &to.account.name;
        let effect = self.effect(post.content, None);
        let digest = Some(post.content.digest(account));
        let sent = Sent {
            delivery: post.delivery,
            account: account.clone(),
            act: Act::Start,
            effect,
            digest,
        };
        let manner = match self.spec.chain {
            Chain::Public => Manner::Public,
            Chain::Settling(after) => Manner::Settling(SignedDuration::from_secs(after.into())),
            Chain::Processed(for_s) => Manner::Draft(SignedDuration::from_secs(for_s.into())),
            Chain::Hidden | Chain::Confirmed => Manner::Draft(SignedDuration::ZERO),
        };
        let call = Call {
            marker: Some(post.marker),
            gate: Some((cx.gate, sent, &self.store)),
            ..self.call(account, Request::Create)
        };
        let (content, marker) = (post.content.clone(), post.marker.to_owned());
        let (name, secret, of) = (account.clone(), to.secret.clone(), post.delivery);
        let id = self
            .wire
            .exchange(call, move |platform, now| {
                platform.create(&name, &secret, (of, &marker, content, &files), manner, now)
            })
            .await?;
        let poll = Duration::from_secs(self.spec.poll_s);
        Ok(match self.spec.chain {
            Chain::Public => {
                let remote_id = id.to_string();
                let raw = json!({ "id": remote_id });
                self.live(Receipt { remote_id, url: String::new(), raw, at: cx.clock.now() })
            }
            Chain::Hidden | Chain::Confirmed => again("show", id, Duration::ZERO),
            Chain::Processed(_) => again("poll", id, poll),
            Chain::Settling(_) => again("settle", id, poll),
        })
    }

    async fn show(&self, cx: &Cx<'_>, to: To<'_>, post: Outgoing<'_>, id: u64) -> Result<Progress> {
        let account = &to.account.name;
        let sent = Sent {
            delivery: post.delivery,
            account: account.clone(),
            act: Act::Show,
            effect: Effect::Idempotent,
            digest: Some(post.content.digest(account)),
        };
        let gate = Some((cx.gate, sent, &*self.store));
        let call = Call { marker: Some(post.marker), gate, ..self.call(account, Request::Show) };
        let (name, secret) = (account.clone(), to.secret.clone());
        let receipt = self
            .wire
            .exchange(call, move |platform, now| platform.show(&name, &secret, id, now))
            .await?;
        Ok(match self.spec.chain {
            Chain::Confirmed => again("confirm", id, Duration::from_secs(self.spec.poll_s)),
            _ => self.live(receipt),
        })
    }

    async fn ask(&self, to: To<'_>, step: &str, id: u64) -> Result<Progress> {
        let (name, secret) = (to.account.name.clone(), to.secret.clone());
        let call = self.call(&to.account.name, Request::Poll);
        let status = self
            .wire
            .exchange(call, move |platform, now| platform.status(&name, &secret, id, now))
            .await?;
        let poll = Duration::from_secs(self.spec.poll_s);
        Ok(match (step, status) {
            ("settle" | "confirm", Status::Public(receipt)) => self.live(receipt),
            ("poll", Status::Ready | Status::Public(_)) => again("show", id, Duration::ZERO),
            (step, _) => again(step, id, poll),
        })
    }
}

#[async_trait]
impl Channel for Adapter {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    fn effect(&self, _content: &PostContent, at: Option<&Ticket>) -> Effect {
        match at.map(|ticket| ticket.step.as_str()) {
            None if matches!(self.spec.chain, Chain::Public | Chain::Settling(_)) => Effect::Public,
            None => Effect::Hidden,
            Some("show") => Effect::Idempotent,
            Some(_) => Effect::Read,
        }
    }

    async fn advance(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        post: Outgoing<'_>,
        at: Option<Ticket>,
    ) -> Result<Progress> {
        let Some(Ticket { step, data }) = at else { return self.start(cx, to, post).await };
        let id = data["id"].as_str().and_then(|id| id.parse().ok()).expect("our own ticket");
        if step == "show" {
            self.show(cx, to, post, id).await
        } else {
            self.ask(to, &step, id).await
        }
    }

    async fn find(&self, _cx: &Cx<'_>, to: To<'_>, what: Lookup<'_>) -> Result<Vec<Receipt>> {
        if self.spec.read_back == ReadBack::None {
            return Err(Error::unsupported("read-back"));
        }
        let (name, secret) = (to.account.name.clone(), to.secret.clone());
        let (marker, since) = (what.marker.to_owned(), what.since);
        let as_of = self.wire.clone();
        let call = self.call(&to.account.name, Request::Find);
        let found = self
            .wire
            .exchange(call, move |platform, now| {
                platform.find(&name, &secret, (&marker, since), as_of.listing(now))
            })
            .await?;
        if found.len() > 1 {
            self.wire.witness.count("duplicates found by read-back");
        }
        Ok(found)
    }

    async fn amend(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipt: &Receipt,
        post: Outgoing<'_>,
    ) -> Result<()> {
        let (name, secret) = (to.account.name.clone(), to.secret.clone());
        let sent = Sent {
            delivery: post.delivery,
            account: name.clone(),
            act: Act::Amend,
            effect: Effect::Idempotent,
            digest: Some(post.content.digest(&name)),
        };
        let (id, content) = (number(receipt)?, post.content.clone());
        let gate = Some((cx.gate, sent, &*self.store));
        let call = Call { gate, ..self.call(&to.account.name, Request::After) };
        self.wire
            .exchange(call, move |platform, _| platform.amend(&name, &secret, id, content))
            .await
    }

    async fn retract(&self, cx: &Cx<'_>, to: To<'_>, receipt: &Receipt) -> Result<()> {
        let (name, secret) = (to.account.name.clone(), to.secret.clone());
        let id = number(receipt)?;
        let found = crate::oracle::delivery_of(&self.store, &receipt.remote_id);
        let Some(delivery) = found else {
            return Err(Error::internal("no delivery has this receipt"));
        };
        let sent = Sent {
            delivery,
            account: name.clone(),
            act: Act::Delete,
            effect: Effect::Idempotent,
            digest: None,
        };
        let gate = Some((cx.gate, sent, &*self.store));
        let call = Call { gate, ..self.call(&to.account.name, Request::After) };
        self.wire.exchange(call, move |platform, _| platform.delete(&name, &secret, id)).await
    }

    /// The platform alone knows.
    fn ages(&self, _: To<'_>, _: Timestamp) -> bool {
        true
    }

    async fn refresh(&self, _cx: &Cx<'_>, to: To<'_>) -> Result<Option<Secret>> {
        let (name, secret) = (to.account.name.clone(), to.secret.clone());
        let call = self.call(&to.account.name, Request::Refresh);
        self.wire.exchange(call, move |platform, now| platform.refresh(&name, &secret, now)).await
    }

    async fn measure(&self, _: &Cx<'_>, _: To<'_>, _: &[Receipt]) -> Result<Vec<Measured>> {
        Err(Error::unsupported("measuring"))
    }

    async fn audience(&self, _: &Cx<'_>, _: To<'_>) -> Result<Audience> {
        Err(Error::unsupported("the audience"))
    }

    async fn health(&self, _: &Cx<'_>, _: To<'_>) -> Result<Health> {
        Err(Error::unsupported("health"))
    }

    fn inbound(&self, _: To<'_>, _: &[(String, String)], _: &[u8]) -> Result<Vec<InboundEvent>> {
        Err(Error::unsupported("messages"))
    }
}

fn limits_of(channel: &dyn Channel) -> Capability {
    channel.capability().clone()
}

fn again(step: &str, id: u64, wait: Duration) -> Progress {
    let data = json!({ "id": id.to_string() });
    Progress::Again { ticket: Ticket { step: step.to_owned(), data }, wait }
}

/// The platform's number in a receipt; a person may have confirmed a post without it.
fn number(receipt: &Receipt) -> Result<u64> {
    receipt.remote_id.parse().map_err(|_| Error::unsupported("changing a post of unknown id"))
}
