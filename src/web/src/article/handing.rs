//! The drafts of an article, handed to the approvers by one press.

use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use loa_model::{Post, PostState};
use loa_review::ReviewError;
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};

use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    post::{PostCard, capability},
};

/// Posts of an article that are looked at, the newest.
pub(super) const MOST: usize = 100;

/// What came of a press, as the address says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handed {
    /// Posts that wait for an approver now.
    #[serde(rename = "da-gui")]
    sent: Option<usize>,
    /// Posts that stayed drafts, each for a reason that its card says.
    #[serde(rename = "con-lai", default)]
    kept: usize,
}

/// How many drafts one press would hand on; one alone has its own button.
pub(super) fn together<'a>(posts: impl Iterator<Item = &'a PostCard>) -> usize {
    let drafts = posts.filter(|post| post.can_submit).count();
    if drafts > 1 { drafts } else { 0 }
}

/// Hands on every draft of an article, each for itself: what cannot go is told on its card and keeps no other one back.
pub(crate) async fn submit(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let article = super::find(&app, &visitor, &id).await?;
    let rows =
        app.store.list_last::<Post>("post_by_article", &article.id.to_string(), MOST).await?;
    let draft = |post: &Post| {
        post.agency == article.agency
            && matches!(post.state, PostState::Draft | PostState::Returned)
    };
    let (mut sent, mut kept) = (0, 0);
    for post in rows.into_iter().map(|row| row.record).filter(draft) {
        let capability = capability(&app, &post)?;
        match app.review.submit(&visitor.user, post.id, capability).await {
            Ok(_) => sent += 1,
            Err(ReviewError::Store(error)) => return Err(error.into()),
            Err(_) => kept += 1,
        }
    }
    let to = format!("/bai-viet/{}?da-gui={sent}&con-lai={kept}#h-posts", article.id);
    Ok(Redirect::to(&to).into_response())
}
