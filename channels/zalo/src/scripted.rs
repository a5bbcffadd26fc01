//! The platform as a test scripts it: articles and videos in memory, answers lost on order, and a worker that drives a chain.

use std::sync::{Arc, Mutex};

use loa_channel::{Channel as _, Progress, RetryAdvice};
use loa_model::{Receipt, Ticket, delivery::Effect};
use loa_net::Limits;
use serde_json::{Value, json};

use crate::{
    Config, Zalo,
    testing::{FILM, Reply, Seen, Server, World},
};

/// Id of every video that is ready.
pub(crate) const VIDEO_ID: &str = "9ec1ad31ef7c8022d96d";

/// Articles as the scripted platform holds them.
#[derive(Default)]
pub(crate) struct Platform {
    pub(crate) articles: Vec<Value>,
    /// Answers of verify, by token; taken from the front, the last one stays.
    pub(crate) verify: Vec<String>,
    /// Path whose next answer is lost after it was obeyed.
    pub(crate) lose: Option<&'static str>,
    pub(crate) created_ms: i64,
    /// File names of the uploaded videos.
    pub(crate) uploads: Vec<String>,
    /// States of every upload in their order, the last one stays.
    pub(crate) states: Vec<Value>,
}

pub(crate) type Shared = Arc<Mutex<Platform>>;

pub(crate) fn ok(data: &Value) -> String {
    json!({"error": 0, "message": "Success", "data": data}).to_string()
}

/// Name of the one file of a multipart body that holds the whole film.
fn uploaded_file(seen: &Seen) -> String {
    assert!(seen.headers["content-type"].starts_with("multipart/form-data; boundary="));
    let body = String::from_utf8_lossy(&seen.body);
    assert_eq!(body.matches("Content-Disposition").count(), 1);
    assert!(body.contains("\r\nContent-Type: video/mp4\r\n\r\n"), "{body}");
    assert!(seen.body.windows(FILM.len()).any(|part| part == FILM));
    let (_, name) = body.split_once("form-data; name=\"file\"; filename=\"").unwrap();
    name.split('"').next().unwrap().to_owned()
}

fn answer(shared: &Shared, seen: &Seen) -> Reply {
    let mut platform = shared.lock().unwrap();
    let query: std::collections::BTreeMap<String, String> =
        url::form_urlencoded::parse(seen.target.split_once('?').map_or("", |q| q.1).as_bytes())
            .into_owned()
            .collect();
    assert_eq!(seen.headers["access_token"], "ACCESSTOKENsandbox");
    let path = seen.path().to_owned();
    let body = match path.trim_start_matches("/v2.0/article/") {
        "upload_video/preparevideo" => {
            platform.uploads.push(uploaded_file(seen));
            ok(&json!({"token": format!("dmlkZW8{}==", platform.uploads.len())}))
        }
        "upload_video/verify" => {
            let last = format!("dmlkZW8{}==", platform.uploads.len());
            assert_eq!((&query["token"], &seen.headers["token"]), (&last, &last));
            let states = &mut platform.states;
            let state = if states.len() > 1 { states.remove(0) } else { states[0].clone() };
            if state["error"].is_null() { ok(&state) } else { state.to_string() }
        }
        "getslice" => {
            assert_eq!(query["limit"], "10");
            let offset: usize = query["offset"].parse().unwrap();
            let kind =
                |article: &&Value| article["type"].as_str().unwrap_or("normal") == query["type"];
            let of_kind: Vec<_> = platform.articles.iter().filter(kind).collect();
            let medias: Vec<_> = of_kind.iter().rev().skip(offset).take(10).collect();
            ok(&json!({"total": of_kind.len(), "medias": medias}))
        }
        "getdetail" => match platform.articles.iter().find(|a| a["id"] == query["id"]) {
            Some(article) => ok(article),
            None => json!({"error": -201, "message": "id is invalid"}).to_string(),
        },
        "create" => {
            let mut article = seen.json();
            let id = format!("4402c73f7e7a9724ce{:02}", platform.articles.len());
            article["id"] = json!(id);
            article["create_date"] = json!(platform.created_ms);
            article["total_view"] = json!("12");
            platform.articles.push(article);
            platform.verify = vec![
                json!({"error": -214, "message": "Article is being processed"}).to_string(),
                ok(&json!({"id": id})),
            ];
            ok(&json!({"token": "dG9rZW4=="}))
        }
        "update" => {
            let wanted = seen.json();
            let article = platform.articles.iter_mut().find(|a| a["id"] == wanted["id"]).unwrap();
            let created = article["create_date"].clone();
            *article = wanted.clone();
            article["create_date"] = created;
            article["link_view"] = json!("https://post.oa.zalo.me/d?id=x");
            let pending = r#"{"error":-214,"message":"Article is being processed"}"#.to_owned();
            platform.verify = vec![pending, ok(&json!({"id": wanted["id"]}))];
            ok(&json!({"token": "dXBkYXRl=="}))
        }
        "verify" => {
            if platform.verify.len() > 1 {
                platform.verify.remove(0)
            } else {
                platform.verify[0].clone()
            }
        }
        "remove" => {
            let id = seen.json()["id"].clone();
            let before = platform.articles.len();
            platform.articles.retain(|a| a["id"] != id);
            if platform.articles.len() == before {
                json!({"error": -201, "message": "id is invalid"}).to_string()
            } else {
                ok(&Value::Null)
            }
        }
        other => panic!("unexpected call {other}"),
    };
    if platform.lose.is_some_and(|lost| path.ends_with(lost)) {
        platform.lose = None;
        return None;
    }
    Some((200, body))
}

