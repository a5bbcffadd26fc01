//! A picture that was drawn anew, and the drafts that show it.

use loa_model::{Post, PostState, UserId, Variant, VariantState};
use loa_store::{Changes, StoreExt, Versioned};

use crate::{Result, Review};

impl Review {
    /// Adds to `changes` that posts of the article which nobody was asked to approve show `drawn` where they showed an earlier
    /// variant of its kind. A post that waits for approval or has it keeps the picture that people look at. `by` chose how it
    /// is drawn and counts as one of the writers of these posts. Returns how many posts follow.
    ///
    /// A file that `drawn` has not, as when one of its sizes cannot hold the words, stays the earlier one.
    ///
    /// # Errors
    /// Those of the store. The commit of `changes` is a conflict when such a post moved meanwhile.
    pub async fn follow(
        &self,
        mut changes: Changes,
        drawn: &Variant,
        by: UserId,
    ) -> Result<(Changes, usize)> {
        let mut followed = 0;
        for mut post in self.posts_of(drawn.article).await? {
            let waits = matches!(post.record.state, PostState::Draft | PostState::Returned);
            if waits
                && post.record.revision == drawn.revision
                && self.shows(&mut post, drawn).await?
            {
                post.record.hand_to(by);
                changes = changes.update(&post.record, post.version);
                followed += 1;
            }
        }
        Ok((changes, followed))
    }

    /// Puts the files of `drawn` in the place of those of earlier variants of its kind; whether there were any.
    async fn shows(&self, post: &mut Versioned<Post>, drawn: &Variant) -> Result<bool> {
        let mut changed = false;
        for index in 0..post.record.content.media.len() {
            let media = &post.record.content.media[index];
            let Some(id) = media.variant.filter(|id| *id < drawn.id) else { continue };
            let Some(old) = self.store.read::<Variant>(&id.to_string()).await? else { continue };
            let same = old.record.kind == drawn.kind && drawn.state == VariantState::Rendered;
            let was = post.record.drawn_as(index);
            let name = old.record.renditions.iter().find(|file| Some(file.blob) == was);
            let file = name.and_then(|file| drawn.rendition(&file.name));
            if let (true, Some(file)) = (same, file) {
                let role = media.role;
                post.record.content.media[index] = crate::compose::rendered(role, drawn, file);
                // What a person wrote of the picture before, or for the clip before, says nothing of this one.
                let of_file = format!("media.{index}.");
                post.record.rewritten.retain(|mark| !mark.field.starts_with(&of_file));
                changed = true;
            }
        }
        Ok(changed)
    }
}
