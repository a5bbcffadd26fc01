//! Brand kits of agencies: what is kept, and that cards, clips and children draw in them and nobody else's pictures change.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use loa_canvas::{Assets, Engine};
use loa_model::{
    Actor, Agency, Article, Block, BlockKind, Brief, Colour, Face, OwnBrand, Passage, Span,
    Storyboard, Theme, VariantKind, record::join,
};
use loa_pipeline::{
    ClipDraft, Draft, Kept, Kit, LogoChange, NewKit, Recipe, Removed, Studio, Wish, own_kits,
    remove_kit,
};
use loa_store::{Blobs, Changes, MemoryStore, Store as _, StoreExt as _};
use serde_json::json;

const TITLE: &str = "Đường lên bản đã thông xe";
/// A colour that nothing else has.
const LOGO: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 10\"><rect width=\"10\" height=\"10\" fill=\"#ff00ff\"/></svg>";

#[derive(Debug)]
struct Noon;

impl loa_model::Clock for Noon {
    fn now(&self) -> jiff::Timestamp {
        "2026-11-22T05:00:00Z".parse().unwrap()
    }
    fn sleep(&self, _: Duration) -> loa_model::seams::BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

struct World {
    studio: Studio,
    store: MemoryStore,
    blobs: Blobs,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
        let assets = Assets::from_dir(&assets, &[]).unwrap();
        let make = move || Engine::new(&assets).map_err(|error| error.to_string());
        let runner = loa_clip::Runner { exe: "loa".into(), args: Vec::new() };
        let folder = tempfile::tempdir().unwrap();
        let world = Self {
            studio: Studio::new(Box::new(make), loa_pipeline::Cinema::new(runner)),
            store: MemoryStore::new(Arc::new(Noon)),
            blobs: Blobs::open(folder.path()).unwrap(),
            _folder: folder,
        };
        for name in ["so", "khac"] {
            let agency: Agency = serde_json::from_value(json!({
                "name": name, "title": "Sở", "brand": "demo", "zone": "Asia/Ho_Chi_Minh",
            }))
            .unwrap();
            world.store.commit(Changes::by(by(), "add").insert(&agency)).await.unwrap();
        }
        world
    }

    async fn keep(&self, face: Face, logo: LogoChange, wish: Wish) -> Kept {
        let new = NewKit { agency: "so".to_owned(), name: "xanh".to_owned(), face, logo };
        let place = (&self.store as &dyn loa_store::Store, &self.blobs);
        let at = loa_model::Clock::now(&Noon);
        self.studio.keep_kit(place, new, wish, None, (by(), at)).await.unwrap()
    }

    async fn recipe(&self, brand: &str) -> Recipe {
        let recipe = Recipe {
            brand: brand.to_owned(),
            sizes: vec!["portrait".to_owned()],
            ..Recipe::default()
        };
        recipe.with_own(&self.store, &self.blobs, "so").await.unwrap()
    }

    /// The pixels of a card in a kit, half size.
    async fn card(&self, brand: &str) -> Vec<[u8; 3]> {
        let (article, brief) = story();
        let recipe = self.recipe(brand).await;
        let drawn = self.studio.preview(Draft { article, brief, recipe, photo: None }).await;
        pixels(&drawn.unwrap().jpeg)
    }
}

fn pixels(jpeg: &[u8]) -> Vec<[u8; 3]> {
    let photo = loa_canvas::photo::decode(jpeg).unwrap();
    photo.rgb().as_chunks().0.to_vec()
}

/// How many pixels have this colour, as far as a JPEG keeps it.
fn count(pixels: &[[u8; 3]], colour: [u8; 3]) -> usize {
    let near = |pixel: &&[u8; 3]| pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 24);
    pixels.iter().filter(near).count()
}

fn by() -> Actor {
    Actor::Operator("test".to_owned())
}

fn colour(text: &str) -> Colour {
    Colour::try_from(text.to_owned()).unwrap()
}

const DARK: &str = "#06402b";

fn face() -> Face {
    Face {
        title_vi: "Sở Thử nghiệm".to_owned(),
        title_en: String::new(),
        tagline: "so.example".to_owned(),
        theme: Theme {
            brand: colour("#0f6b45"),
            brand_dark: colour(DARK),
            accent: colour("#ffe27a"),
            paper: colour("#f4faf6"),
            ink: colour("#14211b"),
            muted: colour("#46564d"),
        },
        logo: None,
    }
}

