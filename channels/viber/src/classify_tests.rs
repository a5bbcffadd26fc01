//! Every status of the contract, and what must hold for any answer at all.

use bytes::Bytes;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::*;

#[derive(Deserialize)]
struct Case {
    status: i64,
    message: String,
    advice: String,
    kind: String,
}

fn response(status: u16, body: impl Into<Bytes>) -> Response {
    let url = "http://127.0.0.1/".parse().expect("a URL");
    Response { status, headers: vec![], body: body.into(), url }
}

fn secret() -> Secret {
    Secret::new([("auth_token".to_owned(), "445da6az-s3cret".to_owned())])
}

fn said(advice: RetryAdvice) -> String {
    match advice {
        RetryAdvice::Never => "never".to_owned(),
        RetryAdvice::Reauthorize => "reauthorize".to_owned(),
        RetryAdvice::Verify => "verify".to_owned(),
        RetryAdvice::Later { wait, scope } => {
            format!("later {} {scope:?}", wait.as_secs()).to_lowercase()
        }
    }
}

#[test]
fn every_status() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../fixtures/statuses.json")).unwrap();
    for case in cases {
        // A refusal may carry a message token all the same.
        let body = json!({ "status": case.status, "status_message": case.message,
            "message_token": "5741311803571721087" });
        for effect in [Effect::Public, Effect::Idempotent, Effect::Read] {
            let error = answer(&response(200, body.to_string()), effect, &secret()).unwrap_err();
            assert_eq!(said(error.advice), case.advice, "{}", case.message);
            assert_eq!(format!("{:?}", error.kind).to_lowercase(), case.kind, "{}", case.message);
            assert_eq!(error.platform_code, case.status.to_string());
        }
    }
}

#[test]
fn what_is_not_a_whole_answer_is_unknown() {
    for (status, body) in [
        (502, "<html>Bad Gateway</html>"),
        (502, r#"{"status":502,"status_message":"bad gateway"}"#),
        (504, r#"{"status":0}"#),
        (404, r#"{"status":3}"#),
        (200, "<html>"),
        (200, ""),
        (200, r#"{"status_message":"ok"}"#),
        (200, r#"{"status":null}"#),
        (200, r#"{"status":0"#),
    ] {
        let error = answer(&response(status, body), Effect::Public, &secret()).unwrap_err();
        assert_eq!(error.advice, RetryAdvice::Verify, "{status} {body}");
        let error = answer(&response(status, body), Effect::Idempotent, &secret()).unwrap_err();
        assert!(matches!(error.advice, RetryAdvice::Later { .. }), "{status} {body}");
    }
}

#[test]
fn no_token_shows() {
    let body = json!({ "status": 2, "status_message": "445da6az-s3cret is not valid" });
    let error = answer(&response(200, body.to_string()), Effect::Public, &secret()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    let body = json!({ "status": "0", "auth_token": "445da6az-s3cret" });
    let good = answer(&response(200, body.to_string()), Effect::Public, &secret()).unwrap();
    assert_eq!(good["auth_token"], "REDACTED");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_makes_it_panic(
        status in 100u16..600,
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..64),
            (any::<i64>(), "[a-zẫễộữặ]{0,8}").prop_map(|(status, said)| {
                json!({ "status": status, "status_message": said }).to_string().into_bytes()
            }),
            "[{}\\[\\]\":a-z0-9,]{0,40}".prop_map(String::into_bytes),
        ],
    ) {
        for effect in [Effect::Read, Effect::Hidden, Effect::Public, Effect::Idempotent] {
            if let Err(error) = answer(&response(status, body.clone()), effect, &secret()) {
                prop_assert!(effect == Effect::Public || error.advice != RetryAdvice::Verify);
            }
        }
    }

    #[test]
    fn a_server_error_of_a_post_is_verified(status in 500u16..600, code in any::<i32>()) {
        let body = json!({ "status": code, "status_message": "?" }).to_string();
        let error = answer(&response(status, body), Effect::Public, &secret()).unwrap_err();
        prop_assert_eq!(error.advice, RetryAdvice::Verify);
    }
}
