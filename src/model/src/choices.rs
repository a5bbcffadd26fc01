//! What a person chose for a picture, in place of what the engine chooses by itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    brief::{Brief, Edit, Passage},
    ids::UserId,
    storyboard::Storyboard,
};

/// Most characters of a passage that a person writes.
pub const MOST_LETTERS: usize = 10_000;

/// A place on a photo that a crop keeps in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Place", into = "Place")]
pub struct FocusPoint {
    x_permille: u16,
    y_permille: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    x: f64,
    y: f64,
}

impl FocusPoint {
    /// A place 0 to 1 from the left and from the top; nothing outside the photo.
    ///
    /// ```
    /// use loa_model::FocusPoint;
    ///
    /// assert_eq!(FocusPoint::at(0.25, 1.0).unwrap().share(), (0.25, 1.0));
    /// assert!(FocusPoint::at(0.5, 1.01).is_none() && FocusPoint::at(f64::NAN, 0.0).is_none());
    /// ```
    pub fn at(x: f64, y: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 1000, both checked"
        )]
        let permille =
            |share: f64| (0.0..=1.0).contains(&share).then_some((share * 1000.0).round() as u16);
        Some(Self { x_permille: permille(x)?, y_permille: permille(y)? })
    }

    /// 0 to 1 from the left and from the top.
    pub fn share(self) -> (f64, f64) {
        (f64::from(self.x_permille) / 1000.0, f64::from(self.y_permille) / 1000.0)
    }
}

impl TryFrom<Place> for FocusPoint {
    type Error = &'static str;
    fn try_from(place: Place) -> Result<Self, &'static str> {
        Self::at(place.x, place.y)
            .ok_or("điểm chính của ảnh phải từ 0 đến 1 / focus.x and focus.y are from 0 to 1")
    }
}

impl From<FocusPoint> for Place {
    fn from(focus: FocusPoint) -> Self {
        let (x, y) = focus.share();
        Self { x, y }
    }
}

/// Which photo of the article a picture shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotoChoice {
    /// The first that can be drawn.
    #[default]
    First,
    /// None.
    Without,
    /// The one at this place, from 0.
    At(usize),
}

impl PhotoChoice {
    fn is_first(&self) -> bool {
        *self == Self::First
    }
}

/// A point of the brief, in the place where a person wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChosenPoint {
    /// Which point of the brief, from 0.
    pub of: usize,
    /// Its words, when a person wrote others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What was chosen. What is absent is as the engine chooses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Choices {
    /// Template; by the kind of story when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Headline, when a person wrote another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The points that are drawn, in their order; those of the brief when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<Vec<ChosenPoint>>,
    /// Photo.
    #[serde(skip_serializing_if = "PhotoChoice::is_first")]
    pub photo: PhotoChoice,
    /// What its crop keeps in sight; what stands out when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focus: Option<FocusPoint>,
    /// Scenes, voice and music of a clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<Storyboard>,
}

/// Choices with who made them and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// What.
    pub choices: Choices,
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// Why choices do not fit a brief.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadChoice {
    /// There is no such point.
    #[error("Bản tóm lược có {count} ý / The brief has {count} points: points[].of = {of}")]
    NoSuchPoint {
        /// The one asked for.
        of: usize,
        /// How many there are.
        count: usize,
    },
    /// The same point twice.
    #[error("Ý {} được chọn hai lần / Point {} is chosen twice", .0 + 1, .0 + 1)]
    Twice(usize),
    /// Words that are too many.
    #[error("Tối đa {MOST_LETTERS} ký tự / At most {MOST_LETTERS} characters")]
    TooLong,
    /// No words at all.
    #[error(
        "Chữ không được để trống, hãy bỏ chọn ý thay vì xóa chữ / Words are missing: leave a point out instead of emptying it"
    )]
    Empty,
}

