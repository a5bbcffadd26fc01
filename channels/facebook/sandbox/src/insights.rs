//! Insights: which metrics live, what they count, and that one dead name fails a whole request.

use jiff::{SignedDuration, Timestamp};
use loa_sandbox::Numbers;
use serde_json::{Value, json};

use crate::{
    App,
    api::{Answer, Call, Reply},
    error::GraphError,
    record::{PageRecord, Post, stamp},
};

/// Metrics of posts; those of video are left out for posts without one.
const POST: &[&str] = &[
    "post_media_view",
    "post_total_media_view_unique",
    "post_clicks",
    "post_clicks_by_type",
    "post_reactions_like_total",
    "post_reactions_love_total",
    "post_reactions_wow_total",
    "post_reactions_haha_total",
    "post_reactions_sorry_total",
    "post_reactions_anger_total",
    "post_reactions_by_type_total",
    "post_activity_by_action_type",
    "post_video_views",
    "post_video_views_15s",
    "post_video_avg_time_watched",
    "post_video_view_time",
];
/// Metrics of reels and videos at `video_insights`.
const VIDEO: &[&str] = &[
    "blue_reels_play_count",
    "fb_reels_total_plays",
    "fb_reels_replay_count",
    "post_video_avg_time_watched",
    "post_video_view_time",
    "post_video_likes_by_reaction_type",
    "post_video_social_actions",
    "post_video_followers",
    "total_video_views",
    "total_video_view_total_time",
    "total_video_reactions_by_type_total",
];
/// Metrics of Pages.
const PAGE: &[&str] = &[
    "page_media_view",
    "page_total_media_view_unique",
    "page_post_engagements",
    "page_total_actions",
    "page_views_total",
    "page_follows",
    "page_daily_follows",
    "page_daily_follows_unique",
    "page_daily_unfollows_unique",
    "page_video_views",
];
/// Seconds a view lasts on average in the model.
const WATCHED_MS: u64 = 11_400;

/// Names asked for: `a,b`, or a JSON list.
fn asked(call: &Call, known: &[&str]) -> Result<Vec<String>, GraphError> {
    let text = call.incoming.field("metric").unwrap_or_default();
    let names: Vec<String> = serde_json::from_str(text).unwrap_or_else(|_| {
        text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    });
    if names.is_empty() {
        let message = "No metric was specified to be fetched. Please specify one or more metrics";
        return Err(GraphError::new(3001, message).sub(1_504_028));
    }
    if names.iter().any(|name| !known.contains(&name.as_str())) {
        return Err(GraphError::param("The value must be a valid insights metric"));
    }
    Ok(names)
}

fn row(object: &str, name: &str, period: &str, values: &Value) -> Value {
    json!({
        "name": name, "period": period, "values": values, "title": name,
        "description": "", "id": format!("{object}/insights/{name}/{period}"),
    })
}

impl App {
    /// `GET /{post}/insights` and `GET /{page}/insights`.
    pub(crate) fn insights(&self, call: &Call, object: &str) -> Answer {
        let now = self.ground.clock.now();
        let (post, page, video) = self.ground.book.read(|leaf| {
            (
                leaf.get::<Post>("post", object).filter(|post| !post.removed),
                leaf.get::<PageRecord>("page", object),
                leaf.get::<Value>("video", object).is_some(),
            )
        });
        if let Some(page) = page {
            return self.page_insights(call, &page, now);
        }
        if video {
            return Err(GraphError::param(
                "Tried accessing nonexisting field (insights) on node type (Video)",
            ));
        }
        let post = post.ok_or_else(|| GraphError::missing(object))?;
        let names = asked(call, POST)?;
        let numbers = self.numbers(&post, now);
        let rows: Vec<Value> = names
            .iter()
            .filter(|name| post.video.is_some() || !name.starts_with("post_video"))
            .map(|name| {
                row(object, name, "lifetime", &json!([{ "value": post_value(name, numbers) }]))
            })
            .collect();
        Ok(Reply::read(json!({ "data": rows })))
    }

    /// `GET /{video}/video_insights`.
    pub(crate) fn video_insights(&self, call: &Call, id: &str) -> Answer {
        let video = self.video(id)?;
        let names = asked(call, VIDEO)?;
        let post =
            video.post.and_then(|id| self.ground.book.read(|leaf| leaf.get::<Post>("post", &id)));
        let Some(post) = post else { return Ok(Reply::read(json!({ "data": [] }))) };
        let numbers = self.numbers(&post, self.ground.clock.now());
        let rows: Vec<Value> = names
            .iter()
            .filter(|name| name.starts_with("post_video") || name.contains("reels") == post.reel)
            .map(|name| {
                row(id, name, "lifetime", &json!([{ "value": video_value(name, numbers) }]))
            })
            .collect();
        Ok(Reply::read(json!({ "data": rows })))
    }

