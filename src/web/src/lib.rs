//! Inbound HTTP: pages, previews, JSON API, sign-in, public media and short links.
