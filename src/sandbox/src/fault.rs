//! The fault menu: what may go wrong, as data, and which request it befalls.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::growth::Growth;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// The effect is stored, then the connection is cut without an answer.
    DropAfterCommit,
    /// The connection is cut before the request is looked at.
    DropBeforeCommit,
    /// The effect is stored, then this is answered.
    ErrorAfterCommit {
        /// HTTP status.
        #[serde(default = "internal_error")]
        status: u16,
        /// Body, the platform's own or any; an HTML page of a proxy when absent.
        #[serde(default)]
        body: Option<serde_json::Value>,
    },
    /// This is answered and nothing is stored.
    ErrorBeforeCommit {
        /// HTTP status.
        #[serde(default = "internal_error")]
        status: u16,
        /// Body, the platform's own or any; an HTML page of a proxy when absent.
        #[serde(default)]
        body: Option<serde_json::Value>,
    },
    /// The answer is late.
    Slow {
        /// Wait on the wall clock, milliseconds.
        #[serde(default)]
        real_ms: u64,
        /// Wait on the stand-in's clock, milliseconds.
        #[serde(default)]
        virtual_ms: u64,
    },
    /// Too many requests, in the platform's own words; nothing is stored.
    Throttle {
        /// Wait the platform asks for, milliseconds, where it can say so.
        #[serde(default)]
        wait_ms: u64,
    },
    /// The token has expired, in the platform's own words; nothing is stored.
    ExpiredToken,
    /// Lists do not show what is younger than this.
    ListingLag {
        /// Milliseconds on the stand-in's clock.
        ms: u64,
    },
    /// Everything is done as usual, but the answer names another address wherever it names `from`, in headers and body.
    Readdress {
        /// What the answer says, for example the platform's own base.
        from: String,
        /// What it says instead.
        to: String,
    },
    /// Everything is done as usual, and the answer says that this much of the allowance is used, where the platform has words
    /// for it.
    Usage {
        /// Percent.
        percent: u8,
    },
    /// Webhooks are sent this many times instead of once.
    DuplicateWebhook {
        /// Copies.
        copies: u32,
    },
}

impl Fault {
    /// Its name on the menu.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DropAfterCommit => "drop_after_commit",
            Self::DropBeforeCommit => "drop_before_commit",
            Self::ErrorAfterCommit { .. } => "error_after_commit",
            Self::ErrorBeforeCommit { .. } => "error_before_commit",
            Self::Slow { .. } => "slow",
            Self::Throttle { .. } => "throttle",
            Self::ExpiredToken => "expired_token",
            Self::ListingLag { .. } => "listing_lag",
            Self::Readdress { .. } => "readdress",
            Self::Usage { .. } => "usage",
            Self::DuplicateWebhook { .. } => "duplicate_webhook",
        }
    }
}

/// A fault and the requests it befalls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRule {
    /// Platform.
    pub platform: String,
    /// Method; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Path, `*` stands for any characters; any path when absent.
    #[serde(default = "any_path")]
    pub path: String,
    /// Text that query or body must hold, for routes that do several things. Bodies over 1 MiB never match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// How many requests it befalls. After-commit faults count only requests that stored something.
    #[serde(default = "once")]
    pub times: u32,
    /// Requests of a thousand it befalls, chosen by the seed; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_mille: Option<u32>,
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
}

impl FaultRule {
    /// This fault, once, for requests of this method and path.
    pub fn once(platform: &str, method: &str, path: &str, fault: Fault) -> Self {
        Self {
            platform: platform.to_owned(),
            method: Some(method.to_owned()),
            path: path.to_owned(),
            contains: None,
            times: 1,
            per_mille: None,
            fault,
        }
    }

    /// The rule for requests that also hold `text` in query or body.
    #[must_use]
    pub fn containing(mut self, text: &str) -> Self {
        self.contains = Some(text.to_owned());
        self
    }

    /// The rule for `times` requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn fits(&self, asked: &Asked<'_>) -> bool {
        self.platform == asked.platform
            && self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(asked.method))
            && glob(&self.path, asked.path)
            && self.contains.as_ref().is_none_or(|text| asked.text.contains(text.as_str()))
    }
}

/// A request as the rules see it.
pub(crate) struct Asked<'a> {
    pub(crate) platform: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

/// A rule with its number and how often it was played.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scheduled {
    /// Number, from 1.
    pub id: u64,
    /// How often it was played.
    pub fired: u32,
    /// How often it could have been.
    pub seen: u64,
    /// The rule.
    #[serde(flatten)]
    pub rule: FaultRule,
}

/// The faults in force.
#[derive(Debug)]
pub struct FaultBoard {
    growth: Growth,
    rules: Mutex<(u64, BTreeMap<u64, Scheduled>)>,
}

