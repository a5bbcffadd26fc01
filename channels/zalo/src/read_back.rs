//! Finding our own articles again: newest first, same kind, same title, confirmed by the marker.

use jiff::{SignedDuration, Timestamp};
use loa_channel::{Cx, Error, ErrorKind, Lookup, Result, RetryAdvice, Scope, To};
use loa_model::{PostContent, Receipt};
use unicode_normalization::UnicodeNormalization;

use crate::{
    api::Api,
    classify,
    publish::Step,
    wire::{Detail, Kind, Listed, Slice},
};

/// The most the platform lists at once.
const PAGE: usize = 10;
/// Pages read before the list counts as too long to prove an absence.
const PAGES: usize = 30;
/// Clocks may differ, and a chain may have begun a while before its public step; the marker decides anyway.
const LOOK_BACK: SignedDuration = SignedDuration::from_mins(30);

/// What our article looks like.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) marker: &'a str,
    pub(crate) title: &'a str,
    pub(crate) since: Timestamp,
    pub(crate) kind: Kind,
}

/// Every live article with the marker.
pub(crate) async fn find(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    what: Lookup<'_>,
) -> Result<Vec<Receipt>> {
    let kind = Kind::of(what.content.format);
    let title = &what.content.title;
    let wanted = Wanted { marker: what.marker, title, since: what.since, kind };
    let known = what.ticket.and_then(|ticket| Step::of(Some(ticket), kind).ok());
    let known = known.and_then(Step::into_id);
    let mut own = match known {
        Some(id) => detail(api, cx, to, &id).await?.into_iter().collect(),
        None => Vec::new(),
    };
    own.retain(|found| is_marked(found, what.marker));
    if own.is_empty() {
        own = find_own(api, cx, to, wanted).await?;
    }
    let live = own.into_iter().filter(Detail::is_shown);
    Ok(live.map(|found| receipt(api, cx, to, &found)).collect())
}

/// Our articles with the marker, hidden ones too, oldest first.
pub(crate) async fn find_own(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    wanted: Wanted<'_>,
) -> Result<Vec<Detail>> {
    let mut own = Vec::new();
    for listed in list_since(api, cx, to, wanted).await? {
        if !is_same_title(&listed.title, wanted.title) {
            continue;
        }
        if let Some(found) = detail(api, cx, to, &listed.id).await?
            && is_marked(&found, wanted.marker)
        {
            own.push((listed.create_date.or(found.create_date), found));
        }
    }
    own.sort_by_key(|(created, _)| *created);
    Ok(own.into_iter().map(|(_, found)| found).collect())
}

/// Whether another article of the account and kind, among the newest thirty, has this title.
pub(crate) async fn find_same_title(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    content: &PostContent,
) -> Result<Option<Listed>> {
    for page in 0..3 {
        let listed = slice(api, cx, to, Kind::of(content.format), page * PAGE).await?;
        let last = listed.len() < PAGE;
        let same = listed.into_iter().find(|found| is_same_title(&found.title, &content.title));
        if same.is_some() || last {
            return Ok(same);
        }
    }
    Ok(None)
}

/// An article by id, or nothing when the platform has none.
pub(crate) async fn detail(api: &Api, cx: &Cx<'_>, to: To<'_>, id: &str) -> Result<Option<Detail>> {
    match api.get::<Detail>(cx, to, "v2.0/article/getdetail", &[("id", id)]).await {
        Ok(mut found) => {
            id.clone_into(&mut found.id);
            Ok(Some(found))
        }
        Err(error) if classify::is_no_such_article(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The newest articles of a kind, one page.
pub(crate) async fn slice(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    kind: Kind,
    offset: usize,
) -> Result<Vec<Listed>> {
    let (offset, limit) = (offset.to_string(), PAGE.to_string());
    let query = [("offset", offset.as_str()), ("limit", &limit), ("type", kind.as_str())];
    Ok(api.get::<Slice>(cx, to, "v2.0/article/getslice", &query).await?.medias)
}

async fn list_since(api: &Api, cx: &Cx<'_>, to: To<'_>, wanted: Wanted<'_>) -> Result<Vec<Listed>> {
    let from = wanted.since.checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN).as_millisecond();
    let from = u64::try_from(from).unwrap_or(0);
    let mut all: Vec<Listed> = Vec::new();
    for page in 0..PAGES {
        let listed = slice(api, cx, to, wanted.kind, page * PAGE).await?;
        let last = listed.len() < PAGE
            || listed.last().is_some_and(|oldest| oldest.create_date.is_some_and(|at| at < from));
        let known: Vec<_> = all.iter().map(|found| found.id.clone()).collect();
        all.extend(listed.into_iter().filter(|found| {
            found.create_date.is_none_or(|at| at >= from) && !known.contains(&found.id)
        }));
        if last {
            return Ok(all);
        }
    }
    // Not seen is not absent when the list was not read to its end.
    let advice =
        RetryAdvice::Later { wait: std::time::Duration::from_mins(10), scope: Scope::Post };
    let message =
        format!("more than {} articles since then, cannot look through all", PAGES * PAGE);
    Err(Error::new(ErrorKind::Unavailable, advice, message))
}

/// Proof that an article is live.
pub(crate) fn receipt(api: &Api, cx: &Cx<'_>, to: To<'_>, found: &Detail) -> Receipt {
    let url = if found.link_view.is_empty() {
        let mut page = api.config.article_page.clone();
        page.query_pairs_mut()
            .append_pair("id", &found.id)
            .append_pair("pageId", &to.account.remote_id);
        page.into()
    } else {
        found.link_view.clone()
    };
    let mut raw = serde_json::json!({
        "id": found.id, "title": found.title, "status": found.status,
        "tracking_link": found.tracking_link, "link_view": found.link_view,
        "create_date": found.create_date,
    });
    if !found.video_id.is_empty() {
        raw["video_id"] = found.video_id.as_str().into();
    }
    Receipt { remote_id: found.id.clone(), url, raw, at: cx.clock.now() }
}

/// Whether the article carries our marker, in its tracking link, in its body or, of a video, in its description.
pub(crate) fn is_marked(found: &Detail, marker: &str) -> bool {
    mentions(&found.tracking_link, marker)
        || mentions(&found.body.to_string(), marker)
        || mentions(&found.description, marker)
}

/// Whether `text` holds `marker` as a whole word: one code may begin another.
fn mentions(text: &str, marker: &str) -> bool {
    !marker.is_empty()
        && text.match_indices(marker).any(|(start, found)| {
            let before = text.get(..start).and_then(|t| t.chars().next_back());
            let after = text.get(start + found.len()..).and_then(|t| t.chars().next());
            ![before, after].into_iter().flatten().any(char::is_alphanumeric)
        })
}

fn is_same_title(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        text.nfc().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_compared_after_nfc_and_spaces() {
        let nfc = "Nghị quyết về Đường bộ: những điểm mới";
        let nfd: String = nfc.nfd().collect();
        assert_ne!(nfc, nfd);
        assert!(is_same_title(nfc, &format!("  {nfd} ")));
        assert!(!is_same_title(nfc, "Nghi quyet ve Duong bo: nhung diem moi"));
    }

    #[test]
    fn a_marker_is_a_whole_word() {
        assert!(mentions("https://p.example/l/k7f3q", "k7f3q"));
        assert!(mentions("https://p.example/l/k7f3q?x=1", "k7f3q"));
        assert!(!mentions("https://p.example/l/k7f3qx", "k7f3q"));
        assert!(!mentions("https://p.example/l/ak7f3q", "k7f3q"));
        assert!(!mentions("anything", ""));
    }
}
