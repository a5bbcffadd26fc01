//! From a brief to a film: which scenes, for how long, with which words.

use loa_model::{Article, Beat, Brief, Cut, MediaCount, Music, Passage, Storyboard, Topic};

use crate::{
    Error, Result,
    score::{Heard, Score},
    timeline::{Canvas, Timeline},
};

mod board;
mod build;
mod chart;
mod cues;
mod layout;
pub(crate) mod picture;
mod plates;

pub use layout::Look;

use layout::Layout;

/// What a clip is made of.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The revision the brief was read from.
    pub article: &'a Article,
    /// What matters in it.
    pub brief: &'a Brief,
    /// Address inside the QR code.
    pub link: &'a str,
    /// Address as shown.
    pub link_short: &'a str,
    /// The article's photos that can be shown, in order.
    pub photos: &'a [Pictured],
    /// What is known of the article's videos.
    pub videos: &'a [Filmed],
    /// Colours of the brand.
    pub look: Look,
}

impl Order<'_> {
    /// Where the camera looks in each frame of a piece that is cropped; nothing when nobody looked.
    fn followed(&self, cut: &Cut, canvas: (u32, u32)) -> Vec<[f64; 2]> {
        let video = self.videos.iter().find(|video| video.index as usize == cut.video);
        let paths = video.into_iter().flat_map(|video| &video.paths);
        let mut same = paths.filter(|path| (path.from_ms, path.canvas) == (cut.from_ms, canvas));
        same.next().map(|path| path.middles.clone()).unwrap_or_default()
    }
}

/// What is known of a video of the article.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filmed {
    /// Index into the videos of the article.
    pub index: u32,
    /// Pieces worth showing, milliseconds, in their order.
    pub cuts: Vec<(u32, u32)>,
    /// Pieces that were looked at for a camera that follows.
    pub paths: Vec<Followed>,
}

/// Where a camera looks that follows what moves in a piece of a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// First moment of the piece, milliseconds.
    pub from_ms: u32,
    /// Size of the frame the piece is cropped to.
    pub canvas: (u32, u32),
    /// The middle of the view in each frame: shares from the left and from the top.
    pub middles: Vec<[f64; 2]>,
}

/// A photo of the article that can be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pictured {
    /// Index into the photos of the article.
    pub index: u32,
    /// What stands out on it: shares from the left and from the top.
    pub focus: (f64, f64),
    /// Pixels, upright: width and height.
    pub size: (u32, u32),
}

impl Pictured {
    /// A photo whose middle matters, a little above it, as on most photos of people.
    pub fn middle(index: u32, size: (u32, u32)) -> Self {
        Self { index, focus: (0.5, 0.42), size }
    }
}

/// Shape and purpose of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// 9:16 at 1080×1920, 15–60 s: photos that move, transitions, captions.
    Short,
    /// 16:9 at 1920×1080, 60–180 s.
    Long,
    /// 1:1 at 1080×1080, 15–60 s.
    Square,
    /// 9:16 at 360×640 for slow links: very big type, still pictures, hard cuts.
    Low,
    /// 9:16 at 240×426 for the slowest links.
    Lowest,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Short, Self::Long, Self::Square, Self::Low, Self::Lowest];

    /// Its frames.
    pub fn canvas(self) -> Canvas {
        self.layout().canvas
    }

    /// Whether its pictures stand still and follow one another at once.
    pub fn is_still(self) -> bool {
        self.layout().still
    }

    pub(crate) fn layout(self) -> &'static Layout {
        match self {
            Self::Short => &layout::SHORT,
            Self::Long => &layout::LONG,
            Self::Square => &layout::SQUARE,
            Self::Low => &layout::LOW,
            Self::Lowest => &layout::LOWEST,
        }
    }
}

/// The words of one scene as a voice says them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// Index of the beat.
    pub beat: usize,
    /// A WAV file of one channel.
    pub path: std::path::PathBuf,
    /// Digest of its bytes.
    pub digest: String,
    /// Milliseconds of the file.
    pub ms: u32,
    /// Silence at its start, milliseconds.
    pub lead_ms: u32,
    /// Silence at its end, milliseconds.
    pub tail_ms: u32,
}

impl Spoken {
    /// Milliseconds in which something is said.
    fn sounding(&self) -> u32 {
        self.ms.saturating_sub(self.lead_ms).saturating_sub(self.tail_ms)
    }
}

