//! What people call the records of the log: names and titles, never a key where there is anything better.

use std::collections::BTreeMap;

use loa_model::{
    Account, AccountName, Agency, Article, ArticleId, Delivery, Post, User, Variant,
    article::article_key,
};
use loa_store::{Change, StoreExt};
use serde_json::Value;

use super::{Touched, fields, look::by_code, words::Words};
use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    pages::{channel_title, shown},
};

/// Names that are remembered while one question is answered.
const REMEMBERED: usize = 4096;

/// Fields that hold keys, and of what.
const KEYS: &[(&str, &str)] = &[
    ("account", "account"),
    ("accounts", "account"),
    ("agency", "agency"),
    ("also", "agency"),
    ("article", "article"),
    ("author", "user"),
    ("by", "user"),
    ("closed", "user"),
    ("delivery", "delivery"),
    ("draft", "post"),
    ("editors", "user"),
    ("kept_by", "agency"),
    ("live", "post"),
    ("made_by", "user"),
    ("post", "post"),
    ("revoked", "user"),
    ("user", "user"),
    ("variant", "variant"),
];

/// Finds names, and remembers them.
pub(super) struct Names<'a> {
    app: &'a Shared,
    /// Whose records are named: of another agency nothing is.
    agency: &'a str,
    words: Words<'a>,
    known: BTreeMap<(&'static str, String), Option<String>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(app: &'a Shared, visitor: &'a Visitor) -> Self {
        let words = Words { assets: &app.assets, lang: &visitor.lang };
        Self { app, agency: &visitor.user.agency, words, known: BTreeMap::new() }
    }

    pub(super) fn words(&self) -> Words<'a> {
        self.words
    }

    /// A value of a field in words: what it names by its key is named.
    pub(super) async fn told(&mut self, field: &str, value: &Value) -> Result<String, WebError> {
        let Some((_, kind)) = KEYS.iter().find(|(name, _)| *name == field) else {
            return Ok(self.words.value(field, value));
        };
        match value {
            Value::String(_) => self.each(kind, std::slice::from_ref(value), field).await,
            Value::Array(all) => {
                // A list of agencies with roles names the agencies.
                let key = |value: &Value| value.get("agency").unwrap_or(value).clone();
                self.each(kind, &all.iter().map(key).collect::<Vec<_>>(), field).await
            }
            _ => Ok(self.words.value(field, value)),
        }
    }

    async fn each(
        &mut self,
        kind: &'static str,
        all: &[Value],
        field: &str,
    ) -> Result<String, WebError> {
        let mut said = Vec::new();
        for value in all {
            let name = match value {
                Value::String(key) => self.of(kind, key).await?,
                _ => None,
            };
            said.push(name.unwrap_or_else(|| self.words.value(field, value)));
        }
        Ok(said.join(", "))
    }

    /// What a record of this kind and key is called; nothing when it is gone or of another agency.
    pub(super) async fn of(
        &mut self,
        kind: &'static str,
        key: &str,
    ) -> Result<Option<String>, WebError> {
        let place = (kind, key.to_owned());
        if let Some(name) = self.known.get(&place) {
            return Ok(name.clone());
        }
        let name = match kind {
            "user" => self.user(key).await?,
            "account" => self.account(key).await?,
            "agency" => self.app.store.read::<Agency>(key).await?.map(|row| row.record.title),
            "article" => self.article(key).await?,
            "post" => self.post(key).await?,
            "delivery" => self.delivery(key).await?,
            "variant" => self.variant(key).await?,
            _ => self.code(key).await?,
        };
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(place, name.clone());
        Ok(name)
    }

    /// Who did something is told whichever agency they belong to.
    async fn user(&self, key: &str) -> Result<Option<String>, WebError> {
        Ok(self.app.store.read::<User>(key).await?.map(|row| row.record.name))
    }

    async fn account(&self, key: &str) -> Result<Option<String>, WebError> {
        let row = self.app.store.read::<Account>(key).await?.map(|row| row.record);
        let own = row.filter(|account| account.agency == self.agency);
        Ok(own.map(|account| self.titled(&account)))
    }

    fn titled(&self, account: &Account) -> String {
        format!("{} ({})", account.title, channel_title(self.app, &account.name))
    }

    /// By its id with or without a revision behind it.
    async fn article(&self, key: &str) -> Result<Option<String>, WebError> {
        let id = key.split(['/', '\u{1}']).next().unwrap_or_default();
        let Ok(id) = id.parse::<ArticleId>() else { return Ok(None) };
        let store = &self.app.store;
        let row = match store.read::<Article>(key).await? {
            Some(row) => Some(row),
            None => store.read::<Article>(&article_key(id, 1)).await?,
        };
        let own = row.map(|row| row.record).filter(|article| article.agency == self.agency);
        Ok(own.map(|article| article.title().to_owned()))
    }

    async fn post(&self, key: &str) -> Result<Option<String>, WebError> {
        let row = self.app.store.read::<Post>(key).await?.map(|row| row.record);
        match row.filter(|post| post.agency == self.agency) {
            Some(post) => Ok(Some(self.posted(&post).await?)),
            None => Ok(None),
        }
    }

    /// Headline of its article and where it goes.
    async fn posted(&self, post: &Post) -> Result<String, WebError> {
        let account = self.account(post.account.as_str()).await?;
        let account = account.unwrap_or_else(|| post.account.to_string());
        let title = self.article(&article_key(post.article, post.revision)).await?;
        let title = title.filter(|title| !title.is_empty());
        Ok(title.map_or_else(|| account.clone(), |title| format!("{title} · {account}")))
    }

    async fn delivery(&self, key: &str) -> Result<Option<String>, WebError> {
        let row = self.app.store.read::<Delivery>(key).await?.map(|row| row.record);
        match row.filter(|delivery| delivery.agency == self.agency) {
            Some(delivery) => self.post(&delivery.post.to_string()).await,
            None => Ok(None),
        }
    }

    async fn variant(&self, key: &str) -> Result<Option<String>, WebError> {
        let row = self.app.store.read::<Variant>(key).await?.map(|row| row.record);
        let Some(variant) = row.filter(|variant| variant.agency == self.agency) else {
            return Ok(None);
        };
        let kind = self.words.of("variant", &crate::pages::name_of(&variant.kind));
        let title = self.article(&article_key(variant.article, variant.revision)).await?;
        Ok(Some(both(kind, title)))
    }

    async fn code(&self, code: &str) -> Result<Option<String>, WebError> {
        let post = by_code(self.app, code).await?.filter(|post| post.agency == self.agency);
        match post {
            Some(post) => Ok(Some(self.posted(&post).await?)),
            None => Ok(None),
        }
    }

    /// A row as a record that people know, with its page where it has one.
    pub(super) async fn touched(&mut self, change: &Change) -> Result<Touched, WebError> {
        let named = self.named(change).await?;
        let open = fields::is_open(&change.table);
        let id = if open { change.key.replace('\u{1}', " ") } else { String::new() };
        let name = named.unwrap_or_else(|| id.clone());
        let link = if open { link(change) } else { String::new() };
        Ok(Touched { kind: change.table.clone(), name, id, link })
    }

    async fn named(&mut self, change: &Change) -> Result<Option<String>, WebError> {
        let key = change.key.as_str();
        let field = |name: &str| {
            let found = change.value.as_ref().and_then(|value| value.get(name));
            found.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let words = self.words;
        let day = || field("day").map(|day| words.value("day", &Value::String(day)));
        Ok(match change.table.as_str() {
            // What it was called then: the log tells what was written, not what is.
            "user" => field("name").or(self.of("user", key).await?),
            "account" => match field("title") {
                Some(title) => Some(match key.parse::<AccountName>() {
                    Ok(name) => format!("{title} ({})", channel_title(self.app, &name)),
                    Err(_) => title,
                }),
                None => self.of("account", key).await?,
            },
            "agency" => field("title").or(self.of("agency", key).await?),
            "article" => {
                let first = change.value.as_ref().and_then(|v| v.pointer("/blocks/0/text"));
                let first = first.and_then(Value::as_str).map(str::to_owned);
                first.or(self.of("article", key).await?)
            }
            "post" => self.of("post", key).await?,
            "brief" => {
                let revision = change.value.as_ref().and_then(|value| value.get("revision"));
                let revision = u32::try_from(revision.and_then(Value::as_u64).unwrap_or(1));
                match (field("article").and_then(|id| id.parse::<ArticleId>().ok()), revision) {
                    (Some(id), Ok(revision)) => {
                        self.of("article", &article_key(id, revision)).await?
                    }
                    _ => None,
                }
            }
            "variant" => self.of("variant", key).await?,
            "corrects" => self.of("post", &field("live").unwrap_or_default()).await?,
            "sample" | "reach_totals" | "second_look" => {
                let post = field("post").unwrap_or_else(|| key.to_owned());
                self.of("post", &post).await?
            }
            "delivery" => match field("post") {
                Some(post) => self.of("post", &post).await?,
                None => self.of("delivery", key).await?,
            },
            "correction" | "set_aside" | "public_media" => {
                let delivery = field("delivery").unwrap_or_else(|| key.to_owned());
                self.of("delivery", &delivery).await?
            }
            "click_count" => {
                let code = key.split('\u{1}').next().unwrap_or_default().to_owned();
                let post = self.of("code", &code).await?;
                post.map(|post| both(post, day()))
            }
            "reach_rollup" => {
                let account = self.of("account", &field("account").unwrap_or_default()).await?;
                account.map(|account| both(account, day()))
            }
            "slot" => match field("post") {
                Some(post) => self.of("post", &post).await?,
                None => None,
            },
            "account_lease" | "pace" | "timetable" | "secret" => self.of("account", key).await?,
            "incident" => {
                let kind = field("kind").map(|kind| self.words.of("incident_name", &kind));
                let about = match field("account") {
                    Some(account) => self.of("account", &account).await?,
                    None => None,
                };
                kind.map(|kind| both(kind, about))
            }
            "kill_switch" => Some(self.scope(key).await?),
            "own_template" => field("name"),
            "reach_share" => {
                let days = change.value.as_ref().and_then(|value| value.get("days"));
                days.map(|days| self.words.value("days", days))
            }
            // Its key is a digest, which is nobody's business.
            "api_token" => {
                let owner = self.of("user", &field("user").unwrap_or_default()).await?;
                field("name").map(|name| both(name, owner))
            }
            "session" | "login" => self.of("user", &field("user").unwrap_or_default()).await?,
            "installation" => self.of("agency", &field("kept_by").unwrap_or_default()).await?,
            "start" => field("place"),
            "job" => match change.value.as_ref().and_then(|value| value.get("work")) {
                Some(work) => Some(self.job(work).await?),
                None => None,
            },
            // Of a table that nobody named above, whatever it calls itself, when its fields are told.
            table if fields::is_open(table) => {
                ["title", "name", "address"].into_iter().find_map(field)
            }
            _ => None,
        })
    }

    /// What a switch covers.
    async fn scope(&mut self, scope: &str) -> Result<String, WebError> {
        Ok(match scope.split_once('/') {
            Some(("agency", name)) => self.of("agency", name).await?.unwrap_or_default(),
            Some(("channel", name)) => {
                let known = self.app.capabilities.get(name);
                known.map_or_else(|| name.to_owned(), |capability| capability.title.clone())
            }
            _ => self.words.of("stop", "all"),
        })
    }

    /// What a job does, and to what.
    pub(super) async fn job(&mut self, work: &Value) -> Result<String, WebError> {
        let kind = work.get("kind").and_then(Value::as_str).unwrap_or_default();
        let field = |name: &str| work.get(name).and_then(Value::as_str).unwrap_or_default();
        let about = match kind {
            "ingest" => Some(shown(field("source"))),
            "brief" | "compose" => {
                let number = work.get("revision").and_then(Value::as_u64).unwrap_or(1);
                let revision = u32::try_from(number).unwrap_or(1);
                match field("article").parse::<ArticleId>() {
                    Ok(id) => self.of("article", &article_key(id, revision)).await?,
                    Err(_) => None,
                }
            }
            "draw" | "render" => self.of("variant", field("variant")).await?,
            "measure" => self.of("post", field("post")).await?,
            _ => ["title", "name", "source"]
                .into_iter()
                .map(field)
                .find(|t| !t.is_empty())
                .map(str::to_owned),
        };
        Ok(both(self.words.of("job", kind), about))
    }
}

fn both(first: String, second: Option<String>) -> String {
    match second.filter(|text| !text.is_empty()) {
        Some(second) => format!("{first} · {second}"),
        None => first,
    }
}

/// The page of a record; empty when there is none.
fn link(change: &Change) -> String {
    let field = |name: &str| {
        let found = change.value.as_ref().and_then(|value| value.get(name));
        found.and_then(Value::as_str).unwrap_or_default()
    };
    let page = |path: &str, id: &str| {
        if id.is_empty() { String::new() } else { format!("{path}{id}") }
    };
    let article = |id: &str| {
        let id = id.split('/').next().unwrap_or_default();
        page("/bai-viet/", if id.parse::<ArticleId>().is_ok() { id } else { "" })
    };
    match change.table.as_str() {
        "article" => article(&change.key),
        "post" => page("/bai-dang/", &change.key),
        "account" | "timetable" | "kill_switch" => "/kenh".to_owned(),
        "user" => page("/nhat-ky?who=", &change.key),
        _ => {
            let post = page("/bai-dang/", field("post"));
            if post.is_empty() { article(field("article")) } else { post }
        }
    }
}
