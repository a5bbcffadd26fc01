//! The least a clip can cost: its frames, composed beforehand, through one encoder into a file. Benches hold clips against it.

use std::path::Path;

use ffmpeg_next::frame;

use crate::{
    Result,
    compositor::{Compositor, Pictures},
    encode::{
        Encoded, Rung, audio,
        mux::{self, Stretch},
        video::{Video, picture},
    },
    ffi,
    sound::Sound,
    timeline::Timeline,
    worker::{self, Film, Request},
};

/// Frames in memory, 3 MB each at 1080p.
pub struct Composed(Vec<frame::Video>);

/// Composes all frames of a timeline into memory.
///
/// # Errors
/// As [`Compositor::render`].
pub fn compose(timeline: &Timeline, pictures: &Pictures) -> Result<Composed> {
    crate::encode::start()?;
    let mut compositor = Compositor::new(timeline, pictures)?;
    let frames = (0..timeline.frames()).map(|number| {
        let mut frame = picture((timeline.canvas.width, timeline.canvas.height));
        compositor.render(number, &mut ffi::views(&mut frame))?;
        frame.set_pts(Some(i64::from(number)));
        Ok(frame)
    });
    Ok(Composed(frames.collect::<Result<_>>()?))
}

/// The sound of a film as a rung hears it.
///
/// # Errors
/// Those of the files the score names.
pub fn sound(request: &Request, film: &Film, rung: &Rung) -> Result<Sound> {
    let mut made = worker::mixed(request, film, &[rung.sound])?;
    Ok(made.remove(&rung.sound).expect("it was asked for"))
}

/// Encodes frames and sound that are there already: one encoder with `threads` threads, one file.
///
/// # Errors
/// Those of the encoders, and of the files in `folder`.
pub fn encode(
    (timeline, rung): (&Timeline, &Rung),
    frames: &mut Composed,
    sound: &Sound,
    threads: usize,
    folder: &Path,
) -> Result<Encoded> {
    let mut video = Video::open(rung, timeline, rung.rate.quality(), threads)?;
    for frame in &mut frames.0 {
        video.take(frame)?;
    }
    let path = folder.join("least.track");
    video.finish()?.keep(&path)?;
    let sound = audio::encode(sound.clone(), rung.sound)?;
    let whole = [Stretch { start: 0, path }];
    mux::clip(rung, timeline, "vi", (&whole, &sound), folder)?.name()
}