fn svg() -> LogoChange {
    LogoChange::New(Bytes::from_static(LOGO.as_bytes()))
}

fn story() -> (Article, Brief) {
    let mut article: Article = serde_json::from_value(json!({
        "id": "01890000-0000-7000-8000-000000000001", "agency": "so", "revision": 1, "digest": "0".repeat(64),
        "state": "ready", "source": {"canonical_url": "https://mh.example/1", "publisher": "Minh Họa", "via": "html"},
        "lang": "vi", "section": "Giao thông", "authors": [], "published_at": "2026-11-22T03:00:00Z",
        "embargo_until": null, "keywords": [], "blocks": [], "photos": [], "fetched_at": "2026-11-22T03:00:00Z"
    }))
    .unwrap();
    let point = "Tuyến đường dài 12 km nối ba bản với trung tâm xã, xe khách đã chạy hằng ngày.";
    article.blocks.push(Block { kind: BlockKind::Title, text: TITLE.to_owned() });
    article.blocks.push(Block { kind: BlockKind::Paragraph, text: point.to_owned() });
    article.digest = article.content_digest();
    let passage = |block: u32, text: &str| Passage {
        text: text.to_owned(),
        span: Span { revision: 1, block, start: 0, end: u32::try_from(text.len()).unwrap() },
        edits: Vec::new(),
    };
    let brief: Brief = serde_json::from_value(json!({
        "id": "01890000-0000-7000-8000-000000000002", "agency": "so", "article": article.id, "revision": 1,
        "article_digest": article.digest, "story": "news", "title": passage(0, TITLE), "sapo": null,
        "points": [passage(1, point)], "figures": [], "quotes": [], "dates": [], "legal_docs": [], "hashtags": []
    }))
    .unwrap();
    (article, brief)
}

#[tokio::test]
async fn a_card_in_an_own_kit_has_its_colours_and_logo_and_others_stay_as_they_were() {
    let world = World::new().await;
    let before = world.card("demo").await;
    let Kept::Yes(own) = world.keep(face(), svg(), Wish::Add).await else { panic!("not kept") };
    assert_eq!((own.id().as_str(), own.version), ("own/xanh", 1));
    let card = world.card("own/xanh").await;
    let dark = colour(DARK).0;
    assert!(count(&card, dark) > 5_000, "{}", count(&card, dark));
    assert!(count(&card, [255, 0, 255]) > 500, "{}", count(&card, [255, 0, 255]));
    // The dark red of the reviewed kit.
    assert_eq!(count(&card, [0x5e, 0x0a, 0x12]), 0);
    assert!(count(&before, [0x5e, 0x0a, 0x12]) > 5_000);
    assert!(world.card("demo").await == before, "a reviewed kit is drawn as before");
    assert_eq!(count(&before, [255, 0, 255]), 0);

    // Changed, it is another card: what decides it is in the recipe.
    let (article, brief) = story();
    let kind = VariantKind::Infographic;
    let recipe = |recipe: Recipe| world.studio.recipe(kind, &article, &brief, &recipe);
    let first = recipe(world.recipe("own/xanh").await);
    let reviewed = recipe(world.recipe("demo").await);
    assert_ne!(first, reviewed);
    let mut other = face();
    other.theme.accent = colour("#fff0a0");
    let Kept::Yes(second) = world.keep(other, LogoChange::Keep, Wish::Change(Some(1))).await else {
        panic!("not kept")
    };
    assert_eq!((second.version, second.face.logo), (2, own.face.logo));
    assert_ne!(recipe(world.recipe("own/xanh").await), first);
    let back = world.keep(face(), LogoChange::Keep, Wish::Change(None)).await;
    assert!(matches!(back, Kept::Yes(kept) if kept.version == 3 && kept.digest == own.digest));
    assert_eq!(recipe(world.recipe("own/xanh").await), first, "the same kit is the same card");
}

