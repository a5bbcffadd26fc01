//! Operations on an open house: what the command line asks for, the same over the socket and in this process.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp, civil::DateTime};
use loa_delivery::Lookout;
use loa_model::{
    Account, AccountName, Actor, Agency, Article, Delivery, DeliveryState, JobState, Login, Post,
    PostState, Priority, Role, User, Variant, VariantState, When, record::join, schedule,
};
use loa_review::Window;
use loa_store::{Changes, Expect, StoreExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{house::House, terminal};

/// Arguments of `loa publish`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Publish {
    pub(crate) source: String,
    pub(crate) to: Vec<String>,
    pub(crate) at: Option<String>,
    #[serde(default)]
    pub(crate) priority: Priority,
    pub(crate) author: Option<String>,
    pub(crate) approve_as: Option<String>,
    pub(crate) wait: bool,
}

/// How long an approved post may wait before it asks a person again.
const APPROVED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The whole flow of one source.
pub(crate) async fn publish(
    house: &Arc<House>,
    order: Publish,
    progress: &mpsc::Sender<Value>,
) -> anyhow::Result<Value> {
    let accounts: Vec<AccountName> =
        order.to.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
    let author = person(house, order.author.as_deref(), Role::Author).await?;
    let author = there(house, author, accounts.first()).await?;
    if !author.is_any(&[Role::Author, Role::Editor]) {
        bail!(
            "{0} không phải người soạn hay người biên tập nên không soạn bài, không đặt độ khẩn được · \
             {0} is neither author nor editor: only they compose posts and set their priority",
            author.login
        );
    }
    if order.approve_as.is_some() && !house.settings.demo {
        bail!(
            "--approve-as works only in a demo folder; here the posts wait for their approver under /duyet"
        );
    }
    for name in &accounts {
        let known = house.store.read::<Account>(name.as_str()).await?;
        if known.is_none_or(|row| row.record.agency != author.agency) {
            bail!(
                "agency {} has no account {name}; `loa status` lists its accounts",
                author.agency
            );
        }
    }
    let agency = agency(house, &author.agency).await?;
    let (when, note) = when(order.at.as_deref(), &agency.zone)?;
    for note in note.iter().flatten() {
        tell(progress, note.clone()).await;
    }
    tell(progress, format!("reading {}", order.source)).await;
    let (article, _) =
        house.flow.take_in(&order.source, &author.agency, order.priority, None).await?;
    tell(progress, format!("read “{}”, revision {}", article.title(), article.revision)).await;
    rendered(house, &article, progress).await?;
    let posts = compose(house, &article, &accounts, &author, when, order.priority).await?;
    tell(progress, format!("composed {} posts", posts.len())).await;
    submit(house, &posts, &author).await?;
    if let Some(login) = &order.approve_as {
        let approver = person(house, Some(login), Role::Approver).await?;
        let approver = there(house, approver, accounts.first()).await?;
        approve(house, &posts, &approver).await?;
        tell(progress, format!("approved by {}", approver.name)).await;
    } else {
        tell(progress, "waiting for an approver: open /duyet".to_owned()).await;
    }
    if order.wait && order.approve_as.is_some() {
        settled(house, &posts, progress, Duration::from_mins(10)).await?;
    }
    receipts(house, &article).await
}

/// Composes the default posts; those that exist already are kept.
pub(crate) async fn compose(
    house: &House,
    article: &Article,
    accounts: &[AccountName],
    author: &User,
    when: When,
    priority: Priority,
) -> anyhow::Result<Vec<Post>> {
    let of = (article.id, article.revision);
    let outcome = house.flow.compose_now(of, accounts, author.id, when, priority).await?;
    let outcome = outcome.context("the variants of the article are not drawn yet")?;
    if let Some(missing) = outcome.missing.first() {
        bail!(
            "the {:?} post for {} cannot be made: {} is missing",
            missing.format,
            missing.account,
            missing.what
        );
    }
    if let Some((post, violations)) = outcome.violations.first() {
        let broken: Vec<String> = violations
            .iter()
            .map(|v| format!("{} {} ({} / {})", v.field, v.problem, v.is, v.limit))
            .collect();
        bail!(
            "post {post} breaks limits of its channel: {}; edit it on its page, then submit",
            broken.join("; ")
        );
    }
    Ok(outcome.posts)
}

