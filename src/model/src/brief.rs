//! What matters in an article, word for word, each piece with its place in the source.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    article::{Article, BlockKind},
    digest::Digest,
    ids::{ArticleId, BriefId, UserId},
    record::{IndexEntry, Record, join},
};

/// A place in a revision: bytes `start..end` of the UTF-8 text of block `block`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Revision of the article.
    pub revision: u32,
    /// Index of the block.
    pub block: u32,
    /// First byte, on a character boundary.
    pub start: u32,
    /// One past the last byte, on a character boundary.
    pub end: u32,
}

impl Span {
    /// The words at this place, or nothing when the place does not exist in the article.
    pub fn of<'a>(&self, article: &'a Article) -> Option<&'a str> {
        if self.revision != article.revision {
            return None;
        }
        article.blocks.get(self.block as usize)?.text.get(self.start as usize..self.end as usize)
    }
}

/// What was done to a verbatim passage. An empty list means word for word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "op")]
pub enum Edit {
    /// These words of the source were left out (a recorded, allowed cut).
    Cut {
        /// The words left out.
        span: Span,
    },
    /// A person rewrote it; shown as “đã biên tập”.
    Rewritten {
        /// Who.
        by: UserId,
        /// When.
        at: Timestamp,
    },
}

/// Words with their place in the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// The words as shown.
    pub text: String,
    /// Their place.
    pub span: Span,
    /// What was done to them.
    pub edits: Vec<Edit>,
}

impl Passage {
    /// Whether the words shown are the words at the place, with only the recorded cuts.
    pub fn is_faithful(&self, article: &Article) -> bool {
        let Some(source) = self.span.of(article) else { return false };
        let mut kept = String::with_capacity(source.len());
        let mut at = self.span.start;
        let mut cuts: Vec<Span> = Vec::new();
        for edit in &self.edits {
            match edit {
                Edit::Cut { span } => cuts.push(*span),
                Edit::Rewritten { .. } => return false,
            }
        }
        cuts.sort();
        for cut in cuts {
            if cut.block != self.span.block || cut.start < at || cut.end > self.span.end {
                return false;
            }
            let Some(piece) = (Span { start: at, end: cut.start, ..self.span }).of(article) else {
                return false;
            };
            kept.push_str(piece);
            at = cut.end;
        }
        let Some(rest) = (Span { start: at, ..self.span }).of(article) else { return false };
        kept.push_str(rest);
        kept.trim() == self.text.trim()
    }

    /// Whether a person rewrote it.
    pub fn is_edited(&self) -> bool {
        self.edits.iter().any(|edit| matches!(edit, Edit::Rewritten { .. }))
    }
}

/// A number that matters: the sentence it stands in is its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// The number as written, with its hedge (`gần 2,5`, `không quá 30`).
    pub value: String,
    /// Unit as written (`triệu đồng`, `%`), may be empty.
    pub unit: String,
    /// What it counts: words of the same sentence.
    pub label: Passage,
    /// Place of value and unit.
    pub span: Span,
    /// The whole sentence.
    pub sentence: Passage,
}

/// Words spoken or written by a named person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The words.
    pub words: Passage,
    /// Name of the speaker, as written.
    pub speaker: String,
    /// Office of the speaker, as written; may be empty.
    pub role: String,
    /// Where the speaker is named.
    pub speaker_span: Span,
}

/// A date that matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateMention {
    /// The date.
    pub date: Date,
    /// Whether it is the date from which something is in force.
    pub effective: bool,
    /// The sentence it stands in.
    pub sentence: Passage,
    /// The date as written, without “ngày” before digits; absent in what earlier releases read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Passage>,
}

/// A legal document named in the article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalDoc {
    /// Number as written, for example `42/2022/NĐ-CP`.
    pub number: String,
    /// Where.
    pub span: Span,
    /// Its kind, the word before the number (`Nghị định`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Passage>,
    /// Who issued it, when the sentence says so (`Chính phủ`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Passage>,
    /// Day of issue as written, when the sentence says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Passage>,
}

/// A step of a procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What to do, in short.
    pub title: Passage,
    /// The rest of what the article says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Passage>,
}

/// Something that happened, or will, on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The day, for the order.
    pub day: Date,
    /// The day as written.
    pub date: Passage,
    /// What.
    pub text: Passage,
}

/// A table: what is compared stands in the first column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Heads of the columns, two or three.
    pub columns: Vec<Passage>,
    /// Cells, as many in each row as there are columns.
    pub rows: Vec<Vec<Passage>>,
}

/// How grave a danger is, as the bulletin says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The number in the words: 1 to 5, as risks of natural disasters are counted.
    pub rank: u8,
    /// The words (`rủi ro thiên tai cấp 3`).
    pub words: Passage,
}

