//! Who is calling: tokens, proofs, sign-in.

use jiff::SignedDuration;
use loa_sandbox::Incoming;
use serde_json::{Value, json};

use crate::{
    App,
    error::GraphError,
    record::{PageRecord, Token, TokenState},
    sign,
};

const SCOPES: &[&str] = &[
    "pages_show_list",
    "pages_manage_posts",
    "pages_read_engagement",
    "pages_read_user_content",
    "pages_manage_engagement",
    "pages_manage_metadata",
    "read_insights",
];

/// A caller whose token works.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The Page it speaks as; none for a person.
    pub(crate) page: Option<String>,
}

impl Caller {
    /// Fails unless the caller speaks as this Page.
    pub(crate) fn must_be(&self, page: &str) -> Result<(), GraphError> {
        match &self.page {
            Some(own) if own == page => Ok(()),
            Some(_) => {
                Err(GraphError::new(200, "(#200) The token does not have permission for this Page"))
            }
            None => {
                Err(GraphError::new(190, "This object must be posted to a page as the page itself")
                    .sub(492))
            }
        }
    }
}

/// The token of a request: header first, then parameter.
pub(crate) fn token_of(incoming: &Incoming) -> Option<String> {
    let header = incoming.header("authorization").and_then(|value| {
        value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("OAuth ")).map(str::trim)
    });
    header.or_else(|| incoming.field("access_token")).map(str::to_owned)
}

impl App {
    /// The caller of a request.
    pub(crate) fn caller(&self, incoming: &Incoming) -> Result<Caller, GraphError> {
        let Some(token) = token_of(incoming) else {
            let message = "An access token is required to request this resource.";
            return Err(GraphError::new(104, message));
        };
        self.check_proof(incoming, &token)?;
        let found = self.ground.book.read(|leaf| leaf.get::<Token>("token", &token));
        let Some(found) = found else {
            let message = "Invalid OAuth access token - Cannot parse access token";
            return Err(GraphError { status: 401, ..GraphError::new(190, message) });
        };
        if found.state == TokenState::Revoked {
            let message = "Error validating access token: The session has been invalidated because the user \
                           changed their password or Facebook has changed the session for security reasons.";
            return Err(GraphError { status: 401, ..GraphError::new(190, message).sub(460) });
        }
        if found.expires_at.is_some_and(|at| at <= self.ground.clock.now()) {
            return Err(GraphError::expired());
        }
        Ok(Caller { page: found.page })
    }

    fn check_proof(&self, incoming: &Incoming, token: &str) -> Result<(), GraphError> {
        let given = incoming.field("appsecret_proof");
        let right = sign(&self.client_secret, token.as_bytes());
        match given {
            Some(proof) if proof == right => Ok(()),
            None if !self.require_proof => Ok(()),
            Some(_) => {
                Err(GraphError::new(104, "Invalid appsecret_proof provided in the API argument"))
            }
            None => Err(GraphError::new(
                104,
                "API calls from the server require an appsecret_proof argument",
            )),
        }
    }

    /// `oauth/access_token`: a code or a short-lived token for a long-lived one.
    pub(crate) fn exchange(&self, incoming: &Incoming) -> Result<Value, GraphError> {
        let field = |name: &str| incoming.field(name).unwrap_or_default().to_owned();
        if field("client_id") != self.client_id || field("client_secret") != self.client_secret {
            return Err(GraphError::new(1, "Error validating client secret."));
        }
        let short = field("fb_exchange_token");
        let known = match incoming.field("grant_type") {
            Some("fb_exchange_token") => {
                self.ground.book.read(|leaf| leaf.get::<Token>("token", &short)).is_some()
            }
            // The sample code of the sign-in page.
            _ => field("code") == "sample-code",
        };
        if !known {
            return Err(GraphError::new(100, "This authorization code has expired.").sub(36007));
        }
        let now = self.ground.clock.now();
        let life = SignedDuration::from_hours(60 * 24);
        let token = self.ground.book.change(|leaf| {
            let number = leaf.next("token");
            let noise = self.ground.growth.mix(&number.to_string(), "token");
            let token = format!("EAAU{noise:016x}{number:08x}");
            let kept = Token {
                page: None,
                issued_at: now,
                expires_at: now.checked_add(life).ok(),
                state: TokenState::Live,
            };
            leaf.put("token", &token, &kept);
            Ok::<_, GraphError>(token)
        })?;
        Ok(json!({ "access_token": token, "token_type": "bearer", "expires_in": life.as_secs() }))
    }

    /// `debug_token`, asked with the app's own token.
    pub(crate) fn debug_token(&self, incoming: &Incoming) -> Result<Value, GraphError> {
        let app_token = format!("{}|{}", self.client_id, self.client_secret);
        if token_of(incoming).as_deref() != Some(app_token.as_str()) {
            self.caller(incoming)?;
        }
        let asked = incoming.field("input_token").unwrap_or_default();
        let now = self.ground.clock.now();
        let Some(token) = self.ground.book.read(|leaf| leaf.get::<Token>("token", asked)) else {
            return Ok(
                json!({ "data": { "is_valid": false, "app_id": self.client_id, "scopes": [],
                "error": { "code": 190, "message": "Invalid OAuth access token." } } }),
            );
        };
        let alive = token.expires_at.is_none_or(|at| at > now);
        let access_until = token.issued_at.as_second() + 90 * 86_400;
        Ok(json!({ "data": {
            "app_id": self.client_id,
            "application": "Loa (thử)",
            "type": if token.page.is_some() { "PAGE" } else { "USER" },
            "is_valid": alive && token.state == TokenState::Live,
            "expires_at": token.expires_at.map_or(0, jiff::Timestamp::as_second),
            "data_access_expires_at": access_until,
            "issued_at": token.issued_at.as_second(),
            "scopes": SCOPES,
            "profile_id": token.page,
            "user_id": "10229876543210987",
        } }))
    }

    /// `me/accounts`: the Pages of a person, each with its token.
    pub(crate) fn accounts(&self) -> Value {
        let pages: Vec<(String, PageRecord)> = self.ground.book.read(|leaf| leaf.list("page"));
        let data: Vec<Value> = pages
            .into_iter()
            .map(|(id, page)| {
                json!({
                    "access_token": self.sample_token(&id), "category": "Government organisation",
                    "name": page.name, "username": page.username, "id": id,
                    "tasks": ["ANALYZE", "CREATE_CONTENT", "MODERATE", "MANAGE"],
                })
            })
            .collect();
        json!({ "data": data, "paging": { "cursors": { "before": "0", "after": data.len().to_string() } } })
    }

    /// `me/permissions`.
    pub(crate) fn permissions() -> Value {
        let data: Vec<Value> = SCOPES
            .iter()
            .map(|scope| json!({ "permission": scope, "status": "granted" }))
            .collect();
        json!({ "data": data })
    }
}
