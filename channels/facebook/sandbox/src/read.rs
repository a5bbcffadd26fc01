//! Reading back: objects with the fields asked for, and lists.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loa_sandbox::{Numbers, Page as Leaf, Pull};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::{
    App,
    api::{Answer, Call, Reply},
    error::GraphError,
    fields::{parse, select},
    record::{PageRecord, Photo, Post, Video, VideoKind, parse_time, stamp},
};

/// Rows of a list without `limit`, and the most it gives.
const ROWS: usize = 25;
const MOST_ROWS: usize = 100;
/// Objects of one `ids` request.
const MOST_IDS: usize = 50;

const POST_FIELDS: &[&str] = &[
    "application",
    "attachments",
    "comments",
    "created_time",
    "from",
    "full_picture",
    "id",
    "is_hidden",
    "is_published",
    "message",
    "permalink_url",
    "reactions",
    "scheduled_publish_time",
    "shares",
    "status_type",
    "updated_time",
];
const VIDEO_FIELDS: &[&str] = &[
    "captions",
    "created_time",
    "description",
    "from",
    "id",
    "length",
    "permalink_url",
    "post_id",
    "published",
    "status",
    "title",
    "updated_time",
];
const PHOTO_FIELDS: &[&str] = &[
    "alt_text",
    "alt_text_custom",
    "created_time",
    "from",
    "id",
    "images",
    "link",
    "name",
    "page_story_id",
];
const PAGE_FIELDS: &[&str] = &[
    "about",
    "access_token",
    "category",
    "fan_count",
    "followers_count",
    "id",
    "link",
    "name",
    "picture",
    "username",
    "verification_status",
    "video_upload_limits",
];

impl App {
    /// Numbers of a post at a time.
    pub(crate) fn numbers(&self, post: &Post, at: Timestamp) -> Numbers {
        self.ground.book.read(|leaf| self.numbers_in(leaf, post, at))
    }

    pub(crate) fn followers(&self, page: &PageRecord, at: Timestamp) -> u64 {
        let age = at.as_millisecond() - page.opened_at.as_millisecond();
        self.ground.growth.followers(&page.id, page.followers, age)
    }

