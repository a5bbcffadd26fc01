//! Several workers share the stretches of some films: each composes its frames once and encodes them for every rung that
//! lacks them. One thread an encoder, so that the bytes do not depend on how many work.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use loa_model::{Cancel, Digest};

use crate::{
    Error, Result,
    compositor::{Compositor, Footage, Pictures},
    encode::{
        Rung, SoundRate, audio,
        mux::Stretch,
        track::Track,
        video::{Video, picture},
    },
    ffi,
    segment::{self, Digests},
    sound::Sound,
    timeline::{Shot, Source, Timeline},
};

/// How often progress is told while workers work.
const TELL: Duration = Duration::from_millis(150);
/// A picture is never made worse than this: beyond it nobody would know what it shows.
const WORST: u32 = 45;
/// Bytes a container needs for each packet, and for the rest.
const TABLES: (u64, u64) = (16, 4096);

/// Frames of the videos of an article for one worker.
pub(crate) type Open<'a> = dyn Fn() -> Result<Option<Box<dyn Footage>>> + Sync + 'a;

/// A film on the way.
pub(crate) struct Reel<'a> {
    pub(crate) timeline: &'a Timeline,
    pub(crate) rungs: &'a [Rung],
    pub(crate) digests: Digests,
    /// Sounds that are encoded, by how: key in the cache and what it is made of.
    pub(crate) sounds: BTreeMap<SoundRate, Digest>,
}

/// What a worker takes.
enum Task {
    /// A stretch of a film for the rungs that lack it.
    Picture { film: usize, range: Range<u32>, missing: Vec<(usize, PathBuf)> },
    /// All the sound of a film.
    Sound { film: usize, rate: SoundRate, path: PathBuf },
}

/// What a film needs that is not made yet.
pub(crate) struct Wanted {
    /// Frames of which pictures are needed.
    pub(crate) ranges: Vec<Range<u32>>,
    /// Sounds.
    pub(crate) sounds: Vec<SoundRate>,
}

/// What the missing parts of films are made of, each by the index of its film.
pub(crate) struct Stuff {
    pub(crate) pictures: Vec<Pictures>,
    pub(crate) sounds: Vec<BTreeMap<SoundRate, Sound>>,
}

/// How films are made.
pub(crate) struct Crew<'a> {
    pub(crate) films: &'a [Reel<'a>],
    pub(crate) cache: &'a Path,
    pub(crate) workers: usize,
    pub(crate) cancel: &'a Cancel,
    /// Quality of each rung of each film, as it turned out to be needed.
    qualities: Vec<Vec<u32>>,
    plans: Vec<Vec<Range<u32>>>,
}

