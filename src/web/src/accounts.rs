//! Accounts of channels: how each of them does, when its credentials end, what is left of its allowances, and how one is
//! connected. What is secret goes to whoever keeps it and never comes back.

pub(crate) mod connect;
mod edit;
pub(crate) mod page;
pub(crate) mod told;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::Method,
};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use loa_channel::Health;
use loa_delivery::{AskedToWait, Left, Told};
use loa_model::{
    Account, AccountName, AccountStatus, Connect, Credentials, Delivery, DeliveryState, Lasts,
    Secret, UserId, record::join,
};
use loa_store::{StoreExt, Versioned};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Shared,
    article::web_address,
    auth::Visitor,
    error::WebError,
    operation::piece::{Part, Piece},
    pages,
    ways::{ADMINS, Access, Ways},
};

/// Most accounts of an agency that are shown.
const MOST: usize = 1000;
/// The newest of a state that are looked at: they stand in the order in which they move on, not in the one they ended in.
const NEWEST: usize = 20;
/// Days before the end of credentials from which a person is reminded, and from which it is urgent.
pub(crate) const SOON: i64 = 14;
const URGENT: i64 = 3;

/// Who keeps credentials and asks platforms whether they work. `main` hands it in, the pages hold no vault.
pub trait Connections: Send + Sync {
    /// What may be told of the credentials of an account: never a value.
    fn told<'a>(
        &'a self,
        account: &'a AccountName,
        connect: &'a Connect,
    ) -> BoxFuture<'a, Result<Credentials, String>>;

    /// Lays new credentials over those of an account.
    fn keep<'a>(
        &'a self,
        account: &'a AccountName,
        secret: Secret,
        by: UserId,
    ) -> BoxFuture<'a, Result<(), String>>;

    /// Forgets the credentials of an account that is no more.
    fn forget<'a>(
        &'a self,
        account: &'a AccountName,
        by: UserId,
    ) -> BoxFuture<'a, Result<(), String>>;

    /// Asks the platform with one harmless request whether the credentials work; they are renewed first when they are too old.
    fn test<'a>(&'a self, account: &'a Account) -> BoxFuture<'a, loa_channel::Result<Health>>;
}

/// How credentials stand.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CredentialsView {
    /// `ageless`, `renewed`, `until` or `unknown`: how the channel's last.
    lasts: &'static str,
    /// Whether any are kept; absent when nobody can say now.
    kept: Option<bool>,
    ends_at: Option<Timestamp>,
    /// Whole days that are left; below zero they are over.
    days_left: Option<i64>,
    /// `calm`, `soon` (14 days), `urgent` (3 days) or `over`.
    urgency: &'static str,
    renewed_at: Option<Timestamp>,
}

impl CredentialsView {
    fn new(connect: &Connect, told: Option<Credentials>, now: Timestamp) -> Self {
        let lasts = match connect.lasts {
            Lasts::Unknown => "unknown",
            Lasts::Ageless => "ageless",
            Lasts::Renewed { .. } => "renewed",
            Lasts::Until { .. } => "until",
        };
        let kept = told.as_ref().map(|told| !told.names.is_empty());
        let Credentials { ends_at, renewed_at, .. } = told.unwrap_or_default();
        let left = ends_at.map(|end| end.duration_since(now));
        let days_left = left.map(|left| left.as_hours().div_euclid(24));
        let urgency = match (left, days_left) {
            (Some(left), _) if left <= SignedDuration::ZERO => "over",
            (_, Some(days)) if days < URGENT => "urgent",
            (_, Some(days)) if days < SOON => "soon",
            _ => "calm",
        };
        Self { lasts, kept, ends_at, days_left, urgency, renewed_at }
    }

    /// The end for people: a day that somebody entered has no hour.
    fn ends(&self) -> String {
        let words = |at| match (self.lasts, crate::view::time(at, crate::article::ZONE)) {
            ("until", _) => at.strftime("%d/%m/%Y").to_string(),
            (_, words) => words,
        };
        self.ends_at.map(words).unwrap_or_default()
    }

