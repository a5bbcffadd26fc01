//! Connecting an account: adding it, replacing its credentials, asking the platform whether they work. An account is there
//! before its credentials and posts only after they were seen to work, so that a crash in between leaves one that waits.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use loa_channel::ErrorKind;
use loa_model::{
    Account, AccountName, AccountStatus, Capability, Connect, Kept, Lasts, Secret, Untaken, Why,
    connect::IdSigns,
};
use loa_store::{Changes, StoreExt, Versioned};
use serde::{Deserialize, Serialize};

use super::own;
use crate::{Shared, auth::Visitor, decide::desk_refusal, error::WebError};

/// Longest name and id of an account, characters.
const LONGEST: usize = 120;
/// Accounts of one channel that are named by a number.
const MOST_OF_A_CHANNEL: usize = 100;

/// The account that is added. It has no `Debug`: values of it are secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    pub(super) channel: String,
    /// What stands after the colon; the agency's short name when it is empty.
    #[serde(default)]
    pub(super) name: String,
    /// As the audience sees it; what the platform calls it when it is empty.
    #[serde(default)]
    pub(super) title: String,
    pub(super) remote_id: String,
    #[serde(default)]
    pub(super) settings: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, String>,
}

/// New credentials.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSecrets {
    secrets: BTreeMap<String, String>,
}

/// What came of asking the platform.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Tested {
    /// Whether the account can post.
    pub(super) works: bool,
    /// What the platform calls it; empty when it did not answer.
    pub(super) title: String,
    /// What went wrong: a key of the words for it; empty when nothing did.
    pub(super) kind: &'static str,
    /// What the platform said, redacted.
    pub(super) message: String,
}

/// An account and what the platform said of it.
#[derive(Debug, Serialize)]
pub(crate) struct Connected {
    pub(super) account: AccountName,
    pub(super) status: &'static str,
    /// Nothing where it was not asked.
    pub(super) test: Option<Tested>,
}

fn kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Auth => "auth",
        ErrorKind::Throttled | ErrorKind::Quota => "throttled",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Unsupported => "unsupported",
        _ => "other",
    }
}

pub(super) fn untaken(why: Untaken) -> WebError {
    WebError::unfit(match why {
        Untaken::Strange(name) => {
            // The name came from outside: it goes into no sentence of two parts.
            let name = name.replace('/', " ");
            let name: String = name.chars().take(40).collect();
            format!("Kênh này không hỏi “{name}” / This channel does not ask for “{name}”")
        }
        Untaken::Unfit(label) => format!(
            "“{}” không dùng được: cần một dòng chữ, hoặc một ngày / “{}” cannot be used: a line of text is needed, or a day",
            label.vi, label.en
        ),
        Untaken::Missing(label) => {
            format!("Hãy điền “{}” / Fill in “{}”", label.vi, label.en)
        }
    })
}

pub(super) fn line(text: &str, vi: &str, en: &str) -> Result<String, WebError> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || length > LONGEST || text.chars().any(char::is_control) {
        return Err(WebError::unfit(format!(
            "{vi} có từ 1 đến {LONGEST} ký tự / {en} has 1 to {LONGEST} characters"
        )));
    }
    Ok(text.to_owned())
}

/// The id of an account on its platform: one that cannot be is found here and not by asking the platform.
pub(super) fn id(connect: &Connect, text: &str) -> Result<String, WebError> {
    let id = line(text, "ID trên nền tảng", "The id on the platform")?;
    if connect.id.fits(&id) {
        return Ok(id);
    }
    let (vi, en) = match connect.id.signs {
        IdSigns::Digits => ("chỉ gồm chữ số", "is digits only"),
        IdSigns::Word | IdSigns::Seen => {
            ("không có dấu cách hay chữ có dấu", "has no blanks and no letters with marks")
        }
    };
    let begins = &connect.id.begins;
    let (first_vi, first_en) = if begins.is_empty() {
        (String::new(), String::new())
    } else {
        (format!(", bắt đầu bằng {begins}"), format!(" and begins with {begins}"))
    };
    Err(WebError::unfit(format!(
        "“{}” {vi}{first_vi} / “{}” {en}{first_en}",
        connect.remote_id.vi, connect.remote_id.en
    )))
}

