//! Taking an article back on every channel at once: one reason, and for each post what became of it.

use loa_model::{AccountName, ArticleId, Delivery, DeliveryState as State, Post, PostId, UserId};
use loa_store::StoreExt as _;

use crate::{
    Desk,
    desk::{APPROVERS, Act, DeskError, Result, given, is_wish},
};

/// What became of one post of an article that is taken back.
#[derive(Debug)]
pub enum Took {
    /// It is live, and the channel is asked to remove it.
    Asked,
    /// It is live, and the channel takes nothing back: an incident tells a person to remove it by hand.
    ByHand,
    /// It was not sent yet and is called off.
    CalledOff,
    /// It is being sent, or may be live: it is taken back as soon as that is known.
    Wished,
    /// It is not live and nothing is under way.
    Nothing,
    /// It could not be done now.
    Refused(DeskError),
}

/// One post of an article that is taken back.
#[derive(Debug)]
pub struct TakenBack {
    /// The post.
    pub post: PostId,
    /// Its account.
    pub account: AccountName,
    /// What became of it.
    pub took: Took,
}

impl Desk {
    /// Takes back whatever of an article is live, on every channel: calls off what was not sent, keeps the wish where it is not
    /// known. What one post refuses stops no other, and asking again does only what is left.
    ///
    /// # Errors
    /// [`DeskError::Role`], [`DeskError::NoReason`], [`DeskError::Store`] when the posts cannot be read.
    pub async fn retract_everywhere(
        &self,
        article: ArticleId,
        by: UserId,
        reason: &str,
    ) -> Result<Vec<TakenBack>> {
        /// Posts of one article.
        const MOST: usize = 10_000;
        let person = self.person_anywhere(by, APPROVERS).await?;
        let reason = given(reason)?;
        let prefix = loa_model::record::join(&[&article.to_string(), ""]);
        let posts = self.store.list::<Post>("post_by_article", &prefix, MOST).await?;
        let mut taken = Vec::new();
        for post in posts.into_iter().map(|row| row.record) {
            if !person.in_agency(&post.agency).is_some_and(|there| there.is_any(APPROVERS)) {
                continue;
            }
            let delivery = self.delivery_of(post.id).await?.map(|row| row.record);
            let took = match delivery {
                Some(d) => self.take_back(&d, by, &reason).await,
                None => Took::Nothing,
            };
            taken.push(TakenBack { post: post.id, account: post.account, took });
        }
        Ok(taken)
    }

    async fn take_back(&self, d: &Delivery, by: UserId, reason: &str) -> Took {
        let channel = self.channels.get(d.account.channel());
        let deletes = channel.is_some_and(|channel| channel.capability().delete);
        let asked = if deletes && (d.has_remote_id() || d.receipt.is_none()) {
            Took::Asked
        } else {
            Took::ByHand
        };
        let (done, took) = if Act::Retract.fits(d) {
            (self.retract(d.id, by, reason.to_owned()).await, asked)
        } else if d.state == State::Retracting {
            return asked;
        } else if d.cancel_requested && !d.state.is_terminal() {
            return Took::Wished;
        } else if Act::Cancel.fits(d) {
            let took = if is_wish(d) { Took::Wished } else { Took::CalledOff };
            (self.cancel(d.id, by, reason.to_owned()).await, took)
        } else if d.state.is_terminal() {
            return Took::Nothing;
        } else {
            // A correction is on its way: what it leaves is live, and this is asked again then.
            (self.retract(d.id, by, reason.to_owned()).await, asked)
        };
        match done {
            Ok(_) => took,
            Err(error) => Took::Refused(error),
        }
    }
}
