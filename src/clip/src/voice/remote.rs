//! Voices behind HTTP.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use loa_model::{Cancel, Secret};
use loa_net::{Body, Client, Limits, Method, Policy, Request, Response, redact};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;
use url::Url;

use super::{
    Error, Manners, Result,
    provider::{Fpt, Openai, Provider, Vbee},
    wished,
};

/// Tries of one request; only 429 and 5xx are tried again.
const TRIES: u32 = 3;
/// Longest wait that a service may ask for before we give up instead.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// What is shown of an answer.
const SHOWN: usize = 300;

/// Answers of callbacks that nobody has asked for yet, by request.
pub(super) type Answers = Mutex<BTreeMap<String, Answered>>;

/// What a service told about one request, by its state or its callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The service's own number of the request.
    pub request: String,
    /// Whether it is made: its address, an error in its words, or not yet.
    pub outcome: Outcome,
}

/// State of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Not yet.
    Waiting,
    /// The file is there.
    Ready(Url),
    /// It will never be, and why.
    Failed(String),
}

/// Reads what VBee posts to its callback address. Give it to [`Booth::hand_in`](super::Booth::hand_in).
///
/// # Errors
/// [`Error::Provider`] when it is no such answer.
pub fn answered(body: &[u8]) -> Result<Answered> {
    let bad = |message: String| Error::Provider {
        provider: "vbee",
        status: None,
        message,
        todo: "check that the callback address is called by VBee only",
    };
    let told = serde_json::from_slice::<Wrapped>(body).map(|wrapped| wrapped.result);
    let told = match told {
        Ok(told) => told,
        Err(_) => serde_json::from_slice::<Told>(body)
            .map_err(|e| bad(format!("no answer of a request: {e}")))?,
    };
    told.outcome().map_err(bad)
}

/// A request as VBee tells of it when it is asked.
#[derive(Deserialize)]
struct Wrapped {
    result: Told,
}

/// A request as VBee tells of it.
#[derive(Debug, Deserialize)]
struct Told {
    request_id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    audio_link: Option<String>,
    #[serde(default)]
    error_message: Option<String>,
}

impl Told {
    fn outcome(self) -> Result<Answered, String> {
        let outcome = match (self.status.as_str(), self.audio_link) {
            ("SUCCESS", Some(link)) => Outcome::Ready(
                link.parse::<Url>().map_err(|e| format!("{link:?} is no address: {e}"))?,
            ),
            ("SUCCESS", None) => return Err("it is done and names no audio_link".into()),
            ("FAILURE" | "FAILED" | "ERROR", _) => {
                Outcome::Failed(self.error_message.unwrap_or_else(|| self.status.clone()))
            }
            _ => Outcome::Waiting,
        };
        Ok(Answered { request: self.request_id, outcome })
    }
}

/// What FPT says to a request.
#[derive(Deserialize)]
struct Accepted {
    #[serde(default)]
    error: i64,
    #[serde(default, rename = "async")]
    link: Option<Url>,
    #[serde(default)]
    message: Option<String>,
}

/// The two clients of one service.
pub(super) struct Remote {
    name: &'static str,
    base: Url,
    trusted: Client,
    /// For files that the service keeps elsewhere.
    guarded: Client,
    manners: Manners,
    /// Never shown.
    key: Secret,
}

impl Remote {
    /// The clients of a provider, nothing when it is no service.
    pub(super) fn of(
        provider: &Provider,
        manners: &Manners,
        policy: &Policy,
    ) -> Result<Option<Self>> {
        let (base, key) = match provider {
            Provider::Openai(o) => (&o.base, &o.key),
            Provider::Fpt(f) => (&f.base, &f.key),
            Provider::Vbee(v) => (&v.base, &v.key),
            _ => return Ok(None),
        };
        let name = provider.name();
        let net = |source| Error::Net { provider: name, source };
        let max_body = u64::try_from(manners.max_bytes).unwrap_or(u64::MAX);
        let limits = Limits { total: manners.call, max_body, ..Limits::default() };
        Ok(Some(Self {
            name,
            base: base.clone(),
            trusted: Client::trusted(base.clone(), limits.clone()).map_err(net)?,
            guarded: Client::guarded(limits, policy.clone()).map_err(net)?,
            manners: manners.clone(),
            key: key.clone(),
        }))
    }

