//! The channels this build knows, one line each. Nothing else of the project names them.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context as _;
use loa_channel::Channel;
use loa_delivery::Channels;
use loa_model::{Capability, MediaRole, PostFormat, VariantKind};
use loa_net::Limits;
use loa_pipeline::{Preset, Profiles};
use loa_review::{Pick, Slot};
use loa_sandbox::Platform;
use serde::Serialize;
use serde_json::Value;

/// One channel: how to make its adapter, its stand-in and its sample account.
struct Known {
    name: &'static str,
    frame: &'static str,
    defaults: fn() -> anyhow::Result<toml::Table>,
    make: fn(toml::Table, Limits) -> anyhow::Result<Arc<dyn Channel>>,
    stand_in: fn() -> Box<dyn Platform>,
    /// Settings and sample accounts from the sandbox's first line.
    point: fn(&Value) -> Pointed,
    profile: fn() -> Vec<Slot>,
}

/// A channel pointed at its sandbox.
pub(crate) struct Pointed {
    /// Keys of `[channels.<name>]` that differ from the defaults.
    pub(crate) config: toml::Table,
    /// Settings of each sample account.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// Secret of the account at an index of `accounts`.
    pub(crate) secret: fn(&Value, usize) -> Vec<(&'static str, String)>,
}

const KNOWN: [Known; 4] = [
    Known {
        name: "facebook",
        frame: loa_channel_facebook::FRAME,
        defaults: || table(&loa_channel_facebook::Config::default()),
        make: |config, limits| {
            Ok(Arc::new(loa_channel_facebook::Facebook::new(config.try_into()?, limits)?))
        },
        stand_in: || Box::new(loa_channel_facebook_sandbox::Facebook::default()),
        point: |at| Pointed {
            config: keys(&[
                ("graph", &at["graph"]),
                ("graph_video", &at["graph_video"]),
                ("rupload", &at["rupload"]),
                ("oauth", &at["oauth"]),
            ]),
            settings: Vec::new(),
            secret: |at, index| vec![("page_token", text(&at["accounts"][index]["token"]))],
        },
        profile: || {
            vec![
                slot(
                    PostFormat::Album,
                    vec![Pick::Pages { role: MediaRole::Photo, kind: VariantKind::Carousel }],
                ),
                Slot {
                    unless: Some(PostFormat::Album),
                    ..slot(PostFormat::Photo, vec![card("portrait", MediaRole::Photo)])
                },
                slot(PostFormat::ShortVideo, vec![clip(VariantKind::ShortClip, "1080p")]),
            ]
        },
    },
    Known {
        name: "viber",
        frame: loa_channel_viber::FRAME,
        defaults: || table(&loa_channel_viber::Config::default()),
        make: |config, limits| {
            Ok(Arc::new(loa_channel_viber::Viber::new(config.try_into()?, limits)?))
        },
        stand_in: || Box::new(loa_channel_viber_sandbox::Viber),
        point: |at| Pointed {
            config: keys(&[("base", &Value::String(format!("{}/pa/", text(&at["api"]))))]),
            settings: vec![
                ("from", text(&at["accounts"][0]["from"])),
                ("channel_url", format!("{}/", text(&at["api"]))),
            ],
            secret: |at, index| vec![("auth_token", text(&at["accounts"][index]["token"]))],
        },
        profile: || {
            let small = pick(MediaRole::Thumbnail, VariantKind::LowBand, "thumbnail", false);
            vec![
                slot(PostFormat::Photo, vec![card("portrait", MediaRole::Photo)]),
                Slot {
                    only_with: Some(VariantKind::LowBand),
                    ..slot(PostFormat::Video, vec![clip(VariantKind::LowBand, "360p"), small])
                },
            ]
        },
    },
    Known {
        name: "youtube",
        frame: loa_channel_youtube::FRAME,
        defaults: || table(&loa_channel_youtube::Config::default()),
        make: |config, limits| {
            Ok(Arc::new(loa_channel_youtube::YouTube::new(config.try_into()?, limits)?))
        },
        stand_in: || Box::new(loa_channel_youtube_sandbox::YouTube),
        point: |at| Pointed {
            config: keys(&[
                ("api_base", &at["api"]),
                ("upload_base", &at["upload"]),
                ("oauth_base", &at["oauth"]),
                ("watch_base", &at["api"]),
            ]),
            settings: vec![("client_id", text(&at["client"]["id"]))],
            secret: |at, index| {
                vec![
                    ("access_token", text(&at["accounts"][index]["token"])),
                    ("refresh_token", text(&at["accounts"][index]["refresh_token"])),
                    ("client_secret", text(&at["client"]["secret"])),
                ]
            },
        },
        profile: || {
            let of = |kind, rendition: &[&str]| {
                let renditions = rendition.iter().map(|name| (*name).to_owned()).collect();
                vec![
                    Pick::Variant { role: MediaRole::Video, kind, renditions, required: true },
                    pick(MediaRole::Thumbnail, kind, "poster", false),
                    pick(MediaRole::Captions, kind, "captions", false),
                ]
            };
            vec![
                slot(PostFormat::ShortVideo, of(VariantKind::ShortClip, &["strict", "1080p"])),
                Slot {
                    only_with: Some(VariantKind::LongClip),
                    ..slot(PostFormat::Video, of(VariantKind::LongClip, &["1080p"]))
                },
            ]
        },
    },
    Known {
        name: "zalo",
        frame: loa_channel_zalo::FRAME,
        defaults: || table(&loa_channel_zalo::Config::default()),
        make: |config, limits| {
            Ok(Arc::new(loa_channel_zalo::Zalo::new(config.try_into()?, limits)?))
        },
        stand_in: || Box::new(loa_channel_zalo_sandbox::Zalo::default()),
        point: |at| Pointed {
            config: keys(&[
                ("api_base", &at["api"]),
                ("oauth_base", &at["oauth"]),
                ("article_page", &Value::String(format!("{}/d", text(&at["api"])))),
            ]),
            settings: vec![("app_id", text(&at["app"]["id"]))],
            secret: |at, index| {
                vec![
                    ("access_token", text(&at["accounts"][index]["access_token"])),
                    ("refresh_token", text(&at["accounts"][index]["refresh_token"])),
                    ("app_secret", text(&at["app"]["secret"])),
                    ("oa_secret_key", text(&at["oa_secret_key"])),
                ]
            },
        },
        profile: || {
            let renditions = ["link", "square"].map(str::to_owned).to_vec();
            let cover = Pick::Variant {
                role: MediaRole::Cover,
                kind: VariantKind::Infographic,
                renditions,
                required: true,
            };
            let media = vec![cover, card("portrait", MediaRole::Photo)];
            vec![slot(PostFormat::Article, media)]
        },
    },
];

/// The adapters, ready.
pub(crate) struct Built(BTreeMap<String, Arc<dyn Channel>>);

impl Channels for Built {
    fn get(&self, channel: &str) -> Option<Arc<dyn Channel>> {
        self.0.get(channel).cloned()
    }
}

impl Built {
    /// What each channel can do.
    pub(crate) fn capabilities(&self) -> BTreeMap<String, Capability> {
        self.0.iter().map(|(name, channel)| (name.clone(), channel.capability().clone())).collect()
    }
}

/// Every adapter with its settings.
pub(crate) fn build(settings: &BTreeMap<String, toml::Table>) -> anyhow::Result<Built> {
    let mut built = BTreeMap::new();
    for known in &KNOWN {
        let config = settings.get(known.name).cloned().unwrap_or_default();
        let channel = (known.make)(config, Limits::default()).with_context(|| {
            format!("the settings under [channels.{}] cannot be used", known.name)
        })?;
        built.insert(known.name.to_owned(), channel);
    }
    Ok(Built(built))
}

/// How a post looks on each channel.
pub(crate) fn frames() -> BTreeMap<String, String> {
    KNOWN.iter().map(|known| (known.name.to_owned(), known.frame.to_owned())).collect()
}

/// How the channels want clips to be encoded.
pub(crate) fn presets(capabilities: &BTreeMap<String, Capability>) -> Vec<Preset> {
    let of = |capability: &Capability| {
        let known = capability.clips.iter();
        let known = known.filter_map(|clip| {
            Some(Preset { clip: clip.clone(), most_bytes: capability.most_bytes(clip)? })
        });
        known.collect::<Vec<_>>()
    };
    capabilities.values().flat_map(of).collect()
}

/// The stand-ins.
pub(crate) fn stand_ins() -> Vec<Box<dyn Platform>> {
    KNOWN.iter().map(|known| (known.stand_in)()).collect()
}

/// Names of all channels.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.name)
}

