//! Cards that are drawn by saying what was asked for.

use std::{io::Cursor, sync::Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use image::ImageFormat;
use loa_model::{Actor, OwnTemplate};
use loa_web::{Cards, Drawn, Family, Refused, Wanted};
use serde_json::json;

/// Keeps what was wanted and the templates of agencies; refuses the template `hỏng`. Answers with a picture, or with the word.
#[derive(Default)]
pub struct Told(pub Mutex<Vec<Wanted>>, pub Mutex<Vec<OwnTemplate>>, pub Option<Vec<u8>>);

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
                jpeg: self.2.clone().unwrap_or_else(|| b"jpeg".to_vec()),
                width: 540,
                height: 675,
                alt,
                picture,
                focus: wanted_focus,
                violations: vec![],
            })
        })
    }

    /// A real one where it is a real picture.
    fn small(&self, picture: Bytes, width: u32) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let whole = image::load_from_memory(&picture).map_err(|error| error.to_string())?;
            let mut made = Cursor::new(Vec::new());
            let small = whole.thumbnail(width, u32::MAX).into_rgb8();
            small.write_to(&mut made, ImageFormat::Jpeg).map_err(|error| error.to_string())?;
            Ok(made.into_inner())
        })
    }

    fn families<'a>(&'a self, agency: &'a str) -> BoxFuture<'a, Result<Vec<Family>, String>> {
        let own = self.1.lock().unwrap().clone().into_iter();
        let own = own.filter(|own| own.agency == agency).map(|own| Family {
            id: own.id(),
            name_vi: "Mẫu của cơ quan".to_owned(),
            name_en: "Our own".to_owned(),
            sizes: vec![("portrait".to_owned(), 1080, 1350)],
            own: Some(own.digest),
        });
        let own: Vec<_> = own.collect();
        let family = |id: &str, vi: &str, en: &str| Family {
            id: id.to_owned(),
            name_vi: vi.to_owned(),
            name_en: en.to_owned(),
            sizes: vec![("portrait".to_owned(), 1080, 1350), ("square".to_owned(), 1080, 1080)],
            own: None,
        };
        let all = vec![
            family("so-lieu", "Số liệu", "Key figures"),
            family("tin-nhanh", "Tin nhanh", "News card"),
        ];
        Box::pin(async move { Ok(all.into_iter().chain(own).collect()) })
    }

    fn keep(&self, template: OwnTemplate) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async move {
            if template.files["template.typ"].contains("hỏng") {
                let why = "own/x: unclosed (own/x/template.typ:7)".to_owned();
                return Err(Refused { why, findings: vec!["typical portrait: chật".to_owned()] });
            }
            self.1.lock().unwrap().push(template);
            Ok(())
        })
    }

    fn remove<'a>(
        &'a self,
        agency: &'a str,
        name: &'a str,
        _by: Actor,
    ) -> BoxFuture<'a, Result<bool, String>> {
        Box::pin(async move {
            let mut own = self.1.lock().unwrap();
            let before = own.len();
            own.retain(|own| (own.agency.as_str(), own.name.as_str()) != (agency, name));
            Ok(own.len() < before)
        })
    }
}
