//! Access tokens for refresh tokens.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use jiff::SignedDuration;
use loa_sandbox::{Committed, Incoming};
use serde_json::json;

use crate::{
    App, answer,
    error::ApiError,
    record::{Channel, Token},
};

pub(crate) const CLIENT_ID: &str = "loa-sandbox.apps.example";

pub(crate) fn router() -> Router<App> {
    Router::new().route("/token", post(token))
}

impl App {
    pub(crate) fn client_secret(&self) -> String {
        format!("GOCSPX-{:016x}", self.0.growth.mix("client", "secret"))
    }
}

fn refused(error: &str, description: &str) -> Response {
    answer(StatusCode::BAD_REQUEST, json!({ "error": error, "error_description": description }))
}

async fn token(State(app): State<App>, incoming: Incoming) -> Response {
    if incoming.field("client_id") != Some(CLIENT_ID)
        || incoming.field("client_secret") != Some(&app.client_secret())
    {
        return refused("invalid_client", "The OAuth client was not found.");
    }
    if incoming.field("grant_type") != Some("refresh_token") {
        return refused("unsupported_grant_type", "Invalid grant_type");
    }
    let given = incoming.field("refresh_token").unwrap_or_default();
    let channels: Vec<(String, Channel)> = app.0.book.read(|page| page.list("channel"));
    let found = channels
        .into_iter()
        .map(|(_, channel)| channel)
        .find(|channel| channel.refresh_token == given);
    let Some(channel) = found.filter(|channel| !channel.revoked) else {
        return refused("invalid_grant", "Token has been expired or revoked.");
    };
    let made = app.0.book.change(|page| {
        let number = page.next("access_token");
        let part = |what: &str| app.0.growth.mix(&format!("{}{number}", channel.id), what);
        let token = format!("ya29.{:016x}{:016x}", part("a"), part("b"));
        let record = Token {
            channel: channel.id.clone(),
            expires_at: app.now() + SignedDuration::from_secs(3599),
        };
        page.put("token", &token, &record);
        Ok::<_, ApiError>(token)
    });
    match made {
        Ok(token) => Committed::mark(answer(
            StatusCode::OK,
            json!({ "access_token": token, "expires_in": 3599, "scope": SCOPES, "token_type": "Bearer" }),
        )),
        Err(error) => error.into_response(),
    }
}

const SCOPES: &str = "https://www.googleapis.com/auth/youtube.upload https://www.googleapis.com/auth/youtube.force-ssl \
                      https://www.googleapis.com/auth/youtube.readonly https://www.googleapis.com/auth/yt-analytics.readonly";
