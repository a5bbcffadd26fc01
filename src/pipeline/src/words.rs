//! The words of a post.

use loa_brief::Picture;
use loa_model::{Brief, MediaRole};
use loa_review::{Words, Writing};

/// The words of one post, from the brief alone; a person's own text where the format has one.
pub(crate) fn words(writing: &Writing<'_>, brief: &Brief, own: Option<&str>) -> Words {
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
    let own = own.filter(|_| !composed.text.is_empty());
    Words {
        title: composed.title,
        text: own.map_or(composed.text, str::to_owned),
        author: composed.author,
        body: composed.body,
        tags: composed.tags,
    }
}
