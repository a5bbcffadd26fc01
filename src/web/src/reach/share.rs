//! Links by which people outside read one report: made, listed, taken back, opened.

use std::collections::BTreeMap;

use axum::{
    Extension, Form, Json,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_model::record::join;
use loa_reach::{By, Share, Shared as Link};
use loa_store::StoreExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Ask, Wanted, days_words, failed,
    overview::{self, Numbers, Reader},
};
use crate::{
    Shared,
    article::ZONE,
    auth::{Visitor, language_of},
    channels::{agency_title, name_of_user},
    error::WebError,
    operation::piece::{self, Part, Piece},
    pages::{self, name_of},
    view,
};

/// What a link is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    range: Option<String>,
    from: Option<String>,
    to: Option<String>,
    by: Option<String>,
    /// Days it lives.
    days: Option<String>,
}

/// The same from a machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    from: String,
    to: String,
    #[serde(default)]
    by: Vec<By>,
    days: Option<i64>,
}

/// A link as a list shows it: never its token.
#[derive(Debug, Serialize)]
pub(crate) struct ShareView {
    /// What tells it from other links.
    code: String,
    id: String,
    days: String,
    by: Vec<String>,
    made_by: String,
    made_at: String,
    expires_at: String,
    /// `open`, `expired` or `revoked`.
    state: &'static str,
}

/// A short name of a link, the same wherever it is listed; it opens nothing.
fn code(share: &Share) -> String {
    share.token.to_string().chars().take(6).collect()
}

async fn views(app: &Shared, visitor: &Visitor) -> Result<Vec<ShareView>, WebError> {
    let now = app.clock.now();
    let mut names = BTreeMap::new();
    let mut all = Vec::new();
    let shares = loa_reach::shares(&*app.store, &visitor.user.agency).await.map_err(failed)?;
    for share in shares {
        all.push(ShareView {
            code: code(&share),
            id: share.token.to_string(),
            days: days_words(share.days),
            by: share.by.iter().map(name_of).collect(),
            made_by: name_of_user(app, share.made_by, &mut names).await?,
            made_at: view::time(share.made_at, ZONE),
            expires_at: view::time(share.expires_at, ZONE),
            state: match (share.is_open(now), share.revoked) {
                (true, _) => "open",
                (false, Some(_)) => "revoked",
                (false, None) => "expired",
            },
        });
    }
    Ok(all)
}

/// Makes a link: its address, which is told once, and its record.
async fn made(
    app: &Shared,
    visitor: &Visitor,
    wanted: &Wanted,
    days: Option<i64>,
) -> Result<(String, Share), WebError> {
    if wanted.by.contains(&By::Agency) {
        return Err(WebError::unfit(
            "Liên kết chỉ cho xem số liệu của một cơ quan / A link shows the numbers of one agency",
        ));
    }
    if days.is_some_and(|days| !(1..=366).contains(&days)) {
        return Err(WebError::unfit(
            "Liên kết có hạn từ 1 đến 366 ngày / A link lives for 1 to 366 days",
        ));
    }
    let of = (wanted.days, wanted.by.clone());
    let (agency, by) = (&visitor.user.agency, visitor.user.id);
    let made = loa_reach::share(&*app.store, (&*app.clock, &app.ids), agency, of, by, days).await;
    let (token, share) = made.map_err(failed)?;
    Ok((format!("{}/chia-se/{token}", app.config.public_url.trim_end_matches('/')), share))
}

#[derive(Serialize)]
struct Page {
    /// The address of a link that was just made; empty when none was.
    address: String,
    code: String,
    expires_at: String,
    shares: Vec<ShareView>,
}

async fn drawn(
    app: &Shared,
    visitor: &Visitor,
    made: Option<(String, Share)>,
) -> Result<Html<String>, WebError> {
    let (address, code, expires_at) = made.map_or_else(Default::default, |(address, share)| {
        (address, code(&share), view::time(share.expires_at, ZONE))
    });
    let page = Page { address, code, expires_at, shares: views(app, visitor).await? };
    pages::draw(app, visitor, "reach", "pages/reach_shares.html", page).await
}

/// The links of the agency.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    drawn(&app, &visitor, None).await
}

