//! Pictures whose brand kit or words changed after they were drawn: they stay as they are until a person has them drawn anew.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::Response,
};
use loa_model::{
    Agency, Article, ArticleId, Chosen, OwnBrand, Post, PostState, Variant, VariantId, VariantKind,
    VariantState, record::join,
};
use loa_store::{Changes, StoreExt};
use serde_json::{Value, json};

use crate::{
    Shared, article,
    auth::Visitor,
    brands::covering,
    error::WebError,
    pages::name_of,
    variant::{self, Bench},
};

/// Drafts that are looked at.
const MOST_DRAFTS: usize = 100;

/// Whether the kit of a picture changed since it was drawn. One that a person chose keeps its kit when the agency takes another.
pub(crate) async fn is_old(app: &Shared, variant: &Variant) -> Result<bool, WebError> {
    if variant.state != VariantState::Rendered {
        return Ok(false);
    }
    if let Some(key) = OwnBrand::key_of(&variant.agency, &variant.brand) {
        let now = app.store.read::<OwnBrand>(&key).await?.map(|row| row.record.digest);
        if now != variant.kit {
            return Ok(true);
        }
    }
    if variant.chosen.is_some() {
        return Ok(false);
    }
    let agency = app.store.read::<Agency>(&variant.agency).await?;
    Ok(agency.is_some_and(|row| row.record.brand != variant.brand))
}

/// Whether a post that nobody was asked to approve shows such a picture.
pub(crate) async fn is_draft_old(app: &Shared, post: &Post) -> Result<bool, WebError> {
    Ok(matches!(post.state, PostState::Draft | PostState::Returned) && shows_old(app, post).await?)
}

/// Whether a post shows such a picture.
pub(crate) async fn shows_old(app: &Shared, post: &Post) -> Result<bool, WebError> {
    for variant in shown(app, post).await? {
        if is_old(app, &variant).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a picture or clip of a post was made anew since: what people look at before they sign keeps the one it had.
pub(crate) async fn is_replaced(app: &Shared, post: &Post) -> Result<bool, WebError> {
    let key = join(&[&post.article.to_string(), &format!("{:06}", post.revision)]);
    let all = app.store.list::<Variant>("variant_by_article", &key, 100).await?;
    let later = |one: &Variant| {
        all.iter().map(|row| &row.record).any(|other| {
            other.kind == one.kind && other.id > one.id && other.state == VariantState::Rendered
        })
    };
    Ok(shown(app, post).await?.iter().any(later))
}

/// The variants whose files a post has.
async fn shown(app: &Shared, post: &Post) -> Result<Vec<Variant>, WebError> {
    let mut ids: Vec<VariantId> =
        post.content.media.iter().filter_map(|media| media.variant).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut variants = Vec::new();
    for id in ids {
        let row = app.store.read::<Variant>(&id.to_string()).await?;
        variants.extend(row.map(|row| row.record));
    }
    Ok(variants)
}

/// Articles with such drafts, and how many; as far as the newest hundred drafts tell.
pub(crate) async fn old_drafts(
    app: &Shared,
    agency: &str,
) -> Result<BTreeMap<ArticleId, usize>, WebError> {
    let mut found = BTreeMap::new();
    for state in [PostState::Draft, PostState::Returned] {
        let prefix = join(&[agency, &name_of(&state), ""]);
        let posts = app.store.list_last::<Post>("post_by_state", &prefix, MOST_DRAFTS).await?;
        for post in posts {
            if is_draft_old(app, &post.record).await? {
                *found.entry(post.record.article).or_default() += 1;
            }
        }
    }
    Ok(found)
}

/// Queues each picture of the newest revision of an article whose kit or words changed, or of one kind; how many.
pub(crate) async fn redraw(
    app: &Shared,
    visitor: &Visitor,
    article: &Article,
    only: Option<VariantKind>,
) -> Result<usize, WebError> {
    let brief = article::brief_of(app, article).await?;
    let Some(brief) = brief else { return Ok(0) };
    let bench = Bench::with(app, article.clone(), brief).await?;
    let brief = &bench.brief;
    // The latest of a kind is the last.
    let newest: BTreeMap<VariantKind, &Variant> =
        bench.variants.iter().map(|variant| (variant.kind, variant)).collect();
    let agency = crate::preview::brand_of(app, &article.agency).await?;
    let now = app.clock.now();
    // Words stay those of whoever wrote them.
    let (by, at) = bench.written().map_or((visitor.user.id, now), |told| (told.by, told.at));
    let mut changes = Changes::by(visitor.actor(), "draw anew");
    let mut queued = 0;
    for (kind, before) in newest {
        let asked = only.is_none_or(|only| only == kind);
        if !asked || !(bench.is_reworded(before) || is_old(app, before).await?) {
            continue;
        }
        // One that a person chose stays in its kit as long as there is one.
        let there = match OwnBrand::key_of(&before.agency, &before.brand) {
            Some(key) => app.store.read::<OwnBrand>(&key).await?.is_some(),
            None => true,
        };
        let brand = if before.chosen.is_some() && there { &before.brand } else { &agency };
        let mut choices = bench.choices_now(kind);
        if before.chosen.is_none() {
            choices.template = Some(before.template.clone()).filter(|name| !name.is_empty());
        }
        let recipe = variant::recipe((article, brief), kind, &choices, brand, None);
        let recipe = covering(app, &article.agency, brand, recipe).await?;
        let variant = Variant {
            id: app.ids.make(),
            agency: article.agency.clone(),
            article: article.id,
            revision: article.revision,
            kind,
            template: before.template.clone(),
            brand: brand.clone(),
            kit: None,
            chosen: Some(Chosen { choices, by, at }),
            recipe,
            state: VariantState::Queued,
            renditions: Vec::new(),
            provenance: Value::Null,
            reason: String::new(),
        };
        let job = variant::asked_for(app, &variant);
        changes = changes.insert(&variant).enqueue(job);
        queued += 1;
    }
    if queued > 0 {
        app.store.commit(changes).await?;
    }
    Ok(queued)
}

/// The button under a draft and on the page of the kits.
pub(crate) async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let article = article::find(&app, &visitor, &id).await?;
    redraw(&app, &visitor, &article, None).await?;
    Ok(article::back(&article.id.to_string()))
}

/// The same for a machine.
pub(crate) async fn operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, WebError> {
    let article = article::find(&app, &visitor, &id).await?;
    Ok(Json(json!({ "queued": redraw(&app, &visitor, &article, None).await? })))
}
