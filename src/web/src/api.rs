//! The JSON side of the pages: the same data under `/api/v1`.

use axum::{
    Extension, Json,
    extract::{Query, State},
    http::StatusCode,
};
use jiff::Timestamp;
use loa_model::{Post, record::join};
use loa_store::StoreExt;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Shared, auth::Visitor, error::WebError, pages};

/// Articles of the caller's agency, newest first.
pub(crate) async fn articles(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Json<Value>, WebError> {
    let articles = pages::latest(&app, &visitor.user.agency).await?;
    let view = |article: loa_model::Article| {
        json!({
            "id": article.id, "revision": article.revision, "digest": article.digest, "state": article.state,
            "title": article.title(), "url": article.source.canonical_url, "published_at": article.published_at,
        })
    };
    Ok(Json(json!({ "articles": articles.into_iter().map(view).collect::<Vec<_>>() })))
}

/// Posts with their states and receipts.
pub(crate) async fn posts(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Json<Value>, WebError> {
    let rows = app
        .store
        .list_last::<Post>("post_by_state", &join(&[&visitor.user.agency, ""]), 500)
        .await?;
    let mut posts = Vec::new();
    for row in rows {
        let (state, delivery) = pages::state_of(&app, &row.record).await?;
        posts.push(json!({
            "id": row.record.id, "article": row.record.article, "account": row.record.account,
            "format": row.record.content.format, "digest": row.record.digest(), "state": state,
            "priority": row.record.priority,
            "scheduled_at": row.record.scheduled_at, "receipt": delivery.and_then(|delivery| delivery.receipt),
        }));
    }
    Ok(Json(json!({ "posts": posts })))
}

#[derive(Deserialize)]
pub(crate) struct Period {
    from: Timestamp,
    to: Timestamp,
    #[serde(default = "by_channel")]
    by: loa_reach::By,
}

fn by_channel() -> loa_reach::By {
    loa_reach::By::Channel
}

/// The reach report of a period.
pub(crate) async fn reach(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(period): Query<Period>,
) -> Result<Json<loa_reach::Report>, WebError> {
    if period.to <= period.from {
        return Err(WebError::new(StatusCode::UNPROCESSABLE_ENTITY, "to must be later than from"));
    }
    let query = loa_reach::Query {
        agency: visitor.user.agency.clone(),
        from: period.from,
        to: period.to,
        by: period.by,
        population: None,
    };
    Ok(Json(loa_reach::report(&*app.store, &query).await.map_err(pages::reach_failed)?))
}

/// What can be asked, for machines.
pub(crate) async fn openapi() -> Json<Value> {
    let listed = |summary: &str| json!({ "get": { "summary": summary, "responses": { "200": { "description": "JSON" } } } });
    let parameter = |name: &str, required: bool| json!({ "name": name, "in": "query", "required": required, "schema": { "type": "string" } });
    let mut reach =
        listed("Reach of posts in a period, cut by channel, account, format, article or post");
    if let Some(get) = reach.get_mut("get").and_then(Value::as_object_mut) {
        get.insert(
            "parameters".to_owned(),
            json!([parameter("from", true), parameter("to", true), parameter("by", false)]),
        );
    }
    let (clip, frame) = crate::clip::openapi();
    Json(json!({
        "openapi": "3.1.0",
        "info": { "title": "Loa", "version": env!("CARGO_PKG_VERSION") },
        "paths": {
            "/api/v1/articles": listed("Articles of the caller's agency, newest first"),
            "/api/v1/posts": listed("Posts with their states and receipts"),
            "/api/v1/reach": reach,
            "/api/v1/preview": crate::preview::openapi(),
            "/api/v1/preview/clip": clip,
            "/api/v1/preview/clip/{id}/{file}": frame,
            "/api/v1/templates": crate::templates::openapi(),
            "/api/v1/templates/{name}": crate::templates::openapi_of_one(),
        },
        "components": { "securitySchemes": { "session": { "type": "apiKey", "in": "cookie", "name": "loa" } } },
        "security": [{ "session": [] }],
    }))
}
