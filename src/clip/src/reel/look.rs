//! Pictures of a source by time: the same picture for the same time, whichever way it was reached.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "lengths and rates of a file are clamped before they are rounded"
)]

use std::path::{Path, PathBuf};

use ffmpeg_next::{
    Error as Av, Packet, Rational, Rescale as _, Stream, codec::packet::side_data::Type as Side,
    decoder, error::EAGAIN, format::context::Input, frame, rescale::TIME_BASE,
};
use loa_model::Cancel;

use super::{
    Bounds, Error, Facts, Health, Result, Size,
    convert::{Converter, Look, Turn},
    hear,
    open::{self, Quick, millis},
};
use crate::{sound::Sound, yuv::Yuv};

/// Further ahead than this a jump to a keyframe is tried instead of decoding all between, ms.
const NEAR_MS: i64 = 4000;
/// A picture counts from the millisecond before its time stamp: containers and callers round differently.
const EARLY_MS: i64 = 1;
/// Most pixels of a side that is asked for.
const LARGEST_SIDE: u32 = 4096;

/// What came of one step of demuxing and decoding.
pub(super) enum Step {
    /// The next picture in order of showing.
    Picture(frame::Video),
    /// A packet of another track.
    Other(Packet),
    /// A packet went in, nothing came out.
    Nothing,
    /// There is no more.
    End,
}

/// A demuxer and the decoder of its picture track.
pub(super) struct Pictures {
    pub(super) input: Input,
    pub(super) track: usize,
    pub(super) clock: Rational,
    decoder: decoder::Video,
    /// Some files have no keyframe marks at all; they are decoded from wherever.
    keyless: bool,
    /// Wait for a keyframe: everything before it would be rubbish.
    wait: bool,
    /// Pictures shown before the keyframe that decoding began with need others that were not decoded.
    floor: i64,
    last: i64,
    ended: bool,
    pub(super) errors: u64,
    /// Packets of the picture track that were read, and the latest end of any track in milliseconds.
    pub(super) packets: u64,
    pub(super) reached_ms: i64,
}

impl Pictures {
    pub(super) fn open(path: &Path, bounds: &Bounds, quick: Quick, keyless: bool) -> Result<Self> {
        let input = open::input(path, bounds)?;
        let stream = open::picture(&input)?;
        let (track, clock) = (stream.index(), stream.time_base());
        let decoder = open::decoder(&stream, bounds, quick)?;
        Ok(Self {
            input,
            track,
            clock,
            decoder,
            keyless,
            wait: !keyless,
            floor: i64::MIN,
            last: i64::MIN,
            ended: false,
            errors: 0,
            packets: 0,
            reached_ms: i64::MIN,
        })
    }

    pub(super) fn stream(&self) -> Stream<'_> {
        self.input.stream(self.track).expect("the track was found when the file was opened")
    }

    /// One step: a picture that is ready, or the next packet.
    pub(super) fn step(&mut self) -> Step {
        let mut picture = frame::Video::empty();
        match self.decoder.receive_frame(&mut picture) {
            Ok(()) => return self.take(picture),
            Err(Av::Eof) => return Step::End,
            Err(Av::Other { errno: EAGAIN }) if self.ended => return Step::End,
            Err(Av::Other { errno: EAGAIN }) => {}
            Err(_) => {
                self.errors += 1;
                if self.ended {
                    return Step::Nothing;
                }
            }
        }
        let mut packet = Packet::empty();
        match packet.read(&mut self.input) {
            Ok(()) => {}
            // The demuxer finds its place again after a broken packet.
            Err(Av::InvalidData) => {
                self.errors += 1;
                return Step::Nothing;
            }
            Err(error) => {
                if error != Av::Eof {
                    self.errors += 1;
                }
                self.ended = true;
                if self.decoder.send_eof().is_err() {
                    return Step::End;
                }
                return Step::Nothing;
            }
        }
        self.note(&packet);
        if packet.stream() != self.track {
            return Step::Other(packet);
        }
        self.packets += 1;
        if self.wait {
            if !packet.is_key() {
                return Step::Nothing;
            }
            self.wait = false;
            self.floor = packet.pts().or(packet.dts()).unwrap_or(i64::MIN);
        }
        // A packet with a hole is decoded all the same: others are built on it.
        if self.decoder.send_packet(&packet).is_err() || packet.is_corrupt() {
            self.errors += 1;
        }
        Step::Nothing
    }

    fn note(&mut self, packet: &Packet) {
        if let (Some(at), Some(stream)) = (packet.pts(), self.input.stream(packet.stream())) {
            let end = at.saturating_add(packet.duration().max(0));
            self.reached_ms = self.reached_ms.max(millis(end, stream.time_base()));
        }
    }

    fn take(&mut self, picture: frame::Video) -> Step {
        if picture.is_corrupt() || picture.has_decode_errors() {
            // The picture before stays longer instead.
            self.errors += 1;
            return Step::Nothing;
        }
        let Some(at) = picture.timestamp() else {
            self.errors += 1;
            return Step::Nothing;
        };
        if at < self.floor {
            return Step::Nothing;
        }
        if at <= self.last {
            self.errors += 1;
            return Step::Nothing;
        }
        self.last = at;
        Step::Picture(picture)
    }

    /// The next picture in order of showing.
    pub(super) fn next(&mut self) -> Option<frame::Video> {
        loop {
            match self.step() {
                Step::Picture(picture) => return Some(picture),
                Step::Other(_) | Step::Nothing => {}
                Step::End => return None,
            }
        }
    }

    /// Goes to a keyframe that is decoded at or before this stamp, as the container can.
    fn seek(&mut self, stamp: i64) -> Result<(), Av> {
        let at = stamp.rescale(self.clock, TIME_BASE);
        self.input.seek(at, ..at)?;
        self.decoder.flush();
        self.wait = !self.keyless;
        (self.floor, self.last, self.ended) = (i64::MIN, i64::MIN, false);
        Ok(())
    }
}

