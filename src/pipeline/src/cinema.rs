//! Clips of an article: the scenes are chosen and drawn here, frames are made and encoded by a child.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

use loa_canvas::DecodedPhoto;
use loa_clip::{
    Bulletin, Film, Filmed, Folders, Format, Look, Order, PhotoFile, Pictured, Rate, Request, Rung,
    Runner, SoundCodec, SoundRate, Spoken, Wanted,
    voice::{self, Booth, Line, speech::Lang},
};
use loa_model::{Article, Brief, ClipPreset, MediaCount, Progress, Storyboard, VariantKind};
use serde_json::{Value, json};

use crate::{
    Error, Made, Result, Studio, Take, VideoOnDisk, kits,
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
    presets: Vec<Preset>,
}

/// How a channel wants a clip to be encoded.
#[derive(Debug, Clone)]
pub struct Preset {
    /// From its capability.
    pub clip: ClipPreset,
    /// Most bytes it takes.
    pub most_bytes: u64,
}

impl Cinema {
    /// Children started by `runner` make them, on up to eight processors; nothing is kept between two clips, and nobody
    /// speaks.
    pub fn new(runner: Runner) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST);
        let voice = NO_VOICE.to_owned();
        Self { runner, cache: None, workers, voices: BTreeMap::new(), voice, presets: Vec::new() }
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

    /// The same, which keeps to what channels ask for.
    #[must_use]
    pub fn with_presets(self, presets: Vec<Preset>) -> Self {
        Self { presets, ..self }
    }

    /// What is made of each film of a kind: what people and pages need, as channels want it, and what only a channel needs.
    pub(crate) fn films(&self, kind: VariantKind) -> Vec<(Format, Wanted)> {
        let mut films = films(kind);
        let plain = films.first().and_then(|(_, wanted)| wanted.rungs.first()).cloned();
        for preset in self.presets.iter().filter(|preset| preset.clip.kind == kind) {
            let named = |rung: &&mut Rung| rung.name == preset.clip.rendition;
            if let Some(rung) =
                films.iter_mut().flat_map(|(_, wanted)| &mut wanted.rungs).find(named)
            {
                preset.bind(rung);
            } else if let Some((_, wanted)) = films.first_mut()
                && let Some(plain) = &plain
            {
                let mut rung = Rung { name: preset.clip.rendition.clone(), ..plain.clone() };
                preset.bind(&mut rung);
                wanted.rungs.push(rung);
            }
        }
        films
    }

    /// Names of the voices an editor can choose.
    pub fn voices(&self) -> impl Iterator<Item = &str> {
        self.voices.keys().map(String::as_str)
    }

    pub(crate) fn runner(&self) -> &Runner {
        &self.runner
    }

    /// Folder of what is kept for clips to come.
    pub(crate) fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// Name of the voice that speaks where nobody chose one.
    pub fn voice(&self) -> &str {
        &self.voice
    }

    /// The booth of a voice; nothing where nobody speaks.
    pub(crate) fn booth(&self, chosen: Option<&str>) -> Result<Option<&Booth>> {
        let name = chosen.unwrap_or(&self.voice);
        if name == NO_VOICE {
            return Ok(None);
        }
        let gone = || Error::Missing { what: "voice", id: name.to_owned() };
        let booth = self.voices.get(name).ok_or_else(gone)?;
        Ok(Some(booth).filter(|booth| booth.is_on()).map(AsRef::as_ref))
    }
}

impl Preset {
    /// Makes a rung keep what the channel asks for, and what others asked for before.
    fn bind(&self, rung: &mut Rung) {
        let Self { clip, most_bytes } = self;
        rung.keyframe_ms = rung.keyframe_ms.min(clip.keyframe_ms);
        rung.edit_list &= clip.edit_list;
        rung.sound.kbps = rung.sound.kbps.max(clip.sound_kbps.unwrap_or_default());
        rung.rate = match rung.rate {
            Rate::Quality(quality) => Rate::Sized { quality, bytes: *most_bytes },
            Rate::Sized { quality, bytes } => {
                Rate::Sized { quality, bytes: bytes.min(*most_bytes) }
            }
            // So few bits are below any limit of a platform.
            capped @ Rate::Capped { .. } => capped,
        };
    }
}

