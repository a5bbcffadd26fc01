//! What a person gives so that an account of a channel can be connected, and how long it lasts: data of the channel's
//! capability, so that a form can be made of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::account::Secret;

/// Words in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

impl Words {
    /// The words in a language; Vietnamese unless it is `en`.
    pub fn in_language(&self, lang: &str) -> &str {
        if lang == "en" { &self.en } else { &self.vi }
    }
}

/// How an account of a channel is connected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// Where the values come from, for whoever fills in the form.
    #[serde(default)]
    pub how: Words,
    /// What the platform's own id of an account is called.
    #[serde(default)]
    pub remote_id: Words,
    /// What such an id looks like.
    #[serde(default)]
    pub id: IdShape,
    /// Where each value is taken from, step by step, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Words>,
    /// What is asked besides, in this order.
    #[serde(default)]
    pub fields: Vec<ConnectField>,
    /// How long what is given lasts.
    #[serde(default)]
    pub lasts: Lasts,
}

/// What the ids of a platform look like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdShape {
    /// What it is made of.
    #[serde(default)]
    pub signs: IdSigns,
    /// What it begins with.
    #[serde(default)]
    pub begins: String,
}

/// What an id is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdSigns {
    /// Any signs of ASCII but blanks.
    #[default]
    Seen,
    /// 0–9.
    Digits,
    /// A–Z, a–z, 0–9, `-` and `_`.
    Word,
}

impl IdShape {
    /// Whether a text can be an id.
    ///
    /// ```
    /// use loa_model::connect::{IdShape, IdSigns};
    ///
    /// let page = IdShape { signs: IdSigns::Digits, begins: String::new() };
    /// assert!(page.fits("1029384756") && !page.fits("not an id!") && !page.fits(""));
    /// ```
    pub fn fits(&self, text: &str) -> bool {
        let plain = |byte: u8| match self.signs {
            IdSigns::Seen => byte.is_ascii_graphic(),
            IdSigns::Digits => byte.is_ascii_digit(),
            IdSigns::Word => byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_',
        };
        text.len() > self.begins.len() && text.starts_with(&self.begins) && text.bytes().all(plain)
    }

    /// The same for a browser, as the `pattern` of its field.
    pub fn pattern(&self) -> String {
        let signs = match self.signs {
            IdSigns::Seen => "[!-~]",
            IdSigns::Digits => "[0-9]",
            IdSigns::Word => r"[A-Za-z0-9_\-]",
        };
        format!("{}{signs}+", self.begins)
    }
}

/// One value that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectField {
    /// Its name among the settings of the account or in its secret.
    pub name: String,
    /// Where it is kept.
    pub kept: Kept,
    /// How it is typed.
    #[serde(default)]
    pub input: FieldInput,
    /// Whether the account cannot work without it.
    #[serde(default)]
    pub required: bool,
    /// What people call it.
    pub label: Words,
    /// What to know of it; empty for nothing.
    #[serde(default)]
    pub help: Words,
}

/// Where a value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// With the settings of the account, for everybody to read.
    Setting,
    /// In the vault, never shown again.
    Secret,
}

/// How a value is typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldInput {
    /// A line that is seen.
    #[default]
    Line,
    /// A line that nobody looks at over a shoulder.
    Covered,
    /// A day, `YYYY-MM-DD`.
    Day,
}

/// How long credentials last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Lasts {
    /// Nobody knows.
    #[default]
    Unknown,
    /// Until somebody makes new ones on the platform.
    Ageless,
    /// They are renewed in time; not renewed they end so many days after the instant in `since`.
    Renewed {
        /// Value of the secret that tells when they were renewed last.
        since: String,
        /// Days; absent when they do not end by themselves.
        #[serde(default)]
        days: Option<u16>,
    },
    /// Until a day that a person read on the platform.
    Until {
        /// Value of the secret that holds it.
        day: String,
    },
}

/// What is known of the credentials of an account. No value of them is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// Names of the values that are kept, in their order.
    pub names: Vec<String>,
    /// When they end if nothing is done; absent when nobody knows or they do not.
    pub ends_at: Option<Timestamp>,
    /// When they were renewed last; absent when nobody kept it.
    pub renewed_at: Option<Timestamp>,
}

impl Connect {
    /// What may be told of a secret.
    pub fn told(&self, secret: &Secret) -> Credentials {
        let instant = |name: &String| secret.get(name).and_then(|text| text.parse().ok());
        let (ends_at, renewed_at) = match &self.lasts {
            Lasts::Unknown | Lasts::Ageless => (None, None),
            Lasts::Renewed { since, days } => {
                let at: Option<Timestamp> = instant(since);
                let life = days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
                (at.zip(life).and_then(|(at, life)| at.checked_add(life).ok()), at)
            }
            // Which hour of the day the platform means is not known: the first one is early, and never late.
            Lasts::Until { day } => {
                let day = secret.get(day).and_then(|text| text.parse::<Date>().ok());
                (day.and_then(|day| day.in_tz("UTC").ok()).map(|at| at.timestamp()), None)
            }
        };
        Credentials { names: secret.names().map(str::to_owned).collect(), ends_at, renewed_at }
    }