impl FaultBoard {
    /// No faults; chances come from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { growth: Growth::new(seed), rules: Mutex::default() }
    }

    /// Puts a rule in force and returns its number.
    pub fn add(&self, rule: FaultRule) -> u64 {
        let mut rules = self.lock();
        rules.0 += 1;
        let id = rules.0;
        rules.1.insert(id, Scheduled { id, fired: 0, seen: 0, rule });
        id
    }

    /// Takes every rule away, or those of one platform.
    pub fn clear(&self, platform: Option<&str>) {
        self.lock().1.retain(|_, rule| platform.is_some_and(|name| rule.rule.platform != name));
    }

    /// Every rule, played out or not.
    pub fn all(&self) -> Vec<Scheduled> {
        self.lock().1.values().cloned().collect()
    }

    /// Whether any rule of this platform looks into bodies.
    pub(crate) fn reads_bodies(&self, platform: &str) -> bool {
        let rules = self.lock();
        rules.1.values().any(|rule| {
            rule.rule.platform == platform
                && rule.rule.contains.is_some()
                && rule.fired < rule.rule.times
        })
    }

    /// Rules that befall this request, in the order they were added.
    pub(crate) fn matching(&self, asked: &Asked<'_>) -> Vec<(u64, Fault)> {
        let mut rules = self.lock();
        let mut hits = Vec::new();
        for (id, rule) in &mut rules.1 {
            if rule.fired >= rule.rule.times || !rule.rule.fits(asked) {
                continue;
            }
            rule.seen += 1;
            let chosen = rule.rule.per_mille.is_none_or(|per_mille| {
                let dice = self.growth.mix(&id.to_string(), &rule.seen.to_string());
                dice % 1_000 < u64::from(per_mille)
            });
            if chosen {
                hits.push((*id, rule.rule.fault.clone()));
            }
        }
        hits
    }

    /// Plays a rule once, unless another request has used it up.
    pub(crate) fn spend(&self, id: u64) -> bool {
        let mut rules = self.lock();
        match rules.1.get_mut(&id) {
            Some(rule) if rule.fired < rule.rule.times => {
                rule.fired += 1;
                true
            }
            _ => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Scheduled>)> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn internal_error() -> u16 {
    500
}

fn any_path() -> String {
    "*".to_owned()
}

fn once() -> u32 {
    1
}

/// Whether `text` matches `pattern`, where `*` stands for any characters.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last: Option<&str> = None;
    for part in parts {
        if let Some(middle) = last.replace(part) {
            match rest.split_once(middle) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
    }
    match last {
        None => rest.is_empty(),
        Some(end) => rest.ends_with(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let check = |pattern: &str, text: &str, want: bool| {
            assert_eq!(glob(pattern, text), want, "{pattern} on {text}");
        };
        check("*", "/a/b", true);
        check("/v1/post", "/v1/post", true);
        check("/v1/post", "/v1/posts", false);
        check("*/feed", "/v26.0/123/feed", true);
        check("*/feed", "/v26.0/123/feeds", false);
        check("/v*/article/*", "/v2.0/article/create", true);
        check("/v*/article/*/x", "/v2.0/article/create", false);
        check("/a*a", "/a", false);
    }

    #[test]
    fn a_rule_is_played_as_often_as_it_says() {
        let board = FaultBoard::new(1);
        let rule = FaultRule::once("here", "post", "*/feed", Fault::ExpiredToken).times(2);
        let id = board.add(rule);
        let asked = Asked { platform: "here", method: "POST", path: "/1/feed", text: "" };
        for _ in 0..2 {
            assert_eq!(board.matching(&asked), [(id, Fault::ExpiredToken)]);
            assert!(board.spend(id));
        }
        assert!(board.matching(&asked).is_empty());
        assert!(!board.spend(id));
        let elsewhere = Asked { platform: "there", ..asked };
        assert!(board.matching(&elsewhere).is_empty());
    }

    #[test]
    fn chance_is_the_seed_s() {
        let played = |seed| {
            let board = FaultBoard::new(seed);
            let mut rule = FaultRule::once("here", "GET", "*", Fault::DropBeforeCommit).times(999);
            rule.per_mille = Some(300);
            board.add(rule);
            let asked = Asked { platform: "here", method: "GET", path: "/", text: "" };
            (0..200).map(|_| board.matching(&asked).len()).collect::<Vec<_>>()
        };
        assert_eq!(played(1), played(1));
        assert_ne!(played(1), played(2));
        let hits: usize = played(1).iter().sum();
        assert!((30..=90).contains(&hits), "{hits} of 200 at 30 %");
    }

    #[test]
    fn the_menu_reads_from_json() {
        let rule: FaultRule = serde_json::from_str(
            r#"{"platform":"x","path":"*/feed","kind":"error_after_commit","status":502,"times":3}"#,
        )
        .unwrap();
        assert_eq!(rule.fault, Fault::ErrorAfterCommit { status: 502, body: None });
        assert_eq!((rule.times, rule.method), (3, None));
    }
}