    fn is_calm(&self) -> bool {
        self.urgency == "calm"
    }
}

/// A post that went out, or did not.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Attempted {
    at: Timestamp,
    post: String,
    state: &'static str,
    /// Where the audience sees it; empty when it does not, or the platform has no such address.
    url: String,
    /// As the record has it; empty when there is nothing to say.
    reason: String,
}

/// An account as everybody of its agency sees it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AccountView {
    name: AccountName,
    channel: String,
    title: String,
    remote_id: String,
    /// `active`, `paused`, `needs_reauth`, or `unconnected` where it never worked.
    status: &'static str,
    /// Why it does not post: what was said when it was paused, or what its platform said last; empty when it does.
    reason: String,
    credentials: CredentialsView,
    /// The post that went live last.
    last_live: Option<Attempted>,
    /// The post that was refused, given up, missed or lost last.
    last_failure: Option<Attempted>,
    /// The next post that is approved for it.
    next_due: Option<Attempted>,
    quota_left: Vec<Left>,
    told: Vec<Told>,
    waits: Vec<AskedToWait>,
}

pub(crate) fn status(account: &Account) -> &'static str {
    match account.status {
        AccountStatus::Active => "active",
        AccountStatus::Paused { .. } => "paused",
        AccountStatus::NeedsReauth { first: true, .. } => "unconnected",
        AccountStatus::NeedsReauth { .. } => "needs_reauth",
    }
}

/// States in which nothing of a post reached the audience, or does not any more without anybody having wanted it.
const FAILED: [DeliveryState; 4] =
    [DeliveryState::Rejected, DeliveryState::Dead, DeliveryState::Missed, DeliveryState::Gone];

impl Attempted {
    fn of(d: Delivery) -> Self {
        let live = d.receipt.as_ref().filter(|_| d.state == DeliveryState::Published);
        Self {
            at: live.map_or(d.updated_at, |receipt| receipt.at),
            url: live.map(|receipt| web_address(&receipt.url)).unwrap_or_default(),
            post: d.post.to_string(),
            state: d.state.name(),
            reason: d.reason,
        }
    }
}

async fn newest(
    app: &Shared,
    account: &AccountName,
    states: &[DeliveryState],
) -> Result<Option<Attempted>, WebError> {
    let mut newest: Option<Attempted> = None;
    for state in states {
        let prefix = join(&[account.as_str(), state.name(), ""]);
        let rows = app.store.list_last::<Delivery>("delivery_by_account", &prefix, NEWEST).await?;
        let found = rows.into_iter().map(|row| Attempted::of(row.record));
        newest = newest.into_iter().chain(found).max_by_key(|attempted| attempted.at);
    }
    Ok(newest)
}

async fn next_due(app: &Shared, account: &AccountName) -> Result<Option<Attempted>, WebError> {
    let mut next: Option<Attempted> = None;
    for state in [DeliveryState::Ready, DeliveryState::Scheduled] {
        let prefix = join(&[account.as_str(), state.name(), ""]);
        let rows = app.store.list::<Delivery>("delivery_by_account", &prefix, 1).await?;
        let found = rows.into_iter().map(|row| {
            let at = row.record.due_at.max(row.record.not_before);
            Attempted { at, ..Attempted::of(row.record) }
        });
        next = next.into_iter().chain(found).min_by_key(|due| due.at);
    }
    Ok(next)
}

/// How the credentials of an account stand.
async fn credentials(app: &Shared, account: &AccountName) -> CredentialsView {
    let unknown = Connect::default();
    let capability = app.capabilities.get(account.channel());
    let connect = capability.map_or(&unknown, |capability| &capability.connect);
    let told = app.connections.told(account, connect).await;
    let told = told.inspect_err(
        |error| tracing::warn!(%account, %error, "Nothing is known of the credentials now"),
    );
    CredentialsView::new(connect, told.ok(), app.clock.now())
}