/// A telephone number to call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hotline {
    /// As written.
    pub number: Passage,
    /// Whose it is, the words before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Passage>,
}

/// What an emergency bulletin says. Nothing in it is guessed: what the bulletin does not say is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bulletin {
    /// How grave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Where it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Passage>,
    /// Until when it holds, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Passage>,
    /// What people are told to do, first things first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Passage>,
    /// Whom to call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hotlines: Vec<Hotline>,
}

impl Bulletin {
    fn passages(&self) -> impl Iterator<Item = &Passage> {
        let level = self.level.iter().map(|level| &level.words);
        let hotlines =
            self.hotlines.iter().flat_map(|h| std::iter::once(&h.number).chain(&h.label));
        level.chain(&self.area).chain(&self.until).chain(&self.actions).chain(hotlines)
    }
}

/// A correction that the newsroom published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// What was said.
    pub before: Passage,
    /// What is right.
    pub after: Passage,
    /// Why, when it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Passage>,
}

/// Kind of story: it chooses the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoryKind {
    /// An event or decision.
    News,
    /// Numbers lead.
    Figures,
    /// Words of a person lead.
    Quote,
    /// A legal document explained.
    Decree,
    /// An emergency bulletin.
    Alert,
    /// A procedure, step by step.
    HowTo,
    /// Events in their order.
    Timeline,
    /// A table that compares.
    Comparison,
    /// A correction of something published.
    Correction,
}

impl StoryKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::News,
        Self::Figures,
        Self::Quote,
        Self::Decree,
        Self::Alert,
        Self::HowTo,
        Self::Timeline,
        Self::Comparison,
        Self::Correction,
    ];
}

/// What matters in one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// Id.
    pub id: BriefId,
    /// Agency (tenant).
    pub agency: String,
    /// Article.
    pub article: ArticleId,
    /// Revision it was read from.
    pub revision: u32,
    /// Digest of that revision.
    pub article_digest: Digest,
    /// Kind of story.
    pub story: StoryKind,
    /// Headline, verbatim.
    pub title: Passage,
    /// Standfirst, verbatim.
    pub sapo: Option<Passage>,
    /// Key points in order of importance, each a whole sentence or an allowed cut of one.
    pub points: Vec<Passage>,
    /// Key figures.
    pub figures: Vec<Figure>,
    /// Quotes.
    pub quotes: Vec<Quote>,
    /// Dates.
    pub dates: Vec<DateMention>,
    /// Legal documents.
    pub legal_docs: Vec<LegalDoc>,
    /// Hashtags without `#`, capital per syllable.
    pub hashtags: Vec<String>,
    /// Steps of a procedure, all of them, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Events, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// The first table that compares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// What an emergency bulletin says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bulletin: Option<Bulletin>,
    /// What a correction corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<Correction>,
}

impl Brief {
    /// Every passage: for checks and for provenance.
    pub fn passages(&self) -> impl Iterator<Item = &Passage> {
        std::iter::once(&self.title)
            .chain(&self.sapo)
            .chain(&self.points)
            .chain(self.figures.iter().flat_map(|f| [&f.label, &f.sentence]))
            .chain(self.quotes.iter().map(|q| &q.words))
            .chain(self.dates.iter().flat_map(|d| std::iter::once(&d.sentence).chain(&d.words)))
            .chain(self.legal_docs.iter().flat_map(|d| [&d.name, &d.issuer, &d.date]).flatten())
            .chain(self.steps.iter().flat_map(|s| std::iter::once(&s.title).chain(&s.text)))
            .chain(self.events.iter().flat_map(|e| [&e.date, &e.text]))
            .chain(self.table.iter().flat_map(|t| t.columns.iter().chain(t.rows.iter().flatten())))
            .chain(self.bulletin.iter().flat_map(Bulletin::passages))
            .chain(
                self.correction
                    .iter()
                    .flat_map(|c| [&c.before, &c.after].into_iter().chain(&c.reason)),
            )
    }

    /// Passages that are neither the article's own words nor marked as edited by a person: must be empty.
    pub fn unfaithful(&self, article: &Article) -> Vec<&Passage> {
        self.passages().filter(|p| !p.is_edited() && !p.is_faithful(article)).collect()
    }
}

impl Record for Brief {
    const TABLE: &'static str = "brief";
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry {
            index: "brief_by_article",
            key: join(&[&self.article.to_string(), &format!("{:06}", self.revision)]),
        }]
    }
}

/// Blocks whose sentences may become points.
pub fn is_body(kind: BlockKind) -> bool {
    matches!(kind, BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Quote | BlockKind::Sapo)
}