impl Chosen {
    /// The brief as this person has it: points in their order, and what was rewritten is marked as theirs.
    ///
    /// # Errors
    /// [`BadChoice`], the brief is then as it was in part: use it no more.
    pub fn apply(&self, brief: &mut Brief) -> Result<(), BadChoice> {
        let Choices { title, points, .. } = &self.choices;
        self.rewrite(&mut brief.title, title.as_deref())?;
        let Some(points) = points else { return Ok(()) };
        let mut chosen = Vec::with_capacity(points.len());
        for (place, point) in points.iter().enumerate() {
            if points[..place].iter().any(|before| before.of == point.of) {
                return Err(BadChoice::Twice(point.of));
            }
            let count = brief.points.len();
            let passage = brief.points.get(point.of);
            let mut passage =
                passage.cloned().ok_or(BadChoice::NoSuchPoint { of: point.of, count })?;
            self.rewrite(&mut passage, point.text.as_deref())?;
            chosen.push(passage);
        }
        brief.points = chosen;
        Ok(())
    }

    fn rewrite(&self, passage: &mut Passage, text: Option<&str>) -> Result<(), BadChoice> {
        let Some(text) = text.map(str::trim).filter(|text| *text != passage.text) else {
            return Ok(());
        };
        if text.is_empty() {
            return Err(BadChoice::Empty);
        }
        if text.chars().count() > MOST_LETTERS {
            return Err(BadChoice::TooLong);
        }
        text.clone_into(&mut passage.text);
        passage.edits.push(Edit::Rewritten { by: self.by, at: self.at });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn brief() -> Brief {
        let words = |text: &str| json!({"text": text, "span": {"revision": 1, "block": 0, "start": 0, "end": 1}, "edits": []});
        let points: Vec<_> = ["Ý một.", "Ý hai.", "Ý ba."].map(words).into();
        serde_json::from_value(json!({
            "id": "00000000-0000-7000-8000-000000000000", "agency": "demo",
            "article": "00000000-0000-7000-8000-000000000001", "revision": 1,
            "article_digest": "0".repeat(64), "story": "news", "title": words("Tựa"), "sapo": null,
            "points": points, "figures": [], "quotes": [], "dates": [], "legal_docs": [], "hashtags": []
        }))
        .unwrap()
    }

    fn applied(choices: serde_json::Value) -> Result<Brief, BadChoice> {
        let chosen = Chosen {
            choices: serde_json::from_value(choices).unwrap(),
            by: "00000000-0000-7000-8000-000000000009".parse().unwrap(),
            at: "2026-11-22T03:00:00Z".parse().unwrap(),
        };
        let mut brief = brief();
        chosen.apply(&mut brief).map(|()| brief)
    }

    #[test]
    fn points_are_in_the_order_of_the_person_and_only_what_they_wrote_is_theirs() {
        assert_eq!(applied(json!({})).unwrap(), brief());
        assert_eq!(applied(json!({"title": " Tựa "})).unwrap(), brief());
        let points = json!([{"of": 2}, {"of": 0, "text": "Ý một, viết lại."}]);
        let found = applied(json!({"points": points, "title": "Tựa ngắn"})).unwrap();
        let texts: Vec<_> = found.points.iter().map(|p| (p.text.as_str(), p.is_edited())).collect();
        assert_eq!(texts, [("Ý ba.", false), ("Ý một, viết lại.", true)]);
        assert!(found.title.is_edited());
        assert_eq!(applied(json!({"points": []})).unwrap().points, []);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let long = "ẫ".repeat(MOST_LETTERS + 1);
        for (choices, why) in [
            (json!({"points": [{"of": 3}]}), BadChoice::NoSuchPoint { of: 3, count: 3 }),
            (json!({"points": [{"of": 1}, {"of": 1}]}), BadChoice::Twice(1)),
            (json!({"points": [{"of": 1, "text": "  "}]}), BadChoice::Empty),
            (json!({"title": ""}), BadChoice::Empty),
            (json!({"title": long}), BadChoice::TooLong),
        ] {
            assert_eq!(applied(choices).unwrap_err(), why);
        }
    }

    #[test]
    fn untouched_choices_are_an_empty_object() {
        assert_eq!(serde_json::to_value(Choices::default()).unwrap(), json!({}));
        let full = json!({
            "template": "so-lieu", "photo": {"at": 1}, "focus": {"x": 0.25, "y": 0.5},
            "points": [{"of": 0}],
        });
        let read: Choices = serde_json::from_value(full.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), full);
        for bad in [json!({"focus": {"x": 2, "y": 0}}), json!({"colour": "red"})] {
            assert!(serde_json::from_value::<Choices>(bad).is_err());
        }
    }
}
