//! Posts and photos: made, changed, taken away.

use jiff::{SignedDuration, Timestamp};
use loa_sandbox::{Create, Page as Leaf};
use serde_json::{Value, json};

use crate::{
    App,
    api::{Answer, Call, Reply},
    auth::Caller,
    error::GraphError,
    record::{Photo, Post, Video, parse_time},
};

/// Characters of a message.
const MESSAGE: usize = 63_206;
/// Bytes of a photo: what production refuses beyond, whatever its documentation says.
const PHOTO_BYTES: u64 = 4_000_000;
/// Photos of one post; no cap is documented, real clients stop here.
const PHOTOS: usize = 10;

impl App {
    /// `POST /{page}/feed`.
    pub(crate) fn create_post(&self, call: &Call, page: &str) -> Answer {
        let incoming = &call.incoming;
        let message = incoming.field("message").unwrap_or_default().to_owned();
        let link = incoming.field("link").filter(|link| !link.is_empty()).map(str::to_owned);
        let photos = attached(call)?;
        if message.is_empty() && link.is_none() && photos.is_empty() {
            return Err(GraphError::param("You must provide a message, a link or attached media"));
        }
        check_message(&message)?;
        if let Some(link) = &link {
            let fine = url::Url::parse(link).is_ok_and(|url| url.has_host());
            if !fine {
                return Err(GraphError::new(100, "(#100) link URL is not properly formatted")
                    .sub(2_061_006));
            }
        }
        let now = self.ground.clock.now();
        let (published, scheduled_at) = timing(call, now, !photos.is_empty())?;
        let post = self.ground.book.change(|leaf| {
            let number = self.new_id(leaf);
            let post = Post {
                id: format!("{page}_{number}"),
                page: page.to_owned(),
                message,
                link,
                photos,
                video: None,
                reel: false,
                published,
                scheduled_at,
                created_at: now,
                updated_at: now,
                live_from: published.then_some(now),
                removed: false,
            };
            for id in &post.photos {
                attach(leaf, id, &post, now)?;
            }
            self.keep_new(leaf, &post, now);
            Ok::<_, GraphError>(post)
        })?;
        self.created(call, &post, json!({ "id": post.id }))
    }

    /// `POST /{page}/photos`.
    pub(crate) async fn create_photo(&self, call: &Call, page: &str) -> Answer {
        let incoming = &call.incoming;
        let bytes = match (incoming.files.first(), incoming.field("url")) {
            (Some(file), None) => file.bytes.clone(),
            (None, Some(url)) => match self.ground.fetcher.get(url, PHOTO_BYTES).await {
                Ok(fetched) if fetched.status == 200 => fetched.bytes,
                Ok(_) | Err(_) => {
                    let message = "(#324) Missing or invalid image file";
                    return Err(GraphError::new(324, message).sub(2_069_019));
                }
            },
            (Some(_), Some(_)) => {
                return Err(GraphError::param("Give either source or url, not both"));
            }
            (None, None) => return Err(GraphError::new(324, "(#324) Requires upload file")),
        };
        let file = self.ground.media.put(&bytes).await?;
        if !file.mime.starts_with("image/") || file.mime == "image/webp" {
            let text = "Tệp ảnh không hợp lệ.";
            return Err(GraphError::new(324, "(#324) Missing or invalid image file")
                .sub(2_069_019)
                .user(text));
        }
        if file.bytes > PHOTO_BYTES {
            let text = "Ảnh phải nhỏ hơn 4 MB và là JPG hoặc PNG.";
            return Err(GraphError::param("Invalid parameter").sub(1_366_046).user(text));
        }
        let caption = ["caption", "message", "name"]
            .iter()
            .find_map(|name| incoming.field(name))
            .unwrap_or_default();
        check_message(caption)?;
        let now = self.ground.clock.now();
        let (published, scheduled_at) = timing(call, now, false)?;
        let alone = published || scheduled_at.is_some();
        let (id, post) = self.ground.book.change(|leaf| {
            let id = self.new_id(leaf);
            let post = alone.then(|| Post {
                id: format!("{page}_{}", self.new_id(leaf)),
                page: page.to_owned(),
                message: caption.to_owned(),
                link: None,
                photos: vec![id.clone()],
                video: None,
                reel: false,
                published,
                scheduled_at,
                created_at: now,
                updated_at: now,
                live_from: published.then_some(now),
                removed: false,
            });
            let photo = Photo {
                page: page.to_owned(),
                file,
                caption: caption.to_owned(),
                alt: incoming.field("alt_text_custom").map(str::to_owned),
                post: post.as_ref().map(|post| post.id.clone()),
                created_at: now,
                removed: false,
            };
            leaf.put("photo", &id, &photo);
            if let Some(post) = &post {
                self.keep_new(leaf, post, now);
            }
            Ok::<_, GraphError>((id, post))
        })?;
        match post {
            Some(post) => self.created(call, &post, json!({ "id": id, "post_id": post.id })),
            None => Ok(Reply::stored(json!({ "id": id }))),
        }
    }

