//! From an article and its brief to files: the same for a job of the queue and for `loa render`.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use jiff::tz::TimeZone;
use loa_canvas::{DecodedPhoto, Engine, Focus, Manifest, TemplateKind};
use loa_infographic::{Format, Infographic, SourcePhoto, Spread};
use loa_model::{
    Article, Brief, Cancel, Choices, Digest, FocusPoint, OwnTemplate, PhotoChoice, Progress,
    Storyboard, VariantKind, digest::DigestBuilder,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Cinema, Error, Kit, Result, VideoOnDisk,
    footage::Shown,
    kits,
    own::{self, Press},
    preview::{Decoded, shown_focus},
    rehearsal::Rehearsals,
};

/// JPEGs stay below what every channel takes.
const MAX_JPEG: usize = 900_000;
/// Template of the poster.
const POSTER: &str = "poster";
/// Size of the pages of a carousel.
const CAROUSEL: &str = "portrait";

/// A photo of the article that lies in a file, so that a child under limits can read it.
#[derive(Debug, Clone)]
pub struct PhotoOnDisk {
    /// Index into the article's photos.
    pub index: usize,
    /// Where.
    pub path: PathBuf,
    /// The same bytes.
    pub bytes: Bytes,
}

/// A drawn file and what is known about it.
#[derive(Debug, Clone)]
pub struct Made {
    /// Name of the rendition.
    pub name: String,
    /// Where it lies until it is kept.
    pub path: PathBuf,
    /// Media type.
    pub mime: String,
    /// Pixels, points of a PDF; 0 where there are none.
    pub width: u32,
    /// Pixels, points of a PDF; 0 where there are none.
    pub height: u32,
    /// Milliseconds; 0 for a still.
    pub duration_ms: u64,
    /// Length.
    pub bytes: u64,
    /// Alternative text.
    pub alt: String,
}

/// What decides a variant besides its article and brief.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Recipe {
    /// Template of the infographic; the kind of story chooses when absent.
    pub template: Option<String>,
    /// Brand kit.
    pub brand: String,
    /// Sizes of the infographic; the usual ones when empty.
    pub sizes: Vec<String>,
    /// Photo of the infographic.
    pub photo: PhotoChoice,
    /// What its crop keeps in sight; what stands out when absent.
    pub focus: Option<FocusPoint>,
    /// Scenes, voice and music of a clip, when a person chose them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<Storyboard>,
    /// The template, when an agency wrote it itself: it is drawn in a child under limits.
    #[serde(skip)]
    pub own: Option<Arc<OwnTemplate>>,
    /// The brand kit, when an agency made it itself.
    #[serde(skip)]
    pub kit: Option<Arc<Kit>>,
}

impl Recipe {
    /// The recipe of what a person chose, in the brand of the agency.
    pub fn chosen(choices: &Choices, brand: String) -> Self {
        Self {
            template: choices.template.clone(),
            brand,
            sizes: Vec::new(),
            photo: choices.photo,
            focus: choices.focus,
            clip: choices.clip.clone(),
            own: None,
            kit: None,
        }
    }

    /// What a crop keeps in sight.
    pub(crate) fn focus_on(&self, photo: &DecodedPhoto) -> Focus {
        self.focus.map_or(photo.focus(), |focus| {
            let (x, y) = focus.share();
            Focus { x, y }
        })
    }
}

/// One drawing.
#[derive(Debug, Clone, Copy)]
pub struct Take<'a> {
    /// Article.
    pub article: &'a Article,
    /// Brief of the same revision.
    pub brief: &'a Brief,
    /// Photos.
    pub photos: &'a [PhotoOnDisk],
    /// Videos.
    pub videos: &'a [VideoOnDisk],
    /// How.
    pub recipe: &'a Recipe,
    /// For intermediate files; exists.
    pub work: &'a Path,
    /// For the results; exists.
    pub out: &'a Path,
    /// The wish to stop.
    pub cancel: &'a Cancel,
}

/// Makes the engine of cards and layers, or says why it cannot.
pub type MakeEngine = Box<dyn Fn() -> Result<Engine, String> + Send + Sync>;

/// Draws cards, posters and clips.
#[derive(Clone)]
pub struct Studio {
    pub(crate) engine: Arc<OnDemand>,
    pub(crate) decoded: Arc<Decoded>,
    pub(crate) press: Option<Arc<Press>>,
    pub(crate) cinema: Arc<Cinema>,
    pub(crate) rehearsals: Arc<Rehearsals>,
    pub(crate) shown: Arc<Shown>,
}

