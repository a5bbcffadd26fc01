//! One MP4 in the making: fast start, nothing under its name before it is whole and on the disk.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use ffmpeg_next::{Dictionary, Packet, Rational, format, frame};

use crate::{
    Error, Result,
    encode::{
        Encoded, Rate, Rung,
        audio::Audio,
        refused,
        video::{Video, next},
    },
    error::file,
    ffi,
    sound::{RATE, Sound},
    timeline::Timeline,
};

const VIDEO: usize = 0;
const AUDIO: usize = 1;

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

/// An output that takes frames.
pub(crate) struct Output {
    rung: Rung,
    duration_ms: u64,
    fps: usize,
    // Fields are dropped in this order: the container closes the file before it is removed.
    container: format::context::Output,
    video: Video,
    audio: Audio,
    steps: [Rational; 2],
    packet: Packet,
    part: Part,
}

impl Output {
    pub(crate) fn open(
        rung: &Rung,
        timeline: &Timeline,
        sound: &Sound,
        threads: usize,
        folder: &Path,
    ) -> Result<Self> {
        let part = Part {
            temporary: folder.join(format!("{}.mp4.part", rung.name)),
            whole: folder.join(format!("{}.mp4", rung.name)),
            named: false,
        };
        let unreadable =
            || Error::Encode { what: "path", reason: "the folder's name is not UTF-8".into() };
        // With its protocol, so that a colon in a name is not taken for one.
        let address = format!("file:{}", part.temporary.to_str().ok_or_else(unreadable)?);
        let mut container = format::output_as(&address, "mp4").map_err(refused("open"))?;
        let video = Video::open(rung, timeline, threads)?;
        let audio = Audio::open(rung, sound)?;
        // Parameters are copied from the open encoders: only they have the headers an MP4 keeps apart.
        {
            let codec = video.encoder.codec();
            let mut stream = container.add_stream(codec).map_err(refused("stream"))?;
            stream.set_parameters(&video.encoder);
            stream.set_time_base(video.step);
            stream.set_avg_frame_rate(Rational(video.step.1, video.step.0));
            ffi::clear_tag(&mut stream);
        }
        {
            let codec = audio.encoder.codec();
            let mut stream = container.add_stream(codec).map_err(refused("stream"))?;
            stream.set_parameters(&audio.encoder);
            stream.set_time_base(audio.step);
            ffi::clear_tag(&mut stream);
        }
        let mut options = Dictionary::new();
        options.set("movflags", "+faststart");
        options.set("video_track_timescale", "90000");
        options.set("fflags", "+bitexact");
        container.write_header_with(options).map_err(refused("header"))?;
        // The muxer has chosen its own clock by now.
        let clock = |index: usize| container.stream(index).map(|stream| stream.time_base());
        let steps = [clock(VIDEO), clock(AUDIO)].map(|step| step.expect("both were added"));
        Ok(Self {
            rung: rung.clone(),
            duration_ms: timeline.duration_ms(),
            fps: timeline.canvas.fps as usize,
            container,
            video,
            audio,
            steps,
            packet: Packet::empty(),
            part,
        })
    }

    /// Takes a frame of the canvas with its number as time stamp, and the sound up to its end.
    pub(crate) fn take(&mut self, canvas: &mut frame::Video) -> Result<()> {
        self.video.send(canvas)?;
        self.drain_video()?;
        let shown = usize::try_from(canvas.pts().unwrap_or(0)).unwrap_or(0) + 1;
        self.sound(shown * RATE as usize / self.fps)
    }

    fn sound(&mut self, until: usize) -> Result<()> {
        while self.audio.send(until)? {
            self.drain_audio()?;
        }
        Ok(())
    }

    fn drain_video(&mut self) -> Result<()> {
        while next(&mut self.video.encoder, &mut self.packet)? {
            self.packet.set_stream(VIDEO);
            // Without it the last frame would last no time.
            self.packet.set_duration(1);
            self.packet.rescale_ts(self.video.step, self.steps[VIDEO]);
            self.packet.write_interleaved(&mut self.container).map_err(refused("write"))?;
        }
        Ok(())
    }

    fn drain_audio(&mut self) -> Result<()> {
        while next(&mut self.audio.encoder, &mut self.packet)? {
            self.packet.set_stream(AUDIO);
            self.packet.rescale_ts(self.audio.step, self.steps[AUDIO]);
            self.packet.write_interleaved(&mut self.container).map_err(refused("write"))?;
        }
        Ok(())
    }

    /// Flushes both encoders, closes the file and puts it on the disk.
    pub(crate) fn finish(mut self) -> Result<Finished> {
        self.video.encoder.send_eof().map_err(refused("end"))?;
        self.drain_video()?;
        self.sound(usize::MAX)?;
        self.audio.encoder.send_eof().map_err(refused("end"))?;
        self.drain_audio()?;
        self.container.write_trailer().map_err(refused("trailer"))?;
        let Self { rung, duration_ms, container, part, .. } = self;
        drop(container);
        let written = File::open(&part.temporary).map_err(file(&part.temporary))?;
        written.sync_all().map_err(file(&part.temporary))?;
        let bytes = written.metadata().map_err(file(&part.temporary))?.len();
        let kbps = bytes * 8 / duration_ms.max(1);
        if let Rate::Capped { total_kbps, .. } = rung.rate
            && kbps > u64::from(total_kbps)
        {
            return Err(Error::OverBudget { name: rung.name, kbps, most: total_kbps.into() });
        }
        Ok(Finished { name: rung.name, bytes, part })
    }
}

/// A whole file that has not its name yet.
pub(crate) struct Finished {
    name: String,
    bytes: u64,
    part: Part,
}

impl Finished {
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
