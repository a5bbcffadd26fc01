//! Templates that an agency wrote itself: whatever they do, they end within their limits, draw no word that is not the article's,
//! and the server goes on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "own/agency.rs"]
mod agency;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use loa_canvas::{Assets, Engine, Pixels, encode};
use loa_clip::Runner;
use loa_model::{
    Actor, Agency, Article, Block, BlockKind, Brief, Cancel, OwnTemplate, Passage, Photo, Span,
    VariantKind,
};
use loa_pipeline::{
    Cinema, Draft, Error, Limit, MakeEngine, PhotoOnDisk, Press, Preview, Recipe, Sources, Studio,
    Take,
};
use loa_store::{Blobs, Changes, MemoryStore, Store as _};
use serde_json::{Value, json};

const LOA: &str = env!("CARGO_BIN_EXE_loa");
const TITLE: &str = "Đường lên bản đã thông xe";
/// What a template of the reviewed ones' kind begins with.
const HEAD: &str = "#import \"/lib/kit.typ\": *\n#show: setup\n";
const TITLE_LINE: &str =
    "#place(top + left, dx: 60pt, dy: 60pt, box(width: 900pt, text(size: 60pt, data.title)))\n";
const MANIFEST: &str = "version = \"1\"\nname_vi = \"Mẫu của Sở\"\nname_en = \"Our own\"\nkind = \"page\"\ndraws = [\"title\"]\n\
    [[sizes]]\nid = \"portrait\"\npx = [1080, 1350]\n";

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")
}

fn template(name: &str, source: &str, manifest: &str) -> OwnTemplate {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = BTreeMap::from([file("template.typ", source), file("template.toml", manifest)]);
    let at = "2026-11-22T03:00:00Z".parse().unwrap();
    OwnTemplate::new("thu", name, files, Actor::Operator("test".to_owned()), at).unwrap()
}

fn reviewed(name: &str) -> OwnTemplate {
    let read =
        |file: &str| fs::read_to_string(assets().join("templates").join(name).join(file)).unwrap();
    template(&format!("cua-{name}"), &read("template.typ"), &read("template.toml"))
}

/// A studio that draws templates of agencies in children of the real binary. Its own engine is `make`.
fn studio(folder: &Path, limit: Limit, make: MakeEngine) -> Studio {
    let child = Runner { exe: LOA.into(), args: vec!["card-worker".into()] };
    let press = Press::new(child, Sources::default(), folder.join("work")).with_limit(limit);
    let clips = Cinema::new(Runner { exe: LOA.into(), args: vec!["media-worker".into()] });
    Studio::new(make, clips).with_press(press)
}

/// An engine that must not be asked: what nobody reviewed is never compiled in the server.
fn none() -> MakeEngine {
    Box::new(|| panic!("the server's own engine was asked"))
}

fn ours() -> MakeEngine {
    Box::new(|| {
        let assets = Assets::from_dir(&assets(), &[]).map_err(|error| error.to_string())?;
        Engine::new(&assets).map_err(|error| error.to_string())
    })
}

fn story() -> (Article, Brief, Bytes) {
    let mut article: Article = serde_json::from_value(json!({
        "id": "01890000-0000-7000-8000-000000000001", "agency": "thu", "revision": 1, "digest": "0".repeat(64),
        "state": "ready", "source": {"canonical_url": "https://mh.example/1", "publisher": "Minh Họa", "via": "html"},
        // On the next day in Vietnam: a child that cannot read zones would show another date.
        "lang": "vi", "section": "Giao thông", "authors": [], "published_at": "2026-11-22T18:30:00Z",
        "embargo_until": null, "keywords": [], "blocks": [], "photos": [], "fetched_at": "2026-11-22T19:00:00Z"
    }))
    .unwrap();
    article.blocks.push(Block { kind: BlockKind::Title, text: TITLE.to_owned() });
    article.photos.push(Photo {
        url: String::new(),
        blob: None,
        mime: "image/png".to_owned(),
        caption: String::new(),
        credit: "Ảnh: Minh Họa".to_owned(),
        alt: "Đường lên bản".to_owned(),
    });
    article.digest = article.content_digest();
    let end = u32::try_from(TITLE.len()).unwrap();
    let span = Span { revision: 1, block: 0, start: 0, end };
    let title = Passage { text: TITLE.to_owned(), span, edits: Vec::new() };
    let brief: Brief = serde_json::from_value(json!({
        "id": "01890000-0000-7000-8000-000000000002", "agency": "thu", "article": article.id, "revision": 1,
        "article_digest": article.digest, "story": "news", "title": title, "sapo": null, "points": [],
        "figures": [], "quotes": [], "dates": [], "legal_docs": [], "hashtags": []
    }))
    .unwrap();
    let photo = Pixels::filled(1200, 500, [20, 90, 60, 255]);
    (article, brief, Bytes::from(encode::png(&photo).unwrap()))
}

