//! The life of one post, read from the ledger: what happened, when, by whom, over which bytes, and what the channel answered.

mod delivered;
mod written;

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use jiff::Timestamp;
use loa_delivery::{Incident, SetAside};
use loa_model::{Actor, Delivery, Digest, Post, Sample, UserId, delivery::Ticket, record::join};
use loa_review::SecondLook;
use loa_store::StoreExt;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Shared, approvals,
    article::ZONE,
    auth::Visitor,
    channels::name_of_user,
    error::WebError,
    pages::name_of,
    post::own_post,
    view::{self, ReasonView},
};

/// Commits of one record that are read, the newest.
const MOST: usize = 300;
/// Deliveries and samples of one post that are read.
const DELIVERIES: usize = 50;

/// A number that was measured.
#[derive(Debug, Clone, Serialize)]
struct Number {
    metric: String,
    value: u64,
    shown: String,
}

/// Something that happened to a post.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Moment {
    at: Timestamp,
    shown_at: String,
    /// Key of its words.
    kind: &'static str,
    /// Colour of its mark, that of the state it led to.
    tone: &'static str,
    /// A person or the operator's command; empty when a machine did it.
    who: String,
    reason: ReasonView,
    digest: String,
    digest_short: String,
    /// The attempt, where there is one.
    attempt: u32,
    /// The step of the chain, by its name.
    step: String,
    /// The same as people call it.
    step_title: String,
    url: String,
    remote_id: String,
    /// Another time that belongs to it: when it is due, or until when it may go out.
    until: String,
    /// Another post that belongs to it.
    post: String,
    numbers: Vec<Number>,
}

impl Moment {
    fn at(at: Timestamp, kind: &'static str, tone: &'static str) -> Self {
        Self { at, shown_at: view::time(at, ZONE), kind, tone, ..Self::default() }
    }

    fn over(mut self, digest: Digest) -> Self {
        (self.digest, self.digest_short) = (digest.to_string(), digest.short());
        self
    }
}

/// Words for people: who, and why.
pub(crate) struct Teller<'a> {
    app: &'a Shared,
    visitor: &'a Visitor,
    names: BTreeMap<UserId, String>,
    /// Channel of the post.
    channel: &'a str,
}

impl Teller<'_> {
    async fn who(&mut self, actor: &Actor) -> Result<String, WebError> {
        match actor {
            Actor::User(id) => name_of_user(self.app, *id, &mut self.names).await,
            Actor::Operator(name) => Ok(name.clone()),
            Actor::Worker(_) => Ok(String::new()),
        }
    }

    fn step(&self, d: &Delivery) -> String {
        step_title(self.app, &self.visitor.lang, self.channel, d.ticket.as_ref())
    }

    fn reason(&self, reason: &str) -> ReasonView {
        ReasonView::of(&self.app.assets, &self.visitor.lang, reason)
    }
}

/// Everything that happened to a post, the oldest first.
pub(crate) async fn timeline(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
) -> Result<Vec<Moment>, WebError> {
    let channel = post.account.channel();
    let mut teller = Teller { app, visitor, names: BTreeMap::new(), channel };
    let mut steps = Vec::new();
    let commits = app.store.past::<Post>(&post.id.to_string(), MOST).await?;
    written::steps(&mut teller, &commits, &mut steps).await?;
    second_look(&mut teller, post, &mut steps).await?;
    corrections(&mut teller, post, &mut steps).await?;
    let of_post = join(&[&post.id.to_string(), ""]);
    let all = app.store.list_last::<Delivery>("delivery_by_post", &of_post, DELIVERIES).await?;
    for row in all {
        let id = row.record.id.to_string();
        let commits = app.store.past::<Delivery>(&id, MOST).await?;
        delivered::steps(&mut teller, &commits, &mut steps).await?;
        if let Some(row) = app.store.read::<SetAside>(&id).await? {
            let SetAside { reason, by, at, .. } = row.record;
            let (who, reason) = (teller.who(&Actor::User(by)).await?, teller.reason(&reason));
            steps.push(Moment { who, reason, ..Moment::at(at, "set_aside", "cancelled") });
        }
        incidents(&mut teller, &id, &mut steps).await?;
    }
    for row in app.store.list_last::<Sample>("sample_by_post", &of_post, DELIVERIES).await? {
        let number = |value: &loa_model::Value| Number {
            metric: name_of(&value.metric),
            value: value.value,
            shown: view::number(value.value, &visitor.lang),
        };
        let numbers = row.record.values.iter().map(number).collect();
        steps.push(Moment { numbers, ..Moment::at(row.record.taken_at, "measured", "draft") });
    }
    // What one commit wrote stays in the order it was found in.
    steps.sort_by_key(|step| step.at);
    with_seconds(&mut steps);
    Ok(steps)
}