/// Makes a link and shows its address: it is told on this answer only.
pub(crate) async fn make(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(Order { range, from, to, by, days }): Form<Order>,
) -> Result<Html<String>, WebError> {
    let wanted = Ask { range, from, to, by }.wanted(app.clock.now())?;
    let days = days.filter(|days| !days.is_empty()).map(|days| days.parse());
    let bad = |_| WebError::unfit("Số ngày không hợp lệ / Not a number of days");
    let made = made(&app, &visitor, &wanted, days.transpose().map_err(bad)?).await?;
    drawn(&app, &visitor, Some(made)).await
}

/// Takes a link back.
pub(crate) async fn revoke(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    taken_back(&app, &visitor, &id).await?;
    Ok(Redirect::to("/bao-cao/chia-se").into_response())
}

async fn taken_back(app: &Shared, visitor: &Visitor, id: &str) -> Result<(), WebError> {
    let id = id.parse().map_err(|_| WebError::missing())?;
    let by = (visitor.user.id, app.clock.now());
    let found = loa_reach::revoke_share(&*app.store, &visitor.user.agency, id, by).await;
    if found.map_err(failed)? { Ok(()) } else { Err(WebError::missing()) }
}

/// The links of the agency as JSON.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(part): Query<Part>,
) -> Result<Piece<Share>, WebError> {
    let of = join(&[&visitor.user.agency, ""]);
    let index = ("reach_share_by_agency", of.as_str());
    let (rows, next) = piece::rows(&*app.store, index, piece::From::Last, &part).await?;
    Ok(Piece::new(rows.into_iter().map(|row| row.record).collect(), next))
}

/// One of them.
pub(crate) async fn one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Share>, WebError> {
    let id: loa_reach::ShareId = id.parse().map_err(|_| WebError::missing())?;
    let row = app.store.read::<Share>(&id.to_string()).await?;
    let own = row.filter(|row| row.record.agency == visitor.user.agency);
    own.map(|row| Json(row.record)).ok_or_else(WebError::missing)
}

/// Makes a link for a machine.
pub(crate) async fn add(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(Wish { from, to, by, days }): Json<Wish>,
) -> Result<Response, WebError> {
    let by = by.iter().map(name_of).collect::<Vec<_>>().join(",");
    let ask = Ask { range: None, from: Some(from), to: Some(to), by: Some(by) };
    let wanted = ask.wanted(app.clock.now())?;
    let (address, share) = made(&app, &visitor, &wanted, days).await?;
    let told = json!({ "address": address, "share": share });
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

/// Takes a link back for a machine.
pub(crate) async fn remove(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<StatusCode, WebError> {
    taken_back(&app, &visitor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize)]
struct Outside {
    agency: String,
    made_at: String,
    days: String,
    before: String,
    last_year: String,
    as_of: String,
    expires_at: String,
    running: bool,
    #[serde(flatten)]
    numbers: Numbers,
}

/// The report of a link, for whoever has it.
pub(crate) async fn open(
    State(app): State<Shared>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let lang = language_of(&headers, &app.config.language);
    let link = loa_reach::open_share(&*app.store, &token, app.clock.now()).await;
    let mut response = match link.map_err(failed)? {
        Link::Unknown => return Err(WebError::missing()),
        Link::Over => WebError::new(
            StatusCode::GONE,
            "Liên kết này đã hết hạn hoặc đã bị thu hồi. Hãy hỏi người đã gửi cho bạn. / This link has run out or was taken back. Ask whoever sent it to you.",
        )
        .into_response(),
        Link::Open(share) => shown(&app, &lang, share).await?.into_response(),
    };
    let alone = HeaderValue::from_static("noindex, nofollow, noarchive");
    response.headers_mut().insert("x-robots-tag", alone);
    Ok(response)
}

async fn shown(app: &Shared, lang: &str, share: Share) -> Result<Html<String>, WebError> {
    let agency = agency_title(app, &share.agency).await?;
    let running = app.clock.now() < share.days.span(ZONE).1;
    let wanted = Wanted { range: "custom", days: share.days, running, by: share.by };
    let told = overview::told(app, &share.agency, &[], &wanted).await?;
    let as_of = told.overview.period.as_of;
    let page = Outside {
        agency,
        made_at: view::time(app.clock.now(), ZONE),
        days: days_words(wanted.days),
        before: days_words(wanted.days.before()),
        last_year: days_words(wanted.days.last_year()),
        as_of: as_of.map(|at| view::time(at, ZONE)).unwrap_or_default(),
        expires_at: view::time(share.expires_at, ZONE),
        running,
        numbers: Numbers::of(&Reader { app, lang, inside: false }, &told).await?,
    };
    Ok(Html(app.assets.render("pages/reach_shared.html", lang, page)?))
}
