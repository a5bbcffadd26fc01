//! Reading back: slices of ten, newest first, and one article in full.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loa_sandbox::{Incoming, Numbers, Pull};
use serde_json::{Value, json};

use crate::{
    App,
    api::{Answer, Reply},
    article::Cover,
    error::OaError,
    record::{Article, Oa},
};

/// Rows of a slice.
const MOST: u64 = 10;

impl App {
    /// Numbers of an article at a time.
    pub(crate) fn numbers(&self, id: &str, article: &Article, oa: &Oa, at: Timestamp) -> Numbers {
        let age = article.shown_at.map_or(-1, |from| at.as_millisecond() - from.as_millisecond());
        // A broadcast reaches the followers' chats; each one draws again.
        let views_per_mille = 90 + 260 * u64::from(article.broadcasts);
        let pull = Pull { audience: oa.followers, views_per_mille, half_life_s: 28_800 };
        self.ground.growth.numbers(id, age, pull)
    }

    /// `GET /v2.0/article/getslice`.
    pub(crate) fn slice(&self, oa: &str, incoming: &Incoming, lag: Duration) -> Answer {
        self.settle();
        let kind = incoming.field("type").unwrap_or_default();
        if !matches!(kind, "normal" | "video") {
            return Err(OaError::new(-201, "type accept only 2 value normal and video."));
        }
        let limit = incoming.number("limit").ok_or_else(|| OaError::invalid("limit"))?;
        if limit > MOST {
            return Err(OaError::new(-201, "maximum limit is 10"));
        }
        let offset = incoming.number("offset").ok_or_else(|| OaError::invalid("offset"))?;
        let now = self.ground.clock.now();
        let lag = SignedDuration::try_from(lag).unwrap_or(SignedDuration::ZERO);
        let seen = now.checked_sub(lag).unwrap_or(Timestamp::MIN);
        let (articles, account) = self
            .ground
            .book
            .read(|leaf| (leaf.list::<Article>("article"), leaf.get::<Oa>("oa", oa)));
        let account = account.ok_or_else(|| OaError::new(-205, "OA is not exist"))?;
        let mut mine: Vec<(String, Article)> = articles
            .into_iter()
            .filter(|(_, article)| article.oa == oa && !article.removed)
            .filter(|(_, article)| article.content.kind == kind && article.created_at <= seen)
            .collect();
        mine.sort_by(|(a_id, a), (b_id, b)| (b.created_at, b_id).cmp(&(a.created_at, a_id)));
        let total = mine.len();
        let medias: Vec<Value> = mine
            .iter()
            .skip(usize::try_from(offset).unwrap_or(usize::MAX))
            .take(usize::try_from(limit).unwrap_or(0))
            .map(|(id, article)| {
                let numbers = self.numbers(id, article, &account, now);
                json!({
                    "id": id, "type": article.content.kind, "title": article.content.title,
                    "status": article.content.status,
                    "create_date": article.created_at.as_millisecond(),
                    "update_date": article.updated_at.as_millisecond(),
                    "total_view": numbers.views, "total_share": numbers.shares,
                    "thumb": thumb(article), "link_view": article.url(id, &self.ground.base),
                })
            })
            .collect();
        Ok(Reply::read(json!({ "total": total, "medias": medias })))
    }

    /// `GET /v2.0/article/getdetail`.
    pub(crate) fn detail(&self, oa: &str, incoming: &Incoming) -> Answer {
        self.settle();
        let id = incoming.field("id").unwrap_or_default();
        let now = self.ground.clock.now();
        let (article, account) = self
            .ground
            .book
            .read(|leaf| (leaf.get::<Article>("article", id), leaf.get::<Oa>("oa", oa)));
        let article = article.filter(|article| article.oa == oa && !article.removed);
        let (Some(article), Some(account)) = (article, account) else {
            return Err(OaError::invalid("id"));
        };
        let mut map = article.content.to_map();
        let numbers = self.numbers(id, &article, &account, now);
        for (name, value) in [
            ("id", json!(id)),
            ("total_view", json!(numbers.views)),
            ("total_share", json!(numbers.shares)),
            ("create_date", json!(article.created_at.as_millisecond())),
            ("update_date", json!(article.updated_at.as_millisecond())),
            ("link_view", json!(article.url(id, &self.ground.base))),
        ] {
            map.insert(name.to_owned(), value);
        }
        Ok(Reply::read(Value::Object(map)))
    }
}

fn thumb(article: &Article) -> Value {
    match (&article.content.cover, &article.content.avatar) {
        (Some(Cover::Photo { photo_url, .. }), _) => photo_url.as_str().into(),
        (_, Some(avatar)) => avatar.as_str().into(),
        _ => Value::Null,
    }
}