/// A source that is open.
pub struct Reel {
    path: PathBuf,
    bounds: Bounds,
    facts: Facts,
    pictures: Pictures,
    converter: Converter,
    /// Stamp of the first picture: time zero.
    origin: i64,
    /// The picture shown now and the one after it, while they are known.
    current: Option<frame::Video>,
    after: Option<frame::Video>,
    /// The last two converted pictures by stamp and size.
    cache: Vec<(i64, Size, Yuv)>,
    pub(super) ears: Option<hear::Ears>,
}

impl std::fmt::Debug for Reel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reel")
            .field("path", &self.path)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

/// What a file is, without looking further than its first picture.
///
/// # Errors
/// As [`Reel::open`].
pub fn probe(path: &Path, bounds: &Bounds) -> Result<Facts> {
    Reel::open(path, bounds).map(|reel| reel.facts)
}

impl Reel {
    /// Opens a file and decodes its first picture.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason: no video of a kind we take, a playlist, too large, too long, no picture, or
    /// damaged beyond use. [`Error::File`] when it cannot be read.
    pub fn open(path: &Path, bounds: &Bounds) -> Result<Self> {
        let (pictures, first) = start(path, bounds, Quick::No)?;
        let origin = first.timestamp().unwrap_or(0);
        let (facts, turn) = facts(&pictures, &first, origin);
        open::check(facts.width, facts.height, facts.duration_ms, bounds)?;
        open::check(facts.coded.width, facts.coded.height, 0, bounds)?;
        let mut converter = Converter::new(turn);
        // Colours that cannot be converted are told now, not in the middle of a clip.
        converter.convert(&first, Size { width: 2, height: 2 })?;
        Ok(Self {
            path: path.into(),
            bounds: *bounds,
            facts,
            pictures,
            converter,
            origin,
            current: Some(first),
            after: None,
            cache: Vec::new(),
            ears: None,
        })
    }

    /// What is known about it.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Seconds of time zero on the clock of the file, as stamp and clock.
    pub(super) fn zero(&self) -> (i64, Rational) {
        (self.origin, self.pictures.clock)
    }

    /// The picture that is shown at `ms`, in this size: a pure function of file, time and size.
    ///
    /// Rising times are fast, others go back to a keyframe. Before the first picture and after the last, that one is
    /// given. A picture counts from the millisecond before its stamp, so that rounding of callers and containers does not
    /// repeat one picture and skip the next. Width and height are even, 2–4096; the picture is stretched to them,
    /// see [`Facts::fit`] and [`Facts::cover`].
    ///
    /// # Errors
    /// [`Error::Refused`] when the size is not one or the picture cannot be converted.
    pub fn frame_at(&mut self, ms: u64, size: Size) -> Result<&Yuv> {
        let Size { width, height } = size;
        let fine = |side: u32| side.is_multiple_of(2) && (2..=LARGEST_SIDE).contains(&side);
        if !fine(width) || !fine(height) {
            let why =
                format!("a picture of {width} × {height} was asked for: sides are even, 2 to 4096");
            return Err(Error::Refused(why));
        }
        self.locate(i64::try_from(ms).unwrap_or(i64::MAX - EARLY_MS))?;
        let current = self.current.as_ref().expect("a picture was just found");
        let stamp = current.timestamp().unwrap_or(self.origin);
        let have = self.cache.iter().position(|(at, of, _)| (*at, *of) == (stamp, size));
        if let Some(have) = have {
            return Ok(&self.cache[have].2);
        }
        let picture = self.converter.convert(current, size)?;
        if self.cache.len() >= 2 {
            self.cache.remove(0);
        }
        self.cache.push((stamp, size, picture));
        Ok(&self.cache[self.cache.len() - 1].2)
    }

