//! The operations about feeds, for programs.

use std::cmp::Reverse;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::Value;

use super::{Change, FeedView, ItemView, NewFeed, Taste};
use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    operation::piece::{Part, Piece},
};

type Asked = (State<Shared>, Extension<Visitor>);

/// An address, of a feed or of an entry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Address {
    url: String,
}

pub(crate) async fn list(
    (State(app), Extension(visitor)): Asked,
    Query(part): Query<Part>,
) -> Result<Piece<FeedView>, WebError> {
    Piece::of(super::all(&app, &visitor).await?, &part, |feed| Reverse(feed.id.to_string()))
}

pub(crate) async fn taste(
    (State(app), Extension(visitor)): Asked,
    Json(asked): Json<Address>,
) -> Result<Json<Taste>, WebError> {
    Ok(Json(super::taste(&app, &visitor, &asked.url).await?))
}

pub(crate) async fn add(
    (State(app), Extension(visitor)): Asked,
    Json(new): Json<NewFeed>,
) -> Result<(StatusCode, Json<FeedView>), WebError> {
    Ok((StatusCode::CREATED, Json(super::add(&app, &visitor, new).await?)))
}

pub(crate) async fn one(
    (State(app), Extension(visitor)): Asked,
    Path(id): Path<String>,
) -> Result<Json<Value>, WebError> {
    Ok(Json(super::told_whole(&super::one(&app, &visitor, &id).await?)))
}

pub(crate) async fn change(
    (State(app), Extension(visitor)): Asked,
    Path(id): Path<String>,
    Json(wanted): Json<Change>,
) -> Result<Json<FeedView>, WebError> {
    Ok(Json(super::change(&app, &visitor, &id, wanted).await?))
}

pub(crate) async fn look(
    (State(app), Extension(visitor)): Asked,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<FeedView>), WebError> {
    Ok((StatusCode::ACCEPTED, Json(super::look_now(&app, &visitor, &id).await?)))
}

pub(crate) async fn read(
    (State(app), Extension(visitor)): Asked,
    Path(id): Path<String>,
    Json(entry): Json<Address>,
) -> Result<(StatusCode, Json<ItemView>), WebError> {
    let item = super::read_item(&app, &visitor, &id, &entry.url).await?;
    Ok((StatusCode::ACCEPTED, Json(item)))
}

pub(crate) async fn remove(
    (State(app), Extension(visitor)): Asked,
    Path(id): Path<String>,
) -> Result<StatusCode, WebError> {
    super::remove(&app, &visitor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
