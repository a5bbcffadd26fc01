//! What can go wrong between data and pixels.

/// Why nothing was drawn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the assets cannot be used.
    #[error("asset {path}: {problem}")]
    Asset {
        /// Path inside the assets.
        path: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// No usable font was handed in.
    #[error(
        "no font was handed in: run make setup, it puts Be Vietnam Pro into assets/vendor/fonts"
    )]
    NoFonts,
    /// There is no such template.
    #[error("no template {0:?}: look in assets/templates")]
    UnknownTemplate(String),
    /// There is no such brand kit.
    #[error("no brand kit {0:?}: look in assets/brands")]
    UnknownBrand(String),
    /// A brand kit whose text could not be read on its own colours.
    #[error(
        "brand {brand}: {ink} on {paper} has a contrast of {ratio:.2}:1, at least {least}:1 is needed"
    )]
    Contrast {
        /// Brand kit.
        brand: String,
        /// Name of the text colour.
        ink: &'static str,
        /// Name of the colour behind it.
        paper: &'static str,
        /// Contrast found, WCAG 2.
        ratio: f64,
        /// Contrast needed.
        least: f64,
    },
    /// A canvas nobody should ask for.
    #[error("canvas {width}x{height}: each side must be {least}–{most} px")]
    Canvas {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Least side.
        least: u32,
        /// Greatest side.
        most: u32,
    },
    /// The template did not compile or broke its promise about pages.
    #[error("template {template}: {problem}")]
    Template {
        /// Template.
        template: String,
        /// The compiler's words.
        problem: String,
    },
    /// A photo that cannot be used.
    #[error("photo: {0}")]
    Photo(String),
    /// The address does not fit a QR code.
    #[error("qr code: {0:?} is too long")]
    Qr(String),
    /// An encoder gave up.
    #[error("encode {format}: {problem}")]
    Encode {
        /// Format.
        format: &'static str,
        /// The encoder's words.
        problem: String,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
