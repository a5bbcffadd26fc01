//! Every address in one table: who may ask for it and what answers. What is not in it does not exist, and nothing gets into
//! it without saying who may.

use std::collections::BTreeMap;

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{MethodFilter, on},
};
use loa_model::Role;
use serde_json::{Map, Value, json};

use crate::{Shared, error::WebError};

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
        found.next().map(|(_, access)| *access).ok_or_else(WebError::missing)
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
                common(answers, way.access);
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

fn common(answers: &mut Map<String, Value>, access: Access) {
    let problem = |what: &str| {
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        json!({"description": what, "content": {"application/problem+json": {"schema": schema}}})
    };
    let mut add = |code: &str, what: &str| {
        answers.entry(code).or_insert_with(|| problem(what));
    };
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
    use super::*;

    #[test]
    fn what_is_not_in_the_table_is_not_there() {
        let way = |method, access| Way { method, path: "/a", access, told: Value::Null };
        let gate = Gate::of(&[way(Method::GET, Access::Staff), way(Method::POST, ADMINS)]);
        assert_eq!(gate.access(&Method::HEAD, "/a").ok(), Some(Access::Staff));
        assert_eq!(gate.access(&Method::POST, "/a").ok(), Some(ADMINS));
        assert!(gate.access(&Method::DELETE, "/a").is_err());
        assert!(gate.access(&Method::GET, "/b").is_err());
    }

    #[test]
    fn a_role_opens_what_names_it_and_nobody_opens_anything_but_the_outside() {
        assert!(Access::Anyone.lets(None) && !Access::Staff.lets(None) && !ADMINS.lets(None));
        assert!(Access::Staff.lets(Some(&[])) && !ADMINS.lets(Some(&[])));
        assert!(ADMINS.lets(Some(&[Role::Author, Role::Admin])));
        assert!(!ADMINS.lets(Some(&[Role::Author])));
    }
}
