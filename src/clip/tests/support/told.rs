//! A sample article as the film of a format: drawn, and ready for the child.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each user takes a part of it")]

use std::{fs, path::Path};

use loa_canvas::{Assets, Engine};
use loa_clip::{Folders, Format, Look, Request, Rung, Wanted, propose};
use loa_model::{Cancel, Storyboard};

use super::support::{self, Sample};

/// Film and folders of a sample as the engine tells it, or as a person ordered its scenes.
pub fn told(
    folder: &Path,
    sample: &Sample,
    (format, board): (Format, Option<Storyboard>),
    rungs: Vec<Rung>,
) -> Request {
    let [work, out, cache] = ["work", "out", "cache"].map(|name| folder.join(name));
    for folder in [&work, &out, &cache] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let assets = Assets::from_dir(&support::assets(), &[]).expect("the repository has assets");
    let engine = Engine::new(&assets).expect("the assets are sound");
    let photos = support::photos(&work, 1200, 1600);
    let shown = support::pictured(&[0, 1, 2]);
    let mut order = sample.order(&shown);
    order.look = Look::of(&engine, "demo").expect("the demo has a kit");
    let fixed = board.is_some();
    let board = board.unwrap_or_else(|| propose(&order, format));
    let film = loa_clip::film(
        &order,
        (format, &board, fixed),
        &[],
        (&engine, "demo"),
        &Wanted { rungs, bulletins: vec![] },
        Folders { work: &work, out: &out },
        &Cancel::new(),
    );
    let films = vec![film.expect("the sample is a film")];
    Request { films, photos, videos: vec![], cache, workers: 2 }
}