    /// The sound between two times: 48 kHz, two channels, silence where the file has none.
    ///
    /// # Errors
    /// [`Error::Refused`] when the span is longer than ten minutes or ends before it begins.
    pub fn sound(&mut self, from_ms: u64, to_ms: u64) -> Result<Sound> {
        hear::sound(self, from_ms, to_ms)
    }

    /// Milliseconds of a picture from time zero.
    fn since(&self, picture: &frame::Video) -> i64 {
        let stamp = picture.timestamp().unwrap_or(self.origin);
        millis(stamp.saturating_sub(self.origin), self.pictures.clock)
    }

    /// Makes `current` the picture shown at `ms`.
    fn locate(&mut self, ms: i64) -> Result<()> {
        let until = ms.saturating_add(EARLY_MS);
        let at = self.current.as_ref().map(|current| self.since(current));
        if at.is_none_or(|at| at > until && at > 0 || until.saturating_sub(at) > NEAR_MS) {
            self.jump(ms)?;
        }
        loop {
            if self.after.is_none() {
                self.after = self.pictures.next();
            }
            match self.after.take() {
                Some(after) if self.since(&after) <= until => self.current = Some(after),
                after => {
                    self.after = after;
                    return Ok(());
                }
            }
        }
    }

    /// Goes to a keyframe that is shown at or before `ms`.
    fn jump(&mut self, ms: i64) -> Result<()> {
        self.after = None;
        // Containers find keyframes by when they are decoded, some by position in the file: what comes out may be later
        // than asked, then further back is tried.
        for back in [0, 1_000, 4_000, 16_000, 64_000] {
            let target = ms.saturating_sub(back).min(self.length()).max(0);
            let stamp = target.rescale(Rational(1, 1000), self.pictures.clock);
            if target > 0 && self.pictures.seek(stamp.saturating_add(self.origin)).is_ok() {
                let first = self.pictures.next();
                if let Some(first) = first
                    && self.since(&first) <= ms.saturating_add(EARLY_MS)
                {
                    self.current = Some(first);
                    return Ok(());
                }
            }
            if target == 0 {
                break;
            }
        }
        self.rewind()
    }

    /// Back to the first picture: the way that always works is to open the file again.
    fn rewind(&mut self) -> Result<()> {
        self.after = None;
        if self.pictures.seek(self.origin).is_ok() {
            let first = self.pictures.next();
            if first.as_ref().and_then(|first| first.timestamp()) == Some(self.origin) {
                self.current = first;
                return Ok(());
            }
        }
        let (mut pictures, first) = start(&self.path, &self.bounds, Quick::No)?;
        pictures.errors += self.pictures.errors;
        self.pictures = pictures;
        self.current = Some(first);
        Ok(())
    }

    fn length(&self) -> i64 {
        i64::try_from(self.facts.duration_ms).unwrap_or(i64::MAX)
    }

    /// Decodes everything that is shown in a span and counts.
    ///
    /// # Errors
    /// [`Error::Cancelled`]; [`Error::File`] when the file is gone. What is missing is not an error here, see
    /// [`Health::check`].
    pub fn health(&mut self, from_ms: u64, to_ms: u64, cancel: &Cancel) -> Result<Health> {
        let from = i64::try_from(from_ms).unwrap_or(i64::MAX).min(self.length());
        let to = i64::try_from(to_ms).unwrap_or(i64::MAX).min(self.length().max(1));
        if from == 0 {
            self.rewind()?;
        } else {
            self.jump(from)?;
        }
        let errors = self.pictures.errors;
        (self.pictures.packets, self.pictures.reached_ms) = (0, i64::MIN);
        let mut tally = Tally::new(from, to, self.facts.fps);
        let mut next = self.current.take();
        loop {
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            if let Some(picture) = next.take() {
                let at = self.since(&picture);
                if !tally.see(at) {
                    break;
                }
            }
            match self.pictures.step() {
                Step::Picture(picture) => next = Some(picture),
                Step::Other(_) | Step::Nothing => {}
                Step::End => break,
            }
        }
        let reached =
            self.pictures.reached_ms.saturating_sub(millis(self.origin, self.pictures.clock));
        Ok(tally.health(reached, self.pictures.errors - errors))
    }
}

/// Counts pictures against what the rate of the file promises.
pub(super) struct Tally {
    from: i64,
    to: i64,
    /// Milliseconds a picture lasts on average.
    each: f64,
    decoded: u64,
    missing: f64,
    last: Option<i64>,
}

impl Tally {
    pub(super) fn new(from: i64, to: i64, fps: f64) -> Self {
        Self {
            from,
            to,
            each: 1000.0 / fps.clamp(0.1, 1000.0),
            decoded: 0,
            missing: 0.0,
            last: None,
        }
    }