/// What the sources of templates are now: another value once one of them was changed.
pub type Stamp = Box<dyn Fn() -> u64 + Send + Sync>;

/// The engine, from the first drawing on: a server that draws nothing keeps no fonts in memory.
pub(crate) struct OnDemand {
    make: MakeEngine,
    /// Where people work on templates, the engine is made anew when one was changed.
    stamp: Option<Stamp>,
    made: Mutex<Option<(u64, Arc<Engine>)>>,
}

impl OnDemand {
    /// What the sources of templates are now; 0 where nobody works on them.
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp.as_ref().map_or(0, |stamp| stamp())
    }

    pub(crate) fn get(&self) -> Result<Arc<Engine>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.stamp();
        if let Some((stamp, engine)) = &*made
            && *stamp == now
        {
            return Ok(Arc::clone(engine));
        }
        let engine = Arc::new((self.make)().map_err(Error::Engine)?);
        *made = Some((now, Arc::clone(&engine)));
        Ok(engine)
    }
}

impl Studio {
    /// A studio whose engine is made when something is drawn, with what its clips are made with.
    pub fn new(make: MakeEngine, cinema: Cinema) -> Self {
        Self::on_demand(make, cinema, None)
    }

    /// The same, with an engine that is made anew once `stamp` says another number: for people who work on templates.
    #[must_use]
    pub fn following(make: MakeEngine, cinema: Cinema, stamp: Stamp) -> Self {
        Self::on_demand(make, cinema, Some(stamp))
    }

    fn on_demand(make: MakeEngine, cinema: Cinema, stamp: Option<Stamp>) -> Self {
        let engine = OnDemand { make, stamp, made: Mutex::default() };
        let cinema = Arc::new(cinema);
        Self {
            engine: Arc::new(engine),
            decoded: Arc::default(),
            press: None,
            cinema,
            rehearsals: Arc::default(),
            shown: Arc::default(),
        }
    }

    /// The same, which draws templates of agencies too. Without a press such a template is an error.
    #[must_use]
    pub fn with_press(self, press: Press) -> Self {
        Self { press: Some(Arc::new(press)), ..self }
    }

    /// Makes the engine now, on a thread that may take its time.
    ///
    /// # Errors
    /// [`Error::Engine`] when templates, brand kits or fonts cannot be used.
    pub async fn prepare(&self) -> Result<()> {
        let engine = Arc::clone(&self.engine);
        on_a_thread(move || engine.get().map(drop)).await
    }

    /// Templates of cards by name, those that are chosen by the kind of story.
    ///
    /// # Errors
    /// As [`Studio::prepare`].
    pub async fn cards(&self) -> Result<Vec<(String, Manifest)>> {
        let engine = Arc::clone(&self.engine);
        on_a_thread(move || {
            let engine = engine.get()?;
            let all = engine.templates().values();
            let cards = all.filter(|template| {
                template.manifest.kind == TemplateKind::Page
                    && !template.manifest.stories.is_empty()
            });
            Ok(cards.map(|card| (card.id.clone(), card.manifest.clone())).collect())
        })
        .await
    }

    /// Digest of everything that decides a variant. The engine is not in it: a new one never makes an approved one stale.
    pub fn recipe(
        &self,
        kind: VariantKind,
        article: &Article,
        brief: &Brief,
        recipe: &Recipe,
    ) -> Digest {
        let mut digest = DigestBuilder::new("variant/1");
        // What nobody chose is not in it: what was drawn before people could choose stays what it was.
        if recipe.photo != PhotoChoice::First {
            digest = digest.json("photo", &recipe.photo);
        }
        if let Some(focus) = recipe.focus {
            digest = digest.json("focus", &focus);
        }
        if let Some(own) = &recipe.own {
            digest = digest.json("own", &own.digest);
        }
        if let Some(kit) = &recipe.kit {
            digest = digest.json("kit", &kit.own.digest);
        }
        if let Some(clip) = &recipe.clip {
            digest = digest.json("clip", clip);
        }
        digest
            .json("kind", &kind)
            .json("article", &article.digest)
            .json("story", &brief.story)
            .json("words", &brief.passages().collect::<Vec<_>>())
            .json("template", &recipe.template)
            .field("brand", &recipe.brand)
            .json("sizes", &recipe.sizes)
            .finish()
    }

