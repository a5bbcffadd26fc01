//! Every backend keeps the contract.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::{any::Any, sync::Arc};

use loa_model::seams::SharedClock;
use loa_store::{MemoryStore, Options, SledStore, Store};

type Made = (Arc<dyn Store>, Box<dyn Any>);

fn make_memory(clock: SharedClock) -> Made {
    (Arc::new(MemoryStore::new(clock)), Box::new(()))
}

fn make_sled(clock: SharedClock) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), clock, Options::default()).unwrap();
    (Arc::new(store), Box::new(folder))
}

loa_store::conformance!(memory, make_memory);
loa_store::conformance!(sled, make_sled);
