//! Clips of an article: the scenes are chosen and drawn here, frames are made and encoded by a child.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

use loa_clip::{
    Bulletin, Film, Folders, Format, Look, Order, PhotoFile, Pictured, Request, Rung, Runner,
    SoundCodec, SoundRate, Spoken, Wanted,
    voice::{Booth, Line, speech::Lang},
};
use loa_model::{Article, Brief, Progress, Storyboard, VariantKind};
use serde_json::{Value, json};

use crate::{
    Error, Made, Result, Studio, Take,
    studio::{on_a_thread, shown_address},
};

/// Most stretches of a clip at once: each takes the memory of its encoders.
const MOST: usize = 8;
/// Name of the voice that says nothing.
const NO_VOICE: &str = "none";

/// What clips are made with.
#[derive(Clone)]
pub struct Cinema {
    runner: Runner,
    cache: Option<PathBuf>,
    workers: usize,
    voices: BTreeMap<String, Arc<Booth>>,
    voice: String,
}

impl Cinema {
    /// Children started by `runner` make them, on up to eight processors; nothing is kept between two clips, and nobody
    /// speaks.
    pub fn new(runner: Runner) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST);
        let voice = NO_VOICE.to_owned();
        Self { runner, cache: None, workers, voices: BTreeMap::new(), voice }
    }

    /// The same, which keeps finished stretches in a folder: what was made is not made again.
    #[must_use]
    pub fn with_cache(self, folder: PathBuf) -> Self {
        Self { cache: Some(folder), ..self }
    }

    /// The same with voices by name; `voice` speaks where nobody chose one.
    #[must_use]
    pub fn with_voices(self, voices: BTreeMap<String, Arc<Booth>>, voice: String) -> Self {
        Self { voices, voice, ..self }
    }

    /// Names of the voices an editor can choose.
    pub fn voices(&self) -> impl Iterator<Item = &str> {
        self.voices.keys().map(String::as_str)
    }

    /// The booth of a voice; nothing where nobody speaks.
    fn booth(&self, chosen: Option<&str>) -> Result<Option<&Booth>> {
        let name = chosen.unwrap_or(&self.voice);
        if name == NO_VOICE {
            return Ok(None);
        }
        let gone = || Error::Missing { what: "voice", id: name.to_owned() };
        let booth = self.voices.get(name).ok_or_else(gone)?;
        Ok(Some(booth).filter(|booth| booth.is_on()).map(AsRef::as_ref))
    }
}

/// What is made of each film of a kind.
fn films(kind: VariantKind) -> Vec<(Format, Wanted)> {
    let of = |format, rungs| (format, Wanted { rungs, bulletins: Vec::new() });
    match kind {
        VariantKind::LongClip => {
            vec![of(Format::Long, vec![Rung::master("1080p"), Rung::half("540p")])]
        }
        VariantKind::SquareClip => vec![of(Format::Square, vec![Rung::master("1080p")])],
        VariantKind::LowBand => vec![
            of(Format::Low, vec![Rung::low_band("360p", 148, 28)]),
            of(Format::Lowest, vec![Rung::low_band("240p", 62, 24)]),
        ],
        VariantKind::Audio => {
            let bulletins = [
                ("m4a", SoundCodec::Aac, 48),
                ("opus", SoundCodec::Opus, 24),
                ("mp3", SoundCodec::Mp3, 48),
            ];
            let bulletins = bulletins.map(|(name, codec, kbps)| Bulletin {
                name: name.to_owned(),
                sound: SoundRate { codec, channels: 1, kbps },
            });
            vec![(Format::Low, Wanted { rungs: Vec::new(), bulletins: bulletins.into() })]
        }
        _ => vec![of(Format::Short, vec![Rung::master("1080p"), Rung::half("540p")])],
    }
}

impl Studio {
    /// Makes the files of a clip and says where each drawn string comes from.
    pub(crate) async fn clip(
        &self,
        kind: VariantKind,
        take: Take<'_>,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(Vec<Made>, Value)> {
        let step = |step: &str| {
            progress(Progress { step: step.to_owned(), done: 0, total: 0, eta_ms: None });
        };
        step("render.voice");
        let stories = self.told(kind, take).await?;
        step("render.layers");
        let (request, report) = self.prepared(stories, take).await?;
        let cinema = &self.cinema;
        let outputs = loa_clip::render(&request, &cinema.runner, take.cancel, progress).await?;
        // Renditions of a second film are beside those of the first; stills and captions are the first one's.
        let made = outputs.into_iter().filter_map(|output| {
            let of_rung = request.films[output.film].rungs.iter().any(|r| r.name == output.name);
            (output.film == 0 || of_rung).then_some(Made {
                name: output.name,
                path: output.path,
                mime: output.mime,
                width: output.width,
                height: output.height,
                duration_ms: output.duration_ms,
                bytes: output.bytes,
                alt: output.alt,
            })
        });
        Ok((made.collect(), report))
    }

