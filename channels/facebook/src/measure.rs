//! Numbers of posts, Pages and their health.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use loa_channel::{Audience, Cx, Error, ErrorKind, Health, Result, RetryAdvice, To};
use loa_model::{Measured, Metric, Receipt, Value as Number, delivery::Effect};
use serde_json::{Map, Value, json};

use crate::{
    Facebook, classify,
    config::MetricRule,
    find::post_id,
    publish::shaped,
    wire::{Insight, List},
};

/// Version of the definition of the plain counters of a post.
const COUNTERS: &str = "counter";

impl Facebook {
    /// One post: its counters, then its insights. A post that is gone has no numbers.
    pub(crate) async fn measure_one(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipt: &Receipt,
    ) -> Result<Measured> {
        let id = receipt.remote_id.clone();
        let mut values = Vec::new();
        let mut raw = Map::new();
        let mut alive = None;
        if let Some(post) = post_id(receipt, to) {
            let fields = "shares,reactions.limit(0).summary(total_count),\
                comments.limit(0).summary(total_count)";
            match self.get(cx, to, &post, vec![("fields", fields.to_owned())]).await {
                Ok(answer) => {
                    alive = Some(true);
                    values.extend(counters(&answer));
                    raw.insert("counters".to_owned(), answer);
                }
                Err(error) if classify::is_missing(&error) => {
                    let raw = json!({ "error": error.platform_code });
                    return Ok(Measured { remote_id: id, alive: Some(false), values, raw });
                }
                Err(error) => raw.insert("counters".to_owned(), tolerated(error)?).map_or((), drop),
            }
        }
        // A bare video has no insights edge of its own kind.
        let (edge, rules) = if id.contains('_') {
            ("insights", &self.config.post_metrics)
        } else {
            ("video_insights", &self.config.video_metrics)
        };
        let rules = self.askable(rules, cx);
        match self.insights(cx, to, &format!("{id}/{edge}"), &rules).await {
            Ok(rows) => {
                alive = Some(true);
                values.extend(rows.iter().filter_map(|row| number(row, &rules)));
                raw.insert("insights".to_owned(), rows.into());
            }
            Err(error) if classify::is_missing(&error) && alive.is_none() => alive = Some(false),
            Err(error) => raw.insert("insights".to_owned(), tolerated(error)?).map_or((), drop),
        }
        Ok(Measured { remote_id: id, alive, values, raw: raw.into() })
    }

    /// Rules that are valid today and not in quarantine.
    fn askable<'a>(&self, rules: &'a [MetricRule], cx: &Cx<'_>) -> Vec<&'a MetricRule> {
        let today = TimeZone::UTC.to_datetime(cx.clock.now()).date();
        let bad = self.bad_metrics();
        rules.iter().filter(|rule| rule.is_valid_on(today) && !bad.contains(&rule.name)).collect()
    }

