//! The sound of a source on the clock of its picture.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "sample counts of minutes fit every number type here"
)]

use ffmpeg_next::{
    ChannelLayout, Error as Av, Packet, Rational, Rescale as _, Stream, codec, decoder,
    format::{Sample, context::Input, sample::Type},
    frame,
    rescale::TIME_BASE,
};

use super::{
    Error, Result,
    look::Reel,
    open::{self, failed},
    resample::Resampler,
};
use crate::sound::{RATE, Sound};

/// Longest span of sound at once, ms.
const LONGEST_MS: u64 = 600_000;
/// Decoders need a little of what was before.
const LEAD_MS: i64 = 300;
/// Stamps may tremble by so much without a gap or an overlap: containers round them to milliseconds.
const TREMBLE_S: f64 = 0.02;

/// A second demuxer, so that the picture keeps its place.
pub(super) struct Ears {
    input: Input,
    decoder: Decoder,
}

/// The decoder of a sound track.
pub(super) struct Decoder {
    pub(super) track: usize,
    clock: Rational,
    inner: decoder::Audio,
    /// Stamp after the last piece, for pieces without one.
    next: i64,
}

/// Decoded samples of two channels, and when the first is heard in seconds on the clock of the file.
pub(super) struct Piece {
    pub(super) at: f64,
    pub(super) rate: u32,
    pub(super) channels: [Vec<f32>; 2],
}

impl Decoder {
    pub(super) fn new(stream: &Stream<'_>) -> Result<Self> {
        let context = codec::context::Context::from_parameters(stream.parameters());
        let mut decoder = context.map_err(failed("sound"))?.decoder();
        decoder.set_packet_time_base(stream.time_base());
        let decoder = decoder
            .audio()
            .map_err(|error| Error::Refused(format!("its sound cannot be decoded ({error})")))?;
        Ok(Self { track: stream.index(), clock: stream.time_base(), inner: decoder, next: 0 })
    }

    /// Everything a packet holds; nothing at its end. Damaged packets are gaps.
    pub(super) fn decode(&mut self, packet: Option<&Packet>) -> Vec<Piece> {
        let sent = match packet {
            Some(packet) => self.inner.send_packet(packet),
            None => self.inner.send_eof(),
        };
        let mut pieces = Vec::new();
        if sent.is_err() {
            return pieces;
        }
        loop {
            let mut samples = frame::Audio::empty();
            match self.inner.receive_frame(&mut samples) {
                Ok(()) => pieces.extend(self.piece(&samples)),
                Err(_) => return pieces,
            }
        }
    }

    fn piece(&mut self, samples: &frame::Audio) -> Option<Piece> {
        let rate = samples.rate();
        if !(1000..=768_000).contains(&rate) || samples.samples() == 0 {
            return None;
        }
        let stamp = samples.timestamp().unwrap_or(self.next);
        let lasts = (samples.samples() as i64).rescale(Rational(1, rate.cast_signed()), self.clock);
        self.next = stamp.saturating_add(lasts);
        Some(Piece { at: seconds(stamp, self.clock), rate, channels: stereo(samples)? })
    }
}

fn seconds(stamp: i64, clock: Rational) -> f64 {
    stamp as f64 * f64::from(clock.numerator()) / f64::from(clock.denominator().max(1))
}

/// All channels of decoded samples as numbers between −1 and 1.
fn planes(samples: &frame::Audio) -> Option<Vec<Vec<f32>>> {
    let channels = usize::from(samples.channels());
    // One closure a format: how a stored number becomes a sample.
    macro_rules! read {
        ($kind:ty, $packing:expr, $to:expr) => {
            match $packing {
                Type::Planar => (0..channels)
                    .map(|i| samples.plane::<$kind>(i).iter().map(|&v| $to(v)).collect())
                    .collect(),
                Type::Packed => {
                    let all = samples.plane::<$kind>(0);
                    (0..channels)
                        .map(|i| all.iter().skip(i).step_by(channels).map(|&v| $to(v)).collect())
                        .collect()
                }
            }
        };
    }
    if channels == 0 || samples.planes() == 0 {
        return None;
    }
    Some(match samples.format() {
        Sample::U8(packing) => read!(u8, packing, |v: u8| (f32::from(v) - 128.0) / 128.0),
        Sample::I16(packing) => read!(i16, packing, |v: i16| f32::from(v) / 32_768.0),
        Sample::I32(packing) => read!(i32, packing, |v: i32| v as f32 / 2_147_483_648.0),
        Sample::F32(packing) => read!(f32, packing, |v: f32| v),
        Sample::F64(packing) => read!(f64, packing, |v: f64| v as f32),
        _ => return None,
    })
}

