//! Several calls in one request: each counts, each answers for itself.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use loa_sandbox::{Committed, Incoming};
use serde::Deserialize;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::{
    App,
    api::{Call, Reply},
    error::GraphError,
};

/// Calls in one batch.
const MOST: usize = 50;

#[derive(Deserialize)]
struct Sub {
    method: String,
    relative_url: String,
    #[serde(default)]
    body: String,
}

pub(crate) async fn run(app: &Arc<App>, incoming: Incoming, lag: Duration) -> Response {
    let subs: Vec<Sub> = match incoming.field("batch").map(serde_json::from_str) {
        Some(Ok(subs)) => subs,
        _ => return GraphError::param("batch must be a JSON list of calls").into_response(),
    };
    if subs.len() > MOST {
        return GraphError::new(100, "Too many requests in batch message.").into_response();
    }
    let mut answers = Vec::new();
    let mut committed = false;
    for sub in subs {
        let (answer, _) = match call(&incoming, &sub, lag) {
            Ok(call) => app.take(&call).await,
            Err(error) => (Err(error), None),
        };
        let (code, body) = match answer {
            Ok(Reply { value, committed: stored }) => {
                committed |= stored;
                (200, value)
            }
            Err(error) => (error.status, error.value()),
        };
        let header = json!({ "name": "Content-Type", "value": "application/json" });
        answers.push(json!({ "code": code, "headers": [header], "body": body.to_string() }));
    }
    let answers = Json(Value::Array(answers));
    if committed { Committed::mark(answers) } else { answers.into_response() }
}

/// One call of the batch; it inherits token and proof.
fn call(outer: &Incoming, sub: &Sub, lag: Duration) -> Result<Call, GraphError> {
    let relative = sub.relative_url.trim_start_matches('/');
    let url = Url::parse(&format!("http://batch/{relative}"))
        .map_err(|_| GraphError::param("relative_url is no address"))?;
    let mut fields: BTreeMap<String, String> = ["access_token", "appsecret_proof"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), outer.field(name)?.to_owned())))
        .collect();
    fields.extend(url.query_pairs().into_owned());
    fields.extend(form_urlencoded::parse(sub.body.as_bytes()).into_owned());
    let method = sub
        .method
        .to_ascii_uppercase()
        .parse()
        .map_err(|_| GraphError::param("method of a batch call is not known"))?;
    let path = url
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .skip_while(|part| part.starts_with('v') && part.contains('.'))
        .map(str::to_owned)
        .collect();
    let incoming =
        Incoming { method, headers: outer.headers.clone(), fields, ..Incoming::default() };
    Ok(Call { path, incoming, lag })
}
