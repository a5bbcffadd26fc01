//! A draft whose clip has captions.

use bytes::Bytes;
use loa_model::{Media, MediaRole, Post, PostState, Rendition, Variant};
use loa_store::{Changes, Store as _, StoreExt as _};

use super::{World, records};

/// The captions as they were made.
pub const SRT: &str = "1\n00:00:00,000 --> 00:00:02,000\nMưa lớn\n\n2\n00:00:02,000 --> 00:00:05,500\nở <miền> núi\n\n";

impl World {
    /// Adds a draft for YouTube with captions of the article's clip.
    pub async fn captioned(&self) -> Post {
        let blob = self.blobs.put(Bytes::from_static(SRT.as_bytes())).await.unwrap();
        let variants = self.store.all::<Variant>(20).await.unwrap().into_iter();
        let has = |v: &Variant| v.renditions.iter().any(|file| file.name == "1080x1920");
        let mut clip = variants.map(|row| row.record).find(has).unwrap();
        let own = &self.posts.uncertain.content.media[0];
        let video = Media { variant: Some(clip.id), ..own.clone() };
        let file = Media {
            role: MediaRole::Captions,
            blob,
            bytes: SRT.len() as u64,
            mime: "application/x-subrip".into(),
            width: 0,
            height: 0,
            duration_ms: 0,
            alt: String::new(),
            variant: Some(clip.id),
        };
        clip.renditions.push(Rendition {
            name: "captions".into(),
            blob,
            bytes: file.bytes,
            mime: file.mime.clone(),
            width: 0,
            height: 0,
            duration_ms: 0,
            alt: String::new(),
        });
        let mut post = self.posts.uncertain.clone();
        post.id = self.ids.make();
        (post.state, post.approval) = (PostState::Draft, None);
        post.content.link.code = self.ids.token(8);
        post.content.media = vec![video, file];
        let row = self.store.read::<Variant>(&clip.id.to_string()).await.unwrap().unwrap();
        let changes = Changes::by(records::by(), "add").insert(&post).update(&clip, row.version);
        self.store.commit(changes).await.unwrap();
        post
    }
}