async fn rows(app: &Shared, visitor: &Visitor) -> Result<Vec<Versioned<Account>>, WebError> {
    let prefix = join(&[&visitor.user.agency, ""]);
    Ok(app.store.list::<Account>("account_by_agency", &prefix, MOST).await?)
}

/// How the accounts of the visitor's agency do.
pub(crate) async fn all(app: &Shared, visitor: &Visitor) -> Result<Vec<AccountView>, WebError> {
    let mut lookout = app.desk.lookout();
    let mut views = Vec::new();
    for row in rows(app, visitor).await? {
        views.push(view(app, &mut lookout, row.record).await?);
    }
    Ok(views)
}

/// Accounts of an agency that posts can be composed for: those whose platform has answered once.
pub(crate) async fn connected(app: &Shared, agency: &str) -> Result<Vec<Account>, WebError> {
    let prefix = join(&[agency, ""]);
    let rows = app.store.list::<Account>("account_by_agency", &prefix, MOST).await?;
    Ok(rows.into_iter().map(|row| row.record).filter(Account::is_connected).collect())
}

/// An account of the visitor's agency; one of another is not there.
pub(crate) async fn own(
    app: &Shared,
    visitor: &Visitor,
    name: &str,
) -> Result<Versioned<Account>, WebError> {
    let name: AccountName = name.parse().map_err(|_| WebError::missing())?;
    let row = app.store.read::<Account>(name.as_str()).await?;
    row.filter(|row| row.record.agency == visitor.user.agency).ok_or_else(WebError::missing)
}

async fn view(
    app: &Shared,
    lookout: &mut loa_delivery::Lookout<'_>,
    account: Account,
) -> Result<AccountView, WebError> {
    let outlook = match app.capabilities.get(account.name.channel()) {
        Some(capability) => lookout.of(&account, capability).await.map_err(|error| {
            tracing::error!(account = %account.name, %error, "The outlook of an account cannot be told");
            WebError::new(
                axum::http::StatusCode::INTERNAL_SERVER_ERROR,
                "Lỗi lưu trữ, đã ghi nhật ký / Storage failed, it is in the log",
            )
        })?,
        None => loa_delivery::Outlook::default(),
    };
    Ok(AccountView {
        channel: pages::channel_title(app, &account.name),
        status: status(&account),
        reason: match &account.status {
            AccountStatus::Active => String::new(),
            AccountStatus::Paused { reason, .. } | AccountStatus::NeedsReauth { reason, .. } => {
                reason.clone()
            }
        },
        credentials: credentials(app, &account.name).await,
        last_live: newest(app, &account.name, &[DeliveryState::Published]).await?,
        last_failure: newest(app, &account.name, &FAILED).await?,
        next_due: next_due(app, &account.name).await?,
        quota_left: outlook.quota_left,
        told: outlook.told,
        waits: outlook.waits,
        name: account.name,
        title: account.title,
        remote_id: account.remote_id,
    })
}

/// Credentials that end soon, as a person is reminded of them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ending {
    name: String,
    title: String,
    channel: String,
    urgency: &'static str,
    ends_at: String,
    days_left: i64,
    /// Loa renews them by itself: that they end means that it could not.
    renewed: bool,
}

/// Accounts of an agency whose credentials end within fourteen days, the next one first.
pub(crate) async fn ending(app: &Shared, agency: &str) -> Result<Vec<Ending>, WebError> {
    let prefix = join(&[agency, ""]);
    let mut ending = Vec::new();
    for row in app.store.list::<Account>("account_by_agency", &prefix, MOST).await? {
        let account = row.record;
        let capability = app.capabilities.get(account.name.channel());
        let ends = |lasts: &Lasts| matches!(lasts, Lasts::Renewed { .. } | Lasts::Until { .. });
        if !capability.is_some_and(|capability| ends(&capability.connect.lasts)) {
            continue;
        }
        let told = credentials(app, &account.name).await;
        if let (false, Some(at)) = (told.is_calm(), told.ends_at) {
            let row = Ending {
                channel: pages::channel_title(app, &account.name),
                urgency: told.urgency,
                ends_at: told.ends(),
                days_left: told.days_left.unwrap_or_default(),
                renewed: told.lasts == "renewed",
                name: account.name.to_string(),
                title: account.title,
            };
            ending.push((at, row));
        }
    }
    ending.sort_by_key(|(at, _)| *at);
    Ok(ending.into_iter().map(|(_, row)| row).collect())
}

