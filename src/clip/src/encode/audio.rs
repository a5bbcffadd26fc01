//! The sound at 48 kHz: AAC-LC, Opus or MP3.

use ffmpeg_next::{
    ChannelLayout, Dictionary, Packet as AvPacket, Rational, codec,
    codec::encoder,
    format::{Sample, sample::Type},
    frame,
};

use crate::{
    Error, Result,
    encode::{
        SoundCodec, SoundRate, refused,
        track::{Packet, Track},
        video::next,
    },
    ffi,
    sound::{RATE, Sound},
};

/// An open encoder.
pub(crate) struct Audio {
    pub(crate) encoder: encoder::audio::Encoder,
    pub(crate) step: Rational,
    format: Sample,
    layout: ChannelLayout,
}

impl Audio {
    pub(crate) fn open(rate: SoundRate) -> Result<Self> {
        let (name, format) = match rate.codec {
            SoundCodec::Aac => ("aac", Sample::F32(Type::Planar)),
            SoundCodec::Opus => ("libopus", Sample::F32(Type::Packed)),
            SoundCodec::Mp3 => ("libmp3lame", Sample::F32(Type::Planar)),
        };
        let missing =
            || Error::Encode { what: "sound", reason: format!("this ffmpeg has no {name}") };
        let codec = encoder::find_by_name(name).ok_or_else(missing)?;
        let mut context = codec::context::Context::new_with_codec(codec);
        context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::BITEXACT);
        let mut audio = context.encoder().audio().map_err(refused("sound"))?;
        let layout = match rate.channels {
            1 => ChannelLayout::MONO,
            2 => ChannelLayout::STEREO,
            n => return Err(Error::Encode { what: "sound", reason: format!("{n} channels") }),
        };
        let step = Rational(1, RATE.cast_signed());
        audio.set_rate(RATE.cast_signed());
        audio.set_channel_layout(layout);
        audio.set_format(format);
        audio.set_bit_rate(rate.kbps as usize * 1000);
        audio.set_time_base(step);
        let mut options = Dictionary::new();
        if rate.codec == SoundCodec::Aac {
            // The default search overshoots at few bits (0.8 LU louder and up to 2 dB over the ceiling at 28 kbit/s) and
            // takes several times as long.
            options.set("aac_coder", "fast");
        }
        let encoder = audio.open_with(options).map_err(refused("sound"))?;
        Ok(Self { encoder, step, format, layout })
    }
}

/// Highest true peak of what is decoded, dBTP.
const HIGHEST_DB: f64 = -1.0;
/// How often a sound is mastered again, lower, because its encoding passes that.
const SOFTER: usize = 4;

/// Encodes all of a sound. Time stamps are samples; the first packets may lie before zero, where the encoder starts up.
///
/// How far an encoder of few bits passes the peaks it was given, only its decoder can tell: what passes [`HIGHEST_DB`] is
/// mastered again below it.
pub(crate) fn encode(mut sound: Sound, rate: SoundRate) -> Result<Track> {
    let mut ceiling = rate.ceiling_db();
    let mut track = encoded(&sound, rate)?;
    if rate.codec != SoundCodec::Aac {
        return Ok(track);
    }
    for _ in 0..SOFTER {
        let over = peak_db(&track, rate)? - HIGHEST_DB;
        if over <= 0.0 {
            break;
        }
        ceiling -= over + 0.2;
        // Minutes of sound are tens of megabytes: what is turned down is turned down in its place.
        sound.hold(ceiling);
        sound.master(ceiling)?;
        track = encoded(&sound, rate)?;
    }
    Ok(track)
}

/// True peak of an encoded sound as a player decodes it.
fn peak_db(track: &Track, rate: SoundRate) -> Result<f64> {
    let refused_by_meter =
        |e: ebur128::Error| Error::Encode { what: "loudness", reason: e.to_string() };
    let parameters: codec::Parameters = (&Audio::open(rate)?.encoder).into();
    let context = codec::context::Context::from_parameters(parameters).map_err(refused("sound"))?;
    let mut decoder = context.decoder().audio().map_err(refused("sound"))?;
    let mut meter = ebur128::EbuR128::new(rate.channels, RATE, ebur128::Mode::TRUE_PEAK)
        .map_err(refused_by_meter)?;
    let mut piece = frame::Audio::empty();
    // One empty packet at the end: what the decoder holds back.
    for bytes in track.iter().map(|(_, bytes)| Some(bytes)).chain([None]) {
        let sent = match bytes {
            Some(bytes) => decoder.send_packet(&AvPacket::copy(bytes)),
            None => decoder.send_eof(),
        };
        sent.map_err(refused("sound"))?;
        while decoder.receive_frame(&mut piece).is_ok() {
            let planes: Vec<&[f32]> = (0..piece.planes()).map(|i| piece.plane(i)).collect();
            meter.add_frames_planar_f32(&planes).map_err(refused_by_meter)?;
        }
    }
    let mut peak = 0.0f64;
    for channel in 0..rate.channels {
        peak = peak.max(meter.true_peak(channel).map_err(refused_by_meter)?);
    }
    Ok(20.0 * peak.max(1e-9).log10())
}

fn encoded(sound: &Sound, rate: SoundRate) -> Result<Track> {
    let Audio { mut encoder, format, layout, .. } = Audio::open(rate)?;
    let mut track = Track { headers: ffi::headers(&encoder), ..Track::default() };
    let mut packet = AvPacket::empty();
    let step = match encoder.frame_size() as usize {
        0 => 1024,
        size => size,
    };
    let whole = sound.len().next_multiple_of(step);
    for start in (0..whole).step_by(step) {
        let mut piece = frame::Audio::new(format, step, layout);
        piece.set_rate(RATE);
        piece.set_pts(Some(i64::try_from(start).expect("a clip is short")));
        // The last piece is filled up with silence: not every encoder takes a short one.
        let at = |channel: &Vec<f32>, i: usize| channel.get(start + i).copied().unwrap_or(0.0);
        if format.is_planar() {
            for (i, channel) in sound.channels.iter().enumerate() {
                let plane: &mut [f32] = piece.plane_mut(i);
                for (k, sample) in plane.iter_mut().take(step).enumerate() {
                    *sample = at(channel, k);
                }
            }
        } else {
            let channels = sound.channels.len();
            let bytes = piece.data_mut(0);
            for (k, sample) in bytes.chunks_exact_mut(4).take(step * channels).enumerate() {
                let value = at(&sound.channels[k % channels], k / channels);
                sample.copy_from_slice(&value.to_ne_bytes());
            }
        }
        encoder.send_frame(&piece).map_err(refused("sound"))?;
        drain(&mut encoder, &mut packet, &mut track)?;
    }
    encoder.send_eof().map_err(refused("end"))?;
    drain(&mut encoder, &mut packet, &mut track)?;
    Ok(track)
}

fn drain(
    encoder: &mut encoder::audio::Encoder,
    packet: &mut AvPacket,
    track: &mut Track,
) -> Result<()> {
    while next(encoder, packet)? {
        let kept = Packet {
            pts: packet.pts().unwrap_or(0),
            dts: packet.dts().or(packet.pts()).unwrap_or(0),
            duration: packet.duration(),
            key: true,
            length: 0,
        };
        track.push(kept, packet.data().unwrap_or_default());
    }
    Ok(())
}
