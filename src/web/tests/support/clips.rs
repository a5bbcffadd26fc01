//! Clips that are shown by saying what was asked for.

use std::sync::Mutex;

use futures::future::BoxFuture;
use loa_model::{Beat, Digest, Topic};
use loa_web::{Arranged, ClipRow, Clips, Place, Rehearsed, Shown, Telling, WantedClip};

/// Keeps what was wanted with the name it was given; a clip of three points is longer than it takes. Answers with a picture,
/// or with the moment in words.
#[derive(Default)]
pub struct Rehearsal(pub Mutex<Vec<(Digest, WantedClip)>>, pub Option<Vec<u8>>);

impl Clips for Rehearsal {
    fn arrange(&self, wanted: WantedClip) -> BoxFuture<'_, Arranged> {
        let words = |of: &Topic| match of {
            Topic::Title => wanted.brief.title.text.clone(),
            Topic::Point(n) => wanted.brief.points[*n].text.clone(),
            _ => String::new(),
        };
        let row = |beat: Beat, place| {
            let words = words(&beat.of);
            ClipRow { beat, words, place }
        };
        let own = [Topic::Title, Topic::Point(0), Topic::End].map(Beat::from);
        let told =
            if wanted.clip.beats.is_empty() { own.into() } else { wanted.clip.beats.clone() };
        let points = told.iter().filter(|beat| matches!(beat.of, Topic::Point(_))).count();
        let rest = (0..wanted.brief.points.len()).map(Topic::Point);
        let rest: Vec<Topic> = rest.filter(|of| told.iter().all(|beat| beat.of != *of)).collect();
        let mut rows: Vec<ClipRow> = told.into_iter().map(|beat| row(beat, Place::Told)).collect();
        rows.extend(rest.into_iter().map(|of| row(of.into(), Place::Unused)));
        rows.sort_by_key(|row| row.beat.of == Topic::End);
        let wrong = (points > 2).then(|| "phim dài quá / too long".to_owned());
        let voices = vec!["ban-mai".to_owned()];
        let arranged = Arranged { rows, moves: true, wrong, voices, voice: "none".to_owned() };
        Box::pin(async move { arranged })
    }

    fn rehearse(&self, wanted: WantedClip) -> BoxFuture<'_, Result<Rehearsed, String>> {
        Box::pin(async move {
            let shown = |(beat, of): (usize, &Beat)| Shown {
                beat,
                kind: if of.of == Topic::End { "end" } else { "point" }.to_owned(),
                from_ms: beat as u64 * 1000,
                to_ms: beat as u64 * 1000 + 1000,
                still_ms: beat as u64 * 1000 + 900,
                words: wanted.brief.title.text.clone(),
                photo: None,
                focus: None,
            };
            let scenes: Vec<Shown> = wanted.clip.beats.iter().enumerate().map(shown).collect();
            let mut kept = self.0.lock().unwrap();
            let id = Digest::of(format!("{}", kept.len()).as_bytes());
            let duration_ms = scenes.len() as u64 * 1000;
            kept.push((id, wanted));
            Ok(Rehearsed {
                id,
                width: 1080,
                height: 1920,
                fps: 30,
                duration_ms,
                voice: Telling::None,
                scenes,
                captions: vec![],
                left_out: vec![],
            })
        })
    }

    fn frame<'a>(
        &'a self,
        agency: &'a str,
        id: Digest,
        ms: u64,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, String>> {
        Box::pin(async move {
            let kept = self.0.lock().unwrap();
            let known =
                kept.iter().find(|(of, wanted)| *of == id && wanted.article.agency == agency);
            let words = || format!("jpeg at {ms}").into_bytes();
            Ok(known.map(|_| self.1.clone().unwrap_or_else(words)))
        })
    }
}
