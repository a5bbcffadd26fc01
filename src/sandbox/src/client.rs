//! The control API as a typed client, for tests and for the demo.

use jiff::Timestamp;
use loa_net::{Body, Client, Limits, Method, Request};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

use crate::{
    error::{Error, Result},
    fault::{FaultRule, Scheduled},
    fetch::Fetch,
    platform::TokenAction,
    post::{Create, StoredPost},
    traffic::SeenRequest,
};

/// Speaks to the control API of a running sandbox.
#[derive(Debug, Clone)]
pub struct ControlClient {
    client: Client,
}

/// Creating requests and posts of one marker.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Count {
    /// Requests that made something the audience can come to see.
    pub creates: u64,
    /// Posts the audience sees now.
    pub live: u64,
    /// Posts that exist and are not seen.
    pub hidden: u64,
    /// Posts taken away.
    pub removed: u64,
    /// Ids of the live ones.
    pub posts: Vec<String>,
    /// The creating requests, oldest first.
    pub requests: Vec<Create>,
}

impl ControlClient {
    /// A client of the control API at `base`, the `control` entry of the addresses.
    ///
    /// # Errors
    /// [`Error::Control`] when it is no address.
    pub fn new(base: &str) -> Result<Self> {
        let base: Url = base.parse().map_err(|e| Error::Control(format!("{base}: {e}")))?;
        let limits = Limits { max_body: 256 * 1024 * 1024, ..Limits::default() };
        let client = Client::trusted(base, limits).map_err(|e| Error::Control(e.to_string()))?;
        Ok(Self { client })
    }

    /// Time on the sandbox's clock.
    ///
    /// # Errors
    /// [`Error::Control`] as for every call.
    pub async fn now(&self) -> Result<Timestamp> {
        self.part(Method::GET, "control/clock", None, "now").await
    }

    /// Moves the clock on.
    ///
    /// # Errors
    /// [`Error::Control`], also when the clock cannot be moved.
    pub async fn advance(&self, by: std::time::Duration) -> Result<Timestamp> {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.part(Method::POST, "control/clock/advance", Some(json!({ "ms": ms })), "now").await
    }

    /// Puts a fault on the menu; returns its number.
    ///
    /// # Errors
    /// [`Error::Control`].
    pub async fn fault(&self, rule: &FaultRule) -> Result<u64> {
        let body = serde_json::to_value(rule).expect("rules serialise");
        self.part(Method::POST, "control/faults", Some(body), "id").await
    }

    /// Every fault and how often it was played.
    ///
    /// # Errors
    /// [`Error::Control`].
    pub async fn faults(&self) -> Result<Vec<Scheduled>> {
        self.part(Method::GET, "control/faults", None, "faults").await
    }

    /// Takes every fault away.
    ///
    /// # Errors
    /// [`Error::Control`].
    pub async fn clear_faults(&self) -> Result<()> {
        self.call(Method::DELETE, "control/faults", &[], None).await.map(drop)
    }

    /// Posts of a platform as stored.
    ///
    /// # Errors
    /// [`Error::Control`].
    pub async fn posts(&self, platform: &str) -> Result<Vec<StoredPost>> {
        self.part(Method::GET, &format!("control/{platform}/posts"), None, "posts").await
    }

    /// What was made with a marker; an empty marker counts everything.
    ///
    /// # Errors
    /// [`Error::Control`].
    pub async fn creates(&self, platform: &str, marker: &str) -> Result<Count> {
        let path = format!("control/{platform}/creates");
        parse(self.call(Method::GET, &path, &[("marker", marker)], None).await?)
    }

    /// Requests a platform saw, secrets left out.
    ///
    /// # Errors
    /// [`Error::Control`].
    pub async fn requests(&self, platform: &str) -> Result<Vec<SeenRequest>> {
        self.part(Method::GET, &format!("control/{platform}/requests"), None, "requests").await
    }

    /// Media a platform fetched by address.
    ///
    /// # Errors
    /// [`Error::Control`].
    pub async fn fetches(&self, platform: &str) -> Result<Vec<Fetch>> {
        self.part(Method::GET, &format!("control/{platform}/fetches"), None, "fetches").await
    }

    /// Expires or revokes the tokens of an account, or one token.
    ///
    /// # Errors
    /// [`Error::Control`], also when there is no such account or token.
    pub async fn tokens(&self, platform: &str, whose: &str, action: TokenAction) -> Result<u64> {
        let body = json!({ "whose": whose, "action": action });
        self.part(Method::POST, &format!("control/{platform}/tokens"), Some(body), "changed").await
    }

    /// Sends a webhook to `url`; returns the number of copies sent.
    ///
    /// # Errors
    /// [`Error::Control`].
    pub async fn webhook(&self, platform: &str, url: &str, event: Value) -> Result<u64> {
        let body = json!({ "url": url, "event": event });
        self.part(Method::POST, &format!("control/{platform}/webhooks"), Some(body), "sent").await
    }

    async fn part<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        name: &str,
    ) -> Result<T> {
        let mut answer = self.call(method, path, &[], body).await?;
        parse(answer.get_mut(name).map(Value::take).unwrap_or_default())
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Value> {
        let control = |error: loa_net::Error| Error::Control(error.to_string());
        let mut request = Request::new(method, self.client.join(path).map_err(control)?);
        for (name, value) in query {
            request = request.query(name, value);
        }
        if let Some(body) = body {
            request = request.body(Body::Json(body)).effectful();
        }
        let answer = self.client.send(request, None).await.map_err(control)?;
        if !answer.is_success() {
            let said = String::from_utf8_lossy(&answer.body);
            return Err(Error::Control(format!("{path} answered {}: {said}", answer.status)));
        }
        answer.json().ok_or_else(|| Error::Control(format!("{path} answered no JSON")))
    }
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|e| Error::Control(format!("cannot read the answer: {e}")))
}
