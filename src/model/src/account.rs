//! Accounts on channels, their agencies and their secrets.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    ids::UserId,
    record::{IndexEntry, Record, join},
};

/// `channel:name`, for example `facebook:cong-tin`: how people and the command line name an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName {
    text: String,
    colon: usize,
}

/// A text that is not `channel:name`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an account name: {0:?} (write channel:name, lowercase letters, digits and '-')")]
pub struct BadAccountName(pub String);

impl AccountName {
    /// Kind of platform: the part before the colon.
    pub fn channel(&self) -> &str {
        self.text.get(..self.colon).unwrap_or_default()
    }

    /// The part after the colon: tells it from others of its kind.
    pub fn short(&self) -> &str {
        self.text.get(self.colon + 1..).unwrap_or_default()
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for AccountName {
    type Err = BadAccountName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        match text.split_once(':') {
            Some((channel, name)) if plain(channel) && plain(name) && text.len() <= 120 => {
                Ok(Self { text: text.to_owned(), colon: channel.len() })
            }
            _ => Err(BadAccountName(text.to_owned())),
        }
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for AccountName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for AccountName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether an account may post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum AccountStatus {
    /// Posts go out.
    Active,
    /// Nothing goes out until a person resumes it.
    Paused {
        /// Why, shown to people.
        reason: String,
        /// Since when.
        since: Timestamp,
        /// Who; unknown of pauses of the first release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<UserId>,
    },
    /// The platform refused the credentials; a person must connect it again.
    NeedsReauth {
        /// What the platform said, redacted.
        reason: String,
        /// Since when.
        since: Timestamp,
        /// It has never worked: nobody posts to it yet, and it can still be changed and removed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        first: bool,
    },
}

/// One Page, Official Account, bot or channel of an agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Name for people and the command line.
    pub name: AccountName,
    /// Agency (tenant) it belongs to.
    pub agency: String,
    /// Name shown to the audience.
    pub title: String,
    /// The platform's own id of it, text because it exceeds 2^53.
    pub remote_id: String,
    /// Settings of the adapter for this account (member id, app id, flags); never a secret.
    pub settings: BTreeMap<String, String>,
    /// May it post.
    pub status: AccountStatus,
}

impl Account {
    /// Whether its platform has answered for it. One that never worked takes no posts and holds none back.
    pub fn is_connected(&self) -> bool {
        !matches!(self.status, AccountStatus::NeedsReauth { first: true, .. })
    }
}

impl Record for Account {
    const TABLE: &'static str = "account";
    fn key(&self) -> String {
        self.name.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry {
            index: "account_by_agency",
            key: join(&[&self.agency, self.name.as_str()]),
        }]
    }
}

/// A tenant: a portal with its brand and its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agency {
    /// Short name, lowercase, for example `demo`.
    pub name: String,
    /// Name shown to people.
    pub title: String,
    /// Brand kit: one under `assets/brands/`, or `own/<name>` of the agency's own. The settings may leave it out: a plain one is
    /// made of the title.
    #[serde(default)]
    pub brand: String,
    /// IANA zone of its clock, for example `Asia/Ho_Chi_Minh`.
    pub zone: String,
    /// An approver may sign an urgent post of their own; another approver looks at it within a day.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent_alone: bool,
}

impl Record for Agency {
    const TABLE: &'static str = "agency";
    fn key(&self) -> String {
        self.name.clone()
    }
}

/// Which agency keeps the installation: its administrators add agencies and change any of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// The agency.
    pub kept_by: String,
}

impl Installation {
    /// The key of the only one.
    pub const KEY: &'static str = "installation";
}

impl Record for Installation {
    const TABLE: &'static str = "installation";
    fn key(&self) -> String {
        Self::KEY.to_owned()
    }
}

/// Credentials of one account: named values whose text never shows in Debug, Display or serde of anything else.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(BTreeMap<String, String>);

impl Secret {
    /// A secret of these named values.
    pub fn new(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(values.into_iter().collect())
    }

    /// A value by name; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// This secret with `newer` laid over it; an empty value never replaces a non-empty one.
    #[must_use]
    pub fn merged(mut self, newer: Self) -> Self {
        for (name, value) in newer.0 {
            if !value.is_empty() {
                self.0.insert(name, value);
            }
        }
        self
    }

    /// Names of the values that are not empty.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str())
    }

    /// Every non-empty value: for redaction.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_secrets() {
        let name: AccountName = "facebook:cong-tin".parse().unwrap();
        assert_eq!(name.channel(), "facebook");
        for bad in ["", "facebook", ":x", "Facebook:x", "a:", "a:b c", "a:b:c"] {
            assert!(bad.parse::<AccountName>().is_err(), "{bad}");
        }
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        let old = Secret::new([pair("token", "s3cret")]);
        assert_eq!(format!("{old:?}"), "Secret(***)");
        let new = old.merged(Secret::new([pair("token", ""), pair("refresh", "r")]));
        assert_eq!((new.get("token"), new.get("refresh")), (Some("s3cret"), Some("r")));
    }
}
