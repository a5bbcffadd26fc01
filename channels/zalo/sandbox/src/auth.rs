//! Sign-in and tokens: 25 hours of access, and a refresh token that is good for one use.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use loa_sandbox::Incoming;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    App,
    error::OaError,
    record::{Access, Code, Oa, Refresh},
};

/// Life of a code of the consent page.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// A failure of the token address, in its own shape.
pub(crate) fn failure(code: i32, name: &str) -> Value {
    json!({
        "error": code, "error_name": name, "error_reason": name, "error_description": name,
        "ref_doc": "https://developers.zalo.me/docs/official-account",
    })
}

impl App {
    /// The account of a request's token.
    pub(crate) fn caller(&self, incoming: &Incoming) -> Result<String, OaError> {
        let token = incoming.header("access_token").unwrap_or_default();
        let found = self.ground.book.read(|leaf| leaf.get::<Access>("access", token));
        let Some(found) = found.filter(|found| !found.revoked) else {
            return Err(OaError::new(-216, "Access token is invalid"));
        };
        if found.expires_at <= self.ground.clock.now() {
            return Err(OaError::expired());
        }
        if let Some(proof) = incoming.header("appsecret_proof")
            && proof != hmac(&self.client_secret, token)
        {
            return Err(OaError::new(-242, "Invalid appsecret_proof provided in the API argument"));
        }
        Ok(found.oa)
    }

    /// `POST …/access_token`. The answer says by itself whether it is an error; true when tokens changed.
    pub(crate) fn tokens(&self, incoming: &Incoming) -> (Value, bool) {
        match self.exchange(incoming) {
            Ok(value) => (value, true),
            Err(value) => (value, false),
        }
    }

    fn exchange(&self, incoming: &Incoming) -> Result<Value, Value> {
        if incoming.header("secret_key") != Some(self.client_secret.as_str()) {
            return Err(failure(-14004, "Invalid secret key"));
        }
        if incoming.field("app_id") != Some(self.client_id.as_str()) {
            return Err(failure(-14001, "Invalid app id"));
        }
        let now = self.ground.clock.now();
        let disk = |_: OaError| failure(-14999, "Unknown error");
        let pair = match incoming.field("grant_type") {
            Some("refresh_token") => {
                let given = incoming.field("refresh_token").unwrap_or_default();
                self.ground.book.change(|leaf| {
                    let found = leaf.get::<Refresh>("refresh", given);
                    let Some(mut found) =
                        found.filter(|found| !found.used && found.expires_at > now)
                    else {
                        return Ok(None);
                    };
                    found.used = true;
                    leaf.put("refresh", given, &found);
                    Ok(Some(self.new_pair(leaf, &found.oa, now)))
                })
            }
            Some("authorization_code") => {
                let given = incoming.field("code").unwrap_or_default();
                let verifier = incoming.field("code_verifier").unwrap_or_default();
                self.ground.book.change(|leaf| {
                    let found = leaf.get::<Code>("code", given);
                    let Some(found) = found.filter(|found| {
                        now.duration_since(found.made_at) < CODE_LIFE
                            && found.challenge == challenge(verifier)
                    }) else {
                        return Ok(None);
                    };
                    leaf.delete("code", given);
                    Ok(Some(self.new_pair(leaf, &found.oa, now)))
                })
            }
            _ => return Err(failure(-14005, "Invalid grant type")),
        };
        let Some((access, refresh)) = pair.map_err(disk)? else {
            let code = incoming.field("grant_type") == Some("authorization_code");
            return Err(if code {
                failure(-14010, "Invalid authorization code")
            } else {
                failure(-14014, "Invalid refresh token.")
            });
        };
        Ok(json!({ "access_token": access, "refresh_token": refresh, "expires_in": "90000" }))
    }

    /// A code for an account, as the consent page hands it out.
    pub(crate) fn consent(&self, oa: &str, challenge: &str, now: Timestamp) -> Option<String> {
        let made = self.ground.book.change(|leaf| {
            if leaf.get::<Oa>("oa", oa).is_none() {
                return Ok(None);
            }
            let code = self.opaque(leaf, "code").replace('=', "");
            let kept = Code { oa: oa.to_owned(), challenge: challenge.to_owned(), made_at: now };
            leaf.put("code", &code, &kept);
            Ok::<_, OaError>(Some(code))
        });
        made.ok().flatten()
    }
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

fn hmac(key: &str, message: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key may have any length");
    mac.update(message.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_proof_agrees_with_the_known_vector() {
        assert_eq!(
            super::hmac("APPSECRETsandbox", "ACCESSTOKENsandbox"),
            "df59c0eb5e2e55a60dfd7c773be87dc0284265975ac7538aa462bf6877a67d57"
        );
    }
}
