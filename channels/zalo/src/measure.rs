//! Numbers about articles and followers, as the platform gives them.

use loa_channel::{Audience, Cx, Health, Result, To};
use loa_model::{Measured, Metric, Receipt, Value};
use serde_json::json;

use crate::{
    api::Api,
    read_back::{detail, slice},
    wire::{Kind, OfficialAccount},
};

/// Opens since creation; whether by different people is not documented.
const VIEWS: &str = "zalo total_view";
const SHARES: &str = "zalo total_share";
/// Pages of the list read before the rest is asked for one by one.
const PAGES: usize = 3;

/// Numbers of these articles: from the list ten at a time, older ones by id.
pub(crate) async fn measure(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    receipts: &[Receipt],
) -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for kind in [Kind::Normal, Kind::Video] {
        let of_kind = receipts.iter().filter(|receipt| kind_of(receipt) == kind);
        let mut wanted: Vec<&str> =
            of_kind.map(|receipt| receipt.remote_id.as_str()).filter(|id| !id.is_empty()).collect();
        wanted.dedup();
        listed(api, cx, to, kind, &mut wanted, &mut measured).await?;
        for id in wanted {
            measured.push(match detail(api, cx, to, id).await? {
                Some(found) => one(found.id, &found.status, (found.total_view, found.total_share)),
                None => Measured {
                    remote_id: id.to_owned(),
                    alive: Some(false),
                    values: Vec::new(),
                    raw: serde_json::Value::Null,
                },
            });
        }
    }
    Ok(measured)
}

/// A list holds one kind of articles; the receipt of a video article names its video.
fn kind_of(receipt: &Receipt) -> Kind {
    if receipt.raw.get("video_id").is_some() { Kind::Video } else { Kind::Normal }
}

/// Takes out of `wanted` what the newest pages of the list tell, while more than one is wanted.
async fn listed(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    kind: Kind,
    wanted: &mut Vec<&str>,
    measured: &mut Vec<Measured>,
) -> Result<()> {
    for page in 0..PAGES {
        if wanted.len() < 2 {
            break;
        }
        let listed = slice(api, cx, to, kind, page * 10).await?;
        let last = listed.len() < 10;
        for found in listed {
            if let Some(index) = wanted.iter().position(|id| *id == found.id) {
                wanted.remove(index);
                let numbers = (found.total_view, found.total_share);
                measured.push(one(found.id, &found.status, numbers));
            }
        }
        if last {
            break;
        }
    }
    Ok(())
}

fn one(remote_id: String, status: &str, (views, shares): (Option<u64>, Option<u64>)) -> Measured {
    let value = |metric, source_name: &str, definition: &str, value| Value {
        metric,
        source_name: source_name.to_owned(),
        definition: definition.to_owned(),
        value,
    };
    let values = [
        views.map(|n| value(Metric::Views, "total_view", VIEWS, n)),
        shares.map(|n| value(Metric::Shares, "total_share", SHARES, n)),
    ];
    let raw =
        json!({"id": remote_id, "status": status, "total_view": views, "total_share": shares});
    let alive = (!status.is_empty()).then(|| status.eq_ignore_ascii_case("show"));
    Measured { remote_id, alive, values: values.into_iter().flatten().collect(), raw }
}

/// Followers of the account.
pub(crate) async fn audience(api: &Api, cx: &Cx<'_>, to: To<'_>) -> Result<Audience> {
    Ok(Audience { count: account(api, cx, to).await?.num_follower })
}

/// The account as the platform knows it.
pub(crate) async fn health(api: &Api, cx: &Cx<'_>, to: To<'_>) -> Result<Health> {
    let account = account(api, cx, to).await?;
    let remote_id = if account.oaid.is_empty() { account.oa_id } else { account.oaid };
    Ok(Health { title: account.name, remote_id })
}

async fn account(api: &Api, cx: &Cx<'_>, to: To<'_>) -> Result<OfficialAccount> {
    api.get(cx, to, "v2.0/oa/getoa", &[]).await
}
