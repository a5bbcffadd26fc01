//! A clip while an editor arranges it: what its scenes are, and any of its frames. Nothing of it is kept on disk.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use loa_clip::{Filmed, Format, Look, Order, Pictured, Rehearsal, Spoken, StillOf};
use loa_model::{
    Article, Beat, Brief, Cancel, Cut, Digest, Fit, Storyboard, Topic, VariantKind,
    digest::DigestBuilder,
};

use crate::{
    Cinema, Error, Kit, Result, Studio, VideoOnDisk,
    cinema::{bare, board, lines, looked_at, shown, spoken},
    kits,
    studio::{on_a_thread, shown_address},
};

/// Rehearsals that can be looked at: those of the people who are editing now. Most of each is shared with the one before.
const KEPT: usize = 6;

/// Length of the first piece of a video that nobody looked at yet, milliseconds.
const FIRST_MS: u32 = 6_000;

/// Brings the bytes of a photo of the article, by its index, or says why it cannot.
pub type FetchPhoto = Arc<dyn Fn(usize) -> BoxFuture<'static, Result<Bytes, String>> + Send + Sync>;

/// A clip that is being arranged.
#[derive(Clone)]
pub struct ClipDraft {
    /// Article.
    pub article: Article,
    /// Its brief, as far as it is edited.
    pub brief: Brief,
    /// Which clip.
    pub kind: VariantKind,
    /// Scenes, voice, music; the engine chooses the scenes when there are none.
    pub clip: Storyboard,
    /// Brand kit.
    pub brand: String,
    /// The kit itself, when the agency made it.
    pub kit: Option<Arc<Kit>>,
    /// Indices of the photos that are there.
    pub photos: Vec<usize>,
    /// Brings one of them.
    pub fetch: FetchPhoto,
    /// Videos.
    pub videos: Vec<VideoOnDisk>,
}

/// Who tells the clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// Nobody speaks.
    Silent,
    /// The times are those of the voice.
    Kept,
    /// The words were not spoken yet: the times follow the voice once they are.
    Waiting,
}

/// Whether a scene is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is.
    Told,
    /// The engine has no time for it.
    LeftOut,
    /// Nobody chose it.
    Unused,
}

/// A scene that is told or could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The scene.
    pub beat: Beat,
    /// Its words.
    pub words: String,
    /// Whether it is told.
    pub place: Place,
}

/// The scenes of a clip as they would be told.
#[derive(Debug, Clone)]
pub struct Arranged {
    /// Every scene that can be told: those of the clip in their order, then the others, the end card last.
    pub rows: Vec<Row>,
    /// Whether transitions and cameras mean something in it.
    pub moves: bool,
    /// Why it cannot be told as it is, for people.
    pub wrong: Option<String>,
}

/// A clip that can be looked at.
#[derive(Debug, Clone)]
pub struct Rehearsed {
    /// By which its frames are asked for.
    pub id: Digest,
    /// Scenes and frames.
    pub clip: Arc<Rehearsal>,
    /// Places in the board of scenes that are not told.
    pub left_out: Vec<usize>,
    /// Who tells it.
    pub telling: Telling,
}

/// Rehearsals of late with what they are of, the one that was asked for last at the end.
#[derive(Debug, Default)]
pub(crate) struct Rehearsals(Mutex<Vec<Kept>>);

#[derive(Debug, Clone)]
struct Kept {
    id: Digest,
    agency: String,
    /// Article, brief, format and brand: what two rehearsals must share to have layers in common.
    of: Digest,
    clip: Arc<Rehearsal>,
    /// What stands out on the photos of the article.
    pictured: Vec<Pictured>,
}

impl Rehearsals {
    fn by(&self, wanted: impl Fn(&Kept) -> bool) -> Option<Kept> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().rposition(wanted)?;
        let found = kept.remove(place);
        kept.push(found.clone());
        Some(found)
    }

    fn keep(&self, new: Kept) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|old| old.id != new.id);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(new);
    }
}

/// The format that is looked at: the first of a kind.
fn format(cinema: &Cinema, kind: VariantKind) -> Format {
    cinema.films(kind).first().map_or(Format::Short, |(format, _)| *format)
}

