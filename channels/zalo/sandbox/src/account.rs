//! The account itself: profile, followers, quotas, broadcasts.

use loa_sandbox::Incoming;
use serde_json::{Value, json};

use crate::{
    App,
    api::{Answer, Reply},
    article::text,
    error::OaError,
    job::same_month,
    record::{Article, Broadcast, Oa},
};

/// Articles one broadcast may carry.
const ELEMENTS: usize = 5;
/// Followers one page of the list gives, and the last offset.
const LIST: u64 = 50;
const LAST_OFFSET: u64 = 9_951;

impl App {
    fn account(&self, oa: &str) -> Result<Oa, OaError> {
        let account = self.ground.book.read(|leaf| leaf.get::<Oa>("oa", oa));
        account.ok_or_else(|| OaError::new(-205, "OA is not exist"))
    }

    pub(crate) fn followers(&self, oa: &str, account: &Oa) -> u64 {
        let age = self.ground.clock.now().as_millisecond() - account.opened_at.as_millisecond();
        self.ground.growth.followers(oa, account.followers, age)
    }

    /// `GET /v2.0/oa/getoa`.
    pub(crate) fn profile(&self, oa: &str) -> Answer {
        let account = self.account(oa)?;
        Ok(Reply::read(json!({
            "oaid": oa, "name": account.name, "is_verified": account.verified, "oa_type": 4,
            "cate_name": "Cơ quan nhà nước", "num_follower": self.followers(oa, &account),
            "package_name": if account.verified { "Nâng cao" } else { "Cơ bản" },
            "package_valid_through_date": "31/12/2027", "package_auto_renew_date": "",
            "linked_ZCA": "",
        })))
    }

    /// `GET /v3.0/oa/user/getlist?data={…}`.
    pub(crate) fn followers_list(&self, oa: &str, incoming: &Incoming) -> Answer {
        let data: Value = serde_json::from_str(incoming.field("data").unwrap_or_default())
            .map_err(|_| OaError::invalid("data"))?;
        let number =
            |name: &str| text(&data, name).parse::<u64>().map_err(|_| OaError::invalid(name));
        let (offset, count) = (number("offset")?, number("count")?);
        if count > LIST || offset > LAST_OFFSET {
            return Err(OaError::new(-210, "Parameter exceeds allowable limit"));
        }
        let account = self.account(oa)?;
        let all = self.followers(oa, &account);
        let total = match text(&data, "last_interaction_period").as_str() {
            "" => all,
            "TODAY" | "YESTERDAY" => all / 90,
            "L7D" => all / 14,
            _ => all / 5,
        };
        let users: Vec<Value> = (offset..total.min(offset + count))
            .map(|number| {
                let id = self.ground.growth.mix(&number.to_string(), "follower") | 1 << 60;
                json!({ "user_id": id.to_string() })
            })
            .collect();
        Ok(Reply::read(
            json!({ "total": total, "count": users.len(), "offset": offset, "users": users }),
        ))
    }

    /// `POST /v3.0/oa/quota/message`.
    pub(crate) fn quota(&self, oa: &str, body: &Value) -> Answer {
        if !text(body, "user_id").is_empty() {
            let sent = self.broadcasts(oa);
            let monthly = u64::from(self.limits.broadcasts_a_month);
            return Ok(Reply::read(json!({
                "last_interaction": "0",
                "cs_reply": { "remain": 8, "total": 8 },
                "promotion": { "daily_remain": u64::from(sent.1 == 0), "daily_total": 1,
                    "monthly_remain": monthly.saturating_sub(sent.0), "monthly_total": monthly },
            })));
        }
        let kind = text(body, "quota_type");
        if kind.is_empty() {
            return Err(OaError::invalid("quota_type"));
        }
        Ok(Reply::read(json!([{
            "asset_id": format!("{oa}-cs"), "product_type": text(body, "product_type"),
            "quota_type": kind, "valid_through": "31/12/2027",
            "total": 2_000, "remain": 2_000,
        }])))
    }

    /// `POST /v2.0/oa/quota/message`.
    pub(crate) fn promotion_quota(&self, oa: &str, body: &Value) -> Answer {
        if text(body, "type") != "promotion" {
            return Err(OaError::invalid("type"));
        }
        let total = u64::from(self.limits.broadcasts_a_month);
        let remain = total.saturating_sub(self.broadcasts(oa).0);
        Ok(Reply::read(json!({ "type": "promotion", "remain": remain, "total": total })))
    }

    /// Broadcasts of this month and of this day.
    fn broadcasts(&self, oa: &str) -> (u64, u64) {
        let now = self.ground.clock.now();
        let day = |at: jiff::Timestamp| at.in_tz("Asia/Ho_Chi_Minh").ok().map(|at| at.date());
        let sent: Vec<(String, Broadcast)> = self.ground.book.read(|leaf| leaf.list("broadcast"));
        let mine = || sent.iter().filter(|(_, sent)| sent.oa == oa);
        let month = mine().filter(|(_, sent)| same_month(sent.at, now)).count();
        let today = mine().filter(|(_, sent)| day(sent.at) == day(now)).count();
        (month as u64, today as u64)
    }

    /// `POST /v2.0/oa/message`: articles to followers, by day only, few a month.
    pub(crate) fn broadcast(&self, oa: &str, body: &Value) -> Answer {
        self.settle();
        let now = self.ground.clock.now();
        let payload = body.pointer("/message/attachment/payload").unwrap_or(&Value::Null);
        if body.pointer("/recipient/user_id").is_some() {
            return Err(OaError::new(-240, "MessageV2 API was shut down"));
        }
        if text(payload, "template_type") != "media" {
            return Err(OaError::invalid("template_type"));
        }
        let elements =
            payload.get("elements").and_then(Value::as_array).cloned().unwrap_or_default();
        if elements.is_empty() || elements.len() > ELEMENTS {
            return Err(OaError::invalid("elements"));
        }
        let ids: Vec<String> =
            elements.iter().map(|element| text(element, "attachment_id")).collect();
        if elements.iter().any(|element| text(element, "media_type") != "article") {
            return Err(OaError::invalid("media_type"));
        }
        let account = self.account(oa)?;
        if !account.verified {
            return Err(OaError::new(-221, "OA is not verified"));
        }
        let hour = now.in_tz("Asia/Ho_Chi_Minh").map(|at| at.hour()).unwrap_or_default();
        if !(6..=21).contains(&hour) {
            return Err(OaError::new(
                -234,
                "This kind of message cannot be sent at night (10PM-6AM)",
            ));
        }
        if self.broadcasts(oa).0 >= u64::from(self.limits.broadcasts_a_month) {
            return Err(OaError::new(-211, "Out of quota"));
        }
        self.ground.book.change(|leaf| {
            for id in &ids {
                let known = leaf.get::<Article>("article", id);
                let known = known.filter(|article| article.oa == oa && article.visible());
                let mut article = known.ok_or_else(|| OaError::invalid("attachment_id"))?;
                article.broadcasts += 1;
                leaf.put("article", id, &article);
            }
            let message = self.opaque(leaf, "broadcast");
            leaf.put(
                "broadcast",
                &message,
                &Broadcast { oa: oa.to_owned(), articles: ids, at: now },
            );
            Ok(Reply::stored(json!({ "message_id": message })))
        })
    }
}