    /// Keeps a new post and counts the request that made it.
    pub(crate) fn keep_new(&self, leaf: &mut Leaf, post: &Post, now: Timestamp) {
        leaf.put("post", &post.id, post);
        let stored = post.stored(leaf, &self.ground.base, now);
        let text =
            [stored.text, stored.link.unwrap_or_default(), stored.extra.join("\n")].join("\n");
        leaf.count_create(&Create {
            at: now,
            post: post.id.clone(),
            account: post.page.clone(),
            text,
        });
    }

    /// The answer to a creating call: the object's fields when they were asked for.
    fn created(&self, call: &Call, post: &Post, plain: Value) -> Answer {
        if call.incoming.field("fields").is_none() {
            return Ok(Reply::stored(plain));
        }
        let mut value = self.post_fields(call, post)?;
        for (name, given) in plain.as_object().into_iter().flatten() {
            value[name] = given.clone();
        }
        Ok(Reply::stored(value))
    }

    /// `POST /{post}` or `POST /{video}`.
    pub(crate) fn edit(&self, call: &Call, caller: &Caller, object: &str) -> Answer {
        let incoming = &call.incoming;
        if let Some(message) = incoming.field("message") {
            check_message(message)?;
        }
        let now = self.ground.clock.now();
        self.ground.book.change(|leaf| {
            if let Some(mut video) =
                leaf.get::<Video>("video", object).filter(|video| !video.removed)
            {
                caller.must_be(&video.page)?;
                if let Some(title) = incoming.field("title").or_else(|| incoming.field("name")) {
                    title.clone_into(&mut video.title);
                }
                if let Some(text) = incoming.field("description") {
                    text.clone_into(&mut video.description);
                    let post = video.post.as_ref().and_then(|id| leaf.get::<Post>("post", id));
                    if let Some(mut post) = post {
                        text.clone_into(&mut post.message);
                        post.updated_at = now;
                        leaf.put("post", &post.id, &post);
                    }
                }
                leaf.put("video", object, &video);
                return Ok(Reply::success());
            }
            let found = leaf.get::<Post>("post", object).filter(|post| !post.removed);
            let mut post = found.ok_or_else(|| GraphError::missing(object))?;
            caller.must_be(&post.page)?;
            if let Some(message) = incoming.field("message") {
                message.clone_into(&mut post.message);
            }
            if let Some(at) = incoming.field("scheduled_publish_time") {
                if post.published {
                    return Err(GraphError::param("A published post cannot be scheduled"));
                }
                post.scheduled_at = parse_time(at);
            }
            match incoming.truth("is_published") {
                Some(true) if !post.published => {
                    post.published = true;
                    post.live_from = Some(now);
                }
                Some(false) if post.published => {
                    return Err(GraphError::param("A published post cannot be made unpublished"));
                }
                _ => {}
            }
            post.updated_at = now;
            leaf.put("post", object, &post);
            Ok(Reply::success())
        })
    }

    /// `DELETE /{post}`, `/{photo}`, `/{video}`.
    pub(crate) fn delete(&self, caller: &Caller, object: &str) -> Answer {
        self.ground.book.change(|leaf| {
            let mut gone = None;
            if let Some(mut post) = leaf.get::<Post>("post", object).filter(|post| !post.removed) {
                caller.must_be(&post.page)?;
                post.removed = true;
                leaf.put("post", object, &post);
                if let Some((id, mut video)) =
                    post.video.and_then(|id| Some((id.clone(), leaf.get::<Video>("video", &id)?)))
                {
                    video.removed = true;
                    leaf.put("video", &id, &video);
                }
                return Ok(Reply::success());
            }
            if let Some(mut video) =
                leaf.get::<Video>("video", object).filter(|video| !video.removed)
            {
                caller.must_be(&video.page)?;
                video.removed = true;
                leaf.put("video", object, &video);
                gone = Some(video.post);
            } else if let Some(mut photo) =
                leaf.get::<Photo>("photo", object).filter(|photo| !photo.removed)
            {
                caller.must_be(&photo.page)?;
                photo.removed = true;
                leaf.put("photo", object, &photo);
                gone = Some(photo.post);
            }
            let post = gone.ok_or_else(|| GraphError::missing(object))?;
            if let Some(mut post) = post.and_then(|id| leaf.get::<Post>("post", &id)) {
                post.photos.retain(|id| id != object);
                // A post whose only picture or video goes has nothing left to show.
                post.removed |= post.photos.is_empty();
                leaf.put("post", &post.id, &post);
            }
            Ok(Reply::success())
        })
    }
}

