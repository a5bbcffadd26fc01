//! One article for programs: what its page shows.

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use loa_model::{Post, Variant};
use loa_store::StoreExt;
use serde_json::{Value, json};

use super::{Shared, Visitor, WebError, brief_of, find, handing, shown, told, variants_of};
use crate::{pages, variant::Bench};

/// The article with its brief, its variants and its posts.
pub(crate) async fn operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, WebError> {
    let article = find(&app, &visitor, &id).await?;
    let bench = match brief_of(&app, &article).await? {
        Some(brief) => Some(Bench::with(&app, article.clone(), brief).await?),
        None => None,
    };
    let brief = match &bench {
        Some(bench) => {
            let story = bench.brief.story;
            let groups = told::groups(&bench.brief_of_now(), &article);
            json!({ "story": story, "groups": groups, "writer": bench.writer(&app, &visitor.lang).await? })
        }
        None => Value::Null,
    };
    let variant = |variant: Variant| {
        json!({
            "id": variant.id, "kind": variant.kind, "state": variant.state, "reason": variant.reason,
            "reworded": bench.as_ref().is_some_and(|bench| bench.is_reworded(&variant)),
            "template": variant.template, "brand": variant.brand, "chosen": variant.chosen,
            "renditions": variant.renditions, "provenance": variant.provenance,
        })
    };
    let variants = shown::of_now(variants_of(&app, &article).await?);
    let variants: Vec<Value> = variants.into_iter().map(variant).collect();
    let mut posts = Vec::new();
    let id = article.id.to_string();
    let rows = app.store.list_last::<Post>("post_by_article", &id, handing::MOST).await?;
    for post in rows.into_iter().rev().map(|row| row.record) {
        let (state, _) = pages::state_of(&app, &post).await?;
        posts.push(json!({
            "id": post.id, "account": post.account, "format": post.content.format, "state": state,
            "digest": post.digest(), "scheduled_at": post.scheduled_at,
        }));
    }
    let photo = |photo: &loa_model::Photo| json!({ "blob": photo.blob, "alt": photo.alt, "caption": photo.caption, "credit": photo.credit });
    let photos: Vec<Value> = article.photos.iter().map(photo).collect();
    Ok(Json(json!({
        "id": article.id, "revision": article.revision, "digest": article.digest, "state": article.state,
        "title": article.title(), "url": article.source.canonical_url, "publisher": article.source.publisher,
        "section": article.section, "lang": article.lang, "published_at": article.published_at,
        "doubts": article.doubts, "blocks": article.blocks, "photos": photos,
        "brief": brief, "variants": variants, "posts": posts,
    })))
}

/// The operation as `OpenAPI` says it.
pub(crate) fn told() -> Value {
    let id =
        json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
    json!({
        "summary": "One article: its source, its brief in the words of now, its variants with where each word is from, its posts",
        "parameters": [id],
        "responses": {
            "200": { "description": "JSON" },
            "404": { "description": "The agency has no such article" },
        },
    })
}