fn recipe(own: Option<OwnTemplate>) -> Recipe {
    Recipe {
        template: own.as_ref().map(OwnTemplate::id),
        brand: "demo".to_owned(),
        sizes: vec!["portrait".to_owned()],
        own: own.map(Arc::new),
        ..Recipe::default()
    }
}

async fn preview(studio: &Studio, own: OwnTemplate) -> Result<Preview, Error> {
    let (article, brief, photo) = story();
    let photo = Some((0, photo));
    studio.preview(Draft { article, brief, recipe: recipe(Some(own)), photo }).await
}

/// Files of every size by name, and the provenance.
async fn drawn(
    studio: &Studio,
    recipe: &Recipe,
    folder: &Path,
) -> (BTreeMap<String, Vec<u8>>, Value) {
    let (article, brief, photo) = story();
    let (work, out) = (folder.join("w"), folder.join("o"));
    for path in [&work, &out] {
        fs::create_dir_all(path).unwrap();
    }
    let path = folder.join("photo.png");
    fs::write(&path, &photo).unwrap();
    let photos = [PhotoOnDisk { index: 0, path, bytes: photo }];
    let take = Take {
        videos: &[],
        article: &article,
        brief: &brief,
        photos: &photos,
        recipe,
        work: &work,
        out: &out,
        cancel: &Cancel::new(),
    };
    let (made, provenance) = studio.draw(VariantKind::Infographic, take, &|_| {}).await.unwrap();
    let read = |made: loa_pipeline::Made| {
        let bytes = fs::read(&made.path).unwrap();
        assert_eq!(bytes.len() as u64, made.bytes);
        assert!(made.width >= 1080 && made.alt.contains(TITLE), "{made:?}");
        (made.name, bytes)
    };
    (made.into_iter().map(read).collect(), provenance)
}

#[tokio::test]
async fn it_is_drawn_byte_for_byte_as_a_reviewed_one_would_be() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), Limit::default(), ours());
    let all = |recipe: Recipe| Recipe { sizes: Vec::new(), ..recipe };
    let own = reviewed("tin-nhanh");
    let digest = own.digest;
    let child = drawn(&studio, &all(recipe(Some(own))), &folder.path().join("a")).await;
    let template = Some("tin-nhanh".to_owned());
    let here = Recipe { template, ..all(recipe(None)) };
    let here = drawn(&studio, &here, &folder.path().join("b")).await;
    assert_eq!(child.0.len(), 10);
    assert!(child.0 == here.0, "other bytes");
    assert_eq!(child.1["own"], json!(digest));
    assert_eq!(child.1["pictures"][0]["drawn"], here.1["pictures"][0]["drawn"]);
    assert_eq!(child.1["template"], "own/cua-tin-nhanh");
}

#[tokio::test]
async fn a_reviewed_card_could_be_an_agency_s_own_and_is_kept_for_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), Limit::default(), none());
    let store = MemoryStore::new(Arc::new(Noon));
    let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
    let agency: Agency = serde_json::from_value(json!({
        "name": "thu", "title": "Cổng thử", "brand": "demo", "zone": "Asia/Ho_Chi_Minh"
    }))
    .unwrap();
    let by = || Actor::Operator("test".to_owned());
    store.commit(Changes::by(by(), "add agency").insert(&agency)).await.unwrap();
    for name in ["tin-nhanh", "so-lieu", "canh-bao", "cac-buoc"] {
        let mut own = reviewed(name);
        let samples = assets().join("templates").join(name).join("sample.json");
        let samples: Value = serde_json::from_slice(&fs::read(samples).unwrap()).unwrap();
        let typical = json!({ "typical": samples["typical"] });
        own.files.insert("sample.json".to_owned(), typical.to_string());
        let photo = fs::read(
            fs::read_dir(assets().join("demo/photos")).unwrap().next().unwrap().unwrap().path(),
        );
        let found =
            studio.keep_own((&store, &blobs), own, photo.ok().map(Bytes::from)).await.unwrap();
        assert_eq!(found, [], "{name}");
    }
    let kept = loa_pipeline::own_templates(&store, "thu").await.unwrap();
    assert_eq!(kept.len(), 4);
    assert!(loa_pipeline::own_templates(&store, "khac").await.unwrap().is_empty());
    let named = |agency: &'static str| {
        let template = Some("own/cua-so-lieu".to_owned());
        let recipe = Recipe { template, ..Recipe::default() };
        recipe.with_own(&store, &blobs, agency)
    };
    assert!(named("thu").await.unwrap().own.is_some());
    let gone = named("khac").await.unwrap_err();
    assert!(gone.is_final() && gone.to_string().contains("own/cua-so-lieu"), "{gone}");
    assert!(loa_pipeline::remove_own(&store, "thu", "cua-so-lieu", by()).await.unwrap());
    assert!(!loa_pipeline::remove_own(&store, "thu", "cua-so-lieu", by()).await.unwrap());
    assert!(named("thu").await.is_err());
    // What promises too little or draws what is nobody's is not kept.
    let weak =
        template("yeu", &format!("{HEAD}{TITLE_LINE}"), &format!("min_type = 12\n{MANIFEST}"));
    let why = studio.keep_own((&store, &blobs), weak, None).await.unwrap_err().to_string();
    assert!(why.contains("min_type"), "{why}");
    let words = format!("{HEAD}{TITLE_LINE}#place(bottom, text(size: 40pt)[Miễn thuế])");
    let found =
        studio.keep_own((&store, &blobs), template("la", &words, MANIFEST), None).await.unwrap();
    assert!(found.iter().all(|f| f.problem.contains("Miễn")) && !found.is_empty(), "{found:?}");
    assert_eq!(loa_pipeline::own_templates(&store, "thu").await.unwrap().len(), 3);
}

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

