//! A piece of a source as it is, without decoding: when it begins at a keyframe and fits an MP4.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use ffmpeg_next::{
    Dictionary, Error as Av, Packet, Rational, Rescale as _, codec, encoder,
    format::{self, context::Input},
    rescale::TIME_BASE,
};

use loa_model::Cancel;

use super::{
    Bounds, Copied, Error, Facts, Light, Reel, Result, file,
    open::{self, failed, millis},
};
use crate::ffi;

/// How much later than the picture the sound of the same time is stored at most, ms.
const SOUND_LAGS_MS: i64 = 10_000;

/// A file that is removed unless it gets its name.
struct Part {
    path: PathBuf,
    kept: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing to do about a file that is not there or cannot be removed.
            fs::remove_file(&self.path).ok();
        }
    }
}

/// Copies the packets between two times into an MP4 that starts to play before it is loaded.
///
/// The piece begins at `in_ms` exactly and ends at `out_ms` or up to a few pictures later. The file appears whole under
/// its name or not at all.
///
/// # Errors
/// [`Error::NotAsIs`] with what is in the way: another codec, other pixels, a turned picture, or no keyframe at `in_ms`
/// (the nearest ones are named). As [`Reel::open`] besides; [`Error::File`]; [`Error::Cancelled`].
pub fn copy(
    path: &Path,
    (in_ms, out_ms): (u64, u64),
    out: &Path,
    bounds: &Bounds,
    cancel: &Cancel,
) -> Result<Copied> {
    let reel = Reel::open(path, bounds)?;
    fits(reel.facts())?;
    if out_ms <= in_ms || in_ms >= reel.facts().duration_ms {
        let length = reel.facts().duration_ms;
        let why = format!("{in_ms} to {out_ms} ms is not a piece of its {length} ms");
        return Err(Error::NotAsIs(why));
    }
    let (origin, clock) = reel.zero();
    drop(reel);
    let mut input = open::input(path, bounds)?;
    let (track, sound) = {
        let picture = open::picture(&input)?;
        (picture.index(), open::sound(&input, &picture).map(|stream| stream.index()))
    };
    let since = |stamp: i64| millis(stamp.saturating_sub(origin), clock);
    let key = keyframe(&mut input, track, in_ms, &since, |ms| {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        ms.rescale(Rational(1, 1000), clock).saturating_add(origin)
    })?;

    let temporary = part(out)?;
    let unreadable = || Error::Refused("the name of the copy is not UTF-8; rename it".into());
    let address = format!("file:{}", temporary.path.to_str().ok_or_else(unreadable)?);
    let mut container = format::output_as(&address, "mp4").map_err(failed("copy"))?;
    let tracks: Vec<usize> = std::iter::once(track).chain(sound).collect();
    for &index in &tracks {
        let from = input.stream(index).expect("the track was just found");
        let none = encoder::find(codec::Id::None);
        let mut to = container.add_stream(none).map_err(failed("copy"))?;
        to.set_parameters(from.parameters());
        to.set_time_base(from.time_base());
        to.set_avg_frame_rate(from.avg_frame_rate());
        ffi::clear_tag(&mut to);
    }
    let mut options = Dictionary::new();
    options.set("movflags", "+faststart");
    options.set("fflags", "+bitexact");
    if clock.numerator() == 1 {
        options.set("video_track_timescale", &clock.denominator().to_string());
    }
    container.write_header_with(options).map_err(failed("copy"))?;
    let clocks: Vec<Rational> =
        (0..tracks.len()).filter_map(|i| container.stream(i)).map(|s| s.time_base()).collect();

    let until = i64::try_from(out_ms).unwrap_or(i64::MAX);
    let (mut ended, mut reached) = (vec![false; tracks.len()], 0i64);
    // Packets that are shown after the end wait: they are needed only if one shown before it follows.
    let mut held: Vec<Packet> = Vec::new();
    let mut begun = false;
    while !ended.iter().all(|&ended| ended) {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) => {}
            Err(Av::InvalidData) => continue,
            Err(_) => break,
        }
        let Some(slot) = tracks.iter().position(|&index| index == packet.stream()) else {
            continue;
        };
        let Some(stamp) = packet.pts() else {
            return Err(Error::NotAsIs("a packet has no time stamp".into()));
        };
        let from = input.stream(packet.stream()).expect("the packet is of it").time_base();
        let zero = key.rescale(clock, from);
        let at = millis(stamp.saturating_sub(origin.rescale(clock, from)), from);
        if slot == 0 {
            begun |= stamp == key && packet.is_key();
            // Pictures shown before the keyframe but stored after it need what is not copied.
            if !begun || stamp < key {
                continue;
            }
        } else if stamp < zero {
            continue;
        }
        packet.set_pts(Some(stamp - zero));
        packet.set_dts(packet.dts().map(|dts| dts - zero));
        packet.set_stream(slot);
        packet.set_position(-1);
        let end = at.saturating_add(millis(packet.duration(), from));
        packet.rescale_ts(from, clocks[slot]);
        let late = at >= until;
        if slot == 0 && ended[0] && at >= until.saturating_add(SOUND_LAGS_MS) {
            // Sound that has not come by now is not coming.
            break;
        }
        if slot == 0 && late {
            // Stored no earlier than the end: nothing after it is shown before.
            ended[0] |= held.len() >= 16 || packet.is_key();
            held.push(packet);
            continue;
        }
        if late {
            ended[slot] = true;
            continue;
        }
        if ended[slot] {
            continue;
        }
        if slot == 0 {
            for packet in held.drain(..) {
                packet.write_interleaved(&mut container).map_err(failed("copy"))?;
            }
            reached = reached.max(end);
        }
        packet.write_interleaved(&mut container).map_err(failed("copy"))?;
    }
    container.write_trailer().map_err(failed("copy"))?;
    drop(container);
    let bytes = name(temporary, out)?;
    Ok(Copied { in_ms, out_ms: u64::try_from(reached).unwrap_or(out_ms), bytes })
}

