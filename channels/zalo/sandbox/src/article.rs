//! An article as it is sent: which field is refused, and with which words.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use crate::error::OaError;

/// Title: published as 150, yet exactly 150 has been seen refused.
const TITLE: usize = 149;
/// Description: published as 300, yet exactly 300 has been seen refused.
const DESCRIPTION: usize = 299;
const AUTHOR: usize = 50;

/// Everything an article says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// `normal` or `video`.
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) author: String,
    pub(crate) cover: Option<Cover>,
    pub(crate) body: Vec<Block>,
    pub(crate) video_id: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) tracking_link: Option<String>,
    pub(crate) related: Vec<String>,
    pub(crate) status: String,
    pub(crate) comment: String,
}

/// The picture or video above an article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cover_type", rename_all = "snake_case")]
pub(crate) enum Cover {
    Photo { photo_url: String, status: String },
    Video { video_id: String, cover_view: String, status: String },
}

/// A block of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block {
    Text {
        content: String,
    },
    Image {
        url: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
    },
    Video {
        thumb: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        video_id: Option<String>,
    },
    Product {
        id: String,
    },
}

impl Content {
    pub(crate) fn shown(&self) -> bool {
        self.status == "show"
    }

    /// The create fields back, as `getdetail` tells them.
    pub(crate) fn to_map(&self) -> Map<String, Value> {
        let mut map = json!({
            "type": self.kind, "title": self.title, "description": self.description,
            "status": self.status, "comment": self.comment,
        });
        if self.kind == "normal" {
            map["author"] = self.author.as_str().into();
            map["cover"] = json!(self.cover);
            map["body"] = json!(self.body);
            map["related_medias"] = json!(self.related);
        } else {
            map["video_id"] = json!(self.video_id);
            map["avatar"] = json!(self.avatar);
        }
        if let Some(link) = &self.tracking_link {
            map["tracking_link"] = link.as_str().into();
        }
        map.as_object().cloned().unwrap_or_default()
    }

    /// Reads and checks a payload in the order of the platform's fields.
    pub(crate) fn parse(payload: &Value) -> Result<Self, OaError> {
        let kind = text(payload, "type");
        if !matches!(kind.as_str(), "normal" | "video") {
            return Err(OaError::new(-201, "type accept only 2 value normal and video."));
        }
        let title = text(payload, "title");
        if title.trim().is_empty() || title.chars().count() > TITLE {
            return Err(OaError::new(-201, "title allow 1 to 150 characters"));
        }
        let description = text(payload, "description");
        if description.trim().is_empty() || description.chars().count() > DESCRIPTION {
            return Err(OaError::new(-201, "description allow 1 to 300 characters"));
        }
        let mut content = Self {
            status: choice(payload, "status", &["show", "hide"], "hide")?,
            comment: choice(payload, "comment", &["show", "hide"], "show")?,
            tracking_link: optional_url(payload, "tracking_link")?,
            kind,
            title,
            description,
            author: String::new(),
            cover: None,
            body: Vec::new(),
            video_id: None,
            avatar: None,
            related: related(payload)?,
        };
        if content.kind == "video" {
            let foreign = ["author", "cover", "body", "tracking_link", "related_medias"];
            if let Some(extra) = foreign.iter().find(|name| payload.get(**name).is_some()) {
                return Err(OaError::invalid(extra));
            }
            content.video_id = Some(required(payload, "video_id")?);
            content.avatar = Some(fetchable(payload, "avatar")?);
            return Ok(content);
        }
        content.author = required(payload, "author")?;
        if content.author.chars().count() > AUTHOR {
            return Err(OaError::invalid("author"));
        }
        content.cover = Some(cover(payload.get("cover"))?);
        content.body = blocks(payload.get("body"))?;
        Ok(content)
    }
}

fn cover(value: Option<&Value>) -> Result<Cover, OaError> {
    let value = value.filter(|value| value.is_object());
    let value = value.ok_or_else(|| OaError::new(-201, "cover value is invalid"))?;
    let status = text(value, "status");
    if !matches!(status.as_str(), "show" | "hide") {
        return Err(OaError::new(-201, "create media fail"));
    }
    match text(value, "cover_type").as_str() {
        "photo" => Ok(Cover::Photo { photo_url: fetchable(value, "photo_url")?, status }),
        "video" => Ok(Cover::Video {
            video_id: required(value, "video_id")?,
            cover_view: choice(
                value,
                "cover_view",
                &["horizontal", "vertical", "square"],
                "horizontal",
            )?,
            status,
        }),
        _ => Err(OaError::invalid("cover_type")),
    }
}

fn blocks(value: Option<&Value>) -> Result<Vec<Block>, OaError> {
    let list = value.and_then(Value::as_array).filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| OaError::invalid("body"))?;
    let mut blocks = Vec::new();
    for value in list {
        blocks.push(match text(value, "type").as_str() {
            "text" => Block::Text { content: required(value, "content")? },
            "image" => {
                let caption = value.get("caption").and_then(Value::as_str).map(str::to_owned);
                Block::Image { url: fetchable(value, "url")?, caption }
            }
            "video" => {
                let (url, video_id) = (optional_url(value, "url")?, optional(value, "video_id"));
                if url.is_some() == video_id.is_some() {
                    return Err(OaError::invalid("body.video"));
                }
                Block::Video { thumb: fetchable(value, "thumb")?, url, video_id }
            }
            "product" => Block::Product { id: required(value, "id")? },
            _ => return Err(OaError::invalid("body")),
        });
    }
    Ok(blocks)
}

