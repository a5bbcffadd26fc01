//! What went wrong in a machine, as people say it. Errors are sentences for the log; which kind they are is seen in them.

/// Sentences of errors by parts of them that no other error has, with the key of their words. The first that fits counts.
const KINDS: &[(&[&str], &str)] = &[
    (&["cannot resolve "], "machine.dns"),
    (&["; check that the article is public"], "ingest_error.status"),
    (&[" is larger than ", "; give a smaller file"], "ingest_error.too_large"),
    (&[" came incomplete (no </html>)"], "ingest_error.truncated"),
    (&["no answer within "], "machine.slow"),
    (&["(nothing was sent)"], "machine.unreached"),
    (&["(the request may have arrived)"], "machine.broken"),
    (&["connection lost after the bytes were sent"], "machine.broken"),
    (&["cannot fetch "], "ingest_error.fetch"),
    (&[" is of an unknown kind; give "], "ingest_error.unknown_kind"),
    (&[" is a feed; read it as a feed"], "ingest_error.is_feed"),
    (&["the text is not in a known encoding"], "ingest_error.encoding"),
    (&["the page nests more than "], "ingest_error.too_deep"),
    (&["no headline was found; "], "ingest_error.no_title"),
    (&["no article text was found; "], "ingest_error.empty_body"),
    (&["the JSON is not an article: "], "ingest_error.json"),
    (&["front matter line "], "ingest_error.front_matter"),
    (&["the feed has more than "], "ingest_error.too_many"),
    (&["not an RSS or Atom feed: "], "ingest_error.feed"),
    (&["cannot read "], "ingest_error.file"),
    (&["read-back did not find it"], "machine.absent"),
    (&["read-back found several"], "machine.several"),
    (&["the time window passed"], "machine.late"),
    (&["called off while it was sent"], "machine.called_off"),
    (&["the worker was lost "], "machine.silent"),
    (&[" went silent"], "machine.silent"),
    (&["killed after ", " on the clock"], "machine.too_long"),
    (&["the child died ("], "machine.child"),
    (&["the child broke the protocol"], "machine.child"),
    (&["No space left on device"], "machine.disk_full"),
    (&["store failed: "], "machine.disk"),
    (&["voice ", ": "], "machine.voice"),
    (&["; shorten the passage"], "machine.does_not_fit"),
    (&["timeline: "], "machine.clip"),
    (&["encode ", ": "], "machine.clip"),
    (&["video: "], "machine.clip"),
    (&["photo ", " cannot be used: "], "machine.photo"),
    (&["nothing can be drawn: "], "machine.engine"),
    (&["the article changed; compose the post"], "why.article_changed"),
    (&["taking a post back is not offered by this channel"], "machine.no_retract"),
];

/// The key of the words for an error, when it is one of ours.
pub(crate) fn words(error: &str) -> Option<&'static str> {
    // Words in Vietnamese are a person's, or are for people already.
    if !error.is_ascii() && error.chars().any(|c| "ạảãáàăâđêôơưếệểềễ".contains(c))
    {
        return None;
    }
    let fits = |(parts, _): &&(&[&str], &str)| parts.iter().all(|part| error.contains(part));
    KINDS.iter().find(fits).map(|(_, key)| *key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_reading_say_what_they_are() {
        use loa_ingest::Error;
        let url = || "https://minhhoa.example/a".to_owned();
        let fetch = |why: &str| Error::Fetch { url: url(), why: why.to_owned(), again: true };
        let dns = "cannot resolve minhhoa.example: failed to lookup address (nothing was sent)";
        for (error, key) in [
            (fetch(dns), "machine.dns"),
            (fetch("https://minhhoa.example/a: closed (nothing was sent)"), "machine.unreached"),
            (fetch("https://minhhoa.example/a: no answer within 9000 ms"), "machine.slow"),
            (fetch("https://minhhoa.example/a: what else"), "ingest_error.fetch"),
            (Error::Status { url: url(), status: 404 }, "ingest_error.status"),
            (Error::TooLarge { what: url(), limit: 5 }, "ingest_error.too_large"),
            (Error::Truncated { url: url() }, "ingest_error.truncated"),
            (Error::UnknownKind { what: url() }, "ingest_error.unknown_kind"),
            (Error::IsFeed { what: url() }, "ingest_error.is_feed"),
            (Error::Encoding, "ingest_error.encoding"),
            (Error::TooDeep { limit: 9 }, "ingest_error.too_deep"),
            (Error::NoTitle, "ingest_error.no_title"),
            (Error::EmptyBody, "ingest_error.empty_body"),
            (Error::Json("x".to_owned()), "ingest_error.json"),
            (Error::FrontMatter { line: 1, why: "x".to_owned() }, "ingest_error.front_matter"),
            (Error::TooMany { limit: 9 }, "ingest_error.too_many"),
            (Error::Feed("x".to_owned()), "ingest_error.feed"),
            (Error::File { path: "/a".into(), why: "x".to_owned() }, "ingest_error.file"),
        ] {
            assert_eq!(words(&error.to_string()), Some(key), "{error}");
        }
    }

    #[test]
    fn what_a_person_or_a_platform_says_is_quoted() {
        for said in
            ["Sửa số xã", "Error 2500: unknown path components", "", "Đọc lại: cannot fetch"]
        {
            assert_eq!(words(said), None, "{said}");
        }
    }
}
