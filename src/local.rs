//! Commands of the same machine: answered by the process that owns the data folder, or by this one when nobody does.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use futures::future::BoxFuture;
use loa_web::Local;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    acts, brands, house::House, ops, report, settings::Settings, templates, terminal, upkeep,
};

/// The owner of the store answers other commands.
pub(crate) struct Owner(pub(crate) Arc<House>);

impl Local for Owner {
    fn call(
        &self,
        request: Value,
        progress: mpsc::Sender<Value>,
    ) -> BoxFuture<'_, Result<Value, String>> {
        let house = Arc::clone(&self.0);
        Box::pin(async move {
            run(&house, &request, &progress).await.map_err(|error| format!("{error:#}"))
        })
    }
}

/// Answers one request.
async fn run(
    house: &Arc<House>,
    request: &Value,
    progress: &mpsc::Sender<Value>,
) -> anyhow::Result<Value> {
    let arguments = request.get("arguments").cloned().unwrap_or_default();
    match request.get("command").and_then(Value::as_str).unwrap_or_default() {
        "publish" => ops::publish(house, serde_json::from_value(arguments)?, progress).await,
        "status" => ops::status(house).await,
        "report" => Ok(serde_json::to_value(
            report::counted(house, serde_json::from_value(arguments)?).await?,
        )?),
        "verify" => ops::verify(house).await,
        "user" => ops::add_user(house, serde_json::from_value(arguments)?).await,
        "rebuild" => upkeep::rebuild(house).await,
        "backup" => {
            let dir: PathBuf = serde_json::from_value(arguments)?;
            upkeep::backup(house, &dir, progress).await
        }
        "post" => acts::post(house, serde_json::from_value(arguments)?).await,
        "switch" => acts::switch(house, serde_json::from_value(arguments)?).await,
        "incidents" => acts::incidents(house, serde_json::from_value(arguments)?).await,
        "brands" => brands::own(house, serde_json::from_value(arguments)?).await,
        "templates" => templates::own(house, serde_json::from_value(arguments)?).await,
        "kit" => report::kept_kit(house, &serde_json::from_value::<String>(arguments)?).await,
        "connect" => acts::connect(house, serde_json::from_value(arguments)?).await,
        other => {
            bail!("the running loa does not know the command {other:?}; is it an older version?")
        }
    }
}

/// Sends the command to the owner of the data folder, or opens the folder when nobody has it. With `work` the workers run
/// as long as the command does.
pub(crate) async fn ask(
    settings: Settings,
    command: &str,
    arguments: Value,
    work: bool,
) -> anyhow::Result<Value> {
    let request = json!({ "command": command, "arguments": arguments });
    let socket: PathBuf = settings.data.join("loa.sock");
    match loa_web::call_local(&socket, &request, terminal::progress).await {
        Ok(answer) => return answer.map_err(|why| anyhow::anyhow!(why)),
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused
            ) => {}
        Err(error) => return Err(error).context("the running loa went away before it answered"),
    }
    let listen = settings.web.listen.clone();
    let house = Arc::new(House::open(settings).await?);
    let running = if work {
        // Platforms fetch media from us while we post: the pages must be up.
        let listener = tokio::net::TcpListener::bind(&listen)
            .await
            .with_context(|| format!("cannot listen on {listen}"))?;
        Some(house.start(Some(listener), true)?)
    } else {
        None
    };
    let (sender, mut told) = mpsc::channel(64);
    let answer = {
        // On the heap: what some commands hold while they run is more than a stack is for.
        let mut call = Box::pin(run(&house, &request, &sender));
        loop {
            tokio::select! {
                Some(step) = told.recv() => terminal::progress(&step),
                answer = &mut call => break answer,
            }
        }
    };
    if let Some(running) = running {
        running.stop().await?;
    }
    answer
}
