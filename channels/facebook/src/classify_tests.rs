//! Every row of the contract's error table, and what must hold for any answer at all.

use bytes::Bytes;
use loa_model::delivery::Effect;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Case {
    name: String,
    status: u16,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    body: Value,
    public: String,
    read: String,
    kind: String,
    code: String,
}

fn response(status: u16, headers: Vec<(String, String)>, body: impl Into<Bytes>) -> Response {
    let url = "http://127.0.0.1/".parse().expect("a URL");
    Response { status, headers, body: body.into(), url }
}

fn secret() -> Secret {
    Secret::new([("page_token".to_owned(), "EAAB-s3cret".to_owned())])
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
fn every_row_of_the_table() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../fixtures/errors.json")).unwrap();
    for case in cases {
        let headers: Vec<_> = case.headers.into_iter().collect();
        let response = response(case.status, headers, case.body.to_string());
        for (effect, expected) in [(Effect::Public, &case.public), (Effect::Read, &case.read)] {
            let error = answer(&response, effect, &secret()).unwrap_err();
            assert_eq!(&said(error.advice), expected, "{} {effect:?}", case.name);
            assert_eq!(error.platform_code, case.code, "{}", case.name);
            let kind = format!("{:?}", error.kind).to_lowercase();
            assert!(case.kind.is_empty() || kind == case.kind, "{}: {kind}", case.name);
        }
    }
}

#[test]
fn what_is_not_json_is_unknown_and_what_is_good_is_redacted() {
    for body in ["<html>502 Bad Gateway</html>", "", "{\"id\":"] {
        for status in [200, 302, 502] {
            let error = answer(&response(status, vec![], body), Effect::Public, &secret());
            assert_eq!(error.unwrap_err().advice, RetryAdvice::Verify, "{status} {body}");
        }
    }
    let body = r#"{"id":"1_9007199254740993","next":"https://x/?access_token=EAAB-s3cret"}"#;
    let good = answer(&response(200, vec![], body), Effect::Public, &secret()).unwrap();
    assert_eq!(good["id"], "1_9007199254740993");
    assert_eq!(good["next"], "https://x/?access_token=REDACTED");
    let body = r#"{"error":{"code":190,"message":"token EAAB-s3cret is bad"}}"#;
    let error = answer(&response(400, vec![], body), Effect::Public, &secret()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

fn effects() -> impl Strategy<Value = Effect> {
    prop_oneof![
        Just(Effect::Read),
        Just(Effect::Hidden),
        Just(Effect::Public),
        Just(Effect::Idempotent)
    ]
}

/// A JSON value of any shape, with the platform's field names among its keys.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z_ẫễộữặ/]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop_oneof![
            Just("error".to_owned()),
            Just("code".to_owned()),
            Just("error_subcode".to_owned()),
            Just("message".to_owned()),
            Just("debug_info".to_owned()),
            Just("type".to_owned()),
            "[a-z]{1,6}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_makes_it_panic(
        status in 100u16..600,
        body in prop_oneof![
            anything().prop_map(|json| json.to_string().into_bytes()),
            proptest::collection::vec(any::<u8>(), 0..64),
        ],
        usage in "[{}\\[\\]\":a-z0-9_]{0,40}",
        effect in effects(),
    ) {
        let headers = vec![
            ("retry-after".to_owned(), usage.clone()),
            ("x-business-use-case-usage".to_owned(), usage),
        ];
        let outcome = answer(&response(status, headers, body), effect, &secret());
        if let Err(error) = outcome {
            prop_assert!(effect == Effect::Public || error.advice != RetryAdvice::Verify);
        }
    }

    #[test]
    fn a_server_error_of_a_public_step_is_verified_unless_its_code_is_known(
        status in 500u16..600,
        code in 700i64..1000,
        subcode in 1i64..30,
    ) {
        let body = serde_json::json!({ "error": { "code": code, "error_subcode": subcode } });
        let error = answer(&response(status, vec![], body.to_string()), Effect::Public, &secret());
        prop_assert_eq!(error.unwrap_err().advice, RetryAdvice::Verify);
        let html = response(status, vec![], "<html>");
        let error = answer(&html, Effect::Public, &secret()).unwrap_err();
        prop_assert_eq!(error.advice, RetryAdvice::Verify);
    }

    #[test]
    fn a_client_error_of_unknown_code_is_never_repeated(code in 700i64..1000, effect in effects()) {
        let body = serde_json::json!({ "error": { "code": code } }).to_string();
        let error = answer(&response(400, vec![], body), effect, &secret()).unwrap_err();
        prop_assert_eq!(error.advice, RetryAdvice::Never);
    }
}
