//! The words of a post.

use loa_brief::Picture;
use loa_model::{Brief, MediaRole};
use loa_review::{Words, Writing};

/// The words of one post, from the brief alone.
pub(crate) fn words(writing: &Writing<'_>, brief: &Brief) -> Words {
    let pictures: Vec<Picture> = writing
        .media
        .iter()
        .enumerate()
        .filter(|(_, media)| media.role == MediaRole::Photo)
        .map(|(index, media)| {
            let photo = writing.article.photos.iter().find(|photo| photo.blob == Some(media.blob));
            Picture {
                media: index,
                caption: photo.map(|photo| photo.caption.clone()).unwrap_or_default(),
            }
        })
        .collect();
    let composed = loa_brief::compose(
        writing.article,
        brief,
        writing.rule,
        writing.format,
        writing.link,
        &pictures,
    );
    Words {
        title: composed.title,
        text: composed.text,
        author: composed.author,
        body: composed.body,
        tags: composed.tags,
    }
}