impl Studio {
    /// Names of the voices, and the one that speaks where nobody chose one.
    pub fn voices(&self) -> (Vec<String>, String) {
        (self.cinema.voices().map(str::to_owned).collect(), self.cinema.voice().to_owned())
    }

    /// The scenes of a clip, without drawing anything.
    pub fn arrange(&self, draft: &ClipDraft) -> Arranged {
        let format = format(&self.cinema, draft.kind);
        let videos = if format.is_still() { &[][..] } else { &draft.videos };
        let known = videos.iter().map(|video| Filmed {
            index: u32::try_from(video.index).unwrap_or(u32::MAX),
            cuts: self.cinema.known_cuts(video),
            paths: Vec::new(),
        });
        let filmed: Vec<Filmed> = known.collect();
        let photos = shown(draft.kind, &draft.article);
        let bare = bare(&draft.article, &draft.brief);
        let order = Order { photos: &photos, videos: &filmed, ..bare };
        let (board, fixed) = board(&order, format, Some(&draft.clip));
        let cast = loa_clip::cast(&order, format, &board, &[], fixed);
        let told = |place: usize| match &cast {
            Ok(cast) => cast.timeline.scenes.iter().any(|scene| scene.beat as usize == place),
            Err(_) => true,
        };
        let row = |beat: Beat, place| {
            let words = loa_clip::words(&draft.article, &draft.brief, &beat.of);
            Row { beat, words, place }
        };
        let chosen = board.beats.iter().enumerate().map(|(place, beat)| {
            row(beat.clone(), if told(place) { Place::Told } else { Place::LeftOut })
        });
        let known = |topic: &Topic| board.beats.iter().any(|beat| beat.of == *topic);
        let others = loa_clip::topics(&order, format);
        // A piece of each video that is not told: the best that is known, or how it begins.
        let pieces = filmed.iter().filter(|video| {
            let index = video.index as usize;
            crate::footage::cuts(&board).all(|cut| cut.video != index)
        });
        let pieces = pieces.map(|video| {
            let (from_ms, to_ms) = video.cuts.first().copied().unwrap_or((0, FIRST_MS));
            Topic::Cut(Cut { video: video.index as usize, from_ms, to_ms, fit: Fit::Pad })
        });
        let others = others.into_iter().chain(pieces).filter(|topic| !known(topic));
        let others = others.map(|topic| row(topic.into(), Place::Unused));
        let mut rows: Vec<Row> = chosen.chain(others).collect();
        rows.sort_by_key(|row| row.beat.of == Topic::End);
        let wrong = cast.err().map(|error| error.to_string());
        Arranged { rows, moves: !format.is_still(), wrong }
    }

    /// Draws a clip to be looked at. Its voice is not asked to speak: what it said before gives the times.
    ///
    /// # Errors
    /// Those of the stage, as [`Studio::draw`]; [`Error::Missing`] for a voice that is not there.
    pub async fn rehearse(&self, draft: ClipDraft) -> Result<Rehearsed> {
        let format = format(&self.cinema, draft.kind);
        let cancel = Cancel::new();
        let videos = if format.is_still() { Vec::new() } else { draft.videos.clone() };
        let footage = self.cinema.footage(&videos, &cancel).await?;
        let (board, fixed) = {
            let photos = shown(draft.kind, &draft.article);
            let bare = bare(&draft.article, &draft.brief);
            let order = Order { photos: &photos, videos: &footage.filmed, ..bare };
            board(&order, format, Some(&draft.clip))
        };
        footage.check(&board)?;
        let (spoken, telling) = self.heard(&draft, &board).await?;
        let of = DigestBuilder::new("rehearsal of")
            .field("agency", &draft.article.agency)
            .json("templates", &self.engine.stamp())
            .json("article", &draft.article.digest)
            .json("words", &draft.brief.passages().collect::<Vec<_>>())
            .json("kind", &draft.kind)
            .field("brand", &draft.brand)
            .json("kit", &draft.kit.as_ref().map(|kit| kit.own.digest))
            .finish();
        let times: Vec<(usize, u32)> = spoken.iter().map(|said| (said.beat, said.ms)).collect();
        let id = DigestBuilder::new("rehearsal")
            .json("of", &of)
            .json("board", &board)
            .json("fixed", &fixed)
            .json("times", &times)
            .finish();
        let known = self.rehearsals.by(|kept| kept.id == id);
        let clip = if let Some(known) = known {
            known.clip
        } else {
            let before = self.rehearsals.by(|kept| kept.of == of);
            let filmed = self.cinema.follow(footage, &videos, (&board, format), &cancel).await?;
            let stills = self.cinema.stills(&self.shown, &videos, &board).await?;
            let story = (format, board.clone(), fixed);
            let seen = (spoken, filmed, stills);
            let kept = self.seen(draft, story, seen, (id, of), before).await?;
            let clip = Arc::clone(&kept.clip);
            self.rehearsals.keep(kept);
            clip
        };
        let told = |place: usize| clip.scenes().iter().any(|scene| scene.beat == place);
        let left_out = (0..board.beats.len()).filter(|place| !told(*place)).collect();
        Ok(Rehearsed { id, clip, left_out, telling })
    }

