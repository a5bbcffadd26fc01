//! The scenes of a clip in their order: proposed by the engine, changed by a person.

use serde::{Deserialize, Serialize};

use crate::{
    article::Article,
    brief::Brief,
    choices::{FocusPoint, PhotoChoice},
};

/// Shortest time a person may give a scene, milliseconds.
pub const SHORTEST_SCENE_MS: u32 = 1_000;
/// Longest time a person may give a scene, milliseconds.
pub const LONGEST_SCENE_MS: u32 = 60_000;
/// Longest piece of a video, milliseconds: as long as the longest clip.
pub const LONGEST_CUT_MS: u32 = 180_000;
/// Most scenes of a clip.
pub const MOST_SCENES: usize = 40;

/// How a scene takes over from the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// At once.
    Cut,
    /// One melts into the other.
    #[default]
    Fade,
    /// The new one pushes the old one out to the left.
    Slide,
    /// The new one is uncovered from the left.
    Wipe,
}

/// What stands under the words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Music {
    /// Slow chords with a few bells.
    #[default]
    Calm,
    /// A light pulse.
    Bright,
    /// None.
    Silent,
}

/// How a moving picture of another shape fills its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Whole, over a blurred copy of itself.
    #[default]
    Pad,
    /// A window that follows what moves, or the focus point.
    Crop,
}

/// A part of a video of the article.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Which video of the article, from 0.
    pub video: usize,
    /// First moment, milliseconds.
    pub from_ms: u32,
    /// One past the last moment, milliseconds.
    pub to_ms: u32,
    /// How it fills the frame.
    #[serde(default)]
    pub fit: Fit,
}

/// What a scene tells: parts of the brief by their place, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// The headline, with a short standfirst under it.
    Title,
    /// The standfirst.
    Sapo,
    /// A point.
    Point(usize),
    /// A figure.
    Figure(usize),
    /// Words of a person.
    Quote(usize),
    /// A step of a procedure.
    Step(usize),
    /// An event.
    Event(usize),
    /// The table.
    Table,
    /// The table as a chart.
    Chart,
    /// What the bulletin says.
    Alert,
    /// A photo of the article, whole and still, with its caption: a map, a diagram, a chart that somebody drew.
    Picture(usize),
    /// A part of a video of the article.
    Cut(Cut),
    /// Address and QR code.
    End,
}

/// A scene.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// What it tells.
    pub of: Topic,
    /// How long, milliseconds; as long as its words need when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u32>,
    /// Its photo: `First` takes the next one of the article.
    #[serde(default, skip_serializing_if = "is_next")]
    pub photo: PhotoChoice,
    /// What the camera keeps in sight; what stands out when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus: Option<FocusPoint>,
    /// How it takes over; a fade when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enter: Option<Transition>,
}

fn is_next(photo: &PhotoChoice) -> bool {
    *photo == PhotoChoice::First
}

impl From<Topic> for Beat {
    fn from(of: Topic) -> Self {
        Self { of, ms: None, photo: PhotoChoice::First, focus: None, enter: None }
    }
}

/// The scenes of a clip, its voice and its music.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storyboard {
    /// Scenes; the engine chooses them when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beats: Vec<Beat>,
    /// Name of a voice of the configuration, or `none`; the one of the configuration when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// Music; calm when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub music: Option<Music>,
}

