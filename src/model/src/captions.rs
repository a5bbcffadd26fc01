//! Captions of a clip as people edit them: the words change, the times stay.

use serde::{Deserialize, Serialize};

/// Words that are shown from one moment to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cue {
    /// First millisecond.
    pub from_ms: u64,
    /// One past the last millisecond.
    pub to_ms: u64,
    /// The words, lines apart by `\n`.
    pub text: String,
}

/// Why a file is not captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCaptions {
    /// It is not `SubRip`.
    #[error("the file is not captions in SubRip")]
    NotSubRip,
    /// There must be as many cues as before: the times belong to the clip.
    #[error("there must be {0} captions, as many as the clip has")]
    Count(usize),
    /// Nothing is left to show.
    #[error("no caption has words")]
    Empty,
}

/// Reads `SubRip`.
///
/// # Errors
/// [`BadCaptions::NotSubRip`] for a file of another kind, or with a cue without times.
pub fn parse(srt: &str) -> Result<Vec<Cue>, BadCaptions> {
    let text = srt.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let blocks = text.split("\n\n").map(|block| block.trim_matches('\n'));
    let cues = blocks.filter(|block| !block.trim().is_empty()).map(cue);
    cues.collect::<Option<Vec<Cue>>>().ok_or(BadCaptions::NotSubRip)
}

fn cue(block: &str) -> Option<Cue> {
    let mut lines = block.lines();
    lines.next()?.trim().parse::<u32>().ok()?;
    let (from, to) = lines.next()?.split_once("-->")?;
    let text = lines.collect::<Vec<_>>().join("\n");
    Some(Cue { from_ms: millis(from)?, to_ms: millis(to)?, text })
}

/// `00:01:02,345` in milliseconds.
fn millis(text: &str) -> Option<u64> {
    let (clock, ms) = text.trim().split_once(',')?;
    let mut parts = clock.split(':').map(|part| part.parse::<u64>().ok());
    let (h, m, s) = (parts.next()??, parts.next()??, parts.next()??);
    let seconds = h.checked_mul(3600)?.checked_add(m.checked_mul(60)?)?.checked_add(s)?;
    seconds.checked_mul(1000)?.checked_add(ms.parse().ok()?)
}

/// Writes `SubRip`. Words that hold an empty line would end their cue: such lines are left out.
pub fn srt(cues: &[Cue]) -> String {
    let of = |(index, cue): (usize, &Cue)| {
        let text = lines_of(&cue.text).join("\n");
        format!("{}\n{} --> {}\n{text}\n\n", index + 1, clock(cue.from_ms), clock(cue.to_ms))
    };
    cues.iter().enumerate().map(of).collect()
}

fn clock(ms: u64) -> String {
    let s = ms / 1000;
    format!("{:02}:{:02}:{:02},{:03}", s / 3600, s / 60 % 60, s % 60, ms % 1000)
}

/// Lines with something in them, without the blanks around them.
fn lines_of(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// The captions with other words, each in its place; a cue that has none any more is left out.
///
/// # Errors
/// [`BadCaptions::Count`] and [`BadCaptions::Empty`].
pub fn reworded(cues: &[Cue], words: &[String]) -> Result<Vec<Cue>, BadCaptions> {
    if cues.len() != words.len() {
        return Err(BadCaptions::Count(cues.len()));
    }
    let new = |(cue, text): (&Cue, &String)| Cue { text: lines_of(text).join("\n"), ..cue.clone() };
    let all = cues.iter().zip(words).map(new);
    let left: Vec<Cue> = all.filter(|cue| !cue.text.is_empty()).collect();
    if left.is_empty() { Err(BadCaptions::Empty) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SRT: &str = "1\n00:00:00,000 --> 00:00:02,500\nMưa lớn\nở miền núi\n\n2\n01:01:02,500 --> 01:01:04,040\nẫ ễ ộ\n\n";

    #[test]
    fn what_is_read_is_written_again_as_it_was() {
        let cues = parse(SRT).unwrap();
        assert_eq!((cues.len(), cues[1].from_ms, cues[1].to_ms), (2, 3_662_500, 3_664_040));
        assert_eq!(cues[0].text, "Mưa lớn\nở miền núi");
        assert_eq!(srt(&cues), SRT);
        let windows = format!("\u{feff}{}", SRT.replace('\n', "\r\n"));
        assert_eq!(parse(&windows).unwrap(), cues);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn what_is_no_subrip_is_refused() {
        for text in [
            "WEBVTT\n\n00:00.000 --> 00:01.000\nx",
            "1\n00:00:00,000 -> 00:00:01,000\nx",
            "1\n00:00:00.000 --> 00:00:01.000\nx",
            "x\n00:00:00,000 --> 00:00:01,000\nx",
            "1\n99999999999999999:00:00,000 --> 00:00:01,000\nx",
            "1",
        ] {
            assert_eq!(parse(text), Err(BadCaptions::NotSubRip), "{text}");
        }
    }

    #[test]
    fn words_change_and_times_stay() {
        let cues = parse(SRT).unwrap();
        let words = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let new = reworded(&cues, &words(&["Mưa\n\n to ", "khác"])).unwrap();
        assert_eq!((new[0].text.as_str(), new[0].to_ms), ("Mưa\nto", 2500));
        // What was written is read again as the same cues: an empty line ends none of them.
        assert_eq!(parse(&srt(&new)).unwrap(), new);
        assert_eq!(reworded(&cues, &words(&["", "khác"])).unwrap().len(), 1);
        assert_eq!(reworded(&cues, &words(&["", " \n"])), Err(BadCaptions::Empty));
        assert_eq!(reworded(&cues, &words(&["một"])), Err(BadCaptions::Count(2)));
    }
}
