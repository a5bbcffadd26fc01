//! What a newsroom is promised about a card: true, whole, readable, scannable, the same every time.

mod support;

use loa_canvas::{Assets, Engine};
use loa_infographic::{Error, Format, Infographic, Order, Rendered, SourcePhoto, Spread, recipe};
use loa_model::{Article, Brief, Cancel, Choices, Chosen, ChosenPart, Edit, Progress};
use support::{ENGINE, LONGEST, Story, TYPICAL, read_code, told, valley};

const BOTH: [Format; 2] = [Format::Png, Format::Jpeg { max_bytes: 600_000 }];
const LINK: &str = "https://minhhoa.example/l/k7Xq2";

struct Ask<'a> {
    article: &'a Article,
    brief: &'a Brief,
    photos: &'a [SourcePhoto],
    sizes: &'a [&'a str],
    template: Option<&'a str>,
    link: Option<&'a str>,
}

impl<'a> Ask<'a> {
    fn of(article: &'a Article, brief: &'a Brief) -> Self {
        Self { article, brief, photos: &[], sizes: &["portrait"], template: None, link: Some(LINK) }
    }

    fn with(self, engine: &Engine) -> Result<Rendered, Error> {
        let order = Order {
            article: self.article,
            brief: self.brief,
            photos: self.photos,
            brand: "demo",
            template: self.template,
            sizes: self.sizes,
            formats: &BOTH,
            spread: Spread::Card,
            link: self.link,
            date: "22/11/2026",
            cancel: &Cancel::new(),
        };
        Infographic.render(engine, &order, &mut |_| {})
    }

    fn render(self) -> Result<Rendered, Error> {
        self.with(&ENGINE)
    }
}

#[test]
fn every_size_is_whole_within_its_cap_and_its_code_can_be_scanned() {
    let photo = [valley(1600, 1100)];
    for (story, photos) in [(TYPICAL, &photo[..]), (LONGEST, &[])] {
        let (article, brief) = told(&story);
        let done = Ask { photos, sizes: &[], ..Ask::of(&article, &brief) }.render().unwrap();
        assert_eq!(done.violations, [], "{}", story.title);
        assert_eq!(done.files.len(), 10);
        for file in &done.files {
            let seen = image::load_from_memory(&file.bytes).unwrap();
            assert_eq!((seen.width(), seen.height()), (file.width, file.height), "{}", file.name);
            if file.mime == "image/jpeg" {
                assert!(file.bytes.len() <= 600_000, "{}", file.name);
            } else {
                assert_eq!(read_code(&seen).as_deref(), Some(LINK), "{}", file.name);
            }
        }
    }
}

#[test]
fn an_article_without_an_address_names_its_agency_and_draws_no_code() {
    let photo = [valley(1600, 1100)];
    let (mut article, brief) = told(&TYPICAL);
    article.source.canonical_url = "urn:sha256:82a812f1c6fd2ff5a03daf".to_owned();
    for (template, files) in [(None, 10), (Some("so-lieu"), 10), (Some("poster"), 4)] {
        let ask = Ask { photos: &photo, sizes: &[], template, ..Ask::of(&article, &brief) };
        let done = Ask { link: None, ..ask }.render().unwrap();
        assert_eq!((done.violations.len(), done.files.len()), (0, files), "{template:?}");
        let told = done.provenance.to_string();
        assert!(told.contains("Cổng Thông tin điện tử Minh Họa") && !told.contains("urn:"));
        for file in done.files.iter().filter(|file| file.mime == "image/png") {
            let seen = image::load_from_memory(&file.bytes).unwrap();
            assert_eq!(read_code(&seen), None, "{template:?} {}", file.name);
        }
    }
}