    fn post_map(&self, leaf: &Leaf, post: &Post, now: Timestamp) -> Map<String, Value> {
        let base = &self.ground.base;
        let numbers = self.numbers_in(leaf, post, now);
        let name = leaf.get::<PageRecord>("page", &post.page).map(|page| page.name);
        let mut map = json!({
            "id": post.id,
            "created_time": stamp(post.created_at),
            "updated_time": stamp(post.updated_at),
            "permalink_url": post.url(base),
            "is_published": post.visible(now),
            "is_hidden": false,
            "from": { "id": post.page, "name": name },
            "application": { "id": self.client_id, "name": "Loa (thử)" },
            "status_type": match post.kind() {
                "photo" | "album" => "added_photos",
                "video" | "reel" => "added_video",
                "link" => "shared_story",
                _ => "mobile_status_update",
            },
            "reactions": { "data": [], "summary": { "total_count": numbers.reactions } },
            "comments": { "data": [], "summary": { "total_count": numbers.comments } },
        });
        if !post.message.is_empty() {
            map["message"] = post.message.as_str().into();
        }
        if numbers.shares > 0 {
            map["shares"] = json!({ "count": numbers.shares });
        }
        if let Some(at) = post.scheduled_at.filter(|_| !post.published) {
            map["scheduled_publish_time"] = at.as_second().into();
        }
        if let Some(attachments) = attachments(leaf, post, base) {
            map["attachments"] = json!({ "data": [attachments] });
        }
        match map {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// As [`App::numbers`], inside a read of the book.
    pub(crate) fn numbers_in(&self, leaf: &Leaf, post: &Post, at: Timestamp) -> Numbers {
        let audience = leaf.get::<PageRecord>("page", &post.page).map_or(0, |page| page.followers);
        let pull = pull(post, audience);
        self.ground.growth.numbers(&post.id, post.age_ms(at), pull)
    }

    fn video_map(
        &self,
        leaf: &Leaf,
        id: &str,
        video: &Video,
        now: Timestamp,
    ) -> Map<String, Value> {
        let post = video.post.as_ref().and_then(|id| leaf.get::<Post>("post", id));
        let live = post.as_ref().is_some_and(|post| post.visible(now));
        let mut map = json!({
            "id": id,
            "created_time": stamp(video.started_at),
            "updated_time": stamp(video.uploaded_at.unwrap_or(video.started_at)),
            "published": live,
            "status": self.status(video, post.as_ref()),
            "from": { "id": video.page },
            "captions": { "data": video.captions.iter().map(|(locale, _)| json!({ "locale": locale })).collect::<Vec<_>>() },
        });
        for (name, text) in [("title", &video.title), ("description", &video.description)] {
            if !text.is_empty() {
                map[name] = text.as_str().into();
            }
        }
        // The post exists for readers once the video is out.
        if let Some(post) = post.filter(|_| live) {
            map["post_id"] = post.id.as_str().into();
            map["permalink_url"] = post.url(&self.ground.base).into();
        }
        match map {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// A post with the fields a call asks for.
    pub(crate) fn post_fields(&self, call: &Call, post: &Post) -> Result<Value, GraphError> {
        let now = self.ground.clock.now();
        let map = self.ground.book.read(|leaf| self.post_map(leaf, post, now));
        let asked = call.incoming.field("fields").unwrap_or("created_time,message,id");
        select(&map, &parse(asked), POST_FIELDS, "Post")
    }

    /// `GET /{object}`.
    pub(crate) fn read_one(&self, call: &Call, id: &str) -> Answer {
        self.object(id, call.incoming.field("fields")).map(Reply::read)
    }

    /// `GET /?ids=`.
    pub(crate) fn read_many(&self, call: &Call) -> Answer {
        let ids = call.incoming.field("ids").ok_or_else(|| GraphError::param("ids is required"))?;
        let ids: Vec<&str> = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
        if ids.len() > MOST_IDS {
            return Err(GraphError::param("Too many IDs. Maximum: 50."));
        }
        let mut all = Map::new();
        for id in ids {
            all.insert(id.to_owned(), self.object(id, call.incoming.field("fields"))?);
        }
        Ok(Reply::read(Value::Object(all)))
    }

    fn object(&self, id: &str, fields: Option<&str>) -> Result<Value, GraphError> {
        let now = self.ground.clock.now();
        self.ground.book.read(|leaf| {
            if let Some(post) = leaf.get::<Post>("post", id).filter(|post| !post.removed) {
                let asked = parse(fields.unwrap_or("created_time,message,id"));
                return select(&self.post_map(leaf, &post, now), &asked, POST_FIELDS, "Post");
            }
            if let Some(video) = leaf.get::<Video>("video", id).filter(|video| !video.removed) {
                let asked = parse(fields.unwrap_or("updated_time,description,id"));
                return select(
                    &self.video_map(leaf, id, &video, now),
                    &asked,
                    VIDEO_FIELDS,
                    "Video",
                );
            }
            if let Some(photo) = leaf.get::<Photo>("photo", id).filter(|photo| photo.lives(now)) {
                let asked = parse(fields.unwrap_or("created_time,name,id"));
                return select(&self.photo_map(id, &photo), &asked, PHOTO_FIELDS, "Photo");
            }
            if let Some(page) = leaf.get::<PageRecord>("page", id) {
                let asked = parse(fields.unwrap_or("name,id"));
                return select(&self.page_map(&page, now), &asked, PAGE_FIELDS, "Page");
            }
            Err(GraphError::missing(id))
        })
    }

    fn photo_map(&self, id: &str, photo: &Photo) -> Map<String, Value> {
        let base = &self.ground.base;
        let source = format!("{base}/_media/{}", photo.file.sha256);
        let map = json!({
            "id": id, "created_time": stamp(photo.created_at), "name": photo.caption,
            "alt_text": photo.alt, "alt_text_custom": photo.alt, "from": { "id": photo.page },
            "images": [{ "source": source }], "link": format!("{base}/photo/{id}"),
            "page_story_id": photo.post,
        });
        map.as_object()
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .filter(|(_, v)| !v.is_null())
            .collect()
    }

    fn page_map(&self, page: &PageRecord, now: Timestamp) -> Map<String, Value> {
        let followers = self.followers(page, now);
        let map = json!({
            "id": page.id, "name": page.name, "username": page.username,
            "category": "Government organisation", "followers_count": followers,
            "fan_count": followers * 9 / 10, "link": format!("{}/{}", self.ground.base, page.id),
            "verification_status": "blue_verified",
            "video_upload_limits": { "length": 14_400, "size": 10_000_000_000u64 },
        });
        map.as_object().cloned().unwrap_or_default()
    }

    /// `GET /{page}/feed`, `/published_posts`, `/scheduled_posts`: newest first, no reels.
    pub(crate) fn list_posts(&self, call: &Call, page: &str, edge: &str) -> Answer {
        let now = self.ground.clock.now();
        let seen = before(now, call.lag);
        let rows = self.ground.book.read(|leaf| {
            if leaf.get::<PageRecord>("page", page).is_none() {
                return Err(GraphError::missing(page));
            }
            let posts: Vec<(String, Post)> = leaf.list("post");
            let mut posts: Vec<Post> = posts
                .into_iter()
                .map(|(_, post)| post)
                .filter(|post| post.page == page && !post.removed && !post.reel)
                .filter(|post| post.created_at <= seen)
                .filter(|post| match edge {
                    "feed" => true,
                    "scheduled_posts" => !post.visible(now) && post.scheduled_at.is_some(),
                    _ => post.visible(now),
                })
                .collect();
            posts.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
            let asked = parse(call.incoming.field("fields").unwrap_or("created_time,message,id"));
            posts
                .iter()
                .map(|post| {
                    let row = select(&self.post_map(leaf, post, now), &asked, POST_FIELDS, "Post")?;
                    Ok((post.created_at, row))
                })
                .collect::<Result<Vec<_>, GraphError>>()
        })?;
        self.paged(call, rows)
    }

    /// `GET /{page}/video_reels`, `/videos`.
    pub(crate) fn list_videos(&self, call: &Call, page: &str, edge: &str) -> Answer {
        let now = self.ground.clock.now();
        let seen = before(now, call.lag);
        let kind = if edge == "video_reels" { VideoKind::Reel } else { VideoKind::Feed };
        let rows = self.ground.book.read(|leaf| {
            let videos: Vec<(String, Video)> = leaf.list("video");
            let asked =
                parse(call.incoming.field("fields").unwrap_or("updated_time,description,id"));
            let mut rows = Vec::new();
            for (id, video) in &videos {
                let post = video.post.as_ref().and_then(|id| leaf.get::<Post>("post", id));
                let Some(post) = post.filter(|post| post.visible(now) && post.created_at <= seen)
                else {
                    continue;
                };
                if video.kind == kind && video.page == page {
                    let map = self.video_map(leaf, id, video, now);
                    rows.push((post.created_at, select(&map, &asked, VIDEO_FIELDS, "Video")?));
                }
            }
            rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
            Ok::<_, GraphError>(rows)
        })?;
        self.paged(call, rows)
    }

    /// One page of a list, with cursors and the address of the next.
    fn paged(&self, call: &Call, rows: Vec<(Timestamp, Value)>) -> Answer {
        let incoming = &call.incoming;
        let limit =
            incoming.number("limit").map_or(Ok(ROWS), |limit| match usize::try_from(limit) {
                Ok(limit @ 1..=MOST_ROWS) => Ok(limit),
                _ => Err(GraphError::param("The limit must be between 1 and 100")),
            })?;
        let since = incoming.field("since").and_then(parse_time);
        let until = incoming.field("until").and_then(parse_time);
        let rows: Vec<Value> = rows
            .into_iter()
            .filter(|(at, _)| since.is_none_or(|since| *at >= since))
            .filter(|(at, _)| until.is_none_or(|until| *at <= until))
            .map(|(_, row)| row)
            .collect();
        // A cursor is the id of the last row given.
        let start = incoming.field("after").map_or(0, |after| {
            rows.iter()
                .position(|row| row.get("id").and_then(Value::as_str) == Some(after))
                .map_or(0, |at| at + 1)
        });
        let total = rows.len();
        let page: Vec<Value> = rows.into_iter().skip(start).take(limit).collect();
        let cursor =
            |row: Option<&Value>| row.and_then(|row| row.get("id")).cloned().unwrap_or_default();
        let mut paging =
            json!({ "cursors": { "before": cursor(page.first()), "after": cursor(page.last()) } });
        if start + page.len() < total {
            let after = paging["cursors"]["after"].as_str().unwrap_or_default().to_owned();
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(incoming.pairs.iter().filter(|(name, _)| name != "after"))
                .append_pair("after", &after)
                .finish();
            paging["next"] = format!("{}{}?{query}", self.ground.base, incoming.path).into();
        }
        let mut answer = json!({ "data": page });
        if !page.is_empty() {
            answer["paging"] = paging;
        }
        if incoming.field("summary").is_some() {
            answer["summary"] = json!({ "total_count": total });
        }
        Ok(Reply::read(answer))
    }

    /// `GET /{object}/comments`, `/reactions`: counted, not listed, for the audience is a model.
    pub(crate) fn audience_edge(&self, object: &str, edge: &str) -> Answer {
        let now = self.ground.clock.now();
        let post = self.ground.book.read(|leaf| leaf.get::<Post>("post", object));
        let post = post.filter(|post| !post.removed).ok_or_else(|| GraphError::missing(object))?;
        let numbers = self.numbers(&post, now);
        let total = if edge == "comments" { numbers.comments } else { numbers.reactions };
        Ok(Reply::read(json!({ "data": [], "summary": { "total_count": total } })))
    }
}

/// How strongly a post draws.
fn pull(post: &Post, audience: u64) -> Pull {
    let (views_per_mille, half_life_s) = match post.kind() {
        "reel" => (620, 30_000),
        "video" => (410, 26_000),
        "photo" | "album" => (350, 18_000),
        _ => (210, 14_000),
    };
    Pull { audience, views_per_mille, half_life_s }
}

fn before(now: Timestamp, lag: Duration) -> Timestamp {
    let lag = SignedDuration::try_from(lag).unwrap_or(SignedDuration::ZERO);
    now.checked_sub(lag).unwrap_or(Timestamp::MIN)
}

fn attachments(leaf: &Leaf, post: &Post, base: &str) -> Option<Value> {
    let photos: Vec<Value> = post
        .photos
        .iter()
        .filter_map(|id| Some((id, leaf.get::<Photo>("photo", id)?)))
        .map(|(id, photo)| {
            let url = format!("{base}/photo/{id}");
            let image = json!({ "src": format!("{base}/_media/{}", photo.file.sha256) });
            json!({ "media_type": "photo", "target": { "id": id, "url": url }, "unshimmed_url": url,
                "title": photo.caption, "media": { "image": image } })
        })
        .collect();
    match (&post.video, photos.len()) {
        (Some(id), _) => {
            let url = post.url(base);
            Some(
                json!({ "media_type": "video", "target": { "id": id, "url": url }, "unshimmed_url": url }),
            )
        }
        (None, 0) => {
            let link = post.link.as_ref()?;
            Some(
                json!({ "media_type": "link", "title": link, "target": { "url": link }, "unshimmed_url": link }),
            )
        }
        (None, 1) => photos.into_iter().next(),
        (None, _) => {
            let url = post.url(base);
            Some(
                json!({ "media_type": "album", "target": { "id": post.id, "url": url }, "unshimmed_url": url,
                "subattachments": { "data": photos } }),
            )
        }
    }
}
