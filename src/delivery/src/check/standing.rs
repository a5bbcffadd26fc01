//! As things stand now: deliveries against their posts and each other, and what is reserved of allowances.

use loa_model::{Delivery, DeliveryState as State, Post, PostId, PostState, record::join};
use loa_store::{Row, Store, StoreExt as _, Versioned};

use super::{
    Breach, Checked, PAGE, Rules, about,
    spending::{channel_of, overspent},
};
use crate::{Incident, IncidentKind, Pace, Result};

/// Checks all deliveries, post by post, and all allowances.
pub(super) async fn check(store: &dyn Store, rules: &Rules, found: &mut Checked) -> Result<()> {
    let mut from = String::new();
    let mut of_one: Vec<Delivery> = Vec::new();
    loop {
        let page = store.range("delivery_by_post", &from, "\u{10ffff}", PAGE, false).await?;
        let page: Vec<Versioned<Delivery>> =
            page.iter().map(Row::read).collect::<Result<_, _>>()?;
        let Some(last) = page.last().map(|row| &row.record) else { break };
        // Behind the last entry: no separator sorts lower than this one.
        from = join(&[&last.post.to_string(), &last.id.to_string(), ""]);
        for Versioned { record, .. } in page {
            if of_one.first().is_some_and(|first| first.post != record.post) {
                post(store, &std::mem::take(&mut of_one), found).await?;
            }
            of_one.push(record);
        }
    }
    post(store, &of_one, found).await?;
    allowances(store, rules, found).await
}

/// Deliveries of one post.
async fn post(store: &dyn Store, deliveries: &[Delivery], found: &mut Checked) -> Result<()> {
    let Some(first) = deliveries.first() else { return Ok(()) };
    let kept = store.read::<Post>(&first.post.to_string()).await?.map(|kept| kept.record);
    for d in deliveries {
        let signed = kept.as_ref().and_then(|post| post.approval.as_ref());
        if signed.is_none_or(|approval| approval.digest != d.digest) {
            found.note(Breach::Unsigned, about(d.id), None);
        }
        if kept.as_ref().is_some_and(|p| p.state == PostState::Approved && p.digest() != d.digest) {
            found.note(Breach::ChangedSinceSigned, about(d.id), None);
        }
        let prefix = join(&[&d.id.to_string(), ""]);
        let incidents = store.list::<Incident>("incident_by_delivery", &prefix, PAGE).await?;
        let twice = |row: &Versioned<Incident>| {
            row.record.kind == IncidentKind::Duplicate && row.record.closed.is_none()
        };
        if incidents.iter().any(twice) {
            found.note(Breach::DuplicateOpen, about(d.id), None);
        }
    }
    // Looked at together once more: one may have ended while the other began.
    if live(deliveries).count() > 1 {
        let again = of_post(store, first.post).await?;
        for d in live(&again).skip(1) {
            found.note(Breach::TwoLive, about(d.id), None);
        }
    }
    Ok(())
}

async fn of_post(store: &dyn Store, post: PostId) -> Result<Vec<Delivery>> {
    let prefix = join(&[&post.to_string(), ""]);
    let found = store.list::<Delivery>("delivery_by_post", &prefix, PAGE).await?;
    Ok(found.into_iter().map(|row| row.record).collect())
}

fn live(deliveries: &[Delivery]) -> impl Iterator<Item = &Delivery> {
    let live =
        |d: &&Delivery| matches!(d.state, State::Published | State::Correcting | State::Retracting);
    deliveries.iter().filter(live)
}

/// One pace for each account and app: there are far fewer than deliveries.
async fn allowances(store: &dyn Store, rules: &Rules, found: &mut Checked) -> Result<()> {
    for Versioned { record: pace, .. } in store.all::<Pace>(usize::MAX).await? {
        if rules.get(channel_of(&pace.key)).is_some_and(|rule| overspent(&pace, rule)) {
            found.note(Breach::OverSpent, format!("pace {}", pace.key), None);
        }
    }
    Ok(())
}