/// Why a storyboard does not fit its brief.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadStoryboard {
    /// A scene tells what the brief does not hold.
    #[error(
        "Cảnh {}: bản tóm lược không có phần này, hãy bỏ cảnh / Scene {}: the brief has no such part, remove the scene",
        .0 + 1, .0 + 1
    )]
    NoSuchPart(usize),
    /// A scene that is too short or too long.
    #[error(
        "Cảnh {}: thời lượng từ {SHORTEST_SCENE_MS} đến {LONGEST_SCENE_MS} ms, đoạn video tối đa {LONGEST_CUT_MS} ms / Scene {}: a scene lasts {SHORTEST_SCENE_MS} to {LONGEST_SCENE_MS} ms, a piece of a video {LONGEST_CUT_MS} ms at most",
        .0 + 1, .0 + 1
    )]
    Time(usize),
    /// A photo that the article does not have, or that could not be fetched.
    #[error(
        "Cảnh {}: bài không có ảnh này, hoặc ảnh chưa tải được; hãy bỏ cảnh / Scene {}: the article has no such photo, or it could not be fetched; remove the scene",
        .0 + 1, .0 + 1
    )]
    NoPhoto(usize),
    /// A chart of a table whose numbers do not surely count the same thing.
    #[error(
        "Cảnh {}: bảng này không vẽ thành biểu đồ được vì các số không chắc cùng một đơn vị; hãy dùng cảnh bảng số liệu / Scene {}: this table cannot be a chart, its numbers do not surely count the same thing; show it as a table",
        .0 + 1, .0 + 1
    )]
    NoChart(usize),
    /// A table or chart with more rows than a screen of this clip holds.
    #[error(
        "Cảnh {}: bảng có quá nhiều hàng, cảnh này của clip này chứa tối đa {most}; hãy bỏ cảnh / Scene {}: the table has too many rows, this scene of this clip holds {most}; remove the scene",
        .scene + 1, .scene + 1
    )]
    TooManyRows {
        /// Index of the scene.
        scene: usize,
        /// Rows it holds.
        most: usize,
    },
    /// The end card is not at the end.
    #[error("Cảnh kết phải đứng cuối / The end card comes last, and once")]
    End,
    /// Too many scenes.
    #[error("Tối đa {MOST_SCENES} cảnh / At most {MOST_SCENES} scenes")]
    TooMany,
    /// Nothing to tell.
    #[error(
        "Cần ít nhất một cảnh ngoài cảnh kết / At least one scene besides the end card is needed"
    )]
    Nothing,
}

/// How many photos and videos the article of a storyboard has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MediaCount {
    /// Photos.
    pub photos: usize,
    /// Videos.
    pub videos: usize,
}

impl MediaCount {
    /// Those of an article.
    pub fn of(article: &Article) -> Self {
        Self { photos: article.photos.len(), videos: article.videos.len() }
    }
}

