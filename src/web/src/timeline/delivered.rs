//! What happened to a post on its way to the channel and after.

use loa_delivery::Correction;
use loa_model::{Actor, Delivery, DeliveryState as S, Record as _};
use loa_store::{Entry, Past};

use super::{Moment, Teller, said_by};
use crate::{
    article::{ZONE, web_address},
    error::WebError,
    view,
};

/// What each commit of a delivery did, the oldest first.
pub(super) async fn steps(
    teller: &mut Teller<'_>,
    commits: &[Past<Delivery>],
    steps: &mut Vec<Moment>,
) -> Result<(), WebError> {
    for (at, now) in commits.iter().enumerate().rev() {
        let before = commits.get(at + 1).map(|commit| &commit.record);
        let (d, entry) = (&now.record, &now.entry);
        if before.is_none() {
            let kind = if d.retry_of.is_some() { "retried" } else { "planned" };
            let until = view::time(d.due_at, ZONE);
            let who = teller.who(&entry.changes.actor).await?;
            let made = Moment { who, until, ..Moment::at(entry.at, kind, "scheduled") };
            steps.push(made.over(d.digest));
        }
        searched(teller, before, d, steps);
        let was = before.map_or(S::Scheduled, |before| before.state);
        let asked = before.is_some_and(|before| !before.cancel_requested) && d.cancel_requested;
        let by_person = matches!(entry.changes.actor, Actor::User(_));
        let word = before.and_then(|before| before.seen_live.as_deref());
        let saw = word.is_none() && d.seen_live.is_some();
        let moved = match () {
            () if asked => Some(("wish", "held")),
            () if saw => Some(("seen_live", "uncertain")),
            () => moved(was, d, by_person),
        };
        if let Some((kind, tone)) = moved {
            let mut step = step(teller, d, entry, kind, tone).await?;
            if let Some(word) = word.filter(|_| kind == "word_stands") {
                step.who = teller.who(&Actor::User(word.by)).await?;
            }
            steps.push(step);
        }
    }
    Ok(())
}

/// What was seen of an outcome that was not known, each at its own time.
fn searched(teller: &Teller<'_>, before: Option<&Delivery>, d: &Delivery, steps: &mut Vec<Moment>) {
    let known = before.map_or(0, |before| before.evidence.len());
    // Another attempt begins with none.
    let known = if d.evidence.len() < known { 0 } else { known };
    // Evidence that says what the move says is told once, with the move.
    let told = |what: &str| what == d.reason || said_by(what).is_some();
    let new = d.evidence.iter().skip(known).filter(|seen| !told(&seen.what));
    for seen in new {
        let reason = teller.reason(&seen.what);
        steps.push(Moment { reason, ..Moment::at(seen.at, "evidence", "uncertain") });
    }
}

/// What a commit did to a delivery; nothing where only the machine's own affairs went on.
fn moved(was: S, d: &Delivery, by_person: bool) -> Option<(&'static str, &'static str)> {
    let failed = !d.reason.is_empty();
    Some(match (was, d.state) {
        (S::Intent, S::Leased) => ("step_done", "leased"),
        (S::Correcting, S::Published) if failed => ("correction_failed", "rejected"),
        (S::Correcting, S::Published) => ("corrected", "published"),
        (S::Retracting, S::Published) => ("retract_failed", "rejected"),
        (S::Uncertain, S::Published) if by_person => ("confirmed_live", "published"),
        (S::Uncertain, S::Published) if !d.has_remote_id() => ("word_stands", "published"),
        (S::Uncertain, S::Published) => ("found", "published"),
        (S::Uncertain, S::Ready) if by_person => ("confirmed_absent", "ready"),
        (S::Uncertain, S::Ready) => ("absent", "ready"),
        (S::Held, S::Ready | S::Scheduled) => ("released", "ready"),
        (S::Intent | S::Leased, S::Ready) if failed => ("again", "held"),
        (was, now) if was == now => return None,
        (_, S::Intent) => ("sending", "intent"),
        (_, S::Published) => ("live", "published"),
        (_, S::Uncertain) => ("unclear", "uncertain"),
        (_, S::Rejected) => ("refused", "rejected"),
        (_, S::Dead) => ("dead", "dead"),
        (_, S::Held) => ("held", "held"),
        (_, S::Cancelled) => ("cancelled", "cancelled"),
        (_, S::Missed) => ("missed", "missed"),
        (_, S::Correcting) => ("correcting", "correcting"),
        (_, S::Retracting) => ("retracting", "retracting"),
        (_, S::Retracted) => ("retracted", "retracted"),
        (_, S::Gone) => ("gone", "gone"),
        (_, S::Scheduled | S::Ready | S::Leased) => return None,
    })
}

async fn step(
    teller: &mut Teller<'_>,
    d: &Delivery,
    entry: &Entry,
    kind: &'static str,
    tone: &'static str,
) -> Result<Moment, WebError> {
    let mut step = Moment::at(entry.at, kind, tone);
    step.who = teller.who(&entry.changes.actor).await?;
    if kind != "sending" && kind != "step_done" {
        step.reason = teller.reason(&d.reason);
    }
    match kind {
        "sending" => {
            step.attempt = d.attempt;
            if let Some(intent) = &d.intent {
                step.step.clone_from(&intent.step);
                step.step_title = teller.step(d);
                step = step.over(intent.digest);
            }
        }
        "step_done" => {
            step.step = d.ticket.as_ref().map(|t| t.step.clone()).unwrap_or_default();
            step.step_title = teller.step(d);
        }
        "live" | "found" | "confirmed_live" | "seen_live" | "word_stands" => {
            step.reason = teller.reason("");
            let seen = d.seen_live.as_ref().map(|seen| &seen.receipt);
            if let Some(receipt) = d.receipt.as_ref().or(seen) {
                (step.url, step.remote_id) = (web_address(&receipt.url), receipt.remote_id.clone());
            }
        }
        "unclear" | "again" | "refused" | "dead" => step.attempt = d.attempt,
        "correcting" => {
            let order = entry.changes.rows.iter().find(|row| row.table == Correction::TABLE);
            if let Some(order) = order.map(loa_store::Change::record::<Correction>).transpose()?
                && let Some(order) = order
            {
                step.reason = teller.reason(&order.reason);
                step.post = order.post.to_string();
            }
        }
        _ => {}
    }
    Ok(step)
}
