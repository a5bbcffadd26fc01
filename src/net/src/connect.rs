//! The point between "connected" and "first byte": a layer around the connector that asks before it hands the connection over.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::sync::{mpsc, oneshot};
use tower::{BoxError, Layer, Service};

/// A connection stands; answer true to let the request go.
pub(crate) type Ask = oneshot::Sender<bool>;

/// Asks over a channel, because a gate lives only as long as its call and a connector must live for ever.
#[derive(Clone)]
pub(crate) struct AskLayer(pub(crate) mpsc::Sender<Ask>);

impl<S> Layer<S> for AskLayer {
    type Service = AskService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AskService { inner, ask: self.0.clone() }
    }
}

/// See [`AskLayer`].
#[derive(Clone)]
pub(crate) struct AskService<S> {
    inner: S,
    ask: mpsc::Sender<Ask>,
}

/// The answer was no.
#[derive(Debug)]
pub(crate) struct NotLet;

impl fmt::Display for NotLet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was not let go")
    }
}

impl std::error::Error for NotLet {}

impl<S, R> Service<R> for AskService<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, destination: R) -> Self::Future {
        let connecting = self.inner.call(destination);
        let ask = self.ask.clone();
        Box::pin(async move {
            let connection = connecting.await?;
            let (answer, answered) = oneshot::channel();
            let asked = ask.send(answer).await.is_ok();
            if asked && answered.await.unwrap_or(false) {
                Ok(connection)
            } else {
                Err(NotLet.into())
            }
        })
    }
}
