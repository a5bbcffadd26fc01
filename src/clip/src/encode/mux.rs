//! Tracks into a file: fast start, nothing under its name before it is whole and on the disk.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use ffmpeg_next::{Dictionary, Packet as AvPacket, Rational, format, packet::Flags};

use crate::{
    Error, Result,
    encode::{
        Encoded, Rung, SoundCodec, SoundRate,
        audio::Audio,
        refused,
        track::{Packet, Track},
        video::Video,
    },
    error::file,
    ffi,
    sound::RATE,
    timeline::Timeline,
};

/// Clock of the picture in the container.
const CLOCK: i32 = 90_000;

/// A stretch of the picture in the cache.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    /// First frame.
    pub(crate) start: u32,
    pub(crate) path: PathBuf,
}

/// A file that is removed unless it gets its name.
struct Part {
    temporary: PathBuf,
    whole: PathBuf,
    named: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.named {
            // Nothing to do about a file that is not there or cannot be removed.
            fs::remove_file(&self.temporary).ok();
        }
    }
}

/// A whole file that has not its name yet.
pub(crate) struct Finished {
    name: String,
    pub(crate) bytes: u64,
    part: Part,
}

impl Finished {
    /// A clip that somebody has put on the disk beside its name.
    pub(crate) fn whole(name: &str, folder: &Path) -> Result<Self> {
        let file = format!("{name}.mp4");
        let temporary = folder.join(format!("{file}.part"));
        Self::close(name, Part { temporary, whole: folder.join(file), named: false })
    }

    fn close(name: &str, part: Part) -> Result<Self> {
        let written = File::open(&part.temporary).map_err(file(&part.temporary))?;
        written.sync_all().map_err(file(&part.temporary))?;
        let bytes = written.metadata().map_err(file(&part.temporary))?.len();
        Ok(Self { name: name.into(), bytes, part })
    }

    /// Gives it its name, on the disk too.
    pub(crate) fn name(mut self) -> Result<Encoded> {
        let (part, path) = (&self.part.temporary, self.part.whole.clone());
        fs::rename(part, &path).map_err(file(part))?;
        self.part.named = true;
        if let Some(folder) = path.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(file(folder))?;
        }
        Ok(Encoded { name: self.name, path, bytes: self.bytes })
    }
}

/// Ending of the name and name of the container for a rendition of the sound alone.
pub(crate) fn kind(codec: SoundCodec) -> (&'static str, &'static str) {
    match codec {
        SoundCodec::Aac => ("m4a", "ipod"),
        SoundCodec::Opus => ("opus", "ogg"),
        SoundCodec::Mp3 => ("mp3", "mp3"),
    }
}

fn open(
    folder: &Path,
    name: &str,
    (ending, muxer): (&str, &str),
) -> Result<(Part, format::context::Output)> {
    let part = Part {
        temporary: folder.join(format!("{name}.{ending}.part")),
        whole: folder.join(format!("{name}.{ending}")),
        named: false,
    };
    let unreadable =
        || Error::Encode { what: "path", reason: "the folder's name is not UTF-8".into() };
    // With its protocol, so that a colon in a name is not taken for one.
    let address = format!("file:{}", part.temporary.to_str().ok_or_else(unreadable)?);
    let container = format::output_as(&address, muxer).map_err(refused("open"))?;
    Ok((part, container))
}

/// Packets on their way into a container.
struct Writer {
    // Dropped first: the container closes the file before it is removed.
    container: format::context::Output,
    steps: Vec<Rational>,
}

impl Writer {
    fn start(mut container: format::context::Output, options: Dictionary<'_>) -> Result<Self> {
        container.write_header_with(options).map_err(refused("header"))?;
        // The muxer has chosen its own clock by now.
        let steps = container.streams().map(|stream| stream.time_base()).collect();
        Ok(Self { container, steps })
    }

    fn write(&mut self, stream: usize, step: Rational, packet: Packet, bytes: &[u8]) -> Result<()> {
        let mut out = AvPacket::copy(bytes);
        out.set_stream(stream);
        out.set_pts(Some(packet.pts));
        out.set_dts(Some(packet.dts));
        out.set_duration(packet.duration);
        if packet.key {
            out.set_flags(Flags::KEY);
        }
        out.rescale_ts(step, self.steps[stream]);
        out.write_interleaved(&mut self.container).map_err(refused("write"))
    }

    fn finish(mut self) -> Result<()> {
        self.container.write_trailer().map_err(refused("trailer"))
    }
}

fn add(
    container: &mut format::context::Output,
    encoder: &ffmpeg_next::codec::encoder::Encoder,
    step: Rational,
) -> Result<()> {
    // Parameters are copied from an open encoder: only it has the headers that an MP4 keeps apart.
    let codec = encoder.codec();
    let mut stream = container.add_stream(codec).map_err(refused("stream"))?;
    stream.set_parameters(encoder);
    stream.set_time_base(step);
    ffi::clear_tag(&mut stream);
    Ok(())
}

