//! A chain walked to its end: for tests and examples. Delivery does this with intents and commits in between.

use loa_model::{Receipt, Ticket};

use crate::{Channel, Cx, Error, Outgoing, Progress, Result, To};

/// A chain longer than this goes in circles.
const MAX_STEPS: usize = 500;

/// Advances from the start until the post is live; waits on the clock of `cx`.
///
/// # Errors
/// The first error of a step, or an internal one when the chain does not end.
pub async fn run_to_live(
    channel: &dyn Channel,
    cx: &Cx<'_>,
    to: To<'_>,
    post: Outgoing<'_>,
) -> Result<Receipt> {
    run_on(channel, cx, to, post, None).await
}

/// As [`run_to_live`], going on from a ticket.
///
/// # Errors
/// As [`run_to_live`].
pub async fn run_on(
    channel: &dyn Channel,
    cx: &Cx<'_>,
    to: To<'_>,
    post: Outgoing<'_>,
    from: Option<Ticket>,
) -> Result<Receipt> {
    let mut at = from;
    for _ in 0..MAX_STEPS {
        match channel.advance(cx, to, post, at).await? {
            Progress::Live(receipt) => return Ok(receipt),
            Progress::Again { ticket, wait } => {
                if !wait.is_zero() {
                    cx.clock.sleep(wait).await;
                }
                at = Some(ticket);
            }
        }
    }
    Err(Error::internal(format!("the chain did not end within {MAX_STEPS} steps")))
}
