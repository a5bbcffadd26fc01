//! Short links: counted without personal data, then on to the article; and the light page behind each of them.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_model::{Article, BlockKind, MediaRole, Post, article::article_key};
use loa_store::StoreExt;
use serde::Serialize;

use crate::{
    Shared,
    article::{self, web_address},
    auth::language_of,
    error::WebError,
    media, view,
};

/// Words of a light page as HTML; with its frame of about 2 KB it stays under 30 KB.
const LIGHT_BYTES: usize = 27_000;
const ZONE: &str = "Asia/Ho_Chi_Minh";

async fn post_of(app: &Shared, code: &str) -> Result<Post, WebError> {
    let found = app.store.list::<Post>("post_by_code", code, 100).await?;
    let of_code = found.into_iter().map(|row| row.record);
    // Corrections have the link of the post they correct: the one that was signed last is what people read.
    of_code
        .filter(|post| post.content.link.code == code)
        .max_by_key(|post| (post.approval.as_ref().map(|approval| approval.at), post.id))
        .ok_or_else(WebError::missing)
}

/// `/l/<code>`: counts and leads on: to the article, or to its light page when it has no address of its own.
pub(crate) async fn short_link(
    State(app): State<Shared>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let post = post_of(&app, &code).await?;
    let robot = is_robot(media::agent(&headers));
    // A click that cannot be counted must not keep a reader from the article.
    if let Err(error) = loa_reach::record_click(&*app.store, &*app.clock, &code, robot, ZONE).await
    {
        tracing::warn!(code, %error, "A click could not be counted");
    }
    let mut target = target_of(&app, &post).await?;
    if target.is_empty() {
        target = format!("/l/{code}/nhe");
    }
    let mut response = Redirect::temporary(&target).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Where the short link of a post leads: to the article, also when somebody gave it its address since; empty without one.
async fn target_of(app: &Shared, post: &Post) -> Result<String, WebError> {
    let target = web_address(&post.content.link.target);
    if !target.is_empty() {
        return Ok(target);
    }
    let article = article::newest(app, post.article).await?;
    let address = article.as_ref().map(Article::web_address).unwrap_or_default();
    Ok(loa_review::tagged(address, &post.account, &post.content.link.code))
}

/// `/hook/<account>`: platforms check that somebody answers before they take posts. Nothing is believed here.
pub(crate) async fn hook(Path(account): Path<String>, body: bytes::Bytes) -> &'static str {
    tracing::info!(account, bytes = body.len(), "A platform called");
    ""
}

#[derive(Serialize)]
struct Paragraph {
    heading: bool,
    text: String,
}

#[derive(Serialize)]
struct LightPage {
    article_lang: String,
    title: String,
    sapo: String,
    paragraphs: Vec<Paragraph>,
    publisher: String,
    url: String,
    clip: Option<String>,
}

/// `/l/<code>/nhe`: the article in at most 30 KB without media.
pub(crate) async fn light(
    State(app): State<Shared>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Html<String>, WebError> {
    let post = post_of(&app, &code).await?;
    let row = app.store.read::<Article>(&article_key(post.article, post.revision)).await?;
    let article = row.ok_or_else(WebError::missing)?.record;
    let weigh = |text: &str| view::escape(text).len() + "<h2></h2>\n".len();
    let mut left = LIGHT_BYTES.saturating_sub(2 * weigh(article.title()) + weigh(article.sapo()));
    let paragraphs = article
        .blocks
        .iter()
        .filter(|block| {
            !matches!(block.kind, BlockKind::Title | BlockKind::Sapo | BlockKind::Caption)
        })
        .take_while(|block| {
            left = left.saturating_sub(weigh(&block.text));
            left > 0
        })
        .map(|block| Paragraph {
            heading: block.kind == BlockKind::Heading,
            // The page has no tables: cells of a row are told apart all the same.
            text: block.text.replace('\t', " · "),
        })
        .collect();
    let clip = low_band(&app, &article).await?;
    let page = LightPage {
        article_lang: article.lang.clone(),
        title: article.title().to_owned(),
        sapo: article.sapo().to_owned(),
        paragraphs,
        publisher: article.source.publisher.clone(),
        url: target_of(&app, &post).await?,
        clip,
    };
    let lang = language_of(&headers, &app.config.language);
    Ok(Html(app.assets.render("pages/light.html", &lang, page)?))
}

/// Public address of the low-band clip, when a delivery of this article has published one.
async fn low_band(app: &Shared, article: &Article) -> Result<Option<String>, WebError> {
    let posts = app.store.list::<Post>("post_by_article", &article.id.to_string(), 50).await?;
    for post in posts {
        for media in
            post.record.content.media_of(MediaRole::Video).filter(|media| media.height <= 640)
        {
            let found = app
                .store
                .list::<loa_model::Delivery>("delivery_by_post", &post.record.id.to_string(), 10)
                .await?;
            for delivery in found {
                let prefix = loa_model::record::join(&[
                    &delivery.record.id.to_string(),
                    &media.blob.to_string(),
                ]);
                let tokens = app
                    .store
                    .list::<loa_model::PublicMedia>("public_media_by_delivery", &prefix, 1)
                    .await?;
                if let Some(token) = tokens.first() {
                    return Ok(Some(format!("/m/{}.{}", token.record.token, token.record.ext)));
                }
            }
        }
    }
    Ok(None)
}

/// Crawlers and preview fetchers name themselves; what does not is counted as a person.
fn is_robot(agent: &str) -> bool {
    const WORDS: [&str; 8] =
        ["bot", "crawl", "spider", "preview", "externalhit", "curl/", "wget/", "python-requests"];
    let agent = agent.to_lowercase();
    agent.is_empty() || WORDS.iter().any(|word| agent.contains(word))
}

#[cfg(test)]
mod tests {
    use super::is_robot;

    #[test]
    fn robots_name_themselves() {
        for agent in ["", "Googlebot/2.1", "externalhit_uatext/1.1 (+http)", "curl/8.5"] {
            assert!(is_robot(agent), "{agent}");
        }
        assert!(!is_robot(
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130 Mobile Safari/537.36"
        ));
    }
}
