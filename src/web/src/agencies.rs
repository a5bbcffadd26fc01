//! *Quản trị → Cơ quan*: the agencies of the installation, how each is called, and what each lets its people do.
//!
//! One agency keeps the installation: its administrators see every agency, change any and add new ones. The administrators of
//! another agency see and change their own. Whoever adds one administers it until they make somebody else do so.

pub(crate) mod page;
pub(crate) mod told;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use loa_model::{
    Actor, Agency, Installation, Membership, OwnBrand, Record as _, Role, User, record::join,
    schedule,
};
use loa_store::{Changes, StoreExt, Versioned};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    operation::piece::{Part, Piece},
    variant::{self, KitChoice},
    ways::{ADMINS, Ways},
};

/// More agencies than an installation has.
const MOST: usize = 1000;

/// The addresses of agencies.
pub(crate) fn ways(ways: Ways) -> Ways {
    ways.get("/quan-tri/co-quan", ADMINS, page::page)
        .post("/quan-tri/co-quan", ADMINS, page::make)
        .post("/quan-tri/co-quan/{name}", ADMINS, page::edit)
        .post("/quan-tri/co-quan/{name}/ky-mot-minh", ADMINS, page::turn)
        .api(Method::GET, "/api/v1/agencies", ADMINS, (told::list(), list))
        .api(Method::POST, "/api/v1/agencies", ADMINS, (told::add(), add_one))
        .api(Method::GET, "/api/v1/agencies/{name}", ADMINS, (told::one(), one))
        .api(Method::PATCH, "/api/v1/agencies/{name}", ADMINS, (told::change(), change_one))
}

/// An agency as the list tells it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AgencyView {
    name: String,
    title: String,
    zone: String,
    brand: String,
    /// Kits it may have: its own and the reviewed ones.
    brands: Vec<KitChoice>,
    /// Whether an approver may sign an urgent post of their own.
    urgent_alone: bool,
    people: usize,
    accounts: usize,
    /// Whether it keeps the installation.
    keeps: bool,
}

/// What the visitor may see and do.
#[derive(Debug, Serialize)]
pub(crate) struct Administered {
    agencies: Vec<AgencyView>,
    /// Whether they may add one.
    may_add: bool,
    /// Brand kits that a new one may have.
    brands: Vec<KitChoice>,
}

/// Who is added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAgency {
    name: String,
    title: String,
    #[serde(default = "hanoi")]
    zone: String,
    /// A kit made of the title when it is empty.
    #[serde(default)]
    brand: String,
}

fn hanoi() -> String {
    crate::article::ZONE.to_owned()
}

/// What an agency becomes; what is not said stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    title: Option<String>,
    zone: Option<String>,
    brand: Option<String>,
    urgent_alone: Option<bool>,
}

/// The agency that keeps the installation, by its record; in one that has none yet, the only agency there is.
async fn keeper(app: &Shared) -> Result<Option<String>, WebError> {
    if let Some(row) = app.store.read::<Installation>(Installation::KEY).await? {
        return Ok(Some(row.record.kept_by));
    }
    let mut all = app.store.all::<Agency>(2).await?;
    let only = if all.len() == 1 { all.pop() } else { None };
    Ok(only.map(|row| row.record.name))
}

async fn keeps(app: &Shared, visitor: &Visitor) -> Result<bool, WebError> {
    Ok(keeper(app).await?.as_ref() == Some(&visitor.user.agency))
}

/// Brand kits that an agency can be given: its own and the reviewed ones. One that is new has none of its own.
async fn brands(app: &Shared, agency: &str) -> Result<Vec<KitChoice>, WebError> {
    variant::kit_choices(app, agency).await
}

/// The agencies that the visitor administers: all of them where theirs keeps the installation, else their own.
pub(crate) async fn all(app: &Shared, visitor: &Visitor) -> Result<Administered, WebError> {
    let keeper = keeper(app).await?;
    let may_add = keeper.as_ref() == Some(&visitor.user.agency);
    let rows = if may_add {
        app.store.all::<Agency>(MOST).await?
    } else {
        app.store.read::<Agency>(&visitor.user.agency).await?.into_iter().collect()
    };
    let mut agencies = Vec::new();
    for row in rows {
        agencies.push(seen(app, row.record, keeper.as_deref()).await?);
    }
    let brands = if may_add { brands(app, "").await? } else { Vec::new() };
    Ok(Administered { agencies, may_add, brands })
}

