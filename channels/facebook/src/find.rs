//! Read-back: own posts and Reels by the short link in their words, by the ids of their photos, by the id of the video.

use jiff::{Timestamp, ToSpan as _};
use loa_channel::{Cx, Lookup, Result, To};
use loa_model::{Receipt, delivery::Effect};
use serde_json::{Value, json};

use crate::{
    Facebook, classify,
    publish::{Chain, busy, created, nfc, shaped},
    wire::{List, Post, Video, time},
};

/// Fields of a video that say where it stands.
pub(crate) const VIDEO_FIELDS: &str =
    "id,description,status,post_id,permalink_url,published,created_time";

/// Fields of a post that tell whether it is ours.
const POST_FIELDS: &str = "id,message,created_time,permalink_url,is_published,application{id,name},\
    attachments{media_type,target{id,url},unshimmed_url,subattachments}";

/// Pages of 100 looked at.
const PAGES: usize = 10;

impl Facebook {
    pub(crate) async fn find_posts(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        what: Lookup<'_>,
    ) -> Result<Vec<Receipt>> {
        let since = earlier(what.since);
        let photos = Chain::of(what.ticket).photos;
        let path = format!("{}/published_posts", to.account.remote_id);
        let mut found = Vec::new();
        let mut after = None;
        for _ in 0..PAGES {
            let page: List<Value> =
                self.page(cx, to, &path, POST_FIELDS, since, after.as_deref()).await?;
            let next = page.next().map(str::to_owned);
            let mut older = false;
            for raw in page.data {
                let post: Post = shaped(raw.clone(), Effect::Read)?;
                older |= time(&post.created_time).is_some_and(|at| at < since);
                let public = post.is_published != Some(false);
                if public && !older && is_ours(&post, what, &photos) {
                    let url = &post.permalink_url;
                    found.push(self.receipt(post.id, url, &post.created_time, raw, cx));
                }
            }
            after = next;
            if older || after.is_none() {
                break;
            }
        }
        Ok(found)
    }

