//! For designers: draws a template into a PNG. `draw TEMPLATE BRAND WIDTHxHEIGHT DATA.json OUT.png [PHOTO] [top,right,bottom,left]`.
//!
//! Layers are laid over the photo, or over grey. The size of paper is in millimetres; `OUT.pdf` is what is printed.

use std::{error::Error, path::Path};

use loa_canvas::{Assets, Canvas, Engine, Focus, Pixels, Sheet, TemplateKind, encode, photo};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [template, brand, size, data, out, rest @ ..] = args.as_slice() else {
        return Err(
            "draw TEMPLATE BRAND WIDTHxHEIGHT DATA.json OUT.png [PHOTO|-] [top,right,bottom,left]"
                .into(),
        );
    };
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
    let engine = Engine::new(&Assets::from_dir(&assets, &[])?)?;
    let (width, height) = size.split_once('x').ok_or("write the size as 1080x1920")?;
    let mut canvas = Canvas::new(width.parse()?, height.parse()?);
    if let Some(safe) = rest.get(1) {
        let sides: Vec<u32> = safe.split(',').map(str::parse).collect::<Result<_, _>>()?;
        canvas.safe = sides.try_into().map_err(|_| "four numbers for the covered edges")?;
    }
    let data: serde_json::Value = serde_json::from_slice(&std::fs::read(data)?)?;
    let manifest = &engine.template(template)?.manifest;
    let layered = manifest.kind == TemplateKind::Layers;
    let asked = (canvas.width, canvas.height);
    let named = manifest.sizes.iter().find(|size| size.px.or(size.mm) == Some(asked));
    if let (Some(size), None) = (named, rest.get(1)) {
        canvas.safe = size.safe;
    }
    let slots = match named {
        Some(size) => size.photos.clone(),
        None => vec![(canvas.width, canvas.height)],
    };
    let mut photos = Vec::new();
    if let Some(path) = rest.first().filter(|path| *path != "-") {
        let decoded = photo::decode(&std::fs::read(path)?)?;
        for (width, height) in slots {
            let mut photo = decoded.cover(width, height, Focus::default())?;
            data["credit"].as_str().unwrap_or_default().clone_into(&mut photo.credit);
            photos.push(photo);
        }
    }
    let sheet =
        Sheet { template, brand, canvas, data: &data, photos: if layered { &[] } else { &photos } };
    let layout = engine.compose(&sheet)?;
    for problem in layout.problems() {
        #[expect(clippy::print_stderr, reason = "a designer's tool speaks to the terminal")]
        {
            eprintln!("{problem:?}");
        }
    }
    if out.rsplit_once('.').is_some_and(|(_, end)| end == "pdf") {
        std::fs::write(out, layout.pdf(template, None)?)?;
        return Ok(());
    }
    if manifest.kind == TemplateKind::Paper {
        std::fs::write(out, encode::png(&layout.pixels(0, 2.0))?)?;
        return Ok(());
    }
    let mut picture = Pixels::filled(canvas.width, canvas.height, [128, 132, 138, 255]);
    if let (true, Some(photo)) = (layered, photos.first()) {
        let rgba = photo.rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
        picture.draw(&Pixels { width: photo.width, height: photo.height, rgba });
    }
    for index in 0..layout.len() {
        picture.draw(&layout.pixels(index, 1.0));
    }
    std::fs::write(out, encode::png(&picture)?)?;
    Ok(())
}
