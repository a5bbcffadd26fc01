//! A YouTube channel and its adapter.

use std::{sync::Arc, time::Duration};

use loa_channel::{RetryAdvice, Scope};
use loa_channel_youtube::{Config, YouTube};
use loa_net::Limits;
use loa_sandbox::{Fault, FaultRule, StoredPost};
use serde_json::{Value, json};

use super::{Facts, Parts, WAIT_MS, folder, own_account, same_id, secret, text};

pub(super) fn parts(told: &Value) -> Parts {
    let config = Config {
        api_base: folder(told, "/api"),
        upload_base: folder(told, "/upload"),
        oauth_base: folder(told, "/oauth"),
        watch_base: folder(told, "/api"),
        ..Config::default()
    };
    let refusal = json!({ "error": {
        "code": 400, "message": "The description is not allowed.",
        "errors": [{ "domain": "youtube.video", "reason": "invalidDescription" }],
    } });
    Parts {
        channel: Arc::new(YouTube::new(config, Limits::default()).unwrap()),
        account: own_account(
            "youtube",
            text(told, "/accounts/0/id"),
            &[("client_id", text(told, "/client/id"))],
        ),
        secret: secret(&[
            ("access_token", text(told, "/accounts/0/token")),
            ("refresh_token", text(told, "/accounts/0/refresh_token")),
            ("client_secret", text(told, "/client/secret")),
        ]),
        base: text(told, "/api").to_owned(),
        facts: Facts {
            // A PUT without bytes only asks an upload session where it stands.
            is_effect: |seen| {
                seen.method != "GET" && !(seen.method == "PUT" && seen.length == Some(0))
            },
            first: ("POST", "/upload/*"),
            refusal: (400, refusal, "invalidDescription"),
            throttled: |_| RetryAdvice::Later {
                wait: Duration::from_millis(WAIT_MS),
                scope: Scope::App,
            },
            without_numbers,
            says_usage: false,
            names_addresses: true,
            receipt_id: same_id,
        },
    }
}

fn without_numbers(post: &StoredPost) -> Vec<FaultRule> {
    let body = json!({ "items": [{ "id": post.id, "statistics": {} }] });
    let fault = Fault::ErrorBeforeCommit { status: 200, body: Some(body) };
    vec![FaultRule::once("youtube", "GET", "/youtube/v3/videos:batchGetStats", fault)]
}
