//! *Bắt đầu*: what leads the first people of an agency to their first live post. Every step is read from what is there; kept is
//! only that a person wants to see it no more.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use axum::{
    Extension, Form, Json,
    extract::State,
    http::{Method, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Account, AccountStatus, Article, Delivery, DeliveryState, IndexEntry, OwnBrand, Post, PostId,
    PostState, Record, Role, User, UserId, brand::is_open_to, record::join,
};
use loa_store::{Changes, Expect, StoreExt, Versioned};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    pages::{self, name_of},
    ways::{ADMINS, Access, NEWSROOM, SIGNERS, WRITERS, Ways},
};

/// Accounts, people and waiting posts that are looked at.
const MOST: usize = 500;

/// States of a delivery whose post was seen by the audience.
const SEEN: [DeliveryState; 5] = [
    DeliveryState::Published,
    DeliveryState::Correcting,
    DeliveryState::Retracting,
    DeliveryState::Retracted,
    DeliveryState::Gone,
];

/// How long the start page says that the first post is live.
const NEWS: SignedDuration = SignedDuration::from_hours(24);

/// The first post of an agency that was live, and since when.
type First = (PostId, Timestamp);

/// Agencies whose first post is live: that does not end, so nobody looks again.
#[derive(Debug, Default)]
pub(crate) struct Begun(Mutex<BTreeMap<String, First>>);

impl Begun {
    fn of(&self, agency: &str) -> Option<First> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(agency).copied()
    }

    fn has(&self, agency: &str) -> bool {
        self.of(agency).is_some()
    }

    fn keep(&self, agency: &str, first: First) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(agency.to_owned(), first);
    }
}

/// Whether a person wants to see the first steps on their start page no more.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StartHidden {
    user: UserId,
    hidden: bool,
}

impl Record for StartHidden {
    const TABLE: &'static str = "start_hidden";
    fn key(&self) -> String {
        self.user.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        Vec::new()
    }
}

/// A step. Its words are `start.<key>`.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    key: &'static str,
    done: bool,
    /// Whether it is the first one that is not done.
    next: bool,
    /// Where it is done; empty while what it is done to is not there.
    link: String,
    /// Whether the visitor may do it.
    may: bool,
    /// Who may: `admin`, `writer` or `approver`.
    who: &'static str,
    /// All that waits was written by the visitor: somebody else has to approve it.
    own: bool,
    /// The pictures of the agency carry another one's name.
    foreign: bool,
}

/// The steps with where they stand.
#[derive(Debug, Serialize)]
pub(crate) struct Start {
    steps: Vec<Step>,
    done: usize,
    total: usize,
    hidden: bool,
    /// Whether the first post is live.
    live: bool,
}

async fn first_post(
    app: &Shared,
    agency: &str,
    state: PostState,
) -> Result<Option<Post>, WebError> {
    let prefix = join(&[agency, &name_of(&state), ""]);
    let rows = app.store.list::<Post>("post_by_state", &prefix, 1).await?;
    Ok(rows.into_iter().next().map(|row| row.record))
}

