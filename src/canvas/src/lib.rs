//! Fonts, Typst world, brand kits, template manifests, photos and pixels, the same bytes every time.