/// The addresses of accounts.
pub(crate) fn ways(ways: Ways) -> Ways {
    let staff = Access::Staff;
    let (one, secrets) = ("/api/v1/accounts/{account}", "/api/v1/accounts/{account}/credentials");
    ways.get("/kenh/them", ADMINS, page::choose)
        .get("/kenh/them/{name}", ADMINS, page::form)
        .post("/kenh/them/{name}", ADMINS, page::make)
        .get("/kenh/{account}", staff, page::page)
        .post("/kenh/{account}/thu", ADMINS, page::try_out)
        .post("/kenh/{account}/sua", ADMINS, page::edit)
        .post("/kenh/{account}/bo", ADMINS, page::remove)
        .post("/kenh/{account}/ket-noi", ADMINS, page::reconnect)
        .api(Method::GET, "/api/v1/channels", staff, (told::channels(), channels))
        .api(Method::GET, "/api/v1/accounts", staff, (told::list(), list))
        .api(Method::POST, "/api/v1/accounts", ADMINS, (told::add(), connect::add_one))
        .api(Method::GET, one, staff, (told::one(), self::one))
        .api(Method::PATCH, one, ADMINS, (told::change(), edit::change_one))
        .api(Method::DELETE, one, ADMINS, (told::remove(), edit::remove_one))
        .api(Method::POST, secrets, ADMINS, (told::replace(), connect::replace_one))
        .api(
            Method::POST,
            "/api/v1/accounts/{account}/test",
            ADMINS,
            (told::test(), connect::test_one),
        )
}

/// The accounts for a machine.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(part): Query<Part>,
) -> Result<Piece<AccountView>, WebError> {
    Piece::of(all(&app, &visitor).await?, &part, |account| account.name.clone())
}

/// One account for a machine.
pub(crate) async fn one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Json<AccountView>, WebError> {
    let account = own(&app, &visitor, &name).await?.record;
    Ok(Json(view(&app, &mut app.desk.lookout(), account).await?))
}

/// What each channel asks for, for a machine that makes a form of it.
pub(crate) async fn channels(State(app): State<Shared>) -> Json<Value> {
    let told = app.capabilities.iter().map(|(name, capability)| {
        json!({ "channel": name, "title": capability.title, "connect": capability.connect })
    });
    Json(json!({ "channels": told.collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_warn_fourteen_and_three_days_before_their_end_and_when_they_are_over() {
        let now: Timestamp = "2026-11-16T09:30:00Z".parse().unwrap();
        let connect = Connect { lasts: Lasts::Until { day: "d".into() }, ..Connect::default() };
        let seen = |hours: i64| {
            let ends_at = Some(now + SignedDuration::from_hours(hours));
            let told = Credentials { names: vec!["t".into()], ends_at, renewed_at: None };
            let view = CredentialsView::new(&connect, Some(told), now);
            (view.urgency, view.days_left)
        };
        assert_eq!(seen(14 * 24), ("calm", Some(14)));
        assert_eq!(seen(14 * 24 - 1), ("soon", Some(13)));
        assert_eq!(seen(3 * 24), ("soon", Some(3)));
        assert_eq!(seen(3 * 24 - 1), ("urgent", Some(2)));
        assert_eq!(seen(1), ("urgent", Some(0)));
        assert_eq!(seen(0), ("over", Some(0)));
        assert_eq!(seen(-1), ("over", Some(-1)));
        let nothing = CredentialsView::new(&connect, None, now);
        assert_eq!((nothing.urgency, nothing.kept, nothing.days_left), ("calm", None, None));
    }
}
