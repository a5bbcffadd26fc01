//! What people see in a browser: articles, the account's list, and the consent page.

use std::fmt::Write;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use loa_sandbox::{Incoming, html, html::Shell};
use url::Url;

use crate::{
    App,
    article::{Block, Cover},
    record::{Article, Oa},
};

const COLOUR: &str = "#0068d6";

/// The page of a request, if it asks for one.
pub(crate) fn page(app: &App, incoming: &Incoming) -> Option<Response> {
    if incoming.method != "GET" {
        return None;
    }
    let path: Vec<&str> = incoming.path.split('/').filter(|part| !part.is_empty()).collect();
    match path.as_slice() {
        [] => Some(list(app, None)),
        ["oa", id] => Some(list(app, Some(id))),
        ["d"] => Some(one(app, incoming.field("id").unwrap_or_default())),
        ["v4", "oa", "permission"] => Some(consent(app, incoming)),
        _ => None,
    }
}

fn shown(shell: Shell<'_>, title: &str, body: &str) -> Response {
    html::page(shell, title, body).into_response()
}

fn list(app: &App, only: Option<&str>) -> Response {
    app.settle();
    let accounts: Vec<(String, Oa)> = app.ground.book.read(|leaf| leaf.list("oa"));
    let articles: Vec<(String, Article)> = app.ground.book.read(|leaf| leaf.list("article"));
    let mut articles: Vec<_> = articles
        .into_iter()
        .filter(|(_, article)| article.visible() && only.is_none_or(|oa| article.oa == oa))
        .collect();
    articles.sort_by_key(|(_, article)| std::cmp::Reverse(article.created_at));
    let account = only.and_then(|oa| accounts.iter().find(|(id, _)| id == oa));
    let heading =
        account.map_or("Bài viết của các OA thử nghiệm", |(_, oa)| oa.name.as_str());
    let under = account
        .map(|(id, oa)| format!("{} người quan tâm", html::count(app.followers(id, oa))))
        .unwrap_or_default();
    let mut body = String::new();
    for (id, article) in &articles {
        let name = accounts.iter().find(|(oa, _)| *oa == article.oa).map_or("", |(_, oa)| &oa.name);
        let title = html::link(&article.url(id, ""), &article.content.title);
        write!(
            body,
            "<article>{}<h2>{title}</h2><p>{}</p><p class=\"meta\">{} · {}</p></article>",
            picture(article, &["cover", "avatar"]),
            html::escape(&article.content.description),
            html::escape(name),
            when(article.shown_at),
        )
        .expect("a string");
    }
    if articles.is_empty() {
        body.push_str("<article><p class=\"meta\">Chưa có bài viết nào.</p></article>");
    }
    shown(Shell { heading, under: &under, colour: COLOUR }, heading, &body)
}

fn one(app: &App, id: &str) -> Response {
    app.settle();
    let article = app.ground.book.read(|leaf| leaf.get::<Article>("article", id));
    let article = article.filter(Article::visible);
    let account = article
        .as_ref()
        .and_then(|article| app.ground.book.read(|leaf| leaf.get::<Oa>("oa", &article.oa)));
    let (Some(article), Some(account)) = (article, account) else {
        let heading = "Bài viết không tồn tại";
        let shell = Shell { heading, under: "", colour: COLOUR };
        let body = "<article><p>Bài viết đang ẩn, đã bị gỡ hoặc không tồn tại.</p></article>";
        return (StatusCode::NOT_FOUND, html::page(shell, heading, body)).into_response();
    };
    let content = &article.content;
    let mut body = format!("<article><h1>{}</h1>", html::escape(&content.title));
    let by = [content.author.as_str(), &when(article.shown_at)].join(" · ");
    write!(body, "<p class=\"meta\">{}</p>", html::escape(&by)).expect("a string");
    let shows_cover = !matches!(&content.cover, Some(Cover::Photo { status, .. } | Cover::Video { status, .. }) if status == "hide");
    if shows_cover {
        body.push_str(&picture(&article, &["cover"]));
    }
    write!(body, "<p><strong>{}</strong></p>", html::escape(&content.description))
        .expect("a string");
    let mut images = article.files.iter().filter(|file| file.role == "image");
    let mut videos = article.files.iter().filter(|file| file.role == "video");
    for block in &content.body {
        match block {
            Block::Text { content } => body.push_str(&simple_html(content)),
            Block::Image { caption, .. } => {
                let caption = caption.as_deref().unwrap_or("");
                if let Some(file) = images.next() {
                    body.push_str(&html::picture(&file.sha256, caption));
                }
                write!(body, "<p class=\"meta\">{}</p>", html::escape(caption)).expect("a string");
            }
            Block::Video { url: Some(url), .. } => body.push_str(&html::link(url, url)),
            Block::Video { .. } => {
                body.extend(videos.next().map(|file| html::video(&file.sha256, None)));
            }
            Block::Product { id } => {
                write!(body, "<div class=\"card\">Sản phẩm {}</div>", html::escape(id))
                    .expect("a string");
            }
        }
    }
    if content.kind == "video" {
        let poster = article.files.iter().find(|file| file.role == "avatar");
        let poster = poster.map(|file| file.sha256.as_str());
        body.extend(videos.next().map(|file| html::video(&file.sha256, poster)));
    }
    let numbers = app.numbers(id, &article, &account, app.ground.clock.now());
    write!(
        body,
        "<div class=\"counts\"><span>{} lượt xem</span><span>{} lượt chia sẻ</span></div></article>",
        html::count(numbers.views),
        html::count(numbers.shares),
    )
    .expect("a string");
    let under = format!("{} người quan tâm", html::count(app.followers(&article.oa, &account)));
    shown(Shell { heading: &account.name, under: &under, colour: COLOUR }, &content.title, &body)
}

