//! The words of each scene as data of its template, each string with its origin.

use loa_canvas::chart::Kind;
use loa_model::{Brief, Bulletin, Figure, Passage, Span, Topic};
use serde_json::{Map, Value, json};

use super::{Order, chart, picture};
use crate::{
    counting,
    provenance::Facts,
    timeline::{Drawn, Origin, SceneKind},
};

/// Most actions and telephone numbers of a bulletin on one screen.
const ACTIONS: usize = 4;
const HOTLINES: usize = 2;

/// A plate in the making.
pub(crate) struct Plate<'a, 'b> {
    order: &'b Order<'a>,
    facts: &'b Facts,
    id: &'b str,
    data: Map<String, Value>,
    pub(crate) texts: Vec<Drawn>,
}

/// A part of the words of a scene: page `at` of `of`, on layouts that part them.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// The words of this page; all of them when absent.
    pub(crate) text: Option<String>,
}

impl<'a, 'b> Plate<'a, 'b> {
    pub(crate) fn new(order: &'b Order<'a>, facts: &'b Facts, id: &'b str) -> Self {
        let mut data = Map::new();
        data.insert("lang".into(), json!(order.article.lang));
        Self { order, facts, id, data, texts: Vec::new() }
    }

    pub(crate) fn finish(self) -> (Value, Vec<Drawn>) {
        (Value::Object(self.data), self.texts)
    }

    /// Where the scene stands among the others.
    pub(crate) fn numbered(&mut self, page: usize, pages: usize) {
        self.data.insert("page".into(), json!(page));
        self.data.insert("pages".into(), json!(pages));
    }

    /// Fills it for a topic. `still` layouts have one place for a name, above the words.
    pub(crate) fn fill(&mut self, topic: &Topic, page: &Page, still: bool) {
        let brief = self.order.brief;
        match topic {
            Topic::Title => {
                // A mark takes nothing away: the section stays beside it.
                if brief.title.is_edited() {
                    self.fact("kicker", "section_edited");
                }
                self.text("text", &brief.title, page);
                self.fact("kicker", "section");
            }
            Topic::Sapo => self.some("text", brief.sapo.as_ref(), page),
            Topic::Point(n) => self.some("text", brief.points.get(*n), page),
            Topic::Figure(n) => {
                if let Some(figure) = brief.figures.get(*n) {
                    self.figure(figure, still);
                }
            }
            Topic::Quote(n) => self.quote(brief, *n, page, still),
            Topic::Step(n) => {
                let Some(step) = brief.steps.get(*n) else { return };
                let of = brief.steps.len();
                for (field, number) in [("value", n + 1), ("of", of)] {
                    self.put(field, &number.to_string(), Origin::Counted { of }, false);
                }
                match &step.text {
                    // The title stays in sight while the rest of the step goes by in pages.
                    Some(text) => {
                        self.passage("text", &step.title);
                        self.text("label", text, page);
                    }
                    None => self.text("text", &step.title, page),
                }
            }
            Topic::Event(n) => {
                let Some(event) = brief.events.get(*n) else { return };
                self.passage("value", &event.date);
                self.text("text", &event.text, page);
            }
            Topic::Table => self.table(brief),
            Topic::Chart => self.chart(brief, still),
            Topic::Alert => {
                if let Some(bulletin) = &brief.bulletin {
                    self.alert(brief, bulletin);
                }
            }
            Topic::Picture(n) => self.under(*n, page),
            Topic::Cut(_) => {}
            Topic::End => {
                self.fact("url", "link");
                self.fact("url_short", "link_short");
                self.fact("source", "source");
            }
        }
    }

    fn figure(&mut self, figure: &Figure, still: bool) {
        self.words("value", &figure.value, figure.span);
        self.words("unit", &figure.unit, figure.span);
        self.passage("label", &figure.label);
        if still {
            return;
        }
        let counts = counting::steps(&figure.value);
        for count in &counts {
            let origin = Origin::Counting { to: figure.value.clone() };
            self.listed("counts", count, origin, false);
        }
        if !counts.is_empty() {
            self.data.insert("counts".into(), json!(counts));
        }
    }

    fn quote(&mut self, brief: &Brief, n: usize, page: &Page, still: bool) {
        let Some(quote) = brief.quotes.get(n) else { return };
        self.text("text", &quote.words, page);
        if still {
            self.words("kicker", &quote.speaker, quote.speaker_span);
            return;
        }
        self.words("speaker", &quote.speaker, quote.speaker_span);
        // The office stands somewhere in the block that names the speaker.
        let block = self.order.article.blocks.get(quote.speaker_span.block as usize);
        let end = block.map_or(0, |b| u32::try_from(b.text.len()).unwrap_or(u32::MAX));
        self.words("role", &quote.role, Span { start: 0, end, ..quote.speaker_span });
    }

    fn table(&mut self, brief: &Brief) {
        let Some(table) = &brief.table else { return };
        self.passage("text", &brief.title);
        let texts = |list: &[Passage]| list.iter().map(|p| p.text.clone()).collect::<Vec<_>>();
        for cell in table.columns.iter().chain(table.rows.iter().flatten()) {
            self.cell("table", cell);
        }
        let rows: Vec<Vec<String>> = table.rows.iter().map(|row| texts(row)).collect();
        self.data.insert("table".into(), json!({"columns": texts(&table.columns), "rows": rows}));
    }

