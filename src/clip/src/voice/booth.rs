//! The booth: lines in, takes out, and nothing spoken twice.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use loa_model::{Cancel, Digest, DigestBuilder};
use loa_net::Policy;
use serde::{Deserialize, Serialize};

use super::{
    Error, Result, program,
    provider::Provider,
    remote::{Answered, Answers, Remote},
    speech::{Kind, Lang, Piece, join, spoken, unsaid},
    wave::Wave,
};

/// Most characters of one line: a scene has some hundred.
const LONGEST: usize = 10_000;
/// Pause between the parts of a long line, ms.
const PAUSE_MS: u64 = 250;
/// Answers of callbacks that are kept for a question to come.
const MOST_ANSWERS: usize = 1_000;

/// The words of one scene.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Language.
    pub lang: Lang,
    /// Text as written.
    pub text: String,
}

/// A line as it was spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// The WAV: one channel, 16 bit, 16,000 samples a second or more.
    pub path: PathBuf,
    /// Its length.
    pub ms: u64,
    /// Silence at its beginning.
    pub lead_ms: u64,
    /// Silence at its end.
    pub tail_ms: u64,
    /// What is said; the spans are bytes of the text in NFC.
    pub spoken: Vec<Piece>,
    /// Digest of the file.
    pub digest: Digest,
}

/// Limits of one call to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manners {
    /// Longest a program or one HTTP exchange may take.
    pub call: Duration,
    /// Pause between two questions whether a file is ready.
    pub poll: Duration,
    /// Longest that is waited for one.
    pub patience: Duration,
    /// Most bytes of one answer.
    pub max_bytes: usize,
}

impl Default for Manners {
    /// 120 s a call, asked every 3 s for at most 180 s, 64 MiB.
    fn default() -> Self {
        Self {
            call: Duration::from_mins(2),
            poll: Duration::from_secs(3),
            patience: Duration::from_mins(3),
            max_bytes: 64 << 20,
        }
    }
}

/// Where lines are spoken.
pub struct Booth {
    provider: Provider,
    folder: PathBuf,
    manners: Manners,
    remote: Option<Remote>,
    answers: Answers,
}

impl Booth {
    /// A booth of this provider, whose takes are kept in `folder`. `policy` is for files that a service keeps on another
    /// host than its own.
    ///
    /// # Errors
    /// [`Error::Config`] for values that the provider would refuse, [`Error::Net`] for a base that is no address.
    pub fn new(
        provider: Provider,
        folder: &Path,
        policy: &Policy,
        manners: Manners,
    ) -> Result<Self> {
        provider.check()?;
        let remote = Remote::of(&provider, &manners, policy)?;
        let answers = Mutex::new(BTreeMap::new());
        Ok(Self { provider, folder: folder.to_owned(), manners, remote, answers })
    }

    /// Whether it speaks at all.
    pub fn is_on(&self) -> bool {
        self.provider != Provider::None
    }

    /// Takes the answer of a callback; the line that waits for it need not ask any more.
    pub fn hand_in(&self, answer: Answered) {
        // A poisoned lock holds no half answer: each is put in whole.
        let mut kept = self.answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() >= MOST_ANSWERS {
            kept.pop_first();
        }
        kept.insert(answer.request.clone(), answer);
    }

    /// Speaks these lines in their order. What was spoken before with the same voice comes from the folder.
    ///
    /// # Errors
    /// Every variant of [`Error`]; takes made before stay in the folder.
    pub async fn speak(&self, lines: &[Line], cancel: &Cancel) -> Result<Vec<Take>> {
        let mut takes = Vec::with_capacity(lines.len());
        for line in lines {
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            takes.push(self.take(line, cancel).await?);
        }
        Ok(takes)
    }

    /// The takes of these lines when all of them were spoken before; nothing is spoken.
    ///
    /// # Errors
    /// [`Error::Text`] and [`Error::Unfaithful`] for words that cannot be spoken, [`Error::Off`].
    pub async fn kept(&self, lines: &[Line]) -> Result<Option<Vec<Take>>> {
        let mut takes = Vec::with_capacity(lines.len());
        for line in lines {
            let (path, pieces) = self.place(line)?;
            let looked = path.clone();
            let Some((wave, digest)) = off(move || kept(&looked)).await? else { return Ok(None) };
            takes.push(finished(path, &wave, digest, pieces));
        }
        Ok(Some(takes))
    }

    /// Where the take of a line is kept, and what is said in it.
    fn place(&self, line: &Line) -> Result<(PathBuf, Vec<Piece>)> {
        if !self.is_on() {
            return Err(Error::Off);
        }
        let count = line.text.chars().count();
        if count > LONGEST {
            let reason =
                format!("{count} characters in one scene, {LONGEST} are the most; split the scene");
            return Err(Error::Text(reason));
        }
        let said = spoken(&line.text, line.lang);
        let words = said.text();
        if !said.pieces.iter().any(|piece| piece.kind != Kind::Pause) {
            return Err(Error::Text(format!(
                "nothing in {:?} can be spoken; leave the scene without words",
                line.text
            )));
        }
        let differs = unsaid(&said.source, &words, line.lang);
        if !differs.is_empty() {
            return Err(Error::Unfaithful { text: line.text.clone(), differs });
        }
        let name = DigestBuilder::new("take of a voice")
            .json("provider", &self.provider.identity())
            .field("lang", line.lang.code())
            .field("words", &words)
            .finish();
        Ok((self.folder.join(format!("{name}.wav")), said.pieces))
    }

