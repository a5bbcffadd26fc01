//! The channel as its audience sees it.

use axum::{
    Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use loa_sandbox::html::{self, Shell};
use serde::Deserialize;

use crate::{
    App,
    record::{Channel, Video},
};

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/", get(feed))
        .route("/watch", get(watch))
        .route("/shorts/{id}", get(short))
}

fn article(app: &App, video: &Video) -> String {
    let channel = app.0.book.read(|page| page.get::<Channel>("channel", &video.channel));
    let numbers = app.numbers(video, app.now());
    let poster = video.thumbnail.as_ref().map(|thumbnail| thumbnail.sha256.as_str());
    let name = channel.map(|channel| channel.title).unwrap_or_default();
    let parts = [
        "<article>".to_owned(),
        html::video(&video.media.sha256, poster),
        format!("<h2>{}</h2>", html::link(&video.url(&app.0.base), video.text("title"))),
        format!("<p class=\"meta\"><strong>{}</strong></p>", html::escape(&name)),
        html::text(video.text("description")),
        format!(
            "<p class=\"counts\"><span>{} lượt xem</span><span>{} lượt thích</span><span>{} bình luận</span></p></article>",
            numbers.views, numbers.reactions, numbers.comments
        ),
    ];
    parts.concat()
}

fn draw(app: &App, videos: &[Video]) -> Html<String> {
    let body: String = videos.iter().rev().map(|video| article(app, video)).collect();
    let body = if body.is_empty() {
        "<article><p>Kênh chưa có video nào.</p></article>".to_owned()
    } else {
        body
    };
    html::page(
        Shell { heading: "YouTube", under: "Video của kênh", colour: "#b00020" },
        "YouTube",
        &body,
    )
}

async fn feed(State(app): State<App>) -> Html<String> {
    let mut videos: Vec<Video> =
        app.videos().into_iter().filter(|video| video.seen(app.now())).collect();
    videos.sort_by_key(|video| video.public_since);
    draw(&app, &videos)
}

fn one(app: &App, id: &str) -> Response {
    match app.video(id).filter(|video| video.seen(app.now())) {
        Some(video) => draw(app, &[video]).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Deserialize)]
struct Watch {
    v: String,
}

async fn watch(State(app): State<App>, Query(asked): Query<Watch>) -> Response {
    one(&app, &asked.v)
}

async fn short(State(app): State<App>, Path(id): Path<String>) -> Response {
    one(&app, &id)
}