#[tokio::test]
async fn whatever_it_does_it_ends_within_its_limits_and_the_next_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let limit = Limit { cpu_s: 6, wall: Duration::from_secs(40), ..Limit::default() };
    let studio = studio(folder.path(), limit, none());
    for (name, source, words) in [
        ("lap", "#for i in range(30000000) {}", &["nên bị dừng", "was stopped"][..]),
        ("lau", "#for i in range(100000) { for j in range(100000) {} }", &["6 giây bộ xử lý"]),
        (
            "de-quy",
            "#let f(x) = f(x + 1)\n#f(0)",
            &["maximum function call depth", "own/de-quy/template.typ:3"],
        ),
        (
            "long",
            "#let b = [x]\n#for i in range(20000) { b = box(b) }\n#b",
            &["lồng quá sâu", "nest less"],
        ),
        ("vo", "#panic(\"hỏng ẫ\")", &["hỏng ẫ", "own/vo/template.typ:3"]),
        ("sai", "#let x = (", &["unclosed delimiter", "own/sai/template.typ:3"]),
        ("doc", "#let r = read\n#r(\"/etc/hostname\")", &["denied"]),
        ("mang", "#import \"@preview/example:0.1.0\"", &["denied"]),
        ("trang", "#pagebreak()", &["2 pages"]),
        // Words that are not the article's, in every way in which words can be drawn.
        ("chu", "#text(size: 40pt)[Miễn thuế cho mọi người]", &["comes from nowhere", "Miễn"]),
        (
            "nen",
            "#rect(width: 500pt, height: 120pt, fill: tiling(size: (500pt, 120pt), pad(30pt, text(size: 40pt)[Miễn thuế])))",
            &["comes from nowhere"],
        ),
        (
            "trang-nen",
            "#set page(fill: tiling(size: (500pt, 120pt), pad(30pt, text(size: 40pt)[Miễn thuế])))",
            &["comes from nowhere"],
        ),
        (
            "anh",
            "#image(bytes(\"<svg xmlns='http://www.w3.org/2000/svg' width='300' height='80'><text y='40'>Miễn thuế</text></svg>\"), format: \"svg\")",
            &["not handed"],
        ),
        (
            "mo",
            "#place(dx: 60pt, dy: 300pt, text(size: 40pt, fill: rgb(0, 0, 0, 9), data.title))",
            &["is not read", "full colour"],
        ),
        (
            "che",
            "#place(dx: 60pt, dy: 300pt, text(size: 40pt, data.title))\n\
             #place(dy: 290pt, rect(width: 900pt, height: 90pt, fill: th.brand))",
            &["is not read", "behind"],
        ),
        ("manh", "#text(size: 40pt)[đ]#h(1pt)#text(size: 41pt)[ã]", &["not a whole string"]),
    ] {
        let started = Instant::now();
        let source = format!("{HEAD}{source}\n{TITLE_LINE}");
        let error = preview(&studio, template(name, &source, MANIFEST)).await.unwrap_err();
        let took = started.elapsed();
        println!("{name}: {took:?}: {error}");
        assert!(error.is_final(), "{name}: {error:?}");
        for words in words {
            assert!(error.to_string().contains(words), "{name}: {words:?} not in {error}");
        }
        assert!(took < Duration::from_secs(40), "{name} took {took:?}");
    }
    let less = Limit { memory_bytes: 1 << 30, ..Limit::default() };
    let small = self::studio(folder.path(), less, none());
    let source = format!("{HEAD}#for i in range(30000000) {{}}\n{TITLE_LINE}");
    let error = preview(&small, template("phinh", &source, MANIFEST)).await.unwrap_err();
    for words in ["1024 MiB bộ nhớ", "1024 MiB of memory"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    let good = template("tot", &format!("{HEAD}{TITLE_LINE}"), MANIFEST);
    let next = preview(&studio, good).await.unwrap();
    assert_eq!((next.width, next.height), (540, 675));
    assert!(next.violations.is_empty() && next.alt.contains(TITLE));
    assert!(fs::read_dir(folder.path().join("work")).unwrap().next().is_none(), "folders are left");
}

