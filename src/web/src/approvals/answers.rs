//! What an approver answers: yes to a digest, back with a reason, no for good; to one post or to several.

use axum::{
    Extension, Form, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{Html, Response},
};
use loa_model::{Digest, Post, PostState};
use loa_review::ReviewError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Back, Told, draw, told};
use crate::{
    Shared,
    auth::Visitor,
    emergency::sign_alone,
    error::WebError,
    pages::{self, name_of},
    post::{NotSigned, answer_from, own_post, refusal, sign},
};

/// Posts that are signed at once.
const MOST: usize = 100;

/// What became of a post that was signed with others.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    post: String,
    /// What it was called on the page; empty when it is not known here.
    title: String,
    account: String,
    digest: String,
    digest_short: String,
    /// `signed`, `changed` meanwhile, or `refused`.
    result: &'static str,
    /// Why not, in the reader's language.
    why: String,
}

/// A post and the digest of it that was on the screen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    post: String,
    digest: Digest,
}

/// Signs each of these posts whose digest is still the one that was shown. One that is refused stops no other.
async fn sign_all(
    app: &Shared,
    visitor: &Visitor,
    all: Vec<Seen>,
) -> Result<Vec<Outcome>, WebError> {
    if all.len() > MOST {
        return Err(WebError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("Mỗi lần nhiều nhất {MOST} bài / At most {MOST} posts at once"),
        ));
    }
    let mut outcomes = Vec::new();
    for Seen { post: id, digest } in all {
        let mut outcome = Outcome {
            post: id.clone(),
            title: String::new(),
            account: String::new(),
            digest: digest.to_string(),
            digest_short: digest.short(),
            result: "refused",
            why: String::new(),
        };
        match own_post(app, visitor, &id).await {
            Ok(post) => {
                outcome.title = pages::article_title(app, &post).await?;
                outcome.account = pages::account_title(app, &post).await?;
                match sign(app, visitor, &post, digest).await? {
                    None => outcome.result = "signed",
                    Some(error) => {
                        use NotSigned::Review;
                        use ReviewError::{Changed, Conflict};
                        if matches!(error, Review(Changed { .. } | Conflict)) {
                            outcome.result = "changed";
                        }
                        outcome.why = error.said(app, visitor);
                    }
                }
            }
            Err(error) if error.status == StatusCode::NOT_FOUND => {
                outcome.why = app.assets.word(&visitor.lang, "review_error.not_found");
            }
            Err(error) => return Err(error),
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Signs the ticked posts of the queue: each box says its post and the digest that stood beside it.
pub(crate) async fn approve_ticked(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    body: String,
) -> Result<Html<String>, WebError> {
    // A group of boxes repeats its name, which form structs cannot hold.
    let ticked = url::form_urlencoded::parse(body.as_bytes()).filter(|(name, _)| name == "post");
    let mut all = Vec::new();
    for (_, value) in ticked {
        let (post, digest) = value.split_once(':').ok_or_else(WebError::missing)?;
        let digest = digest.parse().map_err(|_| WebError::missing())?;
        all.push(Seen { post: post.to_owned(), digest });
    }
    let problem = if all.is_empty() {
        app.assets.word(&visitor.lang, "approvals.none_ticked")
    } else {
        String::new()
    };
    let outcomes = sign_all(&app, &visitor, all).await?;
    draw(&app, &visitor, Told { problem, outcomes, ..Told::default() }).await
}

#[derive(Debug, Deserialize)]
pub(crate) struct Refuse {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    from: String,
}

/// Refuses a post for good.
pub(crate) async fn reject(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Refuse>,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let back = Back::of(&app, &visitor, &post, &form.from).await?;
    let moved = app.review.reject(&visitor.user, post.id, &form.reason).await.err();
    let problem = moved.map(|error| refusal(&app, &visitor, &error));
    answer_from(&app, &visitor, &headers, &post, problem, &back).await
}

/// A refusal of review as a problem.
pub(crate) fn problem(app: &Shared, error: &ReviewError) -> WebError {
    let status = match error {
        ReviewError::NotFound { .. } => StatusCode::NOT_FOUND,
        ReviewError::Role { .. } | ReviewError::OwnPost | ReviewError::NotAlone => {
            StatusCode::FORBIDDEN
        }
        ReviewError::NoReason => StatusCode::UNPROCESSABLE_ENTITY,
        ReviewError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::CONFLICT,
    };
    if status.is_server_error() {
        tracing::error!(%error, "Review could not use the store");
    }
    let key = format!("review_error.{}", error.key());
    let said = |lang| app.assets.word(lang, &key);
    WebError::new(status, format!("{} / {}", said("vi"), said("en")))
}

/// What is left of a post after an answer.
pub(crate) async fn now(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
) -> Result<Json<Value>, WebError> {
    let post = own_post(app, visitor, &post.id.to_string()).await?;
    let approval = post.approval.as_ref().filter(|_| post.state == PostState::Approved);
    Ok(Json(json!({
        "id": post.id, "state": name_of(&post.state), "digest": post.digest(), "reason": post.reason,
        "approval": approval,
    })))
}

/// The digest to sign.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sign {
    digest: Digest,
    /// Why the writer signs it alone, in an emergency.
    alone_because: Option<String>,
}

/// Signs one post.
pub(crate) async fn approve_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(ask): Json<Sign>,
) -> Result<Json<Value>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let moved = match &ask.alone_because {
        Some(reason) => {
            let moved = sign_alone(&app, &visitor, &post, ask.digest, reason).await?;
            moved.map(NotSigned::Review)
        }
        None => sign(&app, &visitor, &post, ask.digest).await?,
    };
    match moved {
        Some(NotSigned::Review(error)) => Err(problem(&app, &error)),
        Some(error @ NotSigned::Desk(_)) => {
            Err(WebError::new(StatusCode::CONFLICT, error.said(&app, &visitor)))
        }
        None => now(&app, &visitor, &post).await,
    }
}