#[tokio::test]
async fn the_kit_that_an_agency_begins_with_says_its_own_name_in_every_size_and_nobody_else_s() {
    let world = World::new().await;
    let at = loa_model::Clock::now(&Noon);
    let long = "Trung tâm Thông tin và Truyền thông thuộc Ủy ban nhân dân tỉnh Minh Họa miền núi";
    for title in ["Cổng Thông tin điện tử tỉnh Thử Nghiệm", long] {
        let plain = OwnBrand::plain("so", title, by(), at).unwrap();
        assert_eq!(plain.face.title_vi, title);
        // As a person's own is kept: the usual story is drawn in each size, and every letter of the name has to be there.
        let wish = if title == long { Wish::Change(None) } else { Wish::Add };
        let new = NewKit {
            agency: "so".to_owned(),
            name: plain.name.clone(),
            face: plain.face.clone(),
            logo: LogoChange::Remove,
        };
        let place = (&world.store as &dyn loa_store::Store, &world.blobs);
        let kept = world.studio.keep_kit(place, new, wish, None, (by(), at)).await.unwrap();
        let Kept::Yes(own) = kept else { panic!("{title}: {kept:?}") };
        let recipe = world.recipe(&own.id()).await;
        assert_eq!(recipe.kit.as_ref().unwrap().own.face.title_vi, title);
        let (article, brief) = story();
        let drawn = world.studio.preview(Draft { article, brief, recipe, photo: None }).await;
        let told = drawn.unwrap().picture.to_string();
        assert!(!told.contains("Cổng Thông tin điện tử Minh Họa"), "{told}");
        // Neither the colours nor the logo of the fictional portal.
        let theirs = count(&world.card(&own.id()).await, [0x5e, 0x0a, 0x12]);
        assert!(theirs < 50, "{theirs} pixels, more than a JPEG blurs at the edge of letters");
    }
}

#[tokio::test]
async fn a_clip_is_drawn_in_the_kit_too() {
    let world = World::new().await;
    world.keep(face(), svg(), Wish::Add).await;
    let draft = async |brand: &str| {
        let (article, brief) = story();
        ClipDraft {
            kit: Kit::find(&world.store, &world.blobs, "so", brand).await.unwrap(),
            article,
            brief,
            kind: VariantKind::ShortClip,
            clip: Storyboard::default(),
            brand: brand.to_owned(),
            photos: Vec::new(),
            fetch: Arc::new(|_| Box::pin(async { Err("there is no photo".to_owned()) })),
            videos: Vec::new(),
        }
    };
    let end = async |brand: &str| {
        let clip = world.studio.rehearse(draft(brand).await).await.unwrap();
        let last = clip.clip.duration_ms() - 400;
        let frame = world.studio.frame("so", clip.id, last).await.unwrap().unwrap();
        (clip.id, pixels(&frame))
    };
    let (own, reviewed) = (end("own/xanh").await, end("demo").await);
    assert!(count(&own.1, [255, 0, 255]) > 300, "{}", count(&own.1, [255, 0, 255]));
    assert_eq!(count(&reviewed.1, [255, 0, 255]), 0);
    assert_ne!(own.0, reviewed.0);
    // A changed kit is looked at anew and not taken from what was drawn before.
    let bare = world.keep(face(), LogoChange::Remove, Wish::Change(None)).await;
    assert!(matches!(bare, Kept::Yes(_)));
    let after = end("own/xanh").await;
    assert_ne!(after.0, own.0);
    assert_eq!(count(&after.1, [255, 0, 255]), 0);
}

#[tokio::test]
async fn what_cannot_be_drawn_or_read_is_not_kept() {
    let world = World::new().await;
    let mut pale = face();
    pale.theme.muted = colour("#a9b5ae");
    // No font here has this letter.
    let strange = Face { title_vi: "Sở 𓀀".to_owned(), ..face() };
    let text = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"><text>Miễn thuế</text></svg>";
    let words = LogoChange::New(Bytes::from_static(text.as_bytes()));
    for (face, logo, why) in [
        (pale, LogoChange::Remove, "muted × paper"),
        (strange, LogoChange::Remove, "trọn chữ"),
        (face(), words, "<text>"),
        (face(), LogoChange::New(Bytes::from_static(b"MZ")), "SVG, PNG"),
        (Face { title_vi: String::new(), ..face() }, svg(), "1 đến 80"),
    ] {
        let Kept::No(said) = world.keep(face, logo, Wish::Add).await else { panic!("{why}") };
        assert!(said.contains(why) && said.contains(" / "), "{why}: {said}");
    }
    assert!(own_kits(&world.store, &world.blobs, "so").await.unwrap().is_empty());
    assert!(matches!(world.keep(face(), svg(), Wish::Change(None)).await, Kept::Missing));
}

