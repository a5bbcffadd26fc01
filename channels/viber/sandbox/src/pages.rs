//! The channel as its audience sees it.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use loa_sandbox::html::{self, Shell};

use crate::{
    App,
    record::{Channel, Post},
};

pub(crate) fn router() -> Router<App> {
    Router::new().route("/", get(feed)).route("/post/{token}", get(one))
}

fn article(app: &App, post: &Post, channels: &[Channel]) -> String {
    let channel = channels.iter().find(|channel| channel.id == post.channel);
    let name = channel.map_or("", |channel| channel.name.as_str());
    let author =
        channel.and_then(|channel| channel.members.iter().find(|member| member.id == post.from));
    let by = author.map_or("", |member| member.name.as_str());
    let at = post
        .at
        .to_zoned(jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh").unwrap_or(jiff::tz::TimeZone::UTC));
    let mut body = format!(
        "<article><p class=\"meta\"><strong>{}</strong> · {} · {}</p>",
        html::escape(name),
        html::escape(by),
        at.strftime("%H:%M %d/%m/%Y"),
    );
    for file in post.files.iter().filter(|file| file.role != "thumbnail") {
        match (&file.media, file.role.as_str()) {
            (Some(media), "video") => body.push_str(&html::video(&media.sha256, None)),
            (Some(media), _) => body.push_str(&html::picture(&media.sha256, "")),
            (None, _) => body.push_str("<p class=\"meta\">Tệp chưa tải được</p>"),
        }
    }
    body.push_str(&html::text(&post.text));
    let permalink = format!("{}/post/{}", app.0.base, post.token);
    body + "<p class=\"meta\">" + &html::link(&permalink, "Mở bài") + "</p></article>"
}

fn draw(app: &App, posts: &[Post]) -> Html<String> {
    let channels = app.channels();
    let shell = Shell { heading: "Viber", under: "Kênh cộng đồng", colour: "#59489c" };
    let mut body = String::new();
    for post in posts.iter().rev() {
        body.push_str(&article(app, post, &channels));
    }
    if posts.is_empty() {
        body.push_str("<article><p>Kênh chưa có bài nào.</p></article>");
    }
    html::page(shell, "Viber", &body)
}

async fn feed(State(app): State<App>) -> Html<String> {
    draw(&app, &app.all_posts())
}

async fn one(State(app): State<App>, Path(token): Path<String>) -> Response {
    let posts: Vec<Post> =
        app.all_posts().into_iter().filter(|post| post.token.to_string() == token).collect();
    if posts.is_empty() {
        StatusCode::NOT_FOUND.into_response()
    } else {
        draw(&app, &posts).into_response()
    }
}
