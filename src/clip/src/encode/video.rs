//! The picture: H.264 High, 4:2:0, BT.709, constant frame rate, closed groups.

use ffmpeg_next::{
    Dictionary, Error as AvError, Packet, Rational, codec, codec::encoder, color, error::EAGAIN,
    format::Pixel, frame,
};

use crate::{
    Error, Result,
    encode::{Rate, Rung, refused},
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

/// An open encoder with the frame it shrinks into.
pub(crate) struct Video {
    pub(crate) encoder: encoder::video::Encoder,
    pub(crate) step: Rational,
    divisor: usize,
    small: Option<frame::Video>,
    size: (u32, u32),
}

impl Video {
    pub(crate) fn open(rung: &Rung, timeline: &Timeline, threads: usize) -> Result<Self> {
        let missing =
            || Error::Encode { what: "video", reason: "this ffmpeg has no libx264".into() };
        let codec = encoder::find_by_name("libx264").ok_or_else(missing)?;
        let size = rung.size(timeline);
        let fps = i32::try_from(timeline.canvas.fps).expect("checked with the timeline");
        let step = Rational(1, fps);
        let mut context = codec::context::Context::new_with_codec(codec);
        // Both at once: the second call would take back the first.
        context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::CLOSED_GOP);
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
        video.set_gop(timeline.canvas.fps * rung.keyframe_s.max(1));
        video.set_colorspace(color::Space::BT709);
        video.set_color_range(color::Range::MPEG);
        video.set_color_primaries(color::Primaries::BT709);
        video.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
        let mut options = Dictionary::new();
        options.set("preset", &rung.preset);
        options.set("profile", "high");
        match rung.rate {
            Rate::Quality(crf) => options.set("crf", &crf.to_string()),
            Rate::Capped { quality, total_kbps } => {
                let most = picture_bps(total_kbps, rung.sound_kbps, timeline);
                options.set("crf", &quality.to_string());
                options.set("maxrate", &most.to_string());
                options.set("bufsize", &(most * BUFFER_S).to_string());
            }
        }
        let encoder = video.open_with(options).map_err(refused("video"))?;
        let small = (rung.divisor > 1).then(|| picture(size));
        Ok(Self { encoder, step, divisor: rung.divisor.max(1) as usize, small, size })
    }

    /// Sends a frame of the canvas, shrunk when this rung is smaller.
    pub(crate) fn send(&mut self, canvas: &mut frame::Video) -> Result<()> {
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
}

/// Seconds a decoder may buffer; a burst at the start can add so much to the mean.
const BUFFER_S: u64 = 2;

/// What is left for the picture when the whole file may have `total_kbps`.
fn picture_bps(total_kbps: u32, sound_kbps: u32, timeline: &Timeline) -> u64 {
    // Tables of the container: some 6 kbit/s for the samples and 3 kB for the rest.
    const TABLES_BPS: u64 = 6_000;
    const HEAD_BITS: u64 = 24_000;
    let ms = timeline.duration_ms().max(1);
    let rest =
        u64::from(total_kbps * 1000).saturating_sub(u64::from(sound_kbps) * 1050 + TABLES_BPS);
    let bits = (rest * ms / 1000).saturating_sub(HEAD_BITS);
    (bits * 1000 / (ms + BUFFER_S * 1000)).max(8_000)
}

/// The next packet of an encoder, or nothing until it gets more.
pub(crate) fn next(encoder: &mut encoder::Encoder, packet: &mut Packet) -> Result<bool> {
    match encoder.receive_packet(packet) {
        Ok(()) => Ok(true),
        Err(AvError::Eof | AvError::Other { errno: EAGAIN }) => Ok(false),
        Err(error) => Err(refused("packet")(error)),
    }
}
