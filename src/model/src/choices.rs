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

/// A list of the brief whose parts a person takes, leaves out and puts in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BriefList {
    /// Key points.
    Points,
    /// Key figures: a person may write what they count, never the number.
    Figures,
    /// Quotations, which stay word for word.
    Quotes,
    /// Dates, which stay word for word.
    Dates,
}

impl BriefList {
    /// Every one, in the order in which people see them.
    pub const ALL: [Self; 4] = [Self::Points, Self::Figures, Self::Quotes, Self::Dates];

    /// Its name in choices and forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Figures => "figures",
            Self::Quotes => "quotes",
            Self::Dates => "dates",
        }
    }

    /// What people call its parts.
    fn called(self) -> &'static str {
        match self {
            Self::Points => "ý",
            Self::Figures => "số liệu",
            Self::Quotes => "lời phát biểu",
            Self::Dates => "ngày",
        }
    }

    /// Whether a person may write its parts otherwise.
    pub fn is_written(self) -> bool {
        matches!(self, Self::Points | Self::Figures)
    }

    /// The words of each of its parts: of a figure what it counts, of a date how it is written.
    pub fn words(self, brief: &Brief) -> Vec<&Passage> {
        match self {
            Self::Points => brief.points.iter().collect(),
            Self::Figures => brief.figures.iter().map(|figure| &figure.label).collect(),
            Self::Quotes => brief.quotes.iter().map(|quote| &quote.words).collect(),
            Self::Dates => {
                let words = brief.dates.iter().map(|date| date.words.as_ref());
                let sentences = brief.dates.iter().map(|date| &date.sentence);
                words.zip(sentences).map(|(words, sentence)| words.unwrap_or(sentence)).collect()
            }
        }
    }

    /// All its parts, as the brief has them.
    pub fn own(self, brief: &Brief) -> Vec<ChosenPart> {
        let count = self.words(brief).len();
        (0..count).map(|of| ChosenPart { of, text: None }).collect()
    }
}

/// A part of a list of the brief, in the place where a person wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChosenPart {
    /// Which part of its list, from 0.
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
    pub points: Option<Vec<ChosenPart>>,
    /// The figures that are drawn, in their order, with what they count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<Vec<ChosenPart>>,
    /// The quotations that are drawn, in their order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quotes: Option<Vec<ChosenPart>>,
    /// The dates that are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<Vec<ChosenPart>>,
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

impl Choices {
    /// What was chosen of a list; nothing where it is as the brief has it.
    pub fn list(&self, list: BriefList) -> Option<&[ChosenPart]> {
        match list {
            BriefList::Points => self.points.as_deref(),
            BriefList::Figures => self.figures.as_deref(),
            BriefList::Quotes => self.quotes.as_deref(),
            BriefList::Dates => self.dates.as_deref(),
        }
    }

    /// Chooses the parts of a list.
    pub fn choose(&mut self, list: BriefList, parts: Option<Vec<ChosenPart>>) {
        match list {
            BriefList::Points => self.points = parts,
            BriefList::Figures => self.figures = parts,
            BriefList::Quotes => self.quotes = parts,
            BriefList::Dates => self.dates = parts,
        }
    }

