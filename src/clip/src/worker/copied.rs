//! A film that is one piece of a video and nothing besides: its masters are copied, not encoded again.

use loa_model::{Cancel, Music};

use super::make::look;
use crate::{
    Error, Result,
    encode::{Rate, Rung, mux::Finished},
    reel::{self, Bounds},
    timeline::{Shot, Source},
    worker::{Film, Request},
};

/// A piece of a video.
struct Piece {
    video: u32,
    from_ms: u32,
    to_ms: u32,
}

/// The piece a film is, when nothing is drawn over it and nothing else is heard.
fn piece(film: &Film) -> Option<Piece> {
    let timeline = &film.timeline;
    let [scene] = timeline.scenes.as_slice() else { return None };
    let Some(Shot { source: Source::Video { video, from_ms, .. }, .. }) = scene.shot else {
        return None;
    };
    let drawn = timeline.bar_height > 0 || !timeline.overlays.is_empty() || !scene.cues.is_empty();
    let told = film.score.music != Music::Silent || !film.score.said.is_empty();
    let to_ms = from_ms + u32::try_from(timeline.duration_ms()).ok()?;
    (!drawn && !told).then_some(Piece { video, from_ms, to_ms })
}

/// Whether an encoding asks for the canvas as it is, without a budget.
fn is_master(rung: &Rung) -> bool {
    rung.divisor == 1 && matches!(rung.rate, Rate::Quality(_))
}

/// The request without what was copied, and the copies by the index of their film.
///
/// A video of another size, or one that no MP4 for every platform may hold, is encoded like any other.
///
/// # Errors
/// [`Error::Video`] when the video cannot be read, [`Error::File`], [`Error::Cancelled`].
pub(super) fn copied(
    request: &Request,
    cancel: &Cancel,
) -> Result<(Request, Vec<(usize, Finished)>)> {
    let mut rest = request.clone();
    let mut copies = Vec::new();
    for (index, film) in rest.films.iter_mut().enumerate() {
        let Some(piece) = piece(film) else { continue };
        let facts = look(&request.videos, piece.video)?.facts().clone();
        let canvas = film.timeline.canvas;
        if (facts.width, facts.height) != (canvas.width, canvas.height) {
            continue;
        }
        let mut sources = request.videos.iter().filter(|video| video.index == piece.video);
        let Some(source) = sources.next() else { continue };
        let mut encoded = Vec::new();
        for rung in std::mem::take(&mut film.rungs) {
            if !is_master(&rung) {
                encoded.push(rung);
                continue;
            }
            let part = film.out.join(format!("{}.mp4.part", rung.name));
            let span = (piece.from_ms.into(), piece.to_ms.into());
            match reel::copy(&source.path, span, &part, &Bounds::default(), cancel) {
                Ok(_) => copies.push((index, Finished::whole(&rung.name, &film.out)?)),
                Err(reel::Error::NotAsIs(why)) => {
                    tracing::info!(rendition = rung.name, why, "The video is encoded again");
                    encoded.push(rung);
                }
                Err(other) => return Err(Error::from(other)),
            }
        }
        film.rungs = encoded;
    }
    Ok((rest, copies))
}
