//! Processor, wall and memory, and rows of the bench.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use loa_clip::Request;
use serde_json::{Value, json};

pub(crate) type Anything = Box<dyn std::error::Error>;

/// Seconds of processor and of wall.
pub(crate) fn timed(work: impl FnOnce() -> Result<(), Anything>) -> Result<(f64, f64), Anything> {
    let (before, started) = (processor_s(), Instant::now());
    work()?;
    Ok((processor_s() - before, started.elapsed().as_secs_f64()))
}

/// Processor seconds of this process, all threads.
fn processor_s() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a bench")]
    let seconds = now.tv_sec as f64 + now.tv_nsec as f64 / 1e9;
    seconds
}

/// Does a request in a process of its own: its memory at its highest in MiB, and its wall in seconds.
pub(crate) fn alone(request: &Request, folder: &Path) -> Result<(f64, f64), Anything> {
    let started = Instant::now();
    let mut child = Command::new(std::env::current_exe()?)
        .arg("work")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().ok_or("stdin")?;
    serde_json::to_writer(&mut input, request)?;
    input.flush()?;
    drop(input);
    let done = child.wait_with_output()?;
    if !done.status.success() {
        return Err(format!("the child ended with {}", done.status).into());
    }
    let kib: f64 = String::from_utf8(done.stdout)?.trim().parse()?;
    Ok((kib / 1024.0, started.elapsed().as_secs_f64()))
}

/// Memory of this process at its highest, KiB.
pub(crate) fn highest_kib() -> Result<f64, Anything> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// A row whose value must not be larger than its bound.
pub(crate) fn row(name: &str, values: Vec<f64>, unit: &str, bound: f64) -> Value {
    with(name, values, unit, bound, |value| value <= bound)
}

/// A row whose value must not be smaller than its bound.
pub(crate) fn at_least(name: &str, values: Vec<f64>, unit: &str, bound: f64) -> Value {
    with(name, values, unit, bound, |value| value >= bound)
}

fn with(
    name: &str,
    mut values: Vec<f64>,
    unit: &str,
    bound: f64,
    ok: impl Fn(f64) -> bool,
) -> Value {
    values.sort_by(f64::total_cmp);
    let value = values[values.len() / 2];
    // The range as a share of the median.
    let spread = (values[values.len() - 1] - values[0]) / value;
    json!({"name": name, "value": value, "unit": unit, "bound": bound, "ok": ok(value), "n": values.len(), "spread": spread})
}
