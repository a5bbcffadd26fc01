//! What is known of an article's videos: a child looks at each once, and what it found is kept by the bytes of the video.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use loa_clip::{
    Filmed, Followed, Format, StillOf, VideoFile,
    reel::{self, Answer, Ask, Bounds, Size},
};
use loa_ingest::Draft;
use loa_model::{Article, ArticleId, Cancel, Cut, Digest, Fit, Storyboard, Topic};
use loa_store::Blobs;
use serde::{Deserialize, Serialize};

use crate::{Cinema, Deps, Error, Result};

/// Length of all pieces together that the engine may show of a video, milliseconds.
const WANTED_MS: u64 = 24_000;
/// Part of the name of what is kept: another one when a look finds other things.
const GENERATION: u32 = 1;
/// Frames after the end of a piece that are seen while the next scene takes over.
const MORE: u32 = 30;
/// Distance of the pictures of a piece while it is arranged, milliseconds.
const STEP_MS: u64 = 500;
/// Most of them.
const MOST_STILLS: u64 = 100;
/// Sides of one.
const STILL: Size = Size { width: 640, height: 640 };
/// Pieces whose pictures are kept for the next preview.
const PIECES: usize = 12;

/// A video of the article that lies in a file, so that a child under limits can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoOnDisk {
    /// Index into the article's videos.
    pub index: usize,
    /// Where.
    pub path: PathBuf,
    /// Of its bytes.
    pub digest: Digest,
}

impl VideoOnDisk {
    /// The videos of an article whose bytes are among the blobs of this machine.
    ///
    /// # Errors
    /// [`Error::Missing`] for one that was stored and is not there.
    pub fn all(article: &Article, blobs: &Blobs) -> Result<Vec<Self>> {
        let stored = article.videos.iter().enumerate();
        let stored = stored.filter_map(|(index, video)| Some((index, video.blob?)));
        let found = stored.map(|(index, digest)| {
            let gone = || Error::Missing { what: "blob of a video", id: digest.to_string() };
            Ok(Self { index, path: blobs.path(digest).ok_or_else(gone)?, digest })
        });
        found.collect()
    }

    pub(crate) fn file(&self) -> VideoFile {
        VideoFile {
            index: number(self.index),
            path: self.path.clone(),
            digest: self.digest.to_string(),
        }
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// What a look at a video found.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Look {
    cuts: Vec<(u32, u32)>,
}

/// The videos of an article after they were looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Footage {
    pub(crate) filmed: Vec<Filmed>,
    /// Why one of them cannot be shown, by its index.
    refused: BTreeMap<usize, String>,
}

impl Footage {
    /// Whether every piece that a person chose can be shown.
    pub(crate) fn check(&self, board: &Storyboard) -> Result<()> {
        for cut in cuts(board) {
            if let Some(why) = self.refused.get(&cut.video) {
                let video = cut.video + 1;
                return Err(loa_clip::Error::Video(format!("number {video}: {why}")).into());
            }
        }
        Ok(())
    }
}

/// The pieces of videos that a storyboard shows.
pub(crate) fn cuts(board: &Storyboard) -> impl Iterator<Item = &Cut> {
    board.beats.iter().filter_map(|beat| match &beat.of {
        Topic::Cut(cut) => Some(cut),
        _ => None,
    })
}

impl Cinema {
    /// What is worth showing of each video, and which of them cannot be shown.
    pub(crate) async fn footage(&self, videos: &[VideoOnDisk], cancel: &Cancel) -> Result<Footage> {
        let mut footage = Footage::default();
        for video in videos {
            match self.look(video, cancel).await {
                Ok(look) => footage.filmed.push(Filmed {
                    index: number(video.index),
                    cuts: look.cuts,
                    paths: Vec::new(),
                }),
                Err(Error::Clip(loa_clip::Error::Cancelled)) => return Err(Error::Cancelled),
                Err(error) => {
                    tracing::warn!(video = video.index + 1, %error, "A video of the article cannot be shown");
                    footage.refused.insert(video.index, error.to_string());
                }
            }
        }
        Ok(footage)
    }

