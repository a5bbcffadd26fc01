//! Settings: `config/default.toml` is the list of every key with its default; a file given by `--config` is laid over it.
//!
//! The only place that reads the environment: `LOA_DATA`, `LOA_VAULT_KEY` and, for tests, `LOA_ABORT_AFTER_SEQ`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use loa_model::{Account, AccountName, AccountStatus, Agency, Plan, Secret, schedule};
use loa_pipeline::Profiles;
use serde::{Deserialize, Serialize};

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Data folder.
    pub(crate) data: PathBuf,
    /// Folder laid over the embedded assets while templates are being written; empty for none.
    pub(crate) assets: PathBuf,
    /// Folders of the Noto fonts of other scripts.
    pub(crate) fonts: Vec<PathBuf>,
    /// File of a virtual clock; empty for the real one. Refused unless every channel address is on this machine.
    pub(crate) virtual_clock: PathBuf,
    /// Articles and media may come from this machine: sandbox, demo and tests only.
    pub(crate) allow_loopback: bool,
    /// This folder belongs to a demo: `loa publish --approve-as` is allowed in it.
    pub(crate) demo: bool,
    /// Pages.
    pub(crate) web: loa_web::Config,
    /// Name of the voice that speaks in clips where nobody chose one; `none` for none.
    pub(crate) voice: String,
    /// Voices by name.
    pub(crate) voices: BTreeMap<String, loa_clip::voice::Provider>,
    /// Posting.
    pub(crate) delivery: loa_delivery::Config,
    /// Reading articles.
    pub(crate) ingest: loa_ingest::Config,
    /// Work on articles.
    pub(crate) pipeline: loa_pipeline::Config,
    /// Measuring.
    pub(crate) reach: loa_reach::Config,
    /// Each adapter's own settings, by channel.
    pub(crate) channels: BTreeMap<String, toml::Table>,
    /// Default posts of an article, by channel.
    pub(crate) profiles: Profiles,
    /// Tenants.
    pub(crate) agencies: Vec<Agency>,
    /// Accounts.
    pub(crate) accounts: Vec<AccountSetting>,
}

/// An account in the settings; its secret lies in a file of `name = "value"` lines, never in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountSetting {
    /// `channel:name`.
    pub(crate) name: AccountName,
    /// Agency.
    pub(crate) agency: String,
    /// Name shown to the audience.
    pub(crate) title: String,
    /// The platform's id of it.
    pub(crate) remote_id: String,
    /// Settings of the adapter for this account.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, String>,
    /// When it posts: zone, slots, quiet hours and distance of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timetable: Option<Plan>,
    /// TOML file with its credentials; read once, then they live in the vault.
    #[serde(default)]
    pub(crate) secret_file: PathBuf,
}

impl AccountSetting {
    pub(crate) fn account(&self) -> Account {
        Account {
            name: self.name.clone(),
            agency: self.agency.clone(),
            title: self.title.clone(),
            remote_id: self.remote_id.clone(),
            settings: self.settings.clone(),
            status: AccountStatus::Active,
        }
    }

    pub(crate) fn secret(&self) -> anyhow::Result<Option<Secret>> {
        if self.secret_file.as_os_str().is_empty() {
            return Ok(None);
        }
        let path = self.secret_file.display();
        let text = std::fs::read_to_string(&self.secret_file)
            .with_context(|| format!("cannot read the secret file {path}"))?;
        let values: BTreeMap<String, String> = toml::from_str(&text)
            .map_err(|_| anyhow::anyhow!("{path} must hold lines of the form name = \"value\""))?;
        Ok(Some(Secret::new(values)))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: "data".into(),
            assets: PathBuf::new(),
            fonts: vec![
                "/usr/share/fonts/truetype/noto".into(),
                "/usr/share/fonts/opentype/noto".into(),
            ],
            virtual_clock: PathBuf::new(),
            allow_loopback: false,
            demo: false,
            web: loa_web::Config::default(),
            delivery: loa_delivery::Config::default(),
            ingest: loa_ingest::Config::default(),
            pipeline: loa_pipeline::Config::default(),
            reach: loa_reach::Config::default(),
            channels: crate::channels::default_settings(),
            voice: "none".into(),
            voices: BTreeMap::new(),
            profiles: crate::channels::default_profiles(),
            agencies: Vec::new(),
            accounts: Vec::new(),
        }
    }
}