    /// Draws the files of one variant and says where each drawn string comes from.
    ///
    /// # Errors
    /// Those of the stage; [`Error::Cancelled`] when it was called off. Nothing usable is left in `out` then.
    pub async fn draw(
        &self,
        kind: VariantKind,
        take: Take<'_>,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(Vec<Made>, Value)> {
        match kind {
            VariantKind::Infographic => self.infographic(take, Shape::Card, progress).await,
            VariantKind::Carousel => {
                let recipe = Recipe { sizes: vec![CAROUSEL.to_owned()], ..take.recipe.clone() };
                let take = Take { recipe: &recipe, ..take };
                self.infographic(take, Shape::Carousel, progress).await
            }
            VariantKind::Poster => {
                let recipe = Recipe {
                    template: Some(POSTER.to_owned()),
                    sizes: Vec::new(),
                    own: None,
                    ..take.recipe.clone()
                };
                let take = Take { recipe: &recipe, ..take };
                self.infographic(take, Shape::Poster, progress).await
            }
            VariantKind::ShortClip
            | VariantKind::LongClip
            | VariantKind::SquareClip
            | VariantKind::LowBand
            | VariantKind::Audio => self.clip(kind, take, progress).await,
        }
    }

    async fn infographic(
        &self,
        take: Take<'_>,
        shape: Shape,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(Vec<Made>, Value)> {
        if let Some(own) = &take.recipe.own {
            let drawn =
                own::press(self.press.as_deref())?.card(own, &take, shape, progress).await?;
            return Ok((drawn.made, drawn.provenance));
        }
        let (article, brief, recipe) =
            (take.article.clone(), take.brief.clone(), take.recipe.clone());
        let (photos, out, cancel) =
            (take.photos.to_vec(), take.out.to_path_buf(), take.cancel.clone());
        let (engine, decoded) = (Arc::clone(&self.engine), Arc::clone(&self.decoded));
        let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
        let drawing = on_a_thread(move || {
            let mut tell = |now: Progress| sender.send(now).unwrap_or(());
            let engine = kits::with_kit(engine.get()?, recipe.kit.as_deref())?;
            let take = Order {
                article: &article,
                brief: &brief,
                recipe: &recipe,
                photos: &photos,
                decoded: &decoded,
                date: &shown_date(&article),
                out: &out,
                cancel: &cancel,
                shape,
            };
            let drawn = card(&engine, take, &mut tell)?;
            Ok((drawn.made, drawn.provenance))
        });
        while let Some(now) = told.recv().await {
            progress(now);
        }
        drawing.await
    }
}

/// Begins what takes long on a thread of its own.
pub(crate) fn on_a_thread<T: Send + 'static>(
    draw: impl FnOnce() -> Result<T> + Send + 'static,
) -> impl Future<Output = Result<T>> {
    let drawing = tokio::task::spawn_blocking(draw);
    async move {
        drawing
            .await
            .map_err(|error| Error::Disk { what: "the drawing thread", why: error.to_string() })?
    }
}

/// What is drawn of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// One card a size.
    Card,
    /// Pages.
    Carousel,
    /// Sheets to be printed.
    Poster,
    /// One card at half size, to be looked at.
    Half,
}

impl Shape {
    fn formats(self) -> &'static [Format] {
        match self {
            Self::Card => &[Format::Jpeg { max_bytes: MAX_JPEG }, Format::Png],
            Self::Carousel => &[Format::Jpeg { max_bytes: MAX_JPEG }],
            Self::Poster => &[Format::Pdf],
            Self::Half => &[Format::Half],
        }
    }

    fn spread(self) -> Spread {
        if self == Self::Carousel { Spread::Carousel } else { Spread::Card }
    }
}

/// One order of cards into a folder.
#[derive(Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) article: &'a Article,
    pub(crate) brief: &'a Brief,
    pub(crate) recipe: &'a Recipe,
    pub(crate) photos: &'a [PhotoOnDisk],
    /// Photos that are decoded already.
    pub(crate) decoded: &'a Decoded,
    /// The day of publication as it is shown.
    pub(crate) date: &'a str,
    pub(crate) out: &'a Path,
    pub(crate) cancel: &'a Cancel,
    pub(crate) shape: Shape,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) made: Vec<Made>,
    pub(crate) provenance: Value,
    /// What the crop of the photo keeps in sight.
    pub(crate) focus: Option<Focus>,
}

