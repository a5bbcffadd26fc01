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
        return Err(WebError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Kỳ báo cáo kết thúc trước khi bắt đầu / The period ends before it begins",
        ));
    }
    let query = loa_reach::Query {
        agency: visitor.user.agency.clone(),
        from: period.from,
        to: period.to,
        by: period.by,
        population: None,
    };
    if query.by == loa_reach::By::Agency {
        return Err(WebError::unfit(
            "Bảng theo cơ quan ở /api/v1/reach/overview / The cut by agency is at /api/v1/reach/overview",
        ));
    }
    let books = app.reach.open(&app).await?;
    let told = loa_reach::report(books.of(&query.agency), &query);
    Ok(Json(told.map_err(crate::reach::failed)?))
}

fn list(summary: &str) -> Value {
    json!({ "summary": summary, "responses": { "200": { "description": "JSON" } } })
}

/// The list of posts as `OpenAPI` says it.
pub(crate) fn posts_told() -> Value {
    list("Posts with their states and receipts")
}

/// The report as `OpenAPI` says it.
pub(crate) fn reach_told() -> Value {
    let parameter = |name: &str, required: bool, schema: Value| json!({ "name": name, "in": "query", "required": required, "schema": schema });
    let time = json!({ "type": "string", "format": "date-time" });
    let cuts = loa_reach::By::ALL.iter().filter(|by| **by != loa_reach::By::Agency);
    let by = json!({ "enum": cuts.map(pages::name_of).collect::<Vec<_>>() });
    let mut told = list(
        "Reach of posts in a period, cut by channel, account, format, article, post, topic or language",
    );
    if let Some(told) = told.as_object_mut() {
        let parameters = json!([
            parameter("from", true, time.clone()),
            parameter("to", true, time),
            parameter("by", false, by)
        ]);
        told.insert("parameters".to_owned(), parameters);
        told["responses"]["400"] = json!({ "description": "A parameter is missing or no date" });
        told["responses"]["422"] = json!({ "description": "The period ends before it begins" });
    }
    told
}

/// This description as it says itself.
pub(crate) fn openapi_told() -> Value {
    list("This description")
}

/// What can be asked, for machines.
pub(crate) async fn openapi() -> Json<Value> {
    let text = json!({ "type": "string" });
    let problem = json!({
        "type": "object", "required": ["title", "status", "detail"],
        "properties": {
            "type": text, "title": text, "status": { "type": "integer" }, "detail": text,
            "detail_vi": text, "detail_en": text,
            "errors": { "type": "array", "items": text },
        },
    });
    Json(json!({
        "openapi": "3.1.0",
        "info": { "title": "Loa", "version": env!("CARGO_PKG_VERSION") },
        "paths": crate::ways::paths(&crate::ways()),
        "components": {
            "schemas": { "Problem": problem },
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": "loa" },
                "token": { "type": "http", "scheme": "bearer", "description": "A token made on one's own page (/toi). It acts as its person, within its scopes: GET needs read; what approvers sign approve; what administrators manage admin; other changes write. 600 requests a minute." },
            },
        },
        "security": [{ "session": [] }, { "token": [] }],
    }))
}
