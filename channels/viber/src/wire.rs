//! The platform's own types. `status` decides; a message token is a number above 2^53 or a text, and may stand in a refusal.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What every answer begins with.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    #[serde(deserialize_with = "integer")]
    pub(crate) status: i64,
    #[serde(default)]
    pub(crate) status_message: String,
}

/// Answer of `post`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Posted {
    #[serde(deserialize_with = "text")]
    pub(crate) message_token: String,
}

/// Answer of `get_account_info`. Channels have been seen with `Id`, and with their name as `chat_hostname`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Info {
    #[serde(alias = "Id")]
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) chat_hostname: String,
    pub(crate) subscribers_count: Option<u64>,
    pub(crate) members: Vec<Member>,
}

/// Someone who may post in the Channel.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) role: String,
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = match &value {
        Value::String(text) => text.parse().ok(),
        value => value.as_i64(),
    };
    number.ok_or_else(|| serde::de::Error::custom("status is not a whole number"))
}
