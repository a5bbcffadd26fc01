//! QR codes with whole pixels per module: a camera reads them, and so does a test.

use fast_qr::{ECL, QRBuilder};

use crate::{Error, Result};

/// Clear modules around the code: the standard asks for four.
const QUIET: usize = 4;

/// A QR code, one byte a module: 0 dark, 255 light, quiet zone included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qr {
    /// Modules a side.
    pub side: u32,
    /// `side × side` bytes.
    pub luma: Vec<u8>,
}

/// Encodes `text` with medium error correction (15 % may be lost).
///
/// # Errors
/// [`Error::Qr`] when the text is longer than any QR code holds.
pub fn modules(text: &str) -> Result<Qr> {
    let code = QRBuilder::new(text).ecl(ECL::M).build().map_err(|_| Error::Qr(text.to_owned()))?;
    let side = code.size + 2 * QUIET;
    let mut luma = vec![255; side * side];
    for y in 0..code.size {
        for x in 0..code.size {
            if code[y][x].value() {
                luma[(y + QUIET) * side + x + QUIET] = 0;
            }
        }
    }
    Ok(Qr { side: u32::try_from(side).unwrap_or(u32::MAX), luma })
}

impl Qr {
    /// The code with `module` pixels a module, one byte a pixel.
    pub fn enlarged(&self, module: u32) -> Vec<u8> {
        let module = module as usize;
        let mut luma = Vec::with_capacity(self.luma.len() * module * module);
        for row in self.luma.chunks_exact(self.side as usize) {
            let wide: Vec<u8> = row.iter().flat_map(|&l| std::iter::repeat_n(l, module)).collect();
            luma.extend(wide.repeat(module));
        }
        luma
    }
}
