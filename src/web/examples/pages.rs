//! Serves the newsroom of the tests on a loopback port until Ctrl-C, so that the pages can be looked at:
//! `cargo run -p loa-web --example pages -- 8081` (add `empty` for a newsroom without articles, an MP4 file at the end for its clips). Sign in as `soan`,
//! `duyet` or `quantri` with the password printed. `states` adds a post in every state, urgent ones, incidents, a second agency, and an account that cannot post;
//! `measured` adds two months of measured posts, for the reports; `month` fills the calendar; `new` is an installation in which nobody is
//! yet, whose set-up code is printed; `api` adds tokens and tells the ids of records, for `tests/api`.

#[path = "../tests/support/mod.rs"]
mod support;

use loa_model::{Actor, Clock as _, DeliveryState, Digest, Priority, Role, VariantKind};
use loa_store::{Changes, Store as _};
use loa_web::{ApiToken, Scope};
use support::{PASSWORD, Pictures, SETUP_CODE, World};

/// Tokens of a person with every role, each with every scope, and the ids that programs may ask for.
async fn api(world: &World) -> String {
    const TOKENS: usize = 200;
    let person = world.colleague(&world.people.author, &Role::ALL).await;
    let now = world.clock.now();
    let made = |n: usize| ApiToken {
        digest: Digest::of(format!("loa_cases-{n:03}").as_bytes()),
        name: format!("{n}"),
        user: person.id,
        agency: person.agency.clone(),
        scopes: Scope::ALL.to_vec(),
        created_at: now,
        expires_at: now + jiff::SignedDuration::from_hours(24),
        last_used: None,
        revoked_at: None,
    };
    let tokens = (0..TOKENS).map(made);
    let changes = Changes::by(Actor::User(person.id), "make API token");
    let changes = tokens.fold(changes, |changes, token| changes.insert(&token));
    world.store.commit(changes).await.expect("new tokens");
    let posts = &world.posts;
    let posts = [&posts.draft, &posts.waiting, &posts.published, &posts.uncertain, &posts.returned];
    let records = serde_json::json!({
        "posts": posts.map(|post| post.id), "articles": [world.article.id],
        "users": [world.people.author.id, world.people.approver.id], "audit": ["1", "2", "3"],
    });
    format!("tokens: loa_cases- {TOKENS}\nrecords: {records}\n")
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut asked = std::env::args().skip(1);
    let port: u16 = asked.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let rest = asked.next().unwrap_or_default();
    let film = asked.next().unwrap_or_default();
    let clip = [&rest, &film].map(std::path::Path::new).into_iter().find(|path| path.is_file());
    // Cookies of https would not come back over plain http.
    let world = if rest == "new" {
        World::unfounded().await
    } else {
        World::at("http://localhost", Pictures::real(clip), rest != "empty").await
    };
    if rest == "states" {
        let (day, renewed) = ("2026-11-27", "2026-08-20T00:00:00Z");
        world.vault.put("facebook:cong-tin", &[("page_token", "x"), ("valid_until", day)]);
        world.vault.put("zalo:cong-tin", &[("access_token", "x"), ("rotated_at", renewed)]);
        world.vault.put("viber:cong-tin", &[("auth_token", "x")]);
        world.fill_queue().await;
        world.two_agencies().await;
        let posts = world.every_state().await;
        world.incidents_about(&posts[&DeliveryState::Published]).await;
        world.in_state("viber:cong-tin", DeliveryState::Uncertain).await;
        world.captioned().await;
        world.refuse_credentials("zalo:cong-tin").await;
        world.dead_letter("demo").await;
        world.feeds().await;
        world.queue("https://minhhoa.example/bao-so-9.htm", Priority::Urgent).await;
        world.queue("https://minhhoa.example/luu-tru-2019.htm", Priority::Backfill).await;
        for post in [&world.posts.waiting, &posts[&DeliveryState::Uncertain]] {
            world.set_priority(post, Priority::Urgent).await;
        }
        world.set_priority(&posts[&DeliveryState::Scheduled], Priority::Backfill).await;
        world.draws(VariantKind::LowBand).await;
        world.own_kits().await;
    }
    if rest == "empty" {
        world.agency_in("demo").await;
    }
    if rest == "measured" {
        world.two_months().await;
        world.several().await;
    }
    if rest == "month" {
        world.month().await;
    }
    let more = if rest == "api" { api(&world).await } else { String::new() };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    let line = format!(
        "http://localhost:{}  soan | duyet | quantri  {PASSWORD}\nlight page: /l/{}/nhe\narticle: /bai-viet/{}\n{more}",
        address.port(),
        world.posts.published.content.link.code,
        world.article.id,
    );
    let line = if rest == "new" { format!("{line}code: {SETUP_CODE}\n") } else { line };
    std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes())?;
    let stop = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    loa_web::serve(listener, world.router, stop).await
}