async fn seen(app: &Shared, agency: Agency, keeper: Option<&str>) -> Result<AgencyView, WebError> {
    let under = join(&[&agency.name, ""]);
    Ok(AgencyView {
        people: app.store.count_under("user_by_agency", &under).await?,
        accounts: app.store.count_under("account_by_agency", &under).await?,
        keeps: keeper == Some(&agency.name),
        brands: brands(app, &agency.name).await?,
        name: agency.name,
        title: agency.title,
        zone: agency.zone,
        brand: agency.brand,
        urgent_alone: agency.urgent_alone,
    })
}

/// A title as people read it: no line breaks, no spaces around it.
fn title(text: &str) -> Result<String, WebError> {
    let title = text.trim();
    if title.is_empty() || title.chars().count() > 120 || title.chars().any(char::is_control) {
        return Err(WebError::unfit(
            "Tên cơ quan có từ 1 đến 120 ký tự / The name of an agency has 1 to 120 characters",
        ));
    }
    Ok(title.to_owned())
}

fn zone(text: &str) -> Result<String, WebError> {
    // Long names are none: they would only be looked for among the files of the machine.
    let known = text.len() <= 64 && schedule::zone(text).is_ok();
    known.then(|| text.to_owned()).ok_or_else(|| {
        WebError::unfit(
            "Không có múi giờ này; ví dụ đúng là Asia/Ho_Chi_Minh / There is no such time zone; Asia/Ho_Chi_Minh is one",
        )
    })
}

async fn brand(app: &Shared, agency: &str, id: &str) -> Result<String, WebError> {
    let known = brands(app, agency).await?.iter().any(|kit| kit.id == id);
    known
        .then(|| id.to_owned())
        .ok_or_else(|| WebError::unfit("Không có bộ nhận diện này / There is no such brand kit"))
}

/// The kit that an agency begins with: its own name, so that none of its pictures is signed by another one.
pub(crate) fn own_kit(
    app: &Shared,
    by: Actor,
    agency: &str,
    title: &str,
) -> Result<OwnBrand, WebError> {
    OwnBrand::plain(agency, title, by, app.clock.now())
        .map_err(|why| WebError::unfit(why.to_string()))
}

/// The key of an agency: it is in addresses and settings, and never changes.
fn short(text: &str) -> Result<&str, WebError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !starts || !(2..=30).contains(&text.len()) || !text.chars().all(plain) {
        return Err(WebError::unfit(
            "Mã cơ quan có 2 đến 30 ký tự: chữ thường không dấu, số, gạch nối / The key of an agency has 2 to 30 characters: small letters a to z, digits, hyphens",
        ));
    }
    Ok(text)
}

/// Adds an agency. Whoever does administers it, so that somebody can let others in.
pub(crate) async fn add(
    app: &Shared,
    visitor: &Visitor,
    new: NewAgency,
) -> Result<String, WebError> {
    if !keeps(app, visitor).await? {
        return Err(WebError::new(
            StatusCode::FORBIDDEN,
            "Chỉ quản trị viên của cơ quan quản lý hệ thống thêm được cơ quan / Only administrators of the agency that keeps the installation add agencies",
        ));
    }
    let name = short(&new.name)?.to_owned();
    let taken = || {
        WebError::new(
            StatusCode::CONFLICT,
            "Mã này đã có cơ quan dùng / An agency with this key exists",
        )
    };
    if app.store.read::<Agency>(&name).await?.is_some() {
        return Err(taken());
    }
    if app.store.all::<Agency>(MOST).await?.len() >= MOST {
        return Err(WebError::unfit(
            "Hệ thống đã có 1000 cơ quan / The installation has 1000 agencies already",
        ));
    }
    let title = title(&new.title)?;
    let plain = match new.brand.as_str() {
        "" => Some(own_kit(app, visitor.actor(), &name, &title)?),
        _ => None,
    };
    let brand = match &plain {
        Some(kit) => kit.id(),
        None => brand(app, "", &new.brand).await?,
    };
    let agency = Agency { title, brand, zone: zone(&new.zone)?, urgent_alone: false, name };
    let row = app.store.read::<User>(&visitor.user.id.to_string()).await?;
    let row = row.ok_or_else(WebError::missing)?;
    let mut user = row.record;
    if user.in_agency(&agency.name).is_none() {
        user.also.push(Membership { agency: agency.name.clone(), roles: vec![Role::Admin] });
    }
    let mut changes = Changes::by(visitor.actor(), "add agency").insert(&agency);
    changes = changes.update(&user, row.version);
    if let Some(kit) = &plain {
        changes = changes.insert(kit);
    }
    // Until there were two, the only one kept the installation without a word.
    if app.store.read::<Installation>(Installation::KEY).await?.is_none() {
        changes = changes.insert(&Installation { kept_by: visitor.user.agency.clone() });
    }
    match app.store.commit(changes).await {
        Err(loa_store::Error::Conflict { table, .. }) if table == Agency::TABLE => {
            return Err(taken());
        }
        done => done?,
    };
    Ok(agency.name)
}