    async fn take(&self, line: &Line, cancel: &Cancel) -> Result<Take> {
        let (path, pieces) = self.place(line)?;
        let looked = path.clone();
        if let Some((wave, digest)) = off(move || kept(&looked)).await? {
            return Ok(finished(path, &wave, digest, pieces));
        }
        let wave = self.record(&pieces, line.lang, cancel).await?;
        let (folder, kept_at) = (self.folder.clone(), path.clone());
        let (wave, digest) = off(move || {
            let bytes = wave.seal();
            keep(&folder, &kept_at, &bytes)?;
            Ok((wave, Digest::of(&bytes)))
        })
        .await?;
        Ok(finished(path, &wave, digest, pieces))
    }

    /// The provider's speech, part by part.
    async fn record(&self, pieces: &[Piece], lang: Lang, cancel: &Cancel) -> Result<Wave> {
        let (least, most) = self.provider.chars();
        let mut whole: Option<Wave> = None;
        for part in parts(pieces, most) {
            let mut words = join(pieces.get(part).unwrap_or_default());
            let missing = least.saturating_sub(words.chars().count());
            words.extend(std::iter::repeat_n('.', missing));
            let bytes = self.call(&words, lang, cancel).await?;
            let bad = |reason: String| Error::Sound {
                provider: self.provider.name(),
                reason: format!("the answer is no speech: {reason}"),
            };
            let wave = Wave::parse(&bytes).map_err(bad)?;
            wave.plausible(&words).map_err(bad)?;
            match &mut whole {
                None => whole = Some(wave),
                Some(whole) if whole.rate == wave.rate => {
                    let pause = u64::from(wave.rate) * PAUSE_MS / 1_000;
                    whole.samples.extend((0..pause).map(|_| 0));
                    whole.samples.extend(wave.samples);
                }
                Some(whole) => {
                    let rates = format!(
                        "its parts have {} and {} samples a second; choose one format",
                        whole.rate, wave.rate
                    );
                    return Err(bad(rates));
                }
            }
        }
        whole.ok_or(Error::Off)
    }

    async fn call(&self, words: &str, lang: Lang, cancel: &Cancel) -> Result<Vec<u8>> {
        if let Some(command) = self.provider.command(lang) {
            let limits = (self.manners.call, self.manners.max_bytes);
            if let Provider::Espeak(espeak) = &self.provider {
                program::has_voice(&command, &espeak.voice, limits, cancel).await?;
            }
            return program::speak(&command, words, limits, cancel).await;
        }
        match &self.remote {
            Some(remote) => remote.speak(&self.provider, words, &self.answers, cancel).await,
            None => Err(Error::Off),
        }
    }
}

/// The pieces in parts of at most `most` characters, cut at the end of a sentence, else at a pause, else between words.
fn parts(pieces: &[Piece], most: Option<usize>) -> Vec<Range<usize>> {
    let most = most.unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut from = 0;
    while from < pieces.len() {
        let mut length = 0;
        let mut to = from;
        // Where it could be cut: between words, at a pause, at the end of a sentence.
        let mut cuts = [None; 3];
        while let Some(piece) = pieces.get(to) {
            length +=
                piece.said.chars().count() + usize::from(piece.kind != Kind::Pause && to > from);
            if length > most && to > from {
                break;
            }
            to += 1;
            let rank = match (piece.kind, piece.said.as_str()) {
                (Kind::Pause, ",") => 1,
                (Kind::Pause, _) => 2,
                _ => 0,
            };
            // A pause belongs to the word before it.
            let followed = pieces.get(to).is_some_and(|next| next.kind == Kind::Pause);
            if !followed || rank > 0 {
                cuts[rank] = Some(to);
            }
        }
        if to < pieces.len() {
            to = cuts.into_iter().rev().flatten().next().unwrap_or(to);
        }
        parts.push(from..to);
        from = to;
    }
    parts
}

fn finished(path: PathBuf, wave: &Wave, digest: Digest, spoken: Vec<Piece>) -> Take {
    // It was judged when it was made.
    let (lead_ms, tail_ms) = wave.silence().unwrap_or_default();
    Take { path, ms: wave.ms(), lead_ms, tail_ms, spoken, digest }
}

/// Disk work, off the async threads.
async fn off<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is going down.
        Err(_) => Err(Error::Cancelled),
    }
}

/// A take of the folder; nothing when there is none or it is damaged.
fn kept(path: &Path) -> Result<Option<(Wave, Digest)>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file(path)(error)),
    };
    let wave = Wave::unseal(&bytes);
    if wave.is_none() {
        tracing::warn!("The take {} is damaged and is made again.", path.display());
    }
    Ok(wave.map(|wave| (wave, Digest::of(&bytes))))
}

/// Puts a whole file under its name, on the disk.
fn keep(folder: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
    fs::create_dir_all(folder).map_err(file(folder))?;
    let written = fs::File::create(&draft)
        .and_then(|mut out| out.write_all(bytes).and_then(|()| out.sync_all()))
        .and_then(|()| fs::rename(&draft, path));
    if let Err(error) = written {
        // The first error tells; a draft that stays behind has no name that is read.
        fs::remove_file(&draft).ok();
        return Err(file(path)(error));
    }
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(file(folder))
}

fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::File { path: path.display().to_string(), source }
}
