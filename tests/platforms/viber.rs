//! A Channel and its adapter.

use std::{sync::Arc, time::Duration};

use loa_channel::{RetryAdvice, Scope};
use loa_channel_viber::{AUTH_TOKEN, CHANNEL_URL, Config, FROM, Viber};
use loa_net::Limits;
use serde_json::{Value, json};

use super::{Facts, Files, Parts, own_account, same_id, secret, text};

pub(super) fn parts(told: &Value, files: &Files) -> Parts {
    let base = text(told, "/api").to_owned();
    let config = Config {
        base: format!("{base}/pa/").parse().unwrap(),
        webhook_url: Some(files.hook().parse().unwrap()),
    };
    let settings =
        [(FROM, text(told, "/accounts/0/from")), (CHANNEL_URL, text(told, "/accounts/0/url"))];
    Parts {
        channel: Arc::new(Viber::new(config, Limits::default()).unwrap()),
        account: own_account("viber", text(told, "/accounts/0/id"), &settings),
        secret: secret(&[(AUTH_TOKEN, text(told, "/accounts/0/token"))]),
        base,
        facts: Facts {
            // Setting a webhook changes something, asking for the account does not.
            is_effect: |seen| seen.method == "POST" && !seen.path.contains("get_account_info"),
            first: ("POST", "/pa/post"),
            refusal: (200, json!({ "status": 3, "status_message": "badData" }), "3"),
            throttled: |_| RetryAdvice::Later {
                wait: Duration::from_secs(10),
                scope: Scope::Account,
            },
            without_numbers: |_| vec![],
            says_usage: false,
            names_addresses: false,
            receipt_id: same_id,
        },
    }
}
