//! How much of a brief a card shows: what is tried, fullest first, and always whole pieces.

use std::{cmp::Reverse, ops::Range};

use loa_canvas::{
    Manifest, Size,
    chart::{Chart, Kind},
};
use loa_model::{Brief, Passage};

use crate::details::Lead;

/// Characters beyond which no card holds a point, a step, a quotation: it is not even tried, layout of endless text takes minutes.
const MAX_POINT: usize = 500;
/// Fewer events are no timeline.
const FEWEST_EVENTS: usize = 2;

/// A page of a carousel and its part of the list that is spread over the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// Which, from 1.
    pub(crate) number: usize,
    /// Of how many.
    pub(crate) of: usize,
    /// First item.
    pub(crate) first: usize,
    /// Items.
    pub(crate) count: usize,
}

/// Whole pieces of a brief.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount {
    /// Points, or actions of a bulletin, from the first.
    pub(crate) points: usize,
    /// Figures, from the first.
    pub(crate) figures: usize,
    /// Whether steps come with their text, or with their titles only.
    pub(crate) texts: bool,
    /// Events, up to the last.
    pub(crate) events: usize,
    /// The page of a carousel; its part of the list is drawn, whatever the other fields say.
    pub(crate) page: Option<Page>,
    /// A chart as bars, whatever kind says most.
    pub(crate) bars: bool,
}

impl Amount {
    fn of(points: usize, figures: usize) -> Self {
        Self { points, figures, texts: true, events: 0, page: None, bars: false }
    }

    /// Points of so many, or actions of a bulletin.
    pub(crate) fn points(self, all: usize) -> Range<usize> {
        self.part(all, 0..self.points)
    }

    /// Steps or rows of so many: all of them, where there is one card.
    pub(crate) fn whole(self, all: usize) -> Range<usize> {
        self.part(all, 0..all)
    }

    /// Events of so many.
    pub(crate) fn events(self, all: usize) -> Range<usize> {
        self.part(all, all.saturating_sub(self.events)..all)
    }

    fn part(self, all: usize, card: Range<usize>) -> Range<usize> {
        let page = self.page.map_or(card, |page| page.first..page.first + page.count);
        page.start.min(all)..page.end.min(all)
    }
}

/// What to try on a card of this size, fullest first. Nothing when its lead has more items than this size draws, or is endless.
pub(crate) fn amounts(brief: &Brief, lang: &str, manifest: &Manifest, size: &Size) -> Vec<Amount> {
    let lead = Lead::of(manifest).filter(|lead| lead.is_in(brief, lang));
    if lead.is_some_and(|lead| lead.passages(brief).any(|passage| !is_short(passage))) {
        return Vec::new();
    }
    match lead {
        Some(Lead::Steps) if brief.steps.len() > size.max_points => Vec::new(),
        // A procedure that lacks a step is wrong.
        Some(Lead::Steps) => {
            let short = Amount { texts: false, ..Amount::of(0, 0) };
            let has_texts = brief.steps.iter().any(|step| step.text.is_some());
            [Amount::of(0, 0)].into_iter().chain(has_texts.then_some(short)).collect()
        }
        // The oldest go first.
        Some(Lead::Events) => (FEWEST_EVENTS..=brief.events.len().min(size.max_points))
            .rev()
            .map(|events| Amount { events, ..Amount::of(0, 0) })
            .collect(),
        Some(Lead::Table) => {
            let rows = brief.table.iter().map(|table| table.rows.len()).sum::<usize>();
            (rows <= size.max_points).then_some(Amount::of(0, 0)).into_iter().collect()
        }
        // Labels that do not fit under a line or beside a column fit beside bars.
        Some(Lead::Chart) => {
            let table = brief.table.iter().filter(|table| table.rows.len() <= size.max_points);
            let charts = table.filter_map(|table| Chart::of(table, lang));
            let bars = Amount { bars: true, ..Amount::of(0, 0) };
            charts
                .flat_map(|chart| {
                    let own = (chart.kind != Kind::Bars).then_some(Amount::of(0, 0));
                    own.into_iter().chain([bars])
                })
                .collect()
        }
        lead => {
            let points = match lead {
                Some(Lead::Bulletin) => brief.bulletin.iter().flat_map(|b| &b.actions).collect(),
                _ if draws(manifest, "points") => brief.points.iter().collect(),
                _ => Vec::new(),
            };
            let figures = if draws(manifest, "figures") { brief.figures.len() } else { 0 };
            points_and_figures(&points, figures, size)
        }
    }
}

/// Items of the list that a carousel of this family spreads, or nothing when the family leads with no list or with another
/// one than the brief has.
pub(crate) fn spread(brief: &Brief, lang: &str, manifest: &Manifest) -> Option<usize> {
    let lead = Lead::of(manifest).filter(|lead| lead.is_in(brief, lang))?;
    let whole = lead.passages(brief).all(is_short);
    let items = match lead {
        Lead::Steps => brief.steps.len(),
        Lead::Events => brief.events.len(),
        Lead::Table => brief.table.as_ref()?.rows.len(),
        Lead::Bulletin => brief.bulletin.as_ref()?.actions.len(),
        Lead::Chart | Lead::Correction | Lead::Quote | Lead::Documents => 0,
    };
    (whole && items > 0).then_some(items)
}

