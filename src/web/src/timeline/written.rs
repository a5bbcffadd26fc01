//! What people did to a post before it went out.

use loa_model::{Actor, Post, PostState as S};
use loa_store::Past;

use super::{Moment, Teller};
use crate::{article::ZONE, error::WebError, view};

/// What each commit of the post did, the oldest first.
pub(super) async fn steps(
    teller: &mut Teller<'_>,
    commits: &[Past<Post>],
    steps: &mut Vec<Moment>,
) -> Result<(), WebError> {
    for (at, now) in commits.iter().enumerate().rev() {
        let before = commits.get(at + 1).map(|commit| &commit.record);
        let (post, changes) = (&now.record, &now.entry.changes);
        let Some((kind, tone)) = kind(before, post, &changes.what) else { continue };
        let mut step = Moment::at(now.entry.at, kind, tone).over(post.digest());
        // A worker composes what a person asked for.
        let actor = match kind {
            "drafted" => &Actor::User(post.author),
            _ => &changes.actor,
        };
        step.who = teller.who(actor).await?;
        if matches!(kind, "returned" | "rejected" | "voided") {
            step.reason = teller.reason(&post.reason);
        }
        if let Some(approval) = post.approval.as_ref().filter(|_| kind.starts_with("approved")) {
            step.until = view::time(approval.not_after, ZONE);
        }
        if kind == "rescheduled" {
            step.until = view::time(post.scheduled_at, ZONE);
        }
        steps.push(step);
    }
    Ok(())
}

/// What the commit of an emergency is called.
const ALONE: &str = "approve own post in an emergency";

/// What a commit did to a post; nothing when it only wrote it again as it was.
fn kind(before: Option<&Post>, now: &Post, what: &str) -> Option<(&'static str, &'static str)> {
    let Some(before) = before else { return Some(("drafted", "draft")) };
    Some(match (before.state, now.state) {
        _ if before == now => return None,
        (S::Draft | S::Returned, S::InReview) => ("submitted", "in_review"),
        (S::InReview, S::Approved) if what == ALONE => ("approved_alone", "approved"),
        (S::InReview, S::Approved) => ("approved", "approved"),
        (S::Approved, S::Approved) if before.approval != now.approval => {
            ("approved_again", "approved")
        }
        (S::InReview, S::Returned) => ("returned", "returned"),
        (S::InReview, S::Void) if what == "reject post" => ("rejected", "rejected"),
        (_, S::Void) => ("voided", "void"),
        _ if before.content != now.content => ("edited", "draft"),
        _ if before.scheduled_at != now.scheduled_at => ("rescheduled", "scheduled"),
        _ => ("changed", "draft"),
    })
}