/// Hands every draft among these posts to the approvers.
pub(crate) async fn submit(house: &House, posts: &[Post], author: &User) -> anyhow::Result<()> {
    let capabilities = house.channels.capabilities();
    for post in posts {
        let now = house
            .store
            .read::<Post>(&post.id.to_string())
            .await?
            .context("the post is gone")?
            .record;
        if matches!(now.state, PostState::Draft | PostState::Returned) {
            let capability = capabilities
                .get(post.account.channel())
                .context("this build has no such channel")?;
            house.review.submit(author, post.id, capability).await?;
        }
    }
    Ok(())
}

/// Signs every post that waits among these, as it is stored now.
pub(crate) async fn approve(house: &House, posts: &[Post], approver: &User) -> anyhow::Result<()> {
    let capabilities = house.channels.capabilities();
    for post in posts {
        let now = house
            .store
            .read::<Post>(&post.id.to_string())
            .await?
            .context("the post is gone")?
            .record;
        if now.state == PostState::InReview {
            let capability = capabilities
                .get(post.account.channel())
                .context("this build has no such channel")?;
            let from = now.scheduled_at.max(house.now());
            let window = Window { not_before: from, not_after: from + APPROVED_FOR };
            house.review.approve(approver, post.id, now.digest(), window, capability).await?;
        }
    }
    Ok(())
}

/// Waits until every variant of the article is drawn or cannot be: nobody waits for one that was called off.
pub(crate) async fn rendered(
    house: &House,
    article: &Article,
    progress: &mpsc::Sender<Value>,
) -> anyhow::Result<()> {
    let key = join(&[&article.id.to_string(), &format!("{:06}", article.revision), ""]);
    let mut commits = house.store.watch();
    let mut board = house.board.subscribe();
    let mut last = String::new();
    loop {
        let briefed = !house.store.list::<Variant>("variant_by_article", &key, 1).await?.is_empty();
        // Asked after it is known that they are there.
        if briefed && house.review.drawing(article.id, article.revision).await?.is_empty() {
            let variants = house.store.list::<Variant>("variant_by_article", &key, 1000).await?;
            if let Some(failed) =
                variants.iter().find(|row| row.record.state == VariantState::Failed)
            {
                bail!("the {:?} could not be drawn: {}", failed.record.kind, failed.record.reason);
            }
            return Ok(());
        }
        let discarded = house.store.jobs(Some(JobState::Discarded), 50).await?;
        let about = |view: &loa_store::JobView| matches!(view.job.work, loa_model::JobKind::Brief { article: id, .. } if id == article.id);
        if let Some(view) = discarded.iter().find(|view| about(view)) {
            bail!("the article could not be briefed: {}", view.reason);
        }
        let now: Vec<String> = board
            .borrow_and_update()
            .values()
            .filter(|step| step.total > 0)
            .map(|step| {
                let tens = step.done * 10 / step.total * 10;
                format!("{} {tens} %", terminal::step(&step.step))
            })
            .collect();
        let line = now.join(", ");
        if !line.is_empty() && line != last {
            tell(progress, line.clone()).await;
            last = line;
        }
        tokio::select! {
            changed = commits.changed() => changed.context("the store is closed")?,
            changed = board.changed() => changed.context("the worker is gone")?,
        }
    }
}

/// Waits until no delivery of these posts moves any more by itself.
pub(crate) async fn settled(
    house: &House,
    posts: &[Post],
    progress: &mpsc::Sender<Value>,
    longest: Duration,
) -> anyhow::Result<()> {
    let mut commits = house.store.watch();
    let mut last: BTreeMap<String, DeliveryState> = BTreeMap::new();
    let wait = async {
        loop {
            let mut open = 0;
            for post in posts {
                let Some(delivery) = delivery_of(house, post).await? else { continue };
                let name = format!("{} {}", post.account, word(post.content.format)?);
                let moved = last.insert(name.clone(), delivery.state) != Some(delivery.state);
                if moved && let Some(state) = terminal::state(delivery.state) {
                    let why = if delivery.reason.is_empty() {
                        String::new()
                    } else {
                        format!(": {}", delivery.reason)
                    };
                    tell(progress, format!("{name} {state}{why}")).await;
                }
                let rests = delivery.state.is_terminal()
                    || matches!(delivery.state, DeliveryState::Published | DeliveryState::Held)
                    || (delivery.state == DeliveryState::Uncertain && !reads_back(house, post));
                open += usize::from(!rests);
            }
            if open == 0 {
                return anyhow::Ok(());
            }
            commits.changed().await.context("the store is closed")?;
        }
    };
    match tokio::time::timeout(longest, wait).await {
        Ok(result) => result,
        Err(_) => bail!(
            "some posts are still on their way; `loa status` shows them, and they go on by themselves"
        ),
    }
}

