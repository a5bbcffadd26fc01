//! Sources made by the `ffmpeg` program for the tests of `reel`.

#![allow(unreachable_pub, reason = "two tests share this file, each as its own module")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use loa_clip::Yuv;

/// Runs `ffmpeg` and answers the path it wrote.
pub fn make(folder: &Path, name: &str, args: &str) -> PathBuf {
    let out = folder.join(name);
    // A filter that fails can leave ffmpeg waiting for ever.
    let status = Command::new("timeout")
        .args(["60", "ffmpeg", "-v", "error", "-y", "-nostdin", "-threads", "2"])
        .args(args.split_whitespace())
        .arg(&out)
        .output()
        .expect("ffmpeg is installed");
    let log = String::from_utf8_lossy(&status.stderr);
    assert!(status.status.success(), "{name}: {log}");
    out
}

/// Pictures whose luma tells their number: `16 + 4 n`, 25 a second, 50 of them; and a tone.
pub fn numbered(folder: &Path, name: &str, encode: &str) -> PathBuf {
    // A plane of one value survives any codec.
    let source = "-f lavfi -i color=black:s=64x48:r=25:d=2,format=yuv420p,geq=lum=16+4*N:cb=128:cr=128 \
        -f lavfi -i sine=f=440:r=48000:d=2";
    make(folder, name, &format!("{source} {encode}"))
}

/// Busy pictures, 3 s at 25 a second.
pub fn busy(folder: &Path, name: &str, encode: &str) -> PathBuf {
    make(folder, name, &format!("-f lavfi -i testsrc2=s=192x108:r=25:d=3 {encode}"))
}

/// The number a picture of [`numbered`] carries.
pub fn number(picture: &Yuv) -> i64 {
    let mean = mean(picture, 0);
    #[expect(clippy::cast_possible_truncation, reason = "a byte")]
    let number = ((mean - 16.0) / 4.0).round() as i64;
    number
}

/// Mean of a plane.
pub fn mean(picture: &Yuv, plane: usize) -> f64 {
    let plane = &picture.planes[plane];
    let rows = (0..plane.height).flat_map(|y| &plane.row(y)[..plane.width]);
    #[expect(clippy::cast_precision_loss, reason = "small pictures")]
    let count = (plane.width * plane.height) as f64;
    rows.map(|&v| f64::from(v)).sum::<f64>() / count
}

/// Every visible byte of a picture.
pub fn bytes(picture: &Yuv) -> Vec<u8> {
    let rows = |i: usize| {
        let plane = &picture.planes[i];
        (0..plane.height).flat_map(move |y| plane.row(y)[..plane.width].to_vec())
    };
    (0..3).flat_map(rows).collect()
}
