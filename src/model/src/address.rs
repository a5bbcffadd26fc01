//! Addresses of posts as the audience sees them, and the platform's id that stands in them: data of the channel's capability.

use serde::{Deserialize, Serialize};
use url::Url;

/// One form of the addresses of posts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostAddress {
    /// Hosts that such an address is at; their subdomains count.
    pub hosts: Vec<String>,
    /// Path and, behind `?`, the one parameter that matters: `/*/posts/{id}`, `/watch?v={id}`. `*` stands for any one segment.
    pub at: String,
    /// The platform's id of the post, made of `{id}` and `{account}`, the platform's id of the account.
    #[serde(default = "plain")]
    pub id: String,
}

fn plain() -> String {
    "{id}".to_owned()
}

impl PostAddress {
    /// Whether a host is one of them or below one.
    pub fn is_at(&self, host: &str) -> bool {
        let below = |of: &String| {
            host.strip_suffix(of.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.hosts.iter().any(below)
    }

    /// The id of the post at this address of an account; nothing when the address has another form.
    pub fn id_in(&self, url: &Url, account: &str) -> Option<String> {
        if !url.host_str().is_some_and(|host| self.is_at(host)) {
            return None;
        }
        let (path, query) = self.at.split_once('?').unwrap_or((&self.at, ""));
        let segments = |path: &str| -> Vec<String> {
            path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let (asked, given) = (segments(path), segments(url.path()));
        if asked.len() != given.len() {
            return None;
        }
        let mut found = None;
        for (asked, given) in asked.iter().zip(given) {
            match asked.as_str() {
                "{id}" => found = Some(given),
                "*" => {}
                fixed if fixed == given => {}
                _ => return None,
            }
        }
        if let Some((name, _)) = query.split_once('=') {
            let mut pairs = url.query_pairs();
            found = pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        }
        // What is made of an id is an address again: nothing that could lead elsewhere in it.
        let is_id = |id: &String| {
            !id.is_empty()
                && id.len() <= 128
                && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        let found = found.filter(is_id)?;
        let composed = self.id != plain();
        // A composed id is made of numbers: a name in the place of one is an alias that the platform's calls do not know.
        if composed && !found.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        Some(self.id.replace("{account}", account).replace("{id}", &found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_read_out_of_addresses_of_the_form_and_of_no_others() {
        let form = |at: &str, id: &str| PostAddress {
            hosts: vec!["site.example".into()],
            at: at.into(),
            id: id.into(),
        };
        let posts = form("/*/posts/{id}", "{account}_{id}");
        let watch = form("/watch?v={id}", "{id}");
        for (form, url, expected) in [
            (&posts, "https://site.example/1022/posts/77", Some("1022_77")),
            (&posts, "https://site.example/ten-trang/posts/77/?ref=a", Some("1022_77")),
            (&posts, "https://m.site.example/1022/posts/77", Some("1022_77")),
            (&posts, "https://other.example/1022/posts/77", None),
            (&posts, "https://notsite.example/1022/posts/77", None),
            (&posts, "https://site.example.other/1022/posts/77", None),
            (&posts, "https://site.example/ten-trang/posts/pfbid02abc", None),
            (&posts, "https://site.example/1022/photos/77", None),
            (&posts, "https://site.example/1022/posts/77/more", None),
            (&posts, "https://site.example/", None),
            (&watch, "https://site.example/watch?t=1&v=a_B-9", Some("a_B-9")),
            (&watch, "https://site.example/watch?v=a%2Fb", None),
            (&watch, "https://site.example/watch?v=", None),
            (&watch, "https://site.example/watch", None),
        ] {
            let url = Url::parse(url).expect("addresses of this table are whole");
            assert_eq!(form.id_in(&url, "1022").as_deref(), expected, "{url}");
        }
    }
}