#[test]
fn a_wide_card_holds_a_long_headline_and_the_whole_credit() {
    let title = "Đẩy nhanh xóa nhà tạm, nhà dột nát ở các xã vùng cao, quyết tâm hoàn thành trước Tết Nguyên đán năm Đinh Mùi";
    assert_eq!(title.chars().count(), 108);
    let credit = "Ảnh minh họa: Cổng Thông tin điện tử Minh Họa";
    let photos = [SourcePhoto { credit: credit.to_owned(), ..valley(1200, 800) }];
    let stories =
        [Story { title, ..TYPICAL }, Story { title: "Ẩn họa sạt lở, Ỗ Ẫ Ể Ặ", ..TYPICAL }];
    for story in stories {
        let (article, brief) = told(&story);
        let ask = Ask { photos: &photos, sizes: &["link", "youtube"], ..Ask::of(&article, &brief) };
        let done = ask.render().unwrap();
        assert_eq!((done.violations.len(), done.files.len()), (0, 4), "{}", story.title);
    }
}

#[test]
fn the_same_order_gives_the_same_bytes() {
    let (article, brief) = told(&TYPICAL);
    let photos = [valley(1200, 800)];
    let ask = || Ask { photos: &photos, ..Ask::of(&article, &brief) };
    let one = ask().render().unwrap();
    let fresh = Engine::new(&support::assets()).unwrap();
    assert_eq!(ask().with(&fresh).unwrap(), one);
}

#[test]
fn a_changed_word_or_number_is_refused_and_a_recorded_edit_is_marked() {
    let (article, honest) = told(&TYPICAL);
    let mut brief = honest.clone();
    brief.points[0].text = brief.points[0].text.replace("hộ nghèo", "hộ khá");
    let refused = Ask::of(&article, &brief).render().unwrap_err();
    assert!(matches!(&refused, Error::Unfaithful(text) if text.contains("hộ khá")), "{refused}");
    let mut brief = honest.clone();
    brief.figures[0].value = "334.235".to_owned();
    let refused = Ask::of(&article, &brief).render().unwrap_err();
    assert!(matches!(&refused, Error::Unfaithful(text) if text.contains("334.235")), "{refused}");

    let mut brief = honest.clone();
    brief.points[0].text = "Ưu tiên hộ nghèo vùng sâu, vùng xa.".to_owned();
    let by = "01890000-0000-7000-8000-00000000000a".parse().unwrap();
    brief.points[0].edits.push(Edit::Rewritten { by, at: article.fetched_at });
    let done = Ask::of(&article, &brief).render().unwrap();
    let drawn = done.provenance["pictures"][0]["drawn"].as_array().unwrap();
    let from = |field: &str| drawn.iter().find(|k| k["field"] == field).unwrap()["from"].clone();
    assert_eq!((from("points.0"), from("title")), ("edited".into(), "span".into()));
    let plain = Ask::of(&article, &honest).render().unwrap();
    assert_ne!(plain.recipe, done.recipe);
}

#[test]
fn a_figure_named_by_a_person_is_marked_and_its_number_still_stands_in_the_article() {
    let (article, honest) = told(&TYPICAL);
    let by = "01890000-0000-7000-8000-00000000000a".parse().unwrap();
    let figures =
        vec![ChosenPart { of: 0, text: Some("hộ được hỗ trợ đợt này".to_owned()) }];
    let choices = Choices { figures: Some(figures), ..Choices::default() };
    let chosen = Chosen { choices, by, at: article.fetched_at };
    let mut brief = honest.clone();
    chosen.apply(&mut brief).unwrap();
    let done = Ask::of(&article, &brief).render().unwrap();
    let drawn = done.provenance["pictures"][0]["drawn"].as_array().unwrap();
    let from = |field: &str| drawn.iter().find(|k| k["field"] == field).unwrap()["from"].clone();
    assert_eq!(
        (from("figures.0.label"), from("figures.0.value")),
        ("edited".into(), "span".into())
    );
    assert!(drawn.iter().any(|k| k["field"] == "labels.edited"), "{drawn:?}");
    // Other words for what it counts are no leave for another number.
    brief.figures[0].value = "334.235".to_owned();
    let refused = Ask::of(&article, &brief).render().unwrap_err();
    assert!(matches!(&refused, Error::Unfaithful(text) if text.contains("334.235")), "{refused}");
}

