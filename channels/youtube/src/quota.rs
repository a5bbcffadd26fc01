//! What a call takes of the day's allowances. Quota calculator, checked 2026-11-22; limits are in `capability.toml`.

use loa_channel::Usage;
use loa_net::{Method, Request};

/// The allowance a request takes from, and how much; nothing for the bytes of an upload. A refused request counts as well.
pub(crate) fn price(request: &Request) -> Option<Usage> {
    let path = request.url.path();
    let (_, resource) = path.split_once("youtube/v3/")?;
    let upload = path.contains("upload/");
    let (bucket, units) = match (&request.method, resource) {
        (&Method::POST, "videos") if upload => ("uploads", 1),
        (&Method::PUT, "videos") if upload => return None,
        (&Method::GET, "videos:batchGetStats") => ("statistics", 1),
        (&Method::GET, "captions") => ("units", 50),
        (&Method::GET, _) => ("units", 1),
        (&Method::POST, "captions") => ("units", 400),
        _ => ("units", 50),
    };
    Some(Usage::Spent { bucket, units })
}

#[cfg(test)]
mod tests {
    use loa_model::Capability;

    use super::*;

    #[test]
    fn each_call_has_its_price_in_an_allowance_of_the_capability() {
        let capability = Capability::from_toml(include_str!("../capability.toml")).unwrap();
        for (method, path, wanted) in [
            (Method::POST, "upload/youtube/v3/videos?uploadType=resumable", Some(("uploads", 1))),
            (Method::PUT, "upload/youtube/v3/videos?upload_id=x", None),
            (Method::PUT, "upload/session?upload_id=x", None),
            (Method::POST, "upload/youtube/v3/thumbnails/set?videoId=x", Some(("units", 50))),
            (Method::POST, "upload/youtube/v3/captions?part=snippet", Some(("units", 400))),
            (Method::PUT, "youtube/v3/videos?part=status", Some(("units", 50))),
            (Method::DELETE, "youtube/v3/videos?id=x", Some(("units", 50))),
            (Method::GET, "youtube/v3/videos?id=x", Some(("units", 1))),
            (Method::GET, "youtube/v3/playlistItems", Some(("units", 1))),
            (Method::GET, "youtube/v3/videos:batchGetStats?id=x", Some(("statistics", 1))),
        ] {
            let url = format!("http://127.0.0.1/{path}").parse().unwrap();
            let told = price(&Request::new(method, url));
            let wanted = wanted.map(|(bucket, units)| Usage::Spent { bucket, units });
            assert_eq!(told, wanted, "{path}");
            if let Some(Usage::Spent { bucket, .. }) = told {
                assert!(capability.pace.quotas.iter().any(|quota| quota.bucket == bucket));
            }
        }
    }
}
