//! x
pub(crate) struct Owner(pub(crate) std::sync::Arc<crate::house::House>);
impl loa_web::Local for Owner {
    fn call(&self, _r: serde_json::Value, _p: tokio::sync::mpsc::Sender<serde_json::Value>) -> futures::future::BoxFuture<'_, Result<serde_json::Value, String>> { Box::pin(async { Ok(serde_json::Value::Null) }) }
}
