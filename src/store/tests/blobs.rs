//! Blobs: the same bytes are kept once, and other bytes never come back in their place.

use bytes::Bytes;
use loa_model::BlobHash;
use loa_store::{Blobs, Error};

#[tokio::test]
async fn bytes_come_back_under_their_hash() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
    let text = Bytes::from("Nghị quyết: ẫ ễ ộ ữ ặ, đường sắt");
    let hash = blobs.put(text.clone()).await.unwrap();
    assert_eq!(hash, BlobHash::of(&text));
    assert_eq!(blobs.get(hash).await.unwrap(), text);
    assert!(blobs.exists(hash).await.unwrap());
    let hex = hash.to_string();
    let (first, rest) = hex.split_at(2);
    let path = blobs.path(hash).unwrap();
    assert!(path.ends_with(format!("sha256/{first}/{rest}")), "{}", path.display());
    let other = BlobHash::of(b"other");
    assert!(!blobs.exists(other).await.unwrap());
    assert_eq!(blobs.path(other), None);
    assert!(matches!(blobs.get(other).await, Err(Error::Io(_))));
}

#[tokio::test]
async fn a_file_is_kept_as_its_bytes_would_be_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
    let clip: Vec<u8> = (0..2_500_000u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let file = folder.path().join("phóng sự.mp4");
    std::fs::write(&file, &clip).unwrap();
    let (hash, length) = blobs.put_file(&file).await.unwrap();
    assert_eq!((hash, length), (BlobHash::of(&clip), 2_500_000));
    let before = std::fs::metadata(blobs.path(hash).unwrap()).unwrap();
    assert_eq!(blobs.put(Bytes::from(clip.clone())).await.unwrap(), hash);
    assert_eq!(blobs.put_file(&file).await.unwrap(), (hash, length));
    let after = std::fs::metadata(blobs.path(hash).unwrap()).unwrap();
    assert_eq!(before.modified().unwrap(), after.modified().unwrap());
    assert_eq!(blobs.get(hash).await.unwrap(), clip);
    assert!(matches!(blobs.put_file(&folder.path().join("không có")).await, Err(Error::Io(_))));
    let empty = blobs.put(Bytes::new()).await.unwrap();
    assert_eq!(blobs.get(empty).await.unwrap(), Bytes::new());
}

#[tokio::test]
async fn changed_bytes_are_not_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let hash = blobs.put(Bytes::from_static(b"as approved")).await.unwrap();
    std::fs::write(blobs.path(hash).unwrap(), b"as changed").unwrap();
    let read = blobs.get(hash).await;
    assert!(matches!(read, Err(Error::Corrupt { .. })), "{read:?}");
}