    /// What is worth showing of a video, when somebody looked at it before.
    pub(crate) fn known_cuts(&self, video: &VideoOnDisk) -> Vec<(u32, u32)> {
        let known = self.place(video.digest, "look").and_then(|place| read::<Look>(&place));
        known.map(|look| look.cuts).unwrap_or_default()
    }

    async fn look(&self, video: &VideoOnDisk, cancel: &Cancel) -> Result<Look> {
        let place = self.place(video.digest, "look");
        if let Some(known) = place.as_deref().and_then(read) {
            return Ok(known);
        }
        let (path, bounds) = (video.path.clone(), Bounds::default());
        let ask = Ask::Propose { path, bounds, wanted_ms: WANTED_MS };
        let Answer::Proposal(found) = reel::ask(ask, self.runner(), cancel, |_| {}).await? else {
            return Err(strange());
        };
        let ms = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
        let cuts = found.cuts.iter().map(|cut| (ms(cut.in_ms), ms(cut.out_ms))).collect();
        let look = Look { cuts };
        keep(place.as_deref(), &look);
        Ok(look)
    }

    /// Where cameras look in the pieces of a storyboard that are cropped without a place that a person chose.
    pub(crate) async fn follow(
        &self,
        mut footage: Footage,
        videos: &[VideoOnDisk],
        (board, format): (&Storyboard, Format),
        cancel: &Cancel,
    ) -> Result<Vec<Filmed>> {
        let canvas = format.canvas();
        for beat in &board.beats {
            let Topic::Cut(cut) = &beat.of else { continue };
            let Some(video) = videos.iter().find(|video| video.index == cut.video) else {
                continue;
            };
            let index = number(cut.video);
            let filmed = footage.filmed.iter_mut().find(|filmed| filmed.index == index);
            let Some(filmed) = filmed.filter(|_| cut.fit == Fit::Crop && beat.focus.is_none())
            else {
                continue;
            };
            let lasts = beat.ms.unwrap_or_else(|| cut.to_ms.saturating_sub(cut.from_ms));
            let frames = lasts.saturating_mul(canvas.fps) / 1000 + MORE;
            let name = format!("{}-{frames}-{}x{}.path", cut.from_ms, canvas.width, canvas.height);
            let place = self.place(video.digest, &name);
            let middles = if let Some(known) = place.as_deref().and_then(read) {
                known
            } else {
                let ask = Ask::Follow {
                    path: video.path.clone(),
                    bounds: Bounds::default(),
                    from_ms: cut.from_ms.into(),
                    frames,
                    fps: canvas.fps,
                    canvas: Size { width: canvas.width, height: canvas.height },
                };
                let Answer::Path(found) = reel::ask(ask, self.runner(), cancel, |_| {}).await?
                else {
                    return Err(strange());
                };
                keep(place.as_deref(), &found);
                found
            };
            let canvas = (canvas.width, canvas.height);
            filmed.paths.push(Followed { from_ms: cut.from_ms, canvas, middles });
        }
        Ok(footage.filmed)
    }

    /// Pictures of the pieces that a storyboard shows, for looking at it before it is made.
    pub(crate) async fn stills(
        &self,
        shown: &Shown,
        videos: &[VideoOnDisk],
        board: &Storyboard,
    ) -> Result<Vec<StillOf>> {
        let mut stills = Vec::new();
        for cut in cuts(board) {
            let Some(video) = videos.iter().find(|video| video.index == cut.video) else {
                continue;
            };
            let of = (video.digest, cut.from_ms, cut.to_ms);
            let known = shown.find(of);
            let found = if let Some(known) = known {
                known
            } else {
                let found = Arc::new(self.stills_of(video, cut).await?);
                shown.keep(of, Arc::clone(&found));
                found
            };
            let video = number(cut.video);
            stills.extend(found.iter().map(|(ms, jpeg)| StillOf {
                video,
                ms: *ms,
                jpeg: jpeg.clone(),
            }));
        }
        Ok(stills)
    }

