//! Who speaks: plain data, the `voice` part of a configuration.

use std::path::PathBuf;

use loa_model::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::{Error, Result, speech::Lang};

/// Who speaks. `kind` names it, the other fields are its own; an unknown field is an error.
///
/// Keys are a [`Secret`] with the value `token`: `key = { token = "…" }`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Provider {
    /// Nobody: clips have no narration.
    #[default]
    None,
    /// espeak-ng on this machine: for drafts, tests and accessibility.
    Espeak(Espeak),
    /// A program of this machine: words on its standard input in UTF-8, a WAV on its standard output.
    Command(Command),
    /// A service that speaks the OpenAI protocol.
    Openai(Openai),
    /// FPT.AI.
    Fpt(Fpt),
    /// VBee.
    Vbee(Vbee),
}

/// espeak-ng.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Espeak {
    /// Voice as espeak-ng names it, for example `vi-vn-x-south`; empty for the one of the language.
    pub voice: String,
    /// Words a minute, 80–450.
    pub words_per_minute: u32,
}

impl Default for Espeak {
    fn default() -> Self {
        Self { voice: String::new(), words_per_minute: 160 }
    }
}

/// A program. It gets no environment and no shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Path of the program, or its name in `/usr/bin` or `/bin`.
    pub program: PathBuf,
    /// Its arguments; `{lang}` in one becomes `vi` or `en`.
    #[serde(default)]
    pub args: Vec<String>,
}

/// An OpenAI-compatible service: `POST {base}/v1/audio/speech`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Openai {
    /// Its address without `/v1`.
    pub base: Url,
    /// Model.
    pub model: String,
    /// Voice.
    pub voice: String,
    /// Speed, 0.25–4; 1 is as recorded.
    #[serde(default = "one")]
    pub speed: f64,
    /// Key; may be empty for a service of one's own network.
    #[serde(default)]
    pub key: Secret,
}

/// FPT.AI: `POST {base}/hmi/tts/v5`, then the file is fetched when it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fpt {
    /// Its address.
    pub base: Url,
    /// `banmai`, `lannhi`, `leminh`, `myan`, `thuminh`, `giahuy` or `linhsan`.
    pub voice: String,
    /// Speed, −3 to 3; 0 is as recorded.
    #[serde(default)]
    pub speed: i8,
    /// Key.
    pub key: Secret,
}

/// VBee: `POST {base}/api/v1/tts`, then its state is asked, or the answer of its callback handed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vbee {
    /// Its address.
    pub base: Url,
    /// Application of the customer.
    pub app_id: String,
    /// Voice code.
    pub voice: String,
    /// Speed, 0.1–1.9; 1 is as recorded.
    #[serde(default = "one")]
    pub speed: f64,
    /// Address that VBee calls; it wants one even where nothing listens.
    pub callback: Url,
    /// Most characters of one request, 300–2,000 by contract.
    #[serde(default = "vbee_chars")]
    pub max_chars: usize,
    /// Key.
    pub key: Secret,
}

fn one() -> f64 {
    1.0
}

fn vbee_chars() -> usize {
    2_000
}

impl Provider {
    /// Its kind, as in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Espeak(_) => "espeak",
            Self::Command(_) => "command",
            Self::Openai(_) => "openai",
            Self::Fpt(_) => "fpt",
            Self::Vbee(_) => "vbee",
        }
    }

    /// Fewest and most characters of one request.
    pub fn chars(&self) -> (usize, Option<usize>) {
        match self {
            Self::Openai(_) => (1, Some(4_096)),
            Self::Fpt(_) => (3, Some(5_000)),
            Self::Vbee(vbee) => (1, Some(vbee.max_chars)),
            Self::None | Self::Espeak(_) | Self::Command(_) => (1, None),
        }
    }

    /// What its sound depends on, without keys: one part of the name of a take.
    pub(super) fn identity(&self) -> Value {
        match self {
            Self::None => json!(["none"]),
            Self::Espeak(e) => json!(["espeak", e.voice, e.words_per_minute]),
            Self::Command(c) => json!(["command", c.program, c.args]),
            Self::Openai(o) => json!(["openai", o.base, o.model, o.voice, o.speed]),
            Self::Fpt(f) => json!(["fpt", f.base, f.voice, f.speed]),
            Self::Vbee(v) => json!(["vbee", v.base, v.app_id, v.voice, v.speed]),
        }
    }

    /// espeak as the command that it is.
    pub(super) fn command(&self, lang: Lang) -> Option<Command> {
        match self {
            Self::Command(command) => {
                let args = command.args.iter().map(|arg| arg.replace("{lang}", lang.code()));
                Some(Command { program: command.program.clone(), args: args.collect() })
            }
            Self::Espeak(espeak) => {
                let voice =
                    if espeak.voice.is_empty() { lang.code() } else { espeak.voice.as_str() };
                let speed = espeak.words_per_minute.to_string();
                let args = ["-v", voice, "-s", &speed, "-b", "1", "--stdin", "--stdout"];
                Some(Command {
                    program: "espeak-ng".into(),
                    args: args.map(str::to_owned).to_vec(),
                })
            }
            _ => None,
        }
    }

    /// Refuses what the provider would refuse later and less clearly.
    pub(super) fn check(&self) -> Result<()> {
        let bad =
            |reason: &str| Err(Error::Config { provider: self.name(), reason: reason.into() });
        let no_key = |key: &Secret| key.get("token").is_none();
        match self {
            Self::Espeak(e) if !(80..=450).contains(&e.words_per_minute) => {
                bad("`words_per_minute` must be 80 to 450")
            }
            // An option in the place of a voice would be an argument of its own.
            Self::Espeak(e) if e.voice.starts_with('-') => bad("`voice` is no voice of espeak-ng"),
            Self::Command(c) if c.program.as_os_str().is_empty() => bad("`program` is empty"),
            Self::Openai(o) if !(0.25..=4.0).contains(&o.speed) => bad("`speed` must be 0.25 to 4"),
            Self::Fpt(f) if !(-3..=3).contains(&f.speed) => bad("`speed` must be -3 to 3"),
            Self::Fpt(f) if no_key(&f.key) => bad("the key is missing: set `key.token`"),
            Self::Vbee(v) if !(0.1..=1.9).contains(&v.speed) => bad("`speed` must be 0.1 to 1.9"),
            Self::Vbee(v) if !(300..=2_000).contains(&v.max_chars) => {
                bad("`max_chars` must be 300 to 2000")
            }
            Self::Vbee(v) if no_key(&v.key) => bad("the key is missing: set `key.token`"),
            _ => Ok(()),
        }
    }
}
