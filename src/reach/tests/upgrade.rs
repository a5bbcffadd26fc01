//! Records that an earlier release wrote read as what they were, and would be written again as they were.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;

use loa_model::Record;
use loa_reach::{Rollup, Totals};
use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../store/tests/fixtures");

fn reads<R: Record>() {
    for release in fs::read_dir(FIXTURES).unwrap() {
        let records = fs::read(release.unwrap().path().join("records.json")).unwrap();
        let all: Value = serde_json::from_slice(&records).unwrap();
        let records = all[R::TABLE].as_array().unwrap();
        assert!(!records.is_empty());
        for record in records {
            let read: R = serde_json::from_value(record.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), *record, "{}", R::TABLE);
        }
        assert_eq!(R::SCHEMA, 1, "a new schema also raises the store's FORMAT");
    }
}

#[test]
fn records_of_every_release_are_read() {
    reads::<Rollup>();
    reads::<Totals>();
}
