//! Cards that are drawn by saying what was asked for.

use std::sync::Mutex;

use futures::future::BoxFuture;
use loa_web::{Cards, Drawn, Family, Wanted};
use serde_json::json;

/// Keeps what was wanted; refuses the template `hỏng`.
#[derive(Default)]
pub struct Told(pub Mutex<Vec<Wanted>>);

impl Cards for Told {
    fn draw(&self, wanted: Wanted) -> BoxFuture<'_, Result<Drawn, String>> {
        Box::pin(async move {
            if wanted.choices.template.as_deref() == Some("hỏng") {
                return Err("template hỏng: unclosed (hỏng/template.typ:7)".to_owned());
            }
            let picture = json!({ "template": "tin-nhanh", "drawn": [], "left_out": ["points.3"] });
            let wanted_focus = wanted.choices.focus;
            let alt = wanted.brief.title.text.clone();
            self.0.lock().unwrap().push(wanted);
            Ok(Drawn {
                jpeg: b"jpeg".to_vec(),
                width: 540,
                height: 675,
                alt,
                picture,
                focus: wanted_focus,
                violations: vec![],
            })
        })
    }

    fn families(&self) -> BoxFuture<'_, Result<Vec<Family>, String>> {
        let family = |id: &str, vi: &str, en: &str| Family {
            id: id.to_owned(),
            name_vi: vi.to_owned(),
            name_en: en.to_owned(),
            sizes: vec![("portrait".to_owned(), 1080, 1350), ("square".to_owned(), 1080, 1080)],
        };
        let all = vec![
            family("so-lieu", "Số liệu", "Key figures"),
            family("tin-nhanh", "Tin nhanh", "News card"),
        ];
        Box::pin(async move { Ok(all) })
    }
}
