//! What families of cards draw beyond headline, points and figures, each string with its origin.

use loa_canvas::{
    Manifest,
    chart::{Chart, Kind},
};
use loa_model::{Article, Brief, Passage, Quote, Table};
use serde_json::{Map, Value, json};

use crate::{
    Error, Result,
    amount::{Amount, draws},
    trace::{Known, Origin, Squeezed, origin},
};

/// What a family leads with: without it another family says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lead {
    Correction,
    Bulletin,
    Steps,
    Events,
    Table,
    Chart,
    Quote,
    Documents,
}

impl Lead {
    /// Leads by the field that a template draws of them.
    const FIELDS: [(&'static str, Self); 8] = [
        ("correction", Self::Correction),
        ("level", Self::Bulletin),
        ("steps", Self::Steps),
        ("events", Self::Events),
        ("table", Self::Table),
        ("chart", Self::Chart),
        ("quote", Self::Quote),
        ("documents", Self::Documents),
    ];

    /// The lead of a template; nothing for one that leads with headline or figures, or does not say what it draws.
    pub(crate) fn of(manifest: &Manifest) -> Option<Self> {
        let drawn = |field: &str| manifest.draws.iter().any(|drawn| drawn == field);
        Self::FIELDS.into_iter().find(|(field, _)| drawn(field)).map(|(_, lead)| lead)
    }

    /// What it says that must be there whole. The actions of a bulletin are points: fewer of them may be.
    pub(crate) fn passages(self, brief: &Brief) -> Box<dyn Iterator<Item = &Passage> + '_> {
        match self {
            Self::Correction => Box::new(
                brief
                    .correction
                    .iter()
                    .flat_map(|c| [&c.before, &c.after].into_iter().chain(&c.reason)),
            ),
            Self::Bulletin => Box::new(brief.bulletin.iter().flat_map(|b| {
                let hotlines = b.hotlines.iter().flat_map(|h| [Some(&h.number), h.label.as_ref()]);
                let level = b.level.as_ref().map(|level| &level.words);
                [level, b.area.as_ref(), b.until.as_ref()].into_iter().chain(hotlines).flatten()
            })),
            Self::Steps => {
                Box::new(brief.steps.iter().flat_map(|s| std::iter::once(&s.title).chain(&s.text)))
            }
            Self::Events => Box::new(brief.events.iter().flat_map(|e| [&e.date, &e.text])),
            Self::Table | Self::Chart => Box::new(
                brief.table.iter().flat_map(|t| t.columns.iter().chain(t.rows.iter().flatten())),
            ),
            Self::Quote => Box::new(brief.quotes.first().map(|quote| &quote.words).into_iter()),
            Self::Documents => Box::new(brief.legal_docs.first().into_iter().flat_map(|d| {
                [d.name.as_ref(), d.issuer.as_ref(), d.date.as_ref()].into_iter().flatten()
            })),
        }
    }

    /// Whether a brief of an article in this language has it.
    pub(crate) fn is_in(self, brief: &Brief, lang: &str) -> bool {
        match self {
            Self::Correction => brief.correction.is_some(),
            Self::Bulletin => brief.bulletin.is_some(),
            Self::Steps => !brief.steps.is_empty(),
            Self::Events => !brief.events.is_empty(),
            Self::Table => brief.table.is_some(),
            Self::Chart => brief.table.as_ref().is_some_and(|t| Chart::of(t, lang).is_some()),
            Self::Quote => !brief.quotes.is_empty(),
            Self::Documents => !brief.legal_docs.is_empty(),
        }
    }
}

/// Fields of a card with the strings in them, in the order in which they are read.
pub(crate) struct Details<'a> {
    article: &'a Article,
    /// Fields for the template.
    pub(crate) data: Map<String, Value>,
    /// Every string, all of which must be drawn.
    pub(crate) known: Vec<Known>,
}