    /// The table with the length of each number; the words are its cells.
    fn chart(&mut self, brief: &Brief, still: bool) {
        let (Some(table), Some(chart)) = (&brief.table, chart::of(self.order)) else { return };
        self.passage("text", &brief.title);
        for cell in table.columns.iter().chain(table.rows.iter().flatten()) {
            self.cell("chart", cell);
        }
        // The steepness of a line and small parts of a whole are lost at a few hundred pixels; bars are not.
        let kind = if still { Kind::Bars } else { chart.kind };
        let row = |(cells, lengths): (&Vec<Passage>, Vec<f64>)| {
            let values = cells.iter().skip(1).zip(lengths);
            let values: Vec<Value> =
                values.map(|(cell, length)| json!({"text": cell.text, "length": length})).collect();
            json!({"label": cells.first().map(|label| &label.text), "values": values})
        };
        let rows: Vec<Value> = table.rows.iter().zip(chart.lengths(kind)).map(row).collect();
        let columns: Vec<&str> = table.columns.iter().map(|head| head.text.as_str()).collect();
        let (kind, strong) = (kind.name(), chart.strong);
        let chart = json!({"kind": kind, "columns": columns, "rows": rows, "strong": strong});
        self.data.insert("chart".into(), chart);
    }

    /// What the article says under a photo, or a page of it, and whose the photo is.
    fn under(&mut self, n: usize, page: &Page) {
        let article = self.order.article;
        let photo = u32::try_from(n).unwrap_or(u32::MAX);
        let caption = page.text.as_deref().unwrap_or_else(|| picture::caption(article, n));
        let part = page.text.is_some();
        self.put("text", caption, Origin::Caption { photo, part }, false);
        self.put("source", picture::credit(article, n), Origin::Credit { photo }, false);
    }

    fn alert(&mut self, brief: &Brief, bulletin: &Bulletin) {
        self.passage("text", &brief.title);
        if let Some(level) = &bulletin.level {
            self.cell("level", &level.words);
            let level = json!({"rank": level.rank, "text": level.words.text});
            self.data.insert("level".into(), level);
        }
        for (field, passage) in [("area", &bulletin.area), ("until", &bulletin.until)] {
            if let Some(passage) = passage {
                self.passage(field, passage);
            }
        }
        let actions = bulletin.actions.iter().take(ACTIONS);
        let listed: Vec<&str> = actions.clone().map(|p| p.text.as_str()).collect();
        if !listed.is_empty() {
            self.data.insert("points".into(), json!(listed));
        }
        for action in actions {
            self.cell("points", action);
        }
        let lines = bulletin.hotlines.iter().take(HOTLINES);
        let listed: Vec<Value> = lines
            .clone()
            .map(|line| {
                let label = line.label.as_ref().map_or("", |label| label.text.as_str());
                json!({"number": line.number.text, "label": label})
            })
            .collect();
        if !listed.is_empty() {
            self.data.insert("hotlines".into(), json!(listed));
        }
        for passage in lines.flat_map(|line| std::iter::once(&line.number).chain(&line.label)) {
            self.cell("hotlines", passage);
        }
    }

    fn some(&mut self, field: &str, passage: Option<&Passage>, page: &Page) {
        if let Some(passage) = passage {
            self.text(field, passage, page);
        }
    }

    /// The words of a page, or all of them.
    fn text(&mut self, field: &str, passage: &Passage, page: &Page) {
        self.mark(passage, field);
        match &page.text {
            Some(part) => {
                let origin = Origin::Part { passage: passage.clone() };
                self.put(field, part, origin, passage.is_edited());
            }
            None => self.passage(field, passage),
        }
    }

    fn passage(&mut self, field: &str, passage: &Passage) {
        self.mark(passage, field);
        let origin = Origin::Passage { span: passage.span, edits: passage.edits.clone() };
        self.put(field, &passage.text, origin, passage.is_edited());
    }

    /// What a person rewrote says so above it.
    fn mark(&mut self, passage: &Passage, field: &str) {
        if passage.is_edited() && matches!(field, "text" | "label") {
            self.fact("kicker", "edited");
        }
    }

    fn cell(&mut self, field: &str, passage: &Passage) {
        let origin = Origin::Passage { span: passage.span, edits: passage.edits.clone() };
        self.listed(field, &passage.text, origin, passage.is_edited());
    }

    fn words(&mut self, field: &str, text: &str, span: Span) {
        self.put(field, text, Origin::Words { span }, false);
    }

    pub(crate) fn fact(&mut self, field: &str, fact: &str) {
        let text = self.facts.get(fact).to_owned();
        self.put(field, &text, Origin::Fact { field: fact.into() }, false);
    }

    fn put(&mut self, field: &str, text: &str, origin: Origin, edited: bool) {
        // A mark “đã biên tập” set before is not overwritten by a section.
        if text.is_empty() || self.data.contains_key(field) {
            return;
        }
        self.data.insert(field.into(), json!(text));
        self.listed(field, text, origin, edited);
    }

    fn listed(&mut self, field: &str, text: &str, origin: Origin, edited: bool) {
        if text.is_empty() {
            return;
        }
        let (plate, field, text) = (self.id.to_owned(), field.to_owned(), text.to_owned());
        self.texts.push(Drawn { plate, field, text, origin, edited });
    }
}

/// What kind of scene tells a topic.
pub(crate) fn kind(topic: &Topic) -> SceneKind {
    match topic {
        Topic::Title => SceneKind::Title,
        Topic::Sapo | Topic::Point(_) => SceneKind::Point,
        Topic::Figure(_) => SceneKind::Figure,
        Topic::Quote(_) => SceneKind::Quote,
        Topic::Step(_) | Topic::Event(_) => SceneKind::Step,
        Topic::Table => SceneKind::Table,
        Topic::Chart => SceneKind::Chart,
        Topic::Alert => SceneKind::Alert,
        Topic::Picture(_) => SceneKind::Picture,
        Topic::Cut(_) => SceneKind::Cut,
        Topic::End => SceneKind::End,
    }
}
