//! Every address in one table: who may ask for it and what answers. What is not in it does not exist, and nothing gets into
//! it without saying who may.

use std::collections::BTreeMap;

use axum::{
    Router,
    handler::Handler,
    http::{Method, StatusCode},
    routing::{MethodFilter, on},
};
use loa_model::Role;
use serde_json::{Map, Value, json};

use crate::{
    Shared,
    error::WebError,
    operation::{self, tags::record_of, told::problem},
};

/// Where the operations for machines begin.
pub(crate) const PREFIX: &str = "/api/v1/";

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The outside, too.
    Anyone,
    /// Whoever is signed in.
    Staff,
    /// Whoever has one of these roles.
    Only(&'static [Role]),
}

impl Access {
    /// Whether somebody with these roles may; `None` is nobody who is known.
    pub fn lets(self, roles: Option<&[Role]>) -> bool {
        match (self, roles) {
            (Self::Anyone, _) | (Self::Staff, Some(_)) => true,
            (Self::Only(needed), Some(roles)) => roles.iter().any(|role| needed.contains(role)),
            (Self::Staff | Self::Only(_), None) => false,
        }
    }
}

/// Who writes and arranges.
pub(crate) const WRITERS: Access = Access::Only(&[Role::Author, Role::Editor]);
/// Who makes or judges what goes out.
pub(crate) const NEWSROOM: Access = Access::Only(loa_delivery::NEWSROOM);
/// Who signs.
pub(crate) const SIGNERS: Access = Access::Only(&[Role::Approver]);
/// Who stops everything.
pub(crate) const SWITCHERS: Access = Access::Only(loa_delivery::SWITCHERS);
/// Who manages people and looks.
pub(crate) const ADMINS: Access = Access::Only(&[Role::Admin]);

/// An address.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// Method.
    pub method: Method,
    /// Path, with `{name}` where something is put in.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// Its operation as `OpenAPI` says it; `null` for pages.
    pub told: Value,
}

/// The table while it is written.
#[derive(Default)]
pub(crate) struct Ways {
    router: Router<Shared>,
    all: Vec<Way>,
}

impl Ways {
    fn add<H, T>(mut self, way: Way, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(way.method.clone());
        let filter = filter.expect("the table names methods of HTTP");
        self.router = self.router.route(way.path, on(filter, handler));
        self.all.push(way);
        self
    }

    pub(crate) fn get<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        self.add(Way { method: Method::GET, path, access, told: Value::Null }, handler)
    }

    pub(crate) fn post<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        self.add(Way { method: Method::POST, path, access, told: Value::Null }, handler)
    }

    /// The rows of a module that has many.
    pub(crate) fn and(self, rows: impl FnOnce(Self) -> Self) -> Self {
        rows(self)
    }

    /// An operation for machines, with what `OpenAPI` says of it.
    pub(crate) fn api<H, T>(
        self,
        method: Method,
        path: &'static str,
        access: Access,
        (told, handler): (Value, H),
    ) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        self.add(Way { method, path, access, told }, handler)
    }

    pub(crate) fn done(self) -> (Router<Shared>, Vec<Way>) {
        (self.router, self.all)
    }
}