/// A channel pointed at the sandbox whose first line is `addresses`.
pub(crate) fn point(channel: &str, addresses: &Value) -> Option<Pointed> {
    let known = KNOWN.iter().find(|known| known.name == channel)?;
    Some((known.point)(addresses.get(channel)?))
}

/// Settings of every adapter as they are by default.
pub(crate) fn default_settings() -> BTreeMap<String, toml::Table> {
    KNOWN
        .iter()
        .map(|known| (known.name.to_owned(), (known.defaults)().unwrap_or_default()))
        .collect()
}

/// Default posts of an article.
pub(crate) fn default_profiles() -> Profiles {
    KNOWN.iter().map(|known| (known.name.to_owned(), (known.profile)())).collect()
}

fn table(config: &impl Serialize) -> anyhow::Result<toml::Table> {
    Ok(toml::Table::try_from(config)?)
}

fn keys(pairs: &[(&str, &Value)]) -> toml::Table {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), toml::Value::String(text(value)))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn slot(format: PostFormat, media: Vec<Pick>) -> Slot {
    Slot { format, unless: None, only_with: None, media, after_minutes: 0 }
}

fn pick(role: MediaRole, kind: VariantKind, rendition: &str, required: bool) -> Pick {
    Pick::Variant { role, kind, renditions: vec![rendition.to_owned()], required }
}

fn card(size: &str, role: MediaRole) -> Pick {
    pick(role, VariantKind::Infographic, size, true)
}

fn clip(kind: VariantKind, rendition: &str) -> Pick {
    pick(MediaRole::Video, kind, rendition, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_adapter_starts_with_its_defaults_and_takes_its_profile() {
        let built = build(&default_settings()).unwrap();
        for (name, slots) in default_profiles() {
            let channel = built.get(&name).unwrap();
            assert_eq!(channel.capability().channel, name);
            for slot in slots {
                assert!(
                    channel.capability().formats.contains_key(&slot.format),
                    "{name} takes no {:?}",
                    slot.format
                );
            }
        }
    }
}
