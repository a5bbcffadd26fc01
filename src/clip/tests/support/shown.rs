//! What a player would show and play: the pictures and the sound of a file, decoded by the `ffmpeg` program.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each user takes a part of it")]

use std::{
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
};

/// Hands over the luma of every picture of a file, one after the other, and says how many there were.
pub fn pictures(path: &Path, (width, height): (u32, u32), mut see: impl FnMut(u32, &[u8])) -> u32 {
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(path)
        // Nothing is shown twice or left out to keep a pace.
        .args(["-vsync", "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed");
    let mut out = ffmpeg.stdout.take().expect("stdout is piped");
    let luma = (width * height) as usize;
    let mut picture = vec![0; luma * 3 / 2];
    let mut count = 0;
    while out.read_exact(&mut picture).is_ok() {
        see(count, &picture[..luma]);
        count += 1;
    }
    let status = ffmpeg.wait().expect("it was started");
    assert!(status.success(), "{}: {status}", path.display());
    count
}

/// Samples of a file at 48 kHz, all channels as one.
pub fn sound(path: &Path) -> Vec<f32> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(path)
        .args(["-vn", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"])
        .output()
        .expect("ffmpeg is installed");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    out.stdout.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