    /// Takes the next picture; answers whether more are wanted.
    pub(super) fn see(&mut self, at: i64) -> bool {
        if at >= self.to {
            return false;
        }
        if at >= self.from {
            self.decoded += 1;
        }
        self.last = Some(at);
        true
    }

    /// Errors stand for pictures that were lost between others; a tail that no track reaches was cut off.
    pub(super) fn health(mut self, reached: i64, errors: u64) -> Health {
        let ms = |n: i64| n as f64;
        let end = ms(self.last.unwrap_or(self.from)) + self.each;
        let tail = ms(self.to) - end;
        if tail > 1.5 * self.each
            && (self.last.is_none() || ms(reached) < ms(self.to) - 1.5 * self.each)
        {
            self.missing += tail / self.each;
        }
        let promised = ms(self.to - self.from) / self.each;
        let lost =
            errors.min((promised - self.decoded as f64 - self.missing).max(0.0).ceil() as u64);
        Health {
            decoded: self.decoded,
            expected: self.decoded + lost + self.missing.round() as u64,
            errors,
        }
    }
}

/// Opens a file up to its first picture.
pub(super) fn start(
    path: &Path,
    bounds: &Bounds,
    quick: Quick,
) -> Result<(Pictures, frame::Video)> {
    for keyless in [false, true] {
        let mut pictures = Pictures::open(path, bounds, quick, keyless)?;
        if let Some(first) = pictures.next() {
            return Ok((pictures, first));
        }
    }
    Err(Error::Refused("not one of its pictures can be decoded; the file is damaged".into()))
}

pub(super) fn facts(pictures: &Pictures, first: &frame::Video, origin: i64) -> (Facts, Turn) {
    let (input, stream) = (&pictures.input, pictures.stream());
    let matrix = stream.side_data().find(|side| side.kind() == Side::DisplayMatrix);
    let turn = Turn::of(matrix.as_ref().map_or(&[], |side| side.data()));
    let look = Look::of(first);
    let coded = look.coded;
    let (width, height) = {
        // A ratio nobody uses is a broken number, not a shape.
        let ratio = first.aspect_ratio();
        let ratio = f64::from(ratio.numerator()) / f64::from(ratio.denominator());
        let ratio = if (0.25..=4.0).contains(&ratio) { ratio } else { 1.0 };
        let wide = ((f64::from(coded.width) * ratio).round() as u32).max(1);
        if turn.lies() { (coded.height, wide) } else { (wide, coded.height) }
    };
    let rate = |rate: Rational| {
        let rate = f64::from(rate.numerator()) / f64::from(rate.denominator());
        (rate.is_finite() && (0.1..=1000.0).contains(&rate)).then_some(rate)
    };
    let (average, base) = (rate(stream.avg_frame_rate()), rate(stream.rate()));
    let fps = average.or(base).unwrap_or(25.0);
    let duration_ms = length(input, &stream, origin, fps);
    let promised = (duration_ms as f64 * fps / 1000.0).round() as u64;
    let frames = u64::try_from(stream.frames()).unwrap_or(0);
    let sound = open::sound(input, &stream);
    let format = look.format.descriptor();
    let facts = Facts {
        container: input.format().name().split(',').next().unwrap_or_default().to_owned(),
        codec: stream.parameters().id().name().to_owned(),
        width,
        height,
        coded,
        rotation: turn.degrees,
        mirrored: turn.mirrored,
        fps,
        variable: base.is_some_and(|base| (base / fps - 1.0).abs() > 0.02) && look.field.is_none(),
        duration_ms,
        frames: if frames > 0 { frames } else { promised.max(1) },
        pixels: format.map_or("unknown", ffmpeg_next::format::pixel::Descriptor::name).to_owned(),
        matrix: look.space.name().unwrap_or("unknown").to_owned(),
        full_range: look.full_range,
        light: look.light(),
        interlaced: look.field.is_some(),
        has_sound: sound.is_some(),
        sound_codec: sound.map(|sound| sound.parameters().id().name().to_owned()),
    };
    (facts, turn)
}

/// Length of the picture in milliseconds: of its track, else of the file, else what one picture lasts.
fn length(input: &Input, stream: &Stream<'_>, origin: i64, fps: f64) -> u64 {
    let track = stream.duration();
    let start = stream.start_time();
    // The first pictures may be undecodable: the rest is shorter by them.
    let lost = if start == i64::MIN { 0 } else { origin.saturating_sub(start).max(0) };
    let whole = if track > 0 {
        millis(track.saturating_sub(lost), stream.time_base())
    } else {
        millis(input.duration(), TIME_BASE) - millis(lost, stream.time_base())
    };
    let one = (1000.0 / fps).round() as i64;
    u64::try_from(whole.max(one)).unwrap_or(1)
}
