//! Reading what a child writes without trusting it: capped lines, capped log.

use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest line of a child, in bytes.
pub(crate) const MAX_LINE: usize = 16 << 20;
/// What is kept of its log, in bytes.
pub(crate) const MAX_LOG: usize = 64 << 10;

/// Lines of a pipe, each at most [`MAX_LINE`] long.
pub(crate) struct Lines<R> {
    from: R,
    held: Vec<u8>,
    /// Everything before this has no line end.
    seen: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, held: Vec::new(), seen: 0 }
    }

    /// The next line, or nothing at the end. `Err` says what is wrong with it.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            if let Some(at) = self.held.iter().skip(self.seen).position(|&byte| byte == b'\n') {
                let rest = self.held.split_off(self.seen + at + 1);
                let line = std::mem::replace(&mut self.held, rest);
                self.seen = 0;
                return Ok(Some(line));
            }
            self.seen = self.held.len();
            if self.seen > MAX_LINE {
                return Err(format!("a line longer than {MAX_LINE} bytes"));
            }
            let read = self.from.read_buf(&mut self.held).await.map_err(|e| e.to_string())?;
            if read == 0 {
                let whole = self.held.is_empty();
                return if whole { Ok(None) } else { Err("its last line has no end".into()) };
            }
        }
    }
}

/// Reads a pipe to its end and keeps the last [`MAX_LOG`] bytes as text.
pub(crate) async fn tail(mut from: impl AsyncRead + Unpin) -> String {
    let mut kept: VecDeque<u8> = VecDeque::new();
    let mut chunk = vec![0; 8192];
    // A broken pipe ends the log like its end does: what was said so far is what there is.
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        kept.extend(chunk.iter().take(read));
        let over = kept.len().saturating_sub(MAX_LOG);
        kept.drain(..over);
    }
    String::from_utf8_lossy(kept.make_contiguous()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_split_and_an_unfinished_one_is_told() {
        let mut lines = Lines::new("một\nhai ẫ\nba".as_bytes());
        assert_eq!(lines.next().await.unwrap().unwrap(), "một\n".as_bytes());
        assert_eq!(lines.next().await.unwrap().unwrap(), "hai ẫ\n".as_bytes());
        assert!(lines.next().await.is_err());
    }

    #[tokio::test]
    async fn an_endless_line_is_refused() {
        let mut lines = Lines::new(tokio::io::repeat(b'x'));
        assert!(lines.next().await.unwrap_err().contains("longer"));
    }

    #[tokio::test]
    async fn the_log_keeps_its_end() {
        let long = format!("{}cuối cùng", "x".repeat(3 * MAX_LOG));
        let kept = tail(long.as_bytes()).await;
        assert!(kept.len() <= MAX_LOG && kept.ends_with("cuối cùng"));
    }
}
