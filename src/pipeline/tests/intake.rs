//! What people hand in becomes an article of its own, or they are told why not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use loa_model::{Actor, Article, Handed, Priority};
use loa_store::StoreExt as _;
use support::{AGENCY, World};

const WORDS: &str = "# Bão số 9 đổ bộ\n\nHọc sinh toàn tỉnh nghỉ học từ chiều nay.\n";

async fn handed(world: &World, words: &str, page: Option<&str>) -> String {
    let blob = world.blobs.put(words.to_owned().into()).await.unwrap();
    let page = page.map(str::to_owned);
    Handed { blob, name: "Bài 9.md".to_owned(), page }.to_string()
}

async fn articles(world: &World) -> Vec<Article> {
    let rows = world.store.all::<Article>(10).await.unwrap();
    rows.into_iter().map(|row| row.record).collect()
}

#[tokio::test]
async fn a_file_that_was_handed_in_is_read_and_belongs_where_its_person_said() {
    let world = World::new().await;
    let page = "https://minhhoa.example/bao-so-9.htm";
    let source = handed(&world, WORDS, Some(page)).await;
    let take = async |source: &str| {
        world.flow.take_in(source, AGENCY, Priority::Normal, None).await.unwrap()
    };
    let (article, written) = take(&source).await;
    assert!(written);
    assert_eq!((article.title(), article.revision), ("Bão số 9 đổ bộ", 1));
    assert_eq!(article.source.canonical_url, page);
    // What was not sure is kept for the editor.
    assert!(article.doubts.iter().any(|doubt| doubt.code == "no_date"), "{:?}", article.doubts);
    world.work_on(&["brief"]).await;
    assert!(!take(&source).await.1, "the same words change nothing");
    // Other words at the same address are its next edition.
    let source = handed(&world, &WORDS.replace("chiều nay", "sáng mai"), Some(page)).await;
    assert_eq!(take(&source).await.0.revision, 2);
}

#[tokio::test]
async fn two_articles_without_an_address_are_not_taken_for_two_editions_of_one() {
    let world = World::new().await;
    for words in [WORDS, "# Giá điện\n\nGiá điện tăng 3 %.\n"] {
        let source = handed(&world, words, None).await;
        let read = world.flow.take_in(&source, AGENCY, Priority::Normal, None).await.unwrap();
        let doubts: Vec<_> = read.0.doubts.iter().map(|doubt| doubt.code.as_str()).collect();
        assert_eq!((read.0.revision, doubts), (1, vec!["no_canonical_url", "no_date"]));
    }
    let both = articles(&world).await;
    assert!(both.len() == 2 && both[0].id != both[1].id, "{both:?}");
    // A file that is read again, after a person gave its article an address, is that article and leaves it there.
    let old = both.iter().find(|article| article.title() == "Bão số 9 đổ bộ").unwrap();
    let address = "https://minhhoa.example/bao.htm";
    let mut given = Article { revision: 2, ..old.clone() };
    given.source.canonical_url = address.to_owned();
    given.digest = given.content_digest();
    let review = &world.flow.deps().review;
    review.article_changed(Actor::Worker("test".into()), &given).await.unwrap();
    for (words, revision) in [(WORDS.to_owned(), 2), (WORDS.replace("chiều", "trưa"), 3)] {
        let source = handed(&world, &words, None).await;
        let read = world.flow.take_in(&source, AGENCY, Priority::Normal, None).await.unwrap();
        let found = (read.0.id, read.0.source.canonical_url.as_str(), read.0.revision);
        assert_eq!(found, (old.id, address, revision));
    }
    // A file that names its address needs nobody to say it.
    let words = format!("---\nurl: https://minhhoa.example/a.htm\n---\n\n{WORDS}");
    let source = handed(&world, &words, Some("https://minhhoa.example/b.htm")).await;
    let (article, _) = world.flow.take_in(&source, AGENCY, Priority::Normal, None).await.unwrap();
    assert_eq!(article.source.canonical_url, "https://minhhoa.example/a.htm");
}
