//! The address of an article that came without one, given once its portal shows it.

use axum::{
    Extension, Form, Json,
    extract::{Path, State},
    http::Method,
    response::{IntoResponse, Redirect, Response},
};
use loa_model::{Article, Job, JobKind, feed::ArticleAddress, record::join};
use loa_review::Effects;
use loa_store::{Changes, StoreExt as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Look, drawn, find, handing::Handed};
use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    post::refusal,
    ways::{WRITERS, Ways},
};

/// Addresses of this module.
pub(crate) fn ways(ways: Ways) -> Ways {
    ways.post("/bai-viet/{id}/dia-chi", WRITERS, press).api(
        Method::POST,
        "/api/v1/articles/{id}/address",
        WRITERS,
        (told(), operation),
    )
}

/// What is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    url: String,
}

/// What was typed and not taken, with the reason.
#[derive(Debug, Default, Serialize)]
pub(super) struct Untaken {
    url: String,
    problem: String,
}

/// The article with its address is its next revision: what was made without the code is made anew, and what was not sent
/// waits for it.
async fn give(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
    address: &str,
) -> Result<(Article, Effects), WebError> {
    let old = find(app, visitor, id).await?;
    if !old.web_address().is_empty() {
        return Err(WebError::unfit(
            "Bài đã có địa chỉ trên cổng / The article has an address already",
        ));
    }
    let Some(url) = loa_ingest::tidy(address) else {
        return Err(WebError::unfit(
            "Địa chỉ phải bắt đầu bằng http:// hoặc https:// / The address must begin with http:// or https://",
        ));
    };
    let prefix = join(&[&old.agency, &url, ""]);
    let other = app.store.list_last::<Article>("article_by_url", &prefix, 1).await?;
    if let Some(other) = other.first() {
        let title = other.record.title();
        return Err(WebError::unfit(format!(
            "Địa chỉ này đã là của bài “{title}” / This address is that of the article “{title}”"
        )));
    }
    let (agency, now) = (&old.agency, app.clock.now());
    let mut new = Article {
        revision: old.revision + 1,
        doubts: old.doubts.iter().filter(|d| d.code != "no_canonical_url").cloned().collect(),
        ..old.clone()
    };
    new.source.canonical_url.clone_from(&url);
    new.digest = new.content_digest();
    // Whoever reads the page at the same moment finds this article there, or this is refused.
    let address = ArticleAddress { agency: agency.clone(), url, article: new.id };
    let work = JobKind::Brief { article: new.id, revision: new.revision };
    let brief = Job::new(app.ids.make(), agency, work, now);
    let changes = Changes::by(visitor.actor(), "give article address");
    let changes = changes.insert(&address).enqueue(brief);
    let done = app.review.revise(changes, &new).await;
    let effects = done.map_err(|error| WebError::unfit(refusal(app, visitor, &error)))?;
    Ok((new, effects))
}

/// The form of the article's page.
async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(Given { url }): Form<Given>,
) -> Result<Response, WebError> {
    let Err(error) = give(&app, &visitor, &id, &url).await else {
        return Ok(Redirect::to(&format!("/bai-viet/{id}")).into_response());
    };
    let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
    let article = find(&app, &visitor, &id).await?;
    let (look, handed) = (Look::default(), Handed::default());
    let page = drawn((&app, &visitor), article, &look, handed, Untaken { url, problem }).await?;
    Ok((error.status, page).into_response())
}

/// The same for programs.
async fn operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(Given { url }): Json<Given>,
) -> Result<Json<Value>, WebError> {
    let (article, done) = give(&app, &visitor, &id, &url).await?;
    Ok(Json(json!({
        "id": article.id, "revision": article.revision, "url": article.source.canonical_url,
        "voided": done.voided, "held": done.held, "stale": done.stale, "live": done.live,
    })))
}

/// The operation as `OpenAPI` says it.
fn told() -> Value {
    let id =
        json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
    let schema = json!({
        "type": "object", "required": ["url"], "additionalProperties": false,
        "properties": { "url": { "type": "string", "format": "uri" } },
    });
    json!({
        "summary": "Give an article that came without one its address on the portal (roles author, editor): it is its next revision, its pictures and clips are made anew with the code, posts that are not live are composed again, and short links that are out lead to the article",
        "parameters": [id],
        "requestBody": { "required": true, "content": { "application/json": { "schema": schema } } },
        "responses": {
            "200": { "description": "The revision; how many posts are void, deliveries held, variants stale, and posts live as they are" },
            "404": { "description": "The agency has no such article" },
            "422": { "description": "No web address, one of another article, or the article has one, application/problem+json" },
        },
    })
}
