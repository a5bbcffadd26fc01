//! URL, feed, HTML, JSON, Markdown to Article.