/// What is made of each film of a kind for people and pages.
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
        let photos = shown(kind, take.article);
        for (format, wanted) in self.cinema.films(kind) {
            // Films that stand still show no video.
            let videos = if format.is_still() { &[] } else { take.videos };
            let footage = self.cinema.footage(videos, take.cancel).await?;
            let bare = bare(take.article, take.brief);
            let order = Order { photos: &photos, videos: &footage.filmed, ..bare };
            let (board, fixed) = board(&order, format, chosen);
            let spoken = match booth {
                None => Vec::new(),
                Some(booth) => {
                    let script = loa_clip::script(&order, &board);
                    let takes = booth.speak(&lines(take.article, &script), take.cancel).await?;
                    spoken(&script, takes)
                }
            };
            if !format.is_still() {
                footage.check(&board)?;
                board
                    .check(take.brief, MediaCount::of(take.article))
                    .map_err(loa_clip::Error::from)?;
            }
            let told = (&board, format);
            let filmed = self.cinema.follow(footage, videos, told, take.cancel).await?;
            stories.push(Story { format, wanted, board, fixed, spoken, filmed });
        }
        Ok(stories)
    }

    /// Everything the child needs: checked words, drawn layers.
    async fn prepared(&self, stories: Vec<Story>, take: Take<'_>) -> Result<(Request, Value)> {
        let (engine, decoded) = (Arc::clone(&self.engine), Arc::clone(&self.decoded));
        let (article, brief, recipe) =
            (take.article.clone(), take.brief.clone(), take.recipe.clone());
        let (on_disk, cancel) = (take.photos.to_vec(), take.cancel.clone());
        let videos = take.videos.iter().map(VideoOnDisk::file).collect();
        let (work, out) = (take.work.to_path_buf(), take.out.to_path_buf());
        let cache = self.cinema.cache.clone().unwrap_or_else(|| work.join("stretches"));
        let workers = self.cinema.workers;
        on_a_thread(move || {
            let engine = kits::with_kit(engine.get()?, recipe.kit.as_deref())?;
            folder(&cache)?;
            let mut photos = Vec::new();
            let mut pictured = Vec::new();
            for photo in &on_disk {
                let index = u32::try_from(photo.index).unwrap_or(u32::MAX);
                let seen = decoded.of(&photo.bytes).map_err(loa_infographic::Error::from)?;
                pictured.push(looked_at(index, &seen));
                photos.push(PhotoFile { index, path: photo.path.clone() });
            }
            let look = Look::of(&engine, &recipe.brand).map_err(loa_infographic::Error::from)?;
            let link = article.web_address().to_owned();
            let shown = shown_address(&link);
            let order = Order {
                article: &article,
                brief: &brief,
                link: &link,
                link_short: &shown,
                photos: &pictured,
                videos: &[],
                look,
            };
            let mut films: Vec<Film> = Vec::new();
            let mut report = Vec::new();
            for (n, story) in stories.into_iter().enumerate() {
                let Story { format, wanted, board, fixed, spoken, filmed } = story;
                let order = Order { videos: &filmed, ..order };
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
            let request = Request { films, photos, videos, cache, workers };
            Ok((request, report))
        })
        .await
    }
}

/// What a script asks a voice to say.
pub(crate) fn lines(article: &Article, script: &[(usize, String)]) -> Vec<Line> {
    let lang = if article.lang.starts_with("vi") { Lang::Vi } else { Lang::En };
    script.iter().map(|(_, text)| Line { lang, text: text.clone() }).collect()
}

