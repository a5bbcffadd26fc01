//! What a channel can do, as data, and the check of a draft against it: pure, before any network call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    address::PostAddress,
    connect::{Connect, Words},
    post::{Media, MediaRole, PostContent, PostFormat, Shape},
    variant::VariantKind,
};

/// How a post whose outcome is unclear can be found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadBack {
    /// By the short link in the post.
    ByMarker,
    /// By listing own recent posts and comparing.
    ByListing,
    /// Not at all: a person decides.
    None,
}

/// A text limit with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub struct TextLimit {
    /// The most of it, in `unit`.
    pub max: usize,
    /// What is counted, after NFC.
    pub unit: TextUnit,
}

/// What a text limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextUnit {
    /// Unicode code points.
    Chars,
    /// UTF-16 units.
    Utf16,
    /// Bytes of UTF-8.
    Bytes,
    /// Grapheme clusters.
    Graphemes,
}

impl TextUnit {
    /// Length of `text` in this unit, after NFC.
    pub fn count(self, text: &str) -> usize {
        let text: String = text.nfc().collect();
        match self {
            Self::Chars => text.chars().count(),
            Self::Utf16 => text.encode_utf16().count(),
            Self::Bytes => text.len(),
            Self::Graphemes => text.graphemes(true).count(),
        }
    }
}

/// A limit on one role of media in one format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaRule {
    /// Fewest files.
    pub min: usize,
    /// Most files.
    pub max: usize,
    /// Media types taken.
    pub mime: Vec<String>,
    /// Largest file in bytes.
    pub max_bytes: u64,
    /// Smallest width in pixels, 0 for none.
    #[serde(default)]
    pub min_width: u32,
    /// Smallest height in pixels, 0 for none.
    #[serde(default)]
    pub min_height: u32,
    /// Shortest video in milliseconds, 0 for none.
    #[serde(default)]
    pub min_duration_ms: u64,
    /// Longest video in milliseconds, 0 for none.
    #[serde(default)]
    pub max_duration_ms: u64,
    /// Whether the picture must stand upright (height ≥ width).
    #[serde(default)]
    pub upright: bool,
}

/// Limits of one format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatRule {
    /// Title; absent when the format has none.
    pub title: Option<TextLimit>,
    /// Whether the title must not be empty.
    #[serde(default)]
    pub title_required: bool,
    /// Words.
    pub text: TextLimit,
    /// Author; absent when the format has none.
    pub author: Option<TextLimit>,
    /// Media by role.
    #[serde(default)]
    pub media: BTreeMap<MediaRole, MediaRule>,
    /// Whether every photo needs an alternative text.
    #[serde(default)]
    pub alt_required: bool,
    /// Characters the platform refuses in title and words.
    #[serde(default)]
    pub forbidden: String,
    /// Whether the short link stands in the words (else it has its own field).
    #[serde(default)]
    pub link_in_text: bool,
}

/// How fast posts may go out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaceRule {
    /// Distance of two posts of one account.
    pub account: Gap,
    /// Distance of two posts of all accounts of one app.
    #[serde(default)]
    pub app: Gap,
    /// Name of the account's setting that tells its app: accounts with the same value share the app's limits.
    #[serde(default = "app_id")]
    pub app_setting: String,
    /// Allowances.
    #[serde(default)]
    pub quotas: Vec<Quota>,
}

impl PaceRule {
    /// Whether accounts of one app share a limit at all.
    pub fn has_app(&self) -> bool {
        self.app.min_gap_ms > 0 || self.quotas.iter().any(|quota| quota.scope == QuotaScope::App)
    }
}

fn app_id() -> String {
    "app_id".to_owned()
}

/// A distance and how far it may be overdrawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Smallest distance of two posts, milliseconds; 0 for none.
    pub min_gap_ms: u64,
    /// Posts at once before the distance counts, at least 1.
    pub burst: u32,
}

/// An allowance of the platform: units in a window, and what a post takes of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Its name, unique in the channel.
    pub bucket: String,
    /// Who shares it.
    pub scope: QuotaScope,
    /// Units in one window.
    pub limit: u32,
    /// When units come back.
    pub window: Window,
    /// Units that the whole chain of one post takes, by format. A format that is not named takes none.
    #[serde(default)]
    pub cost: BTreeMap<PostFormat, u32>,
    /// Units that each file of a role takes besides.
    #[serde(default)]
    pub cost_of_file: BTreeMap<MediaRole, u32>,
    /// Whether a refused post counts all the same: the platform counts requests, not posts.
    #[serde(default)]
    pub refused_counts: bool,
}

impl Quota {
    /// Units that such a post takes.
    pub fn cost_of(&self, shape: &Shape) -> u32 {
        let Some(plain) = self.cost.get(&shape.format) else { return 0 };
        let of_file = |role| self.cost_of_file.get(role).copied().unwrap_or(0);
        plain + shape.files.iter().map(|(role, count)| of_file(role) * count).sum::<u32>()
    }
}

