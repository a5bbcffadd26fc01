//! What the buttons of the pages do, as operations of `/api/v1`: the same functions, with JSON instead of forms.

mod articles;
mod attention;
mod posts;
mod switches;

use axum::{handler::Handler as _, http::Method};
use serde_json::{Value, json};

use crate::{
    approvals, progress,
    ways::{Access, NEWSROOM, SIGNERS, SWITCHERS, WRITERS, Ways},
};

/// The addresses of this module.
pub(crate) fn ways(ways: Ways) -> Ways {
    let (get, post, staff) = (Method::GET, Method::POST, Access::Staff);
    let closers = Access::Only(loa_delivery::CLOSERS);
    let file = articles::file.layer(crate::articles::limit());
    ways.api(post.clone(), "/api/v1/articles", WRITERS, (articles::add_told(), articles::add))
        .api(post.clone(), "/api/v1/articles/file", WRITERS, (articles::file_told(), file))
        .api(post.clone(), "/api/v1/posts", WRITERS, (articles::compose_told(), articles::compose))
        .api(
            post.clone(),
            "/api/v1/posts/{id}/submit",
            WRITERS,
            (posts::submit_told(), posts::submit),
        )
        .api(
            post.clone(),
            "/api/v1/posts/{id}/decide",
            NEWSROOM,
            (posts::decide_told(), posts::decide),
        )
        .api(
            post.clone(),
            "/api/v1/posts/{id}/send-correction",
            SIGNERS,
            (posts::send_told(), posts::send),
        )
        .api(get.clone(), "/api/v1/attention", staff, (attention::told(), attention::list))
        .api(
            post.clone(),
            "/api/v1/incidents/{id}/close",
            closers,
            (attention::close_told(), attention::close),
        )
        .api(get.clone(), "/api/v1/jobs", staff, (attention::jobs_told(), attention::jobs))
        .api(
            post.clone(),
            "/api/v1/jobs/{id}/cancel",
            NEWSROOM,
            (attention::cancel_told(), attention::cancel),
        )
        .api(
            post.clone(),
            "/api/v1/jobs/{id}/retry",
            NEWSROOM,
            (attention::retry_told(), attention::retry),
        )
        .api(
            get.clone(),
            "/api/v1/jobs/{id}/progress",
            staff,
            (attention::progress_told(), progress::stream),
        )
        .api(get, "/api/v1/switches", staff, (switches::told(), switches::list))
        .api(
            post.clone(),
            "/api/v1/switches/pause",
            SWITCHERS,
            (switches::pause_told(), switches::pause),
        )
        .api(
            post,
            "/api/v1/switches/resume",
            SWITCHERS,
            (switches::resume_told(), switches::resume),
        )
}

/// `OpenAPI` of an operation that names no record in its path.
fn plain(summary: &str, ok: &str, body: Option<Value>, problems: &[(&str, &str)]) -> Value {
    let mut told = approvals::told(summary, ok, body, problems);
    told["parameters"] = json!([]);
    told
}

/// The same for one that queues work: what was queued is not done yet.
fn queued(mut told: Value, what: &str) -> Value {
    if let Some(answers) = told["responses"].as_object_mut() {
        answers.remove("200");
        answers.insert("202".to_owned(), json!({ "description": what }));
    }
    told
}