impl<'a> Details<'a> {
    /// The fields that a template draws, as far as the brief has them.
    ///
    /// # Errors
    /// [`Error::Unfaithful`] for words that are neither the article's nor marked as edited.
    pub(crate) fn of(
        article: &'a Article,
        brief: &Brief,
        manifest: &Manifest,
        amount: Amount,
    ) -> Result<Self> {
        let mut details = Self { article, data: Map::new(), known: Vec::new() };
        match Lead::of(manifest) {
            Some(Lead::Correction) => details.correction(brief)?,
            Some(Lead::Bulletin) => details.bulletin(brief)?,
            Some(Lead::Steps) => details.steps(brief, amount)?,
            Some(Lead::Events) => details.events(brief, amount)?,
            Some(Lead::Table) => details.table(brief, amount)?,
            Some(Lead::Chart) => details.chart(brief, amount)?,
            Some(Lead::Quote) => details.quote(brief.quotes.first())?,
            Some(Lead::Documents) => details.documents(brief, manifest)?,
            None => {}
        }
        Ok(details)
    }

    fn say(&mut self, field: String, passage: &Passage) -> Result<String> {
        let origin = origin(passage, self.article)?;
        self.known.push(Known { field, text: passage.text.clone(), origin, must: true });
        Ok(passage.text.clone())
    }

    fn maybe(&mut self, field: String, passage: Option<&Passage>) -> Result<String> {
        passage.map_or(Ok(String::new()), |passage| self.say(field, passage))
    }

    fn set(&mut self, field: &str, value: Value) {
        self.data.insert(field.to_owned(), value);
    }

    fn correction(&mut self, brief: &Brief) -> Result<()> {
        let Some(correction) = &brief.correction else { return Ok(()) };
        let before = self.say("correction.before".to_owned(), &correction.before)?;
        let after = self.say("correction.after".to_owned(), &correction.after)?;
        let reason = self.maybe("correction.reason".to_owned(), correction.reason.as_ref())?;
        self.set("correction", json!({"before": before, "after": after, "reason": reason}));
        Ok(())
    }

    fn bulletin(&mut self, brief: &Brief) -> Result<()> {
        let Some(bulletin) = &brief.bulletin else { return Ok(()) };
        if let Some(level) = &bulletin.level {
            // The bars say the same number as the words.
            if !level.words.text.contains(&level.rank.to_string()) {
                return Err(Error::Unfaithful(format!("{} {}", level.words.text, level.rank)));
            }
            let text = self.say("level".to_owned(), &level.words)?;
            self.set("level", json!({"rank": level.rank, "text": text}));
        }
        let area = self.maybe("area".to_owned(), bulletin.area.as_ref())?;
        self.set("area", area.into());
        let until = self.maybe("until".to_owned(), bulletin.until.as_ref())?;
        self.set("until", until.into());
        let mut hotlines = Vec::new();
        for (index, hotline) in bulletin.hotlines.iter().enumerate() {
            let label = self.maybe(format!("hotlines.{index}.label"), hotline.label.as_ref())?;
            let number = self.say(format!("hotlines.{index}.number"), &hotline.number)?;
            hotlines.push(json!({"number": number, "label": label}));
        }
        self.set("hotlines", hotlines.into());
        Ok(())
    }

    fn steps(&mut self, brief: &Brief, amount: Amount) -> Result<()> {
        let mut steps = Vec::new();
        let part = amount.whole(brief.steps.len());
        for (index, step) in brief.steps.iter().enumerate().take(part.end).skip(part.start) {
            let title = self.say(format!("steps.{index}.title"), &step.title)?;
            let text = step.text.as_ref().filter(|_| amount.texts);
            let text = self.maybe(format!("steps.{index}.text"), text)?;
            steps.push(json!({"title": title, "text": text}));
        }
        self.set("steps", steps.into());
        Ok(())
    }

    fn events(&mut self, brief: &Brief, amount: Amount) -> Result<()> {
        let mut events = Vec::new();
        let part = amount.events(brief.events.len());
        for (index, event) in brief.events.iter().enumerate().take(part.end).skip(part.start) {
            let date = self.say(format!("events.{index}.date"), &event.date)?;
            let text = self.say(format!("events.{index}.text"), &event.text)?;
            events.push(json!({"date": date, "text": text}));
        }
        self.set("events", events.into());
        Ok(())
    }