/// Ids as strings or as objects with an `id`.
fn related(payload: &Value) -> Result<Vec<String>, OaError> {
    let Some(value) = payload.get("related_medias") else { return Ok(Vec::new()) };
    let list = value.as_array().ok_or_else(|| OaError::invalid("related_medias"))?;
    list.iter()
        .map(|item| {
            let id = item.get("id").unwrap_or(item);
            id.as_str().map(str::to_owned).ok_or_else(|| OaError::invalid("related_medias"))
        })
        .collect()
}

/// A field as text; numbers count as text.
pub(crate) fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn required(value: &Value, name: &str) -> Result<String, OaError> {
    optional(value, name).ok_or_else(|| OaError::invalid(name))
}

fn optional(value: &Value, name: &str) -> Option<String> {
    Some(text(value, name)).filter(|text| !text.trim().is_empty())
}

fn choice(value: &Value, name: &str, known: &[&str], default: &str) -> Result<String, OaError> {
    let given = optional(value, name).unwrap_or_else(|| default.to_owned());
    if known.contains(&given.as_str()) { Ok(given) } else { Err(OaError::invalid(name)) }
}

fn optional_url(value: &Value, name: &str) -> Result<Option<String>, OaError> {
    let Some(given) = optional(value, name) else { return Ok(None) };
    let fine = Url::parse(&given).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if fine { Ok(Some(given)) } else { Err(OaError::invalid(name)) }
}

/// An address the platform's fetcher takes: http, percent-encoded ASCII.
fn fetchable(value: &Value, name: &str) -> Result<String, OaError> {
    let url = optional_url(value, name)?.filter(|url| url.is_ascii() && !url.contains(' '));
    url.ok_or_else(|| OaError::invalid(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article() -> Value {
        json!({
            "type": "normal", "title": "Nghị định về đất đai", "author": "Ban Biên tập",
            "cover": { "cover_type": "photo", "photo_url": "https://vd.vn/a.jpg", "status": "show" },
            "description": "Ba điểm mới", "body": [{ "type": "text", "content": "<p>Nội dung</p>" }],
            "status": "hide", "tracking_link": "https://vd.vn/l/k7m2",
        })
    }

    #[test]
    fn what_is_refused_and_how() {
        let check = |name: &str, value: Value, want: &str| {
            let mut payload = article();
            payload[name] = value;
            let got = Content::parse(&payload).err().map(|error| error.message);
            assert_eq!(got.as_deref(), Some(want).filter(|want| !want.is_empty()), "{name}");
        };
        check("status", json!("show"), "");
        check("type", json!("tin"), "type accept only 2 value normal and video.");
        check("title", json!("đ".repeat(149)), "");
        check("title", json!("đ".repeat(150)), "title allow 1 to 150 characters");
        check("title", json!(" "), "title allow 1 to 150 characters");
        check("description", json!("ễ".repeat(300)), "description allow 1 to 300 characters");
        check("author", json!(""), "author is invalid");
        check("cover", Value::Null, "cover value is invalid");
        let cover =
            |url: &str| json!({ "cover_type": "photo", "photo_url": url, "status": "show" });
        check("cover", cover("https://vd.vn/ảnh.jpg"), "photo_url is invalid");
        check("cover", cover("ftp://vd.vn/a.jpg"), "photo_url is invalid");
        check(
            "cover",
            json!({ "cover_type": "photo", "photo_url": "https://vd.vn/a" }),
            "create media fail",
        );
        check("body", json!([]), "body is invalid");
        check("body", json!([{ "type": "image", "url": "" }]), "url is invalid");
        check(
            "body",
            json!([{ "type": "video", "thumb": "https://vd.vn/a.jpg" }]),
            "body.video is invalid",
        );
        check("related_medias", json!(["a", { "id": "b" }]), "");
        check("status", json!("public"), "status is invalid");
    }

    #[test]
    fn a_decomposed_title_counts_longer() {
        let mut payload = article();
        // One letter with two marks is three code points when decomposed.
        payload["title"] = "e\u{302}\u{303}".repeat(50).into();
        assert!(Content::parse(&payload).is_err());
        payload["title"] = "ễ".repeat(50).into();
        assert!(Content::parse(&payload).is_ok());
    }

    #[test]
    fn a_video_article_takes_no_fields_of_a_normal_one() {
        let payload = json!({
            "type": "video", "title": "Clip", "description": "Mô tả", "video_id": "v1",
            "avatar": "https://vd.vn/a.jpg",
        });
        assert!(Content::parse(&payload).is_ok());
        for name in ["author", "tracking_link"] {
            let mut payload = payload.clone();
            payload[name] = "https://vd.vn/l/k7m2".into();
            let refused = Content::parse(&payload).unwrap_err().message;
            assert_eq!(refused, format!("{name} is invalid"));
        }
    }
}