impl Storyboard {
    /// Whether every scene tells a part of this brief, or shows one of so many photos and videos of its article. No scenes at
    /// all is right: the engine chooses them.
    ///
    /// # Errors
    /// [`BadStoryboard`] with the first scene that does not.
    pub fn check(&self, brief: &Brief, media: MediaCount) -> Result<(), BadStoryboard> {
        if self.beats.is_empty() {
            return Ok(());
        }
        if self.beats.len() > MOST_SCENES {
            return Err(BadStoryboard::TooMany);
        }
        let last = self.beats.len() - 1;
        for (i, beat) in self.beats.iter().enumerate() {
            let there = match &beat.of {
                Topic::Title | Topic::End => true,
                Topic::Sapo => brief.sapo.is_some(),
                Topic::Point(n) => *n < brief.points.len(),
                Topic::Figure(n) => *n < brief.figures.len(),
                Topic::Quote(n) => *n < brief.quotes.len(),
                Topic::Step(n) => *n < brief.steps.len(),
                Topic::Event(n) => *n < brief.events.len(),
                Topic::Table | Topic::Chart => brief.table.is_some(),
                Topic::Alert => brief.bulletin.is_some(),
                Topic::Picture(n) if *n >= media.photos => return Err(BadStoryboard::NoPhoto(i)),
                Topic::Picture(_) => true,
                Topic::Cut(cut) => cut.video < media.videos,
            };
            if !there {
                return Err(BadStoryboard::NoSuchPart(i));
            }
            let lasts = SHORTEST_SCENE_MS..=LONGEST_SCENE_MS;
            let piece = match &beat.of {
                Topic::Cut(cut) => Some(cut.to_ms.saturating_sub(cut.from_ms)),
                _ => None,
            };
            let pieces = SHORTEST_SCENE_MS..=LONGEST_CUT_MS;
            if beat.ms.is_some_and(|ms| !lasts.contains(&ms))
                || piece.is_some_and(|ms| !pieces.contains(&ms))
            {
                return Err(BadStoryboard::Time(i));
            }
            if beat.of == Topic::End && i != last {
                return Err(BadStoryboard::End);
            }
        }
        if self.beats.iter().all(|beat| beat.of == Topic::End) {
            return Err(BadStoryboard::Nothing);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(beats: &serde_json::Value) -> Result<(), BadStoryboard> {
        let board: Storyboard = serde_json::from_value(json!({"beats": beats})).unwrap();
        let words = json!({"text": "Ý", "span": {"revision": 1, "block": 0, "start": 0, "end": 1}, "edits": []});
        let brief: Brief = serde_json::from_value(json!({
            "id": "00000000-0000-7000-8000-000000000000", "agency": "demo",
            "article": "00000000-0000-7000-8000-000000000001", "revision": 1,
            "article_digest": "0".repeat(64), "story": "news", "title": words, "sapo": null,
            "points": [words, words], "figures": [], "quotes": [], "dates": [], "legal_docs": [], "hashtags": []
        }))
        .unwrap();
        board.check(&brief, MediaCount { photos: 2, videos: 1 })
    }

    #[test]
    fn an_untouched_storyboard_is_an_empty_object() {
        assert_eq!(serde_json::to_value(Storyboard::default()).unwrap(), json!({}));
        let full = json!({
            "beats": [
                {"of": "title"},
                {"of": {"point": 1}, "ms": 4000, "photo": {"at": 2}, "focus": {"x": 0.25, "y": 0.5}, "enter": "wipe"},
                {"of": {"cut": {"video": 0, "from_ms": 0, "to_ms": 5000, "fit": "crop"}}},
                {"of": {"picture": 0}},
                {"of": "end"}
            ],
            "voice": "none", "music": "silent"
        });
        let read: Storyboard = serde_json::from_value(full.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), full);
        for bad in [json!({"colour": 1}), json!({"beats": [{"of": "title", "len": 3}]})] {
            assert!(serde_json::from_value::<Storyboard>(bad).is_err());
        }
    }

    #[test]
    fn scenes_tell_parts_that_are_there_in_sane_times() {
        let cut = |to: u32| json!({"of": {"cut": {"video": 0, "from_ms": 1000, "to_ms": to}}});
        for (beats, expected) in [
            (json!([]), Ok(())),
            (json!([{"of": "title"}, {"of": {"point": 1}}, {"of": "end"}]), Ok(())),
            (json!([{"of": "title"}, cut(9000)]), Ok(())),
            (json!([{"of": {"picture": 1}}, {"of": "end"}]), Ok(())),
            (json!([{"of": "title"}, {"of": {"picture": 2}}]), Err(BadStoryboard::NoPhoto(1))),
            (json!([{"of": "title"}, {"of": {"point": 2}}]), Err(BadStoryboard::NoSuchPart(1))),
            (json!([{"of": "table"}]), Err(BadStoryboard::NoSuchPart(0))),
            (json!([{"of": "title", "ms": 999}]), Err(BadStoryboard::Time(0))),
            (json!([cut(1500)]), Err(BadStoryboard::Time(0))),
            (json!([cut(181_000)]), Ok(())),
            (json!([cut(181_001)]), Err(BadStoryboard::Time(0))),
            (json!([{"of": "end"}, {"of": "title"}]), Err(BadStoryboard::End)),
            (json!([{"of": "end"}]), Err(BadStoryboard::Nothing)),
            (json!(vec![json!({"of": "title"}); 41]), Err(BadStoryboard::TooMany)),
        ] {
            assert_eq!(checked(&beats), expected, "{beats}");
        }
    }
}