    pub(crate) async fn find_reel(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        what: Lookup<'_>,
    ) -> Result<Vec<Receipt>> {
        let known = Chain::of(what.ticket).video_id;
        if !known.is_empty() {
            let found = self.settled(cx, to, &known).await?;
            return Ok(found.iter().map(|video| self.video_receipt(video, &known, cx)).collect());
        }
        let path = format!("{}/video_reels", to.account.remote_id);
        let since = earlier(what.since);
        let fields = "id,description,updated_time";
        let mut found = Vec::new();
        let mut after = None;
        for _ in 0..PAGES {
            let page: List<Video> =
                self.page(cx, to, &path, fields, since, after.as_deref()).await?;
            after = page.next().map(str::to_owned);
            for listed in page.data {
                if mentions(&listed.description, &what.content.link.url)
                    && let Some(video) = self.settled(cx, to, &listed.id).await?
                {
                    found.push(self.video_receipt(&video, &listed.id, cx));
                }
            }
            if after.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// A video that the audience sees, or nothing when it never will.
    ///
    /// # Errors
    /// While the platform is at work: "not found" would let a second one be made.
    async fn settled(&self, cx: &Cx<'_>, to: To<'_>, id: &str) -> Result<Option<Video>> {
        match self.video(cx, to, id).await {
            Ok(video) if video.is_public() => Ok(Some(video)),
            Ok(video) if video.is_busy() && video.failure().is_none() => Err(busy()),
            Ok(_) => Ok(None),
            Err(error) if classify::is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn page<T: serde::de::DeserializeOwned>(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        path: &str,
        fields: &str,
        since: Timestamp,
        after: Option<&str>,
    ) -> Result<List<T>> {
        let mut query = vec![
            ("fields", fields.to_owned()),
            ("since", since.as_second().to_string()),
            ("limit", "100".to_owned()),
        ];
        if let Some(after) = after {
            query.push(("after", after.to_owned()));
        }
        shaped(self.get(cx, to, path, query).await?, Effect::Read)
    }

    /// The receipt of a post. Its address falls back to the documented form.
    pub(crate) fn receipt(
        &self,
        id: String,
        permalink: &str,
        created_time: &str,
        raw: Value,
        cx: &Cx<'_>,
    ) -> Receipt {
        let url = self.address(permalink, &id);
        Receipt { remote_id: id, url, raw, at: created(created_time, cx) }
    }

    /// The receipt of a Reel: the video's id, and that of the post around it where it is told.
    pub(crate) fn video_receipt(&self, video: &Video, id: &str, cx: &Cx<'_>) -> Receipt {
        Receipt {
            remote_id: id.to_owned(),
            url: self.address(&video.permalink_url, &format!("reel/{id}")),
            raw: json!({
                "video_id": id,
                "post_id": video.post_id,
                "permalink_url": video.permalink_url,
            }),
            at: created(&video.created_time, cx),
        }
    }

    /// Addresses of videos come without a host; posts and Reels have a known form.
    fn address(&self, permalink: &str, path: &str) -> String {
        let given = if permalink.is_empty() { path } else { permalink };
        self.config.oauth.join(given).map_or_else(|_| given.to_owned(), String::from)
    }
}

/// Id of the post of a receipt; nothing for a Reel whose post is not known.
pub(crate) fn post_id(receipt: &Receipt, to: To<'_>) -> Option<String> {
    let told = if receipt.remote_id.contains('_') {
        &receipt.remote_id
    } else {
        receipt.raw.get("post_id").and_then(Value::as_str)?
    };
    match (told.is_empty(), told.contains('_')) {
        (true, _) => None,
        (false, true) => Some(told.to_owned()),
        (false, false) => Some(format!("{}_{told}", to.account.remote_id)),
    }
}

/// Two minutes earlier, for clocks.
fn earlier(since: Timestamp) -> Timestamp {
    since.checked_sub(2.minutes()).unwrap_or(since)
}

fn is_ours(post: &Post, what: Lookup<'_>, photos: &[String]) -> bool {
    let link = &what.content.link.url;
    mentions(&post.message, link) || holds(&post.attachments, link, photos)
}

/// Whether an attachment links to our short link or is one of our photos, at any depth.
fn holds(attachments: &Value, link: &str, photos: &[String]) -> bool {
    match attachments {
        Value::Array(items) => items.iter().any(|item| holds(item, link, photos)),
        Value::Object(fields) => {
            let target = fields.get("target").and_then(|target| target["id"].as_str());
            let shown = fields.get("unshimmed_url").and_then(Value::as_str);
            target.is_some_and(|id| photos.iter().any(|photo| photo == id))
                || shown.is_some_and(|url| mentions(url, link))
                || ["data", "subattachments"]
                    .iter()
                    .filter_map(|name| fields.get(*name))
                    .any(|deeper| holds(deeper, link, photos))
        }
        _ => false,
    }
}

/// Whether `text` holds the link itself and not a longer one that begins with it.
fn mentions(text: &str, link: &str) -> bool {
    let text = nfc(text);
    !link.is_empty()
        && text.match_indices(link).any(|(at, _)| {
            let rest = text.get(at + link.len()..).unwrap_or_default();
            !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_not_its_longer_neighbour() {
        let link = "https://tin.example/l/ab2";
        for (text, ours) in [
            ("Xem thêm: https://tin.example/l/ab2", true),
            ("https://tin.example/l/ab2. Chào", true),
            ("https://tin.example/l/ab2?x=1", true),
            ("(https://tin.example/l/ab2)", true),
            ("https://tin.example/l/ab23", false),
            ("https://tin.example/l/ab", false),
            ("https://tin.example/l/ab23 https://tin.example/l/ab2", true),
            ("", false),
        ] {
            assert_eq!(mentions(text, link), ours, "{text}");
        }
        assert!(!mentions("anything", ""));
    }

    #[test]
    fn attachments_are_searched_at_any_depth() {
        let attachments = json!({ "data": [{
            "media_type": "album",
            "target": { "id": "1" },
            "subattachments": { "data": [{ "target": { "id": "77" }, "unshimmed_url": "https://x/" }] },
        }] });
        assert!(holds(&attachments, "https://tin.example/l/a", &["77".to_owned()]));
        assert!(holds(&attachments, "https://x/", &[]));
        assert!(!holds(&attachments, "https://tin.example/l/a", &["78".to_owned()]));
        assert!(!holds(&Value::Null, "https://tin.example/l/a", &[]));
    }
}
