//! Drawings that are SVG already, such as charts of reports, as pixels in our fonts.

use std::sync::Arc;

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{ImageHrefResolver, Options, Tree, fontdb::Database},
};

use crate::{Engine, Error, Pixels, Result};

/// Most pixels on a side.
const MOST: u32 = 8192;

impl Engine {
    /// An SVG on white, `width` pixels wide and as high as its shape asks. Words are set in our fonts, whatever family it names; it
    /// shows no picture and reads no file.
    ///
    /// # Errors
    /// [`Error::Encode`] when it is no SVG, or larger than 8192 pixels on a side.
    pub fn picture(&self, svg: &str, width: u32) -> Result<Pixels> {
        let failed = |problem: String| Error::Encode { format: "svg", problem };
        let mut fonts = Database::new();
        for file in self.plain_fonts() {
            fonts.load_font_data(file);
        }
        let family = fonts.faces().next().and_then(|face| face.families.first());
        if let Some(family) = family.map(|(name, _)| name.clone()) {
            fonts.set_sans_serif_family(&family);
            fonts.set_serif_family(family);
        }
        let options = Options {
            fontdb: Arc::new(fonts),
            image_href_resolver: ImageHrefResolver {
                resolve_data: Box::new(|_, _, _| None),
                resolve_string: Box::new(|_, _| None),
            },
            ..Options::default()
        };
        let tree = Tree::from_str(svg, &options).map_err(|error| failed(error.to_string()))?;
        let size = tree.size().to_int_size().scale_to_width(width);
        let size = size.filter(|size| size.width() <= MOST && size.height() <= MOST);
        let size = size.ok_or_else(|| failed("it has no size that can be drawn".to_owned()))?;
        let canvas = Pixmap::new(size.width(), size.height());
        let mut canvas = canvas.ok_or_else(|| failed("it has no size".to_owned()))?;
        canvas.fill(resvg::tiny_skia::Color::WHITE);
        let (across, down) = (
            pixels(size.width()) / tree.size().width(),
            pixels(size.height()) / tree.size().height(),
        );
        resvg::render(&tree, Transform::from_scale(across, down), &mut canvas.as_mut());
        Ok(Pixels { width: size.width(), height: size.height(), rgba: canvas.take() })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a side has at most 8192 pixels")]
fn pixels(side: u32) -> f32 {
    side as f32
}
