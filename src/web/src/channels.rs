//! Accounts and switches: who can post, and how to stop and start them.

use std::collections::BTreeMap;

use axum::{
    Extension, Form,
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_delivery::{SWITCHERS, Stop};
use loa_model::{Account, AccountName, AccountStatus, User, UserId, record::join};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};

use crate::{
    Shared,
    article::ZONE,
    auth::Visitor,
    decide::{desk_refusal, failed},
    error::WebError,
    pages,
    view::{self, ReasonView},
};

/// Something that is stopped, as every page tells while it is.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StopView {
    scope: String,
    /// `all`, `agency`, `channel` or `account`.
    kind: &'static str,
    /// Name for people; empty for everything.
    name: String,
    why: ReasonView,
    by: String,
    since: String,
}

#[derive(Serialize)]
struct AccountRow {
    name: String,
    title: String,
    channel: String,
    /// `active`, `paused` or `needs_reauth`.
    status: &'static str,
    stop: Option<StopView>,
}

#[derive(Serialize)]
struct Switch {
    scope: String,
    kind: &'static str,
    name: String,
    stop: Option<StopView>,
}

#[derive(Serialize)]
struct Page {
    accounts: Vec<AccountRow>,
    switches: Vec<Switch>,
    may_switch: bool,
}

/// What keeps posts of the visitor's agency from going out now.
pub(crate) async fn stops(app: &Shared, visitor: &Visitor) -> Result<Vec<StopView>, WebError> {
    let stops = app.desk.stops(&visitor.user.agency).await.map_err(|error| failed(&error))?;
    let mut names: BTreeMap<UserId, String> = BTreeMap::new();
    let mut views = Vec::new();
    for stop in stops {
        views.push(stop_view(app, visitor, stop, &mut names).await?);
    }
    Ok(views)
}

async fn stop_view(
    app: &Shared,
    visitor: &Visitor,
    stop: Stop,
    names: &mut BTreeMap<UserId, String>,
) -> Result<StopView, WebError> {
    let (kind, name) = match stop.scope.split_once('/') {
        Some(("agency", name)) => ("agency", agency_title(app, name).await?),
        Some((_, name)) => ("channel", channel_title(app, name)),
        None => match stop.scope.parse::<AccountName>() {
            Ok(name) => {
                let account = app.store.read::<Account>(name.as_str()).await?;
                let title = account.map(|row| row.record.title).unwrap_or_default();
                ("account", format!("{title} ({})", pages::channel_title(app, &name)))
            }
            Err(_) => ("all", String::new()),
        },
    };
    Ok(StopView {
        kind,
        name,
        why: ReasonView::of(&app.assets, &visitor.lang, &stop.reason),
        by: match stop.by {
            Some(by) => name_of_user(app, by, names).await?,
            None => String::new(),
        },
        since: view::time(stop.since, ZONE),
        scope: stop.scope,
    })
}

pub(crate) async fn agency_title(app: &Shared, name: &str) -> Result<String, WebError> {
    let agency = app.store.read::<loa_model::Agency>(name).await?;
    Ok(agency.map_or_else(|| name.to_owned(), |row| row.record.title))
}

fn channel_title(app: &Shared, channel: &str) -> String {
    app.capabilities.get(channel).map_or_else(|| channel.to_owned(), |found| found.title.clone())
}

pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    let agency = &visitor.user.agency;
    let stops = stops(&app, &visitor).await?;
    let stop = |scope: &str| stops.iter().find(|stop| stop.scope == scope).cloned();
    let rows = app.store.list::<Account>("account_by_agency", &join(&[agency, ""]), 1000).await?;
    let accounts = rows.into_iter().map(|row| row.record).map(|account| AccountRow {
        status: match account.status {
            AccountStatus::Active => "active",
            AccountStatus::Paused { .. } => "paused",
            AccountStatus::NeedsReauth { .. } => "needs_reauth",
        },
        stop: stop(account.name.as_str()),
        channel: pages::channel_title(&app, &account.name),
        name: account.name.to_string(),
        title: account.title,
    });
    let switch =
        |scope: String, kind, name: String| Switch { stop: stop(&scope), scope, kind, name };
    let mut switches = vec![
        switch(format!("agency/{agency}"), "agency", agency_title(&app, agency).await?),
        switch("all".to_owned(), "all", String::new()),
    ];
    for channel in app.capabilities.keys() {
        let name = channel_title(&app, channel);
        switches.push(switch(format!("channel/{channel}"), "channel", name));
    }
    let may_switch = visitor.user.is_any(SWITCHERS);
    let page = Page { accounts: accounts.collect(), switches, may_switch };
    pages::draw(&app, &visitor, "channels", "pages/channels.html", page).await
}

#[derive(Deserialize)]
pub(crate) struct Order {
    scope: String,
    #[serde(default)]
    reason: String,
}

/// Stops an account, a channel, the agency, or everything.
pub(crate) async fn pause(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(form): Form<Order>,
) -> Result<Response, WebError> {
    turn(&app, &visitor, form, true).await
}

/// Lets it go again.
pub(crate) async fn resume(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(form): Form<Order>,
) -> Result<Response, WebError> {
    turn(&app, &visitor, form, false).await
}

async fn turn(
    app: &Shared,
    visitor: &Visitor,
    Order { scope, reason }: Order,
    stop: bool,
) -> Result<Response, WebError> {
    // The desk asks what the person may do anywhere; here they act for one agency.
    let of = match (scope.strip_prefix("agency/"), scope.parse::<AccountName>()) {
        (Some(agency), _) => Some(agency.to_owned()),
        (None, Ok(name)) => {
            let account = app.store.read::<Account>(name.as_str()).await?;
            Some(account.ok_or_else(WebError::missing)?.record.agency)
        }
        (None, Err(_)) => None,
    };
    if of.is_some_and(|agency| agency != visitor.user.agency) {
        return Err(WebError::missing());
    }
    let done = app.desk.switch(&scope, stop, visitor.user.id, reason).await;
    done.map_err(|error| desk_refusal(app, visitor, &error))?;
    Ok(Redirect::to("/kenh").into_response())
}

/// A person's name; empty when they are gone.
pub(crate) async fn name_of_user(
    app: &Shared,
    id: UserId,
    names: &mut BTreeMap<UserId, String>,
) -> Result<String, WebError> {
    if let Some(name) = names.get(&id) {
        return Ok(name.clone());
    }
    let user = app.store.read::<User>(&id.to_string()).await?;
    let name = user.map(|row| row.record.name).unwrap_or_default();
    names.insert(id, name.clone());
    Ok(name)
}