impl<'a> Crew<'a> {
    pub(crate) fn new(
        films: &'a [Reel<'a>],
        cache: &'a Path,
        workers: usize,
        cancel: &'a Cancel,
    ) -> Self {
        let qualities = films.iter().map(|f| f.rungs.iter().map(|r| r.rate.quality()).collect());
        let plans = films.iter().map(|film| segment::plan(film.timeline, film.rungs));
        Self {
            films,
            cache,
            workers: workers.max(1),
            cancel,
            qualities: qualities.collect(),
            plans: plans.collect(),
        }
    }

    fn path(&self, film: usize, rung: usize, range: &Range<u32>) -> PathBuf {
        let Reel { timeline, rungs, digests, .. } = &self.films[film];
        let quality = self.qualities[film][rung];
        let key = segment::key(timeline, range, &rungs[rung], quality, digests);
        segment::path(self.cache, &key)
    }

    /// What some tasks need, by film.
    fn wanted(&self, tasks: &[Task]) -> Vec<Wanted> {
        let of = |wanted: usize| {
            let mut out = Wanted { ranges: Vec::new(), sounds: Vec::new() };
            for task in tasks {
                match task {
                    Task::Picture { film, range, .. } if *film == wanted => {
                        out.ranges.push(range.clone());
                    }
                    Task::Sound { film, rate, .. } if *film == wanted => out.sounds.push(*rate),
                    _ => {}
                }
            }
            out
        };
        (0..self.films.len()).map(of).collect()
    }

    /// Frames of all films.
    pub(crate) fn frames(&self) -> u64 {
        self.films.iter().map(|film| u64::from(film.timeline.frames())).sum()
    }

    /// What is to be done, what takes longest first: so no worker is left alone with a long one at the end.
    fn tasks(&self) -> Vec<Task> {
        let mut weighed = Vec::new();
        let mut taken = std::collections::BTreeSet::new();
        for (film, reel) in self.films.iter().enumerate() {
            for (rate, key) in &reel.sounds {
                let path = segment::path(self.cache, key);
                if Track::read(&path).is_none() && taken.insert(path.clone()) {
                    weighed.push((u64::MAX, Task::Sound { film, rate: *rate, path }));
                }
            }
            for range in &self.plans[film] {
                let lacks = |rung: usize| {
                    let path = self.path(film, rung, range);
                    let there = Track::read(&path).is_some();
                    (!there && taken.insert(path.clone())).then_some((rung, path))
                };
                let missing: Vec<_> = (0..reel.rungs.len()).filter_map(lacks).collect();
                if missing.is_empty() {
                    continue;
                }
                let canvas = reel.timeline.canvas;
                let (_, scene) = reel.timeline.scene_at(range.start);
                let moves = |s: &Shot| s.from != s.to || matches!(s.source, Source::Video { .. });
                let moves = if scene.shot.as_ref().is_some_and(moves) { 4 } else { 1 };
                let pixels = u64::from(canvas.width) * u64::from(canvas.height);
                let weight = pixels * range.len() as u64 * moves;
                weighed.push((weight, Task::Picture { film, range: range.clone(), missing }));
            }
        }
        // Stable: what weighs the same stays in the order of the clip.
        weighed.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        weighed.into_iter().map(|(_, task)| task).collect()
    }

    /// Makes everything that is missing and says where the stretches of each rung of each film are.
    ///
    /// A rung that is too large for its budget is made again, worse, until it fits. `load` is asked before each round, since a
    /// later one may need what was in the cache for the first.
    pub(crate) fn work(
        mut self,
        footage: &[Box<Open<'_>>],
        load: &mut dyn FnMut(Vec<Wanted>) -> Result<Stuff>,
        mut on_frame: impl FnMut(u64),
    ) -> Result<Vec<Vec<Vec<Stretch>>>> {
        let all = self.frames();
        let mut done_before = 0;
        loop {
            let tasks = self.tasks();
            let rest: u64 = tasks
                .iter()
                .map(|task| match task {
                    Task::Picture { range, .. } => range.len() as u64,
                    Task::Sound { .. } => 0,
                })
                .sum();
            // What is in the cache is done already; a second round begins where the first ended.
            let base = all.saturating_sub(rest).max(done_before);
            let share = all - base;
            let tell = |done: u64| base + share * done / rest.max(1);
            let stuff = load(self.wanted(&tasks))?;
            self.round(tasks, footage, stuff, |done| on_frame(tell(done)))?;
            done_before = all;
            if !self.worsen()? {
                break;
            }
        }
        on_frame(all);
        let stretches = (0..self.films.len()).map(|film| {
            let of = |rung: usize| {
                let stretch = |range: &Range<u32>| Stretch {
                    start: range.start,
                    path: self.path(film, rung, range),
                };
                self.plans[film].iter().map(stretch).collect::<Vec<_>>()
            };
            (0..self.films[film].rungs.len()).map(of).collect::<Vec<_>>()
        });
        Ok(stretches.collect())
    }

    fn round(
        &self,
        tasks: Vec<Task>,
        footage: &[Box<Open<'_>>],
        Stuff { pictures, sounds }: Stuff,
        mut on_frame: impl FnMut(u64),
    ) -> Result<()> {
        let (pictures, sounds) = (&pictures, &Mutex::new(sounds));
        let frames = AtomicU64::new(0);
        let stop = AtomicBool::new(false);
        let workers = self.workers.min(tasks.len());
        let queue = Mutex::new(tasks.into_iter());
        let (sender, receiver) = mpsc::channel::<Result<()>>();
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let (sender, queue, frames, stop) = (sender.clone(), &queue, &frames, &stop);
                scope.spawn(move || {
                    let end = loop {
                        let task = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some(task) = task else { break Ok(()) };
                        let go_on = || {
                            if self.cancel.is_cancelled() || stop.load(Ordering::Relaxed) {
                                return Err(Error::Cancelled);
                            }
                            Ok(())
                        };
                        let made = match task {
                            Task::Picture { film, range, missing } => self.picture(
                                (film, range, missing),
                                &pictures[film],
                                footage[film].as_ref(),
                                &|| {
                                    frames.fetch_add(1, Ordering::Relaxed);
                                    go_on()
                                },
                            ),
                            Task::Sound { film, rate, path } => go_on().and_then(|()| {
                                // Minutes of sound are many bytes: they go as soon as they are encoded.
                                let mut all = sounds.lock().unwrap_or_else(PoisonError::into_inner);
                                let sound = all[film].remove(&rate);
                                drop(all);
                                let sound =
                                    sound.expect("each sound is one task, and was mixed for it");
                                audio::encode(sound, rate)?.keep(&path)
                            }),
                        };
                        if made.is_err() {
                            break made;
                        }
                    };
                    if end.is_err() {
                        // The others need not finish what nobody will use.
                        stop.store(true, Ordering::Relaxed);
                    }
                    // The receiver outlives the threads.
                    sender.send(end).ok();
                });
            }
            drop(sender);
            let mut ends = Vec::new();
            loop {
                match receiver.recv_timeout(TELL) {
                    Ok(end) => ends.push(end),
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                }
                on_frame(frames.load(Ordering::Relaxed));
            }
            // A worker that was stopped says so; the reason is with the one that failed.
            let failed = ends.into_iter().filter_map(std::result::Result::err);
            let mut failed: Vec<Error> = failed.collect();
            failed.sort_by_key(|error| matches!(error, Error::Cancelled));
            match failed.into_iter().next() {
                None => Ok(()),
                Some(error) => Err(error),
            }
        })
    }

    fn picture(
        &self,
        (film, range, missing): (usize, Range<u32>, Vec<(usize, PathBuf)>),
        pictures: &Pictures,
        open: &Open<'_>,
        step: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let Reel { timeline, rungs, .. } = &self.films[film];
        let mut compositor = Compositor::new(timeline, pictures)?;
        if let Some(footage) = open()? {
            compositor = compositor.with_footage(footage);
        }
        let mut encoders = Vec::new();
        for (rung, path) in missing {
            let quality = self.qualities[film][rung];
            encoders.push((Video::open(&rungs[rung], timeline, quality, 1)?, path));
        }
        let canvas = (timeline.canvas.width, timeline.canvas.height);
        let mut frame = picture(canvas);
        for number in range.clone() {
            step()?;
            if !ffi::is_writable(&mut frame) {
                frame = picture(canvas);
            }
            compositor.render(number, &mut ffi::views(&mut frame))?;
            frame.set_pts(Some(i64::from(number - range.start)));
            for (encoder, _) in &mut encoders {
                encoder.take(&mut frame)?;
            }
        }
        for (encoder, path) in encoders {
            encoder.finish()?.keep(&path)?;
        }
        Ok(())
    }

    /// Makes the quality of each rung worse that is over its budget; whether there was one.
    fn worsen(&mut self) -> Result<bool> {
        let mut worse = false;
        for film in 0..self.films.len() {
            let Reel { timeline, rungs, sounds, .. } = &self.films[film];
            for (rung, about) in rungs.iter().enumerate() {
                let Some(most) = about.rate.most_bytes(timeline.duration_ms()) else { continue };
                let mut packets = 0;
                let mut picture = 0;
                for range in &self.plans[film] {
                    let track = Track::must_read(&self.path(film, rung, range))?;
                    packets += track.packets.len() as u64;
                    picture += track.data.len() as u64;
                }
                let mut other = TABLES.1;
                if let Some(key) = sounds.get(&about.sound) {
                    let track = Track::must_read(&segment::path(self.cache, key))?;
                    packets += track.packets.len() as u64;
                    other += track.data.len() as u64;
                }
                other += packets * TABLES.0;
                let room = most.saturating_sub(other);
                if picture <= room {
                    continue;
                }
                let quality = &mut self.qualities[film][rung];
                let over =
                    Error::OverBudget { name: about.name.clone(), bytes: picture + other, most };
                if *quality >= WORST || room == 0 {
                    return Err(over);
                }
                *quality = (*quality + steps(picture, room)).min(WORST);
                worse = true;
            }
        }
        Ok(worse)
    }
}

/// How much worse: six steps of x264's quality halve the bits.
fn steps(bytes: u64, room: u64) -> u32 {
    let mut steps = 0;
    let mut left = bytes;
    // An eighth less a step, rather one too few than a picture that is worse than it must be.
    while left > room {
        left -= left.div_ceil(9);
        steps += 1;
    }
    steps.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_steps_halve_the_bits() {
        assert_eq!(steps(1000, 999), 1);
        assert_eq!(steps(1000, 500), 6);
        assert!((11..=13).contains(&steps(1000, 250)));
    }
}