    /// The WAV of these words.
    pub(super) async fn speak(
        &self,
        provider: &Provider,
        words: &str,
        answers: &Answers,
        cancel: &Cancel,
    ) -> Result<Vec<u8>> {
        let work = async {
            match provider {
                Provider::Openai(openai) => self.openai(openai, words).await,
                Provider::Fpt(fpt) => self.fpt(fpt, words).await,
                Provider::Vbee(vbee) => self.vbee(vbee, words, answers).await,
                _ => Err(Error::Off),
            }
        };
        tokio::select! {
            done = work => done,
            () = wished(cancel) => Err(Error::Cancelled),
        }
    }

    fn token(&self) -> &str {
        self.key.get("token").unwrap_or_default()
    }

    fn url(&self, path: &str) -> Result<Url> {
        self.trusted.join(path).map_err(|source| Error::Net { provider: self.name, source })
    }

    fn bearer(&self, request: Request) -> Request {
        match self.token() {
            "" => request,
            token => request.secret_header("Authorization", format!("Bearer {token}")),
        }
    }

    async fn openai(&self, openai: &Openai, words: &str) -> Result<Vec<u8>> {
        let body = json!({
            "model": openai.model, "input": words, "voice": openai.voice,
            "response_format": "wav", "speed": openai.speed,
        });
        let request = Request::new(Method::POST, self.url("v1/audio/speech")?)
            .body(Body::Json(body))
            .effectful();
        let answer = self.send(&self.trusted, self.bearer(request)).await?;
        Ok(answer.body.to_vec())
    }

    async fn fpt(&self, fpt: &Fpt, words: &str) -> Result<Vec<u8>> {
        let request = Request::new(Method::POST, self.url("hmi/tts/v5")?)
            .secret_header("api_key", self.token())
            .header("voice", &fpt.voice)
            .header("speed", fpt.speed.to_string())
            .header("format", "wav")
            .header("Content-Type", "text/plain; charset=utf-8")
            .body(Body::Bytes(words.to_owned().into()))
            .effectful();
        let answer = self.send(&self.trusted, request).await?;
        let accepted: Accepted = self.read(&answer)?;
        let link = match accepted {
            Accepted { error: 0, link: Some(link), .. } => link,
            Accepted { error, message, .. } => {
                let message = message.unwrap_or_else(|| "it named no file".into());
                return Err(self.refused(&answer, &format!("error {error}: {message}")));
            }
        };
        self.file(&link).await
    }

    async fn vbee(&self, vbee: &Vbee, words: &str, answers: &Answers) -> Result<Vec<u8>> {
        let body = json!({
            "app_id": vbee.app_id, "callback_url": vbee.callback, "input_text": words,
            "voice_code": vbee.voice, "audio_type": "wav", "speed_rate": vbee.speed.to_string(),
        });
        let request =
            Request::new(Method::POST, self.url("api/v1/tts")?).body(Body::Json(body)).effectful();
        let answer = self.send(&self.trusted, self.bearer(request)).await?;
        let mut told =
            answered(&answer.body).map_err(|_| self.refused(&answer, &self.shown(&answer)))?;
        let mut waited = Duration::ZERO;
        loop {
            match told.outcome {
                Outcome::Ready(link) => return self.file(&link).await,
                Outcome::Failed(why) => return Err(self.refused(&answer, &why)),
                Outcome::Waiting if waited >= self.manners.patience => return Err(self.slow()),
                Outcome::Waiting => {}
            }
            sleep(self.manners.poll).await;
            waited += self.manners.poll;
            let handed = answers.lock().ok().and_then(|mut kept| kept.remove(&told.request));
            told = if let Some(handed) = handed {
                handed
            } else {
                let mut url = self.url("api/v1/tts")?;
                // The number comes from outside: as a segment it cannot lead anywhere else.
                if let Ok(mut path) = url.path_segments_mut() {
                    path.push(&told.request);
                }
                let state = self.send(&self.trusted, self.bearer(Request::get(url))).await?;
                answered(&state.body).map_err(|_| self.refused(&state, &self.shown(&state)))?
            };
        }
    }