    fn page_insights(&self, call: &Call, page: &PageRecord, now: Timestamp) -> Answer {
        let names = asked(call, PAGE)?;
        let period = call.incoming.field("period").unwrap_or("day");
        let days = match period {
            "day" => 1,
            "week" => 7,
            "days_28" => 28,
            _ => return Err(GraphError::param("period must be day, week or days_28")),
        };
        let posts: Vec<(String, Post)> = self.ground.book.read(|leaf| leaf.list("post"));
        let posts: Vec<Post> =
            posts.into_iter().map(|(_, post)| post).filter(|post| post.page == page.id).collect();
        // Days end at 08:00 UTC, midnight on the American west coast in winter.
        let today = now.as_second().div_euclid(86_400) * 86_400 + 8 * 3_600;
        let end = if today > now.as_second() { today - 86_400 } else { today };
        let ends: Vec<Timestamp> =
            [end - 86_400, end].iter().filter_map(|at| Timestamp::from_second(*at).ok()).collect();
        let rows: Vec<Value> = names
            .iter()
            .map(|name| {
                let values: Vec<Value> = ends
                    .iter()
                    .map(|end| {
                        let value = self.page_value(name, page, &posts, *end, days);
                        json!({ "value": value, "end_time": stamp(*end) })
                    })
                    .collect();
                row(&page.id, name, period, &Value::Array(values))
            })
            .collect();
        Ok(Reply::read(json!({ "data": rows, "paging": {} })))
    }

    /// A Page metric over the `days` before `end`.
    fn page_value(
        &self,
        name: &str,
        page: &PageRecord,
        posts: &[Post],
        end: Timestamp,
        days: i64,
    ) -> u64 {
        let start =
            end.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN);
        let gained = |count: fn(Numbers) -> u64| -> u64 {
            posts
                .iter()
                .map(|post| {
                    count(self.numbers(post, end)).saturating_sub(count(self.numbers(post, start)))
                })
                .sum()
        };
        let followers = self.followers(page, end);
        let new = followers.saturating_sub(self.followers(page, start));
        match name {
            "page_media_view" => gained(|n| n.views),
            // People overlap between posts: fewer than the sum, never more than all.
            "page_total_media_view_unique" => (gained(|n| n.people) * 8 / 10).min(followers * 3),
            "page_post_engagements" => gained(|n| n.reactions + n.comments + n.shares + n.clicks),
            "page_total_actions" => gained(|n| n.clicks) / 20,
            "page_views_total" => gained(|n| n.views) / 25,
            "page_follows" => followers,
            "page_daily_follows" | "page_daily_follows_unique" => new,
            "page_video_views" => {
                let videos = posts.iter().filter(|post| post.video.is_some());
                videos
                    .map(|post| {
                        self.numbers(post, end)
                            .views
                            .saturating_sub(self.numbers(post, start).views)
                    })
                    .sum()
            }
            _ => 0,
        }
    }
}

/// Reactions by type; the parts add up to the whole.
fn by_type(total: u64) -> [(&'static str, u64); 6] {
    let (love, wow, haha) = (total * 14 / 100, total * 4 / 100, total * 2 / 100);
    let (sorry, anger) = (total / 100, total / 200);
    let like = total - love - wow - haha - sorry - anger;
    [
        ("like", like),
        ("love", love),
        ("wow", wow),
        ("haha", haha),
        ("sorry", sorry),
        ("anger", anger),
    ]
}

fn type_map(total: u64) -> Value {
    by_type(total)
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| ((*name).to_owned(), json!(count)))
        .collect()
}

fn post_value(name: &str, numbers: Numbers) -> Value {
    let plays = numbers.views * 6 / 10;
    match name {
        "post_media_view" => numbers.views.into(),
        "post_total_media_view_unique" => numbers.people.into(),
        "post_clicks" => numbers.clicks.into(),
        "post_clicks_by_type" => json!({ "link clicks": numbers.clicks }),
        "post_reactions_by_type_total" => type_map(numbers.reactions),
        "post_activity_by_action_type" => {
            json!({ "share": numbers.shares, "like": numbers.reactions, "comment": numbers.comments })
        }
        "post_video_views" => plays.into(),
        "post_video_views_15s" => (plays / 3).into(),
        "post_video_avg_time_watched" => WATCHED_MS.into(),
        "post_video_view_time" => (plays * WATCHED_MS).into(),
        _ => {
            let kind =
                name.strip_prefix("post_reactions_").and_then(|rest| rest.strip_suffix("_total"));
            let count =
                by_type(numbers.reactions).into_iter().find(|(known, _)| Some(*known) == kind);
            count.map_or(0, |(_, count)| count).into()
        }
    }
}

fn video_value(name: &str, numbers: Numbers) -> Value {
    let replays = numbers.views / 9;
    match name {
        "fb_reels_total_plays" | "total_video_views" => numbers.views.into(),
        "fb_reels_replay_count" => replays.into(),
        "blue_reels_play_count" => (numbers.views - replays).into(),
        "post_video_avg_time_watched" => WATCHED_MS.into(),
        "post_video_view_time" | "total_video_view_total_time" => {
            (numbers.views * WATCHED_MS).into()
        }
        "post_video_likes_by_reaction_type" | "total_video_reactions_by_type_total" => {
            type_map(numbers.reactions)
        }
        "post_video_social_actions" => {
            json!({ "COMMENT": numbers.comments, "SHARE": numbers.shares })
        }
        _ => (numbers.views / 900).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_by_type_add_up() {
        for total in [0, 1, 7, 100, 12_345] {
            assert_eq!(by_type(total).iter().map(|(_, count)| count).sum::<u64>(), total);
        }
    }
}
