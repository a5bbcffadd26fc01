//! Upkeep of a data folder: the index built anew, a backup made, checked and restored.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{house, house::House, ops, settings::Settings, terminal};

/// Builds the index anew from the ledger.
pub(crate) async fn rebuild(house: &House) -> anyhow::Result<Value> {
    Ok(json!({ "records": house.sled.rebuild().await? }))
}

/// Copies ledger and blobs into a folder. Keys are not in it: who has the backup cannot read a token.
pub(crate) async fn backup(
    house: &Arc<House>,
    dir: &Path,
    progress: &mpsc::Sender<Value>,
) -> anyhow::Result<Value> {
    let (told, mut steps) = mpsc::unbounded_channel::<String>();
    let tell = move |step: String| {
        // The listener ends with this call only.
        told.send(step).unwrap_or(());
    };
    let made = house.sled.back_up(Arc::clone(&house.blobs), dir, tell);
    tokio::pin!(made);
    let done = loop {
        tokio::select! {
            Some(step) = steps.recv() => ops::tell(progress, step).await,
            done = &mut made => break done?,
        }
    };
    let keys = house.settings.data.join("keys");
    ops::tell(
        progress,
        format!(
            "khóa không nằm trong bản sao lưu: hãy cất riêng {0} · keys are not in the backup: keep {0} apart from it",
            keys.display()
        ),
    )
    .await;
    Ok(json!({ "backup": dir, "done": done, "sound": done.damaged.is_empty() }))
}

/// Makes the data folder of these settings from a backup.
pub(crate) async fn restore(settings: &Settings, dir: &Path) -> anyhow::Result<Value> {
    let (dir, data) = (house::absolute(dir)?, house::absolute(&settings.data)?);
    let clock = house::clock(settings)?;
    let keys = data.join("keys");
    let restored = tokio::task::spawn_blocking(move || {
        loa_store::restore(&dir, &data, clock, &mut |step| terminal::say(&step))
    })
    .await??;
    terminal::say(&format!(
        "hãy đặt khóa vào {0} rồi chạy loa verify; không chạy song song với bản gốc · \
         put the keys into {0}, then run loa verify; never run it beside the original",
        keys.display()
    ));
    let sound = restored.damaged.is_empty();
    Ok(json!({ "restored": restored, "sound": sound }))
}

/// Checks a backup without restoring it.
pub(crate) async fn check(dir: &Path) -> anyhow::Result<Value> {
    let dir = house::absolute(dir)?;
    let shown = dir.display().to_string();
    let report = tokio::task::spawn_blocking(move || loa_store::check_backup(&dir)).await?;
    let report = report.with_context(|| format!("{shown} is no backup that can be checked"))?;
    Ok(json!({ "sound": report.is_sound(), "backup": report }))
}
