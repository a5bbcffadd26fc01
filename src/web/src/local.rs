//! The socket in the data folder: commands of the same machine speak to the process that owns the store.
//!
//! One request per connection: a JSON line in, then JSON lines out: any number of `{"progress": …}`, and at last
//! `{"result": …}` or `{"error": "…"}`. The folder's permissions are the only key.

use std::{future::Future, path::Path, sync::Arc};

use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::mpsc,
};

/// What the owner of the store does for other commands.
pub trait Local: Send + Sync {
    /// Answers one request; progress goes into the channel.
    fn call(
        &self,
        request: Value,
        progress: mpsc::Sender<Value>,
    ) -> BoxFuture<'_, Result<Value, String>>;
}

/// Serves the socket until `stop` resolves. A stale socket file of a dead process is replaced: the caller holds the
/// data folder's lock.
///
/// # Errors
/// The socket cannot be made (path too long, folder not writable).
pub async fn serve_local(
    path: &Path,
    local: Arc<dyn Local>,
    stop: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                let local = Arc::clone(&local);
                tokio::spawn(async move {
                    if let Err(error) = answer(stream, local).await {
                        tracing::warn!(%error, "A local command went away before its answer");
                    }
                });
            }
        }
    }
    std::fs::remove_file(path)
}

async fn answer(stream: UnixStream, local: Arc<dyn Local>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read).read_line(&mut line).await?;
    let request = match serde_json::from_str(&line) {
        Ok(request) => request,
        Err(error) => {
            return send(&mut write, &json!({"error": format!("not a request: {error}")})).await;
        }
    };
    let (sender, mut receiver) = mpsc::channel(64);
    let call = local.call(request, sender);
    tokio::pin!(call);
    let last = loop {
        tokio::select! {
            biased;
            Some(progress) = receiver.recv() => send(&mut write, &json!({"progress": progress})).await?,
            result = &mut call => break result,
        }
    };
    while let Ok(progress) = receiver.try_recv() {
        send(&mut write, &json!({"progress": progress})).await?;
    }
    match last {
        Ok(value) => send(&mut write, &json!({"result": value})).await,
        Err(why) => send(&mut write, &json!({"error": why})).await,
    }
}

async fn send(write: &mut (impl AsyncWriteExt + Unpin), value: &Value) -> std::io::Result<()> {
    write.write_all(format!("{value}\n").as_bytes()).await
}

/// Asks the owner of the store: progress lines go to `progress`, the answer comes back.
///
/// # Errors
/// [`std::io::ErrorKind::NotFound`] or `ConnectionRefused` when nobody serves the socket.
pub async fn call_local(
    path: &Path,
    request: &Value,
    mut progress: impl FnMut(&Value),
) -> std::io::Result<Result<Value, String>> {
    let stream = UnixStream::connect(path).await?;
    let (read, mut write) = stream.into_split();
    send(&mut write, request).await?;
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        let value: Value = serde_json::from_str(&line)?;
        if let Some(step) = value.get("progress") {
            progress(step);
        } else if let Some(result) = value.get("result") {
            return Ok(Ok(result.clone()));
        } else {
            let why = value.get("error").and_then(Value::as_str).unwrap_or("no reason given");
            return Ok(Err(why.to_owned()));
        }
    }
    Err(std::io::Error::new(
        std::io::ErrorKind::UnexpectedEof,
        "the server stopped before it answered",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;
    impl Local for Echo {
        fn call(
            &self,
            request: Value,
            progress: mpsc::Sender<Value>,
        ) -> BoxFuture<'_, Result<Value, String>> {
            Box::pin(async move {
                progress.send(json!("một nửa")).await.unwrap();
                if request["fail"] == true { Err("không được".into()) } else { Ok(request) }
            })
        }
    }

    #[tokio::test]
    async fn asks_and_answers_with_progress() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loa.sock");
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn({
            let path = path.clone();
            async move {
                serve_local(&path, Arc::new(Echo), async {
                    stopped.await.unwrap();
                })
                .await
            }
        });
        while !path.exists() {
            tokio::task::yield_now().await;
        }
        let mut seen = Vec::new();
        let answer = call_local(&path, &json!({"x": "ẫ"}), |p| seen.push(p.clone())).await.unwrap();
        assert_eq!((answer, seen), (Ok(json!({"x": "ẫ"})), vec![json!("một nửa")]));
        let refused = call_local(&path, &json!({"fail": true}), |_| {}).await.unwrap();
        assert_eq!(refused, Err("không được".into()));
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
        assert!(!path.exists());
        assert!(call_local(&path, &json!({}), |_| {}).await.is_err());
    }
}
