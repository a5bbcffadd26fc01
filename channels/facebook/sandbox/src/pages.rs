//! What the audience sees in a browser.

use std::fmt::Write;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use loa_sandbox::{Page as Leaf, html, html::Shell};

use crate::{
    App,
    record::{PageRecord, Photo, Post, Video},
};

const COLOUR: &str = "#0b5fcc";

/// The page at a path: found, missing, or no path of a page at all.
pub(crate) fn page(app: &App, path: &[String]) -> Option<Response> {
    let one_post = match path {
        [kind, _] => matches!(kind.as_str(), "reel" | "photo"),
        [_, posts, _] => posts == "posts",
        _ => false,
    };
    found(app, path).or_else(|| one_post.then(missing))
}

/// What people see of a post that is not out, or not any more.
fn missing() -> Response {
    let heading = "Nội dung này hiện không xem được";
    let shell = Shell { heading, under: "", colour: COLOUR };
    let body = "<article><p>Bài viết chưa được đăng, đã bị gỡ hoặc không tồn tại.</p></article>";
    (StatusCode::NOT_FOUND, html::page(shell, heading, body)).into_response()
}

fn found(app: &App, path: &[String]) -> Option<Response> {
    let now = app.ground.clock.now();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    app.ground.book.read(|leaf| {
        let posts: Vec<(String, Post)> = leaf.list("post");
        let mut posts: Vec<Post> = posts.into_iter().map(|(_, post)| post).collect();
        posts.retain(|post| post.visible(now));
        posts.sort_by(|a, b| (b.out_at(), &b.id).cmp(&(a.out_at(), &a.id)));
        let (heading, under) = match path.as_slice() {
            [] => ("Bảng tin".to_owned(), "Các Trang thử nghiệm".to_owned()),
            ["reel", video] => {
                posts.retain(|post| post.video.as_deref() == Some(*video));
                heading(app, leaf, posts.first()?)?
            }
            ["photo", photo] => {
                posts.retain(|post| post.photos.iter().any(|id| id == photo));
                heading(app, leaf, posts.first()?)?
            }
            [page, "posts", number] => {
                posts.retain(|post| post.page == *page && post.number() == *number);
                heading(app, leaf, posts.first()?)?
            }
            [page] => {
                let found = leaf.get::<PageRecord>("page", page)?;
                posts.retain(|post| post.page == *page);
                let followers = app.followers(&found, now);
                (found.name, format!("{} người theo dõi", html::count(followers)))
            }
            _ => return None,
        };
        let mut body = String::new();
        for post in &posts {
            body.push_str(&article(app, leaf, post));
        }
        if posts.is_empty() {
            body.push_str("<article><p class=\"meta\">Chưa có bài viết nào.</p></article>");
        }
        let shell = Shell { heading: &heading, under: &under, colour: COLOUR };
        Some(html::page(shell, &heading, &body).into_response())
    })
}

fn heading(app: &App, leaf: &Leaf, post: &Post) -> Option<(String, String)> {
    let page = leaf.get::<PageRecord>("page", &post.page)?;
    let followers = app.followers(&page, app.ground.clock.now());
    Some((page.name, format!("{} người theo dõi", html::count(followers))))
}

fn article(app: &App, leaf: &Leaf, post: &Post) -> String {
    let now = app.ground.clock.now();
    let name = leaf.get::<PageRecord>("page", &post.page).map(|page| page.name).unwrap_or_default();
    let when = post
        .out_at()
        .and_then(|at| at.in_tz("Asia/Ho_Chi_Minh").ok())
        .map(|at| at.strftime("%H:%M %d/%m/%Y").to_string())
        .unwrap_or_default();
    let mut out = String::from("<article>");
    let here = html::link(&post.url(""), &when);
    write!(out, "<strong>{}</strong><p class=\"meta\">{here}</p>", html::escape(&name))
        .expect("a string");
    if !post.message.is_empty() {
        out.push_str(&html::text(&post.message));
    }
    for photo in post.photos.iter().filter_map(|id| leaf.get::<Photo>("photo", id)) {
        out.push_str(&html::picture(&photo.file.sha256, photo.alt.as_deref().unwrap_or("")));
    }
    if let Some(video) = post.video.as_ref().and_then(|id| leaf.get::<Video>("video", id))
        && let Some(file) = &video.file
    {
        let poster = video.thumbnail.as_ref().map(|file| file.sha256.as_str());
        out.push_str(&html::video(&file.sha256, poster));
    }
    if let Some(link) = post.link.as_ref().filter(|_| post.photos.is_empty()) {
        write!(out, "<div class=\"card\">{}</div>", html::link(link, link)).expect("a string");
    }
    let numbers = app.numbers_in(leaf, post, now);
    write!(
        out,
        "<div class=\"counts\"><span>{} lượt xem</span><span>{} cảm xúc</span><span>{} bình luận</span>\
         <span>{} chia sẻ</span></div></article>",
        html::count(numbers.views),
        html::count(numbers.reactions),
        html::count(numbers.comments),
        html::count(numbers.shares),
    )
    .expect("a string");
    out
}