    /// Heads and cells, each of which must be drawn.
    fn cells(&mut self, table: &Table, amount: Amount) -> Result<(Vec<String>, Vec<Vec<String>>)> {
        let mut row = |name: String, cells: &[Passage]| -> Result<Vec<String>> {
            let cells = cells.iter().enumerate();
            cells.map(|(at, cell)| self.say(format!("table.{name}.{at}"), cell)).collect()
        };
        let columns = row("columns".to_owned(), &table.columns)?;
        let part = amount.whole(table.rows.len());
        let rows = table.rows.iter().enumerate().take(part.end).skip(part.start);
        let rows = rows.map(|(index, cells)| row(format!("rows.{index}"), cells));
        Ok((columns, rows.collect::<Result<_>>()?))
    }

    fn table(&mut self, brief: &Brief, amount: Amount) -> Result<()> {
        let Some(table) = &brief.table else { return Ok(()) };
        let (columns, rows) = self.cells(table, amount)?;
        self.set("table", json!({"columns": columns, "rows": rows}));
        Ok(())
    }

    /// The table with the length of each number; the words are its cells.
    fn chart(&mut self, brief: &Brief, amount: Amount) -> Result<()> {
        let Some(table) = &brief.table else { return Ok(()) };
        let Some(chart) = Chart::of(table, &self.article.lang) else { return Ok(()) };
        let kind = if amount.bars { Kind::Bars } else { chart.kind };
        let (columns, cells) = self.cells(table, amount)?;
        let rows: Vec<Value> = cells
            .iter()
            .zip(chart.lengths(kind))
            .map(|(cells, lengths)| {
                let values = cells.iter().skip(1).zip(lengths);
                let values: Vec<_> =
                    values.map(|(text, length)| json!({"text": text, "length": length})).collect();
                json!({"label": cells.first(), "values": values})
            })
            .collect();
        let (kind, strong) = (kind.name(), chart.strong);
        self.set(
            "chart",
            json!({"kind": kind, "columns": columns, "rows": rows, "strong": strong}),
        );
        Ok(())
    }

    fn quote(&mut self, quote: Option<&Quote>) -> Result<()> {
        let Some(quote) = quote else { return Ok(()) };
        let words = self.say("quote.words".to_owned(), &quote.words)?;
        // Speaker and office are named in the same block, side by side.
        let near = self.article.blocks.get(quote.speaker_span.block as usize);
        let near = Squeezed::of(near.map_or("", |block| &block.text));
        for (part, text) in [("speaker", &quote.speaker), ("role", &quote.role)] {
            if !near.0.contains(&Squeezed::of(text).0) {
                return Err(Error::Unfaithful(text.clone()));
            }
            let origin = Origin::Span { span: quote.speaker_span, edits: Vec::new() };
            let field = format!("quote.{part}");
            self.known.push(Known { field, text: text.clone(), origin, must: true });
        }
        self.set("quote", json!({"words": words, "speaker": quote.speaker, "role": quote.role}));
        Ok(())
    }

    /// The document the story is about: the one it names first.
    fn documents(&mut self, brief: &Brief, manifest: &Manifest) -> Result<()> {
        if let Some(document) = brief.legal_docs.first() {
            let name = self.maybe("documents.0.name".to_owned(), document.name.as_ref())?;
            let number =
                Passage { text: document.number.clone(), span: document.span, edits: Vec::new() };
            let number = self.say("documents.0.number".to_owned(), &number)?;
            let issuer = self.maybe("documents.0.issuer".to_owned(), document.issuer.as_ref())?;
            let date = self.maybe("documents.0.date".to_owned(), document.date.as_ref())?;
            let document = json!({"name": name, "number": number, "issuer": issuer, "date": date});
            self.set("documents", json!([document]));
        }
        let effective = brief.dates.iter().find(|date| date.effective);
        if let Some(words) = effective.and_then(|date| date.words.as_ref())
            && draws(manifest, "effective")
        {
            let words = self.say("effective".to_owned(), words)?;
            self.set("effective", words.into());
        }
        Ok(())
    }
}
