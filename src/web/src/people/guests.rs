//! People of other agencies who work in this one, too: let in by their sign-in name, taken out again. They keep their name, their
//! password and their own agency; what they are given here opens nothing there.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use loa_model::{Membership, Role, User};
use loa_store::{Changes, StoreExt};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{keep_admins, login, person, roles, some_role};
use crate::{Shared, auth::Visitor, error::WebError, tokens};

/// Agencies that one person works in.
const MOST: usize = 50;

/// Who is let in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invited {
    pub(super) login: String,
    pub(super) roles: Vec<Role>,
}

/// Lets a person of another agency work in the visitor's, with these roles.
pub(crate) async fn invite(
    app: &Shared,
    visitor: &Visitor,
    wanted: Invited,
) -> Result<User, WebError> {
    some_role(&wanted.roles)?;
    let login = login(wanted.login.trim())?;
    let found = app.store.list::<User>("user_by_login", login, 2).await?;
    let row = found.into_iter().find(|row| row.record.login == login && row.record.is_active());
    let row = row.ok_or_else(|| {
        WebError::unfit(
            "Không có người đang hoạt động nào dùng tên đăng nhập này / Nobody active has this sign-in name",
        )
    })?;
    let mut user = row.record;
    let agency = &visitor.user.agency;
    if user.in_agency(agency).is_some() {
        return Err(WebError::unfit(
            "Người này đã làm việc ở đây / This person works here already",
        ));
    }
    if user.also.len() >= MOST {
        return Err(WebError::unfit(
            "Người này đã làm việc ở 50 cơ quan khác / This person works in 50 other agencies",
        ));
    }
    user.also.push(Membership { agency: agency.clone(), roles: roles(wanted.roles) });
    let changes = Changes::by(visitor.actor(), "let person in").update(&user, row.version);
    app.store.commit(changes).await?;
    Ok(user)
}

/// Takes a guest out of the visitor's agency, and their tokens of it: those would open it again if they came back.
pub(crate) async fn take_out(app: &Shared, visitor: &Visitor, id: &str) -> Result<(), WebError> {
    let row = person(app, visitor, id).await?;
    let agency = &visitor.user.agency;
    if row.record.agency == *agency {
        return Err(WebError::unfit(
            "Người này thuộc cơ quan này; hãy ngừng tài khoản thay vì đưa ra / This person belongs to this agency; deactivate them instead",
        ));
    }
    let mut user = row.record.clone();
    user.also.retain(|there| there.agency != *agency);
    let changes = Changes::by(visitor.actor(), "take a person out of the agency");
    let changes = changes.update(&user, row.version);
    let changes = keep_admins(app, &row.record, &user, changes).await?;
    let changes = tokens::revoke_all(app, user.id, Some(agency), changes).await?;
    app.store.commit(changes).await?;
    Ok(())
}

/// Lets a person in for a machine.
pub(crate) async fn invite_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(wanted): Json<Invited>,
) -> Result<Json<Value>, WebError> {
    let user = invite(&app, &visitor, wanted).await?;
    Ok(Json(json!({ "id": user.id, "login": user.login, "name": user.name })))
}

/// Takes one out for a machine.
pub(crate) async fn take_out_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<StatusCode, WebError> {
    take_out(&app, &visitor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