fn reads_back(house: &House, post: &Post) -> bool {
    let capabilities = house.channels.capabilities();
    let found = capabilities.get(post.account.channel());
    found.is_some_and(|capability| capability.read_back != loa_model::capability::ReadBack::None)
}

/// The newest delivery of a post.
pub(crate) async fn delivery_of(house: &House, post: &Post) -> anyhow::Result<Option<Delivery>> {
    let found = house.store.list::<Delivery>("delivery_by_post", &post.id.to_string(), 50).await?;
    Ok(found.into_iter().map(|row| row.record).max_by_key(|delivery| delivery.created_at))
}

/// Posts of an article with their receipts.
pub(crate) async fn receipts(house: &House, article: &Article) -> anyhow::Result<Value> {
    let posts = house.store.list::<Post>("post_by_article", &article.id.to_string(), 1000).await?;
    let mut listed = Vec::new();
    for row in posts.iter().filter(|row| row.record.revision == article.revision) {
        let post = &row.record;
        let delivery = delivery_of(house, post).await?;
        let state = match (&delivery, post.state) {
            (Some(delivery), PostState::Approved) => delivery.state.name().to_owned(),
            (_, state) => word(state)?,
        };
        listed.push(json!({
            "post": post.id,
            "account": post.account,
            "format": post.content.format,
            "state": state,
            "priority": post.priority,
            "digest": post.digest(),
            "link": post.content.link.url,
            "marker": post.content.link.code,
            "reason": delivery.as_ref().map_or(&post.reason, |delivery| &delivery.reason),
            "receipt": delivery.and_then(|delivery| delivery.receipt),
        }));
    }
    Ok(
        json!({ "article": article.id, "revision": article.revision, "title": article.title(), "posts": listed }),
    )
}

/// A closed word as records and JSON write it.
fn word(value: impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_value(value)?.as_str().unwrap_or_default().to_owned())
}

/// What should have moved so long ago, and nothing holds back, is overdue.
const OVERDUE: SignedDuration = SignedDuration::from_mins(1);

/// What is queued, running, live, unclear.
pub(crate) async fn status(house: &House) -> anyhow::Result<Value> {
    let mut deliveries: BTreeMap<&str, usize> = BTreeMap::new();
    let mut uncertain = Vec::new();
    for state in DeliveryState::ALL {
        let found =
            house.store.count_under("delivery_by_state", &join(&[state.name(), ""])).await?;
        if found > 0 {
            deliveries.insert(state.name(), found);
        }
    }
    for row in house.store.list::<Delivery>("delivery_by_state", "uncertain", 1_000).await? {
        uncertain.push(json!({ "delivery": row.record.id, "account": row.record.account, "reason": row.record.reason }));
    }
    let mut jobs: BTreeMap<String, usize> = BTreeMap::new();
    for (state, count) in house.store.count_jobs().await? {
        jobs.insert(word(state)?, count);
    }
    let mut accounts = Vec::new();
    let mut lookout = Lookout::new(&*house.store, &house.settings.delivery, house.now());
    for row in house.store.all::<Account>(10_000).await? {
        accounts.push(account_status(house, &mut lookout, &row.record).await?);
    }
    let mut incidents = 0;
    for agency in house.store.all::<Agency>(1000).await? {
        let open = house.desk.open_incidents(&agency.record.name, 1000).await;
        incidents +=
            open.map_err(|error| anyhow::anyhow!("incidents cannot be read: {error}"))?.len();
    }
    let overdue = house.desk.overdue(OVERDUE).await;
    let overdue = overdue.map_err(|error| anyhow::anyhow!("what waits cannot be read: {error}"))?;
    let articles = house.store.count_under("article_by_time", "").await?;
    let mut variants: BTreeMap<String, u64> = BTreeMap::new();
    for row in house.store.all::<Variant>(1_000_000).await? {
        *variants.entry(word(row.record.state)?).or_default() += 1;
    }
    Ok(json!({
        "seq": house.store.last_seq(),
        "at": house.now(),
        "articles": articles,
        "variants": variants,
        "jobs": jobs,
        "deliveries": deliveries,
        "uncertain": uncertain,
        "incidents": incidents,
        "overdue": overdue.len(),
        "accounts": accounts,
    }))
}

