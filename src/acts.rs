//! What a person decides at the command line: about one post, about an account or the whole machine, about incidents. The
//! same acts as `loa_delivery::Desk` offers, each with who and why in the audit log.

use anyhow::{Context as _, bail};
use loa_delivery::DeskError;
use loa_model::{AccountName, Actor, Delivery, Receipt, Secret, When};
use loa_store::StoreExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{house::House, ops};

/// Arguments of `loa post`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PostAct {
    pub(crate) act: Act,
    /// Id of a post or of a delivery.
    pub(crate) id: String,
    pub(crate) by: String,
    pub(crate) reason: String,
    /// Where it was seen; only for [`Act::ConfirmLive`].
    pub(crate) url: String,
    /// When to try again; only for [`Act::Retry`].
    pub(crate) at: Option<String>,
}

/// What is done to a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    /// Show where it stands, with the evidence.
    Show,
    /// It was seen on the channel.
    ConfirmLive,
    /// It is not on the channel: it is sent again.
    ConfirmAbsent,
    /// Call it off; while it is being sent, the wish is kept.
    Cancel,
    /// Keep it back until it is released.
    Hold,
    /// Let a held one go.
    Release,
    /// Try one that is over once more.
    Retry,
    /// Take a live one back.
    Retract,
}

/// Does it, and tells where the post stands then.
pub(crate) async fn post(house: &House, order: PostAct) -> anyhow::Result<Value> {
    let delivery = found(house, &order.id).await?;
    if order.act == Act::Show {
        return Ok(serde_json::to_value(delivery)?);
    }
    let by = ops::named(house, &order.by).await?;
    // Another agency's posts are not told from such as do not exist.
    if by.in_agency(&delivery.agency).is_none() {
        bail!("không có bài {0} · there is no post {0}", order.id);
    }
    let needs_reason = !matches!(order.act, Act::ConfirmLive | Act::Release | Act::Retry);
    if needs_reason && order.reason.trim().is_empty() {
        bail!("hãy nêu lý do bằng --reason · say why with --reason");
    }
    // The audit log tells a person at a page from somebody at the machine.
    let reason = format!("{} (dòng lệnh · command line)", order.reason.trim());
    let (desk, id, person) = (&house.desk, delivery.id, by.id);
    let done = match order.act {
        Act::Show => unreachable!("answered above"),
        Act::ConfirmLive => {
            let raw = json!({ "confirmed": reason });
            let receipt =
                Receipt { remote_id: String::new(), url: order.url, raw, at: house.now() };
            desk.confirm_live(id, person, receipt).await
        }
        Act::ConfirmAbsent => desk.confirm_absent(id, person, reason).await,
        Act::Cancel => desk.cancel(id, person, reason).await,
        Act::Hold => desk.hold(id, person, reason).await,
        Act::Release => desk.release(id, person).await,
        Act::Retry => {
            let zone = ops::agency(house, &delivery.agency).await?.zone;
            let at = match ops::when(order.at.as_deref(), &zone)?.0 {
                When::Soon => house.now(),
                When::At { at, .. } => at,
                When::NextSlot | When::Usual => bail!(
                    "đăng lại chỉ nhận một thời điểm, không nhận next · \
                     a retry takes a time, not next"
                ),
            };
            desk.retry(id, person, at).await
        }
        Act::Retract => desk.retract(id, person, reason).await,
    };
    Ok(serde_json::to_value(done.map_err(|error| told(&error))?)?)
}

/// Arguments of `loa pause` and `loa resume`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Switch {
    /// An account, `channel/<name>`, `agency/<name>` or `all`.
    pub(crate) scope: String,
    /// Whether it stops.
    pub(crate) on: bool,
    pub(crate) by: String,
    pub(crate) reason: String,
}

/// Stops or starts posting.
pub(crate) async fn switch(house: &House, order: Switch) -> anyhow::Result<Value> {
    let by = ops::named(house, &order.by).await?;
    if order.on && order.reason.trim().is_empty() {
        bail!("hãy nêu lý do bằng --reason · say why with --reason");
    }
    let (scope, reason) = (&order.scope, order.reason.clone());
    let done = house.desk.switch(scope, order.on, by.id, reason).await;
    done.map_err(|error| told(&error))?;
    Ok(json!({ "scope": scope, "paused": order.on, "by": by.login }))
}

/// Arguments of `loa incidents`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Incidents {
    /// The one to close.
    pub(crate) close: Option<String>,
    pub(crate) by: Option<String>,
}

/// Open incidents of every agency; closes one that was dealt with.
pub(crate) async fn incidents(house: &House, order: Incidents) -> anyhow::Result<Value> {
    if let Some(id) = &order.close {
        let by = order.by.context("ai đóng? hãy thêm --as · who closes it? add --as")?;
        let by = ops::named(house, &by).await?;
        house.desk.close_incident(id, by.id).await.map_err(|error| told(&error))?;
    }
    let mut open = Vec::new();
    for agency in house.store.all::<loa_model::Agency>(1000).await? {
        let all = house.desk.open_incidents(&agency.record.name, 1000).await;
        for row in all.map_err(|error| told(&error))? {
            let incident = row.record;
            open.push(json!({
                "id": incident.id, "agency": incident.agency, "kind": incident.kind, "account": incident.account,
                "delivery": incident.delivery, "job": incident.job, "detail": incident.detail, "at": incident.at,
                "vi": incident.kind.say("vi"), "en": incident.kind.say("en"),
            }));
        }
    }
    Ok(json!({ "incidents": open }))
}

/// Arguments of `loa connect`. The values are read from standard input by the caller and go to the vault only.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Connect {
    pub(crate) account: AccountName,
    pub(crate) values: std::collections::BTreeMap<String, String>,
    pub(crate) by: String,
}

/// Replaces credentials of an account and lets it post again.
pub(crate) async fn connect(house: &House, order: Connect) -> anyhow::Result<Value> {
    let by = ops::named(house, &order.by).await?;
    let account = &order.account;
    let kept = house.store.read::<loa_model::Account>(account.as_str()).await?;
    if kept.is_none_or(|kept| by.in_agency(&kept.record.agency).is_none()) {
        bail!("không có tài khoản {account} · there is no account {account}");
    }
    if order.values.values().all(String::is_empty) {
        bail!(
            "không có giá trị nào: hãy đưa các dòng tên = \"giá trị\" · no values: give lines name = \"value\""
        );
    }
    let names: Vec<String> = order.values.keys().cloned().collect();
    // Who may not resume the account does not replace its credentials either.
    house.desk.resume_account(account, by.id).await.map_err(|error| told(&error))?;
    house.vault.put(account, Secret::new(order.values), Actor::User(by.id)).await?;
    Ok(json!({ "account": account, "values": names, "status": "active" }))
}

/// A delivery by its id, or the newest of a post.
async fn found(house: &House, id: &str) -> anyhow::Result<Delivery> {
    if let Some(row) = house.store.read::<Delivery>(id).await? {
        return Ok(row.record);
    }
    let of_post = house.store.list::<Delivery>("delivery_by_post", id, 1000).await?;
    let newest = of_post.into_iter().map(|row| row.record).max_by_key(|found| found.created_at);
    newest.with_context(|| format!("không có bài {id} · there is no post {id}"))
}

fn told(error: &DeskError) -> anyhow::Error {
    anyhow::anyhow!("không thực hiện được · not done: {error}")
}