/// The first file of one of these roles.
fn picture(article: &Article, roles: &[&str]) -> String {
    let file = article.files.iter().find(|file| roles.contains(&file.role.as_str()));
    file.map(|file| html::picture(&file.sha256, &article.content.title)).unwrap_or_default()
}

fn when(at: Option<Timestamp>) -> String {
    at.and_then(|at| at.in_tz("Asia/Ho_Chi_Minh").ok())
        .map(|at| at.strftime("%H:%M %d/%m/%Y").to_string())
        .unwrap_or_default()
}

/// The sign-in page: one code for each account, good for ten minutes.
fn consent(app: &App, incoming: &Incoming) -> Response {
    let heading = "Cấp quyền cho ứng dụng";
    let shell = Shell { heading, under: "", colour: COLOUR };
    let redirect = incoming.field("redirect_uri").and_then(|uri| Url::parse(uri).ok());
    let (Some(redirect), true) =
        (redirect, incoming.field("app_id") == Some(app.client_id.as_str()))
    else {
        let body = "<article><p>Lỗi -14003: redirect_uri hoặc app_id không đúng.</p></article>";
        return (StatusCode::BAD_REQUEST, html::page(shell, heading, body)).into_response();
    };
    let challenge = incoming.field("code_challenge").unwrap_or_default();
    let now = app.ground.clock.now();
    let accounts: Vec<(String, Oa)> = app.ground.book.read(|leaf| leaf.list("oa"));
    let mut body =
        String::from("<article><p>Chọn Official Account cho phép ứng dụng quản lý bài viết:</p>");
    for (id, oa) in &accounts {
        let Some(code) = app.consent(id, challenge, now) else { continue };
        let mut to = redirect.clone();
        to.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("oa_id", id)
            .append_pair("state", incoming.field("state").unwrap_or_default());
        write!(body, "<p>{}</p>", html::link(to.as_str(), &oa.name)).expect("a string");
    }
    body.push_str("</article>");
    shown(shell, heading, &body)
}

/// A paragraph with the few tags the platform keeps; everything else becomes text or goes.
fn simple_html(source: &str) -> String {
    let mut out = String::from("<div class=\"text\">");
    let mut rest = source;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(&decoded(before));
        let Some((tag, after)) = after.split_once('>') else {
            out.push_str("&lt;");
            rest = after;
            break;
        };
        rest = after;
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "p" | "b" | "strong" | "i" | "em" | "u" | "ul" | "ol" | "li" | "br" => {
                let slash = if tag.starts_with('/') { "/" } else { "" };
                write!(out, "<{slash}{name}>").expect("a string");
            }
            "a" if !tag.starts_with('/') => {
                let (label, after) = rest.split_once("</a>").unwrap_or((rest, ""));
                rest = after;
                out.push_str(&html::link(&unescape(&href(tag)), &unescape(&plain(label))));
            }
            _ => {}
        }
    }
    out.push_str(&decoded(rest));
    out.push_str("</div>");
    out
}

fn decoded(text: &str) -> String {
    html::escape(&unescape(text))
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
}

/// The address in a link's tag.
fn href(tag: &str) -> String {
    let value = tag.split_once("href=").map(|(_, value)| value).unwrap_or_default();
    let quote = value.chars().next().filter(|letter| matches!(letter, '"' | '\''));
    let value = quote
        .and_then(|quote| value.split(quote).nth(1))
        .unwrap_or_else(|| value.split_whitespace().next().unwrap_or_default());
    value.to_owned()
}

/// Text without tags.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for letter in text.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            other if !inside => out.push(other),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_markup_stays_and_the_rest_goes() {
        let check = |source: &str, want: &str| {
            assert_eq!(
                simple_html(source),
                format!("<div class=\"text\">{want}</div>"),
                "{source}"
            );
        };
        check("<p>Đủ <b>ba</b> bước</p>", "<p>Đủ <b>ba</b> bước</p>");
        check("<p onclick=\"x()\">a</p>", "<p>a</p>");
        check("<script>alert(1)</script>", "alert(1)");
        check("a < b &amp; c", "a &lt; b &amp; c");
        check(
            "Xem <a href=\"https://vd.vn/l/k7?a=1&amp;b=2\"><b>tại đây</b></a>.",
            "Xem <a href=\"https://vd.vn/l/k7?a=1&amp;b=2\">tại đây</a>.",
        );
        check("<a href='javascript:alert(1)'>x</a>", "x");
    }
}