/// Whether the audience saw a post of this agency.
async fn is_live(app: &Shared, agency: &str, accounts: &[Account]) -> Result<bool, WebError> {
    for account in accounts {
        for state in SEEN {
            let prefix = join(&[account.name.as_str(), state.name(), ""]);
            let found = app.store.list::<Delivery>("delivery_by_account", &prefix, 1).await?;
            if let Some(Versioned { record: d, .. }) = found.into_iter().next() {
                let at = d.receipt.map_or(d.not_before, |receipt| receipt.at);
                app.begun.keep(agency, (d.post, at));
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whose name the pictures of an agency carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    /// A kit that somebody chose or changed.
    Own,
    /// The one that was made of the agency's title.
    Plain,
    /// That of the fictional portal, in an agency that is not it.
    Foreign,
}

impl Face {
    /// As it stands, with the link to where it is changed.
    async fn of(app: &Shared, agency: &str) -> Result<(Self, String), WebError> {
        let used = crate::preview::brand_of(app, agency).await?;
        let list = || "/quan-tri/nhan-dien".to_owned();
        if !is_open_to(&used, agency) {
            return Ok((Self::Foreign, list()));
        }
        let Some(key) = OwnBrand::key_of(agency, &used) else { return Ok((Self::Own, list())) };
        let plain = app.store.read::<OwnBrand>(&key).await?.filter(|row| row.record.is_plain());
        let form =
            |row: Versioned<OwnBrand>| format!("/quan-tri/nhan-dien/bo?ten={}", row.record.name);
        Ok(plain.map_or((Self::Own, list()), |row| (Self::Plain, form(row))))
    }
}

/// Whether one person writes and another one approves.
fn are_two(people: &[User]) -> bool {
    let active = || people.iter().filter(|user| user.is_active());
    let writes = |user: &&User| user.is_any(&[Role::Author, Role::Editor]);
    active()
        .filter(writes)
        .any(|writer| active().any(|other| other.id != writer.id && other.is(Role::Approver)))
}

/// The steps as they stand for the visitor.
async fn steps(app: &Shared, visitor: &Visitor) -> Result<Start, WebError> {
    let (user, agency) = (&visitor.user, &visitor.user.agency);
    let prefix = join(&[agency, ""]);
    let accounts = app.store.list::<Account>("account_by_agency", &prefix, MOST).await?;
    let accounts: Vec<Account> = accounts.into_iter().map(|row| row.record).collect();
    let live = app.begun.has(agency) || is_live(app, agency, &accounts).await?;
    let people = app.store.list::<User>("user_by_agency", &prefix, MOST).await?;
    // As each is here: a guest may have other roles at home.
    let here = people.into_iter().filter_map(|row| row.record.in_agency(agency));
    let people: Vec<User> = here.collect();
    let article = app.store.list_last::<Article>("article_by_time", &prefix, 1).await?;
    let article = article.first().map(|row| row.record.id.to_string());
    let draft = match first_post(app, agency, PostState::Returned).await? {
        Some(post) => Some(post),
        None => first_post(app, agency, PostState::Draft).await?,
    };
    let waiting = pages::in_review(app, agency).await?;
    let approved = first_post(app, agency, PostState::Approved).await?;
    let written = draft.is_some() || !waiting.is_empty() || approved.is_some() || live;
    let submitted = !waiting.is_empty() || approved.is_some() || live;
    let own = !waiting.is_empty() && waiting.iter().all(|post| post.was_written_by(user.id));
    let to = |post: &Option<Post>| {
        post.as_ref().map(|post| format!("/bai-dang/{}", post.id)).unwrap_or_default()
    };
    let waits = |account: &&Account| matches!(account.status, AccountStatus::NeedsReauth { .. });
    let connected = accounts.iter().any(|account| !waits(&account));
    // One that was added and does not work yet is mended before another one is added.
    let connect = accounts
        .iter()
        .find(waits)
        .filter(|_| !connected)
        .map_or_else(|| "/kenh/them".to_owned(), |account| format!("/kenh/{}", account.name));
    let roles = Some(user.roles.as_slice());
    let step = |key, done, link: String, access: Access, who| Step {
        key,
        done,
        next: false,
        may: access.lets(roles) && !link.is_empty(),
        link,
        who,
        own: false,
        foreign: false,
    };
    let (kit, kit_link) = Face::of(app, agency).await?;
    // Whoever approved a picture has seen the name that it carries.
    let seen = matches!(kit, Face::Own) || (approved.is_some() || live) && kit == Face::Plain;
    let mut steps = vec![
        step("account", connected, connect, ADMINS, "admin"),
        step("second", are_two(&people), "/quan-tri#h-add".to_owned(), ADMINS, "admin"),
        step("brand", seen, kit_link, ADMINS, "admin"),
        step("article", article.is_some() || written, "/#source".to_owned(), WRITERS, "writer"),
        step(
            "compose",
            written,
            article.map(|id| format!("/bai-viet/{id}")).unwrap_or_default(),
            WRITERS,
            "writer",
        ),
        step("submit", submitted, to(&draft), WRITERS, "writer"),
        step(
            "approve",
            approved.is_some() || live,
            if waiting.is_empty() { String::new() } else { "/duyet".to_owned() },
            SIGNERS,
            "approver",
        ),
        step("live", live, to(&approved), NEWSROOM, "writer"),
    ];
    for step in &mut steps {
        step.own = step.key == "approve" && own && !step.done;
        step.may &= !step.own;
        step.foreign = step.key == "brand" && kit == Face::Foreign;
    }
    if let Some(step) = steps.iter_mut().find(|step| !step.done) {
        step.next = true;
    }
    let hidden = app.store.read::<StartHidden>(&user.id.to_string()).await?;
    Ok(Start {
        done: steps.iter().filter(|step| step.done).count(),
        total: steps.len(),
        steps,
        hidden: hidden.is_some_and(|row| row.record.hidden),
        live,
    })
}

/// The steps for the start page; nothing once the first post is live, and for whoever hid them.
pub(crate) async fn on_start_page(
    app: &Shared,
    visitor: &Visitor,
) -> Result<Option<Start>, WebError> {
    if app.begun.has(&visitor.user.agency) {
        return Ok(None);
    }
    let steps = steps(app, visitor).await?;
    Ok(Some(steps).filter(|steps| !steps.live && !steps.hidden))
}

/// The first post that is live, while that is news; nothing for whoever hid the steps to it.
pub(crate) async fn first_live(
    app: &Shared,
    visitor: &Visitor,
) -> Result<Option<String>, WebError> {
    let first = app.begun.of(&visitor.user.agency);
    let Some((post, _)) = first.filter(|(_, at)| app.clock.now().duration_since(*at) < NEWS) else {
        return Ok(None);
    };
    let hidden = app.store.read::<StartHidden>(&visitor.user.id.to_string()).await?;
    Ok(Some(format!("/bai-dang/{post}")).filter(|_| hidden.is_none_or(|row| !row.record.hidden)))
}

async fn hide(app: &Shared, visitor: &Visitor, hidden: bool) -> Result<(), WebError> {
    let record = StartHidden { user: visitor.user.id, hidden };
    let changes = Changes::by(visitor.actor(), "hide the first steps");
    app.store.commit(changes.put(&record, Expect::Any)).await?;
    Ok(())
}

#[derive(Serialize)]
struct Page {
    start: Start,
}

/// The steps on a page of their own, also for whoever hid them.
async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    let page = Page { start: steps(&app, &visitor).await? };
    pages::draw(&app, &visitor, "start", "pages/start_page.html", page).await
}

/// Whether they are to be hidden.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hide {
    hidden: bool,
}

async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(Hide { hidden }): Form<Hide>,
) -> Result<Response, WebError> {
    hide(&app, &visitor, hidden).await?;
    Ok(Redirect::to("/").into_response())
}