/// An agency that the visitor administers; any other is not there.
async fn own(app: &Shared, visitor: &Visitor, name: &str) -> Result<Versioned<Agency>, WebError> {
    if name != visitor.user.agency && !keeps(app, visitor).await? {
        return Err(WebError::missing());
    }
    app.store.read::<Agency>(name).await?.ok_or_else(WebError::missing)
}

/// Changes an agency. What its approvers may sign alone is called by its own name in the log.
pub(crate) async fn change(
    app: &Shared,
    visitor: &Visitor,
    name: &str,
    wanted: Change,
) -> Result<(), WebError> {
    let row = own(app, visitor, name).await?;
    let mut agency = row.record.clone();
    if let Some(text) = wanted.title {
        agency.title = title(&text)?;
    }
    if let Some(text) = wanted.zone {
        agency.zone = zone(&text)?;
    }
    if let Some(id) = wanted.brand.filter(|id| *id != agency.brand) {
        agency.brand = brand(app, &agency.name, &id).await?;
    }
    agency.urgent_alone = wanted.urgent_alone.unwrap_or(agency.urgent_alone);
    if agency == row.record {
        return Ok(());
    }
    let what = match (row.record.urgent_alone, agency.urgent_alone) {
        (false, true) => "let approvers sign urgent posts alone",
        (true, false) => "have two people sign every post",
        _ => "change agency",
    };
    let mut changes = Changes::by(visitor.actor(), what).update(&agency, row.version);
    if agency.title != row.record.title {
        let kit = own_kit(app, visitor.actor(), &agency.name, &agency.title)?;
        // One that somebody has made their own says what they wrote.
        let before = app.store.read::<OwnBrand>(&kit.key()).await?;
        if let Some(before) = before.filter(|before| before.record.is_plain()) {
            changes = changes.update(&kit, before.version);
        }
    }
    app.store.commit(changes).await?;
    Ok(())
}

/// The agencies as JSON.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(part): Query<Part>,
) -> Result<Piece<AgencyView>, WebError> {
    let Administered { agencies, may_add, brands } = all(&app, &visitor).await?;
    let piece = Piece::of(agencies, &part, |agency| agency.name.clone())?;
    Ok(piece.with("may_add", may_add).with("brands", brands))
}

/// One of them for a machine.
pub(crate) async fn one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Json<AgencyView>, WebError> {
    let row = own(&app, &visitor, &name).await?;
    Ok(Json(seen(&app, row.record, keeper(&app).await?.as_deref()).await?))
}

/// Adds one for a machine.
pub(crate) async fn add_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(new): Json<NewAgency>,
) -> Result<Response, WebError> {
    let name = add(&app, &visitor, new).await?;
    Ok((StatusCode::CREATED, Json(json!({ "name": name }))).into_response())
}

/// Changes one for a machine.
pub(crate) async fn change_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Json(wanted): Json<Change>,
) -> Result<StatusCode, WebError> {
    change(&app, &visitor, &name, wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}
