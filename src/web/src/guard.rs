//! What every answer tells the browser to refuse.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::{Shared, auth::is_https};

/// What no page of ours uses.
const FEATURES: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), \
                        microphone=(), midi=(), payment=(), usb=()";
/// A year, in seconds.
const STRICT: &str = "max-age=31536000";

/// The policy on content: scripts and styles from our own files only, and the one style that stands in a page itself by its hash.
pub(crate) fn policy(inline_styles: &[String]) -> HeaderValue {
    let hashes = inline_styles.iter().map(|hash| format!("'sha256-{hash}'"));
    let styles: Vec<String> = std::iter::once("'self'".to_owned()).chain(hashes).collect();
    let styles = styles.join(" ");
    let policy = format!(
        "default-src 'self'; img-src 'self' data:; media-src 'self'; object-src 'none'; style-src {styles}; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    );
    HeaderValue::try_from(policy).expect("a hash in base64 is a header's value")
}

/// Puts it on an answer. `media` is what platforms show on their own pages.
pub(crate) fn put_on(app: &Shared, media: bool, headers: &mut HeaderMap) {
    let fixed = HeaderValue::from_static;
    headers.insert(header::CONTENT_SECURITY_POLICY, app.assets.policy());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    headers.insert(header::REFERRER_POLICY, fixed("same-origin"));
    headers.insert("permissions-policy", fixed(FEATURES));
    headers.insert("cross-origin-opener-policy", fixed("same-origin"));
    let who = if media { "cross-origin" } else { "same-origin" };
    headers.insert("cross-origin-resource-policy", fixed(who));
    if is_https(app) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, fixed(STRICT));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(fixed("no-store"));
}