/// Whether a post goes out now, later or not.
fn timing(
    call: &Call,
    now: Timestamp,
    attached: bool,
) -> Result<(bool, Option<Timestamp>), GraphError> {
    let published = call.incoming.truth("published").unwrap_or(true);
    let Some(text) = call.incoming.field("scheduled_publish_time") else {
        return Ok((published, None));
    };
    let at = parse_time(text)
        .ok_or_else(|| GraphError::param("The specified scheduled publish time is invalid."))?;
    if published {
        let message = "You cannot specify a scheduled publish time on a published post";
        return Err(GraphError::param(message));
    }
    let ahead = at.duration_since(now);
    if ahead < SignedDuration::from_mins(10) || ahead > SignedDuration::from_hours(24 * 30) {
        return Err(
            GraphError::param("The specified scheduled publish time is invalid.").sub(1_363_040)
        );
    }
    if attached && call.incoming.field("unpublished_content_type") != Some("SCHEDULED") {
        let message = "unpublished_content_type must be SCHEDULED for scheduled posts with photos";
        return Err(GraphError::param(message));
    }
    Ok((false, Some(at)))
}

fn check_message(message: &str) -> Result<(), GraphError> {
    if message.chars().count() > MESSAGE {
        let text = "Nội dung dài quá 63.206 ký tự.";
        return Err(GraphError::param("The parameter message is too long").user(text));
    }
    Ok(())
}

/// Joins a photo to a post.
fn attach(leaf: &mut Leaf, id: &str, post: &Post, now: Timestamp) -> Result<(), GraphError> {
    let photo = leaf.get::<Photo>("photo", id).filter(|photo| photo.page == post.page);
    let Some(mut photo) = photo.filter(|photo| photo.lives(now) && photo.post.is_none()) else {
        let message =
            format!("Photo {id} cannot be attached: it does not exist, has expired or is in use");
        return Err(GraphError::param(&message).sub(33));
    };
    photo.post = Some(post.id.clone());
    leaf.put("photo", id, &photo);
    Ok(())
}

/// Ids of `attached_media`, as a JSON list or as `attached_media[0]={…}` or `attached_media[0][media_fbid]=…`.
fn attached(call: &Call) -> Result<Vec<String>, GraphError> {
    let wrong = || GraphError::param("attached_media must be a list of {\"media_fbid\": id}");
    let id_of = |value: &Value| {
        let id = value.get("media_fbid")?;
        Some(id.as_str().map_or_else(|| id.to_string(), str::to_owned))
    };
    let mut ids = Vec::new();
    if let Some(text) = call.incoming.field("attached_media") {
        let list: Vec<Value> = serde_json::from_str(text).map_err(|_| wrong())?;
        for value in &list {
            ids.push(id_of(value).ok_or_else(wrong)?);
        }
    }
    let mut numbered: Vec<(usize, String)> = Vec::new();
    for (name, text) in &call.incoming.fields {
        let Some(rest) = name.strip_prefix("attached_media[") else { continue };
        let (number, rest) = rest.split_once(']').ok_or_else(wrong)?;
        let id = match rest {
            "[media_fbid]" => text.clone(),
            _ => serde_json::from_str::<Value>(text)
                .ok()
                .as_ref()
                .and_then(id_of)
                .ok_or_else(wrong)?,
        };
        numbered.push((number.parse().map_err(|_| wrong())?, id));
    }
    numbered.sort();
    ids.extend(numbered.into_iter().map(|(_, id)| id));
    if ids.len() > PHOTOS {
        return Err(GraphError::param("Too many attached media"));
    }
    Ok(ids)
}
