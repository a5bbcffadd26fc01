//! Opening a file that nobody trusts: told by its first bytes, one demuxer, one protocol, no surprise in size.

use std::{fs::File, io::Read as _, path::Path};

use ffmpeg_next::{
    Dictionary, Rational, Rescale as _, Stream, codec, decoder,
    format::{self, context::Input},
    media, threading,
};

use super::{Bounds, Error, Result, file};
use crate::ffi;

/// Picture codecs that are decoded. Others are rare in newsrooms or have decoders nobody tests.
const PICTURES: [codec::Id; 14] = [
    codec::Id::H264,
    codec::Id::HEVC,
    codec::Id::VP8,
    codec::Id::VP9,
    codec::Id::AV1,
    codec::Id::MPEG4,
    codec::Id::MPEG2VIDEO,
    codec::Id::MPEG1VIDEO,
    codec::Id::MJPEG,
    codec::Id::PRORES,
    codec::Id::DNXHD,
    codec::Id::DVVIDEO,
    codec::Id::RAWVIDEO,
    codec::Id::FFV1,
];

/// Sound codecs that are decoded, by their name.
const SOUNDS: [&str; 12] = [
    "aac", "mp3", "mp2", "ac3", "eac3", "opus", "vorbis", "flac", "alac", "amr_nb", "amr_wb",
    "pcm_",
];

/// Decoders the probing may use: those of the lists above.
const DECODERS: &str = "h264,hevc,vp8,vp9,libdav1d,av1,mpeg4,mpeg2video,mpeg1video,mjpeg,prores,dnxhd,dvvideo,\
    rawvideo,ffv1,aac,mp3float,mp3,mp2float,mp2,ac3,eac3,opus,vorbis,flac,alac,amrnb,amrwb,pcm_s16le,pcm_s16be,\
    pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_u8,pcm_s8,pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd";

/// No single piece of memory of the library is larger: a plane of 3840 × 2160 at 8 bytes a pixel fits, a picture of
/// 16384 × 8704 does not.
const LARGEST_PIECE: usize = 72 << 20;
/// Pixels of a stored picture: 4096 × 2304, some more than 3840 × 2160 because codecs store whole blocks.
const MOST_PIXELS: &str = "9437184";

/// The demuxer for these first bytes.
fn sniff(head: &[u8]) -> Result<&'static str> {
    let at = |from: usize, what: &[u8]| head.get(from..).is_some_and(|rest| rest.starts_with(what));
    let boxes: [&[u8]; 6] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"];
    if boxes.iter().any(|name| at(4, name)) {
        return Ok("mov");
    }
    if at(0, b"\x1a\x45\xdf\xa3") {
        return Ok("matroska");
    }
    if at(0, b"RIFF") && at(8, b"AVI ") {
        return Ok("avi");
    }
    // Packets of a transport stream begin with 0x47 every 188 bytes, those of a disc every 192 after 4.
    let every = |first: usize, step: usize| (0..3).all(|i| at(first + i * step, b"\x47"));
    if every(0, 188) || every(4, 192) {
        return Ok("mpegts");
    }
    let text = String::from_utf8_lossy(head.get(..64).unwrap_or(head)).to_lowercase();
    let why = if head.is_empty() {
        "the file is empty"
    } else if text.contains("#extm3u") || text.contains("<mpd") {
        "this is a playlist, not a video; send the video itself"
    } else if text.contains("ffconcat") || text.starts_with("file ") {
        "this is a list of files, not a video; send the video itself"
    } else {
        "this is no video we read; send MP4, MOV, MKV, WebM, MPEG-TS or AVI"
    };
    Err(Error::Refused(why.into()))
}

pub(super) fn failed(what: &'static str) -> impl FnOnce(ffmpeg_next::Error) -> Error {
    move |error| Error::Library { what, reason: error.to_string() }
}

/// Opens the container.
pub(super) fn input(path: &Path, bounds: &Bounds) -> Result<Input> {
    let mut head = Vec::new();
    let opened = File::open(path).map_err(file(path))?;
    opened.take(1024).read_to_end(&mut head).map_err(file(path))?;
    let demuxer = sniff(&head)?;
    let unreadable = || Error::Refused("the name of the file is not UTF-8; rename it".into());
    // With its protocol, so that a colon in a name is not taken for one.
    let address = format!("file:{}", path.to_str().ok_or_else(unreadable)?);

    ffmpeg_next::init().map_err(failed("start"))?;
    // A broken file would fill the log; its errors are counted and told instead.
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
    ffi::cap_pieces(LARGEST_PIECE);
    let mut options = Dictionary::new();
    options.set("format_whitelist", demuxer);
    options.set("protocol_whitelist", "file");
    options.set("codec_whitelist", DECODERS);
    options.set("max_streams", &bounds.tracks.to_string());
    options.set("probesize", "8000000");
    options.set("analyzeduration", "5000000");
    options.set("max_probe_packets", "2000");
    let input = format::input_with_dictionary(&address, options).map_err(|error| {
        // The library says it has no memory when there are more streams than allowed.
        let many = error == ffmpeg_next::Error::Other { errno: ffmpeg_next::error::ENOMEM };
        Error::Refused(if many {
            format!("it has more than {} tracks or asks for too much memory", bounds.tracks)
        } else {
            format!("the file cannot be opened ({error}); it is damaged or not finished")
        })
    })?;
    if input.nb_streams() > bounds.tracks {
        let why = format!("{} tracks, at most {} are taken", input.nb_streams(), bounds.tracks);
        return Err(Error::Refused(why));
    }
    Ok(input)
}

