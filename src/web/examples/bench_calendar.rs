//! How long a calendar takes: 2,000 posts in a month of a store of 100,000, asked one after the other.
//! `cargo run --release -p loa-web --example bench_calendar` prints median and p95 of each address in milliseconds.

#[path = "../tests/support/mod.rs"]
mod support;

use std::{io::Write as _, time::Instant};

use jiff::{SignedDuration, Timestamp};
use loa_model::{Actor, Delivery, DeliveryState, Digest, Post, PostState, Record as _};
use loa_store::{Changes, Store as _};
use loa_web::Session;
use support::{Pictures, World, records};
use tower::ServiceExt as _;

/// Posts in the month, and around it.
const MONTH: i64 = 2_000;
const REST: i64 = 98_000;
const ROUNDS: usize = 40;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let world = World::with(Pictures::smallest(), true).await;
    let november: Timestamp = "2026-11-01T00:00:00Z".parse().expect("an instant");
    let mut changes = Changes::by(records::by(), "fill");
    for n in 0..MONTH + REST {
        // The month evenly; the rest over the six years before it.
        let at = if n < MONTH {
            november + SignedDuration::from_mins(21 * n)
        } else {
            november - SignedDuration::from_mins(32 * (n - MONTH + 1))
        };
        // The randomness of the newsroom is too small for so many.
        let id = |kind: u8| format!("00000000-0000-7000-8000-{kind:02x}{n:010x}");
        let mut post = Post {
            id: id(1).parse().expect("a uuid"),
            scheduled_at: at,
            state: PostState::Approved,
            ..world.posts.draft.clone()
        };
        post.content.link.code = format!("c{n}");
        let post = records::approved(post, &world.people.approver);
        let planned = records::delivery(&world.ids, &post, DeliveryState::Scheduled);
        let delivery = Delivery { id: id(2).parse().expect("a uuid"), ..planned };
        changes = changes.insert(&post).insert(&delivery);
        if n % 500 == 499 {
            let full = std::mem::replace(&mut changes, Changes::by(records::by(), "fill"));
            world.store.commit(full).await.expect("the memory takes it");
        }
    }
    let user = &world.people.author;
    let token = "token";
    let expires_at = "2027-11-01T00:00:00Z".parse().expect("an instant");
    let session = Session::new(Digest::of(token.as_bytes()), user.id, expires_at);
    let signed_in = Changes::by(Actor::User(user.id), "sign in").insert(&session);
    world.store.commit(signed_in).await.expect("the memory takes it");
    let mut out = std::io::stdout();
    writeln!(out, "{} posts of {}, {ROUNDS} rounds", Post::TABLE, MONTH + REST)?;
    for path in [
        "/lich?xem=thang&ngay=2026-11-16",
        "/lich?xem=tuan&ngay=2026-11-16",
        "/lich?xem=danh-sach&ngay=2026-11-16",
        "/api/v1/calendar?from=2026-10-31T17:00:00Z&to=2026-11-30T17:00:00Z&limit=500",
    ] {
        let mut times = Vec::new();
        for _ in 0..=ROUNDS {
            let request = axum::http::Request::builder()
                .uri(path)
                .header("host", "loa.example")
                .header("cookie", format!("loa={token}"))
                .body(axum::body::Body::empty())
                .expect("a request");
            let start = Instant::now();
            let answer = world.router.clone().oneshot(request).await.expect("it never fails");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            let body = axum::body::to_bytes(answer.into_body(), 10_000_000).await;
            times.push((start.elapsed(), body.map_or(0, |body| body.len())));
        }
        // The first one fills caches.
        times.remove(0);
        times.sort();
        let ms = |n: usize| times.get(n).map_or(0.0, |(time, _)| time.as_secs_f64() * 1000.0);
        let bytes = times.first().map_or(0, |(_, bytes)| *bytes);
        writeln!(
            out,
            "{:6.1} {:6.1} ms {bytes:8} bytes {path}",
            ms(ROUNDS / 2),
            ms(ROUNDS * 95 / 100)
        )?;
    }
    Ok(())
}
