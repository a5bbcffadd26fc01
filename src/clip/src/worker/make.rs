//! From a request to files: what is not in the cache is made, then each rendition is put together.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs,
    time::Instant,
};

use loa_model::{Cancel, Digest, Fit, Progress};

use crate::{
    Error, Result,
    compositor::Footage,
    crew::{Crew, Open, Reel, Stuff, Wanted},
    encode::{self, SoundCodec, SoundRate, mux, track::Track},
    error::file,
    reel::{Bounds, Reel as Video, Size},
    score::{self, Heard, Listen, Said},
    segment::{self, Digests},
    sound::{RATE, Sound},
    worker::{
        Film, Output, PhotoFile, Request, STEP_FRAMES, VideoFile, beside, copied::copied, load_for,
        poster,
    },
    yuv::Yuv,
};

pub(super) fn made(
    request: &Request,
    cancel: &Cancel,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Output>> {
    encode::start()?;
    // Stills are made of every film that has pictures, copied or encoded.
    let is_seen: Vec<bool> = request.films.iter().map(|film| !film.rungs.is_empty()).collect();
    let (rest, as_they_are) = copied(request, cancel)?;
    let request = &rest;
    let photos = photo_digests(&request.photos)?;
    let films: Vec<Reel<'_>> =
        request.films.iter().map(|film| reel(request, film, &photos)).collect();
    let crew = Crew::new(&films, &request.cache, request.workers, cancel);
    let total = crew.frames();

    let mut stills = Vec::new();
    let mut load = |wanted: Vec<Wanted>| {
        let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
        let first = stills.is_empty();
        for ((film, is_seen), wanted) in request.films.iter().zip(&is_seen).zip(wanted) {
            let Wanted { mut ranges, sounds: rates } = wanted;
            let frame = film.timeline.poster;
            let shown = first && *is_seen;
            if shown {
                ranges.push(frame..frame + 1);
            }
            let (loaded, mixed) = std::thread::scope(|scope| {
                let mixed = scope.spawn(|| mixed(request, film, &rates));
                let loaded = load_for(request, film, &ranges);
                let mixed = mixed.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                (loaded, mixed)
            });
            let loaded = loaded?;
            if first {
                let still = shown.then(|| poster(film, &loaded, opener(request, film)()?));
                stills.push(still.transpose()?);
            }
            pictures.push(loaded);
            sounds.push(mixed?);
        }
        Ok(Stuff { pictures, sounds })
    };
    let footage: Vec<Box<Open<'_>>> =
        request.films.iter().map(|film| opener(request, film)).collect();

    let started = Instant::now();
    let mut first = None;
    let stretches = crew.work(&footage, &mut load, |done| {
        let begun = *first.get_or_insert(done);
        let spent = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let eta = spent.saturating_mul(total.saturating_sub(done)) / (done - begun).max(1);
        let eta_ms = (done > begun).then_some(eta);
        on_progress(Progress { step: STEP_FRAMES.into(), done, total, eta_ms });
    })?;

    let mut outputs = Vec::new();
    let mut finished = Vec::new();
    for (index, (film, stretches)) in request.films.iter().zip(&stretches).enumerate() {
        let sound = |rate: &SoundRate| {
            Track::must_read(&segment::path(&request.cache, &films[index].sounds[rate]))
        };
        for (rung, stretches) in film.rungs.iter().zip(stretches) {
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let tracks = (stretches.as_slice(), &sound(&rung.sound)?);
            let file = mux::clip(rung, &film.timeline, &film.lang, tracks, &film.out)?;
            if let Some(most) = rung.rate.most_bytes(film.timeline.duration_ms())
                && file.bytes > most
            {
                return Err(Error::OverBudget { name: rung.name.clone(), bytes: file.bytes, most });
            }
            finished.push((index, "video/mp4", rung.size(&film.timeline), file));
        }
        for bulletin in &film.bulletins {
            let track = sound(&bulletin.sound)?;
            let mime = match bulletin.sound.codec {
                SoundCodec::Aac => "audio/mp4",
                SoundCodec::Opus => "audio/ogg",
                SoundCodec::Mp3 => "audio/mpeg",
            };
            let file = mux::sound(&bulletin.name, bulletin.sound, &track, &film.out)?;
            finished.push((index, mime, (0, 0), file));
        }
    }
    // All are whole before the first gets its name.
    let masters = as_they_are.into_iter().map(|(index, file)| {
        let canvas = request.films[index].timeline.canvas;
        (index, "video/mp4", (canvas.width, canvas.height), file)
    });
    for (index, mime, (width, height), file) in masters.chain(finished) {
        let film = &request.films[index];
        let named = file.name()?;
        let alt = film.timeline.alt.clone();
        let output = Output::of((index, film), &named.name, mime, (named.path, named.bytes));
        outputs.push(Output { width, height, alt, ..output });
    }
    for (index, (film, still)) in request.films.iter().zip(&stills).enumerate() {
        beside((index, film), still.as_ref(), &mut outputs)?;
    }
    outputs.sort_by_key(|output| output.film);
    Ok(outputs)
}

fn photo_digests(photos: &[PhotoFile]) -> Result<BTreeMap<u32, String>> {
    let digest = |photo: &PhotoFile| {
        let bytes = fs::read(&photo.path).map_err(file(&photo.path))?;
        Ok((photo.index, Digest::of(&bytes).to_string()))
    };
    photos.iter().map(digest).collect()
}

fn reel<'a>(request: &Request, film: &'a Film, photos: &BTreeMap<u32, String>) -> Reel<'a> {
    let videos: BTreeMap<u32, String> =
        request.videos.iter().map(|v| (v.index, v.digest.clone())).collect();
    let sprites = film.sprites.iter().map(|s| (s.key.clone(), s.identity())).collect();
    let of_cuts: Vec<String> =
        film.score.heard.iter().filter_map(|h| videos.get(&h.video).cloned()).collect();
    let duration = film.timeline.duration_ms();
    let rates = film.rungs.iter().map(|r| r.sound).chain(film.bulletins.iter().map(|b| b.sound));
    let sounds = rates.map(|rate| (rate, film.score.key(duration, rate, &of_cuts))).collect();
    let digests = Digests { photos: photos.clone(), videos, sprites };
    Reel { timeline: &film.timeline, rungs: &film.rungs, digests, sounds }
}

