//! Which scenes tell a story, by its kind.

use loa_model::{Beat, Cut, Fit, Passage, StoryKind, Storyboard, Topic};

use super::{Filmed, Layout, Order, chart, picture};
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
pub(crate) fn propose(order: &Order<'_>, layout: &Layout) -> Storyboard {
    let (brief, videos) = (order.brief, order.videos);
    // What somebody drew is seen once what it is about was said: one after each of the first points.
    let drawn = picture::told(order).filter(|topic| layout.shows(topic));
    let mut drawn = drawn.take(if layout.whole { 2 } else { 1 }).peekable();
    // A standfirst that is too long for the title's scene is the first point, unless points are from it already.
    let sapo = brief.sapo.iter().filter(|sapo| {
        let taken = |point: &Passage| point.span.block == sapo.span.block;
        !is_short(sapo)
            && caption::length(&sapo.text) <= LONGEST_SAPO
            && !brief.points.iter().any(taken)
    });
    let mut points = sapo.map(|_| Topic::Sapo).chain((0..brief.points.len()).map(Topic::Point));
    // A long film tells a sentence once, however many figures it holds.
    let again = |n: usize| {
        let span = brief.figures[n].sentence.span;
        layout.whole && brief.figures[..n].iter().any(|figure| figure.sentence.span == span)
    };
    let mut figures = (0..brief.figures.len()).filter(|n| !again(*n)).map(Topic::Figure);
    let mut quotes = (0..brief.quotes.len()).map(Topic::Quote);
    let mut steps = (0..brief.steps.len()).map(Topic::Step);
    let mut events = (0..brief.events.len()).map(Topic::Event);
    let mut table = chart::best(order, layout).into_iter();
    let mut alert = brief.bulletin.iter().map(|_| Topic::Alert);
    // p point, f figure, q quote, s step, e event, t table or its chart, a alert.
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
    // What was filmed is told between what is said: the first piece right after the headline.
    let mut cuts = cuts(videos, if layout.whole { 4 } else { 2 }).into_iter();
    beats.extend(cuts.next().map(Topic::Cut).filter(|topic| layout.shows(topic)).map(Beat::from));
    for (n, topic) in chosen.filter(|topic| layout.shows(topic)).enumerate() {
        let is_point = matches!(topic, Topic::Sapo | Topic::Point(_));
        beats.push(topic.into());
        beats.extend(drawn.next_if(|_| is_point).map(Beat::from));
        if n % 2 == 1 {
            let cut = cuts.next().map(Topic::Cut).filter(|topic| layout.shows(topic));
            beats.extend(cut.map(Beat::from));
        }
    }
    beats.extend(drawn.map(Beat::from));
    beats.push(Topic::End.into());
    Storyboard { beats, ..Storyboard::default() }
}

/// Longest piece of a video that the engine shows, milliseconds.
const LONGEST_CUT_MS: u32 = 8_000;
/// Shortest one.
const SHORTEST_CUT_MS: u32 = 2_000;

/// The first pieces of the videos that are worth showing, one video after the other.
fn cuts(videos: &[Filmed], most: usize) -> Vec<Cut> {
    let of = |video: &Filmed| {
        let index = video.index as usize;
        let pieces = video.cuts.iter().map(move |(from, to)| Cut {
            video: index,
            from_ms: *from,
            to_ms: (*to).min(from + LONGEST_CUT_MS),
            fit: Fit::Pad,
        });
        pieces.collect::<Vec<_>>()
    };
    let all = videos.iter().flat_map(of);
    all.filter(|cut| cut.to_ms >= cut.from_ms + SHORTEST_CUT_MS).take(most).collect()
}
