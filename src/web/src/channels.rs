//! Accounts and switches: who can post, and how to stop and start them.

use std::collections::BTreeMap;

use axum::{
    Extension, Form,
    extract::State,
    http::HeaderMap,
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_delivery::{SWITCHERS, Stop};
use loa_model::{Account, AccountName, DeliveryState, Role, User, UserId, record::join};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};

use crate::{
    Shared,
    accounts::{self, page::AccountRow},
    article::ZONE,
    auth::{self, Visitor},
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
    /// Posts of the visitor's agency that wait for it to be lifted.
    held: usize,
    /// Whether the visitor may lift it: credentials that were refused are lifted by new ones.
    may_lift: bool,
}

#[derive(Serialize)]
struct Listed {
    account: AccountRow,
    stop: Option<StopView>,
    /// What keeps it from posting though it could: `all`, `agency` or `channel`; empty when nothing does.
    held_by: &'static str,
}

#[derive(Serialize)]
struct Switch {
    scope: String,
    kind: &'static str,
    name: String,
    stop: Option<StopView>,
}

#[derive(Serialize)]
pub(crate) struct Page {
    accounts: Vec<Listed>,
    switches: Vec<Switch>,
    may_switch: bool,
    /// Whether the visitor connects accounts.
    may_connect: bool,
}

/// What keeps posts of the visitor's agency from going out now.
pub(crate) async fn stops(app: &Shared, visitor: &Visitor) -> Result<Vec<StopView>, WebError> {
    let stops = app.desk.stops(&visitor.user.agency).await.map_err(|error| failed(&error))?;
    let mut names: BTreeMap<UserId, String> = BTreeMap::new();
    let mut views = Vec::new();
    if stops.is_empty() {
        return Ok(views);
    }
    let held = held(app, &visitor.user.agency).await?;
    for stop in stops {
        views.push(stop_view(app, visitor, stop, &held, &mut names).await?);
    }
    Ok(views)
}

/// Approved posts of an agency that are not under way yet, by account.
async fn held(app: &Shared, agency: &str) -> Result<BTreeMap<AccountName, usize>, WebError> {
    let mut held = BTreeMap::new();
    for account in accounts::connected(app, agency).await? {
        let mut posts = 0;
        for state in [DeliveryState::Scheduled, DeliveryState::Ready] {
            let under = join(&[account.name.as_str(), state.name(), ""]);
            posts += app.store.count_under("delivery_by_account", &under).await?;
        }
        held.insert(account.name, posts);
    }
    Ok(held)
}

async fn stop_view(
    app: &Shared,
    visitor: &Visitor,
    stop: Stop,
    held: &BTreeMap<AccountName, usize>,
    names: &mut BTreeMap<UserId, String>,
) -> Result<StopView, WebError> {
    let reaches = |account: &AccountName| match stop.scope.split_once('/') {
        Some(("channel", channel)) => account.channel() == channel,
        Some(_) => true,
        None => stop.scope == "all" || stop.scope == account.as_str(),
    };
    let waiting = held.iter().filter(|(account, _)| reaches(account)).map(|(_, posts)| posts).sum();
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
        held: waiting,
        may_lift: visitor.user.is_any(SWITCHERS) && stop.by.is_some(),
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
    let page = look(&app, &visitor).await?;
    pages::draw(&app, &visitor, "channels", "pages/channels.html", page).await
}

/// Accounts and switches of the visitor's agency.
pub(crate) async fn look(app: &Shared, visitor: &Visitor) -> Result<Page, WebError> {
    let agency = &visitor.user.agency;
    let stops = stops(app, visitor).await?;
    let stop = |scope: &str| stops.iter().find(|stop| stop.scope == scope).cloned();
    let accounts = accounts::all(app, visitor).await?.into_iter().map(|account| {
        let account = accounts::page::row(app, &visitor.lang, account);
        let above = [
            "all".to_owned(),
            format!("agency/{agency}"),
            format!("channel/{}", account.channel_name),
        ];
        let held_by = above.iter().find_map(|scope| stop(scope)).map_or("", |stop| stop.kind);
        Listed { stop: stop(&account.name), account, held_by }
    });
    let switch =
        |scope: String, kind, name: String| Switch { stop: stop(&scope), scope, kind, name };
    let mut switches = vec![
        switch(format!("agency/{agency}"), "agency", agency_title(app, agency).await?),
        switch("all".to_owned(), "all", String::new()),
    ];
    for channel in app.capabilities.keys() {
        let name = channel_title(app, channel);
        switches.push(switch(format!("channel/{channel}"), "channel", name));
    }
    let may_switch = visitor.user.is_any(SWITCHERS);
    let may_connect = visitor.user.is(Role::Admin);
    Ok(Page { accounts: accounts.collect(), switches, may_switch, may_connect })
}

#[derive(Deserialize)]
pub(crate) struct Order {
    scope: String,
    #[serde(default)]
    reason: String,
}

#[derive(Serialize)]
struct Sure {
    agency: String,
    title: String,
    posts: usize,
    stop: Option<StopView>,
}

/// Asks before everything of the agency is stopped: what waits, and why it is to stop.
pub(crate) async fn sure(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    let agency = visitor.user.agency.clone();
    let scope = format!("agency/{agency}");
    let page = Sure {
        title: agency_title(&app, &agency).await?,
        posts: held(&app, &agency).await?.values().sum(),
        stop: stops(&app, &visitor).await?.into_iter().find(|stop| stop.scope == scope),
        agency,
    };
    pages::draw(&app, &visitor, "stop", "pages/stop.html", page).await
}

/// Stops an account, a channel, the agency, or everything.
pub(crate) async fn pause(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(form): Form<Order>,
) -> Result<Response, WebError> {
    turn(&app, &visitor, form, true, "/kenh").await
}

/// Lets it go again.
pub(crate) async fn resume(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Form(form): Form<Order>,
) -> Result<Response, WebError> {
    // The button stands on every page: whoever presses it goes on where they were.
    let back = auth::came_from(&headers).unwrap_or_else(|| "/kenh".to_owned());
    turn(&app, &visitor, form, false, &back).await
}

async fn turn(
    app: &Shared,
    visitor: &Visitor,
    Order { scope, reason }: Order,
    stop: bool,
    back: &str,
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
    Ok(Redirect::to(back).into_response())
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