impl Settings {
    /// The defaults with `file` laid over them, then `--data`.
    pub(crate) fn load(file: Option<&Path>, data: Option<&Path>) -> anyhow::Result<Self> {
        let mut table = toml::Table::try_from(Self::default()).context("defaults are TOML")?;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the settings {}", path.display()))?;
            let over: toml::Table =
                text.parse().with_context(|| format!("{} is not valid TOML", path.display()))?;
            lay(&mut table, over);
        }
        let mut settings: Self = table
            .try_into()
            .context("the settings name a key that does not exist or a wrong type")?;
        if let Some(data) =
            data.map(Path::to_path_buf).or_else(|| variable("LOA_DATA").map(PathBuf::from))
        {
            settings.data = data;
        }
        settings.check()?;
        Ok(settings)
    }

    /// The same with `--listen` laid over them; until an address of the outside is set, it is that one.
    pub(crate) fn listening(mut self, at: Option<&str>) -> Self {
        let Some(at) = at else { return self };
        if self.web.public_url == loa_web::Config::default().public_url {
            self.web.public_url = format!("http://{at}");
        }
        at.clone_into(&mut self.web.listen);
        self
    }

    fn check(&self) -> anyhow::Result<()> {
        if !self.virtual_clock.as_os_str().is_empty() {
            for (channel, table) in &self.channels {
                for (key, value) in
                    table.iter().filter_map(|(key, value)| Some((key, value.as_str()?)))
                {
                    let away = url::Url::parse(value)
                        .is_ok_and(|url| url.has_host() && !crate::world::is_loopback(&url));
                    if away {
                        bail!(
                            "virtual_clock is refused: channels.{channel}.{key} = {value} is not on this machine"
                        );
                    }
                }
            }
        }
        if self.voice != "none" && !self.voices.contains_key(&self.voice) {
            bail!(
                "voice = {:?} is not among [voices]: add it there, or write \"none\"",
                self.voice
            );
        }
        let quiet = self.delivery.quiet.as_ref();
        let agencies = self.agencies.iter().map(|agency| agency.zone.as_str());
        let zones = agencies.chain(quiet.map(|quiet| quiet.zone.as_str()));
        for zone in zones.chain([self.reach.zone.as_str()]) {
            schedule::zone(zone).context("a zone of the settings is not known")?;
        }
        for account in &self.accounts {
            if let Some(plan) = &account.timetable {
                let told = || format!("the timetable of {} cannot be kept", account.name);
                plan.check(quiet).with_context(told)?;
            }
            if !self.agencies.iter().any(|agency| agency.name == account.agency) {
                bail!(
                    "account {} names the agency {:?}, which [[agencies]] does not list",
                    account.name,
                    account.agency
                );
            }
        }
        Ok(())
    }
}

/// Key of the vault from the environment, 64 hex characters.
pub(crate) fn vault_key() -> anyhow::Result<Option<[u8; 32]>> {
    let Some(text) = variable("LOA_VAULT_KEY") else { return Ok(None) };
    let digest: loa_model::Digest =
        text.parse().map_err(|_| anyhow::anyhow!("LOA_VAULT_KEY must be 64 hex characters"))?;
    Ok(Some(digest.0))
}

/// Test seam of the store: the process aborts after this ledger record.
pub(crate) fn abort_after_seq() -> anyhow::Result<Option<u64>> {
    variable("LOA_ABORT_AFTER_SEQ")
        .map(|text| text.parse().context("LOA_ABORT_AFTER_SEQ must be a number"))
        .transpose()
}

/// Filter of the log.
pub(crate) fn log_filter(default: &str) -> String {
    variable("LOA_LOG").unwrap_or_else(|| default.to_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "settings are the one place that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Lays `over` on `table`, key by key; lists are replaced whole.
fn lay(table: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(over)) => lay(inner, over),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_toml_lists_every_key_with_its_default() {
        let text = include_str!("../config/default.toml");
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table, toml::Table::try_from(Settings::default()).unwrap());
    }

    #[test]
    fn the_example_can_be_laid_over_the_defaults() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/example-portal.toml");
        let settings = Settings::load(Some(&path), None).unwrap();
        assert_eq!((settings.agencies.len(), settings.accounts.len()), (2, 4));
        let channels: Vec<_> = crate::channels::names().collect();
        for account in &settings.accounts {
            assert!(channels.contains(&account.name.channel()), "{}", account.name);
        }
    }

    #[test]
    fn a_virtual_clock_never_meets_a_real_platform() {
        let settings = Settings { virtual_clock: "clock".into(), ..Settings::default() };
        assert!(settings.check().unwrap_err().to_string().contains("not on this machine"));
    }

    #[test]
    fn a_timetable_is_read_and_one_that_cannot_be_kept_stops_the_start() {
        let read = |timetable: &str| {
            let text = format!(
                "[delivery]\nquiet = {{ from = \"22:00\", to = \"06:00\", zone = \"Asia/Ho_Chi_Minh\" }}\n\
                 [[agencies]]\nname = \"a\"\ntitle = \"A\"\nbrand = \"demo\"\nzone = \"Asia/Ho_Chi_Minh\"\n\
                 [[accounts]]\nname = \"memo:a\"\nagency = \"a\"\ntitle = \"A\"\nremote_id = \"1\"\n\
                 timetable = {timetable}\n"
            );
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.toml");
            std::fs::write(&path, text).unwrap();
            Settings::load(Some(&path), None)
        };
        let good = r#"{ zone = "Asia/Ho_Chi_Minh", slots = ["mon-fri 07:30", "daily 19:45"], min_gap_s = 1800 }"#;
        let plan = read(good).unwrap().accounts.remove(0).timetable.unwrap();
        assert_eq!((plan.slots.len(), plan.min_gap_s), (2, 1800));
        for bad in [
            r#"{ zone = "Asia/Ho_Chi_Minh", slots = ["daily 23:00"] }"#,
            r#"{ zone = "Asia/Ha_Noi" }"#,
            r#"{ zone = "UTC", slots = ["sometimes"] }"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        std::fs::write(&path, "[web]\nlisten_on = \"x\"\n").unwrap();
        let error = format!("{:#}", Settings::load(Some(&path), None).unwrap_err());
        assert!(error.contains("listen_on"), "{error}");
    }

    #[test]
    fn where_it_listens_is_its_address_until_the_outside_has_another() {
        let told = |settings: Settings| (settings.web.listen, settings.web.public_url);
        let moved = Settings::default().listening(Some("127.0.0.1:9000"));
        assert_eq!(told(moved), ("127.0.0.1:9000".into(), "http://127.0.0.1:9000".into()));
        let mut outside = Settings::default();
        outside.web.public_url = "https://loa.minhhoa.example".into();
        let kept = told(outside.listening(Some("0.0.0.0:80")));
        assert_eq!(kept, ("0.0.0.0:80".into(), "https://loa.minhhoa.example".into()));
        assert_eq!(told(Settings::default().listening(None)), told(Settings::default()));
    }
}
