//! Changing an account that is there, and removing one that never worked.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use loa_model::{Account, Delivery, Kept, record::join};
use loa_store::{Changes, StoreExt};
use serde::Deserialize;

use super::{
    connect::{Connected, capability, connected, id, line, untaken},
    own, status,
};
use crate::{Shared, auth::Visitor, error::WebError};

/// What an account becomes; what is not said stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(super) title: Option<String>,
    /// Only of one that never worked: else posts would go to another audience under the same name.
    pub(super) remote_id: Option<String>,
    /// All of them.
    pub(super) settings: Option<BTreeMap<String, String>>,
}

/// Changes an account. The platform is asked about it where something changed that it has to do with.
pub(super) async fn change(
    app: &Shared,
    visitor: &Visitor,
    name: &str,
    wanted: Change,
) -> Result<Connected, WebError> {
    let row = own(app, visitor, name).await?;
    let capability = capability(app, row.record.name.channel())?;
    let mut account = row.record.clone();
    if let Some(text) = wanted.title {
        account.title = line(&text, "Tên tài khoản", "The name of the account")?;
    }
    if let Some(text) = wanted.remote_id.filter(|text| *text != row.record.remote_id) {
        if account.is_connected() {
            return Err(WebError::unfit(
                "ID của tài khoản đã nối không đổi được: hãy nối tài khoản mới / The id of an account that is connected does not change: connect a new one",
            ));
        }
        account.remote_id = id(&capability.connect, &text)?;
    }
    if let Some(settings) = wanted.settings {
        account.settings = capability.connect.taken(Kept::Setting, settings).map_err(untaken)?;
    }
    if account != row.record {
        let changes = Changes::by(visitor.actor(), "change account");
        app.store.commit(changes.update(&account, row.version)).await?;
    }
    let asks =
        (&account.remote_id, &account.settings) != (&row.record.remote_id, &row.record.settings);
    if asks {
        return connected(app, visitor, &account.name).await;
    }
    Ok(Connected { status: status(&account), account: account.name, test: None })
}

/// Removes an account that never worked, with its credentials.
pub(super) async fn remove(app: &Shared, visitor: &Visitor, name: &str) -> Result<(), WebError> {
    let row = own(app, visitor, name).await?;
    let account: &Account = &row.record;
    let posts = join(&[account.name.as_str(), ""]);
    let posts = app.store.list::<Delivery>("delivery_by_account", &posts, 1).await?;
    if account.is_connected() || !posts.is_empty() {
        return Err(WebError::new(
            StatusCode::CONFLICT,
            "Tài khoản đã nối không bỏ được vì bài và số liệu mang tên nó: hãy tạm dừng / An account that was connected stays, posts and figures carry its name: pause it",
        ));
    }
    // The credentials first: what is left of a half removal is an account that waits, not a secret that nobody sees.
    app.connections.forget(&account.name, visitor.user.id).await.map_err(|error| {
        tracing::error!(account = %account.name, %error, "Credentials cannot be removed");
        WebError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Không xóa được thông tin kết nối, đã ghi nhật ký / The credentials cannot be removed, it is in the log",
        )
    })?;
    let changes = Changes::by(visitor.actor(), "remove account");
    app.store.commit(changes.delete(account, row.version)).await?;
    Ok(())
}

/// Changes one for a machine.
pub(crate) async fn change_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Json(wanted): Json<Change>,
) -> Result<Json<Connected>, WebError> {
    Ok(Json(change(&app, &visitor, &name, wanted).await?))
}

/// Removes one for a machine.
pub(crate) async fn remove_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<StatusCode, WebError> {
    remove(&app, &visitor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
