//! Captions as files: SRT and WebVTT.

use std::fmt::Write as _;

use crate::timeline::{Caption, Timeline};

/// Captions as SubRip.
pub fn srt(timeline: &Timeline) -> String {
    let mut out = String::new();
    for (i, caption) in timeline.captions.iter().enumerate() {
        let (from, to) = times(timeline, caption, ',');
        write!(out, "{}\n{from} --> {to}\n{}\n\n", i + 1, caption.lines.join("\n"))
            .expect("a string takes everything");
    }
    out
}

/// Captions as WebVTT.
pub fn vtt(timeline: &Timeline) -> String {
    let mut out = String::from("WEBVTT\n\n");
    for caption in &timeline.captions {
        let (from, to) = times(timeline, caption, '.');
        // In WebVTT `&` and `<` start markup.
        let words = caption.lines.join("\n").replace('&', "&amp;").replace('<', "&lt;");
        write!(out, "{from} --> {to}\n{words}\n\n").expect("a string takes everything");
    }
    out
}

fn times(timeline: &Timeline, caption: &Caption, point: char) -> (String, String) {
    let at = |frame: u32| {
        let ms = u64::from(frame) * 1000 / u64::from(timeline.canvas.fps.max(1));
        let (s, ms) = (ms / 1000, ms % 1000);
        format!("{:02}:{:02}:{:02}{point}{ms:03}", s / 3600, s / 60 % 60, s % 60)
    };
    (at(caption.start), at(caption.end))
}