/// Whether the streams can stand in an MP4 that every platform takes.
fn fits(facts: &Facts) -> Result<()> {
    let no = |why: String| Err(Error::NotAsIs(why));
    if facts.codec != "h264" {
        return no(format!("its picture is {}, not H.264", facts.codec));
    }
    if facts.pixels != "yuv420p" {
        return no(format!("its pixels are {}, not yuv420p", facts.pixels));
    }
    if facts.light != Light::Sdr || facts.full_range || facts.matrix.starts_with("bt2020") {
        return no("its colours are not those of ordinary video".into());
    }
    if facts.interlaced {
        return no("its pictures are two fields each".into());
    }
    if facts.rotation != 0 || facts.mirrored {
        return no(format!("its picture is turned by {}°", facts.rotation));
    }
    match facts.sound_codec.as_deref() {
        None | Some("aac") => Ok(()),
        Some(other) => no(format!("its sound is {other}, not AAC")),
    }
}

/// Stamp of the keyframe shown at `ms`; the input then stands before it.
fn keyframe(
    input: &mut Input,
    track: usize,
    ms: u64,
    since: &impl Fn(i64) -> i64,
    stamp: impl Fn(u64) -> i64,
) -> Result<i64> {
    let wanted = i64::try_from(ms).unwrap_or(i64::MAX);
    let clock = input.stream(track).expect("the track was just found").time_base();
    let mut before = None;
    for back in [0, 1_000, 5_000, 20_000, 60_000] {
        let at = stamp(ms.saturating_sub(back)).rescale(clock, TIME_BASE);
        if input.seek(at, ..at).is_err() && input.seek(at, ..).is_err() {
            continue;
        }
        let mut after = None;
        loop {
            let mut packet = Packet::empty();
            match packet.read(input) {
                Ok(()) if packet.stream() == track && packet.is_key() => {}
                Ok(()) | Err(Av::InvalidData) => continue,
                Err(_) => break,
            }
            let Some(shown) = packet.pts() else { continue };
            let shown_ms = since(shown);
            if (shown_ms - wanted).abs() <= 1 {
                // Back to where it can be read again.
                let at = at.min(shown.rescale(clock, TIME_BASE));
                input.seek(at, ..at).or_else(|_| input.seek(at, ..)).map_err(failed("copy"))?;
                return Ok(shown);
            }
            if shown_ms > wanted {
                after = Some(shown_ms);
                break;
            }
            before = before.max(Some(shown_ms));
        }
        if before.is_some() || ms <= back {
            let near = match (before, after) {
                (Some(before), Some(after)) => {
                    format!("the nearest ones are at {before} and {after} ms")
                }
                (Some(only), None) | (None, Some(only)) => {
                    format!("the nearest one is at {only} ms")
                }
                (None, None) => "there is none".into(),
            };
            return Err(Error::NotAsIs(format!("there is no keyframe at {ms} ms, {near}")));
        }
    }
    Err(Error::NotAsIs(format!("there is no keyframe within a minute of {ms} ms")))
}

fn part(out: &Path) -> Result<Part> {
    let nameless = || Error::Refused("the copy needs a name".into());
    let mut name = out.file_name().ok_or_else(nameless)?.to_owned();
    name.push(".part");
    Ok(Part { path: out.with_file_name(name), kept: false })
}

/// Puts the file on the disk under its name; answers its length.
fn name(mut part: Part, out: &Path) -> Result<u64> {
    let written = File::open(&part.path).map_err(file(&part.path))?;
    written.sync_all().map_err(file(&part.path))?;
    let bytes = written.metadata().map_err(file(&part.path))?.len();
    fs::rename(&part.path, out).map_err(file(&part.path))?;
    part.kept = true;
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(file(folder))?;
    }
    Ok(bytes)
}