/// The takes of a script as a film needs them.
pub(crate) fn spoken(script: &[(usize, String)], takes: Vec<voice::Take>) -> Vec<Spoken> {
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

/// A film before its layers are drawn.
struct Story {
    format: Format,
    wanted: Wanted,
    board: Storyboard,
    fixed: bool,
    spoken: Vec<Spoken>,
    filmed: Vec<Filmed>,
}

/// A photo as it was decoded, upright.
pub(crate) fn looked_at(index: u32, photo: &DecodedPhoto) -> Pictured {
    let focus = photo.focus();
    Pictured { index, focus: (focus.x, focus.y), size: (photo.width(), photo.height()) }
}

/// The photos that a kind of clip can show; one that is only heard shows none. Their size decides how a scene looks, not
/// how long it is told: here it stands for any.
pub(crate) fn shown(kind: VariantKind, article: &Article) -> Vec<Pictured> {
    let seen = kind != VariantKind::Audio;
    let there = (0..).zip(&article.photos).filter(|(_, photo)| seen && photo.blob.is_some());
    there.map(|(index, _)| Pictured::middle(index, (1600, 1200))).collect()
}

/// What decides the scenes, without what decides how they look.
pub(crate) fn bare<'a>(article: &'a Article, brief: &'a Brief) -> Order<'a> {
    let look = Look { ground: [0; 3], accent: [0; 3], shared: false };
    Order { article, brief, link: "", link_short: "", photos: &[], videos: &[], look }
}

/// The scenes a person chose, or as the engine tells the story; and whether a person did.
pub(crate) fn board(
    order: &Order<'_>,
    format: Format,
    chosen: Option<&Storyboard>,
) -> (Storyboard, bool) {
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
    let photos = shown(kind, article);
    let order = Order { photos: &photos, ..bare(article, brief) };
    let board = loa_clip::propose(&order, Format::Long);
    loa_clip::cast(&order, Format::Long, &board, &[], false).is_ok()
}

fn folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|error| Error::Disk {
        what: "the work folder cannot be made",
        why: format!("{}: {error}", path.display()),
    })
}

#[cfg(test)]
mod tests {
    use loa_model::PostFormat;

    use super::*;

    fn preset(rendition: &str, keyframe_ms: u32, edit_list: bool, most_bytes: u64) -> Preset {
        let clip = ClipPreset {
            kind: VariantKind::ShortClip,
            rendition: rendition.to_owned(),
            format: PostFormat::ShortVideo,
            keyframe_ms,
            edit_list,
            sound_kbps: Some(192),
        };
        Preset { clip, most_bytes }
    }

    #[test]
    fn what_channels_share_keeps_to_the_strictest_and_what_one_needs_is_made_besides() {
        let runner = Runner { exe: "loa".into(), args: Vec::new() };
        let cinema = Cinema::new(runner).with_presets(vec![
            preset("1080p", 5000, true, 9_000_000),
            preset("strict", 500, false, 1 << 40),
            preset("1080p", 1000, true, 26_000_000),
        ]);
        let films = cinema.films(VariantKind::ShortClip);
        let rungs = &films[0].1.rungs;
        let facts = rungs.iter().map(|rung| {
            let most = rung.rate.most_bytes(1000);
            (rung.name.as_str(), rung.divisor, rung.keyframe_ms, rung.edit_list, most)
        });
        assert_eq!(
            facts.collect::<Vec<_>>(),
            [
                ("1080p", 1, 1000, true, Some(9_000_000)),
                ("540p", 2, 2000, true, None),
                ("strict", 1, 500, false, Some(1 << 40)),
            ]
        );
        assert_eq!((rungs[0].sound.kbps, rungs[1].sound.kbps), (192, 64));
        // Another kind of clip is not touched.
        assert_eq!(cinema.films(VariantKind::LongClip)[0].1.rungs[0], Rung::master("1080p"));
    }

    #[test]
    fn photos_that_are_there_are_shown_but_where_a_clip_is_only_heard() {
        let photo = |blob: Option<String>| json!({"url": "", "blob": blob, "mime": "", "caption": "Bản đồ", "credit": "", "alt": ""});
        let article: Article = serde_json::from_value(json!({
            "id": "01900000-0000-7000-8000-000000000001", "agency": "demo", "revision": 1,
            "digest": "0".repeat(64), "state": "ready",
            "source": {"canonical_url": "https://portal.example.gov.vn/a", "publisher": "", "via": "html"},
            "lang": "vi", "section": "", "authors": [], "published_at": null, "embargo_until": null,
            "keywords": [], "blocks": [],
            "photos": [photo(None), photo(Some("1".repeat(64)))],
            "fetched_at": "2026-11-22T19:00:00Z",
        }))
        .unwrap();
        let indexes = |kind| -> Vec<u32> {
            shown(kind, &article).into_iter().map(|photo| photo.index).collect()
        };
        assert_eq!(indexes(VariantKind::ShortClip), [1]);
        assert_eq!(indexes(VariantKind::Audio), [0; 0]);
    }
}
