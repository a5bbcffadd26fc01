//! Brief to image variants.