#[tokio::test]
async fn a_kit_belongs_to_its_agency_and_goes_when_nobody_draws_in_it() {
    let world = World::new().await;
    assert!(matches!(world.keep(face(), svg(), Wish::Add).await, Kept::Yes(_)));
    assert_eq!(world.keep(face(), svg(), Wish::Add).await, Kept::Taken);
    assert_eq!(world.keep(face(), svg(), Wish::Change(Some(9))).await, Kept::Raced);
    // The same again is no new version.
    let same = world.keep(face(), LogoChange::Keep, Wish::Change(Some(1))).await;
    assert!(matches!(same, Kept::Yes(kept) if kept.version == 1));

    let recipe = Recipe { brand: "own/xanh".to_owned(), ..Recipe::default() };
    let theirs = recipe.with_own(&world.store, &world.blobs, "khac").await.unwrap_err();
    assert!(theirs.is_final() && theirs.to_string().contains("own/xanh"), "{theirs}");
    assert!(own_kits(&world.store, &world.blobs, "khac").await.unwrap().is_empty());
    let gone = remove_kit(&world.store, "khac", "xanh", by()).await.unwrap();
    assert_eq!(gone, Removed::Missing);

    let row = world.store.read::<Agency>("so").await.unwrap().unwrap();
    let uses = Agency { brand: "own/xanh".to_owned(), ..row.record.clone() };
    world.store.commit(Changes::by(by(), "use").update(&uses, row.version)).await.unwrap();
    assert_eq!(remove_kit(&world.store, "so", "xanh", by()).await.unwrap(), Removed::Used);
    let now = world.store.read::<Agency>("so").await.unwrap().unwrap();
    world.store.commit(Changes::by(by(), "use").update(&row.record, now.version)).await.unwrap();
    let seen = world.store.read::<Agency>("so").await.unwrap().unwrap();
    assert_eq!(remove_kit(&world.store, "so", "xanh", by()).await.unwrap(), Removed::Yes);
    let kit = world.store.read::<OwnBrand>(&join(&["so", "xanh"])).await.unwrap();
    assert!(kit.is_none());
    // Who gives it to the agency at the same moment comes too late.
    let late = Changes::by(by(), "use").update(&uses, seen.version);
    assert!(world.store.commit(late).await.is_err());
}

#[tokio::test]
async fn a_kit_that_is_sent_to_another_process_comes_as_it_was() {
    let world = World::new().await;
    world.keep(face(), svg(), Wish::Add).await;
    let kit = Kit::find(&world.store, &world.blobs, "so", "own/xanh").await.unwrap().unwrap();
    let sent = serde_json::to_string(&kit.sent()).unwrap();
    let back: loa_pipeline::SentKit = serde_json::from_str(&sent).unwrap();
    assert_eq!(back.kit().unwrap(), *kit);
    assert!(kit.logo.as_ref().is_some_and(|logo| !logo.is_empty()));
}

#[tokio::test]
async fn samples_are_those_of_cards_and_of_kits_that_are_there() {
    let world = World::new().await;
    let draft = NewKit {
        agency: "so".to_owned(),
        name: String::new(),
        // Cannot be read, and can be looked at.
        face: Face { theme: Theme { muted: colour("#ffffff"), ..face().theme }, ..face() },
        logo: svg(),
    };
    let kit = world.studio.draft(&world.store, &world.blobs, draft).await.unwrap();
    let seen = world.studio.sample(("tin-nhanh", "square"), "", Some(kit), None).await.unwrap();
    assert_eq!((seen.width, seen.height), (540, 540));
    assert!(count(&pixels(&seen.jpeg), [255, 0, 255]) > 300);
    for (family, size, brand) in [
        ("tin-nhanh", "wall", "demo"),
        ("clip-end", "square", "demo"),
        ("report", "a4", "demo"),
        ("khong-co", "square", "demo"),
        ("tin-nhanh", "square", "own/xanh"),
    ] {
        let none = world.studio.sample((family, size), brand, None, None).await;
        assert!(none.is_err(), "{family} {size} {brand}");
    }
    let (reviewed, font) = world.studio.kits().await.unwrap();
    assert_eq!((reviewed.len(), reviewed[0].brand.id.as_str()), (1, "demo"));
    assert_eq!((font.as_str(), reviewed[0].family.as_str()), ("Be Vietnam Pro", "Be Vietnam Pro"));
}