/// Of what happened within one minute the seconds are told too.
fn with_seconds(steps: &mut [Moment]) {
    for minute in steps.chunk_by_mut(|one, next| one.shown_at == next.shown_at) {
        if minute.len() > 1 {
            for step in minute {
                step.shown_at = view::exact_time(step.at, ZONE);
            }
        }
    }
}

/// What people call a step of a channel's chain; a chain without a ticket stands at its first one.
pub(crate) fn step_title(
    app: &Shared,
    lang: &str,
    channel: &str,
    ticket: Option<&Ticket>,
) -> String {
    let Some(ticket) = ticket else { return app.assets.word(lang, "chain_step.first") };
    let known = app.capabilities.get(channel);
    let known = known.and_then(|capability| capability.step_title(&ticket.step, lang));
    known.map_or_else(|| app.assets.word(lang, "chain_step.other"), str::to_owned)
}

/// Who said that a post is there, or that it is not and why: people's own words among what was seen of an outcome.
pub(crate) fn said_by(evidence: &str) -> Option<(UserId, Option<&str>)> {
    let (id, said) = evidence.strip_prefix("user ")?.split_once(" says it is ")?;
    let why = match said {
        "live" => None,
        said => Some(said.strip_prefix("not live: ")?),
    };
    Some((id.parse().ok()?, why))
}

/// Why one person signed it, and what the second one said.
async fn second_look(
    teller: &mut Teller<'_>,
    post: &Post,
    steps: &mut Vec<Moment>,
) -> Result<(), WebError> {
    let row = teller.app.store.read::<SecondLook>(&post.id.to_string()).await?;
    let Some(look) = row.map(|row| row.record) else { return Ok(()) };
    if let Some(signed) = steps.iter_mut().find(|step| step.kind == "approved_alone") {
        signed.reason = teller.reason(&look.reason);
    }
    if let Some(settled) = look.settled {
        let who = teller.who(&Actor::User(settled.by)).await?;
        let (kind, tone) = match settled.taken_back {
            None => ("second_kept", "published"),
            Some(_) => ("second_taken_back", "rejected"),
        };
        let reason = teller.reason(&settled.taken_back.unwrap_or_default());
        steps.push(Moment { who, reason, ..Moment::at(settled.at, kind, tone) });
    }
    Ok(())
}

/// What it corrects, and what was written to correct it.
async fn corrections(
    teller: &mut Teller<'_>,
    post: &Post,
    steps: &mut Vec<Moment>,
) -> Result<(), WebError> {
    let app = teller.app;
    let told = |error| approvals::answers::problem(app, &error);
    let own = app.review.corrects(post.id).await.map_err(told)?;
    let of_it = app.review.corrections_of(post.id, DELIVERIES).await.map_err(told)?;
    let own = own.map(|own| (own.live, "corrects", own));
    let of_it = of_it.into_iter().map(|one| (one.draft, "correction_drafted", one));
    for (other, kind, one) in own.into_iter().chain(of_it) {
        let (who, reason) = (teller.who(&Actor::User(one.by)).await?, teller.reason(&one.reason));
        let post = other.to_string();
        steps.push(Moment { who, reason, post, ..Moment::at(one.at, kind, "draft") });
    }
    Ok(())
}

async fn incidents(
    teller: &mut Teller<'_>,
    delivery: &str,
    steps: &mut Vec<Moment>,
) -> Result<(), WebError> {
    let prefix = join(&[delivery, ""]);
    let store = &teller.app.store;
    let rows = store.list_last::<Incident>("incident_by_delivery", &prefix, DELIVERIES).await?;
    for incident in rows.into_iter().map(|row| row.record) {
        let said = incident.kind.say(&teller.visitor.lang).to_owned();
        let reason = ReasonView::said(said, incident.detail.clone());
        steps.push(Moment { reason, ..Moment::at(incident.at, "incident", "rejected") });
        if let Some((by, at)) = incident.closed {
            let who = match by {
                Some(by) => teller.who(&Actor::User(by)).await?,
                None => String::new(),
            };
            steps.push(Moment { who, ..Moment::at(at, "incident_closed", "published") });
        }
    }
    Ok(())
}

/// The life of a post as an operation.
pub(crate) async fn operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    Ok(Json(json!({ "steps": timeline(&app, &visitor, &post).await? })))
}

/// The operation as `OpenAPI` says it.
pub(crate) fn told() -> Value {
    let summary = "Everything that happened to a post, the oldest first: who, when, which bytes, attempts with their step (step_title: as people call it), evidence, receipt";
    approvals::told(summary, "steps", None, &[("404", "No such post in the caller's agency")])
}