pub(crate) fn card(
    engine: &Engine,
    Order { article, brief, recipe, photos, decoded, date, out, cancel, shape }: Order<'_>,
    tell: &mut dyn FnMut(Progress),
) -> Result<Drawn> {
    let sources = source_photos(article, recipe, photos, decoded)?;
    let sizes: Vec<&str> = recipe.sizes.iter().map(String::as_str).collect();
    let order = loa_infographic::Order {
        article,
        brief,
        photos: &sources,
        brand: &recipe.brand,
        template: recipe.template.as_deref(),
        sizes: &sizes,
        formats: shape.formats(),
        spread: shape.spread(),
        link: None,
        date,
        cancel,
    };
    let rendered = Infographic.render(engine, &order, tell)?;
    for violation in &rendered.violations {
        tracing::warn!(
            field = violation.field,
            problem = violation.problem,
            "A size cannot hold its headline"
        );
    }
    let mut made = Vec::new();
    for file in rendered.files {
        let path = out.join(&file.name);
        std::fs::write(&path, &file.bytes).map_err(|error| Error::Disk {
            what: "a card cannot be written",
            why: error.to_string(),
        })?;
        let name = name_of(&file.name);
        made.push(Made {
            name,
            path,
            mime: file.mime.to_owned(),
            width: file.width,
            height: file.height,
            duration_ms: 0,
            bytes: file.bytes.len() as u64,
            alt: file.alt,
        });
    }
    let picture = &rendered.provenance["pictures"][0];
    let focus = shown_focus(engine, picture, &sizes, &sources);
    Ok(Drawn { made, provenance: rendered.provenance, focus })
}

/// The JPEG goes by the name of its size and page: it is what channels get.
pub(crate) fn name_of(file: &str) -> String {
    file.strip_suffix(".jpg").unwrap_or(file).to_owned()
}

/// The photo that was chosen, or the first that can be drawn: templates show one.
fn source_photos(
    article: &Article,
    recipe: &Recipe,
    photos: &[PhotoOnDisk],
    decoded: &Decoded,
) -> Result<Vec<SourcePhoto>> {
    let wanted = |on_disk: &&PhotoOnDisk| match recipe.photo {
        PhotoChoice::First => true,
        PhotoChoice::Without => false,
        PhotoChoice::At(index) => on_disk.index == index,
    };
    for on_disk in photos.iter().filter(wanted) {
        match source_photo(article, recipe, (on_disk.index, &on_disk.bytes), decoded) {
            // A card without this photo is better than no card; one that a person chose is theirs to replace.
            Err(error) if recipe.photo == PhotoChoice::First => {
                tracing::warn!(%error, "A photo cannot be drawn");
            }
            photo => return Ok(vec![photo?]),
        }
    }
    match recipe.photo {
        PhotoChoice::At(index) => Err(no_photo(index)),
        PhotoChoice::First | PhotoChoice::Without => Ok(Vec::new()),
    }
}

/// A photo of the article as pictures take it, with its place in the article and its bytes.
pub(crate) fn source_photo(
    article: &Article,
    recipe: &Recipe,
    (index, bytes): (usize, &Bytes),
    decoded: &Decoded,
) -> Result<SourcePhoto> {
    let known = article.photos.get(index).ok_or_else(|| no_photo(index))?;
    let bad = |error: loa_canvas::Error| Error::Photo { index: index + 1, why: error.to_string() };
    let photo = decoded.of(bytes).map_err(bad)?;
    Ok(SourcePhoto {
        focus: recipe.focus_on(&photo),
        photo,
        alt: known.alt.clone(),
        credit: known.credit.clone(),
    })
}

fn no_photo(index: usize) -> Error {
    Error::Photo { index: index + 1, why: "the article has no such photo".to_owned() }
}

/// The day of publication as it is shown; empty when it is not known.
pub(crate) fn shown_date(article: &Article) -> String {
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap_or(TimeZone::UTC);
    let shown = |at: jiff::Timestamp| at.to_zoned(zone).strftime("%d/%m/%Y").to_string();
    article.published_at.map(shown).unwrap_or_default()
}

/// Host and path without the scheme, as people read it; the host alone when that is long.
pub(crate) fn shown_address(link: &str) -> String {
    let bare = link.split_once("://").map_or(link, |(_, rest)| rest).trim_end_matches('/');
    if bare.chars().count() <= 32 {
        bare.to_owned()
    } else {
        bare.split('/').next().unwrap_or(bare).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::shown_address;

    #[test]
    fn addresses_are_shown_short() {
        assert_eq!(shown_address("https://minh-hoa.example/tin/1"), "minh-hoa.example/tin/1");
        assert_eq!(
            shown_address("https://minh-hoa.example/tin-tuc/ho-tro-dong-bao-vung-cao-2027"),
            "minh-hoa.example"
        );
        assert_eq!(shown_address(""), "");
    }
}
