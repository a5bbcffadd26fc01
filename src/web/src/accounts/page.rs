//! The pages of accounts: one account, and the form that connects one.

use std::collections::BTreeMap;

use axum::{
    Extension, Form,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use loa_delivery::Left;
use loa_model::{
    Capability, Connect, ConnectField, FieldInput, Kept, Role,
    capability::{QuotaScope, Window},
};
use serde::Serialize;

use super::{
    AccountView, Attempted, CredentialsView,
    connect::{Connected, NewAccount, Tested, add, replace, test},
    edit::{Change, change},
    own, view,
};
use crate::{
    Shared,
    article::ZONE,
    auth::Visitor,
    error::WebError,
    pages,
    view::{ReasonView, number, time},
};

/// Fields of the forms, by where they are kept.
const SETTING: &str = "setting.";
const SECRET: &str = "secret.";

/// A post for people.
#[derive(Serialize)]
struct AttemptedRow {
    at: String,
    post: String,
    state: &'static str,
    url: String,
    why: ReasonView,
}

/// An allowance for people.
#[derive(Serialize)]
struct QuotaRow {
    bucket: String,
    /// Whether other accounts of the app use it too.
    shared: bool,
    limit: u32,
    used: u64,
    limit_words: String,
    /// Units that are left for urgent posts, which may take all of them.
    left_words: String,
    /// Units that others may take; empty when those are the same.
    usual: String,
    planned: String,
    /// `day` or `rolling`, with its hours.
    window: &'static str,
    hours: u32,
    back_at: String,
    /// Nothing that is not urgent goes any more.
    empty: bool,
}

/// Something that a platform said of itself.
#[derive(Serialize)]
struct SaidRow {
    shared: bool,
    percent: Option<u8>,
    until: String,
    reason: String,
}

/// An account for people.
#[derive(Serialize)]
pub(crate) struct AccountRow {
    pub(crate) name: String,
    title: String,
    channel: String,
    /// The channel's name in addresses.
    #[serde(skip)]
    pub(crate) channel_name: String,
    remote_id: String,
    status: &'static str,
    /// Why it does not post.
    reason: ReasonView,
    lasts: &'static str,
    kept: Option<bool>,
    urgency: &'static str,
    ends_at: String,
    days_left: Option<i64>,
    renewed_at: String,
    last_live: Option<AttemptedRow>,
    last_failure: Option<AttemptedRow>,
    next_due: Option<AttemptedRow>,
    quotas: Vec<QuotaRow>,
    said: Vec<SaidRow>,
}

fn at(at: Timestamp) -> String {
    time(at, ZONE)
}

fn quota(left: Left, lang: &str) -> QuotaRow {
    let used = u64::from(left.limit).saturating_sub(left.left_urgent);
    let (window, hours) = match left.window {
        Window::DayOf(_) => ("day", 24),
        Window::RollingH(hours) => ("rolling", hours),
    };
    QuotaRow {
        shared: left.scope == QuotaScope::App,
        limit: left.limit,
        used,
        limit_words: number(left.limit.into(), lang),
        left_words: number(left.left_urgent, lang),
        usual: if left.left < left.left_urgent { number(left.left, lang) } else { String::new() },
        planned: if left.planned > 0 { number(left.planned, lang) } else { String::new() },
        window,
        hours,
        back_at: left.back_at.map(at).unwrap_or_default(),
        empty: left.left == 0,
        bucket: left.bucket,
    }
}

/// An account in the words of a reader.
pub(crate) fn row(app: &Shared, lang: &str, account: AccountView) -> AccountRow {
    let post = |attempted: Attempted| AttemptedRow {
        at: at(attempted.at),
        why: ReasonView::of(&app.assets, lang, &attempted.reason),
        post: attempted.post,
        state: attempted.state,
        url: attempted.url,
    };
    let ends_at = account.credentials.ends();
    let CredentialsView { lasts, kept, days_left, urgency, renewed_at, .. } = account.credentials;
    let told = account.told.into_iter().map(|told| SaidRow {
        shared: told.scope == QuotaScope::App,
        percent: Some(told.percent),
        until: at(told.until),
        reason: String::new(),
    });
    let waits = account.waits.into_iter().map(|wait| SaidRow {
        shared: wait.scope == QuotaScope::App,
        percent: None,
        until: at(wait.until),
        reason: wait.reason,
    });
    AccountRow {
        name: account.name.to_string(),
        channel_name: account.name.channel().to_owned(),
        title: account.title,
        channel: account.channel,
        remote_id: account.remote_id,
        status: account.status,
        reason: ReasonView::of(&app.assets, lang, &account.reason),
        lasts,
        kept,
        urgency,
        ends_at,
        days_left,
        renewed_at: renewed_at.map(at).unwrap_or_default(),
        last_live: account.last_live.map(post),
        last_failure: account.last_failure.map(post),
        next_due: account.next_due.map(post),
        quotas: account.quota_left.into_iter().map(|left| quota(left, lang)).collect(),
        said: told.chain(waits).collect(),
    }
}

/// A value that is asked, in the reader's language.
#[derive(Serialize)]
struct FieldRow {
    name: String,
    input: &'static str,
    required: bool,
    secret: bool,
    label: String,
    help: String,
    /// What stood in the form; never of a secret.
    value: String,
}

fn field(field: &ConnectField, lang: &str, filled: &BTreeMap<String, String>) -> FieldRow {
    let secret = field.kept == Kept::Secret;
    let name = format!("{}{}", if secret { SECRET } else { SETTING }, field.name);
    let seen = !secret || field.input == FieldInput::Day;
    FieldRow {
        value: filled.get(&name).filter(|_| seen).cloned().unwrap_or_default(),
        input: match field.input {
            FieldInput::Line => "text",
            FieldInput::Covered => "password",
            FieldInput::Day => "date",
        },
        required: field.required,
        secret,
        label: field.label.in_language(lang).to_owned(),
        help: field.help.in_language(lang).to_owned(),
        name,
    }
}

#[derive(Serialize)]
struct Page {
    account: AccountRow,
    settings: Vec<(String, String)>,
    secrets: Vec<FieldRow>,
    /// What can be changed of it: its settings with their values.
    fields: Vec<FieldRow>,
    remote_id_label: String,
    id_pattern: String,
    how: String,
    steps: Vec<String>,
    may: bool,
    test: Option<Tested>,
    problem: String,
}

fn id_label(app: &Shared, lang: &str, connect: &Connect) -> String {
    match connect.remote_id.in_language(lang) {
        "" => app.assets.word(lang, "accounts.remote_id"),
        label => label.to_owned(),
    }
}

fn steps(lang: &str, connect: &Connect) -> Vec<String> {
    connect.steps.iter().map(|step| step.in_language(lang).to_owned()).collect()
}

async fn drawn(
    app: &Shared,
    visitor: &Visitor,
    name: &str,
    test: Option<Tested>,
    problem: String,
) -> Result<Html<String>, WebError> {
    let lang = &visitor.lang;
    let account = own(app, visitor, name).await?.record;
    let capability = app.capabilities.get(account.name.channel());
    let asked = |kept: Kept, filled: &BTreeMap<String, String>| {
        let fields = capability.into_iter().flat_map(move |found| found.connect.kept_in(kept));
        fields.map(|asked| field(asked, lang, filled)).collect::<Vec<_>>()
    };
    let prefixed = |(name, value): (&String, &String)| (format!("{SETTING}{name}"), value.clone());
    let filled: BTreeMap<String, String> = account.settings.iter().map(prefixed).collect();
    let label = |name: &str| {
        let fields = capability.into_iter().flat_map(|found| found.connect.fields.iter());
        let mut found = fields.filter(|field| field.name == name);
        found.next().map_or_else(|| name.to_owned(), |field| field.label.in_language(lang).into())
    };
    let settings = account.settings.iter().map(|(name, value)| (label(name), value.clone()));
    let page = Page {
        settings: settings.collect(),
        secrets: asked(Kept::Secret, &BTreeMap::new()),
        fields: asked(Kept::Setting, &filled),
        remote_id_label: capability
            .map_or_else(String::new, |found| id_label(app, lang, &found.connect)),
        id_pattern: capability.map_or_else(String::new, |found| found.connect.id.pattern()),
        steps: capability.map_or_else(Vec::new, |found| steps(lang, &found.connect)),
        how: capability
            .map_or_else(String::new, |found| found.connect.how.in_language(lang).to_owned()),
        may: visitor.user.is(Role::Admin),
        account: row(app, lang, view(app, &mut app.desk.lookout(), account).await?),
        test,
        problem,
    };
    pages::draw(app, visitor, "channels", "pages/account.html", page).await
}

/// One account.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Html<String>, WebError> {
    drawn(&app, &visitor, &name, None, String::new()).await
}