/// Looks up who may.
#[derive(Debug, Clone)]
pub(crate) struct Gate(BTreeMap<(String, &'static str), Access>);

impl Gate {
    pub(crate) fn of(ways: &[Way]) -> Self {
        let entry = |way: &Way| ((way.method.to_string(), way.path), way.access);
        Self(ways.iter().map(entry).collect())
    }

    /// Who may ask for this; an address that is not in the table is not found.
    pub(crate) fn access(&self, method: &Method, path: &str) -> Result<Access, WebError> {
        // Whoever may read may ask how long it is.
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        let mut found = self.0.iter().filter(|((m, p), _)| m == method && *p == path);
        found.next().map(|(_, access)| *access).ok_or_else(|| self.wrong(path))
    }

    /// An address that is asked in another way than it answers.
    fn wrong(&self, path: &str) -> WebError {
        let methods = self.0.keys().filter(|(_, p)| *p == path).map(|(method, _)| method.as_str());
        let methods: Vec<&str> = methods.collect();
        if methods.is_empty() {
            return WebError::missing();
        }
        let methods = methods.join(", ");
        WebError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("Địa chỉ này chỉ nhận: {methods} / This address only takes: {methods}"),
        )
        .allowing(&methods)
    }
}

/// The `OpenAPI` paths of the operations in a table, with the answers that all of them may give.
pub(crate) fn paths(ways: &[Way]) -> Value {
    let mut paths = Map::new();
    for way in ways.iter().filter(|way| !way.told.is_null()) {
        let mut told = way.told.clone();
        let path = paths.entry(way.path).or_insert_with(|| json!({}));
        if let Some(operation) = told.as_object_mut() {
            let answers = operation.entry("responses").or_insert_with(|| json!({}));
            if let Some(answers) = answers.as_object_mut() {
                common(answers, way);
            }
            let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
            if let Some(parameters) = parameters.as_array_mut() {
                parameters.extend(headers(way));
            }
            if way.access == Access::Anyone {
                operation.insert("security".to_owned(), json!([]));
            }
        }
        if let Some(path) = path.as_object_mut() {
            path.insert(way.method.as_str().to_lowercase(), told);
        }
    }
    Value::Object(paths)
}

/// Headers that the layer of operations reads.
fn headers(way: &Way) -> Vec<Value> {
    let header = |name: &str, schema: Value, words: &str| json!({ "name": name, "in": "header", "required": false, "schema": schema, "description": words });
    let tag = || json!({ "type": "string", "pattern": r#"^(\*|(W/)?"[!#-~]*")$"# });
    if way.method == Method::GET {
        let words = "Tags that the caller has: 304 when one is still right";
        return vec![header("If-None-Match", tag(), words)];
    }
    let mut all = Vec::new();
    if operation::changes(&way.method, way.path) && way.access != Access::Anyone {
        let key = json!({ "type": "string", "pattern": "^[!-~]{1,255}$" });
        let words = "Sent again within 24 hours with the same body, the request acts once and is answered as the first time";
        all.push(header("Idempotency-Key", key, words));
    }
    if operation::changes(&way.method, way.path) && record_of(way.path).is_some() {
        let words =
            "The ETag of the record's GET, or its version in quotes: 412 when it is another now";
        all.push(header("If-Match", tag(), words));
    }
    all
}

fn common(answers: &mut Map<String, Value>, way: &Way) {
    let access = way.access;
    if way.method == Method::GET {
        let same = || json!({ "description": "It is what the caller has" });
        answers.entry("304").or_insert_with(same);
    }
    let mut add = |code: &str, what: &str| {
        answers.entry(code).or_insert_with(|| problem(what));
    };
    if way.told.get("requestBody").is_some() {
        add("415", "The body is not said to be of this kind");
    }
    if way.method == Method::GET {
        add("412", "It is not what If-Match says");
        if way.path.contains('{') {
            add("400", "The address cannot be read");
        }
    } else if operation::changes(&way.method, way.path) {
        add("400", "The address, the body or Idempotency-Key cannot be read");
        add(
            "409",
            "It changed just now, or the request of this Idempotency-Key is being worked on or was cut off",
        );
        add("412", "It is not what If-Match says");
        add("413", "The body is too long");
        add("422", "It does not fit; or Idempotency-Key was used for another request");
    } else {
        add("400", "The body cannot be read");
        add("413", "The body is too long");
    }
    match access {
        Access::Anyone => return,
        Access::Staff => {}
        Access::Only(_) => {
            add("403", "Not for this role or this token, or not from a page of ours");
        }
    }
    add("401", "Sign in first, or bring a token that is open");
    add("429", "The token asked too often; Retry-After says when it may again");
}

#[cfg(test)]
mod tests {
    use axum::{http::header, response::IntoResponse as _};

    use super::*;

    #[test]
    fn what_is_not_in_the_table_is_not_there() {
        let way = |method, access| Way { method, path: "/a", access, told: Value::Null };
        let gate = Gate::of(&[way(Method::GET, Access::Staff), way(Method::POST, ADMINS)]);
        assert_eq!(gate.access(&Method::HEAD, "/a").ok(), Some(Access::Staff));
        assert_eq!(gate.access(&Method::POST, "/a").ok(), Some(ADMINS));
        let refused = |method, path| gate.access(&method, path).unwrap_err().into_response();
        let wrong = refused(Method::DELETE, "/a");
        assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(wrong.headers()[header::ALLOW], "GET, POST");
        assert_eq!(refused(Method::GET, "/b").status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_role_opens_what_names_it_and_nobody_opens_anything_but_the_outside() {
        assert!(Access::Anyone.lets(None) && !Access::Staff.lets(None) && !ADMINS.lets(None));
        assert!(Access::Staff.lets(Some(&[])) && !ADMINS.lets(Some(&[])));
        assert!(ADMINS.lets(Some(&[Role::Author, Role::Admin])));
        assert!(!ADMINS.lets(Some(&[Role::Author])));
    }
}