pub(super) fn capability<'a>(app: &'a Shared, channel: &str) -> Result<&'a Capability, WebError> {
    app.capabilities
        .get(channel)
        .ok_or_else(|| WebError::unfit("Bản này không có kênh đó / This build has no such channel"))
}

/// Adds an account, keeps its credentials and asks the platform about it.
pub(super) async fn add(
    app: &Shared,
    visitor: &Visitor,
    new: NewAccount,
) -> Result<Connected, WebError> {
    let capability = capability(app, &new.channel)?;
    let name = name(app, visitor, &new.channel, new.name.trim()).await?;
    let remote_id = id(&capability.connect, &new.remote_id)?;
    let told = new.title.trim();
    let title = if told.is_empty() {
        name.to_string()
    } else {
        line(told, "Tên tài khoản", "The name of the account")?
    };
    let settings = capability.connect.taken(Kept::Setting, new.settings).map_err(untaken)?;
    let secrets = capability.connect.taken(Kept::Secret, new.secrets).map_err(untaken)?;
    let account = Account {
        name: name.clone(),
        agency: visitor.user.agency.clone(),
        title,
        remote_id,
        settings,
        status: AccountStatus::NeedsReauth {
            reason: Why::NoCredentials.sentence().to_owned(),
            since: app.clock.now(),
            first: true,
        },
    };
    let changes = Changes::by(visitor.actor(), "add account").insert(&account);
    match app.store.commit(changes).await {
        // Also when it is another agency's: names are of the whole installation.
        Err(loa_store::Error::Conflict { .. }) => {
            return Err(WebError::new(
                StatusCode::CONFLICT,
                "Đã có tài khoản mang tên ngắn này trên kênh; hãy đặt tên khác / There is an account of this short name on the channel; give another one",
            ));
        }
        done => done?,
    };
    keep(app, visitor, &name, secrets).await?;
    connected(app, visitor, &name).await
}

/// The name of a new account: what was given, else the agency's short name, with a number where that is taken.
async fn name(
    app: &Shared,
    visitor: &Visitor,
    channel: &str,
    given: &str,
) -> Result<AccountName, WebError> {
    let named = |short: &str| {
        format!("{channel}:{short}").parse::<AccountName>().map_err(|_| {
            WebError::unfit(
                "Tên ngắn chỉ gồm chữ thường không dấu, số và gạch nối / A short name is small letters a to z, digits and hyphens",
            )
        })
    };
    if !given.is_empty() {
        return named(given);
    }
    let agency = &visitor.user.agency;
    let mut name = named(agency)?;
    for number in 2..=MOST_OF_A_CHANNEL {
        // Names are of the whole installation.
        if app.store.read::<Account>(name.as_str()).await?.is_none() {
            break;
        }
        name = named(&format!("{agency}-{number}"))?;
    }
    Ok(name)
}

async fn keep(
    app: &Shared,
    visitor: &Visitor,
    name: &AccountName,
    secrets: BTreeMap<String, String>,
) -> Result<(), WebError> {
    app.connections.keep(name, Secret::new(secrets), visitor.user.id).await.map_err(|error| {
        tracing::error!(account = %name, %error, "Credentials cannot be kept");
        WebError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Không cất được thông tin kết nối, đã ghi nhật ký / The credentials cannot be kept, it is in the log",
        )
    })
}

/// Replaces credentials of an account and asks the platform about them. What is left empty stays as it is.
pub(super) async fn replace(
    app: &Shared,
    visitor: &Visitor,
    name: &str,
    given: BTreeMap<String, String>,
) -> Result<Connected, WebError> {
    let account = own(app, visitor, name).await?.record;
    let connect = &capability(app, account.name.channel())?.connect;
    // Whatever is kept already need not be given again.
    let asked = Connect {
        fields: connect
            .fields
            .iter()
            .cloned()
            .map(|field| loa_model::ConnectField { required: false, ..field })
            .collect(),
        ..connect.clone()
    };
    let mut secrets = asked.taken(Kept::Secret, given).map_err(untaken)?;
    if secrets.is_empty() {
        return Err(WebError::unfit(
            "Hãy điền ít nhất một giá trị mới / Fill in at least one new value",
        ));
    }
    if let Lasts::Until { day } = &connect.lasts {
        // The day of the old ones says nothing of the new ones.
        secrets.entry(day.clone()).or_insert_with(|| "unknown".to_owned());
    }
    keep(app, visitor, &account.name, secrets).await?;
    connected(app, visitor, &account.name).await
}