#[test]
fn a_brief_of_another_edition_is_refused() {
    let (mut article, brief) = told(&TYPICAL);
    article.digest = loa_model::Digest::of(b"changed");
    assert!(matches!(Ask::of(&article, &brief).render(), Err(Error::Stale { .. })));
}

#[test]
fn what_does_not_fit_is_left_out_whole_and_named() {
    let (article, brief) = told(&LONGEST);
    let photos = [valley(1200, 800)];
    let done =
        Ask { photos: &photos, sizes: &["square"], ..Ask::of(&article, &brief) }.render().unwrap();
    let picture = &done.provenance["pictures"][0];
    let left: Vec<_> =
        picture["left_out"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    assert!(left.contains(&"points.2"), "{left:?}");
    let alt = picture["alt"].as_str().unwrap();
    assert!(
        alt.starts_with("Xã hội: Phó Thủ tướng yêu cầu")
            && alt.ends_with("Nguồn: Cổng Thông tin điện tử Minh Họa."),
        "{alt}"
    );
    for (index, point) in brief.points.iter().enumerate() {
        let gone = left.contains(&format!("points.{index}").as_str());
        assert_eq!(alt.contains(&point.text), !gone, "points.{index}");
    }
}

#[test]
fn a_photo_of_too_few_pixels_is_left_out_and_named() {
    let (article, brief) = told(&TYPICAL);
    for (width, height, left_out) in [(1600, 1067, false), (540, 400, false), (300, 200, true)] {
        let photo = [valley(width, height)];
        let done = Ask { photos: &photo, ..Ask::of(&article, &brief) }.render().unwrap();
        let picture = &done.provenance["pictures"][0];
        let named = picture["left_out"].as_array().unwrap().contains(&"photos.0".into());
        assert_eq!((named, done.violations.len()), (left_out, 0), "{width}x{height}");
    }
}

#[test]
fn code_in_the_text_is_only_text() {
    let title = "#panic() #read(\"/etc/passwd\") *đậm* $x^2$ \\ @ten </text><script> \"} ])";
    let (article, brief) =
        told(&Story {
            title, points: &["= Tiêu đề #eval(\"1+1\") ẫ ễ ộ ữ ặ"], figure: None
        });
    // Success means that each string was found on the laid-out page letter by letter.
    let done = Ask::of(&article, &brief).render().unwrap();
    assert_eq!((done.violations.len(), done.files.len()), (0, 2));
}

#[test]
fn abuse_ends_in_a_violation_or_a_card_never_in_a_panic() {
    let long = "Đường dây nóng ".repeat(700);
    let word = "ẫ".repeat(10_000);
    let zalgo = "T\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}in nhanh".repeat(4);
    for (title, fits) in [
        (long.trim(), false),
        (word.as_str(), false),
        (zalgo.as_str(), true),
        ("\u{202e}gnựd yâx\u{202c} \u{2066}ngược\u{2069}", true),
        ("ຂ່າວດ່ວນ ព័ត៌មាន 한국어 العربية", true),
    ] {
        let (article, brief) = told(&Story { title, points: &[], figure: None });
        let done = Ask::of(&article, &brief).render().unwrap();
        let start: String = title.chars().take(20).collect();
        assert_eq!(done.files.is_empty(), !fits, "{start} {:?}", done.violations);
        assert_eq!(done.violations.iter().any(|v| v.problem == "too_long"), !fits, "{start}");
    }
}

#[test]
fn letters_that_no_font_has_are_refused_and_never_drawn_as_boxes() {
    let bare = Engine::new(&Assets { machine_fonts: Vec::new(), ..support::assets() }).unwrap();
    let title = "ຂ່າວດ່ວນ 한국어";
    let (article, brief) = told(&Story { title, points: &[], figure: None });
    let done = Ask::of(&article, &brief).with(&bare).unwrap();
    assert_eq!((done.files.len(), done.violations[0].problem.as_str()), (0, "forbidden_character"));
    assert_eq!(Ask::of(&article, &brief).render().unwrap().violations, []);
}

#[test]
fn a_template_that_adds_words_or_loses_some_does_not_pass() {
    let (article, brief) = told(&TYPICAL);
    let manifest = "version='1'\nname_vi='x'\nname_en='x'\nkind='page'\nmin_type=1.0\n[[sizes]]\nid='portrait'\npx=[1080,1350]\n";
    let mut assets = support::assets();
    for (id, body) in [("adds", "#data.title Cam kết 100%"), ("loses", "#data.title.slice(0, 11)")]
    {
        let source = format!("#import \"/lib/kit.typ\": *\n#show: setup\n{body}\n");
        assets.templates.insert(format!("{id}/template.typ"), source.into_bytes().into());
        assets.templates.insert(format!("{id}/template.toml"), manifest.as_bytes().into());
    }
    let engine = Engine::new(&assets).unwrap();
    let ask = |id| Ask { template: Some(id), ..Ask::of(&article, &brief) };
    let refused = ask("adds").with(&engine).unwrap_err();
    assert!(matches!(&refused, Error::Untraced { text, .. } if text.contains("Cam")), "{refused}");
    let done = ask("loses").with(&engine).unwrap();
    assert_eq!((done.files.len(), done.violations.len()), (0, 1));
}

#[test]
fn work_is_told_about_and_can_be_stopped() {
    let (article, brief) = told(&TYPICAL);
    let cancel = Cancel::new();
    let order = Order {
        article: &article,
        brief: &brief,
        photos: &[],
        brand: "demo",
        template: Some("tin-nhanh"),
        sizes: &["portrait", "square"],
        formats: &BOTH,
        spread: Spread::Card,
        link: None,
        date: "",
        cancel: &cancel,
    };
    let mut told: Vec<Progress> = Vec::new();
    Infographic.render(&ENGINE, &order, &mut |progress| told.push(progress)).unwrap();
    assert_eq!(
        told.iter().map(|p| (p.done, p.total)).collect::<Vec<_>>(),
        [(0, 2), (1, 2), (2, 2)]
    );
    let stop = Infographic.render(&ENGINE, &order, &mut |progress| {
        if progress.done == 1 {
            cancel.cancel();
        }
    });
    assert!(matches!(stop, Err(Error::Cancelled)));
    let order = Order { sizes: &["a4"], ..order };
    assert!(matches!(
        Infographic.render(&ENGINE, &order, &mut |_| {}),
        Err(Error::UnknownSize { .. })
    ));
}

#[test]
fn a_recipe_follows_its_inputs_and_nothing_else() {
    let (article, mut brief) = told(&TYPICAL);
    let brand = ENGINE.brand("demo").unwrap();
    let version = |v: &str| ("tin-nhanh".to_owned(), v.to_owned());
    let one = recipe(article.digest, &brief, &version("1"), "demo", brand);
    brief.id = "01890000-0000-7000-8000-0000000000ff".parse().unwrap();
    assert_eq!(recipe(article.digest, &brief, &version("1"), "demo", brand), one);
    let mut blue = brand.clone();
    blue.theme.brand = loa_canvas::Colour([11, 59, 117]);
    let mut fewer = brief.clone();
    fewer.points.pop();
    for other in [
        recipe(loa_model::Digest::of(b"x"), &brief, &version("1"), "demo", brand),
        recipe(article.digest, &fewer, &version("1"), "demo", brand),
        recipe(article.digest, &brief, &version("2"), "demo", brand),
        recipe(article.digest, &brief, &version("1"), "demo", &blue),
    ] {
        assert_ne!(other, one);
    }
}