/// The pages of a carousel of so many: lists are of equal length, the earlier pages a little shorter, since the first has the
/// large headline.
pub(crate) fn pages(items: usize, of: usize) -> Vec<Amount> {
    let (short, longer) = (items / of, items % of);
    let mut first = 0;
    let page = |number: usize| {
        let count = short + usize::from(number > of - longer);
        let page = Page { number, of, first, count };
        first += count;
        Amount { page: Some(page), ..Amount::of(0, 0) }
    };
    (1..=of).map(page).collect()
}

fn is_short(passage: &Passage) -> bool {
    passage.text.chars().count() <= MAX_POINT
}

/// Whether a template draws a field; one that does not say draws all.
pub(crate) fn draws(manifest: &Manifest, field: &str) -> bool {
    manifest.draws.is_empty() || manifest.draws.iter().any(|drawn| drawn == field)
}

/// As many as fit, a figure before a point. A figure is worth more than a third point, two points are worth more than the figure,
/// and a headline alone is a card too.
fn points_and_figures(points: &[&Passage], figures: usize, size: &Size) -> Vec<Amount> {
    let points = points.iter().take(size.max_points).take_while(|point| is_short(point)).count();
    let figures = figures.min(size.max_figures);
    let few = points.min(2);
    let one = figures.min(1);
    let mut tries: Vec<(usize, usize)> = (few..=points)
        .flat_map(|points| (one..=figures).map(move |figures| (points, figures)))
        .collect();
    tries.sort_by_key(|(points, figures)| Reverse((points + figures, *figures)));
    tries.extend((1..=points).rev().map(|points| (points, 0)));
    tries.extend([(1.min(points), one), (0, one), (0, 0)]);
    let mut seen = Vec::new();
    tries.retain(|amount| {
        let new = !seen.contains(amount);
        seen.push(*amount);
        new
    });
    tries.into_iter().map(|(points, figures)| Amount::of(points, figures)).collect()
}

#[cfg(test)]
mod tests {
    use loa_model::{Figure, Span};
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_hold_every_item_once_and_in_order() {
        for (items, of, want) in [
            (9, 2, vec![0..4, 4..9]),
            (7, 3, vec![0..2, 2..4, 4..7]),
            (8, 3, vec![0..2, 2..5, 5..8]),
            (3, 3, vec![0..1, 1..2, 2..3]),
        ] {
            let pages = pages(items, of);
            let parts: Vec<_> = pages.iter().map(|amount| amount.whole(items)).collect();
            assert_eq!(parts, want);
            assert_eq!(pages[0].points(items), want[0]);
            let last = pages.last().and_then(|amount| amount.page).unwrap();
            assert_eq!((last.number, last.of), (of, of));
        }
        let card = Amount { events: 2, ..Amount::of(3, 0) };
        assert_eq!((card.points(9), card.whole(9), card.events(9)), (0..3, 0..9, 7..9));
    }

    #[test]
    fn points_go_before_the_figure_and_the_headline_stays() {
        let mut size: Size = serde_json::from_value(json!({
            "id": "portrait", "px": [1080, 1350], "max_points": 4, "max_figures": 1
        }))
        .unwrap();
        let manifest: Manifest = serde_json::from_value(json!({
            "version": "1", "name_vi": "", "name_en": "", "kind": "page"
        }))
        .unwrap();
        let empty = Passage {
            text: String::new(),
            span: Span { revision: 1, block: 0, start: 0, end: 0 },
            edits: Vec::new(),
        };
        let mut brief: Brief = serde_json::from_value(json!({
            "id": "00000000-0000-7000-8000-000000000000", "agency": "demo",
            "article": "00000000-0000-7000-8000-000000000001", "revision": 1,
            "article_digest": "0".repeat(64), "story": "news", "title": empty, "sapo": null,
            "points": [empty, empty, empty], "figures": [], "quotes": [], "dates": [],
            "legal_docs": [], "hashtags": []
        }))
        .unwrap();
        let tried = |brief: &Brief, size: &Size| -> Vec<(usize, usize)> {
            amounts(brief, "vi", &manifest, size).iter().map(|a| (a.points, a.figures)).collect()
        };
        assert_eq!(tried(&brief, &size), [(3, 0), (2, 0), (1, 0), (0, 0)]);
        let figure = Figure {
            value: "1".into(),
            unit: String::new(),
            label: empty.clone(),
            span: empty.span,
            sentence: empty,
        };
        brief.figures.push(figure.clone());
        let fewer = [(3, 0), (2, 0), (1, 0), (1, 1), (0, 1), (0, 0)];
        assert_eq!(tried(&brief, &size), [&[(3, 1), (2, 1)], &fewer[..]].concat());
        brief.figures.push(figure);
        assert_eq!(tried(&brief, &size)[..2], [(3, 1), (2, 1)]);
        size.max_figures = 2;
        let want = [&[(3, 2), (2, 2), (3, 1), (2, 1)], &fewer[..]].concat();
        assert_eq!(tried(&brief, &size), want);
    }
}