async fn after(
    app: &Shared,
    visitor: &Visitor,
    name: &str,
    done: Result<Connected, WebError>,
) -> Result<Response, WebError> {
    match done {
        Ok(done) => Ok(drawn(app, visitor, name, done.test, String::new()).await?.into_response()),
        Err(error) => {
            let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
            let page = drawn(app, visitor, name, None, problem).await?;
            Ok((error.status, page).into_response())
        }
    }
}

/// Asks the platform about an account and shows what it said.
pub(crate) async fn try_out(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, WebError> {
    let done = test(&app, &visitor, &name).await;
    after(&app, &visitor, &name, done).await
}

/// Changes name, id and settings of an account.
pub(crate) async fn edit(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, WebError> {
    let wanted = Change {
        title: form.get("title").cloned(),
        remote_id: form.get("remote_id").map(|id| id.trim().to_owned()),
        settings: Some(part(&form, SETTING)),
    };
    match change(&app, &visitor, &name, wanted).await {
        Ok(Connected { test: None, account, .. }) => {
            Ok(Redirect::to(&format!("/kenh/{account}")).into_response())
        }
        done => after(&app, &visitor, &name, done).await,
    }
}

/// Removes an account that never worked.
pub(crate) async fn remove(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, WebError> {
    match super::edit::remove(&app, &visitor, &name).await {
        Ok(()) => Ok(Redirect::to("/kenh").into_response()),
        Err(error) => after(&app, &visitor, &name, Err(error)).await,
    }
}

/// What stands in a form under one prefix.
fn part(form: &BTreeMap<String, String>, prefix: &str) -> BTreeMap<String, String> {
    let own = |(name, value): (&String, &String)| {
        Some((name.strip_prefix(prefix)?.to_owned(), value.clone()))
    };
    form.iter().filter_map(own).collect()
}

/// Replaces credentials and shows what the platform said of them.
pub(crate) async fn reconnect(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, WebError> {
    let done = replace(&app, &visitor, &name, part(&form, SECRET)).await;
    after(&app, &visitor, &name, done).await
}

#[derive(Serialize)]
struct Choice {
    channel: String,
    title: String,
    formats: Vec<String>,
}

#[derive(Serialize)]
struct Choices {
    channels: Vec<Choice>,
}

/// Which channel an account is added to.
pub(crate) async fn choose(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    let choice = |(channel, capability): (&String, &Capability)| Choice {
        channel: channel.clone(),
        title: capability.title.clone(),
        formats: capability.formats.keys().map(pages::name_of).collect(),
    };
    let channels = app.capabilities.iter().map(choice).collect();
    pages::draw(&app, &visitor, "channels", "pages/account_choose.html", Choices { channels }).await
}

#[derive(Serialize)]
struct New {
    channel: String,
    title: String,
    how: String,
    steps: Vec<String>,
    remote_id_label: String,
    id_pattern: String,
    fields: Vec<FieldRow>,
    remote_id: String,
    account_title: String,
    short: String,
    agency: String,
    problem: String,
}

async fn asks(
    app: &Shared,
    visitor: &Visitor,
    channel: &str,
    filled: &BTreeMap<String, String>,
    problem: String,
) -> Result<Html<String>, WebError> {
    let capability = app.capabilities.get(channel).ok_or_else(WebError::missing)?;
    let connect = &capability.connect;
    let value = |name: &str| filled.get(name).cloned().unwrap_or_default();
    let lang = &visitor.lang;
    let page = New {
        channel: channel.to_owned(),
        title: capability.title.clone(),
        how: connect.how.in_language(lang).to_owned(),
        steps: steps(lang, connect),
        remote_id_label: id_label(app, lang, connect),
        id_pattern: connect.id.pattern(),
        fields: connect.fields.iter().map(|asked| field(asked, lang, filled)).collect(),
        remote_id: value("remote_id"),
        account_title: value("title"),
        short: value("short"),
        agency: visitor.user.agency.clone(),
        problem,
    };
    pages::draw(app, visitor, "channels", "pages/account_new.html", page).await
}

/// The form of a channel.
pub(crate) async fn form(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(channel): Path<String>,
) -> Result<Html<String>, WebError> {
    asks(&app, &visitor, &channel, &BTreeMap::new(), String::new()).await
}

/// Adds the account and shows what the platform said.
pub(crate) async fn make(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(channel): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, WebError> {
    if !app.capabilities.contains_key(&channel) {
        return Err(WebError::missing());
    }
    let value = |name: &str| form.get(name).cloned().unwrap_or_default();
    let new = NewAccount {
        channel: channel.clone(),
        name: value("short"),
        title: value("title"),
        remote_id: value("remote_id"),
        settings: part(&form, SETTING),
        secrets: part(&form, SECRET),
    };
    match add(&app, &visitor, new).await {
        Ok(done) if done.test.as_ref().is_some_and(|test| test.works) => {
            Ok(Redirect::to(&format!("/kenh/{}", done.account)).into_response())
        }
        Ok(done) => {
            let page =
                drawn(&app, &visitor, done.account.as_str(), done.test, String::new()).await?;
            Ok((StatusCode::OK, page).into_response())
        }
        Err(error) => {
            let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
            let page = asks(&app, &visitor, &channel, &form, problem).await?;
            Ok((error.status, page).into_response())
        }
    }
}