/// The track with the picture.
pub(super) fn picture(input: &Input) -> Result<Stream<'_>> {
    let none = || Error::Refused("there is no picture in the file, only sound or data".into());
    let stream = input.streams().best(media::Type::Video).ok_or_else(none)?;
    // The cover of a song is a picture too, but not a video.
    if stream.disposition().contains(format::stream::Disposition::ATTACHED_PIC) {
        return Err(none());
    }
    let id = stream.parameters().id();
    if !PICTURES.contains(&id) {
        let why = format!("pictures in {} are not taken; send H.264 in MP4", id.name());
        return Err(Error::Refused(why));
    }
    Ok(stream)
}

/// The track with the sound that goes with the picture, when it can be decoded.
pub(super) fn sound<'a>(input: &'a Input, picture: &Stream<'_>) -> Option<Stream<'a>> {
    let best = input.streams().related(picture).best(media::Type::Audio)?;
    let name = best.parameters().id().name();
    SOUNDS.iter().any(|known| name.starts_with(known)).then_some(best)
}

/// An open decoder of pictures. `quick` leaves out the filter at block edges: for analysis, not for showing.
pub(super) fn decoder(
    stream: &Stream<'_>,
    bounds: &Bounds,
    quick: Quick,
) -> Result<decoder::Video> {
    let mut context =
        codec::context::Context::from_parameters(stream.parameters()).map_err(failed("decoder"))?;
    context.set_threading(threading::Config {
        kind: threading::Type::Frame,
        count: bounds.threads.clamp(1, 16) as usize,
        ..threading::Config::default()
    });
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    if quick == Quick::Yes {
        decoder.skip_loop_filter(ffmpeg_next::Discard::All);
    }
    let id = stream.parameters().id();
    let missing = || Error::Refused(format!("this machine has no decoder for {}", id.name()));
    let codec = decoder::find(id).ok_or_else(missing)?;
    let mut options = Dictionary::new();
    options.set("max_pixels", MOST_PIXELS);
    let opened = decoder.open_as_with(codec, options).and_then(decoder::Opened::video);
    opened.map_err(|error| {
        Error::Refused(format!(
            "its {} cannot be decoded ({error}); it is damaged, or larger than {} × {}",
            id.name(),
            bounds.long_side,
            bounds.short_side
        ))
    })
}

/// Whether a decoder may trade looks for speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quick {
    No,
    Yes,
}

/// Refuses what is too large or too long.
pub(super) fn check(width: u32, height: u32, length_ms: u64, bounds: &Bounds) -> Result<()> {
    let (long, short) = (width.max(height), width.min(height));
    if long > bounds.long_side || short > bounds.short_side {
        return Err(Error::Refused(format!(
            "{width} × {height} pixels are too large, at most {} × {} are taken; send a smaller version",
            bounds.long_side, bounds.short_side
        )));
    }
    if length_ms > bounds.length_ms {
        return Err(Error::Refused(format!(
            "it is {} minutes long, at most {} are taken; cut it first",
            length_ms / 60_000,
            bounds.length_ms / 60_000
        )));
    }
    Ok(())
}

/// Milliseconds, rounded down.
pub(super) fn millis(stamp: i64, clock: Rational) -> i64 {
    stamp.rescale_with(clock, Rational(1, 1000), ffmpeg_next::Rounding::Down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_told_by_their_first_bytes_and_lists_are_not_videos() {
        let transport = |step: usize, first: usize| {
            let mut bytes = vec![0u8; 600];
            (0..3).for_each(|i| bytes[first + i * step] = 0x47);
            bytes
        };
        assert_eq!(sniff(b"\0\0\0\x20ftypisom").unwrap(), "mov");
        assert_eq!(sniff(b"\x1a\x45\xdf\xa3\x01").unwrap(), "matroska");
        assert_eq!(sniff(b"RIFF\0\0\0\0AVI LIST").unwrap(), "avi");
        assert_eq!(sniff(&transport(188, 0)).unwrap(), "mpegts");
        assert_eq!(sniff(&transport(192, 4)).unwrap(), "mpegts");
        for (bytes, why) in [
            (b"#EXTM3U\n" as &[u8], "playlist"),
            (b"ffconcat version 1.0\n", "list of files"),
            (b"RIFF\0\0\0\0WAVEfmt ", "no video we read"),
            (b"", "empty"),
        ] {
            let error = sniff(bytes).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn size_and_length_are_bounded_either_way_up() {
        let bounds = Bounds::default();
        assert!(check(3840, 2160, 1, &bounds).is_ok() && check(2160, 3840, 1, &bounds).is_ok());
        assert!(check(3842, 2160, 1, &bounds).is_err() && check(2400, 2400, 1, &bounds).is_err());
        assert!(check(2, 2, bounds.length_ms + 1, &bounds).is_err());
    }
}
