//! Which scenes tell a story, by its kind.

use loa_model::{Beat, Brief, Passage, StoryKind, Storyboard, Topic};

use super::Layout;
use crate::caption;

/// Longest standfirst that is told with the title, characters; a longer one is a scene of its own.
const SHORT_SAPO: usize = 110;
/// Longest standfirst that makes a scene, characters.
const LONGEST_SAPO: usize = 260;

/// Whether a standfirst is told with the title.
pub(crate) fn is_short(sapo: &Passage) -> bool {
    caption::length(&sapo.text) <= SHORT_SAPO
}

/// Every scene worth telling, what matters most first; whoever has no time for all leaves out from the end.
pub(crate) fn propose(brief: &Brief, layout: &Layout) -> Storyboard {
    // A standfirst that is too long for the title's scene is the first point, unless points are from it already.
    let sapo = brief.sapo.iter().filter(|sapo| {
        let taken = |point: &Passage| point.span.block == sapo.span.block;
        !is_short(sapo)
            && caption::length(&sapo.text) <= LONGEST_SAPO
            && !brief.points.iter().any(taken)
    });
    let mut points = sapo.map(|_| Topic::Sapo).chain((0..brief.points.len()).map(Topic::Point));
    let mut figures = (0..brief.figures.len()).map(Topic::Figure);
    let mut quotes = (0..brief.quotes.len()).map(Topic::Quote);
    let mut steps = (0..brief.steps.len()).map(Topic::Step);
    let mut events = (0..brief.events.len()).map(Topic::Event);
    let mut table = brief.table.iter().map(|_| Topic::Table);
    let mut alert = brief.bulletin.iter().map(|_| Topic::Alert);
    // p point, f figure, q quote, s step, e event, t table, a alert.
    let order: &str = match brief.story {
        StoryKind::News | StoryKind::Correction => "pfpqpp",
        StoryKind::Figures => "ffpfpq",
        StoryKind::Quote => "qppfq",
        StoryKind::Decree => "pppfp",
        StoryKind::Alert => "apppp",
        StoryKind::HowTo => "pssssssssssss",
        StoryKind::Timeline => "peeeeeeeeeeee",
        StoryKind::Comparison => "tpfp",
    };
    // A long film goes on with all there is.
    let rest = if layout.whole { "tpfqppfqppffppfqpppppqfpsssssseeeeee" } else { "" };
    let mut beats: Vec<Beat> = vec![Topic::Title.into()];
    let chosen = order.chars().chain(rest.chars()).filter_map(|kind| match kind {
        'p' => points.next(),
        'f' => figures.next(),
        'q' => quotes.next(),
        's' => steps.next(),
        'e' => events.next(),
        't' => table.next(),
        _ => alert.next(),
    });
    beats.extend(chosen.filter(|topic| layout.shows(topic)).map(Beat::from));
    beats.push(Topic::End.into());
    Storyboard { beats, ..Storyboard::default() }
}