/// Why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    pub(crate) reason: String,
}

/// Sends one post back.
pub(crate) async fn return_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(ask): Json<Reason>,
) -> Result<Json<Value>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let moved = app.review.return_with_reason(&visitor.user, post.id, &ask.reason).await;
    moved.map_err(|error| problem(&app, &error))?;
    now(&app, &visitor, &post).await
}

/// Refuses one post for good.
pub(crate) async fn reject_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(ask): Json<Reason>,
) -> Result<Json<Value>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let moved = app.review.reject(&visitor.user, post.id, &ask.reason).await;
    moved.map_err(|error| problem(&app, &error))?;
    now(&app, &visitor, &post).await
}

/// Posts to sign together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Many {
    posts: Vec<Seen>,
}

/// Signs several posts and says of each what became of it.
pub(crate) async fn approve_many(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(ask): Json<Many>,
) -> Result<Json<Value>, WebError> {
    Ok(Json(json!({ "posts": sign_all(&app, &visitor, ask.posts).await? })))
}

fn digest_schema() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$", "description": "The digest that was shown" })
}

/// Problems of an answer to one post.
pub(crate) const PROBLEMS: [(&str, &str); 4] = [
    ("400", "The body is no JSON"),
    ("404", "No such post in the caller's agency"),
    ("409", "It does not wait for approval, it changed meanwhile, or its channel would refuse it"),
    ("422", "The body does not fit, or the reason is empty"),
];

/// Signing as `OpenAPI` says it.
pub(crate) fn approve_told() -> Value {
    let schema = json!({
        "type": "object", "required": ["digest"], "additionalProperties": false,
        "properties": {
            "digest": digest_schema(),
            "alone_because": {
                "type": ["string", "null"],
                "description": "Why the writer signs an urgent post alone, where the agency allows it: a second look is owed then",
            },
        },
    });
    let summary = "Approve exactly the content with this digest (role approver, and nobody who wrote a version of it)";
    told(summary, "The post as it is now", Some(schema), &PROBLEMS)
}

fn reason_told(summary: &str) -> Value {
    let reason = json!({ "type": "string", "minLength": 1 });
    let schema = json!({
        "type": "object", "required": ["reason"], "additionalProperties": false,
        "properties": { "reason": reason },
    });
    told(summary, "The post as it is now", Some(schema), &PROBLEMS)
}

/// Sending back as `OpenAPI` says it.
pub(crate) fn return_told() -> Value {
    reason_told("Send a post back to its author with a reason (role approver)")
}

/// Refusing as `OpenAPI` says it.
pub(crate) fn reject_told() -> Value {
    reason_told("Refuse a post for good with a reason (role approver): it is void")
}

/// Signing together as `OpenAPI` says it.
pub(crate) fn many_told() -> Value {
    let item = json!({
        "type": "object", "required": ["post", "digest"], "additionalProperties": false,
        "properties": { "post": { "type": "string" }, "digest": digest_schema() },
    });
    let schema = json!({
        "type": "object", "required": ["posts"], "additionalProperties": false,
        "properties": { "posts": { "type": "array", "maxItems": MOST, "items": item } },
    });
    let summary = "Approve several posts, each with the digest that was shown (role approver); one refusal stops no other";
    let problems = [PROBLEMS[0], ("422", "The body does not fit, or there are too many")];
    let ok = "posts: of each whether it was signed, changed meanwhile or was refused, and why";
    let mut told = told(summary, ok, Some(schema), &problems);
    told["parameters"] = json!([]);
    told
}
