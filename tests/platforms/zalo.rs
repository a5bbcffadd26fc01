//! An Official Account and its adapter.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use loa_channel::{RetryAdvice, Scope};
use loa_channel_zalo::{Config, Zalo};
use loa_net::Limits;
use loa_sandbox::{Fault, FaultRule, StoredPost};
use serde_json::{Value, json};

use super::{Facts, Parts, folder, own_account, same_id, secret, text};

pub(super) fn parts(told: &Value) -> Parts {
    let base = text(told, "/api").to_owned();
    let config = Config {
        api_base: folder(told, "/api"),
        oauth_base: folder(told, "/oauth"),
        article_page: format!("{base}/d").parse().unwrap(),
        appsecret_proof: true,
        ..Config::default()
    };
    let refusal = json!({ "error": -210, "message": "Title contains words that are not allowed" });
    Parts {
        channel: Arc::new(Zalo::new(config, Limits::default()).unwrap()),
        account: own_account(
            "zalo",
            text(told, "/accounts/0/id"),
            &[("app_id", text(told, "/app/id"))],
        ),
        secret: secret(&[
            ("access_token", text(told, "/accounts/0/access_token")),
            ("refresh_token", text(told, "/accounts/0/refresh_token")),
            ("app_secret", text(told, "/app/secret")),
        ]),
        base,
        facts: Facts {
            // Asking what became of an article is a POST that changes nothing.
            is_effect: |seen| seen.method == "POST" && !seen.path.ends_with("/verify"),
            // Of a video article, the video is sent first.
            first: ("POST", "/v2.0/article/*"),
            refusal: (200, refusal, "-210"),
            throttled,
            without_numbers,
            says_usage: true,
            names_addresses: true,
            receipt_id: same_id,
        },
    }
}

/// The platform counts by minutes of the clock and says no wait.
fn throttled(now: Timestamp) -> RetryAdvice {
    let into = u64::try_from(now.as_second().rem_euclid(60)).unwrap();
    RetryAdvice::Later { wait: Duration::from_secs(60 - into), scope: Scope::App }
}

fn without_numbers(post: &StoredPost) -> Vec<FaultRule> {
    let data = json!({ "id": post.id, "type": "normal", "status": "show" });
    let body = json!({ "error": 0, "message": "Success", "data": data });
    let fault = Fault::ErrorBeforeCommit { status: 200, body: Some(body) };
    vec![FaultRule::once("zalo", "GET", "/v2.0/article/getdetail", fault)]
}