/// Who shares an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaScope {
    /// Each account has its own.
    Account,
    /// All accounts of one app.
    App,
}

/// When units of an allowance come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// All at once, at midnight of this IANA zone.
    DayOf(String),
    /// Each this many hours after it was spent.
    RollingH(u32),
}

/// How a clip is encoded for a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipPreset {
    /// Which clip.
    pub kind: VariantKind,
    /// Name of the rendition. A preset that names one that is made anyway says how it is made.
    pub rendition: String,
    /// The format of the posts that carry it: its limit in bytes is the one of the file.
    pub format: PostFormat,
    /// Most milliseconds from one keyframe to the next.
    pub keyframe_ms: u32,
    /// Whether the container may say where picture and sound start (an edit list).
    pub edit_list: bool,
    /// kbit/s of the sound, AAC in two channels; as the rendition has it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound_kbps: Option<u32>,
}

/// What people call a number of the channel, where its metric does not say it all: two numbers of one channel are told apart by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberName {
    /// The platform's name of it, as samples have it.
    pub source_name: String,
    /// What it counts, said after the name of the channel: `video ngắn`.
    pub title: Words,
}

/// What a channel can do. Each `capability.toml` cites its source and the date it was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// Channel name, the part before the colon of its accounts.
    pub channel: String,
    /// Name shown to people.
    pub title: String,
    /// Where the limits come from and when they were checked.
    pub source: String,
    /// Date of that check, `YYYY-MM-DD`.
    pub checked: String,
    /// How an unclear outcome is resolved.
    pub read_back: ReadBack,
    /// Publishing goes through a hidden draft that is then made public by id.
    pub draft_then_publish: bool,
    /// A live post can be changed.
    pub edit: bool,
    /// A live post can be taken back.
    pub delete: bool,
    /// The platform fetches media by public URL.
    pub public_url_media: bool,
    /// The platform tells numbers about a post.
    pub insights: bool,
    /// Media types of signatures and messages it sends to us.
    #[serde(default)]
    pub webhooks: bool,
    /// Pace of accounts and apps.
    pub pace: PaceRule,
    /// Formats it takes.
    pub formats: BTreeMap<PostFormat, FormatRule>,
    /// How clips are encoded for it.
    #[serde(default)]
    pub clips: Vec<ClipPreset>,
    /// Forms of the addresses of posts, for a person who saw one on the channel.
    #[serde(default)]
    pub addresses: Vec<PostAddress>,
    /// What people call the steps of its chains, by the name that tickets have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub steps: BTreeMap<String, Words>,
    /// How an account is connected.
    #[serde(default)]
    pub connect: Connect,
    /// What people call its numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<NumberName>,
}

/// Something in a draft that a channel would refuse. A value, not an error: editors see it before any network call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Field, for example `text` or `media.video.bytes`.
    pub field: String,
    /// What is wrong: a key of the locale files, for example `too_long`.
    pub problem: String,
    /// What it is now.
    pub is: String,
    /// What it may be.
    pub limit: String,
}

impl Capability {
    /// Reads a `capability.toml`.
    ///
    /// # Errors
    /// The parser's own message, with line and column.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// What people call the number that the platform gives this name; nothing where its metric says it all.
    pub fn number_title(&self, source_name: &str, lang: &str) -> Option<&str> {
        let known = self.numbers.iter().find(|number| number.source_name == source_name)?;
        Some(known.title.in_language(lang))
    }

    /// What people call a step of its chains; nothing when it has no such step.
    pub fn step_title(&self, step: &str, lang: &str) -> Option<&str> {
        Some(self.steps.get(step)?.in_language(lang))
    }

    /// Posts have their addresses at the host of this base too: a stand-in is not where the platform is.
    pub fn addresses_at(&mut self, base: &url::Url) {
        let Some(host) = base.host_str() else { return };
        if !self.addresses.iter().any(|form| form.is_at(host)) {
            self.addresses.iter_mut().for_each(|form| form.hosts.push(host.to_owned()));
        }
    }

    /// The platform's id of the post at this address; nothing when the address tells none.
    pub fn post_id_in(&self, url: &str, account: &str) -> Option<String> {
        let url = url::Url::parse(url).ok()?;
        self.addresses.iter().find_map(|form| form.id_in(&url, account))
    }

    /// Most bytes of a clip that is made by this preset; nothing when posts of its format carry no video.
    pub fn most_bytes(&self, preset: &ClipPreset) -> Option<u64> {
        let rule = self.formats.get(&preset.format)?.media.get(&MediaRole::Video)?;
        Some(rule.max_bytes)
    }