#[tokio::test]
async fn type_that_is_too_small_or_cut_is_found_as_in_any_template() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), Limit::default(), none());
    for (name, source, limit) in [
        ("nho", "#text(size: 20pt, data.title)", "28 px"),
        ("cat", "#place(dx: 900pt, text(size: 60pt, data.title))", "does not fit"),
        ("bo", "#rect(width: 100pt, height: 100pt)", "not drawn whole"),
    ] {
        let own = template(name, &format!("{HEAD}{source}"), MANIFEST);
        let found = preview(&studio, own).await.unwrap();
        assert!(found.jpeg.is_empty(), "{name}");
        assert_eq!(found.violations[0].limit, limit, "{name}: {:?}", found.violations);
    }
}

#[tokio::test]
async fn a_drawing_that_is_called_off_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), Limit::default(), none());
    let source = format!("{HEAD}#for i in range(100000) {{ for j in range(100000) {{}} }}");
    let recipe = recipe(Some(template("lau", &source, MANIFEST)));
    let (article, brief, _) = story();
    let cancel = Cancel::new();
    let take = Take {
        videos: &[],
        article: &article,
        brief: &brief,
        photos: &[],
        recipe: &recipe,
        work: folder.path(),
        out: folder.path(),
        cancel: &cancel,
    };
    let started = Instant::now();
    // The first word of the child is the wish to stop.
    let progress = |_| cancel.cancel();
    let error = studio.draw(VariantKind::Infographic, take, &progress).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled) && !error.is_final(), "{error}");
    assert!(started.elapsed() < Duration::from_secs(15), "took {:?}", started.elapsed());
}

/// `cargo nextest run --workspace --test own --run-ignored only --no-capture`: the least address space, in MiB, of a child that
/// draws every size of a news card with a photo of 50 megapixels.
#[tokio::test]
#[ignore = "a measurement"]
async fn memory_of_a_card() {
    let folder = tempfile::tempdir().unwrap();
    let photo = Pixels::filled(8600, 5800, [20, 90, 60, 255]);
    let photo = Bytes::from(encode::jpeg(&photo, 85).unwrap());
    let path = folder.path().join("photo.jpg");
    fs::write(&path, &photo).unwrap();
    let (article, brief, _) = story();
    let photos = [PhotoOnDisk { index: 0, path, bytes: photo }];
    let recipe = Recipe { sizes: Vec::new(), ..recipe(Some(reviewed("tin-nhanh"))) };
    let fonts =
        vec!["/usr/share/fonts/truetype/noto".into(), "/usr/share/fonts/opentype/noto".into()];
    let (mut no, mut yes) = (64_u64, 4096_u64);
    while yes - no > 32 {
        let middle = u64::midpoint(no, yes);
        let child = Runner { exe: LOA.into(), args: vec!["card-worker".into()] };
        let sources = Sources { fonts: fonts.clone(), ..Sources::default() };
        let limit = Limit { memory_bytes: middle << 20, cpu_s: 120, wall: Duration::from_mins(3) };
        let press = Press::new(child, sources, folder.path().join("work")).with_limit(limit);
        let clips = Cinema::new(Runner { exe: LOA.into(), args: Vec::new() });
        let studio = Studio::new(none(), clips).with_press(press);
        let take = Take {
            videos: &[],
            article: &article,
            brief: &brief,
            photos: &photos,
            recipe: &recipe,
            work: folder.path(),
            out: folder.path(),
            cancel: &Cancel::new(),
        };
        let started = Instant::now();
        let drawn = studio.draw(VariantKind::Infographic, take, &|_| {}).await;
        println!("{middle} MiB: {:?} in {:?}", drawn.as_ref().map(|_| "drawn"), started.elapsed());
        if drawn.is_ok() { yes = middle } else { no = middle }
    }
    println!("least: {yes} MiB");
}