/// The sounds that are wanted, each as loud as it must be in its channels.
pub(crate) fn mixed(
    request: &Request,
    film: &Film,
    wanted: &[SoundRate],
) -> Result<BTreeMap<SoundRate, Sound>> {
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let canvas = film.timeline.canvas;
    let samples = u64::from(film.timeline.frames()) * u64::from(RATE) / u64::from(canvas.fps);
    let samples = usize::try_from(samples).expect("a clip is short");
    let mut mix = Some(film.score.mix(samples, &mut Files(&request.videos))?);
    let mut out: BTreeMap<SoundRate, Sound> = BTreeMap::new();
    for (n, rate) in wanted.iter().enumerate() {
        // Mastering depends on channels and ceiling alone.
        let alike = |other: &&SoundRate| {
            other.channels == rate.channels
                && other.ceiling_db().total_cmp(&rate.ceiling_db()).is_eq()
        };
        if let Some(same) = out.keys().find(alike).and_then(|same| out.get(same)) {
            let same = same.clone();
            out.insert(*rate, same);
            continue;
        }
        // Minutes of sound are tens of megabytes: the last one takes the mix itself.
        let last = n + 1 == wanted.len();
        let whole = if last { mix.take() } else { mix.clone() };
        let Some(mut sound) = whole else { continue };
        if rate.channels == 1 {
            sound = sound.mono();
        }
        sound.master(rate.ceiling_db())?;
        out.insert(*rate, sound);
    }
    Ok(out)
}

/// Sounds from the files of a request.
struct Files<'a>(&'a [VideoFile]);

impl Listen for Files<'_> {
    fn said(&mut self, said: &Said) -> Result<Sound> {
        score::words(said)
    }

    fn heard(&mut self, heard: &Heard) -> Result<Sound> {
        let mut video = look(self.0, heard.video)?;
        Ok(video.sound(heard.from_ms.into(), heard.to_ms.into())?)
    }
}

pub(super) fn look(videos: &[VideoFile], index: u32) -> Result<Video> {
    let missing = || Error::Video(format!("number {} was not handed in", index + 1));
    let file = videos.iter().find(|video| video.index == index).ok_or_else(missing)?;
    // One decoder a worker: a second thread would only take the place of another worker.
    let bounds = Bounds { threads: 1, ..Bounds::default() };
    let named = |error| match Error::from(error) {
        Error::Video(why) => Error::Video(format!("number {}: {why}", index + 1)),
        other => other,
    };
    Video::open(&file.path, &bounds).map_err(named)
}

/// Videos of a film as one worker looks at them.
struct Videos {
    files: Vec<VideoFile>,
    canvas: Size,
    open: BTreeMap<u32, Video>,
}

impl Footage for Videos {
    fn frame(&mut self, video: u32, ms: u32, fit: Fit) -> Result<&Yuv> {
        let open = match self.open.entry(video) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => place.insert(look(&self.files, video)?),
        };
        let size = match fit {
            Fit::Pad => open.facts().fit(self.canvas),
            Fit::Crop => open.facts().cover(self.canvas),
        };
        Ok(open.frame_at(ms.into(), size)?)
    }
}

/// Opens the videos of a film for a worker, and those it looks at only.
fn opener<'a>(request: &'a Request, film: &Film) -> Box<Open<'a>> {
    let canvas = film.timeline.canvas;
    let canvas = Size { width: canvas.width, height: canvas.height };
    Box::new(move || {
        let files = request.videos.clone();
        Ok(Some(Box::new(Videos { files, canvas, open: BTreeMap::new() })))
    })
}
