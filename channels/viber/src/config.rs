//! Settings of the adapter.

use serde::{Deserialize, Serialize};
use url::Url;

/// Settings of every Channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Base of every call, up to and with `pa`. A reseller or a sandbox has its own.
    pub base: Url,
    /// Address that answers the platform's check with 200, https with a public certificate. Posting is refused until one
    /// was set once; the account setting `webhook_url` wins.
    pub webhook_url: Option<Url>,
}

impl Default for Config {
    fn default() -> Self {
        let base = Url::parse("https://chatapi.viber.com/pa/").expect("written as an address");
        Self { base, webhook_url: None }
    }
}
