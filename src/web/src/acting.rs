//! For which of their agencies a person acts: shown on every page, chosen where there are several.

use axum::{
    Extension, Form, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use loa_model::Role;
use loa_store::{Changes, StoreExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared,
    auth::{Session, Visitor},
    channels::agency_title,
    error::WebError,
};

/// An agency that a person may act for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AgencyView {
    agency: String,
    title: String,
    roles: Vec<Role>,
    /// Whether the person acts for it now.
    acting: bool,
}

/// The agencies of the visitor, the one they belong to first.
pub(crate) async fn agencies(app: &Shared, visitor: &Visitor) -> Result<Vec<AgencyView>, WebError> {
    let mut views = Vec::new();
    for there in &visitor.agencies {
        views.push(AgencyView {
            title: agency_title(app, &there.agency).await?,
            acting: there.agency == visitor.user.agency,
            agency: there.agency.clone(),
            roles: there.roles.clone(),
        });
    }
    Ok(views)
}

/// An agency.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    agency: String,
}

/// From now on the session acts for another agency of its person. A token acts for one and has no session.
async fn act_for(app: &Shared, visitor: &Visitor, wanted: Wanted) -> Result<(), WebError> {
    if visitor.agencies.iter().all(|there| there.agency != wanted.agency) {
        return Err(WebError::missing());
    }
    let Some(row) = app.store.read::<Session>(&visitor.session.to_string()).await? else {
        return Err(WebError::unfit(
            "Mã chỉ làm việc cho một cơ quan / A token acts for one agency",
        ));
    };
    if visitor.user.agency != wanted.agency {
        let session = Session { agency: Some(wanted.agency), ..row.record };
        let changes = Changes::by(visitor.actor(), "choose agency").update(&session, row.version);
        app.store.commit(changes).await?;
    }
    Ok(())
}

/// The form of the header. It leads to the front page: what was on the screen is not there in the other agency.
pub(crate) async fn choose(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(form): Form<Wanted>,
) -> Result<Response, WebError> {
    act_for(&app, &visitor, form).await?;
    Ok(Redirect::to("/").into_response())
}

/// The agencies of the caller as JSON.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Json<Value>, WebError> {
    Ok(Json(json!({ "agencies": agencies(&app, &visitor).await? })))
}

/// Chooses one for a machine that is signed in.
pub(crate) async fn set(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(wanted): Json<Wanted>,
) -> Result<StatusCode, WebError> {
    act_for(&app, &visitor, wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The list as `OpenAPI` says it.
pub(crate) fn list_told() -> Value {
    json!({
        "summary": "Agencies the caller may act for, with their roles there; a token acts for its own only",
        "responses": { "200": { "description": "JSON" } },
    })
}

/// The choice as `OpenAPI` says it.
pub(crate) fn set_told() -> Value {
    let body = json!({
        "type": "object", "required": ["agency"], "additionalProperties": false,
        "properties": { "agency": { "type": "string" } },
    });
    json!({
        "summary": "Act for another agency of the caller from now on, in this session",
        "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
        "responses": {
            "204": { "description": "It is so" },
            "400": { "description": "The body is no JSON" },
            "404": { "description": "The caller works in no such agency" },
            "409": { "description": "Somebody changed the session just now" },
            "415": { "description": "The body is not said to be JSON" },
            "422": { "description": "Something in it cannot be; a token acts for one agency" },
        },
    })
}