/// Asks the platform about an account as it is.
pub(super) async fn test(
    app: &Shared,
    visitor: &Visitor,
    name: &str,
) -> Result<Connected, WebError> {
    let name = own(app, visitor, name).await?.record.name;
    connected(app, visitor, &name).await
}

/// Asks the platform, and lets an account post that waited for nothing else.
pub(super) async fn connected(
    app: &Shared,
    visitor: &Visitor,
    name: &AccountName,
) -> Result<Connected, WebError> {
    let (now, key) = (app.clock.now(), format!("test|{name}"));
    // Each press is a request of the platform's, which counts them.
    if !app.attempts.allowed(&key, now) {
        return Err(WebError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Đã thử quá nhiều lần; hãy đợi mười phút / Tried too often; wait ten minutes",
        ));
    }
    app.attempts.failed(&key, now);
    let account = own(app, visitor, name.as_str()).await?;
    let test = asked(app, &account.record).await;
    let waits = matches!(account.record.status, AccountStatus::NeedsReauth { .. });
    if test.works {
        // Until somebody names it, it is called as the platform calls it.
        if account.record.title == name.as_str() && !test.title.is_empty() {
            rename(app, visitor, account, &test.title).await?;
        }
        if waits {
            let done = app.desk.resume_account(name, visitor.user.id).await;
            done.map_err(|error| desk_refusal(app, visitor, &error))?;
        }
    } else if waits {
        note(app, visitor, account, &test).await?;
    }
    let account = own(app, visitor, name.as_str()).await?.record;
    Ok(Connected {
        account: account.name.clone(),
        status: super::status(&account),
        test: Some(test),
    })
}

async fn asked(app: &Shared, account: &Account) -> Tested {
    match app.connections.test(account).await {
        Ok(health) => {
            let told = [&health.remote_id, &account.remote_id];
            // Posts would go to somebody else's audience.
            let other = told.iter().all(|id| !id.is_empty()) && told[0] != told[1];
            Tested {
                works: !other,
                kind: if other { "other_account" } else { "" },
                message: if other { health.remote_id } else { String::new() },
                title: health.title,
            }
        }
        Err(error) => Tested {
            works: false,
            title: String::new(),
            kind: kind(error.kind),
            message: error.message.chars().take(500).collect(),
        },
    }
}

async fn rename(
    app: &Shared,
    visitor: &Visitor,
    account: Versioned<Account>,
    title: &str,
) -> Result<(), WebError> {
    let title: String = title.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    let named = Account { title, ..account.record };
    let changes = Changes::by(visitor.actor(), "name account");
    app.store.commit(changes.update(&named, account.version)).await?;
    Ok(())
}

/// Keeps why an account does not post yet.
async fn note(
    app: &Shared,
    visitor: &Visitor,
    account: Versioned<Account>,
    test: &Tested,
) -> Result<(), WebError> {
    let reason = if test.message.is_empty() { test.kind.to_owned() } else { test.message.clone() };
    let AccountStatus::NeedsReauth { since, first, .. } = account.record.status else {
        return Ok(());
    };
    let status = AccountStatus::NeedsReauth { reason, since, first };
    let noted = Account { status, ..account.record };
    let changes = Changes::by(visitor.actor(), "note test of account");
    app.store.commit(changes.update(&noted, account.version)).await?;
    Ok(())
}

/// Adds an account for a machine.
pub(crate) async fn add_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(new): Json<NewAccount>,
) -> Result<Response, WebError> {
    let connected = add(&app, &visitor, new).await?;
    Ok((StatusCode::CREATED, Json(connected)).into_response())
}

/// Replaces credentials for a machine.
pub(crate) async fn replace_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Json(new): Json<NewSecrets>,
) -> Result<Json<Connected>, WebError> {
    Ok(Json(replace(&app, &visitor, &name, new.secrets).await?))
}

/// Asks the platform for a machine.
pub(crate) async fn test_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Json<Connected>, WebError> {
    Ok(Json(test(&app, &visitor, &name).await?))
}
