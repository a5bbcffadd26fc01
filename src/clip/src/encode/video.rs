//! The picture: H.264 High, 4:2:0, BT.709, constant frame rate, closed groups.

use ffmpeg_next::{
    Dictionary, Error as AvError, Packet as AvPacket, Rational, codec, codec::encoder, color,
    error::EAGAIN, format::Pixel, frame,
};

use crate::{
    Error, Result,
    encode::{
        Rate, Rung, refused,
        track::{Packet, Track},
    },
    ffi, rows,
    timeline::Timeline,
};

/// An empty frame for the encoder.
pub(crate) fn picture((width, height): (u32, u32)) -> frame::Video {
    let mut frame = frame::Video::new(Pixel::YUV420P, width, height);
    frame.set_color_range(color::Range::MPEG);
    frame.set_color_space(color::Space::BT709);
    frame
}

/// An open encoder with the frame it shrinks into, and what it has encoded.
pub(crate) struct Video {
    pub(crate) encoder: encoder::video::Encoder,
    pub(crate) step: Rational,
    divisor: usize,
    small: Option<frame::Video>,
    size: (u32, u32),
    packet: AvPacket,
    track: Track,
}

impl Video {
    pub(crate) fn open(
        rung: &Rung,
        timeline: &Timeline,
        quality: u32,
        threads: usize,
    ) -> Result<Self> {
        let missing =
            || Error::Encode { what: "video", reason: "this ffmpeg has no libx264".into() };
        let codec = encoder::find_by_name("libx264").ok_or_else(missing)?;
        let size = rung.size(timeline);
        let fps = i32::try_from(timeline.canvas.fps).expect("checked with the timeline");
        let step = Rational(1, fps);
        let mut context = codec::context::Context::new_with_codec(codec);
        // All at once: a second call would take back the first.
        context.set_flags(
            codec::Flags::GLOBAL_HEADER | codec::Flags::CLOSED_GOP | codec::Flags::BITEXACT,
        );
        context.set_threading(codec::threading::Config {
            kind: codec::threading::Type::Frame,
            count: threads,
            ..Default::default()
        });
        let mut video = context.encoder().video().map_err(refused("video"))?;
        video.set_width(size.0);
        video.set_height(size.1);
        video.set_format(Pixel::YUV420P);
        video.set_aspect_ratio(Rational(1, 1));
        video.set_time_base(step);
        video.set_frame_rate(Some(Rational(fps, 1)));
        video.set_gop(rung.keyframe(timeline.canvas.fps));
        video.set_colorspace(color::Space::BT709);
        video.set_color_range(color::Range::MPEG);
        video.set_color_primaries(color::Primaries::BT709);
        video.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
        let mut options = Dictionary::new();
        options.set("preset", &rung.preset);
        options.set("profile", "high");
        options.set("crf", &quality.to_string());
        if size.0 * size.1 >= LARGE {
            options.set("rc-lookahead", AHEAD);
        }
        if let Some(most) = peak_bps(rung) {
            options.set("maxrate", &most.to_string());
            options.set("bufsize", &(most * BUFFER_S).to_string());
        }
        let encoder = video.open_with(options).map_err(refused("video"))?;
        let small = (rung.divisor > 1).then(|| picture(size));
        let track = Track { headers: ffi::headers(&encoder), ..Track::default() };
        let divisor = rung.divisor.max(1) as usize;
        Ok(Self { encoder, step, divisor, small, size, packet: AvPacket::empty(), track })
    }

    /// Takes a frame of the canvas with its number as time stamp; it is shrunk when this rung is smaller.
    pub(crate) fn take(&mut self, canvas: &mut frame::Video) -> Result<()> {
        self.send(canvas)?;
        self.drain()
    }