    /// The scenes of each film of a kind, and who says them.
    async fn told(&self, kind: VariantKind, take: Take<'_>) -> Result<Vec<Story>> {
        let mut stories: Vec<Story> = Vec::new();
        let chosen = take.recipe.clip.as_ref();
        let voice = chosen.and_then(|clip| clip.voice.as_deref());
        let booth = self.cinema.booth(voice)?;
        if kind == VariantKind::Audio && booth.is_none() {
            return Err(Error::NoVoice);
        }
        for (format, wanted) in films(kind) {
            let order = bare(take.article, take.brief);
            let (board, fixed) = board(&order, format, chosen);
            let spoken = match booth {
                None => Vec::new(),
                Some(booth) => {
                    let lang =
                        if take.article.lang.starts_with("vi") { Lang::Vi } else { Lang::En };
                    let script = loa_clip::script(&order, &board);
                    let lines: Vec<Line> =
                        script.iter().map(|(_, text)| Line { lang, text: text.clone() }).collect();
                    let takes = booth.speak(&lines, take.cancel).await?;
                    let ms = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
                    let spoken = script.iter().zip(takes).map(|((beat, _), take)| Spoken {
                        beat: *beat,
                        path: take.path,
                        digest: take.digest.to_string(),
                        ms: ms(take.ms),
                        lead_ms: ms(take.lead_ms),
                        tail_ms: ms(take.tail_ms),
                    });
                    spoken.collect()
                }
            };
            stories.push(Story { format, wanted, board, fixed, spoken });
        }
        Ok(stories)
    }

    /// Everything the child needs: checked words, drawn layers.
    async fn prepared(&self, stories: Vec<Story>, take: Take<'_>) -> Result<(Request, Value)> {
        let (engine, decoded) = (Arc::clone(&self.engine), Arc::clone(&self.decoded));
        let (article, brief, recipe) =
            (take.article.clone(), take.brief.clone(), take.recipe.clone());
        let (on_disk, cancel) = (take.photos.to_vec(), take.cancel.clone());
        let (work, out) = (take.work.to_path_buf(), take.out.to_path_buf());
        let cache = self.cinema.cache.clone().unwrap_or_else(|| work.join("stretches"));
        let workers = self.cinema.workers;
        on_a_thread(move || {
            let engine = engine.get()?;
            folder(&cache)?;
            let mut photos = Vec::new();
            let mut pictured = Vec::new();
            for photo in &on_disk {
                let index = u32::try_from(photo.index).unwrap_or(u32::MAX);
                let seen = decoded.of(&photo.bytes).map_err(loa_infographic::Error::from)?.focus();
                pictured.push(Pictured { index, focus: (seen.x, seen.y) });
                photos.push(PhotoFile { index, path: photo.path.clone() });
            }
            let look = Look::of(&engine, &recipe.brand).map_err(loa_infographic::Error::from)?;
            let link = article.source.canonical_url.clone();
            let shown = shown_address(&link);
            let order = Order {
                article: &article,
                brief: &brief,
                link: &link,
                link_short: &shown,
                photos: &pictured,
                look,
            };
            let mut films: Vec<Film> = Vec::new();
            let mut report = Vec::new();
            for (n, story) in stories.into_iter().enumerate() {
                let Story { format, wanted, board, fixed, spoken } = story;
                // A second film has files of the same names.
                let (work, out) = if n == 0 {
                    (work.clone(), out.clone())
                } else {
                    (work.join(n.to_string()), out.join(n.to_string()))
                };
                folder(&work)?;
                folder(&out)?;
                let folders = Folders { work: &work, out: &out };
                let canvas = (&*engine, recipe.brand.as_str());
                let told = (format, &board, fixed);
                let film =
                    loa_clip::film(&order, told, &spoken, canvas, &wanted, folders, &cancel)?;
                report.push(loa_clip::provenance::report(&film.timeline));
                films.push(film);
            }
            let report = if report.len() == 1 { report.remove(0) } else { json!(report) };
            let request = Request { films, photos, videos: Vec::new(), cache, workers };
            Ok((request, report))
        })
        .await
    }
}

/// A film before its layers are drawn.
struct Story {
    format: Format,
    wanted: Wanted,
    board: Storyboard,
    fixed: bool,
    spoken: Vec<Spoken>,
}

/// What decides the scenes, without what decides how they look.
fn bare<'a>(article: &'a Article, brief: &'a Brief) -> Order<'a> {
    let look = Look { ground: [0; 3], accent: [0; 3], shared: false };
    Order { article, brief, link: "", link_short: "", photos: &[], look }
}

/// The scenes a person chose, or as the engine tells the story; and whether a person did.
fn board(order: &Order<'_>, format: Format, chosen: Option<&Storyboard>) -> (Storyboard, bool) {
    match chosen {
        Some(chosen) if !chosen.beats.is_empty() => (chosen.clone(), true),
        Some(chosen) => {
            (Storyboard { beats: loa_clip::propose(order, format).beats, ..chosen.clone() }, false)
        }
        None => (loa_clip::propose(order, format), false),
    }
}

/// Whether an article has enough to tell for a clip of this kind.
pub(crate) fn fills(kind: VariantKind, article: &Article, brief: &Brief) -> bool {
    if kind != VariantKind::LongClip {
        return true;
    }
    let order = bare(article, brief);
    let board = loa_clip::propose(&order, Format::Long);
    loa_clip::cast(&order, Format::Long, &board, &[], false).is_ok()
}

fn folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|error| Error::Disk {
        what: "the work folder cannot be made",
        why: format!("{}: {error}", path.display()),
    })
}
