use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Row {
    code: i64,
    message: String,
    kind: String,
    advice: String,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
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
fn every_code_of_the_table_has_its_action() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../fixtures/errors.json")).unwrap();
    assert!(rows.len() >= 30);
    let now = at("2026-11-22T15:00:20Z");
    for row in rows {
        let body = serde_json::json!({"error": row.code, "message": row.message}).to_string();
        let error = reply(Call::Effect, now, 200, body.as_bytes()).unwrap_err();
        assert_eq!(format!("{:?}", error.kind), row.kind, "{} {}", row.code, row.message);
        assert_eq!(shown(error.advice), row.advice, "{} {}", row.code, row.message);
        assert_eq!(error.platform_code, row.code.to_string());
        assert_eq!(error.message, row.message);
    }
}

#[test]
fn success_is_error_zero_and_nothing_else() {
    let now = at("2026-11-22T15:00:00Z");
    let ok = br#"{"error":0,"message":"Success","data":{"token":"dG9r=="}}"#;
    assert_eq!(reply(Call::Effect, now, 200, ok).unwrap()["token"], "dG9r==");
    let text = br#"{"error":"0","message":"Success","data":{}}"#;
    assert!(reply(Call::Effect, now, 200, text).is_ok());
    for (status, body) in
        [(500, &ok[..]), (502, b"<html>"), (200, b""), (200, b"{}"), (200, b"null")]
    {
        let effect = reply(Call::Effect, now, status, body).unwrap_err();
        assert_eq!(effect.advice, Advice::Verify, "{status}");
        let read = reply(Call::Read, now, status, body).unwrap_err();
        assert!(matches!(read.advice, Advice::Later { .. }), "{status}");
    }
}

#[test]
fn a_wrong_path_is_not_an_unknown_outcome() {
    let body = br#"{"error":-209,"message":"API is not support"}"#;
    let error = reply(Call::Effect, at("2026-11-22T15:00:00Z"), 404, body).unwrap_err();
    assert_eq!((error.advice, error.platform_code.as_str()), (Advice::Reauthorize, "-209"));
}

#[test]
fn verify_tells_done_pending_failed_and_forgotten_apart() {
    let now = at("2026-11-22T15:00:00Z");
    for (body, wanted) in [
        (
            r#"{"error":0,"data":{"id":"4402c73f7e7a9724ce6b"}}"#,
            Outcome::Done("4402c73f7e7a9724ce6b".into()),
        ),
        (r#"{"error":0,"data":{}}"#, Outcome::Pending),
        (r#"{"error":-214,"message":"Article is being processed"}"#, Outcome::Pending),
        (r#"{"error":-201,"message":"Media is being processed"}"#, Outcome::Pending),
        (
            r#"{"error":-200,"message":"Upload media failed"}"#,
            Outcome::Failed("Upload media failed".into()),
        ),
        (r#"{"error":-201,"message":"token is invalid"}"#, Outcome::Forgotten),
    ] {
        assert_eq!(verified(now, 200, body.as_bytes()).unwrap(), wanted, "{body}");
    }
    let dead = verified(now, 200, br#"{"error":-216,"message":"Access token is invalid"}"#);
    assert_eq!(dead.unwrap_err().advice, Advice::Reauthorize);
}

#[test]
fn a_refused_refresh_token_needs_a_person_a_broken_server_does_not() {
    let good = br#"{"access_token":"a1","refresh_token":"r2","expires_in":"90000"}"#;
    let tokens_of = tokens(200, good).ok().unwrap();
    assert_eq!((tokens_of.refresh_token.as_str(), tokens_of.expires_in), ("r2", Some(90_000)));
    let refused = br#"{"error":-14014,"error_name":"Invalid refresh token.","error_description":"Refresh token is used"}"#;
    let error = tokens(200, refused).err().unwrap();
    assert_eq!((error.kind, error.advice), (Kind::Auth, Advice::Reauthorize));
    assert_eq!(error.platform_code, "-14014");
    for (status, body) in [(503, &refused[..]), (502, b"<html>"), (200, b"")] {
        let error = tokens(status, body).err().unwrap();
        assert!(matches!(error.advice, Advice::Later { .. }), "{status}");
    }
}

#[test]
fn night_ends_at_six_in_vietnam() {
    for (now, hours) in [
        ("2026-11-22T15:00:00Z", 8),  // 22:00
        ("2026-11-22T17:00:00Z", 6),  // midnight
        ("2026-11-22T22:30:00Z", 0),  // 05:30
        ("2026-11-22T23:00:00Z", 24), // 06:00
    ] {
        assert_eq!(to_morning(at(now)).as_secs() / 3600, hours, "{now}");
    }
}

fn known_refusal(code: i64) -> bool {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../fixtures/errors.json")).unwrap();
    rows.iter().any(|row| row.code == code) || (-14_999..=-14_000).contains(&code)
}

proptest! {
    #[test]
    fn any_answer_is_classified_without_panic(status in 100u16..600, body: Vec<u8>) {
        let now = at("2026-11-22T15:00:00Z");
        if let Err(error) = reply(Call::Effect, now, status, &body) {
            // Bytes without the envelope say nothing about the outcome, 429 apart.
            let wanted = if status == 429 { "later 60 account" } else { "verify" };
            prop_assert_eq!(shown(error.advice), wanted);
        }
        prop_assert!(tokens(status, &body).is_err());
        prop_assert!(verified(now, status, &body).is_err());
    }

    #[test]
    fn only_a_known_refusal_lets_an_effect_be_sent_again(
        status in 100u16..600, code in -16_000i64..1_000, message in "\\PC{0,40}",
    ) {
        let body = serde_json::json!({"error": code, "message": message}).to_string();
        let now = at("2026-11-22T15:00:00Z");
        if let Err(error) = reply(Call::Effect, now, status, body.as_bytes()) {
            let again = !matches!(error.advice, Advice::Verify);
            prop_assert!(!again || status == 429 || (status < 500 && known_refusal(code)));
        } else {
            prop_assert!(code == 0 && status < 300);
        }
    }

    #[test]
    fn a_cut_connection_is_unknown_for_an_effect_only(read: bool) {
        let call = if read { Call::Read } else { Call::Effect };
        let error = unreadable(call, "token");
        prop_assert_eq!(error.advice == Advice::Verify, !read);
    }
}