    fn send(&mut self, canvas: &mut frame::Video) -> Result<()> {
        let Some(small) = &mut self.small else {
            return self.encoder.send_frame(canvas).map_err(refused("frame"));
        };
        if !ffi::is_writable(small) {
            *small = picture(self.size);
        }
        let divisor = self.divisor;
        for (from, mut to) in ffi::views(canvas).iter().zip(ffi::views(small)) {
            let (width, height) = (to.width, to.height);
            for y in 0..height {
                let source =
                    |k: usize| &from.data[(y * divisor + k) * from.stride..][..width * divisor];
                let lines = [source(0), source(1), source(divisor - 1)];
                let lines = if divisor == 2 { &lines[..2] } else { &lines[..] };
                rows::shrink(lines, to.span(y, 0, width));
            }
        }
        small.set_pts(canvas.pts());
        self.encoder.send_frame(small).map_err(refused("frame"))
    }

    fn drain(&mut self) -> Result<()> {
        while next(&mut self.encoder, &mut self.packet)? {
            let bytes = self.packet.data().unwrap_or_default();
            let first = self.track.packets.is_empty();
            let bytes = if first { without_signature(bytes) } else { bytes };
            let packet = Packet {
                pts: self.packet.pts().unwrap_or(0),
                dts: self.packet.dts().unwrap_or(0),
                // Without it the last frame would last no time.
                duration: 1,
                key: self.packet.is_key(),
                length: 0,
            };
            self.track.push(packet, bytes);
        }
        Ok(())
    }

    /// Everything it encoded, once it has given it all.
    pub(crate) fn finish(mut self) -> Result<Track> {
        self.encoder.send_eof().map_err(refused("end"))?;
        self.drain()?;
        Ok(self.track)
    }
}

/// Pixels from which frames that wait are dear: 6 to 13 MB each.
const LARGE: u32 = 1_000_000;
/// How many of them an encoder looks ahead. The ten of its preset cost 75 MB more with two workers.
const AHEAD: &str = "6";
/// Seconds a decoder may buffer.
const BUFFER_S: u64 = 2;

/// Most bits a second of the picture over [`BUFFER_S`], where a link asks for it.
fn peak_bps(rung: &Rung) -> Option<u64> {
    let Rate::Capped { total_kbps, .. } = rung.rate else { return None };
    let rest = u64::from(total_kbps).saturating_sub(u64::from(rung.sound.kbps));
    Some((rest * 1000).max(8_000))
}

/// Cuts off the message in which x264 tells its version and settings: some 700 bytes in each segment, and the only bytes
/// that differ between builds of equal output.
fn without_signature(bytes: &[u8]) -> &[u8] {
    const USER_DATA: [u8; 2] = [6, 5];
    let Some(message) =
        bytes.strip_prefix(&[0, 0, 0, 1]).or_else(|| bytes.strip_prefix(&[0, 0, 1]))
    else {
        return bytes;
    };
    if !message.starts_with(&USER_DATA) {
        return bytes;
    }
    let next = message.windows(3).position(|three| three == [0, 0, 1]);
    // The start code may have a zero before it that belongs to it.
    next.and_then(|at| {
        let zero = usize::from(at > 0 && message[at - 1] == 0);
        message.get(at - zero..)
    })
    .unwrap_or(bytes)
}

/// The next packet of an encoder, or nothing until it gets more.
pub(crate) fn next(encoder: &mut encoder::Encoder, packet: &mut AvPacket) -> Result<bool> {
    match encoder.receive_packet(packet) {
        Ok(()) => Ok(true),
        Err(AvError::Eof | AvError::Other { errno: EAGAIN }) => Ok(false),
        Err(error) => Err(refused("packet")(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_goes_and_everything_else_stays() {
        let signed = [0, 0, 0, 1, 6, 5, 9, 9, 9, 0x80, 0, 0, 0, 1, 0x65, 1, 2];
        assert_eq!(without_signature(&signed), [0, 0, 0, 1, 0x65, 1, 2]);
        let short = [0, 0, 1, 6, 5, 9, 0x80, 0, 0, 1, 0x65, 1, 2];
        assert_eq!(without_signature(&short), [0, 0, 1, 0x65, 1, 2]);
        for plain in [&[0, 0, 0, 1, 0x65, 1, 2][..], &[0, 0, 0, 1, 6, 1, 7, 0, 0, 1, 0x65], &[]] {
            assert_eq!(without_signature(plain), plain);
        }
    }
}