/// Left and right of any layout: a single channel is heard on both sides as loud as it is, the centre and the back a
/// little less on their sides, the low effects not at all.
fn stereo(samples: &frame::Audio) -> Option<[Vec<f32>; 2]> {
    let mut planes = planes(samples)?;
    for sample in planes.iter_mut().flatten() {
        // What is no number would spread through every filter.
        *sample = if sample.is_finite() { sample.clamp(-4.0, 4.0) } else { 0.0 };
    }
    match planes.len() {
        1 => {
            let only = planes.pop()?;
            Some([only.clone(), only])
        }
        2 => {
            let right = planes.pop()?;
            Some([planes.pop()?, right])
        }
        count => {
            let said = samples.channel_layout();
            let layout = if said.bits().count_ones() as usize == count {
                said
            } else {
                ChannelLayout::default(i32::try_from(count).ok()?)
            };
            let spots: Vec<u32> = (0..64).filter(|bit| layout.bits() >> bit & 1 == 1).collect();
            let shares = (0..count).map(|i| match spots.get(i) {
                Some(0) => [1.0, 0.0],
                Some(1) => [0.0, 1.0],
                Some(2) => [0.707, 0.707],
                Some(3) => [0.0, 0.0],
                Some(4 | 6 | 9) => [0.707, 0.0],
                Some(5 | 7 | 10) => [0.0, 0.707],
                _ => [0.5, 0.5],
            });
            let shares: Vec<[f32; 2]> = shares.collect();
            let side = |side: usize| {
                let len = planes.iter().map(Vec::len).min().unwrap_or(0);
                let total: f32 = shares.iter().map(|share| share[side]).sum();
                (0..len)
                    .map(|i| {
                        let sum: f32 =
                            planes.iter().zip(&shares).map(|(p, s)| p[i] * s[side]).sum();
                        sum / total.max(1.0)
                    })
                    .collect()
            };
            Some([side(0), side(1)])
        }
    }
}

/// See [`Reel::sound`].
pub(super) fn sound(reel: &mut Reel, from_ms: u64, to_ms: u64) -> Result<Sound> {
    if to_ms < from_ms || to_ms - from_ms > LONGEST_MS {
        let why = format!(
            "sound from {from_ms} to {to_ms} ms was asked for: at most ten minutes at once"
        );
        return Err(Error::Refused(why));
    }
    let count = ((to_ms - from_ms) * u64::from(RATE) / 1000) as usize;
    let mut out = Sound { channels: vec![vec![0.0; count]; 2] };
    if !reel.facts().has_sound || count == 0 {
        return Ok(out);
    }
    let (stamp, clock) = reel.zero();
    let zero = seconds(stamp, clock);
    let (from, to) = (zero + from_ms as f64 / 1000.0, zero + to_ms as f64 / 1000.0);
    let mut ears = match reel.ears.take() {
        Some(ears) => ears,
        None => Ears::open(reel)?,
    };
    let mut span = Span { at: 0.0, rate: 0, channels: [vec![], vec![]] };
    let mut resampler: Option<Resampler> = None;
    let mut write = |span: &Span| {
        if span.rate == 0 {
            return;
        }
        if resampler.as_ref().is_none_or(|r| r.rate() != span.rate) {
            resampler = Some(Resampler::new(span.rate));
        }
        span.write(resampler.as_ref().expect("it was just made"), from, &mut out);
    };
    ears.go_before(from);
    let mut late = 0;
    loop {
        let mut packet = Packet::empty();
        let read = packet.read(&mut ears.input);
        let pieces = match read {
            Ok(()) if packet.stream() == ears.decoder.track => ears.decoder.decode(Some(&packet)),
            Ok(()) | Err(Av::InvalidData) => continue,
            Err(_) => ears.decoder.decode(None),
        };
        for piece in pieces {
            if piece.at >= to + 0.1 {
                late += 1;
                continue;
            }
            if !span.continues(&piece) {
                write(&span);
                span = Span { at: piece.at, rate: piece.rate, channels: [vec![], vec![]] };
            }
            // What is long before the span is not kept: a file may have one keyframe only.
            span.push(piece, from - 0.1);
        }
        if read.is_err() || late > 1 {
            break;
        }
    }
    write(&span);
    reel.ears = Some(ears);
    Ok(out)
}

