//! What every operation under `/api/v1` keeps without its handler's help: a key that is sent twice acts once ([`once`]), what
//! was seen is what is changed ([`tags`]), and a list says where it goes on ([`piece`]).
//!
//! An operation that changes something runs in its own [`terms::Terms`]: whatever it commits, through the store, review or the
//! desk, goes through [`terms::Careful`], which puts them on the commit itself. So neither promise hangs on a moment between a
//! look and a commit.

pub(crate) mod once;
pub(crate) mod piece;
pub(crate) mod tags;
pub(crate) mod terms;
pub(crate) mod told;

use std::sync::Arc;

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    Shared,
    auth::language_of,
    error,
    ways::{PREFIX, Way},
};

/// Bytes of an answer that is looked at whole; what is longer has no tag and is not kept.
const MOST: usize = 32 * 1024 * 1024;

/// Operations that a body asks although they change nothing.
pub const ASKS: [&str; 3] = ["/api/v1/preview", "/api/v1/preview/clip", "/api/v1/audit/verify"];

/// Whether a row of the table changes something.
pub(crate) fn changes(method: &Method, path: &str) -> bool {
    !(method == Method::GET || method == Method::HEAD || ASKS.contains(&path))
}

/// What the layer needs besides the request.
pub(crate) struct Rules {
    app: Shared,
    /// The table without its door: the layer reads a record through the operation that tells it.
    plain: Router,
    /// Paths that tell one record.
    tell_one: Vec<&'static str>,
}

impl Rules {
    pub(crate) fn new(app: &Shared, table: &Router<Shared>, ways: &[Way]) -> Self {
        let tells = |way: &&Way| way.method == Method::GET && tags::is_of_one(way.path);
        Self {
            plain: table.clone().with_state(Arc::clone(app)),
            tell_one: ways.iter().filter(tells).map(|way| way.path).collect(),
            app: Arc::clone(app),
        }
    }
}

/// The layer.
pub(crate) async fn keep(
    State(rules): State<Arc<Rules>>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let path = path.as_str();
    if !path.starts_with(PREFIX) {
        return next.run(request).await;
    }
    let lang = language_of(request.headers(), &rules.app.config.language);
    let method = request.method().clone();
    let response = if changes(&method, path) {
        match tags::seen(&rules, path, request).await {
            // The key comes first: who asks again after an answer was lost has seen what was before their own change.
            Ok(seen) => once::run(&rules, seen, &lang, next).await,
            Err(error) => error.into_response(),
        }
    } else if method == Method::GET || method == Method::HEAD {
        tags::read(request, next).await
    } else {
        next.run(request).await
    };
    error::told(response, &lang).await
}
