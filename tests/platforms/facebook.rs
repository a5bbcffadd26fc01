//! A Page and its adapter.

use std::{sync::Arc, time::Duration};

use loa_channel::{RetryAdvice, Scope};
use loa_channel_facebook::{APP_SECRET, Config, Facebook, PAGE_TOKEN};
use loa_net::Limits;
use loa_sandbox::{Fault, FaultRule, StoredPost};
use serde_json::{Value, json};

use super::{Facts, Parts, WAIT_MS, folder, own_account, secret, text};

pub(super) fn parts(told: &Value, two_phase: bool) -> Parts {
    let config = Config {
        graph: folder(told, "/graph"),
        graph_video: folder(told, "/graph_video"),
        rupload: folder(told, "/rupload"),
        oauth: folder(told, "/oauth"),
        two_phase,
        ..Config::default()
    };
    let refusal = json!({ "error": {
        "message": "Nội dung này không được phép", "type": "OAuthException", "code": 100,
        "error_subcode": 1_609_008, "fbtrace_id": "Ax",
    } });
    Parts {
        channel: Arc::new(Facebook::new(config, Limits::default()).unwrap()),
        account: own_account("facebook", text(told, "/accounts/0/id"), &[]),
        secret: secret(&[
            (PAGE_TOKEN, text(told, "/accounts/0/token")),
            (APP_SECRET, text(told, "/app/secret")),
        ]),
        base: text(told, "/graph").to_owned(),
        facts: Facts {
            is_effect: |seen| seen.method != "GET",
            first: ("POST", "*"),
            refusal: (400, refusal, "100/1609008"),
            throttled: |_| RetryAdvice::Later {
                wait: Duration::from_millis(WAIT_MS),
                scope: Scope::Account,
            },
            without_numbers,
            says_usage: true,
            names_addresses: true,
            receipt_id,
        },
    }
}

/// Counters and insights, both empty.
fn without_numbers(_: &StoredPost) -> Vec<FaultRule> {
    let answer = |path: &str, body| {
        let fault = Fault::ErrorBeforeCommit { status: 200, body: Some(body) };
        FaultRule::once("facebook", "GET", path, fault)
    };
    vec![
        answer("*insights", json!({ "data": [] })),
        answer("*", json!({ "id": "1_2" })).containing("total_count"),
    ]
}

/// A Reel is known by its video; the audience's address ends in it.
fn receipt_id(post: &StoredPost) -> String {
    let reel = post.url.split_once("/reel/").map(|(_, id)| id.trim_end_matches('/'));
    reel.unwrap_or(&post.id).to_owned()
}