    /// What is told, and nothing of how it looks.
    #[must_use]
    pub fn words(&self) -> Self {
        let mut words = Self { title: self.title.clone(), ..Self::default() };
        for list in BriefList::ALL {
            words.choose(list, self.list(list).map(<[ChosenPart]>::to_vec));
        }
        words
    }
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
    /// There is no such part.
    #[error(
        "Bản tóm lược có {count} {} / The brief has {count} {}: {}[].of = {of}",
        .list.called(), .list.name(), .list.name()
    )]
    NoSuchPart {
        /// Of which list.
        list: BriefList,
        /// The one asked for.
        of: usize,
        /// How many there are.
        count: usize,
    },
    /// The same part twice.
    #[error("Mục {} được chọn hai lần / Part {} is chosen twice", .0 + 1, .0 + 1)]
    Twice(usize),
    /// Other words for what somebody said, or for a date.
    #[error(
        "Lời phát biểu và ngày giữ nguyên văn, chỉ bỏ chọn được / Quotations and dates stay word for word: they can only be left out"
    )]
    Verbatim,
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
    /// The brief as this person has it: the parts of its lists in their order, and what was rewritten is marked as theirs.
    ///
    /// # Errors
    /// [`BadChoice`], the brief is then as it was in part: use it no more.
    pub fn apply(&self, brief: &mut Brief) -> Result<(), BadChoice> {
        self.rewrite(&mut brief.title, self.choices.title.as_deref())?;
        self.take(BriefList::Points, &mut brief.points, |point| Some(point))?;
        self.take(BriefList::Figures, &mut brief.figures, |figure| Some(&mut figure.label))?;
        self.take(BriefList::Quotes, &mut brief.quotes, |_| None)?;
        self.take(BriefList::Dates, &mut brief.dates, |_| None)
    }

    /// The chosen parts of a list; `words` are what a person may write otherwise.
    fn take<T: Clone>(
        &self,
        list: BriefList,
        all: &mut Vec<T>,
        words: impl Fn(&mut T) -> Option<&mut Passage>,
    ) -> Result<(), BadChoice> {
        let Some(parts) = self.choices.list(list) else { return Ok(()) };
        let mut chosen = Vec::with_capacity(parts.len());
        for (place, ChosenPart { of, text }) in parts.iter().enumerate() {
            if parts[..place].iter().any(|before| before.of == *of) {
                return Err(BadChoice::Twice(*of));
            }
            let count = all.len();
            let part = all.get(*of).cloned();
            let mut part = part.ok_or(BadChoice::NoSuchPart { list, of: *of, count })?;
            match words(&mut part) {
                Some(passage) => self.rewrite(passage, text.as_deref())?,
                None if text.is_some() => return Err(BadChoice::Verbatim),
                None => {}
            }
            chosen.push(part);
        }
        *all = chosen;
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
        let span = json!({"revision": 1, "block": 0, "start": 0, "end": 1});
        let words = |text: &str| json!({"text": text, "span": span, "edits": []});
        let points: Vec<_> = ["Ý một.", "Ý hai.", "Ý ba."].map(words).into();
        let figure = |value: &str, label: &str| json!({"value": value, "unit": "hộ", "label": words(label), "span": span, "sentence": words("Câu.")});
        let quote = |text: &str| json!({"words": words(text), "speaker": "Ông A", "role": "", "speaker_span": span});
        let date = json!({"date": "2026-12-01", "effective": true, "sentence": words("Câu.")});
        serde_json::from_value(json!({
            "id": "00000000-0000-7000-8000-000000000000", "agency": "demo",
            "article": "00000000-0000-7000-8000-000000000001", "revision": 1,
            "article_digest": "0".repeat(64), "story": "news", "title": words("Tựa"), "sapo": null,
            "points": points, "figures": [figure("287", "lần lượt là 312 và"), figure("30", "mức hỗ trợ")],
            "quotes": [quote("Một lời."), quote("Hai lời.")], "dates": [date], "legal_docs": [], "hashtags": []
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
    fn a_figure_keeps_its_number_and_quotations_and_dates_their_words() {
        let figures = json!([{"of": 1, "text": "mức hỗ trợ mỗi hộ"}]);
        let found =
            applied(json!({"figures": figures, "quotes": [{"of": 1}], "dates": []})).unwrap();
        let [figure] = found.figures.as_slice() else { panic!("{:?}", found.figures) };
        assert_eq!(
            (figure.value.as_str(), figure.label.text.as_str()),
            ("30", "mức hỗ trợ mỗi hộ")
        );
        assert!(figure.label.is_edited() && !figure.sentence.is_edited());
        assert_eq!((found.quotes, found.dates), (brief().quotes[1..].to_vec(), Vec::new()));
        for list in ["quotes", "dates"] {
            let other = json!({list: [{"of": 0, "text": "Lời khác."}]});
            assert_eq!(applied(other).unwrap_err(), BadChoice::Verbatim);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let long = "ẫ".repeat(MOST_LETTERS + 1);
        for (choices, why) in [
            (
                json!({"points": [{"of": 3}]}),
                BadChoice::NoSuchPart { list: BriefList::Points, of: 3, count: 3 },
            ),
            (
                json!({"dates": [{"of": 1}]}),
                BadChoice::NoSuchPart { list: BriefList::Dates, of: 1, count: 1 },
            ),
            (json!({"figures": [{"of": 0}, {"of": 0}]}), BadChoice::Twice(0)),
            (json!({"figures": [{"of": 0, "text": " "}]}), BadChoice::Empty),
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
            "points": [{"of": 0}], "figures": [], "quotes": [{"of": 0}], "dates": [{"of": 0}],
        });
        let read: Choices = serde_json::from_value(full.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), full);
        for bad in [json!({"focus": {"x": 2, "y": 0}}), json!({"colour": "red"})] {
            assert!(serde_json::from_value::<Choices>(bad).is_err());
        }
    }
}