    async fn stills_of(&self, video: &VideoOnDisk, cut: &Cut) -> Result<Vec<(u32, String)>> {
        let (from, to) = (u64::from(cut.from_ms), u64::from(cut.to_ms));
        let step = STEP_MS.max(to.saturating_sub(from) / MOST_STILLS + 1);
        let at_ms: Vec<u64> =
            (from..to.max(from + 1)).step_by(usize::try_from(step).unwrap_or(1)).collect();
        let moments: Vec<u32> =
            at_ms.iter().map(|ms| u32::try_from(*ms).unwrap_or(u32::MAX)).collect();
        let (path, bounds) = (video.path.clone(), Bounds::default());
        let ask = Ask::Stills { path, bounds, at_ms, within: STILL };
        let Answer::Stills(found) = reel::ask(ask, self.runner(), &Cancel::new(), |_| {}).await?
        else {
            return Err(strange());
        };
        Ok(moments.into_iter().zip(found).collect())
    }

    /// Where something that was found out about a video is kept; nowhere when nothing is.
    fn place(&self, digest: Digest, name: &str) -> Option<PathBuf> {
        Some(self.cache()?.join(format!("{digest}-{GENERATION}-{name}")))
    }
}

/// Brings the videos of a draft among the blobs: which they are, their digests and media types. One that cannot be had
/// just now is the one that an earlier revision has: a portal that is slow for a moment makes no other article.
pub(crate) async fn bring(
    deps: &Deps,
    draft: &mut Draft,
    known: Option<&Article>,
) -> Result<Vec<(usize, Digest, String)>> {
    if draft.videos.is_empty() {
        return Ok(Vec::new());
    }
    let name: ArticleId = deps.ids.make();
    let folder = deps.work.join(format!("videos-{name}"));
    tokio::fs::create_dir_all(&folder).await.map_err(|error| Error::Disk {
        what: "the work folder cannot be made",
        why: error.to_string(),
    })?;
    let found = deps.ingest.fetch_videos(draft, &folder).await;
    let mut kept = Vec::new();
    let mut failed = None;
    for video in &found.fetched {
        match deps.blobs.put_file(&video.path).await {
            Ok((digest, _)) => kept.push((video.index, digest, video.mime.to_owned())),
            Err(error) => failed = Some(error),
        }
    }
    if let Err(error) = tokio::fs::remove_dir_all(&folder).await {
        tracing::warn!(folder = %folder.display(), %error, "A work folder could not be removed");
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    for index in found.maybe_later {
        let address = draft.videos.get(index).map(|video| video.place.clone().address());
        let before = known.into_iter().flat_map(|article| &article.videos);
        let mut before =
            before.filter(|video| !video.url.is_empty() && Some(&video.url) == address.as_ref());
        if let Some((blob, video)) = before.next().and_then(|video| Some((video.blob?, video))) {
            kept.push((index, blob, video.mime.clone()));
        }
    }
    Ok(kept)
}

/// Pictures of pieces of videos that were shown of late.
#[derive(Debug, Default)]
pub(crate) struct Shown(Mutex<Vec<(Piece, Pictures)>>);

/// Video, first moment, one past the last.
type Piece = (Digest, u32, u32);

/// Moments with their pictures, JPEG in Base64.
type Pictures = Arc<Vec<(u32, String)>>;

impl Shown {
    fn find(&self, of: Piece) -> Option<Pictures> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(piece, _)| *piece == of).map(|(_, found)| Arc::clone(found))
    }

    fn keep(&self, of: Piece, found: Pictures) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= PIECES {
            kept.remove(0);
        }
        kept.push((of, found));
    }
}

fn strange() -> Error {
    loa_clip::Error::Video("the child answered another question".to_owned()).into()
}

/// What is kept at a place; nothing where there is nothing that can be read: it is found out again.
fn read<T: for<'a> Deserialize<'a>>(place: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(place).ok()?).ok()
}

/// Keeps what was found out. When it cannot be kept it is found out again the next time.
fn keep<T: Serialize>(place: Option<&Path>, what: &T) {
    let Some(place) = place else { return };
    let part = place.with_extension("part");
    let kept = serde_json::to_vec(what)
        .map_err(std::io::Error::from)
        .and_then(|bytes| {
            std::fs::create_dir_all(place.parent().unwrap_or(place))?;
            std::fs::write(&part, bytes)
        })
        .and_then(|()| std::fs::rename(&part, place));
    if let Err(error) = kept {
        tracing::warn!(place = %place.display(), %error, "What was seen in a video cannot be kept");
    }
}
