//! The platform's own JSON. Numbers come as numbers or as text, and unknown fields come any day.

use loa_model::PostFormat;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What every call but the OAuth ones answers, with HTTP 200 also for a refusal.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope {
    #[serde(deserialize_with = "signed")]
    pub(crate) error: i64,
    #[serde(default, deserialize_with = "text")]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) data: Value,
}

/// An article as it is created or updated; an update is the whole of it with `id`, not a patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Article {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) title: String,
    pub(crate) author: String,
    pub(crate) cover: Cover,
    pub(crate) description: String,
    pub(crate) body: Vec<Block>,
    pub(crate) tracking_link: String,
    pub(crate) status: Status,
    pub(crate) comment: Status,
}

/// A video article as it is created or updated. It has no field for a tracking link, and fields of an article are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct VideoArticle {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) video_id: String,
    /// Picture beside the video, an address the platform fetches.
    pub(crate) avatar: String,
    pub(crate) status: Status,
    pub(crate) comment: Status,
}

/// The two kinds of articles; a list holds one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// With cover and body.
    Normal,
    /// A video with words.
    Video,
}

impl Kind {
    /// What carries a post of this format.
    pub(crate) fn of(format: PostFormat) -> Self {
        if format == PostFormat::Video { Self::Video } else { Self::Normal }
    }

    /// The platform's word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Video => "video",
        }
    }
}

/// Cover of an article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cover {
    #[serde(rename = "cover_type")]
    pub(crate) kind: &'static str,
    pub(crate) photo_url: String,
    pub(crate) status: Status,
}

/// Block of an article's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block {
    /// One paragraph of simple HTML.
    Text { content: String },
    /// A picture the platform fetches.
    Image {
        url: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        caption: String,
    },
}

/// Whether the audience sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Show,
    Hide,
}

/// Answer of create, update and preparevideo.
#[derive(Debug, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) token: String,
}

impl Accepted {
    /// The token of an accepted call; nothing when the answer holds none.
    pub(crate) fn token(data: Value) -> Option<String> {
        let accepted: Self = serde_json::from_value(data).ok()?;
        Some(accepted.token).filter(|token| !token.is_empty())
    }
}

/// Answer of verify.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Verified {
    #[serde(default, deserialize_with = "text")]
    pub(crate) id: String,
}

/// Answer of verify about a video.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct VideoState {
    /// 0 unknown, 1 ready, 2 locked, 3 converting, 4 failed, 5 deleted.
    #[serde(default, deserialize_with = "maybe_number")]
    pub(crate) status: Option<u64>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) status_message: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) video_id: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) convert_error_code: String,
}

/// Answer of getslice.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Slice {
    #[serde(default)]
    pub(crate) medias: Vec<Listed>,
}

/// An article in a list, newest first.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Listed {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) title: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) status: String,
    /// Milliseconds since 1970.
    #[serde(default, deserialize_with = "maybe_number")]
    pub(crate) create_date: Option<u64>,
    #[serde(default, deserialize_with = "maybe_number")]
    pub(crate) total_view: Option<u64>,
    #[serde(default, deserialize_with = "maybe_number")]
    pub(crate) total_share: Option<u64>,
}

/// Answer of getdetail.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Detail {
    #[serde(default, deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) title: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) description: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) video_id: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) status: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) tracking_link: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) link_view: String,
    #[serde(default, deserialize_with = "maybe_number")]
    pub(crate) create_date: Option<u64>,
    #[serde(default, deserialize_with = "maybe_number")]
    pub(crate) total_view: Option<u64>,
    #[serde(default, deserialize_with = "maybe_number")]
    pub(crate) total_share: Option<u64>,
    #[serde(default)]
    pub(crate) body: Value,
}

impl Detail {
    pub(crate) fn is_shown(&self) -> bool {
        self.status.eq_ignore_ascii_case("show")
    }
}

/// Answer of getoa.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OfficialAccount {
    #[serde(default, deserialize_with = "text")]
    pub(crate) oaid: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) oa_id: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "maybe_number")]
    pub(crate) num_follower: Option<u64>,
}

/// Answer of the token address, without an envelope.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    /// Seconds, as text.
    #[serde(default, deserialize_with = "maybe_number")]
    pub(crate) expires_in: Option<u64>,
}

/// The part of a webhook that its signature covers apart from the raw bytes.
#[derive(Debug, Deserialize)]
pub(crate) struct Stamped {
    #[serde(deserialize_with = "text")]
    pub(crate) timestamp: String,
}

fn signed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    number.ok_or_else(|| serde::de::Error::custom("neither a number nor a number as text"))
}

/// Text, or a number as text; null and anything else count as empty.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

/// A number, or a number as text; anything else counts as not given.
fn maybe_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_as_numbers_or_text_and_missing_is_not_zero() {
        let slice: Slice = serde_json::from_str(include_str!("../fixtures/getslice.json")).unwrap();
        let views: Vec<_> = slice.medias.iter().map(|media| media.total_view).collect();
        assert_eq!(views, [Some(1204), Some(87), None]);
        assert_eq!(slice.medias[0].create_date, Some(1_790_000_000_000));
        assert_eq!(slice.medias[1].create_date, Some(1_789_990_000_000));
        assert_eq!(slice.medias[0].id, "4402c73f7e7a9724ce6b");
    }

    #[test]
    fn an_article_is_sent_as_the_platform_wants_it() {
        let article = Article {
            id: None,
            kind: Kind::Normal,
            title: "Nghị quyết về chuyển đổi số ở vùng sâu, vùng xa".into(),
            author: "Cổng TTĐT".into(),
            cover: Cover {
                kind: "photo",
                photo_url: "https://portal.example/m/a.jpg".into(),
                status: Status::Show,
            },
            description: "Mỗi hộ được hỗ trợ".into(),
            body: vec![
                Block::Text { content: "Đoạn một".into() },
                Block::Image {
                    url: "https://portal.example/m/b.jpg".into(),
                    caption: String::new(),
                },
            ],
            tracking_link: "https://portal.example/l/k7f3q".into(),
            status: Status::Hide,
            comment: Status::Show,
        };
        let wanted: Value = serde_json::from_str(include_str!("../fixtures/create.json")).unwrap();
        assert_eq!(serde_json::to_value(article).unwrap(), wanted);
    }

    #[test]
    fn a_video_article_has_these_fields_and_no_other() {
        let article = VideoArticle {
            id: None,
            kind: Kind::Video,
            title: "Nghị quyết về chuyển đổi số ở vùng sâu, vùng xa".into(),
            description: "Xem thêm: https://portal.example/l/k7f3q".into(),
            video_id: "9ec1ad31ef7c8022d96d".into(),
            avatar: "https://portal.example/m/a.jpg".into(),
            status: Status::Hide,
            comment: Status::Show,
        };
        let wanted = include_str!("../fixtures/create_video.json");
        let wanted: Value = serde_json::from_str(wanted).unwrap();
        assert_eq!(serde_json::to_value(article).unwrap(), wanted);
    }
}