/// One account: whether it may post, when the next post of each format could go, its next free slot, and what is left of the
/// allowances of its channel. Of a channel that this build does not know only the first.
async fn account_status(
    house: &House,
    lookout: &mut Lookout<'_>,
    account: &Account,
) -> anyhow::Result<Value> {
    let mut told = json!({ "name": account.name, "agency": account.agency, "title": account.title, "status": account.status });
    let capabilities = house.channels.capabilities();
    if let Some(capability) = capabilities.get(account.name.channel()) {
        let outlook = lookout.of(account, capability).await?;
        let slot = house.review.next_slot(&account.name).await?;
        told["next_free"] = json!(outlook.next_free);
        told["next_slot"] = json!(slot.map(|slot| slot.at));
        told["quota_left"] = json!(outlook.quota_left);
    }
    Ok(told)
}

/// Ledger, index and every invariant of delivery, as records stand and as the ledger tells that they came about.
pub(crate) async fn verify(house: &House) -> anyhow::Result<Value> {
    let report = house.sled.verify().await?;
    let mut broken = Vec::new();
    let mut deliveries = 0;
    if report.is_sound() {
        let capabilities = house.channels.capabilities().into_iter();
        let rules = capabilities.map(|(channel, capability)| (channel, capability.pace)).collect();
        let checked = loa_delivery::check(&*house.store, &rules).await?;
        broken.extend(checked.broken.iter().map(ToString::to_string));
        deliveries = checked.deliveries;
    } else {
        // There is no history to judge by.
        broken.push(
            "sổ cái hoặc chỉ mục bị hỏng, xem store.flaws: chỉ mục thì chạy loa rebuild, sổ cái thì phục hồi bản sao lưu · \
             the ledger or its index is damaged, see store.flaws: loa rebuild mends the index, a backup the ledger"
                .to_owned(),
        );
    }
    let sound = broken.is_empty();
    Ok(json!({ "sound": sound, "store": report, "deliveries": deliveries, "broken": broken }))
}

/// Arguments of `loa user`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NewUser {
    pub(crate) login: String,
    pub(crate) name: String,
    pub(crate) agency: String,
    pub(crate) roles: Vec<String>,
    pub(crate) password_hash: String,
}

/// Adds a person, or replaces name, roles and password of one.
pub(crate) async fn add_user(house: &House, new: NewUser) -> anyhow::Result<Value> {
    if house.store.read::<Agency>(&new.agency).await?.is_none() {
        bail!("there is no agency {:?}: list it under [[agencies]] in the settings", new.agency);
    }
    let roles: Vec<Role> = new
        .roles
        .iter()
        .map(|role| {
            serde_json::from_value(json!(role)).with_context(|| {
                format!("{role:?} is not a role: author, editor, approver, analyst or admin")
            })
        })
        .collect::<anyhow::Result<_>>()?;
    let known = login(house, &new.login).await?;
    let is_known = known.is_some();
    let mut also = known.as_ref().map(|user| user.also.clone()).unwrap_or_default();
    also.retain(|there| there.agency != new.agency);
    let user = User {
        id: known.map_or_else(|| house.ids.make(), |user| user.id),
        agency: new.agency,
        login: new.login,
        name: new.name,
        roles,
        also,
        password_hash: new.password_hash,
        lang: "vi".to_owned(),
        deactivated_at: None,
        must_renew: true,
    };
    let actor = Actor::Operator("command line".to_owned());
    // The pages take a sign-in name by this record, so a name that is new here is not taken there at the same moment.
    let name = Login { login: user.login.clone(), user: user.id };
    let expect = if is_known { Expect::Any } else { Expect::Absent };
    let changes = Changes::by(actor, "set user").put(&user, Expect::Any).put(&name, expect);
    house.store.commit(changes).await?;
    Ok(json!({ "user": user.id, "login": user.login }))
}

