//! Brief to the words of one post, within the limits of its format and never cut inside a sentence.

use loa_model::{Article, BodyBlock, Brief, Edit, FormatRule, Link, Passage, PostFormat, Span};
use serde::{Deserialize, Serialize};

/// A picture that an article post may show: index into the files of the post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Which file.
    pub media: usize,
    /// Caption, verbatim; may be empty.
    pub caption: String,
}

/// Where a line comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Origin {
    /// The article, word for word but for recorded edits.
    Article {
        /// Place.
        span: Span,
        /// What was done to the words there.
        edits: Vec<Edit>,
    },
    /// A fixed label with a field of the article's record (publisher, byline, keywords).
    Field,
    /// A fixed label with the short link.
    Link,
}

/// A line of the post and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Field of the post: `title`, `text`, `author`, `body`.
    pub field: String,
    /// The words as they stand there.
    pub text: String,
    /// Where they come from.
    #[serde(flatten)]
    pub origin: Origin,
}

/// The words of a post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Composed {
    /// Title, empty where the format has none.
    pub title: String,
    /// Message, caption or description.
    pub text: String,
    /// Author, empty where the format has none.
    pub author: String,
    /// Blocks of an article post.
    pub body: Vec<BodyBlock>,
    /// Tags without `#`.
    pub tags: Vec<String>,
    /// Every line with its origin, in order.
    pub lines: Vec<Line>,
}

/// Fixed words around the article's own.
pub(crate) struct Labels {
    pub(crate) more: &'static str,
    pub(crate) source: &'static str,
}

pub(crate) fn labels(lang: &str) -> Labels {
    if lang == "vi" || lang.starts_with("vi-") {
        Labels { more: "Xem chi tiết: ", source: "Nguồn: " }
    } else {
        Labels { more: "Read more: ", source: "Source: " }
    }
}

/// The line that says whose article a post is made from.
pub fn source_line(article: &Article) -> String {
    format!("{}{}", labels(&article.lang).source, article.source.publisher)
}

/// Composes the words of one post.
///
/// Only passages of the brief, the source line, the link and the hashtags are used. What does not fit is left out whole:
/// first the last points, then hashtags, then the standfirst. Title, source and link always stay; should even they not fit,
/// [`Capability::check`](loa_model::Capability::check) says so and an editor decides.
pub fn compose(
    article: &Article,
    brief: &Brief,
    rule: &FormatRule,
    format: PostFormat,
    link: &Link,
    pictures: &[Picture],
) -> Composed {
    let labels = labels(&article.lang);
    let allowed = |passage: &&Passage| !passage.text.contains(|c| rule.forbidden.contains(c));
    let mut lines = Vec::new();
    let mut composed = Composed { tags: brief.hashtags.clone(), ..Composed::default() };
    if rule.title.is_some() {
        composed.title.clone_from(&brief.title.text);
        lines.push(of_article("title", &brief.title));
    }
    if let Some(limit) = rule.author {
        // The portal speaks; a byline only where the portal has no name or too long a one.
        let names = std::iter::once(&article.source.publisher).chain(&article.authors);
        let name =
            names.filter(|name| !name.is_empty()).find(|name| limit.unit.count(name) <= limit.max);
        composed.author = name.cloned().unwrap_or_default();
        lines.push(Line {
            field: "author".into(),
            text: composed.author.clone(),
            origin: Origin::Field,
        });
    }
    let source = (!article.source.publisher.is_empty()).then(|| Line {
        field: "text".into(),
        text: source_line(article),
        origin: Origin::Field,
    });
    // Nobody is sent to an address that is not there.
    let more = (!link.url.is_empty()).then(|| Line {
        field: "text".into(),
        text: format!("{}{}", labels.more, link.url),
        origin: Origin::Link,
    });

    if format == PostFormat::Article {
        // A page of its own: the words under its title are one passage, everything else is its body.
        let passages = brief.sapo.iter().chain(&brief.points).filter(allowed);
        let fits = |p: &&Passage| rule.text.unit.count(&p.text) <= rule.text.max;
        let summary = passages.into_iter().find(fits);
        let mut text = summary.map(|p| of_article("text", p)).into_iter().collect::<Vec<_>>();
        if rule.link_in_text {
            text.extend(more.clone());
        }
        composed.text = text.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
        lines.extend(text);
        let tail = source.into_iter().chain(more.filter(|_| !rule.link_in_text));
        composed.body = page(brief, pictures, summary, &mut lines, &allowed);
        for line in tail {
            composed.body.push(BodyBlock::Text { text: line.text.clone() });
            lines.push(Line { field: "body".into(), ..line });
        }
        composed.lines = lines;
        return composed;
    }

    let mut draft = Message {
        title: rule.title.is_none().then(|| of_article("text", &brief.title)),
        sapo: brief.sapo.as_ref().filter(allowed).map(|p| of_article("text", p)),
        points: brief.points.iter().filter(allowed).map(|p| of_article("text", p)).collect(),
        more: more.filter(|_| rule.link_in_text),
        source,
        hashtags: brief.hashtags.iter().map(|tag| format!("#{tag}")).collect(),
    };
    // Beside moving pictures and one card few points are read; text and albums have room.
    draft.points.truncate(match format {
        PostFormat::ShortVideo => 2,
        PostFormat::Photo => 4,
        _ => 6,
    });
    while rule.text.unit.count(&draft.text()) > rule.text.max && draft.drop_least() {}
    composed.text = draft.text();
    lines.extend(draft.into_lines());
    composed.lines = lines;
    composed
}

