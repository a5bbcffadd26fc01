//! Whether an account works, asked when a person wants to know.

use std::sync::Arc;

use loa_channel::{Cx, Error, ErrorKind, Health, Notes, Result, RetryAdvice, To};
use loa_delivery::keep_usage;
use loa_model::{Account, Actor, seams::OpenGate};

use crate::{BlobReader, Flow};

impl Flow {
    /// Asks the platform with one harmless request whether the credentials of an account work. They are renewed first when
    /// they are too old, as for posting and measuring, and never by two at once.
    ///
    /// # Errors
    /// Those of [`loa_channel::Channel::health`]; [`ErrorKind::Auth`] also while no credentials are kept.
    pub async fn health(&self, account: &Account) -> Result<Health> {
        let deps = self.deps();
        let channel = deps.channels.get(account.name.channel());
        let channel = channel.ok_or_else(|| Error::unsupported("this channel"))?;
        let secret = deps.secrets.get(&account.name).await;
        let secret =
            secret.map_err(|error| Error::internal(error.to_string()))?.ok_or_else(|| {
                let message = "no credentials are kept";
                Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message)
            })?;
        let (blobs, notes) = (BlobReader(Arc::clone(&deps.blobs)), Notes::default());
        let cx = Cx {
            clock: &*deps.clock,
            blobs: &blobs,
            media: &*deps.media,
            gate: &OpenGate,
            ear: &notes,
        };
        let secret = if channel.ages(To { account, secret: &secret }, deps.clock.now()) {
            self.renewed(&*channel, &cx, account).await.unwrap_or(secret)
        } else {
            secret
        };
        let answer = channel.health(&cx, To { account, secret: &secret }).await;
        let (rule, actor) = (&channel.capability().pace, Actor::Worker("health".to_owned()));
        let (heard, now) = (notes.take(), deps.clock.now());
        if let Err(error) = keep_usage(&*deps.store, &actor, account, rule, &heard, None, now).await
        {
            // The answer of the platform is worth more than the count of what it took.
            tracing::warn!(account = %account.name, %error, "What the platform said of its allowances was not kept");
        }
        answer
    }
}
