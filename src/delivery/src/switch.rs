//! Stopping and starting: one account, a channel, an agency, or everything.

use jiff::Timestamp;
use loa_model::{Account, AccountName, AccountStatus, Actor, Role, UserId, Why, record::join};
use loa_store::{Changes, Expect, Store, StoreExt as _};

use crate::{
    Desk, IncidentKind, KillSwitch,
    desk::{DeskError, NotNow, Result, given},
};

/// Who may stop and start accounts and the machine.
pub const SWITCHERS: &[Role] = &[Role::Approver, Role::Admin];

/// Most accounts of an agency that are looked at.
const MOST_ACCOUNTS: usize = 10_000;

/// Something that is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// `all`, `agency/<name>`, `channel/<name>`, or the name of an account.
    pub scope: String,
    /// Why, for people.
    pub reason: String,
    /// Who stopped it; nobody when the platform refused the credentials.
    pub by: Option<UserId>,
    /// Since when.
    pub since: Timestamp,
}

impl KillSwitch {
    /// Whether an account lies in its scope.
    pub fn covers(&self, agency: &str, account: &AccountName) -> bool {
        let is = |kind: &str, name: &str| self.scope.strip_prefix(kind) == Some(name);
        self.scope == "all" || is("agency/", agency) || is("channel/", account.channel())
    }
}

/// Every switch, thrown or lifted. There is one for each scope that was ever stopped, and none may be passed over.
///
/// # Errors
/// [`loa_store::Error`].
pub(crate) async fn switches(store: &dyn Store) -> loa_store::Result<Vec<KillSwitch>> {
    let all = store.all::<KillSwitch>(usize::MAX).await?;
    Ok(all.into_iter().map(|kept| kept.record).collect())
}

impl Desk {
    /// Stops or starts what people name: an account, or the scope of a [kill switch](Self::kill_switch).
    ///
    /// # Errors
    /// Those of [`Self::pause_account`], [`Self::resume_account`] and [`Self::kill_switch`]; [`DeskError::NotNow`] for an account
    /// that never worked: only a test of it lets it post.
    pub async fn switch(&self, scope: &str, stop: bool, by: UserId, reason: String) -> Result<()> {
        match scope.parse::<AccountName>() {
            Ok(account) if stop => self.pause_account(&account, by, reason).await,
            Ok(account) => {
                let kept = self.store.read::<Account>(account.as_str()).await?;
                if kept.is_some_and(|row| !row.record.is_connected()) {
                    return Err(NotNow::NeverWorked.into());
                }
                self.resume_account(&account, by).await
            }
            Err(_) => self.kill_switch(scope, stop, by, reason).await,
        }
    }

    /// Stops an account until somebody resumes it.
    ///
    /// # Errors
    /// [`DeskError::Role`], [`DeskError::NoReason`], [`DeskError::Unknown`] also for another agency's.
    pub async fn pause_account(
        &self,
        name: &AccountName,
        by: UserId,
        reason: String,
    ) -> Result<()> {
        let (reason, since) = (given(&reason)?, self.clock.now());
        let paused = AccountStatus::Paused { reason, since, by: Some(by) };
        self.set_status(name, by, "pause account", paused).await
    }

    /// Lets an account post again, after a pause or after it was connected again.
    ///
    /// # Errors
    /// [`DeskError::Role`], [`DeskError::Unknown`] also for another agency's.
    pub async fn resume_account(&self, name: &AccountName, by: UserId) -> Result<()> {
        self.set_status(name, by, "resume account", AccountStatus::Active).await
    }

    /// Throws or lifts a kill switch; `scope` is `all`, `agency/<name>` or `channel/<name>`. It takes effect before the next
    /// request and is kept over a restart.
    ///
    /// # Errors
    /// [`DeskError::Role`], also for another agency; [`DeskError::NoReason`] when it is thrown without one;
    /// [`DeskError::NotNow`] when the scope is none of these.
    pub async fn kill_switch(
        &self,
        scope: &str,
        on: bool,
        by: UserId,
        reason: String,
    ) -> Result<()> {
        let named = |kind: &str| scope.strip_prefix(kind).is_some_and(|name| !name.is_empty());
        // A switch over a channel that nobody has would look like safety.
        let strange =
            scope.strip_prefix("channel/").is_some_and(|c| self.channels.get(c).is_none());
        if strange || scope != "all" && !named("agency/") && !named("channel/") {
            return Err(NotNow::BadScope(scope.to_owned()).into());
        }
        match scope.strip_prefix("agency/") {
            Some(agency) => {
                let person = self.person(by, agency, SWITCHERS).await?;
                person.ok_or(DeskError::Role { needs: Role::Approver })?;
            }
            None => {
                self.person_anywhere(by, SWITCHERS).await?;
            }
        }
        let reason = if on { given(&reason)? } else { reason };
        let switch = KillSwitch { scope: scope.to_owned(), on, reason, by, at: self.clock.now() };
        let what = if on { "throw kill switch" } else { "lift kill switch" };
        self.store.commit(Changes::by(Actor::User(by), what).put(&switch, Expect::Any)).await?;
        Ok(())
    }

    /// What keeps posts of an agency from going out: switches over it, and its own accounts that cannot post.
    ///
    /// # Errors
    /// [`DeskError::Store`].
    pub async fn stops(&self, agency: &str) -> Result<Vec<Stop>> {
        let other = |switch: &KillSwitch| {
            switch.scope.strip_prefix("agency/").is_some_and(|name| name != agency)
        };
        let switches = self.switches().await?.into_iter().filter(|switch| !other(switch));
        let mut stops: Vec<Stop> = switches
            .map(|KillSwitch { scope, reason, by, at, .. }| Stop {
                scope,
                reason,
                by: Some(by),
                since: at,
            })
            .collect();
        let prefix = join(&[agency, ""]);
        for kept in self.store.list::<Account>("account_by_agency", &prefix, MOST_ACCOUNTS).await? {
            let scope = kept.record.name.to_string();
            let (reason, since, by) = match kept.record.status {
                AccountStatus::Active => continue,
                AccountStatus::Paused { reason, since, by } => (reason, since, by),
                // It held nothing back: no post was ever meant for it.
                AccountStatus::NeedsReauth { first: true, .. } => continue,
                AccountStatus::NeedsReauth { reason, since, .. } => {
                    (format!("{}: {reason}", Why::NoCredentials.sentence()), since, None)
                }
            };
            stops.push(Stop { scope, reason, by, since });
        }
        Ok(stops)
    }

    /// Switches that are thrown.
    pub(crate) async fn switches(&self) -> Result<Vec<KillSwitch>> {
        let all = switches(&*self.store).await?;
        Ok(all.into_iter().filter(|switch| switch.on).collect())
    }

    async fn set_status(
        &self,
        name: &AccountName,
        by: UserId,
        what: &str,
        status: AccountStatus,
    ) -> Result<()> {
        let unknown = || DeskError::Unknown(format!("account {name}"));
        let kept = self.store.read::<Account>(name.as_str()).await?;
        let mut kept = kept.ok_or_else(unknown)?;
        self.person(by, &kept.record.agency, SWITCHERS).await?.ok_or_else(unknown)?;
        let mut changes = Changes::by(Actor::User(by), what);
        if status == AccountStatus::Active {
            // Whoever lets it post again has dealt with what kept it from posting.
            let kind = IncidentKind::NeedsReauth;
            changes = self.closing(changes, kind, name.as_str(), by).await?;
        }
        kept.record.status = status;
        self.store.commit(changes.update(&kept.record, kept.version)).await?;
        Ok(())
    }
}
