//! What people say of a post whose outcome is unclear: they saw it, or it is not there.

use loa_model::{
    Account, Capability, Delivery, DeliveryEvent as Event, DeliveryId, DeliveryState as State,
    PostId, Receipt, UserId, capability::ReadBack, delivery::Sighting, record::join,
};
use loa_store::{StoreExt as _, Versioned};

use crate::{
    Act, Desk, NotNow,
    config::secs,
    desk::{Result, given},
};

impl Desk {
    /// A person saw it live. An empty `remote_id` of the receipt is taken out of its address by the channel's rule. Where that
    /// tells none, the platform is searched on for a receipt, and their word stands when the search ends; where it cannot be
    /// searched it stands at once. Nothing can be asked of the platform about a post without an id: people take it back by hand.
    ///
    /// # Errors
    /// [`crate::DeskError::Role`]; [`crate::DeskError::Refused`] when its outcome is not in doubt;
    /// [`crate::DeskError::NotNow`] when another post of the account is the one at that address.
    pub async fn confirm_live(
        &self,
        id: DeliveryId,
        by: UserId,
        receipt: Receipt,
    ) -> Result<Delivery> {
        let before = self.allowed(Act::ConfirmLive, id, by).await?;
        let d = &before.record;
        let account = self.store.read::<Account>(d.account.as_str()).await?;
        let channel = self.channels.get(d.account.channel());
        let capability = channel.as_ref().map(|channel| channel.capability());
        let receipt = named(capability, account.as_ref(), receipt);
        let front = account.as_ref().and_then(|kept| kept.record.settings.get("channel_url"));
        let own = is_own(&receipt.url, front.map(String::as_str));
        let given = !receipt.remote_id.is_empty() || own;
        if given && let Some(other) = self.post_at(d, &receipt, own).await? {
            return Err(NotNow::Taken(other).into());
        }
        let searched = capability.is_some_and(|channel| channel.read_back != ReadBack::None);
        let event = if receipt.remote_id.is_empty() && searched {
            Event::SeenLive(Sighting { receipt, by })
        } else {
            Event::ConfirmLive { receipt, by }
        };
        let (next, mut changes) = self.mover(d, by).changes(&before, event, self.clock.now())?;
        if let Some(account) = account.filter(|_| given) {
            // Rewriting it as it is makes two people collide who give one address for two posts at once.
            changes = changes.update(&account.record, account.version);
        }
        self.store.commit(changes).await?;
        Ok(next)
    }

    /// Another post of the account that is or was the one of this receipt.
    async fn post_at(
        &self,
        d: &Delivery,
        receipt: &Receipt,
        by_url: bool,
    ) -> Result<Option<PostId>> {
        let same = |known: &Receipt| {
            !receipt.remote_id.is_empty() && known.remote_id == receipt.remote_id
                || by_url && known.url == receipt.url
        };
        for state in [
            State::Published,
            State::Correcting,
            State::Retracting,
            State::Retracted,
            State::Gone,
            State::Uncertain,
        ] {
            let prefix = join(&[d.account.as_str(), state.name(), ""]);
            let all =
                self.store.list::<Delivery>("delivery_by_account", &prefix, usize::MAX).await?;
            let other = all.into_iter().map(|kept| kept.record).find(|other| {
                let seen = other.seen_live.as_ref().map(|seen| &seen.receipt);
                other.id != d.id && other.receipt.as_ref().or(seen).is_some_and(same)
            });
            if let Some(other) = other {
                return Ok(Some(other.post));
            }
        }
        Ok(None)
    }

    /// A person looked and it is not there: it will be sent again.
    ///
    /// # Errors
    /// [`crate::DeskError::Role`]; [`crate::DeskError::Refused`] when its outcome is not in doubt;
    /// [`crate::DeskError::NotNow`] while the request may still be on its way: the quarantine binds people too.
    pub async fn confirm_absent(
        &self,
        id: DeliveryId,
        by: UserId,
        reason: String,
    ) -> Result<Delivery> {
        let before = self.allowed(Act::ConfirmAbsent, id, by).await?;
        let reason = given(&reason)?;
        if self.may_still_arrive(&before.record) {
            return Err(NotNow::OnItsWay.into());
        }
        self.act_on(&before, by, Event::ConfirmAbsent { by, reason }).await
    }

    /// Whether the request of an unclear outcome may still be on its way: then nobody can say that it is not there.
    pub fn may_still_arrive(&self, d: &Delivery) -> bool {
        let deadline = d.intent.as_ref().map(|intent| intent.send_deadline);
        // The intent of a worker that was lost earlier is gone; the quarantine was counted from it.
        let quarantine = secs(self.config.quarantine_s);
        let last_sent = deadline.max(d.quarantine_until.map(|until| until - quarantine));
        let longest = secs(self.config.create_timeout_s.min(30));
        d.state == State::Uncertain && last_sent.is_some_and(|at| self.clock.now() < at + longest)
    }
}

/// The receipt with the platform's id, when its address tells it.
fn named(
    channel: Option<&Capability>,
    account: Option<&Versioned<Account>>,
    receipt: Receipt,
) -> Receipt {
    if !receipt.remote_id.is_empty() || receipt.url.is_empty() {
        return receipt;
    }
    let page = account.map(|kept| kept.record.remote_id.as_str()).unwrap_or_default();
    let id = channel.and_then(|channel| channel.post_id_in(&receipt.url, page));
    Receipt { remote_id: id.unwrap_or_default(), ..receipt }
}

/// Whether an address is that of one post: where single posts have none, all of them lead to the front page of their account.
fn is_own(url: &str, front: Option<&str>) -> bool {
    let front = front.map(|front| front.trim_end_matches('/'));
    !url.is_empty() && front != Some(url.trim_end_matches('/'))
}