    /// A file that is there at once or a little later: 404 and 202 mean not yet.
    async fn file(&self, link: &Url) -> Result<Vec<u8>> {
        let own = link.origin() == self.base.origin();
        let client = if own { &self.trusted } else { &self.guarded };
        let mut waited = Duration::ZERO;
        loop {
            let answer = self.send_any(client, Request::get(link.clone())).await?;
            match answer.status {
                202 | 404 if waited >= self.manners.patience => return Err(self.slow()),
                202 | 404 => {
                    sleep(self.manners.poll).await;
                    waited += self.manners.poll;
                }
                _ if answer.is_success() => return Ok(answer.body.to_vec()),
                _ => return Err(self.refused(&answer, &self.shown(&answer))),
            }
        }
    }

    async fn send(&self, client: &Client, request: Request) -> Result<Response> {
        let answer = self.send_any(client, request).await?;
        if answer.is_success() {
            return Ok(answer);
        }
        Err(self.refused(&answer, &self.shown(&answer)))
    }

    /// Sends; 429 and 5xx are tried again with the service's own wait, nothing else is.
    async fn send_any(&self, client: &Client, request: Request) -> Result<Response> {
        let mut tries = 1;
        loop {
            let sent = client.send(request.clone(), None).await;
            let answer = sent.map_err(|source| Error::Net { provider: self.name, source })?;
            let again = answer.status == 429 || (500..600).contains(&answer.status);
            let asked = answer.header("retry-after").and_then(|wait| wait.trim().parse().ok());
            let wait = asked.map_or(self.manners.poll * tries, Duration::from_secs);
            if !again || tries >= TRIES || wait > LONGEST_WAIT {
                return Ok(answer);
            }
            tracing::debug!(
                status = answer.status,
                wait_ms = wait.as_millis(),
                "The voice asks to wait."
            );
            sleep(wait).await;
            tries += 1;
        }
    }

    fn read<T: serde::de::DeserializeOwned>(&self, answer: &Response) -> Result<T> {
        serde_json::from_slice(&answer.body).map_err(|_| self.refused(answer, &self.shown(answer)))
    }

    /// The beginning of an answer on one line, without the key.
    fn shown(&self, answer: &Response) -> String {
        let text = String::from_utf8_lossy(&answer.body);
        let line: String =
            text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect();
        redact(&line, self.key.values())
    }

    fn slow(&self) -> Error {
        Error::Provider {
            provider: self.name,
            status: None,
            message: format!("not ready within {} s", self.manners.patience.as_secs()),
            todo: "try again later or choose another voice",
        }
    }

    fn refused(&self, answer: &Response, message: &str) -> Error {
        let todo = match answer.status {
            401 | 403 => "check the key and what the account may do",
            402 => "the account has no credit left",
            404 => "check the base address",
            400 | 413 | 422 => "check the voice and the model, or shorten the text",
            429 => "it is asked too often; wait, or raise the limit of the account",
            500.. => "the service is in trouble; try again later",
            _ => {
                "the answer is not as documented; check the base address and the version of the service"
            }
        };
        let message = redact(message, self.key.values());
        let message = if message.is_empty() { "no reason given".to_owned() } else { message };
        Error::Provider { provider: self.name, status: Some(answer.status), message, todo }
    }
}