/// Puts a clip together.
pub(crate) fn clip(
    rung: &Rung,
    timeline: &Timeline,
    lang: &str,
    (stretches, sound): (&[Stretch], &Track),
    folder: &Path,
) -> Result<Finished> {
    let (part, mut container) = open(folder, &rung.name, ("mp4", "mp4"))?;
    let video = Video::open(rung, timeline, rung.rate.quality(), 1)?;
    let audio = Audio::open(rung.sound)?;
    add(&mut container, &video.encoder, video.step)?;
    add(&mut container, &audio.encoder, audio.step)?;
    if let Some(mut stream) = container.stream_mut(0) {
        stream.set_avg_frame_rate(Rational(video.step.1, video.step.0));
    }
    let captions = if rung.captions { spoken(timeline) } else { Vec::new() };
    let milliseconds = Rational(1, 1000);
    if !captions.is_empty() {
        let codec = ffmpeg_next::codec::Id::MOV_TEXT;
        let mut stream =
            container.add_stream(ffmpeg_next::encoder::find(codec)).map_err(refused("stream"))?;
        ffi::text_track(&mut stream);
        stream.set_time_base(milliseconds);
        let mut about = Dictionary::new();
        about.set("language", if lang.starts_with("vi") { "vie" } else { "eng" });
        stream.set_metadata(about);
    }
    let mut options = Dictionary::new();
    let flags = if rung.edit_list { "+faststart" } else { "+faststart+negative_cts_offsets" };
    options.set("movflags", flags);
    options.set("use_editlist", if rung.edit_list { "1" } else { "0" });
    options.set("video_track_timescale", &CLOCK.to_string());
    options.set("fflags", "+bitexact");
    let mut writer = Writer::start(container, options)?;

    // Without an edit list the player starts with the first packet: then it must not be the run-up of the encoder.
    let first = if rung.edit_list { i64::MIN } else { 0 };
    let mut heard = sound.iter().filter(|(packet, _)| packet.pts >= first).peekable();
    let mut told = captions.into_iter().peekable();
    let fps = i64::from(timeline.canvas.fps);
    for stretch in stretches {
        let track = Track::must_read(&stretch.path)?;
        for (packet, bytes) in track.iter() {
            let start = i64::from(stretch.start);
            let packet = Packet { pts: packet.pts + start, dts: packet.dts + start, ..packet };
            // Sound and captions up to this frame go first, so that the muxer holds little back.
            while let Some((packet, bytes)) =
                heard.next_if(|(sound, _)| sound.dts * fps <= packet.dts * i64::from(RATE))
            {
                writer.write(1, audio.step, packet, bytes)?;
            }
            while let Some((packet, bytes)) =
                told.next_if(|(text, _)| text.dts * fps <= packet.dts * 1000)
            {
                writer.write(2, milliseconds, packet, &bytes)?;
            }
            writer.write(0, video.step, packet, bytes)?;
        }
    }
    for (packet, bytes) in heard {
        writer.write(1, audio.step, packet, bytes)?;
    }
    for (packet, bytes) in told {
        writer.write(2, milliseconds, packet, &bytes)?;
    }
    writer.finish()?;
    Finished::close(&rung.name, part)
}

/// Puts a rendition of the sound alone together.
pub(crate) fn sound(name: &str, rate: SoundRate, track: &Track, folder: &Path) -> Result<Finished> {
    let (part, mut container) = open(folder, name, kind(rate.codec))?;
    let audio = Audio::open(rate)?;
    add(&mut container, &audio.encoder, audio.step)?;
    let mut options = Dictionary::new();
    options.set("fflags", "+bitexact");
    if rate.codec == SoundCodec::Aac {
        options.set("movflags", "+faststart");
    }
    let mut writer = Writer::start(container, options)?;
    for (packet, bytes) in track.iter() {
        writer.write(0, audio.step, packet, bytes)?;
    }
    writer.finish()?;
    Finished::close(name, part)
}

/// Captions as samples of a text track: each with its length before it, an empty one where nothing is said.
fn spoken(timeline: &Timeline) -> Vec<(Packet, Vec<u8>)> {
    let at = |frame: u32| i64::from(frame) * 1000 / i64::from(timeline.canvas.fps);
    let mut samples = Vec::new();
    let mut put = |from: i64, to: i64, text: &str| {
        if to > from {
            let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
            let mut bytes = length.to_be_bytes().to_vec();
            bytes.extend(text.bytes().take(usize::from(length)));
            let packet = Packet { pts: from, dts: from, duration: to - from, key: true, length: 0 };
            samples.push((packet, bytes));
        }
    };
    let mut done = 0;
    for caption in &timeline.captions {
        let (from, to) = (at(caption.start), at(caption.end));
        put(done, from, "");
        put(from, to, &caption.lines.join("\n"));
        done = to;
    }
    if done > 0 {
        put(done, at(timeline.frames()), "");
    }
    samples
}