    /// A frame of a rehearsal of this agency as JPEG; nothing when it is forgotten.
    ///
    /// # Errors
    /// Those of [`Rehearsal::jpeg`].
    pub async fn frame(&self, agency: &str, id: Digest, ms: u64) -> Result<Option<Vec<u8>>> {
        let kept = self.rehearsals.by(|kept| kept.id == id && kept.agency == agency);
        let Some(kept) = kept else { return Ok(None) };
        on_a_thread(move || Ok(Some(kept.clip.jpeg(ms)?))).await
    }

    async fn heard(&self, draft: &ClipDraft, board: &Storyboard) -> Result<(Vec<Spoken>, Telling)> {
        let Some(booth) = self.cinema.booth(draft.clip.voice.as_deref())? else {
            return Ok((Vec::new(), Telling::Silent));
        };
        let script = loa_clip::script(&bare(&draft.article, &draft.brief), board);
        let kept = booth.kept(&lines(&draft.article, &script)).await?;
        Ok(match kept {
            Some(takes) => (spoken(&script, takes), Telling::Kept),
            None => (Vec::new(), Telling::Waiting),
        })
    }

    async fn seen(
        &self,
        draft: ClipDraft,
        (format, board, fixed): (Format, Storyboard, bool),
        (spoken, filmed, stills): (Vec<Spoken>, Vec<Filmed>, Vec<StillOf>),
        (id, of): (Digest, Digest),
        before: Option<Kept>,
    ) -> Result<Kept> {
        let (engine, decoded) = (Arc::clone(&self.engine), Arc::clone(&self.decoded));
        let runtime = tokio::runtime::Handle::current();
        on_a_thread(move || {
            let engine = kits::with_kit(engine.get()?, draft.kit.as_deref())?;
            let ClipDraft { article, brief, brand, photos, fetch, .. } = &draft;
            let photo = |index: usize| {
                let bad = |why: String| Error::Photo { index: index + 1, why };
                let bytes = runtime.block_on(fetch(index)).map_err(bad)?;
                decoded.of(&bytes).map_err(|error| bad(error.to_string()))
            };
            let pictured = if let Some(before) = &before {
                before.pictured.clone()
            } else {
                let all = photos.iter().map(|index| {
                    let seen = photo(*index)?;
                    Ok(looked_at(u32::try_from(*index).unwrap_or(u32::MAX), &seen))
                });
                all.collect::<Result<Vec<_>>>()?
            };
            let link = article.web_address();
            let order = Order {
                article,
                brief,
                link,
                link_short: &shown_address(link),
                photos: &pictured,
                videos: &filmed,
                look: Look::of(&engine, brand).map_err(loa_infographic::Error::from)?,
            };
            let decoded = |index: u32| {
                photo(index as usize).map_err(|error| loa_clip::Error::Photo(error.to_string()))
            };
            let clip = Rehearsal::draw(
                &order,
                (format, &board, fixed),
                &spoken,
                (&engine, brand),
                decoded,
                before.as_ref().map(|before| &*before.clip),
                &Cancel::new(),
            )?
            .with_stills(&stills)?;
            let agency = article.agency.clone();
            Ok(Kept { id, agency, of, clip: Arc::new(clip), pictured })
        })
        .await
    }
}