pub(crate) async fn start(world: &World) -> (Shared, Server, Zalo) {
    let shared = Shared::default();
    {
        let mut platform = shared.lock().unwrap();
        platform.created_ms = world.clock.0.as_millisecond();
        platform.states = vec![state(3, ""), state(3, ""), state(1, VIDEO_ID)];
    }
    let platform = shared.clone();
    let server = Server::start(move |seen| answer(&platform, seen)).await;
    let zalo =
        Zalo::new(Config { api_base: server.base.clone(), ..Config::default() }, Limits::default())
            .unwrap();
    (shared, server, zalo)
}

/// What the platform says of an uploaded video.
pub(crate) fn state(status: u8, video_id: &str) -> Value {
    json!({
        "status": status, "status_message": "as told", "video_id": video_id, "video_name": "a.mp4",
        "video_size": FILM.len(), "convert_percent": 40,
        "convert_error_code": if status == 4 { -7 } else { 0 },
    })
}

/// Drives the chain to its end as a worker would: each wait moves the clock, a lost answer is tried again.
pub(crate) async fn drive(
    zalo: &Zalo,
    world: &mut World,
    mut at: Option<Ticket>,
) -> (Receipt, Vec<String>) {
    let mut steps = Vec::new();
    for _ in 0..40 {
        let outcome = zalo.advance(&world.cx(), world.to(), world.post(), at.clone()).await;
        match outcome {
            Ok(Progress::Live(receipt)) => return (receipt, steps),
            Ok(Progress::Again { ticket, wait }) => {
                steps.push(ticket.step.clone());
                world.later(i64::try_from(wait.as_secs()).unwrap());
                at = Some(ticket);
            }
            Err(error) => {
                let effect = zalo.effect(&world.content, at.as_ref());
                // Only the calls that make or change an article leave doubt.
                let doubt = ["article/create:", "article/update:"];
                if doubt.iter().any(|call| error.message.contains(call)) {
                    assert_eq!(error.advice, RetryAdvice::Verify, "{error}");
                } else {
                    assert!(matches!(error.advice, RetryAdvice::Later { .. }), "{error}");
                }
                assert_ne!(effect, Effect::Public);
                steps.push("lost".to_owned());
                world.later(10);
            }
        }
    }
    panic!("the chain does not end: {steps:?}");
}