/// The scenes as the engine would tell this story in this format, and how many of them can go when there is no time: the
/// end card is last, what matters least is before it.
pub fn propose(order: &Order<'_>, format: Format) -> Storyboard {
    board::propose(order, format.layout())
}

/// Everything that can be told of a brief in this format, in the order of the brief: what a person chooses from. Every photo
/// that can be shown is there to be shown whole; parts of videos are not among it; a table that can be a chart is there as both.
pub fn topics(order: &Order<'_>, format: Format) -> Vec<Topic> {
    let (brief, layout) = (order.brief, format.layout());
    let tables = [Topic::Table, Topic::Chart].into_iter();
    let tables = tables.filter(|topic| chart::holds(order, layout, topic));
    let sapo = brief.sapo.iter().filter(|sapo| !board::is_short(sapo)).map(|_| Topic::Sapo);
    let all = std::iter::once(Topic::Title)
        .chain(sapo)
        .chain(brief.bulletin.iter().map(|_| Topic::Alert))
        .chain((0..brief.points.len()).map(Topic::Point))
        .chain((0..brief.figures.len()).map(Topic::Figure))
        .chain((0..brief.quotes.len()).map(Topic::Quote))
        .chain((0..brief.steps.len()).map(Topic::Step))
        .chain((0..brief.events.len()).map(Topic::Event))
        .chain(tables)
        .chain(order.photos.iter().map(|photo| Topic::Picture(photo.index as usize)))
        .chain([Topic::End]);
    all.filter(|topic| layout.shows(topic)).collect()
}

/// What tells instead of a scene that cannot hold its words, when something does: of a chart its table.
pub(crate) fn instead(order: &Order<'_>, format: Format, topic: &Topic) -> Option<Topic> {
    let table = chart::holds(order, format.layout(), &Topic::Table);
    (*topic == Topic::Chart && table).then_some(Topic::Table)
}

/// The words that are told in a scene, parts on lines of their own.
pub fn words(article: &Article, brief: &Brief, topic: &Topic) -> String {
    spoken(article, brief, topic).iter().map(Told::text).collect::<Vec<_>>().join("\n")
}

/// What a voice says, scene by scene: index of the beat and its words. Scenes without words are left out.
pub fn script(order: &Order<'_>, board: &Storyboard) -> Vec<(usize, String)> {
    let said = |(i, beat): (usize, &Beat)| {
        let words = words(order.article, order.brief, &beat.of);
        (!words.is_empty()).then_some((i, words))
    };
    board.beats.iter().enumerate().filter_map(said).collect()
}

/// A film: its frames and what is heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Cast {
    /// Frames.
    pub timeline: Timeline,
    /// Sound.
    pub score: Score,
}

/// Makes the film of a storyboard. `fixed`: every scene was chosen by a person and stays; else scenes go until the film is
/// as short as its format asks.
///
/// A scene lasts as long as asked for, but never shorter than its voice.
///
/// # Errors
/// [`Error::Storyboard`] when it does not fit the brief; [`Error::TooShort`] when there is too little to tell, which a
/// little slowness does not mend; [`Error::Timeline`] when a fixed film is too long for its format.
pub fn cast(
    order: &Order<'_>,
    format: Format,
    board: &Storyboard,
    spoken: &[Spoken],
    fixed: bool,
) -> Result<Cast> {
    let layout = format.layout();
    // Videos are checked by whoever hands them in.
    let media = MediaCount { videos: usize::MAX, ..MediaCount::of(order.article) };
    board.check(order.brief, media)?;
    chart::check(order, layout, board)?;
    picture::check(order, layout, board)?;
    let mut beats: Vec<(usize, &Beat)> = board.beats.iter().enumerate().collect();
    beats.retain(|(_, beat)| {
        layout.shows(&beat.of) && (fixed || picture::is_readable(order, &beat.of))
    });
    let run = |beats: &[(usize, &Beat)], slower| {
        build::Builder::new(order, layout).run(beats, spoken, slower)
    };
    loop {
        let (mut timeline, mut said) = run(&beats, 1.0);
        let seconds = timeline.duration_ms() / 1000;
        if seconds > layout.longest_s {
            if fixed || beats.len() <= 3 {
                let most = layout.longest_s;
                let what = format!(
                    "phim dài {seconds} giây, tối đa {most}: hãy bỏ bớt cảnh / {seconds} s, at most {most} are allowed: remove scenes"
                );
                return Err(Error::Timeline(what));
            }
            // The last one before the end card matters least.
            beats.remove(beats.len() - 2);
            continue;
        }
        if seconds < layout.shortest_s && !fixed {
            // Reading a little slower is better than a clip that is refused; a story stretched to twice its length is not.
            #[expect(clippy::cast_precision_loss, reason = "seconds of a clip")]
            let slower = (layout.shortest_s as f64 + 0.2) * 1000.0 / timeline.duration_ms() as f64;
            if slower > layout.slowest {
                return Err(Error::TooShort { seconds, least: layout.shortest_s });
            }
            (timeline, said) = run(&beats, slower);
        }
        if is_one_piece(board) {
            // Nothing is drawn over a video that is shown as it is.
            timeline.bar_height = 0;
        }
        let score = Score { music: board.music.unwrap_or_default(), said, heard: heard(&timeline) };
        return Ok(Cast { timeline, score });
    }
}

