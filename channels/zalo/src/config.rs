//! Settings of the channel: hosts and the few rules an installation may change.

use serde::{Deserialize, Serialize};
use url::Url;

/// Settings of the Zalo channel. Every key may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Host of the Official Account API.
    pub api_base: Url,
    /// Folder of the OAuth calls of an Official Account; `access_token` is joined to it.
    pub oauth_base: Url,
    /// Page of an article, for a receipt whose detail names no link.
    pub article_page: Url,
    /// Sends `appsecret_proof` with every call; the account's secret then needs `app_secret`.
    pub appsecret_proof: bool,
    /// Refuses to create an article when another one with the same title is among the newest thirty of the account.
    pub refuse_same_title: bool,
    /// Age in hours at which the access token is renewed; it lives 25 hours.
    pub refresh_after_h: u32,
    /// Seconds a listing may lag behind a create: a create that may be a repetition waits this long before it looks.
    pub listing_lag_s: u32,
}

impl Default for Config {
    fn default() -> Self {
        let url = |text: &str| Url::parse(text).expect("the default addresses are valid");
        Self {
            api_base: url("https://openapi.zalo.me"),
            oauth_base: url("https://oauth.zaloapp.com/v4/oa"),
            article_page: url("https://post.oa.zalo.me/d"),
            appsecret_proof: false,
            refuse_same_title: false,
            refresh_after_h: 20,
            listing_lag_s: 60,
        }
    }
}

impl Config {
    /// Every address the channel talks to: the composition root refuses a virtual clock when one is not loopback.
    pub fn bases(&self) -> [&Url; 2] {
        [&self.api_base, &self.oauth_base]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_is_the_default_and_unknown_keys_are_refused() {
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
        let one = toml::from_str::<Config>("api_base = 'http://127.0.0.1:9/'").unwrap();
        assert_eq!(one.api_base.as_str(), "http://127.0.0.1:9/");
        assert!(toml::from_str::<Config>("api_bse = 'http://127.0.0.1:9/'").is_err());
    }
}