    /// Asks for all of them at once; one unknown name fails the request, so halves are asked until it is found and kept
    /// aside for the life of the process.
    async fn insights(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        path: &str,
        rules: &[&MetricRule],
    ) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut open = vec![rules];
        while let Some(rules) = open.pop() {
            if rules.is_empty() {
                continue;
            }
            let names: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
            match self.get(cx, to, path, vec![("metric", names.join(","))]).await {
                Ok(answer) => rows.extend(shaped::<List<Value>>(answer, Effect::Read)?.data),
                Err(error) if classify::is_bad_metric(&error) => {
                    if let [rule] = rules {
                        tracing::warn!(metric = rule.name, "the platform no longer knows a metric");
                        self.quarantine(&rule.name);
                    } else {
                        let (first, second) = rules.split_at(rules.len() / 2);
                        open.extend([second, first]);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(rows)
    }

    fn bad_metrics(&self) -> BTreeSet<String> {
        self.quarantined.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn quarantine(&self, name: &str) {
        let mut bad = self.quarantined.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        bad.insert(name.to_owned());
    }

    pub(crate) async fn followers(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Audience> {
        let fields = vec![("fields", "followers_count".to_owned())];
        let page = self.get(cx, to, &to.account.remote_id, fields).await?;
        Ok(Audience { count: page["followers_count"].as_u64() })
    }

    pub(crate) async fn page_health(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Health> {
        let fields = vec![("fields", "id,name".to_owned())];
        let page = self.get(cx, to, &to.account.remote_id, fields).await?;
        let text = |name: &str| page[name].as_str().unwrap_or_default().to_owned();
        let health = Health { title: text("name"), remote_id: text("id") };
        if health.remote_id != to.account.remote_id {
            let message = "the platform answers for another page, connect the account again";
            return Err(Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message));
        }
        Ok(health)
    }
}

/// Part of a measurement that may fail alone: a Page without insights still has counters. Refused credentials and waits
/// concern every post and go up.
fn tolerated(error: Error) -> Result<Value> {
    match error.advice {
        RetryAdvice::Never => {
            tracing::warn!(%error, "a measurement is incomplete");
            Ok(json!({ "error": error.platform_code, "message": error.message }))
        }
        _ => Err(error),
    }
}

/// Reactions, comments and shares. A post never shared has no `shares` at all: where the other two are told, it counts as 0.
fn counters(answer: &Value) -> Vec<Number> {
    let total = |name: &str| answer[name]["summary"]["total_count"].as_u64();
    let (reactions, comments) = (total("reactions"), total("comments"));
    let complete = reactions.is_some() && comments.is_some();
    let none = if complete && answer["shares"].is_null() { Some(0) } else { None };
    let shares = answer["shares"]["count"].as_u64().or(none);
    let all = [
        (Metric::Reactions, "reactions", reactions),
        (Metric::Comments, "comments", comments),
        (Metric::Shares, "shares", shares),
    ];
    let given = all.into_iter().filter_map(|(metric, name, value)| {
        let (source_name, definition) = (name.to_owned(), COUNTERS.to_owned());
        Some(Number { metric, source_name, definition, value: value? })
    });
    given.collect()
}

/// The number of one row. A total in buckets is added up; unique people never are.
fn number(row: &Value, rules: &[&MetricRule]) -> Option<Number> {
    let row: Insight = crate::wire::read(row)?;
    let rule = rules.iter().find(|rule| rule.name == row.name)?;
    // One value is the total; several are days or buckets that we did not ask for.
    let [only] = row.values.as_slice() else { return None };
    let value = match &only.value {
        Value::Number(number) => number.as_u64()?,
        Value::Object(buckets) if rule.metric != Metric::Reach && !buckets.is_empty() => {
            buckets.values().map(Value::as_u64).sum::<Option<u64>>()?
        }
        _ => return None,
    };
    Some(Number {
        metric: rule.metric,
        source_name: rule.name.clone(),
        definition: rule.definition.clone(),
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn missing_numbers_are_absent() {
        let all = json!({ "reactions": { "summary": { "total_count": 5 } },
            "comments": { "summary": { "total_count": 0 } }, "shares": { "count": 2 }, "id": "1_2" });
        let told = |answer: &Value| -> Vec<_> {
            counters(answer).into_iter().map(|n| (n.metric, n.value)).collect()
        };
        assert_eq!(
            told(&all),
            [(Metric::Reactions, 5), (Metric::Comments, 0), (Metric::Shares, 2)]
        );
        assert_eq!(told(&json!({ "id": "1_2" })), []);
        let unshared = json!({ "reactions": { "summary": { "total_count": 5 } },
            "comments": { "summary": { "total_count": 1 } } });
        assert_eq!(told(&unshared)[2], (Metric::Shares, 0));
        let half = json!({ "reactions": { "summary": { "total_count": 5 } } });
        assert_eq!(told(&half), [(Metric::Reactions, 5)]);
    }

    #[test]
    fn rows_are_read_by_the_rules() {
        let config = Config::default();
        let rules: Vec<_> = config.post_metrics.iter().collect();
        let row =
            |name: &str, value: Value| json!({ "name": name, "values": [{ "value": value }] });
        let read = |row: &Value| number(row, &rules).map(|n| (n.metric, n.value));
        assert_eq!(read(&row("post_media_view", json!(7))), Some((Metric::Views, 7)));
        assert_eq!(read(&row("post_clicks", json!({ "a": 1, "b": 2 }))), Some((Metric::Clicks, 3)));
        let unique = "post_total_media_view_unique";
        assert_eq!(read(&row(unique, json!(9))), Some((Metric::Reach, 9)));
        for absent in [
            row(unique, json!({ "a": 1, "b": 2 })),
            row("post_impressions", json!(3)),
            row("post_media_view", json!(null)),
            row("post_media_view", json!(-1)),
            json!({ "name": "post_media_view", "values": [] }),
            json!({ "name": "post_media_view", "values": [{ "value": 1 }, { "value": 2 }] }),
        ] {
            assert_eq!(read(&absent), None, "{absent}");
        }
    }
}