/// Whether a film is one piece of a video and nothing besides: neither scenes nor music.
fn is_one_piece(board: &Storyboard) -> bool {
    let piece = matches!(board.beats.as_slice(), [Beat { of: Topic::Cut(_), .. }]);
    piece && board.music == Some(Music::Silent)
}

/// The sound of the parts of videos that are seen.
fn heard(timeline: &Timeline) -> Vec<Heard> {
    let ms = |frames: u32| frames * 1000 / timeline.canvas.fps;
    let of = |scene: &crate::timeline::Scene| {
        let shot = scene.shot.as_ref()?;
        let crate::timeline::Source::Video { video, from_ms, .. } = shot.source else {
            return None;
        };
        let to_ms = from_ms + ms(scene.frames);
        Some(Heard { video, at_ms: ms(scene.start), from_ms, to_ms })
    };
    timeline.scenes.iter().filter_map(of).collect()
}

/// Words of a scene that are told: a passage, a name with its office, or what stands under a photo.
pub(crate) enum Told<'a> {
    Passage(&'a Passage),
    Speaker(&'a str, &'a str),
    Caption(&'a str),
}

impl Told<'_> {
    fn text(&self) -> String {
        match self {
            Self::Passage(passage) => passage.text.trim().to_owned(),
            Self::Speaker(role, name) => format!("{role} {name}").trim().to_owned(),
            Self::Caption(words) => (*words).to_owned(),
        }
    }
}

/// What is told in a scene, in the order of telling.
pub(crate) fn spoken<'a>(article: &'a Article, brief: &'a Brief, topic: &Topic) -> Vec<Told<'a>> {
    let passages = |list: Vec<&'a Passage>| list.into_iter().map(Told::Passage).collect();
    match topic {
        Topic::Title => {
            let short = brief.sapo.iter().filter(|sapo| board::is_short(sapo));
            passages(std::iter::once(&brief.title).chain(short).collect())
        }
        Topic::Sapo => passages(brief.sapo.iter().collect()),
        Topic::Point(n) => passages(brief.points.get(*n).into_iter().collect()),
        Topic::Figure(n) => {
            passages(brief.figures.get(*n).map(|figure| &figure.sentence).into_iter().collect())
        }
        Topic::Quote(n) => brief.quotes.get(*n).map_or_else(Vec::new, |quote| {
            vec![Told::Speaker(&quote.role, &quote.speaker), Told::Passage(&quote.words)]
        }),
        Topic::Step(n) => passages(brief.steps.get(*n).map_or_else(Vec::new, |step| {
            std::iter::once(&step.title).chain(&step.text).collect()
        })),
        Topic::Event(n) => passages(
            brief.events.get(*n).map_or_else(Vec::new, |event| vec![&event.date, &event.text]),
        ),
        Topic::Alert => passages(brief.bulletin.as_ref().map_or_else(Vec::new, |bulletin| {
            let level = bulletin.level.iter().map(|level| &level.words);
            level.chain(&bulletin.area).chain(&bulletin.until).chain(&bulletin.actions).collect()
        })),
        Topic::Picture(n) => {
            let words = picture::caption(article, *n);
            if words.is_empty() { Vec::new() } else { vec![Told::Caption(words)] }
        }
        Topic::Table | Topic::Chart | Topic::Cut(_) | Topic::End => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
