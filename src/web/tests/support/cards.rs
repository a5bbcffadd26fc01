//! Cards that are drawn by saying what was asked for.

use std::sync::Mutex;

use futures::future::BoxFuture;
use loa_web::{Cards, Drawn, Wanted};
use serde_json::json;

/// Keeps what was wanted; refuses the template `hỏng`.
#[derive(Default)]
pub struct Told(pub Mutex<Vec<Wanted>>);

impl Cards for Told {
    fn draw(&self, wanted: Wanted) -> BoxFuture<'_, Result<Drawn, String>> {
        Box::pin(async move {
            if wanted.template.as_deref() == Some("hỏng") {
                return Err("template hỏng: unclosed (hỏng/template.typ:7)".to_owned());
            }
            let picture = json!({ "template": "tin-nhanh", "drawn": [], "left_out": ["points.3"] });
            let alt = wanted.brief.title.text.clone();
            self.0.lock().unwrap().push(wanted);
            Ok(Drawn {
                jpeg: b"jpeg".to_vec(),
                width: 540,
                height: 675,
                alt,
                picture,
                violations: vec![],
            })
        })
    }
}
