//! What concerns the whole account: fresh credentials, pauses, and the waits a platform asks for.

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_channel::{Channel, Cx, Deaf, RetryAdvice, To};
use loa_model::{Account, AccountStatus, Secret};
use loa_store::{Changes, Error as StoreError, StoreExt as _};

use crate::{
    Error, IncidentKind, Result, Worker,
    chain::{At, signed},
    config::secs,
    patience::{Patience, finish_refresh},
    switch::switches,
};

/// What came of a refresh.
pub(crate) enum Refreshed {
    /// New credentials are kept, ours or those of somebody who was faster.
    Yes,
    /// The channel sees no need: the credentials are young, or never change.
    Young,
    /// Not now.
    Later(SignedDuration),
    /// A person must connect the account again.
    No,
}

/// Refusals of fresh credentials within a quarter of an hour that pause an account.
const MOST_REFUSALS: usize = 3;

/// A refused refresh is asked again, and a person told again, after this.
const REFUSED_AGAIN: SignedDuration = SignedDuration::from_hours(24);

impl At<'_> {
    /// Renews credentials before they are too old to post with. Whatever comes of it, the old ones are used on: only a
    /// refusal of a request pauses an account.
    pub(crate) async fn keep_fresh(&self) -> Result<()> {
        let every = secs(self.worker.deps.config.refresh_check_s);
        let now = self.now();
        let name = &self.account.name;
        let asked = self.worker.memory().check_token_at.get(name).copied();
        let may =
            self.account.status == AccountStatus::Active && !self.worker.is_killed(self.account);
        if every.is_zero() || !may || asked.is_some_and(|next| now < next) {
            return Ok(());
        }
        let wait = match self.worker.refresh(self.account, self.channel, Some(self)).await {
            Ok(Refreshed::Yes | Refreshed::Young) => every,
            Ok(Refreshed::Later(wait)) => wait.clamp(secs(1), every.max(secs(60))),
            Ok(Refreshed::No) if self.secret().await?.is_none() => every,
            Ok(Refreshed::No) => {
                self.tell_refused().await?;
                REFUSED_AGAIN
            }
            // The vault may be back before the old credentials are too old.
            Err(crate::Error::Vault(error)) => {
                tracing::warn!(account = %name, %error, "Credentials could not be renewed ahead of time");
                every
            }
            Err(error) => return Err(error),
        };
        self.worker.memory().check_token_at.insert(name.clone(), now + wait);
        Ok(())
    }

    /// Why nothing may be sent on the account at this moment, when people stopped it since the round began.
    pub(crate) async fn stopped(&self) -> Result<Option<&'static str>> {
        self.worker.read_kill_switches().await?;
        if self.worker.is_killed(self.account) {
            return Ok(Some("the kill switch is on"));
        }
        let kept = self.worker.deps.store.read::<Account>(self.account.name.as_str()).await?;
        Ok(match kept.map(|kept| kept.record.status) {
            Some(AccountStatus::Active) => None,
            Some(AccountStatus::Paused { .. }) => Some("the account is paused"),
            Some(AccountStatus::NeedsReauth { .. }) => Some("waits for credentials"),
            None => Some("the account is not set up"),
        })
    }

    async fn tell_refused(&self) -> Result<()> {
        let reason = "the platform refuses to renew the credentials: the present ones still work for a while";
        tracing::warn!(account = %self.account.name, "The platform refuses to renew the credentials: connect the account again");
        let (agency, name) = (&self.account.agency, &self.account.name);
        let mover = self.mover();
        let kind = IncidentKind::NeedsReauth;
        let incident = mover.account_incident(agency, name, kind, self.now(), reason);
        mover.commit_incident(&incident).await?;
        Ok(())
    }
}

impl Worker {
    /// Hears what the ledger says of switches by now. Every request under way asks at every change, so those who wait for one
    /// reading share it.
    pub(crate) async fn read_kill_switches(&self) -> Result<()> {
        let asked = self.deps.store.last_seq();
        let mut read_at = self.switches_read_at.lock().await;
        if read_at.is_some_and(|read_at| read_at >= asked) {
            return Ok(());
        }
        let now = self.deps.store.last_seq();
        let switches = switches(&*self.deps.store).await?;
        let mut killed = self.killed.lock().unwrap_or_else(PoisonError::into_inner);
        for switch in switches {
            killed.entry(switch.scope).or_default().store(switch.on, Ordering::Release);
        }
        *read_at = Some(now);
        Ok(())
    }

    /// The switches that concern an account, shared with its gates.
    pub(crate) fn kill_switches(&self, account: &Account) -> Vec<Arc<AtomicBool>> {
        let mut killed = self.killed.lock().unwrap_or_else(PoisonError::into_inner);
        let scopes = [
            "all".to_owned(),
            format!("agency/{}", account.agency),
            format!("channel/{}", account.name.channel()),
        ];
        scopes.into_iter().map(|scope| killed.entry(scope).or_default().clone()).collect()
    }

    pub(crate) fn is_killed(&self, account: &Account) -> bool {
        self.kill_switches(account).iter().any(|on| on.load(Ordering::Acquire))
    }

