//! Article to Brief, word for word, and the Brief to each channel's text.