async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Json<Start>, WebError> {
    Ok(Json(steps(&app, &visitor).await?))
}

async fn hide_operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(Hide { hidden }): Json<Hide>,
) -> Result<StatusCode, WebError> {
    hide(&app, &visitor, hidden).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The addresses of the first steps.
pub(crate) fn ways(ways: Ways) -> Ways {
    let staff = Access::Staff;
    ways.get("/bat-dau", staff, page)
        .post("/bat-dau/an", staff, press)
        .api(Method::GET, "/api/v1/start", staff, (list_told(), list))
        .api(Method::PUT, "/api/v1/start/hidden", staff, (hide_told(), hide_operation))
}

fn list_told() -> Value {
    json!({
        "summary": "The steps to the first live post of the caller's agency: what is done, where the next one is done and whether the caller may",
        "responses": { "200": { "description": "steps, done, total, hidden, live" } },
    })
}

fn hide_told() -> Value {
    let schema = json!({
        "type": "object", "required": ["hidden"], "additionalProperties": false,
        "properties": { "hidden": { "type": "boolean" } },
    });
    json!({
        "summary": "Hide the first steps from the caller's start page, or show them again",
        "requestBody": { "required": true, "content": { "application/json": { "schema": schema } } },
        "responses": {
            "204": { "description": "It is so" },
            "400": { "description": "The body is no JSON" },
            "415": { "description": "The body is not said to be JSON" },
            "422": { "description": "hidden is true or false" },
        },
    })
}