fn of_article(field: &str, passage: &Passage) -> Line {
    let origin = Origin::Article { span: passage.span, edits: passage.edits.clone() };
    Line { field: field.to_owned(), text: passage.text.clone(), origin }
}

/// The body of an article post: cover first, then points with pictures between them, then one quotation.
fn page(
    brief: &Brief,
    pictures: &[Picture],
    summary: Option<&Passage>,
    lines: &mut Vec<Line>,
    allowed: &dyn Fn(&&Passage) -> bool,
) -> Vec<BodyBlock> {
    let mut body = Vec::new();
    let mut pictures =
        pictures.iter().map(|p| BodyBlock::Picture { media: p.media, caption: p.caption.clone() });
    body.extend(pictures.next());
    let rest =
        brief.sapo.iter().chain(&brief.points).filter(allowed).filter(|p| Some(*p) != summary);
    for (number, passage) in rest.enumerate() {
        body.push(BodyBlock::Text { text: passage.text.clone() });
        lines.push(of_article("body", passage));
        if number % 2 == 1 {
            body.extend(pictures.next());
        }
    }
    if let Some(quote) = brief.quotes.first().filter(|quote| allowed(&&quote.words)) {
        let who = if quote.role.is_empty() {
            quote.speaker.clone()
        } else {
            format!("{}, {}", quote.speaker, quote.role)
        };
        let text = format!("“{}” – {who}", quote.words.text);
        body.push(BodyBlock::Text { text: text.clone() });
        lines.push(Line { text, ..of_article("body", &quote.words) });
    }
    body.extend(pictures);
    body
}

/// A message in its parts.
struct Message {
    title: Option<Line>,
    sapo: Option<Line>,
    points: Vec<Line>,
    more: Option<Line>,
    source: Option<Line>,
    hashtags: Vec<String>,
}

impl Message {
    /// Leaves out the part that is missed least; false when nothing may go any more.
    fn drop_least(&mut self) -> bool {
        // One point is worth more than hashtags, and hashtags more than a second point.
        if self.points.len() > 1 {
            return self.points.pop().is_some();
        }
        if !self.hashtags.is_empty() {
            return self.hashtags.pop().is_some();
        }
        self.points.pop().is_some() || self.sapo.take().is_some()
    }

    fn text(&self) -> String {
        let points = self
            .points
            .iter()
            .map(|line| format!("• {}", line.text))
            .collect::<Vec<_>>()
            .join("\n");
        let line =
            |line: &Option<Line>| line.as_ref().map(|line| line.text.clone()).unwrap_or_default();
        let foot = [line(&self.more), line(&self.source), self.hashtags.join(" ")];
        let foot = foot.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
        let parts = [line(&self.title), line(&self.sapo), points, foot];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    fn into_lines(self) -> impl Iterator<Item = Line> {
        let tags = self.hashtags.join(" ");
        let tags = (!tags.is_empty()).then(|| Line {
            field: "text".into(),
            text: tags,
            origin: Origin::Field,
        });
        self.title
            .into_iter()
            .chain(self.sapo)
            .chain(self.points)
            .chain(self.more)
            .chain(self.source)
            .chain(tags)
    }
}