/// A person by sign-in name.
pub(crate) async fn login(house: &House, login: &str) -> anyhow::Result<Option<User>> {
    let found = house.store.list::<User>("user_by_login", login, 10).await?;
    Ok(found.into_iter().map(|row| row.record).find(|user| user.login == login))
}

/// The person who signs in with this name.
pub(crate) async fn named(house: &House, name: &str) -> anyhow::Result<User> {
    login(house, name).await?.with_context(|| {
        format!(
            "không ai đăng nhập bằng {name:?}, hãy thêm bằng `loa user` · \
             nobody signs in as {name:?}; add people with `loa user`"
        )
    })
}

async fn person(house: &House, name: Option<&str>, role: Role) -> anyhow::Result<User> {
    if let Some(name) = name {
        return named(house, name).await;
    }
    let all = house.store.all::<User>(10_000).await?;
    let mut fitting = all.into_iter().map(|row| row.record).filter(|user| user.is(role));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => bail!("nobody has the role {role:?}; add people with `loa user`"),
        (Some(_), Some(_)) => bail!("several people have the role {role:?}; say who with --as"),
    }
}

/// The person as they are in the agency of an account; as they are at home without one, or when they do not work there.
async fn there(house: &House, person: User, of: Option<&AccountName>) -> anyhow::Result<User> {
    let Some(name) = of else { return Ok(person) };
    let account = house.store.read::<Account>(name.as_str()).await?;
    Ok(account.and_then(|row| person.in_agency(&row.record.agency)).unwrap_or(person))
}

/// An agency by its short name.
pub(crate) async fn agency(house: &House, name: &str) -> anyhow::Result<Agency> {
    let found = house.store.read::<Agency>(name).await?.map(|row| row.record);
    found.with_context(|| format!("there is no agency {name:?}"))
}

/// What a person wrote after `--at`: an instant, wall time of the agency, or `next` for the next slot of each account. With it
/// what they must know, in both languages, should the clock skip or repeat that wall time.
pub(crate) fn when(text: Option<&str>, zone: &str) -> anyhow::Result<(When, Option<[String; 2]>)> {
    let Some(text) = text else { return Ok((When::Soon, None)) };
    if text == "next" {
        return Ok((When::NextSlot, None));
    }
    let zone = schedule::zone(zone)?;
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok((When::At { at, wall: zone.to_datetime(at) }, None));
    }
    let wall: DateTime = text.parse().with_context(|| {
        format!("{text:?} is not a time like 2026-11-22T07:30 or 2026-11-22T00:30:00Z, nor next")
    })?;
    let meant = schedule::meant(wall, &zone)?;
    let note = meant.say(wall, "vi").zip(meant.say(wall, "en")).map(|(vi, en)| [vi, en]);
    Ok((When::At { at: meant.at, wall }, note))
}

pub(crate) async fn tell(progress: &mpsc::Sender<Value>, text: String) {
    // Nobody listens any more when the command was interrupted: the work goes on.
    if progress.send(Value::String(text)).await.is_err() {
        tracing::debug!("Nobody listens to the progress");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_agency_s_own_and_people_are_told_when_it_is_not_clear() {
        let read = |text: &str, zone: &str| when(Some(text), zone).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let told = |(when, note): (When, Option<[String; 2]>)| match when {
            When::At { at, wall } => (at, wall.to_string(), note.is_some()),
            other => panic!("{other:?}"),
        };
        let plain = told(read("2026-11-22T07:30", "Asia/Ho_Chi_Minh"));
        assert_eq!(plain, (at("2026-11-22T00:30:00Z"), "2026-11-22T07:30:00".into(), false));
        let skipped = told(read("2026-03-29T02:30", "Europe/Berlin"));
        assert_eq!(skipped, (at("2026-03-29T01:30:00Z"), "2026-03-29T02:30:00".into(), true));
        let instant = told(read("2026-11-22T00:30:00Z", "Europe/Berlin"));
        assert_eq!(instant, (at("2026-11-22T00:30:00Z"), "2026-11-22T01:30:00".into(), false));
        assert_eq!(read("next", "UTC").0, When::NextSlot);
        assert_eq!(when(None, "UTC").unwrap().0, When::Soon);
        assert!(when(Some("mai"), "UTC").is_err() && when(Some("2026-11-22T07:30"), "X").is_err());
    }
}