    /// Asks the channel for new credentials, once per account at a time, mark before and result after.
    pub(crate) async fn refresh(
        &self,
        account: &Account,
        channel: &dyn Channel,
        at: Option<&At<'_>>,
    ) -> Result<Refreshed> {
        let _one_at_a_time = self.refreshing.lock().await;
        let now = self.deps.clock.now();
        let fresh = self.memory().refreshed.get(&account.name).copied();
        // Refused again right after a refresh: another one now would not help.
        if fresh.is_some_and(|then| now.duration_since(then) < SignedDuration::from_mins(2)) {
            return Ok(self.refused_again(account, now));
        }
        let Some(old) = self.deps.secrets.get(&account.name).await? else {
            return Ok(Refreshed::No);
        };
        if !channel.ages(To { account, secret: &old }, now) {
            return Ok(Refreshed::Young);
        }
        if let Err(error) = self.deps.secrets.begin_refresh(&account.name).await {
            tracing::warn!(account = %account.name, %error, "Credentials cannot be renewed now");
            return Ok(Refreshed::Later(secs(60)));
        }
        // Whoever renewed them since the look used the old token up: nobody asks with it again.
        let under_mark = self.deps.secrets.get(&account.name).await;
        if !matches!(&under_mark, Ok(Some(now_is)) if *now_is == old) {
            self.refreshed(account, None).await?;
            return Ok(if under_mark?.is_some() { Refreshed::Yes } else { Refreshed::No });
        }
        let gate = loa_model::seams::OpenGate;
        let deps = &self.deps;
        let cx = Cx {
            clock: &*deps.clock,
            blobs: &*deps.blobs,
            media: &*deps.media,
            gate: &gate,
            // Signing in takes nothing of what posts need.
            ear: &Deaf,
        };
        let request = channel.refresh(&cx, To { account, secret: &old });
        let limit = Duration::from_secs(30);
        let answer = match at {
            Some(at) => at.guarded(limit, request).await,
            None => Some(request.await),
        };
        match answer {
            Some(Ok(Some(new))) => {
                self.refreshed(account, Some(old.merged(new))).await?;
                self.memory().refreshed.insert(account.name.clone(), now);
                tracing::info!(account = %account.name, "Refreshed the credentials");
                Ok(Refreshed::Yes)
            }
            Some(Ok(None)) => {
                self.refreshed(account, None).await?;
                Ok(Refreshed::Young)
            }
            Some(Err(error)) => match error.advice {
                RetryAdvice::Later { wait, .. } => {
                    self.refreshed(account, None).await?;
                    Ok(Refreshed::Later(signed(wait)))
                }
                // Whether the old token was used up is not known: it is tried once more, and the platform says.
                RetryAdvice::Verify => {
                    self.refreshed(account, None).await?;
                    Ok(Refreshed::Later(secs(60)))
                }
                RetryAdvice::Never | RetryAdvice::Reauthorize => {
                    self.refreshed(account, None).await?;
                    Ok(Refreshed::No)
                }
            },
            None => {
                self.refreshed(account, None).await?;
                Ok(Refreshed::Later(secs(60)))
            }
        }
    }

    async fn refreshed(&self, account: &Account, new: Option<Secret>) -> Result<()> {
        let ends = || self.stopping.load(Ordering::Acquire);
        finish_refresh(&*self.deps.secrets, &account.name, new, &*self.deps.clock, &ends).await
    }

    /// Waits before what a platform gave once is written down again.
    pub(crate) async fn bear(&self, patience: &mut Patience, error: Error) -> Result<()> {
        patience.bear(error, &*self.deps.clock, self.stopping.load(Ordering::Acquire)).await
    }

    /// A refusal of fresh credentials. One may be a platform that does not know them everywhere yet; several within a short
    /// time need a person.
    fn refused_again(&self, account: &Account, now: Timestamp) -> Refreshed {
        let mut memory = self.memory();
        let refusals = memory.refusals.entry(account.name.clone()).or_default();
        refusals.retain(|at| now.duration_since(*at) < SignedDuration::from_mins(15));
        refusals.push(now);
        if refusals.len() < MOST_REFUSALS { Refreshed::Later(secs(60)) } else { Refreshed::No }
    }

    /// Pauses an account whose credentials the platform refuses, and tells a person. Its deliveries stay.
    pub(crate) async fn needs_reauth(&self, account: &Account, reason: &str) -> Result<()> {
        let now = self.deps.clock.now();
        loop {
            let Some(mut kept) = self.deps.store.read::<Account>(account.name.as_str()).await?
            else {
                return Ok(());
            };
            if matches!(kept.record.status, AccountStatus::NeedsReauth { .. }) {
                return Ok(());
            }
            kept.record.status =
                AccountStatus::NeedsReauth { reason: reason.to_owned(), since: now, first: false };
            let mover = self.mover(true);
            let incident = mover.account_incident(
                &account.agency,
                &account.name,
                IncidentKind::NeedsReauth,
                now,
                reason,
            );
            let changes = Changes::by(mover.actor.clone(), "pause account, credentials refused")
                .update(&kept.record, kept.version)
                .insert(&incident);
            match self.deps.store.commit(changes).await {
                Ok(_) => {
                    tracing::error!(account = %account.name, reason, "The platform refuses the credentials: connect the account again");
                    return Ok(());
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