    /// A post of this format with every kind of file it may have.
    pub fn fullest(&self, format: PostFormat) -> Shape {
        let rule = self.formats.get(&format);
        let files = rule.into_iter().flat_map(|rule| &rule.media);
        let count = |min: usize| u32::try_from(min.max(1)).unwrap_or(1);
        Shape { format, files: files.map(|(role, rule)| (*role, count(rule.min))).collect() }
    }

    /// Every limit the draft breaks; empty when the channel would take it.
    pub fn check(&self, content: &PostContent) -> Vec<Violation> {
        let Some(rule) = self.formats.get(&content.format) else {
            let known: Vec<_> = self.formats.keys().map(|format| format!("{format:?}")).collect();
            return vec![violation(
                "format",
                "unsupported",
                format!("{:?}", content.format),
                known.join(", "),
            )];
        };
        let mut found = Vec::new();
        check_text(&mut found, "text", &content.text, Some(rule.text));
        check_text(&mut found, "title", &content.title, rule.title);
        check_text(&mut found, "author", &content.author, rule.author);
        if rule.title_required && content.title.trim().is_empty() {
            found.push(violation("title", "missing", String::new(), "1".into()));
        }
        for (field, text) in [("text", &content.text), ("title", &content.title)] {
            if let Some(bad) = text.chars().find(|c| rule.forbidden.contains(*c)) {
                found.push(violation(
                    field,
                    "forbidden_character",
                    bad.to_string(),
                    rule.forbidden.clone(),
                ));
            }
        }
        if rule.link_in_text && !content.text.contains(&content.link.url) {
            found.push(violation("text", "link_missing", String::new(), content.link.url.clone()));
        }
        for media in &content.media {
            if !rule.media.contains_key(&media.role) {
                found.push(violation(
                    &field_of(media.role, ""),
                    "unsupported",
                    media.mime.clone(),
                    String::new(),
                ));
            }
        }
        for (role, rule_of_role) in &rule.media {
            let files: Vec<_> = content.media_of(*role).collect();
            if files.len() < rule_of_role.min || files.len() > rule_of_role.max {
                let limit = format!("{}–{}", rule_of_role.min, rule_of_role.max);
                found.push(violation(
                    &field_of(*role, "count"),
                    "count",
                    files.len().to_string(),
                    limit,
                ));
            }
            for file in files {
                check_media(&mut found, rule_of_role, file);
                let picture = matches!(role, MediaRole::Photo | MediaRole::Cover);
                if rule.alt_required && picture && file.alt.trim().is_empty() {
                    found.push(violation(
                        &field_of(*role, "alt"),
                        "missing",
                        String::new(),
                        "1".into(),
                    ));
                }
            }
        }
        found
    }
}

fn check_text(found: &mut Vec<Violation>, field: &str, text: &str, limit: Option<TextLimit>) {
    let Some(limit) = limit else {
        if !text.is_empty() {
            found.push(violation(
                field,
                "unsupported",
                text.chars().count().to_string(),
                "0".into(),
            ));
        }
        return;
    };
    let count = limit.unit.count(text);
    if count > limit.max {
        found.push(violation(
            field,
            "too_long",
            count.to_string(),
            format!("{} {:?}", limit.max, limit.unit),
        ));
    }
}

fn check_media(found: &mut Vec<Violation>, rule: &MediaRule, file: &Media) {
    let mut push = |what: &str, problem: &str, is: String, limit: String| {
        found.push(violation(&field_of(file.role, what), problem, is, limit));
    };
    if !rule.mime.contains(&file.mime) {
        push("mime", "unsupported", file.mime.clone(), rule.mime.join(", "));
    }
    if file.bytes > rule.max_bytes {
        push("bytes", "too_large", file.bytes.to_string(), rule.max_bytes.to_string());
    }
    if file.width < rule.min_width || file.height < rule.min_height {
        let limit = format!("{}×{}", rule.min_width, rule.min_height);
        push("size", "too_small", format!("{}×{}", file.width, file.height), limit);
    }
    if file.duration_ms < rule.min_duration_ms {
        push(
            "duration",
            "too_short",
            file.duration_ms.to_string(),
            rule.min_duration_ms.to_string(),
        );
    }
    if rule.max_duration_ms > 0 && file.duration_ms > rule.max_duration_ms {
        push(
            "duration",
            "too_long",
            file.duration_ms.to_string(),
            rule.max_duration_ms.to_string(),
        );
    }
    if rule.upright && file.height < file.width {
        push(
            "aspect",
            "not_upright",
            format!("{}×{}", file.width, file.height),
            "9:16 … 1:1".into(),
        );
    }
}

fn field_of(role: MediaRole, what: &str) -> String {
    let role = serde_json::to_value(role)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default();
    if what.is_empty() { format!("media.{role}") } else { format!("media.{role}.{what}") }
}

fn violation(field: &str, problem: &str, is: String, limit: String) -> Violation {
    Violation { field: field.to_owned(), problem: problem.to_owned(), is, limit }
}
