use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::*;

#[derive(Deserialize)]
struct Row {
    status: u16,
    reason: String,
    kind: String,
    advice: String,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn answer(status: u16, body: &[u8]) -> Answer<'_> {
    Answer { status, retry_after: None, range: None, body }
}

fn shown(advice: Advice) -> String {
    match advice {
        Advice::Never => "never".into(),
        Advice::Reauthorize => "reauthorize".into(),
        Advice::Verify => "verify".into(),
        Advice::Later { wait, scope } => {
            format!("later {} {scope:?}", wait.as_secs()).to_lowercase()
        }
    }
}

#[test]
fn every_reason_of_the_table_has_its_action() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../fixtures/errors.json")).unwrap();
    assert!(rows.len() >= 30);
    // 07:00 in California: 17 hours before midnight.
    let now = at("2026-11-22T15:00:00Z");
    for row in rows {
        let body = json!({"error": {"code": row.status,
            "message": "You exceeded your <a href=\"/x\">quota</a>.",
            "errors": [{"message": "m", "domain": "youtube", "reason": row.reason}]}})
        .to_string();
        let error = reply(Call::Effect, now, answer(row.status, body.as_bytes())).unwrap_err();
        assert_eq!(format!("{:?}", error.kind), row.kind, "{} {}", row.status, row.reason);
        assert_eq!(shown(error.advice), row.advice, "{} {}", row.status, row.reason);
        assert_eq!(error.platform_code, row.reason);
        assert_eq!(error.message, "You exceeded your quota.");
    }
}

#[test]
fn the_platforms_own_wait_wins() {
    let body = br#"{"error":{"errors":[{"reason":"rateLimitExceeded"}]}}"#;
    let asked = Answer { retry_after: Some("120"), ..answer(429, body) };
    let error = reply(Call::Effect, at("2026-11-22T15:00:00Z"), asked).unwrap_err();
    assert_eq!(shown(error.advice), "later 120 app");
    let slow = Answer { retry_after: Some("7"), ..answer(503, b"") };
    let error = reply(Call::Read, at("2026-11-22T15:00:00Z"), slow).unwrap_err();
    assert_eq!(shown(error.advice), "later 7 post");
}

#[test]
fn midnight_pacific_follows_daylight_saving() {
    for (now, hours) in [
        ("2026-11-22T08:00:00Z", 24), // midnight PST
        ("2026-11-22T07:30:00Z", 0),  // 23:30 PST
        ("2026-07-01T12:00:00Z", 19), // 05:00 PDT
        ("2026-11-01T07:00:00Z", 25), // the long day
    ] {
        assert_eq!(to_pacific_midnight(at(now)).as_secs() / 3600, hours, "{now}");
    }
}

#[test]
fn a_session_tells_where_it_stands() {
    let now = at("2026-11-22T15:00:00Z");
    let ask = |status, range, body: &[u8]| {
        session(Call::Effect, now, Answer { status, retry_after: None, range, body })
    };
    assert_eq!(ask(308, None, b"").unwrap(), Session::Holds(0));
    assert_eq!(ask(308, Some("bytes=0-999999"), b"").unwrap(), Session::Holds(1_000_000));
    for status in [200, 201] {
        assert_eq!(ask(status, None, br#"{"id":"v1"}"#).unwrap(), Session::Complete("v1".into()));
    }
    for status in [404, 410] {
        assert_eq!(ask(status, None, b"").unwrap(), Session::Expired);
    }
    for bad in ["bytes=5-9", "0-9", "bytes=0-x", "bytes=0-18446744073709551615"] {
        assert_eq!(ask(308, Some(bad), b"").unwrap_err().advice, Advice::Verify, "{bad}");
    }
    for (status, body) in [(200, &b"{}"[..]), (201, b"<html>"), (500, b""), (503, b"")] {
        assert_eq!(ask(status, None, body).unwrap_err().advice, Advice::Verify, "{status}");
    }
}

#[test]
fn a_dead_refresh_token_needs_a_person_a_broken_server_does_not() {
    let good = br#"{"access_token":"a","expires_in":3599,"scope":"s","token_type":"Bearer"}"#;
    let new = tokens(answer(200, good)).ok().unwrap();
    assert_eq!(
        (new.access_token.as_str(), new.expires_in, new.refresh_token),
        ("a", Some(3599), None)
    );
    let dead =
        br#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#;
    let error = tokens(answer(400, dead)).err().unwrap();
    assert_eq!((error.kind, error.advice), (Kind::Auth, Advice::Reauthorize));
    assert_eq!(error.platform_code, "invalid_grant");
    for (status, body) in [(503, &dead[..]), (502, b"<html>"), (200, b""), (400, b"{}")] {
        let error = tokens(answer(status, body)).err().unwrap();
        assert!(matches!(error.advice, Advice::Later { .. }), "{status}");
    }
}

#[test]
fn an_error_in_other_envelopes_is_understood() {
    let now = at("2026-11-22T15:00:00Z");
    let grpc = br#"{"error":{"code":401,"message":"no","status":"UNAUTHENTICATED"}}"#;
    let error = reply(Call::Effect, now, answer(401, grpc)).unwrap_err();
    assert!(is_dead_token(&error) && error.advice == Advice::Reauthorize);
    let bare = reply(Call::Effect, now, answer(401, b"")).unwrap_err();
    assert!(is_dead_token(&bare) && bare.advice == Advice::Reauthorize);
    let detail = br#"{"error":{"code":403,"details":[{"reason":"quotaExceeded"}],"status":"PERMISSION_DENIED"}}"#;
    assert_eq!(reply(Call::Effect, now, answer(403, detail)).unwrap_err().kind, Kind::Quota);
}

proptest! {
    #[test]
    fn any_answer_is_classified_without_panic(
        status in 100u16..600, body: Vec<u8>, range: Option<String>, retry: Option<String>,
    ) {
        let now = at("2026-11-22T15:00:00Z");
        let answer = Answer { status, retry_after: retry.as_deref(), range: range.as_deref(), body: &body };
        for call in [Call::Read, Call::Effect] {
            let outcomes = [
                reply(call, now, answer).err(),
                session(call, now, answer).err(),
            ];
            for error in outcomes.into_iter().flatten() {
                // Without the platform's envelope only 429 proves that nothing was done and may be sent again.
                let again = matches!(error.advice, Advice::Later { .. });
                prop_assert!(call == Call::Read || !again || status == 429, "{error}");
            }
        }
        prop_assert!(tokens(answer).is_err());
    }

    #[test]
    fn only_a_known_refusal_lets_an_effect_be_sent_again(status in 100u16..600, reason in "[a-zA-Z]{0,24}") {
        let body = json!({"error": {"errors": [{"reason": reason}]}}).to_string();
        let now = at("2026-11-22T15:00:00Z");
        if let Err(error) = reply(Call::Effect, now, answer(status, body.as_bytes())) {
            let again = matches!(error.advice, Advice::Later { .. });
            prop_assert!(!again || (status < 500 && (status == 429 || reason.ends_with("Exceeded"))));
            prop_assert!(status < 500 || error.advice == Advice::Verify);
        }
    }
}