    /// What is asked and kept in one place.
    pub fn kept_in(&self, kept: Kept) -> impl Iterator<Item = &ConnectField> {
        self.fields.iter().filter(move |field| field.kept == kept)
    }

    /// Values by name that stand in a form, without spaces around them and without empty ones.
    ///
    /// # Errors
    /// The name of a value that is not asked, and of one that is needed and missing.
    pub fn taken(
        &self,
        kept: Kept,
        given: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Untaken> {
        let mut taken = BTreeMap::new();
        for (name, value) in given {
            let field = self.kept_in(kept).find(|field| field.name == name);
            let field = field.ok_or_else(|| Untaken::Strange(name.clone()))?;
            let value = value.trim();
            let day = field.input == FieldInput::Day;
            if value.chars().any(char::is_control)
                || value.len() > LONGEST
                || day && !value.is_empty() && value.parse::<Date>().is_err()
            {
                return Err(Untaken::Unfit(field.label.clone()));
            }
            if !value.is_empty() {
                taken.insert(name, value.to_owned());
            }
        }
        let missing = |field: &&ConnectField| field.required && !taken.contains_key(&field.name);
        match self.kept_in(kept).find(missing) {
            Some(field) => Err(Untaken::Missing(field.label.clone())),
            None => Ok(taken),
        }
    }
}

/// Longest value that is taken, bytes: a token is shorter.
const LONGEST: usize = 8192;

/// Why values are not taken. No value is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untaken {
    /// Nobody asks for a value of this name.
    Strange(String),
    /// It is no line of text, too long, or no day.
    Unfit(Words),
    /// The account cannot work without it.
    Missing(Words),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(values: &[(&str, &str)]) -> Secret {
        Secret::new(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_told_of_a_secret_is_when_it_ends_and_never_a_value() {
        let kept = secret(&[
            ("token", "s3cret"),
            ("rotated_at", "2026-11-01T00:00:00Z"),
            ("until", "2026-12-24"),
            ("empty", ""),
        ]);
        let told = |lasts| Connect { lasts, ..Connect::default() }.told(&kept);
        for (lasts, ends_at, renewed_at) in [
            (Lasts::Unknown, None, None),
            (Lasts::Ageless, None, None),
            (Lasts::Until { day: "until".into() }, Some(at("2026-12-24T00:00:00Z")), None),
            (Lasts::Until { day: "token".into() }, None, None),
            (
                Lasts::Renewed { since: "rotated_at".into(), days: Some(90) },
                Some(at("2027-01-30T00:00:00Z")),
                Some(at("2026-11-01T00:00:00Z")),
            ),
            (
                Lasts::Renewed { since: "rotated_at".into(), days: None },
                None,
                Some(at("2026-11-01T00:00:00Z")),
            ),
            (Lasts::Renewed { since: "empty".into(), days: Some(1) }, None, None),
        ] {
            let told = told(lasts.clone());
            assert_eq!((told.ends_at, told.renewed_at), (ends_at, renewed_at), "{lasts:?}");
            assert_eq!(told.names, ["rotated_at", "token", "until"]);
            assert!(!format!("{told:?}").contains("s3cret"));
        }
    }

    #[test]
    fn a_form_gives_what_is_asked_and_nothing_else() {
        let words = |vi: &str| Words { vi: vi.into(), en: String::new() };
        let field = |name: &str, kept, input, required| ConnectField {
            name: name.into(),
            kept,
            input,
            required,
            label: words(name),
            help: Words::default(),
        };
        let connect = Connect {
            fields: vec![
                field("app_id", Kept::Setting, FieldInput::Line, false),
                field("token", Kept::Secret, FieldInput::Covered, true),
                field("until", Kept::Secret, FieldInput::Day, false),
            ],
            ..Connect::default()
        };
        let taken = |kept, pairs: &[(&str, &str)]| {
            let given = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            connect.taken(kept, given.collect())
        };
        let good = taken(Kept::Secret, &[("token", "  x "), ("until", "")]).unwrap();
        assert_eq!(good, BTreeMap::from([("token".to_owned(), "x".to_owned())]));
        assert_eq!(taken(Kept::Setting, &[]), Ok(BTreeMap::new()));
        assert_eq!(
            taken(Kept::Setting, &[("token", "x")]),
            Err(Untaken::Strange("token".to_owned()))
        );
        assert_eq!(taken(Kept::Secret, &[("token", " ")]), Err(Untaken::Missing(words("token"))));
        for pairs in [[("token", "a\nb"), ("until", "")], [("token", "x"), ("until", "24/12/2026")]]
        {
            assert!(matches!(taken(Kept::Secret, &pairs), Err(Untaken::Unfit(_))), "{pairs:?}");
        }
    }
}
