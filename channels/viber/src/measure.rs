//! What the platform tells about an account. About a post it tells nothing: views and members of a Channel stand in the app
//! only, and clicks are counted on our own short link.

use loa_channel::{Audience, Cx, Error, ErrorKind, Health, Result, RetryAdvice, To};
use loa_model::delivery::Effect;
use serde::Deserialize as _;
use serde_json::Map;

use crate::{Viber, publish::FROM, wire::Info};

impl Viber {
    async fn info(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Info> {
        let raw = self.call(cx, to, Effect::Read, "get_account_info", Map::new()).await?;
        Info::deserialize(raw).map_err(|error| {
            let message = format!("the answer has another shape: {error}");
            Error::new(ErrorKind::Protocol, crate::classify::unknown(Effect::Read), message)
        })
    }

    /// Subscribers of a bot; a Channel does not say.
    pub(crate) async fn subscribers(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Audience> {
        Ok(Audience { count: self.info(cx, to).await?.subscribers_count })
    }

    /// The token works and the pinned author may post.
    pub(crate) async fn account_health(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Health> {
        let info = self.info(cx, to).await?;
        let from = to.account.settings.get(FROM).map(String::as_str).unwrap_or_default();
        let author = info.members.iter().find(|member| member.id == from);
        if author.is_none_or(|member| member.role != "superadmin") {
            let message = "the pinned author is no superadmin of the channel, connect it again";
            return Err(Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message));
        }
        let title = if info.name.is_empty() { info.chat_hostname } else { info.name };
        Ok(Health { title, remote_id: info.id })
    }
}
