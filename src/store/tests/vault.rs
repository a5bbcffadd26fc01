//! The vault: nothing in clear reaches the disk, and a single-use token is never lost between two calls.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use loa_model::{AccountName, Actor, Entropy, Secret};
use loa_store::{Error, MemoryStore, Options, SledStore, Store, Vault, conformance::HandClock};

#[derive(Debug, Default)]
struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.fetch_add(7, Ordering::Relaxed));
    }
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(Arc::new(HandClock::default())))
}

async fn vault(dir: &Path, store: &Arc<dyn Store>) -> loa_store::Result<Vault> {
    Vault::open(&dir.join("keys"), store.clone(), Arc::new(Counting::default()), None).await
}

fn page() -> AccountName {
    "memory:cong-tin".parse().unwrap()
}

fn person() -> Actor {
    Actor::Operator("quản trị".to_owned())
}

fn secret(pairs: &[(&str, &str)]) -> Secret {
    Secret::new(pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())))
}

#[tokio::test]
async fn a_secret_comes_back_and_an_empty_value_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let store = memory();
    let vault = vault(folder.path(), &store).await.unwrap();
    assert!(matches!(vault.get(&page()).await, Err(Error::Refused { .. })));
    let first = secret(&[("token", "mật khẩu ẫ ộ"), ("app", "a")]);
    vault.put(&page(), first, person()).await.unwrap();
    vault.put(&page(), secret(&[("token", ""), ("refresh", "r1")]), person()).await.unwrap();
    let found = vault.get(&page()).await.unwrap();
    assert_eq!(found.get("token"), Some("mật khẩu ẫ ộ"));
    assert_eq!((found.get("app"), found.get("refresh")), (Some("a"), Some("r1")));
    assert_eq!(store.tail(0, 1).await.unwrap()[0].changes.actor, person());
}

#[tokio::test]
async fn no_byte_of_a_secret_is_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let clear = "EAAG-rất-bí-mật-0123456789";
    {
        let clock = Arc::new(HandClock::default());
        let store = SledStore::open(&folder.path().join("data"), clock, Options::default());
        let store: Arc<dyn Store> = Arc::new(store.unwrap());
        let vault = vault(folder.path(), &store).await.unwrap();
        vault.put(&page(), secret(&[("token", clear)]), person()).await.unwrap();
        assert!(!format!("{vault:?} {:?}", store.tail(0, 9).await.unwrap()).contains(clear));
    }
    let mut files = 0;
    let mut folders = vec![folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.ends_with("ballast") {
                continue; // Room for later, nothing written in it.
            }
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            for part in [clear, "bí-mật", "0123456789"] {
                let found = bytes.windows(part.len()).any(|window| window == part.as_bytes());
                assert!(!found, "{part} in {}", path.display());
            }
        }
    }
    assert!(files > 3, "{files}");
}

#[tokio::test]
async fn the_key_file_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = memory();
    vault(folder.path(), &store).await.unwrap();
    let path = folder.path().join("keys/vault.key");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = vault(folder.path(), &store).await.map(drop);
    assert!(
        matches!(&refused, Err(Error::Refused { why, .. }) if why.contains("chmod")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_wrong_or_missing_key_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = memory();
    let vault1 = vault(folder.path(), &store).await.unwrap();
    vault1.put(&page(), secret(&[("token", "t")]), person()).await.unwrap();
    assert_eq!(
        vault(folder.path(), &store).await.unwrap().get(&page()).await.unwrap().get("token"),
        Some("t")
    );
    let entropy = Arc::new(Counting::default());
    let keys = folder.path().join("keys");
    let wrong = Vault::open(&keys, store.clone(), entropy, Some([7; 32])).await.map(drop);
    assert!(
        matches!(&wrong, Err(Error::Corrupt { why, .. }) if why.contains("put the old")),
        "{wrong:?}"
    );
    std::fs::remove_file(keys.join("vault.key")).unwrap();
    let missing = vault(folder.path(), &store).await.map(drop);
    assert!(matches!(&missing, Err(Error::Refused { .. })), "{missing:?}");
    assert!(!keys.join("vault.key").exists(), "no new key over old secrets");
}

#[tokio::test]
async fn a_sealed_value_moved_to_another_account_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = memory();
    let vault = vault(folder.path(), &store).await.unwrap();
    vault.put(&page(), secret(&[("token", "t")]), person()).await.unwrap();
    let mut entry = store.tail(0, 1).await.unwrap().remove(0);
    let row = &mut entry.changes.rows[0];
    row.key = "memory:ke-la".to_owned();
    row.value.as_mut().unwrap()["account"] = "memory:ke-la".into();
    store.commit(entry.changes).await.unwrap();
    let stolen = vault.get(&"memory:ke-la".parse().unwrap()).await;
    assert!(matches!(stolen, Err(Error::Corrupt { .. })), "{stolen:?}");
}

#[tokio::test]
async fn a_refresh_is_marked_before_the_call_and_kept_before_its_use() {
    let folder = tempfile::tempdir().unwrap();
    let store = memory();
    let vault1 = vault(folder.path(), &store).await.unwrap();
    assert!(matches!(vault1.begin_refresh(&page()).await, Err(Error::Refused { .. })));
    vault1.put(&page(), secret(&[("refresh", "một lần")]), person()).await.unwrap();
    assert_eq!(vault1.pending_refresh(&page()).await.unwrap(), None);
    let mark = vault1.begin_refresh(&page()).await.unwrap();
    // The process dies here; the next one finds the mark and decides.
    drop(vault1);
    let vault2 = vault(folder.path(), &store).await.unwrap();
    assert_eq!(vault2.pending_refresh(&page()).await.unwrap(), Some(mark.clone()));
    assert!(matches!(vault2.begin_refresh(&page()).await, Err(Error::Refused { .. })));
    vault2.abandon_refresh(&mark).await.unwrap();
    let lost = vault2.finish_refresh(&mark, secret(&[("refresh", "cũ")])).await;
    assert!(matches!(lost, Err(Error::LeaseLost { .. })), "{lost:?}");
    let mark = vault2.begin_refresh(&page()).await.unwrap();
    let fresh = vault2.finish_refresh(&mark, secret(&[("refresh", "hai"), ("token", "")])).await;
    assert_eq!(fresh.unwrap().get("refresh"), Some("hai"));
    assert_eq!(vault2.pending_refresh(&page()).await.unwrap(), None);
    assert_eq!(vault2.get(&page()).await.unwrap().get("refresh"), Some("hai"));
}
