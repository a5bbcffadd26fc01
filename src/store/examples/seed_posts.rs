//! Fills a new store with published posts, for the bench of the idle server: `seed_posts FOLDER COUNT`.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use jiff::ToSpan as _;
use loa_model::{
    Account, AccountName, AccountStatus, Actor, Approval, Clock, Delivery, DeliveryState, Link,
    Post, PostContent, PostFormat, PostState, Priority, Receipt, Timing,
    seams::{BoxFuture, SharedClock},
};
use loa_store::{Changes, Options, SledStore, Store as _};
use serde_json::json;

/// Posts of one commit.
const TOGETHER: u64 = 100;
const ACCOUNTS: u64 = 60;

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> jiff::Timestamp {
        "2026-11-22T05:00:00Z".parse().expect("an instant")
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("the folder is missing")?);
    let count = arguments.next().ok_or("the count is missing")?;
    let count: u64 = count.to_str().ok_or("the count is no number")?.parse()?;
    let clock: SharedClock = Arc::new(Noon);
    let store = SledStore::open(&folder, clock, Options::default())?;
    let by = |what: &str| Changes::by(Actor::Worker("bench".to_owned()), what);
    let mut accounts = by("add accounts");
    for n in 0..ACCOUNTS {
        accounts = accounts.insert(&account(n)?);
    }
    store.commit(accounts).await?;
    for first in (0..count).step_by(usize::try_from(TOGETHER)?) {
        let mut changes = by("publish posts");
        for n in first..count.min(first + TOGETHER) {
            let (post, delivery) = published(n)?;
            changes = changes.insert(&post).insert(&delivery);
        }
        store.commit(changes).await?;
    }
    Ok(())
}

fn name(n: u64) -> Result<AccountName, Box<dyn std::error::Error>> {
    Ok(format!("memory:tinh-{}", n % ACCOUNTS).parse()?)
}

fn account(n: u64) -> Result<Account, Box<dyn std::error::Error>> {
    let name = name(n)?;
    Ok(Account {
        remote_id: name.to_string(),
        name,
        agency: "demo".to_owned(),
        title: format!("Cổng thông tin điện tử tỉnh số {n}"),
        settings: BTreeMap::new(),
        status: AccountStatus::Active,
    })
}

/// A post that went out, and its delivery.
fn published(n: u64) -> Result<(Post, Delivery), Box<dyn std::error::Error>> {
    let id = format!("00000000-0000-7000-8000-{n:012}");
    let (account, code) = (name(n)?, format!("k{n}"));
    let at = Noon.now() - i64::try_from(n)?.seconds();
    let content = PostContent {
        format: PostFormat::Text,
        lang: "vi".to_owned(),
        title: String::new(),
        author: String::new(),
        text: format!(
            "Gần 2,5 triệu đồng hỗ trợ mỗi hộ dân vùng lũ sửa nhà, xã số {n}: danh sách, mức hỗ trợ và nơi nhận đơn"
        ),
        body: Vec::new(),
        media: Vec::new(),
        link: Link {
            url: format!("https://loa.example/l/{code}"),
            target: format!("https://tinh.example/bai-{n}"),
            code: code.clone(),
        },
        tags: Vec::new(),
    };
    let digest = content.digest(&account);
    let not_after = at + 48.hours();
    let post = Post {
        id: id.parse()?,
        agency: "demo".to_owned(),
        article: id.parse()?,
        revision: 1,
        account: account.clone(),
        content,
        state: PostState::Approved,
        scheduled_at: at,
        zone: "Asia/Ho_Chi_Minh".to_owned(),
        timing: Timing::Soon,
        priority: Priority::Normal,
        author: id.parse()?,
        editors: Vec::new(),
        rewritten: Vec::new(),
        approval: Some(Approval { digest, by: id.parse()?, at, not_before: at, not_after }),
        reason: String::new(),
        created_at: at,
    };
    let delivery = Delivery {
        state: DeliveryState::Published,
        attempt: 1,
        fence: 1,
        receipt: Some(Receipt {
            remote_id: n.to_string(),
            url: format!("https://platform.example/{n}"),
            raw: json!({ "id": n }),
            at,
        }),
        paid: true,
        ..Delivery::planned(id.parse()?, &post, (at, not_after), at)
    };
    Ok((post, delivery))
}