impl Ears {
    fn open(reel: &Reel) -> Result<Self> {
        let input = open::input(reel.path(), reel.bounds())?;
        let gone = || Error::Refused("its sound is gone; was the file changed?".into());
        let decoder = {
            let stream = open::sound(&input, &open::picture(&input)?).ok_or_else(gone)?;
            Decoder::new(&stream)?
        };
        Ok(Self { input, decoder })
    }

    /// Goes to where the sound before `from` begins, or to the beginning of the file.
    fn go_before(&mut self, from: f64) {
        for back in [LEAD_MS, 2_000, 10_000, 60_000] {
            let target = ((from * 1e6) as i64).saturating_sub(back * 1000);
            if self.input.seek(target, ..target).is_err() {
                continue;
            }
            if self.first().is_some_and(|at| at <= from)
                && self.input.seek(target, ..target).is_ok()
            {
                self.decoder.inner.flush();
                return;
            }
        }
        // Before everything; if even that fails, what follows is silence or late, and nothing is wrong in place.
        let start =
            self.input.streams().map(|s| s.start_time().rescale(s.time_base(), TIME_BASE)).min();
        let start = start.unwrap_or(0);
        if self.input.seek(start, ..).is_ok() {
            self.decoder.inner.flush();
        }
    }

    /// Seconds of the next sound packet.
    fn first(&mut self) -> Option<f64> {
        loop {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.decoder.track => {
                    return packet.pts().map(|at| seconds(at, self.decoder.clock));
                }
                Ok(()) | Err(Av::InvalidData) => {}
                Err(_) => return None,
            }
        }
    }
}

/// Pieces that follow each other without a gap.
struct Span {
    at: f64,
    rate: u32,
    channels: [Vec<f32>; 2],
}

impl Span {
    fn continues(&self, piece: &Piece) -> bool {
        let end = self.at + self.channels[0].len() as f64 / f64::from(self.rate.max(1));
        self.rate == piece.rate && (piece.at - end).abs() < TREMBLE_S
    }

    fn push(&mut self, piece: Piece, keep_from: f64) {
        for (to, from) in self.channels.iter_mut().zip(piece.channels) {
            to.extend(from);
        }
        let spare = (keep_from - self.at) * f64::from(self.rate);
        // In large steps: each moves everything that is kept.
        if spare > f64::from(self.rate) {
            let spare = (spare as usize).min(self.channels[0].len());
            self.channels.iter_mut().for_each(|channel| drop(channel.drain(..spare)));
            self.at += spare as f64 / f64::from(self.rate);
        }
    }

    /// Writes what falls into the sound that begins at `from` seconds.
    fn write(&self, resampler: &Resampler, from: f64, out: &mut Sound) {
        let begins = (self.at - from) * f64::from(RATE);
        let lasts = self.channels[0].len() as f64 * f64::from(RATE) / f64::from(self.rate);
        let total = out.len();
        let first = (begins.ceil().max(0.0) as usize).min(total);
        let last = ((begins + lasts).ceil().max(0.0) as usize).min(total);
        if first < last {
            for (to, samples) in out.channels.iter_mut().zip(&self.channels) {
                resampler.run(samples, first as f64 - begins, &mut to[first..last]);
            }
        }
    }
}
